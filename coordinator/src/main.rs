//! The `banyan` command: one community on this computer, from the command line.
//!
//! ```text
//! arguments → cli → commands::<verb> → sync-node / sync-core → output (text or JSON) → exit code
//! ```
//! Everything that people read comes from one catalogue per language (`text/`); every failure has a
//! sentence and an exit code (`exit.rs`).

mod account;
mod cli;
mod commands;
mod console;
mod demo;
mod durable;
mod exchange;
mod exit;
mod failure;
mod lookup;
mod mask;
mod output;
mod passphrase;
mod picture;
mod place;
mod replay;
mod text;
mod told;
mod values;

use std::process::ExitCode;

use crate::text::Text;

fn main() -> ExitCode {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let text = Text::choose(&words);
    match cli::parse(&words, &text) {
        Ok(cli) => commands::run(cli, text),
        Err(ended) => ended,
    }
}
