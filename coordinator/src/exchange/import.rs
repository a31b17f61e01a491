//! An import in three steps, of bytes that came from anywhere: what is in the file ([`survey`]), what it
//! would do ([`plan`]), and doing it ([`apply()`]).
//!
//! The command line and the console both go this way. A survey needs no store and may wait between two
//! pages; a plan is about the records as they were when it was made, so it is made anew before it is done.

mod columns;

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use sync_core::id::LaneId;
use sync_core::replica::{Moment, Replica};
use sync_core::schema::{FieldError, Kind, Schema};

use super::apply::{self, Applied};
use super::check::{Context, Report, Work, check};
use super::mapping::{Mapping, Suggested, suggest};
use super::sheet::{Sheet, Source, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;
use crate::values;

pub(crate) use columns::{Column, Word};

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
    /// Columns that no field takes and that are not the source's own.
    unknown: Vec<String>,
    /// Somebody has looked through the mapping.
    is_settled: bool,
    /// Words that somebody was asked about: the column's place, and what stands in it.
    asked: BTreeSet<(usize, String)>,
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
        unknown: suggested.unknown,
        is_settled: wanted.mapping.is_some(),
        asked: BTreeSet::new(),
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
    values::kind(schema, named)
}

/// Of several tables the one of this kind, or the only one that holds whole forms.
fn sheet_of(schema: &Schema, sheets: Vec<Sheet>, kind: &Kind) -> Result<Sheet, Failure> {
    let is_called = |sheet: &Sheet| {
        let called = values::kind(schema, &sheet.name).ok();
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
        let mut left_out = self.unknown.clone();
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

    /// Takes off what is done first, so that others have their turn between two pieces.
    pub(crate) fn take_piece(&mut self) -> Option<Self> {
        let piece = apply::PIECE.min(self.work.len());
        let piece: Vec<Work> = self.work.drain(..piece).collect();
        (!piece.is_empty()).then(|| Self {
            report: Report::default(),
            kind: self.kind.clone(),
            work: piece,
        })
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
