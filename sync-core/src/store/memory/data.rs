//! What a store in memory holds, and how it is read.

use std::collections::BTreeMap;

use crate::id::DeviceId;
use crate::store::forward::names::*;
use crate::store::prefix::record_range;
use crate::store::{Cursor, LedFrom};
use crate::view::words::Search;

/// A row and what it is found by.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) row: ViewRow,
    pub(super) index: RowIndex,
}

/// One batch and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) batch: Arc<VerifiedBatch>,
    pub(super) is_branch: bool,
    pub(super) origin: Option<StoreId>,
}

/// All of a store, and the orders in which it is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Data {
    pub(super) meta: BTreeMap<String, Vec<u8>>,
    /// Every log with any batch.
    pub(super) heads: BTreeMap<LogId, Head>,
    pub(super) batches: BTreeMap<Arrival, Kept>,
    /// Batches of the branches that count, by their first entry.
    pub(super) main: BTreeMap<(LogId, Seq), Arrival>,
    /// All batches by their chain hash.
    pub(super) chains: BTreeMap<(LogId, ChainHash), Arrival>,
    pub(super) lanes: BTreeMap<(LaneId, Arrival), ()>,
    pub(super) pending: BTreeMap<(LaneId, Seq), PendingRow>,
    pub(super) docs: BTreeMap<RecordId, Arc<DocRow>>,
    pub(super) tails: BTreeMap<(RecordId, u64), Arc<TailRow>>,
    pub(super) rows: BTreeMap<RecordId, Arc<Shown>>,
    pub(super) held: BTreeMap<EntryRef, HeldRow>,
    pub(super) held_of: BTreeMap<(RecordId, EntryRef), ()>,
    pub(super) waiting: BTreeMap<(EpochId, EntryRef), ()>,
    pub(super) cursors: BTreeMap<(StoreId, LaneId), u64>,
    pub(super) uploaded: BTreeMap<StoreId, Arrival>,
    pub(super) positions: BTreeMap<(StoreId, Arrival), u64>,
    pub(super) receipts: BTreeMap<(StoreId, DeviceId), KeptReceipt>,
    pub(super) blobs: BTreeMap<BlobId, BlobRow>,
    pub(super) blob_parts: BTreeMap<(BlobId, u32), Arc<[u8]>>,
}

const FIRST_ENTRY: EntryRef = EntryRef {
    log: FIRST_LOG,
    seq: Seq(0),
};
const LAST_ENTRY: EntryRef = EntryRef {
    log: LAST_LOG,
    seq: Seq(u64::MAX),
};
const FIRST_LOG: LogId = log_of(LaneId::ZERO, 0);
const LAST_LOG: LogId = log_of(LaneId::new([0xff; LaneId::LEN]), 0xff);

const fn log_of(lane: LaneId, byte: u8) -> LogId {
    LogId {
        lane,
        device: DeviceId::new([byte; DeviceId::LEN]),
        incarnation: crate::id::Incarnation::new([byte; crate::id::Incarnation::LEN]),
    }
}

impl Data {
    pub(super) fn has_chain(&self, batch: &VerifiedBatch) -> bool {
        self.chains
            .contains_key(&(*batch.log(), batch.head().chain))
    }

    /// The batch of the branch that counts that holds an entry.
    pub(super) fn main_with(&self, log: &LogId, seq: Seq) -> Option<&Kept> {
        let (_, arrival) = self.main.range((*log, Seq(0))..=(*log, seq)).next_back()?;
        self.batches
            .get(arrival)
            .filter(|kept| kept.batch.last_seq() >= seq)
    }

    /// Batches of the branch that counts that end at or after `from`.
    pub(super) fn main_from(
        &self,
        log: &LogId,
        from: Seq,
    ) -> impl Iterator<Item = (Seq, Arrival, &Kept)> {
        let first = self
            .main_with(log, from)
            .map_or(from, |kept| kept.batch.place().first_seq);
        self.main
            .range((*log, first)..=(*log, Seq(u64::MAX)))
            .filter_map(|((_, seq), arrival)| Some((*seq, *arrival, self.batches.get(arrival)?)))
    }

    pub(super) fn tails_of(
        &self,
        record: &RecordId,
    ) -> impl DoubleEndedIterator<Item = (&(RecordId, u64), &Arc<TailRow>)> {
        self.tails.range((*record, 0)..=(*record, u64::MAX))
    }

    /// Rows that a filter lets through, by record.
    fn fitting<'d>(&'d self, filter: &'d RowFilter) -> impl Iterator<Item = &'d ViewRow> {
        let wanted = filter.words_wanted();
        let unwanted = filter.choices_unwanted();
        let led_to = filter.not_led_from.as_ref().map(|from| self.led_to(from));
        let fits = move |shown: &&Arc<Shown>| {
            let has_words = |search: &Search| search.fits(&shown.index.words);
            filter.fits_row(&shown.row)
                && filter.fits_links(&shown.row, &shown.index.links)
                && wanted.as_ref().is_none_or(has_words)
                && !unwanted.iter().any(has_words)
                && !led_to
                    .iter()
                    .any(|led_to| led_to.contains(&shown.row.record))
        };
        self.rows.values().filter(fits).map(|shown| &shown.row)
    }

    /// Records that fields of such rows lead to.
    fn led_to(&self, from: &LedFrom) -> BTreeSet<RecordId> {
        let filter = from.filter();
        let leading = self.rows.values();
        let leading = leading.filter(|shown| filter.fits_row(&shown.row));
        let links = leading.flat_map(|shown| &shown.index.links);
        let records = links.filter_map(|link| match link.target {
            LinkTarget::Record(record) => Some(record),
            LinkTarget::Member(_) => None,
        });
        records.collect()
    }

    fn by_chain(&self, log: &LogId, chain: &ChainHash) -> Option<&Kept> {
        self.batches.get(self.chains.get(&(*log, *chain))?)
    }

    fn in_lane(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
    ) -> impl Iterator<Item = (Arrival, &Kept)> {
        let last = upto.max(after);
        self.lanes
            .range((*lane, Arrival(after.0.saturating_add(1)))..)
            .take_while(move |((of, arrival), ())| of == lane && *arrival <= last)
            .filter_map(|((_, arrival), ())| Some((*arrival, self.batches.get(arrival)?)))
    }

    fn after(&self, after: Arrival) -> impl Iterator<Item = (Arrival, &Kept)> {
        self.batches
            .range(Arrival(after.0.saturating_add(1))..)
            .map(|(arrival, kept)| (*arrival, kept))
    }
}

fn carried(arrival: Arrival, kept: &Kept) -> Carried {
    Carried {
        arrival,
        batch: Arc::clone(&kept.batch),
        is_branch: kept.is_branch,
    }
}

/// Batches until their tails reach `bytes_max`; at least one if there is any.
fn until_full<'a>(
    batches: impl Iterator<Item = (Arrival, &'a Kept)>,
    bytes_max: usize,
) -> Vec<Carried> {
    let mut bytes = 0;
    let mut taken = Vec::new();
    for (arrival, kept) in batches {
        bytes += kept.batch.tail().len();
        taken.push(carried(arrival, kept));
        if bytes >= bytes_max {
            break;
        }
    }
    taken
}

impl StoreRead for Data {
    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.meta.get(key).cloned())
    }

    fn head(&self, log: &LogId) -> Result<Head, StoreError> {
        Ok(self.heads.get(log).copied().unwrap_or(Head::EMPTY))
    }

    fn heads(&self, lane: &LaneId) -> Result<Vec<(LogId, Head)>, StoreError> {
        let first = log_of(*lane, 0);
        let last = log_of(*lane, 0xff);
        let heads = self.heads.range(first..=last);
        Ok(heads
            .filter(|(_, head)| head.seq > Seq(0))
            .map(|(log, head)| (*log, *head))
            .collect())
    }

    fn logs(&self) -> Result<Vec<LogId>, StoreError> {
        Ok(self.heads.keys().copied().collect())
    }

    fn link_at(&self, log: &LogId, seq: Seq) -> Result<Option<Link>, StoreError> {
        let kept = self
            .main
            .get(&(*log, seq))
            .and_then(|arrival| self.batches.get(arrival));
        Ok(kept.map(|kept| Link {
            prev: *kept.batch.prev(),
            chain: kept.batch.head().chain,
        }))
    }

    fn ending_with(&self, log: &LogId, chain: &ChainHash) -> Result<Option<Seq>, StoreError> {
        let kept = self.by_chain(log, chain).filter(|kept| !kept.is_branch);
        Ok(kept.map(|kept| kept.batch.last_seq()))
    }

    fn has_branch(&self, log: &LogId, chain: &ChainHash) -> Result<bool, StoreError> {
        Ok(self.by_chain(log, chain).is_some_and(|kept| kept.is_branch))
    }

    fn carrying(&self, log: &LogId, chain: &ChainHash) -> Result<Option<Carried>, StoreError> {
        let arrival = self.chains.get(&(*log, *chain));
        arrival.map_or(Ok(None), |arrival| self.batch(*arrival))
    }

    fn lost(&self) -> Result<Vec<Lost>, StoreError> {
        let lost = self.batches.iter().filter(|(_, kept)| kept.is_branch);
        Ok(lost
            .map(|(arrival, kept)| Lost::of(*arrival, &kept.batch))
            .collect())
    }

    fn batch_with(&self, entry: &EntryRef) -> Result<Option<Arc<VerifiedBatch>>, StoreError> {
        if entry.seq < Seq::FIRST {
            return Ok(None);
        }
        Ok(self
            .main_with(&entry.log, entry.seq)
            .map(|kept| Arc::clone(&kept.batch)))
    }

    fn batch(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError> {
        Ok(self
            .batches
            .get(&arrival)
            .map(|kept| carried(arrival, kept)))
    }

    fn stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        Ok(until_full(self.in_lane(lane, after, upto), bytes_max))
    }

    fn since(&self, after: Arrival, bytes_max: usize) -> Result<Vec<Carried>, StoreError> {
        Ok(until_full(self.after(after), bytes_max))
    }

    fn missing(&self, log: &LogId, from: Seq, limit: usize) -> Result<Vec<BatchRef>, StoreError> {
        let batches = self.main_from(log, from).take(limit);
        let refs = batches.map(|(_, arrival, kept)| BatchRef::of(arrival, &kept.batch));
        Ok(refs.collect())
    }

    fn totals(&self, lane: &LaneId, after: Arrival, upto: Arrival) -> Result<Totals, StoreError> {
        let mut totals = Totals::default();
        for (_, kept) in self.in_lane(lane, after, upto) {
            totals.batches += 1;
            totals.entries += kept.batch.count() as u64;
            totals.bytes += kept.batch.tail().len() as u64;
        }
        Ok(totals)
    }

    fn tip(&self, lane: &LaneId) -> Result<Arrival, StoreError> {
        let all = (*lane, Arrival(0))..=(*lane, Arrival(u64::MAX));
        Ok(self
            .lanes
            .range(all)
            .next_back()
            .map_or(Arrival(0), |((_, arrival), ())| *arrival))
    }

    fn last_arrival(&self) -> Result<Arrival, StoreError> {
        Ok(self
            .batches
            .last_key_value()
            .map_or(Arrival(0), |(arrival, _)| *arrival))
    }

    fn logs_since(&self, after: Arrival, origin: &StoreId) -> Result<Vec<LogId>, StoreError> {
        let others = self
            .after(after)
            .filter(|(_, kept)| kept.origin.as_ref() != Some(origin));
        let logs: BTreeSet<LogId> = others.map(|(_, kept)| *kept.batch.log()).collect();
        Ok(logs.into_iter().collect())
    }

    fn pending(&self) -> Result<Vec<PendingRow>, StoreError> {
        Ok(self.pending.values().cloned().collect())
    }

    fn last_pending(&self, lane: &LaneId) -> Result<Option<Seq>, StoreError> {
        let all = (*lane, Seq(0))..=(*lane, Seq(u64::MAX));
        Ok(self
            .pending
            .range(all)
            .next_back()
            .map(|((_, seq), _)| *seq))
    }

    fn doc(&self, record: &RecordId) -> Result<Option<DocRow>, StoreError> {
        Ok(self.docs.get(record).map(|row| DocRow::clone(row)))
    }

    fn tails(&self, record: &RecordId) -> Result<Vec<TailRow>, StoreError> {
        Ok(self
            .tails_of(record)
            .map(|(_, tail)| TailRow::clone(tail))
            .collect())
    }

    fn records(&self) -> Result<Vec<RecordId>, StoreError> {
        Ok(self.docs.keys().copied().collect())
    }

    fn row(&self, record: &RecordId) -> Result<Option<ViewRow>, StoreError> {
        Ok(self.rows.get(record).map(|shown| shown.row.clone()))
    }

    fn rows(&self, filter: &RowFilter) -> Result<Vec<ViewRow>, StoreError> {
        let rank = |row: &ViewRow| filter.order.rank(&Cursor::of(row));
        let after = filter.after.as_ref().map(|place| filter.order.rank(place));
        let mut fitting: Vec<_> = self
            .fitting(filter)
            .map(|row| (rank(row), row))
            .filter(|(rank, _)| after.as_ref().is_none_or(|after| rank > after))
            .collect();
        fitting.sort_by(|(a, _), (b, _)| a.cmp(b));
        let limit = filter.limit.unwrap_or(usize::MAX);
        let page = fitting.into_iter().skip(filter.offset).take(limit);
        Ok(page.map(|(_, row)| row.clone()).collect())
    }

    fn count_rows(&self, filter: &RowFilter) -> Result<u64, StoreError> {
        Ok(self.fitting(filter).count() as u64)
    }

    fn counts(&self) -> Result<Vec<KindCount>, StoreError> {
        let mut counts: BTreeMap<(LaneId, String), KindCount> = BTreeMap::new();
        for group in self.state_counts()? {
            let count = counts
                .entry((group.space, group.kind.clone()))
                .or_insert_with(|| KindCount {
                    space: group.space,
                    kind: group.kind,
                    records: 0,
                    in_conflict: 0,
                });
            count.records += group.records;
            count.in_conflict += group.in_conflict;
        }
        Ok(counts.into_values().collect())
    }

    fn state_counts(&self) -> Result<Vec<StateCount>, StoreError> {
        let mut counts: BTreeMap<(LaneId, &str, Option<&str>), StateCount> = BTreeMap::new();
        for shown in self.rows.values() {
            let row = &shown.row;
            let count = counts
                .entry((row.space, &row.kind, row.state.as_deref()))
                .or_insert_with(|| StateCount {
                    space: row.space,
                    kind: row.kind.clone(),
                    state: row.state.clone(),
                    records: 0,
                    in_conflict: 0,
                });
            count.records += 1;
            count.in_conflict += u64::from(row.conflicts > 0);
        }
        Ok(counts.into_values().collect())
    }

    fn links_to(&self, target: &LinkTarget) -> Result<Vec<(RecordId, String)>, StoreError> {
        let all = self.rows.iter().flat_map(|(record, shown)| {
            let links = shown.index.links.iter();
            links.map(move |link| (record, link))
        });
        let leading = all.filter(|(_, link)| link.target == *target);
        Ok(leading
            .map(|(record, link)| (*record, link.field.clone()))
            .collect())
    }

    fn links_of(&self, record: &RecordId) -> Result<BTreeSet<RowLink>, StoreError> {
        let shown = self.rows.get(record);
        Ok(shown.map_or_else(BTreeSet::new, |shown| shown.index.links.clone()))
    }

    fn records_like(&self, prefix: &str, limit: usize) -> Result<Vec<RecordId>, StoreError> {
        let Some((low, high)) = record_range(prefix) else {
            return Ok(Vec::new());
        };
        Ok(self
            .docs
            .range(low..=high)
            .take(limit)
            .map(|(record, _)| *record)
            .collect())
    }

    fn held(&self) -> Result<Vec<HeldRow>, StoreError> {
        Ok(self.held.values().cloned().collect())
    }

    fn held_of(&self, record: &RecordId) -> Result<Vec<HeldRow>, StoreError> {
        let all = (*record, FIRST_ENTRY)..=(*record, LAST_ENTRY);
        let entries = self.held_of.range(all).map(|((_, entry), ())| entry);
        Ok(entries
            .filter_map(|entry| self.held.get(entry))
            .cloned()
            .collect())
    }

    fn held_count(&self) -> Result<u64, StoreError> {
        Ok(self.held.len() as u64)
    }

    fn waiting_for(&self, epoch: &EpochId) -> Result<Vec<EntryRef>, StoreError> {
        let all = (*epoch, FIRST_ENTRY)..=(*epoch, LAST_ENTRY);
        Ok(self
            .waiting
            .range(all)
            .map(|((_, entry), ())| *entry)
            .collect())
    }

    fn waited_for(&self) -> Result<Vec<(EpochId, u64)>, StoreError> {
        let mut epochs: BTreeMap<EpochId, u64> = BTreeMap::new();
        for (epoch, _) in self.waiting.keys() {
            *epochs.entry(*epoch).or_default() += 1;
        }
        Ok(epochs.into_iter().collect())
    }

    fn cursor(&self, store: &StoreId, lane: &LaneId) -> Result<u64, StoreError> {
        Ok(self.cursors.get(&(*store, *lane)).copied().unwrap_or(0))
    }

    fn uploaded(&self, store: &StoreId) -> Result<Arrival, StoreError> {
        Ok(self.uploaded.get(store).copied().unwrap_or(Arrival(0)))
    }

    fn position(&self, store: &StoreId, arrival: Arrival) -> Result<Option<u64>, StoreError> {
        Ok(self.positions.get(&(*store, arrival)).copied())
    }

    fn receipts(&self) -> Result<Vec<KeptReceipt>, StoreError> {
        Ok(self.receipts.values().cloned().collect())
    }

    fn blobs(&self) -> Result<Vec<BlobRow>, StoreError> {
        Ok(self.blobs.values().cloned().collect())
    }

    fn blob(&self, id: &BlobId) -> Result<Option<BlobRow>, StoreError> {
        Ok(self.blobs.get(id).cloned())
    }

    fn blob_part(&self, id: &BlobId, part: u32) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.blob_parts.get(&(*id, part)).map(|it| it.to_vec()))
    }
}
