//! A store that fails where a test wants it to: at any write, as a full disk, an error or a kill.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::id::DeviceId;
use crate::store::forward::forward_reads;
use crate::store::forward::names::*;
use crate::store::{Store, StoreTx};

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// [`StoreError::Full`]; the transaction is lost, the store goes on.
    Full,
    /// [`StoreError::Io`]; the transaction is lost, the store goes on.
    Io,
    /// The program dies before the write: nothing after it works until [`FaultHandle::revive`].
    KillBefore,
    /// The program dies after the write. At a commit: it is durable, and nobody was told.
    KillAfterCommit,
}

/// A store that counts its writes (commits too) and fails at one of them.
pub struct FaultStore<S: Store> {
    /// Some until it is dropped.
    inner: Option<S>,
    shared: Arc<Mutex<Shared<S>>>,
}

/// Steers a [`FaultStore`] from outside, also while something else owns it.
pub struct FaultHandle<S> {
    shared: Arc<Mutex<Shared<S>>>,
}

struct Shared<S> {
    writes: u64,
    plan: Option<(u64, FaultKind)>,
    is_killed: bool,
    left: Option<S>,
}

enum Verdict {
    Go,
    Fail(StoreError),
    DieAfter,
}

impl<S: Store> FaultStore<S> {
    /// Wraps a store; without a plan it changes nothing.
    #[must_use]
    pub fn new(inner: S) -> Self {
        let shared = Shared {
            writes: 0,
            plan: None,
            is_killed: false,
            left: None,
        };
        Self {
            inner: Some(inner),
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// A handle that stays when the store is given away.
    #[must_use]
    pub fn handle(&self) -> FaultHandle<S> {
        FaultHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    fn alive(&self) -> Result<&S, StoreError> {
        self.shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .refuse_if_killed()?;
        self.inner.as_ref().ok_or_else(killed)
    }
}

impl<S> FaultHandle<S> {
    fn shared(&self) -> MutexGuard<'_, Shared<S>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails the `number`-th write from here; 1 is the next one. Counting begins anew.
    pub fn fail_at(&self, number: u64, kind: FaultKind) {
        let mut shared = self.shared();
        shared.writes = 0;
        shared.plan = Some((number, kind));
    }

    /// Writes and commits that were tried since the store was made or [`Self::fail_at`] was called.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.shared().writes
    }

    /// Whether a kill has happened and nothing works.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.shared().is_killed
    }

    /// Lets everything work again, without a plan.
    pub fn revive(&self) {
        let mut shared = self.shared();
        shared.plan = None;
        shared.is_killed = false;
    }

    /// The store inside, once the [`FaultStore`] was dropped: the disk that a dead program leaves.
    #[must_use]
    pub fn take_store(&self) -> Option<S> {
        self.shared().left.take()
    }
}

impl<S> Clone for FaultHandle<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S> fmt::Debug for FaultHandle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.shared();
        f.debug_struct("FaultHandle")
            .field("writes", &shared.writes)
            .field("plan", &shared.plan)
            .field("is_killed", &shared.is_killed)
            .finish_non_exhaustive()
    }
}

impl<S: Store> fmt::Debug for FaultStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore")
            .field("inner", &self.inner)
            .field("faults", &self.handle())
            .finish()
    }
}

impl<S: Store> Drop for FaultStore<S> {
    fn drop(&mut self) {
        self.shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .left = self.inner.take();
    }
}

fn killed() -> StoreError {
    StoreError::Io("the program was killed".to_owned())
}

impl<S> Shared<S> {
    fn refuse_if_killed(&self) -> Result<(), StoreError> {
        if self.is_killed {
            Err(killed())
        } else {
            Ok(())
        }
    }

    /// Counts one write and says what becomes of it.
    fn count(&mut self) -> Verdict {
        if self.is_killed {
            return Verdict::Fail(killed());
        }
        self.writes += 1;
        let Some((_, kind)) = self.plan.filter(|(number, _)| *number == self.writes) else {
            return Verdict::Go;
        };
        match kind {
            FaultKind::Full => Verdict::Fail(StoreError::Full),
            FaultKind::Io => Verdict::Fail(StoreError::Io("the disk does not answer".to_owned())),
            FaultKind::KillBefore => {
                self.is_killed = true;
                Verdict::Fail(killed())
            }
            FaultKind::KillAfterCommit => {
                self.is_killed = true;
                Verdict::DieAfter
            }
        }
    }
}

impl<S: Store> StoreRead for FaultStore<S> {
    forward_reads!(self => self.alive()?);
}

impl<S: Store> Store for FaultStore<S> {
    fn begin(&mut self) -> Result<Box<dyn StoreTx + '_>, StoreError> {
        self.alive()?;
        let inner = self.inner.as_mut().ok_or_else(killed)?.begin()?;
        Ok(Box::new(FaultTx {
            inner,
            shared: &self.shared,
            failed: None,
        }))
    }

    fn changed_elsewhere(&mut self) -> Result<bool, StoreError> {
        self.alive()?;
        self.inner.as_mut().ok_or_else(killed)?.changed_elsewhere()
    }

    fn scrub(&mut self) -> Result<(), StoreError> {
        self.alive()?;
        self.inner.as_mut().ok_or_else(killed)?.scrub()
    }

    fn check(&self) -> Result<(), StoreError> {
        self.alive()?.check()
    }
}

struct FaultTx<'a, S> {
    inner: Box<dyn StoreTx + 'a>,
    shared: &'a Mutex<Shared<S>>,
    /// A transaction in which a write failed is lost, as in a real store.
    failed: Option<StoreError>,
}

impl<S> FaultTx<'_, S> {
    fn alive(&self) -> Result<&dyn StoreTx, StoreError> {
        self.shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .refuse_if_killed()?;
        Ok(&*self.inner)
    }

    fn count(&mut self) -> Verdict {
        match &self.failed {
            Some(error) => Verdict::Fail(error.clone()),
            None => self
                .shared
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .count(),
        }
    }

    fn write<T>(
        &mut self,
        change: impl FnOnce(&mut dyn StoreTx) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = match self.count() {
            Verdict::Go => change(&mut *self.inner),
            Verdict::Fail(error) => Err(error),
            Verdict::DieAfter => change(&mut *self.inner).and_then(|_| Err(killed())),
        };
        if let Err(error) = &done {
            self.failed = Some(error.clone());
        }
        done
    }
}

impl<S> StoreRead for FaultTx<'_, S> {
    forward_reads!(self => self.alive()?);
}

impl<S> StoreTx for FaultTx<'_, S> {
    fn clear(&mut self) -> Result<(), StoreError> {
        self.write(|tx| tx.clear())
    }

    fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.write(|tx| tx.put_meta(key, value))
    }

    fn remove_meta(&mut self, key: &str) -> Result<(), StoreError> {
        self.write(|tx| tx.remove_meta(key))
    }

    fn append(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
    ) -> Result<Arrival, StoreError> {
        self.write(|tx| tx.append(batch, origin))
    }

    fn append_branch(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
    ) -> Result<Arrival, StoreError> {
        self.write(|tx| tx.append_branch(batch, origin))
    }

    fn demote(&mut self, log: &LogId, seq: Seq) -> Result<(), StoreError> {
        self.write(|tx| tx.demote(log, seq))
    }

    fn promote(&mut self, arrival: Arrival) -> Result<(), StoreError> {
        self.write(|tx| tx.promote(arrival))
    }

    fn reduce(&mut self, arrival: Arrival, batch: &VerifiedBatch) -> Result<(), StoreError> {
        self.write(|tx| tx.reduce(arrival, batch))
    }

    fn put_pending(&mut self, row: &PendingRow) -> Result<(), StoreError> {
        self.write(|tx| tx.put_pending(row))
    }

    fn remove_pending(&mut self, lane: &LaneId, upto: Seq) -> Result<(), StoreError> {
        self.write(|tx| tx.remove_pending(lane, upto))
    }

    fn put_doc(&mut self, row: &DocRow) -> Result<(), StoreError> {
        self.write(|tx| tx.put_doc(row))
    }

    fn append_tail(&mut self, record: &RecordId, tail: &TailRow) -> Result<(), StoreError> {
        self.write(|tx| tx.append_tail(record, tail))
    }

    fn remove_record(&mut self, record: &RecordId) -> Result<(), StoreError> {
        self.write(|tx| tx.remove_record(record))
    }

    fn put_row(&mut self, row: &ViewRow, index: &RowIndex) -> Result<(), StoreError> {
        self.write(|tx| tx.put_row(row, index))
    }

    fn clear_records(&mut self) -> Result<(), StoreError> {
        self.write(|tx| tx.clear_records())
    }

    fn put_held(&mut self, row: &HeldRow) -> Result<(), StoreError> {
        self.write(|tx| tx.put_held(row))
    }

    fn remove_held(&mut self, entry: &EntryRef) -> Result<(), StoreError> {
        self.write(|tx| tx.remove_held(entry))
    }

    fn put_waiting(&mut self, epoch: &EpochId, entry: &EntryRef) -> Result<(), StoreError> {
        self.write(|tx| tx.put_waiting(epoch, entry))
    }

    fn remove_waiting(&mut self, epoch: &EpochId) -> Result<(), StoreError> {
        self.write(|tx| tx.remove_waiting(epoch))
    }

    fn put_cursor(&mut self, store: &StoreId, lane: &LaneId, upto: u64) -> Result<(), StoreError> {
        self.write(|tx| tx.put_cursor(store, lane, upto))
    }

    fn put_uploaded(&mut self, store: &StoreId, upto: Arrival) -> Result<(), StoreError> {
        self.write(|tx| tx.put_uploaded(store, upto))
    }

    fn put_position(
        &mut self,
        store: &StoreId,
        arrival: Arrival,
        position: u64,
    ) -> Result<(), StoreError> {
        self.write(|tx| tx.put_position(store, arrival, position))
    }

    fn forget_positions(&mut self, store: &StoreId) -> Result<(), StoreError> {
        self.write(|tx| tx.forget_positions(store))
    }

    fn put_receipt(&mut self, kept: &KeptReceipt) -> Result<(), StoreError> {
        self.write(|tx| tx.put_receipt(kept))
    }

    fn remove_receipt(&mut self, store: &StoreId, device: &DeviceId) -> Result<(), StoreError> {
        self.write(|tx| tx.remove_receipt(store, device))
    }

    fn put_blob(&mut self, row: &BlobRow) -> Result<(), StoreError> {
        self.write(|tx| tx.put_blob(row))
    }

    fn put_blob_part(&mut self, id: &BlobId, part: u32, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(|tx| tx.put_blob_part(id, part, bytes))
    }

    fn remove_blob_parts(&mut self, id: &BlobId) -> Result<(), StoreError> {
        self.write(|tx| tx.remove_blob_parts(id))
    }

    fn remove_blob(&mut self, id: &BlobId) -> Result<(), StoreError> {
        self.write(|tx| tx.remove_blob(id))
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        match self.count() {
            Verdict::Go => self.inner.commit(),
            Verdict::Fail(error) => Err(error),
            Verdict::DieAfter => self.inner.commit().and_then(|()| Err(killed())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    fn put_two(store: &mut dyn Store) -> Result<(), StoreError> {
        let mut tx = store.begin()?;
        tx.put_meta("a", b"1")?;
        tx.put_meta("b", b"2")?;
        tx.commit()
    }

    /// What is in the store after a failure at a write: `a` and `b`.
    fn left_after(number: u64, kind: FaultKind) -> (bool, bool) {
        let mut store = FaultStore::new(MemoryStore::new());
        let handle = store.handle();
        handle.fail_at(number, kind);
        assert!(put_two(&mut store).is_err());
        let dies = matches!(kind, FaultKind::KillBefore | FaultKind::KillAfterCommit);
        assert_eq!(handle.is_killed(), dies);
        assert_eq!(store.meta("a").is_err(), dies);
        assert_eq!(store.begin().is_err(), dies);
        drop(store);
        let disk = handle.take_store().unwrap();
        (
            disk.meta("a").unwrap().is_some(),
            disk.meta("b").unwrap().is_some(),
        )
    }

    #[test]
    fn fails_at_every_write_without_leaving_half() {
        let mut store = FaultStore::new(MemoryStore::new());
        let handle = store.handle();
        put_two(&mut store).unwrap();
        assert_eq!(handle.writes(), 3);
        for number in 1..=3 {
            for kind in [FaultKind::Full, FaultKind::Io, FaultKind::KillBefore] {
                assert_eq!(
                    left_after(number, kind),
                    (false, false),
                    "{kind:?} at {number}"
                );
            }
            let is_commit = number == 3;
            let left = left_after(number, FaultKind::KillAfterCommit);
            assert_eq!(left, (is_commit, is_commit), "killed after {number}");
        }
    }

    #[test]
    fn failed_write_spoils_the_commit_even_if_nobody_looked() {
        let mut store = FaultStore::new(MemoryStore::new());
        let handle = store.handle();
        handle.fail_at(2, FaultKind::Full);
        let mut tx = store.begin().unwrap();
        tx.put_meta("a", b"1").unwrap();
        assert_eq!(tx.put_meta("b", b"2"), Err(StoreError::Full));
        assert_eq!(tx.commit(), Err(StoreError::Full));
        assert_eq!(store.meta("a").unwrap(), None);
    }

    #[test]
    fn revived_store_works_again() {
        let mut store = FaultStore::new(MemoryStore::new());
        let handle = store.handle();
        handle.fail_at(1, FaultKind::KillBefore);
        assert!(put_two(&mut store).is_err());
        handle.revive();
        put_two(&mut store).unwrap();
        assert_eq!(store.meta("b").unwrap().as_deref(), Some(b"2".as_slice()));
    }
}
