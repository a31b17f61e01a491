//! Rows as version 1 wrote them, on their way into the tables of today.

use rusqlite::{Connection, Row};

use crate::id::Millis;
use crate::store::forward::names::*;

use super::cells::{Columns, Sum};
use super::read::{Rows, Tally};

/// Makes room for the tables of today.
pub(super) fn set_rows_aside(conn: &Connection) -> Result<(), StoreError> {
    Ok(conn.execute_batch(
        "DROP INDEX rows_newest; DROP INDEX rows_conflicted; DROP INDEX groups_by_key; \
         ALTER TABLE rows RENAME TO rows_1; ALTER TABLE groups RENAME TO groups_1;",
    )?)
}

/// Writes the rows of version 1 anew: without states, days and links, which it did not keep.
pub(super) fn take_rows_back(conn: &Connection) -> Result<(), StoreError> {
    let rows = Rows {
        conn,
        fresh_words: None,
    };
    rows.set_tally(Tally::Groups, 0)?;
    let mut statement = conn.prepare(
        "SELECT r.id, g.space, g.kind, r.record, r.created_by, r.created_at, r.updated_by, \
         r.updated_at, r.conflicts, r.title, r.fields, r.sum \
         FROM rows_1 r JOIN groups_1 g ON g.id = r.of_group ORDER BY r.id",
    )?;
    let mut old = statement.query([])?;
    while let Some(row) = old.next()? {
        let (id, row) = read(row)?;
        rows.add_row(id, &row, &RowIndex::default())?;
    }
    drop(old);
    drop(statement);
    Ok(conn.execute_batch("DROP TABLE rows_1; DROP TABLE groups_1;")?)
}

fn read(row: &Row<'_>) -> Result<(i64, ViewRow), StoreError> {
    let mut columns = Columns::new(row, "a row", &"the list of rows");
    let id = columns.next()?;
    let space = columns.next()?;
    let kind = columns.next()?;
    let row = ViewRow {
        space,
        kind,
        state: None,
        due: None,
        day: None,
        record: columns.next()?,
        created_by: columns.next()?,
        created_at: Millis(columns.next()?),
        updated_by: columns.next()?,
        updated_at: Millis(columns.next()?),
        conflicts: columns.next()?,
        title: columns.next()?,
        fields: columns.next()?,
    };
    columns.check(sum(id, &row))?;
    Ok((id, row))
}

fn sum(id: i64, row: &ViewRow) -> Sum {
    Sum::of("rows")
        .signed(id)
        .bytes(row.record.as_bytes())
        .bytes(row.kind.as_bytes())
        .bytes(row.space.as_bytes())
        .bytes(row.created_by.as_bytes())
        .signed(row.created_at.0)
        .bytes(row.updated_by.as_bytes())
        .signed(row.updated_at.0)
        .int(u64::from(row.conflicts))
        .bytes(row.title.as_bytes())
        .bytes(row.fields.as_bytes())
}
