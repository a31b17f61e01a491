//! Records that may be one home or one person written down twice, and what people say of them.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::id::RecordId;
use crate::replica::mind::Mind;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::schema::{Edit, FieldEdit, FieldError, Value};
use crate::store::{RowFilter, StoreTx, ViewRow};
use crate::view::twins::{OTHER_FIELD, SAME_FIELD, Twins};

/// What somebody says of two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// They are about one and the same: the later one is a copy of the earlier one.
    Same,
    /// They are about two.
    Other,
    /// Nothing: what was said is taken back.
    Open,
}

impl Replica {
    /// The records that may be twins. The first call reads all rows of the kinds concerned; from then on
    /// those that change are followed, and a call costs nothing.
    ///
    /// # Errors
    /// The store's.
    pub fn twins(&self) -> Result<&Twins, ReplicaError> {
        if let Some(twins) = self.mind.twins.get() {
            return Ok(twins);
        }
        let mut twins = Twins::new(&self.mind.schema);
        let kinds: Vec<String> = twins.kinds().map(str::to_owned).collect();
        for kind in kinds {
            let filter = RowFilter {
                kind: Some(kind),
                ..RowFilter::default()
            };
            for row in self.store.rows(&filter)? {
                twins.put(&row);
            }
        }
        Ok(self.mind.twins.get_or_init(|| twins))
    }

    /// Says what two records are to each other; says whether that was not said already. It is a change of
    /// fields of the later one, and of the earlier one only where that said otherwise: both stay as they are.
    ///
    /// If one of them is a copy already, the record that it is a copy of is meant.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownRecord`]; [`ReplicaError::Field`] if they are no two records of one kind that is
    /// written down so; as [`Replica::edit`].
    pub fn settle_twins(
        &mut self,
        (one, two): (RecordId, RecordId),
        finding: Finding,
        moment: &mut Moment<'_>,
    ) -> Result<bool, ReplicaError> {
        let twins = self.twins()?;
        let both = if finding == Finding::Same {
            (twins.first_of(&one), twins.first_of(&two))
        } else {
            (one, two)
        };
        if finding == Finding::Same && both.0 == both.1 && one != two {
            return Ok(false);
        }
        self.write(moment, |tx, mind, moment| {
            mind.settle_twins(tx, both, finding, moment)
        })
    }
}

impl Mind {
    fn settle_twins(
        &mut self,
        tx: &mut dyn StoreTx,
        (one, two): (RecordId, RecordId),
        finding: Finding,
        moment: &mut Moment<'_>,
    ) -> Result<bool, ReplicaError> {
        let (one, two) = (row_of(tx, one)?, row_of(tx, two)?);
        if one.record == two.record || one.kind != two.kind {
            return Err(FieldError::WrongLink {
                field: SAME_FIELD.to_owned(),
                kinds: one.kind,
            }
            .into());
        }
        let age = |row: &ViewRow| (row.created_at, row.record);
        let (first, second) = if age(&one) <= age(&two) {
            (one, two)
        } else {
            (two, one)
        };
        let mut is_changed = false;
        for (row, to, finding) in [
            (&second, first.record, finding),
            // The earlier one says nothing of its own.
            (&first, second.record, Finding::Open),
        ] {
            let edits = edits(row, to, finding);
            if !edits.is_empty() {
                is_changed |= self.edit(tx, row.record, &edits, moment)?.is_changed;
            }
        }
        Ok(is_changed)
    }
}

fn row_of(tx: &dyn StoreTx, record: RecordId) -> Result<ViewRow, ReplicaError> {
    let row = tx.row(&record)?;
    row.ok_or_else(|| ReplicaError::UnknownRecord(record.to_string()))
}

/// What has to change in a record so that it says this of another.
fn edits(row: &ViewRow, to: RecordId, finding: Finding) -> Vec<FieldEdit> {
    let fields = row.values();
    let to = to.to_string();
    let said = fields.get(SAME_FIELD).and_then(Json::as_str);
    let others = fields.get(OTHER_FIELD).and_then(Json::as_array);
    let mut others = others.into_iter().flatten().filter_map(Json::as_str);
    let (is_same, is_other) = (said == Some(&*to), others.any(|other| other == to));
    let set = BTreeSet::from([to.clone()]);
    let field = |name: &str, value: Edit| FieldEdit {
        field: name.to_owned(),
        value,
    };
    let mut edits = Vec::new();
    match (finding, is_same) {
        (Finding::Same, false) => edits.push(FieldEdit::set(SAME_FIELD, Value::Text(to))),
        (Finding::Other | Finding::Open, true) => {
            edits.push(FieldEdit::set(SAME_FIELD, Value::Text(String::new())));
        }
        (Finding::Same, true) | (Finding::Other | Finding::Open, false) => {}
    }
    match (finding, is_other) {
        (Finding::Other, false) => edits.push(field(OTHER_FIELD, Edit::Add(set))),
        (Finding::Same | Finding::Open, true) => edits.push(field(OTHER_FIELD, Edit::Remove(set))),
        (Finding::Other, true) | (Finding::Same | Finding::Open, false) => {}
    }
    edits
}
