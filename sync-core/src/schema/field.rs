//! The fields of a kind, and what each holds.

use super::{Labels, Lang};

/// One field of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) help: Option<Labels>,
    pub(super) ty: FieldType,
    pub(super) required: bool,
    pub(super) personal: bool,
    pub(super) sensitive: bool,
    pub(super) hidden: bool,
    pub(super) retention_days: Option<u32>,
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

    /// What is said beside it to whoever fills it in.
    #[must_use]
    pub fn help(&self, lang: Lang) -> Option<&str> {
        self.help.as_ref().map(|help| help.get(lang))
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

    /// Whether it is of the sort that the law asks a consent of its own for: health, faith, where somebody
    /// is, children under 14. Always personal too.
    #[must_use]
    pub fn sensitive(&self) -> bool {
        self.sensitive
    }

    /// Whether the community does without it: it is not asked for, and shown where it has a value.
    #[must_use]
    pub fn hidden(&self) -> bool {
        self.hidden
    }

    /// After how many days without a change of the record somebody is asked whether the value is still
    /// needed; `None` where the record's own time counts.
    #[must_use]
    pub fn retention_days(&self) -> Option<u32> {
        self.retention_days
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
    /// How long something took, in whole minutes.
    Minutes,
    /// A day of the calendar, `YYYY-MM-DD`.
    Date,
    /// A day and a time of it by the clock on the wall, `YYYY-MM-DD HH:MM`.
    Time,
    /// Yes or no.
    Flag,
    /// One of a list.
    Choice(Vec<Choice>),
    /// Some of a list.
    Choices(Vec<Choice>),
    /// A member of the community, by id.
    Member,
    /// Members of the community, by their ids.
    Members,
    /// Another record, by its id; of one of these kinds, or of any if there are none.
    Link(Vec<String>),
    /// Other records, by their ids.
    Links(Vec<String>),
    /// Lines that can be ticked, in an order: a checklist, an agenda.
    List,
    /// A place on the map, with so many decimals of a degree and no more: three are about 100 metres.
    Point {
        /// How many.
        decimals: u8,
    },
    /// A blob with its key, in a form for machines alone: never shown, typed, searched or exported.
    Blob,
    /// A type that only newer versions know, by its name. Values are shown and not changed.
    Other(String),
}

impl FieldType {
    /// The word used in JSON.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Line => "line",
            Self::Text => "text",
            Self::Number => "number",
            Self::Minutes => "minutes",
            Self::Date => "date",
            Self::Time => "time",
            Self::Flag => "flag",
            Self::Choice(_) => "choice",
            Self::Choices(_) => "choices",
            Self::Member => "member",
            Self::Members => "members",
            Self::Link(_) => "link",
            Self::Links(_) => "links",
            Self::List => "list",
            Self::Point { .. } => "point",
            Self::Blob => "blob",
            Self::Other(name) => name,
        }
    }

    /// The values of a choice or of choices; none for other types.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        if let Self::Choice(choices) | Self::Choices(choices) = self {
            choices
        } else {
            &[]
        }
    }

    /// The kinds that a link leads to; none if to any, and for other types.
    #[must_use]
    pub fn kinds(&self) -> &[String] {
        if let Self::Link(kinds) | Self::Links(kinds) = self {
            kinds
        } else {
            &[]
        }
    }

    /// Whether it is a day, with or without a time of it.
    #[must_use]
    pub fn is_day(&self) -> bool {
        matches!(self, Self::Date | Self::Time)
    }

    /// Whether it is a set: what two people add at the same time both stays.
    #[must_use]
    pub fn is_set(&self) -> bool {
        matches!(self, Self::Choices(_) | Self::Members | Self::Links(_))
    }
}

/// One of the values that a choice field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub(super) value: String,
    pub(super) labels: Labels,
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
