//! Members and their devices.

use super::shared::{Choice, Notice};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Members {
    pub(crate) can_invite: bool,
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
    pub(crate) href: String,
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

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Invite {
    /// The ticket, or else the form.
    pub(crate) has_ticket: bool,
    pub(crate) ticket_title: String,
    /// An SVG, which is printed as it is.
    pub(crate) qr: String,
    pub(crate) ticket: String,
    pub(crate) step1: String,
    pub(crate) roles: Vec<RoleChoice>,
    pub(crate) spaces: Vec<Choice>,
    pub(crate) uses: String,
    pub(crate) has_uses_error: bool,
    pub(crate) uses_error: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoleChoice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) hint: String,
    pub(crate) on: bool,
}
