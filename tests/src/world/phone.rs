//! A phone: a person's device, its replica, and a disk that can fail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::id::{DeviceId, Incarnation, InviteId, Millis};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::replica::{Moment, Replica};
use sync_core::store::fault::{FaultHandle, FaultStore};
use sync_core::store::{MemoryStore, Store};

use super::net::ConnId;
use super::talk::Talk;
use super::{Broken, Outcome, World, broken};

/// Whether the program runs.
#[derive(Debug)]
pub(super) enum Life {
    On {
        replica: Box<Replica>,
        disk: FaultHandle<MemoryStore>,
    },
    Off(Box<MemoryStore>),
}

/// Yesterday's copy of a phone's store.
#[derive(Debug)]
pub(super) struct Backup {
    pub(super) store: MemoryStore,
    /// How many edits the world had seen when it was made.
    pub(super) edits: usize,
}

#[derive(Debug)]
pub(super) struct Phone {
    pub(super) keys: Arc<DeviceKeys>,
    pub(super) rng: ChaCha8Rng,
    /// How far its clock is off.
    pub(super) drift: i64,
    pub(super) life: Life,
    pub(super) talks: BTreeMap<ConnId, Talk>,
    pub(super) backup: Option<Backup>,
    /// Its log may have another branch somewhere: what it writes may end up held.
    pub(super) is_doubtful: bool,
    /// Incarnations that it has given up, having heard that it was copied or restored.
    pub(super) given_up: BTreeSet<Incarnation>,
    /// A fault was planned, so that errors of its store are no surprise.
    pub(super) has_faults: bool,
    /// Invites others: its roster statements must not end up on a losing branch.
    pub(super) is_steward: bool,
    /// Somebody has cut it off; it goes on until it hears of that.
    pub(super) is_cut_off: bool,
    /// It is lost with its keys: nobody will ever switch it on again.
    pub(super) is_lost: bool,
    /// Who invited its owner, or gave them a role.
    pub(super) sponsors: BTreeSet<usize>,
    /// The invitation that it came with.
    pub(super) invite: Option<InviteId>,
}

/// Keys and a generator of a phone's own, so that its secrets do not depend on what others do.
pub(super) fn identity(seed: u64, number: u64) -> (Arc<DeviceKeys>, ChaCha8Rng) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number));
    (Arc::new(DeviceKeys::generate(&mut rng)), rng)
}

impl Phone {
    pub(super) fn new(keys: Arc<DeviceKeys>, rng: ChaCha8Rng, life: Life) -> Self {
        Self {
            keys,
            rng,
            drift: 0,
            life,
            talks: BTreeMap::new(),
            backup: None,
            is_doubtful: false,
            given_up: BTreeSet::new(),
            has_faults: false,
            is_steward: false,
            is_cut_off: false,
            is_lost: false,
            sponsors: BTreeSet::new(),
            invite: None,
        }
    }

    pub(super) fn device(&self) -> DeviceId {
        self.keys.device()
    }

    pub(super) fn replica(&self) -> Option<&Replica> {
        match &self.life {
            Life::On { replica, .. } => Some(replica),
            Life::Off(_) => None,
        }
    }

    pub(super) fn disk(&self) -> Option<&FaultHandle<MemoryStore>> {
        match &self.life {
            Life::On { disk, .. } => Some(disk),
            Life::Off(_) => None,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.replica().is_some()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.disk().is_some_and(FaultHandle::is_killed)
    }

    /// Does something with the replica, at this phone's own time.
    pub(super) fn with<T>(
        &mut self,
        now: i64,
        action: impl FnOnce(&mut Replica, &mut Moment<'_>) -> T,
    ) -> Option<T> {
        let now = Millis(now.saturating_add(self.drift));
        match &mut self.life {
            Life::On { replica, .. } => Some(action(
                replica,
                &mut Moment {
                    now,
                    rng: &mut self.rng,
                },
            )),
            Life::Off(_) => None,
        }
    }

    /// Ends the program, whatever it was doing; what the disk has stays.
    pub(super) fn switch_off(&mut self) -> Outcome {
        let empty = Life::Off(Box::default());
        match std::mem::replace(&mut self.life, empty) {
            Life::On { replica, disk } => {
                drop(replica);
                let Some(store) = disk.take_store() else {
                    return broken!("a phone's disk is gone");
                };
                self.life = Life::Off(Box::new(store));
            }
            Life::Off(store) => self.life = Life::Off(store),
        }
        Ok(())
    }

    /// Begins the program on what the disk has.
    pub(super) fn switch_on(&mut self) -> Outcome {
        let Life::Off(store) = &mut self.life else {
            return Ok(());
        };
        let store = std::mem::take(&mut **store);
        let (store, disk) = on_disk(store);
        let replica = Replica::open(store, Arc::clone(&self.keys) as Arc<dyn Signer>)
            .map_err(|error| Broken(format!("a phone does not open again: {error}")))?;
        self.life = Life::On {
            replica: Box::new(replica),
            disk,
        };
        Ok(())
    }

    /// A copy of what is on the disk; the program goes on as if nothing had been.
    pub(super) fn copy_of_disk(&mut self) -> Outcome<MemoryStore> {
        let was_on = self.is_on();
        self.switch_off()?;
        let Life::Off(store) = &self.life else {
            return broken!("a phone would not stop");
        };
        let copy = MemoryStore::clone(store);
        if was_on {
            self.switch_on()?;
        }
        Ok(copy)
    }
}

/// A store on a disk that can fail.
pub(super) fn on_disk(store: MemoryStore) -> (Box<dyn Store>, FaultHandle<MemoryStore>) {
    let store = FaultStore::new(store);
    let disk = store.handle();
    (Box::new(store), disk)
}

impl World {
    pub(super) fn phone(&mut self, index: usize) -> &mut Phone {
        self.phones
            .get_mut(index)
            .expect("phones are never removed")
    }

    /// The replica of a phone that runs.
    pub(super) fn replica_or_off(&self, index: usize) -> Option<&Replica> {
        self.phones.get(index).and_then(Phone::replica)
    }

    pub(super) fn replica(&self, index: usize) -> Outcome<&Replica> {
        let replica = self.phones.get(index).and_then(Phone::replica);
        replica.ok_or_else(|| Broken(format!("phone {index} is off")))
    }

    /// Phones that are not lost.
    pub(super) fn phones_left(&self) -> Vec<usize> {
        let phones = self.phones.iter().enumerate();
        phones
            .filter(|(_, phone)| !phone.is_lost)
            .map(|(index, _)| index)
            .collect()
    }

    /// Phones that run now.
    pub(super) fn phones_on(&self) -> Vec<usize> {
        let phones = self.phones.iter().enumerate();
        phones
            .filter(|(_, phone)| phone.is_on())
            .map(|(index, _)| index)
            .collect()
    }

    /// Phones that run and that their own roster knows.
    pub(super) fn members_on(&self) -> Vec<usize> {
        let is_member = |index: &usize| {
            self.replica(*index)
                .is_ok_and(|replica| replica.roster().devices().contains_key(&replica.device()))
        };
        self.phones_on().into_iter().filter(is_member).collect()
    }
}
