//! One session: two peers, one community, until both have the same; then live.
//!
//! A pure state machine. Frames go in by [`Session::receive`], which answers with what its owner must
//! do ([`Event`]); frames come out of [`Session::poll_transmit`], one at a time, as fast as the link
//! takes them. What is to be sent is never queued: it is read from the store when there is room.
//!
//! ```text
//! dialer                                   acceptor
//! Hello (digest of all shared lanes)  →
//!                                     ←    Hello (digest); if they are equal, both are live
//!                                     ←    Lanes (digest, tip, and your own log, per lane)
//! Ask (cursors of a relay, or heads)  →
//!                                     ←    Want, Totals, Batches …, CaughtUp
//! Totals, Batches …, CaughtUp         →
//! Ack of what is durable             ← →   Batches as they arise
//! AskBlobs, WantBlob                  →
//!                                     ←    HaveBlobs, BlobHashes, BlobChunk … when nothing else waits
//! ```

pub mod blobs;
pub mod carrier;
mod compare;
mod erased;
mod flow;
mod lapse;
mod marks;
#[cfg(any(test, feature = "conformance"))]
pub mod memory;
mod plan;
mod receipts;
mod uploads;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::CryptoRng;
use thiserror::Error;

use crate::entry::BadBatch;
use crate::id::{Arrival, DeviceId, Incarnation, LaneId, LogId, Seq, StoreId};
use crate::roster::roster_lane;
use crate::roster::statement::StatementId;
use crate::session::blobs::{BlobEvent, Blobs};
use crate::session::carrier::{Carrier, set_digest};
use crate::session::lapse::Lapses;
use crate::session::marks::Marks;
use crate::session::plan::Plan;
use crate::session::receipts::Reach;
use crate::session::uploads::Uploads;
use crate::store::StoreError;
use crate::wire::batches::{BatchReader, BatchWriter, Received};
use crate::wire::erased::HasErased;
use crate::wire::receipts::Receipts;
use crate::wire::{
    BadFrame, Bye, Digest, Frame, Hello, LANES_MAX, PeerKind, Refusal, Refuse, Totals, VERSION_MAX,
    VERSION_MIN,
};

/// Bytes of batches that may be on their way unacknowledged.
pub const WINDOW_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Asks and wants without their CaughtUp beyond which a side asks for no more lanes.
pub const ASKS_OPEN_MAX: u64 = 8;

/// Who the two peers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parties {
    /// Our device.
    pub us: DeviceId,
    /// What we are.
    pub kind: PeerKind,
    /// Which installation of us.
    pub incarnation: Incarnation,
    /// The device at the other end, as the link has proved it.
    pub peer: DeviceId,
    /// What it is: whom we dialled, or who may dial us.
    pub peer_kind: PeerKind,
}

/// Why a session cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// The peer broke the protocol.
    #[error("the other side broke the protocol: {0}")]
    Peer(Refusal),
    /// Our own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BadFrame> for SessionError {
    fn from(error: BadFrame) -> Self {
        match error {
            BadFrame::TooLarge => Self::Peer(Refusal::TooLarge),
            BadFrame::Layout(_) | BadFrame::Unknown(_) => Self::Peer(Refusal::BadFrame),
        }
    }
}

/// What the owner of a session must do or may tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The other side is ready: pending edits of ours can be sealed now.
    Compared,
    /// Verify and store these, then say [`Session::stored`].
    Ingest {
        /// In order.
        batches: Vec<Received>,
        /// Cursors that hold once they are durable.
        upto: Vec<(LaneId, u64)>,
    },
    /// Cursors that hold now: nothing else was to come in these lanes.
    Cursors(Vec<(LaneId, u64)>),
    /// The other side has more of our own log than we have: this store was restored from a backup.
    OwnLogAhead(LaneId),
    /// A relay has less of this lane than it had acknowledged: it was restored from an old backup, or it
    /// lies. Nothing that was noted of its store holds any more.
    Lacking(LaneId),
    /// So many batches, from the first, are durable over there.
    Acked(u64),
    /// What is about to come.
    Totals(Totals),
    /// The other side has sent everything that it had.
    CaughtUp,
    /// The other side refuses something.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Which batch of ours, counted from 1 in this session; none: the session itself.
        batch: Option<u64>,
    },
    /// Where batches of ours, by their arrival here, lie in a relay's store; or where they are not beyond.
    Placed(Vec<(Arrival, u64)>),
    /// Signed receipts, still to be verified.
    Receipts(Receipts),
    /// Which receipts came after this number?
    AskedReceipts(u64),
    /// Which of these erasures have been carried out here?
    AskedErased(Vec<StatementId>),
    /// A relay's signed word about erasures, still to be verified.
    HasErased(HasErased),
    /// Something about blobs.
    Blob(BlobEvent),
    /// The other side has ended the session.
    Ended,
}

/// What became of a batch that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Durable, at this position.
    Stored(Arrival),
    /// Known already.
    Known,
    /// It does not follow what we have: the log has another branch over there.
    NeedsBranch(LogId),
    /// Not taken.
    Refused(Refusal),
}

/// Counts of one session, for the plain report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Entries sent.
    pub entries_sent: u64,
    /// Entries received, known ones too.
    pub entries_received: u64,
    /// Times that we waited for an answer before we could go on.
    pub round_trips: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// We said hello and wait for theirs.
    Greeting,
    /// Digests differ; the dialer waits for Lanes.
    AwaitLanes,
    /// The acceptor has sent Lanes and waits for the first Ask.
    AwaitAsk,
    /// Compared: what is missing flows, then the session is live.
    Flowing,
    /// Over.
    Ended,
}

/// One session of one side.
#[derive(Debug)]
pub struct Session {
    parties: Parties,
    is_dialer: bool,
    roster_lane: LaneId,
    stage: Stage,
    nonces: ([u8; 8], Option<[u8; 8]>),
    hello: Hello,
    peer_hello: Option<Hello>,
    peer_store: Option<StoreId>,
    queue: VecDeque<Frame>,
    plan: Plan,
    /// What we have more of our own logs, until we know what else the other side lacks: what
    /// others wrote before goes first.
    own_logs: Vec<(LogId, Seq)>,
    /// Lanes that both sides know the other wants.
    subscribed: BTreeSet<LaneId>,
    /// What one side, which was removed, may still bring.
    uploads: Uploads,
    /// Where a relay has less than it had acknowledged.
    lapses: Lapses,
    reach: Reach,
    /// The lanes of which our hello had sketches, in their order.
    told: Vec<LaneId>,
    /// Lanes that we may have and the other side did not know yet when we compared.
    waiting: BTreeSet<LaneId>,
    /// The last batch of ours that may teach the other side of the waiting lanes.
    news_upto: Option<u64>,
    /// Asks and wants of ours without their CaughtUp.
    asks_open: u64,
    /// Asks of ours without their Want: until it comes, nothing new is sent, because it may
    /// build on batches that the other side lacks.
    wants_due: u64,
    /// Too many of our asks were open; the waiting lanes are asked for after the next CaughtUp.
    is_ask_due: bool,
    /// Asks and wants of theirs that are owed a CaughtUp once the plan is empty.
    caught_up_owed: u64,
    tail_after: Arrival,
    /// The newest batch here when the session began.
    began: Arrival,
    /// Arrivals after it that the other side has: they came from there, or went there by plan.
    skip: BTreeSet<Arrival>,
    writer: BatchWriter,
    reader: BatchReader,
    sent_batches: u64,
    acked_batches: u64,
    unacked: VecDeque<flow::Unacked>,
    unacked_bytes: u64,
    received_batches: u64,
    counts: Counts,
    blobs: Blobs,
}

impl Session {
    /// Begins a session as the side that dialled; `join` is a joiner's own first roster batch.
    ///
    /// # Errors
    /// The store's.
    pub fn dial(
        parties: Parties,
        carrier: &dyn Carrier,
        join: Option<Vec<u8>>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, StoreError> {
        let digests = digests_of(&shared_lanes(&parties, carrier), carrier)?;
        let mut session = Self::new(parties, true, &digests, carrier, rng)?;
        session.hello.join = join.map(Into::into);
        let nonce = session.nonces.0;
        let sketches = digests.iter();
        let sketches = sketches.map(|(lane, digest)| marks::sketch(&nonce, lane, digest));
        let sketches: Vec<[u8; marks::SKETCH_LEN]> = sketches.collect();
        session.hello.lanes = Some(sketches.concat().into());
        session.told = digests.into_keys().collect();
        session.queue.push_back(Frame::Hello(session.hello.clone()));
        session.counts.round_trips = 1;
        Ok(session)
    }

    /// Answers a hello as the side that was dialled, once its owner has let the device in.
    ///
    /// # Errors
    /// The store's, or the versions have nothing in common.
    pub fn accept(
        parties: Parties,
        carrier: &dyn Carrier,
        hello: Hello,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<Event>), SessionError> {
        check_version(&hello)?;
        let digests = digests_of(&shared_lanes(&parties, carrier), carrier)?;
        let mut session = Self::new(parties, false, &digests, carrier, rng)?;
        session.queue.push_back(Frame::Hello(session.hello.clone()));
        let events = session.on_hello(hello, carrier)?;
        Ok((session, events))
    }

    fn new(
        parties: Parties,
        is_dialer: bool,
        digests: &BTreeMap<LaneId, Digest>,
        carrier: &dyn Carrier,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, StoreError> {
        let mut nonce = [0; 8];
        rng.fill_bytes(&mut nonce);
        let uploads = Uploads::between(&parties, carrier);
        let shared = digests.iter().map(|(lane, digest)| (*lane, *digest));
        let digest = set_digest(shared.chain(uploads.digests(carrier)?));
        let hello = Hello {
            version_min: VERSION_MIN,
            version_max: VERSION_MAX,
            community: carrier.community(),
            kind: parties.kind,
            nonce: nonce.into(),
            digest,
            incarnation: parties.incarnation,
            join: None,
            lanes: None,
            store: (!is_dialer && parties.kind == PeerKind::Relay).then(|| carrier.store_id()),
            receipts: carrier.receipts_for(&parties.peer),
            tip: None,
            read: carrier.reading_of(&parties.peer),
            blobs: carrier.blob_tip()?,
        };
        let mut session = Self {
            parties,
            is_dialer,
            roster_lane: roster_lane(&carrier.community()),
            stage: Stage::Greeting,
            nonces: (nonce, None),
            hello,
            peer_hello: None,
            peer_store: None,
            queue: VecDeque::new(),
            plan: Plan::default(),
            own_logs: Vec::new(),
            subscribed: digests.keys().copied().collect(),
            uploads,
            lapses: Lapses::since(carrier.notes()),
            reach: Reach::default(),
            told: Vec::new(),
            waiting: BTreeSet::new(),
            news_upto: None,
            asks_open: 0,
            wants_due: 0,
            is_ask_due: false,
            caught_up_owed: 0,
            tail_after: carrier.last_arrival()?,
            began: carrier.last_arrival()?,
            skip: BTreeSet::new(),
            writer: BatchWriter::default(),
            reader: BatchReader::default(),
            sent_batches: 0,
            acked_batches: 0,
            unacked: VecDeque::new(),
            unacked_bytes: 0,
            received_batches: 0,
            counts: Counts::default(),
            blobs: Blobs::default(),
        };
        session.hello.tip = session.tip_to_tell();
        Ok(session)
    }

    /// The device at the other end.
    #[must_use]
    pub fn peer(&self) -> &DeviceId {
        &self.parties.peer
    }

    /// What the other end is, once it has said hello.
    #[must_use]
    pub fn peer_kind(&self) -> Option<PeerKind> {
        self.peer_hello.as_ref().map(|hello| hello.kind)
    }

    /// Which life of its store the other end's positions belong to, once it has said so.
    #[must_use]
    pub fn peer_store(&self) -> Option<StoreId> {
        self.peer_store
    }

    /// Whether this lane flows between the two sides.
    #[must_use]
    pub fn shares(&self, lane: &LaneId) -> bool {
        self.subscribed.contains(lane)
    }

    /// Counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether both sides have sent all they had when they compared, and ours is durable over there.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.stage == Stage::Flowing
            && self.asks_open == 0
            && self.caught_up_owed == 0
            && self.plan.is_empty()
            && self.acked_batches == self.sent_batches
    }

    /// Whether everything of ours up to `arrival` has been sent and is durable over there.
    #[must_use]
    pub fn has_delivered(&self, arrival: Arrival) -> bool {
        self.is_caught_up() && self.tail_after >= arrival
    }

    /// How many frames wait to be sent beside batches: answers to what the other side said.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// Says goodbye; the last frame comes out of [`Session::poll_transmit`].
    pub fn end(&mut self) {
        if self.stage != Stage::Ended {
            self.queue.push_back(Frame::Bye(Bye {}));
            self.stage = Stage::Ended;
        }
    }

    /// Refuses a batch of the other side, or (`batch` none) the whole session.
    pub fn refuse(&mut self, refusal: Refusal, batch: Option<u64>) {
        self.queue.push_back(Frame::Refuse(Refuse {
            code: refusal.code(),
            batch,
        }));
        if batch.is_none() && refusal.ends_session() {
            self.stage = Stage::Ended;
        }
    }

    /// Takes one frame.
    ///
    /// # Errors
    /// The peer broke the protocol (the session is over and a refusal is on its way), or our store failed.
    pub fn receive(
        &mut self,
        frame: Frame,
        carrier: &dyn Carrier,
    ) -> Result<Vec<Event>, SessionError> {
        if self.stage == Stage::Ended {
            return Ok(Vec::new());
        }
        let result = self.take(frame, carrier);
        if let Err(SessionError::Peer(refusal)) = &result {
            self.refuse(*refusal, None);
            self.stage = Stage::Ended;
        }
        result
    }

    fn take(&mut self, frame: Frame, carrier: &dyn Carrier) -> Result<Vec<Event>, SessionError> {
        match frame {
            Frame::Hello(hello) if self.stage == Stage::Greeting => self.on_hello(hello, carrier),
            Frame::Lanes(lanes) if self.stage == Stage::AwaitLanes => {
                self.on_lanes(&lanes, carrier)
            }
            Frame::Ask(ask) if matches!(self.stage, Stage::AwaitAsk | Stage::Flowing) => {
                self.on_ask(&ask, carrier)
            }
            Frame::Want(want) if self.stage == Stage::Flowing => self.on_want(&want, carrier),
            Frame::Totals(totals) => Ok(vec![Event::Totals(totals)]),
            Frame::Batches(batches) if self.stage == Stage::Flowing => {
                let upto = self.sound_positions(batches.upto.clone());
                let batches = self.reader.read(batches).map_err(bad_batch)?;
                self.reach_of_news(&upto);
                let entries: usize = batches.iter().map(|received| received.batch.count()).sum();
                self.counts.entries_received += entries as u64;
                Ok(vec![Event::Ingest { batches, upto }])
            }
            Frame::Ack(ack) => self.on_ack(&ack, carrier),
            Frame::CaughtUp(caught_up) if self.stage == Stage::Flowing => {
                self.asks_open = self.asks_open.saturating_sub(1);
                if std::mem::take(&mut self.is_ask_due) {
                    self.ask_for_waiting(carrier)?;
                }
                self.reach_of_caught_up(&caught_up);
                let positions = self.sound_positions(caught_up.lanes);
                let mut events = vec![Event::Cursors(positions)];
                if self.asks_open == 0 {
                    events.push(Event::CaughtUp);
                }
                Ok(events)
            }
            Frame::Refuse(refuse) => Ok(self.on_refuse(refuse)),
            Frame::Receipts(receipts) if self.stage == Stage::Flowing => self.on_receipts(receipts),
            Frame::AskReceipts(asked) if self.stage == Stage::Flowing => {
                Ok(vec![Event::AskedReceipts(asked.after)])
            }
            Frame::AskErased(asked) if self.stage == Stage::Flowing => self.on_ask_erased(asked),
            Frame::Blob(frame) if self.stage == Stage::Flowing => self.on_blob(frame, carrier),
            Frame::HasErased(word) => Ok(vec![Event::HasErased(word)]),
            Frame::Bye(_) => {
                self.stage = Stage::Ended;
                Ok(vec![Event::Ended])
            }
            Frame::Hello(_)
            | Frame::Lanes(_)
            | Frame::Ask(_)
            | Frame::AskErased(_)
            | Frame::AskReceipts(_)
            | Frame::Receipts(_)
            | Frame::Blob(_)
            | Frame::Want(_)
            | Frame::Batches(_)
            | Frame::CaughtUp(_) => Err(SessionError::Peer(Refusal::BadFrame)),
        }
    }

    fn on_hello(
        &mut self,
        hello: Hello,
        carrier: &dyn Carrier,
    ) -> Result<Vec<Event>, SessionError> {
        check_version(&hello)?;
        if hello.community != self.hello.community {
            return Err(SessionError::Peer(Refusal::CommunityUnknown));
        }
        if hello.kind != self.parties.peer_kind {
            return Err(SessionError::Peer(Refusal::NotAMember));
        }
        let sketched = hello.lanes.as_ref().map_or(0, |lanes| lanes.len());
        let is_whole = sketched.is_multiple_of(marks::SKETCH_LEN);
        if !is_whole || sketched > marks::SKETCH_LEN * LANES_MAX {
            return Err(SessionError::Peer(Refusal::BadFrame));
        }
        self.nonces.1 = Some(*hello.nonce);
        self.peer_store = hello.store;
        let is_equal = hello.digest == self.hello.digest;
        if is_equal {
            self.reach_of_hello(&hello);
        }
        self.peer_hello = Some(hello);
        if is_equal {
            self.stage = Stage::Flowing;
            self.uploads.note_all_offered();
            // We may have made lanes, or been let into some, since our hello.
            self.lanes_changed(carrier)?;
            return Ok(vec![Event::Compared, Event::CaughtUp]);
        }
        if self.is_dialer {
            self.stage = Stage::AwaitLanes;
        } else {
            self.stage = Stage::AwaitAsk;
            let lanes = self.lane_states(carrier)?;
            self.queue.push_back(Frame::Lanes(lanes));
        }
        Ok(Vec::new())
    }

    fn marks(&self) -> Marks {
        let theirs = self.nonces.1.unwrap_or_default();
        if self.is_dialer {
            Marks::new(&self.nonces.0, &theirs)
        } else {
            Marks::new(&theirs, &self.nonces.0)
        }
    }

    /// The incarnation that our hello named.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.parties.incarnation
    }

    fn own_log(&self, lane: LaneId) -> LogId {
        LogId {
            lane,
            device: self.parties.us,
            incarnation: self.parties.incarnation,
        }
    }

    fn peer_log(&self, lane: LaneId) -> Option<LogId> {
        let incarnation = self.peer_hello.as_ref()?.incarnation;
        Some(LogId {
            lane,
            device: self.parties.peer,
            incarnation,
        })
    }

    fn on_refuse(&mut self, refuse: Refuse) -> Vec<Event> {
        let refusal = Refusal::from_code(refuse.code);
        if refuse.batch.is_none() && refusal.ends_session() {
            self.stage = Stage::Ended;
        }
        vec![Event::Refused {
            refusal,
            batch: refuse.batch,
        }]
    }

    /// The lanes that both sides exchange.
    #[must_use]
    pub fn subscribed(&self) -> &BTreeSet<LaneId> {
        &self.subscribed
    }
}

fn check_version(hello: &Hello) -> Result<(), SessionError> {
    if hello.version_min > VERSION_MAX {
        return Err(SessionError::Peer(Refusal::VersionTooOld));
    }
    if hello.version_max < VERSION_MIN {
        return Err(SessionError::Peer(Refusal::VersionTooNew));
    }
    Ok(())
}

fn bad_batch(error: BadBatch) -> SessionError {
    SessionError::Peer(match error {
        BadBatch::BadLayout => Refusal::BadFrame,
        BadBatch::BadSignature => Refusal::BadSignature,
        BadBatch::TooLarge => Refusal::TooLarge,
    })
}

/// The lanes that this session is about: what the member side may have and the other carries.
fn shared_lanes(parties: &Parties, carrier: &dyn Carrier) -> BTreeSet<LaneId> {
    match (parties.kind, parties.peer_kind) {
        (PeerKind::Relay, _) => carrier.lanes_for(&parties.peer),
        (PeerKind::Member, PeerKind::Relay) => carrier.own_lanes(),
        (PeerKind::Member, PeerKind::Member) => {
            let ours = carrier.own_lanes();
            if carrier.lanes_for(&parties.us).is_empty() {
                // A joiner has no roster yet to find the other side in, and nothing but its join.
                return ours;
            }
            let theirs = carrier.lanes_for(&parties.peer);
            ours.intersection(&theirs).copied().collect()
        }
    }
}

fn digests_of(
    lanes: &BTreeSet<LaneId>,
    carrier: &dyn Carrier,
) -> Result<BTreeMap<LaneId, Digest>, StoreError> {
    let lanes = lanes.iter();
    lanes
        .map(|lane| Ok((*lane, carrier.digest(lane)?)))
        .collect()
}

#[cfg(test)]
mod tests;
