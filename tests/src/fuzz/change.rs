//! Changes that others wrote: through the gate into a record.
//!
//! ```text
//! input  = what u8 | change …          bit 0: several people may begin the record
//! change = by u8 | len u16 | chunk     bits 0-1: whose; bit 2: a beginning; bit 3: with the right checksum
//! ```

use std::sync::OnceLock;

use sync_core::id::{ActorId, Millis};
use sync_core::record::{
    BeginRule, Candidate, MAX_CHANGE_BYTES, MAX_OPS, NewChange, RecordDoc, Verdict, change_hash,
};
use sync_core::schema::{FieldEdit, Kind, Schema, Value};

use super::{Input, put_prefixed};

/// More say nothing new, and each is merged into a copy of the record.
const CHANGES_MAX: usize = 12;
const FIRST: ActorId = ActorId::new([1; 16]);

fn visit() -> &'static Kind {
    let kind = Schema::station().kind("visit");
    kind.expect("the station has visits")
}

fn edit(doc: &mut RecordDoc, by: ActorId, field: &str, value: Value) -> NewChange {
    let change = doc.edit(by, Millis(0), visit(), &[FieldEdit::set(field, value)]);
    let change = change.expect("a visit has the field");
    change.expect("the value is another one")
}

/// A record begun by the first of four.
fn begun() -> &'static (RecordDoc, Vec<u8>) {
    static BEGUN: OnceLock<(RecordDoc, Vec<u8>)> = OnceLock::new();
    BEGUN.get_or_init(|| {
        let mut doc = RecordDoc::new();
        let text = |field: &str, text: &str| FieldEdit::set(field, Value::Text(text.to_owned()));
        let edits = [
            text("household", "2-301 王"),
            text("date", "2026-03-01"),
            text("findings", "今天去看了，she is fine"),
        ];
        let change = doc.edit(FIRST, Millis(0), visit(), &edits);
        let change = change.expect("a visit has the fields");
        let chunk = change.expect("the record was empty").chunk;
        (doc, chunk)
    })
}

/// Gives a chunk the checksum that its content asks for, so that what is behind the checksum is reached.
fn mended(mut chunk: Vec<u8>) -> Vec<u8> {
    if let (Some(hash), Some(sum)) = (change_hash(&chunk), chunk.get_mut(4..8)) {
        sum.iter_mut().zip(hash.0).for_each(|(to, from)| *to = from);
    }
    chunk
}

fn candidates(input: &mut Input<'_>, begins: BeginRule) -> Vec<Candidate> {
    let mut found = vec![Candidate {
        signer: FIRST,
        begin: begins,
        chunk: begun().1.clone(),
    }];
    while found.len() <= CHANGES_MAX
        && let Some(by) = input.byte()
        && let Some(chunk) = input.prefixed()
    {
        let signer = ActorId::new([1 + (by & 3); 16]);
        // The id of a record that one device began says which one it was.
        let may_begin = begins == BeginRule::BeginKeyed || signer == FIRST;
        let is_beginning = by & 4 != 0 && may_begin;
        let chunk = chunk.to_vec();
        found.push(Candidate {
            signer,
            begin: if is_beginning {
                begins
            } else {
                BeginRule::Edit
            },
            chunk: if by & 8 != 0 { mended(chunk) } else { chunk },
        });
    }
    found
}

pub(super) fn change(input: &[u8]) {
    let candidates = offered_by(input);
    let doc = offered(&candidates, usize::MAX);
    assert_sound(&doc, &candidates);
    // The logs come in another order and in other pieces, each in its own order as ever.
    let mut by_log = candidates;
    by_log.sort_by_key(|candidate| std::cmp::Reverse(candidate.signer));
    assert_eq!(shown(&offered(&by_log, 2)), shown(&doc));
}

fn offered_by(input: &[u8]) -> Vec<Candidate> {
    let mut input = Input(input);
    let what = input.byte().unwrap_or_default();
    let begins = if what & 1 == 0 {
        BeginRule::Begin
    } else {
        BeginRule::BeginKeyed
    };
    candidates(&mut input, begins)
}

/// Offers the candidates in groups, and each time those again that waited.
fn offered(candidates: &[Candidate], group: usize) -> RecordDoc {
    let mut doc = RecordDoc::new();
    let mut waiting: Vec<Candidate> = Vec::new();
    for group in candidates.chunks(group) {
        let offered = [std::mem::take(&mut waiting), group.to_vec()].concat();
        let before = doc.change_count();
        let verdicts = doc.apply(&offered);
        assert_eq!(verdicts.len(), offered.len());
        let merged = verdicts.iter().filter(|it| **it == Verdict::Merged).count();
        assert_eq!(doc.change_count(), before + merged);
        let both = offered.into_iter().zip(verdicts);
        let waits = both.filter(|(_, verdict)| matches!(verdict, Verdict::Waiting(_)));
        waiting.extend(waits.map(|(candidate, _)| candidate));
    }
    doc
}

fn assert_sound(doc: &RecordDoc, candidates: &[Candidate]) {
    assert!(doc.has_author(&FIRST), "nobody keeps an honest change out");
    let ops_max = MAX_OPS.saturating_mul(candidates.len());
    assert!(doc.len_ops() <= ops_max as u64);
    let merged = doc.save_after(&[]);
    assert!(merged.len() <= MAX_CHANGE_BYTES.saturating_mul(candidates.len()));
    let loaded = RecordDoc::load(&doc.save(), std::iter::empty());
    let loaded = loaded.expect("what was merged loads again");
    assert_eq!(shown(&loaded), shown(doc));
}

/// Everything that people see of a record.
fn shown(doc: &RecordDoc) -> String {
    format!(
        "{:?}\n{:#?}\n{:?} {:?}\n{:#?}",
        doc.heads(),
        doc.fields(visit()),
        doc.created(),
        doc.updated(),
        doc.history(visit())
    )
}

pub(super) mod seeds {
    use super::{ActorId, Millis, NewChange, RecordDoc, Value, begun, edit, put_prefixed, visit};

    const EDIT: u8 = 0;
    const BEGIN: u8 = 4;
    const MEND: u8 = 8;

    fn actor(number: u8) -> ActorId {
        ActorId::new([number + 1; 16])
    }

    fn input(what: u8, changes: &[(u8, &[u8])]) -> Vec<u8> {
        let mut out = vec![what];
        for (by, chunk) in changes {
            out.push(*by);
            put_prefixed(&mut out, chunk);
        }
        out
    }

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn typed(
        doc: &mut RecordDoc,
        by: u8,
        position: usize,
        delete: usize,
        insert: &str,
    ) -> NewChange {
        let change = doc.splice(actor(by), Millis(0), "findings", position, delete, insert);
        let change = change.expect("the text is there");
        change.expect("something is typed")
    }

    /// What somebody writes into the record one after the other.
    fn written(by: u8) -> Vec<Vec<u8>> {
        let mut doc = begun().0.clone();
        let changes = [
            edit(&mut doc, actor(by), "household", text("4号门")),
            typed(&mut doc, by, 2, 3, "又又"),
            edit(
                &mut doc,
                actor(by),
                "people",
                Value::Number(i64::from(by) + 5),
            ),
            edit(&mut doc, actor(by), "alone", Value::Flag(true)),
            edit(&mut doc, actor(by), "people", Value::Number(-9_000_000_000)),
            typed(&mut doc, by, 0, 1, ""),
            edit(&mut doc, actor(by), "household", text("")),
            edit(&mut doc, actor(by), "findings", text("all of it new")),
        ];
        changes.map(|change| change.chunk).into()
    }

    /// Whose each change is: one person's, from the first on.
    fn of(by: u8, chunks: &[Vec<u8>]) -> Vec<(u8, &[u8])> {
        chunks.iter().map(|chunk| (by, chunk.as_slice())).collect()
    }

    pub(in crate::fuzz) fn change() -> Vec<Vec<u8>> {
        let (one, other) = (written(1), written(2));
        let mut all: Vec<Vec<u8>> = one
            .iter()
            .enumerate()
            .map(|(last, _)| {
                let chunks = one.get(..=last).unwrap_or_default();
                input(0, &of(1 | MEND, chunks))
            })
            .collect();
        let both = [of(1, &one), of(2, &other)].concat();
        all.push(input(0, &both));
        let backwards: Vec<_> = both.iter().rev().copied().collect();
        all.push(input(0, &backwards));
        // Signed by somebody else, the beginning once more, and a change without what it builds on.
        all.push(input(0, &of(3, &one)));
        all.push(input(0, &[(BEGIN, &begun().1), (EDIT, &begun().1)]));
        all.push(input(0, &of(1, one.get(3..).unwrap_or_default())));
        all.extend(keyed());
        all
    }

    /// A household that two have begun.
    fn keyed() -> Vec<Vec<u8>> {
        let mut doc = RecordDoc::new();
        let beginning = edit(&mut doc, actor(1), "household", text("3号门"));
        let next = edit(&mut doc, actor(1), "mood", text("calm"));
        assert_eq!(doc.fields(visit()).len(), 2);
        let changes: [(u8, &[u8]); 2] = [(1 | BEGIN, &beginning.chunk), (1, &next.chunk)];
        vec![input(1, &changes), input(0, &changes), input(1, &[])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_changes_are_merged_in_the_corpus() {
        let inputs = seeds::change().into_iter();
        let merged = inputs.map(|input| offered(&offered_by(&input), usize::MAX).change_count());
        let merged: Vec<usize> = merged.collect();
        // The beginning, and one person's changes one after the other.
        assert_eq!(merged[..8], [2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(merged.iter().max(), Some(&(1 + CHANGES_MAX)));
    }
}
