//! Whether a row's record is there already.

use std::collections::{BTreeMap, HashMap};

use sync_core::id::{DeviceId, Incarnation, LaneId, RecordId};
use sync_core::record::KindName;
use sync_core::replica::{Origin, Replica, ReplicaError, natural_record};
use sync_core::schema::Kind;
use sync_core::store::{RowFilter, ViewRow};

use super::Context;
use super::cells::row_name;
use crate::exchange::mapping::Mapping;
use crate::exchange::sheet::{Row, Sheet};
use crate::failure::Failure;

/// The records of one kind.
pub(super) struct Known {
    rows: HashMap<RecordId, ViewRow>,
}

/// Who has written in each space, and so may have begun records from rows.
pub(super) struct Writers {
    ours: (DeviceId, Incarnation),
    by_space: HashMap<LaneId, Vec<(DeviceId, Incarnation)>>,
}

/// Where a row's record is.
pub(super) enum Found {
    Here(Box<ViewRow>),
    /// And this is the one that would be begun.
    Nowhere(RecordId),
    Erased,
}

impl Writers {
    pub(super) fn of(replica: &Replica) -> Result<Self, Failure> {
        let mut by_space: HashMap<LaneId, Vec<(DeviceId, Incarnation)>> = HashMap::new();
        for log in replica.store().logs().map_err(ReplicaError::from)? {
            let of_space = by_space.entry(log.lane).or_default();
            of_space.push((log.device, log.incarnation));
        }
        Ok(Self {
            ours: (replica.device(), replica.incarnation()),
            by_space,
        })
    }

    /// The record that this device would begin from a row.
    fn own_record(&self, name: &KindName, space: &LaneId, origin: &Origin) -> RecordId {
        let (device, life) = &self.ours;
        origin.record_id(name, space, device, life)
    }

    /// The records that anybody else may have begun from it.
    fn other_records(
        &self,
        name: &KindName,
        space: &LaneId,
        origin: &Origin,
    ) -> impl Iterator<Item = RecordId> {
        let others = self.by_space.get(space).into_iter().flatten();
        others.map(|(device, life)| origin.record_id(name, space, device, life))
    }

    /// The record of a kind that somebody began from a row, if it is here.
    pub(super) fn begun_from(
        &self,
        replica: &Replica,
        kind: &Kind,
        space: &LaneId,
        origin: &Origin,
    ) -> Result<Option<RecordId>, ReplicaError> {
        let name = KindName::new(kind.name())?;
        let own = self.own_record(&name, space, origin);
        for record in std::iter::once(own).chain(self.other_records(&name, space, origin)) {
            if replica.store().row(&record)?.is_some() {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

impl Known {
    pub(super) fn of(replica: &Replica, kind: &Kind) -> Result<Self, Failure> {
        let filter = RowFilter {
            kind: Some(kind.name().to_owned()),
            ..RowFilter::default()
        };
        let rows = replica.list(&filter)?;
        Ok(Self {
            rows: rows.into_iter().map(|row| (row.record, row)).collect(),
        })
    }

    pub(super) fn row(&self, record: &RecordId) -> Option<&ViewRow> {
        self.rows.get(record)
    }

    /// By the natural key of its kind, if that has one; else by its origin, whoever imported it.
    pub(super) fn find(
        &self,
        context: &Context<'_>,
        writers: &Writers,
        space: &LaneId,
        key: Option<&str>,
        origin: &Origin,
    ) -> Result<Found, Failure> {
        let kind = context.kind;
        let name = KindName::new(kind.name()).map_err(ReplicaError::from)?;
        // Too long a key is refused when the record is begun.
        let keyed = key.and_then(|key| natural_record(kind, space, key));
        let would_be = keyed.unwrap_or_else(|| writers.own_record(&name, space, origin));
        let by_others = key
            .is_none()
            .then(|| writers.other_records(&name, space, origin));
        let by_others = by_others.into_iter().flatten();
        let erasures = context.replica.roster().erasures();
        for record in std::iter::once(would_be).chain(by_others) {
            if let Some(row) = self.rows.get(&record) {
                return Ok(Found::Here(Box::new(row.clone())));
            }
            if erasures.has_record(&record, space) {
                return Ok(Found::Erased);
            }
        }
        Ok(Found::Nowhere(would_be))
    }
}

/// Names rows that have no name in their source by what they say; of equal ones the first, second …
pub(super) struct Occurrences<'a> {
    sheet: &'a Sheet,
    source: &'a str,
    row_id: Option<usize>,
    seen: HashMap<String, u32>,
}

impl<'a> Occurrences<'a> {
    pub(super) fn new(sheet: &'a Sheet, mapping: &'a Mapping) -> Self {
        let position = |column: &String| sheet.columns.iter().position(|known| known == column);
        Self {
            sheet,
            source: &mapping.source,
            row_id: mapping.row_id.as_ref().and_then(position),
            seen: HashMap::new(),
        }
    }

    pub(super) fn origin(&mut self, row: &Row) -> Origin {
        let id = self.row_id.map(|column| row.cell(column));
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            return Origin::of(self.source, row_name(id));
        }
        // Neither the order of the columns nor empty ones matter.
        let cells = (0..).zip(&self.sheet.columns);
        let cells: BTreeMap<&str, &str> = cells
            .map(|(position, column)| (column.as_str(), row.cell(position)))
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        let content = serde_json::json!(cells).to_string();
        let count = self.seen.entry(content.clone()).or_default();
        *count += 1;
        Origin::of(self.source, &format!("{count}:{content}"))
    }
}
