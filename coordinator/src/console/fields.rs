//! Values as people read them, and what is shown of personal ones.

use serde_json::Value;
use sync_core::id::{LaneId, RecordId};
use sync_core::replica::Replica;
use sync_core::roster::role::Scope;
use sync_core::roster::{Member, commons};
use sync_core::schema::{Field, FieldType, Kind};
use sync_core::store::ViewRow;

use super::cx::Cx;
use crate::lookup::Lookup;
use crate::mask;
use crate::values;

/// The field of a need by which somebody says who may know of it, and the word for anybody.
const PRIVACY: (&str, &str) = ("privacy", "open");

/// Whether somebody has said that anybody may know of a record: then its title is no secret, so that a
/// meeting can read from the wall what it talks about. Its other fields stay as they are.
pub(super) fn is_open(kind: Option<&Kind>, row: &ViewRow) -> bool {
    let (name, open) = PRIVACY;
    let has_field = kind.is_some_and(|kind| kind.field(name).is_some());
    has_field && row.values().get(name).and_then(Value::as_str) == Some(open)
}

/// Whether somebody belongs to a village, or looks after it; to the whole community everybody does.
pub(super) fn belongs(replica: &Replica, member: &Member, space: &LaneId) -> bool {
    let is_of_all = !replica.roster().spaces().contains_key(space);
    let mut roles = member.roles.iter();
    let is_near = roles.any(|(scope, _)| {
        is_of_all || *scope == Scope::Community || *scope == Scope::Space(*space)
    });
    !member.is_former() && is_near
}

/// The title of a row as a list shows it.
pub(super) fn title(replica: &Replica, cx: &Cx, row: &ViewRow) -> String {
    let kind = replica.schema().kind(&row.kind);
    let field = kind.and_then(|kind| kind.field(kind.title()));
    let is_personal = field.is_none_or(Field::personal);
    if row.title.trim().is_empty() {
        cx.say("console.untitled")
    } else if is_personal && !cx.shows_personal() && !is_open(kind, row) {
        mask::by_word(&row.title)
    } else {
        row.title.clone()
    }
}

/// What people call a kind; its name if nobody here knows it.
pub(super) fn kind_label(replica: &Replica, cx: &Cx, kind: &str) -> String {
    let known = replica.schema().kind(kind);
    known.map_or_else(
        || kind.to_owned(),
        |kind| kind.label(cx.text.lang()).to_owned(),
    )
}

/// What people call a state of a kind.
pub(super) fn state_label(replica: &Replica, cx: &Cx, kind: &str, state: &str) -> String {
    let known = replica.schema().kind(kind);
    let state_of = known.and_then(|kind| kind.state(state));
    state_of.map_or_else(
        || state.to_owned(),
        |state| state.label(cx.text.lang()).to_owned(),
    )
}

/// The colour of a state; its word stands beside it.
pub(super) fn state_tone(replica: &Replica, kind: &str, state: &str) -> &'static str {
    let known = replica.schema().kind(kind);
    let Some(known) = known.and_then(|kind| kind.state(state)) else {
        return "";
    };
    if known.needs_reason() {
        "warn"
    } else if known.is_end() {
        "good"
    } else if known.is_initial() {
        ""
    } else {
        "info"
    }
}

/// The name of a picture for a kind, of those that the pages carry.
pub(super) fn kind_icon(kind: &str) -> &'static str {
    match kind {
        "visit" | "household" => "home",
        "need" => "need",
        "proposal" => "proposal",
        "event" => "activity",
        "place" => "pin",
        "resident" => "person",
        "consent" => "consent",
        "task" => "task",
        "session" => "session",
        "resolution" => "agree",
        "comment" => "comment",
        "review" => "review",
        "hours" => "hours",
        "training" => "training",
        "commendation" => "medal",
        _ => "form",
    }
}

/// Whether a value says nothing.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(parts) => parts.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// A value in words.
pub(super) fn shown(replica: &Replica, cx: &Cx, kind: &Kind, name: &str, value: &Value) -> String {
    let field = kind.field(name);
    let is_personal = field.is_none_or(Field::personal);
    let words = in_words(replica, cx, field, value);
    if is_personal && !cx.shows_personal() {
        mask::by_word(&words)
    } else {
        words
    }
}

fn in_words(replica: &Replica, cx: &Cx, field: Option<&Field>, value: &Value) -> String {
    match (field.map(Field::ty), value) {
        (Some(FieldType::Date), Value::String(day)) => cx.clock.kept_day(day),
        (Some(FieldType::Time), Value::String(time)) => {
            let (day, hour) = time.split_once(' ').unwrap_or((time, ""));
            format!("{} {hour}", cx.clock.kept_day(day))
                .trim_end()
                .to_owned()
        }
        (Some(FieldType::Minutes), Value::Number(minutes)) => {
            cx.with("console.minutes", &[("n", &minutes.to_string())])
        }
        (_, Value::Array(parts)) if parts.iter().any(Value::is_object) => {
            let lines = parts.iter().map(item_line);
            lines.collect::<Vec<_>>().join("\n")
        }
        (_, Value::Array(parts)) => {
            let words = parts.iter().map(|part| in_words(replica, cx, field, part));
            words.collect::<Vec<_>>().join(&cx.say("word.and"))
        }
        (_, Value::Bool(true)) => cx.say("word.yes"),
        (_, Value::Bool(false)) => cx.say("word.no"),
        (_, Value::Null) => String::new(),
        (Some(ty), Value::String(word)) => word_of(replica, cx, ty, word),
        (None, Value::String(word)) => word.clone(),
        (_, value) => value.to_string(),
    }
}

fn word_of(replica: &Replica, cx: &Cx, ty: &FieldType, word: &str) -> String {
    let chosen = ty.choices().iter().find(|choice| choice.value() == word);
    if let Some(choice) = chosen {
        return choice.label(cx.text.lang()).to_owned();
    }
    if matches!(ty, FieldType::Member | FieldType::Members) {
        Lookup::of(replica).name_of(word)
    } else if matches!(ty, FieldType::Link(_) | FieldType::Links(_)) {
        link_title(replica, cx, word)
    } else {
        word.to_owned()
    }
}

/// The title of a record that a field leads to.
fn link_title(replica: &Replica, cx: &Cx, id: &str) -> String {
    let row = id
        .parse::<RecordId>()
        .ok()
        .and_then(|record| replica.store().row(&record).ok().flatten());
    row.map_or_else(
        || cx.say("console.not_here"),
        |row| title(replica, cx, &row),
    )
}

/// A line of a list with its tick.
fn item_line(item: &Value) -> String {
    let is_done = item.get("done").and_then(Value::as_bool) == Some(true);
    let text = item.get("text").and_then(Value::as_str).unwrap_or_default();
    let mark = if is_done { '✓' } else { '○' };
    format!("{mark} {text}")
}

/// All spaces: the villages and teams, and at the end the commons, which is nobody's own.
pub(super) fn spaces(replica: &Replica) -> Vec<LaneId> {
    let spaces = replica.roster().spaces().keys().copied();
    spaces.chain([commons(&replica.community())]).collect()
}

/// A space's name as pages show it.
pub(super) fn space_label(cx: &Cx, name: &str) -> String {
    values::space_label(name, &cx.text)
}

/// The same where the words of a page are not at hand.
pub(super) fn space_label_plain(replica: &Replica, space: &LaneId) -> String {
    replica.space_name(space)
}
