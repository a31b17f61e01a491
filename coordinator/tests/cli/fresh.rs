//! Who has what of mine, as people read it: real programs and a real relay.

use relay::relay::Admission;
use serde_json::Value;

use crate::relay::{Served, founder};
use crate::run::Desk;

fn ticks(desk: &Desk, record: &str) -> Value {
    desk.run(["show", record, "--json"]).ok().json()["ticks"].clone()
}

fn person(desk: &Desk, name: &str) -> Value {
    let status = desk.run(["status", "--json"]).ok().json();
    let people = status["freshness"].as_array().unwrap();
    let found = people.iter().find(|person| person["name"] == name);
    found.unwrap().clone()
}

#[test]
fn record_is_said_to_be_here_then_on_the_relay_then_with_a_colleague_then_with_the_coordinator() {
    let served = Served::new(Admission::Open);
    let (founder, ticket) = founder(&served);
    let joiner = Desk::new();
    joiner.run(["join", &ticket, "--name", "陈小明"]).ok();
    founder.run(["sync"]).ok();
    joiner.run(["sync"]).ok();

    let record = founder.put_visit("5号门");
    assert_eq!(ticks(&founder, &record)["level"], "saved");
    assert_eq!(ticks(&founder, &record)["pending"], 1);
    let chen = person(&founder, "陈小明");
    assert_eq!(chen["has_all_of_mine"], false);
    founder.run(["sync"]).ok();
    assert_eq!(ticks(&founder, &record)["level"], "relay");
    joiner.run(["sync"]).ok();
    founder.run(["sync"]).ok();
    let told = ticks(&founder, &record);
    assert_eq!(told["level"], "colleague");
    assert_eq!(told["colleagues"][0]["name"], "陈小明");
    let row = founder.run(["list", "--json"]).ok().json();
    assert_eq!(row[0]["ticks"], told);
    let chen = person(&founder, "陈小明");
    assert_eq!(
        (&chen["lacks"], &chen["may_read"]),
        (&0.into(), &true.into())
    );
    assert!(chen["heard_at"].is_i64() && chen["upto"].is_i64(), "{chen}");

    let shown = founder.run(["show", &record]).ok().out;
    assert!(shown.contains("with 陈小明"), "{shown}");
    let status = founder.run(["status"]).ok().out;
    assert!(
        status.contains("陈小明 has everything of yours up to"),
        "{status}"
    );
    let status = founder.run(["--lang", "zh", "status"]).ok().out;
    assert!(status.contains("陈小明已有你到"), "{status}");

    let theirs = joiner.put_visit("7号门");
    joiner.run(["sync"]).ok();
    founder.run(["sync"]).ok();
    joiner.run(["sync"]).ok();
    let told = ticks(&joiner, &theirs);
    assert_eq!(told["level"], "coordinator");
    assert_eq!(told["coordinators"][0]["name"], "李芳");
}
