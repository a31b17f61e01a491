//! Blobs of a log in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use sync_core::blob::{BlobList, BlobName};
use sync_core::id::{CommunityId, DeviceId, LaneId, LogId, Seq};
use sync_core::store::StoreError;

use super::MemoryLog;
use crate::log::blobs::{BlobLog, KeptBlob};

/// The chunks of a blob, in order.
type Chunks = Vec<Arc<[u8]>>;

/// The blobs of one community.
#[derive(Debug, Clone, Default)]
pub(super) struct Blobs {
    kept: BTreeMap<BlobName, (KeptBlob, Chunks)>,
    /// The number that one was given last.
    newest: u64,
}

impl MemoryLog {
    fn blobs(&self, community: &CommunityId) -> Option<&Blobs> {
        self.rows(community).map(|rows| &rows.blobs)
    }

    fn blobs_mut(&mut self, community: &CommunityId) -> Result<&mut Blobs, StoreError> {
        let rows = self.rows_mut(community);
        let rows = rows.ok_or_else(|| StoreError::Io("there is no such community".to_owned()))?;
        Ok(&mut rows.blobs)
    }
}

impl BlobLog for MemoryLog {
    fn blob_tip(&self, community: &CommunityId) -> Result<u64, StoreError> {
        Ok(self.blobs(community).map_or(0, |blobs| blobs.newest))
    }

    fn blob(
        &self,
        community: &CommunityId,
        name: &BlobName,
    ) -> Result<Option<KeptBlob>, StoreError> {
        let kept = self.blobs(community).and_then(|blobs| blobs.kept.get(name));
        Ok(kept.map(|(kept, _)| kept.clone()))
    }

    fn blob_chunk(
        &self,
        community: &CommunityId,
        name: &BlobName,
        index: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = self.blobs(community).and_then(|blobs| blobs.kept.get(name));
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        Ok(kept.and_then(|(_, chunks)| chunks.get(index).map(|it| it.to_vec())))
    }

    fn blobs_after(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, BlobName)>, StoreError> {
        let kept = self.blobs(community).map(|blobs| &blobs.kept);
        let whole = kept.into_iter().flatten();
        let mut found: Vec<(u64, BlobName)> = whole
            .filter(|(name, (kept, _))| name.log.lane == *lane && kept.number > after)
            .map(|(name, (kept, _))| (kept.number, *name))
            .collect();
        found.sort_unstable();
        found.truncate(limit);
        Ok(found)
    }

    fn blob_bytes(&self, community: &CommunityId) -> Result<BTreeMap<DeviceId, u64>, StoreError> {
        let mut bytes = BTreeMap::new();
        let kept = self.blobs(community).map(|blobs| &blobs.kept);
        for (kept, _) in kept.into_iter().flat_map(BTreeMap::values) {
            *bytes.entry(kept.by).or_default() += kept.list.sealed_bytes();
        }
        Ok(bytes)
    }

    fn blobs_of(&self, community: &CommunityId, name: &BlobName) -> Result<usize, StoreError> {
        let kept = self.blobs(community).map(|blobs| blobs.kept.keys());
        let of_entry = |it: &&BlobName| it.log == name.log && it.seq == name.seq;
        Ok(kept.into_iter().flatten().filter(of_entry).count())
    }

    fn begin_blob(
        &mut self,
        community: &CommunityId,
        name: &BlobName,
        list: &BlobList,
        by: &DeviceId,
    ) -> Result<(), StoreError> {
        let kept = KeptBlob {
            list: list.clone(),
            here: 0,
            number: 0,
            by: *by,
        };
        let blobs = self.blobs_mut(community)?;
        blobs.kept.insert(*name, (kept, Vec::new()));
        Ok(())
    }

    fn put_blob_chunk(
        &mut self,
        community: &CommunityId,
        name: &BlobName,
        sealed: &[u8],
    ) -> Result<Option<KeptBlob>, StoreError> {
        let Blobs { kept, newest } = self.blobs_mut(community)?;
        let Some((kept, chunks)) = kept.get_mut(name) else {
            return Ok(None);
        };
        if kept.here < kept.list.chunks() {
            chunks.push(sealed.into());
            kept.here += 1;
            if kept.here == kept.list.chunks() {
                *newest += 1;
                kept.number = *newest;
            }
        }
        Ok(Some(kept.clone()))
    }

    fn remove_blobs(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<BTreeMap<DeviceId, u64>, StoreError> {
        let mut freed = BTreeMap::new();
        let blobs = self.blobs_mut(community)?;
        blobs.kept.retain(|name, (kept, _)| {
            let goes = name.log == *log && name.seq == seq;
            if goes {
                *freed.entry(kept.by).or_default() += kept.list.sealed_bytes();
            }
            !goes
        });
        Ok(freed)
    }
}
