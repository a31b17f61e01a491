//! What files bring, taken in some entries at a time.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sync_core::id::BundleId;
use sync_core::peer::Report;
use sync_core::replica::{Brought, BundleImport, Moment, Replica};

use super::{BundleFileError, BundleProgress, Input, open, sender};
use crate::report::SyncReport;

/// How long one step should take: long enough that making it durable is a small part of it, short enough
/// that whoever waits for the replica, or stops the import, does not notice.
const STEP_GOAL: Duration = Duration::from_millis(40);
/// Entries of the first step.
const STEP_ENTRIES_FIRST: usize = 128;
/// Most entries of a step.
const STEP_ENTRIES_MAX: usize = 16_384;

/// What one file brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedFile {
    /// The file.
    pub path: PathBuf,
    /// Who wrote it, by name.
    pub from: String,
    /// What came of it.
    pub brought: Brought,
}

/// What several files brought.
#[derive(Debug, Clone)]
pub struct Imported {
    /// File by file, in the order in which they were taken in.
    pub files: Vec<ImportedFile>,
    /// All of them together, as the report of a sync.
    pub report: SyncReport,
}

/// An import on its way. What a step took is durable; dropping it leaves the rest for another time.
#[derive(Debug)]
pub struct Import {
    left: VecDeque<PathBuf>,
    current: Option<(PathBuf, BundleImport<Input>)>,
    files: Vec<ImportedFile>,
    pace: Pace,
    /// Bytes of all files, and of those that are through.
    bytes: u64,
    bytes_before: u64,
    entries_before: u64,
}

impl Import {
    /// Looks at all files and sorts them as they were written. One that cannot be used at all is told before
    /// anything is taken in.
    ///
    /// # Errors
    /// [`BundleFileError`]; nothing has changed.
    pub fn begin(replica: &Replica, paths: &[PathBuf]) -> Result<Self, BundleFileError> {
        let mut sorted: BTreeSet<(i64, BundleId, u64, PathBuf)> = BTreeSet::new();
        let mut bytes = 0;
        for path in paths {
            let (file, size) = open(path)?;
            let reader = replica.read_bundle(file);
            let reader = reader.map_err(|error| BundleFileError::bad(path, error))?;
            let manifest = reader.manifest();
            if sorted.insert((manifest.at, manifest.set, manifest.part, path.clone())) {
                bytes += size;
            }
        }
        Ok(Self {
            left: sorted.into_iter().map(|(.., path)| path).collect(),
            current: None,
            files: Vec::new(),
            pace: Pace::default(),
            bytes,
            bytes_before: 0,
            entries_before: 0,
        })
    }

    /// Takes in some more; what it took is durable when it returns. Says whether there is more.
    ///
    /// # Errors
    /// [`BundleFileError`]; what came before is durable, and the import can be begun again.
    pub fn step(
        &mut self,
        replica: &mut Replica,
        moment: &mut Moment<'_>,
    ) -> Result<bool, BundleFileError> {
        let Some((path, mut import)) = self.next_file(replica)? else {
            return Ok(false);
        };
        import.take_at_once(self.pace.entries);
        let begun = Instant::now();
        let is_more = import.step(replica, moment)?;
        self.pace.took(begun.elapsed());
        if is_more {
            self.current = Some((path, import));
            return Ok(true);
        }
        self.bytes_before += import.bytes_read();
        self.entries_before += import.entries();
        let brought = import.finish(replica, moment)?;
        self.files.push(ImportedFile {
            from: sender(replica, &brought.manifest.device),
            path,
            brought,
        });
        Ok(!self.left.is_empty())
    }

    fn next_file(
        &mut self,
        replica: &Replica,
    ) -> Result<Option<(PathBuf, BundleImport<Input>)>, BundleFileError> {
        if let Some(current) = self.current.take() {
            return Ok(Some(current));
        }
        let Some(path) = self.left.pop_front() else {
            return Ok(None);
        };
        let (file, _) = open(&path)?;
        let import = replica.import_bundle(file);
        let import = import.map_err(|error| BundleFileError::bad(&path, error))?;
        Ok(Some((path, import)))
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> BundleProgress {
        let current = self.current.as_ref().map(|(_, import)| import);
        BundleProgress {
            entries: self.entries_before + current.map_or(0, BundleImport::entries),
            done: self.bytes_before + current.map_or(0, BundleImport::bytes_read),
            all: self.bytes,
        }
    }

    /// What the files brought that are through.
    #[must_use]
    pub fn finish(self, replica: &Replica) -> Imported {
        let mut sum = Report::default();
        for ImportedFile { brought, .. } in &self.files {
            sum.tally.add(&brought.tally);
            sum.received += brought.tally.received;
            for (refusal, batches) in &brought.rejected {
                *sum.rejected.entry(*refusal).or_default() += batches;
            }
        }
        Imported {
            report: SyncReport::new(replica, String::new(), &sum, (0, 0)),
            files: self.files,
        }
    }
}

impl ImportedFile {
    /// Why not all of it could be taken, if so; what is for others counts as taken.
    #[must_use]
    pub fn trouble(&self) -> Option<BundleFileError> {
        let Brought {
            manifest,
            broken,
            waiting,
            blobs_waiting,
            missing,
            ..
        } = &self.brought;
        if let Some(error) = broken {
            return Some(BundleFileError::broken(&self.path, *error));
        }
        let earlier = missing.iter().copied();
        let waiting = waiting + blobs_waiting;
        (waiting > 0).then(|| BundleFileError::Waiting {
            path: self.path.clone(),
            entries: waiting,
            missing: earlier.filter(|part| *part < manifest.part).collect(),
            parts: manifest.parts,
        })
    }
}

/// How many entries a step takes, by how long the last one took.
#[derive(Debug)]
struct Pace {
    entries: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            entries: STEP_ENTRIES_FIRST,
        }
    }
}

impl Pace {
    fn took(&mut self, time: Duration) {
        if time > STEP_GOAL {
            self.entries = (self.entries / 2).max(1);
        } else if time < STEP_GOAL / 2 {
            self.entries = (self.entries * 2).min(STEP_ENTRIES_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_while_they_are_quick_and_shrink_when_they_are_slow() {
        let mut pace = Pace::default();
        pace.took(STEP_GOAL / 4);
        assert_eq!(pace.entries, STEP_ENTRIES_FIRST * 2);
        pace.took(STEP_GOAL);
        assert_eq!(pace.entries, STEP_ENTRIES_FIRST * 2);
        for _ in 0..20 {
            pace.took(STEP_GOAL * 2);
        }
        assert_eq!(pace.entries, 1);
        for _ in 0..40 {
            pace.took(Duration::ZERO);
        }
        assert_eq!(pace.entries, STEP_ENTRIES_MAX);
    }
}
