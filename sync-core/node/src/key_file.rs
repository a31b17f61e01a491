//! The key file: two secrets, readable by their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use sync_core::id::DeviceId;
use sync_core::keys::{self, DeviceKeys, SealError, SealingKey, Secret, Signature, Signer, domain};

const KEY_HEADER: &str = "banyan-device-key-1";
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// Keys in memory that came from a file, in which they can be destroyed.
#[derive(Debug)]
pub(crate) struct KeyFile {
    keys: Arc<DeviceKeys>,
    path: PathBuf,
}

impl KeyFile {
    pub(crate) fn new(keys: Arc<DeviceKeys>, path: PathBuf) -> Self {
        Self { keys, path }
    }

    /// The file with another sealing key in place of the one that opens what was sealed to us.
    fn replace_sealing_key(&self) -> io::Result<()> {
        let mut old = OpenOptions::new().write(true).open(&self.path)?;
        let (signing, _) = self.keys.to_secrets();
        let sealing = Secret::generate(&mut rand::rng());
        write_keys(&self.path, &DeviceKeys::from_secrets(&signing, sealing))?;
        // The name has moved on to the new file; what the old one holds goes too.
        let len = usize::try_from(old.metadata()?.len()).unwrap_or_default();
        old.write_all(&vec![0; len])?;
        old.sync_all()
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

/// `header \n signing \n sealing \n checksum \n`, each secret in base32.
pub(crate) fn write_keys(path: &Path, keys: &DeviceKeys) -> io::Result<()> {
    let (signing, sealing) = keys.to_secrets();
    let text = format!(
        "{KEY_HEADER}\n{}\n{}\n{}\n",
        BASE32_NOPAD.encode(signing.expose()),
        BASE32_NOPAD.encode(sealing.expose()),
        BASE32_NOPAD.encode(&checksum(&signing, &sealing)),
    );
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    // Whole or not at all: a half-written key file would look damaged for ever.
    let draft = path.with_extension("new");
    let _leftover = fs::remove_file(&draft);
    let mut file = options.open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// The keys in a file; none if its bytes are not what was written.
pub(crate) fn read_keys(path: &Path) -> io::Result<Option<DeviceKeys>> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(KEY_FILE_BYTES_MAX);
    match file.read_to_string(&mut text) {
        Ok(_) => Ok(parse_keys(&text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse_keys(text: &str) -> Option<DeviceKeys> {
    let mut lines = text.lines();
    if lines.next()? != KEY_HEADER {
        return None;
    }
    let mut secret = || {
        let bytes = BASE32_NOPAD.decode(lines.next()?.as_bytes()).ok()?;
        Some(Secret::new(bytes.try_into().ok()?))
    };
    let (signing, sealing) = (secret()?, secret()?);
    let sum = BASE32_NOPAD.decode(lines.next()?.as_bytes()).ok()?;
    (sum == checksum(&signing, &sealing)).then(|| DeviceKeys::from_secrets(&signing, sealing))
}

fn checksum(signing: &Secret, sealing: &Secret) -> [u8; 5] {
    let hash = keys::derive(domain::CHECKSUM, &[signing.expose(), sealing.expose()]);
    let mut sum = [0; 5];
    sum.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    sum
}
