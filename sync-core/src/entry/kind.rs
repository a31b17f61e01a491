//! Kinds of entries: a number that is signed, so it never changes its meaning.

/// What an entry's bytes are (docs/protocol.md §5). Numbers that a version does not know are
/// carried and stored like any other, and read by the versions that know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKind(u8);

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $word:literal;)*) => {
        impl EntryKind {
            $($(#[$meta])* pub const $name: Self = Self($code);)*

            /// Every kind that this version knows, with the word for it.
            pub const ALL: &[(Self, &str)] = &[$((Self::$name, $word)),*];
        }
    };
}

kinds! {
    /// Roster: a community begins.
    FOUND = 1, "found";
    /// Roster: a space.
    SPACE = 2, "space";
    /// Roster: an invitation, with the keys that it opens.
    INVITE = 3, "invite";
    /// Roster: a device takes up an invitation.
    JOIN = 4, "join";
    /// Roster: a join is confirmed.
    CONFIRM = 5, "confirm";
    /// Roster: a member's further device.
    ADD_DEVICE = 6, "add-device";
    /// Roster: a role for a member.
    GRANT = 7, "grant";
    /// Roster: a member, device, grant or invite is cut off.
    REVOKE = 8, "revoke";
    /// Roster: a reading key, sealed to those who may read.
    EPOCH = 9, "epoch";
    /// Roster: held entries are let in.
    RELEASE = 10, "release";
    /// Roster: payloads are erased.
    ERASE = 11, "erase";
    /// Roster: settings of the community.
    SETTINGS = 12, "settings";
    /// Roster: held entries stay out for good.
    DISCARD = 13, "discard";
    /// Roster: a device says that it has erased or wiped.
    ERASED = 14, "erased";
    /// Roster: a member's name.
    PROFILE = 15, "profile";
    /// Data: one sealed Automerge change of one record.
    CHANGE = 32, "change";
    /// Data: manifest of a sealed snapshot of a space. Reserved.
    SNAPSHOT = 33, "snapshot";
    /// Data: manifest of an attachment. Reserved.
    ATTACHMENT = 34, "attachment";
}

impl EntryKind {
    /// The kind with this number, known or not.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        Self(code)
    }

    /// The number that is signed.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The word for it, or `None` if this version does not know it.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map(|(_, word)| *word)
    }
}
