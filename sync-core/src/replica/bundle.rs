//! Bundles of a replica: what goes into files, and what is taken from them.
//!
//! ```text
//! out   Replica::plan_bundle → BundlePlan → (per file) BundlePart → bytes
//! in    bytes → Replica::read_bundle → BundleImport → Replica::ingest → Brought
//! ```
//! What goes out is read from the store as it is written, and what comes in is ingested in groups of about a
//! megabyte, each in a transaction of its own: neither way holds the file in memory, and whoever is killed
//! begins again and has what was durable.
//!
//! An export says nothing to anybody: no cursor, receipt or mark moves. An import notes what the sender says
//! to have, and which files of an export have come.

mod blobs;
mod import;
mod known;
mod part;
mod plan;
mod room;
mod walk;

use thiserror::Error;

use crate::bundle::WriteBundleError;
use crate::id::DeviceId;
use crate::replica::ReplicaError;
use crate::store::StoreError;

pub use blobs::BundleBlobs;
pub use import::{Brought, BundleImport};
pub use known::Known;
pub use part::BundlePart;
pub use plan::{BundleAsk, BundlePlan, BundlePlanner};

/// Why there is no export.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleError {
    /// This device has not met the community yet, and knows nobody whom a bundle could be sealed to.
    #[error(
        "this device has not met the community yet: import a bundle of a member first, or run a sync"
    )]
    NobodyYet,
    /// Somebody who does not belong.
    #[error("device {0} does not belong to the community, so nothing is exported for it")]
    NotADevice(DeviceId),
    /// The files cannot be as they should.
    #[error(transparent)]
    Write(#[from] WriteBundleError),
    /// The replica failed.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl From<StoreError> for BundleError {
    fn from(error: StoreError) -> Self {
        Self::Replica(error.into())
    }
}
