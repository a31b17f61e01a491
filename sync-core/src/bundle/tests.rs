use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::*;
use crate::entry::seal::{PlainEntry, seal_batch};
use crate::entry::{EntryKind, VerifiedBatch};
use crate::epoch::EpochKey;
use crate::id::{ChainHash, Incarnation, Seq};
use crate::keys::{DeviceKeys, Secret};
use crate::wire::batches::Received;

const COMMUNITY: CommunityId = CommunityId::new([1; 32]);

fn keys() -> DeviceKeys {
    DeviceKeys::from_secrets(&Secret::new([2; 32]), Secret::new([3; 32]))
}

fn log(lane: u8) -> LogId {
    LogId {
        lane: LaneId::new([lane; 16]),
        device: keys().device(),
        incarnation: Incarnation::new([4; 8]),
    }
}

/// A log's batches, each of one entry of so many bytes.
fn batches(lane: u8, sizes: &[usize]) -> Vec<VerifiedBatch> {
    let mut rng = ChaCha8Rng::seed_from_u64(u64::from(lane));
    let epoch = EpochKey::generate(&mut rng);
    let mut head = Head::EMPTY;
    let seal = |size: &usize| {
        let entry = PlainEntry {
            kind: EntryKind::CHANGE,
            bytes: vec![lane; *size],
        };
        let (log, epoch) = (log(lane), Some(&epoch));
        let batch = seal_batch(&keys(), &COMMUNITY, log, &head, epoch, &[entry], &mut rng);
        let batch = batch.unwrap();
        head = batch.head();
        batch
    };
    sizes.iter().map(seal).collect()
}

fn manifest() -> Manifest {
    Manifest {
        set: BundleId::new([5; 16]),
        part: 1,
        parts: 1,
        device: keys().device(),
        at: 1_700_000_000_000,
        totals: Totals::default(),
        is_partial: false,
    }
}

fn word(logs: usize) -> Word {
    let head = |n: usize| Head {
        seq: Seq(n as u64 + 1),
        chain: ChainHash::new([7; 32]),
    };
    let logs = (0..logs).map(|n| (log(9), head(n))).collect();
    Word::sign(
        &keys(),
        &COMMUNITY,
        Millis(1_700_000_000_000),
        vec![(LaneId::new([9; 16]), logs)],
    )
    .unwrap()
}

fn file(word: &Word, batches: &[VerifiedBatch]) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let other = DeviceKeys::generate(&mut rng);
    let readers = [other.sealing_key(), keys().sealing_key()];
    let mut writer = BundleWriter::begin(&COMMUNITY, &readers, &mut rng).unwrap();
    writer.manifest(&manifest());
    writer.word(word);
    batches.iter().for_each(|batch| writer.push(batch));
    writer.end();
    writer.take()
}

fn open(bytes: &[u8]) -> Result<BundleReader<&[u8]>, BadBundle> {
    BundleReader::open(bytes, &COMMUNITY, |info, sealed| {
        keys().open(info, sealed).ok()
    })
}

/// All that can be read, and why no more can.
fn read(bytes: &[u8]) -> (Vec<Received>, Option<Word>, Result<(), BadBundle>) {
    let (mut batches, mut word) = (Vec::new(), None);
    let mut reader = match open(bytes) {
        Ok(reader) => reader,
        Err(error) => return (batches, word, Err(error)),
    };
    loop {
        match reader.next_item() {
            Ok(Some(Item::Batches(some))) => batches.extend(some),
            Ok(Some(Item::Word(one))) => word = Some(one),
            Ok(Some(Item::BlobList(..) | Item::BlobChunk { .. })) => {}
            Ok(None) => {
                assert_eq!(reader.bytes_read(), bytes.len() as u64);
                return (batches, word, Ok(()));
            }
            Err(error) => return (batches, word, Err(error)),
        }
    }
}

fn is_beginning(read: &[Received], of: &[VerifiedBatch]) -> bool {
    read.len() <= of.len()
        && read.iter().zip(of).all(|(one, written)| {
            let prev = one.prev.unwrap();
            one.clone().batch.verify(&COMMUNITY, &prev).as_ref() == Ok(written)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_written_is_read(
        first in prop::collection::vec(1_usize..3_000, 0..60),
        second in prop::collection::vec(100_000_usize..200_000, 0..4),
        logs in 0_usize..9_000,
    ) {
        let mut all = batches(1, &first);
        all.extend(batches(2, &second));
        let said = word(logs);
        let bytes = file(&said, &all);
        let (received, heard, end) = read(&bytes);
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(received.len(), all.len());
        prop_assert!(is_beginning(&received, &all));
        let heard = heard.unwrap();
        prop_assert!(heard.verify(&COMMUNITY).is_ok());
        prop_assert_eq!(heard.heads.iter().map(|(_, logs)| logs.len()).sum::<usize>(), logs);
    }
}

#[test]
fn truncated_file_gives_what_is_whole_before_the_break_and_says_so() {
    let all = batches(1, &[60_000; 12]);
    let bytes = file(&word(1), &all);
    let mut most = 0;
    for len in (0..bytes.len()).step_by(4_999) {
        let (received, _, end) = read(&bytes[..len]);
        let expected = if len < 13 {
            BadBundle::NotABundle
        } else {
            BadBundle::Truncated
        };
        assert_eq!(end, Err(expected), "{len}");
        assert!(is_beginning(&received, &all));
        assert!(received.len() >= most);
        most = received.len();
    }
    assert!(most > 0);
}

#[test]
fn changed_byte_is_noticed_wherever_it_is() {
    let all = batches(1, &[20_000; 30]);
    let bytes = file(&word(1), &all);
    // The other reader's key is none of ours.
    let others_key = 49..129;
    let places = (0..600).step_by(7).chain((600..bytes.len()).step_by(2_003));
    for at in places.filter(|at| !others_key.contains(at)) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let (received, _, end) = read(&changed);
        assert!(end.is_err(), "{at}");
        assert!(is_beginning(&received, &all));
    }
}

#[test]
fn records_that_are_swapped_left_out_or_added_are_noticed() {
    let all = batches(1, &[100; 3]);
    let bytes = file(&word(1), &all);
    let mut ends = vec![13 + 32 + 4 + 160];
    while let Some(len) = bytes
        .get(*ends.last().unwrap()..)
        .and_then(|it| it.first_chunk::<4>())
    {
        let next = ends.last().unwrap() + 4 + u32::from_be_bytes(*len) as usize;
        ends.push(next);
    }
    let records: Vec<&[u8]> = ends.windows(2).map(|it| &bytes[it[0]..it[1]]).collect();
    assert_eq!(records.len(), 5);
    let beginning = &bytes[..ends[0]];
    let with = |order: &[usize]| {
        let records = order.iter().map(|n| records[*n]);
        [beginning]
            .into_iter()
            .chain(records)
            .collect::<Vec<_>>()
            .concat()
    };
    assert_eq!(read(&with(&[0, 1, 2, 3, 4])).2, Ok(()));
    for order in [
        &[0, 1, 3, 2, 4][..],
        &[0, 1, 3, 4],
        &[0, 1, 2, 4],
        &[0, 1, 2, 3, 3, 4],
        &[0, 1, 2, 3, 4, 4],
    ] {
        assert_eq!(read(&with(order)).2, Err(BadBundle::Damaged), "{order:?}");
    }
}

#[test]
fn who_it_is_not_sealed_to_reads_the_community_alone() {
    let bytes = file(&word(9), &batches(9, &[100]));
    assert_eq!(read_community(bytes.as_slice()), Ok(COMMUNITY));
    let stranger = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(77));
    let opened = BundleReader::open(bytes.as_slice(), &COMMUNITY, |info, sealed| {
        stranger.open(info, sealed).ok()
    });
    assert_eq!(opened.err(), Some(BadBundle::NotForUs));
    let device = keys().device();
    let shows = |what: &[u8]| bytes.windows(what.len()).any(|it| it == what);
    assert!(shows(COMMUNITY.as_bytes()));
    assert!(!shows(device.as_bytes()) && !shows(log(9).lane.as_bytes()));
    assert!(!shows(keys().sealing_key().as_bytes()));
}

#[test]
fn other_communities_newer_versions_and_other_files_are_told_apart() {
    let bytes = file(&word(1), &[]);
    let elsewhere = CommunityId::new([8; 32]);
    let opened = BundleReader::open(bytes.as_slice(), &elsewhere, |_, _| None);
    assert_eq!(opened.err(), Some(BadBundle::OtherCommunity(COMMUNITY)));
    let mut newer = bytes.clone();
    newer[12] = b'2';
    assert_eq!(open(&newer).err(), Some(BadBundle::Newer));
    assert_eq!(
        open(b"PK\x03\x04 no bundle at all").err(),
        Some(BadBundle::NotABundle)
    );
    assert_eq!(open(b"").err(), Some(BadBundle::NotABundle));
}

#[test]
fn word_is_bound_to_everything_that_it_says() {
    let said = word(2);
    assert!(said.verify(&COMMUNITY).is_ok());
    assert!(said.verify(&CommunityId::new([8; 32])).is_err());
    let mut changed = said.clone();
    changed.at = Millis(1);
    assert!(changed.verify(&COMMUNITY).is_err());
    let mut changed = said.clone();
    changed.heads[0].1[0].1.seq = Seq(99);
    assert!(changed.verify(&COMMUNITY).is_err());
    let mut changed = said;
    changed.device = DeviceId::new([6; 32]);
    assert!(changed.verify(&COMMUNITY).is_err());
}

#[test]
fn frames_of_newer_versions_are_passed_over_and_nonsense_is_damage() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let readers = [keys().sealing_key()];
    let mut write = |frames: &[&[u8]]| {
        let mut writer = BundleWriter::begin(&COMMUNITY, &readers, &mut rng).unwrap();
        writer.manifest(&manifest());
        frames.iter().for_each(|frame| writer.put_anything(frame));
        writer.end();
        writer.take()
    };
    assert_eq!(read(&write(&[&[79, 0xa0]])).2, Ok(()));
    let batches_without_prev = {
        let mut writer = crate::wire::batches::BatchWriter::default();
        writer.push(&batches(1, &[10])[0], false);
        [&[6][..], &minicbor::to_vec(writer.take()).unwrap()].concat()
    };
    let nonsense: [&[u8]; 4] = [
        &[64, 0xa0],
        &[65, 0xff],
        &[6, 0xa1, 0x02, 0x41, 0],
        &batches_without_prev,
    ];
    for frame in nonsense {
        assert_eq!(
            read(&write(&[frame])).2,
            Err(BadBundle::Damaged),
            "{frame:?}"
        );
    }
}

#[test]
fn small_file_is_noticed_cut_at_every_byte_and_with_any_bit_flipped() {
    let all = batches(1, &[20, 30, 40]);
    let bytes = file(&word(1), &all);
    for len in 0..bytes.len() {
        let (received, _, end) = read(&bytes[..len]);
        let is_named = match len {
            0..13 => end == Err(BadBundle::NotABundle),
            _ => end == Err(BadBundle::Truncated),
        };
        assert!(is_named, "{len}: {end:?}");
        assert!(is_beginning(&received, &all), "{len}");
    }
    // The other reader's key is none of ours.
    let others_key = 49..129;
    for at in (0..bytes.len()).filter(|at| !others_key.contains(at)) {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let (received, _, end) = read(&changed);
            assert!(end.is_err(), "bit {bit} of byte {at}");
            assert!(is_beginning(&received, &all), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn many_frames_of_blobs_are_broken_by_one_that_every_version_knows() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let sealed = crate::blob::seal_blob(&[7; 300_000], &mut rng).unwrap();
    let name = crate::blob::BlobName {
        log: log(1),
        seq: Seq(1),
        id: sealed.named.id,
    };
    let mut writer = BundleWriter::begin(&COMMUNITY, &[keys().sealing_key()], &mut rng).unwrap();
    writer.manifest(&manifest());
    for _ in 0..400 {
        writer.blob_list(&name, &sealed.list);
        for (index, chunk) in (0..).zip(&sealed.chunks) {
            writer.blob_chunk(&name, index, chunk[..99].to_vec());
        }
    }
    writer.end();
    let file = writer.take();
    let open = |info: &[u8], sealed: &[u8]| keys().open(info, sealed).ok();
    let mut reader = BundleReader::open(file.as_slice(), &COMMUNITY, open).unwrap();
    let (mut run, mut longest, mut blobs) = (0, 0, 0);
    while let Some(item) = reader.next_item().unwrap() {
        if matches!(item, Item::Batches(_)) {
            run = 0;
        } else {
            run += 1;
            blobs += 1;
            longest = longest.max(run);
        }
    }
    assert_eq!(blobs, 400 * 6);
    assert!(longest < 1_024, "{longest}");
}
