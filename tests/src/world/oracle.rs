//! What was written: every edit carries a token of its own, to be found again once, or never.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::id::{LaneId, RecordId};

/// What must be found of an edit in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was durable: there, once.
    Sure,
    /// The program died while it was being written, or its log has several branches: there once, or held.
    Open,
    /// It failed: nowhere.
    Never,
}

/// How a token was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// As the value of the title field, which somebody may overwrite: history has it.
    Title,
    /// Into a text, which nobody takes out again.
    Text,
}

#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) token: String,
    pub(super) space: LaneId,
    pub(super) record: Option<RecordId>,
    pub(super) by: usize,
    pub(super) way: Way,
    pub(super) fate: Fate,
    /// How many stores share the device that wrote it: each of them may write again what was not
    /// sealed when they were copied, or what loses its place to another of them.
    pub(super) lives: usize,
}

#[derive(Debug)]
pub(super) struct Oracle {
    seed: u64,
    next: u64,
    pub(super) written: Vec<Written>,
    /// Records that somebody with a forked log has written to: what builds on that is held with it.
    doubtful: BTreeSet<RecordId>,
    /// Phones that were cut off.
    cut_off: BTreeSet<usize>,
}

/// What every token begins with; a relay must never see it.
pub(super) const CANARY: &str = "canary";

impl Oracle {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            next: 1,
            written: Vec::new(),
            doubtful: BTreeSet::new(),
            cut_off: BTreeSet::new(),
        }
    }

    /// A token that was never used; written as [`mark`] says.
    pub(super) fn token(&mut self) -> String {
        let token = format!("{CANARY}{}-{}", self.seed, self.next);
        self.next += 1;
        token
    }

    pub(super) fn note(&mut self, written: Written, is_doubtful: bool) {
        let is_cut_off = self.cut_off.contains(&written.by);
        let record_doubtful = written
            .record
            .is_some_and(|record| self.doubtful.contains(&record));
        if is_doubtful {
            self.doubtful.extend(written.record);
        }
        let fate = match written.fate {
            Fate::Sure if is_doubtful || record_doubtful || is_cut_off => Fate::Open,
            fate @ (Fate::Sure | Fate::Open | Fate::Never) => fate,
        };
        self.written.push(Written { fate, ..written });
    }

    /// Somebody with a forked log has edited a record without a token.
    pub(super) fn touch(&mut self, record: RecordId) {
        self.doubtful.insert(record);
    }

    /// What a phone has written since some edit may be lost or held, and all that builds on it.
    pub(super) fn doubt(&mut self, by: usize, since: usize) {
        let records: BTreeSet<RecordId> = self
            .written
            .iter()
            .skip(since)
            .filter(|written| written.by == by)
            .filter_map(|written| written.record)
            .collect();
        for written in self.written.iter_mut().skip(since) {
            let is_touched = written
                .record
                .is_some_and(|record| records.contains(&record));
            if written.fate == Fate::Sure && (written.by == by || is_touched) {
                written.fate = Fate::Open;
            }
        }
        self.doubtful.extend(records);
    }

    /// A phone was cut off: what it wrote and writes may be held. What others wrote stays, also where
    /// they built on it.
    pub(super) fn cut_off(&mut self, by: usize) {
        self.cut_off.insert(by);
        for written in self.written.iter_mut().filter(|written| written.by == by) {
            if written.fate == Fate::Sure {
                written.fate = Fate::Open;
            }
        }
    }

    /// Whether a phone was cut off, or owes its rights to one that was.
    pub(super) fn is_cut_off(&self, by: usize) -> bool {
        self.cut_off.contains(&by)
    }

    /// A phone was copied; these phones share its device.
    pub(super) fn note_copy(&mut self, phones: &BTreeSet<usize>) {
        for written in &mut self.written {
            written.lives += usize::from(phones.contains(&written.by));
        }
    }

    pub(super) fn of_space(&self, space: LaneId) -> impl Iterator<Item = &Written> {
        self.written
            .iter()
            .filter(move |written| written.space == space)
    }

    pub(super) fn sure_count(&self) -> u64 {
        self.written
            .iter()
            .filter(|written| written.fate == Fate::Sure)
            .count() as u64
    }
}

/// How often each token occurs in what a phone shows of a space.
pub(super) type Found = BTreeMap<String, usize>;

/// A token as it stands in a text.
pub(super) fn mark(token: &str) -> String {
    format!("⟦{token}⟧")
}

/// The tokens in a text.
pub(super) fn tokens_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('⟦')
        .skip(1)
        .filter_map(|rest| rest.split_once('⟧'))
        .map(|(token, _)| token)
        .filter(|token| token.starts_with(CANARY))
}

/// The places of a text, in characters, that are in no token.
pub(super) fn gaps_of(text: &str) -> Vec<usize> {
    let mut gaps = vec![0];
    let mut is_inside = false;
    for (index, letter) in text.chars().enumerate() {
        is_inside = letter == '⟦' || (is_inside && letter != '⟧');
        if !is_inside {
            gaps.push(index + 1);
        }
    }
    gaps
}
