//! Cut-offs: where in each log a right ends that somebody of higher rank took away.

use std::collections::BTreeMap;

use crate::id::{DeviceId, Head, LogId};
use crate::roster::role::Role;
use crate::roster::statement::Revoke;

/// A right that was taken away, and the last entry of each log that still has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cutoff {
    /// The rank of who took it away.
    by: Role,
    /// A log that is not named ends before its first entry.
    ends: BTreeMap<LogId, Head>,
}

impl Cutoff {
    /// What a revocation by this rank says of the logs of one device.
    pub(super) fn of_device(revoke: &Revoke, by: Role, device: &DeviceId) -> Self {
        Self::new(revoke, by, |log| log.device == *device)
    }

    /// What a revocation by this rank says of all logs.
    pub(super) fn of_all(revoke: &Revoke, by: Role) -> Self {
        Self::new(revoke, by, |_| true)
    }

    fn new(revoke: &Revoke, by: Role, is_meant: impl Fn(&LogId) -> bool) -> Self {
        let mut ends = BTreeMap::new();
        for cut in &revoke.cuts {
            let (log, head) = (cut.log(), cut.head());
            if is_meant(&log) {
                keep_furthest(&mut ends, log, head);
            }
        }
        Self { by, ends }
    }

    /// The rank of who took it away.
    #[must_use]
    pub fn rank(&self) -> Role {
        self.by
    }

    /// Where a log ends.
    #[must_use]
    pub fn end_of(&self, log: &LogId) -> Option<&Head> {
        self.ends.get(log)
    }

    /// The logs that do not end before their first entry.
    pub fn ends(&self) -> impl Iterator<Item = (&LogId, &Head)> {
        self.ends.iter()
    }

    /// Of several, the highest rank's counts, among equals the furthest in each log.
    fn join(&mut self, other: Self) {
        match other.by.cmp(&self.by) {
            std::cmp::Ordering::Greater => *self = other,
            std::cmp::Ordering::Equal => {
                for (log, head) in other.ends {
                    keep_furthest(&mut self.ends, log, head);
                }
            }
            std::cmp::Ordering::Less => {}
        }
    }
}

/// The later end; of two branches at one position the smaller hash, as everywhere.
fn keep_furthest(ends: &mut BTreeMap<LogId, Head>, log: LogId, head: Head) {
    let order = |head: &Head| (head.seq, std::cmp::Reverse(head.chain));
    let end = ends.entry(log).or_insert(head);
    if order(&head) > order(end) {
        *end = head;
    }
}

/// How a right stands: it holds, or ended at a cut-off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing(Option<Cutoff>);

impl Standing {
    /// Nobody took it away.
    pub const HOLDS: Self = Self(None);

    /// Whether nobody took it away.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.is_none()
    }

    /// Where it ended.
    #[must_use]
    pub fn cutoff(&self) -> Option<&Cutoff> {
        self.0.as_ref()
    }

    /// It ends at this cut-off too.
    pub(super) fn end(&mut self, cutoff: Cutoff) {
        match &mut self.0 {
            Some(known) => known.join(cutoff),
            None => self.0 = Some(cutoff),
        }
    }

    /// The right has another source: it holds as long as either does.
    pub(super) fn or(&mut self, other: Self) {
        self.0 = self.0.take().zip(other.0).map(|(mut ours, theirs)| {
            ours.join(theirs);
            ours
        });
    }
}
