//! `banyan replay`: a recorded editing session, typed again by phones.

use std::path::Path;

use super::App;
use crate::cli::ReplayArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Progress, thousands};
use crate::replay::{self, Outcome};

pub(super) fn run(app: &mut App, args: &ReplayArgs) -> Result<(), Failure> {
    let outcome = match &args.keep {
        Some(dir) => {
            if dir
                .read_dir()
                .is_ok_and(|mut entries| entries.next().is_some())
            {
                return Err(
                    Failure::new(Exit::Usage, "err.replay.not_empty").with("path", dir.display())
                );
            }
            replay_in(app, &args.file, dir)?
        }
        None => {
            let dir = tempfile::tempdir().map_err(Failure::from)?;
            replay_in(app, &args.file, dir.path())?
        }
    };
    if app.is_json {
        return app.out.json(&outcome);
    }
    print(app, &outcome)?;
    if let Some(dir) = &args.keep {
        let path = dir.join("agent-0").display().to_string();
        app.say(
            "out.replay.kept",
            &[("path", &path), ("record", &outcome.record)],
        )?;
    }
    Ok(())
}

fn replay_in(app: &App, file: &Path, dir: &Path) -> Result<Outcome, Failure> {
    let mut progress = Progress::new();
    replay::run(file, dir, &mut |done, all| {
        let (done, all) = (thousands(done as u64), thousands(all as u64));
        let places = [("done", done.as_str()), ("all", all.as_str())];
        progress.show(|| app.text.with("out.replay.progress", &places));
    })
}

fn print(app: &mut App, outcome: &Outcome) -> Result<(), Failure> {
    let places = [
        ("txns", thousands(outcome.transactions)),
        ("agents", outcome.agents.to_string()),
        ("phones", outcome.phones.to_string()),
        ("seconds", format!("{:.1}", outcome.seconds)),
        ("rate", format!("{:.0}", outcome.transactions_per_second)),
        ("batches", thousands(outcome.batches)),
        ("writes", thousands(outcome.writes)),
        ("deliveries", thousands(outcome.deliveries)),
        (
            "sealed",
            format!("{:.1}", outcome.bytes_sealed_per_transaction),
        ),
        ("sealed_all", super::report::bytes(outcome.bytes_sealed)),
        (
            "rest",
            format!("{:.1}", outcome.bytes_at_rest_per_transaction),
        ),
        ("rest_all", super::report::bytes(outcome.bytes_at_rest)),
        ("chars", thousands(outcome.characters as u64)),
        ("digest", outcome.digest.clone()),
    ];
    let places: Vec<(&str, &str)> = places.iter().map(|(key, v)| (*key, v.as_str())).collect();
    for key in [
        "out.replay.typed",
        "out.replay.speed",
        "out.replay.sealed",
        "out.replay.rest",
        "out.replay.agree",
    ] {
        app.say(key, &places)?;
    }
    Ok(())
}
