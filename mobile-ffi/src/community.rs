//! The one object that apps hold.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sync_core::keys::DeviceKeys;
use sync_core::replica::{Moment, Replica};
use sync_core::roster::recovery::{self, RECOVERY_SECRET_LEN};
use sync_core::roster::ticket::{RelayAddr, TICKET_RELAYS_MAX, Ticket};
use sync_core::schema::Lang;
use sync_node::{Home, Node};
use tokio::runtime::{self, Runtime};
use tokio::sync::watch;

use crate::error::BanyanError;
use crate::fault::{Class, Fault};
use crate::keys::{self, Kept, KeyStore};
use crate::sync::News;
use crate::values::{Language, Status};

/// Threads that carry connections; the store has one of its own.
const WORKERS: usize = 1;
/// How long closing waits for what is in hand, and then for the threads.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How often closing looks whether what was in hand has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A replica that is not at work yet, its device's keys, and the recovery secret of one just founded.
type Prepared = (Replica, Arc<DeviceKeys>, Option<[u8; RECOVERY_SECRET_LEN]>);

/// One community in one data folder on this device.
///
/// A folder may be open in one object at a time. Whoever opened it closes it; dropping it does the
/// same. Everything written is durable before a method returns, whether a relay is in reach or not.
#[derive(uniffi::Object)]
pub struct Community {
    /// None once closed. Everything that is in hand holds it too.
    node: Mutex<Option<Arc<Node>>>,
    pub(crate) lang: Lang,
    pub(crate) is_closing: watch::Sender<bool>,
    pub(crate) news: News,
    runtime: Mutex<Option<Runtime>>,
    recovery: Mutex<Option<[u8; RECOVERY_SECRET_LEN]>>,
}

impl fmt::Debug for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Community")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

#[uniffi::export]
impl Community {
    /// Founds a community in a folder, which is made if it is not there; this person is its owner.
    ///
    /// Relays are written `<relay id>@<host:port>`, four at most. Writes to the disk: call it away
    /// from the thread that draws. Errors are said in `language` from here on. The device's keys are kept
    /// by `keys`, one such store for each folder; without, in a file of the folder, for tests and computers.
    ///
    /// # Errors
    /// `Invalid` for a relay that is none or a folder with a community in it; `Storage`.
    #[uniffi::constructor(default(keys = None))]
    pub fn found(
        dir: String,
        title: String,
        name: String,
        relays: Vec<String>,
        language: Language,
        keys: Option<Arc<dyn KeyStore>>,
    ) -> Result<Arc<Self>, BanyanError> {
        Self::begin(language, || {
            let relays = parse_relays(&relays)?;
            let founded = home(&dir, keys.as_ref()).found(&title, &name, &relays);
            let (founding, keys) = founded.map_err(|error| keys::fault(error, keys.is_some()))?;
            Ok((founding.replica, keys, Some(founding.recovery)))
        })
    }

    /// Takes up an invitation in a folder, which is made if it is not there. The first sync presents
    /// it; until then the community does not know this device.
    ///
    /// # Errors
    /// `Invalid` for a ticket that is none or a folder with a community in it; `Storage`.
    #[uniffi::constructor(default(keys = None))]
    pub fn join(
        dir: String,
        ticket: String,
        name: String,
        language: Language,
        keys: Option<Arc<dyn KeyStore>>,
    ) -> Result<Arc<Self>, BanyanError> {
        Self::begin(language, || {
            let ticket: Ticket = ticket.parse()?;
            let joined = home(&dir, keys.as_ref()).join(&ticket, &name);
            let (replica, keys) = joined.map_err(|error| keys::fault(error, keys.is_some()))?;
            Ok((replica, keys, None))
        })
    }

    /// Opens the community that a folder holds.
    ///
    /// # Errors
    /// `NotFound` if it holds none; `Storage` if the store or the key file is damaged.
    #[uniffi::constructor(default(keys = None))]
    pub fn open(
        dir: String,
        language: Language,
        keys: Option<Arc<dyn KeyStore>>,
    ) -> Result<Arc<Self>, BanyanError> {
        Self::begin(language, || {
            let opened = home(&dir, keys.as_ref()).open();
            let (replica, keys) = opened.map_err(|error| keys::fault(error, keys.is_some()))?;
            Ok((replica, keys, None))
        })
    }

    /// The recovery key, once, on the object that founded the community: to be written on paper and
    /// kept safe. It is stored nowhere.
    ///
    /// # Errors
    /// None; nothing is returned the second time, or by an object that did not found.
    pub fn take_recovery_key(&self) -> Result<Option<String>, BanyanError> {
        Ok(lock(&self.recovery)
            .take()
            .map(|secret| recovery::printed(&secret)))
    }

    /// How things stand on this device.
    ///
    /// # Errors
    /// `Closed`, `Storage`.
    pub async fn status(&self) -> Result<Status, BanyanError> {
        self.call(|replica, _| Ok(replica.status()?.into())).await
    }

    /// Ends syncs, lets what is in hand finish, and frees the folder; waits for at most four seconds.
    /// Closing again does nothing.
    ///
    /// # Errors
    /// `Internal` if the thread that closes cannot be started.
    pub fn close(&self) -> Result<(), BanyanError> {
        self.end().map_err(|fault| fault.said_in(self.lang))
    }
}

impl Community {
    /// Puts to work what `prepare` finds or makes in a data folder.
    fn begin(
        language: Language,
        prepare: impl FnOnce() -> Result<Prepared, Fault>,
    ) -> Result<Arc<Self>, BanyanError> {
        let lang = language.into();
        let runtime = start_runtime().map_err(|fault| fault.said_in(lang))?;
        let (replica, keys, recovery) = match prepare() {
            Ok(prepared) => prepared,
            Err(fault) => {
                // Never waits, so it may happen on any thread, a runtime's own too.
                runtime.shutdown_background();
                return Err(fault.said_in(lang));
            }
        };
        let node = Node::start(replica, keys, runtime.handle().clone());
        Ok(Arc::new(Self {
            news: News::of(&node),
            node: Mutex::new(Some(Arc::new(node))),
            lang,
            is_closing: watch::Sender::new(false),
            runtime: Mutex::new(Some(runtime)),
            recovery: Mutex::new(recovery),
        }))
    }

    /// Hands one closure to the node. Needs no runtime, so any executor may poll it.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Replica, &mut Moment<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, BanyanError> {
        let done = match self.node() {
            Ok(node) => node.call(action).await.map_err(Fault::from),
            Err(closed) => Err(closed),
        };
        done.and_then(|done| done)
            .map_err(|fault| fault.said_in(self.lang))
    }

    pub(crate) fn node(&self) -> Result<Arc<Node>, Fault> {
        lock(&self.node).clone().ok_or_else(Fault::closed)
    }

    pub(crate) fn runtime_handle(&self) -> Option<runtime::Handle> {
        lock(&self.runtime)
            .as_ref()
            .map(|runtime| runtime.handle().clone())
    }

    /// Closes on a thread of its own: a runtime must not be ended, or waited on, from one of its
    /// workers, and an app may be resumed on one.
    fn begin_close(&self) -> Result<Option<JoinHandle<()>>, Fault> {
        let Some(runtime) = lock(&self.runtime).take() else {
            return Ok(None);
        };
        self.is_closing.send_replace(true);
        self.news.stop_all();
        let node = lock(&self.node).take();
        let closing = thread::Builder::new()
            .name("banyan-close".to_owned())
            .spawn(move || {
                // Too late or not: what is not stopped by then is stopped with the runtime.
                let _stopped = runtime.block_on(async {
                    tokio::time::timeout(CLOSE_TIMEOUT, async {
                        if let Some(node) = node {
                            alone(node).await.stop().await;
                        }
                    })
                    .await
                });
                runtime.shutdown_timeout(CLOSE_TIMEOUT);
            });
        closing
            .map(Some)
            .map_err(|_| Fault::internal("no thread could be started to close"))
    }

    fn end(&self) -> Result<(), Fault> {
        match self.begin_close()? {
            Some(closing) => closing
                .join()
                .map_err(|_| Fault::internal("closing ended by a fault of its own")),
            None => Ok(()),
        }
    }
}

impl Drop for Community {
    fn drop(&mut self) {
        // Nobody is left who could be told.
        let _closed = self.close();
    }
}

/// The node, once nothing that is in hand holds it any more.
async fn alone(mut node: Arc<Node>) -> Node {
    loop {
        match Arc::try_unwrap(node) {
            Ok(node) => return node,
            Err(shared) => node = shared,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

pub(crate) fn home(dir: &str, keys: Option<&Arc<dyn KeyStore>>) -> Home {
    let home = Home::at(Path::new(dir));
    match keys {
        Some(keys) => home.kept_by(Arc::new(Kept(Arc::clone(keys)))),
        None => home,
    }
}

fn start_runtime() -> Result<Runtime, Fault> {
    runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("banyan-net")
        .enable_all()
        .build()
        .map_err(|error| Fault::internal(format!("the network cannot be started: {error}")))
}

pub(crate) async fn told_to_close(mut closing: watch::Receiver<bool>) {
    // An error says that the sender is gone, and the community with it.
    let _gone = closing.wait_for(|is_closing| *is_closing).await;
}

/// What these locks guard is whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse_relays(texts: &[String]) -> Result<Vec<RelayAddr>, Fault> {
    if texts.len() > TICKET_RELAYS_MAX {
        return Err(Fault::new(Class::Invalid, "err.relays").with("n", TICKET_RELAYS_MAX));
    }
    texts.iter().map(|text| Ok(text.parse()?)).collect()
}
