//! What the whole community shares, in the console of somebody who has a role in one village alone.

use crate::console::{Console, space_of, two_who_know_each_other};
use crate::run::Desk;

/// A proposal for the whole community; returns its id.
fn put_proposal(desk: &Desk, more: &[&str]) -> String {
    let put = [
        "put",
        "proposal",
        "--space",
        "commons",
        "title=桥头装一盏灯",
        "category=roads",
        "level=village",
    ];
    desk.run(put.iter().chain(more)).ok().out.trim().to_owned()
}

#[test]
fn volunteer_of_a_village_writes_changes_and_answers_in_the_commons() {
    let (_served, lead, other) = two_who_know_each_other();
    let theirs = put_proposal(&lead, &["state=submitted"]);
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    let console = Console::entered(&other);
    let form = console.get("/new/proposal");
    let (_, commons) = form.body.split_once("name=\"_space\"").unwrap();
    let (commons, _) = commons.split_once("</select>").unwrap();
    let (rest, _) = commons.split_once("\">commons").unwrap();
    let commons = rest.rsplit('"').next().unwrap().to_owned();
    assert_ne!(commons, space_of(&form), "the own village is offered first");
    let typed = [
        ("_space", commons.as_str()),
        ("title", "榕树下装长椅"),
        ("category", "roads"),
        ("level", "village"),
    ];
    let written = console.post("/new/proposal", "/new/proposal", &typed);
    assert_eq!(written.status, 303, "{}", written.body);
    let own = written.header("location").unwrap().to_owned();
    let page = console.get(&own).body;
    assert!(page.contains("value=\"submitted\""), "{page}");
    let record = format!("/record/{theirs}");
    let page = console.get(&record);
    assert!(page.hrefs().contains(&format!("{record}/edit")));
    let comment = format!("{record}/comment");
    let said = console.post(&record, &comment, &[("text", "我家也走那座桥")]);
    assert_eq!(said.status, 303, "{}", said.body);
    assert!(
        console
            .get(&format!("{record}?personal=1"))
            .body
            .contains("我家也走那座桥")
    );
    let filtered = console.get(&format!("/records?village={commons}")).body;
    assert!(filtered.contains("桥头装一盏灯") && filtered.contains("榕树下装长椅"));
}

#[test]
fn lead_of_a_village_is_asked_for_a_look_at_what_is_handed_in_in_the_commons() {
    let (_served, lead, other) = two_who_know_each_other();
    let chen = crate::serve_places::member(&lead, "陈小明");
    lead.run(["grant", &chen, "--role", "lead", "--space", "良登村"])
        .ok();
    let record = put_proposal(&lead, &[]);
    lead.run(["edit", &record, "state=submitted"]).ok();
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    let console = Console::entered(&other);
    let waiting = console.get("/records?flag=review").body;
    assert!(waiting.contains("桥头装一盏灯"), "{waiting}");
    let page = format!("/record/{record}");
    let moved = console.post(&page, &format!("{page}/move"), &[("to", "accepted")]);
    assert_eq!(moved.status, 303, "{}", moved.body);
    assert!(
        console
            .get("/records?kind=review")
            .body
            .contains("Accepted")
    );
}
