//! Which ids begin with some letters of their text form.

use crate::id::RecordId;

const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz234567";
const ID_BITS: u32 = 128;

/// First and last id whose text form (docs of [`crate::id`]) begins with `prefix`; none if no id does.
pub(crate) fn record_range(prefix: &str) -> Option<(RecordId, RecordId)> {
    let mut low = 0_u128;
    let mut free = ID_BITS;
    for letter in prefix.chars() {
        let value = u128::try_from(ALPHABET.find(letter.to_ascii_lowercase())?).ok()?;
        let taken = free.min(5);
        // Of the last letter only three bits are the id's; the other two are always zero.
        if taken == 0 || value & ((1 << (5 - taken)) - 1) != 0 {
            return None;
        }
        free -= taken;
        low |= (value >> (5 - taken)) << free;
    }
    let rest = 1_u128.checked_shl(free).map_or(u128::MAX, |bit| bit - 1);
    Some((
        RecordId::new(low.to_be_bytes()),
        RecordId::new((low | rest).to_be_bytes()),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn range_holds_exactly_the_ids_with_the_prefix(
            bytes: [u8; 16], other: [u8; 16], len in 0_usize..=26,
        ) {
            let (id, other) = (RecordId::new(bytes), RecordId::new(other));
            let prefix: String = id.to_string().chars().take(len).collect();
            let (low, high) = record_range(&prefix).unwrap();
            prop_assert!((low..=high).contains(&id));
            for near in [low, high, other] {
                prop_assert_eq!(
                    (low..=high).contains(&near),
                    near.to_string().starts_with(&prefix),
                );
            }
        }
    }

    #[test]
    fn letters_of_no_id_have_no_range() {
        assert_eq!(record_range("a1"), None);
        assert_eq!(record_range(&"a".repeat(27)), None);
        assert_eq!(record_range(&format!("{}b", "a".repeat(25))), None);
    }
}
