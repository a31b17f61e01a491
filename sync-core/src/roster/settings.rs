//! What is settled for the whole community: the kinds of records that it adds, its relays.

use crate::id::DeviceId;
use crate::roster::Roster;
use crate::roster::statement::{Settings, StatementId};

/// The name of the setting that adds to the schema; all that count are laid over each other.
pub const SCHEMA: &str = "schema";

/// One thing that somebody with the right to has settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Whose word it is, which is needed to open the value.
    pub author: DeviceId,
    /// What it settles.
    pub name: String,
    /// How often it was settled before.
    pub version: u64,
    /// The setting, sealed under the commons.
    pub value: Vec<u8>,
}

impl Setting {
    pub(super) fn said(author: DeviceId, settings: &Settings) -> Self {
        Self {
            author,
            name: settings.name.clone(),
            version: settings.version,
            value: settings.value.to_vec(),
        }
    }
}

impl Roster {
    /// All that was settled under a name, the one that counts most last: the highest version, then the
    /// greater statement id.
    #[must_use]
    pub fn settled(&self, name: &str) -> Vec<(&StatementId, &Setting)> {
        let settings = self.settings.iter();
        let mut all: Vec<_> = settings.filter(|(_, it)| it.name == name).collect();
        all.sort_by_key(|(id, setting)| (setting.version, **id));
        all
    }
}
