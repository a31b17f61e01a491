//! What is done on a record's page: a choice between values, a comment, the next state.

use std::collections::BTreeSet;

use sync_core::replica::{Conflict, Moment, Replica};
use sync_core::schema::{Edit, FieldEdit, FieldType, Kind, REASON_FIELD, STATE_FIELD};

use super::super::rows;
use super::{COMMENT, Open, can_keep_both, field_label, open, review, rivals, shown};
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
    let all: Vec<&Conflict> = field.shown.iter().chain(&field.conflicts).collect();
    let pick: usize = form.get("pick").parse().unwrap_or(0);
    let both = form.get("do") == "both" && can_keep_both(&open.kind, field);
    let picked = all.get(pick).filter(|_| !both);
    let (value, by) = match picked {
        Some(rival) => (rival.value.clone(), rival.by.clone()),
        None if both => (joined(&open.kind, &field.name, &all), names_of(cx, &all)),
        None => return Err(Trouble::Missing),
    };
    let plain: sync_core::schema::Value =
        serde_json::from_value(value.clone()).map_err(|_| Trouble::Missing)?;
    let edit = FieldEdit {
        field: field.name.clone(),
        value: Edit::Set(plain),
    };
    let losers: BTreeSet<String> = all
        .iter()
        .filter(|rival| !both && rival.value != value)
        .filter_map(|rival| rival.member.clone())
        .collect();
    let told = told(replica, cx, &open, &field.name, &by, losers)?;
    let line = cx.with("console.clash.chosen", &[("who", &by)]);
    let (id, space) = (open.id, open.row.space);
    replica.together(moment, |writer| {
        writer.edit(id, &[edit])?;
        match &told {
            Some(told) => writer.create(COMMENT, space, told).map(|_| ()),
            None => Ok(()),
        }
    })?;
    Ok(Answer::done(href, line))
}

/// All values in one text: a line can have them behind each other only.
fn joined(kind: &Kind, field: &str, all: &[&Conflict]) -> serde_json::Value {
    let is_line = kind
        .field(field)
        .is_some_and(|field| *field.ty() == FieldType::Line);
    let texts: Vec<&str> = all.iter().filter_map(|it| it.value.as_str()).collect();
    texts.join(if is_line { " / " } else { "\n" }).into()
}

fn names_of(cx: &Cx, all: &[&Conflict]) -> String {
    let names: Vec<&str> = all.iter().map(|rival| rival.by.as_str()).collect();
    names.join(&cx.say("word.and"))
}

/// A comment that tells those whose value was not kept; none if it was this person's own alone.
fn told(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    field: &str,
    by: &str,
    mut losers: BTreeSet<String>,
) -> Result<Option<Vec<FieldEdit>>, Trouble> {
    let me = replica.roster().member_id(&replica.device());
    losers.retain(|loser| me.is_none_or(|me| *loser != me.to_string()));
    let kind = replica.schema().kind(COMMENT);
    let Some(kind) = kind.filter(|_| !losers.is_empty()) else {
        return Ok(None);
    };
    let label = field_label(cx, &open.kind, field);
    // Not the value: a comment is a record of its own, which an erasure of this one does not reach.
    let places = [("field", label.as_str()), ("who", by)];
    let mentions = losers.into_iter().collect::<Vec<_>>().join(",");
    Ok(Some(vec![
        kind.parse_edit("text", &cx.with("console.clash.told", &places))?,
        kind.parse_edit("about", &open.id.to_string())?,
        kind.parse_edit("mentions", &mentions)?,
    ]))
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
    let opinion = review::opinion(replica, cx, &open, state, &reason, form.get("field"))?;
    let (id, space) = (open.id, open.row.space);
    replica.together(moment, |writer| {
        writer.edit(id, &edits)?;
        match &opinion {
            Some(opinion) => writer.create("review", space, opinion).map(|_| ()),
            None => Ok(()),
        }
    })?;
    let line = cx.with("console.moved", &[("state", &label)]);
    Ok(Answer::done(rows::href(&open.row), line))
}
