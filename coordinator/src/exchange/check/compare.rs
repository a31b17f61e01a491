//! What a row says against what its record says, and said at first.

use serde_json::Value;
use sync_core::replica::HistoryEntry;
use sync_core::schema::{Edit, FieldEdit, Kind};

/// How a row differs from its record.
pub(super) enum Difference {
    /// So much that it is probably another thing.
    AnotherRecord,
    Fields {
        /// What the file has anew and nobody here has touched.
        wanted: Vec<FieldEdit>,
        /// Fields of which both have something new.
        kept: Vec<String>,
    },
}

/// Whether a field has anything.
pub(super) fn has_value(fields: &Value, field: &str) -> bool {
    fields.get(field).is_some_and(|value| !is_nothing(value))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(parts) => parts.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Whether an edit would change what the fields are.
pub(super) fn differs(fields: &Value, edit: &FieldEdit) -> bool {
    let Edit::Set(value) = &edit.value else {
        return true;
    };
    !is_same(
        fields.get(&edit.field).unwrap_or(&Value::Null),
        &value.to_json(),
    )
}

/// Items of lists are compared by what they say, for their ids are given anew each time.
fn is_same(a: &Value, b: &Value) -> bool {
    if is_nothing(a) || is_nothing(b) {
        return is_nothing(a) && is_nothing(b);
    }
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            let pairs = a.iter().zip(b);
            a.len() == b.len() && pairs.into_iter().all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.get("text") == b.get("text") && a.get("done") == b.get("done")
        }
        (a, b) => a == b,
    }
}

/// The record as it was begun.
fn beginning(history: &[HistoryEntry]) -> Value {
    let mut fields = serde_json::Map::new();
    for change in history.first().map_or(&[][..], |first| &first.changes) {
        let Some(to) = change.to.clone() else {
            continue;
        };
        if change.deed == "set" {
            fields.insert(change.field.clone(), to);
            continue;
        }
        // Sets and lists come element by element.
        let whole = fields.entry(change.field.clone());
        if let Value::Array(parts) = whole.or_insert_with(|| Value::Array(Vec::new())) {
            parts.push(to);
        }
    }
    Value::Object(fields)
}

/// Words of a list, elements of a set: what the history tells of either.
fn words(value: &Value) -> Value {
    match value {
        Value::Array(parts) => parts
            .iter()
            .map(|part| part.get("text").unwrap_or(part).clone())
            .collect(),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::Object(_) | Value::String(_) => {
            value.clone()
        }
    }
}

/// Three ways: what the row says, what the record says now, and what it said when it was begun.
pub(super) fn against_beginning(
    kind: &Kind,
    history: &[HistoryEntry],
    now: &Value,
    edits: &[FieldEdit],
    differing: &[&FieldEdit],
) -> Difference {
    let begun = beginning(history);
    let same_as_begun = |edit: &FieldEdit| {
        let Edit::Set(value) = &edit.value else {
            return false;
        };
        let begun = begun.get(&edit.field).unwrap_or(&Value::Null);
        is_same(&words(begun), &words(&value.to_json()))
    };
    // Forty bits may be equal by accident, so the title has to be too.
    let title = edits.iter().find(|edit| edit.field == kind.title());
    let is_another = title.is_some_and(|title| differs(now, title) && !same_as_begun(title));
    if is_another && kind.natural_key().is_none() {
        return Difference::AnotherRecord;
    }
    let (mut wanted, mut kept) = (Vec::new(), Vec::new());
    for edit in differing {
        if same_as_begun(edit) {
            continue;
        }
        let here = now.get(&edit.field).unwrap_or(&Value::Null);
        let at_first = begun.get(&edit.field).unwrap_or(&Value::Null);
        if is_same(&words(here), &words(at_first)) {
            wanted.push((*edit).clone());
        } else {
            kept.push(edit.field.clone());
        }
    }
    Difference::Fields { wanted, kept }
}
