//! `banyan status`: how things stand on this device.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sync_core::id::Millis;
use sync_core::replica::{KeyGiver, KeyWait, Status};

use super::{App, fresh, members};
use crate::failure::Failure;
use crate::output::{self, thousands};
use crate::text::Text;
use crate::values;

/// So many people are named who can give a key.
const GIVERS_SHOWN: usize = 3;

pub(super) fn run(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let (status, people) = (replica.status()?, replica.freshness()?);
    if app.is_json {
        let mut status = as_json(&status);
        if let Some(object) = status.as_object_mut() {
            object.insert("freshness".to_owned(), fresh::as_json(&people).into());
        }
        return app.out.json(&status);
    }
    let facts = who(app, &status);
    output::facts(&mut app.out, &facts)?;
    app.out.line("")?;
    let facts = what(app, &status);
    output::facts(&mut app.out, &facts)?;
    app.out.line("")?;
    let now = Millis(Timestamp::now().as_millisecond());
    let lines = fresh::lines(&people, now, &app.text);
    if !lines.is_empty() {
        app.say("head.fresh", &[])?;
        for line in lines {
            app.out.line(&format!("  {line}"))?;
        }
        app.out.line("")?;
    }
    advise(app, &status)
}

fn who(app: &App, status: &Status) -> Vec<(String, String)> {
    let text = &app.text;
    let title = status
        .title
        .clone()
        .unwrap_or_else(|| text.say("word.unknown_title"));
    let roles = if status.is_removed {
        text.say("word.removed")
    } else if status.is_member {
        members::roles(&status.roles, text)
    } else {
        text.say("word.not_met")
    };
    let names: Vec<String> = status
        .spaces
        .iter()
        .map(|(_, name)| values::space_label(name, text))
        .collect();
    let mut facts = vec![
        (text.say("head.community"), title),
        (text.say("head.community_id"), status.community.clone()),
        (
            text.say("head.you"),
            format!("{} ({roles})", status.name.as_deref().unwrap_or("?")),
        ),
        (text.say("head.device"), status.device.clone()),
        (text.say("head.members"), thousands(status.members as u64)),
        (text.say("head.spaces"), names.join(", ")),
    ];
    facts.extend(status.relays.iter().map(|relay| {
        (
            text.say("head.relay"),
            format!("{}@{}", relay.relay, relay.addr),
        )
    }));
    facts
}

fn what(app: &App, status: &Status) -> Vec<(String, String)> {
    let text = &app.text;
    let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, kind, count) in &status.records {
        *by_kind.entry(kind).or_default() += count;
    }
    let total: u64 = by_kind.values().sum();
    let kinds: Vec<String> = by_kind
        .iter()
        .map(|(kind, count)| format!("{} {}", values::kind_label(kind, text), thousands(*count)))
        .collect();
    let records = if kinds.is_empty() {
        thousands(total)
    } else {
        format!("{} ({})", thousands(total), kinds.join(", "))
    };
    let count = |key: &str, number: u64| (text.say(key), thousands(number));
    vec![
        (text.say("head.records"), records),
        count("head.conflicts", status.conflicts),
        count("head.held", status.held),
        count("head.waiting", status.waiting_for_key),
        count("head.pending", status.pending),
        (text.say("head.digest"), status.digest.clone()),
    ]
}

/// What to do next, if anything.
fn advise(app: &mut App, status: &Status) -> Result<(), Failure> {
    let advice = [
        (status.relays.is_empty(), "out.status.no_relay"),
        (status.is_removed, "err.removed"),
        (
            status.is_removed,
            super::report::farewell_key(status.farewell),
        ),
        (
            !status.is_member && !status.is_removed,
            "out.status.not_met",
        ),
        (status.is_provisional, "out.join.provisional"),
        (status.is_alone_at_top, "out.status.alone"),
        (
            status.pending > 0 && !status.relays.is_empty(),
            "out.status.pending",
        ),
        (status.conflicts > 0, "out.status.conflicts"),
        (status.held > 0, "out.status.held"),
    ];
    let waits = wait_lines(&status.key_waits, &app.text);
    let mut is_quiet = waits.is_empty();
    for (_, key) in advice.iter().filter(|(applies, _)| *applies) {
        is_quiet = false;
        app.say(key, &[])?;
    }
    for line in &waits {
        app.out.line(line)?;
    }
    if is_quiet {
        app.say("out.status.quiet", &[])?;
    }
    Ok(())
}

/// Which keys are not here yet, and who can give them.
pub(crate) fn wait_lines(waits: &[KeyWait], text: &Text) -> Vec<String> {
    let lines = waits.iter().map(|wait| {
        let space = values::space_label(&wait.space, text);
        let names: Vec<String> = wait
            .from
            .iter()
            .take(GIVERS_SHOWN)
            .map(|giver| giver_label(giver, text))
            .collect();
        if names.is_empty() {
            return text.with("out.status.key_nobody", &[("space", &space)]);
        }
        let names = names.join(&text.say("out.status.key_or"));
        text.with("out.status.key", &[("space", &space), ("names", &names)])
    });
    lines.collect()
}

fn giver_label(giver: &KeyGiver, text: &Text) -> String {
    if giver.is_self {
        return text.say("out.status.key_own");
    }
    let id = || giver.member.chars().take(8).collect();
    let name = giver.name.clone().unwrap_or_else(id);
    let role = text.say(&format!("word.role.{}", giver.role));
    text.with("out.status.key_role", &[("name", &name), ("role", &role)])
}

fn as_json(status: &Status) -> Value {
    let spaces: Vec<Value> = status
        .spaces
        .iter()
        .map(|(id, name)| json!({ "space": id, "name": name }))
        .collect();
    let records: Vec<Value> = status
        .records
        .iter()
        .map(|(space, kind, count)| json!({ "space": space, "kind": kind, "records": count }))
        .collect();
    json!({
        "community": status.community,
        "title": status.title,
        "device": status.device,
        "name": status.name,
        "roles": members::roles_json(&status.roles),
        "member": status.is_member,
        "removed": status.is_removed,
        "farewell": status.farewell,
        "provisional": status.is_provisional,
        "members": status.members,
        "spaces": spaces,
        "records": records,
        "conflicts": status.conflicts,
        "held": status.held,
        "waiting_for_key": status.waiting_for_key,
        "key_waits": status.key_waits,
        "alone_at_top": status.is_alone_at_top,
        "pending": status.pending,
        "relays": status.relays,
        "digest": status.digest,
    })
}

#[cfg(test)]
mod tests {
    use sync_core::schema::Lang;

    use super::*;

    fn giver(name: Option<&str>, role: &str, is_self: bool) -> KeyGiver {
        KeyGiver {
            member: "3f7a9c12deadbeef".to_owned(),
            name: name.map(str::to_owned),
            role: role.to_owned(),
            is_self,
        }
    }

    #[test]
    fn who_can_give_a_key_is_named() {
        let text = Text::of(Lang::En);
        let wait = |from| KeyWait {
            space: "commons".to_owned(),
            from,
        };
        let waits = [
            wait(vec![
                giver(Some("Chen"), "volunteer", true),
                giver(Some("He Jie"), "lead", false),
                giver(None, "owner", false),
                giver(Some("beyond what is shown"), "owner", false),
            ]),
            wait(Vec::new()),
        ];
        let lines = wait_lines(&waits, &text);
        let names = "the key from your other device or He Jie (lead) or 3f7a9c12 (owner).";
        assert!(lines[0].contains(names), "{lines:?}");
        assert!(lines[1].contains("ask a coordinator"), "{lines:?}");
    }
}
