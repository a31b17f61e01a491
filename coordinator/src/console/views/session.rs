//! A sharing session, for the projector.

use super::shared::Choice;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Session {
    /// Forms go to this with `/agenda`, `/off`, `/resolve`, `/task`, `/move`, `/minutes`, `/attendance`,
    /// `/guests` and `/close`.
    pub(crate) href: String,
    /// The session's record.
    pub(crate) up_href: String,
    /// The session before this one in the same village.
    pub(crate) has_other: bool,
    pub(crate) other_href: String,
    pub(crate) title: String,
    /// When, where, led by whom.
    pub(crate) lead: String,
    pub(crate) state: String,
    pub(crate) state_tone: String,
    /// Nothing stands on the agenda yet.
    pub(crate) is_empty: bool,
    pub(crate) agenda: Vec<Point>,
    pub(crate) can_write: bool,
    /// Who may see to something, after nobody.
    pub(crate) persons: Vec<Choice>,
    /// Needs that can be put on the agenda, after an empty one.
    pub(crate) open_needs: Vec<Choice>,
    pub(crate) line_typed: String,
    pub(crate) has_point_error: bool,
    pub(crate) point_error: String,
    pub(crate) minutes: Vec<String>,
    pub(crate) minutes_typed: String,
    pub(crate) has_minutes_error: bool,
    pub(crate) minutes_error: String,
    /// "到会 9 人".
    pub(crate) attendance_line: String,
    pub(crate) attendance: Vec<Choice>,
    pub(crate) guests: String,
    pub(crate) has_guests_error: bool,
    pub(crate) guests_error: String,
    pub(crate) can_close: bool,
    pub(crate) close_ask: String,
}

/// One thing that is talked about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Point {
    /// Its number on the wall.
    pub(crate) no: String,
    /// The need; empty for what is no need.
    pub(crate) id: String,
    /// The line of the agenda; empty for a need.
    pub(crate) line: String,
    pub(crate) is_link: bool,
    pub(crate) href: String,
    /// Masked.
    pub(crate) title: String,
    pub(crate) meta: String,
    pub(crate) has_state: bool,
    pub(crate) state: String,
    pub(crate) state_tone: String,
    /// Where this person may move the need to from here.
    pub(crate) moves: Vec<Choice>,
    pub(crate) can_take_off: bool,
    pub(crate) resolutions: Vec<Resolved>,
    pub(crate) can_resolve: bool,
    pub(crate) form: Asks,
}

/// Resolution of the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) state: String,
    pub(crate) text: String,
    /// Who sees to it, by when.
    pub(crate) meta: String,
    pub(crate) tasks: Vec<TaskLine>,
    pub(crate) can_task: bool,
    pub(crate) form: Asks,
}

/// Task that a resolution led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TaskLine {
    pub(crate) href: String,
    pub(crate) title: String,
    /// Who does it, by when.
    pub(crate) meta: String,
    pub(crate) state: String,
    pub(crate) tone: String,
}

/// Form of what is agreed or of a task, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asks {
    /// It was refused.
    pub(crate) open: bool,
    pub(crate) text: String,
    pub(crate) who: String,
    pub(crate) due: String,
    pub(crate) has_text_error: bool,
    pub(crate) text_error: String,
    pub(crate) has_who_error: bool,
    pub(crate) who_error: String,
    pub(crate) has_due_error: bool,
    pub(crate) due_error: String,
}

/// No session is planned or was held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NoSession {
    pub(crate) can_begin: bool,
}
