//! A roster in a file: for whoever checks certificates and is no member.
//!
//! ```text
//! file = "BANYANROSTER1" | community 32 | batches …      each as frames carry them (docs/protocol.md §6), prev spelled out
//! ```
//! Every batch is signed, and the community's id is the hash of what its founder said, so nobody can put a
//! roster into a file that its members did not say. But a file may be old, or lack what somebody wants to
//! hide, such as that a right was taken away.

use minicbor::Decoder;
use thiserror::Error;

use crate::entry::VerifiedBatch;
use crate::id::CommunityId;
use crate::roster::book::Book;
use crate::roster::{Roster, roster_lane};
use crate::wire::batches::{BatchReader, BatchWriter, Batches};

/// Largest roster file that is read, in bytes.
pub const ROSTER_FILE_BYTES_MAX: usize = 64 << 20;
/// Most batches in one of its frames.
const FRAME_BATCHES: usize = 1_024;
const MAGIC: &[u8] = b"BANYANROSTER1";

/// Why bytes are no roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadRosterFile {
    /// They begin otherwise, or are too many.
    #[error("this is no roster file")]
    NotARoster,
    /// They end too early, or a batch is not what its device signed.
    #[error("the roster file is damaged, or somebody has changed it")]
    Damaged,
    /// What the founder said is not among them, so nothing in it is proved.
    #[error("the roster file lacks the founding of its community")]
    NotFounded,
}

/// Puts the batches of a community's roster lane into a file.
#[derive(Debug)]
pub struct RosterWriter {
    writer: BatchWriter,
    bytes: Vec<u8>,
}

impl RosterWriter {
    /// Begins a file.
    #[must_use]
    pub fn new(community: &CommunityId) -> Self {
        Self {
            writer: BatchWriter::default(),
            bytes: [MAGIC, community.as_bytes()].concat(),
        }
    }

    /// Adds a batch of the roster lane.
    pub fn push(&mut self, batch: &VerifiedBatch) {
        self.writer.push(batch, true);
        if self.writer.count() == FRAME_BATCHES {
            self.end_frame();
        }
    }

    fn end_frame(&mut self) {
        let frame = minicbor::to_vec(self.writer.take());
        self.bytes
            .extend(frame.expect("writing to memory does not fail"));
    }

    /// The file.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if self.writer.count() > 0 {
            self.end_frame();
        }
        self.bytes
    }
}

/// Reads a file, proves every batch in it, and evaluates what they say.
///
/// # Errors
/// [`BadRosterFile`] with the first thing that is wrong; a file is believed whole or not at all.
pub fn read_roster(bytes: &[u8]) -> Result<Roster, BadRosterFile> {
    if bytes.len() > ROSTER_FILE_BYTES_MAX {
        return Err(BadRosterFile::NotARoster);
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(BadRosterFile::NotARoster)?;
    let (community, frames) = rest
        .split_first_chunk::<32>()
        .ok_or(BadRosterFile::Damaged)?;
    let community = CommunityId::new(*community);
    let lane = roster_lane(&community);
    let mut book = Book::default();
    let mut reader = BatchReader::default();
    let mut decoder = Decoder::new(frames);
    while decoder.position() < frames.len() {
        let frame: Batches = decoder.decode().map_err(|_| BadRosterFile::Damaged)?;
        let received = reader.read(frame).map_err(|_| BadRosterFile::Damaged)?;
        for one in received {
            let prev = one.prev.ok_or(BadRosterFile::Damaged)?;
            let verified = one.batch.verify(&community, &prev);
            let verified = verified.map_err(|_| BadRosterFile::Damaged)?;
            if verified.log().lane != lane {
                return Err(BadRosterFile::Damaged);
            }
            book.add_batch(&community, &verified);
        }
    }
    let roster = Roster::evaluate(&community, &book);
    if roster.is_founded() {
        Ok(roster)
    } else {
        Err(BadRosterFile::NotFounded)
    }
}
