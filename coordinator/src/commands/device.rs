//! `banyan device`: a member's own devices.

use serde_json::json;
use sync_core::peer::moment;
use sync_core::replica::{DeviceView, Removal};
use sync_core::roster::pairing::{DeviceAnswer, DeviceInvitation};
use sync_core::roster::ticket::ParseTicketError;

use super::App;
use crate::cli::{DeviceAddArgs, DeviceJoinArgs, DeviceRemoveArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Table;
use crate::place;

/// Without an answer, shows what a new device needs to know; with one, adds it.
pub(super) fn add(app: &mut App, args: &DeviceAddArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let Some(answer) = &args.answer else {
        let text = replica.device_invitation()?.to_string();
        if app.is_json {
            return app.out.json(&json!({ "text": text }));
        }
        app.out.line(&text)?;
        if args.qr {
            app.out.line(&super::invite::picture(&text)?)?;
        }
        return app.say("out.device.show", &[]);
    };
    let answer: DeviceAnswer = answer.parse().map_err(not_this_text)?;
    let mut rng = rand::rng();
    let is_new = replica.add_device(&answer, &mut moment(place::now(), &mut rng))?;
    if app.is_json {
        return app.out.json(&json!({
            "device": answer.device.to_string(), "added": is_new,
        }));
    }
    let label = answer.label.clone();
    app.say("out.device.added", &[("label", &label)])
}

/// On the new device: takes up what the first one showed, and shows the answer.
pub(super) fn join(app: &mut App, args: &DeviceJoinArgs) -> Result<(), Failure> {
    let invitation: DeviceInvitation = args.text.parse().map_err(not_this_text)?;
    let answer = app.home.join_as_device(&invitation, &args.label)?;
    let text = answer.to_string();
    if app.is_json {
        return app.out.json(&json!({ "text": text }));
    }
    app.out.line(&text)?;
    if args.qr {
        app.out.line(&super::invite::picture(&text)?)?;
    }
    app.say("out.device.answer", &[])
}

pub(super) fn list(app: &mut App) -> Result<(), Failure> {
    let devices = app.replica()?.devices();
    if app.is_json {
        let devices: Vec<_> = devices
            .iter()
            .map(|device| {
                json!({
                    "device": device.id.to_string(), "label": device.label,
                    "this": device.is_this, "removed": device.is_removed,
                    "left": device.has_left,
                })
            })
            .collect();
        return app.out.json(&devices);
    }
    let heads = ["head.name", "head.state", "head.id"];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 1);
    for device in devices {
        let state = state(&device);
        table.row(vec![
            device.label.unwrap_or_else(|| "-".to_owned()),
            app.text.say(state),
            device.id.to_string().chars().take(8).collect(),
        ]);
    }
    table.print(&mut app.out)
}

/// The word for how things stand with a device.
pub(crate) fn state(device: &DeviceView) -> &'static str {
    match (device.is_this, device.is_removed, device.has_left) {
        (_, true, true) => "word.removed_confirmed",
        (_, true, false) => "word.removed_unconfirmed",
        (true, false, _) => "word.this_device",
        (false, false, _) => "word.other_device",
    }
}

pub(super) fn remove(app: &mut App, args: &DeviceRemoveArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let device = replica.find_device(&args.device)?;
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    replica.revoke(&Removal::Device(device), now)?;
    if app.is_json {
        return app.out.json(&json!({ "removed": device.to_string() }));
    }
    app.say("out.revoke.done", &[("what", &device.short())])?;
    app.say("out.revoke.next", &[])
}

/// A ticket, or the other one of the two texts.
pub(crate) fn not_this_text(error: ParseTicketError) -> Failure {
    match error {
        ParseTicketError::NotATicket => Failure::new(Exit::BadTicket, "err.device.text"),
        ParseTicketError::Damaged | ParseTicketError::Newer => error.into(),
    }
}
