//! Bundles in files: what goes out, what comes in, and what one is.
//!
//! ```text
//! Export      replica → bytes → drafts beside their places → files, all at once
//! Import      files, in the order in which they were written → replica, some entries at a time
//! Inspection  a file → what it says to be; takes nothing in
//! Node        the same while other things go on: watched and stopped by a BundleWatch
//! ```
//! Each is a machine of small steps. Whoever has the replica runs them one after the other; a node runs them
//! between its other inputs. Where bytes are written, and where a file is only looked into, that is a step without
//! the replica, so that a slow stick holds up nothing else; an import reads as it takes in.

mod error;
mod export;
mod import;
mod inspect;
mod known;
mod node;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use sync_core::id::DeviceId;
use sync_core::replica::Replica;

pub use error::BundleFileError;
pub use export::{Export, ExportAsk, Exported};
pub use import::{Import, Imported, ImportedFile};
pub use inspect::{Inside, Inspected, Inspection, OfSpace};
pub use node::BundleWatch;

use crate::draft::FileError;

/// How far a bundle has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BundleProgress {
    /// Entries so far.
    pub entries: u64,
    /// How much of `all` is done.
    pub done: u64,
    /// Of an export all its entries and pieces of photos, zero while it is planned; else the bytes of all files.
    pub all: u64,
}

type Input = BufReader<File>;

/// A file to be read, and its size.
fn open(path: &Path) -> Result<(Input, u64), BundleFileError> {
    let io = |error: std::io::Error| FileError::io(path, error);
    let file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    Ok((BufReader::new(file), size))
}

/// The name of whoever wrote it, or the beginning of the device's id.
#[must_use]
pub fn sender(replica: &Replica, device: &DeviceId) -> String {
    let member = replica.roster().member_id(device);
    member.map_or_else(|| device.short(), |member| replica.member_name(&member))
}
