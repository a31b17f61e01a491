//! `banyan edit`: changes fields of a record.

use sync_core::peer::moment;
use sync_core::replica::ReplicaError;

use super::App;
use crate::cli::EditArgs;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::{place, values};

pub(super) fn run(app: &mut App, args: &EditArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let record = replica.find_record(&args.record)?;
    let row = replica.store().row(&record)?;
    let row = row.ok_or_else(|| ReplicaError::UnknownRecord(args.record.clone()))?;
    let kind = values::kind(replica.schema(), &row.kind)?;
    let edits = values::assignments(kind, &args.fields, Lookup::of(&replica))?;
    let mut rng = rand::rng();
    let edited = replica.edit(record, &edits, &mut moment(place::now(), &mut rng))?;
    if app.is_json {
        let edited =
            serde_json::json!({ "record": record.to_string(), "changed": edited.is_changed });
        return app.out.json(&edited);
    }
    let key = if edited.is_changed {
        "out.edit.changed"
    } else {
        "out.edit.same"
    };
    let title = replica
        .store()
        .row(&record)?
        .map_or(row.title, |row| row.title);
    app.say(key, &[("record", &record.short()), ("title", &title)])
}
