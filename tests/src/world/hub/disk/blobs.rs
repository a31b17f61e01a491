//! Blobs on a disk that may be switched off.

use std::collections::BTreeMap;

use relay::log::blobs::{BlobLog, KeptBlob};
use sync_core::blob::{BlobList, BlobName};
use sync_core::id::{CommunityId, DeviceId, LaneId, LogId, Seq};
use sync_core::store::StoreError;

use super::DiskLog;

impl BlobLog for DiskLog {
    fn blob_tip(&self, community: &CommunityId) -> Result<u64, StoreError> {
        self.alive()?.log.blob_tip(community)
    }

    fn blob(
        &self,
        community: &CommunityId,
        name: &BlobName,
    ) -> Result<Option<KeptBlob>, StoreError> {
        self.alive()?.log.blob(community, name)
    }

    fn blob_chunk(
        &self,
        community: &CommunityId,
        name: &BlobName,
        index: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.alive()?.log.blob_chunk(community, name, index)
    }

    fn blobs_after(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, BlobName)>, StoreError> {
        self.alive()?.log.blobs_after(community, lane, after, limit)
    }

    fn blob_bytes(&self, community: &CommunityId) -> Result<BTreeMap<DeviceId, u64>, StoreError> {
        self.alive()?.log.blob_bytes(community)
    }

    fn blobs_of(&self, community: &CommunityId, name: &BlobName) -> Result<usize, StoreError> {
        self.alive()?.log.blobs_of(community, name)
    }

    fn begin_blob(
        &mut self,
        community: &CommunityId,
        name: &BlobName,
        list: &BlobList,
        by: &DeviceId,
    ) -> Result<(), StoreError> {
        self.alive()?.log.begin_blob(community, name, list, by)
    }

    fn put_blob_chunk(
        &mut self,
        community: &CommunityId,
        name: &BlobName,
        sealed: &[u8],
    ) -> Result<Option<KeptBlob>, StoreError> {
        self.alive()?.log.put_blob_chunk(community, name, sealed)
    }

    fn remove_blobs(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<BTreeMap<DeviceId, u64>, StoreError> {
        self.alive()?.log.remove_blobs(community, log, seq)
    }
}
