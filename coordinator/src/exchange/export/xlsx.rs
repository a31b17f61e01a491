//! A workbook: what is to be said first, then a sheet for each kind.

use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError,
};

use super::table::{Table, table_of};
use super::value::{Cell, Names};
use super::{About, Rows};
use crate::exchange::names::{CUT_MARK, RECORD, name_in};
use crate::failure::Failure;
use crate::text::Text;

/// A cell holds 32,767 UTF-16 units; so many are kept of longer text, with [`CUT_MARK`] behind them.
const CELL_UNITS_MAX: usize = 32_000;
/// Larger whole numbers are not kept exactly by spreadsheets.
const NUMBER_MAX: u64 = 1 << 53;
/// Characters of a sheet's name.
const SHEET_NAME_CHARS_MAX: usize = 31;

/// The workbook.
pub(crate) fn workbook_of(
    kinds: &[Rows<'_>],
    about: &About,
    names: Names<'_>,
) -> Result<Vec<u8>, Failure> {
    let mut workbook = Workbook::new();
    // The time is that of the heads as far as they say, so that the same records make the same bytes;
    // when the file was made stands on the first sheet.
    let born = ExcelDateTime::from_ymd(2000, 1, 1).map_err(Failure::internal)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&born));
    put_about(workbook.add_worksheet(), about, names.text).map_err(Failure::internal)?;
    for rows in kinds {
        let table = table_of(rows, names);
        put_table(workbook.add_worksheet(), &table, names.text).map_err(Failure::internal)?;
    }
    workbook.save_to_buffer().map_err(Failure::internal)
}

fn put_about(sheet: &mut Worksheet, about: &About, text: &Text) -> Result<(), XlsxError> {
    sheet.set_name(sheet_name(&text.say("out.export.about")))?;
    sheet.set_column_width(0, 24)?.set_column_width(1, 80)?;
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    for (row, (label, value)) in (0..).zip(about.lines(text)) {
        sheet.write_string_with_format(row, 0, label, &wrapped)?;
        sheet.write_string_with_format(row, 1, value, &wrapped)?;
    }
    Ok(())
}

fn put_table(sheet: &mut Worksheet, table: &Table<'_>, text: &Text) -> Result<(), XlsxError> {
    sheet.set_name(sheet_name(table.kind.label(text.lang())))?;
    let bold = Format::new().set_bold().set_text_wrap();
    for (col, heading) in (0..).zip(&table.headings) {
        sheet.write_string_with_format(0, col, heading, &bold)?;
        let is_id = name_in(heading).is_some_and(|name| name.starts_with(RECORD));
        sheet.set_column_width(col, if is_id { 12 } else { 18 })?;
    }
    let formats = Formats {
        date: Format::new().set_num_format("yyyy-mm-dd"),
        time: Format::new().set_num_format("yyyy-mm-dd hh:mm"),
        text: Format::new().set_num_format("@"),
    };
    for (row, cells) in (1..).zip(&table.rows) {
        for (col, cell) in (0..).zip(cells) {
            put_cell(sheet, row, col, cell, &formats)?;
        }
    }
    sheet.set_freeze_panes(1, 1)?;
    let last_row = u32::try_from(table.rows.len()).unwrap_or(u32::MAX);
    let last_col = u16::try_from(table.headings.len().saturating_sub(1)).unwrap_or(u16::MAX);
    sheet.autofilter(0, 0, last_row, last_col)?;
    Ok(())
}

struct Formats {
    date: Format,
    time: Format,
    text: Format,
}

fn put_cell(
    sheet: &mut Worksheet,
    row: u32,
    col: u16,
    cell: &Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => return Ok(()),
        Cell::Number(number) if number.unsigned_abs() <= NUMBER_MAX => {
            #[expect(clippy::cast_precision_loss, reason = "no more than 53 bits")]
            sheet.write_number(row, col, *number as f64)?;
            return Ok(());
        }
        Cell::Date(day) => {
            if let Some(day) = excel_day(day) {
                sheet.write_datetime_with_format(row, col, &day, &formats.date)?;
                return Ok(());
            }
        }
        Cell::Time(time) => {
            if let Some(time) = excel_time(time) {
                sheet.write_datetime_with_format(row, col, &time, &formats.time)?;
                return Ok(());
            }
        }
        Cell::Number(_) | Cell::Text(_) => {}
    }
    // Text that looks like a formula stays text, for it is written as text.
    sheet.write_string_with_format(row, col, fitting(&cell.text()), &formats.text)?;
    Ok(())
}

/// A day as spreadsheets count them; none before 1900-03-01, where they count wrongly.
fn excel_day(day: &str) -> Option<ExcelDateTime> {
    let day: jiff::civil::Date = day.parse().ok()?;
    if day < jiff::civil::date(1900, 3, 1) {
        return None;
    }
    let part = |number: i8| u8::try_from(number).ok();
    let year = u16::try_from(day.year()).ok()?;
    ExcelDateTime::from_ymd(year, part(day.month())?, part(day.day())?).ok()
}

fn excel_time(time: &str) -> Option<ExcelDateTime> {
    let (day, clock) = time.split_once(' ')?;
    let (hours, minutes) = clock.split_once(':')?;
    let day = excel_day(day)?;
    day.and_hms(hours.parse().ok()?, minutes.parse().ok()?, 0)
        .ok()
}

fn fitting(text: &str) -> String {
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= CELL_UNITS_MAX
    };
    let kept: String = text.chars().take_while(fits).collect();
    if kept.len() == text.len() {
        kept
    } else {
        kept + CUT_MARK
    }
}

/// Sheets' names lack some signs.
fn sheet_name(label: &str) -> String {
    let kept = label
        .chars()
        .filter(|c| !"[]:*?/\\'".contains(*c))
        .take(SHEET_NAME_CHARS_MAX);
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_with_a_mark() {
        assert_eq!(fitting("短"), "短");
        let cut = fitting(&"户".repeat(40_000));
        assert!(cut.ends_with(CUT_MARK));
        assert!(cut.encode_utf16().count() <= 32_767);
    }

    #[test]
    fn days_before_spreadsheets_count_rightly_stay_text() {
        assert!(excel_day("1900-02-28").is_none());
        assert!(excel_day("2026-03-04").is_some());
        assert!(excel_time("2026-03-04 14:30").is_some());
    }
}
