//! Blobs in a session: after everything else, and at most a few at once.
//!
//! Either side may ask which blobs the other holds, and for one of them; a member may also offer one to a
//! relay, which then asks for what it lacks of it. What is asked for is read from the store chunk by
//! chunk, when nothing else waits to be sent.

use std::collections::VecDeque;

use crate::blob::{BLOB_CHUNK_BYTES, BLOB_TAG_BYTES, BlobList, BlobName};
use crate::id::LaneId;
use crate::session::carrier::Carrier;
use crate::session::{Event, Session, SessionError, Stage};
use crate::store::StoreError;
use crate::wire::blobs::{
    AskBlobs, BLOBS_MAX, BlobChunk, BlobFrame, BlobHashes, BlobRefused, BlobStored, BlobTip,
    HaveBlobs, WantBlob,
};
use crate::wire::{Frame, LANES_MAX, Refusal};

/// Blobs that one side may have asked for and not received yet.
pub const BLOBS_OPEN_MAX: usize = 4;

/// What the owner of a session hears about blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobEvent {
    /// Which of these lanes do we hold, after these numbers?
    Asked(Vec<(LaneId, u64)>),
    /// The other side holds these.
    Have(HaveBlobs),
    /// The chunks of a blob that the other side offers, or that it sends now.
    List(BlobName, BlobList),
    /// One chunk, still to be verified.
    Chunk {
        /// Of which blob.
        name: BlobName,
        /// Which.
        index: u32,
        /// Its sealed bytes.
        bytes: Vec<u8>,
    },
    /// All of it is durable over there.
    Stored(BlobName),
    /// The other side does not take it, or does not have it.
    Refused(BlobName, Refusal),
}

/// A blob on its way to the other side.
#[derive(Debug, Clone, Copy)]
struct Sending {
    name: BlobName,
    owes_list: bool,
    next: u32,
    chunks: u32,
}

/// What a session remembers of blobs.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    sending: VecDeque<Sending>,
}

impl Session {
    /// The newest blob that the other side held when it said hello; none if it knows no blobs, so that
    /// nothing may be said about them.
    #[must_use]
    pub fn blobs_there(&self) -> Option<BlobTip> {
        self.peer_hello.as_ref()?.blobs
    }

    /// Asks which blobs of these lanes the other side holds, with numbers after these.
    pub fn ask_blobs(&mut self, lanes: Vec<(LaneId, u64)>) {
        self.say_blob(BlobFrame::Ask(AskBlobs { lanes }));
    }

    /// Tells the other side of blobs that are held here.
    pub fn tell_blobs(&mut self, have: HaveBlobs) {
        self.say_blob(BlobFrame::Have(have));
    }

    /// Asks for a blob, from a chunk on.
    pub fn want_blob(&mut self, name: BlobName, from: u32, has_list: bool) {
        let blob = name.into();
        self.say_blob(BlobFrame::Want(WantBlob {
            blob,
            from,
            has_list,
        }));
    }

    /// Offers a blob.
    pub fn offer_blob(&mut self, name: BlobName, list: &BlobList) {
        self.say_blob(BlobFrame::Hashes(hashes_of(name, list)));
    }

    /// Says that all of a blob is durable here.
    pub fn blob_stored(&mut self, name: BlobName) {
        let blob = name.into();
        self.say_blob(BlobFrame::Stored(BlobStored { blob }));
    }

    /// Says that a blob is not taken, or not given.
    pub fn refuse_blob(&mut self, name: BlobName, refusal: Refusal) {
        let (blob, code) = (name.into(), refusal.code());
        self.say_blob(BlobFrame::Refused(BlobRefused { blob, code }));
    }

    /// Whether a blob is on its way to the other side.
    #[must_use]
    pub fn is_sending_blobs(&self) -> bool {
        !self.blobs.sending.is_empty()
    }

    fn say_blob(&mut self, frame: BlobFrame) {
        if self.stage == Stage::Flowing && self.blobs_there().is_some() {
            self.queue.push_back(Frame::Blob(frame));
        }
    }

    pub(super) fn on_blob(
        &mut self,
        frame: BlobFrame,
        carrier: &dyn Carrier,
    ) -> Result<Vec<Event>, SessionError> {
        if self.blobs_there().is_none() {
            return Err(SessionError::Peer(Refusal::BadFrame));
        }
        let event = match frame {
            BlobFrame::Ask(mut asked) => {
                at_most(asked.lanes.len(), LANES_MAX)?;
                asked.lanes.retain(|(lane, _)| self.shares(lane));
                BlobEvent::Asked(asked.lanes)
            }
            BlobFrame::Have(mut have) => {
                at_most(have.rows.len(), BLOBS_MAX)?;
                at_most(have.lanes.len(), LANES_MAX)?;
                have.rows.retain(|row| self.shares(&row.lane));
                have.lanes.retain(|(lane, _, _)| self.shares(lane));
                BlobEvent::Have(have)
            }
            BlobFrame::Want(want) => {
                self.on_want_blob(&want, carrier)?;
                return Ok(Vec::new());
            }
            BlobFrame::Hashes(hashes) => {
                let name = BlobName::from(hashes.blob);
                let list = BlobList::read(&name.id, hashes.padded, &hashes.hashes);
                let Ok(list) = list else {
                    self.refuse_blob(name, Refusal::TooLarge);
                    return Ok(Vec::new());
                };
                BlobEvent::List(name, list)
            }
            BlobFrame::Chunk(chunk) => {
                at_most(chunk.bytes.len(), BLOB_CHUNK_BYTES + BLOB_TAG_BYTES)?;
                BlobEvent::Chunk {
                    name: chunk.blob.into(),
                    index: chunk.index,
                    bytes: chunk.bytes.into(),
                }
            }
            BlobFrame::Stored(stored) => BlobEvent::Stored(stored.blob.into()),
            BlobFrame::Refused(refused) => {
                let refusal = Refusal::from_code(refused.code);
                let name = BlobName::from(refused.blob);
                self.blobs.sending.retain(|it| it.name != name);
                BlobEvent::Refused(name, refusal)
            }
        };
        Ok(vec![Event::Blob(event)])
    }

    fn on_want_blob(&mut self, want: &WantBlob, carrier: &dyn Carrier) -> Result<(), SessionError> {
        let name = BlobName::from(want.blob);
        if self.blobs.sending.len() >= BLOBS_OPEN_MAX {
            self.refuse_blob(name, Refusal::Busy);
            return Ok(());
        }
        let list = if self.may_send(&name.log) {
            carrier.blob_list(&name)?
        } else {
            None
        };
        let Some(list) = list else {
            self.refuse_blob(name, Refusal::Gap);
            return Ok(());
        };
        self.blobs.sending.push_back(Sending {
            name,
            owes_list: !want.has_list,
            next: want.from,
            chunks: list.chunks(),
        });
        Ok(())
    }

    /// The next chunk, once nothing else waits to be sent.
    pub(super) fn next_blob_frame(
        &mut self,
        carrier: &dyn Carrier,
    ) -> Result<Option<Frame>, StoreError> {
        while let Some(mut sending) = self.blobs.sending.pop_front() {
            let name = sending.name;
            // It may have been erased, or the other side removed, since it was asked for.
            if !self.may_send(&name.log) {
                continue;
            }
            if std::mem::take(&mut sending.owes_list) {
                if let Some(list) = carrier.blob_list(&name)? {
                    self.blobs.sending.push_front(sending);
                    let frame = BlobFrame::Hashes(hashes_of(name, &list));
                    return Ok(Some(Frame::Blob(frame)));
                }
            } else if sending.next >= sending.chunks {
                continue;
            } else if let Some(bytes) = carrier.blob_chunk(&name, sending.next)? {
                let chunk = BlobChunk {
                    blob: name.into(),
                    index: sending.next,
                    bytes: bytes.into(),
                };
                sending.next += 1;
                if sending.next < sending.chunks {
                    self.blobs.sending.push_front(sending);
                }
                return Ok(Some(Frame::Blob(BlobFrame::Chunk(chunk))));
            }
            self.refuse_blob(name, Refusal::Gap);
            return Ok(self.queue.pop_front());
        }
        Ok(None)
    }
}

fn hashes_of(name: BlobName, list: &BlobList) -> BlobHashes {
    BlobHashes {
        blob: name.into(),
        padded: list.padded(),
        hashes: list.to_bytes().into(),
    }
}

fn at_most(count: usize, most: usize) -> Result<(), SessionError> {
    if count <= most {
        Ok(())
    } else {
        Err(SessionError::Peer(Refusal::TooLarge))
    }
}
