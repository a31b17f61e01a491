//! One suite that every log passes: each function gets an empty log and states one fact.
//!
//! # Panics
//! Every function panics when the log breaks its contract.
#![expect(clippy::indexing_slicing, reason = "the suite chooses its own indexes")]

mod blobs;

use sync_core::entry::branches::Settlement;
use sync_core::entry::seal::{PlainEntry, seal_batch};
use sync_core::entry::{EntryKind, VerifiedBatch};
use sync_core::id::{Arrival, CommunityId, Head, Incarnation, LaneId, LogId, Millis, Seq, StoreId};
use sync_core::keys::{DeviceKeys, Secret, Signer as _};
use sync_core::receipt::{LanesMark, Reading, VerifiedReceipt};

use crate::log::{Appended, BatchLog, KeptReceipts, Numbered, Spot};

const COMMUNITY: CommunityId = CommunityId::new([1; 32]);
const LANE: LaneId = LaneId::new([2; 16]);

/// Writes one device's batches; the salt of each comes from a counter, so that a run repeats.
#[derive(Debug)]
struct Author {
    keys: DeviceKeys,
    log: LogId,
    count: u64,
}

impl Author {
    fn new(seed: u8, lane: LaneId) -> Self {
        let keys = DeviceKeys::from_secrets(&Secret::new([seed; 32]), Secret::new([seed; 32]));
        let log = LogId {
            lane,
            device: keys.device(),
            incarnation: Incarnation::new([seed; 8]),
        };
        Self {
            keys,
            log,
            count: 0,
        }
    }

    fn batch(&mut self, after: &Head, entries: usize) -> VerifiedBatch {
        self.count += 1;
        let entry = |n| PlainEntry {
            kind: EntryKind::CHANGE,
            bytes: format!("{} {n}", self.count).into_bytes(),
        };
        let entries: Vec<_> = (0..entries).map(entry).collect();
        let mut rng = Counter(self.count);
        seal_batch(
            &self.keys, &COMMUNITY, self.log, after, None, &entries, &mut rng,
        )
        .expect("a few words fit a batch")
    }

    fn receipt(&self, store: StoreId, position: u64) -> VerifiedReceipt {
        let reading = Reading {
            store,
            position,
            at: Millis(-5),
            lanes: LanesMark::of(&[LANE].into_iter().collect()),
        };
        VerifiedReceipt::sign(&self.keys, &COMMUNITY, reading).expect("keys in memory sign")
    }

    fn chain(&mut self, count: usize) -> Vec<VerifiedBatch> {
        let mut head = Head::EMPTY;
        let mut batches = Vec::new();
        for _ in 0..count {
            let batch = self.batch(&head, 2);
            head = batch.head();
            batches.push(batch);
        }
        batches
    }
}

/// Not random at all, which is what a repeatable suite needs.
#[derive(Debug)]
struct Counter(u64);

impl rand_core::TryRng for Counter {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64()
            .map(|word| u32::try_from(word >> 32).unwrap_or_default())
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.try_next_u64()?.to_be_bytes();
            chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counter {}

fn store(log: &mut dyn BatchLog, batch: &VerifiedBatch, spot: Spot) -> Appended {
    log.begin().expect("a transaction opens");
    let appended = log
        .append(&COMMUNITY, batch, spot)
        .expect("the batch is taken");
    log.commit().expect("the transaction commits");
    appended
}

fn positions(log: &dyn BatchLog, lane: Option<&LaneId>) -> Vec<(u64, bool)> {
    let all = log.read(&COMMUNITY, lane, Arrival(0), Arrival(u64::MAX), usize::MAX);
    all.expect("the log can be read")
        .iter()
        .map(|row| (row.arrival.0, row.is_branch))
        .collect()
}

/// What counted loses from a position on, and a losing branch counts instead.
pub fn losing_branch_may_count_again(log: &mut dyn BatchLog) {
    let mut author = Author::new(1, LANE);
    let batches = author.chain(3);
    for batch in &batches {
        store(log, batch, Spot::Next);
    }
    let rival = author.batch(&batches[0].head(), 1);
    let Appended::Stored(winner) = store(log, &rival, Spot::Winner) else {
        panic!("it is new")
    };
    let head = |log: &dyn BatchLog| {
        let state = log.community(&COMMUNITY).expect("readable").expect("there");
        state.logs[rival.log()].head
    };
    assert_eq!(head(log), rival.head());
    let settlement = Settlement {
        from: rival.place().first_seq,
        promoted: vec![Arrival(2), Arrival(3)],
    };
    log.begin().expect("a transaction opens");
    let settled = log.settle(&COMMUNITY, rival.log(), &settlement);
    assert_eq!(settled.expect("they are there"), batches[2].head());
    log.commit().expect("the transaction commits");
    assert_eq!(head(log), batches[2].head());
    let all = positions(log, None);
    assert_eq!(all, [(1, false), (2, false), (3, false), (winner.0, true)]);
    let lost = log.lost(&COMMUNITY).expect("readable");
    assert_eq!(lost.len(), 1);
    let missing = log.missing(&COMMUNITY, rival.log(), Seq::FIRST, 9);
    assert_eq!(missing.expect("readable").len(), 3);
}

/// A batch gives up contents, keeps its place, and its log counts fewer bytes.
pub fn batch_that_gave_up_contents_keeps_its_place(log: &mut dyn BatchLog) {
    let mut author = Author::new(1, LANE);
    let batches = author.chain(3);
    for batch in &batches {
        store(log, batch, Spot::Next);
    }
    let middle = &batches[1];
    let reduced = middle.without(|_| true).expect("it has contents");
    let chain = middle.head().chain;
    let erased = |log: &dyn BatchLog| {
        let carried = log.carrying(&COMMUNITY, middle.log(), &chain);
        let carried = carried.expect("readable").expect("it was stored");
        assert_eq!(carried.arrival, Arrival(2));
        carried.batch.erased().count()
    };
    log.begin().expect("a transaction opens");
    log.reduce(&COMMUNITY, Arrival(2), &reduced)
        .expect("it is there");
    log.rollback();
    assert_eq!(erased(log), 0);
    log.begin().expect("a transaction opens");
    log.reduce(&COMMUNITY, Arrival(2), &reduced)
        .expect("it is there");
    log.commit().expect("the transaction commits");
    log.scrub().expect("nobody else reads it");
    assert_eq!(erased(log), middle.count());
    let kept = [batches[0].tail(), reduced.tail(), batches[2].tail()];
    let bytes: usize = kept.iter().map(|tail| tail.len()).sum();
    let state = log.community(&COMMUNITY).expect("readable").expect("there");
    assert_eq!(state.bytes(), bytes as u64);
    assert_eq!(state.logs[middle.log()].head, batches[2].head());
    log.begin().expect("a transaction opens");
    assert!(log.reduce(&COMMUNITY, Arrival(3), &reduced).is_err());
    log.rollback();
}

/// Positions rise by one over all lanes, and each lane knows its own.
pub fn positions_rise_by_one_over_all_lanes(log: &mut dyn BatchLog) {
    let other = LaneId::new([3; 16]);
    let (mut a, mut b) = (Author::new(1, LANE), Author::new(2, other));
    let (a, b) = (a.chain(2), b.chain(2));
    let order = a.iter().zip(&b).flat_map(|(a, b)| [a, b]);
    for (expected, batch) in (1..).zip(order) {
        assert_eq!(
            store(log, batch, Spot::Next),
            Appended::Stored(Arrival(expected))
        );
    }
    assert_eq!(
        positions(log, None),
        [(1, false), (2, false), (3, false), (4, false)]
    );
    assert_eq!(positions(log, Some(&other)), [(2, false), (4, false)]);
    let state = log.community(&COMMUNITY).expect("readable").expect("there");
    assert_eq!(state.tip, Arrival(4));
    assert_eq!(state.lanes[&LANE], Arrival(3));
    assert_eq!(state.logs[a[0].log()].head, a[1].head());
    assert_eq!(
        state.bytes(),
        a.iter()
            .chain(&b)
            .map(|batch| batch.tail().len() as u64)
            .sum::<u64>()
    );
    let totals = log
        .totals(&COMMUNITY, &other, Arrival(2), Arrival(4))
        .expect("readable");
    assert_eq!((totals.batches, totals.entries), (1, 2));
    assert_eq!(totals.bytes, b[1].tail().len() as u64);
}

/// A batch that comes twice is stored once.
pub fn batch_that_comes_twice_is_known(log: &mut dyn BatchLog) {
    let batches = Author::new(1, LANE).chain(2);
    for batch in &batches {
        store(log, batch, Spot::Next);
    }
    for spot in [Spot::Next, Spot::Winner, Spot::Branch] {
        assert_eq!(store(log, &batches[0], spot), Appended::Known(Arrival(1)));
    }
    assert_eq!(positions(log, None).len(), 2);
}

/// A batch that does not follow is not written.
pub fn batch_that_does_not_follow_is_stale(log: &mut dyn BatchLog) {
    let batches = Author::new(1, LANE).chain(3);
    store(log, &batches[0], Spot::Next);
    assert_eq!(store(log, &batches[2], Spot::Next), Appended::Stale);
    assert_eq!(store(log, &batches[2], Spot::Winner), Appended::Stale);
    assert_eq!(positions(log, None), [(1, false)]);
}

/// The winner of a fork takes over; the losing branch stays as proof.
pub fn winner_of_a_fork_takes_over_and_the_loser_stays(log: &mut dyn BatchLog) {
    let mut author = Author::new(1, LANE);
    let main = author.chain(3);
    for batch in &main {
        store(log, batch, Spot::Next);
    }
    let winner = author.batch(&main[0].head(), 1);
    assert_eq!(
        store(log, &winner, Spot::Winner),
        Appended::Stored(Arrival(4))
    );
    let loser = author.batch(&main[2].head(), 1);
    assert_eq!(
        store(log, &loser, Spot::Branch),
        Appended::Stored(Arrival(5))
    );
    assert_eq!(
        positions(log, None),
        [(1, false), (2, true), (3, true), (4, false), (5, true)]
    );
    let id = winner.log();
    let state = log.community(&COMMUNITY).expect("readable").expect("there");
    assert_eq!(state.logs[id].head, winner.head());
    let missing = log
        .missing(&COMMUNITY, id, Seq::FIRST, 10)
        .expect("readable");
    assert_eq!(
        missing
            .iter()
            .map(|batch| batch.arrival.0)
            .collect::<Vec<_>>(),
        [1, 4]
    );
    let branches = log.lost(&COMMUNITY).expect("readable");
    assert!(branches.iter().all(|lost| lost.log == *id));
    assert_eq!(
        branches
            .iter()
            .map(|lost| lost.batch.arrival.0)
            .collect::<Vec<_>>(),
        [2, 3, 5]
    );
    let at = log
        .at(&COMMUNITY, id, Seq(3))
        .expect("readable")
        .expect("there");
    assert_eq!(
        (at.prev, at.chain),
        (main[0].head().chain, winner.head().chain)
    );
    let chain = |batch: &VerifiedBatch| {
        log.with_chain(&COMMUNITY, id, &batch.head().chain)
            .expect("readable")
    };
    assert_eq!(chain(&winner), Some((Seq(3), false)));
    assert_eq!(chain(&main[2]), Some((Seq(6), true)));
    assert_eq!(chain(&main[0]), Some((Seq(2), false)));
}

/// What was not committed is not there.
pub fn rollback_leaves_nothing(log: &mut dyn BatchLog) {
    let batches = Author::new(1, LANE).chain(2);
    log.begin().expect("a transaction opens");
    log.append(&COMMUNITY, &batches[0], Spot::Next)
        .expect("taken");
    assert_eq!(positions(log, None).len(), 1);
    log.rollback();
    assert_eq!(log.community(&COMMUNITY), Ok(None));
    assert_eq!(log.communities(), Ok(0));
    store(log, &batches[0], Spot::Next);
    log.begin().expect("a transaction opens");
    log.append(&COMMUNITY, &batches[1], Spot::Next)
        .expect("taken");
    log.rollback();
    assert_eq!(positions(log, None), [(1, false)]);
    assert_eq!(
        store(log, &batches[1], Spot::Next),
        Appended::Stored(Arrival(2))
    );
}

/// Reading stops near the bytes asked for, and always gets on by at least one batch.
pub fn reading_is_bounded_and_gets_on(log: &mut dyn BatchLog) {
    let batches = Author::new(1, LANE).chain(5);
    for batch in &batches {
        store(log, batch, Spot::Next);
    }
    let one = batches[0].tail().len();
    let read = |after, upto, bytes| -> Vec<u64> {
        let rows = log.read(
            &COMMUNITY,
            Some(&LANE),
            Arrival(after),
            Arrival(upto),
            bytes,
        );
        rows.expect("readable")
            .iter()
            .map(|row| row.arrival.0)
            .collect()
    };
    assert_eq!(read(0, 9, 1), [1]);
    assert_eq!(read(1, 9, one + 1), [2, 3]);
    assert_eq!(read(3, 4, usize::MAX), [4]);
    assert_eq!(read(5, 9, usize::MAX), [0; 0]);
    let row = log
        .batch(&COMMUNITY, Arrival(3))
        .expect("readable")
        .expect("there");
    assert_eq!(*row.batch, batches[2]);
    assert!(
        log.batch(&COMMUNITY, Arrival(6))
            .expect("readable")
            .is_none()
    );
    assert!(
        log.batch(&COMMUNITY, Arrival(0))
            .expect("readable")
            .is_none()
    );
    let missing = log
        .missing(&COMMUNITY, batches[0].log(), Seq(4), 2)
        .expect("readable");
    assert_eq!(
        missing
            .iter()
            .map(|batch| batch.arrival.0)
            .collect::<Vec<_>>(),
        [2, 3]
    );
}

/// Communities are apart from each other.
pub fn communities_are_apart(log: &mut dyn BatchLog) {
    let batches = Author::new(1, LANE).chain(1);
    store(log, &batches[0], Spot::Next);
    let other = CommunityId::new([9; 32]);
    assert_eq!(log.community(&other), Ok(None));
    assert_eq!(log.communities(), Ok(1));
    assert_eq!(log.founded_by(&batches[0].log().device), Ok(1));
    assert_eq!(log.founded_by(&Author::new(7, LANE).keys.device()), Ok(0));
    let rows = log.read(&other, None, Arrival(0), Arrival(u64::MAX), usize::MAX);
    assert!(rows.expect("readable").is_empty());
    assert_eq!(log.at(&other, batches[0].log(), Seq::FIRST), Ok(None));
}

/// A device has one receipt, numbers are not given twice, and what was rolled back was not kept.
pub fn receipts_are_kept_by_device_and_number(log: &mut dyn BatchLog) {
    let (one, two) = (Author::new(1, LANE), Author::new(2, LANE));
    let nothing = KeptReceipts::default();
    assert_eq!(log.receipts(&COMMUNITY), Ok(nothing.clone()));
    store(log, &Author::new(1, LANE).chain(1)[0], Spot::Next);
    assert_eq!(log.receipts(&COMMUNITY), Ok(nothing));
    let store_id = log.store_id();
    let receipt = |author: &Author, number: u64| Numbered {
        number,
        receipt: author.receipt(store_id, number * 10),
    };
    let put = |log: &mut dyn BatchLog, numbered: &Numbered| {
        log.begin().expect("begins");
        log.put_receipt(&COMMUNITY, numbered).expect("is kept");
        log.commit().expect("commits");
    };
    for numbered in [receipt(&one, 1), receipt(&two, 2), receipt(&one, 3)] {
        put(log, &numbered);
    }
    let kept = KeptReceipts {
        newest: 3,
        receipts: vec![receipt(&two, 2), receipt(&one, 3)],
    };
    assert_eq!(log.receipts(&COMMUNITY), Ok(kept.clone()));
    let other = CommunityId::new([9; 32]);
    assert_eq!(log.receipts(&other), Ok(KeptReceipts::default()));
    log.begin().expect("begins");
    log.put_receipt(&COMMUNITY, &receipt(&two, 4))
        .expect("is kept");
    log.remove_receipt(&COMMUNITY, &one.keys.device())
        .expect("is dropped");
    log.rollback();
    assert_eq!(log.receipts(&COMMUNITY), Ok(kept));
    log.begin().expect("begins");
    log.remove_receipt(&COMMUNITY, &one.keys.device())
        .expect("is dropped");
    log.commit().expect("commits");
    let left = KeptReceipts {
        newest: 3,
        receipts: vec![receipt(&two, 2)],
    };
    assert_eq!(log.receipts(&COMMUNITY), Ok(left));
}

/// One fact, shown on an empty log.
pub type Fact = fn(&mut dyn BatchLog);

/// Every fact of the suite, with its name.
pub const ALL: &[(&str, Fact)] = &[
    (
        "positions_rise_by_one_over_all_lanes",
        positions_rise_by_one_over_all_lanes,
    ),
    (
        "batch_that_comes_twice_is_known",
        batch_that_comes_twice_is_known,
    ),
    (
        "batch_that_does_not_follow_is_stale",
        batch_that_does_not_follow_is_stale,
    ),
    (
        "winner_of_a_fork_takes_over_and_the_loser_stays",
        winner_of_a_fork_takes_over_and_the_loser_stays,
    ),
    (
        "losing_branch_may_count_again",
        losing_branch_may_count_again,
    ),
    (
        "batch_that_gave_up_contents_keeps_its_place",
        batch_that_gave_up_contents_keeps_its_place,
    ),
    ("rollback_leaves_nothing", rollback_leaves_nothing),
    (
        "reading_is_bounded_and_gets_on",
        reading_is_bounded_and_gets_on,
    ),
    ("communities_are_apart", communities_are_apart),
    (
        "receipts_are_kept_by_device_and_number",
        receipts_are_kept_by_device_and_number,
    ),
    (
        "blobs_come_chunk_by_chunk_and_go_with_their_entry",
        blobs::blobs_come_chunk_by_chunk_and_go_with_their_entry,
    ),
];
