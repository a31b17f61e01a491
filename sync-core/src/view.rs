//! The view: what people look at, made from what a record says and from the schema alone.
//!
//! So the rows of a record are byte-equal on all devices that have the same changes of it, and can be made
//! again at any time. [`VERSION`] and the schema say how they are made; a store whose rows were made
//! otherwise has them made anew when it is opened.

use std::collections::BTreeSet;

use crate::record::FieldState;
use crate::schema::{FieldType, Kind, STATE_FIELD, Schema, State, Value, day_of, is_element};
use crate::store::{LinkTarget, RowIndex, RowLink};

/// Grows by one whenever rows are made in another way than before.
pub const VERSION: u16 = 1;

/// Names the way in which rows are made by a schema: equal where they are made alike.
#[must_use]
pub fn fingerprint(schema: &Schema) -> Vec<u8> {
    let schema = blake3::hash(schema.to_json().as_bytes());
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
        index: RowIndex { links },
    }
}

/// A record that says no state is in the first one: it is from before its kind had any. What cannot be the
/// name of a state is none.
fn state_of(kind: &Kind, value: Option<&Value>) -> Option<String> {
    let first = kind.first_state()?;
    match value {
        Some(Value::Text(state)) if is_element(state) => Some(state.clone()),
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

/// Where a field leads; text that is no id leads nowhere.
fn links_of(kind: &Kind, field: &FieldState) -> BTreeSet<RowLink> {
    let target = |text: &str| match kind.field(&field.name)?.ty() {
        FieldType::Link(_) | FieldType::Links(_) => text.parse().ok().map(LinkTarget::Record),
        FieldType::Member | FieldType::Members => text.parse().ok().map(LinkTarget::Member),
        FieldType::Line
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
