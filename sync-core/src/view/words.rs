//! Words to search by, and what a person types to find them.
//!
//! Text is first made alike: compatibility forms (full-width letters and digits) and capitals disappear.
//! What is written without spaces is cut into overlapping pairs of characters, so that any two
//! characters that stand together are found; other words are kept whole and found by their beginning.
//! Of names, the initials of their sounds are kept in pairs too, under a mark that nobody can type.
//!
//! A record fits a search if it has all words of it, wherever they stand. So the longer what is typed
//! without spaces, the surer it is, but two records with the same pairs are not told apart.

use std::collections::BTreeSet;

use pinyin::ToPinyinMulti;
use unicode_normalization::UnicodeNormalization;

/// Longest word of letters and digits, in characters: what comes after is not looked at.
pub const WORD_CHARS_MAX: usize = 32;
/// Most words of one record; what its later fields say beyond that is not found.
pub const WORDS_MAX: usize = 20_000;
/// As much of what is typed counts, in characters.
pub const SEARCH_CHARS_MAX: usize = 100;

/// Stands before initials: for private use, and so never part of a word.
const INITIALS_MARK: char = '\u{e000}';
/// Stands before what a field is chosen to be, and between the field and that: for private use too.
const CHOICE_MARK: char = '\u{e001}';
/// Stands before the number of a character that an index of words would cut at.
const ESCAPE_MARK: char = '\u{e002}';
/// From here on scripts are written without spaces.
const FIRST_WITHOUT_SPACES: char = '\u{2e80}';

/// A stretch of text without anything between.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Run {
    /// Of a script without spaces.
    Pairs(Vec<char>),
    /// Of letters and digits.
    Word(String),
}

/// Runs in a row, as they stand between spaces and signs.
fn rows_of_runs(text: &str) -> Vec<Vec<Run>> {
    let mut rows: Vec<Vec<Run>> = vec![Vec::new()];
    for c in text.nfkc().flat_map(char::to_lowercase) {
        if !c.is_alphanumeric() {
            if rows.last().is_some_and(|row| !row.is_empty()) {
                rows.push(Vec::new());
            }
            continue;
        }
        let Some(row) = rows.last_mut() else { continue };
        let is_of_pairs = c >= FIRST_WITHOUT_SPACES;
        match row.last_mut() {
            Some(Run::Pairs(chars)) if is_of_pairs => chars.push(c),
            Some(Run::Word(word)) if !is_of_pairs => word.push(c),
            Some(_) | None if is_of_pairs => row.push(Run::Pairs(vec![c])),
            Some(_) | None => row.push(Run::Word(c.to_string())),
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}

fn short(word: &str) -> String {
    word.chars().take(WORD_CHARS_MAX).collect()
}

fn pairs(chars: &[char]) -> impl Iterator<Item = String> {
    chars.windows(2).map(|pair| pair.iter().collect())
}

/// Collects the words of one record.
#[derive(Debug, Default)]
pub struct Words(BTreeSet<String>);

impl Words {
    /// Takes the words of a text.
    pub fn add(&mut self, text: &str) {
        for run in rows_of_runs(text).into_iter().flatten() {
            match run {
                Run::Word(word) => self.insert(short(&word)),
                Run::Pairs(chars) => {
                    pairs(&chars).for_each(|pair| self.insert(pair));
                    // The last one begins no pair.
                    chars
                        .last()
                        .map(char::to_string)
                        .into_iter()
                        .for_each(|c| self.insert(c));
                }
            }
        }
    }

    /// Takes the initials of the sounds of a short text, too.
    pub fn add_initials(&mut self, text: &str) {
        for run in rows_of_runs(text).into_iter().flatten() {
            let Run::Pairs(chars) = run else { continue };
            let sounds: Vec<BTreeSet<char>> = chars.iter().map(|c| initials(*c)).collect();
            for pair in sounds.windows(2) {
                let [first, second] = pair else { continue };
                for (a, b) in first
                    .iter()
                    .flat_map(|a| second.iter().map(move |b| (a, b)))
                {
                    self.insert([INITIALS_MARK, *a, *b].iter().collect());
                }
            }
        }
    }

    /// Takes what a field is chosen to be, by the names that are kept: under a mark that nobody can type.
    pub fn add_choice(&mut self, field: &str, value: &str) {
        self.insert(choice_word(field, value));
    }

    fn insert(&mut self, word: String) {
        if self.0.len() < WORDS_MAX {
            self.0.insert(word);
        }
    }

    /// All of them.
    #[must_use]
    pub fn into_set(self) -> BTreeSet<String> {
        self.0
    }
}

/// A choice as one word: of small letters, digits and marks alone, so that no index cuts or folds it.
fn choice_word(field: &str, value: &str) -> String {
    let mut word = String::from(CHOICE_MARK);
    for part in [field, value] {
        for c in part.chars().take(WORD_CHARS_MAX) {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                word.push(c);
            } else {
                word.push(ESCAPE_MARK);
                word.push_str(&format!("{:x}", u32::from(c)));
                word.push(ESCAPE_MARK);
            }
        }
        word.push(CHOICE_MARK);
    }
    word
}

/// The letters that the sounds of a character begin with; a character may have several sounds.
fn initials(c: char) -> BTreeSet<char> {
    let sounds = c.to_pinyin_multi().into_iter().flatten();
    sounds
        .filter_map(|sound| sound.plain().chars().next())
        .filter(char::is_ascii_lowercase)
        .collect()
}

/// What a word of a record must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Whole(String),
    Beginning(String),
    /// A beginning, or all these pairs of initials.
    BeginningOr(String, Vec<String>),
}

/// What somebody typed to find records: all its terms are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search(Vec<Term>);

impl Search {
    /// Reads what was typed. Nothing in it is an instruction; without letters and digits it asks nothing.
    #[must_use]
    pub fn read(typed: &str) -> Self {
        let typed: String = typed.chars().take(SEARCH_CHARS_MAX).collect();
        let mut terms = Vec::new();
        for row in rows_of_runs(&typed) {
            let last = row.len().saturating_sub(1);
            let only = row.len() == 1;
            for (index, run) in row.into_iter().enumerate() {
                match run {
                    Run::Pairs(chars) => match chars.as_slice() {
                        [one] => terms.push(Term::Beginning(one.to_string())),
                        chars => terms.extend(pairs(chars).map(Term::Whole)),
                    },
                    Run::Word(word) => terms.push(term_of(&word, only, index == last)),
                }
            }
        }
        terms.dedup();
        Self(terms)
    }

    /// Asks for what fields are chosen to be, too.
    #[must_use]
    pub fn with_choices(mut self, choices: &[(String, String)]) -> Self {
        let words = choices
            .iter()
            .map(|(field, value)| choice_word(field, value));
        self.0.extend(words.map(Term::Whole));
        self
    }

    /// Whether it asks nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a record with these words is found.
    #[must_use]
    pub fn fits(&self, words: &BTreeSet<String>) -> bool {
        let begins = |beginning: &str| {
            let mut from = words.range(beginning.to_owned()..);
            from.next().is_some_and(|word| word.starts_with(beginning))
        };
        self.0.iter().all(|term| match term {
            Term::Whole(word) => words.contains(word),
            Term::Beginning(beginning) => begins(beginning),
            Term::BeginningOr(beginning, initials) => {
                begins(beginning) || initials.iter().all(|pair| words.contains(pair))
            }
        })
    }

    /// The same question to SQLite's full-text search.
    #[must_use]
    pub fn to_match(&self) -> String {
        let terms = self.0.iter().map(|term| match term {
            Term::Whole(word) => quoted(word),
            Term::Beginning(beginning) => format!("{} *", quoted(beginning)),
            Term::BeginningOr(beginning, initials) => {
                let initials: Vec<String> = initials.iter().map(|pair| quoted(pair)).collect();
                format!("({} * OR ({}))", quoted(beginning), initials.join(" AND "))
            }
        });
        terms.collect::<Vec<_>>().join(" AND ")
    }
}

/// A word of letters that stands alone may be initials; one that something follows is whole.
fn term_of(word: &str, is_alone: bool, is_last: bool) -> Term {
    let beginning = short(word);
    if !is_last {
        return Term::Whole(beginning);
    }
    let letters: Vec<char> = word.chars().collect();
    if !is_alone || letters.len() < 2 || !letters.iter().all(char::is_ascii_lowercase) {
        return Term::Beginning(beginning);
    }
    let marked = |pair: String| format!("{INITIALS_MARK}{pair}");
    Term::BeginningOr(beginning, pairs(&letters).map(marked).collect())
}

/// Words have no quotation marks; if one had, it would be one letter of it.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('"', "\"\""))
}

#[cfg(test)]
mod tests;
