//! Why an entry is kept and not merged, or merged and marked.

use std::fmt;

use crate::record::HoldReason;
use crate::store::HoldCode;

/// Why an entry is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// Merged all the same, because an accepted change builds on it.
    BuiltOn,
    /// Its author's right had been taken away before this entry.
    CutOff,
    /// The change itself is not sound.
    Change(HoldReason),
    /// Somebody has looked at it and decided that it stays out.
    Discarded,
    /// Its record was erased.
    Erased,
    /// It does not open with the key of its epoch.
    DoesNotOpen,
    /// The log forks, and this is the branch that does not count.
    Forked,
    /// The author may not create or edit records of this kind.
    KindNotAllowed,
    /// Whoever made the space had been cut off before, so that there is no such space.
    NoSpace,
    /// The author is not a member here.
    NotAMember,
    /// The record belongs to another space.
    OtherSpace,
    /// The author may only read here.
    ReadOnly,
    /// The author may not put the record into this state.
    StateNotAllowed,
    /// The bytes are no payload that this version can read.
    Unreadable,
    /// It builds on changes that have not come yet.
    Waiting,
    /// A statement that says nothing: forged, or for another community.
    Void,
}

impl Hold {
    const OWN: [(Self, u16); 15] = [
        (Self::BuiltOn, 256),
        (Self::DoesNotOpen, 257),
        (Self::Forked, 258),
        (Self::KindNotAllowed, 259),
        (Self::NotAMember, 260),
        (Self::OtherSpace, 261),
        (Self::ReadOnly, 262),
        (Self::Unreadable, 263),
        (Self::Waiting, 264),
        (Self::Void, 265),
        (Self::CutOff, 266),
        (Self::Discarded, 267),
        (Self::Erased, 268),
        (Self::StateNotAllowed, 269),
        (Self::NoSpace, 270),
    ];

    /// The number kept in stores.
    #[must_use]
    pub fn code(self) -> HoldCode {
        if let Self::Change(reason) = self {
            return HoldCode(u16::from(reason.code()));
        }
        let own = Self::OWN.iter().find(|(hold, _)| *hold == self);
        HoldCode(own.map_or(0, |(_, code)| *code))
    }

    /// The reason with this number; `None` if a newer version wrote it.
    #[must_use]
    pub fn from_code(code: HoldCode) -> Option<Self> {
        if let Ok(code) = u8::try_from(code.0) {
            return HoldReason::from_code(code).map(Self::Change);
        }
        Self::OWN
            .iter()
            .find(|(_, known)| *known == code.0)
            .map(|(hold, _)| *hold)
    }

    /// Whether the entry is merged nevertheless.
    #[must_use]
    pub fn is_merged(self) -> bool {
        self == Self::BuiltOn
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BuiltOn => "merged because other people's accepted work builds on it",
            Self::CutOff => "it comes after the point where its author was cut off",
            Self::Change(reason) => return reason.fmt(f),
            Self::Discarded => "somebody has looked at it and left it out for good",
            Self::Erased => "the record was erased",
            Self::DoesNotOpen => "the entry does not open with the key it names",
            Self::Forked => "the device wrote twice at this position; the other branch counts",
            Self::KindNotAllowed => "the author may not write records of this kind",
            Self::NoSpace => "whoever made this space had been removed before",
            Self::NotAMember => "the author is not a member here",
            Self::OtherSpace => "the record belongs to another space",
            Self::ReadOnly => "the author may only read here",
            Self::StateNotAllowed => "the author may not put the record into this state",
            Self::Unreadable => "the entry cannot be read; a newer version may read it",
            Self::Waiting => "it builds on changes that have not come yet",
            Self::Void => "the statement is forged or meant for another community",
        })
    }
}
