//! Erasing from the record's page, and who has said that it is gone.

use crate::console::{Console, two_who_know_each_other};

#[test]
fn coordinator_erases_from_the_page_and_sees_whose_device_has_still_to() {
    let (_served, lead, other) = two_who_know_each_other();
    let record = lead.put_visit("3号门 王奶奶");
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    let console = Console::entered(&lead);
    let page = format!("/record/{record}");
    let erase = format!("{page}/erase");
    assert!(
        console
            .get(&page)
            .body
            .contains(&format!("action=\"{erase}\""))
    );
    // Asked first; nothing is gone yet.
    let asked = console.post(&page, &erase, &[]);
    assert!(asked.body.contains("Erase it for good?"), "{}", asked.body);
    assert!(asked.body.contains("nobody can bring it back"));
    assert!(
        console
            .get(&page)
            .body
            .contains(&format!("action=\"{erase}\""))
    );
    let done = console.post(&page, &erase, &[("confirmed", "yes")]);
    assert_eq!(done.header("location"), Some(page.as_str()));
    let gone = console.get(&page);
    assert_eq!(gone.status, 200);
    assert!(gone.body.contains("This record is erased"), "{}", gone.body);
    assert!(!gone.body.contains("王奶奶") && !gone.body.contains("王**"));
    assert!(gone.body.contains("陈小明"), "{}", gone.body);
    assert!(
        gone.body
            .contains("has not confirmed; it has to sync first")
    );
    assert!(gone.body.contains("(1 of 3 devices)"), "{}", gone.body);
    let list = console.get("/erasures");
    assert!(list.hrefs().contains(&page) && list.body.contains("1 of 3 devices"));
    console.post("/sync", "/sync", &[]);
    other.run(["sync"]).ok();
    other.run(["sync"]).ok();
    console.post("/sync", "/sync", &[]);
    let gone = console.get(&page);
    assert!(gone.body.contains("(3 of 3 devices)"), "{}", gone.body);
    // Who may not erase sees what is left of it as well.
    drop(console);
    let console = Console::entered(&other);
    assert!(console.get(&page).body.contains("This record is erased"));
}

#[test]
fn volunteers_are_not_offered_to_erase_and_may_not() {
    let (_served, _lead, other) = two_who_know_each_other();
    let record = other.put_visit("4号门 李伯");
    let console = Console::entered(&other);
    let page = format!("/record/{record}");
    assert!(!console.get(&page).body.contains("/erase\""));
    let refused = console.post(&page, &format!("{page}/erase"), &[("confirmed", "yes")]);
    assert_eq!(refused.header("location"), Some(page.as_str()));
    assert!(console.get(&page).body.contains("note bad"));
    assert!(other.run(["show", &record]).ok().out.contains("李伯"));
}
