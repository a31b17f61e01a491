//! `banyan erase` and `banyan erasures`: records that go from every device, and who has confirmed it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sync_core::id::{DeviceId, RecordId};
use sync_core::peer::moment;
use sync_core::replica::{ErasureView, Replica};
use sync_core::store::{RowFilter, ViewRow};

use super::App;
use crate::cli::EraseArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Table, thousands};
use crate::place;
use crate::values;

/// Shows what would go; erases it if that was confirmed.
pub(super) fn run(app: &mut App, args: &EraseArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let records = chosen(&replica, args)?;
    if records.is_empty() {
        return Err(Failure::new(Exit::Unknown, "err.erase.nothing"));
    }
    if !args.yes {
        return ask(app, &replica, &records);
    }
    let ids: Vec<RecordId> = records.iter().copied().collect();
    let mut rng = rand::rng();
    replica.erase(&ids, &mut moment(place::now(), &mut rng))?;
    let count = ids.len() as u64;
    if app.is_json {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        return app.out.json(&json!({ "erased": true, "records": ids }));
    }
    app.say("out.erase.done", &[("n", &thousands(count))])
}

/// Each erasure with who has confirmed it and who has not.
pub(super) fn list(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let erasures = replica.erasures()?;
    if app.is_json {
        let erasures: Vec<Value> = erasures.iter().map(|it| as_json(&replica, it)).collect();
        return app.out.json(&erasures);
    }
    if erasures.is_empty() {
        return app.say("out.erasures.none", &[]);
    }
    let heads = [
        "head.record",
        "head.by",
        "head.confirmed",
        "head.outstanding",
    ];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 3);
    for erasure in &erasures {
        let done = erasure.confirmed.len() + erasure.relays_confirmed.len();
        let open = erasure.outstanding.len() + erasure.relays_outstanding.len();
        let (done, all) = (done.to_string(), (done + open).to_string());
        let confirmed = app.text.with("word.n_of_m", &[("n", &done), ("m", &all)]);
        let relay = app.text.say("word.the_relay");
        let relays = erasure.relays_outstanding.iter().map(|_| relay.clone());
        let names = names(&replica, &erasure.outstanding).into_iter();
        let names: Vec<String> = names.chain(relays).collect();
        table.row(vec![
            erasure.record.short(),
            replica.name_of(&erasure.by),
            confirmed,
            names.join(", "),
        ]);
    }
    table.print(&mut app.out)?;
    app.out.line("")?;
    app.say("out.erasures.next", &[])
}

/// The records that the arguments name, by id or by the value of a field.
fn chosen(replica: &Replica, args: &EraseArgs) -> Result<BTreeSet<RecordId>, Failure> {
    let mut records = BTreeSet::new();
    for typed in &args.records {
        let record = match replica.find_record(typed) {
            Ok(record) => record,
            Err(error) => replica.find_held_record(typed).map_err(|_| error)?,
        };
        records.insert(record);
    }
    let Some(condition) = &args.condition else {
        return Ok(records);
    };
    let (field, value) = condition
        .split_once('=')
        .ok_or_else(|| Failure::new(Exit::Usage, "err.erase.condition"))?;
    let space = args.space.as_deref();
    let space = space.map(|name| replica.find_space(&values::space_name(name)));
    let filter = RowFilter {
        space: space.transpose()?,
        ..RowFilter::default()
    };
    let rows = replica.list(&filter)?;
    let found = rows.iter().filter(|row| has_value(row, field, value));
    records.extend(found.map(|row| row.record));
    Ok(records)
}

fn has_value(row: &ViewRow, field: &str, value: &str) -> bool {
    let fields = row.values();
    let shown = match fields.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => return false,
    };
    shown == value
}

/// Says what would go, and how to confirm it.
fn ask(app: &mut App, replica: &Replica, records: &BTreeSet<RecordId>) -> Result<(), Failure> {
    if app.is_json {
        let ids: Vec<String> = records.iter().map(ToString::to_string).collect();
        return app.out.json(&json!({ "erased": false, "records": ids }));
    }
    let heads = ["head.record", "head.title", "head.kind", "head.space"];
    let mut table = Table::new(heads.iter().map(|key| app.text.say(key)).collect(), 1);
    for record in records {
        let cells = match replica.show(*record) {
            Ok(view) => vec![
                record.short(),
                view.title,
                values::kind_label(&view.kind, &app.text),
                values::space_label(&view.space, &app.text),
            ],
            Err(_) => vec![
                record.short(),
                "-".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
            ],
        };
        table.row(cells);
    }
    table.print(&mut app.out)?;
    app.out.line("")?;
    let count = thousands(records.len() as u64);
    app.say("out.erase.ask", &[("n", &count)])
}

fn as_json(replica: &Replica, erasure: &ErasureView) -> Value {
    let ids = |devices: &BTreeSet<DeviceId>| -> Vec<String> {
        devices.iter().map(ToString::to_string).collect()
    };
    let spaces: Vec<String> = erasure
        .spaces
        .iter()
        .map(|space| replica.space_name(space))
        .collect();
    json!({
        "record": erasure.record.to_string(),
        "by": replica.name_of(&erasure.by),
        "spaces": spaces,
        "entries": erasure.entries,
        "confirmed": names(replica, &erasure.confirmed),
        "confirmed_device_ids": ids(&erasure.confirmed),
        "outstanding": names(replica, &erasure.outstanding),
        "outstanding_device_ids": ids(&erasure.outstanding),
        "relays_confirmed": ids(&erasure.relays_confirmed),
        "relays_outstanding": ids(&erasure.relays_outstanding),
    })
}

/// Whose devices these are; a name stands as often as there are devices.
fn names(replica: &Replica, devices: &BTreeSet<DeviceId>) -> Vec<String> {
    let mut names: Vec<String> = devices.iter().map(|it| replica.name_of(it)).collect();
    names.sort();
    names
}
