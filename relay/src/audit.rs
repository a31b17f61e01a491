//! An audit: every batch that a relay carries, proved again from the key of the device that wrote it.
//!
//! The log's own checksums find accidents; whoever changed the file on purpose can make those too,
//! but no signatures.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sync_core::entry::place::{Step, check_chain};
use sync_core::id::{Arrival, CommunityId, DeviceId, LogId, Seq};
use sync_core::store::StoreError;
use thiserror::Error;

use crate::log::BatchLog;

/// Bytes of batches that are read at once.
const STEP_BYTES: usize = 1024 * 1024;

/// What an audit found to be sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audit {
    /// Communities.
    pub communities: u64,
    /// Logs.
    pub logs: u64,
    /// Batches, each with its signature.
    pub batches: u64,
    /// Entries in them.
    pub entries: u64,
}

impl Audit {
    /// The same for scripts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "communities": self.communities,
            "logs": self.logs,
            "batches": self.batches,
            "entries": self.entries,
        })
    }
}

/// The first thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuditError {
    /// Bytes or signature are not what the device signed.
    #[error(
        "community {}: the batch at entry {seq} of device {device} does not carry that device's signature",
        community.short()
    )]
    Signature {
        /// Which community.
        community: CommunityId,
        /// Whose log.
        device: DeviceId,
        /// The first entry of the batch.
        seq: Seq,
    },
    /// The log does not lead there without a gap.
    #[error("community {}: the log of device {device} breaks at entry {seq}", community.short())]
    Chain {
        /// Which community.
        community: CommunityId,
        /// Whose log.
        device: DeviceId,
        /// Where.
        seq: Seq,
    },
    /// The log could not be read, or noticed damage itself.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Proves every batch of every community again, and that each log leads to its head without a gap.
///
/// # Errors
/// [`AuditError`] with the first thing that is wrong.
pub fn audit(log: &dyn BatchLog) -> Result<Audit, AuditError> {
    let mut audit = Audit::default();
    for community in log.names()? {
        audit.communities += 1;
        audit_community(log, community, &mut audit)?;
    }
    Ok(audit)
}

fn audit_community(
    log: &dyn BatchLog,
    community: CommunityId,
    audit: &mut Audit,
) -> Result<(), AuditError> {
    let state = log.community(&community)?.unwrap_or_default();
    let mut chains: BTreeMap<LogId, BTreeMap<Seq, Step>> = BTreeMap::new();
    let mut after = Arrival(0);
    loop {
        let rows = log.read(&community, None, after, state.tip, STEP_BYTES)?;
        let Some(last) = rows.last() else { break };
        after = last.arrival;
        for row in rows {
            let batch = &row.batch;
            let (device, seq) = (batch.log().device, batch.place().first_seq);
            batch
                .verify_again(&community)
                .map_err(|_| AuditError::Signature {
                    community,
                    device,
                    seq,
                })?;
            audit.batches += 1;
            audit.entries += batch.count() as u64;
            if !row.is_branch {
                let chain = chains.entry(*batch.log()).or_default();
                chain.insert(seq, Step::of(batch));
            }
        }
    }
    for (id, known) in &state.logs {
        audit.logs += 1;
        let chain = chains.remove(id).unwrap_or_default();
        check_chain(chain.into_values(), &known.head).map_err(|seq| AuditError::Chain {
            community,
            device: id.device,
            seq,
        })?;
    }
    Ok(())
}
