//! Merging what others wrote.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change, ChangeHash};

use super::RecordDoc;
use crate::id::ActorId;
use crate::record::gate::{self, Candidate, Gate, Judgement, Sound, Verdict};
use crate::record::hold::HoldReason;

impl RecordDoc {
    /// Merges what passes the gate, in one go; says for each candidate, in their order, what became of it.
    ///
    /// Candidates may build on each other in any order. Only an author who cheats has two changes with one
    /// seq; so that all replicas keep the same one, the changes of one log are offered in its order, and
    /// what waits for something is offered again, at its place, with whatever comes next. A change that
    /// waits behind another with its seq is [`Verdict::Waiting`], perhaps with nothing missing.
    ///
    /// Where something goes wrong after the gate, the record stays as it was but for the changes that are
    /// not to blame.
    pub fn apply(&mut self, candidates: &[Candidate]) -> Vec<Verdict> {
        self.apply_read(&candidates.iter().map(gate::read).collect::<Vec<_>>())
    }

    /// Merges changes that were not judged, to see that a failing merge costs only those to blame.
    #[cfg(test)]
    pub(crate) fn apply_unguarded(&mut self, candidates: &[Candidate]) -> Vec<Verdict> {
        self.apply_read(
            &candidates
                .iter()
                .map(gate::read_unguarded)
                .collect::<Vec<_>>(),
        )
    }

    fn apply_read(&mut self, read: &[Result<Sound<'_>, HoldReason>]) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = read
            .iter()
            .map(|read| match read {
                Ok(_) => Verdict::Waiting(Vec::new()),
                Err(reason) => Verdict::Held(*reason),
            })
            .collect();
        let sounds: Vec<Option<&Sound<'_>>> = read.iter().map(|read| read.as_ref().ok()).collect();
        let mark = self.index.mark();
        let order = self.sort_out(&sounds, &mut verdicts);
        if order.is_empty() {
            return verdicts;
        }
        match merged(&self.doc, &order, &sounds) {
            Ok(doc) => self.doc = doc,
            Err(_) => {
                self.index.rewind(mark);
                self.settle_halves(&order, &sounds, &mut verdicts);
            }
        }
        verdicts
    }

    /// Judges all candidates, each after those that it builds on; returns the accepted ones in an order
    /// in which they can be merged, and leaves them in the index.
    fn sort_out(&mut self, sounds: &[Option<&Sound<'_>>], verdicts: &mut [Verdict]) -> Vec<usize> {
        let mut order = Vec::new();
        let mut waiters = Waiters::default();
        let mut open: VecDeque<usize> = (0..sounds.len()).collect();
        let mut gate = Gate::new(&self.doc, &mut self.index);
        while let Some(position) = open.pop_front() {
            let Some(sound) = sounds.get(position).copied().flatten() else {
                continue;
            };
            if waiters.is_behind_another(position, sound) {
                continue;
            }
            let mut woken = Vec::new();
            let verdict = match gate.judge(sound) {
                Judgement::Accept(node) => {
                    gate.accept(sound, node);
                    order.push(position);
                    woken = waiters.wake_builders(&sound.change.hash());
                    Verdict::Merged
                }
                Judgement::Known => Verdict::Known,
                Judgement::Waiting(missing) => {
                    waiters.wait(position, sound, &missing);
                    Verdict::Waiting(missing)
                }
                Judgement::Held(reason) => Verdict::Held(reason),
            };
            if !matches!(verdict, Verdict::Waiting(_)) {
                woken.extend(waiters.wake_rivals(position, sound));
            }
            woken.into_iter().rev().for_each(|one| open.push_front(one));
            if let Some(slot) = verdicts.get_mut(position) {
                *slot = verdict;
            }
        }
        // Part of what a change waits for may have come after it.
        for verdict in verdicts {
            if let Verdict::Waiting(missing) = verdict {
                missing.retain(|dep| self.index.node_of(dep).is_none());
            }
        }
        order
    }

    /// Merges candidates of which some made the merge fail: halves them until the culprits are alone.
    fn settle_halves(
        &mut self,
        order: &[usize],
        sounds: &[Option<&Sound<'_>>],
        verdicts: &mut [Verdict],
    ) {
        let (first, second) = order.split_at(order.len().div_ceil(2));
        for half in [first, second] {
            self.settle(half, sounds, verdicts);
        }
    }

    fn settle(&mut self, order: &[usize], sounds: &[Option<&Sound<'_>>], verdicts: &mut [Verdict]) {
        if order.is_empty() {
            return;
        }
        let picked: Vec<Option<&Sound<'_>>> = order
            .iter()
            .map(|position| sounds.get(*position).copied().flatten())
            .collect();
        let mut found = vec![Verdict::Waiting(Vec::new()); order.len()];
        let mark = self.index.mark();
        // Judged again: what builds on a culprit has lost its ground.
        let accepted = self.sort_out(&picked, &mut found);
        let result = merged(&self.doc, &accepted, &picked);
        for (position, verdict) in order.iter().zip(found) {
            if let Some(slot) = verdicts.get_mut(*position) {
                *slot = verdict;
            }
        }
        let accepted: Vec<usize> = accepted
            .iter()
            .filter_map(|position| order.get(*position).copied())
            .collect();
        match (result, accepted.as_slice()) {
            (Ok(doc), _) => self.doc = doc,
            (Err(reason), [culprit]) => {
                self.index.rewind(mark);
                if let Some(slot) = verdicts.get_mut(*culprit) {
                    *slot = Verdict::Held(reason);
                }
            }
            (Err(_), several) => {
                self.index.rewind(mark);
                self.settle_halves(several, sounds, verdicts);
            }
        }
    }
}

/// Candidates that cannot be judged yet.
#[derive(Default)]
struct Waiters {
    /// By the first change that is missing.
    builders: HashMap<ChangeHash, Vec<usize>>,
    /// Who waits with this author and seq; a second one is not judged before the first is.
    claims: HashMap<(ActorId, u64), usize>,
    /// Those with the same author and seq, behind the one that waits.
    rivals: HashMap<usize, Vec<usize>>,
}

impl Waiters {
    /// Whether another change with the same author and seq comes first and waits.
    fn is_behind_another(&mut self, position: usize, sound: &Sound<'_>) -> bool {
        let first = self
            .claims
            .get(&sound.place())
            .copied()
            .filter(|first| *first != position);
        if let Some(first) = first {
            self.rivals.entry(first).or_default().push(position);
        }
        first.is_some()
    }

    fn wait(&mut self, position: usize, sound: &Sound<'_>, missing: &[ChangeHash]) {
        self.claims.insert(sound.place(), position);
        if let Some(first) = missing.first() {
            self.builders.entry(*first).or_default().push(position);
        }
    }

    fn wake_builders(&mut self, hash: &ChangeHash) -> Vec<usize> {
        self.builders.remove(hash).unwrap_or_default()
    }

    fn wake_rivals(&mut self, position: usize, sound: &Sound<'_>) -> Vec<usize> {
        if self.claims.get(&sound.place()) == Some(&position) {
            self.claims.remove(&sound.place());
        }
        self.rivals.remove(&position).unwrap_or_default()
    }
}

/// A copy of the document with the changes merged.
///
/// That Automerge can give each of them back as it was is the gate's business: it takes regular forms
/// only. To ask for them here would cost more than the merge itself.
fn merged(
    doc: &Automerge,
    order: &[usize],
    sounds: &[Option<&Sound<'_>>],
) -> Result<Automerge, HoldReason> {
    let changes: Vec<Change> = order
        .iter()
        .filter_map(|position| sounds.get(*position).copied().flatten())
        .map(|sound| sound.change.clone())
        .collect();
    let mut copy = doc.clone();
    catch_unwind(AssertUnwindSafe(move || {
        copy.apply_changes(changes)
            .map_err(|_| HoldReason::Rejected)?;
        Ok(copy)
    }))
    .unwrap_or(Err(HoldReason::Panicked))
}
