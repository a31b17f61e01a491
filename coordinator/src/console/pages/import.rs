//! Records from a file of another program: the file, what its columns are, what it would do, doing it.

mod columns;
mod fixed;
mod outcome;

use sync_core::id::LaneId;
use sync_core::replica::Replica;
use sync_core::roster::role::Role;
use sync_core::schema::{Group, Schema};

use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::imports::{Doing, Draft, Stage, Waiting};
use crate::console::inputs::Wrong;
use crate::console::views::exchange::{Import, StageStep};
use crate::console::views::shared::Choice;
use crate::exchange::import::{self, Plan, Wanted};
use crate::exit::Exit;
use crate::failure::Failure;

use columns::{Said, Taken};

const STEPS: [(&str, &str); 4] = [
    ("upload", "console.import.s1"),
    ("map", "console.import.s2"),
    ("check", "console.import.s3"),
    ("doing", "console.import.s4"),
];

/// The page that a file has come to; without a file, the form that takes one.
pub(in crate::console) fn view(
    replica: &Replica,
    cx: &Cx,
    waiting: Option<&Waiting>,
) -> Result<Shown, Trouble> {
    let Some(waiting) = waiting else {
        // The file of an old address is gone: another was taken, or the program has ended since.
        let error = cx.asked.query.has("upload");
        let error = error.then(|| cx.say("console.import.gone"));
        return Ok(upload(replica, cx, &cx.asked.query, error));
    };
    match &*waiting.stage() {
        Stage::Asked(draft) if cx.asked.query.get("step") == "check" => {
            let plan = planned(replica, draft);
            Ok(match plan {
                Ok(plan) => outcome::checked(replica, cx, waiting, draft, &plan),
                Err(failure) => {
                    let error = Said::error(cx.sentence(&failure));
                    columns::page(cx, waiting, draft, &error)
                }
            })
        }
        Stage::Asked(draft) => Ok(columns::page(cx, waiting, draft, &Said::default())),
        Stage::Doing(doing) => Ok(outcome::underway(replica, cx, waiting, doing)),
        Stage::Done(doing) => Ok(outcome::done(replica, cx, waiting, doing)),
    }
}

/// Looks what is in a file, for a form that says what its rows are and where they go.
pub(in crate::console) fn survey(
    bytes: &[u8],
    name: &str,
    schema: &Schema,
    form: &Form,
) -> Result<Draft, Failure> {
    let kind = Some(form.get("kind")).filter(|kind| !kind.is_empty());
    let wanted = Wanted {
        kind,
        ..Wanted::default()
    };
    let survey = import::survey(bytes, name, schema, wanted)?;
    let space: Option<LaneId> = form.get("space").parse().ok();
    if space.is_none() && survey.mapping.space_column.is_none() {
        return Err(Failure::new(Exit::Usage, "console.import.no_space"));
    }
    Ok(Draft { survey, space })
}

/// The answer to a file: its columns, or why it was not taken.
pub(in crate::console) fn taken(
    replica: &Replica,
    cx: &Cx,
    form: &Form,
    kept: Result<Option<std::sync::Arc<Waiting>>, Failure>,
) -> Result<Answer, Trouble> {
    let error = match kept {
        Ok(Some(waiting)) => return Ok(to(&waiting, "")),
        Ok(None) => cx.say("console.import.busy"),
        Err(failure) => cx.sentence(&failure),
    };
    Ok(Answer::Again(
        upload(replica, cx, form, Some(error)).refused(),
    ))
}

fn to(waiting: &Waiting, step: &str) -> Answer {
    let key = &waiting.key;
    let to = if step.is_empty() {
        format!("/import?upload={key}")
    } else {
        format!("/import?upload={key}&step={step}")
    };
    Answer::Go { to, flash: None }
}

/// Takes what somebody said about the columns.
pub(in crate::console) fn check(
    replica: &Replica,
    cx: &Cx,
    form: &Form,
    waiting: Option<&Waiting>,
) -> Result<Answer, Trouble> {
    let Some(waiting) = waiting else {
        let gone = Some(cx.say("console.import.gone"));
        return Ok(Answer::Again(upload(replica, cx, form, gone).refused()));
    };
    let mut stage = waiting.stage();
    let Stage::Asked(draft) = &mut *stage else {
        return Ok(to(waiting, ""));
    };
    let (error, wrong) = match columns::take(cx, draft, form)? {
        Taken::All => return Ok(to(waiting, "check")),
        Taken::Words => {
            let ask = Said::error(cx.say("console.import.say"));
            return Ok(Answer::Again(columns::page(cx, waiting, draft, &ask)));
        }
        Taken::Twice(error) => (error, Wrong::new()),
        Taken::Unfit(wrong) => (cx.count("console.form.errors", wrong.len() as u64), wrong),
    };
    let said = Said {
        typed: Some(form),
        error: Some(error),
        wrong,
    };
    let again = columns::page(cx, waiting, draft, &said);
    Ok(Answer::Again(again.refused()))
}

/// Begins to write; the plan is what is left to do.
pub(in crate::console) fn begin(
    replica: &Replica,
    waiting: Option<&Waiting>,
) -> Result<(Answer, Option<Plan>), Trouble> {
    let Some(waiting) = waiting else {
        // The page says that the file is gone.
        let to = "/import?upload=".to_owned();
        return Ok((Answer::Go { to, flash: None }, None));
    };
    let mut stage = waiting.stage();
    let Stage::Asked(draft) = &*stage else {
        return Ok((to(waiting, ""), None));
    };
    let plan = planned(replica, draft)?;
    let doing = Doing {
        kind: draft.survey.kind.name().to_owned(),
        total: plan.len() as u64,
        left_out: plan.report.refused,
        ..Doing::default()
    };
    *stage = Stage::Doing(doing);
    Ok((to(waiting, ""), Some(plan)))
}

fn planned(replica: &Replica, draft: &Draft) -> Result<Plan, Failure> {
    import::plan(
        &draft.survey,
        replica,
        draft.space,
        jiff::tz::TimeZone::system(),
    )
}

/// The form that takes a file.
fn upload(replica: &Replica, cx: &Cx, form: &Form, error: Option<String>) -> Shown {
    let page = Import {
        has_error: error.is_some(),
        error: error.unwrap_or_default(),
        kinds: kinds(replica, cx, form.get("kind")),
        spaces: spaces(replica, cx, form),
        ..begun(cx, "upload")
    };
    Shown::new("import", "", page)
}

/// A page at one of the steps.
fn begun(cx: &Cx, step: &str) -> Import {
    let at = if step == "done" { "doing" } else { step };
    let steps = STEPS.iter().map(|(name, label)| StageStep {
        label: cx.say(label),
        on: *name == at,
    });
    Import {
        step: step.to_owned(),
        steps: steps.collect(),
        ..Import::default()
    }
}

fn kinds(replica: &Replica, cx: &Cx, chosen: &str) -> Vec<Choice> {
    let groups = Group::ALL.into_iter();
    let kinds = groups.flat_map(|group| replica.schema().kinds_in(group));
    let own = Choice {
        value: String::new(),
        label: cx.say("console.import.kind_own"),
        on: chosen.is_empty(),
    };
    let kinds = kinds.map(|kind| Choice {
        value: kind.name().to_owned(),
        label: kind.label(cx.text.lang()).to_owned(),
        on: kind.name() == chosen,
    });
    std::iter::once(own).chain(kinds).collect()
}

/// The spaces in which this person writes, and the one that the rows name.
fn spaces(replica: &Replica, cx: &Cx, form: &Form) -> Vec<Choice> {
    let chosen = form.get("space");
    let (roster, us) = (replica.roster(), replica.device());
    let writes = |space: &LaneId| roster.role_in_space(&us, space) >= Some(Role::Volunteer);
    let mut spaces = fields::spaces(replica);
    spaces.retain(writes);
    let is_first = |value: &str| {
        !form.has("space") && spaces.first().is_some_and(|it| it.to_string() == value)
    };
    let own = Choice {
        value: String::new(),
        label: cx.say("console.import.space_own"),
        on: form.has("space") && chosen.is_empty(),
    };
    let named = spaces.iter().map(|space| {
        let value = space.to_string();
        Choice {
            label: fields::space_label(cx, &replica.space_name(space)),
            on: value == chosen || is_first(&value),
            value,
        }
    });
    named.chain([own]).collect()
}
