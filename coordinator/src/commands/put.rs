//! `banyan put`: a new record.

use sync_core::peer::moment;

use super::App;
use crate::cli::PutArgs;
use crate::failure::Failure;
use crate::lookup::Lookup;
use crate::{place, values};

pub(super) fn run(app: &mut App, args: &PutArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let kind = values::kind(replica.schema(), &args.kind)?;
    let name = kind.name().to_owned();
    let edits = values::assignments(kind, &args.fields, Lookup::of(&replica))?;
    let space = replica.find_space(&values::space_name(&args.space))?;
    let mut rng = rand::rng();
    let now = &mut moment(place::now(), &mut rng);
    let record = replica.create(&name, space, &edits, now)?;
    if app.is_json {
        return app
            .out
            .json(&serde_json::json!({ "record": record.to_string() }));
    }
    app.out.line(&record.to_string())
}
