//! The relay: its real core over a log in memory that can fail, and its part of every connection.

mod disk;
mod lies;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use relay::community::Community;
use relay::limits::Limits;
use relay::log::memory::MemoryLog;
use relay::log::{BatchLog, Spot};
use relay::relay::{Admission, Effect, Input, Relay};
use sync_core::entry::Place;
use sync_core::id::{Arrival, CommunityId, DeviceId, LaneId, Millis, Seq, StoreId};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::session::carrier::{Carried, Carrier as _, Lost};
use sync_core::store::fault::FaultKind;
use sync_core::wire::batches::BatchReader;
use sync_core::wire::{BadFrame, Digest, Frame, Refusal};

use disk::DiskLog;
use lies::Lie;

use super::heal::{Heads, standing_of};
use super::net::{ConnId, Node, Side};
use super::oracle::CANARY;
use super::{Broken, Flaw, Outcome, World, broken};

/// Turns of the relay over its connections before it must have nothing more to do.
const TURNS_MAX: usize = 10_000;
/// So many last bytes of a batch tell it from all others: its signature and its sealed end.
const MARK_BYTES: usize = 48;

/// The relay's end of a connection.
#[derive(Debug, Default)]
struct HubConn {
    /// What came and may not be read yet.
    inbox: VecDeque<Input>,
    may_read: u32,
    outbox: VecDeque<Frame>,
    is_closing: bool,
    /// The last bytes of each batch that came, in order; empty once it was refused.
    came: Vec<Vec<u8>>,
    reader: BatchReader,
    /// Where each of them belongs, to tell which one was refused.
    places: Vec<Place>,
    /// What the phone's hello said, for a relay that repeats it.
    digest: Option<Digest>,
    /// Batches that were acknowledged and never stored, once there are any.
    swallowed: u64,
    is_swallowing: bool,
    /// It has said that both have the same, and says nothing more.
    is_mute: bool,
}

#[derive(Debug)]
pub(super) struct Hub {
    device: DeviceId,
    keys: Arc<DeviceKeys>,
    rng: ChaCha8Rng,
    log: DiskLog,
    relay: Option<Relay<DiskLog>>,
    community: CommunityId,
    conns: BTreeMap<ConnId, HubConn>,
    /// Last bytes of batches that it has said are durable.
    acked: BTreeSet<Vec<u8>>,
    has_failed: bool,
    /// Yesterday's copy of its disk.
    saved: Option<MemoryLog>,
    lie: Option<Lie>,
    /// It never comes back.
    is_gone: bool,
}

impl Hub {
    pub(super) fn new(rng: &mut ChaCha8Rng) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(rng.random());
        let keys = Arc::new(DeviceKeys::generate(&mut rng));
        let device = keys.device();
        let log = MemoryLog::new(StoreId::new(rng.random()));
        let mut hub = Self {
            device,
            keys,
            rng,
            log: DiskLog::new(log),
            relay: None,
            community: CommunityId::ZERO,
            conns: BTreeMap::new(),
            acked: BTreeSet::new(),
            has_failed: false,
            saved: None,
            lie: None,
            is_gone: false,
        };
        hub.start();
        hub
    }

    fn start(&mut self) {
        // Years pass between two moves; nobody is too slow or too quick.
        let limits = Limits {
            frames_per_second: 1_000_000,
            frames_burst: 1_000_000,
            community_frames_per_second: 1_000_000,
            community_frames_burst: 1_000_000,
            relay_frames_per_second: 1_000_000,
            relay_frames_burst: 1_000_000,
            hello_seconds_max: u32::MAX,
            stalled_seconds_max: u32::MAX,
            connections_per_device_max: 1_000,
            ..Limits::default()
        };
        let log = self.log.clone();
        let keys = Arc::clone(&self.keys);
        self.relay = Some(Relay::new(
            log,
            keys,
            Admission::Open,
            limits,
            &mut self.rng,
        ));
    }

    pub(super) fn device_if_on(&self) -> Option<DeviceId> {
        self.relay.as_ref().map(|_| self.device)
    }

    /// Whether its disk may have failed: refusals of that time may still be on their way.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    pub(super) fn rows(&self) -> Vec<Carried> {
        let disk = self.log.disk();
        let all = disk.log.read(
            &self.community,
            None,
            Arrival(0),
            Arrival(u64::MAX),
            usize::MAX,
        );
        all.unwrap_or_default()
    }

    fn loaded(&self) -> Outcome<Community> {
        let disk = self.log.disk();
        let loaded = Community::load(self.community, &disk.log);
        loaded.map_err(|error| Broken(error.to_string()))
    }

    /// Whether the relay's roster names a device.
    fn has_heard_of(&self, device: &DeviceId) -> Outcome<bool> {
        let community = self.loaded()?;
        Ok(community.roster().devices().contains_key(device))
    }

    /// The lanes that the relay serves a device.
    fn lanes_for(&self, device: &DeviceId) -> Outcome<BTreeSet<LaneId>> {
        Ok(self.loaded()?.roster().lanes_of(device))
    }

    pub(super) fn store_id(&self) -> StoreId {
        self.log.disk().log.store_id()
    }

    /// Its operator is replaced by an honest one.
    pub(super) fn reform(&mut self) {
        // What it had left out of its own memory is read again.
        self.relay = self.relay.take().filter(|_| self.lie.is_none());
        self.lie = None;
        self.log.disk().withheld.clear();
    }

    /// It is switched off for good.
    pub(super) fn leave_for_good(&mut self) {
        self.is_gone = true;
        self.relay = None;
        self.conns.clear();
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// A batch that was acknowledged is there, for ever.
    fn check_acked(&self) -> Outcome {
        let rows = self.rows();
        let kept: BTreeSet<&[u8]> = rows
            .iter()
            .map(|row| last_bytes(row.batch.tail()))
            .collect();
        match self
            .acked
            .iter()
            .filter(|acked| !kept.contains(acked.as_slice()))
            .count()
        {
            0 => Ok(()),
            lost => broken!("the relay has lost {lost} batches that it had acknowledged"),
        }
    }

    /// Forgets the newest batch: a disk that lies.
    fn forget_newest(&mut self) {
        let rows = self.rows();
        let mut disk = self.log.disk();
        let mut log = MemoryLog::new(disk.log.store_id());
        for row in rows.iter().take(rows.len().saturating_sub(1)) {
            let spot = if row.is_branch {
                Spot::Branch
            } else {
                Spot::Next
            };
            let _ = log.append(&self.community, &row.batch, spot);
        }
        disk.log = log;
    }
}

fn last_bytes(bytes: &[u8]) -> &[u8] {
    bytes
        .get(bytes.len().saturating_sub(MARK_BYTES)..)
        .unwrap_or_default()
}

impl World {
    /// The community that the relay is asked about.
    pub(super) fn hub_carries(&mut self) -> Outcome {
        self.hub.community = self.replica(0)?.community();
        Ok(())
    }

    pub(super) fn hub_opened(&mut self, id: ConnId, device: DeviceId) -> Outcome {
        let conn = HubConn {
            may_read: relay::limits::READ_AHEAD_FRAMES,
            ..HubConn::default()
        };
        self.hub.conns.insert(id, conn);
        self.hub_turns(vec![Input::Connected {
            conn: relay::relay::ConnId(id.0),
            device,
        }])
    }

    pub(super) fn hub_closed(&mut self, id: ConnId) -> Outcome {
        if self.hub.conns.remove(&id).is_none() {
            return Ok(());
        }
        self.hub_turns(vec![Input::Closed {
            conn: relay::relay::ConnId(id.0),
        }])
    }

    /// Frames that have come for the relay.
    pub(super) fn hub_takes(&mut self, id: ConnId, frames: &[Vec<u8>], is_broken: bool) -> Outcome {
        let is_honest = self.is_honest(id);
        let lie = self.hub.lie;
        let Some(state) = self.hub.conns.get_mut(&id) else {
            return Ok(());
        };
        let conn = relay::relay::ConnId(id.0);
        for bytes in frames {
            let input = match Frame::decode(bytes) {
                Ok(frame) if lies::swallows(lie, state, &frame) => continue,
                Ok(frame) => {
                    if let Frame::Hello(hello) = &frame {
                        state.digest = Some(hello.digest);
                    }
                    if let Frame::Batches(batches) = &frame {
                        let marks = batches.batches.iter().map(|it| last_bytes(it).to_vec());
                        state.came.extend(marks);
                        let read = state.reader.read(batches.clone()).unwrap_or_default();
                        state.places.extend(read.iter().map(|it| *it.batch.place()));
                    }
                    Input::Frame { conn, frame }
                }
                Err(BadFrame::Unknown(kind)) => Input::Unknown { conn, kind },
                Err(BadFrame::Layout(_)) => Input::Broken {
                    conn,
                    refusal: Refusal::BadFrame,
                },
                Err(BadFrame::TooLarge) => Input::Broken {
                    conn,
                    refusal: Refusal::TooLarge,
                },
            };
            state.inbox.push_back(input);
        }
        if is_broken {
            if is_honest {
                return broken!("an honest side sent bytes that are no frame");
            }
            state.inbox.push_back(Input::Broken {
                conn,
                refusal: Refusal::BadFrame,
            });
        }
        self.hub_turns(Vec::new())
    }

    /// Lets the relay work until it has nothing more to do.
    pub(super) fn hub_turns(&mut self, inputs: Vec<Input>) -> Outcome {
        let mut inputs = inputs;
        for turn in 0..TURNS_MAX {
            inputs.extend(self.hub_reads());
            inputs.extend(self.hub_writes()?);
            let has_more = self.hub.relay.as_ref().and_then(Relay::wants_turn) == Some(0);
            if inputs.is_empty() && turn > 0 && !has_more {
                return Ok(());
            }
            let now = Millis(self.now);
            let hub = &mut self.hub;
            let Some(relay) = &mut hub.relay else {
                return Ok(());
            };
            let effects = relay.handle(std::mem::take(&mut inputs), now, &mut hub.rng);
            if hub.log.disk().is_killed {
                // What it was about to say died with it.
                return self.kill_hub();
            }
            for effect in effects {
                self.hub_does(effect);
            }
        }
        broken!("the relay never comes to rest")
    }

    fn hub_reads(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        for conn in self.hub.conns.values_mut() {
            while conn.may_read > 0
                && let Some(input) = conn.inbox.pop_front()
            {
                conn.may_read -= 1;
                inputs.push(input);
            }
        }
        inputs
    }

    /// Moves frames from the outboxes to the network, as far as it takes them.
    fn hub_writes(&mut self) -> Outcome<Vec<Input>> {
        let mut inputs = Vec::new();
        let ids: Vec<ConnId> = self.hub.conns.keys().copied().collect();
        for id in ids {
            while self.net.has_room(id, Side::Acceptor) {
                let conn = self.hub.conns.get_mut(&id);
                let Some(frame) = conn.and_then(|conn| conn.outbox.pop_front()) else {
                    break;
                };
                self.send(id, Side::Acceptor, &frame);
                inputs.push(Input::Writable {
                    conn: relay::relay::ConnId(id.0),
                });
            }
            let is_over = self
                .hub
                .conns
                .get(&id)
                .is_some_and(|it| it.is_closing && it.outbox.is_empty());
            if is_over {
                self.hub.conns.remove(&id);
                self.hang_up(id, Side::Acceptor)?;
            }
        }
        Ok(inputs)
    }

    fn hub_does(&mut self, effect: Effect) {
        match effect {
            Effect::Send { conn, frame } => {
                let (lie, at) = (self.hub.lie, self.rng.random_range(0..64));
                let Some(state) = self.hub.conns.get_mut(&ConnId(conn.0)) else {
                    return;
                };
                let mut told = None;
                if let Frame::Refuse(refuse) = &frame {
                    let ordinal = refuse.batch.and_then(|it| usize::try_from(it).ok());
                    let place = ordinal.and_then(|it| it.checked_sub(1));
                    told = place.and_then(|it| state.places.get(it)).map(|it| {
                        let (lane, device) = (it.log.lane.short(), it.log.device.short());
                        let seq = it.first_seq.0;
                        format!("  the relay refuses {lane} {device} {seq} on {conn}: {refuse:?}")
                    });
                    if let Some(mark) = place.and_then(|it| state.came.get_mut(it)) {
                        mark.clear();
                    }
                }
                if let Frame::Ack(ack) = &frame {
                    let count = usize::try_from(ack.batches).unwrap_or(usize::MAX);
                    let marks = state.came.iter().take(count).filter(|it| !it.is_empty());
                    self.hub.acked.extend(marks.cloned());
                }
                let frames = lies::told(lie, state, frame, at);
                state.outbox.extend(frames);
                if let Some(told) = told {
                    self.tell(told);
                }
            }
            Effect::Read { conn } => {
                if let Some(state) = self.hub.conns.get_mut(&ConnId(conn.0)) {
                    state.may_read += 1;
                }
            }
            Effect::Close { conn, .. } => {
                if let Some(state) = self.hub.conns.get_mut(&ConnId(conn.0)) {
                    state.is_closing = true;
                }
            }
        }
    }

    pub(super) fn kill_relay(&mut self) -> Outcome {
        if self.hub.relay.is_none() {
            return self.hub_starts();
        }
        if self.rng.random_ratio(1, 3) {
            return self.kill_hub();
        }
        let kinds = [
            FaultKind::KillBefore,
            FaultKind::KillAfterCommit,
            FaultKind::Full,
        ];
        let number = self.rng.random_range(1..12);
        let Some(kind) = self.pick(&kinds) else {
            return Ok(());
        };
        self.tell(format!("  relay: {kind:?} at write {number} from here"));
        self.hub.has_failed = true;
        let mut disk = self.hub.log.disk();
        disk.writes = 0;
        disk.plan = Some((number, kind));
        Ok(())
    }

    fn kill_hub(&mut self) -> Outcome {
        self.tell("  the relay is killed".to_owned());
        self.summary.kills += 1;
        self.hub.relay = None;
        let ids: Vec<ConnId> = std::mem::take(&mut self.hub.conns).into_keys().collect();
        for id in ids {
            self.net.cut(id, &mut self.rng);
            self.net.deafen(id, Side::Acceptor);
            self.close_if_over(id)?;
        }
        Ok(())
    }

    pub(super) fn hub_starts(&mut self) -> Outcome {
        {
            let mut disk = self.hub.log.disk();
            disk.plan = None;
            disk.is_killed = false;
        }
        self.hub.has_failed &= !self.is_healing;
        if self.hub.relay.is_some() || self.hub.is_gone {
            return Ok(());
        }
        self.tell("  the relay begins again".to_owned());
        self.hub.log.disk().log.rollback();
        if self.flaw == Flaw::RelayForgets {
            self.hub.forget_newest();
        }
        self.hub.start();
        if self.summary.copies == 0 {
            self.hub.check_acked()
        } else {
            Ok(())
        }
    }

    pub(super) fn hub_tip(&self) -> Arrival {
        self.hub.rows().last().map_or(Arrival(0), |row| row.arrival)
    }

    pub(super) fn hub_bytes_since(&self, after: Arrival) -> u64 {
        let rows = self.hub.rows();
        let fresh = rows.iter().filter(|row| row.arrival > after);
        fresh.map(|row| row.batch.tail().len() as u64).sum()
    }

    pub(super) fn hub_heads(&self) -> Heads {
        let disk = self.hub.log.disk();
        let state = disk
            .log
            .community(&self.hub.community)
            .ok()
            .flatten()
            .unwrap_or_default();
        let mut heads = Heads::new();
        for (log, state) in state
            .logs
            .iter()
            .filter(|(_, state)| state.head.seq > Seq(0))
        {
            heads.entry(log.lane).or_default().push((*log, state.head));
        }
        let mut lost: BTreeMap<LaneId, Vec<Lost>> = BTreeMap::new();
        for it in disk.log.lost(&self.hub.community).unwrap_or_default() {
            lost.entry(it.log.lane).or_default().push(it);
        }
        for (lane, lost) in lost {
            heads.entry(lane).or_default().extend(standing_of(&lost));
        }
        heads
    }

    /// The relay and a phone between whom nothing moves have the same.
    pub(super) fn hub_equals(&self, ends: [Node; 2]) -> Outcome {
        let [Node::Phone(index), Node::Relay] = ends else {
            return Ok(());
        };
        let replica = self.replica(index)?;
        // Who is invited by somebody that the relay has not heard of yet has to wait for them.
        let device = replica.device();
        let is_in = replica.roster().devices().contains_key(&device);
        if !is_in || !self.hub.has_heard_of(&device)? {
            return Ok(());
        }
        let theirs = self.hub_heads();
        for lane in replica.own_lanes() {
            let heads = replica
                .heads(&lane)
                .map_err(|error| Broken(error.to_string()))?;
            let others = theirs.get(&lane).cloned().unwrap_or_default();
            if heads != others {
                return broken!(
                    "phone {index} and the relay are silent and differ in lane {}:\n{heads:?}\n\
                     {others:?}",
                    lane.short()
                );
            }
        }
        Ok(())
    }

    /// What it has acknowledged is there, and nothing of it can be read.
    pub(super) fn hub_check(&self) -> Outcome {
        let canary = CANARY.as_bytes();
        for row in self.hub.rows() {
            let bytes = row.batch.tail();
            if bytes.windows(canary.len()).any(|window| window == canary) {
                return broken!("the relay can read what batch {:?} says", row.arrival);
            }
        }
        if self.summary.copies == 0 {
            self.hub.check_acked()
        } else {
            Ok(())
        }
    }
}
