//! Batches that wait: a group takes only so many, so that nobody waits long for what others brought.

use sync_core::id::Millis;
use sync_core::wire::batches::Received;

use super::{ConnId, Failed, Group, Relay};
use crate::limits::GROUP_BATCHES_MAX;
use crate::log::BatchLog;

impl<L: BatchLog> Relay<L> {
    /// Whether batches of a connection wait for a group with room for them.
    #[must_use]
    pub fn is_behind(&self, conn: ConnId) -> bool {
        self.behind.contains(&conn)
    }

    /// Takes batches as far as the group has room; the others wait.
    pub(super) fn take_batches(&mut self, conn: ConnId, batches: Vec<Received>, group: &mut Group) {
        if let Some(state) = self.conns.get_mut(&conn) {
            state.backlog.extend(batches);
            self.take_waiting(conn, group);
        }
    }

    /// Takes what waits, first of those whose devices have sent least.
    pub(super) fn work_off(&mut self, now: Millis, group: &mut Group) {
        if self.behind.is_empty() {
            return;
        }
        for conn in self.in_turn(&self.behind.clone(), now) {
            if group.batches >= GROUP_BATCHES_MAX {
                return;
            }
            self.take_waiting(conn, group);
        }
    }

    fn take_waiting(&mut self, conn: ConnId, group: &mut Group) {
        let Some(state) = self.conns.get_mut(&conn) else {
            return;
        };
        let Some(community) = state.community() else {
            return;
        };
        let room = GROUP_BATCHES_MAX.saturating_sub(group.batches);
        let count = room.min(state.backlog.len());
        let batches: Vec<Received> = state.backlog.drain(..count).collect();
        if state.backlog.is_empty() {
            self.behind.remove(&conn);
        } else {
            self.behind.insert(conn);
        }
        if batches.is_empty() {
            return;
        }
        group.batches += batches.len();
        group.heard.insert(conn);
        group.stirred.insert(conn);
        match self.ingest(conn, &community, batches, group) {
            Ok(taken) => group.taken.push((conn, taken)),
            // Told with the others once the group has been rolled back.
            Err(error) => {
                let community = group.is_open.then_some(community);
                group.failure.get_or_insert(Failed { error, community });
            }
        }
    }
}
