//! Homes and people that were written down twice: found, looked at, said to be one or two.

use serde_json::Value;

use crate::console::{Console, done, two_who_know_each_other};
use crate::run::{Desk, value};
use crate::serve_places::member;

fn put(desk: &Desk, kind: &str, space: &str, fields: &[&str]) -> String {
    let args = [&["put", kind, "--space", space], fields].concat();
    desk.run(args).ok().out.trim().to_owned()
}

/// One person in the records of two villages, with a visit in each, and somebody else of the same name.
fn scene(desk: &Desk) -> [String; 2] {
    desk.run(["space", "add", "朗心村"]).ok();
    let born = ["name=周桂芳", "birth_year=1948"];
    let one = put(
        desk,
        "resident",
        "良登村",
        &[&born[..], &["phone=158 0000 0213", "care=alone"]].concat(),
    );
    let two = put(
        desk,
        "resident",
        "朗心村",
        &[&born[..], &["phone=15800000213"]].concat(),
    );
    put(desk, "resident", "朗心村", &["name=周桂芳"]);
    for (village, person, day) in [("良登村", &one, "04"), ("朗心村", &two, "05")] {
        let date = format!("date=2026-03-{day}");
        let met = format!("residents={person}");
        let visit = [date.as_str(), "household=石桥巷", "purpose=health", &met];
        put(desk, "visit", village, &visit);
    }
    [one, two]
}

fn listed(desk: &Desk) -> Vec<Value> {
    let pairs = desk.run(["--json", "duplicates"]).ok().json();
    pairs.as_array().unwrap().clone()
}

#[test]
fn pair_of_two_villages_is_listed_with_what_it_has_in_common_and_settled() {
    let desk = Desk::with_village();
    let [one, two] = scene(&desk);
    let pairs = listed(&desk);
    let [pair] = &pairs[..] else {
        panic!("{pairs:?}");
    };
    assert_eq!(pair["kind"], "resident");
    assert_eq!(
        pair["clues"],
        serde_json::json!(["name", "phone", "birth_year"])
    );
    let records = pair["records"].as_array().unwrap();
    assert_eq!(records[0]["record"], *one);
    assert_eq!(records[1]["record"], *two);
    let said = desk.run(["duplicates"]).ok().out;
    assert!(said.contains("周**") && !said.contains("周桂芳"), "{said}");
    assert!(said.contains("same telephone"), "{said}");
    let said = desk.run(["--lang", "zh", "duplicates", "--personal"]).ok();
    assert!(said.out.contains("周桂芳") && said.out.contains("电话相同"));
    let said = desk.run(["duplicates", "--same", &two, &one]).ok().out;
    assert!(
        said.starts_with(&two[..8]),
        "the later one is the copy: {said}"
    );
    assert_eq!(value(&desk, &two, "same_as"), *one);
    assert_eq!(value(&desk, &one, "same_as"), Value::Null);
    assert!(listed(&desk).is_empty());
    let again = desk
        .run(["--json", "duplicates", "--same", &one, &two])
        .ok();
    assert_eq!(again.json()["changed"], false);
    desk.run(["duplicates", "--open", &one, &two]).ok();
    assert_eq!(listed(&desk).len(), 1);
    desk.run(["duplicates", "--different", &one, &two]).ok();
    assert!(listed(&desk).is_empty());
    assert_eq!(value(&desk, &two, "other_than")[0], *one);
    let none = desk.run(["duplicates"]).ok().out;
    assert!(none.contains("Nothing looks"), "{none}");
}

#[test]
fn what_cannot_be_said_is_refused() {
    let desk = Desk::with_village();
    let [one, two] = scene(&desk);
    let visit = desk.put_visit("3号门");
    for pair in [[&one, &one], [&one, &visit]] {
        let said = desk.run(["duplicates", "--same", pair[0], pair[1]]);
        said.fails(4);
    }
    desk.run(["duplicates", "--same", &one]).fails(2);
    let both = [
        "duplicates",
        "--same",
        &one,
        &two,
        "--different",
        &one,
        &two,
    ];
    desk.run(both).fails(2);
    desk.run(["duplicates", "--same", &one, "zzzzzzzz"])
        .fails(4);
    assert_eq!(listed(&desk).len(), 1);
}

#[test]
fn one_home_written_in_two_ways_is_found_within_a_village() {
    let desk = Desk::with_village();
    let home = |door: &str| put(&desk, "household", "良登村", &[&format!("door={door}")]);
    let one = home("石桥巷10号");
    let two = home("石桥巷 十 号门");
    home("石桥巷1号");
    home("石桥巷10号之一");
    let pairs = listed(&desk);
    let records: Vec<&Value> = pairs
        .iter()
        .flat_map(|pair| pair["records"].as_array().unwrap())
        .collect();
    let ids: Vec<&str> = records
        .iter()
        .map(|it| it["record"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [&one, &two]);
}

#[test]
fn pair_is_settled_in_the_console_and_what_leads_to_one_is_found_at_both() {
    let desk = Desk::with_village();
    let [one, two] = scene(&desk);
    let console = Console::entered(&desk);
    let today = console.get("/today");
    assert!(today.hrefs().contains(&"/duplicates".to_owned()));
    assert!(today.body.contains("1 pair may be written twice"));
    let page = console.get("/duplicates").body;
    assert!(page.contains("周**") && !page.contains("周桂芳"), "{page}");
    assert!(!page.contains("0000") && !page.contains("1948"), "{page}");
    assert!(page.contains("same telephone") && page.contains("(differs)"));
    assert!(page.contains("2 visits and 0 needs"), "{page}");
    let differing = page.matches("(differs)").count();
    assert_eq!(
        differing, 2,
        "the care alone; one telephone is written in two ways"
    );
    let page = console.get("/duplicates?personal=1").body;
    for word in [
        "周桂芳",
        "158 0000 0213",
        "15800000213",
        "Lives alone",
        "Not filled in",
    ] {
        assert!(page.contains(word), "{word}: {page}");
    }
    let pair = format!("{one}-{two}");
    let same = [("pair", pair.as_str()), ("do", "same")];
    done(&console.post("/duplicates", "/duplicates", &same));
    let page = console.get("/duplicates").body;
    assert!(page.contains("Both records stay") && page.contains("Nothing looks like"));
    assert!(!console.get("/today").body.contains("written twice"));
    let visits = |record: &str| {
        let shown = console.get(&format!("/record/{record}?personal=1")).body;
        shown.matches("Home visit ·").count()
    };
    assert_eq!((visits(&one), visits(&two)), (2, 2));
    let copy = console.get(&format!("/record/{two}"));
    assert!(copy.body.contains("This is a second record of 周**"));
    assert!(copy.hrefs().contains(&format!("/record/{one}")));
    assert!(
        console
            .get("/records?kind=resident")
            .body
            .contains("Second record")
    );
    let page = format!("/record/{one}");
    assert!(
        console
            .get(&page)
            .body
            .contains("is a second record of the same")
    );
    let undo = [
        ("pair", &*console.get(&page).hidden("pair")),
        ("do", "open"),
    ];
    done(&console.post(&page, "/duplicates", &undo));
    assert_eq!((visits(&one), visits(&two)), (1, 1));
    let other = [("pair", pair.as_str()), ("do", "other")];
    done(&console.post("/duplicates", "/duplicates", &other));
    assert!(
        console
            .get("/duplicates")
            .body
            .contains("Nothing looks like")
    );
}

#[test]
fn forms_that_say_nothing_are_refused_and_pages_have_all_their_words() {
    let desk = Desk::with_village();
    let [one, two] = scene(&desk);
    let console = Console::entered(&desk);
    let (pair, page) = (format!("{one}-{two}"), format!("/record/{two}"));
    for (pair, what) in [("x", "same"), (pair.as_str(), "melt")] {
        let odd = [("pair", pair), ("do", what)];
        assert_eq!(console.post("/settings", "/duplicates", &odd).status, 404);
    }
    let forged = format!("pair={one}-{two}&do=same");
    assert_eq!(
        console.send("POST", "/duplicates", &[], &forged).status,
        403
    );
    for settled in [false, true] {
        if settled {
            let same = [("pair", pair.as_str()), ("do", "same")];
            done(&console.post("/settings", "/duplicates", &same));
        }
        for lang in ["zh", "en"] {
            console.post("/settings", "/settings", &[("lang", lang)]);
            for path in ["/duplicates", "/more", "/today", "/records", &page] {
                let words = console.get(path).body.replace("/static/console.", "");
                let has_key = words.contains("console.") || words.contains("word.clue");
                assert!(!has_key, "{path}");
            }
        }
    }
}

#[test]
fn what_one_says_others_see_and_only_who_writes_there_says_it() {
    let (_served, lead, other) = two_who_know_each_other();
    let [one, two] = scene(&lead);
    let chen = member(&lead, "陈小明");
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    assert!(
        listed(&other).is_empty(),
        "the other village is not read here"
    );
    let observer = ["grant", &chen, "--role", "observer", "--space", "朗心村"];
    lead.run(observer).ok();
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    assert_eq!(listed(&other).len(), 1);
    let console = Console::entered(&other);
    let page = console.get("/duplicates").body;
    assert!(page.contains("Whoever writes in 朗心村") && !page.contains("value=\"same\""));
    assert!(!console.get("/today").body.contains("written twice"));
    let pair = format!("{one}-{two}");
    let same = [("pair", pair.as_str()), ("do", "same")];
    done(&console.post("/settings", "/duplicates", &same));
    assert!(console.get("/settings").body.contains("class=\"note bad"));
    drop(console);
    assert_eq!(listed(&other).len(), 1);
    lead.run(["duplicates", "--same", &one, &two]).ok();
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    assert!(listed(&other).is_empty());
    assert_eq!(value(&other, &two, "same_as"), *one);
}
