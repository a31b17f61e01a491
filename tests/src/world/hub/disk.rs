//! The relay's disk: a log in memory that outlives the relay, and fails where it is told to.

mod blobs;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use relay::log::memory::MemoryLog;
use relay::log::{Appended, BatchLog, CommunityState, KeptReceipts, Numbered, Spot};
use sync_core::entry::VerifiedBatch;
use sync_core::entry::branches::Settlement;
use sync_core::entry::place::Link;
use sync_core::id::{Arrival, ChainHash, CommunityId, DeviceId, Head, LaneId, LogId, Seq, StoreId};
use sync_core::session::carrier::{BatchRef, Carried, Lost};
use sync_core::store::StoreError;
use sync_core::store::fault::FaultKind;
use sync_core::wire::Totals;

/// The relay's disk, which outlives the relay.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) log: MemoryLog,
    pub(super) plan: Option<(u64, FaultKind)>,
    pub(super) writes: u64,
    pub(super) is_killed: bool,
    /// Batches that a lying relay does not serve.
    pub(super) withheld: BTreeSet<Arrival>,
}

impl Disk {
    /// Counts a write; says whether the relay dies after it.
    fn count(&mut self) -> Result<bool, StoreError> {
        self.refuse_if_killed()?;
        self.writes += 1;
        let Some((_, kind)) = self.plan.filter(|(number, _)| *number == self.writes) else {
            return Ok(false);
        };
        match kind {
            FaultKind::Full => Err(StoreError::Full),
            FaultKind::Io => Err(StoreError::Io("the disk does not answer".to_owned())),
            FaultKind::KillBefore => {
                self.is_killed = true;
                Err(killed())
            }
            FaultKind::KillAfterCommit => {
                self.is_killed = true;
                Ok(true)
            }
        }
    }

    fn refuse_if_killed(&self) -> Result<(), StoreError> {
        if self.is_killed {
            Err(killed())
        } else {
            Ok(())
        }
    }
}

fn killed() -> StoreError {
    StoreError::Io("the relay was killed".to_owned())
}

/// A log on that disk.
#[derive(Debug, Clone)]
pub(super) struct DiskLog(Arc<Mutex<Disk>>);

impl DiskLog {
    pub(super) fn new(log: MemoryLog) -> Self {
        let disk = Disk {
            log,
            plan: None,
            writes: 0,
            is_killed: false,
            withheld: BTreeSet::new(),
        };
        Self(Arc::new(Mutex::new(disk)))
    }

    pub(super) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> Result<MutexGuard<'_, Disk>, StoreError> {
        let disk = self.disk();
        disk.refuse_if_killed()?;
        Ok(disk)
    }
}

impl BatchLog for DiskLog {
    fn store_id(&self) -> StoreId {
        self.disk().log.store_id()
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.alive()?.log.begin()
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let mut disk = self.disk();
        match disk.count() {
            Ok(dies) => {
                disk.log.commit()?;
                if dies { Err(killed()) } else { Ok(()) }
            }
            Err(error) => {
                disk.log.rollback();
                Err(error)
            }
        }
    }

    fn rollback(&mut self) {
        self.disk().log.rollback();
    }

    fn append(
        &mut self,
        community: &CommunityId,
        batch: &VerifiedBatch,
        spot: Spot,
    ) -> Result<Appended, StoreError> {
        let mut disk = self.disk();
        let dies = disk.count()?;
        let appended = disk.log.append(community, batch, spot)?;
        if dies { Err(killed()) } else { Ok(appended) }
    }

    fn settle(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        settlement: &Settlement,
    ) -> Result<Head, StoreError> {
        let mut disk = self.disk();
        let dies = disk.count()?;
        let head = disk.log.settle(community, log, settlement)?;
        if dies { Err(killed()) } else { Ok(head) }
    }

    fn reduce(
        &mut self,
        community: &CommunityId,
        arrival: Arrival,
        batch: &VerifiedBatch,
    ) -> Result<(), StoreError> {
        let mut disk = self.disk();
        let dies = disk.count()?;
        disk.log.reduce(community, arrival, batch)?;
        if dies { Err(killed()) } else { Ok(()) }
    }

    fn put_receipt(
        &mut self,
        community: &CommunityId,
        numbered: &Numbered,
    ) -> Result<(), StoreError> {
        let mut disk = self.disk();
        let dies = disk.count()?;
        disk.log.put_receipt(community, numbered)?;
        if dies { Err(killed()) } else { Ok(()) }
    }

    fn remove_receipt(
        &mut self,
        community: &CommunityId,
        device: &DeviceId,
    ) -> Result<(), StoreError> {
        let mut disk = self.disk();
        let dies = disk.count()?;
        disk.log.remove_receipt(community, device)?;
        if dies { Err(killed()) } else { Ok(()) }
    }

    fn receipts(&self, community: &CommunityId) -> Result<KeptReceipts, StoreError> {
        self.alive()?.log.receipts(community)
    }

    fn scrub(&mut self) -> Result<(), StoreError> {
        self.alive()?.log.scrub()
    }

    fn communities(&self) -> Result<u64, StoreError> {
        self.alive()?.log.communities()
    }

    fn names(&self) -> Result<Vec<CommunityId>, StoreError> {
        self.alive()?.log.names()
    }

    fn founded_by(&self, device: &DeviceId) -> Result<u64, StoreError> {
        self.alive()?.log.founded_by(device)
    }

    fn community(&self, community: &CommunityId) -> Result<Option<CommunityState>, StoreError> {
        self.alive()?.log.community(community)
    }

    fn at(
        &self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<Option<Link>, StoreError> {
        self.alive()?.log.at(community, log, seq)
    }

    fn with_chain(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<(Seq, bool)>, StoreError> {
        self.alive()?.log.with_chain(community, log, chain)
    }

    fn missing(
        &self,
        community: &CommunityId,
        log: &LogId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<BatchRef>, StoreError> {
        self.alive()?.log.missing(community, log, from, limit)
    }

    fn carrying(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<Carried>, StoreError> {
        self.alive()?.log.carrying(community, log, chain)
    }

    fn lost(&self, community: &CommunityId) -> Result<Vec<Lost>, StoreError> {
        self.alive()?.log.lost(community)
    }

    fn batch(
        &self,
        community: &CommunityId,
        arrival: Arrival,
    ) -> Result<Option<Carried>, StoreError> {
        let disk = self.alive()?;
        let batch = disk.log.batch(community, arrival)?;
        Ok(batch.filter(|batch| !disk.withheld.contains(&batch.arrival)))
    }

    fn read(
        &self,
        community: &CommunityId,
        lane: Option<&LaneId>,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        let disk = self.alive()?;
        let mut batches = disk.log.read(community, lane, after, upto, bytes_max)?;
        batches.retain(|batch| !disk.withheld.contains(&batch.arrival));
        Ok(batches)
    }

    fn totals(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
    ) -> Result<Totals, StoreError> {
        self.alive()?.log.totals(community, lane, after, upto)
    }
}
