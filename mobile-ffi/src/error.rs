//! What an app can act on when something did not work.

use thiserror::Error;

/// Why something did not work. The variant is for the app to act on; the reason is a sentence for the
/// person, in the language that the community was opened with. No reason repeats a record's contents,
/// a name or a path.
#[derive(Debug, Clone, PartialEq, Eq, Error, uniffi::Error)]
pub enum BanyanError {
    /// The person's role does not suffice, or the device has not met its community yet.
    #[error("{reason}")]
    NotAllowed {
        /// What it takes.
        reason: String,
    },
    /// There is no such record, space or community on this device.
    #[error("{reason}")]
    NotFound {
        /// What is not there.
        reason: String,
    },
    /// A value does not fit: a field, a kind, a ticket, a relay's address, a folder in use.
    #[error("{reason}")]
    Invalid {
        /// What would fit.
        reason: String,
    },
    /// No relay could be reached, or the connection was lost. Try again later; nothing is lost.
    #[error("{reason}")]
    Offline {
        /// What happened.
        reason: String,
    },
    /// The other side refused, or is not the one expected. Trying again will not help.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// The disk is full or failed, or the store or key file is damaged, in use or too new.
    #[error("{reason}")]
    Storage {
        /// What to do about it.
        reason: String,
    },
    /// The community was closed.
    #[error("{reason}")]
    Closed {
        /// That it was.
        reason: String,
    },
    /// A fault of this library.
    #[error("{reason}")]
    Internal {
        /// What is known of it.
        reason: String,
    },
}
