//! Reading keys: opened from what the roster seals to us, minted and handed on.

use rand_core::CryptoRng;

use crate::epoch::EpochKey;
use crate::id::{EpochId, LaneId};
use crate::keys::{self, SealError, SealingKey, Secret, Signer, epoch_seal_info};
use crate::replica::mind::Mind;
use crate::roster::statement::{Epoch, KeyFor, Older, Recipient, SealedKey};

impl Mind {
    /// Opens every key that the roster seals to this device or its ticket; returns the new ones.
    pub(super) fn unlock(&mut self) -> Vec<EpochId> {
        let mut new = Vec::new();
        if self.farewell.is_some() {
            // The keys may still be in memory, and nothing is to open with them again.
            return new;
        }
        for key in self.sealed_to_us() {
            new.push(key.id());
            self.keyring.insert(key);
        }
        // Older keys lie under newer ones, layer by layer.
        loop {
            let older = self.wrapped_under_ours();
            if older.is_empty() {
                return new;
            }
            for key in older {
                new.push(key.id());
                self.keyring.insert(key);
            }
        }
    }

    fn sealed_to_us(&self) -> Vec<EpochKey> {
        let info = epoch_seal_info(&self.community);
        let invite = self.invite_keys();
        let mut found = Vec::new();
        for ((_, id), epoch) in self.roster.epochs() {
            if self.keyring.key(id).is_some() {
                continue;
            }
            let ours = epoch
                .sealed
                .get(&Recipient::Device(self.us))
                .into_iter()
                .flatten();
            let keys = ours.map(|sealed| self.signer.open(&info, sealed));
            let invited = invite.iter().flat_map(|(id, invite)| {
                let copies = epoch.sealed.get(&Recipient::Invite(*id));
                copies
                    .into_iter()
                    .flatten()
                    .map(|sealed| invite.open(&info, sealed))
            });
            found.extend(
                keys.chain(invited)
                    .filter_map(|key| checked(id, key))
                    .next(),
            );
        }
        if let Some((id, invite)) = &invite {
            let given = self.roster.invites_of(*id).flat_map(|given| &given.keys);
            let missing = given.filter(|key| self.keyring.key(&key.epoch).is_none());
            found.extend(
                missing.filter_map(|key| checked(&key.epoch, invite.open(&info, &key.sealed))),
            );
        }
        found
    }

    fn wrapped_under_ours(&self) -> Vec<EpochKey> {
        self.roster
            .epochs()
            .iter()
            .filter_map(|((_, id), epoch)| Some((self.keyring.key(id)?, epoch)))
            .flat_map(|(key, epoch)| {
                epoch
                    .older
                    .iter()
                    .filter(|(id, _)| self.keyring.key(id).is_none())
                    .filter_map(|(id, copies)| {
                        copies
                            .iter()
                            .find_map(|wrapped| key.unwrap_older(id, wrapped))
                    })
            })
            .collect()
    }

    /// Finds the key of an epoch that does not count because whoever made it was removed before: what
    /// members wrote under it until they heard of that stays readable. Nobody seals with it again.
    pub(super) fn find_stray(&mut self, space: LaneId, epoch: EpochId) -> bool {
        let is_here = self.keyring.key(&epoch).is_some();
        if self.farewell.is_some() || is_here || self.roster.epochs().contains_key(&(space, epoch))
        {
            return false;
        }
        let found = self.sealed_by_the_gone(space, epoch);
        let found = found.or_else(|| self.wrapped_by_the_gone(space, epoch));
        found.is_some_and(|key| self.keyring.insert(key))
    }

    fn sealed_by_the_gone(&self, space: LaneId, epoch: EpochId) -> Option<EpochKey> {
        let info = epoch_seal_info(&self.community);
        let invite = self.invite_keys();
        let said = self.book.epochs_of_the_gone(&self.roster, space, epoch);
        let copies = said.flat_map(|said| &said.keys);
        let mut opened = copies.filter_map(|copy| match &copy.recipient {
            Recipient::Device(device) if *device == self.us => {
                checked(&epoch, self.signer.open(&info, &copy.sealed))
            }
            Recipient::Invite(id) => {
                let (_, invite) = invite.as_ref().filter(|(ours, _)| ours == id)?;
                checked(&epoch, invite.open(&info, &copy.sealed))
            }
            Recipient::Device(_) => None,
        });
        opened.next()
    }

    fn wrapped_by_the_gone(&self, space: LaneId, epoch: EpochId) -> Option<EpochKey> {
        self.keyring.iter().find_map(|key| {
            let said = self.book.epochs_of_the_gone(&self.roster, space, key.id());
            let mut older = said.flat_map(|said| &said.older);
            older.find_map(|older| {
                let wrapped = (older.epoch == epoch).then_some(&older.wrapped)?;
                key.unwrap_older(&epoch, wrapped)
            })
        })
    }

    /// Keys of a space that are here and do not count: newcomers need them too, wrapped under one that does.
    fn strays(&self, space: LaneId) -> impl Iterator<Item = EpochId> {
        self.keyring.iter().map(EpochKey::id).filter(move |id| {
            let mut said = self.book.epochs_of_the_gone(&self.roster, space, *id);
            !self.roster.epochs().contains_key(&(space, *id)) && said.next().is_some()
        })
    }

    /// Whether a space has keys that do not count and to which none leads that does.
    pub(super) fn has_loose_strays(&self, space: &LaneId) -> bool {
        let mut shared = self.keys_to_share(space).into_iter();
        shared.any(|key| !self.roster.epochs().contains_key(&(*space, key.id())))
    }

    /// A statement that seals a key to everybody who may read the space now.
    pub(super) fn seal_epoch(
        &self,
        space: LaneId,
        key: &EpochKey,
        older: &[&EpochKey],
        rng: &mut dyn CryptoRng,
    ) -> Result<Epoch, SealError> {
        let readers = self.roster.readers(&space);
        let readers = readers
            .iter()
            .map(|(recipient, sealing)| (recipient, *sealing));
        Ok(Epoch {
            space,
            epoch: key.id(),
            keys: self.seal_to(key, readers, rng)?,
            older: older
                .iter()
                .map(|older| Older {
                    epoch: older.id(),
                    wrapped: key.wrap(older).into(),
                })
                .collect(),
        })
    }

    pub(super) fn seal_to<'r>(
        &self,
        key: &EpochKey,
        readers: impl Iterator<Item = (&'r Recipient, SealingKey)>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<KeyFor>, SealError> {
        let info = epoch_seal_info(&self.community);
        let mut sealed = Vec::new();
        for (recipient, sealing) in readers {
            match keys::seal_key(&sealing, &info, key.secret(), rng) {
                Ok(bytes) => sealed.push(KeyFor {
                    recipient: recipient.clone(),
                    sealed: bytes.into(),
                }),
                // Somebody's own useless key must not keep the others from reading.
                Err(SealError::BadKey) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sealed)
    }

    /// The keys of a space that a newcomer needs: those that no other of ours leads to.
    pub(super) fn keys_to_share(&self, space: &LaneId) -> Vec<&EpochKey> {
        let ours: Vec<EpochId> = self
            .roster
            .epochs()
            .keys()
            .filter(|(of, id)| of == space && self.keyring.key(id).is_some())
            .map(|(_, id)| *id)
            .chain(self.strays(*space))
            .collect();
        // Believed only if it opens: a claim that does not would keep newcomers from reading.
        let leads = |from: &EpochId, to: &EpochId| {
            let info = self.roster.epochs().get(&(*space, *from));
            let copies = info
                .and_then(|info| info.older.get(to))
                .into_iter()
                .flatten();
            let key = self.keyring.key(from);
            key.is_some_and(|key| {
                copies
                    .into_iter()
                    .any(|wrapped| key.unwrap_older(to, wrapped).is_some())
            })
        };
        // Two that lead to each other stand for themselves, so that neither is forgotten.
        let is_led_to = |id: &EpochId| {
            ours.iter()
                .any(|other| other != id && leads(other, id) && !leads(id, other))
        };
        ours.iter()
            .filter(|id| !is_led_to(id))
            .filter_map(|id| self.keyring.key(id))
            .collect()
    }

    /// The keys that an invite to these spaces opens, sealed to its public key.
    pub(super) fn seal_for_invite(
        &self,
        sealing: &SealingKey,
        spaces: impl Iterator<Item = LaneId>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<SealedKey>, SealError> {
        let info = epoch_seal_info(&self.community);
        let mut sealed = Vec::new();
        for space in spaces {
            for key in self.keys_to_share(&space) {
                let bytes = keys::seal_key(sealing, &info, key.secret(), rng)?;
                sealed.push(SealedKey {
                    space,
                    epoch: key.id(),
                    sealed: bytes.into(),
                });
            }
        }
        Ok(sealed)
    }

    /// Opens a sealed name or title of the roster; `None` until its key is there.
    pub(super) fn open_text(&self, sealed: &(crate::id::DeviceId, Vec<u8>)) -> Option<String> {
        crate::entry::seal::open_text(&sealed.0, &sealed.1, |id| self.keyring.key(id))
    }
}

fn checked(id: &EpochId, key: Result<Secret, SealError>) -> Option<EpochKey> {
    let key = EpochKey::from_secret(key.ok()?);
    (key.id() == *id).then_some(key)
}
