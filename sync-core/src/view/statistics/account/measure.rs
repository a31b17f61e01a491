//! What the station counts of its rows, each with the filter that opens them.

use super::Question;
use crate::store::{LedFrom, LinkTarget, RowFilter, ViewRow};

/// What is counted of the rows that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The rows themselves.
    Rows,
    /// What a field with numbers or minutes adds up to; stays at the ends of 64 bits.
    Sum(&'static str),
    /// How many different records or members a field leads to.
    Different(&'static str),
}

/// Whose a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Of who has begun it and of everybody whom it names.
    BegunOrNamed,
    /// Of those whom it names alone: hours are somebody's, whoever wrote them down.
    Named,
}

/// Which rows are counted, and what the time that is asked for has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Those about a day in that time.
    About,
    /// Those whose work is not over and that are due by the end of that time, whenever they were begun.
    DueBy,
    /// Homes that are lived in and that no visit of that time leads to.
    NotVisited,
}

/// One thing that the station counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// What it is called in JSON.
    pub name: &'static str,
    /// The kind of its rows; none: all.
    pub kind: Option<&'static str>,
    /// The states that they are in; none: all.
    pub states: &'static [&'static str],
    /// Only rows with several values in a field.
    pub only_conflicts: bool,
    /// What of them.
    pub what: What,
    /// Whose they are.
    pub whose: Whose,
    /// The field that says of which category they are.
    pub category: Option<&'static str>,
    /// Which of them.
    pub span: Span,
}

const fn rows(
    name: &'static str,
    kind: &'static str,
    states: &'static [&'static str],
    category: Option<&'static str>,
) -> Measure {
    Measure {
        name,
        kind: Some(kind),
        states,
        only_conflicts: false,
        what: What::Rows,
        whose: Whose::BegunOrNamed,
        category,
        span: Span::About,
    }
}

const HELD: &[&str] = &["held", "reported", "accepted"];
const LEARNT: &[&str] = &["attended", "passed"];

/// The kind of what is paid to a home.
const VISIT: &str = "visit";
/// A home that nobody is to visit any more.
const LEFT: [(&str, &str); 2] = [("status", "moved"), ("status", "closed")];
/// Where a time has no end, everything that is ever due is due by it.
pub const LAST_DAY: &str = "9999-12-31";

/// All that the station counts of its rows, in the order in which people read it.
pub const MEASURES: [Measure; 18] = [
    rows("visits", "visit", &[], Some("purpose")),
    Measure {
        what: What::Different("home"),
        ..rows("households", "visit", &[], Some("purpose"))
    },
    rows("needs", "need", &[], Some("category")),
    rows(
        "needs_settled",
        "need",
        &["solved", "confirmed", "closed"],
        Some("category"),
    ),
    rows("proposals", "proposal", &[], Some("category")),
    rows("events", "event", HELD, Some("category")),
    Measure {
        what: What::Sum("headcount"),
        ..rows("attendance", "event", HELD, Some("category"))
    },
    rows("sessions", "session", &["held", "minutes_agreed"], None),
    rows("resolutions", "resolution", &[], None),
    rows("trainings", "training", LEARNT, Some("topic")),
    Measure {
        what: What::Different("members"),
        ..rows("trained", "training", LEARNT, Some("topic"))
    },
    Measure {
        what: What::Sum("minutes"),
        whose: Whose::Named,
        ..rows(
            "minutes_claimed",
            "hours",
            &["claimed", "confirmed", "certified"],
            None,
        )
    },
    Measure {
        what: What::Sum("minutes"),
        whose: Whose::Named,
        ..rows(
            "minutes_confirmed",
            "hours",
            &["confirmed", "certified"],
            None,
        )
    },
    rows("tasks_done", "task", &["done", "verified"], None),
    Measure {
        span: Span::DueBy,
        ..rows("tasks_overdue", "task", &["open", "doing"], None)
    },
    Measure {
        span: Span::NotVisited,
        ..rows("households_unvisited", "household", &[], None)
    },
    Measure {
        kind: None,
        only_conflicts: true,
        ..rows("in_conflict", "", &[], None)
    },
    Measure {
        kind: None,
        ..rows("records", "", &[], None)
    },
];

impl Measure {
    /// The measure of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        MEASURES.iter().find(|measure| measure.name == name)
    }

    /// The rows behind the number.
    #[must_use]
    pub fn filter(&self, question: &Question) -> RowFilter {
        let mut filter = RowFilter {
            kind: self.kind.map(str::to_owned),
            states: self.states.iter().map(|it| (*it).to_owned()).collect(),
            only_conflicts: self.only_conflicts,
            ..question.filter()
        };
        if self.whose == Whose::Named
            && let Some(person) = filter.person.take()
        {
            filter.linked = Some(LinkTarget::Member(person.member));
        }
        match self.span {
            Span::About => {}
            Span::DueBy => {
                filter.day_from = None;
                let end = filter.day_to.take();
                filter.due_to = Some(end.unwrap_or_else(|| LAST_DAY.to_owned()));
            }
            Span::NotVisited => {
                let visits = visits_of(filter.day_from.take(), filter.day_to.take());
                filter.not_led_from = Some(visits);
                filter.not_choices = left();
            }
        }
        filter
    }

    /// Whether a row about a day in the time that is asked for is one of those that are counted.
    pub(super) fn fits(&self, row: &ViewRow) -> bool {
        self.span == Span::About
            && self.kind.is_none_or(|kind| kind == row.kind)
            && (!self.only_conflicts || row.conflicts > 0)
            && (self.states.is_empty()
                || row
                    .state
                    .as_deref()
                    .is_some_and(|state| self.states.contains(&state)))
    }
}

/// What a home says of itself that nobody is to visit any more.
#[must_use]
pub fn left() -> Vec<(String, String)> {
    let left = LEFT.iter();
    left.map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
        .collect()
}

/// The visits of a time, that lead to homes.
#[must_use]
pub fn visits_of(day_from: Option<String>, day_to: Option<String>) -> LedFrom {
    LedFrom {
        kind: VISIT.to_owned(),
        day_from,
        day_to,
    }
}
