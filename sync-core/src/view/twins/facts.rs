//! What twins are known by, out of rows.

use std::collections::BTreeSet;

use serde_json::Value;

use super::door::Door;
use super::name::{Name, phones};
use super::{OTHER_FIELD, SAME_FIELD};
use crate::id::{DeviceId, LaneId, Millis, RecordId};
use crate::schema::{FieldType, Kind};
use crate::store::ViewRow;

/// Years of birth that are none, and years from before anybody alive.
const BIRTH_YEARS: std::ops::RangeInclusive<i64> = 1880..=2200;
/// Ends of other twins that are remembered of one record.
const OTHERS_MAX: usize = 256;

/// What a kind is about, as far as twins are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A place, named by its natural key: its door.
    Home,
    /// Somebody, named by the title.
    Person,
}

impl Sort {
    /// The sort of a kind; none if its records are not told to be twins.
    pub(super) fn of(kind: &Kind) -> Option<Self> {
        let ty = |name| kind.field(name).map(crate::schema::Field::ty);
        let leads = |kinds: &[String]| kinds.len() == 1 && kinds.iter().all(|to| to == kind.name());
        let is_told = matches!(ty(SAME_FIELD), Some(FieldType::Link(kinds)) if leads(kinds))
            && matches!(ty(OTHER_FIELD), Some(FieldType::Links(kinds)) if leads(kinds));
        let sort = match kind.natural_key() {
            Some(_) => Self::Home,
            None => Self::Person,
        };
        is_told.then_some(sort)
    }
}

/// What one record is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: String,
    pub(super) sort: Sort,
    pub(super) space: LaneId,
    pub(super) begun: Millis,
    pub(super) begun_by: DeviceId,
    pub(super) name: Option<Name>,
    pub(super) door: Option<Door>,
    pub(super) phones: BTreeSet<String>,
    pub(super) birth_year: Option<i64>,
    pub(super) home: Option<RecordId>,
    pub(super) place: Option<RecordId>,
    pub(super) same_as: Option<RecordId>,
    pub(super) other_than: BTreeSet<RecordId>,
}

impl Facts {
    pub(super) fn read(sort: Sort, key: &str, row: &ViewRow) -> Self {
        let fields = row.values();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let link = |name: &str| text(name).parse::<RecordId>().ok();
        let number = |name: &str| fields.get(name).and_then(Value::as_i64);
        let others = fields.get(OTHER_FIELD).and_then(Value::as_array);
        let others = others.into_iter().flatten().filter_map(Value::as_str);
        let is_person = sort == Sort::Person;
        Self {
            kind: row.kind.clone(),
            sort,
            space: row.space,
            begun: row.created_at,
            begun_by: row.created_by,
            name: is_person.then(|| Name::read(text(key))).flatten(),
            door: (!is_person).then(|| Door::read(text(key))).flatten(),
            phones: phones(text("phone")),
            birth_year: number("birth_year").filter(|year| BIRTH_YEARS.contains(year)),
            home: link("home").filter(|_| is_person),
            place: link("place"),
            same_as: link(SAME_FIELD),
            other_than: others
                .filter_map(|id| id.parse().ok())
                .take(OTHERS_MAX)
                .collect(),
        }
    }

    /// The name, if it says who.
    pub(super) fn full_name(&self) -> Option<&str> {
        let name = self.name.as_ref().filter(|name| name.is_full)?;
        Some(&name.text)
    }
}
