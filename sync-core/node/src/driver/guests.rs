//! How sessions begin: those that this device dialled, and those in which it is the host.

use std::collections::BTreeSet;
use std::time::Instant;

use sync_core::id::DeviceId;
use sync_core::nearby::GUESTS_PER_KEY_MAX;
use sync_core::peer::{Peer, PeerError, moment};
use sync_core::wire::{Frame, Hello, PeerKind, Refuse};

use super::running::{Begin, Opened, Running, Way};
use super::{ConnId, Driver, now};
use crate::connection::CLOSE_TIMEOUT;
use crate::node::NodeError;

impl Driver {
    pub(super) fn open(&mut self, id: ConnId, begin: Begin, opened: Opened) {
        let way = begin.way();
        let begun = match begin {
            Begin::Dialled(PeerKind::Member)
                if !opened.is_once && self.is_in_touch(&opened.wired.peer) =>
            {
                Err(NodeError::AlreadyMet)
            }
            Begin::Dialled(kind) => {
                let peer = opened.wired.peer;
                Peer::dial(&self.replica, peer, kind, &mut self.rng).map_err(NodeError::from)
            }
            Begin::Answered(hello) => self.answer(id, &opened, *hello),
        };
        match begun {
            Ok(peer) => {
                let running = Running::new(peer, way, opened, now());
                self.sessions.insert(id, running);
                self.tell_present();
            }
            Err(error) => self.turn_away(opened, error),
        }
    }

    /// Lets a member's device in, or a stranger with an invitation; a refusal is told to the other side.
    fn answer(&mut self, id: ConnId, opened: &Opened, hello: Hello) -> Result<Peer, NodeError> {
        let device = opened.wired.peer;
        self.make_room_for(&device);
        let moment = &mut moment(now(), &mut self.rng);
        let mut peer = Peer::accept(&mut self.replica, device, hello, moment).map_err(|error| {
            if let PeerError::Peer(refusal) = &error {
                let (code, batch) = (refusal.code(), None);
                // Nothing was said before, so there is room.
                let _sent = opened
                    .wired
                    .outbox
                    .try_send(Frame::Refuse(Refuse { code, batch }));
            }
            NodeError::from(error)
        })?;
        if peer.take_roster_changed() {
            self.seal_due.get_or_insert_with(Instant::now);
            self.tell_of_roster(Some(id));
        }
        Ok(peer)
    }

    /// Who dials again has lost the connection before, whatever this side still believes.
    fn make_room_for(&mut self, device: &DeviceId) {
        let guests = self.sessions.iter().filter(|(_, running)| {
            running.way == Way::FromMember && running.peer.device() == device
        });
        let guests: Vec<ConnId> = guests.map(|(id, _)| *id).collect();
        let too_many = (guests.len() + 1).saturating_sub(GUESTS_PER_KEY_MAX);
        for id in guests.into_iter().take(too_many) {
            self.end_politely(id, Err(NodeError::AlreadyMet));
        }
    }

    fn is_in_touch(&self, device: &DeviceId) -> bool {
        let mut live = self.sessions.values().filter(|it| it.is_in_touch());
        live.any(|running| running.peer.device() == device)
    }

    fn turn_away(&mut self, opened: Opened, error: NodeError) {
        let Opened { wired, ended, .. } = opened;
        let closing = async move {
            let closing = wired.close(CLOSE_TIMEOUT).await;
            drop(ended.send(Err(error)));
            closing.drain().await;
        };
        while self.closings.try_join_next().is_some() {}
        self.closings.spawn_on(closing, &self.runtime);
    }

    pub(super) fn tell_present(&self) {
        let live = self.sessions.values().filter(|it| it.is_in_touch());
        let present: BTreeSet<DeviceId> = live.map(|running| *running.peer.device()).collect();
        self.told.present.send_if_modified(|told| {
            let is_news = *told != present;
            *told = present;
            is_news
        });
    }
}
