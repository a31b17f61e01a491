//! `banyan revoke`: a member, a device, a role or an invitation is cut off.

use serde_json::json;
use sync_core::peer::moment;
use sync_core::replica::{Removal, Replica};
use sync_core::roster::ticket::Ticket;

use super::App;
use crate::cli::RevokeArgs;
use crate::failure::Failure;
use crate::output::thousands;
use crate::text::Text;
use crate::{place, values};

pub(super) fn run(app: &mut App, args: &RevokeArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let (removal, what) = removal(&replica, args, &app.text)?;
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let done = replica.revoke(&removal, now)?;
    if app.is_json {
        return app.out.json(&json!({
            "removed": what, "held": done.tally.held, "records": done.changed.len(),
        }));
    }
    app.say("out.revoke.done", &[("what", &what)])?;
    if done.tally.held > 0 {
        let held = thousands(done.tally.held);
        app.say("out.revoke.held", &[("count", &held)])?;
    }
    app.say("out.revoke.next", &[])
}

/// What is to be taken away, and its name.
fn removal(
    replica: &Replica,
    args: &RevokeArgs,
    text: &Text,
) -> Result<(Removal, String), Failure> {
    if let Some(ticket) = &args.invite {
        let ticket: Ticket = ticket.parse()?;
        return Ok((
            Removal::Invite(ticket.invite()),
            text.say("out.revoke.invite"),
        ));
    }
    if let Some(typed) = &args.device {
        let device = replica.find_device(typed)?;
        let (name, id) = (replica.name_of(&device), device.short());
        let what = text.with("out.revoke.device", &[("member", &name), ("id", &id)]);
        return Ok((Removal::Device(device), what));
    }
    let member = replica.find_member(args.member.as_deref().unwrap_or_default())?;
    let name = replica.member_name(&member);
    let Some(role) = &args.role else {
        return Ok((Removal::Member(member), name));
    };
    let role = values::role(role, text)?;
    let space = args.space.as_deref();
    let scope = values::scope(replica, space)?;
    let word = text.say(&format!("word.role.{}", role.name()));
    let space = values::scope_label(space, text);
    let places = [("member", &*name), ("role", &word), ("space", &space)];
    let what = text.with("out.revoke.role", &places);
    Ok((Removal::Role(member, scope, role), what))
}
