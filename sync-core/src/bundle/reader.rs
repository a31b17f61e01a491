//! Reading a bundle, frame by frame: never more in memory than one of them.

use std::io::{ErrorKind, Read};

use crate::blob::{BLOB_CHUNK_BYTES, BLOB_TAG_BYTES, BlobList, BlobName};
use crate::bundle::frames::Inside;
use crate::bundle::seal::{FrameCipher, seal_info};
use crate::bundle::writer::{BEGINNING_LEN, RECORD_LEN};
use crate::bundle::{BUNDLE_READERS_MAX, BadBundle, Heads, MAGIC, Manifest, Word};
use crate::entry::seal::TAG_LEN;
use crate::id::{CommunityId, Millis};
use crate::keys::{SEALED_KEY_LEN, Secret, Signature};
use crate::wire::batches::{BatchReader, Received};
use crate::wire::{FRAME_BYTES_MAX, HEADS_MAX, LANES_MAX};

/// Frames that only a newer version knows, one after the other, before the file counts as damaged.
const UNKNOWN_MAX: usize = 1_024;

/// One thing that a bundle says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Some batches, still to be verified.
    Batches(Vec<Received>),
    /// What the sender has, still to be verified.
    Word(Word),
    /// The chunks of a blob, which the id proves. They come next, or some of them.
    BlobList(BlobName, BlobList),
    /// A chunk of a blob, still to be verified.
    BlobChunk {
        /// Of which blob.
        name: BlobName,
        /// Which.
        index: u32,
        /// Its sealed bytes.
        bytes: Vec<u8>,
    },
}

/// A bundle that opens.
#[derive(Debug)]
pub struct BundleReader<R> {
    input: R,
    cipher: FrameCipher,
    batches: BatchReader,
    manifest: Manifest,
    heads: Heads,
    heads_count: usize,
    read: u64,
    is_at_end: bool,
}

/// The community that a bundle is of: all that it tells to everybody.
///
/// # Errors
/// It is no bundle.
pub fn read_community(mut input: impl Read) -> Result<CommunityId, BadBundle> {
    let mut magic = [0; MAGIC.len()];
    match fill(&mut input, &mut magic) {
        Err(BadBundle::Truncated) => return Err(BadBundle::NotABundle),
        other => other?,
    }
    if magic != *MAGIC {
        let [ours @ .., _] = MAGIC;
        let [theirs @ .., version] = &magic;
        let is_newer = ours == theirs && version.is_ascii_digit();
        return Err(if is_newer {
            BadBundle::Newer
        } else {
            BadBundle::NotABundle
        });
    }
    let mut community = [0; CommunityId::LEN];
    fill(&mut input, &mut community)?;
    Ok(CommunityId::new(community))
}

impl<R: Read> BundleReader<R> {
    /// Opens a bundle of this community. `open` is asked about each sealed key until it opens one.
    ///
    /// # Errors
    /// [`BadBundle`]; nothing of the file can be used.
    pub fn open(
        mut input: R,
        community: &CommunityId,
        open: impl Fn(&[u8], &[u8]) -> Option<Secret>,
    ) -> Result<Self, BadBundle> {
        let of = read_community(&mut input)?;
        if of != *community {
            return Err(BadBundle::OtherCommunity(of));
        }
        let mut count = [0; 4];
        fill(&mut input, &mut count)?;
        let count = u32::from_be_bytes(count);
        if u64::from(count) > BUNDLE_READERS_MAX as u64 {
            return Err(BadBundle::Damaged);
        }
        let info = seal_info(community);
        let mut key = None;
        for _ in 0..count {
            let mut sealed = [0; SEALED_KEY_LEN];
            fill(&mut input, &mut sealed)?;
            key = key.or_else(|| open(&info, &sealed));
        }
        let key = key.ok_or(BadBundle::NotForUs)?;
        let mut cipher = FrameCipher::new(*community, &key);
        let mut read = BEGINNING_LEN as u64 + u64::from(count) * SEALED_KEY_LEN as u64;
        let first = next_frame(&mut input, &mut cipher, &mut read)?;
        let Inside::Manifest(manifest) = first else {
            return Err(BadBundle::Damaged);
        };
        if !manifest.is_sound() {
            return Err(BadBundle::Damaged);
        }
        Ok(Self {
            input,
            cipher,
            batches: BatchReader::default(),
            manifest,
            heads: Vec::new(),
            heads_count: 0,
            read,
            is_at_end: false,
        })
    }

    /// What the file says to be.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How many of its bytes have been read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// The next thing that it says; none once it has come to its end.
    ///
    /// # Errors
    /// [`BadBundle`]; all that came before is whole, and nothing after it can be read.
    pub fn next_item(&mut self) -> Result<Option<Item>, BadBundle> {
        if self.is_at_end {
            return Ok(None);
        }
        for _ in 0..UNKNOWN_MAX {
            match next_frame(&mut self.input, &mut self.cipher, &mut self.read)? {
                Inside::Batches(frame) => {
                    let read = self.batches.read(frame);
                    let mut batches = read.map_err(|_| BadBundle::Damaged)?;
                    for one in &mut batches {
                        // Positions are a relay's word, and this is none.
                        one.position = None;
                    }
                    if batches.iter().any(|one| one.prev.is_none()) {
                        return Err(BadBundle::Damaged);
                    }
                    return Ok(Some(Item::Batches(batches)));
                }
                Inside::Heads(heads) => {
                    let logs = heads.read().ok_or(BadBundle::Damaged)?;
                    self.heads_count += logs.len();
                    match self.heads.last_mut() {
                        Some((lane, known)) if *lane == heads.lane => known.extend(logs),
                        Some(_) | None => self.heads.push((heads.lane, logs)),
                    }
                    if self.heads_count > HEADS_MAX || self.heads.len() > LANES_MAX {
                        return Err(BadBundle::Damaged);
                    }
                }
                Inside::Word(word) => {
                    return Ok(Some(Item::Word(Word {
                        device: self.manifest.device,
                        at: Millis(self.manifest.at),
                        heads: std::mem::take(&mut self.heads),
                        signature: Signature::new(*word.signature),
                    })));
                }
                Inside::End(_) => {
                    // Nothing hides behind the end.
                    return match fill(&mut self.input, &mut [0]) {
                        Err(BadBundle::Truncated) => {
                            self.is_at_end = true;
                            Ok(None)
                        }
                        Err(error) => Err(error),
                        Ok(()) => Err(BadBundle::Damaged),
                    };
                }
                Inside::BlobHashes(list) => {
                    let name = BlobName::from(list.blob);
                    let read = BlobList::read(&name.id, list.padded, &list.hashes);
                    let list = read.map_err(|_| BadBundle::Damaged)?;
                    return Ok(Some(Item::BlobList(name, list)));
                }
                Inside::BlobChunk(chunk) => {
                    if chunk.bytes.len() > BLOB_CHUNK_BYTES + BLOB_TAG_BYTES {
                        return Err(BadBundle::Damaged);
                    }
                    return Ok(Some(Item::BlobChunk {
                        name: chunk.blob.into(),
                        index: chunk.index,
                        bytes: chunk.bytes.into(),
                    }));
                }
                Inside::Manifest(_) => return Err(BadBundle::Damaged),
                Inside::Unknown => {}
            }
        }
        Err(BadBundle::Damaged)
    }
}

fn next_frame(
    input: &mut impl Read,
    cipher: &mut FrameCipher,
    read: &mut u64,
) -> Result<Inside, BadBundle> {
    let mut len = [0; 4];
    fill(input, &mut len)?;
    let len = u32::from_be_bytes(len) as usize;
    if !(TAG_LEN + 1..=TAG_LEN + FRAME_BYTES_MAX).contains(&len) {
        return Err(BadBundle::Damaged);
    }
    // Room is made for what comes, not for what is announced.
    let mut sealed = Vec::new();
    let mut some = input.take(len as u64);
    some.read_to_end(&mut sealed).map_err(|e| fault(&e))?;
    if sealed.len() < len {
        return Err(BadBundle::Truncated);
    }
    let frame = cipher.open(&sealed).ok_or(BadBundle::Damaged)?;
    *read += (frame.len() + RECORD_LEN) as u64;
    Inside::decode(&frame).ok_or(BadBundle::Damaged)
}

fn fill(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), BadBundle> {
    input.read_exact(bytes).map_err(|error| fault(&error))
}

fn fault(error: &std::io::Error) -> BadBundle {
    if error.kind() == ErrorKind::UnexpectedEof {
        BadBundle::Truncated
    } else {
        BadBundle::Io(error.kind())
    }
}
