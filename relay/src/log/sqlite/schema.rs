//! The tables, and how the file of an older version becomes one of this version.

use rusqlite::Connection;
use sync_core::store::StoreError;

use super::{corrupt, failed};

/// Marks the file as a relay's log: "BnyR".
const APPLICATION_ID: i32 = 0x426e_7952;

/// One step per version of the file; steps are added at the end and never changed.
const STEPS: &[&str] = &[
    "
    CREATE TABLE store (id BLOB NOT NULL);
    INSERT INTO store VALUES (randomblob(16));

    CREATE TABLE community (
        id INTEGER PRIMARY KEY,
        name BLOB NOT NULL UNIQUE,
        founder BLOB NOT NULL,
        tip INTEGER NOT NULL,
        sum INTEGER NOT NULL
    );
    CREATE INDEX community_founder ON community (founder);

    CREATE TABLE lane (
        id INTEGER PRIMARY KEY,
        community INTEGER NOT NULL REFERENCES community,
        name BLOB NOT NULL,
        tip INTEGER NOT NULL,
        batches INTEGER NOT NULL,
        logs INTEGER NOT NULL,
        sum INTEGER NOT NULL,
        UNIQUE (community, name)
    );

    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        lane INTEGER NOT NULL REFERENCES lane,
        device BLOB NOT NULL,
        incarnation BLOB NOT NULL,
        seq INTEGER NOT NULL,
        chain BLOB NOT NULL,
        bytes INTEGER NOT NULL,
        sum INTEGER NOT NULL,
        UNIQUE (lane, device, incarnation)
    );

    -- id = community << 40 | arrival, so that a community's batches lie together in their order.
    CREATE TABLE batch (
        id INTEGER PRIMARY KEY,
        lane INTEGER NOT NULL,
        log INTEGER NOT NULL,
        first_seq INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        is_branch INTEGER NOT NULL,
        epoch BLOB NOT NULL,
        prev BLOB NOT NULL,
        chain BLOB NOT NULL,
        sum INTEGER NOT NULL,
        entries INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        tail BLOB NOT NULL
    );
    CREATE INDEX batch_lane ON batch (lane, id, entries, bytes);
    CREATE INDEX batch_seq ON batch (log, is_branch, last_seq, first_seq, entries, bytes);
    CREATE UNIQUE INDEX batch_chain ON batch (log, chain);
",
    "
    CREATE INDEX batch_lost ON batch (id) WHERE is_branch = 1;
",
    "
    -- Devices that a roster names alone; strangers have no row here.
    CREATE TABLE seen (
        community INTEGER NOT NULL REFERENCES community,
        device BLOB NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (community, device)
    ) WITHOUT ROWID;

    -- Day 0 counts since the file was made; of the others only the newest are kept.
    CREATE TABLE refused (
        day INTEGER NOT NULL,
        reason INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (day, reason)
    ) WITHOUT ROWID;

    CREATE TABLE noted (since INTEGER NOT NULL, at INTEGER, connections INTEGER NOT NULL);
    INSERT INTO noted VALUES (unixepoch(), NULL, 0);
",
    "
    -- How far each device has read this log, as it has signed it; the store is this one.
    CREATE TABLE receipt (
        community INTEGER NOT NULL REFERENCES community,
        device BLOB NOT NULL,
        number INTEGER NOT NULL,
        position INTEGER NOT NULL,
        at INTEGER NOT NULL,
        lanes BLOB NOT NULL,
        signature BLOB NOT NULL,
        sum INTEGER NOT NULL,
        PRIMARY KEY (community, device)
    ) WITHOUT ROWID;

    -- The number that a receipt was given last.
    CREATE TABLE receipt_number (
        community INTEGER PRIMARY KEY REFERENCES community,
        newest INTEGER NOT NULL,
        count INTEGER NOT NULL,
        sum INTEGER NOT NULL
    );
",
    "
    -- entry: lane 16 | device 32 | incarnation 8 | seq u64, big-endian. number: 0 until it is whole.
    CREATE TABLE blob (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        community INTEGER NOT NULL REFERENCES community,
        entry BLOB NOT NULL,
        blob BLOB NOT NULL,
        lane BLOB NOT NULL,
        device BLOB NOT NULL,
        padded INTEGER NOT NULL,
        hashes BLOB NOT NULL,
        here INTEGER NOT NULL,
        number INTEGER NOT NULL,
        sum INTEGER NOT NULL,
        UNIQUE (community, entry, blob)
    );
    CREATE INDEX blob_by_number ON blob (community, lane, number);

    -- id = blob * 512 + index, so that a blob's chunks lie together.
    CREATE TABLE blob_chunk (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);

    -- The number that a blob was given last.
    CREATE TABLE blob_number (
        community INTEGER PRIMARY KEY REFERENCES community,
        newest INTEGER NOT NULL,
        sum INTEGER NOT NULL
    );
",
];

/// The first version with notes for the operator.
pub(super) const WITH_NOTES: i32 = 3;

/// Which version the file has; 0 if nothing was written yet.
pub(super) fn version(conn: &Connection) -> Result<i32, StoreError> {
    let read = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let version = read("user_version").map_err(failed)?;
    let owner = read("application_id").map_err(failed)?;
    let newest = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
    let is_new = version == 0 && owner == 0;
    if !is_new && owner != APPLICATION_ID {
        return Err(corrupt(
            "the log",
            "its head: it is not the file of a relay",
        ));
    }
    if version > newest {
        return Err(StoreError::Newer(version.unsigned_abs()));
    }
    Ok(version)
}

pub(super) fn upgrade(conn: &mut Connection) -> Result<(), StoreError> {
    let version = version(conn)?;
    let done = usize::try_from(version).map_err(|_| corrupt("the log", "its format number"))?;
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        apply(conn, i32::try_from(index + 1).unwrap_or(i32::MAX), step)?;
    }
    Ok(())
}

/// Takes one step, after which the file is of this version.
fn apply(conn: &mut Connection, version: i32, step: &str) -> Result<(), StoreError> {
    let tx = conn.transaction().map_err(failed)?;
    tx.execute_batch(step).map_err(failed)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(failed)?;
    tx.pragma_update(None, "user_version", version)
        .map_err(failed)?;
    tx.commit().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::SqliteLog;
    use super::*;
    use crate::log::{BatchLog as _, KeptReceipts};

    #[test]
    fn log_of_the_first_version_is_opened_and_answers_what_came_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        let mut conn = Connection::open(&path).unwrap();
        let [first, ..] = STEPS else {
            panic!("there is a first step")
        };
        apply(&mut conn, 1, first).unwrap();
        drop(conn);
        let looked = SqliteLog::look(&path).unwrap().overview(0).unwrap();
        assert_eq!(looked.refused_since, None, "it is only looked at");
        let log = SqliteLog::open(&path).unwrap();
        assert!(log.lost_of(1).unwrap().is_empty());
        let nobody = sync_core::id::CommunityId::ZERO;
        assert_eq!(log.receipts(&nobody), Ok(KeptReceipts::default()));
        assert!(log.overview(0).unwrap().refused_since.is_some());
    }
}
