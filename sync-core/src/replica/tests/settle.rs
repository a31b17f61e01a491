//! One of several values stands, and nobody's value goes without a word to whoever wrote it.

use super::undo::{last, undo, value};
use super::*;
use crate::schema::{FieldError, StateError};

const EVENT: &[(&str, &str)] = &[
    ("title", "义诊"),
    ("place", "祠堂"),
    ("date", "2026-03-04"),
    ("category", "health"),
];

impl Phone {
    fn chooses(&mut self, record: RecordId, choice: &Choice<'_>) -> Result<Settled, ReplicaError> {
        self.now += 1000;
        self.with_moment(|replica, moment| replica.settle(record, choice, WORDS, moment))
    }

    /// Keeps a value that is there now.
    fn keep(&mut self, record: RecordId, field: &str, kept: &str) -> Settled {
        let seen = self.seen(record, field).unwrap();
        let keep = self.place_of(record, field, kept);
        self.chooses(record, &choice(field, &seen, keep)).unwrap()
    }

    fn edit_and_tell(&mut self, record: RecordId, fields: &[(&str, &str)]) -> Settled {
        let kind = self.replica.show(record).unwrap().kind;
        let kind = self.replica.schema().kind(&kind).unwrap();
        let edits = fields.iter();
        let edits: Vec<FieldEdit> = edits
            .map(|(field, typed)| kind.parse_edit(field, typed).unwrap())
            .collect();
        self.now += 1000;
        let told = |replica: &mut Replica, moment: &mut Moment<'_>| {
            replica.edit_and_tell(record, &edits, WORDS, moment)
        };
        self.with_moment(told).unwrap()
    }

    fn view(&self, record: RecordId, field: &str) -> FieldView {
        let fields = self.replica.show(record).unwrap().fields.into_iter();
        let mut named = fields.filter(|view| view.name == field);
        named.next().unwrap()
    }

    fn seen(&self, record: RecordId, field: &str) -> Option<String> {
        self.view(record, field).seen
    }

    fn place_of(&self, record: RecordId, field: &str, kept: &str) -> Keep {
        let view = self.view(record, field);
        let mut all = view.shown.iter().chain(&view.conflicts);
        Keep::One(all.position(|rival| rival.value == kept).unwrap())
    }

    fn me(&self) -> String {
        let member = self.replica.roster().member_id(&self.replica.device());
        member.unwrap().to_string()
    }

    /// What was said about records, and to whom.
    fn told(&self) -> Vec<(String, Vec<String>)> {
        let filter = RowFilter {
            kind: Some("comment".to_owned()),
            ..RowFilter::default()
        };
        let mut rows = self.replica.list(&filter).unwrap();
        rows.sort_by_key(|row| (row.created_at, row.title.clone()));
        let rows = rows.into_iter().map(|row| {
            let fields: serde_json::Value = serde_json::from_str(&row.fields).unwrap();
            let mentions = serde_json::from_value(fields["mentions"].clone()).unwrap();
            (fields["text"].as_str().unwrap().to_owned(), mentions)
        });
        rows.collect()
    }
}

fn names(done: &Settled) -> Vec<String> {
    let mut names: Vec<String> = done.told.iter().map(ToString::to_string).collect();
    names.sort();
    names
}

fn choice<'c>(field: &'c str, seen: &'c str, keep: Keep) -> Choice<'c> {
    Choice {
        field,
        seen,
        keep,
        reason: None,
    }
}

/// A founder called Li Fang and a volunteer called 陈小明 who have written a field apart.
fn apart(field: &str, founders: &str, volunteers: &str) -> (Phone, Phone, RecordId) {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    volunteer.edit(record, field, volunteers);
    founder.edit(record, field, founders);
    meet(&mut volunteer, &mut founder);
    (founder, volunteer, record)
}

/// An event that the founder has confirmed while the volunteer called it off.
fn event_apart() -> (Phone, Phone, RecordId) {
    let (mut founder, mut volunteer, space) = village();
    let event = founder.put("event", space, EVENT);
    meet(&mut volunteer, &mut founder);
    founder.edit_and_tell(event, &[("state", "confirmed")]);
    volunteer.edit_and_tell(event, &[("state", "cancelled"), ("reason", "下雨")]);
    meet(&mut volunteer, &mut founder);
    (founder, volunteer, event)
}

#[test]
fn chosen_value_stands_and_the_author_of_the_other_is_told_without_it() {
    for kept in ["甲", "乙"] {
        let (mut founder, mut volunteer, record) = apart("household", "甲", "乙");
        let mine = founder.me();
        let (chooser, other) = if kept == "甲" {
            (&mut founder, &mut volunteer)
        } else {
            (&mut volunteer, &mut founder)
        };
        let done = chooser.keep(record, "household", kept);
        assert!(done.is_changed);
        let told = names(&done);
        assert_eq!(told, [other.me()]);
        meet(chooser, other);
        let by = if chooser.me() == mine {
            "Li Fang"
        } else {
            "陈小明"
        };
        for phone in [&*chooser, &*other] {
            assert_eq!(value(phone, record, "household"), Some(kept.into()));
            let expected = (format!("household: {by}"), told.clone());
            assert_eq!(phone.told(), [expected]);
            assert_eq!(phone.replica.status().unwrap().conflicts, 0);
            assert_eq!(phone.seen(record, "household"), None);
        }
    }
}

#[test]
fn nobody_is_told_of_their_own_choice_against_themselves() {
    let (mut founder, mut volunteer, record) = apart("household", "甲", "乙");
    let done = founder.keep(record, "household", "乙");
    assert!(done.is_changed && done.told.is_empty());
    meet(&mut founder, &mut volunteer);
    assert_eq!(volunteer.told(), []);
    assert_eq!(value(&volunteer, record, "household"), Some("乙".into()));
}

#[test]
fn choice_of_values_that_have_moved_since_is_refused() {
    let (mut founder, mut volunteer, record) = apart("household", "甲", "乙");
    let old = founder.seen(record, "household").unwrap();
    assert_eq!(volunteer.seen(record, "household"), Some(old.clone()));
    let mut lead = {
        let scope = founder.replica.store().row(&record).unwrap().unwrap().space;
        join_by_hand(&mut founder, Scope::Space(scope), Role::Lead, 3, "何姐")
    };
    meet(&mut lead, &mut founder);
    let moved = |phone: &mut Phone, seen: &str| {
        let pending = phone.replica.pending_count().unwrap();
        let refused = phone.chooses(record, &choice("household", seen, Keep::One(0)));
        let moved = ReplicaError::Settle(SettleError::MovedSince);
        assert_eq!(refused.unwrap_err(), moved);
        assert_eq!(phone.replica.pending_count().unwrap(), pending);
    };
    moved(&mut founder, "");
    // Both meet what they did not know of: a third value, in the place of both, is beside their choice.
    lead.edit(record, "household", "丙");
    volunteer.keep(record, "household", "乙");
    meet(&mut lead, &mut founder);
    moved(&mut founder, &old);
    meet(&mut volunteer, &mut founder);
    moved(&mut founder, &old);
    let now = founder.seen(record, "household").unwrap();
    assert_ne!(now, old);
    founder.keep(record, "household", "丙");
    moved(&mut founder, &now);
}

#[test]
fn text_that_was_written_on_since_is_not_the_one_that_was_seen() {
    let (mut founder, mut volunteer, space) = village();
    let bare = [
        ("household", "1号"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
    ];
    let record = volunteer.put("visit", space, &bare);
    meet(&mut volunteer, &mut founder);
    volunteer.edit(record, "findings", "乙");
    founder.edit(record, "findings", "甲");
    meet(&mut volunteer, &mut founder);
    let old = founder.seen(record, "findings").unwrap();
    let wins = founder.view(record, "findings").by;
    let winner = if wins == "陈小明" {
        &mut volunteer
    } else {
        &mut founder
    };
    let spliced = winner
        .with_moment(|replica, moment| replica.splice(record, "findings", 0, 0, "又", moment));
    assert!(spliced.unwrap().is_changed);
    meet(&mut volunteer, &mut founder);
    let refused = founder.chooses(record, &choice("findings", &old, Keep::One(0)));
    assert_eq!(refused.unwrap_err(), SettleError::MovedSince.into());
}

#[test]
fn everybody_whose_value_was_not_kept_is_told_also_if_two_wrote_the_same() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 3, "何姐");
    meet(&mut volunteer, &mut founder);
    meet(&mut lead, &mut founder);
    volunteer.edit(record, "household", "乙");
    lead.edit(record, "household", "乙");
    founder.edit(record, "household", "甲");
    meet(&mut volunteer, &mut founder);
    meet(&mut lead, &mut founder);
    assert_eq!(founder.view(record, "household").conflicts.len(), 1);
    let done = founder.keep(record, "household", "甲");
    let told = names(&done);
    let mut others = [volunteer.me(), lead.me()];
    others.sort();
    assert_eq!(told, others);
}

#[test]
fn value_that_is_not_there_and_field_that_is_none_are_refused() {
    let (mut founder, _, record) = apart("household", "甲", "乙");
    let seen = founder.seen(record, "household").unwrap();
    let refused = founder.chooses(record, &choice("household", &seen, Keep::One(2)));
    assert_eq!(refused.unwrap_err(), SettleError::NoSuchValue.into());
    let refused = founder.chooses(record, &choice("dream", &seen, Keep::One(0)));
    let is_unknown = matches!(
        refused,
        Err(ReplicaError::Field(FieldError::Unknown { .. }))
    );
    assert!(is_unknown, "{refused:?}");
    assert_eq!(founder.told(), []);
}

#[test]
fn all_values_are_kept_in_one_text_and_nobody_has_lost_anything() {
    let (mut founder, mut volunteer, space) = village();
    let bare = [
        ("household", "1号"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
    ];
    let record = volunteer.put("visit", space, &bare);
    meet(&mut volunteer, &mut founder);
    for (field, joint) in [("household", " / "), ("findings", "\n")] {
        volunteer.edit(record, field, "乙");
        founder.edit(record, field, "甲");
        meet(&mut volunteer, &mut founder);
        let seen = founder.seen(record, field).unwrap();
        let done = founder.chooses(record, &choice(field, &seen, Keep::All));
        assert!(done.unwrap().told.is_empty());
        meet(&mut volunteer, &mut founder);
        let both = [["甲", "乙"].join(joint), ["乙", "甲"].join(joint)];
        let kept = value(&volunteer, record, field).unwrap();
        assert!(both.iter().any(|both| kept == **both), "{kept}");
    }
    assert_eq!(volunteer.told(), []);
}

#[test]
fn values_that_cannot_stand_together_or_are_too_long_for_it_are_not_joined() {
    let (mut founder, _, record) = apart("mood", "lonely", "happy");
    let seen = founder.seen(record, "mood").unwrap();
    let refused = founder.chooses(record, &choice("mood", &seen, Keep::All));
    let field = "mood".to_owned();
    let expected = SettleError::NotTogether { field };
    assert_eq!(refused.unwrap_err(), expected.into());
    let (mut founder, _, record) = apart("household", &"甲".repeat(600), &"乙".repeat(600));
    let seen = founder.seen(record, "household").unwrap();
    let refused = founder.chooses(record, &choice("household", &seen, Keep::All));
    let is_long = matches!(
        refused,
        Err(ReplicaError::Field(FieldError::TooLong { .. }))
    );
    assert!(is_long, "{refused:?}");
}

#[test]
fn choice_and_comment_are_written_together_or_not_at_all() {
    let (mut founder, _, record) = apart("household", "甲", "乙");
    let seen = founder.seen(record, "household").unwrap();
    let keep = founder.place_of(record, "household", "甲");
    let before = founder.replica.pending_count().unwrap();
    let refused = founder.with_moment(|replica, moment| {
        let choice = choice("household", &seen, keep);
        replica.settle(record, &choice, &|_| String::new(), moment)
    });
    assert!(refused.is_err(), "a comment has to say something");
    assert_eq!(founder.replica.pending_count().unwrap(), before);
    assert_eq!(founder.seen(record, "household"), Some(seen));
}

#[test]
fn state_that_needs_a_reason_comes_with_the_one_that_was_written_with_it() {
    let (mut founder, mut volunteer, event) = event_apart();
    let view = founder.view(event, "state");
    let mut rivals = view.shown.iter().chain(&view.conflicts);
    let cancelled = rivals.find(|rival| rival.value == "cancelled").unwrap();
    assert_eq!(cancelled.reason.as_deref(), Some("下雨"));
    // The reason has been written over meanwhile.
    founder.edit(event, "reason", "天晴");
    let done = founder.keep(event, "state", "cancelled");
    assert!(done.is_changed && done.told.is_empty());
    meet(&mut volunteer, &mut founder);
    assert_eq!(value(&volunteer, event, "state"), Some("cancelled".into()));
    assert_eq!(value(&volunteer, event, "reason"), Some("下雨".into()));
}

#[test]
fn state_without_the_reason_that_it_needs_asks_for_one() {
    let (mut founder, mut volunteer, space) = village();
    let event = founder.put("event", space, EVENT);
    meet(&mut volunteer, &mut founder);
    founder.edit(event, "state", "confirmed");
    volunteer.cheats(event, &["state=cancelled"]);
    meet(&mut volunteer, &mut founder);
    let seen = founder.seen(event, "state").unwrap();
    let keep = founder.place_of(event, "state", "cancelled");
    let bare = choice("state", &seen, keep);
    let asked = founder.chooses(event, &bare).unwrap_err();
    let ReplicaError::State { error, .. } = asked else {
        panic!("{asked:?}");
    };
    assert!(matches!(error, StateError::NoReason { .. }), "{error:?}");
    let reason = Some(" 没有人来 ");
    founder.chooses(event, &Choice { reason, ..bare }).unwrap();
    assert_eq!(value(&founder, event, "state"), Some("cancelled".into()));
    assert_eq!(value(&founder, event, "reason"), Some("没有人来".into()));
}

#[test]
fn state_is_chosen_only_by_whoever_may_set_it() {
    let (mut founder, mut volunteer, space) = village();
    let fields = [
        ("title", "路灯"),
        ("category", "roads"),
        ("urgency", "high"),
    ];
    let need = founder.put("need", space, &fields);
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 3, "何姐");
    meet(&mut lead, &mut founder);
    founder.edit_and_tell(need, &[("state", "triaged")]);
    lead.edit_and_tell(need, &[("state", "assigned")]);
    meet(&mut lead, &mut founder);
    meet(&mut volunteer, &mut founder);
    let seen = volunteer.seen(need, "state").unwrap();
    let refused = volunteer.chooses(need, &choice("state", &seen, Keep::One(0)));
    assert!(
        matches!(refused, Err(ReplicaError::State { .. })),
        "{refused:?}"
    );
    assert_eq!(volunteer.told(), []);
}

#[test]
fn edit_of_a_field_in_conflict_tells_everybody_whose_value_it_does_not_keep() {
    let (mut founder, mut volunteer, record) = apart("household", "甲", "乙");
    volunteer.edit(record, "mood", "happy");
    founder.edit(record, "mood", "lonely");
    meet(&mut volunteer, &mut founder);
    let fields = [
        ("household", "丙"),
        ("mood", "happy"),
        ("purpose", "safety"),
    ];
    let done = founder.edit_and_tell(record, &fields);
    let told = names(&done);
    assert_eq!(told, [volunteer.me()]);
    // Of the mood the volunteer's was kept, and the third field was not in conflict.
    let expected = ("household: Li Fang".to_owned(), vec![volunteer.me()]);
    assert_eq!(founder.told(), [expected]);
}

#[test]
fn plain_edit_tells_nobody_and_edit_without_conflict_neither() {
    let (mut founder, mut volunteer, record) = apart("household", "甲", "乙");
    founder.edit(record, "household", "丙");
    meet(&mut volunteer, &mut founder);
    let done = volunteer.edit_and_tell(record, &[("household", "丁")]);
    assert!(done.is_changed && done.told.is_empty());
    let done = volunteer.edit_and_tell(record, &[("household", "丁")]);
    assert!(!done.is_changed);
    assert_eq!((founder.told(), volunteer.told()), (vec![], vec![]));
}

#[test]
fn state_and_its_reason_are_one_thing_to_tell() {
    let (mut founder, mut volunteer, event) = event_apart();
    founder.edit(event, "reason", "天晴");
    volunteer.edit(event, "reason", "大雨");
    meet(&mut volunteer, &mut founder);
    founder.edit_and_tell(event, &[("state", "confirmed"), ("reason", "天晴")]);
    let expected = ("state: Li Fang".to_owned(), vec![volunteer.me()]);
    assert_eq!(founder.told(), [expected]);
}

#[test]
fn undone_choice_tells_whose_value_loses_and_whose_comes_back() {
    let (mut founder, mut volunteer, space) = village();
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 3, "何姐");
    let record = visit(&mut volunteer, space);
    for phone in [&mut volunteer, &mut lead] {
        meet(phone, &mut founder);
    }
    volunteer.edit(record, "household", "乙");
    lead.edit(record, "household", "丙");
    for phone in [&mut volunteer, &mut lead] {
        meet(phone, &mut founder);
    }
    let kept = value(&founder, record, "household").unwrap();
    founder.keep(record, "household", kept.as_str().unwrap());
    founder.now += 1000;
    let (first, back) = if kept == "乙" {
        ("陈小明", "何姐")
    } else {
        ("何姐", "陈小明")
    };
    let mut both = vec![volunteer.me(), lead.me()];
    both.sort();
    let loser = if kept == "乙" {
        lead.me()
    } else {
        volunteer.me()
    };
    let mut expected = vec![(format!("household: {first}"), vec![loser])];
    // The undo of the undo is a decision about the same values again.
    for by in [back, first, back] {
        founder.now += 1000;
        let change = last(&founder, record);
        assert!(undo(&mut founder, record, &change).unwrap().is_changed);
        expected.push((format!("household: {by}"), both.clone()));
        assert_eq!(founder.told(), expected);
    }
    // What was never in conflict is nobody's loss.
    founder.edit(record, "household", "丁");
    let change = last(&founder, record);
    assert!(undo(&mut founder, record, &change).unwrap().told.is_empty());
    assert_eq!(founder.told(), expected);
}

#[test]
fn author_of_a_value_written_instead_of_both_is_told_when_that_is_undone() {
    let (mut founder, mut volunteer, record) = apart("household", "甲", "乙");
    let space = founder.replica.store().row(&record).unwrap().unwrap().space;
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 3, "何姐");
    meet(&mut lead, &mut founder);
    lead.edit_and_tell(record, &[("household", "丙")]);
    meet(&mut lead, &mut founder);
    founder.now = lead.now + 1000;
    let change = last(&founder, record);
    let done = undo(&mut founder, record, &change).unwrap();
    let told = names(&done);
    let mut others = [volunteer.me(), lead.me()];
    others.sort();
    assert_eq!(told, others);
    meet(&mut volunteer, &mut founder);
    assert_eq!(volunteer.told().len(), 2);
}

#[test]
fn choice_of_the_state_that_is_shown_anyway_is_merged_by_everybody() {
    for kept in [0, 1] {
        let (mut founder, mut volunteer, event) = event_apart();
        let view = founder.view(event, "state");
        let mut states = view.shown.iter().chain(&view.conflicts);
        let kept = states.nth(kept).unwrap().value.clone();
        founder.keep(event, "state", kept.as_str().unwrap());
        meet(&mut volunteer, &mut founder);
        assert_eq!(volunteer.replica.held().unwrap(), []);
        assert_eq!(value(&volunteer, event, "state"), Some(kept.clone()));
        assert_eq!(volunteer.seen(event, "state"), None);
        let moves = volunteer.replica.moves(event).unwrap();
        let mut moves: Vec<String> = moves.into_iter().map(|(_, to)| to).collect();
        assert_eq!(moves.pop(), kept.as_str().map(str::to_owned));
        moves.sort();
        assert_eq!(moves, ["cancelled", "confirmed", "planned"]);
    }
}

#[test]
fn undone_choice_of_a_state_brings_back_the_other_with_its_reason() {
    let (mut founder, mut volunteer, event) = event_apart();
    founder.keep(event, "state", "confirmed");
    let change = last(&founder, event);
    let done = undo(&mut founder, event, &change).unwrap();
    assert_eq!(names(&done), [volunteer.me()]);
    meet(&mut volunteer, &mut founder);
    assert_eq!(volunteer.replica.held().unwrap(), []);
    assert_eq!(value(&volunteer, event, "state"), Some("cancelled".into()));
    assert_eq!(value(&volunteer, event, "reason"), Some("下雨".into()));
}
