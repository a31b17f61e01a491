//! The owner's computer is lost, and the sheet in the drawer is not.

use relay::relay::Admission;

use crate::relay::Served;
use crate::run::Desk;

/// A community with a record that only the founder and a volunteer read, and its sheet.
fn lost_office(served: &Served) -> (Desk, serde_json::Value) {
    let desk = Desk::new();
    let relay = served.text();
    let found = [
        "found", "--name", "丹灶", "--as", "李芳", "--relay", &relay, "--json",
    ];
    let founded = desk.run(found).ok().json();
    desk.run(["space", "add", "良登村"]).ok();
    desk.put_visit("3号门 王奶奶");
    desk.run(["sync"]).ok();
    (desk, founded)
}

#[test]
fn community_is_taken_up_again_with_the_key_and_what_the_relay_has() {
    let served = Served::new(Admission::Open);
    let (lost, founded) = lost_office(&served);
    let new = Desk::new();
    let key = founded["recovery_key"].as_str().unwrap();
    let community = founded["community"].as_str().unwrap();
    let relay = served.text();
    new.run(["recover", key]).fails(2);
    let whole = [
        "recover",
        key,
        "--community",
        community,
        "--relay",
        &relay,
        "--name",
        "李芳",
    ];
    let said = new.run(whole).ok().out;
    assert!(said.contains("丹灶"), "{said}");
    let list = new.run(["list"]).ok().out;
    assert!(list.contains("王奶奶"), "{list}");
    let status = new.run(["status", "--json"]).ok().json();
    assert!(
        status["roles"].to_string().contains("recovered"),
        "{status}"
    );
    // The lost computer is cut off, which no other owner could do.
    let device = founded["device"].as_str().unwrap();
    new.run(["revoke", "--device", &device[..8]]).ok();
    new.run(["sync"]).ok();
    new.put_visit("5号门");
    let ticket = new
        .run(["invite", "--space", "良登村", "--role", "lead"])
        .ok();
    new.run(["sync"]).ok();
    lost.run(["sync"]).fails(5);
    let list = lost.run(["list"]).ok().out;
    assert!(!list.contains("5号门"), "{list}");
    let lead = Desk::new();
    lead.run(["join", ticket.out.trim(), "--name", "陈小明"])
        .ok();
    let list = lead.run(["list"]).ok().out;
    assert!(list.contains("王奶奶") && list.contains("5号门"), "{list}");
    new.run(["sync"]).ok();
    let status = new.run(["status"]).ok().out;
    assert!(
        status.contains("You alone are owner or coordinator"),
        "{status}"
    );
}

#[test]
fn sheet_as_one_text_is_enough_on_a_new_device() {
    let served = Served::new(Admission::Open);
    let (_lost, founded) = lost_office(&served);
    let new = Desk::new();
    let sheet = founded["recovery_sheet"].as_str().unwrap();
    new.run(["recover", sheet, "--name", "李芳"]).ok();
    assert!(new.run(["list"]).ok().out.contains("王奶奶"));
}

#[test]
fn volunteer_with_the_sheet_takes_over_on_their_own_phone_without_a_relay() {
    let served = Served::new(Admission::Open);
    let (lost, founded) = lost_office(&served);
    let ticket = lost
        .run(["invite", "--space", "commons", "--role", "volunteer"])
        .ok()
        .out;
    lost.run(["sync"]).ok();
    let phone = Desk::new();
    phone.run(["join", ticket.trim(), "--name", "陈小明"]).ok();
    assert!(
        !phone.run(["list"]).ok().out.contains("王奶奶"),
        "of another space"
    );
    let key = founded["recovery_key"].as_str().unwrap();
    let words: Vec<&str> = ["recover"].into_iter().chain(key.split(' ')).collect();
    phone.run(words).ok();
    phone.run(["sync"]).ok();
    let device = founded["device"].as_str().unwrap();
    phone.run(["revoke", "--device", &device[..8]]).ok();
    phone.run(["sync"]).ok();
    assert!(phone.run(["list"]).ok().out.contains("王奶奶"));
}

#[test]
fn wrong_key_is_said_and_changes_nothing() {
    let served = Served::new(Admission::Open);
    let (desk, founded) = lost_office(&served);
    let other = Desk::new();
    let other_key = other
        .run(["found", "--name", "X", "--as", "Y", "--json"])
        .ok()
        .json();
    let other_key = other_key["recovery_key"].as_str().unwrap();
    desk.run(["recover", other_key]).fails(14);
    desk.run(["recover", "ABCD EFGH"]).fails(14);
    let community = founded["community"].as_str().unwrap();
    let relay = served.text();
    let new = Desk::new();
    let wrong = [
        "recover",
        other_key,
        "--community",
        community,
        "--relay",
        &relay,
        "--name",
        "贼",
    ];
    let said = new.run(wrong).fails(12);
    assert!(said.contains("recovery key"), "{said}");
    // The same folder can be used with the right one.
    let key = founded["recovery_key"].as_str().unwrap();
    let right = [
        "recover",
        key,
        "--community",
        community,
        "--relay",
        &relay,
        "--name",
        "李芳",
    ];
    new.run(right).ok();
}
