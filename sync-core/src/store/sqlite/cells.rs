//! Columns and checksums: from rows to values, and the proof that they are the ones that were written.

use std::fmt::Display;

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::id::{BlobId, ChainHash, DeviceId, EpochId, Incarnation, LaneId, RecordId, StoreId};
use crate::store::StoreError;

pub(super) fn corrupt(what: &'static str, place: impl Display) -> StoreError {
    StoreError::Corrupt {
        what,
        place: place.to_string(),
    }
}

/// A position as SQLite keeps it.
pub(super) fn int(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value)
        .map_err(|_| StoreError::Io("a position is larger than a store can hold".to_owned()))
}

/// An upper or lower bound for positions: those beyond what is kept are at the end.
pub(super) fn bound(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A short checksum of a row's columns: eight bytes of BLAKE3 that tell damage, not forgery.
pub(super) struct Sum(blake3::Hasher);

impl Sum {
    /// Begins the sum of a row of a table: equal columns in two tables have different sums.
    pub(super) fn of(table: &'static str) -> Self {
        Self(blake3::Hasher::new()).bytes(table.as_bytes())
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(super) fn maybe(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            Some(bytes) => self.int(1).bytes(bytes),
            None => self.int(0),
        }
    }

    pub(super) fn int(self, value: u64) -> Self {
        self.signed(value.cast_signed())
    }

    pub(super) fn signed(mut self, value: i64) -> Self {
        self.0.update(&value.to_le_bytes());
        self
    }

    pub(super) fn done(self) -> i64 {
        let mut short = [0; 8];
        short
            .iter_mut()
            .zip(self.0.finalize().as_bytes())
            .for_each(|(to, from)| *to = *from);
        i64::from_le_bytes(short)
    }
}

/// A value that a column may hold; none if it holds something else.
pub(super) trait Cell: Sized {
    fn read(value: ValueRef<'_>) -> Option<Self>;
}

impl Cell for i64 {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        value.as_i64().ok()
    }
}

impl Cell for u64 {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        Self::try_from(value.as_i64().ok()?).ok()
    }
}

impl Cell for u32 {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        Self::try_from(value.as_i64().ok()?).ok()
    }
}

impl Cell for u16 {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        Self::try_from(value.as_i64().ok()?).ok()
    }
}

impl Cell for u8 {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        Self::try_from(value.as_i64().ok()?).ok()
    }
}

impl Cell for bool {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        match value.as_i64().ok()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Cell for String {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        value.as_str().ok().map(str::to_owned)
    }
}

impl Cell for Vec<u8> {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        value.as_blob().ok().map(<[u8]>::to_vec)
    }
}

impl<T: Cell> Cell for Option<T> {
    fn read(value: ValueRef<'_>) -> Option<Self> {
        if value == ValueRef::Null {
            Some(None)
        } else {
            T::read(value).map(Some)
        }
    }
}

macro_rules! id_cells {
    ($($id:ty),*) => {
        $(impl Cell for $id {
            fn read(value: ValueRef<'_>) -> Option<Self> {
                Self::try_from(value.as_blob().ok()?).ok()
            }
        })*
    };
}

id_cells!(
    BlobId,
    ChainHash,
    DeviceId,
    EpochId,
    Incarnation,
    LaneId,
    RecordId,
    StoreId
);

/// The columns of one row, read from left to right.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    at: usize,
    what: &'static str,
    place: &'r dyn Display,
}

impl<'r> Columns<'r> {
    pub(super) fn new(row: &'r Row<'r>, what: &'static str, place: &'r dyn Display) -> Self {
        Self {
            row,
            at: 0,
            what,
            place,
        }
    }

    pub(super) fn next<T: Cell>(&mut self) -> Result<T, StoreError> {
        let value = self.row.get_ref(self.at).ok().and_then(T::read);
        self.at += 1;
        value.ok_or_else(|| self.bad())
    }

    /// Compares the next column with the sum of what was read.
    pub(super) fn check(&mut self, sum: Sum) -> Result<(), StoreError> {
        let written: i64 = self.next()?;
        if written == sum.done() {
            Ok(())
        } else {
            Err(self.bad())
        }
    }

    pub(super) fn bad(&self) -> StoreError {
        corrupt(self.what, self.place)
    }
}
