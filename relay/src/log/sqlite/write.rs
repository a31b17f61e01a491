//! Appending a batch: its row, and the heads that it moves.

use rusqlite::{OptionalExtension as _, named_params};
use sync_core::entry::VerifiedBatch;
use sync_core::entry::branches::Settlement;
use sync_core::id::{Arrival, ChainHash, CommunityId, Head, LogId, Seq};
use sync_core::store::StoreError;

use super::rows::{BatchKey, LogKey, lane_sum, position, sum, unsigned};
use super::{SqliteLog, corrupt, failed};
use crate::log::{Appended, BatchLog as _, Spot};

/// Number and counts of a lane.
struct LaneKey {
    id: i64,
    batches: i64,
    logs: i64,
}

pub(super) fn signed(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| corrupt("a number", value))
}

impl SqliteLog {
    pub(super) fn write(
        &mut self,
        community: &CommunityId,
        batch: &VerifiedBatch,
        spot: Spot,
    ) -> Result<Appended, StoreError> {
        let (key, tip, founder) = self.community_for(community, batch)?;
        let LaneKey {
            id: lane,
            batches,
            logs,
        } = self.lane_for(key, batch)?;
        let (log, is_new) = self.log_for(lane, batch.log())?;
        if let Some(known) = self.known(log.id, &batch.head().chain)? {
            return Ok(Appended::Known(known));
        }
        let first = batch.place().first_seq;
        let fits = match spot {
            Spot::Next => *batch.prev() == log.head.chain && first == log.head.next(),
            Spot::Winner => self.has_rival(log.id, first, batch.prev())?,
            Spot::Branch => true,
        };
        if !fits {
            return Ok(Appended::Stale);
        }
        if spot == Spot::Winner {
            self.lose_from(log.id, first)?;
        }
        let arrival = Arrival(tip.0 + 1);
        let full = || {
            corrupt(
                "the number of batches",
                format!("community {}", community.short()),
            )
        };
        let id = position(key, arrival).ok_or_else(full)?;
        self.insert(id, lane, log.id, batch, spot == Spot::Branch)?;
        let tip = signed(arrival.0)?;
        let check = sum(&[key, tip], &[community.as_bytes(), &founder]);
        self.run(
            "UPDATE community SET tip = ?2, sum = ?3 WHERE id = ?1",
            |update| update.execute((key, tip, check)),
        )?;
        let (batches, logs) = (batches + 1, logs + i64::from(is_new));
        let check = lane_sum(lane, key, &batch.log().lane, [tip, batches, logs]);
        let sql = "UPDATE lane SET tip = ?2, batches = ?3, logs = ?4, sum = ?5 WHERE id = ?1";
        self.run(sql, |update| {
            update.execute((lane, tip, batches, logs, check))
        })?;
        let head = if spot == Spot::Branch {
            log.head
        } else {
            batch.head()
        };
        let bytes = log.bytes + signed(batch.tail().len() as u64)?;
        self.move_log(
            lane,
            batch.log(),
            &LogKey {
                id: log.id,
                head,
                bytes,
            },
        )?;
        Ok(Appended::Stored(arrival))
    }

    /// Another branch of a log counts from now on.
    pub(super) fn write_settled(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        settlement: &Settlement,
    ) -> Result<Head, StoreError> {
        let gone = || corrupt("a log", format!("device {}", log.device.short()));
        let community_key = self.key_of(community)?.ok_or_else(gone)?;
        let lane = self.lane_key(community_key, &log.lane)?.ok_or_else(gone)?;
        let mut key = self.log_row(lane, log)?.ok_or_else(gone)?;
        self.lose_from(key.id, settlement.from)?;
        for arrival in &settlement.promoted {
            let carried = self.batch(community, *arrival)?.ok_or_else(gone)?;
            let id = position(community_key, *arrival).ok_or_else(gone)?;
            let mut row = self.batch_key(id)?.ok_or_else(gone)?;
            row.is_branch = false;
            let sql = "UPDATE batch SET is_branch = 0, sum = ?2 WHERE id = ?1";
            self.run(sql, |update| update.execute((id, row.sum())))?;
            key.head = carried.batch.head();
        }
        self.move_log(lane, log, &key)?;
        Ok(key.head)
    }

    fn batch_key(&self, id: i64) -> Result<Option<BatchKey>, StoreError> {
        let sql = format!("SELECT {} FROM batch b WHERE b.id = ?1", BatchKey::COLUMNS);
        let found = self.run(&sql, |find| {
            find.query_row([id], |row| Ok(BatchKey::read(row)))
                .optional()
        })?;
        found.transpose()
    }

    /// Writes a batch that has lost contents over itself, with the bytes of its log.
    pub(super) fn write_reduced(
        &mut self,
        community: &CommunityId,
        arrival: Arrival,
        batch: &VerifiedBatch,
    ) -> Result<(), StoreError> {
        let gone = || corrupt("a batch", format!("position {}", arrival.0));
        let key = self.key_of(community)?.ok_or_else(gone)?;
        let lane = self.lane_key(key, &batch.log().lane)?.ok_or_else(gone)?;
        let mut log = self.log_row(lane, batch.log())?.ok_or_else(gone)?;
        let id = position(key, arrival).ok_or_else(gone)?;
        let mut row = self.batch_key(id)?.ok_or_else(gone)?;
        if (row.log, row.chain) != (log.id, batch.head().chain) {
            return Err(gone());
        }
        let bytes = signed(batch.tail().len() as u64)?;
        log.bytes += bytes - row.bytes;
        row.bytes = bytes;
        let sql = "UPDATE batch SET bytes = ?2, sum = ?3, tail = ?4 WHERE id = ?1";
        self.run(sql, |update| {
            update.execute((id, bytes, row.sum(), batch.tail()))
        })?;
        self.move_log(lane, batch.log(), &log)
    }

    pub(super) fn run<T>(
        &self,
        sql: &str,
        act: impl FnOnce(&mut rusqlite::CachedStatement<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.conn
            .prepare_cached(sql)
            .and_then(|mut statement| act(&mut statement))
            .map_err(failed)
    }

    fn community_for(
        &self,
        community: &CommunityId,
        batch: &VerifiedBatch,
    ) -> Result<(i64, Arrival, Vec<u8>), StoreError> {
        let name = community.as_bytes();
        let sql = "SELECT id, tip, founder FROM community WHERE name = ?1";
        let found: Option<(i64, i64, Vec<u8>)> = self.run(sql, |find| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            find.query_row([name], read).optional()
        })?;
        if let Some((key, tip, founder)) = found {
            return Ok((key, Arrival(unsigned(tip)), founder));
        }
        let founder = batch.log().device;
        let sql = "INSERT INTO community (name, founder, tip, sum) VALUES (?1, ?2, 0, 0)";
        self.run(sql, |insert| insert.insert((name, founder.as_bytes())))
            .map(|key| (key, Arrival(0), founder.as_bytes().to_vec()))
    }

    fn lane_for(&self, community: i64, batch: &VerifiedBatch) -> Result<LaneKey, StoreError> {
        let name = batch.log().lane;
        let name = name.as_bytes();
        let sql = "SELECT id, batches, logs FROM lane WHERE community = ?1 AND name = ?2";
        let found = self.run(sql, |find| {
            find.query_row((community, name), |row| {
                Ok(LaneKey {
                    id: row.get(0)?,
                    batches: row.get(1)?,
                    logs: row.get(2)?,
                })
            })
            .optional()
        })?;
        if let Some(lane) = found {
            return Ok(lane);
        }
        let sql = "INSERT INTO lane (community, name, tip, batches, logs, sum)
                   VALUES (?1, ?2, 0, 0, 0, 0)";
        let id = self.run(sql, |insert| insert.insert((community, name)))?;
        Ok(LaneKey {
            id,
            batches: 0,
            logs: 0,
        })
    }

    /// Where a log stands, and whether it is new.
    fn log_for(&self, lane: i64, log: &LogId) -> Result<(LogKey, bool), StoreError> {
        if let Some(key) = self.log_row(lane, log)? {
            return Ok((key, false));
        }
        let sql = "INSERT INTO log (lane, device, incarnation, seq, chain, bytes, sum)
                   VALUES (?1, ?2, ?3, 0, ?4, 0, 0)";
        let id = self.run(sql, |insert| {
            let (device, incarnation) = (log.device.as_bytes(), log.incarnation.as_bytes());
            insert.insert((lane, device, incarnation, ChainHash::ZERO.as_bytes()))
        })?;
        Ok((
            LogKey {
                id,
                head: Head::EMPTY,
                bytes: 0,
            },
            true,
        ))
    }

    fn move_log(&self, lane: i64, log: &LogId, key: &LogKey) -> Result<(), StoreError> {
        let seq = signed(key.head.seq.0)?;
        let sql = "UPDATE log SET seq = ?2, chain = ?3, bytes = ?4, sum = ?5 WHERE id = ?1";
        self.run(sql, |update| {
            let chain = key.head.chain.as_bytes();
            update.execute((key.id, seq, chain, key.bytes, key.sum(lane, log)))
        })?;
        Ok(())
    }

    pub(super) fn known(&self, log: i64, chain: &ChainHash) -> Result<Option<Arrival>, StoreError> {
        let sql = "SELECT id & 0xffffffffff FROM batch WHERE log = ?1 AND chain = ?2";
        let found = self.run(sql, |find| {
            find.query_row((log, chain.as_bytes()), |row| row.get(0))
                .optional()
        })?;
        Ok(found.map(|id| Arrival(unsigned(id))))
    }

    fn has_rival(&self, log: i64, first: Seq, prev: &ChainHash) -> Result<bool, StoreError> {
        let first = signed(first.0)?;
        let sql = "SELECT EXISTS (SELECT 1 FROM batch WHERE log = ?1 AND is_branch = 0
                   AND last_seq >= ?2 AND first_seq = ?2 AND prev = ?3)";
        self.run(sql, |find| {
            find.query_row((log, first, prev.as_bytes()), |row| row.get(0))
        })
    }

    /// The batches of a log from `first` on become a losing branch.
    fn lose_from(&self, log: i64, first: Seq) -> Result<(), StoreError> {
        let first = signed(first.0)?;
        let sql = format!(
            "SELECT {} FROM batch b WHERE b.log = ?1 AND b.is_branch = 0 AND b.last_seq >= ?2
             AND b.first_seq >= ?2",
            BatchKey::COLUMNS
        );
        let losers: Vec<BatchKey> = self
            .run(&sql, |find| {
                find.query_map((log, first), |row| Ok(BatchKey::read(row)))?
                    .collect()
            })
            .and_then(|rows: Vec<_>| rows.into_iter().collect())?;
        for mut key in losers {
            key.is_branch = true;
            self.run(
                "UPDATE batch SET is_branch = 1, sum = ?2 WHERE id = ?1",
                |update| update.execute((key.id, key.sum())),
            )?;
        }
        Ok(())
    }

    fn insert(
        &self,
        id: i64,
        lane: i64,
        log: i64,
        batch: &VerifiedBatch,
        is_branch: bool,
    ) -> Result<(), StoreError> {
        let key = BatchKey {
            id,
            lane,
            log,
            first_seq: signed(batch.place().first_seq.0)?,
            last_seq: signed(batch.last_seq().0)?,
            is_branch,
            entries: signed(batch.count() as u64)?,
            bytes: signed(batch.tail().len() as u64)?,
            chain: batch.head().chain,
        };
        let sql = "INSERT INTO batch (id, lane, log, first_seq, last_seq, is_branch, epoch, prev,
                                      chain, sum, entries, bytes, tail)
                   VALUES (:id, :lane, :log, :first_seq, :last_seq, :is_branch, :epoch, :prev,
                           :chain, :sum, :entries, :bytes, :tail)";
        self.run(sql, |insert| {
            insert.execute(named_params! {
                ":id": key.id,
                ":lane": key.lane,
                ":log": key.log,
                ":first_seq": key.first_seq,
                ":last_seq": key.last_seq,
                ":is_branch": key.is_branch,
                ":epoch": batch.place().epoch.as_bytes(),
                ":prev": batch.prev().as_bytes(),
                ":chain": key.chain.as_bytes(),
                ":sum": key.sum(),
                ":entries": key.entries,
                ":bytes": key.bytes,
                ":tail": batch.tail(),
            })
        })?;
        Ok(())
    }
}
