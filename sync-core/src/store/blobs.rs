//! What a store keeps of blobs: which ones its records name, and how much of each is here.

use std::collections::BTreeSet;

use crate::id::{BlobId, LaneId, Millis, RecordId, StoreId};

/// Which of a record's blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobPart {
    /// The small one, which everybody has at once.
    Preview,
    /// The whole one, which comes when that is allowed.
    Original,
}

impl BlobPart {
    /// Stable, as stores keep it.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Preview => 0,
            Self::Original => 1,
        }
    }

    /// What a number means; none if it means nothing.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Preview),
            1 => Some(Self::Original),
            _ => None,
        }
    }
}

/// What is wanted of a blob on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum BlobWish {
    /// It is fetched if that is allowed and there is room.
    #[default]
    Ordinary,
    /// Somebody asked for it: it is fetched, and others make room.
    Asked,
    /// It made room for others: it is fetched when somebody asks.
    LetGo,
}

impl BlobWish {
    /// Stable, as stores keep it.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ordinary => 0,
            Self::Asked => 1,
            Self::LetGo => 2,
        }
    }

    /// What a number means; none if it means nothing.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Ordinary),
            1 => Some(Self::Asked),
            2 => Some(Self::LetGo),
            _ => None,
        }
    }
}

/// A blob that a record here names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRow {
    /// The blob.
    pub id: BlobId,
    /// The record that names it.
    pub record: RecordId,
    /// The space of the record.
    pub lane: LaneId,
    /// Which of the record's blobs it is.
    pub part: BlobPart,
    /// Bytes that are sealed, rounding included.
    pub padded: u32,
    /// How many chunks are here, from the first one on.
    pub here: u32,
    /// Rises by one with each blob that is here as a whole; 0 of one that is not.
    pub number: u64,
    /// When it was last looked at, or came.
    pub used: Millis,
    /// Stores of others that are known to hold it as a whole.
    pub holders: BTreeSet<StoreId>,
    /// What is wanted of it here.
    pub wish: BlobWish,
}

impl BlobRow {
    /// Whether all of it is here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.number > 0
    }
}
