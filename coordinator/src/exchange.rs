//! Out and in: records as files of other programs, and such files as records.
//!
//! ```text
//! rows of the view → export::table → csv | xlsx, or export::geojson → bytes
//! bytes, name → import::survey (sheet, mapping) → import::plan (check) → import::apply
//! ```
//! All of it is pure: rows and bytes go in, bytes and reports come out. The command line writes the
//! files and says the sentences.
//!
//! Columns of our own tables are named `label [name]`: people read the label, and the name in brackets
//! is what [`names`] is about.

mod apply;
mod check;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod mapping;
pub(crate) mod names;
#[cfg(test)]
mod scene;
pub(crate) mod sheet;

pub(crate) use apply::Applied;
pub(crate) use check::Problem;
