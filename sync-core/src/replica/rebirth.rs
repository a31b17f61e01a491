//! A new incarnation: this store was restored from a backup, or copied.
//!
//! The other side has more of our own log than we do, so the entries we would write next are taken.
//! A new incarnation starts new logs. What was pending is kept: sealed as it was, each change would
//! name an actor whose positions are taken, so it is written again under the new one.

use std::collections::BTreeMap;

use crate::id::{ActorId, Incarnation, RecordId, Seq};
use crate::record::{Candidate, Payload, RecordDoc, Rewriter, Target, Verdict};
use crate::replica::found::random;
use crate::replica::merge::Work;
use crate::replica::mind::{Mind, meta, next_seq};
use crate::replica::rebuild::candidate;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::store::{EntryRef, PendingRow, StoreTx};

impl Replica {
    /// Begins a new incarnation and writes what is pending again under it.
    ///
    /// # Errors
    /// The store's; then the old incarnation stands.
    pub fn be_reborn(&mut self, moment: &mut Moment<'_>) -> Result<(), ReplicaError> {
        self.act(|tx, mind| {
            let pending = tx.pending()?;
            let old = mind.actor();
            for lane in pending.chunk_by(|a, b| a.lane == b.lane) {
                if let Some(last) = lane.last() {
                    tx.remove_pending(&last.lane, last.seq)?;
                }
            }
            let before = mind.own_log(mind.roster_lane);
            mind.incarnation = Incarnation::new(random(moment));
            tx.put_meta(meta::INCARNATION, mind.incarnation.as_bytes())?;
            let log = mind.own_log(mind.roster_lane);
            mind.know_log(&log);
            let mut by_record: BTreeMap<RecordId, Vec<PendingRow>> = BTreeMap::new();
            for row in pending {
                match row.record {
                    Some(record) => by_record.entry(record).or_default().push(row),
                    None => {
                        let seq = next_seq(tx, &mind.own_log(row.lane))?;
                        tx.put_pending(&PendingRow { seq, ..row })?;
                    }
                }
            }
            for (record, rows) in by_record {
                mind.rewrite(tx, &record, &rows, before.incarnation, old)?;
            }
            Ok(())
        })
    }
}

impl Mind {
    /// Undoes the pending changes of a record and makes them again as this incarnation's.
    fn rewrite(
        &mut self,
        tx: &mut dyn StoreTx,
        record: &RecordId,
        rows: &[PendingRow],
        before: Incarnation,
        old: ActorId,
    ) -> Result<(), ReplicaError> {
        self.docs.forget(record);
        // Pending entries are gone from the store, so judging the rest leaves them out.
        self.rebuild(tx, record, &[])?;
        let mut rewriter = Rewriter::new(old, self.actor());
        let mut target_record = *record;
        for row in rows {
            let Ok(payload) = Payload::decode(&row.bytes) else { continue };
            debug_assert_eq!(payload.target.record_id(&self.us, &before), *record);
            let mut work = match &payload.target {
                Target::Begin { kind, .. } | Target::BeginKeyed { kind, .. } => {
                    self.docs.forget(record);
                    tx.remove_record(record)?;
                    target_record = payload.target.record_id(&self.us, &self.incarnation);
                    Work::begin(target_record, kind.as_str(), row.lane, RecordDoc::new())
                }
                Target::Edit(_) => match self.load_work(tx, &target_record)? {
                    Some(work) => work,
                    None => continue,
                },
            };
            let Some(chunk) = rewriter.rewrite(&payload.chunk) else { continue };
            let target = match payload.target {
                Target::Edit(_) => Target::Edit(target_record),
                begin @ (Target::Begin { .. } | Target::BeginKeyed { .. }) => begin,
            };
            let log = self.own_log(row.lane);
            let entry = EntryRef { log, seq: next_seq(tx, &log)? };
            let payload = Payload { target, chunk };
            let bytes = payload.encode();
            let incoming = crate::replica::rebuild::Incoming { entry, payload };
            let candidates: Vec<Candidate> = vec![candidate(&incoming)];
            let verdicts = work.doc_mut().apply(&candidates);
            debug_assert_eq!(verdicts, [Verdict::Merged]);
            work.add(entry, &incoming.payload.chunk);
            tx.put_pending(&PendingRow {
                lane: row.lane,
                seq: Seq(entry.seq.0),
                kind: row.kind,
                record: Some(target_record),
                bytes,
            })?;
            self.save_work(tx, work)?;
        }
        Ok(())
    }
}
