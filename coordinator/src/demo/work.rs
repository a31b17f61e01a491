//! Three years of work: everybody writes without a network, then all meet; then the next round.

use std::collections::BTreeMap;
use std::sync::Arc;

use station::{Act, Station, What};
use sync_core::id::{Millis, RecordId};
use sync_core::replica::{Moment, Replica, ReplicaError};
use sync_core::schema::{FieldEdit, Kind};
use tokio::task::JoinSet;

use crate::demo::cast::Cast;
use crate::demo::story::Story;
use crate::failure::Failure;

/// Which record and of which kind, by the generator's running number.
type Known = BTreeMap<usize, (RecordId, &'static str)>;

/// Everybody writes their part of every round; returns how many changes were made.
pub(super) async fn three_years(
    cast: &mut Cast,
    station: &Station,
    story: &mut Story<'_>,
) -> Result<u64, Failure> {
    let rounds = rounds(&station.acts);
    let total = rounds.len();
    let mut known = Known::new();
    let mut changes = 0;
    for (number, acts) in rounds.into_iter().enumerate() {
        let made = write_round(cast, &acts, &mut known, story).await?;
        changes += made;
        let writers = acts.iter().map(|act| act.by).collect();
        let sent = cast.meet_after(&writers).await?;
        story.say(
            "demo.round",
            &[
                ("round", (number + 1).to_string()),
                ("rounds", total.to_string()),
                ("made", made.to_string()),
                ("sent", sent.to_string()),
            ],
        )?;
    }
    Ok(changes)
}

/// Splits acts so that within a round nobody needs what another wrote in it; the two edits of a pair
/// that was made apart fall into one round, after what both of them had seen.
fn rounds(acts: &[Act]) -> Vec<Vec<Act>> {
    let is_paired = first_of_pairs(acts);
    let mut rounds: Vec<Vec<Act>> = Vec::new();
    let mut last: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (act, is_paired) in acts.iter().zip(is_paired) {
        let round = match last.get(&act.record) {
            None => 0,
            Some((round, _)) if act.concurrent => *round,
            Some((round, by)) if *by == act.by && !is_paired => *round,
            Some((round, _)) => round + 1,
        };
        last.insert(act.record, (round, act.by));
        if rounds.len() <= round {
            rounds.resize_with(round + 1, Vec::new);
        }
        if let Some(acts) = rounds.get_mut(round) {
            acts.push(act.clone());
        }
    }
    rounds
}

/// Which acts are followed, in their record, by one that was made without having seen them.
fn first_of_pairs(acts: &[Act]) -> Vec<bool> {
    let mut next_is_apart: BTreeMap<usize, bool> = BTreeMap::new();
    let mut paired: Vec<bool> = acts
        .iter()
        .rev()
        .map(|act| {
            next_is_apart
                .insert(act.record, act.concurrent)
                .unwrap_or(false)
        })
        .collect();
    paired.reverse();
    paired
}

async fn write_round(
    cast: &Cast,
    acts: &[Act],
    known: &mut Known,
    story: &mut Story<'_>,
) -> Result<u64, Failure> {
    let mut by_person: BTreeMap<usize, Vec<Act>> = BTreeMap::new();
    for act in acts {
        by_person.entry(act.by).or_default().push(act.clone());
    }
    let mut writing = JoinSet::new();
    let so_far = Arc::new(known.clone());
    for (by, acts) in by_person {
        let Some(player) = cast.players.get(by) else {
            continue;
        };
        let Some(space) = cast.spaces.get(player.village).copied() else {
            continue;
        };
        let (node, known) = (Arc::clone(&player.node), Arc::clone(&so_far));
        writing.spawn(async move {
            let mut known = (*known).clone();
            let mut begun = Known::new();
            for act in acts {
                // One call an act: each is a transaction of its own, durable before the next.
                let place = known.get(&act.record).copied();
                let record = act.record;
                let done = node
                    .call(move |replica, moment| write(replica, moment, space, &act, place))
                    .await??;
                if let Some(new) = done {
                    known.insert(record, new);
                    begun.insert(record, new);
                }
            }
            Ok::<_, Failure>(begun)
        });
    }
    let total = acts.len() as u64;
    while let Some(written) = writing.join_next().await {
        known.extend(written.map_err(Failure::internal)??);
        story.progress()?;
    }
    Ok(total)
}

fn write(
    replica: &mut Replica,
    moment: &mut Moment<'_>,
    space: sync_core::id::LaneId,
    act: &Act,
    place: Option<(RecordId, &'static str)>,
) -> Result<Option<(RecordId, &'static str)>, ReplicaError> {
    let moment = &mut Moment {
        now: Millis(act.at),
        rng: &mut *moment.rng,
    };
    match (&act.what, place) {
        (What::Create { kind, fields }, _) => {
            let edits = parse(replica.schema().kind(kind), fields)?;
            Ok(Some((replica.create(kind, space, &edits, moment)?, kind)))
        }
        (What::Edit { fields }, Some((record, kind))) => {
            let edits = parse(replica.schema().kind(kind), fields)?;
            replica.edit(record, &edits, moment)?;
            Ok(None)
        }
        (What::Edit { .. }, None) => Ok(None),
    }
}

fn parse(kind: Option<&Kind>, fields: &[(String, String)]) -> Result<Vec<FieldEdit>, ReplicaError> {
    let Some(kind) = kind else {
        return Ok(Vec::new());
    };
    fields
        .iter()
        .map(|(name, text)| kind.parse_edit(name, text).map_err(ReplicaError::from))
        .collect()
}
