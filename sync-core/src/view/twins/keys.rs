//! The blocks that a record lies in: whatever two things twins may have in common that are enough together.

use std::collections::BTreeSet;

use super::Twins;
use super::facts::{Facts, Sort};
use crate::id::RecordId;

/// What puts rows into one block: which kind, which two things, and what they are.
pub(super) type Key = (String, &'static str, String);

/// Of the people of one home so many are looked at.
const RESIDENTS_MAX: usize = 24;

impl Twins {
    /// The blocks that a record lies in.
    pub(super) fn keys(&self, record: &RecordId) -> Vec<Key> {
        let Some(facts) = self.facts.get(record) else {
            return Vec::new();
        };
        let mut keys = Vec::new();
        let mut add = |what: &'static str, parts: [&str; 2]| {
            keys.push((facts.kind.clone(), what, parts.join("\n")));
        };
        match facts.sort {
            Sort::Person => {
                let home = facts.home.map(|home| home.to_string());
                let number = self
                    .home_of(facts)
                    .and_then(|home| home.door.as_ref()?.number());
                let year = facts.birth_year.map(|year| year.to_string());
                if let Some(name) = &facts.name {
                    let beside = [
                        ("name, home", home.as_deref()),
                        ("name, number", number),
                        ("name, year", year.as_deref()),
                    ];
                    for (what, beside) in beside {
                        if let Some(beside) = beside {
                            add(what, [&name.text, beside]);
                        }
                    }
                    let surname = name.surname.map(String::from);
                    let called = surname.as_deref().unwrap_or(&name.text);
                    for phone in &facts.phones {
                        add("surname, phone", [called, phone]);
                    }
                }
            }
            Sort::Home => {
                let Some(door) = &facts.door else {
                    return keys;
                };
                add("door, space", [door.text(), &facts.space.to_string()]);
                if let Some(place) = facts.place {
                    add("door, place", [door.text(), &place.to_string()]);
                }
                for phone in &facts.phones {
                    add("number, phone", [door.number().unwrap_or_default(), phone]);
                }
                for name in self.names_in(record) {
                    add("door, resident", [door.text(), name]);
                }
            }
        }
        keys
    }

    pub(super) fn home_of(&self, facts: &Facts) -> Option<&Facts> {
        self.facts.get(&facts.home?)
    }

    /// Full names of the people of a home.
    pub(super) fn names_in(&self, home: &RecordId) -> BTreeSet<&str> {
        let people = self.residents.get(home).into_iter().flatten();
        let people = people.filter_map(|person| self.facts.get(person));
        people
            .filter_map(Facts::full_name)
            .take(RESIDENTS_MAX)
            .collect()
    }
}
