//! Places in a list: texts of which there is always one more between any two.
//!
//! A list is in the order of its items' places, compared byte by byte. A move gives an item another place and
//! touches nothing else, so two moves at the same time end in one place and not in two copies. Places that
//! are made at once share a beginning that nobody else has: what two people put in at the same time, at the
//! same place, does not mix.

/// In the order of their bytes.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: usize = DIGITS.len();
/// Longest place that others are made beside.
const PLACE_BYTES_MAX: usize = 128;

/// Whether a place is one that we would make: digits, the last of them not the lowest.
pub(super) fn is_place(text: &str) -> bool {
    (1..=PLACE_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && !text.ends_with('0')
}

/// So many places in their order, all behind `after` and before `before`; `salt` makes them nobody else's.
///
/// Both neighbours must be [`is_place`], and in order; else the places are as near as can be.
pub(super) fn places_between(
    after: Option<&str>,
    before: Option<&str>,
    count: usize,
    salt: [u8; 2],
) -> Vec<String> {
    let low = after.unwrap_or_default().as_bytes();
    let high = before.map(str::as_bytes);
    let mut begin = middle(low, high);
    // Else what is put behind it could lead past the one that follows.
    while let Some(high) = high.filter(|high| high.starts_with(&begin)) {
        begin = middle(&begin, Some(high));
    }
    begin.extend(salt.map(|byte| digit(1 + usize::from(byte) % (BASE - 1))));
    let place = |number: usize| {
        let mut place = begin.clone();
        if count > 1 {
            let last = BASE - 1;
            place.extend([digit((number / last).min(last)), digit(1 + number % last)]);
        }
        String::from_utf8_lossy(&place).into_owned()
    };
    (0..count).map(place).collect()
}

/// Something between two places, of which the first may be empty and the second missing.
fn middle(low: &[u8], high: Option<&[u8]>) -> Vec<u8> {
    let mut made = Vec::new();
    let (mut low, mut high) = (low, high);
    loop {
        let is_open = low.is_empty();
        let from = low.first().map_or(0, |digit| value(*digit));
        let to = high.map_or(BASE, |high| high.first().map_or(0, |digit| value(*digit)));
        low = low.get(1..).unwrap_or_default();
        if from.saturating_add(1) < to {
            let step = match high {
                // Most items go to the end: a short step leaves most room there.
                None if !is_open => from + 1,
                None | Some(_) => from.midpoint(to),
            };
            made.push(digit(step));
            return made;
        }
        made.push(digit(from));
        // Once below the higher one, anything behind the lower one will do.
        high = high
            .filter(|_| from == to)
            .map(|high| high.get(1..).unwrap_or_default());
        if made.len() > 2 * PLACE_BYTES_MAX {
            made.push(digit(1));
            return made;
        }
    }
}

fn digit(value: usize) -> u8 {
    DIGITS.get(value).copied().unwrap_or(b'z')
}

fn value(digit: u8) -> usize {
    DIGITS.binary_search(&digit).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn there_is_always_room_and_the_order_holds(
            steps in prop::collection::vec((any::<prop::sample::Index>(), 1..4_usize, any::<[u8; 2]>()), 1..80),
        ) {
            let mut list: Vec<String> = Vec::new();
            for (at, count, salt) in steps {
                let at = at.index(list.len() + 1);
                let after = at.checked_sub(1).map(|before| list[before].as_str());
                let before = list.get(at).map(String::as_str);
                let new = places_between(after, before, count, salt);
                prop_assert!(new.iter().all(|place| is_place(place)), "{new:?}");
                list.splice(at..at, new);
                prop_assert!(list.is_sorted_by(|a, b| a < b), "{list:?}");
            }
        }
    }

    #[test]
    fn long_lists_have_short_places() {
        let mut last: Option<String> = None;
        for _ in 0..500 {
            last = places_between(last.as_deref(), None, 1, [7, 7]).pop();
        }
        assert!(last.is_some_and(|place| place.len() < 24));
        let many = places_between(None, None, 500, [0, 255]);
        assert!(many.is_sorted_by(|a, b| a < b) && many.len() == 500);
        assert!(many.iter().all(|place| is_place(place)));
    }

    #[test]
    fn neighbours_that_nobody_made_give_a_place_all_the_same() {
        for (after, before) in [
            ("", "0"),
            ("zzz", "a"),
            ("5", "5"),
            ("~", "!"),
            ("00", "000"),
        ] {
            let made = places_between(Some(after), Some(before), 2, [1, 2]);
            assert_eq!(made.len(), 2);
            assert!(made[0] < made[1]);
        }
    }
}
