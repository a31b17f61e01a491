//! Stores: where batches, documents and views are kept.

use thiserror::Error;

/// Why a store could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Another program holds the store for too long.
    #[error("the store is in use by another program; try again when that has ended")]
    Busy,
    /// Bytes on the disk are not what was written.
    #[error(
        "the store is damaged: {what} at {place}; keep a copy of the folder and restore from the relay or a backup"
    )]
    Corrupt {
        /// What is damaged.
        what: &'static str,
        /// Where it lies.
        place: String,
    },
    /// No room for the write; nothing was changed.
    #[error("the disk is full; nothing was changed: make room, then try again")]
    Full,
    /// The disk or the database refused.
    #[error("the store could not be read or written: {0}")]
    Io(String),
    /// A newer version wrote the store.
    #[error("the store was written by a newer Banyan (format {0}): update this one")]
    Newer(u32),
}

#[cfg(feature = "crdt")]
impl StoreError {
    /// A batch was handed over that does not belong where it was to go: a mistake of the caller.
    fn out_of_place() -> Self {
        Self::Io("a batch does not follow the log that it was to be added to".to_owned())
    }
}

pub mod files;

#[cfg(feature = "crdt")]
mod blobs;
#[cfg(feature = "crdt")]
mod filter;
#[cfg(feature = "crdt")]
mod traits;

#[cfg(feature = "crdt")]
pub use blobs::{BlobPart, BlobRow, BlobWish};
#[cfg(feature = "crdt")]
pub use filter::*;
#[cfg(feature = "crdt")]
pub use traits::*;

#[cfg(feature = "crdt")]
mod forward;
#[cfg(feature = "crdt")]
mod memory;
#[cfg(feature = "crdt")]
mod prefix;

#[cfg(feature = "crdt")]
pub use memory::MemoryStore;

#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

#[cfg(all(feature = "crdt", any(test, feature = "conformance")))]
pub mod conformance;
#[cfg(all(feature = "crdt", any(test, feature = "conformance")))]
pub mod fault;

#[cfg(test)]
#[cfg(feature = "crdt")]
mod tests;
