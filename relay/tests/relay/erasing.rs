//! What a coordinator has erased leaves the relay, its memory and its file.

use std::path::Path;

use relay::limits::{Limits, SCRUB_PAUSE_MILLIS};
use relay::log::BatchLog;
use relay::log::sqlite::SqliteLog;
use relay::relay::{Admission, Effect, Input};
use sync_core::entry::{Body, VerifiedBatch};
use sync_core::id::{Arrival, LaneId, Millis, RecordId};
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::statement::{Erase, Statement, StatementId, Stretch};
use sync_core::wire::Frame;
use sync_core::wire::erased::{AskErased, HasErased};

use crate::village::Village;

/// A village whose relay writes a file; its only space; a volunteer of it.
fn on_disk(path: &Path) -> (Village<SqliteLog>, LaneId, usize) {
    let log = SqliteLog::open(path).unwrap();
    let mut village = Village::new(log, Admission::Open, Limits::default());
    let space = village.space(0);
    let phone = village.member(Role::Volunteer, Scope::Space(space));
    (village, space, phone)
}

fn stretch_of(batch: &VerifiedBatch) -> Stretch {
    let log = batch.log();
    Stretch {
        lane: log.lane,
        device: log.device,
        incarnation: log.incarnation,
        first: batch.place().first_seq.0,
        last: batch.last_seq().0,
        chain: Some(batch.head().chain),
    }
}

impl Village<SqliteLog> {
    fn newest(&self, space: LaneId) -> VerifiedBatch {
        let log = self.relay.log();
        let all = log.read(
            &self.community,
            Some(&space),
            Arrival(0),
            Arrival(u64::MAX),
            usize::MAX,
        );
        VerifiedBatch::clone(&all.unwrap().last().unwrap().batch)
    }

    fn erase(&mut self, by: usize, batch: &VerifiedBatch) -> StatementId {
        let erase = Statement::Erase(Erase {
            record: RecordId::new([3; 16]),
            entries: vec![stretch_of(batch)],
        });
        let device = self.phones[by].device();
        let bytes = self.say(by, &erase);
        self.settle();
        StatementId::derive(&self.community, &device, erase.encode().0, &bytes)
    }

    /// What the relay answers when a phone asks about an erasure.
    fn ask(&mut self, by: usize, statement: StatementId) -> HasErased {
        let conn = self.phones[by].conn.unwrap();
        let statements = vec![statement];
        let frame = Frame::AskErased(AskErased { statements });
        let effects = self.handle(vec![Input::Frame { conn, frame }]);
        let mut words = effects.into_iter().filter_map(|effect| match effect {
            Effect::Send {
                frame: Frame::HasErased(word),
                ..
            } => Some(word),
            Effect::Send { .. } | Effect::Read { .. } | Effect::Close { .. } => None,
        });
        words.next_back().unwrap()
    }
}

fn contents(batch: &VerifiedBatch) -> Vec<Vec<u8>> {
    let present = batch.entries().filter_map(|entry| match entry.body {
        Body::Present(bytes) => Some(bytes.to_vec()),
        Body::Erased { .. } => None,
    });
    present.collect()
}

fn file_has(path: &Path, bytes: &[u8]) -> bool {
    let folder = path.parent().unwrap();
    let files = std::fs::read_dir(folder).unwrap();
    let mut files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.any(|file| file.windows(bytes.len()).any(|part| part == bytes))
}

#[test]
fn erased_contents_leave_the_log_and_its_file_and_the_relay_signs_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (mut village, space, phone) = on_disk(&path);
    village.write(phone, space, "the first visit, which goes");
    village.settle();
    let gone = village.newest(space);
    let [bytes] = contents(&gone).try_into().unwrap();
    assert!(file_has(&path, &bytes));
    let statement = village.erase(0, &gone);
    assert_eq!(contents(&village.newest(space)), Vec::<Vec<u8>>::new());
    assert!(!file_has(&path, &bytes));
    let word = village.ask(0, statement);
    assert_eq!(word.statements, [statement]);
    assert!(word.is_signed(&village.community));
    // A newcomer gets the log without it.
    let late = village.member(Role::Volunteer, Scope::Space(space));
    village.settle();
    let rows = village.phones[late].carrier.rows();
    let theirs = rows.iter().find(|row| row.batch.head() == gone.head());
    assert_eq!(contents(&theirs.unwrap().batch), Vec::<Vec<u8>>::new());
}

#[test]
fn volunteer_erases_nothing_at_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let (mut village, space, phone) = on_disk(&folder.path().join("log"));
    village.write(phone, space, "a visit");
    village.settle();
    let batch = village.newest(space);
    let statement = village.erase(phone, &batch);
    assert_eq!(contents(&village.newest(space)).len(), 1);
    assert!(village.ask(phone, statement).statements.is_empty());
}

#[test]
fn file_is_rewritten_at_most_so_often_and_nothing_is_claimed_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (mut village, space, phone) = on_disk(&path);
    let erase_one = |village: &mut Village<SqliteLog>| {
        village.write(phone, space, "a visit that goes");
        village.settle();
        let batch = village.newest(space);
        let [bytes] = contents(&batch).try_into().unwrap();
        (village.erase(0, &batch), bytes)
    };
    let (first, _) = erase_one(&mut village);
    assert_eq!(village.ask(0, first).statements, [first]);
    let (second, bytes) = erase_one(&mut village);
    assert!(village.ask(0, second).statements.is_empty());
    village.now = Millis(village.now.0 + SCRUB_PAUSE_MILLIS);
    village.handle(Vec::new());
    assert!(!file_has(&path, &bytes));
    assert_eq!(village.ask(0, second).statements, [second]);
}

#[test]
fn relay_that_ended_before_it_could_erase_does_so_when_the_community_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (mut village, space, phone) = on_disk(&path);
    village.write(phone, space, "a visit that goes");
    village.settle();
    let gone = village.newest(space);
    village.erase(0, &gone);
    // As if the contents had come back with an older copy of that page.
    let at = village
        .relay
        .log()
        .carrying(&village.community, gone.log(), &gone.head().chain);
    let arrival = at.unwrap().unwrap().arrival;
    let community = village.community;
    let log = village.relay.log_mut();
    log.begin().unwrap();
    log.reduce(&community, arrival, &gone).unwrap();
    log.commit().unwrap();
    assert_eq!(contents(&village.newest(space)).len(), 1);
    village.restart(SqliteLog::open(&path).unwrap());
    village.connect(phone, None);
    village.settle();
    assert!(contents(&village.newest(space)).is_empty());
}
