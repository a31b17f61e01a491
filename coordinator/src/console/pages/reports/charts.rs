//! Pictures of numbers: columns over time and bars side by side, each with its table.

use jiff::civil::{Date, date};
use sync_core::replica::Replica;
use sync_core::view::statistics::account::Measure;

use super::links::Link;
use crate::account::Gathered;
use crate::account::period::Period;
use crate::commands::account::{BY_STATE, by_state, category_label, label};
use crate::console::cx::Cx;
use crate::console::fields;
use crate::console::views::report::{Bar, Bars, Column, Columns, Grid};
use crate::output::thousands;

/// What is drawn over time.
const OVER_TIME: [&str; 2] = ["visits", "needs"];
/// Columns that fit beside each other.
const COLUMNS_MAX: usize = 12;
/// The box of the columns: its left and right end, the base line, the full height.
const LEFT: i64 = 28;
const RIGHT: i64 = 356;
const BASE: i64 = 166;
const HEIGHT: i64 = 140;
const WIDTH_MAX: i64 = 36;
/// Width of the longest bar.
const LONGEST: u64 = 1000;

/// A month or a year, and how many fall into it.
struct Stretch {
    first: Date,
    last: Date,
    label: String,
    long: String,
    value: i64,
}

pub(super) fn columns(cx: &Cx, gathered: &Gathered, period: Period) -> Vec<Columns> {
    let measures = OVER_TIME.iter().filter_map(|name| Measure::named(name));
    measures
        .filter_map(|measure| column_chart(cx, gathered, measure, period))
        .collect()
}

fn column_chart(
    cx: &Cx,
    gathered: &Gathered,
    measure: &Measure,
    period: Period,
) -> Option<Columns> {
    let figure = gathered.figure(measure.name);
    if figure.total == 0 {
        return None;
    }
    let stretches = stretches(cx, &figure.by_month, period);
    let most = stretches.iter().map(|it| it.value).max()?;
    // An even number, so that its half is one too.
    let top = most + most % 2;
    let slot = (RIGHT - LEFT) / i64::try_from(stretches.len()).ok()?.max(1);
    let w = (slot * 6 / 10).clamp(1, WIDTH_MAX);
    let mut left = LEFT;
    let mut bars = Vec::new();
    for stretch in stretches {
        let (h, mid) = (stretch.value * HEIGHT / top.max(1), left + slot / 2);
        let link = Link::to(&gathered.question, measure);
        bars.push(Column {
            href: link.within(stretch.first, stretch.last).href(),
            label: stretch.label,
            label_long: stretch.long,
            value: thousands(stretch.value.unsigned_abs()),
            x: mid - w / 2,
            y: BASE - h,
            h,
            mid,
        });
        left += slot;
    }
    let grid = [
        (0, BASE),
        (top / 2, BASE - HEIGHT / 2),
        (top, BASE - HEIGHT),
    ];
    Some(Columns {
        id: format!("chart-{}", measure.name),
        title: label(&cx.text, measure.name),
        summary: summary(cx, figure.total.unsigned_abs()),
        w,
        name1: label(&cx.text, measure.name),
        row_head: cx.say("console.reports.when"),
        grid: grid
            .map(|(number, y)| Grid {
                y,
                label: number.to_string(),
            })
            .into(),
        bars,
    })
}

fn summary(cx: &Cx, total: u64) -> String {
    cx.with("console.reports.in_all", &[("n", &thousands(total))])
}

/// The months of the time, or its years if the months are too many.
fn stretches(
    cx: &Cx,
    by_month: &std::collections::BTreeMap<String, i64>,
    period: Period,
) -> Vec<Stretch> {
    let first_of = |month: &String| format!("{month}-01").parse::<Date>().ok();
    let months: Vec<(Date, i64)> = by_month
        .iter()
        .filter_map(|(month, value)| Some((first_of(month)?, *value)))
        .collect();
    let (from, to) = period.days();
    let first = from.or_else(|| months.first().map(|(month, _)| *month));
    let last = to.or_else(|| months.last().map(|(month, _)| *month));
    let (Some(first), Some(last)) = (first, last) else {
        return Vec::new();
    };
    let count = |first: Date, last: Date| {
        let within = months
            .iter()
            .filter(|(month, _)| first <= *month && *month <= last);
        within.map(|(_, value)| value).sum()
    };
    let all = std::iter::successors(Some(first.first_of_month()), |month| {
        month.checked_add(jiff::Span::new().months(1)).ok()
    });
    let all: Vec<Date> = all
        .take_while(|month| *month <= last)
        .take(COLUMNS_MAX + 1)
        .collect();
    if all.len() <= COLUMNS_MAX {
        let stretches = all.into_iter().map(|month| Stretch {
            first: month,
            last: month.last_of_month(),
            label: cx.clock.month(month),
            long: cx.clock.month_and_year(month),
            value: count(month, month),
        });
        return stretches.collect();
    }
    let first_year = i64::from(last.year()) - COLUMNS_MAX as i64 + 1;
    let years = i64::from(first.year()).max(first_year)..=i64::from(last.year());
    let years = years.filter_map(|year| i16::try_from(year).ok());
    let stretches = years.map(|year| {
        let (first, last) = (date(year, 1, 1), date(year, 12, 31));
        Stretch {
            first,
            last,
            label: year.to_string(),
            long: year.to_string(),
            value: count(first, last),
        }
    });
    stretches.collect()
}

pub(super) fn bars(replica: &Replica, cx: &Cx, gathered: &Gathered) -> Vec<Bars> {
    let categories = ["visits", "events"]
        .iter()
        .filter_map(|name| Measure::named(name));
    let categories = categories.map(|measure| by_category(replica, cx, gathered, measure));
    let states = BY_STATE
        .iter()
        .map(|kind| of_states(replica, cx, gathered, kind));
    let all = std::iter::once(needs(replica, cx, gathered))
        .chain(states)
        .chain(categories);
    all.filter(|chart| !chart.bars.is_empty()).collect()
}

/// Needs by category: those that are settled, and the others.
fn needs(replica: &Replica, cx: &Cx, gathered: &Gathered) -> Bars {
    let Some(measure) = Measure::named("needs") else {
        return Bars::default();
    };
    let mut chart = by_category(replica, cx, gathered, measure);
    let figures = [gathered.figure("needs"), gathered.figure("needs_settled")];
    let [all, settled] = figures.map(|figure| figure.by_category);
    let longest = longest(all.values().map(|it| it.unsigned_abs()));
    for (bar, (value, number)) in chart.bars.iter_mut().zip(sorted(&all)) {
        let all = number.unsigned_abs();
        let settled = settled.get(&value).map_or(0, |it| it.unsigned_abs());
        let others = all.saturating_sub(settled);
        bar.w1 = settled * LONGEST / longest;
        bar.w2 = others * LONGEST / longest;
        bar.value = format!("{}+{}", thousands(settled), thousands(others));
        bar.n1 = thousands(settled);
        bar.n2 = thousands(others);
    }
    chart.two = true;
    chart.name1 = label(&cx.text, "needs_settled");
    chart.name2 = cx.say("console.reports.others");
    chart
}

fn longest(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.max().unwrap_or(0).max(1)
}

/// The largest first.
fn sorted(numbers: &std::collections::BTreeMap<String, i64>) -> Vec<(String, i64)> {
    let numbers = numbers.iter();
    let mut sorted: Vec<(String, i64)> = numbers.map(|(key, n)| (key.clone(), *n)).collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    sorted
}

fn by_category(replica: &Replica, cx: &Cx, gathered: &Gathered, measure: &Measure) -> Bars {
    let figure = gathered.figure(measure.name);
    let field = measure.category.unwrap_or_default();
    let rows = sorted(&figure.by_category)
        .into_iter()
        .map(|(value, number)| {
            let link = Link::to(&gathered.question, measure).chosen(field, &value);
            let label = category_label(replica, measure.name, &value, &cx.text);
            (label, link, number.unsigned_abs())
        });
    let title = label(&cx.text, measure.name);
    let places = [("what", title.as_str())];
    Bars {
        id: format!("kinds-{}", measure.name),
        title: cx.with("console.reports.by_category", &places),
        row_head: cx.say("console.reports.category"),
        ..chart(cx, &title, rows.collect(), figure.total.unsigned_abs())
    }
}

fn of_states(replica: &Replica, cx: &Cx, gathered: &Gathered, kind: &str) -> Bars {
    let states = by_state(replica, gathered, kind, &cx.text).into_iter();
    let rows: Vec<(String, Link, u64)> = states
        .map(|(state, label, number)| {
            let link = Link::to_kind(&gathered.question, kind).in_state(&state);
            (label, link, number)
        })
        .collect();
    let total = rows.iter().map(|(_, _, number)| number).sum();
    let title = fields::kind_label(replica, cx, kind);
    let places = [("what", title.as_str())];
    Bars {
        id: format!("states-{kind}"),
        title: cx.with("console.reports.by_state", &places),
        row_head: cx.say("console.filter.state"),
        ..chart(cx, &title, rows, total)
    }
}

fn chart(cx: &Cx, name: &str, rows: Vec<(String, Link, u64)>, total: u64) -> Bars {
    let longest = longest(rows.iter().map(|(_, _, number)| *number));
    let bars = rows.into_iter().map(|(label, link, number)| Bar {
        label,
        href: link.href(),
        w1: number * LONGEST / longest,
        value: thousands(number),
        n1: thousands(number),
        ..Bar::default()
    });
    Bars {
        summary: summary(cx, total),
        name1: name.to_owned(),
        bars: bars.collect(),
        ..Bars::default()
    }
}
