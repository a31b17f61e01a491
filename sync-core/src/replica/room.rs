//! How much room blobs may take on this device, and which make room for others.
//!
//! A blob is let go only if somebody else holds it who can be relied on: a relay of the community, or a
//! member's device whose store comes before ours in their order. Devices that rely on each other in one
//! direction only cannot both let go of the last copy.

use std::collections::BTreeMap;

use crate::blob::{BlobId, CHUNK_LEN};
use crate::entry::codec::read_cbor;
use crate::id::{DeviceId, RecordId, StoreId};
use crate::replica::attach::BlobStatus;
use crate::replica::blobs::forget_heard;
use crate::replica::found::put_cbor;
use crate::replica::mind::{Mind, meta};
use crate::replica::{Moment, Replica, ReplicaError};
use crate::store::{BlobPart, BlobRow, BlobWish, StoreError, StoreRead, StoreTx};

/// A blob that was looked at is not noted again as looked at for so long, in milliseconds.
const LOOKED_AT_MILLIS: i64 = 3_600_000;

/// Whose store holds blobs: the other side of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) store: StoreId,
    pub(crate) device: DeviceId,
    pub(crate) is_relay: bool,
}

/// The room that blobs take on this device, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlobRoom {
    /// What they may take; none if there is no limit.
    pub limit: Option<u64>,
    /// What they take.
    pub used: u64,
    /// Of that, what nobody else is known to hold who can be relied on: it stays, also beyond the limit.
    pub only_here: u64,
}

fn holder_key(store: &StoreId) -> String {
    format!("{}{store}", meta::BLOBS_HOLDER)
}

pub(super) fn holder_of(
    store: &dyn StoreRead,
    holder: &StoreId,
) -> Result<Option<(DeviceId, bool)>, StoreError> {
    let Some(bytes) = store.meta(&holder_key(holder))? else {
        return Ok(None);
    };
    let noted = read_cbor(&bytes).ok_or_else(|| StoreError::Corrupt {
        what: "whose a store of blobs is",
        place: holder.short(),
    })?;
    Ok(Some(noted))
}

/// The bytes of a blob that are here.
pub(super) fn bytes_here(row: &BlobRow) -> u64 {
    u64::from(row.padded.min(row.here.saturating_mul(CHUNK_LEN)))
}

/// Which stores can be relied on to hold what they say, asked once for each.
struct Reliable<'m> {
    mind: &'m Mind,
    known: BTreeMap<StoreId, bool>,
}

impl<'m> Reliable<'m> {
    fn new(mind: &'m Mind) -> Self {
        Self {
            mind,
            known: BTreeMap::new(),
        }
    }

    fn is_one(&mut self, store: &dyn StoreRead, holder: &StoreId) -> Result<bool, StoreError> {
        if let Some(known) = self.known.get(holder) {
            return Ok(*known);
        }
        let is_one = match holder_of(store, holder)? {
            Some((relay, true)) => self.mind.relays.iter().any(|it| it.relay == relay),
            Some((device, false)) => {
                let is_member = self.mind.roster.devices().contains_key(&device);
                is_member && *holder < self.mind.store_id
            }
            None => false,
        };
        self.known.insert(*holder, is_one);
        Ok(is_one)
    }

    fn hold(&mut self, store: &dyn StoreRead, row: &BlobRow) -> Result<bool, StoreError> {
        for holder in &row.holders {
            if self.is_one(store, holder)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Replica {
    /// Blobs may take so many bytes on this device; at first, and with none, as many as there are. What is
    /// beyond it and held by others is let go, first what was looked at longest ago; previews only if they
    /// alone take more.
    /// What nobody else holds stays. Originals of others are fetched as long as there is room.
    ///
    /// # Errors
    /// The store's.
    pub fn limit_blobs(&mut self, bytes: Option<u64>) -> Result<BlobRoom, ReplicaError> {
        self.blobs_limit = bytes;
        self.mind.blob_news += 1;
        self.act(|tx, mind| mind.make_room(tx, bytes, None))?;
        self.blob_room()
    }

    /// The room that blobs take.
    ///
    /// # Errors
    /// The store's.
    pub fn blob_room(&self) -> Result<BlobRoom, ReplicaError> {
        let mut room = BlobRoom {
            limit: self.blobs_limit,
            ..BlobRoom::default()
        };
        let mut reliable = Reliable::new(&self.mind);
        for row in self.store.blobs()? {
            let bytes = bytes_here(&row);
            room.used += bytes;
            if row.is_whole() && !reliable.hold(&*self.store, &row)? {
                room.only_here += bytes;
            }
        }
        Ok(room)
    }

    /// Asks for a part of an attachment that is not here: it comes with the next session with somebody who
    /// holds it, also where originals are not fetched by themselves. None if the record names no such part.
    ///
    /// # Errors
    /// The store's.
    pub fn fetch_blob(
        &mut self,
        record: &RecordId,
        part: BlobPart,
    ) -> Result<Option<BlobStatus>, ReplicaError> {
        if let Some(named) = self.blob_named(record, part)? {
            let is_news = self.act(|tx, _| {
                let row = tx.blob(&named.id)?;
                let Some(mut row) = row.filter(|it| !it.is_whole() && it.wish != BlobWish::Asked)
                else {
                    return Ok(false);
                };
                row.wish = BlobWish::Asked;
                tx.put_blob(&row)?;
                Ok(true)
            })?;
            self.mind.blob_news += u64::from(is_news);
        }
        self.blob_status(record, part)
    }

    /// Notes that somebody looks at a part of an attachment: what was looked at longest ago makes room first.
    ///
    /// # Errors
    /// The store's.
    pub fn note_blob_looked_at(
        &mut self,
        record: &RecordId,
        part: BlobPart,
        moment: &Moment<'_>,
    ) -> Result<(), ReplicaError> {
        let Some(named) = self.blob_named(record, part)? else {
            return Ok(());
        };
        let row = self.store.blob(&named.id)?;
        let is_old = |row: &BlobRow| moment.now.0.saturating_sub(row.used.0) > LOOKED_AT_MILLIS;
        let Some(mut row) = row.filter(is_old) else {
            return Ok(());
        };
        row.used = moment.now;
        self.act(|tx, _| Ok(tx.put_blob(&row)?))
    }

    /// Notes whose a store is, which holds blobs.
    pub(crate) fn note_blob_holder(&mut self, holder: &Holder) -> Result<(), ReplicaError> {
        let noted = (holder.device, holder.is_relay);
        if holder_of(&*self.store, &holder.store)? == Some(noted) {
            return Ok(());
        }
        self.act(|tx, _| put_cbor(tx, &holder_key(&holder.store), &noted))
    }

    /// A store does not hold a blob that it was said to hold. What it holds of that lane is heard anew in the
    /// next session: it may have refused for another reason.
    pub(crate) fn note_not_held_by(
        &mut self,
        holder: &StoreId,
        id: &BlobId,
    ) -> Result<(), ReplicaError> {
        self.act(|tx, _| {
            if let Some(mut row) = tx.blob(id)?
                && row.holders.remove(holder)
            {
                tx.put_blob(&row)?;
                forget_heard(tx, holder, &row.lane)?;
            }
            Ok(())
        })
    }

    /// Whether a blob may be fetched that is not here: what is asked for always is, and others as long as
    /// there is room beside so many bytes that are on their way.
    pub(crate) fn has_room_for(&mut self, id: &BlobId, coming: u64) -> Result<bool, ReplicaError> {
        let Some(row) = self.store.blob(id)? else {
            return Ok(false);
        };
        let limit = self.blobs_limit;
        Ok(self.mind.has_room_for(&*self.store, &row, limit, coming)?)
    }
}

impl Mind {
    fn blob_bytes(&mut self, store: &dyn StoreRead) -> Result<u64, StoreError> {
        if let Some(bytes) = self.blob_bytes {
            return Ok(bytes);
        }
        let bytes = store.blobs()?.iter().map(bytes_here).sum();
        self.blob_bytes = Some(bytes);
        Ok(bytes)
    }

    pub(super) fn has_room_for(
        &mut self,
        store: &dyn StoreRead,
        row: &BlobRow,
        limit: Option<u64>,
        coming: u64,
    ) -> Result<bool, StoreError> {
        let Some(limit) = limit.filter(|_| row.wish != BlobWish::Asked) else {
            return Ok(true);
        };
        let rest = u64::from(row.padded) - bytes_here(row);
        Ok(self.blob_bytes(store)? + coming + rest <= limit)
    }

    /// Counts bytes of blobs that have come.
    pub(super) fn count_blob_bytes(&mut self, more: u64) {
        self.blob_bytes = self.blob_bytes.map(|bytes| bytes + more);
    }

    /// Lets go of blobs until they take no more than the limit. One of them is spared: it has just come.
    pub(super) fn make_room(
        &mut self,
        tx: &mut dyn StoreTx,
        limit: Option<u64>,
        spared: Option<BlobId>,
    ) -> Result<(), ReplicaError> {
        let Some(limit) = limit else {
            return Ok(());
        };
        if self.blob_bytes(&*tx)? <= limit {
            return Ok(());
        }
        let mut rows = tx.blobs()?;
        rows.sort_by_key(|row| (row.used, row.id));
        let mut reliable = Reliable::new(self);
        let mut used: u64 = rows.iter().map(bytes_here).sum();
        for part in [BlobPart::Original, BlobPart::Preview] {
            for row in rows.iter_mut().filter(|row| row.part == part) {
                let may = row.is_whole() && Some(row.id) != spared;
                if used > limit && may && reliable.hold(&*tx, row)? {
                    used -= bytes_here(row);
                    let_go(tx, row)?;
                }
            }
            // Small pictures make room only if they alone are too much.
            used = rows
                .iter()
                .filter(|row| row.part != part)
                .map(bytes_here)
                .sum();
        }
        self.blob_bytes = Some(rows.iter().map(bytes_here).sum());
        Ok(())
    }
}

fn let_go(tx: &mut dyn StoreTx, row: &mut BlobRow) -> Result<(), StoreError> {
    tx.remove_blob_parts(&row.id)?;
    row.here = 0;
    row.number = 0;
    row.wish = BlobWish::LetGo;
    tx.put_blob(row)
}
