//! What a station writes down: kinds of records, their fields and states, and who may write them.
//!
//! A schema is data. The station's own is `schema/station.json`, embedded here, so that every phone and
//! every console has the same fields with the same names in both languages. [`Schema::parse`] refuses a
//! schema that breaks a rule, so whoever holds a [`Schema`] holds a sound one. What a community adds of
//! its own is laid over it by [`Schema::with`].
//!
//! Text that a person typed becomes a [`FieldEdit`] in [`Kind::parse_edit`] and nowhere else.

mod addition;
mod definition;
mod edit;
mod error;
mod field;
mod label;
mod parse;
mod state;
mod value;

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::roster::role::Role;

pub use addition::{ADDITIONS_MAX, BadAddition, SchemaAddition};
pub use definition::SchemaError;
pub use edit::{Edit, FieldEdit, ItemEdit, Place, check_once};
pub use error::FieldError;
pub use field::{Choice, Field, FieldType};
pub use label::{Labels, Lang, ParseLangError};
pub use parse::{LINE_CHARS_MAX, MANY_MAX, MINUTES_MAX, TEXT_CHARS_MAX, narrow};
pub(crate) use parse::{day_of, is_date};
pub use state::{Mover, REASON_FIELD, STATE_FIELD, State, StateError, Who};
pub(crate) use value::is_element;
pub use value::{Item, ItemId, ParseItemIdError, ParsePointError, Point, Value};

/// The name of the field that says when a record is due.
pub const DUE_FIELD: &str = "due";

/// Longest title of a record in lists, in characters.
pub const TITLE_CHARS_MAX: usize = 120;

/// The kinds of records that a community writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "definition::SchemaDefinition")]
pub struct Schema {
    version: u32,
    kinds: Vec<Kind>,
    /// What the kinds were read from.
    written: Arc<definition::SchemaDefinition>,
    /// The schema without what was laid over it.
    base: Arc<definition::SchemaDefinition>,
    /// What was laid over it, in its order.
    additions: Vec<SchemaAddition>,
}

/// Two schemas are the same if the same can be written by them.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version && self.kinds == other.kinds
    }
}

impl Eq for Schema {}

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

    /// The schema as JSON, with everything that was laid over it; [`Schema::parse`] reads it again, unless a
    /// field is of a type that only newer versions know.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(&*self.written).expect("a schema is plain data")
    }

    /// Grows by one with every change of the station's own schema.
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

    /// The kinds of one group, in the order in which people are shown them.
    pub fn kinds_in(&self, group: Group) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().filter(move |kind| kind.group == group)
    }

    /// What a community has laid over the station's schema, in its order.
    #[must_use]
    pub fn additions(&self) -> &[SchemaAddition] {
        &self.additions
    }
}

/// What kinds are grouped by in menus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Places, homes and those who live in them.
    People,
    /// What is done for them day by day.
    Work,
    /// What is talked over and decided together.
    Together,
    /// How volunteers come along.
    Growth,
}

impl Group {
    /// All groups, in the order of menus.
    pub const ALL: [Self; 4] = [Self::People, Self::Work, Self::Together, Self::Growth];

    /// The word used in JSON and by catalogues.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Work => "work",
            Self::Together => "together",
            Self::Growth => "growth",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One kind of record, such as a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    name: String,
    labels: Labels,
    group: Group,
    icon: String,
    retention_days: Option<u32>,
    title: String,
    fields: Vec<Field>,
    /// Fields for machines, which no list or form has.
    blobs: Vec<Field>,
    states: Vec<State>,
    create: Role,
    edit: EditRight,
    natural_key: Option<String>,
}

impl Kind {
    /// Stands for a kind that this version does not know: its records are read by their fields alone.
    #[must_use]
    pub fn plain() -> &'static Self {
        static PLAIN: OnceLock<Kind> = OnceLock::new();
        PLAIN.get_or_init(|| Self {
            name: String::new(),
            labels: Labels {
                zh: String::new(),
                en: String::new(),
            },
            group: Group::Work,
            icon: String::new(),
            retention_days: None,
            // What most kinds call it.
            title: "title".to_owned(),
            fields: Vec::new(),
            blobs: Vec::new(),
            states: Vec::new(),
            create: Role::Volunteer,
            edit: EditRight::Any {
                least: Role::Volunteer,
            },
            natural_key: None,
        })
    }

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

    /// Where it stands in menus.
    #[must_use]
    pub fn group(&self) -> Group {
        self.group
    }

    /// The name of a picture for it.
    #[must_use]
    pub fn icon(&self) -> &str {
        &self.icon
    }

    /// After how many days without a change somebody is asked whether the record is still needed; `None`
    /// where it is kept.
    #[must_use]
    pub fn retention_days(&self) -> Option<u32> {
        self.retention_days
    }

    /// The name of the field that stands for the record in lists; always a required line or text.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// All fields that people meet, in the order of a form.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields that hold blobs, which people meet as pictures and sounds alone.
    #[must_use]
    pub fn blob_fields(&self) -> &[Field] {
        &self.blobs
    }

    /// The field of this name, of whichever sort.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        let mut all = self.fields.iter().chain(&self.blobs);
        all.find(|field| field.name == name)
    }

    /// What stands for a record in lists, out of its title field's value: one line of it.
    #[must_use]
    pub fn title_of(value: &Value) -> String {
        let text = value.to_string();
        let line = text.trim_start().lines().next().unwrap_or_default();
        line.chars().take(TITLE_CHARS_MAX).collect()
    }

    /// The field that says when a record is due: the first date or time called `due`, else the first whose
    /// name ends in `_due`, such as `next_due`. A field that a community adds counts by the same rule.
    #[must_use]
    pub fn due_field(&self) -> Option<&str> {
        let named = |fits: fn(&str) -> bool| {
            let mut days = self.fields.iter().filter(|field| field.ty.is_day());
            days.find(|field| fits(&field.name))
        };
        let field =
            named(|name| name == DUE_FIELD).or_else(|| named(|name| name.ends_with("_due")));
        field.map(Field::name)
    }

    /// The field that says which day a record is about, for what is counted by month: the first date that
    /// every record has, else the first such time.
    #[must_use]
    pub fn day_field(&self) -> Option<&str> {
        let first = |ty: &FieldType| {
            let mut needed = self.fields.iter().filter(|field| field.required);
            needed.find(|field| field.ty == *ty)
        };
        let field = first(&FieldType::Date).or_else(|| first(&FieldType::Time));
        field.map(Field::name)
    }

    /// Whether this is the field that holds the state of records of this kind.
    #[must_use]
    pub fn is_state(&self, field: &str) -> bool {
        field == STATE_FIELD && !self.states.is_empty()
    }

    /// The lowest rank that may begin such a record.
    #[must_use]
    pub fn least_to_create(&self) -> Role {
        self.create
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

#[cfg(test)]
mod tests;
