//! What goes out and comes in.

use super::shared::{Choice, Number};

/// A file that is imported, in steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Import {
    /// "upload", "map", "check", "doing" or "done".
    pub(crate) step: String,
    pub(crate) steps: Vec<StageStep>,
    pub(crate) has_error: bool,
    pub(crate) error: String,
    /// Of "upload".
    pub(crate) kinds: Vec<Choice>,
    pub(crate) spaces: Vec<Choice>,
    /// Names the file in forms.
    pub(crate) upload: String,
    /// What this step is about.
    pub(crate) title: String,
    /// What is to be thought of; may be empty.
    pub(crate) note: String,
    /// Of "map".
    pub(crate) columns: Vec<MapColumn>,
    /// Fields that every record needs and no column gives: what is to stand in them.
    pub(crate) fixed: Vec<MapFixed>,
    /// Of "check" and what comes after.
    pub(crate) numbers: Vec<Number>,
    pub(crate) examples: Vec<Example>,
    /// At most so many as a page bears.
    pub(crate) problems: Vec<Problem>,
    /// How many more there are; may be empty.
    pub(crate) more_problems: String,
    /// There is something to be written.
    pub(crate) can_do: bool,
    pub(crate) ask: String,
    pub(crate) do_label: String,
    pub(crate) map_href: String,
    /// Opens the records; may be empty.
    pub(crate) records_href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StageStep {
    pub(crate) label: String,
    pub(crate) on: bool,
}

/// A field that has the same in every row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MapFixed {
    pub(crate) key: String,
    pub(crate) label: String,
    /// Empty unless the field has choices.
    pub(crate) options: Vec<Choice>,
    /// Of an input: "text", "date" or "number".
    pub(crate) input: String,
    pub(crate) value: String,
    /// What is wrong with it; may be empty.
    pub(crate) error: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MapColumn {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) example: String,
    pub(crate) map_label: String,
    pub(crate) options: Vec<Choice>,
    /// May be empty.
    pub(crate) note: String,
    pub(crate) words: Vec<MapWord>,
}

/// A word of the file that no choice is called by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MapWord {
    pub(crate) word: String,
    pub(crate) label: String,
    pub(crate) options: Vec<Choice>,
}

/// A record as it would be begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) row: String,
    pub(crate) fields: Vec<Named>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) label: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// "row 5, line 6".
    pub(crate) place: String,
    pub(crate) column: String,
    pub(crate) typed: String,
    pub(crate) text: String,
}

/// Records as a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Export {
    pub(crate) kinds: Vec<Choice>,
    pub(crate) spaces: Vec<Choice>,
    pub(crate) formats: Vec<Choice>,
    pub(crate) personal: bool,
    pub(crate) may_personal: bool,
    pub(crate) has_error: bool,
    pub(crate) error: String,
}
