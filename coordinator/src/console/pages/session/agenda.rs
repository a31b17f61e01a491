//! What stands on the agenda of a session, and what was agreed about it.

use std::cmp::Reverse;

use serde_json::Value;
use sync_core::id::RecordId;
use sync_core::replica::Replica;
use sync_core::schema::{Kind, State};
use sync_core::store::{RowFilter, ViewRow};

use super::super::rows;
use super::agreed::{self, Agreed};
use super::{Asked, NEED, Open};
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::views::session::{Point, Resolved};
use crate::console::views::shared::Choice;

/// Stands where a number would for what is agreed beside the agenda.
pub(super) const BESIDE: &str = "+";
/// Needs that are offered for the agenda.
const NEEDS_MAX: usize = 50;

/// The needs on the agenda, its other lines, and what was agreed beside it.
pub(super) fn points(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    asked: &Asked<'_>,
) -> Result<Vec<Point>, Trouble> {
    let agreed = agreed::of(replica, open)?;
    let resolved = |it: &Agreed| agreed::resolved(replica, cx, open, asked, it);
    let needs = in_order(replica, open.words("needs"))?;
    let can_write = open.may_write();
    let mut points = Vec::new();
    for (need, row) in &needs {
        let theirs = agreed.iter().filter(|it| it.is_about(need));
        let theirs = theirs.map(resolved).collect::<Result<_, _>>()?;
        points.push(Point {
            resolutions: theirs,
            can_take_off: can_write,
            form: agreed::form(cx, asked, need),
            ..need_point(replica, cx, open, (need, row.as_ref()))
        });
    }
    let lines = open.lines("agenda").into_iter();
    points.extend(lines.map(|(line, text)| Point {
        title: text.to_owned(),
        line: line.to_owned(),
        can_take_off: can_write,
        ..Point::default()
    }));
    for (n, point) in points.iter_mut().enumerate() {
        point.no = (n + 1).to_string();
    }
    let beside = agreed
        .iter()
        .filter(|it| !needs.iter().any(|(need, _)| it.is_about(need)));
    let beside: Vec<Resolved> = beside.map(resolved).collect::<Result<_, _>>()?;
    if can_write || !beside.is_empty() {
        points.push(Point {
            no: BESIDE.to_owned(),
            title: cx.say("console.session.beside"),
            resolutions: beside,
            can_resolve: can_write,
            form: agreed::form(cx, asked, ""),
            ..Point::default()
        });
    }
    Ok(points)
}

/// A need by its id, and its row if it is here.
type Need<'n> = (&'n str, Option<ViewRow>);

/// Needs of a session, the most urgent first and then the oldest, so that a set of them has numbers that
/// are the same on every wall.
fn in_order<'n>(replica: &Replica, needs: Vec<&'n str>) -> Result<Vec<Need<'n>>, Trouble> {
    let kind = replica.schema().kind(NEED);
    let urgencies = kind.and_then(|kind| kind.field("urgency"));
    let urgencies = urgencies.map(|field| field.ty().choices());
    let urgencies = urgencies.unwrap_or_default();
    let mut ordered = Vec::new();
    for need in needs {
        let row = row_of(replica, need)?;
        let values = row.as_ref().map(|row| row.fields.as_str());
        let values: Value = serde_json::from_str(values.unwrap_or_default()).unwrap_or_default();
        let urgency = values.get("urgency").and_then(Value::as_str);
        let urgency = urgencies.iter().position(|it| Some(it.value()) == urgency);
        let begun = row.as_ref().map(|row| row.created_at);
        ordered.push(((Reverse(urgency), begun, need), row));
    }
    ordered.sort_by_key(|(place, _)| *place);
    let ordered = ordered.into_iter();
    Ok(ordered.map(|((.., need), row)| (need, row)).collect())
}

/// A need, as far as this device has it.
fn need_point(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    (need, row): (&str, Option<&ViewRow>),
) -> Point {
    let Some((row, kind)) = row.zip(replica.schema().kind(NEED)) else {
        return Point {
            id: need.to_owned(),
            title: cx.say("console.not_here"),
            ..Point::default()
        };
    };
    let state = row.state.as_deref().unwrap_or_default();
    let is_over = kind.state(state).is_some_and(State::is_end);
    Point {
        id: need.to_owned(),
        is_link: true,
        href: rows::href(row),
        title: fields::title(replica, cx, row),
        meta: need_meta(replica, cx, open, row),
        has_state: !state.is_empty(),
        state: fields::state_label(replica, cx, NEED, state),
        state_tone: fields::state_tone(replica, NEED, state).to_owned(),
        moves: moves(replica, cx, kind, row),
        can_resolve: open.may_write() && !is_over,
        ..Point::default()
    }
}

/// What is not personal of a need: category, urgency, who has raised it.
fn need_meta(replica: &Replica, cx: &Cx, open: &Open, row: &ViewRow) -> String {
    let values = row.values();
    let Some(kind) = replica.schema().kind(&row.kind) else {
        return String::new();
    };
    let village =
        (row.space != open.space).then(|| fields::space_label(cx, &replica.space_name(&row.space)));
    let said = ["category", "urgency"].map(|name| {
        let value = values.get(name).cloned().unwrap_or_default();
        fields::shown(replica, cx, kind, name, &value)
    });
    let who = replica.name_of(&row.created_by);
    let raised = cx.with("console.session.raised_by", &[("who", &who)]);
    let parts = village.into_iter().chain(said).chain([raised]);
    let parts: Vec<String> = parts.filter(|word| !word.is_empty()).collect();
    parts.join(" · ")
}

/// Where this person may move a need to without a reason: the schema says what comes after what, so that
/// one is closed only after the resident has confirmed.
fn moves(replica: &Replica, cx: &Cx, kind: &Kind, row: &ViewRow) -> Vec<Choice> {
    let Ok(role) = replica.role_to_edit(row) else {
        return Vec::new();
    };
    let is_own = replica.is_ours(&row.created_by);
    let state = row.state.as_deref().unwrap_or_default();
    let next = kind.next_states(state);
    let next = next.filter(|next| !next.needs_reason());
    let next = next.filter(|next| kind.may_enter(next.value(), role, is_own));
    next.map(|next| Choice {
        value: next.value().to_owned(),
        label: next.label(cx.text.lang()).to_owned(),
        on: false,
    })
    .collect()
}

/// Whether this person may move a need to a state from where it is.
pub(super) fn may_move(replica: &Replica, cx: &Cx, row: &ViewRow, to: &str) -> bool {
    let kind = replica.schema().kind(NEED).filter(|_| row.kind == NEED);
    kind.is_some_and(|kind| {
        let mut moves = moves(replica, cx, kind, row).into_iter();
        moves.any(|next| next.value == to)
    })
}

/// Whether a need can be put on the agenda: one of the session's village, or any for the whole community.
pub(super) fn may_take(replica: &Replica, open: &Open, need: &str) -> Result<bool, Trouble> {
    let row = row_of(replica, need)?;
    Ok(row.is_some_and(|row| {
        let is_near = row.space == open.space || open.is_of_all(replica);
        row.kind == NEED && is_near
    }))
}

/// A record's row, if the record is here.
pub(super) fn row_of(replica: &Replica, id: &str) -> Result<Option<ViewRow>, Trouble> {
    Ok(match id.parse::<RecordId>() {
        Ok(record) => replica.store().row(&record)?,
        Err(_) => None,
    })
}

/// Needs of the session's village that are neither closed nor on the agenda; for the whole community, of
/// all villages.
pub(super) fn open_needs(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    asked: &Asked<'_>,
) -> Result<Vec<Choice>, Trouble> {
    let chosen = asked.kept("line", "need");
    let unset = Choice {
        value: String::new(),
        label: cx.say("console.form.unset"),
        on: chosen.is_empty(),
    };
    let Some(kind) = replica.schema().kind(NEED) else {
        return Ok(vec![unset]);
    };
    let going = kind.states().iter().filter(|state| !state.is_end());
    let there = open.words("needs");
    let filter = RowFilter {
        kind: Some(NEED.to_owned()),
        space: (!open.is_of_all(replica)).then_some(open.space),
        states: going.map(State::value).map(str::to_owned).collect(),
        limit: Some(NEEDS_MAX + there.len()),
        ..RowFilter::default()
    };
    let needs = replica.list(&filter)?.into_iter();
    let needs = needs.filter(|row| !there.contains(&row.record.to_string().as_str()));
    let needs = needs.map(|row| Choice {
        value: row.record.to_string(),
        label: format!(
            "{} · {} · {}",
            fields::title(replica, cx, &row),
            need_meta(replica, cx, open, &row),
            fields::state_label(replica, cx, NEED, row.state.as_deref().unwrap_or_default()),
        ),
        on: row.record.to_string() == chosen,
    });
    Ok(std::iter::once(unset)
        .chain(needs.take(NEEDS_MAX))
        .collect())
}
