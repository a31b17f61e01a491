//! Which branch of a forked log counts once its device was cut off.

use super::revocations::three;
use super::*;
use crate::entry::{SignedBatch, VerifiedBatch};
use crate::replica::Removal;
use crate::wire::batches::Received;

/// A phone that goes on from this store under the keys of another one.
fn copy_of(phone: &Phone, store: Box<dyn Store>, seed: u64) -> Phone {
    let signer = Arc::clone(&phone.replica.mind.signer);
    Phone {
        replica: Replica::open(store, signer).unwrap(),
        rng: ChaCha8Rng::seed_from_u64(seed),
        now: phone.now,
    }
}

/// The newest batch of the phone's own log in a space.
fn newest(phone: &Phone, space: LaneId) -> VerifiedBatch {
    let log = phone.replica.mind.own_log(space);
    let store = phone.replica.store();
    let seq = store.head(&log).unwrap().seq;
    let batch = store.batch_with(&crate::store::EntryRef { log, seq });
    VerifiedBatch::clone(&batch.unwrap().unwrap())
}

fn hand(batch: &VerifiedBatch, to: &mut Phone) {
    let signed = SignedBatch::parse(*batch.place(), batch.tail().to_vec()).unwrap();
    let prev = Some(*batch.prev());
    let received = vec![Received {
        batch: signed,
        prev,
        position: None,
    }];
    let source = Source::default();
    to.with_moment(|replica, moment| replica.ingest(received, &[], &source, moment))
        .unwrap();
}

/// A visit that all have, and another one that a thief, with a copy of the store from before, has put in
/// its place: with the smaller hash, so that it would push the honest one aside.
fn stolen() -> (Phone, Phone, Phone, [RecordId; 2], VerifiedBatch) {
    let (mut founder, mut owner, mut other, space) = three();
    meet(&mut other, &mut founder);
    let before = |owner: &Phone| backup(&owner.replica);
    let store = before(&owner);
    let honest = visit(&mut owner, space);
    meet(&mut owner, &mut founder);
    meet(&mut other, &mut founder);
    let counts = newest(&owner, space).head().chain;
    let any: Box<dyn std::any::Any> = store;
    let store = any.downcast::<MemoryStore>().unwrap();
    for seed in 100.. {
        let mut thief = copy_of(&owner, Box::new(MemoryStore::clone(&store)), seed);
        let forged = visit(&mut thief, space);
        thief
            .with_moment(|replica, moment| replica.seal_pending(moment))
            .unwrap();
        let batch = newest(&thief, space);
        if batch.head().chain < counts {
            return (founder, owner, other, [honest, forged], batch);
        }
    }
    unreachable!("half of all hashes are smaller")
}

fn shows(phone: &Phone, record: RecordId) -> bool {
    phone.replica.show(record).is_ok()
}

#[test]
fn branch_with_the_smaller_hash_does_not_hide_what_the_owner_wrote_before_the_cut() {
    let (mut founder, owner, mut other, [honest, forged], batch) = stolen();
    founder
        .revoke(Removal::Device(owner.replica.device()))
        .unwrap();
    // One hears of the cut first, the other of the forged branch.
    hand(&batch, &mut founder);
    hand(&batch, &mut other);
    assert!(!shows(&other, honest));
    meet(&mut founder, &mut other);
    for phone in [&founder, &other] {
        assert!(shows(phone, honest));
        assert!(!shows(phone, forged));
        phone.replica.audit(&mut |_, _| {}).unwrap();
    }
    let digest = |phone: &Phone| phone.replica.heads_digest().unwrap();
    assert_eq!(digest(&founder), digest(&other));
    let (_, peer, _) = meet(&mut other, &mut founder);
    assert_eq!(peer.report().tally, Tally::default());
}

#[test]
fn without_a_cut_the_smaller_hash_counts() {
    let (mut founder, _, mut other, [honest, forged], batch) = stolen();
    for phone in [&mut founder, &mut other] {
        hand(&batch, phone);
        assert!(!shows(phone, honest));
        assert!(shows(phone, forged));
    }
}

#[test]
fn cut_on_the_forged_branch_counts_where_the_lead_had_seen_no_other() {
    let (mut founder, owner, mut other, [honest, forged], batch) = stolen();
    hand(&batch, &mut founder);
    founder
        .revoke(Removal::Device(owner.replica.device()))
        .unwrap();
    meet(&mut founder, &mut other);
    for phone in [&founder, &other] {
        assert!(!shows(phone, honest));
        assert!(shows(phone, forged));
    }
}
