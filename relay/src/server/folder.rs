//! The relay's folder: its key, its log, and the lock that keeps a second relay out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use sync_core::keys::{self, DeviceKeys, Secret, domain};
use sync_core::store::StoreError;

use crate::log::sqlite::SqliteLog;
use crate::server::RelayError;

/// First bytes of the key file.
const MAGIC: [u8; 8] = *b"BANYANK1";
/// The smallest page of a database.
const LOG_BYTES_MIN: u64 = 512;
/// Bytes of its checksum.
const CHECKSUM_LEN: usize = 8;
/// `magic 8 | signing 32 | sealing 32 | checksum 8`
const KEY_LEN: usize = 8 + 32 + 32 + CHECKSUM_LEN;

/// The folder, locked while this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, RelayError> {
        let failed = |reason| RelayError::Folder {
            path: path.to_owned(),
            reason,
        };
        fs::create_dir_all(path).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let lock = options.open(path.join("relay.lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(RelayError::FolderInUse(path.to_owned())),
            Err(TryLockError::Error(reason)) => Err(failed(reason)),
        }
    }

    /// The log, made if there is none.
    ///
    /// A new one is made beside its place and moved there whole. So a file without content is never
    /// what a first start left that was killed: it has lost its content, and would pass for a new one.
    pub(super) fn log(&self) -> Result<SqliteLog, RelayError> {
        let path = Self::log_path(&self.path);
        let folder = |reason| RelayError::Folder {
            path: self.path.clone(),
            reason,
        };
        let log = |reason| RelayError::Log {
            path: path.clone(),
            reason,
        };
        match fs::metadata(&path) {
            Ok(file) if file.len() < LOG_BYTES_MIN => {
                let place = format!("its end: the file has {} bytes", file.len());
                let what = "the log";
                return Err(log(StoreError::Corrupt { what, place }));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let beside = self.path.join("relay.db.new");
                remove_database(&beside).map_err(folder)?;
                drop(SqliteLog::open(&beside).map_err(log)?);
                fs::rename(&beside, &path).map_err(folder)?;
                File::open(&self.path)
                    .and_then(|dir| dir.sync_all())
                    .map_err(folder)?;
            }
            Err(error) => return Err(folder(error)),
        }
        SqliteLog::open(&path).map_err(log)
    }

    /// Whether a relay serves from a folder.
    ///
    /// # Errors
    /// As the system refuses the folder's lock.
    pub(super) fn is_in_use(path: &Path) -> io::Result<bool> {
        let lock = match File::open(path.join("relay.lock")) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The log of the relay in a folder.
    pub(super) fn log_path(folder: &Path) -> PathBuf {
        folder.join("relay.db")
    }

    /// The relay's keys; made once, and never replaced.
    pub(super) fn keys(&self, rng: &mut dyn CryptoRng) -> Result<DeviceKeys, RelayError> {
        let path = self.path.join("relay.key");
        match fs::read(&path) {
            Ok(bytes) => parse(&bytes).ok_or(RelayError::KeyDamaged(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if Self::log_path(&self.path).exists() {
                    // Phones know this relay by its key: a log without one is no new relay.
                    return Err(RelayError::KeyDamaged(path));
                }
                let keys = DeviceKeys::generate(rng);
                self.write(&path, &keys)
                    .map_err(|reason| RelayError::Folder {
                        path: self.path.clone(),
                        reason,
                    })?;
                Ok(keys)
            }
            Err(reason) => Err(RelayError::Folder {
                path: self.path.clone(),
                reason,
            }),
        }
    }

    /// Whole or not at all: written beside its place, then renamed.
    fn write(&self, path: &Path, keys: &DeviceKeys) -> io::Result<()> {
        let beside = self.path.join("relay.key.new");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&bytes_of(keys))?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(&self.path)?.sync_all()
    }
}

/// What a first start left that was killed.
fn remove_database(path: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn checksum(bytes: &[u8]) -> Vec<u8> {
    keys::derive(domain::CHECKSUM, &[bytes])
        .as_bytes()
        .iter()
        .take(CHECKSUM_LEN)
        .copied()
        .collect()
}

fn bytes_of(keys: &DeviceKeys) -> Vec<u8> {
    let (signing, sealing) = keys.to_secrets();
    let mut bytes = [MAGIC.as_slice(), signing.expose(), sealing.expose()].concat();
    bytes.extend(checksum(&bytes));
    bytes
}

fn parse(bytes: &[u8]) -> Option<DeviceKeys> {
    let (content, sum) = bytes.split_at_checked(KEY_LEN - CHECKSUM_LEN)?;
    let secrets = content.strip_prefix(&MAGIC)?;
    if sum != checksum(content) {
        return None;
    }
    let (signing, sealing) = secrets.split_first_chunk::<32>()?;
    let sealing: [u8; 32] = sealing.try_into().ok()?;
    Some(DeviceKeys::from_secrets(
        &Secret::new(*signing),
        Secret::new(sealing),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;
    use sync_core::keys::Signer as _;

    #[test]
    fn key_is_made_once() {
        let parent = tempfile::tempdir().unwrap();
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let folder = Folder::open(parent.path()).unwrap();
        let first = folder.keys(rng).unwrap().device();
        assert_eq!(folder.keys(rng).unwrap().device(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(parent.path().join("relay.key"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn key_with_any_changed_byte_is_an_error_and_stays() {
        let parent = tempfile::tempdir().unwrap();
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let folder = Folder::open(parent.path()).unwrap();
        folder.keys(rng).unwrap();
        let path = parent.path().join("relay.key");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(
                matches!(folder.keys(rng), Err(RelayError::KeyDamaged(_))),
                "byte {at}"
            );
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        fs::write(&path, &whole[..40]).unwrap();
        assert!(matches!(folder.keys(rng), Err(RelayError::KeyDamaged(_))));
    }

    #[test]
    fn first_start_that_was_killed_is_begun_again_and_a_log_cut_to_nothing_is_damage() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        for end in ["", "-wal", "-shm"] {
            fs::write(parent.path().join(format!("relay.db.new{end}")), b"half").unwrap();
        }
        drop(folder.log().unwrap());
        assert!(!parent.path().join("relay.db.new").exists());
        drop(folder.log().unwrap());
        fs::write(Folder::log_path(&folder.path), b"").unwrap();
        assert!(matches!(folder.log(), Err(RelayError::Log { .. })));
        assert_eq!(fs::read(Folder::log_path(&folder.path)).unwrap(), b"");
    }

    #[test]
    fn second_relay_is_kept_out() {
        let parent = tempfile::tempdir().unwrap();
        let first = Folder::open(parent.path()).unwrap();
        let second = Folder::open(parent.path());
        assert!(matches!(second, Err(RelayError::FolderInUse(_))));
        drop(first);
        Folder::open(parent.path()).unwrap();
    }
}
