//! One member, and the devices of a person.

use super::begin::Waiting;
use super::shared::{Choice, Notice, Number, Step};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: String,
    /// Forms go to this with `/grant`, `/take-role` and `/remove`.
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) lead: String,
    pub(crate) notices: Vec<Notice>,
    pub(crate) did_title: String,
    pub(crate) numbers: Vec<Number>,
    pub(crate) as_of: String,
    /// Somebody has not been heard from.
    pub(crate) has_missing: bool,
    pub(crate) missing: String,
    pub(crate) roles: Vec<RoleLine>,
    pub(crate) can_grant: bool,
    pub(crate) role_options: Vec<Choice>,
    pub(crate) space_options: Vec<Choice>,
    pub(crate) has_grant_error: bool,
    pub(crate) grant_error: String,
    pub(crate) growth: Vec<Step>,
    pub(crate) devices: Vec<Device>,
    pub(crate) can_remove: bool,
    /// "把陈小明移出社区？".
    pub(crate) remove_ask: String,
    pub(crate) remove_kept: String,
    /// Leads to a record of hours; empty for whoever may not make one.
    pub(crate) certificate_href: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoleLine {
    /// The role's name, which goes back with the form.
    pub(crate) role: String,
    /// The space's id; empty for the whole community.
    pub(crate) space: String,
    pub(crate) label: String,
    pub(crate) can_take: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) icon: String,
    pub(crate) state: String,
    pub(crate) tone: String,
    pub(crate) state_icon: String,
    pub(crate) can_remove: bool,
    /// "停用“小明的手机”？".
    pub(crate) ask: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Devices {
    /// This device belongs to somebody; until then only `waiting` is shown.
    pub(crate) is_in: bool,
    pub(crate) waiting: Waiting,
    pub(crate) title: String,
    pub(crate) devices: Vec<Device>,
    /// An SVG, which is printed as it is.
    pub(crate) qr: String,
    /// What the new device is told.
    pub(crate) text: String,
    /// What was typed for its answer.
    pub(crate) typed: String,
    pub(crate) has_error: bool,
    pub(crate) error: String,
}

/// Confirmed service: the form that asks for the period, or the paper.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) up_href: String,
    pub(crate) up: String,
    pub(crate) title: String,
    pub(crate) action: String,
    /// Days as they were typed, or `YYYY-MM-DD`.
    pub(crate) from: String,
    pub(crate) to: String,
    /// Why there is no paper.
    pub(crate) errors: Vec<String>,
    /// The paper, or else the form.
    pub(crate) is_paper: bool,
    pub(crate) lines: Vec<Line>,
    /// What does not count and why; not printed.
    pub(crate) uncounted: Vec<String>,
    /// An SVG, which is printed as it is.
    pub(crate) qr: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) text: String,
}
