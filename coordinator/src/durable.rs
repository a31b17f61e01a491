//! Files that are whole or not there, as a person is told of them.

use std::path::Path;

use sync_node::draft::{self, FileError};

use crate::exit::Exit;
use crate::failure::Failure;

/// Refuses a path at which there is something already, unless it may be replaced.
pub(crate) fn refuse_existing(path: &Path, may_replace: bool) -> Result<(), Failure> {
    Ok(draft::refuse_existing(path, may_replace)?)
}

/// Writes a file; whoever looks sees the old file, none, or the new one whole.
pub(crate) fn write(path: &Path, bytes: &[u8], may_replace: bool) -> Result<(), Failure> {
    Ok(draft::write_whole(path, bytes, may_replace)?)
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Exists(path) => {
                Self::new(Exit::Usage, "err.file.exists").with("path", path.display())
            }
            FileError::Io { path, error } => Self::io(&path, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_file_and_missing_folder_have_exit_codes_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write(&path, b"one", false).unwrap();
        assert_eq!(write(&path, b"two", false).unwrap_err().exit(), Exit::Usage);
        assert!(refuse_existing(&path, false).is_err());
        let nowhere = folder.path().join("none/a.csv");
        let missing = write(&nowhere, b"x", false).unwrap_err();
        assert_eq!(missing.exit(), Exit::BadFile);
    }
}
