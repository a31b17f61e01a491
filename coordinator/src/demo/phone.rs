//! The last thing that happens: a phone is lost, the coordinator cuts it off, and somebody writes on with it
//! before the word is out. What they write is held, for whoever looks at the console to decide.

use sync_core::replica::{Moment, Removal, Replica, ReplicaError};
use sync_core::schema::FieldEdit;
use sync_core::store::RowFilter;

use crate::demo::cast::Cast;
use crate::demo::story::Story;
use crate::failure::Failure;
use crate::text::Text;

/// When the invented visit is said to have been: after what the station's three years tell of.
const DAY: &str = "2026-01-15";

/// Plays it with the phone of the volunteer who came last.
pub(super) async fn is_lost(cast: &Cast, story: &mut Story<'_>) -> Result<(), Failure> {
    let Some(phone) = cast.players.last() else {
        return Ok(());
    };
    let Some(space) = cast.spaces.get(phone.village).copied() else {
        return Ok(());
    };
    let (device, name) = phone
        .node
        .call(|replica, _| (replica.device(), replica.name_of(&replica.device())))
        .await?;
    cast.coordinator
        .call(move |replica, moment| replica.revoke(&Removal::Device(device), moment))
        .await??;
    let said = words(story.text);
    let written = phone
        .node
        .call(move |replica, moment| write_on(replica, moment, space, &said))
        .await??;
    phone.node.sync_once().await?;
    cast.coordinator.sync_once().await?;
    let n = written.to_string();
    story.say("demo.phone", &[("name", &name), ("n", &n)])
}

/// What is written: a household that nobody knows, and what becomes of one that is known.
fn words(text: &Text) -> [String; 2] {
    [
        text.say("demo.lost.household.forged"),
        text.say("demo.lost.household.changed"),
    ]
}

/// Invents a visit and changes one that is there; returns how many changes that makes.
fn write_on(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    space: sync_core::id::LaneId,
    [forged, changed]: &[String; 2],
) -> Result<usize, ReplicaError> {
    let own = RowFilter {
        kind: Some("visit".to_owned()),
        created_by: Some(vec![replica.device()]),
        limit: Some(1),
        ..RowFilter::default()
    };
    let own = replica.list(&own)?;
    let fields = [
        ("household", forged.as_str()),
        ("date", DAY),
        ("purpose", "check_in"),
    ];
    let forged = edits(replica, &fields)?;
    replica.create("visit", space, &forged, moment)?;
    let Some(own) = own.first() else {
        return Ok(1);
    };
    let changed = edits(replica, &[("household", changed.as_str())])?;
    replica.edit(own.record, &changed, moment)?;
    Ok(2)
}

fn edits(replica: &Replica, fields: &[(&str, &str)]) -> Result<Vec<FieldEdit>, ReplicaError> {
    let kind = replica.schema().kind("visit");
    let fields = fields.iter().filter_map(|(name, text)| {
        let edit = kind?.parse_edit(name, text);
        Some(edit.map_err(ReplicaError::from))
    });
    fields.collect()
}
