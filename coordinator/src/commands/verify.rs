//! `banyan verify`: everything in the store, proved again.

use serde_json::json;
use sync_core::replica::Audit;

use super::App;
use crate::failure::Failure;
use crate::output::{Progress, thousands};
use crate::text::Text;

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
    lines(&audit, &app.text)
        .iter()
        .try_for_each(|line| app.out.line(line))
}

/// What was found to be sound, line by line.
pub(crate) fn lines(audit: &Audit, text: &Text) -> Vec<String> {
    let counts = [
        ("logs", text.count("out.verify.logs", audit.logs)),
        ("batches", text.count("out.verify.batches", audit.batches)),
        ("entries", text.count("out.verify.entries", audit.entries)),
        (
            "statements",
            text.count("out.verify.statements", audit.statements),
        ),
    ];
    let places: Vec<(&str, &str)> = counts.iter().map(|(key, n)| (*key, n.as_str())).collect();
    let mut lines = vec![
        text.with("out.verify.sound", &places),
        text.count("out.verify.opened", audit.opened),
    ];
    let rest = [
        (audit.waiting, "out.verify.waiting"),
        (audit.held, "out.verify.held"),
        (audit.unsigned, "out.verify.unsigned"),
    ];
    let rest = rest.into_iter().filter(|(count, _)| *count > 0);
    lines.extend(rest.map(|(count, key)| text.count(key, count)));
    lines
}
