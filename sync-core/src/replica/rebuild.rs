//! Judging a record from all its entries: the same verdicts on every replica, whatever came first.
//!
//! The quick way of a merge serves records without trouble. As soon as one entry of a record is held
//! or waits, each further one takes this way: all entries together, the accepted ones first, then
//! those held ones that accepted work builds on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::entry::seal::BatchCipher;
use crate::entry::{Body, EntryKind, VerifiedBatch};
use crate::id::{DeviceId, LaneId, MemberId, RecordId, Seq};
use crate::record::{
    BeginRule, Candidate, ChangeHash, MAX_PAYLOAD, Payload, RecordDoc, Target, Verdict,
    change_hash, decompress, set_to,
};
use crate::replica::begin::is_nonce_of;
use crate::replica::merge::Work;
use crate::replica::mind::Mind;
use crate::replica::{Hold, ReplicaError};
use crate::roster::role::Role;
use crate::schema::{Kind, STATE_FIELD, Schema};
use crate::store::{EntryRef, HeldRow, StoreError, StoreRead, StoreTx};

/// One change that was signed for a record.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub(super) entry: EntryRef,
    pub(super) payload: Payload,
}

/// Why an entry of a batch did not become an [`Incoming`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// Erased: nothing to merge.
    Erased,
    /// Not a change of a record: carried, and read by versions that know it.
    OtherKind,
    /// The key is not there yet.
    NoKey,
    /// Held whatever happens.
    Held(Hold),
}

impl Mind {
    /// Opens all entries of a batch of a space.
    pub(super) fn open_batch(&self, batch: &VerifiedBatch) -> Vec<(Seq, Result<Incoming, Shut>)> {
        let key = self.keyring.key(&batch.place().epoch);
        let cipher = key.map(|key| BatchCipher::of(&self.community, batch, key));
        batch
            .entries()
            .enumerate()
            .map(|(index, stored)| {
                let entry = EntryRef {
                    log: *batch.log(),
                    seq: stored.seq,
                };
                let opened = open_entry(cipher.as_ref(), index, stored.kind, stored.body)
                    .map(|payload| Incoming { entry, payload });
                (stored.seq, opened)
            })
            .collect()
    }

    /// One entry that we have, sealed or still pending.
    fn reopen(&self, tx: &dyn StoreRead, entry: &EntryRef) -> Result<Option<Incoming>, StoreError> {
        if let Some(batch) = tx.batch_with(entry)? {
            let opened = self
                .open_batch(&batch)
                .into_iter()
                .find(|(seq, _)| *seq == entry.seq);
            return Ok(opened.and_then(|(_, incoming)| incoming.ok()));
        }
        let rows = tx.pending()?;
        let row = rows.into_iter().find(|row| {
            self.own_log(row.lane) == entry.log && row.seq == entry.seq && row.record.is_some()
        });
        Ok(row
            .and_then(|row| Payload::decode(&row.bytes).ok())
            .map(|payload| Incoming {
                entry: *entry,
                payload,
            }))
    }

    /// Whether an entry may count, by the roster and the schema alone.
    pub(super) fn permit(
        &self,
        incoming: &Incoming,
        kind: &str,
        space: &LaneId,
        creator: &DeviceId,
    ) -> Result<(), Hold> {
        let role = self.role_of_entry(&incoming.entry);
        self.permit_as(role, incoming, kind, space, creator)
    }

    /// The same by a role that its author has, would have or has not.
    fn permit_as(
        &self,
        role: Option<Role>,
        incoming: &Incoming,
        kind: &str,
        space: &LaneId,
        creator: &DeviceId,
    ) -> Result<(), Hold> {
        let author = incoming.entry.log.device;
        if self.is_of_erased(incoming) {
            return Err(Hold::Erased);
        }
        if incoming.entry.log.lane != *space {
            return Err(Hold::OtherSpace);
        }
        match &incoming.payload.target {
            Target::Begin { nonce, .. } if !is_nonce_of(space, nonce) => {
                return Err(Hold::OtherSpace);
            }
            Target::BeginKeyed { key, .. } if !is_key_of(space, key) => {
                return Err(Hold::OtherSpace);
            }
            Target::Begin { .. } | Target::BeginKeyed { .. } | Target::Edit(_) => {}
        }
        let role = role.ok_or_else(|| {
            if !self.roster.has_lane(space) {
                Hold::NoSpace
            } else if self.roster.member_id(&author).is_some() {
                self.hold_of_cut_off(&incoming.entry)
            } else {
                Hold::NotAMember
            }
        })?;
        if role < Role::Volunteer {
            return Err(Hold::ReadOnly);
        }
        // Kinds of a newer schema and those that a community adds are open to whoever may write at all:
        // what is merged follows from the roster and the station's schema alone (ADR 11).
        let Some(kind) = Schema::station().kind(kind) else {
            return Ok(());
        };
        let is_begun_here = !matches!(incoming.payload.target, Target::Edit(_));
        let is_own = is_begun_here || self.person(&author) == self.person(creator);
        let is_allowed = if is_begun_here {
            kind.may_create(role)
        } else {
            kind.may_edit(role, is_own)
        };
        if !is_allowed {
            return Err(Hold::KindNotAllowed);
        }
        if may_set_state(kind, &incoming.payload.chunk, role, is_own) {
            Ok(())
        } else {
            Err(Hold::StateNotAllowed)
        }
    }

    /// Who a device is, or was.
    fn person(&self, device: &DeviceId) -> Person {
        match self.roster.member_id(device) {
            Some(member) => Person::Member(member),
            None => Person::Stranger(*device),
        }
    }

    /// Judges a record from all its entries and writes what comes of it.
    pub(super) fn rebuild(
        &mut self,
        tx: &mut dyn StoreTx,
        record: &RecordId,
        new: &[Incoming],
    ) -> Result<Judged, ReplicaError> {
        let mut work = match self.load_work(tx, record)? {
            Some(work) => work,
            None => {
                let Some(first) = new.first() else {
                    return Ok(Judged::default());
                };
                Work::begin(*record, "", first.entry.log.lane, RecordDoc::new())
            }
        };
        let all = self.gather(tx, record, new)?;
        for held in tx.held_of(record)? {
            tx.remove_held(&held.entry)?;
        }
        if all.is_empty() {
            // Nothing is left of it: what comes for it later begins it anew.
            self.remove_record(tx, record)?;
            return Ok(Judged::default());
        }
        let judgement = self.judge(record, &all, |entry| self.role_of_entry(entry));
        for (entry, hold) in &judgement.holds {
            let reason = hold.code();
            tx.put_held(&HeldRow {
                entry: *entry,
                record: Some(*record),
                reason,
            })?;
        }
        let mut refs = Vec::new();
        self.logs.pack(&mut refs, all.keys().copied());
        let is_troubled = !judgement.holds.is_empty();
        let merged = judgement.doc.change_count();
        let held = judgement
            .holds
            .values()
            .filter(|hold| !hold.is_merged())
            .count();
        let space = judgement.space.unwrap_or_else(|| work.space());
        if space != work.space() {
            work = Work::begin(*record, "", space, RecordDoc::new());
        }
        work.replace(&judgement.kind, judgement.doc, refs, is_troubled);
        if !work.has_begun() {
            self.remove_record(tx, record)?;
        }
        self.save_work(tx, work)?;
        Ok(Judged { merged, held })
    }

    /// Whether a change is for a record that was erased.
    pub(super) fn is_of_erased(&self, incoming: &Incoming) -> bool {
        let log = &incoming.entry.log;
        let target = &incoming.payload.target;
        let record = target.record_id(&log.device, &log.incarnation);
        self.roster.erasures().has_record(&record, &log.lane)
    }

    /// Where the entries of a record lie that we know to be for it.
    pub(super) fn entries_of(
        &self,
        tx: &dyn StoreRead,
        record: &RecordId,
    ) -> Result<Vec<EntryRef>, ReplicaError> {
        let mut known = Vec::new();
        if let Some(row) = tx.doc(record)? {
            known.extend(self.logs.unpack(&row.refs)?);
            for tail in tx.tails(record)? {
                known.extend(self.logs.unpack(&tail.refs)?);
            }
        }
        known.extend(tx.held_of(record)?.into_iter().map(|held| held.entry));
        Ok(known)
    }

    /// Every entry of the record that we have and can open, in the order of logs and positions.
    pub(super) fn gather(
        &self,
        tx: &dyn StoreRead,
        record: &RecordId,
        new: &[Incoming],
    ) -> Result<BTreeMap<EntryRef, Incoming>, ReplicaError> {
        let mut all: BTreeMap<EntryRef, Incoming> = new
            .iter()
            .map(|incoming| (incoming.entry, incoming.clone()))
            .collect();
        for entry in self.entries_of(tx, record)? {
            if !all.contains_key(&entry)
                && let Some(incoming) = self.reopen(tx, &entry)?
                && is_for(record, &incoming)
            {
                all.insert(entry, incoming);
            }
        }
        Ok(all)
    }

    /// The verdict over a set of entries: a pure function of the set, the roster and the schema.
    pub(super) fn judge(
        &self,
        record: &RecordId,
        all: &BTreeMap<EntryRef, Incoming>,
        role_of: impl Fn(&EntryRef) -> Option<Role>,
    ) -> Judgement {
        let beginning = all
            .values()
            .find_map(|incoming| match &incoming.payload.target {
                Target::Begin { kind, nonce } if is_nonce_of(&incoming.entry.log.lane, nonce) => {
                    Some((incoming.entry.log, kind.as_str()))
                }
                Target::BeginKeyed { kind, key } if is_key_of(&incoming.entry.log.lane, key) => {
                    Some((incoming.entry.log, kind.as_str()))
                }
                Target::Begin { .. } | Target::BeginKeyed { .. } | Target::Edit(_) => None,
            });
        let Some((log, kind)) = beginning else {
            let hold = |incoming: &Incoming| match self.is_of_erased(incoming) {
                true => Hold::Erased,
                false => Hold::Waiting,
            };
            let holds = all.iter();
            let holds = holds
                .map(|(entry, incoming)| (*entry, hold(incoming)))
                .collect();
            return Judgement {
                holds,
                ..Judgement::default()
            };
        };
        let mut shut = BTreeMap::new();
        let mut open = BTreeSet::new();
        for (entry, incoming) in all {
            debug_assert_eq!(
                incoming
                    .payload
                    .target
                    .record_id(&entry.log.device, &entry.log.incarnation),
                *record
            );
            match self.permit_as(role_of(entry), incoming, kind, &log.lane, &log.device) {
                Ok(()) => {
                    open.insert(*entry);
                }
                Err(hold) => {
                    shut.insert(*entry, hold);
                }
            }
        }
        let (doc, verdicts) = self.merge_with_foundations(all, open, &shut);
        let holds = holds_of(all, &shut, verdicts);
        Judgement {
            kind: kind.to_owned(),
            space: Some(log.lane),
            doc,
            holds,
        }
    }

    /// Merges the accepted entries, and with them those shut ones that they build on.
    ///
    /// A state that its author may not set does not come in because the same person wrote on: only what
    /// others have built on it is worth that.
    fn merge_with_foundations(
        &self,
        all: &BTreeMap<EntryRef, Incoming>,
        mut open: BTreeSet<EntryRef>,
        shut: &BTreeMap<EntryRef, Hold>,
    ) -> (RecordDoc, BTreeMap<EntryRef, Verdict>) {
        let by_hash: HashMap<ChangeHash, (EntryRef, Hold)> = shut
            .iter()
            .filter(|(_, hold)| **hold != Hold::OtherSpace)
            .filter_map(|(entry, hold)| {
                let chunk = &all.get(entry)?.payload.chunk;
                Some((change_hash(chunk)?, (*entry, *hold)))
            })
            .collect();
        loop {
            let entries: Vec<EntryRef> = open.iter().copied().collect();
            let candidates: Vec<Candidate> = entries
                .iter()
                .filter_map(|entry| all.get(entry))
                .map(candidate)
                .collect();
            let mut doc = RecordDoc::new();
            let verdicts = doc.apply(&candidates);
            let waiting = entries.iter().zip(&candidates).zip(&verdicts);
            let waiting = waiting.filter_map(|((entry, candidate), verdict)| match verdict {
                Verdict::Waiting(missing) => Some(Wait {
                    by: self.person(&entry.log.device),
                    hash: change_hash(&candidate.chunk),
                    missing,
                }),
                Verdict::Merged | Verdict::Known | Verdict::Held(_) => None,
            });
            let wanted = wanted_by(&waiting.collect::<Vec<_>>());
            let foundations = wanted.iter().filter_map(|(hash, people)| {
                let (entry, hold) = by_hash.get(hash)?;
                let author = self.person(&entry.log.device);
                let is_of_others = people.iter().any(|person| *person != author);
                (*hold != Hold::StateNotAllowed || is_of_others).then_some(*entry)
            });
            let foundations: BTreeSet<EntryRef> = foundations.collect();
            if foundations.is_subset(&open) {
                return (doc, entries.into_iter().zip(verdicts).collect());
            }
            open.extend(foundations);
        }
    }
}

/// A member, or a device that nobody has added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Person {
    Member(MemberId),
    Stranger(DeviceId),
}

/// A change that builds on what is not merged.
struct Wait<'w> {
    by: Person,
    hash: Option<ChangeHash>,
    missing: &'w [ChangeHash],
}

/// What is missing, and who has built on it, directly or on what builds on it.
fn wanted_by(waiting: &[Wait<'_>]) -> HashMap<ChangeHash, BTreeSet<Person>> {
    let mut wanted: HashMap<ChangeHash, BTreeSet<Person>> = HashMap::new();
    let mut is_growing = true;
    while is_growing {
        is_growing = false;
        for wait in waiting {
            let of_others = wait.hash.and_then(|hash| wanted.get(&hash));
            let mut people = of_others.cloned().unwrap_or_default();
            people.insert(wait.by);
            for missing in wait.missing {
                let known = wanted.entry(*missing).or_default();
                let before = known.len();
                known.extend(people.iter().copied());
                is_growing |= known.len() > before;
            }
        }
    }
    wanted
}

/// Whether every state that a change sets is one that its author may set. A state that is anything but a
/// plain text, or none at all, is nobody's to set.
///
/// From which state a record came is not asked: of two moves at the same time each is first somewhere.
fn may_set_state(kind: &Kind, chunk: &[u8], role: Role, is_own: bool) -> bool {
    kind.states().is_empty()
        || set_to(chunk, STATE_FIELD)
            .into_iter()
            .all(|state| state.is_some_and(|state| kind.may_enter(state, role, is_own)))
}

/// What came of judging a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Judged {
    pub(super) merged: usize,
    pub(super) held: usize,
}

/// What a record comes to, and which of its entries are held or marked.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub(super) kind: String,
    pub(super) space: Option<LaneId>,
    pub(super) doc: RecordDoc,
    pub(super) holds: BTreeMap<EntryRef, Hold>,
}

fn holds_of(
    all: &BTreeMap<EntryRef, Incoming>,
    shut: &BTreeMap<EntryRef, Hold>,
    verdicts: BTreeMap<EntryRef, Verdict>,
) -> BTreeMap<EntryRef, Hold> {
    let mut holds = BTreeMap::new();
    for entry in all.keys() {
        let shut = shut.get(entry).copied();
        let hold = match verdicts.get(entry) {
            Some(Verdict::Merged | Verdict::Known) => shut.map(|_| Hold::BuiltOn),
            Some(Verdict::Waiting(_)) => Some(shut.unwrap_or(Hold::Waiting)),
            Some(Verdict::Held(reason)) => Some(Hold::Change(*reason)),
            None => shut,
        };
        holds.extend(hold.map(|hold| (*entry, hold)));
    }
    holds
}

pub(super) fn candidate(incoming: &Incoming) -> Candidate {
    Candidate {
        signer: incoming.entry.log.actor(),
        begin: match incoming.payload.target {
            Target::Begin { .. } => BeginRule::Begin,
            Target::BeginKeyed { .. } => BeginRule::BeginKeyed,
            Target::Edit(_) => BeginRule::Edit,
        },
        chunk: incoming.payload.chunk.clone(),
    }
}

/// Whether a change is for this record; after a fork, another entry may stand at a known position.
fn is_for(record: &RecordId, incoming: &Incoming) -> bool {
    let log = &incoming.entry.log;
    incoming
        .payload
        .target
        .record_id(&log.device, &log.incarnation)
        == *record
}

/// A natural key names its space, so that two villages' households with one door code stay two.
fn is_key_of(space: &LaneId, key: &str) -> bool {
    key.split_once(':')
        .is_some_and(|(prefix, _)| prefix == space.to_string())
}

fn open_entry(
    cipher: Option<&BatchCipher>,
    index: usize,
    kind: EntryKind,
    body: Body<'_>,
) -> Result<Payload, Shut> {
    if kind != EntryKind::CHANGE {
        return Err(Shut::OtherKind);
    }
    let Body::Present(sealed) = body else {
        return Err(Shut::Erased);
    };
    let cipher = cipher.ok_or(Shut::NoKey)?;
    let packed = cipher
        .open(index, kind, sealed)
        .map_err(|_| Shut::Held(Hold::DoesNotOpen))?;
    let plain = decompress(&packed, MAX_PAYLOAD).map_err(|_| Shut::Held(Hold::Unreadable))?;
    Payload::decode(&plain).map_err(|_| Shut::Held(Hold::Unreadable))
}
