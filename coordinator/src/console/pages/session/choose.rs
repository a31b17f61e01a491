//! Which session is on now, and which was before.

use jiff::Span;
use sync_core::id::RecordId;
use sync_core::replica::Replica;
use sync_core::schema::State;
use sync_core::store::{Order, RowFilter};

use super::{Open, SESSION};
use crate::console::cx::{Cx, Trouble};

/// Sessions are weekly: one that is planned is no further away.
const DAYS_AHEAD: i64 = 14;
/// Sessions of one day among which the one before is looked for.
const SAME_DAY_MAX: usize = 8;

/// The session that is planned next, today's too; if there is none, the last one.
pub(super) fn current(replica: &Replica, cx: &Cx) -> Result<Option<RecordId>, Trouble> {
    let today = cx.clock.today();
    let sessions = RowFilter {
        kind: Some(SESSION.to_owned()),
        states: taking_place(replica),
        order: Order::Day,
        ..RowFilter::default()
    };
    let ahead = RowFilter {
        day_from: Some(today.to_string()),
        day_to: Some(
            today
                .saturating_add(Span::new().days(DAYS_AHEAD))
                .to_string(),
        ),
        ..sessions.clone()
    };
    // The latest day comes first.
    if let Some(next) = replica.list(&ahead)?.last() {
        return Ok(Some(next.record));
    }
    let last = RowFilter {
        limit: Some(1),
        ..sessions
    };
    let last = replica.list(&last)?;
    Ok(last.first().map(|row| row.record))
}

/// The session before this one in the same space.
pub(super) fn before(replica: &Replica, open: &Open) -> Result<Option<RecordId>, Trouble> {
    if open.day.is_none() {
        return Ok(None);
    }
    let earlier = RowFilter {
        kind: Some(SESSION.to_owned()),
        space: Some(open.space),
        states: taking_place(replica),
        day_to: open.day.clone(),
        order: Order::Day,
        limit: Some(SAME_DAY_MAX),
        ..RowFilter::default()
    };
    let earlier = replica.list(&earlier)?;
    let earlier = earlier.iter().find(|row| row.day < open.day);
    Ok(earlier.map(|row| row.record))
}

/// All states but those of a session that was called off.
fn taking_place(replica: &Replica) -> Vec<String> {
    let kind = replica.schema().kind(SESSION);
    let states = kind.into_iter().flat_map(|kind| kind.states());
    let states = states.filter(|state| !state.needs_reason());
    states.map(State::value).map(str::to_owned).collect()
}
