//! Inviting somebody: what for, where, for how many; then the ticket to scan.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use sync_core::replica::{Moment, Replica};
use sync_core::roster::role::{Role, Scope};

use super::member::acts::right;
use crate::console::answer::{Answer, Shown};
use crate::console::cx::{Cx, Trouble, highest_role};
use crate::console::fields;
use crate::console::form::Form;
use crate::console::views::people::{Invite, RoleChoice};
use crate::console::views::shared::Choice;
use crate::failure::Failure;

/// People that one ticket may let in.
const USES_MAX: u16 = 50;
/// Roles that are offered, the one most often given first.
const ROLES: [Role; 4] = [
    Role::Volunteer,
    Role::Lead,
    Role::Coordinator,
    Role::Observer,
];

#[expect(clippy::unnecessary_wraps, reason = "all pages are made alike")]
pub(in crate::console) fn view(replica: &Replica, cx: &Cx) -> Result<Shown, Trouble> {
    Ok(page(replica, cx, None))
}

/// Whether this person may invite anybody.
pub(super) fn may_invite(replica: &Replica) -> bool {
    highest_role(replica) >= Some(Role::Lead)
}

fn page(replica: &Replica, cx: &Cx, refused: Option<(&Form, String)>) -> Shown {
    let highest = highest_role(replica);
    let typed = |name: &str| refused.as_ref().map(|(form, _)| form.get(name).to_owned());
    let role = typed("role").unwrap_or_else(|| Role::Volunteer.name().to_owned());
    let space = typed("space");
    let roles = ROLES.iter().filter(|role| highest > Some(**role));
    let roles = roles.map(|given| RoleChoice {
        value: given.name().to_owned(),
        label: cx.say(&format!("word.role.{}", given.name())),
        hint: cx.say(&format!("console.role.{}", given.name())),
        on: given.name() == role,
    });
    let is_everywhere = highest >= Some(Role::Coordinator);
    let everywhere = is_everywhere.then(|| (String::new(), cx.say("word.everywhere")));
    let spaces = replica.roster().spaces().keys().map(|space| {
        let label = fields::space_label(cx, &replica.space_name(space));
        (space.to_string(), label)
    });
    let first = spaces.clone().next().map(|(value, _)| value);
    let chosen = space.or(first).unwrap_or_default();
    let spaces = spaces.chain(everywhere).map(|(value, label)| Choice {
        on: value == chosen,
        value,
        label,
    });
    let invite = Invite {
        roles: roles.collect(),
        spaces: spaces.collect(),
        uses: typed("uses").unwrap_or_else(|| "1".to_owned()),
        has_uses_error: refused.is_some(),
        uses_error: refused.map_or_else(String::new, |(_, error)| error),
        ..Invite::default()
    };
    Shown::new("members", "", invite)
}

/// Makes the ticket and shows it.
pub(in crate::console) fn make(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    cx: &Cx,
    form: &Form,
) -> Result<Answer, Trouble> {
    let uses = form.get("uses").trim().parse::<u16>();
    let Some(uses) = uses.ok().filter(|uses| (1..=USES_MAX).contains(uses)) else {
        let error = cx.say("console.invite.err");
        return Ok(Answer::Again(
            page(replica, cx, Some((form, error))).refused(),
        ));
    };
    let (role, scope) = right(form)?;
    let ticket = replica.invite(scope, role, uses, moment)?;
    let place = match &scope {
        Scope::Community => cx.say("word.everywhere"),
        Scope::Space(space) => fields::space_label(cx, &replica.space_name(space)),
    };
    let word = cx.say(&format!("word.role.{}", role.name()));
    let uses = cx.count("out.invite.uses", u64::from(uses));
    let places = [("role", word.as_str()), ("space", &place), ("uses", &uses)];
    let invite = Invite {
        has_ticket: true,
        ticket_title: cx.with("console.invite.ticket", &places),
        qr: picture(&ticket.qr_text())?,
        ticket: ticket.to_string(),
        step1: cx.say(if ticket.relays.is_empty() {
            "console.sync.no_relay"
        } else {
            "console.invite.step1"
        }),
        ..Invite::default()
    };
    Ok(Answer::Again(Shown::new("members", "", invite)))
}

/// The code as a picture without declarations, to stand inside a page.
pub(super) fn picture(text: &str) -> Result<String, Trouble> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(Failure::internal)?;
    let drawn = code.render::<svg::Color<'_>>().build();
    let inside = drawn.find("<svg").and_then(|start| drawn.get(start..));
    Ok(inside.unwrap_or_default().to_owned())
}
