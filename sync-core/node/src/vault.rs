//! Keys that a platform keeps: a phone's key store in place of the key file.

use std::fmt;
use std::sync::Arc;

use sync_core::id::DeviceId;
use sync_core::keys::{DeviceKeys, SealError, SealingKey, Secret, Signature, Signer};
use zeroize::Zeroizing;

const SECRET_LEN: usize = 32;

/// What keeps the secrets of one device: 64 bytes that nobody else may read.
pub trait Vault: Send + Sync + fmt::Debug {
    /// The secrets; none if none were saved yet.
    ///
    /// # Errors
    /// [`SealError::KeyStore`] if the platform does not answer.
    fn load(&self) -> Result<Option<Zeroizing<Vec<u8>>>, SealError>;

    /// Keeps secrets in place of those that were there, which are gone for good once this returns.
    ///
    /// # Errors
    /// [`SealError::KeyStore`] if the platform does not answer.
    fn save(&self, secrets: &[u8]) -> Result<(), SealError>;
}

/// Keys in memory that came from a vault, in which they can be destroyed.
#[derive(Debug)]
pub(crate) struct VaultKeys {
    keys: Arc<DeviceKeys>,
    vault: Arc<dyn Vault>,
}

impl VaultKeys {
    /// The keys that are kept. [`SealError::BadKey`] if the bytes are none that were saved.
    pub(crate) fn load(vault: &Arc<dyn Vault>) -> Result<Option<Self>, SealError> {
        let Some(secrets) = vault.load()? else {
            return Ok(None);
        };
        let keys = parse(&secrets).ok_or(SealError::BadKey)?;
        Ok(Some(Self {
            keys: Arc::new(keys),
            vault: Arc::clone(vault),
        }))
    }

    /// Makes new keys and has them kept.
    pub(crate) fn create(vault: &Arc<dyn Vault>) -> Result<Self, SealError> {
        let keys = DeviceKeys::generate(&mut rand::rng());
        vault.save(&written(&keys))?;
        Ok(Self {
            keys: Arc::new(keys),
            vault: Arc::clone(vault),
        })
    }

    pub(crate) fn keys(&self) -> &Arc<DeviceKeys> {
        &self.keys
    }
}

fn parse(secrets: &[u8]) -> Option<DeviceKeys> {
    let (signing, sealing) = secrets.split_at_checked(SECRET_LEN)?;
    let secret = |half: &[u8]| half.try_into().ok().map(Secret::new);
    Some(DeviceKeys::from_secrets(
        &secret(signing)?,
        secret(sealing)?,
    ))
}

fn written(keys: &DeviceKeys) -> Zeroizing<Vec<u8>> {
    let (signing, sealing) = keys.to_secrets();
    let mut secrets = Zeroizing::new(Vec::with_capacity(2 * SECRET_LEN));
    secrets.extend_from_slice(signing.expose());
    secrets.extend_from_slice(sealing.expose());
    secrets
}

impl Signer for VaultKeys {
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
        let (signing, _) = self.keys.to_secrets();
        let sealing = Secret::generate(&mut rand::rng());
        self.vault
            .save(&written(&DeviceKeys::from_secrets(&signing, sealing)))
    }
}
