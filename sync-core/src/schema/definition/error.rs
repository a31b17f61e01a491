//! Why a schema cannot be used.

use thiserror::Error;

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
    /// A type that this version does not know.
    #[error("\"{ty}\" in {place} is no type of a field")]
    UnknownType {
        /// The word found.
        ty: String,
        /// The field.
        place: String,
    },
    /// `title` names something else than a required line or text, or `natural_key` something else than a
    /// required line.
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
    /// Kinds on a field of another type.
    #[error("{place} has kinds but is no link")]
    StrayKinds {
        /// The field.
        place: String,
    },
    /// Decimals on a field of another type, or more than a point has.
    #[error("{place} has decimals: only points have, and at most 6")]
    Decimals {
        /// The field.
        place: String,
    },
    /// Something is hidden that records cannot do without.
    #[error("{place} is needed and cannot be hidden")]
    Hidden {
        /// The field.
        place: String,
    },
    /// Only those who did not begin a record may edit it.
    #[error("whoever begins a record of {place} must be able to edit it: \"other\" is for states")]
    OtherEdits {
        /// The kind.
        place: String,
    },
    /// States without the field for them.
    #[error(
        "{place} has states: it needs a required choice named state, without choices of its own"
    )]
    StateField {
        /// The kind.
        place: String,
    },
    /// No state to begin in.
    #[error("{place} has states but none to begin in: one needs an empty \"from\"")]
    NoFirstState {
        /// The kind.
        place: String,
    },
    /// A state that is not there.
    #[error("{place} is reached from \"{name}\", which is no state")]
    UnknownState {
        /// The name found.
        name: String,
        /// The state it stands in.
        place: String,
    },
    /// A state needs a reason and there is no field for it.
    #[error("a state of {place} needs a reason: it needs a line or text named reason")]
    ReasonField {
        /// The kind.
        place: String,
    },
    /// Rights of who began a record, where several may have.
    #[error("{place} has a natural key: several may begin one, so no right can ask who did")]
    KeyedCreator {
        /// The kind.
        place: String,
    },
    /// An addition takes something from the station's own schema.
    #[error("the {part} of {place} is the station's own: an addition cannot loosen or change it")]
    BuiltIn {
        /// What it would change.
        part: &'static str,
        /// The kind or field.
        place: String,
    },
}
