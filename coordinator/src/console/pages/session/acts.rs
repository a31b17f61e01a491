//! What is written during a session: its agenda, its minutes, who is there, that it is over.

use std::collections::BTreeSet;

use sync_core::replica::{Moment, Replica};
use sync_core::schema::{Edit, FieldEdit, FieldError, ItemEdit, ItemId, Kind, Place, STATE_FIELD};

use super::super::confirm::{self, Question};
use super::{Asked, HELD, Open, SESSION, agenda, close_ask, masked, open, page, undecided};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::gate::Flash;
use crate::console::inputs::{Wrong, sentence};

pub(super) fn again(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    form: &Form,
    wrong: Wrong,
) -> Result<Answer, Trouble> {
    let asked = Asked {
        typed: Some(form),
        wrong,
    };
    Ok(Answer::Again(page(replica, cx, open, &asked)?.refused()))
}

/// The page again because of one thing.
fn refused(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    form: &Form,
    (name, line): (&str, String),
) -> Result<Answer, Trouble> {
    again(
        replica,
        cx,
        open,
        form,
        Wrong::from([(name.to_owned(), line)]),
    )
}

fn back(open: &Open, part: &str) -> Answer {
    Answer::Go {
        to: format!("{}#{part}", open.href()),
        flash: None,
    }
}

/// Sends whoever still had the page of a session that is over back to it, with what they typed.
pub(super) fn over(cx: &Cx, open: &Open, form: &Form) -> Option<Answer> {
    if !open.is_over() {
        return None;
    }
    let typed = ["text", "line"].map(|name| form.get(name).trim());
    let typed = typed.into_iter().find(|text| !text.is_empty());
    let line = match typed {
        Some(text) => cx.with("console.session.over_typed", &[("text", text)]),
        None => cx.say("console.session.over"),
    };
    Some(Answer::Go {
        to: open.href(),
        flash: Some(Flash::bad(line)),
    })
}

pub(super) fn kind<'r>(replica: &'r Replica, name: &str) -> Result<&'r Kind, Trouble> {
    replica.schema().kind(name).ok_or(Trouble::Missing)
}

fn edit(field: &str, value: Edit) -> FieldEdit {
    FieldEdit {
        field: field.to_owned(),
        value,
    }
}

pub(super) fn add(field: &str, element: &str) -> FieldEdit {
    edit(field, Edit::Add(BTreeSet::from([element.to_owned()])))
}

fn remove(field: &str, element: &str) -> FieldEdit {
    edit(field, Edit::Remove(BTreeSet::from([element.to_owned()])))
}

/// Puts a need, or something else, on the agenda.
pub(in crate::console) fn add_point(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if let Some(over) = over(cx, &open, form) {
        return Ok(over);
    }
    let (need, line) = (form.get("need"), form.get("line").trim());
    let mut edits = Vec::new();
    if !need.is_empty() {
        if !agenda::may_take(replica, &open, need)? {
            let wrong = ("line", cx.say("console.err.link"));
            return refused(replica, cx, &open, form, wrong);
        }
        edits.push(add("needs", need));
    }
    if !line.is_empty() {
        match items(&open.kind, "agenda", line) {
            Ok(edit) => edits.push(edit),
            Err(error) => {
                let wrong = ("line", sentence(cx, error));
                return refused(replica, cx, &open, form, wrong);
            }
        }
    }
    if edits.is_empty() {
        let wrong = ("line", cx.say("console.session.no_point"));
        return refused(replica, cx, &open, form, wrong);
    }
    replica.edit(open.id, &edits, moment)?;
    Ok(back(&open, "agenda"))
}

/// Takes a need or a line off the agenda; what was agreed about it stays.
pub(in crate::console) fn take_off(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if let Some(over) = over(cx, &open, form) {
        return Ok(over);
    }
    let (need, line) = (form.get("need"), form.get("line"));
    let edit = if need.is_empty() {
        let item: ItemId = line.parse().map_err(|_| Trouble::Missing)?;
        edit("agenda", Edit::Item(ItemEdit::Remove(item)))
    } else {
        remove("needs", need)
    };
    replica.edit(open.id, &[edit], moment)?;
    Ok(back(&open, "agenda"))
}

/// New items at the end of a list, one for each line.
fn items(kind: &Kind, field: &str, text: &str) -> Result<FieldEdit, FieldError> {
    let name = format!("{field}+");
    let mut all = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Edit::Item(ItemEdit::Insert { items, .. }) = kind.parse_edit(&name, line)?.value {
            all.extend(items);
        }
    }
    let insert = ItemEdit::Insert {
        place: Place::Last,
        items: all,
    };
    Ok(edit(field, Edit::Item(insert)))
}

/// Adds to the minutes, one item for each line.
pub(in crate::console) fn note(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if let Some(over) = over(cx, &open, form) {
        return Ok(over);
    }
    let text = form.get("text");
    if text.trim().is_empty() {
        let wrong = ("minutes", cx.say("console.err.empty"));
        return refused(replica, cx, &open, form, wrong);
    }
    match items(&open.kind, "minutes", text) {
        Ok(edit) => {
            replica.edit(open.id, &[edit], moment)?;
            Ok(back(&open, "minutes"))
        }
        Err(error) => {
            let wrong = ("minutes", sentence(cx, error));
            refused(replica, cx, &open, form, wrong)
        }
    }
}

/// Somebody is there, or is not: one tap, and what others tap meanwhile stays.
pub(in crate::console) fn attend(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if let Some(over) = over(cx, &open, form) {
        return Ok(over);
    }
    let is_here = form.has("here");
    let who = form.get(if is_here { "here" } else { "gone" });
    let members = replica.roster().members();
    if !members.keys().any(|member| member.to_string() == who) {
        return Err(Trouble::Missing);
    }
    let edit = if is_here {
        add("attendees", who)
    } else {
        remove("attendees", who)
    };
    replica.edit(open.id, &[edit], moment)?;
    Ok(back(&open, &format!("at-{who}")))
}

/// How many came who are no members.
pub(in crate::console) fn count_guests(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if let Some(over) = over(cx, &open, form) {
        return Ok(over);
    }
    let guests = form.get("guests").trim();
    let guests = if guests.is_empty() { "0" } else { guests };
    match open.kind.parse_edit("guests", guests) {
        Ok(edit) => {
            replica.edit(open.id, &[edit], moment)?;
            Ok(back(&open, "attendance"))
        }
        Err(error) => {
            let wrong = ("guests", sentence(cx, error));
            refused(replica, cx, &open, form, wrong)
        }
    }
}

/// The session has taken place.
pub(in crate::console) fn close(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if let Some(over) = over(cx, &open, form) {
        return Ok(over);
    }
    if !confirm::is_confirmed(form) {
        let agenda = agenda::points(replica, &masked(cx), &open, &Asked::default())?;
        let question = Question {
            section: SESSION,
            title: cx.say("console.session.close_sure"),
            points: vec![close_ask(cx, undecided(&agenda))],
            yes: cx.say("console.session.close"),
        };
        return Ok(confirm::ask(cx, form, question));
    }
    let edit = open.kind.parse_edit(STATE_FIELD, HELD)?;
    replica.edit(open.id, &[edit], moment)?;
    let state = open.kind.state(HELD);
    let label = state.map_or(HELD, |state| state.label(cx.text.lang()));
    let line = cx.with("console.moved", &[("state", label)]);
    Ok(Answer::done(open.href(), line))
}
