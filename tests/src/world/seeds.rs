//! Many worlds, and how one that fails is reported.

use std::env;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use super::{Failure, Flaw, Summary, run, run_told};

/// One seed, to see a world again move by move.
const SEED: &str = "BANYAN_SEED";
/// Other seeds than CI's, as `from..to`.
const SEEDS: &str = "BANYAN_SEEDS";

/// The seeds of the environment cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{SEED} is a number and {SEEDS} is written from..to; \"{0}\" is neither")]
pub struct SeedsError(String);

/// The seeds that the environment names: `BANYAN_SEED=7` or `BANYAN_SEEDS=0..5000`.
///
/// # Errors
/// If there are some that are no numbers.
pub fn seeds_of_environment() -> Result<Option<Range<u64>>, SeedsError> {
    if let Ok(text) = env::var(SEED) {
        let seed: u64 = text.parse().map_err(|_| SeedsError(text))?;
        return Ok(Some(seed..seed.saturating_add(1)));
    }
    let Ok(text) = env::var(SEEDS) else {
        return Ok(None);
    };
    let parsed = text
        .split_once("..")
        .and_then(|(from, to)| Some(from.trim().parse().ok()?..to.trim().parse().ok()?));
    parsed.map(Some).ok_or(SeedsError(text))
}

/// Runs a world for each seed, on two threads; a single seed is told move by move.
///
/// # Errors
/// The failures, those with the least seeds first.
pub fn run_all(seeds: Range<u64>) -> Result<Summary, Vec<Failure>> {
    let is_single = seeds.end.saturating_sub(seeds.start) == 1;
    if is_single {
        return run_told(seeds.start, Flaw::None, true).map_err(|failure| vec![failure]);
    }
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    let total = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match run(seed, Flaw::None) {
                        Ok(summary) => add(&total, &summary),
                        Err(failure) => {
                            failures
                                .lock()
                                .expect("no thread panics with it")
                                .push(failure);
                        }
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no thread panics with it");
    failures.sort_by_key(|failure| failure.seed);
    if failures.is_empty() {
        Ok(total.into_inner().expect("no thread panics with it"))
    } else {
        Err(failures)
    }
}

fn add(total: &Mutex<Summary>, summary: &Summary) {
    let mut total = total.lock().expect("no thread panics with it");
    total.moves += summary.moves;
    total.edits += summary.edits;
    total.connections += summary.connections;
    total.kills += summary.kills;
    total.copies += summary.copies;
    total.revocations += summary.revocations;
    total.rollbacks += summary.rollbacks;
    total.lies += summary.lies;
    total.noticed += summary.noticed;
    total.villainies += summary.villainies;
    total.purges += summary.purges;
    total.losses += summary.losses;
    total.recoveries += summary.recoveries;
    total.sticks += summary.sticks;
    total.carried += summary.carried;
    total.echoed_bytes += summary.echoed_bytes;
    total.digest ^= summary.digest;
}

/// A line for whoever watches one world.
pub(super) fn print_line(line: &str) {
    // Whoever watches may have gone away.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
