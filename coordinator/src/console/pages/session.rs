//! A sharing session on the wall: what is talked about, what is agreed, who is there. Everybody in the room
//! reads it, so that personal fields are masked whatever the address asks for.

pub(in crate::console) mod acts;
mod agenda;
pub(in crate::console) mod agreed;
mod choose;

use std::collections::BTreeMap;

use serde_json::Value;
use sync_core::id::{LaneId, RecordId};
use sync_core::replica::Replica;
use sync_core::roster::role::Role;
use sync_core::schema::{Kind, State};

use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, highest_role};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::inputs::Wrong;
use crate::console::views::session as views;
use crate::console::views::shared::Choice;
use crate::lookup::Lookup;

pub(super) const SESSION: &str = "session";
const RESOLUTION: &str = "resolution";
const NEED: &str = "need";
const TASK: &str = "task";
/// The state of a session that has taken place.
const HELD: &str = "held";
/// What the pages listen to.
const LIVE: &str = "records roster";

/// Where a session is shown on the wall.
pub(super) fn href(session: &RecordId) -> String {
    format!("/session/{session}")
}

/// A session as it stands.
struct Open {
    id: RecordId,
    space: LaneId,
    /// The day that it is about, as it is kept.
    day: Option<String>,
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

    /// The lines of a list, each with its id.
    fn lines(&self, name: &str) -> Vec<(&str, &str)> {
        let parts = self.values.get(name).and_then(Value::as_array);
        let parts = parts.into_iter().flatten();
        parts
            .filter_map(|part| {
                let word = |key: &str| part.get(key).and_then(Value::as_str);
                Some((word("id")?, word("text")?))
            })
            .collect()
    }

    fn href(&self) -> String {
        href(&self.id)
    }

    /// Whether this person may write in it; not after it is over.
    fn may_write(&self) -> bool {
        let may = self
            .role
            .is_some_and(|role| self.kind.may_edit(role, false));
        may && !self.is_over()
    }

    fn is_over(&self) -> bool {
        self.kind.state(&self.state).is_some_and(State::is_end)
    }

    fn may_close(&self) -> bool {
        let mut next = self.kind.next_states(&self.state);
        let is_next = next.any(|state| state.value() == HELD);
        let may = |role| self.kind.may_enter(HELD, role, false);
        is_next && self.may_write() && self.role.is_some_and(may)
    }

    /// Whether it is the whole community's: everybody reads it, and needs of all villages come up.
    fn is_of_all(&self, replica: &Replica) -> bool {
        !replica.roster().spaces().contains_key(&self.space)
    }
}

fn open(replica: &Replica, cx: &Cx) -> Result<Open, Trouble> {
    let id = cx.asked.param("id").parse().map_err(|_| Trouble::Missing)?;
    opened(replica, id)
}

fn opened(replica: &Replica, id: RecordId) -> Result<Open, Trouble> {
    let view = replica.show(id)?;
    let row = replica.store().row(&id)?.ok_or(Trouble::Missing)?;
    let kind = replica.schema().kind(SESSION).ok_or(Trouble::Missing)?;
    if view.kind != SESSION {
        return Err(Trouble::Missing);
    }
    let fields = view.fields.into_iter();
    let roster = replica.roster();
    Ok(Open {
        id,
        space: row.space,
        day: row.day,
        title: view.title,
        state: row.state.unwrap_or_default(),
        values: fields.map(|field| (field.name, field.value)).collect(),
        kind: kind.clone(),
        role: roster.role_in_space(&replica.device(), &row.space),
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

/// One session, by its address.
pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    page(replica, cx, &open(replica, cx)?, &Asked::default())
}

/// The session that is next, else the last one.
pub(in crate::console) fn current(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    match choose::current(replica, cx)? {
        Some(session) => page(replica, cx, &opened(replica, session)?, &Asked::default()),
        None => {
            let kind = replica.schema().kind(SESSION);
            let role = highest_role(replica);
            let can_begin = kind
                .zip(role)
                .is_some_and(|(kind, role)| kind.may_create(role));
            let page = views::NoSession { can_begin };
            Ok(Shown::new(SESSION, LIVE, page))
        }
    }
}

fn page(replica: &Replica, cx: &Cx, open: &Open, asked: &Asked<'_>) -> Result<Shown, Trouble> {
    let cx = &masked(cx);
    let agenda = agenda::points(replica, cx, open, asked)?;
    let other = choose::before(replica, open)?;
    let people = people(replica, open);
    let page = views::Session {
        href: open.href(),
        up_href: format!("/record/{}", open.id),
        has_other: other.is_some(),
        other_href: other.as_ref().map_or_else(String::new, href),
        title: open.title.clone(),
        lead: lead(replica, cx, open),
        state: fields::state_label(replica, cx, SESSION, &open.state),
        state_tone: fields::state_tone(replica, SESSION, &open.state).to_owned(),
        is_empty: !agenda.iter().any(|point| point.no != agenda::BESIDE),
        can_write: open.may_write(),
        persons: persons(cx, &people),
        open_needs: agenda::open_needs(replica, cx, open, asked)?,
        minutes: owned(open.lines("minutes")),
        can_close: open.may_close(),
        close_ask: close_ask(cx, undecided(&agenda)),
        agenda,
        ..typed(replica, cx, open, asked, people)
    };
    Ok(Shown::new(SESSION, LIVE, page))
}

fn owned(lines: Vec<(&str, &str)>) -> Vec<String> {
    let lines = lines.into_iter();
    lines.map(|(_, text)| text.to_owned()).collect()
}

/// Who is there, and what stands in the small forms.
fn typed(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    asked: &Asked<'_>,
    people: People,
) -> views::Session {
    let members = attendance(replica, open, people);
    let guests = open.values.get("guests");
    let here = members.iter().filter(|member| member.on).count() as u64;
    let here = here.saturating_add(guests.and_then(Value::as_u64).unwrap_or_default());
    let [line, minutes, count] = ["line", "minutes", "guests"].map(|name| asked.error(name));
    views::Session {
        line_typed: asked.kept("line", "line"),
        has_point_error: !line.is_empty(),
        point_error: line,
        minutes_typed: asked.kept("minutes", "text"),
        has_minutes_error: !minutes.is_empty(),
        minutes_error: minutes,
        attendance_line: cx.count("console.session.here", here),
        attendance: members,
        guests: if count.is_empty() {
            guests.map_or_else(String::new, ToString::to_string)
        } else {
            asked.kept("guests", "guests")
        },
        has_guests_error: !count.is_empty(),
        guests_error: count,
        ..views::Session::default()
    }
}

/// Needs on the agenda about which nothing is agreed.
fn undecided(agenda: &[views::Point]) -> u64 {
    let needs = agenda.iter().filter(|point| !point.id.is_empty());
    needs.filter(|need| need.resolutions.is_empty()).count() as u64
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
    let space = fields::space_label(cx, &replica.space_name(&open.space));
    let parts = [when.trim(), &space, open.word("place"), &host];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// Names and ids.
type People = Vec<(String, String)>;

/// Members who belong to the session's village, or look after it; for the whole community, all.
fn people(replica: &Replica, open: &Open) -> People {
    let members = replica.roster().members().iter();
    let members = members.filter(|(_, member)| fields::belongs(replica, member, &open.space));
    let mut people: People = members
        .map(|(id, _)| (replica.member_name(id), id.to_string()))
        .collect();
    people.sort();
    people
}

fn persons(cx: &Cx, people: &[(String, String)]) -> Vec<Choice> {
    let nobody = (cx.say("console.form.unset"), String::new());
    let people = people.iter().cloned();
    let people = std::iter::once(nobody).chain(people);
    people
        .map(|(label, value)| Choice {
            value,
            label,
            on: false,
        })
        .collect()
}

/// Members of the village and whoever came, with a tick at who is there.
fn attendance(replica: &Replica, open: &Open, mut people: People) -> Vec<Choice> {
    let here = open.words("attendees");
    let guests = here
        .iter()
        .filter(|id| !people.iter().any(|(_, known)| known == **id));
    let guests: People = guests
        .map(|id| (Lookup::of(replica).name_of(id), (*id).to_owned()))
        .collect();
    people.extend(guests);
    people
        .into_iter()
        .map(|(label, value)| Choice {
            on: here.contains(&value.as_str()),
            label,
            value,
        })
        .collect()
}
