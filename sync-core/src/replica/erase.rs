//! Erasing: a resident's record goes from every device, and each says so.
//!
//! An erasure names the entries of a record. Whoever hears it drops their contents and keeps their
//! commits, so that chains still verify; the record leaves documents and rows, and what comes for it
//! later counts no more. Such latecomers are named in a further erasure by the next device that may,
//! because a relay cannot tell which record an entry is for. Only after the file is scrubbed does a
//! device give its word ([`Statement::Erased`]); a kill in between is made up for at the next start.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::entry::VerifiedBatch;
use crate::id::{ChainHash, DeviceId, LaneId, LogId, RecordId, Seq};
use crate::replica::found::put_cbor;
use crate::replica::ingest::{Ingested, Intake};
use crate::replica::mind::{Mind, meta, read_cbor};
use crate::replica::{Hold, Moment, Replica, ReplicaError};
use crate::roster::follow::change::Change;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{Erase, Erased, Statement, StatementId, Stretch};
use crate::store::{EntryRef, StoreError, StoreRead, StoreTx};
use crate::wire::erased::HasErased;

/// Most stretches in one statement, so that it stays far below what an entry may have.
pub(super) const STRETCHES_MAX: usize = 500;

/// What this device has still to do before it may say that it has erased something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Owed {
    /// Something has left the store and may still be read in its file.
    #[n(0)]
    is_dirty: bool,
    /// What it will say that it has carried out.
    #[n(1)]
    statements: BTreeSet<StatementId>,
}

/// Entries by record, each with the batch that has it.
type Latecomers = BTreeMap<RecordId, BTreeSet<(LogId, Seq, ChainHash)>>;

/// One erasure as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureView {
    /// The statement.
    pub id: StatementId,
    /// The record that is gone.
    pub record: RecordId,
    /// Who said it.
    pub by: DeviceId,
    /// In which spaces.
    pub spaces: BTreeSet<LaneId>,
    /// How many entries it names.
    pub entries: u64,
    /// Devices that say that they have nothing of it any more.
    pub confirmed: BTreeSet<DeviceId>,
    /// Devices that may have it, or had it when they were removed, and have not said so.
    pub outstanding: BTreeSet<DeviceId>,
    /// Relays that have said so to this device, and those that it knows and has not heard from.
    pub relays_confirmed: BTreeSet<DeviceId>,
    /// See there.
    pub relays_outstanding: BTreeSet<DeviceId>,
}

/// What relays have said that they erased.
type RelayWords = BTreeMap<DeviceId, BTreeSet<StatementId>>;

impl Replica {
    /// Erases records here and on every other device and relay, as each hears of it.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownRecord`], or [`ReplicaError::NotAllowed`] below coordinator: nothing is
    /// erased then; [`ReplicaError::NoKey`] if an edit of this device cannot be sealed yet, so that it
    /// could not be named; the store's.
    pub fn erase(
        &mut self,
        records: &[RecordId],
        moment: &mut Moment<'_>,
    ) -> Result<Ingested, ReplicaError> {
        let done = self.act(|tx, mind| {
            mind.require_member()?;
            mind.seal_pending(tx, moment)?;
            let mut statements = Vec::new();
            for record in records {
                mind.require_eraser(tx, record)?;
                statements.extend(mind.erasures_of(tx, record)?);
            }
            let change = mind.say_all(tx, &statements)?;
            mind.follow_roster(tx, &change)
        })?;
        self.finish_erasing()?;
        Ok(done)
    }

    /// Whether this device may erase records of a space: that of a coordinator or owner there.
    #[must_use]
    pub fn may_erase_in(&self, space: &LaneId) -> bool {
        self.mind.may_erase(space)
    }

    /// Every erasure that counts, with who has confirmed it.
    ///
    /// # Errors
    /// The store's.
    pub fn erasures(&self) -> Result<Vec<ErasureView>, ReplicaError> {
        let words = self.relay_words()?;
        let relays: BTreeSet<DeviceId> = self.relays().iter().map(|known| known.relay).collect();
        let said = self.mind.roster.erasures().said().iter();
        let views = said.map(|(id, erasure)| {
            let readers = self.mind.holders(&erasure.lanes);
            let confirmed = self.mind.roster.receipts_for(id).cloned();
            let confirmed = confirmed.unwrap_or_default();
            let has_said = words.iter().filter(|(_, said)| said.contains(id));
            let relays_confirmed: BTreeSet<DeviceId> = has_said.map(|(relay, _)| *relay).collect();
            ErasureView {
                id: *id,
                record: erasure.record,
                by: erasure.author,
                spaces: erasure.lanes.clone(),
                entries: erasure.entries,
                outstanding: readers.difference(&confirmed).copied().collect(),
                confirmed,
                relays_outstanding: relays.difference(&relays_confirmed).copied().collect(),
                relays_confirmed,
            }
        });
        Ok(views.collect())
    }

    fn relay_words(&self) -> Result<RelayWords, ReplicaError> {
        Ok(read_cbor(&*self.store, meta::RELAYS_ERASED)?.unwrap_or_default())
    }

    /// Erasures, of those that this device might have said, about which a relay has not given its word.
    ///
    /// # Errors
    /// The store's.
    pub fn erasures_owed_by(&self, relay: &DeviceId) -> Result<Vec<StatementId>, ReplicaError> {
        let said = self.mind.roster.erasures().said();
        if said.is_empty() {
            return Ok(Vec::new());
        }
        let mut words = self.relay_words()?;
        let has_said = words.remove(relay).unwrap_or_default();
        let ours = said.iter().filter(|(id, erasure)| {
            let mut lanes = erasure.lanes.iter();
            !has_said.contains(id) && lanes.any(|lane| self.mind.may_erase(lane))
        });
        Ok(ours.map(|(id, _)| *id).collect())
    }

    /// Keeps a relay's word about erasures, if it has signed it and is the one that says it.
    ///
    /// # Errors
    /// The store's.
    pub fn note_relay_erased(
        &mut self,
        relay: &DeviceId,
        word: &HasErased,
    ) -> Result<(), ReplicaError> {
        let is_theirs = word.device == *relay && word.is_signed(&self.mind.community);
        if !is_theirs || word.statements.is_empty() {
            return Ok(());
        }
        let mut words = self.relay_words()?;
        let known = self.mind.roster.erasures().said();
        let said = word.statements.iter().filter(|id| known.contains_key(id));
        words.entry(*relay).or_default().extend(said);
        self.act(|tx, _| put_cbor(tx, meta::RELAYS_ERASED, &words))
    }

    /// Names latecomers to erased records, takes what was erased out of the file too, and says so. Says
    /// whether there was anything to say.
    ///
    /// Another program that has the file open now only delays it: the next call goes on.
    ///
    /// # Errors
    /// The store's.
    pub fn finish_erasing(&mut self) -> Result<bool, ReplicaError> {
        let late = self.mind.latecomers(&*self.store)?;
        if !late.is_empty() {
            self.act(|tx, mind| mind.sweep(tx, late))?;
        }
        let Some(owed) = read_cbor::<Owed>(&*self.store, meta::ERASING)? else {
            return Ok(false);
        };
        if self.mind.has_unsealed_of_erased(&*self.store)? {
            return Ok(false);
        }
        if owed.is_dirty {
            match self.store.scrub() {
                Ok(()) => {}
                Err(StoreError::Busy) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        self.act(|tx, mind| {
            let counting = mind.roster.erasures().said();
            let statements: Vec<Statement> = owed
                .statements
                .into_iter()
                .filter(|statement| counting.contains_key(statement))
                .map(|statement| Statement::Erased(Erased { statement }))
                .collect();
            if mind.roster.devices().contains_key(&mind.us) {
                mind.say_all(tx, &statements)?;
            }
            Ok(tx.remove_meta(meta::ERASING)?)
        })?;
        Ok(true)
    }
}

impl Mind {
    /// The devices that have a space, or had it when they were removed and have not said that they erased it.
    fn holders(&self, lanes: &BTreeSet<LaneId>) -> BTreeSet<DeviceId> {
        let roster = &self.roster;
        let has_any = |device: &DeviceId| lanes.iter().any(|lane| roster.may_read(device, lane));
        let had_any =
            |device: &DeviceId| lanes.iter().any(|lane| roster.may_have_read(device, lane));
        let present = roster.devices().keys().filter(|device| has_any(device));
        let former = roster.former().keys();
        let former = former.filter(|device| had_any(device) && !roster.has_left(device));
        present.chain(former).copied().collect()
    }

    fn require_eraser(&self, tx: &dyn StoreTx, record: &RecordId) -> Result<(), ReplicaError> {
        let mut lanes: BTreeSet<LaneId> =
            tx.row(record)?.map(|row| row.space).into_iter().collect();
        lanes.extend(tx.held_of(record)?.iter().map(|row| row.entry.log.lane));
        if lanes.is_empty() {
            return Err(ReplicaError::UnknownRecord(record.to_string()));
        }
        if lanes.iter().all(|lane| self.may_erase(lane)) {
            return Ok(());
        }
        let least = Role::Coordinator;
        Err(ReplicaError::NotAllowed { least })
    }

    fn may_erase(&self, lane: &LaneId) -> bool {
        let role = self.roster.role_in(&self.us, &Scope::Space(*lane));
        role.is_some_and(|role| role >= Role::Coordinator)
    }

    /// The statements that name every entry of a record that we have, on all branches.
    pub(super) fn erasures_of(
        &self,
        tx: &dyn StoreTx,
        record: &RecordId,
    ) -> Result<Vec<Statement>, ReplicaError> {
        let mut stretches: BTreeSet<(LogId, Seq, ChainHash)> = BTreeSet::new();
        for entry in self.entries_of(tx, record)? {
            let Some(batch) = tx.batch_with(&entry)? else {
                // Ours, and not sealed: no key could be found to seal it.
                return Err(ReplicaError::NoKey);
            };
            stretches.insert((entry.log, entry.seq, batch.head().chain));
        }
        for lost in tx.lost()? {
            if let Some(carried) = tx.batch(lost.batch.arrival)? {
                let chain = carried.batch.head().chain;
                let seqs = self.seqs_for(&carried.batch, record);
                stretches.extend(seqs.map(|seq| (lost.log, seq, chain)));
            }
        }
        Ok(statements_for(record, stretches))
    }

    /// The entries of a batch that are for a record.
    fn seqs_for<'a>(
        &self,
        batch: &'a VerifiedBatch,
        record: &'a RecordId,
    ) -> impl Iterator<Item = Seq> + use<'a> {
        let log = *batch.log();
        let opened = self.open_batch(batch).into_iter();
        opened.filter_map(move |(seq, opened)| {
            let target = opened.ok()?.payload.target;
            (target.record_id(&log.device, &log.incarnation) == *record).then_some(seq)
        })
    }

    /// Carries out what the roster has come to say: contents leave their batches, records leave the
    /// documents, and what was written down of them elsewhere goes too.
    pub(super) fn carry_out_erasures(
        &mut self,
        tx: &mut dyn StoreTx,
        change: &Change,
        intake: &mut Intake,
    ) -> Result<(), ReplicaError> {
        let Some(before) = change.erasures() else {
            return Ok(());
        };
        let erasures = self.roster.erasures().clone();
        let mut owed: Owed = read_cbor(&*tx, meta::ERASING)?.unwrap_or_default();
        for (log, chain) in erasures.batches_beyond(before) {
            if let Some(carried) = tx.carrying(log, chain)?
                && let Some(reduced) = erasures.reduce(&carried.batch)
            {
                tx.reduce(carried.arrival, &reduced)?;
                owed.is_dirty = true;
            }
        }
        for (record, _) in erasures.records().difference(before.records()) {
            owed.is_dirty |= tx.doc(record)?.is_some();
            self.docs.forget(record);
            intake.to_judge.insert(*record);
        }
        let gone = erasures.records().difference(before.records());
        let gone: Vec<RecordId> = gone.map(|(record, _)| *record).collect();
        owed.is_dirty |= self.drop_blobs(tx, gone.iter())?;
        // A statement may name more of a record that is erased already.
        let touched = |id: &&StatementId| !before.said().contains_key(*id);
        let new: Vec<StatementId> = erasures.said().keys().filter(touched).copied().collect();
        for id in new {
            if let Some(erasure) = erasures.said().get(&id) {
                intake.to_judge.insert(erasure.record);
                let is_ours = |lane: &LaneId| self.roster.may_read(&self.us, lane);
                if erasure.lanes.iter().any(is_ours) {
                    owed.statements.insert(id);
                }
            }
        }
        self.forget_orphans_of(tx, &erasures)?;
        put_cbor(tx, meta::ERASING, &owed)
    }

    /// Entries of erased records that no erasure names yet and this device may name.
    fn latecomers(&self, store: &dyn StoreRead) -> Result<Latecomers, ReplicaError> {
        let mut late = Latecomers::new();
        if self.roster.erasures().said().is_empty() {
            return Ok(late);
        }
        for row in store.held()? {
            let is_late = Hold::from_code(row.reason) == Some(Hold::Erased);
            let EntryRef { log, seq } = row.entry;
            if let Some(record) = row.record
                && is_late
                && self.may_erase(&log.lane)
                && let Some(batch) = store.batch_with(&row.entry)?
            {
                let of_record = late.entry(record).or_default();
                of_record.insert((log, seq, batch.head().chain));
            }
        }
        Ok(late)
    }

    /// Names latecomers to erased records in a further erasure.
    fn sweep(&mut self, tx: &mut dyn StoreTx, late: Latecomers) -> Result<Ingested, ReplicaError> {
        let late = late.into_iter();
        let statements: Vec<Statement> = late
            .flat_map(|(record, entries)| statements_for(&record, entries))
            .collect();
        let change = self.say_all(tx, &statements)?;
        self.follow_roster(tx, &change)
    }

    /// Whether an edit of an erased record waits here to be sealed: it is erased once it can be named.
    fn has_unsealed_of_erased(&self, store: &dyn StoreRead) -> Result<bool, ReplicaError> {
        let erasures = self.roster.erasures();
        let pending = store.pending()?;
        Ok(pending.iter().any(|row| {
            let record = row.record.as_ref();
            record.is_some_and(|record| erasures.has_record(record, &row.lane))
        }))
    }
}

/// Neighbours in one batch as one stretch, and not too many of them in one statement.
fn statements_for(
    record: &RecordId,
    entries: impl IntoIterator<Item = (LogId, Seq, ChainHash)>,
) -> Vec<Statement> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (log, seq, chain) in entries {
        match stretches.last_mut() {
            Some(last) if (last.log(), last.chain, last.last + 1) == (log, Some(chain), seq.0) => {
                last.last = seq.0;
            }
            Some(_) | None => stretches.push(Stretch {
                lane: log.lane,
                device: log.device,
                incarnation: log.incarnation,
                first: seq.0,
                last: seq.0,
                chain: Some(chain),
            }),
        }
    }
    stretches
        .chunks(STRETCHES_MAX)
        .map(|entries| {
            Statement::Erase(Erase {
                record: *record,
                entries: entries.to_vec(),
            })
        })
        .collect()
}
