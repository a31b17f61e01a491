//! Roles and where they hold.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::id::LaneId;

/// What a member may do. A statement acts only on strictly lower rank (DESIGN: a set, not an order).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Reads.
    #[n(0)]
    Observer,
    /// Reads and writes records.
    #[n(1)]
    Volunteer,
    /// Leads a village: invites and confirms volunteers.
    #[n(2)]
    Lead,
    /// Reviews the whole; makes spaces, invites leads.
    #[n(3)]
    Coordinator,
    /// Founded the community.
    #[n(4)]
    Owner,
    /// Took the community up again with the recovery sheet: an owner whom no owner removes. Nobody
    /// gives this role; the sheet alone does.
    #[n(5)]
    Recovered,
}

impl Role {
    /// From the highest rank to the lowest: the order in which strata are evaluated.
    pub const DESCENDING: [Self; 6] = [
        Self::Recovered,
        Self::Owner,
        Self::Coordinator,
        Self::Lead,
        Self::Volunteer,
        Self::Observer,
    ];

    /// Those that members give each other, from the highest rank to the lowest.
    pub const GIVEN: [Self; 5] = [
        Self::Owner,
        Self::Coordinator,
        Self::Lead,
        Self::Volunteer,
        Self::Observer,
    ];

    /// The role next above; the highest one's is its own.
    #[must_use]
    pub fn above(self) -> Self {
        let ranks = Self::DESCENDING;
        let place = ranks.iter().position(|role| *role == self);
        let above = place.and_then(|place| ranks.get(place.checked_sub(1)?));
        above.copied().unwrap_or(self)
    }

    /// Whether who has this role in a scope may give another in some scope, by invitation, by word or
    /// by confirming that somebody has joined.
    pub(super) fn may_give(self, scope: &Scope, role: Self, within: &Scope) -> bool {
        self >= Self::Lead && role < self && scope.covers(within)
    }

    /// The word used on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::Volunteer => "volunteer",
            Self::Lead => "lead",
            Self::Coordinator => "coordinator",
            Self::Owner => "owner",
            Self::Recovered => "recovered",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the roles are owner, coordinator, lead, volunteer and observer")]
pub struct ParseRoleError;

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        Self::GIVEN
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or(ParseRoleError)
    }
}

/// Where a role holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Scope {
    /// Everywhere, in spaces made later too.
    #[n(0)]
    Community,
    /// In one space.
    #[n(1)]
    Space(#[n(0)] LaneId),
}

impl Scope {
    /// Whether a right in this scope is a right in `other`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match self {
            Self::Community => true,
            Self::Space(_) => self == other,
        }
    }
}
