//! What a record says, with all that was said at the same time.

use std::collections::{BTreeMap, BTreeSet};

use automerge::iter::MapRangeItem;
use automerge::{
    ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value as AmValue, ValueRef,
};

use super::RecordDoc;
use super::key::Key;
use super::parts::{Parts, Sort};
use crate::blob::BlobRef;
use crate::id::ActorId;
use crate::record::index::Index;
use crate::schema::{Field, FieldType, Kind, Value};

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
    /// The change that set the winner, where there are others.
    pub set_in: Option<ChangeHash>,
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
    /// Equal values that were set at the same time are one value and no conflict. Sets and lists have no
    /// conflicts: what was added apart is all in them. What does not fit its field (a set where the kind has
    /// a text) is not shown, and neither are blobs, which are for machines ([`RecordDoc::blobs`]).
    #[must_use]
    pub fn fields(&self, kind: &Kind) -> Vec<FieldState> {
        let mut fields: BTreeMap<String, FieldState> = BTreeMap::new();
        let mut parts: BTreeMap<String, Parts> = BTreeMap::new();
        for item in self.doc.map_range(ROOT, ..) {
            let Some(key) = Key::parse(&item.key) else {
                continue;
            };
            if is_blob(kind, key.field()) {
                continue;
            }
            if let Key::Field(name) = key {
                if sort_of(kind, name).is_none_or(|sort| sort == Sort::Either) {
                    let state = self.single(name, &item);
                    fields.extend(state.map(|state| (name.to_owned(), state)));
                }
            } else if sort_of(kind, key.field()).is_some() {
                let parts = parts.entry(key.field().to_owned()).or_default();
                parts.take(&self.doc, key, &item);
            }
        }
        for (name, parts) in parts {
            let sort = sort_of(kind, &name).unwrap_or(Sort::Either);
            if let Some((winner, set_by)) = parts.into_value(sort)
                && !fields.contains_key(&name)
            {
                let state = FieldState {
                    name: name.clone(),
                    winner,
                    others: Vec::new(),
                    set_by,
                    set_in: None,
                };
                fields.insert(name, state);
            }
        }
        let rank = |name: &str| {
            let known = kind.fields().iter().position(|field| field.name() == name);
            known.unwrap_or(usize::MAX)
        };
        let mut fields: Vec<FieldState> = fields.into_values().collect();
        fields.sort_by_key(|field| rank(&field.name));
        fields
    }

    /// The blobs that a field names; several if two people chose one at the same time.
    #[must_use]
    pub fn blobs(&self, field: &str) -> Vec<BlobRef> {
        let values = self.all_values(field).into_iter();
        let named = values.filter_map(|value| match value.value {
            Value::Text(text) => text.parse().ok(),
            Value::Number(_) | Value::Flag(_) | Value::Set(_) | Value::List(_) => None,
        });
        named.collect()
    }

    /// All values that one field has at once, the shown one first; none for sets and lists.
    #[must_use]
    pub fn values(&self, field: &str) -> Vec<Value> {
        let Some(state) = self.contested(field) else {
            return Vec::new();
        };
        let others = state.others.into_iter().map(|other| other.value);
        std::iter::once(state.winner).chain(others).collect()
    }

    /// Every value of a field that has several, the shown one first; equal ones each, because each is
    /// somebody's. None of a field that has one value.
    #[must_use]
    pub(crate) fn rivals(&self, field: &str) -> Vec<Concurrent> {
        let mut all = self.all_values(field);
        if !is_contested(&all) {
            all.clear();
        }
        all
    }

    fn all_values(&self, name: &str) -> Vec<Concurrent> {
        let values = self.doc.get_all(ROOT, name).unwrap_or_default();
        let values = values.iter().rev();
        values
            .filter_map(|(value, id)| concurrent(&self.doc, &self.index, value, id))
            .collect()
    }

    /// What lies in the keys of these fields beside their own.
    pub(super) fn parts_of(&self, fields: &BTreeSet<&str>) -> BTreeMap<String, Parts> {
        let mut parts: BTreeMap<String, Parts> = BTreeMap::new();
        if fields.is_empty() {
            return parts;
        }
        for item in self.doc.map_range(ROOT, ..) {
            let key = Key::parse(&item.key).filter(|key| !matches!(key, Key::Field(_)));
            if let Some(key) = key.filter(|key| fields.contains(key.field())) {
                let of_field = parts.entry(key.field().to_owned()).or_default();
                of_field.take(&self.doc, key, &item);
            }
        }
        parts
    }

    /// A field that is a value of its own.
    fn single(&self, name: &str, item: &MapRangeItem<'_>) -> Option<FieldState> {
        if item.conflict {
            return self.contested(name);
        }
        let id = item.id();
        let winner = match &item.value {
            ValueRef::Object(ObjType::Text) => Value::Text(self.doc.text(&id).ok()?),
            ValueRef::Object(ObjType::Map | ObjType::List | ObjType::Table) => return None,
            ValueRef::Scalar(scalar) => scalar_value(&ScalarValue::from(scalar))?,
        };
        Some(FieldState {
            name: name.to_owned(),
            winner,
            others: Vec::new(),
            set_by: author(&id)?.0,
            set_in: None,
        })
    }

    /// A field with several values: the last in Automerge's order wins.
    fn contested(&self, name: &str) -> Option<FieldState> {
        let mut seen = distinct(self.all_values(name)).into_iter();
        let winner = seen.next()?;
        let others: Vec<Concurrent> = seen.collect();
        Some(FieldState {
            name: name.to_owned(),
            winner: winner.value,
            set_by: winner.actor,
            set_in: (!others.is_empty()).then_some(winner.change),
            others,
        })
    }
}

/// Whether values that stand beside each other differ.
pub(super) fn is_contested(values: &[Concurrent]) -> bool {
    let mut values = values.iter();
    let first = values.next();
    values.any(|other| first.is_none_or(|first| first.value != other.value))
}

/// The first of each value, in their order.
pub(crate) fn distinct(values: Vec<Concurrent>) -> Vec<Concurrent> {
    let mut seen: Vec<Concurrent> = Vec::with_capacity(values.len());
    for value in values {
        if seen.iter().all(|known| known.value != value.value) {
            seen.push(value);
        }
    }
    seen
}

/// What the keys of a field are put together to; `None` if the field is a value of its own.
fn sort_of(kind: &Kind, field: &str) -> Option<Sort> {
    match kind.field(field).map(Field::ty) {
        None | Some(FieldType::Other(_)) => Some(Sort::Either),
        Some(FieldType::List) => Some(Sort::List),
        Some(ty) => ty.is_set().then_some(Sort::Set),
    }
}

fn is_blob(kind: &Kind, field: &str) -> bool {
    kind.field(field).map(Field::ty) == Some(&FieldType::Blob)
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
pub(super) fn author(id: &ObjId) -> Option<(ActorId, u64)> {
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
