//! The schema that a community writes by: the station's, with what was settled laid over it.
//!
//! Which changes are merged does not depend on it (ADR 11): settings say how records are written and shown,
//! so that rows alone are made anew when they change.

use std::ops::Deref;
use std::sync::Arc;

use crate::entry::seal::seal_text;
use crate::replica::mind::Mind;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::roster::role::{Role, Scope};
use crate::roster::settings::SCHEMA;
use crate::roster::statement::{Settings, Statement};
use crate::schema::{ADDITIONS_MAX, Kind, Schema, SchemaAddition};

/// A kind of the schema as it was when it was asked for.
#[derive(Debug, Clone)]
pub(super) struct KindRef {
    schema: Arc<Schema>,
    /// Beyond the end for a kind that the schema does not have.
    index: usize,
}

impl Deref for KindRef {
    type Target = Kind;

    fn deref(&self) -> &Kind {
        self.schema
            .kinds()
            .get(self.index)
            .unwrap_or_else(|| Kind::plain())
    }
}

impl Replica {
    /// The kinds of records: the station's, with what the community has added.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.mind.schema
    }

    /// The same, to be kept beyond this call: as it is now.
    #[must_use]
    pub fn shared_schema(&self) -> Arc<Schema> {
        Arc::clone(&self.mind.schema)
    }

    /// Adds to the community's schema; says whether that was not so already.
    ///
    /// # Errors
    /// [`ReplicaError::NotAllowed`] below coordinator of the community, [`ReplicaError::Addition`] if the
    /// addition breaks a rule, [`ReplicaError::OldAddition`] if a newer one with its id counts; the store's.
    pub fn extend_schema(
        &mut self,
        addition: &SchemaAddition,
        moment: &mut Moment<'_>,
    ) -> Result<bool, ReplicaError> {
        self.act(|tx, mind| {
            mind.require(Role::Coordinator, &Scope::Community)?;
            Schema::station().with(addition)?;
            let laid = mind.schema.additions();
            if laid.contains(addition) {
                return Ok(false);
            }
            let is_newer = |other: &SchemaAddition| other.version() > addition.version();
            let of_id = laid.iter().find(|other| other.id() == addition.id());
            if let Some(newer) = of_id.filter(|other| is_newer(other)) {
                return Err(ReplicaError::OldAddition(newer.version()));
            }
            let key = mind.key_to_write(&mind.commons);
            let key = key.ok_or(ReplicaError::NoKey)?;
            let value = seal_text(&mind.us, key, &addition.to_json(), moment.rng);
            let settled = mind.roster.settled(SCHEMA);
            let version = settled.last().map_or(0, |(_, last)| last.version);
            let settings = Settings {
                name: SCHEMA.to_owned(),
                version: version.saturating_add(1),
                value: value.into(),
            };
            mind.say(tx, &Statement::Settings(settings))?;
            Ok(true)
        })
    }
}

impl Mind {
    /// Lays what is settled and can be opened over the station's schema, if there is anything new of that.
    pub(super) fn lay_schema(&mut self) {
        let keys = self.keyring.iter().count();
        if !self.has_new_settings && keys == self.keys_laid_with {
            return;
        }
        self.has_new_settings = false;
        self.keys_laid_with = keys;
        let settled = self.roster.settled(SCHEMA);
        let additions = settled
            .iter()
            .rev()
            .take(ADDITIONS_MAX)
            .filter_map(|(_, setting)| {
                let json = self.open_text(&(setting.author, setting.value.clone()))?;
                SchemaAddition::parse(&json).ok()
            });
        let schema = Schema::station().with_all(additions);
        if schema.additions() != self.schema.additions() {
            self.schema = Arc::new(schema);
            self.twins.take();
        }
    }

    /// A kind that is written by.
    pub(super) fn kind(&self, name: &str) -> Result<KindRef, ReplicaError> {
        let mut kinds = self.schema.kinds().iter();
        let index = kinds.position(|kind| kind.name() == name);
        let index = index.ok_or_else(|| self.unknown_kind(name))?;
        let schema = Arc::clone(&self.schema);
        Ok(KindRef { schema, index })
    }

    /// Reads records of kinds that nobody here knows as it reads any: by their fields.
    pub(super) fn kind_or_plain(&self, name: &str) -> &Kind {
        self.schema.kind(name).unwrap_or_else(|| Kind::plain())
    }

    pub(super) fn unknown_kind(&self, name: &str) -> ReplicaError {
        let known: Vec<&str> = self.schema.kinds().iter().map(Kind::name).collect();
        ReplicaError::UnknownKind {
            kind: name.to_owned(),
            known: known.join(", "),
        }
    }
}
