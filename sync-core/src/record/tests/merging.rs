//! Merging honest changes: any order, any grouping, the same record.

use proptest::prelude::*;

use super::{
    actor, beginning, begun, candidate, keyed, merge, put, set, shown, text, value, visit,
};
use crate::id::Millis;
use crate::record::hostile::rehash;
use crate::record::{Candidate, HoldReason, RecordDoc, Verdict};
use crate::schema::Value;

fn copy_of(first: &Candidate) -> RecordDoc {
    let mut doc = RecordDoc::new();
    merge(&mut doc, std::slice::from_ref(first));
    doc
}

#[test]
fn concurrent_values_are_all_kept_until_somebody_chooses() {
    let (mut one, first) = begun();
    let mut two = copy_of(&first);
    let mine = put(&mut one, 1, "mood", text("calm"));
    let theirs = put(&mut two, 2, "mood", text("lonely"));
    merge(&mut one, &[candidate(2, &theirs.chunk)]);
    merge(&mut two, &[candidate(1, &mine.chunk)]);
    assert_eq!(shown(&one), shown(&two));
    let state = one
        .fields(visit())
        .into_iter()
        .find(|state| state.name == "mood")
        .unwrap();
    assert_eq!(state.others.len(), 1);
    assert_ne!(state.winner, state.others[0].value);
    assert_ne!(state.set_by, state.others[0].actor);
    assert!([mine.hash, theirs.hash].contains(&state.others[0].change));
    let choice = put(&mut one, 1, "mood", state.winner);
    merge(&mut two, &[candidate(1, &choice.chunk)]);
    let state = two
        .fields(visit())
        .into_iter()
        .find(|state| state.name == "mood")
        .unwrap();
    assert!(state.others.is_empty());
}

#[test]
fn equal_concurrent_values_are_no_conflict() {
    let (mut one, first) = begun();
    let mut two = copy_of(&first);
    put(&mut one, 1, "mood", text("calm"));
    let theirs = put(&mut two, 2, "mood", text("calm"));
    merge(&mut one, &[candidate(2, &theirs.chunk)]);
    let state = one
        .fields(visit())
        .into_iter()
        .find(|state| state.name == "mood")
        .unwrap();
    assert_eq!((state.winner, state.others), (text("calm"), Vec::new()));
    let again = one.edit(actor(1), Millis(0), visit(), &[set("mood", text("calm"))]);
    assert_eq!(again, Ok(None));
}

#[test]
fn concurrent_texts_merge_by_characters() {
    let (mut one, first) = begun();
    let mut two = copy_of(&first);
    let mine = put(&mut one, 1, "findings", text("今天一早去看了，she is fine"));
    let theirs = put(&mut two, 2, "findings", text("今天去看了，she is fine now"));
    merge(&mut one, &[candidate(2, &theirs.chunk)]);
    merge(&mut two, &[candidate(1, &mine.chunk)]);
    assert_eq!(
        value(&one, "findings"),
        Some(text("今天一早去看了，she is fine now"))
    );
    assert_eq!(shown(&one), shown(&two));
}

#[test]
fn two_texts_begun_at_once_are_a_conflict_that_a_choice_settles() {
    let mut one = RecordDoc::new();
    let mine = put(&mut one, 1, "findings", text("mine"));
    let mut two = RecordDoc::new();
    let theirs = put(&mut two, 2, "findings", text("theirs"));
    merge(&mut one, &[keyed(2, &theirs.chunk)]);
    let state = one.fields(visit()).pop().unwrap();
    assert_eq!(state.others.len(), 1);
    let choice = put(&mut one, 1, "findings", text("both"));
    merge(
        &mut two,
        &[candidate(1, &choice.chunk), keyed(1, &mine.chunk)],
    );
    let state = two.fields(visit()).pop().unwrap();
    assert_eq!((state.winner, state.others), (text("both"), Vec::new()));
}

#[test]
fn household_begun_on_two_phones_is_one_record() {
    let mut one = RecordDoc::new();
    let mine = put(&mut one, 1, "household", text("2-301"));
    let mut two = RecordDoc::new();
    let theirs = put(&mut two, 2, "household", text("2-301"));
    merge(&mut one, &[keyed(2, &theirs.chunk)]);
    merge(&mut two, &[keyed(1, &mine.chunk)]);
    assert_eq!(shown(&one), shown(&two));
    assert_eq!(one.created(), Some((actor(1), Millis(1_700_000_000_001))));
}

#[test]
fn change_waits_for_what_it_builds_on() {
    use Verdict::{Known, Merged, Waiting};
    let (mut one, first) = begun();
    let second = put(&mut one, 2, "people", Value::Number(4));
    let third = put(&mut one, 3, "mood", text("calm"));
    let mut two = RecordDoc::new();
    let verdicts = two.apply(&[candidate(3, &third.chunk), first.clone()]);
    assert_eq!(verdicts, [Waiting(vec![second.hash]), Merged]);
    let verdicts = two.apply(&[
        candidate(3, &third.chunk),
        candidate(2, &second.chunk),
        first,
        candidate(3, &third.chunk),
    ]);
    assert_eq!(verdicts, [Merged, Merged, Known, Known]);
    assert_eq!(shown(&one), shown(&two));
}

#[test]
fn record_begins_once_and_with_a_beginning() {
    let (mut one, first) = begun();
    let second = put(&mut one, 2, "people", Value::Number(4));
    let other = put(&mut RecordDoc::new(), 2, "people", Value::Number(4));
    let mut two = RecordDoc::new();
    let verdicts = two.apply(&[
        candidate(2, &other.chunk),
        first,
        beginning(2, &other.chunk),
        beginning(2, &second.chunk),
        keyed(2, &second.chunk),
        candidate(2, &second.chunk),
    ]);
    assert_eq!(
        verdicts,
        [
            Verdict::Held(HoldReason::NotABeginning),
            Verdict::Merged,
            Verdict::Held(HoldReason::AlreadyBegun),
            Verdict::Held(HoldReason::BadBeginning),
            Verdict::Held(HoldReason::BadBeginning),
            Verdict::Merged,
        ]
    );
}

/// What one of three people does.
#[derive(Debug, Clone)]
enum Step {
    Set(usize, i64),
    Mood(usize, bool),
    Write(usize, String),
    Type(usize, prop::sample::Index, usize, String),
    Meet(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let words = "[a-c今天]{0,6}";
    prop_oneof![
        (0..3_usize, 0..4_i64).prop_map(|(who, n)| Step::Set(who, n)),
        (0..3_usize, any::<bool>()).prop_map(|(who, calm)| Step::Mood(who, calm)),
        (0..3_usize, words).prop_map(|(who, words)| Step::Write(who, words)),
        (0..3_usize, any::<prop::sample::Index>(), 0..3_usize, words)
            .prop_map(|(who, at, del, words)| Step::Type(who, at, del, words)),
        (0..3_usize, 0..3_usize).prop_map(|(from, to)| Step::Meet(from, to)),
    ]
}

/// Lets three people work; returns every change that they made, in the order they made them.
fn village(steps: &[Step]) -> Vec<Candidate> {
    let (doc, first) = begun();
    let mut docs = [doc, copy_of(&first), copy_of(&first)];
    let mut all = vec![first];
    for (time, step) in steps.iter().enumerate() {
        let now = Millis(1_700_000_000_000 + i64::try_from(time).unwrap());
        let (who, made) = match step {
            Step::Meet(from, to) => {
                let other = docs[*from].clone();
                let known: Vec<_> = all
                    .iter()
                    .filter(|change| other.has_change(&hash(&change.chunk)))
                    .filter(|change| !docs[*to].has_change(&hash(&change.chunk)))
                    .cloned()
                    .collect();
                merge(&mut docs[*to], &known);
                continue;
            }
            Step::Set(who, n) => (
                *who,
                vec![
                    set("people", Value::Number(*n)),
                    set("alone", Value::Flag(*n > 1)),
                ],
            ),
            Step::Mood(who, calm) => (
                *who,
                vec![set("mood", text(if *calm { "calm" } else { "" }))],
            ),
            Step::Write(who, words) => (*who, vec![set("findings", text(words))]),
            Step::Type(who, at, del, words) => {
                let Some(Value::Text(now_there)) = value(&docs[*who], "findings") else {
                    continue;
                };
                let length = now_there.chars().count();
                let pos = at.index(length + 1);
                let del = (*del).min(length - pos);
                let by = u8::try_from(who + 1).unwrap();
                let made = docs[*who]
                    .splice(actor(by), now, "findings", pos, del, words)
                    .unwrap();
                all.extend(made.map(|made| candidate(by, &made.chunk)));
                continue;
            }
        };
        let by = u8::try_from(who + 1).unwrap();
        let made = docs[who].edit(actor(by), now, visit(), &made).unwrap();
        all.extend(made.map(|made| candidate(by, &made.chunk)));
    }
    all
}

fn hash(chunk: &[u8]) -> automerge::ChangeHash {
    automerge::Change::try_from(chunk).unwrap().hash()
}

/// Delivers the changes in groups; what waits is delivered again later, as a store would.
fn deliver(changes: &[Candidate], group: usize) -> RecordDoc {
    let mut doc = RecordDoc::new();
    let mut waiting: Vec<Candidate> = Vec::new();
    for group in changes.chunks(group) {
        let candidates = [std::mem::take(&mut waiting), group.to_vec()].concat();
        let verdicts = doc.apply(&candidates);
        for (candidate, verdict) in candidates.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Merged => {}
                Verdict::Waiting(missing) => {
                    assert!(missing.iter().all(|hash| !doc.has_change(hash)));
                    waiting.push(candidate);
                }
                Verdict::Known | Verdict::Held(_) => panic!("{verdict:?}"),
            }
        }
    }
    assert!(waiting.is_empty());
    doc
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_and_grouping_give_the_same_record(
        steps in proptest::collection::vec(step(), 1..30),
        shuffled in any::<prop::sample::Index>(),
        group in 1..12_usize,
    ) {
        let mut changes = village(&steps);
        let expected = deliver(&changes, usize::MAX);
        let expected = (shown(&expected), expected.save());
        // Every order is some rotation, reversal and riffle away.
        let at = shuffled.index(changes.len());
        changes.rotate_left(at);
        let (mut odd, mut even): (Vec<_>, Vec<_>) =
            changes.into_iter().enumerate().partition(|(n, _)| n % 3 == at % 3);
        odd.reverse();
        even.extend(odd);
        let changes: Vec<Candidate> = even.into_iter().map(|(_, change)| change).collect();
        let found = deliver(&changes, group);
        prop_assert_eq!(&shown(&found), &expected.0);
        let loaded = RecordDoc::load(&found.save(), std::iter::empty()).unwrap();
        prop_assert_eq!(shown(&loaded), expected.0);
        prop_assert_eq!(loaded.heads(), RecordDoc::load(&expected.1, std::iter::empty()).unwrap().heads());
    }

    #[test]
    fn flipped_byte_harms_nobody_else(
        at in any::<prop::sample::Index>(),
        bits in 1_u8..,
        victim in 0..3_usize,
        hashed in any::<bool>(),
    ) {
        let (mut one, first) = begun();
        let second = candidate(2, &put(&mut one, 2, "findings", text("今天去看了 twice")).chunk);
        let mut theirs = one.clone();
        let bad = [
            put(&mut theirs, 4, "people", Value::Number(8)),
            put(&mut theirs, 4, "findings", text("今天又去看了 twice")),
            put(&mut theirs, 4, "mood", text("calm")),
        ];
        let good = candidate(3, &put(&mut one, 3, "mood", text("upset")).chunk);
        let mut candidates = vec![first, second];
        candidates.extend(bad.iter().map(|bad| candidate(4, &bad.chunk)));
        let flipped = &mut candidates[2 + victim].chunk;
        let at = at.index(flipped.len());
        flipped[at] ^= bits;
        if hashed {
            *flipped = rehash(flipped);
        }
        candidates.push(good);
        let mut doc = RecordDoc::new();
        let verdicts = doc.apply(&candidates);
        for honest in [0, 1, 5] {
            prop_assert_eq!(&verdicts[honest], &Verdict::Merged);
        }
        if !hashed {
            prop_assert!(matches!(verdicts[2 + victim], Verdict::Held(_)), "{:?}", verdicts);
        }
        let loaded = RecordDoc::load(&doc.save(), std::iter::empty()).unwrap();
        prop_assert_eq!(shown(&loaded), shown(&doc));
        let again = doc.edit(actor(1), Millis(1), visit(), &[set("people", Value::Number(99))]);
        prop_assert!(matches!(again, Ok(Some(_))));
    }

    #[test]
    fn arbitrary_bytes_are_held(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (mut doc, _) = begun();
        let before = shown(&doc);
        let mut framed = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 1];
        let (low, high) = (bytes.len() & 0x7f, bytes.len() >> 7);
        framed.extend([low | 0x80, high].map(|part| u8::try_from(part).unwrap()));
        framed.extend_from_slice(&bytes);
        for chunk in [bytes, framed] {
            let verdicts = doc.apply(&[candidate(2, &chunk)]);
            prop_assert!(matches!(verdicts.as_slice(), [Verdict::Held(_)]));
        }
        prop_assert_eq!(shown(&doc), before);
    }
}
