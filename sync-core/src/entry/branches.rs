//! Which branch of a forked log counts.
//!
//! Where a log forks, the branch counts that leads to a batch which a cut-off names: whoever holds a
//! stolen key must not push aside, by a branch of their own, what its owner wrote before. Where none
//! does, or several do, the branch counts whose first batch has the smaller chain hash. So the same
//! batches and the same cut-offs give the same log everywhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::VerifiedBatch;
use crate::id::{Arrival, ChainHash, Seq};

/// A batch at or after the first fork of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Where it is stored.
    pub arrival: Arrival,
    /// Position of its first entry.
    pub first: Seq,
    /// Chain hash of the batch before.
    pub prev: ChainHash,
    /// Its own.
    pub chain: ChainHash,
    /// Whether it lies on a losing branch so far.
    pub is_branch: bool,
}

impl Node {
    /// Of a batch as it is stored.
    #[must_use]
    pub fn of(arrival: Arrival, batch: &VerifiedBatch, is_branch: bool) -> Self {
        Self {
            arrival,
            first: batch.place().first_seq,
            prev: *batch.prev(),
            chain: batch.head().chain,
            is_branch,
        }
    }
}

/// How a log has to change so that the right branch counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// From here on what counts so far loses.
    pub from: Seq,
    /// What counts instead, in order.
    pub promoted: Vec<Arrival>,
}

/// What has to change, if anything: `nodes` are all batches of one log from its first fork on, `named`
/// the batches that cut-offs name.
#[must_use]
pub fn settle(nodes: &[Node], named: &BTreeSet<ChainHash>) -> Option<Settlement> {
    let by_chain: BTreeMap<ChainHash, &Node> = nodes.iter().map(|it| (it.chain, it)).collect();
    let mut next: BTreeMap<ChainHash, BTreeSet<ChainHash>> = BTreeMap::new();
    for node in nodes {
        next.entry(node.prev).or_default().insert(node.chain);
    }
    let leads_to_named = ancestors(named, &by_chain);
    let root = nodes.iter().min_by_key(|node| node.first)?.prev;
    let mut counts: Vec<&Node> = Vec::new();
    let mut at = root;
    while let Some(after) = next.get(&at) {
        let named = after.iter().find(|chain| leads_to_named.contains(*chain));
        let chosen = named.or_else(|| after.first())?;
        at = *chosen;
        counts.extend(by_chain.get(chosen));
    }
    let promoted: Vec<&Node> = counts
        .into_iter()
        .skip_while(|node| !node.is_branch)
        .collect();
    let from = promoted.first()?.first;
    let promoted = promoted.into_iter().map(|node| node.arrival).collect();
    Some(Settlement { from, promoted })
}

/// These batches and all before them.
fn ancestors(
    named: &BTreeSet<ChainHash>,
    by_chain: &BTreeMap<ChainHash, &Node>,
) -> BTreeSet<ChainHash> {
    let mut marked = BTreeSet::new();
    for chain in named {
        let mut at = *chain;
        while let Some(node) = by_chain.get(&at) {
            if !marked.insert(at) {
                break;
            }
            at = node.prev;
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(arrival: u64, first: u64, prev: u8, chain: u8, is_branch: bool) -> Node {
        Node {
            arrival: Arrival(arrival),
            first: Seq(first),
            prev: ChainHash::new([prev; 32]),
            chain: ChainHash::new([chain; 32]),
            is_branch,
        }
    }

    fn named(chains: &[u8]) -> BTreeSet<ChainHash> {
        chains.iter().map(|it| ChainHash::new([*it; 32])).collect()
    }

    fn settled(from: u64, promoted: &[u64]) -> Option<Settlement> {
        let promoted = promoted.iter().map(|it| Arrival(*it)).collect();
        let from = Seq(from);
        Some(Settlement { from, promoted })
    }

    /// Two branches after batch 1: 2 then 3, which counts, and 5 then 6.
    fn forked() -> [Node; 4] {
        [
            node(2, 4, 1, 2, false),
            node(3, 5, 2, 3, false),
            node(4, 4, 1, 5, true),
            node(5, 6, 5, 6, true),
        ]
    }

    #[test]
    fn smaller_hash_counts_where_no_cut_off_says_otherwise() {
        assert_eq!(settle(&forked(), &named(&[])), None);
        assert_eq!(settle(&forked(), &named(&[9])), None);
        assert_eq!(settle(&[], &named(&[2])), None);
    }

    #[test]
    fn branch_with_the_batch_that_a_cut_off_names_counts() {
        for chain in [5, 6] {
            assert_eq!(settle(&forked(), &named(&[chain])), settled(4, &[4, 5]));
        }
        assert_eq!(settle(&forked(), &named(&[3])), None);
    }

    #[test]
    fn smaller_hash_decides_between_two_named_branches() {
        assert_eq!(settle(&forked(), &named(&[3, 6])), None);
    }

    #[test]
    fn log_goes_back_when_no_cut_off_names_the_branch_any_more() {
        let moved = forked().map(|it| Node {
            is_branch: !it.is_branch,
            ..it
        });
        assert_eq!(settle(&moved, &named(&[6])), None);
        assert_eq!(settle(&moved, &named(&[])), settled(4, &[2, 3]));
    }

    #[test]
    fn fork_within_the_chosen_branch_is_decided_in_its_turn() {
        let mut nodes = forked().to_vec();
        nodes.push(node(6, 6, 5, 4, true));
        assert_eq!(settle(&nodes, &named(&[5])), settled(4, &[4, 6]));
        assert_eq!(settle(&nodes, &named(&[6])), settled(4, &[4, 5]));
    }
}
