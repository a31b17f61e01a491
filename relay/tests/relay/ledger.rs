//! What an operator is told, and that it outlives the relay.

use std::path::Path;

use relay::ledger::Reason;
use relay::limits::{Limits, NOTES_MAX};
use relay::log::sqlite::SqliteLog;
use relay::overview::Overview;
use relay::relay::{Admission, Ending};
use sync_core::id::{DeviceId, Millis};
use sync_core::roster::role::{Role, Scope};
use sync_core::wire::Refusal;

use crate::village::Village;

/// Noon of some day, and seconds of a day.
const NOON: i64 = 20_000 * DAY + DAY / 2;
const DAY: i64 = 24 * 60 * 60;

fn open(folder: &Path) -> SqliteLog {
    SqliteLog::open(&folder.join("relay.db")).unwrap()
}

fn look(folder: &Path, at: i64) -> Overview {
    let log = SqliteLog::look(&folder.join("relay.db")).unwrap();
    log.overview(at).unwrap()
}

/// What the shell does every now and then.
fn write_down(village: &mut Village<SqliteLog>, at: i64) {
    let now = village.now;
    while let Some(notes) = village.relay.notes(now) {
        village.relay.log_mut().note(&notes, at).unwrap();
        village.relay.noted(&notes);
    }
}

fn seen(overview: &Overview, device: DeviceId) -> Option<i64> {
    let mut devices = overview.communities[0].devices.iter();
    devices.find(|line| line.device == device)?.last_seen
}

#[test]
fn devices_and_refusals_are_told_while_the_relay_writes_and_after_it_has_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut village = Village::new(log, Admission::Open, Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    village.write(phone, commons, "something");
    village.settle();
    let stranger = village.stranger();
    village.connect(stranger, None);
    village.settle();
    assert_eq!(
        village.phones[stranger].ending,
        Some(Ending::Refused(Refusal::NotAMember))
    );
    write_down(&mut village, NOON);
    let device = village.phones[phone].device();
    let check = |overview: &Overview| {
        let line = &overview.communities[0];
        assert_eq!(line.community, village.community);
        assert_eq!((line.batches, line.logs, line.entries), (4, 3, 4));
        let bytes: u64 = line.devices.iter().map(|device| device.bytes).sum();
        assert!(line.bytes > 0 && bytes == line.bytes, "{line:?}");
        assert_eq!(seen(overview, device), Some(NOON));
        assert_eq!(overview.refused.len(), 1);
        let refused = overview.refused[0];
        assert_eq!(refused.reason, Reason::Refused(Refusal::NotAMember));
        assert_eq!((refused.today, refused.recently, refused.ever), (1, 1, 1));
    };
    let serving = look(folder.path(), NOON);
    check(&serving);
    assert_eq!(serving.connections, 2);
    drop(village.relay);
    check(&look(folder.path(), NOON));
}

#[test]
fn strangers_are_numbers_and_leave_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut village = Village::new(log, Admission::Open, Limits::default());
    village.connect(0, None);
    village.settle();
    for _ in 0..50 {
        let stranger = village.stranger();
        village.connect(stranger, None);
        village.settle();
    }
    write_down(&mut village, NOON);
    let overview = look(folder.path(), NOON);
    let devices: Vec<DeviceId> = overview.communities[0]
        .devices
        .iter()
        .map(|line| line.device)
        .collect();
    assert_eq!(devices, [village.phones[0].device()]);
    assert_eq!(overview.refused[0].ever, 50);
}

#[test]
fn refusals_of_each_day_are_forgotten_after_a_month_and_their_sum_stays() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut village = Village::new(log, Admission::Open, Limits::default());
    for day in 0..40 {
        village.relay.count_refused(Reason::TooSlow, 2);
        village.relay.count_refused(Reason::Unanswered, 1);
        write_down(&mut village, NOON + day * DAY);
    }
    let overview = look(folder.path(), NOON + 39 * DAY);
    let counts = |reason| {
        let mut lines = overview.refused.iter();
        let line = lines.find(|line| line.reason == reason).unwrap();
        (line.today, line.recently, line.ever)
    };
    assert_eq!(counts(Reason::TooSlow), (2, 60, 80));
    assert_eq!(counts(Reason::Unanswered), (1, 30, 40));
    let file = rusqlite::Connection::open(folder.path().join("relay.db")).unwrap();
    let rows: i64 = file
        .query_row("SELECT count(*) FROM refused", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 2 * 31);
}

#[test]
fn device_that_stays_is_noted_again_and_one_that_goes_when_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut village = Village::new(log, Admission::Open, Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    write_down(&mut village, NOON);
    let (founder, device) = (village.phones[0].device(), village.phones[phone].device());
    village.disconnect(phone);
    write_down(&mut village, NOON + 60);
    let overview = look(folder.path(), NOON);
    assert_eq!(seen(&overview, device), Some(NOON + 60));
    assert_eq!(
        seen(&overview, founder),
        Some(NOON),
        "nothing was written for it"
    );
    village.now = Millis(village.now.0 + 15 * 60 * 1000);
    write_down(&mut village, NOON + 900);
    let overview = look(folder.path(), NOON);
    assert_eq!(seen(&overview, founder), Some(NOON + 900));
    assert_eq!(seen(&overview, device), Some(NOON + 60));
}

#[test]
fn notes_that_could_not_be_written_are_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut village = Village::new(log, Admission::Open, Limits::default());
    village.connect(0, None);
    village.settle();
    village.relay.count_refused(Reason::TooSlow, 3);
    let now = village.now;
    let notes = village.relay.notes(now).unwrap();
    assert!(notes.seen.len() <= NOTES_MAX);
    let other = rusqlite::Connection::open(folder.path().join("relay.db")).unwrap();
    other.execute_batch("DROP TABLE seen").unwrap();
    assert!(village.relay.log_mut().note(&notes, NOON).is_err());
    let text = "CREATE TABLE seen (community INTEGER, device BLOB, at INTEGER,
                PRIMARY KEY (community, device)) WITHOUT ROWID";
    other.execute_batch(text).unwrap();
    write_down(&mut village, NOON);
    let overview = look(folder.path(), NOON);
    assert_eq!(overview.refused[0].ever, 3, "not twice, and not never");
    assert_eq!(seen(&overview, village.phones[0].device()), Some(NOON));
}

#[test]
fn damaged_community_is_marked_and_the_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let mut village = Village::new(log, Admission::Open, Limits::default());
    village.connect(0, None);
    village.settle();
    drop(village.relay);
    let damage = rusqlite::Connection::open(folder.path().join("relay.db")).unwrap();
    damage.execute("UPDATE log SET seq = seq + 1", []).unwrap();
    drop(damage);
    let overview = look(folder.path(), NOON);
    assert!(overview.communities[0].is_damaged);
    assert_eq!(overview.communities[0].community, village.community);
}
