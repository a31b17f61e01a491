//! What a session needs of the replica or relay that it speaks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::blob::{BlobList, BlobName};
use crate::entry::VerifiedBatch;
use crate::id::{Arrival, ChainHash, CommunityId, DeviceId, Head, LaneId, LogId, Seq, StoreId};
use crate::keys::{self, domain};
use crate::store::StoreError;
use crate::wire::blobs::BlobTip;
use crate::wire::{Digest, Totals};

/// One stored batch, as it is sent.
#[derive(Debug, Clone)]
pub struct Carried {
    /// Where it arrived.
    pub arrival: Arrival,
    /// The batch.
    pub batch: Arc<VerifiedBatch>,
    /// Whether it lies on a losing branch of a forked log, so that what it follows must be spelled out.
    pub is_branch: bool,
}

/// A stored batch without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchRef {
    /// Where it arrived.
    pub arrival: Arrival,
    /// Its last entry.
    pub last_seq: Seq,
    /// How many entries it has.
    pub entries: u64,
    /// Bytes of its tail.
    pub bytes: u64,
}

impl BatchRef {
    /// Of a batch, and where it arrived.
    #[must_use]
    pub fn of(arrival: Arrival, batch: &VerifiedBatch) -> Self {
        Self {
            arrival,
            last_seq: batch.last_seq(),
            entries: batch.count() as u64,
            bytes: batch.tail().len() as u64,
        }
    }
}

impl Lost {
    /// Of a batch that lies on a losing branch, and where it arrived.
    #[must_use]
    pub fn of(arrival: Arrival, batch: &VerifiedBatch) -> Self {
        Self {
            log: *batch.log(),
            chain: batch.head().chain,
            batch: BatchRef::of(arrival, batch),
        }
    }
}

/// A batch of a losing branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Its log.
    pub log: LogId,
    /// Chain hash after it.
    pub chain: ChainHash,
    /// Where it is.
    pub batch: BatchRef,
}

/// Read access to everything that a peer may be sent: a replica or a relay's community.
pub trait Carrier {
    /// The community.
    fn community(&self) -> CommunityId;
    /// Which life of the store the arrival positions belong to.
    fn store_id(&self) -> StoreId;
    /// The lanes that a member's device may have and that we carry too.
    fn lanes_for(&self, device: &DeviceId) -> BTreeSet<LaneId>;
    /// The lanes of which a removed device may still bring its own logs, and have nothing.
    fn uploads_of(&self, device: &DeviceId) -> BTreeSet<LaneId>;
    /// The lanes that we carry ourselves.
    fn own_lanes(&self) -> BTreeSet<LaneId>;
    /// Digest of a lane ([`lane_digest`]).
    ///
    /// # Errors
    /// The store's.
    fn digest(&self, lane: &LaneId) -> Result<Digest, StoreError>;
    /// Heads of a lane's logs, without empty ones.
    ///
    /// # Errors
    /// The store's.
    fn heads(&self, lane: &LaneId) -> Result<Vec<(LogId, Head)>, StoreError>;
    /// Head of one log; [`Head::EMPTY`] if nobody has written to it.
    ///
    /// # Errors
    /// The store's.
    fn head(&self, log: &LogId) -> Result<Head, StoreError>;
    /// Arrival position of the newest batch of a lane; 0 if it is empty.
    ///
    /// # Errors
    /// The store's.
    fn tip(&self, lane: &LaneId) -> Result<Arrival, StoreError>;
    /// Arrival position of the newest batch of all lanes.
    ///
    /// # Errors
    /// The store's.
    fn last_arrival(&self) -> Result<Arrival, StoreError>;
    /// Up to which position of a relay's store we have a lane.
    ///
    /// # Errors
    /// The store's.
    fn cursor(&self, store: &StoreId, lane: &LaneId) -> Result<u64, StoreError>;
    /// Rises whenever something is noted of a relay's store: what a relay said before that is no proof
    /// that it has lost what it has taken since.
    fn notes(&self) -> u64 {
        0
    }
    /// Up to which of our arrivals a relay has acknowledged all that we have of a lane.
    ///
    /// # Errors
    /// The store's.
    fn acknowledged(&self, _store: &StoreId, _lane: &LaneId) -> Result<Arrival, StoreError> {
        Ok(Arrival(0))
    }
    /// For a session's hello: of a relay, the number of the newest receipt that it has of other devices
    /// than this one; of a member that wants receipts, 0. None if this side knows no receipts.
    fn receipts_for(&self, _device: &DeviceId) -> Option<u64> {
        None
    }
    /// Of a relay: the position of the receipt that it keeps of this device, 0 if it has none.
    fn reading_of(&self, _device: &DeviceId) -> Option<u64> {
        None
    }
    /// The newest blob that is held here as a whole; none if this side knows no blobs.
    ///
    /// # Errors
    /// The store's.
    fn blob_tip(&self) -> Result<Option<BlobTip>, StoreError> {
        Ok(None)
    }
    /// The chunks of a blob that is held here as a whole and may be given.
    ///
    /// # Errors
    /// The store's.
    fn blob_list(&self, _name: &BlobName) -> Result<Option<BlobList>, StoreError> {
        Ok(None)
    }
    /// One of them.
    ///
    /// # Errors
    /// The store's.
    fn blob_chunk(&self, _name: &BlobName, _index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }
    /// Logs with batches that a relay may lack: those that reached us by another way since.
    ///
    /// # Errors
    /// The store's.
    fn unshared(&self, store: &StoreId) -> Result<BTreeSet<LogId>, StoreError>;
    /// The batches of a log's branch that counts which end at or after `from`, in order, at most `limit`.
    ///
    /// # Errors
    /// The store's.
    fn missing(&self, log: &LogId, from: Seq, limit: usize) -> Result<Vec<BatchRef>, StoreError>;
    /// The batches of a lane that lie on losing branches, in the order they came.
    ///
    /// # Errors
    /// The store's.
    fn lost(&self, lane: &LaneId) -> Result<Vec<Lost>, StoreError>;
    /// Which logs go before which, the least first; those of equal precedence go as they arrived.
    ///
    /// A joiner's own join reached its store before the invitation that it takes up, and must not
    /// leave before it.
    fn precedence(&self, _log: &LogId) -> u8 {
        0
    }
    /// One batch by its arrival position.
    ///
    /// # Errors
    /// The store's.
    fn batch(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError>;
    /// A lane's batches that arrived after `after` and up to `upto`, in order, losing branches too,
    /// until their bytes reach `bytes_max`; at least one if there is any.
    ///
    /// # Errors
    /// The store's.
    fn stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError>;
    /// The same for all lanes together.
    ///
    /// # Errors
    /// The store's.
    fn since(&self, after: Arrival, bytes_max: usize) -> Result<Vec<Carried>, StoreError>;
    /// How much lies in a lane after `after` and up to `upto`.
    ///
    /// # Errors
    /// The store's.
    fn totals(&self, lane: &LaneId, after: Arrival, upto: Arrival) -> Result<Totals, StoreError>;
}

/// Digest of one lane, from its heads and what has lost there: equal digests mean equal logs, losing
/// branches too (docs/protocol.md §7).
#[must_use]
pub fn lane_digest(heads: &[(LogId, Head)], lost: &[Lost]) -> Digest {
    let mut sorted: Vec<_> = heads.iter().filter(|(_, head)| head.seq > Seq(0)).collect();
    sorted.sort_unstable_by_key(|(log, _)| (log.device, log.incarnation));
    let mut hasher = blake3::Hasher::new_derive_key(domain::LANE_DIGEST);
    for (log, head) in sorted {
        hasher.update(log.device.as_bytes());
        hasher.update(log.incarnation.as_bytes());
        hasher.update(&head.seq.0.to_be_bytes());
        hasher.update(head.chain.as_bytes());
    }
    if let Some(lost) = lost_digest(lost) {
        hasher.update(&lost.0);
    }
    truncated(&hasher.finalize())
}

/// Digest of what has lost in one lane; none if nothing has.
#[must_use]
pub fn lost_digest(lost: &[Lost]) -> Option<Digest> {
    let chains: BTreeSet<ChainHash> = lost.iter().map(|lost| lost.chain).collect();
    if chains.is_empty() {
        return None;
    }
    let bytes: Vec<u8> = chains.iter().flat_map(|chain| *chain.as_bytes()).collect();
    Some(truncated(&keys::derive(domain::LOST_DIGEST, &[&bytes])))
}

/// Digest of several lanes: of each lane's id and digest, in the order of their ids.
#[must_use]
pub fn set_digest(lanes: impl IntoIterator<Item = (LaneId, Digest)>) -> Digest {
    let sorted: std::collections::BTreeMap<LaneId, Digest> = lanes.into_iter().collect();
    let bytes: Vec<u8> = sorted
        .iter()
        .flat_map(|(lane, digest)| lane.as_bytes().iter().chain(&digest.0).copied())
        .collect();
    truncated(&keys::derive(domain::SET_DIGEST, &[&bytes]))
}

fn truncated(hash: &blake3::Hash) -> Digest {
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    Digest(bytes)
}
