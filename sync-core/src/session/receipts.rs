//! Receipts in a session, and what they rest on: at which positions of a relay's store batches lie, and
//! up to which of them this side has everything.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{Arrival, LaneId};
use crate::session::{Event, Session, SessionError, Stage, Taken};
use crate::wire::receipts::{
    AskReceipts, RECEIPTS_MAX, Receipts, decode_positions, encode_positions,
};
use crate::wire::{Ack, CaughtUp, Frame, Hello, PeerKind, Refusal};

/// How far a member has read the relay at the other end.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Everything up to here has been sent to us.
    upto: Option<u64>,
    /// Positions of batches beyond it that came from us.
    ours: BTreeSet<u64>,
    /// Batches of ours, by their arrival here, that the relay had already when they came: it does not
    /// say where.
    unsure: BTreeSet<Arrival>,
}

impl Reach {
    fn reach(&mut self, position: u64) {
        let mut upto = self.upto.map_or(position, |upto| upto.max(position));
        self.ours = self.ours.split_off(&upto.saturating_add(1));
        while self.ours.remove(&upto.saturating_add(1)) {
            upto += 1;
        }
        self.upto = Some(upto);
    }

    fn note_ours(&mut self, position: u64) {
        match self.upto {
            Some(upto) if position <= upto => {}
            Some(upto) if position == upto.saturating_add(1) => self.reach(position),
            Some(_) | None => {
                self.ours.insert(position);
            }
        }
    }
}

impl Session {
    /// Up to which position of the relay at the other end everything that we may have has been sent,
    /// once all that was asked for has come; none if that cannot be told.
    #[must_use]
    pub fn read_upto(&self) -> Option<u64> {
        let is_whole = self.stage == Stage::Flowing && self.asks_open == 0;
        self.reach.upto.filter(|_| is_whole)
    }

    /// Batches of ours of which a relay has not said where they lie, although it has taken them.
    #[must_use]
    pub fn unsure(&self) -> &BTreeSet<Arrival> {
        &self.reach.unsure
    }

    /// Up to which arrival we had everything when the two compared.
    #[must_use]
    pub fn began_after(&self) -> Arrival {
        self.began
    }

    /// The position of the newest batch of the relay at the other end when it said hello, if it says so.
    #[must_use]
    pub fn tip_there(&self) -> Option<u64> {
        let hello = self.peer_hello.as_ref()?;
        hello.tip.filter(|_| hello.kind == PeerKind::Relay)
    }

    /// The number of the newest receipt that the relay at the other end had for us when it said hello;
    /// none if it knows no receipts.
    #[must_use]
    pub fn receipts_there(&self) -> Option<u64> {
        let hello = self.peer_hello.as_ref()?;
        hello.receipts.filter(|_| hello.kind == PeerKind::Relay)
    }

    /// The position of our receipt that the relay at the other end had when it said hello.
    #[must_use]
    pub fn read_there(&self) -> u64 {
        let hello = self.peer_hello.as_ref();
        hello.and_then(|hello| hello.read).unwrap_or_default()
    }

    /// Whether the other side knows receipts, and positions beside batches and acks.
    #[must_use]
    pub fn knows_receipts(&self) -> bool {
        let hello = self.peer_hello.as_ref();
        hello.is_some_and(|hello| hello.receipts.is_some())
    }

    /// Sends receipts: our own to a relay, or those of others to a member.
    pub fn tell_receipts(&mut self, receipts: Receipts) {
        self.queue.push_back(Frame::Receipts(receipts));
    }

    /// Asks the relay at the other end for the receipts after this number.
    pub fn ask_receipts(&mut self, after: u64) {
        let asked = AskReceipts { after };
        self.queue.push_back(Frame::AskReceipts(asked));
        self.counts.round_trips += 1;
    }

    pub(super) fn on_receipts(&self, receipts: Receipts) -> Result<Vec<Event>, SessionError> {
        if receipts.rows.len() > RECEIPTS_MAX {
            return Err(SessionError::Peer(Refusal::TooLarge));
        }
        Ok(vec![Event::Receipts(receipts)])
    }

    pub(super) fn is_for_listener(&self) -> bool {
        let is_relay = self.parties.kind == PeerKind::Relay;
        is_relay && self.hello.receipts.is_some() && self.knows_receipts()
    }

    /// The two have the same: what the relay's hello says of its store holds for us.
    pub(super) fn reach_of_hello(&mut self, hello: &Hello) {
        if let Some(tip) = hello.tip.filter(|_| hello.kind == PeerKind::Relay) {
            self.reach.reach(tip);
        }
    }

    /// What was asked for has come.
    pub(super) fn reach_of_caught_up(&mut self, caught_up: &CaughtUp) {
        let is_relay = self.peer_kind() == Some(PeerKind::Relay);
        if let Some(tip) = caught_up.tip.filter(|_| is_relay && self.asks_open == 0) {
            self.reach.reach(tip);
        }
    }

    /// News come in the order in which they arrived at the relay.
    pub(super) fn reach_of_news(&mut self, upto: &[(LaneId, u64)]) {
        let furthest = upto.iter().map(|(_, position)| *position).max();
        if let (Some(_), Some(furthest)) = (self.read_upto(), furthest) {
            self.reach.reach(furthest);
        }
    }

    /// Positions for an ack of these batches, if the other side can use them.
    pub(super) fn positions_of(&self, taken: &[Taken]) -> Option<Vec<u8>> {
        if !self.is_for_listener() {
            return None;
        }
        let positions = taken.iter().map(|taken| match taken {
            Taken::Stored(arrival) => arrival.0,
            Taken::Known | Taken::NeedsBranch(_) | Taken::Refused(_) => 0,
        });
        Some(encode_positions(&positions.collect::<Vec<u64>>()))
    }

    /// Where the batches lie that an ack covers. `acked` are the arrivals here by their numbers.
    pub(super) fn placed_by(
        &mut self,
        ack: &Ack,
        acked: &BTreeMap<u64, Arrival>,
        before: u64,
    ) -> Result<Vec<(Arrival, u64)>, SessionError> {
        if self.peer_kind() != Some(PeerKind::Relay) {
            return Ok(Vec::new());
        }
        let Some(bytes) = &ack.positions else {
            // An older relay names the newest alone, which none of them is beyond.
            let upto = (ack.arrival > 0).then_some(ack.arrival);
            let placed = acked.values().zip(upto.into_iter().cycle());
            return Ok(placed.map(|(arrival, upto)| (*arrival, upto)).collect());
        };
        let count = usize::try_from(ack.batches.saturating_sub(before)).unwrap_or(usize::MAX);
        let positions =
            decode_positions(bytes, count).ok_or(SessionError::Peer(Refusal::BadFrame))?;
        let mut placed = Vec::new();
        for (number, position) in (before + 1..).zip(positions) {
            if position == 0 {
                self.reach.unsure.extend(acked.get(&number));
                continue;
            }
            self.reach.note_ours(position);
            placed.extend(acked.get(&number).map(|arrival| (*arrival, position)));
        }
        Ok(placed)
    }

    pub(super) fn tip_to_tell(&self) -> Option<u64> {
        let is_relay = self.parties.kind == PeerKind::Relay && !self.is_dialer;
        (is_relay && self.hello.receipts.is_some()).then_some(self.tail_after.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_batches_extend_the_reach_without_a_gap_alone() {
        let mut reach = Reach::default();
        reach.note_ours(11);
        reach.note_ours(13);
        reach.reach(10);
        assert_eq!(reach.upto, Some(11));
        reach.note_ours(12);
        assert_eq!(reach.upto, Some(13));
        reach.note_ours(20);
        reach.reach(15);
        assert_eq!(reach.upto, Some(15));
        reach.reach(3);
        assert_eq!(reach.upto, Some(15), "it never falls");
        reach.reach(u64::MAX);
        assert_eq!(reach.upto, Some(u64::MAX));
    }
}
