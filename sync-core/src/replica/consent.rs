//! Who has agreed to what is written down about them.

use std::collections::BTreeSet;

use crate::id::{Millis, RecordId};
use crate::replica::{Replica, ReplicaError};
use crate::store::{LinkTarget, RowFilter, ViewRow};
use crate::view::consent::{ABOUT_FIELD, CONSENT, Consent, WITHDRAWN};
use crate::view::day_at;

impl Replica {
    /// What the person or the home of a record has agreed to, by all consents that lead to it or to another
    /// record of the same.
    ///
    /// # Errors
    /// The store's.
    pub fn consent(&self, record: RecordId, now: Millis) -> Result<Consent, ReplicaError> {
        let mut rows: Vec<ViewRow> = Vec::new();
        for member in self.twins()?.group_of(&record) {
            for (from, field) in self.store.links_to(&LinkTarget::Record(member))? {
                if field == ABOUT_FIELD {
                    rows.extend(self.store.row(&from)?.filter(|row| row.kind == CONSENT));
                }
            }
        }
        let today = day_at(now).unwrap_or_default();
        Ok(Consent::of(&rows, &today))
    }

    /// Records of people and homes who have agreed to nothing any more, and have not agreed anew, with all
    /// records of the same; as far as they are here. Reads the consents that were withdrawn, and no others but
    /// of those whom they are about.
    ///
    /// # Errors
    /// The store's.
    pub fn withdrawn(&self, now: Millis) -> Result<BTreeSet<RecordId>, ReplicaError> {
        let filter = RowFilter {
            kind: Some(CONSENT.to_owned()),
            states: vec![WITHDRAWN.to_owned()],
            ..RowFilter::default()
        };
        let mut found = BTreeSet::new();
        for row in self.store.rows(&filter)? {
            for link in self.store.links_of(&row.record)? {
                let LinkTarget::Record(about) = link.target else {
                    continue;
                };
                let is_known = link.field != ABOUT_FIELD || found.contains(&about);
                if is_known || !matches!(self.consent(about, now)?, Consent::Withdrawn { .. }) {
                    continue;
                }
                for member in self.twins()?.group_of(&about) {
                    if self.store.row(&member)?.is_some() {
                        found.insert(member);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Records that tell something about one of these: themselves, and all that lead to one of them.
    ///
    /// # Errors
    /// The store's.
    pub fn about_any(
        &self,
        records: &BTreeSet<RecordId>,
    ) -> Result<BTreeSet<RecordId>, ReplicaError> {
        let mut found = records.clone();
        for record in records {
            let links = self.store.links_to(&LinkTarget::Record(*record))?;
            found.extend(links.into_iter().map(|(from, _)| from));
        }
        Ok(found)
    }
}
