//! The look of a lead at what others handed in, and what comes back to them.

use serde_json::Value;
use sync_core::replica::Replica;
use sync_core::roster::role::Role;
use sync_core::schema::{FieldEdit, REASON_FIELD, State};
use sync_core::store::ViewRow;

use super::{Open, field_label, is_own};
use crate::console::cx::{Cx, Trouble};
use crate::console::pages::rows;

/// The kind of what a lead says about a record.
const REVIEW: &str = "review";

/// Why a record came back.
#[derive(Default)]
pub(super) struct Returned {
    pub(super) is_returned: bool,
    pub(super) title: String,
    pub(super) reason: String,
    /// The field that the reason points at; empty if it is about the whole.
    pub(super) field: String,
    pub(super) field_line: String,
}

/// Whether the record waits for this person's look.
pub(super) fn waits_for_me(replica: &Replica, open: &Open) -> bool {
    let state = open.row.state.as_deref().unwrap_or_default();
    let state = open.kind.state(state);
    state.is_some_and(|state| rows::is_handed_in(&open.kind, state))
        && !is_own(replica, open)
        && rows::may_review(replica, open.row.space)
}

/// What is told about the reason for the state that the record is in.
pub(super) fn returned(cx: &Cx, open: &Open, leading_here: &[(ViewRow, String)]) -> Returned {
    let state = open.row.state.as_deref().unwrap_or_default();
    let needs_reason = open.kind.state(state).is_some_and(State::needs_reason);
    let mut fields = open.view.fields.iter();
    let reason = fields.find(|field| field.name == REASON_FIELD);
    let Some(reason) = reason.filter(|_| needs_reason) else {
        return Returned::default();
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // The reason may have been given without a review: then none of an earlier return is meant.
    let said = leading_here
        .iter()
        .filter(|(row, field)| row.kind == REVIEW && field == "about");
    let said = said.filter_map(|(row, _)| {
        let fields: Value = serde_json::from_str(&row.fields).ok()?;
        (fields.get("opinion") == Some(&reason.value)).then_some((row.created_at, fields))
    });
    let latest = said.max_by_key(|(at, _)| *at);
    let when = latest.as_ref().map_or(open.row.updated_at, |(at, _)| *at);
    let field = latest.and_then(|(_, fields)| fields.get("field").map(text));
    let field = field.unwrap_or_default();
    let who = reason.by.as_str();
    let label = field_label(cx, &open.kind, &field);
    Returned {
        is_returned: true,
        title: cx.with(
            "console.review.returned",
            &[("who", who), ("when", &cx.clock.moment(when))],
        ),
        reason: text(&reason.value),
        field_line: cx.with("console.review.pointed", &[("field", &label)]),
        field,
    }
}

/// What a look is kept as, beside the move that it leads to; none if it is not this person's to judge.
pub(super) fn opinion(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    to: &State,
    reason: &str,
    pointed: &str,
) -> Result<Option<Vec<FieldEdit>>, Trouble> {
    if !waits_for_me(replica, open) {
        return Ok(None);
    }
    let Some(kind) = replica.schema().kind(REVIEW) else {
        return Ok(None);
    };
    let mut next = open.kind.next_states(to.value());
    let decision = if !to.needs_reason() {
        "accepted"
    } else if next.any(|next| next.who().may(Role::Volunteer, true)) {
        "returned"
    } else {
        "noted"
    };
    let opinion = if reason.is_empty() {
        to.label(cx.text.lang())
    } else {
        reason
    };
    let mut edits = vec![
        kind.parse_edit("opinion", opinion)?,
        kind.parse_edit("about", &open.id.to_string())?,
        kind.parse_edit("decision", decision)?,
    ];
    if open.kind.field(pointed).is_some() {
        edits.push(kind.parse_edit("field", pointed)?);
    }
    Ok(Some(edits))
}
