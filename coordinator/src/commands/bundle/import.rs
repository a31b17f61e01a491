//! `banyan bundle import`: takes in what files bring, and says what that was.

use std::sync::Arc;

use serde_json::{Value, json};
use sync_core::peer::moment;
use sync_core::replica::{Brought, Replica, ReplicaError};
use sync_node::SyncReport;
use sync_node::bundle::{Import, ImportedFile};

use super::super::App;
use super::super::report::{self, Outcome, bytes};
use crate::cli::BundleImportArgs;
use crate::failure::Failure;
use crate::output::{self, Progress, thousands};
use crate::place;

pub(super) fn run(app: &mut App, args: &BundleImportArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let mut import = Import::begin(&replica, &args.files)?;
    let mut rng = rand::rng();
    let mut progress = Progress::new();
    while import.step(&mut replica, &mut moment(place::now(), &mut rng))? {
        let come = import.progress();
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
    let imported = import.finish(&replica);
    let outcome = outcome(&replica, imported.report)?;
    if app.is_json {
        tell_json(app, &outcome, &imported.files)?;
    } else {
        tell(app, &outcome, &imported.files)?;
    }
    verdict(&outcome, &imported.files)
}

fn outcome(replica: &Replica, report: SyncReport) -> Result<Outcome, ReplicaError> {
    Ok(Outcome {
        report,
        unreached: Vec::new(),
        is_removed: replica.is_removed(),
        farewell: replica.farewell(),
        is_alone_at_top: replica.is_alone_at_top(),
        key_waits: replica.key_waits()?,
        schema: replica.shared_schema(),
    })
}

fn tell(app: &mut App, outcome: &Outcome, done: &[ImportedFile]) -> Result<(), Failure> {
    app.text = app.text.with_schema(Arc::clone(&outcome.schema));
    for ImportedFile {
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
    let sum = |of: fn(&Brought) -> u64| done.iter().map(|it| of(&it.brought)).sum::<u64>();
    let blobs = sum(|it| it.blobs);
    if report.received > 0 {
        let received = app.text.count("out.bundle.received", report.received);
        let merged = app.text.count("out.sync.merged", report.merged);
        let places = [("received", received.as_str()), ("merged", &merged)];
        app.say("out.bundle.moved", &places)?;
    } else if blobs == 0 {
        app.say("out.bundle.nothing", &[])?;
    }
    for line in report::brought(report, &app.text) {
        app.out.line(&line)?;
    }
    let counts = [
        ("out.bundle.attachments_came", blobs),
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
fn missing(done: &[ImportedFile]) -> Option<(String, String)> {
    let brought = &done.last()?.brought;
    let others = brought.missing.iter();
    let others = others.filter(|part| **part != brought.manifest.part);
    let others: Vec<String> = others.map(ToString::to_string).collect();
    (!others.is_empty()).then(|| (others.join(", "), brought.manifest.parts.to_string()))
}

fn tell_json(app: &mut App, outcome: &Outcome, done: &[ImportedFile]) -> Result<(), Failure> {
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

fn file_json(done: &ImportedFile) -> Value {
    let ImportedFile {
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
        "attachments": brought.blobs, "attachments_waiting": brought.blobs_waiting,
        "broken": brought.broken.map(|error| error.to_string()),
        "is_sender_known": brought.is_word_kept,
    })
}

/// What the exit code says: an import that left something behind is no success.
fn verdict(outcome: &Outcome, done: &[ImportedFile]) -> Result<(), Failure> {
    let broken = done.iter().find(|file| file.brought.broken.is_some());
    let waits = |it: &Brought| it.waiting > 0 || it.blobs_waiting > 0;
    let waiting = || done.iter().find(|file| waits(&file.brought));
    let trouble = broken.or_else(waiting).and_then(ImportedFile::trouble);
    match trouble {
        Some(trouble) => Err(trouble.into()),
        None => report::verdict(outcome),
    }
}
