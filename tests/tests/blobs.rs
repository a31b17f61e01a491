//! Attachments from end to end: replicas and the relay's core in one thread.

#![expect(
    clippy::indexing_slicing,
    reason = "phones are named by their place, and a test that names a wrong one fails"
)]

use std::collections::VecDeque;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use relay::limits::{Limits, READ_AHEAD_FRAMES};
use relay::log::blobs::BlobLog as _;
use relay::log::memory::MemoryLog;
use relay::relay::{Admission, ConnId, Effect, Input, Relay};
use sync_core::id::{LaneId, Millis, RecordId, StoreId};
use sync_core::keys::{DeviceKeys, Secret, Signer};
use sync_core::peer::Peer;
use sync_core::replica::{AttachmentView, Moment, NewAttachment, Replica, ReplicaError};
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::ticket::RelayAddr;
use sync_core::schema::Schema;
use sync_core::store::{BlobPart, MemoryStore};
use sync_core::wire::blobs::BlobFrame;
use sync_core::wire::{Frame, PeerKind};

const PREVIEW: &[u8] = b"a small picture of the door";

fn relay_keys() -> DeviceKeys {
    DeviceKeys::from_secrets(&Secret::new([9; 32]), Secret::new([9; 32]))
}

/// A photo of five chunks.
fn photo() -> Vec<u8> {
    (0..300_000_u32)
        .map(|at| u8::try_from(at % 253).unwrap())
        .collect()
}

struct Phone {
    replica: Replica,
    peer: Option<Peer>,
    conn: Option<ConnId>,
    outbox: VecDeque<Frame>,
    may_send: u32,
    bytes: usize,
    /// Chunks of blobs, either way.
    chunks: usize,
    /// It speaks as if it did not know blobs.
    is_older: bool,
    /// It is busy with something else: what comes waits here, and is taken all at once.
    waiting: Option<Vec<Frame>>,
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

fn phone(replica: Replica) -> Phone {
    Phone {
        replica,
        peer: None,
        conn: None,
        outbox: VecDeque::new(),
        may_send: 0,
        bytes: 0,
        chunks: 0,
        is_older: false,
        waiting: None,
    }
}

/// A founder, 陈 and 王姐 in one village, who have all met the relay.
fn station() -> Scene {
    station_with(Limits::default())
}

fn station_with(limits: Limits) -> Scene {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let log = MemoryLog::new(StoreId::new([7; 16]));
    let signer = Arc::new(relay_keys());
    let relay = Relay::new(log, signer, Admission::Open, limits, &mut rng);
    let keys = Arc::new(DeviceKeys::generate(&mut rng));
    let now = 1_800_000_000_000;
    let moment = &mut Moment {
        now: Millis(now),
        rng: &mut rng,
    };
    let store = Box::new(MemoryStore::new());
    let known = RelayAddr {
        relay: relay_keys().device(),
        addr: "relay.example:4433".to_owned(),
    };
    let founding = Replica::found(store, keys, "丹灶", "李芳", &[known], moment).unwrap();
    let mut replica = founding.replica;
    let space = replica.add_space("良登村", moment).unwrap();
    let mut scene = Scene {
        rng,
        relay,
        phones: vec![phone(replica)],
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

    fn join(&mut self, name: &str) {
        let scope = Scope::Space(self.space);
        let invited = self.with(FOUNDER, |replica, moment| {
            replica.invite(scope, Role::Volunteer, 1, moment)
        });
        let ticket = invited.unwrap();
        self.meet(FOUNDER);
        let signer = Arc::new(DeviceKeys::generate(&mut self.rng)) as Arc<dyn Signer>;
        let moment = &mut Moment {
            now: Millis(self.now),
            rng: &mut self.rng,
        };
        let store = Box::new(MemoryStore::new());
        let replica = Replica::join(store, signer, &ticket, name, moment).unwrap();
        self.phones.push(phone(replica));
        self.meet(self.phones.len() - 1);
        self.meet(FOUNDER);
    }

    fn visit(&mut self, phone: usize) -> RecordId {
        let kind = Schema::station().kind("visit").unwrap();
        let words = [
            "household=荷花",
            "date=2026-03-04",
            "purpose=health",
            "findings=好",
            "mood=calm",
        ];
        let fields = kind.parse_assignments(&words.map(str::to_owned)).unwrap();
        let space = self.space;
        self.with(phone, |replica, moment| {
            replica.create("visit", space, &fields, moment)
        })
        .unwrap()
    }

    fn attach(&mut self, phone: usize, about: RecordId) -> RecordId {
        let original = photo();
        let new = NewAttachment {
            name: "门口",
            media: "jpeg",
            taken: None,
            preview: Some(PREVIEW),
            original: &original,
        };
        self.with(phone, |replica, moment| replica.attach(about, &new, moment))
            .unwrap()
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
        (this.bytes, this.chunks) = (0, 0);
        this.outbox.clear();
        let device = this.replica.device();
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
        self.now += 100_000;
    }

    /// One session that is cut after so many chunks.
    fn meet_until(&mut self, phone: usize, chunks: usize) {
        self.connect(phone);
        while self.phones[phone].chunks < chunks {
            let inputs = self.gather();
            let is_idle = inputs.is_empty() && self.relay.wants_turn() != Some(0);
            assert!(!is_idle, "there are fewer chunks than that");
            self.handle(inputs);
        }
        self.disconnect(phone);
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
            if let Some(waiting) = &mut phone.waiting {
                inputs.extend(phone.outbox.iter().map(|_| Input::Writable { conn }));
                waiting.extend(phone.outbox.drain(..));
                continue;
            }
            let moment = &mut Moment {
                now: Millis(self.now),
                rng: &mut self.rng,
            };
            if let Some(mut frame) = phone.outbox.pop_front() {
                inputs.push(Input::Writable { conn });
                note(
                    &mut frame,
                    phone.is_older,
                    &mut phone.bytes,
                    &mut phone.chunks,
                );
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
                note(
                    &mut frame,
                    phone.is_older,
                    &mut phone.bytes,
                    &mut phone.chunks,
                );
                inputs.push(Input::Frame { conn, frame });
            }
        }
        inputs
    }

    /// A phone that was busy takes all that came meanwhile, as its shell hands it on.
    fn take_what_waited(&mut self, phone: usize) {
        let moment = &mut Moment {
            now: Millis(self.now),
            rng: &mut self.rng,
        };
        let this = &mut self.phones[phone];
        let waited = this.waiting.take().unwrap();
        let peer = this.peer.as_mut().unwrap();
        peer.receive(&mut this.replica, waited, moment).unwrap();
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

    fn attached(&self, phone: usize, about: RecordId) -> AttachmentView {
        let all = self.phones[phone].replica.attachments(&about).unwrap();
        assert_eq!(all.len(), 1);
        all[0].clone()
    }

    fn bytes_of(&self, phone: usize, record: RecordId, part: BlobPart) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let replica = &self.phones[phone].replica;
        let is_here = replica.read_blob(&record, part, |chunk| {
            bytes.extend_from_slice(chunk);
            Ok::<(), ReplicaError>(())
        });
        is_here.unwrap().then_some(bytes)
    }

    /// How many blobs the relay holds as a whole.
    fn on_relay(&self) -> usize {
        let community = self.phones[FOUNDER].replica.community();
        let log = self.relay.log();
        log.blobs_after(&community, &self.space, 0, 99)
            .unwrap()
            .len()
    }
}

fn note(frame: &mut Frame, is_older: bool, bytes: &mut usize, chunks: &mut usize) {
    *bytes += frame.encode().len();
    if let Frame::Hello(hello) = frame
        && is_older
    {
        hello.blobs = None;
    }
    if let Frame::Blob(frame) = frame {
        assert!(!is_older, "an older version is told of blobs");
        *chunks += usize::from(matches!(frame, BlobFrame::Chunk(_)));
    }
}

#[test]
fn photo_comes_to_the_other_phone_as_it_was() {
    let mut scene = station();
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    let own = scene.attached(CHEN, visit).original.unwrap();
    assert!(own.is_here && !own.is_elsewhere, "it was attached offline");
    scene.meet(CHEN);
    assert_eq!(scene.on_relay(), 2);
    assert!(scene.attached(CHEN, visit).original.unwrap().is_elsewhere);
    scene.meet(WANG);
    let theirs = scene.attached(WANG, visit);
    assert_eq!((theirs.record, theirs.name.as_str()), (record, "门口"));
    let preview = scene.bytes_of(WANG, record, BlobPart::Preview);
    assert_eq!(preview.as_deref(), Some(PREVIEW));
    let original = scene.bytes_of(WANG, record, BlobPart::Original);
    assert_eq!(original, Some(photo()));
}

#[test]
fn preview_alone_comes_while_originals_are_not_allowed() {
    let mut scene = station();
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    scene.meet(CHEN);
    scene.phones[WANG].replica.allow_originals(false);
    scene.meet(WANG);
    assert_eq!(scene.phones[WANG].chunks, 1);
    assert!(scene.bytes_of(WANG, record, BlobPart::Preview).is_some());
    assert_eq!(scene.bytes_of(WANG, record, BlobPart::Original), None);
    let original = scene.attached(WANG, visit).original.unwrap();
    assert!(!original.is_here && original.is_elsewhere);
    scene.phones[WANG].replica.allow_originals(true);
    scene.meet(WANG);
    assert_eq!(
        scene.bytes_of(WANG, record, BlobPart::Original),
        Some(photo())
    );
}

#[test]
fn blob_that_was_cut_goes_on_where_it_was() {
    let mut scene = station();
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    scene.meet_until(CHEN, 4);
    assert_eq!(scene.on_relay(), 1, "the preview");
    scene.meet(CHEN);
    let again = scene.phones[CHEN].chunks;
    assert!(again <= 3, "{again} of 5 chunks came again");
    scene.meet_until(WANG, 4);
    assert_eq!(scene.bytes_of(WANG, record, BlobPart::Original), None);
    scene.meet(WANG);
    let again = scene.phones[WANG].chunks;
    assert!(again <= 3, "{again} of 5 chunks came again");
    assert_eq!(
        scene.bytes_of(WANG, record, BlobPart::Original),
        Some(photo())
    );
}

#[test]
fn nothing_new_costs_nothing() {
    let mut scene = station();
    let visit = scene.visit(CHEN);
    scene.attach(CHEN, visit);
    for _ in 0..3 {
        (0..3).for_each(|phone| scene.meet(phone));
    }
    for phone in [CHEN, WANG] {
        scene.meet(phone);
        let bytes = scene.phones[phone].bytes;
        assert!(bytes <= 1024, "{bytes} bytes for nothing");
        assert_eq!(scene.phones[phone].chunks, 0);
    }
}

#[test]
fn erased_attachment_is_gone_from_relay_and_phones() {
    let mut scene = station();
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    (0..3).for_each(|phone| scene.meet(phone));
    (0..3).for_each(|phone| scene.meet(phone));
    assert_eq!(scene.on_relay(), 2);
    scene
        .with(FOUNDER, |replica, moment| replica.erase(&[record], moment))
        .unwrap();
    (0..3).for_each(|phone| scene.meet(phone));
    assert_eq!(scene.on_relay(), 0);
    for phone in [FOUNDER, CHEN, WANG] {
        let replica = &scene.phones[phone].replica;
        assert_eq!(replica.store().blobs().unwrap(), []);
        assert_eq!(replica.attachments(&visit).unwrap(), []);
    }
    scene.meet(CHEN);
    assert_eq!(scene.on_relay(), 0, "nobody brings it again");
}

#[test]
fn older_version_is_told_nothing_of_blobs() {
    let mut scene = station();
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    scene.phones[CHEN].is_older = true;
    scene.meet(CHEN);
    assert_eq!(scene.on_relay(), 0);
    scene.phones[CHEN].is_older = false;
    scene.meet(CHEN);
    scene.phones[WANG].is_older = true;
    scene.meet(WANG);
    assert_eq!(scene.bytes_of(WANG, record, BlobPart::Preview), None);
}

#[test]
fn photo_that_comes_while_others_listen_reaches_them_at_once() {
    let mut scene = station();
    scene.connect(WANG);
    scene.settle();
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    scene.connect(CHEN);
    scene.settle();
    let original = scene.bytes_of(WANG, record, BlobPart::Original);
    assert_eq!(original, Some(photo()));
}

#[test]
fn photo_that_is_told_of_together_with_its_record_comes_in_the_same_session() {
    let mut scene = station();
    scene.connect(WANG);
    scene.settle();
    scene.phones[WANG].waiting = Some(Vec::new());
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    scene.connect(CHEN);
    scene.settle();
    scene.take_what_waited(WANG);
    scene.settle();
    for (part, bytes) in [
        (BlobPart::Preview, PREVIEW.to_vec()),
        (BlobPart::Original, photo()),
    ] {
        assert_eq!(scene.bytes_of(WANG, record, part), Some(bytes));
    }
}

#[test]
fn photo_that_is_attached_during_a_session_goes_out_once_it_is_sealed() {
    let mut scene = station();
    scene.connect(CHEN);
    scene.settle();
    let visit = scene.visit(CHEN);
    scene.attach(CHEN, visit);
    scene.settle();
    assert_eq!(scene.on_relay(), 0);
    let sealed = scene.with(CHEN, |replica, moment| replica.seal_pending(moment));
    assert!(sealed.unwrap() > 0);
    scene.settle();
    assert_eq!(scene.on_relay(), 2, "the small picture and the photo");
}

#[test]
fn photo_that_the_relay_holds_makes_room_and_comes_back_when_somebody_asks() {
    let mut scene = station();
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    let limit = |scene: &mut Scene| {
        scene.phones[CHEN]
            .replica
            .limit_blobs(Some(100_000))
            .unwrap()
    };
    let room = limit(&mut scene);
    assert_eq!(room.used, room.only_here, "nobody else has it yet");
    scene.meet(CHEN);
    let room = limit(&mut scene);
    assert_eq!((room.used, room.only_here), (8192, 0), "the preview stays");
    assert_eq!(scene.bytes_of(CHEN, record, BlobPart::Original), None);
    let original = scene.attached(CHEN, visit).original.unwrap();
    assert!(original.is_elsewhere && !original.is_here && !original.is_asked);
    scene.meet(CHEN);
    assert_eq!(scene.bytes_of(CHEN, record, BlobPart::Original), None);
    let asked = scene.phones[CHEN]
        .replica
        .fetch_blob(&record, BlobPart::Original);
    assert!(asked.unwrap().unwrap().is_asked);
    scene.meet(CHEN);
    assert_eq!(
        scene.bytes_of(CHEN, record, BlobPart::Original),
        Some(photo())
    );
    scene.meet(WANG);
    assert_eq!(
        scene.bytes_of(WANG, record, BlobPart::Original),
        Some(photo())
    );
}

#[test]
fn relay_takes_no_more_than_a_devices_quota() {
    let mut scene = station_with(Limits {
        device_blob_bytes_max: 100_000,
        ..Limits::default()
    });
    let visit = scene.visit(CHEN);
    let record = scene.attach(CHEN, visit);
    scene.meet(CHEN);
    assert_eq!(scene.on_relay(), 1, "the preview has room");
    let own = scene.bytes_of(CHEN, record, BlobPart::Original);
    assert_eq!(own, Some(photo()), "it stays with whoever attached it");
}

#[test]
fn empty_and_too_large_things_are_not_attached() {
    let mut scene = station();
    let visit = scene.visit(CHEN);
    let large = vec![0; 70_000];
    for (preview, original) in [(None, &[][..]), (Some(large.as_slice()), b"photo")] {
        let new = NewAttachment {
            name: "门口",
            media: "jpeg",
            taken: None,
            preview,
            original,
        };
        let refused = scene.with(CHEN, |replica, moment| replica.attach(visit, &new, moment));
        assert!(matches!(refused, Err(ReplicaError::Blob(_))));
    }
    let replica = &scene.phones[CHEN].replica;
    assert_eq!(replica.attachments(&visit).unwrap(), []);
    assert_eq!(replica.store().blobs().unwrap(), []);
}
