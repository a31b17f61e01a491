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
use crate::roster::statement::{Statement, Target};
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

impl<'a> Evaluation<'a> {
    /// Gives the right to the member's devices.
    pub(super) fn settle(&mut self, holding: &Holding) {
        let Some((first, sealing)) = self.roots.get(&holding.member).copied() else {
            return;
        };
        let mut removed: BTreeMap<DeviceId, Standing> = BTreeMap::new();
        let mut layer = Layer::from([(first, sealing)]);
        while !layer.is_empty() {
            for (id, sealing) in &layer {
                let mut standing = self.standing(holding, id);
                if let Some(cutoff) = removed.remove(id).and_then(Standing::into_cutoff) {
                    standing.end(cutoff);
                }
                self.proofs.prepare(&standing);
                for cutoff in self.removals(holding, id, &standing, |target| target == id) {
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
    fn standing(&self, holding: &Holding, device: &DeviceId) -> Standing {
        let mut standing = holding.source.clone();
        let of_member = self.revoked_members.get(&holding.member);
        let of_device = self.revoked_devices.get(device);
        for revocation in of_member.into_iter().chain(of_device).flatten() {
            // Of a member's own devices the layers decide.
            if revocation.reaches(&holding.scope, holding.role)
                && revocation.member != holding.member
            {
                standing.end(Cutoff::of_device(
                    revocation.revoke,
                    revocation.rank,
                    device,
                ));
            }
        }
        standing
    }

    /// The cut-offs that a device said of devices of its own member, for those that are `meant`.
    fn removals(
        &self,
        holding: &Holding,
        by: &DeviceId,
        standing: &Standing,
        is_meant: impl Fn(&DeviceId) -> bool,
    ) -> Vec<Cutoff> {
        let said = self.said_by(by).iter();
        said.filter(|said| self.proofs.counts(said, standing))
            .filter_map(|said| match &said.statement {
                Statement::Revoke(revoke) => match &revoke.target {
                    Target::Device(device) if is_meant(device) => {
                        Some(Cutoff::of_device(revoke, holding.role, device))
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    /// What a device says of those that are not settled yet, because they were added later.
    fn hear_removals(
        &self,
        holding: &Holding,
        by: &DeviceId,
        removed: &mut BTreeMap<DeviceId, Standing>,
    ) {
        let key = (holding.scope, holding.role);
        for said in self.counted(by, &key) {
            if let Statement::Revoke(revoke) = &said.statement
                && let Target::Device(device) = &revoke.target
                && !self.has_settled(device, &key)
            {
                let cutoff = Cutoff::of_device(revoke, holding.role, device);
                removed.entry(*device).or_default().end(cutoff);
            }
        }
    }

    /// Devices that those of a layer add, each with its own agreement.
    fn next_layer(&mut self, holding: &Holding, layer: &Layer) -> Layer {
        let key = (holding.scope, holding.role);
        let mut next = Layer::new();
        for by in layer.keys() {
            let added = self
                .counted(by, &key)
                .filter_map(|said| match &said.statement {
                    Statement::AddDevice(add) => Some(add),
                    _ => None,
                });
            for add in added.collect::<Vec<_>>() {
                if self.has_settled(&add.device, &key) || next.contains_key(&add.device) {
                    continue;
                }
                let is_theirs = match self.roster.devices.get(&add.device) {
                    Some(known) => known.member == holding.member,
                    None => add.is_proved(&self.roster.community, &holding.member),
                };
                if is_theirs {
                    next.insert(add.device, add.sealing);
                }
            }
        }
        next
    }

    /// What a device said while it had the right.
    fn counted(
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
