//! `banyan bundle inspect`: what a file is, without taking anything in.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use sync_core::bundle::{BadBundle, Item, Manifest, read_community};
use sync_core::id::{CommunityId, LaneId, Millis};
use sync_core::replica::Replica;
use sync_core::roster::roster_lane;

use super::super::App;
use super::super::report::bytes;
use super::import::sender;
use super::{broken, open, refused};
use crate::cli::BundleInspectArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Progress, thousands};

/// What is in a file that opens.
struct Inside {
    manifest: Manifest,
    /// Entries by lane.
    lanes: BTreeMap<LaneId, u64>,
    broken: Option<BadBundle>,
}

pub(super) fn run(app: &mut App, args: &BundleInspectArgs) -> Result<(), Failure> {
    let path = args.file.as_path();
    let (file, size) = open(path)?;
    let community = read_community(file).map_err(|error| refused(path, error))?;
    let replica = match app.replica() {
        Ok(replica) => Some(replica),
        // Anybody may ask what a file is.
        Err(failure) if failure.exit() == Exit::NoCommunity => None,
        Err(failure) => return Err(failure),
    };
    let replica = replica.filter(|replica| replica.community() == community);
    let inside = replica.as_ref().map(|replica| look(app, replica, path));
    match (replica, inside.transpose()?.flatten()) {
        (Some(replica), Some(inside)) => tell(app, &replica, path, size, &inside),
        _ => tell_stranger(app, &community, size),
    }
}

/// Goes through the whole file; none if it is sealed to others.
fn look(app: &App, replica: &Replica, path: &Path) -> Result<Option<Inside>, Failure> {
    let (file, size) = open(path)?;
    let mut reader = match replica.read_bundle(file) {
        Ok(reader) => reader,
        Err(BadBundle::NotForUs) => return Ok(None),
        Err(error) => return Err(refused(path, error)),
    };
    let mut progress = Progress::new();
    let (mut entries, all) = (0, bytes(size));
    let mut inside = Inside {
        manifest: reader.manifest().clone(),
        lanes: BTreeMap::new(),
        broken: None,
    };
    loop {
        match reader.next_item() {
            Ok(Some(Item::Batches(batches))) => {
                for one in batches {
                    let count = one.batch.count() as u64;
                    entries += count;
                    *inside.lanes.entry(one.batch.place().log.lane).or_default() += count;
                }
            }
            Ok(Some(Item::Word(_))) => {}
            Ok(None) => return Ok(Some(inside)),
            Err(error) => {
                inside.broken = Some(error);
                return Ok(Some(inside));
            }
        }
        let (done, entries) = (bytes(reader.bytes_read()), thousands(entries));
        let places = [
            ("done", done.as_str()),
            ("all", all.as_str()),
            ("entries", entries.as_str()),
        ];
        progress.show(|| app.text.with("out.bundle.reading", &places));
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

/// A space's name, how many entries of it are in the file, and whether this device may have it.
type OfSpace = (String, u64, bool);

fn tell(
    app: &mut App,
    replica: &Replica,
    path: &Path,
    size: u64,
    inside: &Inside,
) -> Result<(), Failure> {
    let roster = roster_lane(&replica.community());
    let of_roster = inside.lanes.get(&roster).copied().unwrap_or_default();
    let mine = replica.roster().lanes_of(&replica.device());
    let spaces = inside.lanes.iter().filter(|(lane, _)| **lane != roster);
    let spaces: Vec<OfSpace> = spaces
        .map(|(lane, count)| (replica.space_name(lane), *count, mine.contains(lane)))
        .collect();
    if app.is_json {
        let value = as_json(replica, size, inside, of_roster, &spaces);
        app.out.json(&value)?;
    } else {
        let from = sender(replica, &inside.manifest.device);
        tell_lines(app, &from, size, inside, of_roster, &spaces)?;
    }
    inside
        .broken
        .map_or(Ok(()), |error| Err(broken(path, error)))
}

fn as_json(
    replica: &Replica,
    size: u64,
    inside: &Inside,
    of_roster: u64,
    spaces: &[OfSpace],
) -> Value {
    let manifest = &inside.manifest;
    let spaces = spaces.iter().map(|(name, entries, is_mine)| {
        json!({ "space": name, "entries": entries, "is_for_this_device": is_mine })
    });
    let spaces: Vec<Value> = spaces.collect();
    json!({
        "community": replica.community().to_string(), "bytes": size, "is_open": true,
        "from": sender(replica, &manifest.device), "device": manifest.device.to_string(),
        "at": manifest.at, "set": manifest.set.to_string(), "part": manifest.part,
        "parts": manifest.parts, "is_partial": manifest.is_partial,
        "announced": manifest.totals.entries, "entries": inside.lanes.values().sum::<u64>(),
        "members": of_roster, "spaces": spaces, "is_whole": inside.broken.is_none(),
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
    for (name, entries, is_mine) in spaces {
        let key = if *is_mine {
            "out.bundle.space"
        } else {
            "out.bundle.space_of_others"
        };
        let entries = thousands(*entries);
        app.say(key, &[("space", name), ("n", &entries)])?;
    }
    if inside.broken.is_none() {
        app.say("out.bundle.whole", &[])?;
    }
    Ok(())
}
