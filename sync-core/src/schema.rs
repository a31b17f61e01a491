//! What a station writes down: kinds of records, their fields, and who may write them.
//!
//! A schema is data. The station's own is `schema/station.json`, embedded here, so that every phone and
//! every console has the same fields with the same names in both languages. [`Schema::parse`] refuses a
//! schema that breaks a rule, so whoever holds a [`Schema`] holds a sound one.
//!
//! Text that a person typed becomes a [`FieldEdit`] in [`Kind::parse_edit`] and nowhere else.

mod definition;
mod edit;
mod label;

use std::sync::OnceLock;

use serde::Deserialize;

use crate::roster::role::Role;

pub use definition::SchemaError;
pub use edit::{FieldEdit, FieldError, LINE_CHARS_MAX, TEXT_CHARS_MAX, Value};
pub use label::{Labels, Lang, ParseLangError};

/// The kinds of records that a community writes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "definition::SchemaDefinition")]
pub struct Schema {
    version: u32,
    kinds: Vec<Kind>,
}

impl Schema {
    /// The schema of the volunteer station, parsed once per process.
    #[must_use]
    pub fn station() -> &'static Self {
        static STATION: OnceLock<Schema> = OnceLock::new();
        STATION.get_or_init(|| {
            Self::parse(include_str!("schema/station.json"))
                .expect("the embedded schema is checked by a test")
        })
    }

    /// Reads a schema from JSON.
    ///
    /// # Errors
    /// When the text is not JSON of the expected shape, or breaks one of the rules that [`SchemaError`] lists.
    pub fn parse(json: &str) -> Result<Self, SchemaError> {
        let definition: definition::SchemaDefinition =
            serde_json::from_str(json).map_err(|error| SchemaError::Json {
                line: error.line(),
                column: error.column(),
            })?;
        Self::try_from(definition)
    }

    /// Grows by one with every change of the schema.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The kind of this name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// All kinds, in the order in which people are shown them.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }
}

/// One kind of record, such as a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    name: String,
    labels: Labels,
    title: String,
    fields: Vec<Field>,
    create: Role,
    edit: EditRight,
    natural_key: Option<String>,
}

impl Kind {
    /// The name used in records, on the command line and in JSON.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self, lang: Lang) -> &str {
        self.labels.get(lang)
    }

    /// The name of the field that stands for the record in lists; always a required line.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// All fields, in the order of a form.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether a member of this role may begin such a record.
    #[must_use]
    pub fn may_create(&self, role: Role) -> bool {
        role >= self.create
    }

    /// Whether a member of this role may change such a record; `is_own` when they began it.
    ///
    /// A creator who has since lost the rank to create may no longer change their own records either.
    #[must_use]
    pub fn may_edit(&self, role: Role, is_own: bool) -> bool {
        match self.edit {
            EditRight::Own { any } => role >= any || (is_own && self.may_create(role)),
            EditRight::Any { least } => role >= least,
        }
    }

    /// The field whose value makes two records the same thing, such as a household's door code.
    ///
    /// `None` where every record is a thing of its own.
    #[must_use]
    pub fn natural_key(&self) -> Option<&str> {
        self.natural_key.as_deref()
    }
}

/// Who may change a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditRight {
    /// Whoever began it; and others from this rank up.
    Own {
        /// The lowest rank that may change anybody's.
        any: Role,
    },
    /// Everybody from this rank up, whoever began it.
    Any {
        /// The lowest rank that may change one.
        least: Role,
    },
}

/// One field of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    labels: Labels,
    ty: FieldType,
    required: bool,
    personal: bool,
}

impl Field {
    /// The name used in records, on the command line and in JSON.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self, lang: Lang) -> &str {
        self.labels.get(lang)
    }

    /// What it holds.
    #[must_use]
    pub fn ty(&self) -> &FieldType {
        &self.ty
    }

    /// Whether a record without it is incomplete.
    #[must_use]
    pub fn required(&self) -> bool {
        self.required
    }

    /// Whether it tells something about a resident, so that it stays out of logs, errors and statistics.
    #[must_use]
    pub fn personal(&self) -> bool {
        self.personal
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// One line of text; the last writer wins and a conflict is shown.
    Line,
    /// Long text that several people may write in at the same time.
    Text,
    /// A whole number (`i64`).
    Number,
    /// A day of the calendar, `YYYY-MM-DD`.
    Date,
    /// Yes or no.
    Flag,
    /// One of a list.
    Choice(Vec<Choice>),
}

/// One of the values that a choice field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    value: String,
    labels: Labels,
}

impl Choice {
    /// The value kept in records.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self, lang: Lang) -> &str {
        self.labels.get(lang)
    }
}

#[cfg(test)]
mod tests;
