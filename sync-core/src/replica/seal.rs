//! Sealing late: pending edits become as few signed batches as they can, when there is somebody to
//! send them to.

use crate::entry::VerifiedBatch;
use crate::entry::seal::{PlainEntry, TAG_LEN, batch_len, seal_batch};
use crate::id::{LaneId, Seq};
use crate::record::compress;
use crate::replica::mind::Mind;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::store::{PendingRow, StoreTx};

impl Replica {
    /// Seals everything pending; returns how many entries were sealed.
    ///
    /// A space whose key has not arrived is left for later, and nothing else waits for it.
    ///
    /// # Errors
    /// The store's and the key store's; then everything is pending as before.
    pub fn seal_pending(&mut self, moment: &mut Moment<'_>) -> Result<u64, ReplicaError> {
        if self.store.pending()?.is_empty() {
            return Ok(0);
        }
        let sealed = self.act(|tx, mind| mind.seal_pending(tx, moment))?;
        self.sealed += sealed;
        Ok(sealed)
    }

    /// How many entries have been sealed since the replica was opened.
    #[must_use]
    pub fn sealed_count(&self) -> u64 {
        self.sealed
    }

    /// How often something was written, or tried to be, since the replica was opened.
    #[must_use]
    pub fn write_count(&self) -> u64 {
        self.writes
    }

    /// How often what another program had written was read, by [`Replica::refresh`] or by whatever came first: there
    /// may be edits among it that wait for their seal.
    #[must_use]
    pub fn reread_count(&self) -> u64 {
        self.rereads
    }

    /// How many roster statements are known: whoever follows the roster looks again when it has grown.
    #[must_use]
    pub fn statement_count(&self) -> usize {
        self.mind.book.len()
    }

    /// Grows whenever something may have been written, by this program or by another one.
    #[must_use]
    pub fn change_count(&self) -> u64 {
        self.writes + self.notes
    }

    /// Whether edits from now on are sealed in the transaction that makes them durable, instead of
    /// waiting for [`Replica::seal_pending`]: for a device that has somebody to send them to.
    pub fn seal_edits_at_once(&mut self, is_on: bool) {
        self.seals_at_once = is_on;
    }

    /// Runs an edit as one transaction, and its sealing if it is not to wait.
    pub(super) fn write<T>(
        &mut self,
        moment: &mut Moment<'_>,
        edit: impl FnOnce(&mut dyn StoreTx, &mut Mind, &mut Moment<'_>) -> Result<T, ReplicaError>,
    ) -> Result<T, ReplicaError> {
        let seals_at_once = self.seals_at_once;
        let (done, sealed) = self.act(|tx, mind| {
            let done = edit(tx, mind, moment)?;
            let sealed = if seals_at_once {
                mind.seal_at_once(tx, moment)?
            } else {
                0
            };
            Ok((done, sealed))
        })?;
        self.sealed += sealed;
        Ok(done)
    }

    /// How many edits of this device are not sealed yet.
    ///
    /// # Errors
    /// The store's.
    pub fn pending_count(&self) -> Result<u64, ReplicaError> {
        let orphans = crate::replica::rebirth::orphans(&*self.store)?.len();
        Ok((self.store.pending()?.len() + orphans) as u64)
    }
}

/// Batches of one lane that are ready to be appended.
struct Sealed {
    lane: LaneId,
    batches: Vec<VerifiedBatch>,
    /// The last pending edit in them.
    upto: Seq,
    count: u64,
}

impl Mind {
    pub(super) fn seal_pending(
        &mut self,
        tx: &mut dyn StoreTx,
        moment: &mut Moment<'_>,
    ) -> Result<u64, ReplicaError> {
        let sealed = self.seal_lanes(tx, moment)?;
        append_sealed(tx, self, &sealed)
    }

    /// Seals with the edit itself, if the keys answer; otherwise the edit waits like any other.
    ///
    /// # Errors
    /// The store's alone.
    pub(super) fn seal_at_once(
        &mut self,
        tx: &mut dyn StoreTx,
        moment: &mut Moment<'_>,
    ) -> Result<u64, ReplicaError> {
        match self.seal_lanes(tx, moment) {
            Ok(sealed) => append_sealed(tx, self, &sealed),
            Err(error @ ReplicaError::Store(_)) => Err(error),
            // Nothing has been written of it. Whoever seals what is pending hears the reason.
            Err(_) => Ok(0),
        }
    }

    fn seal_lanes(
        &self,
        tx: &dyn StoreTx,
        moment: &mut Moment<'_>,
    ) -> Result<Vec<Sealed>, ReplicaError> {
        let rows = tx.pending()?;
        let mut sealed = Vec::new();
        for rows in rows.chunk_by(|a, b| a.lane == b.lane) {
            sealed.extend(self.seal_lane(tx, rows, moment)?);
        }
        Ok(sealed)
    }

    /// One lane's pending edits as batches; none if its key is not there yet.
    fn seal_lane(
        &self,
        tx: &dyn StoreTx,
        rows: &[PendingRow],
        moment: &mut Moment<'_>,
    ) -> Result<Option<Sealed>, ReplicaError> {
        let Some(PendingRow {
            lane, seq: upto, ..
        }) = rows.last()
        else {
            return Ok(None);
        };
        let is_roster = *lane == self.roster_lane;
        let epoch = if is_roster {
            None
        } else {
            self.key_to_write(lane)
        };
        if epoch.is_none() && !is_roster {
            return Ok(None);
        }
        let log = self.own_log(*lane);
        let entries: Vec<PlainEntry> = rows.iter().map(|row| plain(row, is_roster)).collect();
        let mut rest = entries.as_slice();
        let mut head = tx.head(&log)?;
        let mut batches = Vec::new();
        while !rest.is_empty() {
            let count = batch_len(rest.iter().map(|entry| entry.bytes.len() + TAG_LEN));
            let (now, later) = rest.split_at(count);
            let batch = seal_batch(
                &*self.signer,
                &self.community,
                log,
                &head,
                epoch,
                now,
                moment.rng,
            )?;
            head = batch.head();
            batches.push(batch);
            rest = later;
        }
        Ok(Some(Sealed {
            lane: *lane,
            batches,
            upto: *upto,
            count: rows.len() as u64,
        }))
    }
}

fn plain(row: &PendingRow, is_roster: bool) -> PlainEntry {
    PlainEntry {
        kind: row.kind,
        bytes: if is_roster {
            row.bytes.clone()
        } else {
            compress(&row.bytes)
        },
    }
}

fn append_sealed(
    tx: &mut dyn StoreTx,
    mind: &mut Mind,
    sealed: &[Sealed],
) -> Result<u64, ReplicaError> {
    for lane in sealed {
        for batch in &lane.batches {
            tx.append(batch, None)?;
            if lane.lane == mind.roster_lane {
                mind.book.add_batch(&mind.community, batch);
            }
        }
        tx.remove_pending(&lane.lane, lane.upto)?;
    }
    Ok(sealed.iter().map(|lane| lane.count).sum())
}
