//! Words to search by, in SQLite's full-text search.
//!
//! It holds for every word in which rows it is, and nothing else; it has no checksums. So damage in it
//! may hide a row, and whoever shows a row that it names looks into the row first.

use std::cell::RefCell;
use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::store::forward::names::*;
use crate::view::words::Search;

use super::cells::{Columns, Sum};
use super::read::Rows;

/// So many bytes of words wait in memory until they are written, or until the transaction ends.
const FRESH_BYTES_MAX: usize = 4 << 20;

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

/// Writes the index anew without words that are in no row any more.
pub(super) fn scrub(conn: &Connection) -> Result<(), StoreError> {
    conn.prepare_cached("INSERT INTO words(words) VALUES ('optimize')")?
        .execute([])?;
    Ok(())
}

/// Words that a transaction has not written yet, by the number of their row. They are written in the order
/// of these numbers: for one that goes backwards, SQLite writes a part of its own into the file.
#[derive(Debug, Default)]
pub(super) struct FreshWords {
    rows: BTreeMap<i64, Fresh>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Fresh {
    /// The row may have other words in the index.
    is_another: bool,
    /// None for a row that is gone.
    joined: Option<String>,
}

impl FreshWords {
    /// Returns the bytes of all.
    fn add(&mut self, id: i64, joined: String) -> usize {
        self.bytes += joined.len();
        self.rows.entry(id).or_default().joined = Some(joined);
        self.bytes
    }

    fn remove(&mut self, id: i64) {
        let is_another = true;
        let joined = None;
        self.rows.insert(id, Fresh { is_another, joined });
    }
}

impl Rows<'_> {
    /// Numbers of the rows with all words that are searched for.
    pub(super) fn rows_with(&self, search: &Search) -> Result<Vec<i64>, StoreError> {
        self.write_words()?;
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

    /// Notes the words of a row that has none in the index, or none any more.
    pub(super) fn add_words(&self, id: i64, joined: String) -> Result<(), StoreError> {
        if joined.is_empty() {
            return Ok(());
        }
        let Some(fresh) = self.fresh_words else {
            return self.write_words_of(id, &joined);
        };
        if fresh.borrow_mut().add(id, joined) > FRESH_BYTES_MAX {
            return self.write_words();
        }
        Ok(())
    }

    pub(super) fn remove_words(&self, id: i64) -> Result<(), StoreError> {
        match self.fresh_words {
            Some(fresh) => fresh.borrow_mut().remove(id),
            None => self.erase_words_of(id)?,
        }
        Ok(())
    }

    /// Forgets all words.
    pub(super) fn forget_words(&self) -> Result<(), StoreError> {
        if let Some(fresh) = self.fresh_words {
            drop(fresh.take());
        }
        self.conn
            .prepare_cached("INSERT INTO words(words) VALUES ('delete-all')")?
            .execute([])?;
        Ok(())
    }

    /// Writes what is noted into the index.
    pub(super) fn write_words(&self) -> Result<(), StoreError> {
        let fresh = self.fresh_words.map(RefCell::take).unwrap_or_default();
        for (id, change) in fresh.rows {
            if change.is_another {
                self.erase_words_of(id)?;
            }
            if let Some(joined) = change.joined {
                self.write_words_of(id, &joined)?;
            }
        }
        Ok(())
    }

    fn write_words_of(&self, id: i64, joined: &str) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("INSERT INTO words(rowid, said) VALUES (?1, ?2)")?
            .execute(params![id, joined])?;
        Ok(())
    }

    fn erase_words_of(&self, id: i64) -> Result<(), StoreError> {
        self.conn
            .prepare_cached("DELETE FROM words WHERE rowid = ?1")?
            .execute([id])?;
        Ok(())
    }
}
