//! The plain report of a sync, in sentences.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use sync_core::replica::{Farewell, KeyWait, ReplicaError};
use sync_core::schema::Schema;
use sync_node::SyncReport;

use super::{App, status};
use crate::exit::Exit;
use crate::failure::{Failure, refusal_key};
use crate::output::thousands;
use crate::text::Text;
use crate::values;

/// What a sync with one or several relays did.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Counts of all relays that could be reached.
    pub(crate) report: SyncReport,
    /// Relays that could not be, by address, and why.
    pub(crate) unreached: Vec<(String, Failure)>,
    /// Whether this device was removed from the community.
    pub(crate) is_removed: bool,
    /// How far it has come in leaving, if it was.
    pub(crate) farewell: Option<Farewell>,
    /// Whether nobody else could take over.
    pub(crate) is_alone_at_top: bool,
    /// Reading keys that are not here yet.
    pub(crate) key_waits: Vec<KeyWait>,
    /// What is written down there: the sync may have brought it.
    pub(crate) schema: Arc<Schema>,
}

/// The report as an object.
pub(super) fn json(outcome: &Outcome, text: &Text) -> serde_json::Value {
    let mut value = json!(outcome.report);
    let unreached = outcome.unreached.iter().map(|(relay, failure)| {
        let reason = failure.sentence(text).unwrap_or_default();
        json!({ "relay": relay, "code": failure.exit().number(), "reason": reason })
    });
    let unreached: Vec<serde_json::Value> = unreached.collect();
    if let Some(object) = value.as_object_mut() {
        object.insert("removed".to_owned(), outcome.is_removed.into());
        object.insert("farewell".to_owned(), json!(outcome.farewell));
        object.insert("alone_at_top".to_owned(), outcome.is_alone_at_top.into());
        object.insert("key_waits".to_owned(), json!(outcome.key_waits));
        object.insert("unreached".to_owned(), unreached.into());
    }
    value
}

/// What a removed device tells of itself.
pub(super) fn farewell_key(farewell: Option<Farewell>) -> &'static str {
    match farewell {
        None => "out.farewell.owed",
        Some(Farewell::Erasing) => "out.farewell.erasing",
        Some(Farewell::Erased) => "out.farewell.erased",
        Some(Farewell::Confirmed) => "out.farewell.confirmed",
    }
}

/// What the exit code says: a sync that left something behind is no success.
pub(super) fn verdict(outcome: &Outcome) -> Result<(), Failure> {
    if outcome.is_removed {
        return Err(ReplicaError::Removed.into());
    }
    match outcome.report.refused.values().sum::<u64>() {
        0 => Ok(()),
        count => Err(Failure::new(Exit::Refused, "err.not_all_taken").with("n", count)),
    }
}

/// Prints the report.
pub(super) fn print(app: &mut App, outcome: &Outcome) -> Result<(), Failure> {
    app.text = app.text.with_schema(Arc::clone(&outcome.schema));
    for line in lines(&outcome.report, &app.text) {
        app.out.line(&line)?;
    }
    print_rest(app, outcome)
}

/// Prints what the exchange leaves to be known or done.
pub(super) fn print_rest(app: &mut App, outcome: &Outcome) -> Result<(), Failure> {
    for (relay, failure) in &outcome.unreached {
        let reason = failure.sentence(&app.text).unwrap_or_default();
        app.say(
            "out.sync.unreached",
            &[("relay", relay), ("reason", &reason)],
        )?;
    }
    if outcome.is_removed {
        app.say(farewell_key(outcome.farewell), &[])?;
    }
    for line in status::wait_lines(&outcome.key_waits, &app.text) {
        app.out.line(&line)?;
    }
    if outcome.is_alone_at_top {
        app.say("out.status.alone", &[])?;
    }
    Ok(())
}

/// The report in sentences.
pub(super) fn lines(report: &SyncReport, text: &Text) -> Vec<String> {
    let mut lines = vec![moved(report, text)];
    lines.extend(brought(report, text));
    for (refusal, batches) in &report.refused {
        let reason = text.say(&refusal_key(*refusal));
        let places = [("reason", reason.as_str()), ("n", &thousands(*batches))];
        lines.push(text.with("out.sync.refused", &places));
    }
    lines.extend(faults(report, text));
    let places = [
        ("sent", bytes(report.bytes_sent)),
        ("received", bytes(report.bytes_received)),
        ("trips", thousands(report.round_trips)),
    ];
    let places: Vec<(&str, &str)> = places.iter().map(|(key, v)| (*key, v.as_str())).collect();
    lines.push(text.with("out.sync.bytes", &places));
    lines
}

/// What came, by kind and by person, and what of it needs somebody.
pub(super) fn brought(report: &SyncReport, text: &Text) -> Vec<String> {
    let mut lines = Vec::new();
    let named = |key: &str, counts: &[(String, u64)]| -> Option<String> {
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {}", thousands(*count)))
            .collect();
        let list = counts.join(", ");
        (!list.is_empty()).then(|| text.with(key, &[("list", &list)]))
    };
    let by_kind: Vec<(String, u64)> = most_first(&report.by_kind)
        .into_iter()
        .map(|(kind, count)| (values::kind_label(&kind, text), count))
        .collect();
    lines.extend(named("out.sync.by_kind", &by_kind));
    lines.extend(named("out.sync.by_person", &most_first(&report.by_person)));
    let counted = [
        ("out.sync.conflicts", report.conflicts),
        ("out.sync.held", report.held),
        ("out.sync.waiting", report.waiting_for_key),
    ];
    lines.extend(
        counted
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .map(|(key, n)| text.count(key, n)),
    );
    lines
}

/// What the relay did that it should not, in sentences.
pub(super) fn faults(report: &SyncReport, text: &Text) -> Vec<String> {
    let mut lines = Vec::new();
    if report.lost_by_relay > 0 {
        lines.push(text.count("out.sync.lost_by_relay", report.lost_by_relay));
    }
    let rejected: u64 = report.rejected.values().sum();
    if rejected > 0 {
        lines.push(text.count("out.sync.rejected", rejected));
    }
    lines
}

/// What went and came, in one sentence.
pub(super) fn moved(report: &SyncReport, text: &Text) -> String {
    exchanged(report.sent, report.received, report.merged, text)
}

/// Entries that went and came, and changes that were merged, in one sentence.
pub(crate) fn exchanged(sent: u64, received: u64, merged: u64, text: &Text) -> String {
    if sent == 0 && received == 0 {
        return text.say("out.sync.nothing");
    }
    let sent = text.count("out.sync.sent", sent);
    let received = text.count("out.sync.received", received);
    let merged = text.count("out.sync.merged", merged);
    text.with(
        "out.sync.moved",
        &[
            ("sent", &sent),
            ("received", &received),
            ("merged", &merged),
        ],
    )
}

/// The most first.
pub(crate) fn most_first<K: Clone + Ord>(counts: &BTreeMap<K, u64>) -> Vec<(K, u64)> {
    let mut sorted: Vec<(K, u64)> = counts
        .iter()
        .map(|(name, count)| (name.clone(), *count))
        .collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted
}

/// `1.4 KB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    // In tenths of the unit, rounded; a unit is a thousand of the one before.
    let mut tenths = u128::from(count) * 10;
    let mut unit = "B";
    for next in UNITS {
        if tenths < 10_000 {
            break;
        }
        tenths = (tenths + 500) / 1000;
        unit = next;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use sync_core::schema::Lang;
    use sync_core::wire::Refusal;

    use super::*;

    #[test]
    fn bytes_are_said_in_units() {
        let said: Vec<String> = [0, 999, 1000, 1449, 30_250_000].map(bytes).to_vec();
        assert_eq!(said, ["0 B", "999 B", "1.0 KB", "1.4 KB", "30.3 MB"]);
    }

    #[test]
    fn refusals_are_said_in_the_language_of_the_reader() {
        let text = Text::of(Lang::Zh);
        let report = SyncReport {
            sent: 2,
            refused: BTreeMap::from([(Refusal::OverQuota, 1_200)]),
            ..SyncReport::default()
        };
        let lines = lines(&report, &text);
        let quota = text.say(&refusal_key(Refusal::OverQuota));
        let is_said = |line: &String| line.contains(&quota) && line.contains("1,200");
        assert!(lines.iter().any(is_said), "{lines:?}");
    }

    #[test]
    fn relay_that_lost_what_it_had_confirmed_is_named_and_the_sync_is_no_failure() {
        let report = SyncReport {
            lost_by_relay: 2,
            rejected: BTreeMap::from([(Refusal::Gap, 3)]),
            ..SyncReport::default()
        };
        for lang in [Lang::En, Lang::Zh] {
            let text = Text::of(lang);
            let lines = lines(&report, &text);
            let lost = text.count("out.sync.lost_by_relay", 2);
            assert!(lines.contains(&lost), "{lines:?}");
            let rejected = text.count("out.sync.rejected", 3);
            assert!(lines.contains(&rejected), "{lines:?}");
        }
        let outcome = Outcome {
            report,
            unreached: Vec::new(),
            is_removed: false,
            is_alone_at_top: false,
            key_waits: Vec::new(),
            schema: Arc::new(Schema::station().clone()),
            farewell: None,
        };
        assert!(verdict(&outcome).is_ok());
        let json = json(&outcome, &Text::of(Lang::En));
        assert_eq!(json["lost_by_relay"], 2);
        assert_eq!(json["rejected"][0]["code"], Refusal::Gap.code());
    }

    #[test]
    fn a_sync_that_left_something_behind_is_no_success() {
        let outcome = |refused, is_removed| Outcome {
            report: SyncReport {
                refused,
                ..SyncReport::default()
            },
            unreached: Vec::new(),
            is_removed,
            farewell: None,
            is_alone_at_top: false,
            key_waits: Vec::new(),
            schema: Arc::new(Schema::station().clone()),
        };
        let refused = BTreeMap::from([(Refusal::OverQuota, 3)]);
        let exit = |outcome| verdict(&outcome).map_err(|failure| failure.exit());
        assert_eq!(exit(outcome(BTreeMap::new(), false)), Ok(()));
        assert_eq!(exit(outcome(refused, false)), Err(Exit::Refused));
        assert_eq!(exit(outcome(BTreeMap::new(), true)), Err(Exit::NotAllowed));
    }
}
