//! The recovery key on paper.

use proptest::prelude::*;

use crate::roster::recovery::{ParseRecoveryKeyError, parse, printed};

const SECRET: [u8; 16] = *b"a founder's key.";

#[test]
fn recovery_key_is_printed_as_on_every_sheet_so_far() {
    assert_eq!(printed(&SECRET), "MEQG M33V NZSG K4RH OMQG WZLZ FZE5 SJL3");
}

#[test]
fn recovery_key_is_read_in_either_case_and_with_any_white_space() {
    let text = printed(&SECRET);
    let typed = format!("  {}\n", text.to_lowercase().replace(' ', "\n\t"));
    assert_eq!(parse(&typed), Ok(SECRET));
    assert_eq!(parse(&text.replace(' ', "")), Ok(SECRET));
}

#[test]
fn every_wrong_letter_at_every_place_is_found() {
    let text = printed(&SECRET);
    for (place, right) in text.char_indices().filter(|(_, letter)| *letter != ' ') {
        let others = ('A'..='Z').chain('2'..='7').chain(['0', '1', '?', '榕']);
        for wrong in others.filter(|wrong| *wrong != right) {
            let mut typed = text.clone();
            typed.replace_range(place..=place, &wrong.to_string());
            assert_eq!(parse(&typed), Err(ParseRecoveryKeyError), "{typed}");
        }
    }
}

#[test]
fn missing_and_added_letters_are_found() {
    let text = printed(&SECRET);
    for length in 0..text.len() {
        assert_eq!(parse(&text[..length]), Err(ParseRecoveryKeyError));
    }
    assert_eq!(
        parse(&format!("{text} AAAA AAAA")),
        Err(ParseRecoveryKeyError)
    );
    let padded = format!("{text}{}", " ".repeat(4096));
    assert_eq!(parse(&padded), Err(ParseRecoveryKeyError));
}

proptest! {
    #[test]
    fn recovery_key_that_is_printed_is_read_again(secret: [u8; 16]) {
        let text = printed(&secret);
        prop_assert_eq!(text.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
        prop_assert_eq!(parse(&text), Ok(secret));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,300}") {
        if let Ok(secret) = parse(&text) {
            prop_assert_eq!(parse(&printed(&secret)), Ok(secret));
        }
    }
}
