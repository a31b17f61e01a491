//! Blobs: a row for each that a record names, and its parts, which prove themselves by the blob's id.

use std::collections::BTreeSet;

use rusqlite::{Row, params};

use crate::id::{BlobId, Millis};
use crate::store::forward::names::*;
use crate::store::{BlobPart, BlobRow, BlobWish};

use super::cells::{Columns, Sum, int};
use super::read::{Rows, Tally};

const COLUMNS: &str = "id, record, lane, part, padded, here, number, used, holders, wish, sum";

fn packed(holders: &BTreeSet<StoreId>) -> Vec<u8> {
    holders.iter().flat_map(|it| *it.as_bytes()).collect()
}

fn blob_sum(row: &BlobRow, holders: &[u8]) -> Sum {
    let sum = Sum::of("blobs")
        .bytes(row.id.as_bytes())
        .bytes(row.record.as_bytes())
        .bytes(row.lane.as_bytes())
        .int(u64::from(row.part.code()))
        .int(u64::from(row.padded))
        .int(u64::from(row.here))
        .int(row.number)
        .signed(row.used.0)
        .bytes(holders);
    // Version 4 had no wishes: its sums hold for rows without one.
    match row.wish {
        BlobWish::Ordinary => sum,
        wish @ (BlobWish::Asked | BlobWish::LetGo) => sum.int(u64::from(wish.code())),
    }
}

fn part_sum(id: &BlobId, part: u32, bytes: &[u8]) -> Sum {
    Sum::of("blob_parts")
        .bytes(id.as_bytes())
        .int(u64::from(part))
        .bytes(bytes)
}

fn read_blob(row: &Row<'_>) -> Result<BlobRow, StoreError> {
    let mut columns = Columns::new(row, "a blob", &"the list of blobs");
    let id = columns.next()?;
    let record = columns.next()?;
    let lane = columns.next()?;
    let part: u8 = columns.next()?;
    let part = BlobPart::from_code(part).ok_or_else(|| columns.bad())?;
    let (padded, here, number) = (columns.next()?, columns.next()?, columns.next()?);
    let used = Millis(columns.next()?);
    let packed: Vec<u8> = columns.next()?;
    let wish: u8 = columns.next()?;
    let (holders, rest) = packed.as_chunks::<{ StoreId::LEN }>();
    let row = BlobRow {
        id,
        record,
        lane,
        part,
        padded,
        here,
        number,
        used,
        holders: holders.iter().copied().map(StoreId::new).collect(),
        wish: BlobWish::from_code(wish).ok_or_else(|| columns.bad())?,
    };
    if !rest.is_empty() {
        return Err(columns.bad());
    }
    columns.check(blob_sum(&row, &packed))?;
    Ok(row)
}

impl Rows<'_> {
    pub(super) fn all_blobs(&self) -> Result<Vec<BlobRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM blobs NOT INDEXED ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut blobs: Vec<BlobRow> = Vec::new();
        while let Some(row) = rows.next()? {
            blobs.push(read_blob(row)?);
        }
        self.check_tally(Tally::Blobs, blobs.len() as u64)?;
        Ok(blobs)
    }

    pub(super) fn one_blob(&self, id: &BlobId) -> Result<Option<BlobRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM blobs NOT INDEXED WHERE id = ?1");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([id.as_bytes()])?;
        if let Some(row) = rows.next()? {
            return read_blob(row).map(Some);
        }
        let again = "SELECT 1 FROM blobs INDEXED BY blobs_again WHERE id = ?1";
        self.confirm_absent(again, [id.as_bytes()], "a blob")?;
        Ok(None)
    }

    pub(super) fn one_blob_part(
        &self,
        id: &BlobId,
        part: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT sum, bytes FROM blob_parts INDEXED BY blob_parts_by_key \
             WHERE blob = ?1 AND part = ?2",
        )?;
        let mut rows = statement.query(params![id.as_bytes(), part])?;
        let Some(row) = rows.next()? else {
            let again = "SELECT 1 FROM blob_parts INDEXED BY blob_parts_again \
                         WHERE part = ?2 AND blob = ?1";
            self.confirm_absent(again, params![id.as_bytes(), part], "a part of a blob")?;
            return Ok(None);
        };
        let sum: i64 = row.get(0)?;
        let mut columns = Columns::new(row, "a part of a blob", &"the parts of blobs");
        let _sum: i64 = columns.next()?;
        let bytes: Vec<u8> = columns.next()?;
        if part_sum(id, part, &bytes).done() != sum {
            return Err(columns.bad());
        }
        Ok(Some(bytes))
    }

    pub(super) fn put_blob(&self, row: &BlobRow) -> Result<(), StoreError> {
        let removed = self.delete_blob(&row.id)?;
        let holders = packed(&row.holders);
        let sum = blob_sum(row, &holders).done();
        let sql = format!(
            "INSERT INTO blobs({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        );
        self.conn.prepare_cached(&sql)?.execute(params![
            row.id.as_bytes(),
            row.record.as_bytes(),
            row.lane.as_bytes(),
            row.part.code(),
            row.padded,
            row.here,
            int(row.number)?,
            row.used.0,
            holders,
            row.wish.code(),
            sum,
        ])?;
        self.count(Tally::Blobs, 1, removed)
    }

    fn delete_blob(&self, id: &BlobId) -> Result<usize, StoreError> {
        let mut delete = self
            .conn
            .prepare_cached("DELETE FROM blobs WHERE id = ?1")?;
        Ok(delete.execute([id.as_bytes()])?)
    }

    pub(super) fn remove_blob(&self, id: &BlobId) -> Result<(), StoreError> {
        self.remove_blob_parts(id)?;
        let removed = self.delete_blob(id)?;
        self.count(Tally::Blobs, 0, removed)
    }

    pub(super) fn put_blob_part(
        &self,
        id: &BlobId,
        part: u32,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let sum = part_sum(id, part, bytes).done();
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO blob_parts(blob, part, sum, bytes) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![id.as_bytes(), part, sum, bytes])?;
        Ok(())
    }

    pub(super) fn remove_blob_parts(&self, id: &BlobId) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("DELETE FROM blob_parts WHERE blob = ?1")?
            .execute([id.as_bytes()])?;
        Ok(())
    }
}
