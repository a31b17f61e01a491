use std::collections::BTreeSet;

use super::*;
use crate::id::{ActorId, MemberId, RecordId};

fn kind(name: &str) -> &'static Kind {
    Schema::station().kind(name).unwrap()
}

fn field(name: &str, winner: Value) -> FieldState {
    FieldState {
        name: name.to_owned(),
        winner,
        others: Vec::new(),
        set_by: ActorId::ZERO,
        set_in: None,
    }
}

fn text(name: &str, value: &str) -> FieldState {
    field(name, Value::Text(value.to_owned()))
}

#[test]
fn days_follow_from_names_and_types_of_fields() {
    let due = |name| kind(name).due_field();
    assert_eq!((due("task"), due("visit")), (Some("due"), Some("next_due")));
    assert_eq!((due("household"), due("event")), (Some("next_due"), None));
    let day = |name| kind(name).day_field();
    assert_eq!(
        (day("visit"), day("session")),
        (Some("date"), Some("starts"))
    );
    assert_eq!((day("task"), day("household")), (None, None));
}

#[test]
fn record_is_due_until_its_work_is_over() {
    let shown = |state: &str| {
        let fields = vec![
            text("title", "Lamp"),
            text("due", "2026-03-04"),
            text("state", state),
        ];
        show(kind("need"), fields)
    };
    let open = shown("solved");
    assert_eq!(open.due.as_deref(), Some("2026-03-04"));
    assert_eq!(open.state.as_deref(), Some("solved"));
    assert_eq!(shown("closed").due, None);
    assert_eq!(shown("of a newer version").state, None);
    let newer = shown("newer");
    assert_eq!(
        (newer.state, newer.due.as_deref()),
        (None, Some("2026-03-04"))
    );
}

#[test]
fn record_from_before_its_kind_had_states_is_in_the_first() {
    let shown = show(kind("visit"), vec![text("household", "3号门")]);
    assert_eq!(shown.state.as_deref(), Some("draft"));
    assert_eq!(
        show(kind("place"), vec![text("state", "draft")]).state,
        None
    );
    assert_eq!(
        show(Kind::plain(), vec![text("state", "draft")]).state,
        None
    );
}

#[test]
fn only_days_of_the_calendar_are_days() {
    let day = |date: &str| show(kind("visit"), vec![text("date", date)]).day;
    assert_eq!(day("2026-02-28").as_deref(), Some("2026-02-28"));
    for bad in [
        "",
        "~",
        "2026-02-30",
        "2026-2-3",
        "20260228",
        "-009999-01-01",
        "soon",
        "2026-02-28 9",
    ] {
        assert_eq!(day(bad), None, "{bad}");
    }
    let starts = |time: &str| show(kind("session"), vec![text("starts", time)]).day;
    assert_eq!(starts("2026-02-28 09:30").as_deref(), Some("2026-02-28"));
    assert_eq!(starts("2026-02-28 25:30"), None);
}

#[test]
fn fields_that_name_records_and_members_are_links() {
    let (home, need) = (RecordId::new([1; 16]), RecordId::new([2; 16]));
    let member = MemberId::new([3; 16]);
    let set = |text: String| Value::Set(BTreeSet::from([text, "no id".to_owned()]));
    let fields = vec![
        text("findings", &home.to_string()),
        text("home", &home.to_string()),
        field("needs", set(need.to_string())),
        field("visitors", set(member.to_string())),
        text("point", "nowhere"),
    ];
    let link = |field: &str, target| RowLink {
        field: field.to_owned(),
        target,
    };
    let expected = BTreeSet::from([
        link("home", LinkTarget::Record(home)),
        link("needs", LinkTarget::Record(need)),
        link("visitors", LinkTarget::Member(member)),
    ]);
    assert_eq!(show(kind("visit"), fields).index.links, expected);
}

fn visit_of_all_sorts() -> Vec<FieldState> {
    vec![
        text("household", "3号门 王芳"),
        text("date", "2026-03-04"),
        text("purpose", "health"),
        field("people", Value::Number(3)),
        field("alone", Value::Flag(true)),
        text("findings", "血压偏高"),
        text("home", &RecordId::new([1; 16]).to_string()),
        field(
            "visitors",
            Value::Set(BTreeSet::from([MemberId::new([3; 16]).to_string()])),
        ),
        text("state", "draft"),
        text("of_a_newer_version", "新栏目"),
    ]
}

#[test]
fn words_are_of_what_people_wrote_and_chose() {
    let fields = visit_of_all_sorts();
    let home = RecordId::new([1; 16]).to_string();
    let words = show(kind("visit"), fields).index.words;
    for found in [
        "3号门",
        "wf",
        "血压偏高",
        "健康随访",
        "health",
        "草稿",
        "新栏目",
    ] {
        assert!(words::Search::read(found).fits(&words), "{found}");
    }
    for hidden in ["2026", &home, "xy", "目的"] {
        assert!(!words::Search::read(hidden).fits(&words), "{hidden}");
    }
    let items = Value::List(vec![crate::schema::Item::new("带血压计")]);
    let task = vec![text("title", "下周"), field("checklist", items)];
    let words = show(kind("task"), task).index.words;
    assert!(words::Search::read("血压计").fits(&words));
}

#[test]
fn words_are_made_again_from_a_row() {
    let items = Value::List(vec![crate::schema::Item::new("带血压计")]);
    let task = vec![text("title", "下周"), field("checklist", items)];
    let plain = vec![
        field("tags", Value::Set(BTreeSet::new())),
        text("title", "一"),
    ];
    let records = [
        (kind("visit"), visit_of_all_sorts()),
        (kind("task"), task),
        (Kind::plain(), plain),
    ];
    for (kind, fields) in records {
        let shown = show(kind, fields);
        let row = ViewRow {
            record: RecordId::ZERO,
            kind: kind.name().to_owned(),
            space: crate::id::LaneId::ZERO,
            state: shown.state,
            due: shown.due,
            day: shown.day,
            title: shown.title,
            fields: shown.fields,
            created_by: crate::id::DeviceId::ZERO,
            created_at: Millis(0),
            updated_by: crate::id::DeviceId::ZERO,
            updated_at: Millis(0),
            conflicts: 0,
        };
        assert_eq!(words_of_row(kind, &row), Some(shown.index.words));
    }
}

#[test]
fn fingerprint_tells_schemas_apart() {
    let station = Schema::station();
    let mut json: serde_json::Value = serde_json::from_str(&station.to_json()).unwrap();
    json["kinds"][0]["fields"][11]["name"] = "time_taken".into();
    let other = Schema::parse(&json.to_string()).unwrap();
    assert_ne!(fingerprint(station), fingerprint(&other));
    assert_eq!(
        fingerprint(station),
        fingerprint(&Schema::parse(&station.to_json()).unwrap())
    );
}
