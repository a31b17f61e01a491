//! A changed byte inside a frame, wherever it is: at worst the session ends in a typed refusal.
//!
//! QUIC lets no changed byte through, so this is what a peer with a broken memory or a bad will
//! sends. One exchange between a phone and a relay, and one between two phones, is recorded; then it
//! is held again from the same stores once for every byte, with that byte changed on its way. Nobody
//! may panic or hold what was not written, and the next exchanges must bring everything to all.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use relay::limits::Limits;
use relay::log::memory::MemoryLog;
use relay::relay::{Admission, ConnId, Effect, Input, Relay};
use sync_core::id::{LaneId, Millis, StoreId};
use sync_core::keys::{DeviceKeys, Secret, Signer};
use sync_core::peer::{Peer, PeerError};
use sync_core::replica::{Moment, Replica};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::Schema;
use sync_core::store::MemoryStore;
use sync_core::store::fault::{FaultHandle, FaultStore};
use sync_core::wire::{BadFrame, Frame, PeerKind, Refusal, frame_len};

/// Frames that one exchange may take before it must have ended.
const FRAMES_MAX: usize = 500;
/// The relay's own keys.
fn relay_keys() -> DeviceKeys {
    DeviceKeys::from_secrets(&Secret::new([9; 32]), Secret::new([9; 32]))
}

/// A phone that is switched off: its disk and its keys.
#[derive(Clone)]
struct Disk {
    store: MemoryStore,
    keys: Arc<DeviceKeys>,
}

struct Phone {
    replica: Replica,
    disk: FaultHandle<MemoryStore>,
    keys: Arc<DeviceKeys>,
}

impl Disk {
    fn switch_on(&self) -> Phone {
        let store = FaultStore::new(self.store.clone());
        let disk = store.handle();
        let signer = Arc::clone(&self.keys) as Arc<dyn Signer>;
        Phone {
            replica: Replica::open(Box::new(store), signer).unwrap(),
            disk,
            keys: Arc::clone(&self.keys),
        }
    }
}

impl Phone {
    fn switch_off(self) -> Disk {
        drop(self.replica);
        Disk {
            store: self.disk.take_store().unwrap(),
            keys: self.keys,
        }
    }
}

/// Who a frame comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Dialer,
    Answerer,
}

/// Which bit of which frame of one side is changed.
#[derive(Debug, Clone, Copy)]
struct Flip {
    from: From,
    frame: usize,
    at: usize,
    mask: u8,
}

/// The way between the two: counts and keeps what passes, and may change one byte of it.
#[derive(Default)]
struct Way {
    flip: Option<Flip>,
    tape: Vec<(From, usize, Vec<u8>)>,
}

impl Way {
    /// The frame as it arrives; an error if it is none any more.
    fn carry(&mut self, from: From, frame: &Frame) -> Result<Frame, BadFrame> {
        let number = self.tape.iter().filter(|(side, ..)| *side == from).count();
        let mut bytes = frame.encode();
        self.tape.push((from, number, bytes.clone()));
        assert!(self.tape.len() < FRAMES_MAX, "they never stop talking");
        if let Some(flip) = self.flip
            && (flip.from, flip.frame) == (from, number)
            && let Some(byte) = bytes.get_mut(flip.at)
        {
            *byte ^= flip.mask;
        }
        // A wrong length leaves the reader waiting, or with a piece of the frame.
        let (len, prefix) = frame_len(&bytes)?.ok_or(BadFrame::Layout(0))?;
        let whole = bytes.get(prefix..prefix + len);
        Frame::decode(whole.ok_or(BadFrame::Layout(0))?)
    }
}

fn refusal_of(error: BadFrame) -> Refusal {
    match error {
        BadFrame::TooLarge => Refusal::TooLarge,
        BadFrame::Layout(_) | BadFrame::Unknown(_) => Refusal::BadFrame,
    }
}

/// Everybody, and the generator of this exchange.
struct Scene {
    rng: ChaCha8Rng,
    relay: Relay<MemoryLog>,
    conns: u64,
}

fn moment(rng: &mut ChaCha8Rng) -> Moment<'_> {
    Moment {
        now: Millis(1_800_000_000_000),
        rng,
    }
}

impl Scene {
    fn new(log: MemoryLog, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let relay = Relay::new(
            log,
            Arc::new(relay_keys()),
            Admission::Open,
            Limits::default(),
            &mut rng,
        );
        Self {
            rng,
            relay,
            conns: 0,
        }
    }

    /// A phone's frame, or whatever became of it, as the relay takes it.
    fn input(conn: ConnId, came: Result<Frame, BadFrame>) -> Input {
        match came {
            Ok(frame) => Input::Frame { conn, frame },
            Err(BadFrame::Unknown(kind)) => Input::Unknown { conn, kind },
            Err(error) => Input::Broken {
                conn,
                refusal: refusal_of(error),
            },
        }
    }

    fn relay_takes(&mut self, input: Input, outbox: &mut VecDeque<Frame>) -> bool {
        // A while passes between two connections, so that nobody is too quick.
        let now = Millis(i64::try_from(self.conns).unwrap() * 10_000);
        let mut is_open = true;
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.relay.handle(vec![input], now, &mut self.rng) {
                match effect {
                    Effect::Send { conn, frame } => {
                        outbox.push_back(frame);
                        inputs.push(Input::Writable { conn });
                    }
                    Effect::Read { .. } => {}
                    Effect::Close { .. } => is_open = false,
                }
            }
        }
        is_open
    }

    /// One exchange of a phone with the relay.
    fn with_relay(&mut self, phone: &mut Phone, way: &mut Way) -> Result<(), PeerError> {
        self.conns += 1;
        let conn = ConnId(self.conns);
        let device = phone.keys.device();
        let mut outbox = VecDeque::new();
        self.relay_takes(Input::Connected { conn, device }, &mut outbox);
        let result = self.talk_to_relay(phone, way, conn, &mut outbox);
        self.relay_takes(Input::Closed { conn }, &mut outbox);
        result
    }

    fn talk_to_relay(
        &mut self,
        phone: &mut Phone,
        way: &mut Way,
        conn: ConnId,
        outbox: &mut VecDeque<Frame>,
    ) -> Result<(), PeerError> {
        let replica = &mut phone.replica;
        let mut peer = Peer::dial(
            replica,
            relay_keys().device(),
            PeerKind::Relay,
            &mut self.rng,
        )?;
        let mut is_open = true;
        loop {
            let mut is_quiet = true;
            while let Some(frame) = peer.poll_transmit(replica)? {
                is_quiet = false;
                let input = Self::input(conn, way.carry(From::Dialer, &frame));
                is_open = is_open && self.relay_takes(input, outbox);
            }
            while let Some(frame) = outbox.pop_front() {
                is_quiet = false;
                match way.carry(From::Answerer, &frame) {
                    Ok(frame) => peer.receive(replica, [frame], &mut moment(&mut self.rng))?,
                    Err(BadFrame::Unknown(_)) => peer.refuse_unknown(),
                    Err(error) => return Err(PeerError::Peer(refusal_of(error))),
                }
            }
            if peer.is_done(replica) {
                return peer.note_delivered(replica, &mut moment(&mut self.rng));
            }
            if is_quiet || !is_open {
                // The shell hears the connection close, or gives up in time.
                return Err(PeerError::Peer(Refusal::Internal));
            }
        }
    }

    /// One exchange between two phones.
    fn with_phone(
        &mut self,
        dialer: &mut Phone,
        answerer: &mut Phone,
        way: &mut Way,
    ) -> Result<(), PeerError> {
        let (ours, theirs) = (dialer.keys.device(), answerer.keys.device());
        let (near, far) = (&mut dialer.replica, &mut answerer.replica);
        let rng = &mut self.rng;
        let mut peer = Peer::dial(near, theirs, PeerKind::Member, rng)?;
        let hello = peer.poll_transmit(near)?.unwrap();
        let bad = |error| PeerError::Peer(refusal_of(error));
        let came = way.carry(From::Dialer, &hello).map_err(bad)?;
        let Frame::Hello(hello) = came else {
            return Err(PeerError::Peer(Refusal::BadFrame));
        };
        let mut other = Peer::accept(far, ours, hello, &mut moment(rng))?;
        loop {
            let mut is_quiet = true;
            while let Some(frame) = peer.poll_transmit(near)? {
                is_quiet = false;
                match way.carry(From::Dialer, &frame) {
                    Ok(frame) => other.receive(far, [frame], &mut moment(rng))?,
                    Err(BadFrame::Unknown(_)) => other.refuse_unknown(),
                    Err(error) => return Err(bad(error)),
                }
            }
            while let Some(frame) = other.poll_transmit(far)? {
                is_quiet = false;
                match way.carry(From::Answerer, &frame) {
                    Ok(frame) => peer.receive(near, [frame], &mut moment(rng))?,
                    Err(BadFrame::Unknown(_)) => peer.refuse_unknown(),
                    Err(error) => return Err(bad(error)),
                }
            }
            if peer.is_done(near) && other.is_done(far) {
                return Ok(());
            }
            if is_quiet {
                return Err(PeerError::Peer(Refusal::Internal));
            }
        }
    }
}

fn visit(phone: &mut Phone, space: LaneId, door: &str, rng: &mut ChaCha8Rng) {
    let kind = Schema::station().kind("visit").unwrap();
    let fields = [
        ("household", door),
        ("date", "2026-03-04"),
        ("purpose", "health"),
    ];
    let edits: Vec<_> = fields
        .iter()
        .map(|(name, value)| kind.parse_edit(name, value).unwrap())
        .collect();
    let moment = &mut moment(rng);
    phone
        .replica
        .create("visit", space, &edits, moment)
        .unwrap();
}

/// Two phones that have met through the relay and have each written since; and the relay's log.
fn before() -> (Disk, Disk, MemoryLog) {
    let log = MemoryLog::new(StoreId::new([7; 16]));
    let mut scene = Scene::new(log, 1);
    let new_phone = |rng: &mut ChaCha8Rng| {
        let store = FaultStore::new(MemoryStore::new());
        let disk = store.handle();
        (store, disk, Arc::new(DeviceKeys::generate(rng)))
    };
    let (store, disk, keys) = new_phone(&mut scene.rng);
    let signer = Arc::clone(&keys) as Arc<dyn Signer>;
    let founding = {
        let moment = &mut moment(&mut scene.rng);
        Replica::found(Box::new(store), signer, "丹灶", "李芳", &[], moment).unwrap()
    };
    let replica = founding.replica;
    let mut first = Phone {
        replica,
        disk,
        keys,
    };
    let (space, ticket) = {
        let moment = &mut moment(&mut scene.rng);
        let space = first.replica.add_space("良登村", moment).unwrap();
        let scope = Scope::Space(space);
        let ticket = first.replica.invite(scope, Role::Volunteer, 1, moment);
        (space, ticket.unwrap())
    };
    scene.with_relay(&mut first, &mut Way::default()).unwrap();
    let (store, disk, keys) = new_phone(&mut scene.rng);
    let signer = Arc::clone(&keys) as Arc<dyn Signer>;
    let moment = &mut moment(&mut scene.rng);
    let replica = Replica::join(Box::new(store), signer, &ticket, "陈小明", moment).unwrap();
    let mut second = Phone {
        replica,
        disk,
        keys,
    };
    for _ in 0..2 {
        scene.with_relay(&mut second, &mut Way::default()).unwrap();
        scene.with_relay(&mut first, &mut Way::default()).unwrap();
    }
    visit(&mut second, space, "5号门", &mut scene.rng);
    scene.with_relay(&mut second, &mut Way::default()).unwrap();
    visit(&mut second, space, "6号门", &mut scene.rng);
    visit(&mut first, space, "3号门", &mut scene.rng);
    visit(&mut first, space, "4号门", &mut scene.rng);
    let log = scene.relay.log().clone();
    (first.switch_off(), second.switch_off(), log)
}

/// After clean exchanges everybody has the four visits, the same heads, and nothing held.
fn assert_converges(scene: &mut Scene, phones: [&mut Phone; 2], flip: Flip) {
    let [first, second] = phones;
    for round in 0..3 {
        for phone in [&mut *first, &mut *second] {
            let result = scene.with_relay(phone, &mut Way::default());
            // A store that was told of a log ahead of its own goes on under a new name.
            let is_fine = matches!(result, Ok(()) | Err(PeerError::Reborn));
            assert!(is_fine, "{flip:?}, round {round}: {result:?}");
        }
    }
    let status = [&first, &second].map(|phone| phone.replica.status().unwrap());
    for status in &status {
        let visits: u64 = status.records.iter().map(|(_, _, count)| count).sum();
        assert_eq!(visits, 4, "{flip:?}: {status:?}");
        assert_eq!(status.held, 0, "{flip:?}: {status:?}");
        assert_eq!(status.pending, 0, "{flip:?}: {status:?}");
    }
    assert_eq!(status[0].digest, status[1].digest, "{flip:?}");
}

fn flips(tape: &[(From, usize, Vec<u8>)]) -> impl Iterator<Item = Flip> {
    tape.iter().flat_map(|(from, frame, bytes)| {
        // One bit, and all of them.
        let masks = move |at: usize| [1 << (at % 8), 0xff].map(move |mask| (at, mask));
        (0..bytes.len()).flat_map(masks).map(|(at, mask)| Flip {
            from: *from,
            frame: *frame,
            at,
            mask,
        })
    })
}

#[test]
fn byte_changed_between_phone_and_relay_loses_nothing() {
    let (first, second, log) = before();
    let exchange = |flip: Option<Flip>| {
        let mut scene = Scene::new(log.clone(), 2);
        let mut phone = first.switch_on();
        let mut way = Way {
            flip,
            ..Way::default()
        };
        let result = scene.with_relay(&mut phone, &mut way);
        (scene, phone, way, result)
    };
    let (_, _, way, result) = exchange(None);
    result.unwrap();
    let (mut refused, mut all) = (0, 0);
    for flip in flips(&way.tape) {
        let (mut scene, mut phone, _, result) = exchange(Some(flip));
        (refused, all) = (refused + usize::from(result.is_err()), all + 1);
        assert_converges(&mut scene, [&mut phone, &mut second.switch_on()], flip);
    }
    assert!(refused > all / 8, "only {refused} of {all} were refused");
}

#[test]
fn byte_changed_between_two_phones_loses_nothing() {
    let (first, second, log) = before();
    let exchange = |flip: Option<Flip>| {
        let mut scene = Scene::new(log.clone(), 2);
        let (mut near, mut far) = (first.switch_on(), second.switch_on());
        let mut way = Way {
            flip,
            ..Way::default()
        };
        let result = scene.with_phone(&mut near, &mut far, &mut way);
        (scene, near, far, way, result)
    };
    let (_, _, _, way, result) = exchange(None);
    result.unwrap();
    let (mut refused, mut all) = (0, 0);
    for flip in flips(&way.tape) {
        let (mut scene, mut near, mut far, _, result) = exchange(Some(flip));
        (refused, all) = (refused + usize::from(result.is_err()), all + 1);
        assert_converges(&mut scene, [&mut near, &mut far], flip);
    }
    assert!(refused > all / 8, "only {refused} of {all} were refused");
}
