//! `banyan bundle inspect`: what a file is, without taking anything in.

use serde_json::{Value, json};
use sync_core::id::{CommunityId, Millis};
use sync_core::replica::Replica;
use sync_core::roster::roster_lane;
use sync_node::bundle::{Inside, Inspected, Inspection, OfSpace, sender};

use super::super::App;
use super::super::report::bytes;
use crate::cli::BundleInspectArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Progress, thousands};

pub(super) fn run(app: &mut App, args: &BundleInspectArgs) -> Result<(), Failure> {
    // Anybody may ask what a file is; whether it is one at all does not hang on a community.
    let replica = match app.replica() {
        Ok(replica) => Some(replica),
        Err(failure) if failure.exit() == Exit::NoCommunity => None,
        Err(failure) => return Err(failure),
    };
    let mut inspection = Inspection::begin(replica.as_ref(), &args.file)?;
    let mut progress = Progress::new();
    while inspection.step() {
        let come = inspection.progress();
        let (done, all) = (bytes(come.done), bytes(come.all));
        let entries = thousands(come.entries);
        let places = [
            ("done", done.as_str()),
            ("all", all.as_str()),
            ("entries", entries.as_str()),
        ];
        progress.show(|| app.text.with("out.bundle.reading", &places));
    }
    drop(progress);
    let found = inspection.finish();
    match (replica, &found.inside) {
        (Some(replica), Some(inside)) => tell(app, &replica, &found, inside),
        _ => tell_stranger(app, &found.community, found.bytes),
    }
}

fn tell_stranger(app: &mut App, community: &CommunityId, size: u64) -> Result<(), Failure> {
    let community = community.to_string();
    if app.is_json {
        let sealed = json!({ "community": community, "bytes": size, "is_open": false });
        return app.out.json(&sealed);
    }
    let size = bytes(size);
    let places = [("community", community.as_str()), ("size", &size)];
    app.say("out.bundle.closed", &places)
}

fn tell(
    app: &mut App,
    replica: &Replica,
    found: &Inspected,
    inside: &Inside,
) -> Result<(), Failure> {
    let size = found.bytes;
    let roster = roster_lane(&replica.community());
    let of_roster = inside.lanes.get(&roster).copied().unwrap_or_default();
    let spaces = found.spaces(replica);
    if app.is_json {
        let value = as_json(replica, size, inside, of_roster, &spaces);
        app.out.json(&value)?;
    } else {
        let from = sender(replica, &inside.manifest.device);
        tell_lines(app, &from, size, inside, of_roster, &spaces)?;
    }
    found.broken().map_or(Ok(()), |error| Err(error.into()))
}

fn as_json(
    replica: &Replica,
    size: u64,
    inside: &Inside,
    of_roster: u64,
    spaces: &[OfSpace],
) -> Value {
    let manifest = &inside.manifest;
    let spaces = spaces.iter().map(
        |it| json!({ "space": it.name, "entries": it.entries, "is_for_this_device": it.is_ours }),
    );
    let spaces: Vec<Value> = spaces.collect();
    json!({
        "community": replica.community().to_string(), "bytes": size, "is_open": true,
        "from": sender(replica, &manifest.device), "device": manifest.device.to_string(),
        "at": manifest.at, "set": manifest.set.to_string(), "part": manifest.part,
        "parts": manifest.parts, "is_partial": manifest.is_partial,
        "announced": manifest.totals.entries, "entries": inside.lanes.values().sum::<u64>(),
        "members": of_roster, "spaces": spaces, "is_whole": inside.broken.is_none(),
        "attachments": inside.blobs.len(),
    })
}

fn tell_lines(
    app: &mut App,
    from: &str,
    size: u64,
    inside: &Inside,
    of_roster: u64,
    spaces: &[OfSpace],
) -> Result<(), Failure> {
    let manifest = &inside.manifest;
    let (part, parts) = (manifest.part.to_string(), manifest.parts.to_string());
    let (at, size) = (output::time(Millis(manifest.at)), bytes(size));
    let places = [
        ("from", from),
        ("at", &at),
        ("part", &part),
        ("n", &parts),
        ("size", &size),
    ];
    app.say("out.bundle.head", &places)?;
    if manifest.is_partial {
        app.say("out.bundle.partial", &[])?;
    }
    let line = app.text.count("out.bundle.roster", of_roster);
    app.out.line(&line)?;
    for OfSpace {
        name,
        entries,
        is_ours,
    } in spaces
    {
        let key = if *is_ours {
            "out.bundle.space"
        } else {
            "out.bundle.space_of_others"
        };
        let entries = thousands(*entries);
        app.say(key, &[("space", name), ("n", &entries)])?;
    }
    if !inside.blobs.is_empty() {
        let line = app
            .text
            .count("out.bundle.attachments", inside.blobs.len() as u64);
        app.out.line(&line)?;
    }
    if inside.broken.is_none() {
        app.say("out.bundle.whole", &[])?;
    }
    Ok(())
}
