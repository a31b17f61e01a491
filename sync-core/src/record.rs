//! Records: one Automerge document each, and what may be merged into it.
//!
//! An edit becomes one Automerge change ([`RecordDoc::edit`]), the change becomes a [`Payload`] that says
//! which record it belongs to, and the payload is compressed ([`compress()`]) before it is sealed. On the
//! other side the same steps run backwards, and the change passes the gate of [`RecordDoc::apply`].
//!
//! Automerge trusts its input and we do not. What the gate lets through is decided from the change, from
//! its signer and from the changes that it builds on, and from nothing else: so every replica holds the
//! same changes, whatever the order they came in.

mod chunk;
mod compress;
mod doc;
mod gate;
mod hold;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
mod index;
mod payload;
mod rewrite;

use chunk::Act;

use crate::id::Millis;

pub use automerge::ChangeHash;
pub use chunk::{KEY_BYTES_MAX, MAX_CHANGE_BYTES, MAX_OPS};
pub use compress::{DecompressError, MAX_PAYLOAD, NEWEST_DICTIONARY, compress, decompress};
pub(crate) use doc::distinct;
pub use doc::{
    CannotUndo, Concurrent, Deed, DocError, EditError, FieldChange, FieldState,
    HISTORY_TEXT_CHARS_MAX, HistoryItem, NewChange, RecordDoc, Splice,
};
pub use gate::{BeginRule, Candidate, Verdict};
pub use hold::HoldReason;
pub use payload::{BadPayload, KindName, Payload, Target};
pub use rewrite::Rewriter;

/// Hash of a change chunk, by which later changes refer to it; `None` if the bytes are no change.
#[must_use]
pub fn change_hash(chunk: &[u8]) -> Option<ChangeHash> {
    // Automerge would follow every count in the bytes, however large.
    chunk::Chunk::parse(chunk).ok()?;
    automerge::Change::try_from(chunk)
        .ok()
        .map(|change| change.hash())
}

/// When a change was made, by its author's clock; `None` if the bytes are no change. No later time than
/// the end of the year 9999 is shown.
#[must_use]
pub(crate) fn change_time(chunk: &[u8]) -> Option<Millis> {
    let chunk = chunk::Chunk::parse(chunk).ok()?;
    Some(Millis(chunk.time.clamp(0, index::LAST_MILLIS)))
}

/// What a change sets one field to: each value in its order, `None` for one that is no plain text.
///
/// Empty if the bytes are no change, which the gate finds out.
#[must_use]
pub(crate) fn set_to<'c>(chunk: &'c [u8], field: &str) -> Vec<Option<&'c str>> {
    // Names stand in a chunk as they are; most changes do not have this one.
    let is_named = chunk
        .windows(field.len().max(1))
        .any(|bytes| bytes == field.as_bytes());
    if !is_named {
        return Vec::new();
    }
    let Ok(chunk) = chunk::Chunk::parse(chunk) else {
        return Vec::new();
    };
    let acts = chunk.ops.iter().filter_map(|op| match op.act {
        Act::Set { key, text } => (key == field).then_some(text),
        Act::MakeText { key } | Act::Clear { key } => (key == field).then_some(None),
        Act::Insert { .. } | Act::Remove { .. } => None,
    });
    acts.collect()
}

#[cfg(test)]
mod tests;
