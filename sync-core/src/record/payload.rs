//! The content of one change entry, before compression.
//!
//! ```text
//! Begin       01 | kind_len u8 | kind utf-8 | nonce 8 | chunk …
//! BeginKeyed  02 | kind_len u8 | kind utf-8 | key_len u16 be | key utf-8 | chunk …
//! Edit        03 | record 16 | chunk …
//! ```
//! `chunk` runs to the end: one whole Automerge change chunk, type 1, uncompressed. The record id of a
//! beginning is not written; it is derived from what is:
//! ```text
//! Begin       first 16 bytes of derive(RECORD, device 32 | incarnation 8 | nonce 8 | kind)
//! BeginKeyed  first 16 bytes of derive(RECORD_KEY, kind_len u8 | kind | key)
//! ```
//! So an id proves its kind and its creator, or its kind and its key.

use std::fmt;

use thiserror::Error;

use crate::id::{DeviceId, Incarnation, RecordId};
use crate::keys::{derive, domain};

const TAG_BEGIN: u8 = 1;
const TAG_BEGIN_KEYED: u8 = 2;
const TAG_EDIT: u8 = 3;

/// Bytes that are no payload, or a name that cannot be put into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadPayload {
    /// The natural key is empty or longer than [`Target::KEY_BYTES_MAX`].
    #[error("the key of a record must have 1 to 256 bytes")]
    Key,
    /// The kind is empty, too long, or has other letters than `a-z`, `0-9` and `_`.
    #[error("the name of a kind must be 1 to 64 letters a-z, digits and _")]
    Kind,
    /// The bytes end too early.
    #[error("the payload is cut short")]
    Short,
    /// Bytes that must be text are not.
    #[error("the payload has text that is not utf-8")]
    Text,
    /// A payload of a sort that this version does not know.
    #[error("the payload is of unknown type {0}; a newer version may read it")]
    UnknownTag(u8),
}

/// The name of a kind of record: 1 to 64 bytes of `a-z`, `0-9` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName(String);

impl KindName {
    /// Longest name, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Takes a name after checking its letters.
    ///
    /// # Errors
    /// [`BadPayload::Kind`] if it breaks the rule.
    pub fn new(name: &str) -> Result<Self, BadPayload> {
        let fits = (1..=Self::BYTES_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(BadPayload::Kind)
        }
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn len_byte(&self) -> u8 {
        u8::try_from(self.0.len()).expect("a kind's name has at most 64 bytes")
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which record a change belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Begins a record that only this device can begin.
    Begin {
        /// What the record is.
        kind: KindName,
        /// Random, so that a device's records differ.
        nonce: [u8; 8],
    },
    /// Begins, or joins in beginning, the record that a natural key names.
    BeginKeyed {
        /// What the record is.
        kind: KindName,
        /// What is unique among records of the kind, such as a household's door code: 1 to 256 bytes.
        key: String,
    },
    /// Changes a record.
    Edit(RecordId),
}

impl Target {
    /// Longest natural key, in bytes.
    pub const KEY_BYTES_MAX: usize = 256;

    /// The record, when this log's device wrote the payload.
    #[must_use]
    pub fn record_id(&self, device: &DeviceId, incarnation: &Incarnation) -> RecordId {
        match self {
            Self::Begin { kind, nonce } => RecordId::from_hash(&derive(
                domain::RECORD,
                &[
                    device.as_bytes(),
                    incarnation.as_bytes(),
                    nonce,
                    kind.0.as_bytes(),
                ],
            )),
            Self::BeginKeyed { kind, key } => RecordId::from_hash(&derive(
                domain::RECORD_KEY,
                &[&[kind.len_byte()], kind.0.as_bytes(), key.as_bytes()],
            )),
            Self::Edit(record) => *record,
        }
    }
}

/// One change and the record that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Which record.
    pub target: Target,
    /// One Automerge change chunk; whether it is a sound one is for [`super::RecordDoc::apply`] to say.
    pub chunk: Vec<u8>,
}

impl Payload {
    /// Writes the layout drawn above. A key longer than [`Target::KEY_BYTES_MAX`] is cut where a
    /// character ends, as no honest caller makes one.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96_usize.saturating_add(self.chunk.len()));
        match &self.target {
            Target::Begin { kind, nonce } => {
                out.extend_from_slice(&[TAG_BEGIN, kind.len_byte()]);
                out.extend_from_slice(kind.0.as_bytes());
                out.extend_from_slice(nonce);
            }
            Target::BeginKeyed { kind, key } => {
                let key = cut(key, Target::KEY_BYTES_MAX);
                let key_len = u16::try_from(key.len()).expect("the key is cut to 256 bytes");
                out.extend_from_slice(&[TAG_BEGIN_KEYED, kind.len_byte()]);
                out.extend_from_slice(kind.0.as_bytes());
                out.extend_from_slice(&key_len.to_be_bytes());
                out.extend_from_slice(key.as_bytes());
            }
            Target::Edit(record) => {
                out.push(TAG_EDIT);
                out.extend_from_slice(record.as_bytes());
            }
        }
        out.extend_from_slice(&self.chunk);
        out
    }

    /// Reads the layout drawn above.
    ///
    /// # Errors
    /// [`BadPayload`] says which part is wrong. An empty chunk is [`BadPayload::Short`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BadPayload> {
        let (tag, rest) = bytes.split_first().ok_or(BadPayload::Short)?;
        let (target, chunk) = match *tag {
            TAG_BEGIN => {
                let (kind, rest) = take_kind(rest)?;
                let (nonce, rest) = rest.split_first_chunk::<8>().ok_or(BadPayload::Short)?;
                (
                    Target::Begin {
                        kind,
                        nonce: *nonce,
                    },
                    rest,
                )
            }
            TAG_BEGIN_KEYED => {
                let (kind, rest) = take_kind(rest)?;
                let (len, rest) = rest.split_first_chunk::<2>().ok_or(BadPayload::Short)?;
                let len = usize::from(u16::from_be_bytes(*len));
                if !(1..=Target::KEY_BYTES_MAX).contains(&len) {
                    return Err(BadPayload::Key);
                }
                let (key, rest) = take_text(rest, len)?;
                (
                    Target::BeginKeyed {
                        kind,
                        key: key.to_owned(),
                    },
                    rest,
                )
            }
            TAG_EDIT => {
                let (record, rest) = rest.split_first_chunk::<16>().ok_or(BadPayload::Short)?;
                (Target::Edit(RecordId::new(*record)), rest)
            }
            unknown => return Err(BadPayload::UnknownTag(unknown)),
        };
        if chunk.is_empty() {
            return Err(BadPayload::Short);
        }
        Ok(Self {
            target,
            chunk: chunk.to_vec(),
        })
    }
}

fn take_text(bytes: &[u8], len: usize) -> Result<(&str, &[u8]), BadPayload> {
    let (text, rest) = bytes.split_at_checked(len).ok_or(BadPayload::Short)?;
    let text = std::str::from_utf8(text).map_err(|_| BadPayload::Text)?;
    Ok((text, rest))
}

fn take_kind(bytes: &[u8]) -> Result<(KindName, &[u8]), BadPayload> {
    let (len, rest) = bytes.split_first().ok_or(BadPayload::Short)?;
    let (kind, rest) = take_text(rest, usize::from(*len))?;
    Ok((KindName::new(kind)?, rest))
}

fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or(text)
}
