//! A community as the placing of batches and as sessions see it.

use std::collections::BTreeSet;

use sync_core::blob::{BlobList, BlobName};
use sync_core::entry::place::{Link, LogView};
use sync_core::id::{
    Arrival, ChainHash, CommunityId, DeviceId, Head, Incarnation, LaneId, LogId, Seq, StoreId,
};
use sync_core::session::carrier::{BatchRef, Carried, Carrier, Lost, lane_digest};
use sync_core::store::StoreError;
use sync_core::wire::blobs::BlobTip;
use sync_core::wire::{Digest, Totals};

use super::Community;
use crate::log::BatchLog;
use crate::log::blobs::KeptBlob;

/// One log as the placing of a batch sees it.
#[derive(Debug)]
pub struct Placing<'a, L: ?Sized> {
    /// The community.
    pub community: &'a Community,
    /// Where its batches are.
    pub log: &'a L,
    /// Which log.
    pub id: LogId,
}

impl<L: BatchLog + ?Sized> LogView for Placing<'_, L> {
    type Error = StoreError;

    fn head(&self) -> Result<Head, StoreError> {
        Ok(self
            .community
            .logs
            .get(&self.id)
            .map_or(Head::EMPTY, |state| state.head))
    }

    fn at(&self, seq: Seq) -> Result<Option<Link>, StoreError> {
        self.log.at(&self.community.id, &self.id, seq)
    }

    fn ending_with(&self, chain: &ChainHash) -> Result<Option<Seq>, StoreError> {
        let found = self.log.with_chain(&self.community.id, &self.id, chain)?;
        Ok(found
            .filter(|(_, is_branch)| !is_branch)
            .map(|(seq, _)| seq))
    }

    fn has_branch(&self, chain: &ChainHash) -> Result<bool, StoreError> {
        let found = self.log.with_chain(&self.community.id, &self.id, chain)?;
        Ok(found.is_some_and(|(_, is_branch)| is_branch))
    }
}

/// A community as its sessions see it.
#[derive(Debug)]
pub struct View<'a, L: ?Sized> {
    /// The community.
    pub community: &'a Community,
    /// Where its batches are.
    pub log: &'a L,
}

impl<L: BatchLog + ?Sized> Carrier for View<'_, L> {
    fn community(&self) -> CommunityId {
        self.community.id
    }

    fn store_id(&self) -> StoreId {
        self.log.store_id()
    }

    fn lanes_for(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        let roster = &self.community.roster;
        if roster.knows(device) {
            return roster.lanes_of(device);
        }
        if roster.is_founded() {
            return BTreeSet::new();
        }
        // Nobody is known here yet: whoever was let in brings the roster.
        BTreeSet::from([self.community.roster_lane])
    }

    fn uploads_of(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        self.community.roster.uploads_of(device)
    }

    fn own_lanes(&self) -> BTreeSet<LaneId> {
        self.community.roster.all_lanes()
    }

    fn digest(&self, lane: &LaneId) -> Result<Digest, StoreError> {
        if let Some(digest) = self.community.digests.borrow().get(lane) {
            return Ok(*digest);
        }
        let digest = lane_digest(&self.heads(lane)?, &self.lost(lane)?);
        self.community.digests.borrow_mut().insert(*lane, digest);
        Ok(digest)
    }

    fn heads(&self, lane: &LaneId) -> Result<Vec<(LogId, Head)>, StoreError> {
        let first = LogId {
            lane: *lane,
            device: DeviceId::ZERO,
            incarnation: Incarnation::ZERO,
        };
        let logs = self
            .community
            .logs
            .range(first..)
            .take_while(|(id, _)| id.lane == *lane);
        let heads = logs.map(|(id, state)| (*id, state.head));
        Ok(heads.filter(|(_, head)| head.seq > Seq(0)).collect())
    }

    fn head(&self, log: &LogId) -> Result<Head, StoreError> {
        Ok(self
            .community
            .logs
            .get(log)
            .map_or(Head::EMPTY, |state| state.head))
    }

    fn tip(&self, lane: &LaneId) -> Result<Arrival, StoreError> {
        Ok(self.community.lanes.get(lane).copied().unwrap_or_default())
    }

    fn last_arrival(&self) -> Result<Arrival, StoreError> {
        Ok(self.community.tip)
    }

    fn receipts_for(&self, device: &DeviceId) -> Option<u64> {
        Some(self.community.newest_receipt_for(device))
    }

    fn reading_of(&self, device: &DeviceId) -> Option<u64> {
        Some(self.community.reading_of(device))
    }

    fn blob_tip(&self) -> Result<Option<BlobTip>, StoreError> {
        Ok(Some(BlobTip {
            store: self.log.store_id(),
            number: self.log.blob_tip(&self.community.id)?,
        }))
    }

    fn blob_list(&self, name: &BlobName) -> Result<Option<BlobList>, StoreError> {
        let kept = self.log.blob(&self.community.id, name)?;
        Ok(kept.filter(KeptBlob::is_whole).map(|kept| kept.list))
    }

    fn blob_chunk(&self, name: &BlobName, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.log.blob_chunk(&self.community.id, name, index)
    }

    fn cursor(&self, _store: &StoreId, _lane: &LaneId) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn unshared(&self, _store: &StoreId) -> Result<BTreeSet<LogId>, StoreError> {
        Ok(BTreeSet::new())
    }

    fn missing(&self, log: &LogId, from: Seq, limit: usize) -> Result<Vec<BatchRef>, StoreError> {
        self.log.missing(&self.community.id, log, from, limit)
    }

    fn lost(&self, lane: &LaneId) -> Result<Vec<Lost>, StoreError> {
        Ok(self.community.lost.get(lane).cloned().unwrap_or_default())
    }

    fn batch(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError> {
        self.log.batch(&self.community.id, arrival)
    }

    fn stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        self.log
            .read(&self.community.id, Some(lane), after, upto, bytes_max)
    }

    fn since(&self, after: Arrival, bytes_max: usize) -> Result<Vec<Carried>, StoreError> {
        if let Some(recent) = self.community.recent_since(after, bytes_max) {
            return Ok(recent);
        }
        self.log.read(
            &self.community.id,
            None,
            after,
            self.community.tip,
            bytes_max,
        )
    }

    fn totals(&self, lane: &LaneId, after: Arrival, upto: Arrival) -> Result<Totals, StoreError> {
        self.log.totals(&self.community.id, lane, after, upto)
    }
}
