//! The tables, and how files of older versions become files of this one.
//!
//! `again` indexes hold the same keys as another tree: a key that is absent must be absent in both.

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

use super::cells::{Columns, Sum, corrupt};
use super::older;
use super::read::Tally;

/// Marks the file as ours: "BNYN".
const APPLICATION_ID: i32 = 0x424e_594e;

type Step = fn(&Connection) -> Result<(), StoreError>;

/// Each entry brings a file from the version of its index to the next one; none ever changes.
const MIGRATIONS: &[Step] = &[
    to_version_1,
    to_version_2,
    to_version_3,
    to_version_4,
    to_version_5,
];

/// Checksum over the text of all tables and indexes after the last migration.
const SCHEMA_SUM: i64 = 1_389_686_101_870_220_512;

const VERSION_1: &str = "
CREATE TABLE tallies(
    name TEXT PRIMARY KEY, count INTEGER NOT NULL, sum INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE meta(
    key TEXT PRIMARY KEY, value BLOB NOT NULL, sum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX meta_again ON meta(key);

CREATE TABLE lanes(
    id INTEGER PRIMARY KEY, lane BLOB NOT NULL, logs INTEGER NOT NULL, batches INTEGER NOT NULL,
    entries INTEGER NOT NULL, bytes INTEGER NOT NULL, tip INTEGER NOT NULL, sum INTEGER NOT NULL
);
CREATE UNIQUE INDEX lanes_by_lane ON lanes(lane);
CREATE UNIQUE INDEX lanes_again ON lanes(lane, id);

CREATE TABLE logs(
    id INTEGER PRIMARY KEY, lane BLOB NOT NULL, device BLOB NOT NULL, incarnation BLOB NOT NULL,
    head_seq INTEGER NOT NULL, head_chain BLOB NOT NULL, sum INTEGER NOT NULL
);
CREATE UNIQUE INDEX logs_by_key ON logs(lane, device, incarnation);
CREATE UNIQUE INDEX logs_again ON logs(device, incarnation, lane);

-- lane_batches, lane_entries and lane_bytes count the lane up to and with this batch.
CREATE TABLE batches(
    arrival INTEGER PRIMARY KEY, log INTEGER NOT NULL, lane INTEGER NOT NULL,
    first_seq INTEGER NOT NULL, count INTEGER NOT NULL, is_branch INTEGER NOT NULL,
    epoch BLOB NOT NULL, prev BLOB NOT NULL, chain BLOB NOT NULL, origin BLOB,
    bytes INTEGER NOT NULL, lane_batches INTEGER NOT NULL, lane_entries INTEGER NOT NULL,
    lane_bytes INTEGER NOT NULL, signature_sum INTEGER NOT NULL, sum INTEGER NOT NULL,
    tail BLOB NOT NULL
);
CREATE INDEX batches_by_lane ON batches(lane);
CREATE UNIQUE INDEX batches_by_chain ON batches(chain);
CREATE UNIQUE INDEX batches_main ON batches(log, first_seq, chain) WHERE is_branch = 0;
CREATE INDEX batches_branches ON batches(log, first_seq, chain) WHERE is_branch = 1;

-- holds: 1 a document, 2 a row, 3 both.
CREATE TABLE records(
    id INTEGER PRIMARY KEY, record BLOB NOT NULL, holds INTEGER NOT NULL, tails INTEGER NOT NULL,
    sum INTEGER NOT NULL
);
CREATE UNIQUE INDEX records_by_record ON records(record);
CREATE UNIQUE INDEX records_again ON records(record, id);

CREATE TABLE docs(
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, space BLOB NOT NULL, is_troubled INTEGER NOT NULL,
    sum INTEGER NOT NULL, refs BLOB NOT NULL, base BLOB NOT NULL
);
CREATE TABLE tails(
    id INTEGER NOT NULL, number INTEGER NOT NULL, sum INTEGER NOT NULL, refs BLOB NOT NULL,
    chunk BLOB NOT NULL, PRIMARY KEY(id, number)
) WITHOUT ROWID;

CREATE TABLE groups(
    id INTEGER PRIMARY KEY, space BLOB NOT NULL, kind TEXT NOT NULL, records INTEGER NOT NULL,
    in_conflict INTEGER NOT NULL, sum INTEGER NOT NULL
);
CREATE UNIQUE INDEX groups_by_key ON groups(space, kind);

CREATE TABLE rows(
    id INTEGER PRIMARY KEY, record BLOB NOT NULL, of_group INTEGER NOT NULL,
    created_by BLOB NOT NULL, created_at INTEGER NOT NULL, updated_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL, conflicts INTEGER NOT NULL, sum INTEGER NOT NULL,
    title TEXT NOT NULL, fields TEXT NOT NULL
);
CREATE UNIQUE INDEX rows_newest ON rows(of_group, updated_at DESC, record);
CREATE INDEX rows_conflicted ON rows(of_group, updated_at DESC, record) WHERE conflicts > 0;

CREATE TABLE pending(
    lane BLOB NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, record BLOB,
    bytes BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY(lane, seq)
) WITHOUT ROWID;
CREATE INDEX pending_again ON pending(lane, seq);

-- entry: lane 16 | device 32 | incarnation 8 | seq u64, big-endian.
CREATE TABLE held(
    entry BLOB PRIMARY KEY, record BLOB, reason INTEGER NOT NULL, sum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX held_by_record ON held(record) WHERE record IS NOT NULL;
CREATE INDEX held_again ON held(record, entry) WHERE record IS NOT NULL;

CREATE TABLE waiting(
    epoch BLOB NOT NULL, entry BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY(epoch, entry)
) WITHOUT ROWID;
CREATE TABLE waits(
    epoch BLOB PRIMARY KEY, count INTEGER NOT NULL, sum INTEGER NOT NULL
) WITHOUT ROWID;

-- key: store 16 | lane 16 for what we have of theirs, store 16 for what they have of ours.
CREATE TABLE marks(
    key BLOB PRIMARY KEY, upto INTEGER NOT NULL, sum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX marks_again ON marks(key);
";

/// `~` stands for no day when due, an empty text for no day that a row is about: both come last in their
/// order. target: what it is, as one byte (1 a record, 2 a member), and its id.
const VERSION_2: &str = "
CREATE TABLE groups(
    id INTEGER PRIMARY KEY, space BLOB NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    records INTEGER NOT NULL, in_conflict INTEGER NOT NULL, ids INTEGER NOT NULL,
    sum INTEGER NOT NULL
);
CREATE UNIQUE INDEX groups_by_key ON groups(space, kind, state);

-- Up to spot_sum, which is over all before it, is what lists are made of.
CREATE TABLE rows(
    id INTEGER PRIMARY KEY, record BLOB NOT NULL, of_group INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, due TEXT NOT NULL, day TEXT NOT NULL, conflicts INTEGER NOT NULL,
    created_by BLOB NOT NULL, updated_by BLOB NOT NULL, links INTEGER NOT NULL,
    words INTEGER NOT NULL, spot_sum INTEGER NOT NULL, created_at INTEGER NOT NULL,
    sum INTEGER NOT NULL, title TEXT NOT NULL, fields TEXT NOT NULL
);
CREATE INDEX rows_newest ON rows(updated_at DESC, record, of_group);
CREATE INDEX rows_of_group ON rows(of_group, updated_at DESC, record);
CREATE INDEX rows_due ON rows(due, record, of_group);
CREATE INDEX rows_due_again ON rows(due) WHERE due <> '~';
CREATE INDEX rows_day ON rows(day DESC, record, of_group);
CREATE INDEX rows_day_again ON rows(day) WHERE day <> '';
CREATE INDEX rows_conflicted ON rows(of_group) WHERE conflicts > 0;
CREATE INDEX rows_conflicted_again ON rows(of_group, id) WHERE conflicts > 0;
CREATE INDEX rows_creators ON rows(created_by);
CREATE INDEX rows_creators_again ON rows(created_by, id);
CREATE INDEX rows_updaters ON rows(updated_by);
CREATE INDEX rows_updaters_again ON rows(updated_by, id);

CREATE TABLE links(
    id INTEGER NOT NULL, field TEXT NOT NULL, target BLOB NOT NULL,
    PRIMARY KEY(id, field, target)
) WITHOUT ROWID;
CREATE INDEX links_by_target ON links(target);
CREATE INDEX links_again ON links(target, id);

-- The words themselves are not kept, only where they are; we cut texts into words, not SQLite.
CREATE VIRTUAL TABLE words USING fts5(
    said, content='', contentless_delete=1, detail=none, tokenize='ascii'
);
";

/// Where our batches lie in relays' stores, and how far others have read there. `lanes` of a receipt are
/// the ids of the lanes that it is about, one after the other.
const RECEIPTS: &str = "
CREATE TABLE positions(
    store BLOB NOT NULL, arrival INTEGER NOT NULL, position INTEGER NOT NULL, sum INTEGER NOT NULL,
    PRIMARY KEY(store, arrival)
) WITHOUT ROWID;
CREATE UNIQUE INDEX positions_again ON positions(arrival, store);

CREATE TABLE receipts(
    store BLOB NOT NULL, device BLOB NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL,
    mark BLOB NOT NULL, signature BLOB NOT NULL, lanes BLOB NOT NULL, sum INTEGER NOT NULL,
    PRIMARY KEY(store, device)
) WITHOUT ROWID;
";

/// `holders` are the ids of the stores, one after the other. Part 0 of a blob is its list, part n + 1 its
/// chunk n.
const BLOBS: &str = "
CREATE TABLE blobs(
    id BLOB PRIMARY KEY, record BLOB NOT NULL, lane BLOB NOT NULL, part INTEGER NOT NULL,
    padded INTEGER NOT NULL, here INTEGER NOT NULL, number INTEGER NOT NULL, used INTEGER NOT NULL,
    holders BLOB NOT NULL, sum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX blobs_again ON blobs(id);

CREATE TABLE blob_parts(
    key INTEGER PRIMARY KEY, blob BLOB NOT NULL, part INTEGER NOT NULL, sum INTEGER NOT NULL,
    bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX blob_parts_by_key ON blob_parts(blob, part);
CREATE UNIQUE INDEX blob_parts_again ON blob_parts(part, blob);
";

const WISHES: &str = "ALTER TABLE blobs ADD COLUMN wish INTEGER NOT NULL DEFAULT 0;";

fn to_version_1(conn: &Connection) -> Result<(), StoreError> {
    conn.execute_batch(VERSION_1)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    begin_tallies(conn)
}

/// What a row is found by cannot be made here: whoever knows the schema writes all rows anew.
fn to_version_2(conn: &Connection) -> Result<(), StoreError> {
    older::set_rows_aside(conn)?;
    conn.execute_batch(VERSION_2)?;
    older::take_rows_back(conn)
}

fn to_version_3(conn: &Connection) -> Result<(), StoreError> {
    add_receipts(conn)
}

fn to_version_4(conn: &Connection) -> Result<(), StoreError> {
    conn.execute_batch(BLOBS)?;
    begin_tally(conn, Tally::Blobs)
}

fn to_version_5(conn: &Connection) -> Result<(), StoreError> {
    Ok(conn.execute_batch(WISHES)?)
}

fn add_receipts(conn: &Connection) -> Result<(), StoreError> {
    conn.execute_batch(RECEIPTS)?;
    begin_tally(conn, Tally::Receipts)
}

/// A file that was begun by this version has all of them already.
fn begin_tally(conn: &Connection, tally: Tally) -> Result<(), StoreError> {
    conn.execute(
        "INSERT OR IGNORE INTO tallies(name, count, sum) VALUES (?1, 0, ?2)",
        (tally.name(), tally.sum(0)),
    )?;
    Ok(())
}

fn begin_tallies(conn: &Connection) -> Result<(), StoreError> {
    for tally in Tally::ALL {
        conn.execute(
            "INSERT INTO tallies(name, count, sum) VALUES (?1, 0, ?2)",
            (tally.name(), tally.sum(0)),
        )?;
    }
    Ok(())
}

/// Removes all rows of all tables but the index of words, which clears itself.
pub(super) fn clear(conn: &Connection) -> Result<(), StoreError> {
    let mut tables = conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'words%' \
         ORDER BY name",
    )?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
    for table in tables {
        conn.execute(&format!("DELETE FROM {}", table?), [])?;
    }
    begin_tallies(conn)
}

/// Refuses files that are not ours or newer than us, before anything is written to them.
pub(super) fn refuse_strangers(conn: &Connection) -> Result<(), StoreError> {
    let version = version(conn)?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let is_new = tables == 0 && version == 0 && id == 0;
    if !is_new && (id != APPLICATION_ID || version == 0 || tables == 0) {
        return Err(corrupt(
            "the header",
            "the beginning of the file, which is no Banyan store",
        ));
    }
    if usize::try_from(version).map_or(true, |version| version > MIGRATIONS.len()) {
        return Err(StoreError::Newer(version));
    }
    Ok(())
}

/// Runs the migrations that the file has not had, all or none.
pub(super) fn upgrade(conn: &mut Connection) -> Result<(), StoreError> {
    if steps_left(conn)?.is_empty() {
        return refuse_other_schema(conn);
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again: another program may have been first.
    for step in steps_left(&tx)? {
        step(&tx)?;
    }
    tx.pragma_update(
        None,
        "user_version",
        i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX),
    )?;
    refuse_other_schema(&tx)?;
    Ok(tx.commit()?)
}

fn version(conn: &Connection) -> Result<u32, StoreError> {
    let version: i32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(version.cast_unsigned())
}

fn steps_left(conn: &Connection) -> Result<&'static [Step], StoreError> {
    let done = usize::try_from(version(conn)?).unwrap_or(usize::MAX);
    Ok(MIGRATIONS.get(done..).unwrap_or_default())
}

/// The texts of tables and indexes say what all other bytes mean, so they are compared at once.
fn refuse_other_schema(conn: &Connection) -> Result<(), StoreError> {
    if schema_sum(conn)? == SCHEMA_SUM {
        Ok(())
    } else {
        Err(corrupt("the layout", "the list of tables"))
    }
}

fn schema_sum(conn: &Connection) -> Result<i64, StoreError> {
    let mut sum = Sum::of("schema");
    let mut statement =
        conn.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name, type")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row, "the layout", &"the list of tables");
        for _ in 0..4 {
            let text: Option<String> = columns.next()?;
            sum = sum.maybe(text.as_deref().map(str::as_bytes));
        }
    }
    Ok(sum.done())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_after_the_last_migration_is_the_one_that_files_are_compared_with() {
        let conn = Connection::open_in_memory().unwrap();
        for step in MIGRATIONS {
            step(&conn).unwrap();
        }
        assert_eq!(schema_sum(&conn).unwrap(), SCHEMA_SUM);
    }
}
