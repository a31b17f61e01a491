//! `banyan space`: villages and teams.

use sync_core::peer::moment;

use super::App;
use crate::cli::SpaceAddArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Table;
use crate::{place, values};

pub(super) fn add(app: &mut App, args: &SpaceAddArgs) -> Result<(), Failure> {
    let mut replica = app.replica()?;
    let is_taken = values::space_name(&args.name) != args.name
        || replica
            .status()?
            .spaces
            .iter()
            .any(|(_, name)| *name == args.name);
    if is_taken {
        return Err(Failure::new(Exit::Usage, "err.space.twice").with("space", &args.name));
    }
    let mut rng = rand::rng();
    let space = replica.add_space(&args.name, &mut moment(place::now(), &mut rng))?;
    if app.is_json {
        let space = serde_json::json!({ "space": space.to_string(), "name": args.name });
        return app.out.json(&space);
    }
    app.say("out.space.added", &[("space", &args.name)])
}

pub(super) fn list(app: &mut App) -> Result<(), Failure> {
    let replica = app.replica()?;
    let status = replica.status()?;
    let records = |name: &str| -> u64 {
        status
            .records
            .iter()
            .filter(|(space, _, _)| space == name)
            .map(|(_, _, n)| n)
            .sum()
    };
    if app.is_json {
        let spaces: Vec<_> = status
            .spaces
            .iter()
            .map(|(id, name)| {
                serde_json::json!({ "space": id, "name": name, "records": records(name) })
            })
            .collect();
        return app.out.json(&spaces);
    }
    let heads = ["head.space", "head.records", "head.id"].map(|key| app.text.say(key));
    let mut table = Table::new(heads.to_vec(), 2);
    for (id, name) in &status.spaces {
        let label = values::space_label(name, &app.text);
        table.row(vec![
            label,
            crate::output::thousands(records(name)),
            id.clone(),
        ]);
    }
    table.print(&mut app.out)?;
    if status.spaces.len() <= 1 {
        app.out.line("")?;
        app.say("out.space.none", &[])?;
    }
    Ok(())
}
