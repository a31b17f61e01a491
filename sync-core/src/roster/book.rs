//! The roster lane as far as it has come: statements, and where in signed logs they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::entry::VerifiedBatch;
use crate::entry::place::Link;
use crate::id::{ChainHash, CommunityId, DeviceId, EpochId, LaneId};
use crate::roster::erasure::Named;
use crate::roster::statement::{Epoch, Invite, Statement, StatementId};
use crate::roster::subject::Subject;
use crate::roster::{Roster, Said};

/// A set of statements with the batches that carry them. Two books with the same batches are equal,
/// whatever came first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    said: BTreeMap<StatementId, Arc<Said>>,
    /// Batches that carry a statement; none while it is our own and not sealed.
    carriers: BTreeMap<StatementId, BTreeSet<ChainHash>>,
    /// Each batch and the one before it in its log.
    links: BTreeMap<ChainHash, ChainHash>,
    /// Devices of whose logs a revocation says where they end.
    cut: BTreeSet<DeviceId>,
    /// Entries that anybody says are erased.
    erased: Named,
    /// What is said of each thing.
    about: BTreeMap<(Subject, StatementId), Arc<Said>>,
    /// What each device says.
    by: BTreeMap<(DeviceId, StatementId), Arc<Said>>,
}

impl Book {
    /// Every statement, once.
    pub fn statements(&self) -> impl Iterator<Item = &Said> {
        self.said.values().map(Arc::as_ref)
    }

    /// How many statements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.said.len()
    }

    /// Whether nothing has been said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// Takes a statement of this device that no batch carries yet; says whether it is new.
    pub fn add(&mut self, said: Said) -> bool {
        self.keep(said)
    }

    fn keep(&mut self, said: Said) -> bool {
        if let Statement::Revoke(revoke) = &said.statement {
            let devices = revoke.cuts.iter().map(|cut| cut.log().device);
            self.cut.extend(devices);
        }
        if let Statement::Erase(erase) = &said.statement {
            self.erased.add(said.author, erase);
        }
        let said = Arc::new(said);
        for subject in said.subjects() {
            self.about.insert((subject, said.id), Arc::clone(&said));
        }
        self.by.insert((said.author, said.id), Arc::clone(&said));
        self.said.insert(said.id, said).is_none()
    }

    /// A statement.
    pub(super) fn get(&self, id: &StatementId) -> Option<&Said> {
        self.said.get(id).map(Arc::as_ref)
    }

    /// The invitations that a join may have taken up.
    pub(super) fn invites_for(&self, join: &StatementId) -> impl Iterator<Item = &Invite> {
        let subjects = self.get(join).into_iter().flat_map(Said::subjects);
        let tickets = subjects.filter(|subject| matches!(subject, Subject::Ticket(_)));
        let about = tickets.flat_map(move |ticket| self.about(ticket));
        about.filter_map(|said| {
            if let Statement::Invite(invite) = &said.statement {
                Some(invite)
            } else {
                None
            }
        })
    }

    /// What is said of something.
    pub(super) fn about(&self, subject: Subject) -> impl Iterator<Item = &Said> {
        let from = self.about.range((subject, StatementId::FIRST)..);
        let about = from.take_while(move |((of, _), _)| *of == subject);
        about.map(|(_, said)| said.as_ref())
    }

    /// What a device says.
    pub(super) fn said_by(&self, device: DeviceId) -> impl Iterator<Item = &Said> {
        let from = self.by.range((device, StatementId::FIRST)..);
        let by = from.take_while(move |((by, _), _)| *by == device);
        by.map(|(_, said)| said.as_ref())
    }

    /// Whether somebody let a device in once, with or without the right to: it took up an invitation, or
    /// another device spoke for it.
    #[must_use]
    pub fn has_heard_of(&self, device: &DeviceId) -> bool {
        self.about(Subject::Device(*device)).next().is_some()
    }

    /// Whether a revocation, counting or not, says where a log of this device ends.
    pub(super) fn cuts(&self, device: &DeviceId) -> bool {
        self.cut.contains(device)
    }

    /// Whether anybody's word explains why entries of a batch have no contents: an erasure that counts,
    /// or one by somebody who has lost rights since, for it may have counted.
    #[must_use]
    pub fn explains(&self, roster: &Roster, batch: &VerifiedBatch) -> bool {
        let (log, chain) = (batch.log(), batch.head().chain);
        let has_counted = |author: &DeviceId| roster.has_lost_rights(author);
        batch.erased().all(|seq| {
            let counts = roster.erasures().has_entry(log, &chain, seq);
            counts || self.erased.names(&chain, seq, has_counted)
        })
    }

    /// The keys that members who have lost rights since sealed for an epoch of a space, counting or not.
    pub fn epochs_of_the_gone(
        &self,
        roster: &Roster,
        space: LaneId,
        epoch: EpochId,
    ) -> impl Iterator<Item = &Epoch> {
        let about = self.about(Subject::Epoch(space, epoch));
        let gone = about.filter(|said| roster.has_lost_rights(&said.author));
        gone.filter_map(move |said| {
            let Statement::Epoch(it) = &said.statement else {
                return None;
            };
            (it.epoch == epoch).then_some(it)
        })
    }

    /// Takes a statement out of a batch; says whether it is new there.
    pub fn add_carried(&mut self, said: Said, batch: &Link) -> bool {
        let id = said.id;
        self.keep(said);
        self.carriers.entry(id).or_default().insert(batch.chain)
    }

    /// Takes note of a batch, whether it says anything or not: what follows it is proved by it.
    pub fn link(&mut self, batch: &Link) -> bool {
        self.links.insert(batch.chain, batch.prev).is_none()
    }

    /// Takes a batch with all that it says; says whether it is new.
    pub fn add_batch(&mut self, community: &CommunityId, batch: &VerifiedBatch) -> bool {
        let link = Link::of(batch);
        for said in Said::in_batch(community, batch) {
            self.add_carried(said, &link);
        }
        self.link(&link)
    }

    /// The batches that carry a statement.
    pub(super) fn carriers(&self, statement: &StatementId) -> impl Iterator<Item = &ChainHash> {
        self.carriers.get(statement).into_iter().flatten()
    }

    /// The batch with this chain hash and all before it in its log; nothing while it has not come.
    pub(super) fn up_to(&self, end: &ChainHash) -> BTreeSet<ChainHash> {
        let mut before = BTreeSet::new();
        let mut at = *end;
        while let Some(prev) = self.links.get(&at) {
            before.insert(at);
            at = *prev;
        }
        before
    }
}
