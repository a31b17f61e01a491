//! What a community has added to its schema in the console, through the command line.

use crate::console::{Console, done, two_who_know_each_other};
use crate::run::Desk;

/// A kind for lessons with a required day, and a field for visits, as a coordinator adds them.
fn add(desk: &Desk) {
    let console = Console::entered(desk);
    let kind = [
        ("label_zh", "夜校课"),
        ("label_en", "Night lesson"),
        ("group", "growth"),
        ("create", "volunteer"),
        ("title_zh", "内容"),
        ("title_en", "What"),
    ];
    done(&console.post("/schema/new", "/schema/new", &kind));
    let day = [
        ("field_zh", "上课日期"),
        ("field_en", "Day"),
        ("type", "date"),
        ("required", "yes"),
    ];
    let page = "/schema/night_lesson";
    done(&console.post(page, &format!("{page}/field"), &day));
    let dialect = [
        ("field_zh", "方言"),
        ("field_en", "Dialect"),
        ("type", "choice"),
        ("choices", "粤语 / Cantonese\n客家话 / Hakka"),
    ];
    done(&console.post("/schema/visit", "/schema/visit/field", &dialect));
}

/// Writes a lesson and a visit as somebody types who calls things by their labels.
fn write(desk: &Desk) -> (String, String) {
    let lesson = [
        "put",
        "夜校课",
        "--space",
        "良登村",
        "内容=量血压",
        "上课日期=2026年3月4日",
    ];
    let visit = [
        "put",
        "visit",
        "--space",
        "良登村",
        "household=3号门",
        "date=2026-03-04",
        "purpose=health",
        "方言=客家话",
    ];
    let put = |args: &[&str]| desk.run(args).ok().out.trim().to_owned();
    (put(&lesson), put(&visit))
}

#[test]
fn kinds_fields_and_choices_that_were_added_are_written_listed_shown_and_exported() {
    let desk = Desk::with_village();
    add(&desk);
    let (lesson, visit) = write(&desk);
    desk.run(["edit", &lesson, "内容=量血糖"]).ok();
    desk.run(["edit", &visit, "Dialect=Cantonese"]).ok();
    let listed = desk.run(["list", "--kind", "night lesson"]).ok().out;
    assert!(
        listed.contains("Night lesson") && listed.contains("量血糖"),
        "{listed}"
    );
    let shown = desk.run(["--lang", "zh", "show", &visit, "--history"]).ok();
    assert!(
        shown.out.contains("方言") && shown.out.contains("粤语"),
        "{}",
        shown.out
    );
    assert!(shown.out.contains("方言: 客家话 → 粤语"), "{}", shown.out);
    let status = desk.run(["--lang", "zh", "status"]).ok().out;
    assert!(status.contains("夜校课 1"), "{status}");
    let file = desk.path("lessons.csv");
    let file = file.to_str().unwrap();
    desk.run([
        "export",
        "--kind",
        "夜校课",
        "--format",
        "csv",
        "--out",
        file,
    ])
    .ok();
    let table = std::fs::read_to_string(file).unwrap();
    assert!(table.contains("量血糖"), "{table}");
    let about = std::fs::read_to_string(desk.path("lessons-about.txt")).unwrap();
    assert!(
        about.contains("夜校课 1") && about.contains("Night lesson 1"),
        "{about}"
    );
}

#[test]
fn complaints_about_what_was_added_are_in_the_words_of_the_reader() {
    let desk = Desk::with_village();
    add(&desk);
    let put = ["put", "夜校课", "--space", "良登村", "内容=量血压"];
    let missing = desk.run(["--lang", "zh"].iter().chain(&put));
    let said = missing.fails(4);
    assert!(
        said.contains("夜校课") && said.contains("上课日期"),
        "{said}"
    );
    let unknown = desk.run(["put", "night_school", "--space", "良登村", "what=识字"]);
    assert!(unknown.fails(4).contains("night_lesson"));
}

#[test]
fn sync_tells_of_a_kind_that_it_brought_by_its_label() {
    let (_served, lead, other) = two_who_know_each_other();
    add(&lead);
    write(&lead);
    lead.run(["sync"]).ok();
    let told = other.run(["--lang", "zh", "sync"]).ok().out;
    assert!(told.contains("夜校课 1"), "{told}");
    let written = other.run([
        "put",
        "Night lesson",
        "--space",
        "良登村",
        "what=识字",
        "day=2026-03-05",
    ]);
    written.ok();
}
