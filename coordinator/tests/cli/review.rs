//! The station's work in two consoles: what is handed in comes back and is accepted, and what two people
//! wrote at the same time is decided.

use crate::console::{Console, two_who_know_each_other};
use crate::run::Desk;

/// A visit of a volunteer, handed in and at the lead's.
fn handed_in(lead: &Desk, other: &Desk) -> String {
    let visit = other.put_visit("5号门 陈家");
    other.run(["edit", &visit, "state=submitted"]).ok();
    carry(other, lead);
    visit
}

/// Brings what one has to the other.
pub(crate) fn carry(from: &Desk, to: &Desk) {
    from.run(["sync"]).ok();
    to.run(["sync"]).ok();
}

#[test]
fn what_a_lead_sends_back_says_why_and_where_and_is_handed_in_again() {
    let (_served, lead, other) = two_who_know_each_other();
    let visit = handed_in(&lead, &other);
    let page = format!("/record/{visit}");
    {
        let console = Console::entered(&lead);
        let queue = console.get("/records?flag=review");
        assert!(queue.body.contains(&page), "it waits for the lead");
        let typed = [
            ("to", "returned"),
            ("reason", "请补上量的血压"),
            ("field", "findings"),
        ];
        let sent = console.post(&page, &format!("{page}/move"), &typed);
        assert_eq!(sent.status, 303, "{}", sent.body);
        let queue = console.get("/records?flag=review");
        assert!(!queue.body.contains(&page));
    }
    let of_lead = lead.put_visit("7号门 何家");
    lead.run(["edit", &of_lead, "state=submitted"]).ok();
    carry(&lead, &other);
    {
        let console = Console::entered(&other);
        let back = console.get(&page);
        assert!(back.body.contains("请补上量的血压") && back.body.contains("#f-findings"));
        for waits in ["/today", "/records?flag=back"] {
            let waits = console.get(waits).body;
            assert!(waits.contains(&page), "it waits for its author: {waits}");
        }
        let queue = console.get("/records?flag=review");
        assert!(!queue.body.contains(&page), "nobody judges their own");
        assert!(console.get("/records").body.contains(&of_lead));
        assert!(
            !queue.body.contains(&of_lead),
            "a volunteer judges nobody's"
        );
        let typed = [("to", "resubmitted")];
        let again = console.post(&page, &format!("{page}/move"), &typed);
        assert_eq!(again.status, 303, "{}", again.body);
        let back = console.get("/records?flag=back");
        assert!(!back.body.contains(&page), "it is handed in again");
    }
    carry(&other, &lead);
    let console = Console::entered(&lead);
    assert!(console.get("/records?flag=review").body.contains(&page));
    let typed = [("to", "accepted")];
    console.post(&page, &format!("{page}/move"), &typed);
    let queue = console.get("/records?flag=review");
    assert!(
        !queue.body.contains(&page),
        "what is accepted waits no more"
    );
    let reviews = lead.run(["--json", "list", "--kind", "review"]).ok().json();
    let reviews = reviews.as_array().unwrap();
    assert_eq!(reviews.len(), 2, "{reviews:?}");
    let said = format!("{reviews:?}");
    assert!(
        said.contains("returned") && said.contains("accepted"),
        "{said}"
    );
    assert!(
        said.contains("请补上量的血压") && said.contains("Accepted"),
        "{said}"
    );
}

/// Two people write a title each, without seeing the other's.
pub(crate) fn need_with_two_titles(lead: &Desk, other: &Desk) -> String {
    let need = other.put_need();
    carry(other, lead);
    other.run(["edit", &need, "title=东头路灯"]).ok();
    lead.run(["edit", &need, "title=桥边路灯"]).ok();
    carry(other, lead);
    carry(lead, other);
    need
}

#[test]
fn choice_between_two_values_is_told_to_the_one_whose_value_was_not_kept() {
    let (_served, lead, other) = two_who_know_each_other();
    let need = need_with_two_titles(&lead, &other);
    let page = format!("/record/{need}");
    {
        let console = Console::entered(&lead);
        let asked = console.get(&format!("{page}?personal=1"));
        assert!(asked.body.contains("东头路灯") && asked.body.contains("桥边路灯"));
        assert!(
            asked.body.contains("had seen &#34;路灯&#34;"),
            "{}",
            asked.body
        );
        let mine = asked.body.find("桥边路灯").unwrap();
        let theirs = asked.body.find("东头路灯").unwrap();
        // The lead's own value is chosen, wherever it stands.
        let pick = if mine < theirs { "0" } else { "1" };
        let seen = asked.hidden("seen");
        let typed = [("field", "title"), ("seen", &seen), ("pick", pick)];
        let chosen = console.post(&page, &format!("{page}/choose"), &typed);
        assert_eq!(chosen.status, 303, "{}", chosen.body);
    }
    carry(&lead, &other);
    let kept = other.run(["--json", "show", &need]).ok().json();
    assert_eq!(kept["title"], "桥边路灯");
    let console = Console::entered(&other);
    let today = console.get("/today");
    assert!(today.body.contains("李芳 wrote to you"), "{}", today.body);
    let told = other.run(["--json", "list", "--kind", "comment"]).ok().out;
    assert!(told.contains("is now as 李芳 wrote it"), "{told}");
    assert!(
        !told.contains("桥边路灯"),
        "the value is in the record alone"
    );
    let shown = console.get(&format!("{page}?personal=1"));
    assert!(shown.body.contains("桥边路灯"));
    let hidden = console.get(&page);
    assert!(
        !hidden.body.contains("桥边路灯"),
        "nothing tells what is hidden"
    );
}

#[test]
fn choice_that_is_undone_is_told_to_the_one_whose_value_comes_back() {
    let (_served, lead, other) = two_who_know_each_other();
    let need = need_with_two_titles(&lead, &other);
    let page = format!("/record/{need}");
    let console = Console::entered(&lead);
    let asked = console.get(&page);
    // What is shown is chosen, so that the other comes back.
    let seen = asked.hidden("seen");
    let typed = [("field", "title"), ("seen", &seen), ("pick", "0")];
    let chosen = console.post(&page, &format!("{page}/choose"), &typed);
    assert_eq!(chosen.status, 303, "{}", chosen.body);
    let again = console.post(&page, &format!("{page}/choose"), &typed);
    assert_eq!(again.status, 303, "{}", again.body);
    let moved = console.get(&page);
    assert!(
        moved.body.contains("has just changed this field"),
        "{}",
        moved.body
    );
    let said = |desk: &Desk| {
        let rows = desk
            .run(["--json", "list", "--kind", "comment"])
            .ok()
            .json();
        rows.as_array().unwrap().len()
    };
    let before = said(&lead);
    let change = moved.hidden("change");
    let undone = console.post(&page, &format!("{page}/undo"), &[("change", &change)]);
    assert_eq!(undone.status, 303, "{}", undone.body);
    assert!(console.get(&page).body.contains("Undone"));
    assert_eq!(said(&lead), before + 1);
    drop(console);
    carry(&lead, &other);
    let console = Console::entered(&other);
    assert!(console.get("/today").body.contains("李芳 wrote to you"));
}

#[test]
fn reason_that_was_given_elsewhere_points_at_no_field_of_an_earlier_return() {
    let (_served, lead, other) = two_who_know_each_other();
    let visit = handed_in(&lead, &other);
    let page = format!("/record/{visit}");
    {
        let console = Console::entered(&lead);
        let typed = [
            ("to", "returned"),
            ("reason", "血压"),
            ("field", "findings"),
        ];
        console.post(&page, &format!("{page}/move"), &typed);
    }
    carry(&lead, &other);
    other.run(["edit", &visit, "state=resubmitted"]).ok();
    carry(&other, &lead);
    lead.run(["edit", &visit, "state=returned", "reason=日期不对"])
        .ok();
    let console = Console::entered(&lead);
    let shown = console.get(&page).body;
    assert!(
        shown.contains("日期不对") && !shown.contains("#f-findings"),
        "{shown}"
    );
}

#[test]
fn both_texts_are_kept_one_after_the_other() {
    let (_served, lead, other) = two_who_know_each_other();
    let need = need_with_two_titles(&lead, &other);
    let page = format!("/record/{need}");
    let console = Console::entered(&lead);
    let seen = console.get(&page).hidden("seen");
    let typed = [("field", "title"), ("seen", &seen), ("do", "both")];
    let kept = console.post(&page, &format!("{page}/choose"), &typed);
    assert_eq!(kept.status, 303, "{}", kept.body);
    let title = lead.run(["--json", "show", &need]).ok().json()["title"].clone();
    let title = title.as_str().unwrap();
    assert!(
        title.contains("东头路灯") && title.contains("桥边路灯"),
        "{title}"
    );
}

#[test]
fn sync_page_says_who_lacks_what_and_opens_it() {
    let (_served, lead, other) = two_who_know_each_other();
    let visit = lead.put_visit("5号门 陈家");
    lead.run(["sync"]).ok();
    let console = Console::entered(&lead);
    let page = console.get("/sync");
    assert!(
        page.body.contains("陈小明 lacks 1 of your records"),
        "{}",
        page.body
    );
    let (_, rest) = page.body.split_once("/records?lacked=").unwrap();
    let member = rest.split('"').next().unwrap();
    let list = console.get(&format!("/records?lacked={member}"));
    assert!(list.body.contains(&visit));
    assert!(console.get("/today").body.contains("陈小明"));
    other.run(["sync"]).ok();
    lead.run(["sync"]).ok();
    let page = console.get("/sync");
    assert!(
        page.body.contains("陈小明 has everything of yours"),
        "{}",
        page.body
    );
    let list = console.get(&format!("/records?lacked={member}"));
    assert!(
        list.body.contains("Nothing is missing there"),
        "{}",
        list.body
    );
}
