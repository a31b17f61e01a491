//! Flood: a live edit between two good phones, quiet and then among a thousand bad clients.

mod attack;
mod member;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sync_core::id::RecordId;
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::ticket::RelayAddr;
use sync_core::schema::{FieldEdit, Value};
use sync_node::{Home, Live, LiveEvent, Node};
use tokio::runtime::Handle;

pub(crate) use attack::{Attack, run};

use crate::relay_process::RelayProcess;
use crate::{Row, percentiles};

/// Edits of each phase; a fresh relay and fresh phones for each attack.
const EDITS: usize = 200;
/// Between two edits: longer than a phone waits for further ones before it seals.
const PAUSE: Duration = Duration::from_millis(80);
/// Bytes that a device may write where quotas are the matter: all edits of a good phone, no batch of a
/// bad client.
const QUOTA_BYTES: u64 = 160_000;
/// Longer than any edit takes; a phone that waits longer has been cut off.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the relay may take; its default.
const MEMORY_MIB: u64 = 1024;

/// Measures each attack, or one.
pub(crate) async fn measure(
    programs: &Path,
    folder: &Path,
    clients: usize,
    only: Option<Attack>,
    rows: &mut Vec<Row>,
) -> Result<()> {
    for attack in Attack::ALL {
        if only.is_none_or(|only| only == attack) {
            let folder = folder.join(format!("{attack:?}"));
            rows.push(measure_one(attack, programs, &folder, clients).await?);
        }
    }
    Ok(())
}

async fn measure_one(
    attack: Attack,
    programs: &Path,
    folder: &Path,
    clients: usize,
) -> Result<Row> {
    let data = folder.join("relay");
    let limits = if attack == Attack::OverQuota {
        format!("[limits]\ndevice_bytes_max = {QUOTA_BYTES}\n")
    } else {
        String::new()
    };
    let relay = RelayProcess::with_limits(programs, &data, &limits)?;
    let phones = Phones::start(&relay.addr, folder).await?;
    let (quiet_p50, quiet_p99) = percentiles(phones.edit("quiet").await?);
    let mut flood = Flood::start(attack, &relay.addr, clients)?;
    let cpu = relay.cpu_seconds()?;
    let started = Instant::now();
    let (p50, p99) = percentiles(phones.edit("flood").await?);
    let cpu = (relay.cpu_seconds()? - cpu) / started.elapsed().as_secs_f64();
    let rss = relay.rss_kib()? / 1024;
    let pace = flood.stop()?;
    phones.stop().await;
    relay.stop()?;
    let refused = refused(&data)?;
    Ok(Row::new(
        &format!("{attack:?}, {pace} by {} clients", flood.clients),
        format!(
            "p50 {p50:.1} ms, p99 {p99:.1} ms; relay {:.0} % of a core, {rss} of {MEMORY_MIB} MiB; {refused}",
            cpu * 100.0
        ),
    )
    .beside(
        format!("p50 {quiet_p50:.1} ms, p99 {quiet_p99:.1} ms"),
        p99 / quiet_p99,
    ))
}

/// What the relay has refused, most first.
fn refused(data: &Path) -> Result<String> {
    let mut lines = relay::server::look(data)?.refused;
    lines.sort_by_key(|line| std::cmp::Reverse(line.ever));
    let lines = lines
        .iter()
        .map(|line| format!("{} {}", line.ever, line.reason.name()));
    Ok(lines.collect::<Vec<_>>().join(", "))
}

/// The bad clients' process.
struct Flood {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
    clients: usize,
}

impl Flood {
    /// At the lowest priority: on the machines of others they would take nothing from the relay's.
    fn start(attack: Attack, relay: &RelayAddr, clients: usize) -> Result<Self> {
        let name = clap::ValueEnum::to_possible_value(&attack).context("a name")?;
        let mut child = Command::new("nice")
            .args(["-n", "19"])
            .arg(std::env::current_exe()?)
            .args(["--attack", name.get_name(), "--at", &relay.to_string()])
            .args(["--clients", &clients.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(child.stdout.take().context("its output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        let clients = line.trim().strip_prefix("ready ").context("a flood")?;
        Ok(Self {
            clients: clients.parse()?,
            child,
            said,
        })
    }

    /// Says how much it did.
    fn stop(&mut self) -> Result<String> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.said.read_to_string(&mut line)?;
        self.child.wait()?;
        let (acts, failed) = line.trim().split_once(' ').context("its pace")?;
        Ok(format!("{acts} acts/s ({failed} cut short)"))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// One who writes and one who listens, both live.
struct Phones {
    writer: Arc<Node>,
    listener: Arc<Node>,
    record: RecordId,
    writing: Live,
    listening: Live,
}

impl Phones {
    async fn start(relay: &RelayAddr, folder: &Path) -> Result<Self> {
        let home = Home::at(&folder.join("writer"));
        let (founding, keys) = home.found("青石村", "王姐", std::slice::from_ref(relay))?;
        let writer = Arc::new(Node::start(founding.replica, keys, Handle::current()));
        let (record, ticket) = writer
            .call(|replica, moment| {
                let values = [
                    ("title", "first"),
                    ("category", "roads"),
                    ("urgency", "low"),
                    ("state", "raised"),
                ];
                let edits = values.map(|(field, value)| edit_of(field, value.to_owned()));
                let commons = sync_core::roster::commons(&replica.community());
                let record = replica.create("need", commons, &edits, moment)?;
                let ticket = replica.invite(Scope::Community, Role::Volunteer, 1, moment)?;
                anyhow::Ok((record, ticket))
            })
            .await??;
        writer.sync_once().await?;
        let (replica, keys) = Home::at(&folder.join("listener")).join(&ticket, "李姐")?;
        let listener = Arc::new(Node::start(replica, keys, Handle::current()));
        listener.sync_once().await?;
        let writing = Live::start(Arc::clone(&writer)).await?;
        let listening = Live::start(Arc::clone(&listener)).await?;
        for live in [&writing, &listening] {
            while !matches!(live.next_event().await?, LiveEvent::CaughtUp(_)) {}
        }
        Ok(Self {
            writer,
            listener,
            record,
            writing,
            listening,
        })
    }

    /// Milliseconds from each edit's commit to its being visible to the other.
    async fn edit(&self, name: &str) -> Result<Vec<f64>> {
        let record = self.record;
        let mut times = Vec::new();
        for number in 0..EDITS {
            tokio::time::sleep(PAUSE).await;
            let text = format!("{name} {number}");
            let edit = edit_of("title", text.clone());
            self.writer
                .call(move |replica, moment| replica.edit(record, &[edit], moment))
                .await??;
            let committed = Instant::now();
            loop {
                let event = tokio::time::timeout(PATIENCE, self.listening.next_event());
                let _event = event.await.context("an edit did not arrive")??;
                let seen = self
                    .listener
                    .call(move |replica, _| replica.store().row(&record))
                    .await??;
                if seen.is_some_and(|row| row.title == text) {
                    break;
                }
            }
            times.push(committed.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(times)
    }

    async fn stop(self) {
        drop((self.writing, self.listening));
        for node in [self.writer, self.listener] {
            if let Some(node) = Arc::into_inner(node) {
                node.stop().await;
            }
        }
    }
}

fn edit_of(field: &str, text: String) -> FieldEdit {
    FieldEdit::set(field, Value::Text(text))
}
