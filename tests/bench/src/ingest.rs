//! What the relay takes in, and what an idle connection costs it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sync_core::keys::{DeviceKeys, Signer};
use sync_core::peer::Peer;
use sync_core::replica::Replica;
use sync_core::schema::{FieldEdit, Value};
use sync_core::store::RowFilter;
use sync_core::wire::PeerKind;
use sync_link::{
    Expect, FrameReader, FrameWriter, Transport, client_config, connect, endpoint, resolve,
};

use crate::Row;
use crate::relay_process::RelayProcess;
use crate::w1_new_phone::Town;

/// Batches of twenty, as many as make a measurable time.
const BATCH: usize = 20;
const BATCHES: usize = 1000;

pub(crate) async fn measure(
    town: Town,
    relay: &RelayProcess,
    idle: usize,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let Town {
        founder,
        mut volunteers,
        station,
    } = town;
    let _ = station;
    founder.call(write_batches).await??;
    let (cpu, started) = (relay.cpu_seconds()?, Instant::now());
    founder.sync_with(&relay.addr, None).await?;
    let (cpu, wall) = (relay.cpu_seconds()? - cpu, started.elapsed().as_secs_f64());
    let entries = (BATCH * BATCHES) as f64;
    rows.push(Row::new(
        "relay: entries in batches of 20, verified and durable",
        format!(
            "{:.0} entries/s, {:.0} per CPU-second",
            entries / wall,
            entries / cpu.max(0.01)
        ),
    ));
    let phone = volunteers.pop().context("a volunteer")?;
    idle_connections(&phone.replica, phone.keys, relay, idle, rows).await
}

fn write_batches(replica: &mut Replica, moment: &mut sync_core::replica::Moment<'_>) -> Result<()> {
    // Of one space, so that a round of edits is one batch.
    let mut of_space: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in replica.list(&RowFilter::default())? {
        if row.kind == "need" || row.kind == "proposal" {
            of_space.entry(row.space).or_default().push(row.record);
        }
    }
    let mut records = of_space
        .into_values()
        .max_by_key(Vec::len)
        .unwrap_or_default();
    records.truncate(BATCH);
    ensure!(records.len() == BATCH, "no space has so many records");
    for number in 0..BATCHES {
        for record in &records {
            let value = Value::Text(format!("round {number}"));
            let edit = FieldEdit {
                field: "title".to_owned(),
                value: value.into(),
            };
            replica.edit(*record, &[edit], moment)?;
        }
        replica.seal_pending(moment)?;
    }
    Ok(())
}

/// Opens connections that say hello and then nothing, and looks at the relay's memory.
async fn idle_connections(
    replica: &Replica,
    keys: Arc<DeviceKeys>,
    relay: &RelayProcess,
    count: usize,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let signer: Arc<dyn Signer> = keys;
    let config = client_config(signer, Expect::One(relay.addr.relay), &Transport::default())?;
    let addr = *resolve(&relay.addr.addr)
        .await?
        .first()
        .context("an address")?;
    let endpoint = endpoint(None, None)?;
    let mut open = Vec::new();
    let before = relay.rss_kib()?;
    for _ in 0..count {
        let connection = connect(&endpoint, addr, config.clone()).await?;
        let (send, recv) = connection.open_bi().await?;
        let mut peer = Peer::dial(replica, relay.addr.relay, PeerKind::Relay, &mut rand::rng())?;
        let (mut writer, mut reader) = (FrameWriter::new(send), FrameReader::new(recv));
        let hello = peer.poll_transmit(replica)?.context("a hello")?;
        writer.write(&hello).await?;
        let _their_hello = reader.read().await?;
        open.push((connection, writer, reader));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = relay.rss_kib()?;
    let each = after.saturating_sub(before) as f64 / count.max(1) as f64;
    rows.push(Row::new(
        "relay: memory per idle connection",
        format!("{each:.1} KiB ({count} connections, {before} KiB before)"),
    ));
    Ok(())
}
