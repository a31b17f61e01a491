//! Lanes and logs: what each has and where it ends.

use rusqlite::{Row, params};

use crate::id::{DeviceId, Incarnation};
use crate::store::forward::names::*;

use super::cells::{Columns, Sum, corrupt};
use super::read::{Rows, Tally};

pub(super) struct LaneRow {
    pub(super) id: i64,
    pub(super) lane: LaneId,
    pub(super) logs: u64,
    pub(super) totals: Totals,
    pub(super) tip: Arrival,
}

pub(super) struct LogRow {
    pub(super) id: i64,
    pub(super) log: LogId,
    pub(super) head: Head,
}

impl Rows<'_> {
    pub(super) fn find_lane(&self, lane: &LaneId) -> Result<Option<LaneRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, lane, logs, batches, entries, bytes, tip, sum \
             FROM lanes INDEXED BY lanes_by_lane WHERE lane = ?1",
        )?;
        let mut rows = statement.query([lane.as_bytes()])?;
        let Some(row) = rows.next()? else {
            self.confirm_absent(
                "SELECT 1 FROM lanes INDEXED BY lanes_again WHERE lane = ?1",
                [lane.as_bytes()],
                "a lane",
            )?;
            return Ok(None);
        };
        let found = LaneRow::of(row)?;
        if found.lane == *lane {
            Ok(Some(found))
        } else {
            Err(corrupt("a lane", lane))
        }
    }

    pub(super) fn find_log(&self, log: &LogId) -> Result<Option<LogRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, lane, device, incarnation, head_seq, head_chain, sum \
             FROM logs INDEXED BY logs_by_key \
             WHERE lane = ?1 AND device = ?2 AND incarnation = ?3",
        )?;
        let key = params![
            log.lane.as_bytes(),
            log.device.as_bytes(),
            log.incarnation.as_bytes()
        ];
        let mut rows = statement.query(key)?;
        let Some(row) = rows.next()? else {
            self.confirm_absent(
                "SELECT 1 FROM logs INDEXED BY logs_again \
                 WHERE lane = ?1 AND device = ?2 AND incarnation = ?3",
                key,
                "a log",
            )?;
            return Ok(None);
        };
        let found = LogRow::of(row)?;
        if found.log == *log {
            Ok(Some(found))
        } else {
            Err(corrupt("a log", log.device))
        }
    }

    /// The logs of a lane, sorted.
    pub(super) fn logs_of(&self, lane: &LaneId) -> Result<Vec<LogRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, lane, device, incarnation, head_seq, head_chain, sum \
             FROM logs INDEXED BY logs_by_key WHERE lane = ?1 ORDER BY device, incarnation",
        )?;
        let mut rows = statement.query([lane.as_bytes()])?;
        let mut logs: Vec<LogRow> = Vec::new();
        while let Some(row) = rows.next()? {
            let found = LogRow::of(row)?;
            if found.log.lane != *lane || logs.last().is_some_and(|last| last.log >= found.log) {
                return Err(corrupt("a log", lane));
            }
            logs.push(found);
        }
        let expected = self.find_lane(lane)?.map_or(0, |row| row.logs);
        if logs.len() as u64 != expected {
            return Err(corrupt("the list of logs", lane));
        }
        Ok(logs)
    }

    pub(super) fn all_logs(&self) -> Result<Vec<LogId>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, lane, logs, batches, entries, bytes, tip, sum FROM lanes ORDER BY lane",
        )?;
        let mut rows = statement.query([])?;
        let mut lanes = Vec::new();
        while let Some(row) = rows.next()? {
            lanes.push(LaneRow::of(row)?.lane);
        }
        self.check_tally(Tally::Lanes, lanes.len() as u64)?;
        let mut logs = Vec::new();
        for lane in &lanes {
            logs.extend(self.logs_of(lane)?.iter().map(|row| row.log));
        }
        logs.sort_unstable();
        Ok(logs)
    }

    pub(super) fn log_named(&self, id: i64) -> Result<LogId, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, lane, device, incarnation, head_seq, head_chain, sum \
             FROM logs WHERE id = ?1",
        )?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else {
            return Err(corrupt("a log", "the list of logs"));
        };
        Ok(LogRow::of(row)?.log)
    }
}

impl LaneRow {
    pub(super) fn sum(&self) -> Sum {
        Sum::of("lanes")
            .signed(self.id)
            .bytes(self.lane.as_bytes())
            .int(self.logs)
            .int(self.totals.batches)
            .int(self.totals.entries)
            .int(self.totals.bytes)
            .int(self.tip.0)
    }

    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = Columns::new(row, "a lane", &"the list of lanes");
        let lane = Self {
            id: columns.next()?,
            lane: columns.next()?,
            logs: columns.next()?,
            totals: Totals {
                batches: columns.next()?,
                entries: columns.next()?,
                bytes: columns.next()?,
            },
            tip: Arrival(columns.next()?),
        };
        columns.check(lane.sum())?;
        Ok(lane)
    }
}

impl LogRow {
    pub(super) fn sum(&self) -> Sum {
        Sum::of("logs")
            .signed(self.id)
            .bytes(self.log.lane.as_bytes())
            .bytes(self.log.device.as_bytes())
            .bytes(self.log.incarnation.as_bytes())
            .int(self.head.seq.0)
            .bytes(self.head.chain.as_bytes())
    }

    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = Columns::new(row, "a log", &"the list of logs");
        let id = columns.next()?;
        let lane: LaneId = columns.next()?;
        let device: DeviceId = columns.next()?;
        let incarnation: Incarnation = columns.next()?;
        let head = Head {
            seq: Seq(columns.next()?),
            chain: columns.next()?,
        };
        let found = Self {
            id,
            log: LogId {
                lane,
                device,
                incarnation,
            },
            head,
        };
        columns.check(found.sum())?;
        Ok(found)
    }
}
