//! What closes a bundle: a key of its own, sealed to each reader, and frames sealed under it in order.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};

use crate::id::CommunityId;
use crate::keys::{Secret, derive, domain};

/// Context of a bundle's sealed key: it opens only as one of this community.
pub(super) fn seal_info(community: &CommunityId) -> Vec<u8> {
    [domain::BUNDLE_SEAL.as_bytes(), community.as_bytes()].concat()
}

/// Seals and opens the frames of one bundle, one after the other.
pub(super) struct FrameCipher {
    cipher: ChaCha20Poly1305,
    community: CommunityId,
    index: u64,
}

impl std::fmt::Debug for FrameCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrameCipher({})", self.index)
    }
}

impl FrameCipher {
    pub(super) fn new(community: CommunityId, key: &Secret) -> Self {
        let key = derive(domain::BUNDLE_KEY, &[key.expose()]);
        Self {
            cipher: ChaCha20Poly1305::new(key.as_bytes().into()),
            community,
            index: 0,
        }
    }

    /// No nonce is used twice: the key is of one file alone.
    fn next_nonce(&mut self) -> Nonce {
        let mut nonce = [0; 12];
        let counted = nonce.iter_mut().skip(4).zip(self.index.to_be_bytes());
        counted.for_each(|(to, from)| *to = from);
        self.index += 1;
        nonce.into()
    }

    pub(super) fn seal(&mut self, frame: &[u8]) -> Vec<u8> {
        let nonce = self.next_nonce();
        let payload = Payload {
            msg: frame,
            aad: self.community.as_bytes(),
        };
        let sealed = self.cipher.encrypt(&nonce, payload);
        sealed.expect("ChaCha20-Poly1305 takes any message under 256 GiB")
    }

    /// `None` if it is not the next frame that was sealed.
    pub(super) fn open(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        let nonce = self.next_nonce();
        let payload = Payload {
            msg: sealed,
            aad: self.community.as_bytes(),
        };
        self.cipher.decrypt(&nonce, payload).ok()
    }
}
