//! Everything that a store can be asked, asked at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use crate::entry::{Place, VerifiedBatch};
use crate::id::{
    Arrival, BlobId, ChainHash, DeviceId, EpochId, Head, LaneId, LogId, Millis, RecordId, Seq,
    StoreId,
};
use crate::session::carrier::Carried;
use crate::store::{EntryRef, LinkTarget, Order, RowFilter, StoreError, StoreRead};

/// Answers by question, as texts: equal for stores that hold the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading(pub BTreeMap<String, Result<String, StoreError>>);

impl Reading {
    fn ask<T: Debug>(&mut self, question: String, answer: Result<T, StoreError>) {
        self.0
            .insert(question, answer.map(|answer| format!("{answer:?}")));
    }

    /// The first question that has another answer in `other`, with both.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let questions: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differs = |question: &&&String| self.0.get(**question) != other.0.get(**question);
        questions.iter().find(differs).map(|question| {
            let (ours, theirs) = (self.0.get(*question), other.0.get(*question));
            format!("{question}: {ours:?} or {theirs:?}")
        })
    }
}

/// All that a batch is, in short.
fn seen(batch: &VerifiedBatch) -> (Place, ChainHash, Head, blake3::Hash) {
    (
        *batch.place(),
        *batch.prev(),
        batch.head(),
        blake3::hash(batch.tail()),
    )
}

fn seen_carried(carried: Carried) -> impl Debug {
    (carried.arrival, carried.is_branch, seen(&carried.batch))
}

fn seen_all(all: Vec<Carried>) -> impl Debug {
    all.into_iter().map(seen_carried).collect::<Vec<_>>()
}

/// What to ask a store about: names, whether it knows them or not.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    /// Named values.
    pub names: BTreeSet<String>,
    /// Logs; their lanes are asked about too.
    pub logs: BTreeSet<LogId>,
    /// Chain hashes, asked for in each log.
    pub chains: BTreeSet<ChainHash>,
    /// Records.
    pub records: BTreeSet<RecordId>,
    /// Epochs.
    pub epochs: BTreeSet<EpochId>,
    /// Blobs.
    pub blobs: BTreeSet<BlobId>,
    /// Relays' stores.
    pub stores: BTreeSet<StoreId>,
    /// Names of kinds.
    pub kinds: BTreeSet<String>,
    /// What records lead to.
    pub targets: BTreeSet<LinkTarget>,
    /// Devices that began or changed records.
    pub devices: BTreeSet<DeviceId>,
    /// A day that lists begin or end with.
    pub day: Option<String>,
    /// How far arrivals and positions are asked for.
    pub upto: u64,
}

impl Probe {
    /// Asks everything; the answers do not depend on which store it is.
    #[must_use]
    pub fn read(&self, store: &dyn StoreRead) -> Reading {
        let mut reading = Reading::default();
        self.read_whole(store, &mut reading);
        self.read_lanes(store, &mut reading);
        for log in &self.logs {
            self.read_log(store, log, &mut reading);
        }
        self.read_views(store, &mut reading);
        for record in &self.records {
            reading.ask(format!("doc {record}"), store.doc(record));
            reading.ask(format!("tails {record}"), store.tails(record));
            reading.ask(format!("row {record}"), store.row(record));
            reading.ask(format!("links of {record}"), store.links_of(record));
            reading.ask(format!("held of {record}"), store.held_of(record));
            let prefix: String = record.to_string().chars().take(2).collect();
            reading.ask(format!("like {prefix}"), store.records_like(&prefix, 3));
        }
        reading
    }

    fn lanes(&self) -> BTreeSet<LaneId> {
        self.logs.iter().map(|log| log.lane).collect()
    }

    fn read_whole(&self, store: &dyn StoreRead, reading: &mut Reading) {
        for name in &self.names {
            reading.ask(format!("meta {name}"), store.meta(name));
        }
        reading.ask("logs".to_owned(), store.logs());
        reading.ask("last arrival".to_owned(), store.last_arrival());
        reading.ask("pending".to_owned(), store.pending());
        reading.ask("receipts".to_owned(), store.receipts());
        reading.ask("blobs".to_owned(), store.blobs());
        for id in &self.blobs {
            reading.ask(format!("blob {id}"), store.blob(id));
            for part in 0..3 {
                let bytes = store.blob_part(id, part);
                reading.ask(format!("part {part} of blob {id}"), bytes);
            }
        }
        reading.ask("records".to_owned(), store.records());
        reading.ask(
            "records like all".to_owned(),
            store.records_like("", usize::MAX),
        );
        reading.ask("counts".to_owned(), store.counts());
        reading.ask("state counts".to_owned(), store.state_counts());
        reading.ask("held".to_owned(), store.held());
        reading.ask("lost".to_owned(), store.lost());
        reading.ask("held count".to_owned(), store.held_count());
        reading.ask("waited for".to_owned(), store.waited_for());
        for epoch in &self.epochs {
            reading.ask(format!("waiting for {epoch}"), store.waiting_for(epoch));
        }
        for at in 0..=self.upto {
            let one = store
                .batch(Arrival(at))
                .map(|carried| carried.map(seen_carried));
            reading.ask(format!("batch {at}"), one);
            reading.ask(
                format!("since {at}"),
                store.since(Arrival(at), 1000).map(seen_all),
            );
            for id in &self.stores {
                let answer = store.logs_since(Arrival(at), id);
                reading.ask(format!("logs since {at} {id}"), answer);
            }
        }
        let all = store.since(Arrival(0), usize::MAX).map(seen_all);
        reading.ask("since 0, all".to_owned(), all);
        for id in &self.stores {
            reading.ask(format!("uploaded {id}"), store.uploaded(id));
            for at in 0..=self.upto {
                let answer = store.position(id, Arrival(at));
                reading.ask(format!("position {at} {id}"), answer);
            }
        }
    }

    fn read_lanes(&self, store: &dyn StoreRead, reading: &mut Reading) {
        for lane in &self.lanes() {
            reading.ask(format!("heads {lane}"), store.heads(lane));
            reading.ask(format!("tip {lane}"), store.tip(lane));
            reading.ask(format!("last pending {lane}"), store.last_pending(lane));
            for id in &self.stores {
                reading.ask(format!("cursor {id} {lane}"), store.cursor(id, lane));
            }
            for after in 0..=self.upto {
                for upto in [after / 2, after + 1, after + 3, u64::MAX] {
                    let (from, to) = (Arrival(after), Arrival(upto));
                    let totals = store.totals(lane, from, to);
                    reading.ask(format!("totals {lane} {after} {upto}"), totals);
                    let stretch = store.stretch(lane, from, to, 800);
                    reading.ask(
                        format!("stretch {lane} {after} {upto}"),
                        stretch.map(seen_all),
                    );
                }
            }
            let all = store.stretch(lane, Arrival(0), Arrival(u64::MAX), usize::MAX);
            reading.ask(format!("stretch {lane} all"), all.map(seen_all));
        }
    }

    fn read_log(&self, store: &dyn StoreRead, log: &LogId, reading: &mut Reading) {
        let name = format!("{} {}", log.lane, log.device);
        reading.ask(format!("head {name}"), store.head(log));
        for seq in 0..=self.upto {
            let seq = Seq(seq);
            reading.ask(format!("link {name} {seq}"), store.link_at(log, seq));
            let holding = store.batch_with(&EntryRef { log: *log, seq });
            let holding = holding.map(|batch| batch.map(|batch| seen(&batch)));
            reading.ask(format!("batch with {name} {seq}"), holding);
            reading.ask(format!("missing {name} {seq}"), store.missing(log, seq, 2));
            let all = store.missing(log, seq, usize::MAX);
            reading.ask(format!("missing {name} {seq}, all"), all);
        }
        for chain in &self.chains {
            let end = store.ending_with(log, chain);
            reading.ask(format!("ending {name} {chain}"), end);
            reading.ask(
                format!("branch {name} {chain}"),
                store.has_branch(log, chain),
            );
        }
    }

    fn read_views(&self, store: &dyn StoreRead, reading: &mut Reading) {
        let spaces: Vec<_> = self.lanes().into_iter().map(Some).chain([None]).collect();
        let kinds: Vec<_> = self.kinds.iter().cloned().map(Some).chain([None]).collect();
        for (space, kind) in spaces
            .iter()
            .flat_map(|space| kinds.iter().map(move |k| (space, k)))
        {
            for only_conflicts in [false, true] {
                let whole = RowFilter {
                    kind: kind.clone(),
                    space: *space,
                    only_conflicts,
                    ..RowFilter::default()
                };
                let page = RowFilter {
                    limit: Some(3),
                    offset: 2,
                    ..whole.clone()
                };
                let name = format!("{kind:?} {space:?} {only_conflicts}");
                reading.ask(format!("rows {name}"), store.rows(&whole));
                reading.ask(format!("count of rows {name}"), store.count_rows(&whole));
                reading.ask(format!("page of rows {name}"), store.rows(&page));
            }
        }
        for (number, filter) in self.filters().into_iter().enumerate() {
            reading.ask(format!("list {number}"), store.rows(&filter));
            reading.ask(format!("count of list {number}"), store.count_rows(&filter));
        }
        for target in &self.targets {
            reading.ask(format!("links to {target:?}"), store.links_to(target));
        }
    }

    /// One filter for each way in which a list is made.
    fn filters(&self) -> Vec<RowFilter> {
        let all = RowFilter::default();
        let mut filters = Vec::new();
        for order in [Order::Due, Order::Day] {
            let plain = RowFilter {
                order,
                ..all.clone()
            };
            let kind = self.kinds.first().cloned();
            filters.extend([
                RowFilter {
                    kind,
                    ..plain.clone()
                },
                plain,
            ]);
        }
        for target in &self.targets {
            let linked = Some(*target);
            filters.push(RowFilter {
                linked,
                ..all.clone()
            });
        }
        for device in &self.devices {
            let devices = Some(vec![*device]);
            let (created_by, updated_by) = (devices.clone(), devices);
            filters.push(RowFilter {
                created_by,
                ..all.clone()
            });
            filters.push(RowFilter {
                updated_by,
                ..all.clone()
            });
        }
        let day = || self.day.clone();
        filters.push(RowFilter {
            due_from: day(),
            ..all.clone()
        });
        filters.push(RowFilter {
            due_to: day(),
            ..all.clone()
        });
        filters.push(RowFilter {
            day_from: day(),
            ..all.clone()
        });
        filters.push(RowFilter {
            day_to: day(),
            ..all.clone()
        });
        let after = Some(Millis(1_000));
        filters.push(RowFilter {
            changed_after: after,
            ..all.clone()
        });
        filters.push(RowFilter {
            changed_before: after,
            ..all
        });
        filters
    }
}
