//! Numbers on their own and in tables, each with the list behind it.

use jiff::civil::Date;
use sync_core::replica::Replica;
use sync_core::view::statistics::account::{MEASURES, Measure};

use super::links::Link;
use crate::account::{Gathered, amount};
use crate::commands::account::{COLUMNS, PERSON_COLUMNS, label, member_label, space_label};
use crate::console::cx::Cx;
use crate::console::views::report::{Cell, Sheet, TableRow};
use crate::console::views::shared::Number;
use crate::output::thousands;

/// Every number with its list.
pub(super) fn numbers(cx: &Cx, gathered: &Gathered) -> Vec<Number> {
    let question = &gathered.question;
    let measured = MEASURES.iter().map(|measure| Number {
        value: gathered.total(measure.name),
        unit: String::new(),
        label: label(&cx.text, measure.name),
        href: Link::to(question, measure).href(),
    });
    let settled = Measure::named("needs_settled").map(|it| Link::to(question, it).href());
    let done = Measure::named("tasks_done").map(|it| Link::to(question, it).href());
    let account = &gathered.account;
    let (days, hours) = (&account.waits.need_days, &account.waits.review_hours);
    let number = |name: &str, value: String, unit: String, href: String| Number {
        value,
        unit,
        label: label(&cx.text, name),
        href,
    };
    let wait = |name: &str, number_of: u64, of: [u64; 2], unit: &str, href: String| {
        let [count, p90] = of.map(thousands);
        let places = [("n", count.as_str()), ("p90", &p90)];
        let is_known = of.iter().any(|it| *it > 0);
        let value = if is_known {
            thousands(number_of)
        } else {
            "–".to_owned()
        };
        let unit = if is_known {
            cx.say(unit)
        } else {
            String::new()
        };
        let mut wait = number(name, value, unit, href);
        wait.label = format!("{}{}", wait.label, cx.with("console.reports.wait", &places));
        wait
    };
    let of = [("n", thousands(account.on_time.with_due))];
    let [(n, with_due)] = &of;
    let told = [
        wait(
            "need_days",
            days.median,
            [days.count, days.p90],
            "console.reports.days_unit",
            settled.unwrap_or_default(),
        ),
        wait(
            "review_hours",
            hours.median,
            [hours.count, hours.p90],
            "console.reports.hours_unit",
            "/records?kind=review".to_owned(),
        ),
        number(
            "on_time",
            thousands(account.on_time.on_time),
            cx.with("console.reports.of", &[(n, with_due)]),
            done.unwrap_or_default(),
        ),
        number(
            "promoted",
            thousands(account.promoted.total),
            String::new(),
            "/audit".to_owned(),
        ),
        number(
            "active",
            thousands(account.active),
            String::new(),
            "/members".to_owned(),
        ),
    ];
    measured.chain(told).collect()
}

/// Tables by village, by month and by person.
pub(super) fn all(replica: &Replica, cx: &Cx, gathered: &Gathered) -> Vec<Sheet> {
    let by_space = gathered.table(&COLUMNS, |figure| &figure.by_space);
    let by_space = by_space.into_iter().map(|(id, cells)| {
        let name = space_label(replica, &id, &cx.text);
        row(gathered, &COLUMNS, name, cells, |link| link.in_space(&id))
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
