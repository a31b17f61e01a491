//! Receipts: a device's signed word of how far it has read a relay.
//!
//! A relay numbers what arrives. A receipt says: *I have everything that I may have of what arrived there
//! up to this position.* With it, anybody who knows at which position a batch lies at that relay can
//! tell whether the device has it. It is for people alone: no receipt moves data or decides a merge.
//!
//! What came off the wire is a [`SignedReceipt`], which proves nothing. Only [`SignedReceipt::verify`]
//! makes a [`VerifiedReceipt`] of it, and only those reach a store or a relay's log.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::id::{CommunityId, DeviceId, LaneId, Millis, StoreId};
use crate::keys::{self, BadSignature, SealError, Signature, Signer, derive, domain};

/// After how many milliseconds a receipt for the same position is news: its device has been heard again.
pub const RECEIPT_RENEW_MILLIS: u64 = 43_200_000;
/// For how many milliseconds after a receipt a device that stays connected sends no other one.
pub const RECEIPT_PAUSE_MILLIS: u64 = 10_000;
/// Length of the mark of a set of lanes.
pub const LANES_MARK_LEN: usize = 8;

/// Which lanes a receipt is about: a short hash of all that its device might have when it signed.
///
/// Who was let into a space later has not read it, however far it has read the relay. So a receipt
/// counts for the lanes whose mark it has, and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanesMark(pub [u8; LANES_MARK_LEN]);

impl LanesMark {
    /// The mark of these lanes (docs/protocol.md §8).
    #[must_use]
    pub fn of(lanes: &BTreeSet<LaneId>) -> Self {
        let bytes: Vec<u8> = lanes.iter().flat_map(|lane| *lane.as_bytes()).collect();
        let hash = derive(domain::RECEIPT_LANES, &[&bytes]);
        let mut mark = [0; LANES_MARK_LEN];
        mark.iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(to, from)| *to = *from);
        Self(mark)
    }
}

impl<C> Encode<C> for LanesMark {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for LanesMark {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        <[u8; LANES_MARK_LEN]>::try_from(d.bytes()?)
            .map(Self)
            .map_err(|_| minicbor::decode::Error::message("a mark of lanes has 8 bytes"))
    }
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Which life of which relay's store the position belongs to.
    pub store: StoreId,
    /// The device has everything of these lanes that arrived there up to this position.
    pub position: u64,
    /// When it said so, by its clock.
    pub at: Millis,
    /// Which lanes those are.
    pub lanes: LanesMark,
}

impl Reading {
    /// What the device signs: `"banyan/receipt/2" | community 32 | device 32 | store 16 | position u64 |
    /// at i64 | lanes 8` (docs/protocol.md §8).
    #[must_use]
    pub fn signed_bytes(&self, community: &CommunityId, device: &DeviceId) -> Vec<u8> {
        [
            domain::RECEIPT.as_bytes(),
            community.as_bytes(),
            device.as_bytes(),
            self.store.as_bytes(),
            &self.position.to_be_bytes(),
            &self.at.0.to_be_bytes(),
            &self.lanes.0,
        ]
        .concat()
    }

    /// Whether this replaces what the same device said before of the same store: it has read further,
    /// or it says the same at least half a day later. The time alone never makes a receipt newer.
    #[must_use]
    pub fn replaces(&self, before: &Self) -> bool {
        let later = self.at.0.saturating_sub(before.at.0);
        let is_renewed = u64::try_from(later).is_ok_and(|later| later >= RECEIPT_RENEW_MILLIS);
        self.store == before.store
            && (self.position > before.position || (self.position == before.position && is_renewed))
    }
}

/// A receipt whose signature is still to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReceipt {
    device: DeviceId,
    reading: Reading,
    signature: Signature,
}

impl SignedReceipt {
    /// Puts together what came apart.
    #[must_use]
    pub const fn new(device: DeviceId, reading: Reading, signature: Signature) -> Self {
        Self {
            device,
            reading,
            signature,
        }
    }

    /// Who is said to have read.
    #[must_use]
    pub const fn device(&self) -> &DeviceId {
        &self.device
    }

    /// What is said.
    #[must_use]
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Checks that the device which it names has signed it in this community.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(self, community: &CommunityId) -> Result<VerifiedReceipt, BadSignature> {
        let bytes = self.reading.signed_bytes(community, &self.device);
        keys::verify(&self.device, &bytes, &self.signature)?;
        Ok(VerifiedReceipt(self))
    }
}

/// A receipt that its device has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt(SignedReceipt);

impl VerifiedReceipt {
    /// Signs one.
    ///
    /// # Errors
    /// The keys'.
    pub fn sign(
        signer: &dyn Signer,
        community: &CommunityId,
        reading: Reading,
    ) -> Result<Self, SealError> {
        let device = signer.device();
        let signature = signer.sign(&reading.signed_bytes(community, &device))?;
        Ok(Self(SignedReceipt::new(device, reading, signature)))
    }

    /// One that was verified before it was stored, read again from a row that is as it was written.
    #[must_use]
    pub const fn from_store(receipt: SignedReceipt) -> Self {
        Self(receipt)
    }

    /// Who has read.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        &self.0.device
    }

    /// What it says.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.0.reading
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.0.signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{DeviceKeys, Secret};

    const COMMUNITY: CommunityId = CommunityId::new([3; 32]);

    fn reading(position: u64, at: i64) -> Reading {
        Reading {
            store: StoreId::new([4; 16]),
            position,
            at: Millis(at),
            lanes: LanesMark::of(&BTreeSet::from([LaneId::new([5; 16])])),
        }
    }

    #[test]
    fn receipt_is_bound_to_everything_that_it_says() {
        let keys = DeviceKeys::from_secrets(&Secret::new([1; 32]), Secret::new([2; 32]));
        let signed = VerifiedReceipt::sign(&keys, &COMMUNITY, reading(7, 8)).unwrap();
        let again = |device: &DeviceId, reading: Reading| {
            SignedReceipt::new(*device, reading, *signed.signature())
        };
        let device = keys.device();
        let same = again(&device, reading(7, 8)).verify(&COMMUNITY);
        assert_eq!(same.as_ref(), Ok(&signed));
        let other = CommunityId::new([9; 32]);
        assert!(again(&device, reading(7, 8)).verify(&other).is_err());
        let stranger = DeviceId::new([9; 32]);
        assert!(again(&stranger, reading(7, 8)).verify(&COMMUNITY).is_err());
        let store = StoreId::ZERO;
        let lanes = LanesMark::of(&BTreeSet::new());
        for changed in [
            reading(8, 8),
            reading(7, 9),
            Reading {
                store,
                ..reading(7, 8)
            },
            Reading {
                lanes,
                ..reading(7, 8)
            },
        ] {
            assert!(again(&device, changed).verify(&COMMUNITY).is_err());
        }
    }

    #[test]
    fn further_position_replaces_whatever_the_clock_says() {
        assert!(reading(8, -1_000).replaces(&reading(7, i64::MAX)));
        assert!(!reading(7, i64::MAX).replaces(&reading(8, i64::MIN)));
    }

    #[test]
    fn same_position_is_news_after_half_a_day_alone() {
        let half_a_day = i64::try_from(RECEIPT_RENEW_MILLIS).unwrap();
        assert!(!reading(7, half_a_day - 1).replaces(&reading(7, 0)));
        assert!(reading(7, half_a_day).replaces(&reading(7, 0)));
        assert!(!reading(7, 0).replaces(&reading(7, half_a_day)));
    }

    #[test]
    fn receipt_of_another_store_replaces_nothing() {
        let store = StoreId::ZERO;
        let other = Reading {
            store,
            ..reading(9, 9)
        };
        assert!(!other.replaces(&reading(7, 8)));
    }
}
