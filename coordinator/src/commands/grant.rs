//! `banyan grant`: a member is given a role.

use serde_json::json;
use sync_core::peer::moment;

use super::App;
use crate::cli::GrantArgs;
use crate::failure::Failure;
use crate::text::Text;
use crate::{place, values};

pub(super) fn run(app: &mut App, args: &GrantArgs) -> Result<(), Failure> {
    let role = values::role(&args.role, &app.text)?;
    let mut replica = app.replica()?;
    let scope = values::scope(&replica, args.space.as_deref())?;
    let member = replica.find_member(&args.member)?;
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let name = replica.member_name(&member);
    let is_new = replica.grant(member, scope, role, now)?;
    if app.is_json {
        return app.out.json(&json!({
            "member": member.to_string(), "role": role.name(), "space": args.space,
            "changed": is_new,
        }));
    }
    let role = app.text.say(&format!("word.role.{}", role.name()));
    let space = values::scope_label(args.space.as_deref(), &app.text);
    let line = said(&app.text, (&name, &role, &space), is_new);
    app.out.line(&line)
}

/// Who has which role now, and where.
pub(crate) fn said(text: &Text, (member, role, space): (&str, &str, &str), is_new: bool) -> String {
    let key = if is_new {
        "out.grant.given"
    } else {
        "out.grant.known"
    };
    text.with(key, &[("member", member), ("role", role), ("space", space)])
}
