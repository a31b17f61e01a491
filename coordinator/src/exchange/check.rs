//! What an import would do, row by row: begin a record, change one, nothing, or not fit.
//!
//! A row is found again by its origin (`sync_core::replica::Origin`), or by the natural key of its kind;
//! docs/adr/0013 tells why a repeated import changes nothing. What people have changed since a row was
//! imported is never taken back: such a field is a [`Problem`], and stays.

mod cells;
mod compare;
mod find;
mod report;
mod written;

use std::collections::HashMap;

use jiff::tz::TimeZone;
use sync_core::id::{LaneId, RecordId};
use sync_core::replica::{Import, Origin, Replica, ReplicaError};
use sync_core::schema::{Edit, FieldEdit, Kind, Mover, STATE_FIELD, Value};
use sync_core::store::ViewRow;

use crate::exchange::mapping::Mapping;
use crate::exchange::sheet::{Row, Sheet};
use crate::exit::Exit;
use crate::failure::Failure;

use cells::Cells;
use compare::Difference;
use find::{Known, Occurrences, Writers};
pub(crate) use report::{Example, Problem, Report};

/// So many rows that would be begun are shown.
const EXAMPLES_MAX: usize = 3;

/// Where rows go.
#[derive(Debug)]
pub(crate) struct Context<'r> {
    pub(crate) replica: &'r Replica,
    pub(crate) kind: &'r Kind,
    /// The space of all rows, whatever they say.
    pub(crate) space: Option<LaneId>,
    /// In which moments of the file become days.
    pub(crate) zone: TimeZone,
}

/// One thing to be written.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Begin {
        space: LaneId,
        import: Import,
    },
    Change {
        record: RecordId,
        edits: Vec<FieldEdit>,
    },
}

/// One thing to be written, and for which row.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) row: u64,
    pub(crate) line: Option<u64>,
    pub(crate) deed: Deed,
}

/// A report and the work that does what it says.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) report: Report,
    pub(crate) work: Vec<Work>,
}

/// Checks all rows of a sheet; nothing is written. The mapping must fit the sheet ([`Mapping::check`]).
pub(crate) fn check(
    sheet: &Sheet,
    mapping: &Mapping,
    context: &Context<'_>,
) -> Result<Checked, Failure> {
    let known = Known::of(context.replica, context.kind)?;
    let writers = Writers::of(context.replica)?;
    let mut checker = Checker {
        cells: Cells::new(sheet, mapping, context, &writers),
        occurrences: Occurrences::new(sheet, mapping),
        mapping,
        context,
        known,
        writers: &writers,
        planned: HashMap::new(),
        checked: Checked::default(),
    };
    for row in &sheet.rows {
        checker.row(row)?;
    }
    Ok(checker.checked)
}

struct Checker<'a> {
    cells: Cells<'a>,
    occurrences: Occurrences<'a>,
    mapping: &'a Mapping,
    context: &'a Context<'a>,
    known: Known,
    writers: &'a Writers,
    /// Records that earlier rows begin or change, and which.
    planned: HashMap<RecordId, u64>,
    checked: Checked,
}

/// What one row comes to.
enum Outcome {
    Same,
    Deed(Deed),
    /// A record is changed in part: of some fields both the file and people here have something new.
    Partly(Option<Deed>, Vec<String>),
}

impl Checker<'_> {
    fn row(&mut self, row: &Row) -> Result<(), Failure> {
        let origin = self.occurrences.origin(row);
        let edits = match self.cells.edits(row) {
            Ok(edits) => edits,
            Err(problems) => {
                let mut failures = problems.iter().map(|problem| &problem.failure);
                if let Some(fault) = failures.find(|failure| !is_about_the_row(failure)) {
                    return Err(fault.clone());
                }
                self.checked.report.refused += 1;
                self.checked.report.problems.extend(problems);
                return Ok(());
            }
        };
        match self.judge(row, origin, &edits) {
            Ok(outcome) => self.note(row, outcome, &edits),
            Err(failure) if is_about_the_row(&failure) => {
                self.checked.report.refused += 1;
                self.problem(row, None, failure);
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    fn note(&mut self, row: &Row, outcome: Outcome, edits: &[FieldEdit]) {
        match outcome {
            Outcome::Same => self.checked.report.same += 1,
            Outcome::Deed(deed) => self.plan(row, deed, edits),
            Outcome::Partly(deed, fields) => {
                match deed {
                    Some(deed) => self.plan(row, deed, edits),
                    None => self.checked.report.same += 1,
                }
                for field in fields {
                    self.checked.report.kept += 1;
                    let column = self.cells.column_of(&field).map(str::to_owned);
                    let failure = Failure::new(Exit::BadFile, "err.import.changed_here");
                    self.problem(row, column, failure);
                }
            }
        }
    }

    fn plan(&mut self, row: &Row, deed: Deed, edits: &[FieldEdit]) {
        let report = &mut self.checked.report;
        match &deed {
            Deed::Begin { .. } => {
                report.new += 1;
                if report.examples.len() < EXAMPLES_MAX {
                    let fields = edits.iter().filter_map(|edit| {
                        Some((edit.field.clone(), edit.value.value()?.to_json()))
                    });
                    report.examples.push(Example {
                        row: row.row,
                        fields: fields.collect(),
                    });
                }
            }
            Deed::Change { .. } => report.changed += 1,
        }
        self.checked.work.push(Work {
            row: row.row,
            line: row.line,
            deed,
        });
    }

    fn problem(&mut self, row: &Row, column: Option<String>, failure: Failure) {
        self.checked.report.problems.push(Problem {
            row: row.row,
            line: row.line,
            column,
            typed: None,
            failure,
        });
    }

    fn judge(
        &mut self,
        row: &Row,
        origin: Origin,
        edits: &[FieldEdit],
    ) -> Result<Outcome, Failure> {
        let own = self.cells.own_record(row);
        if let Some(found) = own.and_then(|record| self.known.row(&record)) {
            let found = found.clone();
            let mut edits = edits.to_vec();
            edits.extend(self.clearing(row, &found)?);
            return self.changed(row, &found, &edits, true);
        }
        let erased = self.context.replica.roster().erasures().records();
        if own.is_some_and(|own| erased.iter().any(|(record, _)| *record == own)) {
            return Err(ReplicaError::RecordErased.into());
        }
        let space = self.space(row)?;
        let key = self.context.kind.natural_key();
        let key = key.map(|field| key_in(edits, field));
        let found = self
            .known
            .find(self.context, self.writers, &space, key, &origin)?;
        match found {
            find::Found::Nowhere(record) => self.begun(row, space, record, origin, edits),
            find::Found::Erased => Err(ReplicaError::RecordErased.into()),
            find::Found::Here(found) => self.changed(row, &found, edits, false),
        }
    }

    /// What a row of ours empties: the cell is there, and nothing is in it.
    fn clearing(&self, row: &Row, found: &ViewRow) -> Result<Vec<FieldEdit>, Failure> {
        let now = found.values();
        let emptied = self.cells.emptied(row).into_iter();
        let emptied = emptied.filter(|field| compare::has_value(&now, field.name()));
        let cleared = emptied.map(|field| {
            let cleared = self.context.kind.parse_edit(field.name(), "");
            cleared.map_err(|_| {
                let stays = Failure::new(Exit::BadFile, "err.import.not_emptied");
                stays.with("field", field.name())
            })
        });
        cleared.collect()
    }

    /// Refuses a row whose record an earlier one begins or changes.
    fn plan_once(&mut self, record: RecordId, row: &Row) -> Result<(), Failure> {
        match self.planned.insert(record, row.row) {
            Some(before) => {
                let twice = Failure::new(Exit::BadFile, "err.import.twice");
                Err(twice.with("row", before))
            }
            None => Ok(()),
        }
    }

    fn begun(
        &mut self,
        row: &Row,
        space: LaneId,
        record: RecordId,
        origin: Origin,
        edits: &[FieldEdit],
    ) -> Result<Outcome, Failure> {
        let kind = self.context.kind;
        self.plan_once(record, row)?;
        let role = self.context.replica.role_to_create(kind.name(), space)?;
        kind.check_complete(edits)?;
        if let Some(state) = state_in(kind, edits) {
            let checked = kind.check_first(state, Mover::of(role, true, edits));
            checked.map_err(|error| of_kind(kind, error))?;
        }
        Ok(Outcome::Deed(Deed::Begin {
            space,
            import: Import {
                origin,
                edits: edits.to_vec(),
            },
        }))
    }

    /// What a row changes in a record that is there.
    fn changed(
        &mut self,
        row: &Row,
        found: &ViewRow,
        edits: &[FieldEdit],
        is_own: bool,
    ) -> Result<Outcome, Failure> {
        let kind = self.context.kind;
        self.plan_once(found.record, row)?;
        let now = found.values();
        let differing: Vec<&FieldEdit> = edits
            .iter()
            .filter(|edit| kind.natural_key() != Some(edit.field.as_str()) || is_own)
            .filter(|edit| compare::differs(&now, edit))
            .collect();
        if differing.is_empty() {
            return Ok(Outcome::Same);
        }
        let (wanted, kept) = if is_own {
            if self.cells.is_stale(row, found) {
                return Err(Failure::new(Exit::BadFile, "err.import.stale"));
            }
            (differing.into_iter().cloned().collect(), Vec::new())
        } else {
            let history = self.context.replica.history(found.record)?;
            match compare::against_beginning(kind, &history, &now, edits, &differing) {
                Difference::AnotherRecord => {
                    let another = Failure::new(Exit::BadFile, "err.import.another_title");
                    return Err(another.with("id", found.record.short()));
                }
                Difference::Fields { wanted, kept } => (wanted, kept),
            }
        };
        if wanted.is_empty() {
            return Ok(if kept.is_empty() {
                Outcome::Same
            } else {
                Outcome::Partly(None, kept)
            });
        }
        self.check_change(found, &now, &wanted)?;
        let deed = Deed::Change {
            record: found.record,
            edits: wanted,
        };
        Ok(if kept.is_empty() {
            Outcome::Deed(deed)
        } else {
            Outcome::Partly(Some(deed), kept)
        })
    }

    fn check_change(
        &self,
        found: &ViewRow,
        now: &serde_json::Value,
        edits: &[FieldEdit],
    ) -> Result<(), Failure> {
        let (kind, replica) = (self.context.kind, self.context.replica);
        let role = replica.role_to_edit(found)?;
        if let Some(state) = state_in(kind, edits) {
            let now = now.get(STATE_FIELD).and_then(serde_json::Value::as_str);
            let now: Vec<&str> = now.into_iter().collect();
            let is_own = replica.is_ours(&found.created_by);
            let checked = kind.check_move(&now, state, Mover::of(role, is_own, edits));
            checked.map_err(|error| of_kind(kind, error))?;
        }
        Ok(())
    }

    fn space(&self, row: &Row) -> Result<LaneId, Failure> {
        if let Some(space) = self.context.space {
            return Ok(space);
        }
        let named = self.cells.space(row).or(self.mapping.space.as_deref());
        let named = named.ok_or_else(|| Failure::new(Exit::Usage, "err.import.no_space"))?;
        let name = crate::values::space_name(named);
        Ok(self.context.replica.find_space(&name)?)
    }
}

/// Whether the other rows may fit all the same.
pub(super) fn is_about_the_row(failure: &Failure) -> bool {
    matches!(
        failure.exit(),
        Exit::Unknown | Exit::NotAllowed | Exit::BadFile | Exit::Usage
    )
}

fn key_in<'e>(edits: &'e [FieldEdit], field: &str) -> &'e str {
    let edit = edits.iter().find(|edit| edit.field == field);
    match edit.map(|edit| &edit.value) {
        Some(Edit::Set(Value::Text(text))) => text,
        Some(_) | None => "",
    }
}

fn state_in<'e>(kind: &Kind, edits: &'e [FieldEdit]) -> Option<&'e str> {
    let edit = edits.iter().find(|edit| kind.is_state(&edit.field))?;
    match &edit.value {
        Edit::Set(Value::Text(state)) => Some(state),
        Edit::Set(_) | Edit::Add(_) | Edit::Remove(_) | Edit::Item(_) => None,
    }
}

fn of_kind(kind: &Kind, error: sync_core::schema::StateError) -> Failure {
    let kind = kind.name().to_owned();
    ReplicaError::State { kind, error }.into()
}

#[cfg(test)]
mod tests;
