//! What an import would do, as somebody is told it.

use crate::failure::Failure;
use crate::text::Text;

/// A cell or row that does not fit.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// Counted from 1, as office programs show it.
    pub(crate) row: u64,
    /// The line on which it begins, of text.
    pub(crate) line: Option<u64>,
    pub(crate) column: Option<String>,
    /// What stands there, unless it is about a resident.
    pub(crate) typed: Option<String>,
    /// Why.
    pub(crate) failure: Failure,
}

/// A row that would be begun: labels are the fields' names.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub(crate) row: u64,
    pub(crate) fields: Vec<(String, serde_json::Value)>,
}

/// What an import would do.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Rows that begin a record.
    pub(crate) new: u64,
    /// Rows whose record is there and says what they say, or something newer.
    pub(crate) same: u64,
    /// Rows that change their record.
    pub(crate) changed: u64,
    /// Rows that do not fit: each has a problem.
    pub(crate) refused: u64,
    /// Fields that stay as people here have changed them, though the file says something newer: each has a
    /// problem, and the rest of its row is done.
    pub(crate) kept: u64,
    pub(crate) problems: Vec<Problem>,
    pub(crate) examples: Vec<Example>,
}

impl Problem {
    /// Where it is: `row 5, column "Date", line 6`.
    pub(crate) fn place(&self, text: &Text) -> String {
        self.place_at(self.column.as_deref(), text)
    }

    /// The same without the column, for a table that has one of columns.
    pub(crate) fn place_of_row(&self, text: &Text) -> String {
        self.place_at(None, text)
    }

    fn place_at(&self, column: Option<&str>, text: &Text) -> String {
        let row = self.row.to_string();
        let mut place = text.with("out.import.row", &[("row", &row)]);
        if let Some(column) = column {
            place += &text.with("out.import.column", &[("column", column)]);
        }
        if let Some(line) = self.line {
            place += &text.with("out.import.line", &[("line", &line.to_string())]);
        }
        place
    }

    /// Why, and what to do.
    pub(crate) fn reason(&self, text: &Text) -> String {
        self.failure.sentence(text).unwrap_or_default()
    }
}
