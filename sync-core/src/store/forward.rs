//! Forwarding of the reading methods: a store and its transaction read through one view.

/// Writes every method of [`StoreRead`](crate::store::StoreRead) as a call of the same method of an
/// expression over `self`; the expression may use `?`.
macro_rules! forward_reads {
    ($self:ident => $inner:expr) => {
        forward_reads! { $self => $inner;
            meta(key: &str) -> Option<Vec<u8>>;
            head(log: &LogId) -> Head;
            heads(lane: &LaneId) -> Vec<(LogId, Head)>;
            logs() -> Vec<LogId>;
            link_at(log: &LogId, seq: Seq) -> Option<Link>;
            ending_with(log: &LogId, chain: &ChainHash) -> Option<Seq>;
            has_branch(log: &LogId, chain: &ChainHash) -> bool;
            carrying(log: &LogId, chain: &ChainHash) -> Option<Carried>;
            lost() -> Vec<Lost>;
            batch_with(entry: &EntryRef) -> Option<Arc<VerifiedBatch>>;
            batch(arrival: Arrival) -> Option<Carried>;
            stretch(lane: &LaneId, after: Arrival, upto: Arrival, bytes_max: usize)
                -> Vec<Carried>;
            since(after: Arrival, bytes_max: usize) -> Vec<Carried>;
            missing(log: &LogId, from: Seq, limit: usize) -> Vec<BatchRef>;
            totals(lane: &LaneId, after: Arrival, upto: Arrival) -> Totals;
            tip(lane: &LaneId) -> Arrival;
            last_arrival() -> Arrival;
            logs_since(after: Arrival, origin: &StoreId) -> Vec<LogId>;
            pending() -> Vec<PendingRow>;
            last_pending(lane: &LaneId) -> Option<Seq>;
            doc(record: &RecordId) -> Option<DocRow>;
            tails(record: &RecordId) -> Vec<TailRow>;
            records() -> Vec<RecordId>;
            row(record: &RecordId) -> Option<ViewRow>;
            rows(filter: &RowFilter) -> Vec<ViewRow>;
            count_rows(filter: &RowFilter) -> u64;
            counts() -> Vec<KindCount>;
            state_counts() -> Vec<StateCount>;
            links_to(target: &LinkTarget) -> Vec<(RecordId, String)>;
            links_of(record: &RecordId) -> BTreeSet<RowLink>;
            records_like(prefix: &str, limit: usize) -> Vec<RecordId>;
            held() -> Vec<HeldRow>;
            held_of(record: &RecordId) -> Vec<HeldRow>;
            held_count() -> u64;
            waiting_for(epoch: &EpochId) -> Vec<EntryRef>;
            waited_for() -> Vec<(EpochId, u64)>;
            cursor(store: &StoreId, lane: &LaneId) -> u64;
            uploaded(store: &StoreId) -> Arrival;
            position(store: &StoreId, arrival: Arrival) -> Option<u64>;
            receipts() -> Vec<KeptReceipt>;
            blobs() -> Vec<BlobRow>;
            blob(id: &BlobId) -> Option<BlobRow>;
            blob_part(id: &BlobId, part: u32) -> Option<Vec<u8>>;
        }
    };
    ($self:ident => $inner:expr;
     $($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&$self $(, $arg: $type)*) -> Result<$result, StoreError> {
            StoreRead::$name($inner $(, $arg)*)
        })*
    };
}

pub(crate) use forward_reads;

/// The names that [`forward_reads`] needs in scope.
pub(crate) mod names {
    pub(crate) use std::collections::BTreeSet;
    pub(crate) use std::sync::Arc;

    pub(crate) use crate::entry::VerifiedBatch;
    pub(crate) use crate::entry::place::Link;
    pub(crate) use crate::id::{
        Arrival, BlobId, ChainHash, EpochId, Head, LaneId, LogId, RecordId, Seq, StoreId,
    };
    pub(crate) use crate::session::carrier::{BatchRef, Carried, Lost};
    pub(crate) use crate::store::{
        BlobRow, DocRow, EntryRef, HeldRow, KeptReceipt, KindCount, LinkTarget, PendingRow,
        RowFilter, RowIndex, RowLink, StateCount, StoreError, StoreRead, TailRow, ViewRow,
    };
    pub(crate) use crate::wire::Totals;
}
