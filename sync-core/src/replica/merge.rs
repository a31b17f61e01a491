//! Documents at work: loaded, changed, saved, and shown.

use std::collections::{BTreeMap, HashMap};

use crate::id::{DeviceId, LaneId, Millis, RecordId};
use crate::record::RecordDoc;
use crate::replica::mind::Mind;
use crate::replica::{ReplicaError, damaged_document};
use crate::store::{DocRow, EntryRef, StoreRead, StoreTx, TailRow, ViewRow};
use crate::view;

/// Documents up to this size are rewritten in place; larger ones grow tails.
const SMALL_BYTES_MAX: usize = 8 * 1024;
/// Memory for documents that stay loaded.
const CACHE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One document while it is worked on.
#[derive(Debug)]
pub(super) struct Work {
    record: RecordId,
    kind: String,
    space: LaneId,
    doc: RecordDoc,
    base: Vec<u8>,
    base_refs: Vec<u8>,
    tail_bytes: usize,
    new_refs: Vec<EntryRef>,
    /// Raw changes that came since the last save, each after those that it builds on.
    new_chunks: Vec<u8>,
    is_troubled: bool,
    /// The base is another one than is stored.
    is_replaced: bool,
    /// How many conflicts the stored row shows, once it is known.
    conflicts: Option<u32>,
}

impl Work {
    pub(super) fn begin(record: RecordId, kind: &str, space: LaneId, doc: RecordDoc) -> Self {
        Self {
            record,
            kind: kind.to_owned(),
            space,
            doc,
            base: Vec::new(),
            base_refs: Vec::new(),
            tail_bytes: 0,
            new_refs: Vec::new(),
            new_chunks: Vec::new(),
            is_troubled: false,
            is_replaced: false,
            conflicts: None,
        }
    }

    pub(super) fn load(row: DocRow, tails: &[TailRow]) -> Result<Self, ReplicaError> {
        let chunks = tails.iter().map(|tail| tail.chunk.as_slice());
        let doc = if row.base.is_empty() && tails.is_empty() {
            RecordDoc::new()
        } else {
            RecordDoc::load(&row.base, chunks)
                .map_err(|error| damaged_document(error, &row.record.short()))?
        };
        Ok(Self {
            record: row.record,
            kind: row.kind,
            space: row.space,
            doc,
            base: row.base,
            base_refs: row.refs,
            tail_bytes: tails.iter().map(|tail| tail.chunk.len()).sum(),
            new_refs: Vec::new(),
            new_chunks: Vec::new(),
            is_troubled: row.is_troubled,
            is_replaced: false,
            conflicts: None,
        })
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    pub(super) fn record(&self) -> RecordId {
        self.record
    }

    pub(super) fn space(&self) -> LaneId {
        self.space
    }

    pub(super) fn doc(&self) -> &RecordDoc {
        &self.doc
    }

    pub(super) fn doc_mut(&mut self) -> &mut RecordDoc {
        &mut self.doc
    }

    pub(super) fn is_troubled(&self) -> bool {
        self.is_troubled
    }

    /// Whether any change is merged; a record all of whose changes are held has not begun.
    pub(super) fn has_begun(&self) -> bool {
        self.doc.change_count() > 0
    }

    /// How many conflicts the record's row shows so far.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn conflicts(&self, store: &dyn StoreRead) -> Result<u32, ReplicaError> {
        match self.conflicts {
            Some(conflicts) => Ok(conflicts),
            None if self.has_begun() => Ok(store.row(&self.record)?.map_or(0, |row| row.conflicts)),
            None => Ok(0),
        }
    }

    /// Notes a change that the document has taken, for the next save.
    pub(super) fn add(&mut self, entry: EntryRef, chunk: &[u8]) {
        self.new_refs.push(entry);
        self.new_chunks.extend_from_slice(chunk);
    }

    /// Who began the record; nobody if it has not begun.
    pub(super) fn created_by(&self, mind: &Mind) -> DeviceId {
        self.doc
            .created()
            .map_or(DeviceId::ZERO, |(actor, _)| mind.device_of(&actor))
    }

    /// Puts another document in the place of what is stored: after a judgement of all entries.
    pub(super) fn replace(&mut self, kind: &str, doc: RecordDoc, refs: Vec<u8>, is_troubled: bool) {
        kind.clone_into(&mut self.kind);
        self.base = if doc.change_count() == 0 {
            Vec::new()
        } else {
            doc.save()
        };
        self.doc = doc;
        self.base_refs = refs;
        self.tail_bytes = 0;
        self.new_refs.clear();
        self.new_chunks.clear();
        self.is_troubled = is_troubled;
        self.is_replaced = true;
    }

    fn approx_bytes(&self) -> usize {
        self.doc.approx_bytes() + self.base.len() + self.base_refs.len()
    }
}

/// Documents that stay loaded, the least lately used go first.
#[derive(Debug, Default)]
pub(super) struct DocCache {
    works: HashMap<RecordId, (u64, Work)>,
    order: BTreeMap<u64, RecordId>,
    bytes: usize,
    clock: u64,
}

impl DocCache {
    pub(super) fn take(&mut self, record: &RecordId) -> Option<Work> {
        let (tick, work) = self.works.remove(record)?;
        self.order.remove(&tick);
        self.bytes = self.bytes.saturating_sub(work.approx_bytes());
        Some(work)
    }

    pub(super) fn keep(&mut self, work: Work) {
        self.clock += 1;
        self.bytes += work.approx_bytes();
        self.order.insert(self.clock, work.record);
        self.works.insert(work.record, (self.clock, work));
        while self.bytes > CACHE_BYTES_MAX {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            if let Some((_, work)) = self.works.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(work.approx_bytes());
            }
        }
    }

    pub(super) fn forget(&mut self, record: &RecordId) {
        drop(self.take(record));
    }
}

impl Mind {
    /// A document from the cache or the store; `None` if there is nothing of it.
    pub(super) fn load_work(
        &mut self,
        store: &dyn StoreRead,
        record: &RecordId,
    ) -> Result<Option<Work>, ReplicaError> {
        if let Some(work) = self.docs.take(record) {
            return Ok(Some(work));
        }
        load(store, record)
    }

    /// Keeps a document that did not change.
    pub(super) fn keep_work(&mut self, work: Work) {
        self.docs.keep(work);
    }

    /// Writes a document and its row, and keeps it loaded; returns how many conflicts it has.
    pub(super) fn save_work(
        &mut self,
        tx: &mut dyn StoreTx,
        mut work: Work,
    ) -> Result<u32, ReplicaError> {
        self.save_doc(tx, &mut work)?;
        let conflicts = self.put_row(tx, &work)?;
        self.logs.save(tx)?;
        work.conflicts = Some(conflicts);
        self.docs.keep(work);
        Ok(conflicts)
    }

    fn save_doc(&mut self, tx: &mut dyn StoreTx, work: &mut Work) -> Result<(), ReplicaError> {
        let chunk = std::mem::take(&mut work.new_chunks);
        let new_refs = std::mem::take(&mut work.new_refs);
        if std::mem::take(&mut work.is_replaced) {
            return Ok(tx.put_doc(&doc_row(work))?);
        }
        let fits_in_place = work.tail_bytes == 0 && work.base.len() + chunk.len() < SMALL_BYTES_MAX;
        let fits_behind = work.base.len() >= SMALL_BYTES_MAX / 2
            && work.tail_bytes + chunk.len() <= work.base.len().max(SMALL_BYTES_MAX);
        if fits_in_place {
            work.base.extend_from_slice(&chunk);
            self.logs.pack(&mut work.base_refs, new_refs.into_iter());
            tx.put_doc(&doc_row(work))?;
        } else if fits_behind {
            let mut refs = Vec::new();
            self.logs.pack(&mut refs, new_refs.into_iter());
            work.tail_bytes += chunk.len();
            tx.append_tail(&work.record, &TailRow { chunk, refs })?;
        } else {
            if work.tail_bytes > 0 {
                for tail in tx.tails(&work.record)? {
                    work.base_refs.extend_from_slice(&tail.refs);
                }
            }
            self.logs.pack(&mut work.base_refs, new_refs.into_iter());
            work.base = self.compact(tx, work, &chunk)?;
            work.tail_bytes = 0;
            tx.put_doc(&doc_row(work))?;
        }
        Ok(())
    }

    /// The whole document, compact; as raw changes if it would not load again, which no honest change causes.
    fn compact(
        &self,
        tx: &dyn StoreTx,
        work: &Work,
        chunk: &[u8],
    ) -> Result<Vec<u8>, ReplicaError> {
        let saved = work.doc.save();
        let loaded = RecordDoc::load(&saved, std::iter::empty());
        if loaded.is_ok_and(|loaded| loaded.heads() == work.doc.heads()) {
            return Ok(saved);
        }
        let mut raw = work.base.clone();
        for tail in tx.tails(&work.record)? {
            raw.extend_from_slice(&tail.chunk);
        }
        raw.extend_from_slice(chunk);
        Ok(raw)
    }

    /// Writes the row that people look at, if the record has begun; returns how many conflicts it has.
    pub(super) fn put_row(
        &mut self,
        tx: &mut dyn StoreTx,
        work: &Work,
    ) -> Result<u32, ReplicaError> {
        let (Some(created), Some(updated)) = (work.doc.created(), work.doc.updated()) else {
            return Ok(0);
        };
        let kind = self.kind_or_plain(&work.kind);
        let shown = view::show(kind, work.doc.fields(kind));
        let row = ViewRow {
            record: work.record,
            kind: work.kind.clone(),
            space: work.space,
            state: shown.state,
            due: shown.due,
            day: shown.day.or_else(|| view::day_begun(kind, created.1)),
            title: shown.title,
            fields: shown.fields,
            created_by: self.device_of(&created.0),
            created_at: in_range(created.1),
            updated_by: self.device_of(&updated.0),
            updated_at: in_range(updated.1),
            conflicts: shown.conflicts,
        };
        tx.put_row(&row, &shown.index)?;
        self.note_blobs(tx, work)?;
        if let Some(twins) = self.twins.get_mut() {
            twins.put(&row);
        }
        Ok(shown.conflicts)
    }

    /// Removes a document and its row.
    pub(super) fn remove_record(
        &mut self,
        tx: &mut dyn StoreTx,
        record: &RecordId,
    ) -> Result<(), ReplicaError> {
        if let Some(twins) = self.twins.get_mut() {
            twins.remove(record);
        }
        Ok(tx.remove_record(record)?)
    }
}

pub(super) fn load(store: &dyn StoreRead, record: &RecordId) -> Result<Option<Work>, ReplicaError> {
    let Some(row) = store.doc(record)? else {
        return Ok(None);
    };
    // Small documents are rewritten in place and have no tails.
    let tails = if row.base.len() >= SMALL_BYTES_MAX / 2 {
        store.tails(record)?
    } else {
        Vec::new()
    };
    Work::load(row, &tails).map(Some)
}

fn doc_row(work: &Work) -> DocRow {
    DocRow {
        record: work.record,
        kind: work.kind.clone(),
        space: work.space,
        base: work.base.clone(),
        refs: work.base_refs.clone(),
        is_troubled: work.is_troubled,
    }
}

/// A claimed time may be anything; what is shown stays within the years 1970 to 9999.
fn in_range(at: Millis) -> Millis {
    const YEAR_9999: i64 = 253_402_300_799_999;
    Millis(at.0.clamp(0, YEAR_9999))
}
