//! Photos and recordings in bundles: which go out, and how they come in.

use std::collections::BTreeSet;

use crate::blob::{BLOB_CHUNK_BYTES, BLOB_TAG_BYTES, BlobId, BlobList, BlobName};
use crate::id::{LaneId, Millis};
use crate::replica::bundle::known::Had;
use crate::replica::room::holder_of;
use crate::replica::{ChunkIn, ChunkTaken, Replica, ReplicaError};
use crate::store::{BlobPart, BlobRow, BlobWish, StoreError};

/// Which blobs go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BundleBlobs {
    /// All that are here.
    All,
    /// Small pictures.
    Previews,
    /// None.
    #[default]
    None,
}

impl BundleBlobs {
    fn has(self, part: BlobPart) -> bool {
        match self {
            Self::All => true,
            Self::Previews => part == BlobPart::Preview,
            Self::None => false,
        }
    }
}

/// A blob that goes along.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    pub(super) name: BlobName,
    pub(super) chunks: u32,
    padded: u32,
}

impl Planned {
    /// Most bytes of a sealed chunk.
    pub(super) fn chunk_bytes(&self, index: u32) -> u64 {
        let before = u64::from(index) * BLOB_CHUNK_BYTES as u64;
        let rest = u64::from(self.padded).saturating_sub(before);
        rest.min(BLOB_CHUNK_BYTES as u64) + BLOB_TAG_BYTES as u64
    }

    pub(super) fn list_bytes(&self) -> u64 {
        u64::from(self.chunks) * 32
    }
}

/// A part of a blob as a file has it.
#[derive(Debug)]
pub(super) enum BlobIn {
    List(BlobList),
    Chunk(ChunkIn),
}

/// What came of parts of blobs.
#[derive(Debug, Default)]
pub(super) struct BlobsTaken {
    /// Here as a whole now.
    pub(super) whole: u64,
    /// A chunk before has not come.
    pub(super) waiting: BTreeSet<BlobId>,
}

impl Replica {
    /// The blobs of these lanes that go along: previews first, and in the order in which they came.
    pub(super) fn planned_blobs(
        &self,
        which: BundleBlobs,
        lanes: &BTreeSet<LaneId>,
        had: &[Had],
    ) -> Result<Vec<Planned>, ReplicaError> {
        let mut rows = self.store.blobs()?;
        rows.retain(|row| row.is_whole() && which.has(row.part) && lanes.contains(&row.lane));
        rows.sort_by_key(|row| (row.part, row.number));
        let mut planned = Vec::with_capacity(rows.len());
        for row in rows {
            if self.all_have(had, &row)? {
                continue;
            }
            if let Some((name, list)) = self.offer_of(&row.id)? {
                planned.push(Planned {
                    name,
                    chunks: list.chunks(),
                    padded: row.padded,
                });
            }
        }
        Ok(planned)
    }

    /// Whether every one of those for whom something is left out is known to hold a blob.
    fn all_have(&self, had: &[Had], row: &BlobRow) -> Result<bool, StoreError> {
        if had.is_empty() {
            return Ok(false);
        }
        let mut devices = BTreeSet::new();
        for holder in &row.holders {
            devices.extend(holder_of(&*self.store, holder)?.map(|(device, _)| device));
        }
        Ok(had.iter().all(|had| had.is_one_of(&devices)))
    }

    /// Makes parts of blobs durable, in one transaction. What no record here names is left in the file, and so
    /// is what there is no room for.
    pub(super) fn take_blob_parts(
        &mut self,
        parts: Vec<BlobIn>,
        now: Millis,
    ) -> Result<BlobsTaken, ReplicaError> {
        let mut taken = BlobsTaken::default();
        let mut chunks: Vec<ChunkIn> = Vec::new();
        for part in parts {
            match part {
                BlobIn::List(list) => {
                    self.take_carried(std::mem::take(&mut chunks), now, &mut taken)?;
                    self.take_list_if_wanted(&list)?;
                }
                BlobIn::Chunk(chunk) => chunks.push(chunk),
            }
        }
        self.take_carried(chunks, now, &mut taken)?;
        Ok(taken)
    }

    fn take_list_if_wanted(&mut self, list: &BlobList) -> Result<(), ReplicaError> {
        let row = self.store.blob(list.id())?;
        let is_wanted =
            row.is_some_and(|row| !row.is_whole() && row.here == 0 && row.wish != BlobWish::LetGo);
        if is_wanted && self.has_room_for(list.id(), 0)? {
            self.take_list(list)?;
        }
        Ok(())
    }

    fn take_carried(
        &mut self,
        mut chunks: Vec<ChunkIn>,
        now: Millis,
        taken: &mut BlobsTaken,
    ) -> Result<(), ReplicaError> {
        let mut next: Option<(BlobId, u32)> = None;
        let mut wanted = Vec::with_capacity(chunks.len());
        for chunk in chunks.drain(..) {
            if next.is_none_or(|(id, _)| id != chunk.id) {
                next = self.next_chunk_of(&chunk.id)?.map(|here| (chunk.id, here));
            }
            match &mut next {
                Some((_, here)) if *here == chunk.index => {
                    *here += 1;
                    wanted.push(chunk);
                }
                Some((_, here)) if *here < chunk.index => {
                    taken.waiting.insert(chunk.id);
                }
                Some(_) | None => {}
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        for came in self.take_chunks(&wanted, now)? {
            taken.whole += u64::from(came == ChunkTaken::Whole);
        }
        Ok(())
    }

    /// The number of the chunk that is lacking of a blob; none if it is not to be taken.
    fn next_chunk_of(&self, id: &BlobId) -> Result<Option<u32>, StoreError> {
        let row = self.store.blob(id)?.filter(|row| !row.is_whole());
        let Some(row) = row else {
            return Ok(None);
        };
        let has_list = self.store.blob_part(id, 0)?.is_some();
        Ok(has_list.then_some(row.here))
    }
}
