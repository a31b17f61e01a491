//! The JSON form of a schema, and the rules that make it a [`Schema`].

use std::collections::BTreeSet;

use serde::Deserialize;
use thiserror::Error;

use super::{Choice, EditRight, Field, FieldType, Kind, Labels, Schema};
use crate::roster::role::Role;

/// Longest name of a kind, field or choice, in bytes.
const NAME_BYTES_MAX: usize = 32;

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaError {
    /// Not JSON, or not of a schema's shape.
    #[error(
        "the schema cannot be read at line {line}, column {column}: not JSON, or not a part that a schema has"
    )]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Version 0, or no kinds.
    #[error("a schema needs a version from 1 up and at least one kind")]
    Empty,
    /// A name that could not be typed as `name=value`.
    #[error(
        "\"{name}\" in {place} is no name: use up to 32 lower-case letters, digits and _, a letter first"
    )]
    Name {
        /// The name.
        name: String,
        /// The kind or field it stands in.
        place: String,
    },
    /// Two things of one name.
    #[error("{place} has \"{name}\" twice")]
    Twice {
        /// The name.
        name: String,
        /// The kind or field it stands in.
        place: String,
    },
    /// A label is missing in a language.
    #[error("{place} needs a label in zh and in en")]
    Label {
        /// The thing without a label.
        place: String,
    },
    /// A role that does not exist.
    #[error(
        "\"{role}\" in {place} is no role: the roles are owner, coordinator, lead, volunteer and observer"
    )]
    UnknownRole {
        /// The word found.
        role: String,
        /// The kind it stands in.
        place: String,
    },
    /// `title` or `natural_key` names something else than a required line.
    #[error("the {part} of {place} must be one of its fields, a required line; \"{name}\" is not")]
    KeyField {
        /// `title` or `natural_key`.
        part: &'static str,
        /// The name found.
        name: String,
        /// The kind.
        place: String,
    },
    /// A choice field without choices.
    #[error("{place} is a choice and needs at least one")]
    NoChoices {
        /// The field.
        place: String,
    },
    /// Choices on a field of another type.
    #[error("{place} has choices but is no choice")]
    StrayChoices {
        /// The field.
        place: String,
    },
}

/// A schema as written; unknown parts are refused, so that a slip of the pen is seen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SchemaDefinition {
    version: u32,
    kinds: Vec<KindDefinition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindDefinition {
    name: String,
    labels: Labels,
    title: String,
    create: String,
    edit: EditDefinition,
    #[serde(default)]
    natural_key: Option<String>,
    fields: Vec<FieldDefinition>,
}

/// `{"own": {"any": ROLE}}` or `{"any": {"least": ROLE}}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum EditDefinition {
    Own { any: String },
    Any { least: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldDefinition {
    name: String,
    labels: Labels,
    #[serde(rename = "type")]
    ty: TypeDefinition,
    #[serde(default)]
    choices: Vec<ChoiceDefinition>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    personal: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TypeDefinition {
    Line,
    Text,
    Number,
    Date,
    Flag,
    Choice,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceDefinition {
    value: String,
    labels: Labels,
}

impl TryFrom<SchemaDefinition> for Schema {
    type Error = SchemaError;

    fn try_from(definition: SchemaDefinition) -> Result<Self, SchemaError> {
        if definition.version == 0 || definition.kinds.is_empty() {
            return Err(SchemaError::Empty);
        }
        let names = definition.kinds.iter().map(|kind| kind.name.as_str());
        check_names(names, "the schema")?;
        let kinds = definition
            .kinds
            .into_iter()
            .map(kind)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            version: definition.version,
            kinds,
        })
    }
}

fn kind(definition: KindDefinition) -> Result<Kind, SchemaError> {
    let place = format!("the kind \"{}\"", definition.name);
    check_labels(&definition.labels, &place)?;
    check_names(
        definition.fields.iter().map(|field| field.name.as_str()),
        &place,
    )?;
    let edit = match &definition.edit {
        EditDefinition::Own { any } => EditRight::Own {
            any: role(any, &place)?,
        },
        EditDefinition::Any { least } => EditRight::Any {
            least: role(least, &place)?,
        },
    };
    let create = role(&definition.create, &place)?;
    let fields: Vec<Field> = definition
        .fields
        .into_iter()
        .map(|each| field(each, &place))
        .collect::<Result<_, _>>()?;
    check_key_field("title", &definition.title, &fields, &place)?;
    if let Some(name) = &definition.natural_key {
        check_key_field("natural_key", name, &fields, &place)?;
    }
    Ok(Kind {
        name: definition.name,
        labels: definition.labels,
        title: definition.title,
        fields,
        create,
        edit,
        natural_key: definition.natural_key,
    })
}

fn field(definition: FieldDefinition, kind_place: &str) -> Result<Field, SchemaError> {
    let place = format!("the field \"{}\" of {kind_place}", definition.name);
    check_labels(&definition.labels, &place)?;
    let is_choice = matches!(definition.ty, TypeDefinition::Choice);
    if is_choice && definition.choices.is_empty() {
        return Err(SchemaError::NoChoices { place });
    }
    if !is_choice && !definition.choices.is_empty() {
        return Err(SchemaError::StrayChoices { place });
    }
    let ty = match definition.ty {
        TypeDefinition::Line => FieldType::Line,
        TypeDefinition::Text => FieldType::Text,
        TypeDefinition::Number => FieldType::Number,
        TypeDefinition::Date => FieldType::Date,
        TypeDefinition::Flag => FieldType::Flag,
        TypeDefinition::Choice => FieldType::Choice(choices(definition.choices, &place)?),
    };
    Ok(Field {
        name: definition.name,
        labels: definition.labels,
        ty,
        required: definition.required,
        personal: definition.personal,
    })
}

fn choices(definitions: Vec<ChoiceDefinition>, place: &str) -> Result<Vec<Choice>, SchemaError> {
    check_names(
        definitions.iter().map(|choice| choice.value.as_str()),
        place,
    )?;
    let choice = |definition: ChoiceDefinition| {
        check_labels(
            &definition.labels,
            &format!("\"{}\" in {place}", definition.value),
        )?;
        Ok(Choice {
            value: definition.value,
            labels: definition.labels,
        })
    };
    definitions.into_iter().map(choice).collect()
}

fn role(name: &str, place: &str) -> Result<Role, SchemaError> {
    name.parse().map_err(|_unknown| SchemaError::UnknownRole {
        role: name.to_owned(),
        place: place.to_owned(),
    })
}

fn check_labels(labels: &Labels, place: &str) -> Result<(), SchemaError> {
    if labels.zh.trim().is_empty() || labels.en.trim().is_empty() {
        return Err(SchemaError::Label {
            place: place.to_owned(),
        });
    }
    Ok(())
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>, place: &str) -> Result<(), SchemaError> {
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

fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn check_key_field(
    part: &'static str,
    name: &str,
    fields: &[Field],
    place: &str,
) -> Result<(), SchemaError> {
    let is_key =
        |field: &Field| field.name == name && field.required && field.ty == FieldType::Line;
    if fields.iter().any(is_key) {
        return Ok(());
    }
    Err(SchemaError::KeyField {
        part,
        name: name.to_owned(),
        place: place.to_owned(),
    })
}
