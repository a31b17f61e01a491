//! Which column of a table is which field of a kind.
//!
//! A mapping is suggested from the columns' names and written as JSON, so that a person can correct it
//! once and use it for every file of that sort.

mod score;
mod suggest;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sync_core::schema::Kind;

use crate::exchange::sheet::Sheet;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) use suggest::{Suggested, suggest, values_of};

/// The version of the JSON form.
const VERSION: u32 = 1;

/// How the rows of a table become records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    version: u32,
    /// The kind, by name.
    pub(crate) kind: String,
    /// Names the source of the rows, together with `row_id`: rows of two sources are never the same record.
    pub(crate) source: String,
    /// The column that names a row in its source; without one its whole content does.
    #[serde(default)]
    pub(crate) row_id: Option<String>,
    /// The space of all rows, unless they have a column for it.
    #[serde(default)]
    pub(crate) space: Option<String>,
    /// The column that names each row's space.
    #[serde(default)]
    pub(crate) space_column: Option<String>,
    /// The columns, in their order.
    pub(crate) columns: Vec<ColumnMapping>,
    /// What fields have in every row that gives them nothing, as it would be typed.
    #[serde(default)]
    pub(crate) constants: BTreeMap<String, String>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnMapping {
    pub(crate) column: String,
    /// The field, by name; none: the column is left out.
    pub(crate) field: Option<String>,
    /// What stands in the column, and what it means.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) values: BTreeMap<String, String>,
    /// The field is only likely: somebody should look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) guess: bool,
}

impl Mapping {
    /// Reads the JSON form.
    pub(crate) fn from_json(json: &str) -> Result<Self, Failure> {
        let bad =
            |line: usize| Failure::new(Exit::BadFile, "err.import.mapping").with("line", line);
        let mapping: Self = serde_json::from_str(json).map_err(|error| bad(error.line()))?;
        if mapping.version == VERSION {
            Ok(mapping)
        } else {
            Err(bad(1))
        }
    }

    /// Writes it.
    pub(crate) fn to_json(&self) -> Result<String, Failure> {
        let json = serde_json::to_string_pretty(self).map_err(Failure::internal)?;
        Ok(json + "\n")
    }

    /// Checks that it is about this kind and names only columns and fields that there are, each field once.
    pub(crate) fn check(&self, sheet: &Sheet, kind: &Kind) -> Result<(), Failure> {
        let wrong_kind = || {
            let wrong = Failure::new(Exit::Unknown, "err.import.mapping_kind");
            wrong.with("kind", &self.kind)
        };
        if self.kind != kind.name() {
            return Err(wrong_kind());
        }
        let named = self.columns.iter().filter(|column| column.field.is_some());
        let named = named.map(|column| &column.column);
        let missing = named
            .chain(&self.row_id)
            .chain(&self.space_column)
            .find(|column| !sheet.columns.contains(column));
        if let Some(column) = missing {
            let missing = Failure::new(Exit::Unknown, "err.import.mapping_column");
            return Err(missing.with("column", column));
        }
        let mut seen = std::collections::BTreeSet::new();
        let fields = self
            .columns
            .iter()
            .filter_map(|column| column.field.as_deref());
        for field in fields.chain(self.constants.keys().map(String::as_str)) {
            if kind.field(field).is_none() {
                return Err(kind.unknown_field(field).into());
            }
            // A constant stands in for empty cells of a column.
            let is_constant = self.constants.contains_key(field);
            if !seen.insert(field) && !is_constant {
                let field = field.to_owned();
                return Err(sync_core::schema::FieldError::Twice { field }.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sync_core::schema::Schema;

    use super::*;
    use crate::exchange::sheet::parse;

    fn visits(text: &str) -> (Sheet, Mapping, &'static Kind) {
        let sheet = parse(text.as_bytes(), "t.csv").unwrap().remove(0);
        let kind = Schema::station().kind("visit").unwrap();
        let mapping = suggest(&sheet, kind).mapping;
        (sheet, mapping, kind)
    }

    #[test]
    fn mappings_survive_their_json_form() {
        let (sheet, mapping, kind) = visits("住户,date,目的\nA,2026-03-04,1\n");
        let json = mapping.to_json().unwrap();
        assert_eq!(Mapping::from_json(&json).unwrap(), mapping);
        mapping.check(&sheet, kind).unwrap();
        for (from, to) in [
            ("\"version\": 1", "\"version\": 2"),
            ("\"kind\"", "\"kinds\""),
        ] {
            let failure = Mapping::from_json(&json.replace(from, to)).unwrap_err();
            assert_eq!(failure.exit(), Exit::BadFile);
        }
    }

    #[test]
    fn mappings_that_do_not_fit_are_refused() {
        let (sheet, mapping, kind) = visits("住户,date,目的\nA,2026-03-04,1\n");
        let with = |change: &dyn Fn(&mut Mapping)| {
            let mut mapping = mapping.clone();
            change(&mut mapping);
            mapping.check(&sheet, kind)
        };
        assert!(with(&|it| it.kind = "need".into()).is_err());
        assert!(with(&|it| it.row_id = Some("none".into())).is_err());
        assert!(with(&|it| it.columns[0].column = "none".into()).is_err());
        assert!(with(&|it| it.columns[0].field = Some("none".into())).is_err());
        assert!(with(&|it| it.columns[0].field = Some("date".into())).is_err());
        assert!(
            with(&|it| {
                it.constants.insert("date".into(), "2026-03-04".into());
            })
            .is_ok()
        );
    }
}
