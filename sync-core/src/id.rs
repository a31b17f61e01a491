//! Names of things: one newtype per id, hash and position.
//!
//! Ids are hashes of unsigned preimages or public keys; none is chosen by hand. People see them in
//! base32 (lower case, no padding), so that they can be read aloud and typed.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, Encoding};
use thiserror::Error;

/// A text that is not the id it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("\"{what}\" ids have {expected} letters and digits of a-z and 2-7")]
pub struct ParseIdError {
    what: &'static str,
    expected: usize,
}

fn to_text(bytes: &[u8]) -> String {
    let encoding: &Encoding = &BASE32_NOPAD;
    encoding.encode(bytes).to_ascii_lowercase()
}

macro_rules! byte_id {
    ($(#[$meta:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;
            /// The id of nothing: all zero bytes.
            pub const ZERO: Self = Self([0; $len]);

            /// Wraps bytes that are known to be such an id.
            #[must_use]
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Takes the first bytes of a hash.
            #[must_use]
            pub fn from_hash(hash: &blake3::Hash) -> Self {
                let mut bytes = [0; $len];
                for (to, from) in bytes.iter_mut().zip(hash.as_bytes()) {
                    *to = *from;
                }
                Self(bytes)
            }

            /// The first letters, for logs and lists where the whole id is too long.
            #[must_use]
            pub fn short(&self) -> String {
                to_text(&self.0).chars().take(8).collect()
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = ParseIdError;

            fn try_from(bytes: &[u8]) -> Result<Self, ParseIdError> {
                <[u8; $len]>::try_from(bytes).map(Self).map_err(|_| ParseIdError {
                    what: $what,
                    expected: ($len * 8_usize).div_ceil(5),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&to_text(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let error = ParseIdError { what: $what, expected: ($len * 8_usize).div_ceil(5) };
                let bytes = BASE32_NOPAD
                    .decode(text.trim().to_ascii_uppercase().as_bytes())
                    .map_err(|_| error)?;
                <[u8; $len]>::try_from(bytes).map(Self).map_err(|_| error)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                Self::try_from(d.bytes()?)
                    .map_err(|_| minicbor::decode::Error::message("an id of another length"))
            }
        }
    };
}

byte_id!(
    /// The root of trust: hash of the founding statement.
    CommunityId, 32, "community"
);
byte_id!(
    /// The roster of a community, or the data of one space.
    LaneId, 16, "lane"
);
byte_id!(
    /// A device: its Ed25519 public key.
    DeviceId, 32, "device"
);
byte_id!(
    /// New at every install and every restore from backup: random.
    Incarnation, 8, "incarnation"
);
byte_id!(
    /// A person: hash of the community and the key of their first device.
    MemberId, 16, "member"
);
byte_id!(
    /// An invitation: the Ed25519 public key that its ticket's secret yields.
    InviteId, 32, "invite"
);
byte_id!(
    /// A reading key of a space: hash of the key itself.
    EpochId, 16, "epoch"
);
byte_id!(
    /// One record: commits to its kind and creator, or to its natural key.
    RecordId, 16, "record"
);
byte_id!(
    /// Author of changes inside a record: hash of device and incarnation.
    ActorId, 16, "actor"
);
byte_id!(
    /// Hash of a batch's signed preimage; the next batch of the log names it.
    ChainHash, 32, "chain hash"
);
byte_id!(
    /// Hash of one entry's stored bytes.
    Commit, 32, "commit"
);
byte_id!(
    /// Which life of a store the arrival positions belong to: random, made with the store.
    StoreId, 16, "store"
);
byte_id!(
    /// Sealed bytes outside of logs: hash of their length and of the hashes of their chunks.
    BlobId, 32, "blob"
);
byte_id!(
    /// What the files of one export have in common: random.
    BundleId, 16, "bundle"
);

/// Position of an entry in its log; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The position of the first entry of a log.
    pub const FIRST: Self = Self(1);
    /// The last position that a log may reach: stores keep positions as signed 64-bit numbers.
    pub const MAX: Self = Self(i64::MAX.cast_unsigned());

    /// The position `count` entries later.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Position at which a store received a batch; rises, and never repeats within one [`StoreId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Arrival(pub u64);

/// Milliseconds since 1970 by the clock of the device that says so: a claim, never an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub i64);

/// One log: all entries of one device's incarnation in one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// The lane that the log belongs to.
    pub lane: LaneId,
    /// Whose entries these are.
    pub device: DeviceId,
    /// Which installation of the device wrote them.
    pub incarnation: Incarnation,
}

impl LogId {
    /// Author of the changes in this log.
    #[must_use]
    pub fn actor(&self) -> ActorId {
        ActorId::derive(&self.device, &self.incarnation)
    }
}

impl ActorId {
    /// First 16 bytes of BLAKE3-derive-key("banyan/actor/1", device | incarnation) (docs/protocol.md §2).
    #[must_use]
    pub fn derive(device: &DeviceId, incarnation: &Incarnation) -> Self {
        let hash = crate::keys::derive(
            crate::keys::domain::ACTOR,
            &[device.as_bytes(), incarnation.as_bytes()],
        );
        Self::from_hash(&hash)
    }
}

/// What a replica has of one log: everything up to `seq`, whose batch hashes to `chain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Last entry held.
    pub seq: Seq,
    /// Chain hash of the batch that ends with it.
    pub chain: ChainHash,
}

impl Head {
    /// The head of a log nobody has written to.
    pub const EMPTY: Self = Self {
        seq: Seq(0),
        chain: ChainHash::ZERO,
    };

    /// Where the next batch must begin.
    #[must_use]
    pub const fn next(&self) -> Seq {
        self.seq.plus(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text_form() {
        let id = RecordId::new([7; 16]);
        assert_eq!(id.to_string().parse::<RecordId>(), Ok(id));
        assert_eq!(id.to_string().len(), 26);
    }

    #[test]
    fn ids_of_another_length_are_refused() {
        assert!("abc".parse::<DeviceId>().is_err());
        assert!(DeviceId::try_from([0_u8; 31].as_slice()).is_err());
    }
}
