//! A replica in a session: what each event of the protocol does to the store, and the plain report.
//!
//! Still pure: frames in, frames out. The shell moves the bytes, keeps the clock, and calls
//! [`Peer::poll_transmit`] whenever the link has room.

mod blobs;
mod reading;

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;
use thiserror::Error;

use crate::id::{Arrival, DeviceId, Incarnation, LaneId, Millis, StoreId};
use crate::peer::blobs::Blobs;
use crate::peer::reading::Following;
use crate::replica::{Moment, Replica, ReplicaError, Source, Tally};
use crate::roster::statement::StatementId;
use crate::session::carrier::Carrier;
use crate::session::{Event, Parties, Session, SessionError, Taken};
use crate::wire::batches::Received;
use crate::wire::erased::ERASED_MAX;
use crate::wire::{Frame, Hello, PeerKind, Refusal, Totals};

/// Why a session with a peer ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PeerError {
    /// The other side refuses the session.
    #[error("{0}")]
    Refused(Refusal),
    /// The other side broke the protocol.
    #[error("the other side broke the protocol: {0}")]
    Peer(Refusal),
    /// This store was restored from a backup; a new incarnation has begun, and a new session will do.
    #[error("this store was restored from a backup; it goes on under a new name")]
    Reborn,
    /// Ours failed.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl From<SessionError> for PeerError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Peer(refusal) => Self::Peer(refusal),
            SessionError::Store(error) => Self::Replica(error.into()),
        }
    }
}

/// What a session did, in plain counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Entries sent.
    pub sent: u64,
    /// Entries received that were new.
    pub received: u64,
    /// What merging did.
    pub tally: Tally,
    /// Times that we waited for an answer.
    pub round_trips: u64,
    /// What the other side announced.
    pub announced: Totals,
    /// How many times the other side refused something, by reason.
    pub refusals: BTreeMap<Refusal, u64>,
    /// Blobs that the other side has no room for. They stay here and are offered again another time.
    pub blobs_refused: u64,
    /// How many batches of others, which we carry, the other side does not take because their authors
    /// had no right to write there. It will never take them, and nothing is to be done about it.
    pub turned_away: u64,
    /// How many batches of the other side were not sound and not taken, by reason.
    pub rejected: BTreeMap<Refusal, u64>,
    /// Lanes in which the relay has less than it had acknowledged: it was restored from an old backup,
    /// or it lies. What we have of them is on its way to it again.
    pub lacking: BTreeSet<LaneId>,
    /// Receipts of others that were news, and batches of ours that a relay has told the places of: so
    /// often ticks may have moved.
    pub ticks: u64,
}

/// How far a session has come, in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Sent.
    pub sent: u64,
    /// Received that were new.
    pub received: u64,
    /// What the other side announced.
    pub announced: u64,
    /// Receipts of others that were news, and batches of ours that a relay has told the places of.
    pub ticks: u64,
}

/// One session of a replica.
#[derive(Debug)]
pub struct Peer {
    session: Session,
    report: Report,
    /// Batches gathered from several frames for one transaction.
    waiting: Vec<Received>,
    cursors: Vec<(LaneId, u64)>,
    caught_up: bool,
    roster_changed: bool,
    /// Erasures that the relay was asked about, and whether it still has to answer.
    asked_erased: BTreeSet<StatementId>,
    awaits_erased: bool,
    reading: Following,
    blobs: Blobs,
    /// The life of our store in which the session began: its positions mean nothing in another.
    store: StoreId,
}

impl Peer {
    /// Begins a session with a peer that we dialled, a relay or a member's device.
    ///
    /// # Errors
    /// The store's.
    pub fn dial(
        replica: &Replica,
        peer: DeviceId,
        peer_kind: PeerKind,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, PeerError> {
        let parties = parties(replica, peer, peer_kind);
        let join = replica.join_to_present();
        let session = Session::dial(parties, replica, join, rng).map_err(ReplicaError::from)?;
        Self::new(session, replica)
    }

    /// Answers the hello of a member's device that dialled us, or of a stranger's that presents an
    /// invitation which we know.
    ///
    /// # Errors
    /// The peer is no member of the community, speaks another version, or the store failed.
    pub fn accept(
        replica: &mut Replica,
        peer: DeviceId,
        hello: Hello,
        moment: &mut Moment<'_>,
    ) -> Result<Self, PeerError> {
        if hello.community != replica.community() {
            return Err(PeerError::Peer(Refusal::CommunityUnknown));
        }
        let is_known = replica.roster().knows(&peer);
        if !is_known {
            let join = hello
                .join
                .as_deref()
                .ok_or(PeerError::Peer(Refusal::NotAMember))?;
            replica
                .hear_join(&peer, join, moment)?
                .map_err(PeerError::Peer)?;
        }
        let (session, events) = Session::accept(
            parties(replica, peer, PeerKind::Member),
            replica,
            hello,
            moment.rng,
        )?;
        let mut this = Self::new(session, replica)?;
        this.roster_changed = !is_known;
        this.heed(replica, events, moment)?;
        Ok(this)
    }

    fn new(session: Session, replica: &Replica) -> Result<Self, PeerError> {
        Ok(Self {
            session,
            report: Report::default(),
            waiting: Vec::new(),
            cursors: Vec::new(),
            caught_up: false,
            roster_changed: false,
            asked_erased: BTreeSet::new(),
            awaits_erased: false,
            reading: Following::since(replica)?,
            blobs: Blobs::default(),
            store: replica.store_id(),
        })
    }

    /// Takes all frames that have come; their batches become durable in one transaction.
    ///
    /// # Errors
    /// The session is over; what was durable before stays. Frames may still wait to be sent
    /// ([`Peer::poll_transmit`]): the refusal that tells the other side.
    pub fn receive(
        &mut self,
        replica: &mut Replica,
        frames: impl IntoIterator<Item = Frame>,
        moment: &mut Moment<'_>,
    ) -> Result<(), PeerError> {
        let taken = self.take_frames(replica, frames, moment);
        // What was lost on the way to the disk has been heard all the same, and must not be signed for.
        self.reading.has_failed |= taken.is_err();
        taken
    }

    fn take_frames(
        &mut self,
        replica: &mut Replica,
        frames: impl IntoIterator<Item = Frame>,
        moment: &mut Moment<'_>,
    ) -> Result<(), PeerError> {
        self.require_same_store(replica)?;
        for frame in frames {
            let events = self.session.receive(frame, replica)?;
            self.heed(replica, events, moment)?;
        }
        self.flush(replica, moment)?;
        self.flush_chunks(replica, moment)?;
        self.follow_reading(replica, moment)
    }

    /// Says that a frame's type is not known here.
    pub fn refuse_unknown(&mut self) {
        self.session.refuse(Refusal::UnknownFrame, None);
    }

    fn heed(
        &mut self,
        replica: &mut Replica,
        events: Vec<Event>,
        moment: &mut Moment<'_>,
    ) -> Result<(), PeerError> {
        for event in events {
            match event {
                Event::Ingest { batches, upto } => {
                    self.waiting.extend(batches);
                    self.cursors.extend(upto);
                }
                Event::Cursors(cursors) => {
                    self.flush(replica, moment)?;
                    if let Some(store) = self.relay_store() {
                        replica.note_cursors(&store, &cursors)?;
                    }
                }
                Event::Lacking(lane) => self.note_lacking(replica, lane)?,
                Event::Compared => {
                    replica.seal_pending(moment)?;
                }
                Event::OwnLogAhead(_) => {
                    // Another session may have heard of it first.
                    if replica.incarnation() == self.session.incarnation() {
                        replica.be_reborn(moment)?;
                    }
                    self.session.end();
                    return Err(PeerError::Reborn);
                }
                Event::CaughtUp => self.note_caught_up(replica, moment)?,
                Event::Totals(totals) => {
                    self.report.announced.batches += totals.batches;
                    self.report.announced.entries += totals.entries;
                    self.report.announced.bytes += totals.bytes;
                }
                Event::Refused {
                    refusal,
                    batch: None,
                } if refusal.ends_session() => {
                    if refusal == Refusal::NotAMember {
                        replica.note_unknown();
                    }
                    return Err(PeerError::Refused(refusal));
                }
                Event::Refused {
                    refusal: Refusal::UnknownFrame,
                    batch: None,
                } => {
                    // A relay of an older version has nothing to say about erasures.
                    self.awaits_erased = false;
                }
                Event::HasErased(word) => {
                    self.awaits_erased = false;
                    replica.note_relay_erased(self.session.peer(), &word)?;
                }
                Event::Refused {
                    refusal: Refusal::NotAllowed,
                    batch: None,
                } => self.receipt_refused(replica)?,
                Event::Refused { refusal, batch } => self.note_refusal(refusal, batch),
                Event::Placed(placed) => self.reading.placed.extend(placed),
                Event::Blob(event) => self.take_blob(replica, event)?,
                Event::Receipts(receipts) => self.take_receipts(replica, &receipts)?,
                Event::Acked(_)
                | Event::AskedErased(_)
                | Event::AskedReceipts(_)
                | Event::Ended => {}
            }
        }
        Ok(())
    }

    /// Makes what has been gathered durable, and acknowledges it.
    fn flush(&mut self, replica: &mut Replica, moment: &mut Moment<'_>) -> Result<(), PeerError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let batches = std::mem::take(&mut self.waiting);
        let mut cursors = std::mem::take(&mut self.cursors);
        if !self.session.are_positions_sound() {
            cursors.clear();
        }
        let source = Source {
            relay: self.relay_store(),
        };
        let incarnation = replica.incarnation();
        let done = replica.ingest(batches, &cursors, &source, moment)?;
        self.report.tally.add(&done.tally);
        self.report.received += done.tally.received;
        self.session.stored(&done.taken);
        self.note_rejected(replica, &done.taken)?;
        if replica.incarnation() != incarnation {
            self.session.end();
            return Err(PeerError::Reborn);
        }
        if done.is_roster_changed {
            self.roster_changed = true;
            // What the roster made us say goes out with the live stream.
            replica.seal_pending(moment)?;
            self.session.lanes_changed(replica)?;
        }
        Ok(())
    }

    fn note_refusal(&mut self, refusal: Refusal, batch: Option<u64>) {
        let is_others = batch.is_some_and(|ordinal| !self.session.is_own_batch(ordinal));
        if is_others && matches!(refusal, Refusal::NotAllowed | Refusal::NotAMember) {
            self.report.turned_away += 1;
        } else {
            *self.report.refusals.entry(refusal).or_default() += 1;
        }
    }

    /// What a relay left out cannot be found by its positions: the next session compares log by log.
    fn note_rejected(&mut self, replica: &mut Replica, taken: &[Taken]) -> Result<(), PeerError> {
        let is_first = self.report.rejected.is_empty();
        for taken in taken {
            if let Taken::Refused(refusal) = taken {
                *self.report.rejected.entry(*refusal).or_default() += 1;
                self.session.doubt_positions();
            }
        }
        let is_news = is_first && !self.report.rejected.is_empty();
        if let Some(store) = self.relay_store().filter(|_| is_news) {
            replica.forget_relay(&store)?;
        }
        Ok(())
    }

    /// Everything that was asked for has come. If it is not everything that the other side had, more
    /// comes, and this is called again.
    fn note_caught_up(
        &mut self,
        replica: &mut Replica,
        moment: &mut Moment<'_>,
    ) -> Result<(), PeerError> {
        self.flush(replica, moment)?;
        if !self.session.check_pulled(replica)? {
            return Ok(());
        }
        if replica.settle_orphans(moment)? {
            replica.seal_pending(moment)?;
        }
        replica.put_sheet_away()?;
        self.caught_up = true;
        Ok(())
    }

    /// A relay has less than it had acknowledged: nothing that we noted of its store holds.
    fn note_lacking(&mut self, replica: &mut Replica, lane: LaneId) -> Result<(), PeerError> {
        let is_first = self.report.lacking.is_empty();
        self.report.lacking.insert(lane);
        if let Some(store) = self.relay_store().filter(|_| is_first) {
            replica.forget_relay(&store)?;
        }
        Ok(())
    }

    /// Another session may have made this device leave.
    fn require_same_store(&self, replica: &Replica) -> Result<(), PeerError> {
        if self.store == replica.store_id() {
            Ok(())
        } else {
            Err(PeerError::Reborn)
        }
    }

    fn relay_store(&self) -> Option<StoreId> {
        if self.session.peer_kind()? != PeerKind::Relay {
            return None;
        }
        self.session.peer_store()
    }

    /// The next frame to send, if the window allows one.
    ///
    /// # Errors
    /// The store's.
    pub fn poll_transmit(&mut self, replica: &Replica) -> Result<Option<Frame>, PeerError> {
        self.require_same_store(replica)?;
        self.ask_erased(replica)?;
        Ok(self
            .session
            .poll_transmit(replica)
            .map_err(ReplicaError::from)?)
    }

    /// Another session, or this device, changed the roster: new lanes may be ours.
    ///
    /// # Errors
    /// The store's.
    pub fn roster_changed(&mut self, replica: &Replica) -> Result<(), PeerError> {
        Ok(self.session.lanes_changed(replica)?)
    }

    /// Whether this session brought changes of the roster since it was last asked.
    pub fn take_roster_changed(&mut self) -> bool {
        std::mem::take(&mut self.roster_changed)
    }

    /// Whether both sides have everything, durably, and nothing of ours is pending.
    #[must_use]
    pub fn is_done(&self, replica: &Replica) -> bool {
        self.has_delivered(replica)
            && !self.awaits_erased
            && !self.reading.awaits_receipts
            && !self.blobs.is_busy()
            && !self.session.is_sending_blobs()
    }

    fn has_delivered(&self, replica: &Replica) -> bool {
        let Ok(last) = replica.last_arrival() else {
            return false;
        };
        self.store == replica.store_id() && self.caught_up && self.session.has_delivered(last)
    }

    /// Once the relay has heard of our erasures, it is asked for its word about them, each once.
    fn ask_erased(&mut self, replica: &Replica) -> Result<(), PeerError> {
        if self.awaits_erased || self.relay_store().is_none() || !self.has_delivered(replica) {
            return Ok(());
        }
        let mut owed = replica.erasures_owed_by(self.session.peer())?;
        owed.retain(|statement| !self.asked_erased.contains(statement));
        owed.truncate(ERASED_MAX);
        if !owed.is_empty() {
            self.awaits_erased = true;
            self.asked_erased.extend(owed.iter().copied());
            self.session.ask_erased(owed);
        }
        Ok(())
    }

    /// Once the other side has everything: remembers for the next time what a relay has, so that it is
    /// not compared again, and says how far this device has read ([`Peer::has_answers`] tells whether there
    /// is something to send then). A device that was removed erases what it has.
    ///
    /// # Errors
    /// The store's; [`PeerError::Reborn`] if the store has begun anew without its records.
    pub fn note_delivered(
        &mut self,
        replica: &mut Replica,
        moment: &mut Moment<'_>,
    ) -> Result<(), PeerError> {
        self.follow_reading(replica, moment)?;
        if !self.is_done(replica) {
            return Ok(());
        }
        // What was refused is offered again, and what was compared by positions that mean nothing too.
        let is_refused = !self.report.refusals.is_empty() || self.report.turned_away > 0;
        let is_whole = !is_refused && self.session.are_positions_sound();
        if let Some(store) = self.relay_store().filter(|_| is_whole) {
            let last: Arrival = replica.last_arrival().map_err(ReplicaError::from)?;
            replica.note_uploaded(&store, last, self.session.subscribed())?;
        }
        if replica.is_removed() && self.has_handed_over(replica) && replica.leave(moment)? {
            self.session.end();
            return Err(PeerError::Reborn);
        }
        Ok(())
    }

    /// Whether this device, which was removed, has shown all that it had to somebody who belongs, and
    /// nothing was refused that they might take another time.
    fn has_handed_over(&self, replica: &Replica) -> bool {
        let peer = self.session.peer();
        let is_one_of_us =
            self.relay_store().is_some() || replica.roster().devices().contains_key(peer);
        let mut refused = self.report.refusals.keys();
        is_one_of_us
            && self.session.has_offered_uploads(replica)
            && refused.all(|it| matches!(it, Refusal::NotAllowed | Refusal::NotAMember))
    }

    /// Whether something other than batches waits to be sent.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        self.session.queued() > 0
    }

    /// Ends the session politely.
    pub fn end(&mut self) {
        self.session.end();
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.session.is_ended()
    }

    /// The device at the other end.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        self.session.peer()
    }

    /// The incarnation under which the session began.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.session.incarnation()
    }

    /// How far the session has come.
    #[must_use]
    pub fn moved(&self) -> Moved {
        Moved {
            sent: self.session.counts().entries_sent,
            received: self.report.received,
            announced: self.report.announced.entries,
            ticks: self.reading.moved,
        }
    }

    /// What the session has done so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let counts = self.session.counts();
        Report {
            sent: counts.entries_sent,
            round_trips: counts.round_trips,
            ticks: self.reading.moved,
            ..self.report.clone()
        }
    }
}

fn parties(replica: &Replica, peer: DeviceId, peer_kind: PeerKind) -> Parties {
    Parties {
        us: replica.device(),
        kind: PeerKind::Member,
        incarnation: replica.incarnation(),
        peer,
        peer_kind,
    }
}

/// The moment at which something happened, for shells that have a clock and a generator.
#[must_use]
pub fn moment(now: Millis, rng: &mut dyn CryptoRng) -> Moment<'_> {
    Moment { now, rng }
}
