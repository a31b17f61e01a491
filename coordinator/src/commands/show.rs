//! `banyan show`: one record, its conflicts, what is held of it, and its history.

use serde_json::{Value, json};
use sync_core::id::{Millis, RecordId};
use sync_core::replica::{HistoryEntry, RecordView, Replica, Ticks};

use super::{App, attach, fresh, held};
use crate::cli::ShowArgs;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::output;
use crate::text::Text;
use crate::values;

/// A value in the history is cut to so many characters.
const HISTORY_CHARS_MAX: usize = 60;

pub(super) fn run(app: &mut App, args: &ShowArgs) -> Result<(), Failure> {
    let replica = app.replica()?;
    let record = replica.find_record(&args.record)?;
    let view = replica.show(record)?;
    let history = if args.history {
        Some(replica.history(record)?)
    } else {
        None
    };
    if app.is_json {
        let mut json = as_json(&view, history.as_deref());
        if let Some(object) = json.as_object_mut() {
            let ticks = fresh::ticks_json(&replica, &replica.ticks(record)?);
            object.insert("ticks".to_owned(), ticks);
        }
        return app.out.json(&json);
    }
    print(app, &replica, &view, &replica.ticks(record)?)?;
    print_held(app, &replica, record)?;
    print_attached(app, &replica, record)?;
    if let Some(history) = history {
        print_history(app, &replica, &view.kind, &history)?;
    }
    Ok(())
}

fn print(
    app: &mut App,
    replica: &Replica,
    view: &RecordView,
    ticks: &Ticks,
) -> Result<(), Failure> {
    let lookup = Lookup::of(replica);
    let kind = values::kind_label(&view.kind, &app.text);
    app.out.line(&format!("{kind}: {}", view.title))?;
    app.out.line("")?;
    let mut facts = Vec::new();
    for field in &view.fields {
        let label = values::field_label(&view.kind, &field.name, &app.text);
        let value = values::shown(&view.kind, &field.name, &field.value, &app.text, lookup);
        facts.push((label, value.replace('\n', "\n    ")));
        for other in &field.conflicts {
            let value = values::shown(&view.kind, &field.name, &other.value, &app.text, lookup);
            let places = [
                ("value", value.as_str()),
                ("name", &other.by),
                ("winner", &field.by),
            ];
            facts.push((String::new(), app.text.with("out.show.conflict", &places)));
        }
    }
    output::facts(&mut app.out, &facts)?;
    app.out.line("")?;
    let when = |at: i64| output::time(Millis(at));
    let facts = [
        ("head.space", values::space_label(&view.space, &app.text)),
        (
            "head.created",
            format!("{}  {}", when(view.created_at), view.created_by),
        ),
        (
            "head.updated",
            format!("{}  {}", when(view.updated_at), view.updated_by),
        ),
        ("head.ticks", fresh::tick_line(replica, ticks, &app.text)),
        ("head.record", view.record.clone()),
    ]
    .map(|(key, value)| (app.text.say(key), value));
    output::facts(&mut app.out, &facts)?;
    if view.fields.iter().any(|field| !field.conflicts.is_empty()) {
        app.out.line("")?;
        let short: String = view.record.chars().take(8).collect();
        app.say("out.show.choose", &[("record", &short)])?;
    }
    Ok(())
}

fn print_held(app: &mut App, replica: &Replica, record: RecordId) -> Result<(), Failure> {
    let rows = replica.store().held_of(&record)?;
    if rows.is_empty() {
        return Ok(());
    }
    app.out.line("")?;
    app.say("out.show.held", &[])?;
    for row in rows {
        let name = replica.name_of(&row.entry.log.device);
        app.out.line(&format!(
            "  {name}: {}",
            held::reason(row.reason, &app.text)
        ))?;
    }
    Ok(())
}

fn print_attached(app: &mut App, replica: &Replica, record: RecordId) -> Result<(), Failure> {
    let all = replica.attachments(&record)?;
    if all.is_empty() {
        return Ok(());
    }
    app.out.line("")?;
    app.say("out.show.attached", &[])?;
    for line in attach::lines(&all, &app.text) {
        app.out.line(&format!("  {line}"))?;
    }
    Ok(())
}

fn print_history(
    app: &mut App,
    replica: &Replica,
    kind: &str,
    history: &[HistoryEntry],
) -> Result<(), Failure> {
    app.out.line("")?;
    app.say("out.show.history", &[])?;
    for entry in history {
        app.out.line(&who_and_when(entry))?;
        for line in changes(kind, entry, &app.text, Lookup::of(replica)) {
            app.out.line(&format!("    {line}"))?;
        }
    }
    Ok(())
}

pub(super) fn who_and_when(entry: &HistoryEntry) -> String {
    format!("{}  {}", output::time(Millis(entry.at)), entry.by)
}

/// What a change did, a line for each field: `Household: 3号门 → 5号门`, `Agenda, ticked: 路灯`.
pub(super) fn changes(
    kind: &str,
    entry: &HistoryEntry,
    text: &Text,
    lookup: Lookup<'_>,
) -> Vec<String> {
    let lines = entry.changes.iter().map(|change| {
        let label = values::field_label(kind, &change.field, text);
        let shown = |value: &Option<Value>| match value {
            Some(value) => cut(&values::shown(kind, &change.field, value, text, lookup)),
            None => text.say("word.nothing"),
        };
        let (from, to) = (&change.from, &change.to);
        match (change.deed, from) {
            ("set", None) => format!("{label}: {}", shown(to)),
            ("set" | "reworded", _) => format!("{label}: {} → {}", shown(from), shown(to)),
            (deed, _) => {
                let deed = text.say(&format!("word.deed.{deed}"));
                let value = shown(if to.is_some() { to } else { from });
                let places = [
                    ("field", label.as_str()),
                    ("deed", &deed),
                    ("value", &value),
                ];
                text.with("out.show.deed", &places)
            }
        }
    });
    lines.collect()
}

/// The end of a long value, where people type most; on one line.
pub(super) fn cut(value: &str) -> String {
    let line: String = value
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let length = line.chars().count();
    if length <= HISTORY_CHARS_MAX {
        return line;
    }
    let kept: String = line.chars().skip(length - HISTORY_CHARS_MAX).collect();
    format!("…{kept}")
}

pub(super) fn changes_json(entry: &HistoryEntry) -> Vec<Value> {
    let changes = entry.changes.iter();
    changes.map(|change| json!(change)).collect()
}

fn as_json(view: &RecordView, history: Option<&[HistoryEntry]>) -> Value {
    let mut record = json!(view);
    let held: Vec<Value> = view
        .held
        .iter()
        .map(|(by, reason)| json!({ "by": by, "reason": reason }))
        .collect();
    let history = history.map(|entries| -> Vec<Value> {
        entries
            .iter()
            .map(|entry| json!({ "by": entry.by, "at": entry.at, "changes": changes_json(entry) }))
            .collect()
    });
    if let Some(object) = record.as_object_mut() {
        object.insert("held".to_owned(), json!(held));
        if let Some(history) = history {
            object.insert("history".to_owned(), json!(history));
        }
    }
    record
}
