//! Two people and a relay, all real.

use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use relay::config::RelayConfig;
use relay::relay::Admission;
use relay::server::RelayServer;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::run::{Desk, command};

/// A relay on a port of its own; it stops with the test.
pub(crate) struct Served {
    relay: Option<RelayServer>,
    runtime: Runtime,
    dir: TempDir,
}

impl Served {
    pub(crate) fn new(admission: Admission) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let mut served = Self {
            relay: None,
            runtime,
            dir,
        };
        served.start(admission);
        served
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("relay")
    }

    fn start(&mut self, admission: Admission) {
        let config = RelayConfig {
            admission,
            ..RelayConfig::open(&self.data(), (Ipv4Addr::LOCALHOST, 0).into())
        };
        let relay = self.runtime.block_on(RelayServer::start(config)).unwrap();
        self.relay = Some(relay);
    }

    /// Stops the relay, does something with its files, and starts it on another port.
    fn restart(&mut self, action: impl FnOnce(&Path)) {
        let relay = self.relay.take().unwrap();
        self.runtime.block_on(relay.shut_down()).unwrap();
        action(&self.data());
        self.start(Admission::Open);
    }

    pub(crate) fn text(&self) -> String {
        self.relay.as_ref().unwrap().relay_addr().to_string()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let relay = self.relay.take().unwrap();
        self.runtime.block_on(relay.shut_down()).unwrap();
    }
}

/// A founder who has invited somebody and synced, and the ticket.
pub(crate) fn founder(served: &Served) -> (Desk, String) {
    let desk = Desk::new();
    desk.run([
        "found",
        "--name",
        "丹灶",
        "--as",
        "李芳",
        "--relay",
        &served.text(),
    ])
    .ok();
    desk.run(["space", "add", "良登村"]).ok();
    desk.put_visit("3号门 王奶奶");
    let ticket = desk
        .run(["invite", "--space", "良登村", "--role", "volunteer"])
        .ok()
        .out;
    desk.run(["sync"]).ok();
    (desk, ticket.trim().to_owned())
}

#[test]
fn two_people_meet_at_a_relay_and_see_each_others_work() {
    let served = Served::new(Admission::Open);
    let (founder, ticket) = founder(&served);
    let joiner = Desk::new();
    let joined = joiner.run(["join", &ticket, "--name", "陈小明"]).ok().out;
    assert!(joined.contains("Welcome to 丹灶, 陈小明"), "{joined}");
    let list = joiner.run(["list", "--json"]).ok().json();
    assert_eq!(list[0]["title"], "3号门 王奶奶");
    let record = list[0]["record"].as_str().unwrap();
    founder.run(["sync"]).ok();
    joiner.run(["sync"]).ok();
    joiner.run(["edit", record, "household=三号门"]).ok();
    founder.run(["edit", record, "household=3号门 王阿婆"]).ok();
    joiner.run(["sync"]).ok();
    let report = founder.run(["sync", "--json"]).ok().json();
    assert_eq!(report["merged"], 1, "{report}");
    assert_eq!(report["conflicts"], 1, "{report}");
    assert_eq!(report["by_person"]["陈小明"], 1, "{report}");
    for field in [
        "sent",
        "received",
        "held",
        "bytes_sent",
        "bytes_received",
        "round_trips",
    ] {
        assert!(report[field].is_u64(), "{field}: {report}");
    }
    joiner.run(["sync"]).ok();
    for desk in [&founder, &joiner] {
        let row = desk.run(["list", "--conflicts", "--json"]).ok().json();
        assert_eq!(row[0]["conflicts"], 1);
        assert!(
            desk.run(["show", record])
                .ok()
                .out
                .contains("at the same time")
        );
    }
    let quiet = founder.run(["sync"]).ok().out;
    assert!(quiet.contains("Nothing new"), "{quiet}");
}

/// Makes `to` a copy of `from`.
fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn relay_that_was_restored_from_an_old_backup_is_named_and_filled_again() {
    let mut served = Served::new(Admission::Open);
    let (founder, ticket) = founder(&served);
    let backup = tempfile::tempdir().unwrap();
    let backup = backup.path().join("backup");
    served.restart(|data| copy(data, &backup));
    founder.put_visit("5号门 何伯");
    founder.run(["sync", "--relay", &served.text()]).ok();
    served.restart(|data| copy(&backup, data));
    let report = founder.run(["sync", "--json", "--relay", &served.text()]);
    assert_eq!(report.ok().json()["lost_by_relay"], 1);
    served.restart(|data| copy(&backup, data));
    let told = founder.run(["sync", "--relay", &served.text()]).ok().out;
    assert!(told.contains("restored from an old backup"), "{told}");
    let quiet = founder.run(["sync", "--relay", &served.text()]).ok().out;
    assert!(quiet.contains("Nothing new"), "{quiet}");
    let joiner = Desk::new();
    joiner
        .run(["join", &ticket, "--name", "陈小明", "--offline"])
        .ok();
    joiner.run(["sync", "--relay", &served.text()]).ok();
    let list = joiner.run(["list", "--json"]).ok().json();
    assert_eq!(list.as_array().unwrap().len(), 2);
}

#[test]
fn used_invitation_is_refused_and_a_new_one_does() {
    let served = Served::new(Admission::Open);
    let (founder, ticket) = founder(&served);
    Desk::new().run(["join", &ticket, "--name", "陈小明"]).ok();
    let late = Desk::new();
    let refused = late.run(["join", &ticket, "--name", "何姐"]);
    assert!(refused.fails(12).contains("invitation has been used"));
    let ticket = founder
        .run(["invite", "--space", "良登村", "--role", "lead"])
        .ok()
        .out;
    founder.run(["sync"]).ok();
    late.run(["join", ticket.trim(), "--name", "何姐"]).ok();
    assert_eq!(
        late.run(["list", "--json"]).ok().json()[0]["title"],
        "3号门 王奶奶"
    );
}

#[test]
fn relay_with_another_key_is_not_talked_to() {
    let (served, other) = (Served::new(Admission::Open), Served::new(Admission::Open));
    let (founder, _) = founder(&served);
    let (key, _) = other
        .text()
        .split_once('@')
        .map(|(k, a)| (k.to_owned(), a.to_owned()))
        .unwrap();
    let (_, addr) = served
        .text()
        .split_once('@')
        .map(|(k, a)| (k.to_owned(), a.to_owned()))
        .unwrap();
    let said = founder.run(["sync", "--relay", &format!("{key}@{addr}")]);
    assert!(said.fails(11).contains("Another key"));
    founder.run(["sync"]).ok();
}

#[test]
fn relay_that_does_not_carry_the_community_says_so() {
    let served = Served::new(Admission::Listed(std::collections::BTreeSet::new()));
    let desk = Desk::new();
    desk.run(["found", "--name", "丹灶", "--relay", &served.text()])
        .ok();
    assert!(
        desk.run(["sync"])
            .fails(12)
            .contains("does not carry this community")
    );
}

#[test]
fn relay_named_later_is_remembered() {
    let served = Served::new(Admission::Open);
    let desk = Desk::with_village();
    desk.run(["sync", "--relay", &served.text()]).ok();
    desk.run(["sync"]).ok();
    let relays = desk.run(["status", "--json"]).ok().json()["relays"].clone();
    assert_eq!(relays.as_array().unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn watching_tells_what_comes_and_ends_cleanly_when_asked() {
    let served = Served::new(Admission::Open);
    let (founder, ticket) = founder(&served);
    let joiner = Desk::new();
    joiner.run(["join", &ticket, "--name", "陈小明"]).ok();
    founder.run(["sync"]).ok();
    let mut watcher = command(&joiner.data())
        .args(["sync", "--watch", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
    let mut next = move || -> serde_json::Value {
        serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap()
    };
    while next()["event"] != "caught_up" {}
    founder.put_visit("5号门");
    founder.run(["sync"]).ok();
    while next()["merged"] != 1 {}
    let id = watcher.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(watcher.wait().unwrap().success());
    assert_eq!(
        joiner
            .run(["list", "--json"])
            .ok()
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn promoted_volunteer_invites_and_the_relay_takes_the_newcomer_in() {
    let served = Served::new(Admission::Open);
    let (founder, ticket) = founder(&served);
    let volunteer = Desk::new();
    volunteer.run(["join", &ticket, "--name", "陈小明"]).ok();
    let invite = ["invite", "--space", "良登村", "--role", "volunteer"];
    volunteer.run(invite).fails(5);
    volunteer
        .run(["grant", "陈小明", "--role", "lead", "--space", "良登村"])
        .fails(5);
    founder.run(["sync"]).ok();
    let grant = ["grant", "陈小明", "--role", "lead", "--space", "良登村"];
    let said = founder.run(grant).ok().out;
    assert!(said.contains("陈小明") && said.contains("lead"), "{said}");
    let again = [grant.as_slice(), &["--json"]].concat();
    assert_eq!(founder.run(again).ok().json()["changed"], false);
    founder.run(["sync"]).ok();
    volunteer.run(["sync"]).ok();
    let ticket = volunteer.run(invite).ok().out;
    volunteer.run(["sync"]).ok();
    let newcomer = Desk::new();
    newcomer.run(["join", ticket.trim(), "--name", "何妹"]).ok();
    let list = newcomer.run(["list", "--json"]).ok().json();
    assert_eq!(list[0]["title"], "3号门 王奶奶");
    founder.run(["sync"]).ok();
    let log = founder.run(["log", "--json"]).ok().json();
    let of = |act: &str| -> Vec<&serde_json::Value> {
        let acts = log.as_array().unwrap().iter();
        acts.filter(|row| row["act"] == act).collect()
    };
    assert_eq!(of("found")[0]["by"], "李芳");
    assert_eq!(of("grant")[0]["about"]["name"], "陈小明");
    assert_eq!(of("grant")[0]["about"]["role"], "lead");
    let invites: Vec<_> = of("invite").iter().map(|row| row["by"].clone()).collect();
    assert_eq!(invites, ["李芳", "陈小明"]);
    assert!(
        log.as_array()
            .unwrap()
            .iter()
            .all(|row| row["counts"] == true)
    );
    let said = founder.run(["log"]).ok().out;
    assert!(said.contains("gives 陈小明 the role lead"), "{said}");
}

#[test]
fn grant_to_nobody_and_by_nobody_says_what_is_wrong() {
    let desk = Desk::with_village();
    let said = desk.run(["grant", "谁", "--role", "lead"]).fails(4);
    assert!(said.contains("banyan members"), "{said}");
    let said = desk.run(["grant", "谁", "--role", "king"]).fails(2);
    assert!(said.contains("observer"), "{said}");
}

#[test]
fn verify_proves_a_store_and_names_what_was_changed_in_it() {
    let served = Served::new(Admission::Open);
    let (desk, _) = founder(&served);
    desk.put_visit("4号门");
    let said = desk.run(["verify"]).ok().out;
    assert!(said.contains("what its authors signed"), "{said}");
    let counts = desk.run(["verify", "--json"]).ok().json();
    assert!(counts["batches"].as_u64().unwrap() > 0);
    assert_eq!(
        (&counts["opened"], &counts["waiting"]),
        (&1.into(), &0.into())
    );
    assert_eq!(counts["unsigned"], 1);
    let store = rusqlite::Connection::open(desk.data().join("community.sqlite")).unwrap();
    let changed = store.execute("UPDATE batches SET tail = zeroblob(length(tail))", []);
    assert!(changed.unwrap() > 0);
    drop(store);
    let said = desk.run(["verify"]).fails(6);
    assert!(said.contains("community.sqlite"), "{said}");
}

#[test]
fn lost_phone_is_cut_off_and_told_so() {
    let served = Served::new(Admission::Open);
    let (desk, ticket) = founder(&served);
    let phone = Desk::new();
    phone.run(["join", &ticket, "--name", "陈小明"]).ok();
    desk.run(["sync"]).ok();
    let status = phone.run(["status", "--json"]).ok().json();
    let device = status["device"].as_str().unwrap();
    phone.run(["revoke", "李芳"]).fails(5);
    let revoke = ["revoke", "--device", &device[..8]];
    let said = desk.run(revoke).ok().out;
    assert!(said.contains("陈小明"), "{said}");
    desk.run(["sync"]).ok();
    let visit = ["household=3号门", "date=2026-03-04", "purpose=health"];
    let put = [["put", "visit", "--space", "良登村"].as_slice(), &visit].concat();
    // It has not heard of it yet.
    phone.run(put.clone()).ok();
    let said = phone.run(["sync"]).fails(5);
    assert!(said.contains("removed"), "{said}");
    let status = phone.run(["status", "--json"]).ok().json();
    assert_eq!(status["removed"], true);
    phone.run(put).fails(5);
    let members = desk.run(["members", "--json"]).ok().json();
    let mut members = members.as_array().unwrap().iter();
    let member = members.find(|member| member["name"] == "陈小明").unwrap();
    assert_eq!(member["removed"], true);
    let log = desk.run(["log", "--json"]).ok().json();
    let mut acts = log.as_array().unwrap().iter();
    let act = acts.find(|act| act["act"] == "revoke").unwrap();
    assert_eq!(act["counts"], true);
    desk.run(revoke).fails(4);
    desk.run(["revoke", "李芳"]).fails(5);
}

#[test]
fn what_a_lost_phone_sent_is_held_looked_at_and_let_in() {
    let served = Served::new(Admission::Open);
    let (desk, ticket) = founder(&served);
    let phone = Desk::new();
    phone.run(["join", &ticket, "--name", "陈小明"]).ok();
    desk.run(["sync"]).ok();
    let visit = ["household=8号门", "date=2026-03-04", "purpose=health"];
    let put = [["put", "visit", "--space", "良登村"].as_slice(), &visit].concat();
    phone.run(put).ok();
    phone.run(["sync"]).ok();
    desk.run(["release", "--all"]).fails(4);
    desk.run(["revoke", "陈小明"]).ok();
    desk.run(["sync"]).ok();
    let held = desk.run(["held", "--json"]).ok().json();
    assert_eq!(held[0]["code"], 266);
    let count = |desk: &Desk| {
        let list = desk.run(["list", "--json"]).ok().json();
        list.as_array().unwrap().len()
    };
    let before = count(&desk);
    phone.run(["release", "--all"]).fails(4);
    let device = held[0]["device"].as_str().unwrap();
    let said = desk.run(["release", "--device", &device[..8]]).ok().out;
    assert!(said.contains('1'), "{said}");
    assert_eq!(count(&desk), before + 1);
    assert_eq!(
        desk.run(["held", "--json"]).ok().json(),
        serde_json::json!([])
    );
    desk.run(["verify"]).ok();
}

#[test]
fn tablet_becomes_its_owners_second_device_and_is_removed_again() {
    let served = Served::new(Admission::Open);
    let (desk, _) = founder(&served);
    let tablet = Desk::new();
    let shown = desk.run(["device", "add", "--json"]).ok().json();
    let text = shown["text"].as_str().unwrap();
    let join = ["device", "join", text, "--label", "平板", "--json"];
    let answer = tablet.run(join).ok().json();
    let answer = answer["text"].as_str().unwrap();
    tablet.run(["device", "add", answer]).fails(3);
    let said = desk.run(["device", "add", text]).fails(14);
    assert!(said.contains("banyan device"), "{said}");
    desk.run(["device", "add", answer]).ok();
    desk.run(["sync"]).ok();
    tablet.run(["sync"]).ok();
    let list = tablet.run(["list", "--json"]).ok().json();
    assert_eq!(list[0]["title"], "3号门 王奶奶");
    let devices = desk.run(["device", "list", "--json"]).ok().json();
    let mut devices = devices.as_array().unwrap().iter();
    let other = devices.find(|device| device["this"] == false).unwrap();
    assert_eq!(other["label"], "平板");
    let id = &other["device"].as_str().unwrap()[..8];
    desk.run(["device", "remove", id]).ok();
    desk.run(["sync"]).ok();
    let said = tablet.run(["sync"]).fails(5);
    assert!(said.contains("removed"), "{said}");
    let said = desk.run(["device", "list"]).ok().out;
    assert!(said.contains("removed"), "{said}");
}

/// Every file of a folder, one after the other.
fn bytes_in(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    bytes
}

fn shows(folder: &Path, text: &str) -> bool {
    let bytes = bytes_in(folder);
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn removed_phone_hands_over_its_work_erases_all_and_says_so() {
    let served = Served::new(Admission::Open);
    let (desk, ticket) = founder(&served);
    let phone = Desk::new();
    phone.run(["join", &ticket, "--name", "陈小明"]).ok();
    desk.run(["sync"]).ok();
    phone.run(["sync"]).ok();
    assert!(shows(&phone.data(), "3号门 王奶奶"));
    let key = std::fs::read_to_string(phone.data().join("device.key")).unwrap();
    desk.run(["revoke", "陈小明"]).ok();
    desk.run(["sync"]).ok();
    let state = |desk: &Desk| {
        let members = desk.run(["members", "--json"]).ok().json();
        let mut members = members.as_array().unwrap().clone().into_iter();
        members.find(|member| member["removed"] == true).unwrap()
    };
    let owed = state(&desk)["unconfirmed_device_ids"].clone();
    assert_eq!(owed.as_array().unwrap().len(), 1);
    assert!(desk.run(["members"]).ok().out.contains("not confirmed"));
    // Offline, it does not know that it was removed.
    let visit = ["household=8号门", "date=2026-03-04", "purpose=health"];
    let put = [["put", "visit", "--space", "良登村"].as_slice(), &visit].concat();
    phone.run(put).ok();
    let said = phone.run(["sync"]).fails(5);
    assert!(said.contains("removed"), "{said}");
    // Nothing that could be read is left in any file, and the key that opens is another one.
    for text in ["王奶奶", "8号门", "health", "王奶", "号门"] {
        assert!(!shows(&phone.data(), text), "{text}");
    }
    let secret = key.lines().nth(2).unwrap();
    assert!(!shows(&phone.data(), secret));
    let status = phone.run(["status", "--json"]).ok().json();
    assert_eq!(status["farewell"], "confirmed");
    assert_eq!(status["records"], serde_json::json!([]));
    assert_eq!(
        phone.run(["list", "--json"]).ok().json(),
        serde_json::json!([])
    );
    phone.run(["verify"]).ok();
    phone.run(["sync"]).fails(5);
    // Its last work waits for a coordinator, who sees that it has erased the rest.
    desk.run(["sync"]).ok();
    assert_eq!(
        state(&desk)["unconfirmed_device_ids"],
        serde_json::json!([])
    );
    assert!(desk.run(["members"]).ok().out.contains("has erased"));
    let held = desk.run(["held", "--json"]).ok().json();
    assert_eq!(held.as_array().unwrap().len(), 1);
    let visits = |desk: &Desk| {
        let list = desk.run(["list", "--kind", "visit", "--json"]).ok().json();
        list.as_array().unwrap().len()
    };
    let before = visits(&desk);
    desk.run(["release", "--all"]).ok();
    assert_eq!(visits(&desk), before + 1);
    desk.run(["verify"]).ok();
}

#[test]
fn erased_record_goes_from_every_phone_and_the_relay_and_each_confirms() {
    let served = Served::new(Admission::Open);
    let (desk, ticket) = founder(&served);
    let phone = Desk::new();
    phone.run(["join", &ticket, "--name", "陈小明"]).ok();
    let fields = [
        "household=5号门",
        "date=2026-03-04",
        "purpose=health",
        "findings=膝盖旧伤",
    ];
    let put = [["put", "visit", "--space", "良登村"].as_slice(), &fields].concat();
    let record = phone.run(put).ok().out.trim().to_owned();
    phone.run(["sync"]).ok();
    desk.run(["sync"]).ok();
    phone.run(["sync"]).ok();
    // It takes a coordinator, a word of confirmation, and a record that is there.
    phone.run(["erase", &record, "--yes"]).fails(5);
    desk.run(["erase", "--where", "household=6号门", "--yes"])
        .fails(4);
    let asked = desk.run(["erase", &record]).ok().out;
    assert!(
        asked.contains("5号门") && asked.contains("--yes"),
        "{asked}"
    );
    desk.run(["show", &record]).ok();
    desk.run(["erase", "--where", "household=5号门", "--yes"])
        .ok();
    let said = desk.run(["show", &record]).fails(4);
    assert!(said.contains("erased"), "{said}");
    desk.run(["sync"]).ok();
    let erasure = || desk.run(["erasures", "--json"]).ok().json()[0].clone();
    assert_eq!(erasure()["relays_confirmed"].as_array().unwrap().len(), 1);
    assert_eq!(erasure()["outstanding"], serde_json::json!(["陈小明"]));
    assert!(desk.run(["erasures"]).ok().out.contains("2 of 3"));
    let found = |desk: &Desk| {
        let list = desk.run(["list", "--search", "旧伤", "--json"]).ok().json();
        list.as_array().unwrap().len()
    };
    assert!(shows(&phone.data(), "5号门") && shows(&phone.data(), "盖旧"));
    assert_eq!((found(&phone), found(&desk)), (1, 0));
    phone.run(["sync"]).ok();
    for desk in [&desk, &phone] {
        for text in ["5号门", "膝盖", "盖旧", "旧伤"] {
            assert!(!shows(&desk.data(), text), "{text}");
        }
        assert_eq!(found(desk), 0);
        desk.run(["verify"]).ok();
    }
    desk.run(["sync"]).ok();
    assert_eq!(erasure()["outstanding"], serde_json::json!([]));
    // Whoever comes later gets the log without it.
    let ticket = ["invite", "--space", "良登村", "--role", "volunteer"];
    let ticket = desk.run(ticket).ok().out;
    desk.run(["sync"]).ok();
    let late = Desk::new();
    let ticket = ticket
        .split_whitespace()
        .find(|it| it.starts_with("banyan1"));
    late.run(["join", ticket.unwrap(), "--name", "周老师"]).ok();
    late.run(["sync"]).ok();
    late.run(["show", &record]).fails(4);
    assert!(!shows(&late.data(), "5号门"));
    late.run(["verify"]).ok();
}
