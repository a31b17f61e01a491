//! Writing a bundle, piece by piece: batches in, bytes out.

use rand_core::CryptoRng;

use crate::bundle::frames::{End, Inside, LaneHeads, SignedWord};
use crate::bundle::seal::{FrameCipher, seal_info};
use crate::bundle::{BUNDLE_READERS_MAX, MAGIC, Manifest, Word, WriteBundleError};
use crate::entry::VerifiedBatch;
use crate::entry::seal::TAG_LEN;
use crate::id::CommunityId;
use crate::keys::{SEALED_KEY_LEN, SealingKey, Secret, seal_key};
use crate::wire::batches::BatchWriter;
use crate::wire::{FRAME_BATCHES_MAX, FRAME_BYTES_TARGET};

/// Most heads in one frame.
const FRAME_HEADS: usize = 4_096;
/// Bytes of a file before the sealed keys: the first ones, the community, the number of keys.
const BEGINNING_LEN: usize = 13 + CommunityId::LEN + 4;
/// Bytes of a record beside its frame.
pub(super) const RECORD_LEN: usize = 4 + TAG_LEN;
/// Most bytes that one batch takes beside its tail: its length, its row's number, how far it lies ahead,
/// and the hash that it follows.
const BATCH_LEN_MAX: u64 = 5 + 4 + 10 + 32;
/// Most bytes of a row and of the lane and the epoch that it names.
const ROW_LEN_MAX: u64 = 46 + 17 + 17;
/// Most bytes of the manifest, the word, the end and of what stands around the batches of the last frame.
const REST_LEN_MAX: u64 = 1_024;
/// Most bytes of one head.
const HEAD_LEN_MAX: u64 = 82;

/// One file.
#[derive(Debug)]
pub struct BundleWriter {
    cipher: FrameCipher,
    batches: BatchWriter,
    out: Vec<u8>,
}

impl BundleWriter {
    /// Begins a file for these readers. It has a key of its own.
    ///
    /// # Errors
    /// They are too many, or one of their keys is no key.
    pub fn begin(
        community: &CommunityId,
        readers: &[SealingKey],
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, WriteBundleError> {
        let count = u32::try_from(readers.len()).ok();
        let count = count.filter(|_| readers.len() <= BUNDLE_READERS_MAX);
        let count = count.ok_or(WriteBundleError::TooManyReaders)?;
        let key = Secret::generate(rng);
        let info = seal_info(community);
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(community.as_bytes());
        out.extend_from_slice(&count.to_be_bytes());
        for reader in readers {
            out.extend(seal_key(reader, &info, &key, rng)?);
        }
        Ok(Self {
            cipher: FrameCipher::new(*community, &key),
            batches: BatchWriter::default(),
            out,
        })
    }

    /// Says what the file is. It comes first.
    pub fn manifest(&mut self, manifest: &Manifest) {
        self.put(&Inside::Manifest(manifest.clone()));
    }

    /// Says what its sender has.
    pub fn word(&mut self, word: &Word) {
        for (lane, logs) in &word.heads {
            for some in logs.chunks(FRAME_HEADS) {
                self.put(&Inside::Heads(LaneHeads::new(*lane, some)));
            }
        }
        let signature = (*word.signature.as_bytes()).into();
        self.put(&Inside::Word(SignedWord { signature }));
    }

    /// Adds a batch.
    pub fn push(&mut self, batch: &VerifiedBatch) {
        self.batches.push(batch, true);
        let is_full = self.batches.bytes() >= FRAME_BYTES_TARGET;
        if is_full || self.batches.count() == FRAME_BATCHES_MAX {
            self.end_frame();
        }
    }

    /// Ends the file; its last bytes come from [`BundleWriter::take`].
    pub fn end(&mut self) {
        self.end_frame();
        self.put(&Inside::End(End {}));
    }

    /// The bytes that are ready.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// How many bytes are ready.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.out.len()
    }

    fn end_frame(&mut self) {
        if self.batches.count() > 0 {
            let frame = Inside::Batches(self.batches.take());
            self.put(&frame);
        }
    }

    fn put(&mut self, frame: &Inside) {
        self.put_plain(&frame.encode());
    }

    fn put_plain(&mut self, frame: &[u8]) {
        let sealed = self.cipher.seal(frame);
        let len = u32::try_from(sealed.len()).expect("frames are short");
        self.out.extend_from_slice(&len.to_be_bytes());
        self.out.extend(sealed);
    }

    /// Puts a frame that means anything or nothing, as somebody with bad intent would.
    #[cfg(any(test, feature = "hostile"))]
    pub fn put_anything(&mut self, frame: &[u8]) {
        self.put_plain(frame);
    }
}

/// How much a file takes, before it is written: never less than it will.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    left: u64,
    /// Bytes of batches that the frame in the making has already.
    in_frame: u64,
}

impl Room {
    /// What a file of at most so many bytes has left for batches; none if it has no room for any.
    pub(crate) fn of(bytes_max: u64, readers: usize, heads: usize) -> Option<Self> {
        let keys = readers as u64 * SEALED_KEY_LEN as u64;
        let frames = heads as u64 / FRAME_HEADS as u64 + heads as u64;
        let heads = heads as u64 * HEAD_LEN_MAX + frames * 64;
        let taken = BEGINNING_LEN as u64 + keys + heads + REST_LEN_MAX;
        let left = bytes_max.checked_sub(taken)?;
        // The largest batch fits.
        (left >= FRAME_BYTES_TARGET as u64 + 4_096).then_some(Self { left, in_frame: 0 })
    }

    /// Takes the room for one batch; false if it does not fit.
    pub(crate) fn take(&mut self, tail_len: usize, is_new_row: bool) -> bool {
        let row = if is_new_row { ROW_LEN_MAX } else { 0 };
        let batch = tail_len as u64 + BATCH_LEN_MAX + row;
        let is_frame_full = self.in_frame + batch >= FRAME_BYTES_TARGET as u64;
        let needs = batch + if is_frame_full { 64 + RECORD_LEN as u64 } else { 0 };
        let Some(left) = self.left.checked_sub(needs) else {
            return false;
        };
        self.left = left;
        self.in_frame = if is_frame_full { 0 } else { self.in_frame + batch };
        true
    }
}
