//! Lists: what is asked for, and its rows.

use std::collections::HashMap;

use serde_json::Value;
use sync_core::id::{MemberId, RecordId};
use sync_core::replica::{self, Replica};
use sync_core::store::ViewRow;

use crate::fault::Fault;
use crate::values::FieldValue;

/// What comes first in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ListOrder {
    /// The newest change.
    Newest,
    /// What is due soonest; what is never due comes last.
    Due,
    /// What is about the latest day; what is about none comes last.
    Day,
}

/// The place of a row in every order: the next page begins after it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Place {
    /// When it was changed.
    pub updated_at_ms: i64,
    /// When it is due, `YYYY-MM-DD`.
    pub due: Option<String>,
    /// Which day it is about, `YYYY-MM-DD`.
    pub day: Option<String>,
    /// The record's id.
    pub record: String,
}

/// How far a record's newest version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum TickLevel {
    /// It is safe on this device.
    Saved,
    /// A relay has it.
    Relay,
    /// A device of another member has it.
    Colleague,
    /// A device of a coordinator or owner has it.
    Coordinator,
}

/// How far one record has come.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Ticks {
    /// The record's id.
    pub record: String,
    /// How far its newest version has come.
    pub level: TickLevel,
    /// Other members who have it, by name.
    pub colleagues: Vec<String>,
    /// Coordinators and owners who have it, by name.
    pub coordinators: Vec<String>,
    /// Edits of this device that are not sent yet.
    pub pending: u64,
}

impl Ticks {
    pub(crate) fn new(replica: &Replica, record: &RecordId, ticks: &replica::Ticks) -> Self {
        let names = |members: &[MemberId]| {
            let names = members.iter().map(|member| replica.member_name(member));
            names.collect()
        };
        Self {
            record: record.to_string(),
            level: match ticks.level {
                replica::TickLevel::Saved => TickLevel::Saved,
                replica::TickLevel::Relay => TickLevel::Relay,
                replica::TickLevel::Colleague => TickLevel::Colleague,
                replica::TickLevel::Coordinator => TickLevel::Coordinator,
            },
            colleagues: names(&ticks.colleagues),
            coordinators: names(&ticks.coordinators),
            pending: ticks.pending,
        }
    }
}

/// Which records to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, uniffi::Record)]
pub struct Filter {
    /// Only this kind, such as `visit`.
    #[uniffi(default = None)]
    pub kind: Option<String>,
    /// Only this space, by name or id.
    #[uniffi(default = None)]
    pub space: Option<String>,
    /// Only records whose fields have several values at once.
    #[uniffi(default = false)]
    pub only_conflicts: bool,
    /// Only records in one of these states; none: all.
    #[uniffi(default = [])]
    pub states: Vec<String>,
    /// Only records with all words that were typed, or the beginnings of their sounds.
    #[uniffi(default = None)]
    pub search: Option<String>,
    /// Only records about this day or a later one, `YYYY-MM-DD`.
    #[uniffi(default = None)]
    pub day_from: Option<String>,
    /// Only records about this day or an earlier one.
    #[uniffi(default = None)]
    pub day_to: Option<String>,
    /// Only records that are due on this day or earlier.
    #[uniffi(default = None)]
    pub due_to: Option<String>,
    /// What comes first; none: the newest change.
    #[uniffi(default = None)]
    pub order: Option<ListOrder>,
    /// Only what comes after this place in that order.
    #[uniffi(default = None)]
    pub after: Option<Place>,
    /// At most so many; none: all.
    #[uniffi(default = None)]
    pub limit: Option<u32>,
    /// After so many.
    #[uniffi(default = 0)]
    pub offset: u32,
}

/// One record in a list.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Row {
    /// The record's id.
    pub record: String,
    /// Its kind.
    pub kind: String,
    /// Its space, by name.
    pub space: String,
    /// What stands for the record in lists.
    pub title: String,
    /// The state that it is in; none if its kind has none.
    pub state: Option<String>,
    /// Its place in the list: the next page begins after that of the last row.
    pub place: Place,
    /// All fields that have a value.
    pub fields: HashMap<String, FieldValue>,
    /// Who began it.
    pub created_by: String,
    /// When, in milliseconds since 1970, by their clock.
    pub created_at_ms: i64,
    /// Whose change is the latest.
    pub updated_by: String,
    /// When, in milliseconds since 1970, by their clock.
    pub updated_at_ms: i64,
    /// How many fields have several values at once.
    pub conflicts: u32,
}

impl Row {
    pub(crate) fn new(replica: &Replica, row: ViewRow) -> Result<Self, Fault> {
        let fields: HashMap<String, Value> = serde_json::from_str(&row.fields)
            .map_err(|_| Fault::internal("the fields of a listed record cannot be read"))?;
        Ok(Self {
            record: row.record.to_string(),
            place: Place {
                updated_at_ms: row.updated_at.0,
                due: row.due,
                day: row.day,
                record: row.record.to_string(),
            },
            kind: row.kind,
            space: replica.space_name(&row.space),
            title: row.title,
            state: row.state,
            fields: fields
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect(),
            created_by: replica.name_of(&row.created_by),
            created_at_ms: row.created_at.0,
            updated_by: replica.name_of(&row.updated_by),
            updated_at_ms: row.updated_at.0,
            conflicts: row.conflicts,
        })
    }
}
