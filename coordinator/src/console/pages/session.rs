//! A sharing session on the wall: what is talked about, what is agreed, who is there. Everybody in the room
//! reads it, so that personal fields are masked whatever the address asks for.

pub(in crate::console) mod acts;
mod agenda;

use std::collections::BTreeMap;

use serde_json::Value;
use sync_core::id::{LaneId, RecordId};
use sync_core::replica::Replica;
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::{Kind, State};

use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::inputs::Wrong;
use crate::console::views::session as views;
use crate::console::views::shared::Choice;
use crate::lookup::Lookup;

const SESSION: &str = "session";
const RESOLUTION: &str = "resolution";
const NEED: &str = "need";
/// The state of a session that has taken place.
const HELD: &str = "held";

/// A session as it stands.
struct Open {
    id: RecordId,
    space: LaneId,
    title: String,
    state: String,
    values: BTreeMap<String, Value>,
    kind: Kind,
    /// What this person is in its space.
    role: Option<Role>,
}

impl Open {
    fn word(&self, name: &str) -> &str {
        self.values
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The words of a set.
    fn words(&self, name: &str) -> Vec<&str> {
        let parts = self.values.get(name).and_then(Value::as_array);
        let parts = parts.into_iter().flatten();
        parts.filter_map(Value::as_str).collect()
    }

    /// The lines of a list.
    fn lines(&self, name: &str) -> Vec<&str> {
        let parts = self.values.get(name).and_then(Value::as_array);
        let parts = parts.into_iter().flatten();
        parts
            .filter_map(|part| part.get("text").and_then(Value::as_str))
            .collect()
    }

    fn href(&self) -> String {
        format!("/session/{}", self.id)
    }

    /// Whether this person may write in it; not after it is over.
    fn may_write(&self) -> bool {
        let is_over = self.kind.state(&self.state).is_some_and(State::is_end);
        let may = self.role.is_some_and(|role| self.kind.may_edit(role, false));
        may && !is_over
    }

    fn may_close(&self) -> bool {
        let mut next = self.kind.next_states(&self.state);
        let is_next = next.any(|state| state.value() == HELD);
        let may = |role| self.kind.may_enter(HELD, role, false);
        is_next && self.may_write() && self.role.is_some_and(may)
    }
}

fn open(replica: &Replica, cx: &Cx) -> Result<Open, Trouble> {
    let id: RecordId = cx.asked.param("id").parse().map_err(|_| Trouble::Missing)?;
    let view = replica.show(id)?;
    let row = replica.store().row(&id)?.ok_or(Trouble::Missing)?;
    let kind = replica.schema().kind(SESSION).ok_or(Trouble::Missing)?;
    if view.kind != SESSION {
        return Err(Trouble::Missing);
    }
    let fields = view.fields.into_iter();
    let scope = Scope::Space(row.space);
    Ok(Open {
        id,
        space: row.space,
        title: view.title,
        state: row.state.unwrap_or_default(),
        values: fields.map(|field| (field.name, field.value)).collect(),
        kind: kind.clone(),
        role: replica.roster().role_in(&replica.device(), &scope),
    })
}

/// What was typed in which form, and what is wrong with it.
#[derive(Default)]
struct Asked<'a> {
    typed: Option<&'a Form>,
    wrong: Wrong,
}

impl Asked<'_> {
    /// What was typed for a name, if that is what is wrong.
    fn kept(&self, name: &str, field: &str) -> String {
        let form = self.typed.filter(|_| self.wrong.contains_key(name));
        form.map_or_else(String::new, |form| form.get(field).to_owned())
    }

    fn error(&self, name: &str) -> String {
        self.wrong.get(name).cloned().unwrap_or_default()
    }
}

/// The same as what was asked, with nothing of it that shows more.
fn masked(cx: &Cx) -> Cx {
    let mut cx = cx.clone();
    cx.asked.query = Form::default();
    cx
}

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    page(replica, cx, &open(replica, cx)?, &Asked::default())
}

fn page(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    asked: &Asked<'_>,
) -> Result<Shown, Trouble> {
    let cx = &masked(cx);
    let agenda = agenda::points(replica, cx, open, asked)?;
    let undecided = agenda
        .iter()
        .filter(|point| point.is_link && point.resolutions.is_empty());
    let undecided = undecided.count() as u64;
    let members = attendance(replica, open);
    let guests: u64 = open
        .values
        .get("guests")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let here = members.iter().filter(|member| member.on);
    let here = (here.count() as u64).saturating_add(guests);
    let (line, minutes, count) = (asked.error("line"), asked.error("minutes"), asked.error("guests"));
    let page = views::Session {
        href: open.href(),
        up_href: format!("/record/{}", open.id),
        title: open.title.clone(),
        lead: lead(replica, cx, open),
        state: fields::state_label(replica, cx, SESSION, &open.state),
        state_tone: fields::state_tone(replica, SESSION, &open.state).to_owned(),
        is_empty: !agenda.iter().any(|point| point.no != agenda::BESIDE),
        agenda,
        can_write: open.may_write(),
        open_needs: agenda::open_needs(replica, cx, open)?,
        line_typed: asked.kept("line", "line"),
        has_point_error: !line.is_empty(),
        point_error: line,
        minutes: open.lines("minutes").into_iter().map(str::to_owned).collect(),
        minutes_typed: asked.kept("minutes", "text"),
        has_minutes_error: !minutes.is_empty(),
        minutes_error: minutes,
        attendance_line: cx.count("console.session.here", here),
        were_here: open.words("attendees").into_iter().map(str::to_owned).collect(),
        attendance: members,
        guests: if count.is_empty() {
            open.values.get("guests").map_or_else(String::new, |it| it.to_string())
        } else {
            asked.kept("guests", "guests")
        },
        has_guests_error: !count.is_empty(),
        guests_error: count,
        can_close: open.may_close(),
        close_ask: close_ask(cx, undecided),
    };
    Ok(Shown::new("records", "records", page))
}

fn close_ask(cx: &Cx, undecided: u64) -> String {
    if undecided == 0 {
        cx.say("console.session.close_all")
    } else {
        cx.count("console.session.close_ask", undecided)
    }
}

fn lead(replica: &Replica, cx: &Cx, open: &Open) -> String {
    let (day, hour) = open.word("starts").split_once(' ').unwrap_or_default();
    let host = open.word("host");
    let host = if host.is_empty() {
        String::new()
    } else {
        let name = Lookup::of(replica).name_of(host);
        cx.with("console.session.host", &[("who", &name)])
    };
    let when = format!("{} {hour}", cx.clock.kept_day(day));
    let parts = [when.trim(), open.word("place"), &host];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// Members, with a tick at who is there.
fn attendance(replica: &Replica, open: &Open) -> Vec<Choice> {
    let here = open.words("attendees");
    let members = replica.members().into_iter();
    let members = members.filter(|it| !it.is_removed() || here.contains(&it.id.as_str()));
    members
        .map(|member| Choice {
            on: here.contains(&member.id.as_str()),
            label: member.name.unwrap_or_else(|| "?".to_owned()),
            value: member.id,
        })
        .collect()
}
