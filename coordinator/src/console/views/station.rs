//! What keeps the station going.

use super::places::Go;
use super::shared::{Input, Labelled, Notice, PersonLine};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sync {
    /// "还有 3 条没送到办公室".
    pub(crate) headline: String,
    pub(crate) lead: String,
    pub(crate) as_of: String,
    /// Somebody has not been heard from.
    pub(crate) has_missing: bool,
    pub(crate) missing: String,
    /// Who has what of mine; those first who lack something.
    pub(crate) people: Vec<PersonLine>,
    /// How many more there are; may be empty.
    pub(crate) people_more: String,
    /// How many there are beside who read nothing of mine; may be empty.
    pub(crate) people_beside: String,
    /// Those, on the page that has all.
    pub(crate) others: Vec<PersonLine>,
    pub(crate) others_title: String,
    pub(crate) relays: Vec<PersonLine>,
    pub(crate) waiting: Vec<String>,
    /// There is a relay.
    pub(crate) can_sync: bool,
    /// How many records are here.
    pub(crate) records: String,
    /// How much is held.
    pub(crate) held: String,
    /// How many records are in conflict, with the list of them; empty if none are.
    pub(crate) clashes: String,
    /// What the last session did, then those before it.
    pub(crate) told: Vec<Told>,
    pub(crate) told_before: Vec<Told>,
}

/// What one session did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// With whom and when.
    pub(crate) title: String,
    pub(crate) tone: String,
    pub(crate) icon: String,
    pub(crate) word: String,
    pub(crate) lines: Vec<ToldLine>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ToldLine {
    pub(crate) text: String,
    /// Opens what the line counts; may be empty.
    pub(crate) href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) lead: String,
    pub(crate) notices: Vec<Notice>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) relays: Vec<Labelled>,
    pub(crate) relay_typed: String,
    pub(crate) has_relay_error: bool,
    pub(crate) relay_error: String,
    pub(crate) links: Vec<Go>,
    pub(crate) about: String,
}
