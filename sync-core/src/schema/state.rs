//! How far a record has come: the states of a kind, and who may put a record into which.
//!
//! Two things are asked of a move. *Who* may make it is judged when it is written and again by everybody
//! who merges it: that follows from the change, from the record's creator and from its author's role, so
//! that all replicas agree. Whether the record was in a state *from* which the move is allowed is asked
//! only before it is written: two people who move a record at the same time have each made an honest
//! move, and which of the two came first is different on every phone.

use thiserror::Error;

use super::{FieldEdit, Kind, Labels, Lang};
use crate::roster::role::Role;

/// The name of the field that holds a record's state.
pub const STATE_FIELD: &str = "state";
/// The name of the field that holds the reason for a state that needs one.
pub const REASON_FIELD: &str = "reason";

/// One of the states that records of a kind go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub(super) value: String,
    pub(super) labels: Labels,
    pub(super) from: Vec<String>,
    pub(super) who: Who,
    pub(super) needs_reason: bool,
    pub(super) is_end: bool,
}

impl State {
    /// The value kept in records.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self, lang: Lang) -> &str {
        self.labels.get(lang)
    }

    /// The states that it is reached from; none if records begin in it.
    #[must_use]
    pub fn from(&self) -> &[String] {
        &self.from
    }

    /// Whether records begin in it.
    #[must_use]
    pub fn is_initial(&self) -> bool {
        self.from.is_empty()
    }

    /// Who may put a record into it.
    #[must_use]
    pub fn who(&self) -> Who {
        self.who
    }

    /// Whether the move takes a reason, in the field [`REASON_FIELD`].
    #[must_use]
    pub fn needs_reason(&self) -> bool {
        self.needs_reason
    }

    /// Whether the work is over with it.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.is_end
    }
}

/// Who may put a record into a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody from this rank up.
    Any {
        /// The lowest rank that may.
        least: Role,
    },
    /// Whoever began the record; and others from this rank up.
    Own {
        /// The lowest rank that may do it to anybody's.
        any: Role,
    },
    /// Everybody from this rank up but the one who began the record: nobody confirms their own hours.
    Other {
        /// The lowest rank that may.
        least: Role,
    },
}

impl Who {
    /// Whether a member of this role may; `is_own` when they began the record.
    #[must_use]
    pub fn may(self, role: Role, is_own: bool) -> bool {
        match self {
            Self::Any { least } => role >= least,
            Self::Own { any } => is_own || role >= any,
            Self::Other { least } => !is_own && role >= least,
        }
    }

    /// The lowest rank that may with records of others.
    #[must_use]
    pub fn least(self) -> Role {
        match self {
            Self::Any { least } | Self::Other { least } => least,
            Self::Own { any } => any,
        }
    }

    /// Whether it depends on who began the record.
    pub(super) fn asks_for_creator(self) -> bool {
        !matches!(self, Self::Any { .. })
    }
}

fn is_of_author(state: &State) -> bool {
    matches!(state.who(), Who::Own { .. })
}

/// Why a record is not put into a state. States are named, no other values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StateError {
    /// Whoever began the record cannot do this themselves.
    #[error("another member has to put your own record into the state \"{to}\"")]
    NotYourOwn {
        /// The state asked for.
        to: String,
    },
    /// The rank does not suffice.
    #[error("it takes a {least} of this space to put the record into the state \"{to}\"")]
    NotAllowed {
        /// The state asked for.
        to: String,
        /// The least role that may.
        least: Role,
    },
    /// Nothing comes after the state that the record is in.
    #[error("the record is in the state \"{from}\", and nothing comes after that")]
    AtItsEnd {
        /// Where it is.
        from: String,
    },
    /// Not reached from where the record is.
    #[error("a record goes from the state \"{from}\" to {next}, not to \"{to}\"")]
    NotFromHere {
        /// Where it is.
        from: String,
        /// The state asked for.
        to: String,
        /// Where it can go, by name.
        next: String,
    },
    /// Not a state to begin in.
    #[error("a record does not begin in the state \"{to}\"; it begins in {initial}")]
    NotABeginning {
        /// The state asked for.
        to: String,
        /// The states that records begin in, by name.
        initial: String,
    },
    /// The move needs a reason beside it.
    #[error("the state \"{to}\" needs a reason: give the field reason with it")]
    NoReason {
        /// The state asked for.
        to: String,
    },
}

/// Who moves a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mover {
    /// Their role in the record's space.
    pub role: Role,
    /// Whether they began the record.
    pub is_own: bool,
    /// Whether they give a reason with the move.
    pub gives_reason: bool,
}

impl Mover {
    /// Whoever makes these edits.
    #[must_use]
    pub fn of(role: Role, is_own: bool, edits: &[FieldEdit]) -> Self {
        let gives_reason = |edit: &FieldEdit| {
            let value = edit.value.value();
            edit.field == REASON_FIELD && value.is_some_and(|value| !value.is_empty())
        };
        Self {
            role,
            is_own,
            gives_reason: edits.iter().any(gives_reason),
        }
    }
}

impl Kind {
    /// The states of this kind; none if its records have no course.
    #[must_use]
    pub fn states(&self) -> &[State] {
        &self.states
    }

    /// The state of this name.
    #[must_use]
    pub fn state(&self, value: &str) -> Option<&State> {
        self.states.iter().find(|state| state.value == value)
    }

    /// The state that a record is in if nobody says otherwise.
    #[must_use]
    pub fn first_state(&self) -> Option<&State> {
        self.states.iter().find(|state| state.is_initial())
    }

    /// Whether a record waits in a state for somebody else's look: its author has put it there, and cannot
    /// go on.
    #[must_use]
    pub fn is_handed_in(&self, state: &State) -> bool {
        let mut next = self.next_states(state.value()).peekable();
        is_of_author(state) && next.peek().is_some() && !next.any(is_of_author)
    }

    /// Whether a record waits in a state for its author: others have put it there, and it is to be handed in
    /// again.
    #[must_use]
    pub fn is_sent_back(&self, state: &State) -> bool {
        let mut next = self.next_states(state.value());
        !state.is_initial()
            && !is_of_author(state)
            && next.any(|next| is_of_author(next) && self.is_handed_in(next))
    }

    /// The states that a record can go to from this one.
    pub fn next_states<'k>(&'k self, from: &'k str) -> impl Iterator<Item = &'k State> {
        self.states
            .iter()
            .filter(move |state| state.from.iter().any(|before| before == from))
    }

    /// Whether a member of this role may put a record into a state; `is_own` when they began it.
    ///
    /// This is what is judged at every merge. States of a newer schema are open to whoever may edit, as its
    /// kinds are to whoever may write.
    #[must_use]
    pub fn may_enter(&self, state: &str, role: Role, is_own: bool) -> bool {
        self.state(state)
            .is_none_or(|state| state.who.may(role, is_own))
    }

    /// Checks a move before it is written; `now` is every state that somebody has put the record into
    /// without knowing of the others: mostly one.
    ///
    /// From a state that this version does not know, every move is open. To choose one of several is no
    /// move, but it takes the right to make it.
    ///
    /// # Errors
    /// [`StateError`] says what is missing.
    pub fn check_move(&self, now: &[&str], to: &str, mover: Mover) -> Result<(), StateError> {
        let Some(target) = self.state(to) else {
            return Ok(());
        };
        if now == [to] {
            return Ok(());
        }
        check_who(target, mover)?;
        // A record without a state is one from before its kind had any.
        let first = self.first_state().map_or("", State::value);
        let now = if now.is_empty() { &[first] } else { now };
        let is_open = |from: &&str| {
            *from == to
                || self.state(from).is_none()
                || target.from.iter().any(|before| before == from)
        };
        if now.iter().any(is_open) {
            return Ok(());
        }
        let from = now.first().copied().unwrap_or_default();
        let next = names(self.next_states(from));
        let from = from.to_owned();
        if next.is_empty() {
            return Err(StateError::AtItsEnd { from });
        }
        let to = to.to_owned();
        Err(StateError::NotFromHere { from, to, next })
    }

    /// Checks the state that a new record is to have: one to begin in, or one that follows it at once, since
    /// writing a thing down and handing it in are one step for whoever does both. A coordinator may begin
    /// records in any state that they may set: older work comes in from paper.
    ///
    /// # Errors
    /// [`StateError`] says what is missing.
    pub fn check_first(&self, to: &str, mover: Mover) -> Result<(), StateError> {
        let Some(target) = self.state(to) else {
            return Ok(());
        };
        check_who(target, mover)?;
        let is_initial = |name: &String| self.state(name).is_some_and(State::is_initial);
        let is_near = target.is_initial() || target.from.iter().any(is_initial);
        if is_near || mover.role >= Role::Coordinator {
            return Ok(());
        }
        Err(StateError::NotABeginning {
            to: to.to_owned(),
            initial: names(self.states.iter().filter(|state| state.is_initial())),
        })
    }
}

fn check_who(target: &State, mover: Mover) -> Result<(), StateError> {
    let to = || target.value.clone();
    if !target.who.may(mover.role, mover.is_own) {
        let is_own_to_blame = target.who.may(mover.role, false);
        return Err(if is_own_to_blame && mover.is_own {
            StateError::NotYourOwn { to: to() }
        } else {
            StateError::NotAllowed {
                to: to(),
                least: target.who.least(),
            }
        });
    }
    if target.needs_reason && !mover.gives_reason {
        return Err(StateError::NoReason { to: to() });
    }
    Ok(())
}

fn names<'k>(states: impl Iterator<Item = &'k State>) -> String {
    let names: Vec<&str> = states.map(State::value).collect();
    names.join(", ")
}
