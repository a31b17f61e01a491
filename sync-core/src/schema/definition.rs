//! The JSON form of a schema, and the rules that make it a [`Schema`].

mod check;
mod error;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::error::SchemaError;

pub(super) use self::check::is_name;
use self::check::{check_labels, check_names, role};
use super::{
    Choice, EditRight, Field, FieldType, Group, Kind, Labels, STATE_FIELD, Schema, State, Who,
};

/// Decimals of a degree that a point keeps if its field does not say.
const DECIMALS: u8 = 3;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A schema as written; unknown parts are refused, so that a slip of the pen is seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SchemaDefinition {
    pub(super) version: u32,
    pub(super) kinds: Vec<KindDefinition>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindDefinition {
    pub(super) name: String,
    pub(super) labels: Labels,
    #[serde(default = "work")]
    pub(super) group: Group,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) icon: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) retention_days: Option<u32>,
    pub(super) title: String,
    pub(super) create: String,
    pub(super) edit: RightDefinition,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) natural_key: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) states: Vec<StateDefinition>,
    pub(super) fields: Vec<FieldDefinition>,
}

fn work() -> Group {
    Group::Work
}

/// `{"any": {"least": ROLE}}`, `{"own": {"any": ROLE}}` or, for states, `{"other": {"least": ROLE}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(super) enum RightDefinition {
    Own { any: String },
    Any { least: String },
    Other { least: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateDefinition {
    pub(super) value: String,
    pub(super) labels: Labels,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) from: Vec<String>,
    pub(super) who: RightDefinition,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) needs_reason: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) is_end: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldDefinition {
    pub(super) name: String,
    pub(super) labels: Labels,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) help: Option<Labels>,
    #[serde(rename = "type")]
    pub(super) ty: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) choices: Vec<ChoiceDefinition>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) kinds: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) decimals: Option<u8>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) required: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) personal: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) sensitive: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) hidden: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) retention_days: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoiceDefinition {
    pub(super) value: String,
    pub(super) labels: Labels,
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
            .iter()
            .map(Kind::of)
            .collect::<Result<Vec<_>, _>>()?;
        let fields = kinds
            .iter()
            .flat_map(|kind| kind.fields().iter().map(move |field| (kind, field)));
        for (kind, field) in fields {
            if let FieldType::Other(ty) = field.ty() {
                return Err(SchemaError::UnknownType {
                    ty: ty.clone(),
                    place: place_of(field.name(), &kind.name),
                });
            }
        }
        let written = Arc::new(definition);
        Ok(Self {
            version: written.version,
            kinds,
            base: Arc::clone(&written),
            written,
            additions: Vec::new(),
        })
    }
}

fn place_of(field: &str, kind: &str) -> String {
    format!("the field \"{field}\" of the kind \"{kind}\"")
}

impl Kind {
    /// A kind by its definition. A type that is not known makes a field that is only read.
    pub(super) fn of(definition: &KindDefinition) -> Result<Self, SchemaError> {
        let place = format!("the kind \"{}\"", definition.name);
        check_labels(&definition.labels, &place)?;
        check_names(
            definition.fields.iter().map(|field| field.name.as_str()),
            &place,
        )?;
        let edit = edit_right(&definition.edit, &place)?;
        let create = role(&definition.create, &place)?;
        let states = states(&definition.states, &place)?;
        let fields = definition
            .fields
            .iter()
            .map(|field| Field::of(field, &definition.name, &states))
            .collect::<Result<Vec<_>, _>>()?;
        let (blobs, fields) = fields
            .into_iter()
            .partition(|field: &Field| field.ty == FieldType::Blob);
        let kind = Self {
            name: definition.name.clone(),
            labels: definition.labels.clone(),
            group: definition.group,
            icon: definition.icon.clone(),
            retention_days: definition.retention_days,
            title: definition.title.clone(),
            fields,
            blobs,
            states,
            create,
            edit,
            natural_key: definition.natural_key.clone(),
        };
        kind.check(&place)?;
        Ok(kind)
    }
}

fn edit_right(definition: &RightDefinition, place: &str) -> Result<EditRight, SchemaError> {
    Ok(match definition {
        RightDefinition::Own { any } => EditRight::Own {
            any: role(any, place)?,
        },
        RightDefinition::Any { least } => EditRight::Any {
            least: role(least, place)?,
        },
        RightDefinition::Other { .. } => {
            return Err(SchemaError::OtherEdits {
                place: place.to_owned(),
            });
        }
    })
}

fn states(definitions: &[StateDefinition], place: &str) -> Result<Vec<State>, SchemaError> {
    let states_place = format!("the states of {place}");
    let names = || definitions.iter().map(|state| state.value.as_str());
    check_names(names(), &states_place)?;
    let state = |definition: &StateDefinition| {
        let place = format!("the state \"{}\" of {place}", definition.value);
        check_labels(&definition.labels, &place)?;
        let is_unknown = |from: &&String| !names().any(|name| name == from.as_str());
        if let Some(unknown) = definition.from.iter().find(is_unknown) {
            return Err(SchemaError::UnknownState {
                name: unknown.clone(),
                place,
            });
        }
        let who = match &definition.who {
            RightDefinition::Own { any } => Who::Own {
                any: role(any, &place)?,
            },
            RightDefinition::Any { least } => Who::Any {
                least: role(least, &place)?,
            },
            RightDefinition::Other { least } => Who::Other {
                least: role(least, &place)?,
            },
        };
        Ok(State {
            value: definition.value.clone(),
            labels: definition.labels.clone(),
            from: definition.from.clone(),
            who,
            needs_reason: definition.needs_reason,
            is_end: definition.is_end,
        })
    };
    definitions.iter().map(state).collect()
}

impl Field {
    fn of(definition: &FieldDefinition, kind: &str, states: &[State]) -> Result<Self, SchemaError> {
        let place = place_of(&definition.name, kind);
        check_labels(&definition.labels, &place)?;
        if let Some(help) = &definition.help {
            check_labels(help, &place)?;
        }
        let is_state = definition.name == STATE_FIELD && !states.is_empty();
        let choices = if is_state {
            states.iter().map(Choice::of_state).collect()
        } else {
            choices(&definition.choices, &place)?
        };
        let is_stray = is_state && !definition.choices.is_empty();
        let ty = field_type(definition, choices, &place)?;
        if is_stray || (is_state && !matches!(ty, FieldType::Choice(_))) {
            return Err(SchemaError::StateField {
                place: format!("the kind \"{kind}\""),
            });
        }
        Ok(Self {
            name: definition.name.clone(),
            labels: definition.labels.clone(),
            help: definition.help.clone(),
            ty,
            required: definition.required,
            personal: definition.personal || definition.sensitive,
            sensitive: definition.sensitive,
            hidden: definition.hidden,
            retention_days: definition.retention_days,
        })
    }
}

impl Choice {
    fn of_state(state: &State) -> Self {
        Self {
            value: state.value.clone(),
            labels: state.labels.clone(),
        }
    }
}

fn field_type(
    definition: &FieldDefinition,
    choices: Vec<Choice>,
    place: &str,
) -> Result<FieldType, SchemaError> {
    let ty = match definition.ty.as_str() {
        "line" => FieldType::Line,
        "text" => FieldType::Text,
        "number" => FieldType::Number,
        "minutes" => FieldType::Minutes,
        "date" => FieldType::Date,
        "time" => FieldType::Time,
        "flag" => FieldType::Flag,
        "choice" => FieldType::Choice(choices),
        "choices" => FieldType::Choices(choices),
        "member" => FieldType::Member,
        "members" => FieldType::Members,
        "link" => FieldType::Link(definition.kinds.clone()),
        "links" => FieldType::Links(definition.kinds.clone()),
        "list" => FieldType::List,
        "point" => FieldType::Point {
            decimals: definition.decimals.unwrap_or(DECIMALS),
        },
        "blob" => FieldType::Blob,
        other => FieldType::Other(other.to_owned()),
    };
    check::check_type(&ty, definition, place)?;
    Ok(ty)
}

fn choices(definitions: &[ChoiceDefinition], place: &str) -> Result<Vec<Choice>, SchemaError> {
    check_names(
        definitions.iter().map(|choice| choice.value.as_str()),
        place,
    )?;
    let choice = |definition: &ChoiceDefinition| {
        check_labels(
            &definition.labels,
            &format!("\"{}\" in {place}", definition.value),
        )?;
        Ok(Choice {
            value: definition.value.clone(),
            labels: definition.labels.clone(),
        })
    };
    definitions.iter().map(choice).collect()
}
