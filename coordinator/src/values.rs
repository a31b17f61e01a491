//! What people type for kinds, fields and values: names, or the labels of either language.

use std::collections::BTreeSet;

use sync_core::replica::{Replica, ReplicaError};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::{Field, FieldEdit, FieldError, FieldType, Kind, Lang, Schema};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;

const LANGS: [Lang; 2] = [Lang::Zh, Lang::En];

/// The kind with this name or label.
pub(crate) fn kind(typed: &str) -> Result<&'static Kind, Failure> {
    let typed = typed.trim();
    let kinds = Schema::station().kinds();
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

/// What was typed for one field, as an edit.
pub(crate) fn edit(kind: &Kind, field: &Field, typed: &str) -> Result<FieldEdit, FieldError> {
    let plain = match field.ty() {
        FieldType::Choice(choices) => {
            let word = typed.trim();
            let chosen = choices
                .iter()
                .find(|choice| has_label(word, |lang| choice.label(lang)));
            chosen.map(|choice| choice.value().to_owned())
        }
        FieldType::Date => iso_date(typed),
        FieldType::Line | FieldType::Text | FieldType::Number | FieldType::Flag => None,
    };
    kind.parse_edit(field.name(), plain.as_deref().unwrap_or(typed))
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

/// `field=value` arguments as edits, each field once.
pub(crate) fn assignments(kind: &Kind, args: &[String]) -> Result<Vec<FieldEdit>, FieldError> {
    let mut seen = BTreeSet::new();
    let mut edits = Vec::with_capacity(args.len());
    for arg in args {
        let split = arg
            .split_once('=')
            .and_then(|(name, typed)| Some((field(kind, name)?, typed)));
        let edit = match split {
            Some((field, typed)) => edit(kind, field, typed)?,
            // The schema's own words for what is wrong.
            None => kind.parse_assignments(std::slice::from_ref(arg))?.remove(0),
        };
        if !seen.insert(edit.field.clone()) {
            return Err(FieldError::Twice { field: edit.field });
        }
        edits.push(edit);
    }
    Ok(edits)
}

/// What people call a kind; its name if this version does not know it.
pub(crate) fn kind_label(name: &str, text: &Text) -> String {
    let kind = Schema::station().kind(name);
    kind.map_or_else(
        || name.to_owned(),
        |kind| kind.label(text.lang()).to_owned(),
    )
}

/// What people call a field of a kind.
pub(crate) fn field_label(kind: &str, name: &str, text: &Text) -> String {
    let field = Schema::station()
        .kind(kind)
        .and_then(|kind| kind.field(name));
    field.map_or_else(
        || name.to_owned(),
        |field| field.label(text.lang()).to_owned(),
    )
}

/// A value as people read it: choices by their labels, flags as yes and no.
pub(crate) fn shown(kind: &str, name: &str, value: &serde_json::Value, text: &Text) -> String {
    use serde_json::Value;
    let field = Schema::station()
        .kind(kind)
        .and_then(|kind| kind.field(name));
    match value {
        Value::Bool(true) => text.say("word.yes"),
        Value::Bool(false) => text.say("word.no"),
        Value::String(word) => {
            let choice = field.and_then(|field| match field.ty() {
                FieldType::Choice(choices) => choices.iter().find(|choice| choice.value() == word),
                FieldType::Line
                | FieldType::Text
                | FieldType::Number
                | FieldType::Date
                | FieldType::Flag => None,
            });
            choice.map_or_else(
                || word.clone(),
                |choice| choice.label(text.lang()).to_owned(),
            )
        }
        Value::Null => String::new(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
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
    use sync_core::schema::Value;

    use super::*;

    fn visit() -> &'static Kind {
        Schema::station().kind("visit").unwrap()
    }

    #[test]
    fn labels_of_both_languages_stand_for_names() {
        assert_eq!(kind("入户走访").unwrap().name(), "visit");
        assert_eq!(kind("home VISIT").unwrap().name(), "visit");
        let args = ["住户=3号门".to_owned(), "Purpose=健康随访".to_owned()];
        let edits = assignments(visit(), &args).unwrap();
        assert_eq!(edits[0].field, "household");
        assert_eq!(edits[1].value, Value::Text("health".to_owned()));
    }

    #[test]
    fn days_as_offices_write_them_become_one_form() {
        for typed in ["2026/3/4", "2026年3月4日", " 2026.03.04 ", "2026-3-4"] {
            let edits = assignments(visit(), &[format!("date={typed}")]).unwrap();
            assert_eq!(
                edits[0].value,
                Value::Text("2026-03-04".to_owned()),
                "{typed}"
            );
        }
        for typed in ["2026/13/4", "3/4/2026", "2026/3", "tomorrow"] {
            assert!(
                assignments(visit(), &[format!("date={typed}")]).is_err(),
                "{typed}"
            );
        }
    }

    #[test]
    fn one_field_twice_is_refused_by_whichever_names() {
        let args = ["household=a".to_owned(), "住户=b".to_owned()];
        assert!(matches!(
            assignments(visit(), &args),
            Err(FieldError::Twice { .. })
        ));
    }

    #[test]
    fn values_are_shown_as_people_say_them() {
        let text = Text::of(Lang::Zh);
        assert_eq!(
            shown("visit", "purpose", &"health".into(), &text),
            "健康随访"
        );
        assert_eq!(shown("visit", "alone", &true.into(), &text), "是");
        assert_eq!(shown("strange", "field", &"x".into(), &text), "x");
    }
}
