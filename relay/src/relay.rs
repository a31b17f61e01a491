//! The relay's core: inputs of all connections in, effects out; no socket, clock or thread.
//!
//! One call of [`Relay::handle`] is one group: everything that its inputs store is one transaction of
//! the log, and nothing leaves (no ack, no batch to anybody else) before that has committed. If it does
//! not commit, nobody is told that anything was stored, and everybody who took part is refused and
//! comes again. Frames to send are never queued here: while a connection's outbox is full its
//! session is left alone, and while its answers pile up it is not read.
//!
//! ```text
//! inputs → admit / receive → place, judge, append → commit → stored → roster → poll_transmit → effects
//! ```

mod admit;
mod backlog;
mod blobs;
mod conn;
mod memory;
mod obey;
mod pace;
mod receipts;
mod take;
mod transmit;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use rand_core::CryptoRng;
use sync_core::blob::BlobName;
use sync_core::id::{CommunityId, DeviceId, Incarnation, Millis};
use sync_core::keys::Signer;
use sync_core::session::Taken;
use sync_core::store::StoreError;
use sync_core::wire::{Frame, Refusal, Refuse};

use crate::community::Community;
use crate::ledger::{Ledger, Notes, Reason};
use crate::limits::{CONNECTION_BYTES, Limits, TokenBucket};
use crate::log::BatchLog;
use conn::Conn;

/// One connection, by the number that the shell gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A device is connected; its key is proved.
    Connected {
        /// The connection.
        conn: ConnId,
        /// Whose key it is.
        device: DeviceId,
    },
    /// A frame came.
    Frame {
        /// The connection.
        conn: ConnId,
        /// The frame.
        frame: Frame,
    },
    /// A frame of a type came that this version does not know.
    Unknown {
        /// The connection.
        conn: ConnId,
        /// Its type.
        kind: u8,
    },
    /// What came is no frame.
    Broken {
        /// The connection.
        conn: ConnId,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// One frame has left the outbox.
    Writable {
        /// The connection.
        conn: ConnId,
    },
    /// The connection is gone.
    Closed {
        /// The connection.
        conn: ConnId,
    },
}

/// What the shell must do.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all effects send a frame: what is rare may take as much room"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Put a frame into the outbox; [`Input::Writable`] says when it has left.
    Send {
        /// The connection.
        conn: ConnId,
        /// The frame.
        frame: Frame,
    },
    /// One frame more may be read, beside the first [`READ_AHEAD_FRAMES`](crate::limits::READ_AHEAD_FRAMES).
    Read {
        /// The connection.
        conn: ConnId,
    },
    /// Empty the outbox, then close. The relay has forgotten the connection.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why.
        ending: Ending,
    },
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The session is over.
    Done,
    /// It was refused; a frame has said so.
    Refused(Refusal),
    /// The relay is shutting down.
    ShuttingDown,
    /// It said no hello, or did not read what it was sent.
    TooSlow,
}

/// Which communities a relay takes that it does not carry yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Any, within the limits.
    Open,
    /// These alone.
    Listed(BTreeSet<CommunityId>),
}

impl Admission {
    fn admits(&self, community: &CommunityId) -> bool {
        match self {
            Self::Open => true,
            Self::Listed(listed) => listed.contains(community),
        }
    }
}

/// What the relay has done since it began, for its metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// Batches stored.
    pub batches_stored: u64,
    /// Entries stored.
    pub entries_stored: u64,
    /// Bytes stored.
    pub bytes_stored: u64,
    /// Batches that were there already.
    pub batches_known: u64,
    /// Frames sent.
    pub frames_sent: u64,
    /// Frames received.
    pub frames_received: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that did not commit.
    pub commits_failed: u64,
    /// Batches, sessions and knocks refused, by reason.
    pub refusals: BTreeMap<Reason, u64>,
}

/// One group in the making.
#[derive(Debug, Default)]
struct Group {
    effects: Vec<Effect>,
    /// What became of batches, to be told once it is durable.
    taken: Vec<(ConnId, Vec<Taken>)>,
    /// Blobs that are here as a whole, to be told once that is durable, and who brought each.
    blobs: Vec<(ConnId, CommunityId, BlobName)>,
    /// Communities that something was stored in.
    touched: BTreeSet<CommunityId>,
    /// Communities that a receipt was kept in.
    receipted: BTreeSet<CommunityId>,
    /// Connections whose session took a frame.
    heard: BTreeSet<ConnId>,
    /// Connections whose session may have something to say.
    stirred: BTreeSet<ConnId>,
    /// How many batches it has taken.
    batches: usize,
    is_open: bool,
    failure: Option<Failed>,
}

/// Why a group is not stored.
#[derive(Debug, Clone)]
struct Failed {
    error: StoreError,
    /// The community whose batches failed, unless the log failed for all.
    community: Option<CommunityId>,
}

/// The relay.
#[derive(Debug)]
pub struct Relay<L> {
    log: L,
    signer: Arc<dyn Signer>,
    device: DeviceId,
    incarnation: Incarnation,
    admission: Admission,
    limits: Limits,
    conns: BTreeMap<ConnId, Conn>,
    by_device: BTreeMap<DeviceId, OfDevice>,
    communities: BTreeMap<CommunityId, Carrying>,
    /// Communities whose part of the log is damaged: they are refused, so that the others go on.
    damaged: BTreeSet<CommunityId>,
    /// Connections that wait for room in the outboxes.
    hungry: BTreeSet<ConnId>,
    /// The one of them that was served last.
    fed: ConnId,
    /// Connections that have been read more than was allowed again.
    unread: BTreeSet<ConnId>,
    /// Connections with batches that wait for a group with room for them.
    behind: BTreeSet<ConnId>,
    /// Connections that may have receipts to be told of.
    untold: BTreeSet<ConnId>,
    receipts_looked_at: Millis,
    /// Frames that all devices together may send.
    frames: TokenBucket,
    outbox_bytes: usize,
    /// Bytes of memory, as counted last and added to since.
    memory: usize,
    counters: Counters,
    ledger: Ledger,
    looked_at: Millis,
    turn: u64,
    /// Something was erased and may still be read in the log's file.
    is_scrub_due: bool,
    scrubbed_at: Millis,
}

/// A community in memory and who is connected to it.
#[derive(Debug)]
struct Carrying {
    community: Community,
    conns: BTreeSet<ConnId>,
    last_used: u64,
    /// Frames that its devices may send.
    frames: TokenBucket,
}

/// A device that is connected, or was a moment ago.
#[derive(Debug)]
struct OfDevice {
    conns: usize,
    /// Frames that it may send; kept until it is full again, so that coming again gains nothing.
    frames: TokenBucket,
}

impl<L: BatchLog> Relay<L> {
    /// A relay over a log, with its own keys.
    pub fn new(
        log: L,
        signer: Arc<dyn Signer>,
        admission: Admission,
        limits: Limits,
        rng: &mut dyn CryptoRng,
    ) -> Self {
        let mut incarnation = [0; Incarnation::LEN];
        rng.fill_bytes(&mut incarnation);
        let frames = TokenBucket::full(limits.relay_rate(), Millis(i64::MIN));
        Self {
            log,
            device: signer.device(),
            signer,
            incarnation: Incarnation::new(incarnation),
            admission,
            limits,
            conns: BTreeMap::new(),
            by_device: BTreeMap::new(),
            communities: BTreeMap::new(),
            damaged: BTreeSet::new(),
            hungry: BTreeSet::new(),
            fed: ConnId(0),
            unread: BTreeSet::new(),
            behind: BTreeSet::new(),
            untold: BTreeSet::new(),
            receipts_looked_at: Millis(i64::MIN),
            frames,
            outbox_bytes: 0,
            memory: 0,
            counters: Counters::default(),
            ledger: Ledger::default(),
            looked_at: Millis(i64::MIN),
            turn: 0,
            // The last life may have ended between an erasure and this.
            is_scrub_due: true,
            scrubbed_at: Millis(i64::MIN),
        }
    }

    /// Takes a group of inputs, which may be empty to let time pass, and says what to do.
    pub fn handle(
        &mut self,
        inputs: Vec<Input>,
        now: Millis,
        rng: &mut dyn CryptoRng,
    ) -> Vec<Effect> {
        let mut group = Group::default();
        self.turn += 1;
        for input in inputs {
            self.take_input(input, now, rng, &mut group);
        }
        self.work_off(now, &mut group);
        self.commit(&mut group);
        self.tell_stored(&mut group);
        self.tell_blobs(&mut group);
        self.note_receipts(&group);
        self.follow_rosters(&mut group);
        self.obey_rosters(&group);
        self.scrub(now);
        self.push_receipts(now, &mut group);
        self.transmit(now, &mut group);
        self.allow_reading(now, &mut group);
        self.drop_slow(now, &mut group);
        self.forget_unused();
        group.effects
    }

    /// Says goodbye to everybody; nothing may be handled after it.
    pub fn shut_down(&mut self) -> Vec<Effect> {
        let mut group = Group::default();
        let all: Vec<ConnId> = self.conns.keys().copied().collect();
        for conn in all {
            if let Some(session) = self.conns.get_mut(&conn).and_then(Conn::session_mut) {
                session.end();
            }
            self.close(conn, Ending::ShuttingDown, &mut group);
        }
        group.effects
    }

    /// What it has done so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.conns.len()
    }

    /// What is to be written down for the operator, if anything has changed.
    pub fn notes(&mut self, now: Millis) -> Option<Notes> {
        if self.ledger.is_long_ago(now) {
            for state in self.conns.values() {
                if let Some((community, device)) = state.named() {
                    self.ledger.see(community, device);
                }
            }
        }
        self.ledger.notes(self.conns.len() as u64)
    }

    /// These notes are durable now.
    pub fn noted(&mut self, notes: &Notes) {
        self.ledger.written(notes);
    }

    /// Counts what was refused, here or by the shell before it came here.
    pub fn count_refused(&mut self, reason: Reason, times: u64) {
        if times == 0 {
            return;
        }
        *self.counters.refusals.entry(reason).or_default() += times;
        self.ledger.refuse(reason, times);
    }

    /// How many communities are in memory.
    #[must_use]
    pub fn communities_in_memory(&self) -> usize {
        self.communities.len()
    }

    /// How many communities are refused because their part of the log is damaged.
    #[must_use]
    pub fn communities_damaged(&self) -> usize {
        self.damaged.len()
    }

    /// Bytes of frames that wait in outboxes.
    #[must_use]
    pub fn outbox_bytes(&self) -> usize {
        self.outbox_bytes
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &L {
        &self.log
    }

    /// The log, to break it in tests.
    pub fn log_mut(&mut self) -> &mut L {
        &mut self.log
    }

    fn take_input(
        &mut self,
        input: Input,
        now: Millis,
        rng: &mut dyn CryptoRng,
        group: &mut Group,
    ) {
        match input {
            Input::Connected { conn, device } => self.connect(conn, device, now, group),
            Input::Frame { conn, frame } => {
                if self.count_frame(conn, group) {
                    self.charge(conn, pace::extra_of(&frame));
                    self.take_frame(conn, frame, now, rng, group);
                }
            }
            Input::Unknown { conn, kind } => {
                if self.count_frame(conn, group) {
                    self.take_unknown(conn, kind, group);
                }
            }
            Input::Broken { conn, refusal } => self.turn_away(conn, refusal, group),
            Input::Writable { conn } => {
                let Some(state) = self.conns.get_mut(&conn) else {
                    return;
                };
                self.outbox_bytes = self.outbox_bytes.saturating_sub(state.frame_left(now));
                group.stirred.insert(conn);
            }
            Input::Closed { conn } => self.forget(conn),
        }
    }

    fn connect(&mut self, conn: ConnId, device: DeviceId, now: Millis, group: &mut Group) {
        let of_device = self.by_device.entry(device).or_insert_with(|| OfDevice {
            conns: 0,
            frames: TokenBucket::full(self.limits.device_rate(), now),
        });
        of_device.conns += 1;
        let is_one_too_many = of_device.conns > self.limits.connections_per_device_max
            || self.conns.len() >= self.limits.connections_max
            || self.is_memory_short(CONNECTION_BYTES);
        self.memory = self.memory.saturating_add(CONNECTION_BYTES);
        self.conns.insert(conn, Conn::new(device, now));
        if is_one_too_many {
            self.turn_away(conn, Refusal::Busy, group);
        }
    }

    /// Takes note of a frame; a connection that sends more than it may is turned away.
    fn count_frame(&mut self, conn: ConnId, group: &mut Group) -> bool {
        let Some(state) = self.conns.get_mut(&conn) else {
            return false;
        };
        self.counters.frames_received += 1;
        self.unread.insert(conn);
        if state.frame_came() {
            return true;
        }
        self.turn_away(conn, Refusal::Busy, group);
        false
    }

    /// Refuses a session as a whole and closes.
    fn turn_away(&mut self, conn: ConnId, refusal: Refusal, group: &mut Group) {
        if !self.conns.contains_key(&conn) {
            return;
        }
        let frame = Frame::Refuse(Refuse {
            code: refusal.code(),
            batch: None,
        });
        self.close_with(conn, Some(frame), Ending::Refused(refusal), group);
    }

    fn close(&mut self, conn: ConnId, ending: Ending, group: &mut Group) {
        self.close_with(conn, None, ending, group);
    }

    /// Lets the last answers of a session out, and one frame more, and closes.
    fn close_with(&mut self, conn: ConnId, last: Option<Frame>, ending: Ending, group: &mut Group) {
        if let Ending::Refused(refusal) = ending {
            self.count_refused(Reason::Refused(refusal), 1);
            tracing::debug!(%conn, %refusal, "session refused");
        }
        let frames = self.last_frames(conn, last.is_some());
        for frame in frames.into_iter().chain(last) {
            self.counters.frames_sent += 1;
            group.effects.push(Effect::Send { conn, frame });
        }
        group.effects.push(Effect::Close { conn, ending });
        group.taken.retain(|(of, _)| *of != conn);
        self.forget(conn);
    }

    fn forget(&mut self, conn: ConnId) {
        let Some(state) = self.conns.remove(&conn) else {
            return;
        };
        self.outbox_bytes = self.outbox_bytes.saturating_sub(state.outbox_bytes());
        self.hungry.remove(&conn);
        self.unread.remove(&conn);
        self.behind.remove(&conn);
        self.untold.remove(&conn);
        if let Some(of_device) = self.by_device.get_mut(&state.device) {
            of_device.conns = of_device.conns.saturating_sub(1);
        }
        if let Some((community, device)) = state.named() {
            self.ledger.see(community, device);
        }
        if let Some(carrying) = state
            .community()
            .and_then(|community| self.communities.get_mut(&community))
        {
            carrying.conns.remove(&conn);
            carrying.last_used = self.turn;
        }
    }

    /// Communities that nobody is connected to leave memory: empty ones at once, others by age.
    fn forget_unused(&mut self) {
        self.communities
            .retain(|_, carrying| !carrying.conns.is_empty() || !carrying.community.is_empty());
        loop {
            let idle = self
                .communities
                .iter()
                .filter(|(_, carrying)| carrying.conns.is_empty());
            if idle.clone().count() <= self.limits.communities_idle_max {
                return;
            }
            let oldest = idle
                .min_by_key(|(_, carrying)| carrying.last_used)
                .map(|(id, _)| *id);
            let Some(oldest) = oldest else { return };
            self.communities.remove(&oldest);
        }
    }
}

/// How a failing log is told to those who wanted to store something.
fn refusal_of(error: &StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StoreFull,
        StoreError::Busy => Refusal::Busy,
        StoreError::Corrupt { .. } | StoreError::Io(_) | StoreError::Newer(_) => Refusal::Internal,
    }
}
