//! Whether a row's record is there already.

use std::collections::{BTreeMap, HashMap};

use sync_core::id::{DeviceId, Incarnation, LaneId, RecordId};
use sync_core::record::KindName;
use sync_core::replica::{Origin, Replica, ReplicaError, natural_record};
use sync_core::schema::Kind;
use sync_core::store::{RowFilter, ViewRow};

use super::cells::row_name;
use crate::exchange::mapping::Mapping;
use crate::exchange::sheet::{Row, Sheet};
use crate::failure::Failure;

/// The records of one kind, and who may have begun them.
pub(super) struct Known {
    rows: HashMap<RecordId, ViewRow>,
    writers: HashMap<LaneId, Vec<(DeviceId, Incarnation)>>,
}

/// Where a row's record is.
pub(super) enum Found {
    Here(Box<ViewRow>),
    /// And this is the one that would be begun.
    Nowhere(RecordId),
    Erased,
}

impl Known {
    pub(super) fn of(replica: &Replica, kind: &Kind) -> Result<Self, Failure> {
        let filter = RowFilter {
            kind: Some(kind.name().to_owned()),
            ..RowFilter::default()
        };
        let rows = replica.list(&filter)?;
        let mut writers: HashMap<LaneId, Vec<(DeviceId, Incarnation)>> = HashMap::new();
        for log in replica.store().logs().map_err(ReplicaError::from)? {
            let of_lane = writers.entry(log.lane).or_default();
            of_lane.push((log.device, log.incarnation));
        }
        Ok(Self {
            rows: rows.into_iter().map(|row| (row.record, row)).collect(),
            writers,
        })
    }

    pub(super) fn row(&self, record: &RecordId) -> Option<&ViewRow> {
        self.rows.get(record)
    }

    /// By the natural key of its kind, if that has one; else by its origin, whoever imported it.
    pub(super) fn find(
        &self,
        replica: &Replica,
        kind: &Kind,
        space: &LaneId,
        key: Option<&str>,
        origin: &Origin,
    ) -> Result<Found, Failure> {
        let ours = (replica.device(), replica.incarnation());
        let name = KindName::new(kind.name()).map_err(ReplicaError::from)?;
        let would_be = match key {
            // Too long a key is refused when the record is begun.
            Some(key) => natural_record(kind, space, key),
            None => None,
        };
        let would_be = would_be.unwrap_or_else(|| origin.record_id(&name, space, &ours.0, &ours.1));
        let others = self.writers.get(space).map_or(&[][..], Vec::as_slice);
        let others = others.iter().filter(|_| key.is_none());
        let by_others = others.map(|(device, life)| origin.record_id(&name, space, device, life));
        let erasures = replica.roster().erasures();
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

/// The record of a kind that somebody began from a row, if it is here.
pub(super) fn begun_from(
    replica: &Replica,
    kind: &Kind,
    space: &LaneId,
    origin: &Origin,
) -> Option<RecordId> {
    let name = KindName::new(kind.name()).ok()?;
    let logs = replica.store().logs().ok()?;
    let ours = (replica.device(), replica.incarnation());
    let of_space = logs.iter().filter(|log| log.lane == *space);
    let writers = of_space.map(|log| (log.device, log.incarnation));
    let mut records = writers
        .chain([ours])
        .map(|(device, life)| origin.record_id(&name, space, &device, &life));
    records.find(|record| replica.store().row(record).ok().flatten().is_some())
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
