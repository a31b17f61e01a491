//! `banyan status`: how things stand on this device.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sync_core::replica::Status;

use super::{App, members};
use crate::failure::Failure;
use crate::output::{self, thousands};
use crate::values;

pub(super) fn run(app: &mut App) -> Result<(), Failure> {
    let status = app.replica()?.status()?;
    if app.is_json {
        return app.out.json(&as_json(&status));
    }
    let facts = who(app, &status);
    output::facts(&mut app.out, &facts)?;
    app.out.line("")?;
    let facts = what(app, &status);
    output::facts(&mut app.out, &facts)?;
    app.out.line("")?;
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
    let mut is_quiet = true;
    for (_, key) in advice.iter().filter(|(applies, _)| *applies) {
        is_quiet = false;
        app.say(key, &[])?;
    }
    if is_quiet {
        app.say("out.status.quiet", &[])?;
    }
    Ok(())
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
        "pending": status.pending,
        "relays": status.relays,
        "digest": status.digest,
    })
}
