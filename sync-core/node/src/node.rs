//! The handle that apps hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use sync_core::keys::DeviceKeys;
use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::roster::ticket::RelayAddr;
use sync_core::wire::Refusal;
use sync_link::LinkError;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::connection::Wired;
use crate::driver::{ConnId, Driver, INPUTS_MAX, Input, Opened, Progress};
use crate::report::SyncReport;

/// How long one sync may take before it is given up; what was durable by then stays.
pub const SYNC_TIMEOUT: Duration = Duration::from_secs(600);
/// How often a sync begins anew when a restored store has had to take a new name.
const REBIRTHS_MAX: usize = 3;

/// Why something with a node did not work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NodeError {
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The connection ended before everything was exchanged.
    #[error("the connection ended before everything was exchanged; what came is kept, try again")]
    Lost,
    /// The data folder names no relay.
    #[error("this community has no relay; give one with --relay")]
    NoRelay,
    /// The other side broke the protocol.
    #[error("the other side broke the protocol: {0}")]
    Peer(Refusal),
    /// This store was restored from a backup and has taken a new name; trying again will do.
    #[error("this store was restored from a backup and goes on under a new name; try again")]
    Reborn,
    /// The other side refused.
    #[error("{0}")]
    Refused(Refusal),
    /// Ours failed.
    #[error(transparent)]
    Replica(ReplicaError),
    /// The node has been stopped.
    #[error("the node has been stopped")]
    Stopped,
    /// It took too long.
    #[error("the sync took too long and was given up; what came is kept, try again")]
    TimedOut,
}

/// A replica at work. Dropping it stops its thread after what is in hand.
#[derive(Debug)]
pub struct Node {
    inputs: mpsc::Sender<Input>,
    keys: Arc<DeviceKeys>,
    runtime: Handle,
    connections: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    /// Puts a replica to work. `runtime` carries its connections.
    #[must_use]
    pub fn start(replica: Replica, keys: Arc<DeviceKeys>, runtime: Handle) -> Self {
        let (inputs, receiver) = mpsc::channel(INPUTS_MAX);
        let driver_runtime = runtime.clone();
        let thread = std::thread::Builder::new()
            .name("banyan-node".to_owned())
            .spawn(move || Driver::new(replica, receiver, driver_runtime).run())
            .ok();
        Self {
            inputs,
            keys,
            runtime,
            connections: AtomicU64::new(0),
            thread,
        }
    }

    /// Does something with the replica, in turn with everything else; edits go out while live.
    ///
    /// # Errors
    /// [`NodeError::Stopped`]; what `action` returns is its own affair.
    pub async fn call<T: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Replica, &mut Moment<'_>) -> T + Send + 'static,
    ) -> Result<T, NodeError> {
        let (answer, answered) = oneshot::channel();
        let call = Box::new(move |replica: &mut Replica, moment: &mut Moment<'_>| {
            // Nobody waits any more if the caller was cancelled; the work is done all the same.
            drop(answer.send(action(replica, moment)));
        });
        self.inputs
            .send(Input::Call(call))
            .await
            .map_err(|_| NodeError::Stopped)?;
        answered.await.map_err(|_| NodeError::Stopped)
    }

    /// Exchanges everything with every relay once.
    ///
    /// # Errors
    /// If no relay could be synced with; one that could is enough, the others are in `refused`.
    pub async fn sync_once(&self) -> Result<SyncReport, NodeError> {
        let relays = self.call(|replica, _| replica.relays().to_vec()).await?;
        let mut total: Option<SyncReport> = None;
        let mut failed = None;
        for relay in &relays {
            match self.sync_with(relay, None).await {
                Ok(report) => match &mut total {
                    Some(total) => total.add(&report),
                    None => total = Some(report),
                },
                Err(error) => failed = Some(error),
            }
        }
        match (total, failed) {
            (Some(mut total), failed) => {
                total.refused.extend(failed.map(|error| error.to_string()));
                Ok(total)
            }
            (None, failed) => Err(failed.unwrap_or(NodeError::NoRelay)),
        }
    }

    /// Exchanges everything with one relay once, telling how it goes.
    ///
    /// # Errors
    /// [`NodeError`]; what was durable before stays.
    pub async fn sync_with(
        &self,
        relay: &RelayAddr,
        mut progress: Option<ProgressFn>,
    ) -> Result<SyncReport, NodeError> {
        for _ in 0..REBIRTHS_MAX {
            let progress = progress.take().map(|mut tell| {
                Box::new(move |state: &crate::driver::SessionState| {
                    tell(&state.report, state.announced);
                }) as Progress
            });
            let ended = self.open(relay, true, progress).await?;
            let result = tokio::time::timeout(SYNC_TIMEOUT, ended).await;
            match result
                .map_err(|_| NodeError::TimedOut)?
                .map_err(|_| NodeError::Stopped)?
            {
                Err(NodeError::Reborn) => {}
                result => return result,
            }
        }
        Err(NodeError::Reborn)
    }

    /// Begins a session; the receiver hears when it has ended.
    pub(crate) async fn open(
        &self,
        relay: &RelayAddr,
        is_once: bool,
        progress: Option<Progress>,
    ) -> Result<oneshot::Receiver<Result<SyncReport, NodeError>>, NodeError> {
        let id = ConnId(self.connections.fetch_add(1, Ordering::Relaxed));
        let keys = Arc::clone(&self.keys);
        let wired = Wired::dial(relay, keys, id, self.inputs.clone()).await?;
        let (ended, hears) = oneshot::channel();
        let opened = Opened {
            id,
            wired,
            relay: relay.relay.to_string(),
            is_once,
            progress,
            ended,
        };
        let input = Input::Opened(Box::new(opened));
        self.inputs
            .send(input)
            .await
            .map_err(|_| NodeError::Stopped)?;
        Ok(hears)
    }

    pub(crate) async fn look_again(&self) -> Result<(), NodeError> {
        self.inputs
            .send(Input::LookAgain)
            .await
            .map_err(|_| NodeError::Stopped)
    }

    /// The runtime that carries the node's connections.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Ends all sessions and the thread, and waits for it.
    pub async fn stop(mut self) {
        let _gone = self.inputs.send(Input::Stop).await;
        if let Some(thread) = self.thread.take() {
            let _joined = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// Hears how a sync goes: the report so far, and how many entries were announced.
pub type ProgressFn = Box<dyn FnMut(&SyncReport, u64) + Send>;

impl Drop for Node {
    fn drop(&mut self) {
        // The thread ends when it has taken this, or when it finds that nobody holds the node.
        let _full_or_gone = self.inputs.try_send(Input::Stop);
    }
}
