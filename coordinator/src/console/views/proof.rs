//! What is held, and the signed acts.

use super::shared::{Change, Choice};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Where its forms go.
    pub(crate) action: String,
    pub(crate) has_masked: bool,
    pub(crate) show_word: String,
    pub(crate) show_href: String,
    /// More is held than is shown.
    pub(crate) is_cut: bool,
    pub(crate) items: Vec<HeldItem>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HeldItem {
    /// The record.
    pub(crate) id: String,
    /// Masked where personal.
    pub(crate) title: String,
    /// Kind, whose, space.
    pub(crate) meta: String,
    /// Each once.
    pub(crate) reasons: Vec<String>,
    pub(crate) is_new: bool,
    /// What letting it in would do; of those who may not decide, nothing.
    pub(crate) steps: Vec<HeldStep>,
    pub(crate) can_decide: bool,
    /// Others may decide about it.
    pub(crate) is_for_others: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HeldStep {
    /// Who and when; or why it would stay out even so.
    pub(crate) by: String,
    pub(crate) changes: Vec<Change>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Audit {
    /// Of a verification that was asked for.
    pub(crate) has_result: bool,
    pub(crate) result_tone: String,
    pub(crate) result_icon: String,
    pub(crate) result: String,
    pub(crate) result_lines: Vec<String>,
    pub(crate) who: Vec<Choice>,
    /// The newest first.
    pub(crate) acts: Vec<ActLine>,
    pub(crate) has_newer: bool,
    pub(crate) newer_href: String,
    pub(crate) has_older: bool,
    pub(crate) older_href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ActLine {
    pub(crate) icon: String,
    pub(crate) tone: String,
    pub(crate) who: String,
    pub(crate) act: String,
    /// Device and entry whose signature it carries.
    pub(crate) from: String,
    pub(crate) has_note: bool,
    pub(crate) note: String,
}

/// All that is here is being proved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proving {
    /// How far it is.
    pub(crate) line: String,
}
