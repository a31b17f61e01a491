//! States of records: what is refused before it is written, and what is held when it was written all the same.

use super::*;
use crate::record::NewChange;
use crate::replica::Removal;
use crate::replica::edit::Edited;
use crate::schema::{Edit, FieldError, Kind, StateError};

impl Phone {
    fn moves(&mut self, record: RecordId, fields: &[&str]) -> Result<Edited, ReplicaError> {
        let kind = self.kind_of(record);
        let args: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let edits = kind.parse_assignments(&args)?;
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        self.now += 1000;
        self.replica.edit(record, &edits, moment)
    }

    /// Writes what an honest device would refuse to.
    pub(super) fn cheats(&mut self, record: RecordId, fields: &[&str]) {
        let kind = self.kind_of(record);
        let args: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let edits = kind.parse_assignments(&args).unwrap();
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        self.now += 1000;
        let edit = |mind: &Mind, kind: &Kind, doc: &mut crate::record::RecordDoc| {
            let made: Option<NewChange> = doc.edit(mind.actor(), now, kind, &edits)?;
            Ok(made)
        };
        let cheated = self
            .replica
            .write(moment, |tx, mind, _| mind.change(tx, record, edit));
        assert!(cheated.unwrap().is_changed);
    }

    fn kind_of(&self, record: RecordId) -> Kind {
        let kind = self.replica.show(record).unwrap().kind;
        self.replica.schema().kind(&kind).unwrap().clone()
    }

    fn field(&self, record: RecordId, field: &str) -> Option<serde_json::Value> {
        let fields = self.replica.show(record).unwrap().fields.into_iter();
        let found = fields
            .filter(|view| view.name == field)
            .map(|view| view.value);
        found.into_iter().next_back()
    }

    fn state(&self, record: RecordId) -> String {
        let state = self.field(record, "state").unwrap();
        state.as_str().unwrap().to_owned()
    }

    fn claims(&mut self, space: LaneId) -> RecordId {
        let device = self.replica.device();
        let member = self
            .replica
            .roster()
            .member_id(&device)
            .unwrap()
            .to_string();
        let fields = [
            ("what", "量血压"),
            ("member", member.as_str()),
            ("date", "2026-03-04"),
            ("minutes", "1小时30分"),
        ];
        self.put("hours", space, &fields)
    }
}

fn refusal(refused: Result<Edited, ReplicaError>) -> StateError {
    match refused {
        Err(ReplicaError::State { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_begin_in_their_first_state_and_typed_values_are_in_the_row() {
    let (mut founder, _, space) = village();
    let record = visit(&mut founder, space);
    assert_eq!(founder.state(record), "draft");
    let claim = founder.claims(space);
    assert_eq!(founder.state(claim), "claimed");
    assert_eq!(founder.field(claim, "minutes"), Some(90.into()));
    let session = founder.put(
        "session",
        space,
        &[("title", "议事会"), ("starts", "2026-03-01 14:30")],
    );
    founder
        .moves(session, &["agenda+=路灯", "agenda+=[x] 停车"])
        .unwrap();
    let member = founder
        .replica
        .roster()
        .members()
        .keys()
        .next()
        .unwrap()
        .to_string();
    founder
        .moves(session, &[&format!("attendees+={member}")])
        .unwrap();
    let row = founder.replica.store().row(&session).unwrap().unwrap();
    let fields: serde_json::Value = serde_json::from_str(&row.fields).unwrap();
    assert_eq!(fields["attendees"], serde_json::json!([member]));
    let agenda = fields["agenda"].as_array().unwrap();
    assert_eq!(
        (&agenda[0]["text"], &agenda[1]["done"]),
        (&"路灯".into(), &true.into())
    );
    assert_eq!(agenda[0]["id"].as_str().unwrap().len(), 8);
    let history = founder.replica.history(session).unwrap();
    let deeds: Vec<&str> = history
        .last()
        .unwrap()
        .changes
        .iter()
        .map(|it| it.deed)
        .collect();
    assert_eq!(deeds, ["added"]);
}

#[test]
fn forbidden_move_is_refused_before_anything_is_written() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    let pending = volunteer.replica.pending_count();
    let refused = volunteer.moves(record, &["state=accepted", "mood=calm"]);
    let (to, least) = ("accepted".to_owned(), Role::Lead);
    assert_eq!(refusal(refused), StateError::NotAllowed { to, least });
    assert_eq!(volunteer.replica.pending_count(), pending);
    volunteer.moves(record, &["state=submitted"]).unwrap();
    meet(&mut volunteer, &mut founder);
    let refused = founder.moves(record, &["state=returned"]);
    let to = "returned".to_owned();
    assert_eq!(refusal(refused), StateError::NoReason { to });
    founder
        .moves(record, &["state=returned", "reason=请补充日期"])
        .unwrap();
    meet(&mut volunteer, &mut founder);
    assert_eq!(volunteer.state(record), "returned");
    let refused = volunteer.moves(record, &["state=submitted"]);
    assert!(matches!(refusal(refused), StateError::NotFromHere { .. }));
    volunteer.moves(record, &["state=resubmitted"]).unwrap();
    meet(&mut volunteer, &mut founder);
    founder.moves(record, &["state=accepted"]).unwrap();
}

#[test]
fn hours_count_once_another_has_confirmed_them() {
    let (mut founder, mut volunteer, space) = village();
    let claim = volunteer.claims(space);
    let refused = volunteer.moves(claim, &["state=confirmed"]);
    let to = "confirmed".to_owned();
    assert_eq!(refusal(refused), StateError::NotYourOwn { to });
    meet(&mut volunteer, &mut founder);
    founder.moves(claim, &["state=confirmed"]).unwrap();
    meet(&mut volunteer, &mut founder);
    assert_eq!(volunteer.state(claim), "confirmed");
    assert!(volunteer.holds().is_empty() && founder.holds().is_empty());
}

#[test]
fn who_confirms_their_own_hours_all_the_same_is_held_and_does_not_slip_in_by_writing_on() {
    let (mut founder, mut volunteer, space) = village();
    let scope = Scope::Space(space);
    let mut other = join_by_hand(&mut founder, scope, Role::Volunteer, 3, "何姐");
    let claim = volunteer.claims(space);
    meet(&mut volunteer, &mut founder);
    meet(&mut other, &mut founder);
    volunteer.cheats(claim, &["state=confirmed"]);
    volunteer.cheats(claim, &["evidence=签到表"]);
    meet(&mut volunteer, &mut founder);
    assert_eq!(founder.state(claim), "claimed");
    assert_eq!(founder.holds(), [Hold::StateNotAllowed, Hold::Waiting]);
    // Another, who has heard of nothing, confirms; then all meet.
    other.moves(claim, &["state=confirmed"]).unwrap();
    meet(&mut other, &mut founder);
    meet(&mut other, &mut founder);
    assert_eq!(founder.state(claim), "confirmed");
    assert_eq!(other.state(claim), "confirmed");
    assert_eq!(other.holds(), founder.holds());
    let digest = |phone: &Phone| phone.replica.view_digest(&space).unwrap();
    assert_eq!(digest(&other), digest(&founder));
}

#[test]
fn a_beginning_with_a_state_that_its_author_may_not_set_is_held() {
    let (mut founder, mut volunteer, space) = village();
    let claim = volunteer.claims(space);
    volunteer.cheats(claim, &["state=confirmed"]);
    // All of it comes at once: the beginning is good, what follows is not.
    meet(&mut volunteer, &mut founder);
    assert_eq!(founder.state(claim), "claimed");
    assert_eq!(founder.holds(), [Hold::StateNotAllowed]);
}

#[test]
fn a_state_that_is_no_plain_word_or_none_is_nobodys_to_set() {
    use automerge::transaction::Transactable;
    use automerge::{AutomergeError, ObjType, ROOT};
    type Operations =
        fn(&mut automerge::transaction::Transaction<'_>) -> Result<(), AutomergeError>;
    let ways: [Operations; 4] = [
        |tx| tx.delete(ROOT, "state"),
        |tx| tx.put(ROOT, "state", 7),
        |tx| {
            let text = tx.put_object(ROOT, "state", ObjType::Text)?;
            tx.splice_text(&text, 0, 0, "confirmed")
        },
        |tx| {
            tx.put(ROOT, "what", "x")?;
            tx.put(ROOT, "state", "confirmed")
        },
    ];
    for operations in ways {
        let (mut founder, mut volunteer, space) = village();
        let claim = volunteer.claims(space);
        let (now, mut rng) = volunteer.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        let write = |tx: &mut dyn StoreTx, mind: &mut Mind, _: &mut Moment<'_>| {
            mind.change(tx, claim, |mind, _, doc| {
                Ok(doc.edit_raw(mind.actor(), now, operations)?)
            })
        };
        volunteer.replica.write(moment, write).unwrap();
        meet(&mut volunteer, &mut founder);
        assert_eq!(founder.state(claim), "claimed");
        assert_eq!(founder.holds(), [Hold::StateNotAllowed]);
    }
}

#[test]
fn work_that_others_built_on_a_state_stays_when_its_author_had_lost_the_rank() {
    let (mut founder, mut volunteer, space) = village();
    let scope = Scope::Space(space);
    let mut lead = join_by_hand(&mut founder, scope, Role::Lead, 3, "何姐");
    let device = lead.replica.device();
    let member = founder.replica.roster().member_id(&device).unwrap();
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    founder
        .replica
        .grant(member, scope, Role::Volunteer, moment)
        .unwrap();
    let records = [visit(&mut volunteer, space), visit(&mut volunteer, space)];
    for record in records {
        volunteer.moves(record, &["state=submitted"]).unwrap();
    }
    for _ in 0..2 {
        meet(&mut volunteer, &mut founder);
        meet(&mut lead, &mut founder);
    }
    // The rank is taken away while they are out of reach; a volunteer who meets them does not know.
    let demotion = Removal::Role(member, scope, Role::Lead);
    founder.replica.revoke(&demotion, moment).unwrap();
    for record in records {
        lead.moves(record, &["state=accepted"]).unwrap();
    }
    lead.moves(records[1], &["mood=worried"]).unwrap();
    meet(&mut volunteer, &mut lead);
    volunteer.moves(records[0], &["mood=happy"]).unwrap();
    for _ in 0..2 {
        meet(&mut volunteer, &mut founder);
        meet(&mut lead, &mut founder);
    }
    for phone in [&founder, &volunteer] {
        assert_eq!(phone.state(records[0]), "accepted");
        assert_eq!(phone.field(records[0], "mood"), Some("happy".into()));
        assert_eq!(phone.state(records[1]), "submitted");
        let mut holds = phone.holds();
        holds.sort_unstable();
        assert_eq!(holds, [Hold::BuiltOn, Hold::StateNotAllowed, Hold::Waiting]);
    }
}

#[test]
fn home_that_two_write_down_at_once_is_one_record() {
    let (mut founder, mut volunteer, space) = village();
    let one = founder.put("household", space, &[("door", "仁和里12号"), ("size", "3")]);
    let other = volunteer.put(
        "household",
        space,
        &[("door", "仁和里 １２号"), ("tags", "elder_alone")],
    );
    assert_eq!(one, other);
    meet(&mut volunteer, &mut founder);
    for phone in [&founder, &volunteer] {
        assert_eq!(phone.replica.list(&RowFilter::default()).unwrap().len(), 1);
        assert_eq!(phone.field(one, "size"), Some(3.into()));
        assert_eq!(
            phone.field(one, "tags"),
            Some(serde_json::json!(["elder_alone"]))
        );
    }
    let kind = founder.replica.schema().kind("household").unwrap();
    let kind = kind.clone();
    let again = [kind.parse_edit("door", "仁和里12号").unwrap()];
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let refused = founder.replica.create("household", space, &again, moment);
    assert_eq!(refused, Err(ReplicaError::AlreadyThere(one.short())));
    let next_door = [kind.parse_edit("door", "仁和里13号").unwrap()];
    assert!(
        founder
            .replica
            .create("household", space, &next_door, moment)
            .is_ok()
    );
    let elsewhere = founder.replica.add_space("仙湖村", moment).unwrap();
    assert!(
        founder
            .replica
            .create("household", elsewhere, &again, moment)
            .is_ok()
    );
    let long = [kind.parse_edit("door", &"户".repeat(200)).unwrap()];
    let refused = founder.replica.create("household", space, &long, moment);
    assert!(matches!(
        refused,
        Err(ReplicaError::Field(FieldError::TooLong { .. }))
    ));
}

#[test]
fn links_lead_to_records_of_the_kinds_that_the_field_takes() {
    let (mut founder, _, space) = village();
    let record = visit(&mut founder, space);
    let door = founder.put("household", space, &[("door", "12号")]);
    let refused = founder.moves(record, &[&format!("home={record}")]);
    let (field, kinds) = ("home".to_owned(), "household".to_owned());
    assert_eq!(
        refused,
        Err(ReplicaError::Field(FieldError::WrongLink { field, kinds }))
    );
    founder.moves(record, &[&format!("home={door}")]).unwrap();
    // One that is not here may be in a village that this device does not read.
    founder
        .moves(record, &["needs+=aaaqeayeaudaocajbifqydiob4"])
        .unwrap();
    assert!(founder.moves(record, &[&format!("needs+={door}")]).is_err());
}

#[test]
fn only_long_text_is_typed_into() {
    let (mut founder, _, space) = village();
    let record = visit(&mut founder, space);
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    for field in ["state", "reason", "people", "needs", "visitors"] {
        let refused = founder.replica.splice(record, field, 0, 0, "x", moment);
        assert!(matches!(refused, Err(ReplicaError::Edit(_))), "{field}");
    }
    assert!(
        founder
            .replica
            .splice(record, "findings", 0, 0, "x", moment)
            .is_ok()
    );
    let set = [FieldEdit {
        field: "state".to_owned(),
        value: Edit::Set(Value::Text(String::new())),
    }];
    assert!(founder.replica.edit(record, &set, moment).is_err());
}
