//! Phones around a relay's core, in one thread: real keys, real roster statements, real sessions.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use relay::limits::{Limits, READ_AHEAD_FRAMES};
use relay::log::BatchLog;
use relay::log::memory::MemoryLog;
use relay::relay::{Admission, ConnId, Effect, Ending, Input, Relay};
use sync_core::entry::EntryKind;
use sync_core::entry::seal::PlainEntry;
use sync_core::epoch::EpochKey;
use sync_core::id::{CommunityId, DeviceId, Incarnation, LaneId, LogId, Millis, StoreId};
use sync_core::keys::{DeviceKeys, Secret, Signer as _};
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::statement::{Found, Invite, Join, Space, Statement};
use sync_core::roster::{commons, community_of, roster_lane, space_of};
use sync_core::session::carrier::Carrier as _;
use sync_core::session::memory::MemoryCarrier;
use sync_core::session::{Event, Parties, Session, Taken};
use sync_core::wire::batches::encode_join;
use sync_core::wire::{Frame, PeerKind, Refusal};

/// One phone, its store and its session.
pub(crate) struct Phone {
    pub(crate) keys: DeviceKeys,
    pub(crate) incarnation: Incarnation,
    pub(crate) carrier: MemoryCarrier,
    pub(crate) session: Option<Session>,
    pub(crate) conn: Option<ConnId>,
    pub(crate) refused: Vec<(Refusal, Option<u64>)>,
    pub(crate) ending: Option<Ending>,
    pub(crate) acked: u64,
    pub(crate) received: u64,
    /// It does not take frames out of its outbox at the relay.
    pub(crate) is_stuck: bool,
    /// Others speak in its name, so that it gets answers to what it has not asked.
    pub(crate) is_impersonated: bool,
    may_send: u32,
    outbox: VecDeque<Frame>,
}

impl Phone {
    pub(crate) fn device(&self) -> DeviceId {
        self.keys.device()
    }

    pub(crate) fn log(&self, lane: LaneId) -> LogId {
        LogId {
            lane,
            device: self.device(),
            incarnation: self.incarnation,
        }
    }

    pub(crate) fn say(&mut self, statement: &Statement, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let (kind, bytes) = statement.encode();
        let lane = roster_lane(&self.carrier.community());
        let entry = PlainEntry {
            kind,
            bytes: bytes.clone(),
        };
        let log = self.log(lane);
        self.carrier.write(&self.keys, log, &[entry], rng);
        bytes
    }

    pub(crate) fn write(&mut self, lane: LaneId, text: &str, rng: &mut ChaCha8Rng) {
        let entry = PlainEntry {
            kind: EntryKind::CHANGE,
            bytes: text.into(),
        };
        let log = self.log(lane);
        self.carrier.write(&self.keys, log, &[entry], rng);
    }

    /// The join of this phone by a ticket, as its hello carries it.
    pub(crate) fn join(&mut self, ticket: &DeviceKeys, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let community = self.carrier.community();
        let sealing = self.keys.sealing_key();
        let proof = ticket
            .sign(&Join::proof_bytes(&community, &self.device(), &sealing))
            .unwrap();
        let proof = proof.as_bytes().to_vec().into();
        self.say(
            &Statement::Join(Join {
                invite: ticket.invite(),
                sealing,
                proof,
            }),
            rng,
        );
        encode_join(&self.carrier.rows().last().unwrap().batch)
    }

    fn receive(&mut self, frame: Frame) {
        let Some(session) = &mut self.session else {
            if let Frame::Refuse(refuse) = frame {
                self.refused
                    .push((Refusal::from_code(refuse.code), refuse.batch));
            }
            return;
        };
        let result = session.receive(frame, &self.carrier);
        if result.is_err() && self.is_impersonated {
            return;
        }
        for event in result.unwrap() {
            match event {
                Event::Ingest { batches, upto } => {
                    self.received += batches.len() as u64;
                    let taken: Vec<Taken> = batches
                        .into_iter()
                        .map(|batch| self.carrier.take(batch))
                        .collect();
                    session.stored(&taken);
                    let store = session.peer_store();
                    for (lane, position) in upto {
                        self.carrier
                            .cursors
                            .extend(store.map(|it| ((it, lane), position)));
                    }
                }
                Event::Cursors(upto) => {
                    let store = session.peer_store();
                    for (lane, position) in upto {
                        self.carrier
                            .cursors
                            .extend(store.map(|it| ((it, lane), position)));
                    }
                }
                Event::Acked(batches) => self.acked = batches,
                Event::Refused { refusal, batch } => self.refused.push((refusal, batch)),
                Event::CaughtUp
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
                | Event::Totals(_) => {}
            }
        }
    }
}

/// The recovery sheet of every community here.
pub(crate) fn sheet() -> DeviceKeys {
    DeviceKeys::derive_for_recovery(&[7; 16])
}

/// A relay and its phones.
pub(crate) struct Village<L> {
    pub(crate) relay: Relay<L>,
    pub(crate) phones: Vec<Phone>,
    pub(crate) now: Millis,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) community: CommunityId,
    conns: u64,
}

/// The relay's own keys.
fn relay_keys() -> DeviceKeys {
    DeviceKeys::from_secrets(&Secret::new([9; 32]), Secret::new([9; 32]))
}

pub(crate) fn village(limits: Limits) -> Village<MemoryLog> {
    Village::new(
        MemoryLog::new(StoreId::new([7; 16])),
        Admission::Open,
        limits,
    )
}

impl<L: BatchLog> Village<L> {
    /// Phone 0 has founded a community that the relay does not know yet.
    pub(crate) fn new(log: L, admission: Admission, limits: Limits) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(42);
        let relay = Relay::new(log, Arc::new(relay_keys()), admission, limits, &mut rng);
        let community = CommunityId::ZERO;
        let mut village = Self {
            relay,
            phones: Vec::new(),
            now: Millis(1000),
            rng,
            community,
            conns: 0,
        };
        let keys = DeviceKeys::generate(&mut village.rng);
        let found = Statement::Found(Found {
            nonce: vec![1; 16].into(),
            sealing: keys.sealing_key(),
            recovery: sheet().device(),
            recovery_sealing: Some(sheet().sealing_key()),
            title: b"sealed".to_vec().into(),
        });
        village.community = community_of(&keys.device(), &found.encode().1);
        village.phones.push(village.phone_of(keys));
        village.phones[0].say(&found, &mut village.rng);
        village
    }

    fn phone_of(&self, keys: DeviceKeys) -> Phone {
        let number = u8::try_from(self.phones.len() + 1).unwrap();
        let store = StoreId::new([number; 16]);
        let lanes = [commons(&self.community)];
        let mut carrier = MemoryCarrier::new(self.community, store, lanes);
        carrier.key = Some(EpochKey::from_secret(Secret::new([9; 32])));
        Phone {
            keys,
            incarnation: Incarnation::new([number; 8]),
            carrier,
            session: None,
            conn: None,
            refused: Vec::new(),
            ending: None,
            acked: 0,
            received: 0,
            is_stuck: false,
            is_impersonated: false,
            may_send: 0,
            outbox: VecDeque::new(),
        }
    }

    /// A further phone, which nobody knows.
    pub(crate) fn stranger(&mut self) -> usize {
        let keys = DeviceKeys::generate(&mut self.rng);
        self.phones.push(self.phone_of(keys));
        self.phones.len() - 1
    }

    pub(crate) fn commons(&self) -> LaneId {
        commons(&self.community)
    }

    pub(crate) fn space(&mut self, by: usize) -> LaneId {
        let space = Space {
            nonce: vec![5; 16].into(),
            title: vec![5].into(),
        };
        let bytes = self.phones[by].say(&Statement::Space(space), &mut self.rng);
        let lane = space_of(&self.community, &self.phones[by].device(), &bytes);
        self.phones[by].carrier.lanes.insert(lane);
        lane
    }

    /// The ticket's keys.
    pub(crate) fn invite(&mut self, by: usize, role: Role, scope: Scope, uses: u16) -> DeviceKeys {
        let ticket = DeviceKeys::generate(&mut self.rng);
        let invite = Invite {
            invite: ticket.invite(),
            sealing: ticket.sealing_key(),
            scope,
            role,
            uses,
            keys: Vec::new(),
        };
        self.phones[by].say(&Statement::Invite(invite), &mut self.rng);
        ticket
    }

    /// A phone that has joined through the relay; phone 0 is connected meanwhile.
    pub(crate) fn member(&mut self, role: Role, scope: Scope) -> usize {
        let ticket = self.invite(0, role, scope, 1);
        if self.phones[0].conn.is_none() {
            self.connect(0, None);
        }
        self.settle();
        let phone = self.stranger();
        if let Scope::Space(lane) = scope {
            self.phones[phone].carrier.lanes.insert(lane);
        }
        let join = self.join(phone, &ticket);
        self.connect(phone, Some(join));
        self.settle();
        assert_eq!(
            self.phones[phone].ending, None,
            "{:?}",
            self.phones[phone].refused
        );
        phone
    }

    /// The relay ends and begins again over this log; nobody is connected.
    pub(crate) fn restart(&mut self, log: L) {
        for phone in &mut self.phones {
            phone.conn = None;
            phone.session = None;
        }
        let (keys, limits) = (Arc::new(relay_keys()), Limits::default());
        self.relay = Relay::new(log, keys, Admission::Open, limits, &mut self.rng);
    }

    /// A phone says something in the roster; returns the statement's bytes.
    pub(crate) fn say(&mut self, phone: usize, statement: &Statement) -> Vec<u8> {
        self.phones[phone].say(statement, &mut self.rng)
    }

    /// What a joiner shows in its hello.
    pub(crate) fn join(&mut self, phone: usize, ticket: &DeviceKeys) -> Vec<u8> {
        self.phones[phone].join(ticket, &mut self.rng)
    }

    pub(crate) fn write(&mut self, phone: usize, lane: LaneId, text: &str) {
        self.phones[phone].write(lane, text, &mut self.rng);
    }

    pub(crate) fn connect(&mut self, phone: usize, join: Option<Vec<u8>>) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        let this = &mut self.phones[phone];
        let parties = Parties {
            us: this.keys.device(),
            kind: PeerKind::Member,
            incarnation: this.incarnation,
            peer: relay_keys().device(),
            peer_kind: PeerKind::Relay,
        };
        let session = Session::dial(parties, &this.carrier, join, &mut self.rng).unwrap();
        this.session = Some(session);
        this.conn = Some(conn);
        this.ending = None;
        this.refused.clear();
        this.outbox.clear();
        this.may_send = READ_AHEAD_FRAMES;
        let device = this.keys.device();
        self.handle(vec![Input::Connected { conn, device }]);
        conn
    }

    pub(crate) fn disconnect(&mut self, phone: usize) {
        self.phones[phone].session = None;
        if let Some(conn) = self.phones[phone].conn.take() {
            self.handle(vec![Input::Closed { conn }]);
        }
    }

    /// One call of the core; its effects reach the phones.
    pub(crate) fn handle(&mut self, inputs: Vec<Input>) -> Vec<Effect> {
        let effects = self.relay.handle(inputs, self.now, &mut self.rng);
        for effect in effects.clone() {
            let (Effect::Send { conn, .. } | Effect::Read { conn } | Effect::Close { conn, .. }) =
                effect;
            let phone = self
                .phones
                .iter_mut()
                .find(|phone| phone.conn == Some(conn));
            let Some(phone) = phone else { continue };
            match effect {
                Effect::Send { frame, .. } => phone.outbox.push_back(frame),
                Effect::Read { .. } => phone.may_send += 1,
                Effect::Close { ending, .. } => {
                    std::mem::take(&mut phone.outbox)
                        .into_iter()
                        .for_each(|it| phone.receive(it));
                    phone.ending = Some(ending);
                    phone.conn = None;
                    phone.session = None;
                }
            }
        }
        effects
    }

    /// What a phone has to say now, allowed or not.
    pub(crate) fn poll(&mut self, phone: usize) -> Option<Frame> {
        let Phone {
            session, carrier, ..
        } = &mut self.phones[phone];
        session.as_mut()?.poll_transmit(carrier).unwrap()
    }

    /// What the phones have to say now, at most one frame each.
    pub(crate) fn gather(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        for phone in &mut self.phones {
            let (Some(conn), Some(session)) = (phone.conn, &mut phone.session) else {
                continue;
            };
            if !phone.is_stuck
                && let Some(frame) = phone.outbox.pop_front()
            {
                inputs.push(Input::Writable { conn });
                phone.receive(frame);
                continue;
            }
            if phone.may_send > 0
                && let Some(frame) = session.poll_transmit(&phone.carrier).unwrap()
            {
                phone.may_send -= 1;
                inputs.push(Input::Frame { conn, frame });
            }
        }
        inputs
    }

    /// Lets everybody speak until nobody has anything to say.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            let inputs = self.gather();
            if inputs.is_empty() && self.relay.wants_turn() != Some(0) {
                return;
            }
            self.handle(inputs);
        }
        panic!("they never stop talking");
    }

    /// The last batches of a phone's own log are at the relay and at these phones.
    pub(crate) fn assert_carried(&self, phones: &[usize]) {
        let view = |phone: &Phone| phone.carrier.rows().len();
        let first = view(&self.phones[phones[0]]);
        for phone in phones {
            assert_eq!(view(&self.phones[*phone]), first, "phone {phone}");
        }
    }
}
