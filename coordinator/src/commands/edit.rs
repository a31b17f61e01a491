//! `banyan edit`: changes fields of a record.

use sync_core::peer::moment;
use sync_core::replica::ReplicaError;

use super::App;
use crate::cli::EditArgs;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::{place, told, values};

pub(super) fn run(app: &mut App, args: &EditArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let record = replica.find_record(&args.record)?;
    let row = replica.store().row(&record)?;
    let row = row.ok_or_else(|| ReplicaError::UnknownRecord(args.record.clone()))?;
    let kind = values::kind(replica.schema(), &row.kind)?;
    let edits = values::assignments(kind, &args.fields, Lookup::of(&replica))?;
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let edited = {
        let words = told::words(&app.text, &row.kind);
        replica.edit_and_tell(record, &edits, &words, now)?
    };
    if app.is_json {
        return app.out.json(&serde_json::json!({
            "record": record.to_string(),
            "changed": edited.is_changed,
            "told": told::ids(&edited.told),
        }));
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
    app.say(key, &[("record", &record.short()), ("title", &title)])?;
    match told::line(&app.text, &replica, &edited) {
        Some(line) => app.out.line(&line),
        None => Ok(()),
    }
}
