//! `banyan list`: records, as they are asked for.

use serde_json::json;
use sync_core::replica::{Replica, Ticks};
use sync_core::store::{Order, RowFilter, ViewRow};
use sync_core::view::retention;

use super::{App, fresh, status};
use crate::cli::ListArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Table, thousands};
use crate::{place, values};

/// So many rows are shown in a window unless more are asked for.
const WINDOW_ROWS_MAX: usize = 50;

pub(super) fn run(app: &mut App, args: ListArgs) -> Result<(), Failure> {
    let replica = app.replica()?;
    let for_a_person = !app.is_json && output::is_for_a_person();
    let limit = args
        .limit
        .or_else(|| for_a_person.then_some(WINDOW_ROWS_MAX));
    let filter = RowFilter {
        limit,
        ..filter(&replica, &args)?
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
    let is_about_due = filter.order == Order::Due || filter.due_to.is_some();
    print(app, &replica, &rows, is_about_due)?;
    let total = replica.count(&filter)?;
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

/// What is asked for, without how much of it.
fn filter(replica: &Replica, args: &ListArgs) -> Result<RowFilter, Failure> {
    let kind = args.kind.as_deref();
    let kind = kind.map(|typed| values::kind(replica.schema(), typed));
    let kind = kind.transpose()?;
    let space = args.space.as_deref();
    let space = space.map(|name| replica.find_space(&values::space_name(name)));
    let mut states = Vec::new();
    for typed in &args.state {
        states.extend(values::states(replica.schema(), kind, typed)?);
    }
    let person = args.person.as_deref();
    let person = person.map(|typed| replica.person(replica.find_member(typed)?));
    Ok(RowFilter {
        kind: kind.map(|kind| kind.name().to_owned()),
        space: space.transpose()?,
        states,
        person: person.transpose()?,
        due_to: args.due_before.as_deref().map(day_before).transpose()?,
        search: args.search.clone(),
        only_conflicts: args.conflicts,
        unchanged_since: args
            .past_retention
            .then(|| retention::past(replica.schema(), place::now())),
        order: match args.sort.as_deref() {
            Some("due") => Order::Due,
            Some("day") => Order::Day,
            Some(_) | None => Order::Newest,
        },
        ..RowFilter::default()
    })
}

/// The last day before the one that was typed.
fn day_before(typed: &str) -> Result<String, Failure> {
    let before = values::day(typed)?.yesterday();
    let before = before.map(|day| day.to_string());
    before.map_err(|_| Failure::new(Exit::Usage, "err.list.date").with("typed", typed))
}

/// There may be more than is shown: it cannot be read yet.
fn tell_waits(app: &mut App, waits: &[String]) -> Result<(), Failure> {
    for line in waits {
        app.out.line(line)?;
    }
    Ok(())
}

fn print(
    app: &mut App,
    replica: &Replica,
    rows: &[ViewRow],
    is_about_due: bool,
) -> Result<(), Failure> {
    let when = if is_about_due {
        "head.due"
    } else {
        "head.updated"
    };
    let heads = [
        "head.record",
        "head.title",
        "head.kind",
        "head.space",
        when,
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
            if is_about_due {
                row.due.clone().unwrap_or_default()
            } else {
                output::time(row.updated_at)
            },
            replica.name_of(&row.updated_by),
            conflicts,
        ]);
    }
    table.print(&mut app.out)
}

fn tell_empty(app: &mut App, replica: &Replica, filter: &RowFilter) -> Result<(), Failure> {
    let all = RowFilter {
        limit: filter.limit,
        ..RowFilter::default()
    };
    let conflicts = RowFilter {
        only_conflicts: true,
        ..all.clone()
    };
    let is_filtered = *filter != all;
    let key = if *filter == conflicts {
        "out.list.no_conflicts"
    } else if filter.unchanged_since.is_some() {
        "out.list.none_past"
    } else if is_filtered && !replica.counts()?.is_empty() {
        "out.list.no_match"
    } else {
        "out.list.empty"
    };
    app.say(key, &[])
}

fn as_json(replica: &Replica, row: &ViewRow, ticks: &Ticks) -> serde_json::Value {
    let fields = row.values();
    json!({
        "record": row.record.to_string(),
        "kind": row.kind,
        "space": replica.space_name(&row.space),
        "title": row.title,
        "state": row.state,
        "due": row.due,
        "day": row.day,
        "fields": fields,
        "created_by": replica.name_of(&row.created_by),
        "created_at": row.created_at.0,
        "updated_by": replica.name_of(&row.updated_by),
        "updated_at": row.updated_at.0,
        "conflicts": row.conflicts,
        "ticks": fresh::ticks_json(replica, ticks),
    })
}
