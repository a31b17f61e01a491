//! Workbooks of office programs.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, ExcelDateTime, Range, Reader, open_workbook_auto_from_rs};
use jiff::civil::{DateTime, date};

use super::{COLUMNS_MAX, ROWS_MAX, Row, Sheet, TITLES_MAX};
use crate::exit::Exit;
use crate::failure::Failure;

/// Whether these are the first bytes of a workbook from before 2007.
pub(super) fn is_old_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// All sheets that have a row below their headings.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Sheet>, Failure> {
    let damaged = || Failure::new(Exit::BadFile, "err.import.workbook");
    // The reader is made for sound files; what it does with others must not end this program.
    let ranges = catch_unwind(AssertUnwindSafe(|| {
        let mut book = open_workbook_auto_from_rs(Cursor::new(bytes.to_vec())).ok()?;
        Some(book.worksheets())
    }));
    let ranges = ranges.ok().flatten().ok_or_else(damaged)?;
    let mut sheets = Vec::new();
    for (name, range) in &ranges {
        if let Some(sheet) = sheet(name, range)? {
            sheets.push(sheet);
        }
    }
    if sheets.is_empty() {
        return Err(Failure::new(Exit::BadFile, "err.import.no_table"));
    }
    Ok(sheets)
}

fn sheet(name: &str, range: &Range<Data>) -> Result<Option<Sheet>, Failure> {
    let is_blank = |cells: &[Data]| cells.iter().all(|cell| text_of(cell).trim().is_empty());
    let first = range.start().map_or(0, |(row, _)| u64::from(row));
    let rows = (first + 1..).zip(range.rows());
    let rows = rows
        .filter(|(_, cells)| !is_blank(cells))
        .take(ROWS_MAX + TITLES_MAX + 2);
    let rows = rows.map(|(row, cells)| Row {
        row,
        line: None,
        cells: cells.iter().take(COLUMNS_MAX + 1).map(text_of).collect(),
    });
    let rows: Vec<Row> = rows.collect();
    // A sheet with nothing below its headings is not looked at.
    if rows.len() <= super::heading_at(&rows) + 1 {
        return Ok(None);
    }
    super::with_headings(name, rows).map(Some)
}

/// What a cell shows, days in the one form that is kept.
fn text_of(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        // Whole numbers print without a fraction.
        Data::Float(number) => number.to_string(),
        Data::Bool(true) => "true".to_owned(),
        Data::Bool(false) => "false".to_owned(),
        Data::DateTime(moment) => moment_text(moment),
    }
}

/// A day, a day with a time, or a time alone (`1:30`), as its number says.
fn moment_text(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    // Durations and times without a day lie before all days that count.
    if moment.is_duration() || moment.as_f64() < 1.0 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "cut to a span of years before"
        )]
        let minutes = (moment.as_f64().clamp(0.0, 1e5) * 24.0 * 60.0).round() as i64;
        return format!("{}:{:02}", minutes / 60, minutes % 60);
    }
    let part = |number: u8| i8::try_from(number).ok();
    let whole = || -> Option<DateTime> {
        let year = i16::try_from(year).ok()?;
        DateTime::new(
            year,
            part(month)?,
            part(day)?,
            part(hour)?,
            part(minute)?,
            0,
            0,
        )
        .ok()
    };
    let Some(whole) = whole().filter(|it| it.date() >= date(1900, 1, 1)) else {
        return String::new();
    };
    if (hour, minute, second) == (0, 0, 0) {
        whole.date().to_string()
    } else {
        whole.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{ExcelDateTime as Moment, Format, Workbook};

    use super::*;

    fn workbook() -> Vec<u8> {
        let mut book = Workbook::new();
        book.add_worksheet().write_string(0, 0, "empty").unwrap();
        let sheet = book.add_worksheet().set_name("走访").unwrap();
        for (column, heading) in (0..).zip(["住户", "日期", "人数", "独居", "时长", "开始"])
        {
            sheet.write_string(2, column, heading).unwrap();
        }
        let day = Moment::from_ymd(2026, 3, 4).unwrap();
        let format = Format::new().set_num_format("yyyy-mm-dd");
        let clock = Format::new().set_num_format("hh:mm");
        sheet.write_string(4, 0, "3号门").unwrap();
        sheet
            .write_datetime_with_format(4, 1, &day, &format)
            .unwrap();
        sheet.write_number(4, 2, 3).unwrap();
        sheet.write_boolean(4, 3, true).unwrap();
        sheet
            .write_datetime_with_format(4, 4, Moment::from_hms(1, 30, 0).unwrap(), &clock)
            .unwrap();
        let start = Moment::from_ymd(2026, 3, 4)
            .unwrap()
            .and_hms(14, 30, 0)
            .unwrap();
        sheet
            .write_datetime_with_format(4, 5, &start, &format)
            .unwrap();
        book.save_to_buffer().unwrap()
    }

    #[test]
    fn cells_become_what_they_show_and_rows_keep_their_numbers() {
        let sheets = super::super::parse(&workbook(), "b.xlsx").unwrap();
        assert_eq!(sheets.len(), 1);
        assert_eq!(sheets[0].name, "走访");
        let row = &sheets[0].rows[0];
        assert_eq!(row.row, 5);
        assert_eq!(
            row.cells,
            [
                "3号门",
                "2026-03-04",
                "3",
                "true",
                "1:30",
                "2026-03-04 14:30"
            ]
        );
    }

    #[test]
    fn damaged_workbooks_are_refused() {
        let bytes = workbook();
        for position in (0..bytes.len()).step_by(97) {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x55;
            // Read or refused; never the end of the program.
            let _either = super::super::parse(&damaged, "b.xlsx");
        }
        assert!(super::super::parse(&bytes[..bytes.len() / 2], "b.xlsx").is_err());
        assert!(read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").is_err());
    }
}
