//! Names for what people call by words: of letters `a-z`, digits and `_`, as records keep them.

use sync_core::schema::Labels;

/// Longest name that is made, in bytes; a number may follow.
const NAME_BYTES_MAX: usize = 26;
/// Names that addresses and forms of the console use themselves.
const RESERVED: [&str; 9] = [
    "new", "field", "seen", "csrf", "back", "do", "state", "reason", "personal",
];

/// A name that is not taken, after the English words; without any, after `stem`.
pub(super) fn name(english: &str, stem: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut made = String::new();
    for c in english.chars().flat_map(char::to_lowercase) {
        if made.len() >= NAME_BYTES_MAX {
            break;
        }
        if c.is_ascii_lowercase() || (c.is_ascii_digit() && !made.is_empty()) {
            made.push(c);
        } else if !made.is_empty() && !made.ends_with('_') {
            made.push('_');
        }
    }
    let made = made.trim_end_matches('_');
    let made = if made.is_empty() { stem } else { made };
    let is_free = |name: &String| !is_taken(name) && !RESERVED.contains(&name.as_str());
    let numbered = (2_u32..).map(|n| format!("{made}_{n}"));
    let mut names = std::iter::once(made.to_owned()).chain(numbered);
    names.find(is_free).unwrap_or_default()
}

/// Choices as they are typed, one a line: `普通话 / Mandarin`; one word stands for both languages.
pub(super) fn lines(typed: &str) -> Vec<Labels> {
    let lines = typed.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (zh, en) = line.split_once(['/', '／', '|']).unwrap_or((line, line));
            let (zh, en) = (zh.trim(), en.trim());
            Labels {
                zh: if zh.is_empty() { en } else { zh }.to_owned(),
                en: if en.is_empty() { zh } else { en }.to_owned(),
            }
        })
        .filter(|labels| !labels.zh.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_english_words_and_are_never_taken() {
        let free = |_: &str| false;
        assert_eq!(
            name("Blood pressure (mmHg)", "field", free),
            "blood_pressure_mmhg"
        );
        assert_eq!(name("2nd visit", "field", free), "nd_visit");
        assert_eq!(name("方言", "kind", free), "kind");
        assert_eq!(name("Seen", "x", free), "seen_2");
        assert_eq!(name("方言", "field", free), "field_2");
        assert_eq!(
            name("Tea", "x", |name| name == "tea" || name == "tea_2"),
            "tea_3"
        );
        let long = name(&"a".repeat(80), "x", free);
        assert!(long.len() <= NAME_BYTES_MAX, "{long}");
    }

    #[test]
    fn a_line_is_a_choice_in_both_languages() {
        let made = lines("普通话 / Mandarin\n\n 粤语／Cantonese \nHakka\n/\n客家话/");
        let words: Vec<(&str, &str)> = made
            .iter()
            .map(|labels| (labels.zh.as_str(), labels.en.as_str()))
            .collect();
        let wanted = [
            ("普通话", "Mandarin"),
            ("粤语", "Cantonese"),
            ("Hakka", "Hakka"),
            ("客家话", "客家话"),
        ];
        assert_eq!(words, wanted);
    }
}
