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
    let removal = removal(&replica, args, &app.text)?;
    let what = named(&replica, &removal, &app.text);
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

/// What is to be taken away.
fn removal(replica: &Replica, args: &RevokeArgs, text: &Text) -> Result<Removal, Failure> {
    if let Some(ticket) = &args.invite {
        let ticket: Ticket = ticket.parse()?;
        return Ok(Removal::Invite(ticket.invite()));
    }
    if let Some(typed) = &args.device {
        return Ok(Removal::Device(replica.find_device(typed)?));
    }
    let member = replica.find_member(args.member.as_deref().unwrap_or_default())?;
    let Some(role) = &args.role else {
        return Ok(Removal::Member(member));
    };
    let role = values::role(role, text)?;
    let scope = values::scope(replica, args.space.as_deref())?;
    Ok(Removal::Role(member, scope, role))
}

/// What people call that which is taken away.
pub(crate) fn named(replica: &Replica, removal: &Removal, text: &Text) -> String {
    match removal {
        Removal::Invite(_) => text.say("out.revoke.invite"),
        Removal::Device(device) => {
            let (name, id) = (replica.name_of(device), device.short());
            text.with("out.revoke.device", &[("member", &name), ("id", &id)])
        }
        Removal::Member(member) => replica.member_name(member),
        Removal::Role(member, scope, role) => {
            let name = replica.member_name(member);
            let word = text.say(&format!("word.role.{}", role.name()));
            let space = values::scope_words(replica, scope, text);
            let places = [("member", &*name), ("role", &word), ("space", &space)];
            text.with("out.revoke.role", &places)
        }
    }
}
