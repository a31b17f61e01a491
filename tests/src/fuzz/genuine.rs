//! What was really signed or sealed with the keys of the fixtures: nothing else may ever pass for it.

use std::sync::OnceLock;

use sync_core::entry::VerifiedBatch;

use super::expected::{Fixture, Value, all};

/// Every batch that the fixtures' device has signed.
pub(super) fn batches() -> &'static [VerifiedBatch] {
    static BATCHES: OnceLock<Vec<VerifiedBatch>> = OnceLock::new();
    BATCHES.get_or_init(|| all().into_iter().filter_map(batch_of).collect())
}

fn batch_of(fixture: Fixture) -> Option<VerifiedBatch> {
    match fixture.value {
        Value::Join(batch) | Value::Wire(batch, ..) => Some(batch),
        Value::Bundle(.., batch) => Some(batch),
        Value::Certificate(_)
        | Value::Change(_)
        | Value::Frame(_)
        | Value::Peer(_)
        | Value::Statement(_)
        | Value::Ticket(_) => None,
    }
}

/// Whoever changes a byte of a batch and passes it on must be found out. Only payloads may have gone.
pub(super) fn assert_signed(batch: &VerifiedBatch) {
    let signature = |batch: &VerifiedBatch| batch.tail().get(16..80).map(<[u8]>::to_vec);
    let is_known = |known: &&VerifiedBatch| {
        known.head() == batch.head()
            && known.place() == batch.place()
            && signature(known) == signature(batch)
    };
    let known = batches().iter().find(is_known);
    assert!(known.is_some(), "nobody signed {batch:?}");
}

/// The bytes of the committed files whose names begin so.
pub(super) fn files(beginning: &str) -> Vec<Vec<u8>> {
    let fixtures = all().into_iter();
    let wanted = fixtures.filter(|fixture| fixture.name.starts_with(beginning));
    wanted.map(|fixture| fixture.value.encode()).collect()
}
