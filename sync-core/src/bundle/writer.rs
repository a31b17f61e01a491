//! Writing a bundle, piece by piece: batches in, bytes out.

use rand_core::CryptoRng;

use crate::blob::{BlobList, BlobName};
use crate::bundle::frames::{End, Inside, LaneHeads, SignedWord};
use crate::bundle::seal::{FrameCipher, seal_info};
use crate::bundle::{BUNDLE_READERS_MAX, MAGIC, Manifest, Word, WriteBundleError};
use crate::entry::VerifiedBatch;
use crate::entry::seal::TAG_LEN;
use crate::id::CommunityId;
use crate::keys::{SealingKey, Secret, seal_key};
use crate::wire::batches::BatchWriter;
use crate::wire::blobs::{BlobChunk, BlobHashes};
use crate::wire::{FRAME_BATCHES_MAX, FRAME_BYTES_TARGET};

/// Most heads in one frame.
pub(crate) const FRAME_HEADS: usize = 4_096;
/// Bytes of a file before the sealed keys: the first ones, the community, the number of keys.
pub(crate) const BEGINNING_LEN: usize = 13 + CommunityId::LEN + 4;
/// Bytes of a record beside its frame.
pub(crate) const RECORD_LEN: usize = 4 + TAG_LEN;

/// One file.
#[derive(Debug)]
pub struct BundleWriter {
    cipher: FrameCipher,
    batches: BatchWriter,
    out: Vec<u8>,
    /// Frames of blobs since the last one that every version knows.
    blob_frames: usize,
}

/// After so many frames of blobs comes one of batches, which may be empty: who does not know blobs gives up
/// after 1,024 frames that it does not know.
const BLOB_FRAMES_MAX: usize = 512;

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
            blob_frames: 0,
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

    /// Adds the list of a blob's chunks. They are added after it; in the next file of an export the list stands
    /// again before those that follow.
    pub fn blob_list(&mut self, name: &BlobName, list: &BlobList) {
        self.put_blob(&Inside::BlobHashes(BlobHashes {
            blob: (*name).into(),
            padded: list.padded(),
            hashes: list.to_bytes().into(),
        }));
    }

    /// Adds a sealed chunk of a blob.
    pub fn blob_chunk(&mut self, name: &BlobName, index: u32, bytes: Vec<u8>) {
        self.put_blob(&Inside::BlobChunk(BlobChunk {
            blob: (*name).into(),
            index,
            bytes: bytes.into(),
        }));
    }

    fn put_blob(&mut self, frame: &Inside) {
        self.end_frame();
        if self.blob_frames == BLOB_FRAMES_MAX {
            self.blob_frames = 0;
            let nothing = Inside::Batches(self.batches.take());
            self.put(&nothing);
        }
        self.blob_frames += 1;
        self.put(frame);
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
