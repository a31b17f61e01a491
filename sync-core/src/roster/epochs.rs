//! Reading keys, as the statements know them: to whom they are sealed, never what they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{EpochId, LaneId};
use crate::roster::Roster;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{Epoch, Recipient, StatementId};

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

    /// What an invite carries is sealed to it as much as what an epoch statement seals to it. Keys of
    /// spaces that it does not open are no word of its author's to say.
    pub(super) fn seal_to_invites(&mut self, is_meant: impl Fn(&StatementId, &Which) -> bool) {
        for (id, invite) in &self.invites {
            let keys = invite.keys.iter();
            let opened = keys.filter(|key| invite.opens(&self.community, &key.space));
            for (key, sealed) in opened.map(|key| ((key.space, key.epoch), &key.sealed)) {
                if is_meant(id, &key)
                    && let Some(epoch) = self.epochs.get_mut(&key)
                {
                    epoch.add_sealed(Recipient::Invite(invite.id), sealed);
                }
            }
        }
    }
}
