//! What a platform lends: a place for keys.

use std::fmt::Debug;
use std::sync::Arc;

use sync_core::keys::SealError;
use sync_node::{HomeError, Vault};
use thiserror::Error;
use uniffi::UnexpectedUniFFICallbackError;
use zeroize::Zeroizing;

use crate::fault::{Class, Fault};

/// Why something of the platform did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error, uniffi::Error)]
pub enum PlatformError {
    /// It cannot be used now: the phone is locked, or the person said no.
    #[error("{reason}")]
    Unavailable {
        /// For the log alone.
        reason: String,
    },
    /// It failed.
    #[error("{reason}")]
    Failed {
        /// For the log alone.
        reason: String,
    },
}

impl From<UnexpectedUniFFICallbackError> for PlatformError {
    fn from(error: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed {
            reason: error.reason,
        }
    }
}

/// Keeps the secret keys of this device for one data folder: on Android under a key of the Android
/// Keystore, on iOS in the Keychain, for this device only and never in a backup.
///
/// It is called while a community is founded, joined or opened, and when the device was removed from its
/// community. It must not call the community.
#[uniffi::export(foreign)]
pub trait KeyStore: Send + Sync + Debug {
    /// The bytes that were saved last; none if none were.
    ///
    /// # Errors
    /// Whatever is thrown is told as `Storage`.
    fn load(&self) -> Result<Option<Vec<u8>>, PlatformError>;

    /// Keeps bytes in place of those that were there, and returns once they are safe.
    ///
    /// # Errors
    /// As `load`.
    fn save(&self, secrets: Vec<u8>) -> Result<(), PlatformError>;
}

/// A key store of the platform, as the node asks it.
#[derive(Debug)]
pub(crate) struct Kept(pub(crate) Arc<dyn KeyStore>);

impl Vault for Kept {
    fn load(&self) -> Result<Option<Zeroizing<Vec<u8>>>, SealError> {
        let loaded = self.0.load().map_err(unanswered)?;
        Ok(loaded.map(Zeroizing::new))
    }

    fn save(&self, secrets: &[u8]) -> Result<(), SealError> {
        self.0.save(secrets.to_vec()).map_err(unanswered)
    }
}

/// What a platform throws has a stack trace in it, which is for those who look for faults.
fn unanswered(error: PlatformError) -> SealError {
    tracing::debug!(%error, "the key store did not answer");
    SealError::KeyStore
}

/// What is said of a key file does not help where there is none.
pub(crate) fn fault(error: HomeError, has_key_store: bool) -> Fault {
    let of_store = |key: &str| Fault::new(Class::Storage, key);
    if has_key_store && matches!(error, HomeError::DamagedKey(_)) {
        of_store("err.key_store.damaged")
    } else if has_key_store && matches!(error, HomeError::MissingKey(_)) {
        of_store("err.key_store.missing")
    } else {
        error.into()
    }
}
