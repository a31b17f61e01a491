//! Frames about blobs (docs/protocol.md §19): who holds which, and their chunks.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::blob::BlobName;
use crate::entry::codec::read_cbor;
use crate::id::{BlobId, DeviceId, Incarnation, LaneId, LogId, Seq, StoreId};

/// Most blobs that one frame names.
pub const BLOBS_MAX: usize = 512;

/// In a hello: the sender knows blobs, and this is the number of the newest one that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct BlobTip {
    /// Which life of its store the number belongs to.
    #[n(0)]
    pub store: StoreId,
    /// Rises by one with each blob that it holds as a whole.
    #[n(1)]
    pub number: u64,
}

/// A blob's name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct WireBlob {
    /// The lane of the entry that says it.
    #[n(0)]
    pub lane: LaneId,
    /// The device that wrote the entry.
    #[n(1)]
    pub device: DeviceId,
    /// Under which incarnation.
    #[n(2)]
    pub incarnation: Incarnation,
    /// At which position.
    #[n(3)]
    pub seq: u64,
    /// The blob.
    #[n(4)]
    pub id: BlobId,
}

impl From<BlobName> for WireBlob {
    fn from(name: BlobName) -> Self {
        Self {
            lane: name.log.lane,
            device: name.log.device,
            incarnation: name.log.incarnation,
            seq: name.seq.0,
            id: name.id,
        }
    }
}

impl From<WireBlob> for BlobName {
    fn from(wire: WireBlob) -> Self {
        Self {
            log: LogId {
                lane: wire.lane,
                device: wire.device,
                incarnation: wire.incarnation,
            },
            seq: Seq(wire.seq),
            id: wire.id,
        }
    }
}

/// Which blobs of these lanes does the receiver hold, with numbers after these?
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct AskBlobs {
    /// Lanes, each with a number.
    #[n(0)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub lanes: Vec<(LaneId, u64)>,
}

/// Blobs that the sender holds as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct HaveBlobs {
    /// The blobs.
    #[n(0)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub rows: Vec<WireBlob>,
    /// In an answer: of each lane, these are all with numbers after the first one up to the second.
    #[n(1)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub lanes: Vec<(LaneId, u64, u64)>,
}

/// Asks for a blob.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WantBlob {
    /// Which.
    #[n(0)]
    pub blob: WireBlob,
    /// From this chunk on; those before it are there.
    #[n(1)]
    pub from: u32,
    /// The list of its chunks is there too.
    #[n(2)]
    #[cbor(default)]
    pub has_list: bool,
}

/// The chunks of a blob: an offer, or the beginning of the answer to a want.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BlobHashes {
    /// Which.
    #[n(0)]
    pub blob: WireBlob,
    /// Bytes that are sealed, rounding included.
    #[n(1)]
    pub padded: u32,
    /// BLAKE3 of each sealed chunk, 32 bytes each.
    #[n(2)]
    pub hashes: ByteVec,
}

/// One sealed chunk.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BlobChunk {
    /// Of which blob.
    #[n(0)]
    pub blob: WireBlob,
    /// Which chunk, from 0.
    #[n(1)]
    pub index: u32,
    /// Its bytes.
    #[n(2)]
    pub bytes: ByteVec,
}

/// All of a blob is durable at the sender of this.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BlobStored {
    /// Which.
    #[n(0)]
    pub blob: WireBlob,
}

/// The sender of this does not take, or does not give, a blob.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BlobRefused {
    /// Which.
    #[n(0)]
    pub blob: WireBlob,
    /// Why, as a number ([`Refusal::code`](crate::wire::Refusal::code)).
    #[n(1)]
    pub code: u16,
}

/// One frame about blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is documented at its type")]
pub enum BlobFrame {
    Ask(AskBlobs),
    Have(HaveBlobs),
    Want(WantBlob),
    Hashes(BlobHashes),
    Chunk(BlobChunk),
    Stored(BlobStored),
    Refused(BlobRefused),
}

pub(super) const ASK_BLOBS: u8 = 48;
pub(super) const HAVE_BLOBS: u8 = 49;
pub(super) const WANT_BLOB: u8 = 50;
pub(crate) const BLOB_HASHES: u8 = 51;
pub(crate) const BLOB_CHUNK: u8 = 52;
pub(super) const BLOB_STORED: u8 = 53;
pub(super) const BLOB_REFUSED: u8 = 54;

impl BlobFrame {
    /// The frame's type and body.
    pub(super) fn encode(&self) -> (u8, Vec<u8>) {
        use super::cbor;
        match self {
            Self::Ask(it) => (ASK_BLOBS, cbor(it)),
            Self::Have(it) => (HAVE_BLOBS, cbor(it)),
            Self::Want(it) => (WANT_BLOB, cbor(it)),
            Self::Hashes(it) => (BLOB_HASHES, cbor(it)),
            Self::Chunk(it) => (BLOB_CHUNK, cbor(it)),
            Self::Stored(it) => (BLOB_STORED, cbor(it)),
            Self::Refused(it) => (BLOB_REFUSED, cbor(it)),
        }
    }

    /// Reads a body of a type that is one of theirs; none if it is not laid out so.
    pub(super) fn decode(kind: u8, body: &[u8]) -> Option<Self> {
        match kind {
            ASK_BLOBS => read_cbor(body).map(Self::Ask),
            HAVE_BLOBS => read_cbor(body).map(Self::Have),
            WANT_BLOB => read_cbor(body).map(Self::Want),
            BLOB_HASHES => read_cbor(body).map(Self::Hashes),
            BLOB_CHUNK => read_cbor(body).map(Self::Chunk),
            BLOB_STORED => read_cbor(body).map(Self::Stored),
            BLOB_REFUSED => read_cbor(body).map(Self::Refused),
            _other => None,
        }
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        /// A name and what stands around it.
        const NAME_BYTES: usize = 128;
        let beside = match self {
            Self::Ask(ask) => ask.lanes.len() * NAME_BYTES,
            Self::Have(have) => (have.rows.len() + have.lanes.len()) * NAME_BYTES,
            Self::Hashes(list) => list.hashes.len(),
            Self::Chunk(chunk) => chunk.bytes.len(),
            Self::Want(_) | Self::Stored(_) | Self::Refused(_) => 0,
        };
        beside + NAME_BYTES
    }
}
