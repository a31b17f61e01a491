//! The thread that owns the relay: takes what waits as one group, and does what the core says.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use quinn::Connection;
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use sync_core::id::{DeviceId, Millis};
use sync_core::wire::Frame;
use sync_link::Close;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::ledger::Reason;
use crate::limits::GROUP_INPUTS_MAX;
use crate::log::sqlite::SqliteLog;
use crate::metrics::Metrics;
use crate::relay::{ConnId, Effect, Ending, Input, Relay};
use crate::server::connection::Outside;
use crate::server::folder::Folder;
use crate::server::time_of_day;

/// Messages that may wait for the thread; after that, connections wait.
pub(super) const INPUTS_MAX: usize = 4096;

/// How often it is noted who was here: one small transaction.
const NOTE_EVERY: Duration = Duration::from_secs(20);

/// What connections tell the thread.
#[derive(Debug)]
pub(super) enum Message {
    /// A device is connected.
    Open {
        conn: ConnId,
        device: DeviceId,
        wire: Wire,
    },
    /// Something came; the share is its part of the bytes that may be on their way in.
    Input {
        input: Input,
        share: Option<OwnedSemaphorePermit>,
    },
    /// Time has passed.
    Tick,
    /// Say goodbye to everybody and end.
    Stop,
}

/// How the thread reaches a connection.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) outbox: mpsc::Sender<Outgoing>,
    /// One permit for each frame that may be read.
    pub(super) reads: Arc<Semaphore>,
    pub(super) connection: Connection,
}

/// What a connection's task is to write.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A frame; boxed, so that thousands of idle outboxes are small.
    Frame(Box<Frame>),
    /// That was all.
    Close(Ending),
}

pub(super) struct Engine {
    relay: Relay<SqliteLog>,
    wires: HashMap<ConnId, Wire>,
    metrics: Metrics,
    rng: UnwrapErr<SysRng>,
    began: Instant,
    /// Shares of the bytes on their way in whose batches still wait.
    shares: Vec<(ConnId, OwnedSemaphorePermit)>,
    outside: Arc<Outside>,
    noted_at: Instant,
    /// Keeps the folder locked until the log is closed.
    _folder: Folder,
}

impl Engine {
    pub(super) fn new(
        relay: Relay<SqliteLog>,
        folder: Folder,
        metrics: Metrics,
        outside: Arc<Outside>,
    ) -> Self {
        let (wires, rng, began) = (HashMap::new(), UnwrapErr(SysRng), Instant::now());
        Self {
            relay,
            wires,
            metrics,
            rng,
            began,
            shares: Vec::new(),
            outside,
            noted_at: began,
            _folder: folder,
        }
    }

    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Message>, runtime: &Handle) {
        let mut waiting = Vec::with_capacity(GROUP_INPUTS_MAX);
        loop {
            let more = inbox.recv_many(&mut waiting, GROUP_INPUTS_MAX);
            let is_over = match self.relay.wants_turn() {
                None => runtime.block_on(more) == 0,
                Some(millis) => runtime.block_on(async {
                    tokio::select! {
                        biased;
                        came = more => came == 0,
                        () = tokio::time::sleep(Duration::from_millis(millis)) => false,
                    }
                }),
            };
            if is_over || self.group(&mut waiting) {
                return;
            }
        }
    }

    /// One group; says whether the relay is to stop.
    fn group(&mut self, waiting: &mut Vec<Message>) -> bool {
        let started = Instant::now();
        let mut inputs = Vec::with_capacity(waiting.len());
        let mut stop = false;
        for message in waiting.drain(..) {
            match message {
                Message::Open { conn, device, wire } => {
                    self.wires.insert(conn, wire);
                    inputs.push(Input::Connected { conn, device });
                }
                Message::Input { input, share } => {
                    if let Input::Closed { conn } = &input {
                        self.wires.remove(conn);
                    }
                    if let Input::Frame { conn, .. } = &input {
                        self.shares.extend(share.map(|share| (*conn, share)));
                    }
                    inputs.push(input);
                }
                Message::Tick => {}
                Message::Stop => stop = true,
            }
        }
        let count = inputs.len();
        let now = Millis(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX));
        let effects = self.relay.handle(inputs, now, &mut self.rng);
        let relay = &self.relay;
        self.shares.retain(|(conn, _)| relay.is_behind(*conn));
        effects.into_iter().for_each(|effect| self.act(effect));
        self.metrics.observe(&self.relay, count, started.elapsed());
        if stop {
            self.relay
                .shut_down()
                .into_iter()
                .for_each(|effect| self.act(effect));
        }
        if stop || self.noted_at.elapsed() >= NOTE_EVERY {
            self.note(now, stop);
        }
        stop
    }

    /// Writes down what an operator is told; what cannot be written now is written the next time.
    fn note(&mut self, now: Millis, is_last: bool) {
        self.noted_at = Instant::now();
        let counted = [
            (Reason::Unanswered, &self.outside.unanswered),
            (Reason::TooSlow, &self.outside.too_slow),
        ];
        for (reason, times) in counted {
            self.relay
                .count_refused(reason, times.swap(0, Ordering::Relaxed));
        }
        while let Some(notes) = self.relay.notes(now) {
            if let Err(error) = self.relay.log_mut().note(&notes, time_of_day()) {
                tracing::warn!(%error, "who was here could not be noted");
                return;
            }
            self.relay.noted(&notes);
            if !is_last {
                return;
            }
        }
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Send { conn, frame } => {
                let Some(wire) = self.wires.get(&conn) else {
                    return;
                };
                // The outbox has room for all that the core sends at once; if the task has ended,
                // its farewell is on its way here.
                let _gone = wire.outbox.try_send(Outgoing::Frame(Box::new(frame)));
            }
            Effect::Read { conn } => {
                if let Some(wire) = self.wires.get(&conn) {
                    wire.reads.add_permits(1);
                }
            }
            Effect::Close { conn, ending } => {
                let Some(wire) = self.wires.remove(&conn) else {
                    return;
                };
                match ending {
                    // Its outbox would never empty.
                    Ending::TooSlow => wire.connection.close(Close::TooSlow.code(), b""),
                    Ending::Done | Ending::Refused(_) | Ending::ShuttingDown => {
                        let _gone = wire.outbox.try_send(Outgoing::Close(ending));
                    }
                }
            }
        }
    }
}
