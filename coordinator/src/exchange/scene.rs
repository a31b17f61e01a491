//! A station for tests: a founder with one village.

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::id::{LaneId, Millis};
use sync_core::keys::DeviceKeys;
use sync_core::peer::moment;
use sync_core::replica::Replica;
use sync_core::store::MemoryStore;

pub(super) fn station() -> (Replica, LaneId, ChaCha8Rng) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let keys = Arc::new(DeviceKeys::generate(&mut rng));
    let store = Box::new(MemoryStore::new());
    let now = &mut moment(Millis(1), &mut rng);
    let founding = Replica::found(store, keys, "丹灶", "李芳", &[], now).unwrap();
    let mut replica = founding.replica;
    let space = replica.add_space("良登村", &mut moment(Millis(2), &mut rng));
    (replica, space.unwrap(), rng)
}
