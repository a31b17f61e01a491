//! Which entries a document was made of, packed: `(varint log number, varint seq)` one after the other.
//!
//! Logs are numbered in the order in which this store first met them; the numbers are this store's own.

use std::collections::HashMap;

use crate::entry::codec::{Reader, put_varint};
use crate::id::{DeviceId, Incarnation, LaneId, LogId, Seq};
use crate::replica::mind::meta;
use crate::store::{EntryRef, StoreError, StoreTx};

/// The numbers of logs.
#[derive(Debug, Default)]
pub(super) struct LogTable {
    logs: Vec<LogId>,
    numbers: HashMap<LogId, u64>,
    is_changed: bool,
}

impl LogTable {
    pub(super) fn load(bytes: Option<&[u8]>) -> Self {
        let mut table = Self::default();
        let mut reader = Reader::new(bytes.unwrap_or_default());
        while let Some(log) = read_log(&mut reader) {
            table.number(&log);
        }
        table.is_changed = false;
        table
    }

    pub(super) fn save(&mut self, tx: &mut dyn StoreTx) -> Result<(), StoreError> {
        if !self.is_changed {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(self.logs.len() * 56);
        for log in &self.logs {
            bytes.extend_from_slice(log.lane.as_bytes());
            bytes.extend_from_slice(log.device.as_bytes());
            bytes.extend_from_slice(log.incarnation.as_bytes());
        }
        self.is_changed = false;
        tx.put_meta(meta::LOG_TABLE, &bytes)
    }

    fn number(&mut self, log: &LogId) -> u64 {
        if let Some(number) = self.numbers.get(log) {
            return *number;
        }
        let number = self.logs.len() as u64;
        self.logs.push(*log);
        self.numbers.insert(*log, number);
        self.is_changed = true;
        number
    }

    /// Packs entries behind what is packed already.
    pub(super) fn pack(&mut self, out: &mut Vec<u8>, entries: impl Iterator<Item = EntryRef>) {
        for entry in entries {
            put_varint(out, self.number(&entry.log));
            put_varint(out, entry.seq.0);
        }
    }

    /// Unpacks entries.
    pub(super) fn unpack(&self, bytes: &[u8]) -> Result<Vec<EntryRef>, StoreError> {
        let mut reader = Reader::new(bytes);
        let mut entries = Vec::new();
        while !reader.is_at_end() {
            let entry = self.read(&mut reader).ok_or_else(|| StoreError::Corrupt {
                what: "a document's list of entries",
                place: format!("byte {}", reader.position()),
            })?;
            entries.push(entry);
        }
        Ok(entries)
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<EntryRef> {
        let number = usize::try_from(reader.varint()?).ok()?;
        Some(EntryRef {
            log: *self.logs.get(number)?,
            seq: Seq(reader.varint()?),
        })
    }
}

fn read_log(reader: &mut Reader<'_>) -> Option<LogId> {
    Some(LogId {
        lane: LaneId::new(reader.array()?),
        device: DeviceId::new(reader.array()?),
        incarnation: Incarnation::new(reader.array()?),
    })
}
