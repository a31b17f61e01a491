//! Sets and lists, put together from the keys that they lie in.

use std::collections::{BTreeMap, BTreeSet};

use automerge::iter::MapRangeItem;
use automerge::{Automerge, ObjType, ROOT, ReadDoc, ScalarValue, Value as AmValue, ValueRef};

use super::key::Key;
use super::read::{author, scalar_value};
use crate::id::ActorId;
use crate::schema::{Item, ItemId, Value};

/// What lies in the keys of one field beside the field's own.
#[derive(Debug, Default)]
pub(super) struct Parts {
    elements: BTreeSet<String>,
    places: BTreeMap<ItemId, String>,
    texts: BTreeMap<ItemId, String>,
    done: BTreeSet<ItemId>,
    /// The last operation on any of them, and its author.
    last: Option<(u64, ActorId)>,
}

/// An item and its place, by which its list is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) place: String,
    pub(super) id: ItemId,
    pub(super) text: String,
    pub(super) done: bool,
}

impl Parts {
    /// Takes one key's value in. What cannot be part of a set or a list counts for nothing.
    pub(super) fn take(&mut self, doc: &Automerge, key: Key<'_>, item: &MapRangeItem<'_>) {
        let taken = match (key, &item.value) {
            (Key::Member(_, element), _) => self.take_member(doc, element, item),
            (Key::Text(_, id), ValueRef::Object(ObjType::Text)) => {
                let text = doc.text(item.id()).ok();
                text.map(|text| self.texts.insert(id, text)).is_some()
            }
            (Key::Done(_, id), ValueRef::Scalar(scalar)) => {
                let is_done = matches!(ScalarValue::from(scalar), ScalarValue::Boolean(true));
                if is_done {
                    self.done.insert(id);
                }
                true
            }
            (Key::Field(_) | Key::Text(..) | Key::Done(..), _) => false,
        };
        if taken && let Some((actor, ctr)) = author(&item.id()) {
            self.last = self.last.max(Some((ctr, actor)));
        }
    }

    /// Of several values at one time, one that can be part of a set or list counts, whichever wins: whoever
    /// adds has the last word over whoever puts something else there.
    fn take_member(&mut self, doc: &Automerge, element: &str, item: &MapRangeItem<'_>) -> bool {
        let mut values = if item.conflict {
            let all = doc.get_all(ROOT, item.key.as_ref()).unwrap_or_default();
            let scalars = all.into_iter().filter_map(|(value, _)| match value {
                AmValue::Scalar(scalar) => Some(scalar.into_owned()),
                AmValue::Object(_) => None,
            });
            scalars.collect()
        } else {
            Vec::new()
        };
        if let ValueRef::Scalar(scalar) = &item.value {
            values.push(ScalarValue::from(scalar));
        }
        let is_element = values.contains(&ScalarValue::Boolean(true));
        if is_element {
            self.elements.insert(element.to_owned());
        }
        // The winner stands last.
        let mut places = values.iter().rev().filter(|value| value.is_str());
        let place = places.next().and_then(scalar_value);
        let is_item = match (element.parse(), place) {
            (Ok(id), Some(Value::Text(place))) => self.places.insert(id, place).is_none(),
            _no_item => false,
        };
        is_element || is_item
    }

    /// The set.
    pub(super) fn into_elements(self) -> BTreeSet<String> {
        self.elements
    }

    /// The list, in its order.
    pub(super) fn into_items(mut self) -> Vec<Placed> {
        let done = self.done;
        let items = self.places.into_iter().filter_map(|(id, place)| {
            Some(Placed {
                text: self.texts.remove(&id)?,
                done: done.contains(&id),
                id,
                place,
            })
        });
        let mut items: Vec<Placed> = items.collect();
        items.sort_by(|a, b| (&a.place, a.id).cmp(&(&b.place, b.id)));
        items
    }

    /// The value as a field of this sort has it, and who touched it last; `None` if there is nothing in it.
    pub(super) fn into_value(self, sort: Sort) -> Option<(Value, ActorId)> {
        let (_, by) = self.last?;
        let is_list = match sort {
            Sort::Set => false,
            Sort::List => true,
            Sort::Either => self.elements.is_empty(),
        };
        let value = if is_list {
            let items = self.into_items().into_iter().map(|item| Item {
                id: Some(item.id),
                text: item.text,
                done: item.done,
            });
            Value::List(items.collect())
        } else {
            Value::Set(self.into_elements())
        };
        (!value.is_empty()).then_some((value, by))
    }
}

/// What the keys of a field are put together to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Set,
    List,
    /// Whichever it looks like: a field that this version does not know.
    Either,
}
