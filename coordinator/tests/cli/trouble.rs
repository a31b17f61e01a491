//! Every kind of trouble: a sentence, and an exit code of its own.

use crate::run::{Desk, ran};

#[test]
fn command_lines_that_are_none_are_refused() {
    let desk = Desk::with_village();
    desk.run(["fly"]).fails(2);
    desk.run(["space"]).fails(2);
    desk.run(["list", "--colour"]).fails(2);
    desk.run(["found", "--name", ""]).fails(2);
    desk.run(["invite", "--role", "king"]).fails(2);
    desk.run(["space", "add", "良登村"]).fails(2);
    let elsewhere = Desk::new();
    let relay = ["found", "--name", "x", "--relay", "nowhere"];
    assert!(elsewhere.run(relay).fails(2).contains("<host:port>"));
    assert!(!elsewhere.data().exists());
}

#[test]
fn folder_without_a_community_says_so() {
    let desk = Desk::new();
    assert!(desk.run(["list"]).fails(3).contains("no data folder"));
    std::fs::create_dir(desk.data()).unwrap();
    assert!(desk.run(["list"]).fails(3).contains("no community"));
}

#[test]
fn unknown_things_are_named_with_what_there_is() {
    let desk = Desk::with_village();
    let record = desk.put_visit("3号门");
    assert!(desk.run(["show", "zzzz"]).fails(4).contains("banyan list"));
    assert!(
        desk.run(["list", "--kind", "poem"])
            .fails(4)
            .contains("visit, need")
    );
    assert!(
        desk.run(["list", "--space", "nowhere"])
            .fails(4)
            .contains("nowhere")
    );
    assert!(
        desk.run(["edit", &record, "colour=red"])
            .fails(4)
            .contains("household")
    );
    assert!(
        desk.run(["edit", &record, "date=soon"])
            .fails(4)
            .contains("2026-03-01")
    );
    assert!(
        desk.run(["edit", &record, "household"])
            .fails(4)
            .contains("name=value")
    );
    assert!(
        desk.run(["put", "visit", "--space", "良登村", "mood=calm"])
            .fails(4)
            .contains("household")
    );
}

#[test]
fn failure_with_json_is_one_object_on_standard_error() {
    let desk = Desk::with_village();
    let said = desk.run(["--json", "show", "zzzz"]).fails(4);
    let error: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(error["error"]["code"], 4);
    assert_eq!(error["error"]["name"], "unknown");
    assert!(error["error"]["message"].as_str().unwrap().contains("zzzz"));
}

#[test]
fn damaged_files_are_named_and_left_alone() {
    let desk = Desk::with_village();
    let key = desk.data().join("device.key");
    let good = std::fs::read(&key).unwrap();
    let mut bad = good.clone();
    bad[30] = if bad[30] == b'A' { b'B' } else { b'A' };
    std::fs::write(&key, &bad).unwrap();
    assert!(desk.run(["list"]).fails(6).contains("device.key"));
    assert_eq!(std::fs::read(&key).unwrap(), bad);
    std::fs::remove_file(&key).unwrap();
    assert!(desk.run(["list"]).fails(6).contains("missing"));
    std::fs::write(&key, &good).unwrap();
    let store = desk.data().join("community.sqlite");
    let mut bytes = std::fs::read(&store).unwrap();
    bytes[..16].fill(b'x');
    std::fs::write(&store, &bytes).unwrap();
    assert!(desk.run(["list"]).fails(6).contains("damaged"));
    assert_eq!(std::fs::read(&store).unwrap(), bytes);
}

#[test]
fn roles_that_may_not_are_told_who_may() {
    let desk = Desk::with_village();
    assert!(
        desk.run(["invite", "--role", "owner"])
            .fails(5)
            .contains("owner")
    );
}

#[test]
fn relay_that_is_not_there_is_said_to_be_unreachable() {
    let desk = Desk::with_village();
    assert!(desk.run(["sync"]).fails(10).contains("no relay"));
    // A name that never resolves: no packet leaves this computer.
    let id = desk.run(["status", "--json"]).ok().json()["device"]
        .as_str()
        .unwrap()
        .to_owned();
    let relay = format!("{id}@relay.invalid:1");
    assert!(
        desk.run(["sync", "--relay", &relay])
            .fails(10)
            .contains("relay.invalid")
    );
    assert!(
        desk.run(["sync"]).fails(10).contains("no relay"),
        "a relay that failed is not kept"
    );
}

#[test]
fn system_without_a_home_is_asked_for_a_folder() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_banyan"));
    let said = ran(&command.env_clear().arg("status").output().unwrap());
    assert!(said.fails(2).contains("--data"));
}

#[test]
fn data_folder_can_be_named_by_the_environment() {
    let desk = Desk::with_village();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_banyan"));
    command
        .env_clear()
        .env("BANYAN_DATA", desk.data())
        .args(["status", "--json"]);
    assert_eq!(ran(&command.output().unwrap()).ok().json()["title"], "丹灶");
}
