//! Writes that hold together, and what is told of writes that did not know of each other.

use super::*;

/// A need, and who looks after it, in one write; the second is refused if `to` is no state of a need.
fn need_and_move(phone: &mut Phone, space: LaneId, to: &str) -> Result<RecordId, ReplicaError> {
    let kind = phone.replica.schema().kind("need").unwrap().clone();
    let fields = [
        ("title", "路灯"),
        ("category", "roads"),
        ("urgency", "high"),
    ];
    let edits = fields.map(|(name, typed)| kind.parse_edit(name, typed).unwrap());
    let to = [FieldEdit::set("state", Value::Text(to.to_owned()))];
    phone.with_moment(|replica, moment| {
        replica.together(moment, |writer| {
            let need = writer.create("need", space, &edits)?;
            writer.edit(need, &to)?;
            Ok(need)
        })
    })
}

#[test]
fn several_writes_are_all_done_or_none() {
    let (mut founder, mut volunteer, space) = village();
    let before = founder.replica.pending_count().unwrap();
    assert!(need_and_move(&mut founder, space, "solved_by_magic").is_err());
    assert!(founder.titles().is_empty());
    assert_eq!(founder.replica.pending_count().unwrap(), before);
    let need = need_and_move(&mut founder, space, "triaged").unwrap();
    meet(&mut volunteer, &mut founder);
    let row = volunteer.replica.store().row(&need).unwrap().unwrap();
    assert_eq!(row.state.as_deref(), Some("triaged"));
}

#[test]
fn each_value_of_a_conflict_says_when_it_was_set_and_what_its_author_had_seen() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    volunteer.edit(record, "household", "3号门 王奶奶家");
    founder.edit(record, "household", "三号门 王阿婆");
    let times = [volunteer.now, founder.now];
    meet(&mut volunteer, &mut founder);
    let view = founder.replica.show(record).unwrap();
    let mut fields = view.fields.iter();
    let field = fields.find(|field| field.name == "household").unwrap();
    let shown = field.shown.as_ref().unwrap();
    assert_eq!(shown.value, field.value);
    for rival in std::iter::once(shown).chain(&field.conflicts) {
        assert_eq!(rival.saw, Some("3号门 王奶奶".into()));
        assert!(times.contains(&rival.at.unwrap()));
        assert!(rival.member.is_some());
    }
    assert_ne!(shown.member, field.conflicts[0].member);
    let calm = view
        .fields
        .iter()
        .filter(|field| field.conflicts.is_empty());
    assert!(calm.into_iter().all(|field| field.shown.is_none()));
}

#[test]
fn history_names_whose_changes_a_change_was_merged_with() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    volunteer.edit(record, "purpose", "safety");
    founder.edit(record, "mood", "happy");
    meet(&mut volunteer, &mut founder);
    founder.edit(record, "household", "三号门");
    let history = founder.replica.history(record).unwrap();
    let merged: Vec<usize> = history.iter().map(|step| step.beside.len()).collect();
    assert_eq!(merged, [0, 0, 1, 0], "{history:?}");
    let ids: std::collections::BTreeSet<_> = history.iter().map(|step| &step.id).collect();
    assert_eq!(ids.len(), history.len());
}

#[test]
fn record_without_a_day_of_its_own_is_about_the_day_it_was_begun_by_one_clock() {
    let (mut founder, _, space) = village();
    // 2023-11-14 23:59:59 UTC+8 in the second before.
    founder.now = 1_699_977_599_000 - 1000;
    let late = founder.put("place", space, &[("name", "祠堂"), ("level", "group")]);
    let early = founder.put("place", space, &[("name", "码头"), ("level", "group")]);
    let day = |record| founder.replica.store().row(&record).unwrap().unwrap().day;
    assert_eq!(day(late).as_deref(), Some("2023-11-14"));
    assert_eq!(day(early).as_deref(), Some("2023-11-15"));
}
