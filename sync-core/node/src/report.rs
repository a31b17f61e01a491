//! The plain report of a sync.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use sync_core::peer::Report;
use sync_core::replica::Replica;
use sync_core::roster::ticket::RelayAddr;
use sync_core::wire::Refusal;

use crate::node::NodeError;

/// What one sync did, in counts that people and scripts read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SyncReport {
    /// The relay, by key.
    pub relay: String,
    /// Entries sent.
    pub sent: u64,
    /// New entries received.
    pub received: u64,
    /// Changes merged.
    pub merged: u64,
    /// Records that have a new conflict.
    pub conflicts: u64,
    /// Entries held.
    pub held: u64,
    /// Entries that wait for a reading key.
    pub waiting_for_key: u64,
    /// Application bytes sent.
    pub bytes_sent: u64,
    /// Application bytes received.
    pub bytes_received: u64,
    /// Times that an answer was waited for.
    pub round_trips: u64,
    /// Merged changes by kind of record.
    pub by_kind: BTreeMap<String, u64>,
    /// Merged changes by person.
    pub by_person: BTreeMap<String, u64>,
    /// How many batches the other side did not take, by reason.
    #[serde(serialize_with = "as_list")]
    pub refused: BTreeMap<Refusal, u64>,
    /// How many batches that the other side sent were not sound and not taken, by reason.
    #[serde(serialize_with = "as_list")]
    pub rejected: BTreeMap<Refusal, u64>,
    /// In how many lanes (spaces, and the list of members) a relay had less than it had confirmed before:
    /// it was restored from an old backup, or it lies.
    pub lost_by_relay: u64,
    /// How often ticks of records may have moved: receipts of others that were news, and batches of
    /// this device that a relay has told the places of.
    pub ticks: u64,
    /// Relays that could not be synced with, and why.
    #[serde(skip)]
    pub unreached: Vec<(RelayAddr, NodeError)>,
}

#[derive(Serialize)]
struct Refused {
    code: u16,
    reason: String,
    batches: u64,
}

fn as_list<S: Serializer>(refused: &BTreeMap<Refusal, u64>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(refused.iter().map(|(refusal, batches)| Refused {
        code: refusal.code(),
        reason: refusal.to_string(),
        batches: *batches,
    }))
}

impl SyncReport {
    /// In words of people and kinds: what a session, or a bundle, did.
    #[must_use]
    pub fn new(replica: &Replica, relay: String, report: &Report, bytes: (u64, u64)) -> Self {
        let mut by_person: BTreeMap<String, u64> = BTreeMap::new();
        for (member, count) in &report.tally.by_member {
            *by_person.entry(replica.member_name(member)).or_default() += count;
        }
        Self {
            relay,
            sent: report.sent,
            received: report.received,
            merged: report.tally.merged,
            conflicts: report.tally.conflicts,
            held: report.tally.held,
            waiting_for_key: report.tally.waiting,
            bytes_sent: bytes.0,
            bytes_received: bytes.1,
            round_trips: report.round_trips,
            by_kind: report.tally.by_kind.clone(),
            by_person,
            refused: report.refusals.clone(),
            rejected: report.rejected.clone(),
            lost_by_relay: report.lacking.len() as u64,
            ticks: report.ticks,
            unreached: Vec::new(),
        }
    }

    /// Adds another relay's report to this one.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.merged += other.merged;
        self.conflicts += other.conflicts;
        self.held += other.held;
        self.waiting_for_key += other.waiting_for_key;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.round_trips += other.round_trips;
        for (kind, count) in &other.by_kind {
            *self.by_kind.entry(kind.clone()).or_default() += count;
        }
        for (person, count) in &other.by_person {
            *self.by_person.entry(person.clone()).or_default() += count;
        }
        for (refusal, batches) in &other.refused {
            *self.refused.entry(*refusal).or_default() += batches;
        }
        for (refusal, batches) in &other.rejected {
            *self.rejected.entry(*refusal).or_default() += batches;
        }
        self.lost_by_relay += other.lost_by_relay;
        self.ticks += other.ticks;
        self.unreached.extend(other.unreached.iter().cloned());
    }
}
