//! How far records have come, and how far everybody has been heard from.

use sync_core::id::{MemberId, Millis};
use sync_core::replica::{MemberFreshness, Replica, ReplicaError, TickLevel, Ticks};

use crate::commands::fresh;
use crate::console::cx::{Cx, Trouble, initial, is_coordinator, own_name};
use crate::console::views::shared::{PersonLine, Step};
use crate::console::when::Clock;
use crate::output::thousands;
use crate::text::Text;

const DAY_MILLIS: i64 = 86_400_000;
/// Who has said nothing for so long is named beside every number.
const QUIET_DAYS: i64 = 7;

/// Up to when what is shown goes, and who is missing in it.
pub(super) struct AsOf {
    pub(super) line: String,
    pub(super) missing: String,
    /// Members whose work is in, of all.
    pub(super) heard: u64,
    pub(super) members: u64,
}

pub(super) fn as_of(replica: &Replica, cx: &Cx) -> Result<AsOf, Trouble> {
    Ok(as_of_at(replica, &cx.text, &cx.clock)?)
}

/// The same for paper.
pub(super) fn as_of_at(
    replica: &Replica,
    text: &Text,
    clock: &Clock,
) -> Result<AsOf, ReplicaError> {
    let since = Millis(clock.now.0 - QUIET_DAYS * DAY_MILLIS);
    let as_of = replica.as_of(since)?;
    let when = clock.moment(clock.now);
    let (heard, members) = (as_of.heard as u64, as_of.members as u64);
    let (n, m) = (thousands(heard), thousands(members));
    let places = [("when", when.as_str()), ("n", &n), ("m", &m)];
    let line = if as_of.missing.is_empty() {
        text.with("console.asof.all", &places)
    } else {
        text.with("console.asof.some", &places)
    };
    let missing: Vec<MemberId> = as_of.missing.iter().map(|it| it.member).collect();
    let who = fresh::names(replica, &missing, text);
    Ok(AsOf {
        line,
        missing: if missing.is_empty() {
            String::new()
        } else {
            text.with("console.asof.missing", &[("who", &who)])
        },
        heard,
        members,
    })
}

/// How far a record has come, as lists and its own page say it. The core asks which others have it; what a
/// colleague has and lies on a coordinator's own device has come all the way.
pub(super) fn level(replica: &Replica, ticks: &Ticks) -> TickLevel {
    if ticks.level == TickLevel::Colleague && is_coordinator(replica) {
        TickLevel::Coordinator
    } else {
        ticks.level
    }
}

/// From 1 (saved here) to 4 (with a coordinator).
pub(super) fn number(level: TickLevel) -> u8 {
    match level {
        TickLevel::Saved => 1,
        TickLevel::Relay => 2,
        TickLevel::Colleague => 3,
        TickLevel::Coordinator => 4,
    }
}

pub(super) fn word(cx: &Cx, level: TickLevel) -> String {
    cx.say(match level {
        TickLevel::Saved => "console.tick.1",
        TickLevel::Relay => "console.tick.2",
        TickLevel::Colleague => "console.tick.3",
        TickLevel::Coordinator => "console.tick.4",
    })
}

/// The way of a record from this device to a coordinator.
pub(super) fn steps(replica: &Replica, cx: &Cx, ticks: &Ticks) -> Vec<Step> {
    let wait = || cx.say("console.tick.wait");
    let names = |members: &[MemberId]| {
        if members.is_empty() {
            wait()
        } else {
            fresh::names(replica, members, &cx.text)
        }
    };
    let pending = if ticks.pending > 0 {
        let n = thousands(ticks.pending);
        cx.with("console.tick.pending", &[("n", &n)])
    } else {
        String::new()
    };
    let step = |level, done: bool, icon: &str, detail| Step {
        done,
        icon: icon.to_owned(),
        label: word(cx, level),
        detail,
        href: String::new(),
    };
    let on_relay = if ticks.on_relay {
        String::new()
    } else {
        wait()
    };
    vec![
        step(TickLevel::Saved, true, "laptop", pending),
        step(TickLevel::Relay, ticks.on_relay, "relay", on_relay),
        step(
            TickLevel::Colleague,
            !ticks.colleagues.is_empty(),
            "phone",
            names(&ticks.colleagues),
        ),
        at_the_top(replica, cx).unwrap_or_else(|| {
            let is_there = !ticks.coordinators.is_empty();
            let names = names(&ticks.coordinators);
            step(TickLevel::Coordinator, is_there, "person", names)
        }),
    ]
}

/// The last step on a coordinator's own device: what is there has arrived.
fn at_the_top(replica: &Replica, cx: &Cx) -> Option<Step> {
    is_coordinator(replica).then(|| Step {
        done: true,
        icon: "person".to_owned(),
        label: word(cx, TickLevel::Coordinator),
        detail: own_name(replica),
        href: String::new(),
    })
}

/// Everybody else, in two lists.
pub(super) struct People {
    /// Who may read what I write, or has been quiet for long; those first who lack something or are quiet.
    pub(super) near: Vec<PersonLine>,
    /// Who reads nothing of mine and has been heard from.
    pub(super) others: Vec<PersonLine>,
}

/// Who has what of mine.
pub(super) fn people(replica: &Replica, cx: &Cx) -> Result<People, Trouble> {
    let mut all = replica.freshness()?;
    all.retain(|it| !it.is_self);
    all.sort_by_key(|it| (!is_quiet(cx, it) && it.has_all_of_mine, it.heard_at));
    let is_near = |it: &MemberFreshness| it.may_read || is_quiet(cx, it);
    let (near, others): (Vec<_>, Vec<_>) = all.iter().partition(|it| is_near(it));
    let lines = |of: Vec<&MemberFreshness>| of.into_iter().map(|it| person(cx, it)).collect();
    if near.is_empty() {
        return Ok(People {
            near: lines(others),
            others: Vec::new(),
        });
    }
    Ok(People {
        near: lines(near),
        others: lines(others),
    })
}

fn is_quiet(cx: &Cx, of: &MemberFreshness) -> bool {
    let since = Millis(cx.clock.now.0 - QUIET_DAYS * DAY_MILLIS);
    of.heard_at.is_none_or(|at| at < since)
}

fn person(cx: &Cx, of: &MemberFreshness) -> PersonLine {
    let (tone, icon, word) = if is_quiet(cx, of) {
        ("bad", "clock", "console.word.quiet")
    } else if !of.may_read {
        ("info", "check", "console.word.heard")
    } else if !of.has_all_of_mine {
        ("warn", "clock", "console.word.lacks")
    } else {
        ("good", "check", "console.word.has_all")
    };
    let lacks = of.may_read && of.lacks > 0;
    PersonLine {
        initial: initial(&of.name),
        line: match of.heard_at {
            // What they may not read says nothing about them; that they are there does.
            Some(at) if !of.may_read => {
                let places = [("name", of.name.as_str()), ("when", &cx.clock.moment(at))];
                cx.with("console.sync.heard", &places)
            }
            _ => fresh::has(of, &cx.text, &|at| cx.clock.moment(at)),
        },
        tone: tone.to_owned(),
        icon: icon.to_owned(),
        word: cx.say(word),
        detail: fresh::heard(of.heard_at, cx.clock.now, &cx.text)
            .trim()
            .to_owned(),
        href: if lacks {
            format!("/records?lacked={}", of.member)
        } else {
            String::new()
        },
    }
}
