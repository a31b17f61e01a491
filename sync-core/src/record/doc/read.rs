//! What a record says, with all that was said at the same time.

use automerge::{
    ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value as AmValue, ValueRef,
};

use super::RecordDoc;
use crate::id::ActorId;
use crate::record::index::Index;
use crate::schema::{Kind, Value};

/// A field as all replicas with the same changes see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldState {
    /// The field's name; perhaps one that the kind does not have, from a newer version.
    pub name: String,
    /// The value that is shown.
    pub winner: Value,
    /// Other values, set at the same time by somebody who did not know of the winner.
    pub others: Vec<Concurrent>,
    /// Who set the winner; of a text, who began it.
    pub set_by: ActorId,
}

/// A value that did not win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concurrent {
    /// The value.
    pub value: Value,
    /// The change that set it.
    pub change: ChangeHash,
    /// Who set it.
    pub actor: ActorId,
}

impl RecordDoc {
    /// All fields that have a value: those of the kind in its order, then others by name.
    ///
    /// Equal values that were set at the same time are one value and no conflict.
    #[must_use]
    pub fn fields(&self, kind: &Kind) -> Vec<FieldState> {
        let rank = |name: &str| {
            let known = kind.fields().iter().position(|field| field.name() == name);
            known.unwrap_or(usize::MAX)
        };
        let mut fields: Vec<FieldState> = self
            .doc
            .map_range(ROOT, ..)
            .filter_map(|item| {
                if item.conflict {
                    return self.contested(&item.key);
                }
                let id = item.id();
                let winner = match &item.value {
                    ValueRef::Object(ObjType::Text) => Value::Text(self.doc.text(&id).ok()?),
                    ValueRef::Object(ObjType::Map | ObjType::List | ObjType::Table) => return None,
                    ValueRef::Scalar(scalar) => scalar_value(&ScalarValue::from(scalar))?,
                };
                let set_by = author(&id)?.0;
                Some(FieldState {
                    name: item.key.into_owned(),
                    winner,
                    others: Vec::new(),
                    set_by,
                })
            })
            .collect();
        fields.sort_by_key(|field| rank(&field.name));
        fields
    }

    /// A field with several values: the last in Automerge's order wins.
    fn contested(&self, name: &str) -> Option<FieldState> {
        let values = self.doc.get_all(ROOT, name).ok()?;
        let mut seen: Vec<Concurrent> = Vec::new();
        for (value, id) in values.iter().rev() {
            let Some(concurrent) = concurrent(&self.doc, &self.index, value, id) else {
                continue;
            };
            if seen.iter().all(|known| known.value != concurrent.value) {
                seen.push(concurrent);
            }
        }
        let mut seen = seen.into_iter();
        let winner = seen.next()?;
        Some(FieldState {
            name: name.to_owned(),
            winner: winner.value,
            others: seen.collect(),
            set_by: winner.actor,
        })
    }
}

fn concurrent(
    doc: &impl ReadDoc,
    index: &Index,
    value: &AmValue<'_>,
    id: &ObjId,
) -> Option<Concurrent> {
    let value = value_of(doc, value, id)?;
    let (actor, ctr) = author(id)?;
    let change = index.get(index.change_of(&actor, ctr)?)?.hash;
    Some(Concurrent {
        value,
        change,
        actor,
    })
}

/// Who made the operation with this id, and its number.
fn author(id: &ObjId) -> Option<(ActorId, u64)> {
    match id {
        ObjId::Root => None,
        ObjId::Id(ctr, actor, _) => Some((ActorId::try_from(actor.to_bytes()).ok()?, *ctr)),
    }
}

/// A value as people see it; `None` for what this version cannot show.
pub(super) fn value_of(doc: &impl ReadDoc, value: &AmValue<'_>, id: &ObjId) -> Option<Value> {
    match value {
        AmValue::Object(ObjType::Text) => doc.text(id).ok().map(Value::Text),
        AmValue::Object(ObjType::Map | ObjType::List | ObjType::Table) => None,
        AmValue::Scalar(scalar) => scalar_value(scalar),
    }
}

/// Numbers, flags and strings are themselves; what only newer versions write is shown as text.
pub(super) fn scalar_value(scalar: &ScalarValue) -> Option<Value> {
    Some(match scalar {
        ScalarValue::Str(text) => Value::Text(text.to_string()),
        ScalarValue::Int(number) => Value::Number(*number),
        ScalarValue::Boolean(flag) => Value::Flag(*flag),
        ScalarValue::Uint(number) => Value::Text(number.to_string()),
        ScalarValue::F64(number) => Value::Text(number.to_string()),
        ScalarValue::Timestamp(time) => Value::Text(time.to_string()),
        ScalarValue::Null
        | ScalarValue::Bytes(_)
        | ScalarValue::Counter(_)
        | ScalarValue::Unknown { .. } => return None,
    })
}
