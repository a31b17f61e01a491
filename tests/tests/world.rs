//! The simulated world: it converges for every seed, and it would tell if it did not.

use e2e::world::{Failure, run_all, seeds_of_environment};

/// The seeds of CI.
const SEEDS: std::ops::Range<u64> = 0..500;

#[test]
fn five_hundred_seeds_converge() {
    let seeds = seeds_of_environment().unwrap().unwrap_or(SEEDS);
    match run_all(seeds) {
        Ok(summary) => println!("{summary:?}"),
        Err(failures) => {
            let first = failures.first().unwrap();
            let others: Vec<String> = failures.iter().skip(1).map(in_short).collect();
            panic!("{first}\nother seeds that fail:\n{}", others.join("\n"));
        }
    }
}

fn in_short(failure: &Failure) -> String {
    let what: String = failure.what.chars().take(300).collect();
    format!("  {}: {}", failure.seed, what.replace('\n', " "))
}
