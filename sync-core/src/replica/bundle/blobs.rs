//! Photos and recordings in bundles: which go out, and how they come in.

use std::collections::BTreeSet;

use crate::blob::{BLOB_CHUNK_BYTES, BLOB_TAG_BYTES, BlobId, BlobList};
use crate::id::{LaneId, Millis};
use crate::replica::blobs::{chunks_of, keep_list};
use crate::replica::bundle::known::Had;
use crate::replica::mind::Mind;
use crate::replica::room::holder_of;
use crate::replica::{ChunkIn, ChunkTaken, Replica, ReplicaError};
use crate::store::{BlobPart, BlobRow, BlobWish, StoreError, StoreTx};

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

/// A blob that goes along. What it is called is looked up when it is written: that takes its record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    pub(super) id: BlobId,
    padded: u32,
}

impl Planned {
    pub(super) fn chunks(&self) -> u32 {
        chunks_of(self.padded)
    }

    /// Most bytes of a sealed chunk.
    pub(super) fn chunk_bytes(&self, index: u32) -> u64 {
        let before = u64::from(index) * BLOB_CHUNK_BYTES as u64;
        let rest = u64::from(self.padded).saturating_sub(before);
        rest.min(BLOB_CHUNK_BYTES as u64) + BLOB_TAG_BYTES as u64
    }

    pub(super) fn list_bytes(&self) -> u64 {
        u64::from(self.chunks()) * 32
    }
}

/// A part of a blob as a file has it.
#[derive(Debug)]
pub(super) enum BlobIn {
    List(BlobList),
    Chunk(ChunkIn),
}

impl BlobIn {
    fn id(&self) -> &BlobId {
        match self {
            Self::List(list) => list.id(),
            Self::Chunk(chunk) => &chunk.id,
        }
    }
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
            if !self.all_have(had, &row)? {
                planned.push(Planned {
                    id: row.id,
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
        let mut lacking = Vec::with_capacity(parts.len());
        for part in parts {
            let row = self.store.blob(part.id())?;
            if row.is_some_and(|row| !row.is_whole()) {
                lacking.push(part);
            }
        }
        if lacking.is_empty() {
            return Ok(BlobsTaken::default());
        }
        let limit = self.blobs_limit;
        self.act(|tx, mind| {
            let mut taken = BlobsTaken::default();
            for part in &lacking {
                mind.take_blob_part(tx, part, limit, now, &mut taken)?;
            }
            Ok(taken)
        })
    }
}

impl Mind {
    fn take_blob_part(
        &mut self,
        tx: &mut dyn StoreTx,
        part: &BlobIn,
        limit: Option<u64>,
        now: Millis,
        taken: &mut BlobsTaken,
    ) -> Result<(), ReplicaError> {
        let Some(row) = tx.blob(part.id())?.filter(|row| !row.is_whole()) else {
            return Ok(());
        };
        let has_list = tx.blob_part(&row.id, 0)?.is_some();
        match part {
            BlobIn::List(list) => {
                let is_wanted = !has_list && row.wish != BlobWish::LetGo;
                if is_wanted && self.has_room_for(&*tx, &row, limit, 0)? {
                    keep_list(tx, list)?;
                }
            }
            BlobIn::Chunk(chunk) if has_list && chunk.index == row.here => {
                let came = self.take_chunk(tx, chunk, limit, now)?;
                taken.whole += u64::from(came == ChunkTaken::Whole);
            }
            BlobIn::Chunk(chunk) if has_list && chunk.index > row.here => {
                taken.waiting.insert(row.id);
            }
            BlobIn::Chunk(_) => {}
        }
        Ok(())
    }
}
