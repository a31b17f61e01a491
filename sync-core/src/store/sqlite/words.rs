//! Words to search by, in SQLite's full-text search.
//!
//! It holds for every word in which rows it is, and nothing else; it has no checksums. So damage in it
//! may hide a row, and whoever shows a row that it names looks into the row first.

use rusqlite::{Connection, params};

use crate::store::forward::names::*;
use crate::view::words::Search;

use super::cells::{Columns, Sum};
use super::read::Rows;

/// Words as one text that SQLite's tokenizer takes apart again: it cuts at spaces and knows no others.
pub(super) fn joined(words: &BTreeSet<String>) -> String {
    let mut text = String::with_capacity(words.len() * 8);
    for word in words {
        text.push_str(word);
        text.push(' ');
    }
    text
}

pub(super) fn words_sum(joined: &str) -> i64 {
    Sum::of("words").bytes(joined.as_bytes()).done()
}

/// Forgets all words.
pub(super) fn clear(conn: &Connection) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO words(words) VALUES ('delete-all')")?
        .execute([])?;
    Ok(())
}

/// Writes the index anew without words that are in no row any more.
pub(super) fn scrub(conn: &Connection) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO words(words) VALUES ('optimize')")?
        .execute([])?;
    Ok(())
}

impl Rows<'_> {
    /// Numbers of the rows with all words that are searched for.
    pub(super) fn rows_with(&self, search: &Search) -> Result<Vec<i64>, StoreError> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1")?;
        let mut rows = statement.query([search.to_match()])?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row, "the index of words", &"the list of rows");
            ids.push(columns.next()?);
        }
        Ok(ids)
    }

    pub(super) fn add_words(&self, id: i64, joined: &str) -> Result<(), StoreError> {
        if joined.is_empty() {
            return Ok(());
        }
        self.conn
            .prepare_cached("INSERT INTO words(rowid, said) VALUES (?1, ?2)")?
            .execute(params![id, joined])?;
        Ok(())
    }

    pub(super) fn remove_words(&self, id: i64) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("DELETE FROM words WHERE rowid = ?1")?
            .execute([id])?;
        Ok(())
    }
}
