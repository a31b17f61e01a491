//! Epochs: the reading keys of a space, and the ring of those that this device holds.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use rand_core::CryptoRng;

use crate::id::EpochId;
use crate::keys::{self, Secret, domain};

/// Length of an older key wrapped under a newer one: ciphertext 32, tag 16.
pub const WRAPPED_KEY_LEN: usize = 48;

/// A 32-byte reading key; its id is a hash of it, so nobody can plant another key under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochKey {
    id: EpochId,
    secret: Secret,
}

impl EpochKey {
    /// Makes a new random key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_secret(Secret::generate(rng))
    }

    /// The key with its id.
    #[must_use]
    pub fn from_secret(secret: Secret) -> Self {
        let id = EpochId::from_hash(&keys::derive(domain::EPOCH_ID, &[secret.expose()]));
        Self { id, secret }
    }

    /// A random key that claims to be another one, as a member with bad intent would use it.
    #[cfg(test)]
    pub(crate) fn claiming(id: EpochId, rng: &mut dyn CryptoRng) -> Self {
        let secret = Secret::generate(rng);
        Self { id, secret }
    }

    /// Hash of the key.
    #[must_use]
    pub fn id(&self) -> EpochId {
        self.id
    }

    /// The key itself.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Wraps an older key, so that whoever may read now can read what came before.
    #[must_use]
    pub fn wrap(&self, older: &Self) -> Vec<u8> {
        self.wrap_cipher(&older.id)
            .encrypt(
                &[0; 12].into(),
                Payload {
                    msg: older.secret.expose(),
                    aad: older.id.as_bytes(),
                },
            )
            .expect("ChaCha20-Poly1305 takes any message under 256 GiB")
    }

    /// Unwraps an older key; `None` if the bytes are not that key.
    #[must_use]
    pub fn unwrap_older(&self, id: &EpochId, wrapped: &[u8]) -> Option<Self> {
        let plain = self
            .wrap_cipher(id)
            .decrypt(
                &[0; 12].into(),
                Payload {
                    msg: wrapped,
                    aad: id.as_bytes(),
                },
            )
            .ok()?;
        let key = Self::from_secret(Secret::new(plain.try_into().ok()?));
        (key.id == *id).then_some(key)
    }

    fn wrap_cipher(&self, older: &EpochId) -> ChaCha20Poly1305 {
        let key = keys::derive(domain::WRAP_KEY, &[self.secret.expose(), older.as_bytes()]);
        ChaCha20Poly1305::new(key.as_bytes().into())
    }
}

/// The epoch keys that this device holds.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: BTreeMap<EpochId, EpochKey>,
}

impl Keyring {
    /// Adds a key; says whether it is new.
    pub fn insert(&mut self, key: EpochKey) -> bool {
        self.keys.insert(key.id, key).is_none()
    }

    /// The key of an epoch.
    #[must_use]
    pub fn key(&self, id: &EpochId) -> Option<&EpochKey> {
        self.keys.get(id)
    }

    /// All keys, by id.
    pub fn iter(&self) -> impl Iterator<Item = &EpochKey> {
        self.keys.values()
    }
}
