//! What is done on a record's page: a choice between values, a comment, the next state.

use sync_core::replica::{Choice, FieldView, Keep, Moment, Replica, ReplicaError, SettleError};
use sync_core::schema::{REASON_FIELD, STATE_FIELD, StateError};

use super::super::rows;
use super::{COMMENT, Refused, open, review, shown};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::gate::Flash;
use crate::told;

/// Decides which of several values holds: a signed change like any other.
pub(in crate::console) fn choose(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let mut fields = open.view.fields.iter();
    let field = fields.find(|field| field.name == form.get("field"));
    let field = field.ok_or(Trouble::Missing)?;
    let keep = if form.get("do") == "both" {
        Keep::All
    } else {
        Keep::One(form.get("pick").parse().map_err(|_| Trouble::Missing)?)
    };
    let choice = Choice {
        field: &field.name,
        seen: form.get("seen"),
        keep,
        reason: Some(form.get("reason")),
    };
    let words = told::words(&cx.text, &open.row.kind);
    let why = match replica.settle(open.id, &choice, &words, moment) {
        Ok(_) => {
            let who = names_of(cx, field, keep);
            let line = cx.with("console.clash.chosen", &[("who", &who)]);
            return Ok(Answer::done(rows::href(&open.row), line));
        }
        Err(ReplicaError::Settle(SettleError::MovedSince)) => "console.clash.moved",
        Err(ReplicaError::State {
            error: StateError::NoReason { .. },
            ..
        }) => "console.review.need_reason",
        Err(error) => return Err(error.into()),
    };
    Ok(Answer::Go {
        to: format!("{}#clashes", rows::href(&open.row)),
        flash: Some(Flash::bad(cx.say(why))),
    })
}

/// Those who wrote what is kept.
fn names_of(cx: &Cx, field: &FieldView, keep: Keep) -> String {
    let all = field.shown.iter().chain(&field.conflicts).enumerate();
    let kept = all.filter(|(n, _)| keep == Keep::All || keep == Keep::One(*n));
    let names: Vec<&str> = kept.map(|(_, rival)| rival.by.as_str()).collect();
    names.join(&cx.say("word.and"))
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
    let kind = replica.schema().kind(COMMENT).ok_or(Trouble::Missing)?;
    let edits = [
        kind.parse_edit("text", &text)?,
        kind.parse_edit("about", &open.id.to_string())?,
    ];
    replica.create(COMMENT, open.row.space, &edits, moment)?;
    Ok(Answer::Go {
        to: format!("{href}#talk"),
        flash: None,
    })
}

fn no_reason(form: &Form, error: String) -> Refused<'_> {
    Refused {
        reason: Some((form.get("reason"), error)),
        ..Refused::default()
    }
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
        let page = shown(replica, cx, &open, no_reason(form, error))?;
        return Ok(Answer::Again(page.refused()));
    }
    let mut edits = vec![open.kind.parse_edit(STATE_FIELD, to)?];
    if !reason.is_empty() {
        match open.kind.parse_edit(REASON_FIELD, &reason) {
            Ok(edit) => edits.push(edit),
            Err(error) => {
                let error = cx.sentence(&error.into());
                let page = shown(replica, cx, &open, no_reason(form, error))?;
                return Ok(Answer::Again(page.refused()));
            }
        }
    }
    let label = state.label(cx.text.lang()).to_owned();
    let opinion = review::opinion(replica, cx, &open, state, &reason, form.get("field"))?;
    let (id, space) = (open.id, open.row.space);
    let words = told::words(&cx.text, &open.row.kind);
    replica.together(moment, |writer| {
        writer.edit_and_tell(id, &edits, &words)?;
        match &opinion {
            Some(opinion) => writer.create("review", space, opinion).map(|_| ()),
            None => Ok(()),
        }
    })?;
    let line = cx.with("console.moved", &[("state", &label)]);
    Ok(Answer::done(rows::href(&open.row), line))
}
