use proptest::collection::vec;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use crate::entry::seal::{PlainEntry, seal_batch};
use crate::entry::{BadBatch, EntryKind, VerifiedBatch};
use crate::epoch::EpochKey;
use crate::id::{ChainHash, CommunityId, Head, Incarnation, LaneId, LogId, Seq};
use crate::keys::{DeviceKeys, Signer};
use crate::wire::batches::{BatchReader, BatchWriter, Batches, Received, TABLE_MAX};
use crate::wire::{FRAME_BATCHES_MAX, Frame};

pub(super) const COMMUNITY: CommunityId = CommunityId::new([7; 32]);

/// One writer of batches: a log and the key that it seals under now.
pub(super) struct Log {
    keys: DeviceKeys,
    id: LogId,
    head: Head,
    rng: ChaCha8Rng,
}

impl Log {
    pub(super) fn new(lane: u8, seed: u64, after: Seq) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let keys = DeviceKeys::generate(&mut rng);
        let id = LogId {
            lane: LaneId::new([lane; 16]),
            device: keys.device(),
            incarnation: Incarnation::new([lane; 8]),
        };
        Self {
            keys,
            id,
            head: Head {
                seq: after,
                chain: ChainHash::ZERO,
            },
            rng,
        }
    }

    pub(super) fn write(&mut self, epoch: Option<&EpochKey>, payloads: &[usize]) -> VerifiedBatch {
        let entries: Vec<_> = payloads
            .iter()
            .map(|len| PlainEntry {
                kind: EntryKind::CHANGE,
                bytes: vec![1; *len],
            })
            .collect();
        let batch = seal_batch(
            &self.keys,
            &COMMUNITY,
            self.id,
            &self.head,
            epoch,
            &entries,
            &mut self.rng,
        )
        .unwrap();
        self.head = batch.head();
        batch
    }
}

pub(super) fn epoch(seed: u64) -> EpochKey {
    EpochKey::generate(&mut ChaCha8Rng::seed_from_u64(seed))
}

fn over_the_wire(frame: Batches) -> Batches {
    let bytes = Frame::Batches(frame).encode();
    let (_, prefix) = crate::wire::frame_len(&bytes).unwrap().unwrap();
    let Ok(Frame::Batches(frame)) = Frame::decode(&bytes[prefix..]) else {
        panic!("a frame of batches comes back as one")
    };
    frame
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Batches of several logs, lanes and epochs, cut into frames anywhere, some spelled out.
    #[test]
    fn batches_come_back_over_any_frames(
        steps in vec((0_usize..5, 0_usize..3, any::<bool>(), any::<bool>()), 1..40),
    ) {
        let mut logs: Vec<_> =
            (0..5).map(|n| Log::new(n % 2, u64::from(n), Seq(u64::from(n) * 1000))).collect();
        let epochs = [None, Some(epoch(1)), Some(epoch(2))];
        let (mut writer, mut reader) = (BatchWriter::default(), BatchReader::default());
        let mut sent = Vec::new();
        let mut received = Vec::new();
        for (log, epoch, is_explicit, ends_frame) in steps {
            let batch = logs[log].write(epochs[epoch].as_ref(), &[10, 20]);
            writer.push(&batch, is_explicit);
            sent.push((batch, is_explicit));
            if ends_frame {
                received.extend(reader.read(over_the_wire(writer.take())).unwrap());
            }
        }
        received.extend(reader.read(over_the_wire(writer.take())).unwrap());
        prop_assert_eq!(sent.len(), received.len());
        for ((sent, is_explicit), Received { batch, prev, .. }) in sent.iter().zip(received) {
            prop_assert_eq!(prev, is_explicit.then_some(*sent.prev()));
            prop_assert_eq!(&batch.verify(&COMMUNITY, sent.prev()).unwrap(), sent);
        }
    }

    #[test]
    fn any_bytes_are_batches_or_refused(
        rows in vec(any::<u8>(), 0..100),
        batches in vec(vec(any::<u8>(), 0..200), 0..4),
    ) {
        let frame = Batches {
            lanes: vec![LaneId::ZERO],
            rows,
            batches: batches.into_iter().map(Into::into).collect(),
            ..Batches::default()
        };
        if let Ok(batches) = BatchReader::default().read(frame) {
            prop_assert!(batches.iter().all(|it| (1..=128).contains(&it.batch.count())));
        }
    }
}

#[test]
fn batch_that_goes_back_in_its_log_comes_back_too() {
    let mut log = Log::new(1, 1, Seq(0));
    let batches: Vec<_> = (0..5).map(|_| log.write(None, &[9])).collect();
    let (mut writer, mut reader) = (BatchWriter::default(), BatchReader::default());
    let order = [4, 0, 2, 2, 3, 1];
    order.iter().for_each(|at| writer.push(&batches[*at], true));
    let received = reader.read(over_the_wire(writer.take())).unwrap();
    for (at, received) in order.iter().zip(received) {
        assert_eq!(received.batch.place(), batches[*at].place());
    }
}

#[test]
fn rows_name_only_what_the_tables_have() {
    let mut log = Log::new(1, 1, Seq(0));
    let mut writer = BatchWriter::default();
    writer.push(&log.write(Some(&epoch(1)), &[9]), false);
    let whole = writer.take();
    assert!(BatchReader::default().read(whole.clone()).is_ok());
    for broken in [
        Batches {
            lanes: Vec::new(),
            ..whole.clone()
        },
        Batches {
            epochs: Vec::new(),
            ..whole.clone()
        },
        Batches {
            rows: Vec::new(),
            ..whole.clone()
        },
        Batches {
            rows: whole.rows[..20].to_vec(),
            ..whole.clone()
        },
    ] {
        assert_eq!(
            BatchReader::default().read(broken),
            Err(BadBatch::BadLayout)
        );
    }
}

#[test]
fn frames_and_tables_beyond_their_limits_are_refused() {
    let frame = Batches {
        batches: vec![vec![].into(); FRAME_BATCHES_MAX + 1],
        ..Batches::default()
    };
    assert_eq!(BatchReader::default().read(frame), Err(BadBatch::TooLarge));
    let mut reader = BatchReader::default();
    let half = Batches {
        lanes: vec![LaneId::ZERO; TABLE_MAX],
        ..Batches::default()
    };
    assert_eq!(reader.read(half), Ok(Vec::new()));
    let more = Batches {
        lanes: vec![LaneId::ZERO],
        ..Batches::default()
    };
    assert_eq!(reader.read(more), Err(BadBatch::TooLarge));
}

#[test]
fn marks_of_a_lane_replace_each_other() {
    let mut writer = BatchWriter::default();
    let (a, b) = (LaneId::new([1; 16]), LaneId::new([2; 16]));
    writer.mark(a, 1);
    writer.mark(b, 2);
    writer.mark(a, 3);
    assert_eq!(writer.take().upto, [(b, 2), (a, 3)]);
    assert_eq!(writer.take(), Batches::default());
}
