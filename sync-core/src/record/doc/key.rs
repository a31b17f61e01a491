//! How fields lie in the document: what the keys of its root map stand for.
//!
//! ```text
//! <field>                   a scalar, or a text object
//! <field>/<element>         true: the element belongs to the set
//! <field>/<item>            a text: the place of the item in its list
//! <field>/<item>/text       a text object: what the item says
//! <field>/<item>/done       true: the item is ticked
//! ```
//! Sets and lists lie flat in the root map, not in maps and lists of their own. So they need nothing that the
//! gate does not let in for other fields, two phones that begin the same set begin one set and not two, and
//! a version that knows nothing of sets merges them like anything else (docs/adr/0009).

use crate::schema::{ItemId, is_element};

/// What a key of the root map stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'k> {
    /// A field that is a value of its own.
    Field(&'k str),
    /// An element of a set, or the place of an item in a list.
    Member(&'k str, &'k str),
    /// What an item of a list says.
    Text(&'k str, ItemId),
    /// Whether an item of a list is ticked.
    Done(&'k str, ItemId),
}

impl<'k> Key<'k> {
    /// `None` for a key that nobody's field has.
    pub(super) fn parse(key: &'k str) -> Option<Self> {
        let Some((field, part)) = key.split_once('/') else {
            return Some(Self::Field(key));
        };
        match part.split_once('/') {
            None => is_element(part).then_some(Self::Member(field, part)),
            Some((item, "text")) => Some(Self::Text(field, item.parse().ok()?)),
            Some((item, "done")) => Some(Self::Done(field, item.parse().ok()?)),
            Some(_) => None,
        }
    }

    pub(super) fn field(self) -> &'k str {
        match self {
            Self::Field(field)
            | Self::Member(field, _)
            | Self::Text(field, _)
            | Self::Done(field, _) => field,
        }
    }
}

pub(super) fn member_key(field: &str, element: &str) -> String {
    format!("{field}/{element}")
}

pub(super) fn place_key(field: &str, item: ItemId) -> String {
    format!("{field}/{item}")
}

pub(super) fn text_key(field: &str, item: ItemId) -> String {
    format!("{field}/{item}/text")
}

pub(super) fn done_key(field: &str, item: ItemId) -> String {
    format!("{field}/{item}/done")
}
