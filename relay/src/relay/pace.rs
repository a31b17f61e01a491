//! Who is read on: each device, each community and all together at their rates, and first those
//! that have sent least. So whoever sends much waits for those who send little, never they for it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use sync_core::id::Millis;
use sync_core::session::Session;
use sync_core::wire::Frame;

use super::transmit::size_of_frame;
use super::{ConnId, Effect, Group, Relay};
use crate::limits::{ANSWERS_MAX, BATCHES_PER_FRAME, BYTES_PER_FRAME, RECEIPT_LOOK_MILLIS};
use crate::log::BatchLog;

/// How long connections that wait for their turn may be left alone.
const TURN_MILLIS: u64 = 5;

/// What a frame counts beyond being one.
pub(super) fn extra_of(frame: &Frame) -> u64 {
    let batches = match frame {
        Frame::Batches(batches) => batches.batches.len(),
        Frame::Receipts(receipts) => receipts.rows.len(),
        Frame::Ack(_)
        | Frame::Ask(_)
        | Frame::AskErased(_)
        | Frame::AskReceipts(_)
        | Frame::Blob(_)
        | Frame::Bye(_)
        | Frame::CaughtUp(_)
        | Frame::HasErased(_)
        | Frame::Hello(_)
        | Frame::Lanes(_)
        | Frame::Refuse(_)
        | Frame::Totals(_)
        | Frame::Want(_) => 0,
    };
    (batches / BATCHES_PER_FRAME + size_of_frame(frame) / BYTES_PER_FRAME) as u64
}

impl<L: BatchLog> Relay<L> {
    /// After how many milliseconds it wants to be called again even if nothing comes: at once while
    /// batches wait, soon while connections wait to be read, and less soon while some are to be told of
    /// receipts.
    #[must_use]
    pub fn wants_turn(&self) -> Option<u64> {
        if !self.behind.is_empty() {
            return Some(0);
        }
        let turn = (!self.unread.is_empty()).then_some(TURN_MILLIS);
        turn.or_else(|| (!self.untold.is_empty()).then_some(RECEIPT_LOOK_MILLIS))
    }

    /// Counts work that a connection has made as so many frames of its device: the next ones are
    /// read later. Others of its community do not pay for it.
    pub(super) fn charge(&mut self, conn: ConnId, frames: u64) {
        let device = self.conns.get(&conn).map(|state| state.device);
        let of_device = device.and_then(|device| self.by_device.get_mut(&device));
        if let Some(of_device) = of_device {
            of_device.frames.charge(frames, self.limits.device_rate());
        }
    }

    /// A connection is read on while its answers find their way out and its turn has come.
    pub(super) fn allow_reading(&mut self, now: Millis, group: &mut Group) {
        let mut unread = std::mem::take(&mut self.unread);
        for conn in self.in_turn(&unread, now) {
            while self.allow_one(conn, now) {
                group.effects.push(Effect::Read { conn });
            }
        }
        unread.retain(|conn| self.conns.get(conn).is_some_and(super::Conn::has_unread));
        self.unread = unread;
    }

    /// Those whose devices have sent least first.
    pub(super) fn in_turn(&mut self, waiting: &BTreeSet<ConnId>, now: Millis) -> Vec<ConnId> {
        let rate = self.limits.device_rate();
        let mut turns = Vec::with_capacity(waiting.len());
        for conn in waiting {
            let device = self.conns.get(conn).map(|state| state.device);
            let of_device = device.and_then(|device| self.by_device.get_mut(&device));
            let level = of_device.map(|of_device| of_device.frames.level(rate, now));
            turns.push((Reverse(level), *conn));
        }
        turns.sort_unstable();
        turns.into_iter().map(|(_, conn)| conn).collect()
    }

    fn allow_one(&mut self, conn: ConnId, now: Millis) -> bool {
        let limits = &self.limits;
        let Some(state) = self.conns.get_mut(&conn) else {
            return false;
        };
        let answers = state.session().map_or(0, Session::queued);
        if !state.has_unread() || !state.backlog.is_empty() || answers >= ANSWERS_MAX {
            return false;
        }
        let Some(of_device) = self.by_device.get_mut(&state.device) else {
            return false;
        };
        let community = state
            .community()
            .and_then(|community| self.communities.get_mut(&community));
        let community = community.map(|carrying| &mut carrying.frames);
        let rate = limits.community_rate();
        let may = of_device.frames.has_one(limits.device_rate(), now)
            && self.frames.has_one(limits.relay_rate(), now)
            && community.is_none_or(|frames| frames.take(rate, now));
        if may {
            of_device.frames.take(limits.device_rate(), now);
            self.frames.take(limits.relay_rate(), now);
            state.allow_one();
        }
        may
    }

    /// Devices that are gone, and whose coming again would gain nothing.
    pub(super) fn forget_quiet_devices(&mut self, now: Millis) {
        let rate = self.limits.device_rate();
        self.by_device
            .retain(|_, of| of.conns > 0 || !of.frames.is_full(rate, now));
    }
}
