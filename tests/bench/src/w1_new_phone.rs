//! W1: a new phone joins; the relay holds everything.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use sync_core::replica::Replica;
use sync_core::roster::role::{Role, Scope};
use sync_core::store::RowFilter;
use sync_node::{Home, Node};
use tokio::runtime::Handle;

use crate::dataset::{Dataset, Phone};
use crate::relay_process::RelayProcess;
use crate::{Row, floor};

/// The people whose work it is, with the founder at work.
pub(crate) struct Town {
    pub(crate) founder: Node,
    pub(crate) volunteers: Vec<Phone>,
    pub(crate) station: station::Station,
}

/// A coordinator's new phone.
pub(crate) struct NewPhone {
    pub(crate) node: Arc<Node>,
}

impl NewPhone {
    pub(crate) async fn stop(self) -> Result<()> {
        if let Some(node) = Arc::into_inner(self.node) {
            node.stop().await;
        }
        Ok(())
    }
}

pub(crate) async fn measure(
    data: Dataset,
    relay: &RelayProcess,
    folder: &Path,
    rows: &mut Vec<Row>,
) -> Result<(Town, NewPhone)> {
    let Dataset {
        founder,
        founder_keys,
        volunteers,
        station,
        batches,
        ..
    } = data;
    let entries: usize = batches.iter().map(|batch| batch.count()).sum();
    let bytes: usize = batches.iter().map(|batch| batch.tail().len()).sum();
    let founder = Node::start(founder.replica, founder_keys, Handle::current());
    rows.push(fill_relay(&founder, relay, entries).await?);
    let node = join(&founder, relay, folder).await?;
    let started = Instant::now();
    let report = node.sync_once().await?;
    let elapsed = started.elapsed();
    let listed = node
        .call(|replica, _| replica.list(&RowFilter::default()).map(|rows| rows.len()))
        .await??;
    let owned = folder.to_owned();
    let floor = node
        .call(move |replica, _| floor::replay(replica, &owned))
        .await??;
    rows.push(
        Row::new(
            "W1 new phone by replay",
            format!(
                "{listed} records, {} changes in {:.2} s; {:.2} MB down ({:.2} B per B of batches)",
                report.merged,
                elapsed.as_secs_f64(),
                report.bytes_received as f64 / 1e6,
                report.bytes_received as f64 / bytes as f64,
            ),
        )
        .beside(
            format!("{:.2} s", floor.as_secs_f64()),
            elapsed.as_secs_f64() / floor.as_secs_f64(),
        ),
    );
    rows.push(in_sync_again(&node).await?);
    Ok((
        Town {
            founder,
            volunteers,
            station,
        },
        NewPhone { node },
    ))
}

/// The founder hands everything to the relay, which keeps it durably.
async fn fill_relay(founder: &Node, relay: &RelayProcess, entries: usize) -> Result<Row> {
    let (cpu, started) = (relay.cpu_seconds()?, Instant::now());
    founder.sync_with(&relay.addr, None).await?;
    let (cpu, wall) = (relay.cpu_seconds()? - cpu, started.elapsed().as_secs_f64());
    Ok(Row::new(
        "relay takes everything (durable)",
        format!(
            "{entries} entries in {wall:.2} s, {cpu:.2} CPU-s, {:.0} entries/CPU-s",
            entries as f64 / cpu.max(0.01)
        ),
    ))
}

/// A new phone with a coordinator's ticket, not yet synchronised.
async fn join(founder: &Node, relay: &RelayProcess, folder: &Path) -> Result<Arc<Node>> {
    let mut ticket = founder
        .call(|replica: &mut Replica, moment| {
            replica.invite(Scope::Community, Role::Coordinator, 1, moment)
        })
        .await??;
    ticket.relays = vec![relay.addr.clone()];
    founder.sync_with(&relay.addr, None).await?;
    let (replica, keys) = Home::at(&folder.join("new-phone")).join(&ticket, "何姐")?;
    Ok(Arc::new(Node::start(replica, keys, Handle::current())))
}

async fn in_sync_again(node: &Node) -> Result<Row> {
    let started = Instant::now();
    let again = node.sync_once().await?;
    Ok(Row::new(
        "in sync again",
        format!(
            "{} B, {} round trip, {:.1} ms with the handshake",
            again.bytes_sent + again.bytes_received,
            again.round_trips,
            started.elapsed().as_secs_f64() * 1000.0,
        ),
    ))
}
