//! The receipts of a community's devices.

use rusqlite::{OptionalExtension as _, Row};
use sync_core::id::{CommunityId, DeviceId, Millis, StoreId};
use sync_core::keys::Signature;
use sync_core::receipt::{LanesMark, Reading, SignedReceipt, VerifiedReceipt};
use sync_core::store::StoreError;

use super::rows::{sum, unsigned};
use super::write::signed;
use super::{SqliteLog, corrupt, failed};
use crate::log::{KeptReceipts, Numbered};

fn bad() -> StoreError {
    corrupt("a receipt", "the list of receipts")
}

fn receipt_sum(community: i64, numbered: &Numbered) -> Result<i64, StoreError> {
    let receipt = &numbered.receipt;
    let reading = receipt.reading();
    let numbers = [
        community,
        signed(numbered.number)?,
        signed(reading.position)?,
        reading.at.0,
    ];
    let bytes = [
        receipt.device().as_bytes().as_slice(),
        &reading.lanes.0,
        receipt.signature().as_bytes(),
    ];
    Ok(sum(&numbers, &bytes))
}

/// Reads `device, number, position, at, lanes, signature, sum`.
fn read(row: &Row<'_>, community: i64, store: StoreId) -> Result<Numbered, StoreError> {
    let number: i64 = row.get(1).map_err(failed)?;
    let position: i64 = row.get(2).map_err(failed)?;
    let found: i64 = row.get(6).map_err(failed)?;
    let reading = Reading {
        store,
        position: unsigned(position),
        at: Millis(row.get(3).map_err(failed)?),
        lanes: LanesMark(row.get(4).map_err(failed)?),
    };
    let device = DeviceId::new(row.get(0).map_err(failed)?);
    let signature = Signature::new(row.get(5).map_err(failed)?);
    let signed = SignedReceipt::new(device, reading, signature);
    let numbered = Numbered {
        number: unsigned(number),
        receipt: VerifiedReceipt::from_store(signed),
    };
    if receipt_sum(community, &numbered)? == found {
        Ok(numbered)
    } else {
        Err(bad())
    }
}

/// How many receipts a community has, and the number that was given last.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    newest: i64,
    count: i64,
}

impl Count {
    fn sum(self, community: i64) -> i64 {
        sum(&[community, self.newest, self.count], &[])
    }
}

impl SqliteLog {
    fn receipt_count(&self, community: i64) -> Result<Count, StoreError> {
        let sql = "SELECT newest, count, sum FROM receipt_number WHERE community = ?1";
        let found: Option<(i64, i64, i64)> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut find| {
                find.query_row([community], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
            })
            .map_err(failed)?;
        let Some((newest, count, found)) = found else {
            return Ok(Count::default());
        };
        let count = Count { newest, count };
        (found == count.sum(community))
            .then_some(count)
            .ok_or_else(bad)
    }

    fn set_receipt_count(&self, community: i64, count: Count) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO receipt_number (community, newest, count, sum)
                   VALUES (?1, ?2, ?3, ?4)";
        let row = (community, count.newest, count.count, count.sum(community));
        self.run(sql, |insert| insert.execute(row))?;
        Ok(())
    }

    fn delete_receipt(&self, community: i64, device: &DeviceId) -> Result<i64, StoreError> {
        let sql = "DELETE FROM receipt WHERE community = ?1 AND device = ?2";
        let row = (community, device.as_bytes());
        let deleted = self.run(sql, |delete| delete.execute(row))?;
        Ok(i64::from(deleted > 0))
    }

    pub(super) fn write_receipt(
        &self,
        community: &CommunityId,
        numbered: &Numbered,
    ) -> Result<(), StoreError> {
        let key = self.key_of(community)?;
        let key = key.ok_or_else(|| StoreError::Io("there is no such community".to_owned()))?;
        let receipt = &numbered.receipt;
        let reading = receipt.reading();
        let mut count = self.receipt_count(key)?;
        count.count += 1 - self.delete_receipt(key, receipt.device())?;
        count.newest = count.newest.max(signed(numbered.number)?);
        let (number, position) = (signed(numbered.number)?, signed(reading.position)?);
        let check = receipt_sum(key, numbered)?;
        let sql = "INSERT INTO receipt
                   (community, device, number, position, at, lanes, signature, sum)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.run(sql, |insert| {
            let (device, lanes) = (receipt.device().as_bytes(), reading.lanes.0);
            let signature = receipt.signature().as_bytes();
            insert.execute((
                key,
                device,
                number,
                position,
                reading.at.0,
                lanes,
                signature,
                check,
            ))
        })?;
        self.set_receipt_count(key, count)
    }

    pub(super) fn drop_receipt(
        &self,
        community: &CommunityId,
        device: &DeviceId,
    ) -> Result<(), StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(());
        };
        let mut count = self.receipt_count(key)?;
        count.count -= self.delete_receipt(key, device)?;
        self.set_receipt_count(key, count)
    }

    pub(super) fn all_receipts(&self, community: &CommunityId) -> Result<KeptReceipts, StoreError> {
        let Some(key) = self.key_of(community)? else {
            return Ok(KeptReceipts::default());
        };
        let count = self.receipt_count(key)?;
        let sql = "SELECT device, number, position, at, lanes, signature, sum FROM receipt
                   WHERE community = ?1 ORDER BY number";
        let receipts: Vec<Numbered> = self
            .run(sql, |list| {
                list.query_map([key], |row| Ok(read(row, key, self.store)))?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })?
            .into_iter()
            .collect::<Result<_, _>>()?;
        if i64::try_from(receipts.len()) != Ok(count.count) {
            return Err(bad());
        }
        Ok(KeptReceipts {
            newest: unsigned(count.newest),
            receipts,
        })
    }
}
