//! W2: back after a week: others made 50 changes, this phone 10.

use std::time::Instant;

use anyhow::{Context, Result};
use sync_core::id::Arrival;
use sync_core::schema::{FieldEdit, Value};
use sync_core::session::carrier::Carrier;
use sync_core::store::RowFilter;

use crate::Row;
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
        let person = town
            .volunteers
            .get_mut(number * 3)
            .context("enough volunteers")?;
        let before = person.replica.last_arrival()?;
        let space = person.replica.list(&RowFilter {
            limit: Some(1),
            ..RowFilter::default()
        })?;
        let space = space.first().context("a record")?.space;
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
        let filter = RowFilter {
            kind: Some("proposal".to_owned()),
            limit: Some(EDITS_EACH),
            ..RowFilter::default()
        };
        for row in person.replica.list(&filter)? {
            let edit = FieldEdit {
                field: "votes".to_owned(),
                value: Value::Number(20 + number as i64),
            };
            person.with(9_100, |replica, moment| {
                replica.edit(row.record, &[edit], moment)
            })?;
        }
        person.with(9_200, |replica, moment| replica.seal_pending(moment))?;
        let fresh = person.replica.since(before, usize::MAX)?;
        payload += fresh
            .iter()
            .flat_map(|carried| {
                carried
                    .batch
                    .entries()
                    .map(|entry| match entry.body {
                        sync_core::entry::Body::Present(bytes) => bytes.len(),
                        sync_core::entry::Body::Erased { .. } => 0,
                    })
                    .collect::<Vec<_>>()
            })
            .sum::<usize>();
        let received = fresh
            .iter()
            .map(|carried| crate::dataset::received(&carried.batch))
            .collect::<Result<Vec<_>>>()?;
        town.founder
            .call(move |replica, moment| {
                replica.ingest(
                    received,
                    &[],
                    &sync_core::replica::Source::default(),
                    moment,
                )
            })
            .await??;
    }
    town.founder.sync_with(&relay.addr, None).await?;
    phone
        .node
        .call(|replica, moment| {
            let filter = RowFilter {
                kind: Some("need".to_owned()),
                limit: Some(OWN_EDITS),
                ..RowFilter::default()
            };
            for row in replica.list(&filter)? {
                let edit = FieldEdit {
                    field: "title".to_owned(),
                    value: Value::Text(format!("{} (!)", row.title)),
                };
                replica.edit(row.record, &[edit], moment)?;
            }
            Ok::<_, sync_core::replica::ReplicaError>(())
        })
        .await??;
    let last = phone
        .node
        .call(|replica, _| replica.last_arrival())
        .await??;
    let started = Instant::now();
    let report = phone.node.sync_once().await?;
    let elapsed = started.elapsed();
    let own: usize = phone
        .node
        .call(move |replica, _| {
            let device = replica.device();
            replica.since(Arrival(last.0), usize::MAX).map(|fresh| {
                fresh
                    .iter()
                    .filter(|carried| carried.batch.log().device == device)
                    .map(|carried| carried.batch.tail().len())
                    .sum()
            })
        })
        .await??;
    let all = payload + own;
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
