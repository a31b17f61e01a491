//! Rows are made anew from documents, whatever was in their place and wherever a program is killed.

use super::*;
use crate::replica::mind::meta;
use crate::store::fault::{FaultKind, FaultStore};
use crate::store::{LinkTarget, RowIndex, StoreError, StoreRead as _, ViewRow};

const SEED: u64 = 5;

/// A community with linked records, and the records.
fn village() -> (Phone, Vec<RecordId>) {
    let mut phone = Phone::found(SEED);
    let space = phone.replica.add_space(
        "良登村",
        &mut Moment {
            now: Millis(2),
            rng: &mut ChaCha8Rng::seed_from_u64(6),
        },
    );
    let space = space.unwrap();
    let home = phone.put("household", space, &[("door", "仁和里12号")]);
    let mut records = vec![home];
    for number in 0..600 {
        let door = format!("{number}号门");
        let date = format!("2026-03-{:02}", number % 28 + 1);
        let home = home.to_string();
        let fields = [
            ("household", door.as_str()),
            ("date", &date),
            ("purpose", "health"),
            ("next_due", "2026-09-01"),
            ("home", &home),
        ];
        records.push(phone.put("visit", space, &fields));
    }
    (phone, records)
}

fn reopen(store: Box<dyn Store>) -> Result<Replica, ReplicaError> {
    let keys = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(SEED));
    Replica::open(store, Arc::new(keys))
}

/// Rows as an older version would have made them.
fn age(store: &mut dyn Store) {
    let rows = store.rows(&RowFilter::default()).unwrap();
    let mut tx = store.begin().unwrap();
    for row in rows {
        let older = ViewRow {
            title: "of an older version".to_owned(),
            state: None,
            due: None,
            day: None,
            ..row
        };
        tx.put_row(&older, &RowIndex::default()).unwrap();
    }
    tx.remove_meta(meta::VIEW).unwrap();
    tx.commit().unwrap();
}

#[test]
fn rows_of_an_older_version_are_made_anew_from_documents() {
    let (phone, records) = village();
    let rows = phone.replica.list(&RowFilter::default()).unwrap();
    let links = phone.replica.links_to(records[0]).unwrap();
    assert_eq!(links.len(), 600);
    assert_eq!(rows[0].due.as_deref(), Some("2026-09-01"));
    assert_eq!(rows[0].state.as_deref(), Some("draft"));
    let mut store = phone.replica.into_store();
    age(&mut *store);
    let replica = reopen(store).unwrap();
    assert_eq!(replica.list(&RowFilter::default()).unwrap(), rows);
    assert_eq!(replica.links_to(records[0]).unwrap(), links);
    let linked = Some(LinkTarget::Record(records[0]));
    let linked = RowFilter {
        linked,
        ..RowFilter::default()
    };
    assert_eq!(replica.count(&linked).unwrap(), 600);
}

#[test]
fn program_that_is_killed_while_rows_are_made_begins_again() {
    let (phone, _) = village();
    let rows = phone.replica.list(&RowFilter::default()).unwrap();
    let mut store = backup(&phone.replica);
    age(&mut *store);
    let aged = memory(store);
    for at in [1, 100, 256, 257, 258, 400, 513, 514, 603, 604, 605, 606] {
        for kind in [FaultKind::KillBefore, FaultKind::KillAfterCommit] {
            let store = FaultStore::new(MemoryStore::clone(&aged));
            let handle = store.handle();
            handle.fail_at(at, kind);
            assert!(reopen(Box::new(store)).is_err(), "{at}");
            let left = handle.take_store().unwrap();
            let is_noted = left.meta(meta::VIEW).unwrap().is_some();
            assert_eq!(
                is_noted,
                at == 606 && kind == FaultKind::KillAfterCommit,
                "{at}"
            );
            let replica = reopen(Box::new(left)).unwrap();
            assert_eq!(replica.list(&RowFilter::default()).unwrap(), rows);
        }
    }
}

#[test]
fn community_that_is_opened_again_writes_nothing() {
    let (phone, _) = village();
    let store = FaultStore::new(*memory(phone.replica.into_store()));
    let handle = store.handle();
    let replica = reopen(Box::new(store)).unwrap();
    assert_eq!(handle.writes(), 0);
    drop(replica);
}

#[test]
fn record_that_a_damaged_index_of_words_names_is_not_shown_as_found() {
    let (phone, records) = village();
    let mut store = phone.replica.into_store();
    let row = store.row(&records[5]).unwrap().unwrap();
    let words = std::collections::BTreeSet::from(["王芳".to_owned()]);
    let mut tx = store.begin().unwrap();
    let index = RowIndex {
        words,
        ..RowIndex::default()
    };
    tx.put_row(&row, &index).unwrap();
    tx.commit().unwrap();
    let replica = reopen(store).unwrap();
    let search = |typed: &str| {
        let search = Some(typed.to_owned());
        replica.list(&RowFilter {
            search,
            ..RowFilter::default()
        })
    };
    assert!(matches!(
        search("王芳"),
        Err(ReplicaError::Store(StoreError::Corrupt { .. }))
    ));
    assert_eq!(search("5号门").unwrap().len(), 1);
    assert_eq!(search("健康随访").unwrap().len(), 599);
}

fn memory(store: Box<dyn Store>) -> Box<MemoryStore> {
    let any: Box<dyn std::any::Any> = store;
    any.downcast().unwrap()
}
