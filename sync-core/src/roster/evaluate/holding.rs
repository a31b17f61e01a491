//! One right of one member: on which of their devices it holds, and where it ended.
//!
//! A member's first device adds further ones, those add others. Devices are taken layer by layer, by
//! how many steps they are from the first: who was added earlier may remove who came later, and each
//! device itself, never the other way. So a stolen second phone cannot remove the first.

use std::collections::BTreeMap;

use crate::id::{DeviceId, MemberId};
use crate::keys::SealingKey;
use crate::roster::cutoff::{Cutoff, Standing};
use crate::roster::evaluate::Evaluation;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{Revoke, Statement, StatementId, Target};
use crate::roster::{Device, Said};

/// Where a right comes from, while it is settled.
pub(super) struct Holding {
    pub(super) member: MemberId,
    pub(super) scope: Scope,
    pub(super) role: Role,
    /// What the joins and grants that gave it have become.
    pub(super) source: Standing,
}

/// Devices that are a member's, with their sealing keys.
type Layer = BTreeMap<DeviceId, SealingKey>;

/// What earlier devices say of later ones.
type Removed = BTreeMap<DeviceId, Vec<(StatementId, Cutoff)>>;

impl<'a> Evaluation<'a> {
    /// Gives the right to the member's devices.
    pub(super) fn settle(&mut self, holding: &Holding) {
        let Some((first, sealing)) = self.roots.get(&holding.member).copied() else {
            return;
        };
        let mut removed = Removed::new();
        let mut layer = Layer::from([(first, sealing)]);
        while !layer.is_empty() {
            for (id, sealing) in &layer {
                let mut standing = self.standing(holding, id);
                for (statement, cutoff) in removed.remove(id).unwrap_or_default() {
                    self.roster.revocations.insert(statement);
                    standing.end(cutoff);
                }
                self.proofs.prepare(&standing);
                // Of itself it speaks as long as nobody has cut it off: it cannot move that cut.
                for (statement, cutoff) in self.own_removals(holding, id, &standing) {
                    self.roster.revocations.insert(statement);
                    standing.end(cutoff);
                }
                self.proofs.prepare(&standing);
                self.put(holding, *id, *sealing, standing);
            }
            for id in layer.keys() {
                self.hear_removals(holding, id, &mut removed);
            }
            layer = self.next_layer(holding, &layer);
        }
    }

    /// What higher ranks have made of the right on one device.
    fn standing(&mut self, holding: &Holding, device: &DeviceId) -> Standing {
        let mut standing = holding.source.clone();
        let of_member = self.revoked_members.get(&holding.member);
        let of_device = self.revoked_devices.get(device);
        for revocation in of_member.into_iter().chain(of_device).flatten() {
            // Of a member's own devices the layers decide.
            if revocation.reaches(&holding.scope, holding.role)
                && revocation.member != holding.member
            {
                let cutoff = Cutoff::of_device(revocation.revoke, revocation.rank, device);
                self.roster.revocations.insert(revocation.id);
                standing.end(cutoff);
            }
        }
        standing
    }

    /// The cut-offs that a device said of itself.
    fn own_removals(
        &self,
        holding: &Holding,
        by: &DeviceId,
        standing: &Standing,
    ) -> Vec<(StatementId, Cutoff)> {
        let said = self.said_by(by).iter();
        said.filter(|said| self.proofs.counts(said, standing))
            .filter_map(|said| {
                let revoke = removal_of(said, |target| target == by)?;
                Some((said.id, Cutoff::of_device(revoke, holding.role, by)))
            })
            .collect()
    }

    /// What a device says of those that are not settled yet, because they were added later.
    fn hear_removals(&self, holding: &Holding, by: &DeviceId, removed: &mut Removed) {
        let key = (holding.scope, holding.role);
        for said in self.said_with(by, &key) {
            let is_later = |device: &DeviceId| !self.has_settled(device, &key);
            if let Some(revoke) = removal_of(said, is_later)
                && let Target::Device(device) = &revoke.target
            {
                let cutoff = Cutoff::of_device(revoke, holding.role, device);
                removed.entry(*device).or_default().push((said.id, cutoff));
            }
        }
    }

    /// Devices that those of a layer add, each with its own agreement.
    fn next_layer(&mut self, holding: &Holding, layer: &Layer) -> Layer {
        let key = (holding.scope, holding.role);
        let mut next = Layer::new();
        for by in layer.keys() {
            let said: Vec<&Said> = self.said_with(by, &key).collect();
            for said in said {
                let Statement::AddDevice(add) = &said.statement else {
                    continue;
                };
                if self.has_settled(&add.device, &key) || next.contains_key(&add.device) {
                    continue;
                }
                let is_theirs = match self.roster.devices.get(&add.device) {
                    Some(known) => known.member == holding.member,
                    None => add.is_proved(&self.roster.community, &holding.member),
                };
                if is_theirs {
                    self.counted.insert(said.id);
                    next.insert(add.device, add.sealing);
                }
            }
        }
        next
    }

    /// What a device said while it had the right.
    fn said_with(
        &self,
        by: &DeviceId,
        key: &(Scope, Role),
    ) -> impl Iterator<Item = &'a Said> + use<'_, 'a> {
        let standing = self.roster.devices.get(by);
        let standing = standing.and_then(|device| device.rights.get(key));
        let said = standing.map(|standing| (standing, self.said_by(by)));
        said.into_iter().flat_map(move |(standing, said)| {
            let counts = move |said: &&'a Said| self.proofs.counts(said, standing);
            said.iter().copied().filter(counts)
        })
    }

    fn has_settled(&self, device: &DeviceId, key: &(Scope, Role)) -> bool {
        let device = self.roster.devices.get(device);
        device.is_some_and(|device| device.rights.contains_key(key))
    }

    fn put(&mut self, holding: &Holding, id: DeviceId, sealing: SealingKey, standing: Standing) {
        let device = self.roster.devices.entry(id).or_insert_with(|| Device {
            member: holding.member,
            sealing,
            rights: BTreeMap::new(),
        });
        device
            .rights
            .insert((holding.scope, holding.role), standing);
    }
}

/// The revocation in a statement, if it is of a device that is meant.
fn removal_of(said: &Said, is_meant: impl Fn(&DeviceId) -> bool) -> Option<&Revoke> {
    let Statement::Revoke(revoke) = &said.statement else {
        return None;
    };
    let Target::Device(device) = &revoke.target else {
        return None;
    };
    is_meant(device).then_some(revoke)
}
