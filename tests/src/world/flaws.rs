//! Faults that a test plants, to see that the world would report them.

use rand::RngExt;
use sync_core::replica::Replica;
use sync_core::store::{MemoryStore, RowFilter, RowIndex, Store as _, StoreError, StoreRead as _};

use super::phone::Life;
use super::{Broken, Flaw, Outcome, World};

/// The name under which a store keeps its reading keys.
const KEYRING: &str = "keyring";

impl World {
    /// Before a move.
    pub(super) fn plant_on_the_way(&mut self) {
        if self.flaw == Flaw::StreamHasHoles && self.rng.random_ratio(1, 4) {
            self.net.drop_piece();
        }
    }

    /// Before the last checks.
    pub(super) fn plant_in_the_end(&mut self) -> Outcome {
        match self.flaw {
            Flaw::RowIsForged => self.forge_a_row(),
            Flaw::KeyIsStolen => self.steal_a_key(),
            Flaw::VillainCounts => self.blame(),
            Flaw::None
            | Flaw::RelayForgets
            | Flaw::CommitLies
            | Flaw::StreamHasHoles
            | Flaw::RollbackIsMissed
            | Flaw::LossIsInvented => Ok(()),
        }
    }

    /// Before a phone meets the relay in the end.
    pub(super) fn plant_before_meeting(&mut self, index: usize) -> Outcome {
        let store = self.hub.store_id();
        let planted = match self.flaw {
            Flaw::RollbackIsMissed => self
                .phone(index)
                .with(0, |replica, _| replica.forget_relay(&store)),
            Flaw::LossIsInvented => self.phone(index).with(0, |replica, _| {
                let lane = sync_core::roster::roster_lane(&replica.community());
                replica.note_cursors(&store, &[(lane, u64::MAX)])
            }),
            Flaw::None
            | Flaw::RelayForgets
            | Flaw::CommitLies
            | Flaw::RowIsForged
            | Flaw::KeyIsStolen
            | Flaw::VillainCounts
            | Flaw::StreamHasHoles => None,
        };
        match planted {
            Some(Err(error)) => Err(Broken(error.to_string())),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// What the founder says counts, so they are no villain.
    fn blame(&mut self) -> Outcome {
        let replica = self.replica(0)?;
        self.villain = Some(super::villains::Villain {
            phone: 0,
            device: replica.device(),
            incarnation: replica.incarnation(),
        });
        Ok(())
    }

    fn forge_a_row(&mut self) -> Outcome {
        self.alter(1, |store| {
            let rows = store.rows(&RowFilter::default())?;
            let Some(mut row) = rows.into_iter().next() else {
                return Ok(());
            };
            row.title.push('!');
            let index = RowIndex {
                links: store.links_of(&row.record)?,
                ..RowIndex::default()
            };
            let mut tx = store.begin()?;
            tx.put_row(&row, &index)?;
            tx.commit()
        })
    }

    /// The founder has every key; a volunteer of one village must not.
    fn steal_a_key(&mut self) -> Outcome {
        let ring = self.replica(0)?.store().meta(KEYRING);
        let ring = ring
            .map_err(|error| Broken(error.to_string()))?
            .unwrap_or_default();
        let has_less = |replica: &Replica| {
            replica.roster().lanes_of(&replica.device()).len() < replica.roster().all_lanes().len()
        };
        let phones = 0..self.phones.len();
        let victim = phones
            .into_iter()
            .find(|index| self.replica(*index).is_ok_and(has_less));
        let Some(index) = victim else { return Ok(()) };
        self.alter(index, |store| {
            let mut tx = store.begin()?;
            tx.put_meta(KEYRING, &ring)?;
            tx.commit()
        })
    }

    fn alter(
        &mut self,
        index: usize,
        action: impl FnOnce(&mut MemoryStore) -> Result<(), StoreError>,
    ) -> Outcome {
        let phone = self.phone(index);
        phone.switch_off()?;
        if let Life::Off(store) = &mut phone.life {
            action(store).map_err(|error| Broken(error.to_string()))?;
        }
        phone.switch_on()
    }
}
