//! What is written during a session: points, resolutions with their tasks, minutes, who is there.

use std::collections::BTreeSet;

use sync_core::id::RecordId;
use sync_core::replica::{Moment, Replica};
use sync_core::schema::{Edit, FieldEdit, FieldError, ItemEdit, Kind, Place, STATE_FIELD};

use super::super::confirm::{self, Question};
use super::{Asked, HELD, NEED, Open, RESOLUTION, close_ask, masked, open, page};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::inputs::{Wrong, sentence};

const TASK: &str = "task";
/// The state of a need that was talked about.
const DISCUSSED: &str = "discussed";

fn again(
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

fn back(open: &Open, part: &str) -> Answer {
    Answer::Go {
        to: format!("{}#{part}", open.href()),
        flash: None,
    }
}

fn kind<'r>(replica: &'r Replica, name: &str) -> Result<&'r Kind, Trouble> {
    replica.schema().kind(name).ok_or(Trouble::Missing)
}

fn add(field: &str, element: &str) -> FieldEdit {
    FieldEdit {
        field: field.to_owned(),
        value: Edit::Add(BTreeSet::from([element.to_owned()])),
    }
}

/// Puts a need, or something else, on the agenda.
pub(in crate::console) fn add_point(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let (need, line) = (form.get("need"), form.get("line").trim());
    let mut edits = Vec::new();
    if !need.is_empty() {
        edits.push(open.kind.parse_edit("needs", need)?);
        if let Some(edit) = edits.last_mut() {
            *edit = add("needs", need);
        }
    }
    if !line.is_empty() {
        match items(&open.kind, "agenda", line) {
            Ok(edit) => edits.push(edit),
            Err(error) => {
                let wrong = Wrong::from([("line".to_owned(), sentence(cx, error))]);
                return again(replica, cx, &open, form, wrong);
            }
        }
    }
    if edits.is_empty() {
        let wrong = Wrong::from([("line".to_owned(), cx.say("console.session.no_point"))]);
        return again(replica, cx, &open, form, wrong);
    }
    replica.edit(open.id, &edits, moment)?;
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
    Ok(FieldEdit {
        field: field.to_owned(),
        value: Edit::Item(ItemEdit::Insert {
            place: Place::Last,
            items: all,
        }),
    })
}

/// Writes down what was agreed; if somebody sees to it, also their task.
pub(in crate::console) fn resolve(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let (resolution, task) = match typed(replica, cx, &open, form)? {
        Ok(edits) => edits,
        Err(wrong) => return again(replica, cx, &open, form, wrong),
    };
    let made = replica.create(RESOLUTION, open.space, &resolution, moment)?;
    if let Some(mut task) = task {
        let about = kind(replica, TASK)?.parse_edit("about", &made.to_string())?;
        task.push(about);
        let task = replica.create(TASK, open.space, &task, moment)?;
        replica.edit(made, &[add("tasks", &task.to_string())], moment)?;
    }
    if let Ok(need) = form.get("need").parse::<RecordId>() {
        talked_about(replica, moment, need)?;
    }
    Ok(Answer::done(
        open.href(),
        cx.say("console.session.written"),
    ))
}

/// The fields of a resolution, and of the task of whoever sees to it.
type Agreed = (Vec<FieldEdit>, Option<Vec<FieldEdit>>);

fn typed(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    form: &Form,
) -> Result<Result<Agreed, Wrong>, Trouble> {
    let (resolution, task) = (kind(replica, RESOLUTION)?, kind(replica, TASK)?);
    let text = form.get("text").replace("\r\n", "\n");
    let text = text.trim();
    let first = text.lines().next().unwrap_or_default();
    let (who, due, need) = (form.get("who"), form.get("due").trim(), form.get("need"));
    let session = open.id.to_string();
    let mut said = vec![("title", first), ("session", session.as_str())];
    let whole = [("text", text)].into_iter().filter(|_| text != first);
    let rest = [("needs", need), ("responsible", who), ("due", due)];
    let rest = rest.into_iter().filter(|(_, word)| !word.is_empty());
    said.extend(whole.chain(rest));
    let mut theirs = vec![("title", first), ("assignees", who)];
    theirs.extend((!due.is_empty()).then_some(("due", due)));
    let mut wrong = Wrong::new();
    if text.is_empty() {
        wrong.insert("text".to_owned(), cx.say("console.err.empty"));
        return Ok(Err(wrong));
    }
    let mut edits = |kind: &Kind, said: &[(&str, &str)]| {
        let mut edits = Vec::new();
        for (name, word) in said {
            match kind.parse_edit(name, word) {
                Ok(edit) => edits.push(edit),
                Err(error) => {
                    let place = if *name == "due" { "due" } else { "text" };
                    wrong.insert(place.to_owned(), sentence(cx, error));
                }
            }
        }
        edits
    };
    let resolution = edits(resolution, &said);
    let task = (!who.is_empty()).then(|| edits(task, &theirs));
    Ok(if wrong.is_empty() {
        Ok((resolution, task))
    } else {
        Err(wrong)
    })
}

/// A need that something was agreed about has been talked about, if that is what comes next for it.
fn talked_about(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    need: RecordId,
) -> Result<(), Trouble> {
    let Some(row) = replica.store().row(&need)? else {
        return Ok(());
    };
    let scope = sync_core::roster::role::Scope::Space(row.space);
    let roster = replica.roster();
    let us = replica.device();
    let is_own = roster.member_id(&us) == roster.member_id(&row.created_by);
    let role = roster.role_in(&us, &scope);
    let state = row.state.as_deref().unwrap_or_default();
    let kind = kind(replica, NEED)?;
    let is_next = kind.next_states(state).any(|it| it.value() == DISCUSSED);
    let may = role.is_some_and(|role| {
        kind.may_edit(role, is_own) && kind.may_enter(DISCUSSED, role, is_own)
    });
    if is_next && may {
        let edit = kind.parse_edit(STATE_FIELD, DISCUSSED)?;
        replica.edit(need, &[edit], moment)?;
    }
    Ok(())
}

/// Adds to the minutes, one item for each line.
pub(in crate::console) fn note(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let text = form.get("text");
    let edit = match items(&open.kind, "minutes", text) {
        Ok(edit) if !text.trim().is_empty() => edit,
        Ok(_) => {
            let wrong = Wrong::from([("minutes".to_owned(), cx.say("console.err.empty"))]);
            return again(replica, cx, &open, form, wrong);
        }
        Err(error) => {
            let wrong = Wrong::from([("minutes".to_owned(), sentence(cx, error))]);
            return again(replica, cx, &open, form, wrong);
        }
    };
    replica.edit(open.id, &[edit], moment)?;
    Ok(back(&open, "minutes"))
}

/// Records who is there: what was ticked and unticked on this page, not what others did meanwhile.
pub(in crate::console) fn attend(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let known: BTreeSet<String> = replica.members().into_iter().map(|it| it.id).collect();
    let named = |name: &str| -> BTreeSet<String> {
        let named = form.all(name).filter(|id| known.contains(*id));
        named.map(str::to_owned).collect()
    };
    let (was, here) = (named("was"), named("here"));
    let edit = |value| FieldEdit {
        field: "attendees".to_owned(),
        value,
    };
    let came: BTreeSet<String> = here.difference(&was).cloned().collect();
    let left: BTreeSet<String> = was.difference(&here).cloned().collect();
    let mut edits = Vec::new();
    if !came.is_empty() {
        edits.push(edit(Edit::Add(came)));
    }
    if !left.is_empty() {
        edits.push(edit(Edit::Remove(left)));
    }
    let guests = form.get("guests").trim();
    let kept = open.values.get("guests").map(ToString::to_string);
    if kept.as_deref().unwrap_or_default() != guests {
        match open.kind.parse_edit("guests", guests) {
            Ok(edit) => edits.push(edit),
            Err(error) => {
                let wrong = Wrong::from([("guests".to_owned(), sentence(cx, error))]);
                return again(replica, cx, &open, form, wrong);
            }
        }
    }
    replica.edit(open.id, &edits, moment)?;
    Ok(back(&open, "attendance"))
}

/// The session has taken place.
pub(in crate::console) fn close(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if !confirm::is_confirmed(form) {
        let points = super::agenda::points(replica, &masked(cx), &open, &Asked::default())?;
        let undecided = points
            .iter()
            .filter(|point| point.is_link && point.resolutions.is_empty());
        let question = Question {
            section: "records",
            title: cx.say("console.session.close_sure"),
            points: vec![close_ask(cx, undecided.count() as u64)],
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
