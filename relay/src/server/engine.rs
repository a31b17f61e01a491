//! The thread that owns the relay: takes what waits as one group, and does what the core says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use quinn::Connection;
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use sync_core::id::{DeviceId, Millis};
use sync_core::wire::Frame;
use sync_link::Close;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::limits::GROUP_INPUTS_MAX;
use crate::log::sqlite::SqliteLog;
use crate::metrics::Metrics;
use crate::relay::{ConnId, Effect, Ending, Input, Relay};
use crate::server::folder::Folder;

/// Messages that may wait for the thread; after that, connections wait.
pub(super) const INPUTS_MAX: usize = 4096;

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
    /// Keeps the folder locked until the log is closed.
    _folder: Folder,
}

impl Engine {
    pub(super) fn new(relay: Relay<SqliteLog>, folder: Folder, metrics: Metrics) -> Self {
        let (wires, rng, began) = (HashMap::new(), UnwrapErr(SysRng), Instant::now());
        Self {
            relay,
            wires,
            metrics,
            rng,
            began,
            _folder: folder,
        }
    }

    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut waiting = Vec::with_capacity(GROUP_INPUTS_MAX);
        loop {
            if inbox.blocking_recv_many(&mut waiting, GROUP_INPUTS_MAX) == 0 {
                return;
            }
            if self.group(&mut waiting) {
                return;
            }
        }
    }

    /// One group; says whether the relay is to stop.
    fn group(&mut self, waiting: &mut Vec<Message>) -> bool {
        let started = Instant::now();
        let mut inputs = Vec::with_capacity(waiting.len());
        let mut shares = Vec::new();
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
                    shares.extend(share);
                    inputs.push(input);
                }
                Message::Tick => {}
                Message::Stop => stop = true,
            }
        }
        let count = inputs.len();
        let now = Millis(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX));
        let effects = self.relay.handle(inputs, now, &mut self.rng);
        drop(shares);
        effects.into_iter().for_each(|effect| self.act(effect));
        self.metrics.observe(&self.relay, count, started.elapsed());
        if stop {
            self.relay
                .shut_down()
                .into_iter()
                .for_each(|effect| self.act(effect));
        }
        stop
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
