//! The relay from outside: its logs, its core, its server and its program.

mod admission;
mod carrying;
mod disk;
mod hostile;
mod logs;
mod program;
mod server;
mod village;
