//! Numbers about records: a fold over rows of the view, so that devices with the same records have the same
//! numbers, byte for byte.
//!
//! Every number counts rows that a filter gives: the question's, with one more condition. Whoever shows a
//! number can so open the records behind it.

pub mod account;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;

use crate::id::LaneId;
use crate::schema::{Field, FieldType, Kind, Schema};
use crate::store::{Person, RowFilter, ViewRow};

/// What the numbers are about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// First day, `YYYY-MM-DD`; none: from the beginning.
    pub from: Option<String>,
    /// Last day, included; none: to the end.
    pub to: Option<String>,
    /// Only one space.
    pub space: Option<LaneId>,
    /// Only what one person has begun or is named in.
    pub person: Option<Person>,
}

impl Question {
    /// The rows that are counted.
    #[must_use]
    pub fn filter(&self) -> RowFilter {
        RowFilter {
            day_from: self.from.clone(),
            day_to: self.to.clone(),
            space: self.space,
            person: self.person.clone(),
            ..RowFilter::default()
        }
    }
}

/// The numbers of one kind. Maps are in the order of their keys, so that equal numbers are equal JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KindNumbers {
    /// Rows.
    pub records: u64,
    /// Rows with several values in a field.
    pub in_conflict: u64,
    /// Rows by state.
    pub by_state: BTreeMap<String, u64>,
    /// Rows by space.
    pub by_space: BTreeMap<String, u64>,
    /// Rows by month, `YYYY-MM`.
    pub by_month: BTreeMap<String, u64>,
    /// Rows by choice, for each field with choices; a row with several choices counts for each.
    pub by_choice: BTreeMap<String, BTreeMap<String, u64>>,
    /// What a field with numbers or minutes adds up to; stays at the ends of 64 bits.
    pub sums: BTreeMap<String, i64>,
    /// How many different records or members a field leads to.
    pub different: BTreeMap<String, u64>,
}

/// The numbers of all kinds that have any rows, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Statistics(pub BTreeMap<String, KindNumbers>);

impl Statistics {
    /// Counts rows, whatever their order. Rows of kinds that the schema does not know count by state,
    /// space and month alone.
    #[must_use]
    pub fn of<'r>(schema: &Schema, rows: impl IntoIterator<Item = &'r ViewRow>) -> Self {
        let mut folds: BTreeMap<&str, Fold> = BTreeMap::new();
        for row in rows {
            let fold = folds.entry(&row.kind).or_default();
            fold.add(schema.kind(&row.kind), row);
        }
        let numbers = folds.into_iter();
        Self(
            numbers
                .map(|(kind, fold)| (kind.to_owned(), fold.into_numbers()))
                .collect(),
        )
    }
}

/// Numbers on the way, with what is told apart.
#[derive(Debug, Default)]
struct Fold {
    numbers: KindNumbers,
    met: BTreeMap<String, BTreeSet<String>>,
}

impl Fold {
    fn add(&mut self, kind: Option<&Kind>, row: &ViewRow) {
        let numbers = &mut self.numbers;
        numbers.records += 1;
        numbers.in_conflict += u64::from(row.conflicts > 0);
        if let Some(state) = &row.state {
            *numbers.by_state.entry(state.clone()).or_default() += 1;
        }
        let space = row.space.to_string();
        *numbers.by_space.entry(space).or_default() += 1;
        if let Some(month) = row.day.as_deref().and_then(|day| day.get(..7)) {
            *numbers.by_month.entry(month.to_owned()).or_default() += 1;
        }
        let Some(kind) = kind else {
            return;
        };
        let fields = row.values();
        for field in kind.fields() {
            if let Some(value) = fields.get(field.name()) {
                self.add_field(kind, field, value);
            }
        }
    }

    fn add_field(&mut self, kind: &Kind, field: &Field, value: &Json) {
        let name = field.name();
        match field.ty() {
            FieldType::Number | FieldType::Minutes => {
                let sum = self.numbers.sums.entry(name.to_owned()).or_default();
                *sum = sum.saturating_add(value.as_i64().unwrap_or(0));
            }
            FieldType::Choice(_) | FieldType::Choices(_) if !kind.is_state(name) => {
                let counts = self.numbers.by_choice.entry(name.to_owned()).or_default();
                for choice in texts(value) {
                    *counts.entry(choice.to_owned()).or_default() += 1;
                }
            }
            FieldType::Link(_) | FieldType::Links(_) | FieldType::Member | FieldType::Members => {
                let met = self.met.entry(name.to_owned()).or_default();
                met.extend(texts(value).map(str::to_owned));
            }
            FieldType::Blob
            | FieldType::Choice(_)
            | FieldType::Choices(_)
            | FieldType::Date
            | FieldType::Flag
            | FieldType::Line
            | FieldType::List
            | FieldType::Other(_)
            | FieldType::Point { .. }
            | FieldType::Text
            | FieldType::Time => {}
        }
    }

    fn into_numbers(mut self) -> KindNumbers {
        let met = self.met.into_iter();
        self.numbers.different = met.map(|(name, met)| (name, met.len() as u64)).collect();
        self.numbers
    }
}

/// The one text or the several texts of a value; none that are empty.
fn texts(value: &Json) -> impl Iterator<Item = &str> {
    let one = value.as_str().into_iter();
    let several = value.as_array().into_iter().flatten();
    one.chain(several.filter_map(Json::as_str))
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
