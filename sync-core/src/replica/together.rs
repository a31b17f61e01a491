//! Writes that hold together: all of them become durable, or none.

use crate::id::{LaneId, RecordId};
use crate::replica::mind::Mind;
use crate::replica::{Edited, Moment, Replica, ReplicaError, Settled, Words};
use crate::schema::FieldEdit;
use crate::store::StoreTx;

/// Writes several records in one transaction; made by [`Replica::together`].
pub struct Writer<'w, 'm> {
    tx: &'w mut dyn StoreTx,
    mind: &'w mut Mind,
    moment: &'w mut Moment<'m>,
}

impl std::fmt::Debug for Writer<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer<'_, '_> {
    /// Creates a record, to which later writes may lead.
    ///
    /// # Errors
    /// As [`Replica::create`].
    pub fn create(
        &mut self,
        kind: &str,
        space: LaneId,
        edits: &[FieldEdit],
    ) -> Result<RecordId, ReplicaError> {
        self.mind
            .create(self.tx, kind, space, edits, None, self.moment)
    }

    /// Changes fields of a record.
    ///
    /// # Errors
    /// As [`Replica::edit`].
    pub fn edit(&mut self, record: RecordId, edits: &[FieldEdit]) -> Result<Edited, ReplicaError> {
        self.mind.edit(self.tx, record, edits, self.moment)
    }

    /// Changes fields of a record, and tells those whose value of a conflict is not kept by it.
    ///
    /// # Errors
    /// As [`Replica::edit_and_tell`].
    pub fn edit_and_tell(
        &mut self,
        record: RecordId,
        edits: &[FieldEdit],
        words: Words<'_>,
    ) -> Result<Settled, ReplicaError> {
        self.mind
            .edit_and_tell(self.tx, record, edits, words, self.moment)
    }
}

impl Replica {
    /// Does several writes in one transaction; they are durable together when this returns.
    ///
    /// # Errors
    /// The first that a write gives; nothing of the others is written then.
    pub fn together<T>(
        &mut self,
        moment: &mut Moment<'_>,
        work: impl FnOnce(&mut Writer<'_, '_>) -> Result<T, ReplicaError>,
    ) -> Result<T, ReplicaError> {
        self.write(moment, |tx, mind, moment| {
            work(&mut Writer { tx, mind, moment })
        })
    }
}
