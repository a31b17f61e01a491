//! One statement more, without going through all of them again, where that gives the same roster.
//!
//! Names, keys, invitations, joins and confirmations come by the thousand and touch one thing each. They are
//! put where [`Roster::evaluate`] would put them, if nothing that it would weigh against them is in the
//! book; else, and for whatever gives or takes rights, everything is evaluated anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::VerifiedBatch;
use crate::id::{CommunityId, DeviceId, InviteId, LaneId};
use crate::roster::book::Book;
use crate::roster::cutoff::Standing;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{
    Confirm, Epoch, Invite as Given, Join, Profile, Recipient, Statement, StatementId, Target,
};
use crate::roster::{
    Device, EpochInfo, Invite, JoinState, Member, Roster, Said, Space, commons, member_of,
};

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
}

/// What following a statement has come to.
enum Followed {
    /// The roster is what evaluating everything would give.
    Done,
    /// Only evaluating everything tells.
    Unclear,
}

impl Roster {
    /// Becomes what evaluating the whole book gives, of which all but the news was evaluated before.
    /// Says whether everything had to be gone through.
    pub fn follow(&mut self, book: &Book, news: &News) -> bool {
        // A batch of a log that somebody cut off may prove what was not proved.
        let is_plain = !news.authors.iter().any(|author| book.cuts(author));
        let follow = |said: &Said| matches!(self.follow_one(book, said), Followed::Done);
        if is_plain && news.said.iter().all(follow) {
            return false;
        }
        *self = Self::evaluate(&self.community, book);
        true
    }

    fn follow_one(&mut self, book: &Book, said: &Said) -> Followed {
        if let Statement::Join(join) = &said.statement {
            return self.follow_join(book, said, join);
        }
        let Some(author) = self.devices.get(&said.author) else {
            let is_nobodys = !self.former.contains_key(&said.author);
            let is_found = matches!(said.statement, Statement::Found(_));
            // Nobody's word counts until they belong, and that is evaluated with all they said.
            return if is_nobodys && !is_found {
                Followed::Done
            } else {
                Followed::Unclear
            };
        };
        if !author.rights.values().all(Standing::holds) {
            return Followed::Unclear;
        }
        let rights: Vec<(Scope, Role)> = author.held().collect();
        match &said.statement {
            Statement::Profile(profile) => self.follow_profile(said, profile),
            Statement::Epoch(epoch) => self.follow_epoch(&rights, epoch),
            Statement::Space(space) => {
                let may = |(scope, role): &(Scope, Role)| {
                    *scope == Scope::Community && *role >= Role::Coordinator
                };
                if rights.iter().any(may) {
                    let title = (said.author, space.title.to_vec());
                    self.spaces.insert(said.space, Space { title });
                }
                Followed::Done
            }
            Statement::Invite(invite) => self.follow_invite(book, said, &rights, invite),
            Statement::Confirm(confirm) => self.follow_confirm(&rights, confirm),
            Statement::Erased(erased) => {
                self.put_receipt(said.author, erased.statement);
                Followed::Done
            }
            Statement::Settings(_) => Followed::Done,
            Statement::AddDevice(_)
            | Statement::Discard(_)
            | Statement::Erase(_)
            | Statement::Found(_)
            | Statement::Grant(_)
            | Statement::Join(_)
            | Statement::Release(_)
            | Statement::Revoke(_) => Followed::Unclear,
        }
    }

    fn follow_profile(&mut self, said: &Said, profile: &Profile) -> Followed {
        let member = self.member_id(&said.author);
        let Some(member) = member.and_then(|id| self.members.get_mut(&id)) else {
            return Followed::Unclear;
        };
        let version = (profile.version, said.id);
        if member.named_by.is_none_or(|known| known < version) {
            member.named_by = Some(version);
            member.name = Some((said.author, profile.name.to_vec()));
        }
        Followed::Done
    }

    fn follow_epoch(&mut self, rights: &[(Scope, Role)], epoch: &Epoch) -> Followed {
        let is_commons = epoch.space == commons(&self.community);
        let may = |(scope, role): &(Scope, Role)| {
            let covers = is_commons || scope.covers(&Scope::Space(epoch.space));
            covers && *role >= Role::Volunteer
        };
        if rights.iter().any(may) {
            self.put_epoch(epoch);
            self.seal_to_invites(|space, id| (*space, *id) == (epoch.space, epoch.epoch));
        }
        Followed::Done
    }

    /// Adds what an epoch statement that counts says; the copies of several add up.
    pub(super) fn put_epoch(&mut self, epoch: &Epoch) {
        let key = (epoch.space, epoch.epoch);
        let info = self.epochs.entry(key).or_insert_with(|| EpochInfo {
            sealed: BTreeMap::new(),
            older: BTreeMap::new(),
        });
        for key in &epoch.keys {
            let copies = info.sealed.entry(key.recipient.clone()).or_default();
            copies.insert(key.sealed.to_vec());
        }
        for older in &epoch.older {
            let copies = info.older.entry(older.epoch).or_default();
            copies.insert(older.wrapped.to_vec());
        }
    }

    /// What an invite carries is sealed to it as much as what an epoch statement seals to it. Keys of
    /// spaces that it does not open are no word of its author's to say.
    pub(super) fn seal_to_invites(
        &mut self,
        is_meant: impl Fn(&LaneId, &crate::id::EpochId) -> bool,
    ) {
        let Self {
            community,
            invites,
            epochs,
            ..
        } = self;
        for invite in invites.values() {
            let keys = invite.keys.iter();
            let meant = keys.filter(|key| is_meant(&key.space, &key.epoch));
            for key in meant.filter(|key| invite.opens(community, &key.space)) {
                if let Some(epoch) = epochs.get_mut(&(key.space, key.epoch)) {
                    let copies = epoch.sealed.entry(Recipient::Invite(invite.id));
                    copies.or_default().insert(key.sealed.to_vec());
                }
            }
        }
    }

    fn follow_invite(
        &mut self,
        book: &Book,
        said: &Said,
        rights: &[(Scope, Role)],
        given: &Given,
    ) -> Followed {
        let may = |(scope, role): &(Scope, Role)| {
            *role >= Role::Lead && given.role < *role && scope.covers(&given.scope)
        };
        if self.invites.contains_key(&said.id) || !rights.iter().any(may) {
            return Followed::Done;
        }
        let is_about_it = |other: &Said| match &other.statement {
            Statement::Join(join) => join.invite == given.invite,
            Statement::Revoke(revoke) => revoke.target == Target::Invite(given.invite),
            Statement::AddDevice(_)
            | Statement::Confirm(_)
            | Statement::Discard(_)
            | Statement::Epoch(_)
            | Statement::Erase(_)
            | Statement::Erased(_)
            | Statement::Found(_)
            | Statement::Grant(_)
            | Statement::Invite(_)
            | Statement::Profile(_)
            | Statement::Release(_)
            | Statement::Settings(_)
            | Statement::Space(_) => false,
        };
        if book.statements().any(is_about_it) {
            return Followed::Unclear;
        }
        self.invites.insert(said.id, Invite::given(given));
        let keys: BTreeSet<_> = given
            .keys
            .iter()
            .map(|key| (key.space, key.epoch))
            .collect();
        self.seal_to_invites(|space, epoch| keys.contains(&(*space, *epoch)));
        Followed::Done
    }

    /// A confirmation of a join that counts already; one that makes it count is evaluated.
    fn follow_confirm(&mut self, rights: &[(Scope, Role)], confirm: &Confirm) -> Followed {
        let mut confirmed = Vec::new();
        for invite in self.invites.values_mut() {
            let may = |(scope, role): &(Scope, Role)| {
                *role >= Role::Lead && *role > invite.role && scope.covers(&invite.scope)
            };
            let Some(join) = invite.joins.get_mut(&confirm.join) else {
                continue;
            };
            if join.is_confirmed || !rights.iter().any(may) {
                continue;
            }
            if !join.is_accepted {
                return Followed::Unclear;
            }
            join.is_confirmed = true;
            confirmed.push(join.device);
        }
        for device in confirmed {
            let member = self.any_device(&device).map(|device| device.member);
            match member.and_then(|id| self.members.get_mut(&id)) {
                Some(member) => member.is_provisional = false,
                None => return Followed::Unclear,
            }
        }
        Followed::Done
    }

    /// Somebody new takes up an invitation, and nothing else is known of them.
    fn follow_join(&mut self, book: &Book, said: &Said, join: &Join) -> Followed {
        let member = member_of(&self.community, &said.author);
        let is_about_them = |other: &Said| match &other.statement {
            _ if other.author == said.author => other.id != said.id,
            Statement::AddDevice(add) => add.device == said.author,
            Statement::Confirm(confirm) => confirm.join == said.id,
            Statement::Grant(grant) => grant.member == member,
            Statement::Revoke(revoke) => match &revoke.target {
                Target::Member(target) => *target == member,
                Target::Device(target) => *target == said.author,
                Target::Grant(target) => *target == said.id,
                Target::Invite(_) => false,
            },
            Statement::Discard(_)
            | Statement::Epoch(_)
            | Statement::Erase(_)
            | Statement::Erased(_)
            | Statement::Found(_)
            | Statement::Invite(_)
            | Statement::Join(_)
            | Statement::Profile(_)
            | Statement::Release(_)
            | Statement::Settings(_)
            | Statement::Space(_) => false,
        };
        if self.knows(&said.author) || book.statements().any(is_about_them) {
            return Followed::Unclear;
        }
        let given: Vec<StatementId> = self.invitations(join.invite);
        let [given] = given[..] else {
            return if given.is_empty() {
                Followed::Done
            } else {
                Followed::Unclear
            };
        };
        let Some(invite) = self.invites.get_mut(&given) else {
            return Followed::Unclear;
        };
        let devices: BTreeSet<DeviceId> = invite.joins.values().map(|join| join.device).collect();
        let is_special = invite.is_revoked || invite.role == Role::Recovered;
        if is_special || devices.len() >= usize::from(invite.uses) {
            return Followed::Unclear;
        }
        let state = JoinState {
            device: said.author,
            is_confirmed: false,
            is_accepted: true,
        };
        invite.joins.insert(said.id, state);
        let right = (invite.scope, invite.role);
        let device = Device {
            member,
            sealing: join.sealing,
            rights: BTreeMap::from([(right, Standing::HOLDS)]),
        };
        self.devices.insert(said.author, device);
        self.members.insert(member, Member::new(right, said.author));
        Followed::Done
    }

    fn invitations(&self, ticket: InviteId) -> Vec<StatementId> {
        let invites = self.invites.iter();
        invites
            .filter(|(_, invite)| invite.id == ticket)
            .map(|(id, _)| *id)
            .collect()
    }
}
