//! What may be merged: every check that a change passes before Automerge sees it.
//!
//! The first half ([`read`]) looks at the change alone, the second ([`Gate::judge`]) at what it builds on. Nothing
//! depends on which other changes happen to be here already, with one exception that the log settles: of
//! two changes with one author and seq, the one that comes first in the log is merged, or waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{ActorId as AmActor, Automerge, Change, ChangeHash, ObjId, ObjType, ROOT, ReadDoc};

use super::chunk::{Act, Chunk, MAX_OP_NUMBER, Op, OpRef};
use super::hold::HoldReason;
use super::index::{Index, NewNode, NodeId};
use crate::id::ActorId;

/// What the payload's target asks of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeginRule {
    /// Begins the record: builds on nothing, and the record is empty.
    Begin,
    /// Begins a record that several may begin: builds on nothing.
    BeginKeyed,
    /// Builds on something.
    Edit,
}

/// A change that somebody signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The actor of the log that signed it, derived by us.
    pub signer: ActorId,
    /// From the payload's target.
    pub begin: BeginRule,
    /// The payload's chunk.
    pub chunk: Vec<u8>,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is part of the document now.
    Merged,
    /// It was part of the document before.
    Known,
    /// It builds on these changes, which are not here yet.
    Waiting(Vec<ChangeHash>),
    /// It is not merged; more changes do not alter that.
    Held(HoldReason),
}

/// A candidate that is sound by itself.
#[derive(Debug)]
pub(super) struct Sound<'c> {
    pub(super) change: Change,
    chunk: Chunk<'c>,
    signer: ActorId,
    begin: BeginRule,
    #[cfg(test)]
    is_unguarded: bool,
}

impl Sound<'_> {
    /// The author and the seq that the change claims.
    pub(super) fn place(&self) -> (ActorId, u64) {
        (self.signer, self.chunk.seq)
    }
}

/// Checks a candidate by itself: its form, its size, its author.
pub(super) fn read(candidate: &Candidate) -> Result<Sound<'_>, HoldReason> {
    let chunk = Chunk::parse(&candidate.chunk)?;
    if chunk.actor != candidate.signer.as_bytes() {
        return Err(HoldReason::WrongActor);
    }
    let ops = u64::try_from(chunk.ops.len()).map_err(|_| HoldReason::TooManyOps)?;
    if chunk.start_op == 0 || chunk.start_op.saturating_add(ops) >= MAX_OP_NUMBER {
        return Err(HoldReason::BadStartOp);
    }
    let change = catch_unwind(AssertUnwindSafe(|| {
        Change::try_from(candidate.chunk.as_slice())
    }))
    .map_err(|_panic| HoldReason::Panicked)?
    .map_err(|_parse| HoldReason::Unreadable)?;
    if change.hash().0.first_chunk::<4>() != Some(&chunk.checksum) {
        return Err(HoldReason::BadChecksum);
    }
    if !chunk.is_regular {
        return Err(HoldReason::Irregular);
    }
    Ok(Sound {
        change,
        chunk,
        signer: candidate.signer,
        begin: candidate.begin,
        #[cfg(test)]
        is_unguarded: false,
    })
}

/// Like [`read`], but the change is not judged further: to see that the merge itself holds out.
#[cfg(test)]
pub(super) fn read_unguarded(candidate: &Candidate) -> Result<Sound<'_>, HoldReason> {
    let sound = read(candidate)?;
    Ok(Sound {
        is_unguarded: true,
        ..sound
    })
}

/// What [`Gate::judge`] found.
#[derive(Debug)]
pub(super) enum Judgement {
    /// May be merged; the node is ready to be pushed to the index.
    Accept(NewNode),
    Known,
    Waiting(Vec<ChangeHash>),
    Held(HoldReason),
}

/// What an operation stands for, as far as others may refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sort {
    /// A value of a field.
    Value(String),
    /// A text, value of a field.
    Text(String),
    /// A character of a text.
    Character(ActorId, u64),
    /// Nothing that can be referred to.
    Nothing,
}

/// The document as it is, with the changes that were accepted but are not applied yet.
pub(super) struct Gate<'d, 'c> {
    pub(super) doc: &'d Automerge,
    pub(super) index: &'d mut Index,
    /// Accepted changes that the document does not have yet.
    accepted: BTreeMap<NodeId, &'d Sound<'c>>,
    /// Changes of the document that were taken apart because something refers to them.
    fetched: BTreeMap<NodeId, Vec<Sort>>,
}

impl<'d, 'c> Gate<'d, 'c> {
    pub(super) fn new(doc: &'d Automerge, index: &'d mut Index) -> Self {
        Self {
            doc,
            index,
            accepted: BTreeMap::new(),
            fetched: BTreeMap::new(),
        }
    }

    /// Puts an accepted change into the index.
    pub(super) fn accept(&mut self, sound: &'d Sound<'c>, node: NewNode) {
        let id = self.index.push(node);
        self.accepted.insert(id, sound);
    }

    /// Checks a candidate against what it builds on.
    pub(super) fn judge(&mut self, sound: &Sound<'_>) -> Judgement {
        let chunk = &sound.chunk;
        if self.index.node_of(&sound.change.hash()).is_some() {
            return Judgement::Known;
        }
        let deps: Vec<NodeId> = chunk
            .deps
            .iter()
            .filter_map(|dep| self.index.node_of(dep))
            .collect();
        if deps.len() < chunk.deps.len() {
            let is_missing = |dep: &&ChangeHash| self.index.node_of(dep).is_none();
            return Judgement::Waiting(chunk.deps.iter().filter(is_missing).copied().collect());
        }
        match self.check(sound, &deps) {
            Ok(()) => Judgement::Accept(NewNode {
                hash: sound.change.hash(),
                actor: sound.signer,
                start_op: chunk.start_op,
                max_op: sound.change.max_op(),
                time: sound.change.timestamp(),
                deps,
            }),
            Err(reason) => Judgement::Held(reason),
        }
    }

    fn check(&mut self, sound: &Sound<'_>, deps: &[NodeId]) -> Result<(), HoldReason> {
        #[cfg(test)]
        if sound.is_unguarded {
            return Ok(());
        }
        let chunk = &sound.chunk;
        match sound.begin {
            BeginRule::Begin | BeginRule::BeginKeyed if !deps.is_empty() || chunk.seq != 1 => {
                return Err(HoldReason::BadBeginning);
            }
            BeginRule::Begin if !self.index.is_empty() => return Err(HoldReason::AlreadyBegun),
            BeginRule::Edit if deps.is_empty() => return Err(HoldReason::NotABeginning),
            BeginRule::Begin | BeginRule::BeginKeyed | BeginRule::Edit => {}
        }
        let chain = self.index.chain(&sound.signer);
        let written = u64::try_from(chain.len()).unwrap_or(u64::MAX);
        if chunk.seq <= written {
            return Err(if chunk.seq == 0 {
                HoldReason::SeqJump
            } else {
                HoldReason::SeqTaken
            });
        }
        if chunk.seq != written.saturating_add(1) {
            return Err(HoldReason::SeqJump);
        }
        let previous: BTreeSet<NodeId> = chain.last().copied().into_iter().collect();
        if !self.index.all_behind(&previous, deps) {
            return Err(HoldReason::SeqJump);
        }
        // Exactly the next number, as Automerge itself counts: a change that leaps ahead could
        // use up the numbers of everybody else.
        let below = deps
            .iter()
            .filter_map(|dep| self.index.get(*dep))
            .map(|node| node.max_op);
        if chunk.start_op != below.max().unwrap_or(0).saturating_add(1) {
            return Err(HoldReason::BadStartOp);
        }
        let wanted = self.check_references(sound)?;
        if self.index.all_behind(&wanted, deps) {
            Ok(())
        } else {
            Err(HoldReason::BadReference)
        }
    }

    /// Checks what each operation refers to; returns the changes that hold those things.
    fn check_references(&mut self, sound: &Sound<'_>) -> Result<BTreeSet<NodeId>, HoldReason> {
        let mut references = References {
            sound,
            wanted: BTreeSet::new(),
            text: None,
        };
        for (number, op) in sound.chunk.numbered() {
            let fits = match op.act {
                Act::Set { key, .. } | Act::MakeText { key } | Act::Clear { key } => {
                    self.field_fits(&mut references, op, key)?
                }
                Act::Insert { text, after } => {
                    self.text_fits(&mut references, number, text)?
                        && match after {
                            Some(after) => {
                                self.character_fits(&mut references, number, text, after)?
                            }
                            None => true,
                        }
                }
                Act::Remove { text, element } => {
                    self.text_fits(&mut references, number, text)?
                        && self.character_fits(&mut references, number, text, element)?
                        && sound.chunk.preds(op).iter().all(|pred| *pred == element)
                }
            };
            if !fits {
                return Err(HoldReason::BadReference);
            }
        }
        Ok(references.wanted)
    }

    /// Whether everything that an operation on a field replaces is a value of that field.
    fn field_fits(
        &mut self,
        references: &mut References<'_, '_>,
        op: &Op<'_>,
        key: &str,
    ) -> Result<bool, HoldReason> {
        let chunk = &references.sound.chunk;
        let preds = chunk.preds(op);
        if preds.is_empty() {
            return Ok(true);
        }
        let present = self.doc.get_all(ROOT, key).unwrap_or_default();
        for pred in preds {
            if pred.actor == 0 && pred.ctr >= chunk.start_op {
                // Automerge never writes a field twice in one of our changes.
                return Ok(false);
            }
            let (actor, node) = references.locate(self.index, *pred)?;
            let is_present = present.iter().any(|(_, id)| is_op(id, &actor, pred.ctr));
            if is_present {
                continue;
            }
            match self.sort_of(node, pred.ctr)? {
                Sort::Value(field) | Sort::Text(field) if field == key => {}
                Sort::Value(_) | Sort::Text(_) | Sort::Character(..) | Sort::Nothing => {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn text_fits(
        &mut self,
        references: &mut References<'_, '_>,
        number: u64,
        text: OpRef,
    ) -> Result<bool, HoldReason> {
        if references.text == Some(text) {
            return Ok(true);
        }
        let fits = match references.own_op(number, text)? {
            Some(op) => matches!(op.act, Act::MakeText { .. }),
            None => {
                let (actor, node) = references.locate(self.index, text)?;
                let id = ObjId::Id(text.ctr, AmActor::from(actor.as_bytes()), 0);
                match self.doc.object_type(&id) {
                    Ok(found) => found == ObjType::Text,
                    Err(_not_applied_yet) => matches!(self.sort_of(node, text.ctr)?, Sort::Text(_)),
                }
            }
        };
        if fits {
            references.text = Some(text);
        }
        Ok(fits)
    }

    fn character_fits(
        &mut self,
        references: &mut References<'_, '_>,
        number: u64,
        text: OpRef,
        character: OpRef,
    ) -> Result<bool, HoldReason> {
        if let Some(op) = references.own_op(number, character)? {
            return Ok(matches!(op.act, Act::Insert { text: of, .. } if of == text));
        }
        let (_, node) = references.locate(self.index, character)?;
        let of = Sort::Character(references.actor(text)?, text.ctr);
        Ok(self.sort_of(node, character.ctr)? == of)
    }

    /// What the operation with this number is, in a change that is here.
    fn sort_of(&mut self, node: NodeId, ctr: u64) -> Result<Sort, HoldReason> {
        let start_op = self.index.get(node).map_or(0, |node| node.start_op);
        let position = usize::try_from(ctr.saturating_sub(start_op)).unwrap_or(usize::MAX);
        if let Some(sound) = self.accepted.get(&node) {
            let op = sound
                .chunk
                .ops
                .get(position)
                .ok_or(HoldReason::BadReference)?;
            return sort(&sound.chunk, &sound.signer, op);
        }
        if !self.fetched.contains_key(&node) {
            let sorts = self.fetch(node)?;
            self.fetched.insert(node, sorts);
        }
        let sorts = self.fetched.get(&node);
        sorts
            .and_then(|sorts| sorts.get(position))
            .cloned()
            .ok_or(HoldReason::BadReference)
    }

    fn fetch(&self, node: NodeId) -> Result<Vec<Sort>, HoldReason> {
        let node = self.index.get(node).ok_or(HoldReason::BadReference)?;
        let change = self
            .doc
            .get_change_by_hash(&node.hash)
            .ok_or(HoldReason::BadReference)?;
        let chunk = Chunk::parse(change.raw_bytes())?;
        chunk
            .ops
            .iter()
            .map(|op| sort(&chunk, &node.actor, op))
            .collect()
    }
}

/// One candidate's references, while they are looked at.
struct References<'s, 'c> {
    sound: &'s Sound<'c>,
    /// The changes that hold what is referred to.
    wanted: BTreeSet<NodeId>,
    /// The text that was found to be one last; most changes have but one.
    text: Option<OpRef>,
}

impl References<'_, '_> {
    fn actor(&self, reference: OpRef) -> Result<ActorId, HoldReason> {
        resolve(&self.sound.chunk, &self.sound.signer, reference)
    }

    /// The operation in the change itself, if that is what is referred to; it must come earlier.
    fn own_op(&self, number: u64, reference: OpRef) -> Result<Option<&Op<'_>>, HoldReason> {
        let chunk = &self.sound.chunk;
        if reference.actor != 0 || reference.ctr < chunk.start_op {
            return Ok(None);
        }
        if reference.ctr >= number {
            return Err(HoldReason::BadReference);
        }
        let position = usize::try_from(reference.ctr.saturating_sub(chunk.start_op));
        let op = position.ok().and_then(|position| chunk.ops.get(position));
        op.map(Some).ok_or(HoldReason::BadReference)
    }

    /// The change that holds an operation of an earlier change.
    fn locate(&mut self, index: &Index, reference: OpRef) -> Result<(ActorId, NodeId), HoldReason> {
        let actor = self.actor(reference)?;
        let node = index
            .change_of(&actor, reference.ctr)
            .ok_or(HoldReason::BadReference)?;
        self.wanted.insert(node);
        Ok((actor, node))
    }
}

fn resolve(chunk: &Chunk<'_>, signer: &ActorId, op: OpRef) -> Result<ActorId, HoldReason> {
    match op.actor.checked_sub(1) {
        None => Ok(*signer),
        Some(other) => chunk
            .others
            .get(other)
            .copied()
            .ok_or(HoldReason::BadReference),
    }
}

fn sort(chunk: &Chunk<'_>, actor: &ActorId, op: &Op<'_>) -> Result<Sort, HoldReason> {
    Ok(match op.act {
        Act::Set { key, .. } => Sort::Value(key.to_owned()),
        Act::MakeText { key } => Sort::Text(key.to_owned()),
        Act::Insert { text, .. } => Sort::Character(resolve(chunk, actor, text)?, text.ctr),
        Act::Clear { .. } | Act::Remove { .. } => Sort::Nothing,
    })
}

/// Whether Automerge's id names this operation.
pub(super) fn is_op(id: &ObjId, actor: &ActorId, ctr: u64) -> bool {
    match id {
        ObjId::Root => false,
        ObjId::Id(number, author, _) => *number == ctr && author.to_bytes() == actor.as_bytes(),
    }
}
