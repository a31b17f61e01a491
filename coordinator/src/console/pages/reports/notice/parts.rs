//! What a notice tells of one village: agreements, needs that anybody may know of, tasks, events, and the
//! hours that volunteers gave.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sync_core::id::{LaneId, MemberId, RecordId};
use sync_core::replica::Replica;
use sync_core::store::{Order, RowFilter, ViewRow};
use sync_core::view::statistics::Question;

use super::Making;
use crate::account::{Sees, amount};
use crate::console::fields::is_open;
use crate::console::views::report::{NoticePart, PrintCell, PrintRow, Section};
use crate::failure::Failure;

/// The kinds of matters that are nobody's secret: what a meeting agreed and did in the open.
const PUBLIC: [&str; 5] = ["resolution", "event", "session", "proposal", "training"];
/// States of events that took place.
const HELD: [&str; 3] = ["held", "reported", "accepted"];

/// Rows with their fields, by village.
type ByVillage = BTreeMap<LaneId, Vec<(ViewRow, Json)>>;

/// What a notice is about, of all villages that it is for: each list is asked for once.
pub(super) struct Lists {
    resolutions: ByVillage,
    needs: ByVillage,
    tasks: ByVillage,
    events: ByVillage,
    hours: ByVillage,
}

impl Lists {
    pub(super) fn read(making: &Making<'_>) -> Result<Self, Failure> {
        Ok(Self {
            resolutions: rows(making, "resolution", &[])?,
            needs: rows(making, "need", &[])?,
            tasks: rows(making, "task", &["done", "verified"])?,
            events: rows(making, "event", &HELD)?,
            hours: rows(making, "hours", &["confirmed", "certified"])?,
        })
    }

    /// What there is to tell of a village, in the order in which people read it; nothing a second time.
    pub(super) fn take(
        &mut self,
        making: &Making<'_>,
        space: LaneId,
    ) -> Result<Vec<NoticePart>, Failure> {
        let of = |lists: &mut ByVillage| lists.remove(&space).unwrap_or_default();
        let parts = [
            resolutions(making, of(&mut self.resolutions))?,
            needs(making, of(&mut self.needs)),
            tasks(making, of(&mut self.tasks))?,
            events(making, of(&mut self.events))?,
            roll(making, space, &of(&mut self.hours)),
        ];
        let is_told = |part: &NoticePart| !part.section.rows.is_empty() || !part.more.is_empty();
        Ok(parts.into_iter().filter(is_told).collect())
    }
}

/// Records of a kind about a day of the time, the earliest first.
fn rows(making: &Making<'_>, kind: &str, states: &[&str]) -> Result<ByVillage, Failure> {
    let filter = RowFilter {
        kind: Some(kind.to_owned()),
        states: states.iter().map(|it| (*it).to_owned()).collect(),
        space: making.question.space,
        day_from: making.question.from.clone(),
        day_to: making.question.to.clone(),
        order: Order::Day,
        ..RowFilter::default()
    };
    let mut by_village = ByVillage::new();
    for row in making.replica.list(&filter)?.into_iter().rev() {
        let fields = row.values();
        by_village.entry(row.space).or_default().push((row, fields));
    }
    Ok(by_village)
}

/// Whether anybody may know of a row: it is a public matter or said to be one, and so is all that the fields
/// which say what it is about lead to.
fn is_public(replica: &Replica, fields: &Json, about: &[&str]) -> Result<bool, Failure> {
    let values = about.iter().filter_map(|name| fields.get(name));
    let ids = values.flat_map(|value| {
        let parts = value.as_array().map(Vec::as_slice);
        parts.unwrap_or_else(|| std::slice::from_ref(value))
    });
    for id in ids.filter_map(Json::as_str) {
        let record = id.parse::<RecordId>().ok();
        let row = record.map(|record| replica.store().row(&record));
        // What is not here may be anybody's matter.
        let Some(row) = row.transpose()?.flatten() else {
            return Ok(false);
        };
        let kind = replica.schema().kind(&row.kind);
        if !PUBLIC.contains(&row.kind.as_str()) && !is_open(kind, &row) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Those that may be named, and how many others there are.
fn told(
    making: &Making<'_>,
    rows: Vec<(ViewRow, Json)>,
    about: &[&str],
) -> Result<(Vec<(ViewRow, Json)>, u64), Failure> {
    let (mut named, mut others) = (Vec::new(), 0);
    for (row, fields) in rows {
        if !row.title.trim().is_empty() && is_public(making.replica, &fields, about)? {
            named.push((row, fields));
        } else {
            others += 1;
        }
    }
    Ok((named, others))
}

fn resolutions(making: &Making<'_>, rows: Vec<(ViewRow, Json)>) -> Result<NoticePart, Failure> {
    let (named, others) = told(making, rows, &["needs"])?;
    let lines = named.iter().map(|(row, fields)| {
        let due = fields.get("due").and_then(Json::as_str);
        let due = due.map_or_else(String::new, |due| making.clock.kept_day(due));
        let cells = vec![state(making, row), due];
        (row.title.clone(), cells)
    });
    let heads = [
        "console.notice.resolutions_head",
        "console.notice.state",
        "console.notice.due",
    ];
    Ok(part(
        making,
        "console.notice.resolutions",
        &heads,
        lines.collect(),
        others,
    ))
}

fn needs(making: &Making<'_>, rows: Vec<(ViewRow, Json)>) -> NoticePart {
    let kind = making.replica.schema().kind("need");
    let (open, others): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|(row, _)| !row.title.trim().is_empty() && is_open(kind, row));
    let lines = open.iter().map(|(row, _)| {
        let cells = vec![state(making, row)];
        (row.title.clone(), cells)
    });
    let heads = ["console.notice.needs_head", "console.notice.state"];
    let others = others.len() as u64;
    part(
        making,
        "console.notice.needs",
        &heads,
        lines.collect(),
        others,
    )
}

fn tasks(making: &Making<'_>, rows: Vec<(ViewRow, Json)>) -> Result<NoticePart, Failure> {
    let (named, others) = told(making, rows, &["about"])?;
    let lines = named.iter().map(|(row, _)| {
        let cells = vec![state(making, row)];
        (row.title.clone(), cells)
    });
    let heads = ["console.notice.tasks_head", "console.notice.state"];
    Ok(part(
        making,
        "console.notice.tasks",
        &heads,
        lines.collect(),
        others,
    ))
}

fn events(making: &Making<'_>, rows: Vec<(ViewRow, Json)>) -> Result<NoticePart, Failure> {
    let (named, others) = told(making, rows, &["needs"])?;
    let lines = named.iter().map(|(row, fields)| {
        let day = row.day.as_deref();
        let day = day.map_or_else(String::new, |day| making.clock.kept_day(day));
        let place = fields.get("place").and_then(Json::as_str);
        let came = fields.get("headcount").and_then(Json::as_i64);
        let came = came.map_or_else(|| "–".to_owned(), |came| amount("attendance", came));
        let cells = vec![day, place.unwrap_or_default().to_owned(), came];
        (row.title.clone(), cells)
    });
    let heads = [
        "console.notice.events_head",
        "console.notice.day",
        "console.notice.place",
        "console.notice.came",
    ];
    Ok(part(
        making,
        "console.notice.events",
        &heads,
        lines.collect(),
        others,
    ))
}

/// The hours of each volunteer that somebody else has confirmed, the most first. Only whoever leads the village
/// or the community sees them by name.
fn roll(making: &Making<'_>, space: LaneId, rows: &[(ViewRow, Json)]) -> NoticePart {
    let mut minutes: BTreeMap<MemberId, i64> = BTreeMap::new();
    for (_, fields) in rows {
        let member = fields.get("member").and_then(Json::as_str);
        let given = fields.get("minutes").and_then(Json::as_i64);
        if let (Some(Ok(member)), Some(given)) = (member.map(str::parse), given) {
            let sum = minutes.entry(member).or_default();
            *sum = sum.saturating_add(given);
        }
    }
    let question = Question {
        space: Some(space),
        ..Question::default()
    };
    if Sees::of(making.replica, &question) != Sees::Everybody {
        let mut closed = part(making, "console.notice.roll", &[], Vec::new(), 0);
        if !minutes.is_empty() {
            closed.more = making.text.say("console.notice.roll_closed");
        }
        return closed;
    }
    let mut all: Vec<(String, i64)> = minutes
        .iter()
        .map(|(member, sum)| (making.replica.member_name(member), *sum))
        .collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let lines = all
        .into_iter()
        .map(|(name, sum)| (name, vec![amount("minutes_confirmed", sum)]));
    let heads = ["console.notice.roll_head", "report.what.minutes_confirmed"];
    part(making, "console.notice.roll", &heads, lines.collect(), 0)
}

/// What people call the state of a row.
fn state(making: &Making<'_>, row: &ViewRow) -> String {
    let state = row.state.as_deref().unwrap_or_default();
    let kind = making.replica.schema().kind(&row.kind);
    let known = kind.and_then(|kind| kind.state(state));
    known.map_or_else(
        || state.to_owned(),
        |state| state.label(making.text.lang()).to_owned(),
    )
}

fn part(
    making: &Making<'_>,
    title: &str,
    heads: &[&str],
    lines: Vec<(String, Vec<String>)>,
    others: u64,
) -> NoticePart {
    let text = making.text;
    let heads: Vec<String> = heads.iter().map(|key| text.say(key)).collect();
    let rows = lines.into_iter().map(|(label, cells)| PrintRow {
        label,
        is_sum: false,
        cells: cells
            .into_iter()
            .zip(heads.iter().skip(1))
            .map(|(text, head)| PrintCell {
                label: head.clone(),
                text,
            })
            .collect(),
    });
    let rows: Vec<PrintRow> = rows.collect();
    NoticePart {
        section: Section {
            title: text.say(title),
            words: true,
            rows,
            head: heads,
        },
        more: if others > 0 {
            text.count("console.notice.others", others)
        } else {
            String::new()
        },
    }
}
