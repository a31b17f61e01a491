//! The `banyan` command as people and scripts use it: real processes, their output and exit codes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set its scene fails"
)]

mod console;
mod damage;
mod export;
mod flips;
mod fresh;
mod held;
mod help;
mod import;
mod kill;
mod lost;
mod passphrase;
mod records;
mod recover;
mod refusals;
mod relay;
mod replay;
mod review;
mod run;
mod serve;
mod serve_places;
mod trouble;
