//! `banyan import`: records from files of other programs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::json;
use sync_core::peer::moment;
use sync_core::replica::Replica;

use super::App;
use crate::cli::ImportArgs;
use crate::exchange::import::{self, Misfits, Plan, Survey, Wanted};
use crate::exchange::mapping::Mapping;
use crate::exchange::sheet::FILE_BYTES_MAX;
use crate::exchange::{Applied, Problem};
use crate::failure::Failure;
use crate::output::{Progress, thousands};
use crate::{durable, place, values};

pub(super) fn run(app: &mut App, args: &ImportArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let name = args.file.file_name().unwrap_or_default();
    let saved = args.mapping.as_deref().map(read_mapping).transpose()?;
    let wanted = Wanted {
        kind: args.kind.as_deref(),
        sheet: args.sheet.as_deref(),
        mapping: saved.as_ref(),
    };
    let bytes = read(&args.file)?;
    let mut survey = import::survey(&bytes, &name.to_string_lossy(), replica.schema(), wanted)?;
    if let Some(path) = &args.write_mapping {
        survey.mapping.space.clone_from(&args.space);
        durable::write(path, survey.mapping.to_json()?.as_bytes(), false)?;
        let path = path.display().to_string();
        return app.say("out.import.mapping", &[("path", &path)]);
    }
    let left_out = survey.settle(&app.text)?;
    let plan = planned(&replica, args, &survey)?;
    let misfits = if args.skip {
        Misfits::Skip
    } else {
        Misfits::Refuse
    };
    let applied = if args.dry_run {
        Applied::default()
    } else {
        if misfits == Misfits::Refuse && plan.report.refused > 0 {
            name_problems(app, &plan.report.problems);
        }
        write(app, &mut replica, &plan, misfits)?
    };
    tell(app, args, &survey, &plan, applied, &left_out)
}

fn planned(replica: &Replica, args: &ImportArgs, survey: &Survey) -> Result<Plan, Failure> {
    let space = args.space.as_deref();
    let space = space.map(|name| replica.find_space(&values::space_name(name)));
    import::plan(survey, replica, space.transpose()?, TimeZone::system())
}

fn write(
    app: &App,
    replica: &mut Replica,
    plan: &Plan,
    misfits: Misfits,
) -> Result<Applied, Failure> {
    let total = thousands(plan.len() as u64);
    let mut shown = Progress::new();
    let mut progress = |done: usize| {
        let done = thousands(done as u64);
        let places = [("n", done.as_str()), ("total", total.as_str())];
        shown.show(|| app.text.with("out.import.progress", &places));
    };
    let mut rng = rand::rng();
    let mut moment = moment(place::now(), &mut rng);
    import::apply(plan, replica, misfits, &mut moment, &mut progress)
}

fn tell(
    app: &mut App,
    args: &ImportArgs,
    survey: &Survey,
    plan: &Plan,
    applied: Applied,
    left_out: &[String],
) -> Result<(), Failure> {
    let report = &plan.report;
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
            "kind": survey.kind.name(),
            "source": survey.sheet.source.name(),
            "sheet": survey.sheet.name,
            "imported": applied.begun.len(),
            "good": report.new + report.same + report.changed,
            "new": report.new,
            "same": report.same,
            "changed": report.changed,
            "refused": report.refused,
            "kept": report.kept,
            "shapes": survey.sheet.shapes,
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
    if survey.sheet.shapes > 0 {
        let line = app.text.count("out.import.shapes", survey.sheet.shapes);
        app.out.line(&line)?;
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
        "reason": problem.reason(&app.text),
    })
}

/// Names each problem on standard error.
fn name_problems<'p>(app: &App, problems: impl IntoIterator<Item = &'p Problem>) {
    use std::io::Write;
    let mut err = std::io::stderr().lock();
    for problem in problems {
        let (place, reason) = (problem.place(&app.text), problem.reason(&app.text));
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
