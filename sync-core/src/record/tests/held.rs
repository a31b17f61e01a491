//! Hostile changes: each is held with its own reason, and harms nobody else.

use std::num::NonZeroU64;

use automerge::legacy::OpId;
use automerge::transaction::Transactable;
use automerge::{ActorId as AmActor, Change, ExpandedChange, ObjType, ROOT, ScalarValue};

use super::{actor, begun, candidate, merge, put, set, shown, text, visit};
use crate::id::Millis;
use crate::record::hostile::{alter, rehash, retype, with_column};
use crate::record::{
    BeginRule, Candidate, HoldReason, MAX_CHANGE_BYTES, RecordDoc, Verdict, change_hash,
};
use crate::schema::Value;

/// Action column of a change.
const ACTION: u64 = 0x42;
/// Groups of earlier operations that each operation replaces.
const PRED_GROUP: u64 = 0x70;

/// A record, two honest changes on it, and two changes by the device that will cheat.
pub(super) struct Scene {
    pub(super) first: Candidate,
    pub(super) good: [Candidate; 2],
    pub(super) cheat: [Vec<u8>; 2],
    pub(super) doc: RecordDoc,
}

pub(super) fn scene() -> Scene {
    let (doc, first) = begun();
    let (mut two, mut three, mut nine) = (doc.clone(), doc.clone(), doc.clone());
    let good = [
        candidate(2, &put(&mut two, 2, "mood", text("calm")).chunk),
        candidate(
            3,
            &put(&mut three, 3, "findings", text("今天去看了，all is fine")).chunk,
        ),
    ];
    let cheat = [
        put(&mut nine, 9, "people", Value::Number(5)).chunk,
        put(&mut nine, 9, "people", Value::Number(6)).chunk,
    ];
    Scene {
        first,
        good,
        cheat,
        doc,
    }
}

/// Offers `bad` between good changes, all at once and one by one; all but `bad` must be merged, alike.
fn assert_held(before: &[Candidate], bad: &Candidate, reason: HoldReason) {
    let Scene { first, good, .. } = scene();
    let mut expected = RecordDoc::new();
    let honest = [std::slice::from_ref(&first), before, &good].concat();
    merge(&mut expected, &honest);
    let mut offered = honest.clone();
    offered.insert(1 + before.len(), bad.clone());
    let mut together = RecordDoc::new();
    let verdicts = together.apply(&offered);
    let mut singly = RecordDoc::new();
    let alone: Vec<Verdict> = offered
        .iter()
        .flat_map(|one| singly.apply(std::slice::from_ref(one)))
        .collect();
    let mut wanted = vec![Verdict::Merged; offered.len()];
    wanted[1 + before.len()] = Verdict::Held(reason);
    assert_eq!(verdicts, wanted);
    assert_eq!(alone, wanted);
    for mut doc in [together, singly] {
        assert_eq!(shown(&doc), shown(&expected));
        put(&mut doc, 1, "household", text("still editable"));
        let loaded = RecordDoc::load(&doc.save(), std::iter::empty()).unwrap();
        assert_eq!(shown(&loaded), shown(&doc));
    }
}

/// Alters the cheat's first change, or its second with the first as an honest one before it.
fn assert_altered_is_held(
    position: usize,
    reason: HoldReason,
    change: impl FnOnce(&mut ExpandedChange),
) {
    let Scene { cheat, .. } = scene();
    let before: Vec<Candidate> = cheat[..position]
        .iter()
        .map(|chunk| candidate(9, chunk))
        .collect();
    assert_held(
        &before,
        &candidate(9, &alter(&cheat[position], change)),
        reason,
    );
}

/// A change by the cheat that was made with Automerge's own interface.
fn assert_raw_is_held(
    reason: HoldReason,
    operations: impl FnOnce(
        &mut automerge::transaction::Transaction<'_>,
    ) -> Result<(), automerge::AutomergeError>,
) {
    let mut doc = scene().doc;
    let change = doc
        .edit_raw(actor(9), Millis(0), operations)
        .unwrap()
        .unwrap();
    assert_held(&[], &candidate(9, &change.chunk), reason);
}

#[test]
fn author_footer_at_seq_2() {
    assert_altered_is_held(1, HoldReason::AuthorFooter, |change| {
        change.extra_bytes = vec![1, 3, 7, 7, 7];
    });
}

#[test]
fn author_footer_at_seq_1() {
    assert_altered_is_held(0, HoldReason::AuthorFooter, |change| {
        change.extra_bytes = vec![1, 3, 7, 7, 7];
    });
}

#[test]
fn seq_jump() {
    assert_altered_is_held(1, HoldReason::SeqJump, |change| change.seq = 7);
}

#[test]
fn first_change_with_seq_5() {
    assert_altered_is_held(0, HoldReason::SeqJump, |change| change.seq = 5);
    assert_altered_is_held(0, HoldReason::SeqJump, |change| change.seq = 0);
}

#[test]
fn change_that_leaves_out_its_authors_last_one() {
    let first = Change::try_from(scene().first.chunk.as_slice()).unwrap();
    let deps = vec![first.hash()];
    let start_op = NonZeroU64::new(first.max_op() + 1).unwrap();
    assert_altered_is_held(1, HoldReason::SeqJump, |change| {
        change.deps = deps;
        change.start_op = start_op;
    });
}

#[test]
fn pred_of_unknown_actor() {
    assert_altered_is_held(0, HoldReason::BadReference, |change| {
        let op = OpId::new(3, &AmActor::from([77_u8; 16]));
        change.operations[0].pred = vec![op].into();
    });
}

#[test]
fn pred_that_was_not_seen() {
    // The other's change is there, but is none of those that the cheat's builds on.
    let other = Change::try_from(scene().good[0].chunk.as_slice()).unwrap();
    let pred = OpId::new(other.start_op().get(), other.actor_id());
    assert_altered_is_held(0, HoldReason::BadReference, |change| {
        change.operations[0].pred = vec![pred].into();
    });
}

#[test]
fn pred_of_another_field() {
    let first = Change::try_from(scene().first.chunk.as_slice()).unwrap();
    let pred = OpId::new(first.start_op().get(), first.actor_id());
    assert_altered_is_held(0, HoldReason::BadReference, |change| {
        change.operations[0].pred = vec![pred].into();
    });
}

#[test]
fn start_op_that_collides() {
    assert_altered_is_held(1, HoldReason::BadStartOp, |change| {
        change.start_op = NonZeroU64::new(change.start_op.get() - 1).unwrap();
    });
}

#[test]
fn start_op_that_leaps() {
    for start in [1_u64 << 20, (1 << 31) - 1, 1 << 32, u64::MAX] {
        assert_altered_is_held(0, HoldReason::BadStartOp, |change| {
            change.start_op = NonZeroU64::new(start).unwrap();
        });
    }
}

#[test]
fn wrong_checksum() {
    let mut chunk = scene().cheat[0].clone();
    chunk[5] ^= 1;
    assert_held(&[], &candidate(9, &chunk), HoldReason::BadChecksum);
}

#[test]
fn compressed_chunk() {
    let mut doc = scene().doc;
    let long = "a".repeat(200_000);
    let bomb = doc
        .edit_raw(actor(9), Millis(0), |tx| tx.put(ROOT, "mood", long))
        .unwrap();
    let mut bomb = Change::try_from(bomb.unwrap().chunk.as_slice()).unwrap();
    let deflated = bomb.bytes().into_owned();
    assert!(deflated.len() < 1000);
    assert_held(&[], &candidate(9, &deflated), HoldReason::Compressed);
}

#[test]
fn compressed_column() {
    let chunk = with_column(&scene().cheat[0], ACTION | 8, &[1, 1]);
    assert_held(&[], &candidate(9, &chunk), HoldReason::Compressed);
}

#[test]
fn document_and_bundle_chunks() {
    let scene = scene();
    assert_held(
        &[],
        &candidate(9, &scene.doc.save()),
        HoldReason::NotAChange,
    );
    for kind in [0, 3, 4, 255] {
        let chunk = retype(&scene.cheat[0], kind);
        assert_held(&[], &candidate(9, &chunk), HoldReason::NotAChange);
    }
}

#[test]
fn second_change_with_the_same_actor_and_seq() {
    let scene = scene();
    let twin = put(&mut scene.doc.clone(), 9, "people", Value::Number(50)).chunk;
    let before = [candidate(9, &scene.cheat[0])];
    assert_held(&before, &candidate(9, &twin), HoldReason::SeqTaken);
}

/// The first of two waits; the second could be merged, and would be where the first has not come yet.
#[test]
fn second_change_with_the_same_seq_waits_for_the_first() {
    use Verdict::{Held, Merged, Waiting};
    let Scene {
        first,
        good,
        mut doc,
        ..
    } = scene();
    let second = put(&mut doc.clone(), 9, "people", Value::Number(50)).chunk;
    merge(&mut doc, &good);
    let missing = {
        let mut hashes = doc.heads();
        hashes.sort();
        hashes
    };
    let earlier = put(&mut doc, 9, "people", Value::Number(5)).chunk;
    let offered = [first, candidate(9, &earlier), candidate(9, &second)];
    let mut late = RecordDoc::new();
    let verdicts = late.apply(&offered);
    assert_eq!(verdicts, [Merged, Waiting(missing), Waiting(Vec::new())]);
    let verdicts = late.apply(&[&offered[1..], &good].concat());
    assert_eq!(
        verdicts,
        [Merged, Held(HoldReason::SeqTaken), Merged, Merged]
    );
    assert_eq!(shown(&late), shown(&doc));
}

#[test]
fn change_signed_by_another() {
    let chunk = scene().cheat[0].clone();
    assert_held(&[], &candidate(8, &chunk), HoldReason::WrongActor);
}

#[test]
fn run_that_claims_endless_operations() {
    // 2⁶² times "set", in eleven bytes.
    let endless = [
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xc0, 0x00, 0x01,
    ];
    let chunk = with_column(&scene().cheat[0], ACTION, &endless);
    let Verdict::Held(reason) = scene().doc.apply(&[candidate(9, &chunk)]).remove(0) else {
        panic!("must be held")
    };
    // The other columns end sooner; whichever is noticed first.
    assert!([HoldReason::TooManyOps, HoldReason::Unreadable].contains(&reason));
    assert_held(&[], &candidate(9, &chunk), reason);
}

#[test]
fn run_that_claims_endless_preds() {
    let endless = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let chunk = with_column(&scene().cheat[0], PRED_GROUP, &endless);
    assert_held(&[], &candidate(9, &chunk), HoldReason::TooManyOps);
}

#[test]
fn too_many_operations() {
    let mut doc = automerge::Automerge::load(&scene().doc.save()).unwrap();
    doc.set_actor(AmActor::from([9_u8; 16]));
    let mut tx = doc.transaction();
    let notes = tx.put_object(ROOT, "notes", ObjType::Text).unwrap();
    tx.splice_text(notes, 0, 0, &"x".repeat(crate::record::MAX_OPS))
        .unwrap();
    tx.commit();
    let change = doc.get_last_local_change().unwrap();
    assert_held(
        &[],
        &candidate(9, change.raw_bytes()),
        HoldReason::TooManyOps,
    );
}

#[test]
fn too_many_bytes() {
    let long = "x".repeat(MAX_CHANGE_BYTES);
    assert_raw_is_held(HoldReason::TooLarge, |tx| tx.put(ROOT, "mood", long));
}

#[test]
fn too_long_a_field_name() {
    assert_raw_is_held(HoldReason::TooLarge, |tx| tx.put(ROOT, "x".repeat(300), 1));
}

#[test]
fn bytes_behind_the_change() {
    let chunk = [&scene().cheat[0][..], &[0]].concat();
    assert_held(&[], &candidate(9, &chunk), HoldReason::TrailingBytes);
}

#[test]
fn change_that_is_cut_short() {
    let chunk = scene().cheat[0].clone();
    for len in 0..chunk.len() {
        let verdicts = scene().doc.apply(&[candidate(9, &chunk[..len])]);
        assert_eq!(
            verdicts,
            [Verdict::Held(HoldReason::Unreadable)],
            "{len} bytes"
        );
    }
}

#[test]
fn change_without_operations() {
    assert_altered_is_held(0, HoldReason::Empty, |change| change.operations.clear());
}

#[test]
fn operations_outside_our_vocabulary() {
    let unknown = HoldReason::UnknownOperation;
    assert_raw_is_held(unknown, |tx| {
        tx.put_object(ROOT, "x", ObjType::List).map(drop)
    });
    assert_raw_is_held(unknown, |tx| {
        tx.put_object(ROOT, "x", ObjType::Map).map(drop)
    });
    assert_raw_is_held(unknown, |tx| tx.put(ROOT, "x", ScalarValue::counter(1)));
    assert_raw_is_held(unknown, |tx| {
        let notes = tx.put_object(ROOT, "notes", ObjType::Text)?;
        tx.splice_text(&notes, 0, 0, "abc")?;
        let mark = automerge::marks::Mark::new("bold".to_owned(), true, 0, 2);
        tx.mark(&notes, mark, automerge::marks::ExpandMark::Both)
    });
    assert_raw_is_held(unknown, |tx| {
        let notes = tx.put_object(ROOT, "notes", ObjType::Text)?;
        tx.insert(&notes, 0, 7)
    });
    assert_raw_is_held(unknown, |tx| {
        let notes = tx.put_object(ROOT, "notes", ObjType::Text)?;
        tx.insert(&notes, 0, "two")
    });
}

#[test]
fn text_operation_on_what_is_no_text() {
    // The first operation of the first change sets a line.
    let first = Change::try_from(scene().first.chunk.as_slice()).unwrap();
    let line = OpId::new(first.start_op().get(), first.actor_id());
    let mut three = scene().doc;
    let typed = three
        .splice(actor(9), Millis(0), "findings", 0, 0, "x")
        .unwrap()
        .unwrap()
        .chunk;
    let on_a_line = alter(&typed, |change| {
        change.operations[0].obj = automerge::legacy::ObjectId::Id(line.clone());
    });
    assert_held(&[], &candidate(9, &on_a_line), HoldReason::BadReference);
    let behind_a_line = alter(&typed, |change| {
        let element = automerge::legacy::ElementId::Id(line.clone());
        change.operations[0].key = automerge::legacy::Key::Seq(element);
    });
    assert_held(&[], &candidate(9, &behind_a_line), HoldReason::BadReference);
}

#[test]
fn removal_that_replaces_another_character() {
    let mut three = scene().doc;
    let removed = three
        .splice(actor(9), Millis(0), "findings", 1, 1, "")
        .unwrap()
        .unwrap()
        .chunk;
    let chunk = alter(&removed, |change| {
        let pred = change.operations[0].pred.iter().next().unwrap().clone();
        let other = OpId::new(pred.counter() + 1, pred.actor());
        change.operations[0].pred = vec![other].into();
    });
    assert_held(&[], &candidate(9, &chunk), HoldReason::BadReference);
}

/// Two fields set by the cheat: "set" as two single values instead of one run of two. Automerge merges
/// this, but cannot give it back, nor load a document that it saved with it.
fn unusual(doc: &RecordDoc) -> Vec<u8> {
    let edits = [set("people", Value::Number(5)), set("mood", text("calm"))];
    let change = doc
        .clone()
        .edit(actor(9), Millis(0), visit(), &edits)
        .unwrap()
        .unwrap();
    let unusual = rehash(&with_column(&change.chunk, ACTION, &[0x7e, 1, 1]));
    assert_ne!(unusual, change.chunk);
    unusual
}

#[test]
fn operations_in_irregular_form() {
    let chunk = unusual(&scene().doc);
    assert_held(&[], &candidate(9, &chunk), HoldReason::Irregular);
}

/// What the gate would hold makes Automerge panic.
#[test]
fn failure_in_the_merge_costs_only_the_culprit() {
    let Scene {
        first,
        good,
        cheat,
        mut doc,
    } = scene();
    let culprit = alter(&cheat[0], |change| {
        change.operations[0].pred = vec![OpId::new(3, &AmActor::from([77_u8; 16]))].into();
    });
    let hash = change_hash(&culprit).unwrap();
    let honest = put(&mut doc, 4, "date", text("2026-03-02")).chunk;
    let dependent = alter(&honest, |change| {
        change.deps = vec![hash];
        change.start_op = NonZeroU64::new(change.start_op.get() + 1).unwrap();
    });
    let mut expected = RecordDoc::new();
    merge(
        &mut expected,
        &[std::slice::from_ref(&first), &good].concat(),
    );
    for place in 1..4 {
        let mut offered = [std::slice::from_ref(&first), &good].concat();
        offered.insert(place, candidate(9, &culprit));
        offered.push(candidate(4, &dependent));
        let mut wanted = vec![Verdict::Merged; 4];
        wanted[place] = Verdict::Held(HoldReason::Panicked);
        wanted.push(Verdict::Waiting(vec![hash]));
        let mut doc = RecordDoc::new();
        assert_eq!(doc.apply_unguarded(&offered), wanted);
        assert_eq!(shown(&doc), shown(&expected));
        put(&mut doc, 1, "household", text("still editable"));
    }
}

#[test]
fn beginning_with_deps_or_late_seq() {
    let scene = scene();
    let bad = Candidate {
        begin: BeginRule::BeginKeyed,
        ..candidate(9, &scene.cheat[0])
    };
    assert_held(&[], &bad, HoldReason::BadBeginning);
    let lone = put(&mut RecordDoc::new(), 9, "mood", text("calm")).chunk;
    let late = alter(&lone, |change| change.seq = 5);
    let bad = Candidate {
        begin: BeginRule::BeginKeyed,
        ..candidate(9, &late)
    };
    assert_held(&[], &bad, HoldReason::BadBeginning);
}
