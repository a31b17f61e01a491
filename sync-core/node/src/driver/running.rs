//! One session in the driver: its peer, its connection, and who waits for it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sync_core::id::Millis;
use sync_core::peer::{Moved, Peer};
use sync_core::replica::{Meeting, Replica};
use sync_core::wire::{Frame, Hello, PeerKind};
use tokio::sync::{mpsc, oneshot};

use super::{Progress, SessionState};
use crate::connection::{Closing, Wired};
use crate::node::NodeError;
use crate::report::SyncReport;

/// How long a session that has something to do may go without a byte either way.
const QUIET_MAX: Duration = Duration::from_secs(90);
/// How long it may go without a datagram from the other side, which answers each of ours while it is there: one that was
/// cut off from its power says no goodbye, and what waits for it is better sent to whoever stands there now.
const SILENT_MAX: Duration = Duration::from_secs(15);
/// What a live session does is kept at most so often.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// How a session begins.
#[derive(Debug)]
pub(crate) enum Begin {
    /// This device dialled a relay or a member's device.
    Dialled(PeerKind),
    /// A device dialled this one and said hello.
    Answered(Box<Hello>),
}

impl Begin {
    pub(super) fn way(&self) -> Way {
        match self {
            Self::Dialled(PeerKind::Relay) => Way::ToRelay,
            Self::Dialled(PeerKind::Member) => Way::ToMember,
            Self::Answered(_) => Way::FromMember,
        }
    }
}

/// Who dialled whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToRelay,
    ToMember,
    FromMember,
}

/// A connection for the driver to run a session on.
pub(crate) struct Opened {
    pub(crate) wired: Wired,
    pub(crate) relay: String,
    /// The session ends once both sides have everything; otherwise it stays live.
    pub(crate) is_once: bool,
    pub(crate) progress: Option<Progress>,
    pub(crate) ended: oneshot::Sender<Result<SyncReport, NodeError>>,
}

pub(super) struct Running {
    pub(super) peer: Peer,
    pub(super) was_done: bool,
    pub(super) way: Way,
    opened: Opened,
    /// A frame that the outbox had no room for.
    stuck: Option<Frame>,
    /// What the listener heard last.
    told: Option<(Moved, bool)>,
    /// When it began, by the device's clock.
    began: Millis,
    /// What was kept of it last, and when.
    noted: Option<(Moved, Instant)>,
    patience: Patience,
}

impl Running {
    pub(super) fn new(peer: Peer, way: Way, opened: Opened, began: Millis) -> Self {
        Self {
            peer,
            way,
            was_done: false,
            opened,
            stuck: None,
            told: None,
            began,
            noted: None,
            patience: Patience::default(),
        }
    }

    pub(super) fn is_once(&self) -> bool {
        self.opened.is_once
    }

    /// Nobody waits for it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.opened.ended.is_closed()
    }

    /// Whether both sides have everything and all that was said is out.
    pub(super) fn is_done(&self, replica: &Replica) -> bool {
        self.stuck.is_none() && self.peer.is_done(replica)
    }

    /// Sends what it has to say, as far as the outbox takes it.
    pub(super) fn pump(&mut self, replica: &Replica) -> Result<(), NodeError> {
        loop {
            let frame = match self.stuck.take() {
                Some(frame) => Some(frame),
                None => self.peer.poll_transmit(replica)?,
            };
            let Some(frame) = frame else { return Ok(()) };
            let is_awaited = &self.opened.wired.traffic.is_awaited;
            is_awaited.store(true, Ordering::Release);
            if let Err(error) = self.opened.wired.outbox.try_send(frame) {
                // Full: the writer says when there is room. Closed: the reader says why.
                let (mpsc::error::TrySendError::Full(frame)
                | mpsc::error::TrySendError::Closed(frame)) = error;
                self.stuck = Some(frame);
                return Ok(());
            }
            is_awaited.store(false, Ordering::Release);
        }
    }

    /// Tells whoever listens how the session stands, if that is news.
    pub(super) fn tell(&mut self, replica: &Replica, is_done: bool) {
        if self.opened.progress.is_none() {
            return;
        }
        let moved = self.peer.moved();
        if self.told.replace((moved, is_done)) == Some((moved, is_done)) {
            return;
        }
        let state = SessionState {
            report: self.report(replica),
            announced: moved.announced,
            is_done,
        };
        if let Some(progress) = &mut self.opened.progress {
            progress(state);
        }
    }

    /// What both sides have exchanged, if it is to be kept now: when they have everything, and then as more
    /// comes, but not all the time.
    pub(super) fn take_note(&mut self, now: Millis) -> Option<Meeting> {
        let moved = self.peer.moved();
        let (at, is_first) = (Instant::now(), self.noted.is_none());
        let is_due = self
            .noted
            .is_none_or(|(before, when)| before != moved && at >= when + NOTE_EVERY);
        if !is_due {
            return None;
        }
        let before = self.noted.replace((moved, at));
        let is_news = before.is_none_or(|(before, _)| has_more(&before, &moved));
        (is_first || is_news).then(|| self.meeting(now, true))
    }

    /// What is to be kept of a session that has ended.
    pub(super) fn last_note(&self, now: Millis) -> Option<Meeting> {
        let moved = self.peer.moved();
        match self.noted {
            Some((before, _)) => has_more(&before, &moved).then(|| self.meeting(now, true)),
            // Of one that broke off, only if something came of it.
            None => (moved.sent + moved.received > 0).then(|| self.meeting(now, false)),
        }
    }

    fn meeting(&self, now: Millis, is_whole: bool) -> Meeting {
        let with = *self.peer.device();
        Meeting::of(&self.peer.report(), with, self.began, now, is_whole)
    }

    /// Until when it is waited for the next byte; none while there is nothing to wait for.
    pub(super) fn deadline(&mut self, is_done: bool, now: Instant) -> Option<Instant> {
        let traffic = &self.opened.wired.traffic;
        let bytes = (
            traffic.sent.load(Ordering::Relaxed),
            traffic.received.load(Ordering::Relaxed),
        );
        let heard = self.opened.wired.heard();
        self.patience.deadline(is_done, bytes, heard, now)
    }

    fn report(&self, replica: &Replica) -> SyncReport {
        let traffic = &self.opened.wired.traffic;
        let bytes = (
            traffic.sent.load(Ordering::Relaxed),
            traffic.received.load(Ordering::Relaxed),
        );
        let relay = self.opened.relay.clone();
        SyncReport::new(replica, relay, &self.peer.report(), bytes)
    }

    /// A live session with a member's device.
    pub(super) fn is_in_touch(&self) -> bool {
        self.way != Way::ToRelay && !self.is_once()
    }

    /// Whoever waits hears the result once the last frame is out.
    pub(super) fn finish(
        self,
        replica: &Replica,
        result: Result<(), NodeError>,
        patience: Duration,
    ) -> impl Future<Output = Closing> + use<> {
        let result = result.map(|()| self.report(replica));
        let Opened { wired, ended, .. } = self.opened;
        async move {
            let closing = wired.close(patience).await;
            drop(ended.send(result));
            closing
        }
    }
}

fn has_more(before: &Moved, now: &Moved) -> bool {
    (before.sent, before.received) != (now.sent, now.received)
}

/// Since when a session with something to do has not moved a byte.
#[derive(Debug, Default)]
struct Patience {
    since: Option<Instant>,
    bytes: (u64, u64),
    silent_since: Option<Instant>,
    heard: u64,
}

impl Patience {
    /// With the bytes of frames both ways, and how many datagrams have come.
    fn deadline(
        &mut self,
        is_done: bool,
        bytes: (u64, u64),
        heard: u64,
        now: Instant,
    ) -> Option<Instant> {
        if is_done {
            (self.since, self.silent_since) = (None, None);
            return None;
        }
        if std::mem::replace(&mut self.bytes, bytes) != bytes {
            self.since = None;
        }
        if std::mem::replace(&mut self.heard, heard) != heard {
            self.silent_since = None;
        }
        let since = *self.since.get_or_insert(now);
        let silent_since = *self.silent_since.get_or_insert(now);
        Some((since + QUIET_MAX).min(silent_since + SILENT_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_lasts_while_bytes_move_and_ends_when_none_do() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut patience = Patience::default();
        // Datagrams come all the time.
        let mut heard = 0;
        let mut deadline = |bytes, seconds| {
            heard += 1;
            patience.deadline(false, bytes, heard, at(seconds))
        };
        assert_eq!(deadline((10, 0), 0), Some(at(15)));
        assert_eq!(deadline((10, 0), 80), Some(at(90)));
        assert_eq!(deadline((20, 0), 85), Some(at(100)));
        assert_eq!(deadline((20, 0), 170), Some(at(175)));
        assert_eq!(deadline((20, 7), 171), Some(at(186)));
    }

    #[test]
    fn other_side_that_sends_no_datagram_is_given_up_long_before() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut patience = Patience::default();
        assert_eq!(patience.deadline(false, (10, 0), 7, at(0)), Some(at(15)));
        assert_eq!(patience.deadline(false, (20, 0), 7, at(9)), Some(at(15)));
        assert_eq!(patience.deadline(false, (20, 0), 8, at(10)), Some(at(25)));
    }

    #[test]
    fn a_live_session_may_be_quiet_for_hours() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut patience = Patience::default();
        assert_eq!(patience.deadline(true, (10, 10), 3, at(0)), None);
        assert_eq!(patience.deadline(true, (10, 10), 3, at(7_200)), None);
        let next = patience.deadline(false, (10, 10), 3, at(7_201));
        assert_eq!(next, Some(at(7_216)), "counted from the first thing to do");
    }
}
