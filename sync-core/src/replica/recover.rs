//! The recovery sheet: a community is taken up again when its owners' devices are lost.
//!
//! The sheet is an invitation that was never given away: who joins with it stands above all owners.

use std::sync::Arc;

use minicbor::bytes::ByteArray;

use crate::id::LaneId;
use crate::keys::{DeviceKeys, Signer};
use crate::replica::found::{begin_store, first_batch, join_with, put_cbor};
use crate::replica::mind::{HeldSheet, HeldTicket, Mind, meta};
use crate::replica::{Ingested, Moment, Replica, ReplicaError};
use crate::roster::recovery::RecoverySheet;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::Recipient;
use crate::store::{Store, StoreTx};

impl Replica {
    /// Takes the community up again in an empty store, as somebody new. The first sync presents it.
    ///
    /// # Errors
    /// [`ReplicaError::NotEmpty`]; the keys' and the store's.
    pub fn recover(
        mut store: Box<dyn Store>,
        signer: Arc<dyn Signer>,
        sheet: &RecoverySheet,
        name: &str,
        moment: &mut Moment<'_>,
    ) -> Result<Self, ReplicaError> {
        let keys = sheet.keys();
        let (community, relays) = (sheet.community, &sheet.relays);
        let join = join_with(&keys, &community, &*signer)?;
        let mut tx = store.begin()?;
        let incarnation = begin_store(&mut *tx, community.as_bytes(), relays, name, moment)?;
        let join = first_batch(&mut *tx, &*signer, incarnation, &community, &join, moment)?;
        let held = HeldTicket {
            secret: ByteArray::from([0; 16]),
            scope: Scope::Community,
            join: join.into(),
            sheet: Some(HeldSheet::new(&keys)),
        };
        put_cbor(&mut *tx, meta::TICKET, &held)?;
        let mind = Mind::load(&*tx, signer)?.ok_or(ReplicaError::NoCommunity)?;
        tx.commit()?;
        Ok(Self::new(store, mind))
    }

    /// Takes the community up again on a device that has its data; what its sheet opens is shown.
    ///
    /// # Errors
    /// [`ReplicaError::WrongRecoveryKey`] if the community has another sheet; the keys' and the store's.
    pub fn take_up(
        &mut self,
        secret: &[u8; 16],
        moment: &mut Moment<'_>,
    ) -> Result<Ingested, ReplicaError> {
        let keys = DeviceKeys::derive_for_recovery(secret);
        self.act(|tx, mind| {
            if mind.roster.invites_of(keys.invite()).next().is_none() {
                return Err(ReplicaError::WrongRecoveryKey);
            }
            if mind.roster.role_in(&mind.us, &Scope::Community) != Some(Role::Recovered) {
                let join = join_with(&keys, &mind.community, &*mind.signer)?;
                let change = mind.say(tx, &join)?;
                mind.follow_roster(tx, &change)?;
            }
            let opened = mind.open_with(tx, &keys)?;
            mind.keep_house(tx, moment)?;
            Ok(opened)
        })
    }

    /// Forgets what opens with the recovery sheet, once this device has copies of all keys of its own.
    ///
    /// # Errors
    /// The store's.
    pub fn put_sheet_away(&mut self) -> Result<(), ReplicaError> {
        let ticket = self.mind.ticket.as_ref();
        if ticket.is_none_or(|ticket| ticket.sheet.is_none()) || !self.mind.has_copies() {
            return Ok(());
        }
        self.act(|tx, mind| {
            let Some(ticket) = &mut mind.ticket else {
                return Ok(());
            };
            ticket.sheet = None;
            put_cbor(tx, meta::TICKET, ticket)
        })
    }
}

impl Mind {
    /// Opens with the sheet's keys what it opens, and what waited for that; the sheet is not kept.
    fn open_with(
        &mut self,
        tx: &mut dyn StoreTx,
        sheet: &DeviceKeys,
    ) -> Result<Ingested, ReplicaError> {
        let held = HeldTicket {
            secret: ByteArray::from([0; 16]),
            scope: Scope::Community,
            join: Vec::new().into(),
            sheet: Some(HeldSheet::new(sheet)),
        };
        let kept = self.ticket.replace(held);
        let opened = self.open_all(tx);
        self.ticket = kept;
        opened
    }

    /// Whether every key that we write or read with is sealed to this very device.
    fn has_copies(&self) -> bool {
        let us = Recipient::Device(self.us);
        let is_ours = |space: &LaneId| {
            let keys = self.keys_to_share(space);
            let mut infos = keys
                .iter()
                .map(|key| self.roster.epochs().get(&(*space, key.id())));
            !keys.is_empty()
                && infos.all(|info| info.is_some_and(|info| info.sealed.contains_key(&us)))
        };
        let lanes = self.roster.lanes_of(&self.us);
        let mut spaces = lanes.iter().filter(|lane| **lane != self.roster_lane);
        !lanes.is_empty() && spaces.all(is_ours)
    }
}
