//! `banyan nearby`: exchanges with other members' devices on this network, without a relay.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sync_core::replica::ReplicaError;
use sync_node::{Nearby, NearbyEvent, NearbyOptions, Node, NodeError, SyncReport, Who};

use super::sync::{asked_to_end, clock, runtime, stop};
use super::{App, invite, report};
use crate::cli::NearbyArgs;
use crate::failure::{Failure, refusal_key};

pub(super) fn run(app: &mut App, args: &NearbyArgs) -> Result<(), Failure> {
    let (replica, keys) = app.open()?;
    let runtime = runtime()?;
    let node = Arc::new(Node::start(replica, keys, runtime.handle().clone()));
    runtime.block_on(async {
        let result = stay(app, &node, args).await;
        stop(node).await;
        result
    })
}

async fn stay(app: &mut App, node: &Arc<Node>, args: &NearbyArgs) -> Result<(), Failure> {
    // Asked for before anything else, so that no signal is missed.
    let mut ending = std::pin::pin!(asked_to_end()?);
    let options = NearbyOptions {
        listen: args.listen,
        uses_mdns: !args.no_mdns,
        shares_store: true,
    };
    let nearby = Nearby::start(Arc::clone(node), options).await?;
    tell_listening(app, &nearby, args.qr)?;
    let result = loop {
        let event = tokio::select! {
            () = &mut ending => break Ok(()),
            event = nearby.next_event() => event,
        };
        let Some(event) = event else {
            break Err(NodeError::Stopped.into());
        };
        if let Err(failure) = tell(app, event) {
            break Err(failure);
        }
        if node.call(|replica, _| replica.is_removed()).await? {
            break Err(ReplicaError::Removed.into());
        }
    };
    nearby.stop().await;
    result
}

fn tell_listening(app: &mut App, nearby: &Nearby, is_pictured: bool) -> Result<(), Failure> {
    let (addr, code) = (nearby.addr().to_string(), nearby.code());
    if app.is_json {
        let code = code.map(|code| code.to_string());
        let line = json!({ "event": "listening", "addr": addr, "code": code });
        app.out.json_line(&line)?;
        return app.out.flush();
    }
    let Some(code) = code else {
        app.say("out.nearby.no_network", &[("addr", &addr)])?;
        return app.out.flush();
    };
    let text = code.to_string();
    app.say("out.nearby.listening", &[("addr", &addr), ("code", &text)])?;
    if is_pictured {
        app.out.line(&invite::picture(&code.qr_text())?)?;
    }
    app.out.flush()
}

/// One happening as a sentence, or as a line of JSON.
fn tell(app: &mut App, event: NearbyEvent) -> Result<(), Failure> {
    if app.is_json {
        let line = line(app, event);
        app.out.json_line(&line)?;
    } else {
        sentence(app, event)?;
    }
    app.out.flush()
}

fn sentence(app: &mut App, event: NearbyEvent) -> Result<(), Failure> {
    let time = clock();
    let about = |who: &Who| [("time", time.clone()), ("name", who.name.clone())];
    let say = |app: &mut App, key: &str, places: &[(&str, String)]| {
        let places: Vec<(&str, &str)> = places.iter().map(|(at, it)| (*at, it.as_str())).collect();
        app.say(key, &places)
    };
    match event {
        NearbyEvent::Met(who) if who.is_first => {
            let phrase = [("phrase", who.phrase.clone())];
            say(
                app,
                "out.nearby.met_first",
                &[&about(&who)[..], &phrase].concat(),
            )
        }
        NearbyEvent::Met(who) => say(app, "out.nearby.met", &about(&who)),
        NearbyEvent::CaughtUp { who, report } => {
            let moved = [("report", report::moved(&report, &app.text))];
            say(
                app,
                "out.nearby.caught_up",
                &[&about(&who)[..], &moved].concat(),
            )?;
            for fault in report::faults(&report, &app.text) {
                app.out.line(&fault)?;
            }
            Ok(())
        }
        NearbyEvent::Parted {
            who,
            is_whole: true,
        } => say(app, "out.nearby.parted", &about(&who)),
        NearbyEvent::Parted { who, .. } => say(app, "out.nearby.broken_off", &about(&who)),
        NearbyEvent::TurnedAway { refusal } => {
            let reason = app.text.say(&refusal_key(refusal));
            say(
                app,
                "out.nearby.turned_away",
                &[("time", time), ("reason", reason)],
            )
        }
        NearbyEvent::Failed { error, retry_in } => {
            let reason = Failure::from(error).sentence(&app.text).unwrap_or_default();
            let seconds = retry_in.as_secs().max(1).to_string();
            let places = [("time", time), ("reason", reason), ("seconds", seconds)];
            say(app, "out.nearby.failed", &places)
        }
        NearbyEvent::Deaf { reason } => say(
            app,
            "out.nearby.deaf",
            &[("time", time), ("reason", reason)],
        ),
    }
}

fn line(app: &App, event: NearbyEvent) -> Value {
    match event {
        NearbyEvent::Met(who) => with(json!({ "event": "met" }), &who, None),
        NearbyEvent::CaughtUp { who, report } => {
            with(json!({ "event": "caught_up" }), &who, Some(&report))
        }
        NearbyEvent::Parted { who, is_whole } => {
            with(json!({ "event": "parted", "whole": is_whole }), &who, None)
        }
        NearbyEvent::TurnedAway { refusal } => json!({
            "event": "turned_away", "refusal": refusal.code(),
            "reason": app.text.say(&refusal_key(refusal)),
        }),
        NearbyEvent::Failed { error, retry_in } => {
            let failure = Failure::from(error);
            json!({
                "event": "failed", "code": failure.exit().number(),
                "reason": failure.sentence(&app.text).unwrap_or_default(),
                "retry_in_ms": millis(retry_in),
            })
        }
        NearbyEvent::Deaf { reason } => json!({ "event": "deaf", "reason": reason }),
    }
}

fn with(mut value: Value, who: &Who, report: Option<&SyncReport>) -> Value {
    let report = report.map(|report| json!(report));
    if let Some(object) = value.as_object_mut() {
        object.insert("peer".to_owned(), peer(who));
        if let Some(Value::Object(report)) = report {
            object.extend(report);
        }
    }
    value
}

/// A device that was met, as scripts read it.
pub(super) fn peer(who: &Who) -> Value {
    json!({
        "device": who.device.to_string(), "name": who.name, "phrase": who.phrase,
        "first": who.is_first,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
