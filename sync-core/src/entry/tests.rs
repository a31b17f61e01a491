use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::codec::{Reader, build_tail, put_varint};
use super::seal::{BatchCipher, PlainEntry, SealBatchError, batch_len, seal_batch};
use super::*;
use crate::epoch::EpochKey;
use crate::id::{Incarnation, LaneId};
use crate::keys::{DeviceKeys, Signer};

const COMMUNITY: CommunityId = CommunityId::new([9; 32]);

struct Author {
    keys: DeviceKeys,
    epoch: EpochKey,
    rng: ChaCha8Rng,
}

impl Author {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Self {
            keys: DeviceKeys::generate(&mut rng),
            epoch: EpochKey::generate(&mut rng),
            rng,
        }
    }

    fn log(&self) -> LogId {
        LogId {
            lane: LaneId::new([1; 16]),
            device: self.keys.device(),
            incarnation: Incarnation::new([2; 8]),
        }
    }

    fn seal(&mut self, after: &Head, payloads: &[Vec<u8>]) -> VerifiedBatch {
        let entries: Vec<_> = payloads
            .iter()
            .map(|bytes| PlainEntry {
                kind: EntryKind::CHANGE,
                bytes: bytes.clone(),
            })
            .collect();
        let log = self.log();
        seal_batch(
            &self.keys,
            &COMMUNITY,
            log,
            after,
            Some(&self.epoch),
            &entries,
            &mut self.rng,
        )
        .unwrap()
    }
}

fn received(batch: &VerifiedBatch) -> SignedBatch {
    SignedBatch::parse(*batch.place(), batch.tail().to_vec()).unwrap()
}

#[test]
fn sealed_batch_verifies_and_opens() {
    let mut author = Author::new(1);
    let sent = author.seal(&Head::EMPTY, &[b"one".to_vec(), b"two".to_vec()]);
    let batch = received(&sent)
        .verify(&COMMUNITY, &ChainHash::ZERO)
        .unwrap();
    assert_eq!(batch, sent);
    let cipher = BatchCipher::of(&COMMUNITY, &batch, &author.epoch);
    let opened: Vec<_> = batch
        .entries()
        .enumerate()
        .map(|(index, entry)| match entry.body {
            Body::Present(bytes) => cipher.open(index, entry.kind, bytes).unwrap(),
            Body::Erased { .. } => panic!("nothing was erased"),
        })
        .collect();
    assert_eq!(opened, [b"one".to_vec(), b"two".to_vec()]);
}

#[test]
fn batch_is_refused_in_another_community_log_or_place() {
    let mut author = Author::new(2);
    let sent = author.seal(&Head::EMPTY, &[b"one".to_vec()]);
    let other = CommunityId::new([8; 32]);
    assert_eq!(
        received(&sent).verify(&other, &ChainHash::ZERO),
        Err(BadBatch::BadSignature)
    );
    assert_eq!(
        received(&sent).verify(&COMMUNITY, &ChainHash::new([1; 32])),
        Err(BadBatch::BadSignature)
    );
    let mut elsewhere = *sent.place();
    elsewhere.first_seq = Seq(2);
    let moved = SignedBatch::parse(elsewhere, sent.tail().to_vec()).unwrap();
    assert_eq!(
        moved.verify(&COMMUNITY, &ChainHash::ZERO),
        Err(BadBatch::BadSignature)
    );
}

#[test]
fn batch_is_refused_in_another_space_or_as_another_installation() {
    let mut author = Author::new(20);
    let sent = author.seal(&Head::EMPTY, &[b"one".to_vec()]);
    let place = sent.place();
    let log = place.log;
    let lane = LaneId::new([7; 16]);
    let incarnation = Incarnation::new([7; 8]);
    let epoch = EpochKey::generate(&mut author.rng).id();
    let moved = [
        Place {
            log: LogId { lane, ..log },
            ..*place
        },
        Place {
            log: LogId { incarnation, ..log },
            ..*place
        },
        Place { epoch, ..*place },
    ];
    for place in moved {
        let batch = SignedBatch::parse(place, sent.tail().to_vec()).unwrap();
        let verified = batch.verify(&COMMUNITY, &ChainHash::ZERO);
        assert_eq!(verified, Err(BadBatch::BadSignature), "{place:?}");
    }
}

#[test]
fn reading_key_writes_nothing_in_anothers_name() {
    let victim = Author::new(21);
    let mut thief = Author::new(22);
    thief.epoch = victim.epoch.clone();
    let forged = thief.seal(&Head::EMPTY, &[b"forged".to_vec()]);
    let log = victim.log();
    let place = Place {
        log,
        ..*forged.place()
    };
    let batch = SignedBatch::parse(place, forged.tail().to_vec()).unwrap();
    let verified = batch.verify(&COMMUNITY, &ChainHash::ZERO);
    assert_eq!(verified, Err(BadBatch::BadSignature));
}

#[test]
fn entry_opens_at_its_own_place_and_as_its_own_kind_alone() {
    let mut author = Author::new(23);
    let sent = author.seal(&Head::EMPTY, &[b"one".to_vec(), b"two".to_vec()]);
    let stored: Vec<Vec<u8>> = sent
        .entries()
        .map(|entry| match entry.body {
            Body::Present(bytes) => bytes.to_vec(),
            Body::Erased { .. } => panic!("nothing was erased"),
        })
        .collect();
    let (place, salt) = (*sent.place(), *sent.salt());
    let opens = |community: &CommunityId, place: &Place, salt: &Salt, index: usize, kind| {
        let cipher = BatchCipher::new(community, place, salt, &author.epoch);
        cipher.open(index, kind, &stored[0]).is_ok()
    };
    let change = EntryKind::CHANGE;
    assert!(opens(&COMMUNITY, &place, &salt, 0, change));
    assert!(!opens(&COMMUNITY, &place, &salt, 1, change));
    assert!(!opens(&COMMUNITY, &place, &salt, 0, EntryKind::SNAPSHOT));
    assert!(!opens(&COMMUNITY, &place, &Salt([7; 16]), 0, change));
    let other = CommunityId::new([8; 32]);
    assert!(!opens(&other, &place, &salt, 0, change));
    let log = place.log;
    let elsewhere = [
        LogId {
            lane: LaneId::new([7; 16]),
            ..log
        },
        LogId {
            incarnation: Incarnation::new([7; 8]),
            ..log
        },
        LogId {
            device: Author::new(24).keys.device(),
            ..log
        },
    ];
    for log in elsewhere {
        assert!(!opens(
            &COMMUNITY,
            &Place { log, ..place },
            &salt,
            0,
            change
        ));
    }
    let first_seq = Seq(2);
    let later = Place { first_seq, ..place };
    assert!(!opens(&COMMUNITY, &later, &salt, 0, change));
}

#[test]
fn batch_without_an_erased_payload_still_verifies() {
    let mut author = Author::new(3);
    let sent = author.seal(&Head::EMPTY, &[b"gone".to_vec(), b"kept".to_vec()]);
    let entries: Vec<_> = sent
        .entries()
        .map(|entry| match entry.body {
            Body::Present(bytes) if entry.seq == Seq(1) => {
                let (len, commit) = Body::Present(bytes).len_and_commit();
                (entry.kind, Body::Erased { len, commit })
            }
            body @ (Body::Present(_) | Body::Erased { .. }) => (entry.kind, body),
        })
        .collect();
    let tail = build_tail(sent.salt(), &sent.layout.signature, &entries);
    let batch = SignedBatch::parse(*sent.place(), tail)
        .unwrap()
        .verify(&COMMUNITY, &ChainHash::ZERO)
        .unwrap();
    assert_eq!(batch.head(), sent.head());
    assert!(matches!(
        batch.entries().next().unwrap().body,
        Body::Erased { len: 20, .. }
    ));
}

#[test]
fn two_copies_of_one_device_never_share_a_key_stream() {
    let mut author = Author::new(4);
    let one = author.seal(&Head::EMPTY, &[b"same".to_vec()]);
    let two = author.seal(&Head::EMPTY, &[b"same".to_vec()]);
    let body = |batch: &VerifiedBatch| batch.tail().get(codec::TAIL_HEADER_LEN..).unwrap().to_vec();
    assert_ne!(body(&one), body(&two));
}

#[test]
fn batches_are_filled_to_their_limits() {
    assert_eq!(batch_len(std::iter::repeat_n(10, 500)), BATCH_ENTRIES_MAX);
    assert_eq!(batch_len([40_000, 20_000, 20_000].into_iter()), 2);
    assert_eq!(batch_len([200_000, 1].into_iter()), 1);
    assert_eq!(batch_len(std::iter::empty()), 0);
}

#[test]
fn what_does_not_fit_one_batch_is_not_sealed() {
    let mut author = Author::new(5);
    let entry = |len| PlainEntry {
        kind: EntryKind::CHANGE,
        bytes: vec![1; len],
    };
    let log = author.log();
    let mut seal = |epoch: Option<&EpochKey>, entries: &[PlainEntry]| {
        seal_batch(
            &author.keys,
            &COMMUNITY,
            log,
            &Head::EMPTY,
            epoch,
            entries,
            &mut author.rng,
        )
    };
    let too_many = vec![entry(1); BATCH_ENTRIES_MAX + 1];
    let too_large = [entry(BATCH_BYTES_MAX), entry(1)];
    for entries in [&[], &too_many[..], &too_large, &[entry(0)]] {
        assert_eq!(seal(None, entries), Err(SealBatchError::NotOneBatch));
    }
    assert_eq!(
        seal(None, &[entry(ENTRY_BYTES_MAX + 1)]),
        Err(SealBatchError::EntryTooLarge)
    );
    assert!(seal(None, &[entry(ENTRY_BYTES_MAX)]).is_ok());
    assert!(seal(Some(&author.epoch), &[entry(0), entry(1)]).is_ok());
}

#[test]
fn tails_beyond_the_limits_are_refused() {
    let author = Author::new(6);
    let place = Place {
        log: author.log(),
        first_seq: Seq(1),
        epoch: EpochId::ZERO,
    };
    let parse = |place: Place, entries: &[u8]| {
        SignedBatch::parse(place, [&[0; codec::TAIL_HEADER_LEN], entries].concat())
            .map(|batch| batch.count())
    };
    assert_eq!(parse(place, &[]), Err(BadBatch::BadLayout));
    assert_eq!(parse(place, &[32, 1, 9].repeat(128)), Ok(128));
    assert_eq!(
        parse(place, &[32, 1, 9].repeat(129)),
        Err(BadBatch::TooLarge)
    );
    assert_eq!(
        parse(place, &[32, 0, 0]),
        Err(BadBatch::BadLayout),
        "an erased entry had bytes"
    );
    assert_eq!(
        parse(place, &[32, 0x81, 0x00, 9]),
        Err(BadBatch::BadLayout),
        "not the shortest form"
    );
    let mut long = vec![32];
    put_varint(&mut long, ENTRY_BYTES_MAX as u64 + 1);
    assert_eq!(parse(place, &long), Err(BadBatch::TooLarge));
    let last = Place {
        first_seq: Seq::MAX,
        ..place
    };
    assert_eq!(parse(last, &[32, 1, 9]), Ok(1));
    assert_eq!(parse(last, &[32, 1, 9, 32, 1, 9]), Err(BadBatch::BadLayout));
}

#[test]
fn preimage_is_laid_out_as_the_protocol_says() {
    let place = Place {
        log: LogId {
            lane: LaneId::new([0x22; 16]),
            device: crate::id::DeviceId::new([0x33; 32]),
            incarnation: Incarnation::new([0x44; 8]),
        },
        first_seq: Seq(5),
        epoch: EpochId::new([0x88; 16]),
    };
    let bytes = preimage(
        &CommunityId::new([0x11; 32]),
        &place,
        3,
        &ChainHash::new([0x66; 32]),
        &Salt([0x77; 16]),
        &[0x99; 32],
    );
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    let expected = [
        data_encoding::HEXLOWER.encode(b"banyan/batch/1"),
        "11".repeat(32),
        "22".repeat(16),
        "33".repeat(32),
        "44".repeat(8),
        "0000000000000005".to_owned(),
        "0003".to_owned(),
        "66".repeat(32),
        "77".repeat(16),
        "88".repeat(16),
        "99".repeat(32),
    ]
    .concat();
    assert_eq!(hex, expected);
}

proptest! {
    #[test]
    fn varints_come_back_and_have_one_form(value in any::<u64>()) {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, value);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.varint(), Some(value));
        prop_assert!(reader.is_at_end());
    }

    #[test]
    fn any_flipped_bit_is_noticed(seed in 0_u64..50, at in 0_usize..1000, bit in 0_u8..8) {
        let mut author = Author::new(seed);
        let sent = author.seal(&Head::EMPTY, &[vec![7; 30], vec![8; 300]]);
        let mut tail = sent.tail().to_vec();
        let at = at % tail.len();
        tail[at] ^= 1 << bit;
        let result = SignedBatch::parse(*sent.place(), tail)
            .and_then(|batch| batch.verify(&COMMUNITY, &ChainHash::ZERO));
        prop_assert!(result.is_err());
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let author = Author::new(1);
        let place = Place { log: author.log(), first_seq: Seq(1), epoch: EpochId::ZERO };
        if let Ok(batch) = SignedBatch::parse(place, bytes) {
            prop_assert!(batch.count() >= 1);
        }
    }
}
