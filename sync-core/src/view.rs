//! The view: what people look at, made from what a record says and from the schema alone.
//!
//! So the rows of a record are byte-equal on all devices that have the same changes of it, and can be made
//! again at any time. [`VERSION`] and the schema say how they are made; a store whose rows were made
//! otherwise has them made anew when it is opened.

pub mod consent;
pub mod retention;
pub mod statistics;
pub mod twins;
pub mod words;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::id::Millis;
use crate::record::FieldState;
use crate::schema::{FieldType, Kind, Lang, STATE_FIELD, Schema, State, Value, day_of};
use crate::store::{LinkTarget, RowIndex, RowLink, ViewRow};

use words::Words;

/// Grows by one whenever rows are made in another way than before.
pub const VERSION: u16 = 3;

/// Names the way in which rows are made by a schema: equal where they are made alike.
#[must_use]
pub fn fingerprint(schema: &Schema) -> Vec<u8> {
    static STATION: OnceLock<blake3::Hash> = OnceLock::new();
    let hash = |schema: &Schema| blake3::hash(schema.to_json().as_bytes());
    let schema = if schema == Schema::station() {
        *STATION.get_or_init(|| hash(Schema::station()))
    } else {
        hash(schema)
    };
    [VERSION.to_be_bytes().as_slice(), schema.as_bytes()].concat()
}

/// What a row shows and is found by, beside who wrote it and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Value of the kind's title field, as one line.
    pub title: String,
    /// All fields as one JSON object, in the schema's order.
    pub fields: String,
    /// The state that the record is in; none if its kind has none.
    pub state: Option<String>,
    /// The day when it is due, `YYYY-MM-DD`; none once its work is over.
    pub due: Option<String>,
    /// The day that it is about, `YYYY-MM-DD`.
    pub day: Option<String>,
    /// How many fields have several values at once.
    pub conflicts: u32,
    /// What it is found by.
    pub index: RowIndex,
}

/// Shows a record of a kind by its fields.
#[must_use]
pub fn show(kind: &Kind, fields: Vec<FieldState>) -> Shown {
    let value = |name: &str| {
        let field = fields.iter().find(|field| field.name == name);
        field.map(|field| &field.winner)
    };
    let state = state_of(kind, value(STATE_FIELD));
    let is_over = state
        .as_ref()
        .and_then(|state| kind.state(state))
        .is_some_and(State::is_end);
    let day = |field: Option<&str>| field.and_then(value).and_then(day_in);
    let due = day(kind.due_field()).filter(|_| !is_over);
    let day = day(kind.day_field());
    let title = value(kind.title()).map_or_else(String::new, Kind::title_of);
    let links = fields
        .iter()
        .flat_map(|field| links_of(kind, field))
        .collect();
    let words = words_of(
        kind,
        fields
            .iter()
            .map(|field| (field.name.as_str(), &field.winner)),
    );
    let conflicts = fields
        .iter()
        .filter(|field| !field.others.is_empty())
        .count();
    let fields: serde_json::Map<String, serde_json::Value> = fields
        .into_iter()
        .map(|field| (field.name, field.winner.to_json()))
        .collect();
    Shown {
        title,
        fields: serde_json::Value::Object(fields).to_string(),
        state,
        due,
        day,
        conflicts: u32::try_from(conflicts).unwrap_or(u32::MAX),
        index: RowIndex { links, words },
    }
}

/// The day of a record of a kind without a field for it: the one on which it was begun, by the one clock of
/// the country (UTC+8), so that it is the same on every device. None of a kind that has a field.
#[must_use]
pub fn day_begun(kind: &Kind, at: Millis) -> Option<String> {
    if kind.day_field().is_some() {
        return None;
    }
    day_at(at)
}

impl ViewRow {
    /// The fields as one JSON object; null of a row whose fields are none.
    #[must_use]
    pub fn values(&self) -> serde_json::Value {
        serde_json::from_str(&self.fields).unwrap_or_default()
    }
}

/// The day of a moment by the one clock of the country, `YYYY-MM-DD`; none of a moment that no calendar has.
pub(crate) fn day_at(at: Millis) -> Option<String> {
    const CLOCK: jiff::tz::Offset = jiff::tz::Offset::constant(8);
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(CLOCK.to_datetime(at).date().to_string())
}

/// A record that says no state is in the first one: it is from before its kind had any. One that this version
/// does not know is none, so that nobody fills the store with names; a version that knows it makes rows anew.
fn state_of(kind: &Kind, value: Option<&Value>) -> Option<String> {
    let first = kind.first_state()?;
    match value {
        Some(Value::Text(state)) => kind.state(state).map(|state| state.value().to_owned()),
        Some(_) => None,
        None => Some(first.value().to_owned()),
    }
}

fn day_in(value: &Value) -> Option<String> {
    if let Value::Text(text) = value {
        day_of(text).map(str::to_owned)
    } else {
        None
    }
}

/// The words that a record is found by: of all that people wrote, and of what its choices are called in
/// both languages. What members and other records are called changes without the record, so that it is
/// found by their links alone.
fn words_of<'v>(
    kind: &Kind,
    fields: impl Iterator<Item = (&'v str, &'v Value)>,
) -> BTreeSet<String> {
    let mut words = Words::default();
    let (choices, fields): (Vec<_>, Vec<_>) = fields.partition(|(name, _)| is_choice(kind, name));
    for (name, value) in &choices {
        match value {
            Value::Text(value) => words.add_choice(name, value),
            Value::Set(values) => values
                .iter()
                .for_each(|value| words.add_choice(name, value)),
            Value::Number(_) | Value::Flag(_) | Value::List(_) => {}
        }
    }
    for (name, value) in choices.into_iter().chain(fields) {
        let ty = kind.field(name).map(|field| field.ty());
        match (ty, value) {
            (Some(FieldType::Text), Value::Text(text)) => {
                words.add(text);
                if kind.title() == name {
                    words.add_initials(&Kind::title_of(value));
                }
            }
            (None | Some(FieldType::Line | FieldType::Other(_)), Value::Text(text)) => {
                words.add(text);
                words.add_initials(text);
            }
            (None | Some(FieldType::List | FieldType::Other(_)), Value::List(items)) => {
                items.iter().for_each(|item| words.add(&item.text));
            }
            (Some(ty), Value::Text(value)) => add_labels(&mut words, ty, value),
            (Some(ty), Value::Set(values)) => {
                values
                    .iter()
                    .for_each(|value| add_labels(&mut words, ty, value));
            }
            (None, Value::Set(_)) | (_, Value::Number(_) | Value::Flag(_) | Value::List(_)) => {}
        }
    }
    words.into_set()
}

/// Whether records are found by what this field is chosen to be. By their state they are found anyway.
fn is_choice(kind: &Kind, name: &str) -> bool {
    let ty = kind.field(name).map(|field| field.ty());
    name != STATE_FIELD && matches!(ty, Some(FieldType::Choice(_) | FieldType::Choices(_)))
}

fn add_labels(words: &mut Words, ty: &FieldType, value: &str) {
    let chosen = ty.choices().iter().filter(|choice| choice.value() == value);
    for choice in chosen {
        words.add(choice.label(Lang::Zh));
        words.add(choice.label(Lang::En));
    }
}

/// The words of a row, made again from what it shows.
#[must_use]
pub fn words_of_row(kind: &Kind, row: &ViewRow) -> Option<BTreeSet<String>> {
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&row.fields).ok()?;
    let values: Vec<(String, Value)> = fields
        .into_iter()
        .map(|(name, json)| Some((name, value_of(json)?)))
        .collect::<Option<_>>()?;
    let values = values.iter().map(|(name, value)| (name.as_str(), value));
    Some(words_of(kind, values))
}

/// A value from [`Value::to_json`].
fn value_of(json: serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    Some(match json {
        Json::String(text) => Value::Text(text),
        Json::Number(number) => Value::Number(number.as_i64()?),
        Json::Bool(flag) => Value::Flag(flag),
        Json::Array(parts) if parts.iter().all(Json::is_string) => {
            let parts = parts.iter().filter_map(Json::as_str);
            Value::Set(parts.map(str::to_owned).collect())
        }
        parts @ Json::Array(_) => Value::List(serde_json::from_value(parts).ok()?),
        Json::Null | Json::Object(_) => return None,
    })
}

/// Where a field leads; text that is no id leads nowhere.
fn links_of(kind: &Kind, field: &FieldState) -> BTreeSet<RowLink> {
    let target = |text: &str| match kind.field(&field.name)?.ty() {
        FieldType::Link(_) | FieldType::Links(_) => text.parse().ok().map(LinkTarget::Record),
        FieldType::Member | FieldType::Members => text.parse().ok().map(LinkTarget::Member),
        FieldType::Blob
        | FieldType::Line
        | FieldType::Text
        | FieldType::Number
        | FieldType::Minutes
        | FieldType::Date
        | FieldType::Time
        | FieldType::Flag
        | FieldType::Choice(_)
        | FieldType::Choices(_)
        | FieldType::List
        | FieldType::Point { .. }
        | FieldType::Other(_) => None,
    };
    let link = |text: &str| {
        Some(RowLink {
            field: field.name.clone(),
            target: target(text)?,
        })
    };
    match &field.winner {
        Value::Text(text) => link(text).into_iter().collect(),
        Value::Set(texts) => texts.iter().filter_map(|text| link(text)).collect(),
        Value::Number(_) | Value::Flag(_) | Value::List(_) => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests;
