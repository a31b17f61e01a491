//! One member: roles, devices, how they grew, what there is of theirs.

pub(in crate::console) mod acts;
pub(in crate::console) mod certificate;

use sync_core::id::MemberId;
use sync_core::replica::{MemberView, Replica};
use sync_core::roster::role::{Role, Scope};
use sync_core::store::{LinkTarget, RowFilter, ViewRow};

use super::{cut, devices, reach, rows};
use crate::commands::members;
use crate::console::answer::Shown;
use crate::console::cx::{Cx, Trouble, highest_role, is_coordinator};
use crate::console::fields;
use crate::console::views::member as views;
use crate::console::views::shared::{Choice, Notice, Number, Step};
use crate::output::thousands;
use crate::values;

/// Kinds that tell how somebody grew.
const GROWTH: [&str; 2] = ["training", "commendation"];
/// Trainings and commendations on the page.
const STEPS_MAX: usize = 50;

/// Where a member is looked at.
pub(super) fn href(id: &str) -> String {
    format!("/member/{id}")
}

/// A member with their id.
struct Open {
    id: MemberId,
    view: MemberView,
    name: String,
}

fn open(replica: &Replica, cx: &Cx) -> Result<Open, Trouble> {
    let asked = cx.asked.param("id");
    let id: MemberId = asked.parse().map_err(|_| Trouble::Missing)?;
    let mut members = replica.members().into_iter();
    let view = members.find(|member| member.id == asked);
    let view = view.ok_or(Trouble::Missing)?;
    let name = replica.member_name(&id);
    Ok(Open { id, view, name })
}

pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    page(replica, cx, &open(replica, cx)?, &Granting::default())
}

/// What was chosen for a role, and why it was not given.
#[derive(Default)]
struct Granting {
    role: String,
    space: String,
    error: String,
}

fn page(replica: &Replica, cx: &Cx, open: &Open, granting: &Granting) -> Result<Shown, Trouble> {
    let (role_options, space_options) = offered(replica, cx, granting);
    let is_there = !open.view.is_removed();
    let name = [("name", open.name.as_str())];
    let as_of = reach::as_of(replica, cx)?;
    let roles = role_lines(replica, cx, open);
    let growth = growth(replica, cx, open, &roles)?;
    let page = views::Member {
        id: open.view.id.clone(),
        href: href(&open.view.id),
        name: open.name.clone(),
        lead: lead(cx, open),
        notices: notices(cx, open),
        did_title: cx.with("console.member.did", &name),
        numbers: numbers(replica, cx, open)?,
        as_of: as_of.line,
        has_missing: !as_of.missing.is_empty(),
        missing: as_of.missing,
        roles,
        can_grant: is_there && !role_options.is_empty() && !space_options.is_empty(),
        role_options,
        space_options,
        has_grant_error: !granting.error.is_empty(),
        grant_error: granting.error.clone(),
        growth,
        devices: devices::lines(replica, cx, &open.id),
        can_remove: is_there && cut::is_above(replica, &open.id),
        remove_ask: cx.with("console.member.remove_ask", &name),
        remove_kept: cx.with("console.member.remove_kept", &name),
        certificate_href: if is_coordinator(replica) {
            format!("{}/certificate", href(&open.view.id))
        } else {
            String::new()
        },
    };
    Ok(Shown::new("members", "roster records", page))
}

fn lead(cx: &Cx, open: &Open) -> String {
    if open.view.is_removed() {
        cx.say("word.removed")
    } else {
        members::roles(&open.view.roles, &cx.text)
    }
}

fn notices(cx: &Cx, open: &Open) -> Vec<Notice> {
    let waits = open.view.is_provisional && !open.view.is_removed();
    let waits = waits.then(|| Notice {
        tone: "info".to_owned(),
        icon: "clock".to_owned(),
        text: cx.say("console.members.waiting"),
    });
    let is_unwiped = !open.view.unconfirmed_devices.is_empty();
    let unwiped = is_unwiped.then(|| Notice {
        tone: "bad".to_owned(),
        icon: "phone".to_owned(),
        text: cx.say("console.members.lost"),
    });
    waits.into_iter().chain(unwiped).collect()
}

/// How many records of each kind they began or are named in; the list behind a number says the same.
fn numbers(replica: &Replica, cx: &Cx, open: &Open) -> Result<Vec<Number>, Trouble> {
    let person = replica.person(open.id)?;
    let counts = replica.counts()?;
    let mut numbers = Vec::new();
    for kind in replica.schema().kinds() {
        if !counts.iter().any(|count| count.kind == kind.name()) {
            continue;
        }
        let filter = RowFilter {
            kind: Some(kind.name().to_owned()),
            person: Some(person.clone()),
            ..RowFilter::default()
        };
        let count = replica.count(&filter)?;
        if count > 0 {
            numbers.push(Number {
                value: thousands(count),
                unit: String::new(),
                label: kind.label(cx.text.lang()).to_owned(),
                href: format!("/records?kind={}&person={}", kind.name(), open.id),
            });
        }
    }
    Ok(numbers)
}

fn role_lines(replica: &Replica, cx: &Cx, open: &Open) -> Vec<views::RoleLine> {
    let (roster, us) = (replica.roster(), replica.device());
    let known = roster.members().get(&open.id).into_iter();
    let roles = known.flat_map(|known| &known.roles);
    roles
        .map(|(scope, role)| {
            let space = values::space_of(scope);
            let name = space.map(|space| replica.space_name(&space));
            let label = members::roles(&[(role.name().to_owned(), name)], &cx.text);
            views::RoleLine {
                role: role.name().to_owned(),
                space: space.map_or_else(String::new, |space| space.to_string()),
                label,
                can_take: roster.may_act(&us, scope, *role),
            }
        })
        .collect()
}

/// Roles that this person may give, and where.
fn offered(replica: &Replica, cx: &Cx, granting: &Granting) -> (Vec<Choice>, Vec<Choice>) {
    let (roster, us) = (replica.roster(), replica.device());
    let highest = highest_role(replica);
    let roles = Role::GIVEN.iter().rev();
    let roles = roles.filter(|role| highest >= Some(Role::Lead) && highest > Some(**role));
    let roles = roles.map(|role| Choice {
        value: role.name().to_owned(),
        label: cx.say(&format!("word.role.{}", role.name())),
        on: role.name() == granting.role,
    });
    let may = |scope: &Scope| roster.may_act(&us, scope, Role::Observer);
    let spaces = roster.spaces().keys();
    let spaces = spaces.filter(|space| may(&Scope::Space(**space)));
    let spaces = spaces.map(|space| Choice {
        value: space.to_string(),
        label: fields::space_label(cx, &replica.space_name(space)),
        on: space.to_string() == granting.space,
    });
    let everywhere = may(&Scope::Community).then(|| Choice {
        value: String::new(),
        label: cx.say("word.everywhere"),
        on: granting.space.is_empty() && !granting.role.is_empty(),
    });
    (roles.collect(), spaces.chain(everywhere).collect())
}

/// Trainings and commendations by their day, then the roles that came of them.
fn growth(
    replica: &Replica,
    cx: &Cx,
    open: &Open,
    roles: &[views::RoleLine],
) -> Result<Vec<Step>, Trouble> {
    let filter = RowFilter {
        kinds: GROWTH.map(str::to_owned).into(),
        linked: Some(LinkTarget::Member(open.id)),
        limit: Some(STEPS_MAX),
        ..RowFilter::default()
    };
    let mut rows = replica.list(&filter)?;
    rows.sort_by(|a, b| (&a.day, a.record).cmp(&(&b.day, b.record)));
    let learnt = rows.iter().map(|row| step(replica, cx, row));
    let roles = roles.iter().map(|role| Step {
        done: true,
        icon: "shield".to_owned(),
        label: role.label.clone(),
        detail: cx.say("console.member.role"),
        ..Step::default()
    });
    Ok(learnt.chain(roles).collect())
}

fn step(replica: &Replica, cx: &Cx, row: &ViewRow) -> Step {
    let state = row.state.as_deref().unwrap_or_default();
    let day = row.day.as_deref().unwrap_or_default();
    let first = replica.schema().kind(&row.kind);
    let first = first.and_then(|kind| kind.first_state());
    let parts = [
        fields::kind_label(replica, cx, &row.kind),
        cx.clock.kept_day(day),
        fields::state_label(replica, cx, &row.kind, state),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Step {
        // What is only planned is not behind them yet.
        done: first.is_none_or(|first| first.value() != state),
        icon: fields::kind_icon(&row.kind).to_owned(),
        label: fields::title(replica, cx, row),
        detail: parts.join(" · "),
        href: rows::href(row),
    }
}
