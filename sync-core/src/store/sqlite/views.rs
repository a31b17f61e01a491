//! The rows of the view, one by one.
//!
//! A row's *spot* is what lists are made of: its group, its place in each order, who wrote it. It has a
//! checksum of its own, so that a list can be made without reading what the rows say.

use rusqlite::{Row, params};

use crate::id::{DeviceId, Millis};
use crate::store::forward::names::*;

use super::cells::{Columns, Sum, corrupt};
use super::links::links_sum;
use super::read::Rows;
use super::records::{Key, ROW};
use super::words::{joined, words_sum};

/// Stands for no day when due: after every date.
pub(super) const NEVER: &str = "~";
/// Stands for no day that a row is about: before every date, and days go backwards.
pub(super) const NO_DAY: &str = "";

/// What a row is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) id: i64,
    pub(super) record: RecordId,
    pub(super) group: i64,
    pub(super) updated_at: Millis,
    pub(super) due: Option<String>,
    pub(super) day: Option<String>,
    pub(super) conflicts: u32,
    pub(super) created_by: DeviceId,
    pub(super) updated_by: DeviceId,
    /// Over all its links.
    pub(super) links: i64,
    /// Over all its words.
    pub(super) words: i64,
}

/// A day when due in its column, as text that sorts as the order does.
pub(super) fn due_text(due: Option<&str>) -> &str {
    due.unwrap_or(NEVER)
}

pub(super) fn day_text(day: Option<&str>) -> &str {
    day.unwrap_or(NO_DAY)
}

pub(super) fn due_of(text: String) -> Option<String> {
    (text != NEVER).then_some(text)
}

pub(super) fn day_of(text: String) -> Option<String> {
    (text != NO_DAY).then_some(text)
}

impl Spot {
    fn sum(&self) -> Sum {
        Sum::of("spots")
            .signed(self.id)
            .bytes(self.record.as_bytes())
            .signed(self.group)
            .signed(self.updated_at.0)
            .bytes(due_text(self.due.as_deref()).as_bytes())
            .bytes(day_text(self.day.as_deref()).as_bytes())
            .int(u64::from(self.conflicts))
            .bytes(self.created_by.as_bytes())
            .bytes(self.updated_by.as_bytes())
            .signed(self.links)
            .signed(self.words)
    }

    fn read(id: i64, columns: &mut Columns<'_>) -> Result<(Self, i64), StoreError> {
        let spot = Self {
            id,
            record: columns.next()?,
            group: columns.next()?,
            updated_at: Millis(columns.next()?),
            due: due_of(columns.next()?),
            day: day_of(columns.next()?),
            conflicts: columns.next()?,
            created_by: columns.next()?,
            updated_by: columns.next()?,
            links: columns.next()?,
            words: columns.next()?,
        };
        let sum: i64 = columns.next()?;
        if sum == spot.sum().done() {
            Ok((spot, sum))
        } else {
            Err(columns.bad())
        }
    }

    /// Whether nothing has changed but when.
    fn is_but_later(&self, before: &Self) -> bool {
        let then = Self {
            updated_at: before.updated_at,
            links: before.links,
            words: before.words,
            ..self.clone()
        };
        then == *before
    }
}

/// Of a whole row; `spot` is the sum over its spot.
fn row_sum(spot: i64, row: &ViewRow) -> Sum {
    Sum::of("rows")
        .signed(spot)
        .bytes(row.kind.as_bytes())
        .bytes(row.space.as_bytes())
        .maybe(row.state.as_deref().map(str::as_bytes))
        .signed(row.created_at.0)
        .bytes(row.title.as_bytes())
        .bytes(row.fields.as_bytes())
}

// Reading.
impl Rows<'_> {
    pub(super) fn row_of(&self, record: &RecordId) -> Result<Option<ViewRow>, StoreError> {
        let Some(key) = self.find(record)?.filter(|key| key.holds & ROW != 0) else {
            return Ok(None);
        };
        self.row_by_id(key.id, record).map(Some)
    }

    /// A record's row by its number.
    pub(super) fn row_by_id(&self, id: i64, record: &RecordId) -> Result<ViewRow, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT r.record, r.of_group, r.updated_at, r.due, r.day, r.conflicts, r.created_by, \
             r.updated_by, r.links, r.words, r.spot_sum, g.space, g.kind, g.state, r.created_at, r.title, \
             r.fields, r.sum FROM rows r JOIN groups g ON g.id = r.of_group WHERE r.id = ?1",
        )?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else {
            return Err(corrupt("a row", record));
        };
        let row = read_row(id, row, record)?;
        if row.record == *record {
            Ok(row)
        } else {
            Err(corrupt("a row", record))
        }
    }

    /// What a row is found by, without what it says.
    pub(super) fn spot(&self, id: i64) -> Result<Spot, StoreError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT record, of_group, updated_at, due, day, conflicts, created_by, updated_by, \
             links, words, spot_sum FROM rows WHERE id = ?1",
        )?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else {
            return Err(corrupt("a row", "the list of rows"));
        };
        let mut columns = Columns::new(row, "a row", &"the list of rows");
        Spot::read(id, &mut columns).map(|(spot, _)| spot)
    }

    pub(super) fn spot_of(&self, key: &Key) -> Result<Spot, StoreError> {
        let spot = self.spot(key.id)?;
        if spot.record == key.record {
            Ok(spot)
        } else {
            Err(corrupt("a row", key.record))
        }
    }
}

fn read_row(id: i64, row: &Row<'_>, record: &RecordId) -> Result<ViewRow, StoreError> {
    let mut columns = Columns::new(row, "a row", record);
    let (spot, spot_sum) = Spot::read(id, &mut columns)?;
    let space = columns.next()?;
    let kind = columns.next()?;
    let state: String = columns.next()?;
    let row = ViewRow {
        record: spot.record,
        kind,
        space,
        state: (!state.is_empty()).then_some(state),
        due: spot.due,
        day: spot.day,
        created_at: Millis(columns.next()?),
        title: columns.next()?,
        fields: columns.next()?,
        created_by: spot.created_by,
        updated_by: spot.updated_by,
        updated_at: spot.updated_at,
        conflicts: spot.conflicts,
    };
    columns.check(row_sum(spot_sum, &row))?;
    Ok(row)
}

// Writing.
impl Rows<'_> {
    pub(super) fn put_row(&self, row: &ViewRow, index: &RowIndex) -> Result<(), StoreError> {
        match self.look_up(&row.record)? {
            Some(key) if key.holds & ROW != 0 => self.change_row(&key, row, index),
            Some(mut key) => {
                key.holds |= ROW;
                self.write_key(&key)?;
                self.add_row(key.id, row, index)
            }
            None => {
                let key = self.insert_key(&row.record, ROW, 0)?;
                self.add_row(key.id, row, index)
            }
        }
    }

    /// Writes the row of a record that had none.
    pub(super) fn add_row(
        &self,
        id: i64,
        row: &ViewRow,
        index: &RowIndex,
    ) -> Result<(), StoreError> {
        let group = self.join_group(id, row)?;
        let words = joined(&index.words);
        let spot = spot_for(id, group, row, &index.links, &words);
        self.write_row(
            "INSERT INTO rows(id, record, of_group, updated_at, due, day, conflicts, \
             created_by, updated_by, links, words, spot_sum, created_at, sum, title, fields) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            &spot,
            row,
        )?;
        self.add_links(id, &index.links)?;
        self.add_words(id, words)
    }

    fn change_row(&self, key: &Key, row: &ViewRow, index: &RowIndex) -> Result<(), StoreError> {
        let before = self.spot_of(key)?;
        let group = self.change_group(&before, row)?;
        let words = joined(&index.words);
        let spot = spot_for(key.id, group, row, &index.links, &words);
        if spot.links != before.links {
            self.remove_links(key.id)?;
            self.add_links(key.id, &index.links)?;
        }
        if spot.words != before.words {
            self.remove_words(key.id)?;
            self.add_words(key.id, words)?;
        }
        let sql = if spot.is_but_later(&before) {
            // SQLite writes every index anew that holds one of the columns, changed or not.
            "UPDATE rows SET updated_at = ?4, links = ?10, words = ?11, spot_sum = ?12, \
             created_at = ?13, sum = ?14, title = ?15, fields = ?16 WHERE id = ?1"
        } else {
            "UPDATE rows SET of_group = ?3, updated_at = ?4, due = ?5, day = ?6, \
             conflicts = ?7, created_by = ?8, updated_by = ?9, links = ?10, words = ?11, \
             spot_sum = ?12, created_at = ?13, sum = ?14, title = ?15, fields = ?16 \
             WHERE id = ?1"
        };
        self.write_row(sql, &spot, row)
    }

    /// Writes all columns of a row, or those that the statement names.
    fn write_row(&self, sql: &str, spot: &Spot, row: &ViewRow) -> Result<(), StoreError> {
        let spot_sum = spot.sum().done();
        self.conn.prepare_cached(sql)?.execute(params![
            spot.id,
            row.record.as_bytes(),
            spot.group,
            row.updated_at.0,
            due_text(row.due.as_deref()),
            day_text(row.day.as_deref()),
            row.conflicts,
            row.created_by.as_bytes(),
            row.updated_by.as_bytes(),
            spot.links,
            spot.words,
            spot_sum,
            row.created_at.0,
            row_sum(spot_sum, row).done(),
            row.title,
            row.fields,
        ])?;
        Ok(())
    }

    /// Removes a record's row and all that it is found by.
    pub(super) fn remove_row(&self, key: &Key) -> Result<(), StoreError> {
        self.leave_group(&self.spot_of(key)?)?;
        self.remove_links(key.id)?;
        self.remove_words(key.id)?;
        self.conn
            .prepare_cached("DELETE FROM rows WHERE id = ?1")?
            .execute([key.id])?;
        Ok(())
    }
}

fn spot_for(id: i64, group: i64, row: &ViewRow, links: &BTreeSet<RowLink>, words: &str) -> Spot {
    Spot {
        id,
        record: row.record,
        group,
        updated_at: row.updated_at,
        due: row.due.clone(),
        day: row.day.clone(),
        conflicts: row.conflicts,
        created_by: row.created_by,
        updated_by: row.updated_by,
        links: links_sum(links),
        words: words_sum(words),
    }
}
