//! Writing changes again under another actor, when a restored store has to begin anew.

use std::collections::HashMap;

use automerge::legacy::{ElementId, Key, ObjectId, OpId};
use automerge::{ActorId as AmActor, Change, ChangeHash};

use crate::id::ActorId;

/// Turns a run of changes of one actor in one record, none of which anybody else has seen, into the same
/// changes by another actor who has written nothing in the record.
#[derive(Debug)]
pub struct Rewriter {
    old: AmActor,
    new: AmActor,
    /// Operations of the old actor from here on are the new one's; earlier ones are known to others.
    first_op: Option<u64>,
    hashes: HashMap<ChangeHash, ChangeHash>,
    seq: u64,
}

impl Rewriter {
    /// Begins with the first of the changes.
    #[must_use]
    pub fn new(old: ActorId, new: ActorId) -> Self {
        Self {
            old: AmActor::from(old.as_bytes().as_slice()),
            new: AmActor::from(new.as_bytes().as_slice()),
            first_op: None,
            hashes: HashMap::new(),
            seq: 0,
        }
    }

    /// Writes the next change again; `None` if the bytes are not a change of the old actor.
    pub fn rewrite(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        let change = Change::try_from(chunk).ok()?;
        if *change.actor_id() != self.old {
            return None;
        }
        let mut expanded = change.decode();
        let start = expanded.start_op.get();
        let first = *self.first_op.get_or_insert(start);
        self.seq += 1;
        expanded.actor_id = self.new.clone();
        expanded.seq = self.seq;
        expanded.hash = None;
        for dep in &mut expanded.deps {
            *dep = self.hashes.get(dep).copied().unwrap_or(*dep);
        }
        expanded.deps.sort_unstable();
        for op in &mut expanded.operations {
            if let ObjectId::Id(id) = &mut op.obj {
                self.rename(id, first);
            }
            if let Key::Seq(ElementId::Id(id)) = &mut op.key {
                self.rename(id, first);
            }
            let mut pred: Vec<OpId> = op.pred.iter().cloned().collect();
            pred.iter_mut().for_each(|id| self.rename(id, first));
            op.pred = pred.into();
        }
        let rewritten = Change::from(expanded);
        self.hashes.insert(change.hash(), rewritten.hash());
        Some(rewritten.raw_bytes().to_vec())
    }

    fn rename(&self, id: &mut OpId, first: u64) {
        if id.1 == self.old && id.0 >= first {
            id.1 = self.new.clone();
        }
    }
}
