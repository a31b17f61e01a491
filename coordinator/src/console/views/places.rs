//! Where pages lead to, and what is asked before something cannot be taken back.

use super::shared::Choice;

/// A line that leads somewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Go {
    pub(crate) href: String,
    pub(crate) icon: String,
    pub(crate) label: String,
    pub(crate) hint: String,
    pub(crate) has_count: bool,
    pub(crate) count: String,
}

/// The rest of the menu, for phones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct More {
    pub(crate) me_line: String,
    pub(crate) groups: Vec<MoreGroup>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MoreGroup {
    pub(crate) title: String,
    pub(crate) links: Vec<Go>,
}

/// Asks again where no script could; the same values are sent once more, with `confirmed=yes`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Confirm {
    pub(crate) title: String,
    pub(crate) points: Vec<String>,
    pub(crate) action: String,
    /// Value: the field's name, label: its value.
    pub(crate) hidden: Vec<Choice>,
    pub(crate) yes: String,
}
