//! The data folder: one device's keys and one community's store.
//!
//! ```text
//! DIR/device.key          two secrets, readable by their owner alone, under a passphrase if they like
//! DIR/community.sqlite    the store
//! ```
//! Where a platform keeps the secrets, there is no key file.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sync_core::keys::{DeviceKeys, SealError, Signer};
use sync_core::peer::moment;
use sync_core::replica::{Founding, Replica, ReplicaError};
use sync_core::roster::pairing::{DeviceAnswer, DeviceInvitation};
use sync_core::roster::recovery::RecoverySheet;
use sync_core::roster::ticket::{RelayAddr, Ticket};
use sync_core::store::{SqliteStore, StoreError};
use thiserror::Error;

use crate::driver::now;
use crate::key_file::{KeyFile, KeyFileError, Lock, PASSPHRASE_CHARS_MIN, Passphrase};
use crate::vault::{Vault, VaultKeys};

const KEY_FILE: &str = "device.key";
const STORE_FILE: &str = "community.sqlite";
/// The smallest page of a database.
const STORE_BYTES_MIN: u64 = 512;

/// What is wrong with a data folder.
#[derive(Debug, Error)]
pub enum HomeError {
    /// There is no folder.
    #[error("there is no data folder {0}; found a community or join one to make it")]
    NoFolder(PathBuf),
    /// The key file's bytes are not what was written.
    #[error(
        "the key file {0} is damaged: copy it back from a backup; it is never replaced by itself"
    )]
    DamagedKey(PathBuf),
    /// The key file has a passphrase, and none was given.
    #[error("the keys in {0} are protected by a passphrase")]
    Locked(PathBuf),
    /// The passphrase is another one.
    #[error("this is not the passphrase of the keys in {0}")]
    WrongPassphrase(PathBuf),
    /// A new passphrase that is too easily guessed.
    #[error("a passphrase has at least {PASSPHRASE_CHARS_MIN} characters")]
    ShortPassphrase,
    /// The store is there and the key file is gone.
    #[error(
        "the key file {0} is missing, so this store cannot be used: copy it back from a backup"
    )]
    MissingKey(PathBuf),
    /// The system refused.
    #[error("{path}: {error}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The disk is full.
    #[error("the disk is full; make room, then try again")]
    Full,
    /// The replica in it.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl From<StoreError> for HomeError {
    fn from(error: StoreError) -> Self {
        Self::Replica(error.into())
    }
}

/// A data folder.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
    passphrase: Option<Arc<Passphrase>>,
    vault: Option<Arc<dyn Vault>>,
}

/// A device's keys, with who signs and opens for the replica.
struct Held {
    signer: Arc<dyn Signer>,
    keys: Arc<DeviceKeys>,
}

impl From<KeyFile> for Held {
    fn from(file: KeyFile) -> Self {
        let keys = Arc::clone(file.keys());
        Self {
            signer: Arc::new(file),
            keys,
        }
    }
}

impl From<VaultKeys> for Held {
    fn from(kept: VaultKeys) -> Self {
        let keys = Arc::clone(kept.keys());
        Self {
            signer: Arc::new(kept),
            keys,
        }
    }
}

impl Home {
    /// The folder at `dir`, which need not exist yet.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            passphrase: None,
            vault: None,
        }
    }

    /// The same folder, whose keys a platform keeps: no key file is read or written.
    #[must_use]
    pub fn kept_by(mut self, vault: Arc<dyn Vault>) -> Self {
        self.vault = Some(vault);
        self
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The same folder, with what opens its keys if they are protected.
    #[must_use]
    pub fn unlocked_by(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = Some(Arc::new(passphrase));
        self
    }

    /// Whether the keys in the folder are protected by a passphrase.
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn is_protected(&self) -> Result<bool, HomeError> {
        let path = self.dir.join(KEY_FILE);
        if !is_there(&path)? {
            return Ok(false);
        }
        KeyFile::is_locked(&path).map_err(|error| io_error(&path, error))
    }

    /// Protects the keys with a passphrase, in place of the one they have, if any.
    ///
    /// # Errors
    /// [`HomeError`]; the key file is not changed.
    pub fn set_passphrase(&self, new: &Passphrase) -> Result<(), HomeError> {
        if !new.is_long_enough() {
            return Err(HomeError::ShortPassphrase);
        }
        let mut file = self.key_file()?;
        let no_room = || io_error(&self.dir, io::ErrorKind::OutOfMemory.into());
        let lock = Lock::new(new, &mut rand::rng()).ok_or_else(no_room)?;
        file.change_lock(Some(lock))
            .map_err(|error| io_error(&self.dir, error))
    }

    /// Takes the passphrase away: the keys open without one.
    ///
    /// # Errors
    /// [`HomeError`]; the key file is not changed.
    pub fn remove_passphrase(&self) -> Result<(), HomeError> {
        let mut file = self.key_file()?;
        file.change_lock(None)
            .map_err(|error| io_error(&self.dir, error))
    }

    /// Where the store lies.
    #[must_use]
    pub fn store_path(&self) -> PathBuf {
        self.dir.join(STORE_FILE)
    }

    /// Opens the community in the folder.
    ///
    /// # Errors
    /// [`HomeError`]; the folder is not changed.
    pub fn open(&self) -> Result<(Replica, Arc<DeviceKeys>), HomeError> {
        let held = self.keys_there()?;
        self.refuse_cut_off_store()?;
        let store = self.open_store()?;
        let replica = Replica::open(Box::new(store), held.signer)?;
        Ok((replica, held.keys))
    }

    fn keys_there(&self) -> Result<Held, HomeError> {
        let Some(vault) = &self.vault else {
            return Ok(self.key_file()?.into());
        };
        self.require_community()?;
        let kept = VaultKeys::load(vault).map_err(|error| self.vault_error(error))?;
        let missing = || HomeError::MissingKey(self.dir.clone());
        Ok(kept.ok_or_else(missing)?.into())
    }

    fn vault_error(&self, error: SealError) -> HomeError {
        match error {
            SealError::BadKey => HomeError::DamagedKey(self.dir.clone()),
            SealError::DoesNotOpen | SealError::KeyStore => ReplicaError::from(error).into(),
        }
    }

    /// The keys of a folder in which there is a community.
    fn key_file(&self) -> Result<KeyFile, HomeError> {
        self.require_community()?;
        let path = self.dir.join(KEY_FILE);
        if !is_there(&path)? {
            return Err(HomeError::MissingKey(path));
        }
        self.read_key_file(path)
    }

    fn require_community(&self) -> Result<(), HomeError> {
        if !self.dir.is_dir() {
            return Err(HomeError::NoFolder(self.dir.clone()));
        }
        if !is_there(&self.store_path())? {
            return Err(ReplicaError::NoCommunity.into());
        }
        Ok(())
    }

    fn read_key_file(&self, path: PathBuf) -> Result<KeyFile, HomeError> {
        KeyFile::read(path.clone(), self.passphrase.as_deref()).map_err(|error| match error {
            KeyFileError::Damaged => HomeError::DamagedKey(path),
            KeyFileError::Locked => HomeError::Locked(path),
            KeyFileError::WrongPassphrase => HomeError::WrongPassphrase(path),
            KeyFileError::Io(error) => io_error(&path, error),
        })
    }

    /// Founds a community in the folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`HomeError`]; [`ReplicaError::NotEmpty`] if there is a community already.
    pub fn found(
        &self,
        title: &str,
        name: &str,
        relays: &[RelayAddr],
    ) -> Result<(Founding, Arc<DeviceKeys>), HomeError> {
        let (store, held) = self.prepare()?;
        let mut rng = rand::rng();
        let moment = &mut moment(now(), &mut rng);
        let founding = Replica::found(Box::new(store), held.signer, title, name, relays, moment)?;
        Ok((founding, held.keys))
    }

    /// Takes up an invitation in the folder, which is made if it is not there.
    ///
    /// An invitation that was taken up before and led nowhere, because the community never heard of this
    /// device, gives way to the new one.
    ///
    /// # Errors
    /// [`HomeError`]; [`ReplicaError::NotEmpty`] if there is a community already.
    pub fn join(
        &self,
        ticket: &Ticket,
        name: &str,
    ) -> Result<(Replica, Arc<DeviceKeys>), HomeError> {
        if self.has_only_a_ticket()? {
            self.remove_store()
                .map_err(|error| io_error(&self.dir, error))?;
        }
        let (store, held) = self.prepare()?;
        let mut rng = rand::rng();
        let moment = &mut moment(now(), &mut rng);
        let replica = Replica::join(Box::new(store), held.signer, ticket, name, moment)?;
        Ok((replica, held.keys))
    }

    /// Takes a community up again with its recovery sheet, in the folder, which is made if it is not
    /// there. One that was begun before and led nowhere gives way.
    ///
    /// # Errors
    /// [`HomeError`]; [`ReplicaError::NotEmpty`] if there is a community already.
    pub fn recover(
        &self,
        sheet: &RecoverySheet,
        name: &str,
    ) -> Result<(Replica, Arc<DeviceKeys>), HomeError> {
        if self.has_only_a_ticket()? {
            self.remove_store()
                .map_err(|error| io_error(&self.dir, error))?;
        }
        let (store, held) = self.prepare()?;
        let mut rng = rand::rng();
        let moment = &mut moment(now(), &mut rng);
        let replica = Replica::recover(Box::new(store), held.signer, sheet, name, moment)?;
        Ok((replica, held.keys))
    }

    /// Begins a further device of a member in the folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`HomeError`]; [`ReplicaError::NotEmpty`] if there is a community already.
    pub fn join_as_device(
        &self,
        invitation: &DeviceInvitation,
        label: &str,
    ) -> Result<DeviceAnswer, HomeError> {
        let (store, held) = self.prepare()?;
        let mut rng = rand::rng();
        let moment = &mut moment(now(), &mut rng);
        let (_, answer) =
            Replica::join_as_device(Box::new(store), held.signer, invitation, label, moment)?;
        Ok(answer)
    }

    /// Whether the store holds nothing but our own request to join: nothing would be lost with it.
    fn has_only_a_ticket(&self) -> Result<bool, HomeError> {
        if !has_bytes(&self.store_path())? {
            return Ok(false);
        }
        let replica = match self.open() {
            Ok((replica, _)) => replica,
            Err(HomeError::Replica(ReplicaError::NoCommunity)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let store = replica.store();
        let is_ours = store
            .logs()?
            .iter()
            .all(|log| log.device == replica.device());
        Ok(is_ours && replica.join_to_present().is_some() && store.pending()?.is_empty())
    }

    fn remove_store(&self) -> io::Result<()> {
        for name in [
            STORE_FILE.to_owned(),
            format!("{STORE_FILE}-wal"),
            format!("{STORE_FILE}-shm"),
        ] {
            match fs::remove_file(self.dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn prepare(&self) -> Result<(SqliteStore, Held), HomeError> {
        make_private_dir(&self.dir).map_err(|error| io_error(&self.dir, error))?;
        let held = self.keys_or_new()?;
        // An empty file is what is left of a founding or joining that was cut off.
        if has_bytes(&self.store_path())? {
            self.refuse_cut_off_store()?;
        }
        Ok((self.open_store()?, held))
    }

    /// The keys that are there; new ones, unless there is a store that needs others.
    fn keys_or_new(&self) -> Result<Held, HomeError> {
        let path = self.dir.join(KEY_FILE);
        let there = match &self.vault {
            Some(vault) => VaultKeys::load(vault)
                .map_err(|error| self.vault_error(error))?
                .map(Held::from),
            None if is_there(&path)? => Some(self.read_key_file(path.clone())?.into()),
            None => None,
        };
        if let Some(held) = there {
            return Ok(held);
        }
        if has_bytes(&self.store_path())? {
            return Err(HomeError::MissingKey(path));
        }
        match &self.vault {
            Some(vault) => {
                let kept = VaultKeys::create(vault).map_err(|error| self.vault_error(error))?;
                Ok(kept.into())
            }
            None => {
                let file = KeyFile::create(path.clone());
                Ok(file.map_err(|error| io_error(&path, error))?.into())
            }
        }
    }

    /// A file that was cut off this short would pass for a new store, and be made one.
    fn refuse_cut_off_store(&self) -> Result<(), HomeError> {
        let path = self.store_path();
        let len = fs::metadata(&path)
            .map_err(|error| io_error(&path, error))?
            .len();
        if len >= STORE_BYTES_MIN {
            return Ok(());
        }
        let place = format!("its end: the file has {len} bytes");
        let what = "the database";
        Err(StoreError::Corrupt { what, place }.into())
    }

    /// Opens or makes the store. SQLite does not tell a missing permission from other troubles; the
    /// system does.
    fn open_store(&self) -> Result<SqliteStore, HomeError> {
        let path = self.store_path();
        make_private_file(&path).map_err(|error| io_error(&path, error))?;
        let error = match SqliteStore::open(&path) {
            Ok(store) => return Ok(store),
            Err(error @ StoreError::Io(_)) => error,
            Err(error) => return Err(error.into()),
        };
        match OpenOptions::new().read(true).write(true).open(&path) {
            Err(denied) if denied.kind() == io::ErrorKind::PermissionDenied => {
                Err(io_error(&path, denied))
            }
            Ok(_) | Err(_) => Err(error.into()),
        }
    }
}

fn has_bytes(path: &Path) -> Result<bool, HomeError> {
    match fs::metadata(path) {
        Ok(file) => Ok(file.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error(path, error)),
    }
}

/// Whether there is such a file; that it may not be looked at is no sign that it is not there.
fn is_there(path: &Path) -> Result<bool, HomeError> {
    path.try_exists().map_err(|error| io_error(path, error))
}

fn io_error(path: &Path, error: io::Error) -> HomeError {
    if error.kind() == io::ErrorKind::StorageFull {
        return HomeError::Full;
    }
    HomeError::Io {
        path: path.to_owned(),
        error,
    }
}

fn make_private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Makes an empty file that nobody else may read, unless there is one. SQLite makes its others as
/// it finds this one.
fn make_private_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
