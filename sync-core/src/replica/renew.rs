//! Rows are made anew when the way in which they are made has changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::RecordId;
use crate::replica::merge::load;
use crate::replica::mind::{Mind, meta};
use crate::replica::{Replica, ReplicaError};
use crate::schema::{Kind, Schema};
use crate::store::{Cursor, RowFilter, StoreTx};
use crate::view;

/// Records whose rows are made in one transaction: others need not wait long for theirs.
const RECORDS_PER_STEP: usize = 256;

impl Replica {
    /// Makes rows from the documents that were not made by the schema of now. How they are made is
    /// forgotten first and noted last: a program that was killed on the way begins again.
    pub(super) fn renew_rows(&mut self) -> Result<(), ReplicaError> {
        let schema = Arc::clone(&self.mind.schema);
        if self
            .shown_by
            .as_ref()
            .is_some_and(|by| Arc::ptr_eq(by, &schema))
        {
            return Ok(());
        }
        let fingerprint = view::fingerprint(&schema);
        let noted = self.store.meta(meta::VIEW)?;
        if noted.as_ref() != Some(&fingerprint) {
            if noted.is_some() {
                self.act_once(|tx, _| Ok(tx.remove_meta(meta::VIEW)?))?;
            }
            // If others have made rows by yet another schema meanwhile, it is not known which are behind.
            let before = self.shown_by.take();
            match before.filter(|before| noted == Some(view::fingerprint(before))) {
                Some(before) => self.renew_kinds(&differing(&before, &schema))?,
                None => {
                    for records in self.store.records()?.chunks(RECORDS_PER_STEP) {
                        self.act_once(|tx, mind| mind.renew(tx, records))?;
                    }
                }
            }
            self.act_once(|tx, _| Ok(tx.put_meta(meta::VIEW, &fingerprint)?))?;
        }
        self.shown_by = Some(schema);
        Ok(())
    }

    /// Whether all rows in the store are made as this program makes them now.
    pub(super) fn are_rows_ours(&self) -> Result<bool, ReplicaError> {
        let noted = self.store.meta(meta::VIEW)?;
        Ok(noted == Some(view::fingerprint(&self.mind.schema)))
    }

    fn renew_kinds(&mut self, kinds: &BTreeSet<String>) -> Result<(), ReplicaError> {
        for kind in kinds {
            let mut step = RowFilter {
                kind: Some(kind.clone()),
                limit: Some(RECORDS_PER_STEP),
                ..RowFilter::default()
            };
            loop {
                let rows = self.store.rows(&step)?;
                let Some(last) = rows.last() else { break };
                step.after = Some(Cursor::of(last));
                let records: Vec<RecordId> = rows.iter().map(|row| row.record).collect();
                self.act_once(|tx, mind| mind.renew(tx, &records))?;
            }
        }
        Ok(())
    }
}

/// Kinds that one of two schemas has and the other has not, or has otherwise.
fn differing(a: &Schema, b: &Schema) -> BTreeSet<String> {
    let names = a.kinds().iter().chain(b.kinds()).map(Kind::name);
    let names = names.filter(|name| a.kind(name) != b.kind(name));
    names.map(str::to_owned).collect()
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
