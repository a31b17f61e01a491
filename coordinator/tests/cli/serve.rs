//! The console as a browser uses it.

use std::time::Instant;

use serde_json::Value;

use crate::console::{
    Console, PATIENCE, form, space_of, two_who_know_each_other, two_with_a_relay, wait_for,
};
use crate::run::Desk;

#[test]
fn link_lets_one_browser_in_once() {
    let desk = Desk::with_village();
    let console = Console::of(&desk);
    assert_eq!(console.get("/today").status, 401);
    let knocked = console.get(&format!("/open/{}", console.link));
    assert!(knocked.status == 200 && knocked.body.contains("丹灶"));
    let entered = console.enter();
    assert_eq!(entered.status, 303);
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    assert_eq!(console.enter().status, 401);
    assert_eq!(console.get(&format!("/open/{}", console.link)).status, 410);
}

#[test]
fn two_programs_on_one_computer_do_not_send_each_others_browser_away() {
    let (here, there) = (Desk::with_village(), Desk::with_village());
    let names = [Console::of(&here), Console::of(&there)].map(|console| {
        let entered = console.enter();
        let cookie = entered.header("set-cookie").unwrap();
        cookie.split('=').next().unwrap().to_owned()
    });
    // A browser keeps one cookie of a name for all ports of a host.
    assert_ne!(names[0], names[1]);
}

#[test]
fn every_page_forbids_what_it_does_not_need() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    for path in [
        "/today",
        "/records",
        "/new",
        "/new/visit",
        "/members",
        "/sync",
        "/settings",
        "/nowhere",
    ] {
        let page = console.get(path);
        let wanted = if path == "/nowhere" { 404 } else { 200 };
        assert_eq!(page.status, wanted, "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        let words = page.body.replace("/static/console.", "");
        assert!(!words.contains("console."), "a key without words: {path}");
    }
    let style = console.get("/static/console.css");
    assert!(style.header("cache-control").unwrap().contains("immutable"));
}

#[test]
fn other_names_other_sites_and_other_forms_do_not_come_in() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    assert_eq!(
        console
            .send("GET", "/today", &[("Host", "evil.example")], "")
            .status,
        403
    );
    let csrf = console.get("/settings").hidden("csrf");
    let typed = form(&[("csrf", &csrf), ("back", "/settings"), ("lang", "zh")]);
    let foreign = [("Origin", "http://evil.example")];
    assert_eq!(
        console.send("POST", "/settings", &foreign, &typed).status,
        403
    );
    let without = form(&[("lang", "zh")]);
    assert_eq!(console.send("POST", "/settings", &[], &without).status, 403);
    assert!(console.get("/settings").body.contains("lang=\"en\""));
    assert_eq!(console.send("POST", "/settings", &[], &typed).status, 303);
    assert!(console.get("/settings").body.contains("lang=\"zh-CN\""));
}

#[test]
fn visit_is_written_found_and_changed() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let blank = console.get("/new/visit");
    let space = space_of(&blank);
    let typed = [
        ("_space", space.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
        ("alone", "yes"),
        ("minutes", "45"),
        ("point.lat", "23.0512"),
        ("point.lon", "112.9345"),
    ];
    let written = console.post("/new/visit", "/new/visit", &typed);
    assert_eq!(written.status, 303, "{}", written.body);
    let href = written.header("location").unwrap().to_owned();
    let shown = console.get(&href);
    assert!(shown.body.contains("3** 王**") && !shown.body.contains("王奶奶"));
    assert!(
        console
            .get(&format!("{href}?personal=1"))
            .body
            .contains("王奶奶")
    );
    for search in ["%E7%8E%8B%E5%A5%B6%E5%A5%B6", "wnn"] {
        let found = console.get(&format!("/records?q={search}"));
        assert!(found.body.contains(&href), "{search}");
    }
    let edit = format!("{href}/edit");
    let seen = console.get(&edit).hidden("seen");
    let mut changed = typed.to_vec();
    changed[5] = ("minutes", "50");
    changed.push(("seen", &seen));
    let saved = console.post(&edit, &edit, &changed);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let id = href.rsplit('/').next().unwrap();
    let kept = desk.run(["--json", "show", id, "--history"]).ok().json();
    let history = kept["history"].as_array().unwrap();
    let last = history.last().unwrap()["changes"].as_array().unwrap();
    assert!(last.len() == 1 && last[0]["field"] == "minutes", "{last:?}");
}

#[test]
fn what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let space = space_of(&console.get("/new/visit"));
    let typed = [
        ("_space", space.as_str()),
        ("household", ""),
        ("date", "2026-02-30"),
        ("purpose", "health"),
        ("minutes", "forty"),
        ("findings", "typed with <care> & patience"),
    ];
    let refused = console.post("/new/visit", "/new/visit", &typed);
    assert_eq!(refused.status, 422);
    for name in ["household", "date", "minutes"] {
        assert!(
            refused.body.contains(&format!("id=\"er-{name}\"")),
            "{name}"
        );
    }
    assert!(refused.body.contains("value=\"forty\""));
    assert!(
        refused
            .body
            .contains("typed with &#60;care&#62; &#38; patience")
    );
    assert!(
        desk.run(["--json", "list"])
            .ok()
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_somebody_else_changed_meanwhile_is_shown_before_it_is_overwritten() {
    let desk = Desk::with_village();
    let visit = desk.put_visit("3号门 王奶奶");
    let console = Console::entered(&desk);
    let edit = format!("/record/{visit}/edit");
    let seen = console.get(&edit).hidden("seen");
    desk.run(["edit", &visit, "people=3"]).ok();
    let typed = [
        ("seen", seen.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
        ("people", "2"),
    ];
    let asked = console.post(&edit, &edit, &typed);
    assert_eq!(asked.status, 422);
    assert!(asked.body.contains("id=\"er-people\"") && asked.body.contains("value=\"2\""));
    let seen = asked.hidden("seen");
    let mut again = typed;
    again[0] = ("seen", &seen);
    let saved = console.post(&edit, &edit, &again);
    assert_eq!(saved.status, 303, "{}", saved.body);
    let kept = desk.run(["--json", "show", &visit]).ok().out;
    assert!(
        kept.contains("\"name\": \"people\"") && kept.contains("\"value\": 2"),
        "{kept}"
    );
}

#[test]
fn record_is_moved_on_with_a_reason_and_talked_about() {
    let desk = Desk::with_village();
    let need = desk.put_need();
    let console = Console::entered(&desk);
    let page = format!("/record/{need}");
    let move_to = format!("{page}/move");
    let refused = console.post(&page, &move_to, &[("to", "declined")]);
    assert!(refused.status == 422 && refused.body.contains("id=\"why-e\""));
    let moved = console.post(
        &page,
        &move_to,
        &[("to", "declined"), ("reason", "已转供电所")],
    );
    assert_eq!(moved.status, 303);
    let said = console.post(
        &page,
        &format!("{page}/comment"),
        &[("text", "供电所说本周内来人。")],
    );
    assert_eq!(said.status, 303);
    let shown = console.get(&page);
    assert!(shown.body.contains("供电所说本周内来人。"));
    let kept = desk.run(["--json", "show", &need]).ok().out;
    assert!(kept.contains("declined") && kept.contains("已转供电所"));
}

#[test]
fn open_page_hears_of_what_another_person_wrote_over_the_relay() {
    let (_served, lead, other) = two_who_know_each_other();
    let console = Console::entered(&lead);
    let mut news = console.listen();
    let visit = other.put_visit("5号门 陈家");
    other.run(["sync"]).ok();
    let page = format!("/record/{visit}");
    while console.get(&page).status != 200 {
        wait_for(&mut news, "records");
    }
    assert!(console.get("/records").body.contains(&page));
}

#[test]
fn page_hears_of_what_came_between_its_making_and_its_listening() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let page = console.get("/records");
    let mut news = console.listen();
    let space = space_of(&console.get("/new/visit"));
    let typed = [
        ("_space", space.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
    ];
    let written = console.post("/new/visit", "/new/visit", &typed);
    assert_eq!(written.status, 303, "{}", written.body);
    wait_for(&mut news, "records");
    let (_, rest) = page.body.split_once("data-events=\"").unwrap();
    let (address, _) = rest.split_once('"').unwrap();
    let mut late = console.listen_at(address);
    wait_for(&mut late, "missed");
}

fn level(desk: &Desk, record: &str) -> Value {
    desk.run(["--json", "show", record]).ok().json()["ticks"]["level"].clone()
}

#[test]
fn open_page_hears_that_a_record_is_on_the_relay_and_then_with_a_colleague() {
    let (_served, lead, other) = two_who_know_each_other();
    let console = Console::entered(&lead);
    let mut news = console.listen();
    let space = space_of(&console.get("/new/visit"));
    let typed = [
        ("_space", space.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
    ];
    let written = console.post("/new/visit", "/new/visit", &typed);
    let href = written.header("location").unwrap().to_owned();
    let visit = href.rsplit('/').next().unwrap();
    while level(&lead, visit) != "relay" {
        wait_for(&mut news, "sync");
    }
    other.run(["sync"]).ok();
    while level(&lead, visit) != "colleague" {
        wait_for(&mut news, "sync");
    }
    // It is on a coordinator's own device: lists and its page say so alike.
    for page in ["/records", href.as_str()] {
        let shown = console.get(page).body;
        assert!(shown.contains("class=\"ticks\" data-n=\"4\""), "{page}");
    }
}

#[test]
fn console_that_stays_open_says_that_it_has_what_others_wrote() {
    let (_served, lead, other) = two_who_know_each_other();
    let _console = Console::entered(&lead);
    let visit = other.put_visit("5号门 陈家");
    let begun = Instant::now();
    while level(&other, &visit) != "coordinator" {
        assert!(begun.elapsed() < PATIENCE, "the console says nothing");
        other.run(["sync"]).ok();
    }
}

#[test]
fn sync_that_takes_long_goes_on_and_the_page_says_so() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let (served, _, desk) = two_with_a_relay();
    let relay = served.text();
    let (host, rest) = relay.split_once("127.0.0.1:").unwrap();
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let relay = format!("{host}127.0.0.1:{port}{rest}");
    desk.run(["found", "--name", "丹灶", "--as", "李芳", "--relay", &relay])
        .ok();
    let console = Console::entered(&desk);
    let begun = Instant::now();
    let sent = console.post("/sync", "/sync", &[]);
    assert_eq!(sent.header("location"), Some("/sync"), "{}", sent.body);
    // The relay would be given up later.
    assert!(begun.elapsed() < std::time::Duration::from_secs(8));
    let told = console.get("/sync").body;
    assert!(told.contains("This takes a while."), "{told}");
}

#[test]
fn port_that_is_taken_is_said() {
    let desk = Desk::with_village();
    let console = Console::of(&desk);
    let port = console.port.to_string();
    let sentence = desk.run(["serve", "--port", &port]).fails(19);
    assert!(sentence.contains(&port), "{sentence}");
}

#[cfg(unix)]
#[test]
fn program_ends_when_it_is_asked_to_although_a_page_listens() {
    let desk = Desk::with_village();
    let mut console = Console::entered(&desk);
    let _news = console.listen();
    assert!(console.ends_when_asked());
}

#[test]
fn outcome_of_a_form_is_told_on_the_page_after_it_not_to_one_that_looks_again() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let sent = console.post("/settings", "/settings", &[("text", "large")]);
    assert_eq!(sent.status, 303, "{}", sent.body);
    let again = console.send("GET", "/today", &[("X-Live", "1")], "");
    assert!(again.status == 200 && !again.body.contains("Saved."));
    assert!(console.get("/settings").body.contains("Saved."));
    assert!(!console.get("/settings").body.contains("Saved."));
}

#[test]
fn ticket_of_the_console_lets_somebody_join() {
    let (_served, lead, other) = two_with_a_relay();
    let console = Console::entered(&lead);
    let page = console.get("/invite");
    let (_, rest) = page.body.split_once("name=\"space\">").unwrap();
    let (_, rest) = rest.split_once("<option value=\"").unwrap();
    let space = rest.split('"').next().unwrap();
    let typed = [("role", "volunteer"), ("space", space), ("uses", "80")];
    let refused = console.post("/invite", "/invite", &typed);
    assert!(refused.status == 422 && refused.body.contains("value=\"80\""));
    let typed = [("role", "volunteer"), ("space", space), ("uses", "1")];
    let made = console.post("/invite", "/invite", &typed);
    assert!(
        made.status == 200 && made.body.contains("<svg"),
        "{}",
        made.body
    );
    let (_, rest) = made.body.split_once("id=\"ticket\"").unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let ticket = rest.split('<').next().unwrap();
    assert_eq!(console.post("/sync", "/sync", &[]).status, 303);
    other.run(["join", ticket, "--name", "陈小明"]).ok();
    other.run(["sync"]).ok();
    assert!(other.run(["space", "list"]).ok().out.contains("良登村"));
}

#[test]
fn sync_page_says_what_each_meeting_did_and_follows_live_ones() {
    let (_served, lead, other) = two_who_know_each_other();
    lead.put_visit("3号门");
    lead.run(["sync"]).ok();
    let console = Console::entered(&lead);
    let page = console.get("/sync");
    assert!(page.body.contains("The last meeting"), "{}", page.body);
    assert!(page.body.contains("Sent 1 entry"), "{}", page.body);
    assert!(page.body.contains("Earlier ones"), "{}", page.body);
    // The console is live: what a colleague writes is told while the session goes on.
    let mut news = console.listen();
    other.put_visit("4号门");
    other.run(["sync"]).ok();
    let told = |page: &str| {
        let is_of = |part: &str| page.contains(part);
        is_of("received 1 new one") && is_of("Home visit 1") && is_of("陈小明 1")
    };
    while !told(&console.get("/sync").body) {
        wait_for(&mut news, "sync");
    }
    // It is kept, also by the command, and nobody's name is in what is kept.
    drop(console);
    let again = Console::entered(&lead).get("/sync");
    assert!(told(&again.body), "{}", again.body);
}
