//! `banyan verify`: everything in the store, proved again.

use serde_json::json;

use super::App;
use crate::failure::Failure;
use crate::output::{Progress, thousands};

pub(super) fn run(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let mut progress = Progress::new();
    let audit = replica.audit(&mut |done, all| {
        let (done, all) = (thousands(done), thousands(all));
        let places = [("done", done.as_str()), ("all", all.as_str())];
        progress.show(|| app.text.with("out.verify.progress", &places));
    });
    drop(progress);
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
