//! Several communities at one glance: what waits in each, and all of it together.

use sync_core::id::Millis;
use sync_core::replica::Replica;

use super::{reach, rows};
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, own_name};
use crate::console::house::Place;
use crate::console::shell::own_role;
use crate::console::views::communities::{Cell, Communities, CommunityRow};
use crate::console::views::shared::Number;
use crate::failure::Failure;
use crate::output::thousands;

/// What is counted: word, and the page of the community that shows it.
const COUNTED: [(&str, &str); COUNTS] = [
    ("console.com.review", "/records?flag=review"),
    ("console.com.clashes", "/records?flag=clash"),
    ("console.com.late", "/records?flag=late&sort=due"),
    ("console.com.held", "/held"),
    ("console.com.records", "/records"),
    ("console.com.unsent", "/sync"),
    ("console.com.members", "/members"),
    ("console.com.quiet", "/sync"),
];
const COUNTS: usize = 8;

/// What a community has to say of itself.
#[derive(Debug, Clone)]
pub(in crate::console) struct Summary {
    name: String,
    /// Who this person is in it.
    who: String,
    counts: [u64; COUNTS],
    members: u64,
    heard: u64,
    now: Millis,
    as_of: String,
}

pub(in crate::console) fn summary(replica: &Replica, cx: &Cx) -> Result<Summary, Trouble> {
    let title = replica.title();
    let as_of = reach::as_of(replica, cx)?;
    let records = replica.counts()?.iter().map(|count| count.records).sum();
    Ok(Summary {
        name: title.unwrap_or_else(|| cx.say("word.unknown_title")),
        who: format!("{} · {}", own_name(replica), own_role(replica, cx)),
        counts: [
            replica.count(&rows::to_review(replica)?)?,
            replica.count(&rows::clashing())?,
            replica.count(&rows::late(replica, cx))?,
            replica.status()?.held,
            records,
            replica.unsent_count()?,
            as_of.members,
            as_of.members.saturating_sub(as_of.heard),
        ],
        members: as_of.members,
        heard: as_of.heard,
        now: cx.clock.now,
        as_of: as_of.line,
    })
}

/// The page; a community that cannot tell says why in its place.
pub(in crate::console) fn page<'p>(
    cx: &Cx,
    told: impl Iterator<Item = (&'p Place, Result<Summary, Failure>)>,
) -> Shown {
    let told: Vec<_> = told.collect();
    let all: Vec<&Summary> = told.iter().flat_map(|(_, told)| told).collect();
    let silent = (told.len() - all.len()) as u64;
    let page = Communities {
        lead: cx.count("console.com.lead", told.len() as u64),
        numbers: numbers(cx, &all),
        as_of: as_of(cx, &all),
        has_silent: silent > 0,
        silent: cx.count("console.com.silent", silent),
        head: std::iter::once("console.com.name")
            .chain(COUNTED.map(|(label, _)| label))
            .map(|label| cx.say(label))
            .collect(),
        rows: told
            .iter()
            .map(|(place, told)| row(cx, place, told))
            .collect(),
    };
    Shown::new("communities", "records sync roster", page)
}

/// Each number of all communities; it opens the line of each.
fn numbers(cx: &Cx, all: &[&Summary]) -> Vec<Number> {
    let sum = |at: usize| all.iter().flat_map(|it| it.counts.get(at)).sum();
    let numbers = COUNTED.iter().enumerate();
    numbers
        .map(|(at, (label, _))| Number {
            value: thousands(sum(at)),
            unit: String::new(),
            label: cx.say(label),
            href: "#each".to_owned(),
        })
        .collect()
}

fn as_of(cx: &Cx, all: &[&Summary]) -> String {
    // As old as the first that was asked.
    let now = all.iter().map(|it| it.now).min().unwrap_or(cx.clock.now);
    let heard: u64 = all.iter().map(|it| it.heard).sum();
    let members: u64 = all.iter().map(|it| it.members).sum();
    let (when, n, m) = (cx.clock.moment(now), thousands(heard), thousands(members));
    let places = [("when", when.as_str()), ("n", &n), ("m", &m)];
    let key = if heard == members {
        "console.asof.all"
    } else {
        "console.asof.some"
    };
    cx.with(key, &places)
}

fn row(cx: &Cx, place: &Place, told: &Result<Summary, Failure>) -> CommunityRow {
    match told {
        Ok(summary) => CommunityRow {
            name: summary.name.clone(),
            who: summary.who.clone(),
            href: place.beside.href.clone(),
            is_open: true,
            cells: cells(cx, place, summary),
            as_of: summary.as_of.clone(),
            why: String::new(),
        },
        Err(failure) => CommunityRow {
            name: place.beside.name.clone(),
            why: cx.sentence(failure),
            ..CommunityRow::default()
        },
    }
}

fn cells(cx: &Cx, place: &Place, summary: &Summary) -> Vec<Cell> {
    let cells = COUNTED.iter().zip(summary.counts);
    cells
        .map(|((label, page), count)| Cell {
            label: cx.say(label),
            text: thousands(count),
            href: format!("{}{page}", place.base),
        })
        .collect()
}
