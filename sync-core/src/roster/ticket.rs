//! Tickets: what a lead shows and a joiner scans, as text or QR.
//!
//! ```text
//! "banyan1" | base32( CBOR map | checksum 5 )
//! ```
//! All letters may be upper case, which makes the QR smaller. The checksum finds a mistyped letter.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::entry::codec::read_cbor;
use crate::id::{CommunityId, DeviceId, InviteId};
use crate::keys::{self, DeviceKeys, domain};
use crate::roster::role::{Role, Scope};

const PREFIX: &str = "BANYAN1";
const PREFIX_OF_ANY: &str = "BANYAN";
const CHECKSUM_LEN: usize = 5;
/// Longest ticket text that is looked at.
pub const TICKET_TEXT_MAX: usize = 2048;
/// Most relays in a ticket.
pub const TICKET_RELAYS_MAX: usize = 4;

/// Where a relay is and which key it answers with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
pub struct RelayAddr {
    /// The relay's key.
    #[n(0)]
    pub relay: DeviceId,
    /// `host:port`.
    #[n(1)]
    pub addr: String,
}

impl fmt::Display for RelayAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.relay, self.addr)
    }
}

/// A text that is not `<relay id>@<host:port>`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a relay is written <relay id>@<host:port>, as the relay prints it when it starts")]
pub struct ParseRelayError;

impl FromStr for RelayAddr {
    type Err = ParseRelayError;

    fn from_str(text: &str) -> Result<Self, ParseRelayError> {
        let (relay, addr) = text.trim().split_once('@').ok_or(ParseRelayError)?;
        let (host, port) = addr.rsplit_once(':').ok_or(ParseRelayError)?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(ParseRelayError);
        }
        Ok(Self {
            relay: relay.parse().map_err(|_| ParseRelayError)?,
            addr: addr.to_owned(),
        })
    }
}

/// An invitation in the hand: community, secret, and where to go.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ticket {
    /// The community.
    #[n(0)]
    pub community: CommunityId,
    /// The secret that the invite's keys are derived from.
    #[n(1)]
    pub secret: ByteArray<16>,
    /// Where the role holds.
    #[n(2)]
    pub scope: Scope,
    /// The role.
    #[n(3)]
    pub role: Role,
    /// Relays that carry the community.
    #[n(4)]
    pub relays: Vec<RelayAddr>,
}

impl Ticket {
    /// The invitation that it belongs to.
    #[must_use]
    pub fn invite(&self) -> InviteId {
        self.keys().invite()
    }

    /// The keys that the ticket's holder proves and opens with.
    #[must_use]
    pub fn keys(&self) -> DeviceKeys {
        DeviceKeys::derive_for_invite(&self.secret)
    }

    /// The text in capitals, for a QR code in its alphanumeric mode.
    #[must_use]
    pub fn qr_text(&self) -> String {
        write_text(PREFIX, self)
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.qr_text().to_ascii_lowercase())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({})", self.community.short())
    }
}

/// A value as text for a QR code: what it is, then CBOR with a checksum in base32, all in capitals.
pub(crate) fn write_text(prefix: &str, value: &impl Encode<()>) -> String {
    let mut bytes = minicbor::to_vec(value).expect("writing to memory does not fail");
    bytes.extend_from_slice(&checksum(&bytes));
    format!("{prefix}{}", BASE32_NOPAD.encode(&bytes))
}

/// Reads such a text, in either case and with any white space.
pub(crate) fn read_text<T: for<'b> Decode<'b, ()>>(
    prefix: &str,
    text: &str,
) -> Result<T, ParseTicketError> {
    if text.len() > TICKET_TEXT_MAX {
        return Err(ParseTicketError::NotATicket);
    }
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_uppercase();
    let body = text
        .strip_prefix(prefix)
        .ok_or_else(|| not_this_version(&text))?;
    let bytes = BASE32_NOPAD
        .decode(body.as_bytes())
        .map_err(|_| ParseTicketError::Damaged)?;
    let split = bytes
        .len()
        .checked_sub(CHECKSUM_LEN)
        .ok_or(ParseTicketError::Damaged)?;
    let (content, sum) = bytes
        .split_at_checked(split)
        .ok_or(ParseTicketError::Damaged)?;
    if checksum(content) != sum {
        return Err(ParseTicketError::Damaged);
    }
    read_cbor(content).ok_or(ParseTicketError::Newer)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let hash = keys::derive(domain::CHECKSUM, &[bytes]);
    let mut sum = [0; CHECKSUM_LEN];
    sum.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    sum
}

/// Why a text is no ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseTicketError {
    /// It begins otherwise, or is far too long.
    #[error("this is not a Banyan ticket: tickets begin with \"banyan1\"")]
    NotATicket,
    /// A letter is wrong or missing.
    #[error(
        "the ticket was not copied whole: check it for a wrong or missing letter, or scan it again"
    )]
    Damaged,
    /// A newer version made it.
    #[error("the ticket was made by a newer Banyan: update this one")]
    Newer,
}

fn not_this_version(text: &str) -> ParseTicketError {
    let version = text
        .strip_prefix(PREFIX_OF_ANY)
        .and_then(|rest| rest.chars().next());
    if version.is_some_and(|digit| digit.is_ascii_digit()) {
        ParseTicketError::Newer
    } else {
        ParseTicketError::NotATicket
    }
}

impl FromStr for Ticket {
    type Err = ParseTicketError;

    fn from_str(text: &str) -> Result<Self, ParseTicketError> {
        let ticket: Self = read_text(PREFIX, text)?;
        if ticket.relays.len() > TICKET_RELAYS_MAX {
            return Err(ParseTicketError::Newer);
        }
        Ok(ticket)
    }
}
