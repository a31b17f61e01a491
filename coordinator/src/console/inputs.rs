//! Forms out of the schema: the fields of a kind as inputs, and what was typed as edits.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sync_core::id::RecordId;
use sync_core::replica::Replica;
use sync_core::schema::{
    Edit, Field, FieldEdit, FieldError, FieldType, Item, ItemEdit, ItemId, Kind, Place,
    REASON_FIELD,
};
use sync_core::store::RowFilter;

use super::cx::Cx;
use super::fields;
use super::form::Form;
use super::views::shared::{CheckLine, Choice, FormError, Input};
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::values;

/// So many records are offered for a field that leads to one.
const SUGGESTED_MAX: usize = 50;
/// Stands between a record's title and its id in what is typed for a link.
const ID_MARK: char = '·';
/// The line of a list that is still empty.
const NEW_LINE: &str = "new";

/// Values as they stood when the form was shown, by field.
pub(super) type Seen = BTreeMap<String, Value>;
/// What is wrong, by field.
pub(super) type Wrong = BTreeMap<String, String>;

/// The fields that a form asks for: the state is moved by buttons, and its reason is asked for there.
pub(super) fn asked_fields(kind: &Kind) -> impl Iterator<Item = &Field> {
    let has_states = !kind.states().is_empty();
    kind.fields().iter().filter(move |field| {
        let is_of_state =
            kind.is_state(field.name()) || (has_states && field.name() == REASON_FIELD);
        !is_of_state && !field.hidden() && !matches!(field.ty(), FieldType::Other(_))
    })
}

/// One input for each field, with what is kept or, after a refusal, what was typed.
pub(super) fn inputs(
    replica: &Replica,
    cx: &Cx,
    kind: &Kind,
    seen: &Seen,
    typed: Option<&Form>,
    wrong: &Wrong,
) -> Vec<Input> {
    asked_fields(kind)
        .map(|field| input(replica, cx, field, seen.get(field.name()), typed, wrong))
        .collect()
}

/// The summary above a form.
pub(super) fn errors(cx: &Cx, kind: &Kind, wrong: &Wrong) -> Vec<FormError> {
    asked_fields(kind)
        .filter_map(|field| {
            Some(FormError {
                name: field.name().to_owned(),
                label: field.label(cx.text.lang()).to_owned(),
                text: wrong.get(field.name())?.clone(),
            })
        })
        .collect()
}

fn input(
    replica: &Replica,
    cx: &Cx,
    field: &Field,
    kept: Option<&Value>,
    typed: Option<&Form>,
    wrong: &Wrong,
) -> Input {
    let name = field.name();
    let input = type_word(field.ty());
    let is_group = matches!(
        input,
        "choice" | "choices" | "links" | "checklist" | "point"
    );
    let hint = field.help(cx.text.lang()).unwrap_or_default();
    let error = wrong.get(name).cloned().unwrap_or_default();
    let mut described = Vec::new();
    if !hint.is_empty() && !is_group {
        described.push(format!("hi-{name}"));
    }
    if !error.is_empty() {
        described.push(format!("er-{name}"));
    }
    let chosen = chosen(field, kept, typed);
    let mut made = Input {
        name: name.to_owned(),
        label: field.label(cx.text.lang()).to_owned(),
        input: input.to_owned(),
        group: is_group,
        must: if field.required() {
            cx.say("console.form.must")
        } else {
            String::new()
        },
        has_hint: !hint.is_empty(),
        hint: hint.to_owned(),
        has_error: !error.is_empty(),
        error,
        personal: field.personal(),
        described: described.join(" "),
        ..Input::default()
    };
    fill(replica, cx, field, &chosen, kept, typed, &mut made);
    made
}

fn type_word(ty: &FieldType) -> &'static str {
    match ty {
        FieldType::Line | FieldType::Other(_) => "line",
        FieldType::Text => "text",
        FieldType::Number | FieldType::Minutes => "number",
        FieldType::Date => "date",
        FieldType::Time => "datetime",
        FieldType::Flag => "flag",
        FieldType::Choice(_) => "choice",
        FieldType::Choices(_) | FieldType::Members => "choices",
        FieldType::Member => "select",
        FieldType::Link(_) => "link",
        FieldType::Links(_) => "links",
        FieldType::List => "checklist",
        FieldType::Point { .. } => "point",
    }
}

/// The values that stand in the form: those typed, or else those kept.
fn chosen(field: &Field, kept: Option<&Value>, typed: Option<&Form>) -> Vec<String> {
    if let Some(form) = typed {
        return form.all(field.name()).map(str::to_owned).collect();
    }
    match kept {
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(parts)) => {
            let words = parts.iter().filter_map(Value::as_str);
            words.map(str::to_owned).collect()
        }
        Some(Value::Number(number)) => vec![number.to_string()],
        Some(Value::Bool(true)) => vec!["yes".to_owned()],
        Some(Value::Bool(false) | Value::Null | Value::Object(_)) | None => Vec::new(),
    }
}

fn fill(
    replica: &Replica,
    cx: &Cx,
    field: &Field,
    chosen: &[String],
    kept: Option<&Value>,
    typed: Option<&Form>,
    made: &mut Input,
) {
    let first = chosen.first().cloned().unwrap_or_default();
    let is_on = |value: &str| chosen.iter().any(|word| word == value);
    match field.ty() {
        FieldType::Choice(choices) | FieldType::Choices(choices) => {
            made.options = choices
                .iter()
                .map(|choice| option(choice.value(), choice.label(cx.text.lang()), &is_on))
                .collect();
            if matches!(field.ty(), FieldType::Choice(_)) && !field.required() {
                let unset = cx.say("console.form.unset");
                made.options.push(option("", &unset, &|_| first.is_empty()));
            }
        }
        FieldType::Member | FieldType::Members => {
            let members = replica.members().into_iter();
            let there = members.filter(|member| !member.is_removed() || is_on(&member.id));
            made.options = there
                .map(|member| {
                    let name = member.name.unwrap_or_else(|| "?".to_owned());
                    option(&member.id, &name, &is_on)
                })
                .collect();
            if matches!(field.ty(), FieldType::Member) {
                let unset = cx.say("console.form.unset");
                made.options
                    .insert(0, option("", &unset, &|_| first.is_empty()));
            }
        }
        FieldType::Link(kinds) => {
            made.value = typed.map_or_else(|| with_id(replica, &first), |_| first.clone());
            made.suggestions = suggestions(replica, kinds);
        }
        FieldType::Links(kinds) => {
            made.options = chosen
                .iter()
                .filter(|typed| !typed.trim().is_empty())
                .map(|id| option(id, &with_id(replica, id), &|_| true))
                .collect();
            made.suggestions = suggestions(replica, kinds);
        }
        FieldType::List => made.lines = check_lines(cx, field, kept, typed),
        FieldType::Point { .. } => fill_point(field, &first, typed, made),
        FieldType::Flag => made.on = is_on("yes"),
        FieldType::Minutes => {
            made.value = first;
            made.unit = cx.say("console.unit.minutes");
        }
        FieldType::Time => made.value = first.replace(' ', "T"),
        FieldType::Line
        | FieldType::Text
        | FieldType::Number
        | FieldType::Date
        | FieldType::Other(_) => made.value = first,
    }
}

fn option(value: &str, label: &str, is_on: &dyn Fn(&str) -> bool) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        on: is_on(value),
    }
}

fn fill_point(field: &Field, kept: &str, typed: Option<&Form>, made: &mut Input) {
    let name = field.name();
    let (lat, lon) = kept.split_once(',').unwrap_or_default();
    let part = |which: &str, kept: &str| match typed {
        Some(form) => form.get(&format!("{name}.{which}")).to_owned(),
        None => kept.trim().to_owned(),
    };
    made.lat = part("lat", lat);
    made.lon = part("lon", lon);
}

/// `仁和里12号 · 3jrbdzmp`, as it is typed and offered.
fn with_id(replica: &Replica, id: &str) -> String {
    let row = id
        .parse::<RecordId>()
        .ok()
        .and_then(|record| replica.store().row(&record).ok().flatten());
    row.map_or_else(
        || id.to_owned(),
        |row| format!("{} {ID_MARK} {}", row.title, row.record.short()),
    )
}

/// Records that a field may lead to, the newest first. None if the store cannot be read: the page says so.
fn suggestions(replica: &Replica, kinds: &[String]) -> Vec<Choice> {
    let mut offered = Vec::new();
    let each = |kind: Option<String>| RowFilter {
        kind,
        limit: Some(SUGGESTED_MAX),
        ..RowFilter::default()
    };
    let filters: Vec<RowFilter> = if kinds.is_empty() {
        vec![each(None)]
    } else {
        kinds.iter().map(|kind| each(Some(kind.clone()))).collect()
    };
    for filter in filters {
        offered.extend(replica.list(&filter).unwrap_or_default());
    }
    offered.truncate(SUGGESTED_MAX);
    let choices = offered.iter().map(|row| Choice {
        value: format!("{} {ID_MARK} {}", row.title, row.record.short()),
        label: fields::space_label_plain(replica, &row.space),
        on: false,
    });
    choices.collect()
}

/// The lines of a list and an empty one.
fn check_lines(
    cx: &Cx,
    field: &Field,
    kept: Option<&Value>,
    typed: Option<&Form>,
) -> Vec<CheckLine> {
    let name = field.name();
    let none = Vec::new();
    let items = kept.and_then(Value::as_array).unwrap_or(&none);
    let keys = items.iter().filter_map(|item| {
        let text = item.get("text")?.as_str()?;
        let is_done = item.get("done").and_then(Value::as_bool) == Some(true);
        Some((item.get("id")?.as_str()?, text, is_done))
    });
    let lines = keys.chain([(NEW_LINE, "", false)]).enumerate();
    lines
        .map(|(n, (key, text, is_done))| {
            let n = (n + 1).to_string();
            let done_name = format!("{name}.done");
            let text = typed.map_or(text, |form| form.get(&format!("{name}.{key}")));
            let on = typed.map_or(is_done, |form| form.all(&done_name).any(|it| it == key));
            CheckLine {
                key: key.to_owned(),
                text: text.to_owned(),
                on,
                tick_label: cx.with("console.check.done", &[("n", &n)]),
                text_label: cx.with("console.check.item", &[("n", &n)]),
            }
        })
        .collect()
}

/// What was typed as edits: only fields that differ from what the form showed.
pub(super) fn edits(
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
        FieldType::Choice(_)
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
fn id_typed(typed: &str) -> &str {
    typed
        .rsplit_once(ID_MARK)
        .map_or(typed, |(_, id)| id)
        .trim()
}

/// What is added to a set and what is taken away, so that what others add meanwhile stays.
fn set_edits(
    kind: &Kind,
    field: &Field,
    form: &Form,
    kept: Option<&Value>,
    lookup: Lookup<'_>,
) -> Result<Vec<FieldEdit>, FieldError> {
    let typed: Vec<&str> = form
        .all(field.name())
        .map(id_typed)
        .filter(|word| !word.is_empty())
        .collect();
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
fn sentence(cx: &Cx, error: FieldError) -> String {
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
