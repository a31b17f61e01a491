//! A relay and three phones, all real processes, killed at random moments of their syncs.
//!
//! What a command said it wrote (exit code 0) must be there in the end, once, on every phone. A kill
//! comes when the file of a store or log has grown to a size drawn from the seed, so that it falls
//! into the middle of a write; nothing depends on how fast this computer is.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::yield_now;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use relay::config::RelayConfig;
use relay::server::RelayServer;
use serde_json::Value;

use crate::run::{Desk, command};

/// Where the child process below serves, and from which folder.
const LISTEN: &str = "BANYAN_TEST_LISTEN";
const FOLDER: &str = "BANYAN_TEST_FOLDER";
const SEEDS: [u64; 2] = [1, 2];
const ROUNDS: usize = 8;
const PHONES: usize = 3;
const EDITS: usize = 4;

/// Not a test by itself: the relay of the test below runs in this process.
#[test]
#[ignore = "the relay's own process, started by another test"]
fn relay_process() {
    let (Some(listen), Some(folder)) = (std::env::var_os(LISTEN), std::env::var_os(FOLDER)) else {
        return;
    };
    let config = RelayConfig::open(
        Path::new(&folder),
        listen.to_str().unwrap().parse().unwrap(),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut relay = RelayServer::start(config).await.unwrap();
        eprintln!("relay ready {}", relay.relay_addr());
        let fault = relay.failed().await;
        panic!("{fault}");
    });
}

/// The relay's process; its port stays the same through its deaths.
struct Relay {
    child: Option<Child>,
    folder: PathBuf,
    listen: SocketAddr,
    text: String,
}

impl Relay {
    fn new(folder: PathBuf) -> Self {
        let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let listen = free.local_addr().unwrap();
        drop(free);
        let mut relay = Self {
            child: None,
            folder,
            listen,
            text: String::new(),
        };
        relay.start();
        relay
    }

    fn start(&mut self) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::relay_process", "--ignored", "--nocapture"])
            .env(LISTEN, self.listen.to_string())
            .env(FOLDER, &self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        self.child = Some(child);
        let mut said = Vec::new();
        for line in lines.map_while(Result::ok) {
            if let Some((_, addr)) = line.split_once("relay ready ") {
                self.text = addr.to_owned();
                return;
            }
            said.push(line);
        }
        panic!("the relay does not start again: {said:?}");
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Bytes of a store and of its write-ahead log.
fn written(store: &Path) -> u64 {
    let mut log = store.as_os_str().to_owned();
    log.push("-wal");
    let len = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    len(store) + len(Path::new(&log))
}

/// Waits until a store has grown to a size, or all that write to it have ended.
fn wait_until(store: &Path, size: u64, writers: &mut [Child]) {
    while written(store) < size
        && writers
            .iter_mut()
            .any(|child| child.try_wait().unwrap().is_none())
    {
        yield_now();
    }
}

fn background(desk: &Desk, args: &[&str]) -> Child {
    let mut command = command(&desk.data());
    let command = command.args(args).stdout(Stdio::null());
    command.stderr(Stdio::null()).spawn().unwrap()
}

fn store(desk: &Desk) -> PathBuf {
    desk.data().join("community.sqlite")
}

/// The phones, what their commands said is written, and the relay.
struct Scene {
    phones: Vec<Desk>,
    relay: Relay,
    ticket: String,
    rng: ChaCha8Rng,
    /// Title of each visit whose command ended well, and its id.
    written: BTreeMap<String, String>,
    /// Titles of visits whose command was killed: there once, or not at all.
    in_doubt: Vec<String>,
    kills: usize,
}

impl Scene {
    fn new(seed: u64, folder: &Path) -> Self {
        let relay = Relay::new(folder.join("relay"));
        let lead = Desk::new();
        lead.run(["found", "--name", "丹灶", "--relay", &relay.text])
            .ok();
        lead.run(["space", "add", "V"]).ok();
        let invite = [
            "invite",
            "--space",
            "V",
            "--role",
            "volunteer",
            "--uses",
            "9",
        ];
        let ticket = lead.run(invite).ok().out;
        lead.run(["sync"]).ok();
        let mut phones = vec![lead];
        for name in ["陈小明", "何姐"] {
            let phone = Desk::new();
            phone.run(["join", ticket.trim(), "--name", name]).ok();
            phones.push(phone);
        }
        phones[0].run(["sync"]).ok();
        Self {
            phones,
            relay,
            ticket: ticket.trim().to_owned(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            written: BTreeMap::new(),
            in_doubt: Vec::new(),
            kills: 0,
        }
    }

    fn put(&mut self, phone: usize, title: &str) {
        let household = format!("household={title}");
        let args = ["put", "visit", "--space", "V", &household];
        let words = ["date=2026-03-04", "purpose=health"];
        let ran = self.phones[phone].run(args.iter().chain(&words));
        let record = ran.ok().out.trim().to_owned();
        self.written.insert(title.to_owned(), record);
    }

    /// An edit that is killed somewhere in the middle.
    fn put_and_kill(&mut self, phone: usize, title: &str) {
        let desk = &self.phones[phone];
        let store = store(desk);
        let size = written(&store) + self.rng.random_range(0..60_000);
        let household = format!("household={title}");
        let args = ["put", "visit", "--space", "V", &household];
        let words = ["date=2026-03-04", "purpose=health"];
        let mut child = [background(desk, &[args.as_slice(), &words].concat())];
        wait_until(&store, size, &mut child);
        let _ended = child[0].kill();
        child[0].wait().unwrap();
        self.in_doubt.push(title.to_owned());
        self.kills += 1;
    }

    /// All sync at once; one of the four, drawn by lot, is killed when its store has grown so far.
    fn sync_and_kill(&mut self) {
        let mut syncs: Vec<Child> = (self.phones.iter())
            .map(|desk| background(desk, &["sync"]))
            .collect();
        let victim = self.rng.random_range(0..=PHONES);
        let more = u64::from(self.rng.next_u32() % 120_000);
        if let Some(desk) = self.phones.get(victim) {
            let store = store(desk);
            let size = written(&store) + more;
            wait_until(&store, size, std::slice::from_mut(&mut syncs[victim]));
            let _ended = syncs[victim].kill();
        } else {
            let log = self.relay.folder.join("relay.db");
            wait_until(&log, written(&log) + more, &mut syncs);
            self.relay.kill();
        }
        self.kills += 1;
        // Those who have lost the relay would wait long for it: they are killed too.
        if self.relay.child.is_none() {
            syncs.iter_mut().for_each(|child| drop(child.kill()));
            self.kills += syncs.len();
        }
        for mut child in syncs {
            child.wait().unwrap();
        }
        if self.relay.child.is_none() {
            self.relay.start();
        }
    }

    fn round(&mut self, round: usize) {
        for edit in 0..EDITS {
            let phone = self.rng.random_range(0..PHONES);
            self.put(phone, &format!("{round}-{edit}"));
        }
        if self.rng.random_bool(0.5) {
            let phone = self.rng.random_range(0..PHONES);
            self.put_and_kill(phone, &format!("{round}-killed"));
        }
        self.sync_and_kill();
    }

    /// Everybody has everything, once; and the relay, killed after its last word, has it too.
    fn assert_whole(&mut self, seed: u64) {
        for _ in 0..2 {
            for phone in &self.phones {
                phone.run(["sync"]).ok();
            }
        }
        let mut digests = Vec::new();
        for phone in &self.phones {
            let status = phone.run(["status", "--json"]).ok().json();
            assert_eq!(status["pending"], 0, "seed {seed}: {status}");
            assert_eq!(status["held"], 0, "seed {seed}: {status}");
            digests.push((status["digest"].clone(), status["records"].clone()));
            self.assert_each_once(seed, &phone.run(["list", "--json"]).ok().json());
        }
        digests.dedup();
        assert_eq!(digests.len(), 1, "seed {seed}: {digests:?}");
        self.relay.kill();
        self.relay.start();
        let late = Desk::new();
        late.run(["join", &self.ticket, "--name", "阿强"]).ok();
        self.assert_each_once(seed, &late.run(["list", "--json"]).ok().json());
    }

    fn assert_each_once(&self, seed: u64, list: &Value) {
        let mut seen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in list.as_array().unwrap() {
            let title = row["title"].as_str().unwrap();
            let record = row["record"].as_str().unwrap();
            seen.entry(title).or_default().push(record);
        }
        for (title, record) in &self.written {
            let found = seen.remove(title.as_str()).unwrap_or_default();
            assert_eq!(found, [record.as_str()], "seed {seed}: visit {title}");
        }
        for title in &self.in_doubt {
            let found = seen.remove(title.as_str()).unwrap_or_default();
            assert!(found.len() <= 1, "seed {seed}: visit {title} twice");
        }
        assert!(seen.is_empty(), "seed {seed}: from nowhere: {seen:?}");
    }
}

#[test]
fn what_a_command_said_is_written_survives_kills_of_everybody() {
    for seed in SEEDS {
        let folder = tempfile::tempdir().unwrap();
        let mut scene = Scene::new(seed, folder.path());
        for round in 0..ROUNDS {
            scene.round(round);
        }
        scene.assert_whole(seed);
        assert!(scene.kills >= ROUNDS && scene.written.len() == ROUNDS * EDITS);
    }
}
