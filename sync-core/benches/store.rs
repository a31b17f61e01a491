//! What a store costs: appending, merging's writes, the list on a person's screen, opening.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement may stop loudly"
)]

use std::path::Path;
use std::sync::OnceLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use sync_core::entry::VerifiedBatch;
use sync_core::id::{Arrival, DeviceId, Head, LaneId, Millis, RecordId};
use sync_core::store::conformance::{Author, COMMUNITY};
use sync_core::store::{
    DocRow, MemoryStore, RowFilter, RowIndex, SqliteStore, Store, StoreRead, ViewRow,
};
use tempfile::TempDir;

const LANE: LaneId = LaneId::new([1; 16]);
/// Batches of a station's year, of twelve entries each.
const BATCHES: usize = 4_000;
const RECORDS: u32 = 13_660;
const MANY_ROWS: u32 = 100_000;

fn main() {
    divan::main();
}

fn batches() -> &'static [VerifiedBatch] {
    static BATCHES_MADE: OnceLock<Vec<VerifiedBatch>> = OnceLock::new();
    BATCHES_MADE.get_or_init(|| {
        let mut authors: Vec<_> = (0..40).map(Author::new).collect();
        let mut heads = vec![Head::EMPTY; authors.len()];
        let mut made = Vec::with_capacity(BATCHES);
        for number in 0..BATCHES {
            let of = number % authors.len();
            let batch = authors[of].batch(LANE, &heads[of], 12, 180);
            heads[of] = batch.head();
            made.push(batch);
        }
        made
    })
}

fn open(folder: &TempDir) -> SqliteStore {
    SqliteStore::open(&folder.path().join("store")).unwrap()
}

fn append_all(store: &mut dyn Store, batches: &[VerifiedBatch], per_commit: usize) {
    for some in batches.chunks(per_commit) {
        let mut tx = store.begin().unwrap();
        for batch in some {
            tx.append(batch, None).unwrap();
        }
        tx.commit().unwrap();
    }
}

#[divan::bench(args = [1, 20, 400, BATCHES], sample_count = 5)]
fn append_sqlite(bencher: Bencher<'_, '_>, per_commit: usize) {
    let count = if per_commit == 1 { 400 } else { BATCHES };
    let batches = &batches()[..count];
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| {
            let folder = TempDir::new().unwrap();
            let store = open(&folder);
            (folder, store)
        })
        .bench_refs(|(_, store)| append_all(store, batches, per_commit));
}

#[divan::bench(sample_count = 5)]
fn append_memory(bencher: Bencher<'_, '_>) {
    let batches = batches();
    bencher
        .counter(ItemsCount::new(batches.len()))
        .with_inputs(MemoryStore::new)
        .bench_refs(|store| append_all(store, batches, 20));
}

fn record(number: u32) -> RecordId {
    // Spread as hashes are.
    RecordId::new(
        (u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_be_bytes(),
    )
}

fn row(number: u32) -> ViewRow {
    ViewRow {
        record: record(number),
        kind: ["task", "note", "person", "place"][number as usize % 4].to_owned(),
        space: LaneId::new([u8::try_from(number / 4 % 10).unwrap(); 16]),
        state: None,
        due: None,
        day: None,
        title: format!("供水点检查 {number}"),
        fields: format!(
            "{{\"title\":\"供水点检查 {number}\",\"state\":\"open\",\"text\":\"{}\"}}",
            "一些文字".repeat(20)
        ),
        created_by: DeviceId::new([1; 32]),
        created_at: Millis(1_700_000_000_000),
        updated_by: DeviceId::new([2; 32]),
        updated_at: Millis(1_700_000_000_000 + i64::from(number * 7919 % 100_003)),
        conflicts: u32::from(number.is_multiple_of(200)),
    }
}

fn put_records(store: &mut dyn Store, count: u32, with_docs: bool) {
    let mut tx = store.begin().unwrap();
    for number in 0..count {
        let row = row(number);
        if with_docs {
            tx.put_doc(&DocRow {
                record: row.record,
                kind: row.kind.clone(),
                space: row.space,
                base: vec![7; 500],
                refs: vec![1; 60],
                is_troubled: false,
            })
            .unwrap();
        }
        tx.put_row(&row, &RowIndex::default()).unwrap();
    }
    tx.commit().unwrap();
}

#[divan::bench(sample_count = 5)]
fn put_docs_and_rows(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(RECORDS))
        .with_inputs(|| {
            let folder = TempDir::new().unwrap();
            let store = open(&folder);
            (folder, store)
        })
        .bench_refs(|(_, store)| put_records(store, RECORDS, true));
}

/// All of a community at once: batches, documents and rows in one transaction after the other.
#[divan::bench(sample_count = 5)]
fn whole_community(bencher: Bencher<'_, '_>) {
    let batches = batches();
    bencher
        .with_inputs(|| {
            let folder = TempDir::new().unwrap();
            let store = open(&folder);
            (folder, store)
        })
        .bench_refs(|(_, store)| {
            append_all(store, batches, 400);
            put_records(store, RECORDS, true);
        });
}

fn many_rows() -> &'static Path {
    static MADE: OnceLock<(TempDir, std::path::PathBuf)> = OnceLock::new();
    let (_, path) = MADE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let mut store = open(&folder);
        put_records(&mut store, MANY_ROWS, false);
        let path = folder.path().join("store");
        (folder, path)
    });
    path
}

#[divan::bench]
fn open_and_list_fifty_of_many(bencher: Bencher<'_, '_>) {
    let path = many_rows();
    let filter = RowFilter {
        kind: Some("note".to_owned()),
        space: Some(LaneId::new([3; 16])),
        limit: Some(50),
        ..RowFilter::default()
    };
    bencher.bench(|| {
        let rows = SqliteStore::open(path).unwrap().rows(&filter).unwrap();
        assert_eq!(rows.len(), 50);
    });
}

#[divan::bench]
fn list_fifty_newest_of_all(bencher: Bencher<'_, '_>) {
    let store = SqliteStore::open(many_rows()).unwrap();
    let filter = RowFilter {
        limit: Some(50),
        ..RowFilter::default()
    };
    bencher.bench_local(|| store.rows(&filter).unwrap());
}

#[divan::bench]
fn open_only(bencher: Bencher<'_, '_>) {
    let path = many_rows();
    bencher.bench(|| SqliteStore::open(path).unwrap());
}

#[divan::bench]
fn read_all_batches(bencher: Bencher<'_, '_>) {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut tx = store.begin().unwrap();
    tx.put_meta("community", COMMUNITY.as_bytes()).unwrap();
    tx.commit().unwrap();
    append_all(&mut store, batches(), 400);
    bencher.counter(ItemsCount::new(BATCHES)).bench_local(|| {
        store
            .stretch(&LANE, Arrival(0), Arrival(u64::MAX), usize::MAX)
            .unwrap()
    });
}
