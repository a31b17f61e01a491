//! What the last sessions did, in sentences: counts that the store kept, each with the list behind it where
//! there is one.

use std::collections::BTreeMap;

use sync_core::replica::{Meeting, Replica};

use crate::commands::report::{exchanged, most_first};
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::views::station::{Told, ToldLine};
use crate::failure::refusal_key;
use crate::output::thousands;

/// The newest session first.
pub(super) fn all(replica: &Replica, cx: &Cx) -> Result<Vec<Told>, Trouble> {
    let meetings = replica.meetings()?;
    Ok(meetings.iter().map(|it| told(replica, cx, it)).collect())
}

fn told(replica: &Replica, cx: &Cx, meeting: &Meeting) -> Told {
    let (tone, icon, word) = if !meeting.is_whole {
        ("warn", "offline", "console.sync.told.cut")
    } else if meeting.conflicts + meeting.held + meeting.rejected + meeting.lost_by_relay > 0 {
        ("warn", "warn", "console.sync.told.look")
    } else {
        ("good", "check", "console.sync.told.whole")
    };
    Told {
        title: title(replica, cx, meeting),
        tone: tone.to_owned(),
        icon: icon.to_owned(),
        word: cx.say(word),
        lines: lines(replica, cx, meeting),
    }
}

/// With whom, from when to when.
fn title(replica: &Replica, cx: &Cx, meeting: &Meeting) -> String {
    let mut relays = replica.relays().iter();
    let relay = relays.find(|relay| relay.relay == meeting.with);
    let is_member = replica.roster().member_id(&meeting.with).is_some();
    let who = match relay {
        Some(relay) => cx.with("console.sync.told.relay", &[("addr", &relay.addr)]),
        None if is_member => replica.name_of(&meeting.with),
        None => cx.say("console.sync.told.other"),
    };
    let (began, ended) = (meeting.began(), meeting.ended());
    let (from, to) = (cx.clock.moment(began), cx.clock.moment(ended));
    if from == to {
        cx.with("console.sync.told.at", &[("who", &who), ("when", &to)])
    } else {
        let places = [("who", who.as_str()), ("from", &from), ("to", &to)];
        cx.with("console.sync.told.from_to", &places)
    }
}

fn lines(replica: &Replica, cx: &Cx, meeting: &Meeting) -> Vec<ToldLine> {
    let (sent, received) = (meeting.sent, meeting.received);
    let mut lines = vec![plain(exchanged(sent, received, meeting.merged, &cx.text))];
    let kinds = named(cx, &meeting.by_kind, |kind| {
        fields::kind_label(replica, cx, kind)
    });
    lines.extend(listed(cx, "out.sync.by_kind", &kinds));
    let people = named(cx, &meeting.by_member, |member| replica.member_name(member));
    lines.extend(listed(cx, "out.sync.by_person", &people));
    let counted = [
        (
            "console.sync.told.clash",
            meeting.conflicts,
            "/records?flag=clash",
        ),
        ("console.sync.told.held", meeting.held, "/held"),
        ("out.sync.waiting", meeting.waiting, ""),
        ("out.sync.lost_by_relay", meeting.lost_by_relay, ""),
        ("out.sync.rejected", meeting.rejected, ""),
    ];
    let counted = counted.into_iter().filter(|(_, count, _)| *count > 0);
    lines.extend(counted.map(|(key, count, href)| ToldLine {
        text: cx.count(key, count),
        href: href.to_owned(),
    }));
    for (refusal, batches) in meeting.refused() {
        let (reason, n) = (cx.say(&refusal_key(refusal)), thousands(batches));
        let places = [("reason", reason.as_str()), ("n", &n)];
        lines.push(plain(cx.with("out.sync.refused", &places)));
    }
    lines
}

fn plain(text: String) -> ToldLine {
    ToldLine {
        text,
        href: String::new(),
    }
}

/// `走访 3、需求 1`, the most first.
fn named<K: Clone + Ord>(
    cx: &Cx,
    counts: &BTreeMap<K, u64>,
    name: impl Fn(&K) -> String,
) -> String {
    let counts = most_first(counts).into_iter();
    let counts = counts.map(|(key, count)| format!("{} {}", name(&key), thousands(count)));
    counts.collect::<Vec<_>>().join(&cx.say("word.and"))
}

fn listed(cx: &Cx, key: &str, list: &str) -> Option<ToldLine> {
    let line = || plain(cx.with(key, &[("list", list)]));
    (!list.is_empty()).then(line)
}
