//! Device keys as TLS identities: raw public keys (RFC 7250), proved both ways.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{self, CertifiedKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, PeerIncompatible,
    SignatureAlgorithm, SignatureScheme,
};
use sync_core::id::DeviceId;
use sync_core::keys::{self, Signature, Signer};

/// An Ed25519 SubjectPublicKeyInfo before its 32 bytes (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// The device whose key the other end of a connection has proved.
#[must_use]
pub fn peer_device(connection: &quinn::Connection) -> Option<DeviceId> {
    let identity = connection.peer_identity()?;
    let keys = identity.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    device_of(keys.first()?)
}

fn device_of(spki: &CertificateDer<'_>) -> Option<DeviceId> {
    DeviceId::try_from(spki.strip_prefix(&SPKI_PREFIX)?).ok()
}

fn spki_of(device: &DeviceId) -> Vec<u8> {
    [SPKI_PREFIX.as_slice(), device.as_bytes()].concat()
}

/// The identity that this device shows.
pub(crate) fn certified_key(signer: Arc<dyn Signer>) -> Arc<CertifiedKey> {
    let spki = spki_of(&signer.device());
    let certificate = CertificateDer::from(spki.clone());
    Arc::new(CertifiedKey::new(
        vec![certificate],
        Arc::new(DeviceKey { signer, spki }),
    ))
}

#[derive(Debug)]
struct DeviceKey {
    signer: Arc<dyn Signer>,
    spki: Vec<u8>,
}

impl sign::SigningKey for DeviceKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn sign::Signer>> {
        offered
            .contains(&SignatureScheme::ED25519)
            .then(|| Box::new(HandshakeSigner(Arc::clone(&self.signer))) as Box<dyn sign::Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.spki.as_slice()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

#[derive(Debug)]
struct HandshakeSigner(Arc<dyn Signer>);

impl sign::Signer for HandshakeSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature = self
            .0
            .sign(message)
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(signature.as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

/// Whose key is to answer.
#[derive(Debug, Clone)]
pub enum Expect {
    /// Anybody's.
    Any,
    /// This device's.
    One(DeviceId),
    /// One of these devices'; who dials shows its own key to no other.
    OneOf(Arc<BTreeSet<DeviceId>>),
}

impl Expect {
    fn admits(&self, device: &DeviceId) -> bool {
        match self {
            Self::Any => true,
            Self::One(expected) => expected == device,
            Self::OneOf(expected) => expected.contains(device),
        }
    }
}

/// Takes the keys that are expected; the other end must prove that it has the one that it shows.
#[derive(Debug)]
pub(crate) struct KeyVerifier {
    pub(crate) expect: Expect,
}

impl KeyVerifier {
    fn check(&self, key: &CertificateDer<'_>) -> Result<(), rustls::Error> {
        let device = device_of(key).ok_or(rustls::Error::InvalidCertificate(
            CertificateError::BadEncoding,
        ))?;
        if !self.expect.admits(&device) {
            // Becomes the alert that `LinkError::WrongKey` is known by.
            let wrong = CertificateError::ApplicationVerificationFailure;
            return Err(rustls::Error::InvalidCertificate(wrong));
        }
        Ok(())
    }
}

fn check_signature(
    message: &[u8],
    key: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let bad = || rustls::Error::InvalidCertificate(CertificateError::BadSignature);
    if signed.scheme != SignatureScheme::ED25519 {
        return Err(bad());
    }
    let device = device_of(key).ok_or_else(bad)?;
    let signature = Signature::new(signed.signature().try_into().map_err(|_| bad())?);
    keys::verify(&device, message, &signature).map_err(|_| bad())?;
    Ok(HandshakeSignatureValid::assertion())
}

fn no_tls12() -> rustls::Error {
    rustls::Error::PeerIncompatible(PeerIncompatible::Tls12NotOfferedOrEnabled)
}

impl ServerCertVerifier for KeyVerifier {
    fn verify_server_cert(
        &self,
        key: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(key).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        check_signature(message, key, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for KeyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        key: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(key).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        check_signature(message, key, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
