//! What is asked in forms, changed in the console and seen on every device.

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use sync_core::id::Millis;
use sync_core::replica::Moment;
use sync_core::schema::SchemaAddition;
use sync_node::Home;

use crate::console::{Console, done, space_of, two_who_know_each_other};
use crate::run::{Desk, value};

const VISIT: &str = "/schema/visit";

/// A field as a person types it into the form.
fn dialect<'f>() -> Vec<(&'f str, &'f str)> {
    vec![
        ("field_zh", "方言"),
        ("field_en", "Dialect"),
        ("type", "choice"),
        ("choices", "粤语 / Cantonese\n客家话 / Hakka"),
        ("help_zh", "在家里讲的"),
        ("help_en", "Spoken at home every day"),
        ("personal", "yes"),
    ]
}

#[test]
fn field_added_in_the_console_is_written_here_and_read_on_another_device() {
    let (_served, lead, other) = two_who_know_each_other();
    let console = Console::entered(&lead);
    done(&console.post(VISIT, "/schema/visit/field", &dialect()));
    let form = console.get("/new/visit");
    for word in ["Dialect", "Hakka", "Spoken at home every day"] {
        assert!(form.body.contains(word), "{word}");
    }
    let space = space_of(&form);
    let typed = [
        ("_space", space.as_str()),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
        ("dialect", "hakka"),
    ];
    let written = console.post("/new/visit", "/new/visit", &typed);
    done(&written);
    let record = written.header("location").unwrap().to_owned();
    done(&console.post("/sync", "/sync", &[]));
    drop(console);
    other.run(["sync"]).ok();
    let console = Console::entered(&other);
    let shown = console.get(&format!("{record}?personal=1")).body;
    assert!(
        shown.contains("Dialect") && shown.contains("Hakka"),
        "{shown}"
    );
    let masked = console.get(&record).body;
    assert!(!masked.contains("Hakka"), "personal fields are masked");
    let kinds = console.get(VISIT).body;
    assert!(kinds.contains("Dialect") && !kinds.contains("<form class=\"sheet\""));
    let refused = console.post("/settings", "/schema/visit/field", &dialect());
    assert_eq!(refused.header("location"), Some("/settings"));
    assert!(console.get("/settings").body.contains("class=\"note bad"));
    for path in ["/schema/new", "/schema/visit/field/dialect"] {
        assert_eq!(console.get(path).status, 404, "{path}");
    }
    let all = console.get("/schema").body;
    assert!(all.contains("A coordinator may change") && !all.contains("/schema/new"));
}

#[test]
fn bad_input_is_refused_beside_the_field_and_stays() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let typed = [
        ("field_zh", "方言"),
        ("field_en", ""),
        ("type", "choice"),
        ("required", "yes"),
        ("help_zh", "在家里讲的"),
    ];
    let refused = console.post(VISIT, "/schema/visit/field", &typed);
    assert_eq!(refused.status, 422);
    for name in ["field_en", "choices", "help_en"] {
        assert!(
            refused.body.contains(&format!("id=\"er-{name}\"")),
            "{name}"
        );
    }
    assert!(refused.body.contains("value=\"方言\""));
    assert!(refused.body.contains("<option value=\"choice\" selected>"));
    let twice = [
        ("field_zh", "走访日期"),
        ("field_en", "X"),
        ("type", "line"),
    ];
    let refused = console.post(VISIT, "/schema/visit/field", &twice);
    assert!(refused.status == 422 && refused.body.contains("id=\"er-field_zh\""));
    let strange = [("field_zh", "甲"), ("field_en", "A"), ("type", "colour")];
    let refused = console.post(VISIT, "/schema/visit/field", &strange);
    assert!(refused.status == 422 && refused.body.contains("id=\"er-type\""));
    let refused = console.post("/schema/new", "/schema/new", &[("label_zh", "课程")]);
    assert_eq!(refused.status, 422);
    for name in ["label_en", "group", "create", "title_zh"] {
        assert!(
            refused.body.contains(&format!("id=\"er-{name}\"")),
            "{name}"
        );
    }
    assert!(refused.body.contains("value=\"课程\""));
    let acts = desk.run(["log"]).ok().out;
    assert!(!acts.contains("changes the settings"), "{acts}");
}

#[test]
fn words_choices_need_and_order_of_a_field_change_and_it_is_retired() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    done(&console.post(VISIT, "/schema/visit/field", &dialect()));
    let note = [("field_zh", "备注"), ("field_en", "Note"), ("type", "line")];
    done(&console.post(VISIT, "/schema/visit/field", &note));
    let field = "/schema/visit/field/dialect";
    let typed = [
        ("field_zh", "讲什么话"),
        ("field_en", "Spoken at home"),
        ("choice.cantonese.zh", "粤语"),
        ("choice.cantonese.en", "Yue"),
        ("choice.hakka.zh", "客家话"),
        ("choice.hakka.en", ""),
        ("choices", "普通话 / Mandarin"),
        ("required", "yes"),
    ];
    let refused = console.post(field, field, &typed);
    assert!(refused.status == 422 && refused.body.contains("id=\"er-choice-hakka\""));
    assert!(refused.body.contains("value=\"Yue\""));
    let mut right = typed;
    right[5] = ("choice.hakka.en", "Hakka");
    done(&console.post(field, field, &right));
    let form = console.get("/new/visit").body;
    for word in ["Spoken at home", "Yue", "Hakka", "Mandarin"] {
        assert!(form.contains(word), "{word}");
    }
    let space = space_of(&console.get("/new/visit"));
    let without = [
        ("_space", space.as_str()),
        ("household", "3号门"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
    ];
    let refused = console.post("/new/visit", "/new/visit", &without);
    assert!(refused.status == 422 && refused.body.contains("id=\"er-dialect\""));
    let at = |page: &str, word: &str| page.find(&format!("<div class=\"name\">{word}")).unwrap();
    let page = console.get(VISIT).body;
    assert!(at(&page, "Spoken at home") < at(&page, "Note"));
    done(&console.post(VISIT, "/schema/visit/up", &[("field", "note")]));
    let page = console.get(VISIT).body;
    assert!(at(&page, "Note") < at(&page, "Spoken at home"));
    for (name, word) in [("dialect", "Spoken at home"), ("mood", "Mood")] {
        let retire = [("field", name), ("do", "retire")];
        done(&console.post(VISIT, "/schema/visit/retire", &retire));
        assert!(!console.get("/new/visit").body.contains(word), "{word}");
        let again = [("field", name), ("do", "ask")];
        done(&console.post(VISIT, "/schema/visit/retire", &again));
        assert!(console.get("/new/visit").body.contains(word), "{word}");
    }
    let needed = [("field", "household"), ("do", "retire")];
    assert_eq!(
        console.post(VISIT, "/schema/visit/retire", &needed).status,
        404
    );
}

#[test]
fn kind_made_in_the_console_is_written_and_listed() {
    let desk = Desk::with_village();
    let console = Console::entered(&desk);
    let typed = [
        ("label_zh", "课程"),
        ("label_en", "Night lesson"),
        ("group", "growth"),
        ("create", "lead"),
        ("title_zh", "内容"),
        ("title_en", "What"),
    ];
    let made = console.post("/schema/new", "/schema/new", &typed);
    assert_eq!(made.header("location"), Some("/schema/night_lesson"));
    let twice = console.post("/schema/new", "/schema/new", &typed);
    assert!(twice.status == 422 && twice.body.contains("id=\"er-label_zh\""));
    let day = [
        ("field_zh", "日期"),
        ("field_en", "Day"),
        ("type", "date"),
        ("required", "yes"),
    ];
    let page = "/schema/night_lesson";
    done(&console.post(page, &format!("{page}/field"), &day));
    assert!(console.get("/new").body.contains("/new/night_lesson"));
    let form = console.get("/new/night_lesson");
    let lesson = [
        ("_space", &*space_of(&form)),
        ("what", "量血压"),
        ("day", "2026-03-04"),
    ];
    let written = console.post("/new/night_lesson", "/new/night_lesson", &lesson);
    done(&written);
    assert!(
        console
            .get("/records?kind=night_lesson")
            .body
            .contains("量血压")
    );
    let renamed = [
        ("label_zh", "夜校"),
        ("label_en", "Evening school"),
        ("group", "growth"),
        ("create", "lead"),
    ];
    done(&console.post(page, page, &renamed));
    assert!(console.get("/schema").body.contains("Evening school"));
    for lang in ["zh", "en"] {
        console.post("/settings", "/settings", &[("lang", lang)]);
        for path in ["/schema", "/schema/new", page, "/schema/visit/field/mood"] {
            let shown = console.get(path);
            assert_eq!(shown.status, 200, "{path}");
            let words = shown.body.replace("/static/console.", "");
            assert!(!words.contains("console."), "a key without words: {path}");
        }
    }
}

/// What a program that was made later, or earlier, has laid over the schema under the console's name.
fn lay(desk: &Desk, addition: &SchemaAddition) {
    let (mut replica, _keys) = Home::at(&desk.data()).open().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut moment = Moment {
        now: Millis(1_772_600_000_000),
        rng: &mut rng,
    };
    replica.extend_schema(addition, &mut moment).unwrap();
}

/// What counts now, as another version.
fn laid(desk: &Desk, version: u32) -> SchemaAddition {
    let (replica, _keys) = Home::at(&desk.data()).open().unwrap();
    let addition = replica.schema().additions().first().unwrap().to_json();
    let mut addition: serde_json::Value = serde_json::from_str(&addition).unwrap();
    addition["version"] = version.into();
    SchemaAddition::parse(&addition.to_string()).unwrap()
}

#[test]
fn device_that_lacks_the_field_keeps_its_value_when_it_changes_the_record() {
    let (_served, lead, other) = two_who_know_each_other();
    let console = Console::entered(&lead);
    done(&console.post(VISIT, "/schema/visit/field", &dialect()));
    drop(console);
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    let visit = other.put_visit("3号门 王奶奶");
    let console = Console::entered(&other);
    let edit = format!("/record/{visit}/edit");
    let typed = [
        ("seen", &*console.get(&edit).hidden("seen")),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-04"),
        ("purpose", "health"),
        ("dialect", "hakka"),
    ];
    done(&console.post(&edit, &edit, &typed));
    drop(console);
    assert_eq!(value(&other, &visit, "dialect"), "hakka");
    let with_it = laid(&lead, 100);
    let without = r#"{"id": "console", "version": 99, "kinds": []}"#;
    lay(&lead, &SchemaAddition::parse(without).unwrap());
    lead.run(["sync"]).ok();
    other.run(["sync"]).ok();
    let console = Console::entered(&other);
    assert!(!console.get("/new/visit").body.contains("Dialect"));
    let typed = [
        ("seen", &*console.get(&edit).hidden("seen")),
        ("household", "3号门 王奶奶"),
        ("date", "2026-03-05"),
        ("purpose", "health"),
    ];
    done(&console.post(&edit, &edit, &typed));
    drop(console);
    other.run(["sync"]).ok();
    lead.run(["sync"]).ok();
    for desk in [&lead, &other] {
        assert_eq!(value(desk, &visit, "date"), "2026-03-05");
        assert_eq!(value(desk, &visit, "dialect"), "hakka");
    }
    lay(&lead, &with_it);
    let console = Console::entered(&lead);
    let shown = console.get(&format!("/record/{visit}?personal=1")).body;
    assert!(
        shown.contains("Dialect") && shown.contains("Hakka"),
        "{shown}"
    );
}

#[test]
fn what_stays_as_it_is_says_why_and_records_from_before_still_show() {
    let desk = Desk::with_village();
    let before = desk.put_visit("3号门 王奶奶");
    let console = Console::entered(&desk);
    done(&console.post(VISIT, "/schema/visit/field", &dialect()));
    let shown = console.get(&format!("/record/{before}?personal=1")).body;
    assert!(
        shown.contains("王奶奶") && shown.contains("Dialect"),
        "{shown}"
    );
    let field = "/schema/visit/field/dialect";
    let page = console.get(field).body;
    for why in ["relied on that", "records hold them", "stop asking for it"] {
        assert!(page.contains(why), "{why}: {page}");
    }
    assert!(!page.contains("name=\"personal\"") && page.contains("name=\"required\""));
    // Whoever sends it anyhow takes nothing off.
    let typed = [
        ("field_zh", "方言"),
        ("field_en", "Dialect"),
        ("choice.cantonese.zh", "粤语"),
        ("choice.cantonese.en", "Cantonese"),
        ("choice.hakka.zh", "客家话"),
        ("choice.hakka.en", "Hakka"),
    ];
    done(&console.post(field, field, &typed));
    let kind = console.get(VISIT).body;
    let (_, row) = kind.split_once("<div class=\"name\">Dialect").unwrap();
    let (row, _) = row.split_once("</li>").unwrap();
    assert!(row.contains("#i-lock"), "{row}");
    let station = console.get("/schema/visit/field/household").body;
    assert!(
        station.contains("stands for a record in lists"),
        "{station}"
    );
    assert!(!station.contains("name=\"required\""));
    assert!(kind.contains("every phone judges by them alike"), "{kind}");
    let state = console.get("/schema/visit/field/state").body;
    assert!(
        state.contains("Its steps and who may take them stay"),
        "{state}"
    );
}
