//! Frames as they come off a stream.

use sync_core::wire::{FRAME_BYTES_MAX, Frame, frame_len};

use super::expected::COMMUNITY;
use super::genuine;

/// The bodies of the frames that a stream begins with.
pub(super) fn bodies(mut stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, prefix) = frame_len(stream).ok()??;
        assert!((1..=FRAME_BYTES_MAX).contains(&len), "{len}");
        let (_, rest) = stream.split_at_checked(prefix)?;
        let (body, rest) = rest.split_at_checked(len)?;
        stream = rest;
        Some(body)
    })
}

/// A stream of frames.
pub(super) fn frame(input: &[u8]) {
    for body in bodies(input) {
        if let Ok(frame) = Frame::decode(body) {
            assert_comes_back(&frame, body.len());
            assert_signed(&frame);
        }
    }
}

fn assert_comes_back(frame: &Frame, len: usize) {
    let bytes = frame.encode();
    assert!(bytes.len() <= 2 * len + 32, "{len} bytes grow: {frame:?}");
    if let Some(body) = bodies(&bytes).next() {
        assert_eq!(Frame::decode(body).as_ref(), Ok(frame));
    } else {
        assert!(bytes.len() > FRAME_BYTES_MAX, "{frame:?} has no length");
    }
}

/// What a device signs in a frame.
fn assert_signed(frame: &Frame) {
    let is_signed = match frame {
        Frame::Receipts(receipts) => {
            let mut rows = receipts.rows.iter();
            rows.any(|row| row.receipt(receipts.store).verify(&COMMUNITY).is_ok())
        }
        Frame::HasErased(word) => word.is_signed(&COMMUNITY),
        Frame::Ack(_)
        | Frame::Ask(_)
        | Frame::AskErased(_)
        | Frame::AskReceipts(_)
        | Frame::Batches(_)
        | Frame::Blob(_)
        | Frame::Bye(_)
        | Frame::CaughtUp(_)
        | Frame::Hello(_)
        | Frame::Lanes(_)
        | Frame::Refuse(_)
        | Frame::Totals(_)
        | Frame::Want(_) => false,
    };
    let committed = || genuine::files("frame-").contains(&frame.encode());
    assert!(!is_signed || committed(), "nobody signed {frame:?}");
}

pub(super) mod seeds {
    use super::genuine;

    pub(in crate::fuzz) fn frame() -> Vec<Vec<u8>> {
        let mut all = genuine::files("frame-");
        all.extend(genuine::files("batch-"));
        all.push(all.concat());
        // A type that is not known, lengths that are none, and a map that never ends.
        all.push(vec![2, 99, 0xa0]);
        all.push(vec![0x80, 0x80, 0x80, 0x80]);
        all.push(vec![0x80, 0]);
        all.push(vec![5, 11, 0xbf, 0, 0, 0xff]);
        all
    }
}
