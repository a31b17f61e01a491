//! The log: every batch of every community, in the order in which this relay made it durable.
//!
//! Positions rise by one per community, over all its lanes, and are handed out inside the transaction
//! that stores the batch: what is visible at position n has everything before it visible too. That
//! is also what an implementation over PostgreSQL must keep: it takes the rows of the communities of a
//! group in the order of their ids `for update`, counts on from their heads (never from a sequence,
//! whose numbers commit out of order), and treats a warning on commit as no commit. With several
//! relays in front of one database another one may have moved a log; then [`BatchLog::append`] says
//! [`Appended::Stale`], and the caller reads the community again.

pub mod blobs;
pub mod conformance;
pub mod memory;
pub mod sqlite;

use std::collections::BTreeMap;

use sync_core::entry::VerifiedBatch;
use sync_core::entry::branches::Settlement;
use sync_core::entry::place::Link;
use sync_core::id::{Arrival, ChainHash, CommunityId, DeviceId, Head, LaneId, LogId, Seq, StoreId};
use sync_core::receipt::VerifiedReceipt;
use sync_core::session::carrier::{BatchRef, Carried, Lost};
use sync_core::store::StoreError;
use sync_core::wire::Totals;

use self::blobs::BlobLog;

/// Where one log of a community stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Head of the branch that counts.
    pub head: Head,
    /// Bytes of all its batches, losing branches too.
    pub bytes: u64,
}

/// Where a community stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommunityState {
    /// Position of its newest batch.
    pub tip: Arrival,
    /// Position of the newest batch of each lane.
    pub lanes: BTreeMap<LaneId, Arrival>,
    /// Its logs.
    pub logs: BTreeMap<LogId, LogState>,
}

impl CommunityState {
    /// Bytes of all its batches.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.logs.values().map(|log| log.bytes).sum()
    }
}

/// A device's receipt and the number that this relay has given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Rises by one with each receipt that is kept.
    pub number: u64,
    /// The receipt.
    pub receipt: VerifiedReceipt,
}

/// A community's receipts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeptReceipts {
    /// The number that was given last, also if its receipt is gone.
    pub newest: u64,
    /// The receipt of each device, by number.
    pub receipts: Vec<Numbered>,
}

/// Which branch of its log a batch goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// The end of the branch that counts.
    Next,
    /// The branch that counts, from its position on: what stood there loses.
    Winner,
    /// A losing branch.
    Branch,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It has this position once the transaction commits.
    Stored(Arrival),
    /// It is there already, at this position.
    Known(Arrival),
    /// The log is not where the caller thought it was; nothing was written.
    Stale,
}

/// An append-only, durable log per community.
///
/// Writing happens between [`BatchLog::begin`] and [`BatchLog::commit`]; reads in between see what
/// was written. Nothing may be acknowledged before `commit` has returned.
pub trait BatchLog: BlobLog + Send {
    /// Which life of this log its positions belong to: random, made with the log.
    fn store_id(&self) -> StoreId;

    /// Opens a transaction.
    ///
    /// # Errors
    /// As the disk fails.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Makes everything since `begin` durable.
    ///
    /// # Errors
    /// As the disk fails; then nothing since `begin` is stored, and the transaction is over.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Forgets everything since `begin`; without a transaction it does nothing.
    fn rollback(&mut self);

    /// Stores a batch, unless it is there.
    ///
    /// # Errors
    /// As the disk fails; the transaction must then be rolled back.
    fn append(
        &mut self,
        community: &CommunityId,
        batch: &VerifiedBatch,
        spot: Spot,
    ) -> Result<Appended, StoreError>;

    /// From `from` on the branch that counts loses, and these batches of a losing one count instead, in
    /// order. Returns the log's head then.
    ///
    /// # Errors
    /// As the disk fails; the transaction must then be rolled back.
    fn settle(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        settlement: &Settlement,
    ) -> Result<Head, StoreError>;

    /// Puts the same batch with fewer contents in the place of one that is there.
    ///
    /// # Errors
    /// As the disk fails; the transaction must then be rolled back.
    fn reduce(
        &mut self,
        community: &CommunityId,
        arrival: Arrival,
        batch: &VerifiedBatch,
    ) -> Result<(), StoreError>;

    /// Keeps a device's receipt in the place of the one that it gave before.
    ///
    /// # Errors
    /// As the disk fails, or there is no such community; the transaction must then be rolled back.
    fn put_receipt(
        &mut self,
        community: &CommunityId,
        numbered: &Numbered,
    ) -> Result<(), StoreError>;

    /// Drops a device's receipt; its number is not given again.
    ///
    /// # Errors
    /// As the disk fails; the transaction must then be rolled back.
    fn remove_receipt(
        &mut self,
        community: &CommunityId,
        device: &DeviceId,
    ) -> Result<(), StoreError>;

    /// A community's receipts.
    ///
    /// # Errors
    /// As the disk fails, or what is there is not what was written.
    fn receipts(&self, community: &CommunityId) -> Result<KeptReceipts, StoreError>;

    /// Takes what was replaced or removed out of the file too. Not within a transaction. It may be done
    /// again at any time.
    ///
    /// # Errors
    /// As the disk fails; [`StoreError::Busy`] if another program reads it just now.
    fn scrub(&mut self) -> Result<(), StoreError>;

    /// How many communities there are.
    ///
    /// # Errors
    /// As the disk fails.
    fn communities(&self) -> Result<u64, StoreError>;

    /// Which communities there are, sorted.
    ///
    /// # Errors
    /// As the disk fails.
    fn names(&self) -> Result<Vec<CommunityId>, StoreError>;

    /// How many communities a device has founded here.
    ///
    /// # Errors
    /// As the disk fails.
    fn founded_by(&self, device: &DeviceId) -> Result<u64, StoreError>;

    /// Where a community stands; `None` if it has no batch.
    ///
    /// # Errors
    /// As the disk fails.
    fn community(&self, community: &CommunityId) -> Result<Option<CommunityState>, StoreError>;

    /// The batch of a log's branch that counts which begins at `seq`.
    ///
    /// # Errors
    /// As the disk fails.
    fn at(
        &self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<Option<Link>, StoreError>;

    /// Last entry of the batch with this chain hash, and whether it lies on a losing branch.
    ///
    /// # Errors
    /// As the disk fails.
    fn with_chain(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<(Seq, bool)>, StoreError>;

    /// The batches of the branch that counts which end at or after `from`, in order, at most `limit`.
    ///
    /// # Errors
    /// As the disk fails.
    fn missing(
        &self,
        community: &CommunityId,
        log: &LogId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<BatchRef>, StoreError>;

    /// The batch of a log with this chain hash, on whichever branch.
    ///
    /// # Errors
    /// As the disk fails, or what is there is not what was written.
    fn carrying(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<Carried>, StoreError>;

    /// The batches of all logs' losing branches, in the order they came.
    ///
    /// # Errors
    /// As the disk fails.
    fn lost(&self, community: &CommunityId) -> Result<Vec<Lost>, StoreError>;

    /// The batch at a position.
    ///
    /// # Errors
    /// As the disk fails, or what is there is not what was written.
    fn batch(
        &self,
        community: &CommunityId,
        arrival: Arrival,
    ) -> Result<Option<Carried>, StoreError>;

    /// What came after `after` and up to `upto`, of one lane or of all, in order, until the bytes
    /// reach `bytes_max`; at least one batch if there is any.
    ///
    /// # Errors
    /// As the disk fails, or what is there is not what was written.
    fn read(
        &self,
        community: &CommunityId,
        lane: Option<&LaneId>,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError>;

    /// How much came in a lane after `after` and up to `upto`.
    ///
    /// # Errors
    /// As the disk fails.
    fn totals(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
    ) -> Result<Totals, StoreError>;
}
