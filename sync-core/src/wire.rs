//! Frames: what two peers say to each other, as bytes.
//!
//! ```text
//! frame = varint length of the rest | type u8 | CBOR map
//! ```
//! A field that a version does not know is skipped; a type that it does not know is refused politely
//! ([`Refusal::UnknownFrame`]) and the session goes on. Batches travel without what the receiver can
//! derive (docs/protocol.md §6): devices, lanes and epochs are indexes into tables of the connection.

pub mod batches;
pub mod blobs;
pub mod erased;
pub mod receipts;

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::entry::codec::{Reader, put_varint, read_cbor};
use crate::id::{ChainHash, CommunityId, Incarnation, LaneId, StoreId};
pub use crate::wire::batches::Batches;
use crate::wire::blobs::{BlobFrame, BlobTip};
use crate::wire::erased::{AskErased, HasErased};
use crate::wire::receipts::{AskReceipts, Receipts};

/// Most bytes of one frame after its length.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// How many bytes of batches a sender puts into one frame.
pub const FRAME_BYTES_TARGET: usize = 256 * 1024;
/// Most bytes of a frame's length prefix.
pub const FRAME_PREFIX_MAX: usize = 4;
/// Most lanes in one frame.
pub const LANES_MAX: usize = 1024;
/// Most logs in one frame of heads.
pub const HEADS_MAX: usize = 65_536;
/// Most batches in one frame.
pub const FRAME_BATCHES_MAX: usize = 16_384;
/// The oldest protocol that this version speaks.
pub const VERSION_MIN: u16 = 1;
/// The newest protocol that this version speaks.
pub const VERSION_MAX: u16 = 1;

/// Digest of the heads of one lane, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl<C> Encode<C> for Digest {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Digest {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        <[u8; 16]>::try_from(d.bytes()?)
            .map(Self)
            .map_err(|_| minicbor::decode::Error::message("a digest has 16 bytes"))
    }
}

/// What kind of peer says hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PeerKind {
    /// A member's device: compares heads per log.
    #[n(0)]
    Member,
    /// A relay: keeps arrival positions that do not change.
    #[n(1)]
    Relay,
}

/// The first frame of both sides.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// Oldest protocol spoken.
    #[n(0)]
    pub version_min: u16,
    /// Newest protocol spoken.
    #[n(1)]
    pub version_max: u16,
    /// Which community this session is about.
    #[n(2)]
    pub community: CommunityId,
    /// Phone or relay.
    #[n(3)]
    pub kind: PeerKind,
    /// Random: makes the log marks of this session its own.
    #[n(4)]
    pub nonce: ByteArray<8>,
    /// Digest of the heads of all lanes that the two share.
    #[n(5)]
    pub digest: Digest,
    /// The sender's incarnation, so that its own entries are not sent back to it.
    #[n(6)]
    pub incarnation: Incarnation,
    /// A joiner's own first batch of the roster lane, which is all that a stranger may send.
    #[n(7)]
    pub join: Option<ByteVec>,
    /// The dialer's sketch of each lane that the two share, in ascending order of lanes: the other
    /// side need not list those that are equal.
    #[n(8)]
    pub lanes: Option<ByteVec>,
    /// A relay's store, which its positions belong to: a dialer that has the same gets no Lanes.
    #[n(9)]
    pub store: Option<StoreId>,
    /// The sender knows receipts. A relay's: the number of the newest one that it has of other devices
    /// than the receiver; a member's: 0.
    #[n(10)]
    pub receipts: Option<u64>,
    /// Arrival position of a relay's newest batch of all lanes.
    #[n(11)]
    pub tip: Option<u64>,
    /// Of a relay: the position of the receiver's own receipt that it keeps, 0 if it has none.
    #[n(12)]
    pub read: Option<u64>,
    /// The sender knows blobs; a receiver that does not is sent no frame about them.
    #[n(13)]
    pub blobs: Option<BlobTip>,
}

/// How one lane stands at the sender.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LaneState {
    /// The lane.
    #[n(0)]
    pub lane: LaneId,
    /// Digest of its heads and of what has lost there.
    #[n(1)]
    pub digest: Digest,
    /// Arrival position of its newest batch.
    #[n(2)]
    pub tip: u64,
    /// Position in the lane of the receiver's own log, as the sender has it.
    #[n(3)]
    pub yours: u64,
    /// Chain hash there, so that a restored backup is noticed before it writes; none if the sender
    /// has nothing of that log.
    #[n(4)]
    pub chain: Option<ChainHash>,
    /// Digest of what has lost there; none if nothing has.
    #[n(5)]
    pub lost: Option<Digest>,
}

/// Digests differ: where each shared lane stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Lanes {
    /// Which life of the sender's store its positions belong to.
    #[n(0)]
    pub store: StoreId,
    /// The lanes that differ, as far as the sketches tell.
    #[n(1)]
    pub lanes: Vec<LaneState>,
    /// Which of the receiver's sketches are of equal lanes: a bit each, the first one the lowest bit
    /// of the first byte.
    #[n(2)]
    pub equal: Option<ByteVec>,
}

/// What one side has of a lane, or wants of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LaneHeads {
    /// The lane.
    #[n(0)]
    pub lane: LaneId,
    /// Per log (docs/protocol.md §7): `mark 4 | check 1 | varint seq` of what is there, in an [`Ask`];
    /// `mark 4 | varint seq` of the first entry that is lacking, in a [`Want`].
    #[n(1)]
    pub heads: ByteVec,
    /// In an [`Ask`]: these are all logs that the sender has in the lane, so it lacks the others.
    #[n(2)]
    pub is_complete: bool,
}

/// Asks for what the sender lacks, and says what it has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Ask {
    /// Of a relay: what arrived in a lane after a position.
    #[n(0)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub pull: Vec<(LaneId, u64)>,
    /// What the sender has of some lanes; the receiver sends what is missing there.
    #[n(1)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub heads: Vec<LaneHeads>,
    /// Lanes that the receiver listed and that the sender does not know yet: nothing is to be sent there.
    #[n(2)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub unknown: Vec<LaneId>,
    /// Lanes of which the sender wants all batches that lie on losing branches.
    #[n(3)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub lost: Vec<LaneId>,
}

/// Answers an [`Ask`]: the first entry of each log that the sender lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Want {
    /// Per lane, the logs and positions.
    #[n(0)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub lanes: Vec<LaneHeads>,
    /// Send each batch with the hash that it follows: the sender has another branch of the log.
    #[n(1)]
    #[cbor(default)]
    pub is_explicit: bool,
    /// Lanes that were asked for and that the sender does not know or may not give.
    #[n(2)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub unknown: Vec<LaneId>,
}

/// How much is about to come, from one snapshot of the sender's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Totals {
    /// Batches.
    #[n(0)]
    pub batches: u64,
    /// Entries.
    #[n(1)]
    pub entries: u64,
    /// Bytes of the batches.
    #[n(2)]
    pub bytes: u64,
}

/// What the receiver has on disk.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ack {
    /// How many batches of this session, from the first, are durable or refused by name.
    #[n(0)]
    pub batches: u64,
    /// Arrival position of the newest of them at the receiver.
    #[n(1)]
    pub arrival: u64,
    /// Of a relay: the arrival position of each batch since the ack before, 0 for one that was not new
    /// ([`receipts::encode_positions`]).
    #[n(2)]
    pub positions: Option<ByteVec>,
}

/// Everything that was to be sent has been sent; from here on the session is live.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CaughtUp {
    /// Position up to which each pulled lane has been sent.
    #[n(0)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub lanes: Vec<(LaneId, u64)>,
    /// Of a relay: of all lanes that the receiver may have, everything up to this position has been sent.
    #[n(1)]
    pub tip: Option<u64>,
}

/// Why a peer does not take something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[expect(missing_docs, reason = "the sentences say it")]
pub enum Refusal {
    #[error("a frame broke the protocol")]
    BadFrame,
    #[error("a batch's signature does not match")]
    BadSignature,
    #[error("the other side is too busy; it will be tried again")]
    Busy,
    #[error("the relay does not carry this community; ask its operator to allow it")]
    CommunityUnknown,
    #[error("a batch does not follow what the other side has")]
    Gap,
    #[error("the entries are kept there, but held for a coordinator to decide")]
    Held,
    #[error("the other side had a fault of its own; it will be tried again")]
    Internal,
    #[error("the invitation is not known there; ask the lead to sync once, then try again")]
    InviteUnknown,
    #[error("the invitation has been used; ask for a new one")]
    InviteUsed,
    #[error("this device is not a member of the community")]
    NotAMember,
    #[error("this device may not write there")]
    NotAllowed,
    #[error("the quota there is used up")]
    OverQuota,
    #[error("the other side is shutting down")]
    ShuttingDown,
    #[error("the disk there is full")]
    StoreFull,
    #[error("a batch or frame is too large")]
    TooLarge,
    #[error("the other side does not know this kind of frame")]
    UnknownFrame,
    #[error("the other side speaks only a newer protocol: update Banyan on this device")]
    VersionTooNew,
    #[error("the other side speaks only an older protocol: it has to be updated")]
    VersionTooOld,
}

impl Refusal {
    const CODES: &[(u16, Self)] = &[
        (1, Self::BadFrame),
        (2, Self::BadSignature),
        (3, Self::Busy),
        (4, Self::CommunityUnknown),
        (5, Self::Gap),
        (6, Self::Held),
        (7, Self::Internal),
        (8, Self::InviteUnknown),
        (9, Self::InviteUsed),
        (10, Self::NotAMember),
        (11, Self::NotAllowed),
        (12, Self::OverQuota),
        (13, Self::ShuttingDown),
        (14, Self::StoreFull),
        (15, Self::TooLarge),
        (16, Self::UnknownFrame),
        (17, Self::VersionTooNew),
        (18, Self::VersionTooOld),
    ];

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        Self::CODES
            .iter()
            .find(|(_, refusal)| *refusal == self)
            .map_or(0, |(code, _)| *code)
    }

    /// What a number means; numbers of newer versions mean a fault there.
    #[must_use]
    pub fn from_code(code: u16) -> Self {
        Self::CODES
            .iter()
            .find(|(known, _)| *known == code)
            .map_or(Self::Internal, |(_, refusal)| *refusal)
    }

    /// Whether trying again later may help although nobody does anything about it.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Busy | Self::Internal | Self::ShuttingDown | Self::StoreFull
        )
    }

    /// Whether the session is over after it.
    #[must_use]
    pub fn ends_session(self) -> bool {
        match self {
            Self::BadFrame
            | Self::Busy
            | Self::CommunityUnknown
            | Self::Internal
            | Self::InviteUnknown
            | Self::InviteUsed
            | Self::NotAMember
            | Self::ShuttingDown
            | Self::StoreFull
            | Self::VersionTooNew
            | Self::VersionTooOld => true,
            Self::BadSignature
            | Self::Gap
            | Self::Held
            | Self::NotAllowed
            | Self::OverQuota
            | Self::TooLarge
            | Self::UnknownFrame => false,
        }
    }
}

/// A typed refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Refuse {
    /// Why, as a number ([`Refusal::code`]).
    #[n(0)]
    pub code: u16,
    /// Which batch of this session, counted from 1; none: the session or a frame.
    #[n(1)]
    pub batch: Option<u64>,
}

/// The end of a session, said on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Bye {}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is documented at its type")]
pub enum Frame {
    Ack(Ack),
    Ask(Ask),
    AskErased(AskErased),
    AskReceipts(AskReceipts),
    Batches(Batches),
    Blob(BlobFrame),
    Bye(Bye),
    CaughtUp(CaughtUp),
    HasErased(HasErased),
    Hello(Hello),
    Lanes(Lanes),
    Receipts(Receipts),
    Refuse(Refuse),
    Totals(Totals),
    Want(Want),
}

/// What is wrong with a frame that a peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadFrame {
    /// The bytes are not what their type says.
    #[error("a frame of type {0} is not laid out as the protocol says")]
    Layout(u8),
    /// Longer than any frame may be.
    #[error("a frame is longer than {FRAME_BYTES_MAX} bytes")]
    TooLarge,
    /// A type that this version does not know: refused, and the session goes on.
    #[error("frames of type {0} are not known to this version")]
    Unknown(u8),
}

const HELLO: u8 = 1;
const LANES: u8 = 2;
const ASK: u8 = 3;
const WANT: u8 = 4;
const TOTALS: u8 = 5;
const BATCHES: u8 = 6;
const ACK: u8 = 7;
const CAUGHT_UP: u8 = 8;
const REFUSE: u8 = 9;
const BYE: u8 = 11;
const ASK_ERASED: u8 = 12;
const HAS_ERASED: u8 = 13;
const RECEIPTS: u8 = 14;
const ASK_RECEIPTS: u8 = 15;

/// Frame types with their names, for the test that holds docs/protocol.md against the code.
/// 10 is not given again: it was kept for another form of receipts, which no version has ever sent.
/// 32..=47 are reserved for snapshots, 55..=63 for what comes to be said about blobs.
pub const FRAME_TYPES: &[(u8, &str)] = &[
    (HELLO, "hello"),
    (LANES, "lanes"),
    (ASK, "ask"),
    (WANT, "want"),
    (TOTALS, "totals"),
    (BATCHES, "batches"),
    (ACK, "ack"),
    (CAUGHT_UP, "caught-up"),
    (REFUSE, "refuse"),
    (BYE, "bye"),
    (ASK_ERASED, "ask-erased"),
    (HAS_ERASED, "has-erased"),
    (RECEIPTS, "receipts"),
    (ASK_RECEIPTS, "ask-receipts"),
    (blobs::ASK_BLOBS, "ask-blobs"),
    (blobs::HAVE_BLOBS, "have-blobs"),
    (blobs::WANT_BLOB, "want-blob"),
    (blobs::BLOB_HASHES, "blob-hashes"),
    (blobs::BLOB_CHUNK, "blob-chunk"),
    (blobs::BLOB_STORED, "blob-stored"),
    (blobs::BLOB_REFUSED, "blob-refused"),
];

impl Frame {
    /// The frame as bytes, length first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Ack(it) => (ACK, cbor(it)),
            Self::Batches(it) => (BATCHES, cbor(it)),
            Self::Blob(it) => it.encode(),
            Self::Bye(it) => (BYE, cbor(it)),
            Self::CaughtUp(it) => (CAUGHT_UP, cbor(it)),
            Self::Hello(it) => (HELLO, cbor(it)),
            Self::Lanes(it) => (LANES, cbor(it)),
            Self::Ask(it) => (ASK, cbor(it)),
            Self::AskErased(it) => (ASK_ERASED, cbor(it)),
            Self::HasErased(it) => (HAS_ERASED, cbor(it)),
            Self::AskReceipts(it) => (ASK_RECEIPTS, cbor(it)),
            Self::Receipts(it) => (RECEIPTS, cbor(it)),
            Self::Refuse(it) => (REFUSE, cbor(it)),
            Self::Totals(it) => (TOTALS, cbor(it)),
            Self::Want(it) => (WANT, cbor(it)),
        };
        let mut bytes = Vec::with_capacity(body.len() + FRAME_PREFIX_MAX + 1);
        put_varint(&mut bytes, body.len() as u64 + 1);
        bytes.push(kind);
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads a frame from the bytes after its length.
    ///
    /// # Errors
    /// [`BadFrame`]; only [`BadFrame::Unknown`] leaves the session standing.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadFrame> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(BadFrame::TooLarge);
        }
        let (kind, body) = bytes.split_first().ok_or(BadFrame::Layout(0))?;
        let frame = match *kind {
            ACK => read_cbor(body).map(Self::Ack),
            BATCHES => read_cbor(body).map(Self::Batches),
            BYE => read_cbor(body).map(Self::Bye),
            CAUGHT_UP => read_cbor(body).map(Self::CaughtUp),
            HELLO => read_cbor(body).map(Self::Hello),
            LANES => read_cbor(body).map(Self::Lanes),
            ASK => read_cbor(body).map(Self::Ask),
            ASK_ERASED => read_cbor(body).map(Self::AskErased),
            HAS_ERASED => read_cbor(body).map(Self::HasErased),
            ASK_RECEIPTS => read_cbor(body).map(Self::AskReceipts),
            RECEIPTS => read_cbor(body).map(Self::Receipts),
            REFUSE => read_cbor(body).map(Self::Refuse),
            TOTALS => read_cbor(body).map(Self::Totals),
            WANT => read_cbor(body).map(Self::Want),
            blobs::ASK_BLOBS..=blobs::BLOB_REFUSED => {
                BlobFrame::decode(*kind, body).map(Self::Blob)
            }
            unknown => return Err(BadFrame::Unknown(unknown)),
        };
        frame.ok_or(BadFrame::Layout(*kind))
    }
}

fn cbor(body: &impl Encode<()>) -> Vec<u8> {
    minicbor::to_vec(body).expect("writing to memory does not fail")
}

/// The length that a prefix announces, and how many bytes the prefix took.
///
/// `Ok(None)` if more bytes are needed to tell.
///
/// # Errors
/// [`BadFrame::TooLarge`] or a prefix that is no length.
pub fn frame_len(bytes: &[u8]) -> Result<Option<(usize, usize)>, BadFrame> {
    let prefix = bytes
        .get(..bytes.len().min(FRAME_PREFIX_MAX))
        .unwrap_or_default();
    let is_whole = prefix.iter().any(|byte| byte & 0x80 == 0);
    if !is_whole {
        return if prefix.len() < FRAME_PREFIX_MAX {
            Ok(None)
        } else {
            Err(BadFrame::TooLarge)
        };
    }
    let mut reader = Reader::new(prefix);
    let len = reader.varint().ok_or(BadFrame::Layout(0))?;
    let len = usize::try_from(len).map_err(|_| BadFrame::TooLarge)?;
    match len {
        0 => Err(BadFrame::Layout(0)),
        len if len > FRAME_BYTES_MAX => Err(BadFrame::TooLarge),
        len => Ok(Some((len, reader.position()))),
    }
}

#[cfg(test)]
mod tests;
