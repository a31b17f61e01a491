//! Keys: who signs, who may open, and how every hash gets its own purpose.
//!
//! A device has an Ed25519 signing key, which is its id, and an X25519 sealing key. Keys may sit in a
//! phone's key store, so the core reaches them through [`Signer`]; [`DeviceKeys`] holds them in memory.

use ed25519_dalek::{Signature as DalekSignature, Signer as _, SigningKey, VerifyingKey};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use std::fmt;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::{CommunityId, DeviceId, InviteId};

/// Domain strings: one for each purpose of a hash, key derivation or signature (docs/protocol.md §2).
pub mod domain {
    /// First bytes of a batch's signed preimage.
    pub const BATCH: &str = "banyan/batch/1";
    /// Hash of a batch's signed preimage.
    pub const CHAIN: &str = "banyan/chain/1";
    /// Hash over the kinds, lengths and commits of a batch's entries.
    pub const ENTRIES: &str = "banyan/entries/1";
    /// Key that seals one batch, from its space's epoch key.
    pub const BATCH_KEY: &str = "banyan/batch-key/1";
    /// Key that seals one name or title inside a roster statement.
    pub const TEXT_KEY: &str = "banyan/text-key/1";
    /// Key that wraps an older epoch key under a newer one.
    pub const WRAP_KEY: &str = "banyan/wrap-key/1";
    /// Id of an epoch key.
    pub const EPOCH_ID: &str = "banyan/epoch-id/1";
    /// Sealing of an epoch key to a device or an invite (HPKE info).
    pub const EPOCH_SEAL: &str = "banyan/epoch-seal/1";
    /// Id of a community.
    pub const COMMUNITY: &str = "banyan/community/1";
    /// Roster lane of a community.
    pub const ROSTER_LANE: &str = "banyan/roster-lane/1";
    /// Commons of a community.
    pub const COMMONS: &str = "banyan/commons/1";
    /// Id of a space.
    pub const SPACE: &str = "banyan/space/1";
    /// Id of a member.
    pub const MEMBER: &str = "banyan/member/1";
    /// Actor of a device's incarnation.
    pub const ACTOR: &str = "banyan/actor/1";
    /// Id of a record that one device began.
    pub const RECORD: &str = "banyan/record/1";
    /// Id of a record that a natural key names.
    pub const RECORD_KEY: &str = "banyan/record-key/1";
    /// What stands for a row of a file in the nonce of the record that it begins.
    pub const ORIGIN: &str = "banyan/origin/1";
    /// Signing key of an invite, from its ticket's secret.
    pub const INVITE_SIGN: &str = "banyan/invite-sign/1";
    /// Sealing key of an invite, from its ticket's secret.
    pub const INVITE_SEAL: &str = "banyan/invite-seal/1";
    /// Proof in a Join that the joiner holds the ticket.
    pub const JOIN_PROOF: &str = "banyan/join-proof/1";
    /// Proof in an `AddDevice` that the new device agrees.
    pub const DEVICE_PROOF: &str = "banyan/device-proof/1";
    /// Id of a roster statement.
    pub const STATEMENT: &str = "banyan/statement/1";
    /// Digest of the heads of one lane.
    pub const LANE_DIGEST: &str = "banyan/lane-digest/1";
    /// Sketch of one lane within one session.
    pub const LANE_SKETCH: &str = "banyan/lane-sketch/1";
    /// Digest of what has lost in one lane.
    pub const LOST_DIGEST: &str = "banyan/lost-digest/1";
    /// Digest of several lanes.
    pub const SET_DIGEST: &str = "banyan/set-digest/1";
    /// Fingerprint of a log within one session.
    pub const LOG_MARK: &str = "banyan/log-mark/1";
    /// A certificate of service.
    pub const CERTIFICATE: &str = "banyan/certificate/1";
    /// A device's signed receipt.
    pub const RECEIPT: &str = "banyan/receipt/2";
    /// Mark of the lanes that a receipt is about.
    pub const RECEIPT_LANES: &str = "banyan/receipt-lanes/1";
    /// A relay's word that it has erased something.
    pub const RELAY_ERASED: &str = "banyan/relay-erased/1";
    /// Digest of what a replica shows.
    pub const VIEW_DIGEST: &str = "banyan/view-digest/1";
    /// Name of the values of a field that somebody was shown.
    pub const SIGHT: &str = "banyan/sight/1";
    /// Recovery key that signs, from the words on its sheet.
    pub const RECOVERY: &str = "banyan/recovery/1";
    /// Recovery key that reads.
    pub const RECOVERY_SEAL: &str = "banyan/recovery-seal/1";
    /// What a relay's stateless resets are proved by, from its signing key.
    pub const RESET: &str = "banyan/reset/1";
    /// Sealing of a bundle's key to a device or an invite (HPKE info).
    pub const BUNDLE_SEAL: &str = "banyan/bundle-seal/1";
    /// Key that seals the frames of one bundle.
    pub const BUNDLE_KEY: &str = "banyan/bundle-key/1";
    /// What a bundle's sender says to have.
    pub const BUNDLE_WORD: &str = "banyan/bundle-word/1";
    /// Id of a blob, from its length and the hashes of its sealed chunks.
    pub const BLOB: &str = "banyan/blob/1";
    /// First bytes of the associated data of a blob's chunk.
    pub const BLOB_CHUNK: &str = "banyan/blob-chunk/1";
    /// Tag by which members recognise an announced device.
    pub const NEARBY_TAG: &str = "banyan/nearby-tag/1";
    /// Digits that two people compare.
    pub const CHECK_PHRASE: &str = "banyan/check-phrase/1";
    /// Checksum of a ticket or recovery code.
    pub const CHECKSUM: &str = "banyan/checksum/1";

    /// All of them, for the test that holds docs/protocol.md against the code.
    pub const ALL: &[&str] = &[
        BATCH,
        CHAIN,
        ENTRIES,
        BATCH_KEY,
        TEXT_KEY,
        WRAP_KEY,
        EPOCH_ID,
        EPOCH_SEAL,
        COMMUNITY,
        ROSTER_LANE,
        COMMONS,
        SPACE,
        MEMBER,
        ACTOR,
        RECORD,
        RECORD_KEY,
        ORIGIN,
        INVITE_SIGN,
        INVITE_SEAL,
        JOIN_PROOF,
        DEVICE_PROOF,
        STATEMENT,
        LANE_DIGEST,
        LANE_SKETCH,
        LOST_DIGEST,
        SET_DIGEST,
        LOG_MARK,
        CERTIFICATE,
        RECEIPT,
        RECEIPT_LANES,
        RELAY_ERASED,
        VIEW_DIGEST,
        SIGHT,
        RECOVERY,
        RECOVERY_SEAL,
        RESET,
        BUNDLE_SEAL,
        BUNDLE_KEY,
        BUNDLE_WORD,
        BLOB,
        BLOB_CHUNK,
        NEARBY_TAG,
        CHECK_PHRASE,
        CHECKSUM,
    ];
}

/// BLAKE3 in key-derivation mode: `domain` is the context, the parts are the material, one after the other.
///
/// Every caller's parts have fixed lengths, but for the last one, so no two inputs run together.
#[must_use]
pub fn derive(domain: &'static str, parts: &[&[u8]]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Length in bytes.
    pub const LEN: usize = 64;

    /// Wraps the bytes of a signature that is still to be verified.
    #[must_use]
    pub const fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

/// A signature that does not belong to the bytes and the key it is shown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the signature does not match")]
pub struct BadSignature;

/// Checks a signature strictly (RFC 8032, no small-order keys), so that every device decides alike.
///
/// # Errors
/// [`BadSignature`] if the key is no key or the signature is not by it over exactly these bytes.
pub fn verify(by: &DeviceId, bytes: &[u8], signature: &Signature) -> Result<(), BadSignature> {
    let key = VerifyingKey::from_bytes(by.as_bytes()).map_err(|_| BadSignature)?;
    key.verify_strict(bytes, &DalekSignature::from_bytes(signature.as_bytes()))
        .map_err(|_| BadSignature)
}

/// The public X25519 key that others seal epoch keys to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SealingKey([u8; 32]);

impl SealingKey {
    /// Wraps a public key.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl<C> minicbor::Encode<C> for SealingKey {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for SealingKey {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        <[u8; 32]>::try_from(d.bytes()?)
            .map(Self)
            .map_err(|_| minicbor::decode::Error::message("a sealing key has 32 bytes"))
    }
}

/// Length of a 32-byte key sealed with HPKE: encapsulated key 32, ciphertext 32, tag 16.
pub const SEALED_KEY_LEN: usize = 80;

/// A secret sealed to a public key could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// The recipient's public key is not a point that HPKE accepts.
    #[error("the sealing key is not valid")]
    BadKey,
    /// The sealed bytes were made for someone else, or changed on the way.
    #[error("the sealed key does not open")]
    DoesNotOpen,
    /// The platform's key store did not answer.
    #[error("the key store did not answer")]
    KeyStore,
}

/// A device's keys, wherever they are kept.
pub trait Signer: Send + Sync + fmt::Debug {
    /// The public signing key.
    fn device(&self) -> DeviceId;
    /// The public sealing key.
    fn sealing_key(&self) -> SealingKey;
    /// Signs exactly these bytes.
    ///
    /// # Errors
    /// [`SealError::KeyStore`] if the keys cannot be reached now.
    fn sign(&self, bytes: &[u8]) -> Result<Signature, SealError>;
    /// Opens a 32-byte key sealed to this device.
    ///
    /// # Errors
    /// [`SealError::DoesNotOpen`] if it was sealed to another key or under another `info`.
    fn open(&self, info: &[u8], sealed: &[u8]) -> Result<Secret, SealError>;
    /// Destroys the sealing key where it is kept: from the next start on nothing opens that was
    /// sealed to this device. It may be done again at any time. The signing key stays.
    ///
    /// # Errors
    /// [`SealError::KeyStore`] if the keys cannot be reached now.
    fn destroy_sealing_key(&self) -> Result<(), SealError>;
}

/// 32 secret bytes: wiped when dropped, never printed, compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Wraps secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Makes a new random secret.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The secret bytes themselves: for encryption and for the key file only.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A device's keys in memory.
#[derive(Clone)]
pub struct DeviceKeys {
    signing: SigningKey,
    sealing: Secret,
    sealing_public: SealingKey,
}

impl DeviceKeys {
    /// Makes new random keys.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let signing = Secret::generate(rng);
        let sealing = Secret::generate(rng);
        Self::from_secrets(&signing, sealing)
    }

    /// Builds the keys from their two secrets, as kept in the key file.
    #[must_use]
    pub fn from_secrets(signing: &Secret, sealing: Secret) -> Self {
        let secret = x25519_dalek::StaticSecret::from(*sealing.expose());
        let public = x25519_dalek::PublicKey::from(&secret);
        Self {
            signing: SigningKey::from_bytes(signing.expose()),
            sealing,
            sealing_public: SealingKey::new(public.to_bytes()),
        }
    }

    /// The keys that a ticket's secret yields: what an open invite signs and opens with.
    #[must_use]
    pub fn derive_for_invite(secret: &[u8; 16]) -> Self {
        let signing = Secret::new(*derive(domain::INVITE_SIGN, &[secret]).as_bytes());
        let sealing = Secret::new(*derive(domain::INVITE_SEAL, &[secret]).as_bytes());
        Self::from_secrets(&signing, sealing)
    }

    /// The keys that the secret of a recovery sheet yields.
    #[must_use]
    pub fn derive_for_recovery(secret: &[u8; 16]) -> Self {
        let signing = Secret::new(*derive(domain::RECOVERY, &[secret]).as_bytes());
        let sealing = Secret::new(*derive(domain::RECOVERY_SEAL, &[secret]).as_bytes());
        Self::from_secrets(&signing, sealing)
    }

    /// The keys as an invite's id.
    #[must_use]
    pub fn invite(&self) -> InviteId {
        InviteId::new(*self.device().as_bytes())
    }

    /// The secret by which a relay tells devices that a connection of an earlier start is over.
    #[must_use]
    pub fn reset_secret(&self) -> Secret {
        let signing = self.signing.to_bytes();
        Secret::new(*derive(domain::RESET, &[&signing]).as_bytes())
    }

    /// The two secrets, for the key file: signing, then sealing.
    #[must_use]
    pub fn to_secrets(&self) -> (Secret, Secret) {
        (Secret::new(self.signing.to_bytes()), self.sealing.clone())
    }
}

impl Signer for DeviceKeys {
    fn device(&self) -> DeviceId {
        DeviceId::new(self.signing.verifying_key().to_bytes())
    }

    fn sealing_key(&self) -> SealingKey {
        self.sealing_public
    }

    fn sign(&self, bytes: &[u8]) -> Result<Signature, SealError> {
        Ok(Signature::new(self.signing.sign(bytes).to_bytes()))
    }

    fn open(&self, info: &[u8], sealed: &[u8]) -> Result<Secret, SealError> {
        open_key(&self.sealing, info, sealed)
    }

    /// They are kept nowhere: whoever has put them into a file destroys them there.
    fn destroy_sealing_key(&self) -> Result<(), SealError> {
        Ok(())
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKeys({})", self.device().short())
    }
}

type SealKem = X25519HkdfSha256;

/// Context of a sealed epoch key: it opens only as a key of this community.
#[must_use]
pub fn epoch_seal_info(community: &CommunityId) -> Vec<u8> {
    [domain::EPOCH_SEAL.as_bytes(), community.as_bytes()].concat()
}

/// Seals a 32-byte key to a public key (HPKE base mode, RFC 9180): 80 bytes.
///
/// # Errors
/// [`SealError::BadKey`] if `to` is not a usable public key.
pub fn seal_key(
    to: &SealingKey,
    info: &[u8],
    key: &Secret,
    mut rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let public =
        <SealKem as Kem>::PublicKey::from_bytes(to.as_bytes()).map_err(|_| SealError::BadKey)?;
    let (encapsulated, ciphertext) =
        hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, SealKem>(
            &OpModeS::Base,
            &public,
            info,
            key.expose(),
            to.as_bytes(),
            &mut rng,
        )
        .map_err(|_| SealError::BadKey)?;
    let mut sealed = encapsulated.to_bytes().to_vec();
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

fn open_key(secret: &Secret, info: &[u8], sealed: &[u8]) -> Result<Secret, SealError> {
    let (encapsulated, ciphertext) = sealed.split_at_checked(32).ok_or(SealError::DoesNotOpen)?;
    let private =
        <SealKem as Kem>::PrivateKey::from_bytes(secret.expose()).map_err(|_| SealError::BadKey)?;
    let public = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*secret.expose()));
    let encapsulated = <SealKem as Kem>::EncappedKey::from_bytes(encapsulated)
        .map_err(|_| SealError::DoesNotOpen)?;
    let mut opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, SealKem>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        info,
        ciphertext,
        public.as_bytes(),
    )
    .map_err(|_| SealError::DoesNotOpen)?;
    let key = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| SealError::DoesNotOpen);
    opened.zeroize();
    key.map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    #[test]
    fn signature_of_other_bytes_is_refused() {
        let keys = DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(1));
        let signature = keys.sign(b"one").unwrap();
        assert_eq!(verify(&keys.device(), b"one", &signature), Ok(()));
        assert_eq!(
            verify(&keys.device(), b"two", &signature),
            Err(BadSignature)
        );
    }

    #[test]
    fn sealed_key_is_80_bytes_and_opens_only_for_its_device() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let (ours, theirs) = (DeviceKeys::generate(rng), DeviceKeys::generate(rng));
        let key = Secret::generate(rng);
        let sealed = seal_key(&ours.sealing_key(), b"info", &key, rng).unwrap();
        assert_eq!(sealed.len(), SEALED_KEY_LEN);
        assert_eq!(ours.open(b"info", &sealed), Ok(key));
        assert_eq!(theirs.open(b"info", &sealed), Err(SealError::DoesNotOpen));
        assert_eq!(ours.open(b"other", &sealed), Err(SealError::DoesNotOpen));
    }

    #[test]
    fn domains_are_all_different() {
        let set: std::collections::BTreeSet<_> = domain::ALL.iter().collect();
        assert_eq!(set.len(), domain::ALL.len());
    }
}
