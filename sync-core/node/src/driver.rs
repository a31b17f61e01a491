//! The driver: one thread that owns the replica and takes one input after the other.
//!
//! Frames that wait are taken together, per connection, up to a bound: so batches that come faster
//! than the disk takes them end in few large transactions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sync_core::id::Millis;
use sync_core::peer::{Peer, PeerError, moment};
use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::wire::{Frame, PeerKind};
use sync_link::{Incoming, LinkError};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::connection::{Held, Traffic, Wired};
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
pub(crate) type Progress = Box<dyn FnMut(&SessionState) + Send>;

/// How a session stands.
#[derive(Debug, Clone)]
pub(crate) struct SessionState {
    pub(crate) report: SyncReport,
    pub(crate) announced: u64,
    pub(crate) is_done: bool,
}

pub(crate) enum Input {
    Call(Call),
    Opened(Box<Opened>),
    Frame {
        id: ConnId,
        held: Held,
    },
    /// An outbox has room again.
    Writable,
    Closed {
        id: ConnId,
        error: Option<LinkError>,
    },
    /// Another program may have written to the store.
    LookAgain,
    Stop,
}

/// A connection for the driver to run a session on.
pub(crate) struct Opened {
    pub(crate) id: ConnId,
    pub(crate) wired: Wired,
    pub(crate) relay: String,
    /// The session ends once both sides have everything; otherwise it stays live.
    pub(crate) is_once: bool,
    pub(crate) progress: Option<Progress>,
    pub(crate) ended: oneshot::Sender<Result<SyncReport, NodeError>>,
}

struct Running {
    peer: Peer,
    wired: Wired,
    relay: String,
    is_once: bool,
    was_done: bool,
    progress: Option<Progress>,
    ended: oneshot::Sender<Result<SyncReport, NodeError>>,
    /// A frame that the outbox had no room for.
    stuck: Option<Frame>,
}

pub(crate) struct Driver {
    replica: Replica,
    inputs: mpsc::Receiver<Input>,
    sessions: BTreeMap<ConnId, Running>,
    runtime: Handle,
    rng: rand::rngs::ThreadRng,
    sealed_at: Option<Instant>,
    seal_due: Option<Instant>,
}

/// The device's clock.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Driver {
    pub(crate) fn new(replica: Replica, inputs: mpsc::Receiver<Input>, runtime: Handle) -> Self {
        Self {
            replica,
            inputs,
            sessions: BTreeMap::new(),
            runtime,
            rng: rand::rng(),
            sealed_at: None,
            seal_due: None,
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
                    Input::Opened(opened) => self.open(*opened),
                    Input::Writable => {}
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
            self.pump();
            if is_stopped {
                break;
            }
        }
        for (_, running) in std::mem::take(&mut self.sessions) {
            self.finish(running, Err(NodeError::Stopped));
        }
    }

    /// Waits for an input, then takes along all that wait already; empty at the time to seal.
    fn next_inputs(&mut self) -> Option<Vec<Input>> {
        let due = self.seal_due;
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
        if let Err(error) = self.replica.refresh() {
            tracing::warn!(%error, "the store could not be read again");
        }
        self.replica.seal_edits_at_once(self.may_seal_now());
        let before = self.replica.sealed_count();
        call(&mut self.replica, &mut moment(now(), &mut self.rng));
        if self.replica.sealed_count() != before {
            self.sealed_at = Some(Instant::now());
        }
        self.plan_seal();
    }

    fn look_again(&mut self) {
        match self.replica.refresh() {
            Ok(true) => self.plan_seal(),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the store could not be read again"),
        }
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

    fn open(&mut self, opened: Opened) {
        let Opened {
            id,
            wired,
            relay,
            is_once,
            progress,
            ended,
        } = opened;
        match Peer::dial(&self.replica, wired.peer, PeerKind::Relay, &mut self.rng) {
            Ok(peer) => {
                let running = Running {
                    peer,
                    wired,
                    relay,
                    is_once,
                    was_done: false,
                    progress,
                    ended,
                    stuck: None,
                };
                self.sessions.insert(id, running);
            }
            Err(error) => drop(ended.send(Err(error.into()))),
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
            for (other, running) in &mut self.sessions {
                if *other != id
                    && let Err(error) = running.peer.roster_changed(&self.replica)
                {
                    tracing::warn!(%error, "a session could not follow the roster");
                }
            }
        }
    }

    fn pump(&mut self) {
        let ids: Vec<ConnId> = self.sessions.keys().copied().collect();
        for id in ids {
            self.pump_one(id);
            self.tell(id);
        }
    }

    /// Sends what a session has to say, as far as its outbox takes it.
    fn pump_one(&mut self, id: ConnId) {
        let Some(running) = self.sessions.get_mut(&id) else {
            return;
        };
        loop {
            let frame = match running.stuck.take() {
                Some(frame) => Some(frame),
                None => match running.peer.poll_transmit(&self.replica) {
                    Ok(frame) => frame,
                    Err(error) => return self.end(id, Err(error.into())),
                },
            };
            let Some(frame) = frame else { return };
            running
                .wired
                .traffic
                .is_awaited
                .store(true, Ordering::Release);
            if let Err(error) = running.wired.outbox.try_send(frame) {
                // Full: the writer says when there is room. Closed: the reader says why.
                let (mpsc::error::TrySendError::Full(frame)
                | mpsc::error::TrySendError::Closed(frame)) = error;
                running.stuck = Some(frame);
                return;
            }
            running
                .wired
                .traffic
                .is_awaited
                .store(false, Ordering::Release);
        }
    }

    /// Tells whoever listens how the session stands, and ends it if it was for once.
    fn tell(&mut self, id: ConnId) {
        let Some(running) = self.sessions.get_mut(&id) else {
            return;
        };
        let is_done = running.stuck.is_none()
            && running.peer.is_done(&self.replica)
            && !matches!(self.replica.pending_count(), Ok(pending) if pending > 0 && self.seal_due.is_some());
        if let Some(progress) = &mut running.progress {
            let state = SessionState {
                report: report(
                    &self.replica,
                    &running.peer,
                    &running.relay,
                    &running.wired.traffic,
                ),
                announced: running.peer.report().announced.entries,
                is_done,
            };
            progress(&state);
        }
        if !is_done {
            return;
        }
        if !running.was_done
            && let Err(error) = running.peer.note_delivered(&mut self.replica)
        {
            return self.end(id, Err(error.into()));
        }
        running.was_done = !running.is_once;
        if running.is_once {
            running.peer.end();
            self.pump_one(id);
            self.end(id, Ok(()));
        }
    }

    fn close(&mut self, id: ConnId, error: Option<LinkError>) {
        let error = error.map_or(NodeError::Lost, NodeError::Link);
        self.end(id, Err(error));
    }

    fn end(&mut self, id: ConnId, result: Result<(), NodeError>) {
        if let Some(running) = self.sessions.remove(&id) {
            self.finish(running, result);
        }
    }

    fn finish(&self, running: Running, result: Result<(), NodeError>) {
        let report = report(
            &self.replica,
            &running.peer,
            &running.relay,
            &running.wired.traffic,
        );
        // Whoever waits hears the result once the last frame is out.
        self.runtime.spawn(async move {
            let closing = running.wired.close().await;
            drop(running.ended.send(result.map(|()| report)));
            closing.drain().await;
        });
    }
}

fn report(replica: &Replica, peer: &Peer, relay: &str, traffic: &Arc<Traffic>) -> SyncReport {
    let bytes = (
        traffic.sent.load(Ordering::Relaxed),
        traffic.received.load(Ordering::Relaxed),
    );
    SyncReport::new(replica, relay.to_owned(), &peer.report(), bytes)
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
