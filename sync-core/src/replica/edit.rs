//! Edits of this device: durable at once, sealed later.

use crate::id::{DeviceId, LaneId, Millis, RecordId};
use crate::record::{EditError, NewChange, Payload, RecordDoc, Splice, Target};
use crate::replica::found::RECORDS;
use crate::replica::merge::Work;
use crate::replica::mind::{Mind, next_seq};
use crate::replica::schema::KindRef;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::roster::role::Role;
use crate::schema::{FieldEdit, FieldType, Kind, STATE_FIELD};
use crate::store::{EntryRef, PendingRow, StoreTx};

/// What an edit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edited {
    /// The record.
    pub record: RecordId,
    /// Whether anything changed; setting what is there already changes nothing.
    pub is_changed: bool,
}

impl Replica {
    /// Creates a record; it is durable when this returns.
    ///
    /// # Errors
    /// Unknown kind or space, a field that does not fit, or no right to create: nothing is written then.
    pub fn create(
        &mut self,
        kind: &str,
        space: LaneId,
        edits: &[FieldEdit],
        moment: &mut Moment<'_>,
    ) -> Result<RecordId, ReplicaError> {
        self.write(moment, |tx, mind, moment| {
            mind.create(tx, kind, space, edits, None, moment)
        })
    }

    /// Creates many records in one transaction: all of them, or none.
    ///
    /// # Errors
    /// As [`Replica::create`], for the first that fails.
    pub fn create_all(
        &mut self,
        kind: &str,
        space: LaneId,
        rows: &[Vec<FieldEdit>],
        moment: &mut Moment<'_>,
    ) -> Result<Vec<RecordId>, ReplicaError> {
        self.write(moment, |tx, mind, moment| {
            rows.iter()
                .map(|edits| mind.create(tx, kind, space, edits, None, moment))
                .collect()
        })
    }

    /// Changes fields of a record; it is durable when this returns.
    ///
    /// # Errors
    /// Unknown record, a field that does not fit, or no right to edit: nothing is written then.
    pub fn edit(
        &mut self,
        record: RecordId,
        edits: &[FieldEdit],
        moment: &mut Moment<'_>,
    ) -> Result<Edited, ReplicaError> {
        self.write(moment, |tx, mind, moment| {
            mind.edit(tx, record, edits, moment)
        })
    }

    /// Types into a text field: at `position` (unicode code points) removes `delete` and inserts `text`.
    ///
    /// # Errors
    /// As [`Replica::edit`].
    pub fn splice(
        &mut self,
        record: RecordId,
        field: &str,
        position: usize,
        delete: usize,
        text: &str,
        moment: &mut Moment<'_>,
    ) -> Result<Edited, ReplicaError> {
        self.splice_all(
            record,
            field,
            &[Splice {
                pos: position,
                del: delete,
                text,
            }],
            moment,
        )
    }

    /// Types a run of pieces into a text field: a change for each, durable together when this returns.
    ///
    /// An editor that gathers key strokes for a moment writes the document and its row once for all of
    /// them. Says for each piece whether it changed anything.
    ///
    /// # Errors
    /// As [`Replica::edit`], for the first piece that fails; nothing of the run is written then.
    pub fn type_run(
        &mut self,
        record: RecordId,
        field: &str,
        run: &[Typing<'_>],
        moment: &mut Moment<'_>,
    ) -> Result<Vec<bool>, ReplicaError> {
        self.write(moment, |tx, mind, moment| {
            mind.step_aside(tx, &record, moment)?;
            mind.type_run(tx, record, field, run)
        })
    }

    /// Does several splices in a text field as one change; each counts positions in what the ones before
    /// it left. No splices at all begin the text if the field has none.
    ///
    /// # Errors
    /// As [`Replica::edit`].
    pub fn splice_all(
        &mut self,
        record: RecordId,
        field: &str,
        splices: &[Splice<'_>],
        moment: &mut Moment<'_>,
    ) -> Result<Edited, ReplicaError> {
        let now = moment.now;
        self.write(moment, |tx, mind, moment| {
            mind.step_aside(tx, &record, moment)?;
            mind.change(tx, record, |mind, kind, doc| {
                check_text(kind, field)?;
                Ok(doc.splice_all(mind.actor(), now, field, splices)?)
            })
        })
    }
}

/// One piece of typing that becomes a change of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing<'t> {
    /// When, by the device's clock.
    pub at: Millis,
    /// What; each counts positions in what the ones before it left.
    pub splices: Vec<Splice<'t>>,
}

/// Whether people type into the field; an error if not.
fn check_text(kind: &Kind, field: &str) -> Result<(), ReplicaError> {
    let known = kind.field(field).ok_or_else(|| kind.unknown_field(field))?;
    if *known.ty() == FieldType::Text {
        return Ok(());
    }
    let field = field.to_owned();
    Err(EditError::WrongType { field }.into())
}

impl Mind {
    pub(super) fn edit(
        &mut self,
        tx: &mut dyn StoreTx,
        record: RecordId,
        edits: &[FieldEdit],
        moment: &mut Moment<'_>,
    ) -> Result<Edited, ReplicaError> {
        let now = moment.now;
        self.step_aside(tx, &record, moment)?;
        self.check_moves(tx, record, edits)?;
        if self.keeps_shown_state(tx, record, edits)? {
            // Everybody judges a move by what its change sets the state to, and it must say so.
            self.change(tx, record, |mind, _, doc| {
                Ok(doc.put_aside(mind.actor(), now, STATE_FIELD)?)
            })?;
        }
        self.change(tx, record, |mind, kind, doc| {
            for edit in edits {
                if kind.field(&edit.field).is_none() {
                    return Err(kind.unknown_field(&edit.field).into());
                }
            }
            Ok(doc.edit(mind.actor(), now, kind, edits)?)
        })
    }

    /// Whether the edits choose, between several states, the one that is shown anyway.
    fn keeps_shown_state(
        &mut self,
        tx: &dyn StoreTx,
        record: RecordId,
        edits: &[FieldEdit],
    ) -> Result<bool, ReplicaError> {
        let asked = edits.iter().rev().find(|edit| edit.field == STATE_FIELD);
        let Some(asked) = asked.and_then(|edit| edit.value.value()) else {
            return Ok(false);
        };
        let (work, kind) = self.work_to_edit(tx, record)?;
        let rivals = work.doc().rivals(STATE_FIELD);
        let is_kept =
            rivals.first().is_some_and(|shown| shown.value == *asked) && kind.is_state(STATE_FIELD);
        self.keep_work(work);
        Ok(is_kept)
    }

    pub(super) fn change(
        &mut self,
        tx: &mut dyn StoreTx,
        record: RecordId,
        edit: impl FnOnce(&Self, &Kind, &mut RecordDoc) -> Result<Option<NewChange>, ReplicaError>,
    ) -> Result<Edited, ReplicaError> {
        let (mut work, kind) = self.work_to_edit(tx, record)?;
        let Some(change) = edit(self, &kind, work.doc_mut())? else {
            self.keep_work(work);
            return Ok(Edited {
                record,
                is_changed: false,
            });
        };
        let entry = self.put_change(tx, record, work.space(), Target::Edit(record), &change)?;
        work.add(entry, &change.chunk);
        self.save_work(tx, work)?;
        Ok(Edited {
            record,
            is_changed: true,
        })
    }

    fn type_run(
        &mut self,
        tx: &mut dyn StoreTx,
        record: RecordId,
        field: &str,
        run: &[Typing<'_>],
    ) -> Result<Vec<bool>, ReplicaError> {
        let (mut work, kind) = self.work_to_edit(tx, record)?;
        check_text(&kind, field)?;
        let mut changed = Vec::with_capacity(run.len());
        for Typing { at, splices } in run {
            let change = work
                .doc_mut()
                .splice_all(self.actor(), *at, field, splices)?;
            changed.push(change.is_some());
            if let Some(change) = change {
                let target = Target::Edit(record);
                let entry = self.put_change(tx, record, work.space(), target, &change)?;
                work.add(entry, &change.chunk);
            }
        }
        if changed.contains(&true) {
            self.save_work(tx, work)?;
        } else {
            self.keep_work(work);
        }
        Ok(changed)
    }

    /// A record that this device may edit, and its kind.
    pub(super) fn work_to_edit(
        &mut self,
        tx: &dyn StoreTx,
        record: RecordId,
    ) -> Result<(Work, KindRef), ReplicaError> {
        let work = self
            .load_work(tx, &record)?
            .filter(Work::has_begun)
            .ok_or_else(|| ReplicaError::UnknownRecord(record.to_string()))?;
        let kind = self.kind(work.kind())?;
        self.role_to_edit(&kind, &work.space(), &work.created_by(self))?;
        Ok((work, kind))
    }

    pub(super) fn role_to_edit(
        &self,
        kind: &Kind,
        space: &LaneId,
        creator: &DeviceId,
    ) -> Result<Role, ReplicaError> {
        if self.is_removed() {
            return Err(ReplicaError::Removed);
        }
        let is_own = self.is_our_device(creator);
        match self.roster.role_in_space(&self.us, space) {
            Some(role) if role >= Role::Volunteer && kind.may_edit(role, is_own) => Ok(role),
            Some(role) if role >= Role::Volunteer => {
                Err(ReplicaError::NotAllowed { least: Role::Lead })
            }
            Some(_) | None => Err(ReplicaError::NotAllowed {
                least: Role::Volunteer,
            }),
        }
    }

    /// Whether this device's member began the record.
    pub(super) fn is_ours(&self, work: &Work) -> bool {
        self.is_our_device(&work.created_by(self))
    }

    pub(super) fn is_our_device(&self, device: &DeviceId) -> bool {
        *device == self.us || self.roster.member_id(device) == self.roster.member_id(&self.us)
    }

    pub(super) fn put_change(
        &self,
        tx: &mut dyn StoreTx,
        record: RecordId,
        space: LaneId,
        target: Target,
        change: &NewChange,
    ) -> Result<EntryRef, ReplicaError> {
        let log = self.own_log(space);
        let seq = next_seq(tx, &log)?;
        let bytes = Payload {
            target,
            chunk: change.chunk.clone(),
        }
        .encode();
        tx.put_pending(&PendingRow {
            lane: space,
            seq,
            kind: RECORDS,
            record: Some(record),
            bytes,
        })?;
        Ok(EntryRef { log, seq })
    }
}
