//! `banyan sync`: exchanges everything with the relays, once or as long as it runs; or with one device
//! nearby.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sync_core::keys::DeviceKeys;
use sync_core::replica::{Replica, ReplicaError};
use sync_core::roster::ticket::RelayAddr;
use sync_node::{Live, LiveEvent, Node, NodeError, PeerTarget, ProgressFn, SyncReport};
use tokio::runtime::{Builder, Runtime};

use super::report::{self, Outcome};
use super::{App, nearby};
use crate::cli::SyncArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Progress, thousands};
use crate::text::Text;

/// How long ending may take before the process ends all the same.
const ENDING_MAX: Duration = Duration::from_secs(2);

pub(super) fn run(app: &mut App, args: &SyncArgs) -> Result<(), Failure> {
    if let Some(peer) = &args.peer {
        return meet(app, peer);
    }
    let relay = args
        .relay
        .as_deref()
        .map(str::parse::<RelayAddr>)
        .transpose()?;
    let (replica, keys) = app.open()?;
    if args.watch {
        return watch(app, replica, keys, relay);
    }
    let outcome = once(app, replica, keys, relay)?;
    if app.is_json {
        let json = report::json(&outcome, &app.text);
        app.out.json(&json)?;
    } else {
        report::print(app, &outcome)?;
    }
    report::verdict(&outcome)
}

/// `banyan sync --peer`: everything with one device nearby, once.
fn meet(app: &mut App, peer: &str) -> Result<(), Failure> {
    let peer: PeerTarget = peer
        .parse()
        .map_err(|_| Failure::new(Exit::BadTicket, "err.peer"))?;
    let (replica, keys) = app.open()?;
    let runtime = runtime()?;
    let node = Node::start(replica, keys, runtime.handle().clone());
    let (who, outcome) = runtime.block_on(async {
        let met = async {
            let visit = node
                .sync_with_peer(&peer, Some(progress(&app.text)))
                .await?;
            let outcome = outcome(&node, visit.report, Vec::new()).await?;
            Ok::<_, Failure>((visit.who, outcome))
        };
        let met = met.await;
        node.stop().await;
        met
    })?;
    if app.is_json {
        let mut json = report::json(&outcome, &app.text);
        if let Some(object) = json.as_object_mut() {
            object.insert("peer".to_owned(), nearby::peer(&who));
        }
        app.out.json(&json)?;
    } else {
        let key = if who.is_first {
            "out.sync.met_first"
        } else {
            "out.sync.met"
        };
        app.say(key, &[("name", &who.name), ("phrase", &who.phrase)])?;
        report::print(app, &outcome)?;
    }
    report::verdict(&outcome)
}

/// One sync with the relay that is given, or with all that the community knows.
pub(super) fn once(
    app: &App,
    replica: Replica,
    keys: Arc<DeviceKeys>,
    relay: Option<RelayAddr>,
) -> Result<Outcome, Failure> {
    let runtime = runtime()?;
    let node = Node::start(replica, keys, runtime.handle().clone());
    runtime.block_on(async {
        let outcome = exchange(&node, relay, &app.text).await;
        node.stop().await;
        outcome
    })
}

pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.map_err(Failure::internal)
}

/// Syncs with every relay; one that can be reached is enough.
async fn exchange(node: &Node, relay: Option<RelayAddr>, text: &Text) -> Result<Outcome, Failure> {
    let relays = match &relay {
        Some(relay) => vec![relay.clone()],
        None => node.call(|replica, _| replica.relays().to_vec()).await?,
    };
    let mut total: Option<SyncReport> = None;
    let mut unreached = Vec::new();
    for relay in &relays {
        let result = node.sync_with(relay, Some(progress(text))).await;
        match (result, &mut total) {
            (Ok(report), Some(total)) => total.add(&report),
            (Ok(report), None) => total = Some(report),
            (Err(error), _) => unreached.push((relay.addr.clone(), Failure::from(error))),
        }
    }
    let Some(report) = total else {
        let last = unreached.pop().map(|(_, failure)| failure);
        return Err(last.unwrap_or_else(|| NodeError::NoRelay.into()));
    };
    if let Some(relay) = relay {
        // It answered with its key and carries the community: worth knowing from now on.
        node.call(move |replica, _| replica.know_relay(&relay))
            .await??;
    }
    outcome(node, report, unreached).await
}

/// A report with how things stand after it.
async fn outcome(
    node: &Node,
    report: SyncReport,
    unreached: Vec<(String, Failure)>,
) -> Result<Outcome, Failure> {
    let outcome = node.call(move |replica, _| {
        Ok::<_, ReplicaError>(Outcome {
            report,
            unreached,
            is_removed: replica.is_removed(),
            farewell: replica.farewell(),
            is_alone_at_top: replica.is_alone_at_top(),
            key_waits: replica.key_waits()?,
            schema: replica.shared_schema(),
        })
    });
    Ok(outcome.await??)
}

/// Shows on a terminal how a long sync goes, on one line.
fn progress(text: &Text) -> ProgressFn {
    let text = text.clone();
    let mut progress = Progress::new();
    Box::new(move |report, announced| {
        let places = [
            ("sent", thousands(report.sent)),
            ("received", thousands(report.received)),
            ("announced", thousands(announced)),
        ];
        let places: Vec<(&str, &str)> = places.iter().map(|(key, v)| (*key, v.as_str())).collect();
        progress.show(|| text.with("out.sync.progress", &places));
    })
}

fn watch(
    app: &mut App,
    replica: Replica,
    keys: Arc<DeviceKeys>,
    relay: Option<RelayAddr>,
) -> Result<(), Failure> {
    let runtime = runtime()?;
    let node = Arc::new(Node::start(replica, keys, runtime.handle().clone()));
    runtime.block_on(async {
        let result = stay(app, &node, relay).await;
        stop(node).await;
        result
    })
}

async fn stay(app: &mut App, node: &Arc<Node>, relay: Option<RelayAddr>) -> Result<(), Failure> {
    // Asked for before anything else, so that no signal is missed.
    let mut ending = std::pin::pin!(asked_to_end()?);
    if relay.is_some() {
        tokio::select! {
            () = &mut ending => return Ok(()),
            outcome = exchange(node, relay, &app.text) => tell_caught_up(app, &outcome?.report)?,
        }
    }
    let relays = node.call(|replica, _| replica.relays().len()).await?;
    let live = Live::start(Arc::clone(node)).await?;
    loop {
        let event = tokio::select! {
            () = &mut ending => return Ok(()),
            event = live.next_event() => event?,
        };
        match event {
            LiveEvent::CaughtUp(report) => {
                tell_caught_up(app, &report)?;
                if has_nothing_left_to_do(node).await? {
                    let farewell = node.call(|replica, _| replica.farewell()).await?;
                    app.say(report::farewell_key(farewell), &[])?;
                    return Err(ReplicaError::Removed.into());
                }
                if !app.is_json && node.call(|replica, _| replica.is_alone_at_top()).await? {
                    app.say("out.status.alone", &[])?;
                    app.out.flush()?;
                }
            }
            LiveEvent::Moving(report) => tell_moving(app, &report)?,
            LiveEvent::Offline {
                error,
                is_final: true,
                ..
            } if relays == 1 => {
                return Err(error.into());
            }
            LiveEvent::Offline {
                error, retry_in, ..
            } => tell_offline(app, error, retry_in)?,
        }
    }
}

/// Whether this device was removed and has handed over, erased and said so, as far as it can.
async fn has_nothing_left_to_do(node: &Node) -> Result<bool, Failure> {
    let state = node.call(|replica, _| Ok((replica.is_removed(), replica.is_leaving()?)));
    let (is_removed, is_leaving) = state.await?.map_err(|error: ReplicaError| error)?;
    Ok(is_removed && !is_leaving)
}

/// Ends sessions politely, and the driver's thread.
pub(crate) async fn stop(node: Arc<Node>) {
    // The tasks that held the node have been told to end and do so at their next step.
    let alone = async {
        while Arc::strong_count(&node) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let _in_time = tokio::time::timeout(ENDING_MAX, alone).await;
    if let Some(node) = Arc::into_inner(node) {
        node.stop().await;
    }
}

/// Resolves when the person or the system asks the program to end.
pub(crate) fn asked_to_end() -> Result<impl Future<Output = ()>, Failure> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::internal)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::internal)?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => (),
                _ = terminate.recv() => (),
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Without a handler the system ends the program itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

fn tell_caught_up(app: &mut App, report: &SyncReport) -> Result<(), Failure> {
    if app.is_json {
        app.out.json_line(&event("caught_up", report))?;
    } else {
        let moved = report::moved(report, &app.text);
        app.say(
            "out.watch.caught_up",
            &[("time", &clock()), ("report", &moved)],
        )?;
        for fault in report::faults(report, &app.text) {
            app.out.line(&fault)?;
        }
    }
    app.out.flush()
}

fn tell_moving(app: &mut App, report: &SyncReport) -> Result<(), Failure> {
    if app.is_json {
        app.out.json_line(&event("moving", report))?;
    } else {
        let moved = report::moved(report, &app.text);
        app.say(
            "out.watch.moving",
            &[("time", &clock()), ("report", &moved)],
        )?;
    }
    app.out.flush()
}

fn tell_offline(app: &mut App, error: NodeError, retry_in: Duration) -> Result<(), Failure> {
    let failure = Failure::from(error);
    let reason = failure.sentence(&app.text).unwrap_or_default();
    if app.is_json {
        let millis = u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX);
        app.out.json_line(&json!({
            "event": "offline", "code": failure.exit().number(), "reason": reason,
            "retry_in_ms": millis,
        }))?;
    } else {
        let seconds = retry_in.as_secs().max(1).to_string();
        let places = [("time", clock()), ("reason", reason), ("seconds", seconds)];
        let places: Vec<(&str, &str)> = places.iter().map(|(key, v)| (*key, v.as_str())).collect();
        app.say("out.watch.offline", &places)?;
    }
    app.out.flush()
}

fn event(name: &str, report: &SyncReport) -> serde_json::Value {
    let mut value = json!({ "event": name });
    if let (Some(object), serde_json::Value::Object(report)) =
        (value.as_object_mut(), json!(report))
    {
        object.extend(report);
    }
    value
}

pub(super) fn clock() -> String {
    crate::output::time(crate::place::now())
}
