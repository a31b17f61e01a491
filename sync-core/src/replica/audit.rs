//! An audit: everything that the store holds, proved again from the keys of those who wrote it.
//!
//! A store proves each row against its own checksums as it reads it, which finds accidents. Whoever
//! changed the file on purpose can make checksums too, but no signatures: this finds them.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::entry::VerifiedBatch;
use crate::entry::place::{Step, check_chain};
use crate::id::{Arrival, DeviceId, LogId, Seq};
use crate::replica::Replica;
use crate::replica::rebuild::Shut;
use crate::roster::book::Book;
use crate::roster::{Roster, Said};
use crate::store::{EntryRef, HoldCode, StoreError};

/// What an audit found to be sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audit {
    /// Logs.
    pub logs: u64,
    /// Batches, each with its signature.
    pub batches: u64,
    /// Entries in them.
    pub entries: u64,
    /// Statements of the roster.
    pub statements: u64,
    /// Entries of spaces that open with a key of this device.
    pub opened: u64,
    /// Entries whose key this device does not have.
    pub waiting: u64,
    /// Entries that are held, each with its reason.
    pub held: u64,
    /// Entries of this device that are not sealed yet: nothing signed that could be proved.
    pub unsigned: u64,
}

/// The first thing that is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Flaw {
    /// Bytes or signature are not what the device signed.
    #[error("the batch at entry {seq} of device {device} does not carry that device's signature")]
    Signature {
        /// Whose log.
        device: DeviceId,
        /// The first entry of the batch.
        seq: Seq,
    },
    /// The log does not lead there without a gap.
    #[error("the log of device {device} breaks at entry {seq}")]
    Chain {
        /// Whose log.
        device: DeviceId,
        /// Where.
        seq: Seq,
    },
    /// An entry that no key opens counts all the same.
    #[error("entry {seq} of device {device} does not open with its key and is not held for that")]
    Sealing {
        /// Whose log.
        device: DeviceId,
        /// Which entry.
        seq: Seq,
    },
    /// The roster in use is not what its statements say.
    #[error("who belongs here is not what the signed statements say")]
    Roster,
}

/// Why an audit ended early.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuditError {
    /// Something is not what was signed.
    #[error(transparent)]
    Flaw(#[from] Flaw),
    /// The store could not be read, or noticed damage itself.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Replica {
    /// Proves everything that the store holds again: the file, every signature, every chain, that every
    /// entry of a space opens with its epoch's key or is held or waits, and the roster.
    ///
    /// `progress` hears how many batches of how many are done.
    ///
    /// # Errors
    /// [`AuditError`] with the first thing that is wrong.
    pub fn audit(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Audit, AuditError> {
        self.store.check()?;
        let mut audit = Audit::default();
        let mut book = Book::default();
        let mut chains: BTreeMap<LogId, BTreeMap<Seq, Step>> = BTreeMap::new();
        let held: BTreeMap<EntryRef, HoldCode> = self
            .store
            .held()?
            .into_iter()
            .map(|row| (row.entry, row.reason))
            .collect();
        let last = self.store.last_arrival()?;
        for number in 1..=last.0 {
            let Some(carried) = self.store.batch(Arrival(number))? else {
                let what = "the list of batches";
                let place = format!("batch {number}");
                return Err(StoreError::Corrupt { what, place }.into());
            };
            let batch = &*carried.batch;
            let (device, seq) = (batch.log().device, batch.place().first_seq);
            batch
                .verify_again(&self.mind.community)
                .map_err(|_| Flaw::Signature { device, seq })?;
            audit.batches += 1;
            audit.entries += batch.count() as u64;
            if batch.log().lane == self.mind.roster_lane {
                book.add_batch(&self.mind.community, batch);
            } else if !carried.is_branch {
                self.audit_entries(batch, &held, &mut audit)?;
            }
            if !carried.is_branch {
                let chain = chains.entry(*batch.log()).or_default();
                chain.insert(seq, Step::of(batch));
            }
            progress(number, last.0);
        }
        for log in self.store.logs()? {
            let chain = chains.remove(&log).unwrap_or_default();
            check_chain(chain.into_values(), &self.store.head(&log)?).map_err(|seq| {
                let device = log.device;
                Flaw::Chain { device, seq }
            })?;
            audit.logs += 1;
        }
        audit.statements = book.len() as u64;
        audit.held = held.len() as u64;
        audit.unsigned = self.store.pending()?.len() as u64;
        self.audit_roster(book)?;
        Ok(audit)
    }

    /// What does not open is held for that, and for nothing milder.
    fn audit_entries(
        &self,
        batch: &VerifiedBatch,
        held: &BTreeMap<EntryRef, HoldCode>,
        audit: &mut Audit,
    ) -> Result<(), Flaw> {
        let log = *batch.log();
        for (seq, opened) in self.mind.open_batch(batch) {
            match opened {
                Ok(_) => audit.opened += 1,
                Err(Shut::NoKey) => audit.waiting += 1,
                Err(Shut::Erased | Shut::OtherKind) => {}
                Err(Shut::Held(hold)) => {
                    if held.get(&EntryRef { log, seq }) != Some(&hold.code()) {
                        let device = log.device;
                        return Err(Flaw::Sealing { device, seq });
                    }
                }
            }
        }
        Ok(())
    }

    fn audit_roster(&self, mut book: Book) -> Result<(), AuditError> {
        for row in self.store.pending()? {
            if row.lane == self.mind.roster_lane {
                let of_ours = Said::read(&self.mind.community, self.mind.us, row.kind, &row.bytes);
                if let Some(said) = of_ours {
                    book.add(said);
                }
            }
        }
        if Roster::evaluate(&self.mind.community, &book) == self.mind.roster {
            Ok(())
        } else {
            Err(Flaw::Roster.into())
        }
    }
}
