//! `banyan bundle`: everything in files that somebody carries, where there is no network.

mod export;
mod import;
mod inspect;

use sync_core::bundle::{BadBundle, WriteBundleError};
use sync_core::replica::BundleError;
use sync_node::bundle::BundleFileError;

use super::App;
use crate::cli::BundleVerb;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::thousands;

pub(super) fn run(app: &mut App, verb: &BundleVerb) -> Result<(), Failure> {
    match verb {
        BundleVerb::Export(args) => export::run(app, args),
        BundleVerb::Import(args) => import::run(app, args),
        BundleVerb::Inspect(args) => inspect::run(app, args),
    }
}

/// Why nothing of a file can be used.
fn refused(error: BadBundle) -> &'static str {
    match error {
        BadBundle::NotABundle => "err.bundle.not_a_bundle",
        BadBundle::Newer => "err.bundle.newer",
        BadBundle::OtherCommunity(_) => "err.bundle.other_community",
        BadBundle::NotForUs => "err.bundle.not_for_us",
        BadBundle::Truncated | BadBundle::Io(_) => "err.bundle.truncated",
        BadBundle::Damaged => "err.bundle.damaged",
    }
}

/// Why a file that opens could not be read to its end.
fn broken(error: BadBundle) -> &'static str {
    match error {
        BadBundle::Truncated | BadBundle::Io(_) => "err.bundle.cut_short",
        BadBundle::NotABundle
        | BadBundle::Newer
        | BadBundle::OtherCommunity(_)
        | BadBundle::NotForUs
        | BadBundle::Damaged => "err.bundle.changed",
    }
}

impl From<BundleFileError> for Failure {
    fn from(error: BundleFileError) -> Self {
        let of_file = |key: &str| Self::new(Exit::BadFile, key);
        let unknown = |key: &str| Self::new(Exit::Unknown, key);
        match error {
            BundleFileError::Bad { path, error } => {
                of_file(refused(error)).with("path", path.display())
            }
            BundleFileError::Broken { path, error } => {
                of_file(broken(error)).with("path", path.display())
            }
            BundleFileError::Waiting {
                path,
                entries,
                missing,
                parts,
            } => {
                let key = match missing.len() {
                    0 => "err.bundle.builds_on",
                    1 => "err.bundle.part_missing",
                    _ => "err.bundle.parts_missing",
                };
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                of_file(key)
                    .with("parts", missing.join(", "))
                    .with("all", parts)
                    .with("n", thousands(entries))
                    .with("path", path.display())
            }
            BundleFileError::NoWord(path) => {
                of_file("err.bundle.no_word").with("path", path.display())
            }
            BundleFileError::NoDevice(who) => unknown("err.bundle.no_device").with("who", who),
            BundleFileError::NothingKnown(who) => {
                unknown("err.bundle.nothing_known").with("who", who)
            }
            BundleFileError::File(error) => error.into(),
            BundleFileError::Bundle(error) => error.into(),
            BundleFileError::Replica(error) => error.into(),
            // Nobody stops it here but with the whole program.
            error @ BundleFileError::Stopped => Self::internal(error),
            BundleFileError::Node(error) => error.into(),
        }
    }
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
