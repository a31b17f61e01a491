//! Letting a connection in: its hello, and a stranger's invitation.

use std::collections::BTreeSet;

use rand_core::CryptoRng;
use sync_core::entry::Place;
use sync_core::id::{ChainHash, CommunityId, DeviceId, Millis};
use sync_core::session::{Parties, Session, SessionError};
use sync_core::store::StoreError;
use sync_core::wire::batches::decode_join;
use sync_core::wire::{Frame, Hello, PeerKind, Refusal};

use super::conn::Live;
use super::{Carrying, ConnId, Failed, Group, Relay, refusal_of};
use crate::community::{Community, View, append};
use crate::limits::TokenBucket;
use crate::log::{Appended, BatchLog, Spot};

/// Why a device is not let in.
pub(super) enum NotIn {
    Refused(Refusal),
    Store(StoreError),
}

impl From<StoreError> for NotIn {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for NotIn {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<L: BatchLog> Relay<L> {
    /// The first frame of a connection, which must be a hello.
    pub(super) fn greet(
        &mut self,
        conn: ConnId,
        frame: Frame,
        now: Millis,
        rng: &mut dyn CryptoRng,
        group: &mut Group,
    ) {
        let Frame::Hello(hello) = frame else {
            self.turn_away(conn, Refusal::BadFrame, group);
            return;
        };
        match self.admit(conn, hello, now, rng, group) {
            Ok(()) => {
                group.heard.insert(conn);
                group.stirred.insert(conn);
            }
            Err(NotIn::Refused(refusal)) => self.turn_away(conn, refusal, group),
            Err(NotIn::Store(error)) => {
                tracing::error!(%conn, %error, "a community could not be read");
                self.turn_away(conn, refusal_of(&error), group);
            }
        }
    }

    fn admit(
        &mut self,
        conn: ConnId,
        hello: Hello,
        now: Millis,
        rng: &mut dyn CryptoRng,
        group: &mut Group,
    ) -> Result<(), NotIn> {
        let Some(device) = self.conns.get(&conn).map(|conn| conn.device) else {
            return Ok(());
        };
        let community = hello.community;
        self.load(&community, &device, now)?;
        let join = hello.join.as_ref().map(|join| join.as_slice());
        let is_seeding = !self.let_in(&community, &device, join, group)?;
        let Some(carrying) = self.communities.get_mut(&community) else {
            return Ok(());
        };
        let parties = Parties {
            us: self.device,
            kind: PeerKind::Relay,
            incarnation: self.incarnation,
            peer: device,
            peer_kind: PeerKind::Member,
        };
        let view = View {
            community: &carrying.community,
            log: &self.log,
        };
        let accepted = Session::accept(parties, &view, hello, rng);
        let (session, _events) = accepted.map_err(|error| match error {
            SessionError::Peer(refusal) => NotIn::Refused(refusal),
            SessionError::Store(error) => NotIn::Store(error),
        })?;
        carrying.conns.insert(conn);
        carrying.last_used = self.turn;
        if let Some(state) = self.conns.get_mut(&conn) {
            state.live = Some(Live {
                community,
                session: Box::new(session),
                is_seeding,
                receipts_told: carrying.community.newest_receipt_for(&device),
                receipts_at: None,
            });
        }
        if !is_seeding {
            self.ledger.see(community, device);
        }
        tracing::debug!(
            %conn,
            device = device.short(),
            community = community.short(),
            is_seeding,
            "session begins"
        );
        Ok(())
    }

    /// Brings a community into memory, if the relay carries it or may begin to.
    fn load(&mut self, id: &CommunityId, device: &DeviceId, now: Millis) -> Result<(), NotIn> {
        if !self.admission.admits(id) {
            return Err(Refusal::CommunityUnknown.into());
        }
        if self.damaged.contains(id) {
            return Err(Refusal::Internal.into());
        }
        if self.communities.contains_key(id) {
            return Ok(());
        }
        let community = Community::load(*id, &self.log)?;
        if community.is_empty() {
            let is_full = self.log.communities()? >= self.limits.communities_max
                || self.log.founded_by(device)? >= self.limits.communities_per_device_max;
            if is_full {
                return Err(Refusal::OverQuota.into());
            }
        }
        let bytes = community.memory_bytes();
        if self.is_memory_short(bytes) {
            return Err(Refusal::Busy.into());
        }
        self.memory = self.memory.saturating_add(bytes);
        let conns = BTreeSet::new();
        self.communities.insert(
            *id,
            Carrying {
                community,
                conns,
                last_used: self.turn,
                frames: TokenBucket::full(self.limits.community_rate(), now),
            },
        );
        Ok(())
    }

    /// Whether the roster names a device, after its invitation was heard. A device that it does not
    /// name is let in only if nobody is named yet: it brings the roster.
    fn let_in(
        &mut self,
        id: &CommunityId,
        device: &DeviceId,
        join: Option<&[u8]>,
        group: &mut Group,
    ) -> Result<bool, NotIn> {
        let Some(Carrying { community, .. }) = self.communities.get_mut(id) else {
            return Err(Refusal::Internal.into());
        };
        if community.names(device, &self.log)? {
            return Ok(true);
        }
        let Some(join) = join else {
            return if community.roster().is_founded() {
                Err(Refusal::NotAMember.into())
            } else {
                Ok(false)
            };
        };
        self.join(id, device, join, group)?;
        let Some(Carrying { community, .. }) = self.communities.get_mut(id) else {
            return Err(Refusal::Internal.into());
        };
        let is_in = community.names_joiner(device, &self.log)?;
        if is_in {
            Ok(true)
        } else {
            Err(Refusal::InviteUsed.into())
        }
    }

    fn join(
        &mut self,
        id: &CommunityId,
        device: &DeviceId,
        join: &[u8],
        group: &mut Group,
    ) -> Result<(), NotIn> {
        let batch = decode_join(id, join).map_err(|_| Refusal::BadFrame)?;
        let Place { log, .. } = *batch.place();
        if log.device != *device {
            return Err(Refusal::NotAMember.into());
        }
        let bytes = batch.tail_len() as u64;
        let batch = batch
            .verify(id, &ChainHash::ZERO)
            .map_err(|_| Refusal::BadSignature)?;
        self.touch(id, group);
        self.open_group(group)?;
        let Some(Carrying { community, .. }) = self.communities.get_mut(id) else {
            return Err(Refusal::Internal.into());
        };
        community.may_join(&batch)?;
        community.judge(&log, device, bytes, &self.limits, &self.log)??;
        match append(community, &mut self.log, batch, Spot::Next, &self.limits) {
            Ok(Appended::Stored(_)) => {
                self.counters.batches_stored += 1;
                self.counters.entries_stored += 1;
                self.counters.bytes_stored += bytes;
                tracing::info!(
                    device = device.short(),
                    community = id.short(),
                    "a device joins"
                );
                Ok(())
            }
            Ok(Appended::Known(_)) => Ok(()),
            Ok(Appended::Stale) => Err(Refusal::Gap.into()),
            Err(error) => {
                group.failure = Some(Failed {
                    error: error.clone(),
                    community: Some(*id),
                });
                Err(error.into())
            }
        }
    }
}
