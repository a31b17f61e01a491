//! What a replica notes of a relay's store: up to where it has read it, and what the relay has acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{Arrival, LaneId, StoreId};
use crate::replica::found::put_cbor;
use crate::replica::mind::{meta, read_cbor};
use crate::replica::receipts::forget_readings;
use crate::replica::{Replica, ReplicaError};
use crate::store::{StoreError, StoreRead, StoreTx};

/// Per relay's store and lane: up to which of our arrivals it has everything.
type Marks = BTreeMap<StoreId, BTreeMap<LaneId, Arrival>>;

/// As it is stored.
type Stored = Vec<(StoreId, Vec<(LaneId, u64)>)>;

impl Replica {
    /// Notes up to which positions of a relay's store we have its lanes.
    ///
    /// # Errors
    /// The store's.
    pub fn note_cursors(
        &mut self,
        store: &StoreId,
        cursors: &[(LaneId, u64)],
    ) -> Result<(), ReplicaError> {
        if cursors.is_empty() {
            return Ok(());
        }
        self.notes += 1;
        self.act(|tx, _| {
            for (lane, upto) in cursors {
                tx.put_cursor(store, lane, *upto)?;
            }
            Ok(())
        })
    }

    /// Notes that a relay's store has everything of ours up to an arrival, of the lanes that it and we
    /// exchange. Of other lanes nothing is known any more: they are compared log by log when they come
    /// back.
    ///
    /// # Errors
    /// The store's.
    pub fn note_uploaded(
        &mut self,
        store: &StoreId,
        upto: Arrival,
        lanes: &BTreeSet<LaneId>,
    ) -> Result<(), ReplicaError> {
        if self.store.uploaded(store)? >= upto {
            return Ok(());
        }
        self.notes += 1;
        self.act(|tx, _| {
            let mut marks = read_marks(tx)?;
            let before = marks.remove(store).unwrap_or_default();
            for lane in before.keys().filter(|lane| !lanes.contains(*lane)) {
                tx.put_cursor(store, lane, 0)?;
            }
            marks.insert(*store, lanes.iter().map(|lane| (*lane, upto)).collect());
            put_marks(tx, marks)?;
            Ok(tx.put_uploaded(store, upto)?)
        })
    }

    /// Forgets all that was noted of a relay's store: it has lost what it had acknowledged, and the next
    /// comparison gives it everything that it lacks.
    ///
    /// # Errors
    /// The store's; then nothing is forgotten.
    pub fn forget_relay(&mut self, store: &StoreId) -> Result<(), ReplicaError> {
        self.notes += 1;
        self.act(|tx, mind| {
            let mut marks = read_marks(tx)?;
            let noted = marks.remove(store).unwrap_or_default();
            let logs = tx.logs()?.into_iter().map(|log| log.lane);
            let lanes = noted.into_keys().chain(logs).chain(mind.own_lanes());
            for lane in lanes.collect::<BTreeSet<LaneId>>() {
                tx.put_cursor(store, &lane, 0)?;
            }
            put_marks(tx, marks)?;
            forget_readings(tx, store)?;
            Ok(tx.put_uploaded(store, Arrival(0))?)
        })
    }
}

/// Up to which of our arrivals a relay has acknowledged each lane.
pub(super) fn acknowledged_by(
    store: &(impl StoreRead + ?Sized),
    relay: &StoreId,
) -> Result<BTreeMap<LaneId, Arrival>, StoreError> {
    Ok(read_marks(store)?.remove(relay).unwrap_or_default())
}

fn read_marks(store: &(impl StoreRead + ?Sized)) -> Result<Marks, StoreError> {
    let stored: Stored = read_cbor(store, meta::ACKNOWLEDGED)?.unwrap_or_default();
    let marks = stored.into_iter().map(|(relay, lanes)| {
        let lanes = lanes.into_iter();
        (
            relay,
            lanes.map(|(lane, upto)| (lane, Arrival(upto))).collect(),
        )
    });
    Ok(marks.collect())
}

fn put_marks(tx: &mut dyn StoreTx, marks: Marks) -> Result<(), ReplicaError> {
    let stored: Stored = marks
        .into_iter()
        .map(|(relay, lanes)| {
            let lanes = lanes.into_iter();
            (relay, lanes.map(|(lane, upto)| (lane, upto.0)).collect())
        })
        .collect();
    put_cbor(tx, meta::ACKNOWLEDGED, &stored)
}
