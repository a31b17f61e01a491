//! Several communities side by side in one console.

use crate::console::{Console, Reply, space_of, two_who_know_each_other, wait_for};
use crate::run::Desk;

fn community(name: &str) -> Desk {
    let desk = Desk::new();
    desk.run(["found", "--name", name, "--as", "李芳"]).ok();
    desk.run(["space", "add", "良登村"]).ok();
    desk
}

/// Where the pages of a community begin, by its name on the page of all.
fn base_of(all: &Reply, name: &str) -> String {
    let mark = format!("/today\">{name}</a>");
    let (before, _) = all.body.split_once(&mark).expect("its link is there");
    let (_, base) = before.rsplit_once("href=\"").unwrap();
    base.to_owned()
}

/// The numbers of a community's line.
fn line_of(all: &Reply, name: &str) -> String {
    let (_, rest) = all.body.split_once("id=\"each\"").unwrap();
    let (_, rest) = rest.split_once(name).expect("it has a line");
    rest.split("</tr>").next().unwrap().to_owned()
}

#[test]
fn each_community_has_its_own_pages_and_all_of_them_one_link() {
    let (one, two) = (community("丹灶站"), community("金沙站"));
    let need = one.put_need();
    let console = Console::at(&[&one.data(), &two.data()]).let_in();
    let home = console.get("/");
    assert_eq!(home.header("location"), Some("/communities"));
    let all = console.get("/communities");
    assert_eq!(all.status, 200);
    assert!(
        !all.body
            .replace("/static/console.", "")
            .contains("console.")
    );
    let (danzao, jinsha) = (base_of(&all, "丹灶站"), base_of(&all, "金沙站"));
    assert_ne!(danzao, jinsha);
    assert!(console.get(&format!("{danzao}/record/{need}")).status == 200);
    assert!(console.get(&format!("{jinsha}/record/{need}")).status == 404);
    let today = console.get(&format!("{jinsha}/today"));
    assert!(today.body.contains("金沙站"));
    for href in today.hrefs() {
        let is_ours = ["/communities", &danzao, &jinsha];
        assert!(is_ours.iter().any(|ours| href.starts_with(ours)), "{href}");
        assert_eq!(console.get(&href).status, 200, "{href}");
    }
    assert!(today.hrefs().contains(&format!("{danzao}/today")));
    assert_eq!(console.get("/records").status, 404);
}

#[test]
fn what_is_written_in_one_community_stays_in_it() {
    let (one, two) = (community("丹灶站"), community("金沙站"));
    let console = Console::at(&[&one.data(), &two.data()]).let_in();
    let jinsha = base_of(&console.get("/communities"), "金沙站");
    let blank = format!("{jinsha}/new/visit");
    let space = space_of(&console.get(&blank));
    let typed = [
        ("_space", space.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
    ];
    let written = console.post(&blank, &blank, &typed);
    assert_eq!(written.status, 303, "{}", written.body);
    let href = written.header("location").unwrap();
    assert!(href.starts_with(&format!("{jinsha}/record/")), "{href}");
    let shown = console.get(href);
    assert!(shown.body.contains("3** 王**") && !shown.body.contains("王奶奶"));
    assert!(two.run(["list"]).ok().out.contains("3号门"));
    assert!(!one.run(["list"]).ok().out.contains("3号门"));
    let all = console.get("/communities");
    assert!(line_of(&all, "金沙站").contains("/records\" aria-label=\"Records: 1\""));
    assert!(line_of(&all, "丹灶站").contains("/records\" aria-label=\"Records: 0\""));
    let back = console.post(
        &format!("{jinsha}/settings"),
        &format!("{jinsha}/sync"),
        &[],
    );
    let back = back.header("location").unwrap().to_owned();
    assert!(back.starts_with(&jinsha), "{back}");
}

#[test]
fn folder_that_holds_several_is_all_of_them() {
    let town = Desk::new();
    for name in ["丹灶站", "金沙站"] {
        let dir = town.path("town").join(name);
        let mut found = crate::run::command(&dir);
        found.args(["found", "--name", name, "--as", "李芳"]);
        crate::run::ran(&found.output().unwrap()).ok();
    }
    let console = Console::at(&[&town.path("town")]).let_in();
    let all = console.get("/communities");
    assert!(all.body.contains("丹灶站") && all.body.contains("金沙站"));
}

#[test]
fn community_that_cannot_be_opened_says_why_and_the_others_go_on() {
    let (one, two) = (community("丹灶站"), community("金沙站"));
    std::fs::write(two.data().join("community.sqlite"), "no database").unwrap();
    let console = Console::at(&[&one.data(), &two.data()]).let_in();
    let all = console.get("/communities");
    assert_eq!(all.status, 200);
    assert!(line_of(&all, "丹灶站").contains("Records: 0"));
    let path = two.data().display().to_string();
    let folder = two
        .data()
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned();
    let line = line_of(&all, &format!(">{folder}<"));
    assert!(line.contains("note bad") && line.contains(&path), "{line}");
    let today = console.get(&format!("{}/today", base_of(&all, "丹灶站")));
    assert_eq!(today.status, 200);
    let closed = today.hrefs().into_iter().find(|href| {
        href.ends_with("/today")
            && href.starts_with("/c/")
            && !href.starts_with(&base_of(&all, "丹灶站"))
    });
    let closed = console.get(&closed.expect("it can be asked for"));
    assert!(
        closed.status == 503 && closed.body.contains(&path),
        "{}",
        closed.body
    );
}

#[test]
fn nothing_opens_if_no_community_does() {
    let (one, two) = (Desk::new(), Desk::new());
    let mut serve = crate::run::command(&one.data());
    serve.arg("--data").arg(two.data()).arg("serve");
    crate::run::ran(&serve.output().unwrap()).fails(3);
}

#[test]
fn only_serve_takes_several_folders() {
    let (one, two) = (community("丹灶站"), community("金沙站"));
    let mut list = crate::run::command(&one.data());
    list.arg("--data").arg(two.data()).arg("list");
    let said = crate::run::ran(&list.output().unwrap()).fails(2);
    assert!(said.contains("banyan serve"), "{said}");
}

#[test]
fn pages_hear_of_their_own_community_and_the_page_of_all_hears_of_each() {
    let (_served, lead, other) = two_who_know_each_other();
    let alone = community("金沙站");
    let console = Console::at(&[&alone.data(), &lead.data()]).let_in();
    let base = base_of(&console.get("/communities"), "丹灶");
    let mut all = console.listen();
    let mut own = console.listen_at(&format!("{base}/events"));
    let visit = other.put_visit("5号门 陈家");
    other.run(["sync"]).ok();
    let page = format!("{base}/record/{visit}");
    while console.get(&page).status != 200 {
        wait_for(&mut all, "records");
    }
    wait_for(&mut own, "records");
    let events = format!("data-events=\"{base}/events?since=");
    assert!(console.get(&page).body.contains(&events));
}

#[test]
fn views_and_forms_of_one_community_are_no_business_of_another() {
    let (one, two) = (community("丹灶站"), community("金沙站"));
    let console = Console::at(&[&one.data(), &two.data()]).let_in();
    let all = console.get("/communities");
    let (danzao, jinsha) = (base_of(&all, "丹灶站"), base_of(&all, "金沙站"));
    let list = format!("{danzao}/records?flag=late");
    let typed = [("query", "flag=late"), ("name", "晚的")];
    let saved = console.post(&list, &format!("{danzao}/views"), &typed);
    assert_eq!(saved.header("location"), Some(list.as_str()));
    assert!(console.get(&list).body.contains("晚的"));
    let other = console.get(&format!("{jinsha}/records"));
    assert!(!other.body.contains("晚的"));
}
