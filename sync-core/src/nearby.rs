//! Devices of one community that meet without a relay: how they recognise each other on a network, and what
//! people compare and scan.
//!
//! ```text
//! Instance   a random name, new at every start; under it a device is announced
//! Tag        says to members, and to nobody else, which community a device belongs to
//! PeerCode   addresses and key of one device as a QR code
//! phrase     eight digits that two people compare when their devices meet for the first time
//! ```
//! None of it proves anything: who somebody is, is proved by the link's key and the roster
//! (docs/protocol.md §20).

mod code;

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use rand_core::CryptoRng;
use thiserror::Error;

use crate::id::{CommunityId, DeviceId};
use crate::keys::{self, domain};

pub use self::code::{PeerAddr, PeerCode};

/// Under which a device is announced by multicast DNS.
pub const SERVICE: &str = "_banyan._udp.local.";
/// The only key of its TXT record that is read.
pub const TXT_KEY: &str = "t";
/// Most addresses in a code.
pub const CODE_ADDRS_MAX: usize = 4;
/// Most addresses of a found device that are tried.
pub const FOUND_ADDRS_MAX: usize = 8;
/// Most found devices that are kept; further ones are passed over until one is lost.
pub const FOUND_MAX: usize = 64;
/// After so many seconds a device announces itself with a new tag.
pub const TAG_SECONDS: u64 = 900;
/// Most connections that a listening device answers at once.
pub const GUESTS_MAX: usize = 32;
/// Most of them from one device; the oldest gives way.
pub const GUESTS_PER_KEY_MAX: usize = 2;
/// Most connections whose other end has not said hello yet.
pub const HANDSHAKES_MAX: usize = 16;
/// Most bytes of the first frame of somebody who may be a stranger.
pub const HELLO_BYTES_MAX: usize = 16384;
/// Within so many seconds the first frame must have come.
pub const HELLO_SECONDS_MAX: u64 = 10;
/// How many digits two people compare.
pub const PHRASE_DIGITS: usize = 8;

const HALF: usize = 8;

/// A text that is no name or tag as devices are announced with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not what a Banyan device announces")]
pub struct ParseAnnouncedError;

fn read<const N: usize>(text: &str) -> Result<[u8; N], ParseAnnouncedError> {
    // Longer ones are not looked at.
    if text.len() > N * 2 {
        return Err(ParseAnnouncedError);
    }
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes());
    let bytes = bytes.map_err(|_| ParseAnnouncedError)?;
    bytes.try_into().map_err(|_| ParseAnnouncedError)
}

fn written(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

/// The name under which a device is announced for as long as it listens: random, and of no other use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance([u8; HALF]);

impl Instance {
    /// A new one.
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; HALF];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Of the first label of a full name such as `abc._banyan._udp.local.`
    ///
    /// # Errors
    /// [`ParseAnnouncedError`].
    pub fn of_full_name(name: &str) -> Result<Self, ParseAnnouncedError> {
        let (label, _) = name.split_once('.').unwrap_or((name, ""));
        label.parse()
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(&self.0))
    }
}

impl FromStr for Instance {
    type Err = ParseAnnouncedError;

    fn from_str(text: &str) -> Result<Self, ParseAnnouncedError> {
        read(text).map(Self)
    }
}

/// Which community a device belongs to, for those who know the community.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag {
    salt: [u8; HALF],
    mark: [u8; HALF],
}

impl Tag {
    /// A new one: nobody who does not know the community can tell that two of them are of the same.
    pub fn random(community: &CommunityId, rng: &mut dyn CryptoRng) -> Self {
        let mut salt = [0; HALF];
        rng.fill_bytes(&mut salt);
        Self {
            salt,
            mark: mark(community, &salt),
        }
    }

    /// Whether it is one of this community.
    #[must_use]
    pub fn is_of(&self, community: &CommunityId) -> bool {
        mark(community, &self.salt) == self.mark
    }

    /// Salt and mark, one after the other.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 2 * HALF] {
        let mut bytes = [0; 2 * HALF];
        bytes
            .iter_mut()
            .zip(self.salt.iter().chain(&self.mark))
            .for_each(|(to, from)| *to = *from);
        bytes
    }

    /// The reverse of [`Tag::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 2 * HALF]) -> Self {
        let mut tag = Self {
            salt: [0; HALF],
            mark: [0; HALF],
        };
        let to = tag.salt.iter_mut().chain(&mut tag.mark);
        to.zip(bytes).for_each(|(to, from)| *to = *from);
        tag
    }
}

fn mark(community: &CommunityId, salt: &[u8; HALF]) -> [u8; HALF] {
    let hash = keys::derive(domain::NEARBY_TAG, &[community.as_bytes(), salt]);
    let mut mark = [0; HALF];
    mark.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    mark
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(&self.to_bytes()))
    }
}

impl FromStr for Tag {
    type Err = ParseAnnouncedError;

    fn from_str(text: &str) -> Result<Self, ParseAnnouncedError> {
        read(text).map(|bytes| Self::from_bytes(&bytes))
    }
}

/// What both screens show when two devices meet for the first time: the same eight digits on both, in two
/// groups of four, unless somebody stands between them.
#[must_use]
pub fn check_phrase(one: &DeviceId, other: &DeviceId) -> String {
    let (low, high) = (one.min(other), one.max(other));
    let hash = keys::derive(domain::CHECK_PHRASE, &[low.as_bytes(), high.as_bytes()]);
    let number = hash
        .as_bytes()
        .iter()
        .take(HALF)
        .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let number = number % 100_000_000;
    format!("{:04} {:04}", number / 10_000, number % 10_000)
}
