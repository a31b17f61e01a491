//! The `banyan` command as people and scripts use it: real processes, their output and exit codes.

mod help;
mod import;
mod records;
mod relay;
mod replay;
mod run;
mod trouble;
