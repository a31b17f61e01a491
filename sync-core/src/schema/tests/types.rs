//! What people type for durations, times, sets, lists, links and places on the map.

use super::*;

const ALL: &str = r#"{"version": 1, "kinds": [{
    "name": "all", "labels": {"zh": "全", "en": "All"}, "title": "name",
    "create": "volunteer", "edit": {"any": {"least": "volunteer"}},
    "fields": [
        {"name": "name", "labels": {"zh": "名", "en": "Name"}, "type": "line", "required": true},
        {"name": "long", "labels": {"zh": "时长", "en": "Long"}, "type": "minutes"},
        {"name": "at", "labels": {"zh": "时间", "en": "At"}, "type": "time"},
        {"name": "tags", "labels": {"zh": "标签", "en": "Tags"}, "type": "choices", "required": true,
         "choices": [{"value": "a", "labels": {"zh": "甲", "en": "A"}},
                     {"value": "b", "labels": {"zh": "乙", "en": "B"}}]},
        {"name": "who", "labels": {"zh": "谁", "en": "Who"}, "type": "member"},
        {"name": "all", "labels": {"zh": "都", "en": "All"}, "type": "members"},
        {"name": "about", "labels": {"zh": "关于", "en": "About"}, "type": "link", "kinds": ["all"]},
        {"name": "links", "labels": {"zh": "有关", "en": "Links"}, "type": "links"},
        {"name": "steps", "labels": {"zh": "步骤", "en": "Steps"}, "type": "list"},
        {"name": "spot", "labels": {"zh": "位置", "en": "Spot"}, "type": "point"},
        {"name": "near", "labels": {"zh": "附近", "en": "Near"}, "type": "point", "decimals": 1}]}]}"#;

/// A member's or a record's id.
const ID: &str = "aaaqeayeaudaocajbifqydiob4";

fn kind() -> Kind {
    let schema = Schema::parse(ALL).expect("a good schema");
    schema.kinds()[0].clone()
}

fn value(field: &str, text: &str) -> Value {
    let edit = kind().parse_edit(field, text).expect(text);
    edit.value.value().expect("a whole value").clone()
}

fn refused(field: &str, text: &str) -> FieldError {
    kind().parse_edit(field, text).expect_err(text)
}

fn set(elements: &[&str]) -> Value {
    Value::Set(elements.iter().map(|it| (*it).to_owned()).collect())
}

#[test]
fn durations_are_typed_in_minutes_or_in_hours_and_minutes() {
    for (text, minutes) in [
        ("90", 90),
        ("0", 0),
        ("90分钟", 90),
        ("1:30", 90),
        ("1：05", 65),
        ("1小时30分", 90),
        ("1 小时 30 分钟", 90),
        ("2小时", 120),
        ("2个小时", 120),
        ("1小时5", 65),
        ("1h30m", 90),
        ("45m", 45),
    ] {
        assert_eq!(value("long", text), Value::Number(minutes), "{text}");
    }
    let field = "long".to_owned();
    for text in [
        "",
        "-5",
        "1:60",
        "1:5",
        "1.5",
        "1小时60分",
        "小时",
        "半小时",
        "999999999999",
        "٣",
    ] {
        let error = FieldError::NotMinutes {
            field: field.clone(),
        };
        assert_eq!(refused("long", text), error, "{text}");
    }
}

#[test]
fn times_are_a_day_and_minutes_by_the_clock_on_the_wall() {
    for text in ["2026-03-01 14:30", "2026-03-01T14:30", "2026-03-01  14:30"] {
        assert_eq!(value("at", text), Value::Text("2026-03-01 14:30".into()));
    }
    assert_eq!(value("at", " "), Value::Text(String::new()));
    for text in [
        "2026-03-01",
        "14:30",
        "2026-03-01 24:30",
        "2026-03-01 14:30:00",
        "2026-02-30 14:30",
        "2026-03-01 2:30",
    ] {
        let field = "at".to_owned();
        assert_eq!(
            refused("at", text),
            FieldError::NotATime { field },
            "{text}"
        );
    }
}

#[test]
fn sets_are_separated_by_commas_of_either_keyboard() {
    for text in ["b, a", "a，b", "a、b、", "a;b", "a\nb", "b,a,b"] {
        assert_eq!(value("tags", text), set(&["a", "b"]), "{text}");
    }
    assert_eq!(value("all", ""), set(&[]));
    assert_eq!(value("links", ID), set(&[ID]));
    let field = "tags".to_owned();
    assert_eq!(refused("tags", " , "), FieldError::Empty { field });
    assert_eq!(
        refused("tags", "a, secret").to_string(),
        "the field \"tags\" takes one of a, b"
    );
}

#[test]
fn plus_adds_and_minus_takes_away() {
    let kind = kind();
    let edit = |field: &str, text: &str| kind.parse_edit(field, text).map(|edit| edit.value);
    let elements = std::collections::BTreeSet::from(["a".to_owned()]);
    assert_eq!(edit("tags+", "a"), Ok(Edit::Add(elements.clone())));
    assert_eq!(edit(" tags - ", "a"), Ok(Edit::Remove(elements)));
    let new = ItemEdit::Insert {
        place: Place::Last,
        items: vec![Item::new("买茶叶")],
    };
    assert_eq!(edit("steps+", " 买茶叶 "), Ok(Edit::Item(new)));
    let gone = ItemEdit::Remove("k7mq2xab".parse().expect("an id"));
    assert_eq!(edit("steps-", "k7mq2xab"), Ok(Edit::Item(gone)));
    let field = |name: &str| name.to_owned();
    assert_eq!(
        edit("steps-", "secret words"),
        Err(FieldError::NotAnItem {
            field: field("steps")
        })
    );
    for sign in ["name+", "who-", "long+", "spot-"] {
        let name = field(sign.trim_end_matches(['+', '-']));
        assert_eq!(edit(sign, ID), Err(FieldError::NotASet { field: name }));
    }
    assert!(matches!(edit("tags+", ""), Err(FieldError::Empty { .. })));
    assert!(matches!(
        edit("unknown+", "x"),
        Err(FieldError::Unknown { .. })
    ));
}

#[test]
fn a_set_may_be_added_to_several_times_but_not_set_as_well() {
    let kind = kind();
    let parse = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        kind.parse_assignments(&args).map(|edits| edits.len())
    };
    assert_eq!(parse(&["tags+=a", "tags-=b", "tags+=b"]), Ok(3));
    let field = "tags".to_owned();
    for args in [
        ["tags=a", "tags+=b"],
        ["tags+=b", "tags=a"],
        ["tags=a", "tags=a"],
    ] {
        let twice = FieldError::Twice {
            field: field.clone(),
        };
        assert_eq!(parse(&args), Err(twice));
    }
    let complete = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        kind.check_complete(&kind.parse_assignments(&args).expect("good arguments"))
    };
    assert_eq!(complete(&["name=x", "tags+=a"]), Ok(()));
    assert!(complete(&["name=x", "tags-=a"]).is_err());
}

#[test]
fn lists_have_an_item_on_each_line_ticked_or_not() {
    let Value::List(items) = value("steps", "买茶叶\n\n[x] 借椅子\r\n[ ] [x] 通知\n")
    else {
        panic!("a list")
    };
    let items: Vec<(&str, bool)> = items
        .iter()
        .map(|item| (item.text.as_str(), item.done))
        .collect();
    assert_eq!(
        items,
        [("买茶叶", false), ("借椅子", true), ("[x] 通知", false)]
    );
    let many = "x\n".repeat(MANY_MAX + 1);
    let field = "steps".to_owned();
    let max = MANY_MAX;
    assert_eq!(refused("steps", &many), FieldError::TooMany { field, max });
}

#[test]
fn members_and_links_are_ids() {
    assert_eq!(value("who", ID), Value::Text(ID.into()));
    assert_eq!(value("about", &ID.to_uppercase()), Value::Text(ID.into()));
    assert_eq!(value("about", ""), Value::Text(String::new()));
    for field in ["who", "all", "about", "links"] {
        let sentence = refused(field, "secret").to_string();
        assert!(sentence.contains(field) && !sentence.contains("secret"));
    }
}

#[test]
fn places_on_the_map_are_rounded_to_what_the_field_says() {
    for (text, spot, near) in [
        ("23.02149, 113.12051", "23.021, 113.121", "23.0, 113.1"),
        ("23.02149 113.12051", "23.021, 113.121", "23.0, 113.1"),
        ("-0.0001，0.00001", "0.000, 0.000", "0.0, 0.0"),
        ("-33.9, -151", "-33.900, -151.000", "-33.9, -151.0"),
    ] {
        assert_eq!(value("spot", text), Value::Text(spot.into()), "{text}");
        assert_eq!(value("near", text), Value::Text(near.into()), "{text}");
    }
    for text in [
        "23", "91, 0", "0, 181", "1, 2, 3", "a, b", "nan, 0", "1e1, 0", "inf 1",
    ] {
        let field = "spot".to_owned();
        assert_eq!(
            refused("spot", text),
            FieldError::NotAPoint { field },
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn every_type_takes_its_own_values_again(field in 0..11_usize, text in any::<String>()) {
        let kind = kind();
        let name = kind.fields()[field].name();
        if let Ok(edit) = kind.parse_edit(name, &text) {
            let value = edit.value.value().expect("a whole value");
            prop_assert_eq!(kind.parse_edit(name, &value.to_string()), Ok(edit));
        }
    }

    #[test]
    fn no_refusal_repeats_what_was_typed(field in 0..11_usize, sign in 0..3_usize) {
        let kind = kind();
        let name = format!("{}{}", kind.fields()[field].name(), ["", "+", "-"][sign]);
        if let Err(error) = kind.parse_edit(&name, "陈桂芳\u{0} 仁和里") {
            prop_assert!(!error.to_string().contains("陈桂芳"));
        }
    }

    #[test]
    fn lists_are_read_as_they_are_written(items in prop::collection::vec(("\\PC{0,12}", any::<bool>()), 0..6)) {
        let items = items.iter().map(|(text, done)| Item { done: *done, ..Item::new(text) });
        let text = Value::List(items.collect()).to_string();
        let once = kind().parse_edit("steps", &text);
        prop_assume!(once.is_ok());
        let once = once.expect("assumed").value;
        let again = once.value().expect("a whole value").to_string();
        prop_assert_eq!(kind().parse_edit("steps", &again).map(|edit| edit.value), Ok(once));
    }
}
