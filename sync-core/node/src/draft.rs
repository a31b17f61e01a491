//! Files that are whole or not there: written beside their place, synced, then renamed.
//!
//! What a killed program leaves beside a place is removed by the next draft for that place.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};
use thiserror::Error;

/// How the name of a draft ends; it begins with a dot and the name that the file will have.
const SUFFIX: &str = ".partial";
/// Of a long name so many bytes are in the draft's; systems take 255 in all.
const NAME_BYTES: usize = 150;

/// A file could not be written or read.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is something at the path already, and it may not be replaced.
    #[error("{0} is there already")]
    Exists(PathBuf),
    /// The system refused.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl FileError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}

/// Refuses a path at which there is something already, unless it may be replaced.
///
/// # Errors
/// [`FileError::Exists`].
pub fn refuse_existing(path: &Path, may_replace: bool) -> Result<(), FileError> {
    // A link that leads nowhere is something too.
    if may_replace || path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(FileError::Exists(path.to_owned()))
}

/// Writes a file; whoever looks sees the old file, none, or the new one whole.
///
/// # Errors
/// [`FileError`]; then what was at the path is still there.
pub fn write_whole(path: &Path, bytes: &[u8], may_replace: bool) -> Result<(), FileError> {
    let mut draft = Draft::beside(path)?;
    draft.add(bytes)?;
    draft.finish()?.keep(may_replace)
}

/// A file that is written piece by piece. Nobody sees it before it is kept; dropping it removes it.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    file: NamedTempFile,
}

/// A draft that is whole and durable, and not in its place yet. Dropping it removes it.
#[derive(Debug)]
pub struct WholeDraft {
    path: PathBuf,
    file: TempPath,
}

impl Draft {
    /// Begins one that will be at a path.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn beside(path: &Path) -> Result<Self, FileError> {
        let folder = folder_of(path);
        let prefix = prefix_of(path);
        remove_abandoned(&folder, &prefix);
        let named = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(SUFFIX)
            .tempfile_in(folder);
        let file = named.map_err(|error| FileError::io(path, error))?;
        // Where files cannot be locked, nothing is removed that was abandoned.
        let _locked = file.as_file().try_lock();
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let added = self.file.write_all(bytes);
        added.map_err(|error| FileError::io(&self.path, error))
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn finish(self) -> Result<WholeDraft, FileError> {
        let Self { path, file } = self;
        let synced = file.as_file().sync_all();
        synced.map_err(|error| FileError::io(&path, error))?;
        let file = file.into_temp_path();
        Ok(WholeDraft { path, file })
    }
}

impl WholeDraft {
    /// Puts it in its place.
    ///
    /// # Errors
    /// [`FileError`]; then what was at the path is still there.
    pub fn keep(self, may_replace: bool) -> Result<(), FileError> {
        let Self { path, file } = self;
        let kept = if may_replace {
            file.persist(&path)
        } else {
            file.persist_noclobber(&path)
        };
        kept.map_err(|error| {
            if error.error.kind() == io::ErrorKind::AlreadyExists {
                FileError::Exists(path.clone())
            } else {
                FileError::io(&path, error.error)
            }
        })?;
        sync_folder(&folder_of(&path)).map_err(|error| FileError::io(&path, error))
    }
}

/// What the name of a draft for this place begins with.
fn prefix_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let begin = name.floor_char_boundary(NAME_BYTES);
    let (begin, _) = name.split_at(begin);
    format!(".{begin}.")
}

/// Removes what killed programs left. Who still writes one has it locked.
fn remove_abandoned(folder: &Path, prefix: &str) {
    let Ok(there) = fs::read_dir(folder) else {
        return;
    };
    for entry in there.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_draft = name.starts_with(prefix) && name.ends_with(SUFFIX);
        if is_draft && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // If it stays, it is in nobody's way.
            let _gone = fs::remove_file(entry.path());
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// The name itself is durable once the folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems do not sync folders.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn existing_files_stay_unless_they_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write_whole(&path, b"one", false).unwrap();
        let again = write_whole(&path, b"two", false);
        assert!(matches!(again, Err(FileError::Exists(_))));
        assert!(refuse_existing(&path, false).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        refuse_existing(&path, true).unwrap();
        write_whole(&path, b"two", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.csv"]);
    }

    #[test]
    fn folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/a.csv");
        let Err(FileError::Io { path: named, error }) = write_whole(&path, b"x", false) else {
            panic!("there is no such folder");
        };
        assert_eq!((named, error.kind()), (path, io::ErrorKind::NotFound));
    }

    #[test]
    fn what_a_killed_program_left_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("week.banyan");
        let abandoned = folder.path().join(".week.banyan.abc123.partial");
        let of_another = folder.path().join(".month.banyan.abc123.partial");
        fs::write(&abandoned, b"half").unwrap();
        fs::write(&of_another, b"half").unwrap();
        let mut first = Draft::beside(&path).unwrap();
        let mut second = Draft::beside(&path).unwrap();
        first.add(b"first").unwrap();
        second.add(b"second").unwrap();
        assert!(!abandoned.exists() && of_another.exists());
        first.finish().unwrap().keep(false).unwrap();
        drop(second);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(
            names(folder.path()),
            [".month.banyan.abc123.partial", "week.banyan"]
        );
    }

    #[test]
    fn name_of_any_length_and_script_has_a_draft() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{}.banyan", "榕".repeat(80)));
        write_whole(&path, b"x", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }
}
