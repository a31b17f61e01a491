//! What a replica keeps in memory; all of it can be read again from the store.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use minicbor::bytes::ByteVec;

use crate::entry::place::Link;
use crate::entry::{Body, VerifiedBatch};
use crate::epoch::{EpochKey, Keyring};
use crate::id::{
    ActorId, Arrival, ChainHash, CommunityId, DeviceId, EpochId, Incarnation, InviteId, LaneId,
    LogId, Seq, StoreId,
};
use crate::keys::{DeviceKeys, Secret, Signer};
use crate::replica::Hold;
use crate::replica::leave::Farewell;
use crate::replica::merge::DocCache;
use crate::replica::refs::LogTable;
use crate::roster::book::Book;
use crate::roster::follow::News;
use crate::roster::follow::change::Change;
use crate::roster::role::{Role, Scope};
use crate::roster::ticket::RelayAddr;
use crate::roster::{Roster, Said, commons, roster_lane};
use crate::schema::Schema;
use crate::store::{EntryRef, PendingRow, StoreError, StoreRead, StoreTx};
use crate::view::twins::Twins;

/// Bytes of a lane that are read at once.
pub(super) const LANE_STEP_BYTES: usize = 1 << 20;

/// Names of values in the store.
pub(super) mod meta {
    pub(crate) const COMMUNITY: &str = "community";
    pub(crate) const INCARNATION: &str = "incarnation";
    pub(crate) const STORE: &str = "store";
    pub(crate) const KEYRING: &str = "keyring";
    pub(crate) const RELAYS: &str = "relays";
    pub(crate) const TICKET: &str = "ticket";
    pub(crate) const NAME: &str = "name";
    pub(crate) const LOG_TABLE: &str = "log-table";
    pub(crate) const ORPHANS: &str = "orphans";
    pub(crate) const RELAYS_ERASED: &str = "relays-erased";
    pub(crate) const ERASING: &str = "erasing";
    pub(crate) const FAREWELL: &str = "farewell";
    pub(crate) const ACKNOWLEDGED: &str = "acknowledged";
    pub(crate) const VIEW: &str = "view";
    pub(crate) const READINGS: &str = "readings";
    pub(crate) const BUNDLES: &str = "bundles";
    /// With the id of a device behind it.
    pub(crate) const BUNDLE_WORD: &str = "bundle-word/";
    pub(crate) const MEETINGS: &str = "meetings";
    pub(crate) const BLOBS_NEWEST: &str = "blobs-newest";
    /// With the id of another store behind it.
    pub(crate) const BLOBS_HEARD: &str = "blobs-heard/";
    /// With the id of another store behind it.
    pub(crate) const BLOBS_HOLDER: &str = "blobs-holder/";
}

/// What is kept of a ticket after joining with it.
#[derive(Debug, Clone, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub(super) struct HeldTicket {
    #[n(0)]
    pub(super) secret: minicbor::bytes::ByteArray<16>,
    #[n(1)]
    pub(super) scope: Scope,
    /// Our first batch of the roster lane, as a hello carries it.
    #[n(2)]
    pub(super) join: ByteVec,
    /// Instead of the secret: what a recovery sheet opens.
    #[n(3)]
    pub(super) sheet: Option<HeldSheet>,
}

/// What opens the keys that are sealed to a recovery sheet, until this device has copies of its own.
/// What signs for the sheet is not kept: whoever steals the device must not have the sheet too.
#[derive(Debug, Clone, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub(super) struct HeldSheet {
    #[n(0)]
    pub(super) id: InviteId,
    #[n(1)]
    pub(super) opener: minicbor::bytes::ByteArray<32>,
}

impl HeldSheet {
    pub(super) fn new(sheet: &DeviceKeys) -> Self {
        let (_, sealing) = sheet.to_secrets();
        Self {
            id: sheet.invite(),
            opener: (*sealing.expose()).into(),
        }
    }

    /// Keys that open and cannot sign.
    fn keys(&self) -> DeviceKeys {
        let nobody = Secret::new([0; 32]);
        DeviceKeys::from_secrets(&nobody, Secret::new(*self.opener))
    }
}

#[derive(Debug)]
pub(super) struct Mind {
    pub(super) community: CommunityId,
    pub(super) roster_lane: LaneId,
    pub(super) commons: LaneId,
    pub(super) us: DeviceId,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) incarnation: Incarnation,
    pub(super) store_id: StoreId,
    pub(super) relays: Vec<RelayAddr>,
    pub(super) ticket: Option<HeldTicket>,
    /// How far this device, if it was removed, has come in leaving.
    pub(super) farewell: Option<Farewell>,
    pub(super) book: Book,
    pub(super) roster: Roster,
    /// The batches of logs of spaces that prove cut-offs and verdicts.
    pub(super) proofs: Vec<(LogId, ChainHash)>,
    /// Where those of them end that we have, on the branch that counts.
    pub(super) reach: HashMap<ChainHash, Seq>,
    pub(super) keyring: Keyring,
    pub(super) actors: HashMap<ActorId, DeviceId>,
    pub(super) logs: LogTable,
    pub(super) docs: DocCache,
    /// Rises whenever blobs may be wanted or offered that were not before.
    pub(super) blob_news: u64,
    /// The bytes of all blobs that are here, once they have been counted.
    pub(super) blob_bytes: Option<u64>,
    /// The station's, with what is settled and can be opened.
    pub(super) schema: Arc<Schema>,
    /// Something may be settled otherwise than when the schema was laid.
    pub(super) has_new_settings: bool,
    /// How many keys were there then.
    pub(super) keys_laid_with: usize,
    /// Records that may be one, once somebody has asked for them.
    pub(super) twins: OnceLock<Twins>,
}

impl Mind {
    pub(super) fn load(
        store: &dyn StoreRead,
        signer: Arc<dyn Signer>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(community) = read_id::<CommunityId>(store, meta::COMMUNITY)? else {
            return Ok(None);
        };
        let incarnation = read_id::<Incarnation>(store, meta::INCARNATION)?;
        let store_id = read_id::<StoreId>(store, meta::STORE)?;
        let mut mind = Self {
            community,
            roster_lane: roster_lane(&community),
            commons: commons(&community),
            us: signer.device(),
            signer,
            incarnation: incarnation.ok_or_else(|| damaged(meta::INCARNATION))?,
            store_id: store_id.ok_or_else(|| damaged(meta::STORE))?,
            relays: read_cbor(store, meta::RELAYS)?.unwrap_or_default(),
            ticket: read_cbor(store, meta::TICKET)?,
            farewell: Farewell::read(store)?,
            book: Book::default(),
            roster: Roster::empty(community),
            proofs: Vec::new(),
            reach: HashMap::new(),
            keyring: Keyring::default(),
            actors: HashMap::new(),
            logs: LogTable::load(store.meta(meta::LOG_TABLE)?.as_deref()),
            docs: DocCache::default(),
            blob_news: 0,
            blob_bytes: None,
            schema: Arc::new(Schema::station().clone()),
            has_new_settings: true,
            keys_laid_with: 0,
            twins: OnceLock::new(),
        };
        mind.load_keys(store)?;
        mind.load_roster(store)?;
        mind.lay_schema();
        for log in store.logs()? {
            mind.know_log(&log);
        }
        mind.know_log(&mind.own_log(mind.roster_lane));
        Ok(Some(mind))
    }

    fn load_keys(&mut self, store: &dyn StoreRead) -> Result<(), StoreError> {
        let bytes = store.meta(meta::KEYRING)?.unwrap_or_default();
        let (keys, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(damaged(meta::KEYRING));
        }
        for key in keys {
            self.keyring
                .insert(EpochKey::from_secret(Secret::new(*key)));
        }
        Ok(())
    }

    pub(super) fn save_keys(&self, tx: &mut dyn StoreTx) -> Result<(), StoreError> {
        let bytes: Vec<u8> = self
            .keyring
            .iter()
            .flat_map(|key| key.secret().expose().iter().copied())
            .collect();
        tx.put_meta(meta::KEYRING, &bytes)
    }

    /// Statements of the store's own batches were proved when they came in; where one was held, the
    /// proof is made again: on another branch of its log a good one may stand at the same position.
    fn load_roster(&mut self, store: &dyn StoreRead) -> Result<(), StoreError> {
        let held: BTreeSet<EntryRef> = store
            .held()?
            .into_iter()
            .filter(|held| held.entry.log.lane == self.roster_lane)
            .map(|held| held.entry)
            .collect();
        each_in_lane(store, &self.roster_lane, |batch| {
            let (log, link) = (*batch.log(), Link::of(batch));
            self.book.link(&link);
            for entry in batch.entries() {
                let Body::Present(bytes) = entry.body else {
                    continue;
                };
                let seq = entry.seq;
                let said = if held.contains(&EntryRef { log, seq }) {
                    Said::read(&self.community, log.device, entry.kind, bytes)
                } else {
                    Said::read_again(&self.community, log.device, entry.kind, bytes)
                };
                if let Some(said) = said {
                    self.book.add_carried(said, &link);
                }
            }
        })?;
        for row in store.pending()? {
            self.hear_pending(&row);
        }
        self.roster = Roster::evaluate(&self.community, &self.book);
        self.list_proofs();
        self.find_ends(store)
    }

    /// Takes a statement of ours that is not sealed yet.
    pub(super) fn hear_pending(&mut self, row: &PendingRow) -> Option<Said> {
        if row.lane != self.roster_lane {
            return None;
        }
        let said = Said::read_again(&self.community, self.us, row.kind, &row.bytes)?;
        self.book.add(said.clone());
        Some(said)
    }

    /// The roster follows what has come into the book.
    pub(super) fn follow_news(&mut self, news: &News) -> Change {
        let change = self.roster.follow(&self.book, news);
        if change.is_of_rights() {
            self.list_proofs();
        }
        self.has_new_settings |= change.is_of_settings();
        change
    }

    fn list_proofs(&mut self) {
        let proofs = self.roster.proofs().map(|(log, chain)| (*log, *chain));
        let roster_lane = self.roster_lane;
        self.proofs = proofs.filter(|(log, _)| log.lane != roster_lane).collect();
    }

    /// Finds which cut-offs of logs of spaces are proved by what we have: the batch that a cut-off
    /// names is on the branch that counts, and so is all before it.
    pub(super) fn find_ends(
        &mut self,
        store: &(impl StoreRead + ?Sized),
    ) -> Result<(), StoreError> {
        let mut reach = HashMap::new();
        for (log, chain) in &self.proofs {
            if let Some(end) = store.ending_with(log, chain)? {
                reach.insert(*chain, end);
            }
        }
        self.reach = reach;
        Ok(())
    }

    /// The role that an entry counts by: one that its author has, or had when they signed it.
    pub(super) fn role_of_entry(&self, entry: &EntryRef) -> Option<Role> {
        let ends_at = |chain: &ChainHash| self.reach.get(chain).copied();
        self.roster.role_of_entry(&entry.log, entry.seq, ends_at)
    }

    /// Why an entry does not count whose author was cut off.
    pub(super) fn hold_of_cut_off(&self, entry: &EntryRef) -> Hold {
        let ends_at = |chain: &ChainHash| self.reach.get(chain).copied();
        let verdict = self.roster.verdict_on(&entry.log, entry.seq, ends_at);
        match verdict {
            Some(verdict) if verdict.is_final => Hold::Discarded,
            Some(_) | None => Hold::CutOff,
        }
    }

    pub(super) fn own_log(&self, lane: LaneId) -> LogId {
        LogId {
            lane,
            device: self.us,
            incarnation: self.incarnation,
        }
    }

    pub(super) fn actor(&self) -> ActorId {
        ActorId::derive(&self.us, &self.incarnation)
    }

    pub(super) fn know_log(&mut self, log: &LogId) {
        self.actors.insert(log.actor(), log.device);
    }

    /// The device behind an actor; every actor in a document signed an entry that we have.
    pub(super) fn device_of(&self, actor: &ActorId) -> DeviceId {
        self.actors.get(actor).copied().unwrap_or(DeviceId::ZERO)
    }

    /// A member's name by one of their devices; the device's short id until the name can be read.
    pub(super) fn name_of(&self, device: &DeviceId) -> String {
        let member = self.roster.member_id(device);
        member
            .and_then(|id| self.roster.members().get(&id))
            .and_then(|member| self.open_text(member.name.as_ref()?))
            .unwrap_or_else(|| device.short())
    }

    /// Our invitation and the keys that open what is sealed to it, as long as we may need that.
    pub(super) fn invite_keys(&self) -> Option<(InviteId, DeviceKeys)> {
        let ticket = self.ticket.as_ref()?;
        if let Some(sheet) = &ticket.sheet {
            return Some((sheet.id, sheet.keys()));
        }
        let keys = DeviceKeys::derive_for_invite(&ticket.secret);
        Some((keys.invite(), keys))
    }

    /// Whether this device belonged and was removed. One that has left does not come back: its keys
    /// are gone.
    pub(super) fn is_removed(&self) -> bool {
        let is_in = self.roster.devices().contains_key(&self.us);
        self.farewell.is_some() || (!is_in && self.roster.knows(&self.us))
    }

    /// The lanes that this device has: by the roster, or, before that is there, by its ticket.
    pub(super) fn own_lanes(&self) -> BTreeSet<LaneId> {
        if self.farewell.is_some() {
            return BTreeSet::from([self.roster_lane]);
        }
        let lanes = self.roster.lanes_of(&self.us);
        if !lanes.is_empty() {
            return lanes;
        }
        let mut lanes = BTreeSet::from([self.roster_lane, self.commons]);
        if let Some(HeldTicket {
            scope: Scope::Space(space),
            ..
        }) = &self.ticket
        {
            lanes.insert(*space);
        }
        lanes
    }

    /// Keys of a space that we hold, the one to write with last.
    ///
    /// Only epochs that nobody holds who may not read now; the deepest, then the greatest id.
    pub(super) fn key_to_write(&self, space: &LaneId) -> Option<&EpochKey> {
        let usable = if self.is_removed() {
            self.roster.last_epochs(space, &self.us)
        } else {
            self.roster.usable_epochs(space)
        };
        let mut epochs: Vec<(usize, EpochId)> = usable
            .into_iter()
            .filter(|id| self.keyring.key(id).is_some())
            .map(|id| (self.roster.epoch_depth(space, &id), id))
            .collect();
        epochs.sort_unstable();
        epochs.last().and_then(|(_, id)| self.keyring.key(id))
    }
}

/// Goes through the batches of a lane in the order in which they came, branches too.
pub(super) fn each_in_lane(
    store: &dyn StoreRead,
    lane: &LaneId,
    mut visit: impl FnMut(&VerifiedBatch),
) -> Result<(), StoreError> {
    let last = store.last_arrival()?;
    let mut after = Arrival::default();
    loop {
        let batches = store.stretch(lane, after, last, LANE_STEP_BYTES)?;
        let Some(newest) = batches.last() else {
            return Ok(());
        };
        after = newest.arrival;
        batches.iter().for_each(|carried| visit(&carried.batch));
    }
}

/// The next position of our log in a lane, after what is sealed and what is pending.
pub(super) fn next_seq(tx: &dyn StoreTx, log: &LogId) -> Result<Seq, StoreError> {
    let pending = tx.last_pending(&log.lane)?.unwrap_or(Seq(0));
    Ok(tx.head(log)?.seq.max(pending).plus(1))
}

fn read_id<T: for<'b> TryFrom<&'b [u8]>>(
    store: &dyn StoreRead,
    key: &'static str,
) -> Result<Option<T>, StoreError> {
    store
        .meta(key)?
        .map(|bytes| T::try_from(bytes.as_slice()).map_err(|_| damaged(key)))
        .transpose()
}

pub(super) fn read_cbor<T: for<'b> minicbor::Decode<'b, ()>>(
    store: &(impl StoreRead + ?Sized),
    key: &'static str,
) -> Result<Option<T>, StoreError> {
    store
        .meta(key)?
        .map(|bytes| minicbor::decode(&bytes).map_err(|_| damaged(key)))
        .transpose()
}

fn damaged(key: &'static str) -> StoreError {
    StoreError::Corrupt {
        what: "a setting",
        place: key.to_owned(),
    }
}
