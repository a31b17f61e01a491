//! Changes altered at random: the gate's verdict never depends on the order, and what it lets through can
//! be saved and loaded.

use std::num::NonZeroU64;

use automerge::legacy::OpId;
use automerge::{ActorId as AmActor, Change};
use proptest::prelude::*;

use super::held::{Scene, scene};
use super::{actor, beginning, begun, candidate, put, set, shown, text, visit};
use crate::id::Millis;
use crate::record::chunk::Chunk;
use crate::record::hostile::{alter, column, rehash, with_column};
use crate::record::{Candidate, RecordDoc, Verdict};
use crate::schema::Value;

/// One thing changed in an honest change, with the right checksum for it.
#[derive(Debug, Clone)]
enum Twist {
    Seq(u64),
    StartOp(u64),
    Deps(usize),
    Pred(usize, u64, u8),
    Element(usize, u64, u8),
    Object(usize, u64, u8),
    Field(usize),
    Repeat(usize),
}

fn twist() -> impl Strategy<Value = Twist> {
    let op = (0..6_usize, 1..60_u64, 1..6_u8);
    prop_oneof![
        (0..6_u64).prop_map(Twist::Seq),
        (1..60_u64).prop_map(Twist::StartOp),
        (0..32_usize).prop_map(Twist::Deps),
        op.clone()
            .prop_map(|(at, ctr, by)| Twist::Pred(at, ctr, by)),
        op.clone()
            .prop_map(|(at, ctr, by)| Twist::Element(at, ctr, by)),
        op.prop_map(|(at, ctr, by)| Twist::Object(at, ctr, by)),
        (0..6_usize).prop_map(Twist::Field),
        (0..6_usize).prop_map(Twist::Repeat),
    ]
}

/// Applies a twist; `hashes` are those of all changes around.
fn twisted(chunk: &[u8], twist: &Twist, hashes: &[automerge::ChangeHash]) -> Vec<u8> {
    let id = |ctr: u64, by: u8| OpId::new(ctr, &AmActor::from([by; 16]));
    alter(chunk, |change| {
        let count = change.operations.len();
        match twist {
            Twist::Seq(seq) => change.seq = *seq,
            Twist::StartOp(start) => change.start_op = NonZeroU64::new(*start).unwrap(),
            Twist::Deps(bits) => {
                let picked = hashes
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| bits >> n & 1 == 1);
                change.deps = picked.map(|(_, hash)| *hash).collect();
            }
            Twist::Pred(at, ctr, by) => {
                change.operations[at % count].pred = vec![id(*ctr, *by)].into();
            }
            Twist::Element(at, ctr, by) => {
                let element = automerge::legacy::ElementId::Id(id(*ctr, *by));
                change.operations[at % count].key = automerge::legacy::Key::Seq(element);
            }
            Twist::Object(at, ctr, by) => {
                let object = automerge::legacy::ObjectId::Id(id(*ctr, *by));
                change.operations[at % count].obj = object;
            }
            Twist::Field(at) => {
                change.operations[at % count].key = automerge::legacy::Key::Map("mood".into());
            }
            Twist::Repeat(at) => change
                .operations
                .push(change.operations[at % count].clone()),
        }
    })
}

/// Offers the candidates in groups, and each time those again that waited.
fn offered_in_groups(candidates: &[Candidate], group: usize) -> RecordDoc {
    let mut doc = RecordDoc::new();
    let mut waiting: Vec<Candidate> = Vec::new();
    for group in candidates.chunks(group) {
        let offered = [std::mem::take(&mut waiting), group.to_vec()].concat();
        let verdicts = doc.apply(&offered);
        let both = offered.into_iter().zip(verdicts);
        waiting.extend(
            both.filter(|(_, verdict)| matches!(verdict, Verdict::Waiting(_)))
                .map(|(candidate, _)| candidate),
        );
    }
    doc
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The gate decides by what a change builds on, never by what happens to be here already.
    #[test]
    fn twisted_changes_are_judged_alike_in_any_order(
        twists in proptest::collection::vec((0..4_usize, twist()), 1..3),
        turn in 0..9_usize,
        group in 1..5_usize,
    ) {
        let Scene { first, good, mut doc, .. } = scene();
        let mut cheat = Vec::new();
        let typed = doc.splice(actor(9), Millis(0), "findings", 2, 1, "又").unwrap().unwrap();
        cheat.push(typed.chunk);
        cheat.push(put(&mut doc, 9, "people", Value::Number(5)).chunk);
        doc.apply(&good);
        let written = put(&mut doc, 9, "findings", text("今天又又去看了，all is well"));
        cheat.push(written.chunk);
        cheat.push(put(&mut doc, 9, "mood", text("upset")).chunk);
        let hash = |chunk: &[u8]| Change::try_from(chunk).unwrap().hash();
        let mut hashes = vec![hash(&first.chunk), hash(&good[0].chunk), hash(&good[1].chunk)];
        hashes.extend(cheat.iter().take(2).map(|chunk| hash(chunk)));
        for (victim, twist) in &twists {
            cheat[*victim] = twisted(&cheat[*victim], twist, &hashes);
        }
        let mut candidates = vec![first];
        candidates.extend(good);
        candidates.extend(cheat.iter().map(|chunk| candidate(9, chunk)));
        let expected = offered_in_groups(&candidates, usize::MAX);
        let loaded = RecordDoc::load(&expected.save(), std::iter::empty()).unwrap();
        prop_assert_eq!(shown(&loaded), shown(&expected));
        let turn = turn % candidates.len();
        candidates.rotate_left(turn);
        candidates.reverse();
        // Each log stays in its order, as it always does.
        let mut cheat = cheat.iter().map(|chunk| candidate(9, chunk));
        for slot in candidates.iter_mut().filter(|slot| slot.signer == actor(9)) {
            *slot = cheat.next().unwrap();
        }
        let found = offered_in_groups(&candidates, group);
        prop_assert_eq!(shown(&found), shown(&expected));
    }
}

/// All columns that the gate reads, by spec.
const COLUMNS: [u64; 12] = [
    0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x42, 0x56, 0x57, 0x70, 0x71, 0x73,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the gate takes for regular, Automerge writes in the same bytes, and loads again.
    #[test]
    fn regular_changes_are_written_as_automerge_writes_them(
        base in 0..4_usize,
        edits in proptest::collection::vec(
            (0..12_usize, any::<prop::sample::Index>(), 0..4_u8, prop_oneof![0..4_u8, 0x7c..0x82_u8, any::<u8>()]),
            1..4,
        ),
    ) {
        let (mut doc, first) = begun();
        let mut chunk = match base {
            0 => first.chunk,
            1 => put(&mut doc, 9, "findings", text("今天又去看了，all is well")).chunk,
            2 => doc.splice(actor(9), Millis(0), "findings", 1, 3, "aab").unwrap().unwrap().chunk,
            _ => {
                let edits = [set("people", Value::Number(5)), set("mood", text("calm")), set("alone", Value::Flag(true))];
                doc.edit(actor(9), Millis(0), visit(), &edits).unwrap().unwrap().chunk
            }
        };
        for (number, at, how, byte) in edits {
            let mut data = column(&chunk, COLUMNS[number]);
            let at = at.index(data.len() + 1);
            match how {
                0 => data.insert(at, byte),
                1 if at < data.len() => { data.remove(at); }
                2 if at < data.len() => data[at] = byte,
                _ if at < data.len() => data[at] = data[at].wrapping_add(byte % 3).wrapping_sub(1),
                _ => data.push(byte),
            }
            chunk = with_column(&chunk, COLUMNS[number], &data);
        }
        if Chunk::parse(&chunk).is_ok_and(|chunk| chunk.is_regular) {
            let chunk = rehash(&chunk);
            if let Ok(change) = Change::try_from(chunk.as_slice()) {
                let again = Change::from(change.decode());
                prop_assert_eq!(again.raw_bytes(), chunk.as_slice());
                let offered = if base == 0 {
                    vec![beginning(1, &chunk)]
                } else {
                    vec![begun().1, candidate(9, &chunk)]
                };
                let mut doc = RecordDoc::new();
                doc.apply(&offered);
                let loaded = RecordDoc::load(&doc.save(), std::iter::empty()).unwrap();
                prop_assert_eq!(shown(&loaded), shown(&doc));
            }
        }
    }
}
