use proptest::prelude::*;

use super::conformance::{Author, COMMUNITY, Probe, check_all, check_lists};
use super::fault::FaultStore;
use super::*;
use crate::entry::EntryKind;
use crate::id::{Arrival, DeviceId, EpochId, Head, LaneId, Millis, RecordId, Seq, StoreId};

#[test]
fn memory_store_passes_the_suite() {
    check_all(|| Box::new(MemoryStore::new()));
}

#[test]
fn fault_store_without_a_fault_passes_the_suite() {
    check_all(|| Box::new(FaultStore::new(MemoryStore::new())));
}

#[test]
fn clone_of_a_memory_store_is_a_backup() {
    let mut store = MemoryStore::new();
    let backup = store.clone();
    let mut tx = store.begin().unwrap();
    tx.put_meta("a", b"1").unwrap();
    tx.commit().unwrap();
    assert_eq!(backup.meta("a").unwrap(), None);
}

/// One write; numbers stand for a few lanes, authors, records, and so on.
#[derive(Debug, Clone)]
enum Step {
    Meta(u8, Option<u8>),
    Append {
        author: u8,
        lane: u8,
        count: usize,
        from_relay: bool,
    },
    Branch {
        author: u8,
        lane: u8,
        back: u64,
    },
    Demote {
        author: u8,
        lane: u8,
        back: u64,
    },
    Pending {
        lane: u8,
        seq: u64,
    },
    Sealed {
        lane: u8,
        upto: u64,
    },
    Doc(u8, u8),
    Tail(u8, u8),
    Row {
        record: u8,
        kind: u8,
        lane: u8,
        at: i64,
        conflicts: u32,
    },
    Remove(u8),
    Clear,
    Held {
        author: u8,
        seq: u64,
        record: Option<u8>,
        reason: u16,
    },
    Unheld {
        author: u8,
        seq: u64,
    },
    Waiting {
        epoch: u8,
        seq: u64,
    },
    Unwaiting(u8),
    Marks {
        store: u8,
        lane: u8,
        upto: u64,
    },
}

fn steps() -> impl Strategy<Value = Step> {
    let few = || 0_u8..3;
    prop_oneof![
        2 => (few(), proptest::option::of(any::<u8>())).prop_map(|(name, value)| Step::Meta(name, value)),
        6 => (few(), few(), 1_usize..5, any::<bool>()).prop_map(|(author, lane, count, from_relay)| {
            Step::Append { author, lane, count, from_relay }
        }),
        2 => (few(), few(), 0_u64..3).prop_map(|(author, lane, back)| Step::Branch { author, lane, back }),
        1 => (few(), few(), 0_u64..8).prop_map(|(author, lane, back)| Step::Demote { author, lane, back }),
        2 => (few(), 1_u64..9).prop_map(|(lane, seq)| Step::Pending { lane, seq }),
        1 => (few(), 1_u64..9).prop_map(|(lane, upto)| Step::Sealed { lane, upto }),
        3 => (0_u8..6, any::<u8>()).prop_map(|(record, byte)| Step::Doc(record, byte)),
        3 => (0_u8..6, any::<u8>()).prop_map(|(record, byte)| Step::Tail(record, byte)),
        4 => (0_u8..6, few(), few(), 0_i64..4, 0_u32..2).prop_map(|(record, kind, lane, at, conflicts)| {
            Step::Row { record, kind, lane, at, conflicts }
        }),
        1 => (0_u8..6).prop_map(Step::Remove),
        1 => Just(Step::Clear),
        2 => (few(), 1_u64..5, proptest::option::of(0_u8..6), 0_u16..9).prop_map(
            |(author, seq, record, reason)| Step::Held { author, seq, record, reason }
        ),
        1 => (few(), 1_u64..5).prop_map(|(author, seq)| Step::Unheld { author, seq }),
        2 => (few(), 1_u64..5).prop_map(|(epoch, seq)| Step::Waiting { epoch, seq }),
        1 => few().prop_map(Step::Unwaiting),
        1 => (few(), few(), any::<u64>()).prop_map(|(store, lane, upto)| Step::Marks { store, lane, upto }),
    ]
}

fn lane(number: u8) -> LaneId {
    LaneId::new([number; 16])
}

fn record(number: u8) -> RecordId {
    RecordId::new([number.wrapping_mul(50); 16])
}

fn entry(author: u8, seq: u64) -> EntryRef {
    EntryRef {
        log: Author::new(u64::from(author)).log(lane(0)),
        seq: Seq(seq),
    }
}

fn doc(number: u8, byte: u8) -> DocRow {
    DocRow {
        record: record(number),
        kind: "task".to_owned(),
        space: lane(0),
        base: vec![byte; usize::from(byte) * 40],
        refs: vec![byte],
        is_troubled: byte % 2 == 1,
    }
}

fn row(number: u8, kind: u8, of: u8, at: i64, conflicts: u32) -> ViewRow {
    let day = |at: i64| (at > 1).then(|| format!("2026-03-0{at}"));
    ViewRow {
        record: record(number),
        kind: format!("kind {}", kind % 2),
        space: lane(of),
        state: (kind > 0).then(|| format!("state_{kind}")),
        due: day(at),
        day: day(4 - at),
        title: String::new(),
        fields: "{}".to_owned(),
        created_by: DeviceId::new([of; 32]),
        created_at: Millis(0),
        updated_by: DeviceId::new([kind; 32]),
        updated_at: Millis(at),
        conflicts,
    }
}

fn index(kind: u8, at: i64) -> RowIndex {
    let field = format!("field {kind}");
    let target = LinkTarget::Record(record(u8::try_from(at).unwrap()));
    let links = (kind > 0).then_some(RowLink { field, target });
    RowIndex {
        links: links.into_iter().collect(),
        words: (0..kind).map(|word| format!("word{word}")).collect(),
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of write")]
fn take(
    tx: &mut dyn StoreTx,
    step: &Step,
    authors: &mut [Author],
    chains: &mut Vec<crate::id::ChainHash>,
) {
    match step {
        Step::Meta(name, Some(value)) => tx.put_meta(&name.to_string(), &[*value]).unwrap(),
        Step::Meta(name, None) => tx.remove_meta(&name.to_string()).unwrap(),
        Step::Append {
            author,
            lane: of,
            count,
            from_relay,
        } => {
            let author = &mut authors[usize::from(*author)];
            let head = tx.head(&author.log(lane(*of))).unwrap();
            let batch = author.batch(lane(*of), &head, *count, 20);
            chains.push(batch.head().chain);
            let relay = StoreId::new([1; 16]);
            tx.append(&batch, Some(&relay).filter(|_| *from_relay))
                .unwrap();
        }
        Step::Branch {
            author,
            lane: of,
            back,
        } => {
            let author = &mut authors[usize::from(*author)];
            let head = tx.head(&author.log(lane(*of))).unwrap();
            let after = Head {
                seq: Seq(head.seq.0.saturating_sub(*back)),
                ..head
            };
            let batch = author.batch(lane(*of), &after, 1, 20);
            chains.push(batch.head().chain);
            tx.append_branch(&batch, None).unwrap();
        }
        Step::Demote {
            author,
            lane: of,
            back,
        } => {
            let log = authors[usize::from(*author)].log(lane(*of));
            let head = tx.head(&log).unwrap();
            tx.demote(&log, Seq(head.seq.0.saturating_sub(*back)))
                .unwrap();
        }
        Step::Pending { lane: of, seq } => {
            let kind = EntryKind::CHANGE;
            let row = PendingRow {
                lane: lane(*of),
                seq: Seq(*seq),
                kind,
                record: None,
                bytes: vec![1],
            };
            tx.put_pending(&row).unwrap();
        }
        Step::Sealed { lane: of, upto } => tx.remove_pending(&lane(*of), Seq(*upto)).unwrap(),
        Step::Doc(number, byte) => tx.put_doc(&doc(*number, *byte)).unwrap(),
        Step::Tail(number, byte) => {
            tx.append_tail(
                &record(*number),
                &TailRow {
                    chunk: vec![*byte; 9],
                    refs: vec![],
                },
            )
            .unwrap();
        }
        Step::Row {
            record: number,
            kind,
            lane: of,
            at,
            conflicts,
        } => tx
            .put_row(
                &row(*number, *kind, *of, *at, *conflicts),
                &index(*kind, *at),
            )
            .unwrap(),
        Step::Remove(number) => tx.remove_record(&record(*number)).unwrap(),
        Step::Clear => tx.clear_records().unwrap(),
        Step::Held {
            author,
            seq,
            record: of,
            reason,
        } => {
            let (entry, record) = (entry(*author, *seq), of.map(record));
            tx.put_held(&HeldRow {
                entry,
                record,
                reason: HoldCode(*reason),
            })
            .unwrap();
        }
        Step::Unheld { author, seq } => tx.remove_held(&entry(*author, *seq)).unwrap(),
        Step::Waiting { epoch, seq } => {
            tx.put_waiting(&EpochId::new([*epoch; 16]), &entry(0, *seq))
                .unwrap();
        }
        Step::Unwaiting(epoch) => tx.remove_waiting(&EpochId::new([*epoch; 16])).unwrap(),
        Step::Marks {
            store,
            lane: of,
            upto,
        } => {
            let store = StoreId::new([*store; 16]);
            tx.put_cursor(&store, &lane(*of), *upto).unwrap();
            tx.put_uploaded(&store, Arrival(*upto / 2)).unwrap();
            tx.put_position(&store, Arrival(*upto % 5), *upto).unwrap();
            let kept = authors[0].receipt(store.as_bytes()[0], *upto);
            if upto.is_multiple_of(7) {
                tx.forget_positions(&store).unwrap();
                tx.remove_receipt(&store, kept.receipt.device()).unwrap();
            } else {
                tx.put_receipt(&kept).unwrap();
            }
        }
    }
}

fn authors() -> Vec<Author> {
    (0..3).map(Author::new).collect()
}

/// Runs transactions on a store; some are dropped. Returns the chain hashes of all batches.
fn run(store: &mut dyn Store, transactions: &[(Vec<Step>, bool)]) -> Vec<crate::id::ChainHash> {
    let mut authors = authors();
    let mut chains = Vec::new();
    let mut tx = store.begin().unwrap();
    tx.put_meta("community", COMMUNITY.as_bytes()).unwrap();
    tx.commit().unwrap();
    for (steps, is_committed) in transactions {
        let mut tx = store.begin().unwrap();
        for step in steps {
            take(&mut *tx, step, &mut authors, &mut chains);
        }
        if *is_committed {
            tx.commit().unwrap();
        }
    }
    chains
}

#[test]
fn lists_of_a_memory_store_are_what_a_plain_reading_gives() {
    for seed in 0..40 {
        check_lists(&mut MemoryStore::new(), seed).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    #[cfg(feature = "sqlite")]
    fn memory_and_sqlite_answer_alike(
        transactions in proptest::collection::vec(
            (proptest::collection::vec(steps(), 1..12), proptest::bool::weighted(0.8)),
            1..6,
        ),
    ) {
        let folder = tempfile::TempDir::new().unwrap();
        let mut memory = MemoryStore::new();
        let mut sqlite = SqliteStore::open(&folder.path().join("store")).unwrap();
        let chains = run(&mut memory, &transactions);
        run(&mut sqlite, &transactions);
        let lanes = || (0..3).map(lane);
        let probe = Probe {
            blobs: std::collections::BTreeSet::new(),
            names: (0..3).map(|name| name.to_string()).collect(),
            logs: authors().iter().flat_map(|author| lanes().map(|of| author.log(of))).collect(),
            chains: chains.into_iter().collect(),
            records: (0..6).map(record).collect(),
            epochs: (0..3).map(|epoch| EpochId::new([epoch; 16])).collect(),
            stores: (0..3).map(|store| StoreId::new([store; 16])).collect(),
            kinds: (0..2).map(|kind| format!("kind {kind}")).collect(),
            targets: (0..4).map(record).map(LinkTarget::Record).collect(),
            devices: (0..3).map(|device| DeviceId::new([device; 32])).collect(),
            day: Some("2026-03-03".to_owned()),
            upto: 12,
        };
        prop_assert_eq!(probe.read(&memory).difference(&probe.read(&sqlite)), None);
        sqlite.check().unwrap();
    }
}
