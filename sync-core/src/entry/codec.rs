//! Bytes of a batch's tail, and the variable-length integers that it is made of.
//!
//! ```text
//! tail  = salt 16 | signature 64 | entry … (1..=128 of them, to the end)
//! entry = kind u8 | varint len (1 or more) | len bytes
//!       | kind u8 | 0 | varint len | commit 32              once it is erased
//! ```

use crate::entry::{
    BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, BadBatch, Body, ENTRY_BYTES_MAX, EntryKind, Salt,
};
use crate::id::Commit;
use crate::keys::Signature;
use std::ops::Range;

/// Bytes of a tail before its entries.
pub const TAIL_HEADER_LEN: usize = 16 + Signature::LEN;

/// Where one entry lies in a tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) kind: EntryKind,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    At(Range<usize>),
    Erased { len: u32, commit: Commit },
}

impl Slot {
    pub(crate) fn body<'a>(&self, tail: &'a [u8]) -> Body<'a> {
        match &self.content {
            Content::At(range) => Body::Present(
                tail.get(range.clone())
                    .expect("slots are ranges of their own tail"),
            ),
            Content::Erased { len, commit } => Body::Erased {
                len: *len,
                commit: *commit,
            },
        }
    }
}

/// Appends `value` in LEB128: seven bits a byte, lowest first.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Reads bytes from the front of a slice; every reader says `None` at the end instead of panicking.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Whether every byte has been read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// The next byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// The next LEB128 integer, in its shortest form only, so that bytes have one reading.
    pub fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return (byte != 0 || shift == 0).then_some(value);
            }
        }
        None
    }
}

/// Reads one CBOR item that takes up all of the bytes, so that nothing hides behind it.
pub(crate) fn read_cbor<'b, T: minicbor::Decode<'b, ()>>(bytes: &'b [u8]) -> Option<T> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let item = decoder.decode().ok()?;
    (decoder.position() == bytes.len()).then_some(item)
}

pub(crate) fn parse_tail(tail: &[u8]) -> Result<(Salt, Signature, Vec<Slot>), BadBatch> {
    let mut reader = Reader::new(tail);
    let salt = Salt(reader.array().ok_or(BadBatch::BadLayout)?);
    let signature = Signature::new(reader.array().ok_or(BadBatch::BadLayout)?);
    let mut slots = Vec::new();
    let mut stored = 0;
    while !reader.is_at_end() {
        if slots.len() == BATCH_ENTRIES_MAX {
            return Err(BadBatch::TooLarge);
        }
        let (slot, len) = parse_slot(&mut reader)?;
        stored += len;
        slots.push(slot);
    }
    if slots.is_empty() {
        return Err(BadBatch::BadLayout);
    }
    if slots.len() > 1 && stored > BATCH_BYTES_MAX {
        return Err(BadBatch::TooLarge);
    }
    Ok((salt, signature, slots))
}

fn parse_slot(reader: &mut Reader<'_>) -> Result<(Slot, usize), BadBatch> {
    let kind = EntryKind::from_code(reader.byte().ok_or(BadBatch::BadLayout)?);
    let len = parse_len(reader)?;
    if len > 0 {
        let start = reader.position();
        reader.take(len).ok_or(BadBatch::BadLayout)?;
        return Ok((
            Slot {
                kind,
                content: Content::At(start..start + len),
            },
            len,
        ));
    }
    let len = parse_len(reader)?;
    if len == 0 {
        return Err(BadBatch::BadLayout);
    }
    let commit = Commit::new(reader.array().ok_or(BadBatch::BadLayout)?);
    let erased = u32::try_from(len).map_err(|_| BadBatch::TooLarge)?;
    Ok((
        Slot {
            kind,
            content: Content::Erased {
                len: erased,
                commit,
            },
        },
        len,
    ))
}

fn parse_len(reader: &mut Reader<'_>) -> Result<usize, BadBatch> {
    let len = reader.varint().ok_or(BadBatch::BadLayout)?;
    usize::try_from(len)
        .ok()
        .filter(|len| *len <= ENTRY_BYTES_MAX)
        .ok_or(BadBatch::TooLarge)
}

/// Builds a tail out of its parts; the signature may be put in later.
pub(crate) fn build_tail(
    salt: &Salt,
    signature: &Signature,
    entries: &[(EntryKind, Body<'_>)],
) -> Vec<u8> {
    let mut tail = Vec::with_capacity(TAIL_HEADER_LEN + 64 * entries.len());
    tail.extend_from_slice(&salt.0);
    tail.extend_from_slice(signature.as_bytes());
    for (kind, body) in entries {
        tail.push(kind.code());
        match body {
            Body::Present(bytes) => {
                put_varint(&mut tail, bytes.len() as u64);
                tail.extend_from_slice(bytes);
            }
            Body::Erased { len, commit } => {
                tail.push(0);
                put_varint(&mut tail, u64::from(*len));
                tail.extend_from_slice(commit.as_bytes());
            }
        }
    }
    tail
}
