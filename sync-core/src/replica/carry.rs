//! A replica as a session sees it.

use std::collections::BTreeSet;

use crate::blob::{BlobList, BlobName};
use crate::id::{Arrival, CommunityId, DeviceId, Head, LaneId, LogId, Seq, StoreId};
use crate::replica::Replica;
use crate::replica::relay::acknowledged_by;
use crate::roster::role::Role;
use crate::session::carrier::{BatchRef, Carried, Carrier, Lost, lane_digest, set_digest};
use crate::store::StoreError;
use crate::wire::blobs::BlobTip;
use crate::wire::{Digest, Totals};

impl Replica {
    /// Digest of all heads of all lanes that this device has: equal digests, equal batches.
    ///
    /// # Errors
    /// The store's.
    pub fn heads_digest(&self) -> Result<Digest, StoreError> {
        self.digest_of(&self.mind.own_lanes())
    }

    /// Digest of the heads of some lanes.
    ///
    /// # Errors
    /// The store's.
    pub fn digest_of(&self, lanes: &BTreeSet<LaneId>) -> Result<Digest, StoreError> {
        let lanes: Vec<_> = lanes
            .iter()
            .map(|lane| Ok((*lane, self.digest(lane)?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(set_digest(lanes))
    }
}

impl Carrier for Replica {
    fn community(&self) -> CommunityId {
        self.mind.community
    }

    fn store_id(&self) -> StoreId {
        self.mind.store_id
    }

    fn lanes_for(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        self.mind.roster.lanes_of(device)
    }

    fn uploads_of(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        self.mind.roster.uploads_of(device)
    }

    fn own_lanes(&self) -> BTreeSet<LaneId> {
        self.mind.own_lanes()
    }

    fn digest(&self, lane: &LaneId) -> Result<Digest, StoreError> {
        Ok(lane_digest(&self.store.heads(lane)?, &self.lost(lane)?))
    }

    fn heads(&self, lane: &LaneId) -> Result<Vec<(LogId, Head)>, StoreError> {
        self.store.heads(lane)
    }

    fn head(&self, log: &LogId) -> Result<Head, StoreError> {
        self.store.head(log)
    }

    fn tip(&self, lane: &LaneId) -> Result<Arrival, StoreError> {
        self.store.tip(lane)
    }

    fn last_arrival(&self) -> Result<Arrival, StoreError> {
        self.store.last_arrival()
    }

    fn cursor(&self, store: &StoreId, lane: &LaneId) -> Result<u64, StoreError> {
        self.store.cursor(store, lane)
    }

    fn receipts_for(&self, _device: &DeviceId) -> Option<u64> {
        Some(0)
    }

    fn blob_tip(&self) -> Result<Option<BlobTip>, StoreError> {
        self.newest_blob().map(Some)
    }

    fn blob_list(&self, name: &BlobName) -> Result<Option<BlobList>, StoreError> {
        self.list_given(name)
    }

    fn blob_chunk(&self, name: &BlobName, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.chunk_given(name, index)
    }

    fn notes(&self) -> u64 {
        self.notes
    }

    fn acknowledged(&self, store: &StoreId, lane: &LaneId) -> Result<Arrival, StoreError> {
        let marks = acknowledged_by(&*self.store, store)?;
        Ok(marks.get(lane).copied().unwrap_or_default())
    }

    fn unshared(&self, store: &StoreId) -> Result<BTreeSet<LogId>, StoreError> {
        let uploaded = self.store.uploaded(store)?;
        Ok(self
            .store
            .logs_since(uploaded, store)?
            .into_iter()
            .collect())
    }

    fn missing(&self, log: &LogId, from: Seq, limit: usize) -> Result<Vec<BatchRef>, StoreError> {
        self.store.missing(log, from, limit)
    }

    fn lost(&self, lane: &LaneId) -> Result<Vec<Lost>, StoreError> {
        let mut lost = self.store.lost()?;
        lost.retain(|lost| lost.log.lane == *lane);
        Ok(lost)
    }

    fn precedence(&self, log: &LogId) -> u8 {
        /// Records go after all statements.
        const RECORDS: u8 = u8::MAX;
        if log.lane != self.mind.roster_lane {
            return RECORDS;
        }
        // Whoever invites has a higher rank than whoever is invited.
        let roster = &self.mind.roster;
        let member = roster.member_id(&log.device);
        let member = member.and_then(|id| roster.members().get(&id));
        let highest = member.and_then(|member| member.roles.iter().map(|(_, role)| *role).max());
        let above = Role::DESCENDING
            .into_iter()
            .take_while(|role| highest.is_none_or(|highest| *role > highest));
        u8::try_from(above.count()).unwrap_or(RECORDS)
    }

    fn batch(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError> {
        self.store.batch(arrival)
    }

    fn stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        self.store.stretch(lane, after, upto, bytes_max)
    }

    fn since(&self, after: Arrival, bytes_max: usize) -> Result<Vec<Carried>, StoreError> {
        self.store.since(after, bytes_max)
    }

    fn totals(&self, lane: &LaneId, after: Arrival, upto: Arrival) -> Result<Totals, StoreError> {
        self.store.totals(lane, after, upto)
    }
}
