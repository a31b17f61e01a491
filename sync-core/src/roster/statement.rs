//! Roster statements: their bytes, as CBOR maps that newer versions may add fields to.
//!
//! The bytes are hashed and signed as they are stored and never written again, so a field that an
//! old version does not know is skipped by it and still covered by every signature.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::entry::EntryKind;
use crate::entry::codec::read_cbor;
use crate::id::{
    ChainHash, CommunityId, DeviceId, EpochId, Head, Incarnation, InviteId, LaneId, LogId,
    MemberId, RecordId, Seq,
};
use crate::keys::{self, SealingKey, Signature, domain};
use crate::roster::role::{Role, Scope};

/// Hash of one statement, its author and its kind: what other statements refer to it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId([u8; 32]);

impl StatementId {
    /// BLAKE3-derive-key("banyan/statement/1", community | author | kind | bytes).
    #[must_use]
    pub fn derive(
        community: &CommunityId,
        author: &DeviceId,
        kind: EntryKind,
        bytes: &[u8],
    ) -> Self {
        let kind = [kind.code()];
        let parts = [
            community.as_bytes(),
            author.as_bytes(),
            kind.as_slice(),
            bytes,
        ];
        Self(*keys::derive(domain::STATEMENT, &parts).as_bytes())
    }

    /// Before all others in order.
    pub(super) const FIRST: Self = Self([0; 32]);

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl<C> Encode<C> for StatementId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for StatementId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        <[u8; 32]>::try_from(d.bytes()?)
            .map(Self)
            .map_err(|_| minicbor::decode::Error::message("a statement id has 32 bytes"))
    }
}

/// A community begins. Its id is a hash of these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Found {
    /// Random, so that no two communities are one.
    #[n(0)]
    pub nonce: ByteVec,
    /// The founder's sealing key.
    #[n(1)]
    pub sealing: SealingKey,
    /// Public half of the printed recovery key.
    #[n(2)]
    pub recovery: DeviceId,
    /// The community's name, sealed under the commons.
    #[n(3)]
    pub title: ByteVec,
    /// What the recovery key reads with; without it the sheet opens nothing.
    #[n(4)]
    pub recovery_sealing: Option<SealingKey>,
}

/// A space for one village or team. Its id is a hash of these bytes and their author.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Space {
    /// Random, so that no two spaces are one.
    #[n(0)]
    pub nonce: ByteVec,
    /// The space's name, sealed under the commons.
    #[n(1)]
    pub title: ByteVec,
}

/// One epoch key sealed to an invite or a device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SealedKey {
    /// The space that the key reads.
    #[n(0)]
    pub space: LaneId,
    /// Which key it is.
    #[n(1)]
    pub epoch: EpochId,
    /// HPKE: 80 bytes.
    #[n(2)]
    pub sealed: ByteVec,
}

/// An invitation: whoever holds the ticket's secret may join with this role.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Invite {
    /// Public signing key that the ticket's secret yields.
    #[n(0)]
    pub invite: InviteId,
    /// Public sealing key that the ticket's secret yields.
    #[n(1)]
    pub sealing: SealingKey,
    /// Where the role holds.
    #[n(2)]
    pub scope: Scope,
    /// The role.
    #[n(3)]
    pub role: Role,
    /// How many people may join with it.
    #[n(4)]
    pub uses: u16,
    /// The reading keys that it opens.
    #[n(5)]
    pub keys: Vec<SealedKey>,
}

/// A device takes up an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Join {
    /// Which invitation.
    #[n(0)]
    pub invite: InviteId,
    /// The device's sealing key.
    #[n(1)]
    pub sealing: SealingKey,
    /// Signature by the invite's key over [`Join::proof_bytes`].
    #[n(2)]
    pub proof: ByteVec,
}

impl Join {
    /// What the invite's key signs: this device, with this sealing key, in this community.
    #[must_use]
    pub fn proof_bytes(
        community: &CommunityId,
        device: &DeviceId,
        sealing: &SealingKey,
    ) -> Vec<u8> {
        [
            domain::JOIN_PROOF.as_bytes(),
            community.as_bytes(),
            device.as_bytes(),
            sealing.as_bytes(),
        ]
        .concat()
    }

    /// Whether the joiner held the ticket.
    #[must_use]
    pub fn is_proved(&self, community: &CommunityId, device: &DeviceId) -> bool {
        let invite = DeviceId::new(*self.invite.as_bytes());
        let bytes = Self::proof_bytes(community, device, &self.sealing);
        signature(&self.proof).is_some_and(|proof| keys::verify(&invite, &bytes, &proof).is_ok())
    }
}

/// A lead's device has seen a join and confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Confirm {
    /// Which join.
    #[n(0)]
    pub join: StatementId,
}

/// A member's further device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AddDevice {
    /// The new device.
    #[n(0)]
    pub device: DeviceId,
    /// Its sealing key.
    #[n(1)]
    pub sealing: SealingKey,
    /// Signature by the new device over [`AddDevice::proof_bytes`].
    #[n(2)]
    pub proof: ByteVec,
    /// What its owner calls it, sealed under the commons.
    #[n(3)]
    pub label: ByteVec,
}

impl AddDevice {
    /// What the new device signs: it belongs to this member of this community.
    #[must_use]
    pub fn proof_bytes(
        community: &CommunityId,
        member: &MemberId,
        device: &DeviceId,
        sealing: &SealingKey,
    ) -> Vec<u8> {
        [
            domain::DEVICE_PROOF.as_bytes(),
            community.as_bytes(),
            member.as_bytes(),
            device.as_bytes(),
            sealing.as_bytes(),
        ]
        .concat()
    }

    /// Whether the new device agreed to belong to `member`.
    #[must_use]
    pub fn is_proved(&self, community: &CommunityId, member: &MemberId) -> bool {
        let bytes = Self::proof_bytes(community, member, &self.device, &self.sealing);
        signature(&self.proof)
            .is_some_and(|proof| keys::verify(&self.device, &bytes, &proof).is_ok())
    }
}

/// A role for a member.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// Who.
    #[n(0)]
    pub member: MemberId,
    /// Where.
    #[n(1)]
    pub scope: Scope,
    /// What.
    #[n(2)]
    pub role: Role,
    /// Random: a grant given again after it was revoked is another grant.
    #[n(3)]
    pub nonce: ByteVec,
    /// When it was given, by its author's clock: for statistics, never for rights. None was said before.
    #[n(4)]
    pub at: Option<i64>,
}

/// What a revocation takes away.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Target {
    /// A member with all devices.
    #[n(0)]
    Member(#[n(0)] MemberId),
    /// One device.
    #[n(1)]
    Device(#[n(0)] DeviceId),
    /// One grant.
    #[n(2)]
    Grant(#[n(0)] StatementId),
    /// One invitation.
    #[n(3)]
    Invite(#[n(0)] InviteId),
}

/// The last entry of one log that still counts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cut {
    /// Lane of the log.
    #[n(0)]
    pub lane: LaneId,
    /// Device of the log.
    #[n(1)]
    pub device: DeviceId,
    /// Incarnation of the log.
    #[n(2)]
    pub incarnation: Incarnation,
    /// Position of the last entry that counts.
    #[n(3)]
    pub seq: u64,
    /// Chain hash of the batch that ends with it.
    #[n(4)]
    pub chain: ChainHash,
}

impl Cut {
    /// The log that ends.
    #[must_use]
    pub fn log(&self) -> LogId {
        LogId {
            lane: self.lane,
            device: self.device,
            incarnation: self.incarnation,
        }
    }

    /// Where it ends.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            seq: Seq(self.seq),
            chain: self.chain,
        }
    }

    /// The end of a log at its head.
    #[must_use]
    pub fn at(log: &LogId, head: &Head) -> Self {
        Self {
            lane: log.lane,
            device: log.device,
            incarnation: log.incarnation,
            seq: head.seq.0,
            chain: head.chain,
        }
    }
}

/// A member, device, grant or invite is cut off at an exact point of each log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Revoke {
    /// What is taken away.
    #[n(0)]
    pub target: Target,
    /// Where each log ends; a log that is not named ends before its first entry.
    #[n(1)]
    pub cuts: Vec<Cut>,
    /// Random, so that each revocation is its own.
    #[n(2)]
    pub nonce: ByteVec,
}

/// Who an epoch key was sealed to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Recipient {
    /// A device that may read.
    #[n(0)]
    Device(#[n(0)] DeviceId),
    /// An open invite.
    #[n(1)]
    Invite(#[n(0)] InviteId),
}

/// An epoch key for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeyFor {
    /// Who opens it.
    #[n(0)]
    pub recipient: Recipient,
    /// HPKE: 80 bytes.
    #[n(1)]
    pub sealed: ByteVec,
}

/// An older epoch key under this one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Older {
    /// The older epoch.
    #[n(0)]
    pub epoch: EpochId,
    /// Its key, wrapped: 48 bytes.
    #[n(1)]
    pub wrapped: ByteVec,
}

/// A reading key of a space: minted, or handed to further recipients.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Epoch {
    /// The space that it reads.
    #[n(0)]
    pub space: LaneId,
    /// Hash of the key.
    #[n(1)]
    pub epoch: EpochId,
    /// The key, for each recipient.
    #[n(2)]
    pub keys: Vec<KeyFor>,
    /// The keys before it.
    #[n(3)]
    pub older: Vec<Older>,
}

/// A stretch of one log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Stretch {
    /// Lane of the log.
    #[n(0)]
    pub lane: LaneId,
    /// Device of the log.
    #[n(1)]
    pub device: DeviceId,
    /// Incarnation of the log.
    #[n(2)]
    pub incarnation: Incarnation,
    /// First entry.
    #[n(3)]
    pub first: u64,
    /// Last entry.
    #[n(4)]
    pub last: u64,
    /// Chain hash of the batch that has the last entry: a position alone would be whatever somebody
    /// with a stolen key puts there.
    #[n(5)]
    pub chain: Option<ChainHash>,
}

impl Stretch {
    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.last.saturating_add(1).saturating_sub(self.first)
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last < self.first
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> LogId {
        LogId {
            lane: self.lane,
            device: self.device,
            incarnation: self.incarnation,
        }
    }
}

/// Held entries that count after all; or, as a Discard, that stay out for good.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Release {
    /// Which entries.
    #[n(0)]
    pub entries: Vec<Stretch>,
}

/// Payloads that every replica and relay must drop.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Erase {
    /// The record that they belong to.
    #[n(0)]
    pub record: RecordId,
    /// Which entries; further entries of the record are dropped as they come.
    #[n(1)]
    pub entries: Vec<Stretch>,
}

/// A device's word that it has dropped what an Erase or a Revoke told it to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Erased {
    /// The statement that it has carried out.
    #[n(0)]
    pub statement: StatementId,
}

/// Settings of the community, sealed under the commons: relays, schema.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Settings {
    /// What it settles.
    #[n(0)]
    pub name: String,
    /// How often it was settled before; the highest counts, then the greater hash.
    #[n(1)]
    pub version: u64,
    /// The setting, sealed.
    #[n(2)]
    pub value: ByteVec,
}

/// What a member is called. A joiner says it after the first sync, when the commons' key is there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Profile {
    /// The name, sealed under the commons.
    #[n(0)]
    pub name: ByteVec,
    /// How often it was said before; the highest counts, then the greater statement id.
    #[n(1)]
    pub version: u64,
}

/// Any statement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is documented at its type")]
pub enum Statement {
    AddDevice(AddDevice),
    Confirm(Confirm),
    Discard(Release),
    Epoch(Epoch),
    Erase(Erase),
    Erased(Erased),
    Found(Found),
    Grant(Grant),
    Invite(Invite),
    Join(Join),
    Profile(Profile),
    Release(Release),
    Revoke(Revoke),
    Settings(Settings),
    Space(Space),
}

impl Statement {
    /// Reads a statement; `None` if this version does not know the kind or the bytes are not one.
    ///
    /// A statement that cannot be read says nothing: it is carried, and never stops a log.
    #[must_use]
    pub fn decode(kind: EntryKind, bytes: &[u8]) -> Option<Self> {
        let statement = match kind {
            EntryKind::ADD_DEVICE => Self::AddDevice(read_cbor(bytes)?),
            EntryKind::CONFIRM => Self::Confirm(read_cbor(bytes)?),
            EntryKind::DISCARD => Self::Discard(read_cbor(bytes)?),
            EntryKind::EPOCH => Self::Epoch(read_cbor(bytes)?),
            EntryKind::ERASE => Self::Erase(read_cbor(bytes)?),
            EntryKind::ERASED => Self::Erased(read_cbor(bytes)?),
            EntryKind::FOUND => Self::Found(read_cbor(bytes)?),
            EntryKind::GRANT => Self::Grant(read_cbor(bytes)?),
            EntryKind::INVITE => Self::Invite(read_cbor(bytes)?),
            EntryKind::JOIN => Self::Join(read_cbor(bytes)?),
            EntryKind::PROFILE => Self::Profile(read_cbor(bytes)?),
            EntryKind::RELEASE => Self::Release(read_cbor(bytes)?),
            EntryKind::REVOKE => Self::Revoke(read_cbor(bytes)?),
            EntryKind::SETTINGS => Self::Settings(read_cbor(bytes)?),
            EntryKind::SPACE => Self::Space(read_cbor(bytes)?),
            _ => return None,
        };
        Some(statement)
    }

    /// The kind and the bytes that are signed.
    #[must_use]
    pub fn encode(&self) -> (EntryKind, Vec<u8>) {
        match self {
            Self::AddDevice(it) => (EntryKind::ADD_DEVICE, bytes_of(it)),
            Self::Confirm(it) => (EntryKind::CONFIRM, bytes_of(it)),
            Self::Discard(it) => (EntryKind::DISCARD, bytes_of(it)),
            Self::Epoch(it) => (EntryKind::EPOCH, bytes_of(it)),
            Self::Erase(it) => (EntryKind::ERASE, bytes_of(it)),
            Self::Erased(it) => (EntryKind::ERASED, bytes_of(it)),
            Self::Found(it) => (EntryKind::FOUND, bytes_of(it)),
            Self::Grant(it) => (EntryKind::GRANT, bytes_of(it)),
            Self::Invite(it) => (EntryKind::INVITE, bytes_of(it)),
            Self::Join(it) => (EntryKind::JOIN, bytes_of(it)),
            Self::Profile(it) => (EntryKind::PROFILE, bytes_of(it)),
            Self::Release(it) => (EntryKind::RELEASE, bytes_of(it)),
            Self::Revoke(it) => (EntryKind::REVOKE, bytes_of(it)),
            Self::Settings(it) => (EntryKind::SETTINGS, bytes_of(it)),
            Self::Space(it) => (EntryKind::SPACE, bytes_of(it)),
        }
    }
}

fn bytes_of(statement: &impl Encode<()>) -> Vec<u8> {
    minicbor::to_vec(statement).expect("writing to memory does not fail")
}

fn signature(bytes: &ByteVec) -> Option<Signature> {
    Some(Signature::new(bytes.as_slice().try_into().ok()?))
}
