//! What a replica notes of reading: where its batches lie in relays' stores, how far it has read there
//! itself, and how far others say that they have.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::id::{Arrival, DeviceId, LaneId, Seq, StoreId};
use crate::receipt::{LanesMark, Reading, VerifiedReceipt};
use crate::replica::found::put_cbor;
use crate::replica::mind::{Mind, meta, read_cbor};
use crate::replica::{Moment, Replica, ReplicaError};
use crate::store::{KeptReceipt, StoreError, StoreRead, StoreTx};
use crate::wire::receipts::{RECEIPTS_MAX, ReceiptRow, Receipts};

/// A position that nothing lies beyond: of a batch that a relay has, nobody knows where.
pub(crate) const SOMEWHERE: u64 = u64::MAX >> 1;

/// What is noted of one relay's store, beside positions and receipts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Noted {
    #[n(0)]
    store: StoreId,
    /// The number up to which its receipts have come.
    #[n(1)]
    receipts: u64,
    /// Up to which of our arrivals all batches of `lanes` have a position, if the relay has them.
    #[n(2)]
    placed: u64,
    #[n(3)]
    lanes: Vec<LaneId>,
}

/// What a session has found out of where our batches lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placing<'s> {
    /// The relay's store.
    pub(crate) store: &'s StoreId,
    /// The lanes that it and we exchange.
    pub(crate) lanes: &'s BTreeSet<LaneId>,
    /// It has all of our batches up to this arrival …
    pub(crate) upto: Arrival,
    /// … none beyond this position …
    pub(crate) position: u64,
    /// … but for these, of which nothing is known.
    pub(crate) but: &'s BTreeSet<Arrival>,
    /// The position of our receipt that it keeps.
    pub(crate) told: u64,
}

impl Placing<'_> {
    /// Up to which of our arrivals nothing is left for another session to find out.
    fn settled(&self) -> Arrival {
        let first = self.but.first().map(|first| first.0.saturating_sub(1));
        Arrival(first.map_or(self.upto.0, |before| before.min(self.upto.0)))
    }
}

impl Replica {
    /// The number up to which receipts have come from a relay's store.
    ///
    /// # Errors
    /// The store's.
    pub fn receipts_read(&self, store: &StoreId) -> Result<u64, ReplicaError> {
        let noted = noted_of(&*self.store, store)?;
        Ok(noted.map_or(0, |noted| noted.receipts))
    }

    /// The stores of relays that any of our batches is known to lie in.
    pub(super) fn stores_known(&self) -> Result<Vec<StoreId>, StoreError> {
        let noted = read_noted(&*self.store)?;
        Ok(noted.into_iter().map(|noted| noted.store).collect())
    }

    /// Up to which position of each relay's store this device has said that it has read.
    pub(crate) fn own_readings(&self) -> Result<BTreeMap<StoreId, u64>, ReplicaError> {
        let receipts = self.store.receipts()?.into_iter();
        let own = receipts.filter(|kept| *kept.receipt.device() == self.mind.us);
        let readings = own.map(|kept| *kept.receipt.reading());
        Ok(readings
            .map(|reading| (reading.store, reading.position))
            .collect())
    }

    /// Notes where batches of ours lie in a relay's store, as its acks say.
    ///
    /// # Errors
    /// The store's.
    pub fn note_placed(
        &mut self,
        store: &StoreId,
        placed: &[(Arrival, u64)],
    ) -> Result<(), ReplicaError> {
        if placed.is_empty() {
            return Ok(());
        }
        self.act(|tx, _| note_placed(tx, store, placed))
    }

    /// Both sides have everything: notes where our batches lie as far as that is not known yet, and
    /// signs how far this device has read (`reads` says whether it may say so now), if that is news.
    /// The receipt is durable when this returns.
    ///
    /// # Errors
    /// The store's. Keys that do not answer are no error: it is tried again with the next news.
    pub(crate) fn note_read(
        &mut self,
        placing: &Placing<'_>,
        reads: bool,
        moment: &Moment<'_>,
    ) -> Result<Option<Receipts>, ReplicaError> {
        let noted = noted_of(&*self.store, placing.store)?;
        let is_placed = noted.is_some_and(|noted| {
            noted.placed >= placing.settled().0 && noted.lanes.iter().eq(placing.lanes)
        });
        let due = if reads {
            self.receipt_due(placing, moment)?
        } else {
            None
        };
        let (is_new, receipt) = due.map_or((false, None), |(is_new, it)| (is_new, Some(it)));
        self.act_if(!is_placed || is_new, |tx, mind| {
            if !is_placed {
                mind.place_rest(tx, placing)?;
            }
            if let Some(receipt) = receipt.as_ref().filter(|_| is_new) {
                tx.put_receipt(&KeptReceipt {
                    receipt: receipt.clone(),
                    lanes: mind.own_lanes().into_iter().collect(),
                })?;
            }
            Ok(())
        })?;
        Ok(receipt.map(|receipt| Receipts {
            store: *placing.store,
            after: 0,
            upto: 0,
            rows: vec![ReceiptRow::from(&receipt)],
        }))
    }

    fn act_if(
        &mut self,
        is_due: bool,
        action: impl FnOnce(&mut dyn StoreTx, &mut Mind) -> Result<(), ReplicaError>,
    ) -> Result<(), ReplicaError> {
        if is_due { self.act(action) } else { Ok(()) }
    }

    /// A receipt that the relay should have, and whether it is new here.
    fn receipt_due(
        &self,
        placing: &Placing<'_>,
        moment: &Moment<'_>,
    ) -> Result<Option<(bool, VerifiedReceipt)>, ReplicaError> {
        let (mind, lanes) = (&self.mind, self.mind.own_lanes());
        let belongs = mind.roster.devices().contains_key(&mind.us);
        // A lane that the relay does not know yet will have positions that we have not read.
        if !belongs || !lanes.is_subset(placing.lanes) || placing.position == SOMEWHERE {
            return Ok(None);
        }
        let reading = Reading {
            store: *placing.store,
            position: placing.position,
            at: moment.now,
            lanes: LanesMark::of(&lanes),
        };
        let receipts = self.store.receipts()?;
        let before = receipts.iter().find(|kept| {
            *kept.receipt.device() == mind.us && kept.receipt.reading().store == *placing.store
        });
        let is_news = before.is_none_or(|before| reading.replaces(before.receipt.reading()));
        if is_news {
            let signed = VerifiedReceipt::sign(&*mind.signer, &mind.community, reading);
            return Ok(signed.ok().map(|receipt| (true, receipt)));
        }
        // It was signed and did not get there: the connection was cut.
        let before = before.map(|before| before.receipt.clone());
        let is_owed = |receipt: &VerifiedReceipt| {
            (placing.told.saturating_add(1)..=placing.position)
                .contains(&receipt.reading().position)
        };
        Ok(before.filter(is_owed).map(|receipt| (false, receipt)))
    }

    /// Takes receipts that a relay hands on; says whether any was news. Those that are not signed, or not
    /// of a device that belongs, are passed over.
    ///
    /// # Errors
    /// The store's.
    pub fn take_receipts(&mut self, receipts: &Receipts) -> Result<bool, ReplicaError> {
        let store = &receipts.store;
        let kept = self.store.receipts()?.into_iter();
        let kept: BTreeMap<DeviceId, KeptReceipt> = kept
            .filter(|kept| kept.receipt.reading().store == *store)
            .map(|kept| (*kept.receipt.device(), kept))
            .collect();
        let rows = receipts.rows.iter().take(RECEIPTS_MAX);
        let news: Vec<KeptReceipt> = rows
            .filter_map(|row| self.mind.read_receipt(row, store, kept.get(&row.device)))
            .collect();
        let belongs = |device: &&DeviceId| self.mind.roster.devices().contains_key(*device);
        let gone: Vec<DeviceId> = kept.keys().filter(|it| !belongs(it)).copied().collect();
        let noted = noted_of(&*self.store, store)?;
        let mut noted = noted.unwrap_or_else(|| Noted::nothing(*store));
        let is_ahead = receipts.after <= noted.receipts && receipts.upto > noted.receipts;
        if news.is_empty() && gone.is_empty() && !is_ahead {
            return Ok(false);
        }
        if is_ahead {
            noted.receipts = receipts.upto;
        }
        self.act(|tx, _| {
            for device in &gone {
                tx.remove_receipt(store, device)?;
            }
            for kept in &news {
                tx.put_receipt(kept)?;
            }
            put_noted(tx, noted)
        })?;
        Ok(!news.is_empty())
    }

    /// Forgets the numbers of a relay's receipts: it has begun to count anew.
    pub(crate) fn forget_receipt_numbers(&mut self, store: &StoreId) -> Result<(), ReplicaError> {
        self.act(|tx, _| {
            let Some(noted) = noted_of(tx, store)? else {
                return Ok(());
            };
            let receipts = 0;
            put_noted(tx, Noted { receipts, ..noted })
        })
    }

    /// Forgets all positions and receipts of a relay's store: it was set back, and uses positions again.
    pub(crate) fn forget_readings(&mut self, store: &StoreId) -> Result<(), ReplicaError> {
        self.act(|tx, _| forget_readings(tx, store))
    }
}

/// Notes where batches of ours lie in a relay's store.
pub(super) fn note_placed(
    tx: &mut dyn StoreTx,
    store: &StoreId,
    placed: &[(Arrival, u64)],
) -> Result<(), ReplicaError> {
    if placed.is_empty() {
        return Ok(());
    }
    // The list of stores says in which to look.
    let noted = noted_of(tx, store)?;
    put_noted(tx, noted.unwrap_or_else(|| Noted::nothing(*store)))?;
    for (arrival, position) in placed {
        tx.put_position(store, *arrival, *position)?;
    }
    Ok(())
}

/// The same as [`Replica::forget_readings`], within a transaction.
pub(super) fn forget_readings(tx: &mut dyn StoreTx, store: &StoreId) -> Result<(), ReplicaError> {
    tx.forget_positions(store)?;
    for kept in tx.receipts()? {
        if kept.receipt.reading().store == *store {
            tx.remove_receipt(store, kept.receipt.device())?;
        }
    }
    put_noted(tx, Noted::nothing(*store))
}

impl Noted {
    fn nothing(store: StoreId) -> Self {
        Self {
            store,
            receipts: 0,
            placed: 0,
            lanes: Vec::new(),
        }
    }
}

impl Mind {
    /// A receipt of another device that belongs, if it is news.
    fn read_receipt(
        &self,
        row: &ReceiptRow,
        store: &StoreId,
        before: Option<&KeptReceipt>,
    ) -> Option<KeptReceipt> {
        if row.device == self.us || !self.roster.devices().contains_key(&row.device) {
            return None;
        }
        let signed = row.receipt(*store);
        let known = before.map(|kept| kept.receipt.reading());
        if known.is_some_and(|known| !signed.reading().replaces(known)) {
            return None;
        }
        let receipt = signed.verify(&self.community).ok()?;
        let mark = receipt.reading().lanes;
        let may = self.roster.lanes_of(&row.device);
        let same = before.filter(|before| before.receipt.reading().lanes == mark);
        let lanes = if LanesMark::of(&may) == mark {
            may.into_iter().collect()
        } else {
            same.map(|before| before.lanes.clone()).unwrap_or_default()
        };
        Some(KeptReceipt { receipt, lanes })
    }

    /// Gives every batch of these lanes that a relay has, and of which nothing better is known, the
    /// position that it does not lie beyond.
    fn place_rest(&self, tx: &mut dyn StoreTx, placing: &Placing<'_>) -> Result<(), ReplicaError> {
        let store = placing.store;
        let noted = noted_of(tx, store)?;
        let noted = noted.unwrap_or_else(|| Noted::nothing(*store));
        // Of further lanes, nothing is settled yet.
        let (arrivals, before) = if noted.lanes.iter().eq(placing.lanes) {
            let since = Arrival(noted.placed);
            (self.unplaced_since(tx, since, placing)?, noted.placed)
        } else {
            (self.unplaced_of_all(tx, placing)?, 0)
        };
        for arrival in arrivals {
            tx.put_position(store, arrival, placing.position)?;
        }
        put_noted(
            tx,
            Noted {
                placed: before.max(placing.settled().0),
                lanes: placing.lanes.iter().copied().collect(),
                ..noted
            },
        )
    }

    fn unplaced_since(
        &self,
        tx: &dyn StoreTx,
        after: Arrival,
        placing: &Placing<'_>,
    ) -> Result<Vec<Arrival>, StoreError> {
        let mut found = Vec::new();
        for arrival in (after.0 + 1..=placing.upto.0).map(Arrival) {
            if placing.but.contains(&arrival) || tx.position(placing.store, arrival)?.is_some() {
                continue;
            }
            let carried = tx.batch(arrival)?;
            if carried.is_some_and(|it| placing.lanes.contains(&it.batch.log().lane)) {
                found.push(arrival);
            }
        }
        Ok(found)
    }

    fn unplaced_of_all(
        &self,
        tx: &dyn StoreTx,
        placing: &Placing<'_>,
    ) -> Result<Vec<Arrival>, StoreError> {
        let mut found = Vec::new();
        for log in tx.logs()? {
            if !placing.lanes.contains(&log.lane) {
                continue;
            }
            for batch in tx.missing(&log, Seq::FIRST, usize::MAX)? {
                let is_open = batch.arrival <= placing.upto
                    && !placing.but.contains(&batch.arrival)
                    && tx.position(placing.store, batch.arrival)?.is_none();
                found.extend(is_open.then_some(batch.arrival));
            }
        }
        Ok(found)
    }
}

fn read_noted(store: &(impl StoreRead + ?Sized)) -> Result<Vec<Noted>, StoreError> {
    Ok(read_cbor(store, meta::READINGS)?.unwrap_or_default())
}

fn noted_of(
    store: &(impl StoreRead + ?Sized),
    relay: &StoreId,
) -> Result<Option<Noted>, StoreError> {
    let noted = read_noted(store)?.into_iter();
    Ok(noted.into_iter().find(|noted| noted.store == *relay))
}

fn put_noted(tx: &mut dyn StoreTx, noted: Noted) -> Result<(), ReplicaError> {
    let mut all = read_noted(tx)?;
    match all.iter_mut().find(|known| known.store == noted.store) {
        Some(known) if *known == noted => return Ok(()),
        Some(known) => *known = noted,
        None => all.push(noted),
    }
    put_cbor(tx, meta::READINGS, &all)
}
