//! Files that are whole or not there: written beside their place, synced, then renamed.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::Exit;
use crate::failure::Failure;

/// Refuses a path at which there is something already, unless it may be replaced.
pub(crate) fn refuse_existing(path: &Path, may_replace: bool) -> Result<(), Failure> {
    // A link that leads nowhere is something too.
    if may_replace || path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(already_there(path))
}

fn already_there(path: &Path) -> Failure {
    Failure::new(Exit::Usage, "err.file.exists").with("path", path.display())
}

/// Writes a file; whoever looks sees the old file, none, or the new one whole.
pub(crate) fn write(path: &Path, bytes: &[u8], may_replace: bool) -> Result<(), Failure> {
    let mut draft = Draft::beside(path)?;
    draft.add(bytes)?;
    draft.keep(may_replace)
}

/// A file that is written piece by piece; nobody sees it before it is kept.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    file: NamedTempFile,
}

impl Draft {
    /// Begins one that will be at a path.
    pub(crate) fn beside(path: &Path) -> Result<Self, Failure> {
        let file = NamedTempFile::new_in(folder_of(path));
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(|error| Failure::io(path, &error))?,
        })
    }

    /// Adds a piece.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let added = self.file.write_all(bytes);
        added.map_err(|error| Failure::io(&self.path, &error))
    }

    /// Puts it in its place.
    pub(crate) fn keep(self, may_replace: bool) -> Result<(), Failure> {
        let Self { path, file } = self;
        let io = |error: std::io::Error| Failure::io(&path, &error);
        file.as_file().sync_all().map_err(io)?;
        if may_replace {
            file.persist(&path).map_err(|error| io(error.error))?;
        } else {
            file.persist_noclobber(&path).map_err(|error| {
                if error.error.kind() == std::io::ErrorKind::AlreadyExists {
                    already_there(&path)
                } else {
                    io(error.error)
                }
            })?;
        }
        sync_folder(&folder_of(&path)).map_err(io)
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
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Other systems do not sync folders.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_files_stay_unless_they_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write(&path, b"one", false).unwrap();
        assert_eq!(write(&path, b"two", false).unwrap_err().exit(), Exit::Usage);
        assert!(refuse_existing(&path, false).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        refuse_existing(&path, true).unwrap();
        write(&path, b"two", true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folder_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/a.csv");
        assert_eq!(write(&path, b"x", false).unwrap_err().exit(), Exit::BadFile);
    }
}
