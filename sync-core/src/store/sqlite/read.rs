//! Reading: one moment of the file, and what is counted in it.

use std::cell::RefCell;

use rusqlite::{Connection, OptionalExtension, Params, params};

use crate::store::forward::names::*;

use super::batches::Meta;
use super::cells::{Columns, Sum, corrupt, int};
use super::words::FreshWords;

/// The tables as one transaction sees them.
pub(super) struct Rows<'c> {
    pub(super) conn: &'c Connection,
    /// Words that the transaction has not written yet; none while nothing is written.
    pub(super) fresh_words: Option<&'c RefCell<FreshWords>>,
}

/// One moment of the file: what others commit meanwhile is not seen.
pub(super) struct Snapshot<'c> {
    rows: Rows<'c>,
}

impl<'c> Snapshot<'c> {
    pub(super) fn take(conn: &'c Connection) -> Result<Self, StoreError> {
        conn.prepare_cached("BEGIN DEFERRED")?.execute([])?;
        Ok(Self {
            rows: Rows {
                conn,
                fresh_words: None,
            },
        })
    }

    pub(super) fn rows(&self) -> &Rows<'c> {
        &self.rows
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // Nothing was written, so that nothing is lost if SQLite has ended it already.
        if let Ok(mut end) = self.rows.conn.prepare_cached("ROLLBACK") {
            end.execute([]).ok();
        }
    }
}

/// What is counted, so that a list that lost a row is noticed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tally {
    Batches,
    Blobs,
    Groups,
    Held,
    Lanes,
    Pending,
    Receipts,
    Waiting,
}

impl Tally {
    pub(super) const ALL: [Self; 8] = [
        Self::Batches,
        Self::Blobs,
        Self::Groups,
        Self::Held,
        Self::Lanes,
        Self::Pending,
        Self::Receipts,
        Self::Waiting,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Batches => "batches",
            Self::Blobs => "blobs",
            Self::Groups => "groups",
            Self::Held => "held",
            Self::Lanes => "lanes",
            Self::Pending => "pending",
            Self::Receipts => "receipts",
            Self::Waiting => "waiting",
        }
    }

    pub(super) fn sum(self, count: u64) -> i64 {
        Sum::of("tallies")
            .bytes(self.name().as_bytes())
            .int(count)
            .done()
    }
}

impl Rows<'_> {
    pub(super) fn tally(&self, tally: Tally) -> Result<u64, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT count, sum FROM tallies WHERE name = ?1")?;
        let mut rows = statement.query([tally.name()])?;
        let Some(row) = rows.next()? else {
            return Err(corrupt("a count", tally.name()));
        };
        let name = tally.name();
        let mut columns = Columns::new(row, "a count", &name);
        let count = columns.next()?;
        columns.check(Sum::of("tallies").bytes(name.as_bytes()).int(count))?;
        Ok(count)
    }

    pub(super) fn set_tally(&self, tally: Tally, count: u64) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE tallies SET count = ?2, sum = ?3 WHERE name = ?1")?
            .execute(params![tally.name(), int(count)?, tally.sum(count)])?;
        Ok(())
    }

    /// Compares the length of a whole list with its tally.
    pub(super) fn check_tally(&self, tally: Tally, found: u64) -> Result<(), StoreError> {
        if self.tally(tally)? == found {
            Ok(())
        } else {
            Err(corrupt("a list", tally.name()))
        }
    }

    /// Confirms that a key that was not found is in the second index neither.
    pub(super) fn confirm_absent(
        &self,
        sql: &str,
        key: impl Params,
        what: &'static str,
    ) -> Result<(), StoreError> {
        let found: Option<i64> = self
            .conn
            .prepare_cached(sql)?
            .query_row(key, |row| row.get(0))
            .optional()?;
        match found {
            None => Ok(()),
            Some(_) => Err(corrupt(
                what,
                "an index that lacks a key that another one has",
            )),
        }
    }
}

impl StoreRead for Rows<'_> {
    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.meta_value(key)
    }

    fn head(&self, log: &LogId) -> Result<Head, StoreError> {
        Ok(self.find_log(log)?.map_or(Head::EMPTY, |row| row.head))
    }

    fn heads(&self, lane: &LaneId) -> Result<Vec<(LogId, Head)>, StoreError> {
        let logs = self
            .logs_of(lane)?
            .into_iter()
            .map(|row| (row.log, row.head));
        Ok(logs.filter(|(_, head)| head.seq > Seq(0)).collect())
    }

    fn logs(&self) -> Result<Vec<LogId>, StoreError> {
        self.all_logs()
    }

    fn link_at(&self, log: &LogId, seq: Seq) -> Result<Option<Link>, StoreError> {
        self.main_link(log, seq)
    }

    fn ending_with(&self, log: &LogId, chain: &ChainHash) -> Result<Option<Seq>, StoreError> {
        Ok(self
            .by_chain(log, chain, false)?
            .map(|meta| meta.last_seq()))
    }

    fn has_branch(&self, log: &LogId, chain: &ChainHash) -> Result<bool, StoreError> {
        Ok(self.by_chain(log, chain, true)?.is_some())
    }

    fn carrying(&self, log: &LogId, chain: &ChainHash) -> Result<Option<Carried>, StoreError> {
        match self.with_chain(log, chain)? {
            Some(meta) => self.carried(meta.arrival),
            None => Ok(None),
        }
    }

    fn lost(&self) -> Result<Vec<Lost>, StoreError> {
        self.all_lost()
    }

    fn batch_with(&self, entry: &EntryRef) -> Result<Option<Arc<VerifiedBatch>>, StoreError> {
        let Some(log) = self.find_log(&entry.log)? else {
            return Ok(None);
        };
        let Some(meta) = self.main_with(&log, entry.seq)? else {
            return Ok(None);
        };
        Ok(self.carried(meta.arrival)?.map(|carried| carried.batch))
    }

    fn batch(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError> {
        self.carried(arrival)
    }

    fn stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        self.lane_stretch(lane, after, upto, bytes_max)
    }

    fn since(&self, after: Arrival, bytes_max: usize) -> Result<Vec<Carried>, StoreError> {
        self.all_since(after, bytes_max)
    }

    fn missing(&self, log: &LogId, from: Seq, limit: usize) -> Result<Vec<BatchRef>, StoreError> {
        let metas = self.main_from(log, from, limit)?;
        Ok(metas.iter().map(reference).collect())
    }

    fn totals(&self, lane: &LaneId, after: Arrival, upto: Arrival) -> Result<Totals, StoreError> {
        self.lane_totals(lane, after, upto)
    }

    fn tip(&self, lane: &LaneId) -> Result<Arrival, StoreError> {
        Ok(self.find_lane(lane)?.map_or(Arrival(0), |row| row.tip))
    }

    fn last_arrival(&self) -> Result<Arrival, StoreError> {
        self.tally(Tally::Batches).map(Arrival)
    }

    fn logs_since(&self, after: Arrival, origin: &StoreId) -> Result<Vec<LogId>, StoreError> {
        self.logs_not_from(after, origin)
    }

    fn pending(&self) -> Result<Vec<PendingRow>, StoreError> {
        self.all_pending()
    }

    fn last_pending(&self, lane: &LaneId) -> Result<Option<Seq>, StoreError> {
        self.last_pending_of(lane)
    }

    fn doc(&self, record: &RecordId) -> Result<Option<DocRow>, StoreError> {
        self.doc_of(record)
    }

    fn tails(&self, record: &RecordId) -> Result<Vec<TailRow>, StoreError> {
        self.tails_of(record)
    }

    fn records(&self) -> Result<Vec<RecordId>, StoreError> {
        self.all_records()
    }

    fn row(&self, record: &RecordId) -> Result<Option<ViewRow>, StoreError> {
        self.row_of(record)
    }

    fn rows(&self, filter: &RowFilter) -> Result<Vec<ViewRow>, StoreError> {
        self.rows_for(filter)
    }

    fn count_rows(&self, filter: &RowFilter) -> Result<u64, StoreError> {
        self.count_for(filter)
    }

    fn counts(&self) -> Result<Vec<KindCount>, StoreError> {
        let mut counts: Vec<KindCount> = Vec::new();
        for group in self.state_counts()? {
            if let Some(last) = counts.last_mut()
                && (last.space, &last.kind) == (group.space, &group.kind)
            {
                last.records += group.records;
                last.in_conflict += group.in_conflict;
            } else {
                counts.push(KindCount {
                    space: group.space,
                    kind: group.kind,
                    records: group.records,
                    in_conflict: group.in_conflict,
                });
            }
        }
        Ok(counts)
    }

    fn state_counts(&self) -> Result<Vec<StateCount>, StoreError> {
        self.all_state_counts()
    }

    fn links_to(&self, target: &LinkTarget) -> Result<Vec<(RecordId, String)>, StoreError> {
        self.all_links_to(target)
    }

    fn links_of(&self, record: &RecordId) -> Result<BTreeSet<RowLink>, StoreError> {
        self.all_links_of(record)
    }

    fn records_like(&self, prefix: &str, limit: usize) -> Result<Vec<RecordId>, StoreError> {
        self.records_with_prefix(prefix, limit)
    }

    fn held(&self) -> Result<Vec<HeldRow>, StoreError> {
        self.all_held()
    }

    fn held_of(&self, record: &RecordId) -> Result<Vec<HeldRow>, StoreError> {
        self.held_for(record)
    }

    fn held_count(&self) -> Result<u64, StoreError> {
        self.tally(Tally::Held)
    }

    fn waiting_for(&self, epoch: &EpochId) -> Result<Vec<EntryRef>, StoreError> {
        self.waiting_entries(epoch)
    }

    fn waited_for(&self) -> Result<Vec<(EpochId, u64)>, StoreError> {
        self.all_waits()
    }

    fn cursor(&self, store: &StoreId, lane: &LaneId) -> Result<u64, StoreError> {
        self.mark(&[store.as_bytes().as_slice(), lane.as_bytes()].concat())
    }

    fn uploaded(&self, store: &StoreId) -> Result<Arrival, StoreError> {
        self.mark(store.as_bytes()).map(Arrival)
    }

    fn position(&self, store: &StoreId, arrival: Arrival) -> Result<Option<u64>, StoreError> {
        self.position_of(store, arrival)
    }

    fn receipts(&self) -> Result<Vec<KeptReceipt>, StoreError> {
        self.all_receipts()
    }

    fn blobs(&self) -> Result<Vec<BlobRow>, StoreError> {
        self.all_blobs()
    }

    fn blob(&self, id: &BlobId) -> Result<Option<BlobRow>, StoreError> {
        self.one_blob(id)
    }

    fn blob_part(&self, id: &BlobId, part: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.one_blob_part(id, part)
    }
}

pub(super) fn reference(meta: &Meta) -> BatchRef {
    BatchRef {
        arrival: meta.arrival,
        last_seq: meta.last_seq(),
        entries: meta.count,
        bytes: meta.bytes,
    }
}
