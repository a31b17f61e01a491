//! The console's pages of people, devices, what is held and the signed acts.

use relay::relay::Admission;

use crate::console::{Console, two_with_a_relay};
use crate::held::scene;
use crate::relay::Served;
use crate::run::Desk;

/// Said of what this person may not decide about.
const FOR_OTHERS: &str = "A coordinator or lead has to look at the content.";

/// The id of a member by name.
pub(crate) fn member(desk: &Desk, name: &str) -> String {
    let members = desk.run(["--json", "members"]).ok().json();
    let members = members.as_array().unwrap().iter();
    let mut named = members.filter(|member| member["name"] == name);
    named.next().unwrap()["member"].as_str().unwrap().to_owned()
}

/// What a read-only text area holds.
fn text_area(page: &str, id: &str) -> String {
    let (_, rest) = page.split_once(&format!("id=\"{id}\"")).unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split('<').next().unwrap().to_owned()
}

/// A founder and a volunteer who has been confirmed.
fn founder_and_volunteer() -> (Served, Desk, Desk) {
    let (served, lead, other) = two_with_a_relay();
    let invite = ["invite", "--space", "良登村", "--role", "volunteer"];
    let ticket = lead.run(invite).ok().out;
    lead.run(["sync"]).ok();
    other.run(["join", ticket.trim(), "--name", "陈小明"]).ok();
    other.run(["sync"]).ok();
    lead.run(["sync"]).ok();
    (served, lead, other)
}

#[test]
fn every_place_of_the_menu_is_a_page_in_both_languages() {
    let desk = Desk::with_village();
    desk.put_visit("3号门 王奶奶");
    let console = Console::entered(&desk);
    let me = format!("/member/{}", member(&desk, "李芳"));
    for lang in ["en", "zh"] {
        console.post("/settings", "/settings", &[("lang", lang)]);
        for path in [
            "/more",
            "/devices",
            "/held",
            "/audit",
            &me,
            "/settings",
            "/schema",
            "/session",
        ] {
            let page = console.get(path);
            assert_eq!(page.status, 200, "{path}: {}", page.body);
            let words = page.body.replace("/static/console.", "");
            assert!(!words.contains("console."), "a key without words: {path}");
            assert!(!page.body.contains("王奶奶"), "{path}");
        }
    }
    let more = console.get("/more").body;
    for place in [
        "/session",
        "/members",
        "/devices",
        "/held",
        "/audit",
        "/schema",
        "/settings",
    ] {
        assert!(
            more.contains(&format!("<li><a href=\"{place}\"")),
            "{place}"
        );
    }
    for from in ["/today", "/more", "/settings", "/members", "/sync"] {
        for href in console.get(from).hrefs() {
            assert_eq!(console.get(&href).status, 200, "{from} leads to {href}");
        }
    }
    let members = console.get("/members").body;
    assert!(members.contains(&me), "members lead to their pages");
    assert_eq!(console.get("/member/nobody").status, 404);
}

#[test]
fn role_is_given_and_taken_back_and_what_one_may_not_give_is_said_beside_it() {
    let (_served, lead, other) = founder_and_volunteer();
    let page = format!("/member/{}", member(&lead, "陈小明"));
    let console = Console::entered(&lead);
    let shown = console.get(&page).body;
    let (_, rest) = shown.split_once("<select id=\"space\"").unwrap();
    let (_, rest) = rest.split_once("<option value=\"").unwrap();
    let space = rest.split('"').next().unwrap().to_owned();
    let grant = format!("{page}/grant");
    let typed = [("role", "lead"), ("space", space.as_str())];
    let given = console.post(&page, &grant, &typed);
    assert_eq!(given.status, 303, "{}", given.body);
    assert!(console.get(&page).body.contains("lead of 良登村"));
    let refused = console.post(&page, &grant, &[("role", "owner"), ("space", "")]);
    assert!(refused.status == 422 && refused.body.contains("id=\"role-e\""));
    assert!(
        refused.body.contains("<option value=\"owner\" selected>")
            || !refused.body.contains("value=\"owner\"")
    );
    let taken = console.post(&page, &format!("{page}/take-role"), &typed);
    assert_eq!(taken.status, 303);
    drop(console);
    let roles = lead.run(["members"]).ok().out;
    assert!(!roles.contains("lead of"), "{roles}");
    // A volunteer is offered nothing of this and is refused.
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    let console = Console::entered(&other);
    let mine = format!("/member/{}", member(&other, "李芳"));
    let shown = console.get(&mine).body;
    assert!(
        !shown.contains("/grant\"") && !shown.contains("/remove\""),
        "{shown}"
    );
    let refused = console.post("/settings", &format!("{mine}/grant"), &typed);
    assert_eq!(refused.status, 422);
}

#[test]
fn member_is_removed_only_after_the_question() {
    let (_served, lead, _other) = founder_and_volunteer();
    let page = format!("/member/{}", member(&lead, "陈小明"));
    let console = Console::entered(&lead);
    let remove = format!("{page}/remove");
    let asked = console.post(&page, &remove, &[]);
    assert!(asked.status == 200 && asked.body.contains("name=\"confirmed\" value=\"yes\""));
    assert!(
        asked.body.contains(&format!("href=\"{page}\"")),
        "a way back"
    );
    let still = lead.run(["members"]).ok().out;
    assert!(!still.contains("removed"), "{still}");
    let done = console.post(&page, &remove, &[("confirmed", "yes")]);
    assert_eq!(done.status, 303);
    let gone = lead.run(["members"]).ok().out;
    assert!(gone.contains("removed"), "{gone}");
    assert_eq!(console.get(&page).status, 200);
}

#[test]
fn device_is_added_by_its_answer_and_cut_off() {
    let (_served, lead, second) = two_with_a_relay();
    let console = Console::entered(&lead);
    let page = console.get("/devices");
    assert!(page.body.contains("<svg"));
    let text = text_area(&page.body, "dt");
    let refused = console.post("/devices", "/devices/add", &[("answer", "good morning")]);
    assert!(refused.status == 422 && refused.body.contains("id=\"an-e\""));
    assert!(refused.body.contains("good morning"));
    let join = ["--json", "device", "join", &text, "--label", "平板"];
    let answer = second.run(join).ok().json();
    let answer = answer["text"].as_str().unwrap();
    let added = console.post("/devices", "/devices/add", &[("answer", answer)]);
    assert_eq!(added.status, 303, "{}", added.body);
    let page = console.get("/devices").body;
    assert!(page.contains("平板"));
    let device = console.get("/devices").hidden("device");
    let typed = [("device", device.as_str())];
    let asked = console.post("/devices", "/devices/remove", &typed);
    assert!(asked.status == 200 && asked.hidden("device") == device);
    let typed = [("device", device.as_str()), ("confirmed", "yes")];
    let cut = console.post("/devices", "/devices/remove", &typed);
    assert_eq!(cut.header("location"), Some("/devices"), "{}", cut.body);
    let list = lead.run(["device", "list"]).ok().out;
    assert!(list.contains("平板") && list.contains("removed"), "{list}");
}

#[test]
fn held_entries_are_seen_and_let_in_or_left_out() {
    let served = Served::new(Admission::Open);
    let (owner, _phone, other, visit) = scene(&served);
    let console = Console::entered(&other);
    let page = console.get("/held").body;
    assert!(page.contains(&format!("id=\"h-{visit}\"")), "{page}");
    assert!(!page.contains("value=\"release\""), "not theirs to decide");
    assert!(page.contains(FOR_OTHERS), "{page}");
    let release = [("record", visit.as_str()), ("do", "release")];
    let refused = console.post("/settings", "/held", &release);
    assert_eq!(refused.header("location"), Some("/settings"));
    let told = console.get("/settings").body;
    assert!(told.contains("class=\"note bad"), "{told}");
    drop(console);
    let console = Console::entered(&owner);
    let page = console.get("/held").body;
    assert!(
        page.contains("value=\"release\"") && page.contains("无**"),
        "{page}"
    );
    assert!(!page.contains("无人居住"));
    assert!(console.get("/held?personal=1").body.contains("无人居住"));
    let discard = [("record", visit.as_str()), ("do", "discard")];
    let asked = console.post("/held", "/held", &discard);
    assert!(asked.status == 200 && asked.body.contains("confirmed"));
    let released = console.post("/held", "/held", &[("record", &visit), ("do", "release")]);
    assert_eq!(released.status, 303, "{}", released.body);
    let kept = owner.run(["--json", "show", &visit]).ok().out;
    assert!(kept.contains("无人居住"), "{kept}");
    assert!(
        !console
            .get("/held")
            .body
            .contains(&format!("id=\"h-{visit}\""))
    );
}

#[test]
fn what_was_left_out_for_good_waits_for_nobody() {
    let served = Served::new(Admission::Open);
    let (owner, _phone, _other, visit) = scene(&served);
    let console = Console::entered(&owner);
    let discard = [
        ("record", visit.as_str()),
        ("do", "discard"),
        ("confirmed", "yes"),
    ];
    let left_out = console.post("/held", "/held", &discard);
    assert_eq!(left_out.status, 303, "{}", left_out.body);
    let page = console.get("/held").body;
    let (_, section) = page.split_once(&format!("id=\"h-{visit}\"")).unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    assert!(!section.contains(FOR_OTHERS), "{section}");
    assert!(!section.contains("value=\"release\""), "{section}");
}

#[test]
fn acts_are_shown_by_page_and_person_and_proved_again() {
    let (_served, lead, _other) = founder_and_volunteer();
    for number in 0..60 {
        lead.run(["space", "add", &format!("村{number}")]).ok();
    }
    let console = Console::entered(&lead);
    let page = console.get("/audit").body;
    assert!(page.contains("makes the space 村59") && !page.contains("founds the community"));
    assert!(page.contains("from=50"));
    let last = console.get("/audit?from=100").body;
    assert!(last.contains("founds the community 丹灶"), "{last}");
    let other = member(&lead, "陈小明");
    let theirs = console.get(&format!("/audit?who={other}")).body;
    assert!(theirs.contains("takes up an invitation") && !theirs.contains("makes the space"));
    let proved = console.post("/audit", "/audit/verify", &[]);
    assert_eq!(proved.status, 200);
    assert!(proved.body.contains("All is as signed"), "{}", proved.body);
    assert!(proved.body.contains("is what its authors signed"));
    // The same address says it again to a page that looks again.
    let again = console.get("/audit/verify");
    assert!(again.status == 200 && again.body.contains("All is as signed"));
    assert!(!console.get("/audit").body.contains("All is as signed"));
    let stranger = console.send("POST", "/audit/verify", &[], "csrf=guessed");
    assert_eq!(stranger.status, 403);
}

#[test]
fn form_offers_people_of_the_village_first_and_the_others_behind_a_line() {
    let (_served, lead, other) = founder_and_volunteer();
    lead.run(["space", "add", "下安村"]).ok();
    let elsewhere = ["put", "visit", "--space", "下安村"];
    let fields = ["household=3号门", "date=2026-03-01", "purpose=check_in"];
    let record = lead.run(elsewhere.into_iter().chain(fields)).ok();
    let others = "People of other villages (1)";
    let page = Console::entered(&lead).get(&format!("/record/{}/edit", record.out.trim()));
    let (first, rest) = page.body.split_once(others).unwrap();
    assert!(first.contains("李芳</span>") && !first.contains("陈小明</span>"));
    assert!(rest.contains("陈小明</span>"));
    // Both of the volunteer's village are there at once.
    let page = Console::entered(&other).get("/new/visit");
    assert!(page.body.contains("陈小明</span>") && !page.body.contains("other villages"));
}
