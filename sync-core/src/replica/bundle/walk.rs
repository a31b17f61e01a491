//! The way through a store in the order in which a bundle has its batches: the roster first, by
//! precedence, so that who invites comes before who is invited; then everything as it arrived.

use std::collections::{BTreeSet, VecDeque};

use crate::id::{Arrival, LaneId, Seq};
use crate::replica::Replica;
use crate::replica::bundle::known::Had;
use crate::replica::mind::LANE_STEP_BYTES;
use crate::session::carrier::{Carried, Carrier};
use crate::store::StoreError;

/// A place on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    /// So many batches of the roster come before it.
    Roster(usize),
    /// This batch of a space.
    Spaces(Arrival),
    /// This chunk of this one of the blobs, after all batches.
    Blobs(usize, u32),
}

/// What is on the way, from one look at the store.
#[derive(Debug)]
pub(super) struct Way {
    roster: Vec<Arrival>,
    spaces: BTreeSet<LaneId>,
    /// What all of those have who the bundle is for is left out.
    had: Vec<Had>,
    upto: Arrival,
}

impl Way {
    pub(super) fn through(
        replica: &Replica,
        lanes: &BTreeSet<LaneId>,
        had: Vec<Had>,
    ) -> Result<Self, StoreError> {
        let roster_lane = replica.mind.roster_lane;
        let upto = replica.store.last_arrival()?;
        let mut refs = Vec::new();
        if lanes.contains(&roster_lane) {
            for (log, _) in replica.store.heads(&roster_lane)? {
                let rank = replica.precedence(&log);
                let batches = replica.store.missing(&log, Seq::FIRST, usize::MAX)?;
                refs.extend(batches.iter().map(|batch| (rank, batch.arrival)));
            }
            for lost in replica.lost(&roster_lane)? {
                refs.push((replica.precedence(&lost.log), lost.batch.arrival));
            }
        }
        refs.retain(|(_, arrival)| *arrival <= upto);
        refs.sort_unstable();
        let mut spaces = lanes.clone();
        spaces.remove(&roster_lane);
        Ok(Self {
            roster: refs.into_iter().map(|(_, arrival)| arrival).collect(),
            spaces,
            had,
            upto,
        })
    }

    fn is_wanted(&self, replica: &Replica, carried: &Carried) -> Result<bool, StoreError> {
        if self.had.is_empty() {
            return Ok(true);
        }
        for had in &self.had {
            if !had.has(&*replica.store, carried)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Somebody on the way.
#[derive(Debug)]
pub(super) struct Walker {
    next: usize,
    after: Arrival,
    ahead: VecDeque<Carried>,
}

impl Walker {
    pub(super) fn from(at: At) -> Self {
        let (next, after) = match at {
            At::Roster(next) => (next, Arrival(0)),
            At::Spaces(arrival) => (usize::MAX, Arrival(arrival.0.saturating_sub(1))),
            At::Blobs(..) => (usize::MAX, Arrival(u64::MAX)),
        };
        Self {
            next,
            after,
            ahead: VecDeque::new(),
        }
    }

    /// The next batch that is wanted, and where it is.
    pub(super) fn step(
        &mut self,
        way: &Way,
        replica: &Replica,
    ) -> Result<Option<(At, Carried)>, StoreError> {
        while let Some(arrival) = way.roster.get(self.next) {
            let at = At::Roster(self.next);
            self.next += 1;
            if let Some(carried) = replica.store.batch(*arrival)?
                && way.is_wanted(replica, &carried)?
            {
                return Ok(Some((at, carried)));
            }
        }
        loop {
            while let Some(carried) = self.ahead.pop_front() {
                let is_there =
                    carried.arrival <= way.upto && way.spaces.contains(&carried.batch.log().lane);
                if is_there && way.is_wanted(replica, &carried)? {
                    return Ok(Some((At::Spaces(carried.arrival), carried)));
                }
            }
            if self.after >= way.upto {
                return Ok(None);
            }
            self.ahead = replica.store.since(self.after, LANE_STEP_BYTES)?.into();
            match self.ahead.back() {
                Some(last) => self.after = last.arrival,
                None => return Ok(None),
            }
        }
    }
}
