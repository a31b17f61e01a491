//! `banyan grant`: a member is given a role.

use serde_json::json;
use sync_core::peer::moment;
use sync_core::roster::role::Scope;

use super::App;
use crate::cli::GrantArgs;
use crate::failure::Failure;
use crate::{place, values};

pub(super) fn run(app: &mut App, args: &GrantArgs) -> Result<(), Failure> {
    let role = values::role(&args.role, &app.text)?;
    let mut replica = app.replica()?;
    let scope = match &args.space {
        Some(space) => Scope::Space(replica.find_space(&values::space_name(space))?),
        None => Scope::Community,
    };
    let member = replica.find_member(&args.member)?;
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let is_new = replica.grant(member, scope, role, now)?;
    if app.is_json {
        return app.out.json(&json!({
            "member": member.to_string(), "role": role.name(), "space": args.space,
            "changed": is_new,
        }));
    }
    let role = app.text.say(&format!("word.role.{}", role.name()));
    let space = match &args.space {
        Some(space) => space.clone(),
        None => app.text.say("word.everywhere"),
    };
    let key = if is_new {
        "out.grant.given"
    } else {
        "out.grant.known"
    };
    let places = [
        ("member", args.member.as_str()),
        ("role", role.as_str()),
        ("space", space.as_str()),
    ];
    app.say(key, &places)
}
