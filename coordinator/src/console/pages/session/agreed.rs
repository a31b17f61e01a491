//! What was agreed in a session, and the tasks that it led to.

pub(in crate::console) mod acts;

use jiff::Span;
use serde_json::Value;
use sync_core::replica::Replica;
use sync_core::store::ViewRow;

use super::super::rows;
use super::{Asked, Open, RESOLUTION, SESSION, TASK, agenda};
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::views::session::{Asks, Resolved, TaskLine};
use crate::lookup::Lookup;

/// So many days from now is when something is due if nobody says otherwise.
const DUE_DAYS: i64 = 7;
/// Where a resolution's form says what is wrong with its text, its person and its day.
const RESOLUTION_PLACES: [&str; 3] = ["text", "who", "due"];
/// The same of a task's form.
const TASK_PLACES: [&str; 3] = ["task_text", "task_who", "task_due"];

/// A record of what was agreed, or a task.
pub(super) struct Agreed {
    pub(super) row: ViewRow,
    values: Value,
}

impl Agreed {
    fn of(row: ViewRow) -> Self {
        Self {
            values: row.values(),
            row,
        }
    }

    /// The words of a set.
    fn words(&self, name: &str) -> impl Iterator<Item = &str> {
        let parts = self.values.get(name).and_then(Value::as_array);
        parts.into_iter().flatten().filter_map(Value::as_str)
    }

    fn word(&self, name: &str) -> &str {
        let word = self.values.get(name).and_then(Value::as_str);
        word.unwrap_or_default()
    }

    pub(super) fn is_about(&self, need: &str) -> bool {
        self.words("needs").any(|it| it == need)
    }
}

/// The resolutions of a session, the oldest first.
pub(super) fn of(replica: &Replica, open: &Open) -> Result<Vec<Agreed>, Trouble> {
    let mut agreed = Vec::new();
    for (record, field) in replica.links_to(open.id)? {
        let row = replica.store().row(&record)?;
        let row = row.filter(|row| row.kind == RESOLUTION && field == SESSION);
        agreed.extend(row.map(Agreed::of));
    }
    agreed.sort_by_key(|it| (it.row.created_at, it.row.record));
    Ok(agreed)
}

/// A resolution as the wall shows it.
pub(super) fn resolved(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    asked: &Asked<'_>,
    agreed: &Agreed,
) -> Result<Resolved, Trouble> {
    let row = &agreed.row;
    let id = row.record.to_string();
    let state = row.state.as_deref().unwrap_or_default();
    let who: Vec<&str> = [agreed.word("responsible")].into();
    let tasks = agreed
        .words("tasks")
        .map(|task| task_line(replica, cx, task));
    Ok(Resolved {
        href: rows::href(row),
        state: fields::state_label(replica, cx, RESOLUTION, state),
        text: fields::title(replica, cx, row),
        meta: who_and_when(replica, cx, &who, agreed.word("due")),
        tasks: tasks.collect::<Result<_, _>>()?,
        can_task: open.may_write(),
        form: task_form(cx, asked, &id),
        id,
    })
}

fn task_line(replica: &Replica, cx: &Cx, task: &str) -> Result<TaskLine, Trouble> {
    let row = agenda::row_of(replica, task)?;
    let Some(task) = row.map(Agreed::of) else {
        return Ok(TaskLine {
            href: format!("/record/{task}"),
            title: cx.say("console.not_here"),
            ..TaskLine::default()
        });
    };
    let who: Vec<&str> = task.words("assignees").collect();
    let state = task.row.state.as_deref().unwrap_or_default();
    Ok(TaskLine {
        href: rows::href(&task.row),
        title: fields::title(replica, cx, &task.row),
        meta: who_and_when(replica, cx, &who, task.word("due")),
        state: fields::state_label(replica, cx, TASK, state),
        tone: fields::state_tone(replica, TASK, state).to_owned(),
    })
}

/// `陈小明 · 9月25日 前做完`
fn who_and_when(replica: &Replica, cx: &Cx, who: &[&str], due: &str) -> String {
    let who = who.iter().filter(|id| !id.is_empty());
    let who: Vec<String> = who.map(|id| Lookup::of(replica).name_of(id)).collect();
    let who = who.join(&cx.say("word.and"));
    let due = (!due.is_empty()).then(|| {
        let day = cx.clock.kept_day(due);
        cx.with("console.session.by_day", &[("day", &day)])
    });
    let parts = std::iter::once(who).chain(due);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

fn due_default(cx: &Cx) -> String {
    let today = cx.clock.today();
    today.saturating_add(Span::new().days(DUE_DAYS)).to_string()
}

/// The form for what is agreed about a need, as it was typed if it was refused.
pub(super) fn form(cx: &Cx, asked: &Asked<'_>, need: &str) -> Asks {
    asks(cx, asked, ("need", need), RESOLUTION_PLACES)
}

/// The form for a task that a resolution leads to.
fn task_form(cx: &Cx, asked: &Asked<'_>, resolution: &str) -> Asks {
    asks(cx, asked, ("resolution", resolution), TASK_PLACES)
}

fn asks(cx: &Cx, asked: &Asked<'_>, about: (&str, &str), places: [&str; 3]) -> Asks {
    let is_wrong = places.iter().any(|name| asked.wrong.contains_key(*name));
    let typed = asked
        .typed
        .filter(|form| is_wrong && form.get(about.0) == about.1);
    let [text_error, who_error, due_error] =
        places.map(|name| typed.map_or_else(String::new, |_| asked.error(name)));
    let typed_or =
        |name: &str, other: String| typed.map_or(other, |form| form.get(name).to_owned());
    Asks {
        open: typed.is_some(),
        text: typed_or("text", String::new()),
        who: typed_or("who", String::new()),
        due: typed_or("due", due_default(cx)),
        has_text_error: !text_error.is_empty(),
        text_error,
        has_who_error: !who_error.is_empty(),
        who_error,
        has_due_error: !due_error.is_empty(),
        due_error,
    }
}
