//! What has been written in a record, step by step.

use serde_json::Value;
use sync_core::id::Millis;
use sync_core::replica::{HistoryEntry, Replica};
use sync_core::schema::STATE_FIELD;

use super::{Open, field_label, may_edit};
use crate::console::cx::{Cx, Trouble, initial};
use crate::console::views::record as views;
use crate::console::views::shared::Change;
use crate::console::{difference, fields};

/// Steps on the page unless all are asked for.
const TURNS_MAX: usize = 20;

/// The newest steps first, and how many are left out.
pub(super) fn turns(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
) -> Result<(Vec<views::Turn>, u64), Trouble> {
    let mut entries = replica.history(open.id)?;
    let all = entries.len();
    entries.reverse();
    if cx.asked.query.get("history") != "all" {
        entries.truncate(TURNS_MAX);
    }
    let older = (all - entries.len()) as u64;
    let has_first = older == 0;
    let last = entries.len().saturating_sub(1);
    let turns = entries.iter().enumerate().map(|(n, entry)| {
        let is_first = has_first && n == last;
        views::Turn {
            can_undo: !is_first && may_edit(replica, open),
            ..turn(replica, cx, open, entry, is_first)
        }
    });
    Ok((turns.collect(), older))
}

fn turn(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    entry: &HistoryEntry,
    is_first: bool,
) -> views::Turn {
    let is_move = entry
        .changes
        .iter()
        .all(|change| change.field == STATE_FIELD);
    let act = if is_first {
        "console.hist.wrote"
    } else if is_move {
        "console.hist.moved"
    } else {
        "console.hist.changed"
    };
    let said = |name: &str, value: &Value| fields::shown(replica, cx, &open.kind, name, value);
    let changes = entry.changes.iter().map(|change| {
        let before = change.from.as_ref();
        let before = before.filter(|value| !fields::is_nothing(value));
        let before = before.map(|value| said(&change.field, value));
        let after = match &change.to {
            Some(value) => said(&change.field, value),
            None => cx.say(&format!("word.deed.{}", change.deed)),
        };
        Change {
            field: field_label(cx, &open.kind, &change.field),
            pieces: difference::pieces(before.as_deref(), &after),
        }
    });
    views::Turn {
        initial: initial(&entry.by),
        who: entry.by.clone(),
        act: cx.say(act),
        when: cx.clock.moment(Millis(entry.at)),
        note: if entry.beside.is_empty() {
            String::new()
        } else {
            let who = entry.beside.join(&cx.say("word.and"));
            cx.with("console.hist.beside", &[("who", &who)])
        },
        changes: changes.collect(),
        id: entry.id.clone(),
        can_undo: false,
    }
}
