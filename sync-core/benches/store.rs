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
use sync_core::id::{Arrival, DeviceId, Head, LaneId, MemberId, Millis, RecordId};
use sync_core::store::conformance::{Author, COMMUNITY};
use sync_core::store::{
    Cursor, DocRow, LinkTarget, MemoryStore, Order, Person, RowFilter, RowIndex, RowLink,
    SqliteStore, Store, StoreRead, ViewRow,
};
use sync_core::view::words::Words;
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

const SURNAMES: [&str; 20] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "林",
    "郭", "何", "高", "罗",
];
const GIVEN: [&str; 10] = [
    "芳", "小明", "秀英", "伟", "敏", "静", "建国", "丽", "强", "桂兰",
];

fn member(number: u32) -> MemberId {
    MemberId::new(u128::from(number % 200 + 1).to_be_bytes())
}

/// Eighty characters that are others in every row.
fn text(number: u32) -> String {
    let letter = |at: u32| {
        let mixed = number.wrapping_mul(2_654_435_761) ^ at.wrapping_mul(40_503);
        char::from_u32(0x4e00 + mixed.rotate_left(at) % 2_000).unwrap()
    };
    (0..80).map(letter).collect()
}

fn row(number: u32) -> (ViewRow, RowIndex) {
    let name = [
        SURNAMES[number as usize % 20],
        GIVEN[number as usize / 20 % 10],
    ]
    .concat();
    let title = format!("{name} 供水点检查 {number}");
    let text = text(number);
    let mut words = Words::default();
    words.add(&title);
    words.add_initials(&title);
    words.add(&text);
    let owner = RowLink {
        field: "owner".to_owned(),
        target: LinkTarget::Member(member(number.wrapping_mul(7))),
    };
    let home = RowLink {
        field: "home".to_owned(),
        target: LinkTarget::Record(record(number % 5_000)),
    };
    let state = ["open", "assigned", "solved", "closed"][number as usize / 3 % 4];
    let row = ViewRow {
        record: record(number),
        kind: ["task", "note", "person", "place"][number as usize % 4].to_owned(),
        space: LaneId::new([u8::try_from(number / 4 % 10).unwrap(); 16]),
        state: Some(state.to_owned()),
        due: (state != "closed")
            .then(|| format!("2026-{:02}-{:02}", number % 12 + 1, number % 28 + 1)),
        day: Some(format!(
            "20{:02}-{:02}-11",
            number % 3 + 23,
            number % 12 + 1
        )),
        fields: format!("{{\"title\":\"{title}\",\"state\":\"{state}\",\"text\":\"{text}\"}}"),
        title,
        created_by: DeviceId::new([u8::try_from(number % 200).unwrap(); 32]),
        created_at: Millis(1_700_000_000_000),
        updated_by: DeviceId::new([2; 32]),
        updated_at: Millis(1_700_000_000_000 + i64::from(number * 7919 % 100_003)),
        conflicts: u32::from(number.is_multiple_of(200)),
    };
    let index = RowIndex {
        links: [owner, home].into(),
        words: words.into_set(),
    };
    (row, index)
}

fn rows(count: u32) -> &'static [(ViewRow, RowIndex)] {
    static MADE: OnceLock<Vec<(ViewRow, RowIndex)>> = OnceLock::new();
    let made = MADE.get_or_init(|| (0..MANY_ROWS).map(row).collect());
    &made[..count as usize]
}

fn put_records(store: &mut dyn Store, count: u32, with_docs: bool) {
    let mut tx = store.begin().unwrap();
    for (row, index) in rows(count) {
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
        tx.put_row(row, index).unwrap();
    }
    tx.commit().unwrap();
}

#[divan::bench(sample_count = 5)]
fn put_docs_and_rows(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(RECORDS))
        .with_inputs(|| {
            rows(RECORDS);
            let folder = TempDir::new().unwrap();
            let store = open(&folder);
            (folder, store)
        })
        .bench_refs(|(_, store)| put_records(store, RECORDS, true));
}

/// The rows of a village, each changed once more: when alone, or with what it says.
#[divan::bench(args = [false, true], sample_count = 5)]
fn put_rows_again(bencher: Bencher<'_, '_>, is_rewritten: bool) {
    const AGAIN: u32 = 2_000;
    bencher
        .counter(ItemsCount::new(AGAIN))
        .with_inputs(|| {
            let folder = TempDir::new().unwrap();
            let mut store = open(&folder);
            put_records(&mut store, RECORDS, true);
            (folder, store)
        })
        .bench_refs(|(_, store)| {
            let mut tx = store.begin().unwrap();
            let mut some: Vec<_> = rows(AGAIN).iter().collect();
            // As a merge goes: by record, which is not the order in which they came.
            some.sort_unstable_by_key(|(row, _)| row.record);
            for (row, index) in some {
                let (mut row, mut index) = (row.clone(), index.clone());
                row.updated_at.0 += 1_000_000;
                if is_rewritten {
                    index.words.insert("再来".to_owned());
                }
                tx.put_row(&row, &index).unwrap();
            }
            tx.commit().unwrap();
        });
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

fn fifty() -> RowFilter {
    RowFilter {
        limit: Some(50),
        ..RowFilter::default()
    }
}

fn list(bencher: Bencher<'_, '_>, filter: &RowFilter, expected: usize) {
    let store = SqliteStore::open(many_rows()).unwrap();
    assert_eq!(store.rows(filter).unwrap().len(), expected);
    bencher.bench_local(|| store.rows(filter).unwrap());
}

/// What a list of fifty cannot be faster than: the rows themselves, by their records.
#[divan::bench]
fn floor_fifty_rows_by_record(bencher: Bencher<'_, '_>) {
    let store = SqliteStore::open(many_rows()).unwrap();
    let newest = store.rows(&fifty()).unwrap();
    bencher.bench_local(|| {
        let rows = newest.iter().map(|row| store.row(&row.record).unwrap());
        rows.flatten().count()
    });
}

#[divan::bench]
fn list_fifty_of_a_state_and_person(bencher: Bencher<'_, '_>) {
    let filter = RowFilter {
        states: vec!["open".to_owned()],
        person: Some(Person {
            member: member(7),
            devices: vec![DeviceId::new([7; 32])],
        }),
        ..fifty()
    };
    list(bencher, &filter, 50);
}

#[divan::bench]
fn list_fifty_due_soonest_of_a_kind(bencher: Bencher<'_, '_>) {
    let filter = RowFilter {
        kind: Some("task".to_owned()),
        due_from: Some("2026-06-01".to_owned()),
        order: Order::Due,
        ..fifty()
    };
    list(bencher, &filter, 50);
}

/// A name that one row in 200 has, its initials, a pair that every row has, one character.
#[divan::bench(args = ["王芳", "wf", "供水", "王"])]
fn search_fifty(bencher: Bencher<'_, '_>, typed: &str) {
    let filter = RowFilter {
        search: Some(typed.to_owned()),
        ..fifty()
    };
    list(bencher, &filter, 50);
}

#[divan::bench]
fn page_1000_by_number(bencher: Bencher<'_, '_>) {
    let filter = RowFilter {
        offset: 999 * 50,
        ..fifty()
    };
    list(bencher, &filter, 50);
}

#[divan::bench(args = [Order::Newest, Order::Due, Order::Day])]
fn page_1000_by_place(bencher: Bencher<'_, '_>, order: Order) {
    let store = SqliteStore::open(many_rows()).unwrap();
    let before = RowFilter {
        order,
        offset: 999 * 50 - 1,
        limit: Some(1),
        ..RowFilter::default()
    };
    let filter = RowFilter {
        order,
        after: store.rows(&before).unwrap().first().map(Cursor::of),
        ..fifty()
    };
    list(bencher, &filter, 50);
}

#[divan::bench]
fn count_of_a_state_and_person(bencher: Bencher<'_, '_>) {
    let store = SqliteStore::open(many_rows()).unwrap();
    let filter = RowFilter {
        states: vec!["open".to_owned()],
        person: Some(Person {
            member: member(7),
            devices: vec![DeviceId::new([7; 32])],
        }),
        ..RowFilter::default()
    };
    bencher.bench_local(|| store.count_rows(&filter).unwrap());
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
