//! A step of the history taken back from the record's page.

use crate::console::Console;
use crate::run::Desk;

/// The ids in the forms that take a step back, the newest first.
fn steps(page: &str) -> Vec<String> {
    let forms = page.split("name=\"change\" value=\"").skip(1);
    forms
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn step_of_the_history_is_undone_unless_the_field_was_changed_since() {
    let desk = Desk::with_village();
    let record = desk.put_visit("3号门");
    desk.run(["edit", &record, "minutes=30"]).ok();
    desk.run(["edit", &record, "minutes=45"]).ok();
    let console = Console::entered(&desk);
    let page = format!("/record/{record}");
    let undo = format!("{page}/undo");
    let body = console.get(&page).body;
    let [newest, older] = steps(&body).try_into().unwrap();
    console.post(&page, &undo, &[("change", &older)]);
    let refused = console.get(&page).body;
    assert!(refused.contains("was changed again since"), "{refused}");
    console.post(&page, &undo, &[("change", &newest)]);
    let done = console.get(&page).body;
    assert!(
        done.contains("Undone: what stood before is back."),
        "{done}"
    );
    assert_eq!(steps(&done).len(), 3);
    let shown = desk.run(["--json", "list", "--kind", "visit"]).ok().json();
    assert_eq!(shown[0]["fields"]["minutes"], 30);
    console.post(&page, &undo, &[("change", "nonsense")]);
    assert!(console.get(&page).body.contains("There is no such step."));
}
