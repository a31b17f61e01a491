//! The sharing session on the wall.

use crate::console::{Console, two_who_know_each_other, wait_for};
use crate::run::{Desk, value};
use crate::serve_places::member;

/// A session of the village, and a need that names a resident.
fn session_and_need(desk: &Desk) -> (String, String) {
    let session = [
        "put",
        "session",
        "--space",
        "良登村",
        "title=第38次分享会",
        "starts=2026-03-06 19:30",
        "place=榕树头",
    ];
    let need = [
        "put",
        "need",
        "--space",
        "良登村",
        "title=王奶奶门口的路灯",
        "category=roads",
        "urgency=high",
    ];
    let put = |args: &[&str]| desk.run(args).ok().out.trim().to_owned();
    (put(&session), put(&need))
}

/// The ids of all records of a kind.
fn all(desk: &Desk, kind: &str) -> Vec<String> {
    let rows = desk.run(["--json", "list", "--kind", kind]).ok().json();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["record"].as_str().unwrap().to_owned())
        .collect()
}

/// Sends a form of the wall that is taken.
#[track_caller]
fn send(console: &Console, page: &str, what: &str, typed: &[(&str, &str)]) {
    let reply = console.post(page, &format!("{page}/{what}"), typed);
    assert_eq!(reply.status, 303, "{}", reply.body);
    let to = reply.header("location").unwrap();
    assert!(to.starts_with(page), "{to}");
}

#[test]
fn session_takes_a_need_and_makes_a_task() {
    let (_served, lead, _other) = two_who_know_each_other();
    let (session, need) = session_and_need(&lead);
    let chen = member(&lead, "陈小明");
    let console = Console::entered(&lead);
    let page = format!("/session/{session}");
    let record = console.get(&format!("/record/{session}"));
    assert!(record.hrefs().contains(&page), "the record leads here");
    let wall = console.get("/session").body;
    assert!(wall.contains("第38次分享会") && wall.contains(&format!("<option value=\"{need}\"")));
    send(&console, &page, "agenda", &[("need", &need)]);
    let wall = console.get(&page);
    assert!(wall.hrefs().contains(&format!("/record/{need}")));
    assert!(!wall.body.contains(&format!("<option value=\"{need}\"")));
    send(
        &console,
        &page,
        "move",
        &[("need", &need), ("to", "triaged")],
    );
    let text = "请供电所换线路\n修好之前轮流守一盏灯";
    let typed = [
        ("need", need.as_str()),
        ("text", text),
        ("who", &chen),
        ("due", "2026-03-13"),
    ];
    send(&console, &page, "resolve", &typed);
    let (tasks, resolutions) = (all(&lead, "task"), all(&lead, "resolution"));
    let ([task], [resolution]) = (&tasks[..], &resolutions[..]) else {
        panic!("{tasks:?} {resolutions:?}");
    };
    assert_eq!(value(&lead, task, "title"), "请供电所换线路");
    assert_eq!(value(&lead, task, "about"), *need);
    assert_eq!(value(&lead, task, "assignees")[0], *chen);
    assert_eq!(value(&lead, task, "due"), "2026-03-13");
    assert_eq!(value(&lead, resolution, "text"), text);
    assert_eq!(value(&lead, resolution, "session"), *session);
    assert_eq!(value(&lead, resolution, "needs")[0], *need);
    assert_eq!(value(&lead, resolution, "tasks")[0], *task);
    assert_eq!(value(&lead, &need, "state"), "discussed");
    let wall = console.get(&page);
    for record in [task, resolution] {
        assert!(wall.hrefs().contains(&format!("/record/{record}")));
    }
    // Another task out of the same resolution; the page of the task leads to it and to the need.
    let typed = [
        ("resolution", resolution.as_str()),
        ("who", &chen),
        ("due", ""),
    ];
    send(&console, &page, "task", &typed);
    let second = all(&lead, "task")
        .into_iter()
        .find(|it| it != task)
        .unwrap();
    let of_task = console.get(&format!("/record/{second}")).hrefs();
    for record in [resolution, &need] {
        assert!(
            of_task.contains(&format!("/record/{record}")),
            "{of_task:?}"
        );
    }
}

#[test]
fn need_is_closed_only_after_the_resident_has_confirmed() {
    let desk = Desk::with_village();
    let (session, need) = session_and_need(&desk);
    let console = Console::entered(&desk);
    let page = format!("/session/{session}");
    let to = |state| [("need", need.as_str()), ("to", state)];
    // What is not on the agenda is not moved here.
    let refused = console.post(&page, &format!("{page}/move"), &to("triaged"));
    assert_eq!(refused.status, 404);
    send(&console, &page, "agenda", &[("need", &need)]);
    for state in ["triaged", "solved"] {
        send(&console, &page, "move", &to(state));
    }
    assert!(!console.get(&page).body.contains("value=\"closed\""));
    console.post(&page, &format!("{page}/move"), &to("closed"));
    assert_eq!(value(&desk, &need, "state"), "solved");
    for state in ["confirmed", "closed"] {
        let wall = console.get(&page).body;
        assert!(wall.contains(&format!("value=\"{state}\"")), "{wall}");
        send(&console, &page, "move", &to(state));
    }
    assert_eq!(value(&desk, &need, "state"), "closed");
}

#[test]
fn needs_are_masked_on_the_wall_whatever_is_asked_and_the_urgent_stand_first() {
    let desk = Desk::with_village();
    let (session, need) = session_and_need(&desk);
    let console = Console::entered(&desk);
    let page = format!("/session/{session}");
    send(&console, &page, "agenda", &[("need", &need)]);
    send(&console, &page, "agenda", &[("line", "值班表")]);
    let other = desk.put_need();
    for address in ["?personal=1", ""] {
        let wall = console.get(&format!("{page}{address}")).body;
        assert!(wall.contains("王**") && !wall.contains("王奶奶"), "{wall}");
        assert!(wall.contains(&other) && !wall.contains("路灯"), "{wall}");
        assert!(wall.contains("值班表"));
    }
    // An urgent need stands before one that can wait, whichever came first.
    let waits = [
        "put",
        "need",
        "--space",
        "良登村",
        "title=榕树头长凳",
        "category=elders",
        "urgency=low",
    ];
    let waits = desk.run(waits).ok().out.trim().to_owned();
    for need in [&waits, &other] {
        send(&console, &page, "agenda", &[("need", need)]);
    }
    let wall = console.get(&page).hrefs();
    let at = |need: &String| wall.iter().position(|it| *it == format!("/record/{need}"));
    assert!(
        at(&need) < at(&other) && at(&other) < at(&waits),
        "{wall:?}"
    );
    assert!(at(&need).is_some());
    let asked = console.post(
        &page,
        &format!("{page}/resolve?personal=1"),
        &[("text", "")],
    );
    assert!(asked.status == 422 && !asked.body.contains("王奶奶"));
}

#[test]
fn need_that_anybody_may_know_of_is_read_from_the_wall() {
    let desk = Desk::with_village();
    let (session, need) = session_and_need(&desk);
    desk.run(["edit", &session, &format!("needs={need}")]).ok();
    let console = Console::entered(&desk);
    let wall = format!("/session/{session}");
    assert!(!console.get(&wall).body.contains("王奶奶门口的路灯"));
    drop(console);
    desk.run(["edit", &need, "privacy=open"]).ok();
    let console = Console::entered(&desk);
    assert!(console.get(&wall).body.contains("王奶奶门口的路灯"));
    let list = console.get("/records?kind=need").body;
    assert!(list.contains("王奶奶门口的路灯"), "{list}");
}

#[test]
fn what_is_wrong_is_said_beside_it_and_nothing_is_written() {
    let desk = Desk::with_village();
    let (session, need) = session_and_need(&desk);
    let me = member(&desk, "李芳");
    let console = Console::entered(&desk);
    let page = format!("/session/{session}");
    send(&console, &page, "agenda", &[("need", &need)]);
    let post = |what: &str, typed: &[(&str, &str)]| {
        let reply = console.post(&page, &format!("{page}/{what}"), typed);
        assert_eq!(reply.status, 422, "{what}");
        reply.body
    };
    let typed = [
        ("need", need.as_str()),
        ("text", "换灯泡"),
        ("who", &me),
        ("due", "2026-02-30"),
    ];
    let refused = post("resolve", &typed);
    assert!(refused.contains("id=\"rd-e-1\"") && refused.contains("换灯泡"));
    assert!(refused.contains("value=\"2026-02-30\""));
    assert!(refused.contains(&format!("<option value=\"{me}\" selected>")));
    assert!(post("resolve", &[("need", &need), ("text", " ")]).contains("id=\"rt-e-1\""));
    assert!(post("agenda", &[("need", ""), ("line", " ")]).contains("id=\"line-e\""));
    let of_no_need = post("agenda", &[("need", &session)]);
    assert!(of_no_need.contains("id=\"line-e\""));
    let typed = [
        ("need", need.as_str()),
        ("text", "换灯泡"),
        ("who", "nobody"),
    ];
    assert!(post("resolve", &typed).contains("id=\"rw-e-1\""));
    assert!(post("minutes", &[("text", "\n")]).contains("id=\"mi-e\""));
    let refused = post("guests", &[("guests", "几个")]);
    assert!(refused.contains("id=\"guests-e\"") && refused.contains("value=\"几个\""));
    for kind in ["resolution", "task"] {
        assert!(all(&desk, kind).is_empty(), "{kind}");
    }
    assert_eq!(value(&desk, &need, "state"), "raised");
    let typed = [("need", need.as_str()), ("text", "换灯泡"), ("due", "")];
    send(&console, &page, "resolve", &typed);
    let resolution = all(&desk, "resolution").remove(0);
    let refused = post(
        "task",
        &[("resolution", &resolution), ("due", "2026-03-13")],
    );
    assert!(
        refused.contains(&format!("id=\"rw-e-{resolution}\"")),
        "{refused}"
    );
    assert!(all(&desk, "task").is_empty());
}

#[test]
fn session_is_noted_counted_cleared_and_closed() {
    let desk = Desk::with_village();
    let (session, need) = session_and_need(&desk);
    let console = Console::entered(&desk);
    let page = format!("/session/{session}");
    let typed = [("need", need.as_str()), ("line", "值班表")];
    send(&console, &page, "agenda", &typed);
    send(
        &console,
        &page,
        "minutes",
        &[("text", "周伯：本周来人。\r\n大家同意。")],
    );
    send(&console, &page, "guests", &[("guests", "3")]);
    let wall = console.get(&page).body;
    for said in ["周伯：本周来人。", "大家同意。", "值班表", "3 people here"] {
        assert!(wall.contains(said), "{said}");
    }
    let line = value(&desk, &session, "agenda")[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    send(&console, &page, "off", &[("need", &need)]);
    send(&console, &page, "off", &[("line", &line)]);
    let wall = console.get(&page).body;
    assert!(!wall.contains("值班表") && wall.contains("The agenda is empty"));
    let asked = console.post(&page, &format!("{page}/close"), &[]);
    assert!(asked.status == 200 && asked.body.contains("name=\"confirmed\" value=\"yes\""));
    assert_eq!(value(&desk, &session, "state"), "planned");
    send(&console, &page, "close", &[("confirmed", "yes")]);
    assert_eq!(value(&desk, &session, "state"), "held");
    for lang in ["zh", "en"] {
        console.post("/settings", "/settings", &[("lang", lang)]);
        let words = console.get(&page).body.replace("/static/console.", "");
        assert!(!words.contains("console."), "a key without words: {words}");
    }
}

#[test]
fn who_is_there_is_one_tap_and_the_wall_hears_of_other_devices() {
    let (_served, lead, other) = two_who_know_each_other();
    let (session, _need) = session_and_need(&lead);
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    let (li, chen) = (member(&lead, "李芳"), member(&lead, "陈小明"));
    let page = format!("/session/{session}");
    let wall = Console::entered(&lead);
    assert!(
        wall.get(&page)
            .body
            .contains("data-live-on=\"records roster sync\"")
    );
    let mut news = wall.listen();
    let phone = Console::entered(&other);
    send(&phone, &page, "attendance", &[("here", &chen)]);
    send(&wall, &page, "attendance", &[("here", &li)]);
    while !wall.get(&page).body.contains("2 people here") {
        wait_for(&mut news, "records");
    }
    let shown = wall.get(&page).body;
    for who in [&li, &chen] {
        let pressed =
            format!("id=\"at-{who}\" name=\"gone\" value=\"{who}\" aria-pressed=\"true\"");
        assert!(shown.contains(&pressed), "{shown}");
    }
    send(&wall, &page, "attendance", &[("gone", &chen)]);
    assert!(wall.get(&page).body.contains("1 person here"));
    let nobody = [("here", "nobody")];
    let refused = wall.post(&page, &format!("{page}/attendance"), &nobody);
    assert_eq!(refused.status, 404);
}

#[test]
fn volunteer_of_another_village_neither_sees_nor_changes_it() {
    let (_served, lead, _other) = two_who_know_each_other();
    let (session, need) = session_and_need(&lead);
    lead.run(["space", "add", "朗心村"]).ok();
    let invite = ["invite", "--space", "朗心村", "--role", "volunteer"];
    let ticket = lead.run(invite).ok().out;
    lead.run(["sync"]).ok();
    let stranger = Desk::new();
    stranger
        .run(["join", ticket.trim(), "--name", "何婉仪"])
        .ok();
    for desk in [&stranger, &lead, &stranger] {
        desk.run(["sync"]).ok();
    }
    let page = format!("/session/{session}");
    let console = Console::entered(&stranger);
    assert_eq!(console.get(&page).status, 404);
    let none = console.get("/session").body;
    assert!(none.contains("No session is planned") && !none.contains("/new/session"));
    let writes = [
        ("agenda", [("line", "x")]),
        ("resolve", [("text", "x")]),
        ("move", [("need", &*need)]),
        ("minutes", [("text", "x")]),
        ("guests", [("guests", "3")]),
        ("close", [("confirmed", "yes")]),
    ];
    for (what, typed) in &writes {
        let refused = console.post("/settings", &format!("{page}/{what}"), typed);
        assert_eq!(refused.status, 404, "{what}");
    }
    drop(console);
    // Nor do those of the village see them on their wall.
    let wall = Console::entered(&lead).get(&page).body;
    assert!(
        wall.contains("陈小明") && !wall.contains("何婉仪"),
        "{wall}"
    );
}

#[test]
fn session_that_is_over_takes_nothing_more_and_gives_back_what_was_typed() {
    let desk = Desk::with_village();
    let (session, need) = session_and_need(&desk);
    let console = Console::entered(&desk);
    let page = format!("/session/{session}");
    send(&console, &page, "agenda", &[("need", &need)]);
    for state in ["state=held", "state=minutes_agreed"] {
        desk.run(["edit", &session, state]).ok();
    }
    let acts = [
        ("agenda", "line", "中秋灯会"),
        ("minutes", "text", "大家同意轮流守灯"),
        ("resolve", "text", "轮流守灯"),
    ];
    let before = desk.run(["--json", "show", &session]).ok().out;
    for (act, name, text) in acts {
        send(&console, &page, act, &[(name, text)]);
        let again = console.get(&page).body;
        let told = format!("This session is over: nothing was written down. You typed: {text}");
        assert!(again.contains(&told), "{act}: {again}");
    }
    assert_eq!(desk.run(["--json", "show", &session]).ok().out, before);
    assert!(all(&desk, "resolution").is_empty());
}
