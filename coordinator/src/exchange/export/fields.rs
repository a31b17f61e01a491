//! Which fields of a kind go out.

use sync_core::schema::{Field, Kind};

/// The fields that an export has.
pub(super) fn shown_fields(kind: &Kind, personal: bool) -> impl Iterator<Item = &Field> {
    kind.fields()
        .iter()
        .filter(move |field| personal || !field.personal())
}

/// The fields that it leaves out.
pub(super) fn left_out(kind: &Kind, personal: bool) -> impl Iterator<Item = &Field> {
    kind.fields()
        .iter()
        .filter(move |field| !personal && field.personal())
}

/// Whether records of the kind are named by something personal.
pub(super) fn has_personal_title(kind: &Kind) -> bool {
    kind.field(kind.title()).is_some_and(Field::personal)
}
