//! The lock of a key file: its secrets sealed under a key that a passphrase gives.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use rand::CryptoRng;
use sync_core::keys::Secret;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Fewest characters of a new passphrase.
pub const PASSPHRASE_CHARS_MIN: usize = 8;

/// Both secrets of a device, one after the other.
pub(super) const SECRETS_LEN: usize = 64;
pub(super) const SALT_LEN: usize = 16;
pub(super) const NONCE_LEN: usize = 12;

/// What opens a protected key file: wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Passphrase(String);

impl Passphrase {
    /// Wraps what somebody typed.
    #[must_use]
    pub const fn new(typed: String) -> Self {
        Self(typed)
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it may become a new one.
    pub(crate) fn is_long_enough(&self) -> bool {
        self.0.chars().count() >= PASSPHRASE_CHARS_MIN
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Passphrase {}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// What one guess costs; stored with the salt, so that later versions can ask for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// RFC 9106's choice for little memory, on one lane: about a fifth of a second on an office computer.
    const NEW: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// A file must not make the program take endless memory or time.
    const MOST: Self = Self {
        memory_kib: 256 * 1024,
        passes: 16,
        lanes: 4,
    };

    /// `argon2id m=65536 t=3 p=1`
    pub(super) fn written(self) -> String {
        let Self {
            memory_kib,
            passes,
            lanes,
        } = self;
        format!("argon2id m={memory_kib} t={passes} p={lanes}")
    }

    /// Reads the same; none beyond the bounds or in any other form.
    pub(super) fn read(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("argon2id ")?.split(' ');
        let mut number = |name: &str| words.next()?.strip_prefix(name)?.parse().ok();
        let cost = Self {
            memory_kib: number("m=")?,
            passes: number("t=")?,
            lanes: number("p=")?,
        };
        let is_bounded = cost.memory_kib <= Self::MOST.memory_kib
            && cost.passes <= Self::MOST.passes
            && cost.lanes <= Self::MOST.lanes;
        (is_bounded && cost.params().is_some() && cost.written() == line).then_some(cost)
    }

    fn params(self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()
    }
}

/// The key that a passphrase gives, with what it takes to get it again.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    pub(super) cost: Cost,
    pub(super) salt: [u8; SALT_LEN],
    key: Secret,
}

impl Lock {
    /// A lock that nothing has been closed with; `None` if this computer has no room for one guess.
    pub(crate) fn new(passphrase: &Passphrase, rng: &mut impl CryptoRng) -> Option<Self> {
        let mut salt = [0; SALT_LEN];
        rng.fill_bytes(&mut salt);
        Self::again(Cost::NEW, salt, passphrase)
    }

    /// The lock of a file.
    pub(super) fn again(cost: Cost, salt: [u8; SALT_LEN], passphrase: &Passphrase) -> Option<Self> {
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
        let mut key = Zeroizing::new([0; 32]);
        argon
            .hash_password_into(passphrase.0.as_bytes(), &salt, key.as_mut())
            .ok()?;
        Some(Self {
            cost,
            salt,
            key: Secret::new(*key),
        })
    }

    /// Closes secrets in; `about` is what else the file says.
    pub(super) fn seal(
        &self,
        secrets: &[u8; SECRETS_LEN],
        about: &[u8],
        nonce: &[u8; NONCE_LEN],
    ) -> Vec<u8> {
        let payload = Payload {
            msg: secrets,
            aad: about,
        };
        self.cipher()
            .encrypt(&(*nonce).into(), payload)
            .expect("64 bytes are not too long to seal")
    }

    /// The secrets; `None` with the key of another passphrase.
    pub(super) fn open(
        &self,
        sealed: &[u8],
        about: &[u8],
        nonce: &[u8; NONCE_LEN],
    ) -> Option<Zeroizing<[u8; SECRETS_LEN]>> {
        let payload = Payload {
            msg: sealed,
            aad: about,
        };
        let opened = self.cipher().decrypt(&(*nonce).into(), payload).ok()?;
        let opened = Zeroizing::new(opened);
        opened.as_slice().try_into().ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(self.key.expose().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_read_as_it_is_written_and_never_beyond_its_bounds() {
        assert_eq!(Cost::read(&Cost::NEW.written()), Some(Cost::NEW));
        assert_eq!(Cost::read(&Cost::MOST.written()), Some(Cost::MOST));
        for line in [
            "argon2id m=262145 t=3 p=1",
            "argon2id m=4294967295 t=3 p=1",
            "argon2id m=65536 t=17 p=1",
            "argon2id m=65536 t=3 p=5",
            "argon2id m=65536 t=0 p=1",
            "argon2id m=7 t=3 p=1",
            "argon2id m=065536 t=3 p=1",
            "argon2id m=65536 t=3 p=1 x=1",
            "argon2id m=65536 t=3",
            "argon2i m=65536 t=3 p=1",
            "argon2id",
            "",
        ] {
            assert_eq!(Cost::read(line), None, "{line}");
        }
    }

    #[test]
    fn passphrase_is_never_printed() {
        let said = format!("{:?}", Passphrase::new("correct horse".to_owned()));
        assert!(!said.contains("horse"), "{said}");
    }
}
