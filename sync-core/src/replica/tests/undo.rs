//! What stood before comes back, and nobody's later work or right is lost by it.

use super::*;
use crate::record::CannotUndo;

pub(super) fn last(phone: &Phone, record: RecordId) -> String {
    let history = phone.replica.history(record).unwrap();
    history.last().unwrap().id.clone()
}

pub(super) fn undo(
    phone: &mut Phone,
    record: RecordId,
    change: &str,
) -> Result<Settled, UndoError> {
    phone.with_moment(|replica, moment| replica.undo(record, change, WORDS, moment))
}

pub(super) fn value(phone: &Phone, record: RecordId, field: &str) -> Option<serde_json::Value> {
    let shown = phone.replica.show(record).unwrap();
    let mut fields = shown.fields.into_iter();
    fields.find(|it| it.name == field).map(|it| it.value)
}

#[test]
fn undone_change_gives_way_to_what_stood_before_and_the_undo_can_be_undone() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    volunteer.edit(record, "findings", &"很长".repeat(1_500));
    let long = value(&volunteer, record, "findings");
    volunteer.edit(record, "findings", "短");
    meet(&mut volunteer, &mut founder);
    // By somebody else who may edit, too.
    let change = last(&founder, record);
    assert!(undo(&mut founder, record, &change).unwrap().is_changed);
    assert_eq!(value(&founder, record, "findings"), long);
    let back = last(&founder, record);
    undo(&mut founder, record, &back).unwrap();
    assert_eq!(value(&founder, record, "findings"), Some("短".into()));
    meet(&mut volunteer, &mut founder);
    assert_eq!(value(&volunteer, record, "findings"), Some("短".into()));
}

#[test]
fn field_that_had_nothing_is_empty_again() {
    let (_, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    volunteer.edit(record, "next_due", "2026-05-01");
    let change = last(&volunteer, record);
    undo(&mut volunteer, record, &change).unwrap();
    let due = value(&volunteer, record, "next_due").unwrap_or_default();
    assert!(due.is_null() || due == "", "{due}");
}

#[test]
fn what_was_written_since_stays() {
    let (_, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    volunteer.edit(record, "household", "4号门");
    let change = last(&volunteer, record);
    volunteer.edit(record, "household", "5号门");
    let since = undo(&mut volunteer, record, &change).unwrap_err();
    let field = "household".to_owned();
    let expected = CannotUndo::ChangedSince { field };
    assert!(matches!(since, UndoError::Cannot(why) if why == expected));
    assert_eq!(value(&volunteer, record, "household"), Some("5号门".into()));
}

#[test]
fn beginning_and_strange_changes_are_not_undone() {
    let (_, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    let first = last(&volunteer, record);
    let beginning = undo(&mut volunteer, record, &first).unwrap_err();
    assert!(matches!(
        beginning,
        UndoError::Cannot(CannotUndo::Beginning)
    ));
    for strange in ["", "x", &"0".repeat(64)] {
        let unknown = undo(&mut volunteer, record, strange).unwrap_err();
        assert!(matches!(unknown, UndoError::Cannot(CannotUndo::Unknown)));
    }
}

#[test]
fn state_does_not_move_back_where_the_schema_does_not_let_it() {
    let (mut founder, _, space) = village();
    let fields = [
        ("title", "路灯"),
        ("category", "roads"),
        ("urgency", "high"),
    ];
    let need = founder.put("need", space, &fields);
    founder.edit(need, "state", "triaged");
    let change = last(&founder, need);
    let refused = undo(&mut founder, need, &change).unwrap_err();
    assert!(
        matches!(refused, UndoError::Replica(ReplicaError::State { .. })),
        "{refused:?}"
    );
    assert_eq!(value(&founder, need, "state"), Some("triaged".into()));
}

#[test]
fn undone_choice_brings_back_the_value_that_was_not_kept() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    volunteer.edit(record, "household", "甲");
    founder.edit(record, "household", "乙");
    meet(&mut volunteer, &mut founder);
    for _ in 0..2 {
        let kept = value(&founder, record, "household").unwrap();
        founder.edit(record, "household", kept.as_str().unwrap());
        let change = last(&founder, record);
        let undone = undo(&mut founder, record, &change);
        let now = value(&founder, record, "household").unwrap();
        if undone.is_ok() {
            assert_ne!(now, kept);
            return;
        }
    }
    panic!("a choice of the shown value was not undone");
}

#[test]
fn elements_of_a_set_come_and_go() {
    let (mut founder, _, space) = village();
    let fields = [
        ("title", "义诊"),
        ("place", "祠堂"),
        ("date", "2026-03-04"),
        ("category", "health"),
    ];
    let event = founder.put("event", space, &fields);
    let kind = founder.replica.schema().kind("event").unwrap().clone();
    let groups = [kind.parse_edit("groups", "elders,children").unwrap()];
    founder.with_moment(|replica, moment| replica.edit(event, &groups, moment).unwrap());
    let both = value(&founder, event, "groups");
    let less = [kind.parse_edit("groups-", "elders").unwrap()];
    founder.with_moment(|replica, moment| replica.edit(event, &less, moment).unwrap());
    let change = last(&founder, event);
    undo(&mut founder, event, &change).unwrap();
    assert_eq!(value(&founder, event, "groups"), both);
}
