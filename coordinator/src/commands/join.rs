//! `banyan join`: takes up an invitation and fetches what there is.

use sync_core::roster::ticket::Ticket;

use super::{App, sync};
use crate::cli::JoinArgs;
use crate::failure::Failure;

pub(super) fn run(app: &mut App, args: &JoinArgs) -> Result<(), Failure> {
    let ticket: Ticket = args.ticket.parse()?;
    let (replica, keys) = app.home.join(&ticket, &args.name)?;
    let community = replica.community().to_string();
    let is_offline = args.offline || ticket.relays.is_empty();
    if is_offline {
        if app.is_json {
            let joined = serde_json::json!({ "community": community, "synced": false });
            return app.out.json(&joined);
        }
        app.say("out.join.taken", &[("name", &args.name)])?;
        let next = if ticket.relays.is_empty() {
            "out.join.no_relay"
        } else {
            "out.join.later"
        };
        return app.say(next, &[]);
    }
    let report = match sync::once(app, replica, keys, None) {
        Ok(report) => report,
        Err(failure) => {
            // The ticket is taken whatever the network does; the failure itself is told after this.
            if !app.is_json {
                app.say("out.join.taken", &[("name", &args.name)])?;
                app.say("out.join.later", &[])?;
                app.out.flush()?;
            }
            return Err(failure);
        }
    };
    let replica = app.replica()?;
    let title = replica.title();
    if app.is_json {
        let joined = serde_json::json!({
            "community": community, "title": title, "synced": true,
            "report": super::report::json(&report, &app.text),
        });
        return app.out.json(&joined);
    }
    let title = title.unwrap_or_else(|| app.text.say("word.unknown_title"));
    app.say("out.join.done", &[("name", &args.name), ("title", &title)])?;
    super::report::print(app, &report)?;
    if replica.status()?.is_provisional {
        app.say("out.join.provisional", &[])?;
    }
    Ok(())
}
