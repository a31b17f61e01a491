//! Forked logs of spaces, once it is known which of their batches cut-offs name.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::VerifiedBatch;
use crate::entry::branches::{Node, settle};
use crate::id::{LogId, Seq};
use crate::replica::ReplicaError;
use crate::replica::ingest::Intake;
use crate::replica::mind::Mind;
use crate::session::carrier::Carried;
use crate::store::StoreTx;

impl Mind {
    /// Lets the branches count that cut-offs name; says whether a log that this store writes has moved.
    pub(super) fn settle_branches(
        &mut self,
        tx: &mut dyn StoreTx,
        intake: &mut Intake,
    ) -> Result<bool, ReplicaError> {
        let mut forked: BTreeMap<LogId, Vec<Carried>> = BTreeMap::new();
        for lost in tx.lost()? {
            if lost.log.lane != self.roster_lane
                && let Some(carried) = tx.batch(lost.batch.arrival)?
            {
                forked.entry(lost.log).or_default().push(carried);
            }
        }
        let mut has_moved = false;
        for (log, lost) in forked {
            let is_moved = self.settle_log(tx, &log, lost, intake)?;
            has_moved |= is_moved && self.is_own_log(&log);
        }
        Ok(has_moved)
    }

    fn settle_log(
        &mut self,
        tx: &mut dyn StoreTx,
        log: &LogId,
        mut batches: Vec<Carried>,
        intake: &mut Intake,
    ) -> Result<bool, ReplicaError> {
        let firsts = batches.iter().map(|it| it.batch.place().first_seq);
        let first = firsts.min().unwrap_or(Seq::FIRST);
        for batch in tx.missing(log, first, usize::MAX)? {
            batches.extend(tx.batch(batch.arrival)?);
        }
        let nodes = batches.iter();
        let nodes: Vec<Node> = nodes
            .map(|it| Node::of(it.arrival, &it.batch, it.is_branch))
            .collect();
        let named: BTreeSet<_> = self.roster.ends_of(log).map(|head| head.chain).collect();
        let Some(settlement) = settle(&nodes, &named) else {
            return Ok(false);
        };
        self.unmerge_from(tx, log, settlement.from, intake)?;
        tx.demote(log, settlement.from)?;
        for arrival in settlement.promoted {
            tx.promote(arrival)?;
            let promoted = batches.iter().find(|it| it.arrival == arrival);
            let promoted = promoted.map(|it| VerifiedBatch::clone(&it.batch));
            intake.fresh.extend(promoted);
        }
        intake.heads.insert(*log, tx.head(log)?);
        Ok(true)
    }
}
