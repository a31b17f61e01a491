mod batches;
mod newer;
mod overhead;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::entry::EntryKind;
use crate::id::DeviceId;
use crate::keys::{DeviceKeys, Secret, Signer as _};
use crate::receipt::LanesMark;
use crate::roster::statement::StatementId;
use crate::wire::receipts::{ReceiptRow, decode_positions, encode_positions};

fn lane() -> impl Strategy<Value = LaneId> {
    any::<[u8; 16]>().prop_map(LaneId::new)
}

fn position() -> impl Strategy<Value = (LaneId, u64)> {
    (lane(), any::<u64>())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

fn hello() -> impl Strategy<Value = Frame> {
    let versions = any::<(u16, u16)>();
    let ids = any::<([u8; 32], [u8; 16], [u8; 8], [u8; 8])>();
    (versions, ids, any::<bool>(), proptest::option::of(bytes())).prop_map(
        |((version_min, version_max), (community, digest, nonce, incarnation), is_relay, join)| {
            Frame::Hello(Hello {
                blobs: None,
                store: None,
                receipts: join.as_ref().map(|it| it.len() as u64),
                tip: join.as_ref().map(|it| it.len() as u64 + 7),
                read: join.as_ref().map(|it| it.len() as u64 + 3),
                version_min,
                version_max,
                community: CommunityId::new(community),
                kind: if is_relay {
                    PeerKind::Relay
                } else {
                    PeerKind::Member
                },
                nonce: nonce.into(),
                digest: Digest(digest),
                incarnation: Incarnation::new(incarnation),
                join: join.clone().map(Into::into),
                lanes: join.map(Into::into),
            })
        },
    )
}

fn lanes() -> impl Strategy<Value = Frame> {
    let state = (
        lane(),
        any::<([u8; 16], u64, u64, Option<[u8; 32]>, Option<[u8; 16]>)>(),
    )
        .prop_map(|(lane, (digest, tip, yours, chain, lost))| LaneState {
            lane,
            digest: Digest(digest),
            tip,
            yours,
            chain: chain.map(ChainHash::new),
            lost: lost.map(Digest),
        });
    (any::<[u8; 16]>(), vec(state, 0..5)).prop_map(|(store, lanes)| {
        Frame::Lanes(Lanes {
            store: StoreId::new(store),
            lanes,
            equal: Some(store.to_vec().into()),
        })
    })
}

fn lane_heads() -> impl Strategy<Value = Vec<LaneHeads>> {
    let heads = (lane(), bytes(), any::<bool>()).prop_map(|(lane, heads, is_complete)| LaneHeads {
        lane,
        heads: heads.into(),
        is_complete,
    });
    vec(heads, 0..4)
}

fn batches() -> impl Strategy<Value = Frame> {
    let epoch = any::<[u8; 16]>().prop_map(crate::id::EpochId::new);
    (
        vec(lane(), 0..4),
        vec(epoch, 0..4),
        bytes(),
        vec(bytes(), 0..4),
        (vec(position(), 0..4), bytes()),
    )
        .prop_map(|(lanes, epochs, rows, batches, (upto, positions))| {
            let batches = batches.into_iter().map(Into::into).collect();
            Frame::Batches(Batches {
                lanes,
                epochs,
                rows,
                batches,
                upto,
                positions,
            })
        })
}

fn receipts() -> impl Strategy<Value = Frame> {
    let row = any::<([u8; 32], u64, i64, [u8; 8], [u8; 32])>().prop_map(
        |(device, position, at, lanes, half)| {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&half);
            ReceiptRow {
                device: DeviceId::new(device),
                position,
                at,
                lanes: LanesMark(lanes),
                signature: signature.into(),
            }
        },
    );
    (any::<([u8; 16], u64)>(), vec(row, 0..4)).prop_map(|((store, upto), rows)| {
        Frame::Receipts(Receipts {
            store: StoreId::new(store),
            after: upto / 2,
            upto,
            rows,
        })
    })
}

fn statements() -> impl Strategy<Value = Vec<StatementId>> {
    let id = any::<Vec<u8>>().prop_map(|bytes| {
        let (community, device) = (CommunityId::new([1; 32]), DeviceId::new([2; 32]));
        StatementId::derive(&community, &device, EntryKind::ERASE, &bytes)
    });
    vec(id, 0..4)
}

fn has_erased() -> impl Strategy<Value = Frame> {
    (any::<([u8; 32], [u8; 16])>(), statements(), bytes()).prop_map(
        |((device, store), statements, signature)| {
            Frame::HasErased(HasErased {
                device: DeviceId::new(device),
                store: StoreId::new(store),
                statements,
                signature: signature.into(),
            })
        },
    )
}

#[test]
fn relays_word_about_erasures_is_bound_to_everything_that_it_says() {
    let keys = DeviceKeys::from_secrets(&Secret::new([7; 32]), Secret::new([8; 32]));
    let community = CommunityId::new([1; 32]);
    let id =
        |bytes: &[u8]| StatementId::derive(&community, &keys.device(), EntryKind::ERASE, bytes);
    let store = StoreId::new([3; 16]);
    let word = HasErased::sign(&keys, &community, store, vec![id(b"one")]).unwrap();
    assert!(word.is_signed(&community));
    assert!(!word.is_signed(&CommunityId::new([9; 32])));
    let mut changed = word.clone();
    changed.statements.push(id(b"two"));
    assert!(!changed.is_signed(&community));
    let mut changed = word.clone();
    changed.store = StoreId::new([4; 16]);
    assert!(!changed.is_signed(&community));
    let mut changed = word;
    changed.device = DeviceId::new([2; 32]);
    assert!(!changed.is_signed(&community));
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        hello(),
        lanes(),
        (
            vec(position(), 0..4),
            lane_heads(),
            vec(lane(), 0..4),
            vec(lane(), 0..4)
        )
            .prop_map(|(pull, heads, unknown, lost)| Frame::Ask(Ask {
                pull,
                heads,
                unknown,
                lost,
            })),
        (lane_heads(), any::<bool>(), vec(lane(), 0..4)).prop_map(
            |(lanes, is_explicit, unknown)| {
                Frame::Want(Want {
                    lanes,
                    is_explicit,
                    unknown,
                })
            }
        ),
        any::<(u64, u64, u64)>().prop_map(|(batches, entries, bytes)| {
            Frame::Totals(Totals {
                batches,
                entries,
                bytes,
            })
        }),
        batches(),
        (any::<(u64, u64)>(), proptest::option::of(bytes())).prop_map(
            |((batches, arrival), positions)| {
                Frame::Ack(Ack {
                    batches,
                    arrival,
                    positions: positions.map(Into::into),
                })
            }
        ),
        (vec(position(), 0..4), any::<Option<u64>>())
            .prop_map(|(lanes, tip)| Frame::CaughtUp(CaughtUp { lanes, tip })),
        any::<(u16, Option<u64>)>().prop_map(|(code, batch)| Frame::Refuse(Refuse { code, batch })),
        receipts(),
        any::<u64>().prop_map(|after| Frame::AskReceipts(AskReceipts { after })),
        has_erased(),
        statements().prop_map(|statements| Frame::AskErased(AskErased { statements })),
        Just(Frame::Bye(Bye {})),
    ]
}

fn split(bytes: &[u8]) -> (usize, &[u8]) {
    let (len, prefix) = frame_len(bytes).unwrap().unwrap();
    (len, &bytes[prefix..])
}

proptest! {
    #[test]
    fn every_frame_comes_back(frame in frame()) {
        let bytes = frame.encode();
        let (len, rest) = split(&bytes);
        prop_assert_eq!(len, rest.len());
        prop_assert_eq!(Frame::decode(rest), Ok(frame));
    }

    #[test]
    fn fields_of_newer_versions_are_skipped(frame in frame()) {
        let bytes = frame.encode();
        let (kind, body) = split(&bytes).1.split_first().unwrap();
        let mut newer = vec![*kind];
        newer.extend(newer::with_new_fields(body));
        prop_assert!(newer.len() > body.len() + 1);
        prop_assert_eq!(Frame::decode(&newer), Ok(frame));
    }

    #[test]
    fn frame_that_is_cut_or_runs_on_is_refused(frame in frame(), cut in any::<usize>()) {
        let bytes = frame.encode();
        let (_, rest) = split(&bytes);
        let cut = cut % rest.len();
        prop_assert!(Frame::decode(&rest[..cut]).is_err());
        prop_assert!(Frame::decode(&[rest, &[0]].concat()).is_err());
    }

    #[test]
    fn any_bytes_are_a_frame_or_refused(kind in 0_u8..16, body in vec(any::<u8>(), 0..300)) {
        let bytes = [&[kind], body.as_slice()].concat();
        if let Ok(frame) = Frame::decode(&bytes) {
            prop_assert_eq!(Frame::decode(split(&frame.encode()).1), Ok(frame));
        }
    }

    #[test]
    fn changed_frames_are_a_frame_or_refused(frame in frame(), at in any::<usize>(), to in any::<u8>()) {
        let bytes = frame.encode();
        let mut rest = split(&bytes).1.to_vec();
        let at = at % rest.len();
        rest[at] = to;
        if let Ok(frame) = Frame::decode(&rest) {
            prop_assert_eq!(Frame::decode(split(&frame.encode()).1), Ok(frame));
        }
    }

    #[test]
    fn unknown_types_are_told_apart_from_broken_ones(kind in any::<u8>(), body in bytes()) {
        prop_assume!(FRAME_TYPES.iter().all(|(known, _)| *known != kind));
        let bytes = [&[kind], body.as_slice()].concat();
        prop_assert_eq!(Frame::decode(&bytes), Err(BadFrame::Unknown(kind)));
    }

    #[test]
    fn positions_come_back_and_only_for_as_many_batches(all in vec(any::<u64>(), 0..40), other in 0..50_usize) {
        let bytes = encode_positions(&all);
        prop_assert_eq!(decode_positions(&bytes, all.len()), Some(all.clone()));
        prop_assume!(other != all.len());
        prop_assert_eq!(decode_positions(&bytes, other), None);
    }

    #[test]
    fn any_bytes_are_positions_or_none(bytes in bytes(), count in 0..200_usize) {
        let found = decode_positions(&bytes, count);
        prop_assert!(found.is_none_or(|found| found.len() == count));
    }

    #[test]
    fn length_of_a_frame_is_known_as_soon_as_its_prefix_is_there(len in 1..=FRAME_BYTES_MAX) {
        let mut prefix = Vec::new();
        put_varint(&mut prefix, len as u64);
        for cut in 0..prefix.len() {
            prop_assert_eq!(frame_len(&prefix[..cut]), Ok(None));
        }
        prop_assert_eq!(frame_len(&prefix), Ok(Some((len, prefix.len()))));
        let more = [prefix.as_slice(), &[0xff; 8]].concat();
        prop_assert_eq!(frame_len(&more), Ok(Some((len, prefix.len()))));
    }

    #[test]
    fn any_prefix_is_a_length_or_refused(bytes in vec(any::<u8>(), 0..8)) {
        if let Ok(Some((len, taken))) = frame_len(&bytes) {
            prop_assert!((1..=FRAME_BYTES_MAX).contains(&len));
            prop_assert!(taken <= FRAME_PREFIX_MAX);
        }
    }
}

#[test]
fn frames_that_are_too_long_are_refused_before_they_are_read() {
    let mut prefix = Vec::new();
    put_varint(&mut prefix, FRAME_BYTES_MAX as u64 + 1);
    assert_eq!(frame_len(&prefix), Err(BadFrame::TooLarge));
    assert_eq!(frame_len(&[0xff; 4]), Err(BadFrame::TooLarge));
    assert_eq!(
        Frame::decode(&vec![1; FRAME_BYTES_MAX + 1]),
        Err(BadFrame::TooLarge)
    );
}

#[test]
fn lengths_that_are_no_lengths_are_refused() {
    assert_eq!(frame_len(&[0]), Err(BadFrame::Layout(0)));
    assert_eq!(
        frame_len(&[0x80, 0x00]),
        Err(BadFrame::Layout(0)),
        "not the shortest form"
    );
    assert_eq!(Frame::decode(&[]), Err(BadFrame::Layout(0)));
}

#[test]
fn a_key_that_stands_twice_counts_as_it_stands_last() {
    let twice = [ACK, 0xa3, 0x00, 0x01, 0x01, 0x02, 0x00, 0x07];
    assert_eq!(
        Frame::decode(&twice),
        Ok(Frame::Ack(Ack {
            batches: 7,
            arrival: 2,
            positions: None,
        }))
    );
}

#[test]
fn state_of_a_lane_may_grow_at_its_end() {
    let mut body = vec![LANES, 0xa2, 0x00, 0x50];
    body.extend_from_slice(&[1; 16]);
    body.extend_from_slice(&[0x01, 0x81, 0x87, 0x50]);
    body.extend_from_slice(&[2; 16]);
    body.push(0x50);
    body.extend_from_slice(&[3; 16]);
    body.extend_from_slice(&[4, 5, 0x58, 0x20]);
    body.extend_from_slice(&[6; 32]);
    body.extend_from_slice(&[0xf6, 0x61, b'?']);
    let state = LaneState {
        lane: LaneId::new([2; 16]),
        digest: Digest([3; 16]),
        tip: 4,
        yours: 5,
        chain: Some(ChainHash::new([6; 32])),
        lost: None,
    };
    let lanes = Lanes {
        store: StoreId::new([1; 16]),
        lanes: vec![state],
        equal: None,
    };
    assert_eq!(Frame::decode(&body), Ok(Frame::Lanes(lanes)));
}

#[test]
fn refusals_come_back_and_unknown_ones_mean_a_fault() {
    let known: Vec<_> = (0..=u16::MAX)
        .map(|code| (code, Refusal::from_code(code)))
        .filter(|(code, refusal)| refusal.code() == *code)
        .collect();
    assert_eq!(known.len(), Refusal::CODES.len());
    assert_eq!(Refusal::from_code(0), Refusal::Internal);
    assert_eq!(Refusal::from_code(u16::MAX), Refusal::Internal);
}
