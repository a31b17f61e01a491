//! Records that come from a row of a file: the same row begins the same record each time.

use crate::id::{DeviceId, Incarnation, LaneId, RecordId};
use crate::keys::{derive, domain};
use crate::record::{KindName, Target};
use crate::replica::begin::{natural_key, space_nonce};
use crate::replica::{Moment, Replica, ReplicaError};
use crate::schema::{FieldEdit, Kind};

/// Bytes of a nonce that are not the space's.
const ORIGIN_LEN: usize = 5;

/// Stands for one row of one source, in place of the random part of a record's nonce. A device that
/// imports the row again makes the same id and so finds that the record is there; others find it by
/// trying the logs that they know.
///
/// It has 40 bits, so two rows may have the same one: whoever finds a record by it must compare what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin([u8; ORIGIN_LEN]);

impl Origin {
    /// First 5 bytes of BLAKE3-derive-key("banyan/origin/1", `source_len` u32 | source | row); see docs/protocol.md §2.
    #[must_use]
    pub fn of(source: &str, row: &str) -> Self {
        let len = u32::try_from(source.len()).unwrap_or(u32::MAX);
        let parts = [&len.to_be_bytes(), source.as_bytes(), row.as_bytes()];
        let hash = derive(domain::ORIGIN, &parts);
        let [a, b, c, d, e, ..] = *hash.as_bytes();
        Self([a, b, c, d, e])
    }

    /// The record that a device's installation begins for it.
    #[must_use]
    pub fn record_id(
        &self,
        kind: &KindName,
        space: &LaneId,
        device: &DeviceId,
        incarnation: &Incarnation,
    ) -> RecordId {
        self.target(kind, space).record_id(device, incarnation)
    }

    pub(super) fn target(&self, kind: &KindName, space: &LaneId) -> Target {
        Target::Begin {
            kind: kind.clone(),
            nonce: space_nonce(space, self.0),
        }
    }
}

/// A record to be begun from a row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Which row it is.
    pub origin: Origin,
    /// What the row says.
    pub edits: Vec<FieldEdit>,
}

/// The record of a kind with a natural key that a key names in a space; `None` for kinds without one and
/// for keys that are too long.
#[must_use]
pub fn natural_record(kind: &Kind, space: &LaneId, key: &str) -> Option<RecordId> {
    kind.natural_key()?;
    let key = natural_key(space, key)?;
    let kind = KindName::new(kind.name()).ok()?;
    // Whoever begins it, it is the same record.
    let target = Target::BeginKeyed { kind, key };
    Some(target.record_id(&DeviceId::ZERO, &Incarnation::ZERO))
}

impl Replica {
    /// Begins records from rows of a file, in one transaction: all of them, or none. Kinds with a
    /// natural key go by it, others by the rows' origins.
    ///
    /// # Errors
    /// As [`Replica::create`], for the first that fails; [`ReplicaError::AlreadyThere`] if this device has
    /// begun one before, and [`ReplicaError::RecordErased`] if it was erased since.
    pub fn import(
        &mut self,
        kind: &str,
        space: LaneId,
        rows: &[Import],
        moment: &mut Moment<'_>,
    ) -> Result<Vec<RecordId>, ReplicaError> {
        self.write(moment, |tx, mind, moment| {
            rows.iter()
                .map(|row| mind.create(tx, kind, space, &row.edits, Some(row.origin), moment))
                .collect()
        })
    }
}
