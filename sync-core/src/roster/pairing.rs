//! A member's further device: what the first shows, and what the new one answers.
//!
//! Two texts, each as letters or as a QR code. Neither holds a secret: the new device's keys never leave
//! it, and a stranger who photographs a screen gains nothing.

use std::fmt;
use std::str::FromStr;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::id::{CommunityId, DeviceId, MemberId};
use crate::keys::{SealError, SealingKey, Signer};
use crate::roster::statement::AddDevice;
use crate::roster::ticket::{
    ParseTicketError, RelayAddr, TICKET_RELAYS_MAX, read_text, write_text,
};

/// Most characters of a device's label.
pub const LABEL_CHARS_MAX: usize = 60;

const INVITATION: &str = "BANYANDEVICE1";
const ANSWER: &str = "BANYANANSWER1";

/// Whose device the new one is to be.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeviceInvitation {
    /// The community.
    #[n(0)]
    pub community: CommunityId,
    /// The member.
    #[n(1)]
    pub member: MemberId,
    /// Relays that carry the community.
    #[n(2)]
    pub relays: Vec<RelayAddr>,
}

/// The new device, and its agreement to be that member's.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeviceAnswer {
    /// The community.
    #[n(0)]
    pub community: CommunityId,
    /// The new device.
    #[n(1)]
    pub device: DeviceId,
    /// Its sealing key.
    #[n(2)]
    pub sealing: SealingKey,
    /// Its signature over [`AddDevice::proof_bytes`].
    #[n(3)]
    pub proof: ByteVec,
    /// What its owner calls it.
    #[n(4)]
    pub label: String,
}

impl DeviceAnswer {
    /// What the device with these keys answers.
    ///
    /// # Errors
    /// The keys do not answer.
    pub fn new(
        invitation: &DeviceInvitation,
        signer: &dyn Signer,
        label: &str,
    ) -> Result<Self, SealError> {
        let (device, sealing) = (signer.device(), signer.sealing_key());
        let (community, member) = (&invitation.community, &invitation.member);
        let bytes = AddDevice::proof_bytes(community, member, &device, &sealing);
        Ok(Self {
            community: *community,
            device,
            sealing,
            proof: signer.sign(&bytes)?.as_bytes().to_vec().into(),
            label: label.chars().take(LABEL_CHARS_MAX).collect(),
        })
    }
}

impl fmt::Display for DeviceInvitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_text(INVITATION, self).to_ascii_lowercase())
    }
}

impl fmt::Display for DeviceAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_text(ANSWER, self).to_ascii_lowercase())
    }
}

impl FromStr for DeviceInvitation {
    type Err = ParseTicketError;

    fn from_str(text: &str) -> Result<Self, ParseTicketError> {
        let invitation: Self = read_text(INVITATION, text)?;
        if invitation.relays.len() > TICKET_RELAYS_MAX {
            return Err(ParseTicketError::Newer);
        }
        Ok(invitation)
    }
}

impl FromStr for DeviceAnswer {
    type Err = ParseTicketError;

    fn from_str(text: &str) -> Result<Self, ParseTicketError> {
        read_text(ANSWER, text)
    }
}
