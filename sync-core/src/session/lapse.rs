//! A relay that has less than it had acknowledged: restored from an old backup, or lying.
//!
//! Its store id is the same as before, but positions are used a second time. What shows it: a lane ends
//! before the position up to which we have it, a log lacks what the relay once said was durable, or a
//! lane is unknown to a roster that is the same. From then on nothing that we noted of that store
//! holds: everything is compared again, log by log.
//!
//! Others may have filled the positions again before we come, so that none of this shows. What was taken
//! up to a position is therefore held against the relay's digest, and a lane that does not agree is
//! compared log by log at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{Arrival, Head, LaneId, LogId, Seq};
use crate::session::carrier::{Carrier, lane_digest, lost_digest};
use crate::session::{Event, Session, SessionError};
use crate::store::StoreError;
use crate::wire::{Ask, Digest, LaneState, Lanes, PeerKind};

/// What one session has found out of it.
#[derive(Debug, Default)]
pub(super) struct Lapses {
    /// Lanes of which both sides know the same forks: elsewhere a shorter log may be a branch that won.
    settled: BTreeSet<LaneId>,
    /// What had been noted of relays when the session began.
    notes: u64,
    /// Found in time: everything is compared, and what is wanted is no news.
    is_known: bool,
    /// Found too late to compare everything: positions of this session hold no more.
    is_late: bool,
    /// Lanes of which we have asked for what lies beyond a position, as the relay had them then.
    pulled: BTreeMap<LaneId, LaneState>,
}

impl Lapses {
    pub(super) fn since(notes: u64) -> Self {
        Self {
            notes,
            ..Self::default()
        }
    }
}

impl Session {
    /// Whether positions and acks of this session say what the other side has. If not, the next
    /// session compares everything.
    #[must_use]
    pub fn are_positions_sound(&self) -> bool {
        !self.lapses.is_late
    }

    /// Something that the other side sent was not sound: what its positions leave out is asked for again.
    pub fn doubt_positions(&mut self) {
        self.lapses.is_late = true;
    }

    /// What lies beyond a position has been asked for in this lane.
    pub(super) fn note_pulled(&mut self, state: &LaneState) {
        self.lapses.pulled.insert(state.lane, state.clone());
    }

    /// Once everything that was asked for is in the store: whether it is all that the relay had. A lane
    /// of which something is missing is compared log by log, and [`Event::CaughtUp`] comes once more.
    ///
    /// What came another way meanwhile, or is on its way to the relay, looks the same; then the
    /// comparison finds nothing, for five bytes a log.
    ///
    /// # Errors
    /// The store's.
    pub fn check_pulled(&mut self, carrier: &dyn Carrier) -> Result<bool, SessionError> {
        let mut ask = Ask::default();
        for (lane, state) in std::mem::take(&mut self.lapses.pulled) {
            let is_all = self.digest_there(&state, carrier)? == state.digest;
            if !is_all && self.subscribed.contains(&lane) {
                ask.heads.push(self.heads_of(lane, None, carrier)?);
            }
        }
        let is_all = ask.heads.is_empty();
        if !is_all {
            self.send_ask(ask);
        }
        Ok(is_all)
    }

    /// The digest of a lane here, with our own log no longer than the relay had it.
    fn digest_there(&self, state: &LaneState, carrier: &dyn Carrier) -> Result<Digest, StoreError> {
        let own = self.own_log(state.lane);
        let mut heads = carrier.heads(&state.lane)?;
        heads.retain(|(log, _)| *log != own);
        if let Some(chain) = state.chain {
            let seq = Seq(state.yours);
            heads.push((own, Head { seq, chain }));
        }
        Ok(lane_digest(&heads, &carrier.lost(&state.lane)?))
    }

    /// Positions of the other side, unless they mean nothing.
    pub(super) fn sound_positions(&self, upto: Vec<(LaneId, u64)>) -> Vec<(LaneId, u64)> {
        if self.lapses.is_late {
            Vec::new()
        } else {
            upto
        }
    }

    /// The lanes in which a relay shows less than it had acknowledged; `known` are those that it has.
    pub(super) fn find_lapses(
        &mut self,
        lanes: &Lanes,
        known: &BTreeSet<LaneId>,
        carrier: &dyn Carrier,
    ) -> Result<Vec<Event>, StoreError> {
        if !self.may_lapse(carrier) {
            return Ok(Vec::new());
        }
        let store = &lanes.store;
        let mut found = BTreeSet::new();
        let mut is_roster_equal = known.contains(&self.roster_lane);
        let listed = lanes.lanes.iter();
        for state in listed.filter(|state| self.subscribed.contains(&state.lane)) {
            let lane = state.lane;
            if lane == self.roster_lane {
                is_roster_equal = state.digest == carrier.digest(&lane)?;
            }
            if carrier.cursor(store, &lane)? > state.tip {
                found.insert(lane);
            }
            if state.lost == lost_digest(&carrier.lost(&lane)?) {
                self.lapses.settled.insert(lane);
                let own = self.own_log(lane);
                if self.has_lost(&own, Seq(state.yours).plus(1), carrier)? {
                    found.insert(lane);
                }
            }
        }
        if is_roster_equal {
            for lane in self.subscribed.difference(known) {
                let acknowledged = carrier.acknowledged(store, lane)?;
                if acknowledged > Arrival(0) || carrier.cursor(store, lane)? > 0 {
                    found.insert(*lane);
                }
            }
        }
        self.lapses.is_known = !found.is_empty();
        Ok(found.into_iter().map(Event::Lacking).collect())
    }

    /// Whether a relay that wants a log from here on had acknowledged that entry.
    pub(super) fn is_lapse(
        &mut self,
        log: &LogId,
        from: Seq,
        carrier: &dyn Carrier,
    ) -> Result<bool, StoreError> {
        let is_lapse = !self.lapses.is_known
            && self.may_lapse(carrier)
            && self.lapses.settled.contains(&log.lane)
            && self.has_lost(log, from, carrier)?;
        self.lapses.is_late |= is_lapse;
        Ok(is_lapse)
    }

    /// Another session with the same relay may have brought it something since this one began, of which
    /// the relay could not know yet when it spoke.
    fn may_lapse(&self, carrier: &dyn Carrier) -> bool {
        self.peer_kind() == Some(PeerKind::Relay) && self.lapses.notes == carrier.notes()
    }

    fn has_lost(&self, log: &LogId, from: Seq, carrier: &dyn Carrier) -> Result<bool, StoreError> {
        let Some(store) = self.peer_store else {
            return Ok(false);
        };
        let acknowledged = carrier.acknowledged(&store, &log.lane)?;
        let first = carrier.missing(log, from, 1)?;
        Ok(first
            .first()
            .is_some_and(|batch| batch.arrival <= acknowledged))
    }
}
