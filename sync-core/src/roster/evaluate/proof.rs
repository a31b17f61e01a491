//! Whether a statement was said before its author's right ended, proved by the links of its log.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::ChainHash;
use crate::roster::Said;
use crate::roster::book::Book;
use crate::roster::cutoff::Standing;

/// The batches up to each cut-off that was asked about.
pub(in crate::roster) struct Proofs<'a> {
    book: &'a Book,
    up_to: BTreeMap<ChainHash, BTreeSet<ChainHash>>,
}

impl<'a> Proofs<'a> {
    pub(in crate::roster) fn new(book: &'a Book) -> Self {
        let up_to = BTreeMap::new();
        Self { book, up_to }
    }

    /// Walks the logs back from where a right ended, so that [`Self::counts`] can answer for it.
    pub(in crate::roster) fn prepare(&mut self, standing: &Standing) {
        for (_, head) in standing.cutoff().into_iter().flat_map(|cut| cut.ends()) {
            let book = self.book;
            let walk = || book.up_to(&head.chain);
            self.up_to.entry(head.chain).or_insert_with(walk);
        }
    }

    /// Whether a statement counts by a right that stands so.
    pub(in crate::roster) fn counts(&self, said: &Said, standing: &Standing) -> bool {
        let Some(cutoff) = standing.cutoff() else {
            return true;
        };
        let ends = cutoff.ends().filter(|(log, _)| log.device == said.author);
        let mut before = ends.filter_map(|(_, head)| self.up_to.get(&head.chain));
        before.any(|before| {
            let mut carriers = self.book.carriers(&said.id);
            carriers.any(|carrier| before.contains(carrier))
        })
    }
}
