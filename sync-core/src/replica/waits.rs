//! Reading keys that this device lacks, and whose device can give them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::id::{DeviceId, EpochId, LaneId, MemberId};
use crate::replica::{Replica, ReplicaError};
use crate::roster::role::Role;
use crate::roster::statement::Recipient;

/// A space of which a reading key is not here yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyWait {
    /// The space, by name.
    pub space: String,
    /// Who can give it: their device does so by itself at its next sync.
    pub from: Vec<KeyGiver>,
}

/// A member whose device hands keys on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyGiver {
    /// The member's id.
    pub member: String,
    /// Their name; none while it cannot be read, which takes a key too.
    pub name: Option<String>,
    /// Their highest role in the space, in words.
    pub role: String,
    /// It is this device's own member, with another device.
    pub is_self: bool,
}

impl Replica {
    /// Spaces of this device in which something waits for a key, or nothing can be written, and the
    /// members whose devices can give it, the highest role first.
    ///
    /// # Errors
    /// The store's.
    pub fn key_waits(&self) -> Result<Vec<KeyWait>, ReplicaError> {
        let mind = &self.mind;
        if !mind.roster.devices().contains_key(&mind.us) {
            return Ok(Vec::new());
        }
        let mut lacking: BTreeMap<LaneId, BTreeSet<EpochId>> = mind
            .own_lanes()
            .into_iter()
            .filter(|lane| *lane != mind.roster_lane && mind.key_to_write(lane).is_none())
            .map(|lane| (lane, mind.roster.usable_epochs(&lane)))
            .map(|(lane, epochs)| (lane, epochs.into_iter().collect()))
            .collect();
        for (epoch, _) in self.store.waited_for()? {
            let spaces = mind.roster.epochs().keys().filter(|(_, id)| *id == epoch);
            for (space, _) in spaces {
                lacking.entry(*space).or_default().insert(epoch);
            }
        }
        let waits = lacking.into_iter().map(|(space, epochs)| KeyWait {
            space: self.space_name(&space),
            from: self.givers(&space, &epochs),
        });
        Ok(waits.collect())
    }

    /// Those who hand keys of a space on (leads, and a member to their own further devices) and have
    /// one of these; all of them if the roster does not tell who has.
    fn givers(&self, space: &LaneId, epochs: &BTreeSet<EpochId>) -> Vec<KeyGiver> {
        let roster = &self.mind.roster;
        let us = roster.member_id(&self.mind.us);
        let mut able: BTreeMap<MemberId, Role> = BTreeMap::new();
        let mut holding: BTreeSet<MemberId> = BTreeSet::new();
        for (device, row) in roster.devices() {
            let role = roster.role_in_space(device, space);
            let Some(role) = role.filter(|_| *device != self.mind.us) else {
                continue;
            };
            let hands_on =
                role >= Role::Lead || (us == Some(row.member) && role >= Role::Volunteer);
            if hands_on {
                able.insert(row.member, role);
                if self.has_key(device, space, epochs) {
                    holding.insert(row.member);
                }
            }
        }
        if !holding.is_empty() {
            able.retain(|member, _| holding.contains(member));
        }
        let mut able: Vec<(MemberId, Role)> = able.into_iter().collect();
        able.sort_by_key(|(member, role)| (us != Some(*member), Reverse(*role)));
        let givers = able.into_iter().map(|(member, role)| KeyGiver {
            member: member.to_string(),
            name: self.readable_name(&member),
            role: role.name().to_owned(),
            is_self: us == Some(member),
        });
        givers.collect()
    }

    fn has_key(&self, device: &DeviceId, space: &LaneId, epochs: &BTreeSet<EpochId>) -> bool {
        let known = epochs.iter();
        known
            .filter_map(|epoch| self.mind.roster.epochs().get(&(*space, *epoch)))
            .any(|info| info.sealed.contains_key(&Recipient::Device(*device)))
    }

    fn readable_name(&self, member: &MemberId) -> Option<String> {
        let row = self.mind.roster.members().get(member)?;
        self.mind.open_text(row.name.as_ref()?)
    }
}
