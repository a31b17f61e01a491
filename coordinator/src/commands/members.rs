//! `banyan members`: who belongs.

use serde_json::json;

use super::App;
use crate::failure::Failure;
use crate::output::Table;
use crate::text::Text;
use crate::values;

pub(super) fn run(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let members = replica.members();
    if app.is_json {
        let members: Vec<_> = members
            .iter()
            .map(|member| {
                json!({
                    "member": member.id,
                    "name": member.name,
                    "roles": roles_json(&member.roles),
                    "devices": member.devices.len(),
                    "device_ids": member.devices,
                    "removed_device_ids": member.removed_devices,
                    "unconfirmed_device_ids": member.unconfirmed_devices,
                    "removed": member.is_removed(),
                    "provisional": member.is_provisional,
                })
            })
            .collect();
        return app.out.json(&members);
    }
    if members.is_empty() {
        return app.say("out.members.none", &[]);
    }
    let heads = [
        "head.name",
        "head.roles",
        "head.devices",
        "head.state",
        "head.id",
    ];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 1);
    for member in members {
        let state = if member.is_removed() {
            "word.removed"
        } else if member.is_provisional {
            "word.provisional"
        } else {
            "word.confirmed"
        };
        let mut state = app.text.say(state);
        let unconfirmed = member.unconfirmed_devices.len() as u64;
        if unconfirmed > 0 {
            let devices = app.text.count("word.open_devices", unconfirmed);
            let places = [("state", state.as_str()), ("devices", &devices)];
            state = app.text.with("word.unconfirmed", &places);
        } else if member.is_removed() {
            state = app.text.say("word.removed_confirmed");
        }
        let short: String = member.id.chars().take(8).collect();
        table.row(vec![
            member.name.unwrap_or_else(|| "?".to_owned()),
            roles(&member.roles, &app.text),
            member.devices.len().to_string(),
            state,
            short,
        ]);
    }
    table.print(&mut app.out)?;
    if replica.is_alone_at_top() {
        app.out.line("")?;
        app.say("out.status.alone", &[])?;
    }
    Ok(())
}

/// `lead of 良登村, observer everywhere`.
pub(crate) fn roles(roles: &[(String, Option<String>)], text: &Text) -> String {
    let said: Vec<String> = roles
        .iter()
        .map(|(role, space)| {
            let role = text.say(&format!("word.role.{role}"));
            match space {
                Some(space) => {
                    let space = values::space_label(space, text);
                    text.with("word.role_in", &[("role", &role), ("space", &space)])
                }
                None => role,
            }
        })
        .collect();
    said.join(", ")
}

/// Roles as objects; no space means the whole community.
pub(super) fn roles_json(roles: &[(String, Option<String>)]) -> Vec<serde_json::Value> {
    roles
        .iter()
        .map(|(role, space)| json!({ "role": role, "space": space }))
        .collect()
}
