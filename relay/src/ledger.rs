//! What an operator is told afterwards: when devices were last seen, and what was refused.
//!
//! The core notes it in memory; the shell writes it down every now and then, and when it stops. So a
//! refusal costs no write, and a kill costs the notes of half a minute. Only devices that a roster
//! names are noted by their key; whoever else comes is a number beside a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sync_core::id::{CommunityId, DeviceId, Millis};
use sync_core::wire::Refusal;

use crate::limits::NOTES_MAX;

/// How often devices that stay connected are noted again.
const STAYING_MILLIS: i64 = 15 * 60 * 1000;

/// Why a connection, a session or a batch was not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A frame said why.
    Refused(Refusal),
    /// It said no hello, or did not read what it was sent.
    TooSlow,
    /// More knocked than may come in at once; nothing was answered.
    Unanswered,
}

impl Reason {
    /// Beyond the codes of refusals, which are a version's in the protocol.
    const TOO_SLOW: u16 = 1001;
    const UNANSWERED: u16 = 1002;

    /// Its number in the relay's file.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::TooSlow => Self::TOO_SLOW,
            Self::Unanswered => Self::UNANSWERED,
        }
    }

    /// The reason of a number.
    #[must_use]
    pub fn from_code(code: u16) -> Self {
        match code {
            Self::TOO_SLOW => Self::TooSlow,
            Self::UNANSWERED => Self::Unanswered,
            code => Self::Refused(Refusal::from_code(code)),
        }
    }

    /// Its name for scripts, as the metrics have it.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Refused(refusal) => format!("{refusal:?}"),
            Self::TooSlow | Self::Unanswered => format!("{self:?}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::TooSlow => f.write_str("said no hello in time, or did not read what it was sent"),
            Self::Unanswered => f.write_str("knocked while more came than may come in at once"),
        }
    }
}

/// What is to be written down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// Devices that were here since the last time, each with one of its communities.
    pub seen: BTreeSet<(CommunityId, DeviceId)>,
    /// How often what was refused since the last time.
    pub refused: BTreeMap<Reason, u64>,
    /// How many connections are open.
    pub connections: u64,
}

/// What the core has noted and the shell has not written yet.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    seen: BTreeSet<(CommunityId, DeviceId)>,
    refused: BTreeMap<Reason, u64>,
    /// As it was last written; a relay that has just begun does not know what the file says.
    connections: Option<u64>,
    stayed_at: Option<Millis>,
}

impl Ledger {
    pub(crate) fn see(&mut self, community: CommunityId, device: DeviceId) {
        self.seen.insert((community, device));
    }

    pub(crate) fn refuse(&mut self, reason: Reason, times: u64) {
        let count = self.refused.entry(reason).or_default();
        *count = count.saturating_add(times);
    }

    /// Whether those who are connected are to be noted again.
    pub(crate) fn is_long_ago(&mut self, now: Millis) -> bool {
        let since = *self.stayed_at.get_or_insert(now);
        let is_over = now.0.saturating_sub(since.0) >= STAYING_MILLIS;
        if is_over {
            self.stayed_at = Some(now);
        }
        is_over
    }

    /// What is to be written, if anything has changed; so many devices at once.
    pub(crate) fn notes(&self, connections: u64) -> Option<Notes> {
        let is_news = !self.seen.is_empty()
            || !self.refused.is_empty()
            || self.connections != Some(connections);
        is_news.then(|| Notes {
            seen: self.seen.iter().take(NOTES_MAX).copied().collect(),
            refused: self.refused.clone(),
            connections,
        })
    }

    /// These are durable now.
    pub(crate) fn written(&mut self, notes: &Notes) {
        for seen in &notes.seen {
            self.seen.remove(seen);
        }
        for (reason, times) in &notes.refused {
            if let Some(count) = self.refused.get_mut(reason) {
                *count = count.saturating_sub(*times);
            }
        }
        self.refused.retain(|_, count| *count > 0);
        self.connections = Some(notes.connections);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_number() {
        for reason in [
            Reason::Refused(Refusal::Busy),
            Reason::Refused(Refusal::VersionTooOld),
            Reason::TooSlow,
            Reason::Unanswered,
        ] {
            assert_eq!(Reason::from_code(reason.code()), reason);
        }
    }

    #[test]
    fn what_was_not_written_is_written_the_next_time() {
        let mut ledger = Ledger::default();
        let first = ledger.notes(0).unwrap();
        ledger.written(&first);
        assert_eq!(ledger.notes(0), None);
        let device = |n| (CommunityId::ZERO, DeviceId::new([n; 32]));
        ledger.see(device(1).0, device(1).1);
        ledger.refuse(Reason::TooSlow, 2);
        let notes = ledger.notes(1).unwrap();
        // Meanwhile more comes.
        ledger.see(device(2).0, device(2).1);
        ledger.refuse(Reason::TooSlow, 1);
        ledger.written(&notes);
        let rest = ledger.notes(1).unwrap();
        assert_eq!(rest.seen, BTreeSet::from([device(2)]));
        assert_eq!(rest.refused, BTreeMap::from([(Reason::TooSlow, 1)]));
        ledger.written(&rest);
        assert_eq!(ledger.notes(1), None);
        assert!(ledger.notes(0).is_some(), "the connections have changed");
    }
}
