//! `banyan import`: records from a table file.

mod decode;
mod rows;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::json;
use sync_core::peer::moment;
use sync_core::schema::FieldEdit;

use super::App;
use crate::cli::ImportArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::{place, values};

use rows::{BadRow, Rows};

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most rows of one file.
const ROWS_MAX: usize = 100_000;

pub(super) fn run(app: &mut App, args: &ImportArgs) -> Result<(), Failure> {
    let kind = values::kind(&args.kind)?;
    let mut replica = app.replica()?;
    let space = replica.find_space(&values::space_name(&args.space))?;
    let text = decode::decode(&read(&args.file)?)?;
    let Rows { good, bad } = rows::read(&text, kind, Lookup::of(&replica))?;
    if args.strict && !bad.is_empty() {
        name_bad_rows(app, &bad);
        return Err(Failure::new(Exit::BadFile, "err.import.strict").with("n", bad.len()));
    }
    let mut records = Vec::new();
    let count = good.len() as u64;
    if !args.dry_run && !good.is_empty() {
        let mut rng = rand::rng();
        let edits: Vec<Vec<FieldEdit>> = good;
        let now = &mut moment(place::now(), &mut rng);
        records = replica.create_all(kind.name(), space, &edits, now)?;
    }
    if app.is_json {
        let skipped: Vec<_> = bad
            .iter()
            .map(|row| json!({ "line": row.line, "reason": row.failure.sentence(&app.text) }))
            .collect();
        let records: Vec<String> = records.iter().map(ToString::to_string).collect();
        return app.out.json(&json!({
            "imported": if args.dry_run { 0 } else { count },
            "good": count,
            "skipped": skipped,
            "dry_run": args.dry_run,
            "records": records,
        }));
    }
    name_bad_rows(app, &bad);
    let good = app.text.count("out.import.rows", count);
    let skipped = app.text.count("out.import.skipped", bad.len() as u64);
    let key = if args.dry_run {
        "out.import.dry_run"
    } else {
        "out.import.done"
    };
    app.say(key, &[("good", &good), ("skipped", &skipped)])
}

/// Names each bad row on standard error.
fn name_bad_rows(app: &App, bad: &[BadRow]) {
    use std::io::Write;
    let mut err = std::io::stderr().lock();
    for row in bad {
        let reason = row.failure.sentence(&app.text).unwrap_or_default();
        let line = row.line.to_string();
        let sentence = app.text.with(
            "out.import.bad_row",
            &[("line", &line), ("reason", &reason)],
        );
        // The same is counted in the report; a closed standard error stops nothing.
        let _gone = writeln!(err, "{}", crate::output::harmless(&sentence));
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let io = |error: std::io::Error| Failure::io(path, &error);
    let file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let limit = FILE_BYTES_MAX / (1024 * 1024);
        return Err(Failure::new(Exit::BadFile, "err.import.too_large").with("n", limit));
    }
    Ok(bytes)
}
