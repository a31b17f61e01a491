//! What somebody is known to have, so that it need not be sent to them.

use std::collections::{BTreeSet, HashMap};

use minicbor::{Decode, Encode};

use crate::bundle::{Heads, Word};
use crate::id::{ChainHash, DeviceId, Head, Incarnation, LaneId, LogId, Seq};
use crate::replica::found::put_cbor;
use crate::replica::mind::meta;
use crate::replica::{Replica, ReplicaError};
use crate::session::carrier::Carried;
use crate::store::{KeptReceipt, StoreError, StoreRead};

/// What a device is known to have: by its word in a bundle, and by its receipts for relays.
#[derive(Debug, Clone, Default)]
pub struct Known {
    device: Option<DeviceId>,
    heads: Heads,
    receipts: Vec<KeptReceipt>,
}

impl Known {
    /// What a bundle's sender says to have. Whoever was lied to sends too little, and nothing else.
    #[must_use]
    pub fn of_word(word: Word) -> Self {
        Self {
            device: Some(word.device),
            heads: word.heads,
            receipts: Vec::new(),
        }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.receipts.is_empty()
    }
}

/// One log of a lane, as it is kept.
#[derive(Debug, Clone, Encode, Decode)]
struct KeptHead {
    #[n(0)]
    device: DeviceId,
    #[n(1)]
    incarnation: Incarnation,
    #[n(2)]
    seq: u64,
    #[n(3)]
    chain: ChainHash,
}

#[derive(Debug, Clone, Encode, Decode)]
struct KeptLane {
    #[n(0)]
    lane: LaneId,
    #[n(1)]
    heads: Vec<KeptHead>,
}

impl KeptLane {
    fn of((lane, logs): &(LaneId, Vec<(LogId, Head)>)) -> Self {
        let heads = logs.iter().map(|(log, head)| KeptHead {
            device: log.device,
            incarnation: log.incarnation,
            seq: head.seq.0,
            chain: head.chain,
        });
        Self {
            lane: *lane,
            heads: heads.collect(),
        }
    }

    fn into_heads(self) -> (LaneId, Vec<(LogId, Head)>) {
        let lane = self.lane;
        let logs = self.heads.into_iter().map(|kept| {
            let log = LogId {
                lane,
                device: kept.device,
                incarnation: kept.incarnation,
            };
            let seq = Seq(kept.seq);
            (
                log,
                Head {
                    seq,
                    chain: kept.chain,
                },
            )
        });
        (lane, logs.collect())
    }
}

impl Replica {
    /// What a device is known to have.
    ///
    /// # Errors
    /// The store's.
    pub fn known_of(&self, device: &DeviceId) -> Result<Known, ReplicaError> {
        let key = format!("{}{device}", meta::BUNDLE_WORD);
        let bytes = self.store.meta(&key)?;
        let damaged = |_| StoreError::Corrupt {
            what: "a setting",
            place: meta::BUNDLE_WORD.to_owned(),
        };
        let kept = bytes.map(|bytes| minicbor::decode::<Vec<KeptLane>>(&bytes).map_err(damaged));
        let kept = kept.transpose()?.unwrap_or_default().into_iter();
        let receipts = self.store.receipts()?.into_iter();
        Ok(Known {
            device: Some(*device),
            heads: kept.map(KeptLane::into_heads).collect(),
            receipts: receipts
                .filter(|kept| kept.receipt.device() == device)
                .collect(),
        })
    }

    /// Keeps what a bundle's sender says to have, if it is signed by a device that belongs; says whether it
    /// did. The last word that came counts: an older one only lets more be sent than is needed.
    pub(super) fn keep_word(&mut self, word: &Word) -> Result<bool, ReplicaError> {
        let mind = &self.mind;
        let belongs = mind.roster.devices().contains_key(&word.device) && word.device != mind.us;
        if !belongs || word.verify(&mind.community).is_err() {
            return Ok(false);
        }
        let kept: Vec<KeptLane> = word.heads.iter().map(KeptLane::of).collect();
        let key = format!("{}{}", meta::BUNDLE_WORD, word.device);
        self.act(|tx, _| put_cbor(tx, &key, &kept))?;
        Ok(true)
    }
}

/// What a device has of what lies here.
#[derive(Debug)]
pub(super) struct Had {
    device: Option<DeviceId>,
    upto: HashMap<LogId, Seq>,
    receipts: Vec<KeptReceipt>,
}

impl Had {
    /// A head counts if it is on our branch, or beyond what we have of the log: then they have all of it, or
    /// another branch, which we hear of from them.
    pub(super) fn of(known: &Known, store: &dyn StoreRead) -> Result<Self, StoreError> {
        let mut upto = HashMap::new();
        for (log, head) in known.heads.iter().flat_map(|(_, logs)| logs) {
            let ours = store.head(log)?.seq;
            if head.seq > ours {
                upto.insert(*log, ours);
            } else if store.ending_with(log, &head.chain)? == Some(head.seq) {
                upto.insert(*log, head.seq);
            }
        }
        Ok(Self {
            device: known.device,
            upto,
            receipts: known.receipts.clone(),
        })
    }

    /// Whether it is one of these devices.
    pub(super) fn is_one_of(&self, devices: &BTreeSet<DeviceId>) -> bool {
        self.device.is_some_and(|device| devices.contains(&device))
    }

    pub(super) fn has(&self, store: &dyn StoreRead, carried: &Carried) -> Result<bool, StoreError> {
        let log = carried.batch.log();
        let upto = self.upto.get(log).copied().unwrap_or_default();
        if !carried.is_branch && carried.batch.last_seq() <= upto {
            return Ok(true);
        }
        for kept in &self.receipts {
            if !kept.lanes.contains(&log.lane) {
                continue;
            }
            let reading = kept.receipt.reading();
            let position = store.position(&reading.store, carried.arrival)?;
            if position.is_some_and(|position| position <= reading.position) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
