//! Blobs that records name: what of them is here, what is wanted of others, and what they may be given.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::blob::{BLOB_TAG_BYTES, BlobId, BlobList, BlobName, BlobRef, CHUNK_LEN, padded_len};
use crate::entry::codec::read_cbor;
use crate::id::{ActorId, LaneId, Millis, RecordId, StoreId};
use crate::replica::found::put_cbor;
use crate::replica::merge::{Work, load};
use crate::replica::mind::{Mind, meta};
use crate::replica::room::bytes_here;
use crate::replica::{Replica, ReplicaError};
use crate::store::{BlobPart, BlobRow, BlobWish, StoreError, StoreRead, StoreTx};
use crate::wire::blobs::{BLOBS_MAX, BlobTip, HaveBlobs};

/// The field that names the preview of an attachment.
pub(super) const PREVIEW: &str = "preview";
/// The field that names the original of an attachment.
pub(super) const ORIGINAL: &str = "original";
/// Blobs that one field of a record may name at once: two people may have chosen one at the same time.
pub const BLOBS_PER_FIELD_MAX: usize = 2;

/// Up to which number of a store's blobs we have heard, by lane.
type Heard = Vec<(LaneId, u64)>;

/// A sealed chunk as it came.
pub(crate) struct ChunkIn {
    pub(crate) id: BlobId,
    pub(crate) index: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A blob that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) name: BlobName,
    /// The chunk to go on from.
    pub(crate) from: u32,
    pub(crate) has_list: bool,
    /// Bytes that are still to come.
    pub(crate) rest: u64,
}

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChunkTaken {
    /// It is durable, and more is to come.
    Part,
    /// It is durable, and the last one.
    Whole,
    /// It is not the one that is wanted next.
    Bad,
}

/// What a blob is called among those who cannot read it.
enum Naming {
    Named(BlobName),
    /// The entry that begins its record is not sealed yet.
    NotSealed,
    /// Its record has no beginning that counts.
    Unnamed,
}

/// What changes whenever blobs may be wanted or offered that were not before.
pub(crate) type BlobNews = (u64, u64);

/// Whether a blob can be offered.
pub(crate) enum Offer {
    This(BlobName, BlobList),
    /// As soon as its record is sealed.
    Later,
    /// It is not here, or its record has no beginning that counts.
    Nothing,
}

fn heard_key(store: &StoreId) -> String {
    format!("{}{store}", meta::BLOBS_HEARD)
}

fn heard_of(store: &dyn StoreRead, holder: &StoreId) -> Result<BTreeMap<LaneId, u64>, StoreError> {
    let Some(bytes) = store.meta(&heard_key(holder))? else {
        return Ok(BTreeMap::new());
    };
    let heard: Heard = read_cbor(&bytes).ok_or_else(|| StoreError::Corrupt {
        what: "how far blobs of another store were heard of",
        place: holder.short(),
    })?;
    Ok(heard.into_iter().collect())
}

/// Forgets how far blobs of another store were heard of in a lane: they are heard of anew.
pub(super) fn forget_heard(
    tx: &mut dyn StoreTx,
    holder: &StoreId,
    lane: &LaneId,
) -> Result<(), ReplicaError> {
    let mut heard = heard_of(&*tx, holder)?;
    heard.remove(lane);
    put_cbor(
        tx,
        &heard_key(holder),
        &heard.into_iter().collect::<Heard>(),
    )
}

/// The number that a blob was given last. It never falls, also when that blob is erased: others remember up to
/// which number they have heard.
fn tip_of(store: &dyn StoreRead) -> Result<u64, StoreError> {
    let Some(bytes) = store.meta(meta::BLOBS_NEWEST)? else {
        return Ok(0);
    };
    read_cbor(&bytes).ok_or_else(|| StoreError::Corrupt {
        what: "the number of the newest blob",
        place: meta::BLOBS_NEWEST.to_owned(),
    })
}

/// The number of a blob that is here as a whole now.
pub(super) fn give_number(tx: &mut dyn StoreTx) -> Result<u64, ReplicaError> {
    let number = tip_of(&*tx)? + 1;
    put_cbor(tx, meta::BLOBS_NEWEST, &number)?;
    Ok(number)
}

pub(super) fn chunks_of(padded: u32) -> u32 {
    padded.div_ceil(CHUNK_LEN)
}

impl Replica {
    /// Whether originals are asked for; previews always are. At first they are; an app on a metered
    /// network says otherwise.
    pub fn allow_originals(&mut self, may: bool) {
        self.wants_originals = may;
        self.mind.blob_news += 1;
    }

    /// Changes whenever blobs may be wanted or offered that were not before.
    pub(crate) fn blob_news(&self) -> BlobNews {
        (self.mind.blob_news, self.rereads)
    }

    pub(super) fn newest_blob(&self) -> Result<BlobTip, StoreError> {
        Ok(BlobTip {
            store: self.mind.store_id,
            number: tip_of(&*self.store)?,
        })
    }

    /// The row of a blob that may be given under this name.
    fn given(&self, name: &BlobName) -> Result<Option<BlobRow>, StoreError> {
        let row = self.store.blob(&name.id)?;
        Ok(row.filter(|row| row.is_whole() && row.lane == name.log.lane))
    }

    pub(super) fn list_given(&self, name: &BlobName) -> Result<Option<BlobList>, StoreError> {
        match self.given(name)? {
            Some(row) => list_of(&*self.store, &row),
            None => Ok(None),
        }
    }

    pub(super) fn chunk_given(
        &self,
        name: &BlobName,
        index: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self.given(name)? {
            Some(row) if index < row.here => self.store.blob_part(&row.id, index + 1),
            Some(_) | None => Ok(None),
        }
    }

    /// The name of a blob among those who cannot read it: with the entry that began its record.
    fn name_of_blob(&self, row: &BlobRow) -> Result<Naming, ReplicaError> {
        let work = load(&*self.store, &row.record)?;
        let Some((creator, _)) = work.and_then(|work| work.doc().created()) else {
            return Ok(Naming::Unnamed);
        };
        // In the log of whoever began the record, its first entry is the one that began it.
        let entries = self.mind.entries_of(&*self.store, &row.record)?.into_iter();
        let by_creator = entries
            .filter(|it| ActorId::derive(&it.log.device, &it.log.incarnation) == creator)
            .min();
        let Some(entry) = by_creator else {
            return Ok(Naming::Unnamed);
        };
        if self.store.batch_with(&entry)?.is_none() {
            return Ok(Naming::NotSealed);
        }
        Ok(Naming::Named(BlobName {
            log: entry.log,
            seq: entry.seq,
            id: row.id,
        }))
    }

    /// Blobs of lanes that are here as a whole, with numbers after those that were asked for.
    pub(crate) fn blobs_after(&self, asked: &[(LaneId, u64)]) -> Result<HaveBlobs, ReplicaError> {
        let mut whole = self.store.blobs()?;
        whole.retain(BlobRow::is_whole);
        whole.sort_by_key(|row| row.number);
        let tip = tip_of(&*self.store)?;
        let mut have = HaveBlobs::default();
        for (lane, after) in asked {
            let mut upto = tip;
            for row in &whole {
                if row.lane != *lane || row.number <= *after {
                    continue;
                }
                let naming = if have.rows.len() < BLOBS_MAX {
                    self.name_of_blob(row)?
                } else {
                    Naming::NotSealed
                };
                match naming {
                    Naming::Named(name) => have.rows.push(name.into()),
                    Naming::Unnamed => {}
                    // It, and what follows, is heard of by whoever asks again.
                    Naming::NotSealed => {
                        upto = row.number - 1;
                        break;
                    }
                }
            }
            have.lanes.push((*lane, *after, upto.max(*after)));
        }
        Ok(have)
    }

    /// Of these lanes, those in which a store has blobs that we have not heard of, and since when.
    pub(crate) fn blobs_unheard(
        &mut self,
        tip: BlobTip,
        lanes: impl Iterator<Item = LaneId>,
    ) -> Result<Vec<(LaneId, u64)>, ReplicaError> {
        let mut heard = heard_of(&*self.store, &tip.store)?;
        if heard.values().any(|upto| *upto > tip.number) {
            // It was set back: it may lack what it had said that it holds.
            self.forget_blob_holder(&tip.store)?;
            heard.clear();
        }
        let upto = |lane: &LaneId| heard.get(lane).copied().unwrap_or_default();
        let lanes = lanes.filter(|lane| *lane != self.mind.roster_lane);
        let unheard = lanes.map(|lane| (lane, upto(&lane)));
        Ok(unheard.filter(|(_, upto)| *upto < tip.number).collect())
    }

    /// Forgets which blobs a store holds: it was set back, or it lies.
    pub(crate) fn forget_blob_holder(&mut self, holder: &StoreId) -> Result<(), ReplicaError> {
        self.act(|tx, _| {
            for mut row in tx.blobs()? {
                if row.holders.remove(holder) {
                    tx.put_blob(&row)?;
                }
            }
            Ok(tx.remove_meta(&heard_key(holder))?)
        })
    }

    /// Up to which number of a store's blobs in these lanes we have heard.
    pub(crate) fn blobs_heard(
        &self,
        holder: &StoreId,
        lanes: impl IntoIterator<Item = LaneId>,
    ) -> Result<Vec<(LaneId, u64)>, ReplicaError> {
        let heard = heard_of(&*self.store, holder)?;
        let upto = |lane: LaneId| heard.get(&lane).copied().unwrap_or_default();
        Ok(lanes.into_iter().map(|lane| (lane, upto(lane))).collect())
    }

    /// Notes which blobs a store says that it holds. Gives the lanes of those whose records cannot be read
    /// yet: they are asked about again.
    pub(crate) fn note_have(
        &mut self,
        holder: &StoreId,
        have: &HaveBlobs,
    ) -> Result<BTreeSet<LaneId>, ReplicaError> {
        let limit = self.blobs_limit;
        self.act(|tx, mind| {
            let mut heard = heard_of(&*tx, holder)?;
            let mut unknown = BTreeSet::new();
            for wire in &have.rows {
                match tx.blob(&wire.id)? {
                    Some(mut row) if row.lane == wire.lane => {
                        if row.holders.insert(*holder) {
                            tx.put_blob(&row)?;
                        }
                    }
                    Some(_) | None => {
                        unknown.insert(wire.lane);
                    }
                }
            }
            for (lane, after, upto) in &have.lanes {
                let known = heard.entry(*lane).or_default();
                if *known >= *after && !unknown.contains(lane) {
                    *known = (*upto).max(*known);
                }
            }
            let heard: Heard = heard.into_iter().collect();
            put_cbor(tx, &heard_key(holder), &heard)?;
            mind.make_room(tx, limit, None)?;
            Ok(unknown)
        })
    }

    /// Notes that a store holds a blob as a whole. It may make room for others here now.
    pub(crate) fn note_held_by(
        &mut self,
        holder: &StoreId,
        id: &BlobId,
    ) -> Result<(), ReplicaError> {
        let limit = self.blobs_limit;
        self.act(|tx, mind| {
            if let Some(mut row) = tx.blob(id)?
                && row.holders.insert(*holder)
            {
                tx.put_blob(&row)?;
                mind.make_room(tx, limit, None)?;
            }
            Ok(())
        })
    }

    /// Blobs that a store holds and that are wanted here: those that somebody asked for, then previews.
    pub(crate) fn wanted_of(
        &self,
        holder: &StoreId,
        is_open: impl Fn(&BlobRow) -> bool,
    ) -> Result<VecDeque<BlobId>, ReplicaError> {
        let mut lacking = self.store.blobs()?;
        lacking.retain(|row| {
            let may = match row.wish {
                BlobWish::Ordinary => row.part == BlobPart::Preview || self.wants_originals,
                BlobWish::Asked => true,
                BlobWish::LetGo => false,
            };
            !row.is_whole() && may && row.holders.contains(holder) && is_open(row)
        });
        lacking.sort_by_key(|row| (row.wish != BlobWish::Asked, row.part, row.id));
        Ok(lacking.iter().map(|row| row.id).collect())
    }

    /// How a blob that is not here as a whole is asked for: its name, the chunk to go on from, and whether
    /// the list is here. None if it has come, or cannot be named.
    pub(crate) fn want_of(&self, id: &BlobId) -> Result<Option<Wanted>, ReplicaError> {
        let Some(row) = self.store.blob(id)?.filter(|row| !row.is_whole()) else {
            return Ok(None);
        };
        let Naming::Named(name) = self.name_of_blob(&row)? else {
            return Ok(None);
        };
        Ok(Some(Wanted {
            name,
            from: row.here,
            has_list: self.store.blob_part(&row.id, 0)?.is_some(),
            rest: u64::from(row.padded) - bytes_here(&row),
        }))
    }

    /// Blobs that a store is not known to hold and that are to be offered to it, previews first.
    pub(crate) fn offered_to(
        &self,
        holder: &StoreId,
        is_open: impl Fn(&BlobRow) -> bool,
    ) -> Result<VecDeque<BlobId>, ReplicaError> {
        let mut whole = self.store.blobs()?;
        whole.retain(|row| row.is_whole() && !row.holders.contains(holder) && is_open(row));
        whole.sort_by_key(|row| (row.part, row.number));
        Ok(whole.iter().map(|row| row.id).collect())
    }

    /// What is said to offer a blob.
    pub(crate) fn offer_of(&self, id: &BlobId) -> Result<Offer, ReplicaError> {
        let Some(row) = self.store.blob(id)?.filter(BlobRow::is_whole) else {
            return Ok(Offer::Nothing);
        };
        Ok(match self.name_of_blob(&row)? {
            Naming::Named(name) => {
                list_of(&*self.store, &row)?.map_or(Offer::Nothing, |list| Offer::This(name, list))
            }
            Naming::NotSealed => Offer::Later,
            Naming::Unnamed => Offer::Nothing,
        })
    }

    /// Keeps the list of a blob that is wanted; says whether it is one that its record names.
    pub(crate) fn take_list(&mut self, list: &BlobList) -> Result<bool, ReplicaError> {
        self.act(|tx, _| keep_list(tx, list))
    }

    /// Makes chunks durable, in one transaction. Others make room for a blob that is here as a whole now.
    pub(crate) fn take_chunks(
        &mut self,
        chunks: &[ChunkIn],
        now: Millis,
    ) -> Result<Vec<ChunkTaken>, ReplicaError> {
        let limit = self.blobs_limit;
        self.act(|tx, mind| {
            let taken = chunks
                .iter()
                .map(|chunk| mind.take_chunk(tx, chunk, limit, now));
            taken.collect()
        })
    }
}

/// Keeps the list of a blob that is wanted; says whether it is one that its record names.
pub(super) fn keep_list(tx: &mut dyn StoreTx, list: &BlobList) -> Result<bool, ReplicaError> {
    let row = tx.blob(list.id())?;
    let Some(row) = row.filter(|row| !row.is_whole() && row.padded == list.padded()) else {
        return Ok(false);
    };
    tx.put_blob_part(&row.id, 0, &list.to_bytes())?;
    Ok(true)
}

fn keep_chunk(
    tx: &mut dyn StoreTx,
    chunk: &ChunkIn,
    now: Millis,
) -> Result<ChunkTaken, ReplicaError> {
    let row = tx.blob(&chunk.id)?;
    let Some(mut row) = row.filter(|row| !row.is_whole() && row.here == chunk.index) else {
        return Ok(ChunkTaken::Bad);
    };
    let list = list_of(tx, &row)?;
    if list.is_none_or(|list| list.verify(chunk.index, &chunk.bytes).is_err()) {
        return Ok(ChunkTaken::Bad);
    }
    tx.put_blob_part(&row.id, chunk.index + 1, &chunk.bytes)?;
    row.here += 1;
    row.used = now;
    let is_last = row.here == chunks_of(row.padded);
    if is_last {
        row.number = give_number(tx)?;
        row.wish = BlobWish::Ordinary;
    }
    tx.put_blob(&row)?;
    Ok(if is_last {
        ChunkTaken::Whole
    } else {
        ChunkTaken::Part
    })
}

/// The list of a blob's chunks, if it is here.
pub(super) fn list_of(
    store: &dyn StoreRead,
    row: &BlobRow,
) -> Result<Option<BlobList>, StoreError> {
    let Some(bytes) = store.blob_part(&row.id, 0)? else {
        return Ok(None);
    };
    let list = BlobList::read(&row.id, row.padded, &bytes);
    list.map(Some).map_err(|_| StoreError::Corrupt {
        what: "the list of a blob's chunks",
        place: row.id.short(),
    })
}

impl Mind {
    /// Keeps a chunk; others make room if the blob is here as a whole now.
    pub(super) fn take_chunk(
        &mut self,
        tx: &mut dyn StoreTx,
        chunk: &ChunkIn,
        limit: Option<u64>,
        now: Millis,
    ) -> Result<ChunkTaken, ReplicaError> {
        let taken = keep_chunk(tx, chunk, now)?;
        if taken != ChunkTaken::Bad {
            self.count_blob_bytes(chunk.bytes.len().saturating_sub(BLOB_TAG_BYTES) as u64);
        }
        if taken == ChunkTaken::Whole {
            self.blob_news += 1;
            self.make_room(tx, limit, Some(chunk.id))?;
        }
        Ok(taken)
    }

    /// Notes the blobs that a record names, so that they are asked for. What is here of them stays.
    pub(super) fn note_blobs(
        &mut self,
        tx: &mut dyn StoreTx,
        work: &Work,
    ) -> Result<(), ReplicaError> {
        let schema = std::sync::Arc::clone(&self.schema);
        let Some(kind) = schema.kind(work.kind()) else {
            return Ok(());
        };
        for field in kind.blob_fields() {
            let part = match field.name() {
                PREVIEW => BlobPart::Preview,
                ORIGINAL => BlobPart::Original,
                _other => continue,
            };
            let named = work.doc().blobs(field.name());
            for named in named.into_iter().take(BLOBS_PER_FIELD_MAX) {
                if tx.blob(&named.id)?.is_none() {
                    tx.put_blob(&lacking(&named, work.record(), work.space(), part))?;
                    self.blob_news += 1;
                }
            }
        }
        Ok(())
    }

    /// Drops the blobs of records that were erased; says whether there were any.
    pub(super) fn drop_blobs<'r>(
        &mut self,
        tx: &mut dyn StoreTx,
        records: impl Iterator<Item = &'r RecordId>,
    ) -> Result<bool, ReplicaError> {
        let erased: BTreeSet<&RecordId> = records.collect();
        let mut has_dropped = false;
        if erased.is_empty() {
            return Ok(false);
        }
        for row in tx.blobs()? {
            if erased.contains(&row.record) {
                tx.remove_blob(&row.id)?;
                self.blob_bytes = None;
                has_dropped = true;
            }
        }
        Ok(has_dropped)
    }
}

fn lacking(named: &BlobRef, record: RecordId, lane: LaneId, part: BlobPart) -> BlobRow {
    BlobRow {
        id: named.id,
        record,
        lane,
        part,
        padded: padded_len(named.len),
        here: 0,
        number: 0,
        used: Millis(0),
        holders: BTreeSet::new(),
        wish: BlobWish::Ordinary,
    }
}
