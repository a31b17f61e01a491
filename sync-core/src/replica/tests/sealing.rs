//! When edits are sealed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::id::DeviceId;
use crate::keys::{SealError, SealingKey, Secret, Signature};

/// Keys that can be locked away, as a phone's are while it is locked.
#[derive(Debug)]
struct Lockable {
    keys: DeviceKeys,
    is_locked: AtomicBool,
}

impl Signer for Lockable {
    fn device(&self) -> DeviceId {
        self.keys.device()
    }

    fn sealing_key(&self) -> SealingKey {
        self.keys.sealing_key()
    }

    fn sign(&self, bytes: &[u8]) -> Result<Signature, SealError> {
        if self.is_locked.load(Ordering::Relaxed) {
            return Err(SealError::KeyStore);
        }
        self.keys.sign(bytes)
    }

    fn open(&self, info: &[u8], sealed: &[u8]) -> Result<Secret, SealError> {
        self.keys.open(info, sealed)
    }

    fn destroy_sealing_key(&self) -> Result<(), SealError> {
        self.keys.destroy_sealing_key()
    }
}

#[test]
fn edit_is_sealed_at_once_only_when_that_is_asked_for() {
    let (_, mut volunteer, space) = village();
    visit(&mut volunteer, space);
    assert_eq!(volunteer.replica.pending_count(), Ok(1));
    volunteer.replica.seal_edits_at_once(true);
    let before = volunteer.replica.sealed_count();
    let record = visit(&mut volunteer, space);
    assert_eq!(volunteer.replica.pending_count(), Ok(0));
    assert_eq!(volunteer.replica.sealed_count() - before, 2);
    volunteer.replica.seal_edits_at_once(false);
    volunteer.edit(record, "household", "B");
    assert_eq!(volunteer.replica.pending_count(), Ok(1));
}

#[test]
fn edits_that_were_sealed_at_once_reach_others_like_any() {
    let (mut founder, mut volunteer, space) = village();
    volunteer.replica.seal_edits_at_once(true);
    let record = visit(&mut volunteer, space);
    volunteer.edit(record, "household", "B");
    meet(&mut volunteer, &mut founder);
    assert_eq!(founder.replica.show(record).unwrap().title, "B");
    assert_eq!(
        founder.replica.heads_digest(),
        volunteer.replica.heads_digest()
    );
}

#[test]
fn edit_is_kept_when_the_keys_do_not_answer_and_sealed_once_they_do() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let signer = Arc::new(Lockable {
        keys: DeviceKeys::generate(&mut rng),
        is_locked: AtomicBool::new(false),
    });
    let mut moment = Moment {
        now: Millis(1),
        rng: &mut rng,
    };
    let keys = Arc::clone(&signer) as Arc<dyn Signer>;
    let store = Box::new(MemoryStore::new());
    let mut replica = Replica::found(store, keys, "Danzao", "Li Fang", &[], &mut moment)
        .unwrap()
        .replica;
    let space = replica.add_space("Xianhu", &mut moment).unwrap();
    replica.seal_pending(&mut moment).unwrap();
    replica.seal_edits_at_once(true);
    signer.is_locked.store(true, Ordering::Relaxed);
    let kind = replica.schema().kind("visit").unwrap();
    let edits = [
        kind.parse_edit("household", "A").unwrap(),
        kind.parse_edit("date", "2026-03-01").unwrap(),
        kind.parse_edit("purpose", "health").unwrap(),
    ];
    let record = replica.create("visit", space, &edits, &mut moment).unwrap();
    assert_eq!(replica.pending_count(), Ok(1));
    assert!(matches!(
        replica.seal_pending(&mut moment),
        Err(ReplicaError::Seal(_))
    ));
    signer.is_locked.store(false, Ordering::Relaxed);
    assert_eq!(replica.seal_pending(&mut moment), Ok(1));
    assert_eq!(replica.show(record).unwrap().title, "A");
}
