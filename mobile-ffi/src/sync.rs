//! Syncs, and what happens meanwhile.

use std::future;
use std::sync::Arc;
use std::time::Duration;

use sync_core::schema::Lang;
use sync_node::{Live, LiveEvent, Nearby, NearbyEvent, Node};
use tokio::sync::{Mutex, watch};

use crate::community::{Community, told_to_close};
use crate::error::BanyanError;
use crate::fault::{Class, Fault};
use crate::nearby::NearbyNews;
use crate::values::SyncReport;

/// What has happened since the last event; several happenings of one kind come as one.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Event {
    /// Something was written here, by this app or by what came: lists and open records are read again.
    Changed,
    /// Everything is exchanged; the counts since the connection began.
    CaughtUp {
        /// The counts.
        report: SyncReport,
    },
    /// More has come or gone; the counts since the connection began.
    Moving {
        /// The counts.
        report: SyncReport,
    },
    /// No relay is reached now; it is tried again by itself.
    Offline {
        /// Why, as a sentence.
        reason: String,
        /// How long until it is tried again, in milliseconds.
        retry_in_ms: u64,
        /// Whether trying again can hardly help before a person does something.
        is_final: bool,
    },
    /// Something happened with devices nearby.
    Nearby {
        /// What.
        news: NearbyNews,
    },
}

impl Event {
    fn new(event: LiveEvent, lang: Lang) -> Self {
        match event {
            LiveEvent::CaughtUp(report) => Self::CaughtUp {
                report: SyncReport::new(report, lang),
            },
            LiveEvent::Moving(report) => Self::Moving {
                report: SyncReport::new(report, lang),
            },
            LiveEvent::Offline {
                error,
                retry_in,
                is_final,
            } => Self::Offline {
                reason: Fault::from(error).sentence(lang),
                retry_in_ms: u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX),
                is_final,
            },
        }
    }
}

/// Where events come from. Holds one of each kind at most, so nothing grows while nobody asks.
#[derive(Debug)]
pub(crate) struct News {
    changes: Mutex<watch::Receiver<u64>>,
    live: watch::Sender<Option<Arc<Live>>>,
    pub(crate) nearby: watch::Sender<Option<Arc<Nearby>>>,
    stops: watch::Sender<u64>,
}

impl News {
    pub(crate) fn of(node: &Node) -> Self {
        Self {
            changes: Mutex::new(node.changes()),
            live: watch::Sender::new(None),
            nearby: watch::Sender::new(None),
            stops: watch::Sender::new(0),
        }
    }

    /// Ends the live connections, listening, and the syncs in hand.
    pub(crate) fn stop_all(&self) {
        self.nearby.send_replace(None);
        self.stop();
    }

    /// Ends the live connections and the syncs in hand.
    fn stop(&self) {
        self.live.send_replace(None);
        self.stops.send_modify(|stops| *stops += 1);
    }

    /// None once nothing more will happen.
    async fn next(&self, lang: Lang) -> Option<Event> {
        let mut changes = self.changes.lock().await;
        let mut lives = self.live.subscribe();
        let mut listens = self.nearby.subscribe();
        loop {
            let live = lives.borrow_and_update().clone();
            let nearby = listens.borrow_and_update().clone();
            tokio::select! {
                changed = changes.changed() => return changed.ok().map(|()| Event::Changed),
                event = heard(live) => return Some(Event::new(event, lang)),
                event = heard_nearby(nearby) => {
                    return Some(Event::Nearby { news: NearbyNews::new(event, lang) });
                }
                switched = lives.changed() => switched.ok()?,
                switched = listens.changed() => switched.ok()?,
            }
        }
    }
}

/// Never comes while nothing is live.
async fn heard(live: Option<Arc<Live>>) -> LiveEvent {
    if let Some(live) = live
        && let Ok(event) = live.next_event().await
    {
        return event;
    }
    future::pending().await
}

/// Never comes while this device does not listen.
async fn heard_nearby(nearby: Option<Arc<Nearby>>) -> NearbyEvent {
    if let Some(nearby) = nearby
        && let Some(event) = nearby.next_event().await
    {
        return event;
    }
    future::pending().await
}

#[uniffi::export]
impl Community {
    /// Exchanges everything with every relay once. One that answers is enough.
    ///
    /// After `timeout_ms` it is given up; without, after ten minutes for each relay. A sync that
    /// nobody awaits any more goes on by itself until then, or until `sync_stop` or `close`.
    ///
    /// # Errors
    /// `Offline`: try again later. `Refused`: a person has to do something. `Closed` if the community
    /// was closed meanwhile. What was durable by then stays.
    #[uniffi::method(default(timeout_ms = None))]
    pub async fn sync_once(&self, timeout_ms: Option<u32>) -> Result<SyncReport, BanyanError> {
        let synced = self.sync(timeout_ms).await;
        let report = synced.map_err(|fault| fault.said_in(self.lang))?;
        Ok(SyncReport::new(report, self.lang))
    }

    /// Stays in touch with every relay: what is written here goes out at once, what others write comes by
    /// itself, and a lost connection is begun again. Returns false if that was so already.
    ///
    /// # Errors
    /// `Offline` if the community has no relay; `Closed`.
    pub async fn sync_start(&self) -> Result<bool, BanyanError> {
        let started = self.go_live().await;
        started.map_err(|fault| fault.said_in(self.lang))
    }

    /// Ends what `sync_start` began, and syncs that are in hand. What was durable by then stays.
    ///
    /// # Errors
    /// `Closed`.
    pub fn sync_stop(&self) -> Result<(), BanyanError> {
        self.node().map_err(|fault| fault.said_in(self.lang))?;
        self.news.stop();
        Ok(())
    }

    /// Whether `sync_start` is in force.
    ///
    /// # Errors
    /// `Closed`.
    pub fn is_syncing(&self) -> Result<bool, BanyanError> {
        self.node().map_err(|fault| fault.said_in(self.lang))?;
        Ok(self.news.live.borrow().is_some())
    }

    /// Waits for the next event; none once the community is closed. For one consumer: of several, each
    /// event reaches one.
    ///
    /// # Errors
    /// None; what goes wrong is an event.
    pub async fn next_event(&self) -> Result<Option<Event>, BanyanError> {
        tokio::select! {
            biased;
            () = told_to_close(self.is_closing.subscribe()) => Ok(None),
            event = self.news.next(self.lang) => Ok(event),
        }
    }
}

impl Community {
    async fn go_live(&self) -> Result<bool, Fault> {
        let node = self.node()?;
        if self.news.live.borrow().is_some() {
            return Ok(false);
        }
        let live = Arc::new(Live::start_alone(node).await?);
        let began = self.news.live.send_if_modified(|there| {
            let is_first = there.is_none();
            if is_first {
                *there = Some(live);
            }
            is_first
        });
        // Closed while it began: then it must not hold the node.
        if *self.is_closing.borrow() {
            self.news.stop();
            return Err(Fault::closed());
        }
        Ok(began)
    }

    /// Runs on the community's own runtime: whoever polls this need not have one.
    async fn sync(&self, timeout_ms: Option<u32>) -> Result<sync_node::SyncReport, Fault> {
        let node = self.node()?;
        let sync = async move { Ok::<_, Fault>(node.sync_once().await?) };
        self.until_stopped(timeout_ms, sync).await
    }

    /// Does something on the community's own runtime, until it is done, given up, or told to stop.
    pub(crate) async fn until_stopped<T: Send + 'static>(
        &self,
        timeout_ms: Option<u32>,
        action: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let runtime = self.runtime_handle().ok_or_else(Fault::closed)?;
        let closing = self.is_closing.subscribe();
        let stops = self.news.stops.subscribe();
        let sync = runtime.spawn(async move {
            tokio::select! {
                biased;
                () = told_to_close(closing) => Err(Fault::closed()),
                () = told_to_stop(stops) => Err(Fault::new(Class::Offline, "err.stopped")),
                done = action => done,
                () = out_of_patience(timeout_ms) => Err(Fault::new(Class::Offline, "err.waited")),
            }
        });
        sync.await.map_err(|error| {
            if error.is_cancelled() {
                Fault::closed()
            } else {
                Fault::internal("the sync ended by a fault of its own; what came is kept")
            }
        })?
    }
}

async fn told_to_stop(mut stops: watch::Receiver<u64>) {
    // An error says that the sender is gone, and the community with it.
    let _gone = stops.changed().await;
}

/// Never comes without a limit.
async fn out_of_patience(timeout_ms: Option<u32>) {
    match timeout_ms {
        Some(timeout_ms) => tokio::time::sleep(Duration::from_millis(timeout_ms.into())).await,
        None => future::pending().await,
    }
}
