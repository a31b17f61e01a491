//! What this device has written and no relay has.

use crate::id::{LogId, Seq, StoreId};
use crate::replica::{Replica, ReplicaError};

impl Replica {
    /// How many entries of this device no relay is known to have: edits that are not sealed yet, and sealed ones
    /// of which no relay has said that they are durable there. As long as no relay was met, the sealed ones do
    /// not count: nothing is known of where they have gone.
    ///
    /// # Errors
    /// The store's.
    pub fn unsent_count(&self) -> Result<u64, ReplicaError> {
        let mut count = self.pending_count()?;
        let stores = self.stores_known()?;
        if stores.is_empty() {
            return Ok(count);
        }
        for log in self.store.logs()? {
            if log.device == self.mind.us && log.lane != self.mind.roster_lane {
                count += self.unsent_of(&log, &stores)?;
            }
        }
        Ok(count)
    }

    /// The entries at the end of a log that no relay has. A relay has the beginning of a log or all of it, so
    /// the end of what it has is found by halving.
    fn unsent_of(&self, log: &LogId, stores: &[StoreId]) -> Result<u64, ReplicaError> {
        let head = self.store.head(log)?.seq.0;
        let is_sent = |seq: u64| -> Result<bool, ReplicaError> {
            let batch = self.store.missing(log, Seq(seq), 1)?;
            let positions = match batch.first() {
                Some(batch) => self.positions_of(batch.arrival, stores)?,
                None => Vec::new(),
            };
            Ok(!positions.is_empty())
        };
        if head == 0 || is_sent(head)? {
            return Ok(0);
        }
        // A relay has the entry `sent` (none has the number 0), and does not have the entry `unsent`.
        let (mut sent, mut unsent) = (0, head);
        while unsent - sent > 1 {
            let middle = sent + (unsent - sent) / 2;
            if is_sent(middle)? {
                sent = middle;
            } else {
                unsent = middle;
            }
        }
        Ok(head - sent)
    }
}
