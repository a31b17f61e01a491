//! What is asked of an edit before it is written: the moves between states, and where links lead.

use crate::id::RecordId;
use crate::replica::ReplicaError;
use crate::replica::mind::Mind;
use crate::roster::role::Role;
use crate::schema::{
    Edit, FieldEdit, FieldError, FieldType, Kind, Mover, STATE_FIELD, StateError, Value,
};
use crate::store::StoreTx;

impl Mind {
    /// Refuses a move that this device's member may not make, or not from where the record is.
    pub(super) fn check_moves(
        &mut self,
        tx: &dyn StoreTx,
        record: RecordId,
        edits: &[FieldEdit],
    ) -> Result<(), ReplicaError> {
        let (work, kind) = self.work_to_edit(tx, record)?;
        let asked = check_links(tx, &kind, edits).and_then(|()| state_asked(&kind, edits));
        let checked = match asked {
            Ok(Some(to)) => {
                let role = self.roster.role_in_space(&self.us, &work.space());
                let role = role.unwrap_or(Role::Observer);
                let now = work.doc().values(STATE_FIELD);
                let now: Vec<&str> = now
                    .iter()
                    .filter_map(|value| match value {
                        Value::Text(state) => Some(state.as_str()),
                        Value::Number(_) | Value::Flag(_) | Value::Set(_) | Value::List(_) => None,
                    })
                    .collect();
                let mover = Mover::of(role, self.is_ours(&work), edits);
                let moved = kind.check_move(&now, &to, mover);
                moved.map_err(|error| of_kind(&kind, error))
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        self.keep_work(work);
        checked
    }
}

/// The state that the edits ask for, if they ask for one: one that the kind has.
pub(super) fn state_asked(
    kind: &Kind,
    edits: &[FieldEdit],
) -> Result<Option<String>, ReplicaError> {
    if !kind.is_state(STATE_FIELD) {
        return Ok(None);
    }
    let asked = edits.iter().rev().find(|edit| edit.field == STATE_FIELD);
    match asked.map(|edit| &edit.value) {
        Some(Edit::Set(Value::Text(state))) => {
            kind.parse_edit(STATE_FIELD, state)?;
            Ok(Some(state.trim().to_owned()))
        }
        // Of another type than the field, which the document refuses.
        Some(_) | None => Ok(None),
    }
}

pub(super) fn of_kind(kind: &Kind, error: StateError) -> ReplicaError {
    ReplicaError::State {
        kind: kind.name().to_owned(),
        error,
    }
}

/// Refuses links to records of which this device knows that they are of another kind than the field takes.
/// What it does not have it believes: the other may be in a space that it does not read.
pub(super) fn check_links(
    tx: &dyn StoreTx,
    kind: &Kind,
    edits: &[FieldEdit],
) -> Result<(), ReplicaError> {
    for edit in edits {
        let ty = kind.field(&edit.field).map(crate::schema::Field::ty);
        let Some(FieldType::Link(kinds) | FieldType::Links(kinds)) = ty else {
            continue;
        };
        for link in linked(&edit.value) {
            let Some(found) = tx.row(&link)? else {
                continue;
            };
            if !kinds.is_empty() && !kinds.contains(&found.kind) {
                return Err(FieldError::WrongLink {
                    field: edit.field.clone(),
                    kinds: kinds.join(", "),
                }
                .into());
            }
        }
    }
    Ok(())
}

fn linked(edit: &Edit) -> Vec<RecordId> {
    match edit {
        Edit::Set(Value::Text(link)) => link.parse().into_iter().collect(),
        Edit::Set(Value::Set(links)) | Edit::Add(links) => {
            links.iter().filter_map(|link| link.parse().ok()).collect()
        }
        Edit::Set(Value::Number(_) | Value::Flag(_) | Value::List(_))
        | Edit::Remove(_)
        | Edit::Item(_) => Vec::new(),
    }
}
