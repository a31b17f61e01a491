//! How far the devices of a community have read this relay, as they have signed it.

use std::collections::BTreeMap;

use sync_core::id::{CommunityId, DeviceId};
use sync_core::receipt::{SignedReceipt, VerifiedReceipt};
use sync_core::store::StoreError;
use sync_core::wire::Refusal;

use super::Community;
use crate::log::{BatchLog, Numbered};

/// The newest receipt of each device.
#[derive(Debug)]
pub(super) struct Receipts {
    by_device: BTreeMap<DeviceId, Numbered>,
    /// Whose receipt has which number.
    by_number: BTreeMap<u64, DeviceId>,
    /// The number that was given last.
    newest: u64,
    /// Some may be of devices that do not belong any more.
    are_doubtful: bool,
}

impl Receipts {
    pub(super) fn load(community: &CommunityId, log: &dyn BatchLog) -> Result<Self, StoreError> {
        let kept = log.receipts(community)?;
        let mut receipts = Self {
            by_device: BTreeMap::new(),
            by_number: BTreeMap::new(),
            newest: kept.newest,
            are_doubtful: !kept.receipts.is_empty(),
        };
        for numbered in kept.receipts {
            receipts.put(numbered);
        }
        Ok(receipts)
    }

    pub(super) fn len(&self) -> usize {
        self.by_device.len()
    }

    pub(super) fn doubt(&mut self, is_doubtful: bool) {
        self.are_doubtful |= is_doubtful && !self.by_device.is_empty();
    }

    pub(super) fn are_doubtful(&self) -> bool {
        self.are_doubtful
    }

    fn put(&mut self, numbered: Numbered) {
        self.newest = self.newest.max(numbered.number);
        let device = *numbered.receipt.device();
        self.by_number.insert(numbered.number, device);
        if let Some(before) = self.by_device.insert(device, numbered) {
            self.by_number.remove(&before.number);
        }
    }

    fn remove(&mut self, device: &DeviceId) {
        if let Some(gone) = self.by_device.remove(device) {
            self.by_number.remove(&gone.number);
        }
    }
}

impl Community {
    /// The number of the newest receipt of other devices than this one; 0 if there is none.
    #[must_use]
    pub fn newest_receipt_for(&self, device: &DeviceId) -> u64 {
        let mut newest = self.receipts.by_number.iter().rev();
        let others = newest.find(|(_, of)| *of != device);
        others.map_or(0, |(number, _)| *number)
    }

    /// The position of a device's receipt; 0 if it has given none.
    #[must_use]
    pub fn reading_of(&self, device: &DeviceId) -> u64 {
        let known = self.receipts.by_device.get(device);
        known.map_or(0, |known| known.receipt.reading().position)
    }

    /// The receipts of others than this device with numbers after this one, at most `limit`, and up to
    /// which number these are all.
    #[must_use]
    pub fn receipts_after(
        &self,
        after: u64,
        but: &DeviceId,
        limit: usize,
    ) -> (Vec<&VerifiedReceipt>, u64) {
        let later = self.receipts.by_number.range(after.saturating_add(1)..);
        let mut found = Vec::new();
        let mut upto = after;
        for (number, device) in later.filter(|(_, device)| *device != but) {
            if found.len() >= limit {
                return (found, upto);
            }
            upto = *number;
            let numbered = self.receipts.by_device.get(device);
            found.extend(numbered.map(|numbered| &numbered.receipt));
        }
        (found, self.newest_receipt_for(but))
    }

    /// A device's receipt, verified, if it is news.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn judge_receipt(
        &self,
        receipt: SignedReceipt,
        by: &DeviceId,
        log: &dyn BatchLog,
    ) -> Result<Option<VerifiedReceipt>, Refusal> {
        let (device, reading) = (receipt.device(), receipt.reading());
        if device != by {
            return Err(Refusal::BadSignature);
        }
        // A position that was not reached is a lie, or told by this store before it was set back.
        let is_of_here = reading.store == log.store_id() && reading.position <= self.tip.0;
        if !is_of_here || !self.roster.devices().contains_key(device) {
            return Err(Refusal::NotAllowed);
        }
        let known = self.receipts.by_device.get(device);
        if known.is_some_and(|known| !reading.replaces(known.receipt.reading())) {
            return Ok(None);
        }
        let verified = receipt.verify(&self.id);
        verified.map(Some).map_err(|_| Refusal::BadSignature)
    }

    /// Keeps a receipt that is news, within a transaction.
    ///
    /// # Errors
    /// The log's.
    pub fn keep_receipt(
        &mut self,
        receipt: VerifiedReceipt,
        log: &mut dyn BatchLog,
    ) -> Result<(), StoreError> {
        let number = self.receipts.newest.saturating_add(1);
        let numbered = Numbered { number, receipt };
        log.put_receipt(&self.id, &numbered)?;
        self.receipts.put(numbered);
        Ok(())
    }

    /// Drops the receipts of devices that do not belong any more, within a transaction.
    ///
    /// # Errors
    /// The log's.
    pub fn drop_receipts(&mut self, log: &mut dyn BatchLog) -> Result<(), StoreError> {
        self.receipts.are_doubtful = false;
        let devices = self.receipts.by_device.keys().copied();
        let belongs = |device: &DeviceId| self.roster.devices().contains_key(device);
        let gone: Vec<DeviceId> = devices.filter(|device| !belongs(device)).collect();
        for device in gone {
            log.remove_receipt(&self.id, &device)?;
            self.receipts.remove(&device);
        }
        Ok(())
    }
}
