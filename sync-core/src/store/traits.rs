//! The contract of a replica's store, and the rows that it keeps.
//!
//! One writer; one transaction per input; a transaction that is dropped has not happened. Batches are
//! the truth. Documents and rows are a cache of it, written in the same transaction, and can be made
//! again from the batches.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::entry::place::Link;
use crate::entry::{EntryKind, VerifiedBatch};
use crate::id::{
    Arrival, BlobId, ChainHash, DeviceId, EpochId, Head, LaneId, LogId, Millis, RecordId, Seq,
    StoreId,
};
use crate::receipt::VerifiedReceipt;
use crate::session::carrier::{BatchRef, Carried, Lost};
use crate::store::{BlobRow, LinkTarget, RowFilter, RowIndex, RowLink, StoreError};
use crate::wire::Totals;

/// An entry's place: which log, which position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryRef {
    /// The log.
    pub log: LogId,
    /// The position.
    pub seq: Seq,
}

/// An edit of ours that is durable and not sealed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRow {
    /// Lane that it will be sealed into.
    pub lane: LaneId,
    /// Position that it will have in our log.
    pub seq: Seq,
    /// What the bytes are.
    pub kind: EntryKind,
    /// The record that it belongs to; none in the roster.
    pub record: Option<RecordId>,
    /// The plain bytes, not compressed.
    pub bytes: Vec<u8>,
}

/// A document as it is kept: a compact save, and what came after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocRow {
    /// The record.
    pub record: RecordId,
    /// Its kind, by name.
    pub kind: String,
    /// The space that it lives in.
    pub space: LaneId,
    /// `save()` of the document.
    pub base: Vec<u8>,
    /// Entries that `base` was made of, packed by the merge.
    pub refs: Vec<u8>,
    /// Some entry of the record is held or waits, so that each further one is judged with all others.
    pub is_troubled: bool,
}

/// What came to a document after its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailRow {
    /// Raw changes, one after the other.
    pub chunk: Vec<u8>,
    /// Entries that they came in, packed by the merge.
    pub refs: Vec<u8>,
}

/// One record as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRow {
    /// The record.
    pub record: RecordId,
    /// Its kind, by name.
    pub kind: String,
    /// The space that it lives in.
    pub space: LaneId,
    /// The state that the record is in; none if its kind has none, or none that this version knows.
    pub state: Option<String>,
    /// The day when it is due, `YYYY-MM-DD`; none once its work is over.
    pub due: Option<String>,
    /// The day that it is about, `YYYY-MM-DD`.
    pub day: Option<String>,
    /// Value of the kind's title field.
    pub title: String,
    /// All fields as one JSON object, in the schema's order.
    pub fields: String,
    /// Who began it.
    pub created_by: DeviceId,
    /// When, by their clock.
    pub created_at: Millis,
    /// Whose change is the latest.
    pub updated_by: DeviceId,
    /// When, by their clock.
    pub updated_at: Millis,
    /// How many fields have several values at once.
    pub conflicts: u32,
}

/// An entry that is kept and not merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    /// Which entry.
    pub entry: EntryRef,
    /// The record that it is for, if it could be opened.
    pub record: Option<RecordId>,
    /// Why, as [`HoldCode`].
    pub reason: HoldCode,
}

/// A receipt as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReceipt {
    /// The receipt.
    pub receipt: VerifiedReceipt,
    /// The lanes that it is about, ascending; empty if they were not known when it came.
    pub lanes: Vec<LaneId>,
}

/// A reason for holding, as a stable number; the words are where the reasons are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldCode(pub u16);

/// How many records of one kind lie in one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindCount {
    /// The space.
    pub space: LaneId,
    /// The kind.
    pub kind: String,
    /// How many records.
    pub records: u64,
    /// How many of them have a conflict.
    pub in_conflict: u64,
}

/// How many records of one kind lie in one space in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateCount {
    /// The space.
    pub space: LaneId,
    /// The kind.
    pub kind: String,
    /// The state; none for kinds without states.
    pub state: Option<String>,
    /// How many records.
    pub records: u64,
    /// How many of them have a conflict.
    pub in_conflict: u64,
}

/// Reading. Every method fails only as the disk does, or where bytes are not what was written.
#[expect(clippy::missing_errors_doc, reason = "said once for all, above")]
pub trait StoreRead {
    /// A named value of the replica itself: ids, keys, settings.
    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Head of a log's branch that counts; [`Head::EMPTY`] for an unknown log.
    fn head(&self, log: &LogId) -> Result<Head, StoreError>;
    /// Heads of a lane's logs, sorted by log.
    fn heads(&self, lane: &LaneId) -> Result<Vec<(LogId, Head)>, StoreError>;
    /// Every log of every lane, sorted.
    fn logs(&self) -> Result<Vec<LogId>, StoreError>;
    /// The batch of the branch that counts that begins at `seq`: its hashes.
    fn link_at(&self, log: &LogId, seq: Seq) -> Result<Option<Link>, StoreError>;
    /// Last entry of that branch's batch with this chain hash.
    fn ending_with(&self, log: &LogId, chain: &ChainHash) -> Result<Option<Seq>, StoreError>;
    /// Whether a losing branch has a batch with this chain hash.
    fn has_branch(&self, log: &LogId, chain: &ChainHash) -> Result<bool, StoreError>;
    /// A log's batch with this chain hash, on whichever branch.
    fn carrying(&self, log: &LogId, chain: &ChainHash) -> Result<Option<Carried>, StoreError>;
    /// Batches of losing branches, by arrival.
    fn lost(&self) -> Result<Vec<Lost>, StoreError>;
    /// The batch of the branch that counts that holds this entry.
    fn batch_with(&self, entry: &EntryRef) -> Result<Option<Arc<VerifiedBatch>>, StoreError>;
    /// One batch by its arrival.
    fn batch(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError>;
    /// Batches of a lane that arrived in `after+1..=upto`, in order, until their tails reach
    /// `bytes_max`; at least one if there is any. Losing branches too.
    fn stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError>;
    /// The same over all lanes, without upper end.
    fn since(&self, after: Arrival, bytes_max: usize) -> Result<Vec<Carried>, StoreError>;
    /// A log's batches (branch that counts) that end at or after `from`, in order, at most `limit`.
    fn missing(&self, log: &LogId, from: Seq, limit: usize) -> Result<Vec<BatchRef>, StoreError>;
    /// Batches, entries and tail bytes of a lane that arrived in `after+1..=upto`. A batch that has lost
    /// contents since may count with the bytes that it came with.
    fn totals(&self, lane: &LaneId, after: Arrival, upto: Arrival) -> Result<Totals, StoreError>;
    /// Newest arrival of a lane; 0 if it is empty.
    fn tip(&self, lane: &LaneId) -> Result<Arrival, StoreError>;
    /// Newest arrival of all.
    fn last_arrival(&self) -> Result<Arrival, StoreError>;
    /// Logs with a batch that arrived after `after` from elsewhere than `origin`.
    fn logs_since(&self, after: Arrival, origin: &StoreId) -> Result<Vec<LogId>, StoreError>;

    /// Edits not sealed yet, in order of lane and position.
    fn pending(&self) -> Result<Vec<PendingRow>, StoreError>;
    /// Position of the last edit of a lane that is not sealed yet.
    fn last_pending(&self, lane: &LaneId) -> Result<Option<Seq>, StoreError>;

    /// A document without its tails.
    fn doc(&self, record: &RecordId) -> Result<Option<DocRow>, StoreError>;
    /// A document's tails, oldest first.
    fn tails(&self, record: &RecordId) -> Result<Vec<TailRow>, StoreError>;
    /// All records with a document, sorted.
    fn records(&self) -> Result<Vec<RecordId>, StoreError>;

    /// One row of the view.
    fn row(&self, record: &RecordId) -> Result<Option<ViewRow>, StoreError>;
    /// Rows of the view, as the filter says.
    fn rows(&self, filter: &RowFilter) -> Result<Vec<ViewRow>, StoreError>;
    /// How many rows fit, whatever part of them the filter asks for: its order, `after`, `limit` and
    /// `offset` do not count.
    fn count_rows(&self, filter: &RowFilter) -> Result<u64, StoreError>;
    /// Rows per space and kind.
    fn counts(&self) -> Result<Vec<KindCount>, StoreError>;
    /// Rows per space, kind and state.
    fn state_counts(&self) -> Result<Vec<StateCount>, StoreError>;
    /// Which fields of which records lead here, by record and field.
    fn links_to(&self, target: &LinkTarget) -> Result<Vec<(RecordId, String)>, StoreError>;
    /// Where the fields of a record lead.
    fn links_of(&self, record: &RecordId) -> Result<BTreeSet<RowLink>, StoreError>;
    /// Records whose id begins with these letters of its text form, at most `limit`.
    fn records_like(&self, prefix: &str, limit: usize) -> Result<Vec<RecordId>, StoreError>;

    /// Held entries, sorted by entry.
    fn held(&self) -> Result<Vec<HeldRow>, StoreError>;
    /// Held entries of one record.
    fn held_of(&self, record: &RecordId) -> Result<Vec<HeldRow>, StoreError>;
    /// How many entries are held.
    fn held_count(&self) -> Result<u64, StoreError>;
    /// Entries that wait for the key of an epoch, sorted.
    fn waiting_for(&self, epoch: &EpochId) -> Result<Vec<EntryRef>, StoreError>;
    /// Epochs that entries wait for, with how many wait.
    fn waited_for(&self) -> Result<Vec<(EpochId, u64)>, StoreError>;

    /// Up to which position of a relay's store we have a lane; 0 if never pulled.
    fn cursor(&self, store: &StoreId, lane: &LaneId) -> Result<u64, StoreError>;
    /// Up to which of our own arrivals a relay's store has everything.
    fn uploaded(&self, store: &StoreId) -> Result<Arrival, StoreError>;
    /// At which position of a relay's store one of our batches lies, or beyond which it does not; none
    /// if it is not known to be there.
    fn position(&self, store: &StoreId, arrival: Arrival) -> Result<Option<u64>, StoreError>;
    /// The receipt of each device for each relay's store, sorted by store, then by device.
    fn receipts(&self) -> Result<Vec<KeptReceipt>, StoreError>;

    /// Blobs that records here name, sorted by id.
    fn blobs(&self) -> Result<Vec<BlobRow>, StoreError>;
    /// One of them.
    fn blob(&self, id: &BlobId) -> Result<Option<BlobRow>, StoreError>;
    /// A part of a blob as it was put: the list of its chunks is part 0, chunk n is part n + 1.
    fn blob_part(&self, id: &BlobId, part: u32) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Writing, inside one transaction; nothing has happened until [`StoreTx::commit`].
#[expect(clippy::missing_errors_doc, reason = "said once for all, at StoreRead")]
pub trait StoreTx: StoreRead {
    /// Removes everything: the store is as new, and its arrivals begin again.
    fn clear(&mut self) -> Result<(), StoreError>;
    /// Sets a named value.
    fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<(), StoreError>;
    /// Removes a named value.
    fn remove_meta(&mut self, key: &str) -> Result<(), StoreError>;

    /// Appends the next batch of a log; `origin` is the relay's store that it came from, if one.
    /// The caller has placed it: it follows the head.
    fn append(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
    ) -> Result<Arrival, StoreError>;
    /// Keeps a batch of a losing branch.
    fn append_branch(
        &mut self,
        batch: &VerifiedBatch,
        origin: Option<&StoreId>,
    ) -> Result<Arrival, StoreError>;
    /// Turns the batches of a log from `seq` on into a losing branch; the log ends before `seq`.
    /// Arrivals stay as they are.
    fn demote(&mut self, log: &LogId, seq: Seq) -> Result<(), StoreError>;

    /// Lets a batch of a losing branch follow the end of its log; it is the end then.
    fn promote(&mut self, arrival: Arrival) -> Result<(), StoreError>;
    /// Puts the same batch with fewer contents ([`VerifiedBatch::without`]) in the place of one that is
    /// there.
    fn reduce(&mut self, arrival: Arrival, batch: &VerifiedBatch) -> Result<(), StoreError>;

    /// Adds an edit to be sealed.
    fn put_pending(&mut self, row: &PendingRow) -> Result<(), StoreError>;
    /// Removes a lane's edits up to a position: they have been sealed.
    fn remove_pending(&mut self, lane: &LaneId, upto: Seq) -> Result<(), StoreError>;

    /// Writes a document and drops its tails.
    fn put_doc(&mut self, row: &DocRow) -> Result<(), StoreError>;
    /// Adds a tail to a document.
    fn append_tail(&mut self, record: &RecordId, tail: &TailRow) -> Result<(), StoreError>;
    /// Removes a document, its tails and its row with all that it is found by.
    fn remove_record(&mut self, record: &RecordId) -> Result<(), StoreError>;
    /// Writes a row of the view and what it is found by.
    fn put_row(&mut self, row: &ViewRow, index: &RowIndex) -> Result<(), StoreError>;
    /// Removes all documents, tails and rows, to make them again.
    fn clear_records(&mut self) -> Result<(), StoreError>;

    /// Notes that an entry is held; replaces an earlier reason.
    fn put_held(&mut self, row: &HeldRow) -> Result<(), StoreError>;
    /// Forgets that an entry is held.
    fn remove_held(&mut self, entry: &EntryRef) -> Result<(), StoreError>;
    /// Notes that an entry waits for a key.
    fn put_waiting(&mut self, epoch: &EpochId, entry: &EntryRef) -> Result<(), StoreError>;
    /// Forgets what waits for a key.
    fn remove_waiting(&mut self, epoch: &EpochId) -> Result<(), StoreError>;

    /// Notes up to which position of a relay's store we have a lane.
    fn put_cursor(&mut self, store: &StoreId, lane: &LaneId, upto: u64) -> Result<(), StoreError>;
    /// Notes up to which of our arrivals a relay's store has everything.
    fn put_uploaded(&mut self, store: &StoreId, upto: Arrival) -> Result<(), StoreError>;
    /// Notes at which position of a relay's store one of our batches lies.
    fn put_position(
        &mut self,
        store: &StoreId,
        arrival: Arrival,
        position: u64,
    ) -> Result<(), StoreError>;
    /// Forgets which of our batches a relay's store has, and where.
    fn forget_positions(&mut self, store: &StoreId) -> Result<(), StoreError>;
    /// Keeps a receipt in the place of the one that its device had given for this store.
    fn put_receipt(&mut self, kept: &KeptReceipt) -> Result<(), StoreError>;
    /// Forgets a device's receipt for a relay's store.
    fn remove_receipt(&mut self, store: &StoreId, device: &DeviceId) -> Result<(), StoreError>;

    /// Notes a blob, in the place of what was noted of it; its parts stay.
    fn put_blob(&mut self, row: &BlobRow) -> Result<(), StoreError>;
    /// Keeps a part of a blob, in the place of one that is there.
    fn put_blob_part(&mut self, id: &BlobId, part: u32, bytes: &[u8]) -> Result<(), StoreError>;
    /// Drops the parts of a blob; what is noted of it stays.
    fn remove_blob_parts(&mut self, id: &BlobId) -> Result<(), StoreError>;
    /// Drops a blob, its parts and what is noted of it.
    fn remove_blob(&mut self, id: &BlobId) -> Result<(), StoreError>;

    /// Makes everything durable (on phones: fsynced), or changes nothing.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// A replica's store.
pub trait Store: StoreRead + Any + Send + fmt::Debug {
    /// Begins the one transaction that may write; dropping it undoes everything.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if another program holds the store; otherwise as reading.
    fn begin(&mut self) -> Result<Box<dyn StoreTx + '_>, StoreError>;

    /// Whether another program has written since this was last asked.
    ///
    /// # Errors
    /// As reading.
    fn changed_elsewhere(&mut self) -> Result<bool, StoreError>;

    /// Takes what was removed out of the file too, so that it cannot be read there any more. What
    /// lay under the file, in a drive's spare blocks, is the drive's.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if another program holds the store; otherwise as writing. It may be
    /// done again at any time.
    fn scrub(&mut self) -> Result<(), StoreError>;

    /// Reads everything once and checks how it is laid out, which takes as long as that takes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first damage; otherwise as reading.
    fn check(&self) -> Result<(), StoreError>;
}
