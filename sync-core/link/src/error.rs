//! What can go wrong on a link, in words for a person, and the codes that connections close with.

use std::io;
use std::net::SocketAddr;

use quinn::{ConnectError, ConnectionError, ReadError, VarInt, WriteError};
use sync_core::wire::BadFrame;
use thiserror::Error;

/// Why a connection was closed on purpose; the number goes over the wire (docs/protocol.md §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
    /// Everything was said.
    Done,
    /// That side is shutting down.
    ShuttingDown,
    /// A frame or a stream broke the protocol.
    Protocol,
    /// It did not read what it was sent, or said nothing when it had to.
    TooSlow,
    /// That side has as many connections as it can carry.
    Busy,
    /// A refusal, which went before as a frame.
    Refused,
    /// A number that a newer version uses.
    Other(u32),
}

impl Close {
    const CODES: [(u32, Self); 6] = [
        (0, Self::Done),
        (1, Self::ShuttingDown),
        (2, Self::Protocol),
        (3, Self::TooSlow),
        (4, Self::Busy),
        (5, Self::Refused),
    ];

    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> VarInt {
        if let Self::Other(code) = self {
            return VarInt::from_u32(code);
        }
        let known = Self::CODES.iter().find(|(_, close)| *close == self);
        let code = known.map_or(u32::MAX, |(code, _)| *code);
        VarInt::from_u32(code)
    }

    /// What a number means.
    #[must_use]
    pub fn from_code(code: VarInt) -> Self {
        let code = u32::try_from(code.into_inner()).unwrap_or(u32::MAX);
        Self::CODES
            .iter()
            .find(|(known, _)| *known == code)
            .map_or(Self::Other(code), |(_, close)| *close)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Done => "it had said everything",
            Self::ShuttingDown => "it is shutting down",
            Self::Protocol => "a frame broke the protocol",
            Self::TooSlow => "this side was too slow",
            Self::Busy => "it has too many connections; it will be tried again",
            Self::Refused => "it refused the session",
            Self::Other(_) => "for a reason that this version does not know",
        }
    }
}

/// What went wrong on a link.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// Nobody answers there.
    #[error("nobody answers at {0}: is it switched on, and is this device online?")]
    Unreachable(SocketAddr),
    /// Another key answers than the one expected.
    #[error(
        "another key answers there than the one expected: it is not the relay that the ticket names, or it was set up anew"
    )]
    WrongKey,
    /// The other side does not speak Banyan, or no version in common.
    #[error("what answers there does not speak a Banyan protocol that this version knows")]
    Incompatible,
    /// The other side closed the connection during the handshake.
    #[error("the other side refused the connection; it will be tried again")]
    Refused,
    /// The connection fell silent.
    #[error("the connection was lost: nothing came for too long")]
    TimedOut,
    /// The other side closed the connection.
    #[error("the other side closed the connection: {}", .0.words())]
    Closed(Close),
    /// The other side has restarted.
    #[error("the other side has restarted")]
    Reset,
    /// We closed it.
    #[error("the connection is closed")]
    LocallyClosed,
    /// The stream ended in the middle of a frame.
    #[error("the stream ended in the middle of a frame: {got} of {expected} bytes came")]
    Truncated {
        /// Bytes of the frame that came, its length too.
        got: usize,
        /// Bytes that it should have had; 0 if not even its length came.
        expected: usize,
    },
    /// A frame is not one.
    #[error(transparent)]
    Frame(#[from] BadFrame),
    /// The text is no address, or the name is not known.
    #[error("\"{0}\" cannot be looked up: write host:port, and check that this device is online")]
    Address(String),
    /// Another program listens there.
    #[error("another program uses {0}: stop it, or choose another port")]
    InUse(SocketAddr),
    /// The socket could not be opened.
    #[error("{addr} cannot be listened on: {reason}")]
    Bind {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// The device's keys or the cryptography behind them do not work.
    #[error("the device's keys cannot be used for a connection: {0}")]
    Keys(String),
    /// The stream failed in another way.
    #[error("the connection failed: {0}")]
    Stream(String),
}

/// TLS alert `access_denied` as a QUIC error code: what our verifier answers a wrong key with.
const WRONG_KEY_CODE: u64 = 0x100 + 49;
/// TLS alert `no_application_protocol`.
const NO_PROTOCOL_CODE: u64 = 0x100 + 120;

impl LinkError {
    /// Whether trying again later may help although nobody does anything about it.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Refused
            | Self::TimedOut
            | Self::Reset
            | Self::LocallyClosed
            | Self::Truncated { .. }
            | Self::Address(_)
            | Self::Bind { .. }
            | Self::Stream(_) => true,
            Self::Closed(close) => !matches!(close, Close::Protocol | Close::Refused),
            Self::WrongKey
            | Self::Incompatible
            | Self::Frame(_)
            | Self::InUse(_)
            | Self::Keys(_) => false,
        }
    }

    /// What a failed attempt to connect means.
    pub(crate) fn connecting(error: &ConnectionError, addr: SocketAddr) -> Self {
        if matches!(error, ConnectionError::TimedOut) {
            return Self::Unreachable(addr);
        }
        Self::from(error)
    }

    pub(crate) fn starting(error: &ConnectError, addr: SocketAddr) -> Self {
        match error {
            ConnectError::InvalidRemoteAddress(_) => Self::Unreachable(addr),
            ConnectError::EndpointStopping => Self::LocallyClosed,
            ConnectError::CidsExhausted
            | ConnectError::InvalidServerName(_)
            | ConnectError::NoDefaultClientConfig
            | ConnectError::UnsupportedVersion => Self::Stream(error.to_string()),
        }
    }

    /// Quinn's stream errors come through the I/O traits wrapped.
    pub(crate) fn io(error: &io::Error) -> Self {
        let inner = error.get_ref();
        if let Some(read) = inner.and_then(|inner| inner.downcast_ref::<ReadError>()) {
            return match read {
                ReadError::ConnectionLost(lost) => Self::from(lost),
                ReadError::Reset(code) => Self::Closed(Close::from_code(*code)),
                ReadError::ClosedStream
                | ReadError::IllegalOrderedRead
                | ReadError::ZeroRttRejected => Self::Stream(read.to_string()),
            };
        }
        if let Some(write) = inner.and_then(|inner| inner.downcast_ref::<WriteError>()) {
            return match write {
                WriteError::ConnectionLost(lost) => Self::from(lost),
                WriteError::Stopped(code) => Self::Closed(Close::from_code(*code)),
                WriteError::ClosedStream | WriteError::ZeroRttRejected => {
                    Self::Stream(write.to_string())
                }
            };
        }
        Self::Stream(error.to_string())
    }
}

impl From<&ConnectionError> for LinkError {
    fn from(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => {
                Self::Closed(Close::from_code(close.error_code))
            }
            ConnectionError::ConnectionClosed(close)
                if u64::from(close.error_code) == NO_PROTOCOL_CODE =>
            {
                Self::Incompatible
            }
            ConnectionError::TransportError(error) => match u64::from(error.code) {
                WRONG_KEY_CODE => Self::WrongKey,
                NO_PROTOCOL_CODE => Self::Incompatible,
                _ => Self::Stream(error.to_string()),
            },
            ConnectionError::ConnectionClosed(_) => Self::Refused,
            ConnectionError::VersionMismatch => Self::Incompatible,
            ConnectionError::Reset => Self::Reset,
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::LocallyClosed => Self::LocallyClosed,
            ConnectionError::CidsExhausted => Self::Stream(error.to_string()),
        }
    }
}

impl From<ConnectionError> for LinkError {
    fn from(error: ConnectionError) -> Self {
        Self::from(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_survive_the_wire() {
        for (_, close) in Close::CODES {
            assert_eq!(Close::from_code(close.code()), close);
        }
        assert_eq!(Close::from_code(VarInt::from_u32(77)), Close::Other(77));
    }
}
