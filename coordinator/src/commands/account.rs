//! `banyan report`: the station's account, as tables, as JSON or as a page to be printed.
//!
//! What a meeting of two devices did is told by [`report`](super::report) instead.

use std::path::Path;

use sync_core::replica::Replica;
use sync_core::schema::Kind;
use sync_core::view::statistics::Question;
use sync_core::view::statistics::account::{Figure, MEASURES, Measure};

use super::App;
use crate::account::period::Period;
use crate::account::{self, Gathered, amount};
use crate::cli::ReportArgs;
use crate::console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Table, thousands};
use crate::text::Text;
use crate::{durable, place, values};

/// What stands in the columns of tables.
pub(crate) const COLUMNS: [&str; 8] = [
    "visits",
    "households",
    "needs",
    "needs_settled",
    "proposals",
    "events",
    "attendance",
    "minutes_confirmed",
];
/// The same beside a person's name.
pub(crate) const PERSON_COLUMNS: [&str; 5] = [
    "visits",
    "needs",
    "events",
    "minutes_claimed",
    "minutes_confirmed",
];
/// What was left undone, village by village.
pub(crate) const UNDONE_COLUMNS: [&str; 2] = ["tasks_overdue", "households_unvisited"];
/// Kinds whose records are counted by state.
pub(crate) const BY_STATE: [&str; 2] = ["need", "proposal"];

pub(super) fn run(app: &mut App, args: &ReportArgs) -> Result<(), Failure> {
    let replica = app.replica()?;
    let period = period(args)?;
    let question = question(&replica, args, period)?;
    if let Some(path) = args.html.as_deref().filter(|_| args.notice) {
        let html = console::notice_file(&replica, &app.text, &question, period)?;
        return write(app, path, &html, args.force);
    }
    let gathered = account::gather(&replica, question, place::now())?;
    if let Some(path) = &args.html {
        let html = console::report_file(&replica, &app.text, &gathered, period)?;
        write(app, path, &html, args.force)?;
        if !app.is_json {
            return Ok(());
        }
    }
    if app.is_json {
        return app.out.json(&gathered.as_json(&replica));
    }
    print(app, &replica, &gathered, period)
}

/// Writes a page, and says so to whoever reads.
fn write(app: &mut App, path: &Path, html: &str, is_forced: bool) -> Result<(), Failure> {
    durable::refuse_existing(path, is_forced)?;
    durable::write(path, html.as_bytes(), is_forced)?;
    if app.is_json {
        return Ok(());
    }
    let path = path.display().to_string();
    app.say("out.report.written", &[("file", &path)])
}

fn period(args: &ReportArgs) -> Result<Period, Failure> {
    let wrong = |key: &str, typed: &str| Failure::new(Exit::Usage, key).with("typed", typed);
    if let Some(typed) = &args.quarter {
        return Period::quarter(typed).ok_or_else(|| wrong("err.report.quarter", typed));
    }
    if let Some(typed) = &args.year {
        return Period::year(typed).ok_or_else(|| wrong("err.report.year", typed));
    }
    Period::between(args.from.as_deref(), args.to.as_deref())
}

fn question(replica: &Replica, args: &ReportArgs, period: Period) -> Result<Question, Failure> {
    let space = args.space.as_deref();
    let space = space.map(|name| replica.find_space(&values::space_name(name)));
    let person = args.person.as_deref();
    let person = person.map(|typed| account::person(replica, typed));
    Ok(period.question(space.transpose()?, person.transpose()?))
}

fn print(
    app: &mut App,
    replica: &Replica,
    gathered: &Gathered,
    period: Period,
) -> Result<(), Failure> {
    app.out.line(&period.label(&app.text))?;
    let when = output::time(gathered.at);
    for line in gathered.as_of_lines(replica, &app.text, &when) {
        app.out.line(&line)?;
    }
    app.out.line("")?;
    let mut facts: Vec<(String, String)> = MEASURES
        .iter()
        .map(|it| (label(&app.text, it.name), gathered.total(it.name)))
        .collect();
    facts.extend(gathered.told(&app.text));
    output::facts(&mut app.out, &facts)?;
    let by_space = gathered.table(&COLUMNS, |figure| &figure.by_space);
    let spaces = |id: &str| space_label(replica, id, &app.text);
    let rows = named(by_space, spaces);
    let undone = gathered.table(&UNDONE_COLUMNS, |figure| &figure.by_space);
    let undone = named(undone, spaces);
    table(app, "head.space", &COLUMNS, rows)?;
    table(app, "head.space", &UNDONE_COLUMNS, undone)?;
    let by_month = gathered.table(&COLUMNS, |figure| &figure.by_month);
    table(app, "head.month", &COLUMNS, by_month)?;
    for name in ["needs", "visits", "events"] {
        print_categories(app, replica, gathered, name)?;
    }
    for kind in BY_STATE {
        print_states(app, replica, gathered, kind)?;
    }
    let people = gathered.table_of_people(&PERSON_COLUMNS);
    let members = |id: &str| member_label(replica, id);
    let people = named(people, members);
    table(app, "head.who", &PERSON_COLUMNS, people)
}

fn named(rows: Vec<(String, Vec<i64>)>, name: impl Fn(&str) -> String) -> Vec<(String, Vec<i64>)> {
    let rows = rows.into_iter();
    rows.map(|(id, cells)| (name(&id), cells)).collect()
}

fn table(
    app: &mut App,
    head: &str,
    columns: &[&str],
    rows: Vec<(String, Vec<i64>)>,
) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    app.out.line("")?;
    let heads = columns.iter().map(|name| label(&app.text, name));
    let heads = std::iter::once(app.text.say(head)).chain(heads).collect();
    let mut table = Table::new(heads, 1);
    for (name, cells) in rows {
        let cells = columns.iter().zip(cells);
        let cells = cells.map(|(column, cell)| amount(column, cell));
        table.row(std::iter::once(name).chain(cells).collect());
    }
    table.print(&mut app.out)
}

fn print_categories(
    app: &mut App,
    replica: &Replica,
    gathered: &Gathered,
    name: &str,
) -> Result<(), Failure> {
    let Figure { by_category, .. } = gathered.figure(name);
    let rows = by_category.iter().map(|(value, number)| {
        let value = category_label(replica, name, value, &app.text);
        (value, amount(name, *number))
    });
    let title = label(&app.text, name);
    lines(app, &title, rows.collect())
}

fn print_states(
    app: &mut App,
    replica: &Replica,
    gathered: &Gathered,
    kind: &str,
) -> Result<(), Failure> {
    let states = by_state(replica, gathered, kind, &app.text).into_iter();
    let rows = states.map(|(_, label, number)| (label, thousands(number)));
    let rows = rows.collect();
    let title = values::kind_label(kind, &app.text);
    lines(app, &title, rows)
}

fn lines(app: &mut App, title: &str, rows: Vec<(String, String)>) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    app.out.line("")?;
    app.out.line(title)?;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, number)| (format!("  {name}"), number))
        .collect();
    output::facts(&mut app.out, &rows)
}

/// States of a kind in their order, with what they are called and how many records are in them.
pub(crate) fn by_state(
    replica: &Replica,
    gathered: &Gathered,
    kind: &str,
    text: &Text,
) -> Vec<(String, String, u64)> {
    let Some(numbers) = gathered.account.kinds.0.get(kind) else {
        return Vec::new();
    };
    let known = replica.schema().kind(kind);
    let states = known.map(Kind::states).unwrap_or_default().iter();
    let states = states.filter_map(|state| {
        let number = *numbers.by_state.get(state.value())?;
        let label = state.label(text.lang()).to_owned();
        Some((state.value().to_owned(), label, number))
    });
    states.collect()
}

/// What a measure is called.
pub(crate) fn label(text: &Text, name: &str) -> String {
    text.say(&format!("report.what.{name}"))
}

/// What a category of a measure's rows is called.
pub(crate) fn category_label(replica: &Replica, name: &str, value: &str, text: &Text) -> String {
    let measure = Measure::named(name);
    let kind = measure.and_then(|it| replica.schema().kind(it.kind?));
    let field = kind.zip(measure.and_then(|it| it.category));
    let field = field.and_then(|(kind, category)| kind.field(category));
    let choices = field.map(|field| field.ty().choices()).unwrap_or_default();
    let choice = choices.iter().find(|choice| choice.value() == value);
    choice.map_or_else(
        || value.to_owned(),
        |choice| choice.label(text.lang()).to_owned(),
    )
}

/// A space by its id, in words.
pub(crate) fn space_label(replica: &Replica, id: &str, text: &Text) -> String {
    let name = id.parse().map(|id| replica.space_name(&id));
    name.map_or_else(|_| id.to_owned(), |name| values::space_label(&name, text))
}

/// A member by their id, in words.
pub(crate) fn member_label(replica: &Replica, id: &str) -> String {
    let name = id.parse().map(|id| replica.member_name(&id));
    name.unwrap_or_else(|_| id.to_owned())
}
