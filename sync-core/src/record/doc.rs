//! One record's document.

mod edit;
mod history;
mod key;
mod list;
mod merge;
mod parts;
mod place;
mod read;
mod undo;

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, ChangeHash, LoadOptions, ReadDoc, TextEncoding};
use thiserror::Error;

pub use self::edit::{EditError, NewChange, Splice};
pub use self::history::{Deed, FieldChange, HISTORY_TEXT_CHARS_MAX, HistoryItem};
pub(crate) use self::read::distinct;
pub use self::read::{Concurrent, FieldState};
pub use self::undo::CannotUndo;

use super::index::Index;
use crate::id::{ActorId, Millis};

/// Why a stored document does not load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DocError {
    /// The bytes are no document.
    #[error("the stored record is damaged")]
    Damaged,
    /// A change that others build on is not there.
    #[error("the stored record lacks some of its changes")]
    Incomplete,
}

/// One record: an Automerge document that only changes through the gate.
///
/// The root map has one entry per field: a string for lines, dates and choices, an integer for numbers, a
/// boolean for flags, a text object for texts; and several for a set or a list (`doc/key.rs` draws them).
/// Positions in texts count unicode code points.
#[derive(Debug, Clone)]
pub struct RecordDoc {
    doc: Automerge,
    index: Index,
}

impl Default for RecordDoc {
    fn default() -> Self {
        Self::new()
    }
}

impl RecordDoc {
    /// A record that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self {
            doc: Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint),
            index: Index::default(),
        }
    }

    /// Loads what [`RecordDoc::save`] made and, behind it, what [`RecordDoc::save_after`] made since.
    ///
    /// `base` may be empty. This is for our own store: what others send goes through
    /// [`RecordDoc::apply`].
    ///
    /// # Errors
    /// [`DocError`] if the bytes were damaged or do not belong together.
    pub fn load<'t>(base: &[u8], tails: impl Iterator<Item = &'t [u8]>) -> Result<Self, DocError> {
        let mut bytes = std::borrow::Cow::Borrowed(base);
        for tail in tails {
            bytes.to_mut().extend_from_slice(tail);
        }
        // Damaged bytes have made Automerge panic before (reference: its own changelog).
        let loaded = catch_unwind(AssertUnwindSafe(|| {
            let options = LoadOptions::new().text_encoding(TextEncoding::UnicodeCodePoint);
            let doc = Automerge::load_with_options(&bytes, options).ok()?;
            let index = Index::of(&doc)?;
            Some(Self { doc, index })
        }));
        let loaded = loaded.ok().flatten().ok_or(DocError::Damaged)?;
        if !loaded.doc.get_missing_deps(&[]).is_empty() {
            return Err(DocError::Incomplete);
        }
        Ok(loaded)
    }

    /// The whole record, compact.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        self.doc.save()
    }

    /// The changes that `heads` lack, one after the other, each as it was received.
    #[must_use]
    pub fn save_after(&self, heads: &[ChangeHash]) -> Vec<u8> {
        self.doc.save_after(heads)
    }

    /// The changes that nothing builds on, in the order of their hashes.
    #[must_use]
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.doc.get_heads()
    }

    /// How many changes the record has.
    #[must_use]
    pub fn change_count(&self) -> usize {
        self.index.len()
    }

    /// How many operations the record's changes have together.
    #[must_use]
    pub fn len_ops(&self) -> u64 {
        self.index.ops()
    }

    /// About how much memory the record takes; for a cache's account.
    #[must_use]
    pub fn approx_bytes(&self) -> usize {
        const DOCUMENT: usize = 4096;
        const CHANGE: usize = 256;
        const OP: usize = 16;
        let ops = usize::try_from(self.index.ops()).unwrap_or(usize::MAX);
        let changes = self.index.len().saturating_mul(CHANGE);
        ops.saturating_mul(OP)
            .saturating_add(changes)
            .saturating_add(DOCUMENT)
    }

    /// Whether the change is part of the record.
    #[must_use]
    pub fn has_change(&self, hash: &ChangeHash) -> bool {
        self.index.node_of(hash).is_some()
    }

    /// Whether this author has made any change of the record.
    #[must_use]
    pub fn has_author(&self, actor: &ActorId) -> bool {
        !self.index.chain(actor).is_empty()
    }

    /// Who began the record and when by their clock; of several beginnings the one that claims the
    /// earliest time.
    #[must_use]
    pub fn created(&self) -> Option<(ActorId, Millis)> {
        let first = self.index.roots().min_by_key(|node| (node.at, node.hash))?;
        Some((first.actor, first.at))
    }

    /// Who made the last change and when by their clock: last in the order of what builds on what, not
    /// of clocks, and the same on every replica.
    #[must_use]
    pub fn updated(&self) -> Option<(ActorId, Millis)> {
        let last = self
            .index
            .heads()
            .max_by_key(|node| (node.max_op, node.hash))?;
        Some((last.actor, last.at))
    }
}
