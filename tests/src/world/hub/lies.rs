//! A relay that is set back to an old copy of its disk, and one that lies.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use sync_core::id::{Arrival, LaneId};
use sync_core::replica::Replica;
use sync_core::session::carrier::Carrier as _;
use sync_core::wire::{Ack, Frame};

use super::super::heal::standing_of;
use super::super::net::ConnId;
use super::super::{Broken, Outcome, World, broken};
use super::{HubConn, last_bytes};

/// What a relay does that nobody should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::world) enum Lie {
    /// Says that it has the same as whoever comes, and nothing more.
    Equal,
    /// Acknowledges what it never stores.
    Swallow,
    /// Serves logs with holes, to some or to all.
    Hole,
    /// Says that it has sent what it has not.
    Less,
    /// Sends batches that it has altered.
    Alter,
    /// Sends everything twice.
    Replay,
}

const LIES: [Lie; 6] = [
    Lie::Equal,
    Lie::Swallow,
    Lie::Hole,
    Lie::Less,
    Lie::Alter,
    Lie::Replay,
];

/// What a phone could find out about the relay when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::world) struct Evidence {
    /// It must notice: a lane of the relay ends before the place up to which the phone has read it.
    pub(in crate::world) is_plain: bool,
    /// Something that the relay had acknowledged to it, or shown it, is not there any more.
    pub(in crate::world) is_any: bool,
}

impl World {
    /// The relay's disk is copied.
    pub(in crate::world) fn save_relay(&mut self) {
        if self.has_rollbacks {
            self.tell("  the relay's disk is copied".to_owned());
            let log = self.hub.log.disk().log.clone();
            self.hub.saved = Some(log);
        }
    }

    /// The relay goes on from its last copy, with the same store id: what came since is gone.
    pub(in crate::world) fn roll_relay_back(&mut self) -> Outcome {
        let Some(mut log) = self.hub.saved.take() else {
            return Ok(());
        };
        if self.hub.relay.is_some() {
            self.kill_hub()?;
        }
        self.tell("  the relay goes on from its copy".to_owned());
        relay::log::BatchLog::rollback(&mut log);
        self.hub.log.disk().log = log;
        self.forget_acks();
        self.summary.rollbacks += 1;
        self.hub_starts()
    }

    /// The relay begins to lie, or stops.
    pub(in crate::world) fn relay_lies(&mut self) -> Outcome {
        if !self.has_lies {
            return Ok(());
        }
        let lie = self.pick(&LIES).filter(|_| self.rng.random_ratio(4, 5));
        self.tell(format!("  the relay lies: {lie:?}"));
        self.summary.lies += u64::from(lie.is_some());
        if self.hub.lie == Some(Lie::Hole) && self.hub.relay.is_some() {
            self.kill_hub()?;
        }
        self.hub.lie = lie;
        let last = self.hub_tip().0;
        let withheld = (1..=last).filter(|_| lie == Some(Lie::Hole) && self.rng.random_ratio(1, 8));
        let withheld: BTreeSet<Arrival> = withheld.map(Arrival).collect();
        self.hub.log.disk().withheld = withheld;
        Ok(())
    }

    /// The relay is set back a little, so that nobody is a stranger to it.
    pub(in crate::world) fn set_relay_back(&mut self) {
        for _ in 0..4 {
            self.hub.forget_newest();
        }
        self.hub.relay = None;
        self.forget_acks();
        self.summary.rollbacks += 1;
    }

    /// What the relay has lost with its disk, nobody asks it for.
    fn forget_acks(&mut self) {
        let rows = self.hub.rows();
        let kept: BTreeSet<&[u8]> = rows
            .iter()
            .map(|row| last_bytes(row.batch.tail()))
            .collect();
        self.hub.acked.retain(|mark| kept.contains(mark.as_slice()));
    }

    /// Whether the relay has always kept to its word.
    pub(in crate::world) fn is_relay_true(&self) -> bool {
        self.summary.rollbacks == 0 && self.summary.lies == 0
    }

    /// What the relay's disk shows of what a phone has noted of it.
    pub(in crate::world) fn evidence(&self, index: usize) -> Outcome<Evidence> {
        let replica = self.replica(index)?;
        let rows = self.hub.rows();
        let mut tips: BTreeMap<LaneId, Arrival> = BTreeMap::new();
        tips.extend(rows.iter().map(|row| (row.batch.log().lane, row.arrival)));
        let kept: BTreeSet<&[u8]> = rows
            .iter()
            .map(|row| last_bytes(row.batch.tail()))
            .collect();
        let served = self.hub.lanes_for(&replica.device())?;
        let theirs = self.hub_heads();
        let mut found = Evidence {
            is_plain: false,
            is_any: false,
        };
        for lane in replica.own_lanes() {
            let tip = tips.get(&lane).copied().unwrap_or_default();
            let is_ahead = self.cursor_of(replica, &lane)? > tip.0;
            let heads = replica.heads(&lane);
            let mut heads = heads.map_err(|error| Broken(error.to_string()))?;
            let lost = replica.lost(&lane);
            heads.extend(standing_of(
                &lost.map_err(|error| Broken(error.to_string()))?,
            ));
            // Positions that are used again may be lower where nothing is lacking any more.
            let is_other = theirs.get(&lane).is_none_or(|theirs| *theirs != heads);
            found.is_plain |= is_ahead && is_other && served.contains(&lane);
            found.is_any |= is_ahead || self.has_lost(replica, &lane, &kept)?;
        }
        Ok(found)
    }

    fn cursor_of(&self, replica: &Replica, lane: &LaneId) -> Outcome<u64> {
        let store = self.hub.store_id();
        let cursor = replica.cursor(&store, lane);
        cursor.map_err(|error| Broken(error.to_string()))
    }

    fn has_lost(&self, replica: &Replica, lane: &LaneId, kept: &BTreeSet<&[u8]>) -> Outcome<bool> {
        let failed = |error: sync_core::store::StoreError| Broken(error.to_string());
        let store = self.hub.store_id();
        let upto = replica.acknowledged(&store, lane).map_err(failed)?;
        let acked = replica
            .stretch(lane, Arrival(0), upto, usize::MAX)
            .map_err(failed)?;
        let mut marks = acked.iter().map(|it| last_bytes(it.batch.tail()));
        Ok(marks.any(|mark| !kept.contains(mark)))
    }

    /// A phone that has met the relay has noticed what there was to notice, and nothing else.
    pub(in crate::world) fn check_noticed(
        &mut self,
        index: usize,
        id: ConnId,
        evidence: Evidence,
    ) -> Outcome {
        let talk = self.phone(index).talks.get(&id);
        let Some(report) = talk.and_then(|talk| Some(talk.peer.as_ref()?.report())) else {
            return Ok(());
        };
        let lacking = report.lacking;
        self.summary.noticed += u64::from(!lacking.is_empty());
        if evidence.is_plain && lacking.is_empty() {
            return broken!(
                "phone {index} did not notice that the relay has lost what it had said"
            );
        }
        if !evidence.is_any && !lacking.is_empty() {
            return broken!("phone {index} reports a loss that was none: {lacking:?}");
        }
        Ok(())
    }
}

/// What a lying relay does with a frame that has come for it; whether it keeps it to itself.
pub(super) fn swallows(lie: Option<Lie>, state: &mut HubConn, frame: &Frame) -> bool {
    let Frame::Batches(batches) = frame else {
        return false;
    };
    state.is_swallowing |= lie == Some(Lie::Swallow);
    if !state.is_swallowing {
        return false;
    }
    state.swallowed += batches.batches.len() as u64;
    state.outbox.push_back(Frame::Ack(Ack {
        batches: state.came.len() as u64 + state.swallowed,
        arrival: 1,
        positions: None,
    }));
    true
}

/// What a lying relay makes of a frame that it should send.
pub(super) fn told(lie: Option<Lie>, state: &mut HubConn, frame: Frame, at: usize) -> Vec<Frame> {
    if state.is_mute || (state.is_swallowing && matches!(frame, Frame::Ack(_))) {
        return Vec::new();
    }
    match (lie, frame) {
        (Some(Lie::Equal), Frame::Hello(mut hello)) => {
            state.is_mute = true;
            hello.digest = state.digest.unwrap_or(hello.digest);
            vec![Frame::Hello(hello)]
        }
        (Some(Lie::Less), Frame::Batches(mut batches)) => {
            batches.batches.clear();
            batches.positions.clear();
            vec![Frame::Batches(batches)]
        }
        (Some(Lie::Alter), Frame::Batches(mut batches)) => {
            let count = batches.batches.len();
            if let Some(batch) = batches.batches.get_mut(at.checked_rem(count).unwrap_or(0)) {
                let mut bytes = batch.to_vec();
                if let Some(byte) = bytes.last_mut() {
                    *byte ^= 1;
                }
                *batch = bytes.into();
            }
            vec![Frame::Batches(batches)]
        }
        (Some(Lie::Replay), frame @ Frame::Batches(_)) => vec![frame.clone(), frame],
        (_, frame) => vec![frame],
    }
}
