//! Receipts from end to end: replicas and the relay's core in one thread, with time as an argument.

#![expect(
    clippy::indexing_slicing,
    reason = "phones are named by their place, and a test that names a wrong one fails"
)]

use std::collections::VecDeque;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use relay::limits::{Limits, READ_AHEAD_FRAMES};
use relay::log::BatchLog as _;
use relay::log::memory::MemoryLog;
use relay::relay::{Admission, ConnId, Effect, Input, Relay};
use sync_core::id::{LaneId, MemberId, Millis, RecordId, StoreId};
use sync_core::keys::{DeviceKeys, Secret, Signer};
use sync_core::peer::Peer;
use sync_core::receipt::{LanesMark, RECEIPT_PAUSE_MILLIS, Reading, VerifiedReceipt};
use sync_core::replica::{MemberFreshness, Moment, Removal, Replica, TickLevel};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::Schema;
use sync_core::session::carrier::Carrier as _;
use sync_core::store::MemoryStore;
use sync_core::wire::receipts::{ReceiptRow, Receipts};
use sync_core::wire::{Frame, PeerKind, Refusal};

fn relay_keys() -> DeviceKeys {
    DeviceKeys::from_secrets(&Secret::new([9; 32]), Secret::new([9; 32]))
}

struct Phone {
    replica: Replica,
    keys: Arc<DeviceKeys>,
    peer: Option<Peer>,
    conn: Option<ConnId>,
    outbox: VecDeque<Frame>,
    may_send: u32,
    /// What this connection has carried.
    bytes: usize,
    /// Everything that the relay has sent on it.
    heard: Vec<Frame>,
    /// Everything that the phone has said on it.
    said: Vec<Frame>,
    /// It and the relay talk as if one of them did not know receipts.
    is_older: bool,
}

impl Phone {
    fn new(replica: Replica, keys: Arc<DeviceKeys>) -> Self {
        Self {
            replica,
            keys,
            peer: None,
            conn: None,
            outbox: VecDeque::new(),
            may_send: 0,
            bytes: 0,
            heard: Vec::new(),
            said: Vec::new(),
            is_older: false,
        }
    }

    fn member(&self) -> MemberId {
        let device = self.replica.device();
        self.replica.roster().member_id(&device).unwrap()
    }

    fn receipts_said(&self) -> Vec<&Receipts> {
        let mut all = Vec::new();
        for frame in &self.said {
            if let Frame::Receipts(receipts) = frame {
                all.push(receipts);
            }
        }
        all
    }
}

struct Scene {
    rng: ChaCha8Rng,
    relay: Relay<MemoryLog>,
    phones: Vec<Phone>,
    conns: u64,
    now: i64,
    space: LaneId,
}

const FOUNDER: usize = 0;
const CHEN: usize = 1;
const WANG: usize = 2;

fn relay_over(log: MemoryLog, rng: &mut ChaCha8Rng) -> Relay<MemoryLog> {
    let keys = Arc::new(relay_keys());
    Relay::new(log, keys, Admission::Open, Limits::default(), rng)
}

/// A founder, 陈 and 王姐 in one village, who have all met the relay.
fn station() -> Scene {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let relay = relay_over(MemoryLog::new(StoreId::new([7; 16])), &mut rng);
    let keys = Arc::new(DeviceKeys::generate(&mut rng));
    let now = 1_800_000_000_000;
    let moment = &mut Moment {
        now: Millis(now),
        rng: &mut rng,
    };
    let store = Box::new(MemoryStore::new());
    let signer = Arc::clone(&keys) as Arc<dyn Signer>;
    let founding = Replica::found(store, signer, "丹灶", "李芳", &[], moment).unwrap();
    let mut replica = founding.replica;
    let space = replica.add_space("良登村", moment).unwrap();
    let phones = vec![Phone::new(replica, keys)];
    let mut scene = Scene {
        rng,
        relay,
        phones,
        conns: 0,
        now,
        space,
    };
    scene.meet(FOUNDER);
    for name in ["陈", "王姐"] {
        scene.join(name);
    }
    for _ in 0..2 {
        (0..3).for_each(|phone| scene.meet(phone));
    }
    scene
}

impl Scene {
    fn with<T>(&mut self, phone: usize, act: impl FnOnce(&mut Replica, &mut Moment<'_>) -> T) -> T {
        let moment = &mut Moment {
            now: Millis(self.now),
            rng: &mut self.rng,
        };
        act(&mut self.phones[phone].replica, moment)
    }

    fn join(&mut self, name: &str) -> usize {
        let scope = Scope::Space(self.space);
        let invited = self.with(FOUNDER, |replica, moment| {
            replica.invite(scope, Role::Volunteer, 1, moment)
        });
        let ticket = invited.unwrap();
        self.meet(FOUNDER);
        let keys = Arc::new(DeviceKeys::generate(&mut self.rng));
        let signer = Arc::clone(&keys) as Arc<dyn Signer>;
        let moment = &mut Moment {
            now: Millis(self.now),
            rng: &mut self.rng,
        };
        let store = Box::new(MemoryStore::new());
        let replica = Replica::join(store, signer, &ticket, name, moment).unwrap();
        self.phones.push(Phone::new(replica, keys));
        let phone = self.phones.len() - 1;
        self.meet(phone);
        self.meet(FOUNDER);
        phone
    }

    fn visit(&mut self, phone: usize, household: &str) -> RecordId {
        let kind = Schema::station().kind("visit").unwrap();
        let words = [
            ("purpose", "health"),
            ("household", household),
            ("date", "2026-03-04"),
            ("findings", "血压偏高"),
            ("mood", "calm"),
        ];
        let words = words.map(|(name, value)| format!("{name}={value}"));
        let fields = kind.parse_assignments(&words).unwrap();
        let space = self.space;
        self.now += 1000;
        let made = self.with(phone, |replica, moment| {
            replica.create("visit", space, &fields, moment)
        });
        made.unwrap()
    }

    fn connect(&mut self, phone: usize) {
        self.conns += 1;
        let conn = ConnId(self.conns);
        let this = &mut self.phones[phone];
        let relay = relay_keys().device();
        let peer = Peer::dial(&this.replica, relay, PeerKind::Relay, &mut self.rng).unwrap();
        this.peer = Some(peer);
        this.conn = Some(conn);
        this.may_send = READ_AHEAD_FRAMES;
        this.bytes = 0;
        this.outbox.clear();
        this.heard.clear();
        this.said.clear();
        let device = this.keys.device();
        self.handle(vec![Input::Connected { conn, device }]);
    }

    fn disconnect(&mut self, phone: usize) {
        self.phones[phone].peer = None;
        if let Some(conn) = self.phones[phone].conn.take() {
            self.handle(vec![Input::Closed { conn }]);
        }
    }

    /// One session until nothing is left to say.
    fn meet(&mut self, phone: usize) {
        self.connect(phone);
        self.settle();
        let this = &self.phones[phone];
        assert!(this.peer.as_ref().unwrap().is_done(&this.replica));
        self.disconnect(phone);
        self.now += 1000;
    }

    fn handle(&mut self, inputs: Vec<Input>) {
        for effect in self.relay.handle(inputs, Millis(self.now), &mut self.rng) {
            let (Effect::Send { conn, .. } | Effect::Read { conn } | Effect::Close { conn, .. }) =
                effect;
            let mut phones = self.phones.iter_mut();
            let Some(phone) = phones.find(|phone| phone.conn == Some(conn)) else {
                continue;
            };
            match effect {
                Effect::Send { frame, .. } => phone.outbox.push_back(frame),
                Effect::Read { .. } => phone.may_send += 1,
                Effect::Close { ending, .. } => panic!("the relay closes: {ending:?}"),
            }
        }
    }

    fn gather(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        for phone in &mut self.phones {
            let (Some(conn), Some(peer)) = (phone.conn, &mut phone.peer) else {
                continue;
            };
            let moment = &mut Moment {
                now: Millis(self.now),
                rng: &mut self.rng,
            };
            if let Some(mut frame) = phone.outbox.pop_front() {
                inputs.push(Input::Writable { conn });
                if phone.is_older {
                    forget_receipts(&mut frame);
                }
                phone.bytes += frame.encode().len();
                phone.heard.push(frame.clone());
                peer.receive(&mut phone.replica, [frame], moment).unwrap();
                continue;
            }
            let mut said = None;
            if phone.may_send > 0 {
                said = peer.poll_transmit(&phone.replica).unwrap();
                if said.is_none() {
                    peer.note_delivered(&mut phone.replica, moment).unwrap();
                    said = peer.poll_transmit(&phone.replica).unwrap();
                }
            }
            if let Some(mut frame) = said {
                phone.may_send -= 1;
                if phone.is_older {
                    forget_receipts(&mut frame);
                }
                phone.bytes += frame.encode().len();
                phone.said.push(frame.clone());
                inputs.push(Input::Frame { conn, frame });
            }
        }
        inputs
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            let inputs = self.gather();
            if inputs.is_empty() && self.relay.wants_turn() != Some(0) {
                return;
            }
            self.handle(inputs);
        }
        panic!("they never stop talking");
    }

    /// Time passes for those who are connected.
    fn pass(&mut self, millis: i64) {
        self.now += millis;
        for phone in &mut self.phones {
            let moment = &mut Moment {
                now: Millis(self.now),
                rng: &mut self.rng,
            };
            if let Some(peer) = &mut phone.peer {
                peer.follow_reading(&mut phone.replica, moment).unwrap();
            }
        }
        self.handle(Vec::new());
        self.settle();
    }

    fn seal(&mut self, phone: usize) {
        self.with(phone, |replica, moment| replica.seal_pending(moment))
            .unwrap();
        self.settle();
    }

    fn level(&self, phone: usize, record: RecordId) -> TickLevel {
        self.phones[phone].replica.ticks(record).unwrap().level
    }

    fn freshness(&self, of: usize, at: usize) -> MemberFreshness {
        let member = self.phones[of].member();
        let all = self.phones[at].replica.freshness().unwrap();
        all.into_iter().find(|it| it.member == member).unwrap()
    }

    /// Says something to the relay in a phone's name, beside its session.
    fn slip_in(&mut self, phone: usize, frame: Frame) {
        let conn = self.phones[phone].conn.unwrap();
        self.handle(vec![Input::Frame { conn, frame }]);
        self.settle();
    }

    fn refusals(&self, phone: usize) -> Vec<Refusal> {
        let mut all = Vec::new();
        for frame in &self.phones[phone].heard {
            if let Frame::Refuse(refuse) = frame {
                all.push(Refusal::from_code(refuse.code));
            }
        }
        all
    }

    fn receipt(&self, phone: usize, store: StoreId, position: u64) -> Frame {
        let Phone { replica, keys, .. } = &self.phones[phone];
        let reading = Reading {
            store,
            position,
            at: Millis(self.now),
            lanes: LanesMark::of(&replica.own_lanes()),
        };
        let signed = VerifiedReceipt::sign(&**keys, &replica.community(), reading).unwrap();
        Frame::Receipts(Receipts {
            store,
            after: 0,
            upto: 0,
            rows: vec![ReceiptRow::from(&signed)],
        })
    }

    /// Whether a phone has signed for a position of which the relay has not heard.
    fn has_signed_beyond_the_relay(&self, phone: usize) -> bool {
        let device = self.phones[phone].replica.device();
        let position = |receipts: Vec<VerifiedReceipt>| {
            let own = receipts.iter().find(|it| *it.device() == device);
            own.map(|it| it.reading().position)
        };
        let here = self.phones[phone].replica.store().receipts().unwrap();
        let here = here.into_iter().map(|kept| kept.receipt).collect();
        let community = self.phones[phone].replica.community();
        let there = self.relay.log().receipts(&community).unwrap().receipts;
        let there = there.into_iter().map(|numbered| numbered.receipt).collect();
        position(here) > position(there)
    }

    fn kept(&self) -> usize {
        let community = self.phones[FOUNDER].replica.community();
        self.relay
            .log()
            .receipts(&community)
            .unwrap()
            .receipts
            .len()
    }
}

/// A hello of a version that does not know receipts.
fn forget_receipts(frame: &mut Frame) {
    if let Frame::Hello(hello) = frame {
        (hello.receipts, hello.tip, hello.read) = (None, None, None);
    }
}

fn is_about_receipts(frame: &Frame) -> bool {
    matches!(frame, Frame::Receipts(_) | Frame::AskReceipts(_))
}

#[test]
fn older_relay_is_sent_no_receipt_and_its_word_is_worth_one_tick() {
    let mut scene = station();
    let record = scene.visit(CHEN, "3号门");
    scene.phones[CHEN].is_older = true;
    for _ in 0..2 {
        scene.meet(CHEN);
        let this = &scene.phones[CHEN];
        assert!(!this.said.iter().chain(&this.heard).any(is_about_receipts));
        assert_eq!(scene.level(CHEN, record), TickLevel::Relay);
    }
}

#[test]
fn older_phone_is_told_of_no_receipt() {
    let mut scene = station();
    scene.phones[CHEN].is_older = true;
    scene.connect(CHEN);
    scene.settle();
    scene.visit(WANG, "3号门");
    scene.meet(WANG);
    scene.pass(i64::try_from(RECEIPT_PAUSE_MILLIS).unwrap());
    let this = &scene.phones[CHEN];
    assert!(!this.heard.iter().any(is_about_receipts));
    assert!(this.peer.as_ref().unwrap().is_done(&this.replica));
}

#[test]
fn receipt_that_was_cut_off_on_its_way_is_sent_again() {
    let mut scene = station();
    scene.visit(CHEN, "3号门");
    scene.meet(CHEN);
    scene.connect(WANG);
    // Until the receipt is signed, which does not leave.
    let mut turns = 0;
    while !scene.has_signed_beyond_the_relay(WANG) {
        let inputs = scene.gather();
        scene.handle(inputs);
        turns += 1;
        assert!(turns < 1000, "it never signs");
    }
    scene.phones[WANG].said.clear();
    scene.disconnect(WANG);
    scene.meet(WANG);
    assert_eq!(scene.phones[WANG].receipts_said().len(), 1);
    scene.meet(WANG);
    assert_eq!(scene.phones[WANG].receipts_said().len(), 0);
}

#[test]
fn ticks_follow_a_record_to_the_relay_to_a_colleague_and_to_the_coordinator() {
    let mut scene = station();
    let record = scene.visit(CHEN, "3号门");
    assert_eq!(scene.level(CHEN, record), TickLevel::Saved);
    scene.meet(CHEN);
    assert_eq!(scene.level(CHEN, record), TickLevel::Relay);
    scene.meet(WANG);
    scene.meet(CHEN);
    assert_eq!(scene.level(CHEN, record), TickLevel::Colleague);
    scene.meet(FOUNDER);
    scene.meet(CHEN);
    assert_eq!(scene.level(CHEN, record), TickLevel::Coordinator);
    let ticks = scene.phones[WANG].replica.ticks(record).unwrap();
    assert_eq!(ticks.pending, 0);
    assert!(ticks.on_relay);
}

#[test]
fn everybody_can_be_told_who_has_everything_and_who_lacks_how_many() {
    let mut scene = station();
    scene.visit(CHEN, "3号门");
    let written = scene.now;
    scene.meet(CHEN);
    scene.meet(WANG);
    let heard = scene.now;
    scene.now += 6 * 24 * 3_600_000;
    for household in ["4号门", "5号门", "6号门"] {
        scene.visit(CHEN, household);
    }
    scene.meet(CHEN);
    let wang = scene.freshness(WANG, CHEN);
    assert_eq!((wang.lacks, wang.upto), (3, Some(Millis(written))));
    let at = wang.heard_at.unwrap();
    assert!((heard - 2000..heard).contains(&at.0), "{at:?}");
    scene.meet(WANG);
    scene.meet(CHEN);
    let wang = scene.freshness(WANG, CHEN);
    assert!(wang.has_all_of_mine && wang.lacks == 0);
    assert_eq!(scene.freshness(FOUNDER, CHEN).lacks, 4);
}

#[test]
fn nothing_changed_costs_one_round_trip_and_less_than_a_kilobyte() {
    let mut scene = station();
    for number in 0..20 {
        scene.visit(CHEN, &format!("{number}号门"));
    }
    for _ in 0..2 {
        (0..3).for_each(|phone| scene.meet(phone));
    }
    for phone in [CHEN, WANG, FOUNDER] {
        scene.connect(phone);
        scene.settle();
        let this = &scene.phones[phone];
        let report = this.peer.as_ref().unwrap().report();
        assert_eq!(report.round_trips, 1);
        assert_eq!((this.said.len(), this.heard.len()), (1, 1), "hellos alone");
        assert!(this.bytes <= 1024, "{}", this.bytes);
        scene.disconnect(phone);
    }
}

#[test]
fn receipt_takes_about_hundred_bytes() {
    let mut scene = station();
    scene.visit(CHEN, "3号门");
    scene.meet(CHEN);
    let said = scene.phones[CHEN].receipts_said();
    let bytes = Frame::Receipts((*said.last().unwrap()).clone())
        .encode()
        .len();
    assert!(bytes <= 160, "{bytes}");
    assert_eq!(said.len(), 1, "one for one catching up");
}

#[test]
fn phone_that_stays_live_signs_at_most_once_in_a_pause() {
    let mut scene = station();
    for phone in [CHEN, WANG] {
        scene.connect(phone);
        scene.settle();
    }
    for number in 0..5 {
        scene.visit(CHEN, &format!("{number}号门"));
        scene.seal(CHEN);
        scene.pass(100);
    }
    assert!(scene.phones[WANG].receipts_said().len() <= 1);
    let pause = i64::try_from(RECEIPT_PAUSE_MILLIS).unwrap();
    scene.pass(pause);
    scene.pass(pause);
    let said = scene.phones[WANG].receipts_said().len();
    assert!((1..=2).contains(&said), "{said}");
    scene.pass(pause);
    assert_eq!(scene.phones[WANG].receipts_said().len(), said, "no news");
}

#[test]
fn live_member_hears_of_new_receipts_without_asking() {
    let mut scene = station();
    scene.connect(CHEN);
    scene.settle();
    let record = scene.visit(CHEN, "3号门");
    scene.seal(CHEN);
    assert_eq!(scene.level(CHEN, record), TickLevel::Relay);
    let before = scene.phones[CHEN].peer.as_ref().unwrap().moved();
    scene.meet(WANG);
    scene.pass(i64::try_from(RECEIPT_PAUSE_MILLIS).unwrap());
    assert_eq!(scene.level(CHEN, record), TickLevel::Colleague);
    let after = scene.phones[CHEN].peer.as_ref().unwrap().moved();
    assert!(after.ticks > before.ticks, "whoever listens is told");
}

#[test]
fn relay_tells_a_live_member_at_most_once_in_a_pause() {
    let mut scene = station();
    scene.connect(CHEN);
    scene.settle();
    let told = |scene: &Scene| {
        let told = scene.phones[CHEN].heard.iter();
        told.filter(|frame| matches!(frame, Frame::Receipts(_)))
            .count()
    };
    let before = told(&scene);
    for number in 0..2 {
        scene.visit(FOUNDER, &format!("{number}号门"));
        scene.meet(FOUNDER);
        scene.meet(WANG);
        scene.pass(300);
    }
    assert_eq!(told(&scene), before + 1);
    scene.pass(i64::try_from(RECEIPT_PAUSE_MILLIS).unwrap());
    assert_eq!(told(&scene), before + 2);
    scene.pass(i64::try_from(RECEIPT_PAUSE_MILLIS).unwrap());
    assert_eq!(told(&scene), before + 2, "no news");
}

#[test]
fn relay_takes_no_receipt_for_another_store_or_position_or_device() {
    let mut scene = station();
    let store = scene.relay.log().store_id();
    let kept = scene.kept();
    for (frame, refusal) in [
        (
            scene.receipt(WANG, StoreId::new([8; 16]), 1),
            Refusal::NotAllowed,
        ),
        (scene.receipt(WANG, store, 100_000), Refusal::NotAllowed),
        (scene.receipt(CHEN, store, 3), Refusal::BadSignature),
    ] {
        scene.connect(WANG);
        scene.settle();
        scene.slip_in(WANG, frame);
        assert_eq!(scene.refusals(WANG), [refusal]);
        let peer = scene.phones[WANG].peer.as_ref().unwrap();
        assert!(!peer.is_ended(), "the session goes on");
        scene.disconnect(WANG);
    }
    assert_eq!(scene.kept(), kept);
}

#[test]
fn flood_of_receipts_leaves_one_and_an_older_one_nothing() {
    let mut scene = station();
    let store = scene.relay.log().store_id();
    scene.connect(WANG);
    scene.settle();
    let kept = scene.kept();
    let community = scene.phones[WANG].replica.community();
    let before = scene.relay.log().receipts(&community).unwrap().newest;
    for _ in 0..50 {
        let frame = scene.receipt(WANG, store, 1);
        scene.slip_in(WANG, frame);
    }
    assert_eq!(scene.kept(), kept);
    let after = scene.relay.log().receipts(&community).unwrap().newest;
    assert_eq!(after, before, "none of them was news");
    assert!(scene.refusals(WANG).is_empty());
}

#[test]
fn receipts_of_removed_devices_are_dropped_and_nobody_counts_them() {
    let mut scene = station();
    let record = scene.visit(FOUNDER, "3号门");
    (0..3).for_each(|phone| scene.meet(phone));
    scene.meet(FOUNDER);
    let wang = scene.phones[WANG].member();
    let ticks = scene.phones[FOUNDER].replica.ticks(record).unwrap();
    assert!(ticks.colleagues.contains(&wang));
    let kept = scene.kept();
    scene
        .with(FOUNDER, |replica, moment| {
            replica.revoke(&Removal::Member(wang), moment)
        })
        .unwrap();
    scene.meet(FOUNDER);
    assert_eq!(scene.kept(), kept - 1);
    let ticks = scene.phones[FOUNDER].replica.ticks(record).unwrap();
    assert!(!ticks.colleagues.contains(&wang));
}

#[test]
fn receipts_outlive_the_relays_program() {
    let mut scene = station();
    let record = scene.visit(CHEN, "3号门");
    scene.meet(CHEN);
    scene.meet(WANG);
    let log = scene.relay.log().clone();
    scene.relay = relay_over(log, &mut scene.rng);
    scene.meet(CHEN);
    assert_eq!(scene.level(CHEN, record), TickLevel::Colleague);
}

#[test]
fn relay_that_was_set_back_gives_no_tick_until_all_is_there_again() {
    let mut scene = station();
    let yesterday = scene.relay.log().clone();
    let record = scene.visit(CHEN, "3号门");
    scene.meet(CHEN);
    scene.meet(WANG);
    scene.meet(CHEN);
    assert_eq!(scene.level(CHEN, record), TickLevel::Colleague);
    scene.relay = relay_over(yesterday, &mut scene.rng);
    // Somebody else takes the positions that were given before.
    scene.visit(FOUNDER, "7号门");
    scene.meet(FOUNDER);
    scene.connect(CHEN);
    scene.settle();
    let ticks = scene.phones[CHEN].replica.ticks(record).unwrap();
    assert!(ticks.colleagues.is_empty(), "{ticks:?}");
    scene.disconnect(CHEN);
    for _ in 0..3 {
        (0..3).for_each(|phone| scene.meet(phone));
    }
    assert_eq!(scene.level(CHEN, record), TickLevel::Coordinator);
}

#[test]
fn device_that_is_heard_daily_is_heard_of_although_nothing_happens() {
    let mut scene = station();
    scene.visit(CHEN, "3号门");
    (0..2).for_each(|_| (0..3).for_each(|phone| scene.meet(phone)));
    for _ in 0..6 {
        scene.now += 24 * 3_600_000;
        scene.meet(WANG);
    }
    scene.meet(CHEN);
    let heard = scene.freshness(WANG, CHEN).heard_at.unwrap();
    assert!(scene.now - heard.0 < 3_600_000);
    assert!(scene.now - scene.freshness(FOUNDER, CHEN).heard_at.unwrap().0 > 5 * 24 * 3_600_000);
}

#[test]
fn new_phone_of_a_member_knows_at_once_who_has_the_old_records() {
    let mut scene = station();
    let records: Vec<RecordId> = (0..30)
        .map(|number| scene.visit(CHEN, &format!("{number}号门")))
        .collect();
    scene.meet(CHEN);
    scene.meet(WANG);
    let late = scene.visit(CHEN, "late");
    scene.meet(CHEN);
    // It pulls all in one go, and is told where each batch lies.
    let fresh = scene.join("何姐");
    scene.meet(fresh);
    let wang = scene.phones[WANG].member();
    for record in records {
        let ticks = scene.phones[fresh].replica.ticks(record).unwrap();
        assert!(ticks.colleagues.contains(&wang), "{ticks:?}");
    }
    let ticks = scene.phones[fresh].replica.ticks(late).unwrap();
    assert!(!ticks.colleagues.contains(&wang), "{ticks:?}");
}
