//! `banyan bundle import`: takes in what files bring, and says what that was.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use sync_core::id::{BundleId, DeviceId};
use sync_core::peer::{Report, moment};
use sync_core::replica::{Brought, Replica, ReplicaError};
use sync_node::SyncReport;

use super::super::App;
use super::super::report::{self, Outcome, bytes};
use super::{broken, open, refused};
use crate::cli::BundleImportArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Progress, thousands};
use crate::place;

/// What one file brought.
struct Done {
    path: PathBuf,
    from: String,
    brought: Brought,
}

pub(super) fn run(app: &mut App, args: &BundleImportArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let mut done = Vec::new();
    for path in in_order(&replica, &args.files)? {
        done.push(take(app, &mut replica, path)?);
    }
    let outcome = outcome(&replica, &done)?;
    if app.is_json {
        tell_json(app, &outcome, &done)?;
    } else {
        tell(app, &outcome, &done)?;
    }
    verdict(&outcome, &done)
}

/// The files in the order in which they were written. One that cannot be used at all is told before
/// anything is taken in.
fn in_order(replica: &Replica, files: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut sorted: BTreeSet<(i64, BundleId, u64, PathBuf)> = BTreeSet::new();
    for path in files {
        let (file, _) = open(path)?;
        let reader = replica.read_bundle(file);
        let reader = reader.map_err(|error| refused(path, error))?;
        let manifest = reader.manifest();
        sorted.insert((manifest.at, manifest.set, manifest.part, path.clone()));
    }
    Ok(sorted.into_iter().map(|(.., path)| path).collect())
}

fn take(app: &App, replica: &mut Replica, path: PathBuf) -> Result<Done, Failure> {
    let (file, size) = open(&path)?;
    let import = replica.import_bundle(file);
    let mut import = import.map_err(|error| refused(&path, error))?;
    let mut progress = Progress::new();
    let mut rng = rand::rng();
    let all = bytes(size);
    while import.step(replica, &mut moment(place::now(), &mut rng))? {
        let (done, entries) = (bytes(import.bytes_read()), thousands(import.entries()));
        let places = [
            ("done", done.as_str()),
            ("all", all.as_str()),
            ("entries", entries.as_str()),
        ];
        progress.show(|| app.text.with("out.bundle.reading", &places));
    }
    let brought = import.finish(replica, &mut moment(place::now(), &mut rng))?;
    Ok(Done {
        from: sender(replica, &brought.manifest.device),
        path,
        brought,
    })
}

/// The name of whoever wrote it, or the beginning of the device's id.
pub(super) fn sender(replica: &Replica, device: &DeviceId) -> String {
    let member = replica.roster().member_id(device);
    member.map_or_else(|| device.short(), |member| replica.member_name(&member))
}

fn outcome(replica: &Replica, done: &[Done]) -> Result<Outcome, ReplicaError> {
    let mut sum = Report::default();
    for Done { brought, .. } in done {
        sum.tally.add(&brought.tally);
        sum.received += brought.tally.received;
        for (refusal, batches) in &brought.rejected {
            *sum.rejected.entry(*refusal).or_default() += batches;
        }
    }
    Ok(Outcome {
        report: SyncReport::new(replica, String::new(), &sum, (0, 0)),
        unreached: Vec::new(),
        is_removed: replica.is_removed(),
        farewell: replica.farewell(),
        is_alone_at_top: replica.is_alone_at_top(),
        key_waits: replica.key_waits()?,
        schema: replica.shared_schema(),
    })
}

fn tell(app: &mut App, outcome: &Outcome, done: &[Done]) -> Result<(), Failure> {
    app.text = app.text.with_schema(Arc::clone(&outcome.schema));
    for Done {
        path,
        from,
        brought,
    } in done
    {
        let at = output::time(sync_core::id::Millis(brought.manifest.at));
        let path = path.display().to_string();
        let places = [("path", path.as_str()), ("from", from), ("at", &at)];
        app.say("out.bundle.of", &places)?;
    }
    let report = &outcome.report;
    let moved = if report.received == 0 {
        app.text.say("out.bundle.nothing")
    } else {
        let received = app.text.count("out.bundle.received", report.received);
        let merged = app.text.count("out.sync.merged", report.merged);
        let places = [("received", received.as_str()), ("merged", &merged)];
        app.text.with("out.bundle.moved", &places)
    };
    app.out.line(&moved)?;
    for line in report::brought(report, &app.text) {
        app.out.line(&line)?;
    }
    let sum = |of: fn(&Brought) -> u64| done.iter().map(|it| of(&it.brought)).sum::<u64>();
    let counts = [
        ("out.bundle.known", sum(|it| it.known)),
        ("out.bundle.for_others", sum(|it| it.for_others)),
        ("out.bundle.rejected", report.rejected.values().sum()),
    ];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let line = app.text.count(key, count);
        app.out.line(&line)?;
    }
    if let Some((missing, parts)) = missing(done) {
        let places = [("parts", missing.as_str()), ("n", parts.as_str())];
        app.say("out.bundle.missing", &places)?;
    }
    report::print_rest(app, outcome)
}

/// Files of the last export that have not come, and how many it has.
fn missing(done: &[Done]) -> Option<(String, String)> {
    let brought = &done.last()?.brought;
    let others = brought.missing.iter();
    let others = others.filter(|part| **part != brought.manifest.part);
    let others: Vec<String> = others.map(ToString::to_string).collect();
    (!others.is_empty()).then(|| (others.join(", "), brought.manifest.parts.to_string()))
}

fn tell_json(app: &mut App, outcome: &Outcome, done: &[Done]) -> Result<(), Failure> {
    let mut value = report::json(outcome, &app.text);
    let files: Vec<Value> = done.iter().map(file_json).collect();
    if let Some(object) = value.as_object_mut() {
        for of_a_relay in [
            "relay",
            "sent",
            "bytes_sent",
            "bytes_received",
            "round_trips",
        ] {
            object.remove(of_a_relay);
        }
        object.insert("files".to_owned(), files.into());
    }
    app.out.json(&value)
}

fn file_json(done: &Done) -> Value {
    let Done {
        path,
        from,
        brought,
    } = done;
    let manifest = &brought.manifest;
    json!({
        "path": path.display().to_string(), "from": from, "device": manifest.device.to_string(),
        "set": manifest.set.to_string(), "part": manifest.part, "parts": manifest.parts,
        "received": brought.tally.received, "known": brought.known, "waiting": brought.waiting,
        "for_others": brought.for_others, "missing": brought.missing,
        "broken": brought.broken.map(|error| error.to_string()),
        "is_sender_known": brought.is_word_kept,
    })
}

/// What the exit code says: an import that left something behind is no success.
fn verdict(outcome: &Outcome, done: &[Done]) -> Result<(), Failure> {
    for Done { path, brought, .. } in done {
        if let Some(error) = brought.broken {
            return Err(broken(path, error));
        }
    }
    for Done { path, brought, .. } in done {
        if brought.waiting == 0 {
            continue;
        }
        let manifest = &brought.manifest;
        let earlier = brought.missing.iter().filter(|it| **it < manifest.part);
        let earlier: Vec<String> = earlier.map(ToString::to_string).collect();
        let key = match earlier.len() {
            0 => "err.bundle.builds_on",
            1 => "err.bundle.part_missing",
            _ => "err.bundle.parts_missing",
        };
        return Err(Failure::new(Exit::BadFile, key)
            .with("parts", earlier.join(", "))
            .with("all", manifest.parts)
            .with("n", thousands(brought.waiting))
            .with("path", path.display()));
    }
    report::verdict(outcome)
}
