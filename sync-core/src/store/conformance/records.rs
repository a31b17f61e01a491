//! Facts about documents, rows, and the short lists.

use super::{Author, Check};
use crate::entry::EntryKind;
use crate::id::{Arrival, DeviceId, EpochId, LaneId, Millis, RecordId, Seq, StoreId};
use crate::store::{
    DocRow, EntryRef, HeldRow, HoldCode, KeptReceipt, KindCount, PendingRow, RowFilter, RowIndex,
    Store, StoreError, TailRow, ViewRow,
};

const HERE: LaneId = LaneId::new([1; 16]);
const THERE: LaneId = LaneId::new([2; 16]);
const RELAY: StoreId = StoreId::new([7; 16]);

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("pending edits come in order and leave when sealed", pending),
    ("a document is replaced with its tails", docs),
    ("a removed record leaves nothing", removal),
    ("cleared records leave nothing and come back", clearing),
    (
        "a dropped transaction leaves records as they were",
        rollback,
    ),
    ("rows come newest first, as filtered", rows),
    ("rows are counted per space and kind", counts),
    ("records are found by the letters of their ids", prefixes),
    ("held entries are found by record", held),
    ("entries wait for epochs", waiting),
    ("cursors keep any position", cursors),
    ("positions are each relay's own", positions),
    ("a device has one receipt for each store", receipts),
];

fn record(byte: u8) -> RecordId {
    RecordId::new([byte; 16])
}

fn entry(seed: u64, seq: u64) -> EntryRef {
    EntryRef {
        log: Author::new(seed).log(HERE),
        seq: Seq(seq),
    }
}

fn edit(lane: LaneId, seq: u64) -> PendingRow {
    PendingRow {
        lane,
        seq: Seq(seq),
        kind: EntryKind::CHANGE,
        record: seq.is_multiple_of(2).then(|| record(9)),
        bytes: vec![5; 20],
    }
}

fn doc(byte: u8) -> DocRow {
    DocRow {
        record: record(byte),
        kind: "task".to_owned(),
        space: HERE,
        base: vec![byte; 100],
        refs: vec![byte; 10],
        is_troubled: byte.is_multiple_of(2),
    }
}

fn tail(byte: u8) -> TailRow {
    TailRow {
        chunk: vec![byte; 30],
        refs: vec![byte; 3],
    }
}

fn row(byte: u8, kind: &str, space: LaneId, updated_at: i64, conflicts: u32) -> ViewRow {
    ViewRow {
        record: record(byte),
        kind: kind.to_owned(),
        space,
        state: None,
        due: None,
        day: None,
        title: format!("标题 {byte}"),
        fields: format!("{{\"n\":{byte}}}"),
        created_by: DeviceId::new([3; 32]),
        created_at: Millis(-5),
        updated_by: DeviceId::new([4; 32]),
        updated_at: Millis(updated_at),
        conflicts,
    }
}

fn put_rows(store: &mut dyn Store, rows: &[ViewRow]) -> Result<(), StoreError> {
    let mut tx = store.begin()?;
    for row in rows {
        tx.put_row(row, &RowIndex::default())?;
    }
    tx.commit()
}

fn pending(store: &mut dyn Store) -> Result<(), StoreError> {
    let edits = [edit(THERE, 1), edit(HERE, 10), edit(HERE, 2), edit(HERE, 9)];
    let mut tx = store.begin()?;
    for edit in &edits {
        tx.put_pending(edit)?;
        tx.put_pending(edit)?;
    }
    tx.commit()?;
    let [there, tenth, second, ninth] = edits;
    let all = [second, ninth, tenth.clone(), there.clone()];
    assert_eq!(store.pending()?, all);
    assert_eq!(store.last_pending(&HERE)?, Some(Seq(10)));
    assert_eq!(store.last_pending(&LaneId::ZERO)?, None);
    let mut tx = store.begin()?;
    tx.remove_pending(&HERE, Seq(9))?;
    assert_eq!(tx.pending()?, [tenth, there]);
    drop(tx);
    assert_eq!(store.pending()?, all);
    let mut tx = store.begin()?;
    tx.remove_pending(&HERE, Seq(u64::MAX))?;
    tx.commit()?;
    assert_eq!(
        (store.pending()?.len(), store.last_pending(&HERE)?),
        (1, None)
    );
    Ok(())
}

fn docs(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut tx = store.begin()?;
    tx.put_doc(&doc(2))?;
    tx.put_doc(&doc(1))?;
    for byte in 1..=12 {
        tx.append_tail(&record(1), &tail(byte))?;
    }
    tx.commit()?;
    assert_eq!(store.doc(&record(1))?, Some(doc(1)));
    assert_eq!(store.doc(&record(3))?, None);
    assert_eq!(
        store.tails(&record(1))?,
        (1..=12).map(tail).collect::<Vec<_>>()
    );
    assert_eq!(store.tails(&record(2))?, []);
    assert_eq!(store.records()?, [record(1), record(2)]);
    let larger = DocRow {
        base: vec![7; 100_000],
        is_troubled: true,
        ..doc(1)
    };
    let mut tx = store.begin()?;
    tx.put_doc(&larger)?;
    assert_eq!(tx.tails(&record(1))?, []);
    tx.append_tail(&record(1), &tail(9))?;
    tx.commit()?;
    assert_eq!(store.doc(&record(1))?, Some(larger));
    assert_eq!(store.tails(&record(1))?, [tail(9)]);
    Ok(())
}

fn removal(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut tx = store.begin()?;
    for byte in [1, 2] {
        tx.put_doc(&doc(byte))?;
        tx.append_tail(&record(byte), &tail(1))?;
        tx.put_row(&row(byte, "task", HERE, 5, 1), &RowIndex::default())?;
    }
    tx.put_row(&row(3, "note", HERE, 5, 0), &RowIndex::default())?;
    tx.remove_record(&record(1))?;
    tx.remove_record(&record(9))?;
    tx.commit()?;
    assert_eq!(store.doc(&record(1))?, None);
    assert_eq!(store.tails(&record(1))?, []);
    assert_eq!(store.row(&record(1))?, None);
    assert_eq!(store.records()?, [record(2)], "a row alone is no document");
    assert_eq!(store.rows(&RowFilter::default())?.len(), 2);
    let mut tx = store.begin()?;
    tx.remove_record(&record(3))?;
    tx.put_doc(&doc(1))?;
    tx.commit()?;
    assert_eq!(store.doc(&record(1))?, Some(doc(1)));
    assert_eq!(store.tails(&record(1))?, []);
    let task = KindCount {
        space: HERE,
        kind: "task".to_owned(),
        records: 1,
        in_conflict: 1,
    };
    assert_eq!(store.counts()?, [task]);
    Ok(())
}

fn clearing(store: &mut dyn Store) -> Result<(), StoreError> {
    let fill = |store: &mut dyn Store| {
        let mut tx = store.begin()?;
        tx.put_doc(&doc(1))?;
        tx.append_tail(&record(1), &tail(1))?;
        tx.put_row(&row(1, "task", HERE, 5, 1), &RowIndex::default())?;
        tx.commit()
    };
    fill(store)?;
    let mut tx = store.begin()?;
    tx.clear_records()?;
    assert_eq!(tx.records()?, []);
    drop(tx);
    assert_eq!(store.tails(&record(1))?, [tail(1)]);
    let mut tx = store.begin()?;
    tx.clear_records()?;
    tx.commit()?;
    assert_eq!(
        (store.doc(&record(1))?, store.row(&record(1))?),
        (None, None)
    );
    assert_eq!(
        (store.tails(&record(1))?, store.counts()?),
        (Vec::new(), Vec::new())
    );
    assert_eq!(store.rows(&RowFilter::default())?, []);
    fill(store)?;
    assert_eq!(store.doc(&record(1))?, Some(doc(1)));
    assert_eq!(store.counts()?.len(), 1);
    Ok(())
}

fn rollback(store: &mut dyn Store) -> Result<(), StoreError> {
    let before = row(1, "task", HERE, 5, 1);
    let mut tx = store.begin()?;
    tx.put_doc(&doc(1))?;
    tx.append_tail(&record(1), &tail(1))?;
    tx.put_row(&before, &RowIndex::default())?;
    tx.put_held(&HeldRow {
        entry: entry(1, 1),
        record: Some(record(1)),
        reason: HoldCode(1),
    })?;
    tx.put_waiting(&EpochId::ZERO, &entry(1, 2))?;
    tx.commit()?;
    let mut tx = store.begin()?;
    tx.append_tail(&record(1), &tail(2))?;
    tx.put_doc(&doc(2))?;
    tx.put_row(&row(1, "note", THERE, 9, 0), &RowIndex::default())?;
    tx.remove_record(&record(1))?;
    tx.remove_held(&entry(1, 1))?;
    tx.remove_waiting(&EpochId::ZERO)?;
    drop(tx);
    assert_eq!(store.doc(&record(1))?, Some(doc(1)));
    assert_eq!(store.tails(&record(1))?, [tail(1)]);
    assert_eq!(store.records()?, [record(1)]);
    assert_eq!(store.rows(&RowFilter::default())?, [before]);
    assert_eq!(store.counts()?.len(), 1);
    assert_eq!(store.held_of(&record(1))?.len(), 1);
    assert_eq!(store.waited_for()?, [(EpochId::ZERO, 1)]);
    Ok(())
}

/// Kind, space, only conflicts; and the first bytes of the records that come.
type RowsCase = (Option<&'static str>, Option<LaneId>, bool, &'static [u8]);

fn rows(store: &mut dyn Store) -> Result<(), StoreError> {
    let all = [
        row(5, "task", HERE, 30, 0),
        row(1, "note", HERE, 20, 1),
        row(2, "task", THERE, 20, 2),
        row(3, "task", HERE, 20, 0),
        row(6, "note", THERE, 20, 0),
        row(4, "task", HERE, -10, 3),
    ];
    put_rows(store, &[&all[3..], &all[..3]].concat())?;
    // Written again elsewhere, and back: the old places are gone.
    put_rows(
        store,
        &[row(3, "note", THERE, 99, 1), row(3, "task", HERE, 20, 0)],
    )?;
    assert_eq!(store.rows(&RowFilter::default())?, all);
    assert_eq!(store.row(&record(2))?.as_ref(), Some(&all[2]));
    let (task, other) = (Some("task"), Some("other"));
    let cases: &[RowsCase] = &[
        (None, None, false, &[5, 1, 2, 3, 6, 4]),
        (task, None, false, &[5, 2, 3, 4]),
        (None, Some(HERE), false, &[5, 1, 3, 4]),
        (task, Some(HERE), false, &[5, 3, 4]),
        (None, None, true, &[1, 2, 4]),
        (task, None, true, &[2, 4]),
        (task, Some(THERE), true, &[2]),
        (other, None, false, &[]),
    ];
    for (kind, space, only_conflicts, expected) in cases {
        let whole = RowFilter {
            kind: kind.map(str::to_owned),
            space: *space,
            only_conflicts: *only_conflicts,
            ..RowFilter::default()
        };
        check_pages(store, &whole, expected)?;
    }
    Ok(())
}

/// Every page of a list is a part of it.
fn check_pages(store: &dyn Store, whole: &RowFilter, expected: &[u8]) -> Result<(), StoreError> {
    for offset in 0..expected.len() + 2 {
        for limit in [None, Some(0), Some(1), Some(2), Some(9)] {
            let page = RowFilter {
                limit,
                offset,
                ..whole.clone()
            };
            let found: Vec<u8> = store
                .rows(&page)?
                .iter()
                .map(|row| row.record.as_bytes()[0])
                .collect();
            let rest = expected.get(offset..).unwrap_or_default();
            let len = rest.len().min(limit.unwrap_or(usize::MAX));
            assert_eq!(found, rest[..len], "{page:?}");
        }
    }
    Ok(())
}

fn counts(store: &mut dyn Store) -> Result<(), StoreError> {
    put_rows(
        store,
        &[
            row(1, "task", THERE, 1, 0),
            row(2, "task", HERE, 1, 1),
            row(3, "task", HERE, 1, 0),
            row(4, "note", HERE, 1, 2),
        ],
    )?;
    // A conflict settled, and a record that moved.
    put_rows(
        store,
        &[row(2, "task", HERE, 2, 0), row(1, "note", HERE, 3, 1)],
    )?;
    let count = |kind: &str, records, in_conflict| KindCount {
        space: HERE,
        kind: kind.to_owned(),
        records,
        in_conflict,
    };
    assert_eq!(store.counts()?, [count("note", 2, 2), count("task", 2, 0)]);
    Ok(())
}

fn prefixes(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut tx = store.begin()?;
    for byte in [0, 1, 2, 200] {
        tx.put_doc(&doc(byte))?;
    }
    tx.put_row(&row(3, "task", HERE, 1, 0), &RowIndex::default())?;
    tx.commit()?;
    let text = record(200).to_string();
    assert_eq!(
        store.records_like("", 9)?,
        [record(0), record(1), record(2), record(200)]
    );
    assert_eq!(store.records_like("a", 2)?, [record(0), record(1)]);
    assert_eq!(store.records_like(&text[..1], 9)?, [record(200)]);
    assert_eq!(store.records_like(&text, 9)?, [record(200)]);
    assert_eq!(store.records_like(&format!("{text}a"), 9)?, []);
    assert_eq!(store.records_like("0", 9)?, []);
    assert_eq!(store.records_like("7", 9)?, []);
    assert_eq!(store.records_like("", 0)?, []);
    Ok(())
}

fn held(store: &mut dyn Store) -> Result<(), StoreError> {
    let held = |seed, seq, of: Option<u8>, reason| HeldRow {
        entry: entry(seed, seq),
        record: of.map(record),
        reason: HoldCode(reason),
    };
    let rows = [
        held(1, 300, Some(1), 4),
        held(1, 2, Some(1), 65535),
        held(2, 1, None, 0),
    ];
    let mut tx = store.begin()?;
    for row in &rows {
        tx.put_held(row)?;
    }
    tx.commit()?;
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| row.entry);
    assert_eq!(store.held()?, sorted);
    assert_eq!(
        store.held_of(&record(1))?,
        [rows[1].clone(), rows[0].clone()]
    );
    assert_eq!(store.held_of(&record(2))?, []);
    assert_eq!(store.held_count()?, 3);
    let moved = held(1, 300, Some(2), 5);
    let mut tx = store.begin()?;
    tx.put_held(&moved)?;
    tx.remove_held(&entry(2, 1))?;
    tx.remove_held(&entry(2, 1))?;
    tx.commit()?;
    assert_eq!(store.held()?, [rows[1].clone(), moved.clone()]);
    assert_eq!(store.held_of(&record(1))?, [rows[1].clone()]);
    assert_eq!(store.held_of(&record(2))?, [moved]);
    assert_eq!(store.held_count()?, 2);
    Ok(())
}

fn waiting(store: &mut dyn Store) -> Result<(), StoreError> {
    let (first, second) = (EpochId::new([1; 16]), EpochId::new([2; 16]));
    let mut tx = store.begin()?;
    for (epoch, seq) in [(second, 7), (first, 300), (first, 2), (first, 2)] {
        tx.put_waiting(&epoch, &entry(1, seq))?;
    }
    tx.commit()?;
    assert_eq!(store.waiting_for(&first)?, [entry(1, 2), entry(1, 300)]);
    assert_eq!(store.waiting_for(&EpochId::ZERO)?, []);
    assert_eq!(store.waited_for()?, [(first, 2), (second, 1)]);
    let mut tx = store.begin()?;
    tx.remove_waiting(&first)?;
    tx.remove_waiting(&EpochId::ZERO)?;
    tx.commit()?;
    assert_eq!(store.waiting_for(&first)?, []);
    assert_eq!(store.waited_for()?, [(second, 1)]);
    Ok(())
}

fn cursors(store: &mut dyn Store) -> Result<(), StoreError> {
    assert_eq!(store.cursor(&RELAY, &HERE)?, 0);
    assert_eq!(store.uploaded(&RELAY)?, Arrival(0));
    for upto in [1, u64::MAX, 5] {
        let mut tx = store.begin()?;
        tx.put_cursor(&RELAY, &HERE, upto)?;
        tx.put_uploaded(&RELAY, Arrival(upto.saturating_sub(1)))?;
        tx.commit()?;
        assert_eq!(store.cursor(&RELAY, &HERE)?, upto);
        assert_eq!(store.uploaded(&RELAY)?, Arrival(upto.saturating_sub(1)));
    }
    assert_eq!(store.cursor(&RELAY, &THERE)?, 0);
    assert_eq!(store.cursor(&StoreId::ZERO, &HERE)?, 0);
    assert_eq!(store.uploaded(&StoreId::ZERO)?, Arrival(0));
    Ok(())
}

fn positions(store: &mut dyn Store) -> Result<(), StoreError> {
    let (one, two) = (Arrival(1), Arrival(2));
    let other = StoreId::new([8; 16]);
    assert_eq!(store.position(&RELAY, one)?, None);
    let mut tx = store.begin()?;
    tx.put_position(&RELAY, one, 9)?;
    tx.put_position(&RELAY, two, u64::MAX)?;
    tx.put_position(&RELAY, one, 7)?;
    tx.put_position(&other, one, 70)?;
    tx.commit()?;
    assert_eq!(store.position(&RELAY, one)?, Some(7));
    assert_eq!(store.position(&RELAY, two)?, Some(u64::MAX));
    assert_eq!(store.position(&other, one)?, Some(70));
    assert_eq!(store.position(&other, two)?, None);
    let mut tx = store.begin()?;
    tx.forget_positions(&RELAY)?;
    drop(tx);
    assert_eq!(store.position(&RELAY, one)?, Some(7));
    let mut tx = store.begin()?;
    tx.forget_positions(&RELAY)?;
    tx.commit()?;
    assert_eq!(store.position(&RELAY, one)?, None);
    assert_eq!(store.position(&RELAY, two)?, None);
    assert_eq!(store.position(&other, one)?, Some(70));
    Ok(())
}

fn receipts(store: &mut dyn Store) -> Result<(), StoreError> {
    let (one, two) = (Author::new(1), Author::new(2));
    assert_eq!(store.receipts()?, []);
    let (first, later) = (one.receipt(7, 5), one.receipt(7, u64::MAX));
    let (elsewhere, others) = (one.receipt(8, 6), two.receipt(7, 3));
    let mut tx = store.begin()?;
    for kept in [&first, &elsewhere, &others, &later] {
        tx.put_receipt(kept)?;
    }
    tx.commit()?;
    let key = |kept: &KeptReceipt| (kept.receipt.reading().store, *kept.receipt.device());
    let mut all = vec![later, elsewhere, others];
    all.sort_by_key(key);
    assert_eq!(store.receipts()?, all);
    let mut tx = store.begin()?;
    tx.remove_receipt(&RELAY, first.receipt.device())?;
    drop(tx);
    assert_eq!(store.receipts()?, all);
    let mut tx = store.begin()?;
    tx.remove_receipt(&RELAY, first.receipt.device())?;
    tx.remove_receipt(&StoreId::ZERO, first.receipt.device())?;
    tx.commit()?;
    all.retain(|kept| key(kept) != key(&first));
    assert_eq!(store.receipts()?, all);
    let mut tx = store.begin()?;
    tx.clear()?;
    tx.commit()?;
    assert_eq!(store.receipts()?, []);
    Ok(())
}
