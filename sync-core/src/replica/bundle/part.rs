//! One file of an export, read from the store as it is written.

use std::sync::Arc;

use crate::blob::BlobName;
use crate::bundle::{BundleWriter, Manifest};
use crate::id::CommunityId;
use crate::replica::bundle::blobs::Planned;
use crate::replica::bundle::plan::BundlePlan;
use crate::replica::bundle::walk::{At, Walker};
use crate::replica::{BundleError, Moment, Offer, Replica};
use crate::wire::FRAME_BYTES_TARGET;

/// One file of an export in the making.
#[derive(Debug)]
pub struct BundlePart {
    plan: Arc<BundlePlan>,
    walker: Walker,
    end: Option<At>,
    writer: BundleWriter,
    entries: u64,
    /// The blob and the chunk that come next, once all batches are written.
    blob: (usize, u32),
    /// The blob whose list this file has, while more of its chunks are to come.
    listed: Option<BlobName>,
    chunks: u64,
    blobs: u64,
    is_done: bool,
}

impl BundlePart {
    pub(super) fn begin(
        community: &CommunityId,
        plan: &Arc<BundlePlan>,
        part: u64,
        moment: &mut Moment<'_>,
    ) -> Result<Option<Self>, BundleError> {
        let index = part.checked_sub(1).and_then(|it| usize::try_from(it).ok());
        let file = index.and_then(|index| plan.files.get(index));
        let (Some(index), Some(file)) = (index, file) else {
            return Ok(None);
        };
        let mut writer = BundleWriter::begin(community, &plan.readers, moment.rng)?;
        writer.manifest(&Manifest {
            set: plan.set,
            part,
            parts: plan.parts(),
            device: plan.word.device,
            at: plan.word.at.0,
            totals: file.totals,
            is_partial: plan.is_partial,
        });
        if index == 0 {
            writer.word(&plan.word);
        }
        Ok(Some(Self {
            plan: Arc::clone(plan),
            walker: Walker::from(file.from),
            end: plan.files.get(index + 1).map(|next| next.from),
            writer,
            entries: 0,
            blob: match file.from {
                At::Blobs(number, index) => (number, index),
                At::Roster(_) | At::Spaces(_) => (0, 0),
            },
            listed: None,
            chunks: 0,
            blobs: 0,
            is_done: false,
        }))
    }

    /// The next bytes of the file, a few hundred kilobytes; none once it is whole.
    ///
    /// # Errors
    /// The store's.
    pub fn next_bytes(&mut self, replica: &Replica) -> Result<Option<Vec<u8>>, BundleError> {
        while !self.is_done && self.writer.ready() < FRAME_BYTES_TARGET {
            let step = self.walker.step(&self.plan.way, replica)?;
            let within = step.filter(|(at, _)| self.end.is_none_or(|end| *at < end));
            if let Some((_, carried)) = within {
                self.entries += carried.batch.count() as u64;
                self.writer.push(&carried.batch);
            } else if !self.put_chunk(replica)? {
                self.writer.end();
                self.is_done = true;
            }
        }
        let bytes = self.writer.take();
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Writes the next chunk of a blob; says whether there was one in this file.
    fn put_chunk(&mut self, replica: &Replica) -> Result<bool, BundleError> {
        loop {
            let (number, index) = self.blob;
            let is_beyond = self.end.is_some_and(|end| At::Blobs(number, index) >= end);
            let planned = self.plan.blobs.get(number).copied();
            let Some(blob) = planned.filter(|_| !is_beyond) else {
                return Ok(false);
            };
            let Some((name, bytes)) = self.chunk_of(&blob, index, replica)? else {
                // It was erased, or made room for others, since the export was planned.
                self.blob = (number + 1, 0);
                continue;
            };
            self.writer.blob_chunk(&name, index, bytes);
            self.chunks += 1;
            if index + 1 < blob.chunks() {
                self.blob = (number, index + 1);
                self.listed = Some(name);
            } else {
                self.blob = (number + 1, 0);
                self.blobs += 1;
            }
            return Ok(true);
        }
    }

    /// A chunk of a blob, whose list is written before the first one in the file; none if it is not here any more,
    /// or its record cannot be named to others.
    fn chunk_of(
        &mut self,
        blob: &Planned,
        index: u32,
        replica: &Replica,
    ) -> Result<Option<(BlobName, Vec<u8>)>, BundleError> {
        let name = match self.listed.take() {
            Some(name) => name,
            None => {
                let Offer::This(name, list) = replica.offer_of(&blob.id)? else {
                    return Ok(None);
                };
                self.writer.blob_list(&name, &list);
                name
            }
        };
        let bytes = replica.chunk_given(&name, index)?;
        Ok(bytes.map(|bytes| (name, bytes)))
    }

    /// How many blobs have been written to their end.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.blobs
    }

    /// How many chunks of blobs have been written.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// How many entries have been written.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }
}
