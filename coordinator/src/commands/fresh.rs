//! Who has what of mine: a record's ticks, and how far everybody has been heard from, in words and as JSON.

use serde_json::{Value, json};
use sync_core::id::{MemberId, Millis};
use sync_core::replica::{MemberFreshness, Replica, TickLevel, Ticks};

use crate::output;
use crate::text::Text;

/// So many people are named in one line.
const NAMES_SHOWN: usize = 4;
/// So many people have a line of their own; of the others is told how many they are.
const PEOPLE_SHOWN: usize = 12;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// How far a record has come, in one sentence.
pub(super) fn tick_line(replica: &Replica, ticks: &Ticks, text: &Text) -> String {
    let names = |members: &[MemberId]| names(replica, members, text);
    match ticks.level {
        TickLevel::Saved if ticks.pending > 0 => {
            let count = output::thousands(ticks.pending);
            text.with("out.ticks.pending", &[("n", &count)])
        }
        TickLevel::Saved => text.say("out.ticks.saved"),
        TickLevel::Relay => text.say("out.ticks.relay"),
        TickLevel::Colleague => text.with(
            "out.ticks.colleague",
            &[("names", &names(&ticks.colleagues))],
        ),
        TickLevel::Coordinator => {
            let top = names(&ticks.coordinators);
            if ticks.colleagues.is_empty() {
                return text.with("out.ticks.coordinator", &[("names", &top)]);
            }
            let others = names(&ticks.colleagues);
            let places = [("names", top.as_str()), ("others", &others)];
            text.with("out.ticks.coordinator_and", &places)
        }
    }
}

pub(crate) fn names(replica: &Replica, members: &[MemberId], text: &Text) -> String {
    let shown = members.iter().take(NAMES_SHOWN);
    let shown: Vec<String> = shown.map(|member| replica.member_name(member)).collect();
    let shown = shown.join(&text.say("word.and"));
    match members.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => {
            let more = output::thousands(more as u64);
            text.with("out.ticks.more", &[("names", &shown), ("n", &more)])
        }
    }
}

/// A record's ticks for programs.
pub(super) fn ticks_json(replica: &Replica, ticks: &Ticks) -> Value {
    let members = |members: &[MemberId]| -> Vec<Value> {
        let members = members.iter();
        let member =
            |id: &MemberId| json!({ "member": id.to_string(), "name": replica.member_name(id) });
        members.map(member).collect()
    };
    json!({
        "level": ticks.level.name(),
        "on_relay": ticks.on_relay,
        "colleagues": members(&ticks.colleagues),
        "coordinators": members(&ticks.coordinators),
        "pending": ticks.pending,
    })
}

/// How far everybody has been heard from, a sentence for each; those first who lack something or have
/// been quiet.
pub(super) fn lines(all: &[MemberFreshness], now: Millis, text: &Text) -> Vec<String> {
    let mut others: Vec<&MemberFreshness> = all.iter().filter(|it| !it.is_self).collect();
    others.sort_by_key(|it| (it.has_all_of_mine, it.heard_at));
    let shown = others.iter().take(PEOPLE_SHOWN);
    let mut lines: Vec<String> = shown
        .map(|it| {
            format!(
                "{}{}",
                has(it, text, &output::time),
                heard(it.heard_at, now, text)
            )
        })
        .collect();
    let more = others.len().saturating_sub(PEOPLE_SHOWN);
    if more > 0 {
        let more = output::thousands(more as u64);
        lines.push(text.with("out.fresh.more", &[("n", &more)]));
    }
    lines
}

/// What somebody has of mine, in one sentence; `time` says a moment in words.
pub(crate) fn has(of: &MemberFreshness, text: &Text, time: &dyn Fn(Millis) -> String) -> String {
    let name = of.name.as_str();
    if !of.may_read {
        text.with("out.fresh.reads_nothing", &[("name", name)])
    } else if of.has_all_of_mine {
        match of.upto {
            Some(upto) => {
                let places = [("name", name), ("time", &time(upto))];
                text.with("out.fresh.all", &places)
            }
            None => text.with("out.fresh.nothing_yet", &[("name", name)]),
        }
    } else {
        let lacks = output::thousands(of.lacks);
        text.with("out.fresh.lacks", &[("name", name), ("n", &lacks)])
    }
}

/// When somebody was heard from, if that is a day ago or more.
pub(crate) fn heard(at: Option<Millis>, now: Millis, text: &Text) -> String {
    let Some(at) = at else {
        return text.say("out.fresh.never");
    };
    match now.0.saturating_sub(at.0) / DAY_MILLIS {
        1 => text.say("out.fresh.quiet_day"),
        days @ 2.. => {
            let days = output::thousands(days.unsigned_abs());
            text.with("out.fresh.quiet", &[("n", &days)])
        }
        _ => String::new(),
    }
}

/// The same for programs.
pub(super) fn as_json(all: &[MemberFreshness]) -> Vec<Value> {
    let people = all.iter().map(|it| {
        json!({
            "member": it.member.to_string(),
            "name": it.name,
            "self": it.is_self,
            "devices": it.devices,
            "heard_at": it.heard_at.map(|at| at.0),
            "may_read": it.may_read,
            "has_all_of_mine": it.has_all_of_mine,
            "lacks": it.lacks,
            "upto": it.upto.map(|at| at.0),
        })
    });
    people.collect()
}

#[cfg(test)]
mod tests {
    use sync_core::schema::Lang;

    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn person(name: &str) -> MemberFreshness {
        MemberFreshness {
            member: MemberId::new([1; 16]),
            name: name.to_owned(),
            is_self: false,
            devices: 1,
            heard_at: Some(NOW),
            may_read: true,
            has_all_of_mine: true,
            lacks: 0,
            upto: Some(NOW),
        }
    }

    #[test]
    fn each_person_has_a_sentence_and_those_who_lack_something_come_first() {
        let office = MemberFreshness {
            has_all_of_mine: false,
            lacks: 3,
            ..person("the office")
        };
        let li = MemberFreshness {
            has_all_of_mine: false,
            lacks: 5,
            heard_at: Some(Millis(NOW.0 - 6 * DAY_MILLIS)),
            ..person("李姐")
        };
        let new = MemberFreshness {
            has_all_of_mine: false,
            heard_at: None,
            lacks: 9,
            ..person("何")
        };
        let own = MemberFreshness {
            is_self: true,
            ..person("me")
        };
        let all = [person("王姐"), own, office, li, new];
        let text = Text::of(Lang::En);
        let told = lines(&all, NOW, &text);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(
            told[0].contains("何") && told[0].contains("never"),
            "{told:?}"
        );
        assert!(
            told[1].contains("lacks 5") && told[1].contains("6 days"),
            "{told:?}"
        );
        assert!(told[2].contains("the office lacks 3"), "{told:?}");
        assert!(
            told[3].contains("王姐 has everything of yours up to"),
            "{told:?}"
        );
        let told = lines(&all, NOW, &Text::of(Lang::Zh));
        assert!(told[1].contains("6 天"), "{told:?}");
    }

    #[test]
    fn crowd_is_counted_and_not_listed() {
        let all: Vec<MemberFreshness> = (0..20).map(|_| person("somebody")).collect();
        let told = lines(&all, NOW, &Text::of(Lang::En));
        assert_eq!(told.len(), PEOPLE_SHOWN + 1);
        assert!(told[PEOPLE_SHOWN].contains('8'), "{told:?}");
    }
}
