//! How much two records have in common, and what.
//!
//! One thing in common is never enough: many are called 李伟, each village has a first lane with a door 3, and a
//! son's telephone stands in the records of two homes. What both say and say otherwise counts against it.

use std::collections::BTreeSet;

use super::door::Nearness;
use super::facts::Facts;

/// From here on two records are shown to people.
const ENOUGH: i32 = 4;
/// Two may be born in years next to each other by one calendar and in one by the other.
const YEARS_NEAR: u64 = 1;

/// What two records have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clue {
    /// The same name.
    Name,
    /// The same way to be called, which does not say who.
    Called,
    /// The same surname, where one of them says no more.
    Surname,
    /// The same telephone.
    Phone,
    /// The same home's record.
    Home,
    /// The same door.
    Door,
    /// Doors of which one says more than the other.
    NearDoor,
    /// The same year of birth.
    BirthYear,
    /// Years of birth that follow each other.
    NearYear,
    /// The same village group.
    Place,
    /// Somebody of the same name lives in both.
    Resident,
}

impl Clue {
    /// A word for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Called => "called",
            Self::Surname => "surname",
            Self::Phone => "phone",
            Self::Home => "home",
            Self::Door => "door",
            Self::NearDoor => "near_door",
            Self::BirthYear => "birth_year",
            Self::NearYear => "near_year",
            Self::Place => "place",
            Self::Resident => "resident",
        }
    }
}

/// How alike two records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Likeness {
    pub(super) score: i32,
    pub(super) clues: BTreeSet<Clue>,
}

impl Likeness {
    fn new() -> Self {
        Self {
            score: 0,
            clues: BTreeSet::new(),
        }
    }

    fn add(&mut self, clue: Clue, weight: i32) {
        self.score += weight;
        self.clues.insert(clue);
    }

    /// Who has two telephones may be written down with either.
    fn weigh_phones(&mut self, one: &Facts, two: &Facts) {
        if !one.phones.is_disjoint(&two.phones) {
            self.add(Clue::Phone, 3);
        } else if !one.phones.is_empty() && !two.phones.is_empty() {
            self.score -= 1;
        }
    }

    fn if_enough(self) -> Option<Self> {
        (self.score >= ENOUGH).then_some(self)
    }
}

/// Two people's records, with the doors of their homes.
pub(super) fn of_people(
    (one, one_home): (&Facts, Option<&Facts>),
    (two, two_home): (&Facts, Option<&Facts>),
) -> Option<Likeness> {
    let mut likeness = Likeness::new();
    let (a, b) = (one.name.as_ref()?, two.name.as_ref()?);
    if a.text == b.text && a.is_full {
        likeness.add(Clue::Name, 2);
    } else if a.text == b.text {
        likeness.add(Clue::Called, 1);
    } else if a.fits(b) {
        likeness.add(Clue::Surname, 0);
    } else {
        return None;
    }
    likeness.weigh_phones(one, two);
    if let (Some(a), Some(b)) = (one.birth_year, two.birth_year) {
        match a.abs_diff(b) {
            0 => likeness.add(Clue::BirthYear, 2),
            YEARS_NEAR => likeness.add(Clue::NearYear, 1),
            _apart => likeness.score -= 3,
        }
    }
    if one.home.is_some() && one.home == two.home {
        likeness.add(Clue::Home, 3);
    } else if let Some((a, b)) = one_home.zip(two_home) {
        match nearness(a, b) {
            Nearness::Same => likeness.add(Clue::Door, 2),
            Nearness::Near => likeness.add(Clue::NearDoor, 1),
            Nearness::Apart => {}
        }
    }
    likeness.if_enough()
}

/// Two homes' records; whether somebody of one full name lives in both is known to the caller.
pub(super) fn of_homes(one: &Facts, two: &Facts, shares_resident: bool) -> Option<Likeness> {
    let mut likeness = Likeness::new();
    match nearness(one, two) {
        Nearness::Same => likeness.add(Clue::Door, 2),
        Nearness::Near => likeness.add(Clue::NearDoor, 1),
        Nearness::Apart => return None,
    }
    // Within one village a door is there once.
    if one.space == two.space && likeness.clues.contains(&Clue::Door) {
        likeness.score += 2;
    }
    likeness.weigh_phones(one, two);
    if let (Some(a), Some(b)) = (one.place, two.place) {
        if a == b {
            likeness.add(Clue::Place, 2);
        } else {
            likeness.score -= 2;
        }
    }
    if shares_resident {
        likeness.add(Clue::Resident, 2);
    }
    likeness.if_enough()
}

fn nearness(one: &Facts, two: &Facts) -> Nearness {
    match (&one.door, &two.door) {
        (Some(a), Some(b)) => a.nearness(b),
        (Some(_) | None, _) => Nearness::Apart,
    }
}
