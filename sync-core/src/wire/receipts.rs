//! Receipts on the wire, and positions beside batches and acks.

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use crate::entry::codec::{Reader, put_varint};
use crate::id::{DeviceId, Millis, StoreId};
use crate::keys::Signature;
use crate::receipt::{LanesMark, Reading, SignedReceipt, VerifiedReceipt};
use crate::wire::batches::{unzigzag, zigzag};

/// Most receipts in one frame.
pub const RECEIPTS_MAX: usize = 512;

/// Receipts for one relay's store: a device's own, or those of others from the relay.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipts {
    /// Which life of the relay's store.
    #[n(0)]
    pub store: StoreId,
    /// From a relay: these are all that it has of others with numbers after this one …
    #[n(1)]
    #[cbor(default)]
    pub after: u64,
    /// … up to this one.
    #[n(2)]
    #[cbor(default)]
    pub upto: u64,
    /// The receipts.
    #[n(3)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub rows: Vec<ReceiptRow>,
}

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReceiptRow {
    /// Who has read.
    #[n(0)]
    pub device: DeviceId,
    /// Up to which position.
    #[n(1)]
    pub position: u64,
    /// When, in milliseconds since 1970 by its clock.
    #[n(2)]
    pub at: i64,
    /// Which lanes.
    #[n(3)]
    pub lanes: LanesMark,
    /// Ed25519 over [`Reading::signed_bytes`].
    #[n(4)]
    pub signature: ByteArray<64>,
}

impl ReceiptRow {
    /// The receipt, still to be verified.
    #[must_use]
    pub fn receipt(&self, store: StoreId) -> SignedReceipt {
        let reading = Reading {
            store,
            position: self.position,
            at: Millis(self.at),
            lanes: self.lanes,
        };
        SignedReceipt::new(self.device, reading, Signature::new(*self.signature))
    }
}

impl From<&VerifiedReceipt> for ReceiptRow {
    fn from(receipt: &VerifiedReceipt) -> Self {
        let reading = receipt.reading();
        Self {
            device: *receipt.device(),
            position: reading.position,
            at: reading.at.0,
            lanes: reading.lanes,
            signature: (*receipt.signature().as_bytes()).into(),
        }
    }
}

/// Asks a relay for the receipts that it has taken since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AskReceipts {
    /// The number of the last one that came.
    #[n(0)]
    pub after: u64,
}

/// Positions one after the other, each as its distance from the one before; 0 is none.
#[must_use]
pub fn encode_positions(positions: &[u64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(positions.len() + 4);
    let mut before = 0_u64;
    for position in positions {
        put_varint(&mut bytes, zigzag(position.wrapping_sub(before)));
        before = *position;
    }
    bytes
}

/// The positions of so many batches; nothing if the bytes are not of exactly so many.
#[must_use]
pub fn decode_positions(bytes: &[u8], count: usize) -> Option<Vec<u64>> {
    // Each takes a byte at least.
    if count > bytes.len() {
        return None;
    }
    let mut reader = Reader::new(bytes);
    let mut before = 0_u64;
    let mut positions = Vec::with_capacity(count);
    while !reader.is_at_end() {
        before = before.wrapping_add(unzigzag(reader.varint()?));
        positions.push(before);
    }
    (positions.len() == count).then_some(positions)
}
