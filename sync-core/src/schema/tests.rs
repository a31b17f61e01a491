//! Facts about the station's schema, about schemas that are refused, and about typed edits.

mod additions;
mod states;
mod types;

use proptest::prelude::*;

use super::*;

const GOOD: &str = r#"{"version": 1, "kinds": [{
    "name": "house", "labels": {"zh": "房屋", "en": "House"}, "title": "door", "natural_key": "door",
    "create": "volunteer", "edit": {"any": {"least": "lead"}},
    "fields": [
        {"name": "door", "labels": {"zh": "门牌", "en": "Door"}, "type": "line", "required": true},
        {"name": "state", "labels": {"zh": "状况", "en": "State"}, "type": "choice",
         "choices": [{"value": "good", "labels": {"zh": "好", "en": "Good"}}]}]}]}"#;

fn visit() -> &'static Kind {
    Schema::station()
        .kind("visit")
        .expect("the station has visits")
}

fn refusal(kind: &Kind, field: &str, text: &str) -> FieldError {
    kind.parse_edit(field, text).expect_err("must be refused")
}

#[test]
fn station_schema_parses_and_has_its_kinds_in_groups() {
    let names = |group| -> Vec<&str> {
        let kinds = Schema::station().kinds_in(group);
        kinds.map(Kind::name).collect()
    };
    let people = ["place", "household", "resident", "consent"];
    assert_eq!(names(Group::People), people);
    assert_eq!(names(Group::Work), ["visit", "need", "proposal", "task"]);
    let together = [
        "event",
        "session",
        "resolution",
        "comment",
        "attachment",
        "review",
    ];
    assert_eq!(names(Group::Together), together);
    let growth = ["hours", "training", "commendation"];
    assert_eq!(names(Group::Growth), growth);
    assert_eq!(Schema::station().version(), 3);
    assert!(Schema::station().kind("house").is_none());
}

#[test]
fn every_label_is_chinese_in_zh_and_ascii_in_en() {
    fn check(zh: &str, en: &str) {
        // The name of a format, or a unit, may follow in brackets.
        let zh = zh.split_once('（').map_or(zh, |(zh, _)| zh);
        assert!(
            zh.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
            "{zh}"
        );
        assert!(!en.is_empty() && en.is_ascii(), "{en}");
    }
    for kind in Schema::station().kinds() {
        check(kind.label(Lang::Zh), kind.label(Lang::En));
        for state in kind.states() {
            check(state.label(Lang::Zh), state.label(Lang::En));
        }
        for field in kind.fields() {
            check(field.label(Lang::Zh), field.label(Lang::En));
            for choice in field.ty().choices() {
                check(choice.label(Lang::Zh), choice.label(Lang::En));
            }
            assert_eq!(
                field.help(Lang::Zh).is_some(),
                field.help(Lang::En).is_some()
            );
        }
    }
}

#[test]
fn links_of_the_station_lead_to_its_kinds_and_every_kind_has_a_picture() {
    let station = Schema::station();
    for kind in station.kinds() {
        assert!(!kind.icon().is_empty(), "{}", kind.name());
        for target in kind.fields().iter().flat_map(|field| field.ty().kinds()) {
            assert!(station.kind(target).is_some(), "{target}");
        }
    }
}

#[test]
fn nobody_is_asked_for_an_identity_number() {
    for field in Schema::station().kinds().iter().flat_map(Kind::fields) {
        let label = field.label(Lang::En).to_lowercase();
        assert!(!label.contains("identity") && !field.label(Lang::Zh).contains("身份证"));
    }
}

#[test]
fn what_tells_about_a_resident_is_marked_personal() {
    let personal = |kind: &str| -> Vec<&str> {
        let kind = Schema::station().kind(kind).expect("a kind of the station");
        kind.fields()
            .iter()
            .filter(|field| field.personal())
            .map(Field::name)
            .collect()
    };
    assert_eq!(
        personal("visit"),
        [
            "household",
            "people",
            "alone",
            "findings",
            "mood",
            "home",
            "residents",
            "point"
        ]
    );
    assert_eq!(
        personal("need"),
        ["title", "body", "home", "residents", "outcome"]
    );
    assert!(personal("proposal").is_empty());
    let sensitive = |kind: &str, field: &str| {
        let kind = Schema::station().kind(kind).expect("a kind of the station");
        kind.field(field).is_some_and(Field::sensitive)
    };
    for (kind, field) in [
        ("resident", "care"),
        ("household", "tags"),
        ("visit", "findings"),
        ("visit", "point"),
    ] {
        assert!(sensitive(kind, field), "{kind} {field}");
    }
    assert!(!sensitive("resident", "name"));
}

#[test]
fn volunteers_write_the_daily_work_leads_the_rest_and_observers_nothing() {
    let by_leads = ["place", "session", "review", "training", "commendation"];
    let by_authors = ["comment", "attachment", "review", "commendation"];
    for kind in Schema::station().kinds() {
        let name = kind.name();
        let is_daily = !by_leads.contains(&name);
        assert_eq!(kind.may_create(Role::Volunteer), is_daily, "{name}");
        assert!(kind.may_create(Role::Lead), "{name}");
        assert!(!kind.may_create(Role::Observer) && !kind.may_edit(Role::Observer, true));
        let is_shared = !by_authors.contains(&name);
        assert_eq!(kind.may_edit(Role::Lead, false), is_shared, "{name}");
    }
}

#[test]
fn own_records_are_open_to_their_creator_and_to_the_named_rank() {
    let own = GOOD.replacen("\"natural_key\": \"door\",", "", 1);
    let own = own.replacen(
        r#"{"any": {"least": "lead"}}"#,
        r#"{"own": {"any": "lead"}}"#,
        1,
    );
    let schema = Schema::parse(&own).expect("a good schema");
    let house = schema.kind("house").expect("it has houses");
    assert!(house.may_edit(Role::Volunteer, true) && house.may_edit(Role::Lead, false));
    assert!(!house.may_edit(Role::Volunteer, false));
    assert!(
        !house.may_edit(Role::Observer, true),
        "a creator who lost the rank to create"
    );
    assert_eq!(house.natural_key(), None);
    let keyed = Schema::parse(GOOD).expect("a good schema");
    assert_eq!(keyed.kinds()[0].natural_key(), Some("door"));
    assert_eq!(visit().natural_key(), None);
}

#[test]
fn schema_deserializes_by_the_same_rules() {
    assert!(serde_json::from_str::<Schema>(GOOD).is_ok());
    assert!(serde_json::from_str::<Schema>(&GOOD.replacen("door", "gate", 1)).is_err());
}

#[test]
fn bad_schema_is_refused_with_a_sentence() {
    let refusals = [
        (
            "\"version\": 1",
            "\"version\": 0",
            "a schema needs a version from 1 up and at least one kind",
        ),
        (
            "\"title\": \"door\"",
            "\"title\": \"state\"",
            "the title of the kind \"house\" must be one of its fields, a required line; \"state\" is not",
        ),
        (
            "\"natural_key\": \"door\"",
            "\"natural_key\": \"gate\"",
            "the natural_key of the kind \"house\" must be one of its fields, a required line; \"gate\" is not",
        ),
        (
            "\"name\": \"state\"",
            "\"name\": \"door\"",
            "the kind \"house\" has \"door\" twice",
        ),
        (
            "\"name\": \"state\"",
            "\"name\": \"its state\"",
            "\"its state\" in the kind \"house\" is no name: use up to 32 lower-case letters, digits and _, a letter first",
        ),
        (
            "\"zh\": \"好\"",
            "\"zh\": \" \"",
            "\"good\" in the field \"state\" of the kind \"house\" needs a label in zh and in en",
        ),
        (
            "volunteer",
            "helper",
            "\"helper\" in the kind \"house\" is no role: the roles are owner, coordinator, lead, volunteer and observer",
        ),
        (
            "\"type\": \"choice\"",
            "\"type\": \"number\"",
            "the field \"state\" of the kind \"house\" has choices but is no choice",
        ),
        (
            "\"type\": \"line\", ",
            "\"type\": \"choice\", ",
            "the field \"door\" of the kind \"house\" is a choice and needs at least one",
        ),
        (
            "\"labels\"",
            "\"label\"",
            "the schema cannot be read at line 2, column 28: not JSON, or not a part that a schema has",
        ),
        (
            "\"type\": \"line\"",
            "\"type\": \"lien\"",
            "the title of the kind \"house\" must be one of its fields, a required line; \"door\" is not",
        ),
    ];
    assert!(Schema::parse(GOOD).is_ok());
    for (from, to, sentence) in refusals {
        let error = Schema::parse(&GOOD.replacen(from, to, 1)).expect_err(sentence);
        assert_eq!(error.to_string(), sentence);
    }
}

#[test]
fn languages_are_known_by_tag_and_by_locale() {
    for (text, lang) in [
        ("zh", Lang::Zh),
        ("zh-CN", Lang::Zh),
        ("zh_CN.UTF-8", Lang::Zh),
        ("en", Lang::En),
        ("EN-gb", Lang::En),
    ] {
        assert_eq!(text.parse(), Ok(lang), "{text}");
    }
    assert_eq!("".parse::<Lang>(), Err(ParseLangError));
    assert_eq!("english".parse::<Lang>(), Err(ParseLangError));
}

#[test]
fn unknown_field_is_refused_with_the_fields_that_there_are() {
    assert_eq!(
        refusal(visit(), "x", "1").to_string(),
        "a visit has no field \"x\"; its fields are household, date, purpose, people, alone, findings, mood, next_due, home, residents, visitors, minutes, needs, point, state, reason"
    );
    let event = Schema::station()
        .kind("event")
        .expect("the station has events");
    assert!(
        refusal(event, "x", "")
            .to_string()
            .starts_with("an event has no field")
    );
}

#[test]
fn typed_values_come_out_of_text() {
    let cases = [
        (
            "household",
            "  陈桂芳 仁和里12号 ",
            Value::Text("陈桂芳 仁和里12号".into()),
        ),
        ("findings", " a\r\nb\rc\n", Value::Text(" a\nb\nc\n".into())),
        ("people", " 3 ", Value::Number(3)),
        ("alone", "YES", Value::Flag(true)),
        ("alone", "否", Value::Flag(false)),
        ("date", "2024-02-29", Value::Text("2024-02-29".into())),
        ("next_due", "", Value::Text(String::new())),
        ("mood", "calm", Value::Text("calm".into())),
    ];
    for (field, text, value) in cases {
        let edit = visit().parse_edit(field, text).expect(field);
        assert_eq!(edit, FieldEdit::set(field, value));
    }
}

#[test]
fn misfits_are_refused_without_repeating_what_was_typed() {
    let field = || "date".to_owned();
    for text in [
        "2023-02-29",
        "2024-13-01",
        "20240229",
        "2024-2-9",
        "2024-02-29T10:00",
        "tomorrow",
        "９９",
    ] {
        assert_eq!(
            refusal(visit(), "date", text),
            FieldError::NotADate { field: field() },
            "{text}"
        );
    }
    assert_eq!(
        refusal(visit(), "date", " "),
        FieldError::Empty { field: field() }
    );
    assert_eq!(
        refusal(visit(), "mood", "secret").to_string(),
        "the field \"mood\" takes one of happy, calm, worried, lonely, upset"
    );
    for (field, text) in [
        ("people", "secret"),
        ("people", ""),
        ("people", "9223372036854775808"),
        ("alone", "secret"),
        ("household", "secret\nsecret"),
        ("household", "secret\u{2028}secret"),
        ("findings", "secret\u{0}"),
    ] {
        let sentence = refusal(visit(), field, text).to_string();
        assert!(
            !sentence.contains("secret") && sentence.contains(field),
            "{sentence}"
        );
    }
}

#[test]
fn length_is_counted_in_characters() {
    let longest = "户".repeat(LINE_CHARS_MAX);
    assert!(visit().parse_edit("household", &longest).is_ok());
    let error = refusal(visit(), "household", &format!("{longest}户"));
    assert_eq!(
        error,
        FieldError::TooLong {
            field: "household".into(),
            chars_max: LINE_CHARS_MAX
        }
    );
    let error = refusal(visit(), "findings", &"字".repeat(TEXT_CHARS_MAX + 1));
    assert_eq!(
        error,
        FieldError::TooLong {
            field: "findings".into(),
            chars_max: TEXT_CHARS_MAX
        }
    );
}

#[test]
fn assignments_are_split_at_the_first_equals_sign() {
    let args = ["findings=a=b".to_owned(), "people=2".to_owned()];
    let edits = visit().parse_assignments(&args).expect("good arguments");
    assert_eq!(
        edits.first().and_then(|edit| edit.value.value()),
        Some(&Value::Text("a=b".into()))
    );
    assert_eq!(edits.len(), 2);

    let twice = ["people=2".to_owned(), " people =3".to_owned()];
    assert_eq!(
        visit().parse_assignments(&twice),
        Err(FieldError::Twice {
            field: "people".into()
        })
    );
    let error = visit()
        .parse_assignments(&["陈桂芳".to_owned()])
        .expect_err("no field named");
    assert!(
        error
            .to_string()
            .starts_with("write each field as name=value; the fields of a visit are household,")
    );
    assert!(!error.to_string().contains("陈桂芳"));
}

#[test]
fn incomplete_record_is_told_all_that_is_missing() {
    let edits = visit()
        .parse_assignments(&["date=2024-02-29".to_owned()])
        .expect("a date");
    let error = visit().check_complete(&edits).expect_err("two are missing");
    assert_eq!(error.to_string(), "a visit also needs household, purpose");
    let args = ["date=2024-02-29", "household=1", "purpose=health"].map(str::to_owned);
    let edits = visit().parse_assignments(&args).expect("good arguments");
    assert_eq!(visit().check_complete(&edits), Ok(()));
}

#[test]
fn values_keep_their_type_in_json() {
    let elements = ["a", "b"].map(str::to_owned);
    for value in [
        Value::Text("3".into()),
        Value::Number(3),
        Value::Flag(true),
        Value::Set(elements.into()),
        Value::List(vec![Item::new("茶水")]),
    ] {
        let json = serde_json::to_string(&value).expect("values are plain");
        assert_eq!(
            serde_json::from_str::<Value>(&json).expect("its own output"),
            value
        );
    }
}

proptest! {
    #[test]
    fn accepted_edit_is_accepted_again_unchanged(field in 0..16_usize, text in any::<String>()) {
        let name = visit().fields().get(field).expect("a visit has sixteen fields").name();
        if let Ok(edit) = visit().parse_edit(name, &text) {
            let value = edit.value.value().expect("a whole value");
            prop_assert_eq!(visit().parse_edit(name, &value.to_string()), Ok(edit));
        }
    }

    #[test]
    fn every_number_and_every_day_is_taken_as_written(number in any::<i64>(), day in 0..3_652_000_i32) {
        let edit = visit().parse_edit("people", &number.to_string());
        prop_assert_eq!(edit.map(|edit| edit.value), Ok(Value::Number(number).into()));
        let date = jiff::civil::date(1, 1, 1) + jiff::Span::new().days(day);
        let edit = visit().parse_edit("date", &date.to_string());
        prop_assert_eq!(edit.map(|edit| edit.value), Ok(Value::Text(date.to_string()).into()));
    }

    #[test]
    fn trimming_is_the_only_change_to_a_line(text in "[\\PC&&[^\u{2028}\u{2029}]]{1,40}") {
        prop_assume!(!text.trim().is_empty());
        let edit = visit().parse_edit("household", &text).expect("a printable line");
        prop_assert_eq!(edit.value, Value::Text(text.trim().to_owned()).into());
    }
}
