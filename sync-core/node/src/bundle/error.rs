//! What goes wrong with bundles in files.

use std::path::{Path, PathBuf};

use sync_core::bundle::BadBundle;
use sync_core::replica::{BundleError, ReplicaError};
use thiserror::Error;

use crate::draft::FileError;
use crate::node::NodeError;

/// Why there is no export, import or inspection.
#[derive(Debug, Error)]
pub enum BundleFileError {
    /// Nothing of a file can be used.
    #[error("{path}: {error}")]
    Bad {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: BadBundle,
    },
    /// A file that opens, and breaks off before what was looked for in it.
    #[error("{path}: {error}")]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Where it breaks off.
        error: BadBundle,
    },
    /// A file that brought what it could; the rest of it waits there.
    #[error("{path}: {entries} entries build on what has not come")]
    Waiting {
        /// Which file.
        path: PathBuf,
        /// How many entries wait.
        entries: u64,
        /// Earlier files of the same export that have not come, by number; none: what they build on is in
        /// no file of it.
        missing: Vec<u64>,
        /// How many files the export has.
        parts: u64,
    },
    /// A bundle that does not say what its sender has.
    #[error("{0} does not say what its sender has")]
    NoWord(PathBuf),
    /// Somebody who has no device.
    #[error("{0} has no device")]
    NoDevice(String),
    /// Somebody of whom it is not known what they have.
    #[error("it is not known what {0} has")]
    NothingKnown(String),
    /// A file could not be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The replica cannot export.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The replica failed.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// It was told to stop: no file was written, and what was taken in stays.
    #[error("stopped; what was taken in stays")]
    Stopped,
    /// The node has ended meanwhile.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl BundleFileError {
    pub(super) fn bad(path: &Path, error: BadBundle) -> Self {
        Self::of(path, error, |path, error| Self::Bad { path, error })
    }

    pub(super) fn broken(path: &Path, error: BadBundle) -> Self {
        Self::of(path, error, |path, error| Self::Broken { path, error })
    }

    fn of(path: &Path, error: BadBundle, or: fn(PathBuf, BadBundle) -> Self) -> Self {
        match error {
            // That is the disk's doing and not the file's.
            BadBundle::Io(kind) => FileError::io(path, kind.into()).into(),
            BadBundle::NotABundle
            | BadBundle::Newer
            | BadBundle::OtherCommunity(_)
            | BadBundle::NotForUs
            | BadBundle::Truncated
            | BadBundle::Damaged => or(path.to_owned(), error),
        }
    }
}
