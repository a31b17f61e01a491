//! Erasures: entries that have lost their contents, and records that swallow whatever comes for them.
//!
//! An erasure is about residents, not about authors: a coordinator of the lane erases whoever wrote it
//! (docs/adr/0008). It names each entry by its position and by the chain hash of the batch that has it,
//! so that an entry on another branch of a forked log is another entry.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::VerifiedBatch;
use crate::id::{ChainHash, DeviceId, LaneId, LogId, RecordId, Seq};
use crate::roster::role::Scope;
use crate::roster::statement::{Erase, StatementId, Stretch};

/// One erasure that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The record.
    pub record: RecordId,
    /// Who said it.
    pub author: DeviceId,
    /// The lanes in which it names entries.
    pub lanes: BTreeSet<LaneId>,
    /// How many entries it names.
    pub entries: u64,
}

/// Positions of one batch's entries.
type Ranges = BTreeSet<(Seq, Seq)>;

/// All erasures that count: the same on every device that has the same statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erasures {
    said: BTreeMap<StatementId, Erasure>,
    records: BTreeSet<(RecordId, LaneId)>,
    batches: BTreeMap<(LogId, ChainHash), Ranges>,
}

impl Erasures {
    /// Takes up what an erasure says about lanes in its author's scope; says whether there was anything.
    pub(super) fn add(
        &mut self,
        id: StatementId,
        author: DeviceId,
        erase: &Erase,
        scope: &Scope,
        roster_lane: &LaneId,
    ) -> bool {
        let mut lanes = BTreeSet::new();
        for stretch in &erase.entries {
            let Some(chain) = stretch.chain else { continue };
            let is_covered = scope.covers(&Scope::Space(stretch.lane));
            if !is_covered || stretch.lane == *roster_lane {
                continue;
            }
            lanes.insert(stretch.lane);
            let ranges = self.batches.entry((stretch.log(), chain)).or_default();
            ranges.insert((Seq(stretch.first), Seq(stretch.last)));
        }
        if lanes.is_empty() {
            return false;
        }
        self.records
            .extend(lanes.iter().map(|lane| (erase.record, *lane)));
        let erasure = self.said.entry(id).or_insert_with(|| Erasure {
            record: erase.record,
            author,
            lanes: BTreeSet::new(),
            entries: 0,
        });
        erasure.lanes.extend(lanes);
        let named = erase
            .entries
            .iter()
            .filter(|stretch| stretch.chain.is_some() && erasure.lanes.contains(&stretch.lane));
        erasure.entries = named.fold(0, |sum, stretch| sum.saturating_add(stretch.len()));
        true
    }

    /// Every erasure, by its statement.
    #[must_use]
    pub fn said(&self) -> &BTreeMap<StatementId, Erasure> {
        &self.said
    }

    /// Whether a record of this space was erased: nothing that comes for it counts.
    #[must_use]
    pub fn has_record(&self, record: &RecordId, space: &LaneId) -> bool {
        self.records.contains(&(*record, *space))
    }

    /// Erased records, each with its space.
    #[must_use]
    pub fn records(&self) -> &BTreeSet<(RecordId, LaneId)> {
        &self.records
    }

    /// Whether an entry of the batch with this chain hash has lost its contents.
    pub(super) fn has_entry(&self, log: &LogId, chain: &ChainHash, seq: Seq) -> bool {
        let ranges = self.batches.get(&(*log, *chain));
        ranges.is_some_and(|ranges| ranges.iter().any(|(a, b)| (*a..=*b).contains(&seq)))
    }

    /// A batch without the contents that were erased; `None` if it has none of those.
    #[must_use]
    pub fn reduce(&self, batch: &VerifiedBatch) -> Option<VerifiedBatch> {
        let ranges = self.batches.get(&(*batch.log(), batch.head().chain))?;
        let is_erased = |seq: Seq| ranges.iter().any(|(a, b)| (*a..=*b).contains(&seq));
        batch.without(is_erased)
    }

    /// The batches in which something is erased that was not before.
    pub fn batches_beyond<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = &'a (LogId, ChainHash)> {
        let differs = |(key, ranges): &(&(LogId, ChainHash), &Ranges)| {
            before.batches.get(*key) != Some(*ranges)
        };
        self.batches.iter().filter(differs).map(|(key, _)| key)
    }
}

/// What anybody's erasures name, whether they count or not, by the batch.
///
/// An erasure that was obeyed cannot be taken back, so the word of somebody who was cut off later still
/// explains why contents are missing. Without any, whoever hands on a batch without its contents has
/// taken them away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    batches: BTreeMap<ChainHash, BTreeSet<(Seq, Seq, DeviceId)>>,
}

impl Named {
    pub(super) fn add(&mut self, author: DeviceId, erase: &Erase) {
        let proved = |stretch: &Stretch| Some((stretch.chain?, stretch.first, stretch.last));
        for (chain, first, last) in erase.entries.iter().filter_map(proved) {
            let ranges = self.batches.entry(chain).or_default();
            ranges.insert((Seq(first), Seq(last), author));
        }
    }

    pub(super) fn names(
        &self,
        chain: &ChainHash,
        seq: Seq,
        is_heard: impl Fn(&DeviceId) -> bool,
    ) -> bool {
        let ranges = self.batches.get(chain).into_iter().flatten();
        ranges
            .filter(|(first, last, _)| (*first..=*last).contains(&seq))
            .any(|(_, _, author)| is_heard(author))
    }
}
