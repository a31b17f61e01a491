//! Lists that a person looks at often, under names of their own. A small file beside the store.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::form::Form;
use crate::durable;
use crate::failure::Failure;

const FILE: &str = "views.json";
/// Most views of one community; each is counted when the list is shown.
pub(super) const VIEWS_MAX: usize = 12;
/// Longest name, in characters.
pub(super) const NAME_CHARS_MAX: usize = 20;
/// Longest query, in bytes.
const QUERY_BYTES_MAX: usize = 2000;
/// What a view is made of. Which page is shown, and whether personal fields are, is no part of it.
const PARTS: [&str; 15] = [
    "choice",
    "due_to",
    "flag",
    "from",
    "kind",
    "named",
    "not",
    "period",
    "person",
    "q",
    "sort",
    "state",
    "to",
    "unvisited",
    "village",
];

/// A list and its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) name: String,
    /// As [`query_of`] writes it.
    pub(super) query: String,
}

/// Why a view is not saved; each has its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no name, or none that fits a line.
    Name,
    /// Another view has the name.
    Taken,
    /// It is saved already, under another name.
    Known,
    /// Nothing is filtered, or too much for an address.
    Query,
    /// There is no room.
    Full,
}

/// The filters of a list, always in the same order; empty if there are none.
pub(super) fn query_of(form: &Form) -> String {
    let pairs = form.pairs();
    let mut parts: Vec<(&str, &str)> = pairs
        .filter(|(name, value)| PARTS.contains(name) && !value.trim().is_empty())
        .collect();
    parts.sort_unstable();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parts);
    query.finish()
}

/// What is kept in a folder. A file that cannot be read counts as empty: every view can be made again.
pub(super) fn in_folder(dir: &Path) -> Vec<Saved> {
    let text = fs::read_to_string(dir.join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// One more view, with the name as it was typed.
pub(super) fn with(mut all: Vec<Saved>, name: &str, query: &str) -> Result<Vec<Saved>, Refused> {
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_control) || name.chars().count() > NAME_CHARS_MAX {
        return Err(Refused::Name);
    }
    if query.is_empty() || query.len() > QUERY_BYTES_MAX {
        return Err(Refused::Query);
    }
    if all.iter().any(|saved| saved.name == name) {
        return Err(Refused::Taken);
    }
    if all.iter().any(|saved| saved.query == query) {
        return Err(Refused::Known);
    }
    if all.len() >= VIEWS_MAX {
        return Err(Refused::Full);
    }
    all.push(Saved {
        name: name.to_owned(),
        query: query.to_owned(),
    });
    Ok(all)
}

/// Keeps them, whole or not at all.
pub(super) fn keep(dir: &Path, all: &[Saved]) -> Result<(), Failure> {
    let json = serde_json::to_vec_pretty(all).map_err(Failure::internal)?;
    durable::write(&dir.join(FILE), &json, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_has_its_filters_alone_and_in_one_order() {
        let form = Form::read(b"state=open&personal=1&q=+&kind=need&after=x&state=doing&csrf=1");
        assert_eq!(query_of(&form), "kind=need&state=doing&state=open");
        assert_eq!(query_of(&Form::read(b"q=&sort=")), "");
    }

    #[test]
    fn view_needs_a_name_of_its_own_and_a_filter() {
        let all = with(Vec::new(), " 急的 ", "flag=late").unwrap();
        assert_eq!(all[0].name, "急的");
        let refused = |name: &str, query: &str| with(all.clone(), name, query).unwrap_err();
        assert_eq!(refused(" ", "kind=need"), Refused::Name);
        assert_eq!(refused(&"字".repeat(21), "kind=need"), Refused::Name);
        assert_eq!(refused("a\nb", "kind=need"), Refused::Name);
        assert_eq!(refused("急的", "kind=need"), Refused::Taken);
        assert_eq!(refused("晚的", "flag=late"), Refused::Known);
        assert_eq!(refused("晚的", ""), Refused::Query);
        let mut full = all;
        for n in 1..VIEWS_MAX {
            full = with(full, &n.to_string(), &format!("q={n}")).unwrap();
        }
        assert_eq!(with(full, "x", "q=x").unwrap_err(), Refused::Full);
    }

    #[test]
    fn views_come_back_and_a_broken_file_counts_as_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert!(in_folder(dir.path()).is_empty());
        let all = with(Vec::new(), "急的", "flag=late").unwrap();
        keep(dir.path(), &all).unwrap();
        assert_eq!(in_folder(dir.path()), all);
        fs::write(dir.path().join(FILE), "[").unwrap();
        assert!(in_folder(dir.path()).is_empty());
    }
}
