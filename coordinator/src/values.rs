//! What people type for kinds, fields and values: names, or the labels of either language.

use std::collections::BTreeSet;

use jiff::civil::Date;
use sync_core::id::LaneId;
use sync_core::replica::{Replica, ReplicaError};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::{
    Choice, Field, FieldEdit, FieldError, FieldType, Kind, Lang, Schema, State, check_once,
};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::text::Text;

const LANGS: [Lang; 2] = [Lang::Zh, Lang::En];

/// The kind with this name or label, of those that a community has.
pub(crate) fn kind<'s>(schema: &'s Schema, typed: &str) -> Result<&'s Kind, Failure> {
    let typed = typed.trim();
    let kinds = schema.kinds();
    let found = kinds.iter().find(|kind| {
        kind.name().eq_ignore_ascii_case(typed) || has_label(typed, |lang| kind.label(lang))
    });
    found.ok_or_else(|| {
        let known: Vec<&str> = kinds.iter().map(Kind::name).collect();
        ReplicaError::UnknownKind {
            kind: typed.to_owned(),
            known: known.join(", "),
        }
        .into()
    })
}

/// The states with this name or label: of one kind, or of any.
pub(crate) fn states(
    schema: &Schema,
    kind: Option<&Kind>,
    typed: &str,
) -> Result<Vec<String>, Failure> {
    let typed = typed.trim();
    let kinds = schema.kinds().iter();
    let kinds = kinds.filter(|known| kind.is_none_or(|kind| kind.name() == known.name()));
    let states: Vec<_> = kinds.flat_map(Kind::states).collect();
    let is_named = |state: &State| {
        state.value().eq_ignore_ascii_case(typed) || has_label(typed, |lang| state.label(lang))
    };
    let named = states.iter().filter(|state| is_named(state));
    let named: BTreeSet<String> = named.map(|state| state.value().to_owned()).collect();
    if named.is_empty() {
        let known: BTreeSet<&str> = states.iter().map(|state| state.value()).collect();
        let known: Vec<&str> = known.into_iter().collect();
        return Err(Failure::new(Exit::Unknown, "err.list.state")
            .with("state", typed)
            .with("known", known.join(", ")));
    }
    Ok(named.into_iter().collect())
}

/// The scope of a role: the space that was typed, or the whole community.
pub(crate) fn scope(replica: &Replica, space: Option<&str>) -> Result<Scope, Failure> {
    Ok(match space {
        Some(space) => Scope::Space(replica.find_space(&space_name(space))?),
        None => Scope::Community,
    })
}

/// Where a role holds, in words.
pub(crate) fn scope_label(space: Option<&str>, text: &Text) -> String {
    space.map_or_else(
        || text.say("word.everywhere"),
        |space| space_label(space, text),
    )
}

/// The space in which a role holds; none for the whole community.
pub(crate) fn space_of(scope: &Scope) -> Option<LaneId> {
    match scope {
        Scope::Community => None,
        Scope::Space(space) => Some(*space),
    }
}

/// Where a role holds, in words, by its scope.
pub(crate) fn scope_words(replica: &Replica, scope: &Scope, text: &Text) -> String {
    let space = space_of(scope).map(|space| replica.space_name(&space));
    scope_label(space.as_deref(), text)
}

/// The field with this name or label.
pub(crate) fn field<'k>(kind: &'k Kind, typed: &str) -> Option<&'k Field> {
    let typed = typed.trim();
    kind.fields().iter().find(|field| {
        field.name().eq_ignore_ascii_case(typed) || has_label(typed, |lang| field.label(lang))
    })
}

fn has_label<'l>(typed: &str, label: impl Fn(Lang) -> &'l str) -> bool {
    LANGS
        .iter()
        .any(|lang| label(*lang).to_lowercase() == typed.to_lowercase())
}

/// What separates the members of a set.
pub(crate) const SEPARATORS: [char; 6] = [',', '，', '、', ';', '；', '\n'];

/// What was typed for one field, as an edit.
pub(crate) fn edit(
    kind: &Kind,
    field: &Field,
    typed: &str,
    lookup: Lookup<'_>,
) -> Result<FieldEdit, FieldError> {
    signed_edit(kind, field, "", typed, lookup)
}

/// The same with what stood between the field's name and the `=`: nothing, `+` or `-`.
fn signed_edit(
    kind: &Kind,
    field: &Field,
    sign: &str,
    typed: &str,
    lookup: Lookup<'_>,
) -> Result<FieldEdit, FieldError> {
    let word = typed.trim();
    let each = |plain: &dyn Fn(&str) -> String| {
        let words = typed.split(SEPARATORS).map(|word| plain(word.trim()));
        words.collect::<Vec<_>>().join(",")
    };
    let plain = match field.ty() {
        FieldType::Choice(choices) => named_choice(choices, word),
        FieldType::Choices(choices) => Some(each(&|word| {
            named_choice(choices, word).unwrap_or_else(|| word.to_owned())
        })),
        FieldType::Date => iso_date(typed),
        FieldType::Time => word.split_once([' ', 'T']).and_then(|(date, time)| {
            let date = iso_date(date)?;
            Some(format!("{date} {time}"))
        }),
        FieldType::Member => Some(lookup.member(word)),
        FieldType::Members => Some(each(&|word| lookup.member(word))),
        FieldType::Link(_) => (!word.is_empty()).then(|| lookup.record(word)),
        FieldType::Links(_) => Some(each(&|word| lookup.record(word))),
        FieldType::Blob
        | FieldType::Flag
        | FieldType::Line
        | FieldType::List
        | FieldType::Minutes
        | FieldType::Number
        | FieldType::Other(_)
        | FieldType::Point { .. }
        | FieldType::Text => None,
    };
    let name = format!("{}{sign}", field.name());
    kind.parse_edit(&name, plain.as_deref().unwrap_or(typed))
}

/// The value of a choice that was named by its label.
pub(crate) fn named_choice(choices: &[Choice], word: &str) -> Option<String> {
    let chosen = choices
        .iter()
        .find(|choice| has_label(word, |lang| choice.label(lang)));
    chosen.map(|choice| choice.value().to_owned())
}

/// `2026/3/4`, `2026.3.4` and `2026年3月4日`, as office programs write a day, in the one form kept.
fn iso_date(typed: &str) -> Option<String> {
    let typed = typed.trim().trim_end_matches('日');
    let mut parts = typed.split(['/', '.', '-', '年', '月']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let is_day = year.len() == 4 && month.len() <= 2 && day.len() <= 2;
    if parts.next().is_some() || !is_day || ![year, month, day].into_iter().all(is_number) {
        return None;
    }
    Some(format!("{year}-{month:0>2}-{day:0>2}"))
}

/// A day as offices write it.
pub(crate) fn day(typed: &str) -> Result<Date, Failure> {
    let plain = iso_date(typed);
    let day = plain.as_deref().unwrap_or(typed).trim().parse();
    day.map_err(|_| Failure::new(Exit::Usage, "err.list.date").with("typed", typed))
}

/// `field=value`, `field+=value` and `field-=value` arguments as edits, each field set once.
pub(crate) fn assignments(
    kind: &Kind,
    args: &[String],
    lookup: Lookup<'_>,
) -> Result<Vec<FieldEdit>, FieldError> {
    let mut edits = Vec::with_capacity(args.len());
    for arg in args {
        let split = arg.split_once('=').and_then(|(name, typed)| {
            let name = name.trim();
            let bare = name.strip_suffix(['+', '-']).unwrap_or(name);
            let sign = name.get(bare.len()..).unwrap_or_default();
            Some((field(kind, bare)?, sign, typed))
        });
        match split {
            Some((field, sign, typed)) => {
                edits.push(signed_edit(kind, field, sign, typed, lookup)?);
            }
            // The schema's own words for what is wrong.
            None => edits.extend(kind.parse_assignments(std::slice::from_ref(arg))?),
        }
    }
    check_once(&edits)?;
    Ok(edits)
}

/// What people call a kind; its name if this version does not know it.
pub(crate) fn kind_label(name: &str, text: &Text) -> String {
    let kind = text.schema().kind(name);
    kind.map_or_else(
        || name.to_owned(),
        |kind| kind.label(text.lang()).to_owned(),
    )
}

/// What people call a field of a kind.
pub(crate) fn field_label(kind: &str, name: &str, text: &Text) -> String {
    let kind = text.schema().kind(kind);
    let field = kind.and_then(|kind| kind.field(name));
    field.map_or_else(
        || name.to_owned(),
        |field| field.label(text.lang()).to_owned(),
    )
}

/// A value as people read it: choices by their labels, flags as yes and no, members by their names.
pub(crate) fn shown(
    kind: &str,
    name: &str,
    value: &serde_json::Value,
    text: &Text,
    lookup: Lookup<'_>,
) -> String {
    use serde_json::Value;
    let kind = text.schema().kind(kind);
    let field = kind.and_then(|kind| kind.field(name));
    match value {
        Value::Bool(true) => text.say("word.yes"),
        Value::Bool(false) => text.say("word.no"),
        Value::String(word) => shown_word(field, word, text, lookup),
        Value::Null => String::new(),
        Value::Array(parts) => {
            let is_list = parts.iter().any(Value::is_object);
            let parts = parts.iter().map(|part| match part {
                Value::String(word) => shown_word(field, word, text, lookup),
                Value::Object(item) => shown_item(item),
                Value::Array(_) | Value::Bool(_) | Value::Null | Value::Number(_) => {
                    part.to_string()
                }
            });
            let between = if is_list { "\n" } else { &text.say("word.and") };
            parts.collect::<Vec<_>>().join(between)
        }
        Value::Number(number) => match field.map(Field::ty) {
            Some(FieldType::Minutes) => shown_minutes(number.as_u64().unwrap_or(0)),
            Some(_) | None => number.to_string(),
        },
        Value::Object(_) => value.to_string(),
    }
}

fn shown_word(field: Option<&Field>, word: &str, text: &Text, lookup: Lookup<'_>) -> String {
    let Some(ty) = field.map(Field::ty) else {
        return word.to_owned();
    };
    let chosen = ty.choices().iter().find(|choice| choice.value() == word);
    if let Some(choice) = chosen {
        return choice.label(text.lang()).to_owned();
    }
    if matches!(ty, FieldType::Member | FieldType::Members) {
        lookup.name_of(word)
    } else if matches!(ty, FieldType::Link(_) | FieldType::Links(_)) {
        lookup.title_of(word)
    } else {
        word.to_owned()
    }
}

/// An item of a list, with the id by which it is taken out.
fn shown_item(item: &serde_json::Map<String, serde_json::Value>) -> String {
    let word = |key: &str| item.get(key).and_then(serde_json::Value::as_str);
    let is_done = item.get("done").and_then(serde_json::Value::as_bool) == Some(true);
    let mark = if is_done { 'x' } else { ' ' };
    let text = word("text").unwrap_or_default();
    format!("[{mark}] {text} ({})", word("id").unwrap_or_default())
}

/// Hours and minutes as they can be typed.
fn shown_minutes(minutes: u64) -> String {
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// A space's name; the commons have a word in each language.
pub(crate) fn space_label(name: &str, text: &Text) -> String {
    if name == COMMONS {
        text.say("word.commons")
    } else {
        name.to_owned()
    }
}

/// What the core calls the space that all members read.
const COMMONS: &str = "commons";

/// The name by which the core knows a space that was typed.
pub(crate) fn space_name(typed: &str) -> String {
    let typed = typed.trim();
    let is_commons = LANGS
        .iter()
        .any(|lang| Text::of(*lang).say("word.commons") == typed);
    if is_commons {
        COMMONS.to_owned()
    } else {
        typed.to_owned()
    }
}

/// A role by its name or by the word for it in the person's language.
pub(crate) fn role(typed: &str, text: &Text) -> Result<Role, Failure> {
    let labelled = |role: &Role| text.say(&format!("word.role.{}", role.name())) == typed;
    let by_label = || Role::GIVEN.into_iter().find(labelled);
    typed.parse().ok().or_else(by_label).ok_or_else(|| {
        let known: Vec<&str> = Role::GIVEN.iter().map(|role| role.name()).collect();
        Failure::new(Exit::Usage, "err.usage.role")
            .with("typed", typed)
            .with("known", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use sync_core::schema::{Edit, Value};

    use super::*;

    fn visit() -> &'static Kind {
        Schema::station().kind("visit").unwrap()
    }

    #[test]
    fn labels_of_both_languages_stand_for_names() {
        for typed in ["入户走访", "home VISIT"] {
            assert_eq!(kind(Schema::station(), typed).unwrap().name(), "visit");
        }
        let args = ["住户=3号门".to_owned(), "Purpose=健康随访".to_owned()];
        let edits = assignments(visit(), &args, Lookup::default()).unwrap();
        assert_eq!(edits[0].field, "household");
        assert_eq!(edits[1].value, Value::Text("health".to_owned()).into());
    }

    #[test]
    fn days_as_offices_write_them_become_one_form() {
        for typed in ["2026/3/4", "2026年3月4日", " 2026.03.04 ", "2026-3-4"] {
            let edits =
                assignments(visit(), &[format!("date={typed}")], Lookup::default()).unwrap();
            assert_eq!(
                edits[0].value,
                Value::Text("2026-03-04".to_owned()).into(),
                "{typed}"
            );
        }
        for typed in ["2026/13/4", "3/4/2026", "2026/3", "tomorrow"] {
            assert!(
                assignments(visit(), &[format!("date={typed}")], Lookup::default()).is_err(),
                "{typed}"
            );
        }
    }

    #[test]
    fn one_field_twice_is_refused_by_whichever_names() {
        let args = ["household=a".to_owned(), "住户=b".to_owned()];
        assert!(matches!(
            assignments(visit(), &args, Lookup::default()),
            Err(FieldError::Twice { .. })
        ));
    }

    #[test]
    fn values_are_shown_as_people_say_them() {
        let text = Text::of(Lang::Zh);
        let shown = |kind: &str, field: &str, value: serde_json::Value| {
            shown(kind, field, &value, &text, Lookup::default())
        };
        assert_eq!(shown("visit", "purpose", "health".into()), "健康随访");
        assert_eq!(shown("visit", "alone", true.into()), "是");
        assert_eq!(shown("strange", "field", "x".into()), "x");
        assert_eq!(shown("visit", "minutes", 65.into()), "1:05");
        assert_eq!(shown("visit", "people", 65.into()), "65");
        let tags = serde_json::json!(["elder_alone", "chronic"]);
        assert_eq!(shown("household", "tags", tags), "独居老人、慢性病");
        let list = serde_json::json!([{"id": "aaaaaaaa", "text": "茶", "done": true}]);
        assert_eq!(shown("session", "agenda", list), "[x] 茶 (aaaaaaaa)");
    }

    #[test]
    fn labels_and_days_of_offices_are_taken_in_sets_and_times_too() {
        let household = Schema::station().kind("household").unwrap();
        let args = [
            "门牌=12号",
            "关爱类别+=独居老人、Low income",
            "关爱类别-=chronic",
        ]
        .map(str::to_owned);
        let edits = assignments(household, &args, Lookup::default()).unwrap();
        let set = |of: &[&str]| of.iter().map(|it| (*it).to_owned()).collect();
        assert_eq!(
            edits[1].value,
            Edit::Add(set(&["elder_alone", "low_income"]))
        );
        assert_eq!(edits[2].value, Edit::Remove(set(&["chronic"])));
        let args = [
            "title=会".to_owned(),
            "开始时间=2026年3月4日 14:30".to_owned(),
        ];
        let session = Schema::station().kind("session").unwrap();
        let edits = assignments(session, &args, Lookup::default()).unwrap();
        assert_eq!(
            edits[1].value,
            Value::Text("2026-03-04 14:30".to_owned()).into()
        );
    }
}
