//! Numbers on their own and in tables, each with the list behind it.

use jiff::civil::Date;
use sync_core::replica::Replica;
use sync_core::view::statistics::account::{MEASURES, Measure, Spread};

use super::links::Link;
use crate::account::{Gathered, amount};
use crate::commands::account::{
    COLUMNS, PERSON_COLUMNS, UNDONE_COLUMNS, label, member_label, space_label,
};
use crate::console::cx::Cx;
use crate::console::views::report::{Cell, Sheet, TableRow};
use crate::console::views::shared::Number;
use crate::output::thousands;

/// States of records that somebody has answered, whatever their kind.
const ANSWERED: [&str; 3] = ["returned", "resubmitted", "accepted"];

/// Every number with its list.
pub(super) fn numbers(cx: &Cx, gathered: &Gathered) -> Vec<Number> {
    let measured = MEASURES.iter().map(|it| {
        number(
            cx,
            it.name,
            gathered.total(it.name),
            list_of(gathered, it.name),
        )
    });
    measured.chain(told(cx, gathered)).collect()
}

/// The list behind a measure.
fn list_of(gathered: &Gathered, name: &str) -> String {
    let measure = Measure::named(name);
    measure.map_or_else(String::new, |it| Link::to(&gathered.question, it).href())
}

fn number(cx: &Cx, name: &str, value: String, href: String) -> Number {
    Number {
        value,
        unit: String::new(),
        label: label(&cx.text, name),
        href,
    }
}

/// What is no measure: waits, tasks on time, people.
fn told(cx: &Cx, gathered: &Gathered) -> [Number; 5] {
    let account = &gathered.account;
    let answered = Link::to_all(&gathered.question);
    let answered = ANSWERED
        .iter()
        .fold(answered, |it, state| it.in_state(state));
    let on_time = &account.on_time;
    let with_due = thousands(on_time.with_due);
    let solved = list_of(gathered, "needs_settled");
    let done = list_of(gathered, "tasks_done");
    let (promoted, active) = (thousands(account.promoted.total), thousands(account.active));
    [
        Number {
            href: solved,
            ..wait(
                cx,
                "need_days",
                &account.waits.need_days,
                "console.reports.days_unit",
            )
        },
        Number {
            href: answered.href(),
            ..wait(
                cx,
                "review_hours",
                &account.waits.review_hours,
                "console.reports.hours_unit",
            )
        },
        Number {
            unit: cx.with("console.reports.of", &[("n", &with_due)]),
            ..number(cx, "on_time", thousands(on_time.on_time), done)
        },
        number(cx, "promoted", promoted, "/audit".to_owned()),
        number(cx, "active", active, "/members".to_owned()),
    ]
}

/// The middle one of many waits, and what nine of ten do not exceed.
fn wait(cx: &Cx, name: &str, spread: &Spread, unit: &str) -> Number {
    if spread.count == 0 {
        return number(cx, name, "–".to_owned(), String::new());
    }
    let [median, count, p90] = [spread.median, spread.count, spread.p90].map(thousands);
    let places = [("n", count.as_str()), ("p90", &p90)];
    let wait = number(cx, name, median, String::new());
    Number {
        unit: cx.say(unit),
        label: format!("{}{}", wait.label, cx.with("console.reports.wait", &places)),
        ..wait
    }
}

/// Tables by village, by month and by person.
pub(super) fn all(replica: &Replica, cx: &Cx, gathered: &Gathered) -> Vec<Sheet> {
    let by_space = gathered.table(&COLUMNS, |figure| &figure.by_space);
    let by_space = by_space.into_iter().map(|(id, cells)| {
        let name = space_label(replica, &id, &cx.text);
        row(gathered, &COLUMNS, name, cells, |link| link.in_space(&id))
    });
    let undone = gathered.table(&UNDONE_COLUMNS, |figure| &figure.by_space);
    let undone = undone.into_iter().map(|(id, cells)| {
        let name = space_label(replica, &id, &cx.text);
        row(gathered, &UNDONE_COLUMNS, name, cells, |link| {
            link.in_space(&id)
        })
    });
    let by_month = gathered.table(&COLUMNS, |figure| &figure.by_month);
    let by_month = by_month.into_iter().filter_map(|(month, cells)| {
        let first = format!("{month}-01").parse::<Date>().ok()?;
        let name = cx.clock.month_and_year(first);
        let last = first.last_of_month();
        let row = row(gathered, &COLUMNS, name, cells, |link| {
            link.within(first, last)
        });
        Some(row)
    });
    let people = gathered.table_of_people(&PERSON_COLUMNS).into_iter();
    let people = people.map(|(id, cells)| {
        let name = member_label(replica, &id);
        row(gathered, &PERSON_COLUMNS, name, cells, |link| {
            link.of_person(&id)
        })
    });
    let sum = sum(cx, gathered);
    let by_space = by_space.chain(std::iter::once(sum)).collect();
    let sheets = [
        sheet(
            cx,
            ("by-village", "console.reports.by_village"),
            &COLUMNS,
            by_space,
        ),
        sheet(
            cx,
            ("undone", "console.reports.undone"),
            &UNDONE_COLUMNS,
            undone.collect(),
        ),
        sheet(
            cx,
            ("by-month", "console.reports.by_month"),
            &COLUMNS,
            by_month.collect(),
        ),
        sheet(
            cx,
            ("by-person", "console.reports.by_person"),
            &PERSON_COLUMNS,
            people.collect(),
        ),
    ];
    let sheets = sheets.into_iter();
    sheets.filter(|sheet| !sheet.rows.is_empty()).collect()
}

fn sheet(cx: &Cx, (id, title): (&str, &str), columns: &[&str], rows: Vec<TableRow>) -> Sheet {
    let heads = columns.iter().map(|name| label(&cx.text, name));
    Sheet {
        id: id.to_owned(),
        title: cx.say(title),
        head: std::iter::once(String::new()).chain(heads).collect(),
        rows,
    }
}

fn row(
    gathered: &Gathered,
    columns: &[&str],
    label: String,
    cells: Vec<i64>,
    narrow: impl Fn(Link) -> Link,
) -> TableRow {
    let cells = columns.iter().zip(cells).map(|(name, number)| {
        let measure = Measure::named(name).filter(|_| number != 0);
        let href = measure.map(|it| narrow(Link::to(&gathered.question, it)).href());
        Cell {
            text: amount(name, number),
            is_link: href.is_some(),
            href: href.unwrap_or_default(),
        }
    });
    TableRow {
        label,
        is_sum: false,
        cells: cells.collect(),
    }
}

fn sum(cx: &Cx, gathered: &Gathered) -> TableRow {
    let totals = COLUMNS.iter().map(|name| gathered.figure(name).total);
    TableRow {
        is_sum: true,
        ..row(
            gathered,
            &COLUMNS,
            cx.say("console.reports.sum"),
            totals.collect(),
            |link| link,
        )
    }
}
