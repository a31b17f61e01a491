//! The store of phones and computers: one SQLite file per community.
//!
//! Write-ahead log, one writer at a time, every commit fsynced. Several programs may hold the file:
//! the second writer waits, a reader sees one moment. Nothing is read without proof that it is what
//! was written: a batch is hashed again and compared with its chain hash, every other row carries a
//! short checksum of its columns, lists are counted, batches are numbered without gaps, and that a
//! key is absent is confirmed in a second index. So a changed byte ends in [`StoreError::Corrupt`].
//! One thing is not proved: that the rows of one page of a long list, cut short by its limit or begun
//! after a place, are all that belong there, or that a search finds all; [`Store::check`] finds that too.

mod append;
mod batches;
mod blobs;
mod cells;
mod find;
mod groups;
mod links;
mod lists;
mod logs;
mod older;
mod read;
mod receipts;
mod records;
mod schema;
mod views;
mod words;
mod write;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};

use crate::store::files::refuse_silent_damage;
use crate::store::forward::forward_reads;
use crate::store::forward::names::*;
use crate::store::{Store, StoreTx};

use cells::corrupt;
use read::Snapshot;
use write::SqliteTx;

/// How long another program may keep its transaction open before we give up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Prepared statements that are kept; more than the store has.
const STATEMENTS_MAX: usize = 224;
/// Pages of the file that may be kept in memory, in KiB.
const CACHE_KIB: i32 = 16 * 1024;

/// A store in one SQLite file.
pub struct SqliteStore {
    conn: Connection,
    /// SQLite's count of changes by others, as last seen.
    seen: i64,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store in a file, or makes it; brings the file of an older version up to this one.
    ///
    /// Its community is the 32 bytes of the named value `community`
    /// ([`CommunityId::ZERO`](crate::id::CommunityId::ZERO) without one).
    ///
    /// # Errors
    /// [`StoreError::Newer`] if a newer version wrote it, [`StoreError::Corrupt`] if it is damaged
    /// or no store at all, otherwise as the disk fails.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        refuse_silent_damage(path)?;
        let mut conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(PATIENCE)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        schema::refuse_strangers(&conn)?;
        if conn.is_readonly("main")? {
            // No permission, or a header with another format for writing.
            let reason =
                "it can only be read: permission to write is missing, or byte 18 is damaged";
            return Err(StoreError::Io(reason.to_owned()));
        }
        prepare(&conn)?;
        schema::upgrade(&mut conn)?;
        let seen = data_version(&conn)?;
        Ok(Self { conn, seen })
    }

    /// Sets how long another program may keep its transaction open before [`StoreError::Busy`];
    /// 5 seconds at first.
    ///
    /// # Errors
    /// As SQLite refuses.
    pub fn set_patience(&mut self, patience: Duration) -> Result<(), StoreError> {
        Ok(self.conn.busy_timeout(patience)?)
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        Snapshot::take(&self.conn)
    }
}

fn prepare(conn: &Connection) -> Result<(), StoreError> {
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Io(format!(
            "the disk does not allow a write-ahead log (it has \"{mode}\")"
        )));
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Apple's fsync leaves data in the drive's cache; elsewhere these two change nothing.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    // Android has no directory for temporary files.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // Plans do not depend on what is bound; otherwise statements are compiled again at every use.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn data_version(conn: &Connection) -> Result<i64, StoreError> {
    Ok(conn
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))?)
}

impl StoreRead for SqliteStore {
    forward_reads!(self => self.snapshot()?.rows());
}

impl Store for SqliteStore {
    /// SQLite's own check of the whole file. For a quiet moment, and before a backup is made of it.
    fn check(&self) -> Result<(), StoreError> {
        let found: String = self
            .conn
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if found == "ok" {
            Ok(())
        } else {
            Err(corrupt("the layout of the file", found))
        }
    }

    /// Writes the file anew from what is in it, and empties the write-ahead log.
    fn scrub(&mut self) -> Result<(), StoreError> {
        words::scrub(&self.conn)?;
        self.conn.execute_batch("VACUUM")?;
        let is_busy: bool = self
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if is_busy {
            return Err(StoreError::Busy);
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<Box<dyn StoreTx + '_>, StoreError> {
        let tx = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Box::new(SqliteTx::new(tx)))
    }

    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        let version = data_version(&self.conn)?;
        let has_changed = version != self.seen;
        self.seen = version;
        Ok(has_changed)
    }
}

/// What a refusal of SQLite means to us. Our statements are fixed and were run when the file was
/// made, so that one that no longer fits the file, or a rule of the schema that is broken, is damage.
impl From<rusqlite::Error> for StoreError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the list is SQLite's, and it grows"
    )]
    fn from(error: rusqlite::Error) -> Self {
        let Some(failure) = error.sqlite_error() else {
            return corrupt("a value", error);
        };
        let code = *failure;
        match code.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::DiskFull => Self::Full,
            // The index of the write-ahead log could not grow.
            ErrorCode::SystemIoFailure if code.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
                Self::Full
            }
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch => corrupt("the database", error),
            ErrorCode::Unknown if code.extended_code == ffi::SQLITE_ERROR => {
                corrupt("the layout of the database", error)
            }
            _ => Self::Io(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
