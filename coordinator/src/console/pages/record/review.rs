//! The look of a lead at what others handed in, and what comes back to them.

use serde_json::Value;
use sync_core::replica::Replica;
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
    let said = leading_here
        .iter()
        .filter(|(row, field)| row.kind == REVIEW && field == "about");
    let latest = said.map(|(row, _)| row).max_by_key(|row| row.created_at);
    let when = latest.map_or(open.row.updated_at, |row| row.created_at);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let field = latest.map_or_else(String::new, |row| {
        let fields: Value = serde_json::from_str(&row.fields).unwrap_or_default();
        fields.get("field").map(text).unwrap_or_default()
    });
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
    let decision = if to.needs_reason() {
        "returned"
    } else {
        "accepted"
    };
    let opinion = if reason.is_empty() {
        to.label(sync_core::schema::Lang::Zh)
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
