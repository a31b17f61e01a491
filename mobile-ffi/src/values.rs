//! Plain values that go in and out. They are ours, so that the core may change without breaking apps.

use std::collections::HashMap;

use serde_json::Value;
use sync_core::id::{MemberId, RecordId};
use sync_core::replica::{self, Replica};
use sync_core::roster::role;
use sync_core::schema::Lang;
use sync_core::store::{HeldRow, ViewRow};

use crate::fault::{self, Fault};
use crate::text;

/// The language of the sentences in errors and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Language {
    /// Chinese, in simplified characters.
    Zh,
    /// English.
    En,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::Zh => Self::Zh,
            Language::En => Self::En,
        }
    }
}

/// What a member may do; each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Role {
    /// Reads.
    Observer,
    /// Reads and writes records.
    Volunteer,
    /// Leads a village: invites and confirms volunteers.
    Lead,
    /// Reviews the whole; makes spaces, invites leads.
    Coordinator,
    /// Founded the community.
    Owner,
}

impl From<Role> for role::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Observer => Self::Observer,
            Role::Volunteer => Self::Volunteer,
            Role::Lead => Self::Lead,
            Role::Coordinator => Self::Coordinator,
            Role::Owner => Self::Owner,
        }
    }
}

impl Role {
    /// The role of this name; who took the community up with its recovery sheet is an owner.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let role = role::Role::DESCENDING
            .into_iter()
            .find(|role| role.name() == name)?;
        Some(match role {
            role::Role::Observer => Self::Observer,
            role::Role::Volunteer => Self::Volunteer,
            role::Role::Lead => Self::Lead,
            role::Role::Coordinator => Self::Coordinator,
            role::Role::Owner | role::Role::Recovered => Self::Owner,
        })
    }
}

/// A village or team whose records belong together.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Space {
    /// Its id; never changes.
    pub id: String,
    /// Its name; `commons` is the space of everybody.
    pub name: String,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum FieldValue {
    /// Nothing.
    Empty,
    /// A line, a text, a date as `2026-03-01`, or the name of a choice.
    Text {
        /// The text.
        text: String,
    },
    /// A whole number.
    Number {
        /// The number.
        number: i64,
    },
    /// Yes or no.
    Flag {
        /// Whether it is yes.
        flag: bool,
    },
    /// A set: names of choices, ids of members or ids of records, sorted.
    Set {
        /// What belongs to it.
        elements: Vec<String>,
    },
    /// A list, such as a checklist, in its order.
    List {
        /// Its lines.
        items: Vec<ListItem>,
    },
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ListItem {
    /// Stays the same while the item is moved, written and ticked.
    pub id: String,
    /// What it says.
    pub text: String,
    /// Whether it is ticked.
    pub done: bool,
}

impl ListItem {
    fn of(value: &Value) -> Option<Self> {
        Some(Self {
            id: value.get("id")?.as_str()?.to_owned(),
            text: value.get("text")?.as_str()?.to_owned(),
            done: value.get("done")?.as_bool()?,
        })
    }
}

impl From<Value> for FieldValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Empty,
            Value::Bool(flag) => Self::Flag { flag },
            Value::String(text) => Self::Text { text },
            Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Number { number },
                None => Self::Text {
                    text: number.to_string(),
                },
            },
            Value::Array(parts) if parts.iter().all(Value::is_string) => Self::Set {
                elements: parts
                    .iter()
                    .filter_map(|part| Some(part.as_str()?.to_owned()))
                    .collect(),
            },
            Value::Array(parts) => Self::List {
                items: parts.iter().filter_map(ListItem::of).collect(),
            },
            // A kind of value that only newer schemas have is shown as it is written.
            Value::Object(_) => Self::Text {
                text: value.to_string(),
            },
        }
    }
}

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

/// How things stand on this device.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// The community's id.
    pub community: String,
    /// Its name; none until it can be read.
    pub title: Option<String>,
    /// This device's id.
    pub device: String,
    /// This person's name.
    pub name: Option<String>,
    /// Whether the community knows this device.
    pub is_member: bool,
    /// Joined, and not yet confirmed by a lead.
    pub is_provisional: bool,
    /// How many members.
    pub members: u64,
    /// How many records.
    pub records: u64,
    /// How many of them have a field with several values at once.
    pub conflicts: u64,
    /// Entries held.
    pub held: u64,
    /// Entries that wait for a reading key.
    pub waiting_for_key: u64,
    /// Edits of this device not sent yet.
    pub pending: u64,
    /// Relays, as `<relay id>@<host:port>`.
    pub relays: Vec<String>,
    /// Digest of everything that was sent or has come: equal on devices that have the same.
    pub digest: String,
}

impl From<replica::Status> for Status {
    fn from(status: replica::Status) -> Self {
        let relays = status.relays.iter();
        Self {
            community: status.community,
            title: status.title,
            device: status.device,
            name: status.name,
            is_member: status.is_member,
            is_provisional: status.is_provisional,
            members: status.members as u64,
            records: status.records.iter().map(|(_, _, count)| count).sum(),
            conflicts: status.conflicts,
            held: status.held,
            waiting_for_key: status.waiting_for_key,
            pending: status.pending,
            relays: relays
                .map(|relay| format!("{}@{}", relay.relay, relay.addr))
                .collect(),
            digest: status.digest,
        }
    }
}

/// What one sync did. Counts are of entries, `conflicts` of records.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncReport {
    /// Entries sent.
    pub sent: u64,
    /// New entries received.
    pub received: u64,
    /// Changes merged.
    pub merged: u64,
    /// Records that have a new conflict.
    pub conflicts: u64,
    /// Entries held.
    pub held: u64,
    /// Entries that wait for a reading key.
    pub waiting_for_key: u64,
    /// Application bytes sent.
    pub bytes_sent: u64,
    /// Application bytes received.
    pub bytes_received: u64,
    /// Times that an answer was waited for.
    pub round_trips: u64,
    /// Merged changes by kind of record.
    pub by_kind: HashMap<String, u64>,
    /// Merged changes by person.
    pub by_person: HashMap<String, u64>,
    /// What relays refused, and why one of several could not be synced with, as sentences.
    pub refused: Vec<String>,
    /// What relays did that they should not: lost what they had confirmed, sent what is not sound. As
    /// sentences; nothing here is lost by it.
    pub relay_faults: Vec<String>,
}

impl SyncReport {
    pub(crate) fn new(report: sync_node::SyncReport, lang: Lang) -> Self {
        let refused = report.refused.into_keys();
        let refused = refused.map(|refusal| fault::refusal_in_words(lang, refusal));
        let has_rejected = report.rejected.values().any(|batches| *batches > 0);
        let faults = [
            (report.lost_by_relay > 0, "relay.lost"),
            (has_rejected, "relay.rejected"),
        ];
        let faults = faults.into_iter().filter(|(is_so, _)| *is_so);
        let relay_faults = faults.map(|(_, key)| text::say(lang, key, &[]));
        let unreached = report.unreached.into_iter();
        let unreached = unreached.map(|(_, error)| Fault::from(error).sentence(lang));
        Self {
            sent: report.sent,
            received: report.received,
            merged: report.merged,
            conflicts: report.conflicts,
            held: report.held,
            waiting_for_key: report.waiting_for_key,
            bytes_sent: report.bytes_sent,
            bytes_received: report.bytes_received,
            round_trips: report.round_trips,
            by_kind: report.by_kind.into_iter().collect(),
            by_person: report.by_person.into_iter().collect(),
            refused: refused.chain(unreached).collect(),
            relay_faults: relay_faults.collect(),
        }
    }
}
