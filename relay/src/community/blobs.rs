//! Which blobs are taken from whom.

use sync_core::blob::{BlobList, BlobName};
use sync_core::id::DeviceId;
use sync_core::store::StoreError;
use sync_core::wire::Refusal;

use super::Community;
use crate::limits::{BLOBS_PER_ENTRY_MAX, Limits};
use crate::log::BatchLog;

impl Community {
    /// Why a blob that a device offers is not taken. It must be said by an entry that is here and not
    /// erased, of a lane that the device may have; whether the entry says it, only members can read.
    ///
    /// # Errors
    /// The log's.
    pub fn judge_blob(
        &self,
        name: &BlobName,
        list: &BlobList,
        by: &DeviceId,
        limits: &Limits,
        log: &dyn BatchLog,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let is_member = self.roster.devices().contains_key(by);
        let is_space = name.log.lane != self.roster_lane;
        if !is_member || !is_space || !self.roster.lanes_of(by).contains(&name.log.lane) {
            return Ok(Err(Refusal::NotAllowed));
        }
        let Some(found) = log.missing(&self.id, &name.log, name.seq, 1)?.pop() else {
            return Ok(Err(Refusal::Gap));
        };
        let Some(carried) = log.batch(&self.id, found.arrival)? else {
            return Ok(Err(Refusal::Gap));
        };
        let batch = &carried.batch;
        if batch.place().first_seq > name.seq || batch.last_seq() < name.seq {
            return Ok(Err(Refusal::Gap));
        }
        if batch.erased().any(|seq| seq == name.seq) {
            return Ok(Err(Refusal::NotAllowed));
        }
        let bytes = list.sealed_bytes();
        let of_device = self.blob_bytes.get(by).copied().unwrap_or_default();
        let all = self.blob_bytes.values().sum::<u64>();
        let is_full = self.bytes.saturating_add(all).saturating_add(bytes)
            > limits.community_bytes_max
            || of_device.saturating_add(bytes) > limits.device_blob_bytes_max;
        if is_full || log.blobs_of(&self.id, name)? >= BLOBS_PER_ENTRY_MAX {
            return Ok(Err(Refusal::OverQuota));
        }
        Ok(Ok(()))
    }

    /// Begins a blob in the log, and counts it.
    ///
    /// # Errors
    /// The log's.
    pub fn begin_blob(
        &mut self,
        name: &BlobName,
        list: &BlobList,
        by: &DeviceId,
        log: &mut dyn BatchLog,
    ) -> Result<(), StoreError> {
        log.begin_blob(&self.id, name, list, by)?;
        *self.blob_bytes.entry(*by).or_default() += list.sealed_bytes();
        Ok(())
    }

    /// Drops the blobs of an entry that was erased; says whether there were any.
    pub(super) fn drop_blobs(
        &mut self,
        id: &sync_core::id::LogId,
        seq: sync_core::id::Seq,
        log: &mut dyn BatchLog,
    ) -> Result<bool, StoreError> {
        let freed = log.remove_blobs(&self.id, id, seq)?;
        for (device, bytes) in &freed {
            if let Some(held) = self.blob_bytes.get_mut(device) {
                *held = held.saturating_sub(*bytes);
            }
        }
        Ok(!freed.is_empty())
    }
}
