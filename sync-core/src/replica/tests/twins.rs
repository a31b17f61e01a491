//! Records that may be one: what people say of them, on all phones.

use super::*;
use crate::schema::SchemaAddition;
use crate::view::twins::Pair;

const BOTH: &[(&str, &str)] = &[("name", "周桂芳"), ("birth_year", "1948")];

impl Phone {
    fn pairs(&self) -> Vec<Pair> {
        self.replica.twins().unwrap().pairs().to_vec()
    }

    fn settle(
        &mut self,
        one: RecordId,
        two: RecordId,
        finding: Finding,
    ) -> Result<bool, ReplicaError> {
        self.now += 1000;
        self.with_moment(|replica, moment| replica.settle_twins((one, two), finding, moment))
    }

    fn village(&mut self, name: &str) -> LaneId {
        self.with_moment(|replica, moment| replica.add_space(name, moment))
            .unwrap()
    }

    /// The pairs as a program finds them that opens the store now.
    fn pairs_anew(&self) -> Vec<Pair> {
        let signer = Arc::clone(&self.replica.mind.signer);
        let opened = Replica::open(backup(&self.replica), signer).unwrap();
        opened.twins().unwrap().pairs().to_vec()
    }
}

/// Two who look after all villages, and one person's record in each of two villages.
fn scene() -> (Phone, Phone, [RecordId; 2]) {
    let (mut founder, _, first) = village();
    let second = founder.village("朗心村");
    let role = Role::Coordinator;
    let mut other = join_by_hand(&mut founder, Scope::Community, role, 3, "何丽");
    meet(&mut other, &mut founder);
    let one = founder.put("resident", first, BOTH);
    let two = founder.put("resident", second, BOTH);
    meet(&mut other, &mut founder);
    (founder, other, [one, two])
}

#[test]
fn pair_of_two_villages_is_settled_for_everybody_and_opened_again() {
    let (mut founder, mut other, [one, two]) = scene();
    for phone in [&founder, &other] {
        let pairs = phone.pairs();
        assert_eq!((pairs[0].first, pairs[0].second), (one, two));
        assert_eq!(pairs.len(), 1);
    }
    assert!(other.settle(two, one, Finding::Same).unwrap());
    assert!(!other.settle(one, two, Finding::Same).unwrap());
    meet(&mut other, &mut founder);
    for phone in [&founder, &other] {
        assert!(phone.pairs().is_empty() && phone.pairs_anew().is_empty());
        let twins = phone.replica.twins().unwrap();
        assert_eq!(twins.group_of(&two), [one, two]);
        assert_eq!(
            phone.titles(),
            ["周桂芳", "周桂芳"],
            "both records are there"
        );
    }
    let history = founder.replica.history(two).unwrap();
    let last = history.last().unwrap();
    assert!(last.by == "何丽" && last.changes[0].field == "same_as");
    assert!(founder.settle(one, two, Finding::Open).unwrap());
    meet(&mut other, &mut founder);
    assert_eq!(other.pairs().len(), 1);
    assert_eq!(other.pairs(), other.pairs_anew());
    assert!(other.settle(one, two, Finding::Other).unwrap());
    meet(&mut other, &mut founder);
    assert!(founder.pairs().is_empty());
    assert_eq!(founder.replica.twins().unwrap().group_of(&two), [two]);
}

#[test]
fn two_who_say_the_opposite_at_the_same_time_are_asked_again() {
    let (mut founder, mut other, [one, two]) = scene();
    founder.settle(one, two, Finding::Same).unwrap();
    other.settle(one, two, Finding::Other).unwrap();
    meet(&mut other, &mut founder);
    for phone in [&founder, &other] {
        assert_eq!(phone.pairs().len(), 1);
        assert_eq!(phone.replica.twins().unwrap().group_of(&two), [two]);
    }
    founder.settle(one, two, Finding::Same).unwrap();
    meet(&mut other, &mut founder);
    assert!(other.pairs().is_empty());
    assert_eq!(other.replica.twins().unwrap().first_of(&two), one);
}

#[test]
fn two_who_say_the_same_at_the_same_time_leave_no_conflict() {
    let (mut founder, mut other, [one, two]) = scene();
    founder.settle(one, two, Finding::Same).unwrap();
    other.settle(two, one, Finding::Same).unwrap();
    meet(&mut other, &mut founder);
    let conflicts = |phone: &Phone| phone.replica.status().unwrap().conflicts;
    assert_eq!((conflicts(&founder), conflicts(&other)), (0, 0));
}

#[test]
fn copies_of_copies_lead_to_one_record() {
    let (mut founder, _, [one, two]) = scene();
    let third = founder.village("南沙村");
    let three = founder.put("resident", third, BOTH);
    founder.settle(two, three, Finding::Same).unwrap();
    // Of a copy the record that it is a copy of is meant.
    founder.settle(one, three, Finding::Same).unwrap();
    let group = |of| founder.replica.twins().unwrap().group_of(&of);
    for record in [one, two, three] {
        assert_eq!(group(record), [one, two, three]);
    }
    assert!(!founder.settle(one, three, Finding::Same).unwrap());
}

#[test]
fn pairs_follow_edits_erasures_and_other_schemas() {
    let (mut founder, mut other, [one, two]) = scene();
    assert_eq!((founder.pairs().len(), other.pairs().len()), (1, 1));
    founder.with_moment(|replica, moment| {
        let edits = [FieldEdit::set("birth_year", Value::Number(1975))];
        replica.edit(two, &edits, moment).unwrap();
    });
    assert!(founder.pairs().is_empty() && founder.pairs_anew().is_empty());
    founder.edit(one, "phone", "15800000213");
    founder.with_moment(|replica, moment| {
        let edits = [
            FieldEdit::set("birth_year", Value::Number(1948)),
            FieldEdit::set("phone", Value::Text("158 0000 0213".to_owned())),
        ];
        replica.edit(two, &edits, moment).unwrap();
    });
    meet(&mut other, &mut founder);
    assert_eq!(other.pairs(), founder.pairs());
    assert_eq!(other.pairs(), other.pairs_anew());
    let words = r#"{"id": "words", "version": 1, "kinds": [{"name": "resident",
        "labels": {"zh": "街坊", "en": "Neighbour"}, "fields": []}]}"#;
    let words = SchemaAddition::parse(words).unwrap();
    founder
        .with_moment(|replica, moment| replica.extend_schema(&words, moment))
        .unwrap();
    assert_eq!(founder.pairs().len(), 1);
    founder
        .with_moment(|replica, moment| replica.erase(&[one], moment))
        .unwrap();
    meet(&mut other, &mut founder);
    for phone in [&founder, &other] {
        assert!(phone.pairs().is_empty() && phone.pairs_anew().is_empty());
    }
}

#[test]
fn what_cannot_be_said_is_refused_and_nothing_is_written() {
    let (mut founder, mut volunteer, first) = village();
    let second = founder.village("朗心村");
    let one = founder.put("resident", first, BOTH);
    let two = founder.put("resident", second, BOTH);
    let home = founder.put("household", first, &[("door", "12号")]);
    for (a, b) in [(one, one), (one, home)] {
        for finding in [Finding::Same, Finding::Other] {
            let refused = founder.settle(a, b, finding).unwrap_err();
            let is_link = matches!(refused, ReplicaError::Field(FieldError::WrongLink { .. }));
            assert!(is_link, "{refused}");
        }
    }
    let visits = [visit(&mut founder, first), visit(&mut founder, first)];
    let refused = founder.settle(visits[0], visits[1], Finding::Same);
    assert!(matches!(refused, Err(ReplicaError::Field(_))));
    meet(&mut volunteer, &mut founder);
    // The other village's record is not there for the volunteer.
    let unknown = volunteer.settle(one, two, Finding::Same).unwrap_err();
    assert_eq!(unknown, ReplicaError::UnknownRecord(two.to_string()));
    let role = Role::Observer;
    let mut observer = join_by_hand(&mut founder, Scope::Community, role, 4, "黄敏");
    meet(&mut observer, &mut founder);
    assert_eq!(observer.pairs().len(), 1);
    let refused = observer.settle(one, two, Finding::Same);
    assert!(matches!(refused, Err(ReplicaError::NotAllowed { .. })));
    assert_eq!(observer.pairs().len(), 1);
}
