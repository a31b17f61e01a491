//! From the cells of a row to typed edits.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use sync_core::id::{LaneId, RecordId};
use sync_core::replica::{Origin, Replica, ReplicaError, natural_record};
use sync_core::schema::{Field, FieldEdit, FieldError, FieldType, Kind};
use sync_core::store::ViewRow;

use super::find::Writers;
use super::{Context, Problem, written};
use crate::exchange::export::utc;
use crate::exchange::mapping::Mapping;
use crate::exchange::names;
use crate::exchange::sheet::{Row, Sheet, Source, shown, words_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::values;

/// A column that a field takes.
struct Taken<'a> {
    position: usize,
    column: &'a str,
    field: &'a Field,
    values: &'a BTreeMap<String, String>,
}

/// Reads the cells of a sheet as its mapping says.
pub(super) struct Cells<'a> {
    sheet: &'a Sheet,
    mapping: &'a Mapping,
    kind: &'a Kind,
    replica: &'a Replica,
    zone: &'a TimeZone,
    writers: &'a Writers,
    taken: Vec<Taken<'a>>,
    is_workbook: bool,
    record: Option<usize>,
    updated_at: Option<usize>,
    space: Option<usize>,
}

impl<'a> Cells<'a> {
    pub(super) fn new(
        sheet: &'a Sheet,
        mapping: &'a Mapping,
        context: &'a Context<'a>,
        writers: &'a Writers,
    ) -> Self {
        let position = |column: &str| sheet.columns.iter().position(|known| known == column);
        let taken = mapping.columns.iter().filter_map(|column| {
            Some(Taken {
                position: position(&column.column)?,
                column: &column.column,
                field: context.kind.field(column.field.as_deref()?)?,
                values: &column.values,
            })
        });
        let is_own = sheet.source == Source::Own;
        let record = format!("{}:{}", names::RECORD, context.kind.name());
        Self {
            taken: taken.collect(),
            record: sheet.column(&[&record, names::RECORD]).filter(|_| is_own),
            updated_at: sheet.column(&[names::UPDATED_AT]).filter(|_| is_own),
            is_workbook: sheet.rows.iter().all(|row| row.line.is_none())
                && !matches!(sheet.source, Source::Comapeo | Source::Map),
            space: mapping.space_column.as_deref().and_then(position),
            sheet,
            mapping,
            kind: context.kind,
            replica: context.replica,
            zone: &context.zone,
            writers,
        }
    }

    /// The column from which a field is taken.
    pub(super) fn column_of(&self, field: &str) -> Option<&str> {
        let taken = self.taken.iter().find(|taken| taken.field.name() == field);
        taken.map(|taken| taken.column)
    }

    /// The record that a row of ours says it is.
    pub(super) fn own_record(&self, row: &Row) -> Option<RecordId> {
        row.cell(self.record?).parse().ok()
    }

    /// Whether a record has been changed since the row was exported.
    pub(super) fn is_stale(&self, row: &Row, found: &ViewRow) -> bool {
        let exported = self.updated_at.map(|column| row.cell(column));
        exported.is_some_and(|at| !at.is_empty() && at != utc(found.updated_at))
    }

    /// The space that a row names.
    pub(super) fn space<'r>(&self, row: &'r Row) -> Option<&'r str> {
        let cell = row.cell(self.space?);
        (!cell.is_empty()).then_some(cell)
    }

    /// The fields whose cells a row leaves empty; they say something only in a table of ours.
    pub(super) fn emptied(&self, row: &Row) -> Vec<&'a Field> {
        let is_own = self.record.is_some();
        let taken = self.taken.iter().filter(|_| is_own);
        let empty = taken.filter(|taken| row.cell(taken.position).is_empty());
        empty.map(|taken| taken.field).collect()
    }

    /// All edits of a row, or all of its cells that do not fit.
    pub(super) fn edits(&self, row: &Row) -> Result<Vec<FieldEdit>, Vec<Problem>> {
        let problem = |column: Option<String>, typed: Option<String>, failure: Failure| Problem {
            row: row.row,
            line: row.line,
            column,
            typed,
            failure,
        };
        let width = self.sheet.columns.len();
        if row.has_more_than(width) {
            let cells = Failure::new(Exit::BadFile, "err.import.cells").with("n", width);
            return Err(vec![problem(None, None, cells)]);
        }
        let (mut edits, mut problems) = (Vec::new(), Vec::new());
        for taken in &self.taken {
            match self.edit(row, taken) {
                Ok(edit) => edits.extend(edit),
                Err(failure) => {
                    let typed = row.cell(taken.position).to_owned();
                    let typed = (!taken.field.personal()).then_some(typed);
                    problems.push(problem(Some(taken.column.to_owned()), typed, failure));
                }
            }
        }
        for (name, typed) in &self.mapping.constants {
            let is_given = edits.iter().any(|edit: &FieldEdit| edit.field == *name);
            let field = self.kind.field(name).filter(|_| !is_given);
            let edit = field.map(|field| {
                let plain = self.plain(field, typed)?;
                Ok(self.parse(field, &plain)?)
            });
            match edit.transpose() {
                Ok(edit) => edits.extend(edit),
                Err(failure) => problems.push(problem(None, None, failure)),
            }
        }
        if problems.is_empty() {
            Ok(edits)
        } else {
            Err(problems)
        }
    }

    fn edit(&self, row: &Row, taken: &Taken<'_>) -> Result<Option<FieldEdit>, Failure> {
        let raw = row.cells.get(taken.position).map_or("", String::as_str);
        // Only text has its formulas defused.
        let raw = match (self.sheet.source, row.line) {
            (Source::Own, Some(_)) => names::original(raw),
            (Source::Own, None) if raw.ends_with(names::CUT_MARK) => return Ok(None),
            _other => raw,
        };
        if raw.trim().is_empty() {
            return Ok(None);
        }
        let typed = self.translated(taken, raw);
        if typed.trim().is_empty() {
            let choices = taken.field.ty().choices().iter();
            let choices: Vec<&str> = choices.map(sync_core::schema::Choice::value).collect();
            return Err(FieldError::NotAChoice {
                field: taken.field.name().to_owned(),
                choices: choices.join(", "),
            }
            .into());
        }
        let plain = self.plain(taken.field, &typed)?;
        let parsed = self.parse(taken.field, &plain);
        // The sentence about ids is for who types a record's.
        let is_no_link = |error: &FieldError| matches!(error, FieldError::NotALink { .. });
        Ok(Some(parsed.map_err(|error| {
            if is_no_link(&error) {
                Failure::new(Exit::Unknown, "err.import.no_link")
            } else {
                error.into()
            }
        })?))
    }

    /// What a cell means by the mapping's table of values.
    fn translated(&self, taken: &Taken<'_>, raw: &str) -> String {
        let meant = |word: &str| taken.values.get(word.trim()).map(String::as_str);
        if !taken.field.ty().is_set() {
            return meant(raw).map_or_else(|| shown(raw), str::to_owned);
        }
        let choices = taken.field.ty().choices();
        let words = words_of(raw, self.sheet.source.is_survey()).into_iter();
        let words = words.map(|word| {
            let named = meant(word).map(str::to_owned);
            // Labels may have commas in them; names have none.
            named
                .or_else(|| values::named_choice(choices, word))
                .unwrap_or_else(|| word.to_owned())
        });
        words.collect::<Vec<_>>().join(",")
    }

    fn parse(&self, field: &Field, plain: &str) -> Result<FieldEdit, FieldError> {
        values::edit(self.kind, field, plain, Lookup::of(self.replica))
    }

    /// What other programs write, as a person would type it.
    fn plain(&self, field: &Field, typed: &str) -> Result<String, Failure> {
        let numbered = || written::numbered(typed).filter(|_| self.is_workbook);
        let moment = || written::moment(typed, self.zone).or_else(numbered);
        let plain = match field.ty() {
            FieldType::Date => moment()
                .map(|at| at.date().to_string())
                .or_else(|| Some(written::clock_of(typed)?.0)),
            FieldType::Time => moment()
                .map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
                .or_else(|| written::clock_of(typed).map(|(day, clock)| format!("{day} {clock}"))),
            FieldType::Flag => written::flag(typed),
            FieldType::Number => written::number(typed),
            FieldType::Minutes => written::minutes(typed),
            FieldType::Point { .. } => written::place(typed),
            FieldType::Link(kinds) => self.linked(kinds, typed)?,
            FieldType::Blob
            | FieldType::Choice(_)
            | FieldType::Choices(_)
            | FieldType::Line
            | FieldType::Links(_)
            | FieldType::List
            | FieldType::Member
            | FieldType::Members
            | FieldType::Other(_)
            | FieldType::Text => None,
        };
        Ok(plain.unwrap_or_else(|| typed.to_owned()))
    }

    /// A record that is named by the natural key of its kind, or, in a survey, by the row that it came from.
    fn linked(&self, kinds: &[String], typed: &str) -> Result<Option<String>, ReplicaError> {
        let typed = typed.trim();
        if typed.parse::<RecordId>().is_ok() {
            return Ok(None);
        }
        let schema = self.replica.schema();
        let spaces = self.replica.roster().all_lanes();
        for kind in kinds.iter().filter_map(|kind| schema.kind(kind)) {
            for space in &spaces {
                if let Some(record) = self.named(kind, space, typed)? {
                    return Ok(Some(record.to_string()));
                }
            }
        }
        Ok(None)
    }

    fn named(
        &self,
        kind: &Kind,
        space: &LaneId,
        typed: &str,
    ) -> Result<Option<RecordId>, ReplicaError> {
        if kind.natural_key().is_none() {
            let origin = Origin::of(&self.mapping.source, row_name(typed));
            return self.writers.begun_from(self.replica, kind, space, &origin);
        }
        let Some(record) = natural_record(kind, space, typed) else {
            return Ok(None);
        };
        let row = self.replica.store().row(&record)?;
        Ok(row.map(|row| row.record))
    }
}

/// The name of a row in its source; forms put `uuid:` before it in some places only.
pub(super) fn row_name(cell: &str) -> &str {
    cell.strip_prefix("uuid:").unwrap_or(cell)
}
