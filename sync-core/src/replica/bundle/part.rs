//! One file of an export, read from the store as it is written.

use std::sync::Arc;

use crate::bundle::{BundleWriter, Manifest};
use crate::id::CommunityId;
use crate::replica::bundle::plan::BundlePlan;
use crate::replica::bundle::walk::{At, Walker};
use crate::replica::{BundleError, Moment, Replica};
use crate::wire::FRAME_BYTES_TARGET;

/// One file of an export in the making.
#[derive(Debug)]
pub struct BundlePart {
    plan: Arc<BundlePlan>,
    walker: Walker,
    end: Option<At>,
    writer: BundleWriter,
    entries: u64,
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
            } else {
                self.writer.end();
                self.is_done = true;
            }
        }
        let bytes = self.writer.take();
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// How many entries have been written.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }
}
