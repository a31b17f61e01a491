//! What a removed device still brings: the logs that it wrote itself, and nothing goes back to it.
//!
//! Its unsent work is not lost with it: whoever cut it off may look at it and release it. In such a
//! lane the two sides compare the removed device's own logs alone.

use std::collections::BTreeSet;

use crate::id::{DeviceId, LaneId, LogId};
use crate::session::carrier::{Carrier, lane_digest};
use crate::session::{Parties, Session};
use crate::store::StoreError;
use crate::wire::{Digest, LaneHeads};

/// The lanes into which one of the two sides, which was removed, brings its own logs.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    /// Which side that is.
    former: Option<DeviceId>,
    lanes: BTreeSet<LaneId>,
    /// Those that have not been asked for yet.
    due: BTreeSet<LaneId>,
    /// Those in which the other side has been shown what there is.
    offered: BTreeSet<LaneId>,
}

impl Uploads {
    /// What both sides' rosters come to: a removed device has such lanes, if the other side is none.
    pub(super) fn between(parties: &Parties, carrier: &dyn Carrier) -> Self {
        let ours = carrier.uploads_of(&parties.us);
        let theirs = carrier.uploads_of(&parties.peer);
        let (former, lanes) = match (ours.is_empty(), theirs.is_empty()) {
            (true, false) => (parties.peer, &theirs & &carrier.own_lanes()),
            (false, true) => (parties.us, ours),
            (true, true) | (false, false) => return Self::default(),
        };
        Self {
            former: Some(former),
            due: lanes.clone(),
            lanes,
            offered: BTreeSet::new(),
        }
    }

    /// Takes up what the roster says now. Lanes do not leave: what is on its way may go on.
    pub(super) fn follow(&mut self, now: Self) {
        self.former = self.former.or(now.former);
        self.due.extend(now.lanes.difference(&self.lanes));
        self.lanes.extend(now.lanes);
    }

    pub(super) fn lanes(&self) -> &BTreeSet<LaneId> {
        &self.lanes
    }

    /// Whether a log is one that is brought.
    pub(super) fn has(&self, log: &LogId) -> bool {
        self.lanes.contains(&log.lane) && self.former == Some(log.device)
    }

    /// The lanes that the dialer has not asked for, which it does now.
    pub(super) fn take_due(&mut self) -> BTreeSet<LaneId> {
        std::mem::take(&mut self.due)
    }

    /// Both sides have compared a lane, or begin to.
    pub(super) fn note_offered(&mut self, lane: LaneId) {
        self.offered.insert(lane);
    }

    /// Both sides' logs were the same.
    pub(super) fn note_all_offered(&mut self) {
        self.due.clear();
        self.offered.clone_from(&self.lanes);
    }

    /// The other side does not know the lane.
    pub(super) fn note_unknown(&mut self, lane: &LaneId) {
        self.offered.remove(lane);
    }

    /// Digests of the lanes in which there is anything to bring.
    pub(super) fn digests(
        &self,
        carrier: &dyn Carrier,
    ) -> Result<Vec<(LaneId, Digest)>, StoreError> {
        let mut digests = Vec::new();
        for lane in &self.lanes {
            let mut heads = carrier.heads(lane)?;
            heads.retain(|(log, _)| self.has(log));
            if !heads.is_empty() {
                digests.push((*lane, lane_digest(&heads, &[])));
            }
        }
        Ok(digests)
    }
}

impl Session {
    /// Whether the other side has seen, of every lane into which this device, which was removed, may
    /// still bring its own logs, what there is.
    #[must_use]
    pub fn has_offered_uploads(&self, carrier: &dyn Carrier) -> bool {
        let owed = carrier.uploads_of(&self.parties.us);
        owed.is_subset(&self.uploads.offered)
    }

    /// Whether a log may go to the other side, or be expected from it.
    pub(super) fn may_send(&self, log: &LogId) -> bool {
        self.subscribed.contains(&log.lane)
            || (log.device == self.parties.us && self.uploads.has(log))
    }

    /// The lanes of which anything may go to the other side.
    pub(super) fn lanes_to_send(&self) -> BTreeSet<LaneId> {
        &self.subscribed | self.uploads.lanes()
    }

    /// Shows where the removed device's logs stand, for an ask. Its own side shows what it has; the
    /// other side's list is complete, so that what it has never seen comes too.
    pub(super) fn ask_for_uploads(
        &mut self,
        carrier: &dyn Carrier,
    ) -> Result<Vec<LaneHeads>, StoreError> {
        let is_ours = self.uploads.former == Some(self.parties.us);
        let lanes = self.uploads.take_due();
        let lanes = lanes.difference(&self.subscribed).copied();
        let mut asked = Vec::new();
        for lane in lanes.collect::<Vec<_>>() {
            let mut heads = carrier.heads(&lane)?;
            heads.retain(|(log, _)| self.uploads.has(log));
            self.uploads.note_offered(lane);
            if is_ours && heads.is_empty() {
                continue;
            }
            asked.push(LaneHeads {
                lane,
                heads: self.marks().encode_heads(heads.iter()).into(),
                is_complete: !is_ours,
            });
        }
        Ok(asked)
    }
}
