//! What comes in: verified, stored, merged and shown in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::entry::place::Link;
use crate::entry::{Body, VerifiedBatch};
use crate::id::{
    Arrival, ChainHash, DeviceId, Head, LaneId, LogId, MemberId, RecordId, Seq, StoreId,
};
use crate::record::{RecordDoc, Target, Verdict};
use crate::replica::merge::Work;
use crate::replica::mind::Mind;
use crate::replica::rebirth::{Orphan, add_orphans};
use crate::replica::rebuild::{Incoming, Shut, candidate};
use crate::replica::receipts::note_placed;
use crate::replica::{Hold, Moment, Replica, ReplicaError};
use crate::roster::Said;
use crate::roster::follow::News;
use crate::roster::follow::change::Change;
use crate::session::Taken;
use crate::store::{EntryRef, HeldRow, StoreError, StoreTx};
use crate::wire::batches::Received;

/// Where batches come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Source {
    /// The life of the relay's store that sent them; none for a member's device or a file.
    pub relay: Option<StoreId>,
}

/// Counts of what merging did, in entries (`conflicts` in records).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// New entries stored.
    pub received: u64,
    /// Changes merged.
    pub merged: u64,
    /// Records that have a conflict now and had none, or fewer.
    pub conflicts: u64,
    /// Entries held.
    pub held: u64,
    /// Entries that wait for a reading key.
    pub waiting: u64,
    /// Merged changes by kind of record.
    pub by_kind: BTreeMap<String, u64>,
    /// Merged changes by member.
    pub by_member: BTreeMap<MemberId, u64>,
}

impl Tally {
    /// Adds another tally to this one.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.merged += other.merged;
        self.conflicts += other.conflicts;
        self.held += other.held;
        self.waiting += other.waiting;
        for (kind, count) in &other.by_kind {
            *self.by_kind.entry(kind.clone()).or_default() += count;
        }
        for (member, count) in &other.by_member {
            *self.by_member.entry(*member).or_default() += count;
        }
    }
}

/// What became of an input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ingested {
    /// Per batch, in order: what to tell the other side.
    pub taken: Vec<Taken>,
    /// Counts.
    pub tally: Tally,
    /// Records that look different now.
    pub changed: BTreeSet<RecordId>,
    /// Whether the roster changed, and with it perhaps the lanes that we may have.
    pub is_roster_changed: bool,
}

impl Replica {
    /// Verifies, stores and merges batches; durable when this returns.
    ///
    /// Bad batches are named in [`Ingested::taken`] and change nothing; good ones beside them count.
    ///
    /// # Errors
    /// The store's alone; then nothing has changed.
    pub fn ingest(
        &mut self,
        batches: Vec<Received>,
        cursors: &[(LaneId, u64)],
        source: &Source,
        moment: &mut Moment<'_>,
    ) -> Result<Ingested, ReplicaError> {
        self.notes += u64::from(!cursors.is_empty());
        let done = self.act(|tx, mind| {
            let mut intake = Intake {
                lanes: mind.own_lanes(),
                ..Intake::default()
            };
            for received in batches {
                let taken = mind.take_in(tx, received, source, &mut intake)?;
                intake.done.taken.push(taken);
            }
            mind.digest_intake(tx, &mut intake, moment)?;
            // What was refused is asked for again.
            let is_sound = |taken: &Taken| !matches!(taken, Taken::Refused(_));
            let is_whole = intake.done.taken.iter().all(is_sound);
            if let Some(store) = source.relay.as_ref().filter(|_| is_whole) {
                for (lane, upto) in cursors {
                    tx.put_cursor(store, lane, *upto)?;
                }
                note_placed(tx, store, &intake.placed)?;
            }
            Ok(intake.done)
        })?;
        self.finish_erasing()?;
        Ok(done)
    }

    /// Judges every record again from its entries and writes all documents and rows anew.
    ///
    /// # Errors
    /// The store's; then nothing has changed.
    pub fn rebuild_all(&mut self) -> Result<(), ReplicaError> {
        self.act(|tx, mind| {
            for record in tx.records()? {
                mind.rebuild(tx, &record, &[])?;
            }
            Ok(())
        })
    }
}

/// What one input has brought so far.
#[derive(Debug, Default)]
pub(super) struct Intake {
    pub(super) done: Ingested,
    /// The lanes that may come in.
    pub(super) lanes: BTreeSet<LaneId>,
    pub(super) fresh: Vec<VerifiedBatch>,
    pub(super) by_record: BTreeMap<RecordId, Vec<Incoming>>,
    pub(super) to_judge: BTreeSet<RecordId>,
    pub(super) heads: HashMap<LogId, Head>,
    /// A batch came beside others at one position of a log.
    pub(super) has_forked: bool,
    /// Somebody else wrote into the log that we write: this store was copied.
    pub(super) is_own_log_moved: bool,
    /// Entries of ours that lost their place.
    pub(super) orphans: Vec<Orphan>,
    /// Where what came from a relay lies in its store.
    pub(super) placed: Vec<(Arrival, u64)>,
}

impl Mind {
    fn digest_intake(
        &mut self,
        tx: &mut dyn StoreTx,
        intake: &mut Intake,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        if intake.is_own_log_moved {
            self.begin_anew(tx, moment)?;
        }
        add_orphans(tx, std::mem::take(&mut intake.orphans))?;
        self.hear_statements(tx, intake)?;
        if intake.has_forked || intake.done.is_roster_changed {
            let has_moved = self.settle_branches(tx, intake)?;
            if has_moved {
                self.begin_anew(tx, moment)?;
            }
            add_orphans(tx, std::mem::take(&mut intake.orphans))?;
        }
        self.hear_ends(tx, intake)?;
        self.merge_fresh(tx, intake)?;
        if intake.done.is_roster_changed {
            self.keep_house(tx, moment)?;
        }
        self.logs.save(tx)?;
        Ok(())
    }

    /// Merges the batches of spaces that are new in their logs, and judges again what has to be.
    fn merge_fresh(
        &mut self,
        tx: &mut dyn StoreTx,
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        for batch in std::mem::take(&mut intake.fresh) {
            // It may have come together with the word that erases some of it.
            let reduced = self.roster.erasures().reduce(&batch);
            self.sort_entries(tx, reduced.as_ref().unwrap_or(&batch), intake)?;
        }
        for (record, incoming) in std::mem::take(&mut intake.by_record) {
            self.merge_record(tx, record, &incoming, intake)?;
        }
        for record in std::mem::take(&mut intake.to_judge) {
            self.judge_again(tx, &record, &[], intake)?;
        }
        Ok(())
    }

    /// Roster first: who may write is known before what they wrote is merged.
    pub(super) fn hear_statements(
        &mut self,
        tx: &mut dyn StoreTx,
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        let mut news = News::default();
        let fresh = std::mem::take(&mut intake.fresh).into_iter();
        let (of_roster, of_spaces): (Vec<_>, Vec<_>) =
            fresh.partition(|batch| batch.log().lane == self.roster_lane);
        intake.fresh = of_spaces;
        for batch in &of_roster {
            let link = Link::of(batch);
            if self.book.link(&link) {
                news.note(batch.log().device);
            }
            for entry in batch.entries() {
                let Body::Present(bytes) = entry.body else {
                    continue;
                };
                let device = batch.log().device;
                match Said::read(&self.community, device, entry.kind, bytes) {
                    Some(said) if self.book.add_carried(said.clone(), &link) => news.add(said),
                    Some(_) => {}
                    None if entry.kind.word().is_some() => {
                        let entry = EntryRef {
                            log: *batch.log(),
                            seq: entry.seq,
                        };
                        let reason = Hold::Void.code();
                        tx.put_held(&HeldRow {
                            entry,
                            record: None,
                            reason,
                        })?;
                        intake.done.tally.held += 1;
                    }
                    None => {}
                }
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        let change = self.follow_news(&news);
        intake.done.is_roster_changed |= change.is_any;
        self.carry_out_erasures(tx, &change, intake)?;
        if change.is_of_rights() {
            self.find_ends(tx)?;
            self.judge_changed_devices(tx, &change, intake)?;
        }
        self.open_waiting(tx, intake)
    }

    /// Opens whatever keys have become ours, and merges what waited for them.
    pub(super) fn open_all(&mut self, tx: &mut dyn StoreTx) -> Result<Ingested, ReplicaError> {
        let mut intake = Intake::default();
        self.open_waiting(tx, &mut intake)?;
        for (record, incoming) in std::mem::take(&mut intake.by_record) {
            self.merge_record(tx, record, &incoming, &mut intake)?;
        }
        self.logs.save(tx)?;
        Ok(intake.done)
    }

    /// New keys open what waited for them.
    fn open_waiting(
        &mut self,
        tx: &mut dyn StoreTx,
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        let mut new = self.unlock();
        for (epoch, _) in tx.waited_for()? {
            let lane = tx.waiting_for(&epoch)?.first().map(|entry| entry.log.lane);
            if lane.is_some_and(|lane| self.find_stray(lane, epoch)) {
                intake.done.is_roster_changed = true;
                new.push(epoch);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        self.save_keys(tx)?;
        for epoch in new {
            let mut seen = BTreeSet::new();
            for entry in tx.waiting_for(&epoch)? {
                let Some(batch) = tx.batch_with(&entry)? else {
                    continue;
                };
                if seen.insert((*batch.log(), batch.place().first_seq)) {
                    self.sort_entries(tx, &batch, intake)?;
                }
            }
            tx.remove_waiting(&epoch)?;
        }
        Ok(())
    }

    /// Opens a batch of a space and sorts its changes by record.
    fn sort_entries(
        &mut self,
        tx: &mut dyn StoreTx,
        batch: &VerifiedBatch,
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        if self.find_stray(batch.log().lane, batch.place().epoch) {
            self.save_keys(tx)?;
            intake.done.is_roster_changed = true;
        }
        for (seq, opened) in self.open_batch(batch) {
            let entry = EntryRef {
                log: *batch.log(),
                seq,
            };
            match opened {
                Ok(incoming) => {
                    let log = batch.log();
                    let record = incoming
                        .payload
                        .target
                        .record_id(&log.device, &log.incarnation);
                    intake.by_record.entry(record).or_default().push(incoming);
                }
                Err(Shut::NoKey) => {
                    tx.put_waiting(&batch.place().epoch, &entry)?;
                    intake.done.tally.waiting += 1;
                }
                Err(Shut::Held(hold)) => {
                    let reason = hold.code();
                    tx.put_held(&HeldRow {
                        entry,
                        record: None,
                        reason,
                    })?;
                    intake.done.tally.held += 1;
                }
                Err(Shut::Erased | Shut::OtherKind) => {}
            }
        }
        Ok(())
    }

    /// The quick way: a record without trouble and changes that all fit; otherwise all is judged anew.
    fn merge_record(
        &mut self,
        tx: &mut dyn StoreTx,
        record: RecordId,
        incoming: &[Incoming],
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        let work = match self.load_work(tx, &record)? {
            Some(work) => Some(work),
            None => begin_work(record, incoming),
        };
        let Some(mut work) = work.filter(|work| !work.is_troubled()) else {
            return self.judge_again(tx, &record, incoming, intake);
        };
        let creator = match work.doc().created() {
            Some((actor, _)) => self.device_of(&actor),
            None => incoming
                .iter()
                .find(|one| !matches!(one.payload.target, Target::Edit(_)))
                .map_or(DeviceId::ZERO, |first| first.entry.log.device),
        };
        let space = work.space();
        let all_may = incoming
            .iter()
            .all(|incoming| self.permit(incoming, work.kind(), &space, &creator).is_ok());
        if !all_may {
            return self.judge_again(tx, &record, incoming, intake);
        }
        let conflicts = work.conflicts(tx)?;
        let candidates: Vec<_> = incoming.iter().map(candidate).collect();
        let verdicts = work.doc_mut().apply(&candidates);
        if !verdicts.iter().all(|verdict| *verdict == Verdict::Merged) {
            // The document in hand has been changed; what is stored has not.
            drop(work);
            return self.judge_again(tx, &record, incoming, intake);
        }
        incoming
            .iter()
            .for_each(|incoming| work.add(incoming.entry, &incoming.payload.chunk));
        self.count_merged(work.kind(), incoming, intake);
        let kept = self.save_work(tx, work)?;
        intake.done.tally.conflicts += u64::from(kept > conflicts);
        intake.done.changed.insert(record);
        Ok(())
    }

    fn count_merged(&self, kind: &str, incoming: &[Incoming], intake: &mut Intake) {
        let tally = &mut intake.done.tally;
        tally.merged += incoming.len() as u64;
        *tally.by_kind.entry(kind.to_owned()).or_default() += incoming.len() as u64;
        for incoming in incoming {
            if let Some(member) = self.roster.member_id(&incoming.entry.log.device) {
                *tally.by_member.entry(member).or_default() += 1;
            }
        }
    }

    fn judge_again(
        &mut self,
        tx: &mut dyn StoreTx,
        record: &RecordId,
        incoming: &[Incoming],
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        let before = match self.load_work(tx, record)? {
            Some(work) => {
                let count = work.doc().change_count();
                let conflicts = work.conflicts(tx)?;
                self.keep_work(work);
                (count, conflicts)
            }
            None => (0, 0),
        };
        let held_before = held_count(tx, record)?;
        let judged = self.rebuild(tx, record, incoming)?;
        let row = tx.row(record)?;
        let kept = row.as_ref().map_or(0, |row| row.conflicts);
        let tally = &mut intake.done.tally;
        let merged = judged.merged.saturating_sub(before.0) as u64;
        tally.merged += merged;
        tally.held += judged.held.saturating_sub(held_before) as u64;
        tally.conflicts += u64::from(kept > before.1);
        if merged > 0
            && let Some(row) = row
        {
            *tally.by_kind.entry(row.kind).or_default() += merged;
        }
        intake.done.changed.insert(*record);
        Ok(())
    }

    /// Judges again what the roster has come to say something else about.
    pub(super) fn follow_roster(
        &mut self,
        tx: &mut dyn StoreTx,
        change: &Change,
    ) -> Result<Ingested, ReplicaError> {
        let mut intake = Intake::default();
        self.carry_out_erasures(tx, change, &mut intake)?;
        if change.is_of_rights() {
            // A log of our own that moved is noticed when the other side shows more of it.
            self.settle_branches(tx, &mut intake)?;
            add_orphans(tx, std::mem::take(&mut intake.orphans))?;
        }
        self.find_ends(tx)?;
        self.judge_changed_devices(tx, change, &mut intake)?;
        self.merge_fresh(tx, &mut intake)?;
        Ok(intake.done)
    }

    /// Where a log ends that was cut off is proved by the batch that the cut-off names. As that batch
    /// comes, or loses its place to another branch, what came before it is judged again.
    fn hear_ends(&mut self, tx: &mut dyn StoreTx, intake: &mut Intake) -> Result<(), ReplicaError> {
        let is_touched = |log: &LogId| intake.heads.contains_key(log);
        if !self.proofs.iter().any(|(log, _)| is_touched(log)) {
            return Ok(());
        }
        let known = std::mem::take(&mut self.reach);
        self.find_ends(tx)?;
        let is_new = |chain: &ChainHash| known.get(chain) != self.reach.get(chain);
        let proofs = self.proofs.iter().filter(|(_, chain)| is_new(chain));
        let logs: BTreeSet<LogId> = proofs.map(|(log, _)| *log).collect();
        for log in &logs {
            self.judge_log(tx, log, intake)?;
        }
        Ok(())
    }

    /// Devices whose rights changed: what they wrote is judged again.
    fn judge_changed_devices(
        &self,
        tx: &dyn StoreTx,
        change: &Change,
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        for log in tx.logs()? {
            if log.lane == self.roster_lane {
                continue;
            }
            if change.has_changed(&log, &self.roster) {
                self.judge_log(tx, &log, intake)?;
            }
        }
        Ok(())
    }

    /// Every record that a log's entries went into, or should have gone into, is judged again.
    fn judge_log(
        &self,
        tx: &dyn StoreTx,
        log: &LogId,
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        for batch in tx.missing(log, Seq::FIRST, usize::MAX)? {
            let Some(carried) = tx.batch(batch.arrival)? else {
                continue;
            };
            let opened = self.open_batch(&carried.batch).into_iter();
            intake.to_judge.extend(opened.filter_map(|(_, opened)| {
                let target = opened.ok()?.payload.target;
                Some(target.record_id(&log.device, &log.incarnation))
            }));
        }
        Ok(())
    }
}

/// How many entries of a record are held and not merged.
fn held_count(tx: &dyn StoreTx, record: &RecordId) -> Result<usize, StoreError> {
    let held = tx.held_of(record)?.into_iter();
    let is_out = |row: &HeldRow| !Hold::from_code(row.reason).is_some_and(Hold::is_merged);
    Ok(held.filter(is_out).count())
}

/// A record begins here if its beginning is among the changes.
fn begin_work(record: RecordId, incoming: &[Incoming]) -> Option<Work> {
    incoming
        .iter()
        .find_map(|incoming| match &incoming.payload.target {
            Target::Begin { kind, .. } | Target::BeginKeyed { kind, .. } => {
                let space = incoming.entry.log.lane;
                Some(Work::begin(record, kind.as_str(), space, RecordDoc::new()))
            }
            Target::Edit(_) => None,
        })
}
