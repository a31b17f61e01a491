//! Staying live: a session with every relay, begun again with growing pauses when it ends.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use sync_core::roster::ticket::RelayAddr;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::driver::SessionState;
use crate::node::{Node, NodeError};
use crate::report::SyncReport;

/// The shortest pause before a relay is dialled again.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether another program wrote to the store.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What has happened since it was last asked; several happenings of one kind come as one.
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
        /// Whether trying again cannot help before somebody does something.
        is_final: bool,
    },
}

#[derive(Debug, Default)]
struct Board {
    latest: Mutex<Option<LiveEvent>>,
    changed: Notify,
}

impl Board {
    fn post(&self, event: LiveEvent) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(event);
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
        let board = Arc::new(Board::default());
        let mut tasks = JoinSet::new();
        let runtime = node.runtime().clone();
        for relay in relays {
            tasks.spawn_on(stay(Arc::clone(&node), relay, Arc::clone(&board)), &runtime);
        }
        tasks.spawn_on(look(node), &runtime);
        Ok(Self {
            board,
            _tasks: tasks,
        })
    }

    /// The next event; the newest of those that came since the last call.
    pub async fn next_event(&self) -> LiveEvent {
        loop {
            if let Some(event) = self.board.take() {
                return event;
            }
            self.board.changed.notified().await;
        }
    }
}

async fn look(node: Arc<Node>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        if node.look_again().await.is_err() {
            return;
        }
    }
}

async fn stay(node: Arc<Node>, relay: RelayAddr, board: Arc<Board>) {
    let pauses = || {
        ExponentialBuilder::default()
            .with_min_delay(PAUSE_MIN)
            .with_max_delay(PAUSE_MAX)
            .with_jitter()
            .without_max_times()
            .build()
    };
    let mut pause = pauses();
    loop {
        let posts = Arc::clone(&board);
        let mut last = None;
        let progress = Box::new(move |state: &SessionState| {
            let seen = (state.is_done, state.report.sent, state.report.received);
            if last.replace(seen) == Some(seen) {
                return;
            }
            let report = state.report.clone();
            let event = if state.is_done {
                LiveEvent::CaughtUp(report)
            } else {
                LiveEvent::Moving(report)
            };
            posts.post(event);
        });
        let error = match node.open(&relay, false, Some(progress)).await {
            Ok(ended) => {
                pause = pauses();
                match ended.await {
                    Ok(Ok(_)) => NodeError::Lost,
                    Ok(Err(error)) => error,
                    Err(_) => NodeError::Stopped,
                }
            }
            Err(error) => error,
        };
        if matches!(error, NodeError::Stopped) {
            return;
        }
        let retry_in = if matches!(error, NodeError::Reborn) {
            Duration::ZERO
        } else {
            pause.next().unwrap_or(PAUSE_MAX)
        };
        let is_final = matches!(
            &error,
            NodeError::Refused(refusal) if !matches!(
                refusal,
                sync_core::wire::Refusal::Busy
                    | sync_core::wire::Refusal::Internal
                    | sync_core::wire::Refusal::ShuttingDown
            )
        );
        board.post(LiveEvent::Offline {
            error,
            retry_in,
            is_final,
        });
        tokio::time::sleep(retry_in).await;
    }
}
