//! The recovery key on paper: what the founder writes down and locks away.
//!
//! ```text
//! base32( secret 16 | checksum 4 )      32 letters in eight groups of four
//! ```
//! The checksum finds a letter that was read or written wrongly.

use data_encoding::BASE32_NOPAD;
use thiserror::Error;

use crate::keys::{self, domain};

/// Length in bytes of the secret that the recovery keys are derived from.
pub const RECOVERY_SECRET_LEN: usize = 16;
const CHECKSUM_LEN: usize = 4;
const GROUP_LETTERS: usize = 4;
/// Longest text that is looked at, in bytes; a key with generous white space has far fewer.
const TEXT_MAX: usize = 256;

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
