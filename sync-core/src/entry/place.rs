//! Where a received batch belongs: verified against the log as we have it.
//!
//! Forks are expected: a copied store writes twice at one position. Every replica then keeps the
//! branch whose first batch has the smaller chain hash, whichever came first, and holds the other
//! as proof, until a cut-off says otherwise ([`crate::entry::branches`]). So the same batches give the same
//! logs everywhere.

use crate::entry::{SignedBatch, VerifiedBatch};
use crate::id::{ChainHash, CommunityId, Head, Seq};
use crate::wire::Refusal;
use crate::wire::batches::Received;

/// Hashes of one stored batch: what it follows and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Chain hash of the batch before.
    pub prev: ChainHash,
    /// Its own chain hash.
    pub chain: ChainHash,
}

impl Link {
    /// The hashes of a batch.
    #[must_use]
    pub fn of(batch: &VerifiedBatch) -> Self {
        Self {
            prev: *batch.prev(),
            chain: batch.head().chain,
        }
    }
}

/// A batch of the branch that counts, as its log's chain needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Position of its first entry.
    pub first: Seq,
    /// Chain hash of the batch before.
    pub prev: ChainHash,
    /// The head of the log after it.
    pub head: Head,
}

impl Step {
    /// The step that a batch makes in its log.
    #[must_use]
    pub fn of(batch: &VerifiedBatch) -> Self {
        Self {
            first: batch.place().first_seq,
            prev: *batch.prev(),
            head: batch.head(),
        }
    }
}

/// Whether the batches of a log, in their order, lead from its first entry to its head.
///
/// # Errors
/// The position where they do not: a gap, a batch that follows another one, or another end.
pub fn check_chain(steps: impl IntoIterator<Item = Step>, head: &Head) -> Result<(), Seq> {
    let mut at = Head::EMPTY;
    for step in steps {
        if step.first != at.next() || step.prev != at.chain {
            return Err(at.next());
        }
        at = step.head;
    }
    if at == *head { Ok(()) } else { Err(at.next()) }
}

/// What placing a batch needs to know of its log.
pub trait LogView {
    /// Why it could not be read.
    type Error;
    /// Head of the branch that counts.
    ///
    /// # Errors
    /// The store's.
    fn head(&self) -> Result<Head, Self::Error>;
    /// The batch of that branch that begins at `seq`.
    ///
    /// # Errors
    /// The store's.
    fn at(&self, seq: Seq) -> Result<Option<Link>, Self::Error>;
    /// The last entry of the batch of that branch that has this chain hash.
    ///
    /// # Errors
    /// The store's.
    fn ending_with(&self, chain: &ChainHash) -> Result<Option<Seq>, Self::Error>;
    /// Whether a losing branch has a batch with this chain hash.
    ///
    /// # Errors
    /// The store's.
    fn has_branch(&self, chain: &ChainHash) -> Result<bool, Self::Error>;
}

/// Where a batch belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// Next in its log.
    Extends(VerifiedBatch),
    /// Beside a batch that we have, at the position where the log forks. If it `wins`, that batch
    /// and all after it become the losing branch.
    Forks {
        /// The batch.
        batch: VerifiedBatch,
        /// Whether its branch is the one that counts from now on.
        wins: bool,
    },
    /// On a losing branch that we know.
    OnBranch(VerifiedBatch),
    /// We have it.
    Known,
    /// It does not follow what we have; the other side must spell out what it follows.
    NeedsBranch,
    /// Not taken.
    Refused(Refusal),
}

/// Verifies a batch and finds its place.
///
/// # Errors
/// Those of the view.
pub fn place<V: LogView>(
    received: Received,
    community: &CommunityId,
    view: &V,
) -> Result<Placement, V::Error> {
    match received.prev {
        Some(prev) => place_explicit(received.batch, &prev, community, view),
        None => place_implicit(received.batch, community, view),
    }
}

fn place_implicit<V: LogView>(
    batch: SignedBatch,
    community: &CommunityId,
    view: &V,
) -> Result<Placement, V::Error> {
    let head = view.head()?;
    let first = batch.place().first_seq;
    if first > head.next() {
        return Ok(Placement::Refused(Refusal::Gap));
    }
    if first == head.next() {
        return Ok(match batch.verify(community, &head.chain) {
            Ok(batch) => Placement::Extends(batch),
            Err(_) => Placement::NeedsBranch,
        });
    }
    let Some(sibling) = view.at(first)? else {
        return Ok(Placement::NeedsBranch);
    };
    if batch.chain_after(community, &sibling.prev) == sibling.chain {
        return Ok(Placement::Known);
    }
    let Ok(batch) = batch.verify(community, &sibling.prev) else {
        return Ok(Placement::NeedsBranch);
    };
    // Who sends it so believes that it is on the branch that counts. If it loses, they must be told of ours.
    let placement = beside(batch, &sibling, view)?;
    if matches!(placement, Placement::Forks { wins: true, .. }) {
        return Ok(placement);
    }
    Ok(Placement::NeedsBranch)
}

fn place_explicit<V: LogView>(
    batch: SignedBatch,
    prev: &ChainHash,
    community: &CommunityId,
    view: &V,
) -> Result<Placement, V::Error> {
    let first = batch.place().first_seq;
    let Ok(batch) = batch.verify(community, prev) else {
        return Ok(Placement::Refused(Refusal::BadSignature));
    };
    let head = view.head()?;
    if *prev == head.chain && first == head.next() {
        return Ok(Placement::Extends(batch));
    }
    let follows_main = if first == Seq::FIRST {
        *prev == ChainHash::ZERO
    } else {
        view.ending_with(prev)?
            .is_some_and(|end| end.plus(1) == first)
    };
    if follows_main && let Some(sibling) = view.at(first)? {
        if sibling.chain == batch.head().chain {
            return Ok(Placement::Known);
        }
        return beside(batch, &sibling, view);
    }
    if view.has_branch(&batch.head().chain)? {
        return Ok(Placement::Known);
    }
    if view.has_branch(prev)? {
        return Ok(Placement::OnBranch(batch));
    }
    Ok(Placement::Refused(Refusal::Gap))
}

fn beside<V: LogView>(
    batch: VerifiedBatch,
    sibling: &Link,
    view: &V,
) -> Result<Placement, V::Error> {
    if view.has_branch(&batch.head().chain)? {
        return Ok(Placement::Known);
    }
    let wins = batch.head().chain < sibling.chain;
    Ok(Placement::Forks { batch, wins })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(first: u64, prev: u8, last: u64, chain: u8) -> Step {
        Step {
            first: Seq(first),
            prev: ChainHash::new([prev; 32]),
            head: Head {
                seq: Seq(last),
                chain: ChainHash::new([chain; 32]),
            },
        }
    }

    #[test]
    fn chain_leads_to_its_head_or_the_break_is_named() {
        let steps = [step(1, 0, 3, 7), step(4, 7, 4, 8), step(5, 8, 9, 9)];
        let [first, second, third] = steps;
        assert_eq!(check_chain([], &Head::EMPTY), Ok(()));
        assert_eq!(check_chain(steps, &third.head), Ok(()));
        assert_eq!(check_chain([first, third], &third.head), Err(Seq(4)));
        assert_eq!(check_chain([second, third], &third.head), Err(Seq(1)));
        let follows_another = step(4, 6, 4, 8);
        let chain = [first, follows_another, third];
        assert_eq!(check_chain(chain, &third.head), Err(Seq(4)));
        assert_eq!(check_chain([first, second], &third.head), Err(Seq(5)));
        assert_eq!(check_chain(steps, &second.head), Err(Seq(10)));
    }
}
