//! The end: everybody comes back and meets the relay, one after the other, until nothing flows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rand::RngExt;
use sync_core::id::{Arrival, ChainHash, Head, LaneId, LogId, Seq};
use sync_core::peer::Report;
use sync_core::roster::roster_lane;
use sync_core::session::carrier::{Carrier as _, Lost};

use super::net::{ConnId, Node};
use super::{Broken, Flaw, Outcome, World, broken};

/// Rounds of everybody meeting the relay after which all must have the same. In the first everybody
/// brings what they have, in the second they take what others brought; a restored phone needs a
/// round to begin its new incarnation, and a joiner one to hear that it has been confirmed.
const ROUNDS_MAX: usize = 6;
/// How often a phone dials again in one round: its first session may tell it that it was restored.
const DIALS_MAX: usize = 3;
/// Bytes of a session beside the batches: hellos, lanes, asks, acks.
const SESSION_BYTES: u64 = 1_500;
/// Bytes per log of the community that a session may take: a head here, a head there, a table row.
const BYTES_PER_LOG: u64 = 96;
/// Bytes of a session per byte of batches that one side lacked, in percent. A relay is asked by cursor:
/// what a phone has heard from other phones since, it is offered again; that is not counted here, but
/// in [`Summary::echoed_bytes`](super::Summary::echoed_bytes).
const BYTES_PER_MISSING_PERCENT: u64 = 115;
/// A session of two who have the same.
pub(super) const IN_SYNC_BYTES_MAX: u64 = 1_024;

/// Heads of all lanes that a phone has, and behind them what has lost there, at position 0.
pub(super) type Heads = BTreeMap<LaneId, Vec<(LogId, Head)>>;

impl World {
    pub(super) fn heal(&mut self) -> Outcome {
        self.tell("everybody comes back".to_owned());
        self.is_healing = true;
        self.cut_all()?;
        if self.has_lies && self.rng.random_ratio(1, 2) {
            self.tell("the relay is gone for good".to_owned());
            self.hub.leave_for_good();
        }
        self.hub.reform();
        if self.flaw == Flaw::RollbackIsMissed {
            self.set_relay_back();
        }
        self.hub_starts()?;
        for index in self.phones_left() {
            let phone = self.phone(index);
            phone.has_faults = false;
            if let Some(disk) = phone.disk() {
                disk.revive();
            }
            self.switch_on(index)?;
        }
        for round in 1..=ROUNDS_MAX {
            self.tell(format!("round {round}"));
            for index in self.phones_left() {
                self.meet_and_part(index, self.meeting_place())?;
            }
            if self.all_agree()?.is_none() {
                return Ok(());
            }
        }
        let why = self.all_agree()?.unwrap_or_default();
        broken!("after {ROUNDS_MAX} rounds of everybody meeting the relay, {why}")
    }

    /// Whom everybody meets in the end.
    pub(super) fn meeting_place(&self) -> Node {
        if self.hub.device_if_on().is_some() {
            Node::Relay
        } else {
            Node::Phone(self.reference())
        }
    }

    /// One session from hello to goodbye.
    pub(super) fn meet_and_part(&mut self, index: usize, with: Node) -> Outcome {
        if with == Node::Phone(index) || self.device_at(with) == Some(self.phone(index).device()) {
            return Ok(());
        }
        for _ in 0..DIALS_MAX {
            let (here, there) = (self.last_arrival(index)?, self.last_arrival_at(with)?);
            let evidence = match with {
                Node::Relay => Some(self.evidence(index)?),
                Node::Phone(_) | Node::Stranger => None,
            };
            self.plant_before_meeting(index)?;
            let Some(id) = self.dial(index, with)? else {
                return Ok(());
            };
            self.flow_to_silence()?;
            let Some(bytes) = self.net.get(id).map(super::net::Connection::bytes) else {
                continue;
            };
            let missing = self.bytes_since(Node::Phone(index), here)?;
            let talk = self
                .phone(index)
                .talks
                .get(&id)
                .and_then(|talk| talk.peer.as_ref());
            let announced = talk.map_or(0, |peer| peer.report().announced.bytes);
            let faults = talk.map_or_else(String::new, |peer| faults_of(&peer.report()));
            let sent = self.bytes_since(with, there)?;
            self.tell(format!(
                "  phone {index}: {bytes} bytes; lacked {missing}, was offered {announced}, gave {sent}\
                 {faults}"
            ));
            self.summary.echoed_bytes += announced.saturating_sub(missing);
            self.check_cost(bytes, missing.max(announced) + sent)?;
            if let Some(evidence) = evidence {
                self.check_noticed(index, id, evidence)?;
            }
            self.part(index, id)?;
            return Ok(());
        }
        Ok(())
    }

    fn part(&mut self, index: usize, id: ConnId) -> Outcome {
        let talk = self.phone(index).talks.get_mut(&id);
        if let Some(peer) = talk.and_then(|talk| talk.peer.as_mut()) {
            peer.end();
        }
        self.pump(index)?;
        self.flow_to_silence()
    }

    fn check_cost(&mut self, bytes: u64, missing: u64) -> Outcome {
        let logs = self
            .replica(self.reference())?
            .store()
            .logs()
            .map_or(0, |logs| logs.len() as u64);
        let logs = logs + 4 * self.phones.len() as u64;
        let most = missing * BYTES_PER_MISSING_PERCENT / 100 + logs * BYTES_PER_LOG + SESSION_BYTES;
        if bytes > most && self.is_plain() {
            return broken!("a session took {bytes} bytes where {missing} were missing");
        }
        Ok(())
    }

    fn last_arrival(&self, index: usize) -> Outcome<Arrival> {
        let last = self.replica(index)?.last_arrival();
        last.map_err(|error| Broken(format!("phone {index} cannot be read: {error}")))
    }

    fn last_arrival_at(&self, node: Node) -> Outcome<Arrival> {
        match node {
            Node::Phone(index) => self.last_arrival(index),
            Node::Relay => Ok(self.hub_tip()),
            Node::Stranger => Ok(Arrival(0)),
        }
    }

    /// Bytes of batches of others that have come to somebody since an arrival.
    fn bytes_since(&self, node: Node, after: Arrival) -> Outcome<u64> {
        let Node::Phone(index) = node else {
            return Ok(self.hub_bytes_since(after));
        };
        let replica = self.replica(index)?;
        let fresh = replica.since(after, usize::MAX);
        let fresh = fresh.map_err(|error| Broken(format!("phone {index}: {error}")))?;
        let others = fresh
            .iter()
            .filter(|it| it.batch.log().device != replica.device());
        Ok(others.map(|it| it.batch.tail().len() as u64).sum())
    }

    /// What two still disagree about; none if all have the same.
    fn all_agree(&self) -> Outcome<Option<String>> {
        let mut known: BTreeMap<LaneId, (usize, Vec<(LogId, Head)>)> = BTreeMap::new();
        let served = if self.hub.is_gone() {
            Heads::new()
        } else {
            self.hub_heads()
        };
        for (lane, heads) in served {
            known.insert(lane, (usize::MAX, heads));
        }
        for index in self.phones_in() {
            let replica = self.replica(index)?;
            if !replica.roster().devices().contains_key(&replica.device()) {
                return Ok(Some(format!("phone {index} has not joined")));
            }
            if replica.pending_count().is_ok_and(|pending| pending > 0) {
                return Ok(Some(format!("phone {index} has edits that are not sealed")));
            }
            let roster_lane = roster_lane(&replica.community());
            for (lane, heads) in self.heads_of(index)? {
                if self.is_villain(index) && lane != roster_lane {
                    // The relay has no room for what it writes and may not; it has that alone.
                    continue;
                }
                match known.get(&lane) {
                    Some((other, theirs)) if *theirs != heads => {
                        let short = lane.short();
                        return Ok(Some(format!(
                            "phones {other} and {index} have not the same in lane {short}:\n\
                             {theirs:?}\n{heads:?}"
                        )));
                    }
                    Some(_) => {}
                    None => {
                        known.insert(lane, (index, heads));
                    }
                }
            }
        }
        Ok(None)
    }

    pub(super) fn heads_of(&self, index: usize) -> Outcome<Heads> {
        let replica = self.replica(index)?;
        let lanes: BTreeSet<LaneId> = replica.own_lanes();
        lanes
            .into_iter()
            .map(|lane| {
                let failed = |error| Broken(format!("phone {index}: {error}"));
                let mut heads = replica.store().heads(&lane).map_err(failed)?;
                heads.extend(standing_of(&replica.lost(&lane).map_err(failed)?));
                Ok((lane, heads))
            })
            .collect()
    }
}

/// What was refused in a session, and what the relay had lost.
fn faults_of(report: &Report) -> String {
    let mut told = String::new();
    if !report.refusals.is_empty() || !report.rejected.is_empty() || !report.lacking.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(
            told,
            "; refused {:?}, rejected {:?}, lacking {:?}",
            report.refusals, report.rejected, report.lacking
        );
    }
    told
}

/// What has lost, as it stands among [`Heads`].
pub(super) fn standing_of(lost: &[Lost]) -> Vec<(LogId, Head)> {
    let all = lost.iter().map(|lost| (lost.log, lost.chain));
    let sorted: BTreeSet<(LogId, ChainHash)> = all.collect();
    let seq = Seq(0);
    let heads = sorted.into_iter();
    heads
        .map(|(log, chain)| (log, Head { seq, chain }))
        .collect()
}
