//! How long people waited: from a need to its solution, from a record handed in to its answer, and whether
//! tasks were done when they were due. Moments are those that authors' clocks say.

use serde::Serialize;
use serde_json::Value as Json;

use crate::id::Millis;
use crate::schema::{DUE_FIELD, Kind, day_of};
use crate::store::ViewRow;
use crate::view::day_at;

const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;
/// The one clock of the country, UTC+8.
const CLOCK_MILLIS: i64 = 8 * HOUR_MILLIS;

/// The states that a record was put into, with the moment, in the same order everywhere.
pub type Moves = [(Millis, String)];

/// The middle of many waits and the one that nine of ten do not exceed: both are waits that somebody had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Spread {
    /// How many waits.
    pub count: u64,
    /// The middle one; of two in the middle, the shorter.
    pub median: u64,
    /// So long or less, nine of ten waited.
    pub p90: u64,
}

impl Spread {
    fn of(mut waits: Vec<u64>) -> Self {
        waits.sort_unstable();
        let count = waits.len();
        // The nearest rank: the first wait that at least so many of a hundred do not exceed.
        let at = |percent: usize| {
            let rank = (count * percent).div_ceil(100).saturating_sub(1);
            waits.get(rank).copied().unwrap_or(0)
        };
        Self {
            count: count as u64,
            median: at(50),
            p90: at(90),
        }
    }
}

/// How long people waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Waits {
    /// From the day when a need was raised to the day when it was first solved, in days; of needs that are
    /// solved, confirmed or closed now.
    pub need_days: Spread,
    /// From the moment when a record was handed in to the answer of somebody else, in whole hours.
    pub review_hours: Spread,
}

/// Whether tasks were done when they were due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OnTime {
    /// Tasks that are done and had a day when they were due.
    pub with_due: u64,
    /// Of them, those that were last put to done on that day or before.
    pub on_time: u64,
}

/// Whether the history of a record is needed: of what can be in the numbers alone, because it is read from
/// the record itself.
pub(crate) fn asks_for_moves(kind: &Kind, row: &ViewRow) -> bool {
    let is_first = kind.first_state().map(|state| state.value()) == row.state.as_deref();
    if is_first || kind.states().is_empty() {
        return false;
    }
    is_solved(row) || is_done(row) || kind.states().iter().any(|it| kind.is_handed_in(it))
}

fn is_in(row: &ViewRow, kind: &str, states: &[&str]) -> bool {
    row.kind == kind && row.state.as_deref().is_some_and(|it| states.contains(&it))
}

fn is_solved(row: &ViewRow) -> bool {
    is_in(row, "need", &["solved", "confirmed", "closed"])
}

fn is_done(row: &ViewRow) -> bool {
    is_in(row, "task", &["done", "verified"])
}

/// Days since 1970 by the one clock of the country.
fn day_number(at: Millis) -> i64 {
    at.0.saturating_add(CLOCK_MILLIS).div_euclid(DAY_MILLIS)
}

/// Waits on the way.
#[derive(Debug, Default)]
pub(crate) struct Timing {
    need_days: Vec<u64>,
    review_hours: Vec<u64>,
    on_time: OnTime,
}

impl Timing {
    pub(crate) fn add(&mut self, kind: &Kind, row: &ViewRow, fields: &Json, moves: &Moves) {
        if is_solved(row) {
            let solved = moves.iter().find(|(_, state)| state == "solved");
            let days = solved.map(|(at, _)| day_number(*at) - day_number(row.created_at));
            self.need_days.extend(days.map(not_negative));
        }
        if is_done(row) {
            self.add_done(fields, moves);
        }
        self.add_answers(kind, moves);
    }

    fn add_done(&mut self, fields: &Json, moves: &Moves) {
        let due = fields.get(DUE_FIELD).and_then(Json::as_str);
        let Some(due) = due.and_then(day_of) else {
            return;
        };
        let done = moves.iter().rev().find(|(_, state)| state == "done");
        self.on_time.with_due += 1;
        let day = done.and_then(|(at, _)| day_at(*at));
        self.on_time.on_time += u64::from(day.is_some_and(|day| day.as_str() <= due));
    }

    fn add_answers(&mut self, kind: &Kind, moves: &Moves) {
        let mut handed_in: Option<Millis> = None;
        for (at, value) in moves {
            let Some(state) = kind.state(value) else {
                continue;
            };
            if kind.is_handed_in(state) {
                handed_in = Some(*at);
            } else if let Some(since) = handed_in.take() {
                let hours = at.0.saturating_sub(since.0).div_euclid(HOUR_MILLIS);
                self.review_hours.push(not_negative(hours));
            }
        }
    }

    pub(crate) fn finish(self) -> (Waits, OnTime) {
        let waits = Waits {
            need_days: Spread::of(self.need_days),
            review_hours: Spread::of(self.review_hours),
        };
        (waits, self.on_time)
    }
}

/// Clocks may go backwards from one phone to the other; nobody waited less than nothing.
fn not_negative(wait: i64) -> u64 {
    u64::try_from(wait).unwrap_or(0)
}
