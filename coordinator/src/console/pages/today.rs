//! What waits for this person today, and what has happened.

use serde_json::Value;
use sync_core::id::Millis;
use sync_core::replica::Replica;
use sync_core::roster::role::Role;
use sync_core::store::{LinkTarget, Order, RowFilter, ViewRow};

use super::{begin, duplicates, privacy, reach, rows, tour};
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, highest_role, initial, own_name};
use crate::console::fields;
use crate::console::views::shared::Number;
use crate::console::views::work::{FeedLine, Queue, QueueRow, Today};
use crate::output::thousands;

/// Lines of a queue on the page.
const QUEUE_ROWS: usize = 3;
/// People on the page.
const PEOPLE_ROWS: usize = 5;
/// Lines about what others wrote to this person, and for how long they stand.
const TOLD_ROWS: usize = 3;
const TOLD_MILLIS: i64 = 14 * 86_400_000;
/// Lines about what has happened.
const FEED_ROWS: usize = 6;

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let name = own_name(replica);
    let is_lead = highest_role(replica) >= Some(Role::Lead);
    let first = if is_lead {
        review(replica, cx)?
    } else {
        mine(replica, cx)?
    };
    let mut queues = vec![first, clashes(replica, cx)?, late(replica, cx)?];
    let back = back(replica, cx)?;
    if back.1 > 0 {
        queues.insert(0, back);
    }
    let waiting: u64 = queues.iter().map(|(_, count)| count).sum();
    let date = cx.clock.day(cx.clock.today());
    let lead = if waiting == 0 {
        cx.with("console.today.lead_none", &[("date", &date)])
    } else {
        let places = [("date", date.as_str())];
        cx.text.count_with("console.today.lead", waiting, &places)
    };
    let feed = feed(replica, cx)?;
    let as_of = reach::as_of(replica, cx)?;
    let mut people = reach::people(replica, cx)?.near;
    people.truncate(PEOPLE_ROWS);
    let greeting = match cx.clock.hour() {
        0..12 => "console.today.morning",
        12..18 => "console.today.afternoon",
        _ => "console.today.evening",
    };
    let erase = privacy::queue(replica, cx)?;
    let tour = tour::of(cx);
    let is_shown = tour.is_some_and(|tour| !tour.is_put_away);
    let page = Today {
        waiting: begin::waiting(replica, cx)?,
        has_tour: is_shown,
        tour: if is_shown {
            tour::steps(replica, cx)?
        } else {
            Vec::new()
        },
        can_show_tour: tour.is_some() && !is_shown,
        greeting: cx.with(greeting, &[("name", &name)]),
        lead,
        queues: queues.into_iter().map(|(queue, _)| queue).collect(),
        has_erase: !erase.is_empty(),
        erase,
        told: told(replica, cx)?,
        week_title: week_title(cx),
        numbers: numbers(replica, cx)?,
        as_of: as_of.line,
        has_missing: !as_of.missing.is_empty(),
        missing: as_of.missing,
        people,
        has_feed: !feed.is_empty(),
        feed,
    };
    Ok(Shown::new("today", "records sync roster", page))
}

/// A queue and how much is in it.
type Filled = (Queue, u64);

fn queue(
    replica: &Replica,
    cx: &Cx,
    id: &str,
    looks: (&str, &str),
    query: &str,
    filter: RowFilter,
) -> Result<Filled, Trouble> {
    let count = replica.count(&filter)?;
    let first = RowFilter {
        limit: Some(QUEUE_ROWS),
        ..filter
    };
    let found = replica.list(&first)?;
    let title = cx.say(&format!("console.today.{id}"));
    let n = thousands(count);
    let queue = Queue {
        id: id.to_owned(),
        icon: looks.0.to_owned(),
        tone: if count == 0 { "good" } else { looks.1 }.to_owned(),
        href: format!("/records?{query}"),
        count_words: cx.with("console.today.count_words", &[("title", &title), ("n", &n)]),
        lead: cx.say(&format!("console.today.{id}.lead")),
        has_items: count > 0,
        rows: found
            .iter()
            .map(|row| queue_row(replica, cx, row))
            .collect(),
        has_more: count > QUEUE_ROWS as u64,
        more: cx.with("console.today.all_n", &[("n", &n)]),
        empty: cx.say(&format!("console.today.{id}.empty")),
        count: n,
        title,
    };
    Ok((queue, count))
}

fn queue_row(replica: &Replica, cx: &Cx, row: &ViewRow) -> QueueRow {
    let kind = fields::kind_label(replica, cx, &row.kind);
    let place = fields::space_label(cx, &replica.space_name(&row.space));
    let who = replica.name_of(&row.updated_by);
    let meta = match rows::days_late(replica, cx, row) {
        Some(days) => {
            let date = cx.clock.kept_day(row.due.as_deref().unwrap_or_default());
            let places = [("date", date.as_str()), ("who", &who)];
            cx.text.count_with("console.today.late_days", days, &places)
        }
        None => format!("{who} · {}", cx.clock.moment(row.updated_at)),
    };
    QueueRow {
        href: rows::href(row),
        title: fields::title(replica, cx, row),
        meta: format!("{kind} · {place} · {meta}"),
    }
}

fn review(replica: &Replica, cx: &Cx) -> Result<Filled, Trouble> {
    let filter = rows::to_review(replica)?;
    queue(
        replica,
        cx,
        "review",
        ("review", "info"),
        "flag=review",
        filter,
    )
}

/// What came back to this person to be put right.
fn back(replica: &Replica, cx: &Cx) -> Result<Filled, Trouble> {
    let filter = rows::sent_back(replica)?;
    queue(replica, cx, "back", ("return", "warn"), "flag=back", filter)
}

/// Tasks and needs that are given to this person and not done.
fn mine(replica: &Replica, cx: &Cx) -> Result<Filled, Trouble> {
    let me = replica.roster().member_id(&replica.device());
    let Some(me) = me else {
        let nothing = RowFilter {
            created_by: Some(Vec::new()),
            ..RowFilter::default()
        };
        return queue(replica, cx, "mine", ("task", ""), "kind=task", nothing);
    };
    let filter = RowFilter {
        kind: Some("task".to_owned()),
        states: vec!["open".to_owned(), "doing".to_owned()],
        person: Some(replica.person(me)?),
        order: Order::Due,
        ..RowFilter::default()
    };
    let query = format!("kind=task&state=open&state=doing&person={me}&sort=due");
    queue(replica, cx, "mine", ("task", ""), &query, filter)
}

/// What two people wrote otherwise, and what may be written down twice.
fn clashes(replica: &Replica, cx: &Cx) -> Result<Filled, Trouble> {
    let (mut queue, clashes) = queue(
        replica,
        cx,
        "decide",
        ("clash", "warn"),
        "flag=clash",
        rows::clashing(),
    )?;
    let pairs = duplicates::to_settle(replica)?;
    if pairs > 0 {
        if clashes == 0 {
            "/duplicates".clone_into(&mut queue.href);
        }
        "warn".clone_into(&mut queue.tone);
        queue.has_items = true;
        queue.rows.push(QueueRow {
            href: "/duplicates".to_owned(),
            title: cx.count("console.today.twins", pairs),
            meta: cx.say("console.today.twins_meta"),
        });
    }
    let count = clashes + pairs;
    queue.count = thousands(count);
    let places = [("title", queue.title.as_str()), ("n", &queue.count)];
    queue.count_words = cx.with("console.today.count_words", &places);
    Ok((queue, count))
}

fn late(replica: &Replica, cx: &Cx) -> Result<Filled, Trouble> {
    let filter = rows::late(replica, cx);
    queue(
        replica,
        cx,
        "late",
        ("clock", "bad"),
        "flag=late&sort=due",
        filter,
    )
}

/// Monday to Sunday of this week.
fn week(cx: &Cx) -> (jiff::civil::Date, jiff::civil::Date) {
    let today = cx.clock.today();
    let back = i64::from(today.weekday().to_monday_zero_offset());
    let days = |n: i64| today.saturating_add(jiff::Span::new().days(n));
    (days(-back), days(6 - back))
}

fn week_title(cx: &Cx) -> String {
    let (from, to) = week(cx);
    let places = [("from", cx.clock.day(from)), ("to", cx.clock.day(to))];
    let [(a, from), (b, to)] = &places;
    cx.with("console.today.week", &[(a, from), (b, to)])
}

/// Counts of records about days of this week, each with its list.
fn numbers(replica: &Replica, cx: &Cx) -> Result<Vec<Number>, Trouble> {
    let (from, to) = week(cx);
    let kinds = [
        ("visit", "console.today.number.visits", "console.unit.times"),
        ("event", "console.today.number.events", "console.unit.items"),
        ("hours", "console.today.number.hours", "console.unit.items"),
        (
            "session",
            "console.today.number.sessions",
            "console.unit.times",
        ),
    ];
    let numbers = kinds.iter().map(|(kind, label, unit)| {
        let filter = RowFilter {
            kind: Some((*kind).to_owned()),
            day_from: Some(from.to_string()),
            day_to: Some(to.to_string()),
            ..RowFilter::default()
        };
        Ok(Number {
            value: thousands(replica.count(&filter)?),
            unit: cx.say(unit),
            label: cx.say(label),
            href: format!("/records?kind={kind}&from={from}&to={to}&sort=day"),
        })
    });
    numbers.collect()
}

/// Comments of others that name this person, of the last days.
fn told(replica: &Replica, cx: &Cx) -> Result<Vec<FeedLine>, Trouble> {
    let Some(me) = replica.roster().member_id(&replica.device()) else {
        return Ok(Vec::new());
    };
    let naming_me = RowFilter {
        kind: Some("comment".to_owned()),
        linked: Some(LinkTarget::Member(me)),
        not_created_by: replica.person(me)?.devices,
        changed_after: Some(Millis(cx.clock.now.0 - TOLD_MILLIS)),
        limit: Some(TOLD_ROWS),
        ..RowFilter::default()
    };
    let lines = replica.list(&naming_me)?.into_iter().map(|row| {
        let who = replica.name_of(&row.created_by);
        let fields = row.values();
        let about = fields.get("about").and_then(Value::as_str);
        FeedLine {
            initial: initial(&who),
            href: about.map_or_else(|| rows::href(&row), |id| format!("/record/{id}#talk")),
            text: cx.with("console.today.told", &[("who", &who)]),
            meta: cx.clock.moment(row.created_at),
        }
    });
    Ok(lines.collect())
}

fn feed(replica: &Replica, cx: &Cx) -> Result<Vec<FeedLine>, Trouble> {
    let newest = RowFilter {
        limit: Some(FEED_ROWS),
        ..RowFilter::default()
    };
    let lines = replica.list(&newest)?.into_iter().map(|row| {
        let who = replica.name_of(&row.updated_by);
        let title = fields::title(replica, cx, &row);
        let key = if row.kind == "comment" {
            "console.feed.said"
        } else if row.created_at == row.updated_at {
            "console.feed.wrote"
        } else {
            "console.feed.changed"
        };
        FeedLine {
            initial: initial(&who),
            href: rows::href(&row),
            text: cx.with(key, &[("who", &who), ("title", &title)]),
            meta: cx.clock.moment(row.updated_at),
        }
    });
    Ok(lines.collect())
}
