//! The log in one SQLite file: write-ahead log, one writer, every commit fsynced.
//!
//! Nothing is read without proof that it is what was written: a batch is hashed again and compared
//! with its chain hash, every row carries a short checksum of its columns, positions are counted, and
//! a log's batches must follow each other without a gap. So a changed byte ends in
//! [`StoreError::Corrupt`] and is never sent to a phone.

mod blobs;
mod ledger;
mod receipts;
mod rows;
mod schema;
mod write;

use std::cell::Cell;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, ffi, named_params};
use sync_core::entry::VerifiedBatch;
use sync_core::entry::branches::Settlement;
use sync_core::entry::place::Link;
use sync_core::id::{Arrival, ChainHash, CommunityId, DeviceId, Head, LaneId, LogId, Seq, StoreId};
use sync_core::session::carrier::{BatchRef, Carried, Lost};
use sync_core::store::StoreError;
use sync_core::store::files::refuse_silent_damage;
use sync_core::wire::Totals;

use crate::log::{Appended, BatchLog, CommunityState, KeptReceipts, Numbered, Spot};
use rows::{LogKey, position, unsigned};

/// How long another program (a backup, say) may keep the file before we give up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Prepared statements that are kept; more than there are.
const STATEMENTS_MAX: usize = 64;
/// Pages of the file that may be kept in memory, in KiB.
const CACHE_KIB: i32 = 32 * 1024;

/// The log in one SQLite file.
pub struct SqliteLog {
    conn: Connection,
    store: StoreId,
    /// Whether the index of the communities was found to have all of them.
    is_index_whole: Cell<bool>,
}

impl fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLog")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl SqliteLog {
    /// Opens the log in a file, or makes it; brings the file of an older version up to this one.
    ///
    /// # Errors
    /// [`StoreError::Newer`] if a newer version wrote it, [`StoreError::Corrupt`] if it is damaged or
    /// no log at all, otherwise as the disk fails.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        refuse_silent_damage(path)?;
        let mut conn = Connection::open_with_flags(path, flags).map_err(failed)?;
        conn.busy_timeout(PATIENCE).map_err(failed)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        prepare(&conn)?;
        schema::upgrade(&mut conn)?;
        Self::over(conn)
    }

    fn over(conn: Connection) -> Result<Self, StoreError> {
        let store = store_of(&conn)?;
        Ok(Self {
            conn,
            store,
            is_index_whole: Cell::new(false),
        })
    }

    /// Reads the whole file and checks how it is laid out, which takes as long as that takes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with SQLite's words for the first damage.
    pub fn check(&self) -> Result<(), StoreError> {
        let found: String = self
            .conn
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(failed)?;
        if found == "ok" {
            Ok(())
        } else {
            Err(corrupt("the layout of the log", &found))
        }
    }

    fn key_of(&self, community: &CommunityId) -> Result<Option<i64>, StoreError> {
        self.conn
            .prepare_cached("SELECT id FROM community WHERE name = ?1")
            .and_then(|mut find| {
                find.query_row([community.as_bytes()], |row| row.get(0))
                    .optional()
            })
            .map_err(failed)
    }

    fn lane_key(&self, community: i64, lane: &LaneId) -> Result<Option<i64>, StoreError> {
        self.conn
            .prepare_cached("SELECT id FROM lane WHERE community = ?1 AND name = ?2")
            .and_then(|mut find| {
                find.query_row((community, lane.as_bytes()), |row| row.get(0))
                    .optional()
            })
            .map_err(failed)
    }

    /// The number of a log, if it has any batch.
    fn log_key(&self, community: &CommunityId, log: &LogId) -> Result<Option<i64>, StoreError> {
        let Some(community) = self.key_of(community)? else {
            return Ok(None);
        };
        let Some(lane) = self.lane_key(community, &log.lane)? else {
            return Ok(None);
        };
        Ok(self.log_row(lane, log)?.map(|row| row.id))
    }

    fn log_row(&self, lane: i64, log: &LogId) -> Result<Option<LogKey>, StoreError> {
        let sql = "SELECT id, seq, chain, bytes, sum FROM log
                   WHERE lane = ?1 AND device = ?2 AND incarnation = ?3";
        let found = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut find| {
                let key = (lane, log.device.as_bytes(), log.incarnation.as_bytes());
                find.query_row(key, |row| Ok(LogKey::read(row, lane, log)))
                    .optional()
            })
            .map_err(failed)?;
        found.transpose()
    }
}

fn store_of(conn: &Connection) -> Result<StoreId, StoreError> {
    let id: Vec<u8> = conn
        .query_row("SELECT id FROM store", [], |row| row.get(0))
        .map_err(failed)?;
    StoreId::try_from(id.as_slice()).map_err(|_| corrupt("the log", "its id"))
}

fn prepare(conn: &Connection) -> Result<(), StoreError> {
    let mode: String = conn
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(failed)?;
    if !mode.eq_ignore_ascii_case("wal") {
        let reason = format!("the disk does not allow a write-ahead log (it has \"{mode}\")");
        return Err(StoreError::Io(reason));
    }
    let set = |name, value: i32| conn.pragma_update(None, name, value).map_err(failed);
    // FULL: a commit is on the disk when it returns, and an ack may follow.
    set("synchronous", 2)?;
    set("fullfsync", 1)?;
    set("checkpoint_fullfsync", 1)?;
    set("cache_size", -CACHE_KIB)?;
    set("cell_size_check", 1)?;
    set("trusted_schema", 0)?;
    set("temp_store", 2)?;
    // Plans do not depend on what is bound; otherwise statements are compiled again at every use.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(failed)?;
    Ok(())
}

pub(crate) fn corrupt(what: &'static str, place: impl fmt::Display) -> StoreError {
    StoreError::Corrupt {
        what,
        place: place.to_string(),
    }
}

/// What a refusal of SQLite means to us. Our statements are fixed, so that one which does not fit the
/// file, or a rule of the schema that is broken, is damage.
pub(crate) fn failed(error: rusqlite::Error) -> StoreError {
    let Some(failure) = error.sqlite_error() else {
        return corrupt("a value of the log", error);
    };
    let code = failure.code;
    // The second is that the index of the write-ahead log could not grow.
    let is_full = code == ErrorCode::DiskFull || failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE;
    let is_damage = matches!(
        code,
        ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::Unknown
    );
    if is_damage {
        return corrupt("the log", error);
    }
    if matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) {
        return StoreError::Busy;
    }
    if is_full {
        StoreError::Full
    } else {
        StoreError::Io(error.to_string())
    }
}

impl BatchLog for SqliteLog {
    fn store_id(&self) -> StoreId {
        self.store
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.conn.execute_batch("BEGIN IMMEDIATE").map_err(failed)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let result = self.conn.execute_batch("COMMIT").map_err(failed);
        if result.is_err() {
            self.rollback();
        }
        result
    }

    fn rollback(&mut self) {
        if self.conn.is_autocommit() {
            return;
        }
        if let Err(error) = self.conn.execute_batch("ROLLBACK") {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn append(
        &mut self,
        community: &CommunityId,
        batch: &VerifiedBatch,
        spot: Spot,
    ) -> Result<Appended, StoreError> {
        self.write(community, batch, spot)
    }

    fn settle(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        settlement: &Settlement,
    ) -> Result<Head, StoreError> {
        self.write_settled(community, log, settlement)
    }

    fn reduce(
        &mut self,
        community: &CommunityId,
        arrival: Arrival,
        batch: &VerifiedBatch,
    ) -> Result<(), StoreError> {
        self.write_reduced(community, arrival, batch)
    }

    fn put_receipt(
        &mut self,
        community: &CommunityId,
        numbered: &Numbered,
    ) -> Result<(), StoreError> {
        self.write_receipt(community, numbered)
    }

    fn remove_receipt(
        &mut self,
        community: &CommunityId,
        device: &DeviceId,
    ) -> Result<(), StoreError> {
        self.drop_receipt(community, device)
    }

    fn receipts(&self, community: &CommunityId) -> Result<KeptReceipts, StoreError> {
        self.all_receipts(community)
    }

    fn scrub(&mut self) -> Result<(), StoreError> {
        // What VACUUM sorts lies in a file while it runs: the log may be larger than the memory.
        let script = "PRAGMA temp_store = 1; VACUUM; PRAGMA temp_store = 2;";
        self.conn.execute_batch(script).map_err(failed)?;
        let is_busy: bool = self
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(failed)?;
        if is_busy {
            return Err(StoreError::Busy);
        }
        Ok(())
    }

    fn communities(&self) -> Result<u64, StoreError> {
        self.conn
            .query_row("SELECT count(*) FROM community", [], |row| row.get(0))
            .map(unsigned)
            .map_err(failed)
    }

    fn names(&self) -> Result<Vec<CommunityId>, StoreError> {
        let names: Vec<[u8; 32]> = self
            .conn
            .prepare_cached("SELECT name FROM community ORDER BY name")
            .and_then(|mut list| list.query_map([], |row| row.get(0))?.collect())
            .map_err(failed)?;
        Ok(names.into_iter().map(CommunityId::new).collect())
    }

    fn founded_by(&self, device: &DeviceId) -> Result<u64, StoreError> {
        self.conn
            .prepare_cached("SELECT count(*) FROM community WHERE founder = ?1")
            .and_then(|mut count| count.query_row([device.as_bytes()], |row| row.get(0)))
            .map(unsigned)
            .map_err(failed)
    }

    fn community(&self, community: &CommunityId) -> Result<Option<CommunityState>, StoreError> {
        self.state_of(community)
    }

    fn at(
        &self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<Option<Link>, StoreError> {
        let Some(key) = self.log_key(community, log)? else {
            return Ok(None);
        };
        let Ok(seq) = i64::try_from(seq.0) else {
            return Ok(None);
        };
        let sql = "SELECT prev, chain FROM batch WHERE log = ?1 AND is_branch = 0
                   AND last_seq >= ?2 AND first_seq = ?2 ORDER BY last_seq LIMIT 1";
        let found: Option<([u8; 32], [u8; 32])> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut find| {
                find.query_row((key, seq), |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(failed)?;
        Ok(found.map(|(prev, chain)| Link {
            prev: ChainHash::new(prev),
            chain: ChainHash::new(chain),
        }))
    }

    fn with_chain(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<(Seq, bool)>, StoreError> {
        let Some(key) = self.log_key(community, log)? else {
            return Ok(None);
        };
        let sql = "SELECT last_seq, is_branch FROM batch WHERE log = ?1 AND chain = ?2";
        let found: Option<(i64, bool)> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut find| {
                let row = (key, chain.as_bytes());
                find.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(failed)?;
        Ok(found.map(|(seq, is_branch)| (Seq(unsigned(seq)), is_branch)))
    }

    fn missing(
        &self,
        community: &CommunityId,
        log: &LogId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<BatchRef>, StoreError> {
        let Some(key) = self.log_key(community, log)? else {
            return Ok(Vec::new());
        };
        self.main_from(key, from, limit)
    }

    fn carrying(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<Carried>, StoreError> {
        let Some(key) = self.log_key(community, log)? else {
            return Ok(None);
        };
        match self.known(key, chain)? {
            Some(arrival) => self.batch(community, arrival),
            None => Ok(None),
        }
    }

    fn lost(&self, community: &CommunityId) -> Result<Vec<Lost>, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(Vec::new());
        };
        self.lost_of(key)
    }

    fn batch(
        &self,
        community: &CommunityId,
        arrival: Arrival,
    ) -> Result<Option<Carried>, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(None);
        };
        let Some(id) = position(key, arrival) else {
            return Ok(None);
        };
        self.batch_at(community, key, id)
    }

    fn read(
        &self,
        community: &CommunityId,
        lane: Option<&LaneId>,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(Vec::new());
        };
        let lane = match lane {
            Some(lane) => match self.lane_key(key, lane)? {
                Some(lane) => Some(lane),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        self.stretch(community, key, lane, (after, upto), bytes_max)
    }

    fn totals(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
    ) -> Result<Totals, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(Totals::default());
        };
        let Some(lane) = self.lane_key(key, lane)? else {
            return Ok(Totals::default());
        };
        let (Some(after), Some(upto)) = (position(key, after), position(key, upto)) else {
            return Ok(Totals::default());
        };
        let sql = "SELECT count(*), coalesce(sum(entries), 0), coalesce(sum(bytes), 0) FROM batch
                   WHERE lane = :lane AND id > :after AND id <= :upto";
        self.conn
            .prepare_cached(sql)
            .and_then(|mut sum| {
                let range = named_params! { ":lane": lane, ":after": after, ":upto": upto };
                sum.query_row(range, |row| {
                    Ok(Totals {
                        batches: unsigned(row.get(0)?),
                        entries: unsigned(row.get(1)?),
                        bytes: unsigned(row.get(2)?),
                    })
                })
            })
            .map_err(failed)
    }
}
