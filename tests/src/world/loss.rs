//! Keys that are lost, and a community that is taken up again with its recovery sheet.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::RngExt;
use sync_core::id::Millis;
use sync_core::keys::Signer;
use sync_core::replica::Replica;
use sync_core::roster::recovery::RecoverySheet;
use sync_core::store::MemoryStore;

use super::net::Node;
use super::oracle::CANARY;
use super::phone::{Life, Phone, identity, on_disk};
use super::{Broken, Outcome, World};

/// How long whoever has the sheet waits for the relay before they cut the owner off.
const PATIENCE_MILLIS: i64 = 120_000;

impl World {
    /// A phone is lost with its keys. Whoever may cuts it off, and its owner comes back as somebody new.
    pub(super) fn lose_keys(&mut self) -> Outcome {
        let members = self.members_on();
        let target = self.rng.random_range(1..self.phones.len());
        let lost = self.phone(target);
        let is_kept = lost.is_steward || lost.is_lost || target <= 1;
        let others: Vec<usize> = members.into_iter().filter(|it| *it != target).collect();
        let (Some(index), false) = (self.pick(&others), is_kept) else {
            return Ok(());
        };
        if self.siblings_of(target).len() > 1 {
            return Ok(());
        }
        self.crash(target)?;
        self.tell(format!("  phone {target} is lost with its keys"));
        self.summary.losses += 1;
        self.phone(target).is_lost = true;
        self.oracle.cut_off(target);
        self.revoke(index, target)?;
        if self.phone(index).is_on() {
            self.invite_by(index)?;
        }
        Ok(())
    }

    /// Whoever has the paper takes the community up on a new phone and cuts off the owner.
    pub(super) fn recover(&mut self) -> Outcome {
        if !self.has_recovery || self.heir.is_some() || self.hub.device_if_on().is_none() {
            return Ok(());
        }
        let Some(secret) = self.sheet else {
            return Ok(());
        };
        let community = self.replica_or_off(0).map(Replica::community);
        let Some(community) = community.filter(|_| !self.phone(0).has_faults) else {
            return Ok(());
        };
        let sheet = RecoverySheet {
            community,
            secret: secret.into(),
            relays: Vec::new(),
        };
        // What nobody else has of the owner's would not count.
        self.dial(0, Node::Relay)?;
        let until = self.now + PATIENCE_MILLIS;
        self.flow(until)?;
        let number = self.phones.len();
        self.tell(format!("  phone {number} takes the community up again"));
        let (keys, mut rng) = identity(self.seed, number as u64);
        let (store, disk) = on_disk(MemoryStore::new());
        let signer = Arc::clone(&keys) as Arc<dyn Signer>;
        let moment = &mut sync_core::peer::moment(Millis(self.now), &mut rng);
        let name = format!("{CANARY}李芳{number}");
        let replica = Replica::recover(store, signer, &sheet, &name, moment)
            .map_err(|error| Broken(format!("recovering failed: {error}")))?;
        let life = Life::On {
            replica: Box::new(replica),
            disk,
        };
        let mut phone = Phone::new(keys, rng, life);
        phone.is_steward = true;
        self.phones.push(phone);
        self.heir = Some(number);
        self.summary.recoveries += 1;
        self.dial(number, Node::Relay)?;
        let until = self.now + PATIENCE_MILLIS;
        self.flow(until)?;
        self.revoke(number, 0)
    }

    /// The phone that belongs whatever happens.
    pub(super) fn reference(&self) -> usize {
        let is_in = |heir: &usize| {
            self.replica(*heir)
                .is_ok_and(|replica| replica.roster().devices().contains_key(&replica.device()))
        };
        self.heir.filter(is_in).unwrap_or(0)
    }

    /// All whose rights come from a phone, by whatever way, and that phone.
    pub(super) fn followers_of(&self, target: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([target]);
        loop {
            let phones = self.phones.iter().enumerate();
            let fresh = phones.filter(|(number, phone)| {
                !found.contains(number) && !phone.sponsors.is_disjoint(&found)
            });
            let fresh: Vec<usize> = fresh.map(|(number, _)| number).collect();
            if fresh.is_empty() {
                return found;
            }
            found.extend(fresh);
        }
    }
}
