//! Staying live: a session with every relay, begun again with growing pauses when it ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sync_core::roster::ticket::RelayAddr;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::driver::SessionState;
use crate::node::{Node, NodeError};
use crate::pace::Pace;
use crate::report::SyncReport;

/// How often it is looked whether another program wrote to the store.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What has happened since it was last asked; several happenings of one kind come as one.
///
/// Ticks that may have moved are happenings too: then [`SyncReport::ticks`] has risen.
#[derive(Debug, Clone)]
pub enum LiveEvent {
    /// Both sides have everything; the counts since the session began.
    CaughtUp(SyncReport),
    /// More has come or gone; the counts since the session began.
    Moving(SyncReport),
    /// No relay is reached now; it is tried again.
    Offline {
        /// Why.
        error: NodeError,
        /// How long until it is tried again.
        retry_in: Duration,
        /// Whether trying again can hardly help before somebody does something.
        is_final: bool,
    },
}

impl LiveEvent {
    fn of(state: SessionState) -> Self {
        if state.is_done {
            Self::CaughtUp(state.report)
        } else {
            Self::Moving(state.report)
        }
    }
}

#[derive(Debug, Default)]
struct Board {
    latest: Mutex<Option<LiveEvent>>,
    changed: Notify,
    /// The node has stopped: nothing more will happen.
    is_over: AtomicBool,
}

impl Board {
    fn post(&self, event: LiveEvent) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(event);
        self.changed.notify_one();
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    fn take(&self) -> Option<LiveEvent> {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Live sessions with all relays; dropping it ends them.
#[derive(Debug)]
pub struct Live {
    board: Arc<Board>,
    _tasks: JoinSet<()>,
}

impl Live {
    /// Goes live.
    ///
    /// # Errors
    /// [`NodeError::NoRelay`] or [`NodeError::Stopped`].
    pub async fn start(node: Arc<Node>) -> Result<Self, NodeError> {
        let relays = node.call(|replica, _| replica.relays().to_vec()).await?;
        if relays.is_empty() {
            return Err(NodeError::NoRelay);
        }
        Ok(Self::begin(node, relays))
    }

    /// The same, also where no relay is known: then only what other programs write is looked at.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub async fn start_or_wait(node: Arc<Node>) -> Result<Self, NodeError> {
        let relays = node.call(|replica, _| replica.relays().to_vec()).await?;
        Ok(Self::begin(node, relays))
    }

    fn begin(node: Arc<Node>, relays: Vec<RelayAddr>) -> Self {
        let board = Arc::new(Board::default());
        let mut tasks = JoinSet::new();
        let runtime = node.runtime().clone();
        for relay in relays {
            tasks.spawn_on(stay(Arc::clone(&node), relay, Arc::clone(&board)), &runtime);
        }
        let over = Arc::clone(&board);
        tasks.spawn_on(
            async move {
                look(node).await;
                over.end();
            },
            &runtime,
        );
        Self {
            board,
            _tasks: tasks,
        }
    }

    /// The next event; the newest of those that came since the last call.
    ///
    /// # Errors
    /// [`NodeError::Stopped`] once the node has stopped and all has been told.
    pub async fn next_event(&self) -> Result<LiveEvent, NodeError> {
        loop {
            if let Some(event) = self.board.take() {
                return Ok(event);
            }
            if self.board.is_over.load(Ordering::Acquire) {
                return Err(NodeError::Stopped);
            }
            self.board.changed.notified().await;
        }
    }
}

/// Looks at what other programs wrote, as long as the node runs.
pub(crate) async fn look(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        if node.look_again().await.is_err() {
            return;
        }
    }
}

async fn stay(node: Arc<Node>, relay: RelayAddr, board: Arc<Board>) {
    let mut pace = Pace::new();
    loop {
        let was_done = Arc::new(AtomicBool::new(false));
        let (posts, done) = (Arc::clone(&board), Arc::clone(&was_done));
        let progress = Box::new(move |state: SessionState| {
            done.fetch_or(state.is_done, Ordering::Relaxed);
            posts.post(LiveEvent::of(state));
        });
        let ended = match node.open(&relay, false, Some(progress)).await {
            Ok(attending) => attending.end().await,
            Err(error) => Err(error),
        };
        let error = ended.err().unwrap_or(NodeError::Lost);
        if error == NodeError::Stopped {
            return board.end();
        }
        let retry_in = pace.after(&error, was_done.load(Ordering::Relaxed));
        let is_final = !error.is_passing();
        board.post(LiveEvent::Offline {
            error,
            retry_in,
            is_final,
        });
        tokio::time::sleep(retry_in).await;
    }
}
