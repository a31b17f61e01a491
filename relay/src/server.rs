//! The shell: sockets, tasks and the one thread that owns the relay.
//!
//! Each connection has a task that reads its frames and writes those of its outbox. What it reads goes
//! through one bounded channel to the relay's thread, which takes everything that waits there as one
//! group. That thread never waits for a connection: outboxes are as large as the core lets them be.

mod connection;
mod engine;
mod folder;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use quinn::Endpoint;
use rand::rngs::SysRng;
use rand_core::UnwrapErr;
use sync_core::id::DeviceId;
use sync_core::keys::Signer;
use sync_core::roster::ticket::RelayAddr;
use sync_core::store::StoreError;
use sync_core::store::files::refuse_silent_damage;
use sync_link::{Close, LinkError, Resets, Transport};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::audit::{Audit, AuditError, audit};
use crate::config::RelayConfig;
use crate::limits::{KNOCK_BYTES_MAX, KNOCKS_BYTES_MAX, KNOCKS_MAX, WINDOW_BYTES};
use crate::log::sqlite::SqliteLog;
use crate::metrics::{self, Metrics};
use crate::overview::Overview;
use crate::relay::{ConnId, Relay};
use connection::Gate;
use engine::{Engine, INPUTS_MAX, Message};
use folder::Folder;

/// How long everybody together may take to hear goodbye.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often time is let pass in the core.
const TICK: Duration = Duration::from_millis(500);

/// Why a relay cannot serve.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The folder cannot be used.
    #[error("the data folder {} cannot be used: {reason}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Another relay has it.
    #[error("another relay uses the data folder {}: stop it, or give this one another folder", .0.display())]
    FolderInUse(PathBuf),
    /// The key is damaged.
    #[error("the relay's key {} is damaged: put it back from a backup; with a new key, phones would not know this relay", .0.display())]
    KeyDamaged(PathBuf),
    /// The log cannot be used.
    #[error("{}: {reason}", path.display())]
    Log {
        /// Where it lies.
        path: PathBuf,
        /// Why not.
        reason: StoreError,
    },
    /// Something in the log is not what a device signed.
    #[error("{}: {reason}; put the folder back from a backup, or start with an empty one: phones send what they have", path.display())]
    Changed {
        /// Where it lies.
        path: PathBuf,
        /// What, and where.
        reason: AuditError,
    },
    /// The address cannot be used.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The address of the metrics cannot be used.
    #[error("metrics cannot be shown on {addr}: {reason}")]
    Metrics {
        /// Which.
        addr: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
    /// The relay's own thread ended.
    #[error("the relay stopped by a fault of its own; its log is whole: start it again")]
    Fault,
}

impl RelayError {
    /// The program's exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::FolderInUse(_) => 4,
            Self::KeyDamaged(_) | Self::Changed { .. } => 7,
            Self::Folder { reason, .. } if reason.kind() == io::ErrorKind::StorageFull => 6,
            Self::Folder { .. } => 9,
            Self::Log { reason, .. } => match reason {
                StoreError::Busy => 4,
                StoreError::Full => 6,
                StoreError::Corrupt { .. } => 7,
                StoreError::Newer(_) => 8,
                StoreError::Io(_) => 9,
            },
            Self::Link(_) | Self::Metrics { .. } => 5,
            Self::Fault => 1,
        }
    }
}

/// Proves everything in a relay's folder again; the relay must not be serving.
///
/// # Errors
/// [`RelayError`] in a sentence that says what to do.
pub fn verify(data: &Path) -> Result<Audit, RelayError> {
    let path = Folder::log_path(data);
    if let Err(reason) = std::fs::metadata(&path) {
        return Err(RelayError::Folder {
            path: data.to_owned(),
            reason,
        });
    }
    let folder = Folder::open(data)?;
    let log = folder.log()?;
    let failed = |reason| RelayError::Log {
        path: path.clone(),
        reason,
    };
    log.check().map_err(failed)?;
    audit(&log).map_err(|error| match error {
        AuditError::Store(reason) => failed(reason),
        reason @ (AuditError::Signature { .. } | AuditError::Chain { .. }) => RelayError::Changed {
            path: path.clone(),
            reason,
        },
    })
}

/// Looks at everything in a relay's folder, whether or not the relay is serving.
///
/// # Errors
/// [`RelayError`] in a sentence that says what to do.
pub fn look(data: &Path) -> Result<Overview, RelayError> {
    let path = Folder::log_path(data);
    let folder = |reason| RelayError::Folder {
        path: data.to_owned(),
        reason,
    };
    std::fs::metadata(&path).map_err(folder)?;
    let is_serving = Folder::is_in_use(data).map_err(folder)?;
    // While it is written, its end may look as if it were damaged.
    let checked = if is_serving {
        Ok(())
    } else {
        refuse_silent_damage(&path)
    };
    let looked = checked.and_then(|()| SqliteLog::look(&path));
    let looked = looked.and_then(|log| log.overview(time_of_day()));
    let overview = looked.map_err(|reason| RelayError::Log { path, reason })?;
    Ok(Overview {
        is_serving,
        ..overview
    })
}

/// Seconds of the calendar.
fn time_of_day() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// A relay that serves; it stops when this is shut down or dropped.
#[derive(Debug)]
pub struct RelayServer {
    addr: SocketAddr,
    id: DeviceId,
    public: Option<String>,
    metrics: Option<SocketAddr>,
    to_engine: mpsc::Sender<Message>,
    stop: watch::Sender<bool>,
    engine: JoinHandle<()>,
    accepting: JoinHandle<()>,
    gate: Arc<Gate>,
    /// Ends its tasks when dropped.
    _page: JoinSet<()>,
}

impl RelayServer {
    /// Opens the folder, the log and the socket, and serves.
    ///
    /// # Errors
    /// [`RelayError`] in a sentence that says what to do.
    pub async fn start(config: RelayConfig) -> Result<Self, RelayError> {
        if config.is_unreachable() {
            tracing::warn!(listen = %config.listen, "phones cannot dial this address: give --public");
        }
        let mut rng = UnwrapErr(SysRng);
        let folder = Folder::open(&config.data)?;
        let keys = folder.keys(&mut rng)?;
        let log = folder.log()?;
        let id = keys.device();
        let resets = Resets::new(keys.reset_secret());
        let keys: Arc<dyn Signer> = Arc::new(keys);
        let endpoint = open_endpoint(config.listen, Arc::clone(&keys), &resets)?;
        let addr = endpoint.local_addr().map_err(|_| LinkError::Refused)?;
        let gathered = Metrics::default();
        let mut page = JoinSet::new();
        let metrics = match config.metrics {
            Some(addr) => Some(show_metrics(addr, &gathered, &mut page).await?),
            None => None,
        };
        let limits = config.limits;
        let gate_limits = limits.clone();
        let relay = Relay::new(log, keys, config.admission, limits, &mut rng);
        let (to_engine, inputs) = mpsc::channel(INPUTS_MAX);
        let gate = Arc::new(Gate::new(to_engine.clone(), gate_limits));
        let engine = Engine::new(relay, folder, gathered, gate.outside());
        let runtime = Handle::current();
        let engine = tokio::task::spawn_blocking(move || engine.run(inputs, &runtime));
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(endpoint, Arc::clone(&gate), stopped));
        tracing::info!(relay = id.short(), %addr, "relay serves");
        Ok(Self {
            addr,
            id,
            public: config.public,
            metrics,
            to_engine,
            stop,
            engine,
            accepting,
            gate,
            _page: page,
        })
    }

    /// Bytes of large frames that may still begin to come; while it is 0, those that have begun go on
    /// and others wait.
    #[must_use]
    pub fn inbox_room(&self) -> usize {
        self.gate.inbox_room()
    }

    /// Where it serves.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its key.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        self.id
    }

    /// Where its metrics are shown.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Key and address, as tickets name a relay.
    #[must_use]
    pub fn relay_addr(&self) -> RelayAddr {
        RelayAddr {
            relay: self.id,
            addr: self.public.clone().unwrap_or_else(|| self.addr.to_string()),
        }
    }

    /// Waits until the relay stops by a fault of its own, which it never should.
    pub async fn failed(&mut self) -> RelayError {
        let _ended = (&mut self.engine).await;
        RelayError::Fault
    }

    /// Stops: takes nobody new, makes durable what came, says goodbye to everybody.
    ///
    /// # Errors
    /// [`RelayError::Fault`] if its thread had ended before.
    pub async fn shut_down(self) -> Result<(), RelayError> {
        tracing::info!("relay stops");
        self.stop.send_replace(true);
        let was_running = self.to_engine.send(Message::Stop).await.is_ok();
        let ended = self.engine.await.is_ok();
        let _in_time = self.accepting.await;
        if was_running && ended {
            Ok(())
        } else {
            Err(RelayError::Fault)
        }
    }
}

/// The socket, with little for each connection and less for each knock.
fn open_endpoint(
    listen: SocketAddr,
    keys: Arc<dyn Signer>,
    resets: &Resets,
) -> Result<Endpoint, LinkError> {
    let transport = Transport {
        connection_window: WINDOW_BYTES,
        send_window: WINDOW_BYTES,
        ..Transport::relay()
    };
    let mut server = sync_link::server_config(keys, &transport)?;
    server
        .max_incoming(KNOCKS_MAX)
        .incoming_buffer_size(KNOCK_BYTES_MAX)
        .incoming_buffer_size_total(KNOCKS_BYTES_MAX);
    sync_link::lasting_endpoint(listen, server, resets)
}

async fn show_metrics(
    addr: SocketAddr,
    metrics: &Metrics,
    page: &mut JoinSet<()>,
) -> Result<SocketAddr, RelayError> {
    let failed = |reason| RelayError::Metrics { addr, reason };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    page.spawn(metrics::show(listener, metrics.registry()));
    Ok(bound)
}

/// Takes connections until it is stopped; then waits, not for ever, until all have heard goodbye.
async fn accept(endpoint: Endpoint, gate: Arc<Gate>, mut stopped: watch::Receiver<bool>) {
    let mut tasks = JoinSet::new();
    let mut tick = tokio::time::interval(TICK);
    let mut next = 0;
    let mut keeper = gate.keeper();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            _ = tick.tick() => {
                if gate.to_engine.send(Message::Tick).await.is_err() {
                    break;
                }
            }
            Some(_) = tasks.join_next() => {}
            incoming = endpoint.accept() => {
                let Some(incoming) = incoming else { break };
                if let Some(incoming) = keeper.filter(incoming, endpoint.open_connections()) {
                    next += 1;
                    tasks.spawn(connection::serve(incoming, ConnId(next), Arc::clone(&gate)));
                }
            }
        }
    }
    endpoint.set_server_config(None);
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GOODBYE_TIMEOUT, all).await.is_err() {
        tracing::debug!(left = tasks.len(), "some connections did not hear goodbye");
    }
    endpoint.close(Close::ShuttingDown.code(), b"");
    let _in_time = tokio::time::timeout(GOODBYE_TIMEOUT, endpoint.wait_idle()).await;
}
