//! What one relay bears: durable entries a second on one core, and memory per idle connection.
//!
//! Run with `cargo bench -p relay`. The numbers depend on the disk: every commit is fsynced.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that fails has nothing to report"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "a benchmark chooses its own indexes"
)]
#![expect(
    dead_code,
    reason = "the village of the tests can do more than is measured"
)]

#[path = "../tests/relay/village.rs"]
mod village;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use relay::limits::Limits;
use relay::log::BatchLog;
use relay::log::memory::MemoryLog;
use relay::log::sqlite::SqliteLog;
use relay::relay::Admission;
use sync_core::entry::EntryKind;
use sync_core::entry::seal::PlainEntry;
use sync_core::id::StoreId;
use sync_core::keys::Signer;
use sync_core::roster::ticket::RelayAddr;
use sync_core::session::carrier::Carrier as _;
use sync_core::session::{Parties, Session};
use sync_core::wire::PeerKind;
use sync_link::{
    Expect, FrameReader, FrameWriter, Incoming, Transport, client_config, connect, endpoint,
    resolve,
};

use village::Village;

const BATCHES: usize = 2_000;
const ENTRIES_PER_BATCH: usize = 20;
const ENTRY_BYTES: usize = 300;
const CONNECTIONS: usize = 2_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(&folder.path().join("relay.db")).unwrap();
    report("SQLite, fsynced", ingest(log));
    report(
        "in memory (the floor)",
        ingest(MemoryLog::new(StoreId::new([1; 16]))),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(idle());
}

fn report(name: &str, took: Duration) {
    let entries = (BATCHES * ENTRIES_PER_BATCH) as f64;
    println!(
        "ingest, batches of {ENTRIES_PER_BATCH}, {name}: {:.0} entries/s on one core",
        entries / took.as_secs_f64()
    );
}

/// Time that the core takes to verify, store and acknowledge one phone's batches.
fn ingest<L: BatchLog>(log: L) -> Duration {
    let mut village = Village::new(log, Admission::Open, Limits::default());
    village.connect(0, None);
    village.settle();
    let commons = village.commons();
    let entry = PlainEntry {
        kind: EntryKind::CHANGE,
        bytes: vec![7; ENTRY_BYTES],
    };
    let entries = vec![entry; ENTRIES_PER_BATCH];
    for _ in 0..BATCHES {
        let Village { phones, rng, .. } = &mut village;
        let phone = &mut phones[0];
        let log = phone.log(commons);
        phone.carrier.write(&phone.keys, log, &entries, rng);
    }
    let mut took = Duration::ZERO;
    loop {
        village.now.0 += 1000;
        let inputs = village.gather();
        if inputs.is_empty() && village.relay.wants_turn() != Some(0) {
            break;
        }
        let started = Instant::now();
        village.handle(inputs);
        took += started.elapsed();
    }
    let last = village.phones[0].carrier.last_arrival().unwrap();
    assert!(
        village.phones[0]
            .session
            .as_ref()
            .unwrap()
            .has_delivered(last)
    );
    took
}

/// Resident memory of a relay process, in KiB.
fn memory(pid: u32) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// A relay process of its own, that lets one device connect very often.
fn start(folder: &Path) -> (Child, RelayAddr) {
    let settings = folder.join("relay.toml");
    let mut limits = "[limits]\nconnections_per_device_max = 100000\n".to_owned();
    for of in ["frames", "community_frames", "relay_frames", "newcomers"] {
        limits += &format!("{of}_per_second = 100000\n{of}_burst = 100000\n");
    }
    fs::write(&settings, limits).unwrap();
    let mut relay = Command::new(env!("CARGO_BIN_EXE_banyan-relay"))
        .args(["--listen", "127.0.0.1:0", "--open", "--data"])
        .arg(folder)
        .arg("--config")
        .arg(&settings)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(relay.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let addr: RelayAddr = line
        .strip_prefix("relay ready ")
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    (relay, addr)
}

async fn idle() {
    let folder = tempfile::tempdir().unwrap();
    let (mut relay, addr) = start(folder.path());
    let village = village::village(Limits::default());
    let signer: Arc<dyn Signer> = Arc::new(village.phones[0].keys.clone());
    let config = client_config(signer, Expect::One(addr.relay), &Transport::default()).unwrap();
    let socket = endpoint(None, None).unwrap();
    let at = resolve(&addr.addr).await.unwrap()[0];
    let mut kept = Vec::new();
    let mut before = None;
    let started = Instant::now();
    for _ in 0..CONNECTIONS {
        let phone = &village.phones[0];
        let connection = connect(&socket, at, config.clone()).await.unwrap();
        let (send, recv) = connection.open_bi().await.unwrap();
        let (mut writer, mut reader) = (FrameWriter::new(send), FrameReader::new(recv));
        let parties = Parties {
            us: phone.device(),
            kind: PeerKind::Member,
            incarnation: phone.incarnation,
            peer: addr.relay,
            peer_kind: PeerKind::Relay,
        };
        let mut session = Session::dial(parties, &phone.carrier, None, &mut rand::rng()).unwrap();
        while !session.is_caught_up() {
            while let Some(frame) = session.poll_transmit(&phone.carrier).unwrap() {
                writer.write(&frame).await.unwrap();
            }
            let Some(Incoming::Frame(frame)) = reader.read().await.unwrap() else {
                panic!()
            };
            session.receive(frame, &phone.carrier).unwrap();
        }
        kept.push((connection, writer, reader));
        if before.is_none() {
            before = memory(relay.id());
        }
    }
    let took = started.elapsed();
    tokio::time::sleep(Duration::from_secs(2)).await;
    match (before, memory(relay.id())) {
        (Some(before), Some(after)) => println!(
            "idle: {:.1} KiB per connection with a live session ({CONNECTIONS} connections)",
            (after - before) as f64 / (CONNECTIONS - 1) as f64
        ),
        _ => println!("idle: this system does not say how much memory a process takes"),
    }
    println!(
        "handshake and first session: {:.0}/s, both ends on this machine",
        CONNECTIONS as f64 / took.as_secs_f64()
    );
    drop(kept);
    relay.kill().unwrap();
    relay.wait().unwrap();
}
