//! A member's devices: a further one is added from one that they have, with no relay at hand.

use std::sync::Arc;

use crate::entry::seal::seal_text;
use crate::id::DeviceId;
use crate::keys::Signer;
use crate::replica::found::begin_store;
use crate::replica::mind::Mind;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::roster::pairing::{DeviceAnswer, DeviceInvitation};
use crate::roster::statement::{AddDevice, Statement};
use crate::store::Store;

/// A device of this device's member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// Its id.
    pub id: DeviceId,
    /// What its owner calls it; none for a first device, or while it cannot be read.
    pub label: Option<String>,
    /// Whether it is this one.
    pub is_this: bool,
    /// Whether it was removed.
    pub is_removed: bool,
    /// Whether it was removed and has said that it has erased what it had.
    pub has_left: bool,
}

impl Replica {
    /// What a new device needs to know to become one of this device's member.
    ///
    /// # Errors
    /// [`ReplicaError::NotYetJoined`] or [`ReplicaError::Removed`].
    pub fn device_invitation(&self) -> Result<DeviceInvitation, ReplicaError> {
        self.mind.require_member()?;
        let member = self.mind.roster.member_id(&self.mind.us);
        Ok(DeviceInvitation {
            community: self.mind.community,
            member: member.ok_or(ReplicaError::NotYetJoined)?,
            relays: self.mind.relays.clone(),
        })
    }

    /// Begins the store of a further device; its answer must come to the device that invited it.
    ///
    /// # Errors
    /// [`ReplicaError::NotEmpty`]; the keys' and the store's.
    pub fn join_as_device(
        mut store: Box<dyn Store>,
        signer: Arc<dyn Signer>,
        invitation: &DeviceInvitation,
        label: &str,
        moment: &mut Moment<'_>,
    ) -> Result<(Self, DeviceAnswer), ReplicaError> {
        let answer = DeviceAnswer::new(invitation, &*signer, label)?;
        let community = &invitation.community;
        let mut tx = store.begin()?;
        begin_store(
            &mut *tx,
            community.as_bytes(),
            &invitation.relays,
            "",
            moment,
        )?;
        let mind = Mind::load(&*tx, signer)?.ok_or(ReplicaError::NoCommunity)?;
        tx.commit()?;
        Ok((Self::new(store, mind), answer))
    }

    /// Adds a device that has answered, and hands it the reading keys; says whether it is new.
    ///
    /// # Errors
    /// [`ReplicaError::WrongAnswer`] if it is for another member or somebody else's device; the store's.
    pub fn add_device(
        &mut self,
        answer: &DeviceAnswer,
        moment: &mut Moment<'_>,
    ) -> Result<bool, ReplicaError> {
        self.act(|tx, mind| {
            mind.require_member()?;
            let member = mind.roster.member_id(&mind.us);
            let member = member.ok_or(ReplicaError::NotYetJoined)?;
            match mind.roster.devices().get(&answer.device) {
                Some(known) if known.member == member => return Ok(false),
                Some(_) => return Err(ReplicaError::WrongAnswer),
                None => {}
            }
            let key = mind.key_to_write(&mind.commons);
            let key = key.ok_or(ReplicaError::NoKey)?;
            let add = AddDevice {
                device: answer.device,
                sealing: answer.sealing,
                proof: answer.proof.clone(),
                label: seal_text(&mind.us, key, &answer.label, moment.rng).into(),
            };
            let is_ours = answer.community == mind.community;
            if !is_ours || !add.is_proved(&mind.community, &member) {
                return Err(ReplicaError::WrongAnswer);
            }
            mind.say(tx, &Statement::AddDevice(add))?;
            if mind.roster.member_id(&answer.device) != Some(member) {
                return Err(ReplicaError::WrongAnswer);
            }
            mind.keep_house(tx, moment)?;
            Ok(true)
        })
    }

    /// The devices of this device's member, in the order of their ids.
    #[must_use]
    pub fn devices(&self) -> Vec<DeviceView> {
        let roster = &self.mind.roster;
        let member = roster.member_id(&self.mind.us);
        let member = member.and_then(|member| roster.members().get(&member));
        let ids = member
            .into_iter()
            .flat_map(|member| member.devices.iter().chain(&member.removed_devices));
        ids.map(|id| DeviceView {
            id: *id,
            label: self.label_of(id),
            is_this: *id == self.mind.us,
            is_removed: !roster.devices().contains_key(id),
            has_left: roster.has_left(id),
        })
        .collect()
    }

    fn label_of(&self, device: &DeviceId) -> Option<String> {
        let said = self.mind.book.statements();
        said.filter_map(|said| {
            let Statement::AddDevice(add) = &said.statement else {
                return None;
            };
            let owner = |device| self.mind.roster.member_id(device);
            let is_theirs = add.device == *device && owner(&said.author) == owner(device);
            is_theirs.then(|| (said.author, add.label.to_vec()))
        })
        .find_map(|sealed| self.mind.open_text(&sealed))
        .filter(|label| !label.is_empty())
    }
}
