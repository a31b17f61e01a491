//! Plain values that go in and out. They are ours, so that the core may change without breaking apps.

mod list;
mod record;

use std::collections::HashMap;

use serde_json::Value;
use sync_core::replica;
use sync_core::roster::role;
use sync_core::schema::Lang;

use crate::fault::{self, Fault};
use crate::text;

pub use self::list::{Filter, ListOrder, Place, Row, TickLevel, Ticks};
pub use self::record::{Conflict, Field, FieldChange, HeldEntry, HistoryStep, Keep, RecordView};

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
    Items {
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
            Value::Array(parts) => Self::Items {
                items: parts.iter().filter_map(ListItem::of).collect(),
            },
            // A kind of value that only newer schemas have is shown as it is written.
            Value::Object(_) => Self::Text {
                text: value.to_string(),
            },
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
