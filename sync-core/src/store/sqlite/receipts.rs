//! Where our batches lie in relays' stores, and the receipts of other devices.

use rusqlite::{Row, params};

use crate::id::{DeviceId, Millis};
use crate::keys::Signature;
use crate::receipt::{LANES_MARK_LEN, LanesMark, Reading, SignedReceipt, VerifiedReceipt};
use crate::store::forward::names::*;

use super::cells::{Columns, Sum, int};
use super::read::{Rows, Tally};

fn position_sum(store: &StoreId, arrival: Arrival, position: i64) -> Sum {
    Sum::of("positions")
        .bytes(store.as_bytes())
        .int(arrival.0)
        .signed(position)
}

fn receipt_sum(receipt: &VerifiedReceipt, lanes: &[u8]) -> Sum {
    let reading = receipt.reading();
    Sum::of("receipts")
        .bytes(reading.store.as_bytes())
        .bytes(receipt.device().as_bytes())
        .int(reading.position)
        .signed(reading.at.0)
        .bytes(&reading.lanes.0)
        .bytes(receipt.signature().as_bytes())
        .bytes(lanes)
}

fn lanes_of(bytes: &[u8]) -> Option<Vec<LaneId>> {
    let (lanes, rest) = bytes.as_chunks::<{ LaneId::LEN }>();
    let lanes = lanes.iter().copied().map(LaneId::new);
    rest.is_empty().then(|| lanes.collect())
}

impl Rows<'_> {
    pub(super) fn position_of(
        &self,
        store: &StoreId,
        arrival: Arrival,
    ) -> Result<Option<u64>, StoreError> {
        let Ok(number) = int(arrival.0) else {
            return Ok(None);
        };
        let mut statement = self.conn.prepare_cached(
            "SELECT position, sum FROM positions NOT INDEXED WHERE store = ?1 AND arrival = ?2",
        )?;
        let mut rows = statement.query(params![store.as_bytes(), number])?;
        let Some(row) = rows.next()? else {
            let again = "SELECT 1 FROM positions INDEXED BY positions_again \
                         WHERE arrival = ?2 AND store = ?1";
            let key = params![store.as_bytes(), number];
            self.confirm_absent(again, key, "a position")?;
            return Ok(None);
        };
        let mut columns = Columns::new(row, "a position", &"the list of positions");
        let position: i64 = columns.next()?;
        columns.check(position_sum(store, arrival, position))?;
        Ok(Some(position.cast_unsigned()))
    }

    /// Relays choose their positions, so that all 64 bits are kept.
    pub(super) fn put_position(
        &self,
        store: &StoreId,
        arrival: Arrival,
        position: u64,
    ) -> Result<(), StoreError> {
        let position = position.cast_signed();
        let sum = position_sum(store, arrival, position).done();
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO positions(store, arrival, position, sum) \
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![store.as_bytes(), int(arrival.0)?, position, sum])?;
        Ok(())
    }

    pub(super) fn forget_positions(&self, store: &StoreId) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("DELETE FROM positions WHERE store = ?1")?
            .execute([store.as_bytes()])?;
        Ok(())
    }

    fn read_receipt(row: &Row<'_>) -> Result<KeptReceipt, StoreError> {
        let mut columns = Columns::new(row, "a receipt", &"the list of receipts");
        let store: StoreId = columns.next()?;
        let device: DeviceId = columns.next()?;
        let position: i64 = columns.next()?;
        let at = Millis(columns.next()?);
        let mark: Vec<u8> = columns.next()?;
        let signature: Vec<u8> = columns.next()?;
        let lanes: Vec<u8> = columns.next()?;
        let mark = <[u8; LANES_MARK_LEN]>::try_from(mark.as_slice()).map_err(|_| columns.bad())?;
        let signature = <[u8; Signature::LEN]>::try_from(signature.as_slice());
        let reading = Reading {
            store,
            position: position.cast_unsigned(),
            at,
            lanes: LanesMark(mark),
        };
        let signature = Signature::new(signature.map_err(|_| columns.bad())?);
        let signed = SignedReceipt::new(device, reading, signature);
        let receipt = VerifiedReceipt::from_store(signed);
        columns.check(receipt_sum(&receipt, &lanes))?;
        let lanes = lanes_of(&lanes).ok_or_else(|| columns.bad())?;
        Ok(KeptReceipt { receipt, lanes })
    }

    pub(super) fn all_receipts(&self) -> Result<Vec<KeptReceipt>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT store, device, position, at, mark, signature, lanes, sum FROM receipts \
             ORDER BY store, device",
        )?;
        let mut rows = statement.query([])?;
        let mut receipts: Vec<KeptReceipt> = Vec::new();
        while let Some(row) = rows.next()? {
            receipts.push(Self::read_receipt(row)?);
        }
        self.check_tally(Tally::Receipts, receipts.len() as u64)?;
        Ok(receipts)
    }

    pub(super) fn put_receipt(&self, kept: &KeptReceipt) -> Result<(), StoreError> {
        let KeptReceipt { receipt, lanes } = kept;
        let reading = receipt.reading();
        let removed = self.delete_receipt(&reading.store, receipt.device())?;
        let lanes: Vec<u8> = lanes.iter().flat_map(|lane| *lane.as_bytes()).collect();
        self.conn
            .prepare_cached(
                "INSERT INTO receipts(store, device, position, at, mark, signature, lanes, sum) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                reading.store.as_bytes(),
                receipt.device().as_bytes(),
                reading.position.cast_signed(),
                reading.at.0,
                reading.lanes.0,
                receipt.signature().as_bytes(),
                lanes,
                receipt_sum(receipt, &lanes).done(),
            ])?;
        self.count(Tally::Receipts, 1, removed)
    }

    pub(super) fn remove_receipt(
        &self,
        store: &StoreId,
        device: &DeviceId,
    ) -> Result<(), StoreError> {
        let removed = self.delete_receipt(store, device)?;
        self.count(Tally::Receipts, 0, removed)
    }

    fn delete_receipt(&self, store: &StoreId, device: &DeviceId) -> Result<usize, StoreError> {
        Ok(self
            .conn
            .prepare_cached("DELETE FROM receipts WHERE store = ?1 AND device = ?2")?
            .execute(params![store.as_bytes(), device.as_bytes()])?)
    }
}
