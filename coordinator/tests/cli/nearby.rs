//! `banyan nearby` and `banyan sync --peer`: real programs on one computer, without a relay.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::run::{Desk, command};

/// Far longer than anything here takes; a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A `banyan nearby --json` that runs; it is asked to end when the test is over.
#[derive(Debug)]
pub(crate) struct Listening {
    child: Child,
    lines: Receiver<Value>,
    pub(crate) code: String,
    pub(crate) addr: String,
}

impl Listening {
    pub(crate) fn start(mut command: Command, args: &[&str]) -> Self {
        let mut child = command
            .args(["nearby", "--json"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap();
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut this = Self {
            child,
            lines,
            code: String::new(),
            addr: String::new(),
        };
        let listening = this.next("listening");
        this.code = listening["code"].as_str().unwrap_or_default().to_owned();
        this.addr = listening["addr"].as_str().unwrap().to_owned();
        this
    }

    /// The next happening of a kind; others before it are passed over.
    pub(crate) fn next(&self, event: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("{event}: {error}"));
            if line["event"] == event {
                return line;
            }
        }
    }

    /// Everything that has been told and not been heard yet.
    pub(crate) fn rest(&self) -> Vec<Value> {
        self.lines.try_iter().collect()
    }

    /// Asks it to end, as Ctrl-C does, and waits until it has.
    pub(crate) fn end(&mut self) {
        interrupt(&self.child);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
}

/// On this computer alone: nothing is announced on its networks.
fn listening(desk: &Desk) -> Listening {
    let args = ["--listen", "127.0.0.1:0", "--no-mdns"];
    Listening::start(command(&desk.data()), &args)
}

/// Somebody who has taken up an invitation and met nobody yet.
pub(crate) fn invited(founder: &Desk, name: &str) -> Desk {
    let invite = ["invite", "--space", "良登村", "--role", "volunteer"];
    let ticket = founder.run(invite).ok().out;
    let joiner = Desk::new();
    joiner.run(["join", ticket.trim(), "--name", name]).ok();
    joiner
}

/// The titles of all records, in order.
pub(crate) fn titles(mut command: Command) -> Vec<String> {
    let listed = crate::run::ran(&command.args(["list", "--json"]).output().unwrap());
    let rows = listed.ok().json();
    let titles = rows.as_array().unwrap().iter();
    let mut titles: Vec<String> = titles
        .map(|row| row["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    titles
}

fn titles_at(data: &Path) -> Vec<String> {
    titles(command(data))
}

#[test]
fn two_people_beside_each_other_need_no_relay() {
    let founder = Desk::with_village();
    founder.put_visit("3号门 王奶奶");
    let mut host = listening(&founder);
    let joiner = invited(&founder, "陈小明");
    let met = joiner.run(["sync", "--peer", &host.code]).ok().out;
    assert!(met.contains("Met 李芳 for the first time"), "{met}");
    let told = host.next("met");
    let phrase = told["peer"]["phrase"].as_str().unwrap();
    assert!(met.contains(phrase), "{phrase}: {met}");
    assert_eq!(told["peer"]["first"], true);
    assert_eq!(titles_at(&joiner.data()), ["3号门 王奶奶"]);
    // By address: whoever answers there must be a member's device.
    joiner.put_visit("5号门 李伯");
    let report = joiner
        .run(["sync", "--json", "--peer", &host.addr])
        .ok()
        .json();
    assert_eq!(report["peer"]["name"], "李芳", "{report}");
    assert_eq!(report["peer"]["first"], false, "{report}");
    assert!(report["sent"].as_u64().unwrap() >= 1, "{report}");
    assert_eq!(host.next("parted")["whole"], true);
    host.end();
    assert_eq!(titles_at(&founder.data()), titles_at(&joiner.data()));
}

#[test]
fn a_stranger_at_the_address_is_told_nothing() {
    let founder = Desk::with_village();
    let host = listening(&founder);
    let stranger = Desk::with_village();
    for peer in [&host.code, &host.addr] {
        let said = stranger.run(["sync", "--peer", peer]).fails(11);
        assert!(said.contains("no other device of this community"), "{said}");
    }
    assert!(host.rest().is_empty());
}

#[test]
fn what_is_no_code_and_no_address_is_said_to_be_none() {
    let desk = Desk::with_village();
    for peer in ["banyan-peer:abc", "nowhere", "", ":80"] {
        let said = desk.run(["sync", "--peer", peer]).fails(14);
        assert!(
            said.contains("neither the code of a device nor an address"),
            "{said}"
        );
    }
    let host = listening(&desk);
    let own = desk.run(["sync", "--peer", &host.code]).fails(11);
    assert!(own.contains("no other device"), "{own}");
}

#[test]
fn people_read_sentences_and_can_scan_the_code() {
    let desk = Desk::with_village();
    let mut child = command(&desk.data())
        .args(["nearby", "--listen", "127.0.0.1:0", "--no-mdns", "--qr"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("banyan sync --peer banyan-peer:"), "{first}");
    let squares = lines.next().unwrap().unwrap();
    assert!(squares.contains('█') || squares.contains('▄'), "{squares}");
    interrupt(&child);
    assert!(child.wait().unwrap().success());
}
