//! Members and their devices.

use super::shared::Notice;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) lead: String,
    pub(crate) notices: Vec<Notice>,
    pub(crate) groups: Vec<MemberGroup>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MemberGroup {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) line: String,
    pub(crate) members: Vec<MemberLine>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MemberLine {
    pub(crate) initial: String,
    pub(crate) name: String,
    pub(crate) roles: String,
    pub(crate) tone: String,
    pub(crate) has_flag: bool,
    pub(crate) flag: String,
    pub(crate) flag_tone: String,
    pub(crate) flag_icon: String,
    /// How many devices.
    pub(crate) devices: String,
}
