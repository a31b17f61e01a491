//! Facts about records, through the public interface.

mod collections;
mod edits;
mod encoding;
mod held;
mod merging;
mod twisted;

use super::{BeginRule, Candidate, NewChange, RecordDoc, Verdict};
use crate::id::{ActorId, Millis};
use crate::schema::{FieldEdit, Kind, Schema, Value};

fn actor(n: u8) -> ActorId {
    ActorId::new([n; 16])
}

fn visit() -> &'static Kind {
    Schema::station().kind("visit").unwrap()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn set(field: &str, value: Value) -> FieldEdit {
    FieldEdit::set(field, value)
}

fn put(doc: &mut RecordDoc, by: u8, field: &str, value: Value) -> NewChange {
    let at = Millis(1_700_000_000_000 + i64::from(by));
    doc.edit(actor(by), at, visit(), &[set(field, value)])
        .unwrap()
        .unwrap()
}

fn candidate(by: u8, chunk: &[u8]) -> Candidate {
    Candidate {
        signer: actor(by),
        begin: BeginRule::Edit,
        chunk: chunk.to_vec(),
    }
}

fn beginning(by: u8, chunk: &[u8]) -> Candidate {
    Candidate {
        begin: BeginRule::Begin,
        ..candidate(by, chunk)
    }
}

fn keyed(by: u8, chunk: &[u8]) -> Candidate {
    Candidate {
        begin: BeginRule::BeginKeyed,
        ..candidate(by, chunk)
    }
}

/// A record begun by 1 with a few fields and a text, and its first change.
fn begun() -> (RecordDoc, Candidate) {
    let mut doc = RecordDoc::new();
    let edits = [
        set("household", text("2-301 王")),
        set("date", text("2026-03-01")),
        set("people", Value::Number(3)),
        set("alone", Value::Flag(false)),
        set("findings", text("今天去看了，she is fine")),
    ];
    let change = doc
        .edit(actor(1), Millis(1_700_000_000_000), visit(), &edits)
        .unwrap()
        .unwrap();
    (doc, beginning(1, &change.chunk))
}

fn merge(doc: &mut RecordDoc, candidates: &[Candidate]) {
    let verdicts = doc.apply(candidates);
    assert_eq!(verdicts, vec![Verdict::Merged; candidates.len()]);
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

fn value(doc: &RecordDoc, field: &str) -> Option<Value> {
    let fields = doc.fields(visit());
    fields
        .into_iter()
        .find(|state| state.name == field)
        .map(|state| state.winner)
}
