//! A session with somebody who says what they like.
//!
//! ```text
//! input = mode u8 | frame …     bit 0: they answer instead of dialling; bit 1: they are a relay
//! ```
//! They greet as they should; from then on their frames come from the input. The session draws the same
//! nonces each time, so that lists of heads in the corpus mean what they meant.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::entry::EntryKind;
use sync_core::entry::seal::PlainEntry;
use sync_core::id::{DeviceId, Incarnation, LaneId, LogId, StoreId};
use sync_core::keys::{DeviceKeys, Secret, Signer as _};
use sync_core::roster::roster_lane;
use sync_core::session::memory::MemoryCarrier;
use sync_core::session::{Event, Parties, Session, SessionError, Taken};
use sync_core::wire::batches::Batches;
use sync_core::wire::{Ask, Frame, Hello, LaneHeads, PeerKind, Refusal, Want};

use super::expected::COMMUNITY;
use super::{Input, frame};

const SPACE: LaneId = LaneId::new([2; 16]);
/// What the stranger may not have.
const SECRET: LaneId = LaneId::new([3; 16]);
/// Frames that are more than a session of so few batches needs.
const FRAMES_MAX: usize = 1_000;
/// More of an input is not taken: it would only take longer.
const FRAMES_TAKEN: usize = 64;

const ANSWERS: u8 = 1;
const RELAY: u8 = 2;

/// One side.
struct Side {
    keys: DeviceKeys,
    kind: PeerKind,
    incarnation: Incarnation,
    carrier: MemoryCarrier,
}

impl Side {
    fn new(number: u8, kind: PeerKind, lanes: &[LaneId]) -> Self {
        let keys = DeviceKeys::from_secrets(&Secret::new([number; 32]), Secret::new([1; 32]));
        let store = StoreId::new([number; 16]);
        Self {
            keys,
            kind,
            incarnation: Incarnation::new([number; 8]),
            carrier: MemoryCarrier::new(COMMUNITY, store, lanes.iter().copied()),
        }
    }

    fn write(&mut self, lane: LaneId, texts: &[&str]) {
        let log = LogId {
            lane,
            device: self.keys.device(),
            incarnation: self.incarnation,
        };
        let rng = &mut ChaCha8Rng::seed_from_u64(self.carrier.rows().len() as u64);
        for text in texts {
            let entry = PlainEntry {
                kind: EntryKind::CHANGE,
                bytes: (*text).into(),
            };
            self.carrier.write(&self.keys, log, &[entry], rng);
        }
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

    fn device(&self) -> DeviceId {
        self.keys.device()
    }
}

/// We, who have three lanes, and they, who may have two of them.
fn sides(mode: u8) -> (Side, Side) {
    let (ours, theirs) = match (mode & ANSWERS == 0, mode & RELAY == 0) {
        (_, true) => (PeerKind::Member, PeerKind::Member),
        (true, false) => (PeerKind::Relay, PeerKind::Member),
        (false, false) => (PeerKind::Member, PeerKind::Relay),
    };
    let mut us = Side::new(1, ours, &[SPACE, SECRET]);
    let mut they = Side::new(2, theirs, &[SPACE]);
    let mut third = Side::new(3, PeerKind::Member, &[SPACE]);
    us.write(roster_lane(&COMMUNITY), &["roster"]);
    us.write(SPACE, &["one", "two", "three"]);
    us.write(SECRET, &["nobody else's"]);
    third.write(SPACE, &["of a third"]);
    for row in third.carrier.rows() {
        let batch = (*row.batch).clone();
        us.carrier.take(received_again(batch));
    }
    they.write(SPACE, &["theirs", "and again"]);
    us.carrier.receipts = Some(3);
    they.carrier.receipts = Some(2);
    let shared = BTreeSet::from([roster_lane(&COMMUNITY), SPACE]);
    us.carrier.peers.insert(they.device(), shared.clone());
    they.carrier.peers.insert(us.device(), shared);
    (us, they)
}

fn received_again(batch: sync_core::entry::VerifiedBatch) -> sync_core::wire::batches::Received {
    let mut writer = sync_core::wire::batches::BatchWriter::default();
    writer.push(&batch, true);
    let mut reader = sync_core::wire::batches::BatchReader::default();
    let batches = reader.read(writer.take());
    let received = batches.ok().and_then(|mut batches| batches.pop());
    received.expect("what was written is read")
}

fn rng(number: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(number)
}

fn dial(from: &Side, to: &Side) -> (Session, Hello) {
    let session = Session::dial(from.parties(to), &from.carrier, None, &mut rng(11));
    let mut session = session.expect("memory does not fail");
    let hello = session.poll_transmit(&from.carrier);
    let Ok(Some(Frame::Hello(hello))) = hello else {
        unreachable!("a session begins with a hello")
    };
    (session, hello)
}

fn accept(at: &Side, from: &Side, hello: Hello) -> (Session, Vec<Event>) {
    let accepted = Session::accept(at.parties(from), &at.carrier, hello, &mut rng(12));
    accepted.expect("the hello is a good one")
}

/// Does what the session says; only what is verified is kept.
fn react(side: &mut Side, session: &mut Session, events: Vec<Event>) {
    for event in events {
        if let Event::Ingest { batches, .. } = event {
            let taken: Vec<Taken> = batches
                .into_iter()
                .map(|batch| side.carrier.take(batch))
                .collect();
            session.stored(&taken);
        }
    }
}

/// Everything that a side has to say now.
fn said(side: &Side, session: &mut Session) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(frame) = session
        .poll_transmit(&side.carrier)
        .expect("memory does not fail")
    {
        if let Frame::Batches(Batches { lanes, .. }) = &frame {
            assert!(!lanes.contains(&SECRET), "a lane that is not theirs");
        }
        frames.push(frame);
        assert!(frames.len() < FRAMES_MAX, "it never stops talking");
    }
    frames
}

pub(super) fn session(input: &[u8]) {
    let (us, they) = heard(input);
    for row in us.carrier.rows() {
        assert_eq!(row.batch.verify_again(&COMMUNITY), Ok(()));
    }
    assert_goes_on(us, they);
}

/// Both, after we have heard all that they said.
fn heard(input: &[u8]) -> (Side, Side) {
    let mut input = Input(input);
    let mode = input.byte().unwrap_or_default();
    let (mut us, they) = sides(mode);
    let before = us.carrier.rows().len();
    let mut session = if mode & ANSWERS == 0 {
        let (_, hello) = dial(&they, &us);
        let (mut session, events) = accept(&us, &they, hello);
        react(&mut us, &mut session, events);
        session
    } else {
        dial(&us, &they).0
    };
    let mut answers = said(&us, &mut session).len();
    let mut heard = 0;
    for body in frame::bodies(input.0).take(FRAMES_TAKEN) {
        let Ok(frame) = Frame::decode(body) else {
            break;
        };
        heard += 1;
        hear(&mut us, &mut session, frame);
        answers += said(&us, &mut session).len();
    }
    assert!(
        answers <= 16 * (heard + 1),
        "{heard} frames, {answers} answers"
    );
    assert!(us.carrier.rows().len() >= before, "something is lost");
    (us, they)
}

fn hear(us: &mut Side, session: &mut Session, frame: Frame) {
    let was_over = session.is_ended();
    match session.receive(frame, &us.carrier) {
        Ok(events) => {
            assert!(!was_over || events.is_empty(), "it was over");
            react(us, session, events);
        }
        Err(SessionError::Peer(refusal)) => {
            assert!(session.is_ended(), "{refusal} and goes on");
        }
        Err(SessionError::Store(error)) => unreachable!("memory does not fail: {error}"),
    }
}

/// Whatever was said before, the next session brings both to the same.
fn assert_goes_on(mut us: Side, mut they: Side) {
    us.kind = PeerKind::Member;
    they.kind = PeerKind::Member;
    exchange(&mut they, &mut us);
    let shared = |side: &Side| {
        let rows = side.carrier.rows().iter();
        let rows = rows.filter(|row| row.batch.log().lane != SECRET);
        let chains = rows.map(|row| (*row.batch.log(), row.batch.head().chain));
        chains.collect::<BTreeSet<_>>()
    };
    assert_eq!(shared(&us), shared(&they));
}

/// An honest session; gives what the dialer and what the other side have said after the hello.
fn exchange(dialer: &mut Side, other: &mut Side) -> [Vec<Frame>; 2] {
    let (mut near, hello) = dial(dialer, other);
    let (mut far, events) = accept(other, dialer, hello);
    react(other, &mut far, events);
    let mut tapes = [Vec::new(), Vec::new()];
    loop {
        let from_near = said(dialer, &mut near);
        let from_far = said(other, &mut far);
        if from_near.is_empty() && from_far.is_empty() {
            return tapes;
        }
        let [near_tape, far_tape] = &mut tapes;
        near_tape.extend(from_near.iter().cloned());
        far_tape.extend(from_far.iter().cloned());
        assert!(near_tape.len() < FRAMES_MAX, "they never stop talking");
        from_near
            .into_iter()
            .for_each(|frame| hear(other, &mut far, frame));
        from_far
            .into_iter()
            .for_each(|frame| hear(dialer, &mut near, frame));
    }
}

/// A list of heads in an ask, or of wanted entries in a want that answers ours: `mode u8 | list …`, bit 0: a
/// want; bit 1: complete, or spelled out; bit 2: one of the two is a relay.
pub(super) fn heads(input: &[u8]) {
    let mut input = Input(input);
    let Some(mode) = input.byte() else { return };
    let (mut us, they) = sides((mode & 1) | (mode >> 1) & RELAY);
    let list = LaneHeads {
        lane: SPACE,
        heads: input.0.to_vec().into(),
        is_complete: mode & 2 != 0,
    };
    let (mut session, frame) = if mode & 1 == 0 {
        let (_, hello) = dial(&they, &us);
        let (mut session, events) = accept(&us, &they, hello);
        react(&mut us, &mut session, events);
        let ask = Ask {
            heads: vec![list],
            ..Ask::default()
        };
        (session, Frame::Ask(ask))
    } else {
        let want = Want {
            lanes: vec![list],
            is_explicit: mode & 2 != 0,
            ..Want::default()
        };
        (asking(&mut us, &they), Frame::Want(want))
    };
    said(&us, &mut session);
    match session.receive(frame, &us.carrier) {
        Ok(_) => {}
        Err(SessionError::Peer(Refusal::BadFrame)) => assert!(session.is_ended()),
        Err(error) => unreachable!("a list is a list or none: {error}"),
    }
    let frames = said(&us, &mut session);
    let sent: usize = frames.iter().map(batches_in).sum();
    let rows = us.carrier.rows().len();
    assert!(sent <= rows, "{sent} of {rows} batches");
}

/// A session of ours that has asked.
fn asking(us: &mut Side, they: &Side) -> Session {
    let (mut session, hello) = dial(us, they);
    let (mut theirs, _) = accept(they, us, hello);
    for frame in said(they, &mut theirs) {
        hear(us, &mut session, frame);
    }
    session
}

fn batches_in(frame: &Frame) -> usize {
    match frame {
        Frame::Batches(batches) => batches.batches.len(),
        Frame::Ack(_)
        | Frame::Ask(_)
        | Frame::AskErased(_)
        | Frame::AskReceipts(_)
        | Frame::Blob(_)
        | Frame::Bye(_)
        | Frame::CaughtUp(_)
        | Frame::HasErased(_)
        | Frame::Hello(_)
        | Frame::Lanes(_)
        | Frame::Receipts(_)
        | Frame::Refuse(_)
        | Frame::Totals(_)
        | Frame::Want(_) => 0,
    }
}

pub(super) mod seeds {
    use super::{ANSWERS, Frame, RELAY, SPACE, exchange, sides};

    fn stream(mode: u8, frames: &[Frame]) -> Vec<u8> {
        let mut bytes = vec![mode];
        bytes.extend(frames.iter().flat_map(Frame::encode));
        bytes
    }

    /// What they say in an honest session, in each mode.
    pub(in crate::fuzz) fn session() -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for mode in [0, ANSWERS, RELAY, ANSWERS | RELAY] {
            let (mut us, mut they) = sides(mode);
            let tape = if mode & ANSWERS == 0 {
                let [tape, _] = exchange(&mut they, &mut us);
                tape
            } else {
                let [_, tape] = exchange(&mut us, &mut they);
                tape
            };
            all.push(stream(mode, &tape));
            for (at, frame) in tape.iter().enumerate() {
                all.push(stream(mode, std::slice::from_ref(frame)));
                let upto = tape.get(..at).unwrap_or_default();
                all.push(stream(mode, upto));
            }
            let twice = [tape.as_slice(), tape.as_slice()].concat();
            all.push(stream(mode, &twice));
        }
        all
    }

    /// The lists of honest sessions.
    pub(in crate::fuzz) fn heads() -> Vec<Vec<u8>> {
        let mut all = vec![
            vec![0],
            vec![3],
            vec![2, 1, 2, 3, 4, 5, 1],
            vec![1, 1, 2, 3, 4, 9],
        ];
        let (mut us, mut they) = sides(0);
        let [near, _] = exchange(&mut they, &mut us);
        let (mut us, mut they) = sides(ANSWERS);
        let [_, far] = exchange(&mut us, &mut they);
        for frame in near.iter().chain(&far) {
            let lists = match frame {
                Frame::Ask(ask) => ask.heads.iter().map(|list| (0, list)).collect::<Vec<_>>(),
                Frame::Want(want) => want.lanes.iter().map(|list| (1, list)).collect(),
                Frame::Ack(_)
                | Frame::AskErased(_)
                | Frame::AskReceipts(_)
                | Frame::Batches(_)
                | Frame::Blob(_)
                | Frame::Bye(_)
                | Frame::CaughtUp(_)
                | Frame::HasErased(_)
                | Frame::Hello(_)
                | Frame::Lanes(_)
                | Frame::Receipts(_)
                | Frame::Refuse(_)
                | Frame::Totals(_) => Vec::new(),
            };
            let lists = lists.into_iter().filter(|(_, list)| list.lane == SPACE);
            for (mode, list) in lists {
                for more in [0, 2, 4, 6] {
                    all.push([&[mode | more], list.heads.as_slice()].concat());
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_side_is_heard_in_the_corpus() {
        for mode in [0, ANSWERS, RELAY, ANSWERS | RELAY] {
            let before = sides(mode).0.carrier.rows().len();
            let inputs = seeds::session().into_iter();
            let gained = inputs
                .filter(|input| input.first() == Some(&mode))
                .map(|input| heard(&input).0.carrier.rows().len() - before);
            assert_eq!(gained.max(), Some(2), "mode {mode}");
        }
    }
}
