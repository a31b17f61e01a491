//! `banyan verify`: everything in the store, proved again.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;

use super::App;
use crate::failure::Failure;
use crate::output::thousands;
use crate::text::Text;

/// How often the progress is shown, on a terminal.
const SHOW_EVERY: Duration = Duration::from_millis(200);

pub(super) fn run(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let audit = replica.audit(&mut progress(&app.text));
    if std::io::stderr().is_terminal() {
        let _gone = write!(std::io::stderr().lock(), "\r\u{1b}[K");
    }
    let audit = audit?;
    if app.is_json {
        return app.out.json(&json!({
            "logs": audit.logs, "batches": audit.batches, "entries": audit.entries,
            "statements": audit.statements, "opened": audit.opened,
            "waiting": audit.waiting, "held": audit.held, "unsigned": audit.unsigned,
        }));
    }
    let counts = [
        ("logs", thousands(audit.logs)),
        ("batches", thousands(audit.batches)),
        ("entries", thousands(audit.entries)),
        ("statements", thousands(audit.statements)),
        ("opened", thousands(audit.opened)),
        ("waiting", thousands(audit.waiting)),
        ("held", thousands(audit.held)),
        ("unsigned", thousands(audit.unsigned)),
    ];
    let places: Vec<(&str, &str)> = counts.iter().map(|(key, n)| (*key, n.as_str())).collect();
    app.say("out.verify.sound", &places)?;
    app.say("out.verify.opened", &places)?;
    let rest = [
        (audit.waiting, "out.verify.waiting"),
        (audit.held, "out.verify.held"),
        (audit.unsigned, "out.verify.unsigned"),
    ];
    for (_, key) in rest.into_iter().filter(|(count, _)| *count > 0) {
        app.say(key, &places)?;
    }
    Ok(())
}

fn progress(text: &Text) -> impl FnMut(u64, u64) {
    let text = text.clone();
    let is_seen = std::io::stderr().is_terminal();
    let mut due = Instant::now() + SHOW_EVERY;
    move |done, all| {
        if !is_seen || Instant::now() < due {
            return;
        }
        due = Instant::now() + SHOW_EVERY;
        let places = [("done", thousands(done)), ("all", thousands(all))];
        let places: Vec<(&str, &str)> = places.iter().map(|(key, n)| (*key, n.as_str())).collect();
        let line = text.with("out.verify.progress", &places);
        let _gone = write!(std::io::stderr().lock(), "\r{line}\u{1b}[K");
    }
}
