//! The `banyan` command as people and scripts use it: real processes, their output and exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

mod help;
mod import;
mod records;
mod relay;
mod replay;
mod run;
mod trouble;
