//! What is done on a record's page: a choice between values, a comment, the next state.

use sync_core::replica::{Moment, Replica};
use sync_core::schema::{Edit, FieldEdit, REASON_FIELD, STATE_FIELD};

use super::super::rows;
use super::{open, rivals, shown};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::gate::Flash;

/// Decides which of several values holds: a signed change like any other.
pub(in crate::console) fn choose(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let href = rows::href(&open.row);
    let field = open
        .view
        .fields
        .iter()
        .find(|field| field.name == form.get("field"));
    let field = field.ok_or(Trouble::Missing)?;
    if form.get("seen") != rivals(field) {
        return Ok(Answer::Go {
            to: href,
            flash: Some(Flash::bad(cx.say("console.clash.moved"))),
        });
    }
    let pick: usize = form.get("pick").parse().unwrap_or(0);
    let (value, by) = match pick.checked_sub(1).and_then(|n| field.conflicts.get(n)) {
        Some(other) => (&other.value, &other.by),
        None => (&field.value, &field.by),
    };
    let value: sync_core::schema::Value =
        serde_json::from_value(value.clone()).map_err(|_| Trouble::Missing)?;
    let edit = FieldEdit {
        field: field.name.clone(),
        value: Edit::Set(value),
    };
    let line = cx.with("console.clash.chosen", &[("who", by)]);
    replica.edit(open.id, &[edit], moment)?;
    Ok(Answer::done(href, line))
}

/// Says something about a record.
pub(in crate::console) fn comment(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let text = form.get("text").replace("\r\n", "\n");
    let href = rows::href(&open.row);
    if text.trim().is_empty() {
        return Ok(Answer::Go {
            to: href,
            flash: None,
        });
    }
    let kind = replica.schema().kind("comment").ok_or(Trouble::Missing)?;
    let edits = [
        kind.parse_edit("text", &text)?,
        kind.parse_edit("about", &open.id.to_string())?,
    ];
    replica.create("comment", open.row.space, &edits, moment)?;
    Ok(Answer::Go {
        to: format!("{href}#talk"),
        flash: None,
    })
}

/// Moves a record on; a state that needs a reason is not entered without one.
pub(in crate::console) fn set_state(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let to = form.get("to");
    let state = open.kind.state(to).ok_or(Trouble::Missing)?;
    let reason = form.get("reason").trim().replace(['\r', '\n'], " ");
    if state.needs_reason() && reason.is_empty() {
        let error = cx.say("console.review.need_reason");
        let page = shown(replica, cx, &open, Some((form.get("reason"), error)))?;
        return Ok(Answer::Again(page.refused()));
    }
    let mut edits = vec![open.kind.parse_edit(STATE_FIELD, to)?];
    if !reason.is_empty() {
        match open.kind.parse_edit(REASON_FIELD, &reason) {
            Ok(edit) => edits.push(edit),
            Err(error) => {
                let error = cx.sentence(&error.into());
                let page = shown(replica, cx, &open, Some((form.get("reason"), error)))?;
                return Ok(Answer::Again(page.refused()));
            }
        }
    }
    let label = state.label(cx.text.lang()).to_owned();
    replica.edit(open.id, &edits, moment)?;
    let line = cx.with("console.moved", &[("state", &label)]);
    Ok(Answer::done(rows::href(&open.row), line))
}
