//! Staying live: a session with every relay, begun again with growing pauses when it ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sync_core::roster::ticket::RelayAddr;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::driver::{Progress, SessionState};
use crate::keep_alive::{KEEP_ALIVE_FIRST, KEEP_ALIVE_MAX, KeepAlive};
use crate::node::{Attending, Node, NodeError};
use crate::pace::{PAUSE_MAX, PAUSE_MAX_AT_DESK, Pace};
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

/// How sparing a device is with packets.
#[derive(Debug, Clone, Copy)]
struct Thrift {
    /// The longest pause in keeping the way to a relay open.
    keep_alive: Duration,
    /// The longest pause before a relay that does not answer is dialled again.
    pause: Duration,
}

/// Packets cost nothing here, and somebody may be waiting.
const AT_DESK: Thrift = Thrift {
    keep_alive: KEEP_ALIVE_FIRST,
    pause: PAUSE_MAX_AT_DESK,
};
/// Every packet wakes a radio.
const ON_PHONE: Thrift = Thrift {
    keep_alive: KEEP_ALIVE_MAX,
    pause: PAUSE_MAX,
};

/// Live sessions with all relays, also with those that are named later; dropping it ends them.
#[derive(Debug)]
pub struct Live {
    board: Arc<Board>,
    tasks: JoinSet<()>,
}

impl Live {
    /// Goes live.
    ///
    /// # Errors
    /// [`NodeError::NoRelay`] or [`NodeError::Stopped`].
    pub async fn start(node: Arc<Node>) -> Result<Self, NodeError> {
        require_relay(&node).await?;
        Ok(Self::start_or_wait(node))
    }

    /// The same, also where no relay is known: until there is one, only what other programs write is
    /// looked at.
    #[must_use]
    pub fn start_or_wait(node: Arc<Node>) -> Self {
        let mut live = Self::meet(&node, AT_DESK);
        let runtime = node.runtime().clone();
        let over = Arc::clone(&live.board);
        let look = async move {
            look(node).await;
            over.end();
        };
        live.tasks.spawn_on(look, &runtime);
        live
    }

    /// Goes live where no other program writes to the store, as on a phone: nothing wakes up to look whether
    /// one has.
    ///
    /// # Errors
    /// As [`Live::start`].
    pub async fn start_alone(node: Arc<Node>) -> Result<Self, NodeError> {
        require_relay(&node).await?;
        Ok(Self::meet(&node, ON_PHONE))
    }

    fn meet(node: &Arc<Node>, thrift: Thrift) -> Self {
        let board = Arc::new(Board::default());
        let mut tasks = JoinSet::new();
        let runtime = node.runtime().clone();
        let follow = follow(Arc::clone(node), thrift, Arc::clone(&board));
        tasks.spawn_on(follow, &runtime);
        Self { board, tasks }
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

async fn require_relay(node: &Node) -> Result<(), NodeError> {
    let has_none = node.call(|replica, _| replica.relays().is_empty());
    if has_none.await? {
        return Err(NodeError::NoRelay);
    }
    Ok(())
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

/// Stays with the relays that the community has now, whatever other devices or people change about them.
async fn follow(node: Arc<Node>, thrift: Thrift, board: Arc<Board>) {
    let mut changes = node.changes();
    // A set that is dropped ends its task.
    let mut staying: BTreeMap<RelayAddr, JoinSet<()>> = BTreeMap::new();
    loop {
        let Ok(relays) = node.call(|replica, _| replica.relays().to_vec()).await else {
            return board.end();
        };
        staying.retain(|relay, _| relays.contains(relay));
        for relay in relays {
            let (node, board) = (Arc::clone(&node), Arc::clone(&board));
            staying.entry(relay.clone()).or_insert_with(|| {
                let mut task = JoinSet::new();
                let runtime = node.runtime().clone();
                task.spawn_on(stay(node, relay, thrift, board), &runtime);
                task
            });
        }
        if changes.changed().await.is_err() {
            return board.end();
        }
    }
}

/// How a session with a relay was left.
enum Left {
    Ended(NodeError),
    /// It did well, and goes on in a connection that is kept open in another way.
    ForBetter,
}

async fn stay(node: Arc<Node>, relay: RelayAddr, thrift: Thrift, board: Arc<Board>) {
    let mut pace = Pace::up_to(thrift.pause);
    let mut keep = KeepAlive::up_to(thrift.keep_alive);
    loop {
        // Once it has had everything, and whether it has now.
        let (was_done, is_done) = (Arc::default(), Arc::default());
        let progress = posting(
            Arc::clone(&board),
            Arc::clone(&was_done),
            Arc::clone(&is_done),
        );
        let left = match node.open(&relay, false, keep.pause(), Some(progress)).await {
            Ok(attending) => attend(attending, &mut keep, &is_done).await,
            Err(error) => Left::Ended(error),
        };
        let error = match left {
            Left::ForBetter => continue,
            Left::Ended(NodeError::Stopped) => return board.end(),
            Left::Ended(error) => error,
        };
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

fn posting(board: Arc<Board>, was_done: Arc<AtomicBool>, is_done: Arc<AtomicBool>) -> Progress {
    Box::new(move |state: SessionState| {
        was_done.fetch_or(state.is_done, Ordering::Relaxed);
        is_done.store(state.is_done, Ordering::Relaxed);
        board.post(LiveEvent::of(state));
    })
}

/// Waits for the end of a session. Now and then, as long as something can come of it, it is looked at how the
/// connection fares; nothing wakes up for it later.
async fn attend(mut attending: Attending, keep: &mut KeepAlive, is_done: &AtomicBool) -> Left {
    loop {
        let trial = keep.trial(Instant::now());
        let ended = tokio::select! {
            ended = attending.ended() => Some(ended),
            () = after(trial) => None,
        };
        let shown = attending.shown();
        let is_idle = is_done.load(Ordering::Relaxed);
        match ended {
            Some(ended) => {
                keep.learn(shown, Instant::now());
                return Left::Ended(ended.err().unwrap_or(NodeError::Lost));
            }
            None if is_idle && keep.learn(shown, Instant::now()) => return Left::ForBetter,
            None => {}
        }
    }
}

/// Never comes without a time.
async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
