//! What is not shown of a resident.

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

/// The first character, and no more: enough to find one's own record, too little for others.
pub(super) fn masked(title: &str) -> String {
    title
        .chars()
        .next()
        .map_or_else(String::new, |first| format!("{first}**"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_keep_their_first_character() {
        assert_eq!(masked("王奶奶"), "王**");
        assert_eq!(masked("3"), "3**");
        assert_eq!(masked(""), "");
    }
}
