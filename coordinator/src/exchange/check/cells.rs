//! From the cells of a row to typed edits.

use std::collections::BTreeMap;

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use sync_core::id::{LaneId, RecordId};
use sync_core::replica::{Origin, Replica, ReplicaError, natural_record};
use sync_core::schema::{Field, FieldEdit, FieldError, FieldType, Kind, narrow};
use sync_core::store::ViewRow;

use super::find::Writers;
use super::{Context, Problem};
use crate::exchange::export::utc;
use crate::exchange::mapping::Mapping;
use crate::exchange::names;
use crate::exchange::sheet::{Row, Sheet, Source, shown, words_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::values;

/// Days of workbooks that count, from 1954 to 2119: a smaller number is hardly meant to be one.
const SERIAL_MIN: f64 = 20_000.0;
const SERIAL_MAX: f64 = 80_000.0;

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
        let plain = match field.ty() {
            FieldType::Date => moment(typed, self.zone)
                .or_else(|| self.numbered(typed))
                .map(|at| at.date().to_string())
                .or_else(|| Some(clock_of(typed)?.0)),
            FieldType::Time => moment(typed, self.zone)
                .or_else(|| self.numbered(typed))
                .map(|at| at.strftime("%Y-%m-%d %H:%M").to_string())
                .or_else(|| clock_of(typed).map(|(day, clock)| format!("{day} {clock}"))),
            FieldType::Flag => flag(typed),
            FieldType::Number => number(typed),
            FieldType::Minutes => minutes(typed),
            FieldType::Point { .. } => place(typed),
            FieldType::Link(kinds) => self.linked(kinds, typed)?,
            FieldType::Choice(_)
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

    /// A day that a workbook holds as its number, because its column is not formatted as days.
    fn numbered(&self, typed: &str) -> Option<DateTime> {
        let days: f64 = typed.trim().parse().ok().filter(|_| self.is_workbook)?;
        if !(SERIAL_MIN..SERIAL_MAX).contains(&days) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "between two days of this century and the last"
        )]
        let minutes = (days * 24.0 * 60.0).round() as i64;
        date(1899, 12, 30)
            .at(0, 0, 0, 0)
            .checked_add(minutes.minutes())
            .ok()
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

/// A moment as programs write it. With a `Z` it is taken to this zone; with an offset it is already the
/// clock on the wall where it was written.
fn moment(typed: &str, zone: &TimeZone) -> Option<DateTime> {
    let typed = typed.trim();
    if !typed.contains('T') {
        return None;
    }
    if typed.ends_with(['Z', 'z']) {
        let at: Timestamp = typed.parse().ok()?;
        return Some(at.to_zoned(zone.clone()).datetime());
    }
    let (day, clock) = typed.split_once('T')?;
    let clock = clock.split(['+', '-']).next().unwrap_or(clock);
    format!("{day}T{clock}").parse().ok()
}

/// A day with a time after it, as office programs write both: `2026/3/4 9:05:00`.
fn clock_of(typed: &str) -> Option<(String, String)> {
    let (day, clock) = typed.trim().split_once([' ', '\u{a0}'])?;
    let mut parts = clock.trim().split([':', '：']);
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next());
    let number = |text: &str| text.parse::<u8>().ok();
    let is_second = second.is_none_or(|text| {
        let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
        number(whole).is_some_and(|second| second < 61)
    });
    let (hour, minute) = (number(hour)?, number(minute)?);
    if !is_second || parts.next().is_some() || hour > 23 || minute > 59 {
        return None;
    }
    Some((day.to_owned(), format!("{hour:02}:{minute:02}")))
}

/// What tables put for yes and no.
fn flag(typed: &str) -> Option<String> {
    let word = typed.trim().to_lowercase();
    let is = |words: &[&str]| words.contains(&word.as_str());
    if is(&["1", "1.0", "y", "t", "有", "√", "✓", "✔", "对"]) {
        Some("yes".to_owned())
    } else if is(&["0", "0.0", "n", "f", "无", "没有", "×", "✗"]) {
        Some("no".to_owned())
    } else {
        None
    }
}

/// A whole number as office programs write it: `3.0`, `1,200`, `３`.
fn number(typed: &str) -> Option<String> {
    let plain: String = typed.trim().chars().map(narrow).collect();
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    if !rest.bytes().all(|digit| digit == b'0') {
        return None;
    }
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let mut rest = groups.clone();
    let is_grouped = rest.all(|group| group.len() == 3)
        && (1..=3).contains(&first.trim_start_matches('-').len());
    if groups.next().is_some() && !is_grouped {
        return None;
    }
    Some(whole.replace(',', ""))
}

/// Minutes without the zeros that a number gets, and with the colon of either keyboard.
fn minutes(typed: &str) -> Option<String> {
    let plain: String = typed.trim().chars().map(narrow).collect();
    let parts: Vec<&str> = plain.split(':').collect();
    match parts.as_slice() {
        [hours, minutes, "00"] => Some(format!("{hours}:{minutes}")),
        [_] => number(&plain),
        _other => Some(plain),
    }
}

/// `lat lon altitude accuracy`, as forms write a place, or `[lat, lon]`.
fn place(typed: &str) -> Option<String> {
    let bare = typed.trim().trim_start_matches('[').trim_end_matches(']');
    let parts: Vec<&str> = bare
        .split([',', '，', ' ', '\t'])
        .filter(|part| !part.is_empty())
        .collect();
    match parts.as_slice() {
        [latitude, longitude, ..] if parts.len() <= 4 => Some(format!("{latitude}, {longitude}")),
        _other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_the_day_on_the_wall() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let day = |typed: &str| moment(typed, &zone).map(|at| at.to_string());
        assert_eq!(
            day("2026-03-04T20:30:00.000Z").as_deref(),
            Some("2026-03-05T04:30:00")
        );
        assert_eq!(
            day("2026-03-04T23:30:00+08:00").as_deref(),
            Some("2026-03-04T23:30:00")
        );
        assert_eq!(
            day("2026-03-04T09:12:33").as_deref(),
            Some("2026-03-04T09:12:33")
        );
        assert_eq!(day("2026-03-04"), None);
        assert_eq!(day("Tuesday"), None);
    }

    #[test]
    fn what_office_programs_write_becomes_the_one_form() {
        let clock = |typed: &str| clock_of(typed).map(|(day, clock)| format!("{day}|{clock}"));
        assert_eq!(clock("2026/3/4 9:05:00").as_deref(), Some("2026/3/4|09:05"));
        assert_eq!(
            clock("2026-03-04 00:00:00.000").as_deref(),
            Some("2026-03-04|00:00")
        );
        for typed in ["2026-03-04", "2026-03-04 25:00", "2026-03-04 soon", "a b c"] {
            assert_eq!(clock(typed), None, "{typed}");
        }
        for (typed, whole) in [
            ("3.0", "3"),
            ("1,200", "1200"),
            ("３", "3"),
            ("-7", "-7"),
            ("12,345,678.00", "12345678"),
        ] {
            assert_eq!(number(typed).as_deref(), Some(whole));
        }
        for typed in ["3.5", "1,20", "1,2,3"] {
            assert_eq!(number(typed), None, "{typed}");
        }
        assert_eq!(minutes("1：30").as_deref(), Some("1:30"));
        assert_eq!(minutes("1:30:00").as_deref(), Some("1:30"));
        assert_eq!(minutes("45.0").as_deref(), Some("45"));
        assert_eq!(
            (flag("1"), flag(" 无 "), flag("maybe")),
            (Some("yes".into()), Some("no".into()), None)
        );
    }

    #[test]
    fn places_of_forms_are_understood() {
        assert_eq!(
            place("23.02 113.12 0.0 5").as_deref(),
            Some("23.02, 113.12")
        );
        assert_eq!(place("[23.02, 113.12]").as_deref(), Some("23.02, 113.12"));
        assert_eq!(place("23.02"), None);
        assert_eq!(place("1 2 3 4 5"), None);
    }
}
