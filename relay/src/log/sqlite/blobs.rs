//! Blobs of communities: a row for each, and its chunks, which prove themselves by the blob's id.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row};
use sync_core::blob::{BLOB_CHUNKS_MAX, BlobId, BlobList, BlobName};
use sync_core::id::{CommunityId, DeviceId, Incarnation, LaneId, LogId, Seq};
use sync_core::store::StoreError;

use super::rows::{sum, unsigned};
use super::write::signed;
use super::{SqliteLog, corrupt, failed};
use crate::log::blobs::{BlobLog, KeptBlob};

/// Bytes of an entry's name: `lane 16 | device 32 | incarnation 8 | seq u64`.
const ENTRY_BYTES: usize = 16 + 32 + 8 + 8;

fn bad() -> StoreError {
    corrupt("a blob", "the list of blobs")
}

fn entry_bytes(log: &LogId, seq: Seq) -> Vec<u8> {
    let parts = [
        log.lane.as_bytes().as_slice(),
        log.device.as_bytes(),
        log.incarnation.as_bytes(),
        &seq.0.to_be_bytes(),
    ];
    parts.concat()
}

fn name_of(entry: &[u8], id: BlobId) -> Option<BlobName> {
    let (lane, rest) = entry.split_first_chunk()?;
    let (device, rest) = rest.split_first_chunk()?;
    let (incarnation, rest) = rest.split_first_chunk()?;
    Some(BlobName {
        log: LogId {
            lane: LaneId::new(*lane),
            device: DeviceId::new(*device),
            incarnation: Incarnation::new(*incarnation),
        },
        seq: Seq(u64::from_be_bytes(rest.try_into().ok()?)),
        id,
    })
}

/// A row and its number.
struct Kept {
    key: i64,
    name: BlobName,
    blob: KeptBlob,
}

const COLUMNS: &str = "id, entry, blob, device, padded, hashes, here, number, sum";

impl Kept {
    fn sum(&self, community: i64) -> Result<i64, StoreError> {
        let numbers = [
            self.key,
            community,
            i64::from(self.blob.list.padded()),
            i64::from(self.blob.here),
            signed(self.blob.number)?,
        ];
        let entry = entry_bytes(&self.name.log, self.name.seq);
        let bytes = [
            entry.as_slice(),
            self.name.id.as_bytes(),
            self.blob.by.as_bytes(),
        ];
        Ok(sum(&numbers, &bytes))
    }

    fn read(row: &Row<'_>, community: i64) -> Result<Self, StoreError> {
        let entry: Vec<u8> = row.get(1).map_err(failed)?;
        let id = BlobId::new(row.get(2).map_err(failed)?);
        let hashes: Vec<u8> = row.get(5).map_err(failed)?;
        let padded: i64 = row.get(4).map_err(failed)?;
        let padded = u32::try_from(padded).map_err(|_| bad())?;
        let here: i64 = row.get(6).map_err(failed)?;
        let number: i64 = row.get(7).map_err(failed)?;
        let found: i64 = row.get(8).map_err(failed)?;
        if entry.len() != ENTRY_BYTES {
            return Err(bad());
        }
        let kept = Self {
            key: row.get(0).map_err(failed)?,
            name: name_of(&entry, id).ok_or_else(bad)?,
            blob: KeptBlob {
                list: BlobList::read(&id, padded, &hashes).map_err(|_| bad())?,
                here: u32::try_from(here).map_err(|_| bad())?,
                number: unsigned(number),
                by: DeviceId::new(row.get(3).map_err(failed)?),
            },
        };
        (kept.sum(community)? == found)
            .then_some(kept)
            .ok_or_else(bad)
    }
}

/// The number of a chunk's row.
fn chunk_key(blob: i64, index: u32) -> Option<i64> {
    let room = i64::from(BLOB_CHUNKS_MAX);
    let index = i64::from(index);
    (index < room).then(|| blob.checked_mul(room)?.checked_add(index))?
}

impl SqliteLog {
    fn kept_blob(&self, community: i64, name: &BlobName) -> Result<Option<Kept>, StoreError> {
        let entry = entry_bytes(&name.log, name.seq);
        let sql =
            format!("SELECT {COLUMNS} FROM blob WHERE community = ?1 AND entry = ?2 AND blob = ?3");
        let mut find = self.conn.prepare_cached(&sql).map_err(failed)?;
        let key = (community, entry, name.id.as_bytes());
        let mut rows = find.query(key).map_err(failed)?;
        let row = rows.next().map_err(failed)?;
        row.map(|row| Kept::read(row, community)).transpose()
    }

    fn kept_of(&self, community: i64, sql: &str, entry: &[u8]) -> Result<Vec<Kept>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM blob WHERE community = ?1 {sql}");
        let mut find = self.conn.prepare_cached(&sql).map_err(failed)?;
        let mut rows = find.query((community, entry)).map_err(failed)?;
        let mut kept = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            kept.push(Kept::read(row, community)?);
        }
        Ok(kept)
    }

    fn newest_blob(&self, community: i64) -> Result<u64, StoreError> {
        let sql = "SELECT newest, sum FROM blob_number WHERE community = ?1";
        let found: Option<(i64, i64)> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut find| {
                find.query_row([community], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(failed)?;
        match found {
            Some((newest, found)) if sum(&[community, newest], &[]) == found => {
                Ok(unsigned(newest))
            }
            Some(_) => Err(bad()),
            None => Ok(0),
        }
    }

    fn give_blob_number(&self, community: i64) -> Result<u64, StoreError> {
        let number = self.newest_blob(community)? + 1;
        let newest = signed(number)?;
        let sql = "INSERT OR REPLACE INTO blob_number (community, newest, sum) VALUES (?1, ?2, ?3)";
        let row = (community, newest, sum(&[community, newest], &[]));
        self.run(sql, |insert| insert.execute(row))?;
        Ok(number)
    }

    fn set_blob(&self, community: i64, kept: &Kept) -> Result<(), StoreError> {
        let sql = "UPDATE blob SET here = ?2, number = ?3, sum = ?4 WHERE id = ?1";
        let row = (
            kept.key,
            kept.blob.here,
            signed(kept.blob.number)?,
            kept.sum(community)?,
        );
        self.run(sql, |update| update.execute(row))?;
        Ok(())
    }

    fn required_key(&self, community: &CommunityId) -> Result<i64, StoreError> {
        let key = self.key_of(community)?;
        key.ok_or_else(|| StoreError::Io("there is no such community".to_owned()))
    }
}

impl BlobLog for SqliteLog {
    fn blob_tip(&self, community: &CommunityId) -> Result<u64, StoreError> {
        match self.key_of(community)? {
            Some(key) => self.newest_blob(key),
            None => Ok(0),
        }
    }

    fn blob(
        &self,
        community: &CommunityId,
        name: &BlobName,
    ) -> Result<Option<KeptBlob>, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(None);
        };
        Ok(self.kept_blob(key, name)?.map(|kept| kept.blob))
    }

    fn blob_chunk(
        &self,
        community: &CommunityId,
        name: &BlobName,
        index: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(None);
        };
        let kept = self.kept_blob(key, name)?;
        let Some(kept) = kept.filter(|kept| index < kept.blob.here) else {
            return Ok(None);
        };
        let sql = "SELECT bytes FROM blob_chunk WHERE id = ?1";
        let chunk = chunk_key(kept.key, index).ok_or_else(bad)?;
        let bytes: Option<Vec<u8>> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut find| find.query_row([chunk], |row| row.get(0)).optional())
            .map_err(failed)?;
        let bytes = bytes.ok_or_else(bad)?;
        kept.blob.list.verify(index, &bytes).map_err(|_| bad())?;
        Ok(Some(bytes))
    }

    fn blobs_after(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, BlobName)>, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(Vec::new());
        };
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {COLUMNS} FROM blob INDEXED BY blob_by_number \
             WHERE community = ?1 AND lane = ?2 AND number > ?3 ORDER BY number LIMIT ?4"
        );
        let mut find = self.conn.prepare_cached(&sql).map_err(failed)?;
        let mut rows = find
            .query((key, lane.as_bytes(), after.max(0), limit))
            .map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let kept = Kept::read(row, key)?;
            found.push((kept.blob.number, kept.name));
        }
        Ok(found)
    }

    fn blob_bytes(&self, community: &CommunityId) -> Result<BTreeMap<DeviceId, u64>, StoreError> {
        let mut bytes = BTreeMap::new();
        if let Some(key) = self.key_of(community)? {
            for kept in self.kept_of(key, "AND entry >= ?2", &[])? {
                *bytes.entry(kept.blob.by).or_default() += kept.blob.list.sealed_bytes();
            }
        }
        Ok(bytes)
    }

    fn blobs_of(&self, community: &CommunityId, name: &BlobName) -> Result<usize, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(0);
        };
        let entry = entry_bytes(&name.log, name.seq);
        Ok(self.kept_of(key, "AND entry = ?2", &entry)?.len())
    }

    fn begin_blob(
        &mut self,
        community: &CommunityId,
        name: &BlobName,
        list: &BlobList,
        by: &DeviceId,
    ) -> Result<(), StoreError> {
        let community = self.required_key(community)?;
        let entry = entry_bytes(&name.log, name.seq);
        let sql = "INSERT INTO blob
                   (community, entry, blob, lane, device, padded, hashes, here, number, sum)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0)";
        self.run(sql, |insert| {
            insert.execute((
                community,
                entry,
                name.id.as_bytes(),
                name.log.lane.as_bytes(),
                by.as_bytes(),
                list.padded(),
                list.to_bytes(),
            ))
        })?;
        let kept = Kept {
            key: self.conn.last_insert_rowid(),
            name: *name,
            blob: KeptBlob {
                list: list.clone(),
                here: 0,
                number: 0,
                by: *by,
            },
        };
        self.set_blob(community, &kept)
    }

    fn put_blob_chunk(
        &mut self,
        community: &CommunityId,
        name: &BlobName,
        sealed: &[u8],
    ) -> Result<Option<KeptBlob>, StoreError> {
        let community = self.required_key(community)?;
        let Some(mut kept) = self.kept_blob(community, name)? else {
            return Ok(None);
        };
        if kept.blob.here >= kept.blob.list.chunks() {
            return Ok(Some(kept.blob));
        }
        let chunk = chunk_key(kept.key, kept.blob.here).ok_or_else(bad)?;
        let sql = "INSERT INTO blob_chunk (id, bytes) VALUES (?1, ?2)";
        self.run(sql, |insert| insert.execute((chunk, sealed)))?;
        kept.blob.here += 1;
        if kept.blob.here == kept.blob.list.chunks() {
            kept.blob.number = self.give_blob_number(community)?;
        }
        self.set_blob(community, &kept)?;
        Ok(Some(kept.blob))
    }

    fn remove_blobs(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<BTreeMap<DeviceId, u64>, StoreError> {
        let mut freed = BTreeMap::new();
        let Some(community) = self.key_of(community)? else {
            return Ok(freed);
        };
        for kept in self.kept_of(community, "AND entry = ?2", &entry_bytes(log, seq))? {
            let chunks = chunk_key(kept.key, 0).zip(chunk_key(kept.key, BLOB_CHUNKS_MAX - 1));
            let (first, last) = chunks.ok_or_else(bad)?;
            let sql = "DELETE FROM blob_chunk WHERE id BETWEEN ?1 AND ?2";
            self.run(sql, |delete| delete.execute((first, last)))?;
            let sql = "DELETE FROM blob WHERE id = ?1";
            self.run(sql, |delete| delete.execute([kept.key]))?;
            *freed.entry(kept.blob.by).or_default() += kept.blob.list.sealed_bytes();
        }
        Ok(freed)
    }
}
