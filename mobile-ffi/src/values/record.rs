//! One record, whole, and how it came to be so.

use serde_json::Value;
use sync_core::replica::{self, Replica};
use sync_core::schema::Lang;
use sync_core::store::HeldRow;

use crate::text;
use crate::values::FieldValue;

/// A value that is not the one shown, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Conflict {
    /// The value.
    pub value: FieldValue,
    /// Who set it.
    pub by: String,
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// The value shown; the same on all devices that have the same.
    pub value: FieldValue,
    /// Who set it.
    pub by: String,
    /// Other values that were set at the same time.
    pub conflicts: Vec<Conflict>,
    /// Names all these values as they stand, for a choice between them; none where there is only one.
    pub seen: Option<String>,
}

/// What is kept of several values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Keep {
    /// The value that is shown.
    Shown,
    /// One of the conflicts.
    Other {
        /// Its place among them, from 0.
        place: u32,
    },
    /// All of them in one text: behind each other in a line, else below each other.
    All,
}

impl From<Keep> for replica::Keep {
    fn from(keep: Keep) -> Self {
        match keep {
            Keep::Shown => Self::One(0),
            Keep::Other { place } => {
                // No field has so many values; then there is none at that place.
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                Self::One(place.saturating_add(1))
            }
            Keep::All => Self::All,
        }
    }
}

/// An entry of a record that is kept and not merged.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HeldEntry {
    /// Who wrote it.
    pub by: String,
    /// Why it is held, in the reader's language.
    pub reason: String,
}

impl HeldEntry {
    fn new(replica: &Replica, held: &HeldRow, lang: Lang) -> Self {
        let code = held.reason.0.to_string();
        let known = text::find(lang, &format!("hold.{code}")).map(str::to_owned);
        Self {
            by: replica.name_of(&held.entry.log.device),
            reason: known.unwrap_or_else(|| text::say(lang, "hold.unknown", &[("code", code)])),
        }
    }
}

/// One record, whole.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RecordView {
    /// The record's id.
    pub record: String,
    /// Its kind.
    pub kind: String,
    /// Its space, by name.
    pub space: String,
    /// What stands for the record in lists.
    pub title: String,
    /// Who began it.
    pub created_by: String,
    /// When, in milliseconds since 1970, by their clock.
    pub created_at_ms: i64,
    /// Whose change is the latest.
    pub updated_by: String,
    /// When, in milliseconds since 1970, by their clock.
    pub updated_at_ms: i64,
    /// All fields, in the order of a form.
    pub fields: Vec<Field>,
    /// Entries that are held.
    pub held: Vec<HeldEntry>,
}

impl RecordView {
    pub(crate) fn new(
        replica: &Replica,
        view: replica::RecordView,
        held: &[HeldRow],
        lang: Lang,
    ) -> Self {
        let held = held.iter().map(|row| HeldEntry::new(replica, row, lang));
        Self {
            record: view.record,
            kind: view.kind,
            space: view.space,
            title: view.title,
            created_by: view.created_by,
            created_at_ms: view.created_at,
            updated_by: view.updated_by,
            updated_at_ms: view.updated_at,
            fields: view.fields.into_iter().map(Field::from).collect(),
            held: held.collect(),
        }
    }
}

impl From<replica::FieldView> for Field {
    fn from(field: replica::FieldView) -> Self {
        let conflicts = field.conflicts.into_iter();
        Self {
            name: field.name,
            value: field.value.into(),
            by: field.by,
            conflicts: conflicts
                .map(|other| Conflict {
                    value: other.value.into(),
                    by: other.by,
                })
                .collect(),
            seen: field.seen,
        }
    }
}

/// What one change did to one field.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FieldChange {
    /// The field's name.
    pub field: String,
    /// What was done: `set`; of sets and lists `added`, `removed`, `ticked`, `unticked`, `reworded` or
    /// `moved`, and the values are the element or the words of the item.
    pub deed: String,
    /// The value that its author saw before; empty where there was none.
    pub before: FieldValue,
    /// The value after; empty where it was cleared.
    pub after: FieldValue,
}

/// One change of a record.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HistoryStep {
    /// Who.
    pub by: String,
    /// When, in milliseconds since 1970, by their clock.
    pub at_ms: i64,
    /// What it did.
    pub changes: Vec<FieldChange>,
}

impl From<replica::HistoryEntry> for HistoryStep {
    fn from(entry: replica::HistoryEntry) -> Self {
        let value = |value: Option<Value>| value.map_or(FieldValue::Empty, FieldValue::from);
        let changes = entry.changes.into_iter();
        Self {
            by: entry.by,
            at_ms: entry.at,
            changes: changes
                .map(|change| FieldChange {
                    field: change.field,
                    deed: change.deed.to_owned(),
                    before: value(change.from),
                    after: value(change.to),
                })
                .collect(),
        }
    }
}
