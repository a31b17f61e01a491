//! The rules of a schema that are not in its shape.

use std::collections::BTreeSet;

use super::{FieldDefinition, SchemaError, place_of};
use crate::roster::role::Role;
use crate::schema::{EditRight, Field, FieldType, Kind, Labels, REASON_FIELD, STATE_FIELD, State};

/// Longest name of a kind, field or choice, in bytes.
const NAME_BYTES_MAX: usize = 32;
/// Most decimals of a degree that a point may keep: a tenth of a metre.
const DECIMALS_MAX: u8 = 6;

impl Kind {
    pub(super) fn check(&self, place: &str) -> Result<(), SchemaError> {
        self.check_key_field("title", &self.title, place)?;
        if let Some(name) = &self.natural_key {
            self.check_key_field("natural_key", name, place)?;
        }
        self.check_states(place)?;
        let is_creator_asked = matches!(self.edit, EditRight::Own { .. })
            || self.states.iter().any(|state| state.who.asks_for_creator());
        if self.natural_key.is_some() && is_creator_asked {
            return Err(SchemaError::KeyedCreator {
                place: place.to_owned(),
            });
        }
        let is_needed = |field: &&Field| field.hidden && field.required;
        match self.fields.iter().find(is_needed) {
            Some(field) => Err(SchemaError::Hidden {
                place: place_of(&field.name, &self.name),
            }),
            None => Ok(()),
        }
    }

    fn check_key_field(
        &self,
        part: &'static str,
        name: &str,
        place: &str,
    ) -> Result<(), SchemaError> {
        let fits =
            |ty: &FieldType| *ty == FieldType::Line || (part == "title" && *ty == FieldType::Text);
        let is_key = |field: &Field| field.required && fits(&field.ty);
        if self.field(name).is_some_and(is_key) {
            return Ok(());
        }
        Err(SchemaError::KeyField {
            part,
            name: name.to_owned(),
            place: place.to_owned(),
        })
    }

    fn check_states(&self, place: &str) -> Result<(), SchemaError> {
        if self.states.is_empty() {
            return Ok(());
        }
        let place = || place.to_owned();
        if !self.field(STATE_FIELD).is_some_and(Field::required) {
            return Err(SchemaError::StateField { place: place() });
        }
        if !self.states.iter().any(State::is_initial) {
            return Err(SchemaError::NoFirstState { place: place() });
        }
        let holds_reasons = |field: &Field| matches!(field.ty, FieldType::Line | FieldType::Text);
        let needs_reason = self.states.iter().any(State::needs_reason);
        if needs_reason && !self.field(REASON_FIELD).is_some_and(holds_reasons) {
            return Err(SchemaError::ReasonField { place: place() });
        }
        Ok(())
    }
}

pub(super) fn check_type(
    ty: &FieldType,
    definition: &FieldDefinition,
    place: &str,
) -> Result<(), SchemaError> {
    let place = || place.to_owned();
    // What belongs to a type that is not known is not known either.
    if matches!(ty, FieldType::Other(_)) {
        return Ok(());
    }
    let is_choice = matches!(ty, FieldType::Choice(_) | FieldType::Choices(_));
    if is_choice && ty.choices().is_empty() {
        return Err(SchemaError::NoChoices { place: place() });
    }
    if !is_choice && !definition.choices.is_empty() {
        return Err(SchemaError::StrayChoices { place: place() });
    }
    let is_link = matches!(ty, FieldType::Link(_) | FieldType::Links(_));
    if !is_link && !definition.kinds.is_empty() {
        return Err(SchemaError::StrayKinds { place: place() });
    }
    let is_point = matches!(ty, FieldType::Point { .. });
    let fits = |decimals: u8| is_point && decimals <= DECIMALS_MAX;
    if !definition.decimals.is_none_or(fits) {
        return Err(SchemaError::Decimals { place: place() });
    }
    Ok(())
}

pub(super) fn role(name: &str, place: &str) -> Result<Role, SchemaError> {
    name.parse().map_err(|_unknown| SchemaError::UnknownRole {
        role: name.to_owned(),
        place: place.to_owned(),
    })
}

pub(super) fn check_labels(labels: &Labels, place: &str) -> Result<(), SchemaError> {
    if labels.zh.trim().is_empty() || labels.en.trim().is_empty() {
        return Err(SchemaError::Label {
            place: place.to_owned(),
        });
    }
    Ok(())
}

pub(super) fn check_names<'a>(
    names: impl Iterator<Item = &'a str>,
    place: &str,
) -> Result<(), SchemaError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !is_name(name) {
            return Err(SchemaError::Name {
                name: name.to_owned(),
                place: place.to_owned(),
            });
        }
        if !seen.insert(name) {
            return Err(SchemaError::Twice {
                name: name.to_owned(),
                place: place.to_owned(),
            });
        }
    }
    Ok(())
}

/// Whether this may name a kind, a field or a choice: up to 32 lower-case letters, digits and `_`.
pub(in crate::schema) fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
