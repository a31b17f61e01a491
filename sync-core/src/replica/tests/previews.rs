//! What held changes would do, for whoever may let them in.

use automerge::{ChangeHash, ExpandedChange};

use super::revocations::{member_of, three};
use super::*;
use crate::record::hostile::alter;
use crate::record::{HoldReason, Payload};
use crate::replica::{HeldOf, Hold, PREVIEW_RECORDS_MAX, Preview, Removal, Step};
use crate::store::PendingRow;

impl Phone {
    fn previews(&self, which: HeldOf) -> Vec<Preview> {
        let previews = self.replica.preview(&which).unwrap();
        previews.by_entry.into_values().collect()
    }

    fn steps(&self, which: HeldOf) -> Vec<Step> {
        let steps = self
            .previews(which)
            .into_iter()
            .map(|preview| match preview {
                Preview::Merges(step) => *step,
                Preview::Stays(hold) => panic!("{hold}"),
            });
        steps.collect()
    }

    /// Puts another change in the place of the last edit, which has not been sealed yet.
    fn forge_last(&mut self, change: impl FnOnce(&mut ExpandedChange)) {
        let mut pending = self.replica.store.pending().unwrap();
        pending.retain(|row| row.record.is_some());
        let last = pending.pop().unwrap();
        let mut payload = Payload::decode(&last.bytes).unwrap();
        payload.chunk = alter(&payload.chunk, change);
        let forged = PendingRow {
            bytes: payload.encode(),
            ..last
        };
        let mut rows = pending;
        rows.retain(|row| row.lane == forged.lane);
        rows.push(forged);
        let swap = self.replica.act(|tx, _| {
            let last = rows.last().unwrap();
            tx.remove_pending(&last.lane, last.seq)?;
            for row in &rows {
                tx.put_pending(row)?;
            }
            Ok(())
        });
        swap.unwrap();
    }
}

/// The founder, the thief's phone and another volunteer; a visit that came before the cut.
fn cut_off() -> (Phone, Phone, Phone, RecordId, LaneId) {
    let (mut founder, mut thief, mut other, space) = three();
    let early = visit(&mut thief, space);
    meet(&mut thief, &mut founder);
    meet(&mut other, &mut founder);
    founder.revoke(Removal::Member(member_of(&thief))).unwrap();
    (founder, thief, other, early, space)
}

fn value(text: &str) -> Option<serde_json::Value> {
    Some(serde_json::Value::from(text))
}

#[test]
fn held_change_shows_what_it_would_do_and_does_that_once_it_is_released() {
    let (mut founder, mut thief, mut other, early, _) = cut_off();
    thief.edit(early, "household", "stolen");
    thief.edit(early, "household", "stolen again");
    meet(&mut thief, &mut other);
    meet(&mut other, &mut founder);
    let before = founder.replica.show(early).unwrap();
    let steps = founder.steps(HeldOf::All);
    let [first, second] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert_eq!(
        (first.kind.as_str(), first.space.as_str()),
        ("visit", "良登村")
    );
    assert_eq!(first.title, VISIT[0].1);
    assert!(!first.is_new);
    assert_eq!(first.change.by, "陈小明");
    assert_eq!(first.change.at, thief.now - 1000);
    let changed = |from, to| ChangeView {
        field: "household".to_owned(),
        deed: "set",
        from: value(from),
        to: value(to),
    };
    assert_eq!(first.change.changes, [changed(VISIT[0].1, "stolen")]);
    assert_eq!(second.change.changes, [changed("stolen", "stolen again")]);
    assert_eq!(founder.replica.show(early).unwrap(), before);
    founder.decide(HeldOf::All, false).unwrap();
    let history = founder.replica.history(early).unwrap();
    let did: Vec<_> = steps.into_iter().map(|step| step.change).collect();
    assert_eq!(history[1..], did);
}

#[test]
fn record_that_is_held_as_a_whole_shows_its_title_and_fields() {
    let (mut founder, mut thief, mut other, _, space) = cut_off();
    let late = visit(&mut thief, space);
    thief.edit(late, "household", "5号门");
    meet(&mut thief, &mut other);
    meet(&mut other, &mut founder);
    let steps = founder.steps(HeldOf::Record(late));
    assert_eq!(steps.len(), 2);
    assert!(
        steps
            .iter()
            .all(|step| step.is_new && step.title == "5号门")
    );
    let begun = &steps[0].change.changes;
    assert!(begun.contains(&ChangeView {
        field: "household".to_owned(),
        deed: "set",
        from: None,
        to: value(VISIT[0].1),
    }));
}

#[test]
fn whoever_may_not_decide_sees_no_preview() {
    let (mut founder, mut thief, mut other, early, space) = cut_off();
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 8, "何姐");
    thief.edit(early, "household", "stolen");
    meet(&mut thief, &mut other);
    meet(&mut other, &mut founder);
    meet(&mut lead, &mut founder);
    // An owner cut the thief off; a lead's word does not reach that high.
    for phone in [&other, &lead] {
        assert_eq!(phone.replica.held().unwrap().len(), 1);
        assert_eq!(phone.previews(HeldOf::All), []);
    }
    assert_eq!(founder.previews(HeldOf::All).len(), 1);
    founder.decide(HeldOf::All, true).unwrap();
    assert_eq!(founder.replica.held().unwrap().len(), 1);
    assert_eq!(founder.previews(HeldOf::All), [], "left out by an equal");
}

#[test]
fn hostile_change_shows_only_its_reason() {
    let (mut founder, mut thief, mut other, early, _) = cut_off();
    thief.edit(early, "household", "stolen");
    thief.forge_last(|change| change.seq += 1);
    meet(&mut thief, &mut other);
    meet(&mut other, &mut founder);
    let stays = Preview::Stays(Hold::Change(HoldReason::SeqJump));
    assert_eq!(founder.previews(HeldOf::All), [stays]);
}

#[test]
fn change_that_builds_on_a_missing_one_shows_that_it_would_wait() {
    let (mut founder, mut thief, mut other, early, _) = cut_off();
    thief.edit(early, "household", "stolen");
    thief.forge_last(|change| change.deps = vec![ChangeHash([9; 32])]);
    meet(&mut thief, &mut other);
    meet(&mut other, &mut founder);
    let previews = founder.previews(HeldOf::All);
    assert_eq!(previews, [Preview::Stays(Hold::Waiting)]);
}

#[test]
fn one_preview_looks_into_so_many_records_and_says_that_there_are_more() {
    let (mut founder, mut thief, mut other, _, space) = cut_off();
    let late: Vec<RecordId> = (0..=PREVIEW_RECORDS_MAX)
        .map(|_| visit(&mut thief, space))
        .collect();
    meet(&mut thief, &mut other);
    meet(&mut other, &mut founder);
    let all = founder.replica.preview(&HeldOf::All).unwrap();
    assert_eq!(
        (all.by_entry.len(), all.is_cut),
        (PREVIEW_RECORDS_MAX, true)
    );
    for record in late {
        let one = founder.replica.preview(&HeldOf::Record(record)).unwrap();
        assert_eq!((one.by_entry.len(), one.is_cut), (1, false));
    }
}
