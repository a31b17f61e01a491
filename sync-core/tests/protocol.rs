//! docs/protocol.md names everything that is on the wire, with the numbers that the code has.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests count as code to the lints"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sync_core::bundle::BUNDLE_FRAME_TYPES;
use sync_core::entry::EntryKind;
use sync_core::keys::{Signature, domain};
use sync_core::wire::{FRAME_TYPES, Refusal};

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

/// Rooms whose public limits are part of the protocol.
const ROOMS: [&str; 14] = [
    "src/id",
    "src/keys",
    "src/epoch",
    "src/entry",
    "src/receipt",
    "src/roster",
    "src/wire",
    "src/session",
    "src/record",
    "src/certificate",
    "src/bundle",
    "src/blob",
    "src/nearby",
    "link/src",
];

/// The cells of every table row of the text, without spaces around them.
fn rows() -> BTreeSet<Vec<&'static str>> {
    PROTOCOL
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect()
}

fn has_row(beginning: &[&str]) -> bool {
    rows().iter().any(|row| row.starts_with(beginning))
}

#[test]
fn every_domain_string_stands_in_the_text_and_no_other() {
    let named: BTreeSet<&str> = rows()
        .into_iter()
        .filter_map(|row| row.first()?.strip_prefix('`')?.strip_suffix('`'))
        .filter(|name| name.starts_with("banyan/"))
        .collect();
    let known: BTreeSet<&str> = domain::ALL.iter().copied().collect();
    assert_eq!(named, known);
}

#[test]
fn every_entry_kind_stands_in_the_text() {
    for (kind, word) in EntryKind::ALL {
        assert!(
            has_row(&[&kind.code().to_string(), word]),
            "kind {} {word}",
            kind.code()
        );
    }
}

#[test]
fn every_frame_type_stands_in_the_text() {
    for (code, name) in FRAME_TYPES.iter().chain(BUNDLE_FRAME_TYPES) {
        assert!(
            has_row(&[&code.to_string(), name]),
            "frame type {code} {name}"
        );
    }
}

#[test]
fn every_refusal_stands_in_the_text_with_what_it_ends() {
    let known = (0..=u16::MAX).map(|code| (code, Refusal::from_code(code)));
    let known: Vec<_> = known
        .filter(|(code, refusal)| refusal.code() == *code)
        .collect();
    assert!(known.len() >= 18);
    for (code, refusal) in known {
        let name = format!("{refusal:?}");
        let ends = if refusal.ends_session() { "yes" } else { "no" };
        let is_there = rows()
            .iter()
            .any(|row| row.starts_with(&[&code.to_string(), &name]) && row.last() == Some(&ends));
        assert!(
            is_there,
            "refusal {code} {name}, which ends the session: {ends}"
        );
    }
}

#[test]
fn every_public_limit_stands_in_the_text_with_its_value() {
    let limits = public_limits();
    assert!(limits.len() > 25, "the sources were not found");
    for (name, value) in limits {
        assert!(
            has_row(&[&format!("`{name} = {value}`")]),
            "docs/protocol.md lacks {name} = {value}"
        );
    }
}

#[test]
fn every_section_that_the_code_cites_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["src", "link/src", "node/src"]
        .iter()
        .flat_map(|it| sources(&root.join(it)))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        for cited in text.split("protocol.md §").skip(1) {
            let section: String = cited.chars().take_while(char::is_ascii_digit).collect();
            let heading = format!("\n## {section} ");
            assert!(
                PROTOCOL.contains(&heading),
                "{} cites §{section}",
                file.display()
            );
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every `pub const NAME: <integer> = value;` of the rooms, by name and value.
fn public_limits() -> BTreeSet<(String, u64)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // What is not spelled out in numbers.
    let mut known = BTreeMap::from([
        ("domain::BATCH.len()".to_owned(), domain::BATCH.len() as u64),
        ("Signature::LEN".to_owned(), Signature::LEN as u64),
    ]);
    let mut limits = BTreeSet::new();
    for file in sources(root) {
        let is_in_a_room = ROOMS.iter().any(|room| {
            let room = root.join(room);
            file.starts_with(&room) || file == room.with_extension("rs")
        });
        if !is_in_a_room {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for (name, expression) in text.lines().filter_map(limit_of) {
            let value = evaluate(expression, &known);
            known.insert(name.to_owned(), value);
            limits.insert((name.to_owned(), value));
        }
    }
    limits
}

fn limit_of(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim().strip_prefix("pub const ")?.split_once(": ")?;
    let (ty, expression) = rest.strip_suffix(';')?.split_once(" = ")?;
    let is_limit =
        ["u8", "u16", "u32", "u64", "usize"].contains(&ty) && !expression.starts_with('$');
    is_limit.then_some((name, expression))
}

/// Sums of products of numbers and known names; `a << b`.
fn evaluate(expression: &str, known: &BTreeMap<String, u64>) -> u64 {
    if let Some((value, bits)) = expression.split_once(" << ") {
        return evaluate(value, known) << evaluate(bits, known);
    }
    let factor = |text: &str| {
        let number = text.trim().replace('_', "").parse().ok();
        number
            .or_else(|| known.get(text.trim()).copied())
            .unwrap_or_else(|| panic!("{expression}"))
    };
    expression
        .split(" + ")
        .map(|sum| sum.split(" * ").map(factor).product::<u64>())
        .sum()
}
