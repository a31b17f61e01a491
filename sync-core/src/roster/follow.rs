//! One statement more, without going through all of them again.
//!
//! A statement is about few things. These are settled again, by the same evaluation as everything
//! else, while all others stay as they are (`part`). If somebody among them now says something
//! otherwise than before, because a right of theirs came, went or ended elsewhere, what that is about
//! is taken in too, until nothing more changes. Rights come from above only, so that what is settled
//! then is what evaluating everything gives.

pub mod change;
pub(super) mod part;
mod put;

use std::collections::BTreeSet;

use crate::entry::VerifiedBatch;
use crate::id::{CommunityId, DeviceId, MemberId};
use crate::roster::book::Book;
use crate::roster::evaluate::proof::Proofs;
use crate::roster::follow::change::Change;
use crate::roster::follow::part::Reach;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::Statement;
use crate::roster::subject::Subject;
use crate::roster::{Device, Invite, Roster, Said, commons};

/// With more than one in so many statements to go through, evaluating everything costs less.
const PART_OF_ALL: usize = 4;
/// Statements that are worth going through for a part of a roster, however small it is.
const PART_MIN: usize = 256;

/// What has come into a book since a roster was evaluated from it.
#[derive(Debug, Clone, Default)]
pub struct News {
    said: Vec<Said>,
    /// Who wrote the batches that came.
    authors: BTreeSet<DeviceId>,
}

impl News {
    /// Whether nothing has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.said.is_empty() && self.authors.is_empty()
    }

    /// A statement came, in a batch or not yet in one.
    pub fn add(&mut self, said: Said) {
        self.authors.insert(said.author);
        self.said.push(said);
    }

    /// A batch of this device came, with nothing new in it but what it proves.
    pub fn note(&mut self, author: DeviceId) {
        self.authors.insert(author);
    }

    /// A batch came: what it says, and that what follows it is proved by it.
    pub fn add_batch(&mut self, community: &CommunityId, batch: &VerifiedBatch) {
        self.authors.insert(batch.log().device);
        self.said.extend(Said::in_batch(community, batch));
    }

    /// All that it is about.
    fn reach(&self, book: &Book) -> Reach {
        let mut reach = Reach::default();
        self.said.iter().for_each(|said| reach.add_new(book, said));
        // A batch of a log that somebody cut off may prove what was not proved.
        for author in self.authors.iter().filter(|author| book.cuts(author)) {
            reach.add(book, Subject::Device(*author));
            let said = book.said_by(*author);
            said.for_each(|said| reach.add_all(book, said));
        }
        reach
    }
}

impl Roster {
    /// Becomes what evaluating the whole book gives, of which all but the news was evaluated before.
    /// Says what has changed.
    pub fn follow(&mut self, book: &Book, news: &News) -> Change {
        self.follow_part(book, news).unwrap_or_else(|| {
            let was = std::mem::replace(self, Self::evaluate(&self.community, book));
            Change {
                effort: book.len(),
                ..Change::between(was, self)
            }
        })
    }

    /// Nothing if evaluating everything is less work, or a community begins.
    fn follow_part(&mut self, book: &Book, news: &News) -> Option<Change> {
        let most = PART_MIN.max(book.len() / PART_OF_ALL);
        let begins = |said: &Said| matches!(said.statement, Statement::Found(_));
        if news.said.len() > most || news.said.iter().any(begins) {
            return None;
        }
        let mut reach = news.reach(book);
        let mut effort = 0;
        let (said, settled) = loop {
            let said = reach.rights.statements(book);
            effort += said.len();
            if effort > most {
                return None;
            }
            let settled = self.evaluate_part(book, &reach.rights, &said);
            if !self.widen(&mut reach, book, &settled) {
                break (said, settled);
            }
        };
        let Reach { rights, effects } = reach;
        let said_of_effects = effects.statements(book);
        effort += said_of_effects.len();
        if effort > most {
            return None;
        }
        let mut change = self.put_part(book, &rights, &said, settled);
        let settled = self.evaluate_part(book, &effects, &said_of_effects);
        change.then(self.put_part(book, &effects, &said_of_effects, settled));
        change.effort = effort;
        Some(change)
    }

    /// Takes in what is now said otherwise by those within reach; whether there is any such thing.
    fn widen(&self, reach: &mut Reach, book: &Book, settled: &Self) -> bool {
        let known: Vec<Subject> = reach.rights.subjects().collect();
        for subject in known.iter().copied() {
            match subject {
                Subject::Device(id) => {
                    let (was, is) = (self.any_device(&id), settled.any_device(&id));
                    if was != is {
                        self.widen_by_device(reach, book, id, [was, is]);
                    }
                }
                Subject::Ticket(_) => {
                    for given in book.about(subject) {
                        let (was, is) =
                            (self.invites.get(&given.id), settled.invites.get(&given.id));
                        if was != is {
                            widen_by_invite(reach, book, was, is);
                        }
                    }
                }
                Subject::Member(_)
                | Subject::Statement(_)
                | Subject::Epoch(..)
                | Subject::Log(_)
                | Subject::Erasures => {}
            }
        }
        reach.rights.subjects().count() > known.len()
    }

    /// Takes in what a device says that counts by other rights than before.
    fn widen_by_device(
        &self,
        reach: &mut Reach,
        book: &Book,
        id: DeviceId,
        was_and_is: [Option<&Device>; 2],
    ) {
        let mut proofs = Proofs::new(book);
        for device in was_and_is.into_iter().flatten() {
            let rights = device.rights.values();
            rights.for_each(|standing| proofs.prepare(standing));
        }
        for said in book.said_by(id) {
            let [was, is] = was_and_is.map(|device| authority(&proofs, said, device));
            let mut stays = was.intersection(&is);
            if was != is && !stays.any(|right| self.is_enough(right, said, book)) {
                reach.add_all(book, said);
            }
        }
    }

    /// Whether a statement comes to the same by one right as by any others besides. Of what is weighed
    /// by its author's rank, each right counts for itself.
    fn is_enough(&self, (_, scope, role): &Right, said: &Said, book: &Book) -> bool {
        let may_give = |given: Role, within: &Scope| role.may_give(scope, given, within);
        match &said.statement {
            Statement::Confirm(confirm) => {
                let mut invites = book.invites_for(&confirm.join);
                invites.all(|invite| may_give(invite.role, &invite.scope))
            }
            Statement::Epoch(epoch) => epoch.may_come_from(scope, *role, &commons(&self.community)),
            Statement::Grant(grant) => may_give(grant.role, &grant.scope),
            Statement::Invite(invite) => may_give(invite.role, &invite.scope),
            Statement::AddDevice(_)
            | Statement::Discard(_)
            | Statement::Erase(_)
            | Statement::Erased(_)
            | Statement::Found(_)
            | Statement::Join(_)
            | Statement::Profile(_)
            | Statement::Release(_)
            | Statement::Revoke(_)
            | Statement::Settings(_)
            | Statement::Space(_) => false,
        }
    }
}

/// A right, and whose it is.
type Right = (MemberId, Scope, Role);

/// The rights by which a statement counts.
fn authority(proofs: &Proofs<'_>, said: &Said, device: Option<&Device>) -> BTreeSet<Right> {
    let device = device.into_iter();
    let rights = device.flat_map(|device| device.rights.iter().map(move |right| (device, right)));
    rights
        .filter(|(_, (_, standing))| proofs.counts(said, standing))
        .map(|(device, ((scope, role), _))| (device.member, *scope, *role))
        .collect()
}

/// Takes in who joined, if it is judged otherwise, and the keys of an invitation that is none any more.
fn widen_by_invite(reach: &mut Reach, book: &Book, was: Option<&Invite>, is: Option<&Invite>) {
    let joins = |invite: Option<&Invite>| invite.map(|it| it.joins.clone()).unwrap_or_default();
    let (were, are) = (joins(was), joins(is));
    for (id, join) in were.iter().chain(&are) {
        if were.get(id) != are.get(id) {
            reach.add(book, Subject::Device(join.device));
        }
    }
    if let (Some(was), None) = (was, is) {
        for key in &was.keys {
            reach.add(book, Subject::Epoch(key.space, key.epoch));
        }
    }
}
