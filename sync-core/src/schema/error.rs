//! Why what was typed is no edit.

use thiserror::Error;

/// Why what was typed is no edit. No variant repeats a value: it may tell about a resident.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldError {
    /// The kind has no such field.
    #[error("{kind} has no field \"{field}\"; its fields are {fields}")]
    Unknown {
        /// The kind with its article.
        kind: String,
        /// The name typed, cut to 32 characters.
        field: String,
        /// All names of the kind's fields.
        fields: String,
    },
    /// An argument without `=`.
    #[error("write each field as name=value; the fields of {kind} are {fields}")]
    NotAnAssignment {
        /// The kind with its article.
        kind: String,
        /// All names of the kind's fields.
        fields: String,
    },
    /// One field twice in one command.
    #[error("the field \"{field}\" is given twice; give it once")]
    Twice {
        /// The field.
        field: String,
    },
    /// Required fields are not there.
    #[error("{kind} also needs {fields}")]
    Missing {
        /// The kind with its article.
        kind: String,
        /// The names of the missing fields.
        fields: String,
    },
    /// Nothing, where something is needed.
    #[error("the field \"{field}\" cannot be empty")]
    Empty {
        /// The field.
        field: String,
    },
    /// Not one of the choices.
    #[error("the field \"{field}\" takes one of {choices}")]
    NotAChoice {
        /// The field.
        field: String,
        /// All values that it takes.
        choices: String,
    },
    /// Not a day of the calendar.
    #[error(
        "the field \"{field}\" takes a day of the calendar as year-month-day, such as 2026-03-01"
    )]
    NotADate {
        /// The field.
        field: String,
    },
    /// Not a day and a time of it.
    #[error("the field \"{field}\" takes a day and a time, such as 2026-03-01 14:30")]
    NotATime {
        /// The field.
        field: String,
    },
    /// Not a length of time.
    #[error(
        "the field \"{field}\" takes whole minutes, such as 90, or hours and minutes, such as 1:30"
    )]
    NotMinutes {
        /// The field.
        field: String,
    },
    /// Not a whole number.
    #[error("the field \"{field}\" takes a whole number in digits, such as 12")]
    NotANumber {
        /// The field.
        field: String,
    },
    /// Neither yes nor no.
    #[error("the field \"{field}\" takes yes or no")]
    NotAFlag {
        /// The field.
        field: String,
    },
    /// Not the id of a member.
    #[error("the field \"{field}\" takes the id of a member")]
    NotAMember {
        /// The field.
        field: String,
    },
    /// Not the id of a record.
    #[error("the field \"{field}\" takes the id of a record")]
    NotALink {
        /// The field.
        field: String,
    },
    /// A record of a kind that the field does not lead to.
    #[error("the field \"{field}\" takes a record of these kinds: {kinds}")]
    WrongLink {
        /// The field.
        field: String,
        /// The names of the kinds.
        kinds: String,
    },
    /// Not a place on the map.
    #[error(
        "the field \"{field}\" takes latitude and longitude in degrees, such as 23.021, 113.121"
    )]
    NotAPoint {
        /// The field.
        field: String,
    },
    /// Not the id of an item.
    #[error("the field \"{field}\" takes the 8 letters that name one of its items")]
    NotAnItem {
        /// The field.
        field: String,
    },
    /// Something is to be added to a field that has one value.
    #[error("the field \"{field}\" has one value: set it with =, nothing is added or taken away")]
    NotASet {
        /// The field.
        field: String,
    },
    /// Too many members of a set or items of a list.
    #[error("the field \"{field}\" takes at most {max} at a time")]
    TooMany {
        /// The field.
        field: String,
        /// The limit.
        max: usize,
    },
    /// More than one line, or a control character.
    #[error("the field \"{field}\" takes one line, without line breaks or control characters")]
    NotALine {
        /// The field.
        field: String,
    },
    /// A control character in long text.
    #[error("the field \"{field}\" takes text without control characters")]
    NotText {
        /// The field.
        field: String,
    },
    /// Too many characters.
    #[error("the field \"{field}\" takes at most {chars_max} characters")]
    TooLong {
        /// The field.
        field: String,
        /// The limit.
        chars_max: usize,
    },
    /// A field of a type that only newer versions know.
    #[error("the field \"{field}\" can be read here; a newer version can change it")]
    ReadOnly {
        /// The field.
        field: String,
    },
}
