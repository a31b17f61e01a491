//! What the gate must know about the changes of a document, kept beside it.
//!
//! Automerge can tell all of this, but not without work in proportion to the document. The index grows by
//! one node with each change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use automerge::{ActorId as AmActor, Automerge, ChangeHash};

use crate::id::{ActorId, Millis};

/// Position of a change in an [`Index`]; what it builds on has smaller ones.
pub(super) type NodeId = usize;

/// One change.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) hash: ChangeHash,
    pub(super) actor: ActorId,
    pub(super) start_op: u64,
    pub(super) max_op: u64,
    pub(super) at: Millis,
    pub(super) deps: Vec<NodeId>,
}

/// All changes of a document.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    nodes: Vec<Node>,
    by_hash: HashMap<ChangeHash, NodeId>,
    /// Each author's changes; the one with seq `n` is at `n − 1`.
    chains: BTreeMap<ActorId, Vec<NodeId>>,
    heads: BTreeSet<NodeId>,
    roots: Vec<NodeId>,
    ops: u64,
}

/// A change to be added.
#[derive(Debug)]
pub(super) struct NewNode {
    pub(super) hash: ChangeHash,
    pub(super) actor: ActorId,
    pub(super) start_op: u64,
    pub(super) max_op: u64,
    pub(super) time: i64,
    pub(super) deps: Vec<NodeId>,
}

/// Where an index stood, for [`Index::rewind`].
#[derive(Debug)]
pub(super) struct Mark {
    len: usize,
    heads: BTreeSet<NodeId>,
}

/// The end of the year 9999: no later time is shown.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// An actor as Automerge keeps it, if it is one of ours.
pub(super) fn actor_of(actor: &AmActor) -> Option<ActorId> {
    ActorId::try_from(actor.to_bytes()).ok()
}

impl Index {
    /// Reads all changes of a document; `None` if some actor is not one of ours.
    pub(super) fn of(doc: &Automerge) -> Option<Self> {
        let mut index = Self::default();
        for meta in doc.get_changes_meta(&[]) {
            let deps = meta
                .deps
                .iter()
                .map(|dep| index.node_of(dep))
                .collect::<Option<_>>()?;
            index.push(NewNode {
                hash: meta.hash,
                actor: actor_of(&meta.actor)?,
                start_op: meta.start_op,
                max_op: meta.max_op,
                time: meta.timestamp,
                deps,
            });
        }
        Some(index)
    }

    /// Adds a change whose deps are all here.
    pub(super) fn push(&mut self, new: NewNode) -> NodeId {
        let id = self.nodes.len();
        for dep in &new.deps {
            self.heads.remove(dep);
        }
        if new.deps.is_empty() {
            self.roots.push(id);
        }
        self.heads.insert(id);
        self.by_hash.insert(new.hash, id);
        self.chains.entry(new.actor).or_default().push(id);
        let node = Node {
            hash: new.hash,
            actor: new.actor,
            start_op: new.start_op,
            max_op: new.max_op,
            at: Millis(new.time.clamp(0, LAST_MILLIS)),
            deps: new.deps,
        };
        self.ops = self.ops.saturating_add(node.op_count());
        self.nodes.push(node);
        id
    }

    /// Remembers where the index stands.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            len: self.nodes.len(),
            heads: self.heads.clone(),
        }
    }

    /// Forgets everything pushed since the mark.
    pub(super) fn rewind(&mut self, mark: Mark) {
        for node in self.nodes.drain(mark.len..).rev() {
            self.by_hash.remove(&node.hash);
            self.ops = self.ops.saturating_sub(node.op_count());
            if let Some(chain) = self.chains.get_mut(&node.actor) {
                chain.pop();
                if chain.is_empty() {
                    self.chains.remove(&node.actor);
                }
            }
        }
        self.roots.retain(|root| *root < mark.len);
        self.heads = mark.heads;
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Operations of all changes together.
    pub(super) fn ops(&self) -> u64 {
        self.ops
    }

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub(super) fn node_of(&self, hash: &ChangeHash) -> Option<NodeId> {
        self.by_hash.get(hash).copied()
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// All changes in an order in which each follows what it builds on.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Those that build on nothing.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Node> {
        self.roots.iter().filter_map(|id| self.nodes.get(*id))
    }

    /// Those that nothing builds on.
    pub(super) fn heads(&self) -> impl Iterator<Item = &Node> {
        self.heads.iter().filter_map(|id| self.nodes.get(*id))
    }

    /// An author's changes in their order.
    pub(super) fn chain(&self, actor: &ActorId) -> &[NodeId] {
        self.chains.get(actor).map_or(&[], Vec::as_slice)
    }

    /// The change that holds an operation.
    pub(super) fn change_of(&self, actor: &ActorId, ctr: u64) -> Option<NodeId> {
        let chain = self.chain(actor);
        let starts_later = |id: &NodeId| self.get(*id).is_none_or(|node| node.start_op <= ctr);
        let position = chain.partition_point(starts_later).checked_sub(1)?;
        let id = *chain.get(position)?;
        (self.get(id)?.max_op >= ctr).then_some(id)
    }

    /// Whether all `wanted` changes are `from` or among what those build on.
    ///
    /// Operation numbers rise along every edge, so the walk stops below the oldest wanted change.
    pub(super) fn all_behind(&self, wanted: &BTreeSet<NodeId>, from: &[NodeId]) -> bool {
        let knows_all =
            from.len() == self.heads.len() && from.iter().all(|id| self.heads.contains(id));
        if knows_all || wanted.iter().all(|id| from.contains(id)) {
            return true;
        }
        let floor = wanted
            .iter()
            .filter_map(|id| self.get(*id))
            .map(|node| node.max_op)
            .min();
        let mut missing = wanted.clone();
        let mut seen: BTreeSet<NodeId> = from.iter().copied().collect();
        let mut open: Vec<NodeId> = from.to_vec();
        while let Some(id) = open.pop() {
            missing.remove(&id);
            if missing.is_empty() {
                return true;
            }
            let deps = self.get(id).map_or(&[][..], |node| node.deps.as_slice());
            for dep in deps {
                let is_recent = self.get(*dep).map(|node| node.max_op) >= floor;
                if is_recent && seen.insert(*dep) {
                    open.push(*dep);
                }
            }
        }
        false
    }
}

impl Node {
    fn op_count(&self) -> u64 {
        self.max_op.saturating_sub(self.start_op).saturating_add(1)
    }
}
