//! The network: byte streams that are slow, that end anywhere, and that lose nothing before their end.
//!
//! As over QUIC, bytes of one stream arrive in order or not at all; streams overtake each other. A
//! cut keeps a random number of the bytes on their way and loses the rest, in the middle of a frame too.

use std::collections::{BTreeMap, VecDeque};

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use sync_core::wire::frame_len;

/// Bytes that one direction of a connection takes before its sender must wait.
const ROOM_BYTES: usize = 64 * 1024;

/// Which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnId(pub(super) u64);

/// Who is at an end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Phone(usize),
    Relay,
    /// Somebody who belongs to nothing and sends what they like.
    Stranger,
}

/// Which end of a connection; also the direction in which that end sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Dialer,
    Acceptor,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Dialer, Self::Acceptor];

    pub(super) fn other(self) -> Self {
        match self {
            Self::Dialer => Self::Acceptor,
            Self::Acceptor => Self::Dialer,
        }
    }
}

#[derive(Debug)]
struct Segment {
    due: i64,
    bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Stream {
    segments: VecDeque<Segment>,
    /// Bytes that have come and are no whole frame yet.
    partial: Vec<u8>,
    sent_bytes: u64,
}

impl Stream {
    fn in_flight(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| segment.bytes.len())
            .sum()
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) dialer: Node,
    pub(super) acceptor: Node,
    up: Stream,
    down: Stream,
    /// Nothing more goes in; what is left comes out.
    pub(super) is_cut: bool,
}

impl Connection {
    pub(super) fn node(&self, side: Side) -> Node {
        match side {
            Side::Dialer => self.dialer,
            Side::Acceptor => self.acceptor,
        }
    }

    fn stream(&mut self, from: Side) -> &mut Stream {
        match from {
            Side::Dialer => &mut self.up,
            Side::Acceptor => &mut self.down,
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.up.segments.is_empty() && self.down.segments.is_empty()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.up.sent_bytes + self.down.sent_bytes
    }
}

/// What came out of a stream.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Frames without their lengths.
    pub(super) frames: Vec<Vec<u8>>,
    /// The bytes are no frames at all.
    pub(super) is_broken: bool,
    /// More of the same stream is on its way.
    pub(super) has_more: bool,
}

#[derive(Debug)]
pub(super) struct Net {
    connections: BTreeMap<ConnId, Connection>,
    next: u64,
    delay_max: i64,
}

impl Net {
    pub(super) fn new(delay_max: i64) -> Self {
        Self {
            connections: BTreeMap::new(),
            next: 1,
            delay_max,
        }
    }

    pub(super) fn open(&mut self, dialer: Node, acceptor: Node) -> ConnId {
        let id = ConnId(self.next);
        self.next += 1;
        let (up, down) = (Stream::default(), Stream::default());
        self.connections.insert(
            id,
            Connection {
                dialer,
                acceptor,
                up,
                down,
                is_cut: false,
            },
        );
        id
    }

    pub(super) fn get(&self, id: ConnId) -> Option<&Connection> {
        self.connections.get(&id)
    }

    pub(super) fn ids(&self) -> Vec<ConnId> {
        self.connections.keys().copied().collect()
    }

    pub(super) fn has_room(&self, id: ConnId, from: Side) -> bool {
        self.connections.get(&id).is_some_and(|connection| {
            let stream = match from {
                Side::Dialer => &connection.up,
                Side::Acceptor => &connection.down,
            };
            !connection.is_cut && stream.in_flight() < ROOM_BYTES
        })
    }

    /// Puts bytes on their way, in one to three pieces.
    pub(super) fn send(
        &mut self,
        id: ConnId,
        from: Side,
        bytes: &[u8],
        now: i64,
        rng: &mut ChaCha8Rng,
    ) {
        let delay_max = self.delay_max;
        let Some(connection) = self.connections.get_mut(&id).filter(|it| !it.is_cut) else {
            return;
        };
        let stream = connection.stream(from);
        stream.sent_bytes += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let take = if rng.random_ratio(1, 4) {
                rng.random_range(1..=rest.len())
            } else {
                rest.len()
            };
            let (piece, later) = rest.split_at(take);
            let earliest = stream.segments.back().map_or(now, |last| last.due);
            let due = earliest.max(now + rng.random_range(1..=delay_max));
            stream.segments.push_back(Segment {
                due,
                bytes: piece.to_vec(),
            });
            rest = later;
        }
    }

    /// The next piece to arrive, of all streams.
    pub(super) fn next_due(&self) -> Option<(i64, ConnId, Side)> {
        let due = |stream: &Stream| stream.segments.front().map(|segment| segment.due);
        self.connections
            .iter()
            .flat_map(|(id, connection)| {
                [
                    due(&connection.up).map(|due| (due, *id, Side::Dialer)),
                    due(&connection.down).map(|due| (due, *id, Side::Acceptor)),
                ]
            })
            .flatten()
            .min()
    }

    /// Takes the next piece out of a stream.
    pub(super) fn take(&mut self, id: ConnId, from: Side) -> Option<Delivery> {
        let stream = self.connections.get_mut(&id)?.stream(from);
        let segment = stream.segments.pop_front()?;
        stream.partial.extend_from_slice(&segment.bytes);
        let mut frames = Vec::new();
        let is_broken = loop {
            match frame_len(&stream.partial) {
                Ok(Some((len, prefix))) if stream.partial.len() >= len + prefix => {
                    let whole: Vec<u8> = stream.partial.drain(..len + prefix).collect();
                    frames.push(whole.into_iter().skip(prefix).collect());
                }
                Ok(_) => break false,
                Err(_) => break true,
            }
        };
        Some(Delivery {
            frames,
            is_broken,
            has_more: !stream.segments.is_empty(),
        })
    }

    /// Cuts a connection at random bytes of both directions.
    pub(super) fn cut(&mut self, id: ConnId, rng: &mut ChaCha8Rng) {
        let Some(connection) = self.connections.get_mut(&id).filter(|it| !it.is_cut) else {
            return;
        };
        connection.is_cut = true;
        for side in Side::BOTH {
            let stream = connection.stream(side);
            let mut keep = rng.random_range(0..=stream.in_flight());
            for segment in &mut stream.segments {
                segment.bytes.truncate(keep);
                keep -= segment.bytes.len();
            }
            stream.segments.retain(|segment| !segment.bytes.is_empty());
        }
    }

    /// Lets what is on its way arrive, and takes nothing more.
    pub(super) fn finish(&mut self, id: ConnId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_cut = true;
        }
    }

    /// Loses what is on its way to one end: nobody listens there any more.
    pub(super) fn deafen(&mut self, id: ConnId, side: Side) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stream(side.other()).segments.clear();
        }
    }

    /// Forgets a connection that was cut and has nothing left.
    pub(super) fn remove_if_over(&mut self, id: ConnId) -> Option<Connection> {
        let is_over = self
            .connections
            .get(&id)
            .is_some_and(|it| it.is_cut && it.is_silent());
        if is_over {
            self.connections.remove(&id)
        } else {
            None
        }
    }

    /// Loses one piece in the middle of a stream that goes on, which no real link does.
    pub(super) fn drop_piece(&mut self) -> bool {
        self.connections
            .values_mut()
            .any(|connection| connection.up.segments.pop_back().is_some())
    }
}
