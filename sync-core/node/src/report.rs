//! The plain report of a sync.

use std::collections::BTreeMap;

use serde::Serialize;
use sync_core::peer::Report;
use sync_core::replica::Replica;

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
    /// What the other side refused, as sentences.
    pub refused: Vec<String>,
}

impl SyncReport {
    pub(crate) fn new(
        replica: &Replica,
        relay: String,
        report: &Report,
        bytes: (u64, u64),
    ) -> Self {
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
            refused: report.refusals.iter().map(ToString::to_string).collect(),
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
        self.refused.extend(other.refused.iter().cloned());
    }
}
