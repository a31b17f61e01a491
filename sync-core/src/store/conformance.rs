//! The suite that every store passes, and what tests of stores build their data with.

#![expect(
    clippy::indexing_slicing,
    reason = "the checks index what they have made themselves"
)]

mod author;
mod blobs;
mod lists;
mod logs;
mod probe;
mod records;

use crate::store::{Store, StoreError};

pub use author::{Author, COMMUNITY, HashRng};
pub use blobs::blob;
pub use lists::{Questions, check_lists};
pub use probe::{Probe, Reading};

type Check = fn(&mut dyn Store) -> Result<(), StoreError>;

/// Runs every check, each on a store of its own that `make` gives and that must be empty.
///
/// # Panics
/// Panics with the name of the first fact that does not hold.
pub fn check_all(make: impl Fn() -> Box<dyn Store>) {
    for (fact, check) in logs::CHECKS
        .iter()
        .chain(records::CHECKS)
        .chain(lists::CHECKS)
        .chain(blobs::CHECKS)
    {
        let mut store = make();
        let outcome = check(&mut *store);
        assert!(outcome.is_ok(), "{fact}: {outcome:?}");
    }
}
