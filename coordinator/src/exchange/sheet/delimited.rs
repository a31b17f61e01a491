//! Tables as text: cells between commas, semicolons or tabs.

use csv::{ReaderBuilder, StringRecord};

use super::{COLUMNS_MAX, ROWS_MAX, Row, Sheet, TITLES_MAX};
use crate::exit::Exit;
use crate::failure::Failure;

/// Characters that office programs put between columns, the likeliest first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Reads all rows; the first one that is not a title names the columns. Empty rows are passed over.
pub(super) fn read(text: &str, name: &str) -> Result<Sheet, Failure> {
    let (text, delimiter) = said_delimiter(text);
    refuse_open_quote(text, delimiter)?;
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let bad_csv = |error: csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        Failure::new(Exit::BadFile, "err.import.csv").with("line", line)
    };
    let mut lines = Lines {
        text,
        offset: 0,
        line: 1,
    };
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    // Rows are counted as office programs do: a line break in a cell makes none, an empty line does.
    let mut row = 0;
    while reader.read_record(&mut record).map_err(bad_csv)? {
        let start = record.position().map_or(0, csv::Position::byte);
        let (empty, line) = lines.to(start);
        row += empty + 1;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if rows.len() == ROWS_MAX + TITLES_MAX + 1 {
            return Err(super::too_many());
        }
        let cells = record.iter().take(COLUMNS_MAX + 1).map(str::to_owned);
        rows.push(Row {
            row,
            line: Some(line),
            cells: cells.collect(),
        });
    }
    super::with_headings(name, rows)
}

/// The text and what stands between its columns. Office programs may say it on a line of its own before
/// the table; that line becomes an empty one.
fn said_delimiter(text: &str) -> (&str, u8) {
    let said = text.get(..5).filter(|word| {
        word.eq_ignore_ascii_case("sep=,")
            || word.eq_ignore_ascii_case("sep=;")
            || word.eq_ignore_ascii_case("sep=\t")
    });
    let said = said.and_then(|word| word.bytes().last());
    match said.zip(text.get(5..).filter(|rest| rest.starts_with(['\r', '\n']))) {
        Some((delimiter, rest)) => (rest, delimiter),
        None => (text, delimiter(text)),
    }
}

/// Line numbers of rising positions.
struct Lines<'t> {
    text: &'t str,
    offset: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first row at or after a position, and how many empty lines are passed over before
    /// it: they are not the row's.
    fn to(&mut self, start: u64) -> (u64, u64) {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let bytes = self.text.as_bytes();
        // The end of the row before may still lie ahead; it makes no empty line.
        let before = start.checked_sub(1).and_then(|last| bytes.get(last));
        let is_ended = before.is_none_or(|byte| *byte == b'\n');
        let mut ends = 0_u64;
        while let Some(byte) = bytes.get(self.offset) {
            if self.offset >= start && !matches!(byte, b'\n' | b'\r') {
                break;
            }
            let is_end = u64::from(*byte == b'\n');
            self.line += is_end;
            ends += if self.offset >= start { is_end } else { 0 };
            self.offset += 1;
        }
        let empty = ends.saturating_sub(u64::from(!is_ended));
        (empty, self.line)
    }
}

/// The delimiter that the first lines have most of, outside quotes: a title above the table has none.
fn delimiter(text: &str) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let (mut is_quoted, mut lines) = (false, 0);
    for byte in text.bytes() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => {
                lines += 1;
                // The headings alone tell; below them there may be a comma in every sentence.
                if counts.iter().any(|count| *count > 0) || lines > TITLES_MAX {
                    break;
                }
            }
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
fn refuse_open_quote(text: &str, delimiter: u8) -> Result<(), Failure> {
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
    use super::*;

    fn table(text: &str) -> Sheet {
        read(text, "table").unwrap()
    }

    fn places(text: &str) -> Vec<(u64, Option<u64>)> {
        table(text)
            .rows
            .iter()
            .map(|row| (row.row, row.line))
            .collect()
    }

    #[test]
    fn any_delimiter_is_found() {
        for text in [
            "a,b\n1,2\n",
            "a;b\n1;2\n",
            "a\tb\r\n1\t2\r\n",
            "\"a,x\";b\n1;2\n",
        ] {
            let sheet = table(text);
            assert_eq!(sheet.columns.len(), 2, "{text}");
            assert_eq!(sheet.rows[0].cells, ["1", "2"], "{text}");
        }
    }

    #[test]
    fn rows_are_counted_as_office_programs_do_and_lines_as_editors_do() {
        let text = "a,b\n1,\"two\nlines\"\n\n3,x\n\"4\",\"y\nz\"\n5,\n";
        let expected = [(2, Some(2)), (4, Some(5)), (5, Some(6)), (6, Some(8))];
        assert_eq!(places(text), expected);
        assert_eq!(places(&text.replace('\n', "\r\n")), expected);
        assert_eq!(places("\n\na\n1\n"), [(4, Some(4))]);
    }

    #[test]
    fn titles_above_the_headings_are_passed_over() {
        for text in [
            "走访登记表,,\n2026年\n住户,日期,目的\nA,2026-03-04,x\n",
            "sep=;\r\n住户;日期;目的\r\nA;2026-03-04;x\r\n",
        ] {
            let sheet = table(text);
            assert_eq!(sheet.columns, ["住户", "日期", "目的"], "{text}");
            assert_eq!(sheet.rows.len(), 1);
        }
        assert_eq!(places("登记表,\na,b\n1,2\n"), [(3, Some(3))]);
        assert_eq!(places("sep=,\na,b\n1,2\n"), [(3, Some(3))]);
        // One column is a table too.
        assert_eq!(table("door\nA\nB\n").rows.len(), 2);
    }

    #[test]
    fn file_cut_off_inside_quotes_is_refused_with_the_line() {
        let failure = read("a,b\nA,\"2026", "t").unwrap_err();
        assert!(
            format!("{failure:?}").contains("\"line\", \"2\""),
            "{failure:?}"
        );
        assert!(read("a,b\nA 5\" pipe,2\n", "t").is_ok());
    }

    #[test]
    fn nothing_at_all_is_refused() {
        for text in ["", "\n", " ,\n"] {
            assert_eq!(read(text, "t").unwrap_err().exit(), Exit::BadFile);
        }
    }
}
