//! What a session decides is written: resolutions, their tasks, and how far needs have come.

use sync_core::id::RecordId;
use sync_core::replica::{Moment, Replica};
use sync_core::schema::{FieldEdit, Kind, STATE_FIELD};
use sync_core::store::ViewRow;

use super::super::acts::{add, again, kind, over};
use super::super::{NEED, Open, RESOLUTION, TASK, agenda, open, people};
use super::{Agreed, RESOLUTION_PLACES, TASK_PLACES};
use crate::console::answer::Answer;
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::inputs::{Wrong, sentence};

/// The state of a need that was talked about.
const DISCUSSED: &str = "discussed";

/// Writes down what was agreed; if somebody sees to it, also their task.
pub(in crate::console) fn resolve(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if let Some(over) = over(cx, &open, form) {
        return Ok(over);
    }
    let need = form.get("need");
    if !need.is_empty() && !open.words("needs").contains(&need) {
        return Err(Trouble::Missing);
    }
    let text = form.get("text").replace("\r\n", "\n");
    let who = form.get("who");
    let mut wrong = Wrong::new();
    if !who.is_empty() && !is_of_us(replica, &open, who) {
        wrong.insert("who".to_owned(), cx.say("console.err.choose"));
    }
    let mut resolution = resolution(replica, cx, &open, form, text.trim(), &mut wrong)?;
    let title = text.trim().lines().next().unwrap_or_default();
    let task = if who.is_empty() {
        None
    } else {
        Some(task(
            replica,
            cx,
            title,
            form,
            RESOLUTION_PLACES,
            &mut wrong,
        )?)
    };
    if !wrong.is_empty() {
        return again(replica, cx, &open, form, wrong);
    }
    let about = link(kind(replica, TASK)?, "about", need)?;
    let talked = talked_about(replica, cx, need)?;
    let space = open.space;
    replica.together(moment, |writer| {
        if let Some(mut task) = task {
            task.extend(about);
            let task = writer.create(TASK, space, &task)?;
            resolution.push(add("tasks", &task.to_string()));
        }
        writer.create(RESOLUTION, space, &resolution)?;
        match talked {
            Some((need, edit)) => writer.edit(need, &[edit]).map(|_| ()),
            None => Ok(()),
        }
    })?;
    Ok(Answer::done(open.href(), cx.say("console.session.written")))
}

/// Whether a member can be given something to do here.
fn is_of_us(replica: &Replica, open: &Open, who: &str) -> bool {
    people(replica, open).iter().any(|(_, id)| id == who)
}

/// The fields of a resolution.
fn resolution(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    form: &Form,
    text: &str,
    wrong: &mut Wrong,
) -> Result<Vec<FieldEdit>, Trouble> {
    let first = text.lines().next().unwrap_or_default();
    let session = open.id.to_string();
    let said = [
        ("title", first, "text"),
        ("text", if text == first { "" } else { text }, "text"),
        ("session", &session, "text"),
        ("needs", form.get("need"), "text"),
        ("responsible", form.get("who"), "who"),
        ("due", form.get("due").trim(), "due"),
    ];
    if text.is_empty() {
        wrong.insert("text".to_owned(), cx.say("console.err.empty"));
        return Ok(Vec::new());
    }
    Ok(edits(kind(replica, RESOLUTION)?, cx, &said, wrong))
}

/// The fields of a task; `places` says where is said what is wrong with its title, its person and its day.
fn task(
    replica: &Replica,
    cx: &Cx,
    title: &str,
    form: &Form,
    [text, who, due]: [&str; 3],
    wrong: &mut Wrong,
) -> Result<Vec<FieldEdit>, Trouble> {
    let said = [
        ("title", title, text),
        ("assignees", form.get("who"), who),
        ("due", form.get("due").trim(), due),
    ];
    Ok(edits(kind(replica, TASK)?, cx, &said, wrong))
}

/// Field, what is typed, and beside what it is said if that is not right; what is empty is left out.
fn edits(kind: &Kind, cx: &Cx, said: &[(&str, &str, &str)], wrong: &mut Wrong) -> Vec<FieldEdit> {
    let mut edits = Vec::new();
    for (name, word, place) in said.iter().filter(|(_, word, _)| !word.is_empty()) {
        match kind.parse_edit(name, word) {
            Ok(edit) => edits.push(edit),
            Err(error) => {
                wrong.insert((*place).to_owned(), sentence(cx, error));
            }
        }
    }
    edits
}

/// A field that leads to a record; none if there is nothing to lead to.
fn link(kind: &Kind, field: &str, record: &str) -> Result<Option<FieldEdit>, Trouble> {
    let edit = (!record.is_empty()).then(|| kind.parse_edit(field, record));
    Ok(edit.transpose()?)
}

/// A need that something is agreed about has been talked about, if that is what comes next for it.
fn talked_about(
    replica: &Replica,
    cx: &Cx,
    need: &str,
) -> Result<Option<(RecordId, FieldEdit)>, Trouble> {
    let row = agenda::row_of(replica, need)?;
    let row = row.filter(|row| agenda::may_move(replica, cx, row, DISCUSSED));
    let edit = |row: ViewRow| {
        let edit = kind(replica, NEED)?.parse_edit(STATE_FIELD, DISCUSSED)?;
        Ok((row.record, edit))
    };
    row.map(edit).transpose()
}

/// Gives somebody a task out of a resolution.
pub(in crate::console) fn give_task(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    if let Some(over) = over(cx, &open, form) {
        return Ok(over);
    }
    let mut agreed = super::of(replica, &open)?.into_iter();
    let resolution = agreed.find(|it| it.row.record.to_string() == form.get("resolution"));
    let resolution = resolution.ok_or(Trouble::Missing)?;
    let mut wrong = Wrong::new();
    if !is_of_us(replica, &open, form.get("who")) {
        wrong.insert("task_who".to_owned(), cx.say("console.err.choose"));
    }
    let title = &resolution.row.title;
    let mut task = task(replica, cx, title, form, TASK_PLACES, &mut wrong)?;
    if !wrong.is_empty() {
        return again(replica, cx, &open, form, wrong);
    }
    task.extend(link(kind(replica, TASK)?, "about", &about(&resolution))?);
    let (space, id) = (open.space, resolution.row.record);
    replica.together(moment, |writer| {
        let task = writer.create(TASK, space, &task)?;
        writer.edit(id, &[add("tasks", &task.to_string())])
    })?;
    Ok(Answer::done(open.href(), cx.say("console.session.written")))
}

/// What a task of a resolution is about: the need, whose page leads to its tasks so; the resolution names
/// them itself.
fn about(resolution: &Agreed) -> String {
    let need = resolution.words("needs").next();
    need.map_or_else(|| resolution.row.record.to_string(), str::to_owned)
}

/// Moves a need of the agenda on, as the schema allows.
pub(in crate::console) fn move_need(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let open = open(replica, cx)?;
    let (need, to) = (form.get("need"), form.get("to"));
    let is_there = open.words("needs").contains(&need);
    let record = need.parse::<RecordId>().ok().filter(|_| is_there);
    let record = record.ok_or(Trouble::Missing)?;
    let edit = kind(replica, NEED)?.parse_edit(STATE_FIELD, to)?;
    replica.edit(record, &[edit], moment)?;
    let state = fields::state_label(replica, cx, NEED, to);
    let line = cx.with("console.moved", &[("state", &state)]);
    Ok(Answer::done(format!("{}#agenda", open.href()), line))
}
