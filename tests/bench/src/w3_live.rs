//! W3: a live edit, from one phone to another through the relay.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sync_core::roster::role::{Role, Scope};
use sync_core::schema::{FieldEdit, Value};
use sync_core::store::RowFilter;
use sync_node::{Home, Live, LiveEvent, Node};
use tokio::runtime::Handle;

use crate::w1_new_phone::NewPhone;
use crate::{Row, floor, percentiles};

const EDITS: usize = 100;
/// Between two edits.
const PAUSE: Duration = Duration::from_millis(80);

/// The new phone writes; a second phone of a coordinator's colleague listens.
pub(crate) async fn measure(phone: &NewPhone, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let (record, space) = phone
        .node
        .call(|replica, _| {
            let filter = RowFilter {
                kind: Some("need".to_owned()),
                limit: Some(1),
                ..RowFilter::default()
            };
            replica
                .list(&filter)
                .map(|rows| rows.first().map(|row| (row.record, row.space)))
        })
        .await??
        .context("a need")?;
    let ticket = phone
        .node
        .call(move |replica, moment| {
            replica.invite(Scope::Space(space), Role::Volunteer, 1, moment)
        })
        .await??;
    phone.node.sync_once().await?;
    let (replica, keys) = Home::at(&folder.join("listener")).join(&ticket, "李姐")?;
    let listener = Arc::new(Node::start(replica, keys, Handle::current()));
    listener.sync_once().await?;
    let writing = Live::start(Arc::clone(&phone.node)).await?;
    let listening = Live::start(Arc::clone(&listener)).await?;
    for live in [&writing, &listening] {
        while !matches!(live.next_event().await?, LiveEvent::CaughtUp(_)) {}
    }
    let mut times = Vec::new();
    for number in 0..EDITS {
        tokio::time::sleep(PAUSE).await;
        let text = format!("edit {number}");
        let edit = FieldEdit {
            field: "title".to_owned(),
            value: Value::Text(text.clone()).into(),
        };
        phone
            .node
            .call(move |replica, moment| replica.edit(record, &[edit], moment))
            .await??;
        let committed = Instant::now();
        loop {
            let _event = listening.next_event().await?;
            let seen = listener
                .call(move |replica, _| replica.store().row(&record))
                .await??;
            if seen.is_some_and(|row| row.title == text) {
                break;
            }
        }
        times.push(committed.elapsed().as_secs_f64() * 1000.0);
    }
    let (p50, p99) = percentiles(times);
    let floor = floor::two_syncs_and_an_echo(folder, EDITS, PAUSE)?;
    rows.push(
        Row::new(
            "W3 live edit, commit to visible",
            format!("p50 {p50:.2} ms, p99 {p99:.2} ms"),
        )
        .beside(format!("{floor:.2} ms"), p50 / floor),
    );
    drop((writing, listening));
    if let Some(node) = Arc::into_inner(listener) {
        node.stop().await;
    }
    Ok(())
}
