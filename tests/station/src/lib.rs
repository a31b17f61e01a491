//! The seeded generator of station data: what six villages of volunteers write down in three years.
//!
//! The demo, the benchmarks and the dictionary trainer all use it, so that their figures speak of the same data.
//! One seed and one [`Scale`] always give the same [`Station`].
//!
//! ```
//! let station = station::generate(7, &station::Scale::times(1));
//! let names: Vec<&str> = station.villages.iter().map(|village| village.name_en.as_str()).collect();
//! assert_eq!(names, ["Liangdeng", "Langxin", "Xiajiao", "Zhong'an", "Xi'an", "Xia'an"]);
//! ```
//!
//! # How the text is made
//! Notes are built clause by clause from the word lists in `data/zh.txt` and `data/en.txt`, half of them in each language,
//! so that no sentence repeats often enough to flatter a compressor. Long text grows by added and corrected clauses, as it
//! does under real hands; states go forward, votes rise.
//!
//! # Where the places come from
//! `data/nanhai-org-units.csv` lists the towns, communities and villages of Nanhai district (Foshan, Guangdong) with their
//! public administrative division codes. `data/pinyin.csv` gives the Mandarin reading of each character of a place or a
//! personal name as it is read there. Places are real; people and what is said of them are made up.

mod grammar;
mod name;
mod note;
mod place;
mod scene;
mod story;

use jiff::civil::{Date, date};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

pub use grammar::Language;
use scene::{Household, Scene, Step};

/// How much is written, and by how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// Villages; each is one space.
    pub villages: usize,
    /// Volunteers in every village.
    pub volunteers_per_village: usize,
    /// Home visits, of eight fields.
    pub visits: usize,
    /// Proposals, of six fields.
    pub proposals: usize,
    /// Events, of six fields and a report once held.
    pub events: usize,
    /// Needs, of six fields.
    pub needs: usize,
}

impl Scale {
    /// `n` times the first station: 6 villages, 60 volunteers, 1,366 records and about 4,700 changes each time.
    #[must_use]
    pub fn times(n: usize) -> Self {
        Self {
            villages: 6 * n,
            volunteers_per_village: 10,
            visits: 600 * n,
            proposals: 400 * n,
            events: 300 * n,
            needs: 66 * n,
        }
    }

    /// Records of all kinds.
    #[must_use]
    pub fn records(&self) -> usize {
        self.visits + self.proposals + self.events + self.needs
    }

    /// Volunteers of all villages.
    #[must_use]
    pub fn volunteers(&self) -> usize {
        self.villages * self.volunteers_per_village
    }
}

/// When the three years were, and in which language they were written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// The first day.
    pub first_day: Date,
    /// The day after the last: what would come later is not told, and is unfinished work.
    pub end: Option<Date>,
    /// The language of all text; half of it in each if none is named.
    pub language: Option<Language>,
}

impl Telling {
    /// Records begin in these many days from the first on; what follows of the last ones lies in the eleven
    /// weeks after.
    pub const BEGIN_DAYS: i64 = 1_020;

    pub(crate) fn language(&self, rng: &mut ChaCha8Rng) -> Language {
        self.language.unwrap_or_else(|| Language::any(rng))
    }
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            first_day: date(2023, 3, 1),
            end: None,
            language: None,
        }
    }
}

/// A village or community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Village {
    /// The division code; with a part number behind it where there are more villages than the district has.
    pub code: String,
    /// Such as `良登村`; different for every village.
    pub name_zh: String,
    /// Such as `Liangdeng`; different for every village.
    pub name_en: String,
}

/// A volunteer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Index into [`Station::villages`].
    pub village: usize,
    /// Family name first.
    pub name_zh: String,
    /// The same in pinyin.
    pub name_en: String,
}

/// Everything that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Danzao's villages first, then its communities, then other towns'.
    pub villages: Vec<Village>,
    /// Village by village, the same number in each; the first of each leads it.
    pub volunteers: Vec<Person>,
    /// In the order of their claimed times, over three years.
    pub acts: Vec<Act>,
}

/// One change of one record by one volunteer of its village.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Index into [`Station::volunteers`].
    pub by: usize,
    /// Claimed time, in milliseconds since 1970.
    pub at: i64,
    /// Running number of the record, in the order of creation from 0.
    pub record: usize,
    /// Whether its author had not seen the act before it on the same record: both were made on the same state.
    ///
    /// Such a pair is always of two people, on the same field, and the last of its record.
    pub concurrent: bool,
    /// What changed.
    pub what: What,
}

/// What an act does. Fields and values are valid text for the station schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Begins a record.
    Create {
        /// The name of its kind.
        kind: &'static str,
        /// Names and values.
        fields: Vec<(String, String)>,
    },
    /// Changes fields of a record.
    Edit {
        /// Names and new values; of a long text the whole of it.
        fields: Vec<(String, String)>,
    },
}

/// Writes a station: the same for the same seed and scale, on every machine.
///
/// Nothing is written without villages or volunteers.
#[must_use]
pub fn generate(seed: u64, scale: &Scale) -> Station {
    generate_as(seed, scale, &Telling::default())
}

/// The same, in other years or in one language.
#[must_use]
pub fn generate_as(seed: u64, scale: &Scale, telling: &Telling) -> Station {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let villages = place::villages(scale.villages);
    let volunteers: Vec<Person> = (0..scale.volunteers())
        .map(|index| name::person(&mut rng, index / scale.volunteers_per_village))
        .collect();
    let acts = if volunteers.is_empty() {
        Vec::new()
    } else {
        acts(&mut rng, scale, telling, &volunteers)
    };
    Station {
        villages,
        volunteers,
        acts,
    }
}

/// Tells the story of one record in its scene.
type Tell = fn(Scene<'_>) -> Vec<Step>;

fn acts(rng: &mut ChaCha8Rng, scale: &Scale, telling: &Telling, volunteers: &[Person]) -> Vec<Act> {
    let teams: Vec<&[Person]> = volunteers.chunks(scale.volunteers_per_village).collect();
    let homes = teams.iter().map(|_| scene::households(rng, telling));
    let homes: Vec<Vec<Household>> = homes.collect();
    let end = telling.end.map_or(i64::MAX, scene::midnight);
    let mut stories: Vec<Vec<Step>> = Vec::with_capacity(scale.records());
    let kinds: [(usize, Tell); 4] = [
        (scale.visits, story::visit::tell),
        (scale.proposals, story::proposal::tell),
        (scale.events, story::event::tell),
        (scale.needs, story::need::tell),
    ];
    for (count, tell) in kinds {
        let villages = teams.iter().zip(&homes).enumerate().cycle().take(count);
        stories.extend(villages.map(|(village, (team, homes))| {
            let first = village * scale.volunteers_per_village;
            let mut steps = tell(Scene::new(rng, *telling, first, team, homes));
            steps.retain(|step| step.at < end);
            steps
        }));
    }
    in_time_order(stories)
}

fn in_time_order(mut stories: Vec<Vec<Step>>) -> Vec<Act> {
    stories.retain(|steps| !steps.is_empty());
    stories.sort_by_key(|steps| steps.first().map(|step| step.at));
    let numbered = stories.into_iter().enumerate();
    let mut acts: Vec<Act> = numbered
        .flat_map(|(record, steps)| {
            steps.into_iter().map(
                move |Step {
                          by,
                          at,
                          concurrent,
                          what,
                      }| Act {
                    by,
                    at,
                    record,
                    concurrent,
                    what,
                },
            )
        })
        .collect();
    acts.sort_by_key(|act| act.at);
    acts
}
