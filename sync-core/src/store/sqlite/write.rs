//! Writing: one transaction, which is over as soon as anything in it fails.

use std::cell::RefCell;

use rusqlite::Transaction;

use crate::id::DeviceId;
use crate::store::StoreTx;
use crate::store::forward::forward_reads;
use crate::store::forward::names::*;

use super::read::Rows;
use super::words::FreshWords;

/// The one transaction that may write; dropped, it has not happened.
pub(super) struct SqliteTx<'c> {
    tx: Transaction<'c>,
    fresh_words: RefCell<FreshWords>,
    /// Why a write failed: it may have been half done, so that nothing after it counts.
    failed: Option<StoreError>,
}

impl<'c> SqliteTx<'c> {
    pub(super) fn new(tx: Transaction<'c>) -> Self {
        Self {
            tx,
            fresh_words: RefCell::default(),
            failed: None,
        }
    }

    fn rows(&self) -> Result<Rows<'_>, StoreError> {
        // SQLite ends a transaction by itself when the disk is full; what would come after that
        // would be committed at once, each write alone.
        if self.tx.is_autocommit() {
            let ended = || StoreError::Io("the transaction has ended".to_owned());
            return Err(self.failed.clone().unwrap_or_else(ended));
        }
        Ok(Rows {
            conn: &self.tx,
            fresh_words: Some(&self.fresh_words),
        })
    }

    fn write<T>(
        &mut self,
        change: impl FnOnce(&Rows<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let done = self.rows().and_then(|rows| change(&rows));
        if let Err(error) = &done {
            self.failed = Some(error.clone());
        }
        done
    }
}

impl StoreRead for SqliteTx<'_> {
    forward_reads!(self => &self.rows()?);
}

impl StoreTx for SqliteTx<'_> {
    fn clear(&mut self) -> Result<(), StoreError> {
        self.write(|rows| rows.clear())
    }

    fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.write(|rows| rows.put_meta(key, value))
    }

    fn remove_meta(&mut self, key: &str) -> Result<(), StoreError> {
        self.write(|rows| rows.remove_meta(key))
    }

    fn append(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
    ) -> Result<Arrival, StoreError> {
        self.write(|rows| rows.append(batch, origin, false))
    }

    fn append_branch(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
    ) -> Result<Arrival, StoreError> {
        self.write(|rows| rows.append(batch, origin, true))
    }

    fn demote(&mut self, log: &LogId, seq: Seq) -> Result<(), StoreError> {
        self.write(|rows| rows.demote(log, seq))
    }

    fn promote(&mut self, arrival: Arrival) -> Result<(), StoreError> {
        self.write(|rows| rows.promote(arrival))
    }

    fn reduce(&mut self, arrival: Arrival, batch: &VerifiedBatch) -> Result<(), StoreError> {
        self.write(|rows| rows.reduce(arrival, batch))
    }

    fn put_pending(&mut self, row: &PendingRow) -> Result<(), StoreError> {
        self.write(|rows| rows.put_pending(row))
    }

    fn remove_pending(&mut self, lane: &LaneId, upto: Seq) -> Result<(), StoreError> {
        self.write(|rows| rows.remove_pending(lane, upto))
    }

    fn put_doc(&mut self, row: &DocRow) -> Result<(), StoreError> {
        self.write(|rows| rows.put_doc(row))
    }

    fn append_tail(&mut self, record: &RecordId, tail: &TailRow) -> Result<(), StoreError> {
        self.write(|rows| rows.append_tail(record, tail))
    }

    fn remove_record(&mut self, record: &RecordId) -> Result<(), StoreError> {
        self.write(|rows| rows.remove_record(record))
    }

    fn put_row(&mut self, row: &ViewRow, index: &RowIndex) -> Result<(), StoreError> {
        self.write(|rows| rows.put_row(row, index))
    }

    fn clear_records(&mut self) -> Result<(), StoreError> {
        self.write(|rows| rows.clear_records())
    }

    fn put_held(&mut self, row: &HeldRow) -> Result<(), StoreError> {
        self.write(|rows| rows.put_held(row))
    }

    fn remove_held(&mut self, entry: &EntryRef) -> Result<(), StoreError> {
        self.write(|rows| rows.remove_held(entry))
    }

    fn put_waiting(&mut self, epoch: &EpochId, entry: &EntryRef) -> Result<(), StoreError> {
        self.write(|rows| rows.put_waiting(epoch, entry))
    }

    fn remove_waiting(&mut self, epoch: &EpochId) -> Result<(), StoreError> {
        self.write(|rows| rows.remove_waiting(epoch))
    }

    fn put_cursor(&mut self, store: &StoreId, lane: &LaneId, upto: u64) -> Result<(), StoreError> {
        let key = [store.as_bytes().as_slice(), lane.as_bytes()].concat();
        self.write(|rows| rows.put_mark(&key, upto))
    }

    fn put_uploaded(&mut self, store: &StoreId, upto: Arrival) -> Result<(), StoreError> {
        self.write(|rows| rows.put_mark(store.as_bytes(), upto.0))
    }

    fn put_position(
        &mut self,
        store: &StoreId,
        arrival: Arrival,
        position: u64,
    ) -> Result<(), StoreError> {
        self.write(|rows| rows.put_position(store, arrival, position))
    }

    fn forget_positions(&mut self, store: &StoreId) -> Result<(), StoreError> {
        self.write(|rows| rows.forget_positions(store))
    }

    fn put_receipt(&mut self, kept: &KeptReceipt) -> Result<(), StoreError> {
        self.write(|rows| rows.put_receipt(kept))
    }

    fn remove_receipt(&mut self, store: &StoreId, device: &DeviceId) -> Result<(), StoreError> {
        self.write(|rows| rows.remove_receipt(store, device))
    }

    fn put_blob(&mut self, row: &BlobRow) -> Result<(), StoreError> {
        self.write(|rows| rows.put_blob(row))
    }

    fn put_blob_part(&mut self, id: &BlobId, part: u32, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(|rows| rows.put_blob_part(id, part, bytes))
    }

    fn remove_blob_parts(&mut self, id: &BlobId) -> Result<(), StoreError> {
        self.write(|rows| rows.remove_blob_parts(id))
    }

    fn remove_blob(&mut self, id: &BlobId) -> Result<(), StoreError> {
        self.write(|rows| rows.remove_blob(id))
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.write(|rows| rows.write_words())?;
        Ok(self.tx.commit()?)
    }
}
