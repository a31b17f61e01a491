//! What records cost: `cargo bench -p sync-core --bench record`.
//!
//! The lines named `plain` do the same with Automerge alone, without the gate.

use automerge::transaction::Transactable;
use automerge::{ActorId as AmActor, Automerge, Change, ROOT};
use divan::{Bencher, black_box};
use sync_core::id::{ActorId, Millis, RecordId};
use sync_core::record::{
    BeginRule, Candidate, MAX_PAYLOAD, Payload, RecordDoc, Target, compress, decompress,
};
use sync_core::schema::{FieldEdit, Kind, Schema, Value};

fn main() {
    divan::main();
}

const NOW: Millis = Millis(1_700_000_000_000);

fn visit() -> &'static Kind {
    Schema::station()
        .kind("visit")
        .expect("the station has visits")
}

fn set(field: &str, value: Value) -> FieldEdit {
    FieldEdit::set(field, value)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn actor(n: u8) -> ActorId {
    ActorId::new([n; 16])
}

fn begin() -> (RecordDoc, Candidate) {
    let mut doc = RecordDoc::new();
    let edits = [
        set("household", text("南海大沥 2-301 王")),
        set("date", text("2026-03-01")),
        set("purpose", text("health")),
        set("people", Value::Number(3)),
        set("alone", Value::Flag(false)),
        set(
            "findings",
            text("血压偏高，已提醒按时吃药。Asked for help with the phone."),
        ),
        set("mood", text("calm")),
        set("next_due", text("2026-04-01")),
    ];
    let change = doc
        .edit(actor(1), NOW, visit(), &edits)
        .expect("fits")
        .expect("alters");
    (
        doc,
        Candidate {
            signer: actor(1),
            begin: BeginRule::Begin,
            chunk: change.chunk,
        },
    )
}

/// A record of `count` changes by three people: the record before the last ones, and those.
fn record(count: usize, last: usize) -> (RecordDoc, Vec<Candidate>) {
    let (mut doc, _) = begin();
    let mut before = doc.clone();
    let mut changes = Vec::new();
    for n in 1..count {
        if n + last == count {
            before = doc.clone();
        }
        let by = actor(u8::try_from(n % 3 + 1).expect("small"));
        let people = Value::Number(i64::try_from(n).expect("small") + 100);
        let change = doc.edit(by, NOW, visit(), &[set("people", people)]);
        let chunk = change.expect("fits").expect("alters").chunk;
        changes.push(Candidate {
            signer: by,
            begin: BeginRule::Edit,
            chunk,
        });
    }
    (before, changes.split_off(changes.len() - last))
}

fn typed(count: usize) -> (RecordDoc, Candidate) {
    let (mut doc, _) = begin();
    for n in 0..count {
        let by = actor(u8::try_from(n / 500 % 3 + 1).expect("small"));
        doc.splice(by, NOW, "findings", n, 0, "字").expect("fits");
    }
    let last = doc
        .clone()
        .splice(actor(4), NOW, "findings", count, 0, "字")
        .expect("fits");
    let chunk = last.expect("alters").chunk;
    (
        doc,
        Candidate {
            signer: actor(4),
            begin: BeginRule::Edit,
            chunk,
        },
    )
}

fn plain(chunks: &[Candidate]) -> Vec<Change> {
    let read = |one: &Candidate| Change::try_from(one.chunk.as_slice()).expect("sound");
    chunks.iter().map(read).collect()
}

#[divan::bench]
fn edit_one_field(bencher: Bencher<'_, '_>) {
    let (doc, _) = record(3, 1);
    bencher
        .with_inputs(|| doc.clone())
        .bench_values(|mut doc| doc.edit(actor(2), NOW, visit(), &[set("mood", text("upset"))]));
}

#[divan::bench]
fn edit_one_field_plain(bencher: Bencher<'_, '_>) {
    let (doc, _) = record(3, 1);
    let doc = Automerge::load(&doc.save()).expect("sound");
    bencher.with_inputs(|| doc.clone()).bench_values(|mut doc| {
        doc.set_actor(AmActor::from([2_u8; 16]));
        let mut tx = doc.transaction();
        tx.put(ROOT, "mood", "upset").expect("a map takes values");
        tx.commit();
        doc.get_last_local_change()
            .map(|change| change.raw_bytes().to_vec())
    });
}

#[divan::bench(args = [200, 20_000])]
fn type_one_letter(bencher: Bencher<'_, '_>, length: usize) {
    let (mut doc, _) = typed(length);
    bencher.bench_local(|| doc.splice(actor(4), NOW, "findings", length / 2, 0, "a"));
}

#[divan::bench(args = [3, 30])]
fn apply_1(bencher: Bencher<'_, '_>, count: usize) {
    let (doc, last) = record(count, 1);
    bencher.with_inputs(|| doc.clone()).bench_values(|mut doc| {
        doc.apply(&last);
        doc
    });
}

#[divan::bench(args = [3, 30])]
fn apply_1_plain(bencher: Bencher<'_, '_>, count: usize) {
    let (doc, last) = record(count, 1);
    let doc = Automerge::load(&doc.save()).expect("sound");
    bencher.with_inputs(|| doc.clone()).bench_values(|mut doc| {
        doc.apply_changes(plain(&last)).expect("sound");
        doc
    });
}

#[divan::bench]
fn apply_30(bencher: Bencher<'_, '_>) {
    let (doc, last) = record(32, 30);
    bencher.with_inputs(|| doc.clone()).bench_values(|mut doc| {
        doc.apply(&last);
        doc
    });
}

#[divan::bench]
fn apply_30_plain(bencher: Bencher<'_, '_>) {
    let (doc, last) = record(32, 30);
    let doc = Automerge::load(&doc.save()).expect("sound");
    bencher.with_inputs(|| doc.clone()).bench_values(|mut doc| {
        doc.apply_changes(plain(&last)).expect("sound");
        doc
    });
}

#[divan::bench(args = [2_000, 20_000])]
fn apply_letter(bencher: Bencher<'_, '_>, length: usize) {
    let (doc, last) = typed(length);
    bencher.with_inputs(|| doc.clone()).bench_values(|mut doc| {
        doc.apply(std::slice::from_ref(&last));
        doc
    });
}

#[divan::bench(args = [2_000, 20_000])]
fn apply_letter_plain(bencher: Bencher<'_, '_>, length: usize) {
    let (doc, last) = typed(length);
    let doc = Automerge::load(&doc.save()).expect("sound");
    bencher.with_inputs(|| doc.clone()).bench_values(|mut doc| {
        doc.apply_changes(plain(std::slice::from_ref(&last)))
            .expect("sound");
        doc
    });
}

#[divan::bench]
fn begin_and_save(bencher: Bencher<'_, '_>) {
    let (_, first) = begin();
    bencher.bench(|| {
        let mut doc = RecordDoc::new();
        doc.apply(std::slice::from_ref(&first));
        doc.save()
    });
}

#[divan::bench]
fn begin_and_save_plain(bencher: Bencher<'_, '_>) {
    let (_, first) = begin();
    bencher.bench(|| {
        let mut doc = Automerge::new();
        doc.apply_changes(plain(std::slice::from_ref(&first)))
            .expect("sound");
        doc.save()
    });
}

#[divan::bench]
fn load_apply_save(bencher: Bencher<'_, '_>) {
    let (doc, last) = record(3, 1);
    let saved = doc.save();
    bencher.bench(|| {
        let mut doc = RecordDoc::load(black_box(&saved), std::iter::empty()).expect("sound");
        doc.apply(&last);
        doc.save()
    });
}

#[divan::bench]
fn load_apply_save_plain(bencher: Bencher<'_, '_>) {
    let (doc, last) = record(3, 1);
    let saved = doc.save();
    bencher.bench(|| {
        let mut doc = Automerge::load(black_box(&saved)).expect("sound");
        doc.apply_changes(plain(&last)).expect("sound");
        doc.save()
    });
}

#[divan::bench]
fn fields(bencher: Bencher<'_, '_>) {
    let (doc, _) = begin();
    bencher.bench(|| doc.fields(visit()));
}

#[divan::bench]
fn history_30(bencher: Bencher<'_, '_>) {
    let (doc, _) = record(31, 1);
    bencher.bench(|| doc.history(visit()));
}

fn payload() -> Vec<u8> {
    let (_, first) = begin();
    Payload {
        target: Target::Edit(RecordId::new([7; 16])),
        chunk: first.chunk,
    }
    .encode()
}

#[divan::bench]
fn compress_payload(bencher: Bencher<'_, '_>) {
    let payload = payload();
    bencher.bench(|| compress(black_box(&payload)));
}

#[divan::bench]
fn decompress_payload(bencher: Bencher<'_, '_>) {
    let packed = compress(&payload());
    bencher.bench(|| decompress(black_box(&packed), MAX_PAYLOAD));
}
