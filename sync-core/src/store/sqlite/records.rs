//! Documents and their tails.
//!
//! A record has one number for its document, its tails and its row of the view; its row in `records`
//! says which of them there are, so that one that is lost is noticed.

use rusqlite::{Row, params};

use crate::store::forward::names::*;
use crate::store::prefix::record_range;

use super::cells::{Columns, Sum, corrupt, int};
use super::read::{Rows, Tally};

const DOC: u8 = 1;
pub(super) const ROW: u8 = 2;

/// What there is of a record.
pub(super) struct Key {
    pub(super) id: i64,
    pub(super) record: RecordId,
    pub(super) holds: u8,
    tails: u64,
}

impl Key {
    /// Its number is in the sums of all that has it, and SQLite chooses it.
    fn sum(&self) -> Sum {
        Sum::of("records")
            .bytes(self.record.as_bytes())
            .int(u64::from(self.holds))
            .int(self.tails)
    }

    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut columns = Columns::new(row, "a record", &"the list of records");
        let key = Self {
            id: columns.next()?,
            record: columns.next()?,
            holds: columns.next()?,
            tails: columns.next()?,
        };
        columns.check(key.sum())?;
        Ok(key)
    }
}

fn doc_sum(id: i64, row: &DocRow) -> Sum {
    Sum::of("docs")
        .signed(id)
        .bytes(row.record.as_bytes())
        .bytes(row.kind.as_bytes())
        .bytes(row.space.as_bytes())
        .int(u64::from(row.is_troubled))
        .bytes(&row.refs)
        .bytes(&row.base)
}

fn tail_sum(key: &Key, number: u64, tail: &TailRow) -> Sum {
    Sum::of("tails")
        .signed(key.id)
        .bytes(key.record.as_bytes())
        .int(number)
        .bytes(&tail.refs)
        .bytes(&tail.chunk)
}

// Reading.
impl Rows<'_> {
    pub(super) fn look_up(&self, record: &RecordId) -> Result<Option<Key>, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, record, holds, tails, sum FROM records INDEXED BY records_by_record \
             WHERE record = ?1",
        )?;
        let mut rows = statement.query([record.as_bytes()])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let key = Key::of(row)?;
        if key.record == *record {
            Ok(Some(key))
        } else {
            Err(corrupt("a record", record))
        }
    }

    pub(super) fn find(&self, record: &RecordId) -> Result<Option<Key>, StoreError> {
        let found = self.look_up(record)?;
        if found.is_none() {
            self.confirm_absent(
                "SELECT id FROM records INDEXED BY records_again WHERE record = ?1",
                [record.as_bytes()],
                "a record",
            )?;
        }
        Ok(found)
    }

    pub(super) fn doc_of(&self, record: &RecordId) -> Result<Option<DocRow>, StoreError> {
        let Some(key) = self.find(record)?.filter(|key| key.holds & DOC != 0) else {
            return Ok(None);
        };
        let mut statement = self.conn.prepare_cached(
            "SELECT kind, space, is_troubled, refs, base, sum FROM docs WHERE id = ?1",
        )?;
        let mut rows = statement.query([key.id])?;
        let Some(row) = rows.next()? else {
            return Err(corrupt("a document", record));
        };
        let mut columns = Columns::new(row, "a document", record);
        let kind = columns.next()?;
        let space = columns.next()?;
        let is_troubled = columns.next()?;
        let refs = columns.next()?;
        let base = columns.next()?;
        let doc = DocRow {
            record: *record,
            kind,
            space,
            base,
            refs,
            is_troubled,
        };
        columns.check(doc_sum(key.id, &doc))?;
        Ok(Some(doc))
    }

    pub(super) fn tails_of(&self, record: &RecordId) -> Result<Vec<TailRow>, StoreError> {
        let mut tails = Vec::new();
        let Some(key) = self.find(record)? else {
            return Ok(tails);
        };
        if key.tails == 0 {
            return Ok(tails);
        }
        let mut statement = self
            .conn
            .prepare_cached("SELECT refs, chunk, sum FROM tails WHERE id = ?1 ORDER BY number")?;
        let mut rows = statement.query([key.id])?;
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "a change", record);
            let refs = columns.next()?;
            let tail = TailRow {
                refs,
                chunk: columns.next()?,
            };
            columns.check(tail_sum(&key, tails.len() as u64 + 1, &tail))?;
            tails.push(tail);
        }
        if tails.len() as u64 == key.tails {
            Ok(tails)
        } else {
            Err(corrupt("a change", record))
        }
    }

    pub(super) fn all_records(&self) -> Result<Vec<RecordId>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, record, holds, tails, sum FROM records NOT INDEXED")?;
        let mut rows = statement.query([])?;
        let mut records = Vec::new();
        let mut found = 0;
        while let Some(row) = rows.next()? {
            let key = Key::of(row)?;
            found += 1;
            if key.holds & DOC != 0 {
                records.push(key.record);
            }
        }
        let indexed: i64 = self
            .conn
            .prepare_cached("SELECT count(*) FROM records INDEXED BY records_again")?
            .query_row([], |row| row.get(0))?;
        if indexed != found {
            return Err(corrupt("a list", "records"));
        }
        records.sort_unstable();
        Ok(records)
    }

    pub(super) fn records_with_prefix(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        let mut records = Vec::new();
        let Some((low, mut high)) = record_range(prefix) else {
            return Ok(records);
        };
        let mut statement = self.conn.prepare_cached(
            "SELECT id, record, holds, tails, sum FROM records INDEXED BY records_by_record \
             WHERE record >= ?1 AND record <= ?2 ORDER BY record",
        )?;
        let mut rows = statement.query([low.as_bytes(), high.as_bytes()])?;
        let mut found = 0_i64;
        while records.len() < limit {
            let Some(row) = rows.next()? else { break };
            let key = Key::of(row)?;
            found += 1;
            if key.holds & DOC != 0 {
                records.push(key.record);
            }
        }
        if records.len() == limit {
            let Some(last) = records.last() else {
                return Ok(records);
            };
            high = *last;
        }
        let indexed: i64 = self
            .conn
            .prepare_cached(
                "SELECT count(*) FROM records INDEXED BY records_again \
                 WHERE record >= ?1 AND record <= ?2",
            )?
            .query_row([low.as_bytes(), high.as_bytes()], |row| row.get(0))?;
        let is_sorted = records.iter().is_sorted()
            && records.iter().all(|record| (low..=high).contains(record));
        if indexed == found && is_sorted {
            Ok(records)
        } else {
            Err(corrupt("a list", "records"))
        }
    }
}

// Writing.
impl Rows<'_> {
    pub(super) fn insert_key(
        &self,
        record: &RecordId,
        holds: u8,
        tails: u64,
    ) -> Result<Key, StoreError> {
        let mut key = Key {
            id: 0,
            record: *record,
            holds,
            tails,
        };
        let mut statement = self.conn.prepare_cached(
            "INSERT INTO records(record, holds, tails, sum) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let sum = key.sum().done();
        key.id = statement.insert(params![record.as_bytes(), holds, int(tails)?, sum])?;
        Ok(key)
    }

    pub(super) fn write_key(&self, key: &Key) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("UPDATE records SET holds = ?2, tails = ?3, sum = ?4 WHERE id = ?1")?
            .execute(params![
                key.id,
                key.holds,
                int(key.tails)?,
                key.sum().done()
            ])?;
        Ok(())
    }

    fn remove_tails(&self, key: &mut Key) -> Result<(), StoreError> {
        if key.tails > 0 {
            self.conn
                .prepare_cached("DELETE FROM tails WHERE id = ?1")?
                .execute([key.id])?;
            key.tails = 0;
        }
        Ok(())
    }

    pub(super) fn put_doc(&self, doc: &DocRow) -> Result<(), StoreError> {
        let key = match self.look_up(&doc.record)? {
            Some(mut key) => {
                if key.tails > 0 || key.holds & DOC == 0 {
                    self.remove_tails(&mut key)?;
                    key.holds |= DOC;
                    self.write_key(&key)?;
                }
                key
            }
            None => self.insert_key(&doc.record, DOC, 0)?,
        };
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO docs(id, kind, space, is_troubled, sum, refs, base) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                key.id,
                doc.kind,
                doc.space.as_bytes(),
                doc.is_troubled,
                doc_sum(key.id, doc).done(),
                doc.refs,
                doc.base,
            ])?;
        Ok(())
    }

    pub(super) fn append_tail(&self, record: &RecordId, tail: &TailRow) -> Result<(), StoreError> {
        let key = match self.look_up(record)? {
            Some(mut key) => {
                key.tails += 1;
                self.write_key(&key)?;
                key
            }
            None => self.insert_key(record, 0, 1)?,
        };
        self.conn
            .prepare_cached(
                "INSERT INTO tails(id, number, sum, refs, chunk) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                key.id,
                int(key.tails)?,
                tail_sum(&key, key.tails, tail).done(),
                tail.refs,
                tail.chunk,
            ])?;
        Ok(())
    }

    pub(super) fn remove_record(&self, record: &RecordId) -> Result<(), StoreError> {
        let Some(mut key) = self.find(record)? else {
            return Ok(());
        };
        self.remove_tails(&mut key)?;
        if key.holds & ROW != 0 {
            self.remove_row(&key)?;
        }
        self.conn
            .prepare_cached("DELETE FROM docs WHERE id = ?1")?
            .execute([key.id])?;
        self.conn
            .prepare_cached("DELETE FROM records WHERE id = ?1")?
            .execute([key.id])?;
        Ok(())
    }

    pub(super) fn clear_records(&self) -> Result<(), StoreError> {
        self.forget_words()?;
        self.conn.execute_batch(
            "DELETE FROM tails; DELETE FROM links; DELETE FROM rows; DELETE FROM groups; \
             DELETE FROM docs; DELETE FROM records;",
        )?;
        self.set_tally(Tally::Groups, 0)
    }
}
