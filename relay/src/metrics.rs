//! Metrics, and the page on a loopback address that shows them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use crate::ledger::Reason;
use crate::log::BatchLog;
use crate::relay::{Counters, Relay};

/// How long a reader of the page may take.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// The relay's metrics. Numbers only: no ids, no addresses.
#[derive(Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    connections: Gauge,
    communities: Gauge,
    outbox_bytes: Gauge,
    memory_bytes: Gauge,
    batches_stored: Counter,
    entries_stored: Counter,
    bytes_stored: Counter,
    batches_known: Counter,
    frames_sent: Counter,
    frames_received: Counter,
    commits: Counter,
    commits_failed: Counter,
    refusals: Family<Vec<(&'static str, String)>, Counter>,
    group_inputs: Histogram,
    group_seconds: Histogram,
    seen: Counters,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("banyan_relay");
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let batches_stored = counter("batches_stored", "Batches made durable");
        let entries_stored = counter("entries_stored", "Entries made durable");
        let bytes_stored = counter("bytes_stored", "Bytes of batches made durable");
        let batches_known = counter("batches_known", "Batches that were there already");
        let frames_sent = counter("frames_sent", "Frames sent");
        let frames_received = counter("frames_received", "Frames received");
        let commits = counter("commits", "Transactions committed");
        let commits_failed = counter("commits_failed", "Transactions that did not commit");
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let connections = gauge("connections", "Open connections");
        let communities = gauge("communities_in_memory", "Communities in memory");
        let outbox_bytes = gauge("outbox_bytes", "Bytes of frames that wait to be sent");
        let memory_bytes = gauge("memory_bytes", "Bytes of memory as the relay counts them");
        let refusals = Family::default();
        registry.register(
            "refusals",
            "Batches, sessions and knocks refused",
            refusals.clone(),
        );
        let group_inputs = Histogram::new(exponential_buckets(1.0, 4.0, 6));
        registry.register("group_inputs", "Inputs taken at once", group_inputs.clone());
        let group_seconds = Histogram::new(exponential_buckets(0.0001, 4.0, 8));
        registry.register("group_seconds", "Time for one group", group_seconds.clone());
        Self {
            registry: Arc::new(registry),
            connections,
            communities,
            outbox_bytes,
            memory_bytes,
            batches_stored,
            entries_stored,
            bytes_stored,
            batches_known,
            frames_sent,
            frames_received,
            commits,
            commits_failed,
            refusals,
            group_inputs,
            group_seconds,
            seen: Counters::default(),
        }
    }
}

fn gauge_value(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Metrics {
    /// Where the page reads them.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Takes note of what a relay has done in a group of so many inputs.
    pub fn observe<L: BatchLog>(&mut self, relay: &Relay<L>, inputs: usize, took: Duration) {
        let (seen, now) = (&mut self.seen, relay.counters());
        let add = |counter: &Counter, seen: u64, now: u64| {
            counter.inc_by(now.saturating_sub(seen));
        };
        add(
            &self.batches_stored,
            seen.batches_stored,
            now.batches_stored,
        );
        add(
            &self.entries_stored,
            seen.entries_stored,
            now.entries_stored,
        );
        add(&self.bytes_stored, seen.bytes_stored, now.bytes_stored);
        add(&self.batches_known, seen.batches_known, now.batches_known);
        add(&self.frames_sent, seen.frames_sent, now.frames_sent);
        add(
            &self.frames_received,
            seen.frames_received,
            now.frames_received,
        );
        add(&self.commits, seen.commits, now.commits);
        add(
            &self.commits_failed,
            seen.commits_failed,
            now.commits_failed,
        );
        for (refusal, count) in &now.refusals {
            let before = seen.refusals.get(refusal).copied().unwrap_or_default();
            if before != *count {
                add(
                    &self.refusals.get_or_create(&label(*refusal)),
                    before,
                    *count,
                );
            }
        }
        if seen != now {
            seen.clone_from(now);
        }
        self.connections.set(gauge_value(relay.connections()));
        self.communities
            .set(gauge_value(relay.communities_in_memory()));
        self.outbox_bytes.set(gauge_value(relay.outbox_bytes()));
        self.memory_bytes.set(gauge_value(relay.memory_bytes()));
        self.group_inputs
            .observe(f64::from(u32::try_from(inputs).unwrap_or(u32::MAX)));
        self.group_seconds.observe(took.as_secs_f64());
    }
}

fn label(reason: Reason) -> Vec<(&'static str, String)> {
    vec![("reason", reason.name())]
}

/// Shows the metrics to whoever asks, until it is dropped.
pub async fn show(listener: TcpListener, registry: Arc<Registry>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let registry = Arc::clone(&registry);
        let service = service_fn(move |request| {
            let page = answer(&request, &registry);
            async move { Ok::<_, Infallible>(page) }
        });
        // One reader at a time: the page is for one collector on this machine.
        let serving = http1::Builder::new()
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        if let Ok(Err(error)) = tokio::time::timeout(PAGE_TIMEOUT, serving).await {
            tracing::debug!(%error, "a reader of the metrics went away");
        }
    }
}

fn answer(request: &Request<Incoming>, registry: &Registry) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    if request.method() != Method::GET || request.uri().path() != "/metrics" {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut text = String::new();
    if encode(&mut text, registry).is_err() {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    *response.body_mut() = Full::from(text);
    response
}
