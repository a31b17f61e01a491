//! Rows are made anew when the way in which they are made has changed.

use crate::id::RecordId;
use crate::replica::merge::load;
use crate::replica::mind::{Mind, meta};
use crate::replica::{Replica, ReplicaError};
use crate::schema::Schema;
use crate::store::StoreTx;
use crate::view;

/// Records whose rows are made in one transaction: others need not wait long for theirs.
const RECORDS_PER_STEP: usize = 256;

impl Replica {
    /// Makes all rows from the documents, unless they were made so. How they are made is noted last: a
    /// program that was killed on the way begins again.
    pub(super) fn renew_rows(&mut self) -> Result<(), ReplicaError> {
        let fingerprint = view::fingerprint(Schema::station());
        if self.store.meta(meta::VIEW)?.as_ref() == Some(&fingerprint) {
            return Ok(());
        }
        for records in self.store.records()?.chunks(RECORDS_PER_STEP) {
            self.act(|tx, mind| mind.renew(tx, records))?;
        }
        self.act(|tx, _| Ok(tx.put_meta(meta::VIEW, &fingerprint)?))
    }
}

impl Mind {
    fn renew(&mut self, tx: &mut dyn StoreTx, records: &[RecordId]) -> Result<(), ReplicaError> {
        for record in records {
            if let Some(work) = load(tx, record)? {
                self.put_row(tx, &work)?;
            }
        }
        Ok(())
    }
}
