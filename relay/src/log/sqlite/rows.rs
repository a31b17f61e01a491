//! Reading rows, with the proof that they are what was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::Row;
use sync_core::entry::{Place, SignedBatch};
use sync_core::id::{
    Arrival, ChainHash, CommunityId, DeviceId, EpochId, Head, Incarnation, LaneId, LogId, Seq,
};
use sync_core::keys;
use sync_core::session::carrier::{BatchRef, Carried, Lost};
use sync_core::store::StoreError;

use super::{SqliteLog, corrupt, failed};
use crate::log::{CommunityState, LogState};

/// Bits of a row's id that are the position; the rest is the community's number.
const ARRIVAL_BITS: u32 = 40;
/// Domain of the rows' checksums.
const ROW: &str = "banyan/relay-row/1";

/// The id of the row at a position; `None` if no row can have it.
pub(super) fn position(community: i64, arrival: Arrival) -> Option<i64> {
    let last = (1 << ARRIVAL_BITS) - 1;
    let arrival = i64::try_from(arrival.0).unwrap_or(last).min(last);
    let shifted = community.checked_mul(1 << ARRIVAL_BITS)?;
    shifted.checked_add(arrival)
}

fn arrival_of(id: i64) -> Arrival {
    Arrival(unsigned(id & ((1 << ARRIVAL_BITS) - 1)))
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Checksum of a row's columns.
pub(super) fn sum(numbers: &[i64], bytes: &[&[u8]]) -> i64 {
    let numbers: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect();
    let mut parts = vec![numbers.as_slice()];
    parts.extend(bytes);
    let [a, b, c, d, e, f, g, h, ..] = *keys::derive(ROW, &parts).as_bytes();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Where a log stands, and its number.
pub(super) struct LogKey {
    pub(super) id: i64,
    pub(super) head: Head,
    pub(super) bytes: i64,
}

impl LogKey {
    /// Reads `id, seq, chain, bytes, sum`.
    pub(super) fn read(row: &Row<'_>, lane: i64, log: &LogId) -> Result<Self, StoreError> {
        let id: i64 = row.get(0).map_err(failed)?;
        let seq: i64 = row.get(1).map_err(failed)?;
        let chain: [u8; 32] = row.get(2).map_err(failed)?;
        let bytes: i64 = row.get(3).map_err(failed)?;
        let found: i64 = row.get(4).map_err(failed)?;
        let head = Head {
            seq: Seq(unsigned(seq)),
            chain: ChainHash::new(chain),
        };
        let key = Self { id, head, bytes };
        if found != key.sum(lane, log) {
            return Err(corrupt("the head of a log", format!("log {id}")));
        }
        Ok(key)
    }

    pub(super) fn sum(&self, lane: i64, log: &LogId) -> i64 {
        let seq = i64::try_from(self.head.seq.0).unwrap_or(i64::MAX);
        let bytes = [
            log.device.as_bytes().as_slice(),
            log.incarnation.as_bytes(),
            self.head.chain.as_bytes(),
        ];
        sum(&[self.id, lane, seq, self.bytes], &bytes)
    }
}

/// The numbers of a batch's row; the chain hash covers the rest.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchKey {
    pub(super) id: i64,
    pub(super) lane: i64,
    pub(super) log: i64,
    pub(super) first_seq: i64,
    pub(super) last_seq: i64,
    pub(super) is_branch: bool,
    pub(super) entries: i64,
    pub(super) bytes: i64,
    pub(super) chain: ChainHash,
}

impl BatchKey {
    pub(super) const COLUMNS: &'static str = "b.id, b.lane, b.log, b.first_seq, b.last_seq, \
         b.is_branch, b.entries, b.bytes, b.chain, b.sum";

    pub(super) fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let get = |index: usize| row.get::<_, i64>(index).map_err(failed);
        let key = Self {
            id: get(0)?,
            lane: get(1)?,
            log: get(2)?,
            first_seq: get(3)?,
            last_seq: get(4)?,
            is_branch: row.get(5).map_err(failed)?,
            entries: get(6)?,
            bytes: get(7)?,
            chain: ChainHash::new(row.get(8).map_err(failed)?),
        };
        if get(9)? == key.sum() {
            Ok(key)
        } else {
            Err(key.corrupt())
        }
    }

    pub(super) fn sum(&self) -> i64 {
        let numbers = [
            self.id,
            self.lane,
            self.log,
            self.first_seq,
            self.last_seq,
            i64::from(self.is_branch),
            self.entries,
            self.bytes,
        ];
        sum(&numbers, &[self.chain.as_bytes()])
    }

    fn corrupt(&self) -> StoreError {
        corrupt(
            "a batch",
            format!("position {} of log {}", arrival_of(self.id).0, self.log),
        )
    }
}

impl SqliteLog {
    /// Where a community stands, with every number checked against the batches themselves.
    pub(super) fn state_of(
        &self,
        community: &CommunityId,
    ) -> Result<Option<CommunityState>, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return self.confirm_absence(community).map(|()| None);
        };
        let sql = "SELECT tip, founder, sum FROM community WHERE id = ?1";
        let (tip, founder, found): (i64, Vec<u8>, i64) = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut find| {
                find.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            })
            .map_err(failed)?;
        if found != sum(&[key, tip], &[community.as_bytes(), &founder]) {
            return Err(corrupt(
                "a community",
                format!("community {}", community.short()),
            ));
        }
        let mut state = CommunityState {
            tip: Arrival(unsigned(tip)),
            ..Default::default()
        };
        let mut batches = 0;
        for (lane, name, lane_tip, lane_batches) in self.lanes_of(key)? {
            batches += lane_batches;
            state.lanes.insert(name, Arrival(unsigned(lane_tip)));
            self.logs_of(lane, name, &mut state.logs)?;
        }
        if batches != tip {
            return Err(corrupt(
                "the number of batches",
                format!("community {}", community.short()),
            ));
        }
        Ok(Some(state))
    }

    /// That a community is not in the index is believed only if the index has all that the table has:
    /// otherwise it would begin anew beside itself. That is looked at once, for anybody may ask.
    fn confirm_absence(&self, community: &CommunityId) -> Result<(), StoreError> {
        if self.is_index_whole.get() {
            return Ok(());
        }
        let sql = "SELECT count(*) FROM community AS c NOT INDEXED
                   WHERE length(name) <> 32 OR NOT EXISTS
                   (SELECT 1 FROM community INDEXED BY sqlite_autoindex_community_1
                    WHERE name = c.name AND id = c.id)";
        let count: i64 = self
            .conn
            .query_row(sql, [], |row| row.get(0))
            .map_err(failed)?;
        if count == 0 {
            self.is_index_whole.set(true);
            Ok(())
        } else {
            Err(corrupt("the list of communities", community.short()))
        }
    }

    fn lanes_of(&self, community: i64) -> Result<Vec<(i64, LaneId, i64, i64)>, StoreError> {
        let sql = "SELECT id, name, tip, batches, logs, sum,
                          (SELECT count(*) FROM batch WHERE lane = lane.id),
                          (SELECT count(*) FROM log WHERE lane = lane.id)
                   FROM lane WHERE community = ?1 ORDER BY id";
        let mut find = self.conn.prepare_cached(sql).map_err(failed)?;
        let mut rows = find.query([community]).map_err(failed)?;
        let mut lanes = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let get = |index: usize| row.get::<_, i64>(index).map_err(failed);
            let name = LaneId::new(row.get(1).map_err(failed)?);
            let (id, tip, batches, logs) = (get(0)?, get(2)?, get(3)?, get(4)?);
            let is_right = get(5)? == lane_sum(id, community, &name, [tip, batches, logs]);
            if !is_right || get(6)? != batches || get(7)? != logs {
                return Err(corrupt("a lane", format!("lane {id}")));
            }
            lanes.push((id, name, tip, batches));
        }
        Ok(lanes)
    }

    fn logs_of(
        &self,
        lane: i64,
        name: LaneId,
        logs: &mut BTreeMap<LogId, LogState>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT id, seq, chain, bytes, sum, device, incarnation,
                          EXISTS (SELECT 1 FROM batch WHERE log = log.id AND chain = log.chain
                                  AND is_branch = 0 AND last_seq = log.seq)
                   FROM log WHERE lane = ?1";
        let mut find = self.conn.prepare_cached(sql).map_err(failed)?;
        let mut rows = find.query([lane]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let log = LogId {
                lane: name,
                device: DeviceId::new(row.get(5).map_err(failed)?),
                incarnation: Incarnation::new(row.get(6).map_err(failed)?),
            };
            let key = LogKey::read(row, lane, &log)?;
            if !row.get::<_, bool>(7).map_err(failed)? {
                return Err(corrupt(
                    "the last batch of a log",
                    format!("log {}", key.id),
                ));
            }
            logs.insert(
                log,
                LogState {
                    head: key.head,
                    bytes: unsigned(key.bytes),
                },
            );
        }
        Ok(())
    }

    pub(super) fn main_from(
        &self,
        log: i64,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<BatchRef>, StoreError> {
        let Ok(from) = i64::try_from(from.0) else {
            return Ok(Vec::new());
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = "SELECT id, first_seq, last_seq, entries, bytes FROM batch
                   WHERE log = ?1 AND is_branch = 0 AND last_seq >= ?2 ORDER BY last_seq LIMIT ?3";
        let mut find = self.conn.prepare_cached(sql).map_err(failed)?;
        let mut rows = find.query((log, from, limit)).map_err(failed)?;
        let mut found = Vec::new();
        let mut next = None;
        while let Some(row) = rows.next().map_err(failed)? {
            let (batch, first_seq) = reference(row)?;
            let is_next = match next {
                Some(next) => first_seq == next,
                None => first_seq <= unsigned(from),
            };
            if !is_next {
                return Err(corrupt(
                    "the order of a log",
                    format!("log {log} at {first_seq}"),
                ));
            }
            next = Some(batch.last_seq.plus(1).0);
            found.push(batch);
        }
        Ok(found)
    }

    /// The batches of a community's losing branches, in the order they came.
    pub(super) fn lost_of(&self, community: i64) -> Result<Vec<Lost>, StoreError> {
        let sql = "SELECT batch.id, first_seq, last_seq, entries, batch.bytes, batch.chain,
                          log.device, log.incarnation, lane.name
                   FROM batch INDEXED BY batch_lost
                   JOIN log ON log.id = batch.log JOIN lane ON lane.id = batch.lane
                   WHERE batch.is_branch = 1 AND batch.id BETWEEN ?1 AND ?2 ORDER BY batch.id";
        let first = position(community, Arrival(0));
        let last = position(community, Arrival(u64::MAX));
        let mut find = self.conn.prepare_cached(sql).map_err(failed)?;
        let mut rows = find.query([first, last]).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            found.push(Lost {
                log: LogId {
                    device: DeviceId::new(row.get(6).map_err(failed)?),
                    incarnation: Incarnation::new(row.get(7).map_err(failed)?),
                    lane: LaneId::new(row.get(8).map_err(failed)?),
                },
                chain: ChainHash::new(row.get(5).map_err(failed)?),
                batch: reference(row)?.0,
            });
        }
        Ok(found)
    }

    pub(super) fn batch_at(
        &self,
        community: &CommunityId,
        key: i64,
        id: i64,
    ) -> Result<Option<Carried>, StoreError> {
        let arrival = arrival_of(id);
        let Some(before) = arrival.0.checked_sub(1) else {
            return Ok(None);
        };
        let range = (Arrival(before), arrival);
        Ok(self.stretch(community, key, None, range, 1)?.pop())
    }

    pub(super) fn stretch(
        &self,
        community: &CommunityId,
        key: i64,
        lane: Option<i64>,
        (after, upto): (Arrival, Arrival),
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        let (Some(first), Some(last)) = (position(key, after), position(key, upto)) else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "SELECT {}, b.epoch, b.prev, b.tail, l.device, l.incarnation, n.name
             FROM batch b JOIN log l ON l.id = b.log JOIN lane n ON n.id = b.lane
             WHERE {} b.id > ?1 AND b.id <= ?2 ORDER BY b.id",
            BatchKey::COLUMNS,
            if lane.is_some() {
                "b.lane = ?3 AND"
            } else {
                "?3 IS NULL AND"
            },
        );
        let mut find = self.conn.prepare_cached(&sql).map_err(failed)?;
        let mut rows = find.query((first, last, lane)).map_err(failed)?;
        let mut found: Vec<Carried> = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            let carried = carried(row, community)?;
            let expected = found.last().map_or(after.0, |last| last.arrival.0) + 1;
            if lane.is_none() && carried.arrival.0 != expected {
                return Err(corrupt(
                    "the order of batches",
                    format!("position {expected}"),
                ));
            }
            bytes += carried.batch.tail().len();
            found.push(carried);
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(found)
    }
}

/// Checksum of a lane with its tip and its counts of batches and logs.
pub(super) fn lane_sum(id: i64, community: i64, name: &LaneId, counts: [i64; 3]) -> i64 {
    let [tip, batches, logs] = counts;
    sum(&[id, community, tip, batches, logs], &[name.as_bytes()])
}

fn reference(row: &Row<'_>) -> Result<(BatchRef, u64), StoreError> {
    let get = |index: usize| row.get::<_, i64>(index).map_err(failed);
    let batch = BatchRef {
        arrival: arrival_of(get(0)?),
        last_seq: Seq(unsigned(get(2)?)),
        entries: unsigned(get(3)?),
        bytes: unsigned(get(4)?),
    };
    Ok((batch, unsigned(get(1)?)))
}

/// A batch of a row, proved by its chain hash.
fn carried(row: &Row<'_>, community: &CommunityId) -> Result<Carried, StoreError> {
    let key = BatchKey::read(row)?;
    let place = Place {
        log: LogId {
            lane: LaneId::new(row.get(15).map_err(failed)?),
            device: DeviceId::new(row.get(13).map_err(failed)?),
            incarnation: Incarnation::new(row.get(14).map_err(failed)?),
        },
        first_seq: Seq(unsigned(key.first_seq)),
        epoch: EpochId::new(row.get(10).map_err(failed)?),
    };
    let prev = ChainHash::new(row.get(11).map_err(failed)?);
    let tail: Vec<u8> = row.get(12).map_err(failed)?;
    let batch = SignedBatch::parse(place, tail)
        .ok()
        .and_then(|batch| batch.trusted(community, &prev, &key.chain))
        .filter(|batch| batch.last_seq().0 == unsigned(key.last_seq))
        .ok_or_else(|| key.corrupt())?;
    let arrival = arrival_of(key.id);
    Ok(Carried {
        arrival,
        batch: Arc::new(batch),
        is_branch: key.is_branch,
    })
}
