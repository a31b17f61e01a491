//! `banyan import`: records from files of other programs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::json;
use sync_core::replica::Replica;
use sync_core::schema::{FieldError, Kind};

use super::App;
use crate::cli::ImportArgs;
use crate::exchange::mapping::{Mapping, suggest};
use crate::exchange::sheet::{FILE_BYTES_MAX, Sheet, Source, parse};
use crate::exchange::{Applied, Checked, Context, Problem, apply, check};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Progress, thousands};
use crate::{durable, place, values};

pub(super) fn run(app: &mut App, args: &ImportArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let name = args.file.file_name().unwrap_or_default();
    let sheets = parse(&read(&args.file)?, &name.to_string_lossy())?;
    let saved = args.mapping.as_deref().map(read_mapping).transpose()?;
    let kind = kind(args, saved.as_ref(), &sheets)?;
    let sheet = sheet_of(sheets, kind)?;
    let (mapping, left_out) = match saved {
        Some(mapping) => (mapping, Vec::new()),
        None => suggested(app, args, &sheet, kind)?,
    };
    if let Some(path) = &args.write_mapping {
        durable::write(path, mapping.to_json()?.as_bytes(), false)?;
        let path = path.display().to_string();
        return app.say("out.import.mapping", &[("path", &path)]);
    }
    mapping.check(&sheet, kind)?;
    let checked = checked(&replica, args, &sheet, &mapping, kind)?;
    if args.strict && !checked.report.problems.is_empty() {
        name_problems(app, &checked.report.problems);
        let refused = checked.report.refused.max(1);
        return Err(Failure::new(Exit::BadFile, "err.import.strict").with("n", refused));
    }
    let applied = if args.dry_run {
        Applied::default()
    } else {
        write(app, &mut replica, kind, &checked)?
    };
    tell(app, args, kind, &checked, applied, &left_out)
}

/// The kind that was named, or that the file or its mapping says.
fn kind(
    args: &ImportArgs,
    saved: Option<&Mapping>,
    sheets: &[Sheet],
) -> Result<&'static Kind, Failure> {
    let own: Vec<&str> = sheets.iter().filter_map(Sheet::own_kind).collect();
    let only = match own.as_slice() {
        [only] => Some(*only),
        [] | [_, ..] => None,
    };
    let named = args.kind.as_deref();
    let named = named
        .or(saved.map(|mapping| mapping.kind.as_str()))
        .or(only);
    values::kind(named.ok_or_else(|| Failure::new(Exit::Usage, "err.import.no_kind"))?)
}

/// Of several tables the one of this kind.
fn sheet_of(sheets: Vec<Sheet>, kind: &Kind) -> Result<Sheet, Failure> {
    let is_called = |sheet: &Sheet| {
        let called = values::kind(&sheet.name).ok();
        called.is_some_and(|called| called.name() == kind.name())
    };
    let is_own = |sheet: &Sheet| sheet.own_kind() == Some(kind.name());
    let names: Vec<String> = sheets.iter().map(|sheet| sheet.name.clone()).collect();
    let position = sheets
        .iter()
        .position(is_own)
        .or_else(|| sheets.iter().position(is_called));
    let position = match (position, sheets.as_slice()) {
        (Some(position), _) => Some(position),
        (None, [only]) if only.source != Source::Own => Some(0),
        (None, _) => None,
    };
    let found = position.and_then(|position| sheets.into_iter().nth(position));
    found.ok_or_else(|| {
        let none = Failure::new(Exit::Unknown, "err.import.no_sheet");
        none.with("sheets", names.join(", "))
            .with("a_kind", format!("a {}", kind.name()))
    })
}

/// What the columns' names tell, and the columns that are left out. What is only likely is never done
/// without a person's word; a column that nobody knows may be a slip of the pen.
fn suggested(
    app: &App,
    args: &ImportArgs,
    sheet: &Sheet,
    kind: &Kind,
) -> Result<(Mapping, Vec<String>), Failure> {
    let found = suggest(sheet, kind);
    let (mut mapping, mut left_out) = (found.mapping, found.unknown);
    mapping.space.clone_from(&args.space);
    if args.write_mapping.is_some() {
        return Ok((mapping, left_out));
    }
    if let Some(field) = found.twice {
        return Err(FieldError::Twice { field }.into());
    }
    let is_strict = matches!(sheet.source, Source::Table | Source::Own);
    if let Some(column) = left_out.first().filter(|_| is_strict) {
        return Err(kind.unknown_field(column).into());
    }
    for column in &mut mapping.columns {
        let Some(field) = column.field.as_deref().filter(|_| column.guess) else {
            continue;
        };
        if is_strict {
            let label = values::field_label(kind.name(), field, &app.text);
            return Err(Failure::new(Exit::Unknown, "err.import.guess")
                .with("column", &column.column)
                .with("field", label));
        }
        left_out.push(column.column.clone());
        column.field = None;
    }
    Ok((mapping, left_out))
}

fn checked(
    replica: &Replica,
    args: &ImportArgs,
    sheet: &Sheet,
    mapping: &Mapping,
    kind: &'static Kind,
) -> Result<Checked, Failure> {
    let space = args.space.as_deref();
    let space = space.map(|name| replica.find_space(&values::space_name(name)));
    let context = Context {
        replica,
        kind,
        space: space.transpose()?,
        zone: TimeZone::system(),
    };
    let names_space = mapping.space.is_some() || mapping.space_column.is_some();
    if context.space.is_none() && !names_space {
        return Err(Failure::new(Exit::Usage, "err.import.no_space"));
    }
    check(sheet, mapping, &context)
}

fn write(
    app: &App,
    replica: &mut Replica,
    kind: &Kind,
    checked: &Checked,
) -> Result<Applied, Failure> {
    let total = thousands(checked.work.len() as u64);
    let mut shown = Progress::new();
    let mut progress = |done: usize| {
        let done = thousands(done as u64);
        let places = [("n", done.as_str()), ("total", total.as_str())];
        shown.show(|| app.text.with("out.import.progress", &places));
    };
    let mut rng = rand::rng();
    let now = &place::now;
    apply(
        replica,
        kind.name(),
        &checked.work,
        now,
        &mut rng,
        &mut progress,
    )
}

fn tell(
    app: &mut App,
    args: &ImportArgs,
    kind: &Kind,
    checked: &Checked,
    applied: Applied,
    left_out: &[String],
) -> Result<(), Failure> {
    let report = &checked.report;
    let problems: Vec<&Problem> = report.problems.iter().chain(&applied.problems).collect();
    let skipped = report.refused + applied.problems.len() as u64;
    if app.is_json {
        let skipped: Vec<_> = problems.iter().map(|it| as_json(app, it)).collect();
        let records: Vec<String> = applied.begun.iter().map(ToString::to_string).collect();
        let examples = report.examples.iter().map(|example| {
            let fields: serde_json::Map<_, _> = example.fields.iter().cloned().collect();
            json!({ "row": example.row, "fields": fields })
        });
        let examples: Vec<serde_json::Value> = examples.collect();
        return app.out.json(&json!({
            "kind": kind.name(),
            "imported": applied.begun.len(),
            "good": report.new + report.same + report.changed,
            "new": report.new,
            "same": report.same,
            "changed": report.changed,
            "skipped": skipped,
            "left_out": left_out,
            "dry_run": args.dry_run,
            "records": records,
            "examples": examples,
        }));
    }
    name_problems(app, problems);
    if !left_out.is_empty() {
        let columns = left_out.join(&app.text.say("word.and"));
        app.say("out.import.left_out", &[("columns", &columns)])?;
    }
    let (new, changed) = if args.dry_run {
        (report.new, report.changed)
    } else {
        (applied.begun.len() as u64, applied.changed)
    };
    let good = app.text.count("out.import.rows", new);
    let skipped = app.text.count("out.import.skipped", skipped);
    let key = if args.dry_run {
        "out.import.dry_run"
    } else {
        "out.import.done"
    };
    app.say(key, &[("good", &good), ("skipped", &skipped)])?;
    if report.same + changed > 0 {
        let same = app.text.count("out.import.same", report.same);
        let changed = app.text.count("out.import.changed", changed);
        app.say(
            "out.import.again",
            &[("same", &same), ("changed", &changed)],
        )?;
    }
    Ok(())
}

fn as_json(app: &App, problem: &Problem) -> serde_json::Value {
    json!({
        "row": problem.row,
        "line": problem.line,
        "column": problem.column,
        "typed": problem.typed,
        "reason": problem.failure.sentence(&app.text),
    })
}

/// Names each problem on standard error.
fn name_problems<'p>(app: &App, problems: impl IntoIterator<Item = &'p Problem>) {
    use std::io::Write;
    let mut err = std::io::stderr().lock();
    for problem in problems {
        let reason = problem.failure.sentence(&app.text).unwrap_or_default();
        let row = problem.row.to_string();
        let mut place = app.text.with("out.import.row", &[("row", &row)]);
        if let Some(column) = &problem.column {
            place += &app.text.with("out.import.column", &[("column", column)]);
        }
        if let Some(line) = problem.line {
            let line = line.to_string();
            place += &app.text.with("out.import.line", &[("line", &line)]);
        }
        let places = [("place", place.as_str()), ("reason", &reason)];
        let sentence = app.text.with("out.import.bad_row", &places);
        // The same is counted in the report; a closed standard error stops nothing.
        let _gone = writeln!(err, "{}", crate::output::harmless(&sentence));
    }
}

fn read_mapping(path: &Path) -> Result<Mapping, Failure> {
    let bytes = read(path)?;
    let json = String::from_utf8_lossy(&bytes);
    Mapping::from_json(json.trim_start_matches('\u{feff}'))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_up_to(path, FILE_BYTES_MAX)
}

/// A file's bytes; one more than `limit` of a larger one, so that its reader sees that it is too large.
pub(super) fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let io = |error: std::io::Error| Failure::io(path, &error);
    let file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}
