//! Names that people use for members and records, and the ids that fields keep.

use sync_core::id::{MemberId, RecordId};
use sync_core::replica::Replica;

/// Who can tell names and ids from each other; without a replica nobody can.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lookup<'r> {
    replica: Option<&'r Replica>,
}

impl<'r> Lookup<'r> {
    pub(crate) fn of(replica: &'r Replica) -> Self {
        Self {
            replica: Some(replica),
        }
    }

    /// The id of a member who was named, or what was typed.
    pub(crate) fn member(self, typed: &str) -> String {
        let found = self
            .replica
            .and_then(|replica| replica.find_member(typed).ok());
        found.map_or_else(|| typed.to_owned(), |member| member.to_string())
    }

    /// The id of a record by its beginning, or what was typed.
    pub(crate) fn record(self, typed: &str) -> String {
        let found = self
            .replica
            .and_then(|replica| replica.find_record(typed).ok());
        found.map_or_else(|| typed.to_owned(), |record| record.to_string())
    }

    /// What a member is called.
    pub(crate) fn name_of(self, id: &str) -> String {
        let named = self.replica.zip(id.parse::<MemberId>().ok());
        named.map_or_else(
            || id.to_owned(),
            |(replica, member)| replica.member_name(&member),
        )
    }

    /// What stands for a record, with the beginning of its id.
    pub(crate) fn title_of(self, id: &str) -> String {
        let Some((replica, record)) = self.replica.zip(id.parse::<RecordId>().ok()) else {
            return id.to_owned();
        };
        let row = replica.store().row(&record).ok().flatten();
        row.map_or_else(
            || record.short(),
            |row| format!("{} ({})", row.title, record.short()),
        )
    }
}
