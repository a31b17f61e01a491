//! One connection: what it has sent and what it has been sent, and its session.

use std::collections::VecDeque;

use sync_core::id::{CommunityId, DeviceId, Millis};
use sync_core::session::Session;
use sync_core::wire::batches::Received;

use crate::limits::{Limits, OUTBOX_FRAMES_MAX, READ_AHEAD_FRAMES};

#[derive(Debug)]
pub(super) struct Conn {
    pub(super) device: DeviceId,
    pub(super) since: Millis,
    pub(super) live: Option<Live>,
    /// Bytes of the frames in the outbox.
    outbox: VecDeque<usize>,
    /// Since when the outbox has been full.
    stalled: Option<Millis>,
    /// Batches that came and wait for a group with room for them.
    pub(super) backlog: VecDeque<Received>,
    /// Frames that may still come before another [`Effect::Read`](super::Effect::Read).
    may_come: u32,
    /// Frames that came and were not yet allowed again.
    to_allow: u32,
}

/// A connection with a session.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) community: CommunityId,
    pub(super) session: Box<Session>,
    /// The roster does not name the device yet: it brings the roster.
    pub(super) is_seeding: bool,
    /// The number up to which it has been told of receipts, by the hello at first.
    pub(super) receipts_told: u64,
    /// When it was told of some without having asked.
    pub(super) receipts_at: Option<Millis>,
}

impl Conn {
    pub(super) fn new(device: DeviceId, now: Millis) -> Self {
        Self {
            device,
            since: now,
            live: None,
            outbox: VecDeque::new(),
            stalled: None,
            backlog: VecDeque::new(),
            may_come: READ_AHEAD_FRAMES,
            to_allow: 0,
        }
    }

    pub(super) fn community(&self) -> Option<CommunityId> {
        self.live.as_ref().map(|live| live.community)
    }

    /// Its community and device, if the roster there names the device.
    pub(super) fn named(&self) -> Option<(CommunityId, DeviceId)> {
        let live = self.live.as_ref().filter(|live| !live.is_seeding)?;
        Some((live.community, self.device))
    }

    pub(super) fn session(&self) -> Option<&Session> {
        self.live.as_ref().map(|live| live.session.as_ref())
    }

    pub(super) fn session_mut(&mut self) -> Option<&mut Session> {
        self.live.as_mut().map(|live| live.session.as_mut())
    }

    /// Whether the frame that came was allowed.
    pub(super) fn frame_came(&mut self) -> bool {
        self.to_allow += 1;
        match self.may_come.checked_sub(1) {
            Some(rest) => {
                self.may_come = rest;
                true
            }
            None => false,
        }
    }

    /// One more frame may come.
    pub(super) fn allow_one(&mut self) {
        self.to_allow = self.to_allow.saturating_sub(1);
        self.may_come += 1;
    }

    pub(super) fn has_unread(&self) -> bool {
        self.to_allow > 0
    }

    /// Whether bytes may wait that it has sent and that are not read yet.
    pub(super) fn may_hold_input(&self) -> bool {
        self.live.is_none() || self.to_allow > 0
    }

    /// Whether bytes wait that it has not taken yet.
    pub(super) fn holds_output(&self) -> bool {
        !self.outbox.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.outbox.len() < OUTBOX_FRAMES_MAX
    }

    pub(super) fn outbox_bytes(&self) -> usize {
        self.outbox.iter().sum()
    }

    pub(super) fn frame_queued(&mut self, bytes: usize, now: Millis) {
        self.outbox.push_back(bytes);
        if !self.has_room() {
            self.stalled.get_or_insert(now);
        }
    }

    /// The bytes of the frame that has left.
    pub(super) fn frame_left(&mut self, now: Millis) -> usize {
        let bytes = self.outbox.pop_front().unwrap_or_default();
        self.stalled = (!self.has_room()).then_some(now);
        bytes
    }

    /// Whether it did not say hello, or does not read.
    pub(super) fn is_too_slow(&self, limits: &Limits, now: Millis) -> bool {
        let passed = |since: Millis| now.0.saturating_sub(since.0);
        let is_over = |since, seconds: u32| passed(since) > i64::from(seconds) * 1000;
        match self.stalled {
            Some(since) => is_over(since, limits.stalled_seconds_max),
            None => self.live.is_none() && is_over(self.since, limits.hello_seconds_max),
        }
    }
}
