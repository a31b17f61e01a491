//! From text to rows of edits, with the line of every row that does not fit.

use csv::{ReaderBuilder, StringRecord};
use sync_core::schema::{Field, FieldEdit, FieldError, Kind};

use super::ROWS_MAX;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::values;

/// Characters that office programs put between columns, the likeliest first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// The rows of a file.
#[derive(Debug)]
pub(super) struct Rows {
    /// Those that fit, in their order.
    pub(super) good: Vec<Vec<FieldEdit>>,
    /// Those that do not.
    pub(super) bad: Vec<BadRow>,
}

/// A row that does not fit.
#[derive(Debug)]
pub(super) struct BadRow {
    /// Line on which it begins, counted from 1.
    pub(super) line: u64,
    /// Why.
    pub(super) failure: Failure,
}

/// Reads all rows. The first row names the fields, by name or by label in either language.
pub(super) fn read(text: &str, kind: &Kind, lookup: Lookup<'_>) -> Result<Rows, Failure> {
    refuse_open_quote(text)?;
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let bad_csv = |error: csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        Failure::new(Exit::BadFile, "err.import.csv").with("line", line)
    };
    let columns = columns(reader.headers().map_err(bad_csv)?, kind)?;
    let mut rows = Rows {
        good: Vec::new(),
        bad: Vec::new(),
    };
    let mut lines = Lines {
        text,
        offset: 0,
        line: 1,
    };
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(bad_csv)? {
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if rows.good.len() + rows.bad.len() == ROWS_MAX {
            return Err(Failure::new(Exit::BadFile, "err.import.too_many").with("n", ROWS_MAX));
        }
        match row(&record, &columns, kind, lookup) {
            Ok(edits) => rows.good.push(edits),
            Err(failure) => {
                let start = record.position().map_or(0, csv::Position::byte);
                rows.bad.push(BadRow {
                    line: lines.of(start),
                    failure,
                });
            }
        }
    }
    Ok(rows)
}

/// Line numbers of rising positions.
struct Lines<'t> {
    text: &'t str,
    offset: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first row at or after a position: empty lines before a row are not the row's.
    fn of(&mut self, start: u64) -> u64 {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.offset) {
            if self.offset >= start && !matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.line += u64::from(*byte == b'\n');
            self.offset += 1;
        }
        self.line
    }
}

fn columns<'k>(header: &StringRecord, kind: &'k Kind) -> Result<Vec<&'k Field>, Failure> {
    let names: Vec<&str> = header.iter().map(str::trim).collect();
    // A column without a name is one that a trailing comma makes; cells in it are refused below.
    let end = names
        .iter()
        .rposition(|name| !name.is_empty())
        .map_or(0, |last| last + 1);
    if end == 0 {
        return Err(Failure::new(Exit::BadFile, "err.import.empty"));
    }
    let mut columns: Vec<&Field> = Vec::with_capacity(end);
    for name in names.into_iter().take(end) {
        let Some(field) = values::field(kind, name) else {
            return Err(kind.unknown_field(name).into());
        };
        if columns.iter().any(|known| known.name() == field.name()) {
            return Err(FieldError::Twice {
                field: field.name().to_owned(),
            }
            .into());
        }
        columns.push(field);
    }
    Ok(columns)
}

fn row(
    record: &StringRecord,
    columns: &[&Field],
    kind: &Kind,
    lookup: Lookup<'_>,
) -> Result<Vec<FieldEdit>, Failure> {
    let mut edits = Vec::with_capacity(columns.len());
    for (position, cell) in record.iter().enumerate() {
        if cell.trim().is_empty() {
            continue;
        }
        let Some(field) = columns.get(position) else {
            return Err(Failure::new(Exit::BadFile, "err.import.cells").with("n", columns.len()));
        };
        edits.push(values::edit(kind, field, cell, lookup)?);
    }
    kind.check_complete(&edits)?;
    Ok(edits)
}

/// The delimiter that the first line has most of, outside quotes.
fn delimiter(text: &str) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut is_quoted = false;
    for byte in text.bytes() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            _ if is_quoted => {}
            byte => {
                for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
                    *count += usize::from(byte == delimiter);
                }
            }
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    let found = counts.iter().position(|count| *count == most);
    found
        .and_then(|position| DELIMITERS.get(position))
        .copied()
        .unwrap_or(b',')
}

/// A file that was cut off inside a quoted cell would be read as one long cell.
fn refuse_open_quote(text: &str) -> Result<(), Failure> {
    let delimiter = delimiter(text);
    let (mut line, mut opened, mut is_start) = (1_u64, None, true);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        line += u64::from(byte == b'\n');
        match (opened, byte) {
            (Some(_), b'"') if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (Some(_), b'"') => opened = None,
            (Some(_), _) => {}
            (None, b'"') if is_start => opened = Some(line),
            (None, _) => {}
        }
        is_start = opened.is_none() && (byte == delimiter || matches!(byte, b'\n' | b'\r'));
    }
    match opened {
        Some(line) => Err(Failure::new(Exit::BadFile, "err.import.open_quote").with("line", line)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use sync_core::schema::Schema;

    use super::*;

    fn visits(text: &str) -> Result<Rows, Failure> {
        read(
            text,
            Schema::station().kind("visit").unwrap(),
            Lookup::default(),
        )
    }

    fn bad_lines(text: &str) -> Vec<u64> {
        visits(text)
            .unwrap()
            .bad
            .iter()
            .map(|row| row.line)
            .collect()
    }

    #[test]
    fn header_takes_names_and_labels_and_any_delimiter() {
        for text in [
            "household,date,purpose\nA,2026-03-04,health\n",
            "住户;走访日期;走访目的\nA;2026/3/4;健康随访\n",
            "Household\tDate\tPurpose\r\nA\t2026-03-04\tHealth\r\n",
        ] {
            let rows = visits(text).unwrap();
            assert_eq!((rows.good.len(), rows.bad.len()), (1, 0), "{text}");
        }
    }

    #[test]
    fn bad_rows_are_named_by_the_line_they_begin_on() {
        let text = "household,date,purpose,findings\n\
                    A,2026-03-04,health,\"two\nlines\"\n\
                    \n\
                    B,yesterday,health,\n\
                    \"C\",2026-03-04,\"heal\nth\",\n\
                    ,2026-03-04,health,x\n";
        assert_eq!(bad_lines(text), [5, 6, 8]);
        assert_eq!(bad_lines(&text.replace('\n', "\r\n")), [5, 6, 8]);
        assert_eq!(visits(text).unwrap().good.len(), 1);
    }

    #[test]
    fn empty_cells_are_left_out() {
        let rows = visits("household,date,purpose,mood,\nA,2026-03-04,health,,\n").unwrap();
        assert_eq!(rows.good[0].len(), 3);
        assert_eq!(
            bad_lines("household,date,purpose\nA,2026-03-04,health,more\n"),
            [2]
        );
    }

    #[test]
    fn unknown_and_repeated_columns_refuse_the_file() {
        assert_eq!(
            visits("household,colour\nA,red\n").unwrap_err().exit(),
            Exit::Unknown
        );
        assert_eq!(
            visits("household,住户\nA,B\n").unwrap_err().exit(),
            Exit::Unknown
        );
        assert_eq!(visits("").unwrap_err().exit(), Exit::BadFile);
    }

    #[test]
    fn file_cut_off_inside_quotes_is_refused_with_the_line() {
        let failure = visits("household,date,purpose\nA,\"2026").unwrap_err();
        assert!(
            format!("{failure:?}").contains("\"line\", \"2\""),
            "{failure:?}"
        );
        assert!(visits("household,date,purpose\nA 5\" pipe,2026-03-04,health\n").is_ok());
    }
}
