//! Batches for tests: real ones, sealed and signed, the same for the same seed.

use std::collections::BTreeSet;
use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::entry::seal::{PlainEntry, seal_batch};
use crate::entry::{EntryKind, VerifiedBatch};
use crate::epoch::EpochKey;
use crate::id::{CommunityId, Head, Incarnation, LaneId, LogId, Millis, StoreId};
use crate::keys::{DeviceKeys, Signer};
use crate::receipt::{LanesMark, Reading, VerifiedReceipt};
use crate::store::KeptReceipt;

/// The community of all batches by [`Author`]s; a store needs it as its named value `community`.
pub const COMMUNITY: CommunityId = CommunityId::new([0xc0; 32]);

/// Randomness that is the same for the same seed: the endless output of BLAKE3. For tests alone.
#[derive(Debug, Clone)]
pub struct HashRng(blake3::OutputReader);

impl HashRng {
    /// Begins the stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(
            blake3::Hasher::new()
                .update(&seed.to_le_bytes())
                .finalize_xof(),
        )
    }
}

impl TryRng for HashRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for HashRng {}

/// A device that writes batches.
#[derive(Debug)]
pub struct Author {
    keys: DeviceKeys,
    epoch: EpochKey,
    rng: HashRng,
}

impl Author {
    /// The author of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = HashRng::new(seed);
        Self {
            keys: DeviceKeys::generate(&mut rng),
            epoch: EpochKey::generate(&mut rng),
            rng,
        }
    }

    /// Its log in a lane.
    #[must_use]
    pub fn log(&self, lane: LaneId) -> LogId {
        LogId {
            lane,
            device: self.keys.device(),
            incarnation: Incarnation::new([1; 8]),
        }
    }

    /// A batch of its log in a lane that follows `after`: `count` entries of `len` bytes.
    ///
    /// # Panics
    /// Panics if the entries are more than one batch can hold.
    #[must_use]
    pub fn batch(&mut self, lane: LaneId, after: &Head, count: usize, len: usize) -> VerifiedBatch {
        let entries: Vec<_> = (0..count)
            .map(|index| {
                let byte = u8::try_from(index % 251).unwrap_or(0);
                PlainEntry {
                    kind: EntryKind::CHANGE,
                    bytes: vec![byte; len],
                }
            })
            .collect();
        let log = self.log(lane);
        let epoch = Some(&self.epoch);
        seal_batch(
            &self.keys,
            &COMMUNITY,
            log,
            after,
            epoch,
            &entries,
            &mut self.rng,
        )
        .expect("keys in memory sign, and tests make entries that fit")
    }

    /// Its receipt for a position of the store whose id is this byte again and again.
    ///
    /// # Panics
    /// Never: keys in memory sign.
    #[must_use]
    pub fn receipt(&self, store: u8, position: u64) -> KeptReceipt {
        let lanes = BTreeSet::from([LaneId::new([1; 16]), LaneId::new([2; 16])]);
        let reading = Reading {
            store: StoreId::new([store; 16]),
            position,
            at: Millis(-7),
            lanes: LanesMark::of(&lanes),
        };
        let receipt = VerifiedReceipt::sign(&self.keys, &COMMUNITY, reading);
        KeptReceipt {
            receipt: receipt.expect("keys in memory sign"),
            lanes: lanes.into_iter().collect(),
        }
    }

    /// `len` batches of three small entries each, one after the other.
    #[must_use]
    pub fn chain(&mut self, lane: LaneId, after: &Head, len: usize) -> Vec<VerifiedBatch> {
        let mut head = *after;
        let mut batches = Vec::with_capacity(len);
        for _ in 0..len {
            let batch = self.batch(lane, &head, 3, 40);
            head = batch.head();
            batches.push(batch);
        }
        batches
    }
}
