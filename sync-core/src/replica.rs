//! A replica: one community on one device, from an edit to what everybody sees.
//!
//! Everything that changes the store goes through `Replica::act`: one transaction per input, and the
//! replica's memory is thrown away and read again if the transaction did not commit. Time and
//! randomness are arguments; the store is whatever it was opened with.

mod account;
mod acts;
mod attach;
mod audit;
mod begin;
mod blobs;
mod branches;
mod bundle;
mod carry;
mod consent;
mod device;
mod edit;
mod erase;
mod found;
mod hold;
mod housekeeping;
mod ingest;
mod keys;
mod leave;
mod meetings;
mod merge;
mod mind;
mod origin;
mod preview;
mod read;
mod rebirth;
mod rebuild;
mod receipts;
mod recover;
mod refs;
mod relay;
mod renew;
mod revoke;
mod rights;
mod room;
mod schema;
mod seal;
mod service;
mod settle;
mod states;
mod take;
mod ticks;
mod together;
mod twins;
mod undo;
mod unsent;
mod verdict;
mod waits;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rand_core::CryptoRng;
use thiserror::Error;

use crate::blob::BadBlob;
use crate::entry::seal::SealBatchError;
use crate::id::{CommunityId, DeviceId, Incarnation, Millis, StoreId};
use crate::keys::{SealError, Signer};
use crate::record::{BadPayload, DocError, EditError};
use crate::roster::Roster;
use crate::roster::role::Role;
use crate::roster::ticket::RelayAddr;
use crate::schema::{FieldError, Schema, SchemaError, StateError};
use crate::store::{EntryRef, Store, StoreError, StoreTx};

pub use acts::{About, Act};
pub use attach::{ATTACHMENT, AttachmentView, BlobStatus, NewAttachment};
pub use audit::{Audit, AuditError, Flaw};
pub use blobs::BLOBS_PER_FIELD_MAX;
pub(crate) use blobs::{BlobNews, ChunkIn, ChunkTaken, Offer};
pub use bundle::{
    Brought, BundleAsk, BundleBlobs, BundleError, BundleImport, BundlePart, BundlePlan,
    BundlePlanner, Known,
};
pub use device::DeviceView;
pub use edit::{Edited, Typing};
pub use erase::ErasureView;
pub use found::Founding;
pub use hold::Hold;
pub use ingest::{Ingested, Source, Tally};
pub use leave::Farewell;
pub use meetings::{MEETINGS_MAX, Meeting};
use mind::Mind;
pub use origin::{Import, Origin, natural_record};
pub use preview::{PREVIEW_RECORDS_MAX, PREVIEW_STEPS_MAX, Preview, Previews, Step};
pub use read::{
    ChangeView, Conflict, FieldView, Freshness, HistoryEntry, MemberView, RecordView, Status,
};
pub(crate) use receipts::{Placing, SOMEWHERE};
pub use revoke::Removal;
pub use room::BlobRoom;
pub(crate) use room::Holder;
pub use service::{CertifyError, Service};
pub use settle::{Choice, Keep, SettleError, Settled, Told, Words, joint};
pub use ticks::{AsOf, MemberFreshness, Missing, TickLevel, Ticks};
pub use together::Writer;
pub use twins::Finding;
pub use undo::UndoError;
pub use verdict::HeldOf;
pub use waits::{KeyGiver, KeyWait};

/// Why a replica could not do what it was asked. The user's own faults come first.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReplicaError {
    /// The text names several members.
    #[error("several members are called \"{0}\"; name one by the id that members shows")]
    AmbiguousMember(String),
    /// The text matches several records.
    #[error("\"{0}\" is the beginning of several record ids; type more letters")]
    AmbiguousRecord(String),
    /// A field or value does not fit.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A state that the record is not put into.
    #[error("{error}")]
    State {
        /// The record's kind, by name.
        kind: String,
        /// Why not.
        error: StateError,
    },
    /// The thing that a natural key names has its record already.
    #[error("there is a record of this already: {0}; change that one")]
    AlreadyThere(String),
    /// No entry is held that a verdict could be about.
    #[error("nothing of this is held because its author was cut off; held shows what is")]
    NothingHeld,
    /// What was to be taken away is not there, or is gone already.
    #[error("there is nothing to take away: it is gone already")]
    NothingToRevoke,
    /// A device's answer that is not for this member.
    #[error(
        "this text does not make that device yours: make it again from the text that this device shows"
    )]
    WrongAnswer,
    /// This device was removed; nothing that it writes from now on counts.
    #[error(
        "this device was removed from the community; nothing that it writes from now on counts"
    )]
    Removed,
    /// A recovery sheet that is not this community's.
    #[error("this is the recovery key of another community: compare it with the sheet")]
    WrongRecoveryKey,
    /// Only who took the community up again is above an owner.
    #[error("an owner is removed only with the recovery sheet that was printed at founding")]
    OwnerStays,
    /// The record was erased.
    #[error("this record was erased; if it is about somebody else, begin a new one")]
    RecordErased,
    /// No device, or more than one, has an id that begins so.
    #[error("no device is called \"{0}\"; type the id that members shows")]
    UnknownDevice(String),
    /// There is a community in the store already.
    #[error("this data folder already holds a community; choose another with --data")]
    NotEmpty,
    /// The role does not suffice.
    #[error(
        "you are not allowed to do that here: it takes a {least} of this space; ask one to do it or to give you the role"
    )]
    NotAllowed {
        /// The least role that may.
        least: Role,
    },
    /// The device has been asked to join and has not yet met a relay or a member.
    #[error("this device has not met the community yet; run a sync first")]
    NotYetJoined,
    /// There is no community in the store.
    #[error("there is no community in this data folder yet; found one or join one with a ticket")]
    NoCommunity,
    /// No key to write with.
    #[error(
        "the reading key of this space has not arrived yet; your work is kept and is sent once it has"
    )]
    NoKey,
    /// No such kind.
    #[error("there is no kind \"{kind}\"; the kinds are {known}")]
    UnknownKind {
        /// What was asked for.
        kind: String,
        /// Those there are.
        known: String,
    },
    /// No such member.
    #[error("there is no member \"{0}\" here; members shows them")]
    UnknownMember(String),
    /// No such record.
    #[error("there is no record \"{0}\" here; list shows the records that this device has")]
    UnknownRecord(String),
    /// No such space.
    #[error("there is no space \"{0}\" here; status shows the spaces that this device has")]
    UnknownSpace(String),
    /// A choice between the values of a field that is not made.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The edit does not fit the document.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A name that cannot be a record's kind or key.
    #[error(transparent)]
    Payload(#[from] BadPayload),
    /// The device's keys did not answer.
    #[error(transparent)]
    Keys(#[from] SealError),
    /// An addition to the schema that breaks a rule.
    #[error("the addition does not fit the station's schema: {0}")]
    Addition(#[from] SchemaError),
    /// An addition with the same id and a higher version counts.
    #[error("the community has version {0} of this addition already; give yours a higher one")]
    OldAddition(u32),
    /// What was to be attached is empty or too large, or does not open.
    #[error("{0}")]
    Blob(#[from] BadBlob),
    /// Entries could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealBatchError),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DocError> for ReplicaError {
    fn from(error: DocError) -> Self {
        Self::Store(damaged_document(error, "a record"))
    }
}

fn damaged_document(error: DocError, place: &str) -> StoreError {
    StoreError::Corrupt {
        what: "a document",
        place: format!("{place} ({error})"),
    }
}

/// One community on one device.
#[derive(Debug)]
pub struct Replica {
    store: Box<dyn Store>,
    mind: Mind,
    /// The schema by which all rows are made; none if that is not known.
    shown_by: Option<Arc<Schema>>,
    is_stale: bool,
    seals_at_once: bool,
    /// Whether originals are asked for, or previews alone.
    wants_originals: bool,
    /// Bytes that blobs may take here.
    blobs_limit: Option<u64>,
    /// Entries sealed since it was opened.
    sealed: u64,
    /// Transactions begun since the replica was opened.
    writes: u64,
    /// How often something was noted of a relay's store since then.
    notes: u64,
    /// How often the store was read again since then.
    rereads: u64,
    /// Somebody said that they do not know this device, since the replica was opened.
    is_unknown_somewhere: bool,
    /// When batches were made, by an entry of each: pages ask for the newest of every log again and again.
    times: RefCell<HashMap<EntryRef, Millis>>,
}

impl Replica {
    /// Opens the community that a store holds. If its rows were made in another way than this version
    /// makes them, they are made anew, which takes about as long as merging as many records.
    ///
    /// # Errors
    /// [`ReplicaError::NoCommunity`] if it holds none; the store's.
    pub fn open(store: Box<dyn Store>, signer: Arc<dyn Signer>) -> Result<Self, ReplicaError> {
        let mind = Mind::load(&*store, signer)?.ok_or(ReplicaError::NoCommunity)?;
        let mut replica = Self::new(store, mind);
        replica.renew_rows()?;
        Ok(replica)
    }

    fn new(store: Box<dyn Store>, mind: Mind) -> Self {
        Self {
            store,
            mind,
            shown_by: None,
            is_stale: false,
            seals_at_once: false,
            wants_originals: true,
            blobs_limit: None,
            sealed: 0,
            writes: 0,
            notes: 0,
            rereads: 0,
            is_unknown_somewhere: false,
            times: RefCell::default(),
        }
    }

    /// Runs one input as one transaction; on any error nothing has changed. If it brought another schema,
    /// the rows follow.
    fn act<T>(
        &mut self,
        action: impl FnOnce(&mut dyn StoreTx, &mut Mind) -> Result<T, ReplicaError>,
    ) -> Result<T, ReplicaError> {
        self.renew_rows()?;
        let done = self.act_once(action)?;
        self.mind.lay_schema();
        if self.renew_rows().is_err() {
            // The input is durable. Why its rows cannot follow is said by the next input, which begins
            // with them.
            self.shown_by = None;
        }
        Ok(done)
    }

    fn act_once<T>(
        &mut self,
        action: impl FnOnce(&mut dyn StoreTx, &mut Mind) -> Result<T, ReplicaError>,
    ) -> Result<T, ReplicaError> {
        self.refresh()?;
        self.writes += 1;
        let result = run(&mut *self.store, &mut self.mind, action);
        if result.is_err() {
            self.is_stale = true;
            // A disk that failed to write may fail to read as well; then the next input reads again.
            self.is_stale = self.refresh().is_err();
        }
        result
    }

    /// Reads again what another program wrote to the store, or what a failed transaction left in memory.
    ///
    /// Says whether there was anything.
    ///
    /// # Errors
    /// The store's.
    pub fn refresh(&mut self) -> Result<bool, ReplicaError> {
        if self.store.changed_elsewhere()? || self.is_stale {
            let signer = Arc::clone(&self.mind.signer);
            self.mind = Mind::load(&*self.store, signer)?.ok_or(ReplicaError::NoCommunity)?;
            self.is_stale = false;
            self.notes += 1;
            self.rereads += 1;
            return Ok(true);
        }
        Ok(false)
    }

    /// The community.
    #[must_use]
    pub fn community(&self) -> CommunityId {
        self.mind.community
    }

    /// This device.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.mind.us
    }

    /// Which installation of this device writes.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.mind.incarnation
    }

    /// Which life of the store this is.
    #[must_use]
    pub fn store_id(&self) -> StoreId {
        self.mind.store_id
    }

    /// Who belongs.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.mind.roster
    }

    /// The relays that this device knows.
    #[must_use]
    pub fn relays(&self) -> &[RelayAddr] {
        &self.mind.relays
    }

    /// The store, to look at.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Ends the replica and gives the store back, as if the process had been killed.
    #[must_use]
    pub fn into_store(self) -> Box<dyn Store> {
        self.store
    }
}

fn run<T>(
    store: &mut dyn Store,
    mind: &mut Mind,
    action: impl FnOnce(&mut dyn StoreTx, &mut Mind) -> Result<T, ReplicaError>,
) -> Result<T, ReplicaError> {
    let mut tx = store.begin()?;
    let result = action(&mut *tx, mind)?;
    tx.commit()?;
    Ok(result)
}

/// The moment and the randomness of one input.
#[expect(
    missing_debug_implementations,
    reason = "a borrowed generator has nothing to show"
)]
pub struct Moment<'r> {
    /// Now, by the device's clock.
    pub now: Millis,
    /// Randomness for keys, salts and ids.
    pub rng: &'r mut dyn CryptoRng,
}

#[cfg(test)]
mod tests;
