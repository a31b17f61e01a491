//! A log in memory: for tests and simulated worlds.

mod blobs;

use std::collections::BTreeMap;
use std::sync::Arc;

use sync_core::entry::VerifiedBatch;
use sync_core::entry::branches::Settlement;
use sync_core::entry::place::Link;
use sync_core::id::{Arrival, ChainHash, CommunityId, DeviceId, Head, LaneId, LogId, Seq, StoreId};
use sync_core::session::carrier::{BatchRef, Carried, Lost};
use sync_core::store::StoreError;
use sync_core::wire::Totals;

use crate::log::{Appended, BatchLog, CommunityState, KeptReceipts, LogState, Numbered, Spot};

/// A log in memory.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    store: StoreId,
    communities: BTreeMap<CommunityId, Rows>,
    /// What the open transaction has touched, as it was before.
    undo: Option<BTreeMap<CommunityId, Option<Rows>>>,
}

#[derive(Debug, Clone)]
struct Rows {
    founder: DeviceId,
    /// Position n is at index n - 1.
    rows: Vec<Carried>,
    logs: BTreeMap<LogId, LogRows>,
    receipts: BTreeMap<DeviceId, Numbered>,
    /// The number that a receipt was given last.
    newest: u64,
    blobs: blobs::Blobs,
}

#[derive(Debug, Clone, Default)]
struct LogRows {
    /// Positions of the branch that counts, in order.
    main: Vec<Arrival>,
    chains: BTreeMap<ChainHash, Arrival>,
    bytes: u64,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new(store: StoreId) -> Self {
        Self {
            store,
            communities: BTreeMap::new(),
            undo: None,
        }
    }

    fn rows(&self, community: &CommunityId) -> Option<&Rows> {
        self.communities.get(community)
    }

    /// A community's rows, to change them: how they were is kept until the commit.
    fn rows_mut(&mut self, community: &CommunityId) -> Option<&mut Rows> {
        if let Some(undo) = &mut self.undo {
            let before = || self.communities.get(community).cloned();
            undo.entry(*community).or_insert_with(before);
        }
        self.communities.get_mut(community)
    }
}

impl Rows {
    fn row(&self, arrival: Arrival) -> Option<&Carried> {
        let index = usize::try_from(arrival.0.checked_sub(1)?).ok()?;
        self.rows.get(index)
    }

    fn main(&self, log: &LogId) -> impl DoubleEndedIterator<Item = &Carried> {
        let main = self
            .logs
            .get(log)
            .map_or(&[][..], |log| log.main.as_slice());
        main.iter().filter_map(|arrival| self.row(*arrival))
    }

    fn head(&self, log: &LogId) -> Head {
        self.main(log)
            .next_back()
            .map_or(Head::EMPTY, |row| row.batch.head())
    }

    fn fits(&self, batch: &VerifiedBatch, spot: Spot) -> bool {
        let head = self.head(batch.log());
        let first = batch.place().first_seq;
        match spot {
            Spot::Next => *batch.prev() == head.chain && first == head.next(),
            Spot::Winner => self.main(batch.log()).any(|row| {
                row.batch.place().first_seq == first && row.batch.prev() == batch.prev()
            }),
            Spot::Branch => true,
        }
    }

    fn push(&mut self, batch: &VerifiedBatch, spot: Spot) -> Arrival {
        let arrival = Arrival(self.rows.len() as u64 + 1);
        let Self { rows, logs, .. } = self;
        let log = logs.entry(*batch.log()).or_default();
        if spot == Spot::Winner {
            log.main.retain(|position| {
                let index = usize::try_from(position.0.saturating_sub(1)).unwrap_or(usize::MAX);
                let Some(row) = rows.get_mut(index) else {
                    return false;
                };
                row.is_branch = row.batch.place().first_seq >= batch.place().first_seq;
                !row.is_branch
            });
        }
        if spot != Spot::Branch {
            log.main.push(arrival);
        }
        log.chains.insert(batch.head().chain, arrival);
        log.bytes += batch.tail().len() as u64;
        let batch = Arc::new(batch.clone());
        rows.push(Carried {
            arrival,
            batch,
            is_branch: spot == Spot::Branch,
        });
        arrival
    }
}

impl Rows {
    fn settle(&mut self, log: &LogId, settlement: &Settlement) -> Option<Head> {
        let Self { rows, logs, .. } = self;
        let main = &mut logs.get_mut(log)?.main;
        main.retain(|arrival| {
            let row = row_at(rows, *arrival);
            row.is_some_and(|row| {
                row.is_branch = row.batch.place().first_seq >= settlement.from;
                !row.is_branch
            })
        });
        for arrival in &settlement.promoted {
            row_at(rows, *arrival)?.is_branch = false;
            main.push(*arrival);
        }
        Some(self.head(log))
    }

    /// Says whether this batch stands at this position.
    fn reduce(&mut self, arrival: Arrival, batch: &VerifiedBatch) -> bool {
        let row = row_at(&mut self.rows, arrival);
        let Some(row) = row.filter(|row| row.batch.head() == batch.head()) else {
            return false;
        };
        let (before, after) = (row.batch.tail().len() as u64, batch.tail().len() as u64);
        row.batch = Arc::new(batch.clone());
        if let Some(log) = self.logs.get_mut(batch.log()) {
            log.bytes = log.bytes.saturating_sub(before).saturating_add(after);
        }
        true
    }
}

fn row_at(rows: &mut [Carried], arrival: Arrival) -> Option<&mut Carried> {
    let index = usize::try_from(arrival.0.checked_sub(1)?).ok()?;
    rows.get_mut(index)
}

impl BatchLog for MemoryLog {
    fn store_id(&self) -> StoreId {
        self.store
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.undo = Some(BTreeMap::new());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.undo = None;
        Ok(())
    }

    fn rollback(&mut self) {
        for (community, before) in self.undo.take().into_iter().flatten() {
            match before {
                Some(rows) => self.communities.insert(community, rows),
                None => self.communities.remove(&community),
            };
        }
    }

    fn append(
        &mut self,
        community: &CommunityId,
        batch: &VerifiedBatch,
        spot: Spot,
    ) -> Result<Appended, StoreError> {
        if let Some(undo) = &mut self.undo
            && !undo.contains_key(community)
        {
            undo.insert(*community, self.communities.get(community).cloned());
        }
        let rows = self.communities.entry(*community).or_insert_with(|| Rows {
            founder: batch.log().device,
            rows: Vec::new(),
            logs: BTreeMap::new(),
            receipts: BTreeMap::new(),
            newest: 0,
            blobs: blobs::Blobs::default(),
        });
        let known = rows
            .logs
            .get(batch.log())
            .and_then(|log| log.chains.get(&batch.head().chain));
        if let Some(known) = known {
            return Ok(Appended::Known(*known));
        }
        if !rows.fits(batch, spot) {
            return Ok(Appended::Stale);
        }
        Ok(Appended::Stored(rows.push(batch, spot)))
    }

    fn settle(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        settlement: &Settlement,
    ) -> Result<Head, StoreError> {
        let rows = self.rows_mut(community);
        let settled = rows.and_then(|rows| rows.settle(log, settlement));
        settled.ok_or_else(|| StoreError::Io("there are no such batches to settle".to_owned()))
    }

    fn reduce(
        &mut self,
        community: &CommunityId,
        arrival: Arrival,
        batch: &VerifiedBatch,
    ) -> Result<(), StoreError> {
        let rows = self.rows_mut(community);
        rows.is_some_and(|rows| rows.reduce(arrival, batch))
            .then_some(())
            .ok_or_else(|| StoreError::Io("there is no such batch to reduce".to_owned()))
    }

    fn put_receipt(
        &mut self,
        community: &CommunityId,
        numbered: &Numbered,
    ) -> Result<(), StoreError> {
        let rows = self.rows_mut(community);
        let rows = rows.ok_or_else(|| StoreError::Io("there is no such community".to_owned()))?;
        rows.newest = rows.newest.max(numbered.number);
        rows.receipts
            .insert(*numbered.receipt.device(), numbered.clone());
        Ok(())
    }

    fn remove_receipt(
        &mut self,
        community: &CommunityId,
        device: &DeviceId,
    ) -> Result<(), StoreError> {
        if let Some(rows) = self.rows_mut(community) {
            rows.receipts.remove(device);
        }
        Ok(())
    }

    fn receipts(&self, community: &CommunityId) -> Result<KeptReceipts, StoreError> {
        let Some(rows) = self.rows(community) else {
            return Ok(KeptReceipts::default());
        };
        let mut receipts: Vec<Numbered> = rows.receipts.values().cloned().collect();
        receipts.sort_by_key(|numbered| numbered.number);
        Ok(KeptReceipts {
            newest: rows.newest,
            receipts,
        })
    }

    fn scrub(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn communities(&self) -> Result<u64, StoreError> {
        Ok(self.communities.len() as u64)
    }

    fn names(&self) -> Result<Vec<CommunityId>, StoreError> {
        Ok(self.communities.keys().copied().collect())
    }

    fn founded_by(&self, device: &DeviceId) -> Result<u64, StoreError> {
        Ok(self
            .communities
            .values()
            .filter(|rows| rows.founder == *device)
            .count() as u64)
    }

    fn community(&self, community: &CommunityId) -> Result<Option<CommunityState>, StoreError> {
        let Some(rows) = self.rows(community).filter(|rows| !rows.rows.is_empty()) else {
            return Ok(None);
        };
        let logs = rows.logs.iter();
        Ok(Some(CommunityState {
            tip: Arrival(rows.rows.len() as u64),
            lanes: rows
                .rows
                .iter()
                .map(|row| (row.batch.log().lane, row.arrival))
                .collect(),
            logs: logs
                .map(|(id, log)| {
                    (
                        *id,
                        LogState {
                            head: rows.head(id),
                            bytes: log.bytes,
                        },
                    )
                })
                .collect(),
        }))
    }

    fn at(
        &self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<Option<Link>, StoreError> {
        let row = self.rows(community).and_then(|rows| {
            rows.main(log)
                .find(|row| row.batch.place().first_seq == seq)
        });
        Ok(row.map(|row| Link {
            prev: *row.batch.prev(),
            chain: row.batch.head().chain,
        }))
    }

    fn with_chain(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<(Seq, bool)>, StoreError> {
        let row = self
            .rows(community)
            .and_then(|rows| rows.row(*rows.logs.get(log)?.chains.get(chain)?));
        Ok(row.map(|row| (row.batch.last_seq(), row.is_branch)))
    }

    fn missing(
        &self,
        community: &CommunityId,
        log: &LogId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<BatchRef>, StoreError> {
        let Some(rows) = self.rows(community) else {
            return Ok(Vec::new());
        };
        let main = rows.main(log).filter(|row| row.batch.last_seq() >= from);
        Ok(main
            .take(limit)
            .map(|row| BatchRef::of(row.arrival, &row.batch))
            .collect())
    }

    fn carrying(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<Carried>, StoreError> {
        let row = self
            .rows(community)
            .and_then(|rows| rows.row(*rows.logs.get(log)?.chains.get(chain)?));
        Ok(row.cloned())
    }

    fn lost(&self, community: &CommunityId) -> Result<Vec<Lost>, StoreError> {
        let rows = self
            .rows(community)
            .map_or(&[][..], |rows| rows.rows.as_slice());
        let lost = rows.iter().filter(|row| row.is_branch);
        let lost = lost.map(|row| Lost::of(row.arrival, &row.batch));
        Ok(lost.collect())
    }

    fn batch(
        &self,
        community: &CommunityId,
        arrival: Arrival,
    ) -> Result<Option<Carried>, StoreError> {
        Ok(self
            .rows(community)
            .and_then(|rows| rows.row(arrival))
            .cloned())
    }

    fn read(
        &self,
        community: &CommunityId,
        lane: Option<&LaneId>,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        let rows = self
            .rows(community)
            .map_or(&[][..], |rows| rows.rows.as_slice());
        let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let found = rows
            .iter()
            .skip(skip)
            .take_while(|row| row.arrival <= upto)
            .filter(|row| lane.is_none_or(|lane| row.batch.log().lane == *lane))
            .take_while(|row| {
                let fits = bytes == 0 || bytes < bytes_max;
                bytes += row.batch.tail().len();
                fits
            });
        Ok(found.cloned().collect())
    }

    fn totals(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
    ) -> Result<Totals, StoreError> {
        let rows = self.read(community, Some(lane), after, upto, usize::MAX)?;
        Ok(Totals {
            batches: rows.len() as u64,
            entries: rows.iter().map(|row| row.batch.count() as u64).sum(),
            bytes: rows.iter().map(|row| row.batch.tail().len() as u64).sum(),
        })
    }
}
