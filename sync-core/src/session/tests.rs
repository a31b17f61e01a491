//! Two carriers joined by frames.

use std::collections::BTreeSet;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng};

use super::memory::MemoryCarrier;
use super::*;
use crate::entry::EntryKind;
use crate::entry::seal::PlainEntry;
use crate::id::{ChainHash, CommunityId, Seq};
use crate::keys::{DeviceKeys, Signer as _};
use crate::session::marks::Marks;

mod hostile;
mod lapse;
mod receipts;
mod uploads;

const COMMUNITY: CommunityId = CommunityId::new([1; 32]);
const SPACE: LaneId = LaneId::new([2; 16]);

struct Side {
    keys: DeviceKeys,
    kind: PeerKind,
    incarnation: Incarnation,
    carrier: MemoryCarrier,
    session: Option<Session>,
    events: Vec<Event>,
    /// How often in this session what was pulled was not all.
    compared_again: usize,
}

/// What one exchange cost.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Cost {
    frames: u64,
    bytes: usize,
    batches: usize,
}

impl Side {
    fn new(kind: PeerKind, number: u8) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(number));
        Self {
            keys: DeviceKeys::generate(&mut rng),
            kind,
            incarnation: Incarnation::new([number; 8]),
            carrier: MemoryCarrier::new(COMMUNITY, StoreId::new([number; 16]), [SPACE]),
            session: None,
            events: Vec::new(),
            compared_again: 0,
        }
    }

    fn log(&self, lane: LaneId) -> LogId {
        LogId {
            lane,
            device: self.keys.device(),
            incarnation: self.incarnation,
        }
    }

    fn write(&mut self, lane: LaneId, text: &str, rng: &mut ChaCha8Rng) {
        let entry = PlainEntry {
            kind: EntryKind::CHANGE,
            bytes: text.into(),
        };
        let log = self.log(lane);
        self.carrier.write(&self.keys, log, &[entry], rng);
    }

    fn parties(&self, peer: &Self) -> Parties {
        Parties {
            us: self.keys.device(),
            kind: self.kind,
            incarnation: self.incarnation,
            peer: peer.keys.device(),
            peer_kind: peer.kind,
        }
    }

    /// Takes what has come and does what the session says.
    fn receive(&mut self, frame: Frame) {
        let session = self.session.as_mut().unwrap();
        let events = session.receive(frame, &self.carrier).unwrap();
        self.react(events);
    }

    fn react(&mut self, events: Vec<Event>) {
        for event in events {
            self.events.push(event.clone());
            let session = self.session.as_mut().unwrap();
            match event {
                Event::Ingest { batches, upto } => {
                    let taken: Vec<Taken> = batches
                        .into_iter()
                        .map(|batch| self.carrier.take(batch))
                        .collect();
                    session.stored(&taken);
                    self.cursors(upto);
                }
                Event::Cursors(upto) => self.cursors(upto),
                Event::CaughtUp => {
                    if !session.check_pulled(&self.carrier).unwrap() {
                        self.compared_again += 1;
                    }
                }
                Event::Acked(_)
                | Event::Compared
                | Event::Ended
                | Event::Lacking(_)
                | Event::OwnLogAhead(_)
                | Event::AskedErased(_)
                | Event::Blob(_)
                | Event::HasErased(_)
                | Event::AskedReceipts(_)
                | Event::Placed(_)
                | Event::Receipts(_)
                | Event::Refused { .. }
                | Event::Totals(_) => {}
            }
        }
    }

    fn cursors(&mut self, upto: Vec<(LaneId, u64)>) {
        let store = self.session.as_ref().unwrap().peer_store();
        for (lane, position) in upto {
            if let Some(store) = store {
                self.carrier.cursors.insert((store, lane), position);
            }
        }
    }

    fn transmit(&mut self) -> Option<Frame> {
        self.session
            .as_mut()
            .unwrap()
            .poll_transmit(&self.carrier)
            .unwrap()
    }

    fn contents(&self) -> BTreeSet<(LogId, Seq, ChainHash)> {
        self.carrier
            .rows()
            .iter()
            .filter(|row| !row.is_branch)
            .map(|row| {
                (
                    *row.batch.log(),
                    row.batch.last_seq(),
                    row.batch.head().chain,
                )
            })
            .collect()
    }
}

/// The phone dials; both let each other have everything they carry.
fn connect(phone: &mut Side, other: &mut Side, rng: &mut ChaCha8Rng) -> Cost {
    let lanes = phone.carrier.lanes.clone();
    other
        .carrier
        .peers
        .entry(phone.keys.device())
        .or_insert(lanes);
    if other.kind == PeerKind::Member {
        let lanes = other.carrier.lanes.clone();
        phone
            .carrier
            .peers
            .entry(other.keys.device())
            .or_insert(lanes);
    }
    phone.events.clear();
    other.events.clear();
    phone.compared_again = 0;
    let mut dialled = Session::dial(phone.parties(other), &phone.carrier, None, rng).unwrap();
    let Some(Frame::Hello(hello)) = dialled.poll_transmit(&phone.carrier).unwrap() else {
        panic!("a session begins with a hello")
    };
    let bytes = Frame::Hello(hello.clone()).encode().len();
    phone.session = Some(dialled);
    let (session, events) =
        Session::accept(other.parties(phone), &other.carrier, hello, rng).unwrap();
    other.session = Some(session);
    other.react(events);
    Cost {
        frames: 1,
        bytes,
        batches: 0,
    }
}

/// Moves frames both ways until nobody has any, but at most `frames`.
fn flow(phone: &mut Side, other: &mut Side, frames: u64) -> Cost {
    let mut cost = Cost::default();
    loop {
        let before = cost.frames;
        for is_up in [true, false] {
            let (from, to) = if is_up {
                (&mut *phone, &mut *other)
            } else {
                (&mut *other, &mut *phone)
            };
            if cost.frames < frames
                && let Some(frame) = from.transmit()
            {
                let bytes = frame.encode();
                let (len, prefix) = crate::wire::frame_len(&bytes).unwrap().unwrap();
                assert_eq!(bytes.len(), len + prefix);
                cost.frames += 1;
                cost.bytes += bytes.len();
                if let Frame::Batches(batches) = &frame {
                    cost.batches += batches.batches.len();
                }
                assert!(cost.frames < 10_000, "the two never stop talking");
                to.receive(Frame::decode(&bytes[prefix..]).unwrap());
            }
        }
        if cost.frames == before {
            return cost;
        }
    }
}

fn sync(phone: &mut Side, other: &mut Side, rng: &mut ChaCha8Rng) -> Cost {
    let hello = connect(phone, other, rng);
    let cost = flow(phone, other, u64::MAX);
    let times = 1 + phone.compared_again;
    for side in [&*phone, &*other] {
        assert!(
            side.session.as_ref().unwrap().is_caught_up(),
            "{:?}",
            side.events
        );
        assert_eq!(
            side.events
                .iter()
                .filter(|event| matches!(event, Event::CaughtUp))
                .count(),
            times,
            "{:?}",
            side.events
        );
    }
    Cost {
        bytes: hello.bytes + cost.bytes,
        frames: hello.frames + cost.frames,
        ..cost
    }
}

fn roster() -> LaneId {
    roster_lane(&COMMUNITY)
}

fn pair(kind: PeerKind) -> (Side, Side, ChaCha8Rng) {
    (
        Side::new(PeerKind::Member, 1),
        Side::new(kind, 2),
        ChaCha8Rng::seed_from_u64(7),
    )
}

#[test]
fn equal_replicas_part_after_two_hellos() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = pair(kind);
        for text in ["one", "two"] {
            a.write(SPACE, text, &mut rng);
        }
        sync(&mut a, &mut b, &mut rng);
        let again = sync(&mut a, &mut b, &mut rng);
        assert_eq!(again.frames, 2);
        assert!(again.bytes < 300, "{again:?}");
        assert_eq!(a.session.as_ref().unwrap().counts().round_trips, 1);
    }
}

#[test]
fn everything_flows_both_ways_and_each_batch_once() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = pair(kind);
        a.write(roster(), "roster", &mut rng);
        a.write(SPACE, "mine", &mut rng);
        // Batches of others, which each side carries.
        let mut third = Side::new(PeerKind::Member, 3);
        third.write(SPACE, "third", &mut rng);
        sync(&mut third, &mut b, &mut rng);
        let mut fourth = Side::new(PeerKind::Member, 4);
        fourth.write(SPACE, "fourth", &mut rng);
        sync(&mut fourth, &mut a, &mut rng);
        a.carrier.unshared.insert(fourth.log(SPACE));
        let cost = sync(&mut a, &mut b, &mut rng);
        assert_eq!(cost.batches, 4);
        assert_eq!(a.contents(), b.contents());
        assert_eq!(sync(&mut a, &mut b, &mut rng).batches, 0);
    }
}

#[test]
fn edits_after_the_comparison_flow_live_and_are_not_echoed() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = pair(kind);
        a.write(SPACE, "before", &mut rng);
        connect(&mut a, &mut b, &mut rng);
        a.write(SPACE, "while greeting", &mut rng);
        let first = flow(&mut a, &mut b, u64::MAX);
        assert_eq!(first.batches, 2);
        a.write(SPACE, "live", &mut rng);
        b.write(SPACE, "back", &mut rng);
        assert_eq!(flow(&mut a, &mut b, u64::MAX).batches, 2);
        assert_eq!(a.contents(), b.contents());
        assert!(a.session.as_ref().unwrap().has_delivered(Arrival(4)));
    }
}

#[test]
fn cut_anywhere_the_next_session_completes() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        for frames in 0..16 {
            let (mut a, mut b, mut rng) = pair(kind);
            for number in 0..40 {
                let text = "x".repeat(20_000);
                let side = if number % 2 == 0 { &mut a } else { &mut b };
                side.write(SPACE, &text, &mut rng);
            }
            connect(&mut a, &mut b, &mut rng);
            let first = flow(&mut a, &mut b, frames);
            let second = sync(&mut a, &mut b, &mut rng);
            assert_eq!(a.contents(), b.contents());
            assert!(first.batches + second.batches >= 40);
            assert_eq!(sync(&mut a, &mut b, &mut rng).batches, 0);
        }
    }
}

#[test]
fn what_was_received_before_a_cut_is_not_sent_again() {
    let (mut a, mut b, mut rng) = pair(PeerKind::Relay);
    for _ in 0..60 {
        b.write(SPACE, &"x".repeat(20_000), &mut rng);
    }
    connect(&mut a, &mut b, &mut rng);
    let first = flow(&mut a, &mut b, 8);
    assert!(first.batches > 0 && first.batches < 60, "{first:?}");
    let second = sync(&mut a, &mut b, &mut rng);
    assert_eq!(first.batches + second.batches, 60);
}

/// Two installations write at one position of one log, as a copied store does.
fn forked(lens: (usize, usize), kind: PeerKind) -> (Side, Side, ChaCha8Rng) {
    let (mut a, mut b, mut rng) = pair(kind);
    let mut copied = Side::new(PeerKind::Member, 9);
    copied.write(SPACE, "shared", &mut rng);
    sync(&mut copied, &mut a, &mut rng);
    sync(&mut copied, &mut b, &mut rng);
    let mut other = Side::new(PeerKind::Member, 9);
    other.carrier = copied.carrier.clone();
    (0..lens.0).for_each(|n| copied.write(SPACE, &format!("left {n}"), &mut rng));
    (0..lens.1).for_each(|n| other.write(SPACE, &format!("right {n}"), &mut rng));
    sync(&mut copied, &mut a, &mut rng);
    sync(&mut other, &mut b, &mut rng);
    let log = copied.log(SPACE);
    a.carrier.unshared.insert(log);
    (a, b, rng)
}

#[test]
fn forked_logs_end_alike_on_both_sides() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        for lens in [(1, 1), (3, 1), (1, 3), (2, 2)] {
            let (mut a, mut b, mut rng) = forked(lens, kind);
            // A check of one byte may miss a fork; the next session has another.
            for _ in 0..3 {
                sync(&mut a, &mut b, &mut rng);
            }
            assert_eq!(a.contents(), b.contents(), "{kind:?} {lens:?}");
            let all = |side: &Side| -> BTreeSet<ChainHash> {
                side.carrier
                    .rows()
                    .iter()
                    .map(|row| row.batch.head().chain)
                    .collect()
            };
            assert_eq!(all(&a), all(&b), "{kind:?} {lens:?}");
            assert_eq!(all(&a).len(), 1 + lens.0 + lens.1);
            assert_eq!(sync(&mut a, &mut b, &mut rng).batches, 0);
        }
    }
}

fn chains(side: &Side) -> BTreeSet<ChainHash> {
    let rows = side.carrier.rows().iter();
    rows.map(|row| row.batch.head().chain).collect()
}

#[test]
fn whoever_saw_one_branch_alone_is_given_the_other() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = forked((2, 1), kind);
        let mut saw_left = Side::new(PeerKind::Member, 7);
        let mut saw_right = Side::new(PeerKind::Member, 8);
        sync(&mut saw_left, &mut a, &mut rng);
        sync(&mut saw_right, &mut b, &mut rng);
        sync(&mut a, &mut b, &mut rng);
        for side in [&mut saw_left, &mut saw_right] {
            assert_ne!(chains(side), chains(&b));
            // One of the two has all heads, and lacks what lost.
            sync(side, &mut b, &mut rng);
            assert_eq!(chains(side), chains(&b), "{kind:?}");
            assert_eq!(sync(side, &mut b, &mut rng).frames, 2, "{kind:?}");
        }
    }
}

#[test]
fn whoever_kept_both_branches_brings_what_lost() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = forked((2, 1), PeerKind::Member);
        let mut saw_left = Side::new(kind, 7);
        let mut saw_right = Side::new(kind, 8);
        sync(&mut a, &mut saw_left, &mut rng);
        sync(&mut b, &mut saw_right, &mut rng);
        sync(&mut a, &mut b, &mut rng);
        for side in [&mut saw_left, &mut saw_right] {
            sync(&mut a, side, &mut rng);
            assert_eq!(chains(side), chains(&a), "{kind:?}");
        }
    }
}

#[test]
fn lane_that_the_other_side_learns_of_is_sent_in_the_same_session() {
    for kind in [PeerKind::Member, PeerKind::Relay] {
        let (mut a, mut b, mut rng) = pair(kind);
        b.carrier.lanes = BTreeSet::from([roster()]);
        if kind == PeerKind::Member {
            a.carrier
                .peers
                .insert(b.keys.device(), BTreeSet::from([roster(), SPACE]));
        }
        a.write(roster(), "there is a space", &mut rng);
        a.write(SPACE, "in it", &mut rng);
        connect(&mut a, &mut b, &mut rng);
        while b.carrier.rows().is_empty() {
            assert!(flow(&mut a, &mut b, 1).frames > 0);
        }
        // The roster batch has told it.
        b.carrier.lanes.insert(SPACE);
        let lanes = b.carrier.lanes.clone();
        b.carrier.peers.insert(a.keys.device(), lanes);
        flow(&mut a, &mut b, u64::MAX);
        assert_eq!(a.contents(), b.contents());
        assert!(a.session.as_ref().unwrap().is_caught_up());
        b.write(SPACE, "back", &mut rng);
        flow(&mut a, &mut b, u64::MAX);
        assert_eq!(a.contents(), b.contents());
    }
}

#[test]
fn own_log_ahead_over_there_stops_before_anything_is_written() {
    let (mut a, mut b, mut rng) = pair(PeerKind::Relay);
    a.write(SPACE, "one", &mut rng);
    let backup = a.carrier.clone();
    a.write(SPACE, "two", &mut rng);
    sync(&mut a, &mut b, &mut rng);
    a.carrier = backup;
    connect(&mut a, &mut b, &mut rng);
    let cost = flow(&mut a, &mut b, u64::MAX);
    assert!(a.events.contains(&Event::OwnLogAhead(SPACE)));
    assert_eq!(cost.batches, 0);
}

#[test]
fn lane_that_the_peer_may_not_have_stays_here() {
    let (mut a, mut b, mut rng) = pair(PeerKind::Relay);
    b.write(SPACE, "secret", &mut rng);
    b.write(roster(), "open", &mut rng);
    b.carrier
        .peers
        .insert(a.keys.device(), BTreeSet::from([roster()]));
    sync(&mut a, &mut b, &mut rng);
    b.write(SPACE, "secret too", &mut rng);
    flow(&mut a, &mut b, u64::MAX);
    assert_eq!(a.carrier.rows().len(), 1);
}

#[test]
fn frame_out_of_turn_ends_the_session_with_a_refusal() {
    let (mut a, mut b, mut rng) = pair(PeerKind::Member);
    a.write(SPACE, "one", &mut rng);
    connect(&mut a, &mut b, &mut rng);
    let session = b.session.as_mut().unwrap();
    let frame = Frame::CaughtUp(crate::wire::CaughtUp {
        lanes: Vec::new(),
        tip: None,
    });
    assert_eq!(
        session.receive(frame, &b.carrier),
        Err(SessionError::Peer(Refusal::BadFrame))
    );
    assert!(session.is_ended());
    let last = std::iter::from_fn(|| session.poll_transmit(&b.carrier).unwrap()).last();
    assert!(matches!(last, Some(Frame::Refuse(_))));
}

#[test]
fn marks_of_another_session_are_other_marks() {
    let log = LogId {
        lane: SPACE,
        device: DeviceId::new([1; 32]),
        incarnation: Incarnation::new([2; 8]),
    };
    let (one, two) = (Marks::new(&[1; 8], &[2; 8]), Marks::new(&[1; 8], &[3; 8]));
    assert_ne!(one.mark(&log), two.mark(&log));
    assert_eq!(one.mark(&log), Marks::new(&[1; 8], &[2; 8]).mark(&log));
}

#[test]
fn random_writers_and_meetings_converge() {
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut relay = Side::new(PeerKind::Relay, 100);
        let mut phones: Vec<Side> = (1..=4)
            .map(|number| Side::new(PeerKind::Member, number))
            .collect();
        for _ in 0..30 {
            let one = rng.random_range(0..phones.len());
            let other = rng.random_range(0..phones.len());
            match rng.random_range(0..4) {
                0 | 1 => phones[one].write(SPACE, "words", &mut rng),
                2 => share_with(&mut phones[one], &mut relay, &mut rng),
                _ if one == other => {}
                _ => {
                    let mut peer =
                        std::mem::replace(&mut phones[other], Side::new(PeerKind::Member, 0));
                    let frames = rng.random_range(0..20);
                    connect(&mut phones[one], &mut peer, &mut rng);
                    flow(&mut phones[one], &mut peer, frames);
                    phones[other] = peer;
                }
            }
        }
        for _ in 0..2 {
            phones
                .iter_mut()
                .for_each(|phone| share_with(phone, &mut relay, &mut rng));
        }
        for phone in &phones {
            assert_eq!(phone.contents(), relay.contents(), "seed {seed}");
        }
        for phone in &mut phones {
            assert_eq!(sync(phone, &mut relay, &mut rng).frames, 2, "seed {seed}");
        }
    }
}

/// A phone that does not know what the relay lacks says all that it has.
fn share_with(phone: &mut Side, relay: &mut Side, rng: &mut ChaCha8Rng) {
    let own = phone.log(SPACE);
    let heads = phone.carrier.heads(&SPACE).unwrap();
    phone.carrier.unshared = heads
        .into_iter()
        .map(|(log, _)| log)
        .filter(|log| *log != own)
        .collect();
    sync(phone, relay, rng);
}
