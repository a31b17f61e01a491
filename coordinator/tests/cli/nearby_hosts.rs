//! `banyan nearby` on several hosts of one network: network namespaces with a switch between them. They find
//! each other by multicast DNS; the way between them is slow and lossy, is cut, and an address changes.
//!
//! Making namespaces is for the superuser of Linux: elsewhere the test says that it has seen nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::nearby::{Listening, PATIENCE, invited, titles};
use crate::run::{Desk, command};

/// What the switch is: a program, because not every kernel can make a way slow.
const SWITCH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/cli/nearby_hosts/switch.py"
);

/// Between two looks at what all have.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A switch and hosts with addresses `10.77.0.<number>`; gone when this is.
#[derive(Debug)]
struct Net {
    name: String,
    hosts: usize,
    switch: Option<(Child, BufReader<ChildStdout>)>,
}

/// Why there is no network, if there is none.
fn ip(args: &[&str]) -> Result<(), String> {
    let done = Command::new("ip").args(args).output();
    let done = done.map_err(|error| format!("ip: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("ip {}: {}", args.join(" "), said.trim()))
}

impl Net {
    fn try_new(hosts: usize) -> Result<Self, String> {
        let mut net = Self {
            name: format!("banyan{}", std::process::id()),
            hosts,
            switch: None,
        };
        let switch = net.switch();
        ip(&["netns", "add", &switch])?;
        for number in 1..=hosts {
            let (host, port) = (net.host(number), port(number));
            ip(&["netns", "add", &host])?;
            let veth = ["-n", &host, "link", "add", "eth0", "type", "veth"];
            ip(&[&veth[..], &["peer", "name", &port, "netns", &switch]].concat())?;
            ip(&["-n", &switch, "link", "set", &port, "up"])?;
            ip(&["-n", &host, "link", "set", "lo", "up"])?;
            let addr = format!("10.77.0.{number}/24");
            ip(&["-n", &host, "addr", "add", &addr, "dev", "eth0"])?;
            // Frames as they are on a cable, not many in one.
            ip(&[
                "-n",
                &host,
                "link",
                "set",
                "eth0",
                "gso_max_segs",
                "1",
                "up",
            ])?;
        }
        let ports = (1..=hosts).map(port);
        let mut program = Command::new("ip")
            .args(["netns", "exec", &switch, "python3", SWITCH])
            .args(ports)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("python3: {error}"))?;
        let answers = BufReader::new(program.stdout.take().unwrap());
        net.switch = Some((program, answers));
        net.hear_ok()?;
        Ok(net)
    }

    fn hear_ok(&mut self) -> Result<(), String> {
        let (_, answers) = self.switch.as_mut().unwrap();
        let mut line = String::new();
        let read = answers.read_line(&mut line);
        read.map_err(|error| error.to_string())?;
        match line.trim() {
            "ok" => Ok(()),
            _ => Err("the switch does not run".to_owned()),
        }
    }

    fn tell_switch(&mut self, words: &str) {
        let (program, _) = self.switch.as_mut().unwrap();
        writeln!(program.stdin.as_mut().unwrap(), "{words}").unwrap();
        self.hear_ok().unwrap();
    }

    fn switch(&self) -> String {
        format!("{}s", self.name)
    }

    fn host(&self, number: usize) -> String {
        format!("{}h{number}", self.name)
    }

    /// `banyan` on one of the hosts.
    fn on(&self, number: usize, desk: &Desk) -> Command {
        let there = command(&desk.data());
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host(number)]);
        let of_person = there
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        command.env_clear().envs(of_person);
        command.arg(there.get_program()).args(there.get_args());
        command
    }

    /// From now on every packet takes half of 300 ms, and some are lost.
    fn make_slow(&mut self) {
        self.tell_switch("slow 150 5");
    }

    fn set_plug(&mut self, number: usize, state: &str) {
        self.tell_switch(&format!("plug {} {state}", port(number)));
    }

    /// The host is somewhere else on the network.
    fn move_to(&self, number: usize, addr: &str) {
        let (host, old) = (self.host(number), format!("10.77.0.{number}/24"));
        ip(&["-n", &host, "addr", "del", &old, "dev", "eth0"]).unwrap();
        ip(&["-n", &host, "addr", "add", addr, "dev", "eth0"]).unwrap();
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if let Some((mut program, _)) = self.switch.take() {
            let _ended = program.kill();
            let _ended = program.wait();
        }
        for number in 1..=self.hosts {
            let _gone = ip(&["netns", "del", &self.host(number)]);
        }
        let _gone = ip(&["netns", "del", &self.switch()]);
    }
}

fn port(number: usize) -> String {
    format!("p{number}")
}

/// Three people, each with a program on a host of their own; the first has founded the community.
#[derive(Debug)]
struct Village {
    programs: Vec<Listening>,
    desks: Vec<Desk>,
    net: Net,
}

impl Village {
    /// They have met the first one by a code. From then on nobody says where anybody is.
    fn gather(net: Net) -> Self {
        let founder = Desk::with_village();
        founder.put_visit("1号门");
        let first = Listening::start(net.on(1, &founder), &[]);
        let mut village = Self {
            desks: vec![founder],
            programs: Vec::new(),
            net,
        };
        for (number, name) in [(2, "陈小明"), (3, "张伟")] {
            let desk = invited(&village.desks[0], name);
            let mut met = village.net.on(number, &desk);
            let met = met.args(["sync", "--peer", &first.code]).output();
            crate::run::ran(&met.unwrap()).ok();
            village.desks.push(desk);
        }
        village.programs.push(first);
        for number in [2, 3] {
            let program = village.net.on(number, &village.desks[number - 1]);
            village.programs.push(Listening::start(program, &[]));
        }
        village
    }

    fn put_visit(&self, number: usize, household: &str) {
        self.desks[number - 1].put_visit(household);
    }

    /// Waits until all have the same records, so many.
    fn agree(&self, count: usize, what: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let hosts = (1..).zip(&self.desks);
            let all = hosts.map(|(number, desk)| titles(self.net.on(number, desk)));
            let all: Vec<Vec<String>> = all.collect();
            let is_whole = |titles: &Vec<String>| titles.len() == count && titles == &all[0];
            if all.iter().all(is_whole) {
                return;
            }
            if Instant::now() >= until {
                let told: Vec<_> = self.programs.iter().map(Listening::rest).collect();
                panic!("{what}: {all:?}\n{told:#?}");
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

#[test]
fn hosts_of_one_network_find_each_other_and_agree_whatever_the_network_does() {
    let net = match Net::try_new(3) {
        Ok(net) => net,
        Err(reason) => {
            // Not by a macro: what those print of a test that passes is not shown.
            let mut err = std::io::stderr().lock();
            let why = format!("no network namespaces here ({reason})");
            writeln!(err, "\nSKIPPED, NOTHING WAS TESTED: {why}").unwrap();
            return;
        }
    };
    let mut village = Village::gather(net);
    village.put_visit(2, "2号门");
    village.put_visit(3, "3号门");
    village.agree(3, "found by multicast DNS");
    let met = village.programs[2].next("met");
    assert_eq!(met["peer"]["phrase"].as_str().unwrap().len(), 9, "{met}");
    // A slow way on which packets get lost.
    village.net.make_slow();
    village.put_visit(1, "4号门");
    village.put_visit(3, "5号门");
    village.agree(5, "300 ms and 5 % loss");
    // Nobody can reach the second host, and it goes on by itself.
    village.net.set_plug(2, "down");
    village.put_visit(2, "6号门");
    village.put_visit(1, "7号门");
    village.net.set_plug(2, "up");
    village.agree(7, "cut and healed");
    // The third host gets another address while they are in touch.
    village.net.move_to(3, "10.77.0.33/24");
    village.put_visit(3, "8号门");
    village.put_visit(1, "9号门");
    village.agree(9, "with another address");
    for program in &mut village.programs {
        program.end();
    }
}
