//! What the gate must know about the changes of a document, kept beside it.
//!
//! Automerge can tell all of this, but not without work in proportion to the document. The index grows by
//! one node with each change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use automerge::{ActorId as AmActor, Automerge, ChangeHash};

use crate::id::{ActorId, Millis};

/// Position of a change in an [`Index`]; what it builds on has smaller ones.
pub(super) type NodeId = usize;

/// Up to so many authors of a record, each change keeps how much of every author's work is behind it.
///
/// Beyond, that is worked out when it is asked for: memory must not grow with authors times changes.
const CLOCK_AUTHORS_MAX: usize = 256;

/// For each author, by number: how many of their changes are behind a change.
type Clock = Arc<[u32]>;

/// One change.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) hash: ChangeHash,
    pub(super) actor: ActorId,
    pub(super) start_op: u64,
    pub(super) max_op: u64,
    pub(super) at: Millis,
    pub(super) deps: Vec<NodeId>,
    /// The author's number, and how many changes of theirs came before this one.
    author: usize,
    position: u32,
    /// Shared with the author's change before it where nothing else is behind it; the author's own
    /// place in it says nothing, `position` does.
    clock: Option<Clock>,
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
    /// Authors by the order in which they were first seen; one keeps their number for good.
    authors: HashMap<ActorId, usize>,
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
pub(super) const LAST_MILLIS: i64 = 253_402_300_799_999;

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
        let authors = self.authors.len();
        let author = *self.authors.entry(new.actor).or_insert(authors);
        let chain = self.chains.entry(new.actor).or_default();
        let position = u32::try_from(chain.len()).unwrap_or(u32::MAX);
        chain.push(id);
        let clock = self.clock(author, &new.deps);
        let node = Node {
            hash: new.hash,
            actor: new.actor,
            start_op: new.start_op,
            max_op: new.max_op,
            at: Millis(new.time.clamp(0, LAST_MILLIS)),
            deps: new.deps,
            author,
            position,
            clock,
        };
        self.ops = self.ops.saturating_add(node.op_count());
        self.nodes.push(node);
        id
    }

    /// What is behind a change by this author that builds on `deps`.
    fn clock(&self, author: usize, deps: &[NodeId]) -> Option<Clock> {
        if self.authors.len() > CLOCK_AUTHORS_MAX {
            return None;
        }
        if let [dep] = deps
            && let Some(before) = self.get(*dep)
            && before.author == author
        {
            return before.clock.clone();
        }
        let mut counts = vec![0; self.authors.len()];
        for dep in deps {
            let dep = self.get(*dep)?;
            for (count, behind) in counts.iter_mut().zip(dep.clock.as_ref()?.iter()) {
                *count = (*count).max(*behind);
            }
            if let Some(count) = counts.get_mut(dep.author) {
                *count = (*count).max(dep.position.saturating_add(1));
            }
        }
        Some(counts.into())
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
    pub(super) fn all_behind(&self, wanted: &BTreeSet<NodeId>, from: &[NodeId]) -> bool {
        let knows_all =
            from.len() == self.heads.len() && from.iter().all(|id| self.heads.contains(id));
        if knows_all || wanted.iter().all(|id| from.contains(id)) {
            return true;
        }
        self.told_by_clocks(wanted, from)
            .unwrap_or_else(|| self.found_by_walking(wanted, from))
    }

    /// The same from the clocks alone; `None` where they are not kept.
    fn told_by_clocks(&self, wanted: &BTreeSet<NodeId>, from: &[NodeId]) -> Option<bool> {
        for id in wanted {
            let Some(wanted) = self.get(*id) else {
                return Some(false);
            };
            let mut is_behind = false;
            for from in from.iter().filter_map(|id| self.get(*id)) {
                let behind = if from.author == wanted.author {
                    from.position.saturating_add(1)
                } else {
                    from.clock
                        .as_ref()?
                        .get(wanted.author)
                        .copied()
                        .unwrap_or(0)
                };
                is_behind |= behind > wanted.position;
            }
            if !is_behind {
                return Some(false);
            }
        }
        Some(true)
    }

    /// The same by following what builds on what.
    ///
    /// Operation numbers rise along every edge, so the walk stops below the oldest wanted change.
    fn found_by_walking(&self, wanted: &BTreeSet<NodeId>, from: &[NodeId]) -> bool {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Adds a change by an author on their last one and on some others, as the gate lets them in.
    fn push(index: &mut Index, author: u8, others: &[usize]) -> NodeId {
        let actor = ActorId::new([author; 16]);
        let last = index.chain(&actor).last().copied();
        let len = index.len();
        let others = others
            .iter()
            .filter(|_| len > 0)
            .map(|other| other % len.max(1));
        let deps: BTreeSet<NodeId> = last.into_iter().chain(others).collect();
        let below = deps
            .iter()
            .filter_map(|dep| index.get(*dep))
            .map(|node| node.max_op)
            .max();
        let start_op = below.unwrap_or(0) + 1;
        let hash = ChangeHash(*blake3::hash(&len.to_be_bytes()).as_bytes());
        let deps = deps.into_iter().collect();
        index.push(NewNode {
            hash,
            actor,
            start_op,
            max_op: start_op,
            time: 0,
            deps,
        })
    }

    fn ids(picks: &[usize], len: usize) -> Vec<NodeId> {
        picks.iter().map(|pick| pick % len).collect()
    }

    proptest! {
        #[test]
        fn clocks_tell_what_walking_finds(
            pushes in prop::collection::vec((0..5_u8, prop::collection::vec(0..500_usize, 0..3)), 1..60),
            asked in prop::collection::vec(
                (prop::collection::vec(0..500_usize, 0..4), prop::collection::vec(0..500_usize, 0..4)),
                20,
            ),
            rewound in 0..20_usize,
        ) {
            let mut index = Index::default();
            let kept = pushes.len().saturating_sub(rewound).max(1);
            let mut mark = index.mark();
            for (number, (author, others)) in pushes.iter().enumerate() {
                if number == kept {
                    mark = index.mark();
                }
                push(&mut index, *author, others);
            }
            if kept < pushes.len() {
                index.rewind(mark);
            }
            // Others write on after what was taken back.
            for (author, others) in pushes.iter().rev().take(7) {
                push(&mut index, 4 - author, others);
            }
            for (wanted, from) in &asked {
                let wanted: BTreeSet<NodeId> = ids(wanted, index.len()).into_iter().collect();
                let from = ids(from, index.len());
                let walked = wanted.is_empty() || index.found_by_walking(&wanted, &from);
                prop_assert_eq!(index.told_by_clocks(&wanted, &from), Some(walked));
            }
        }
    }

    #[test]
    fn clocks_end_where_authors_are_too_many() {
        let mut index = Index::default();
        for author in 0..=255 {
            push(&mut index, author, &[]);
        }
        assert!(index.nodes().iter().all(|node| node.clock.is_some()));
        let other = index.push(NewNode {
            hash: ChangeHash([1; 32]),
            actor: ActorId::new([1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]),
            start_op: 2,
            max_op: 2,
            time: 0,
            deps: vec![0, 9],
        });
        assert!(index.get(other).is_some_and(|node| node.clock.is_none()));
        assert!(index.all_behind(&BTreeSet::from([9]), &[other]));
        assert!(!index.all_behind(&BTreeSet::from([8]), &[other]));
    }
}
