//! Edits made on this device.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{
    ActorId as AmActor, AutomergeError, Change, ChangeHash, ObjId, ObjType, ROOT, ReadDoc,
    ScalarValue, Value as AmValue,
};
use thiserror::Error;

use super::RecordDoc;
use super::key::member_key;
use super::list::{ListEdit, Namer};
use super::parts::Parts;
use super::read::value_of;
use crate::id::{ActorId, Millis};
use crate::record::chunk::{KEY_BYTES_MAX, MAX_OPS};
use crate::record::index::NewNode;
use crate::schema::{Edit, Field, FieldEdit, FieldType, Kind, Value, is_element};

/// Longest values of one edit that are not texts, in bytes and all together, so that the change stays
/// below what others accept.
const SCALAR_BYTES_MAX: usize = 64 * 1024;

/// A change made here, to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// One Automerge change chunk.
    pub chunk: Vec<u8>,
    /// Its hash.
    pub hash: ChangeHash,
}

/// One piece of typing in a text. Positions count unicode code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splice<'t> {
    /// Where.
    pub pos: usize,
    /// How many characters are taken out there.
    pub del: usize,
    /// What is put in.
    pub text: &'t str,
}

/// Why an edit is not made. The record stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EditError {
    /// The record's document did not take the edit.
    #[error("the record cannot be edited; its stored document may be damaged")]
    Document,
    /// A place behind the end of a text.
    #[error("the text has only {length} characters")]
    OutOfRange {
        /// Characters in the text.
        length: usize,
    },
    /// More than one change may carry.
    #[error("the edit is too large for one change; save it in several steps")]
    TooLarge,
    /// The item is not in the list, or not any more.
    #[error("the list \"{field}\" has no such item; somebody may have taken it out")]
    NoSuchItem {
        /// The field.
        field: String,
    },
    /// The kind has no such field.
    #[error("there is no field \"{field}\" in this kind of record")]
    UnknownField {
        /// The field.
        field: String,
    },
    /// The value is of another type than the field.
    #[error("the field \"{field}\" takes another type of value")]
    WrongType {
        /// The field.
        field: String,
    },
}

impl From<AutomergeError> for EditError {
    fn from(_: AutomergeError) -> Self {
        Self::Document
    }
}

impl RecordDoc {
    /// Edits fields; `None` if that would alter nothing.
    ///
    /// A field that has the value already is left alone, unless it is in conflict: then the choice is a
    /// change of its own. An empty text clears a line, date or choice. Of two values for one field the last
    /// one counts; steps in sets and lists are done one after the other. A text is edited where it differs,
    /// so that what others write in it meanwhile stays.
    ///
    /// `now` is kept in the change in milliseconds (other programs on Automerge keep seconds there).
    ///
    /// # Errors
    /// [`EditError`] if a field or value does not fit, or the edit is too large for one change.
    pub fn edit(
        &mut self,
        actor: ActorId,
        now: Millis,
        kind: &Kind,
        edits: &[FieldEdit],
    ) -> Result<Option<NewChange>, EditError> {
        let mut by_field: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
        let mut scalar_bytes = 0_usize;
        for edit in edits {
            scalar_bytes = scalar_bytes.saturating_add(check(kind, edit)?);
            let of_field = by_field.entry(edit.field.as_str()).or_default();
            of_field.push(&edit.value);
        }
        if scalar_bytes > SCALAR_BYTES_MAX {
            return Err(EditError::TooLarge);
        }
        let has_parts = |field: &&Field| {
            let ty = field.ty();
            by_field.contains_key(field.name()) && (ty.is_set() || *ty == FieldType::List)
        };
        let with_parts: BTreeSet<&str> = kind
            .fields()
            .iter()
            .filter(has_parts)
            .map(Field::name)
            .collect();
        let mut parts = self.parts_of(&with_parts);
        let written = self.index.chain(&actor).len();
        let mut namer = Namer::new(actor, u64::try_from(written).unwrap_or(u64::MAX));
        self.transact(actor, now, |tx| {
            for field in kind.fields().iter().chain(kind.blob_fields()) {
                let Some(edits) = by_field.get(field.name()) else {
                    continue;
                };
                let parts = parts.remove(field.name()).unwrap_or_default();
                let (name, ty) = (field.name(), field.ty());
                if ty.is_set() {
                    edit_set(tx, name, parts, edits)?;
                } else if *ty == FieldType::List {
                    edit_list(tx, name, parts, edits, &mut namer)?;
                } else if let Some(value) = edits.iter().rev().find_map(|edit| edit.value()) {
                    set_field(tx, name, ty, value)?;
                }
            }
            Ok(())
        })
    }

    /// Puts the values of a field in conflict aside, so that the next change can set any of them again: it has
    /// an empty line until then.
    ///
    /// Automerge writes a choice of the value that is shown anyway as the end of the others, which names no
    /// value.
    pub(crate) fn put_aside(
        &mut self,
        actor: ActorId,
        now: Millis,
        field: &str,
    ) -> Result<Option<NewChange>, EditError> {
        self.transact(actor, now, |tx| Ok(tx.put(ROOT, field, "")?))
    }

    /// Types into a text: takes `del` characters out at `pos` and puts `text` in. The text is begun if the
    /// field has none. Positions count unicode code points.
    ///
    /// The work does not grow with the length of the document.
    ///
    /// # Errors
    /// [`EditError`] if the place is behind the end, or the edit is too large for one change.
    pub fn splice(
        &mut self,
        actor: ActorId,
        now: Millis,
        field: &str,
        pos: usize,
        del: usize,
        text: &str,
    ) -> Result<Option<NewChange>, EditError> {
        self.splice_all(actor, now, field, &[Splice { pos, del, text }])
    }

    /// Does several splices as one change; each counts positions in what the ones before it left.
    ///
    /// The work does not grow with the length of the document.
    ///
    /// # Errors
    /// As [`RecordDoc::splice`]; then none of them has been done.
    pub fn splice_all(
        &mut self,
        actor: ActorId,
        now: Millis,
        field: &str,
        splices: &[Splice<'_>],
    ) -> Result<Option<NewChange>, EditError> {
        if field.is_empty() || field.len() > KEY_BYTES_MAX {
            return Err(EditError::UnknownField {
                field: field.to_owned(),
            });
        }
        self.transact(actor, now, |tx| {
            let object = match tx.get(ROOT, field)? {
                Some((AmValue::Object(ObjType::Text), object)) => object,
                None => tx.put_object(ROOT, field, ObjType::Text)?,
                Some(_) => {
                    return Err(EditError::WrongType {
                        field: field.to_owned(),
                    });
                }
            };
            splices
                .iter()
                .try_for_each(|splice| splice_one(tx, &object, splice))
        })
    }

    /// Runs operations of any sort as one change, also such as the gate would hold.
    #[cfg(test)]
    pub(crate) fn edit_raw(
        &mut self,
        actor: ActorId,
        now: Millis,
        operations: impl FnOnce(&mut Transaction<'_>) -> Result<(), AutomergeError>,
    ) -> Result<Option<NewChange>, EditError> {
        self.transact(actor, now, |tx| Ok(operations(tx)?))
    }

    fn transact(
        &mut self,
        actor: ActorId,
        now: Millis,
        operations: impl FnOnce(&mut Transaction<'_>) -> Result<(), EditError>,
    ) -> Result<Option<NewChange>, EditError> {
        self.doc.set_actor(AmActor::from(actor.as_bytes()));
        // A transaction that is dropped on the way out rolls itself back.
        let mut tx = self.doc.transaction();
        operations(&mut tx)?;
        limit(&tx, 0)?;
        if tx.pending_ops() == 0 {
            tx.rollback();
            return Ok(None);
        }
        let (hash, _) = tx.commit_with(CommitOptions::default().with_time(now.0));
        let change = hash.and_then(|hash| self.doc.get_change_by_hash(&hash));
        let change = change.ok_or(EditError::Document)?;
        self.remember(actor, &change);
        Ok(Some(NewChange {
            chunk: change.raw_bytes().to_vec(),
            hash: change.hash(),
        }))
    }

    fn remember(&mut self, actor: ActorId, change: &Change) {
        let deps = change
            .deps()
            .iter()
            .filter_map(|dep| self.index.node_of(dep))
            .collect();
        self.index.push(NewNode {
            hash: change.hash(),
            actor,
            start_op: change.start_op().get(),
            max_op: change.max_op(),
            time: change.timestamp(),
            deps,
        });
    }
}

fn splice_one(
    tx: &mut Transaction<'_>,
    object: &ObjId,
    splice: &Splice<'_>,
) -> Result<(), EditError> {
    let Splice { pos, del, text } = *splice;
    let length = tx.length(object);
    if pos.checked_add(del).is_none_or(|end| end > length) {
        return Err(EditError::OutOfRange { length });
    }
    limit(tx, del.saturating_add(text.chars().count()))?;
    let del = isize::try_from(del).map_err(|_| EditError::TooLarge)?;
    Ok(tx.splice_text(object, pos, del, text)?)
}

/// Refuses what would make a change with more operations than others accept.
pub(super) fn limit(tx: &Transaction<'_>, more: usize) -> Result<(), EditError> {
    if tx.pending_ops().saturating_add(more) > MAX_OPS {
        Err(EditError::TooLarge)
    } else {
        Ok(())
    }
}

/// How many bytes of the change the edit takes that are no text; an error if it does not fit the field.
fn check(kind: &Kind, edit: &FieldEdit) -> Result<usize, EditError> {
    let field = || edit.field.clone();
    let unknown = || EditError::UnknownField { field: field() };
    let ty = kind.field(&edit.field).ok_or_else(unknown)?.ty();
    let key_bytes = |elements: &BTreeSet<String>| {
        let fit = elements.iter().all(|element| is_element(element));
        let bytes = elements
            .iter()
            .map(|it| it.len().saturating_add(edit.field.len()));
        fit.then(|| bytes.sum())
    };
    let bytes = match (&edit.value, ty) {
        (Edit::Set(Value::Text(_)), FieldType::Text) => Some(0),
        (
            Edit::Set(Value::Text(text)),
            FieldType::Blob
            | FieldType::Line
            | FieldType::Date
            | FieldType::Time
            | FieldType::Choice(_)
            | FieldType::Member
            | FieldType::Link(_)
            | FieldType::Point { .. },
        ) => Some(text.len()),
        (Edit::Set(Value::Number(_)), FieldType::Number | FieldType::Minutes)
        | (Edit::Set(Value::Flag(_)), FieldType::Flag)
        | (Edit::Set(Value::List(_)) | Edit::Item(_), FieldType::List) => Some(0),
        (Edit::Set(Value::Set(elements)) | Edit::Add(elements) | Edit::Remove(elements), ty)
            if ty.is_set() =>
        {
            key_bytes(elements)
        }
        _misfit => None,
    };
    bytes.ok_or_else(|| EditError::WrongType { field: field() })
}

/// Adds what is not there and takes away what is; what others add at the same time stays.
fn edit_set(
    tx: &mut Transaction<'_>,
    field: &str,
    parts: Parts,
    edits: &[&Edit],
) -> Result<(), EditError> {
    let before = parts.into_elements();
    let mut after = before.clone();
    for edit in edits {
        match edit {
            Edit::Set(Value::Set(elements)) => after.clone_from(elements),
            Edit::Add(elements) => after.extend(elements.iter().cloned()),
            Edit::Remove(elements) => after.retain(|element| !elements.contains(element)),
            Edit::Set(_) | Edit::Item(_) => {}
        }
    }
    for element in after.difference(&before) {
        tx.put(ROOT, member_key(field, element), true)?;
    }
    for element in before.difference(&after) {
        tx.delete(ROOT, member_key(field, element))?;
    }
    Ok(())
}

fn edit_list(
    tx: &mut Transaction<'_>,
    field: &str,
    parts: Parts,
    edits: &[&Edit],
    namer: &mut Namer,
) -> Result<(), EditError> {
    let mut list = ListEdit::new(parts.into_items());
    for edit in edits {
        match edit {
            Edit::Set(Value::List(items)) => list.set(items, namer),
            Edit::Item(step) => list.apply(field, step, namer)?,
            Edit::Set(_) | Edit::Add(_) | Edit::Remove(_) => {}
        }
    }
    list.write(tx, field, namer)
}

fn set_field(
    tx: &mut Transaction<'_>,
    name: &str,
    ty: &FieldType,
    value: &Value,
) -> Result<(), EditError> {
    let present = tx.get_all(ROOT, name)?;
    let is_same =
        |(found, id): &(AmValue<'_>, ObjId)| value_of(tx, found, id).as_ref() == Some(value);
    let has_value = !present.is_empty() && present.iter().all(is_same);
    let clears = matches!(value, Value::Text(text) if text.is_empty());
    if has_value || (clears && present.is_empty()) {
        return Ok(());
    }
    match (ty, value) {
        (FieldType::Text, Value::Text(text)) => {
            let object = match present.as_slice() {
                [(AmValue::Object(ObjType::Text), object)] => object.clone(),
                // None yet, or several, of which this one is to replace all.
                _none_or_several => tx.put_object(ROOT, name, ObjType::Text)?,
            };
            // Before the differences are worked out, which costs more for longer texts.
            limit(tx, text.chars().count().saturating_sub(tx.length(&object)))?;
            tx.update_text(&object, text)?;
        }
        (_, Value::Text(_)) if clears => tx.delete(ROOT, name)?,
        (_, Value::Text(text)) => tx.put(ROOT, name, text.as_str())?,
        (_, Value::Number(number)) => tx.put(ROOT, name, ScalarValue::Int(*number))?,
        (_, Value::Flag(flag)) => tx.put(ROOT, name, *flag)?,
        // These do not lie in one key.
        (_, Value::Set(_) | Value::List(_)) => {}
    }
    Ok(())
}
