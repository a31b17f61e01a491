//! The driver: one thread that owns the replica and takes one input after the other.
//!
//! Frames that wait are taken together, per connection, up to a bound: so batches that come faster
//! than the disk takes them end in few large transactions.

mod guests;
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sync_core::id::{DeviceId, Millis};
use sync_core::peer::{PeerError, moment};
use sync_core::replica::{Meeting, Moment, Replica, ReplicaError};
use sync_link::{Incoming, LinkError};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub(crate) use self::running::{Begin, Opened};
use self::running::{Running, Way};
use crate::connection::{CLOSE_TIMEOUT, Held, LEAVE_TIMEOUT};
use crate::node::NodeError;
use crate::report::SyncReport;

/// Inputs that may wait for the driver.
pub(crate) const INPUTS_MAX: usize = 256;
/// While live, edits of this device are gathered for so long before they are sealed.
const SEAL_EVERY: Duration = Duration::from_millis(50);

/// Which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnId(pub(crate) u64);

/// Something done with the replica, on the driver's thread.
pub(crate) type Call = Box<dyn FnOnce(&mut Replica, &mut Moment<'_>) + Send>;
/// Hears of the session's state each time that it has changed.
pub(crate) type Progress = Box<dyn FnMut(SessionState) + Send>;

/// How a session stands.
#[derive(Debug, Clone)]
pub(crate) struct SessionState {
    pub(crate) report: SyncReport,
    pub(crate) announced: u64,
    pub(crate) is_done: bool,
}

pub(crate) enum Input {
    Call(Call),
    Opened {
        id: ConnId,
        begin: Begin,
        opened: Box<Opened>,
    },
    Frame {
        id: ConnId,
        held: Held,
    },
    /// An outbox has room again, or somebody let go of a session.
    Wake,
    Closed {
        id: ConnId,
        error: Option<LinkError>,
    },
    /// Another program may have written to the store.
    LookAgain,
    Stop,
}

pub(crate) struct Driver {
    replica: Replica,
    inputs: mpsc::Receiver<Input>,
    sessions: BTreeMap<ConnId, Running>,
    runtime: Handle,
    rng: rand::rngs::ThreadRng,
    sealed_at: Option<Instant>,
    seal_due: Option<Instant>,
    /// When the first session is given up unless something moves.
    quiet_due: Option<Instant>,
    /// When a session has something to sign of what was read.
    reading_due: Option<Instant>,
    /// Connections that say goodbye.
    closings: JoinSet<()>,
    /// How much of the roster the sessions have been told of.
    statements_told: usize,
    /// How often the store had been read again when that was looked at last.
    rereads_seen: u64,
    told: Told,
    is_stopping: bool,
}

/// Who hears what of the driver without asking.
pub(crate) struct Told {
    /// Something was written.
    pub(crate) changes: watch::Sender<u64>,
    /// With which members' devices there are live sessions.
    pub(crate) present: watch::Sender<BTreeSet<DeviceId>>,
}

/// The device's clock.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Driver {
    pub(crate) fn new(
        replica: Replica,
        inputs: mpsc::Receiver<Input>,
        runtime: Handle,
        told: Told,
    ) -> Self {
        Self {
            statements_told: replica.statement_count(),
            rereads_seen: replica.reread_count(),
            replica,
            inputs,
            sessions: BTreeMap::new(),
            runtime,
            rng: rand::rng(),
            sealed_at: None,
            seal_due: None,
            quiet_due: None,
            reading_due: None,
            closings: JoinSet::new(),
            told,
            is_stopping: false,
        }
    }

    /// Runs until it is told to stop or nobody holds the node any more.
    pub(crate) fn run(mut self) {
        while let Some(inputs) = self.next_inputs() {
            let mut is_stopped = false;
            let mut frames: BTreeMap<ConnId, Vec<Held>> = BTreeMap::new();
            for input in inputs {
                match input {
                    Input::Frame { id, held } => frames.entry(id).or_default().push(held),
                    Input::Call(call) => self.call(call),
                    Input::Opened { id, begin, opened } => self.open(id, begin, *opened),
                    Input::Wake => {}
                    Input::LookAgain => self.look_again(),
                    Input::Closed { id, error } => {
                        let waiting = frames.remove(&id).unwrap_or_default();
                        self.take_frames(id, waiting);
                        self.pump_one(id);
                        self.close(id, error);
                    }
                    Input::Stop => is_stopped = true,
                }
            }
            for (id, held) in frames {
                self.take_frames(id, held);
            }
            self.seal_if_due();
            self.follow_roster();
            self.pump();
            self.follow_others();
            self.tell_changes();
            if is_stopped {
                break;
            }
        }
        self.say_goodbye();
    }

    fn tell_changes(&self) {
        let count = self.replica.change_count();
        self.told.changes.send_if_modified(|told| {
            let is_news = *told != count;
            *told = count;
            is_news
        });
    }

    /// Ends all sessions politely and waits, not for ever, until the other sides know.
    fn say_goodbye(&mut self) {
        self.is_stopping = true;
        let ids: Vec<ConnId> = self.sessions.keys().copied().collect();
        for id in ids {
            self.end_politely(id, Err(NodeError::Stopped));
        }
        let closings = &mut self.closings;
        self.runtime
            .block_on(async { while closings.join_next().await.is_some() {} });
    }

    /// Waits for an input, then takes along all that wait already; empty when something is due.
    fn next_inputs(&mut self) -> Option<Vec<Input>> {
        let due = [self.seal_due, self.quiet_due, self.reading_due];
        let due = due.into_iter().flatten().min();
        let inputs = &mut self.inputs;
        let first = self.runtime.block_on(async {
            match due {
                Some(due) => tokio::time::timeout_at(due.into(), inputs.recv())
                    .await
                    .ok(),
                None => Some(inputs.recv().await),
            }
        });
        let mut taken = Vec::new();
        match first {
            Some(Some(input)) => taken.push(input),
            Some(None) => return None,
            None => {}
        }
        while taken.len() < INPUTS_MAX
            && let Ok(input) = inputs.try_recv()
        {
            taken.push(input);
        }
        Some(taken)
    }

    fn call(&mut self, call: Call) {
        self.look_again();
        self.replica.seal_edits_at_once(self.may_seal_now());
        let before = (self.replica.write_count(), self.replica.sealed_count());
        call(&mut self.replica, &mut moment(now(), &mut self.rng));
        if self.replica.sealed_count() != before.1 {
            self.sealed_at = Some(Instant::now());
        }
        if self.replica.write_count() != before.0 {
            self.plan_seal();
        }
    }

    fn look_again(&mut self) {
        if let Err(error) = self.replica.refresh() {
            tracing::warn!(%error, "the store could not be read again");
        }
    }

    /// What another program wrote goes out, whichever input has read it.
    fn follow_others(&mut self) {
        let rereads = self.replica.reread_count();
        if rereads != self.rereads_seen {
            self.rereads_seen = rereads;
            self.plan_seal();
        }
    }

    /// What this device has read is signed, at most so often.
    fn follow_reading(&mut self, id: ConnId) {
        let moment = moment(now(), &mut self.rng);
        let Some(running) = self.sessions.get_mut(&id) else {
            return;
        };
        if let Err(error) = running.peer.follow_reading(&mut self.replica, &moment) {
            return self.end(id, Err(error.into()));
        }
        let due = running
            .peer
            .reading_due_in()
            .map(|due| Instant::now() + due);
        self.reading_due = self.reading_due.into_iter().chain(due).min();
    }

    /// The first edit after a pause is sealed as it is made; those of a run after it are gathered.
    fn may_seal_now(&self) -> bool {
        let is_pause_over = self.sealed_at.is_none_or(|at| at.elapsed() >= SEAL_EVERY);
        is_pause_over && !self.sessions.is_empty()
    }

    /// What an input left unsealed goes out at the end of the pause.
    fn plan_seal(&mut self) {
        if self.sessions.is_empty() || self.seal_due.is_some() {
            return;
        }
        let earliest = self.sealed_at.map(|at| at + SEAL_EVERY);
        self.seal_due = Some(earliest.unwrap_or_else(Instant::now).max(Instant::now()));
    }

    fn seal_if_due(&mut self) {
        if self.seal_due.is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.seal_due = None;
        match self.replica.seal_pending(&mut moment(now(), &mut self.rng)) {
            Ok(0) => {}
            Ok(_) => self.sealed_at = Some(Instant::now()),
            Err(error) => tracing::warn!(%error, "edits could not be sealed"),
        }
    }

    fn take_frames(&mut self, id: ConnId, held: Vec<Held>) {
        let Some(running) = self.sessions.get_mut(&id) else {
            return;
        };
        let mut frames = Vec::with_capacity(held.len());
        let mut shares = Vec::with_capacity(held.len());
        for Held { incoming, _share } in held {
            shares.push(_share);
            match incoming {
                Incoming::Frame(frame) => frames.push(frame),
                Incoming::Unknown(_) => running.peer.refuse_unknown(),
            }
        }
        let moment = &mut moment(now(), &mut self.rng);
        let result = running.peer.receive(&mut self.replica, frames, moment);
        drop(shares);
        let is_changed = running.peer.take_roster_changed();
        if let Err(error) = result {
            self.pump_one(id);
            self.end(id, Err(error.into()));
            return;
        }
        if is_changed {
            self.tell_of_roster(Some(id));
        }
    }

    /// Calls, bundles and other programs change the roster too.
    fn follow_roster(&mut self) {
        if self.replica.statement_count() != self.statements_told {
            self.tell_of_roster(None);
        }
    }

    fn tell_of_roster(&mut self, but: Option<ConnId>) {
        self.statements_told = self.replica.statement_count();
        for (id, running) in &mut self.sessions {
            if Some(*id) != but
                && let Err(error) = running.peer.roster_changed(&self.replica)
            {
                tracing::warn!(%error, "a session could not follow the roster");
            }
        }
    }

    fn pump(&mut self) {
        self.quiet_due = None;
        self.reading_due = None;
        let ids: Vec<ConnId> = self.sessions.keys().copied().collect();
        for id in ids {
            self.pump_one(id);
            self.follow_reading(id);
            self.pump_one(id);
            self.settle(id);
        }
    }

    fn pump_one(&mut self, id: ConnId) {
        if let Some(running) = self.sessions.get_mut(&id)
            && let Err(error) = running.pump(&self.replica)
        {
            self.end(id, Err(error));
        }
    }

    /// Tells whoever listens how a session stands, and ends it if it was for once, if nobody waits
    /// for it, or if nothing has moved for too long.
    fn settle(&mut self, id: ConnId) {
        let Some(running) = self.sessions.get_mut(&id) else {
            return;
        };
        if running.is_abandoned() {
            return self.end_politely(id, Err(NodeError::Stopped));
        }
        let is_sealed = |replica: &Replica| !matches!(replica.pending_count(), Ok(1..));
        let is_done =
            running.is_done(&self.replica) && (self.seal_due.is_none() || is_sealed(&self.replica));
        running.tell(&self.replica, is_done);
        if !is_done {
            return self.mind_deadline(id);
        }
        if let Some(meeting) = running.take_note(now()) {
            note(&mut self.replica, meeting);
        }
        // A removed device has something to do as soon as the other side has everything.
        if !running.was_done || self.replica.is_removed() {
            let moment = &mut moment(now(), &mut self.rng);
            if let Err(error) = running.peer.note_delivered(&mut self.replica, moment) {
                return self.end(id, Err(error.into()));
            }
        }
        running.was_done = !running.is_once();
        if running.is_once() {
            self.end_politely(id, Ok(()));
        } else {
            running.deadline(true, Instant::now());
        }
    }

    fn mind_deadline(&mut self, id: ConnId) {
        let Some(running) = self.sessions.get_mut(&id) else {
            return;
        };
        let now = Instant::now();
        match running.deadline(false, now) {
            Some(due) if due <= now => self.end(id, Err(NodeError::TimedOut)),
            due => self.quiet_due = self.quiet_due.into_iter().chain(due).min(),
        }
    }

    fn close(&mut self, id: ConnId, error: Option<LinkError>) {
        let error = error.map_or(NodeError::Lost, NodeError::Link);
        self.end(id, Err(error));
    }

    fn end_politely(&mut self, id: ConnId, result: Result<(), NodeError>) {
        if let Some(running) = self.sessions.get_mut(&id) {
            running.peer.end();
        }
        self.pump_one(id);
        self.end(id, result);
    }

    fn end(&mut self, id: ConnId, result: Result<(), NodeError>) {
        let Some(running) = self.sessions.remove(&id) else {
            return;
        };
        // Those that are through are forgotten.
        while self.closings.try_join_next().is_some() {}
        if let Some(meeting) = running.last_note(now()) {
            note(&mut self.replica, meeting);
        }
        // Whoever walks away does not wait for an answer.
        let is_leaving = self.is_stopping || running.is_abandoned();
        let patience = if is_leaving && running.way != Way::ToRelay {
            LEAVE_TIMEOUT
        } else {
            CLOSE_TIMEOUT
        };
        let finish = running.finish(&self.replica, result, patience);
        let closing = async move { finish.await.drain().await };
        self.closings.spawn_on(closing, &self.runtime);
        self.tell_present();
    }
}

/// Keeps what a session did; that it could not be kept is no reason to end the session.
fn note(replica: &mut Replica, meeting: Meeting) {
    // A device that was removed keeps nothing any more.
    if !replica.is_removed()
        && let Err(error) = replica.note_meeting(meeting)
    {
        tracing::warn!(%error, "the report of a session could not be kept");
    }
}

impl From<PeerError> for NodeError {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(refusal) => Self::Refused(refusal),
            PeerError::Peer(refusal) => Self::Peer(refusal),
            PeerError::Reborn => Self::Reborn,
            PeerError::Replica(error) => Self::Replica(error),
        }
    }
}

impl From<ReplicaError> for NodeError {
    fn from(error: ReplicaError) -> Self {
        Self::Replica(error)
    }
}
