//! Beginnings: a community is founded, a space made, an invitation given and taken up.

use std::sync::Arc;

use minicbor::bytes::ByteArray;

use crate::entry::seal::{PlainEntry, seal_batch, seal_text};
use crate::entry::{Body, EntryKind, VerifiedBatch};
use crate::epoch::EpochKey;
use crate::id::{ChainHash, CommunityId, DeviceId, Head, Incarnation, LaneId, LogId, Seq};
use crate::keys::{DeviceKeys, Signer};
use crate::replica::mind::{HeldTicket, Mind, meta, next_seq};
use crate::replica::{Moment, Replica, ReplicaError, Source};
use crate::roster::follow::News;
use crate::roster::follow::change::Change;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{Found, Invite, Join, Profile, Space, Statement};
use crate::roster::ticket::{RelayAddr, TICKET_RELAYS_MAX, Ticket};
use crate::roster::{Said, commons, community_of, roster_lane, space_of};
use crate::schema::Schema;
use crate::store::{PendingRow, Store, StoreTx};
use crate::view;
use crate::wire::Refusal;
use crate::wire::batches::{Received, decode_join, encode_join};

/// A founded community, and the secret for its printed recovery sheet.
#[derive(Debug)]
pub struct Founding {
    /// The replica of the founder.
    pub replica: Replica,
    /// What the recovery key is derived from; it is kept nowhere but on paper.
    pub recovery: [u8; 16],
}

impl Replica {
    /// Founds a community in an empty store; the device's owner is its owner.
    ///
    /// # Errors
    /// [`ReplicaError::NotEmpty`]; the store's.
    pub fn found(
        mut store: Box<dyn Store>,
        signer: Arc<dyn Signer>,
        title: &str,
        name: &str,
        relays: &[RelayAddr],
        moment: &mut Moment<'_>,
    ) -> Result<Founding, ReplicaError> {
        let key = EpochKey::generate(moment.rng);
        let mut recovery = [0; 16];
        moment.rng.fill_bytes(&mut recovery);
        let us = signer.device();
        let sheet = DeviceKeys::derive_for_recovery(&recovery);
        let found = Statement::Found(Found {
            nonce: random::<16>(moment).to_vec().into(),
            sealing: signer.sealing_key(),
            recovery: sheet.device(),
            title: seal_text(&us, &key, title, moment.rng).into(),
            recovery_sealing: Some(sheet.sealing_key()),
        });
        let (kind, bytes) = found.encode();
        let community = community_of(&us, &bytes);
        let mut tx = store.begin()?;
        begin_store(&mut *tx, community.as_bytes(), relays, name, moment)?;
        let lane = roster_lane(&community);
        let row = PendingRow {
            lane,
            seq: Seq::FIRST,
            kind,
            record: None,
            bytes,
        };
        tx.put_pending(&row)?;
        let mut mind = Mind::load(&*tx, signer)?.ok_or(ReplicaError::NoCommunity)?;
        mind.keyring.insert(key.clone());
        mind.save_keys(&mut *tx)?;
        let epoch = mind.seal_epoch(commons(&community), &key, &[], moment.rng)?;
        mind.say(&mut *tx, &Statement::Epoch(epoch))?;
        mind.say_name(&mut *tx, name, moment)?;
        tx.commit()?;
        Ok(Founding {
            replica: Self::new(store, mind),
            recovery,
        })
    }

    /// Takes up an invitation in an empty store. The first sync presents it.
    ///
    /// # Errors
    /// [`ReplicaError::NotEmpty`]; the store's.
    pub fn join(
        mut store: Box<dyn Store>,
        signer: Arc<dyn Signer>,
        ticket: &Ticket,
        name: &str,
        moment: &mut Moment<'_>,
    ) -> Result<Self, ReplicaError> {
        let community = ticket.community;
        let join = join_with(&ticket.keys(), &community, &*signer)?;
        let mut tx = store.begin()?;
        let relays = &ticket.relays;
        let incarnation = begin_store(&mut *tx, community.as_bytes(), relays, name, moment)?;
        let join = first_batch(&mut *tx, &*signer, incarnation, &community, &join, moment)?;
        let held = HeldTicket {
            secret: ticket.secret,
            scope: ticket.scope,
            join: join.into(),
            sheet: None,
        };
        put_cbor(&mut *tx, meta::TICKET, &held)?;
        let mind = Mind::load(&*tx, signer)?.ok_or(ReplicaError::NoCommunity)?;
        tx.commit()?;
        Ok(Self::new(store, mind))
    }

    /// Our own first batch, to present to whoever may not know this device: until a lead has confirmed
    /// it, and once somebody has said so, such as a relay that was restored from an old backup.
    #[must_use]
    pub fn join_to_present(&self) -> Option<Vec<u8>> {
        let roster = &self.mind.roster;
        let member = roster.member_id(&self.mind.us);
        let member = member.and_then(|id| roster.members().get(&id));
        let is_confirmed = member.is_some_and(|member| !member.is_provisional);
        let is_known = is_confirmed && !self.is_unknown_somewhere;
        let ticket = self.mind.ticket.as_ref().filter(|_| !is_known)?;
        Some(ticket.join.to_vec())
    }

    /// Somebody does not know this device: the next who is dialled sees its join.
    pub(crate) fn note_unknown(&mut self) {
        self.is_unknown_somewhere = true;
    }

    /// Hears the join that a stranger presents, if it takes up an invitation that we know and says
    /// nothing else; the refusal otherwise.
    ///
    /// # Errors
    /// The store's; then nothing has changed.
    pub fn hear_join(
        &mut self,
        device: &DeviceId,
        join: &[u8],
        moment: &mut Moment<'_>,
    ) -> Result<Result<(), Refusal>, ReplicaError> {
        let Ok(batch) = decode_join(&self.mind.community, join) else {
            return Ok(Err(Refusal::BadFrame));
        };
        if batch.place().log.device != *device {
            return Ok(Err(Refusal::NotAMember));
        }
        let Ok(verified) = batch.clone().verify(&self.mind.community, &ChainHash::ZERO) else {
            return Ok(Err(Refusal::BadSignature));
        };
        if !self.mind.takes_up_invitation(&verified) {
            return Ok(Err(Refusal::InviteUnknown));
        }
        // The invitation goes before who takes it up, on every further way.
        self.seal_pending(moment)?;
        let received = Received {
            batch,
            prev: None,
            position: None,
        };
        self.ingest(vec![received], &[], &Source::default(), moment)?;
        let is_in = self.mind.roster.devices().contains_key(device);
        Ok(if is_in {
            Ok(())
        } else {
            Err(Refusal::InviteUsed)
        })
    }

    /// Makes a space for a village or team.
    ///
    /// # Errors
    /// [`ReplicaError::NotAllowed`] below coordinator; the store's.
    pub fn add_space(
        &mut self,
        title: &str,
        moment: &mut Moment<'_>,
    ) -> Result<LaneId, ReplicaError> {
        self.act(|tx, mind| {
            mind.require(Role::Coordinator, &Scope::Community)?;
            let commons_key = mind
                .key_to_write(&mind.commons)
                .ok_or(ReplicaError::NoKey)?;
            let statement = Statement::Space(Space {
                nonce: random::<16>(moment).to_vec().into(),
                title: seal_text(&mind.us, commons_key, title, moment.rng).into(),
            });
            let (_, bytes) = statement.encode();
            let space = space_of(&mind.community, &mind.us, &bytes);
            mind.say(tx, &statement)?;
            let key = EpochKey::generate(moment.rng);
            let epoch = mind.seal_epoch(space, &key, &[], moment.rng)?;
            mind.keyring.insert(key);
            mind.save_keys(tx)?;
            mind.say(tx, &Statement::Epoch(epoch))?;
            Ok(space)
        })
    }

    /// Remembers a relay of the community, to sync with and to name in invitations.
    ///
    /// A relay that is known by its key has moved: the new address replaces the old one. Of more relays
    /// than a ticket holds, the one known longest is forgotten.
    ///
    /// # Errors
    /// The store's.
    pub fn know_relay(&mut self, relay: &RelayAddr) -> Result<(), ReplicaError> {
        if self.mind.relays.contains(relay) {
            return Ok(());
        }
        self.act(|tx, mind| {
            let mut relays = mind.relays.clone();
            relays.retain(|known| known.relay != relay.relay);
            relays.push(relay.clone());
            let surplus = relays.len().saturating_sub(TICKET_RELAYS_MAX);
            relays.drain(..surplus);
            put_cbor(tx, meta::RELAYS, &relays)?;
            mind.relays = relays;
            Ok(())
        })
    }

    /// Gives an invitation for one person (or `uses` people) and returns its ticket.
    ///
    /// # Errors
    /// [`ReplicaError::NotAllowed`] unless this device's rank in the scope is above the role.
    pub fn invite(
        &mut self,
        scope: Scope,
        role: Role,
        uses: u16,
        moment: &mut Moment<'_>,
    ) -> Result<Ticket, ReplicaError> {
        self.act(|tx, mind| {
            mind.require_above(role, &scope)?;
            let secret: [u8; 16] = random(moment);
            let keys = DeviceKeys::derive_for_invite(&secret);
            let spaces = mind.roster.all_lanes().into_iter().filter(|lane| {
                *lane == mind.commons
                    || (*lane != mind.roster_lane && scope.covers(&Scope::Space(*lane)))
            });
            let sealing = keys.sealing_key();
            let statement = Statement::Invite(Invite {
                invite: keys.invite(),
                sealing,
                scope,
                role,
                uses: uses.max(1),
                keys: mind.seal_for_invite(&sealing, spaces, moment.rng)?,
            });
            mind.say(tx, &statement)?;
            Ok(Ticket {
                community: mind.community,
                secret: ByteArray::from(secret),
                scope,
                role,
                relays: mind.relays.clone(),
            })
        })
    }
}

impl Mind {
    /// Whether a batch is one join, with an invitation that the roster knows.
    fn takes_up_invitation(&self, batch: &VerifiedBatch) -> bool {
        let author = batch.log().device;
        let mut entries = batch.entries();
        let (Some(only), None) = (entries.next(), entries.next()) else {
            return false;
        };
        let Body::Present(bytes) = only.body else {
            return false;
        };
        match Said::read(&self.community, author, only.kind, bytes).map(|said| said.statement) {
            Some(Statement::Join(join)) => self
                .roster
                .invites_of(join.invite)
                .any(|invite| !invite.is_revoked),
            Some(_) | None => false,
        }
    }

    /// Whether this device belongs here.
    pub(super) fn require_member(&self) -> Result<(), ReplicaError> {
        if self.roster.devices().contains_key(&self.us) {
            Ok(())
        } else if self.is_removed() {
            Err(ReplicaError::Removed)
        } else {
            Err(ReplicaError::NotYetJoined)
        }
    }

    /// Whether this device's rank in a scope is at least this one; a role in one space is none in the
    /// whole community.
    pub(super) fn require(&self, least: Role, scope: &Scope) -> Result<(), ReplicaError> {
        self.require_member()?;
        match self.roster.role_in(&self.us, scope) {
            Some(role) if role >= least => Ok(()),
            Some(_) | None => Err(ReplicaError::NotAllowed { least }),
        }
    }

    /// Whether this device may give a role: its rank there is above it, and a lead's at least.
    pub(super) fn require_above(&self, role: Role, scope: &Scope) -> Result<(), ReplicaError> {
        let above = Role::DESCENDING
            .into_iter()
            .rev()
            .find(|above| *above > role);
        let least = above.unwrap_or(Role::Owner).max(Role::Lead);
        self.require(least, scope)?;
        if self.roster.may_act(&self.us, scope, role) {
            Ok(())
        } else {
            Err(ReplicaError::NotAllowed { least })
        }
    }

    /// Adds a statement of ours; it is sealed with the next sync and counts here at once. Says what it
    /// has changed.
    pub(super) fn say(
        &mut self,
        tx: &mut dyn StoreTx,
        statement: &Statement,
    ) -> Result<Change, ReplicaError> {
        self.say_all(tx, std::slice::from_ref(statement))
    }

    pub(super) fn say_all(
        &mut self,
        tx: &mut dyn StoreTx,
        statements: &[Statement],
    ) -> Result<Change, ReplicaError> {
        let lane = self.roster_lane;
        let mut seq = next_seq(tx, &self.own_log(lane))?;
        let mut news = News::default();
        for statement in statements {
            let (kind, bytes) = statement.encode();
            let row = PendingRow {
                lane,
                seq,
                kind,
                record: None,
                bytes,
            };
            tx.put_pending(&row)?;
            if let Some(said) = self.hear_pending(&row) {
                news.add(said);
            }
            seq = seq.plus(1);
        }
        Ok(self.follow_news(&news))
    }

    pub(super) fn say_name(
        &mut self,
        tx: &mut dyn StoreTx,
        name: &str,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        let key = self
            .key_to_write(&self.commons)
            .ok_or(ReplicaError::NoKey)?;
        let name = seal_text(&self.us, key, name, moment.rng).into();
        self.say(tx, &Statement::Profile(Profile { name, version: 1 }))?;
        Ok(())
    }
}

/// A device takes up an invitation whose keys are these.
pub(super) fn join_with(
    invite: &DeviceKeys,
    community: &CommunityId,
    signer: &dyn Signer,
) -> Result<Statement, ReplicaError> {
    let (device, sealing) = (signer.device(), signer.sealing_key());
    let proof = invite.sign(&Join::proof_bytes(community, &device, &sealing))?;
    Ok(Statement::Join(Join {
        invite: invite.invite(),
        sealing,
        proof: proof.as_bytes().to_vec().into(),
    }))
}

/// Begins our log of the roster lane with a statement; returns the batch as a hello carries it.
pub(super) fn first_batch(
    tx: &mut dyn StoreTx,
    signer: &dyn Signer,
    incarnation: Incarnation,
    community: &CommunityId,
    statement: &Statement,
    moment: &mut Moment<'_>,
) -> Result<Vec<u8>, ReplicaError> {
    let log = LogId {
        lane: roster_lane(community),
        device: signer.device(),
        incarnation,
    };
    let (kind, bytes) = statement.encode();
    let entries = [PlainEntry { kind, bytes }];
    let head = &Head::EMPTY;
    let batch = seal_batch(signer, community, log, head, None, &entries, moment.rng)?;
    tx.append(&batch, None)?;
    Ok(encode_join(&batch))
}

pub(super) fn begin_store(
    tx: &mut dyn StoreTx,
    community: &[u8; 32],
    relays: &[RelayAddr],
    name: &str,
    moment: &mut Moment<'_>,
) -> Result<Incarnation, ReplicaError> {
    if tx.meta(meta::COMMUNITY)?.is_some() {
        return Err(ReplicaError::NotEmpty);
    }
    let incarnation = Incarnation::new(random(moment));
    tx.put_meta(meta::COMMUNITY, community)?;
    tx.put_meta(meta::INCARNATION, incarnation.as_bytes())?;
    tx.put_meta(meta::STORE, &random::<16>(moment))?;
    tx.put_meta(meta::NAME, name.as_bytes())?;
    tx.put_meta(meta::VIEW, &view::fingerprint(Schema::station()))?;
    put_cbor(tx, meta::RELAYS, &relays.to_vec())?;
    Ok(incarnation)
}

pub(super) fn put_cbor(
    tx: &mut dyn StoreTx,
    key: &str,
    value: &impl minicbor::Encode<()>,
) -> Result<(), ReplicaError> {
    let bytes = minicbor::to_vec(value).expect("writing to memory does not fail");
    Ok(tx.put_meta(key, &bytes)?)
}

pub(super) fn random<const N: usize>(moment: &mut Moment<'_>) -> [u8; N] {
    let mut bytes = [0; N];
    moment.rng.fill_bytes(&mut bytes);
    bytes
}

/// The kind of entry that carries records.
pub(super) const RECORDS: EntryKind = EntryKind::CHANGE;
