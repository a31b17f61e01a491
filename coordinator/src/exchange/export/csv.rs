//! Tables as CSV (RFC 4180), in UTF-8 with the mark by which office programs know it.

use std::io::{Cursor, Write};

use csv::{Terminator, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::table::{Table, table_of};
use super::value::{Cell, Names};
use super::{About, Rows};
use crate::exchange::names::defused;
use crate::failure::Failure;

const MARK: &[u8] = "\u{feff}".as_bytes();

/// The table of one kind.
pub(crate) fn of_one(rows: &Rows<'_>, names: Names<'_>) -> Result<Vec<u8>, Failure> {
    bytes_of(&table_of(rows, names))
}

fn bytes_of(table: &Table<'_>) -> Result<Vec<u8>, Failure> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(MARK.to_vec());
    let written = |result: Result<(), csv::Error>| result.map_err(Failure::internal);
    written(writer.write_record(&table.headings))?;
    for row in &table.rows {
        written(writer.write_record(row.iter().map(safe)))?;
    }
    writer.into_inner().map_err(Failure::internal)
}

/// Numbers and days are what they are; all other text could be a formula.
fn safe(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => defused(text),
        Cell::Empty | Cell::Number(_) | Cell::Date(_) | Cell::Time(_) => cell.text(),
    }
}

/// A table for each kind, and what is to be said about them, in one file.
pub(crate) fn zip_of(
    kinds: &[Rows<'_>],
    about: &About,
    names: Names<'_>,
) -> Result<Vec<u8>, Failure> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // The same records make the same bytes.
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: String, bytes: &[u8]| -> Result<(), Failure> {
        zip.start_file(name, options).map_err(Failure::internal)?;
        zip.write_all(bytes).map_err(Failure::internal)
    };
    for rows in kinds {
        let bytes = of_one(rows, names)?;
        put(format!("{}.csv", rows.kind.name()), &bytes)?;
    }
    put("about.txt".to_owned(), about.as_text().as_bytes())?;
    let bytes = zip.finish().map_err(Failure::internal)?;
    Ok(bytes.into_inner())
}
