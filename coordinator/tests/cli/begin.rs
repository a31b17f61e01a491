//! A device without a community begins in the console, without any other command.

use crate::console::{Console, two_with_a_relay};
use crate::run::Desk;

/// What a page shows in a text box.
fn text_in(page: &str, id: &str) -> String {
    let (_, rest) = page.split_once(&format!("id=\"{id}\"")).unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[test]
fn empty_folder_asks_how_to_begin_and_a_ticket_lets_its_person_in() {
    let (_served, lead, other) = two_with_a_relay();
    let invite = ["invite", "--space", "良登村", "--role", "volunteer"];
    let ticket = lead.run(invite).ok().out;
    let ticket = ticket.lines().next().unwrap().to_owned();
    lead.run(["sync"]).ok();
    let console = Console::entered(&other);
    assert_eq!(console.get("/today").header("location"), Some("/begin"));
    let asked = console.get("/begin");
    assert!(asked.status == 200 && asked.body.contains("/begin/device"));
    assert!(
        !asked
            .body
            .replace("/static/console.", "")
            .contains("console.")
    );
    for (ticket, name, wrong) in [
        ("nothing", "陈小明", "er-ticket"),
        (ticket.as_str(), " ", "er-name"),
    ] {
        let typed = [("ticket", ticket), ("name", name)];
        let refused = console.post("/begin", "/begin/join", &typed);
        assert_eq!(refused.status, 422, "{wrong}");
        assert!(refused.body.contains(&format!("id=\"{wrong}\"")), "{wrong}");
        assert!(refused.body.contains(ticket), "{wrong}");
    }
    let stranger = console.send("POST", "/begin/join", &[], "ticket=x&name=y");
    assert_eq!(stranger.status, 403);
    let typed = [("ticket", ticket.as_str()), ("name", "陈小明")];
    let begun = console.post("/begin", "/begin/join", &typed);
    assert_eq!(begun.header("location"), Some("/today"));
    assert_eq!(console.get("/today").status, 200);
    assert_eq!(console.post("/settings", "/sync", &[]).status, 303);
    assert!(console.get("/records").body.contains("良登村"));
    assert!(console.get("/today").body.contains("陈小明"));
}

#[test]
fn second_device_is_added_by_two_texts_that_are_pasted_into_pages() {
    let (_served, first, second) = two_with_a_relay();
    let old = Console::entered(&first);
    let new = Console::entered(&second);
    let shown = text_in(&old.get("/devices").body, "dt");
    let typed = [("text", shown.as_str()), ("label", "平板")];
    let begun = new.post("/begin", "/begin/device", &typed);
    assert_eq!(begun.header("location"), Some("/today"), "{}", begun.body);
    let waiting = new.get("/today");
    assert!(waiting.body.contains("<svg") && waiting.body.contains("id=\"wait-h\""));
    let answer = text_in(&waiting.body, "answer");
    let added = old.post("/devices", "/devices/add", &[("answer", &answer)]);
    assert_eq!(added.header("location"), Some("/devices"), "{}", added.body);
    assert_eq!(old.post("/sync", "/sync", &[]).status, 303);
    assert_eq!(new.post("/settings", "/sync", &[]).status, 303);
    let today = new.get("/today");
    assert!(!today.body.contains("id=\"wait-h\""));
    assert!(today.body.contains("李芳"));
    assert!(new.get("/devices").body.contains("平板"));
}

#[test]
fn device_that_is_not_added_yet_says_what_to_do_wherever_it_is_asked() {
    let (_served, first, second) = two_with_a_relay();
    let shown = first.run(["--json", "device", "add"]).ok().json();
    let text = shown["text"].as_str().unwrap().to_owned();
    let new = Console::entered(&second);
    let typed = [("text", text.as_str()), ("label", "平板")];
    new.post("/begin", "/begin/device", &typed);
    let today = new.get("/today");
    let answer = text_in(&today.body, "answer");
    let own = new.get("/devices");
    assert_eq!(own.status, 200, "{}", own.body);
    assert_eq!(text_in(&own.body, "answer"), answer);
    for href in today.hrefs() {
        assert_eq!(new.get(&href).status, 200, "{href}");
    }
    let refused = new.post("/settings", "/devices/add", &[("answer", &answer)]);
    assert_eq!(refused.header("location"), Some("/settings"));
    let told = new.get("/settings").body;
    assert!(
        told.contains("does not belong to anybody here yet"),
        "{told}"
    );
}

#[test]
fn what_a_second_device_answers_is_still_there_in_the_next_program() {
    let (_served, first, second) = two_with_a_relay();
    let shown = first.run(["--json", "device", "add"]).ok().json();
    let text = shown["text"].as_str().unwrap().to_owned();
    let new = Console::entered(&second);
    new.post(
        "/begin",
        "/begin/device",
        &[("text", &text), ("label", "平板")],
    );
    let answer = text_in(&new.get("/today").body, "answer");
    drop(new);
    let new = Console::entered(&second);
    assert_eq!(text_in(&new.get("/today").body, "answer"), answer);
    let wrong = Console::entered(&Desk::new());
    let refused = wrong.post(
        "/begin",
        "/begin/device",
        &[("text", &answer), ("label", "x")],
    );
    assert!(refused.status == 422 && refused.body.contains("id=\"er-text\""));
}
