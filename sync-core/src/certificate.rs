//! Certificates of service: what a coordinator's device says about somebody's confirmed hours, on paper,
//! for a school or an employer to check without a network.
//!
//! ```text
//! text    = "BANYANCERTIFICATE1" | base32( map | checksum 5 )     as a ticket is written (docs/protocol.md §12)
//! map     = 0 content: bytes · 1 signature: bytes 64
//! signed  = "banyan/certificate/1" | content …
//! content = map: 0 community · 1 number · 2 member · 3 name · 4 from · 5 to · 6 minutes · 7 records
//!                · 8 issuer · 9 issuer's name · 10 issued at · 11 community's name · 12 as of
//! ```
//! The text proves that the device `issuer` signed the content, and nothing about whose device that is. Who
//! was a coordinator is told by a community's roster: the reader's own, or one from a file
//! ([`crate::roster::file`]). A proof of it does not fit into the text, for it is only as short as the
//! chain of invitations, and no proof of that sort could tell that nobody has taken the right away.

use std::str::FromStr;

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::entry::codec::read_cbor;
use crate::id::{CommunityId, DeviceId, MemberId, Millis};
use crate::keys::{self, SealError, Signature, Signer, domain};
use crate::roster::Roster;
use crate::roster::cutoff::Standing;
use crate::roster::role::{Role, Scope};
use crate::roster::ticket::{ParseTicketError, read_text, write_text};
use crate::schema::is_date;

/// Most bytes of the content and the signature together: so many still make a code that phones scan.
pub const CERTIFICATE_BYTES_MAX: usize = 900;

/// What the text begins with; the last sign is the version.
const PREFIX: &str = "BANYANCERTIFICATE1";
const PREFIX_OF_ANY: &str = "BANYANCERTIFICATE";

/// What is certified.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Certificate {
    /// The community.
    #[n(0)]
    pub community: CommunityId,
    /// The number by which it is filed.
    #[n(1)]
    pub number: String,
    /// Whose service it is.
    #[n(2)]
    pub member: MemberId,
    /// What they are called.
    #[n(3)]
    pub name: String,
    /// First day, `YYYY-MM-DD`.
    #[n(4)]
    pub from: String,
    /// Last day, `YYYY-MM-DD`.
    #[n(5)]
    pub to: String,
    /// Confirmed service, in minutes.
    #[n(6)]
    pub minutes: u64,
    /// In so many records.
    #[n(7)]
    pub records: u64,
    /// The device that signs.
    #[n(8)]
    pub issuer: DeviceId,
    /// What its member is called.
    #[n(9)]
    pub issuer_name: String,
    /// When, in milliseconds since 1970, by the issuer's clock: a claim.
    #[n(10)]
    pub issued_at: i64,
    /// What the community is called.
    #[n(11)]
    pub title: Option<String>,
    /// Digest of the heads that the hours were counted at.
    #[n(12)]
    pub as_of: ByteArray<16>,
}

/// Why a certificate is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignCertificateError {
    /// The days are none, or in the wrong order.
    #[error("the period must be two days, the first not after the last")]
    Period,
    /// Names that are too long for a code.
    #[error("the names are too long for a certificate")]
    TooLong,
    /// The signer is another device than the certificate names.
    #[error("a certificate is signed by the device that it names")]
    OtherIssuer,
    /// The key store did not answer.
    #[error(transparent)]
    Keys(#[from] SealError),
}

/// Why a text is no certificate that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseCertificateError {
    /// It begins otherwise, or is far too long.
    #[error("this is no certificate")]
    NotACertificate,
    /// A letter is wrong or missing.
    #[error("the text was not copied whole")]
    Damaged,
    /// A newer version made it.
    #[error("a newer version made this certificate")]
    Newer,
    /// It is whole, and the device that it names did not sign it.
    #[error("the device that the certificate names did not sign it")]
    Forged,
}

/// A certificate whose signature is right: nobody else makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCertificate {
    certificate: Certificate,
    /// The bytes that were signed; never written again.
    content: Vec<u8>,
    signature: Signature,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Wrapped {
    #[n(0)]
    content: ByteVec,
    #[n(1)]
    signature: ByteArray<64>,
}

/// What a roster says about who issued a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// The device of a coordinator, an owner or whoever took the community up again.
    Coordinator,
    /// It was one; the right or the device was taken away since. Whether the certificate is from before
    /// that cannot be told, for its time is a claim.
    Former,
    /// A device of the community, and not a coordinator's; or nobody has confirmed yet that it joined.
    NotACoordinator,
    /// No device that this roster knows. It may be too old to know it.
    Unknown,
    /// The roster is of another community.
    OtherCommunity,
}

impl Certificate {
    /// Signs it.
    ///
    /// # Errors
    /// When it could not be read again, or the signer is not the issuer or does not answer.
    pub fn sign(self, signer: &dyn Signer) -> Result<SignedCertificate, SignCertificateError> {
        if signer.device() != self.issuer {
            return Err(SignCertificateError::OtherIssuer);
        }
        if !self.has_period() {
            return Err(SignCertificateError::Period);
        }
        let content = minicbor::to_vec(&self).map_err(|_| SignCertificateError::TooLong)?;
        if content.len() + Signature::LEN > CERTIFICATE_BYTES_MAX {
            return Err(SignCertificateError::TooLong);
        }
        let signature = signer.sign(&preimage(&content))?;
        Ok(SignedCertificate {
            certificate: self,
            content,
            signature,
        })
    }

    fn has_period(&self) -> bool {
        // Days in their one form stand in the order of their letters.
        [&self.from, &self.to].iter().all(|day| is_date(day)) && self.from <= self.to
    }

    /// When it was issued, by the issuer's clock.
    #[must_use]
    pub fn issued(&self) -> Millis {
        Millis(self.issued_at)
    }
}

fn preimage(content: &[u8]) -> Vec<u8> {
    [domain::CERTIFICATE.as_bytes(), content].concat()
}

impl SignedCertificate {
    /// What is certified.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The text, in capitals, for a QR code in its alphanumeric mode.
    #[must_use]
    pub fn text(&self) -> String {
        let wrapped = Wrapped {
            content: self.content.clone().into(),
            signature: (*self.signature.as_bytes()).into(),
        };
        write_text(PREFIX, &wrapped)
    }

    /// The text in a file or a picture that has one; the first of several.
    #[must_use]
    pub fn text_in(file: &str) -> Option<&str> {
        let start = file.find(PREFIX)?;
        let rest = file.get(start..)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
        rest.get(..end.unwrap_or(rest.len()))
    }

    /// What a roster says about who issued it.
    #[must_use]
    pub fn issuer_in(&self, roster: &Roster) -> Issuer {
        if *roster.community() != self.certificate.community {
            return Issuer::OtherCommunity;
        }
        let issuer = &self.certificate.issuer;
        let is_coordinating = |(scope, role): &(Scope, Role)| {
            *scope == Scope::Community && *role >= Role::Coordinator
        };
        let here = roster.devices().get(issuer);
        let Some(device) = here.or_else(|| roster.former().get(issuer)) else {
            return Issuer::Unknown;
        };
        let member = roster.members().get(&device.member);
        let is_confirmed = member.is_some_and(|member| !member.is_provisional);
        let mut rights = device
            .rights
            .iter()
            .filter(|(right, _)| is_coordinating(right));
        let holds = rights
            .clone()
            .any(|(_, standing)| Standing::holds(standing));
        if here.is_some() && holds && is_confirmed {
            Issuer::Coordinator
        } else if rights.next().is_some() && (here.is_none() || !holds) {
            Issuer::Former
        } else {
            Issuer::NotACoordinator
        }
    }
}

impl FromStr for SignedCertificate {
    type Err = ParseCertificateError;

    /// Reads a text and checks its signature; either case, and white space anywhere.
    fn from_str(text: &str) -> Result<Self, ParseCertificateError> {
        // A ticket begins like a newer certificate; so what it begins with is asked first.
        let begins = |prefix: &str| {
            let letters = text.chars().filter(|c| !c.is_whitespace());
            letters
                .take(prefix.len())
                .map(|c| c.to_ascii_uppercase())
                .eq(prefix.chars())
        };
        let wrapped: Wrapped = read_text(PREFIX, text).map_err(|error| match error {
            ParseTicketError::Damaged => ParseCertificateError::Damaged,
            ParseTicketError::Newer | ParseTicketError::NotATicket if begins(PREFIX_OF_ANY) => {
                ParseCertificateError::Newer
            }
            ParseTicketError::Newer | ParseTicketError::NotATicket => {
                ParseCertificateError::NotACertificate
            }
        })?;
        let content = wrapped.content.to_vec();
        if content.len() + Signature::LEN > CERTIFICATE_BYTES_MAX {
            return Err(ParseCertificateError::NotACertificate);
        }
        let certificate: Certificate = read_cbor(&content).ok_or(ParseCertificateError::Newer)?;
        let signature = Signature::new(*wrapped.signature);
        let checked = keys::verify(&certificate.issuer, &preimage(&content), &signature);
        if checked.is_err() || !certificate.has_period() {
            return Err(ParseCertificateError::Forged);
        }
        Ok(Self {
            certificate,
            content,
            signature,
        })
    }
}

#[cfg(test)]
mod tests;
