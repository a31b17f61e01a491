//! Adding batches to logs, and taking a log's end away.

use rusqlite::{OptionalExtension, params};

use crate::store::forward::names::*;

use super::batches::{Meta, signature_sum};
use super::cells::int;
use super::logs::{LaneRow, LogRow};
use super::read::{Rows, Tally};

impl Rows<'_> {
    pub(super) fn append(
        &self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
        is_branch: bool,
    ) -> Result<Arrival, StoreError> {
        let mut lane = self.lane_for(&batch.log().lane)?;
        let mut log = self.log_for(batch.log(), &mut lane)?;
        let place = batch.place();
        let is_next = log.head.next() == place.first_seq && log.head.chain == *batch.prev();
        if !(is_branch || is_next) || self.has_chain(batch)? {
            return Err(StoreError::out_of_place());
        }
        let arrival = Arrival(self.tally(Tally::Batches)? + 1);
        let bytes = batch.tail().len() as u64;
        lane.totals.batches += 1;
        lane.totals.entries += batch.count() as u64;
        lane.totals.bytes += bytes;
        lane.tip = arrival;
        let meta = Meta {
            arrival,
            log: log.id,
            lane: lane.id,
            first_seq: place.first_seq,
            count: batch.count() as u64,
            is_branch,
            epoch: place.epoch,
            prev: *batch.prev(),
            chain: batch.head().chain,
            origin: origin.copied(),
            bytes,
            totals: lane.totals,
            signature_sum: signature_sum(batch.tail()),
        };
        self.insert_batch(&meta, batch.tail())?;
        if !is_branch {
            log.head = batch.head();
            self.write_log(&log)?;
        }
        self.write_lane(&lane)?;
        self.set_tally(Tally::Batches, arrival.0)?;
        Ok(arrival)
    }

    /// The counts of the lane stay as they were when the batch came.
    pub(super) fn reduce(&self, arrival: Arrival, batch: &VerifiedBatch) -> Result<(), StoreError> {
        let mut meta = self
            .with_chain(batch.log(), &batch.head().chain)?
            .filter(|meta| meta.arrival == arrival)
            .ok_or_else(StoreError::out_of_place)?;
        meta.bytes = batch.tail().len() as u64;
        self.conn
            .prepare_cached(
                "UPDATE batches SET bytes = ?2, sum = ?3, tail = ?4 WHERE arrival = ?1",
            )?
            .execute(params![
                int(arrival.0)?,
                int(meta.bytes)?,
                meta.sum().done(),
                batch.tail(),
            ])?;
        Ok(())
    }

    fn has_chain(&self, batch: &VerifiedBatch) -> Result<bool, StoreError> {
        let found: Option<i64> = self
            .conn
            .prepare_cached("SELECT arrival FROM batches WHERE chain = ?1")?
            .query_row([batch.head().chain.as_bytes()], |row| row.get(0))
            .optional()?;
        Ok(found.is_some())
    }

    fn insert_batch(&self, meta: &Meta, tail: &[u8]) -> Result<(), StoreError> {
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO batches(arrival, log, lane, first_seq, count, is_branch, epoch, prev, \
             chain, origin, bytes, lane_batches, lane_entries, lane_bytes, signature_sum, sum, tail) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?;
        statement.execute(params![
            int(meta.arrival.0)?,
            meta.log,
            meta.lane,
            int(meta.first_seq.0)?,
            int(meta.count)?,
            meta.is_branch,
            meta.epoch.as_bytes(),
            meta.prev.as_bytes(),
            meta.chain.as_bytes(),
            meta.origin.as_ref().map(StoreId::as_bytes),
            int(meta.bytes)?,
            int(meta.totals.batches)?,
            int(meta.totals.entries)?,
            int(meta.totals.bytes)?,
            meta.signature_sum,
            meta.sum().done(),
            tail,
        ])?;
        Ok(())
    }

    fn lane_for(&self, lane: &LaneId) -> Result<LaneRow, StoreError> {
        if let Some(found) = self.find_lane(lane)? {
            return Ok(found);
        }
        let count = self.tally(Tally::Lanes)? + 1;
        let row = LaneRow {
            id: int(count)?,
            lane: *lane,
            logs: 0,
            totals: Totals::default(),
            tip: Arrival(0),
        };
        self.conn
            .prepare_cached(
                "INSERT INTO lanes(id, lane, logs, batches, entries, bytes, tip, sum) \
                 VALUES (?1, ?2, 0, 0, 0, 0, 0, ?3)",
            )?
            .execute(params![row.id, lane.as_bytes(), row.sum().done()])?;
        self.set_tally(Tally::Lanes, count)?;
        Ok(row)
    }

    fn write_lane(&self, lane: &LaneRow) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "UPDATE lanes SET logs = ?2, batches = ?3, entries = ?4, bytes = ?5, tip = ?6, \
                 sum = ?7 WHERE id = ?1",
            )?
            .execute(params![
                lane.id,
                int(lane.logs)?,
                int(lane.totals.batches)?,
                int(lane.totals.entries)?,
                int(lane.totals.bytes)?,
                int(lane.tip.0)?,
                lane.sum().done(),
            ])?;
        Ok(())
    }

    fn log_for(&self, log: &LogId, lane: &mut LaneRow) -> Result<LogRow, StoreError> {
        if let Some(found) = self.find_log(log)? {
            return Ok(found);
        }
        let id: i64 = self
            .conn
            .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM logs")?
            .query_row([], |row| row.get(0))?;
        let row = LogRow {
            id,
            log: *log,
            head: Head::EMPTY,
        };
        self.conn
            .prepare_cached(
                "INSERT INTO logs(id, lane, device, incarnation, head_seq, head_chain, sum) \
                 VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6)",
            )?
            .execute(params![
                id,
                log.lane.as_bytes(),
                log.device.as_bytes(),
                log.incarnation.as_bytes(),
                Head::EMPTY.chain.as_bytes(),
                row.sum().done(),
            ])?;
        lane.logs += 1;
        Ok(row)
    }

    fn write_log(&self, log: &LogRow) -> Result<(), StoreError> {
        self.conn
            .prepare_cached(
                "UPDATE logs SET head_seq = ?2, head_chain = ?3, sum = ?4 WHERE id = ?1",
            )?
            .execute(params![
                log.id,
                int(log.head.seq.0)?,
                log.head.chain.as_bytes(),
                log.sum().done(),
            ])?;
        Ok(())
    }

    pub(super) fn promote(&self, arrival: Arrival) -> Result<(), StoreError> {
        let carried = self.carried(arrival)?.filter(|carried| carried.is_branch);
        let batch = carried.ok_or_else(StoreError::out_of_place)?.batch;
        let log = self.find_log(batch.log())?;
        let meta = self.by_chain(batch.log(), &batch.head().chain, true)?;
        let (Some(mut log), Some(mut meta)) = (log, meta) else {
            return Err(StoreError::out_of_place());
        };
        if log.head.next() != meta.first_seq || log.head.chain != meta.prev {
            return Err(StoreError::out_of_place());
        }
        meta.is_branch = false;
        self.conn
            .prepare_cached("UPDATE batches SET is_branch = 0, sum = ?2 WHERE arrival = ?1")?
            .execute(params![int(arrival.0)?, meta.sum().done()])?;
        log.head = batch.head();
        self.write_log(&log)
    }

    pub(super) fn demote(&self, log: &LogId, seq: Seq) -> Result<(), StoreError> {
        let losing = self.main_from(log, seq, usize::MAX)?;
        let Some(first) = losing.first().map(|meta| meta.first_seq) else {
            return Ok(());
        };
        let Some(mut log) = self.find_log(log)? else {
            return Ok(());
        };
        let before = self.main_with(&log, Seq(first.0.saturating_sub(1)))?;
        for mut meta in losing {
            meta.is_branch = true;
            self.conn
                .prepare_cached("UPDATE batches SET is_branch = 1, sum = ?2 WHERE arrival = ?1")?
                .execute(params![int(meta.arrival.0)?, meta.sum().done()])?;
        }
        log.head = before.map_or(Head::EMPTY, |meta| Head {
            seq: meta.last_seq(),
            chain: meta.chain,
        });
        self.write_log(&log)
    }
}
