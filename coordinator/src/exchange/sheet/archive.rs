//! Archives: a workbook is one, and so are several tables exported at once.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{Sheet, UNPACKED_BYTES_MAX, book, too_large};
use crate::exit::Exit;
use crate::failure::Failure;

/// Most files in an archive.
const FILES_MAX: usize = 10_000;

/// Whether these are an archive's first bytes.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// The sheets of a workbook, or every table in the archive.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, Failure> {
    let damaged = || Failure::new(Exit::BadFile, "err.import.archive");
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| damaged())?;
    if zip.len() > FILES_MAX {
        return Err(damaged());
    }
    let mut tables = Vec::new();
    let (mut left, mut is_workbook) = (UNPACKED_BYTES_MAX, false);
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).map_err(|_| damaged())?;
        let name = file.name().map_err(|_| damaged())?.into_owned();
        is_workbook |= matches!(name.as_str(), "[Content_Types].xml" | "content.xml");
        // What the archive says of sizes may be a lie: what comes out is counted.
        let mut content = Vec::new();
        let mut limited = file.by_ref().take(left + 1);
        let is_table = is_table(&name);
        let read = if is_table {
            limited.read_to_end(&mut content).map(|read| read as u64)
        } else {
            std::io::copy(&mut limited, &mut std::io::sink())
        };
        let read = read.map_err(|_| damaged())?;
        left = left
            .checked_sub(read)
            .ok_or_else(|| too_large(UNPACKED_BYTES_MAX))?;
        if is_table {
            tables.push((name, content));
        }
    }
    if is_workbook {
        return book::read(bytes);
    }
    if tables.is_empty() {
        return Err(Failure::new(Exit::BadFile, "err.import.no_table"));
    }
    let mut sheets = Vec::new();
    for (name, content) in tables {
        sheets.extend(super::text(&content, &name)?);
    }
    Ok(sheets)
}

fn is_table(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let endings = [".csv", ".tsv", ".geojson"];
    // macOS puts a file of its own beside each.
    !name.starts_with("__macosx/") && endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn tables_of_an_archive_are_read_by_name() {
        let bytes = archive(&[
            ("form/visit.csv", b"a\n1\n"),
            ("about.txt", b"x"),
            ("__MACOSX/form/._visit.csv", b"\0\0"),
        ]);
        let sheets = read(&bytes).unwrap();
        assert_eq!(sheets.len(), 1);
        assert_eq!(sheets[0].name, "visit");
    }

    #[test]
    fn archive_that_unpacks_without_end_is_refused() {
        let zeros = vec![0; 1 << 20];
        let files: Vec<(String, &[u8])> = (0..300)
            .map(|index| (format!("{index}.bin"), zeros.as_slice()))
            .collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), *b)).collect();
        let failure = read(&archive(&files)).unwrap_err();
        assert!(format!("{failure:?}").contains("too_large"), "{failure:?}");
    }

    #[test]
    fn cut_archives_and_archives_without_tables_are_refused() {
        let bytes = archive(&[("a.csv", b"a\n1\n")]);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(read(&archive(&[("a.txt", b"x")])).is_err());
    }
}
