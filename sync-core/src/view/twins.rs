//! Records that may be one home or one person, written down twice.
//!
//! Which they are is a function of the rows alone, in whatever order they came: every device that has the
//! same rows names the same twins. Nothing is merged by it. People look at a pair and say what it is, in a
//! field of one of the two ([`SAME_FIELD`], [`OTHER_FIELD`]), which is a signed change like any other; a pair
//! about which somebody has said something does not come back (ADR 15).
//!
//! Every row lies in a few blocks, each named by two things that twins may have in common. Only rows of one
//! block are compared, each with at most [`NEIGHBOURS_MAX`] others. The index is kept in memory, made from all
//! rows once and then from those that are touched.

mod door;
mod facts;
mod keys;
mod likeness;
mod name;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::id::{DeviceId, LaneId, Millis, RecordId};
use crate::schema::{Kind, Schema};
use crate::store::ViewRow;

use facts::{Facts, Sort};
use keys::Key;
pub use likeness::Clue;
use likeness::Likeness;

/// The field that says of which other record this one is a second copy.
pub const SAME_FIELD: &str = "same_as";
/// The field that names records of which somebody has said that they are about somebody else.
pub const OTHER_FIELD: &str = "other_than";
/// A row is compared with so many others of a block. People who share as much with more than these are no
/// twins but a family of records that one person would not look through.
pub const NEIGHBOURS_MAX: usize = 32;
/// Steps from a copy to what it is a copy of.
const STEPS_MAX: usize = 64;

/// Two records that may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The one that was begun first, by the clocks of their authors.
    pub first: RecordId,
    /// The other.
    pub second: RecordId,
    /// The kind of both, by name.
    pub kind: String,
    /// Where the second one lives: what it is to the first is written down there.
    pub space: LaneId,
    /// Who began the second one.
    pub begun_by: DeviceId,
    /// What they have in common.
    pub clues: BTreeSet<Clue>,
    /// How much that is; greater is surer.
    pub score: i32,
}

/// The records that may have twins.
#[derive(Debug, Default)]
pub struct Twins {
    /// By kind: what it is about, and its title or natural key.
    kinds: BTreeMap<String, (Sort, String)>,
    facts: BTreeMap<RecordId, Facts>,
    /// People by the home that their records name.
    residents: BTreeMap<RecordId, BTreeSet<RecordId>>,
    /// Records by the one that they are said to be a copy of.
    copies: BTreeMap<RecordId, BTreeSet<RecordId>>,
    /// Records that are said to be other than some.
    parted: BTreeSet<RecordId>,
    blocks: BTreeMap<Key, BTreeSet<RecordId>>,
    /// Blocks with several rows.
    shared: BTreeSet<Key>,
    found: OnceLock<Vec<Pair>>,
}

impl Twins {
    /// Without rows; kinds take part that a schema gives both fields, each leading to the kind itself.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let kinds = schema.kinds().iter().filter_map(|kind| {
            let key = kind.natural_key().unwrap_or_else(|| kind.title());
            Some((kind.name().to_owned(), (Sort::of(kind)?, key.to_owned())))
        });
        Self {
            kinds: kinds.collect(),
            ..Self::default()
        }
    }

    /// Whether records of a kind take part.
    #[must_use]
    pub fn is_about(kind: &Kind) -> bool {
        Sort::of(kind).is_some()
    }

    /// The kinds that take part, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// Takes a row in, in the place of what was there of its record.
    pub fn put(&mut self, row: &ViewRow) {
        match self.kinds.get(&row.kind) {
            Some((sort, key)) => {
                let facts = Facts::read(*sort, key, row);
                self.change(row.record, Some(facts));
            }
            None => self.remove(&row.record),
        }
    }

    /// Forgets a record.
    pub fn remove(&mut self, record: &RecordId) {
        self.change(*record, None);
    }

    fn change(&mut self, record: RecordId, facts: Option<Facts>) {
        if self.facts.get(&record) == facts.as_ref() {
            return;
        }
        self.found.take();
        // A home is found by its people too, and people by the doors of their homes.
        let now = self.facts.get(&record).and_then(|facts| facts.home);
        let then = facts.as_ref().and_then(|facts| facts.home);
        let mut touched: BTreeSet<RecordId> =
            [Some(record), now, then].into_iter().flatten().collect();
        touched.extend(self.residents.get(&record).into_iter().flatten());
        for touched in &touched {
            for key in self.keys(touched) {
                self.leave(key, touched);
            }
        }
        self.unlink(&record);
        if let Some(facts) = facts {
            self.link(record, facts);
        }
        for touched in &touched {
            for key in self.keys(touched) {
                self.enter(key, *touched);
            }
        }
    }

    fn link(&mut self, record: RecordId, facts: Facts) {
        if let Some(home) = facts.home {
            self.residents.entry(home).or_default().insert(record);
        }
        if let Some(first) = facts.same_as {
            self.copies.entry(first).or_default().insert(record);
        }
        if !facts.other_than.is_empty() {
            self.parted.insert(record);
        }
        self.facts.insert(record, facts);
    }

    fn unlink(&mut self, record: &RecordId) {
        let Some(facts) = self.facts.remove(record) else {
            return;
        };
        if let Some(home) = facts.home {
            take_out(&mut self.residents, &home, record);
        }
        if let Some(first) = facts.same_as {
            take_out(&mut self.copies, &first, record);
        }
        self.parted.remove(record);
    }

    fn enter(&mut self, key: Key, record: RecordId) {
        let block = self.blocks.entry(key.clone()).or_default();
        block.insert(record);
        if block.len() > 1 {
            self.shared.insert(key);
        }
    }

    fn leave(&mut self, key: Key, record: &RecordId) {
        take_out(&mut self.blocks, &key, record);
        if self.blocks.get(&key).is_none_or(|block| block.len() < 2) {
            self.shared.remove(&key);
        }
    }

    /// The pairs that nobody has said anything about, the surest first.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        self.found.get_or_init(|| self.find().0)
    }

    /// The pairs, and how many comparisons it took to find them.
    fn find(&self) -> (Vec<Pair>, usize) {
        let parted = self.parted_pairs();
        let mut looked_at = BTreeSet::new();
        let mut pairs = Vec::new();
        for block in self.shared.iter().filter_map(|key| self.blocks.get(key)) {
            let firsts: Vec<&RecordId> = block.iter().filter(|it| self.is_first(it)).collect();
            for (n, a) in firsts.iter().enumerate() {
                for b in firsts.iter().skip(n + 1).take(NEIGHBOURS_MAX) {
                    let both = (**a, **b);
                    if parted.contains(&both) || !looked_at.insert(both) {
                        continue;
                    }
                    pairs.extend(self.compare(both));
                }
            }
        }
        pairs.sort_by_key(|pair| (-pair.score, pair.first, pair.second));
        (pairs, looked_at.len())
    }

    fn compare(&self, (a, b): (RecordId, RecordId)) -> Option<Pair> {
        let (one, two) = (self.facts.get(&a)?, self.facts.get(&b)?);
        let likeness: Likeness = match one.sort {
            Sort::Person => {
                likeness::of_people((one, self.home_of(one)), (two, self.home_of(two)))?
            }
            Sort::Home => {
                let shares = !self.names_in(&a).is_disjoint(&self.names_in(&b));
                likeness::of_homes(one, two, shares)?
            }
        };
        let is_before = self.age(&a) <= self.age(&b);
        let (first, second, later) = if is_before { (a, b, two) } else { (b, a, one) };
        Some(Pair {
            first,
            second,
            kind: later.kind.clone(),
            space: later.space,
            begun_by: later.begun_by,
            clues: likeness.clues,
            score: likeness.score,
        })
    }

    /// What comes first among copies.
    fn age(&self, record: &RecordId) -> (Option<Millis>, RecordId) {
        let facts = self.facts.get(record);
        (facts.map(|facts| facts.begun), *record)
    }

    /// What a record is said to be a copy of: another of its kind that is here, unless somebody says at the
    /// same time that they are two. Then nothing is settled, and the pair comes up again.
    #[must_use]
    pub fn original_of(&self, record: &RecordId) -> Option<RecordId> {
        let facts = self.facts.get(record)?;
        let to = facts.same_as.filter(|to| to != record)?;
        let other = self.facts.get(&to)?;
        let is_disputed = facts.other_than.contains(&to) || other.other_than.contains(record);
        (other.kind == facts.kind && !is_disputed).then_some(to)
    }

    /// The record that stands for this one and all its copies: itself, unless it is a copy. Of records that
    /// are said to be copies of each other in a circle it is the one begun first.
    #[must_use]
    pub fn first_of(&self, record: &RecordId) -> RecordId {
        let mut way = vec![*record];
        while let Some(next) = way.last().and_then(|last| self.original_of(last)) {
            if let Some(from) = way.iter().position(|passed| *passed == next) {
                let circle = way.iter().skip(from);
                let first = circle.min_by_key(|passed| self.age(passed));
                return first.copied().unwrap_or(next);
            }
            if way.len() >= STEPS_MAX {
                break;
            }
            way.push(next);
        }
        way.last().copied().unwrap_or(*record)
    }

    fn is_first(&self, record: &RecordId) -> bool {
        self.first_of(record) == *record
    }

    /// The record that stands for all, then its copies in the order of their ids.
    #[must_use]
    pub fn group_of(&self, record: &RecordId) -> Vec<RecordId> {
        let first = self.first_of(record);
        let mut group = vec![first];
        let mut seen = BTreeSet::from([first]);
        let mut at = 0;
        while let Some(next) = group.get(at).copied() {
            at += 1;
            let copies = self.copies.get(&next).into_iter().flatten();
            let copies = copies.filter(|copy| self.original_of(copy) == Some(next));
            group.extend(copies.filter(|copy| seen.insert(**copy)));
        }
        group
    }

    /// Pairs that are said to be two, by the records that stand for them, each in both orders.
    fn parted_pairs(&self) -> BTreeSet<(RecordId, RecordId)> {
        let mut pairs = BTreeSet::new();
        for record in &self.parted {
            let Some(facts) = self.facts.get(record) else {
                continue;
            };
            for other in &facts.other_than {
                let claims = |a: &RecordId, b: &RecordId| {
                    self.facts.get(a).and_then(|facts| facts.same_as) == Some(*b)
                };
                if claims(record, other) || claims(other, record) {
                    continue;
                }
                let (a, b) = (self.first_of(record), self.first_of(other));
                pairs.extend([(a, b), (b, a)]);
            }
        }
        pairs
    }
}

fn take_out<K: Ord>(map: &mut BTreeMap<K, BTreeSet<RecordId>>, key: &K, record: &RecordId) {
    if let Some(set) = map.get_mut(key) {
        set.remove(record);
        if set.is_empty() {
            map.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
