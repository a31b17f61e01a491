//! Whether what was written here has gone out, and what waits.

mod told;

use sync_core::id::Millis;
use sync_core::replica::Replica;
use sync_node::NodeError;

use super::reach;
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::gate::Flash;
use crate::console::views::shared::PersonLine;
use crate::console::views::station::Sync;

/// So many people stand on the page, first those who lack something or are quiet; the others are asked for.
const PEOPLE_OPEN: usize = 24;

/// Asks for all people.
const ALL: &str = "all";

/// A line about so many; empty if there are none.
fn counted(cx: &Cx, key: &str, n: usize) -> String {
    if n == 0 {
        return String::new();
    }
    cx.count(key, n as u64)
}

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let unsent = replica.unsent_count()?;
    let waits = crate::commands::status::wait_lines(&replica.key_waits()?, &cx.text);
    let has_no_relay = replica.relays().is_empty();
    let headline = if unsent > 0 {
        cx.count("console.sync.pending", unsent)
    } else if has_no_relay || cx.net.offline.is_some() {
        cx.say("console.sync.off")
    } else if cx.net.caught_up_at.is_some() {
        cx.say("console.sync.done")
    } else {
        cx.say("console.sync.underway")
    };
    let lead = match (&cx.net.offline, cx.net.caught_up_at) {
        (Some(reason), _) => format!("{reason} {}", cx.say("console.sync.lead_off")),
        (None, Some(at)) if unsent == 0 => {
            cx.with("console.sync.lead", &[("when", &cx.clock.moment(at))])
        }
        (None, _) => cx.say("console.sync.lead_off"),
    };
    let as_of = reach::as_of(replica, cx)?;
    let mut told = told::all(replica, cx)?;
    let told_before = told.split_off(told.len().min(1));
    let (records, clashes) = records(replica)?;
    let mut people = reach::people(replica, cx)?;
    let (near, others) = (people.near.len(), people.others.len());
    if cx.asked.query.get("people") != ALL {
        people.near.truncate(PEOPLE_OPEN);
        people.others.clear();
    }
    let more = near - people.near.len();
    let beside = others - people.others.len();
    let page = Sync {
        people: people.near,
        people_more: counted(cx, "console.sync.people_more", more),
        people_beside: counted(cx, "console.sync.people_beside", beside),
        others_title: counted(cx, "console.sync.people_beside", people.others.len()),
        others: people.others,
        headline,
        lead,
        can_sync: !has_no_relay,
        relays: replica
            .relays()
            .iter()
            .map(|relay| relay_line(cx, &relay.addr))
            .collect(),
        as_of: as_of.line,
        has_missing: !as_of.missing.is_empty(),
        missing: as_of.missing,
        held: cx.count("console.sync.held", replica.status()?.held),
        records: cx.count("console.sync.records", records),
        clashes: if clashes > 0 {
            cx.count("console.sync.clashes", clashes)
        } else {
            String::new()
        },
        told,
        told_before,
        waiting: waits,
    };
    Ok(Shown::new("sync", "sync records", page))
}

/// How many records are here, and how many of them are in conflict.
fn records(replica: &Replica) -> Result<(u64, u64), Trouble> {
    let counts = replica.counts()?;
    let counts = counts.iter();
    let clashes = counts.clone().map(|count| count.in_conflict).sum();
    Ok((counts.map(|count| count.records).sum(), clashes))
}

fn relay_line(cx: &Cx, addr: &str) -> PersonLine {
    let (tone, icon, word) = match (&cx.net.offline, cx.net.caught_up_at) {
        (Some(_), _) => ("bad", "offline", "console.word.no_answer"),
        (None, Some(_)) => ("good", "check", "console.word.connected"),
        (None, None) => ("warn", "clock", "console.sync.underway"),
    };
    PersonLine {
        initial: addr.chars().take(1).collect(),
        line: addr.to_owned(),
        tone: tone.to_owned(),
        icon: icon.to_owned(),
        word: cx.say(word),
        detail: String::new(),
        href: String::new(),
    }
}

/// What came of a sync that somebody asked for; none if it still goes on.
pub(in crate::console) fn answer(
    now: Millis,
    cx: &Cx,
    form: &Form,
    ended: Option<Result<(), NodeError>>,
) -> Answer {
    let flash = match ended {
        None => Flash::info(cx.say("console.sync.goes_on")),
        Some(Ok(())) => {
            let when = cx.clock.moment(now);
            Flash::good(cx.with("console.sync.met", &[("when", &when)]))
        }
        Some(Err(NodeError::NoRelay)) => Flash::bad(cx.say("console.sync.no_relay")),
        Some(Err(error)) if error.is_passing() => Flash::bad(cx.say("console.sync.not_met")),
        Some(Err(error)) => Flash::bad(cx.sentence(&error.into())),
    };
    Answer::Go {
        to: Answer::back_of(form),
        flash: Some(flash),
    }
}
