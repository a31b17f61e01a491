//! Batches, and what follows from their order.
//!
//! Batches are never removed, so arrivals have no gaps; the batches of a lane are numbered, and
//! those of a log follow one another. Each reading method relies on one of these to notice a loss.

use rusqlite::{Row, params};

use crate::entry::{Place, SignedBatch};
use crate::id::CommunityId;
use crate::keys::Signature;
use crate::store::forward::names::*;

use super::cells::{Columns, Sum, bound, corrupt};
use super::logs::{LaneRow, LogRow};
use super::read::reference;
use super::read::{Rows, Tally};

/// A batch without its tail.
#[derive(Debug, Clone)]
pub(super) struct Meta {
    pub(super) arrival: Arrival,
    pub(super) log: i64,
    pub(super) lane: i64,
    pub(super) first_seq: Seq,
    pub(super) count: u64,
    pub(super) is_branch: bool,
    pub(super) epoch: EpochId,
    pub(super) prev: ChainHash,
    pub(super) chain: ChainHash,
    pub(super) origin: Option<StoreId>,
    pub(super) bytes: u64,
    /// Of the lane, up to and with this batch.
    pub(super) totals: Totals,
    pub(super) signature_sum: i64,
}

macro_rules! meta_columns {
    () => {
        "b.arrival, b.log, b.lane, b.first_seq, b.count, b.is_branch, b.epoch, b.prev, b.chain, \
         b.origin, b.bytes, b.lane_batches, b.lane_entries, b.lane_bytes, b.signature_sum, b.sum"
    };
}

macro_rules! select_carried {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            meta_columns!(),
            ", b.tail, l.lane, l.device, l.incarnation \
             FROM batches b LEFT JOIN logs l ON l.id = b.log ",
            $rest
        )
    };
}

macro_rules! select_meta {
    ($rest:literal) => {
        concat!("SELECT ", meta_columns!(), " FROM batches b ", $rest)
    };
}

impl Meta {
    pub(super) fn last_seq(&self) -> Seq {
        Seq(self
            .first_seq
            .0
            .saturating_add(self.count)
            .saturating_sub(1))
    }

    pub(super) fn sum(&self) -> Sum {
        Sum::of("batches")
            .int(self.arrival.0)
            .signed(self.log)
            .signed(self.lane)
            .int(self.first_seq.0)
            .int(self.count)
            .int(u64::from(self.is_branch))
            .bytes(self.epoch.as_bytes())
            .bytes(self.prev.as_bytes())
            .bytes(self.chain.as_bytes())
            .maybe(
                self.origin
                    .as_ref()
                    .map(|origin| origin.as_bytes().as_slice()),
            )
            .int(self.bytes)
            .int(self.totals.batches)
            .int(self.totals.entries)
            .int(self.totals.bytes)
            .signed(self.signature_sum)
    }

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let meta = Self {
            arrival: Arrival(columns.next()?),
            log: columns.next()?,
            lane: columns.next()?,
            first_seq: Seq(columns.next()?),
            count: columns.next()?,
            is_branch: columns.next()?,
            epoch: columns.next()?,
            prev: columns.next()?,
            chain: columns.next()?,
            origin: columns.next()?,
            bytes: columns.next()?,
            totals: Totals {
                batches: columns.next()?,
                entries: columns.next()?,
                bytes: columns.next()?,
            },
            signature_sum: columns.next()?,
        };
        columns.check(meta.sum())?;
        Ok(meta)
    }

    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        Self::read(&mut Columns::new(row, "a batch", &"the list of batches"))
    }

    fn damaged(&self) -> StoreError {
        corrupt("a batch", format_args!("arrival {}", self.arrival.0))
    }
}

/// The signature is the one part of a tail that its chain hash does not cover.
pub(super) fn signature_sum(tail: &[u8]) -> i64 {
    let signature = tail.get(16..16 + Signature::LEN).unwrap_or_default();
    Sum::of("signature").bytes(signature).done()
}

fn gap(lane_or_log: &'static str) -> StoreError {
    corrupt("an order of batches", lane_or_log)
}

fn read_carried(row: &Row<'_>, community: &CommunityId) -> Result<(Meta, Carried), StoreError> {
    let mut columns = Columns::new(row, "a batch", &"the list of batches");
    let meta = Meta::read(&mut columns)?;
    let tail: Vec<u8> = columns.next()?;
    let log = LogId {
        lane: columns.next()?,
        device: columns.next()?,
        incarnation: columns.next()?,
    };
    if tail.len() as u64 != meta.bytes || signature_sum(&tail) != meta.signature_sum {
        return Err(meta.damaged());
    }
    let place = Place {
        log,
        first_seq: meta.first_seq,
        epoch: meta.epoch,
    };
    let batch = SignedBatch::parse(place, tail)
        .ok()
        .and_then(|batch| batch.trusted(community, &meta.prev, &meta.chain))
        .ok_or_else(|| meta.damaged())?;
    let carried = Carried {
        arrival: meta.arrival,
        batch: Arc::new(batch),
        is_branch: meta.is_branch,
    };
    Ok((meta, carried))
}

impl Rows<'_> {
    fn community(&self) -> Result<CommunityId, StoreError> {
        let Some(bytes) = self.meta_value("community")? else {
            return Ok(CommunityId::ZERO);
        };
        CommunityId::try_from(bytes.as_slice())
            .map_err(|_| corrupt("the community", "the named values"))
    }

    /// The batch of the branch that counts that holds an entry.
    pub(super) fn main_with(&self, log: &LogRow, seq: Seq) -> Result<Option<Meta>, StoreError> {
        if seq < Seq::FIRST || seq > log.head.seq {
            return Ok(None);
        }
        let mut statement = self.conn.prepare_cached(select_meta!(
            "INDEXED BY batches_main WHERE b.log = ?1 AND b.is_branch = 0 AND b.first_seq <= ?2 \
             ORDER BY b.first_seq DESC LIMIT 1"
        ))?;
        let mut rows = statement.query(params![log.id, bound(seq.0)])?;
        let Some(row) = rows.next()? else {
            return Err(gap("a log"));
        };
        let meta = Meta::of(row)?;
        let holds = meta.first_seq <= seq && seq <= meta.last_seq();
        if meta.log == log.id && !meta.is_branch && holds {
            Ok(Some(meta))
        } else {
            Err(gap("a log"))
        }
    }

    pub(super) fn main_link(&self, log: &LogId, seq: Seq) -> Result<Option<Link>, StoreError> {
        let Some(log) = self.find_log(log)? else {
            return Ok(None);
        };
        let meta = self
            .main_with(&log, seq)?
            .filter(|meta| meta.first_seq == seq);
        Ok(meta.map(|meta| Link {
            prev: meta.prev,
            chain: meta.chain,
        }))
    }

    /// Batches of the branch that counts that end at or after `from`.
    pub(super) fn main_from(
        &self,
        log: &LogId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<Meta>, StoreError> {
        let mut metas = Vec::new();
        let Some(log) = self.find_log(log)? else {
            return Ok(metas);
        };
        let Some(first) = self.main_with(&log, from.max(Seq::FIRST))? else {
            return Ok(metas);
        };
        let mut statement = self.conn.prepare_cached(select_meta!(
            "INDEXED BY batches_main WHERE b.log = ?1 AND b.is_branch = 0 AND b.first_seq >= ?2 \
             ORDER BY b.first_seq LIMIT ?3"
        ))?;
        let limit_cell = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![log.id, bound(first.first_seq.0), limit_cell])?;
        let mut next = first.first_seq;
        while let Some(row) = rows.next()? {
            let meta = Meta::of(row)?;
            if meta.log != log.id || meta.is_branch || meta.first_seq != next {
                return Err(gap("a log"));
            }
            next = meta.last_seq().plus(1);
            metas.push(meta);
        }
        if metas.len() < limit && next != log.head.next() {
            return Err(gap("a log"));
        }
        Ok(metas)
    }

    /// Batches of losing branches, by arrival.
    pub(super) fn all_lost(&self) -> Result<Vec<Lost>, StoreError> {
        let mut statement = self.conn.prepare_cached(concat!(
            "SELECT ",
            meta_columns!(),
            ", l.lane, l.device, l.incarnation FROM batches b INDEXED BY batches_branches \
             LEFT JOIN logs l ON l.id = b.log WHERE b.is_branch = 1 ORDER BY b.arrival"
        ))?;
        let mut rows = statement.query([])?;
        let mut lost = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "a batch", &"the list of batches");
            let meta = Meta::read(&mut columns)?;
            let log = LogId {
                lane: columns.next()?,
                device: columns.next()?,
                incarnation: columns.next()?,
            };
            // What the log's row says has its proof only when it is asked for by name.
            if !meta.is_branch || self.find_log(&log)?.is_none() {
                return Err(meta.damaged());
            }
            lost.push(Lost {
                log,
                chain: meta.chain,
                batch: reference(&meta),
            });
        }
        Ok(lost)
    }

    /// A log's batch with this chain hash, if it lies on that kind of branch.
    pub(super) fn by_chain(
        &self,
        log: &LogId,
        chain: &ChainHash,
        is_branch: bool,
    ) -> Result<Option<Meta>, StoreError> {
        let Some(log) = self.find_log(log)? else {
            return Ok(None);
        };
        let mut statement = self.conn.prepare_cached(select_meta!(
            "INDEXED BY batches_by_chain WHERE b.chain = ?1"
        ))?;
        let mut rows = statement.query([chain.as_bytes()])?;
        if let Some(row) = rows.next()? {
            let meta = Meta::of(row)?;
            if meta.chain != *chain {
                return Err(meta.damaged());
            }
            return Ok(Some(meta).filter(|meta| meta.log == log.id && meta.is_branch == is_branch));
        }
        // Asked for forks only, so that walking one log's index is not too dear.
        let again = if is_branch {
            "SELECT 1 FROM batches INDEXED BY batches_branches \
             WHERE log = ?1 AND is_branch = 1 AND chain = ?2"
        } else {
            "SELECT 1 FROM batches INDEXED BY batches_main \
             WHERE log = ?1 AND is_branch = 0 AND chain = ?2"
        };
        self.confirm_absent(again, params![log.id, chain.as_bytes()], "a batch")?;
        Ok(None)
    }

    /// A log's batch with this chain hash, on whichever branch.
    pub(super) fn with_chain(
        &self,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<Meta>, StoreError> {
        match self.by_chain(log, chain, false)? {
            Some(meta) => Ok(Some(meta)),
            None => self.by_chain(log, chain, true),
        }
    }

    pub(super) fn carried(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError> {
        if arrival.0 == 0 || arrival.0 > self.tally(Tally::Batches)? {
            return Ok(None);
        }
        let community = self.community()?;
        let mut statement = self
            .conn
            .prepare_cached(select_carried!("WHERE b.arrival = ?1"))?;
        let mut rows = statement.query([bound(arrival.0)])?;
        let Some(row) = rows.next()? else {
            return Err(gap("all arrivals"));
        };
        let (meta, carried) = read_carried(row, &community)?;
        if meta.arrival == arrival {
            Ok(Some(carried))
        } else {
            Err(meta.damaged())
        }
    }

    pub(super) fn all_since(
        &self,
        after: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        let community = self.community()?;
        let mut statement = self
            .conn
            .prepare_cached(select_carried!("WHERE b.arrival > ?1 ORDER BY b.arrival"))?;
        let mut rows = statement.query([bound(after.0)])?;
        let mut taken: Vec<Carried> = Vec::new();
        let mut last = after.0;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let (meta, carried) = read_carried(row, &community)?;
            if Some(meta.arrival.0) != last.checked_add(1) {
                return Err(gap("all arrivals"));
            }
            last = meta.arrival.0;
            bytes += carried.batch.tail().len();
            taken.push(carried);
            if bytes >= bytes_max {
                return Ok(taken);
            }
        }
        if last < self.tally(Tally::Batches)? {
            return Err(gap("all arrivals"));
        }
        Ok(taken)
    }

    pub(super) fn logs_not_from(
        &self,
        after: Arrival,
        origin: &StoreId,
    ) -> Result<Vec<LogId>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached(select_meta!("WHERE b.arrival > ?1 ORDER BY b.arrival"))?;
        let mut rows = statement.query([bound(after.0)])?;
        let mut ids = BTreeSet::new();
        let mut last = after.0;
        while let Some(row) = rows.next()? {
            let meta = Meta::of(row)?;
            if Some(meta.arrival.0) != last.checked_add(1) {
                return Err(gap("all arrivals"));
            }
            last = meta.arrival.0;
            if meta.origin.as_ref() != Some(origin) {
                ids.insert(meta.log);
            }
        }
        if last < self.tally(Tally::Batches)? {
            return Err(gap("all arrivals"));
        }
        let mut logs = ids
            .into_iter()
            .map(|id| self.log_named(id))
            .collect::<Result<Vec<_>, _>>()?;
        logs.sort_unstable();
        Ok(logs)
    }

    /// What lies in a lane up to an arrival.
    fn totals_upto(&self, lane: &LaneRow, upto: Arrival) -> Result<Totals, StoreError> {
        if upto >= lane.tip {
            return Ok(lane.totals);
        }
        let before = self.lane_meta(
            lane,
            upto,
            select_meta!(
                "INDEXED BY batches_by_lane WHERE b.lane = ?1 AND b.arrival <= ?2 \
             ORDER BY b.arrival DESC LIMIT 1"
            ),
        )?;
        let after = self.lane_meta(
            lane,
            upto,
            select_meta!(
                "INDEXED BY batches_by_lane WHERE b.lane = ?1 AND b.arrival > ?2 \
             ORDER BY b.arrival LIMIT 1"
            ),
        )?;
        let totals = before.map_or_else(Totals::default, |meta| meta.totals);
        // The tip comes later, so that there is a next batch, and it counts on.
        match after {
            Some(next) if next.totals.batches == totals.batches + 1 => Ok(totals),
            Some(_) | None => Err(gap("a lane")),
        }
    }

    fn lane_meta(
        &self,
        lane: &LaneRow,
        at: Arrival,
        sql: &'static str,
    ) -> Result<Option<Meta>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params![lane.id, bound(at.0)])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let meta = Meta::of(row)?;
        if meta.lane == lane.id {
            Ok(Some(meta))
        } else {
            Err(meta.damaged())
        }
    }

    pub(super) fn lane_totals(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
    ) -> Result<Totals, StoreError> {
        let Some(lane) = self.find_lane(lane)? else {
            return Ok(Totals::default());
        };
        if upto <= after {
            return Ok(Totals::default());
        }
        let (from, to) = (
            self.totals_upto(&lane, after)?,
            self.totals_upto(&lane, upto)?,
        );
        Ok(Totals {
            batches: to.batches.saturating_sub(from.batches),
            entries: to.entries.saturating_sub(from.entries),
            bytes: to.bytes.saturating_sub(from.bytes),
        })
    }

    pub(super) fn lane_stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        let mut taken = Vec::new();
        let Some(lane) = self.find_lane(lane)? else {
            return Ok(taken);
        };
        if upto <= after || after >= lane.tip {
            return Ok(taken);
        }
        let mut number = self.totals_upto(&lane, after)?.batches;
        let end = self.totals_upto(&lane, upto)?.batches;
        let community = self.community()?;
        let mut statement = self.conn.prepare_cached(select_carried!(
            "WHERE b.arrival IN (SELECT arrival FROM batches INDEXED BY batches_by_lane \
             WHERE lane = ?1 AND arrival > ?2 AND arrival <= ?3) ORDER BY b.arrival"
        ))?;
        let mut rows = statement.query(params![lane.id, bound(after.0), bound(upto.0)])?;
        let mut bytes = 0;
        while number < end {
            let Some(row) = rows.next()? else {
                return Err(gap("a lane"));
            };
            let (meta, carried) = read_carried(row, &community)?;
            number += 1;
            if meta.lane != lane.id || meta.totals.batches != number {
                return Err(gap("a lane"));
            }
            bytes += carried.batch.tail().len();
            taken.push(carried);
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(taken)
    }
}
