//! How a folder without a community begins.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Begin {
    pub(crate) lead: String,
    pub(crate) ticket: Line,
    pub(crate) name: Line,
    pub(crate) text: Line,
    pub(crate) label: Line,
    /// What failed is in no field.
    pub(crate) has_error: bool,
    pub(crate) error: String,
}

/// What was typed in a field, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) typed: String,
    pub(crate) has_error: bool,
    pub(crate) error: String,
}

/// A further device that has not been added yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) is_there: bool,
    /// An SVG, which is printed as it is.
    pub(crate) qr: String,
    pub(crate) text: String,
}
