//! The boundary as an app meets it: generated bindings, the built library, a real relay.
//!
//! Cargo builds the library of the package under test before its tests and puts it beside them, so
//! nothing is built here: what is loaded is what was compiled for this run.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene fails")]
#![expect(clippy::indexing_slicing, reason = "a scenario that is not one fails")]

mod api;
mod kotlin;
mod python;
mod stage;
mod swift;
