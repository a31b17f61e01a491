//! An import in three steps, of bytes that came from anywhere: what is in the file ([`survey`]), what it
//! would do ([`plan`]), and doing it ([`apply`]).
//!
//! The command line and the console both go this way. A survey needs no store and may wait between two
//! pages; a plan is about the records as they were when it was made, so it is made anew before it is done.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use sync_core::id::LaneId;
use sync_core::replica::{Moment, Replica};
use sync_core::schema::{Field, FieldError, Kind, Schema};

use super::apply::{self, Applied};
use super::check::{Context, Report, Work, check};
use super::mapping::{Mapping, Suggested, suggest, values_of};
use super::sheet::{self, Sheet, Source, is_of_the_source, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;
use crate::values;

/// So many values of a column are shown, and so many letters of each.
const SAMPLES_MAX: usize = 3;
const SAMPLE_CHARS_MAX: usize = 40;
/// So many rows are looked through for them.
const SAMPLED_ROWS_MAX: usize = 1_000;

/// What is known of a file before anybody looks into it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted<'w> {
    /// The kind, by name or label; else the file or the mapping must say it.
    pub(crate) kind: Option<&'w str>,
    /// The table, by name, where there are several.
    pub(crate) sheet: Option<&'w str>,
    /// A mapping that somebody has looked through; else one is suggested.
    pub(crate) mapping: Option<&'w Mapping>,
}

/// A table of a file, and what its columns are taken for.
#[derive(Debug, Clone)]
pub(crate) struct Survey {
    pub(crate) kind: Kind,
    pub(crate) sheet: Sheet,
    pub(crate) mapping: Mapping,
    /// A field that two columns certainly are; the first of them has it.
    twice: Option<String>,
    /// Somebody has looked through the mapping.
    is_settled: bool,
}

/// A column as somebody is shown it, who says what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// As the file calls it.
    pub(crate) name: String,
    /// Some different values, cut if they are long. They may be about residents.
    pub(crate) samples: Vec<String>,
    /// The field, by name.
    pub(crate) field: Option<String>,
    /// The field is only likely.
    pub(crate) is_guess: bool,
    /// No field takes it, and none is missed: the other program's own.
    pub(crate) is_of_the_source: bool,
    /// Words that are none of the field's choices and resemble none: their rows do not fit until
    /// somebody says what they mean.
    pub(crate) unclear: Vec<String>,
}

/// What an import would do, and the work that does it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) report: Report,
    kind: String,
    work: Vec<Work>,
}

/// What becomes of rows that do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfits {
    /// One of them, and nothing is imported.
    Refuse,
    /// They are left out, because somebody who saw them said so.
    Skip,
}

/// Reads a file and says what its columns probably are. `name` is the file's, for what its content does
/// not tell; nothing is read from there.
///
/// Fails with [`Exit::BadFile`] if it is no table, with [`Exit::Usage`] if nothing says the kind, and with
/// [`Exit::Unknown`] if no table of it has that kind or the mapping does not fit.
pub(crate) fn survey(
    bytes: &[u8],
    name: &str,
    schema: &Schema,
    wanted: Wanted<'_>,
) -> Result<Survey, Failure> {
    let mut sheets = parse(bytes, name)?;
    if let Some(only) = wanted.sheet {
        let names = names_of(&sheets);
        sheets.retain(|sheet| sheet.name == only);
        if sheets.is_empty() {
            let none = Failure::new(Exit::Unknown, "err.import.other_sheet");
            return Err(none.with("sheet", only).with("sheets", names));
        }
    }
    let kind = kind_of(schema, wanted, &sheets)?;
    let sheet = sheet_of(schema, sheets, kind)?;
    let suggested = wanted.mapping.map_or_else(
        || suggest(&sheet, kind),
        |mapping| Suggested {
            mapping: mapping.clone(),
            unknown: Vec::new(),
            twice: None,
        },
    );
    let survey = Survey {
        kind: kind.clone(),
        mapping: suggested.mapping,
        twice: suggested.twice,
        is_settled: wanted.mapping.is_some(),
        sheet,
    };
    if survey.is_settled {
        survey.mapping.check(&survey.sheet, &survey.kind)?;
    }
    Ok(survey)
}

/// The kind that was named, or that the file or its mapping says.
fn kind_of<'s>(
    schema: &'s Schema,
    wanted: Wanted<'_>,
    sheets: &[Sheet],
) -> Result<&'s Kind, Failure> {
    let own: BTreeSet<&str> = sheets.iter().filter_map(Sheet::own_kind).collect();
    let only = own.first().copied().filter(|_| own.len() == 1);
    let mapped = wanted.mapping.map(|mapping| mapping.kind.as_str());
    let named = wanted.kind.or(mapped).or(only);
    let named = named.ok_or_else(|| Failure::new(Exit::Usage, "err.import.no_kind"))?;
    values::kind_in(schema, named)
}

/// Of several tables the one of this kind, or the only one that holds whole forms.
fn sheet_of(schema: &Schema, sheets: Vec<Sheet>, kind: &Kind) -> Result<Sheet, Failure> {
    let is_called = |sheet: &Sheet| {
        let called = values::kind_in(schema, &sheet.name).ok();
        called.is_some_and(|called| called.name() == kind.name())
    };
    let is_own = |sheet: &Sheet| sheet.own_kind() == Some(kind.name());
    let none = Failure::new(Exit::Unknown, "err.import.no_sheet")
        .with("sheets", names_of(&sheets))
        .with("a_kind", format!("a {}", kind.name()));
    let is_form = |sheet: &Sheet| sheet.source != Source::Own && !sheet.is_repeat();
    let is_other = |sheet: &Sheet| sheet.source != Source::Own;
    let only = |is: &dyn Fn(&Sheet) -> bool| {
        let mut found = (0..).zip(&sheets).filter(|(_, sheet)| is(sheet));
        let first = found.next().map(|(position, _)| position);
        first.filter(|_| found.next().is_none())
    };
    let position = sheets
        .iter()
        .position(is_own)
        .or_else(|| sheets.iter().position(is_called))
        .or_else(|| only(&is_form))
        .or_else(|| only(&is_other));
    let found = position.and_then(|position| sheets.into_iter().nth(position));
    found.ok_or(none)
}

fn names_of(sheets: &[Sheet]) -> String {
    let names: Vec<&str> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    names.join(", ")
}

impl Survey {
    /// The columns, in the order of the mapping.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let columns = self.mapping.columns.iter().map(|column| {
            let unclear = column.values.iter().filter(|(_, meant)| meant.is_empty());
            Column {
                name: column.column.clone(),
                samples: self.samples(&column.column),
                field: column.field.clone(),
                is_guess: column.guess,
                is_of_the_source: is_of_the_source(self.sheet.source, &column.column),
                unclear: unclear.map(|(word, _)| word.clone()).collect(),
            }
        });
        columns.collect()
    }

    fn samples(&self, column: &str) -> Vec<String> {
        let Some(position) = self.position(column) else {
            return Vec::new();
        };
        let mut samples: Vec<String> = Vec::new();
        for row in self.sheet.rows.iter().take(SAMPLED_ROWS_MAX) {
            let sample: String = sheet::shown(row.cell(position))
                .chars()
                .take(SAMPLE_CHARS_MAX)
                .collect();
            if !sample.is_empty() && !samples.contains(&sample) {
                samples.push(sample);
            }
            if samples.len() == SAMPLES_MAX {
                break;
            }
        }
        samples
    }

    fn position(&self, column: &str) -> Option<usize> {
        let mut columns = self.sheet.columns.iter();
        columns.position(|known| known == column)
    }

    /// Says what a column is, by its place among [`Survey::columns`]; nothing leaves it out. The field
    /// moves here from another column that had it.
    pub(crate) fn assign(&mut self, column: usize, field: Option<&str>) -> Result<(), Failure> {
        let known = |name: &str| {
            let field = self.kind.field(name);
            field.ok_or_else(|| Failure::from(self.kind.unknown_field(name)))
        };
        let field = field.map(known).transpose()?.cloned();
        let name = field.as_ref().map(Field::name);
        let named = self.mapping.columns.get(column);
        let position = named.and_then(|named| self.position(&named.column));
        let values = position.zip(field.as_ref());
        let values = values.map(|(position, field)| values_of(&self.sheet, position, field));
        for (other, mapped) in self.mapping.columns.iter_mut().enumerate() {
            if other == column {
                // What somebody has said of its values stays, if it is still the same field.
                if mapped.field.as_deref() != name {
                    mapped.values = values.clone().unwrap_or_default();
                }
                mapped.field = name.map(str::to_owned);
                mapped.guess = false;
            } else if name.is_some() && mapped.field.as_deref() == name {
                mapped.field = None;
                mapped.values.clear();
            }
        }
        self.is_settled = true;
        Ok(())
    }

    /// Makes do without anybody who looks at the columns, and gives those that are left out. What is only
    /// likely is never done then; in a table that a person made, a column that nobody knows may be a slip
    /// of the pen, and refuses the file.
    pub(crate) fn settle(&mut self, text: &Text) -> Result<Vec<String>, Failure> {
        if self.is_settled {
            return Ok(Vec::new());
        }
        if let Some(field) = self.twice.clone() {
            return Err(FieldError::Twice { field }.into());
        }
        let is_strict = matches!(self.sheet.source, Source::Table | Source::Own);
        let mut left_out = suggest(&self.sheet, &self.kind).unknown;
        if let Some(column) = left_out.first().filter(|_| is_strict) {
            return Err(self.kind.unknown_field(column).into());
        }
        for column in &mut self.mapping.columns {
            let field = column.field.as_deref().filter(|_| column.guess);
            let Some(field) = field.and_then(|field| self.kind.field(field)) else {
                continue;
            };
            if is_strict {
                return Err(Failure::new(Exit::Unknown, "err.import.guess")
                    .with("column", &column.column)
                    .with("field", field.label(text.lang())));
            }
            left_out.push(column.column.clone());
            column.field = None;
        }
        self.is_settled = true;
        Ok(left_out)
    }
}

/// What an import would do; nothing is written. All rows go to `space`, or to the one that the mapping or
/// their own column names. `zone` is where moments of the file become days.
///
/// Fails with [`Exit::Usage`] if nothing says the space, with [`Exit::Unknown`] if the mapping does not fit
/// the file; rows that do not fit are in the report.
pub(crate) fn plan(
    survey: &Survey,
    replica: &Replica,
    space: Option<LaneId>,
    zone: TimeZone,
) -> Result<Plan, Failure> {
    let Survey {
        kind,
        sheet,
        mapping,
        ..
    } = survey;
    mapping.check(sheet, kind)?;
    let names_space = mapping.space.is_some() || mapping.space_column.is_some();
    if space.is_none() && !names_space {
        return Err(Failure::new(Exit::Usage, "err.import.no_space"));
    }
    let context = Context {
        replica,
        kind,
        space,
        zone,
    };
    let checked = check(sheet, mapping, &context)?;
    Ok(Plan {
        report: checked.report,
        kind: kind.name().to_owned(),
        work: checked.work,
    })
}

impl Plan {
    /// How many records it begins or changes.
    pub(crate) fn len(&self) -> usize {
        self.work.len()
    }
}

/// Does what a plan says. `progress` hears now and then how many records are done.
///
/// Fails before anything is written if rows do not fit and nobody said to leave them out; else as
/// [`apply::apply`].
pub(crate) fn apply(
    plan: &Plan,
    replica: &mut Replica,
    misfits: Misfits,
    moment: &mut Moment<'_>,
    progress: &mut dyn FnMut(usize),
) -> Result<Applied, Failure> {
    if plan.report.refused > 0 && misfits == Misfits::Refuse {
        let refused = Failure::new(Exit::BadFile, "err.import.misfits");
        return Err(refused.with("n", plan.report.refused));
    }
    apply::apply(replica, &plan.kind, &plan.work, moment, progress)
}

#[cfg(test)]
mod tests;
