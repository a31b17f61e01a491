//! Where the story of one record is told: its village, its people and its days.

use std::ops::RangeInclusive;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use crate::grammar::Language;
use crate::{Person, Telling, What};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// Homes that a village's volunteers visit.
const HOUSEHOLDS: usize = 40;
/// Records on which two people disagree, per hundred.
const DISPUTED_PERCENT: u32 = 3;

/// A home that is visited again and again.
pub(crate) struct Household {
    /// Who and where.
    pub(crate) label: String,
    /// How many live there.
    pub(crate) people: u32,
    /// The language in which visits there are written down.
    pub(crate) language: Language,
}

/// The homes of one village.
pub(crate) fn households(rng: &mut ChaCha8Rng, telling: &Telling) -> Vec<Household> {
    (0..HOUSEHOLDS)
        .map(|_| {
            let language = telling.language(rng);
            let (zh, en) = crate::name::full_name(rng);
            let lane = language.say(rng, "lane");
            let door = rng.random_range(1..=88);
            let label = match language {
                Language::Chinese => format!("{zh} {lane}{door}号"),
                Language::English => format!("{en}, {door} {lane}"),
            };
            let people = if rng.random_bool(0.35) {
                1
            } else {
                rng.random_range(2..=7)
            };
            Household {
                label,
                people,
                language,
            }
        })
        .collect()
}

/// Who leads a team: its first. Some states are theirs to set.
pub(crate) const LEAD: usize = 0;

/// One change of the record being told.
pub(crate) struct Step {
    pub(crate) by: usize,
    pub(crate) at: i64,
    pub(crate) concurrent: bool,
    pub(crate) what: What,
}

/// The story of one record, as far as it is told.
pub(crate) struct Scene<'a> {
    pub(crate) rng: &'a mut ChaCha8Rng,
    telling: Telling,
    first_volunteer: usize,
    team: &'a [Person],
    homes: &'a [Household],
    /// Days since the first.
    day: i64,
    steps: Vec<Step>,
}

impl<'a> Scene<'a> {
    /// A record of this team, on a day of its own. `first_volunteer` is the index of the team's first person.
    pub(crate) fn new(
        rng: &'a mut ChaCha8Rng,
        telling: Telling,
        first_volunteer: usize,
        team: &'a [Person],
        homes: &'a [Household],
    ) -> Self {
        let day = rng.random_range(0..Telling::BEGIN_DAYS);
        Self {
            rng,
            telling,
            first_volunteer,
            team,
            homes,
            day,
            steps: Vec::new(),
        }
    }

    /// The day reached, such as `2024-02-29`.
    pub(crate) fn date(&self) -> String {
        self.date_in(0)
    }

    /// A later day.
    pub(crate) fn date_in(&self, days: i64) -> String {
        self.telling
            .first_day
            .saturating_add((self.day + days).days())
            .to_string()
    }

    /// The language in which this record is written.
    pub(crate) fn language(&mut self) -> Language {
        self.telling.language(self.rng)
    }

    /// A home of the village.
    pub(crate) fn household(&mut self) -> &'a Household {
        self.homes
            .choose(self.rng)
            .expect("every village has households")
    }

    /// Some of a hundred times.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_ratio(percent, 100)
    }

    /// One of several words.
    pub(crate) fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words.choose(self.rng).expect("stories choose from words")
    }

    /// Another word than this one.
    pub(crate) fn pick_other(&mut self, words: &[&'static str], than: &str) -> &'static str {
        let others: Vec<&'static str> =
            words.iter().copied().filter(|word| *word != than).collect();
        self.pick(&others)
    }

    /// Lets days go by.
    pub(crate) fn wait(&mut self, days: RangeInclusive<i64>) {
        self.day += self.rng.random_range(days);
    }

    /// The first step: somebody begins the record.
    pub(crate) fn create(&mut self, kind: &'static str, fields: Vec<(String, String)>) {
        let by = self.anybody();
        self.push(by, false, What::Create { kind, fields });
    }

    /// Somebody of the team, often another one than before, edits what they see.
    pub(crate) fn edit(&mut self, fields: Vec<(String, String)>) {
        let by = self.anybody();
        self.edit_by(by, fields);
    }

    /// Somebody whose name is needed before they edit.
    pub(crate) fn anybody(&mut self) -> usize {
        self.rng.random_range(0..self.team.len())
    }

    /// The name of somebody in the team.
    pub(crate) fn name_of(&self, by: usize, language: Language) -> &'a str {
        self.team.get(by).map_or("", |person| match language {
            Language::Chinese => &person.name_zh,
            Language::English => &person.name_en,
        })
    }

    /// This one of the team edits what they see.
    pub(crate) fn edit_by(&mut self, by: usize, fields: Vec<(String, String)>) {
        self.push(by, false, What::Edit { fields });
    }

    /// Whether two people shall disagree at the end of this story.
    pub(crate) fn is_disputed(&mut self) -> bool {
        self.team.len() > 1 && self.chance(DISPUTED_PERCENT)
    }

    /// Two people edit the same field at the same time, neither seeing the other's value.
    pub(crate) fn disagree(&mut self, field: &str, one: String, other: String) {
        let by = self.anybody();
        let step = self.rng.random_range(1..self.team.len());
        self.edit_by(by, vec![pair(field, one)]);
        let fields = vec![pair(field, other)];
        self.push((by + step) % self.team.len(), true, What::Edit { fields });
    }

    /// All steps, in the order of their times.
    pub(crate) fn end(self) -> Vec<Step> {
        self.steps
    }

    fn push(&mut self, by: usize, concurrent: bool, what: What) {
        // People write between eight in the morning and nine in the evening, China time: midnight to one o'clock, UTC.
        let time_of_day = self.rng.random_range(0..13 * 60 * MINUTE_MS);
        let on_day = midnight(self.telling.first_day) + self.day * DAY_MS + time_of_day;
        let soon = self.rng.random_range(2 * MINUTE_MS..40 * MINUTE_MS);
        let at = match self.steps.last() {
            Some(last) if on_day <= last.at || concurrent => last.at + soon,
            Some(_) | None => on_day,
        };
        self.steps.push(Step {
            by: self.first_volunteer + by,
            at,
            concurrent,
            what,
        });
    }
}

/// When a day begins in UTC, in milliseconds since 1970.
pub(crate) fn midnight(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 1)).as_secs() * 1_000
}

/// A field and its value.
pub(crate) fn pair(field: &str, value: impl ToString) -> (String, String) {
    (field.to_owned(), value.to_string())
}
