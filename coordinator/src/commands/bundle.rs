//! `banyan bundle`: everything in files that somebody carries, where there is no network.

mod export;
mod import;
mod inspect;
mod peers;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use sync_core::bundle::{BadBundle, WriteBundleError};
use sync_core::replica::BundleError;

use super::App;
use crate::cli::BundleVerb;
use crate::exit::Exit;
use crate::failure::Failure;

pub(super) fn run(app: &mut App, verb: &BundleVerb) -> Result<(), Failure> {
    match verb {
        BundleVerb::Export(args) => export::run(app, args),
        BundleVerb::Import(args) => import::run(app, args),
        BundleVerb::Inspect(args) => inspect::run(app, args),
    }
}

/// A file to be read, and its size.
fn open(path: &Path) -> Result<(BufReader<File>, u64), Failure> {
    let io = |error: std::io::Error| Failure::io(path, &error);
    let file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    Ok((BufReader::new(file), size))
}

/// Why nothing of a file can be used.
fn refused(path: &Path, error: BadBundle) -> Failure {
    let key = match error {
        BadBundle::NotABundle => "err.bundle.not_a_bundle",
        BadBundle::Newer => "err.bundle.newer",
        BadBundle::OtherCommunity(_) => "err.bundle.other_community",
        BadBundle::NotForUs => "err.bundle.not_for_us",
        BadBundle::Truncated => "err.bundle.truncated",
        BadBundle::Damaged => "err.bundle.damaged",
        BadBundle::Io(kind) => return Failure::io(path, &kind.into()),
    };
    Failure::new(Exit::BadFile, key).with("path", path.display())
}

/// Why a file that opens could not be read to its end.
fn broken(path: &Path, error: BadBundle) -> Failure {
    let key = match error {
        BadBundle::Truncated => "err.bundle.cut_short",
        BadBundle::Io(kind) => return Failure::io(path, &kind.into()),
        BadBundle::NotABundle
        | BadBundle::Newer
        | BadBundle::OtherCommunity(_)
        | BadBundle::NotForUs
        | BadBundle::Damaged => "err.bundle.changed",
    };
    Failure::new(Exit::BadFile, key).with("path", path.display())
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::NobodyYet => Self::new(Exit::NoCommunity, "err.bundle.nobody_yet"),
            BundleError::NotADevice(device) => {
                Self::new(Exit::Unknown, "err.bundle.not_a_device").with("device", device.short())
            }
            BundleError::Write(WriteBundleError::TooManyReaders) => {
                Self::new(Exit::Usage, "err.bundle.too_many_readers")
            }
            BundleError::Write(WriteBundleError::TooManyParts | WriteBundleError::TooSmall) => {
                Self::new(Exit::Usage, "err.bundle.too_small")
            }
            BundleError::Write(WriteBundleError::Seal(error)) => Self::internal(error),
            BundleError::Replica(error) => error.into(),
        }
    }
}
