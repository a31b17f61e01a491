//! The way of an edit, station by station: typed, sealed, verified, merged with all that stands behind
//! it, and read. `cargo bench -p sync-core --bench path`.
//!
//! Stores are SQLite files; each line that writes ends with the disk's word that it is written.

#![expect(clippy::unwrap_used, reason = "a measurement may stop loudly")]

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use sync_core::entry::{SignedBatch, VerifiedBatch};
use sync_core::id::{Arrival, LaneId, Millis, RecordId, Seq};
use sync_core::keys::DeviceKeys;
use sync_core::replica::{Moment, Replica, Source};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::{FieldEdit, Value};
use sync_core::store::{RowFilter, SqliteStore};
use sync_core::wire::batches::Received;
use tempfile::TempDir;

/// Records of one village.
const RECORDS: usize = 1_000;

fn main() {
    divan::main();
}

struct Phone {
    replica: Replica,
    rng: ChaCha8Rng,
    now: i64,
    /// What of its store the other phone has.
    handed_on: Arrival,
    _folder: TempDir,
}

/// A lead with a village of records, and a volunteer who has all of it.
struct Village {
    lead: Phone,
    volunteer: Phone,
    space: LaneId,
    record: RecordId,
    edits: u64,
}

impl Phone {
    fn new(
        seed: u64,
        begin: impl FnOnce(Box<SqliteStore>, Arc<DeviceKeys>, &mut Moment<'_>) -> Replica,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let keys = Arc::new(DeviceKeys::generate(&mut rng));
        let store = SqliteStore::open(&folder.path().join("store")).unwrap();
        let now = 1_700_000_000_000;
        let mut moment = Moment {
            now: Millis(now),
            rng: &mut rng,
        };
        let replica = begin(Box::new(store), keys, &mut moment);
        Self {
            replica,
            rng,
            now,
            handed_on: Arrival(0),
            _folder: folder,
        }
    }

    fn act<T>(&mut self, action: impl FnOnce(&mut Replica, &mut Moment<'_>) -> T) -> T {
        self.now += 1_000;
        let mut moment = Moment {
            now: Millis(self.now),
            rng: &mut self.rng,
        };
        action(&mut self.replica, &mut moment)
    }

    fn seal(&mut self) -> u64 {
        self.act(|replica, moment| replica.seal_pending(moment))
            .unwrap()
    }

    /// Batches that the other phone lacks, as they come off the wire.
    fn news(&mut self) -> Vec<Received> {
        let store = self.replica.store();
        let mut found = Vec::new();
        for log in store.logs().unwrap() {
            for batch in store.missing(&log, Seq::FIRST, usize::MAX).unwrap() {
                if batch.arrival > self.handed_on {
                    let carried = store.batch(batch.arrival).unwrap().unwrap();
                    found.push((batch.arrival, received(&carried.batch)));
                }
            }
        }
        found.sort_by_key(|(arrival, _)| *arrival);
        if let Some((last, _)) = found.last() {
            self.handed_on = *last;
        }
        found.into_iter().map(|(_, received)| received).collect()
    }

    fn take(&mut self, news: Vec<Received>) -> u64 {
        let source = Source::default();
        let done = self.act(|replica, moment| replica.ingest(news, &[], &source, moment));
        done.unwrap().tally.merged
    }
}

fn received(batch: &VerifiedBatch) -> Received {
    Received {
        batch: SignedBatch::parse(*batch.place(), batch.tail().to_vec()).unwrap(),
        prev: Some(*batch.prev()),
        position: None,
    }
}

fn text(field: &str, value: String) -> FieldEdit {
    FieldEdit::set(field, Value::Text(value))
}

fn need(number: usize) -> Vec<FieldEdit> {
    vec![
        text("title", format!("需要轮椅 wheelchair {number}")),
        text("category", "health".to_owned()),
        text("urgency", "high".to_owned()),
        text("state", "raised".to_owned()),
        text("body", "住在三楼，下楼不便；家人每周来一次。".to_owned()),
    ]
}

impl Village {
    fn new() -> Self {
        let mut lead = Phone::new(1, |store, keys, moment| {
            Replica::found(store, keys, "Danzao", "Li Fang", &[], moment)
                .unwrap()
                .replica
        });
        let space = lead
            .act(|replica, moment| replica.add_space("Xianhu", moment))
            .unwrap();
        let scope = Scope::Space(space);
        let ticket = lead
            .act(|replica, moment| replica.invite(scope, Role::Volunteer, 1, moment))
            .unwrap();
        let mut volunteer = Phone::new(2, |store, keys, moment| {
            Replica::join(store, keys, &ticket, "Wang Mei", moment).unwrap()
        });
        let rows: Vec<_> = (0..RECORDS).map(need).collect();
        let records = lead
            .act(|replica, moment| replica.create_all("need", space, &rows, moment))
            .unwrap();
        lead.seal();
        volunteer.take(lead.news());
        volunteer.seal();
        lead.take(volunteer.news());
        lead.seal();
        volunteer.take(lead.news());
        let record = *records.first().unwrap();
        assert!(volunteer.replica.store().row(&record).unwrap().is_some());
        Self {
            lead,
            volunteer,
            space,
            record,
            edits: 0,
        }
    }

    fn edit(&mut self) {
        self.edits += 1;
        let edit = text("title", format!("edit {}", self.edits));
        let record = self.record;
        self.lead
            .act(|replica, moment| replica.edit(record, &[edit], moment))
            .unwrap();
    }

    /// Batches of the lead's, each of so many new records.
    fn batch(&mut self, entries: usize) -> Vec<Received> {
        let rows: Vec<_> = (0..entries).map(need).collect();
        let space = self.space;
        self.lead
            .act(|replica, moment| replica.create_all("need", space, &rows, moment))
            .unwrap();
        self.lead.seal();
        self.lead.news()
    }
}

#[divan::bench]
fn edit_one_field(bencher: Bencher<'_, '_>) {
    let mut village = Village::new();
    bencher.bench_local(|| village.edit());
}

#[divan::bench]
fn edit_and_seal(bencher: Bencher<'_, '_>) {
    let mut village = Village::new();
    bencher.bench_local(|| {
        village.edit();
        village.lead.seal()
    });
}

#[divan::bench(args = [1, 20, 100])]
fn seal(bencher: Bencher<'_, '_>, entries: usize) {
    let village = std::cell::RefCell::new(Village::new());
    bencher
        .counter(ItemsCount::new(entries))
        .with_inputs(|| (0..entries).for_each(|_| village.borrow_mut().edit()))
        .bench_local_values(|()| village.borrow_mut().lead.seal());
}

#[divan::bench(args = [1, 20, 100])]
fn verify(bencher: Bencher<'_, '_>, entries: usize) {
    let mut village = Village::new();
    let community = village.lead.replica.community();
    let batches = village.batch(entries);
    bencher
        .counter(ItemsCount::new(entries))
        .with_inputs(|| batches.clone())
        .bench_values(|batches| {
            for Received { batch, prev, .. } in batches {
                divan::black_box(batch.verify(&community, &prev.unwrap()).unwrap());
            }
        });
}

#[divan::bench(args = [1, 20, 100, 1_000])]
fn merge_new_records(bencher: Bencher<'_, '_>, entries: usize) {
    let village = std::cell::RefCell::new(Village::new());
    bencher
        .counter(ItemsCount::new(entries))
        .with_inputs(|| village.borrow_mut().batch(entries))
        .bench_local_values(|batches| village.borrow_mut().volunteer.take(batches));
}

#[divan::bench]
fn merge_one_edit(bencher: Bencher<'_, '_>) {
    let village = std::cell::RefCell::new(Village::new());
    bencher
        .with_inputs(|| {
            let mut village = village.borrow_mut();
            village.edit();
            village.lead.seal();
            village.lead.news()
        })
        .bench_local_values(|batches| {
            assert_eq!(village.borrow_mut().volunteer.take(batches), 1);
        });
}

#[divan::bench]
fn view_fifty_newest(bencher: Bencher<'_, '_>) {
    let village = Village::new();
    let filter = RowFilter {
        kind: Some("need".to_owned()),
        limit: Some(50),
        ..RowFilter::default()
    };
    bencher.bench_local(|| village.volunteer.replica.list(&filter).unwrap());
}

#[divan::bench]
fn view_one_with_its_history(bencher: Bencher<'_, '_>) {
    let mut village = Village::new();
    (0..30).for_each(|_| village.edit());
    village.lead.seal();
    let news = village.lead.news();
    village.volunteer.take(news);
    let record = village.record;
    bencher.bench_local(|| village.volunteer.replica.history(record).unwrap());
}
