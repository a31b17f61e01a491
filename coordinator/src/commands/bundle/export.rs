//! `banyan bundle export`: what this device has, in one file or several.

use std::path::{Path, PathBuf};

use serde_json::json;
use sync_core::peer::moment;
use sync_core::replica::{BundleAsk, BundlePlan, Replica};

use super::super::App;
use super::super::report::bytes;
use super::peers;
use crate::cli::BundleExportArgs;
use crate::durable::{self, Draft};
use crate::failure::Failure;
use crate::output::{Progress, thousands};
use crate::place;

const NAME: &str = "banyan-bundle.banyan";

pub(super) fn run(app: &mut App, args: &BundleExportArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let reader = args.reader.as_deref();
    let readers = reader.map(|typed| peers::devices(&replica, typed));
    let since = args.since.as_deref();
    let known = since.map(|typed| peers::known(&replica, typed));
    let ask = BundleAsk {
        readers: readers.transpose()?.unwrap_or_default(),
        known: known.transpose()?.unwrap_or_default(),
        bytes_max: args.max_size,
    };
    let mut rng = rand::rng();
    let plan = replica.plan_bundle(&ask, &mut moment(place::now(), &mut rng))?;
    let named = args.out.clone().unwrap_or_else(|| PathBuf::from(NAME));
    let paths: Vec<PathBuf> = (1..=plan.parts())
        .map(|part| part_path(&named, part, plan.parts()))
        .collect();
    for path in &paths {
        durable::refuse_existing(path, args.force)?;
    }
    let size = write(app, &replica, &plan, &paths, args.force)?;
    tell(app, &plan, &paths, size)
}

/// `week.banyan`; of several, `week-1-of-3.banyan`.
fn part_path(named: &Path, part: u64, parts: u64) -> PathBuf {
    if parts == 1 {
        return named.to_owned();
    }
    let stem = named.file_stem().unwrap_or_default().to_string_lossy();
    let ending = named.extension().unwrap_or_default().to_string_lossy();
    let dot = if ending.is_empty() { "" } else { "." };
    named.with_file_name(format!("{stem}-{part}-of-{parts}{dot}{ending}"))
}

/// Writes the files; says how many bytes they have.
fn write(
    app: &App,
    replica: &Replica,
    plan: &BundlePlan,
    paths: &[PathBuf],
    may_replace: bool,
) -> Result<u64, Failure> {
    let mut progress = Progress::new();
    let all = thousands(plan.totals().entries);
    let mut rng = rand::rng();
    let (mut size, mut before) = (0, 0);
    for (part, path) in (1..).zip(paths) {
        let moment = &mut moment(place::now(), &mut rng);
        let Some(mut file) = replica.begin_part(plan, part, moment)? else {
            break;
        };
        let mut draft = Draft::beside(path)?;
        while let Some(bytes) = file.next_bytes(replica)? {
            draft.add(&bytes)?;
            size += bytes.len() as u64;
            let done = thousands(before + file.entries());
            let places = [("done", done.as_str()), ("all", all.as_str())];
            progress.show(|| app.text.with("out.bundle.writing", &places));
        }
        before += file.entries();
        draft.keep(may_replace)?;
    }
    Ok(size)
}

fn tell(app: &mut App, plan: &BundlePlan, paths: &[PathBuf], size: u64) -> Result<(), Failure> {
    let totals = plan.totals();
    let names: Vec<String> = paths.iter().map(|it| it.display().to_string()).collect();
    if app.is_json {
        return app.out.json(&json!({
            "files": names, "entries": totals.entries, "batches": totals.batches, "bytes": size,
        }));
    }
    let entries = app.text.count("out.bundle.entries", totals.entries);
    let files = names.join(&app.text.say("word.and"));
    let places = [
        ("entries", entries.as_str()),
        ("files", &files),
        ("size", &bytes(size)),
    ];
    app.say("out.bundle.written", &places)?;
    if paths.len() > 1 {
        app.say("out.bundle.several", &[])?;
    }
    app.say("out.bundle.sealed", &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_numbered_before_their_ending() {
        let path = |named: &str, parts| part_path(Path::new(named), 2, parts);
        assert_eq!(path("/a/week.banyan", 1), Path::new("/a/week.banyan"));
        assert_eq!(
            path("/a/week.banyan", 3),
            Path::new("/a/week-2-of-3.banyan")
        );
        assert_eq!(path("week", 3), Path::new("week-2-of-3"));
    }
}
