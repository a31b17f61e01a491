//! Batches: on the wire, in a store, and a joiner's first one.

use sync_core::entry::{BATCH_ENTRIES_MAX, SignedBatch, VerifiedBatch};
use sync_core::id::{ChainHash, EpochId, Seq};
use sync_core::roster::roster_lane;
use sync_core::wire::Frame;
use sync_core::wire::batches::{BatchReader, BatchWriter, Received, decode_join, encode_join};

use super::expected::{BEFORE, COMMUNITY};
use super::{Input, frame, genuine};

/// A stream of frames, of which one reader takes the batches.
pub(super) fn batches(input: &[u8]) {
    let mut reader = BatchReader::default();
    let mut writer = BatchWriter::default();
    let mut signed = Vec::new();
    for body in frame::bodies(input) {
        let Ok(Frame::Batches(batches)) = Frame::decode(body) else {
            continue;
        };
        let count = batches.batches.len();
        let Ok(received) = reader.read(batches) else {
            break;
        };
        assert_eq!(received.len(), count);
        let bytes: usize = received.iter().map(|it| it.batch.tail_len()).sum();
        assert!(bytes <= body.len(), "tails are longer than their frame");
        for received in received {
            if let Some(batch) = checked(&received) {
                writer.push(&batch, received.prev.is_some());
                let lane = batch.log().lane;
                writer.place(lane, received.position.unwrap_or_default());
                signed.push(received);
            }
        }
    }
    let again = BatchReader::default().read(writer.take());
    assert_eq!(again, Ok(signed));
}

fn checked(received: &Received) -> Option<VerifiedBatch> {
    assert_placed(&received.batch);
    let prev = received.prev.unwrap_or(BEFORE.chain);
    let batch = received.batch.clone().verify(&COMMUNITY, &prev).ok()?;
    genuine::assert_signed(&batch);
    Some(batch)
}

fn assert_placed(batch: &SignedBatch) {
    let first = batch.place().first_seq;
    assert!((1..=BATCH_ENTRIES_MAX).contains(&batch.count()));
    assert!(Seq::FIRST <= first && first <= batch.last_seq());
    assert!(batch.last_seq() <= Seq::MAX);
}

/// The tail of a batch at the place of one of the fixtures.
pub(super) fn batch(input: &[u8]) {
    let mut input = Input(input);
    let known: Vec<&VerifiedBatch> = genuine::batches().iter().collect();
    let Some(known) = input.pick(&known) else {
        return;
    };
    let Ok(batch) = SignedBatch::parse(*known.place(), input.0.to_vec()) else {
        return;
    };
    assert_placed(&batch);
    assert_eq!(batch.tail_len(), input.0.len());
    let chain = batch.chain_after(&COMMUNITY, known.prev());
    let trusted = batch
        .clone()
        .trusted(&COMMUNITY, known.prev(), &known.head().chain);
    assert_eq!(trusted.is_some(), chain == known.head().chain);
    if let Ok(verified) = batch.verify(&COMMUNITY, known.prev()) {
        genuine::assert_signed(&verified);
        assert_eq!(verified.tail(), input.0);
        assert_eq!(verified.verify_again(&COMMUNITY), Ok(()));
    }
}

/// A joiner's first batch.
pub(super) fn join(input: &[u8]) {
    let Ok(batch) = decode_join(&COMMUNITY, input) else {
        return;
    };
    assert_placed(&batch);
    assert_eq!(batch.place().first_seq, Seq::FIRST);
    assert_eq!(batch.place().epoch, EpochId::ZERO);
    assert_eq!(batch.place().log.lane, roster_lane(&COMMUNITY));
    if let Ok(batch) = batch.verify(&COMMUNITY, &ChainHash::ZERO) {
        genuine::assert_signed(&batch);
        assert_eq!(encode_join(&batch), input);
    }
}

pub(super) mod seeds {
    use super::{BatchWriter, Frame, genuine};

    pub(in crate::fuzz) fn batches() -> Vec<Vec<u8>> {
        let mut all = genuine::files("batch-");
        // All in one frame, each in a frame of its own on one connection, and a lane's arrival.
        for explicit in [false, true] {
            let mut writer = BatchWriter::default();
            let mut frames = Vec::new();
            for batch in genuine::batches() {
                writer.push(batch, explicit);
                frames.extend(Frame::Batches(writer.take()).encode());
            }
            all.push(frames);
            let mut writer = BatchWriter::default();
            for batch in genuine::batches() {
                writer.push(batch, explicit);
                writer.mark(batch.log().lane, 7);
            }
            all.push(Frame::Batches(writer.take()).encode());
        }
        all
    }

    pub(in crate::fuzz) fn batch() -> Vec<Vec<u8>> {
        let numbered = (0_u8..).zip(genuine::batches());
        let tails = numbered.map(|(number, batch)| [&[number], batch.tail()].concat());
        tails.collect()
    }

    pub(in crate::fuzz) fn join() -> Vec<Vec<u8>> {
        let batches = genuine::batches().iter();
        batches.map(super::encode_join).collect()
    }
}
