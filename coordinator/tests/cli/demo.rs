//! The demonstration ends in the console, which says what there is to look at.

use std::process::{Command, Stdio};

use crate::console::{Console, Reply};
use crate::run::{Desk, command, ran};

/// A small one: two villages, two volunteers in each.
fn demo(desk: &Desk) -> Command {
    let mut demo = command(&desk.data());
    demo.args(["--json", "demo", "--villages", "2", "--volunteers", "2"]);
    demo
}

/// The links of the panel.
fn sights(today: &Reply) -> Vec<String> {
    let (_, rest) = today.body.split_once("class=\"sheet tour\"").unwrap();
    let (tour, _) = rest.split_once("</section>").unwrap();
    let links = tour.split(" href=\"/").skip(1);
    links
        .filter_map(|rest| rest.split('"').next())
        .map(|href| format!("/{}", href.replace("&#38;", "&")))
        .collect()
}

#[test]
fn demonstration_ends_in_the_console_and_every_sight_is_there() {
    let desk = Desk::new();
    let keep = desk.path("kept");
    let mut told = demo(&desk);
    told.arg("--keep").arg(&keep).stdout(Stdio::piped());
    #[cfg_attr(not(unix), expect(unused_mut, reason = "it is asked to end on unix"))]
    let mut console = Console::told_by(told.spawn().unwrap()).let_in();
    let today = console.get("/today");
    let sights = sights(&today);
    assert!(sights.len() >= 5, "{sights:?}");
    for sight in &sights {
        let page = console.get(sight);
        assert_eq!(page.status, 200, "{sight}");
        assert!(!page.body.contains("console.tour."), "{sight}");
    }
    assert!(sights.iter().any(|sight| sight.starts_with("/record/")));
    assert!(sights.iter().any(|sight| sight == "/held"), "{sights:?}");
    let held = console.get("/held").body;
    assert_eq!(held.matches("name=\"record\"").count(), 2, "{held}");
    // The relay is still there to be met.
    assert_eq!(console.post("/sync", "/sync", &[]).status, 303);
    assert!(console.get("/sync").body.contains("note good"));
    #[cfg(unix)]
    assert!(console.ends_when_asked());
}

#[test]
fn panel_is_put_away_until_it_is_asked_for_again_also_in_the_next_program() {
    let desk = Desk::new();
    let keep = desk.path("kept");
    let mut told = demo(&desk);
    told.args(["--no-serve", "--keep"]).arg(&keep);
    let outcome = ran(&told.output().unwrap()).ok().json();
    assert_eq!(outcome["held"], 2, "{outcome}");
    assert_eq!(
        outcome["replicas_agreeing"], outcome["replicas"],
        "{outcome}"
    );
    let folder = keep.join("coordinator");
    let shows = |console: &Console| console.get("/today").body.contains("sheet tour");
    let console = Console::at(&[&folder]).let_in();
    assert!(shows(&console));
    let away = console.post("/today", "/tour", &[("do", "away")]);
    assert_eq!(away.header("location"), Some("/today"));
    assert!(!shows(&console));
    drop(console);
    let console = Console::at(&[&folder]).let_in();
    assert!(!shows(&console));
    console.post("/today", "/tour", &[("do", "show")]);
    assert!(shows(&console));
}

#[test]
fn community_that_no_demonstration_made_has_no_panel() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    assert!(!console.get("/today").body.contains("/tour"));
    let asked = console.post("/settings", "/tour", &[("do", "show")]);
    assert_eq!(asked.status, 404);
    assert!(!console.get("/today").body.contains("/tour"));
}
