//! What a removed device does: it hands over what it had not sent, erases all that it could read,
//! and says so.
//!
//! Nothing is erased before the other side has it. Each step may be cut off and is done again at the
//! next start: records and keys leave the store in one transaction, with a mark of how far it has
//! come; then the sealing key is destroyed and the file scrubbed; only then the device gives its word.
//! The roster stays, in which it finds why it was removed; names in it do not open any more.

use std::sync::Arc;

use serde::Serialize;

use crate::entry::VerifiedBatch;
use crate::id::{Arrival, StoreId};
use crate::replica::found::random;
use crate::replica::mind::{LANE_STEP_BYTES, Mind, meta};
use crate::replica::rebirth::orphans;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::roster::statement::{Erased, Statement, StatementId, Target};
use crate::store::{HeldRow, StoreError, StoreRead, StoreTx};

/// How far a removed device has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Farewell {
    /// Records and keys have left the store; the file may still show them.
    Erasing,
    /// Nothing is left, and the device has said so.
    Erased,
    /// Its word has reached a relay or a member.
    Confirmed,
}

impl Farewell {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [1] => Some(Self::Erasing),
            [2] => Some(Self::Erased),
            [3] => Some(Self::Confirmed),
            _ => None,
        }
    }

    fn put(self, tx: &mut dyn StoreTx) -> Result<(), StoreError> {
        let byte = match self {
            Self::Erasing => 1,
            Self::Erased => 2,
            Self::Confirmed => 3,
        };
        tx.put_meta(meta::FAREWELL, &[byte])
    }

    pub(super) fn read(store: &dyn StoreRead) -> Result<Option<Self>, StoreError> {
        let bytes = store.meta(meta::FAREWELL)?;
        let damaged = || StoreError::Corrupt {
            what: "a setting",
            place: meta::FAREWELL.to_owned(),
        };
        bytes
            .map(|bytes| Self::from_bytes(&bytes).ok_or_else(damaged))
            .transpose()
    }
}

impl Replica {
    /// How far this device has come in leaving; none for one that still has its records.
    #[must_use]
    pub fn farewell(&self) -> Option<Farewell> {
        self.mind.farewell
    }

    /// Whether this device, which was removed, has something to do yet: hand over, erase or confirm.
    ///
    /// # Errors
    /// The store's.
    pub fn is_leaving(&self) -> Result<bool, ReplicaError> {
        let is_through = self.mind.farewell == Some(Farewell::Confirmed);
        Ok(self.is_removed() && !is_through && !self.has_unsealed()?)
    }

    /// Whether edits of this device cannot be sealed, so that nobody else can have them.
    fn has_unsealed(&self) -> Result<bool, ReplicaError> {
        Ok(!self.store.pending()?.is_empty() || !orphans(&*self.store)?.is_empty())
    }

    /// Goes on leaving, after the other side has all that this device had. Says whether the store has
    /// begun anew, so that sessions must too.
    ///
    /// # Errors
    /// The store's and the key store's; then the next time goes on where this one stopped.
    pub fn leave(&mut self, moment: &mut Moment<'_>) -> Result<bool, ReplicaError> {
        if !self.is_leaving()? {
            return Ok(false);
        }
        match self.mind.farewell {
            None => self.erase_all(moment)?,
            Some(Farewell::Erasing) => {}
            Some(Farewell::Erased) => {
                self.act(|tx, mind| mind.put_farewell(tx, Farewell::Confirmed))?;
                return Ok(false);
            }
            Some(Farewell::Confirmed) => return Ok(false),
        }
        let signer = Arc::clone(&self.mind.signer);
        signer.destroy_sealing_key()?;
        self.store.scrub()?;
        self.act(|tx, mind| {
            let statement = mind.own_removal();
            let statement = statement.ok_or(ReplicaError::NothingToRevoke)?;
            mind.say(tx, &Statement::Erased(Erased { statement }))?;
            mind.put_farewell(tx, Farewell::Erased)
        })?;
        Ok(true)
    }

    fn erase_all(&mut self, moment: &mut Moment<'_>) -> Result<(), ReplicaError> {
        self.act(|tx, mind| mind.begin_without_records(tx, moment))?;
        // What the old store told must not be remembered either.
        self.is_stale = true;
        self.refresh()?;
        Ok(())
    }
}

impl Mind {
    fn put_farewell(&mut self, tx: &mut dyn StoreTx, now: Farewell) -> Result<(), ReplicaError> {
        now.put(tx)?;
        self.farewell = Some(now);
        Ok(())
    }

    /// The store begins a new life, in which there is nothing but the roster.
    fn begin_without_records(
        &self,
        tx: &mut dyn StoreTx,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        let batches = self.roster_batches(tx)?;
        let mut held: Vec<HeldRow> = tx.held()?;
        held.retain(|row| row.entry.log.lane == self.roster_lane);
        let mut kept = Vec::new();
        for key in [meta::COMMUNITY, meta::INCARNATION, meta::RELAYS] {
            kept.extend(tx.meta(key)?.map(|value| (key, value)));
        }
        tx.clear()?;
        for (key, value) in kept {
            tx.put_meta(key, &value)?;
        }
        let store = StoreId::new(random(moment));
        tx.put_meta(meta::STORE, store.as_bytes())?;
        Farewell::Erasing.put(tx)?;
        for (batch, is_branch) in batches {
            if is_branch {
                tx.append_branch(&batch, None)?;
            } else {
                tx.append(&batch, None)?;
            }
        }
        held.iter().try_for_each(|row| tx.put_held(row))?;
        Ok(())
    }

    /// The roster's batches as they arrived, and whether they lie on a losing branch.
    fn roster_batches(
        &self,
        tx: &dyn StoreTx,
    ) -> Result<Vec<(Arc<VerifiedBatch>, bool)>, StoreError> {
        let last = tx.last_arrival()?;
        let mut after = Arrival::default();
        let mut batches = Vec::new();
        loop {
            let step = tx.stretch(&self.roster_lane, after, last, LANE_STEP_BYTES)?;
            let Some(newest) = step.last() else {
                return Ok(batches);
            };
            after = newest.arrival;
            let step = step.into_iter();
            batches.extend(step.map(|carried| (carried.batch, carried.is_branch)));
        }
    }

    /// A revocation that counts and took this device's rights: its member's or its own, else one of
    /// what gave them.
    fn own_removal(&self) -> Option<StatementId> {
        let member = self.roster.member_id(&self.us);
        let is_ours = |target: &Target| match target {
            Target::Member(target) => Some(*target) == member,
            Target::Device(device) => *device == self.us,
            Target::Grant(source) => member.is_some() && self.given_to(source) == member,
            Target::Invite(_) => false,
        };
        let counting = self.roster.revocations();
        let said = self.book.statements().find(|said| {
            matches!(&said.statement, Statement::Revoke(revoke) if is_ours(&revoke.target))
                && counting.contains(&said.id)
        });
        said.map(|said| said.id)
            .or_else(|| counting.first().copied())
    }
}
