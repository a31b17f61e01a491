//! Blobs: sealed bytes outside of logs, such as a photo, which a record names.
//!
//! A blob is cut into chunks, each sealed under a key that is this blob's alone. Its id is a hash over its
//! length and the hashes of its sealed chunks. So whoever carries it, a relay too, verifies each
//! chunk as it comes and needs no key for that; only the record that names the blob, sealed itself,
//! has the key ([`BlobRef`]). What a blob's size tells is rounded ([`padded_len`]; docs/protocol.md §19).

use std::fmt;
use std::str::FromStr;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use data_encoding::BASE32_NOPAD;
use rand_core::CryptoRng;
use thiserror::Error;

pub use crate::id::BlobId;
use crate::id::{LogId, Seq};
use crate::keys::{Secret, derive, domain};

/// Bytes of a whole chunk before it is sealed.
pub const BLOB_CHUNK_BYTES: usize = 65_536;
/// The same, beside lengths.
pub(crate) const CHUNK_LEN: u32 = 65_536;
/// Bytes that sealing adds to a chunk.
pub const BLOB_TAG_BYTES: usize = 16;
/// Most bytes of a blob before it is sealed.
pub const BLOB_BYTES_MAX: u32 = 32 * 1024 * 1024;
/// Most bytes of a preview before it is sealed: one chunk.
pub const BLOB_PREVIEW_BYTES_MAX: u32 = 64 * 1024;
/// What the length of a blob of one chunk is rounded up to; of a larger one, it is a whole chunk.
pub const BLOB_STEP_BYTES: u32 = 8 * 1024;
/// Most chunks of a blob.
pub const BLOB_CHUNKS_MAX: u32 = 512;

/// Where a blob is said and which it is: its name among those who carry it without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName {
    /// The log of the entry that says it.
    pub log: LogId,
    /// The position of that entry.
    pub seq: Seq,
    /// The blob.
    pub id: BlobId,
}

/// What is wrong with bytes that are to be, or to become, a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadBlob {
    /// Nothing at all.
    #[error("there is nothing in it")]
    Empty,
    /// Beyond what a blob may have.
    #[error("it is larger than {} MiB", BLOB_BYTES_MAX / 1024 / 1024)]
    TooLarge,
    /// The list of hashes is not the one that the id was made of.
    #[error("the list of its chunks is not the one that its id names")]
    OtherList,
    /// A chunk that the list does not have at this place.
    #[error("a chunk is not the one that its list names")]
    OtherChunk,
    /// The key does not open it, or it is not laid out as blobs are.
    #[error("it cannot be opened with the key that its record has")]
    Sealed,
}

/// What a record says of a blob: which, the key that opens it, and how long it is.
#[derive(Clone, PartialEq, Eq)]
pub struct BlobRef {
    /// The blob.
    pub id: BlobId,
    /// Its key, which is of this blob alone.
    pub key: Secret,
    /// Its bytes, without the rounding.
    pub len: u32,
}

impl BlobRef {
    /// Bytes of its packed form.
    const LEN: usize = BlobId::LEN + 32 + 4;

    /// The form that a record keeps: base32 of `id 32 | key 32 | len u32`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let parts = [
            self.id.as_bytes().as_slice(),
            self.key.expose(),
            &self.len.to_be_bytes(),
        ];
        BASE32_NOPAD.encode(&parts.concat()).to_ascii_lowercase()
    }
}

impl fmt::Debug for BlobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobRef({}, {} bytes)", self.id.short(), self.len)
    }
}

/// A text that names no blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not the name of a blob with its key")]
pub struct ParseBlobRefError;

impl FromStr for BlobRef {
    type Err = ParseBlobRefError;

    /// Only the form that [`BlobRef::to_text`] writes, of a length that a blob may have.
    fn from_str(text: &str) -> Result<Self, ParseBlobRefError> {
        let bytes = BASE32_NOPAD
            .decode(text.to_ascii_uppercase().as_bytes())
            .map_err(|_| ParseBlobRefError)?;
        let bytes = <[u8; Self::LEN]>::try_from(bytes).map_err(|_| ParseBlobRefError)?;
        let (id, rest) = bytes.split_first_chunk().ok_or(ParseBlobRefError)?;
        let (key, len) = rest.split_first_chunk().ok_or(ParseBlobRefError)?;
        let len = u32::from_be_bytes(len.try_into().map_err(|_| ParseBlobRefError)?);
        let named = Self {
            id: BlobId::new(*id),
            key: Secret::new(*key),
            len,
        };
        let is_canonical = named.to_text() == text && (1..=BLOB_BYTES_MAX).contains(&len);
        is_canonical.then_some(named).ok_or(ParseBlobRefError)
    }
}

/// How many bytes of a blob are sealed: its length rounded up, so that sizes tell little.
#[must_use]
pub fn padded_len(len: u32) -> u32 {
    let step = if len <= CHUNK_LEN {
        BLOB_STEP_BYTES
    } else {
        CHUNK_LEN
    };
    len.div_ceil(step).saturating_mul(step)
}

/// The hashes of a blob's sealed chunks, proved by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobList {
    id: BlobId,
    padded: u32,
    hashes: Vec<[u8; 32]>,
}

impl BlobList {
    /// Of the bytes as they are sent, if they are the list that this id was made of.
    ///
    /// # Errors
    /// [`BadBlob::TooLarge`] or [`BadBlob::OtherList`].
    pub fn read(id: &BlobId, padded: u32, hashes: &[u8]) -> Result<Self, BadBlob> {
        if padded > BLOB_BYTES_MAX {
            return Err(BadBlob::TooLarge);
        }
        let (hashes, rest) = hashes.as_chunks::<32>();
        let chunks = padded.div_ceil(CHUNK_LEN);
        let is_whole = rest.is_empty() && u32::try_from(hashes.len()) == Ok(chunks);
        if padded == 0 || padded_len(padded) != padded || !is_whole {
            return Err(BadBlob::OtherList);
        }
        let list = Self::new(padded, hashes.to_vec());
        (list.id == *id).then_some(list).ok_or(BadBlob::OtherList)
    }

    fn new(padded: u32, hashes: Vec<[u8; 32]>) -> Self {
        let list = hashes.concat();
        let id = derive(domain::BLOB, &[&u64::from(padded).to_be_bytes(), &list]);
        Self {
            id: BlobId::from_hash(&id),
            padded,
            hashes,
        }
    }

    /// The blob.
    #[must_use]
    pub fn id(&self) -> &BlobId {
        &self.id
    }

    /// Bytes that are sealed, rounding included.
    #[must_use]
    pub fn padded(&self) -> u32 {
        self.padded
    }

    /// Bytes of all sealed chunks together.
    #[must_use]
    pub fn sealed_bytes(&self) -> u64 {
        u64::from(self.padded) + u64::from(self.chunks()) * BLOB_TAG_BYTES as u64
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        u32::try_from(self.hashes.len()).unwrap_or(u32::MAX)
    }

    /// The hashes as they are sent, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// Whether these are the sealed bytes of this chunk.
    ///
    /// # Errors
    /// [`BadBlob::OtherChunk`].
    pub fn verify(&self, index: u32, sealed: &[u8]) -> Result<(), BadBlob> {
        let expected = usize::try_from(index)
            .ok()
            .and_then(|index| self.hashes.get(index));
        let is_it = expected.is_some_and(|hash| blake3::hash(sealed) == blake3::Hash::from(*hash));
        is_it.then_some(()).ok_or(BadBlob::OtherChunk)
    }
}

/// A blob that has just been sealed.
#[derive(Debug, Clone)]
pub struct SealedBlob {
    /// What the record says of it.
    pub named: BlobRef,
    /// Its list.
    pub list: BlobList,
    /// Its sealed chunks.
    pub chunks: Vec<Vec<u8>>,
}

/// Seals bytes as a blob, under a new key.
///
/// # Errors
/// [`BadBlob::Empty`] or [`BadBlob::TooLarge`].
pub fn seal_blob(bytes: &[u8], rng: &mut dyn CryptoRng) -> Result<SealedBlob, BadBlob> {
    let len = u32::try_from(bytes.len()).map_err(|_| BadBlob::TooLarge)?;
    if len == 0 {
        return Err(BadBlob::Empty);
    }
    if len > BLOB_BYTES_MAX {
        return Err(BadBlob::TooLarge);
    }
    let key = Secret::generate(rng);
    let cipher = BlobCipher::new(&key, len);
    let mut chunks = Vec::new();
    for (index, plain) in bytes.chunks(BLOB_CHUNK_BYTES).enumerate() {
        chunks.push(cipher.seal(u32::try_from(index).unwrap_or(u32::MAX), plain));
    }
    let hashes = chunks.iter().map(|chunk| *blake3::hash(chunk).as_bytes());
    let list = BlobList::new(padded_len(len), hashes.collect());
    Ok(SealedBlob {
        named: BlobRef {
            id: list.id,
            key,
            len,
        },
        list,
        chunks,
    })
}

/// Opens chunks of one blob.
pub struct BlobCipher {
    cipher: ChaCha20Poly1305,
    len: u32,
}

impl fmt::Debug for BlobCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobCipher({} bytes)", self.len)
    }
}

impl BlobCipher {
    /// For a blob with this key and length.
    #[must_use]
    pub fn new(key: &Secret, len: u32) -> Self {
        Self {
            cipher: ChaCha20Poly1305::new(key.expose().into()),
            len,
        }
    }

    fn last(&self) -> u32 {
        padded_len(self.len).div_ceil(CHUNK_LEN).saturating_sub(1)
    }

    /// Bytes of a chunk, without and with the rounding.
    fn lens(&self, index: u32) -> (usize, usize) {
        let of = |all: u32| {
            let before = u64::from(index) * BLOB_CHUNK_BYTES as u64;
            let rest = u64::from(all).saturating_sub(before);
            usize::try_from(rest.min(BLOB_CHUNK_BYTES as u64)).unwrap_or_default()
        };
        (of(self.len), of(padded_len(self.len)))
    }

    /// No nonce is used twice under one key: a blob is sealed once.
    fn nonce(index: u32) -> Nonce {
        let mut nonce = [0; 12];
        let counted = nonce.iter_mut().skip(8).zip(index.to_be_bytes());
        counted.for_each(|(to, from)| *to = from);
        nonce.into()
    }

    /// `"banyan/blob-chunk/1" | is last u8`: a blob that was cut short does not open.
    fn aad(&self, index: u32) -> Vec<u8> {
        let is_last = u8::from(index == self.last());
        [domain::BLOB_CHUNK.as_bytes(), &[is_last]].concat()
    }

    fn seal(&self, index: u32, plain: &[u8]) -> Vec<u8> {
        let mut padded = plain.to_vec();
        padded.resize(self.lens(index).1, 0);
        let payload = Payload {
            msg: &padded,
            aad: &self.aad(index),
        };
        let sealed = self.cipher.encrypt(&Self::nonce(index), payload);
        sealed.expect("ChaCha20-Poly1305 takes any message under 256 GiB")
    }

    /// The bytes of a sealed chunk, without the rounding.
    ///
    /// # Errors
    /// [`BadBlob::Sealed`].
    pub fn open(&self, index: u32, sealed: &[u8]) -> Result<Vec<u8>, BadBlob> {
        let payload = Payload {
            msg: sealed,
            aad: &self.aad(index),
        };
        let plain = self.cipher.decrypt(&Self::nonce(index), payload);
        let mut plain = plain.map_err(|_| BadBlob::Sealed)?;
        let (len, padded) = self.lens(index);
        let is_rounded = plain
            .get(len..)
            .is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
        if plain.len() != padded || !is_rounded || len == 0 {
            return Err(BadBlob::Sealed);
        }
        plain.truncate(len);
        Ok(plain)
    }
}

#[cfg(test)]
mod tests;
