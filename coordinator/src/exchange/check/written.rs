//! What other programs write into cells, as a person would type it. What is none of this stays as it is.

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use sync_core::schema::narrow;

/// Days of workbooks that count, from 1954 to 2119: a smaller number is hardly meant to be one.
const SERIAL_MIN: f64 = 20_000.0;
const SERIAL_MAX: f64 = 80_000.0;

/// A moment as programs write it. With a `Z` it is taken to this zone; with an offset it is already the
/// clock on the wall where it was written.
pub(super) fn moment(typed: &str, zone: &TimeZone) -> Option<DateTime> {
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

/// A day that a workbook holds as its number, because its column is not formatted as days.
pub(super) fn numbered(typed: &str) -> Option<DateTime> {
    let days: f64 = typed.trim().parse().ok()?;
    if !(SERIAL_MIN..SERIAL_MAX).contains(&days) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "between two days of this century and the last"
    )]
    let minutes = (days * 24.0 * 60.0).round() as i64;
    let first = date(1899, 12, 30).at(0, 0, 0, 0);
    first.checked_add(minutes.minutes()).ok()
}

/// A day with a time after it, as office programs write both: `2026/3/4 9:05:00`.
pub(super) fn clock_of(typed: &str) -> Option<(String, String)> {
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
pub(super) fn flag(typed: &str) -> Option<String> {
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
pub(super) fn number(typed: &str) -> Option<String> {
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
pub(super) fn minutes(typed: &str) -> Option<String> {
    let plain: String = typed.trim().chars().map(narrow).collect();
    let parts: Vec<&str> = plain.split(':').collect();
    match parts.as_slice() {
        [hours, minutes, "00"] => Some(format!("{hours}:{minutes}")),
        [_] => number(&plain),
        _other => Some(plain),
    }
}

/// `lat lon altitude accuracy`, as forms write a place, or `[lat, lon]`.
pub(super) fn place(typed: &str) -> Option<String> {
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
