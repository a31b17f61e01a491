//! What a log keeps of blobs: sealed chunks beside the batches, each blob with the entry that says it.

use std::collections::BTreeMap;

use sync_core::blob::{BlobList, BlobName};
use sync_core::id::{CommunityId, DeviceId, LaneId, LogId, Seq};
use sync_core::store::StoreError;

/// A blob as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBlob {
    /// Its chunks.
    pub list: BlobList,
    /// How many of them are here, from the first one on.
    pub here: u32,
    /// Rises by one with each blob of the community that is here as a whole; 0 of one that is not.
    pub number: u64,
    /// The device that brought it, against whose quota it counts.
    pub by: DeviceId,
}

impl KeptBlob {
    /// Whether all of it is here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.number > 0
    }
}

/// The blobs of a log. Writing happens within its transaction.
#[expect(
    clippy::missing_errors_doc,
    reason = "every method fails only as the disk does"
)]
pub trait BlobLog {
    /// The number that a community's blob was given last.
    fn blob_tip(&self, community: &CommunityId) -> Result<u64, StoreError>;

    /// A blob, if there is anything of it.
    fn blob(
        &self,
        community: &CommunityId,
        name: &BlobName,
    ) -> Result<Option<KeptBlob>, StoreError>;

    /// One of its chunks.
    fn blob_chunk(
        &self,
        community: &CommunityId,
        name: &BlobName,
        index: u32,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// Blobs of a lane that are here as a whole, with numbers after one, in their order.
    fn blobs_after(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, BlobName)>, StoreError>;

    /// Bytes of all blobs, those that have not come as a whole too, by the device that brought them.
    fn blob_bytes(&self, community: &CommunityId) -> Result<BTreeMap<DeviceId, u64>, StoreError>;

    /// How many blobs the entry says that says this one, as far as they were brought.
    fn blobs_of(&self, community: &CommunityId, name: &BlobName) -> Result<usize, StoreError>;

    /// Begins a blob of which there is nothing yet.
    fn begin_blob(
        &mut self,
        community: &CommunityId,
        name: &BlobName,
        list: &BlobList,
        by: &DeviceId,
    ) -> Result<(), StoreError>;

    /// Adds the next chunk of a blob that was begun; the caller has verified it. Returns the blob then.
    fn put_blob_chunk(
        &mut self,
        community: &CommunityId,
        name: &BlobName,
        sealed: &[u8],
    ) -> Result<Option<KeptBlob>, StoreError>;

    /// Drops all blobs that an entry says; returns their bytes by the device that brought them.
    fn remove_blobs(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<BTreeMap<DeviceId, u64>, StoreError>;
}
