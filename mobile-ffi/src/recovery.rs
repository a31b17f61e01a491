//! The recovery key as it is printed: 32 letters in groups of four, the last six of them a check.

use data_encoding::BASE32_NOPAD;
use sync_core::keys::{self, domain};

const CHECK_BYTES: usize = 4;
const GROUP: usize = 4;

/// `ABCD EFGH …` for the sheet that goes into the safe; the same text as `banyan found` prints.
pub(crate) fn printed(secret: &[u8; 16]) -> String {
    let hash = keys::derive(domain::CHECKSUM, &[secret]);
    let check = hash.as_bytes().iter().take(CHECK_BYTES);
    let bytes: Vec<u8> = secret.iter().chain(check).copied().collect();
    let mut text = String::new();
    for (at, letter) in BASE32_NOPAD.encode(&bytes).chars().enumerate() {
        if at > 0 && at % GROUP == 0 {
            text.push(' ');
        }
        text.push(letter);
    }
    text
}
