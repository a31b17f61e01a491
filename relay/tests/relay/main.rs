//! The relay from outside: its logs, its core, its server and its program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::indexing_slicing, reason = "tests choose their own indexes")]

mod admission;
mod carrying;
mod disk;
mod erasing;
mod fairness;
mod hostile;
mod ledger;
mod limits;
mod logs;
mod program;
mod server;
mod village;
