//! Phrases from word lists: a small grammar per language, read from `data/`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use crate::name;

/// The languages in which people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// Draws one of both, fairly.
    pub(crate) fn any(rng: &mut ChaCha8Rng) -> Self {
        if rng.random_bool(0.5) {
            Self::Chinese
        } else {
            Self::English
        }
    }

    /// A phrase from the named list.
    pub(crate) fn say(self, rng: &mut ChaCha8Rng, list: &str) -> String {
        let grammar = Grammar::of(self);
        let mut phrase = String::new();
        let index = grammar
            .names
            .get(list)
            .expect("a test names every list that stories use");
        grammar.expand(rng, *index, &mut phrase);
        phrase
    }

    fn words(self) -> &'static str {
        match self {
            Self::Chinese => include_str!("../data/zh.txt"),
            Self::English => include_str!("../data/en.txt"),
        }
    }
}

/// Word lists; a list's phrases have slots for lists before it only, so expansion always ends.
struct Grammar {
    language: Language,
    names: BTreeMap<&'static str, usize>,
    lists: Vec<Vec<Vec<Part>>>,
}

/// A piece of a phrase.
enum Part {
    Words(&'static str),
    /// A whole number between two, both included.
    Number(u32, u32),
    Person,
    List(usize),
}

impl Grammar {
    fn of(language: Language) -> &'static Self {
        static CHINESE: OnceLock<Grammar> = OnceLock::new();
        static ENGLISH: OnceLock<Grammar> = OnceLock::new();
        let grammar = match language {
            Language::Chinese => &CHINESE,
            Language::English => &ENGLISH,
        };
        grammar.get_or_init(|| Self::read(language).expect("the word lists are checked by a test"))
    }

    /// Reads the lists of a language, or says which line is wrong.
    fn read(language: Language) -> Result<Self, String> {
        let mut grammar = Self {
            language,
            names: BTreeMap::new(),
            lists: Vec::new(),
        };
        for line in language
            .words()
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                if grammar.names.insert(name, grammar.lists.len()).is_some() {
                    return Err(format!("the list {name} stands twice"));
                }
                grammar.lists.push(Vec::new());
                continue;
            }
            let phrase = grammar.phrase(line)?;
            grammar
                .lists
                .last_mut()
                .ok_or("words before the first list")?
                .push(phrase);
        }
        if grammar.lists.iter().any(Vec::is_empty) {
            return Err("a list is empty".to_owned());
        }
        Ok(grammar)
    }

    fn phrase(&self, line: &'static str) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        let mut rest = line;
        while let Some((words, slot)) = rest.split_once('{') {
            let (slot, after) = slot.split_once('}').ok_or(line)?;
            if !words.is_empty() {
                parts.push(Part::Words(words));
            }
            parts.push(
                self.slot(slot)
                    .ok_or_else(|| format!("no list {slot} above: {line}"))?,
            );
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Words(rest));
        }
        Ok(parts)
    }

    fn slot(&self, slot: &str) -> Option<Part> {
        if slot == "person" {
            return Some(Part::Person);
        }
        if let Some((least, most)) = slot.split_once('-') {
            let (least, most) = (least.parse().ok()?, most.parse().ok()?);
            return (least < most).then_some(Part::Number(least, most));
        }
        // The list being read is the last one; a slot for it would not end.
        let index = *self.names.get(slot)?;
        (index + 1 < self.lists.len()).then_some(Part::List(index))
    }

    fn expand(&self, rng: &mut ChaCha8Rng, list: usize, into: &mut String) {
        let phrases = self
            .lists
            .get(list)
            .expect("slots and names hold indexes of lists");
        for part in phrases.choose(rng).expect("no list is empty") {
            match part {
                Part::Words(words) => into.push_str(words),
                Part::Number(least, most) => {
                    into.push_str(&rng.random_range(*least..=*most).to_string());
                }
                Part::Person => {
                    let (zh, en) = name::full_name(rng);
                    into.push_str(match self.language {
                        Language::Chinese => &zh,
                        Language::English => &en,
                    });
                }
                Part::List(list) => self.expand(rng, *list, into),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_lists_are_sound_and_hold_several_hundred_phrases_each() {
        for language in [Language::Chinese, Language::English] {
            let grammar = Grammar::read(language).expect("sound word lists");
            assert!(grammar.lists.iter().map(Vec::len).sum::<usize>() > 600);
        }
    }

    #[test]
    fn both_languages_have_the_same_lists() {
        let names = |language| -> Vec<&str> {
            let names = Grammar::of(language).names.keys().copied();
            names.filter(|name| *name != "month").collect()
        };
        assert_eq!(names(Language::Chinese), names(Language::English));
    }
}
