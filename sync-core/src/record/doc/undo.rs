//! Taking a change back: what stood before, as edits of its own.

use std::collections::BTreeSet;

use automerge::{ChangeHash, ObjId, ObjType, ROOT, ReadDoc as _, Value as AmValue};
use thiserror::Error;

use super::RecordDoc;
use super::history::{Deed, FieldChange};
use super::read::{Concurrent, author, is_contested, scalar_value};
use crate::id::ActorId;
use crate::record::index::NodeId;
use crate::schema::{Edit, FieldEdit, Kind, Value};

/// Why a change cannot be taken back. Its author, or whoever else may edit, can write the field anew.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CannotUndo {
    /// The record has no such change.
    #[error("the record has no such change")]
    Unknown,
    /// The record began with it.
    #[error("the record began with this change: it can only be erased as a whole")]
    Beginning,
    /// Somebody has written the field since: what they wrote stays.
    #[error("\"{field}\" was changed again since")]
    ChangedSince {
        /// The field's name.
        field: String,
    },
    /// An item of a list, or a field that cannot be emptied.
    #[error("\"{field}\" cannot be put back in one step")]
    NotBack {
        /// The field's name.
        field: String,
    },
    /// What it did is undone already.
    #[error("nothing of this change is left to be undone")]
    Nothing,
}

impl RecordDoc {
    /// The edits that bring back what stood before a change, as its author saw it.
    ///
    /// A field comes back only where it still is what the change made it. Of a conflict that the change
    /// settled in favour of the value that was shown anyway, the other value comes back, if it was one.
    /// Sets come back element by element; items of lists do not.
    ///
    /// # Errors
    /// [`CannotUndo`]: a change is taken back whole or not at all.
    pub fn undoing(&self, kind: &Kind, hash: &ChangeHash) -> Result<Vec<FieldEdit>, CannotUndo> {
        let item = self.history_of(kind, hash).ok_or(CannotUndo::Unknown)?;
        let before = self.deps_of(hash);
        if before.is_empty() {
            return Err(CannotUndo::Beginning);
        }
        let mut edits = Vec::new();
        for change in &item.changes {
            match change.deed {
                Deed::Set => edits.extend(self.setting_back(kind, change, &before, hash)?),
                Deed::Added => edits.push(stepping_back(kind, change, '-', change.to.as_ref())?),
                Deed::Removed => {
                    edits.push(stepping_back(kind, change, '+', change.from.as_ref())?)
                }
                Deed::Ticked | Deed::Unticked | Deed::Reworded | Deed::Moved => {
                    return Err(not_back(&change.field));
                }
            }
        }
        if edits.is_empty() {
            return Err(CannotUndo::Nothing);
        }
        Ok(edits)
    }

    /// The values that a change of a field decided between: those of the conflict that it settled, or that
    /// had been settled by a change which it took back. None if there was no conflict behind it.
    #[must_use]
    pub(crate) fn decided(&self, change: &ChangeHash, field: &str) -> Vec<Concurrent> {
        let mut change = *change;
        loop {
            let before = self.deps_of(&change);
            let stood = self.values_at(field, &before);
            if is_contested(&stood) {
                return stood;
            }
            let made = self.whole_values_at(field, &[change]);
            let last = self.last_of_field(field, &before);
            let earlier = last.map(|last| self.whole_values_at(field, &self.deps_of(&last)));
            match (last, earlier) {
                (Some(last), Some(earlier)) if made.iter().any(|it| earlier.contains(it)) => {
                    change = last;
                }
                _ => return Vec::new(),
            }
        }
    }

    /// The value of a field right after a change, as its author saw it.
    #[must_use]
    pub(crate) fn value_with(&self, change: &ChangeHash, field: &str) -> Option<Value> {
        let values = self.whole_values_at(field, &[*change]);
        values.into_iter().next()
    }

    /// Who made a change.
    #[must_use]
    pub(crate) fn author_of(&self, change: &ChangeHash) -> Option<ActorId> {
        let node = self.index.get(self.index.node_of(change)?)?;
        Some(node.actor)
    }

    /// The latest change of a field among these and what they build on.
    fn last_of_field(&self, field: &str, heads: &[ChangeHash]) -> Option<ChangeHash> {
        // A change stands behind those that it builds on, so that the largest is a latest one.
        let heads = heads.iter().filter_map(|hash| self.index.node_of(hash));
        let mut open: BTreeSet<NodeId> = heads.collect();
        while let Some(node) = open.pop_last().and_then(|id| self.index.get(id)) {
            let change = self.doc.get_change_by_hash(&node.hash)?;
            if self.touched(&change, node).contains_key(field) {
                return Some(node.hash);
            }
            open.extend(&node.deps);
        }
        None
    }

    fn deps_of(&self, hash: &ChangeHash) -> Vec<ChangeHash> {
        let node = self.index.node_of(hash).and_then(|id| self.index.get(id));
        let deps = node.iter().flat_map(|node| &node.deps);
        let deps = deps.filter_map(|dep| self.index.get(*dep));
        deps.map(|dep| dep.hash).collect()
    }

    fn setting_back(
        &self,
        kind: &Kind,
        change: &FieldChange,
        before: &[ChangeHash],
        hash: &ChangeHash,
    ) -> Result<Option<FieldEdit>, CannotUndo> {
        let field = &change.field;
        let made = self.whole_values_at(field, &[*hash]);
        if self.values(field) != made {
            let field = field.clone();
            return Err(CannotUndo::ChangedSince { field });
        }
        let mut stood = self.whole_values_at(field, before);
        let is_aside = kind.is_state(field) && stood == [Value::Text(String::new())];
        if let Some(last) = self.last_of_field(field, before).filter(|_| is_aside) {
            stood = self.whole_values_at(field, &self.deps_of(&last));
        }
        let made = made.first();
        let value = match stood.as_slice() {
            // It settled a conflict of two in favour of the one that was shown.
            [shown, other] if Some(shown) == made => Some(other),
            [first, ..] if Some(first) == made => return Ok(None),
            [] if made.is_none() => return Ok(None),
            [first, ..] => Some(first),
            [] => None,
        };
        let value = match value {
            Some(value) => Edit::Set(value.clone()),
            None => {
                kind.parse_edit(field, "")
                    .map_err(|_| not_back(field))?
                    .value
            }
        };
        let field = field.clone();
        Ok(Some(FieldEdit { field, value }))
    }

    /// All values of a field at a moment, whole, the one that is shown first.
    fn whole_values_at(&self, field: &str, heads: &[ChangeHash]) -> Vec<Value> {
        let shown = self.doc.get_at(ROOT, field, heads).ok().flatten();
        let all = self.doc.get_all_at(ROOT, field, heads).unwrap_or_default();
        let shown_id = shown.as_ref().map(|(_, id)| id.clone());
        let others = all
            .into_iter()
            .filter(|(_, id)| Some(id) != shown_id.as_ref());
        let values = shown.into_iter().chain(others);
        values
            .filter_map(|(value, id)| self.whole_value_at(&value, &id, heads))
            .collect()
    }

    /// All values of a field at a moment, with whose they were.
    fn values_at(&self, field: &str, heads: &[ChangeHash]) -> Vec<Concurrent> {
        let all = self.doc.get_all_at(ROOT, field, heads).unwrap_or_default();
        let values = all.iter().rev();
        let values = values.filter_map(|(value, id)| {
            let (actor, ctr) = author(id)?;
            let change = self.index.get(self.index.change_of(&actor, ctr)?)?.hash;
            let value = self.whole_value_at(value, id, heads)?;
            Some(Concurrent {
                value,
                change,
                actor,
            })
        });
        values.collect()
    }

    fn whole_value_at(
        &self,
        value: &AmValue<'_>,
        id: &ObjId,
        heads: &[ChangeHash],
    ) -> Option<Value> {
        match value {
            AmValue::Object(ObjType::Text) => self.doc.text_at(id, heads).ok().map(Value::Text),
            AmValue::Object(ObjType::Map | ObjType::List | ObjType::Table) => None,
            AmValue::Scalar(scalar) => scalar_value(scalar),
        }
    }
}

/// Takes an element out of a set again, or puts it in again.
fn stepping_back(
    kind: &Kind,
    change: &FieldChange,
    sign: char,
    element: Option<&Value>,
) -> Result<FieldEdit, CannotUndo> {
    let field = &change.field;
    let is_set = kind.field(field).is_some_and(|known| known.ty().is_set());
    match element {
        Some(Value::Text(element)) if is_set => {
            let edit = kind.parse_edit(&format!("{field}{sign}"), element);
            edit.map_err(|_| not_back(field))
        }
        Some(_) | None => Err(not_back(field)),
    }
}

fn not_back(field: &str) -> CannotUndo {
    CannotUndo::NotBack {
        field: field.to_owned(),
    }
}
