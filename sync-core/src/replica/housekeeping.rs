//! What a device does by itself when the roster changes: says its name, confirms joins, hands on keys.

use std::collections::BTreeSet;

use crate::epoch::EpochKey;
use crate::id::{DeviceId, EpochId, LaneId};
use crate::keys::SealingKey;
use crate::replica::mind::{Mind, meta};
use crate::replica::{Moment, ReplicaError};
use crate::roster::role::Role;
use crate::roster::statement::{Confirm, Epoch, Recipient, Statement};
use crate::store::StoreTx;

impl Mind {
    pub(super) fn keep_house(
        &mut self,
        tx: &mut dyn StoreTx,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        let Some(device) = self.roster.devices().get(&self.us) else {
            return Ok(());
        };
        let member = device.member;
        let is_named = self
            .roster
            .members()
            .get(&member)
            .is_some_and(|m| m.name.is_some());
        if !is_named && self.key_to_write(&self.commons).is_some() {
            let name = tx.meta(meta::NAME)?.unwrap_or_default();
            self.say_name(tx, &String::from_utf8_lossy(&name), moment)?;
        }
        let confirms: Vec<Statement> = self
            .roster
            .to_confirm(&self.us)
            .into_iter()
            .map(|join| Statement::Confirm(Confirm { join }))
            .collect();
        self.say_all(tx, &confirms)?;
        for space in self.roster.lanes_of(&self.us) {
            if space != self.roster_lane {
                self.hand_on_keys(tx, space, moment)?;
            }
        }
        Ok(())
    }

    /// Mints a key where none may be written with, or where keys of removed members lie loose, and seals
    /// ours to readers who lack it.
    fn hand_on_keys(
        &mut self,
        tx: &mut dyn StoreTx,
        space: LaneId,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        if !self.roster.may_write(&self.us, &space) {
            return Ok(());
        }
        let ours: Vec<EpochKey> = self.keys_to_share(&space).into_iter().cloned().collect();
        if ours.is_empty() {
            return Ok(());
        }
        // One lead is enough to hand keys on; everybody doing it would say the same many times. A member's
        // further devices get them from the member.
        let role = self.roster.role_in_space(&self.us, &space);
        let is_lead = role.is_some_and(|role| role >= Role::Lead);
        let has_strays = is_lead && self.has_loose_strays(&space);
        if has_strays || self.key_to_write(&space).is_none() {
            let key = EpochKey::generate(moment.rng);
            let older: Vec<&EpochKey> = ours.iter().collect();
            let epoch = self.seal_epoch(space, &key, &older, moment.rng)?;
            self.keyring.insert(key);
            self.save_keys(tx)?;
            self.say(tx, &Statement::Epoch(epoch))?;
            return Ok(());
        }
        let mut statements = Vec::new();
        for key in &ours {
            let mut lacking = self.readers_without(&space, &key.id());
            if !is_lead {
                lacking.retain(|(recipient, _)| self.is_own_device(recipient));
            }
            if lacking.is_empty() {
                continue;
            }
            let keys = self.seal_to(key, lacking.iter().map(|(to, key)| (to, *key)), moment.rng)?;
            statements.push(Statement::Epoch(Epoch {
                space,
                epoch: key.id(),
                keys,
                older: Vec::new(),
            }));
        }
        self.say_all(tx, &statements)?;
        Ok(())
    }

    fn is_own_device(&self, recipient: &Recipient) -> bool {
        let Recipient::Device(device) = recipient else {
            return false;
        };
        let owner = |device| self.roster.member_id(device);
        owner(device).is_some() && owner(device) == owner(&self.us)
    }

    /// Readers that an epoch key was not sealed to, neither directly nor by the invite they came with.
    fn readers_without(&self, space: &LaneId, epoch: &EpochId) -> Vec<(Recipient, SealingKey)> {
        let Some(info) = self.roster.epochs().get(&(*space, *epoch)) else {
            return Vec::new();
        };
        let invited: BTreeSet<DeviceId> = self
            .roster
            .invites()
            .values()
            // Whoever came by the recovery sheet does not keep what opens with it.
            .filter(|invite| invite.role != Role::Recovered)
            .filter(|invite| info.sealed.contains_key(&Recipient::Invite(invite.id)))
            .flat_map(|invite| invite.joins.values().map(|join| join.device))
            .collect();
        self.roster
            .readers(space)
            .into_iter()
            .filter(|(recipient, _)| !info.sealed.contains_key(recipient))
            .filter(|(recipient, _)| match recipient {
                Recipient::Device(device) => !invited.contains(device),
                Recipient::Invite(_) => true,
            })
            .collect()
    }
}
