//! `banyan list`: records, newest change first.

use serde_json::json;
use sync_core::replica::{Replica, Ticks};
use sync_core::store::{RowFilter, ViewRow};

use super::{App, fresh, status};
use crate::cli::ListArgs;
use crate::failure::Failure;
use crate::output::{self, Table, thousands};
use crate::values;

/// So many rows are shown in a window unless more are asked for.
const WINDOW_ROWS_MAX: usize = 50;

pub(super) fn run(app: &mut App, args: ListArgs) -> Result<(), Failure> {
    let replica = app.replica()?;
    let kind = args.kind.as_deref().map(values::kind).transpose()?;
    let space = args
        .space
        .as_deref()
        .map(|name| replica.find_space(&values::space_name(name)));
    let for_a_person = !app.is_json && output::is_for_a_person();
    let filter = RowFilter {
        kind: kind.map(|kind| kind.name().to_owned()),
        space: space.transpose()?,
        only_conflicts: args.conflicts,
        limit: args
            .limit
            .or_else(|| for_a_person.then_some(WINDOW_ROWS_MAX)),
        offset: 0,
    };
    let rows = replica.list(&filter)?;
    if app.is_json {
        let records: Vec<_> = rows.iter().map(|row| row.record).collect();
        let ticks = replica.ticks_of(&records)?;
        let rows = rows.iter().zip(&ticks);
        let rows: Vec<_> = rows
            .map(|(row, ticks)| as_json(&replica, row, ticks))
            .collect();
        return app.out.json(&rows);
    }
    let waits = status::wait_lines(&replica.key_waits()?, &app.text);
    if rows.is_empty() {
        tell_empty(app, &replica, &filter)?;
        return tell_waits(app, &waits);
    }
    print(app, &replica, &rows)?;
    let total = count(&replica, &filter)?;
    let shown = rows.len() as u64;
    if shown < total {
        app.out.line("")?;
        let places = [("n", thousands(shown)), ("total", thousands(total))];
        let [(n, shown), (t, total)] = &places;
        app.say("out.list.more", &[(n, shown), (t, total)])?;
    }
    if !waits.is_empty() {
        app.out.line("")?;
    }
    tell_waits(app, &waits)
}

/// There may be more than is shown: it cannot be read yet.
fn tell_waits(app: &mut App, waits: &[String]) -> Result<(), Failure> {
    for line in waits {
        app.out.line(line)?;
    }
    Ok(())
}

fn print(app: &mut App, replica: &Replica, rows: &[ViewRow]) -> Result<(), Failure> {
    let heads = [
        "head.record",
        "head.title",
        "head.kind",
        "head.space",
        "head.updated",
        "head.by",
        "head.conflicts",
    ];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 1);
    for row in rows {
        let conflicts = if row.conflicts == 0 {
            String::new()
        } else {
            format!("⚠ {}", row.conflicts)
        };
        table.row(vec![
            row.record.short(),
            row.title.clone(),
            values::kind_label(&row.kind, &app.text),
            values::space_label(&replica.space_name(&row.space), &app.text),
            output::time(row.updated_at),
            replica.name_of(&row.updated_by),
            conflicts,
        ]);
    }
    table.print(&mut app.out)
}

fn tell_empty(app: &mut App, replica: &Replica, filter: &RowFilter) -> Result<(), Failure> {
    let is_filtered = filter.kind.is_some() || filter.space.is_some() || filter.only_conflicts;
    let key = if filter.only_conflicts {
        "out.list.no_conflicts"
    } else if is_filtered && !replica.counts()?.is_empty() {
        "out.list.no_match"
    } else {
        "out.list.empty"
    };
    app.say(key, &[])
}

/// How many records the filter lets through, without its limit.
fn count(replica: &Replica, filter: &RowFilter) -> Result<u64, Failure> {
    let counts = replica.counts()?;
    let matching = counts.iter().filter(|count| {
        filter.kind.as_ref().is_none_or(|kind| *kind == count.kind)
            && filter.space.is_none_or(|space| space == count.space)
    });
    Ok(matching
        .map(|c| {
            if filter.only_conflicts {
                c.in_conflict
            } else {
                c.records
            }
        })
        .sum())
}

fn as_json(replica: &Replica, row: &ViewRow, ticks: &Ticks) -> serde_json::Value {
    let fields: serde_json::Value = serde_json::from_str(&row.fields).unwrap_or_default();
    json!({
        "record": row.record.to_string(),
        "kind": row.kind,
        "space": replica.space_name(&row.space),
        "title": row.title,
        "fields": fields,
        "created_by": replica.name_of(&row.created_by),
        "created_at": row.created_at.0,
        "updated_by": replica.name_of(&row.updated_by),
        "updated_at": row.updated_at.0,
        "conflicts": row.conflicts,
        "ticks": fresh::ticks_json(replica, ticks),
    })
}
