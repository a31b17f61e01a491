//! Entries and batches: what is signed, what is stored, and the only way from one to the other.
//!
//! A batch is 1..=128 consecutive entries of one log under one signature. It comes in as a
//! [`SignedBatch`], which shows nothing of what it holds; [`SignedBatch::verify`] turns it into a
//! [`VerifiedBatch`], the only form that a store or a merge takes. The signed preimage is a fixed
//! layout (docs/protocol.md §3), rebuilt from what the receiver knows and never re-serialised.

pub mod branches;
pub mod codec;
pub mod kind;
pub mod place;
pub mod seal;

use std::ops::Range;

use thiserror::Error;

use crate::entry::codec::{Slot, build_tail, parse_tail};
pub use crate::entry::kind::EntryKind;
use crate::id::{ChainHash, Commit, CommunityId, EpochId, Head, LogId, Seq};
use crate::keys::{self, Signature, domain};

/// Most entries in one batch.
pub const BATCH_ENTRIES_MAX: usize = 128;
/// Most stored bytes in a batch of more than one entry.
pub const BATCH_BYTES_MAX: usize = 64 * 1024;
/// Most stored bytes of one entry; a larger one than [`BATCH_BYTES_MAX`] goes alone.
pub const ENTRY_BYTES_MAX: usize = 256 * 1024;
/// Length of the signed preimage.
pub const PREIMAGE_LEN: usize = domain::BATCH.len() + 32 + 16 + 32 + 8 + 8 + 2 + 32 + 16 + 16 + 32;

/// Random bytes of one batch: two batches never share a key stream, even out of a restored backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// What is wrong with a batch that a peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadBatch {
    /// The signature is not by the device over these bytes at this place in the log.
    #[error("the signature does not match the batch")]
    BadSignature,
    /// The bytes end early, run on, or break the layout.
    #[error("the batch is not laid out as the protocol says")]
    BadLayout,
    /// More entries or bytes than a batch may have.
    #[error("the batch is larger than the protocol allows")]
    TooLarge,
}

/// One entry as it is stored: its kind, and its bytes or, once erased, what proves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredEntry<'a> {
    /// Position in the log.
    pub seq: Seq,
    /// What the bytes are.
    pub kind: EntryKind,
    /// The bytes, or their proof.
    pub body: Body<'a>,
}

/// Stored bytes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// The bytes as they were committed to.
    Present(&'a [u8]),
    /// Erased: the commit stays, so that the chain still verifies.
    Erased {
        /// How long the bytes were.
        len: u32,
        /// BLAKE3 of the bytes.
        commit: Commit,
    },
}

impl Body<'_> {
    fn len_and_commit(&self) -> (u32, Commit) {
        match self {
            Self::Present(bytes) => (
                u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                Commit::from_hash(&blake3::hash(bytes)),
            ),
            Self::Erased { len, commit } => (*len, *commit),
        }
    }
}

/// The parts of a batch beside its tail: which log, where in it, under which epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The log.
    pub log: LogId,
    /// Position of the first entry.
    pub first_seq: Seq,
    /// Epoch that the entries are sealed under; zero in the roster, which is in clear.
    pub epoch: EpochId,
}

/// A batch as it came in: laid out as it should be, and nothing else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBatch {
    place: Place,
    tail: Vec<u8>,
    layout: Layout,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Layout {
    salt: Salt,
    signature: Signature,
    slots: Vec<Slot>,
}

impl Layout {
    /// What the device signed: the tail, at its place, after `prev`.
    fn preimage(
        &self,
        community: &CommunityId,
        place: &Place,
        prev: &ChainHash,
        tail: &[u8],
    ) -> [u8; PREIMAGE_LEN] {
        let bodies = self.slots.iter().map(|slot| (slot.kind, slot.body(tail)));
        let root = entries_root(bodies);
        preimage(community, place, self.slots.len(), prev, &self.salt, &root)
    }
}

impl SignedBatch {
    /// Takes a batch's tail (`salt | signature | entries`, docs/protocol.md §4) apart.
    ///
    /// # Errors
    /// [`BadBatch::BadLayout`] or [`BadBatch::TooLarge`]; the signature is not looked at yet.
    pub fn parse(place: Place, tail: Vec<u8>) -> Result<Self, BadBatch> {
        if place.first_seq < Seq::FIRST {
            return Err(BadBatch::BadLayout);
        }
        let (salt, signature, slots) = parse_tail(&tail)?;
        if last_seq(&place, slots.len()) > Seq::MAX {
            return Err(BadBatch::BadLayout);
        }
        Ok(Self {
            place,
            tail,
            layout: Layout {
                salt,
                signature,
                slots,
            },
        })
    }

    /// Where in which log the batch says it belongs.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How many entries it says it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.layout.slots.len()
    }

    /// Position of its last entry.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        last_seq(&self.place, self.layout.slots.len())
    }

    /// Bytes of the tail.
    #[must_use]
    pub fn tail_len(&self) -> usize {
        self.tail.len()
    }

    /// The chain hash that the batch has if it follows `prev`; says nothing about its signature.
    #[must_use]
    pub fn chain_after(&self, community: &CommunityId, prev: &ChainHash) -> ChainHash {
        chain_hash(&self.preimage(community, prev))
    }

    /// Checks the signature over the preimage that follows `prev`.
    ///
    /// # Errors
    /// [`BadBatch::BadSignature`]: forged, changed, or the batch follows another one than `prev`.
    pub fn verify(
        self,
        community: &CommunityId,
        prev: &ChainHash,
    ) -> Result<VerifiedBatch, BadBatch> {
        let preimage = self.preimage(community, prev);
        keys::verify(&self.place.log.device, &preimage, &self.layout.signature)
            .map_err(|_| BadBatch::BadSignature)?;
        Ok(self.into_verified(prev, &preimage))
    }

    /// Takes a batch back out of a store that holds verified ones only, if the bytes are still those.
    ///
    /// The chain hash covers every byte but the signature, so a disk that changed one is noticed.
    #[must_use]
    pub fn trusted(
        self,
        community: &CommunityId,
        prev: &ChainHash,
        chain: &ChainHash,
    ) -> Option<VerifiedBatch> {
        let preimage = self.preimage(community, prev);
        (chain_hash(&preimage) == *chain).then(|| self.into_verified(prev, &preimage))
    }

    fn into_verified(self, prev: &ChainHash, preimage: &[u8; PREIMAGE_LEN]) -> VerifiedBatch {
        VerifiedBatch {
            place: self.place,
            prev: *prev,
            chain: chain_hash(preimage),
            tail: self.tail,
            layout: self.layout,
        }
    }

    fn preimage(&self, community: &CommunityId, prev: &ChainHash) -> [u8; PREIMAGE_LEN] {
        self.layout
            .preimage(community, &self.place, prev, &self.tail)
    }
}

/// A batch whose signature and place in its log are proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBatch {
    place: Place,
    prev: ChainHash,
    chain: ChainHash,
    tail: Vec<u8>,
    layout: Layout,
}

impl VerifiedBatch {
    /// Which log, where in it, under which epoch.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &LogId {
        &self.place.log
    }

    /// Chain hash of the batch before.
    #[must_use]
    pub fn prev(&self) -> &ChainHash {
        &self.prev
    }

    /// The head of the log once this batch is stored.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            seq: self.last_seq(),
            chain: self.chain,
        }
    }

    /// Position of its last entry.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        last_seq(&self.place, self.layout.slots.len())
    }

    /// How many entries it has: 1..=128.
    #[must_use]
    pub fn count(&self) -> usize {
        self.layout.slots.len()
    }

    /// The random bytes of the batch.
    #[must_use]
    pub fn salt(&self) -> &Salt {
        &self.layout.salt
    }

    /// The bytes that are stored and sent: `salt | signature | entries`.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Positions of the entries whose contents are erased.
    pub fn erased(&self) -> impl Iterator<Item = Seq> {
        let gone = |entry: &StoredEntry<'_>| matches!(entry.body, Body::Erased { .. });
        self.entries().filter(gone).map(|entry| entry.seq)
    }

    /// The batch without the contents of some of its entries; `None` if there was nothing to take.
    /// Their commits stay, and so do its signature, its chain hash and its place.
    #[must_use]
    pub fn without(&self, is_erased: impl Fn(Seq) -> bool) -> Option<Self> {
        let mut has_lost = false;
        let entries: Vec<(EntryKind, Body<'_>)> = self
            .entries()
            .map(|entry| {
                let is_present = matches!(entry.body, Body::Present(_));
                if !is_present || !is_erased(entry.seq) {
                    return (entry.kind, entry.body);
                }
                has_lost = true;
                let (len, commit) = entry.body.len_and_commit();
                (entry.kind, Body::Erased { len, commit })
            })
            .collect();
        let tail = build_tail(&self.layout.salt, &self.layout.signature, &entries);
        let (_, _, slots) = parse_tail(&tail).ok().filter(|_| has_lost)?;
        Some(Self {
            layout: Layout {
                slots,
                ..self.layout.clone()
            },
            tail,
            ..*self
        })
    }

    /// Checks again what made it verified: the signature, and the chain hash over all its bytes.
    ///
    /// # Errors
    /// [`BadBatch::BadSignature`]: whoever kept it has changed it.
    pub fn verify_again(&self, community: &CommunityId) -> Result<(), BadBatch> {
        let preimage = self
            .layout
            .preimage(community, &self.place, &self.prev, &self.tail);
        keys::verify(&self.place.log.device, &preimage, &self.layout.signature)
            .map_err(|_| BadBatch::BadSignature)?;
        if chain_hash(&preimage) == self.chain {
            Ok(())
        } else {
            Err(BadBatch::BadSignature)
        }
    }

    /// The entries in order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = StoredEntry<'_>> {
        self.layout
            .slots
            .iter()
            .enumerate()
            .map(|(index, slot)| StoredEntry {
                seq: self.place.first_seq.plus(index as u64),
                kind: slot.kind,
                body: slot.body(&self.tail),
            })
    }
}

fn last_seq(place: &Place, count: usize) -> Seq {
    Seq(place
        .first_seq
        .0
        .saturating_add(count as u64)
        .saturating_sub(1))
}

fn chain_hash(preimage: &[u8; PREIMAGE_LEN]) -> ChainHash {
    ChainHash::from_hash(&keys::derive(domain::CHAIN, &[preimage]))
}

/// BLAKE3 over `kind u8 | len u32 | commit 32` of each entry.
fn entries_root<'a>(entries: impl Iterator<Item = (EntryKind, Body<'a>)>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(domain::ENTRIES);
    for (kind, body) in entries {
        let (len, commit) = body.len_and_commit();
        hasher.update(&[kind.code()]);
        hasher.update(&len.to_be_bytes());
        hasher.update(commit.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// ```text
/// "banyan/batch/1" 14 | community 32 | lane 16 | device 32 | incarnation 8 | first_seq u64
///  | count u16 | prev 32 | salt 16 | epoch 16 | entries_root 32        integers big-endian
/// ```
fn preimage(
    community: &CommunityId,
    place: &Place,
    count: usize,
    prev: &ChainHash,
    salt: &Salt,
    entries_root: &[u8; 32],
) -> [u8; PREIMAGE_LEN] {
    let count = u16::try_from(count).expect("a batch has at most 128 entries");
    let mut bytes = [0; PREIMAGE_LEN];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        let range: Range<usize> = at..at + part.len();
        at = range.end;
        bytes
            .get_mut(range)
            .expect("the parts add up to PREIMAGE_LEN")
            .copy_from_slice(part);
    };
    put(domain::BATCH.as_bytes());
    put(community.as_bytes());
    put(place.log.lane.as_bytes());
    put(place.log.device.as_bytes());
    put(place.log.incarnation.as_bytes());
    put(&place.first_seq.0.to_be_bytes());
    put(&count.to_be_bytes());
    put(prev.as_bytes());
    put(&salt.0);
    put(place.epoch.as_bytes());
    put(entries_root);
    bytes
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
