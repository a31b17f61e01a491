//! Records that may be one, side by side.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Duplicates {
    pub(crate) lead: String,
    pub(crate) has_masked: bool,
    pub(crate) show_word: String,
    pub(crate) show_href: String,
    /// There are more pairs than are shown.
    pub(crate) is_cut: bool,
    pub(crate) cut: String,
    pub(crate) pairs: Vec<Pair>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Both records, the one that stays first.
    pub(crate) id: String,
    /// Masked.
    pub(crate) title: String,
    /// What they have in common.
    pub(crate) why: String,
    pub(crate) sides: Vec<Side>,
    /// What is found in one place if they are joined.
    pub(crate) effect: String,
    pub(crate) can_settle: bool,
    /// Who can, if this person cannot.
    pub(crate) who_can: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Side {
    pub(crate) href: String,
    pub(crate) title: String,
    /// Kind, space, who wrote it.
    pub(crate) meta: String,
    pub(crate) fields: Vec<SideField>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SideField {
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) differs: bool,
    /// Both say the same, and nobody can see that because they are masked.
    pub(crate) same: bool,
}

/// A record that is about the same as the one on the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Twin {
    pub(crate) href: String,
    pub(crate) line: String,
    pub(crate) can_undo: bool,
    pub(crate) pair: String,
}
