//! A relay's word that it has nothing of certain erased entries any more.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::id::{CommunityId, DeviceId, StoreId};
use crate::keys::{self, SealError, Signature, Signer, domain};
use crate::roster::statement::StatementId;

/// Most erasures in one frame.
pub const ERASED_MAX: usize = 1024;

/// Which of these erasures has the relay carried out?
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AskErased {
    /// Statements.
    #[n(0)]
    pub statements: Vec<StatementId>,
}

/// A relay's signed word that what these statements name is in its store and its file no more.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HasErased {
    /// The relay.
    #[n(0)]
    pub device: DeviceId,
    /// Which life of its store.
    #[n(1)]
    pub store: StoreId,
    /// Statements, ascending.
    #[n(2)]
    pub statements: Vec<StatementId>,
    /// Ed25519 over [`HasErased::signed_bytes`].
    #[n(3)]
    pub signature: ByteVec,
}

impl HasErased {
    /// Signs for a relay.
    ///
    /// # Errors
    /// The keys'.
    pub fn sign(
        signer: &dyn Signer,
        community: &CommunityId,
        store: StoreId,
        statements: Vec<StatementId>,
    ) -> Result<Self, SealError> {
        let device = signer.device();
        let bytes = Self::signed_bytes(community, &device, &store, &statements);
        let signature = signer.sign(&bytes)?.as_bytes().to_vec().into();
        Ok(Self {
            device,
            store,
            statements,
            signature,
        })
    }

    /// What the relay signs: `"banyan/relay-erased/1" | community 32 | device 32 | store 16`, then each
    /// statement's 32 bytes in the order they stand (docs/protocol.md §8).
    #[must_use]
    pub fn signed_bytes(
        community: &CommunityId,
        device: &DeviceId,
        store: &StoreId,
        statements: &[StatementId],
    ) -> Vec<u8> {
        let head = [
            domain::RELAY_ERASED.as_bytes(),
            community.as_bytes(),
            device.as_bytes(),
            store.as_bytes(),
        ];
        let mut bytes = head.concat();
        for statement in statements {
            bytes.extend_from_slice(statement.as_bytes());
        }
        bytes
    }

    /// Whether the relay that it names has signed it in this community.
    #[must_use]
    pub fn is_signed(&self, community: &CommunityId) -> bool {
        let bytes = Self::signed_bytes(community, &self.device, &self.store, &self.statements);
        <[u8; Signature::LEN]>::try_from(self.signature.as_slice())
            .is_ok_and(|it| keys::verify(&self.device, &bytes, &Signature::new(it)).is_ok())
    }
}
