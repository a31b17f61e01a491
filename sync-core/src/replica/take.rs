//! Batches as they come in: verified, put into their logs, and what a fork takes out again.

use crate::entry::VerifiedBatch;
use crate::entry::place::{Link, LogView, Placement, place};
use crate::id::{ChainHash, EpochId, Head, LogId, Seq, StoreId};
use crate::replica::ReplicaError;
use crate::replica::ingest::{Intake, Source};
use crate::replica::mind::Mind;
use crate::replica::rebirth::Orphan;
use crate::session::Taken;
use crate::store::{EntryRef, StoreError, StoreTx};
use crate::wire::Refusal;
use crate::wire::batches::Received;

/// One log as placing sees it: the head from memory, the rest from the store.
struct LogInStore<'a> {
    tx: &'a dyn StoreTx,
    log: LogId,
    head: Head,
}

impl LogView for LogInStore<'_> {
    type Error = StoreError;

    fn head(&self) -> Result<Head, StoreError> {
        Ok(self.head)
    }

    fn at(&self, seq: Seq) -> Result<Option<Link>, StoreError> {
        self.tx.link_at(&self.log, seq)
    }

    fn ending_with(&self, chain: &ChainHash) -> Result<Option<Seq>, StoreError> {
        self.tx.ending_with(&self.log, chain)
    }

    fn has_branch(&self, chain: &ChainHash) -> Result<bool, StoreError> {
        self.tx.has_branch(&self.log, chain)
    }
}

impl Mind {
    pub(super) fn take_in(
        &mut self,
        tx: &mut dyn StoreTx,
        received: Received,
        source: &Source,
        intake: &mut Intake,
    ) -> Result<Taken, ReplicaError> {
        let log = received.batch.place().log;
        let position = received.position;
        let is_roster = log.lane == self.roster_lane;
        let is_sealed = received.batch.place().epoch != EpochId::ZERO;
        if is_roster == is_sealed {
            return Ok(Taken::Refused(Refusal::BadFrame));
        }
        // Nobody asked for it, whoever sends it.
        if !intake.lanes.contains(&log.lane) {
            return Ok(Taken::Refused(Refusal::NotAllowed));
        }
        let head = match intake.heads.get(&log) {
            Some(head) => *head,
            None => tx.head(&log)?,
        };
        let view = LogInStore { tx, log, head };
        let placement = place(received, &self.community, &view)?;
        let relay = source.relay.as_ref();
        let placement = match self.without_erased(tx, placement, intake)? {
            Ok(placement) => placement,
            Err(refusal) => return Ok(Taken::Refused(refusal)),
        };
        match placement {
            Placement::Extends(batch) => {
                let arrival = tx.append(&batch, relay)?;
                intake
                    .placed
                    .extend(position.map(|position| (arrival, position)));
                intake.heads.insert(log, batch.head());
                intake.done.tally.received += batch.count() as u64;
                self.know_log(&log);
                intake.is_own_log_moved |= self.is_own_log(&log);
                intake.fresh.push(batch);
                Ok(Taken::Stored(arrival))
            }
            Placement::Forks { batch, wins } => {
                intake.has_forked = true;
                let taken = self.take_fork(tx, batch, wins, relay, intake)?;
                if let (Taken::Stored(arrival), Some(position)) = (taken, position) {
                    intake.placed.push((arrival, position));
                }
                Ok(taken)
            }
            Placement::OnBranch(batch) => {
                intake.has_forked = true;
                let arrival = tx.append_branch(&batch, relay)?;
                intake
                    .placed
                    .extend(position.map(|position| (arrival, position)));
                self.keep_branch(batch, intake);
                Ok(Taken::Stored(arrival))
            }
            Placement::Known => Ok(Taken::Known),
            Placement::NeedsBranch => Ok(Taken::NeedsBranch(log)),
            Placement::Refused(refusal) => Ok(Taken::Refused(refusal)),
        }
    }

    /// A batch without what was erased of it. One whose contents are missing is taken only if somebody's
    /// word explains that: else whoever hands it on has taken them away, and another has them.
    fn without_erased(
        &mut self,
        tx: &mut dyn StoreTx,
        placement: Placement,
        intake: &mut Intake,
    ) -> Result<Result<Placement, Refusal>, ReplicaError> {
        let batch = match &placement {
            Placement::Extends(batch)
            | Placement::OnBranch(batch)
            | Placement::Forks { batch, .. } => batch,
            Placement::Known | Placement::NeedsBranch | Placement::Refused(_) => {
                return Ok(Ok(placement));
            }
        };
        if batch.erased().next().is_some() {
            if batch.log().lane == self.roster_lane {
                return Ok(Err(Refusal::BadFrame));
            }
            if !self.book.explains(&self.roster, batch) {
                // The word may have come just before it.
                self.hear_statements(tx, intake)?;
            }
            if !self.book.explains(&self.roster, batch) {
                return Ok(Err(Refusal::NotAllowed));
            }
        }
        let Some(reduced) = self.roster.erasures().reduce(batch) else {
            return Ok(Ok(placement));
        };
        Ok(Ok(match placement {
            Placement::Extends(_) => Placement::Extends(reduced),
            Placement::OnBranch(_) => Placement::OnBranch(reduced),
            Placement::Forks { wins, .. } => Placement::Forks {
                batch: reduced,
                wins,
            },
            other @ (Placement::Known | Placement::NeedsBranch | Placement::Refused(_)) => other,
        }))
    }

    /// A device wrote twice at one position: the smaller hash counts, the other branch is held, unless a
    /// cut-off says otherwise ([`Mind::settle_branches`]).
    fn take_fork(
        &mut self,
        tx: &mut dyn StoreTx,
        batch: VerifiedBatch,
        wins: bool,
        relay: Option<&StoreId>,
        intake: &mut Intake,
    ) -> Result<Taken, ReplicaError> {
        let log = *batch.log();
        if !wins {
            let arrival = tx.append_branch(&batch, relay)?;
            self.keep_branch(batch, intake);
            return Ok(Taken::Stored(arrival));
        }
        intake.is_own_log_moved |= self.is_own_log(&log);
        self.unmerge_from(tx, &log, batch.place().first_seq, intake)?;
        tx.demote(&log, batch.place().first_seq)?;
        let arrival = tx.append(&batch, relay)?;
        intake.heads.insert(log, batch.head());
        intake.done.tally.received += batch.count() as u64;
        intake.fresh.push(batch);
        Ok(Taken::Stored(arrival))
    }

    /// What a losing branch says: nothing of its records' entries is merged, its statements count.
    ///
    /// Statements are a set, so both branches of a roster log count: else whoever steals a key could
    /// unsay what its owner said, and everybody invited by them.
    fn keep_branch(&self, batch: VerifiedBatch, intake: &mut Intake) {
        if batch.log().lane == self.roster_lane {
            intake.fresh.push(batch);
        } else {
            intake.done.tally.held += batch.count() as u64;
        }
    }

    /// Finds the records that entries from `seq` on went into, to judge them without those.
    pub(super) fn unmerge_from(
        &mut self,
        tx: &mut dyn StoreTx,
        log: &LogId,
        seq: Seq,
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        if log.lane == self.roster_lane {
            return Ok(());
        }
        intake
            .fresh
            .retain(|batch| batch.log() != log || batch.place().first_seq < seq);
        for batch in tx.missing(log, seq, usize::MAX)? {
            let Some(carried) = tx.batch(batch.arrival)? else {
                continue;
            };
            intake.done.tally.held += carried.batch.count() as u64;
            for (seq, opened) in self.open_batch(&carried.batch) {
                // What was said of an entry is not said of another at its position.
                tx.remove_held(&EntryRef { log: *log, seq })?;
                if let Ok(incoming) = opened {
                    let record = incoming
                        .payload
                        .target
                        .record_id(&log.device, &log.incarnation);
                    self.docs.forget(&record);
                    intake.to_judge.insert(record);
                    if log.device == self.us {
                        // This store wrote it; it is written again under another incarnation.
                        intake.orphans.push(Orphan::new(&incoming, record));
                    }
                }
            }
        }
        Ok(())
    }
}
