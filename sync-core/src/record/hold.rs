//! Why a change is not merged.

use std::fmt;

/// Why a change is kept but not merged.
///
/// The reasons are stored by [`HoldReason::code`]; new ones get new codes, and no code is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldReason {
    /// A record that one device begins has already begun.
    AlreadyBegun,
    /// The change carries Automerge's author footer, or other bytes behind its operations.
    AuthorFooter,
    /// A beginning that builds on other changes, or is not its author's first.
    BadBeginning,
    /// The chunk's checksum is not that of its content.
    BadChecksum,
    /// An operation refers to something that its author cannot have seen, or that is of another sort.
    BadReference,
    /// The operation numbers do not follow those of the changes it builds on.
    BadStartOp,
    /// The chunk, or a part of it, is compressed by Automerge's own means.
    Compressed,
    /// The change does nothing.
    Empty,
    /// The change is written in another form than Automerge's: it would merge, but once saved the document
    /// would not load again.
    Irregular,
    /// The change builds on nothing and is no beginning.
    NotABeginning,
    /// The chunk is not a change: a whole document, a bundle or something unknown.
    NotAChange,
    /// Automerge stopped in the middle of merging it.
    Panicked,
    /// Automerge refused to merge it.
    Rejected,
    /// Its author's earlier change is not among those it builds on.
    SeqJump,
    /// Its author has another change at this position.
    SeqTaken,
    /// The change is larger than any honest one.
    TooLarge,
    /// The change has more operations than any honest one.
    TooManyOps,
    /// There are bytes behind the end of the change.
    TrailingBytes,
    /// An operation that this version does not know.
    UnknownOperation,
    /// The bytes are no change.
    Unreadable,
    /// The change says that another device wrote it than the one that signed it.
    WrongActor,
}

impl HoldReason {
    /// Every reason with its stored code.
    pub const ALL: [(Self, u8); 21] = [
        (Self::AlreadyBegun, 1),
        (Self::AuthorFooter, 2),
        (Self::BadBeginning, 3),
        (Self::BadChecksum, 4),
        (Self::BadReference, 5),
        (Self::BadStartOp, 6),
        (Self::Compressed, 7),
        (Self::Empty, 8),
        (Self::Irregular, 9),
        (Self::NotABeginning, 10),
        (Self::NotAChange, 11),
        (Self::Panicked, 12),
        (Self::Rejected, 13),
        (Self::SeqJump, 14),
        (Self::SeqTaken, 15),
        (Self::TooLarge, 16),
        (Self::TooManyOps, 17),
        (Self::TrailingBytes, 18),
        (Self::UnknownOperation, 19),
        (Self::Unreadable, 20),
        (Self::WrongActor, 21),
    ];

    /// The number kept in stores.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::AlreadyBegun => 1,
            Self::AuthorFooter => 2,
            Self::BadBeginning => 3,
            Self::BadChecksum => 4,
            Self::BadReference => 5,
            Self::BadStartOp => 6,
            Self::Compressed => 7,
            Self::Empty => 8,
            Self::Irregular => 9,
            Self::NotABeginning => 10,
            Self::NotAChange => 11,
            Self::Panicked => 12,
            Self::Rejected => 13,
            Self::SeqJump => 14,
            Self::SeqTaken => 15,
            Self::TooLarge => 16,
            Self::TooManyOps => 17,
            Self::TrailingBytes => 18,
            Self::UnknownOperation => 19,
            Self::Unreadable => 20,
            Self::WrongActor => 21,
        }
    }

    /// The reason with this number; `None` if a newer version wrote it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == code)
            .map(|(reason, _)| *reason)
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyBegun => "the record had already begun",
            Self::AuthorFooter => "the change carries an author's name that nobody checked",
            Self::BadBeginning => "the change claims to begin a record but is not a first change",
            Self::BadChecksum => "the change's checksum is wrong",
            Self::BadReference => "the change refers to something that its author cannot have seen",
            Self::BadStartOp => "the change's operation numbers do not follow those before it",
            Self::Compressed => "the change is compressed in a way that is not accepted",
            Self::Empty => "the change does nothing",
            Self::Irregular => "the change is not written in the regular form",
            Self::NotAChange => "the data is a document or bundle instead of one change",
            Self::NotABeginning => "the change builds on nothing and does not begin the record",
            Self::Panicked => "merging the change failed",
            Self::Rejected => "the change was refused by the merge",
            Self::SeqJump => "the change leaves out an earlier change of its author",
            Self::SeqTaken => "its author has another change at the same position",
            Self::TooLarge => "the change is too large",
            Self::TooManyOps => "the change has too many operations",
            Self::TrailingBytes => "there are extra bytes behind the change",
            Self::UnknownOperation => "the change needs a newer version of this program",
            Self::Unreadable => "the change cannot be read",
            Self::WrongActor => "the change was signed by another device than it says",
        })
    }
}
