//! Bundles: batches in a file, carried by hand where no network is.
//!
//! ```text
//! file   = "BANYANBUNDLE1" | community 32 | readers u32 | sealed key 80 … | record …
//! record = length u32 | frame sealed with ChaCha20-Poly1305
//! frame  = type u8 | CBOR map        manifest, [heads …, word], batches …, end
//! ```
//! Whoever finds the file sees the community's id, how many may open it, and how long it is. Its key is
//! sealed to each of them; all else is sealed under that key, in order, so that a changed, moved or missing
//! record is noticed and everything before it can be used. Batches are those of a session, each with the
//! hash that it follows spelled out: nobody is there to be asked. Nothing in a bundle is believed because it
//! is in one: each batch is verified as if it had come from a relay (docs/protocol.md §18).

mod frames;
mod reader;
mod seal;
#[cfg(test)]
mod tests;
pub(crate) mod writer;

use std::io;

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::id::{BundleId, CommunityId, DeviceId, Head, LaneId, LogId, Millis};
use crate::keys::{BadSignature, SealError, Signature, Signer, domain, verify};
use crate::wire::Totals;

pub use reader::{BundleReader, Item, read_community};
pub use writer::BundleWriter;

/// Most devices and invitations that one bundle is sealed to.
pub const BUNDLE_READERS_MAX: usize = 65_536;
/// Most files of one export.
pub const BUNDLE_PARTS_MAX: u64 = 4_096;
/// Least size that the files of an export may be limited to, in bytes.
pub const BUNDLE_BYTES_MIN: u64 = 1_000_000;

/// First bytes of a file; the digit is the version.
const MAGIC: &[u8; 13] = b"BANYANBUNDLE1";

/// Frame types inside of a bundle, beside those of a session, for the test that holds docs/protocol.md
/// against the code.
pub const BUNDLE_FRAME_TYPES: &[(u8, &str)] = &[
    (frames::MANIFEST, "manifest"),
    (frames::HEADS, "heads"),
    (frames::WORD, "word"),
    (frames::END, "end"),
];

/// What one file is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Manifest {
    /// What the files of one export have in common.
    #[n(0)]
    pub set: BundleId,
    /// Which of them this is, from 1.
    #[n(1)]
    pub part: u64,
    /// How many there are.
    #[n(2)]
    pub parts: u64,
    /// Who wrote it.
    #[n(3)]
    pub device: DeviceId,
    /// When, by the writer's clock, in milliseconds since 1970.
    #[n(4)]
    pub at: i64,
    /// What is in this file.
    #[n(5)]
    pub totals: Totals,
    /// What somebody was known to have has been left out.
    #[n(6)]
    pub is_partial: bool,
}

impl Manifest {
    fn is_sound(&self) -> bool {
        (1..=self.parts).contains(&self.part) && self.parts <= BUNDLE_PARTS_MAX
    }
}

/// Why a file is no bundle that can be read, or where it breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadBundle {
    /// It begins otherwise.
    #[error("this file is no bundle")]
    NotABundle,
    /// A newer version wrote it.
    #[error("a newer version of Banyan wrote this bundle: update Banyan on this device")]
    Newer,
    /// It is another community's.
    #[error("this bundle is of another community")]
    OtherCommunity(CommunityId),
    /// It is sealed to others.
    #[error("this bundle is not sealed to this device")]
    NotForUs,
    /// It ends too early; what came before is whole.
    #[error("the bundle ends too early")]
    Truncated,
    /// Bytes are not what was written; what came before is whole.
    #[error("the bundle is damaged, or somebody has changed it")]
    Damaged,
    /// The system refused to read on.
    #[error("the bundle cannot be read on: {0}")]
    Io(io::ErrorKind),
}

/// A bundle could not be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteBundleError {
    /// More devices than one bundle is sealed to.
    #[error("a bundle is for at most {BUNDLE_READERS_MAX} devices: export it for one of them")]
    TooManyReaders,
    /// The files would be too many.
    #[error("this would be more than {BUNDLE_PARTS_MAX} files: allow larger ones")]
    TooManyParts,
    /// A file of this size would have no room for batches.
    #[error("the files must be allowed to be larger")]
    TooSmall,
    /// A key is no key.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The heads of some lanes, as somebody says to have them.
pub type Heads = Vec<(LaneId, Vec<(LogId, Head)>)>;

/// What a bundle's sender says to have, still to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Who says so.
    pub device: DeviceId,
    /// When, by their clock.
    pub at: Millis,
    /// What they have, lane by lane.
    pub heads: Heads,
    /// Their signature.
    pub signature: Signature,
}

impl Word {
    /// Says what this device has.
    ///
    /// # Errors
    /// The keys'.
    pub fn sign(
        signer: &dyn Signer,
        community: &CommunityId,
        at: Millis,
        heads: Heads,
    ) -> Result<Self, SealError> {
        let device = signer.device();
        let signature = signer.sign(&signed_bytes(community, &device, at, &heads))?;
        Ok(Self {
            device,
            at,
            heads,
            signature,
        })
    }

    /// Checks that the device which it names has said it in this community.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, community: &CommunityId) -> Result<(), BadSignature> {
        let bytes = signed_bytes(community, &self.device, self.at, &self.heads);
        verify(&self.device, &bytes, &self.signature)
    }
}

/// `"banyan/bundle-word/1" | community 32 | device 32 | at i64 | digest 32`, the digest being of every
/// lane and its heads, one after the other (docs/protocol.md §18).
fn signed_bytes(
    community: &CommunityId,
    device: &DeviceId,
    at: Millis,
    heads: &[(LaneId, Vec<(LogId, Head)>)],
) -> Vec<u8> {
    let mut digest = blake3::Hasher::new_derive_key(domain::BUNDLE_WORD);
    for (lane, logs) in heads {
        for (log, head) in logs {
            digest.update(lane.as_bytes());
            digest.update(log.device.as_bytes());
            digest.update(log.incarnation.as_bytes());
            digest.update(&head.seq.0.to_be_bytes());
            digest.update(head.chain.as_bytes());
        }
    }
    [
        domain::BUNDLE_WORD.as_bytes(),
        community.as_bytes(),
        device.as_bytes(),
        &at.0.to_be_bytes(),
        digest.finalize().as_bytes(),
    ]
    .concat()
}
