//! Sessions: bytes off the network, frames to the replica, bytes out; and who may say what to whom.

use sync_core::id::DeviceId;
use sync_core::peer::{Peer, PeerError};
use sync_core::replica::ReplicaError;
use sync_core::wire::{BadFrame, Frame, Hello, PeerKind, Refusal, Refuse};

use super::net::{ConnId, Node, Side};
use super::phone::Phone;
use super::{Broken, Outcome, World, broken};

/// Pieces that the network may deliver before it must have fallen silent.
const DELIVERIES_MAX: u64 = 200_000;

/// One end of a connection at a phone.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) side: Side,
    /// None while the answering side waits for the hello.
    pub(super) peer: Option<Peer>,
    /// Frames that wait to be taken together.
    inbox: Vec<Frame>,
}

impl World {
    /// A phone dials the relay or another phone.
    pub(super) fn dial(&mut self, from: usize, to: Node) -> Outcome<Option<ConnId>> {
        let Some(device) = self.device_at(to) else {
            return Ok(None);
        };
        let kind = match to {
            Node::Relay => PeerKind::Relay,
            Node::Phone(_) | Node::Stranger => PeerKind::Member,
        };
        let phone = self.phone(from);
        let Some(dialled) = phone.with(0, |replica, moment| {
            Peer::dial(replica, device, kind, moment.rng)
        }) else {
            return Ok(None);
        };
        let peer = match dialled {
            Ok(peer) => peer,
            Err(error) => {
                self.judge_error(from, None, &error)?;
                return Ok(None);
            }
        };
        let id = self.net.open(Node::Phone(from), to);
        self.summary.connections += 1;
        let talk = Talk {
            side: Side::Dialer,
            peer: Some(peer),
            inbox: Vec::new(),
        };
        self.phone(from).talks.insert(id, talk);
        match to {
            Node::Phone(other) => self.await_hello(other, id),
            Node::Relay => {
                let device = self.phone(from).device();
                self.hub_opened(id, device)?;
            }
            Node::Stranger => {}
        }
        self.pump(from)?;
        Ok(Some(id))
    }

    /// A phone has been dialled.
    pub(super) fn await_hello(&mut self, index: usize, id: ConnId) {
        let talk = Talk {
            side: Side::Acceptor,
            peer: None,
            inbox: Vec::new(),
        };
        self.phone(index).talks.insert(id, talk);
    }

    /// The key of whoever answers; none if nobody does.
    pub(super) fn device_at(&self, node: Node) -> Option<DeviceId> {
        match node {
            Node::Phone(index) => self
                .phones
                .get(index)
                .filter(|phone| phone.is_on())
                .map(Phone::device),
            Node::Relay => self.hub.device_if_on(),
            Node::Stranger => None,
        }
    }

    /// Lets the network deliver everything that is due until then.
    pub(super) fn flow(&mut self, until: i64) -> Outcome {
        let mut deliveries = 0;
        while let Some((due, id, from)) = self.net.next_due().filter(|(due, ..)| *due <= until) {
            self.now = self.now.max(due);
            deliveries += 1;
            if deliveries > DELIVERIES_MAX {
                return broken!("the network never falls silent");
            }
            self.deliver(id, from)?;
        }
        self.now = self.now.max(until);
        self.check_silent_connections()
    }

    /// Lets the network deliver until it is silent.
    pub(super) fn flow_to_silence(&mut self) -> Outcome {
        while let Some((due, ..)) = self.net.next_due() {
            self.flow(due)?;
        }
        Ok(())
    }

    fn deliver(&mut self, id: ConnId, from: Side) -> Outcome {
        let Some(to) = self
            .net
            .get(id)
            .map(|connection| connection.node(from.other()))
        else {
            return Ok(());
        };
        let Some(delivery) = self.net.take(id, from) else {
            return Ok(());
        };
        if self.is_honest(id) {
            self.tape(&delivery.frames);
        }
        match to {
            Node::Phone(index) => {
                let wait = delivery.has_more && rand::RngExt::random_ratio(&mut self.rng, 1, 3);
                self.phone_takes(index, id, &delivery.frames, delivery.is_broken, wait)?;
            }
            Node::Relay => self.hub_takes(id, &delivery.frames, delivery.is_broken)?,
            Node::Stranger => {}
        }
        self.take_room(id, from)?;
        self.close_if_over(id)
    }

    /// What has arrived makes room for more.
    fn take_room(&mut self, id: ConnId, from: Side) -> Outcome {
        match self.net.get(id).map(|connection| connection.node(from)) {
            Some(Node::Phone(index)) => self.pump(index),
            Some(Node::Relay) => self.hub_turns(Vec::new()),
            Some(Node::Stranger) | None => Ok(()),
        }
    }

    /// Ends both sides' part of a connection that was cut and is empty.
    pub(super) fn close_if_over(&mut self, id: ConnId) -> Outcome {
        let Some(connection) = self.net.remove_if_over(id) else {
            return Ok(());
        };
        for node in [connection.dialer, connection.acceptor] {
            match node {
                Node::Phone(index) => drop(self.phone(index).talks.remove(&id)),
                Node::Relay => self.hub_closed(id)?,
                Node::Stranger => {}
            }
        }
        Ok(())
    }

    /// One side is done with a connection; what it has sent still arrives.
    pub(super) fn hang_up(&mut self, id: ConnId, side: Side) -> Outcome {
        self.net.finish(id);
        self.net.deafen(id, side);
        self.close_if_over(id)
    }

    fn phone_takes(
        &mut self,
        index: usize,
        id: ConnId,
        frames: &[Vec<u8>],
        is_broken: bool,
        wait: bool,
    ) -> Outcome {
        let is_honest = self.is_honest(id);
        let Some(talk) = self.phone(index).talks.get_mut(&id) else {
            return Ok(());
        };
        let side = talk.side;
        let mut is_broken = is_broken;
        for bytes in frames {
            match Frame::decode(bytes) {
                Ok(frame) => talk.inbox.push(frame),
                Err(BadFrame::Unknown(_)) => {
                    if let Some(peer) = &mut talk.peer {
                        peer.refuse_unknown();
                    }
                }
                Err(BadFrame::Layout(_) | BadFrame::TooLarge) => is_broken = true,
            }
        }
        if is_broken {
            if is_honest {
                return broken!("an honest side sent bytes that are no frame");
            }
            return self.hang_up(id, side);
        }
        if wait {
            return Ok(());
        }
        self.take_inbox(index, id)
    }

    fn take_inbox(&mut self, index: usize, id: ConnId) -> Outcome {
        let now = self.now;
        let phone = self.phone(index);
        let Some(talk) = phone.talks.get_mut(&id) else {
            return Ok(());
        };
        let mut frames = std::mem::take(&mut talk.inbox);
        let side = talk.side;
        let mut peer = talk.peer.take();
        if peer.is_none() && !frames.is_empty() {
            let Frame::Hello(hello) = frames.remove(0) else {
                return self.hang_up(id, side);
            };
            match self.answer(index, id, hello)? {
                Some(answered) => peer = Some(answered),
                None => {
                    self.hang_up(id, side)?;
                    return self.pump(index);
                }
            }
        }
        let Some(mut peer) = peer else { return Ok(()) };
        let phone = self.phone(index);
        let result = phone.with(now, |replica, moment| peer.receive(replica, frames, moment));
        let has_news = peer.take_roster_changed();
        if let Some(talk) = phone.talks.get_mut(&id) {
            talk.peer = Some(peer);
        }
        if has_news {
            self.spread_news(index, id)?;
        }
        self.after(index)?;
        match result {
            Some(Err(error)) => {
                self.judge_error(index, Some(id), &error)?;
                self.pump(index)?;
                self.hang_up(id, side)
            }
            Some(Ok(())) | None => self.pump(index),
        }
    }

    /// Answers a hello; none if the device is not let in.
    fn answer(&mut self, index: usize, id: ConnId, hello: Hello) -> Outcome<Option<Peer>> {
        let Some(from) = self.net.get(id).map(|connection| connection.dialer) else {
            return Ok(None);
        };
        let device = match from {
            Node::Phone(dialer) => self.phone(dialer).device(),
            Node::Relay | Node::Stranger => self.stranger_device(id),
        };
        let now = self.now;
        let phone = self.phone(index);
        let answered = phone.with(now, |replica, moment| {
            Peer::accept(replica, device, hello, moment)
        });
        self.after(index)?;
        match answered {
            None => Ok(None),
            Some(Ok(mut peer)) => {
                if peer.take_roster_changed() {
                    self.spread_news(index, id)?;
                }
                Ok(Some(peer))
            }
            Some(Err(error)) => {
                self.judge_error(index, Some(id), &error)?;
                if let PeerError::Peer(refusal) = error {
                    let refuse = Refuse {
                        code: refusal.code(),
                        batch: None,
                    };
                    self.send(id, Side::Acceptor, &Frame::Refuse(refuse));
                }
                Ok(None)
            }
        }
    }

    /// Tells a phone's other sessions that the roster has changed.
    pub(super) fn spread_news(&mut self, index: usize, but: ConnId) -> Outcome {
        let phone = self.phone(index);
        let Some(replica) = (match &phone.life {
            super::phone::Life::On { replica, .. } => Some(replica),
            super::phone::Life::Off(_) => None,
        }) else {
            return Ok(());
        };
        let mut failed = None;
        for (id, talk) in &mut phone.talks {
            if let Some(peer) = talk.peer.as_mut().filter(|_| *id != but)
                && let Err(error) = peer.roster_changed(replica)
            {
                failed = Some((*id, error));
            }
        }
        match failed {
            Some((id, error)) => self.judge_error(index, Some(id), &error),
            None => Ok(()),
        }
    }

    /// Sends what all sessions of a phone have to say.
    pub(super) fn pump(&mut self, index: usize) -> Outcome {
        let ids: Vec<ConnId> = self.phone(index).talks.keys().copied().collect();
        for id in ids {
            self.pump_one(index, id)?;
        }
        self.after(index)
    }

    fn pump_one(&mut self, index: usize, id: ConnId) -> Outcome {
        let now = self.now;
        loop {
            let phone = self.phone(index);
            let Some(side) = phone.talks.get(&id).map(|talk| talk.side) else {
                return Ok(());
            };
            let Some(mut peer) = phone.talks.get_mut(&id).and_then(|talk| talk.peer.take()) else {
                return Ok(());
            };
            let has_room = self.net.has_room(id, side);
            let phone = self.phone(index);
            let polled = if has_room {
                phone.with(now, |replica, _| peer.poll_transmit(replica))
            } else {
                Some(Ok(None))
            };
            let is_ended = peer.is_ended();
            if let Some(talk) = phone.talks.get_mut(&id) {
                talk.peer = Some(peer);
            }
            match polled {
                None => return Ok(()),
                Some(Ok(Some(frame))) => self.send(id, side, &frame),
                Some(Ok(None)) if is_ended && has_room => return self.hang_up(id, side),
                Some(Ok(None)) => {
                    if !(self.note_delivered(index, id)? && has_room) {
                        return Ok(());
                    }
                }
                Some(Err(error)) => {
                    self.judge_error(index, Some(id), &error)?;
                    return self.hang_up(id, side);
                }
            }
        }
    }

    /// Says whether there is something to send now.
    fn note_delivered(&mut self, index: usize, id: ConnId) -> Outcome<bool> {
        let now = self.now;
        let phone = self.phone(index);
        let Some(mut peer) = phone.talks.get_mut(&id).and_then(|talk| talk.peer.take()) else {
            return Ok(false);
        };
        let noted = phone.with(now, |replica, moment| peer.note_delivered(replica, moment));
        let has_answers = peer.has_answers();
        if let Some(talk) = phone.talks.get_mut(&id) {
            talk.peer = Some(peer);
        }
        match noted {
            Some(Err(error)) => self.judge_error(index, Some(id), &error).map(|()| false),
            Some(Ok(())) | None => Ok(has_answers),
        }
    }

    /// Time has passed: what phones have read is signed after a pause, and the relay tells of it.
    pub(super) fn look(&mut self) -> Outcome {
        let now = self.now;
        for index in self.phones_on() {
            let ids: Vec<ConnId> = self.phone(index).talks.keys().copied().collect();
            for id in ids {
                let phone = self.phone(index);
                let Some(talk) = phone.talks.get_mut(&id) else {
                    continue;
                };
                let (side, Some(mut peer)) = (talk.side, talk.peer.take()) else {
                    continue;
                };
                let followed =
                    phone.with(now, |replica, moment| peer.follow_reading(replica, moment));
                if let Some(talk) = phone.talks.get_mut(&id) {
                    talk.peer = Some(peer);
                }
                self.after(index)?;
                if let Some(Err(error)) = followed {
                    self.judge_error(index, Some(id), &error)?;
                    self.hang_up(id, side)?;
                }
            }
            self.pump(index)?;
        }
        self.hub_turns(Vec::new())
    }

    pub(super) fn send(&mut self, id: ConnId, from: Side, frame: &Frame) {
        self.net
            .send(id, from, &frame.encode(), self.now, &mut self.rng);
    }

    /// After something that may have written: a killed phone is off.
    pub(super) fn after(&mut self, index: usize) -> Outcome {
        if self.phone(index).is_dead() {
            self.crash(index)
        } else {
            Ok(())
        }
    }

    /// Whether both ends of a connection keep to the protocol.
    pub(super) fn is_honest(&self, id: ConnId) -> bool {
        self.net
            .get(id)
            .is_some_and(|connection| connection.dialer != Node::Stranger)
    }

    /// Whether a session may end so.
    pub(super) fn judge_error(
        &mut self,
        index: usize,
        id: Option<ConnId>,
        error: &PeerError,
    ) -> Outcome {
        let is_honest = id.is_none_or(|id| self.is_honest(id));
        // A newcomer may have become known since it was refused.
        let is_new = !self.is_healing || self.has_newcomer(index, id);
        let hub_failed = self.hub.has_failed();
        let is_with_relay = self.is_with_relay(id);
        let is_with_liar = self.summary.lies > 0 && is_with_relay;
        let has_left = self
            .replica(index)
            .is_ok_and(|replica| replica.farewell().is_some());
        let phone = self.phone(index);
        let is_fine = match error {
            PeerError::Reborn => {
                let talk = id.and_then(|id| phone.talks.get(&id)?.peer.as_ref());
                // All sessions of an incarnation end with it.
                let is_news = talk.is_none_or(|peer| phone.given_up.insert(peer.incarnation()));
                // A removed phone that has erased its records begins anew without them.
                has_left || !is_news || std::mem::take(&mut phone.is_doubtful)
            }
            PeerError::Replica(ReplicaError::Store(_)) => phone.has_faults,
            PeerError::Replica(_) => false,
            PeerError::Refused(refusal) | PeerError::Peer(refusal) => {
                let is_of_newcomers = matches!(
                    refusal,
                    Refusal::NotAMember | Refusal::InviteUnknown | Refusal::CommunityUnknown
                );
                let is_of_disks = matches!(
                    refusal,
                    Refusal::Internal | Refusal::StoreFull | Refusal::Busy
                );
                // It came to the relay before anybody whom the relay knows.
                let is_early = *refusal == Refusal::Busy && is_with_relay;
                !is_honest
                    || is_with_liar
                    || (is_early && is_new)
                    || (is_of_newcomers && is_new)
                    || (is_of_disks && hub_failed)
            }
        };
        self.tell(format!("  phone {index}: session over: {error}"));
        if is_fine {
            return Ok(());
        }
        Err(Broken(format!(
            "phone {index}'s session ended with: {error} ({error:?})"
        )))
    }

    fn is_with_relay(&self, id: Option<ConnId>) -> bool {
        let connection = id.and_then(|id| self.net.get(id));
        connection.is_some_and(|it| it.acceptor == Node::Relay)
    }

    /// Whether one of the two ends may not have heard of the other yet.
    fn has_newcomer(&self, index: usize, id: Option<ConnId>) -> bool {
        let Some(connection) = id.and_then(|id| self.net.get(id)) else {
            return false;
        };
        let ends = [connection.dialer, connection.acceptor];
        let devices: Vec<DeviceId> = ends
            .iter()
            .filter_map(|end| match end {
                Node::Phone(phone) => self.phones.get(*phone).map(Phone::device),
                Node::Relay | Node::Stranger => None,
            })
            .collect();
        let knows = |phone: usize, device: &DeviceId| {
            self.replica(phone)
                .is_ok_and(|replica| replica.roster().devices().contains_key(device))
        };
        let phones = ends.iter().filter_map(|end| match end {
            Node::Phone(phone) => Some(*phone),
            Node::Relay | Node::Stranger => None,
        });
        let all_know = phones
            .chain([index])
            .all(|phone| devices.iter().all(|it| knows(phone, it)));
        !all_know || ends.contains(&Node::Relay)
    }
}
