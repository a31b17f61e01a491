//! The values of fields.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Letters of an item's id.
const ITEM_ID_LEN: usize = 8;
/// Longest name that may belong to a set, in bytes.
const ELEMENT_BYTES_MAX: usize = 64;

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Of a line, text, date, time, choice, member, link or point. An empty one clears the field.
    Text(String),
    /// Of a number or of minutes.
    Number(i64),
    /// Of a flag.
    Flag(bool),
    /// Of a set: names of choices, ids of members or ids of records.
    Set(BTreeSet<String>),
    /// Of a list, in its order.
    List(Vec<Item>),
}

impl Value {
    /// Whether it says nothing, as far as a required field is concerned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Number(_) | Self::Flag(_) => false,
            Self::Set(elements) => elements.is_empty(),
            Self::List(items) => items.is_empty(),
        }
    }

    /// As it stands in the rows of the view: sets as sorted arrays, lists as arrays of `{id, text, done}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => serde_json::Value::from(text.as_str()),
            Self::Number(number) => serde_json::Value::from(*number),
            Self::Flag(flag) => serde_json::Value::from(*flag),
            Self::Set(elements) => elements.iter().map(String::as_str).collect(),
            Self::List(items) => items.iter().map(Item::to_json).collect(),
        }
    }
}

impl fmt::Display for Value {
    /// In a form that a field of the value's type takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Set(elements) => {
                let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
                f.write_str(&elements.join(", "))
            }
            Self::List(items) => {
                let lines: Vec<String> = items.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

/// Whether something may belong to a set: a name or an id, of letters `a-z`, digits and `_`.
pub(crate) fn is_element(text: &str) -> bool {
    (1..=ELEMENT_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// Stays the same while the item is moved, written and ticked; none until it is part of a record.
    pub id: Option<ItemId>,
    /// What it says, in one line.
    pub text: String,
    /// Whether it is ticked.
    pub done: bool,
}

impl Item {
    /// One that is not part of a record yet.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            id: None,
            text: text.to_owned(),
            done: false,
        }
    }

    /// As it stands in the rows of the view.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let id = self.id.map(|id| id.to_string());
        serde_json::json!({ "id": id, "text": self.text, "done": self.done })
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", if self.done { 'x' } else { ' ' }, self.text)
    }
}

/// The name of an item within its list: eight letters `a-z` and digits `2-7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemId([u8; ITEM_ID_LEN]);

/// A text that names no item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an item is named by 8 letters a-z and digits 2-7")]
pub struct ParseItemIdError;

impl ItemId {
    /// Takes the first letters of a hash.
    pub(crate) fn from_hash(hash: &blake3::Hash) -> Self {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut letters = [b'a'; ITEM_ID_LEN];
        for (letter, byte) in letters.iter_mut().zip(hash.as_bytes()) {
            *letter = LETTERS
                .get(usize::from(byte & 31))
                .copied()
                .unwrap_or(*letter);
        }
        Self(letters)
    }
}

impl FromStr for ItemId {
    type Err = ParseItemIdError;

    fn from_str(text: &str) -> Result<Self, ParseItemIdError> {
        let letters =
            <[u8; ITEM_ID_LEN]>::try_from(text.as_bytes()).map_err(|_| ParseItemIdError)?;
        let is_letter = |b: &u8| matches!(b, b'a'..=b'z' | b'2'..=b'7');
        if letters.iter().all(is_letter) {
            Ok(Self(letters))
        } else {
            Err(ParseItemIdError)
        }
    }
}

impl TryFrom<String> for ItemId {
    type Error = ParseItemIdError;

    fn try_from(text: String) -> Result<Self, ParseItemIdError> {
        text.parse()
    }
}

impl From<ItemId> for String {
    fn from(id: ItemId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|b| write!(f, "{}", char::from(*b)))
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemId({self})")
    }
}

/// A place on the map, as coarse as its field says. Written as `latitude, longitude` in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// A text that names no place on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a place is written as latitude, longitude in degrees, such as 23.021, 113.121")]
pub struct ParsePointError;

impl Point {
    /// The text that is kept: both numbers with so many decimals and no more.
    #[must_use]
    pub fn rounded(&self, decimals: u8) -> String {
        let digits = usize::from(decimals);
        let part = |degrees: f64| {
            let text = format!("{degrees:.digits$}");
            // Nothing is a little less than nothing.
            let is_zero = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
            if is_zero { text.replace('-', "") } else { text }
        };
        format!("{}, {}", part(self.latitude), part(self.longitude))
    }
}

impl FromStr for Point {
    type Err = ParsePointError;

    fn from_str(text: &str) -> Result<Self, ParsePointError> {
        let mut parts = text
            .split([',', '，', ' ', '\t'])
            .filter(|part| !part.is_empty());
        let mut degrees = |most: f64| {
            let part = parts.next().ok_or(ParsePointError)?;
            let is_plain = part
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
            let degrees: f64 = part.parse().map_err(|_| ParsePointError)?;
            if is_plain && degrees.abs() <= most {
                Ok(degrees)
            } else {
                Err(ParsePointError)
            }
        };
        let (latitude, longitude) = (degrees(90.0)?, degrees(180.0)?);
        if parts.next().is_some() {
            return Err(ParsePointError);
        }
        Ok(Self {
            latitude,
            longitude,
        })
    }
}
