//! Comparing: which lanes and logs differ, and what each side lacks of them.
//!
//! Every [`Ask`] is answered by one [`Want`] and one CaughtUp, every [`Want`] by one CaughtUp, so
//! that both sides know when nothing is on its way any more.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;

use crate::id::{Arrival, Incarnation, LaneId, LogId, Seq, StoreId};
use crate::session::carrier::{Carrier, lost_digest};
use crate::session::marks::{self, Marks, SKETCH_LEN};
use crate::session::uploads::Uploads;
use crate::session::{
    ASKS_OPEN_MAX, Event, Session, SessionError, Stage, digests_of, shared_lanes,
};
use crate::store::StoreError;
use crate::wire::{
    Ask, Digest, Frame, LANES_MAX, LaneHeads, LaneState, Lanes, PeerKind, Refusal, Totals, Want,
};

/// What one lane's comparison found.
#[derive(Debug, Default)]
struct Difference {
    /// Logs that the other side lacks, from a position on.
    lacking: Vec<(LogId, Seq)>,
    /// Logs that it has more of, as a list of wanted entries.
    more: Vec<u8>,
    /// Logs that end at one position with different entries.
    forked: Vec<LogId>,
}

impl Session {
    /// Where each shared lane stands here.
    pub(super) fn lane_states(&self, carrier: &dyn Carrier) -> Result<Lanes, StoreError> {
        let incarnation = self.peer_hello.as_ref().map(|hello| hello.incarnation);
        let (equal, differing) = self.sort_by_sketch(carrier)?;
        let lanes = differing
            .iter()
            .map(|(lane, digest)| {
                let log = LogId {
                    lane: *lane,
                    device: self.parties.peer,
                    incarnation: incarnation.unwrap_or(Incarnation::ZERO),
                };
                let yours = carrier.head(&log)?;
                Ok(LaneState {
                    lane: *lane,
                    digest: *digest,
                    tip: carrier.tip(lane)?.0,
                    yours: yours.seq.0,
                    chain: (yours.seq > Seq(0)).then_some(yours.chain),
                    lost: lost_digest(&carrier.lost(lane)?),
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Lanes {
            store: carrier.store_id(),
            lanes,
            equal,
        })
    }

    /// Which of the dialer's sketches are of lanes that are the same here, and which lanes are not.
    fn sort_by_sketch(
        &self,
        carrier: &dyn Carrier,
    ) -> Result<(Option<ByteVec>, BTreeMap<LaneId, Digest>), StoreError> {
        let mut differing = digests_of(&self.subscribed, carrier)?;
        let told = self.peer_hello.as_ref();
        let Some((nonce, told)) = told.and_then(|it| Some((&it.nonce, it.lanes.as_ref()?))) else {
            return Ok((None, differing));
        };
        let sketches = told.chunks_exact(SKETCH_LEN);
        let mut bits = vec![0_u8; sketches.len().div_ceil(8)];
        let places = sketches.enumerate().map(|(place, sketch)| (sketch, place));
        let places: BTreeMap<&[u8], usize> = places.collect();
        differing.retain(|lane, digest| {
            let sketch = marks::sketch(nonce, lane, digest);
            let place = places.get(sketch.as_slice());
            let bit = place.and_then(|place| Some((bits.get_mut(place / 8)?, place % 8)));
            bit.map(|(byte, bit)| *byte |= 1 << bit).is_none()
        });
        Ok((Some(bits.into()), differing))
    }

    /// The lanes that the other side says are equal.
    fn equal_lanes(&self, bits: &[u8]) -> BTreeSet<LaneId> {
        let is_set = |place: usize| {
            let byte = bits.get(place / 8).copied().unwrap_or_default();
            byte & (1 << (place % 8)) != 0
        };
        let told = self.told.iter().enumerate();
        told.filter(|(place, _)| is_set(*place))
            .map(|(_, lane)| *lane)
            .collect()
    }

    /// The dialer learns where each lane stands and asks for what it lacks.
    pub(super) fn on_lanes(
        &mut self,
        lanes: &Lanes,
        carrier: &dyn Carrier,
    ) -> Result<Vec<Event>, SessionError> {
        if lanes.lanes.len() > LANES_MAX {
            return Err(SessionError::Peer(Refusal::TooLarge));
        }
        if self.peer_store.is_some_and(|store| store != lanes.store) {
            return Err(SessionError::Peer(Refusal::BadFrame));
        }
        self.peer_store = Some(lanes.store);
        self.stage = Stage::Flowing;
        // Another session may have taught us of lanes since our hello.
        self.subscribed = shared_lanes(&self.parties, carrier);
        self.follow_uploads(carrier);
        let mut own_ahead = Vec::new();
        let mut differing = Vec::new();
        for state in lanes
            .lanes
            .iter()
            .filter(|state| self.subscribed.contains(&state.lane))
        {
            let own = self.own_log(state.lane);
            let head = carrier.head(&own)?;
            let is_ahead = state.yours > head.seq.0;
            let is_other = state.yours == head.seq.0 && state.chain != Some(head.chain);
            if is_ahead || (is_other && head.seq > Seq(0)) {
                own_ahead.push(Event::OwnLogAhead(state.lane));
            }
            if state.digest != carrier.digest(&state.lane)? {
                differing.push(state.clone());
            }
        }
        if !own_ahead.is_empty() {
            return Ok(own_ahead);
        }
        let equal = lanes.equal.as_ref().map(|bits| self.equal_lanes(bits));
        let listed = lanes.lanes.iter().map(|state| state.lane);
        let known: BTreeSet<LaneId> = equal.into_iter().flatten().chain(listed).collect();
        let unknown = known.difference(&self.subscribed).copied().collect();
        let mut events = self.find_lapses(lanes, &known, carrier)?;
        let is_whole = !events.is_empty();
        self.ask_for(&differing, unknown, (&lanes.store, is_whole), carrier)?;
        // A lane that the other side did not list is not known there yet: nothing goes there until
        // it has learned of it from the roster.
        let (subscribed, waiting) = self
            .subscribed
            .iter()
            .copied()
            .partition(|lane| known.contains(lane));
        self.subscribed = subscribed;
        self.waiting = waiting;
        events.push(Event::Compared);
        Ok(events)
    }

    /// Asks for what differs; if the comparison `is_whole`, log by log, whatever was noted of the store.
    fn ask_for(
        &mut self,
        lanes: &[LaneState],
        unknown: Vec<LaneId>,
        (store, is_whole): (&StoreId, bool),
        carrier: &dyn Carrier,
    ) -> Result<(), SessionError> {
        let is_relay = self.peer_kind() == Some(PeerKind::Relay);
        let unshared = if is_relay {
            carrier.unshared(store)?
        } else {
            BTreeSet::new()
        };
        let mut ask = Ask {
            unknown,
            ..Ask::default()
        };
        for state in lanes {
            if state.lost != lost_digest(&carrier.lost(&state.lane)?) {
                ask.lost.push(state.lane);
                self.plan.add_lost(state.lane, carrier)?;
            }
            let own = self.own_log(state.lane);
            let own_head = carrier.head(&own)?;
            if own_head.seq.0 > state.yours {
                self.own_logs.push((own, Seq(state.yours + 1)));
            }
            let cursor = carrier.cursor(store, &state.lane)?;
            let others: Vec<LogId> = unshared
                .iter()
                .filter(|log| log.lane == state.lane && **log != own)
                .copied()
                .collect();
            // All that we have may have come another way.
            let is_cursor_lacking = cursor == 0 && !carrier.heads(&state.lane)?.is_empty();
            let is_pull_enough = is_relay
                && !is_whole
                && !is_cursor_lacking
                && cursor <= state.tip
                && (cursor < state.tip || own_head.seq.0 != state.yours || !others.is_empty());
            if is_pull_enough {
                if cursor < state.tip {
                    ask.pull.push((state.lane, cursor));
                    self.note_pulled(state);
                }
                if !others.is_empty() {
                    ask.heads
                        .push(self.heads_of(state.lane, Some(&others), carrier)?);
                }
            } else {
                // A phone; or a relay that lost or gained something that cursors do not show.
                ask.heads.push(self.heads_of(state.lane, None, carrier)?);
            }
        }
        ask.heads.extend(self.ask_for_uploads(carrier)?);
        if ask.heads.is_empty() {
            // Nothing of others goes there.
            for (log, from) in std::mem::take(&mut self.own_logs) {
                self.plan.add_log(log, from, false);
            }
        }
        self.send_ask(ask);
        Ok(())
    }

    pub(super) fn send_ask(&mut self, ask: Ask) {
        self.asks_open += 1;
        self.wants_due += 1;
        self.counts.round_trips += 1;
        self.queue.push_back(Frame::Ask(ask));
    }

    pub(super) fn heads_of(
        &self,
        lane: LaneId,
        only: Option<&[LogId]>,
        carrier: &dyn Carrier,
    ) -> Result<LaneHeads, SessionError> {
        let mut heads = carrier.heads(&lane)?;
        if let Some(only) = only {
            heads.retain(|(log, _)| only.contains(log));
        }
        let heads = self.marks().encode_heads(heads.iter());
        Ok(LaneHeads {
            lane,
            heads: heads.into(),
            is_complete: only.is_none(),
        })
    }

    /// Answers what the other side asks for, and asks back for what it has more of.
    pub(super) fn on_ask(
        &mut self,
        ask: &Ask,
        carrier: &dyn Carrier,
    ) -> Result<Vec<Event>, SessionError> {
        check_ask(ask)?;
        if self.caught_up_owed >= ASKS_OPEN_MAX {
            return Err(SessionError::Peer(Refusal::Busy));
        }
        let is_first = self.stage == Stage::AwaitAsk;
        self.stage = Stage::Flowing;
        let allowed = shared_lanes(&self.parties, carrier);
        self.follow_uploads(carrier);
        // The dialer cannot take what it does not know; it asks once it does.
        self.subscribed.retain(|lane| !ask.unknown.contains(lane));
        let mut totals = Totals::default();
        let mut want = Want::default();
        let mut forked = BTreeMap::new();
        for (lane, after) in &ask.pull {
            if !allowed.contains(lane) {
                want.unknown.push(*lane);
                continue;
            }
            self.subscribed.insert(*lane);
            // What has arrived since we compared is sent as news.
            let (after, upto) = (Arrival(*after), self.tail_after);
            add(&mut totals, &carrier.totals(lane, after, upto)?);
            self.plan.add_stretch(*lane, after, upto);
        }
        for heads in &ask.heads {
            let is_allowed = allowed.contains(&heads.lane);
            if !is_allowed && !self.uploads.lanes().contains(&heads.lane) {
                want.unknown.push(heads.lane);
                continue;
            }
            let found = if is_allowed {
                let is_listed = !self.subscribed.insert(heads.lane) && is_first;
                self.compare(heads, is_listed, carrier)?
            } else {
                self.uploads.note_offered(heads.lane);
                let mut found = self.compare(heads, false, carrier)?;
                // What is not its own is neither taken from a removed device nor sent to it.
                found.lacking.retain(|(log, _)| self.may_send(log));
                found.forked.retain(|log| self.may_send(log));
                found
            };
            for (log, from) in found.lacking {
                add(&mut totals, &self.plan.add_log_counted(log, from, carrier)?);
            }
            if !found.more.is_empty() {
                want.lanes.push(wanted(heads.lane, found.more));
            }
            self.plan_branches(&found.forked, &mut forked);
        }
        for lane in ask.lost.iter().filter(|lane| allowed.contains(lane)) {
            add(&mut totals, &self.plan.add_lost(*lane, carrier)?);
        }
        self.asks_open += 1;
        self.queue.push_back(Frame::Want(want));
        self.queue.push_back(Frame::Totals(totals));
        self.want_branches(forked);
        self.caught_up_owed += 1;
        Ok(if is_first {
            vec![Event::Compared]
        } else {
            Vec::new()
        })
    }

    /// What differs in one lane. A dialer whose own log was `is_listed` to it sends the rest of
    /// that log without being asked.
    fn compare(
        &self,
        theirs: &LaneHeads,
        is_listed: bool,
        carrier: &dyn Carrier,
    ) -> Result<Difference, SessionError> {
        let marks = self.marks();
        let listed =
            Marks::decode_heads(&theirs.heads).ok_or(SessionError::Peer(Refusal::BadFrame))?;
        let mut unseen: BTreeSet<[u8; 4]> = listed.keys().copied().collect();
        let peers_own = self.peer_log(theirs.lane);
        let mut found = Difference::default();
        if is_listed && let Some(own) = &peers_own {
            unseen.remove(&marks.mark(own));
        }
        for (log, head) in carrier.heads(&theirs.lane)? {
            let mark = marks.mark(&log);
            unseen.remove(&mark);
            let is_peers_own = peers_own.as_ref() == Some(&log);
            match listed.get(&mark) {
                Some(known) => {
                    if known.least < head.seq.0 && !is_peers_own {
                        found.lacking.push((log, Seq(known.least + 1)));
                    }
                    if known.most > head.seq.0 && !(is_listed && is_peers_own) {
                        Marks::put_wanted(&mut found.more, mark, head.next());
                    }
                    let is_level = known.least == head.seq.0 && known.most == head.seq.0;
                    if is_level && known.check.is_some_and(|check| check != marks.check(&head)) {
                        found.forked.push(log);
                    }
                }
                None if theirs.is_complete && !is_peers_own => {
                    found.lacking.push((log, Seq::FIRST));
                }
                None => {}
            }
        }
        for mark in unseen {
            Marks::put_wanted(&mut found.more, mark, Seq::FIRST);
        }
        Ok(found)
    }

    pub(super) fn on_want(
        &mut self,
        want: &Want,
        carrier: &dyn Carrier,
    ) -> Result<Vec<Event>, SessionError> {
        check_lanes(want.lanes.iter().map(|lane| &lane.lane))?;
        check_lanes(want.unknown.iter())?;
        if !want.is_explicit {
            let rest = self.wants_due.checked_sub(1);
            self.wants_due = rest.ok_or(SessionError::Peer(Refusal::BadFrame))?;
        }
        for lane in &want.unknown {
            self.uploads.note_unknown(lane);
            if self.is_dialer && self.subscribed.remove(lane) {
                self.waiting.insert(*lane);
            }
        }
        let marks = self.marks();
        let mut totals = Totals::default();
        let mut lacking = BTreeSet::new();
        let own = std::mem::take(&mut self.own_logs);
        let own: Vec<_> = own
            .into_iter()
            .filter(|(log, _)| self.may_send(log))
            .collect();
        for (log, from) in own {
            add(&mut totals, &self.plan.add_log_counted(log, from, carrier)?);
        }
        for lane in &want.lanes {
            let wanted =
                Marks::decode_wanted(&lane.heads).ok_or(SessionError::Peer(Refusal::BadFrame))?;
            let mut heads = carrier.heads(&lane.lane)?;
            heads.retain(|(log, _)| self.may_send(log));
            for (log, _) in heads {
                let Some(from) = wanted.get(&marks.mark(&log)) else {
                    continue;
                };
                if want.is_explicit {
                    self.plan.add_log(log, *from, true);
                } else {
                    if self.is_lapse(&log, *from, carrier)? {
                        lacking.insert(lane.lane);
                    }
                    add(
                        &mut totals,
                        &self.plan.add_log_counted(log, *from, carrier)?,
                    );
                }
            }
        }
        if totals.batches > 0 {
            self.queue.push_back(Frame::Totals(totals));
        }
        self.caught_up_owed += 1;
        Ok(lacking.into_iter().map(Event::Lacking).collect())
    }

    /// Both sides must see both branches of a forked log: ours is sent, theirs is asked for.
    pub(super) fn plan_branches<'l>(
        &mut self,
        logs: impl IntoIterator<Item = &'l LogId>,
        wanted: &mut BTreeMap<LaneId, Vec<u8>>,
    ) {
        let marks = self.marks();
        for log in logs {
            self.plan.add_log(*log, Seq::FIRST, true);
            Marks::put_wanted(
                wanted.entry(log.lane).or_default(),
                marks.mark(log),
                Seq::FIRST,
            );
        }
    }

    /// Asks for whole logs with the hash that each batch follows.
    pub(super) fn want_branches(&mut self, branches: BTreeMap<LaneId, Vec<u8>>) {
        if branches.is_empty() {
            return;
        }
        let lanes = branches
            .into_iter()
            .map(|(lane, list)| wanted(lane, list))
            .collect();
        self.asks_open += 1;
        self.queue.push_back(Frame::Want(Want {
            lanes,
            is_explicit: true,
            unknown: Vec::new(),
        }));
    }

    /// Which lanes we may have has changed: lost ones end, and the dialer asks for new ones.
    ///
    /// # Errors
    /// The store's.
    pub fn lanes_changed(&mut self, carrier: &dyn Carrier) -> Result<(), SessionError> {
        let allowed = shared_lanes(&self.parties, carrier);
        self.subscribed.retain(|lane| allowed.contains(lane));
        self.follow_uploads(carrier);
        let own_logs = std::mem::take(&mut self.own_logs);
        let own_logs = own_logs.into_iter().filter(|(log, _)| self.may_send(log));
        self.own_logs = own_logs.collect();
        self.plan.keep_lanes(&self.lanes_to_send());
        if !self.is_dialer || self.stage != Stage::Flowing {
            return Ok(());
        }
        self.waiting.extend(allowed.difference(&self.subscribed));
        self.ask_for_waiting(carrier)
    }

    /// Somebody may have been removed since the two compared.
    fn follow_uploads(&mut self, carrier: &dyn Carrier) {
        let now = Uploads::between(&self.parties, carrier);
        self.uploads.follow(now);
    }

    /// Asks for the lanes that the other side did not know before; what it still does not know
    /// goes on waiting.
    pub(super) fn ask_for_waiting(&mut self, carrier: &dyn Carrier) -> Result<(), SessionError> {
        if self.asks_open >= ASKS_OPEN_MAX {
            self.is_ask_due = true;
            return Ok(());
        }
        let allowed = shared_lanes(&self.parties, carrier);
        let lanes = std::mem::take(&mut self.waiting);
        let lanes: Vec<LaneId> = lanes.intersection(&allowed).copied().collect();
        let mut ask = Ask::default();
        for lane in lanes {
            self.subscribed.insert(lane);
            match (self.peer_kind(), self.peer_store) {
                (Some(PeerKind::Relay), Some(store)) if carrier.heads(&lane)?.is_empty() => {
                    ask.pull.push((lane, carrier.cursor(&store, &lane)?));
                }
                _ => ask.heads.push(self.heads_of(lane, None, carrier)?),
            }
        }
        ask.heads.extend(self.ask_for_uploads(carrier)?);
        if !ask.heads.is_empty() || !ask.pull.is_empty() {
            self.send_ask(ask);
        }
        Ok(())
    }
}

/// An ask names each lane once in each of its lists.
fn check_ask(ask: &Ask) -> Result<(), SessionError> {
    check_lanes(ask.pull.iter().map(|(lane, _)| lane))?;
    check_lanes(ask.heads.iter().map(|heads| &heads.lane))?;
    check_lanes(ask.unknown.iter())?;
    check_lanes(ask.lost.iter())
}

fn check_lanes<'l>(lanes: impl ExactSizeIterator<Item = &'l LaneId>) -> Result<(), SessionError> {
    let count = lanes.len();
    if count > LANES_MAX {
        return Err(SessionError::Peer(Refusal::TooLarge));
    }
    let distinct: BTreeSet<&LaneId> = lanes.collect();
    if distinct.len() == count {
        Ok(())
    } else {
        Err(SessionError::Peer(Refusal::BadFrame))
    }
}

fn wanted(lane: LaneId, list: Vec<u8>) -> LaneHeads {
    LaneHeads {
        lane,
        heads: list.into(),
        is_complete: false,
    }
}

fn add(totals: &mut Totals, more: &Totals) {
    totals.batches = totals.batches.saturating_add(more.batches);
    totals.entries = totals.entries.saturating_add(more.entries);
    totals.bytes = totals.bytes.saturating_add(more.bytes);
}
