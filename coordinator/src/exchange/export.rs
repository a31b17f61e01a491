//! Records as tables, workbooks and maps.
//!
//! Fields that tell something about a resident are left out unless they are asked for and the person's
//! role allows it; a title that is such a field is masked. Even then, records of people who have withdrawn
//! their consent, and those that lead to them, are left out and counted. Each export says in its [`About`] who made
//! it, when, of what, and what is not in it.

mod about;
mod csv;
mod fields;
mod geojson;
mod table;
mod value;
mod xlsx;

use std::collections::BTreeMap;

use sync_core::id::{LaneId, Millis};
use sync_core::replica::Replica;
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::Kind;
use sync_core::store::{RowFilter, ViewRow};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::Text;

pub(crate) use about::About;
pub(crate) use csv::{of_one as csv_of_one, zip_of as csv_zip_of};
pub(crate) use geojson::map_of;
pub(crate) use table::utc;
pub(crate) use value::Names;
pub(crate) use xlsx::workbook_of;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'k> {
    /// Only this kind.
    pub(crate) kind: Option<&'k Kind>,
    /// Only this space.
    pub(crate) space: Option<LaneId>,
    /// With what is personal.
    pub(crate) personal: bool,
}

/// The rows of one kind, in the order in which the records were begun.
#[derive(Debug)]
pub(crate) struct Rows<'k> {
    pub(crate) kind: &'k Kind,
    pub(crate) rows: Vec<ViewRow>,
}

/// What is exported, and what is to be said about it.
#[derive(Debug)]
pub(crate) struct Gathered<'k> {
    pub(crate) about: About,
    pub(crate) kinds: Vec<Rows<'k>>,
}

/// Reads what is asked for. Kinds without a record are not there.
///
/// Fails with [`Exit::NotAllowed`] if personal data of a space is asked for by somebody below its lead.
pub(crate) fn gather<'k>(
    replica: &'k Replica,
    request: Request<'k>,
    now: Millis,
    text: &Text,
) -> Result<Gathered<'k>, Failure> {
    let filter = RowFilter {
        kind: request.kind.map(|kind| kind.name().to_owned()),
        space: request.space,
        ..RowFilter::default()
    };
    let mut rows = replica.list(&filter)?;
    if request.personal {
        let spaces = rows.iter().map(|row| row.space).chain(request.space);
        check_role(replica, spaces, text)?;
    }
    let mut about = About::of(replica, request, now)?;
    if request.personal {
        let gone = replica.about_any(&replica.withdrawn(now)?)?;
        let all = rows.len();
        rows.retain(|row| !gone.contains(&row.record));
        about.withdrawn = (all - rows.len()) as u64;
    }
    rows.sort_unstable_by_key(|row| (row.created_at, row.record));
    let mut by_kind: BTreeMap<String, Vec<ViewRow>> = BTreeMap::new();
    for row in rows {
        by_kind.entry(row.kind.clone()).or_default().push(row);
    }
    let known = replica.schema().kinds().iter();
    let kinds: Vec<Rows<'_>> = known
        .filter_map(|kind| {
            let rows = by_kind.remove(kind.name())?;
            Some(Rows { kind, rows })
        })
        .collect();
    about.count(&kinds);
    about.of_unknown_kinds = by_kind.values().map(|rows| rows.len() as u64).sum();
    Ok(Gathered { about, kinds })
}

/// Personal data leaves the program only by the hand of a space's lead, a coordinator or an owner.
fn check_role(
    replica: &Replica,
    spaces: impl Iterator<Item = LaneId>,
    text: &Text,
) -> Result<(), Failure> {
    let spaces: std::collections::BTreeSet<LaneId> = spaces.collect();
    let (roster, us) = (replica.roster(), replica.device());
    let may = |space: &LaneId| {
        let role = roster.role_in(&us, &Scope::Space(*space));
        role.is_some_and(|role| role >= Role::Lead)
    };
    // Whoever leads nothing is told so even when there is nothing to export.
    let leads_any = roster.devices().get(&us).is_some_and(|device| {
        let mut held = device.held();
        held.any(|(_, role)| role >= Role::Lead)
    });
    match spaces.iter().find(|space| !may(space)) {
        Some(space) => {
            let name = crate::values::space_label(&replica.space_name(space), text);
            Err(Failure::new(Exit::NotAllowed, "err.export.personal").with("space", name))
        }
        None if !leads_any => Err(Failure::new(
            Exit::NotAllowed,
            "err.export.personal_nowhere",
        )),
        None => Ok(()),
    }
}
