//! All end-to-end tests, in one program.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]

mod blobs;
mod fuzz;
mod receipts;
mod tidy;
mod wire;
mod world;
