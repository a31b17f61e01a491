//! What an audit proves, and what it finds.

use super::*;
use crate::entry::seal::{PlainEntry, seal_batch};
use crate::entry::{EntryKind, SignedBatch, VerifiedBatch};
use crate::epoch::EpochKey;
use crate::id::{Head, LogId};
use crate::keys::Signer;
use crate::roster::roster_lane;
use crate::roster::statement::{Join, Statement};

fn audit(replica: &Replica) -> Result<Audit, AuditError> {
    replica.audit(&mut |_, _| ())
}

/// The founder's store, to which a thief with the file has added a batch, opened again.
fn tampered(founder: &Phone, batch: &VerifiedBatch) -> Replica {
    let mut store = backup(&founder.replica);
    let mut tx = store.begin().unwrap();
    tx.append(batch, None).unwrap();
    tx.commit().unwrap();
    let keys = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(1));
    assert_eq!(keys.device(), founder.replica.device());
    Replica::open(store, Arc::new(keys)).unwrap()
}

#[test]
fn audit_counts_what_it_has_proved() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    volunteer.edit(record, "household", "B");
    meet(&mut volunteer, &mut founder);
    let mut heard = Vec::new();
    let done = founder
        .replica
        .audit(&mut |done, all| heard.push((done, all)));
    let done = done.unwrap();
    assert_eq!((done.opened, done.waiting, done.held), (2, 0, 0));
    assert!(done.statements > 4 && done.logs >= 3);
    assert_eq!(heard.len() as u64, done.batches);
    assert_eq!(heard.last(), Some(&(done.batches, done.batches)));
    assert_eq!(audit(&volunteer.replica).unwrap().opened, 2);
}

#[test]
fn forked_log_passes_the_audit_on_every_side() {
    let (mut founder, mut volunteer, space) = village();
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 3, "何姐");
    meet(&mut volunteer, &mut founder);
    let keys = Arc::clone(&volunteer.replica.mind.signer);
    let mut copy = Phone {
        replica: Replica::open(backup(&volunteer.replica), keys).unwrap(),
        rng: ChaCha8Rng::seed_from_u64(99),
        now: volunteer.now,
    };
    visit(&mut volunteer, space);
    visit(&mut copy, space);
    meet(&mut volunteer, &mut founder);
    meet(&mut copy, &mut lead);
    meet(&mut lead, &mut founder);
    meet(&mut founder, &mut lead);
    for phone in [&founder, &lead] {
        assert!(!phone.replica.store().lost().unwrap().is_empty());
        assert!(audit(&phone.replica).is_ok());
    }
}

#[test]
fn batch_with_a_changed_signature_is_found() {
    let (mut founder, mut volunteer, space) = village();
    meet(&mut volunteer, &mut founder);
    visit(&mut volunteer, space);
    let (now, mut rng) = volunteer.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    volunteer.replica.seal_pending(moment).unwrap();
    let store = volunteer.replica.store();
    let last = store.last_arrival().unwrap();
    let batch = store.batch(last).unwrap().unwrap().batch;
    let mut tail = batch.tail().to_vec();
    tail[16] ^= 1;
    let changed = SignedBatch::parse(*batch.place(), tail).unwrap();
    let community = founder.replica.community();
    let changed = changed.trusted(&community, batch.prev(), &batch.head().chain);
    let replica = tampered(&founder, &changed.unwrap());
    let flaw = Flaw::Signature {
        device: volunteer.replica.device(),
        seq: batch.place().first_seq,
    };
    assert_eq!(audit(&replica), Err(flaw.into()));
}

#[test]
fn member_who_is_only_in_the_file_is_found() {
    let (founder, _, _) = village();
    let community = founder.replica.community();
    let thief = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(99));
    let invite = founder.replica.roster().invites().values().next().unwrap();
    let join = Statement::Join(Join {
        invite: invite.id,
        sealing: thief.sealing_key(),
        proof: vec![0; 64].into(),
    });
    let (kind, bytes) = join.encode();
    let log = LogId {
        lane: roster_lane(&community),
        device: thief.device(),
        incarnation: founder.replica.incarnation(),
    };
    let entries = [PlainEntry { kind, bytes }];
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let batch = seal_batch(&thief, &community, log, &Head::EMPTY, None, &entries, rng).unwrap();
    assert_eq!(audit(&tampered(&founder, &batch)), Err(Flaw::Roster.into()));
}

#[test]
fn entry_that_does_not_open_is_held_and_an_audit_misses_the_hold() {
    let (mut founder, mut volunteer, space) = village();
    visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    let community = founder.replica.community();
    let volunteers = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(2));
    let log = LogId {
        lane: space,
        device: volunteers.device(),
        incarnation: volunteer.replica.incarnation(),
    };
    let store = founder.replica.store();
    let head = store.head(&log).unwrap();
    let last = store.batch(store.tip(&space).unwrap()).unwrap().unwrap();
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let key = EpochKey::claiming(last.batch.place().epoch, rng);
    let entries = [PlainEntry {
        kind: EntryKind::CHANGE,
        bytes: vec![1; 20],
    }];
    let batch = seal_batch(
        &volunteers,
        &community,
        log,
        &head,
        Some(&key),
        &entries,
        rng,
    );
    let batch = batch.unwrap();
    let received = crate::wire::batches::Received {
        batch: SignedBatch::parse(*batch.place(), batch.tail().to_vec()).unwrap(),
        prev: None,
        position: None,
    };
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let source = Source::default();
    let taken = founder.replica.ingest(vec![received], &[], &source, moment);
    assert_eq!(taken.unwrap().tally.held, 1);
    assert_eq!(audit(&founder.replica).unwrap().held, 1);
    let (_, row) = founder.replica.held().unwrap().remove(0);
    assert_eq!(row.reason, Hold::DoesNotOpen.code());
    let mut store = backup(&founder.replica);
    let mut tx = store.begin().unwrap();
    tx.remove_held(&row.entry).unwrap();
    tx.commit().unwrap();
    let keys = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(1));
    let replica = Replica::open(store, Arc::new(keys)).unwrap();
    let flaw = Flaw::Sealing {
        device: log.device,
        seq: row.entry.seq,
    };
    assert_eq!(audit(&replica), Err(flaw.into()));
}
