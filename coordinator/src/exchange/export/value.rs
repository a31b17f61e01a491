//! A field's value in a cell, in a form that the import reads as the same value.

use sync_core::id::{DeviceId, LaneId, MemberId, RecordId};
use sync_core::replica::Replica;
use sync_core::schema::{Choice, Field, FieldType, Lang, Point};

use super::fields::has_personal_title;
use crate::mask;
use crate::text::Text;
use crate::values;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Empty,
    Text(String),
    Number(i64),
    /// `YYYY-MM-DD`.
    Date(String),
    /// `YYYY-MM-DD HH:MM`.
    Time(String),
}

impl Cell {
    /// As text; nothing for an empty one.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) | Self::Date(text) | Self::Time(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }

    pub(super) fn of_text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Empty
        } else {
            Self::Text(text)
        }
    }
}

/// Who can say what ids stand for, and in which language.
#[derive(Clone, Copy)]
pub(crate) struct Names<'r> {
    pub(super) replica: &'r Replica,
    pub(super) text: &'r Text,
    pub(super) personal: bool,
}

impl<'r> Names<'r> {
    pub(crate) fn new(replica: &'r Replica, text: &'r Text, personal: bool) -> Self {
        Self {
            replica,
            text,
            personal,
        }
    }

    pub(super) fn device(self, device: &DeviceId) -> String {
        self.replica.name_of(device)
    }

    pub(super) fn space(self, space: &LaneId) -> String {
        self.replica.space_name(space)
    }

    /// What a member or record is called in a column that is only read.
    fn of_id(self, field: &Field, id: &str) -> String {
        match field.ty() {
            FieldType::Member | FieldType::Members => match id.parse::<MemberId>() {
                Ok(member) => self.replica.member_name(&member),
                Err(_) => id.to_owned(),
            },
            FieldType::Link(_) | FieldType::Links(_) => self.of_record(id),
            FieldType::Blob
            | FieldType::Choice(_)
            | FieldType::Choices(_)
            | FieldType::Date
            | FieldType::Flag
            | FieldType::Line
            | FieldType::List
            | FieldType::Minutes
            | FieldType::Number
            | FieldType::Other(_)
            | FieldType::Point { .. }
            | FieldType::Text
            | FieldType::Time => id.to_owned(),
        }
    }

    fn of_record(self, id: &str) -> String {
        let record = id.parse::<RecordId>().ok();
        let row = record.and_then(|record| self.replica.store().row(&record).ok().flatten());
        let Some(row) = row else {
            return String::new();
        };
        // A kind that this version does not know may have any title.
        let kind = self.replica.schema().kind(&row.kind);
        if !self.personal && kind.is_none_or(has_personal_title) {
            return mask::whole(&row.title);
        }
        row.title
    }

    /// The words for an id's column, or for several ids'.
    pub(super) fn shown(self, field: &Field, value: &serde_json::Value) -> Cell {
        let words: Vec<String> = ids_of(value)
            .iter()
            .map(|id| self.of_id(field, id))
            .collect();
        Cell::of_text(words.join("、"))
    }
}

fn ids_of(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::String(id) => vec![id],
        serde_json::Value::Array(ids) => ids.iter().filter_map(|id| id.as_str()).collect(),
        serde_json::Value::Bool(_)
        | serde_json::Value::Null
        | serde_json::Value::Number(_)
        | serde_json::Value::Object(_) => Vec::new(),
    }
}

/// Whether a field's ids have a column beside them that says in words what they are.
pub(super) fn has_words(field: &Field) -> bool {
    matches!(
        field.ty(),
        FieldType::Member | FieldType::Members | FieldType::Link(_) | FieldType::Links(_)
    )
}

/// A value as the import reads it. What does not fit the field's type is shown as it is.
pub(super) fn cell(field: &Field, value: &serde_json::Value, text: &Text) -> Cell {
    use serde_json::Value;
    match (field.ty(), value) {
        (_, Value::Null) => Cell::Empty,
        (FieldType::Choice(choices), Value::String(word)) => {
            Cell::of_text(choice_word(choices, word, text.lang()))
        }
        (FieldType::Choices(choices), Value::Array(_)) => {
            let words = ids_of(value).into_iter();
            let words = words.map(|word| choice_word(choices, word, text.lang()));
            Cell::of_text(words.collect::<Vec<_>>().join(", "))
        }
        (FieldType::Date, Value::String(day)) if !day.is_empty() => Cell::Date(day.clone()),
        (FieldType::Time, Value::String(time)) if !time.is_empty() => Cell::Time(time.clone()),
        (FieldType::Point { decimals }, Value::String(place)) => match place.parse::<Point>() {
            Ok(point) => Cell::Text(point.rounded(*decimals)),
            Err(_) => Cell::Empty,
        },
        (_, Value::Bool(true)) => Cell::Text(text.say("word.yes")),
        (_, Value::Bool(false)) => Cell::Text(text.say("word.no")),
        (_, Value::Number(number)) => match number.as_i64() {
            Some(number) => Cell::Number(number),
            None => Cell::Text(number.to_string()),
        },
        (_, Value::String(word)) => Cell::of_text(word.as_str()),
        (FieldType::List, Value::Array(items)) => {
            let lines: Vec<String> = items.iter().map(line_of).collect();
            Cell::of_text(lines.join("\n"))
        }
        (_, Value::Array(_)) => Cell::of_text(ids_of(value).join(", ")),
        (_, Value::Object(_)) => Cell::of_text(value.to_string()),
    }
}

fn line_of(item: &serde_json::Value) -> String {
    let is_done = item.get("done").and_then(serde_json::Value::as_bool) == Some(true);
    let words = item.get("text").and_then(serde_json::Value::as_str);
    format!(
        "[{}] {}",
        if is_done { 'x' } else { ' ' },
        words.unwrap_or_default()
    )
}

/// The label, if the import takes it for this very choice; else the value.
fn choice_word(choices: &[Choice], value: &str, lang: Lang) -> String {
    let choice = choices.iter().find(|choice| choice.value() == value);
    let label = choice.map(|choice| choice.label(lang));
    let leads_back = |label: &&str| {
        let is_one = !label.contains(values::SEPARATORS);
        is_one && values::named_choice(choices, label).as_deref() == Some(value)
    };
    label.filter(leads_back).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sync_core::schema::{FieldEdit, Schema, Value};

    use super::*;
    use crate::lookup::Lookup;

    fn read_back(kind: &str, field: &str, value: &serde_json::Value, lang: Lang) -> FieldEdit {
        let kind = Schema::station().kind(kind).unwrap();
        let field = kind.field(field).unwrap();
        let typed = cell(field, value, &Text::of(lang)).text();
        values::edit(kind, field, &typed, Lookup::default()).unwrap()
    }

    #[test]
    fn every_choice_of_the_station_comes_back_from_its_label() {
        for kind in Schema::station().kinds() {
            for field in kind.fields() {
                for choice in field.ty().choices() {
                    for lang in [Lang::En, Lang::Zh] {
                        let value = if matches!(field.ty(), FieldType::Choices(_)) {
                            json!([choice.value()])
                        } else {
                            json!(choice.value())
                        };
                        let edit = read_back(kind.name(), field.name(), &value, lang);
                        let back = edit.value.value().map(Value::to_json);
                        assert_eq!(back, Some(value), "{} {}", kind.name(), field.name());
                    }
                }
            }
        }
    }

    #[test]
    fn values_of_every_type_come_back() {
        let list = json!([{"id": null, "text": "[x] 茶", "done": false}, {"id": null, "text": "米", "done": true}]);
        for (kind, field, value) in [
            ("visit", "alone", json!(true)),
            ("visit", "people", json!(-3)),
            ("visit", "minutes", json!(95)),
            ("visit", "findings", json!("a\nb\tc")),
            ("event", "starts", json!("2026-03-04 14:30")),
            ("event", "groups", json!(["children", "elders"])),
            ("event", "materials", list),
            ("event", "point", json!("23.0210, 113.1210")),
        ] {
            for lang in [Lang::En, Lang::Zh] {
                let back = read_back(kind, field, &value, lang);
                assert_eq!(
                    back.value.value().map(Value::to_json),
                    Some(value.clone()),
                    "{field}"
                );
            }
        }
    }

    #[test]
    fn points_are_no_finer_than_their_field_says() {
        let kind = Schema::station().kind("visit").unwrap();
        let field = kind.field("point").unwrap();
        let text = Text::of(Lang::En);
        let fine = json!("23.0214567, 113.1219999");
        assert_eq!(
            cell(field, &fine, &text),
            Cell::Text("23.021, 113.122".into())
        );
        assert_eq!(cell(field, &json!("here"), &text), Cell::Empty);
    }
}
