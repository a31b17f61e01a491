//! What leaves once the two have compared: first what was planned, then what has arrived since.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{Arrival, LaneId};
use crate::session::carrier::{Carried, Carrier};
use crate::session::{Event, Session, SessionError, Stage, Taken, WINDOW_BYTES_MAX};
use crate::store::StoreError;
use crate::wire::{Ack, CaughtUp, FRAME_BATCHES_MAX, FRAME_BYTES_TARGET, Frame, PeerKind, Refusal};

/// A batch that is on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unacked {
    ordinal: u64,
    /// Where it lies here.
    arrival: Arrival,
    bytes: u64,
    /// Whether this device wrote it.
    is_own: bool,
}

impl Session {
    /// Whether a batch of this session, which the other side has not acknowledged yet, is this device's own.
    #[must_use]
    pub fn is_own_batch(&self, ordinal: u64) -> bool {
        let mut unacked = self.unacked.iter();
        unacked.any(|it| it.ordinal == ordinal && it.is_own)
    }

    pub(super) fn on_ack(
        &mut self,
        ack: &Ack,
        carrier: &dyn Carrier,
    ) -> Result<Vec<Event>, SessionError> {
        if ack.batches < self.acked_batches || ack.batches > self.sent_batches {
            return Err(SessionError::Peer(Refusal::BadFrame));
        }
        let before = std::mem::replace(&mut self.acked_batches, ack.batches);
        let mut acked = BTreeMap::new();
        while self
            .unacked
            .front()
            .is_some_and(|it| it.ordinal <= ack.batches)
        {
            let Some(it) = self.unacked.pop_front() else {
                break;
            };
            self.unacked_bytes = self.unacked_bytes.saturating_sub(it.bytes);
            acked.insert(it.ordinal, it.arrival);
        }
        let placed = self.placed_by(ack, &acked, before)?;
        if self.news_upto.is_some_and(|upto| upto <= ack.batches) {
            self.news_upto = None;
            self.ask_for_waiting(carrier)?;
        }
        let mut events = vec![Event::Acked(ack.batches)];
        if !placed.is_empty() && self.are_positions_sound() {
            events.push(Event::Placed(placed));
        }
        Ok(events)
    }

    /// What became of the batches of one [`Event::Ingest`], once it is durable: acks go out.
    pub fn stored(&mut self, taken: &[Taken]) {
        let mut newest = Arrival::default();
        let mut branched = BTreeSet::new();
        for taken in taken {
            self.received_batches += 1;
            match taken {
                Taken::Stored(arrival) => {
                    newest = newest.max(*arrival);
                    if *arrival > self.tail_after {
                        self.skip.insert(*arrival);
                    }
                }
                Taken::Known => {}
                Taken::NeedsBranch(log) => {
                    branched.insert(*log);
                }
                Taken::Refused(refusal) => self.refuse(*refusal, Some(self.received_batches)),
            }
        }
        // Before the ack: whoever reads that all is taken must know that a branch is still owed.
        let mut wanted = BTreeMap::new();
        self.plan_branches(&branched, &mut wanted);
        self.want_branches(wanted);
        if !taken.is_empty() {
            let ack = Ack {
                batches: self.received_batches,
                arrival: newest.0,
                positions: self.positions_of(taken).map(Into::into),
            };
            self.queue.push_back(Frame::Ack(ack));
        }
    }

    /// The next frame to send, if there is one and the window allows it.
    ///
    /// # Errors
    /// The store's.
    pub fn poll_transmit(&mut self, carrier: &dyn Carrier) -> Result<Option<Frame>, StoreError> {
        if let Some(frame) = self.queue.pop_front() {
            return Ok(Some(frame));
        }
        if self.stage != Stage::Flowing || self.unacked_bytes >= WINDOW_BYTES_MAX {
            return Ok(None);
        }
        self.fill_from_plan(carrier)?;
        if self.writer.count() == 0 && self.plan.is_empty() {
            if self.wants_due > 0 {
                return Ok(None);
            }
            if self.caught_up_owed > 0 {
                self.caught_up_owed -= 1;
                return Ok(Some(Frame::CaughtUp(CaughtUp {
                    lanes: self.sent_positions(carrier)?,
                    tip: self.is_for_listener().then_some(self.tail_after.0),
                })));
            }
            self.fill_from_tail(carrier)?;
        }
        if self.writer.count() == 0 {
            return self.next_blob_frame(carrier);
        }
        Ok(Some(Frame::Batches(self.writer.take())))
    }

    fn sent_positions(&self, carrier: &dyn Carrier) -> Result<Vec<(LaneId, u64)>, StoreError> {
        if self.parties.kind != PeerKind::Relay {
            return Ok(Vec::new());
        }
        self.subscribed
            .iter()
            .map(|lane| Ok((*lane, carrier.tip(lane)?.min(self.tail_after).0)))
            .collect()
    }

    fn fill_from_plan(&mut self, carrier: &dyn Carrier) -> Result<(), StoreError> {
        while self.writer.bytes() < FRAME_BYTES_TARGET && self.writer.count() < FRAME_BATCHES_MAX {
            let room = FRAME_BYTES_TARGET.saturating_sub(self.writer.bytes());
            let Some(step) = self.plan.next(carrier, room)? else {
                return Ok(());
            };
            let mut batches = step.batches;
            // The other side may have lost a lane since this was planned.
            batches.retain(|carried| self.may_send(carried.batch.log()));
            for carried in batches {
                if carried.arrival > self.tail_after {
                    // It is not to be sent a second time as news.
                    self.skip.insert(carried.arrival);
                }
                self.push(&carried, step.is_explicit || carried.is_branch);
            }
            if let Some((lane, upto)) = step.reached
                && self.parties.kind == PeerKind::Relay
                && self.subscribed.contains(&lane)
            {
                self.writer.mark(lane, upto.0);
            }
        }
        Ok(())
    }

    /// What has arrived since the two compared, but for what came from over there.
    fn fill_from_tail(&mut self, carrier: &dyn Carrier) -> Result<(), StoreError> {
        let last = carrier.last_arrival()?;
        // What came from over there need not be read to be left out.
        while self.skip.remove(&Arrival(self.tail_after.0 + 1)) {
            self.tail_after = Arrival(self.tail_after.0 + 1);
        }
        while self.tail_after < last && self.writer.bytes() < FRAME_BYTES_TARGET {
            let fresh = carrier.since(self.tail_after, FRAME_BYTES_TARGET)?;
            if fresh.is_empty() {
                self.tail_after = last;
                break;
            }
            for carried in fresh {
                self.tail_after = carried.arrival;
                let is_echo = self.skip.remove(&carried.arrival);
                let lane = carried.batch.log().lane;
                if !self.may_send(carried.batch.log()) {
                    continue;
                }
                if !is_echo {
                    self.push(&carried, carried.is_branch);
                }
                if self.parties.kind == PeerKind::Relay && self.writer.count() > 0 {
                    self.writer.mark(lane, carried.arrival.0);
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, carried: &Carried, with_prev: bool) {
        let batch = &*carried.batch;
        let is_own = self.peer_log(batch.log().lane).as_ref() == Some(batch.log());
        if is_own && !with_prev {
            return;
        }
        let before = self.writer.bytes();
        self.writer.push(batch, with_prev);
        if self.is_for_listener() {
            self.writer.place(batch.log().lane, carried.arrival.0);
        }
        let bytes = self.writer.bytes().saturating_sub(before) as u64;
        self.sent_batches += 1;
        if batch.log().lane == self.roster_lane {
            self.news_upto = Some(self.sent_batches);
        }
        self.counts.entries_sent += batch.count() as u64;
        self.unacked.push_back(Unacked {
            ordinal: self.sent_batches,
            arrival: carried.arrival,
            bytes,
            is_own: batch.log().device == self.parties.us,
        });
        self.unacked_bytes += bytes;
    }
}
