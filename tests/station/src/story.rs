//! What happens to a record, kind by kind.

pub(crate) mod event;
pub(crate) mod need;
pub(crate) mod proposal;
pub(crate) mod visit;

use crate::grammar::Language;

/// What needs and proposals are about; each has word lists of its own.
const CATEGORIES: [&str; 9] = [
    "health", "housing", "roads", "water", "safety", "elders", "children", "culture", "parking",
];

/// A phrase that heads a record: the first letter large, where there are letters.
fn headed(phrase: &str) -> String {
    let mut chars = phrase.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// Why something does not come about.
fn reason(language: Language) -> &'static str {
    match language {
        Language::Chinese => "经费不足，明年再议",
        Language::English => "No money for it this year",
    }
}
