//! Verdicts: held entries of somebody who was cut off that count after all, or stay out for good.

use crate::id::{ChainHash, LogId, Seq};
use crate::roster::Roster;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::Stretch;

/// What somebody said of a stretch of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verdict {
    /// The rank of who said it.
    pub rank: Role,
    /// At the same rank, what stays out stays out.
    pub is_final: bool,
    first: Seq,
    last: Seq,
    chain: ChainHash,
}

impl Verdict {
    /// A verdict on a stretch that says which batch it is about and lies in the author's scope.
    pub(super) fn new(
        stretch: &Stretch,
        rank: Role,
        scope: &Scope,
        is_final: bool,
    ) -> Option<(LogId, Self)> {
        if !scope.covers(&Scope::Space(stretch.lane)) {
            return None;
        }
        let verdict = Self {
            rank,
            is_final,
            first: Seq(stretch.first),
            last: Seq(stretch.last),
            chain: stretch.chain?,
        };
        Some((stretch.log(), verdict))
    }

    /// The batch that proves it.
    #[must_use]
    pub fn chain(&self) -> &ChainHash {
        &self.chain
    }

    /// Whether it is about this entry, and the batch that it names has it or comes after it.
    pub(super) fn is_about(&self, seq: Seq, ends_at: impl Fn(&ChainHash) -> Option<Seq>) -> bool {
        let is_named = (self.first..=self.last).contains(&seq);
        is_named && ends_at(&self.chain).is_some_and(|end| self.last <= end)
    }
}

impl Roster {
    /// The highest role in a space that would count for an entry of a log, had somebody of this rank
    /// released it: [`Roster::role_of_entry`] with one more verdict.
    #[must_use]
    pub fn role_once_released(
        &self,
        log: &LogId,
        seq: Seq,
        by: Role,
        ends_at: impl Fn(&ChainHash) -> Option<Seq>,
    ) -> Option<Role> {
        let known = self.verdict_on(log, seq, &ends_at);
        let is_left_out = known.is_some_and(|verdict| verdict.is_final && verdict.rank >= by);
        if by < Role::Lead || is_left_out {
            return self.role_of_entry(log, seq, ends_at);
        }
        let released = known.filter(|verdict| !verdict.is_final);
        let rank = released.map_or(by, |verdict| verdict.rank.max(by));
        self.role_counted(log, seq, Some(rank), ends_at)
    }
}
