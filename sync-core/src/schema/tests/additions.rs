//! What a community lays over the station's schema.

use super::*;

fn addition(json: &str) -> SchemaAddition {
    SchemaAddition::parse(json).expect("an addition")
}

fn laid(json: &str) -> Schema {
    Schema::station().with(&addition(json)).expect("laid over")
}

fn refusal(json: &str) -> String {
    let refused = Schema::station().with(&addition(json));
    refused.expect_err("must be refused").to_string()
}

const DIALECT: &str = r#"{"id": "danzao", "version": 3, "kinds": [{"name": "visit", "labels": {"zh": "探访"},
    "fields": [
        {"name": "dialect", "type": "choice", "labels": {"zh": "方言", "en": "Dialect"},
         "choices": [{"value": "cantonese", "labels": {"zh": "粤语", "en": "Cantonese"}}]},
        {"name": "mood", "hidden": true},
        {"name": "next_due", "retention_days": 30, "personal": true},
        {"name": "purpose", "labels": {"en": "Why"}, "choices": [
            {"value": "health", "labels": {"zh": "看健康", "en": "Health"}},
            {"value": "festival", "labels": {"zh": "过节慰问", "en": "Festival"}}]}]},
    {"name": "garden", "labels": {"zh": "菜园", "en": "Garden"}, "title": "name", "group": "together",
     "create": "volunteer", "edit": {"any": {"least": "volunteer"}},
     "fields": [{"name": "name", "type": "line", "required": true, "labels": {"zh": "名", "en": "Name"}}]}]}"#;

#[test]
fn communities_add_kinds_fields_choices_and_words_and_hide_what_they_do_without() {
    let schema = laid(DIALECT);
    let visit = schema.kind("visit").expect("visits");
    assert_eq!(visit.label(Lang::Zh), "探访");
    assert_eq!(visit.label(Lang::En), "Home visit");
    assert!(visit.parse_edit("dialect", "cantonese").is_ok());
    assert!(visit.parse_edit("purpose", "festival").is_ok());
    let purpose = visit.field("purpose").expect("a purpose");
    assert_eq!(
        (purpose.label(Lang::Zh), purpose.label(Lang::En)),
        ("走访目的", "Why")
    );
    assert_eq!(purpose.ty().choices()[1].label(Lang::Zh), "看健康");
    assert!(visit.field("mood").is_some_and(Field::hidden));
    let due = visit.field("next_due").expect("a day");
    assert_eq!((due.personal(), due.retention_days()), (true, Some(30)));
    assert_eq!(
        schema.kind("garden").map(Kind::group),
        Some(Group::Together)
    );
    assert_eq!(schema.version(), Schema::station().version());
    assert_eq!(schema.additions().len(), 1);
    // What was there stays as it was.
    assert!(Schema::station().kind("garden").is_none());
    assert_eq!(visit.states(), visit_of_station().states());
}

#[test]
fn communities_keep_records_for_a_shorter_time_and_never_longer_than_was_told() {
    let kept = |kind: &str, days: u32| {
        let json = format!(
            r#"{{"id": "danzao", "version": 1, "kinds": [{{"name": "{kind}", "retention_days": {days}}}]}}"#
        );
        laid(&json).kind(kind).and_then(Kind::retention_days)
    };
    assert_eq!(kept("visit", 365), Some(365));
    assert_eq!(kept("visit", 9999), Some(1095));
    assert_eq!(kept("visit", 0), Some(1095), "nothing is kept for no time");
    assert_eq!(kept("proposal", 730), Some(730));
}

fn visit_of_station() -> &'static Kind {
    Schema::station().kind("visit").expect("visits")
}

#[test]
fn rights_of_the_station_are_never_loosened_nor_its_fields_taken_away() {
    let field = |json: &str| {
        format!(
            r#"{{"id": "x", "version": 1, "kinds": [{{"name": "visit", "fields": [{json}]}}]}}"#
        )
    };
    let kind = |name: &str, json: &str| {
        format!(r#"{{"id": "x", "version": 1, "kinds": [{{"name": "{name}", {json}}}]}}"#)
    };
    for (json, sentence) in [
        (
            kind("place", r#""create": "volunteer""#),
            "the right of the kind \"place\" is the station's own: an addition cannot loosen or change it",
        ),
        (
            kind("comment", r#""edit": {"any": {"least": "volunteer"}}"#),
            "the right of the kind \"comment\" is the station's own: an addition cannot loosen or change it",
        ),
        (
            kind(
                "hours",
                r#""states": [{"value": "confirmed", "who": {"any": {"least": "volunteer"}}}]"#,
            ),
            "the right of the kind \"hours\" is the station's own: an addition cannot loosen or change it",
        ),
        (
            field(r#"{"name": "findings", "type": "line"}"#),
            "the type of the field \"findings\" of the kind \"visit\" is the station's own: an addition cannot loosen or change it",
        ),
        (
            field(r#"{"name": "findings", "sensitive": false}"#),
            "the protection of the field \"findings\" of the kind \"visit\" is the station's own: an addition cannot loosen or change it",
        ),
        (
            field(r#"{"name": "household", "hidden": true}"#),
            "the field \"household\" of the kind \"visit\" is needed and cannot be hidden",
        ),
        (
            field(
                r#"{"name": "state", "choices": [{"value": "x", "labels": {"zh": "某", "en": "X"}}]}"#,
            ),
            "the kind \"visit\" has states: it needs a required choice named state, without choices of its own",
        ),
        (
            field(r#"{"name": "Not a name", "type": "line", "labels": {"zh": "某", "en": "X"}}"#),
            "\"Not a name\" in the kind \"visit\" is no name: use up to 32 lower-case letters, digits and _, a letter first",
        ),
        (
            field(r#"{"name": "blank", "type": "line", "labels": {"zh": "", "en": "X"}}"#),
            "the field \"blank\" of the kind \"visit\" needs a label in zh and in en",
        ),
    ] {
        assert_eq!(refusal(&json), sentence);
    }
    // As strict as the station's, or stricter: nothing comes of it, for what is merged is the same everywhere.
    let strict = laid(&kind(
        "visit",
        r#""create": "lead", "edit": {"any": {"least": "lead"}}"#,
    ));
    assert_eq!(&strict, Schema::station());
}

#[test]
fn what_only_newer_versions_can_read_is_kept_and_left_out() {
    let json = r#"{"id": "town", "version": 7, "signed_by": "x", "kinds": [
        {"name": "visit", "colour": "red", "fields": [
            {"name": "voice", "type": "recording", "seconds": 30, "labels": {"zh": "录音", "en": "Voice", "yue": "錄音"}},
            {"name": "odd", "type": {"of": "thing"}, "labels": {"zh": "怪", "en": "Odd"}},
            {"name": "plain", "type": "line", "wide": true, "labels": {"zh": "平", "en": "Plain"}}]},
        {"name": "team", "labels": {"zh": "队", "en": "Team"}, "title": "name", "create": "volunteer",
         "edit": {"team": "own"}, "fields": []},
        {"name": "later_only", "fields": [{"name": "x", "type": "line"}]}, 17]}"#;
    let schema = laid(json);
    let visit = schema.kind("visit").expect("visits");
    let voice = visit.field("voice").expect("a field that is only read");
    assert_eq!(voice.ty(), &FieldType::Other("recording".to_owned()));
    let field = "voice".to_owned();
    assert_eq!(
        visit.parse_edit("voice", "x"),
        Err(FieldError::ReadOnly { field })
    );
    assert!(visit.field("plain").is_some() && visit.field("odd").is_none());
    assert!(schema.kind("team").is_none() && schema.kind("later_only").is_none());
    let kept: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let written: serde_json::Value =
        serde_json::from_str(&schema.additions()[0].to_json()).expect("JSON");
    assert_eq!(written, kept);
}

#[test]
fn texts_that_are_no_additions_are_refused() {
    for json in [
        "",
        "[]",
        "{}",
        r#"{"id": "x"}"#,
        r#"{"id": "X", "version": 1}"#,
        r#"{"id": "x", "version": 0}"#,
        r#"{"id": "x", "version": 4294967296}"#,
    ] {
        assert!(SchemaAddition::parse(json).is_err(), "{json}");
    }
    let long = format!(
        r#"{{"id": "x", "version": 1, "note": "{}"}}"#,
        "x".repeat(70_000)
    );
    assert_eq!(SchemaAddition::parse(&long), Err(BadAddition::TooLong));
}

#[test]
fn newer_addition_takes_the_place_of_the_older_one_with_its_id() {
    let old = addition(DIALECT);
    let new = addition(r#"{"id": "danzao", "version": 4, "kinds": []}"#);
    let station = Schema::station();
    let both = station.with(&old).expect("laid").with(&new).expect("laid");
    assert_eq!(&both, station);
    let other_way = station.with(&new).expect("laid").with(&old).expect("laid");
    assert_eq!(&other_way, station);
}

#[test]
fn schema_with_what_lies_over_it_is_written_and_read() {
    for schema in [Schema::station().clone(), laid(DIALECT)] {
        assert_eq!(Schema::parse(&schema.to_json()), Ok(schema));
    }
    let own = Schema::station().to_json();
    let written: serde_json::Value = serde_json::from_str(&own).expect("JSON");
    let embedded: serde_json::Value =
        serde_json::from_str(include_str!("../station.json")).expect("JSON");
    assert_eq!(written, embedded, "nothing is written that need not be");
}

/// Additions that agree and that do not, in one or two versions.
fn any_addition() -> impl Strategy<Value = SchemaAddition> {
    let field = (0..3_usize, 0..3_usize, any::<bool>(), 0..3_usize).prop_map(
        |(name, ty, hidden, label)| {
            let name = ["mood", "dialect", "own_words"][name];
            let ty = ["line", "choice", "text"][ty];
            let choices = if ty == "choice" {
                format!(r#", "choices": [{{"value": "c{label}", "labels": {{"zh": "选", "en": "C{label}"}}}}]"#)
            } else {
                String::new()
            };
            let ty = if name == "mood" { "choice" } else { ty };
            let label = format!(r#"{{"zh": "名{label}", "en": "L{label}"}}"#);
            format!(r#"{{"name": "{name}", "type": "{ty}", "hidden": {hidden}, "labels": {label}{choices}}}"#)
        },
    );
    let fields = prop::collection::vec(field, 0..3);
    (0..3_usize, 1..4_u32, 0..2_usize, fields).prop_map(|(id, version, kind, fields)| {
        let (id, kind) = (["a", "b", "c"][id], ["visit", "garden"][kind]);
        let head = if kind == "garden" {
            format!(
                r#""labels": {{"zh": "园{id}", "en": "{id}"}}, "title": "name", "create": "volunteer", "edit": {{"any": {{"least": "lead"}}}},"#
            )
        } else {
            String::new()
        };
        let name = r#"{"name": "name", "type": "line", "required": true, "labels": {"zh": "名", "en": "Name"}}"#;
        let mut fields = fields;
        if kind == "garden" {
            fields.insert(0, name.to_owned());
        }
        let fields = fields.join(", ");
        addition(&format!(
            r#"{{"id": "{id}", "version": {version}, "kinds": [{{"name": "{kind}", {head} "fields": [{fields}]}}]}}"#
        ))
    })
}

proptest! {
    #[test]
    fn the_same_additions_in_any_order_give_the_same_schema(
        additions in prop::collection::vec(any_addition(), 1..6),
        turn in any::<prop::sample::Index>(),
    ) {
        let station = Schema::station();
        let sound = additions.into_iter().filter(|it| station.with(it).is_ok());
        let mut sound: Vec<SchemaAddition> = sound.collect();
        prop_assume!(!sound.is_empty());
        let lay = |additions: &[SchemaAddition]| {
            additions.iter().fold(station.clone(), |schema, addition| {
                schema.with(addition).expect("sound by itself, so sound with others")
            })
        };
        let first = lay(&sound);
        let turn = turn.index(sound.len());
        sound.rotate_left(turn);
        sound.reverse();
        let twice = [sound.clone(), sound.clone()].concat();
        for second in [lay(&sound), lay(&twice)] {
            prop_assert_eq!(&second, &first);
            prop_assert_eq!(second.to_json(), first.to_json());
            prop_assert_eq!(second.additions(), first.additions());
        }
        prop_assert_eq!(&Schema::parse(&first.to_json()), &Ok(first));
    }

    #[test]
    fn no_text_breaks_the_schema(text in any::<String>(), kinds in "[\\[\\]{}\":,a-z ]{0,80}") {
        let tame = format!(r#"{{"id": "x", "version": 1, "kinds": [{{"name": "visit", "fields": [{kinds}]}}]}}"#);
        for json in [text, tame] {
            if let Ok(addition) = SchemaAddition::parse(&json)
                && let Ok(schema) = Schema::station().with(&addition)
            {
                prop_assert!(schema.kinds().len() >= Schema::station().kinds().len());
            }
        }
    }
}
