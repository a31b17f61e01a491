//! What leaves: frames of the sessions that have room, and the slow ones.

use std::collections::BTreeSet;
use std::ops::Bound;

use sync_core::id::Millis;
use sync_core::wire::Frame;

use super::{ConnId, Effect, Ending, Group, Relay, refusal_of};
use crate::community::View;
use crate::ledger::Reason;
use crate::limits::LAST_FRAMES_MAX;
use crate::log::BatchLog;

/// How often slow connections are looked for.
const LOOK_EVERY_MILLIS: i64 = 500;
/// Bytes that any frame counts at least.
const FRAME_BYTES_MIN: usize = 64;

impl<L: BatchLog> Relay<L> {
    /// Lets every session speak that has something to say and room to say it; those that have
    /// waited for room come first.
    pub(super) fn transmit(&mut self, now: Millis, group: &mut Group) {
        let waiting = std::mem::take(&mut self.hungry);
        let others: BTreeSet<ConnId> = group.stirred.difference(&waiting).copied().collect();
        // In turn: else those that connected first would have all the room.
        let next = waiting.range((Bound::Excluded(self.fed), Bound::Unbounded));
        let again = waiting.range(..=self.fed);
        for conn in next.chain(again).copied().collect::<Vec<_>>() {
            self.transmit_one(conn, now, group);
            if !self.hungry.contains(&conn) {
                self.fed = conn;
            }
        }
        for conn in others {
            self.transmit_one(conn, now, group);
        }
    }

    fn transmit_one(&mut self, conn: ConnId, now: Millis, group: &mut Group) {
        loop {
            let Some(state) = self.conns.get_mut(&conn) else {
                return;
            };
            if !state.has_room() {
                return;
            }
            let Some(live) = &mut state.live else { return };
            // Answers are small, and others wait for them.
            let has_answers = live.session.queued() > 0;
            if !has_answers && self.outbox_bytes >= self.limits.outbox_bytes_max {
                self.hungry.insert(conn);
                return;
            }
            let Some(carrying) = self.communities.get(&live.community) else {
                return;
            };
            let view = View {
                community: &carrying.community,
                log: &self.log,
            };
            match live.session.poll_transmit(&view) {
                Ok(Some(frame)) => {
                    let bytes = size_of_frame(&frame);
                    self.outbox_bytes += bytes;
                    state.frame_queued(bytes, now);
                    self.counters.frames_sent += 1;
                    group.effects.push(Effect::Send { conn, frame });
                }
                Ok(None) if live.session.is_ended() => {
                    self.close(conn, Ending::Done, group);
                    return;
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%conn, %error, "a session could not read the log");
                    self.turn_away(conn, refusal_of(&error), group);
                    return;
                }
            }
        }
    }

    /// What a session still wants to say when it ends; `is_refused`: another frame follows.
    pub(super) fn last_frames(&mut self, conn: ConnId, is_refused: bool) -> Vec<Frame> {
        let Some(state) = self.conns.get_mut(&conn) else {
            return Vec::new();
        };
        let Some(live) = &mut state.live else {
            return Vec::new();
        };
        let Some(carrying) = self.communities.get(&live.community) else {
            return Vec::new();
        };
        if is_refused {
            return Vec::new();
        }
        let view = View {
            community: &carrying.community,
            log: &self.log,
        };
        let frames = std::iter::from_fn(|| live.session.poll_transmit(&view).ok().flatten());
        let mut frames: Vec<Frame> = frames.collect();
        // The last one says goodbye or why not; answers before it may be lost.
        frames.split_off(frames.len().saturating_sub(LAST_FRAMES_MAX))
    }

    pub(super) fn drop_slow(&mut self, now: Millis, group: &mut Group) {
        if now.0.saturating_sub(self.looked_at.0) < LOOK_EVERY_MILLIS {
            return;
        }
        self.looked_at = now;
        self.forget_quiet_devices(now);
        self.keep_within_memory(now, group);
        let slow = self
            .conns
            .iter()
            .filter(|(_, state)| state.is_too_slow(&self.limits, now));
        let slow: Vec<ConnId> = slow.map(|(conn, _)| *conn).collect();
        for conn in slow {
            tracing::debug!(%conn, "connection is too slow");
            self.count_refused(Reason::TooSlow, 1);
            group.effects.push(Effect::Close {
                conn,
                ending: Ending::TooSlow,
            });
            self.forget(conn);
        }
    }
}

/// About how many bytes a frame takes in an outbox.
pub(super) fn size_of_frame(frame: &Frame) -> usize {
    let bytes = match frame {
        Frame::Batches(batches) => {
            batches
                .batches
                .iter()
                .map(|batch| batch.len())
                .sum::<usize>()
                + batches.rows.len()
        }
        Frame::Want(want) => want.lanes.iter().map(|lane| lane.heads.len()).sum(),
        Frame::Ask(ask) => ask.heads.iter().map(|lane| lane.heads.len()).sum(),
        Frame::Lanes(lanes) => lanes.lanes.len() * FRAME_BYTES_MIN,
        Frame::AskErased(asked) => asked.statements.len() * FRAME_BYTES_MIN,
        Frame::HasErased(word) => word.statements.len() * FRAME_BYTES_MIN,
        Frame::Receipts(receipts) => receipts.rows.len() * 2 * FRAME_BYTES_MIN,
        Frame::CaughtUp(caught_up) => caught_up.lanes.len() * FRAME_BYTES_MIN,
        Frame::Blob(frame) => frame.size(),
        Frame::Ack(_)
        | Frame::Bye(_)
        | Frame::Hello(_)
        | Frame::AskReceipts(_)
        | Frame::Refuse(_)
        | Frame::Totals(_) => 0,
    };
    bytes + FRAME_BYTES_MIN
}
