//! W2: back after a week: others made 50 changes, this phone 10.

use std::time::Instant;

use anyhow::{Context, Result};
use sync_core::entry::{Body, StoredEntry};
use sync_core::id::Arrival;
use sync_core::replica::{ReplicaError, Source};
use sync_core::schema::{FieldEdit, Value};
use sync_core::session::carrier::Carrier;
use sync_core::store::RowFilter;
use sync_node::Node;

use crate::Row;
use crate::dataset::Phone;
use crate::relay_process::RelayProcess;
use crate::w1_new_phone::{NewPhone, Town};

/// Ten people with five changes each: three new records and two edits.
const PEOPLE: usize = 10;
const NEW_EACH: usize = 3;
const EDITS_EACH: usize = 2;
const OWN_EDITS: usize = 10;

pub(crate) async fn measure(
    mut town: Town,
    phone: NewPhone,
    relay: &RelayProcess,
    rows: &mut Vec<Row>,
) -> Result<(Town, NewPhone)> {
    let mut payload = 0;
    for number in 0..PEOPLE {
        payload += week_of(&mut town, number).await?;
    }
    town.founder.sync_with(&relay.addr, None).await?;
    let last = edit_on(&phone.node).await?;
    let started = Instant::now();
    let report = phone.node.sync_once().await?;
    let elapsed = started.elapsed();
    let all = payload + own_bytes_since(&phone.node, last).await?;
    let wire = report.bytes_sent + report.bytes_received;
    rows.push(
        Row::new(
            "W2 back after a week",
            format!(
                "{} received, {} sent in {:.1} ms, {} round trips, {wire} B",
                report.received,
                report.sent,
                elapsed.as_secs_f64() * 1000.0,
                report.round_trips,
            ),
        )
        .beside(format!("{all} B sealed"), wire as f64 / all as f64),
    );
    Ok((town, phone))
}

/// One volunteer's week, handed to the founder; returns the bytes of its sealed payloads.
async fn week_of(town: &mut Town, number: usize) -> Result<usize> {
    let person = town
        .volunteers
        .get_mut(number * 3)
        .context("enough volunteers")?;
    let before = person.replica.last_arrival()?;
    write_records(person, number)?;
    edit_proposals(person, number)?;
    person.with(9_200, |replica, moment| replica.seal_pending(moment))?;
    let fresh = person.replica.since(before, usize::MAX)?;
    let received = fresh
        .iter()
        .map(|carried| crate::dataset::received(&carried.batch))
        .collect::<Result<Vec<_>>>()?;
    town.founder
        .call(move |replica, moment| replica.ingest(received, &[], &Source::default(), moment))
        .await??;
    let batches = fresh.iter().map(|carried| &carried.batch);
    Ok(batches.flat_map(|batch| batch.entries()).map(size_of).sum())
}

fn size_of(entry: StoredEntry<'_>) -> usize {
    match entry.body {
        Body::Present(bytes) => bytes.len(),
        Body::Erased { .. } => 0,
    }
}

fn write_records(person: &mut Phone, number: usize) -> Result<()> {
    let filter = RowFilter {
        limit: Some(1),
        ..RowFilter::default()
    };
    let rows = person.replica.list(&filter)?;
    let space = rows.first().context("a record")?.space;
    for index in 0..NEW_EACH {
        let kind = person.replica.schema().kind("event").context("events")?;
        let edits = kind.parse_assignments(&[
            format!("title=反诈讲座 {number}.{index} in the ancestral hall"),
            "date=2026-05-01".to_owned(),
            "category=safety".to_owned(),
            "place=祠堂".to_owned(),
            "state=planned".to_owned(),
        ])?;
        person.with(9_000, |replica, moment| {
            replica.create("event", space, &edits, moment)
        })?;
    }
    Ok(())
}

fn edit_proposals(person: &mut Phone, number: usize) -> Result<()> {
    let filter = RowFilter {
        kind: Some("proposal".to_owned()),
        limit: Some(EDITS_EACH),
        ..RowFilter::default()
    };
    for row in person.replica.list(&filter)? {
        let edit = FieldEdit {
            field: "votes".to_owned(),
            value: Value::Number(20 + number as i64).into(),
        };
        person.with(9_100, |replica, moment| {
            replica.edit(row.record, &[edit], moment)
        })?;
    }
    Ok(())
}

/// The phone's own edits; returns where its store was before they were sealed.
async fn edit_on(node: &Node) -> Result<Arrival> {
    let edited = node.call(|replica, moment| {
        let filter = RowFilter {
            kind: Some("need".to_owned()),
            limit: Some(OWN_EDITS),
            ..RowFilter::default()
        };
        for row in replica.list(&filter)? {
            let edit = FieldEdit {
                field: "title".to_owned(),
                value: Value::Text(format!("{} (!)", row.title)).into(),
            };
            replica.edit(row.record, &[edit], moment)?;
        }
        Ok::<_, ReplicaError>(replica.last_arrival()?)
    });
    Ok(edited.await??)
}

async fn own_bytes_since(node: &Node, last: Arrival) -> Result<usize> {
    let bytes = node.call(move |replica, _| {
        let device = replica.device();
        let fresh = replica.since(last, usize::MAX)?;
        let own = fresh
            .iter()
            .filter(|carried| carried.batch.log().device == device);
        Ok::<_, ReplicaError>(own.map(|carried| carried.batch.tail().len()).sum())
    });
    Ok(bytes.await??)
}
