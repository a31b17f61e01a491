//! The short lists: named values, edits not sealed yet, held and waiting entries, cursors.

use rusqlite::{OptionalExtension, Row, params};

use crate::entry::EntryKind;
use crate::id::{DeviceId, Incarnation};
use crate::store::HoldCode;
use crate::store::forward::names::*;

use super::cells::{Columns, Sum, bound, corrupt, int};
use super::read::{Rows, Tally};
use super::schema;

const ENTRY_LEN: usize = LaneId::LEN + DeviceId::LEN + Incarnation::LEN + 8;

/// `lane 16 | device 32 | incarnation 8 | seq u64`, big-endian: sorts as entries do.
fn entry_key(entry: &EntryRef) -> Vec<u8> {
    let mut key = Vec::with_capacity(ENTRY_LEN);
    key.extend_from_slice(entry.log.lane.as_bytes());
    key.extend_from_slice(entry.log.device.as_bytes());
    key.extend_from_slice(entry.log.incarnation.as_bytes());
    key.extend_from_slice(&entry.seq.0.to_be_bytes());
    key
}

fn entry_of(key: &[u8]) -> Option<EntryRef> {
    let (lane, rest) = key.split_at_checked(LaneId::LEN)?;
    let (device, rest) = rest.split_at_checked(DeviceId::LEN)?;
    let (incarnation, seq) = rest.split_at_checked(Incarnation::LEN)?;
    Some(EntryRef {
        log: LogId {
            lane: LaneId::try_from(lane).ok()?,
            device: DeviceId::try_from(device).ok()?,
            incarnation: Incarnation::try_from(incarnation).ok()?,
        },
        seq: Seq(u64::from_be_bytes(seq.try_into().ok()?)),
    })
}

fn meta_sum(key: &str, value: &[u8]) -> Sum {
    Sum::of("meta").bytes(key.as_bytes()).bytes(value)
}

fn mark_sum(key: &[u8], upto: i64) -> Sum {
    Sum::of("marks").bytes(key).signed(upto)
}

fn pending_sum(row: &PendingRow) -> Sum {
    Sum::of("pending")
        .bytes(row.lane.as_bytes())
        .int(row.seq.0)
        .int(u64::from(row.kind.code()))
        .maybe(
            row.record
                .as_ref()
                .map(|record| record.as_bytes().as_slice()),
        )
        .bytes(&row.bytes)
}

fn held_sum(key: &[u8], record: Option<&RecordId>, reason: HoldCode) -> Sum {
    Sum::of("held")
        .bytes(key)
        .maybe(record.map(|record| record.as_bytes().as_slice()))
        .int(u64::from(reason.0))
}

fn waiting_sum(epoch: &EpochId, key: &[u8]) -> Sum {
    Sum::of("waiting").bytes(epoch.as_bytes()).bytes(key)
}

fn waits_sum(epoch: &EpochId, count: u64) -> Sum {
    Sum::of("waits").bytes(epoch.as_bytes()).int(count)
}

// Named values and cursors.
impl Rows<'_> {
    pub(super) fn meta_value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT value, sum FROM meta WHERE key = ?1")?;
        let mut rows = statement.query([key])?;
        let Some(row) = rows.next()? else {
            let again = "SELECT 1 FROM meta INDEXED BY meta_again WHERE key = ?1";
            self.confirm_absent(again, [key], "a named value")?;
            return Ok(None);
        };
        let mut columns = Columns::new(row, "a named value", &key);
        let value: Vec<u8> = columns.next()?;
        columns.check(meta_sum(key, &value))?;
        Ok(Some(value))
    }

    pub(super) fn clear(&self) -> Result<(), StoreError> {
        self.forget_words()?;
        schema::clear(self.conn)
    }

    pub(super) fn put_meta(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO meta(key, value, sum) VALUES (?1, ?2, ?3)")?
            .execute(params![key, value, meta_sum(key, value).done()])?;
        Ok(())
    }

    pub(super) fn remove_meta(&self, key: &str) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("DELETE FROM meta WHERE key = ?1")?
            .execute([key])?;
        Ok(())
    }

    pub(super) fn mark(&self, key: &[u8]) -> Result<u64, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT upto, sum FROM marks WHERE key = ?1")?;
        let mut rows = statement.query([key])?;
        let Some(row) = rows.next()? else {
            let again = "SELECT 1 FROM marks INDEXED BY marks_again WHERE key = ?1";
            self.confirm_absent(again, [key], "a cursor")?;
            return Ok(0);
        };
        let mut columns = Columns::new(row, "a cursor", &"the list of cursors");
        let upto: i64 = columns.next()?;
        columns.check(mark_sum(key, upto))?;
        Ok(upto.cast_unsigned())
    }

    /// Relays choose their positions, so that all 64 bits are kept.
    pub(super) fn put_mark(&self, key: &[u8], upto: u64) -> Result<(), StoreError> {
        let upto = upto.cast_signed();
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO marks(key, upto, sum) VALUES (?1, ?2, ?3)")?
            .execute(params![key, upto, mark_sum(key, upto).done()])?;
        Ok(())
    }
}

// Edits that are not sealed yet.
impl Rows<'_> {
    pub(super) fn all_pending(&self) -> Result<Vec<PendingRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT lane, seq, kind, record, bytes, sum FROM pending ORDER BY lane, seq",
        )?;
        let mut rows = statement.query([])?;
        let mut pending: Vec<PendingRow> = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "an edit", &"the list of unsent edits");
            let row = PendingRow {
                lane: columns.next()?,
                seq: Seq(columns.next()?),
                kind: EntryKind::from_code(columns.next()?),
                record: columns.next()?,
                bytes: columns.next()?,
            };
            columns.check(pending_sum(&row))?;
            if pending
                .last()
                .is_some_and(|last| (last.lane, last.seq) >= (row.lane, row.seq))
            {
                return Err(columns.bad());
            }
            pending.push(row);
        }
        self.check_tally(Tally::Pending, pending.len() as u64)?;
        Ok(pending)
    }

    pub(super) fn last_pending_of(&self, lane: &LaneId) -> Result<Option<Seq>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT lane, seq, kind, record, bytes, sum FROM pending WHERE lane = ?1 \
             ORDER BY seq DESC LIMIT 1",
        )?;
        let mut rows = statement.query([lane.as_bytes()])?;
        let mut last = None;
        if let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "an edit", &"the list of unsent edits");
            let row = PendingRow {
                lane: columns.next()?,
                seq: Seq(columns.next()?),
                kind: EntryKind::from_code(columns.next()?),
                record: columns.next()?,
                bytes: columns.next()?,
            };
            columns.check(pending_sum(&row))?;
            last = Some(row.seq);
        }
        let again: Option<i64> = self
            .conn
            .prepare_cached(
                "SELECT max(seq) FROM pending INDEXED BY pending_again WHERE lane = ?1",
            )?
            .query_row([lane.as_bytes()], |row| row.get(0))?;
        if again == last.map(|seq| bound(seq.0)) {
            Ok(last)
        } else {
            Err(corrupt("an edit", "the list of unsent edits"))
        }
    }

    pub(super) fn put_pending(&self, row: &PendingRow) -> Result<(), StoreError> {
        let lane = row.lane.as_bytes();
        let replaced = self
            .conn
            .prepare_cached("DELETE FROM pending WHERE lane = ?1 AND seq = ?2")?
            .execute(params![lane, int(row.seq.0)?])?;
        self.conn
            .prepare_cached(
                "INSERT INTO pending(lane, seq, kind, record, bytes, sum) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                lane,
                int(row.seq.0)?,
                row.kind.code(),
                row.record.as_ref().map(RecordId::as_bytes),
                row.bytes,
                pending_sum(row).done(),
            ])?;
        self.count(Tally::Pending, 1, replaced)
    }

    pub(super) fn remove_pending(&self, lane: &LaneId, upto: Seq) -> Result<(), StoreError> {
        let removed = self
            .conn
            .prepare_cached("DELETE FROM pending WHERE lane = ?1 AND seq <= ?2")?
            .execute(params![lane.as_bytes(), bound(upto.0)])?;
        self.count(Tally::Pending, 0, removed)
    }

    /// Counts what came and what went.
    pub(super) fn count(&self, tally: Tally, added: u64, removed: usize) -> Result<(), StoreError> {
        let before = self.tally(tally)?;
        let after = (before + added)
            .checked_sub(removed as u64)
            .ok_or_else(|| corrupt("a list", tally.name()))?;
        if after == before {
            Ok(())
        } else {
            self.set_tally(tally, after)
        }
    }
}

// Entries that are kept and not merged.
impl Rows<'_> {
    fn read_held(row: &Row<'_>) -> Result<HeldRow, StoreError> {
        let mut columns = Columns::new(row, "a held entry", &"the list of held entries");
        let key: Vec<u8> = columns.next()?;
        let record: Option<RecordId> = columns.next()?;
        let reason = HoldCode(columns.next()?);
        columns.check(held_sum(&key, record.as_ref(), reason))?;
        let entry = entry_of(&key).ok_or_else(|| columns.bad())?;
        Ok(HeldRow {
            entry,
            record,
            reason,
        })
    }

    pub(super) fn all_held(&self) -> Result<Vec<HeldRow>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT entry, record, reason, sum FROM held ORDER BY entry")?;
        let mut rows = statement.query([])?;
        let mut held: Vec<HeldRow> = Vec::new();
        while let Some(row) = rows.next()? {
            held.push(Self::read_held(row)?);
        }
        if !held.iter().is_sorted_by_key(|row| row.entry) {
            return Err(corrupt("a list", Tally::Held.name()));
        }
        self.check_tally(Tally::Held, held.len() as u64)?;
        Ok(held)
    }

    pub(super) fn held_for(&self, record: &RecordId) -> Result<Vec<HeldRow>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT entry, record, reason, sum FROM held INDEXED BY held_by_record \
             WHERE record = ?1 ORDER BY entry",
        )?;
        let mut rows = statement.query([record.as_bytes()])?;
        let mut held = Vec::new();
        while let Some(row) = rows.next()? {
            held.push(Self::read_held(row)?);
        }
        let indexed: i64 = self
            .conn
            .prepare_cached("SELECT count(*) FROM held INDEXED BY held_again WHERE record = ?1")?
            .query_row([record.as_bytes()], |row| row.get(0))?;
        let fits = held.iter().all(|row| row.record == Some(*record))
            && held.iter().is_sorted_by_key(|row| row.entry)
            && usize::try_from(indexed) == Ok(held.len());
        if fits {
            Ok(held)
        } else {
            Err(corrupt("a list", Tally::Held.name()))
        }
    }

    pub(super) fn put_held(&self, row: &HeldRow) -> Result<(), StoreError> {
        let key = entry_key(&row.entry);
        let replaced = self
            .conn
            .prepare_cached("DELETE FROM held WHERE entry = ?1")?
            .execute([&key])?;
        self.conn
            .prepare_cached("INSERT INTO held(entry, record, reason, sum) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                key,
                row.record.as_ref().map(RecordId::as_bytes),
                row.reason.0,
                held_sum(&key, row.record.as_ref(), row.reason).done(),
            ])?;
        self.count(Tally::Held, 1, replaced)
    }

    pub(super) fn remove_held(&self, entry: &EntryRef) -> Result<(), StoreError> {
        let removed = self
            .conn
            .prepare_cached("DELETE FROM held WHERE entry = ?1")?
            .execute([entry_key(entry)])?;
        self.count(Tally::Held, 0, removed)
    }
}

// Entries that wait for a key.
impl Rows<'_> {
    fn waits_of(&self, epoch: &EpochId) -> Result<u64, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT epoch, count, sum FROM waits WHERE epoch = ?1")?;
        let mut rows = statement.query([epoch.as_bytes()])?;
        let Some(row) = rows.next()? else {
            return Ok(0);
        };
        Self::read_waits(row).map(|(_, count)| count)
    }

    fn read_waits(row: &Row<'_>) -> Result<(EpochId, u64), StoreError> {
        let mut columns = Columns::new(row, "a count", &"waits");
        let epoch = columns.next()?;
        let count = columns.next()?;
        columns.check(waits_sum(&epoch, count))?;
        Ok((epoch, count))
    }

    pub(super) fn all_waits(&self) -> Result<Vec<(EpochId, u64)>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT epoch, count, sum FROM waits ORDER BY epoch")?;
        let mut rows = statement.query([])?;
        let mut waits: Vec<(EpochId, u64)> = Vec::new();
        while let Some(row) = rows.next()? {
            waits.push(Self::read_waits(row)?);
        }
        if !waits.iter().is_sorted_by_key(|(epoch, _)| *epoch) {
            return Err(corrupt("a list", Tally::Waiting.name()));
        }
        self.check_tally(Tally::Waiting, waits.iter().map(|(_, count)| count).sum())?;
        Ok(waits)
    }

    pub(super) fn waiting_entries(&self, epoch: &EpochId) -> Result<Vec<EntryRef>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT entry, sum FROM waiting WHERE epoch = ?1 ORDER BY entry")?;
        let mut rows = statement.query([epoch.as_bytes()])?;
        let mut entries: Vec<EntryRef> = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "a waiting entry", epoch);
            let key: Vec<u8> = columns.next()?;
            columns.check(waiting_sum(epoch, &key))?;
            entries.push(entry_of(&key).ok_or_else(|| columns.bad())?);
        }
        if entries.len() as u64 == self.waits_of(epoch)? && entries.is_sorted() {
            Ok(entries)
        } else {
            Err(corrupt("a list", Tally::Waiting.name()))
        }
    }

    pub(super) fn put_waiting(&self, epoch: &EpochId, entry: &EntryRef) -> Result<(), StoreError> {
        let key = entry_key(entry);
        let known: Option<i64> = self
            .conn
            .prepare_cached("SELECT 1 FROM waiting WHERE epoch = ?1 AND entry = ?2")?
            .query_row(params![epoch.as_bytes(), key], |row| row.get(0))
            .optional()?;
        if known.is_some() {
            return Ok(());
        }
        self.conn
            .prepare_cached("INSERT INTO waiting(epoch, entry, sum) VALUES (?1, ?2, ?3)")?
            .execute(params![
                epoch.as_bytes(),
                key,
                waiting_sum(epoch, &key).done()
            ])?;
        let count = self.waits_of(epoch)? + 1;
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO waits(epoch, count, sum) VALUES (?1, ?2, ?3)")?
            .execute(params![
                epoch.as_bytes(),
                int(count)?,
                waits_sum(epoch, count).done()
            ])?;
        self.count(Tally::Waiting, 1, 0)
    }

    pub(super) fn remove_waiting(&self, epoch: &EpochId) -> Result<(), StoreError> {
        let removed = self
            .conn
            .prepare_cached("DELETE FROM waiting WHERE epoch = ?1")?
            .execute([epoch.as_bytes()])?;
        self.conn
            .prepare_cached("DELETE FROM waits WHERE epoch = ?1")?
            .execute([epoch.as_bytes()])?;
        self.count(Tally::Waiting, 0, removed)
    }
}
