//! Peers that ask for too much, or for what they may no longer have.

use super::*;
use crate::wire::{Ask, LaneHeads, Want};

/// A relay with more in a lane than fits one frame.
fn full_side(kind: PeerKind) -> (Side, Side, ChaCha8Rng) {
    let (mut a, mut b, mut rng) = pair(kind);
    a.write(SPACE, "mine", &mut rng);
    for _ in 0..60 {
        b.write(SPACE, &"village ".repeat(2_500), &mut rng);
    }
    (a, b, rng)
}

#[test]
fn peer_that_loses_a_lane_while_it_is_sent_gets_no_more_of_it() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = full_side(kind);
        connect(&mut a, &mut b, &mut rng);
        while a.carrier.rows().len() < 3 {
            assert!(flow(&mut a, &mut b, 1).frames > 0);
        }
        let lanes = BTreeSet::from([roster()]);
        b.carrier.peers.insert(a.keys.device(), lanes);
        let own = b.carrier.lanes.clone();
        b.carrier.peers.insert(b.keys.device(), own);
        let session = b.session.as_mut().unwrap();
        session.lanes_changed(&b.carrier).unwrap();
        let before = a.carrier.rows().len();
        assert!(before < 40, "{before} came before it was cut off");
        flow(&mut a, &mut b, u64::MAX);
        assert_eq!(a.carrier.rows().len(), before, "{kind:?}");
    }
}

/// What the side that was dialled says to these frames of a dialer that has said hello.
fn answer_to(frames: impl IntoIterator<Item = Frame>) -> Result<Vec<Event>, SessionError> {
    let (mut a, mut b, mut rng) = full_side(PeerKind::Relay);
    connect(&mut a, &mut b, &mut rng);
    let session = b.session.as_mut().unwrap();
    let mut last = Ok(Vec::new());
    for frame in frames {
        last = session.receive(frame, &b.carrier);
    }
    last
}

fn refusal_of(frames: impl IntoIterator<Item = Frame>) -> Option<Refusal> {
    match answer_to(frames) {
        Err(SessionError::Peer(refusal)) => Some(refusal),
        Ok(_) | Err(SessionError::Store(_)) => None,
    }
}

fn heads(lane: LaneId) -> LaneHeads {
    LaneHeads {
        lane,
        heads: Vec::new().into(),
        is_complete: true,
    }
}

#[test]
fn ask_that_names_a_lane_twice_is_refused() {
    let once = Ask {
        pull: vec![(SPACE, 0)],
        heads: vec![heads(SPACE)],
        ..Ask::default()
    };
    assert_eq!(refusal_of([Frame::Ask(once)]), None);
    let twice = [
        Ask {
            pull: vec![(SPACE, 0), (SPACE, 1)],
            ..Ask::default()
        },
        Ask {
            heads: vec![heads(SPACE), heads(SPACE)],
            ..Ask::default()
        },
        Ask {
            lost: vec![SPACE, SPACE],
            ..Ask::default()
        },
        Ask {
            unknown: vec![SPACE, SPACE],
            ..Ask::default()
        },
    ];
    for ask in twice {
        assert_eq!(
            refusal_of([Frame::Ask(ask.clone())]),
            Some(Refusal::BadFrame),
            "{ask:?}"
        );
    }
}

#[test]
fn ask_after_ask_is_refused_until_what_was_asked_for_is_sent() {
    let ask = || {
        Frame::Ask(Ask {
            pull: vec![(SPACE, 0)],
            ..Ask::default()
        })
    };
    let most = usize::try_from(ASKS_OPEN_MAX).unwrap();
    assert_eq!(refusal_of((0..most).map(|_| ask())), None);
    assert_eq!(refusal_of((0..=most).map(|_| ask())), Some(Refusal::Busy));
}

#[test]
fn asking_twice_for_a_lane_sends_it_once() {
    let (mut a, mut b, mut rng) = full_side(PeerKind::Relay);
    connect(&mut a, &mut b, &mut rng);
    let ask = Ask {
        pull: vec![(SPACE, 0)],
        ..Ask::default()
    };
    for _ in 0..3 {
        let session = b.session.as_mut().unwrap();
        session
            .receive(Frame::Ask(ask.clone()), &b.carrier)
            .unwrap();
    }
    let session = b.session.as_mut().unwrap();
    let mut sent = 0;
    while let Some(frame) = session.poll_transmit(&b.carrier).unwrap() {
        if let Frame::Batches(batches) = frame {
            sent += batches.batches.len();
        }
    }
    assert_eq!(sent, 60);
}

#[test]
fn answer_to_nothing_that_was_asked_is_refused() {
    let ask = Frame::Ask(Ask::default());
    let want = Frame::Want(Want::default());
    assert_eq!(refusal_of([ask, want]), Some(Refusal::BadFrame));
}

#[test]
fn dialer_that_is_equal_learns_whose_positions_it_hears() {
    let (mut a, mut b, mut rng) = pair(PeerKind::Relay);
    b.write(SPACE, "one", &mut rng);
    sync(&mut a, &mut b, &mut rng);
    a.carrier.cursors.clear();
    connect(&mut a, &mut b, &mut rng);
    flow(&mut a, &mut b, u64::MAX);
    b.write(SPACE, "two", &mut rng);
    flow(&mut a, &mut b, u64::MAX);
    let cursor = a.carrier.cursors.get(&(b.carrier.store_id(), SPACE));
    assert_eq!(cursor, Some(&2));
}

#[test]
fn replica_that_got_everything_another_way_does_not_get_it_again() {
    let (mut a, mut b, mut rng) = pair(PeerKind::Relay);
    let mut carrier = Side::new(PeerKind::Member, 3);
    for text in ["one", "two", "three"] {
        b.write(SPACE, text, &mut rng);
    }
    sync(&mut carrier, &mut b, &mut rng);
    sync(&mut a, &mut carrier, &mut rng);
    assert_eq!(a.contents(), b.contents());
    b.write(SPACE, "four", &mut rng);
    assert_eq!(sync(&mut a, &mut b, &mut rng).batches, 1);
}
