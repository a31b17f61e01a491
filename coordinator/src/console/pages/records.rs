//! Lists and search.

pub(super) mod narrow;

use sync_core::id::{MemberId, RecordId};
use sync_core::replica::Replica;
use sync_core::store::{Cursor, ViewRow};

use super::{rows, saved};
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::form::{self, Form};
use crate::console::saved::Refused;
use crate::console::views::shared::{Choice, Filter};
use crate::console::views::work::{Active, Records};

/// Records on a page.
const PAGE_ROWS: usize = 50;
/// What a filter's name in the address is.
const NAMES: [&str; 6] = ["kind", "state", "village", "person", "period", "flag"];
/// Asks for a list of its own, beside which no filter holds: what somebody does not have yet.
pub(super) const LACKED: &str = "lacked";

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    page(replica, cx, &cx.asked.query, None)
}

/// The list that a query asks for; a name for it may have been refused.
pub(super) fn page(
    replica: &Replica,
    cx: &Cx,
    query: &Form,
    refused: Option<(&str, Refused)>,
) -> Result<Shown, Trouble> {
    let (mut found, total) = found(replica, cx, query)?;
    let has_next = found.len() > PAGE_ROWS;
    found.truncate(PAGE_ROWS);
    let ids: Vec<RecordId> = found.iter().map(|row| row.record).collect();
    let ticks = replica.ticks_of(&ids)?;
    let next = found.last().map(|row| row.record.to_string());
    let offered = NAMES.map(|name| (name, options_of(replica, cx, name, query)));
    let active = active(replica, cx, query, &offered);
    let is_plain = active.is_empty() && query.get("q").trim().is_empty();
    let has_rows = !found.is_empty();
    let (empty_icon, empty_title, empty_text) = empty_words(query, is_plain);
    let key = if total == 0 {
        cx.say("console.records.none")
    } else if is_plain {
        cx.count("console.records.count", total)
    } else {
        cx.count("console.records.found", total)
    };
    let (show_word, show_href) =
        cx.personal_link("/records", &query.query_without(&["personal", "after"]));
    let page = Records {
        count_line: key,
        views: saved::views(replica, cx, query)?,
        save: saved::save_view(cx, query, refused),
        q: query.get("q").to_owned(),
        filters: filters(cx, query, offered),
        kept: narrow::kept(query),
        filters_open: !active.is_empty(),
        filter_line: if active.is_empty() {
            cx.say("console.records.filters")
        } else {
            cx.count("console.records.filters_on", active.len() as u64)
        },
        has_active: !active.is_empty(),
        active,
        has_rows,
        rows: found
            .iter()
            .zip(&ticks)
            .map(|(row, ticks)| rows::row(replica, cx, row, ticks))
            .collect(),
        has_prev: query.has("after"),
        prev_href: address(&query.query_without(&["after"])),
        has_next,
        next_href: next_href(query, next.as_deref()),
        as_of: as_of(cx),
        has_missing: false,
        missing: String::new(),
        show_word,
        show_href,
        empty_icon: empty_icon.to_owned(),
        empty_title: cx.say(empty_title),
        empty_text: cx.say(empty_text),
        can_clear: !is_plain,
    };
    Ok(Shown::new("records", "records", page))
}

/// Picture, title and text of a list without rows.
fn empty_words(query: &Form, is_plain: bool) -> (&'static str, &'static str, &'static str) {
    if query.has(LACKED) {
        let title = "console.records.none_lacked";
        return ("check", title, "console.records.none_lacked_text");
    }
    if is_plain {
        let title = "console.records.empty";
        return ("banyan", title, "console.records.empty_text");
    }
    let title = "console.records.no_match";
    ("search", title, "console.records.no_match_text")
}

/// The rows from the place that the page begins at, one more than it shows, and how many there are.
fn found(replica: &Replica, cx: &Cx, query: &Form) -> Result<(Vec<ViewRow>, u64), Trouble> {
    if let Ok(member) = query.get(LACKED).parse() {
        return lacked(replica, query, &member);
    }
    let mut filter = narrow::filter(replica, cx, query)?;
    let total = replica.count(&filter)?;
    filter.limit = Some(PAGE_ROWS + 1);
    filter.after = after(replica, query)?;
    Ok((replica.list(&filter)?, total))
}

/// Records with a change of mine that somebody does not have yet.
fn lacked(
    replica: &Replica,
    query: &Form,
    member: &MemberId,
) -> Result<(Vec<ViewRow>, u64), Trouble> {
    let records = replica.lacked_by(member)?;
    let after = query.get("after").parse::<RecordId>().ok();
    let begin = after.and_then(|after| records.iter().position(|it| *it == after));
    let rest = records.iter().skip(begin.map_or(0, |at| at + 1));
    let mut rows = Vec::new();
    for record in rest.take(PAGE_ROWS + 1) {
        rows.extend(replica.store().row(record)?);
    }
    Ok((rows, records.len() as u64))
}

/// Up to when what is shown goes.
fn as_of(cx: &Cx) -> String {
    let now = cx.clock.moment(cx.clock.now);
    cx.with("console.asof.here", &[("when", &now)])
}

pub(super) fn address(query: &str) -> String {
    form::address("/records", query)
}

fn next_href(query: &Form, last: Option<&str>) -> String {
    let query = query.query_without(&["after"]);
    let joint = if query.is_empty() { "" } else { "&" };
    last.map_or_else(String::new, |last| {
        address(&format!("{query}{joint}after={last}"))
    })
}

/// The place of the row that the page before ended with, where it stands now.
fn after(replica: &Replica, query: &Form) -> Result<Option<Cursor>, Trouble> {
    let Ok(record) = query.get("after").parse() else {
        return Ok(None);
    };
    let row = replica.store().row(&record)?;
    Ok(row.as_ref().map(Cursor::of))
}

/// Values and labels, by the filter that offers them.
type Offered = [(&'static str, Vec<(String, String)>); NAMES.len()];

fn filters(cx: &Cx, query: &Form, offered: Offered) -> Vec<Filter> {
    let sorts = [
        ("", "console.sort.newest"),
        ("due", "console.sort.due"),
        ("day", "console.sort.day"),
    ];
    let mut filters: Vec<Filter> = offered
        .into_iter()
        .map(|(name, mut options)| {
            options.insert(0, (String::new(), cx.say("console.filter.any")));
            select(cx, name, options, query.get(name))
        })
        .collect();
    let sorts = sorts.map(|(value, key)| (value.to_owned(), cx.say(key)));
    filters.push(select(cx, "sort", sorts.into(), query.get("sort")));
    filters
}

/// A select of values and labels.
pub(super) fn select(cx: &Cx, name: &str, options: Vec<(String, String)>, chosen: &str) -> Filter {
    let options = options.into_iter().map(|(value, label)| Choice {
        on: value == chosen,
        value,
        label,
    });
    Filter {
        name: name.to_owned(),
        label: cx.say(&format!("console.filter.{name}")),
        options: options.collect(),
    }
}

/// Values and labels that a filter offers.
fn options_of(replica: &Replica, cx: &Cx, name: &str, query: &Form) -> Vec<(String, String)> {
    let lang = cx.text.lang();
    let said = |value: &str, key: &str| (value.to_owned(), cx.say(key));
    match name {
        "kind" => {
            let kinds = replica.schema().kinds().iter();
            kinds
                .map(|kind| (kind.name().to_owned(), kind.label(lang).to_owned()))
                .collect()
        }
        "state" => states(replica, cx, query.get("kind")),
        "village" => {
            let spaces = fields::spaces(replica).into_iter();
            spaces
                .map(|space| {
                    let name = replica.space_name(&space);
                    (space.to_string(), fields::space_label(cx, &name))
                })
                .collect()
        }
        "person" => {
            let members = replica.members().into_iter();
            members
                .map(|member| (member.id, member.name.unwrap_or_else(|| "?".to_owned())))
                .collect()
        }
        "period" => vec![
            said("today", "console.period.today"),
            said("week", "console.period.week"),
            said("quarter", "console.period.quarter"),
        ],
        _ => vec![
            said("clash", "console.flag.clash"),
            said("late", "console.flag.overdue"),
            said("review", "console.flag.review"),
            said("back", "console.flag.back"),
            said("past", "console.flag.past"),
            said("withdrawn", "console.flag.withdrawn"),
        ],
    }
}

/// The states of a kind, or of all kinds, each word once.
fn states(replica: &Replica, cx: &Cx, kind: &str) -> Vec<(String, String)> {
    let mut states: Vec<(String, String)> = Vec::new();
    let kinds = replica.schema().kinds().iter();
    for known in kinds.filter(|known| kind.is_empty() || known.name() == kind) {
        for state in known.states() {
            if states.iter().all(|(value, _)| value != state.value()) {
                let label = state.label(cx.text.lang()).to_owned();
                states.push((state.value().to_owned(), label));
            }
        }
    }
    states
}

/// The conditions that hold, each with the address that drops it.
fn active(replica: &Replica, cx: &Cx, query: &Form, offered: &Offered) -> Vec<Active> {
    if let Ok(member) = query.get(LACKED).parse::<MemberId>() {
        return vec![lacked_pill(replica, cx, &member)];
    }
    let given = offered
        .iter()
        .filter(|(name, _)| !query.get(name).is_empty());
    let offered = given.map(|(name, options)| {
        let values = query.all(name).map(|value| {
            let label = options.iter().find(|(known, _)| known == value);
            label.map_or_else(|| value.to_owned(), |(_, label)| label.clone())
        });
        let label = values.collect::<Vec<_>>().join(&cx.say("word.and"));
        pill(cx, query, name, &label)
    });
    offered.chain(narrow::pills(replica, cx, query)).collect()
}

/// One condition, with the address that drops it.
fn pill(cx: &Cx, query: &Form, name: &str, label: &str) -> Active {
    let head = cx.say(&format!("console.filter.{name}"));
    Active {
        href: address(&query.query_without(&[name, "after"])),
        label: format!("{head}{}{label}", cx.say("console.colon")),
    }
}

/// The one condition of the list of what somebody lacks.
fn lacked_pill(replica: &Replica, cx: &Cx, member: &MemberId) -> Active {
    let head = cx.say("console.filter.lacked");
    let name = replica.member_name(member);
    Active {
        href: address(""),
        label: format!("{head}{}{name}", cx.say("console.colon")),
    }
}
