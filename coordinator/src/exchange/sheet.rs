//! Tables of other programs, whatever they come in: text, a workbook, a map, an archive of tables.
//!
//! What is read is one [`Sheet`] or several. Nothing is known of kinds and fields here.

mod archive;
mod book;
mod decode;
mod delimited;
mod map;
mod repeats;
mod survey;

pub(crate) use survey::{id_columns, is_of_the_source, time_columns};

use crate::exchange::names;
use crate::exit::Exit;
use crate::failure::Failure;

/// Largest file that is read, in bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most that an archive or workbook may hold once unpacked, in bytes.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most rows of one table.
pub(crate) const ROWS_MAX: usize = 100_000;
/// Most columns of one table.
pub(crate) const COLUMNS_MAX: usize = 1_000;

/// So many rows above the headings may be titles.
const TITLES_MAX: usize = 5;

/// Whose table it is, by its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Somebody's own.
    Table,
    /// Exported by us.
    Own,
    /// Submissions of ODK Central.
    Odk,
    /// Submissions of `KoboToolbox`.
    Kobo,
    /// Observations of `CoMapeo` or Mapeo.
    Comapeo,
    /// A map of another program.
    Map,
}

impl Source {
    /// The word in mappings and in the origins of records: never to be changed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Own => "banyan",
            Self::Odk => "odk",
            Self::Kobo => "kobo",
            Self::Comapeo => "comapeo",
            Self::Map => "map",
        }
    }

    /// Whether answers to several choices stand in one cell with spaces between them.
    pub(crate) fn is_survey(self) -> bool {
        matches!(self, Self::Odk | Self::Kobo)
    }
}

/// A table.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// What it is called in its file, or what the file is called.
    pub(crate) name: String,
    pub(crate) source: Source,
    /// What the columns are called: never twice the same.
    pub(crate) columns: Vec<String>,
    /// The columns that were put together from ticks and are nothing but answers to several choices.
    pub(crate) answers: Vec<String>,
    /// Features of a map that are lines or areas: of them the middle is taken.
    pub(crate) shapes: u64,
    pub(crate) rows: Vec<Row>,
}

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Counted from 1, as office programs show it; of a map, the feature.
    pub(crate) row: u64,
    /// The line on which it begins, of text.
    pub(crate) line: Option<u64>,
    /// In the order of the columns; there may be too few or too many.
    pub(crate) cells: Vec<String>,
}

impl Row {
    /// The cell of a column, without spaces around it; nothing if the row ends before.
    pub(crate) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.trim())
    }

    /// Whether anything stands beyond so many columns.
    pub(crate) fn has_more_than(&self, columns: usize) -> bool {
        let mut beyond = self.cells.iter().skip(columns);
        beyond.any(|cell| !cell.trim().is_empty())
    }
}

impl Sheet {
    fn new(name: &str, columns: Vec<String>, rows: Vec<Row>) -> Self {
        let source = survey::source_of(&columns);
        let mut sheet = Self {
            name: name.to_owned(),
            source,
            columns,
            answers: Vec::new(),
            shapes: 0,
            rows,
        };
        survey::fold(&mut sheet);
        sheet
    }

    /// The position of the first of these columns that is there.
    pub(crate) fn column(&self, names: &[&str]) -> Option<usize> {
        let find = |name: &&str| {
            let mut columns = self.columns.iter();
            columns.position(|column| plain(column) == *name || column == *name)
        };
        names.iter().find_map(find)
    }

    /// The kind that one of our own tables is of, by name.
    pub(crate) fn own_kind(&self) -> Option<&str> {
        let mut columns = self.columns.iter().map(|column| plain(column));
        let marked = columns.find_map(|name| name.strip_prefix(names::RECORD)?.strip_prefix(':'));
        marked.or_else(|| {
            let kind = self.column(&[names::KIND])?;
            self.rows.first().map(|row| row.cell(kind))
        })
    }
}

/// Ends each answer in a cell that was put together from ticks: no answer has it in it.
pub(crate) const WORD_END: &str = "\u{1f}";

/// What stands in a cell with several answers. Surveys put spaces between them.
pub(crate) fn words_of(cell: &str, is_survey: bool) -> Vec<&str> {
    let is_between = |c: char| {
        if cell.contains(WORD_END) {
            WORD_END.contains(c)
        } else {
            crate::values::SEPARATORS.contains(&c) || (is_survey && c.is_whitespace())
        }
    };
    let words = cell.split(is_between).map(str::trim);
    words.filter(|word| !word.is_empty()).collect()
}

/// A cell as it is shown.
pub(crate) fn shown(cell: &str) -> String {
    cell.trim_end_matches(WORD_END).replace(WORD_END, ", ")
}

/// The name of a column: of our own tables, the one in brackets.
pub(crate) fn plain(column: &str) -> &str {
    names::name_in(column).unwrap_or(column)
}

/// Reads a file. `name` is used for what the content does not tell.
pub(crate) fn parse(bytes: &[u8], name: &str) -> Result<Vec<Sheet>, Failure> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(too_large(FILE_BYTES_MAX));
    }
    let mut sheets = if archive::is_zip(bytes) {
        archive::read(bytes)?
    } else if book::is_old_workbook(bytes) {
        book::read(bytes)?
    } else {
        text(bytes, name)?
    };
    repeats::join(&mut sheets);
    Ok(sheets)
}

/// The tables of one text.
fn text(bytes: &[u8], name: &str) -> Result<Vec<Sheet>, Failure> {
    let stem = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let text = decode::decode(bytes)?;
    if text.trim_start().starts_with('{') {
        map::read(&text, stem)
    } else {
        Ok(vec![delimited::read(&text, stem)?])
    }
}

fn too_large(bytes: u64) -> Failure {
    let limit = bytes / (1024 * 1024);
    Failure::new(Exit::BadFile, "err.import.too_large").with("n", limit)
}

fn too_many() -> Failure {
    Failure::new(Exit::BadFile, "err.import.too_many").with("n", ROWS_MAX)
}

fn too_many_columns() -> Failure {
    Failure::new(Exit::BadFile, "err.import.too_many_columns").with("n", COLUMNS_MAX)
}

/// Which row names the columns: the first, but for titles above it, which stand alone in their rows.
fn heading_at(rows: &[Row]) -> usize {
    let filled = |row: &Row| {
        row.cells
            .iter()
            .filter(|cell| !cell.trim().is_empty())
            .count()
    };
    let widths: Vec<usize> = rows.iter().take(TITLES_MAX + 1).map(filled).collect();
    let first = widths.iter().position(|width| *width > 1);
    first.unwrap_or(0)
}

/// A table from its rows, the headings among them. A column without a name at the end is one that a
/// trailing comma makes; cells in it are refused with their row. Of columns that are called the same, the
/// second gets a number: nobody misses it unless a field is in both.
fn with_headings(name: &str, mut rows: Vec<Row>) -> Result<Sheet, Failure> {
    let heading = heading_at(&rows);
    let below = rows.split_off(rows.len().min(heading + 1));
    let mut columns: Vec<String> = rows.pop().map(|row| row.cells).unwrap_or_default();
    for column in &mut columns {
        // Line breaks in headings are for the eye.
        *column = column.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let end = columns.iter().rposition(|name| !name.is_empty());
    columns.truncate(end.map_or(0, |last| last + 1));
    if columns.is_empty() {
        return Err(Failure::new(Exit::BadFile, "err.import.empty"));
    }
    if columns.len() > COLUMNS_MAX {
        return Err(too_many_columns());
    }
    if below.len() > ROWS_MAX {
        return Err(too_many());
    }
    number_twins(&mut columns);
    Ok(Sheet::new(name, columns, below))
}

fn number_twins(columns: &mut [String]) {
    let mut seen: std::collections::HashSet<String> = std::collections::HashSet::new();
    for column in columns {
        let name = column.clone();
        let mut number = 2;
        while !seen.insert(column.clone()) {
            *column = format!("{name} ({number})");
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_named() {
        let wide = vec!["a"; COLUMNS_MAX + 1].join(",");
        let failure = parse(wide.as_bytes(), "w.csv").unwrap_err();
        assert!(
            format!("{failure:?}").contains("too_many_columns"),
            "{failure:?}"
        );
        let long = format!("a\n{}", "1\n".repeat(ROWS_MAX + 1));
        let failure = parse(long.as_bytes(), "l.csv").unwrap_err();
        assert!(format!("{failure:?}").contains("too_many"), "{failure:?}");
    }

    #[test]
    fn columns_called_the_same_are_told_apart() {
        let sheets = parse(b"a,b,a,a (2),,c\n1,2,3,4,5,6\n", "t.csv").unwrap();
        let columns = ["a", "b", "a (2)", "a (2) (2)", "", "c"];
        assert_eq!(sheets[0].columns, columns);
    }

    #[test]
    fn own_tables_name_their_kind() {
        let sheets = parse(
            "编号 [$record:visit],走访日期 [date]\na,2026-03-04\n".as_bytes(),
            "v.csv",
        );
        let sheets = sheets.unwrap();
        assert_eq!(sheets[0].source, Source::Own);
        assert_eq!(sheets[0].own_kind(), Some("visit"));
        assert_eq!(sheets[0].column(&["date"]), Some(1));
    }
}
