//! Who changed what, from what to what.

use std::collections::BTreeSet;

use automerge::{Change, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, Value as AmValue};

use super::RecordDoc;
use super::read::scalar_value;
use crate::id::{ActorId, Millis};
use crate::record::chunk::{Act, Chunk};
use crate::record::index::Node;
use crate::schema::{Kind, Value};

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
    /// What it did, in the order of the kind's fields, then others by name.
    pub changes: Vec<FieldChange>,
}

/// What a change did to one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field's name.
    pub field: String,
    /// The value that its author saw before; `None` if there was none.
    pub from: Option<Value>,
    /// The value after it; `None` if it cleared the field.
    pub to: Option<Value>,
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
        nodes
            .into_iter()
            .map(|node| self.history_item(kind, node))
            .collect()
    }

    /// One change, as [`RecordDoc::history`] gives it; `None` if it is not part of the record.
    #[must_use]
    pub fn history_of(&self, kind: &Kind, hash: &ChangeHash) -> Option<HistoryItem> {
        let node = self.index.get(self.index.node_of(hash)?)?;
        Some(self.history_item(kind, node))
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
        let known = kind.fields().iter().map(crate::schema::Field::name);
        let is_new = |name: &&str| kind.field(name).is_none();
        let unknown = touched.iter().map(String::as_str).filter(is_new);
        let changes = known
            .filter(|name| touched.contains(*name))
            .chain(unknown)
            .map(|name| FieldChange {
                field: name.to_owned(),
                from: self.value_at(name, &deps),
                to: self.value_at(name, &[node.hash]),
            })
            .collect();
        HistoryItem {
            hash: node.hash,
            actor: node.actor,
            at: node.at,
            changes,
        }
    }

    /// The fields that a change writes to, directly or inside their texts.
    fn touched(&self, change: &Change, node: &Node) -> BTreeSet<String> {
        let Ok(chunk) = Chunk::parse(change.raw_bytes()) else {
            return BTreeSet::new();
        };
        let mut names = BTreeSet::new();
        let mut texts = BTreeSet::new();
        for op in &chunk.ops {
            match op.act {
                Act::Set { key } | Act::MakeText { key } | Act::Clear { key } => {
                    names.insert(key.to_owned());
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
            names.extend(actor.and_then(|actor| self.field_of_text(&actor, text.ctr)));
        }
        names
    }

    /// The field that a text was made for.
    fn field_of_text(&self, actor: &ActorId, ctr: u64) -> Option<String> {
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
