//! Replays a concurrent editing trace: each agent is a phone with its own store and device.
//!
//! ```text
//! trace: the file, checked → plan: who types what on which phone, and what each must have got before
//!   → village: phones type, seal, and hand each other signed sealed batches → the same text everywhere
//! ```
//! A transaction is typed when exactly what it builds on is merged on its phone, no more and no less.
//! Where a trace's agent types from two states that do not follow each other, it gets a second phone.

mod plan;
mod trace;
mod village;

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::failure::Failure;
use plan::{Plan, Step};
use trace::{Trace, Txn};
use village::Village;

/// So long an editor gathers what is typed before it writes it to the disk, by the trace's clock.
const GATHERED_MS_MAX: i64 = 1_000;

/// What a replay came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    /// People who typed.
    pub(crate) agents: usize,
    /// Phones that they typed on.
    pub(crate) phones: usize,
    /// Transactions of the trace.
    pub(crate) transactions: u64,
    /// Changes that they became; large ones become several.
    pub(crate) changes: u64,
    /// Times that typing was written to a phone's disk.
    pub(crate) writes: u64,
    /// Batches that the changes were sealed into.
    pub(crate) batches: u64,
    /// Times that a phone was handed batches of another.
    pub(crate) deliveries: u64,
    /// Seconds for typing, sealing, handing over and merging.
    pub(crate) seconds: f64,
    /// Transactions in each of these seconds.
    pub(crate) transactions_per_second: f64,
    /// Seconds for the meeting at the end, in which all phones get everything.
    pub(crate) meeting_seconds: f64,
    /// Bytes of the sealed batches.
    pub(crate) bytes_sealed: u64,
    /// The same for each transaction.
    pub(crate) bytes_sealed_per_transaction: f64,
    /// Bytes of the first phone's store file, with the record, its history and its view.
    pub(crate) bytes_at_rest: u64,
    /// The same for each transaction.
    pub(crate) bytes_at_rest_per_transaction: f64,
    /// Characters of the text at the end.
    pub(crate) characters: usize,
    /// The record.
    pub(crate) record: String,
    /// Digest of all heads, equal on all phones.
    pub(crate) digest: String,
}

/// Hears how far the replay is: transactions done, and all.
pub(crate) type Progress<'p> = &'p mut dyn FnMut(usize, usize);

/// Replays a trace in a folder, in which each phone gets one of its own.
///
/// # Errors
/// The file cannot be read, says something impossible, or the phones do not end with its text.
pub(crate) fn run(file: &Path, dir: &Path, progress: Progress<'_>) -> Result<Outcome, Failure> {
    let trace = Trace::read(file)?;
    let plan = Plan::of(&trace)?;
    let title = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let mut village = Village::assemble(dir, &plan, &title.unwrap_or_default())?;
    let started = Instant::now();
    let mut done = 0;
    while done < trace.txns.len() {
        let end = run_end(&trace.txns, &plan.steps, done);
        village.type_run(&trace.txns, &plan.steps, done..end)?;
        done = end;
        progress(done, trace.txns.len());
    }
    village.seal_all()?;
    let typed = started.elapsed();
    let started = Instant::now();
    village.meet_all()?;
    let met = started.elapsed();
    let digest = village.compare(&trace.end)?;
    let sealed = village.sealed()?;
    let counts = village.counts();
    let record = village.record().to_string();
    let bytes_at_rest = village.at_rest()?;
    let count = trace.txns.len();
    Ok(Outcome {
        agents: trace.agents,
        phones: plan.phones.len(),
        transactions: count as u64,
        changes: sealed.entries,
        writes: counts.writes,
        batches: sealed.batches,
        deliveries: counts.deliveries,
        seconds: typed.as_secs_f64(),
        transactions_per_second: each(count as u64, typed),
        meeting_seconds: met.as_secs_f64(),
        bytes_sealed: sealed.bytes,
        bytes_sealed_per_transaction: share(sealed.bytes, count),
        bytes_at_rest,
        bytes_at_rest_per_transaction: share(bytes_at_rest, count),
        characters: trace.end.chars().count(),
        record,
        digest,
    })
}

/// The end of the run that begins with a transaction: what one person types on one phone within a
/// second, with nothing handed over in between. An editor writes that to the disk at once.
fn run_end(txns: &[Txn], steps: &[Step], begin: usize) -> usize {
    let pairs = txns.iter().zip(steps).enumerate().skip(begin);
    let Some((_, (first, first_step))) = pairs.clone().next() else {
        return begin;
    };
    let mut is_cut = first_step.seal_after;
    for (number, (txn, step)) in pairs.skip(1) {
        let waited = txn.at.0.saturating_sub(first.at.0);
        let goes_on = step.phone == first_step.phone
            && step.deliver.is_empty()
            && (0..=GATHERED_MS_MAX).contains(&waited);
        if is_cut || !goes_on {
            return number;
        }
        is_cut = step.seal_after;
    }
    txns.len()
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn share(bytes: u64, count: usize) -> f64 {
    bytes as f64 / count.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn each(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE)
}
