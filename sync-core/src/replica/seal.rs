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
        self.act(|tx, mind| mind.seal_pending(tx, moment))
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

impl Mind {
    pub(super) fn seal_pending(
        &self,
        tx: &mut dyn StoreTx,
        moment: &mut Moment<'_>,
    ) -> Result<u64, ReplicaError> {
        let rows = tx.pending()?;
        let mut sealed = 0;
        for lane_rows in rows.chunk_by(|a, b| a.lane == b.lane) {
            let Some(lane) = lane_rows.first().map(|row| row.lane) else {
                continue;
            };
            sealed += self.seal_lane(tx, lane, lane_rows, moment)?;
        }
        Ok(sealed)
    }

    fn seal_lane(
        &self,
        tx: &mut dyn StoreTx,
        lane: LaneId,
        rows: &[PendingRow],
        moment: &mut Moment<'_>,
    ) -> Result<u64, ReplicaError> {
        let is_roster = lane == self.roster_lane;
        let epoch = if is_roster {
            None
        } else {
            self.key_to_write(&lane)
        };
        if epoch.is_none() && !is_roster {
            return Ok(0);
        }
        let log = self.own_log(lane);
        let entries: Vec<PlainEntry> = rows
            .iter()
            .map(|row| PlainEntry {
                kind: row.kind,
                bytes: if is_roster {
                    row.bytes.clone()
                } else {
                    compress(&row.bytes)
                },
            })
            .collect();
        let mut rest = entries.as_slice();
        let mut head = tx.head(&log)?;
        while !rest.is_empty() {
            let count = batch_len(rest.iter().map(|entry| entry.bytes.len() + TAG_LEN));
            let (now, later) = rest.split_at(count);
            let batch: VerifiedBatch = seal_batch(
                &*self.signer,
                &self.community,
                log,
                &head,
                epoch,
                now,
                moment.rng,
            )?;
            tx.append(&batch, None)?;
            head = batch.head();
            rest = later;
        }
        tx.remove_pending(&lane, rows.last().map_or(Seq(0), |row| row.seq))?;
        Ok(rows.len() as u64)
    }
}
