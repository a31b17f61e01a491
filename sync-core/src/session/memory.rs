//! A carrier in memory: for tests of everything that has sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use rand_core::CryptoRng;

use crate::entry::VerifiedBatch;
use crate::entry::place::{Link, LogView, Placement, place};
use crate::entry::seal::{PlainEntry, seal_batch};
use crate::epoch::EpochKey;
use crate::id::{Arrival, ChainHash, CommunityId, DeviceId, Head, LaneId, LogId, Seq, StoreId};
use crate::keys::Signer;
use crate::roster::roster_lane;
use crate::session::Taken;
use crate::session::carrier::{BatchRef, Carried, Carrier, Lost, lane_digest};
use crate::store::StoreError;
use crate::wire::batches::Received;
use crate::wire::{Digest, Totals};

/// A replica's batches in memory. What its peers may have is set by hand, not by a roster.
#[derive(Debug, Clone)]
pub struct MemoryCarrier {
    community: CommunityId,
    store: StoreId,
    /// The lanes that it carries itself.
    pub lanes: BTreeSet<LaneId>,
    /// The lanes that its peers may have.
    pub peers: BTreeMap<DeviceId, BTreeSet<LaneId>>,
    /// The lanes into which its removed peers, or it itself, may still bring their own logs.
    pub former: BTreeMap<DeviceId, BTreeSet<LaneId>>,
    /// Positions of relays that it has read up to.
    pub cursors: BTreeMap<(StoreId, LaneId), u64>,
    /// Up to which of its arrivals relays have acknowledged its lanes.
    pub acknowledged: BTreeMap<(StoreId, LaneId), Arrival>,
    /// Seals what is written into spaces; without it, that stays in clear.
    pub key: Option<EpochKey>,
    /// Logs that a relay may lack.
    pub unshared: BTreeSet<LogId>,
    /// It knows receipts, and has those up to this number.
    pub receipts: Option<u64>,
    rows: Vec<Carried>,
    logs: BTreeMap<LogId, Log>,
}

/// Indexes of rows.
#[derive(Debug, Clone, Default)]
struct Log {
    main: Vec<usize>,
    branches: BTreeSet<ChainHash>,
}

impl MemoryCarrier {
    /// An empty one, with the roster lane and `lanes`.
    #[must_use]
    pub fn new(
        community: CommunityId,
        store: StoreId,
        lanes: impl IntoIterator<Item = LaneId>,
    ) -> Self {
        let lanes = lanes.into_iter().chain([roster_lane(&community)]).collect();
        Self {
            community,
            store,
            lanes,
            peers: BTreeMap::new(),
            former: BTreeMap::new(),
            cursors: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            key: None,
            unshared: BTreeSet::new(),
            receipts: None,
            rows: Vec::new(),
            logs: BTreeMap::new(),
        }
    }

    /// Seals the entries as the next batch of a log of ours, and keeps it.
    ///
    /// # Panics
    /// If the entries do not fit one batch.
    pub fn write(
        &mut self,
        signer: &dyn Signer,
        log: LogId,
        entries: &[PlainEntry],
        rng: &mut dyn CryptoRng,
    ) -> Arc<VerifiedBatch> {
        let head = self.head_of(&log);
        let is_space = log.lane != roster_lane(&self.community);
        let key = self.key.as_ref().filter(|_| is_space);
        let batch = seal_batch(signer, &self.community, log, &head, key, entries, rng)
            .expect("the caller has made entries that fit");
        let batch = Arc::new(batch);
        self.push(Arc::clone(&batch), false);
        batch
    }

    /// Verifies and keeps a batch of a peer.
    pub fn take(&mut self, received: Received) -> Taken {
        let log = received.batch.place().log;
        let Ok(placement) = place(received, &self.community, &View { carrier: self, log });
        match placement {
            Placement::Extends(batch) => self.push(Arc::new(batch), false),
            Placement::Forks { batch, wins } => {
                if wins {
                    self.lose_from(&log, batch.place().first_seq);
                }
                self.push(Arc::new(batch), !wins)
            }
            Placement::OnBranch(batch) => self.push(Arc::new(batch), true),
            Placement::Known => Taken::Known,
            Placement::NeedsBranch => Taken::NeedsBranch(log),
            Placement::Refused(refusal) => Taken::Refused(refusal),
        }
    }

    /// All batches, in the order they arrived.
    #[must_use]
    pub fn rows(&self) -> &[Carried] {
        &self.rows
    }

    fn push(&mut self, batch: Arc<VerifiedBatch>, is_branch: bool) -> Taken {
        let arrival = Arrival(self.rows.len() as u64 + 1);
        let log = self.logs.entry(*batch.log()).or_default();
        if is_branch {
            log.branches.insert(batch.head().chain);
        } else {
            log.main.push(self.rows.len());
        }
        self.rows.push(Carried {
            arrival,
            batch,
            is_branch,
        });
        Taken::Stored(arrival)
    }

    /// The batches of a log from `seq` on become the losing branch.
    fn lose_from(&mut self, log: &LogId, seq: Seq) {
        let Some(log) = self.logs.get_mut(log) else {
            return;
        };
        let rows = &mut self.rows;
        let branches = &mut log.branches;
        log.main.retain(|index| {
            let Some(row) = rows.get_mut(*index) else {
                return false;
            };
            let loses = row.batch.place().first_seq >= seq;
            if loses {
                row.is_branch = true;
                branches.insert(row.batch.head().chain);
            }
            !loses
        });
    }

    fn main(&self, log: &LogId) -> impl Iterator<Item = &Carried> {
        let main = self
            .logs
            .get(log)
            .map_or(&[][..], |log| log.main.as_slice());
        main.iter().filter_map(|index| self.rows.get(*index))
    }

    fn head_of(&self, log: &LogId) -> Head {
        self.main(log)
            .last()
            .map_or(Head::EMPTY, |row| row.batch.head())
    }

    fn of_lane(&self, lane: &LaneId) -> impl Iterator<Item = &Carried> {
        self.rows
            .iter()
            .filter(move |row| row.batch.log().lane == *lane)
    }
}

struct View<'a> {
    carrier: &'a MemoryCarrier,
    log: LogId,
}

impl LogView for View<'_> {
    type Error = Infallible;

    fn head(&self) -> Result<Head, Infallible> {
        Ok(self.carrier.head_of(&self.log))
    }

    fn at(&self, seq: Seq) -> Result<Option<Link>, Infallible> {
        let row = self
            .carrier
            .main(&self.log)
            .find(|row| row.batch.place().first_seq == seq);
        Ok(row.map(|row| Link {
            prev: *row.batch.prev(),
            chain: row.batch.head().chain,
        }))
    }

    fn ending_with(&self, chain: &ChainHash) -> Result<Option<Seq>, Infallible> {
        let row = self
            .carrier
            .main(&self.log)
            .find(|row| row.batch.head().chain == *chain);
        Ok(row.map(|row| row.batch.last_seq()))
    }

    fn has_branch(&self, chain: &ChainHash) -> Result<bool, Infallible> {
        let log = self.carrier.logs.get(&self.log);
        Ok(log.is_some_and(|log| log.branches.contains(chain)))
    }
}

fn until_full(rows: impl Iterator<Item = Carried>, bytes_max: usize) -> Vec<Carried> {
    let mut bytes = 0;
    rows.take_while(|row| {
        let fits = bytes < bytes_max;
        bytes += row.batch.tail().len();
        fits
    })
    .collect()
}

impl Carrier for MemoryCarrier {
    fn community(&self) -> CommunityId {
        self.community
    }

    fn store_id(&self) -> StoreId {
        self.store
    }

    fn lanes_for(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        let theirs = self.peers.get(device).cloned().unwrap_or_default();
        theirs.intersection(&self.lanes).copied().collect()
    }

    fn uploads_of(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        self.former.get(device).cloned().unwrap_or_default()
    }

    fn own_lanes(&self) -> BTreeSet<LaneId> {
        self.lanes.clone()
    }

    fn digest(&self, lane: &LaneId) -> Result<Digest, StoreError> {
        Ok(lane_digest(&self.heads(lane)?, &self.lost(lane)?))
    }

    fn heads(&self, lane: &LaneId) -> Result<Vec<(LogId, Head)>, StoreError> {
        let logs = self.logs.keys().filter(|log| log.lane == *lane);
        Ok(logs.map(|log| (*log, self.head_of(log))).collect())
    }

    fn head(&self, log: &LogId) -> Result<Head, StoreError> {
        Ok(self.head_of(log))
    }

    fn tip(&self, lane: &LaneId) -> Result<Arrival, StoreError> {
        Ok(self
            .of_lane(lane)
            .last()
            .map_or(Arrival(0), |row| row.arrival))
    }

    fn last_arrival(&self) -> Result<Arrival, StoreError> {
        Ok(Arrival(self.rows.len() as u64))
    }

    fn cursor(&self, store: &StoreId, lane: &LaneId) -> Result<u64, StoreError> {
        Ok(self
            .cursors
            .get(&(*store, *lane))
            .copied()
            .unwrap_or_default())
    }

    fn acknowledged(&self, store: &StoreId, lane: &LaneId) -> Result<Arrival, StoreError> {
        let mark = self.acknowledged.get(&(*store, *lane));
        Ok(mark.copied().unwrap_or_default())
    }

    fn receipts_for(&self, _device: &DeviceId) -> Option<u64> {
        self.receipts
    }

    fn unshared(&self, _store: &StoreId) -> Result<BTreeSet<LogId>, StoreError> {
        Ok(self.unshared.clone())
    }

    fn missing(&self, log: &LogId, from: Seq, limit: usize) -> Result<Vec<BatchRef>, StoreError> {
        let rows = self
            .main(log)
            .filter(|row| row.batch.last_seq() >= from)
            .take(limit);
        Ok(rows
            .map(|row| BatchRef::of(row.arrival, &row.batch))
            .collect())
    }

    fn lost(&self, lane: &LaneId) -> Result<Vec<Lost>, StoreError> {
        let rows = self.of_lane(lane).filter(|row| row.is_branch);
        let lost = rows.map(|row| Lost::of(row.arrival, &row.batch));
        Ok(lost.collect())
    }

    fn batch(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError> {
        Ok(self.rows.iter().find(|row| row.arrival == arrival).cloned())
    }

    fn stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        let rows = self
            .of_lane(lane)
            .filter(|row| row.arrival > after && row.arrival <= upto);
        Ok(until_full(rows.cloned(), bytes_max))
    }

    fn since(&self, after: Arrival, bytes_max: usize) -> Result<Vec<Carried>, StoreError> {
        let rows = self.rows.iter().filter(|row| row.arrival > after);
        Ok(until_full(rows.cloned(), bytes_max))
    }

    fn totals(&self, lane: &LaneId, after: Arrival, upto: Arrival) -> Result<Totals, StoreError> {
        let rows = self.stretch(lane, after, upto, usize::MAX)?;
        Ok(Totals {
            batches: rows.len() as u64,
            entries: rows.iter().map(|row| row.batch.count() as u64).sum(),
            bytes: rows.iter().map(|row| row.batch.tail().len() as u64).sum(),
        })
    }
}
