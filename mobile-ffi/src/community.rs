//! The one object that apps hold.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sync_core::keys::DeviceKeys;
use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::roster::role::Scope;
use sync_core::roster::ticket::{RelayAddr, TICKET_RELAYS_MAX, Ticket};
use sync_core::schema::{FieldEdit, Kind, Schema};
use sync_core::store::RowFilter;
use sync_node::{Home, Node};
use tokio::runtime::{self, Runtime};
use tokio::sync::{RwLock, watch};

use crate::error::BanyanError;
use crate::recovery;
use crate::values::{Filter, RecordView, Role, Row, Space, Status, SyncReport};

/// Threads that carry connections; the store has one of its own.
const WORKERS: usize = 1;
/// How long closing waits for what is in hand, and then for the threads.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// One community in one data folder on this device.
///
/// A folder may be open in one object at a time. Whoever opened it closes it; dropping it does the
/// same. Everything written is durable before a method returns, whether a relay is in reach or not.
#[derive(uniffi::Object)]
pub struct Community {
    /// None once closed. Held for reading by everything that is in hand.
    node: Arc<RwLock<Option<Node>>>,
    is_closing: watch::Sender<bool>,
    runtime: Mutex<Option<Runtime>>,
    recovery: Mutex<Option<[u8; 16]>>,
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
    /// from the thread that draws.
    ///
    /// # Errors
    /// `Invalid` for a relay that is none or a folder with a community in it; `Storage`.
    #[uniffi::constructor]
    pub fn found(
        dir: String,
        title: String,
        name: String,
        relays: Vec<String>,
    ) -> Result<Arc<Self>, BanyanError> {
        let relays = parse_relays(&relays)?;
        let runtime = start_runtime()?;
        let (founding, keys) = home(&dir).found(&title, &name, &relays)?;
        Ok(Self::start(
            runtime,
            founding.replica,
            keys,
            Some(founding.recovery),
        ))
    }

    /// Takes up an invitation in a folder, which is made if it is not there. The first sync presents
    /// it; until then the community does not know this device.
    ///
    /// # Errors
    /// `Invalid` for a ticket that is none or a folder with a community in it; `Storage`.
    #[uniffi::constructor]
    pub fn join(dir: String, ticket: String, name: String) -> Result<Arc<Self>, BanyanError> {
        let ticket: Ticket = ticket.parse()?;
        let runtime = start_runtime()?;
        let (replica, keys) = home(&dir).join(&ticket, &name)?;
        Ok(Self::start(runtime, replica, keys, None))
    }

    /// Opens the community that a folder holds.
    ///
    /// # Errors
    /// `NotFound` if it holds none; `Storage` if the store or the key file is damaged.
    #[uniffi::constructor]
    pub fn open(dir: String) -> Result<Arc<Self>, BanyanError> {
        let runtime = start_runtime()?;
        let (replica, keys) = home(&dir).open()?;
        Ok(Self::start(runtime, replica, keys, None))
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

    /// The spaces that this person reads.
    ///
    /// # Errors
    /// `Closed`, `Storage`.
    pub async fn spaces(&self) -> Result<Vec<Space>, BanyanError> {
        self.call(|replica, _| {
            let spaces = replica.status()?.spaces.into_iter();
            Ok(spaces.map(|(id, name)| Space { id, name }).collect())
        })
        .await
    }

    /// Makes a space and returns its id.
    ///
    /// # Errors
    /// `NotAllowed` below coordinator; `Invalid` if a space has that name already.
    pub async fn add_space(&self, name: String) -> Result<String, BanyanError> {
        self.call(move |replica, moment| {
            if replica
                .status()?
                .spaces
                .iter()
                .any(|(_, taken)| *taken == name)
            {
                return Err(BanyanError::invalid(
                    "there is a space of that name already",
                ));
            }
            Ok(replica.add_space(&name, moment)?.to_string())
        })
        .await
    }

    /// Gives an invitation for one person and returns its ticket. Without a space, the role holds in
    /// all of them.
    ///
    /// # Errors
    /// `NotFound` for the space; `NotAllowed` unless this person's rank there is above the role.
    pub async fn invite(&self, space: Option<String>, role: Role) -> Result<String, BanyanError> {
        self.call(move |replica, moment| {
            let scope = match space {
                Some(space) => Scope::Space(replica.find_space(&space)?),
                None => Scope::Community,
            };
            Ok(replica.invite(scope, role.into(), 1, moment)?.to_string())
        })
        .await
    }

    /// Creates a record from what was typed for its fields, and returns its id.
    ///
    /// # Errors
    /// `Invalid` for an unknown kind or a field that does not fit or is missing; `NotFound` for the
    /// space; `NotAllowed`. Nothing is written then.
    pub async fn create(
        &self,
        kind: String,
        space: String,
        fields: HashMap<String, String>,
    ) -> Result<String, BanyanError> {
        self.call(move |replica, moment| {
            let kind = find_kind(replica.schema(), &kind)?;
            let edits = parse_edits(kind, fields)?;
            let space = replica.find_space(&space)?;
            Ok(replica
                .create(kind.name(), space, &edits, moment)?
                .to_string())
        })
        .await
    }

    /// Changes fields of a record to what was typed. Returns whether anything is different now.
    ///
    /// # Errors
    /// `NotFound` for the record; `Invalid` for a field that does not fit; `NotAllowed`. Nothing is
    /// written then.
    pub async fn edit(
        &self,
        record: String,
        fields: HashMap<String, String>,
    ) -> Result<bool, BanyanError> {
        self.call(move |replica, moment| {
            let id = replica.find_record(&record)?;
            let row = replica
                .store()
                .row(&id)?
                .ok_or(ReplicaError::UnknownRecord(record))?;
            let edits = parse_edits(find_kind(replica.schema(), &row.kind)?, fields)?;
            Ok(replica.edit(id, &edits, moment)?.is_changed)
        })
        .await
    }

    /// One record, whole, with the values that were set at the same time.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn show(&self, record: String) -> Result<RecordView, BanyanError> {
        self.call(move |replica, _| {
            let record = replica.find_record(&record)?;
            Ok(replica.show(record)?.into())
        })
        .await
    }

    /// Records, newest change first.
    ///
    /// # Errors
    /// `Invalid` for an unknown kind; `NotFound` for the space.
    pub async fn list(&self, filter: Filter) -> Result<Vec<Row>, BanyanError> {
        self.call(move |replica, _| {
            let filter = row_filter(replica, &filter)?;
            let rows = replica.list(&filter)?.into_iter();
            rows.map(|row| Row::new(replica, row)).collect()
        })
        .await
    }

    /// Exchanges everything with every relay once. One that answers is enough.
    ///
    /// A sync that is no longer awaited goes on by itself until it is done or the community is closed.
    ///
    /// # Errors
    /// `Offline`: try again later. `Refused`: a person has to do something. `Closed` if the community
    /// was closed meanwhile. What was durable by then stays.
    pub async fn sync_once(&self) -> Result<SyncReport, BanyanError> {
        let runtime = self.runtime_handle().ok_or_else(BanyanError::closed)?;
        let node = Arc::clone(&self.node);
        let closing = self.is_closing.subscribe();
        let sync = runtime.spawn(async move {
            let node = node.read().await;
            let node = node.as_ref().ok_or_else(BanyanError::closed)?;
            tokio::select! {
                report = node.sync_once() => Ok(SyncReport::from(report?)),
                () = told_to_close(closing) => Err(BanyanError::closed()),
            }
        });
        sync.await.map_err(|error| {
            if error.is_cancelled() {
                BanyanError::closed()
            } else {
                BanyanError::internal("the sync ended by a fault of its own; what came is kept")
            }
        })?
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
        match self.begin_close()? {
            Some(closing) => closing
                .join()
                .map_err(|_| BanyanError::internal("closing ended by a fault of its own")),
            None => Ok(()),
        }
    }
}

impl Community {
    fn start(
        runtime: Runtime,
        replica: Replica,
        keys: Arc<DeviceKeys>,
        recovery: Option<[u8; 16]>,
    ) -> Arc<Self> {
        let node = Node::start(replica, keys, runtime.handle().clone());
        Arc::new(Self {
            node: Arc::new(RwLock::new(Some(node))),
            is_closing: watch::Sender::new(false),
            runtime: Mutex::new(Some(runtime)),
            recovery: Mutex::new(recovery),
        })
    }

    /// Hands one closure to the node. Needs no runtime, so any executor may poll it.
    async fn call<T: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Replica, &mut Moment<'_>) -> Result<T, BanyanError> + Send + 'static,
    ) -> Result<T, BanyanError> {
        let node = self.node.read().await;
        let node = node.as_ref().ok_or_else(BanyanError::closed)?;
        node.call(action).await?
    }

    fn runtime_handle(&self) -> Option<runtime::Handle> {
        lock(&self.runtime)
            .as_ref()
            .map(|runtime| runtime.handle().clone())
    }

    /// Closes on a thread of its own: a runtime must not be ended, or waited on, from one of its
    /// workers, and an app may be resumed on one.
    fn begin_close(&self) -> Result<Option<JoinHandle<()>>, BanyanError> {
        let Some(runtime) = lock(&self.runtime).take() else {
            return Ok(None);
        };
        self.is_closing.send_replace(true);
        let node = Arc::clone(&self.node);
        let closing = thread::Builder::new()
            .name("banyan-close".to_owned())
            .spawn(move || {
                // Too late or not: what is not stopped by then is stopped with the runtime.
                let _stopped = runtime.block_on(async {
                    tokio::time::timeout(CLOSE_TIMEOUT, async {
                        let node = node.write().await.take();
                        if let Some(node) = node {
                            node.stop().await;
                        }
                    })
                    .await
                });
                runtime.shutdown_timeout(CLOSE_TIMEOUT);
            });
        closing
            .map(Some)
            .map_err(|_| BanyanError::internal("no thread could be started to close"))
    }
}

impl Drop for Community {
    fn drop(&mut self) {
        // Nobody is left who could be told.
        let _closed = self.close();
    }
}

fn home(dir: &str) -> Home {
    Home::at(Path::new(dir))
}

fn start_runtime() -> Result<Runtime, BanyanError> {
    runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("banyan-net")
        .enable_all()
        .build()
        .map_err(|error| BanyanError::internal(format!("the network cannot be started: {error}")))
}

async fn told_to_close(mut closing: watch::Receiver<bool>) {
    // An error says that the sender is gone, and the community with it.
    let _gone = closing.wait_for(|is_closing| *is_closing).await;
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse_relays(texts: &[String]) -> Result<Vec<RelayAddr>, BanyanError> {
    if texts.len() > TICKET_RELAYS_MAX {
        let reason = format!("a community has at most {TICKET_RELAYS_MAX} relays");
        return Err(BanyanError::invalid(reason));
    }
    texts.iter().map(|text| Ok(text.parse()?)).collect()
}

fn find_kind(schema: &'static Schema, name: &str) -> Result<&'static Kind, BanyanError> {
    let kind = schema.kind(name).ok_or_else(|| {
        let known: Vec<&str> = schema.kinds().iter().map(Kind::name).collect();
        ReplicaError::UnknownKind {
            kind: name.to_owned(),
            known: known.join(", "),
        }
    });
    Ok(kind?)
}

/// In the order of names, so that the first fault found is always the same.
fn parse_edits(
    kind: &Kind,
    fields: HashMap<String, String>,
) -> Result<Vec<FieldEdit>, BanyanError> {
    let fields: BTreeMap<String, String> = fields.into_iter().collect();
    let edits = fields
        .iter()
        .map(|(name, typed)| Ok(kind.parse_edit(name, typed)?));
    edits
        .collect::<Result<_, ReplicaError>>()
        .map_err(BanyanError::from)
}

fn row_filter(replica: &Replica, filter: &Filter) -> Result<RowFilter, BanyanError> {
    let kind = filter
        .kind
        .as_deref()
        .map(|name| find_kind(replica.schema(), name))
        .transpose()?;
    let space = filter
        .space
        .as_deref()
        .map(|name| replica.find_space(name))
        .transpose()?;
    // A phone whose words are shorter than 32 bits has not so many records.
    let rows = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(RowFilter {
        kind: kind.map(|kind| kind.name().to_owned()),
        space,
        only_conflicts: filter.only_conflicts,
        limit: filter.limit.map(rows),
        offset: rows(filter.offset),
    })
}
