//! What two people wrote at once, settled from the command line.

use serde_json::Value;

use crate::console::{Console, two_who_know_each_other};
use crate::review::{carry, need_with_two_titles};
use crate::run::Desk;

/// The number of a value, and the code of all of them.
fn number_of(desk: &Desk, record: &str, field: &str, value: &str) -> (String, String) {
    let shown = desk.run(["--json", "resolve", record, field]).ok().json();
    let mut values = shown["values"].as_array().unwrap().iter();
    let found = values.find(|it| it["value"] == value).unwrap();
    let seen = shown["seen"].as_str().unwrap().to_owned();
    (found["pick"].to_string(), seen)
}

fn field(desk: &Desk, record: &str, name: &str) -> Value {
    let shown = desk.run(["--json", "show", record]).ok().json();
    let mut fields = shown["fields"].as_array().unwrap().iter();
    fields.find(|it| it["name"] == name).unwrap().clone()
}

fn comments(desk: &Desk) -> Vec<String> {
    let rows = desk
        .run(["--json", "list", "--kind", "comment"])
        .ok()
        .json();
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["fields"]["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn values_are_shown_with_whose_they_are_and_the_one_picked_stands() {
    let (_served, lead, other) = two_who_know_each_other();
    let need = need_with_two_titles(&lead, &other);
    let hint = lead.run(["show", &need]).ok().out;
    assert!(hint.contains("banyan resolve"), "{hint}");
    let shown = lead.run(["resolve", &need, "Title"]).ok().out;
    for part in [
        "东头路灯",
        "桥边路灯",
        "李芳",
        "陈小明",
        "had seen: 路灯",
        "(shown now)",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (number, seen) = number_of(&lead, &need, "title", "桥边路灯");
    assert!(
        shown.contains(&format!("--pick N --seen {seen}")),
        "{shown}"
    );
    let shown = lead
        .run(["--lang", "zh", "resolve", &need, "title"])
        .ok()
        .out;
    assert!(shown.contains("写的时候看到：路灯"), "{shown}");
    assert_eq!(comments(&lead), [""; 0], "to look is not to choose");
    let args = [
        "resolve", &need, "title", "--pick", &number, "--seen", &seen,
    ];
    let done = lead.run(args).ok().out;
    assert!(
        done.contains("Settled") && done.contains("陈小明"),
        "{done}"
    );
    carry(&lead, &other);
    let title = field(&other, &need, "title");
    assert_eq!(
        (&title["value"], &title["conflicts"]),
        (&"桥边路灯".into(), &Value::Array(vec![]))
    );
    let told = comments(&other);
    assert!(
        told.len() == 1 && told[0].contains("is now as 李芳 wrote it"),
        "{told:?}"
    );
    assert!(
        !told[0].contains("路灯"),
        "the value is in the record alone"
    );
}

#[test]
fn choice_on_stale_sight_is_refused() {
    let (_served, lead, other) = two_who_know_each_other();
    let need = need_with_two_titles(&lead, &other);
    let (_, seen) = number_of(&lead, &need, "title", "桥边路灯");
    other.run(["edit", &need, "title=巷口路灯"]).ok();
    carry(&other, &lead);
    let args = ["resolve", &need, "title", "--pick", "1", "--seen", &seen];
    let refused = lead.run(args).fails(4);
    assert!(
        refused.contains("changed since they were shown"),
        "{refused}"
    );
    let refused = lead
        .run(["resolve", &need, "title", "--pick", "1"])
        .fails(4);
    assert!(refused.contains("nothing to settle"), "{refused}");
    let none = lead.run(["resolve", &need, "title"]).ok().out;
    assert!(none.contains("nothing to settle"), "{none}");
    let none = lead.run(["resolve", &need, "title", "--json"]).ok().json();
    assert_eq!(none["values"], Value::Array(vec![]));
}

#[test]
fn what_cannot_be_chosen_is_refused_with_a_sentence() {
    let (_served, lead, other) = two_who_know_each_other();
    let need = need_with_two_titles(&lead, &other);
    let fails = |more: &[&str], code| {
        let args = ["resolve", &need].into_iter().chain(more.iter().copied());
        lead.run(args).fails(code)
    };
    assert!(fails(&["title", "--pick", "3"], 4).contains("no such value"));
    assert!(fails(&["dream"], 4).contains("dream"));
    fails(&["title", "--pick", "0"], 2);
    fails(&["title", "--pick", "1", "--both"], 2);
    fails(&["title", "--seen", "0123456789abcdef"], 2);
    fails(&["title", "--both", "--reason", "x"], 2);
    let both = lead
        .run(["--json", "resolve", &need, "title", "--both"])
        .ok()
        .json();
    assert_eq!(
        (&both["changed"], &both["told"]),
        (&true.into(), &Value::Array(vec![]))
    );
    let title = field(&lead, &need, "title")["value"].clone();
    assert!(
        ["东头路灯 / 桥边路灯", "桥边路灯 / 东头路灯"]
            .iter()
            .any(|it| title == *it),
        "{title}"
    );
}

/// An event that the lead has confirmed while the other called it off for the rain.
fn event_in_two_states(lead: &Desk, other: &Desk) -> String {
    let args = [
        "put",
        "event",
        "--space",
        "良登村",
        "title=义诊",
        "place=祠堂",
    ];
    let more = ["date=2026-03-04", "category=health"];
    let event = lead
        .run(args.iter().chain(&more))
        .ok()
        .out
        .trim()
        .to_owned();
    carry(lead, other);
    lead.run(["edit", &event, "state=confirmed"]).ok();
    other
        .run(["edit", &event, "state=cancelled", "reason=下雨"])
        .ok();
    carry(other, lead);
    carry(lead, other);
    event
}

#[test]
fn state_that_needs_a_reason_brings_its_own_or_takes_another() {
    let (_served, lead, other) = two_who_know_each_other();
    let event = event_in_two_states(&lead, &other);
    let shown = lead.run(["resolve", &event, "state"]).ok().out;
    assert!(shown.contains("reason: 下雨"), "{shown}");
    {
        let console = Console::entered(&lead);
        let page = console.get(&format!("/record/{event}")).body;
        assert!(page.contains("Reason: 下雨"), "{page}");
        assert!(
            !page.contains("clash-why"),
            "nobody is asked for what is there"
        );
    }
    lead.run(["edit", &event, "reason=天晴"]).ok();
    let (number, _) = number_of(&lead, &event, "state", "cancelled");
    lead.run(["resolve", &event, "state", "--pick", &number])
        .ok();
    assert_eq!(field(&lead, &event, "state")["value"], "cancelled");
    assert_eq!(field(&lead, &event, "reason")["value"], "下雨");
    assert_eq!(
        comments(&lead),
        [""; 0],
        "what the lead wrote is the lead's to drop"
    );
    let args = [
        "resolve",
        &event,
        "state",
        "--pick",
        &number,
        "--reason",
        "没有人来",
    ];
    other.run(args).ok();
    assert_eq!(field(&other, &event, "reason")["value"], "没有人来");
    assert_eq!(comments(&other).len(), 1);
}

#[test]
fn edit_of_a_field_in_conflict_tells_whose_value_it_does_not_keep() {
    let (_served, lead, other) = two_who_know_each_other();
    let need = need_with_two_titles(&lead, &other);
    let said = lead.run(["edit", &need, "title=巷口路灯"]).ok().out;
    assert!(
        said.contains("Will be told") && said.contains("陈小明"),
        "{said}"
    );
    carry(&lead, &other);
    let told = comments(&other);
    assert!(
        told.len() == 1 && told[0].contains("is now as 李芳 wrote it"),
        "{told:?}"
    );
    let quiet = other.run(["edit", &need, "title=路灯"]).ok().out;
    assert!(!quiet.contains("Will be told"), "{quiet}");
    assert_eq!(comments(&other).len(), 1);
}

#[test]
fn form_that_is_filled_in_over_a_conflict_tells_too() {
    let (_served, lead, other) = two_who_know_each_other();
    let need = need_with_two_titles(&lead, &other);
    let console = Console::entered(&lead);
    let edit = format!("/record/{need}/edit");
    let seen = console.get(&edit).hidden("seen");
    let typed = [
        ("seen", seen.as_str()),
        ("title", "巷口路灯"),
        ("category", "roads"),
        ("urgency", "high"),
    ];
    let saved = console.post(&edit, &edit, &typed);
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert_eq!(field(&lead, &need, "title")["value"], "巷口路灯");
    assert_eq!(comments(&lead).len(), 1);
}
