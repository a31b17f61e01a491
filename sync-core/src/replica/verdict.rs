//! Held entries of somebody who was cut off: looked at, and let in or left out for good.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{DeviceId, LogId, RecordId, Seq};
use crate::replica::erase::STRETCHES_MAX;
use crate::replica::ingest::Ingested;
use crate::replica::mind::Mind;
use crate::replica::{Hold, Moment, Replica, ReplicaError};
use crate::roster::follow::change::Change;
use crate::roster::role::Role;
use crate::roster::statement::{Release, Statement, Stretch};
use crate::store::{HeldRow, StoreTx};

/// Which held entries are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldOf {
    /// All of one record.
    Record(RecordId),
    /// All of one device.
    Device(DeviceId),
    /// All.
    All,
}

impl HeldOf {
    pub(super) fn means(&self, row: &HeldRow) -> bool {
        match self {
            Self::Record(record) => row.record == Some(*record),
            Self::Device(device) => row.entry.log.device == *device,
            Self::All => true,
        }
    }
}

impl Replica {
    /// The record of which something is held, by the beginning of its id.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownRecord`] or [`ReplicaError::AmbiguousRecord`]; the store's.
    pub fn find_held_record(&self, typed: &str) -> Result<RecordId, ReplicaError> {
        let held = self.store.held()?.into_iter();
        let records: BTreeSet<RecordId> = held
            .filter_map(|row| row.record)
            .filter(|record| record.to_string().starts_with(typed))
            .collect();
        match records.into_iter().collect::<Vec<_>>().as_slice() {
            [] => Err(ReplicaError::UnknownRecord(typed.to_owned())),
            [only] => Ok(*only),
            _ => Err(ReplicaError::AmbiguousRecord(typed.to_owned())),
        }
    }

    /// Lets entries count after all that are held because their author was cut off.
    ///
    /// # Errors
    /// [`ReplicaError::NothingHeld`]; [`ReplicaError::NotAllowed`] below the rank of who cut the
    /// author off, or of who left the entries out; the store's.
    pub fn release(
        &mut self,
        which: &HeldOf,
        moment: &mut Moment<'_>,
    ) -> Result<Ingested, ReplicaError> {
        self.decide(which, false, moment)
    }

    /// Leaves such entries out for good, whatever they are; they stay in the store as proof.
    ///
    /// # Errors
    /// As [`Replica::release`].
    pub fn discard(
        &mut self,
        which: &HeldOf,
        moment: &mut Moment<'_>,
    ) -> Result<Ingested, ReplicaError> {
        self.decide(which, true, moment)
    }

    fn decide(
        &mut self,
        which: &HeldOf,
        is_final: bool,
        moment: &mut Moment<'_>,
    ) -> Result<Ingested, ReplicaError> {
        self.act(|tx, mind| {
            mind.require_member()?;
            let held = held_for(&*tx, which, is_final)?;
            let stretches = stretches_of(tx, &held)?;
            if stretches.is_empty() {
                return Err(ReplicaError::NothingHeld);
            }
            let mut change = Change::default();
            for entries in stretches.chunks(STRETCHES_MAX) {
                let entries = entries.to_vec();
                let release = Release { entries };
                let statement = if is_final {
                    Statement::Discard(release)
                } else {
                    Statement::Release(release)
                };
                change.then(mind.say(tx, &statement)?);
            }
            let done = mind.follow_roster(tx, &change)?;
            if held_for(&*tx, which, is_final)? == held {
                return Err(ReplicaError::NotAllowed {
                    least: mind.rank_to_decide(&held),
                });
            }
            mind.keep_house(tx, moment)?;
            Ok(done)
        })
    }
}

impl Mind {
    /// The rank of who cut off the authors of these entries.
    fn rank_to_decide(&self, held: &BTreeSet<(LogId, Seq)>) -> Role {
        let logs = held.iter().map(|(log, _)| log);
        let ranks = logs.filter_map(|log| self.roster.rank_of_cut(log));
        ranks.max().unwrap_or(Role::Lead)
    }
}

/// The entries that a verdict would be about. What was left out may still be let in by higher ranks.
fn held_for(
    tx: &dyn StoreTx,
    which: &HeldOf,
    is_final: bool,
) -> Result<BTreeSet<(LogId, Seq)>, ReplicaError> {
    let is_open = |row: &HeldRow| {
        let hold = Hold::from_code(row.reason);
        hold == Some(Hold::CutOff) || (!is_final && hold == Some(Hold::Discarded))
    };
    let rows = tx.held()?.into_iter();
    Ok(rows
        .filter(|row| is_open(row) && which.means(row))
        .map(|row| (row.entry.log, row.entry.seq))
        .collect())
}

/// Neighbours in one log as one stretch, each proved by the batch that has its last entry.
fn stretches_of(
    tx: &dyn StoreTx,
    held: &BTreeSet<(LogId, Seq)>,
) -> Result<Vec<Stretch>, ReplicaError> {
    let mut ranges: BTreeMap<LogId, Vec<(Seq, Seq)>> = BTreeMap::new();
    for (log, seq) in held {
        let of_log = ranges.entry(*log).or_default();
        match of_log.last_mut() {
            Some((_, last)) if last.plus(1) == *seq => *last = *seq,
            Some(_) | None => of_log.push((*seq, *seq)),
        }
    }
    let mut stretches = Vec::new();
    for (log, ranges) in ranges {
        for (first, last) in ranges {
            let entry = crate::store::EntryRef { log, seq: last };
            let Some(batch) = tx.batch_with(&entry)? else {
                continue;
            };
            stretches.push(Stretch {
                lane: log.lane,
                device: log.device,
                incarnation: log.incarnation,
                first: first.0,
                last: last.0,
                chain: Some(batch.head().chain),
            });
        }
    }
    Ok(stretches)
}
