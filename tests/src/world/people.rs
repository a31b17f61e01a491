//! Founding, spaces, invitations, joins.

use std::sync::Arc;

use rand::RngExt;
use sync_core::id::DeviceId;
use sync_core::keys::Signer;
use sync_core::replica::{Removal, Replica, ReplicaError};
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::ticket::RelayAddr;
use sync_core::store::MemoryStore;

use super::net::Node;
use super::oracle::CANARY;
use super::phone::{Life, Phone, identity, on_disk};
use super::{Broken, FIRST_MILLIS, Outcome, World};

impl World {
    pub(super) fn found(&mut self) -> Outcome {
        let (keys, mut rng) = identity(self.seed, 0);
        let (store, disk) = on_disk(MemoryStore::new());
        let relays: Vec<RelayAddr> = self
            .hub
            .device_if_on()
            .map(|relay| RelayAddr {
                relay,
                addr: "relay:1".to_owned(),
            })
            .into_iter()
            .collect();
        let signer = Arc::clone(&keys) as Arc<dyn Signer>;
        let moment = &mut sync_core::peer::moment(sync_core::id::Millis(FIRST_MILLIS), &mut rng);
        let title = format!("{CANARY}丹灶");
        let founding = Replica::found(store, signer, &title, "李芳", &relays, moment)
            .map_err(|error| Broken(format!("founding failed: {error}")))?;
        let life = Life::On {
            replica: Box::new(founding.replica),
            disk,
        };
        let mut phone = Phone::new(keys, rng, life);
        phone.is_steward = true;
        self.sheet = Some(founding.recovery);
        self.phones.push(phone);
        self.hub_carries()?;
        self.add_space(0)?;
        // Somebody to talk to from the start.
        for _ in 0..2 {
            self.invite_by(0)?;
        }
        Ok(())
    }

    pub(super) fn add_space_somewhere(&mut self) -> Outcome {
        let members = self.members_on();
        match self.pick(&members) {
            Some(index) if self.spaces.len() < self.spaces_max => self.add_space(index),
            Some(_) | None => Ok(()),
        }
    }

    fn add_space(&mut self, index: usize) -> Outcome {
        let (now, title) = (self.now, format!("{CANARY}良登村{}", self.spaces.len()));
        let phone = self.phone(index);
        let added = phone.with(now, |replica, moment| replica.add_space(&title, moment));
        let has_faults = phone.has_faults;
        self.after(index)?;
        match added {
            None | Some(Err(ReplicaError::NotAllowed { .. } | ReplicaError::NoKey)) => Ok(()),
            Some(Err(ReplicaError::Store(_))) if has_faults => Ok(()),
            Some(Err(error)) => {
                super::broken!("phone {index} could not make a space: {error}")
            }
            Some(Ok(space)) => {
                self.tell(format!("  phone {index} makes space {}", space.short()));
                self.spaces.push(space);
                self.pump_news(index)
            }
        }
    }

    /// A change of the roster of one's own is news to one's sessions.
    fn pump_news(&mut self, index: usize) -> Outcome {
        self.spread_news(index, super::net::ConnId(0))?;
        self.pump(index)
    }

    pub(super) fn invite_somebody(&mut self) -> Outcome {
        let members = self.members_on();
        match self.pick(&members) {
            Some(index) if self.phones.len() < self.phones_max => self.invite_by(index),
            Some(_) | None => Ok(()),
        }
    }

    /// Somebody gives somebody a role, if their rank allows it: a volunteer becomes a lead, or reads
    /// another village from now on.
    pub(super) fn grant_somebody(&mut self) -> Outcome {
        let members = self.members_on();
        let spaces = self.spaces.clone();
        let (Some(index), Some(space), Some(role)) =
            (self.pick(&members), self.pick(&spaces), self.random_role())
        else {
            return Ok(());
        };
        let scope = if self.rng.random_ratio(1, 4) {
            Scope::Community
        } else {
            Scope::Space(space)
        };
        let to = self.rng.random_range(0..self.phones.len());
        let is_villain = self.villain.is_some_and(|villain| villain.phone == to);
        if self.phone(to).is_cut_off || is_villain {
            return Ok(());
        }
        let device = self.phone(to).keys.device();
        let now = self.now;
        let phone = self.phone(index);
        let granted = phone.with(now, |replica, moment| {
            let Some(member) = replica.roster().member_id(&device) else {
                return Ok(false);
            };
            replica.grant(member, scope, role, moment)
        });
        let has_faults = phone.has_faults;
        self.after(index)?;
        match granted {
            None | Some(Ok(false) | Err(ReplicaError::NotAllowed { .. })) => return Ok(()),
            Some(Err(ReplicaError::Store(_))) if has_faults => return Ok(()),
            Some(Err(error)) => {
                return super::broken!("phone {index} could not grant a role: {error}");
            }
            Some(Ok(true)) => {}
        }
        self.tell(format!(
            "  phone {index} makes phone {to} {role} of {scope:?}"
        ));
        let phone = self.phone(to);
        phone.is_steward |= role >= Role::Lead;
        phone.sponsors.insert(index);
        if self.oracle.is_cut_off(index) {
            self.oracle.cut_off(to);
        }
        self.pump_news(index)
    }

    /// A phone is lost: somebody cuts it off, or its owner's membership, where its log has come to
    /// them. It goes on writing until it hears of that, and others may go on merging it.
    pub(super) fn revoke_somebody(&mut self) -> Outcome {
        let members = self.members_on();
        let Some(index) = self.pick(&members) else {
            return Ok(());
        };
        let target = self.rng.random_range(1..self.phones.len());
        let has_purges = self.has_purges;
        let lost = self.phone(target);
        // Unless people are removed without regard, who let others in is not: those would stand at the
        // door for ever.
        if target == index || (lost.is_steward && !has_purges) || lost.is_cut_off {
            return Ok(());
        }
        self.revoke(index, target)
    }

    /// Cuts a phone off, or its owner.
    pub(super) fn revoke(&mut self, index: usize, target: usize) -> Outcome {
        let device = self.phone(target).keys.device();
        let is_whole = self.rng.random_ratio(1, 2);
        let now = self.now;
        let phone = self.phone(index);
        let revoked = phone.with(now, |replica, moment| {
            let Some(member) = replica.roster().member_id(&device) else {
                return Err(ReplicaError::NothingToRevoke);
            };
            let removal = if is_whole {
                Removal::Member(member)
            } else {
                Removal::Device(device)
            };
            replica.revoke(&removal, moment)
        });
        let has_faults = phone.has_faults;
        self.after(index)?;
        match revoked {
            None
            | Some(Err(
                ReplicaError::NothingToRevoke
                | ReplicaError::NotAllowed { .. }
                | ReplicaError::OwnerStays
                | ReplicaError::Removed,
            )) => return Ok(()),
            Some(Err(ReplicaError::Store(_))) if has_faults => {
                // It may have been written all the same.
            }
            Some(Err(error)) => {
                return super::broken!("phone {index} could not cut phone {target} off: {error}");
            }
            Some(Ok(_)) => {}
        }
        self.tell(format!("  phone {index} cuts phone {target} off"));
        for other in 0..self.phones.len() {
            if self.phone(other).keys.device() == device {
                self.phone(other).is_cut_off = true;
                self.oracle.cut_off(other);
            }
        }
        if self.phone(target).is_steward {
            self.summary.purges += 1;
            // Whom it let in may stand outside, and what it gave may be gone.
            for follower in self.followers_of(target) {
                self.oracle.cut_off(follower);
            }
        }
        self.summary.revocations += 1;
        self.pump_news(index)
    }

    /// The phones that belong in the end.
    pub(super) fn phones_in(&self) -> Vec<usize> {
        let left = self.phones_left().into_iter();
        left.filter(|index| !self.is_out(*index)).collect()
    }

    /// Whether a phone was removed, as everybody knows in the end, or never came to belong because
    /// its invitation went with whoever gave it.
    pub(super) fn is_out(&self, index: usize) -> bool {
        let reference = self.phones.get(self.reference());
        let reference = reference.and_then(|phone| phone.replica());
        let Some((reference, phone)) = reference.zip(self.phones.get(index)) else {
            return false;
        };
        // One that has left does not come back, even if the word that sent it away counts no more.
        if phone.replica().is_some_and(|it| it.farewell().is_some()) {
            return true;
        }
        let device = phone.keys.device();
        reference.roster().former().contains_key(&device) || self.is_shut_out(&device)
    }

    /// Whether a device never came to belong, because its invitation went with whoever gave it.
    pub(super) fn is_shut_out(&self, device: &DeviceId) -> bool {
        let is_somebody_cut_off = self.phones.iter().any(|phone| phone.is_cut_off);
        let Some(reference) = self.replica_or_off(self.reference()) else {
            return false;
        };
        let roster = reference.roster();
        let is_void = |invite| roster.invites_of(invite).all(|invite| invite.is_revoked);
        let mut of_device = self.phones.iter().filter(|it| it.keys.device() == *device);
        is_somebody_cut_off
            && !roster.knows(device)
            && of_device.any(|phone| phone.invite.is_some_and(is_void))
    }

    pub(super) fn invite_by(&mut self, index: usize) -> Outcome {
        let spaces = self.spaces.clone();
        let (Some(space), Some(role)) = (self.pick(&spaces), self.random_role()) else {
            return Ok(());
        };
        let is_of_all = role == Role::Coordinator || self.rng.random_ratio(1, 6);
        let scope = if is_of_all {
            Scope::Community
        } else {
            Scope::Space(space)
        };
        let now = self.now;
        let phone = self.phone(index);
        let invited = phone.with(now, |replica, moment| {
            replica.invite(scope, role, 1, moment)
        });
        let has_faults = phone.has_faults;
        self.after(index)?;
        let ticket = match invited {
            None | Some(Err(ReplicaError::NotAllowed { .. })) => return Ok(()),
            Some(Err(ReplicaError::Store(_))) if has_faults => return Ok(()),
            Some(Err(error)) => {
                return super::broken!("phone {index} could not invite: {error}");
            }
            Some(Ok(ticket)) => ticket,
        };
        let number = self.phones.len();
        self.tell(format!(
            "  phone {index} invites phone {number} as {role} of {scope:?}"
        ));
        let (keys, mut rng) = identity(self.seed, number as u64);
        let (store, disk) = on_disk(MemoryStore::new());
        let signer = Arc::clone(&keys) as Arc<dyn Signer>;
        let moment = &mut sync_core::peer::moment(sync_core::id::Millis(now), &mut rng);
        let name = format!("{CANARY}陈小明{number}");
        let replica = Replica::join(store, signer, &ticket, &name, moment)
            .map_err(|error| Broken(format!("joining failed: {error}")))?;
        let mut phone = Phone::new(
            keys,
            rng,
            Life::On {
                replica: Box::new(replica),
                disk,
            },
        );
        phone.is_steward = role >= Role::Lead;
        phone.sponsors.insert(index);
        phone.invite = Some(ticket.invite());
        self.phones.push(phone);
        if self.oracle.is_cut_off(index) {
            self.oracle.cut_off(number);
        }
        // Mostly they meet at once: the joiner scans the ticket off the lead's phone.
        if self.rng.random_ratio(3, 4) {
            self.dial(number, Node::Phone(index))?;
        }
        self.pump_news(index)
    }

    fn random_role(&mut self) -> Option<Role> {
        use Role::{Coordinator, Lead, Observer, Volunteer};
        self.pick(&[
            Volunteer,
            Volunteer,
            Volunteer,
            Volunteer,
            Lead,
            Lead,
            Observer,
            Coordinator,
        ])
    }
}
