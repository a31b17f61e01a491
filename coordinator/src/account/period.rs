//! Stretches of time that reports are about: a quarter, a year, days that somebody chose, or all.

use jiff::civil::{Date, date};
use sync_core::id::LaneId;
use sync_core::store::Person;
use sync_core::view::statistics::Question;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;
use crate::values;

/// Years that reports know.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9998;

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    /// Year and quarter, 1 to 4.
    Quarter(i16, i8),
    /// A year.
    Year(i16),
    /// From one day to another, both included; none: from the beginning, or to the end.
    Days(Option<Date>, Option<Date>),
}

impl Period {
    /// All there is.
    pub(crate) const ALL: Self = Self::Days(None, None);

    /// The quarter of a day.
    pub(crate) fn of(day: Date) -> Self {
        Self::Quarter(day.year(), (day.month() + 2) / 3)
    }

    /// `2026Q3`, in either case, with or without a space or a hyphen.
    pub(crate) fn quarter(typed: &str) -> Option<Self> {
        let (year, quarter) = typed.trim().split_once(['Q', 'q'])?;
        let year = year.trim_end_matches([' ', '-']).parse().ok()?;
        let quarter = quarter.parse().ok()?;
        let is_one = YEARS.contains(&year) && (1..=4).contains(&quarter);
        is_one.then_some(Self::Quarter(year, quarter))
    }

    /// `2026`.
    pub(crate) fn year(typed: &str) -> Option<Self> {
        let year = typed.trim().parse().ok()?;
        YEARS.contains(&year).then_some(Self::Year(year))
    }

    /// A quarter or a year, as [`Period::code`] gives it.
    pub(crate) fn read(code: &str) -> Option<Self> {
        Self::quarter(code).or_else(|| Self::year(code))
    }

    /// Days that somebody typed; with nothing typed, from the beginning or to the end.
    pub(crate) fn between(from: Option<&str>, to: Option<&str>) -> Result<Self, Failure> {
        let from = from.map(values::day).transpose()?;
        let to = to.map(values::day).transpose()?;
        match (from, to) {
            (Some(first), Some(last)) if last < first => {
                let backwards = Failure::new(Exit::Usage, "err.report.backwards");
                Err(backwards.with("typed", last).with("from", first))
            }
            (from, to) => Ok(Self::Days(from, to)),
        }
    }

    /// Its name in addresses and files: `2026Q3`, `2026`; empty for chosen days.
    pub(crate) fn code(self) -> String {
        match self {
            Self::Quarter(year, quarter) => format!("{year}Q{quarter}"),
            Self::Year(year) => year.to_string(),
            Self::Days(..) => String::new(),
        }
    }

    /// The first and the last day.
    pub(crate) fn days(self) -> (Option<Date>, Option<Date>) {
        match self {
            Self::Quarter(year, quarter) => {
                let first = date(year, quarter * 3 - 2, 1);
                let last = date(year, quarter * 3, 1).last_of_month();
                (Some(first), Some(last))
            }
            Self::Year(year) => (Some(date(year, 1, 1)), Some(date(year, 12, 31))),
            Self::Days(from, to) => (from, to),
        }
    }

    /// The quarter or the year before; none before chosen days.
    pub(crate) fn before(self) -> Option<Self> {
        match self {
            Self::Quarter(year, 1) => Some(Self::Quarter(year - 1, 4)),
            Self::Quarter(year, quarter) => Some(Self::Quarter(year, quarter - 1)),
            Self::Year(year) => Some(Self::Year(year - 1)),
            Self::Days(..) => None,
        }
    }

    /// What is asked about it.
    pub(crate) fn question(self, space: Option<LaneId>, person: Option<Person>) -> Question {
        let (from, to) = self.days();
        Question {
            from: from.map(|day| day.to_string()),
            to: to.map(|day| day.to_string()),
            space,
            person,
        }
    }

    /// What people call it.
    pub(crate) fn label(self, text: &Text) -> String {
        match self {
            Self::Quarter(year, quarter) => {
                let (year, quarter) = (year.to_string(), quarter.to_string());
                text.with("out.report.quarter", &[("y", &year), ("q", &quarter)])
            }
            Self::Year(year) => text.with("out.report.year", &[("y", &year.to_string())]),
            Self::Days(None, None) => text.say("out.report.all"),
            Self::Days(Some(from), None) => {
                text.with("out.report.since", &[("from", &from.to_string())])
            }
            Self::Days(None, Some(to)) => text.with("out.report.until", &[("to", &to.to_string())]),
            Self::Days(Some(from), Some(to)) => text.with(
                "out.report.from_to",
                &[("from", &from.to_string()), ("to", &to.to_string())],
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_and_years_are_read_and_end_on_their_last_day() {
        let quarter = Period::quarter("2024q1").unwrap();
        let days = quarter.days();
        assert_eq!(days, (Some(date(2024, 1, 1)), Some(date(2024, 3, 31))));
        assert_eq!(quarter.before(), Some(Period::Quarter(2023, 4)));
        assert_eq!(Period::quarter("2026 Q4").unwrap().code(), "2026Q4");
        assert_eq!(Period::of(date(2026, 9, 30)), Period::Quarter(2026, 3));
        assert_eq!(Period::of(date(2026, 10, 1)).code(), "2026Q4");
        assert_eq!(Period::read("2025"), Some(Period::Year(2025)));
        for strange in [
            "2026Q5",
            "2026Q0",
            "Q1",
            "26",
            "99999",
            "2026Qq",
            "",
            "三季度",
        ] {
            assert_eq!(Period::read(strange), None, "{strange}");
        }
    }
}
