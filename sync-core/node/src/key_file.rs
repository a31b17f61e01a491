//! The key file: two secrets, readable by their owner alone, and by them with a passphrase if they like.

mod lock;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use rand::Rng;
use sync_core::id::DeviceId;
use sync_core::keys::{self, DeviceKeys, SealError, SealingKey, Secret, Signature, Signer, domain};
use thiserror::Error;
use zeroize::Zeroizing;

pub(crate) use self::lock::Lock;
use self::lock::{Cost, NONCE_LEN, SALT_LEN, SECRETS_LEN};
pub use self::lock::{PASSPHRASE_CHARS_MIN, Passphrase};

const OPEN_HEADER: &str = "banyan-device-key-1";
const LOCKED_HEADER: &str = "banyan-device-key-2";
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// Why a key file gives no keys.
#[derive(Debug, Error)]
pub(crate) enum KeyFileError {
    #[error("the bytes are not what was written")]
    Damaged,
    #[error("a passphrase is needed")]
    Locked,
    #[error("this is not the passphrase")]
    WrongPassphrase,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Keys in memory that came from a file, in which they can be destroyed.
#[derive(Debug)]
pub(crate) struct KeyFile {
    keys: Arc<DeviceKeys>,
    lock: Option<Lock>,
    path: PathBuf,
}

impl KeyFile {
    /// Makes a file with new keys; there is none yet.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        let file = Self {
            keys: Arc::new(DeviceKeys::generate(&mut rand::rng())),
            lock: None,
            path,
        };
        file.write()?;
        Ok(file)
    }

    /// Reads a file, with its passphrase if it has one.
    pub(crate) fn read(
        path: PathBuf,
        passphrase: Option<&Passphrase>,
    ) -> Result<Self, KeyFileError> {
        let (keys, lock) = match Stored::read(&path)?.ok_or(KeyFileError::Damaged)? {
            Stored::Open(keys) => (*keys, None),
            Stored::Locked(locked) => {
                let (keys, lock) = locked.open(passphrase.ok_or(KeyFileError::Locked)?)?;
                // Left behind where a passphrase was being taken away: the keys may lie open in it.
                remove_draft(&path)?;
                (keys, Some(lock))
            }
        };
        Ok(Self {
            keys: Arc::new(keys),
            lock,
            path,
        })
    }

    /// Whether a file asks for a passphrase.
    pub(crate) fn is_locked(path: &Path) -> io::Result<bool> {
        Ok(matches!(Stored::read(path)?, Some(Stored::Locked(_))))
    }

    pub(crate) fn keys(&self) -> &Arc<DeviceKeys> {
        &self.keys
    }

    /// Puts the file under another lock, or none.
    pub(crate) fn change_lock(&mut self, lock: Option<Lock>) -> io::Result<()> {
        self.lock = lock;
        self.replace()
    }

    /// The file with another sealing key in place of the one that opens what was sealed to us.
    fn replace_sealing_key(&self) -> io::Result<()> {
        let (signing, _) = self.keys.to_secrets();
        let sealing = Secret::generate(&mut rand::rng());
        let changed = Self {
            keys: Arc::new(DeviceKeys::from_secrets(&signing, sealing)),
            lock: self.lock.clone(),
            path: self.path.clone(),
        };
        changed.replace()
    }

    /// Writes the file anew and wipes what the old one held.
    fn replace(&self) -> io::Result<()> {
        let mut old = OpenOptions::new().write(true).open(&self.path)?;
        self.write()?;
        // The name has moved on to the new file; what the old one holds goes too.
        let len = usize::try_from(old.metadata()?.len()).unwrap_or_default();
        old.write_all(&vec![0; len])?;
        old.sync_all()
    }

    fn write(&self) -> io::Result<()> {
        let text = match &self.lock {
            None => open_text(&self.keys),
            Some(lock) => locked_text(&self.keys, lock),
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        // Whole or not at all: a half-written key file would look damaged for ever.
        remove_draft(&self.path)?;
        let draft = draft_of(&self.path);
        let mut file = options.open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        self.path
            .parent()
            .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    }
}

impl Signer for KeyFile {
    fn device(&self) -> DeviceId {
        self.keys.device()
    }

    fn sealing_key(&self) -> SealingKey {
        self.keys.sealing_key()
    }

    fn sign(&self, bytes: &[u8]) -> Result<Signature, SealError> {
        self.keys.sign(bytes)
    }

    fn open(&self, info: &[u8], sealed: &[u8]) -> Result<Secret, SealError> {
        self.keys.open(info, sealed)
    }

    fn destroy_sealing_key(&self) -> Result<(), SealError> {
        self.replace_sealing_key().map_err(|error| {
            tracing::warn!(%error, "the sealing key could not be destroyed");
            SealError::KeyStore
        })
    }
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn remove_draft(path: &Path) -> io::Result<()> {
    match fs::remove_file(draft_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// `header \n signing \n sealing \n checksum \n`, each secret in base32.
fn open_text(keys: &DeviceKeys) -> Zeroizing<String> {
    let (signing, sealing) = keys.to_secrets();
    let secrets = [signing.expose(), sealing.expose()].map(|secret| secret.as_slice());
    Zeroizing::new(format!(
        "{OPEN_HEADER}\n{}\n{}\n{}\n",
        BASE32_NOPAD.encode(signing.expose()),
        BASE32_NOPAD.encode(sealing.expose()),
        BASE32_NOPAD.encode(&checksum(&secrets)),
    ))
}

/// `header \n cost \n salt \n nonce \n sealed \n checksum \n`: the two secrets, one after the other, under
/// ChaCha20-Poly1305 with a key by Argon2id; header, cost and salt are the associated data.
fn locked_text(keys: &DeviceKeys, lock: &Lock) -> Zeroizing<String> {
    let (signing, sealing) = keys.to_secrets();
    let mut secrets = Zeroizing::new([0; SECRETS_LEN]);
    let both = signing.expose().iter().chain(sealing.expose());
    secrets
        .iter_mut()
        .zip(both)
        .for_each(|(to, from)| *to = *from);
    // The key stays the same as long as the passphrase does.
    let mut nonce = [0; NONCE_LEN];
    rand::rng().fill_bytes(&mut nonce);
    let about = about(lock.cost, &lock.salt);
    let sealed = lock.seal(&secrets, about.as_bytes(), &nonce);
    let sum = checksum(&[about.as_bytes(), &nonce, &sealed]);
    Zeroizing::new(format!(
        "{about}{}\n{}\n{}\n",
        BASE32_NOPAD.encode(&nonce),
        BASE32_NOPAD.encode(&sealed),
        BASE32_NOPAD.encode(&sum),
    ))
}

fn about(cost: Cost, salt: &[u8; SALT_LEN]) -> String {
    let salt = BASE32_NOPAD.encode(salt);
    format!("{LOCKED_HEADER}\n{}\n{salt}\n", cost.written())
}

/// What a whole key file holds.
enum Stored {
    Open(Box<DeviceKeys>),
    Locked(Locked),
}

/// Secrets behind a passphrase.
struct Locked {
    cost: Cost,
    salt: [u8; SALT_LEN],
    nonce: [u8; NONCE_LEN],
    sealed: Vec<u8>,
}

impl Stored {
    /// None if the bytes are not what was written.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut text = Zeroizing::new(String::new());
        let mut file = File::open(path)?.take(KEY_FILE_BYTES_MAX);
        match file.read_to_string(&mut text) {
            Ok(_) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (header, rest) = text.split_once('\n')?;
        let mut lines = rest.lines();
        match header {
            OPEN_HEADER => parse_open(&mut lines).map(|keys| Self::Open(Box::new(keys))),
            LOCKED_HEADER => parse_locked(&mut lines).map(Self::Locked),
            _ => None,
        }
    }
}

fn parse_open<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Option<DeviceKeys> {
    let mut secret = || Some(Secret::new(bytes(lines.next()?)?));
    let (signing, sealing) = (secret()?, secret()?);
    let sum = checksum(&[signing.expose(), sealing.expose()]);
    (bytes(lines.next()?) == Some(sum)).then(|| DeviceKeys::from_secrets(&signing, sealing))
}

fn parse_locked<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Option<Locked> {
    let locked = Locked {
        cost: Cost::read(lines.next()?)?,
        salt: bytes(lines.next()?)?,
        nonce: bytes(lines.next()?)?,
        sealed: BASE32_NOPAD.decode(lines.next()?.as_bytes()).ok()?,
    };
    let about = about(locked.cost, &locked.salt);
    let sum = checksum(&[about.as_bytes(), &locked.nonce, &locked.sealed]);
    (bytes(lines.next()?) == Some(sum)).then_some(locked)
}

impl Locked {
    fn open(&self, passphrase: &Passphrase) -> Result<(DeviceKeys, Lock), KeyFileError> {
        let no_room = || io::Error::from(io::ErrorKind::OutOfMemory);
        let lock = Lock::again(self.cost, self.salt, passphrase).ok_or_else(no_room)?;
        let about = about(self.cost, &self.salt);
        // That the bytes are whole is proved: only the passphrase can be another one.
        let secrets = lock
            .open(&self.sealed, about.as_bytes(), &self.nonce)
            .ok_or(KeyFileError::WrongPassphrase)?;
        let (signing, sealing) = secrets.split_at(SECRETS_LEN / 2);
        let secret = |half: &[u8]| half.try_into().map(Secret::new);
        match (secret(signing), secret(sealing)) {
            (Ok(signing), Ok(sealing)) => Ok((DeviceKeys::from_secrets(&signing, sealing), lock)),
            (Err(_), _) | (_, Err(_)) => Err(KeyFileError::Damaged),
        }
    }
}

fn bytes<const N: usize>(line: &str) -> Option<[u8; N]> {
    let bytes = BASE32_NOPAD.decode(line.as_bytes()).ok()?;
    bytes.try_into().ok()
}

/// Tells a file that was damaged from one that was not; it is no proof against anybody.
fn checksum(parts: &[&[u8]]) -> [u8; 5] {
    let hash = keys::derive(domain::CHECKSUM, parts);
    let mut sum = [0; 5];
    sum.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    sum
}

#[cfg(test)]
mod tests;
