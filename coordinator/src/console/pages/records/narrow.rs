//! What the address of a list asks for, and the conditions that no select offers: reports lead here with them.

use sync_core::id::{LaneId, MemberId, Millis};
use sync_core::replica::Replica;
use sync_core::store::{LinkTarget, Order, RowFilter};
use sync_core::view::statistics::account::{LAST_DAY, visits_of};

use crate::console::cx::{Cx, Trouble};
use crate::console::form::Form;
use crate::console::pages::{privacy, rows};
use crate::console::views::shared::Choice;
use crate::console::views::work::Active;

const DAY_MILLIS: i64 = 86_400_000;
/// What a field is chosen to be: `choice=category:roads`.
const CHOICE: &str = "choice";
/// What a field is not chosen to be: `not=status:moved`.
const NOT: &str = "not";
/// Homes that no visit leads to: of the days that the address names beside it.
const UNVISITED: &str = "unvisited";
/// Work that is due on this day or before.
const DUE_TO: &str = "due_to";
/// Conditions without a select.
const NAMES: [&str; 7] = ["from", "to", "named", CHOICE, DUE_TO, UNVISITED, NOT];

/// What the address asks for; what it asks for in a way that we do not know is left out.
pub(in crate::console::pages) fn filter(
    replica: &Replica,
    cx: &Cx,
    query: &Form,
) -> Result<RowFilter, Trouble> {
    let some = |name: &str| Some(query.get(name)).filter(|value| !value.is_empty());
    let person = match some("person").and_then(|id| id.parse::<MemberId>().ok()) {
        Some(member) => Some(replica.person(member)?),
        None => None,
    };
    let today = cx.clock.today();
    let yesterday = today.yesterday().unwrap_or(today);
    let is_late = query.get("flag") == "late";
    let narrowed = match query.get("flag") {
        "review" => rows::to_review(replica)?,
        "back" => rows::sent_back(replica)?,
        "past" => privacy::past(replica, cx),
        "withdrawn" => privacy::withdrawn(replica, cx)?,
        _ => RowFilter::default(),
    };
    let owned = |name: &str| some(name).map(str::to_owned);
    let (from, to) = (owned("from"), owned("to"));
    let visits = query
        .has(UNVISITED)
        .then(|| visits_of(from.clone(), to.clone()));
    // The days are those of the visits, then.
    let days = if visits.is_some() {
        (None, None)
    } else {
        (from, to)
    };
    Ok(RowFilter {
        kind: owned("kind"),
        space: some("village").and_then(|id| id.parse::<LaneId>().ok()),
        states: query
            .all("state")
            .filter(|state| !state.is_empty())
            .map(str::to_owned)
            .collect(),
        only_conflicts: query.get("flag") == "clash",
        kinds: if is_late {
            rows::due_kinds(replica)
        } else {
            Vec::new()
        },
        due_to: is_late
            .then(|| yesterday.to_string())
            .or_else(|| owned(DUE_TO)),
        person,
        linked: some("named")
            .and_then(|id| id.parse().ok())
            .map(LinkTarget::Member),
        choices: query.all(CHOICE).filter_map(choice).collect(),
        not_choices: query.all(NOT).filter_map(choice).collect(),
        not_led_from: visits,
        day_from: days.0,
        day_to: days.1,
        changed_after: period_start(cx, query.get("period")),
        search: some("q").map(str::to_owned),
        order: match query.get("sort") {
            "due" => Order::Due,
            "day" => Order::Day,
            _ => Order::Newest,
        },
        ..narrowed
    })
}

fn period_start(cx: &Cx, period: &str) -> Option<Millis> {
    let days = match period {
        "today" => 1,
        "week" => 7,
        "quarter" => 92,
        _ => return None,
    };
    Some(Millis(cx.clock.now.0 - days * DAY_MILLIS))
}

/// The field and the value of a choice.
fn choice(asked: &str) -> Option<(String, String)> {
    let (field, value) = asked.split_once(':')?;
    let is_one = !field.is_empty() && !value.is_empty();
    is_one.then(|| (field.to_owned(), value.to_owned()))
}

/// What the form of the selects sends again, so that choosing one more thing drops nothing.
pub(super) fn kept(query: &Form) -> Vec<Choice> {
    let pairs = query.pairs();
    let kept = pairs.filter(|(name, value)| NAMES.contains(name) && !value.is_empty());
    kept.map(|(name, value)| Choice {
        value: name.to_owned(),
        label: value.to_owned(),
        on: false,
    })
    .collect()
}

/// A pill for each condition without a select.
pub(super) fn pills(replica: &Replica, cx: &Cx, query: &Form) -> Vec<Active> {
    let given = NAMES.iter().filter(|name| !query.get(name).is_empty());
    given
        .map(|name| {
            let values = query
                .all(name)
                .map(|value| label(replica, cx, query, name, value));
            let label = values.collect::<Vec<_>>().join(&cx.say("word.and"));
            super::pill(cx, query, name, &label)
        })
        .collect()
}

fn label(replica: &Replica, cx: &Cx, query: &Form, name: &str, value: &str) -> String {
    match name {
        "named" => value
            .parse()
            .map_or_else(|_| value.to_owned(), |id| replica.member_name(&id)),
        CHOICE | NOT => choice_label(replica, cx, query.get("kind"), value),
        UNVISITED => cx.say("console.filter.unvisited_word"),
        DUE_TO if value == LAST_DAY => cx.say("console.filter.any"),
        _ => cx.clock.kept_day(value),
    }
}

fn choice_label(replica: &Replica, cx: &Cx, kind: &str, asked: &str) -> String {
    let Some((field, value)) = choice(asked) else {
        return asked.to_owned();
    };
    let known = replica.schema().kind(kind);
    let Some(field) = known.and_then(|kind| kind.field(&field)) else {
        return value;
    };
    let choices = field.ty().choices().iter();
    let chosen = choices.clone().find(|choice| choice.value() == value);
    chosen.map_or(value, |choice| choice.label(cx.text.lang()).to_owned())
}
