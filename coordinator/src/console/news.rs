//! What open pages are told: that something has changed, and they look again.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt as _};
use sync_core::replica::{Meeting, Replica};
use sync_core::roster::roster_lane;
use sync_node::{LiveEvent, Node};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::asked::Asked;
use super::cx::Net;
use super::hall::Shared;
use crate::failure::Failure;
use crate::place;

/// So many pieces of news wait for a slow page; it looks again at everything anyhow.
const WAITING_MAX: usize = 16;

/// What has changed; the word that pages listen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Records,
    Roster,
    Sync,
    Proof,
}

impl Topic {
    fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Roster => "roster",
            Self::Sync => "sync",
            Self::Proof => "proof",
        }
    }
}

/// Where news are put up.
#[derive(Debug, Clone)]
pub(super) struct Board {
    news: broadcast::Sender<Topic>,
    posted: Arc<AtomicU64>,
}

impl Board {
    pub(super) fn new() -> Self {
        Self {
            news: broadcast::channel(WAITING_MAX).0,
            posted: Arc::default(),
        }
    }

    pub(super) fn post(&self, topic: Topic) {
        self.posted.fetch_add(1, Ordering::SeqCst);
        // Nobody may have a page open.
        let _readers = self.news.send(topic);
    }

    /// How much was put up so far.
    pub(super) fn posted(&self) -> u64 {
        self.posted.load(Ordering::SeqCst)
    }

    fn read(&self) -> broadcast::Receiver<Topic> {
        self.news.subscribe()
    }
}

/// What an open page is sent.
type Told = Result<Event, Infallible>;

/// The news, as long as a page is open.
pub(super) async fn events(
    State(hall): State<Shared>,
    asked: Asked,
) -> Sse<impl Stream<Item = Told>> {
    let news = stream_of(&hall.board, hall.porch.ends.clone());
    lasting(after(&asked, hall.board.posted(), news))
}

/// First, whether the page has missed something: what was put up between its making and now, when `posted`
/// pieces of news are there. The news must be listened to already.
pub(super) fn after<S: Stream<Item = Told> + Send + 'static>(
    asked: &Asked,
    posted: u64,
    news: S,
) -> impl Stream<Item = Told> + Send + use<S> {
    let since = asked.query.get("since").parse::<u64>();
    let has_missed = since.is_ok_and(|since| since != posted);
    let missed = has_missed.then(|| Ok(Event::default().event("missed").data("{}")));
    stream::iter(missed).chain(news)
}

/// Keeps the connection while nothing happens.
pub(super) fn lasting<S: Stream<Item = Told> + Send + 'static>(
    news: S,
) -> Sse<impl Stream<Item = Told>> {
    Sse::new(news).keep_alive(KeepAlive::new().interval(Duration::from_secs(20)))
}

/// What is put up from now on, until the program ends.
pub(super) fn stream_of(
    board: &Board,
    ends: watch::Receiver<bool>,
) -> impl Stream<Item = Told> + Send + use<> {
    stream::unfold((board.read(), ends), |(mut news, mut ends)| async move {
        let topic = tokio::select! {
            // The program ends, and a page that listens must not hold that up.
            _ = ends.wait_for(|is_over| *is_over) => return None,
            topic = news.recv() => topic,
        };
        let topic = heard(topic)?;
        let event = Event::default().event(topic.name()).data("{}");
        Some((Ok(event), (news, ends)))
    })
}

/// What an open page is told of what it heard; none if nothing more will come.
fn heard(news: Result<Topic, RecvError>) -> Option<Topic> {
    news.map_or_else(
        |why| match why {
            // What was missed may be anything: every page that listens at all listens to this.
            RecvError::Lagged(_) => Some(Topic::Sync),
            RecvError::Closed => None,
        },
        Some,
    )
}

/// Tells of everything that is written, by whomever.
pub(super) async fn follow(node: Arc<Node>, board: Board) {
    let mut changes = node.changes();
    let mut last = None;
    loop {
        let Ok(now) = node.call(|replica, _| state(replica)).await else {
            return;
        };
        if let Some(now) = now {
            let before = last.replace(now.clone());
            if let Some(before) = before {
                if before.0 != now.0 {
                    board.post(Topic::Records);
                }
                if before.1 != now.1 {
                    board.post(Topic::Roster);
                }
                if (before.2, &before.3) != (now.2, &now.3) {
                    board.post(Topic::Sync);
                }
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Digests of what pages show: the records, who belongs, what is not sent; and what the last session did.
type Seen = (String, String, u64, Option<Meeting>);

fn state(replica: &Replica) -> Option<Seen> {
    // A store that cannot be read says so on the page that is asked for.
    let pending = replica.pending_count().ok()?;
    let unsent = replica.unsent_count().ok()?;
    let digest = replica.heads_digest().ok()?;
    let digest = data_encoding::HEXLOWER.encode(&digest.0);
    let records = format!("{digest} {pending}");
    let roster = BTreeSet::from([roster_lane(&replica.community())]);
    let roster = replica.digest_of(&roster).ok()?;
    let roster = data_encoding::HEXLOWER.encode(&roster.0);
    let last = replica.meetings().ok()?.into_iter().next();
    Some((records, roster, unsent, last))
}

/// Follows how the relays are reached.
pub(super) async fn listen(
    live: sync_node::Live,
    net: watch::Sender<Net>,
    board: Board,
    text: Arc<crate::text::Text>,
) {
    while let Ok(event) = live.next_event().await {
        let now = match event {
            LiveEvent::CaughtUp(_) => Net {
                caught_up_at: Some(place::now()),
                offline: None,
            },
            LiveEvent::Moving(_) => Net {
                offline: None,
                ..net.borrow().clone()
            },
            LiveEvent::Offline { error, .. } => Net {
                offline: Some(Failure::from(error).sentence(&text).unwrap_or_default()),
                ..net.borrow().clone()
            },
        };
        net.send_replace(now);
        board.post(Topic::Sync);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_that_missed_news_hears_what_every_page_listens_to() {
        let board = Board::new();
        let mut slow = board.read();
        for _ in 0..=WAITING_MAX {
            board.post(Topic::Roster);
        }
        let missed = slow.try_recv().unwrap_err();
        assert!(matches!(missed, broadcast::error::TryRecvError::Lagged(_)));
        assert_eq!(heard(Err(RecvError::Lagged(1))), Some(Topic::Sync));
        assert_eq!(heard(Ok(Topic::Roster)), Some(Topic::Roster));
        assert_eq!(heard(Err(RecvError::Closed)), None);
    }
}
