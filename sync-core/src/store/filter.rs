//! Which rows of the view, in which order, and from where on.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::id::{DeviceId, LaneId, MemberId, Millis, RecordId};
use crate::store::ViewRow;
use crate::view::words::Search;

/// What a field leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkTarget {
    /// Another record.
    Record(RecordId),
    /// A member.
    Member(MemberId),
}

/// A field of a record, and one thing that it leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowLink {
    /// The field's name.
    pub field: String,
    /// Where it leads.
    pub target: LinkTarget,
}

/// What a row is found by beside its own columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowIndex {
    /// Where its fields lead.
    pub links: BTreeSet<RowLink>,
    /// The words that it is found by ([`words`](crate::view::words)).
    pub words: BTreeSet<String>,
}

/// A member and their devices, to find what they have to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The member, as fields name them.
    pub member: MemberId,
    /// Their devices, as records are begun by them.
    pub devices: Vec<DeviceId>,
}

/// Rows that lead to others: visits to the homes that they were paid to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedFrom {
    /// Their kind.
    pub kind: String,
    /// Only those about this day or a later one, `YYYY-MM-DD`.
    pub day_from: Option<String>,
    /// Only those about this day or an earlier one.
    pub day_to: Option<String>,
}

impl LedFrom {
    /// The rows that lead to others.
    pub(crate) fn filter(&self) -> RowFilter {
        RowFilter {
            kind: Some(self.kind.clone()),
            day_from: self.day_from.clone(),
            day_to: self.day_to.clone(),
            ..RowFilter::default()
        }
    }
}

/// What comes first in a list; equal ones follow by record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Order {
    /// The newest change.
    #[default]
    Newest,
    /// What is due soonest; what is never due comes last.
    Due,
    /// What is about the latest day; what is about none comes last.
    Day,
}

/// The place of a row in every order: a list goes on after it, also if the row has moved since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When it was changed.
    pub updated_at: Millis,
    /// When it is due.
    pub due: Option<String>,
    /// Which day it is about.
    pub day: Option<String>,
    /// The record.
    pub record: RecordId,
}

impl Cursor {
    /// The place of a row, for the list that goes on after it.
    #[must_use]
    pub fn of(row: &ViewRow) -> Self {
        Self {
            updated_at: row.updated_at,
            due: row.due.clone(),
            day: row.day.clone(),
            record: row.record,
        }
    }
}

/// Which rows, in which order. Everything that is asked for must be so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowFilter {
    /// Only this kind.
    pub kind: Option<String>,
    /// Only one of these kinds; none: all.
    pub kinds: Vec<String>,
    /// Only this space.
    pub space: Option<LaneId>,
    /// Only one of these spaces; none: all.
    pub spaces: Vec<LaneId>,
    /// Only rows in one of these states; none: all rows, those of kinds without states too.
    pub states: Vec<String>,
    /// Only rows of one of these kinds in the state beside it; none: all.
    pub in_states: Vec<(String, String)>,
    /// Only rows with a conflict.
    pub only_conflicts: bool,
    /// Only rows with a field that leads here.
    pub linked: Option<LinkTarget>,
    /// Only rows that were begun by this person or name them.
    pub person: Option<Person>,
    /// Only rows begun by one of these devices.
    pub created_by: Option<Vec<DeviceId>>,
    /// Only rows that none of these devices has begun.
    pub not_created_by: Vec<DeviceId>,
    /// Only rows whose latest change is by one of these devices.
    pub updated_by: Option<Vec<DeviceId>>,
    /// Only rows that are due on this day or later, `YYYY-MM-DD`.
    pub due_from: Option<String>,
    /// Only rows that are due on this day or earlier.
    pub due_to: Option<String>,
    /// Only rows about this day or a later one, `YYYY-MM-DD`.
    pub day_from: Option<String>,
    /// Only rows about this day or an earlier one.
    pub day_to: Option<String>,
    /// Only rows changed later than this.
    pub changed_after: Option<Millis>,
    /// Only rows changed earlier than this.
    pub changed_before: Option<Millis>,
    /// Only rows of one of these kinds that were changed earlier than the moment beside it; none: all.
    /// With no kind in it, nothing fits.
    pub unchanged_since: Option<Vec<(String, Millis)>>,
    /// Only these records; none: all.
    pub records: Option<Vec<RecordId>>,
    /// Only rows with all words that were typed.
    pub search: Option<String>,
    /// Only rows in which each of these fields is chosen to be the value beside it, or holds it among others.
    pub choices: Vec<(String, String)>,
    /// Only rows in which none of these fields is chosen to be the value beside it, or holds it among others.
    pub not_choices: Vec<(String, String)>,
    /// Only rows to which no field of such a row leads.
    pub not_led_from: Option<LedFrom>,
    /// What comes first.
    pub order: Order,
    /// Only what comes after this place in that order.
    pub after: Option<Cursor>,
    /// At most so many; none: all.
    pub limit: Option<usize>,
    /// After so many.
    pub offset: usize,
}

/// What an order compares; the lesser one comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Newest(Reverse<Millis>),
    Due(bool, Option<String>),
    Day(Reverse<Option<String>>),
}

impl Rank {
    pub(crate) fn newest(updated_at: Millis) -> Self {
        Self::Newest(Reverse(updated_at))
    }

    pub(crate) fn due(due: Option<String>) -> Self {
        Self::Due(due.is_none(), due)
    }

    pub(crate) fn day(day: Option<String>) -> Self {
        Self::Day(Reverse(day))
    }
}

impl Order {
    /// Where a place lies in this order.
    pub(crate) fn rank(self, place: &Cursor) -> (Rank, RecordId) {
        let rank = match self {
            Self::Newest => Rank::newest(place.updated_at),
            Self::Due => Rank::due(place.due.clone()),
            Self::Day => Rank::day(place.day.clone()),
        };
        (rank, place.record)
    }
}

impl RowFilter {
    /// Whether any row that fits may be one of a group: of a space, a kind and a state.
    pub(crate) fn fits_group(&self, space: &LaneId, kind: &str, state: Option<&str>) -> bool {
        self.kind.as_ref().is_none_or(|wanted| wanted == kind)
            && (self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind))
            && self.space.is_none_or(|wanted| wanted == *space)
            && (self.spaces.is_empty() || self.spaces.contains(space))
            && (self.states.is_empty()
                || self
                    .states
                    .iter()
                    .any(|wanted| Some(wanted.as_str()) == state))
            && (self.in_states.is_empty()
                || self
                    .in_states
                    .iter()
                    .any(|(of, wanted)| of == kind && Some(wanted.as_str()) == state))
            && self
                .unchanged_since
                .as_ref()
                .is_none_or(|kinds| kinds.iter().any(|(of, _)| of == kind))
    }

    /// Whether a row fits by its own columns; its links and words are elsewhere.
    pub(crate) fn fits_row(&self, row: &ViewRow) -> bool {
        let is_by = |device: &DeviceId, wanted: &Option<Vec<DeviceId>>| {
            wanted.as_ref().is_none_or(|wanted| wanted.contains(device))
        };
        self.fits_group(&row.space, &row.kind, row.state.as_deref())
            && (!self.only_conflicts || row.conflicts > 0)
            && is_by(&row.created_by, &self.created_by)
            && !self.not_created_by.contains(&row.created_by)
            && is_by(&row.updated_by, &self.updated_by)
            && is_within(
                row.due.as_ref(),
                self.due_from.as_ref(),
                self.due_to.as_ref(),
            )
            && is_within(
                row.day.as_ref(),
                self.day_from.as_ref(),
                self.day_to.as_ref(),
            )
            && self
                .changed_after
                .is_none_or(|after| row.updated_at > after)
            && self
                .changed_before
                .is_none_or(|before| row.updated_at < before)
            && self.unchanged_since.as_ref().is_none_or(|kinds| {
                let mut kinds = kinds.iter();
                kinds.any(|(kind, before)| *kind == row.kind && row.updated_at < *before)
            })
            && self
                .records
                .as_ref()
                .is_none_or(|records| records.contains(&row.record))
    }

    /// What was typed to be found and what is to be chosen, if anything is asked.
    pub(crate) fn words_wanted(&self) -> Option<Search> {
        let search = self.search.as_deref().map(Search::read);
        let search = search.unwrap_or_default().with_choices(&self.choices);
        Some(search).filter(|search| !search.is_empty())
    }

    /// What must not be chosen, each by itself.
    pub(crate) fn choices_unwanted(&self) -> Vec<Search> {
        let unwanted = self.not_choices.iter();
        unwanted
            .map(|choice| Search::default().with_choices(std::slice::from_ref(choice)))
            .collect()
    }

    /// Whether a row fits by where its fields lead, and by who began it.
    pub(crate) fn fits_links(&self, row: &ViewRow, links: &BTreeSet<RowLink>) -> bool {
        let leads_to = |target: LinkTarget| links.iter().any(|link| link.target == target);
        self.linked.is_none_or(leads_to)
            && self.person.as_ref().is_none_or(|person| {
                person.devices.contains(&row.created_by)
                    || leads_to(LinkTarget::Member(person.member))
            })
    }
}

/// Whether a day lies between two, both of them included; no day lies in a bounded time.
fn is_within(day: Option<&String>, from: Option<&String>, to: Option<&String>) -> bool {
    match day {
        Some(day) => from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to),
        None => from.is_none() && to.is_none(),
    }
}
