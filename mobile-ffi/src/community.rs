//! The one object that apps hold.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sync_core::keys::DeviceKeys;
use sync_core::replica::{Choice, Moment, Replica, ReplicaError};
use sync_core::roster::recovery::{self, RECOVERY_SECRET_LEN};
use sync_core::roster::role::Scope;
use sync_core::roster::ticket::{RelayAddr, TICKET_RELAYS_MAX, Ticket};
use sync_core::schema::{FieldEdit, Kind, Lang, Schema};
use sync_core::store::RowFilter;
use sync_node::{Home, Node};
use tokio::runtime::{self, Runtime};
use tokio::sync::{RwLock, watch};

use crate::error::BanyanError;
use crate::fault::{Class, Fault};
use crate::told;
use crate::values::{
    Filter, HistoryStep, Keep, Language, RecordView, Role, Row, Space, Status, SyncReport,
};

/// Threads that carry connections; the store has one of its own.
const WORKERS: usize = 1;
/// How long closing waits for what is in hand, and then for the threads.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A replica that is not at work yet, its device's keys, and the recovery secret of one just founded.
type Prepared = (Replica, Arc<DeviceKeys>, Option<[u8; RECOVERY_SECRET_LEN]>);

/// One community in one data folder on this device.
///
/// A folder may be open in one object at a time. Whoever opened it closes it; dropping it does the
/// same. Everything written is durable before a method returns, whether a relay is in reach or not.
#[derive(uniffi::Object)]
pub struct Community {
    /// None once closed. Held for reading by everything that is in hand.
    node: Arc<RwLock<Option<Node>>>,
    lang: Lang,
    is_closing: watch::Sender<bool>,
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
    /// from the thread that draws. Errors are said in `language` from here on.
    ///
    /// # Errors
    /// `Invalid` for a relay that is none or a folder with a community in it; `Storage`.
    #[uniffi::constructor]
    pub fn found(
        dir: String,
        title: String,
        name: String,
        relays: Vec<String>,
        language: Language,
    ) -> Result<Arc<Self>, BanyanError> {
        Self::begin(language, || {
            let relays = parse_relays(&relays)?;
            let (founding, keys) = home(&dir).found(&title, &name, &relays)?;
            Ok((founding.replica, keys, Some(founding.recovery)))
        })
    }

    /// Takes up an invitation in a folder, which is made if it is not there. The first sync presents
    /// it; until then the community does not know this device.
    ///
    /// # Errors
    /// `Invalid` for a ticket that is none or a folder with a community in it; `Storage`.
    #[uniffi::constructor]
    pub fn join(
        dir: String,
        ticket: String,
        name: String,
        language: Language,
    ) -> Result<Arc<Self>, BanyanError> {
        Self::begin(language, || {
            let ticket: Ticket = ticket.parse()?;
            let (replica, keys) = home(&dir).join(&ticket, &name)?;
            Ok((replica, keys, None))
        })
    }

    /// Opens the community that a folder holds.
    ///
    /// # Errors
    /// `NotFound` if it holds none; `Storage` if the store or the key file is damaged.
    #[uniffi::constructor]
    pub fn open(dir: String, language: Language) -> Result<Arc<Self>, BanyanError> {
        Self::begin(language, || {
            let (replica, keys) = home(&dir).open()?;
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
                return Err(Fault::new(Class::Invalid, "err.space.twice"));
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
            let kind = kind.name().to_owned();
            let space = replica.find_space(&space)?;
            Ok(replica.create(&kind, space, &edits, moment)?.to_string())
        })
        .await
    }

    /// Changes fields of a record to what was typed. Returns whether anything is different now.
    ///
    /// A name that ends with `+` adds to a set, or to the end of a list; one that ends with `-` takes out of a
    /// set, or takes the item of this id out of a list. What others add at the same time stays. Other members
    /// whose value of a field in conflict is not kept by it are told in a comment.
    ///
    /// # Errors
    /// `NotFound` for the record; `Invalid` for a field that does not fit; `NotAllowed`. Nothing is
    /// written then.
    pub async fn edit(
        &self,
        record: String,
        fields: HashMap<String, String>,
    ) -> Result<bool, BanyanError> {
        let lang = self.lang;
        self.call(move |replica, moment| {
            let id = replica.find_record(&record)?;
            let row = replica
                .store()
                .row(&id)?
                .ok_or(ReplicaError::UnknownRecord(record))?;
            let kind = find_kind(replica.schema(), &row.kind)?.clone();
            let edits = parse_edits(&kind, fields)?;
            let words = told::words(lang, &kind);
            Ok(replica
                .edit_and_tell(id, &edits, &words, moment)?
                .is_changed)
        })
        .await
    }

    /// Decides which of several values of a field stands; `seen` is that of the field as the person saw it.
    /// Other members whose value is not kept are told in a comment. A state that needs a reason takes along
    /// the one that was written with it, unless one is given here. Returns whether anything is different now.
    ///
    /// # Errors
    /// `NotFound` for the record; `Invalid` if the values have changed since they were seen, if there is no
    /// such value, for values other than texts that are all to be kept, and for a state that lacks a reason;
    /// `NotAllowed`. Nothing is written then.
    #[uniffi::method(default(reason = None))]
    pub async fn settle(
        &self,
        record: String,
        field: String,
        seen: String,
        keep: Keep,
        reason: Option<String>,
    ) -> Result<bool, BanyanError> {
        let lang = self.lang;
        self.call(move |replica, moment| {
            let id = replica.find_record(&record)?;
            let row = replica
                .store()
                .row(&id)?
                .ok_or(ReplicaError::UnknownRecord(record))?;
            let kind = find_kind(replica.schema(), &row.kind)?.clone();
            let words = told::words(lang, &kind);
            let choice = Choice {
                field: &field,
                seen: &seen,
                keep: keep.into(),
                reason: reason.as_deref(),
            };
            Ok(replica.settle(id, &choice, &words, moment)?.is_changed)
        })
        .await
    }

    /// One record, whole, with the values that were set at the same time.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn show(&self, record: String) -> Result<RecordView, BanyanError> {
        let lang = self.lang;
        self.call(move |replica, _| {
            let record = replica.find_record(&record)?;
            let view = replica.show(record)?;
            let held = replica.store().held_of(&record)?;
            Ok(RecordView::new(replica, view, &held, lang))
        })
        .await
    }

    /// Who changed which field of a record from what to what. A change stands behind those that its
    /// author had seen.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn history(&self, record: String) -> Result<Vec<HistoryStep>, BanyanError> {
        self.call(move |replica, _| {
            let record = replica.find_record(&record)?;
            let entries = replica.history(record)?.into_iter();
            Ok(entries.map(HistoryStep::from).collect())
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
    /// After `timeout_ms` it is given up; without, after ten minutes for each relay. A sync that
    /// nobody awaits any more goes on by itself until then, or until the community is closed.
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
            node: Arc::new(RwLock::new(Some(node))),
            lang,
            is_closing: watch::Sender::new(false),
            runtime: Mutex::new(Some(runtime)),
            recovery: Mutex::new(recovery),
        }))
    }

    /// Hands one closure to the node. Needs no runtime, so any executor may poll it.
    async fn call<T: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Replica, &mut Moment<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, BanyanError> {
        let node = self.node.read().await;
        let done = match node.as_ref() {
            Some(node) => node.call(action).await,
            None => return Err(Fault::closed().said_in(self.lang)),
        };
        done.map_err(Fault::from)
            .and_then(|done| done)
            .map_err(|fault| fault.said_in(self.lang))
    }

    /// Runs on the community's own runtime: whoever polls this need not have one.
    async fn sync(&self, timeout_ms: Option<u32>) -> Result<sync_node::SyncReport, Fault> {
        let runtime = self.runtime_handle().ok_or_else(Fault::closed)?;
        let node = Arc::clone(&self.node);
        let closing = self.is_closing.subscribe();
        let sync = runtime.spawn(async move {
            let node = node.read().await;
            let node = node.as_ref().ok_or_else(Fault::closed)?;
            tokio::select! {
                report = node.sync_once() => Ok(report?),
                () = told_to_close(closing) => Err(Fault::closed()),
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

    fn runtime_handle(&self) -> Option<runtime::Handle> {
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

fn home(dir: &str) -> Home {
    Home::at(Path::new(dir))
}

fn start_runtime() -> Result<Runtime, Fault> {
    runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("banyan-net")
        .enable_all()
        .build()
        .map_err(|error| Fault::internal(format!("the network cannot be started: {error}")))
}

async fn told_to_close(mut closing: watch::Receiver<bool>) {
    // An error says that the sender is gone, and the community with it.
    let _gone = closing.wait_for(|is_closing| *is_closing).await;
}

/// Never comes without a limit.
async fn out_of_patience(timeout_ms: Option<u32>) {
    match timeout_ms {
        Some(timeout_ms) => tokio::time::sleep(Duration::from_millis(timeout_ms.into())).await,
        None => future::pending().await,
    }
}

/// What these locks guard is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn parse_relays(texts: &[String]) -> Result<Vec<RelayAddr>, Fault> {
    if texts.len() > TICKET_RELAYS_MAX {
        return Err(Fault::new(Class::Invalid, "err.relays").with("n", TICKET_RELAYS_MAX));
    }
    texts.iter().map(|text| Ok(text.parse()?)).collect()
}

fn find_kind<'s>(schema: &'s Schema, name: &str) -> Result<&'s Kind, Fault> {
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
fn parse_edits(kind: &Kind, fields: HashMap<String, String>) -> Result<Vec<FieldEdit>, Fault> {
    let fields: BTreeMap<String, String> = fields.into_iter().collect();
    let edits = fields
        .iter()
        .map(|(name, typed)| Ok(kind.parse_edit(name, typed)?));
    edits
        .collect::<Result<_, ReplicaError>>()
        .map_err(Fault::from)
}

fn row_filter(replica: &Replica, filter: &Filter) -> Result<RowFilter, Fault> {
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
        ..RowFilter::default()
    })
}
