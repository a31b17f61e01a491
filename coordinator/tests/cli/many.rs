//! A community of more people than anybody looks through.

use serde_json::Value;

use crate::console::{Console, Reply};
use crate::run::{Desk, command, ran};

/// What stands between the input for a field and the next one.
fn field<'p>(page: &'p Reply, name: &str) -> &'p str {
    let (_, rest) = page.body.split_once(&format!("id=\"in-{name}\"")).unwrap();
    rest.split("class=\"f\"").next().unwrap()
}

/// What is offered for a field where one begins to type.
fn offered(page: &Reply, name: &str) -> Vec<String> {
    let (_, rest) = field(page, name).split_once("<datalist").unwrap();
    let (list, _) = rest.split_once("</datalist>").unwrap();
    let options = list.split("<option value=\"").skip(1);
    options
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn people_who_are_too_many_to_tick_are_found_by_their_names() {
    let desk = Desk::new();
    let keep = desk.path("kept");
    let mut demo = command(&desk.data());
    demo.args([
        "--json",
        "demo",
        "--no-serve",
        "--villages",
        "6",
        "--volunteers",
        "6",
    ]);
    ran(&demo.arg("--keep").arg(&keep).output().unwrap()).ok();
    let console = Console::at(&[&keep.join("coordinator")]).let_in();
    let form = console.get("/new/visit");
    let people = offered(&form, "visitors");
    assert!(people.len() > 30, "{people:?}");
    assert!(!field(&form, "visitors").contains("type=\"checkbox\""));
    let (one, another) = (people[0].as_str(), people[7].as_str());
    let (other_name, _) = another.split_once(" · ").unwrap();
    let (_, rest) = form.body.split_once("name=\"_space\"").unwrap();
    let (_, rest) = rest.split_once("<option value=\"").unwrap();
    let space = rest.split('"').next().unwrap();
    let send = |visitors: &[&str]| {
        let mut typed = vec![
            ("household", "5号门"),
            ("date", "2026-03-04"),
            ("purpose", "health"),
            ("findings", "好"),
            ("_space", space),
        ];
        typed.extend(visitors.iter().map(|visitor| ("visitors", *visitor)));
        console.post("/new/visit", "/new/visit", &typed)
    };
    // Somebody who is nobody here: what else was typed stays, and so do they.
    let refused = send(&[one, "没有这个人"]);
    assert_eq!(refused.status, 422);
    let shown = field(&refused, "visitors");
    assert_eq!(shown.matches(" checked").count(), 2, "{shown}");
    assert!(
        shown.contains("没有这个人") && shown.contains("id=\"er-visitors\""),
        "{shown}"
    );
    let made = send(&[&format!("{one}、{other_name}")]);
    assert_eq!(made.status, 303, "{}", made.body);
    let record = made
        .header("location")
        .unwrap()
        .split(['?', '#'])
        .next()
        .unwrap()
        .to_owned();
    let record = record.trim_start_matches("/record/").to_owned();
    let mut show = command(&keep.join("coordinator"));
    let shown: Value = ran(&show.args(["--json", "show", &record]).output().unwrap())
        .ok()
        .json();
    let mut fields = shown["fields"].as_array().unwrap().iter();
    let visitors = fields.find(|it| it["name"] == "visitors").unwrap();
    let visitors = visitors["value"].to_string();
    for typed in [one, another] {
        let (_, id) = typed.split_once(" · ").unwrap();
        assert!(visitors.contains(id), "{visitors} lacks {typed}");
    }
}
