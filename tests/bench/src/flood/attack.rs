//! Bad clients, in a process of their own: a thousand, each with its own key, at a given pace.
//!
//! Those that need a session belong to communities of their own, which an open relay takes.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;
use rand::Rng as _;
use sync_core::entry::codec::put_varint;
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::roster::ticket::RelayAddr;
use sync_core::wire::FRAME_BYTES_MAX;
use sync_link::quinn::{ClientConfig, Connection, Endpoint};
use sync_link::{Expect, Transport, client_config, connect, endpoint, resolve};
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::member::{Line, Member};

/// How often the pace is given.
const BEAT: Duration = Duration::from_millis(5);
/// Sockets that the clients share.
const SOCKETS: usize = 4;
/// Clients that get ready at the same time.
const PREPARING: usize = 16;
/// How long a client may take to get ready, with the relay's door as it is.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(60);
const GARBAGE_BYTES: usize = 1200;

/// What the bad clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attack {
    /// Random datagrams; random bytes where a hello belongs.
    Garbage,
    /// Handshakes that are dropped; connections on which nothing, or half a frame, is said.
    HalfOpen,
    /// The same batch again and again.
    Replay,
    /// Frames of the greatest size, full of nothing.
    Huge,
    /// Batches whose signature is not their author's.
    Forged,
    /// Good batches of members whose quota is used up.
    OverQuota,
}

impl Attack {
    pub(crate) const ALL: [Self; 6] = [
        Self::Garbage,
        Self::HalfOpen,
        Self::Replay,
        Self::Huge,
        Self::Forged,
        Self::OverQuota,
    ];

    pub(crate) fn needs_session(self) -> bool {
        matches!(
            self,
            Self::Replay | Self::Huge | Self::Forged | Self::OverQuota
        )
    }

    /// Acts a second of all clients together.
    pub(crate) fn pace(self) -> usize {
        match self {
            Self::Garbage => 2_000,
            Self::HalfOpen => 500,
            Self::Replay | Self::Forged => 2_000,
            Self::Huge => 20,
            Self::OverQuota => 100,
        }
    }
}

/// What all clients share.
pub(crate) struct Target {
    pub(crate) relay: RelayAddr,
    addr: SocketAddr,
    sockets: Vec<Endpoint>,
    /// One permit for each act.
    beat: Semaphore,
    acts: AtomicU64,
    failed: AtomicU64,
}

impl Target {
    pub(crate) async fn dial(&self, number: usize, config: ClientConfig) -> Result<Connection> {
        let socket = self
            .sockets
            .get(number % SOCKETS)
            .context("there is a socket")?;
        Ok(connect(socket, self.addr, config).await?)
    }

    async fn turn(&self) -> Result<()> {
        self.beat.acquire().await?.forget();
        self.acts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Runs until standard input ends: says `ready` when all have begun, and at the end how much was done.
pub(crate) async fn run(attack: Attack, relay: RelayAddr, clients: usize) -> Result<()> {
    let addr = *resolve(&relay.addr).await?.first().context("an address")?;
    let local = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let sockets = (0..SOCKETS).map(|_| endpoint(local, None));
    let target = Arc::new(Target {
        relay,
        addr,
        sockets: sockets.collect::<Result<_, _>>()?,
        beat: Semaphore::new(0),
        acts: AtomicU64::new(0),
        failed: AtomicU64::new(0),
    });
    let mut tasks = begin(attack, clients, &target).await?;
    let mut out = io::stdout();
    writeln!(out, "ready {}", tasks.len())?;
    out.flush()?;
    let started = Instant::now();
    let ended = tokio::task::spawn_blocking(|| io::read_to_string(io::stdin()));
    tokio::pin!(ended);
    let mut beat = tokio::time::interval(BEAT);
    let mut given = 0;
    loop {
        tokio::select! {
            _ = &mut ended => break,
            _ = beat.tick() => {
                let millis = usize::try_from(started.elapsed().as_millis())?;
                let due = millis * attack.pace() / 1000;
                target.beat.add_permits(due.saturating_sub(given));
                given = due;
            }
        }
    }
    let (acts, failed) = (&target.acts, &target.failed);
    let (acts, failed) = (acts.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    let seconds = started.elapsed().as_secs_f64();
    writeln!(out, "{:.0} {failed}", acts as f64 / seconds)?;
    tasks.abort_all();
    Ok(())
}

async fn begin(attack: Attack, clients: usize, target: &Arc<Target>) -> Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    if !attack.needs_session() {
        for number in 0..clients {
            tasks.spawn(stranger(attack, number, Arc::clone(target)));
        }
        return Ok(tasks);
    }
    let mut preparing = JoinSet::new();
    let room = Arc::new(Semaphore::new(PREPARING));
    for number in 0..clients {
        let (target, room) = (Arc::clone(target), Arc::clone(&room));
        preparing.spawn(async move {
            let _one_of_few = room.acquire().await?;
            let mut member = Member::found(number, target)?;
            tokio::time::timeout(PREPARE_TIMEOUT, member.upload()).await??;
            let line = tokio::time::timeout(PREPARE_TIMEOUT, member.open(attack)).await??;
            anyhow::Ok((member, line))
        });
    }
    while let Some(ready) = preparing.join_next().await {
        let (member, line) = ready??;
        tasks.spawn(misbehave(attack, member, line, Arc::clone(target)));
    }
    Ok(tasks)
}

/// A client that nobody knows.
async fn stranger(attack: Attack, number: usize, target: Arc<Target>) {
    let keys = DeviceKeys::generate(&mut rand::rng());
    loop {
        let act = if attack == Attack::Garbage {
            garbage(number, &keys, &target).await
        } else {
            half_open(number, &keys, &target).await
        };
        if act.is_err() {
            target.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn config_of(keys: &DeviceKeys, target: &Target) -> Result<ClientConfig> {
    let signer: Arc<dyn Signer> = Arc::new(keys.clone());
    let config = client_config(
        signer,
        Expect::One(target.relay.relay),
        &Transport::default(),
    )?;
    Ok(config)
}

async fn garbage(number: usize, keys: &DeviceKeys, target: &Target) -> Result<()> {
    target.turn().await?;
    let mut bytes = vec![0; GARBAGE_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    if !number.is_multiple_of(10) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        // Half of them look like first packets of QUIC.
        if let (Some(first), 0) = (bytes.first_mut(), number % 2) {
            *first |= 0xc0;
        }
        socket.send_to(&bytes, target.addr).await?;
        return Ok(());
    }
    let connection = target.dial(number, config_of(keys, target)?).await?;
    let (mut send, _recv) = connection.open_bi().await?;
    send.write_all(&bytes).await?;
    connection.closed().await;
    Ok(())
}

async fn half_open(number: usize, keys: &DeviceKeys, target: &Target) -> Result<()> {
    target.turn().await?;
    let config = config_of(keys, target)?;
    if number.is_multiple_of(3) {
        // As long as the first packet takes to leave, and no longer.
        let dialling = target.dial(number, config);
        let _dropped = tokio::time::timeout(Duration::from_millis(1), dialling).await;
        return Ok(());
    }
    let connection = target.dial(number, config).await?;
    let (mut send, _recv) = connection.open_bi().await?;
    if number % 3 == 1 {
        // The first byte of a length.
        send.write_all(&[0x80]).await?;
    }
    connection.closed().await;
    Ok(())
}

/// A member of a community of their own.
async fn misbehave(attack: Attack, mut member: Member, mut line: Line, target: Arc<Target>) {
    loop {
        let act = async {
            target.turn().await?;
            if attack == Attack::Huge {
                huge(&mut line).await
            } else {
                line.send(attack).await
            }
        };
        if act.await.is_ok() {
            continue;
        }
        target.failed.fetch_add(1, Ordering::Relaxed);
        loop {
            if let Ok(next) = member.open(attack).await {
                line = next;
                break;
            }
        }
    }
}

async fn huge(line: &mut Line) -> Result<()> {
    let mut bytes = Vec::with_capacity(FRAME_BYTES_MAX + 4);
    put_varint(&mut bytes, FRAME_BYTES_MAX as u64);
    bytes.resize(FRAME_BYTES_MAX + 4, 0);
    line.stream().write_all(&bytes).await?;
    anyhow::bail!("it is closed after that")
}
