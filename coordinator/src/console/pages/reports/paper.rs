//! The report on paper: counts alone, up to when they go, and who made it. Names of members stand only
//! where they made it or were not heard from; residents are not in it.

use askama::Template;
use sync_core::replica::Replica;
use sync_core::schema::Lang;
use sync_core::view::statistics::account::MEASURES;

use crate::account::period::Period;
use crate::account::{Gathered, amount};
use crate::commands::account::{
    BY_STATE, COLUMNS, UNDONE_COLUMNS, by_state, category_label, label, space_label,
};
use crate::console::assets;
use crate::console::cx::own_name;
use crate::console::views::report::{PrintCell, PrintRow, ReportPrint, Section};
use crate::failure::Failure;
use crate::output::{self, thousands};
use crate::text::Text;
use crate::values;

/// One file with all that it needs.
#[derive(Template)]
#[template(path = "report_file.html")]
struct ReportFile<'a> {
    t: &'a Text,
    lang: &'a str,
    css: &'a str,
    v: &'a ReportPrint,
}

/// The report as a page that needs nothing else.
pub(in crate::console) fn file(
    replica: &Replica,
    text: &Text,
    gathered: &Gathered,
    period: Period,
) -> Result<String, Failure> {
    let page = ReportFile {
        t: text,
        lang: match text.lang() {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        },
        css: assets::CSS,
        v: &of(replica, text, gathered, period),
    };
    page.render().map_err(Failure::internal)
}

/// The report.
pub(super) fn of(
    replica: &Replica,
    text: &Text,
    gathered: &Gathered,
    period: Period,
) -> ReportPrint {
    let label = period.label(text);
    let title = text.with("console.print.title", &[("period", &label)]);
    let mut sections = vec![overview(text, gathered)];
    let by_space = gathered.table(&COLUMNS, |figure| &figure.by_space);
    let by_space = by_space.into_iter();
    let by_space = by_space.map(|(id, cells)| (space_label(replica, &id, text), cells));
    let by_village = "console.reports.by_village";
    let mut villages = numbers(text, by_village, &COLUMNS, by_space.collect());
    villages.rows.push(sum(text, gathered));
    sections.push(villages);
    let undone = gathered.table(&UNDONE_COLUMNS, |figure| &figure.by_space);
    let undone = undone.into_iter();
    let undone = undone.map(|(id, cells)| (space_label(replica, &id, text), cells));
    let (named, columns) = ("console.reports.undone", &UNDONE_COLUMNS);
    sections.push(numbers(text, named, columns, undone.collect()));
    let by_month = gathered.table(&COLUMNS, |figure| &figure.by_month);
    let named = "console.reports.by_month";
    sections.push(numbers(text, named, &COLUMNS, by_month));
    let categories = ["needs", "visits", "events"].iter();
    sections.extend(categories.map(|name| categories_of(replica, text, gathered, name)));
    let states = BY_STATE.iter();
    sections.extend(states.map(|kind| states_of(replica, text, gathered, kind)));
    sections.retain(|section| !section.rows.is_empty());
    ReportPrint {
        title,
        sub: sub(replica, text, gathered, period),
        up_href: "/reports".to_owned(),
        intro: intro(text, gathered),
        sections,
        basis: basis(replica, text, gathered),
    }
}

/// Which community, which part of it, which days.
fn sub(replica: &Replica, text: &Text, gathered: &Gathered, period: Period) -> String {
    let community = replica.title();
    let community = community.unwrap_or_else(|| text.say("word.unknown_title"));
    let space = gathered.question.space;
    let space = space.map(|id| replica.space_name(&id));
    let space = values::scope_label(space.as_deref(), text);
    let person = gathered.question.person.as_ref();
    let person = person.map(|it| replica.member_name(&it.member));
    let (from, to) = period.days();
    let days = Period::Days(from, to).label(text);
    let parts = [Some(community), Some(space), person, Some(days)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn intro(text: &Text, gathered: &Gathered) -> String {
    let names = [
        "visits",
        "households",
        "needs",
        "needs_settled",
        "events",
        "attendance",
    ];
    let totals = names.map(|name| (name, gathered.total(name)));
    let places = totals
        .each_ref()
        .map(|(name, total)| (*name, total.as_str()));
    text.with("console.print.intro", &places)
}

fn overview(text: &Text, gathered: &Gathered) -> Section {
    let measured = MEASURES.iter();
    let measured = measured.map(|it| (label(text, it.name), gathered.total(it.name)));
    let rows = measured.chain(gathered.told(text));
    pairs(text, text.say("console.print.overview"), rows.collect())
}

/// A table of two columns.
fn pairs(text: &Text, title: String, rows: Vec<(String, String)>) -> Section {
    let head = text.say("console.print.number");
    let rows = rows.into_iter().map(|(label, number)| PrintRow {
        label,
        is_sum: false,
        cells: vec![PrintCell {
            label: head.clone(),
            text: number,
        }],
    });
    Section {
        title,
        words: false,
        rows: rows.collect(),
        head: vec![String::new(), head],
    }
}

/// A table of some figures.
fn numbers(text: &Text, title: &str, columns: &[&str], rows: Vec<(String, Vec<i64>)>) -> Section {
    let heads = columns.iter().map(|name| label(text, name));
    let rows = rows.into_iter();
    Section {
        title: text.say(title),
        words: false,
        head: std::iter::once(String::new()).chain(heads).collect(),
        rows: rows
            .map(|(label, cells)| row(text, columns, label, cells))
            .collect(),
    }
}

fn row(text: &Text, columns: &[&str], name: String, cells: Vec<i64>) -> PrintRow {
    let cells = columns.iter().zip(cells).map(|(column, number)| PrintCell {
        label: label(text, column),
        text: amount(column, number),
    });
    PrintRow {
        label: name,
        is_sum: false,
        cells: cells.collect(),
    }
}

fn sum(text: &Text, gathered: &Gathered) -> PrintRow {
    let totals = COLUMNS.iter().map(|name| gathered.figure(name).total);
    PrintRow {
        is_sum: true,
        ..row(
            text,
            &COLUMNS,
            text.say("console.reports.sum"),
            totals.collect(),
        )
    }
}

fn categories_of(replica: &Replica, text: &Text, gathered: &Gathered, name: &str) -> Section {
    let figure = gathered.figure(name);
    let rows = figure.by_category.iter().map(|(value, number)| {
        let label = category_label(replica, name, value, text);
        (label, amount(name, *number))
    });
    let what = label(text, name);
    let title = text.with("console.reports.by_category", &[("what", &what)]);
    pairs(text, title, rows.collect())
}

fn states_of(replica: &Replica, text: &Text, gathered: &Gathered, kind: &str) -> Section {
    let states = by_state(replica, gathered, kind, text).into_iter();
    let rows = states.map(|(_, label, number)| (label, thousands(number)));
    let known = replica.schema().kind(kind);
    let what = known.map_or(kind, |kind| kind.label(text.lang()));
    let title = text.with("console.reports.by_state", &[("what", what)]);
    pairs(text, title, rows.collect())
}

/// Up to when, who is missing, who made it.
fn basis(replica: &Replica, text: &Text, gathered: &Gathered) -> Vec<String> {
    let when = output::time(gathered.at);
    let mut lines = gathered.as_of_lines(replica, text, &when);
    let name = own_name(replica);
    let places = [("name", name.as_str()), ("when", &when)];
    lines.push(text.with("console.print.made", &places));
    lines.push(text.say("console.print.no_personal"));
    lines
}
