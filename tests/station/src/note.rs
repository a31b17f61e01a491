//! Long text as people write it: clause after clause, now and then one corrected.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;

use crate::grammar::Language;

/// Shortest first note, in characters.
const CHARS_MIN: usize = 40;
/// Longest first note, in characters.
const CHARS_MAX: usize = 200;

/// How often another clause is drawn when it is like one that the note already has.
const DRAWS_MAX: usize = 8;

/// A note that can grow.
#[derive(Clone)]
pub(crate) struct Note {
    language: Language,
    clauses: Vec<Clause>,
    /// Lines below the note: comments by name.
    lines: Vec<String>,
}

#[derive(Clone)]
struct Clause {
    words: String,
    /// What stands between it and the next one.
    stop: &'static str,
}

impl Note {
    /// A first note of 40 to 200 characters: one clause from the list `first`, then more from `next`.
    pub(crate) fn begin(rng: &mut ChaCha8Rng, language: Language, first: &str, next: &str) -> Self {
        let mut note = Self {
            language,
            clauses: Vec::new(),
            lines: Vec::new(),
        };
        note.add(rng, first);
        // Chinese says the same in fewer characters.
        let target = match language {
            Language::Chinese => rng.random_range(CHARS_MIN..=110),
            Language::English => rng.random_range(CHARS_MIN..=180),
        };
        while note.chars() < target {
            let before = note.clone();
            note.add(rng, next);
            if note.chars() > CHARS_MAX {
                note = before;
                if note.chars() >= CHARS_MIN {
                    break;
                }
            }
        }
        note
    }

    /// Adds a clause from a list.
    pub(crate) fn add(&mut self, rng: &mut ChaCha8Rng, list: &str) {
        let clause = self.clause(rng, list);
        self.clauses.push(clause);
    }

    /// Writes one clause anew, from a list.
    pub(crate) fn correct(&mut self, rng: &mut ChaCha8Rng, list: &str) {
        let index = rng.random_range(0..self.clauses.len());
        let clause = self.clause(rng, list);
        if let Some(wrong) = self.clauses.get_mut(index) {
            *wrong = clause;
        }
    }

    /// Adds a line below, with its author's name before it.
    pub(crate) fn comment(&mut self, rng: &mut ChaCha8Rng, author: &str, list: &str) {
        let words = self.language.say(rng, list);
        self.lines.push(match self.language {
            Language::Chinese => format!("{author}：{words}"),
            Language::English => format!("{author}: {words}"),
        });
    }

    /// The whole text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut begins_sentence = true;
        for (index, Clause { words, stop }) in self.clauses.iter().enumerate() {
            if begins_sentence {
                let mut chars = words.chars();
                text.extend(chars.next().map(|first| first.to_ascii_uppercase()));
                text.push_str(chars.as_str());
            } else {
                text.push_str(words);
            }
            let is_last = index + 1 == self.clauses.len();
            let stop = if is_last { self.full_stop() } else { *stop };
            begins_sentence = stop == self.full_stop();
            text.push_str(stop);
        }
        // The English full stop carries the space that parts sentences.
        text.truncate(text.trim_end().len());
        for line in &self.lines {
            text.push('\n');
            text.push_str(line);
        }
        text
    }

    fn chars(&self) -> usize {
        self.text().chars().count()
    }

    fn clause(&self, rng: &mut ChaCha8Rng, list: &str) -> Clause {
        let mut words = self.language.say(rng, list);
        for _ in 0..DRAWS_MAX {
            if !self
                .clauses
                .iter()
                .any(|clause| is_alike(&clause.words, &words))
            {
                break;
            }
            words = self.language.say(rng, list);
        }
        let stops = match self.language {
            Language::Chinese => ["。", "，", "；"],
            Language::English => [". ", ", ", "; "],
        };
        Clause {
            words,
            stop: stops.choose(rng).expect("there are three"),
        }
    }

    fn full_stop(&self) -> &'static str {
        match self.language {
            Language::Chinese => "。",
            Language::English => ". ",
        }
    }
}

/// Whether two clauses begin or end alike, as those from one phrase do.
fn is_alike(one: &str, other: &str) -> bool {
    let alike_chars = 3;
    one.chars()
        .take(alike_chars)
        .eq(other.chars().take(alike_chars))
        || one
            .chars()
            .rev()
            .take(alike_chars)
            .eq(other.chars().rev().take(alike_chars))
}
