//! Where one device listens and which key it answers with, as text or QR.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use minicbor::bytes::ByteArray;
use minicbor::decode::{self, Decoder};
use minicbor::encode::{self, Encoder, Write};
use minicbor::{Decode, Encode};

use super::{CODE_ADDRS_MAX, Tag};
use crate::id::{CommunityId, DeviceId};
use crate::roster::ticket::{ParseTicketError, read_text, write_text};

const PREFIX: &str = "BANYAN-PEER:";
/// `[ffff:…:ffff]:65535`, and nothing behind it.
const ADDR_CHARS_MAX: usize = 48;

/// An address of one device on a network: a number, never a name, and one that can be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddr(SocketAddr);

impl PeerAddr {
    /// None for what nobody can dial: no port, the unspecified address, or a group's. An address that
    /// means something on one link alone says which link only to its own device.
    #[must_use]
    pub fn new(addr: SocketAddr) -> Option<Self> {
        let ip = addr.ip().to_canonical();
        let is_of_one = !ip.is_unspecified() && !ip.is_multicast();
        let is_bare = match addr {
            SocketAddr::V4(_) => true,
            SocketAddr::V6(v6) => v6.scope_id() == 0 && v6.flowinfo() == 0,
        };
        let addr = SocketAddr::new(ip, addr.port());
        (is_of_one && is_bare && addr.port() != 0).then_some(Self(addr))
    }

    /// The same as a socket takes it.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        self.0
    }

    /// Its host.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.0.ip()
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PeerAddr {
    type Err = ParseTicketError;

    fn from_str(text: &str) -> Result<Self, ParseTicketError> {
        let addr = (text.len() <= ADDR_CHARS_MAX)
            .then(|| text.parse().ok())
            .flatten();
        addr.and_then(Self::new).ok_or(ParseTicketError::Newer)
    }
}

impl<C> Encode<C> for PeerAddr {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.str(&self.0.to_string())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for PeerAddr {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let addr = d.str()?.parse();
        addr.map_err(|_| decode::Error::message("not an address"))
    }
}

/// Where one device listens and which key it answers with. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PeerCode {
    #[n(0)]
    tag: ByteArray<16>,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    #[n(2)]
    addrs: Vec<PeerAddr>,
}

impl PeerCode {
    /// A code for a device at the first [`CODE_ADDRS_MAX`] of these addresses.
    #[must_use]
    pub fn new(tag: Tag, device: DeviceId, addrs: impl IntoIterator<Item = PeerAddr>) -> Self {
        Self {
            tag: tag.to_bytes().into(),
            device,
            addrs: addrs.into_iter().take(CODE_ADDRS_MAX).collect(),
        }
    }

    /// Whether the device says that it belongs to this community.
    #[must_use]
    pub fn is_of(&self, community: &CommunityId) -> bool {
        Tag::from_bytes(&self.tag).is_of(community)
    }

    /// Where it listens, in the order in which to try.
    #[must_use]
    pub fn addrs(&self) -> &[PeerAddr] {
        &self.addrs
    }

    /// The text in capitals, for a QR code in its alphanumeric mode.
    #[must_use]
    pub fn qr_text(&self) -> String {
        write_text(PREFIX, self)
    }
}

impl fmt::Display for PeerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.qr_text().to_ascii_lowercase())
    }
}

impl FromStr for PeerCode {
    type Err = ParseTicketError;

    fn from_str(text: &str) -> Result<Self, ParseTicketError> {
        let code: Self = read_text(PREFIX, text)?;
        if code.addrs.is_empty() || code.addrs.len() > CODE_ADDRS_MAX {
            return Err(ParseTicketError::Newer);
        }
        Ok(code)
    }
}
