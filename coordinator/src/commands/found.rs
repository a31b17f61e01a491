//! `banyan found`: a new community.

use serde::Serialize;
use sync_core::roster::recovery::{self, RecoverySheet};
use sync_core::roster::ticket::{RelayAddr, TICKET_RELAYS_MAX};

use super::{App, invite};
use crate::cli::FoundArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place;

#[derive(Serialize)]
struct Founded {
    community: String,
    title: String,
    name: String,
    device: String,
    relays: Vec<String>,
    recovery_key: String,
    recovery_sheet: String,
}

pub(super) fn run(app: &mut App, args: FoundArgs) -> Result<(), Failure> {
    let relays = relays(&args.relay)?;
    let name = args
        .person
        .or_else(place::user_name)
        .unwrap_or_else(|| app.text.say("word.founder"));
    let (founding, _keys) = app.home.found(&args.name, &name, &relays)?;
    let sheet = RecoverySheet {
        community: founding.replica.community(),
        secret: founding.recovery.into(),
        relays: relays.clone(),
    };
    let founded = Founded {
        community: founding.replica.community().to_string(),
        title: args.name,
        name,
        device: founding.replica.device().to_string(),
        relays: relays.iter().map(ToString::to_string).collect(),
        recovery_key: recovery::printed(&founding.recovery),
        recovery_sheet: sheet.to_string(),
    };
    // It is said this once; the community stands whether or not it is read.
    let told = tell(app, &founded, args.qr).and_then(|()| app.out.flush());
    told.map_err(|_| {
        Failure::new(Exit::System, "err.found.unprinted").with("key", &founded.recovery_key)
    })
}

fn tell(app: &mut App, founded: &Founded, has_picture: bool) -> Result<(), Failure> {
    if app.is_json {
        return app.out.json(founded);
    }
    app.say(
        "out.found.done",
        &[("title", &founded.title), ("name", &founded.name)],
    )?;
    app.say("out.found.community", &[("id", &founded.community)])?;
    app.out.line("")?;
    app.say("out.found.recovery", &[("key", &founded.recovery_key)])?;
    app.out.line("")?;
    app.say("out.found.sheet", &[("sheet", &founded.recovery_sheet)])?;
    app.out.line("")?;
    if has_picture {
        app.out.line(&invite::picture(&founded.recovery_sheet)?)?;
    }
    if founded.relays.is_empty() {
        app.say("out.found.no_relay", &[])?;
    }
    app.say("out.found.next", &[])?;
    app.say("out.found.second", &[])
}

pub(super) fn relays(typed: &[String]) -> Result<Vec<RelayAddr>, Failure> {
    let relays: Vec<RelayAddr> = typed
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    if relays.len() > TICKET_RELAYS_MAX {
        return Err(Failure::new(Exit::Usage, "err.usage.relays").with("n", TICKET_RELAYS_MAX));
    }
    Ok(relays)
}
