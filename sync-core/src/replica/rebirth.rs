//! A new incarnation: this store was restored from a backup, or copied.
//!
//! The other side has more of our own log than we do, so the entries we would write next are taken.
//! A new incarnation starts new logs. What was pending is set aside as orphans: sealed as it was, each
//! change would name an actor whose positions are taken. Perhaps it was sealed already by the life that
//! was lost. So the old log is heard first; what is in it is dropped, and only the rest is written
//! again under the new incarnation. What this store had sealed and has lost its place to another branch
//! of the log is set aside and written again in the same way.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::id::{ActorId, Incarnation, LaneId, LogId, RecordId, Seq};
use crate::record::{Candidate, Payload, RecordDoc, Rewriter, Target, Verdict};
use crate::replica::found::{RECORDS, put_cbor, random};
use crate::replica::merge::Work;
use crate::replica::mind::{Mind, meta, next_seq, read_cbor};
use crate::replica::rebuild::{Incoming, candidate};
use crate::replica::{Hold, Moment, Replica, ReplicaError};
use crate::roster::erasure::Erasures;
use crate::store::{EntryRef, PendingRow, StoreRead, StoreTx};

/// An edit that an earlier incarnation had not sealed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Orphan {
    #[n(0)]
    incarnation: Incarnation,
    #[n(1)]
    lane: LaneId,
    #[n(2)]
    seq: u64,
    #[n(3)]
    record: RecordId,
    #[n(4)]
    bytes: ByteVec,
}

impl Replica {
    /// Begins a new incarnation and sets aside what is pending ([`Replica::settle_orphans`]).
    ///
    /// # Errors
    /// The store's; then the old incarnation stands.
    pub fn be_reborn(&mut self, moment: &mut Moment<'_>) -> Result<(), ReplicaError> {
        self.act(|tx, mind| mind.begin_anew(tx, moment))
    }

    /// Writes again what an earlier incarnation had not sealed, unless its log, as far as it has come
    /// in by now, shows that it had. Says whether there was anything.
    ///
    /// # Errors
    /// The store's; then nothing has changed.
    pub fn settle_orphans(&mut self, moment: &mut Moment<'_>) -> Result<bool, ReplicaError> {
        if orphans(&*self.store)?.is_empty() {
            return Ok(false);
        }
        self.act(|tx, mind| {
            let mut by_record: BTreeMap<(RecordId, Incarnation), Vec<Orphan>> = BTreeMap::new();
            let mut all = orphans(tx)?;
            all.sort_by_key(|orphan| (orphan.incarnation, orphan.lane, orphan.seq));
            for orphan in all {
                if !mind.was_sealed(tx, &orphan)? {
                    let key = (orphan.record, orphan.incarnation);
                    by_record.entry(key).or_default().push(orphan);
                }
            }
            let mut is_shared = false;
            for (record, _) in by_record.keys() {
                is_shared |= mind.has_written(tx, record)?;
            }
            if is_shared {
                // The rewritten changes count from 1, so their author must have none in the record.
                mind.seal_pending(tx, moment)?;
                if !tx.pending()?.is_empty() {
                    return Ok(false);
                }
                mind.begin_incarnation(tx, moment)?;
            }
            for ((record, incarnation), rows) in by_record {
                mind.rewrite(tx, &record, &rows, incarnation)?;
            }
            tx.remove_meta(meta::ORPHANS)?;
            Ok(true)
        })
    }
}

/// What earlier incarnations had not sealed and nobody has settled.
pub(super) fn orphans(store: &(impl StoreRead + ?Sized)) -> Result<Vec<Orphan>, ReplicaError> {
    Ok(read_cbor(store, meta::ORPHANS)?.unwrap_or_default())
}

/// Sets more aside.
pub(super) fn add_orphans(tx: &mut dyn StoreTx, more: Vec<Orphan>) -> Result<(), ReplicaError> {
    if more.is_empty() {
        return Ok(());
    }
    let mut all = orphans(tx)?;
    for orphan in more {
        if !all.contains(&orphan) {
            all.push(orphan);
        }
    }
    put_cbor(tx, meta::ORPHANS, &all)
}

fn take_pending(tx: &mut dyn StoreTx) -> Result<Vec<PendingRow>, ReplicaError> {
    let pending = tx.pending()?;
    for lane in pending.chunk_by(|a, b| a.lane == b.lane) {
        if let Some(last) = lane.last() {
            tx.remove_pending(&last.lane, last.seq)?;
        }
    }
    Ok(pending)
}

impl Orphan {
    /// An entry that was sealed and has lost its place to another branch of its log.
    pub(super) fn new(incoming: &Incoming, record: RecordId) -> Self {
        let EntryRef { log, seq } = incoming.entry;
        Self {
            incarnation: log.incarnation,
            lane: log.lane,
            seq: seq.0,
            record,
            bytes: incoming.payload.encode().into(),
        }
    }
}

impl Mind {
    /// What was set aside of records that are erased is not written again.
    pub(super) fn forget_orphans_of(
        &self,
        tx: &mut dyn StoreTx,
        erasures: &Erasures,
    ) -> Result<(), ReplicaError> {
        let all = orphans(tx)?;
        let mut kept = all.clone();
        kept.retain(|orphan| !erasures.has_record(&orphan.record, &orphan.lane));
        if kept == all {
            return Ok(());
        }
        put_cbor(tx, meta::ORPHANS, &kept)
    }

    /// Whether this store writes this log now.
    pub(super) fn is_own_log(&self, log: &LogId) -> bool {
        log.device == self.us && log.incarnation == self.incarnation
    }

    /// Begins a new incarnation and sets aside what is pending.
    pub(super) fn begin_anew(
        &mut self,
        tx: &mut dyn StoreTx,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        let incarnation = self.incarnation;
        self.begin_incarnation(tx, moment)?;
        let mut records = BTreeSet::new();
        let mut pending = Vec::new();
        for row in take_pending(tx)? {
            let Some(record) = row.record else {
                let seq = next_seq(tx, &self.own_log(row.lane))?;
                tx.put_pending(&PendingRow { seq, ..row })?;
                continue;
            };
            records.insert(record);
            let (lane, seq, bytes) = (row.lane, row.seq.0, row.bytes.into());
            pending.push(Orphan {
                incarnation,
                lane,
                seq,
                record,
                bytes,
            });
        }
        add_orphans(tx, pending)?;
        for record in records {
            // Pending entries are gone from the store, so judging the rest leaves them out.
            self.docs.forget(&record);
            self.rebuild(tx, &record, &[])?;
        }
        Ok(())
    }

    fn begin_incarnation(
        &mut self,
        tx: &mut dyn StoreTx,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        self.incarnation = Incarnation::new(random(moment));
        tx.put_meta(meta::INCARNATION, self.incarnation.as_bytes())?;
        let log = self.own_log(self.roster_lane);
        self.know_log(&log);
        Ok(())
    }

    /// Whether the life that was lost has sealed this very edit.
    fn was_sealed(&self, tx: &dyn StoreTx, orphan: &Orphan) -> Result<bool, ReplicaError> {
        let log = LogId {
            lane: orphan.lane,
            device: self.us,
            incarnation: orphan.incarnation,
        };
        let seq = Seq(orphan.seq);
        let Some(batch) = tx.batch_with(&EntryRef { log, seq })? else {
            return Ok(false);
        };
        let sealed = self
            .open_batch(&batch)
            .into_iter()
            .find(|(at, _)| *at == seq);
        let payload = sealed
            .and_then(|(_, opened)| opened.ok())
            .map(|it| it.payload);
        Ok(payload.is_some_and(|payload| payload.encode() == *orphan.bytes))
    }

    fn has_written(&mut self, tx: &dyn StoreTx, record: &RecordId) -> Result<bool, ReplicaError> {
        let Some(work) = self.load_work(tx, record)? else {
            return Ok(false);
        };
        let has_written = work.doc().has_author(&self.actor());
        let is_troubled = work.is_troubled();
        self.keep_work(work);
        Ok(has_written || (is_troubled && self.is_held_up(tx, record)?))
    }

    /// Whether a change of ours waits or is held in the record: the next one of the same author would
    /// have to wait with it.
    fn is_held_up(&self, tx: &dyn StoreTx, record: &RecordId) -> Result<bool, ReplicaError> {
        let held = tx.held_of(record)?;
        let mut own = held.iter().filter(|row| self.is_own_log(&row.entry.log));
        Ok(own.any(|row| !Hold::from_code(row.reason).is_some_and(Hold::is_merged)))
    }

    /// Before an edit: goes on under another incarnation if an earlier edit of ours is held here.
    pub(super) fn step_aside(
        &mut self,
        tx: &mut dyn StoreTx,
        record: &RecordId,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        let Some(work) = self.load_work(tx, record)? else {
            return Ok(());
        };
        let is_troubled = work.is_troubled();
        self.keep_work(work);
        if !is_troubled || !self.is_held_up(tx, record)? {
            return Ok(());
        }
        self.seal_pending(tx, moment)?;
        if tx.pending()?.is_empty() {
            self.begin_incarnation(tx, moment)
        } else {
            self.begin_anew(tx, moment)
        }
    }

    /// Makes the changes of a record that an earlier incarnation had not sealed again as this one's.
    fn rewrite(
        &mut self,
        tx: &mut dyn StoreTx,
        record: &RecordId,
        rows: &[Orphan],
        before: Incarnation,
    ) -> Result<(), ReplicaError> {
        let mut rewriter = Rewriter::new(ActorId::derive(&self.us, &before), self.actor());
        let mut target_record = *record;
        for row in rows {
            let Ok(payload) = Payload::decode(&row.bytes) else {
                continue;
            };
            debug_assert_eq!(payload.target.record_id(&self.us, &before), *record);
            let work = match &payload.target {
                Target::Begin { kind, .. } | Target::BeginKeyed { kind, .. } => {
                    target_record = payload.target.record_id(&self.us, &self.incarnation);
                    Some(Work::begin(
                        target_record,
                        kind.as_str(),
                        row.lane,
                        RecordDoc::new(),
                    ))
                }
                Target::Edit(_) => self.load_work(tx, &target_record)?,
            };
            let (Some(work), Some(chunk)) = (work, rewriter.rewrite(&payload.chunk)) else {
                continue;
            };
            let target = match payload.target {
                Target::Edit(_) => Target::Edit(target_record),
                begin @ (Target::Begin { .. } | Target::BeginKeyed { .. }) => begin,
            };
            self.write_again(tx, work, row.lane, target_record, Payload { target, chunk })?;
        }
        Ok(())
    }

    fn write_again(
        &mut self,
        tx: &mut dyn StoreTx,
        mut work: Work,
        lane: LaneId,
        record: RecordId,
        payload: Payload,
    ) -> Result<(), ReplicaError> {
        let log = self.own_log(lane);
        let seq = next_seq(tx, &log)?;
        let bytes = payload.encode();
        let incoming = Incoming {
            entry: EntryRef { log, seq },
            payload,
        };
        tx.put_pending(&PendingRow {
            lane,
            seq,
            kind: RECORDS,
            record: Some(record),
            bytes,
        })?;
        let candidates: Vec<Candidate> = vec![candidate(&incoming)];
        if !work.is_troubled() && work.doc_mut().apply(&candidates) == [Verdict::Merged] {
            work.add(incoming.entry, &incoming.payload.chunk);
            self.save_work(tx, work)?;
        } else {
            // It may build on somebody's work on a branch that lost: then it is held with that.
            self.rebuild(tx, &record, &[incoming])?;
        }
        Ok(())
    }
}
