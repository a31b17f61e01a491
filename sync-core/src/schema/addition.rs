//! What a community lays over the station's schema: kinds, fields and choices of its own, other words.
//!
//! An addition is JSON of the same shape as a schema, with an id and a version of its own. It names only what
//! it adds or changes:
//!
//! ```json
//! {"id": "danzao", "version": 3, "kinds": [
//!   {"name": "visit", "fields": [
//!     {"name": "mood", "hidden": true},
//!     {"name": "dialect", "type": "line", "labels": {"zh": "方言", "en": "Dialect"}}]}]}
//! ```
//!
//! Phones are not updated on one day. What an addition says that this version cannot read is kept, handed on
//! and left out here. What it can read and would loosen the station's own rights, or take away its fields,
//! is refused: rights are judged by the station's schema alone, so that all replicas merge the same. Of
//! several additions with one id the newest counts; different ones are laid in the order of version and id,
//! and what clashes with what lies there already is left out. So everybody who has the same additions has the
//! same schema, whatever came first.

mod lay;

use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::definition::{SchemaDefinition, is_name};
use super::{Kind, Schema, SchemaError};

/// Most additions that are looked at together.
pub const ADDITIONS_MAX: usize = 256;
/// Longest addition, in bytes.
pub(super) const ADDITION_BYTES_MAX: usize = 64 * 1024;

/// What one hand has laid over the station's schema.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaAddition {
    id: String,
    version: u32,
    /// As it was written, with what only newer versions can read.
    json: Value,
}

/// A text that is no addition to a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadAddition {
    /// Not JSON.
    #[error("the addition cannot be read at line {line}, column {column}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Without a name, or with version 0 or none.
    #[error("an addition needs an id of lower-case letters, digits and _, and a version from 1 up")]
    Unnamed,
    /// Longer than any that people write.
    #[error("an addition has at most {ADDITION_BYTES_MAX} bytes")]
    TooLong,
}

impl SchemaAddition {
    /// Reads an addition from JSON. What it says is looked at in [`Schema::with`].
    ///
    /// # Errors
    /// [`BadAddition`] if it is not JSON, has no id and version, or is too long.
    pub fn parse(json: &str) -> Result<Self, BadAddition> {
        if json.len() > ADDITION_BYTES_MAX {
            return Err(BadAddition::TooLong);
        }
        let json: Value = serde_json::from_str(json).map_err(|error| BadAddition::Json {
            line: error.line(),
            column: error.column(),
        })?;
        let id = json.get("id").and_then(Value::as_str);
        let id = id.filter(|id| is_name(id)).ok_or(BadAddition::Unnamed)?;
        let version = json.get("version").and_then(Value::as_u64);
        let version = version.and_then(|version| u32::try_from(version).ok());
        let version = version.filter(|version| *version > 0);
        Ok(Self {
            id: id.to_owned(),
            version: version.ok_or(BadAddition::Unnamed)?,
            json,
        })
    }

    /// As it was written, with what only newer versions can read.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.json.to_string()
    }

    /// Whose it is: a newer addition takes the place of an older one with the same id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Grows with every change of it.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What additions are laid by; the text stands last, for two that were changed apart to one version.
    fn order(&self) -> (u32, &str, String) {
        (self.version, &self.id, self.to_json())
    }
}

impl Schema {
    /// Lays an addition over the schema, beside those that lie there.
    ///
    /// # Errors
    /// What the addition would loosen or take away of the station's own schema, or the rule that one of its
    /// parts breaks: then it counts for nothing. This depends on no other addition.
    pub fn with(&self, addition: &SchemaAddition) -> Result<Self, SchemaError> {
        self.check(addition)?;
        let mut additions = self.additions.clone();
        additions.push(addition.clone());
        Ok(self.laid_over(newest_of(additions)))
    }

    /// Lays additions over the schema as [`Schema::with`] does one after the other; those that it refuses
    /// are left out.
    #[must_use]
    pub fn with_all(&self, additions: impl IntoIterator<Item = SchemaAddition>) -> Self {
        let mut all = self.additions.clone();
        let sound = additions.into_iter().filter(|one| self.check(one).is_ok());
        all.extend(sound);
        self.laid_over(newest_of(all))
    }

    fn check(&self, addition: &SchemaAddition) -> Result<(), SchemaError> {
        let mut problems = Vec::new();
        let mut alone = (*self.base).clone();
        addition.lay_over(&mut alone, &self.base, &mut problems);
        problems.into_iter().next().map_or(Ok(()), Err)
    }

    fn laid_over(&self, additions: Vec<SchemaAddition>) -> Self {
        let mut written: SchemaDefinition = (*self.base).clone();
        for addition in &additions {
            // What clashes with an earlier one is left out.
            addition.lay_over(&mut written, &self.base, &mut Vec::new());
        }
        let kinds = written.kinds.iter().filter_map(|kind| Kind::of(kind).ok());
        Self {
            version: self.version,
            kinds: kinds.collect(),
            written: Arc::new(written),
            base: Arc::clone(&self.base),
            additions,
        }
    }
}

/// Of each id the newest, each once, in the order in which they are laid.
fn newest_of(additions: Vec<SchemaAddition>) -> Vec<SchemaAddition> {
    let newest = |id: &str| {
        let of_id = additions.iter().filter(|other| other.id == id);
        of_id.map(|other| other.version).max()
    };
    let mut kept: Vec<SchemaAddition> = additions
        .iter()
        .filter(|one| newest(&one.id) == Some(one.version))
        .cloned()
        .collect();
    kept.sort_by_cached_key(|one| {
        let (version, id, text) = one.order();
        (version, id.to_owned(), text)
    });
    kept.dedup();
    kept
}
