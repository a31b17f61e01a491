//! Moments as people say them: today by the clock, this year by the day, else with the year.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use sync_core::id::Millis;
use sync_core::schema::Lang;

/// Now, where this computer is.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    pub(super) now: Millis,
    zone: TimeZone,
    lang: Lang,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Clock {
    pub(super) fn new(now: Millis, zone: TimeZone, lang: Lang) -> Self {
        Self { now, zone, lang }
    }

    fn zoned(&self, at: Millis) -> Option<Zoned> {
        let at = Timestamp::from_millisecond(at.0).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }

    /// The day of a moment here.
    pub(super) fn day_of(&self, at: Millis) -> Option<Date> {
        Some(self.zoned(at)?.date())
    }

    /// Today here.
    pub(super) fn today(&self) -> Date {
        self.day_of(self.now).unwrap_or(Date::constant(1970, 1, 1))
    }

    /// The hour of the day, 0 to 23.
    pub(super) fn hour(&self) -> i8 {
        self.zoned(self.now).map_or(0, |now| now.hour())
    }

    /// `今天 09:12`, `9月16日 20:31`, `2024年3月1日 09:00`.
    pub(super) fn moment(&self, at: Millis) -> String {
        let Some(zoned) = self.zoned(at) else {
            return "?".to_owned();
        };
        let time = format!("{:02}:{:02}", zoned.hour(), zoned.minute());
        if zoned.date() == self.today() {
            return match self.lang {
                Lang::Zh => format!("今天 {time}"),
                Lang::En => format!("today {time}"),
            };
        }
        format!("{} {time}", self.day(zoned.date()))
    }

    /// `9月16日` in this year, else `2024年3月1日`.
    pub(super) fn day(&self, day: Date) -> String {
        let is_this_year = day.year() == self.today().year();
        let month = usize::try_from(day.month() - 1).unwrap_or(0);
        let english = MONTHS.get(month).copied().unwrap_or_default();
        match (self.lang, is_this_year) {
            (Lang::Zh, true) => format!("{}月{}日", day.month(), day.day()),
            (Lang::Zh, false) => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
            (Lang::En, true) => format!("{} {english}", day.day()),
            (Lang::En, false) => format!("{} {english} {}", day.day(), day.year()),
        }
    }

    /// `9月`, `Sep`.
    pub(super) fn month(&self, day: Date) -> String {
        let month = usize::try_from(day.month() - 1).unwrap_or(0);
        match self.lang {
            Lang::Zh => format!("{}月", day.month()),
            Lang::En => MONTHS.get(month).copied().unwrap_or_default().to_owned(),
        }
    }

    /// `2026年9月`, `Sep 2026`.
    pub(super) fn month_and_year(&self, day: Date) -> String {
        match self.lang {
            Lang::Zh => format!("{}年{}", day.year(), self.month(day)),
            Lang::En => format!("{} {}", self.month(day), day.year()),
        }
    }

    /// A day as it is kept (`2026-03-01`), in words; what is none stays as it is.
    pub(super) fn kept_day(&self, kept: &str) -> String {
        kept.parse::<Date>()
            .map_or_else(|_| kept.to_owned(), |day| self.day(day))
    }

    /// For `<time datetime>`.
    pub(super) fn iso(&self, at: Millis) -> String {
        let zoned = self.zoned(at);
        zoned.map_or_else(String::new, |zoned| {
            zoned.strftime("%Y-%m-%dT%H:%M%:z").to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(lang: Lang) -> Clock {
        // 2026-09-17 09:26 in Guangdong.
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        Clock::new(Millis(1_789_608_360_000), zone, lang)
    }

    #[test]
    fn moments_are_said_as_short_as_they_can_be() {
        let zh = clock(Lang::Zh);
        assert_eq!(zh.moment(zh.now), "今天 09:26");
        assert_eq!(zh.moment(Millis(zh.now.0 - 86_400_000)), "9月16日 09:26");
        assert_eq!(zh.moment(Millis(1_709_255_400_000)), "2024年3月1日 09:10");
        assert_eq!(zh.moment(Millis(i64::MAX)), "?");
        let en = clock(Lang::En);
        assert_eq!(en.moment(Millis(en.now.0 - 86_400_000)), "16 Sep 09:26");
        assert_eq!(en.kept_day("2025-01-31"), "31 Jan 2025");
        assert_eq!(en.kept_day("soon"), "soon");
        let day = Date::constant(2025, 1, 31);
        assert_eq!(en.month_and_year(day), "Jan 2025");
        assert_eq!(zh.month_and_year(day), "2025年1月");
        assert_eq!(en.iso(en.now), "2026-09-17T09:26+08:00");
    }
}
