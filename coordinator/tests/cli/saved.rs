//! Lists that people save under a name of their own.

use crate::console::Console;
use crate::run::Desk;

const SAVED: &str = "id=\"view-name\"";

#[test]
fn list_is_saved_under_a_name_counted_and_taken_away_again() {
    let desk = Desk::with_village();
    desk.put_need();
    desk.put_visit("3号门 王奶奶");
    let console = Console::entered(&desk);
    assert!(!console.get("/records").body.contains(SAVED));
    let list = "/records?kind=need&state=";
    assert!(console.get(list).body.contains(SAVED));
    let typed = [("query", "state=&kind=need&personal=1"), ("name", "需求")];
    let saved = console.post(list, "/views", &typed);
    assert_eq!(saved.header("location"), Some("/records?kind=need"));
    let shown = console.get("/records?kind=need");
    assert!(shown.body.contains("需求<span class=\"num\">1</span>"));
    assert!(!shown.body.contains(SAVED));
    drop(console);
    let console = Console::entered(&desk);
    assert!(
        console
            .get("/records")
            .body
            .contains("/records?kind=need\"")
    );
    let removed = console.post(
        "/records?kind=need",
        "/views/remove",
        &[("query", "kind=need")],
    );
    assert_eq!(removed.status, 303);
    assert!(!console.get("/records").body.contains("需求<span"));
    assert!(desk.run(["list"]).ok().out.contains("路灯"));
}

#[test]
fn name_that_is_missing_or_taken_is_said_beside_the_field_and_stays() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let save = |query: &str, name: &str| {
        // A page that has a form, whatever it is about.
        console.post("/settings", "/views", &[("query", query), ("name", name)])
    };
    assert_eq!(save("kind=need", "急的").status, 303);
    for (query, name) in [
        ("flag=late", "急的"),
        ("kind=need", "又一个"),
        ("flag=late", " "),
        (
            "flag=late",
            "二十个字以上的名字写不进一行所以不能用这么长的",
        ),
    ] {
        let refused = save(query, name);
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.body.contains("id=\"view-e\""), "{name}");
        assert!(
            refused.body.contains(&format!("value=\"{name}\"")),
            "{name}"
        );
    }
    let plain = save("", "全部");
    assert!(plain.status == 422 && plain.body.contains("id=\"view-e\""));
    let stranger = console.send("POST", "/views", &[], "query=kind%3Dneed&name=x");
    assert_eq!(stranger.status, 403);
}
