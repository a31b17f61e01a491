//! The log on disk through a kill and through flipped bytes.

use std::fs;
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use relay::audit::{AuditError, audit};
use relay::limits::Limits;
use relay::log::sqlite::SqliteLog;
use relay::log::{BatchLog as _, Spot};
use relay::relay::{Admission, Ending};
use relay::server::RelayError;
use sync_core::entry::seal::{PlainEntry, seal_batch};
use sync_core::entry::{EntryKind, SignedBatch};
use sync_core::id::Arrival;
use sync_core::roster::role::{Role, Scope};
use sync_core::store::StoreError;
use sync_core::wire::Refusal;

use crate::village::Village;

fn open(folder: &Path) -> SqliteLog {
    SqliteLog::open(&folder.join("relay.db")).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn what_was_acked_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let mut village = Village::new(open(folder.path()), Admission::Open, Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    for n in 0..20 {
        village.write(phone, commons, &format!("{n}"));
        // After each step, the disk as a kill would leave it is what everybody was told.
        loop {
            let inputs = village.gather();
            if inputs.is_empty() {
                break;
            }
            village.handle(inputs);
            let killed = tempfile::tempdir().unwrap();
            copy(folder.path(), killed.path());
            let log = open(killed.path());
            let state = log.community(&village.community).unwrap().unwrap();
            let seq = state.logs.get(&village.phones[phone].log(commons));
            let durable = seq.map_or(0, |state| state.head.seq.0);
            assert!(durable >= village.phones[phone].acked, "{durable}");
        }
        assert_eq!(village.phones[phone].acked, n + 1);
    }
}

#[test]
fn transaction_that_was_never_committed_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut village = Village::new(open(folder.path()), Admission::Open, Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    village.write(phone, commons, "cut off");
    let row = village.phones[phone].carrier.rows().last().unwrap().clone();
    let before = village.relay.log().community(&village.community).unwrap();
    let community = village.community;
    let log = village.relay.log_mut();
    log.begin().unwrap();
    log.append(&community, &row.batch, Spot::Next).unwrap();
    let killed = tempfile::tempdir().unwrap();
    copy(folder.path(), killed.path());
    assert_eq!(open(killed.path()).community(&community).unwrap(), before);
}

#[test]
fn relay_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut village = Village::new(open(folder.path()), Admission::Open, Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    village.write(phone, commons, "before");
    village.settle();
    village.disconnect(0);
    village.disconnect(phone);
    let phones = village.phones;
    drop(village.relay);
    let mut again = Village::new(open(folder.path()), Admission::Open, Limits::default());
    again.phones = phones;
    again.connect(phone, None);
    again.connect(0, None);
    again.settle();
    again.write(phone, commons, "after");
    again.settle();
    assert_eq!(again.phones[phone].refused, []);
    again.assert_carried(&[0, phone]);
}

/// Reads everything that a session could read.
fn read_all(path: &Path, community: &sync_core::id::CommunityId) -> Result<usize, StoreError> {
    let log = SqliteLog::open(path)?;
    let Some(state) = log.community(community)? else {
        return Ok(0);
    };
    let rows = log.read(community, None, Arrival(0), state.tip, usize::MAX)?;
    for (lane, tip) in &state.lanes {
        log.read(community, Some(lane), Arrival(0), *tip, usize::MAX)?;
    }
    Ok(rows.len())
}

#[test]
fn flipped_byte_is_an_error_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut village = Village::new(open(folder.path()), Admission::Open, Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    for n in 0..10 {
        village.write(phone, commons, &format!("{n}"));
        village.settle();
    }
    let community = village.community;
    let whole = village.relay.log().community(&community).unwrap();
    drop(village);
    let path = folder.path().join("relay.db");
    let bytes = fs::read(&path).unwrap();
    let count = read_all(&path, &community).unwrap();
    assert!(count >= 13, "{count}");
    let (mut noticed, mut harmless) = (0, 0);
    for at in (0..bytes.len()).step_by(23) {
        let broken = tempfile::tempdir().unwrap();
        let path = broken.path().join("relay.db");
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        fs::write(&path, &changed).unwrap();
        match read_all(&path, &community) {
            Err(_) => noticed += 1,
            Ok(read) => {
                assert_eq!(read, count, "byte {at} was lost in silence");
                let log = SqliteLog::open(&path).unwrap();
                assert_eq!(log.community(&community).unwrap(), whole, "byte {at}");
                harmless += 1;
            }
        }
    }
    assert!(
        noticed > 100,
        "{noticed} of {} were noticed",
        noticed + harmless
    );
}

#[test]
fn damaged_community_is_refused_and_said_to_be_the_relays_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut village = Village::new(open(folder.path()), Admission::Open, Limits::default());
    village.connect(0, None);
    village.settle();
    village.disconnect(0);
    let phones = village.phones;
    drop(village.relay);
    let path = folder.path().join("relay.db");
    let damage = rusqlite::Connection::open(&path).unwrap();
    damage.execute("UPDATE log SET seq = seq + 1", []).unwrap();
    drop(damage);
    let mut again = Village::new(open(folder.path()), Admission::Open, Limits::default());
    again.phones = phones;
    again.connect(0, None);
    again.settle();
    assert_eq!(
        again.phones[0].ending,
        Some(Ending::Refused(Refusal::Internal))
    );
}

#[test]
fn file_of_a_newer_version_and_files_of_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    drop(SqliteLog::open(&path).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    assert_eq!(
        SqliteLog::open(&path).map(|_| ()),
        Err(StoreError::Newer(99))
    );
    let other = folder.path().join("other.db");
    fs::write(
        &other,
        "this is no database, but long enough to look at: ".repeat(40),
    )
    .unwrap();
    assert!(matches!(
        SqliteLog::open(&other),
        Err(StoreError::Corrupt { .. })
    ));
    let strange = folder.path().join("strange.db");
    rusqlite::Connection::open(&strange)
        .unwrap()
        .execute_batch("CREATE TABLE visit (a); PRAGMA user_version = 1;")
        .unwrap();
    assert!(matches!(
        SqliteLog::open(&strange),
        Err(StoreError::Corrupt { .. })
    ));
}

#[test]
fn audit_proves_what_a_relay_carries_and_names_a_batch_that_nobody_signed() {
    let folder = tempfile::tempdir().unwrap();
    let mut village = Village::new(open(folder.path()), Admission::Open, Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    for n in 0..5 {
        village.write(phone, commons, &format!("{n}"));
        village.settle();
    }
    let (id, of) = (village.community, village.phones[phone].log(commons));
    let keys = village.phones[phone].keys.clone();
    drop(village);
    let mut log = open(folder.path());
    let sound = audit(&log).unwrap();
    assert_eq!(sound.communities, 1);
    assert!(sound.batches >= 5 && sound.logs >= 2, "{sound:?}");
    let head = log.community(&id).unwrap().unwrap().logs[&of].head;
    let entry = PlainEntry {
        kind: EntryKind::CHANGE,
        bytes: vec![7; 40],
    };
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let batch = seal_batch(&keys, &id, of, &head, None, &[entry], rng).unwrap();
    let mut tail = batch.tail().to_vec();
    tail[16] ^= 1;
    let changed = SignedBatch::parse(*batch.place(), tail).unwrap();
    let changed = changed.trusted(&id, batch.prev(), &batch.head().chain);
    log.begin().unwrap();
    log.append(&id, &changed.unwrap(), Spot::Next).unwrap();
    log.commit().unwrap();
    let expected = AuditError::Signature {
        community: id,
        device: of.device,
        seq: head.next(),
    };
    assert_eq!(audit(&log), Err(expected));
    drop(log);
    let found = relay::server::verify(folder.path());
    assert!(matches!(found, Err(RelayError::Changed { .. })));
    assert_eq!(found.unwrap_err().exit_code(), 7);
}

#[test]
fn audit_of_a_folder_without_a_log_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(relay::server::verify(folder.path()).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
