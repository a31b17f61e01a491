//! Batches on the wire: the shortest form that the receiver can complete.
//!
//! ```text
//! batch = varint (row << 1 | explicit) | varint zigzag (first_seq - expected) | [prev 32] | tail
//! row   = varint lane index | device 32 | incarnation 8 | varint epoch index (0: the clear roster)
//! ```
//! `expected` is the position after the row's last batch on this connection, at first 1. Each
//! direction of a connection has its own tables; a frame first adds what it uses anew
//! (docs/protocol.md §6).

use std::collections::HashMap;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::entry::codec::{Reader, put_varint};
use crate::entry::{BadBatch, Place, SignedBatch, VerifiedBatch};
use crate::id::{ChainHash, CommunityId, DeviceId, EpochId, Incarnation, LaneId, LogId, Seq};
use crate::roster::roster_lane;
use crate::wire::FRAME_BATCHES_MAX;
use crate::wire::receipts::{decode_positions, encode_positions};

/// Most logs, lanes or epochs that one connection may name.
pub const TABLE_MAX: usize = 65_536;

/// Some batches, and what the tables need for them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Batches {
    /// Lanes to add to the table.
    #[n(0)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub lanes: Vec<LaneId>,
    /// Epochs to add to the table; the first has index 1.
    #[n(1)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub epochs: Vec<EpochId>,
    /// Rows to add to the table, run together.
    #[n(2)]
    #[cbor(with = "minicbor::bytes", skip_if = "Vec::is_empty")]
    pub rows: Vec<u8>,
    /// The batches.
    #[n(3)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub batches: Vec<ByteVec>,
    /// Lane and the sender's arrival position up to which the lane has been sent with this frame.
    #[n(4)]
    #[cbor(skip_if = "Vec::is_empty")]
    pub upto: Vec<(LaneId, u64)>,
    /// Arrival position of each batch at the sender, a relay ([`encode_positions`]); left out if they
    /// are not known or follow from `upto`.
    #[n(5)]
    #[cbor(with = "minicbor::bytes", skip_if = "Vec::is_empty")]
    pub positions: Vec<u8>,
}

/// A row of the sender's table.
#[derive(Debug, Clone, Copy)]
struct WriterRow {
    index: u64,
    expected: u64,
}

/// The sender's side of the tables.
#[derive(Debug, Default)]
pub struct BatchWriter {
    lanes: HashMap<LaneId, u64>,
    rows: HashMap<(LogId, EpochId), WriterRow>,
    epochs: HashMap<EpochId, u64>,
    frame: Batches,
    /// Lane and arrival position of each batch in the frame, as far as they are to be told.
    positions: Vec<(LaneId, u64)>,
    bytes: usize,
}

impl BatchWriter {
    /// Adds a batch to the frame; `with_prev` spells out the hash that it follows.
    pub fn push(&mut self, batch: &VerifiedBatch, with_prev: bool) {
        let place = batch.place();
        let row = self.row(place);
        let mut bytes = Vec::with_capacity(batch.tail().len() + 44);
        put_varint(&mut bytes, row.index << 1 | u64::from(with_prev));
        put_varint(
            &mut bytes,
            zigzag(place.first_seq.0.wrapping_sub(row.expected)),
        );
        if with_prev {
            bytes.extend_from_slice(batch.prev().as_bytes());
        }
        bytes.extend_from_slice(batch.tail());
        let expected = batch.last_seq().plus(1).0;
        self.rows.insert(
            (place.log, place.epoch),
            WriterRow {
                index: row.index,
                expected,
            },
        );
        self.bytes += bytes.len();
        self.frame.batches.push(bytes.into());
    }

    /// Tells the arrival position of the batch that was added last.
    pub fn place(&mut self, lane: LaneId, arrival: u64) {
        self.positions.push((lane, arrival));
    }

    /// Says that a lane has been sent up to an arrival position.
    pub fn mark(&mut self, lane: LaneId, arrival: u64) {
        self.frame.upto.retain(|(known, _)| *known != lane);
        self.frame.upto.push((lane, arrival));
    }

    /// Bytes of batches and tables in the frame so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many batches are in the frame so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.frame.batches.len()
    }

    /// Takes the frame; the tables stay for the next one.
    pub fn take(&mut self) -> Batches {
        self.bytes = 0;
        let positions = std::mem::take(&mut self.positions);
        let mut frame = std::mem::take(&mut self.frame);
        // The position of a single batch is its lane's, which is told anyway.
        let is_plain = positions.len() == 1 && frame.upto == positions;
        if positions.len() == frame.batches.len() && !is_plain {
            let positions: Vec<u64> = positions.into_iter().map(|(_, at)| at).collect();
            frame.positions = encode_positions(&positions);
        }
        frame
    }

    fn row(&mut self, place: &Place) -> WriterRow {
        if let Some(row) = self.rows.get(&(place.log, place.epoch)) {
            return *row;
        }
        let lane = self.lane_index(&place.log.lane);
        let epoch = self.epoch_index(&place.epoch);
        let bytes = &mut self.frame.rows;
        let before = bytes.len();
        put_varint(bytes, lane);
        bytes.extend_from_slice(place.log.device.as_bytes());
        bytes.extend_from_slice(place.log.incarnation.as_bytes());
        put_varint(bytes, epoch);
        self.bytes += bytes.len() - before;
        WriterRow {
            index: self.rows.len() as u64,
            expected: Seq::FIRST.0,
        }
    }

    fn lane_index(&mut self, lane: &LaneId) -> u64 {
        if let Some(index) = self.lanes.get(lane) {
            return *index;
        }
        self.frame.lanes.push(*lane);
        self.bytes += LaneId::LEN;
        let index = self.lanes.len() as u64;
        self.lanes.insert(*lane, index);
        index
    }

    fn epoch_index(&mut self, epoch: &EpochId) -> u64 {
        if *epoch == EpochId::ZERO {
            return 0;
        }
        if let Some(index) = self.epochs.get(epoch) {
            return *index;
        }
        self.frame.epochs.push(*epoch);
        self.bytes += EpochId::LEN;
        let index = self.epochs.len() as u64 + 1;
        self.epochs.insert(*epoch, index);
        index
    }
}

/// The receiver's side of the tables.
#[derive(Debug, Default)]
pub struct BatchReader {
    lanes: Vec<LaneId>,
    rows: Vec<ReaderRow>,
    epochs: Vec<EpochId>,
}

/// A row of the receiver's table.
#[derive(Debug, Clone, Copy)]
struct ReaderRow {
    log: LogId,
    epoch: EpochId,
    expected: u64,
}

/// A batch off the wire, with the hash that it says it follows, if it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The batch.
    pub batch: SignedBatch,
    /// The hash that it follows; otherwise it follows what the receiver has.
    pub prev: Option<ChainHash>,
    /// Its arrival position at the sender, a relay, or one that is not before it.
    pub position: Option<u64>,
}

impl BatchReader {
    /// Takes the batches of a frame apart.
    ///
    /// # Errors
    /// The first thing that is wrong; the connection's tables are then out of step, so it must end.
    pub fn read(&mut self, frame: Batches) -> Result<Vec<Received>, BadBatch> {
        if frame.batches.len() > FRAME_BATCHES_MAX {
            return Err(BadBatch::TooLarge);
        }
        self.lanes.extend(&frame.lanes);
        self.epochs.extend(&frame.epochs);
        self.add_rows(&frame.rows)?;
        if [self.lanes.len(), self.rows.len(), self.epochs.len()]
            .iter()
            .any(|len| *len > TABLE_MAX)
        {
            return Err(BadBatch::TooLarge);
        }
        let count = frame.batches.len();
        let positions = if frame.positions.is_empty() {
            Vec::new()
        } else {
            decode_positions(&frame.positions, count).ok_or(BadBatch::BadLayout)?
        };
        let upto: HashMap<LaneId, u64> = frame.upto.into_iter().collect();
        let batches = frame.batches.into_iter().enumerate();
        let read = batches.map(|(index, bytes)| {
            let mut received = self.read_one(&bytes)?;
            // Without its own, it is not after the position up to which its lane has been sent.
            let of_lane = upto.get(&received.batch.place().log.lane);
            let told = |position: &&u64| **position > 0;
            let own = positions.get(index).filter(told);
            received.position = own.or(of_lane).filter(told).copied();
            Ok(received)
        });
        read.collect()
    }

    fn add_rows(&mut self, bytes: &[u8]) -> Result<(), BadBatch> {
        let mut reader = Reader::new(bytes);
        while !reader.is_at_end() {
            let row = self.read_row(&mut reader).ok_or(BadBatch::BadLayout)?;
            self.rows.push(row);
        }
        Ok(())
    }

    fn read_row(&self, reader: &mut Reader<'_>) -> Option<ReaderRow> {
        let lane = *self.lanes.get(usize::try_from(reader.varint()?).ok()?)?;
        let device = DeviceId::new(reader.array()?);
        let incarnation = Incarnation::new(reader.array()?);
        let epoch = match reader.varint()? {
            0 => EpochId::ZERO,
            index => *self.epochs.get(usize::try_from(index - 1).ok()?)?,
        };
        let log = LogId {
            lane,
            device,
            incarnation,
        };
        Some(ReaderRow {
            log,
            epoch,
            expected: Seq::FIRST.0,
        })
    }

    fn read_one(&mut self, bytes: &[u8]) -> Result<Received, BadBatch> {
        let mut reader = Reader::new(bytes);
        let word = reader.varint().ok_or(BadBatch::BadLayout)?;
        let row = usize::try_from(word >> 1)
            .ok()
            .and_then(|index| self.rows.get_mut(index));
        let row = row.ok_or(BadBatch::BadLayout)?;
        let ahead = unzigzag(reader.varint().ok_or(BadBatch::BadLayout)?);
        let first_seq = Seq(row.expected.wrapping_add(ahead));
        let prev = if word & 1 == 1 {
            Some(ChainHash::new(reader.array().ok_or(BadBatch::BadLayout)?))
        } else {
            None
        };
        let tail = bytes.get(reader.position()..).unwrap_or_default().to_vec();
        let place = Place {
            log: row.log,
            first_seq,
            epoch: row.epoch,
        };
        let batch = SignedBatch::parse(place, tail)?;
        row.expected = batch.last_seq().plus(1).0;
        Ok(Received {
            batch,
            prev,
            position: None,
        })
    }
}

/// Small distances either way as small numbers: 0, -1, 1, -2 … as 0, 1, 2, 3 …
pub(super) fn zigzag(distance: u64) -> u64 {
    let signed = distance.cast_signed();
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

pub(super) fn unzigzag(word: u64) -> u64 {
    (word >> 1) ^ (word & 1).wrapping_neg()
}

/// A joiner's first batch of the roster lane, as a hello carries it: `device 32 | incarnation 8 | tail`.
///
/// Lane, position, epoch and the hash before it follow from what it is.
#[must_use]
pub fn encode_join(batch: &VerifiedBatch) -> Vec<u8> {
    let log = batch.log();
    [
        log.device.as_bytes().as_slice(),
        log.incarnation.as_bytes(),
        batch.tail(),
    ]
    .concat()
}

/// Takes a joiner's batch apart; it is still to be verified, after nothing.
///
/// # Errors
/// [`BadBatch`] if the bytes are not laid out so.
pub fn decode_join(community: &CommunityId, bytes: &[u8]) -> Result<SignedBatch, BadBatch> {
    let mut reader = Reader::new(bytes);
    let device = DeviceId::new(reader.array().ok_or(BadBatch::BadLayout)?);
    let incarnation = Incarnation::new(reader.array().ok_or(BadBatch::BadLayout)?);
    let tail = bytes.get(reader.position()..).unwrap_or_default().to_vec();
    let log = LogId {
        lane: roster_lane(community),
        device,
        incarnation,
    };
    SignedBatch::parse(
        Place {
            log,
            first_seq: Seq::FIRST,
            epoch: EpochId::ZERO,
        },
        tail,
    )
}
