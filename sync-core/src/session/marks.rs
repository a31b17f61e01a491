//! Marks: a log in four bytes, good for one session.
//!
//! ```text
//! mark  = first 4 bytes of BLAKE3-derive-key("banyan/log-mark/1",
//!             dialer's nonce 8 | acceptor's nonce 8 | device 32 | incarnation 8)
//! check = first byte of the same over nonces | chain hash of the head 32
//! ```
//! Two logs with one mark are treated together, which at worst sends a batch twice; a fork that the
//! check misses (1 in 256) is found by the next session, which has other marks and checks.

use std::collections::BTreeMap;

use crate::entry::codec::{Reader, put_varint};
use crate::id::{Head, LaneId, LogId, Seq};
use crate::keys::{self, domain};
use crate::wire::{Digest, HEADS_MAX};

/// Bytes of a lane's sketch.
pub(super) const SKETCH_LEN: usize = 3;

/// A lane and its digest in three bytes, good for one session. If two differ and their sketches do not
/// (1 in 16 million), the next session finds it.
pub(super) fn sketch(nonce: &[u8; 8], lane: &LaneId, digest: &Digest) -> [u8; SKETCH_LEN] {
    let parts: [&[u8]; 3] = [nonce, lane.as_bytes(), &digest.0];
    let [a, b, c, ..] = *keys::derive(domain::LANE_SKETCH, &parts).as_bytes();
    [a, b, c]
}

/// What a peer has of the logs with one mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listed {
    /// The least position.
    pub(super) least: u64,
    /// The greatest position.
    pub(super) most: u64,
    /// Check of the head; none if several logs share the mark.
    pub(super) check: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    nonces: [u8; 16],
}

impl Marks {
    pub(super) fn new(dialer: &[u8; 8], acceptor: &[u8; 8]) -> Self {
        let mut nonces = [0; 16];
        let both = dialer.iter().chain(acceptor);
        nonces
            .iter_mut()
            .zip(both)
            .for_each(|(to, from)| *to = *from);
        Self { nonces }
    }

    pub(super) fn mark(&self, log: &LogId) -> [u8; 4] {
        let parts: [&[u8]; 3] = [
            &self.nonces,
            log.device.as_bytes(),
            log.incarnation.as_bytes(),
        ];
        let hash = keys::derive(domain::LOG_MARK, &parts);
        let [a, b, c, d, ..] = *hash.as_bytes();
        [a, b, c, d]
    }

    pub(super) fn check(&self, head: &Head) -> u8 {
        let hash = keys::derive(domain::LOG_MARK, &[&self.nonces, head.chain.as_bytes()]);
        let [check, ..] = *hash.as_bytes();
        check
    }

    /// Says which entry of a log is the first that is wanted.
    pub(super) fn put_wanted(out: &mut Vec<u8>, mark: [u8; 4], from: Seq) {
        out.extend_from_slice(&mark);
        put_varint(out, from.0);
    }

    /// The first wanted entry per mark; `None` if the bytes are not a list of them.
    pub(super) fn decode_wanted(bytes: &[u8]) -> Option<BTreeMap<[u8; 4], Seq>> {
        let mut reader = Reader::new(bytes);
        let mut wanted = BTreeMap::new();
        while !reader.is_at_end() {
            if wanted.len() >= HEADS_MAX {
                return None;
            }
            let mark = reader.array()?;
            let from = Seq(reader.varint()?.max(Seq::FIRST.0));
            let first = wanted.entry(mark).or_insert(from);
            *first = from.min(*first);
        }
        Some(wanted)
    }

    /// Lists heads.
    pub(super) fn encode_heads<'a>(
        &self,
        heads: impl Iterator<Item = &'a (LogId, Head)>,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        for (log, head) in heads.take(HEADS_MAX) {
            out.extend_from_slice(&self.mark(log));
            out.push(self.check(head));
            put_varint(&mut out, head.seq.0);
        }
        out
    }

    /// What is listed per mark; `None` if the bytes are not a list of heads.
    pub(super) fn decode_heads(bytes: &[u8]) -> Option<BTreeMap<[u8; 4], Listed>> {
        let mut reader = Reader::new(bytes);
        let mut heads: BTreeMap<_, Listed> = BTreeMap::new();
        while !reader.is_at_end() {
            if heads.len() >= HEADS_MAX {
                return None;
            }
            let mark = reader.array()?;
            let check = reader.byte()?;
            let seq = reader.varint()?;
            heads
                .entry(mark)
                .and_modify(|known| {
                    known.least = seq.min(known.least);
                    known.most = seq.max(known.most);
                    known.check = None;
                })
                .or_insert(Listed {
                    least: seq,
                    most: seq,
                    check: Some(check),
                });
        }
        Some(heads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChainHash, DeviceId, Incarnation, LaneId};

    const PROTOCOL: &str = include_str!("../../../docs/protocol.md");

    #[test]
    fn mark_and_check_are_as_the_text_says() {
        let marks = Marks::new(&[1; 8], &[2; 8]);
        let log = LogId {
            lane: LaneId::ZERO,
            device: DeviceId::new([3; 32]),
            incarnation: Incarnation::new([4; 8]),
        };
        let head = Head {
            seq: Seq(300),
            chain: ChainHash::new([5; 32]),
        };
        let hex = data_encoding::HEXLOWER.encode(&marks.encode_heads([(log, head)].iter()));
        let line = format!("{:<22}{hex}", "listed head");
        assert!(
            PROTOCOL.lines().any(|it| it == line),
            "docs/protocol.md must say:\n{line}"
        );
    }
}
