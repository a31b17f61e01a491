//! The recovery key on paper: what the founder writes down and locks away.
//!
//! ```text
//! base32( secret 16 | checksum 4 )      32 letters in eight groups of four
//! ```
//! The checksum finds a letter that was read or written wrongly. The whole sheet, with the community
//! and its relays, is a text to scan, like a ticket.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::id::CommunityId;
use crate::keys::{self, DeviceKeys, domain};
use crate::roster::ticket::{
    ParseTicketError, RelayAddr, TICKET_RELAYS_MAX, read_text, write_text,
};

const SHEET: &str = "BANYANRECOVER1";

/// Length in bytes of the secret that the recovery keys are derived from.
pub const RECOVERY_SECRET_LEN: usize = 16;
const CHECKSUM_LEN: usize = 4;
const GROUP_LETTERS: usize = 4;
/// Longest text that is looked at, in bytes; a key with generous white space has far fewer.
const TEXT_MAX: usize = 256;

/// Everything that a new device needs to take a community up again.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RecoverySheet {
    /// The community.
    #[n(0)]
    pub community: CommunityId,
    /// The secret of the recovery key.
    #[n(1)]
    pub secret: ByteArray<RECOVERY_SECRET_LEN>,
    /// Relays that carry the community.
    #[n(2)]
    pub relays: Vec<RelayAddr>,
}

impl RecoverySheet {
    /// The keys that the sheet's holder proves and opens with.
    #[must_use]
    pub fn keys(&self) -> DeviceKeys {
        DeviceKeys::derive_for_recovery(&self.secret)
    }
}

/// Without the secret.
impl fmt::Debug for RecoverySheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoverySheet")
            .field("community", &self.community)
            .field("relays", &self.relays)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for RecoverySheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_text(SHEET, self).to_ascii_lowercase())
    }
}

impl FromStr for RecoverySheet {
    type Err = ParseTicketError;

    fn from_str(text: &str) -> Result<Self, ParseTicketError> {
        let sheet: Self = read_text(SHEET, text)?;
        if sheet.relays.len() > TICKET_RELAYS_MAX {
            return Err(ParseTicketError::Newer);
        }
        Ok(sheet)
    }
}

/// Why a text is no recovery key. It does not say where: that would help whoever guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not the recovery key: compare it with the sheet, letter by letter")]
pub struct ParseRecoveryKeyError;

/// Writes a recovery secret as it is printed: `ABCD EFGH …`.
#[must_use]
pub fn printed(secret: &[u8; RECOVERY_SECRET_LEN]) -> String {
    let bytes: Vec<u8> = secret.iter().copied().chain(checksum(secret)).collect();
    let mut text = String::new();
    for (position, letter) in BASE32_NOPAD.encode(&bytes).chars().enumerate() {
        if position > 0 && position % GROUP_LETTERS == 0 {
            text.push(' ');
        }
        text.push(letter);
    }
    text
}

/// Reads a recovery secret from what a person typed off the sheet, in either case and with any
/// white space.
///
/// # Errors
/// [`ParseRecoveryKeyError`] if a letter is wrong, missing or too many.
pub fn parse(text: &str) -> Result<[u8; RECOVERY_SECRET_LEN], ParseRecoveryKeyError> {
    if text.len() > TEXT_MAX {
        return Err(ParseRecoveryKeyError);
    }
    let letters: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = BASE32_NOPAD
        .decode(letters.to_ascii_uppercase().as_bytes())
        .map_err(|_| ParseRecoveryKeyError)?;
    let (secret, sum) = bytes.split_first_chunk().ok_or(ParseRecoveryKeyError)?;
    if sum != checksum(secret) {
        return Err(ParseRecoveryKeyError);
    }
    Ok(*secret)
}

fn checksum(secret: &[u8; RECOVERY_SECRET_LEN]) -> [u8; CHECKSUM_LEN] {
    let hash = keys::derive(domain::CHECKSUM, &[secret]);
    let mut sum = [0; CHECKSUM_LEN];
    sum.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    sum
}
