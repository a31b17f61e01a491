//! New records: their ids, their first state, their first change.

use crate::id::{LaneId, RecordId};
use crate::record::{KindName, Payload, RecordDoc, Target};
use crate::replica::found::random;
use crate::replica::merge::Work;
use crate::replica::mind::Mind;
use crate::replica::origin::Origin;
use crate::replica::rebuild::Incoming;
use crate::replica::schema::KindRef;
use crate::replica::states::{check_links, of_kind, state_asked};
use crate::replica::{Moment, ReplicaError};
use crate::roster::role::Role;
use crate::schema::{Edit, FieldEdit, FieldError, Kind, Mover, STATE_FIELD, Value, narrow};
use crate::store::StoreTx;

/// One new record to be created.
#[derive(Debug, Clone)]
struct Draft {
    kind: KindRef,
    name: KindName,
    space: LaneId,
    role: Role,
}

impl Mind {
    pub(super) fn create(
        &mut self,
        tx: &mut dyn StoreTx,
        kind: &str,
        space: LaneId,
        edits: &[FieldEdit],
        origin: Option<Origin>,
        moment: &mut Moment<'_>,
    ) -> Result<RecordId, ReplicaError> {
        let draft = self.draft(kind, space)?;
        draft.kind.check_complete(edits)?;
        check_links(tx, &draft.kind, edits)?;
        let edits = with_first_state(&draft.kind, draft.role, edits)?;
        let mut doc = RecordDoc::new();
        let change = doc
            .edit(self.actor(), moment.now, &draft.kind, &edits)?
            .ok_or_else(|| self.unknown_kind(kind))?;
        let (record, target) = self.new_target(tx, &draft, &edits, origin, moment)?;
        let entry = self.put_change(tx, record, space, target.clone(), &change)?;
        if tx.doc(&record)?.is_some() {
            // Others have tried to begin it, and all that they wrote is held.
            let chunk = change.chunk;
            let payload = Payload { target, chunk };
            self.rebuild(tx, &record, &[Incoming { entry, payload }])?;
            return Ok(record);
        }
        let mut work = Work::begin(record, kind, space, doc);
        work.add(entry, &change.chunk);
        self.save_work(tx, work)?;
        Ok(record)
    }

    pub(super) fn role_to_create(&self, kind: &str, space: LaneId) -> Result<Role, ReplicaError> {
        Ok(self.draft(kind, space)?.role)
    }

    fn draft(&self, kind: &str, space: LaneId) -> Result<Draft, ReplicaError> {
        if self.is_removed() {
            return Err(ReplicaError::Removed);
        }
        let schema_kind = self.kind(kind)?;
        if space != self.commons && !self.roster.spaces().contains_key(&space) {
            self.require_member()?;
            return Err(ReplicaError::UnknownSpace(space.to_string()));
        }
        let least = schema_kind.least_to_create().max(Role::Volunteer);
        let role = self.roster.role_in_space(&self.us, &space);
        let role = role.filter(|role| *role >= least);
        Ok(Draft {
            kind: schema_kind,
            name: KindName::new(kind)?,
            space,
            role: role.ok_or(ReplicaError::NotAllowed { least })?,
        })
    }

    /// A new record's id: by its natural key, by the row that it comes from, or random, and then bound to
    /// its space by the first bytes of the nonce.
    fn new_target(
        &self,
        tx: &dyn StoreTx,
        draft: &Draft,
        edits: &[FieldEdit],
        origin: Option<Origin>,
        moment: &mut Moment<'_>,
    ) -> Result<(RecordId, Target), ReplicaError> {
        if let Some(field) = draft.kind.natural_key() {
            return self.keyed_target(tx, draft, field, edits);
        }
        if let Some(origin) = origin {
            let target = origin.target(&draft.name, &draft.space);
            let (record, target) = self.target_if_free(tx, draft, target)?;
            // Begun by us before, and held since.
            if tx.doc(&record)?.is_some() {
                return Err(ReplicaError::AlreadyThere(record.short()));
            }
            return Ok((record, target));
        }
        loop {
            let target = Target::Begin {
                kind: draft.name.clone(),
                nonce: space_nonce(&draft.space, random(moment)),
            };
            let record = target.record_id(&self.us, &self.incarnation);
            if tx.doc(&record)?.is_none() {
                return Ok((record, target));
            }
        }
    }

    /// The record that a natural key names, which others may begin at the same time.
    fn keyed_target(
        &self,
        tx: &dyn StoreTx,
        draft: &Draft,
        field: &str,
        edits: &[FieldEdit],
    ) -> Result<(RecordId, Target), ReplicaError> {
        let given = edits.iter().rev().find(|edit| edit.field == field);
        let text = match given.map(|edit| &edit.value) {
            Some(Edit::Set(Value::Text(text))) => text.as_str(),
            Some(_) | None => "",
        };
        let Some(key) = natural_key(&draft.space, text) else {
            let field = field.to_owned();
            let chars_max = KEY_CHARS_MAX;
            return Err(FieldError::TooLong { field, chars_max }.into());
        };
        let target = Target::BeginKeyed {
            kind: draft.name.clone(),
            key,
        };
        self.target_if_free(tx, draft, target)
    }

    /// A record that is made for a second time would be the same one.
    fn target_if_free(
        &self,
        tx: &dyn StoreTx,
        draft: &Draft,
        target: Target,
    ) -> Result<(RecordId, Target), ReplicaError> {
        let record = target.record_id(&self.us, &self.incarnation);
        if self.roster.erasures().has_record(&record, &draft.space) {
            return Err(ReplicaError::RecordErased);
        }
        match tx.row(&record)? {
            Some(_) => Err(ReplicaError::AlreadyThere(record.short())),
            None => Ok((record, target)),
        }
    }
}

/// What surely fits beside a space's id in a natural key, in characters.
const KEY_CHARS_MAX: usize = 50;

/// What names a thing in a space; none if it is too long.
pub(super) fn natural_key(space: &LaneId, text: &str) -> Option<String> {
    let key = format!("{space}:{}", normal_key(text));
    (key.len() <= Target::KEY_BYTES_MAX).then_some(key)
}

/// A natural key as it is compared: without spaces, small letters, and the digits and signs of Chinese
/// keyboards as those of others.
fn normal_key(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_whitespace()).map(narrow);
    kept.flat_map(char::to_lowercase).collect()
}

/// The edits with a state among them, if the kind has states; the given one must be one to begin in.
fn with_first_state(
    kind: &Kind,
    role: Role,
    edits: &[FieldEdit],
) -> Result<Vec<FieldEdit>, ReplicaError> {
    let mut edits = edits.to_vec();
    match state_asked(kind, &edits)? {
        Some(state) => {
            let mover = Mover::of(role, true, &edits);
            let begun = kind.check_first(&state, mover);
            begun.map_err(|error| of_kind(kind, error))?;
        }
        None => {
            let first = kind.first_state();
            edits.extend(
                first.map(|first| {
                    FieldEdit::set(STATE_FIELD, Value::Text(first.value().to_owned()))
                }),
            );
        }
    }
    Ok(edits)
}

/// Three bytes of the space, then five random ones: the same beginning in another space is void.
pub(super) fn space_nonce(space: &LaneId, random: [u8; 5]) -> [u8; 8] {
    let [a, b, c, ..] = *space.as_bytes();
    let [d, e, f, g, h] = random;
    [a, b, c, d, e, f, g, h]
}

/// Whether a beginning's nonce was made for this space.
pub(super) fn is_nonce_of(space: &LaneId, nonce: &[u8; 8]) -> bool {
    space
        .as_bytes()
        .iter()
        .zip(nonce)
        .take(3)
        .all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_door_written_in_several_ways_is_one_key() {
        for written in ["仁和里12号", " 仁和里 12号 ", "仁和里１２号"] {
            assert_eq!(normal_key(written), "仁和里12号");
        }
        assert_eq!(normal_key("Lane A－3"), "lanea-3");
        let space = LaneId::new([255; 16]);
        let longest = format!("{space}:{}", "户".repeat(KEY_CHARS_MAX));
        assert!(longest.len() <= Target::KEY_BYTES_MAX);
    }
}
