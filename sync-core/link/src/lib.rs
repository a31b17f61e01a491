//! The link between two peers: QUIC that proves keys, and frames over its streams.
//!
//! A device's Ed25519 key *is* its TLS identity (raw public keys, RFC 7250, both ways), so a
//! connection needs no certificate and no name: after the handshake [`peer_device`] says whose key
//! the other end has. There is no server name in the clear, no early data and no resumption. Over a
//! stream of the connection, [`FrameReader`] and [`FrameWriter`] carry the frames of one session.
//!
//! ```text
//! sync_core::keys::Signer → identity → server_config / client_config → endpoint → connect
//!                                                              → FrameWriter / FrameReader
//! ```

mod error;
mod frames;
mod identity;
mod net;

pub use crate::error::{Close, LinkError};
pub use crate::frames::{FrameReader, FrameWriter, Incoming, STEP_BYTES, Step};
pub use crate::identity::{Expect, peer_device};
pub use crate::net::{
    ALPN, BIDI_STREAMS_MAX, CONNECT_TIMEOUT, Resets, Transport, client_config, connect, endpoint,
    lasting_endpoint, resolve, server_config,
};
pub use quinn;
