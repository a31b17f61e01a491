//! One connection: a task that reads frames, a task that writes them, and their bounds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sync_core::id::DeviceId;
use sync_core::keys::DeviceKeys;
use sync_core::roster::ticket::RelayAddr;
use sync_core::wire::Frame;
use sync_link::{
    Close, Expect, FrameReader, FrameWriter, Incoming, LinkError, Transport, client_config,
    connect, endpoint, peer_device, resolve,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::driver::{ConnId, Input};
use crate::keep_alive::Shown;

/// Bytes of frames of one connection that may wait for the driver, in KiB.
const WAITING_KIB_MAX: u32 = 4096;
/// Frames that may wait for the link.
pub(crate) const OUTBOX_FRAMES_MAX: usize = 4;

/// Bytes of one connection.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
    /// The driver found the outbox full and wants to hear when it has room.
    pub(crate) is_awaited: AtomicBool,
}

/// A connection on which the other side has been heard or is about to be.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) peer: DeviceId,
    pub(crate) connection: quinn::Connection,
    pub(crate) send: quinn::SendStream,
    pub(crate) reader: FrameReader,
    /// Of a connection that has its socket for itself.
    pub(crate) endpoint: Option<quinn::Endpoint>,
}

impl Link {
    /// Dials the first of these addresses at which one of the expected devices answers.
    pub(crate) async fn dial(
        addrs: &[SocketAddr],
        expect: Expect,
        keys: Arc<DeviceKeys>,
        transport: &Transport,
    ) -> Result<Self, LinkError> {
        let config = client_config(keys, expect, transport)?;
        let endpoint = endpoint(None, None)?;
        let connection = connect_any(&endpoint, addrs, &config).await?;
        let peer = peer_device(&connection).ok_or(LinkError::WrongKey)?;
        let (send, recv) = connection.open_bi().await.map_err(|_| LinkError::Refused)?;
        Ok(Self {
            peer,
            connection,
            send,
            reader: FrameReader::new(recv),
            endpoint: Some(endpoint),
        })
    }
}

/// A connection before the driver has it.
#[derive(Debug)]
pub(crate) struct Wired {
    pub(crate) peer: DeviceId,
    pub(crate) outbox: mpsc::Sender<Frame>,
    pub(crate) traffic: Arc<Traffic>,
    tasks: JoinSet<()>,
    connection: quinn::Connection,
    endpoint: Option<quinn::Endpoint>,
}

impl Wired {
    /// Dials a relay and starts the two tasks; what they read goes to the driver as `id`.
    pub(crate) async fn dial(
        relay: &RelayAddr,
        keys: Arc<DeviceKeys>,
        id: ConnId,
        driver: mpsc::Sender<Input>,
        keep_alive: Duration,
    ) -> Result<Self, LinkError> {
        let transport = Transport {
            keep_alive,
            idle_timeout: keep_alive + SILENCE_MAX,
            ..Transport::default()
        };
        let addrs = resolve(&relay.addr).await?;
        let expect = Expect::One(relay.relay);
        let link = Link::dial(&addrs, expect, keys, &transport).await?;
        Ok(Self::over(link, id, driver))
    }

    /// Starts the two tasks of a connection; what they read goes to the driver as `id`.
    pub(crate) fn over(link: Link, id: ConnId, driver: mpsc::Sender<Input>) -> Self {
        let (outbox, frames) = mpsc::channel(OUTBOX_FRAMES_MAX);
        let traffic = Arc::new(Traffic::default());
        let mut tasks = JoinSet::new();
        let writer = FrameWriter::new(link.send);
        let counts = Arc::clone(&traffic);
        tasks.spawn(write(writer, frames, counts, id, driver.clone()));
        tasks.spawn(read(link.reader, Arc::clone(&traffic), id, driver));
        Self {
            peer: link.peer,
            outbox,
            traffic,
            tasks,
            connection: link.connection,
            endpoint: link.endpoint,
        }
    }

    /// How many datagrams have come.
    pub(crate) fn heard(&self) -> u64 {
        self.connection.stats().udp_rx.datagrams
    }

    /// What the connection shows, now and later.
    pub(crate) fn witness(&self) -> Witness {
        Witness(self.connection.clone())
    }

    /// Waits until the last frames are out, but not longer than `patience`, then closes; what is left to
    /// wait for is of no concern to whoever waits for the session.
    pub(crate) async fn close(mut self, patience: Duration) -> Closing {
        drop(self.outbox);
        // The writer ends when the outbox is empty and the stream is finished; the reader, when
        // the other side has said goodbye too. Neither is waited for without end.
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let _in_time = tokio::time::timeout(patience, all).await;
        self.connection.close(Close::Done.code(), b"");
        Closing(self.endpoint, patience)
    }
}

/// Sees how a connection fares, also when it is over.
#[derive(Debug)]
pub(crate) struct Witness(quinn::Connection);

impl Witness {
    pub(crate) fn shown(&self) -> Shown {
        let stats = self.0.stats();
        Shown {
            pings: stats.frame_tx.ping,
            rebindings: stats.frame_rx.path_challenge,
            is_lost: matches!(
                self.0.close_reason(),
                Some(quinn::ConnectionError::TimedOut)
            ),
        }
    }
}

/// A connection that both sides have left: it answers stray packets for a few round trips.
#[must_use = "the other side may not hear that the connection is closed"]
pub(crate) struct Closing(Option<quinn::Endpoint>, Duration);

impl Closing {
    pub(crate) async fn drain(self) {
        if let Some(endpoint) = self.0 {
            let _in_time = tokio::time::timeout(self.1, endpoint.wait_idle()).await;
        }
    }
}

/// How much longer than its pauses a connection with a relay may be silent before it counts as lost: room for
/// some packets that are.
const SILENCE_MAX: Duration = Duration::from_secs(50);
/// How long a connection may take to say goodbye.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The same for one with a member's device once this device stops: whoever walks away does not wait.
pub(crate) const LEAVE_TIMEOUT: Duration = Duration::from_millis(40);
/// By how much a connection to a further address of the same device is begun later.
const STAGGER: Duration = Duration::from_millis(150);

/// Tries all addresses, each a little later than the one before; the first that answers is taken.
async fn connect_any(
    endpoint: &quinn::Endpoint,
    addrs: &[SocketAddr],
    config: &quinn::ClientConfig,
) -> Result<quinn::Connection, LinkError> {
    let mut attempts = JoinSet::new();
    for (turn, addr) in (0..).zip(addrs.iter().copied()) {
        let (endpoint, config) = (endpoint.clone(), config.clone());
        attempts.spawn(async move {
            tokio::time::sleep(STAGGER * turn).await;
            connect(&endpoint, addr, config).await
        });
    }
    let mut worst = LinkError::Refused;
    while let Some(attempt) = attempts.join_next().await {
        match attempt {
            Ok(Ok(connection)) => return Ok(connection),
            // That somebody else answers says more than that nobody does.
            Ok(Err(error)) if worst != LinkError::WrongKey => worst = error,
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Err(worst)
}

async fn write(
    mut writer: FrameWriter,
    mut frames: mpsc::Receiver<Frame>,
    traffic: Arc<Traffic>,
    id: ConnId,
    driver: mpsc::Sender<Input>,
) {
    while let Some(frame) = frames.recv().await {
        if let Err(error) = writer.write(&frame).await {
            let _gone = driver
                .send(Input::Closed {
                    id,
                    error: Some(error),
                })
                .await;
            return;
        }
        traffic
            .sent
            .store(writer.bytes_written(), Ordering::Relaxed);
        if traffic.is_awaited.swap(false, Ordering::AcqRel)
            && driver.send(Input::Wake).await.is_err()
        {
            return;
        }
    }
    let _gone = writer.finish().await;
}

/// A frame with its share of the bytes that may wait.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) incoming: Incoming,
    pub(crate) _share: OwnedSemaphorePermit,
}

async fn read(
    mut reader: FrameReader,
    traffic: Arc<Traffic>,
    id: ConnId,
    driver: mpsc::Sender<Input>,
) {
    let room = Arc::new(Semaphore::new(WAITING_KIB_MAX as usize));
    let error = loop {
        let len = match reader.announced().await {
            Ok(Some(len)) => len,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        let share = u32::try_from(len / 1024 + 1)
            .unwrap_or(WAITING_KIB_MAX)
            .min(WAITING_KIB_MAX);
        let Ok(share) = Arc::clone(&room).acquire_many_owned(share).await else {
            break None;
        };
        let incoming = match reader.read().await {
            Ok(Some(incoming)) => incoming,
            Ok(None) => break None,
            Err(error) => break Some(error),
        };
        traffic
            .received
            .store(reader.bytes_read(), Ordering::Relaxed);
        let held = Held {
            incoming,
            _share: share,
        };
        if driver.send(Input::Frame { id, held }).await.is_err() {
            return;
        }
    };
    let _gone = driver.send(Input::Closed { id, error }).await;
}
