//! The recovery key as it is printed: 32 letters in groups of four, the last six of them a check.

use data_encoding::BASE32_NOPAD;
use sync_core::keys::{self, domain};

const CHECK_BYTES: usize = 4;
const GROUP: usize = 4;

/// `ABCD EFGH …` for the sheet that goes into the safe.
pub(super) fn printed(secret: &[u8; 16]) -> String {
    let hash = keys::derive(domain::CHECKSUM, &[secret]);
    let bytes: Vec<u8> = secret
        .iter()
        .chain(hash.as_bytes().iter().take(CHECK_BYTES))
        .copied()
        .collect();
    let letters = BASE32_NOPAD.encode(&bytes);
    let groups: Vec<&str> = letters
        .as_bytes()
        .chunks(GROUP)
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_eight_groups_of_four_and_each_bit_shows() {
        let key = printed(&[7; 16]);
        assert_eq!(key.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
        let mut other = [7; 16];
        other[15] ^= 1;
        assert_ne!(printed(&other), key);
        let bytes = BASE32_NOPAD
            .decode(key.replace(' ', "").as_bytes())
            .unwrap();
        assert_eq!(&bytes[..16], &[7; 16]);
    }
}
