//! A store in memory: for tests, for the simulated world, and for replicas that keep nothing.

mod data;

use std::collections::BTreeMap;
use std::mem;

use crate::id::DeviceId;
use crate::store::forward::forward_reads;
use crate::store::forward::names::*;
use crate::store::{Store, StoreTx};

use data::{Data, Kept, Shown};

/// A store in memory. A clone shares nothing with it: yesterday's backup.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    data: Data,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl StoreRead for MemoryStore {
    forward_reads!(self => &self.data);
}

impl Store for MemoryStore {
    /// Memory has no layout that could be damaged.
    fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn scrub(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn begin(&mut self) -> Result<Box<dyn StoreTx + '_>, StoreError> {
        Ok(Box::new(MemoryTx {
            data: &mut self.data,
            undo: Vec::new(),
        }))
    }

    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        Ok(false)
    }
}

type Undo = Box<dyn FnOnce(&mut Data)>;

/// Writes go straight into the data; what they replaced is kept until the commit.
struct MemoryTx<'a> {
    data: &'a mut Data,
    undo: Vec<Undo>,
}

impl Drop for MemoryTx<'_> {
    fn drop(&mut self) {
        for undo in self.undo.drain(..).rev() {
            undo(self.data);
        }
    }
}

impl MemoryTx<'_> {
    /// Sets or removes one value and notes how to undo that; returns what was there.
    fn set<K, V>(
        &mut self,
        map: fn(&mut Data) -> &mut BTreeMap<K, V>,
        key: K,
        value: Option<V>,
    ) -> Option<V>
    where
        K: Ord + Clone + 'static,
        V: Clone + 'static,
    {
        let change = move |data: &mut Data, key: K, value: Option<V>| match value {
            Some(value) => map(data).insert(key, value),
            None => map(data).remove(&key),
        };
        let before = change(self.data, key.clone(), value);
        let kept = before.clone();
        self.undo.push(Box::new(move |data| {
            change(data, key, before);
        }));
        kept
    }

    /// Removes all values of a map at once.
    fn clear<K: 'static, V: 'static>(&mut self, map: fn(&mut Data) -> &mut BTreeMap<K, V>) {
        let before = mem::take(map(self.data));
        self.undo.push(Box::new(move |data| *map(data) = before));
    }

    fn keep(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
        is_branch: bool,
    ) -> Result<Arrival, StoreError> {
        let arrival = Arrival(self.data.last_arrival()?.0 + 1);
        let log = *batch.log();
        let kept = Kept {
            batch: Arc::new(batch.clone()),
            is_branch,
            origin: origin.copied(),
        };
        self.set(|data| &mut data.batches, arrival, Some(kept));
        self.set(
            |data| &mut data.chains,
            (log, batch.head().chain),
            Some(arrival),
        );
        self.set(|data| &mut data.lanes, (log.lane, arrival), Some(()));
        Ok(arrival)
    }

    fn remove_tails(&mut self, record: &RecordId) {
        let tails: Vec<_> = self.data.tails_of(record).map(|(key, _)| *key).collect();
        for key in tails {
            self.set(|data| &mut data.tails, key, None);
        }
    }

    fn unhold(&mut self, entry: &EntryRef) {
        if let Some(HeldRow {
            record: Some(record),
            ..
        }) = self.set(|data| &mut data.held, *entry, None)
        {
            self.set(|data| &mut data.held_of, (record, *entry), None);
        }
    }
}

impl StoreRead for MemoryTx<'_> {
    forward_reads!(self => &*self.data);
}

impl StoreTx for MemoryTx<'_> {
    fn clear(&mut self) -> Result<(), StoreError> {
        let before = mem::take(self.data);
        self.undo.push(Box::new(move |data| *data = before));
        Ok(())
    }

    fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.set(|data| &mut data.meta, key.to_owned(), Some(value.to_vec()));
        Ok(())
    }

    fn remove_meta(&mut self, key: &str) -> Result<(), StoreError> {
        self.set(|data| &mut data.meta, key.to_owned(), None);
        Ok(())
    }

    fn append(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
    ) -> Result<Arrival, StoreError> {
        let head = self.data.head(batch.log())?;
        let is_next = head.next() == batch.place().first_seq && head.chain == *batch.prev();
        if !is_next || self.data.has_chain(batch) {
            return Err(StoreError::out_of_place());
        }
        let arrival = self.keep(batch, origin, false)?;
        let key = (*batch.log(), batch.place().first_seq);
        self.set(|data| &mut data.main, key, Some(arrival));
        self.set(|data| &mut data.heads, *batch.log(), Some(batch.head()));
        Ok(arrival)
    }

    fn append_branch(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
    ) -> Result<Arrival, StoreError> {
        if self.data.has_chain(batch) {
            return Err(StoreError::out_of_place());
        }
        let head = self.data.head(batch.log())?;
        self.set(|data| &mut data.heads, *batch.log(), Some(head));
        self.keep(batch, origin, true)
    }

    fn demote(&mut self, log: &LogId, seq: Seq) -> Result<(), StoreError> {
        let losing: Vec<_> = self
            .data
            .main_from(log, seq)
            .map(|(first, arrival, _)| (first, arrival))
            .collect();
        let Some((first, _)) = losing.first().copied() else {
            return Ok(());
        };
        for (first, arrival) in losing {
            self.set(|data| &mut data.main, (*log, first), None);
            if let Some(kept) = self.data.batches.get(&arrival).cloned() {
                let branch = Kept {
                    is_branch: true,
                    ..kept
                };
                self.set(|data| &mut data.batches, arrival, Some(branch));
            }
        }
        let before = self.data.main_with(log, Seq(first.0.saturating_sub(1)));
        let head = before.map_or(Head::EMPTY, |kept| kept.batch.head());
        self.set(|data| &mut data.heads, *log, Some(head));
        Ok(())
    }

    fn promote(&mut self, arrival: Arrival) -> Result<(), StoreError> {
        let kept = self.data.batches.get(&arrival).cloned();
        let kept = kept.filter(|kept| kept.is_branch);
        let kept = kept.ok_or_else(StoreError::out_of_place)?;
        let log = *kept.batch.log();
        let head = self.data.head(&log)?;
        let first = kept.batch.place().first_seq;
        if head.next() != first || head.chain != *kept.batch.prev() {
            return Err(StoreError::out_of_place());
        }
        let now = kept.batch.head();
        let main = Kept {
            is_branch: false,
            ..kept
        };
        self.set(|data| &mut data.batches, arrival, Some(main));
        self.set(|data| &mut data.main, (log, first), Some(arrival));
        self.set(|data| &mut data.heads, log, Some(now));
        Ok(())
    }

    fn reduce(&mut self, arrival: Arrival, batch: &VerifiedBatch) -> Result<(), StoreError> {
        let kept = self.data.batches.get(&arrival).cloned();
        let is_same =
            |kept: &Kept| (kept.batch.log(), kept.batch.head()) == (batch.log(), batch.head());
        let kept = kept.filter(is_same).ok_or_else(StoreError::out_of_place)?;
        let batch = Arc::new(batch.clone());
        let reduced = Kept { batch, ..kept };
        self.set(|data| &mut data.batches, arrival, Some(reduced));
        Ok(())
    }

    fn put_pending(&mut self, row: &PendingRow) -> Result<(), StoreError> {
        self.set(
            |data| &mut data.pending,
            (row.lane, row.seq),
            Some(row.clone()),
        );
        Ok(())
    }

    fn remove_pending(&mut self, lane: &LaneId, upto: Seq) -> Result<(), StoreError> {
        let sealed: Vec<_> = self
            .data
            .pending
            .range((*lane, Seq(0))..=(*lane, upto))
            .map(|(key, _)| *key)
            .collect();
        for key in sealed {
            self.set(|data| &mut data.pending, key, None);
        }
        Ok(())
    }

    fn put_doc(&mut self, row: &DocRow) -> Result<(), StoreError> {
        self.remove_tails(&row.record);
        self.set(
            |data| &mut data.docs,
            row.record,
            Some(Arc::new(row.clone())),
        );
        Ok(())
    }

    fn append_tail(&mut self, record: &RecordId, tail: &TailRow) -> Result<(), StoreError> {
        let number = self
            .data
            .tails_of(record)
            .next_back()
            .map_or(1, |((_, last), _)| last + 1);
        self.set(
            |data| &mut data.tails,
            (*record, number),
            Some(Arc::new(tail.clone())),
        );
        Ok(())
    }

    fn remove_record(&mut self, record: &RecordId) -> Result<(), StoreError> {
        self.remove_tails(record);
        self.set(|data| &mut data.rows, *record, None);
        self.set(|data| &mut data.docs, *record, None);
        Ok(())
    }

    fn put_row(&mut self, row: &ViewRow, index: &RowIndex) -> Result<(), StoreError> {
        let shown = Shown {
            row: row.clone(),
            index: index.clone(),
        };
        self.set(|data| &mut data.rows, row.record, Some(Arc::new(shown)));
        Ok(())
    }

    fn clear_records(&mut self) -> Result<(), StoreError> {
        self.clear(|data| &mut data.docs);
        self.clear(|data| &mut data.tails);
        self.clear(|data| &mut data.rows);
        Ok(())
    }

    fn put_held(&mut self, row: &HeldRow) -> Result<(), StoreError> {
        self.unhold(&row.entry);
        if let Some(record) = row.record {
            self.set(|data| &mut data.held_of, (record, row.entry), Some(()));
        }
        self.set(|data| &mut data.held, row.entry, Some(row.clone()));
        Ok(())
    }

    fn remove_held(&mut self, entry: &EntryRef) -> Result<(), StoreError> {
        self.unhold(entry);
        Ok(())
    }

    fn put_waiting(&mut self, epoch: &EpochId, entry: &EntryRef) -> Result<(), StoreError> {
        self.set(|data| &mut data.waiting, (*epoch, *entry), Some(()));
        Ok(())
    }

    fn remove_waiting(&mut self, epoch: &EpochId) -> Result<(), StoreError> {
        for entry in self.data.waiting_for(epoch)? {
            self.set(|data| &mut data.waiting, (*epoch, entry), None);
        }
        Ok(())
    }

    fn put_cursor(&mut self, store: &StoreId, lane: &LaneId, upto: u64) -> Result<(), StoreError> {
        self.set(|data| &mut data.cursors, (*store, *lane), Some(upto));
        Ok(())
    }

    fn put_uploaded(&mut self, store: &StoreId, upto: Arrival) -> Result<(), StoreError> {
        self.set(|data| &mut data.uploaded, *store, Some(upto));
        Ok(())
    }

    fn put_position(
        &mut self,
        store: &StoreId,
        arrival: Arrival,
        position: u64,
    ) -> Result<(), StoreError> {
        self.set(
            |data| &mut data.positions,
            (*store, arrival),
            Some(position),
        );
        Ok(())
    }

    fn forget_positions(&mut self, store: &StoreId) -> Result<(), StoreError> {
        let all = (*store, Arrival(0))..=(*store, Arrival(u64::MAX));
        let known: Vec<_> = self
            .data
            .positions
            .range(all)
            .map(|(key, _)| *key)
            .collect();
        for key in known {
            self.set(|data| &mut data.positions, key, None);
        }
        Ok(())
    }

    fn put_receipt(&mut self, kept: &KeptReceipt) -> Result<(), StoreError> {
        let key = (kept.receipt.reading().store, *kept.receipt.device());
        self.set(|data| &mut data.receipts, key, Some(kept.clone()));
        Ok(())
    }

    fn remove_receipt(&mut self, store: &StoreId, device: &DeviceId) -> Result<(), StoreError> {
        self.set(|data| &mut data.receipts, (*store, *device), None);
        Ok(())
    }

    fn put_blob(&mut self, row: &BlobRow) -> Result<(), StoreError> {
        self.set(|data| &mut data.blobs, row.id, Some(row.clone()));
        Ok(())
    }

    fn put_blob_part(&mut self, id: &BlobId, part: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let bytes: Arc<[u8]> = bytes.into();
        self.set(|data| &mut data.blob_parts, (*id, part), Some(bytes));
        Ok(())
    }

    fn remove_blob_parts(&mut self, id: &BlobId) -> Result<(), StoreError> {
        let parts = self.data.blob_parts.range((*id, 0)..=(*id, u32::MAX));
        for key in parts.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.set(|data| &mut data.blob_parts, key, None);
        }
        Ok(())
    }

    fn remove_blob(&mut self, id: &BlobId) -> Result<(), StoreError> {
        self.remove_blob_parts(id)?;
        self.set(|data| &mut data.blobs, *id, None);
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        self.undo.clear();
        Ok(())
    }
}
