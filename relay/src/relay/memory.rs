//! Memory: counted by what everything may hold now, and kept below one cap.
//!
//! It is looked at twice a second, and before anybody new is let in. First leaves what the log has
//! too: communities that nobody is connected to, and the newest batches of the others. Then those must
//! go that hold the most back: a community that takes half of all, readers that do not read, and
//! senders that send the most.

use std::cmp::Reverse;

use sync_core::id::{CommunityId, Millis};
use sync_core::wire::Refusal;

use super::{Conn, ConnId, Group, Relay};
use crate::limits::{BASE_BYTES, CONNECTION_BYTES, WINDOW_BYTES};
use crate::log::BatchLog;

/// What a connection may hold now.
fn bytes_of(state: &Conn) -> usize {
    let windows = usize::from(state.may_hold_input()) + usize::from(state.holds_output());
    CONNECTION_BYTES + windows * WINDOW_BYTES as usize
}

impl<L: BatchLog> Relay<L> {
    /// How many bytes of memory it may take now, as far as is known.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory
    }

    /// Counts what everything may hold.
    pub(super) fn count_memory(&mut self) {
        let conns = self.conns.values().map(bytes_of);
        let communities = self.communities.values();
        let communities = communities.map(|carrying| carrying.community.memory_bytes());
        let counted = conns.chain(communities).fold(0, usize::saturating_add);
        // What is on its way in is bounded by its own limit, so all of that is set aside.
        self.memory = BASE_BYTES
            .saturating_add(self.limits.inbox_bytes_max)
            .saturating_add(self.outbox_bytes)
            .saturating_add(counted);
    }

    /// Whether so much more would be too much, even with all gone that may go.
    pub(super) fn is_memory_short(&mut self, more: usize) -> bool {
        let is_short = |memory: usize, cap: usize| memory.saturating_add(more) > cap;
        if is_short(self.memory, self.limits.memory_bytes_max) {
            self.let_go_of_copies();
        }
        is_short(self.memory, self.limits.memory_bytes_max)
    }

    /// Lets go of what the log has too.
    fn let_go_of_copies(&mut self) {
        self.communities
            .retain(|_, carrying| !carrying.conns.is_empty());
        for carrying in self.communities.values_mut() {
            carrying.community.forget_recent();
        }
        self.count_memory();
    }

    pub(super) fn keep_within_memory(&mut self, now: Millis, group: &mut Group) {
        self.count_memory();
        if !self.is_memory_short(0) {
            return;
        }
        tracing::warn!(bytes = self.memory, "memory is short: some must go");
        for conn in self.dearest(now) {
            self.make_go(conn, group);
            if self.memory <= self.limits.memory_bytes_max {
                return;
            }
        }
    }

    /// Turns a connection away, and lets go of its community if it was the last one there.
    fn make_go(&mut self, conn: ConnId, group: &mut Group) {
        let Some(state) = self.conns.get(&conn) else {
            return;
        };
        let (mut freed, of) = (bytes_of(state), state.community());
        self.turn_away(conn, Refusal::Busy, group);
        let of = of.and_then(|id| Some((id, self.communities.get(&id)?)));
        if let Some((id, carrying)) = of.filter(|(_, carrying)| carrying.conns.is_empty()) {
            freed = freed.saturating_add(carrying.community.memory_bytes());
            self.communities.remove(&id);
        }
        self.memory = self.memory.saturating_sub(freed);
    }

    /// All connections, those first that hold the most back.
    fn dearest(&mut self, now: Millis) -> Vec<ConnId> {
        let half = self.limits.memory_bytes_max / 2;
        let too_large: Vec<CommunityId> = self
            .communities
            .iter()
            .filter(|(_, carrying)| carrying.community.memory_bytes() > half)
            .map(|(id, _)| *id)
            .collect();
        let all = self.conns.keys().copied().collect();
        let mut conns: Vec<(bool, bool, ConnId)> = Vec::with_capacity(self.conns.len());
        for conn in self.in_turn(&all, now).into_iter().rev() {
            let Some(state) = self.conns.get(&conn) else {
                continue;
            };
            let of = state.community();
            let is_in_large = of.is_some_and(|community| too_large.contains(&community));
            conns.push((is_in_large, state.holds_output(), conn));
        }
        // Stable: among equals those that have sent most stay first.
        conns.sort_by_key(|(is_in_large, is_stuck, _)| Reverse((*is_in_large, *is_stuck)));
        conns.into_iter().map(|(_, _, conn)| conn).collect()
    }
}
