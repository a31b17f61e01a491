//! Blobs in a replica's session: asked for and offered once everything else is there.

use std::collections::BTreeSet;

use crate::blob::{BlobId, BlobList, BlobName};
use crate::id::StoreId;
use crate::peer::{Peer, PeerError};
use crate::replica::{ChunkIn, ChunkTaken, Moment, Offer, Replica};
use crate::session::blobs::{BLOBS_OPEN_MAX, BlobEvent};
use crate::store::BlobRow;
use crate::wire::blobs::{BlobTip, HaveBlobs};
use crate::wire::{PeerKind, Refusal};

/// What a session remembers of blobs.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    /// The other side was asked what it holds, or has nothing that we have not heard of.
    has_asked: bool,
    awaits_have: bool,
    /// Asked for, and on their way.
    wanting: BTreeSet<BlobName>,
    /// Offered, and not yet taken as a whole.
    offering: Option<BlobName>,
    /// Not asked for or offered again in this session.
    refused: BTreeSet<BlobId>,
    /// Chunks gathered for one transaction.
    chunks: Vec<(BlobName, ChunkIn)>,
    /// For what was looked last.
    looked_at: Option<(u64, u64)>,
    is_due: bool,
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
                if self.blobs.wanting.contains(&name) {
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
        self.blobs.is_due = true;
    }

    fn take_have(&mut self, replica: &mut Replica, have: &HaveBlobs) -> Result<(), PeerError> {
        let Some(tip) = self.session.blobs_there() else {
            return Ok(());
        };
        replica.note_have(&tip.store, have)?;
        self.blobs.is_due = true;
        if std::mem::take(&mut self.blobs.awaits_have) && !have.rows.is_empty() {
            let is_more = |upto: u64| upto < tip.number;
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
        if !self.blobs.wanting.contains(&name) || !replica.take_list(list)? {
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
        let taken = replica.take_chunks(&chunks, moment.now)?;
        for (name, taken) in names.into_iter().zip(taken) {
            match taken {
                ChunkTaken::Part => {}
                ChunkTaken::Whole => {
                    self.session.blob_stored(name);
                    self.let_go(&name);
                }
                ChunkTaken::Bad if self.blobs.wanting.contains(&name) => self.give_up(name),
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
            let lanes = self.session.subscribed().iter().copied();
            let unheard = replica.blobs_unheard(tip, lanes)?;
            if !unheard.is_empty() {
                self.blobs.awaits_have = true;
                self.session.ask_blobs(unheard);
            }
        }
        let news = replica.blob_news();
        let is_new = self.blobs.looked_at.replace(news) != Some(news);
        if !self.blobs.awaits_have && (std::mem::take(&mut self.blobs.is_due) || is_new) {
            self.want_blobs(replica, tip)?;
            self.offer_blob(replica, tip)?;
        }
        Ok(())
    }

    fn want_blobs(&mut self, replica: &Replica, tip: BlobTip) -> Result<(), PeerError> {
        let room = BLOBS_OPEN_MAX.saturating_sub(self.blobs.wanting.len());
        let open: BTreeSet<BlobId> = self.blobs.wanting.iter().map(|name| name.id).collect();
        let wanted = replica.wanted_of(&tip.store, room, |row: &BlobRow| {
            let is_idle = !open.contains(&row.id) && !self.blobs.refused.contains(&row.id);
            is_idle && self.session.shares(&row.lane)
        })?;
        for (name, from, has_list) in wanted {
            self.blobs.wanting.insert(name);
            self.session.want_blob(name, from, has_list);
        }
        Ok(())
    }

    /// A member's device asks by itself; a relay takes what it is offered.
    fn offer_blob(&mut self, replica: &Replica, tip: BlobTip) -> Result<(), PeerError> {
        if self.blobs.offering.is_some() || self.session.peer_kind() != Some(PeerKind::Relay) {
            return Ok(());
        }
        let offer = replica.offer_for(&tip.store, |row: &BlobRow| {
            !self.blobs.refused.contains(&row.id) && self.session.shares(&row.lane)
        })?;
        match offer {
            Offer::This(name, list) => {
                self.blobs.offering = Some(name);
                self.session.offer_blob(name, &list);
            }
            Offer::Later => self.blobs.is_due = true,
            Offer::Nothing => {}
        }
        Ok(())
    }
}
