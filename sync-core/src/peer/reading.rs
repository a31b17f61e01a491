//! How far a session with a relay has been read, by this device and, as the relay hands on, by others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::id::{Arrival, Millis, StoreId};
use crate::peer::{Peer, PeerError};
use crate::receipt::{RECEIPT_PAUSE_MILLIS, RECEIPT_RENEW_MILLIS};
use crate::replica::{Moment, Placing, Replica, ReplicaError, SOMEWHERE};
use crate::session::carrier::Carrier as _;
use crate::wire::receipts::Receipts;

/// What a session remembers of it.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// Something that had come could not be stored: how far has been read is not known.
    pub(super) has_failed: bool,
    /// Where batches of ours lie, not noted yet.
    pub(super) placed: Vec<(Arrival, u64)>,
    /// The relay still has to answer which receipts it has.
    pub(super) awaits_receipts: bool,
    /// Receipts that were news, and batches that were placed.
    pub(super) moved: u64,
    /// How far this device had read each relay's store when the session began.
    before: BTreeMap<StoreId, u64>,
    /// The relay's hello has been looked at.
    has_begun: bool,
    /// The relay was asked for receipts, or has no others than we have.
    has_asked: bool,
    /// Up to which position this session has sent our receipt.
    told: u64,
    /// When our receipt was sent last.
    signed_at: Option<Millis>,
    /// What was noted last: up to which arrival, and which position.
    noted: Option<(Arrival, u64)>,
    /// When that was.
    noted_at: Millis,
    /// How long after the last look there is something to sign.
    due_in: Option<Duration>,
}

impl Following {
    pub(super) fn since(replica: &Replica) -> Result<Self, ReplicaError> {
        Ok(Self {
            before: replica.own_readings()?,
            ..Self::default()
        })
    }
}

impl Peer {
    /// Notes and signs what this device has read, once both sides have everything; asks for the receipts
    /// of others. To be called now and then while a session is live: what was signed a moment ago is
    /// signed again only after a pause.
    ///
    /// # Errors
    /// The store's.
    pub fn follow_reading(
        &mut self,
        replica: &mut Replica,
        moment: &Moment<'_>,
    ) -> Result<(), PeerError> {
        self.reading.due_in = None;
        self.follow_blobs(replica)?;
        let is_over = self.reading.has_failed || self.session.is_ended();
        let Some(store) = self.relay_store().filter(|_| !is_over) else {
            return Ok(());
        };
        self.begin_reading(replica, &store)?;
        let placed = std::mem::take(&mut self.reading.placed);
        if self.session.are_positions_sound() {
            self.reading.moved += placed.len() as u64;
            replica.note_placed(&store, &placed)?;
        }
        if !self.has_delivered(replica) {
            return Ok(());
        }
        self.ask_receipts(replica, &store)?;
        self.note_read(replica, &store, moment)
    }

    /// How long after the last [`Peer::follow_reading`] it has something to do, if nothing comes meanwhile.
    #[must_use]
    pub fn reading_due_in(&self) -> Option<Duration> {
        self.reading.due_in
    }

    /// A relay that was set back has less than this device had read of it: it uses positions again.
    fn begin_reading(&mut self, replica: &mut Replica, store: &StoreId) -> Result<(), PeerError> {
        let Some(tip) = self.session.tip_there() else {
            return Ok(());
        };
        if std::mem::replace(&mut self.reading.has_begun, true) {
            return Ok(());
        }
        let before = self.reading.before.get(store);
        if before.is_some_and(|before| *before > tip) {
            replica.forget_readings(store)?;
        }
        Ok(())
    }

    fn ask_receipts(&mut self, replica: &mut Replica, store: &StoreId) -> Result<(), PeerError> {
        let Some(newest) = self.session.receipts_there() else {
            return Ok(());
        };
        if std::mem::replace(&mut self.reading.has_asked, true) {
            return Ok(());
        }
        let mut known = replica.receipts_read(store)?;
        if known > newest {
            // It counts anew, or those that had the last numbers are gone.
            replica.forget_receipt_numbers(store)?;
            known = 0;
        }
        if known < newest {
            self.reading.awaits_receipts = true;
            self.session.ask_receipts(known);
        }
        Ok(())
    }

    pub(super) fn take_receipts(
        &mut self,
        replica: &mut Replica,
        receipts: &Receipts,
    ) -> Result<(), PeerError> {
        let Some(store) = self.relay_store().filter(|it| *it == receipts.store) else {
            return Ok(());
        };
        let before = replica.receipts_read(&store)?;
        if replica.take_receipts(receipts)? {
            self.reading.moved += 1;
        }
        let known = replica.receipts_read(&store)?;
        let newest = self.session.receipts_there().unwrap_or_default();
        if self.reading.awaits_receipts && receipts.after <= before {
            // A relay that gets nowhere is not asked again.
            self.reading.awaits_receipts = known < newest && known > before;
            if self.reading.awaits_receipts {
                self.session.ask_receipts(known);
            }
        }
        Ok(())
    }

    /// The relay does not know the position that it had told: it was set back, and nothing that is noted
    /// of its positions holds.
    pub(super) fn receipt_refused(&mut self, replica: &mut Replica) -> Result<(), PeerError> {
        if let Some(store) = self.relay_store() {
            replica.forget_readings(&store)?;
        }
        Ok(())
    }

    fn note_read(
        &mut self,
        replica: &mut Replica,
        store: &StoreId,
        moment: &Moment<'_>,
    ) -> Result<(), PeerError> {
        if !self.session.are_positions_sound() || !self.report.rejected.is_empty() {
            return Ok(());
        }
        let nothing = BTreeSet::new();
        let placing = match self.session.read_upto() {
            Some(position) => Placing {
                store,
                lanes: self.session.subscribed(),
                upto: self.session.began_after(),
                position,
                but: self.session.unsure(),
                told: self.session.read_there().max(self.reading.told),
            },
            // An older relay does not say where anything lies.
            None if !self.session.knows_receipts() => Placing {
                store,
                lanes: self.session.subscribed(),
                upto: replica.last_arrival().map_err(ReplicaError::from)?,
                position: SOMEWHERE,
                but: &nothing,
                told: 0,
            },
            None => return Ok(()),
        };
        let noted = (placing.upto, placing.position);
        let placing_position = placing.position;
        let left = |since: Millis, pause: u64| {
            let passed = moment.now.0.saturating_sub(since.0);
            // A clock that was set back must not keep it waiting.
            u64::try_from(passed).map_or(0, |passed| pause.saturating_sub(passed))
        };
        let signed_at = self.reading.signed_at;
        let pause = signed_at.map_or(0, |at| left(at, RECEIPT_PAUSE_MILLIS));
        let may_sign = pause == 0;
        let renewal = left(self.reading.noted_at, RECEIPT_RENEW_MILLIS);
        if self.reading.noted == Some(noted) && renewal > 0 {
            self.reading.due_in = Some(Duration::from_millis(renewal));
            return Ok(());
        }
        if self.reading.noted.is_some() && !may_sign {
            self.reading.due_in = Some(Duration::from_millis(pause));
            return Ok(());
        }
        if let Some(own) = replica.note_read(&placing, may_sign, moment)? {
            self.reading.told = placing_position;
            self.session.tell_receipts(own);
            self.reading.signed_at = Some(moment.now);
        }
        self.reading.noted = Some(noted);
        self.reading.noted_at = moment.now;
        self.reading.due_in = Some(Duration::from_millis(RECEIPT_RENEW_MILLIS));
        Ok(())
    }
}
