//! What is said inside of a bundle, before it is sealed.

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};

use crate::bundle::Manifest;
use crate::entry::codec::{Reader, put_varint, read_cbor};
use crate::id::{ChainHash, DeviceId, Head, Incarnation, LaneId, LogId, Seq};
use crate::wire::Batches;
use crate::wire::blobs::{BLOB_CHUNK, BLOB_HASHES, BlobChunk, BlobHashes};

/// A session's frame of batches.
const BATCHES: u8 = 6;
pub(super) const MANIFEST: u8 = 64;
pub(super) const HEADS: u8 = 65;
pub(super) const WORD: u8 = 66;
pub(super) const END: u8 = 67;

/// What the sender has of one lane; a lane with many logs stands in several frames.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct LaneHeads {
    #[n(0)]
    pub(super) lane: LaneId,
    /// `device 32 | incarnation 8 | varint seq | chain 32`, run together.
    #[n(1)]
    pub(super) heads: ByteVec,
}

/// The sender's signature under all heads before it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct SignedWord {
    #[n(0)]
    pub(super) signature: ByteArray<64>,
}

/// Nothing comes after it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct End {}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inside {
    Batches(Batches),
    BlobHashes(BlobHashes),
    BlobChunk(BlobChunk),
    Manifest(Manifest),
    Heads(LaneHeads),
    Word(SignedWord),
    End(End),
    /// Of a newer version; it is passed over.
    Unknown,
}

impl Inside {
    pub(super) fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Batches(it) => (BATCHES, minicbor::to_vec(it)),
            Self::BlobHashes(it) => (BLOB_HASHES, minicbor::to_vec(it)),
            Self::BlobChunk(it) => (BLOB_CHUNK, minicbor::to_vec(it)),
            Self::Manifest(it) => (MANIFEST, minicbor::to_vec(it)),
            Self::Heads(it) => (HEADS, minicbor::to_vec(it)),
            Self::Word(it) => (WORD, minicbor::to_vec(it)),
            Self::End(it) => (END, minicbor::to_vec(it)),
            Self::Unknown => return Vec::new(),
        };
        let body = body.expect("writing to memory does not fail");
        [&[kind][..], &body].concat()
    }

    /// `None` if the bytes are not what their type says.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, body) = bytes.split_first()?;
        match *kind {
            BATCHES => read_cbor(body).map(Self::Batches),
            BLOB_HASHES => read_cbor(body).map(Self::BlobHashes),
            BLOB_CHUNK => read_cbor(body).map(Self::BlobChunk),
            MANIFEST => read_cbor(body).map(Self::Manifest),
            HEADS => read_cbor(body).map(Self::Heads),
            WORD => read_cbor(body).map(Self::Word),
            END => read_cbor(body).map(Self::End),
            _ => Some(Self::Unknown),
        }
    }
}

impl LaneHeads {
    pub(super) fn new(lane: LaneId, heads: &[(LogId, Head)]) -> Self {
        let mut bytes = Vec::new();
        for (log, head) in heads {
            bytes.extend_from_slice(log.device.as_bytes());
            bytes.extend_from_slice(log.incarnation.as_bytes());
            put_varint(&mut bytes, head.seq.0);
            bytes.extend_from_slice(head.chain.as_bytes());
        }
        Self {
            lane,
            heads: bytes.into(),
        }
    }

    pub(super) fn read(&self) -> Option<Vec<(LogId, Head)>> {
        let mut reader = Reader::new(&self.heads);
        let mut heads = Vec::new();
        while !reader.is_at_end() {
            let log = LogId {
                lane: self.lane,
                device: DeviceId::new(reader.array()?),
                incarnation: Incarnation::new(reader.array()?),
            };
            let seq = Seq(reader.varint()?);
            let chain = ChainHash::new(reader.array()?);
            heads.push((log, Head { seq, chain }));
        }
        Some(heads)
    }
}
