//! The station's own account: what it counts of its work, with the rows behind every number.
//!
//! Like all statistics it is a fold over rows, and over what their histories say of states. Nothing in it
//! depends on the device, the moment or the order of rows: equal records and an equal roster, equal bytes.

mod measure;
mod promoted;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value as Json;

use super::{Question, Statistics, texts};
use crate::id::{DeviceId, MemberId};
use crate::schema::{FieldType, Schema};
use crate::store::ViewRow;

pub use measure::{LAST_DAY, MEASURES, Measure, Span, What, Whose, left, visits_of};
pub use promoted::{Promoted, Promotion};
pub use waits::{Moves, OnTime, Spread, Waits};
pub(crate) use waits::{Timing, asks_for_moves};

/// One number and its parts. Maps are in the order of their keys, so that equal numbers are equal JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Figure {
    /// All of it.
    pub total: i64,
    /// By space.
    pub by_space: BTreeMap<String, i64>,
    /// By month, `YYYY-MM`.
    pub by_month: BTreeMap<String, i64>,
    /// By category, if its rows have any.
    pub by_category: BTreeMap<String, i64>,
}

/// The numbers: the same bytes of JSON wherever the same is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Account {
    /// By what they are called, as [`MEASURES`] says.
    pub figures: BTreeMap<&'static str, Figure>,
    /// How long people waited.
    pub waits: Waits,
    /// Whether work was done when it was due.
    pub on_time: OnTime,
    /// Who was given a leading role.
    pub promoted: Promoted,
    /// How many members have begun any of these records.
    pub active: u64,
    /// Every kind by itself: by state, space, month and choice.
    pub kinds: Statistics,
}

/// The same figures by member: for whoever may see them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct People(pub BTreeMap<&'static str, BTreeMap<String, i64>>);

/// Adds up, or tells apart.
#[derive(Debug, Default)]
struct Tally {
    sum: i64,
    met: BTreeSet<String>,
}

impl Tally {
    fn add(&mut self, part: &Part<'_>) {
        match part {
            Part::Sum(more) => self.sum = self.sum.saturating_add(*more),
            Part::Met(met) => self.met.extend(met.iter().map(|it| (*it).to_owned())),
        }
    }

    fn number(&self) -> i64 {
        let met = i64::try_from(self.met.len()).unwrap_or(i64::MAX);
        self.sum.saturating_add(met)
    }
}

/// What one row gives to a number.
enum Part<'r> {
    Sum(i64),
    Met(Vec<&'r str>),
}

impl<'r> Part<'r> {
    fn of(what: What, fields: &'r Json) -> Self {
        let value = |name: &str| fields.get(name).unwrap_or(&Json::Null);
        match what {
            What::Rows => Self::Sum(1),
            What::Sum(field) => Self::Sum(value(field).as_i64().unwrap_or(0)),
            What::Different(field) => Self::Met(texts(value(field)).collect()),
        }
    }
}

#[derive(Debug, Default)]
struct Tallies {
    all: Tally,
    by_space: BTreeMap<String, Tally>,
    by_month: BTreeMap<String, Tally>,
    by_category: BTreeMap<String, Tally>,
    by_person: BTreeMap<String, Tally>,
}

fn numbers(tallies: &BTreeMap<String, Tally>) -> BTreeMap<String, i64> {
    let tallies = tallies.iter();
    tallies
        .map(|(key, tally)| (key.clone(), tally.number()))
        .collect()
}

impl Tallies {
    fn add(&mut self, measure: &Measure, row: &ViewRow, fields: &Json, people: &BTreeSet<String>) {
        let part = Part::of(measure.what, fields);
        self.all.add(&part);
        let space = self.by_space.entry(row.space.to_string()).or_default();
        space.add(&part);
        // What is still to be done belongs to no month of the time that is asked for.
        let day = row.day.as_deref().filter(|_| measure.span == Span::About);
        if let Some(month) = day.and_then(|day| day.get(..7)) {
            let month = self.by_month.entry(month.to_owned()).or_default();
            month.add(&part);
        }
        let category = measure.category.and_then(|name| fields.get(name));
        for category in category.into_iter().flat_map(texts) {
            let category = self.by_category.entry(category.to_owned()).or_default();
            category.add(&part);
        }
        for person in people {
            let person = self.by_person.entry(person.clone()).or_default();
            person.add(&part);
        }
    }

    fn figure(&self) -> Figure {
        Figure {
            total: self.all.number(),
            by_space: numbers(&self.by_space),
            by_month: numbers(&self.by_month),
            by_category: numbers(&self.by_category),
        }
    }
}

/// Counts rows of a question, whatever their order. `member_of` says whose a device is.
pub(crate) struct Counting<'s> {
    schema: &'s Schema,
    question: &'s Question,
    tallies: BTreeMap<&'static str, Tallies>,
    begun_by: BTreeSet<MemberId>,
    timing: Timing,
}

impl<'s> Counting<'s> {
    pub(crate) fn new(schema: &'s Schema, question: &'s Question) -> Self {
        let tallies = MEASURES.iter();
        Self {
            schema,
            question,
            tallies: tallies
                .map(|measure| (measure.name, Tallies::default()))
                .collect(),
            begun_by: BTreeSet::new(),
            timing: Timing::default(),
        }
    }

    /// Takes one row, and the states that it went through if [`asks_for_moves`] says so.
    pub(crate) fn add(
        &mut self,
        row: &ViewRow,
        moves: &Moves,
        member_of: impl Fn(&DeviceId) -> Option<MemberId>,
    ) {
        let fields = row.values();
        let creator = member_of(&row.created_by);
        self.begun_by.extend(creator);
        let named = self.named(row, &fields);
        for measure in MEASURES.iter().filter(|measure| measure.fits(row)) {
            self.count(measure, row, &fields, &named, creator);
        }
        if let Some(kind) = self.schema.kind(&row.kind) {
            self.timing.add(kind, row, &fields, moves);
        }
    }

    /// Takes one row of a measure that counts others than those about a day in the time that is asked for.
    pub(crate) fn add_beside(
        &mut self,
        measure: &Measure,
        row: &ViewRow,
        member_of: impl Fn(&DeviceId) -> Option<MemberId>,
    ) {
        let fields = row.values();
        let named = self.named(row, &fields);
        self.count(measure, row, &fields, &named, member_of(&row.created_by));
    }

    fn count(
        &mut self,
        measure: &Measure,
        row: &ViewRow,
        fields: &Json,
        named: &BTreeSet<String>,
        creator: Option<MemberId>,
    ) {
        let asked = self.question.person.as_ref();
        let asked = asked.map(|person| person.member.to_string());
        let is_theirs = |person: &String| named.contains(person);
        if measure.whose == Whose::Named && !asked.as_ref().is_none_or(is_theirs) {
            return;
        }
        let begun = creator.filter(|_| measure.whose == Whose::BegunOrNamed);
        let mut people = named.clone();
        people.extend(begun.map(|id| id.to_string()));
        if let Some(asked) = &asked {
            people.retain(|person| person == asked);
        }
        if let Some(tallies) = self.tallies.get_mut(measure.name) {
            tallies.add(measure, row, fields, &people);
        }
    }

    /// The members whom a row names in any field.
    fn named(&self, row: &ViewRow, fields: &Json) -> BTreeSet<String> {
        let Some(kind) = self.schema.kind(&row.kind) else {
            return BTreeSet::new();
        };
        let leads_to_members =
            |ty: &FieldType| matches!(ty, FieldType::Member | FieldType::Members);
        let named = kind.fields().iter();
        let named = named.filter(|field| leads_to_members(field.ty()));
        let values = named.filter_map(|field| fields.get(field.name()));
        let ids = values
            .flat_map(texts)
            .filter(|id| id.parse::<MemberId>().is_ok());
        ids.map(str::to_owned).collect()
    }

    pub(crate) fn finish(self, kinds: Statistics, promotions: &[Promotion]) -> (Account, People) {
        let tallies = self.tallies.iter();
        let people = tallies.clone().filter(|(_, it)| !it.by_person.is_empty());
        let people = people.map(|(name, it)| (*name, numbers(&it.by_person)));
        let people = People(people.collect());
        let (waits, on_time) = self.timing.finish();
        let account = Account {
            figures: tallies.map(|(name, it)| (*name, it.figure())).collect(),
            waits,
            on_time,
            promoted: Promoted::of(promotions, self.question),
            active: self.begun_by.len() as u64,
            kinds,
        };
        (account, people)
    }
}

#[cfg(test)]
mod tests;
