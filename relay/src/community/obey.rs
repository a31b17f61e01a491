//! What the roster says about the log: which branches count, and which contents go.

use std::collections::BTreeSet;

use sync_core::entry::branches::{Node, settle};
use sync_core::id::{LogId, Seq};
use sync_core::roster::statement::StatementId;
use sync_core::store::StoreError;

use super::Community;
use crate::log::BatchLog;

impl Community {
    /// Whether the log is not yet as the roster says: other branches may count, contents may have to go.
    #[must_use]
    pub fn owes_the_roster(&self) -> bool {
        let is_forked = self.lost.keys().any(|lane| *lane != self.roster_lane);
        (self.are_branches_stale && is_forked)
            || self.roster.erasures() != &self.erased
            || self.receipts.are_doubtful()
    }

    /// Lets the branches count that cut-offs name, within a transaction.
    ///
    /// # Errors
    /// The log's.
    pub fn settle_branches(&mut self, log: &mut dyn BatchLog) -> Result<(), StoreError> {
        self.are_branches_stale = false;
        let lost = self.lost.values().flatten();
        let of_spaces = lost.filter(|lost| lost.log.lane != self.roster_lane);
        let forked: BTreeSet<LogId> = of_spaces.map(|lost| lost.log).collect();
        let mut has_settled = false;
        for id in forked {
            let nodes = self.nodes_of(&id, log)?;
            let named = self.roster.ends_of(&id).map(|head| head.chain).collect();
            let Some(settlement) = settle(&nodes, &named) else {
                continue;
            };
            let head = log.settle(&self.id, &id, &settlement)?;
            if let Some(state) = self.logs.get_mut(&id) {
                state.head = head;
            }
            self.digests.get_mut().remove(&id.lane);
            has_settled = true;
        }
        if has_settled {
            self.read_lost(log)?;
            // Batches in memory say of themselves which branch they are on.
            self.recent.clear();
            self.recent_bytes = 0;
        }
        Ok(())
    }

    /// All batches of a log from its first fork on.
    fn nodes_of(&self, id: &LogId, log: &dyn BatchLog) -> Result<Vec<Node>, StoreError> {
        let mut batches = Vec::new();
        let lost = self.lost.get(&id.lane).into_iter().flatten();
        for lost in lost.filter(|lost| lost.log == *id) {
            batches.extend(log.batch(&self.id, lost.batch.arrival)?);
        }
        let firsts = batches.iter().map(|it| it.batch.place().first_seq);
        let first = firsts.min().unwrap_or(Seq::FIRST);
        for batch in log.missing(&self.id, id, first, usize::MAX)? {
            batches.extend(log.batch(&self.id, batch.arrival)?);
        }
        let nodes = batches.iter();
        Ok(nodes
            .map(|it| Node::of(it.arrival, &it.batch, it.is_branch))
            .collect())
    }

    /// Whether anything was ever erased here.
    #[must_use]
    pub fn has_erased(&self) -> bool {
        !self.erased.said().is_empty()
    }

    /// Of these erasures, those that the log has carried out.
    #[must_use]
    pub fn carried_out(&self, asked: &BTreeSet<StatementId>) -> Vec<StatementId> {
        let said = self.erased.said().keys();
        said.filter(|id| asked.contains(id)).copied().collect()
    }

    /// Drops what was erased from the log, within a transaction; says whether there was anything. After a
    /// restart all of it is looked at again.
    ///
    /// # Errors
    /// The log's.
    pub fn carry_out_erasures(&mut self, log: &mut dyn BatchLog) -> Result<bool, StoreError> {
        let mut has_erased = false;
        let erasures = self.roster.erasures().clone();
        let beyond = erasures.batches_beyond(&self.erased);
        let beyond: Vec<_> = beyond.copied().collect();
        for (id, chain) in &beyond {
            let Some(carried) = log.carrying(&self.id, id, chain)? else {
                continue;
            };
            let Some(reduced) = erasures.reduce(&carried.batch) else {
                continue;
            };
            log.reduce(&self.id, carried.arrival, &reduced)?;
            has_erased = true;
            for seq in reduced.erased() {
                self.drop_blobs(id, seq, log)?;
            }
            let freed = carried
                .batch
                .tail()
                .len()
                .saturating_sub(reduced.tail().len()) as u64;
            self.bytes = self.bytes.saturating_sub(freed);
            if let Some(bytes) = self.device_bytes.get_mut(&id.device) {
                *bytes = bytes.saturating_sub(freed);
            }
            if let Some(state) = self.logs.get_mut(id) {
                state.bytes = state.bytes.saturating_sub(freed);
            }
            // The newest batches in memory still have what was erased.
            self.recent.clear();
            self.recent_bytes = 0;
        }
        self.erased = erasures;
        Ok(has_erased)
    }
}
