//! The `banyan` command as people and scripts use it: real processes, their output and exit codes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set its scene fails"
)]

mod account;
mod added;
mod attached;
mod begin;
mod bundle;
mod certificate;
mod communities;
mod console;
mod damage;
mod demo;
mod duplicates;
mod erase_page;
mod export;
mod flips;
mod forms;
mod fresh;
mod held;
mod help;
mod import;
mod kill;
mod lost;
mod many;
mod nearby;
#[cfg(target_os = "linux")]
mod nearby_hosts;
mod notice;
mod passphrase;
mod privacy;
mod records;
mod recover;
mod refusals;
mod relay;
mod replay;
mod resolve;
mod review;
mod run;
mod saved;
mod serve;
mod serve_commons;
mod serve_exchange;
mod serve_places;
mod serve_schema;
mod serve_session;
mod trouble;
mod undo;
