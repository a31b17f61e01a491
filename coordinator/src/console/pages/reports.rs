//! Statistics: a time, a village, a person; every number opens the records that it counts.

mod charts;
mod links;
pub(in crate::console) mod notice;
pub(in crate::console) mod paper;
mod sheets;

use sync_core::id::{LaneId, MemberId};
use sync_core::replica::{Missing, Replica};
use sync_core::view::statistics::Question;

use super::reach;
use super::records::select;
use crate::account::period::Period;
use crate::account::{self, Gathered, Sees};
use crate::commands::fresh;
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, initial};
use crate::console::fields;
use crate::console::form::{self, Form};
use crate::console::views::report::{Day, Reports};
use crate::console::views::shared::{Filter, PersonLine};

/// Quarters that the select offers, from this one back.
const QUARTERS: usize = 8;
/// Years that it offers, from this one back.
const YEARS: usize = 4;
/// All that was ever written, in the address.
const ALL: &str = "all";
/// Members without news on the page.
const MISSING_MAX: usize = 12;

/// What the address asks for.
struct Wanted {
    period: Period,
    question: Question,
    /// Why the days that were typed are none.
    error: String,
}

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let wanted = wanted(replica, cx)?;
    if !wanted.error.is_empty() {
        let page = frame(replica, cx, &wanted);
        return Ok(Shown::new("reports", "", page).refused());
    }
    let gathered = account::gather(replica, wanted.question.clone(), cx.clock.now)?;
    let page = filled(replica, cx, &wanted, &gathered)?;
    Ok(Shown::new("reports", "records roster", page))
}

/// The same on paper.
pub(in crate::console) fn print(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    let wanted = wanted(replica, cx)?;
    if !wanted.error.is_empty() {
        return view(replica, cx);
    }
    let gathered = account::gather(replica, wanted.question.clone(), cx.clock.now)?;
    let mut page = paper::of(replica, &cx.text, &gathered, wanted.period);
    page.up_href = address("/reports", &cx.asked.query);
    Ok(Shown::new("reports", "", page))
}

fn address(path: &str, query: &Form) -> String {
    form::address(path, &query.query_without(&["personal"]))
}

fn wanted(replica: &Replica, cx: &Cx) -> Result<Wanted, Trouble> {
    let query = &cx.asked.query;
    let some = |name: &str| Some(query.get(name).trim()).filter(|value| !value.is_empty());
    let (period, error) = match period(cx, query) {
        Ok(period) => (period, String::new()),
        Err(error) => (Period::of(cx.clock.today()), error),
    };
    let space = some("village").map(|id| id.parse::<LaneId>().map_err(|_| Trouble::Missing));
    let person = some("person").map(|id| id.parse::<MemberId>().map_err(|_| Trouble::Missing));
    let person = person.transpose()?.map(|member| replica.person(member));
    Ok(Wanted {
        period,
        question: period.question(space.transpose()?, person.transpose()?),
        error,
    })
}

/// Days that were typed go before the quarter or year that was chosen.
fn period(cx: &Cx, query: &Form) -> Result<Period, String> {
    let typed = |name: &str| Some(query.get(name).trim()).filter(|typed| !typed.is_empty());
    match (typed("from"), typed("to")) {
        (None, None) if query.get("period") == ALL => Ok(Period::ALL),
        (None, None) => {
            let asked = Period::read(query.get("period"));
            Ok(asked.unwrap_or_else(|| Period::of(cx.clock.today())))
        }
        (from, to) => Period::between(from, to).map_err(|failure| cx.sentence(&failure)),
    }
}

/// The page without numbers.
fn frame(replica: &Replica, cx: &Cx, wanted: &Wanted) -> Reports {
    let query = &cx.asked.query;
    let day = |name: &str, key: &str| Day {
        name: name.to_owned(),
        label: cx.say(key),
        typed: query.get(name).to_owned(),
    };
    Reports {
        lead: cx.say("console.reports.lead"),
        print_href: address("/reports/print", query),
        filters: filters(replica, cx, wanted),
        days: vec![
            day("from", "console.reports.first_day"),
            day("to", "console.reports.last_day"),
        ],
        has_error: !wanted.error.is_empty(),
        error: wanted.error.clone(),
        none_text: if wanted.error.is_empty() {
            cx.say("console.reports.none_text")
        } else {
            wanted.error.clone()
        },
        commands: commands(replica, wanted),
        ..Reports::default()
    }
}

fn filled(
    replica: &Replica,
    cx: &Cx,
    wanted: &Wanted,
    gathered: &Gathered,
) -> Result<Reports, Trouble> {
    let as_of = reach::as_of(replica, cx)?;
    let has_data = !gathered.account.kinds.0.is_empty() || gathered.account.promoted.total > 0;
    let digest = std::iter::once(gathered.digest_line(&cx.text));
    let missing = gathered.as_of.missing.iter().take(MISSING_MAX);
    Ok(Reports {
        has_data,
        period_title: wanted.period.label(&cx.text),
        numbers: sheets::numbers(cx, gathered),
        as_of: as_of.line,
        has_missing: !as_of.missing.is_empty(),
        missing: as_of.missing,
        digest: digest.chain(gathered.pending_line(&cx.text)).collect(),
        missing_people: missing.map(|it| quiet(cx, it)).collect(),
        columns: charts::columns(cx, gathered, wanted.period),
        bars: charts::bars(replica, cx, gathered),
        sheets: sheets::all(replica, cx, gathered),
        ..frame(replica, cx, wanted)
    })
}

fn quiet(cx: &Cx, missing: &Missing) -> PersonLine {
    PersonLine {
        initial: initial(&missing.name),
        line: missing.name.clone(),
        tone: "bad".to_owned(),
        icon: "clock".to_owned(),
        word: cx.say("console.word.quiet"),
        detail: fresh::heard(missing.heard_at, cx.clock.now, &cx.text)
            .trim()
            .to_owned(),
        href: String::new(),
    }
}

fn filters(replica: &Replica, cx: &Cx, wanted: &Wanted) -> Vec<Filter> {
    let question = &wanted.question;
    let space = question.space.map(|id| id.to_string()).unwrap_or_default();
    let spaces = replica.roster().spaces().keys().map(|id| {
        let name = replica.space_name(id);
        (id.to_string(), fields::space_label(cx, &name))
    });
    let person = question.person.as_ref();
    let person = person.map(|it| it.member.to_string()).unwrap_or_default();
    let sees = Sees::of(replica, question);
    let members = replica.members().into_iter().filter(|member| {
        let id = member.id.parse::<MemberId>();
        id.is_ok_and(|id| sees.may(&id))
    });
    let members = members.map(|it| (it.id, it.name.unwrap_or_else(|| "?".to_owned())));
    vec![
        select(cx, "period", periods(cx, wanted.period), &chosen(wanted)),
        select(cx, "village", with_any(cx, spaces), &space),
        Filter {
            label: cx.say("console.reports.person"),
            ..select(cx, "person", with_any(cx, members), &person)
        },
    ]
}

/// The period as the select names it.
fn chosen(wanted: &Wanted) -> String {
    if wanted.period == Period::ALL {
        ALL.to_owned()
    } else {
        wanted.period.code()
    }
}

/// What the select of times offers, beside what is chosen.
fn periods(cx: &Cx, chosen: Period) -> Vec<(String, String)> {
    let today = cx.clock.today();
    let back = |from: Period, count: usize| {
        std::iter::successors(Some(from), |it| it.before()).take(count)
    };
    let mut offered: Vec<Period> = back(Period::of(today), QUARTERS)
        .chain(back(Period::Year(today.year()), YEARS))
        .collect();
    if !offered.contains(&chosen) && chosen != Period::ALL {
        offered.insert(0, chosen);
    }
    let mut options: Vec<(String, String)> = offered
        .into_iter()
        .map(|period| (period.code(), period.label(&cx.text)))
        .collect();
    options.push((ALL.to_owned(), Period::ALL.label(&cx.text)));
    options
}

fn with_any(cx: &Cx, options: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let any = (String::new(), cx.say("console.filter.any"));
    std::iter::once(any).chain(options).collect()
}

/// What makes a PDF of the same numbers: the page itself is for this browser alone.
fn commands(replica: &Replica, wanted: &Wanted) -> String {
    let mut words = vec!["banyan report".to_owned()];
    match wanted.period {
        Period::Quarter(..) => words.push(format!("--quarter {}", wanted.period.code())),
        Period::Year(_) => words.push(format!("--year {}", wanted.period.code())),
        Period::Days(from, to) => {
            words.extend(from.map(|day| format!("--from {day}")));
            words.extend(to.map(|day| format!("--to {day}")));
        }
    }
    let space = wanted.question.space.as_ref();
    words.extend(space.map(|id| format!("--space {}", quoted(&replica.space_name(id)))));
    let person = wanted.question.person.as_ref();
    words.extend(person.map(|it| format!("--person {}", it.member)));
    words.push("--html report.html".to_owned());
    format!(
        "{}\nchromium --headless --no-pdf-header-footer --print-to-pdf=report.pdf report.html",
        words.join(" ")
    )
}

/// A name as a shell takes it for one word.
fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', "'\\''"))
}
