//! Facts about transactions, logs and batches.

use super::{Author, COMMUNITY, Check};
use crate::entry::VerifiedBatch;
use crate::entry::place::Link;
use crate::id::{Arrival, Head, LaneId, Seq, StoreId};
use crate::session::carrier::{BatchRef, Carried};
use crate::store::{EntryRef, Store, StoreError};
use crate::wire::Totals;

const HERE: LaneId = LaneId::new([1; 16]);
const THERE: LaneId = LaneId::new([2; 16]);
const RELAY: StoreId = StoreId::new([7; 16]);
const END: Arrival = Arrival(u64::MAX);

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("an empty store is empty", empty),
    ("a dropped transaction has not happened", rollback),
    ("a transaction sees its own writes", own_writes),
    ("a log is read as it was written", log_round_trip),
    ("a batch that does not follow is refused", refuses_misplaced),
    ("arrivals rise without gaps over all lanes", arrivals),
    ("stretches end at their limits", limits),
    ("totals count what a stretch holds", totals),
    ("missing batches are those that end late enough", missing),
    ("a losing branch is kept apart", branch),
    ("a batch gives up contents and keeps its place", reduce),
    ("a demoted stretch is a losing branch", demote),
    ("a log may lose all its batches", demote_all),
    ("a losing branch may count again", promote),
    ("logs that came from elsewhere are told apart", origins),
];

fn reduce(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut author = Author::new(1);
    let mut batches = Vec::new();
    let mut head = Head::EMPTY;
    for count in [2, 3, 1] {
        let batch = author.batch(HERE, &head, count, 20);
        head = batch.head();
        batches.push(batch);
    }
    append_all(store, &batches)?;
    let middle = &batches[1];
    let gone = middle.place().first_seq.plus(1);
    let reduced = middle.without(|seq| seq == gone);
    let reduced = reduced.expect("the entry has contents");
    let mut tx = store.begin()?;
    tx.reduce(Arrival(2), &reduced)?;
    drop(tx);
    let kept = |store: &dyn Store| -> Result<Vec<Seq>, StoreError> {
        let carried = store.carrying(middle.log(), &middle.head().chain)?;
        let carried = carried.expect("it was appended");
        assert_eq!(carried.arrival, Arrival(2));
        Ok(carried.batch.erased().collect())
    };
    assert_eq!(kept(store)?, []);
    let mut tx = store.begin()?;
    tx.reduce(Arrival(2), &reduced)?;
    tx.commit()?;
    assert_eq!(kept(store)?, [gone]);
    let log = *middle.log();
    assert_eq!(store.head(&log)?, batches[2].head());
    assert_eq!(store.missing(&log, Seq::FIRST, 9)?.len(), 3);
    assert_eq!(store.since(Arrival(0), usize::MAX)?.len(), 3);
    store.scrub()?;
    store.check()?;
    assert_eq!(kept(store)?, [gone]);
    // Another batch is not put in its place.
    let mut tx = store.begin()?;
    assert!(tx.reduce(Arrival(2), &batches[0]).is_err());
    drop(tx);
    let mut tx = store.begin()?;
    assert!(tx.reduce(Arrival(3), &reduced).is_err());
    Ok(())
}

fn begin_community(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut tx = store.begin()?;
    tx.put_meta("community", COMMUNITY.as_bytes())?;
    tx.commit()
}

fn append_all(store: &mut dyn Store, batches: &[VerifiedBatch]) -> Result<(), StoreError> {
    let mut tx = store.begin()?;
    tx.put_meta("community", COMMUNITY.as_bytes())?;
    for batch in batches {
        tx.append(batch, None)?;
    }
    tx.commit()
}

fn arrivals_of(carried: &[Carried]) -> Vec<u64> {
    carried.iter().map(|carried| carried.arrival.0).collect()
}

fn empty(store: &mut dyn Store) -> Result<(), StoreError> {
    let log = Author::new(1).log(HERE);
    assert_eq!(store.head(&log)?, Head::EMPTY);
    assert_eq!(store.heads(&HERE)?, []);
    assert_eq!(store.logs()?, []);
    assert_eq!(store.link_at(&log, Seq(1))?, None);
    assert!(store.batch_with(&EntryRef { log, seq: Seq(1) })?.is_none());
    assert!(store.batch(Arrival(1))?.is_none());
    assert!(store.stretch(&HERE, Arrival(0), END, 1)?.is_empty());
    assert!(store.since(Arrival(0), 1)?.is_empty());
    assert_eq!(store.missing(&log, Seq(1), 9)?, []);
    assert_eq!(store.totals(&HERE, Arrival(0), END)?, Totals::default());
    assert_eq!(
        (store.tip(&HERE)?, store.last_arrival()?),
        (Arrival(0), Arrival(0))
    );
    assert_eq!(store.logs_since(Arrival(0), &RELAY)?, []);
    assert_eq!(store.meta("community")?, None);
    assert!(!store.changed_elsewhere()?);
    Ok(())
}

fn rollback(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut author = Author::new(1);
    let batches = author.chain(HERE, &Head::EMPTY, 3);
    append_all(store, &batches[..1])?;
    {
        let mut tx = store.begin()?;
        tx.append(&batches[1], None)?;
        tx.append(&batches[2], Some(&RELAY))?;
        tx.demote(batches[0].log(), Seq(4))?;
        tx.put_meta("community", b"other")?;
        tx.put_meta("further", b"1")?;
        tx.put_cursor(&RELAY, &HERE, 5)?;
    }
    assert_eq!(store.head(batches[0].log())?, batches[0].head());
    assert_eq!(store.last_arrival()?, Arrival(1));
    assert_eq!(
        store.meta("community")?.as_deref(),
        Some(COMMUNITY.as_bytes().as_slice())
    );
    assert_eq!(store.meta("further")?, None);
    assert_eq!(store.cursor(&RELAY, &HERE)?, 0);
    assert!(!store.has_branch(batches[1].log(), &batches[1].head().chain)?);
    append_all(store, &batches[1..])?;
    assert_eq!(store.head(batches[0].log())?, batches[2].head());
    Ok(())
}

fn own_writes(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut author = Author::new(1);
    let batch = author.batch(HERE, &Head::EMPTY, 2, 10);
    let mut tx = store.begin()?;
    tx.put_meta("community", COMMUNITY.as_bytes())?;
    let arrival = tx.append(&batch, None)?;
    assert_eq!(tx.head(batch.log())?, batch.head());
    assert_eq!(tx.tip(&HERE)?, arrival);
    let stored = tx.batch(arrival)?.map(|carried| carried.batch);
    assert_eq!(stored.as_deref(), Some(&batch));
    tx.put_meta("name", b"1")?;
    assert_eq!(tx.meta("name")?.as_deref(), Some(b"1".as_slice()));
    tx.put_meta("name", b"2")?;
    tx.remove_meta("absent")?;
    assert_eq!(tx.meta("name")?.as_deref(), Some(b"2".as_slice()));
    tx.remove_meta("name")?;
    assert_eq!(tx.meta("name")?, None);
    tx.commit()?;
    assert_eq!(store.head(batch.log())?, batch.head());
    assert!(!store.changed_elsewhere()?);
    Ok(())
}

fn log_round_trip(store: &mut dyn Store) -> Result<(), StoreError> {
    let (mut first, mut second) = (Author::new(1), Author::new(2));
    let batches = first.chain(HERE, &Head::EMPTY, 4);
    append_all(store, &batches)?;
    let other = second.batch(HERE, &Head::EMPTY, 128, 20);
    let large = second.batch(THERE, &Head::EMPTY, 1, 200_000);
    append_all(store, &[other.clone(), large.clone()])?;
    for (index, batch) in batches.iter().enumerate() {
        let carried = store
            .batch(Arrival(index as u64 + 1))?
            .expect("it was appended");
        assert_eq!(&*carried.batch, batch);
        assert!(!carried.is_branch);
        let link = Link {
            prev: *batch.prev(),
            chain: batch.head().chain,
        };
        assert_eq!(
            store.link_at(batch.log(), batch.place().first_seq)?,
            Some(link)
        );
        assert_eq!(store.link_at(batch.log(), batch.last_seq())?, None);
        assert_eq!(
            store.ending_with(batch.log(), &link.chain)?,
            Some(batch.last_seq())
        );
        assert_eq!(store.ending_with(other.log(), &link.chain)?, None);
        assert!(!store.has_branch(batch.log(), &link.chain)?);
        for entry in batch.entries() {
            let holding = store.batch_with(&EntryRef {
                log: *batch.log(),
                seq: entry.seq,
            })?;
            assert_eq!(holding.as_deref(), Some(batch));
        }
    }
    let after = EntryRef {
        log: *batches[0].log(),
        seq: batches[3].head().next(),
    };
    assert!(store.batch_with(&after)?.is_none());
    assert!(
        store
            .batch_with(&EntryRef {
                seq: Seq(0),
                ..after
            })?
            .is_none()
    );
    assert_eq!(
        store
            .batch_with(&EntryRef {
                log: *large.log(),
                seq: Seq(1)
            })?
            .as_deref(),
        Some(&large)
    );
    let mut heads = vec![
        (*batches[0].log(), batches[3].head()),
        (*other.log(), other.head()),
    ];
    heads.sort_by_key(|(log, _)| *log);
    assert_eq!(store.heads(&HERE)?, heads);
    let mut logs = vec![*batches[0].log(), *other.log(), *large.log()];
    logs.sort_unstable();
    assert_eq!(store.logs()?, logs);
    Ok(())
}

fn refuses_misplaced(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut author = Author::new(1);
    let batches = author.chain(HERE, &Head::EMPTY, 3);
    append_all(store, &batches[..1])?;
    let sibling = author.batch(HERE, &batches[0].head(), 1, 1);
    for (batch, why) in [(&batches[2], "a gap"), (&batches[0], "known")] {
        assert!(store.begin()?.append(batch, None).is_err(), "{why}");
    }
    append_all(store, &batches[1..2])?;
    assert!(store.begin()?.append(&sibling, None).is_err(), "a fork");
    assert!(
        store.begin()?.append_branch(&batches[1], None).is_err(),
        "known"
    );
    assert_eq!(store.last_arrival()?, Arrival(2));
    Ok(())
}

fn arrivals(store: &mut dyn Store) -> Result<(), StoreError> {
    let (mut first, mut second) = (Author::new(1), Author::new(2));
    let here = first.chain(HERE, &Head::EMPTY, 3);
    let there = second.chain(THERE, &Head::EMPTY, 2);
    begin_community(store)?;
    let mut given = Vec::new();
    for batch in [&here[0], &there[0], &here[1], &there[1], &here[2]] {
        // What a dropped transaction was given does not count.
        store.begin()?.append(batch, None)?;
        let mut tx = store.begin()?;
        given.push(tx.append(batch, None)?.0);
        tx.commit()?;
    }
    assert_eq!(given, [1, 2, 3, 4, 5]);
    assert_eq!(arrivals_of(&store.since(Arrival(0), usize::MAX)?), given);
    assert_eq!(arrivals_of(&store.since(Arrival(3), usize::MAX)?), [4, 5]);
    assert!(store.since(Arrival(5), usize::MAX)?.is_empty());
    assert!(store.since(END, usize::MAX)?.is_empty());
    let of_lane = |lane, after, upto| {
        Ok::<_, StoreError>(arrivals_of(&store.stretch(
            &lane,
            after,
            upto,
            usize::MAX,
        )?))
    };
    assert_eq!(of_lane(HERE, Arrival(0), END)?, [1, 3, 5]);
    assert_eq!(of_lane(HERE, Arrival(1), Arrival(4))?, [3]);
    assert_eq!(of_lane(HERE, Arrival(2), Arrival(3))?, [3]);
    assert_eq!(of_lane(THERE, Arrival(0), Arrival(1))?, [0; 0]);
    assert_eq!(of_lane(THERE, Arrival(2), Arrival(5))?, [4]);
    assert_eq!(of_lane(HERE, Arrival(5), Arrival(2))?, [0; 0]);
    assert_eq!(
        (store.tip(&HERE)?, store.tip(&THERE)?),
        (Arrival(5), Arrival(4))
    );
    assert_eq!(store.last_arrival()?, Arrival(5));
    Ok(())
}

fn limits(store: &mut dyn Store) -> Result<(), StoreError> {
    let batches = Author::new(1).chain(HERE, &Head::EMPTY, 4);
    append_all(store, &batches)?;
    let len = batches[0].tail().len();
    for (bytes_max, expected) in [
        (0, 1),
        (1, 1),
        (len, 1),
        (len + 1, 2),
        (3 * len, 3),
        (9 * len, 4),
    ] {
        let stretch = store.stretch(&HERE, Arrival(0), END, bytes_max)?;
        assert_eq!(stretch.len(), expected, "{bytes_max} bytes of a lane");
        assert_eq!(
            store.since(Arrival(0), bytes_max)?.len(),
            expected,
            "{bytes_max} bytes"
        );
    }
    Ok(())
}

fn totals(store: &mut dyn Store) -> Result<(), StoreError> {
    let (mut first, mut second) = (Author::new(1), Author::new(2));
    let here = first.chain(HERE, &Head::EMPTY, 4);
    let there = second.batch(THERE, &Head::EMPTY, 7, 5);
    append_all(store, &[&here[..2], &[there], &here[2..]].concat())?;
    for (after, upto) in [
        (0, 9),
        (0, 2),
        (1, 3),
        (2, 5),
        (3, 4),
        (3, 3),
        (4, 2),
        (9, 12),
    ] {
        let (after, upto) = (Arrival(after), Arrival(upto));
        let mut expected = Totals::default();
        for carried in store.stretch(&HERE, after, upto, usize::MAX)? {
            expected.batches += 1;
            expected.entries += carried.batch.count() as u64;
            expected.bytes += carried.batch.tail().len() as u64;
        }
        assert_eq!(
            store.totals(&HERE, after, upto)?,
            expected,
            "{after:?} to {upto:?}"
        );
    }
    assert_eq!(store.totals(&THERE, Arrival(0), END)?.entries, 7);
    Ok(())
}

fn missing(store: &mut dyn Store) -> Result<(), StoreError> {
    let batches = Author::new(1).chain(HERE, &Head::EMPTY, 4);
    append_all(store, &batches)?;
    let log = batches[0].log();
    let refs: Vec<_> = batches
        .iter()
        .zip(1..)
        .map(|(batch, arrival)| BatchRef {
            arrival: Arrival(arrival),
            last_seq: batch.last_seq(),
            entries: 3,
            bytes: batch.tail().len() as u64,
        })
        .collect();
    for (from, begin) in [
        (0, 0),
        (1, 0),
        (3, 0),
        (4, 1),
        (6, 1),
        (7, 2),
        (12, 3),
        (13, 4),
    ] {
        assert_eq!(
            store.missing(log, Seq(from), 9)?,
            refs[begin..],
            "from {from}"
        );
    }
    assert_eq!(store.missing(log, Seq(2), 2)?, refs[..2]);
    assert_eq!(store.missing(log, Seq(2), 0)?, []);
    Ok(())
}

fn branch(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut author = Author::new(1);
    let main = author.chain(HERE, &Head::EMPTY, 2);
    let losing = author.chain(HERE, &main[0].head(), 2);
    append_all(store, &main)?;
    let mut tx = store.begin()?;
    let arrival = tx.append_branch(&losing[0], Some(&RELAY))?;
    tx.append_branch(&losing[1], None)?;
    tx.commit()?;
    let log = main[0].log();
    assert_eq!(arrival, Arrival(3));
    assert_eq!(store.head(log)?, main[1].head());
    assert!(store.has_branch(log, &losing[0].head().chain)?);
    assert!(!store.has_branch(log, &main[1].head().chain)?);
    assert_eq!(store.ending_with(log, &losing[0].head().chain)?, None);
    assert_eq!(store.missing(log, Seq(1), 9)?.len(), 2);
    assert_eq!(
        store
            .batch_with(&EntryRef {
                log: *log,
                seq: Seq(4)
            })?
            .as_deref(),
        Some(&main[1])
    );
    let flags: Vec<_> = store
        .stretch(&HERE, Arrival(0), END, usize::MAX)?
        .iter()
        .map(|carried| carried.is_branch)
        .collect();
    assert_eq!(flags, [false, false, true, true]);
    assert_eq!(store.tip(&HERE)?, Arrival(4));
    assert_eq!(store.totals(&HERE, Arrival(0), END)?.batches, 4);
    // A branch of a log without any batch that counts.
    let stray = Author::new(2).batch(
        THERE,
        &Head {
            seq: Seq(3),
            ..main[0].head()
        },
        1,
        1,
    );
    let mut tx = store.begin()?;
    tx.append_branch(&stray, None)?;
    tx.commit()?;
    assert_eq!(store.heads(&THERE)?, []);
    assert_eq!(store.logs()?.len(), 2);
    let lost: Vec<_> = store
        .lost()?
        .iter()
        .map(|lost| (lost.log, lost.chain, lost.batch.arrival.0))
        .collect();
    let expected = [(&losing[0], 3), (&losing[1], 4), (&stray, 5)];
    let expected = expected.map(|(batch, at)| (*batch.log(), batch.head().chain, at));
    assert_eq!(lost, expected);
    Ok(())
}

fn demote(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut author = Author::new(1);
    let losing = author.chain(HERE, &Head::EMPTY, 4);
    let winning = author.chain(HERE, &losing[1].head(), 2);
    append_all(store, &losing)?;
    let log = losing[0].log();
    let mut tx = store.begin()?;
    tx.demote(log, losing[3].head().next())?;
    assert_eq!(
        tx.head(log)?,
        losing[3].head(),
        "nothing lies behind the head"
    );
    tx.demote(log, winning[0].place().first_seq)?;
    assert_eq!(tx.head(log)?, losing[1].head());
    for batch in &winning {
        tx.append(batch, None)?;
    }
    tx.commit()?;
    assert_eq!(store.head(log)?, winning[1].head());
    for batch in &losing[2..] {
        assert!(store.has_branch(log, &batch.head().chain)?);
        assert_eq!(store.ending_with(log, &batch.head().chain)?, None);
    }
    assert_eq!(
        store.ending_with(log, &losing[1].head().chain)?,
        Some(Seq(6))
    );
    let seq = winning[0].place().first_seq;
    let holding = store.batch_with(&EntryRef { log: *log, seq })?;
    assert_eq!(holding.as_deref(), Some(&winning[0]));
    let ends: Vec<_> = store
        .missing(log, Seq(1), 9)?
        .iter()
        .map(|r| r.arrival.0)
        .collect();
    assert_eq!(ends, [1, 2, 5, 6]);
    let lost: Vec<_> = store
        .lost()?
        .iter()
        .map(|lost| lost.batch.arrival)
        .collect();
    assert_eq!(lost, [Arrival(3), Arrival(4)]);
    let third = store.batch(Arrival(3))?.expect("arrivals stay");
    assert!(third.is_branch);
    assert_eq!(*third.batch, losing[2]);
    Ok(())
}

fn promote(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut author = Author::new(1);
    let losing = author.chain(HERE, &Head::EMPTY, 4);
    let winning = author.chain(HERE, &losing[1].head(), 1);
    append_all(store, &losing)?;
    let log = *losing[0].log();
    let fork = winning[0].place().first_seq;
    let mut tx = store.begin()?;
    tx.demote(&log, fork)?;
    tx.append(&winning[0], None)?;
    tx.commit()?;
    let main = |store: &dyn Store| -> Result<(Head, usize), StoreError> {
        Ok((store.head(&log)?, store.lost()?.len()))
    };
    let lost: Vec<Arrival> = store.lost()?.iter().map(|it| it.batch.arrival).collect();
    assert_eq!(main(store)?, (winning[0].head(), lost.len()));
    let mut tx = store.begin()?;
    // It must follow the end of the log.
    assert!(tx.promote(lost[0]).is_err());
    drop(tx);
    let mut tx = store.begin()?;
    tx.demote(&log, fork)?;
    for arrival in &lost {
        tx.promote(*arrival)?;
    }
    tx.commit()?;
    let last = losing.last().expect("it has batches");
    assert_eq!(main(store)?, (last.head(), 1));
    assert_eq!(store.missing(&log, Seq::FIRST, 99)?.len(), losing.len());
    store.check()
}

fn demote_all(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut author = Author::new(1);
    let losing = author.chain(HERE, &Head::EMPTY, 2);
    let winning = author.batch(HERE, &Head::EMPTY, 5, 1);
    append_all(store, &losing)?;
    let mut tx = store.begin()?;
    tx.demote(losing[0].log(), Seq(1))?;
    assert_eq!(tx.head(losing[0].log())?, Head::EMPTY);
    assert_eq!(tx.heads(&HERE)?, []);
    assert_eq!(tx.logs()?, [*losing[0].log()]);
    tx.append(&winning, None)?;
    tx.commit()?;
    assert_eq!(store.heads(&HERE)?, [(*winning.log(), winning.head())]);
    assert_eq!(store.missing(winning.log(), Seq(1), 9)?.len(), 1);
    Ok(())
}

fn origins(store: &mut dyn Store) -> Result<(), StoreError> {
    let mut authors = [Author::new(1), Author::new(2), Author::new(3)];
    let batches: Vec<_> = authors
        .iter_mut()
        .map(|author| author.batch(HERE, &Head::EMPTY, 1, 1))
        .collect();
    let elsewhere = StoreId::new([8; 16]);
    let mut tx = store.begin()?;
    tx.put_meta("community", COMMUNITY.as_bytes())?;
    tx.append(&batches[0], Some(&RELAY))?;
    tx.append(&batches[1], None)?;
    tx.append(&batches[2], Some(&elsewhere))?;
    tx.commit()?;
    let sorted = |indexes: &[usize]| {
        let mut logs: Vec<_> = indexes.iter().map(|index| *batches[*index].log()).collect();
        logs.sort_unstable();
        logs
    };
    assert_eq!(store.logs_since(Arrival(0), &RELAY)?, sorted(&[1, 2]));
    assert_eq!(store.logs_since(Arrival(0), &elsewhere)?, sorted(&[0, 1]));
    assert_eq!(store.logs_since(Arrival(2), &RELAY)?, sorted(&[2]));
    assert_eq!(store.logs_since(Arrival(2), &elsewhere)?, []);
    assert_eq!(store.logs_since(Arrival(3), &RELAY)?, []);
    Ok(())
}
