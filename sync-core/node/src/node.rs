//! The handle that apps hold.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use sync_core::id::DeviceId;
use sync_core::keys::DeviceKeys;
use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::roster::ticket::RelayAddr;
use sync_core::store::StoreError;
use sync_core::wire::{PeerKind, Refusal};
use sync_link::LinkError;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::connection::{Link, Wired, Witness};
use crate::driver::{
    Begin, ConnId, Driver, INPUTS_MAX, Input, Opened, Progress, SessionState, Told,
};
use crate::keep_alive::{KEEP_ALIVE_FIRST, Shown};
use crate::report::SyncReport;

/// How often a sync begins anew when a restored store has had to take a new name.
pub(crate) const REBIRTHS_MAX: usize = 3;

/// Why something with a node did not work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NodeError {
    /// There is a live session with that device already.
    #[error("this device is in touch with that one already")]
    AlreadyMet,
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
    /// Whoever answers, or whom a code names, is no other device of this community.
    #[error("what answers there is no device of this community that this device knows of")]
    Stranger,
    /// The node has been stopped.
    #[error("the node has been stopped")]
    Stopped,
    /// The other side fell silent before everything was exchanged.
    #[error("the other side fell silent and was given up; what came is kept, try again")]
    TimedOut,
}

impl NodeError {
    /// Whether trying again later may help although nobody does anything about it.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Link(error) => error.is_passing(),
            Self::AlreadyMet | Self::Lost | Self::Reborn | Self::TimedOut => true,
            Self::Refused(refusal) => refusal.is_passing(),
            Self::Replica(error) => matches!(error, ReplicaError::Store(StoreError::Busy)),
            Self::NoRelay | Self::Peer(_) | Self::Stopped | Self::Stranger => false,
        }
    }
}

/// A replica at work. Dropping it stops its thread after what is in hand.
#[derive(Debug)]
pub struct Node {
    inputs: mpsc::Sender<Input>,
    keys: Arc<DeviceKeys>,
    runtime: Handle,
    connections: AtomicU64,
    changes: watch::Receiver<u64>,
    present: watch::Receiver<BTreeSet<DeviceId>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    /// Puts a replica to work. `runtime` carries its connections.
    #[must_use]
    pub fn start(replica: Replica, keys: Arc<DeviceKeys>, runtime: Handle) -> Self {
        let (inputs, receiver) = mpsc::channel(INPUTS_MAX);
        let driver_runtime = runtime.clone();
        let (count, changes) = watch::channel(replica.change_count());
        let (here, present) = watch::channel(BTreeSet::new());
        let told = Told {
            changes: count,
            present: here,
        };
        let thread = std::thread::Builder::new()
            .name("banyan-node".to_owned())
            .spawn(move || Driver::new(replica, receiver, driver_runtime, told).run())
            .ok();
        Self {
            inputs,
            keys,
            runtime,
            connections: AtomicU64::new(0),
            changes,
            present,
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
    /// If no relay could be synced with; one that could is enough, the others are in `unreached`.
    pub async fn sync_once(&self) -> Result<SyncReport, NodeError> {
        let relays = self.call(|replica, _| replica.relays().to_vec()).await?;
        let mut total: Option<SyncReport> = None;
        let mut unreached = Vec::new();
        for relay in relays {
            match (self.sync_with(&relay, None).await, &mut total) {
                (Ok(report), Some(total)) => total.add(&report),
                (Ok(report), None) => total = Some(report),
                (Err(error), _) => unreached.push((relay, error)),
            }
        }
        match total {
            Some(total) => Ok(SyncReport { unreached, ..total }),
            None => Err(unreached
                .pop()
                .map_or(NodeError::NoRelay, |(_, error)| error)),
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
                Box::new(move |state: SessionState| tell(&state.report, state.announced))
                    as Progress
            });
            let opened = self.open(relay, true, KEEP_ALIVE_FIRST, progress);
            match opened.await?.end().await {
                Err(NodeError::Reborn) => {}
                result => return result,
            }
        }
        Err(NodeError::Reborn)
    }

    /// Begins a session, which lasts as long as somebody waits for its end.
    pub(crate) async fn open(
        &self,
        relay: &RelayAddr,
        is_once: bool,
        keep_alive: Duration,
        progress: Option<Progress>,
    ) -> Result<Attending, NodeError> {
        let id = self.next_id();
        let keys = Arc::clone(&self.keys);
        let wired = Wired::dial(relay, keys, id, self.inputs.clone(), keep_alive).await?;
        let begin = Begin::Dialled(PeerKind::Relay);
        self.attend(id, wired, begin, is_once, progress).await
    }

    fn next_id(&self) -> ConnId {
        ConnId(self.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// The keys of the device, for connections.
    pub(crate) fn keys(&self) -> Arc<DeviceKeys> {
        Arc::clone(&self.keys)
    }

    /// With which members' devices there are live sessions.
    pub(crate) fn present(&self) -> watch::Receiver<BTreeSet<DeviceId>> {
        self.present.clone()
    }

    /// Begins a session with a member's device, as [`Node::open`] does with a relay.
    pub(crate) async fn open_with(
        &self,
        link: Link,
        begin: Begin,
        is_once: bool,
        progress: Option<Progress>,
    ) -> Result<Attending, NodeError> {
        let id = self.next_id();
        let wired = Wired::over(link, id, self.inputs.clone());
        self.attend(id, wired, begin, is_once, progress).await
    }

    async fn attend(
        &self,
        id: ConnId,
        wired: Wired,
        begin: Begin,
        is_once: bool,
        progress: Option<Progress>,
    ) -> Result<Attending, NodeError> {
        let witness = wired.witness();
        let (ended, hears) = oneshot::channel();
        let opened = Box::new(Opened {
            relay: wired.peer.to_string(),
            wired,
            is_once,
            progress,
            ended,
        });
        self.inputs
            .send(Input::Opened { id, begin, opened })
            .await
            .map_err(|_| NodeError::Stopped)?;
        Ok(Attending {
            ended: hears,
            inputs: self.inputs.clone(),
            witness,
        })
    }

    /// Tells whenever something may have been written: by a call, by what came, by another program.
    /// Several times in quick succession come as one; the number means nothing.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Looks whether another program has written to the store, as live sessions do by themselves.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn look_again(&self) -> Result<(), NodeError> {
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

    /// Says goodbye in all sessions, ends the thread, and waits for it.
    pub async fn stop(mut self) {
        let _gone = self.inputs.send(Input::Stop).await;
        if let Some(thread) = self.thread.take() {
            let _joined = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// Waits for the end of a session; whoever stops waiting ends it.
#[must_use]
pub(crate) struct Attending {
    ended: oneshot::Receiver<Result<SyncReport, NodeError>>,
    inputs: mpsc::Sender<Input>,
    witness: Witness,
}

impl Attending {
    pub(crate) async fn end(mut self) -> Result<SyncReport, NodeError> {
        self.ended().await
    }

    /// The same, for who may stop waiting and begin again.
    pub(crate) async fn ended(&mut self) -> Result<SyncReport, NodeError> {
        (&mut self.ended).await.unwrap_or(Err(NodeError::Stopped))
    }

    pub(crate) fn shown(&self) -> Shown {
        self.witness.shown()
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        self.ended.close();
        // The driver sees it at its next turn; if its inputs are full, that comes without this.
        let _full_or_gone = self.inputs.try_send(Input::Wake);
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
