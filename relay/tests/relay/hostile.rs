//! Whatever members send, the relay neither panics nor grows.

use proptest::prelude::*;
use relay::limits::{Limits, OUTBOX_FRAMES_MAX};
use relay::relay::{ConnId, Effect, Input};
use sync_core::id::{Arrival, DeviceId, LaneId, Millis, StoreId};
use sync_core::receipt::LanesMark;
use sync_core::roster::role::{Role, Scope};
use sync_core::wire::batches::Batches;
use sync_core::wire::receipts::{AskReceipts, ReceiptRow, Receipts};
use sync_core::wire::{
    Ack, Ask, BadFrame, Bye, CaughtUp, Frame, LaneHeads, Lanes, Refusal, Refuse, Totals, Want,
    frame_len,
};

use crate::village::village;

fn lane() -> impl Strategy<Value = LaneId> {
    any::<[u8; 16]>().prop_map(LaneId::new)
}

fn heads() -> impl Strategy<Value = LaneHeads> {
    (
        lane(),
        prop::collection::vec(any::<u8>(), 0..40),
        any::<bool>(),
    )
        .prop_map(|(lane, heads, is_complete)| LaneHeads {
            lane,
            heads: heads.into(),
            is_complete,
        })
}

fn receipts() -> impl Strategy<Value = Frame> {
    (any::<(u64, i64, u64)>(), 0..4_usize).prop_map(|((position, at, upto), count)| {
        let row = ReceiptRow {
            device: DeviceId::ZERO,
            position,
            at,
            lanes: LanesMark([0; 8]),
            signature: [0; 64].into(),
        };
        Frame::Receipts(Receipts {
            store: StoreId::ZERO,
            after: 0,
            upto,
            rows: vec![row; count],
        })
    })
}

fn frame() -> impl Strategy<Value = Frame> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..200);
    let lanes = || prop::collection::vec((lane(), any::<u64>()), 0..4);
    prop_oneof![
        (0..3_u64, any::<u64>(), prop::option::of(bytes())).prop_map(
            |(batches, arrival, positions)| Frame::Ack(Ack {
                batches,
                arrival,
                positions: positions.map(Into::into),
            })
        ),
        (
            lanes(),
            prop::collection::vec(heads(), 0..4),
            prop::collection::vec(lane(), 0..4)
        )
            .prop_map(|(pull, heads, lost)| Frame::Ask(Ask {
                pull,
                heads,
                unknown: Vec::new(),
                lost,
            })),
        (prop::collection::vec(heads(), 0..4), any::<bool>()).prop_map(|(lanes, is_explicit)| {
            Frame::Want(Want {
                lanes,
                is_explicit,
                unknown: Vec::new(),
            })
        }),
        (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(batches, entries, bytes)| {
            Frame::Totals(Totals {
                batches,
                entries,
                bytes,
            })
        }),
        (
            prop::collection::vec(lane(), 0..3),
            bytes(),
            prop::collection::vec(bytes(), 0..4)
        )
            .prop_map(|(lanes, rows, batches)| {
                Frame::Batches(Batches {
                    lanes,
                    rows,
                    batches: batches.into_iter().map(Into::into).collect(),
                    ..Batches::default()
                })
            }),
        (lanes(), any::<Option<u64>>())
            .prop_map(|(lanes, tip)| Frame::CaughtUp(CaughtUp { lanes, tip })),
        (0..30_u16, any::<Option<u64>>())
            .prop_map(|(code, batch)| Frame::Refuse(Refuse { code, batch })),
        receipts(),
        any::<u64>().prop_map(|after| Frame::AskReceipts(AskReceipts { after })),
        Just(Frame::Lanes(Lanes {
            equal: None,
            store: StoreId::ZERO,
            lanes: Vec::new()
        })),
        Just(Frame::Bye(Bye {})),
    ]
}

#[derive(Debug, Clone)]
enum Move {
    Frame(Frame),
    Writable,
    Unknown(u8),
    /// A frame with a changed byte.
    Flipped(Frame, usize, u8),
    Wait(u16),
    /// A real frame of the phone's own session, so that hostile ones come at every stage.
    Honest,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => frame().prop_map(Move::Frame),
        1 => Just(Move::Writable),
        1 => any::<u8>().prop_map(Move::Unknown),
        2 => (frame(), any::<usize>(), 1..=255_u8)
            .prop_map(|(frame, at, mask)| Move::Flipped(frame, at, mask)),
        1 => any::<u16>().prop_map(Move::Wait),
        2 => Just(Move::Honest),
    ]
}

/// What a frame becomes on its way when a byte of it changes.
fn flip(conn: ConnId, frame: &Frame, at: usize, mask: u8) -> Input {
    let mut bytes = frame.encode();
    let at = at % bytes.len();
    bytes[at] ^= mask;
    let broken = Input::Broken {
        conn,
        refusal: Refusal::BadFrame,
    };
    match frame_len(&bytes) {
        Ok(Some((len, prefix))) if len + prefix <= bytes.len() => {
            match Frame::decode(&bytes[prefix..prefix + len]) {
                Ok(frame) => Input::Frame { conn, frame },
                Err(BadFrame::Unknown(kind)) => Input::Unknown { conn, kind },
                Err(BadFrame::Layout(_) | BadFrame::TooLarge) => broken,
            }
        }
        _ => broken,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_frames_of_a_member_break_the_relay(moves in prop::collection::vec(moves(), 0..60)) {
        let mut village = village(Limits::default());
        let phone = village.member(Role::Volunteer, Scope::Community);
        let commons = village.commons();
        village.write(0, commons, "something to send");
        village.write(phone, commons, "something to take");
        village.disconnect(phone);
        village.phones[phone].is_impersonated = true;
        let mut in_outbox = 0_usize;
        let mut conn = ConnId(0);
        for step in moves {
            if village.phones[phone].conn.is_none() {
                conn = village.connect(phone, None);
                in_outbox = 0;
            }
            let inputs = match step {
                Move::Frame(frame) => vec![Input::Frame { conn, frame }],
                Move::Writable => {
                    in_outbox = in_outbox.saturating_sub(1);
                    vec![Input::Writable { conn }]
                }
                Move::Unknown(kind) => vec![Input::Unknown { conn, kind }],
                Move::Flipped(frame, at, mask) => vec![flip(conn, &frame, at, mask)],
                Move::Wait(millis) => {
                    village.now = Millis(village.now.0 + i64::from(millis));
                    Vec::new()
                }
                Move::Honest => village
                    .poll(phone)
                    .map(|frame| Input::Frame { conn, frame })
                    .into_iter()
                    .collect(),
            };
            let effects = village.handle(inputs);
            let is_closed = effects.iter().any(|effect| {
                matches!(effect, Effect::Close { conn: closed, .. } if *closed == conn)
            });
            in_outbox += effects
                .iter()
                .filter(|effect| matches!(effect, Effect::Send { conn: to, .. } if *to == conn))
                .count();
            prop_assert!(is_closed || in_outbox <= OUTBOX_FRAMES_MAX);
            prop_assert!(village.relay.connections() <= 2);
        }
        // Whatever it was, the others go on.
        village.disconnect(phone);
        village.write(0, commons, "still carried");
        village.settle();
        let session = village.phones[0].session.as_ref().unwrap();
        prop_assert!(session.has_delivered(Arrival(village.phones[0].carrier.rows().len() as u64)));
    }
}
