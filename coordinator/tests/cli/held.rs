//! What is held, and what it would do.

use relay::relay::Admission;

use crate::relay::Served;
use crate::run::Desk;

/// The owner, a volunteer, and a phone that wrote after it had been cut off; the record that it changed.
pub(crate) fn scene(served: &Served) -> (Desk, Desk, Desk, String) {
    let [owner, phone, other] = [Desk::new(), Desk::new(), Desk::new()];
    let found = [
        "found",
        "--name",
        "丹灶",
        "--as",
        "李芳",
        "--relay",
        &served.text(),
    ];
    owner.run(found).ok();
    owner.run(["space", "add", "良登村"]).ok();
    let invite = [
        "invite",
        "--space",
        "良登村",
        "--role",
        "volunteer",
        "--uses",
        "2",
    ];
    let ticket = owner.run(invite).ok().out;
    owner.run(["sync"]).ok();
    phone.run(["join", ticket.trim(), "--name", "陈小明"]).ok();
    other.run(["join", ticket.trim(), "--name", "李阿姨"]).ok();
    owner.run(["sync"]).ok();
    let visit = phone.put_visit("3号门 王奶奶");
    phone.run(["sync"]).ok();
    owner.run(["sync"]).ok();
    owner.run(["revoke", "陈小明"]).ok();
    phone.run(["edit", &visit, "household=无人居住"]).ok();
    phone.put_visit("5号门");
    // Nobody has told the relay yet.
    phone.run(["sync"]).ok();
    for desk in [&owner, &other] {
        desk.run(["sync"]).ok();
    }
    (owner, phone, other, visit)
}

#[test]
fn whoever_may_decide_sees_what_a_held_change_would_do() {
    let served = Served::new(Admission::Open);
    let (owner, _, other, visit) = scene(&served);
    let held = owner.run(["held", &visit, "--json"]).ok().json();
    assert_eq!(held.as_array().unwrap().len(), 1, "{held}");
    assert_eq!(held[0]["by"], "陈小明");
    let preview = &held[0]["preview"];
    assert_eq!(preview["would_merge"], true);
    assert_eq!(preview["kind"], "visit");
    assert_eq!(preview["title"], "3号门 王奶奶");
    assert_eq!(
        preview["changes"],
        serde_json::json!([{
            "field": "household", "deed": "set", "from": "3号门 王奶奶", "to": "无人居住"
        }])
    );
    assert!(preview["at"].is_i64());
    let said = owner.run(["held"]).ok().out;
    for words in [
        "3号门 王奶奶 → 无人居住",
        "5号门 (良登村), a new record",
        "banyan release",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = other.run(["held"]).ok().out;
    assert!(
        said.contains("cut off") && !said.contains("无人居住"),
        "{said}"
    );
    let held = other.run(["held", "--json"]).ok().json();
    assert_eq!(held.as_array().unwrap().len(), 2);
    assert!(held[0]["preview"].is_null() && held[1]["preview"].is_null());
    owner.run(["held", "zzzz"]).fails(4);
    owner.run(["release", &visit]).ok();
    let row = owner.run(["show", &visit, "--json"]).ok().json();
    assert_eq!(row["title"], "无人居住");
    assert_eq!(
        owner
            .run(["held", "--json"])
            .ok()
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn whoever_is_alone_at_the_top_is_told_until_there_is_a_second() {
    let served = Served::new(Admission::Open);
    let owner = Desk::new();
    let found = [
        "found",
        "--name",
        "丹灶",
        "--as",
        "李芳",
        "--relay",
        &served.text(),
    ];
    assert!(owner.run(found).ok().out.contains("Have a second one soon"));
    // While there is nobody else, there is nobody who could be the second.
    assert!(!owner.run(["sync"]).ok().out.contains("You alone"));
    let ticket = owner.run(["invite", "--role", "volunteer"]).ok().out;
    owner.run(["sync"]).ok();
    let other = Desk::new();
    other.run(["join", ticket.trim(), "--name", "陈小明"]).ok();
    for args in [["sync"], ["status"], ["members"]] {
        let said = owner.run(args).ok().out;
        assert!(
            said.contains("You alone") && said.contains("grant"),
            "{said}"
        );
    }
    assert_eq!(
        owner.run(["status", "--json"]).ok().json()["alone_at_top"],
        true
    );
    assert!(!other.run(["sync"]).ok().out.contains("You alone"));
    owner.run(["grant", "陈小明", "--role", "coordinator"]).ok();
    for args in [["sync"], ["status"], ["members"]] {
        assert!(!owner.run(args).ok().out.contains("You alone"));
    }
    assert_eq!(
        owner.run(["status", "--json"]).ok().json()["alone_at_top"],
        false
    );
}
