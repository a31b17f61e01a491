//! From what a person typed to a typed edit of one field.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Choice, Field, FieldType, Kind};

/// Longest value of a [`FieldType::Line`], in characters.
pub const LINE_CHARS_MAX: usize = 1_000;
/// Longest value of a [`FieldType::Text`], in characters.
pub const TEXT_CHARS_MAX: usize = 100_000;
/// How much of an unknown field's name an error repeats, in characters.
const QUOTED_CHARS_MAX: usize = 32;

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Of a line, text, date or choice. An empty one clears the field.
    Text(String),
    /// Of a number.
    Number(i64),
    /// Of a flag.
    Flag(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// A field and the value that it shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldEdit {
    /// A field of the record's kind.
    pub field: String,
    /// Fits the field's type.
    pub value: Value,
}

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
}

impl Kind {
    /// Turns what a person typed for one field into a typed edit.
    ///
    /// Everything but long text is trimmed. Flags take `yes`, `no`, `true`, `false`, `是` and `否`. Nothing at all clears
    /// a line, text, date or choice that is not required.
    ///
    /// # Errors
    /// When the kind has no such field, or the text does not fit its type or length.
    pub fn parse_edit(&self, field: &str, text: &str) -> Result<FieldEdit, FieldError> {
        let known = self.field(field).ok_or_else(|| FieldError::Unknown {
            kind: self.with_article(),
            field: field.chars().take(QUOTED_CHARS_MAX).collect(),
            fields: self.field_names(),
        })?;
        Ok(FieldEdit {
            field: known.name.clone(),
            value: known.parse_value(text)?,
        })
    }

    /// Turns `name=value` arguments into edits, in their order. The value may contain `=`.
    ///
    /// # Errors
    /// When an argument has no `=`, a field comes twice, or [`Self::parse_edit`] refuses one.
    pub fn parse_assignments(&self, args: &[String]) -> Result<Vec<FieldEdit>, FieldError> {
        let mut seen = BTreeSet::new();
        let mut edits = Vec::with_capacity(args.len());
        for arg in args {
            let (field, text) = arg
                .split_once('=')
                .ok_or_else(|| FieldError::NotAnAssignment {
                    kind: self.with_article(),
                    fields: self.field_names(),
                })?;
            let edit = self.parse_edit(field.trim(), text)?;
            if !seen.insert(edit.field.clone()) {
                return Err(FieldError::Twice { field: edit.field });
            }
            edits.push(edit);
        }
        Ok(edits)
    }

    /// Checks that a new record with these edits has every required field.
    ///
    /// # Errors
    /// Names all that are missing or empty.
    pub fn check_complete(&self, edits: &[FieldEdit]) -> Result<(), FieldError> {
        let is_given = |field: &Field| {
            edits
                .iter()
                .any(|edit| edit.field == field.name && !is_empty(&edit.value))
        };
        let missing: Vec<&str> = self
            .fields()
            .iter()
            .filter(|field| field.required && !is_given(field))
            .map(Field::name)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(FieldError::Missing {
            kind: self.with_article(),
            fields: missing.join(", "),
        })
    }

    fn with_article(&self) -> String {
        let article = if self.name.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        format!("{article} {}", self.name)
    }

    fn field_names(&self) -> String {
        self.fields
            .iter()
            .map(Field::name)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Field {
    fn parse_value(&self, text: &str) -> Result<Value, FieldError> {
        let field = || self.name.clone();
        let value = match &self.ty {
            FieldType::Line => Value::Text(self.parse_line(text.trim())?),
            FieldType::Text => Value::Text(self.parse_text(text)?),
            FieldType::Number => {
                let number = text.trim().parse();
                Value::Number(number.map_err(|_not| FieldError::NotANumber { field: field() })?)
            }
            FieldType::Date => Value::Text(self.parse_date(text.trim())?),
            FieldType::Flag => {
                let flag = parse_flag(text.trim());
                Value::Flag(flag.ok_or_else(|| FieldError::NotAFlag { field: field() })?)
            }
            FieldType::Choice(choices) => Value::Text(self.parse_choice(choices, text.trim())?),
        };
        if self.required && is_empty(&value) {
            return Err(FieldError::Empty { field: field() });
        }
        Ok(value)
    }

    fn parse_line(&self, text: &str) -> Result<String, FieldError> {
        self.check_length(text, LINE_CHARS_MAX)?;
        let breaks_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if text.contains(breaks_line) {
            return Err(FieldError::NotALine {
                field: self.name.clone(),
            });
        }
        Ok(text.to_owned())
    }

    /// Takes the line ends of any system, so that one text is the same on all of them.
    fn parse_text(&self, text: &str) -> Result<String, FieldError> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        self.check_length(&text, TEXT_CHARS_MAX)?;
        if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            return Err(FieldError::NotText {
                field: self.name.clone(),
            });
        }
        Ok(text)
    }

    fn parse_date(&self, text: &str) -> Result<String, FieldError> {
        // The date parser takes more of ISO 8601 than one form of a day; two forms would not compare as equal text.
        let written = |date: &Date| date.to_string() == text;
        if text.is_empty() || text.parse().is_ok_and(|date| written(&date)) {
            return Ok(text.to_owned());
        }
        Err(FieldError::NotADate {
            field: self.name.clone(),
        })
    }

    fn parse_choice(&self, choices: &[Choice], text: &str) -> Result<String, FieldError> {
        if text.is_empty() || choices.iter().any(|choice| choice.value == text) {
            return Ok(text.to_owned());
        }
        let values: Vec<&str> = choices.iter().map(Choice::value).collect();
        Err(FieldError::NotAChoice {
            field: self.name.clone(),
            choices: values.join(", "),
        })
    }

    fn check_length(&self, text: &str, chars_max: usize) -> Result<(), FieldError> {
        if text.chars().count() > chars_max {
            return Err(FieldError::TooLong {
                field: self.name.clone(),
                chars_max,
            });
        }
        Ok(())
    }
}

fn parse_flag(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["yes", "true", "是"]) {
        Some(true)
    } else if is(&["no", "false", "否"]) {
        Some(false)
    } else {
        None
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.trim().is_empty(),
        Value::Number(_) | Value::Flag(_) => false,
    }
}
