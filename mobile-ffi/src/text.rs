//! What people read, in both languages: one catalogue file each, beside this one.
//!
//! A sentence may have places `{name}`. The command line has a catalogue of its own, whose sentences
//! speak of commands.

use std::collections::HashMap;
use std::sync::LazyLock;

use sync_core::schema::Lang;

static EN: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| catalogue(include_str!("text/en.json")));
static ZH: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| catalogue(include_str!("text/zh.json")));

fn catalogue(json: &str) -> HashMap<String, String> {
    serde_json::from_str(json).expect("the catalogues are checked by a test")
}

/// A sentence, if there is one with this key.
pub(crate) fn find(lang: Lang, key: &str) -> Option<&'static str> {
    let words = match lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    };
    words.get(key).map(String::as_str)
}

/// A sentence with its places filled from left to right, so that what is filled in is never taken
/// for a place.
pub(crate) fn say(lang: Lang, key: &str, places: &[(&str, String)]) -> String {
    let mut rest = find(lang, key).unwrap_or(key);
    let mut said = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once('{') {
        said.push_str(before);
        let place = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = places.iter().find(|(place, _)| *place == name)?;
            Some((value, after))
        });
        rest = if let Some((value, after)) = place {
            said.push_str(value);
            after
        } else {
            said.push('{');
            after
        };
    }
    said.push_str(rest);
    said
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sync_core::replica::Hold;
    use sync_core::roster::role::Role;
    use sync_core::store::HoldCode;
    use sync_core::wire::Refusal;

    use super::*;

    /// The files that name keys.
    const SOURCES: [&str; 8] = [
        include_str!("bundles.rs"),
        include_str!("fault.rs"),
        include_str!("community.rs"),
        include_str!("keys.rs"),
        include_str!("members.rs"),
        include_str!("nearby.rs"),
        include_str!("sync.rs"),
        include_str!("values.rs"),
    ];

    fn keys_in_source() -> BTreeSet<&'static str> {
        let literals = SOURCES.iter().flat_map(|source| source.split('"'));
        literals
            .filter(|part| part.starts_with("err.") && part.len() < 40)
            .collect()
    }

    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_keys_and_places() {
        assert_eq!(
            EN.keys().collect::<BTreeSet<_>>(),
            ZH.keys().collect::<BTreeSet<_>>()
        );
        for (key, text) in ZH.iter() {
            assert_eq!(places(text), places(&EN[key]), "{key}");
            assert!(text.chars().any(|c| c > '\u{2e80}'), "not Chinese: {key}");
            assert!(!EN[key].chars().any(|c| c > '\u{2e80}'), "Chinese: {key}");
        }
    }

    #[test]
    fn every_error_that_the_source_names_has_a_sentence_and_none_is_left_over() {
        let said: BTreeSet<&str> = EN.keys().map(String::as_str).collect();
        let said: BTreeSet<&str> = said
            .into_iter()
            .filter(|key| key.starts_with("err."))
            .collect();
        assert_eq!(keys_in_source(), said);
    }

    #[test]
    fn every_role_refusal_and_hold_has_words() {
        for role in Role::DESCENDING {
            assert!(EN.contains_key(&format!("word.role.{}", role.name())));
        }
        for code in 1..=18 {
            let code = Refusal::from_code(code).code();
            assert!(EN.contains_key(&format!("refusal.{code}")), "{code}");
        }
        for code in 0..1000 {
            if Hold::from_code(HoldCode(code)).is_some() {
                assert!(EN.contains_key(&format!("hold.{code}")), "{code}");
            }
        }
    }

    #[test]
    fn no_sentence_speaks_of_the_command_line() {
        for (key, text) in EN.iter().chain(ZH.iter()) {
            assert!(!text.contains("banyan ") && !text.contains("--"), "{key}");
        }
    }

    #[test]
    fn places_are_filled_once_and_unknown_ones_stay() {
        let places = [("what", "{place}".to_owned())];
        let said = say(Lang::En, "a {what} b {place} {", &places);
        assert_eq!(said, "a {place} b {place} {");
    }
}
