//! What stands on the agenda of a session, and what was agreed about it.

use serde_json::Value;
use sync_core::id::RecordId;
use sync_core::replica::Replica;
use sync_core::schema::State;
use sync_core::store::{RowFilter, ViewRow};

use super::super::rows;
use super::{Asked, NEED, Open, RESOLUTION};
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::views::session::{Point, Resolved};
use crate::console::views::shared::Choice;
use crate::lookup::Lookup;

/// Stands where a number would for what is agreed beside the agenda.
pub(super) const BESIDE: &str = "+";
/// Needs that are offered for the agenda.
const NEEDS_MAX: usize = 50;
/// So many days from now is when a resolution is due if nobody says otherwise.
const DUE_DAYS: i64 = 7;

/// A resolution of this session, with the needs that it is about.
struct Agreed {
    row: ViewRow,
    values: Value,
}

impl Agreed {
    fn is_about(&self, need: &str) -> bool {
        let needs = self.values.get("needs").and_then(Value::as_array);
        needs.is_some_and(|needs| needs.iter().any(|it| it.as_str() == Some(need)))
    }

    fn word(&self, name: &str) -> &str {
        let word = self.values.get(name).and_then(Value::as_str);
        word.unwrap_or_default()
    }
}

/// The needs on the agenda, its other lines, and what was agreed beside it.
pub(super) fn points(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    asked: &Asked<'_>,
) -> Result<Vec<Point>, Trouble> {
    let agreed = agreed(replica, open)?;
    let needs = open.words("needs");
    let mut points = Vec::new();
    for need in &needs {
        let theirs = agreed.iter().filter(|it| it.is_about(need));
        let theirs = theirs.map(|it| resolved(replica, cx, it)).collect();
        let point = need_point(replica, cx, need)?;
        points.push(Point {
            resolutions: theirs,
            ..with_form(replica, cx, open, asked, point)
        });
    }
    let lines = open.lines("agenda").into_iter();
    points.extend(lines.map(|line| Point {
        title: line.to_owned(),
        ..Point::default()
    }));
    for (n, point) in points.iter_mut().enumerate() {
        point.no = (n + 1).to_string();
    }
    let is_beside = |it: &&Agreed| !needs.iter().any(|need| it.is_about(need));
    let beside: Vec<Resolved> = agreed
        .iter()
        .filter(is_beside)
        .map(|it| resolved(replica, cx, it))
        .collect();
    if open.may_write() || !beside.is_empty() {
        let point = Point {
            no: BESIDE.to_owned(),
            title: cx.say("console.session.beside"),
            ..Point::default()
        };
        points.push(Point {
            resolutions: beside,
            ..with_form(replica, cx, open, asked, point)
        });
    }
    Ok(points)
}

fn need_point(replica: &Replica, cx: &Cx, need: &str) -> Result<Point, Trouble> {
    let row = match need.parse::<RecordId>() {
        Ok(record) => replica.store().row(&record)?,
        Err(_) => None,
    };
    let blank = Point {
        id: need.to_owned(),
        ..Point::default()
    };
    Ok(match row {
        Some(row) => Point {
            is_link: true,
            href: rows::href(&row),
            title: fields::title(replica, cx, &row),
            meta: need_meta(replica, cx, &row),
            ..blank
        },
        None => Point {
            title: cx.say("console.not_here"),
            ..blank
        },
    })
}

/// What is not personal of a need: category, urgency, state.
fn need_meta(replica: &Replica, cx: &Cx, row: &ViewRow) -> String {
    let values: Value = serde_json::from_str(&row.fields).unwrap_or_default();
    let Some(kind) = replica.schema().kind(&row.kind) else {
        return String::new();
    };
    let said = ["category", "urgency", "state"].map(|name| {
        let value = values.get(name).cloned().unwrap_or_default();
        fields::shown(replica, cx, kind, name, &value)
    });
    let said: Vec<String> = said.into_iter().filter(|word| !word.is_empty()).collect();
    said.join(" · ")
}

/// The form for what is agreed, as it was typed if it was refused.
fn with_form(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    asked: &Asked<'_>,
    point: Point,
) -> Point {
    let typed = asked.typed.filter(|form| {
        let is_resolving = asked.wrong.contains_key("text") || asked.wrong.contains_key("due");
        is_resolving && form.get("need") == point.id
    });
    let error = |name: &str| typed.map_or_else(String::new, |_| asked.error(name));
    let (text_error, due_error) = (error("text"), error("due"));
    let today = cx.clock.today();
    let due = today.checked_add(jiff::Span::new().days(DUE_DAYS));
    let due = due.unwrap_or(today).to_string();
    let who = typed.map_or("", |form| form.get("who"));
    let members = replica.members().into_iter();
    let members = members.filter(|member| !member.is_removed());
    let members = members.map(|member| Choice {
        on: member.id == who,
        label: member.name.unwrap_or_else(|| "?".to_owned()),
        value: member.id,
    });
    let unset = Choice {
        value: String::new(),
        label: cx.say("console.form.unset"),
        on: who.is_empty(),
    };
    Point {
        can_resolve: open.may_write(),
        open: typed.is_some(),
        text: typed.map_or_else(String::new, |form| form.get("text").to_owned()),
        persons: std::iter::once(unset).chain(members).collect(),
        due: typed.map_or(due, |form| form.get("due").to_owned()),
        has_text_error: !text_error.is_empty(),
        text_error,
        has_due_error: !due_error.is_empty(),
        due_error,
        ..point
    }
}

fn agreed(replica: &Replica, open: &Open) -> Result<Vec<Agreed>, Trouble> {
    let mut agreed = Vec::new();
    for (record, field) in replica.links_to(open.id)? {
        let row = replica.store().row(&record)?;
        let row = row.filter(|row| row.kind == RESOLUTION && field == super::SESSION);
        agreed.extend(row.map(|row| Agreed {
            values: serde_json::from_str(&row.fields).unwrap_or_default(),
            row,
        }));
    }
    agreed.sort_by_key(|it| (it.row.created_at, it.row.record));
    Ok(agreed)
}

fn resolved(replica: &Replica, cx: &Cx, agreed: &Agreed) -> Resolved {
    let row = &agreed.row;
    let (who, due) = (agreed.word("responsible"), agreed.word("due"));
    let who = (!who.is_empty()).then(|| Lookup::of(replica).name_of(who));
    let due = (!due.is_empty()).then(|| {
        let day = cx.clock.kept_day(due);
        cx.with("console.session.by_day", &[("day", &day)])
    });
    let parts: Vec<String> = who.into_iter().chain(due).collect();
    let state = row.state.as_deref().unwrap_or_default();
    Resolved {
        href: rows::href(row),
        state: fields::state_label(replica, cx, RESOLUTION, state),
        text: fields::title(replica, cx, row),
        meta: parts.join(" · "),
    }
}

/// Needs of the session's space that are neither closed nor on the agenda.
pub(super) fn open_needs(replica: &Replica, cx: &Cx, open: &Open) -> Result<Vec<Choice>, Trouble> {
    let unset = Choice {
        value: String::new(),
        label: cx.say("console.form.unset"),
        on: true,
    };
    let Some(kind) = replica.schema().kind(NEED) else {
        return Ok(vec![unset]);
    };
    let going = kind.states().iter().filter(|state| !state.is_end());
    let filter = RowFilter {
        kind: Some(NEED.to_owned()),
        space: Some(open.space),
        states: going.map(State::value).map(str::to_owned).collect(),
        limit: Some(NEEDS_MAX),
        ..RowFilter::default()
    };
    let there = open.words("needs");
    let needs = replica.list(&filter)?.into_iter();
    let needs = needs.filter(|row| !there.contains(&row.record.to_string().as_str()));
    let needs = needs.map(|row| Choice {
        value: row.record.to_string(),
        label: format!(
            "{} · {}",
            fields::title(replica, cx, &row),
            need_meta(replica, cx, &row)
        ),
        on: false,
    });
    Ok(std::iter::once(unset).chain(needs).collect())
}
