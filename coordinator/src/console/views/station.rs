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
    pub(crate) relays: Vec<PersonLine>,
    pub(crate) waiting: Vec<String>,
    /// There is a relay.
    pub(crate) can_sync: bool,
    /// How many records are here.
    pub(crate) records: String,
    /// How much is held.
    pub(crate) held: String,
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
