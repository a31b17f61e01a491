//! What was typed in a form, as edits.

use std::collections::BTreeSet;

use serde_json::Value;
use sync_core::replica::Replica;
use sync_core::schema::{
    Edit, Field, FieldEdit, FieldError, FieldType, Item, ItemEdit, ItemId, Kind, Place,
};

use super::{ID_MARK, NEW_LINE, Seen, Wrong, asked_fields, chosen};
use crate::console::cx::Cx;
use crate::console::form::Form;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::values;

/// What was typed as edits: only fields that differ from what the form showed.
pub(in crate::console) fn edits(
    replica: &Replica,
    cx: &Cx,
    kind: &Kind,
    form: &Form,
    seen: &Seen,
) -> Result<Vec<FieldEdit>, Wrong> {
    let (mut edits, mut wrong) = (Vec::new(), Wrong::new());
    for field in asked_fields(kind) {
        let kept = seen.get(field.name());
        match edits_of(replica, kind, field, form, kept) {
            Ok(new) => {
                let is_empty = is_left_empty(field, form);
                if field.required() && is_empty {
                    wrong.insert(field.name().to_owned(), cx.say("console.err.empty"));
                } else {
                    edits.extend(new);
                }
            }
            Err(error) => {
                wrong.insert(field.name().to_owned(), sentence(cx, error));
            }
        }
    }
    if wrong.is_empty() {
        Ok(edits)
    } else {
        Err(wrong)
    }
}

fn is_left_empty(field: &Field, form: &Form) -> bool {
    let lines = format!("{}.", field.name());
    match field.ty() {
        FieldType::List | FieldType::Point { .. } => !form
            .pairs()
            .any(|(name, value)| name.starts_with(&lines) && !value.trim().is_empty()),
        FieldType::Flag => false,
        FieldType::Blob
        | FieldType::Choice(_)
        | FieldType::Choices(_)
        | FieldType::Date
        | FieldType::Line
        | FieldType::Link(_)
        | FieldType::Links(_)
        | FieldType::Member
        | FieldType::Members
        | FieldType::Minutes
        | FieldType::Number
        | FieldType::Other(_)
        | FieldType::Text
        | FieldType::Time => form.all(field.name()).all(|value| value.trim().is_empty()),
    }
}

fn edits_of(
    replica: &Replica,
    kind: &Kind,
    field: &Field,
    form: &Form,
    kept: Option<&Value>,
) -> Result<Vec<FieldEdit>, FieldError> {
    let lookup = Lookup::of(replica);
    let name = field.name();
    let plain = |typed: &str| values::edit(kind, field, typed, lookup);
    match field.ty() {
        FieldType::Choices(_) | FieldType::Members | FieldType::Links(_) => {
            set_edits(kind, field, form, kept, lookup)
        }
        FieldType::List => Ok(list_edits(field, form, kept)),
        FieldType::Flag => {
            let is_on = form.has(name);
            let was_on = kept.and_then(Value::as_bool).unwrap_or(false);
            let word = if is_on { "yes" } else { "no" };
            Ok(if is_on == was_on {
                Vec::new()
            } else {
                vec![plain(word)?]
            })
        }
        FieldType::Point { .. } => {
            let (lat, lon) = (
                form.get(&format!("{name}.lat")).trim(),
                form.get(&format!("{name}.lon")).trim(),
            );
            let typed = if lat.is_empty() && lon.is_empty() {
                String::new()
            } else {
                format!("{lat}, {lon}")
            };
            changed(plain(&typed)?, kept)
        }
        FieldType::Link(_) => changed(plain(id_typed(form.get(name)))?, kept),
        FieldType::Text => changed(plain(&form.get(name).replace("\r\n", "\n"))?, kept),
        FieldType::Number | FieldType::Minutes if form.get(name).trim().is_empty() => {
            Ok(Vec::new())
        }
        // No form has it.
        FieldType::Blob => Ok(Vec::new()),
        FieldType::Choice(_)
        | FieldType::Date
        | FieldType::Line
        | FieldType::Member
        | FieldType::Minutes
        | FieldType::Number
        | FieldType::Other(_)
        | FieldType::Time => changed(plain(form.get(name))?, kept),
    }
}

/// An edit, unless it says what stands there already.
fn changed(edit: FieldEdit, kept: Option<&Value>) -> Result<Vec<FieldEdit>, FieldError> {
    let new = edit.value.value().map(sync_core::schema::Value::to_json);
    let is_same = match (&new, kept) {
        (Some(Value::String(new)), None) => new.is_empty(),
        (new, kept) => new.as_ref() == kept,
    };
    Ok(if is_same { Vec::new() } else { vec![edit] })
}

/// The id in `仁和里12号 · 3jrbdzmp`; all of it if there is no mark.
pub(super) fn id_typed(typed: &str) -> &str {
    typed
        .rsplit_once(ID_MARK)
        .map_or(typed, |(_, id)| id)
        .trim()
}

/// Names and ids of members in `王芳 · 3jrbdzmp` or `王芳、陈小明`.
pub(super) fn members_typed(typed: &str) -> impl Iterator<Item = &str> {
    let words = typed.split([',', '，', '、', ';', '；']);
    words.map(id_typed).filter(|word| !word.is_empty())
}

/// What is added to a set and what is taken away, so that what others add meanwhile stays.
fn set_edits(
    kind: &Kind,
    field: &Field,
    form: &Form,
    kept: Option<&Value>,
    lookup: Lookup<'_>,
) -> Result<Vec<FieldEdit>, FieldError> {
    let typed = form.all(field.name());
    let typed: Vec<&str> = if matches!(field.ty(), FieldType::Members) {
        typed.flat_map(members_typed).collect()
    } else {
        let words = typed.map(id_typed);
        words.filter(|word| !word.is_empty()).collect()
    };
    let mut now = BTreeSet::new();
    if !typed.is_empty() {
        let whole = values::edit(kind, field, &typed.join(","), lookup)?;
        let Some(sync_core::schema::Value::Set(set)) = whole.value.value() else {
            return Ok(vec![whole]);
        };
        now.clone_from(set);
    }
    let before: BTreeSet<String> = chosen(field, kept, None).into_iter().collect();
    let edit = |value| FieldEdit {
        field: field.name().to_owned(),
        value,
    };
    let added: BTreeSet<String> = now.difference(&before).cloned().collect();
    let gone: BTreeSet<String> = before.difference(&now).cloned().collect();
    let mut edits = Vec::new();
    if !added.is_empty() {
        edits.push(edit(Edit::Add(added)));
    }
    if !gone.is_empty() {
        edits.push(edit(Edit::Remove(gone)));
    }
    Ok(edits)
}

/// What was done to the lines of a list.
fn list_edits(field: &Field, form: &Form, kept: Option<&Value>) -> Vec<FieldEdit> {
    let name = field.name();
    let done_name = format!("{name}.done");
    let none = Vec::new();
    let items = kept.and_then(Value::as_array).unwrap_or(&none);
    let mut steps = Vec::new();
    for item in items {
        let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
        let Ok(item_id) = id.parse::<ItemId>() else {
            continue;
        };
        let text = form.get(&format!("{name}.{id}")).trim();
        let was = item.get("text").and_then(Value::as_str).unwrap_or_default();
        let done = form.all(&done_name).any(|it| it == id);
        let was_done = item.get("done").and_then(Value::as_bool) == Some(true);
        if text.is_empty() {
            steps.push(ItemEdit::Remove(item_id));
            continue;
        }
        if text != was {
            steps.push(ItemEdit::Write {
                item: item_id,
                text: text.to_owned(),
            });
        }
        if done != was_done {
            steps.push(ItemEdit::Tick {
                item: item_id,
                done,
            });
        }
    }
    let new = form.get(&format!("{name}.{NEW_LINE}")).trim();
    if !new.is_empty() {
        let mut item = Item::new(new);
        item.done = form.all(&done_name).any(|it| it == NEW_LINE);
        steps.push(ItemEdit::Insert {
            place: Place::Last,
            items: vec![item],
        });
    }
    let edits = steps.into_iter().map(|step| FieldEdit {
        field: name.to_owned(),
        value: Edit::Item(step),
    });
    edits.collect()
}

/// What is wrong with what was typed, as a sentence beside the field.
pub(in crate::console) fn sentence(cx: &Cx, error: FieldError) -> String {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others have their own words"
    )]
    let key = match &error {
        FieldError::Empty { .. } => "console.err.empty",
        FieldError::NotAChoice { .. } => "console.err.choose",
        FieldError::NotADate { .. } => "console.err.date",
        FieldError::NotANumber { .. } | FieldError::NotMinutes { .. } => "console.err.number",
        FieldError::NotALink { .. } => "console.err.link",
        _ => return cx.sentence(&Failure::from(error)),
    };
    cx.say(key)
}
