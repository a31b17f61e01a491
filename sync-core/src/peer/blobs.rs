//! Blobs in a replica's session: asked for and offered once everything else is there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::blob::{BlobId, BlobList, BlobName};
use crate::id::{LaneId, StoreId};
use crate::peer::{Peer, PeerError};
use crate::replica::{BlobNews, ChunkIn, ChunkTaken, Holder, Moment, Offer, Replica};
use crate::session::blobs::{BLOBS_OPEN_MAX, BlobEvent};
use crate::store::BlobRow;
use crate::wire::blobs::{BLOBS_MAX, BlobTip, HaveBlobs};
use crate::wire::{PeerKind, Refusal};

/// What a session remembers of blobs.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    /// The other side was asked what it holds, or has nothing that we have not heard of.
    has_asked: bool,
    awaits_have: bool,
    /// Here the other side named blobs of records that could not be read yet, and what news there was then.
    unread: BTreeSet<LaneId>,
    unread_since: Option<BlobNews>,
    /// To be asked for, one after the other.
    to_want: Looked,
    /// To be offered, one after the other.
    to_offer: Looked,
    /// To be offered once something more is sealed than there was.
    unsealed: Vec<BlobId>,
    sealed: u64,
    /// Asked for, and on their way, with the bytes that were still to come.
    wanting: BTreeMap<BlobName, u64>,
    /// Offered, and not yet taken as a whole.
    offering: Option<BlobName>,
    /// Not asked for or offered again in this session.
    refused: BTreeSet<BlobId>,
    /// Chunks gathered for one transaction.
    chunks: Vec<(BlobName, ChunkIn)>,
    /// For what was looked last.
    looked_at: Option<BlobNews>,
}

/// What was looked for in the store, as far as it is not used up. The store has no order for it, so it is
/// looked for once, and not again for each.
#[derive(Debug, Default)]
struct Looked {
    ids: VecDeque<BlobId>,
    is_due: bool,
}

impl Looked {
    /// It is looked for again.
    fn anew() -> Self {
        Self {
            ids: VecDeque::new(),
            is_due: true,
        }
    }

    fn next<E>(
        &mut self,
        look: impl FnOnce() -> Result<VecDeque<BlobId>, E>,
    ) -> Result<Option<BlobId>, E> {
        if std::mem::take(&mut self.is_due) {
            self.ids = look()?;
        }
        Ok(self.ids.pop_front())
    }
}

impl Blobs {
    /// Whether something about blobs is still to come.
    pub(super) fn is_busy(&self) -> bool {
        self.awaits_have || !self.wanting.is_empty() || self.offering.is_some()
    }
}

impl std::fmt::Debug for ChunkIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChunkIn({} {})", self.id.short(), self.index)
    }
}

impl Peer {
    pub(super) fn take_blob(
        &mut self,
        replica: &mut Replica,
        event: BlobEvent,
    ) -> Result<(), PeerError> {
        match event {
            BlobEvent::Asked(lanes) => {
                let have = replica.blobs_after(&lanes)?;
                self.session.tell_blobs(have);
            }
            BlobEvent::Have(have) => self.take_have(replica, &have)?,
            BlobEvent::List(name, list) => self.take_list(replica, name, &list)?,
            BlobEvent::Chunk { name, index, bytes } => {
                let id = name.id;
                if self.blobs.wanting.contains_key(&name) {
                    let chunk = ChunkIn { id, index, bytes };
                    self.blobs.chunks.push((name, chunk));
                }
            }
            BlobEvent::Stored(name) => {
                if let Some(store) = self.blob_store() {
                    replica.note_held_by(&store, &name.id)?;
                }
                self.let_go(&name);
            }
            BlobEvent::Refused(name, refusal) => {
                let is_wanted = self.blobs.wanting.contains_key(&name);
                if let Some(store) = self.blob_store()
                    && is_wanted
                    && refusal == Refusal::Gap
                {
                    replica.note_not_held_by(&store, &name.id)?;
                }
                self.blobs.refused.insert(name.id);
                self.let_go(&name);
                if matches!(refusal, Refusal::OverQuota | Refusal::StoreFull) {
                    self.report.blobs_refused += 1;
                }
            }
        }
        Ok(())
    }

    fn blob_store(&self) -> Option<StoreId> {
        self.session.blobs_there().map(|tip| tip.store)
    }

    fn let_go(&mut self, name: &BlobName) {
        self.blobs.wanting.remove(name);
        self.blobs.offering.take_if(|offered| offered == name);
    }

    fn take_have(&mut self, replica: &mut Replica, have: &HaveBlobs) -> Result<(), PeerError> {
        let Some(tip) = self.session.blobs_there() else {
            return Ok(());
        };
        let unread = replica.note_have(&tip.store, have)?;
        if !unread.is_empty() {
            let news = replica.blob_news();
            self.blobs.unread_since.get_or_insert(news);
            self.blobs.unread.extend(unread);
        }
        self.blobs.to_want = Looked::anew();
        // What is told without being asked for answers nothing.
        let is_answer = !have.lanes.is_empty();
        if is_answer && std::mem::take(&mut self.blobs.awaits_have) && !have.rows.is_empty() {
            let is_full = have.rows.len() >= BLOBS_MAX;
            let is_more = |upto: u64| is_full || upto < tip.number;
            let more = have.lanes.iter().filter(|(_, _, upto)| is_more(*upto));
            let more: Vec<_> = more
                .filter(|(_, after, upto)| upto > after)
                .map(|(lane, _, upto)| (*lane, *upto))
                .collect();
            if !more.is_empty() {
                self.blobs.awaits_have = true;
                self.session.ask_blobs(more);
            }
        }
        Ok(())
    }

    fn take_list(
        &mut self,
        replica: &mut Replica,
        name: BlobName,
        list: &BlobList,
    ) -> Result<(), PeerError> {
        if !self.blobs.wanting.contains_key(&name) || !replica.take_list(list)? {
            self.give_up(name);
        }
        Ok(())
    }

    fn give_up(&mut self, name: BlobName) {
        self.session.refuse_blob(name, Refusal::NotAllowed);
        self.blobs.refused.insert(name.id);
        self.let_go(&name);
    }

    /// Makes chunks durable that have come, and says which blobs are here as a whole.
    pub(super) fn flush_chunks(
        &mut self,
        replica: &mut Replica,
        moment: &Moment<'_>,
    ) -> Result<(), PeerError> {
        if self.blobs.chunks.is_empty() {
            return Ok(());
        }
        let (names, chunks): (Vec<BlobName>, Vec<ChunkIn>) =
            std::mem::take(&mut self.blobs.chunks).into_iter().unzip();
        let before = replica.blob_news();
        let taken = replica.take_chunks(&chunks, moment.now)?;
        if self.blobs.looked_at == Some(before) {
            // What the other side gave us is no news for it.
            self.blobs.looked_at = Some(replica.blob_news());
        }
        for (name, taken) in names.into_iter().zip(taken) {
            match taken {
                ChunkTaken::Part => {}
                ChunkTaken::Whole => {
                    self.session.blob_stored(name);
                    self.let_go(&name);
                }
                ChunkTaken::Bad if self.blobs.wanting.contains_key(&name) => self.give_up(name),
                ChunkTaken::Bad => {}
            }
        }
        Ok(())
    }

    /// Asks for what is wanted and offers what the other side lacks, once both have all batches.
    pub(super) fn follow_blobs(&mut self, replica: &mut Replica) -> Result<(), PeerError> {
        let is_over = self.session.is_ended() || replica.is_removed();
        let Some(tip) = self.session.blobs_there().filter(|_| !is_over) else {
            return Ok(());
        };
        if !self.has_delivered(replica) {
            return Ok(());
        }
        if !std::mem::replace(&mut self.blobs.has_asked, true) {
            replica.note_blob_holder(&Holder {
                store: tip.store,
                device: *self.session.peer(),
                is_relay: self.session.peer_kind() == Some(PeerKind::Relay),
            })?;
            let lanes = self.session.subscribed().iter().copied();
            let unheard = replica.blobs_unheard(tip, lanes)?;
            if !unheard.is_empty() {
                self.blobs.awaits_have = true;
                self.session.ask_blobs(unheard);
            }
        }
        let news = replica.blob_news();
        if self.blobs.looked_at.replace(news) != Some(news) {
            self.blobs.to_want = Looked::anew();
            self.blobs.to_offer = Looked::anew();
            self.blobs.unsealed.clear();
        }
        let sealed = replica.sealed_count();
        if std::mem::replace(&mut self.blobs.sealed, sealed) != sealed {
            let unsealed = self.blobs.unsealed.drain(..);
            self.blobs.to_offer.ids.extend(unsealed);
        }
        let is_read = self.blobs.unread_since.is_some_and(|since| since != news);
        if is_read && !self.blobs.awaits_have {
            // Some of their records can be read now.
            let unread = std::mem::take(&mut self.blobs.unread);
            self.blobs.unread_since = None;
            self.blobs.awaits_have = true;
            self.session
                .ask_blobs(replica.blobs_heard(&tip.store, unread)?);
        }
        if !self.blobs.awaits_have {
            self.want_blobs(replica, tip)?;
            self.offer_blob(replica, tip)?;
        }
        Ok(())
    }

    fn want_blobs(&mut self, replica: &mut Replica, tip: BlobTip) -> Result<(), PeerError> {
        let Self { session, blobs, .. } = self;
        while blobs.wanting.len() < BLOBS_OPEN_MAX {
            let open: BTreeSet<BlobId> = blobs.wanting.keys().map(|name| name.id).collect();
            let refused = &blobs.refused;
            let is_idle = |row: &BlobRow| !open.contains(&row.id) && !refused.contains(&row.id);
            let found = blobs.to_want.next(|| {
                let is_open = |row: &BlobRow| is_idle(row) && session.shares(&row.lane);
                replica.wanted_of(&tip.store, is_open)
            })?;
            let Some(id) = found else {
                return Ok(());
            };
            let coming = blobs.wanting.values().sum();
            let has_room = replica.has_room_for(&id, coming)?;
            let wanted = replica.want_of(&id)?.filter(|_| has_room);
            if let Some(wanted) = wanted.filter(|_| !open.contains(&id)) {
                blobs.wanting.insert(wanted.name, wanted.rest);
                session.want_blob(wanted.name, wanted.from, wanted.has_list);
            }
        }
        Ok(())
    }

    /// A member's device asks by itself; a relay takes what it is offered.
    fn offer_blob(&mut self, replica: &Replica, tip: BlobTip) -> Result<(), PeerError> {
        let Self { session, blobs, .. } = self;
        if session.peer_kind() != Some(PeerKind::Relay) {
            return Ok(());
        }
        while blobs.offering.is_none() {
            let refused = &blobs.refused;
            let found = blobs.to_offer.next(|| {
                let is_open =
                    |row: &BlobRow| !refused.contains(&row.id) && session.shares(&row.lane);
                replica.offered_to(&tip.store, is_open)
            })?;
            let Some(id) = found else {
                return Ok(());
            };
            match replica.offer_of(&id)? {
                Offer::This(name, list) if !refused.contains(&id) => {
                    blobs.offering = Some(name);
                    session.offer_blob(name, &list);
                }
                Offer::Later => blobs.unsealed.push(id),
                Offer::This(..) | Offer::Nothing => {}
            }
        }
        Ok(())
    }
}
