//! Sealing and opening: plaintext entries to signed batches and back.
//!
//! Payloads are compressed by their room before they come here. The roster lane is in clear, so that
//! a relay can read keys and roles; every other lane is sealed under an epoch key of its space.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use rand_core::CryptoRng;
use thiserror::Error;

use crate::entry::codec::build_tail;
use crate::entry::{
    BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, Body, ENTRY_BYTES_MAX, EntryKind, Place, Salt, SignedBatch,
    VerifiedBatch, entries_root, preimage,
};
use crate::epoch::EpochKey;
use crate::id::{CommunityId, EpochId, Head, LogId};
use crate::keys::{self, SealError, Secret, Signer, domain};

/// Bytes that sealing adds to an entry.
pub const TAG_LEN: usize = 16;

/// One entry before it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainEntry {
    /// What the bytes are.
    pub kind: EntryKind,
    /// The bytes, already compressed.
    pub bytes: Vec<u8>,
}

/// Why entries of ours could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealBatchError {
    /// An entry is too large for any batch.
    #[error("one change is larger than {ENTRY_BYTES_MAX} bytes; split it into smaller ones")]
    EntryTooLarge,
    /// There are no entries, an empty one, or more than one batch takes.
    #[error("one batch takes 1 to {BATCH_ENTRIES_MAX} changes of together {BATCH_BYTES_MAX} bytes")]
    NotOneBatch,
    /// The device's keys did not sign.
    #[error(transparent)]
    Keys(#[from] SealError),
}

/// How many of the entries from the front fit into one batch; 0 only if there are none.
#[must_use]
pub fn batch_len(stored_lens: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0;
    let mut count = 0;
    for len in stored_lens.take(BATCH_ENTRIES_MAX) {
        bytes += len;
        if count > 0 && bytes > BATCH_BYTES_MAX {
            break;
        }
        count += 1;
    }
    count
}

/// Seals, chains and signs the next batch of a log of ours.
///
/// `entries` must fit one batch (see [`batch_len`]). `epoch` is `None` for the roster lane alone.
///
/// # Errors
/// [`SealBatchError::EntryTooLarge`], [`SealBatchError::NotOneBatch`] or the key store's refusal;
/// nothing is half done.
pub fn seal_batch(
    signer: &dyn Signer,
    community: &CommunityId,
    log: LogId,
    after: &Head,
    epoch: Option<&EpochKey>,
    entries: &[PlainEntry],
    rng: &mut dyn CryptoRng,
) -> Result<VerifiedBatch, SealBatchError> {
    let mut salt = Salt([0; 16]);
    rng.fill_bytes(&mut salt.0);
    let place = Place {
        log,
        first_seq: after.next(),
        epoch: epoch.map_or(EpochId::ZERO, EpochKey::id),
    };
    let stored = seal_entries(community, &place, &salt, epoch, entries)?;
    let fits = batch_len(stored.iter().map(|(_, bytes)| bytes.len())) == stored.len();
    if stored.is_empty() || !fits || stored.iter().any(|(_, bytes)| bytes.is_empty()) {
        return Err(SealBatchError::NotOneBatch);
    }
    let bodies: Vec<_> = stored
        .iter()
        .map(|(kind, bytes)| (*kind, Body::Present(bytes.as_slice())))
        .collect();
    let root = entries_root(bodies.iter().copied());
    let bytes = preimage(community, &place, bodies.len(), &after.chain, &salt, &root);
    let signature = signer.sign(&bytes)?;
    let tail = build_tail(&salt, &signature, &bodies);
    let batch = SignedBatch::parse(place, tail).expect("batches of ours follow the layout");
    debug_assert!(batch.clone().verify(community, &after.chain).is_ok());
    Ok(batch.into_verified(&after.chain, &bytes))
}

fn seal_entries(
    community: &CommunityId,
    place: &Place,
    salt: &Salt,
    epoch: Option<&EpochKey>,
    entries: &[PlainEntry],
) -> Result<Vec<(EntryKind, Vec<u8>)>, SealBatchError> {
    let cipher = epoch.map(|key| BatchCipher::new(community, place, salt, key));
    let mut stored = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let bytes = match &cipher {
            Some(cipher) => cipher.seal(index, entry.kind, &entry.bytes),
            None => entry.bytes.clone(),
        };
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(SealBatchError::EntryTooLarge);
        }
        stored.push((entry.kind, bytes));
    }
    Ok(stored)
}

/// An entry that does not open with the key of its epoch: its author sealed something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the entry does not open with the key of its epoch")]
pub struct DoesNotOpen;

/// The cipher of one batch: its key belongs to this batch alone, its nonces are indexes.
pub struct BatchCipher {
    cipher: ChaCha20Poly1305,
    associated: Vec<u8>,
}

impl std::fmt::Debug for BatchCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BatchCipher(..)")
    }
}

impl BatchCipher {
    /// Derives the key of one batch from its epoch's.
    #[must_use]
    pub fn new(community: &CommunityId, place: &Place, salt: &Salt, epoch: &EpochKey) -> Self {
        let log = &place.log;
        let key = keys::derive(
            domain::BATCH_KEY,
            &[
                epoch.secret().expose(),
                &salt.0,
                log.device.as_bytes(),
                log.incarnation.as_bytes(),
                &place.first_seq.0.to_be_bytes(),
            ],
        );
        let associated = [
            domain::BATCH.as_bytes(),
            community.as_bytes(),
            log.lane.as_bytes(),
            log.device.as_bytes(),
            log.incarnation.as_bytes(),
            &place.first_seq.0.to_be_bytes(),
            place.epoch.as_bytes(),
        ]
        .concat();
        Self {
            cipher: ChaCha20Poly1305::new(key.as_bytes().into()),
            associated,
        }
    }

    /// Opens a verified batch's cipher.
    #[must_use]
    pub fn of(community: &CommunityId, batch: &VerifiedBatch, epoch: &EpochKey) -> Self {
        Self::new(community, batch.place(), batch.salt(), epoch)
    }

    fn seal(&self, index: usize, kind: EntryKind, plain: &[u8]) -> Vec<u8> {
        let aad = self.associated_with(kind);
        self.cipher
            .encrypt(
                &nonce(index),
                Payload {
                    msg: plain,
                    aad: &aad,
                },
            )
            .expect("ChaCha20-Poly1305 takes any message under 256 GiB")
    }

    /// Opens the entry at `index` (0 is the batch's first).
    ///
    /// # Errors
    /// [`DoesNotOpen`] if it was sealed with another key, at another place or as another kind.
    pub fn open(
        &self,
        index: usize,
        kind: EntryKind,
        sealed: &[u8],
    ) -> Result<Vec<u8>, DoesNotOpen> {
        let aad = self.associated_with(kind);
        self.cipher
            .decrypt(
                &nonce(index),
                Payload {
                    msg: sealed,
                    aad: &aad,
                },
            )
            .map_err(|_| DoesNotOpen)
    }

    fn associated_with(&self, kind: EntryKind) -> Vec<u8> {
        let mut aad = Vec::with_capacity(self.associated.len() + 1);
        aad.extend_from_slice(&self.associated);
        aad.push(kind.code());
        aad
    }
}

fn nonce(index: usize) -> Nonce {
    let mut nonce = [0; 12];
    let index = u32::try_from(index).expect("a batch has at most 128 entries");
    let (_, low) = nonce.split_at_mut(8);
    low.copy_from_slice(&index.to_be_bytes());
    nonce.into()
}

/// Seals one short text (a name, a title) for a roster statement: `epoch 16 | salt 16 | sealed`.
#[must_use]
pub fn seal_text(
    author: &crate::id::DeviceId,
    epoch: &EpochKey,
    text: &str,
    rng: &mut dyn CryptoRng,
) -> Vec<u8> {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let sealed = text_cipher(epoch.secret(), &salt)
        .encrypt(
            &nonce(0),
            Payload {
                msg: text.as_bytes(),
                aad: author.as_bytes(),
            },
        )
        .expect("ChaCha20-Poly1305 takes any message under 256 GiB");
    [epoch.id().as_bytes().as_slice(), &salt, &sealed].concat()
}

/// Opens a sealed text; `None` if the key is not there yet or the text is not for it.
#[must_use]
pub fn open_text<'k>(
    author: &crate::id::DeviceId,
    sealed: &[u8],
    key: impl FnOnce(&EpochId) -> Option<&'k EpochKey>,
) -> Option<String> {
    let (epoch, rest) = sealed.split_at_checked(EpochId::LEN)?;
    let (salt, sealed) = rest.split_at_checked(16)?;
    let key = key(&EpochId::try_from(epoch).ok()?)?;
    let plain = text_cipher(key.secret(), salt)
        .decrypt(
            &nonce(0),
            Payload {
                msg: sealed,
                aad: author.as_bytes(),
            },
        )
        .ok()?;
    String::from_utf8(plain).ok()
}

fn text_cipher(epoch: &Secret, salt: &[u8]) -> ChaCha20Poly1305 {
    let key = keys::derive(domain::TEXT_KEY, &[epoch.expose(), salt]);
    ChaCha20Poly1305::new(key.as_bytes().into())
}
