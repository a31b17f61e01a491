//! What is printed: lines, tables that line up for wide characters, JSON, and complaints.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use sync_core::id::Millis;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;

/// Spaces between the columns of a table.
const GAP: usize = 2;
/// No column is cut to less than this, in character cells.
const COLUMN_MIN: usize = 6;
const CUT: char = '…';

/// Standard output.
#[derive(Debug)]
pub(crate) struct Out(BufWriter<StdoutLock<'static>>);

impl Out {
    /// Takes standard output until it is dropped.
    pub(crate) fn new() -> Self {
        Self(BufWriter::new(io::stdout().lock()))
    }

    /// One line; control characters of other people's text do not reach the terminal.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        Ok(writeln!(self.0, "{}", harmless(line))?)
    }

    /// One JSON value, indented.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut self.0, value)?;
        Ok(writeln!(self.0)?)
    }

    /// One JSON value on one line.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.0, value)?;
        Ok(writeln!(self.0)?)
    }

    /// Makes sure that what was printed is seen.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.0.flush()?)
    }
}

/// A task shorter than this shows no progress.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a longer one shows it.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// One line on a terminal that says how far a long task is; gone when the task ends.
#[derive(Debug)]
pub(crate) struct Progress {
    is_seen: bool,
    due: Instant,
}

impl Progress {
    /// Nothing is shown before a second has passed, nor where standard error is no terminal.
    pub(crate) fn new() -> Self {
        Self {
            is_seen: io::stderr().is_terminal(),
            due: Instant::now() + PATIENCE,
        }
    }

    /// Shows the line, if one is due.
    pub(crate) fn show(&mut self, line: impl FnOnce() -> String) {
        if !self.is_seen || Instant::now() < self.due {
            return;
        }
        self.due = Instant::now() + SHOW_EVERY;
        write_over(&line());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_seen {
            write_over("");
        }
    }
}

/// Writes over the line that the cursor is on. Progress that nobody can see any more is no failure.
fn write_over(line: &str) {
    let _gone = write!(io::stderr().lock(), "\r{line}\u{1b}[K");
}

/// Text of a record could move the cursor or colour the screen; its line breaks and tabs may stay.
pub(crate) fn harmless(text: &str) -> String {
    let is_harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
    text.chars()
        .map(|c| if is_harmful(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Says on standard error what went wrong; with `--json` as one object.
pub(crate) fn complain(failure: &Failure, text: &Text, is_json: bool) {
    let Some(sentence) = failure.sentence(text) else {
        return;
    };
    let exit = failure.exit();
    let line = if is_json {
        let error = serde_json::json!({
            "code": exit.number(), "name": exit.name(), "message": sentence,
        });
        serde_json::json!({ "error": error }).to_string()
    } else {
        format!("banyan: {}", harmless(&sentence))
    };
    // Nobody is left to be told if standard error is gone.
    let _gone = writeln!(io::stderr().lock(), "{line}");
}

/// The table of exit codes for `--help`.
pub(crate) fn exit_table(text: &Text) -> String {
    let rows = Exit::ALL
        .iter()
        .map(|(_, number, name)| format!("  {number:>3}  {}\n", text.say(&format!("exit.{name}"))));
    rows.collect::<String>().trim_end().to_owned()
}

/// `2026-03-04 09:12` in this computer's time zone.
pub(crate) fn time(at: Millis) -> String {
    let Ok(timestamp) = Timestamp::from_millisecond(at.0) else {
        return "?".to_owned();
    };
    timestamp
        .to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// `23,136`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Rows that line up.
#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The column that gives way when the window is narrow.
    flexible: usize,
}

impl Table {
    /// A table with these headings, of which the column `flexible` is cut first.
    pub(crate) fn new(heads: Vec<String>, flexible: usize) -> Self {
        Self {
            heads,
            rows: Vec::new(),
            flexible,
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        let one_line = |cell: String| -> String {
            cell.chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect()
        };
        self.rows.push(cells.into_iter().map(one_line).collect());
    }

    /// Prints the table, no wider than the window if there is one.
    pub(crate) fn print(&self, out: &mut Out) -> Result<(), Failure> {
        for line in self.lines(window_width()) {
            out.line(&line)?;
        }
        Ok(())
    }

    fn lines(&self, width: Option<usize>) -> Vec<String> {
        let widths = self.widths(width);
        std::iter::once(&self.heads)
            .chain(&self.rows)
            .map(|cells| {
                let cells = cells
                    .iter()
                    .zip(&widths)
                    .map(|(cell, width)| fitted(cell, *width));
                cells
                    .collect::<Vec<_>>()
                    .join(&" ".repeat(GAP))
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }

    fn widths(&self, window: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|head| head.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let Some(window) = window else { return widths };
        let needed = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut too_much = needed.saturating_sub(window);
        let columns = std::iter::once(self.flexible).chain((0..widths.len()).rev());
        for column in columns.collect::<Vec<_>>() {
            // Ids in the first column are for copying: never cut.
            if column == 0 {
                continue;
            }
            if let Some(width) = widths.get_mut(column) {
                let gives = width.saturating_sub(COLUMN_MIN).min(too_much);
                *width -= gives;
                too_much -= gives;
            }
        }
        widths
    }
}

/// Exactly `width` cells: padded, or cut with a mark.
fn fitted(cell: &str, width: usize) -> String {
    let has = cell.width();
    if has <= width {
        return format!("{cell}{}", " ".repeat(width - has));
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in cell.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        kept.push(c);
        used += wide;
    }
    kept.push(CUT);
    kept.push_str(&" ".repeat(width.saturating_sub(used + 1)));
    kept
}

/// Columns of the window that standard output goes to; `None` for a file or pipe.
fn window_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size()?;
    Some(usize::from(columns))
}

/// Whether somebody looks at standard output as it is printed.
pub(crate) fn is_for_a_person() -> bool {
    io::stdout().is_terminal()
}

/// Lines of `label: value`, the values below each other.
pub(crate) fn facts(out: &mut Out, rows: &[(String, String)]) -> Result<(), Failure> {
    let widest = rows
        .iter()
        .map(|(label, _)| label.width())
        .max()
        .unwrap_or(0);
    for (label, value) in rows {
        out.line(&format!("{}  {value}", fitted(label, widest)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_for_wide_characters() {
        let mut table = Table::new(vec!["id".into(), "title".into(), "by".into()], 1);
        table.row(vec!["a".into(), "王奶奶".into(), "x".into()]);
        table.row(vec!["bb".into(), "roof".into(), "yy".into()]);
        let lines = table.lines(None);
        let starts: Vec<usize> = ["by", "x", "yy"]
            .iter()
            .zip(&lines)
            .map(|(last, line)| line.strip_suffix(last).unwrap().width())
            .collect();
        assert_eq!(starts, [12, 12, 12]);
    }

    #[test]
    fn table_fits_its_window_and_cuts_the_flexible_column() {
        let mut table = Table::new(vec!["id".into(), "title".into(), "by".into()], 1);
        table.row(vec![
            "abcdefgh".into(),
            "三号门王奶奶家屋顶漏水".into(),
            "Li".into(),
        ]);
        let lines = table.lines(Some(24));
        assert!(lines.iter().all(|line| line.width() <= 24), "{lines:?}");
        assert!(lines[1].contains('…') && lines[1].starts_with("abcdefgh"));
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31mb\n"), "a\u{fffd}[31mb\n");
    }
}
