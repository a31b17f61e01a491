//! What a replica has, written into one file or several.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sync_core::replica::{
    BundleAsk, BundleBlobs, BundlePart, BundlePlan, BundlePlanner, Moment, Replica,
};
use sync_core::wire::Totals;

use super::{BundleFileError, BundleProgress, known};
use crate::draft::{Draft, WholeDraft, refuse_existing};

/// What is to be exported, and where to.
#[derive(Debug, Clone, Default)]
pub struct ExportAsk {
    /// The file; of several, each has its number in its name.
    pub path: PathBuf,
    /// Only what this member or device may have, sealed to them alone; none: for all who belong.
    pub reader: Option<String>,
    /// Leaves out what a member or device is known to have, or what the sender of a bundle file had.
    pub since: Option<String>,
    /// Most bytes of one file.
    pub bytes_max: Option<u64>,
    /// Whether files that are there may be replaced.
    pub may_replace: bool,
    /// Which photos, recordings and papers go along, of those that are here.
    pub blobs: BundleBlobs,
}

/// What an export has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The files, in their order.
    pub files: Vec<PathBuf>,
    /// What they hold.
    pub totals: Totals,
    /// Their size.
    pub bytes: u64,
    /// How many photos, recordings and papers, small pictures counted by themselves.
    pub blobs: u64,
}

/// An export on its way. Nobody sees a file before all of them are whole; dropping it leaves none.
#[derive(Debug)]
pub struct Export {
    path: PathBuf,
    may_replace: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Planning(Box<BundlePlanner>),
    Writing(Box<Writing>),
    Written(Exported),
}

#[derive(Debug)]
struct Writing {
    plan: Arc<BundlePlan>,
    paths: Vec<PathBuf>,
    /// The file in the making; none before the first one and after the last.
    part: Option<BundlePart>,
    draft: Option<Draft>,
    whole: Vec<WholeDraft>,
    /// Read, and not written.
    ready: Ready,
    entries_before: u64,
    chunks_before: u64,
    blobs: u64,
    bytes: u64,
}

#[derive(Debug, Default)]
enum Ready {
    #[default]
    Nothing,
    Bytes(Vec<u8>),
    EndOfFile,
}

impl Export {
    /// Seals what is pending and looks whom it is for.
    ///
    /// # Errors
    /// [`BundleFileError`].
    pub fn begin(
        replica: &mut Replica,
        ask: &ExportAsk,
        moment: &mut Moment<'_>,
    ) -> Result<Self, BundleFileError> {
        let readers = ask.reader.as_deref();
        let readers = readers.map(|named| known::devices(replica, named));
        let since = ask.since.as_deref();
        let known = since.map(|named| known::known(replica, named));
        let of_core = BundleAsk {
            readers: readers.transpose()?.unwrap_or_default(),
            known: known.transpose()?.unwrap_or_default(),
            bytes_max: ask.bytes_max,
            blobs: ask.blobs,
        };
        let planner = replica.begin_plan(&of_core, moment)?;
        Ok(Self {
            path: ask.path.clone(),
            may_replace: ask.may_replace,
            stage: Stage::Planning(Box::new(planner)),
        })
    }

    /// Takes the next bytes from the replica; some milliseconds.
    ///
    /// # Errors
    /// [`BundleFileError`].
    pub fn read(
        &mut self,
        replica: &Replica,
        moment: &mut Moment<'_>,
    ) -> Result<(), BundleFileError> {
        match &mut self.stage {
            Stage::Planning(planner) => {
                if planner.step(replica)? {
                    return Ok(());
                }
            }
            Stage::Writing(writing) => return writing.read(replica, moment),
            Stage::Written(_) => return Ok(()),
        }
        let nothing = Stage::Written(Exported {
            files: Vec::new(),
            totals: Totals::default(),
            bytes: 0,
            blobs: 0,
        });
        if let Stage::Planning(planner) = mem::replace(&mut self.stage, nothing) {
            let plan = planner.finish(replica)?;
            self.stage = Stage::Writing(Box::new(Writing::of(plan, &self.path)));
        }
        Ok(())
    }

    /// Writes what was read; as long as the disk takes. Says whether there is more.
    ///
    /// # Errors
    /// [`BundleFileError::File`]; then there is none of the files.
    pub fn write(&mut self) -> Result<bool, BundleFileError> {
        let writing = match &mut self.stage {
            Stage::Planning(_) => return Ok(true),
            Stage::Writing(writing) => writing,
            Stage::Written(_) => return Ok(false),
        };
        if writing.write(self.may_replace)? {
            return Ok(true);
        }
        self.stage = Stage::Written(writing.keep(self.may_replace)?);
        Ok(false)
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> BundleProgress {
        match &self.stage {
            Stage::Planning(_) => BundleProgress::default(),
            Stage::Writing(writing) => BundleProgress {
                entries: writing.entries(),
                done: writing.entries() + writing.chunks(),
                all: writing.plan.totals().entries + writing.plan.blob_chunks(),
            },
            Stage::Written(written) => BundleProgress {
                entries: written.totals.entries,
                done: written.totals.entries,
                all: written.totals.entries,
            },
        }
    }

    /// What it has written, once there is no more.
    #[must_use]
    pub fn into_exported(self) -> Option<Exported> {
        match self.stage {
            Stage::Written(exported) => Some(exported),
            Stage::Planning(_) | Stage::Writing(_) => None,
        }
    }
}

impl Writing {
    fn of(plan: BundlePlan, named: &Path) -> Self {
        let parts = plan.parts();
        Self {
            paths: (1..=parts)
                .map(|part| part_path(named, part, parts))
                .collect(),
            plan: Arc::new(plan),
            part: None,
            draft: None,
            whole: Vec::new(),
            ready: Ready::Nothing,
            entries_before: 0,
            chunks_before: 0,
            blobs: 0,
            bytes: 0,
        }
    }

    fn entries(&self) -> u64 {
        self.entries_before + self.part.as_ref().map_or(0, BundlePart::entries)
    }

    fn chunks(&self) -> u64 {
        self.chunks_before + self.part.as_ref().map_or(0, BundlePart::chunks)
    }

    fn read(&mut self, replica: &Replica, moment: &mut Moment<'_>) -> Result<(), BundleFileError> {
        if !matches!(self.ready, Ready::Nothing) {
            return Ok(());
        }
        if self.part.is_none() {
            let number = self.whole.len() as u64 + 1;
            self.part = replica.begin_part(&self.plan, number, moment)?;
        }
        let Some(part) = &mut self.part else {
            return Ok(());
        };
        self.ready = match part.next_bytes(replica)? {
            Some(bytes) => Ready::Bytes(bytes),
            None => Ready::EndOfFile,
        };
        Ok(())
    }

    /// Says whether there is more to be read.
    fn write(&mut self, may_replace: bool) -> Result<bool, BundleFileError> {
        let Some(path) = self.paths.get(self.whole.len()) else {
            return Ok(false);
        };
        if self.draft.is_none() {
            // Before hours of writing, not after them.
            for path in self.paths.iter().skip(self.whole.len()) {
                refuse_existing(path, may_replace)?;
            }
            self.draft = Some(Draft::beside(path)?);
        }
        match mem::take(&mut self.ready) {
            Ready::Nothing => {}
            Ready::Bytes(bytes) => {
                self.bytes += bytes.len() as u64;
                if let Some(draft) = &mut self.draft {
                    draft.add(&bytes)?;
                }
            }
            Ready::EndOfFile => {
                self.entries_before = self.entries();
                self.chunks_before = self.chunks();
                self.blobs += self.part.as_ref().map_or(0, BundlePart::blobs);
                self.part = None;
                if let Some(draft) = self.draft.take() {
                    self.whole.push(draft.finish()?);
                }
            }
        }
        Ok(self.whole.len() < self.paths.len())
    }

    /// Puts all files in their places.
    fn keep(&mut self, may_replace: bool) -> Result<Exported, BundleFileError> {
        for path in &self.paths {
            refuse_existing(path, may_replace)?;
        }
        for draft in mem::take(&mut self.whole) {
            draft.keep(may_replace)?;
        }
        Ok(Exported {
            files: mem::take(&mut self.paths),
            totals: self.plan.totals(),
            bytes: self.bytes,
            blobs: self.blobs,
        })
    }
}

/// `week.banyan`; of several, `week-1-of-3.banyan`.
fn part_path(named: &Path, part: u64, parts: u64) -> PathBuf {
    if parts == 1 {
        return named.to_owned();
    }
    let stem = named.file_stem().unwrap_or_default().to_string_lossy();
    let ending = named.extension().unwrap_or_default().to_string_lossy();
    let dot = if ending.is_empty() { "" } else { "." };
    named.with_file_name(format!("{stem}-{part}-of-{parts}{dot}{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_numbered_before_their_ending() {
        let path = |named: &str, parts| part_path(Path::new(named), 2, parts);
        assert_eq!(path("/a/week.banyan", 1), Path::new("/a/week.banyan"));
        assert_eq!(
            path("/a/week.banyan", 3),
            Path::new("/a/week-2-of-3.banyan")
        );
        assert_eq!(path("week", 3), Path::new("week-2-of-3"));
    }
}
