//! Undo: a new signed change that brings back what stood before another one.

use thiserror::Error;

use crate::id::RecordId;
use crate::record::{CannotUndo, ChangeHash};
use crate::replica::merge::load;
use crate::replica::settle::{Decision, reason_for};
use crate::replica::{Moment, Replica, ReplicaError, Settled, Words};

/// Why nothing was undone.
#[derive(Debug, Error)]
pub enum UndoError {
    /// The change cannot be taken back.
    #[error(transparent)]
    Cannot(#[from] CannotUndo),
    /// No such record, no right to edit it or to move its state back; the store's.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl Replica {
    /// Takes a change of a record back; `change` is the id of its [`HistoryEntry`](crate::replica::HistoryEntry).
    ///
    /// Whoever may edit the record may do so, also with others' changes: it is an edit like any other, shown
    /// in the history, and can be undone itself. It goes no way round the schema: a state moves back only
    /// where the schema lets this person put it there. What was written since stays ([`CannotUndo`]).
    ///
    /// If the change had settled a conflict, all others whose value that was decided about are told, with
    /// these words, in a comment that is durable together with it.
    ///
    /// # Errors
    /// [`UndoError`]: the change is taken back whole or not at all.
    pub fn undo(
        &mut self,
        record: RecordId,
        change: &str,
        words: Words<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<Settled, UndoError> {
        let change: ChangeHash = change.parse().map_err(|_| CannotUndo::Unknown)?;
        let unknown = || ReplicaError::UnknownRecord(record.to_string());
        let work = load(&*self.store, &record)?.ok_or_else(unknown)?;
        let kind = self.mind.kind_or_plain(work.kind());
        let mut edits = work.doc().undoing(kind, &change)?;
        let decisions: Vec<Decision> = edits
            .iter()
            .filter_map(|edit| Decision::undone(work.doc(), &change, edit))
            .collect();
        let states = decisions.iter().flat_map(Decision::states);
        let reason = reason_for(work.doc(), kind, &edits, states);
        edits.extend(reason);
        let done = self.write(moment, |tx, mind, moment| {
            mind.write_and_tell(tx, record, &edits, decisions, words, moment)
        });
        Ok(done?)
    }
}
