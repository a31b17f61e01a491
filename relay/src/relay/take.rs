//! What came: frames to their sessions, batches to the log, and the commit.

use std::collections::BTreeSet;

use rand_core::CryptoRng;
use sync_core::entry::VerifiedBatch;
use sync_core::entry::place::{Placement, place};
use sync_core::id::{CommunityId, DeviceId, EpochId, Millis};
use sync_core::roster::roster_lane;
use sync_core::session::{Event, SessionError, Taken};
use sync_core::store::StoreError;
use sync_core::wire::batches::Received;
use sync_core::wire::{Frame, Refusal};

use super::{Carrying, ConnId, Ending, Failed, Group, Relay, refusal_of};
use crate::community::{Community, Placing, View, append};
use crate::ledger::Reason;
use crate::log::{Appended, BatchLog, Spot};

/// Who brings batches.
struct Bearer {
    device: DeviceId,
    /// Whether nobody is named yet, and it brings the roster.
    is_seeding: bool,
}

impl<L: BatchLog> Relay<L> {
    pub(super) fn take_frame(
        &mut self,
        conn: ConnId,
        frame: Frame,
        now: Millis,
        rng: &mut dyn CryptoRng,
        group: &mut Group,
    ) {
        let Some(state) = self.conns.get_mut(&conn) else {
            return;
        };
        let Some(live) = &mut state.live else {
            self.greet(conn, frame, now, rng, group);
            return;
        };
        let community = live.community;
        let Some(carrying) = self.communities.get(&community) else {
            self.turn_away(conn, Refusal::Internal, group);
            return;
        };
        group.heard.insert(conn);
        group.stirred.insert(conn);
        let view = View {
            community: &carrying.community,
            log: &self.log,
        };
        match live.session.receive(frame, &view) {
            Ok(events) => self.react(conn, &community, events, group),
            // The session has said why in its last frame.
            Err(SessionError::Peer(refusal)) => {
                self.close(conn, Ending::Refused(refusal), group);
            }
            Err(SessionError::Store(error)) => {
                tracing::error!(%conn, %error, "a session could not read the log");
                self.turn_away(conn, refusal_of(&error), group);
            }
        }
    }

    pub(super) fn take_unknown(&mut self, conn: ConnId, kind: u8, group: &mut Group) {
        let Some(state) = self.conns.get_mut(&conn) else {
            return;
        };
        let Some(session) = state.session_mut() else {
            self.turn_away(conn, Refusal::BadFrame, group);
            return;
        };
        tracing::debug!(%conn, kind, "frame of a type that this version does not know");
        session.refuse(Refusal::UnknownFrame, None);
        group.stirred.insert(conn);
    }

    fn react(
        &mut self,
        conn: ConnId,
        community: &CommunityId,
        events: Vec<Event>,
        group: &mut Group,
    ) {
        for event in events {
            match event {
                Event::Ingest { batches, .. } => self.take_batches(conn, batches, group),
                Event::Ended => {
                    self.close(conn, Ending::Done, group);
                    return;
                }
                Event::Refused {
                    refusal,
                    batch: Some(_),
                } => {
                    tracing::debug!(%conn, %refusal, "a phone does not take a batch");
                }
                Event::Refused {
                    refusal,
                    batch: None,
                } => {
                    tracing::debug!(%conn, %refusal, "a phone refuses");
                    if refusal.ends_session() {
                        self.close(conn, Ending::Done, group);
                        return;
                    }
                }
                Event::AskedErased(asked) => self.answer_erased(conn, community, &asked, group),
                Event::AskedReceipts(after) => self.answer_receipts(conn, after, group),
                Event::Blob(event) => self.take_blob(conn, community, event, group),
                Event::Receipts(receipts) => self.take_receipts(conn, community, &receipts, group),
                // A relay has no cursors, no edits and no log of its own.
                Event::Acked(_)
                | Event::CaughtUp
                | Event::Compared
                | Event::Cursors(_)
                | Event::HasErased(_)
                | Event::Lacking(_)
                | Event::OwnLogAhead(_)
                | Event::Placed(_)
                | Event::Totals(_) => {}
            }
        }
    }

    /// Opens the group's transaction, once.
    pub(super) fn open_group(&mut self, group: &mut Group) -> Result<(), StoreError> {
        if let Some(failed) = &group.failure {
            return Err(failed.error.clone());
        }
        if !group.is_open {
            self.log.begin()?;
            group.is_open = true;
        }
        Ok(())
    }

    /// Takes note that something is stored in a community, which a failing commit undoes.
    pub(super) fn touch(&mut self, id: &CommunityId, group: &mut Group) {
        group.touched.insert(*id);
    }

    pub(super) fn ingest(
        &mut self,
        conn: ConnId,
        id: &CommunityId,
        batches: Vec<Received>,
        group: &mut Group,
    ) -> Result<Vec<Taken>, StoreError> {
        self.touch(id, group);
        self.open_group(group)?;
        let live = self.conns.get(&conn).and_then(|state| state.live.as_ref());
        let bearer = Bearer {
            device: self.conns.get(&conn).map_or(DeviceId::ZERO, |it| it.device),
            is_seeding: live.is_some_and(|live| live.is_seeding),
        };
        let before = self.effort_for(id);
        let taken = batches
            .into_iter()
            .map(|received| self.take_batch(id, received, &bearer))
            .collect();
        let effort = self.effort_for(id).saturating_sub(before);
        self.charge(conn, effort);
        taken
    }

    /// What evaluating this community's roster has cost so far, in frames.
    fn effort_for(&self, id: &CommunityId) -> u64 {
        let carrying = self.communities.get(id);
        carrying.map_or(0, |carrying| carrying.community.effort())
    }

    fn take_batch(
        &mut self,
        id: &CommunityId,
        received: Received,
        bearer: &Bearer,
    ) -> Result<Taken, StoreError> {
        let Some(Carrying { community, .. }) = self.communities.get_mut(id) else {
            return Ok(Taken::Refused(Refusal::Internal));
        };
        let log = received.batch.place().log;
        let bytes = received.batch.tail_len() as u64;
        // Phones do not take it either: the roster is in clear, and all else is sealed.
        let is_sealed = received.batch.place().epoch != EpochId::ZERO;
        let judged = if is_sealed == (log.lane == roster_lane(id)) {
            Err(Refusal::BadFrame)
        } else {
            community.judge(&log, &bearer.device, bytes, &self.limits, &self.log)?
        };
        let taken = match judged {
            Ok(()) => {
                let placing = Placing {
                    community: &*community,
                    log: &self.log,
                    id: log,
                };
                match place(received, id, &placing)? {
                    Placement::Extends(batch) => self.store(id, batch, Spot::Next, bearer)?,
                    Placement::Forks { batch, wins: true } => {
                        self.store(id, batch, Spot::Winner, bearer)?
                    }
                    Placement::Forks { batch, wins: false } | Placement::OnBranch(batch) => {
                        self.store(id, batch, Spot::Branch, bearer)?
                    }
                    Placement::Known => Taken::Known,
                    Placement::NeedsBranch => Taken::NeedsBranch(log),
                    Placement::Refused(refusal) => Taken::Refused(refusal),
                }
            }
            Err(refusal) => Taken::Refused(refusal),
        };
        match taken {
            Taken::Refused(refusal) => {
                self.count_refused(Reason::Refused(refusal), 1);
            }
            Taken::Known => self.counters.batches_known += 1,
            Taken::NeedsBranch(_) | Taken::Stored(_) => {}
        }
        Ok(taken)
    }

    /// Appends a verified batch, unless its author may not begin a log here.
    fn store(
        &mut self,
        id: &CommunityId,
        batch: VerifiedBatch,
        spot: Spot,
        bearer: &Bearer,
    ) -> Result<Taken, StoreError> {
        let Some(Carrying { community, .. }) = self.communities.get_mut(id) else {
            return Ok(Taken::Refused(Refusal::Internal));
        };
        let batch = match community.without_erased(batch, &self.log)? {
            Ok(batch) => batch,
            Err(refusal) => return Ok(Taken::Refused(refusal)),
        };
        let is_due = community.may_begin(&batch, bearer.is_seeding)
            || community.names(&batch.log().device, &self.log)?
            || community.is_vouched(batch.log(), &bearer.device);
        if !is_due {
            return Ok(Taken::Refused(Refusal::NotAMember));
        }
        if community.is_empty() {
            tracing::info!(community = id.short(), "a community begins here");
        }
        let (entries, bytes) = (batch.count() as u64, batch.tail().len() as u64);
        Ok(
            match append(community, &mut self.log, batch, spot, &self.limits)? {
                Appended::Stored(arrival) => {
                    self.counters.batches_stored += 1;
                    self.counters.entries_stored += entries;
                    self.counters.bytes_stored += bytes;
                    Taken::Stored(arrival)
                }
                Appended::Known(_) => Taken::Known,
                // Another relay has moved the log: the phone tries again.
                Appended::Stale => Taken::Refused(Refusal::Gap),
            },
        )
    }

    /// Makes the group durable. If that fails, nothing of it was ever stored: the communities are
    /// read again, and everybody who took part is refused.
    pub(super) fn commit(&mut self, group: &mut Group) {
        if !group.is_open && group.failure.is_none() {
            return;
        }
        let Failed { error, community } = match group.failure.take() {
            Some(failed) => {
                self.log.rollback();
                failed
            }
            None => match self.log.commit() {
                Ok(()) => {
                    self.counters.commits += 1;
                    return;
                }
                Err(error) => Failed {
                    error,
                    community: None,
                },
            },
        };
        self.counters.commits_failed += 1;
        tracing::error!(%error, "a group could not be stored");
        let refusal = refusal_of(&error);
        if let (StoreError::Corrupt { .. }, Some(id)) = (&error, community) {
            tracing::error!(
                community = id.short(),
                "its part of the log is damaged: it is refused"
            );
            self.damaged.insert(id);
        }
        let mut touched = std::mem::take(&mut group.touched);
        touched.append(&mut group.receipted);
        let took_part = |conn: &&ConnId| {
            let community = self.conns.get(conn).and_then(super::Conn::community);
            community.is_some_and(|community| touched.contains(&community))
        };
        let mut out: Vec<ConnId> = group.heard.iter().filter(took_part).copied().collect();
        for id in touched {
            out.extend(self.load_again(id));
        }
        group.taken.clear();
        group.blobs.clear();
        for conn in out {
            self.turn_away(conn, refusal, group);
        }
    }

    /// Reads a community again as the log has it. One that cannot be read leaves memory, and all that
    /// are connected to it must go.
    fn load_again(&mut self, id: CommunityId) -> BTreeSet<ConnId> {
        let Some(carrying) = self.communities.get_mut(&id) else {
            return BTreeSet::new();
        };
        let is_damaged = self.damaged.contains(&id);
        let loaded = (!is_damaged).then(|| Community::load(id, &self.log));
        match loaded {
            Some(Ok(community)) => {
                carrying.community = community;
                return BTreeSet::new();
            }
            Some(Err(error)) => {
                tracing::error!(%error, community = id.short(), "it cannot be read again");
            }
            None => {}
        }
        let gone = self.communities.remove(&id);
        gone.map(|carrying| carrying.conns).unwrap_or_default()
    }

    /// Acks, which only a durable group gives.
    pub(super) fn tell_stored(&mut self, group: &mut Group) {
        for (conn, taken) in std::mem::take(&mut group.taken) {
            if let Some(session) = self.conns.get_mut(&conn).and_then(super::Conn::session_mut) {
                session.stored(&taken);
            }
        }
    }

    /// Sessions follow what their communities' rosters have become.
    pub(super) fn follow_rosters(&mut self, group: &mut Group) {
        for id in group.touched.clone() {
            let Some(carrying) = self.communities.get_mut(&id) else {
                continue;
            };
            group.stirred.extend(carrying.conns.iter().copied());
            let has_changed = match carrying.community.follow(&self.log) {
                Ok(has_changed) => has_changed,
                Err(error) => {
                    tracing::error!(%error, community = id.short(), "a roster cannot be read");
                    for conn in carrying.conns.clone() {
                        self.turn_away(conn, refusal_of(&error), group);
                    }
                    continue;
                }
            };
            if has_changed {
                for conn in carrying.conns.clone() {
                    self.follow_roster(conn, &id, group);
                }
            }
        }
    }

    fn follow_roster(&mut self, conn: ConnId, id: &CommunityId, group: &mut Group) {
        let Some(state) = self.conns.get_mut(&conn) else {
            return;
        };
        let Some(carrying) = self.communities.get(id) else {
            return;
        };
        let Some(live) = &mut state.live else { return };
        if carrying.community.roster().knows(&state.device) {
            if std::mem::take(&mut live.is_seeding) {
                self.ledger.see(*id, state.device);
                if !live.session.shares(&roster_lane(id)) {
                    // Somebody else brought the roster before it could. It was told that its lanes are
                    // unknown here, and would wait for ever.
                    self.turn_away(conn, Refusal::Busy, group);
                    return;
                }
            }
        } else if !live.is_seeding {
            self.turn_away(conn, Refusal::NotAMember, group);
            return;
        }
        let view = View {
            community: &carrying.community,
            log: &self.log,
        };
        if let Err(error) = live.session.lanes_changed(&view) {
            tracing::error!(%conn, %error, "a session could not follow the roster");
            let refusal = match &error {
                SessionError::Peer(refusal) => *refusal,
                SessionError::Store(error) => refusal_of(error),
            };
            self.turn_away(conn, refusal, group);
        }
    }
}
