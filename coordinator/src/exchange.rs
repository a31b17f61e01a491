//! Out: records as files of other programs.
//!
//! ```text
//! rows of the view → export::table → csv | xlsx, or export::geojson → bytes
//! ```
//! All of it is pure: rows and bytes go in, bytes and reports come out. The command line writes the
//! files and says the sentences.
//!
//! Columns of our own tables are named `label [name]`: people read the label, and the name in brackets
//! is what [`names`] is about.

pub(crate) mod export;
pub(crate) mod names;
