//! What the last sessions did, kept so that a person can look at it later: when, with whom, and counts.
//!
//! Each is written in one transaction after the session's own, from counts of what the store took in
//! those, never from progress. Nobody's name is in it, and nothing of what records say.

use std::collections::BTreeMap;

use crate::id::{DeviceId, MemberId, Millis};
use crate::peer::Report;
use crate::replica::found::put_cbor;
use crate::replica::mind::{meta, read_cbor};
use crate::replica::{Replica, ReplicaError};
use crate::wire::Refusal;

/// So many sessions are kept; older ones are forgotten.
pub const MEETINGS_MAX: usize = 12;
/// So many people and kinds are kept of each, those with the most changes.
const NAMED_MAX: usize = 64;

/// What one session did, or has done so far.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub struct Meeting {
    /// The device at the other end: a relay's or a member's.
    #[n(0)]
    pub with: DeviceId,
    #[n(1)]
    began_at: i64,
    #[n(2)]
    ended_at: i64,
    /// Whether both sides have had everything of each other.
    #[n(3)]
    pub is_whole: bool,
    /// Entries sent.
    #[n(4)]
    pub sent: u64,
    /// New entries received.
    #[n(5)]
    pub received: u64,
    /// Changes merged.
    #[n(6)]
    pub merged: u64,
    /// Records that had a new conflict.
    #[n(7)]
    pub conflicts: u64,
    /// Entries held.
    #[n(8)]
    pub held: u64,
    /// Entries that waited for a reading key.
    #[n(9)]
    pub waiting: u64,
    /// Merged changes by kind of record, by name.
    #[n(10)]
    pub by_kind: BTreeMap<String, u64>,
    /// Merged changes by member.
    #[n(11)]
    pub by_member: BTreeMap<MemberId, u64>,
    #[n(12)]
    refused: BTreeMap<u16, u64>,
    /// Batches of the other side that were not sound and not taken.
    #[n(13)]
    pub rejected: u64,
    /// In how many lanes a relay had less than it had confirmed before.
    #[n(14)]
    pub lost_by_relay: u64,
}

impl Meeting {
    /// What a session says of itself.
    #[must_use]
    pub fn of(report: &Report, with: DeviceId, began: Millis, now: Millis, is_whole: bool) -> Self {
        let tally = &report.tally;
        let refused = report.refusals.iter();
        Self {
            with,
            began_at: began.0,
            ended_at: now.0,
            is_whole,
            sent: report.sent,
            received: report.received,
            merged: tally.merged,
            conflicts: tally.conflicts,
            held: tally.held,
            waiting: tally.waiting,
            by_kind: most(&tally.by_kind),
            by_member: most(&tally.by_member),
            refused: refused.map(|(it, count)| (it.code(), *count)).collect(),
            rejected: report.rejected.values().sum(),
            lost_by_relay: report.lacking.len() as u64,
        }
    }

    /// When it began, by this device's clock.
    #[must_use]
    pub fn began(&self) -> Millis {
        Millis(self.began_at)
    }

    /// When it ended or, while it is live, when it last had everything.
    #[must_use]
    pub fn ended(&self) -> Millis {
        Millis(self.ended_at)
    }

    /// How many batches the other side did not take, by reason.
    pub fn refused(&self) -> impl Iterator<Item = (Refusal, u64)> {
        let refused = self.refused.iter();
        refused.map(|(code, count)| (Refusal::from_code(*code), *count))
    }

    /// Whether nothing was new and nothing went wrong.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let troubles = [self.rejected, self.lost_by_relay];
        let counts = [self.sent, self.received, self.held, self.waiting];
        self.is_whole
            && self.refused.is_empty()
            && counts.into_iter().chain(troubles).all(|count| count == 0)
    }

    /// The same session, or another one in which nothing was new either: both are one line.
    fn replaces(&self, older: &Self) -> bool {
        self.with == older.with
            && (self.began_at == older.began_at || (self.is_quiet() && older.is_quiet()))
    }
}

fn most<K: Clone + Ord>(counts: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    let mut all: Vec<(&K, u64)> = counts.iter().map(|(key, count)| (key, *count)).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    all.truncate(NAMED_MAX);
    all.into_iter().map(|(key, n)| (key.clone(), n)).collect()
}

impl Replica {
    /// Keeps what a session did; a session that goes on is kept once, as it was told last.
    ///
    /// # Errors
    /// The store's; then nothing has changed.
    pub fn note_meeting(&mut self, meeting: Meeting) -> Result<(), ReplicaError> {
        self.notes += 1;
        self.act(|tx, _| {
            let mut all: Vec<Meeting> = read_cbor(tx, meta::MEETINGS)?.unwrap_or_default();
            all.retain(|older| !meeting.replaces(older));
            all.insert(0, meeting);
            all.truncate(MEETINGS_MAX);
            put_cbor(tx, meta::MEETINGS, &all)
        })
    }

    /// What the last sessions did, the newest first.
    ///
    /// # Errors
    /// The store's.
    pub fn meetings(&self) -> Result<Vec<Meeting>, ReplicaError> {
        Ok(read_cbor(&*self.store, meta::MEETINGS)?.unwrap_or_default())
    }
}
