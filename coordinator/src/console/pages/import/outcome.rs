//! What a file would do, how far it is, and what it has done.

use sync_core::replica::Replica;
use sync_core::schema::Kind;

use super::begun;
use crate::console::answer::Shown;
use crate::console::cx::Cx;
use crate::console::fields;
use crate::console::imports::{Doing, Draft, Waiting};
use crate::console::views::exchange::{Example, Import, Named, Problem};
use crate::console::views::shared::Number;
use crate::exchange;
use crate::exchange::import::Plan;
use crate::output::thousands;

/// More problems are counted and not shown.
const PROBLEMS_MAX: usize = 100;

/// What it would do.
pub(super) fn checked(
    replica: &Replica,
    cx: &Cx,
    waiting: &Waiting,
    draft: &Draft,
    plan: &Plan,
) -> Shown {
    let (kind, report) = (&draft.survey.kind, &plan.report);
    let n = thousands(plan.len() as u64);
    let numbers = [
        ("console.import.new", report.new, ""),
        ("console.import.changed", report.changed, ""),
        ("console.import.same", report.same, ""),
        ("console.import.bad", report.refused, "#problems"),
        ("console.import.kept", report.kept, "#problems"),
    ];
    let examples = report.examples.iter().map(|example| Example {
        row: cx.with("out.import.row", &[("row", &example.row.to_string())]),
        fields: named(replica, cx, kind, &example.fields),
    });
    let problems: Vec<_> = report.problems.iter().collect();
    let ask = if report.refused > 0 {
        let refused = thousands(report.refused);
        cx.with("console.import.ask_rest", &[("n", &refused)])
    } else {
        String::new()
    };
    let page = Import {
        upload: waiting.key.clone(),
        title: cx.say("console.import.checked"),
        numbers: numbers.iter().filter_map(|it| number(cx, it)).collect(),
        examples: examples.collect(),
        can_do: plan.len() > 0,
        ask: format!(
            "{}{ask}",
            cx.with("console.import.ask", &[("file", &waiting.file)])
        ),
        do_label: cx.with("console.import.do", &[("n", &n)]),
        map_href: format!("/import?upload={}", waiting.key),
        ..with_problems(cx, "check", &problems)
    };
    Shown::new("import", "", page)
}

fn named(
    replica: &Replica,
    cx: &Cx,
    kind: &Kind,
    values: &[(String, serde_json::Value)],
) -> Vec<Named> {
    let values = values.iter().map(|(name, value)| {
        let label = kind.field(name).map(|field| field.label(cx.text.lang()));
        Named {
            label: label.unwrap_or(name).to_owned(),
            text: fields::shown(replica, cx, kind, name, value),
        }
    });
    values.collect()
}

/// What is not there is not shown, but for what is new.
fn number(cx: &Cx, (label, count, href): &(&str, u64, &str)) -> Option<Number> {
    (*count > 0 || *label == "console.import.new").then(|| Number {
        value: thousands(*count),
        unit: String::new(),
        label: cx.say(label),
        href: (*href).to_owned(),
    })
}

fn with_problems(cx: &Cx, step: &str, problems: &[&exchange::Problem]) -> Import {
    let shown = problems.iter().take(PROBLEMS_MAX).map(|problem| Problem {
        place: problem.place_of_row(&cx.text),
        column: problem.column.clone().unwrap_or_default(),
        typed: problem.typed.clone().unwrap_or_default(),
        text: problem.reason(&cx.text),
    });
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    let more = (more > 0).then(|| {
        let more = thousands(more as u64);
        cx.with("console.import.more", &[("n", &more)])
    });
    Import {
        problems: shown.collect(),
        more_problems: more.unwrap_or_default(),
        ..begun(cx, step)
    }
}

/// How far it is.
pub(super) fn underway(replica: &Replica, cx: &Cx, waiting: &Waiting, doing: &Doing) -> Shown {
    let (done, total) = (thousands(doing.done), thousands(doing.total));
    let places = [
        ("n", done.as_str()),
        ("total", &total),
        ("file", &waiting.file),
    ];
    let page = Import {
        upload: waiting.key.clone(),
        title: cx.with("console.import.doing", &places),
        note: cx.say("console.import.doing_note"),
        records_href: records(replica, doing),
        ..begun(cx, "doing")
    };
    Shown::new("import", "records", page)
}

/// What it has done.
pub(super) fn done(replica: &Replica, cx: &Cx, waiting: &Waiting, doing: &Doing) -> Shown {
    let problems: Vec<_> = doing.problems.iter().collect();
    let refused = doing.left_out + doing.problems.len() as u64;
    let numbers = [
        ("console.import.new", doing.begun, ""),
        ("console.import.changed", doing.changed, ""),
        ("console.import.bad", refused, ""),
    ];
    let failed = doing.failure.as_ref();
    let page = Import {
        has_error: failed.is_some(),
        error: failed.map_or_else(String::new, |failure| {
            let why = cx.sentence(failure);
            cx.with("console.import.ended", &[("why", &why)])
        }),
        title: cx.with("console.import.done", &[("file", &waiting.file)]),
        numbers: numbers.iter().filter_map(|it| number(cx, it)).collect(),
        records_href: records(replica, doing),
        ..with_problems(cx, "done", &problems)
    };
    Shown::new("import", "", page)
}

fn records(replica: &Replica, doing: &Doing) -> String {
    let known = replica.schema().kind(&doing.kind);
    known.map_or_else(String::new, |kind| format!("/records?kind={}", kind.name()))
}
