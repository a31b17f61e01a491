//! What an app can act on when something did not work.

use sync_core::keys::SealError;
use sync_core::record::EditError;
use sync_core::replica::ReplicaError;
use sync_core::roster::ticket::{ParseRelayError, ParseTicketError};
use sync_core::store::StoreError;
use sync_core::wire::Refusal;
use sync_node::{HomeError, LinkError, NodeError};
use thiserror::Error;

/// Why something did not work. The reason is a sentence in English for logs and for people who help;
/// no reason repeats a record's contents, a name or a path.
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

impl BanyanError {
    pub(crate) fn closed() -> Self {
        Self::Closed {
            reason: "this community has been closed; open it again".to_owned(),
        }
    }

    pub(crate) fn internal(what: impl ToString) -> Self {
        Self::Internal {
            reason: what.to_string(),
        }
    }

    pub(crate) fn invalid(what: impl ToString) -> Self {
        Self::Invalid {
            reason: what.to_string(),
        }
    }

    fn not_allowed(what: impl ToString) -> Self {
        Self::NotAllowed {
            reason: what.to_string(),
        }
    }

    fn not_found(what: &str) -> Self {
        Self::NotFound {
            reason: what.to_owned(),
        }
    }

    fn offline(what: impl ToString) -> Self {
        Self::Offline {
            reason: what.to_string(),
        }
    }

    fn refused(what: impl ToString) -> Self {
        Self::Refused {
            reason: what.to_string(),
        }
    }

    fn storage(what: impl ToString) -> Self {
        Self::Storage {
            reason: what.to_string(),
        }
    }
}

impl From<HomeError> for BanyanError {
    fn from(error: HomeError) -> Self {
        match error {
            HomeError::NoFolder(_) => {
                Self::not_found("there is no data folder there; found a community or join one")
            }
            HomeError::DamagedKey(_) => {
                Self::storage("the device's key file is damaged: copy it back from a backup")
            }
            HomeError::MissingKey(_) => Self::storage(
                "the device's key file is missing, so this store cannot be used: copy it back from a backup",
            ),
            HomeError::Io { error, .. } => {
                Self::storage(format!("the data folder cannot be used: {error}"))
            }
            HomeError::Full => Self::storage(HomeError::Full),
            HomeError::Replica(error) => error.into(),
        }
    }
}

impl From<ReplicaError> for BanyanError {
    fn from(error: ReplicaError) -> Self {
        match error {
            // The core's own sentences speak of commands and repeat what was typed.
            ReplicaError::AmbiguousRecord(_) => {
                Self::invalid("several records begin with this id; give the whole id")
            }
            ReplicaError::NotEmpty => {
                Self::invalid("this data folder already holds a community; choose another")
            }
            ReplicaError::NoCommunity => Self::not_found(
                "there is no community in this data folder yet; found one or join one with a ticket",
            ),
            ReplicaError::UnknownRecord(_) => {
                Self::not_found("there is no such record on this device")
            }
            ReplicaError::UnknownSpace(_) => {
                Self::not_found("there is no such space on this device; it may come with a sync")
            }
            ReplicaError::UnknownKind { known, .. } => {
                Self::invalid(format!("there is no such kind; the kinds are {known}"))
            }
            ReplicaError::NotAllowed { .. } | ReplicaError::NotYetJoined | ReplicaError::NoKey => {
                Self::not_allowed(error)
            }
            ReplicaError::Field(error) => Self::invalid(error),
            ReplicaError::Edit(error) => error.into(),
            ReplicaError::Payload(error) => Self::internal(error),
            ReplicaError::Keys(error) => error.into(),
            ReplicaError::Seal(error) => Self::internal(error),
            ReplicaError::Store(error) => error.into(),
        }
    }
}

impl From<EditError> for BanyanError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Document => Self::storage(error),
            EditError::OutOfRange { .. }
            | EditError::TooLarge
            | EditError::UnknownField { .. }
            | EditError::WrongType { .. } => Self::invalid(error),
        }
    }
}

impl From<SealError> for BanyanError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::KeyStore => Self::storage(error),
            SealError::BadKey | SealError::DoesNotOpen => Self::internal(error),
        }
    }
}

impl From<StoreError> for BanyanError {
    fn from(error: StoreError) -> Self {
        Self::storage(error)
    }
}

impl From<NodeError> for BanyanError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Link(error) => error.into(),
            NodeError::NoRelay => Self::offline("this community has no relay yet"),
            NodeError::Lost | NodeError::Reborn | NodeError::TimedOut => Self::offline(error),
            NodeError::Peer(_) => Self::refused(error),
            NodeError::Refused(refusal) => refusal.into(),
            NodeError::Replica(error) => error.into(),
            NodeError::Stopped => Self::closed(),
        }
    }
}

impl From<Refusal> for BanyanError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            // The other side's own trouble passes by itself.
            Refusal::Busy | Refusal::Internal | Refusal::ShuttingDown | Refusal::StoreFull => {
                Self::offline(refusal)
            }
            Refusal::BadFrame
            | Refusal::BadSignature
            | Refusal::CommunityUnknown
            | Refusal::Gap
            | Refusal::Held
            | Refusal::InviteUnknown
            | Refusal::InviteUsed
            | Refusal::NotAMember
            | Refusal::NotAllowed
            | Refusal::OverQuota
            | Refusal::TooLarge
            | Refusal::UnknownFrame
            | Refusal::VersionTooNew
            | Refusal::VersionTooOld => Self::refused(refusal),
        }
    }
}

impl From<LinkError> for BanyanError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::WrongKey | LinkError::Incompatible | LinkError::Frame(_) => {
                Self::refused(error)
            }
            LinkError::Keys(_) => Self::internal(error),
            LinkError::Unreachable(_)
            | LinkError::Refused
            | LinkError::TimedOut
            | LinkError::Closed(_)
            | LinkError::Reset
            | LinkError::LocallyClosed
            | LinkError::Truncated { .. }
            | LinkError::Address(_)
            | LinkError::InUse(_)
            | LinkError::Bind { .. }
            | LinkError::Stream(_) => Self::offline(error),
        }
    }
}

impl From<ParseTicketError> for BanyanError {
    fn from(error: ParseTicketError) -> Self {
        Self::invalid(error)
    }
}

impl From<ParseRelayError> for BanyanError {
    fn from(error: ParseRelayError) -> Self {
        Self::invalid(error)
    }
}
