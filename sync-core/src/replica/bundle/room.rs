//! How much fits into a file of a limited size, told before it is written.

use crate::bundle::writer::{BEGINNING_LEN, FRAME_HEADS, RECORD_LEN};
use crate::keys::SEALED_KEY_LEN;
use crate::wire::FRAME_BYTES_TARGET;

/// Most bytes that one batch takes beside its tail: its length, its row's number, how far it lies ahead,
/// and the hash that it follows.
const BATCH_LEN_MAX: u64 = 5 + 4 + 10 + 32;
/// Most bytes of a row and of the lane and the epoch that it names.
const ROW_LEN_MAX: u64 = 46 + 17 + 17;
/// Most bytes that stand around the list or a chunk of a blob: its name, numbers, and now and then an empty frame.
const BLOB_LEN_MAX: u64 = 192;
/// Most bytes of the manifest, the word, the end and of what stands around the batches of the last frame.
const REST_LEN_MAX: u64 = 1_024;
/// Most bytes of one head.
const HEAD_LEN_MAX: u64 = 82;
/// Most bytes that stand around a frame before it is sealed.
const FRAME_LEN_MAX: u64 = 64;

/// How much a file takes, before it is written: never less than it will.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    left: u64,
    /// Bytes of batches that the frame in the making has already.
    in_frame: u64,
}

impl Room {
    /// What a file of at most so many bytes has left for batches; none if it has no room for any.
    pub(super) fn of(bytes_max: u64, readers: usize, lanes: usize, heads: usize) -> Option<Self> {
        let keys = readers as u64 * SEALED_KEY_LEN as u64;
        let frames = heads as u64 / FRAME_HEADS as u64 + lanes as u64;
        let heads = heads as u64 * HEAD_LEN_MAX + frames * FRAME_LEN_MAX;
        let taken = BEGINNING_LEN as u64 + keys + heads + REST_LEN_MAX;
        let left = bytes_max.checked_sub(taken)?;
        // The largest batch fits.
        (left >= FRAME_BYTES_TARGET as u64 + 4_096).then_some(Self { left, in_frame: 0 })
    }

    /// Takes the room for a frame with so many bytes of a blob; false if it does not fit.
    pub(super) fn take_blob(&mut self, bytes: u64) -> bool {
        let frames = if self.in_frame > 0 { 2 } else { 1 };
        let needs = bytes + BLOB_LEN_MAX + frames * (FRAME_LEN_MAX + RECORD_LEN as u64);
        let Some(left) = self.left.checked_sub(needs) else {
            return false;
        };
        self.left = left;
        self.in_frame = 0;
        true
    }

    /// Takes the room for one batch; false if it does not fit.
    pub(super) fn take(&mut self, tail_len: usize, is_new_row: bool) -> bool {
        let row = if is_new_row { ROW_LEN_MAX } else { 0 };
        let batch = tail_len as u64 + BATCH_LEN_MAX + row;
        let is_frame_full = self.in_frame + batch >= FRAME_BYTES_TARGET as u64;
        let needs = batch
            + if is_frame_full {
                FRAME_LEN_MAX + RECORD_LEN as u64
            } else {
                0
            };
        let Some(left) = self.left.checked_sub(needs) else {
            return false;
        };
        self.left = left;
        self.in_frame = if is_frame_full {
            0
        } else {
            self.in_frame + batch
        };
        true
    }
}
