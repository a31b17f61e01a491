//! Reading keys, as the statements know them: to whom they are sealed, never what they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{DeviceId, EpochId, InviteId, LaneId};
use crate::keys::SealingKey;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{Epoch, Recipient, StatementId};
use crate::roster::{Invite, Roster};

/// Which key, of which space.
pub type Which = (LaneId, EpochId);

/// A reading key of a space, as the statements know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EpochInfo {
    /// Who it was sealed to, with every sealed copy: a spoilt copy must not hide a good one.
    pub sealed: BTreeMap<Recipient, BTreeSet<Vec<u8>>>,
    /// Older epochs wrapped under it, with every wrapped copy, for the same reason.
    pub older: BTreeMap<EpochId, BTreeSet<Vec<u8>>>,
}

impl Epoch {
    /// Whether who has this role in a scope may seal keys of the space: whoever may write there.
    pub(super) fn may_come_from(&self, scope: &Scope, role: Role, commons: &LaneId) -> bool {
        let covers = self.space == *commons || scope.covers(&Scope::Space(self.space));
        covers && role >= Role::Volunteer
    }
}

impl EpochInfo {
    fn add_sealed(&mut self, recipient: Recipient, copy: &[u8]) {
        let copies = self.sealed.entry(recipient).or_default();
        copies.insert(copy.to_vec());
    }

    /// Adds the copies that others have; says whether there is one more now.
    pub(super) fn add(&mut self, others: Self) -> bool {
        let mut is_more = false;
        for (recipient, others) in others.sealed {
            let copies = self.sealed.entry(recipient).or_default();
            is_more |= !others.is_subset(copies);
            copies.extend(others);
        }
        for (epoch, others) in others.older {
            let copies = self.older.entry(epoch).or_default();
            is_more |= !others.is_subset(copies);
            copies.extend(others);
        }
        is_more
    }
}

impl Roster {
    /// Adds what an epoch statement that counts says; the copies of several add up.
    pub(super) fn put_epoch(&mut self, epoch: &Epoch) {
        let key = (epoch.space, epoch.epoch);
        let info = self.epochs.entry(key).or_default();
        for key in &epoch.keys {
            info.add_sealed(key.recipient.clone(), &key.sealed);
        }
        for older in &epoch.older {
            let copies = info.older.entry(older.epoch).or_default();
            copies.insert(older.wrapped.to_vec());
        }
    }

    /// Everybody who may read a space now, with the key to seal to: devices and open invites. One with
    /// which somebody came who may not read any more gets no keys: they still hold the ticket.
    #[must_use]
    pub fn readers(&self, space: &LaneId) -> BTreeSet<(Recipient, SealingKey)> {
        let devices = self
            .devices
            .iter()
            .filter(|(id, _)| self.may_read(id, space))
            .map(|(id, device)| (Recipient::Device(*id), device.sealing));
        let invites = self
            .invites
            .values()
            .filter(|invite| invite.is_open() && invite.opens(&self.community, space))
            .filter(|invite| {
                self.came_with(&invite.id)
                    .all(|it| self.may_read(it, space))
            })
            .map(|invite| (Recipient::Invite(invite.id), invite.sealing));
        devices.chain(invites).collect()
    }

    /// The epochs of a space that may be sealed under now: nobody has them who may not read.
    ///
    /// What is sealed to an invite is known to all who came with it, and to whoever may still come.
    #[must_use]
    pub fn usable_epochs(&self, space: &LaneId) -> Vec<EpochId> {
        self.epochs_for(space, |device| self.may_read(device, space))
    }

    /// The epochs that a removed device may seal what it had not sent under: nobody has them who may
    /// not read but its own member's devices, which know what they wrote.
    #[must_use]
    pub fn last_epochs(&self, space: &LaneId, device: &DeviceId) -> Vec<EpochId> {
        let member = self.member_id(device);
        self.epochs_for(space, |reader| {
            self.may_read(reader, space) || (member.is_some() && self.member_id(reader) == member)
        })
    }

    fn epochs_for(&self, space: &LaneId, may_have: impl Fn(&DeviceId) -> bool) -> Vec<EpochId> {
        self.epochs
            .iter()
            .filter(|((of, _), _)| of == space)
            .filter(|(_, epoch)| {
                epoch.sealed.keys().all(|recipient| match recipient {
                    Recipient::Device(device) => may_have(device),
                    Recipient::Invite(id) => {
                        let opens = |invite: &Invite| invite.opens(&self.community, space);
                        self.invites_of(*id).any(opens) && self.came_with(id).all(&may_have)
                    }
                })
            })
            .map(|((_, id), _)| *id)
            .collect()
    }

    /// How many epochs lie under one: the longest way down through the older ones.
    #[must_use]
    pub fn epoch_depth(&self, space: &LaneId, epoch: &EpochId) -> usize {
        let mut depth = 0;
        let mut layer: BTreeSet<EpochId> = BTreeSet::from([*epoch]);
        let mut seen = layer.clone();
        loop {
            layer = layer
                .iter()
                .filter_map(|id| self.epochs.get(&(*space, *id)))
                .flat_map(|epoch| epoch.older.keys().copied())
                .filter(|id| !seen.contains(id))
                .collect();
            if layer.is_empty() {
                return depth;
            }
            seen.extend(layer.iter().copied());
            depth += 1;
        }
    }

    /// The devices that have taken up an invitation and so hold its ticket, whether they still belong or
    /// not. Nobody keeps the recovery sheet, which is one too.
    fn came_with(&self, ticket: &InviteId) -> impl Iterator<Item = &DeviceId> {
        self.invites_of(*ticket)
            .filter(|invite| invite.role != Role::Recovered)
            .flat_map(|invite| invite.joins.values())
            .filter(|join| join.is_accepted)
            .map(|join| &join.device)
    }

    /// What an invite carries is sealed to it as much as what an epoch statement seals to it, also once it
    /// is taken back: whoever holds the ticket has the keys. Keys of spaces that it is not for are no word
    /// of its author's to say.
    pub(super) fn seal_to_invites(&mut self, is_meant: impl Fn(&StatementId, &Which) -> bool) {
        for (id, invite) in &self.invites {
            let keys = invite.keys.iter();
            let meant = keys.filter(|key| invite.is_for(&self.community, &key.space));
            for (key, sealed) in meant.map(|key| ((key.space, key.epoch), &key.sealed)) {
                if is_meant(id, &key)
                    && let Some(epoch) = self.epochs.get_mut(&key)
                {
                    epoch.add_sealed(Recipient::Invite(invite.id), sealed);
                }
            }
        }
    }
}
