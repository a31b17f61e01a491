//! The kinds of records, and what is asked in each.

use super::shared::{Flag, FormError, Input, Notice};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Schema {
    pub(crate) can_edit: bool,
    pub(crate) kinds: Vec<KindLine>,
    pub(crate) version_line: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KindLine {
    pub(crate) href: String,
    pub(crate) icon: String,
    pub(crate) label: String,
    /// How many fields and records.
    pub(crate) meta: String,
    /// Added by the community.
    pub(crate) has_flag: bool,
    pub(crate) flag: String,
}

/// A form about the schema: a kind, a new kind, a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Empty where it is the page's.
    pub(crate) title: String,
    pub(crate) action: String,
    pub(crate) has_errors: bool,
    pub(crate) errors_title: String,
    pub(crate) errors: Vec<FormError>,
    /// Why the whole was refused.
    pub(crate) notices: Vec<Notice>,
    pub(crate) inputs: Vec<Input>,
    /// Of a field that is a choice: what can be chosen now.
    pub(crate) choices: Vec<ChoiceRow>,
    pub(crate) save_label: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ChoiceRow {
    /// Its value, which stays whatever it is called.
    pub(crate) key: String,
    pub(crate) zh: String,
    pub(crate) en: String,
    pub(crate) has_error: bool,
    pub(crate) error: String,
}

/// Page of a new kind or of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SchemaDraft {
    pub(crate) title: String,
    pub(crate) up: String,
    pub(crate) up_href: String,
    pub(crate) form: Draft,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SchemaKind {
    pub(crate) title: String,
    pub(crate) lead: String,
    /// Forms go to this with `/up` and `/retire`.
    pub(crate) href: String,
    pub(crate) can_edit: bool,
    pub(crate) about: Draft,
    pub(crate) rows: Vec<FieldRow>,
    pub(crate) field: Draft,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldRow {
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) meta: String,
    pub(crate) icon: String,
    pub(crate) flags: Vec<Flag>,
    pub(crate) can_edit: bool,
    pub(crate) href: String,
    pub(crate) can_up: bool,
    pub(crate) can_retire: bool,
    /// Retired already: it can be asked for again.
    pub(crate) is_retired: bool,
}
