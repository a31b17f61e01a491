//! Who changed what, from what to what.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Change, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, Value as AmValue};

use super::RecordDoc;
use super::key::{Key, done_key, place_key, text_key};
use super::read::scalar_value;
use crate::id::{ActorId, Millis};
use crate::record::chunk::{Act, Chunk};
use crate::record::index::{Node, NodeId};
use crate::schema::{ItemId, Kind, STATE_FIELD, Value};

/// Most characters of a text that history gives before and after a change.
pub const HISTORY_TEXT_CHARS_MAX: usize = 2_000;

/// One change, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// The change.
    pub hash: ChangeHash,
    /// Who made it.
    pub actor: ActorId,
    /// When, by their clock.
    pub at: Millis,
    /// Whose changes were there already that it did not know of: it was merged with them.
    pub beside: BTreeSet<ActorId>,
    /// What it did, in the order of the kind's fields, then others by name.
    pub changes: Vec<FieldChange>,
}

/// What a change did to one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field's name.
    pub field: String,
    /// What was done.
    pub deed: Deed,
    /// The value that its author saw before; of a set or a list, the element or the words of the item
    /// before. `None` if there was none.
    pub from: Option<Value>,
    /// The same after it; `None` if it cleared the field, or took something out.
    pub to: Option<Value>,
}

/// What a change does to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// Gives it a value, or clears it.
    Set,
    /// Puts an element into a set or an item into a list.
    Added,
    /// Takes one out.
    Removed,
    /// Ticks an item.
    Ticked,
    /// Takes a tick away.
    Unticked,
    /// Writes an item anew.
    Reworded,
    /// Gives an item another place.
    Moved,
}

impl Deed {
    /// The word used in JSON and by catalogues.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Ticked => "ticked",
            Self::Unticked => "unticked",
            Self::Reworded => "reworded",
            Self::Moved => "moved",
        }
    }
}

/// The moment before a change, and after it.
#[derive(Clone, Copy)]
struct Around<'h> {
    before: &'h [ChangeHash],
    after: &'h [ChangeHash],
}

impl RecordDoc {
    /// All changes, each after those that it builds on; the order is the same on every replica.
    ///
    /// Texts are cut to [`HISTORY_TEXT_CHARS_MAX`]. The work grows with the number of changes times the
    /// length of texts: ask when somebody wants to look.
    #[must_use]
    pub fn history(&self, kind: &Kind) -> Vec<HistoryItem> {
        let mut nodes: Vec<&Node> = self.index.nodes().iter().collect();
        nodes.sort_by_key(|node| (node.max_op, node.hash));
        let mut heads: BTreeSet<NodeId> = BTreeSet::new();
        let items = nodes.into_iter().map(|node| {
            for dep in &node.deps {
                heads.remove(dep);
            }
            let beside = heads.iter().filter_map(|id| self.index.get(*id));
            let beside = beside.map(|other| other.actor).collect();
            heads.extend(self.index.node_of(&node.hash));
            HistoryItem {
                beside,
                ..self.history_item(kind, node)
            }
        });
        items.collect()
    }

    /// One change, as [`RecordDoc::history`] gives it but for what it was merged with; `None` if it is not part of the record.
    #[must_use]
    pub fn history_of(&self, kind: &Kind, hash: &ChangeHash) -> Option<HistoryItem> {
        let node = self.index.get(self.index.node_of(hash)?)?;
        Some(self.history_item(kind, node))
    }

    /// The value of a field as the author of a change saw it, with that change.
    #[must_use]
    pub(crate) fn seen_in(&self, change: &ChangeHash, field: &str) -> Option<Value> {
        self.value_at(field, &[*change])
    }

    /// The states that a record was put into, each with the moment by its author's clock, in the order of
    /// [`RecordDoc::history`]: what statistics need, without the rest.
    #[must_use]
    pub fn moves(&self) -> Vec<(Millis, String)> {
        let mut nodes: Vec<&Node> = self.index.nodes().iter().collect();
        nodes.sort_by_key(|node| (node.max_op, node.hash));
        let mut moves = Vec::new();
        for node in nodes {
            let change = self.doc.get_change_by_hash(&node.hash);
            let chunk = change
                .as_ref()
                .and_then(|it| Chunk::parse(it.raw_bytes()).ok());
            let ops = chunk.iter().flat_map(|chunk| &chunk.ops);
            let set = ops.filter_map(|op| match op.act {
                Act::Set { key, text } if key == STATE_FIELD => text,
                Act::Set { .. }
                | Act::MakeText { .. }
                | Act::Clear { .. }
                | Act::Insert { .. }
                | Act::Remove { .. } => None,
            });
            let set = set.filter(|state| !state.is_empty());
            moves.extend(set.map(|state| (node.at, state.to_owned())));
        }
        moves
    }

    fn history_item(&self, kind: &Kind, node: &Node) -> HistoryItem {
        let change = self.doc.get_change_by_hash(&node.hash);
        let touched = change
            .map(|change| self.touched(&change, node))
            .unwrap_or_default();
        let deps: Vec<ChangeHash> = node
            .deps
            .iter()
            .filter_map(|dep| self.index.get(*dep))
            .map(|dep| dep.hash)
            .collect();
        let around = Around {
            before: &deps,
            after: &[node.hash],
        };
        let known = kind.fields().iter().map(crate::schema::Field::name);
        let is_new = |name: &&str| kind.field(name).is_none();
        let unknown = touched.keys().map(String::as_str).filter(is_new);
        let changes = known
            .chain(unknown)
            .filter_map(|name| Some((name, touched.get(name)?)))
            .flat_map(|(name, keys)| self.changes_of(name, keys, around))
            .collect();
        HistoryItem {
            hash: node.hash,
            actor: node.actor,
            at: node.at,
            beside: BTreeSet::new(),
            changes,
        }
    }

    /// What was done to one field, by the keys that were written.
    fn changes_of(
        &self,
        field: &str,
        keys: &BTreeSet<String>,
        around: Around<'_>,
    ) -> Vec<FieldChange> {
        let mut changes = Vec::new();
        let mut items: BTreeSet<ItemId> = BTreeSet::new();
        for key in keys {
            match Key::parse(key) {
                Some(Key::Field(_)) => changes.push(FieldChange {
                    field: field.to_owned(),
                    deed: Deed::Set,
                    from: self.value_at(key, around.before),
                    to: self.value_at(key, around.after),
                }),
                Some(Key::Member(_, element)) => {
                    let before = self.value_at(key, around.before);
                    let after = self.value_at(key, around.after);
                    let is_place = |value: &Option<Value>| matches!(value, Some(Value::Text(_)));
                    if is_place(&before) || is_place(&after) {
                        items.extend(element.parse::<ItemId>());
                    } else {
                        changes.extend(change_of_set(field, element, before, after));
                    }
                }
                Some(Key::Text(_, id) | Key::Done(_, id)) => {
                    items.insert(id);
                }
                None => {}
            }
        }
        let of_items = items.into_iter();
        changes.extend(of_items.flat_map(|item| self.changes_of_item(field, item, keys, around)));
        changes
    }

    fn changes_of_item(
        &self,
        field: &str,
        item: ItemId,
        keys: &BTreeSet<String>,
        around: Around<'_>,
    ) -> Vec<FieldChange> {
        let both = |key: &str| {
            let before = self.value_at(key, around.before);
            (before, self.value_at(key, around.after))
        };
        let (old_place, new_place) = both(&place_key(field, item));
        let (old_text, new_text) = both(&text_key(field, item));
        let change = |deed, from: Option<Value>, to: Option<Value>| FieldChange {
            field: field.to_owned(),
            deed,
            from,
            to,
        };
        match (&old_place, &new_place) {
            (None, Some(_)) => return vec![change(Deed::Added, None, new_text)],
            (Some(_), None) => return vec![change(Deed::Removed, old_text, None)],
            // Something was done to an item that was out of the list.
            (None, None) => return Vec::new(),
            (Some(_), Some(_)) => {}
        }
        let mut changes = Vec::new();
        if old_place != new_place {
            changes.push(change(Deed::Moved, old_text.clone(), new_text.clone()));
        }
        if old_text != new_text {
            changes.push(change(Deed::Reworded, old_text.clone(), new_text.clone()));
        }
        let done_key = done_key(field, item);
        let (was_done, is_done) = both(&done_key);
        let is_ticked = is_done == Some(Value::Flag(true));
        if keys.contains(&done_key) && was_done != is_done {
            let deed = if is_ticked {
                Deed::Ticked
            } else {
                Deed::Unticked
            };
            changes.push(change(deed, old_text, new_text));
        }
        changes
    }

    /// The keys that a change writes to, directly or inside their texts, by field.
    pub(super) fn touched(
        &self,
        change: &Change,
        node: &Node,
    ) -> BTreeMap<String, BTreeSet<String>> {
        let mut touched: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let Ok(chunk) = Chunk::parse(change.raw_bytes()) else {
            return touched;
        };
        let mut keys = BTreeSet::new();
        let mut texts = BTreeSet::new();
        for op in &chunk.ops {
            match op.act {
                Act::Set { key, .. } | Act::MakeText { key } | Act::Clear { key } => {
                    keys.insert(key.to_owned());
                }
                Act::Insert { text, .. } | Act::Remove { text, .. } => {
                    texts.insert(text);
                }
            }
        }
        for text in texts {
            let actor = match text.actor.checked_sub(1) {
                None => Some(node.actor),
                Some(other) => chunk.others.get(other).copied(),
            };
            keys.extend(actor.and_then(|actor| self.key_of_text(&actor, text.ctr)));
        }
        for key in keys {
            if let Some(field) = Key::parse(&key).map(|key| key.field().to_owned()) {
                touched.entry(field).or_default().insert(key);
            }
        }
        touched
    }

    /// The key that a text was made for.
    fn key_of_text(&self, actor: &ActorId, ctr: u64) -> Option<String> {
        let id = ObjId::Id(ctr, automerge::ActorId::from(actor.as_bytes()), 0);
        let parent = self.doc.parents(&id).ok()?.next()?;
        match parent.prop {
            automerge::Prop::Map(name) => Some(name),
            automerge::Prop::Seq(_) => None,
        }
    }

    fn value_at(&self, name: &str, heads: &[ChangeHash]) -> Option<Value> {
        if heads.is_empty() {
            return None;
        }
        let (value, id) = self.doc.get_at(ROOT, name, heads).ok()??;
        match value {
            AmValue::Object(ObjType::Text) => {
                let text = self.doc.text_at(&id, heads).ok()?;
                Some(Value::Text(
                    text.chars().take(HISTORY_TEXT_CHARS_MAX).collect(),
                ))
            }
            AmValue::Object(ObjType::Map | ObjType::List | ObjType::Table) => None,
            AmValue::Scalar(scalar) => scalar_value(&scalar),
        }
    }
}

fn change_of_set(
    field: &str,
    element: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> Option<FieldChange> {
    let is_in = |value: Option<Value>| value == Some(Value::Flag(true));
    let element = Some(Value::Text(element.to_owned()));
    let (deed, from, to) = match (is_in(before), is_in(after)) {
        (false, true) => (Deed::Added, None, element),
        (true, false) => (Deed::Removed, element, None),
        (true, true) | (false, false) => return None,
    };
    Some(FieldChange {
        field: field.to_owned(),
        deed,
        from,
        to,
    })
}
