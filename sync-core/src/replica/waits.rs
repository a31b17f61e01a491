//! Reading keys that this device lacks, and whose device can give them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::id::{LaneId, MemberId};
use crate::replica::{Replica, ReplicaError};
use crate::roster::role::Role;

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
    /// Spaces of this device in which something waits for a key, or of which it has none at all, and
    /// the members whose devices can give it, the highest role first.
    ///
    /// # Errors
    /// The store's.
    pub fn key_waits(&self) -> Result<Vec<KeyWait>, ReplicaError> {
        let mind = &self.mind;
        if !mind.roster.devices().contains_key(&mind.us) {
            return Ok(Vec::new());
        }
        let mut lacking: BTreeSet<LaneId> = mind
            .own_lanes()
            .into_iter()
            .filter(|lane| *lane != mind.roster_lane && !self.has_a_key_of(lane))
            .collect();
        for (epoch, _) in self.store.waited_for()? {
            let known = mind.roster.epochs().keys();
            let spaces = known.filter(|(_, id)| *id == epoch);
            lacking.extend(spaces.map(|(space, _)| *space));
        }
        let waits = lacking.into_iter().map(|space| KeyWait {
            space: self.space_name(&space),
            from: self.givers(&space),
        });
        Ok(waits.collect())
    }

    fn has_a_key_of(&self, space: &LaneId) -> bool {
        let mut known = self.mind.roster.epochs().keys();
        known.any(|(of, id)| of == space && self.mind.keyring.key(id).is_some())
    }

    /// Those who hand keys of a space on: leads, and a member to their own further devices.
    fn givers(&self, space: &LaneId) -> Vec<KeyGiver> {
        let roster = &self.mind.roster;
        let us = roster.member_id(&self.mind.us);
        let mut able: BTreeMap<MemberId, Role> = BTreeMap::new();
        for (device, row) in roster.devices() {
            let Some(role) = roster.role_in_space(device, space) else {
                continue;
            };
            let least = if us == Some(row.member) {
                Role::Volunteer
            } else {
                Role::Lead
            };
            if *device != self.mind.us && role >= least {
                able.insert(row.member, role);
            }
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

    fn readable_name(&self, member: &MemberId) -> Option<String> {
        let row = self.mind.roster.members().get(member)?;
        self.mind.open_text(row.name.as_ref()?)
    }
}
