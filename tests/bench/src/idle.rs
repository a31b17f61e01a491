//! What a phone costs its battery and its data plan: the processor time of merging, and what happens in an
//! hour in which nothing happens.

use std::io::{BufRead as _, BufReader, Lines};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::ticket::RelayAddr;
use sync_node::{Home, Live, LiveEvent, Node};
use tokio::net::UdpSocket;
use tokio::runtime::Handle;

use crate::Row;
use crate::dataset::Dataset;
use crate::process::{cpu_seconds, waits};
use crate::relay_process::RelayProcess;

/// The phone is left alone for so long before the count begins: until the pauses of its connection are as
/// long as they get.
const SETTLE: Duration = Duration::from_secs(330);
/// Bytes of IPv4 and UDP around each datagram.
const HEADER_BYTES: u64 = 28;
const DATAGRAM_MAX: usize = 65_536;
const SECONDS_PER_HOUR: f64 = 3_600.0;

/// A way between a phone and a relay on which everything is counted.
#[derive(Debug, Default)]
struct Way {
    datagrams: AtomicU64,
    bytes: AtomicU64,
}

impl Way {
    fn count(&self, len: usize) {
        self.datagrams.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(len as u64 + HEADER_BYTES, Ordering::Relaxed);
    }

    fn counted(&self) -> (u64, u64) {
        let of = |it: &AtomicU64| it.load(Ordering::Relaxed);
        (of(&self.datagrams), of(&self.bytes))
    }

    /// Begins at the address that it gives; for one phone.
    async fn to(relay: SocketAddr) -> Result<(SocketAddr, Arc<Self>)> {
        let front = UdpSocket::bind("127.0.0.1:0").await?;
        let back = UdpSocket::bind("127.0.0.1:0").await?;
        back.connect(relay).await?;
        let addr = front.local_addr()?;
        let way = Arc::new(Self::default());
        let counted = Arc::clone(&way);
        tokio::spawn(async move {
            let (mut up, mut down) = (vec![0; DATAGRAM_MAX], vec![0; DATAGRAM_MAX]);
            let mut phone = None;
            loop {
                let (bytes, is_up) = tokio::select! {
                    Ok((len, from)) = front.recv_from(&mut up) => {
                        phone = Some(from);
                        (up.get(..len), true)
                    }
                    Ok(len) = back.recv(&mut down) => (down.get(..len), false),
                };
                let bytes = bytes.unwrap_or_default();
                counted.count(bytes.len());
                // What is lost here is sent again.
                let _sent = match (is_up, phone) {
                    (true, _) => back.send(bytes).await,
                    (false, Some(phone)) => front.send_to(bytes, phone).await,
                    (false, None) => Ok(0),
                };
            }
        });
        Ok((addr, way))
    }
}

/// Measures a phone in a process of its own, for so long.
pub(crate) async fn measure(
    data: Dataset,
    relay: &RelayProcess,
    folder: &Path,
    period: Duration,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let (addr, way) = Way::to(relay.addr.addr.parse()?).await?;
    let through = RelayAddr {
        relay: relay.addr.relay,
        addr: addr.to_string(),
    };
    let founder = data.founder.replica;
    let founder = Node::start(founder, data.founder_keys, Handle::current());
    founder.sync_with(&relay.addr, None).await?;
    let ticket = founder
        .call(|replica, moment| replica.invite(Scope::Community, Role::Coordinator, 1, moment));
    let mut ticket = ticket.await??;
    ticket.relays = vec![through];
    founder.sync_with(&relay.addr, None).await?;
    founder.stop().await;
    let home = folder.join("idle-phone");
    drop(Home::at(&home).join(&ticket, "陈明")?);
    let mut phone = Phone::start(&home, period)?;
    let merged = phone.numbers().await?;
    phone.numbers().await?;
    let (datagrams, bytes) = way.counted();
    let idle = phone.numbers().await?;
    let (datagrams, bytes) = (way.counted().0 - datagrams, way.counted().1 - bytes);
    phone.child.wait()?;
    let per_hour = SECONDS_PER_HOUR / period.as_secs_f64();
    let hourly = |count: u64| count as f64 * per_hour;
    let minutes = period.as_secs() / 60;
    rows.push(Row::new(
        "processor time per 1,000 merged entries",
        format!(
            "{:.2} s ({} merged)",
            merged[0] * 1000.0 / merged[1],
            merged[1]
        ),
    ));
    rows.push(Row::new(
        &format!("idle and live, per hour ({minutes} minutes measured)"),
        format!(
            "{:.0} datagrams, {:.0} bytes with IP and UDP; threads woken {:.0} times; {:.2} s of processor",
            hourly(datagrams),
            hourly(bytes),
            idle[0] * per_hour,
            idle[1] * per_hour
        ),
    ));
    Ok(())
}

/// The phone's process, and what it says of itself.
struct Phone {
    child: Child,
    said: Option<Lines<BufReader<ChildStdout>>>,
}

impl Phone {
    fn start(home: &Path, period: Duration) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--workload", "idle", "--period"])
            .arg(period.as_secs().to_string())
            .arg("--data")
            .arg(home)
            .stdout(Stdio::piped())
            .spawn()?;
        let said = child.stdout.take().context("the phone's output")?;
        Ok(Self {
            child,
            said: Some(BufReader::new(said).lines()),
        })
    }

    /// The two numbers of the next line.
    async fn numbers(&mut self) -> Result<[f64; 2]> {
        let mut said = self.said.take().context("the phone's output")?;
        let next = tokio::task::spawn_blocking(move || {
            let line = said.next();
            (said, line)
        });
        let (said, line) = next.await?;
        self.said = Some(said);
        let line = line.context("the phone said nothing")??;
        let (one, other) = line.split_once(' ').context("two numbers")?;
        Ok([one.parse()?, other.parse()?])
    }
}

/// What the phone's process does.
#[expect(clippy::print_stdout, reason = "the lines are what the process is for")]
pub(crate) async fn be(home: &Path, period: Duration) -> Result<()> {
    let (replica, keys) = Home::at(home).open()?;
    let node = Arc::new(Node::start(replica, keys, Handle::current()));
    let before = cpu_seconds()?;
    let report = node.sync_once().await?;
    println!("{} {}", cpu_seconds()? - before, report.merged);
    let live = Live::start_alone(Arc::clone(&node)).await?;
    while !matches!(live.next_event().await?, LiveEvent::CaughtUp(_)) {}
    tokio::time::sleep(SETTLE).await;
    let (cpu, woken, began) = (cpu_seconds()?, waits()?, Instant::now());
    println!("{cpu} {woken}");
    tokio::time::sleep(period.saturating_sub(began.elapsed())).await;
    println!("{} {}", waits()? - woken, cpu_seconds()? - cpu);
    drop(live);
    if let Some(node) = Arc::into_inner(node) {
        node.stop().await;
    }
    Ok(())
}
