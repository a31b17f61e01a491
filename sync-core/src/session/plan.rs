//! What one side still has to send after the two have compared: positions, never bytes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::id::{Arrival, LaneId, LogId, Seq};
use crate::session::carrier::{BatchRef, Carried, Carrier};
use crate::store::StoreError;
use crate::wire::Totals;

/// Most batches whose positions are held at once.
const REFS_MAX: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Stretches of lanes, by arrival; the roster's first because it is asked for first.
    stretches: VecDeque<(LaneId, Arrival, Arrival)>,
    /// Logs whose batches from a position on are still to be looked up.
    logs: BTreeMap<(LogId, bool), Seq>,
    /// Lanes whose lost batches are still to be looked up.
    lost: BTreeSet<LaneId>,
    /// Looked up, in causal order: by precedence, then as they arrived here.
    refs: VecDeque<(BatchRef, bool)>,
}

/// One step of a plan.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) batches: Vec<Carried>,
    pub(super) is_explicit: bool,
    /// The lane has been sent up to this position.
    pub(super) reached: Option<(LaneId, Arrival)>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.stretches.is_empty()
            && self.logs.is_empty()
            && self.lost.is_empty()
            && self.refs.is_empty()
    }

    pub(super) fn add_stretch(&mut self, lane: LaneId, after: Arrival, upto: Arrival) {
        let known = self
            .stretches
            .iter_mut()
            .find(|(known, _, _)| *known == lane);
        if let Some((_, known_after, known_upto)) = known {
            *known_after = after.min(*known_after);
            *known_upto = upto.max(*known_upto);
        } else if after < upto {
            self.stretches.push_back((lane, after, upto));
        }
    }

    /// Forgets what is planned of all other lanes, as far as the positions say; whoever sends looks
    /// at the lanes of what is left.
    pub(super) fn keep_lanes(&mut self, lanes: &BTreeSet<LaneId>) {
        self.stretches.retain(|(lane, _, _)| lanes.contains(lane));
        self.logs.retain(|(log, _), _| lanes.contains(&log.lane));
        self.lost.retain(|lane| lanes.contains(lane));
    }

    pub(super) fn add_log(&mut self, log: LogId, from: Seq, is_explicit: bool) {
        let known = self.logs.entry((log, is_explicit)).or_insert(from);
        *known = from.min(*known);
    }

    /// Adds what has lost in a lane and says how much that is.
    pub(super) fn add_lost(
        &mut self,
        lane: LaneId,
        carrier: &dyn Carrier,
    ) -> Result<Totals, StoreError> {
        let lost = carrier.lost(&lane)?;
        if !lost.is_empty() {
            self.lost.insert(lane);
        }
        Ok(totals_of(lost.iter().map(|lost| &lost.batch)))
    }

    /// Adds a log and says how much of it there is to send.
    pub(super) fn add_log_counted(
        &mut self,
        log: LogId,
        from: Seq,
        carrier: &dyn Carrier,
    ) -> Result<Totals, StoreError> {
        let refs = carrier.missing(&log, from, REFS_MAX)?;
        self.add_log(log, from, false);
        Ok(totals_of(&refs))
    }

    /// The next batches, of about `room` bytes; `None` once the plan is done.
    pub(super) fn next(
        &mut self,
        carrier: &dyn Carrier,
        room: usize,
    ) -> Result<Option<Step>, StoreError> {
        if let Some((lane, after, upto)) = self.stretches.pop_front() {
            return self
                .next_of_stretch(carrier, lane, after, upto, room)
                .map(Some);
        }
        if self.refs.is_empty() {
            self.look_up(carrier)?;
        }
        let Some((batch, is_explicit)) = self.refs.pop_front() else {
            return Ok(None);
        };
        let batches = carrier.batch(batch.arrival)?.into_iter().collect();
        Ok(Some(Step {
            batches,
            is_explicit,
            reached: None,
        }))
    }

    fn next_of_stretch(
        &mut self,
        carrier: &dyn Carrier,
        lane: LaneId,
        after: Arrival,
        upto: Arrival,
        room: usize,
    ) -> Result<Step, StoreError> {
        let batches = carrier.stretch(&lane, after, upto, room)?;
        // Never beyond the lane's last batch: what a relay has told of itself must stay true of it.
        let reached = batches.last().map(|last| (lane, last.arrival));
        if let Some((_, last)) = reached.filter(|(_, last)| *last < upto) {
            self.stretches.push_front((lane, last, upto));
        }
        Ok(Step {
            batches,
            is_explicit: false,
            reached,
        })
    }

    fn look_up(&mut self, carrier: &dyn Carrier) -> Result<(), StoreError> {
        let mut found = Vec::new();
        while let Some(((log, is_explicit), from)) = self.logs.pop_first() {
            let room = REFS_MAX.saturating_sub(found.len());
            let refs = carrier.missing(&log, from, room)?;
            let is_cut_short = refs.len() == room;
            let next = refs.last().map_or(from, |last| last.last_seq.plus(1));
            let rank = carrier.precedence(&log);
            found.extend(refs.into_iter().map(|batch| (rank, batch, is_explicit)));
            if is_explicit {
                // Whoever lacks one branch may lack all of them.
                let mut lost = carrier.lost(&log.lane)?;
                lost.retain(|lost| lost.log == log);
                found.extend(lost.into_iter().map(|lost| (rank, lost.batch, true)));
            }
            if is_cut_short {
                self.logs.insert((log, is_explicit), next);
                break;
            }
        }
        if self.logs.is_empty() {
            for lane in std::mem::take(&mut self.lost) {
                let lost = carrier.lost(&lane)?.into_iter();
                found.extend(lost.map(|lost| (carrier.precedence(&lost.log), lost.batch, true)));
            }
        }
        found.sort_unstable();
        found.dedup();
        let in_order = found.into_iter();
        self.refs = in_order
            .map(|(_, batch, is_explicit)| (batch, is_explicit))
            .collect();
        Ok(())
    }
}

fn totals_of<'r>(refs: impl IntoIterator<Item = &'r BatchRef>) -> Totals {
    refs.into_iter()
        .fold(Totals::default(), |sum, batch| Totals {
            batches: sum.batches + 1,
            entries: sum.entries + batch.entries,
            bytes: sum.bytes + batch.bytes,
        })
}
