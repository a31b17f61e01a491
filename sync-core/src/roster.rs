//! Who belongs: a set of signed statements, evaluated into the same roster everywhere.
//!
//! A statement acts only on strictly lower rank, inside its author's scope. So the set is evaluated
//! stratum by stratum: owners first; what they say decides the coordinators, and so on down. There
//! is no clock, no order and no cycle in it: [`Roster::evaluate`] is a pure function of the set.
//!
//! A right that is taken away ends at an exact point of each log ([`cutoff`]): what its holder said
//! before that point counts for ever, proved by the links of the batches ([`book`]).

pub mod book;
pub mod cutoff;
pub mod epochs;
pub mod erasure;
mod evaluate;
pub mod file;
pub mod follow;
pub mod pairing;
pub mod recovery;
pub mod role;
pub mod settings;
pub mod statement;
mod subject;
pub mod ticket;
pub mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::{Body, EntryKind, VerifiedBatch};
use crate::id::{
    ChainHash, CommunityId, DeviceId, EpochId, Head, InviteId, LaneId, LogId, MemberId, Seq,
};
use crate::keys::{self, SealingKey, domain};
use crate::roster::cutoff::{Cutoff, Standing};
use crate::roster::epochs::EpochInfo;
use crate::roster::erasure::Erasures;
use crate::roster::role::{Role, Scope};
use crate::roster::settings::Setting;
use crate::roster::statement::{SealedKey, Statement, StatementId};
use crate::roster::verdict::Verdict;

/// The roster lane of a community.
#[must_use]
pub fn roster_lane(community: &CommunityId) -> LaneId {
    LaneId::from_hash(&keys::derive(domain::ROSTER_LANE, &[community.as_bytes()]))
}

/// The space that all members read.
#[must_use]
pub fn commons(community: &CommunityId) -> LaneId {
    LaneId::from_hash(&keys::derive(domain::COMMONS, &[community.as_bytes()]))
}

/// The community that founding bytes make. Its founder is part of it: nobody else can say the same
/// bytes and become its owner.
#[must_use]
pub fn community_of(founder: &DeviceId, found: &[u8]) -> CommunityId {
    CommunityId::from_hash(&keys::derive(
        domain::COMMUNITY,
        &[founder.as_bytes(), found],
    ))
}

/// The space that a Space statement makes.
#[must_use]
pub fn space_of(community: &CommunityId, author: &DeviceId, bytes: &[u8]) -> LaneId {
    let parts = [community.as_bytes(), author.as_bytes(), bytes];
    LaneId::from_hash(&keys::derive(domain::SPACE, &parts))
}

/// The member whose first device this is.
#[must_use]
pub fn member_of(community: &CommunityId, first_device: &DeviceId) -> MemberId {
    let parts: [&[u8]; 2] = [community.as_bytes(), first_device.as_bytes()];
    MemberId::from_hash(&keys::derive(domain::MEMBER, &parts))
}

/// One statement and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Hash of the statement.
    pub id: StatementId,
    /// The device that signed it.
    pub author: DeviceId,
    /// What it says.
    pub statement: Statement,
    /// The space that it makes, if it is a Space.
    space: LaneId,
    /// The member whose first device its author is by it, if it is a Found or a Join.
    root_of: Option<MemberId>,
}

impl Said {
    /// Takes a verified entry of the roster lane; `None` if it says nothing: this version cannot
    /// read it, it founds another community, or it is a join by somebody who had no ticket.
    #[must_use]
    pub fn read(
        community: &CommunityId,
        author: DeviceId,
        kind: EntryKind,
        bytes: &[u8],
    ) -> Option<Self> {
        let said = Self::read_again(community, author, kind, bytes)?;
        if let Statement::Join(join) = &said.statement
            && !join.is_proved(community, &author)
        {
            return None;
        }
        Some(said)
    }

    /// What a verified batch of the roster lane says.
    pub fn in_batch<'b>(
        community: &'b CommunityId,
        batch: &'b VerifiedBatch,
    ) -> impl Iterator<Item = Self> + 'b {
        let author = batch.log().device;
        batch.entries().filter_map(move |entry| match entry.body {
            Body::Present(bytes) => Self::read(community, author, entry.kind, bytes),
            Body::Erased { .. } => None,
        })
    }

    /// The same for an entry that [`Said::read`] has taken before, without checking its proof again.
    #[must_use]
    pub fn read_again(
        community: &CommunityId,
        author: DeviceId,
        kind: EntryKind,
        bytes: &[u8],
    ) -> Option<Self> {
        let statement = Statement::decode(kind, bytes)?;
        let is_found = matches!(statement, Statement::Found(_));
        if is_found && community_of(&author, bytes) != *community {
            return None;
        }
        let is_root = is_found || matches!(statement, Statement::Join(_));
        Some(Self {
            id: StatementId::derive(community, &author, kind, bytes),
            author,
            statement,
            space: space_of(community, &author, bytes),
            root_of: is_root.then(|| member_of(community, &author)),
        })
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their name, sealed under the commons, and the device that sealed it; none said so far.
    pub name: Option<(DeviceId, Vec<u8>)>,
    /// What they may do, and where.
    pub roles: BTreeSet<(Scope, Role)>,
    /// Their devices; a former member has none.
    pub devices: BTreeSet<DeviceId>,
    /// Devices that were theirs and were removed.
    pub removed_devices: BTreeSet<DeviceId>,
    /// Joined, and no lead's device has confirmed it yet.
    pub is_provisional: bool,
}

impl Member {
    /// Whether nothing is left of their membership but what they did.
    #[must_use]
    pub fn is_former(&self) -> bool {
        self.devices.is_empty()
    }
}

/// A phone or computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose it is.
    pub member: MemberId,
    /// Epoch keys for it are sealed to this.
    pub sealing: SealingKey,
    /// Each right that its member has or had, and how it stands on this device.
    pub rights: BTreeMap<(Scope, Role), Standing>,
}

impl Device {
    /// The rights that nobody took away.
    pub fn held(&self) -> impl Iterator<Item = (Scope, Role)> + Clone {
        let rights = self.rights.iter();
        rights
            .filter(|(_, standing)| standing.holds())
            .map(|(right, _)| *right)
    }

    /// The highest role in a scope among the rights that pass.
    fn role_in(&self, scope: &Scope, passes: impl Fn(&Standing) -> bool) -> Option<Role> {
        let rights = self.rights.iter();
        rights
            .filter(|((held, _), standing)| held.covers(scope) && passes(standing))
            .map(|((_, role), _)| *role)
            .max()
    }
}

/// A village's or team's space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Its name, sealed under the commons, and the device that sealed it.
    pub title: (DeviceId, Vec<u8>),
}

/// An invitation that somebody of sufficient rank gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Its ticket's public key, which joins name it by.
    pub id: InviteId,
    /// Epoch keys for it are sealed to this.
    pub sealing: SealingKey,
    /// Where the role holds.
    pub scope: Scope,
    /// The role.
    pub role: Role,
    /// How many people may join.
    pub uses: u16,
    /// The reading keys that it opens.
    pub keys: Vec<SealedKey>,
    /// Joins with it, by statement.
    pub joins: BTreeMap<StatementId, JoinState>,
    /// Whether somebody of higher rank took it back; joins that the cut-off names stay.
    pub is_revoked: bool,
}

impl Invite {
    fn given(given: &statement::Invite) -> Self {
        Self {
            id: given.invite,
            sealing: given.sealing,
            scope: given.scope,
            role: given.role,
            uses: given.uses,
            keys: given.keys.clone(),
            joins: BTreeMap::new(),
            is_revoked: false,
        }
    }

    /// Whether nobody took it back.
    fn stands(&self) -> bool {
        !self.is_revoked
    }

    /// Whether it is for a space, taken back or not; the commons is for everybody.
    fn is_for(&self, community: &CommunityId, space: &LaneId) -> bool {
        *space == commons(community) || self.scope.covers(&Scope::Space(*space))
    }

    /// Whether who holds the ticket may read a space.
    fn opens(&self, community: &CommunityId, space: &LaneId) -> bool {
        self.stands() && self.is_for(community, space)
    }

    /// Whether somebody may still join with it, so that new epochs are sealed to it too.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let confirmed = self.joins.values().filter(|join| join.is_confirmed).count();
        !self.is_revoked && confirmed < usize::from(self.uses)
    }
}

/// A join by somebody who held the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinState {
    /// The device that joined.
    pub device: DeviceId,
    /// Whether somebody of higher rank has confirmed it.
    pub is_confirmed: bool,
    /// Whether it counts. More joins than uses are held until a lead says which ones are right.
    pub is_accepted: bool,
}

/// By what the entries of a log count.
#[derive(Debug, PartialEq, Eq)]
pub struct LogStanding<'a> {
    rights: BTreeMap<(Scope, Role), &'a Standing>,
    verdicts: Option<&'a BTreeSet<Verdict>>,
}

impl<'a> LogStanding<'a> {
    fn new(
        community: &CommunityId,
        log: &LogId,
        device: Option<&'a Device>,
        verdicts: Option<&'a BTreeSet<Verdict>>,
    ) -> Self {
        let covers =
            |scope: &Scope| log.lane == commons(community) || scope.covers(&Scope::Space(log.lane));
        let rights = device.into_iter().flat_map(|device| &device.rights);
        let rights = rights.filter(|((scope, _), _)| covers(scope));
        Self {
            rights: rights.map(|(right, standing)| (*right, standing)).collect(),
            verdicts,
        }
    }
}

/// Who belongs and who may what: the same on every device that has the same statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    community: CommunityId,
    title: Option<(DeviceId, Vec<u8>)>,
    members: BTreeMap<MemberId, Member>,
    devices: BTreeMap<DeviceId, Device>,
    former: BTreeMap<DeviceId, Device>,
    spaces: BTreeMap<LaneId, Space>,
    invites: BTreeMap<StatementId, Invite>,
    epochs: BTreeMap<(LaneId, EpochId), EpochInfo>,
    revocations: BTreeSet<StatementId>,
    verdicts: BTreeMap<LogId, BTreeSet<Verdict>>,
    erasures: Erasures,
    /// Which devices say that they have erased what a statement takes from them.
    receipts: BTreeMap<StatementId, BTreeSet<DeviceId>>,
    settings: BTreeMap<StatementId, Setting>,
}

impl Roster {
    /// What is known of a community before anything is said.
    #[must_use]
    pub fn empty(community: CommunityId) -> Self {
        Self {
            community,
            title: None,
            members: BTreeMap::new(),
            devices: BTreeMap::new(),
            former: BTreeMap::new(),
            spaces: BTreeMap::new(),
            invites: BTreeMap::new(),
            epochs: BTreeMap::new(),
            revocations: BTreeSet::new(),
            verdicts: BTreeMap::new(),
            erasures: Erasures::default(),
            receipts: BTreeMap::new(),
            settings: BTreeMap::new(),
        }
    }

    /// The community.
    #[must_use]
    pub fn community(&self) -> &CommunityId {
        &self.community
    }

    /// The community's sealed name and who sealed it, once the founding statement is there.
    #[must_use]
    pub fn title(&self) -> Option<&(DeviceId, Vec<u8>)> {
        self.title.as_ref()
    }

    /// All members.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<MemberId, Member> {
        &self.members
    }

    /// All devices of members.
    #[must_use]
    pub fn devices(&self) -> &BTreeMap<DeviceId, Device> {
        &self.devices
    }

    /// Devices that belonged once and were removed.
    #[must_use]
    pub fn former(&self) -> &BTreeMap<DeviceId, Device> {
        &self.former
    }

    /// A device that belongs or belonged.
    fn any_device(&self, device: &DeviceId) -> Option<&Device> {
        self.devices.get(device).or_else(|| self.former.get(device))
    }

    /// Whether a device belongs or belonged: such a one is heard, and told what became of it.
    #[must_use]
    pub fn knows(&self, device: &DeviceId) -> bool {
        self.any_device(device).is_some()
    }

    /// Whether a device may write into a space or might once: what it wrote since it was cut off is
    /// kept and held, in case that somebody releases it.
    #[must_use]
    pub fn may_have_written(&self, device: &DeviceId, space: &LaneId) -> bool {
        let device = self.any_device(device);
        device
            .and_then(|device| self.role_by(device, space, |_| true))
            .is_some_and(|role| role >= Role::Volunteer)
    }

    /// Whether a device could ever read a space.
    #[must_use]
    pub fn may_have_read(&self, device: &DeviceId, space: &LaneId) -> bool {
        let device = self.any_device(device);
        device.is_some_and(|device| self.role_by(device, space, |_| true).is_some())
    }

    /// The lanes into which a removed device may still bring its own logs, so that somebody can release
    /// what it had not sent. It has nothing from them. None once it says that it has erased all.
    #[must_use]
    pub fn uploads_of(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        if !self.former.contains_key(device) || self.has_left(device) {
            return BTreeSet::new();
        }
        let commons = commons(&self.community);
        let spaces = self.spaces.keys().copied().chain([commons]);
        spaces
            .filter(|space| self.may_have_written(device, space))
            .collect()
    }

    /// Whether a device says that it has erased what a revocation took from it.
    #[must_use]
    pub fn has_left(&self, device: &DeviceId) -> bool {
        let receipts = self.receipts.iter();
        receipts
            .filter(|(_, devices)| devices.contains(device))
            .any(|(statement, _)| self.revocations.contains(statement))
    }

    /// Whether a device has lost any right that it had.
    pub(crate) fn has_lost_rights(&self, device: &DeviceId) -> bool {
        let has_lost = |device: &Device| !device.rights.values().all(Standing::holds);
        self.former.contains_key(device) || self.devices.get(device).is_some_and(has_lost)
    }

    /// What was erased.
    #[must_use]
    pub fn erasures(&self) -> &Erasures {
        &self.erasures
    }

    /// The devices that say that they have erased what a statement takes from them.
    #[must_use]
    pub fn receipts_for(&self, statement: &StatementId) -> Option<&BTreeSet<DeviceId>> {
        self.receipts.get(statement)
    }

    /// A device's word that it has erased something is about itself, and takes no rank.
    fn put_receipt(&mut self, device: DeviceId, statement: StatementId) {
        self.receipts.entry(statement).or_default().insert(device);
    }

    /// Where cut-offs say that a log ends.
    pub fn ends_of(&self, log: &LogId) -> impl Iterator<Item = &Head> {
        let device = self.any_device(&log.device).into_iter();
        let standings = device.flat_map(|device| device.rights.values());
        let cutoffs = standings.filter_map(Standing::cutoff);
        cutoffs.filter_map(|cutoff| cutoff.end_of(log))
    }

    /// The batches by which cut-offs and verdicts are proved, with their logs.
    pub fn proofs(&self) -> impl Iterator<Item = (&LogId, &ChainHash)> {
        let devices = self.devices.values().chain(self.former.values());
        let ends = devices
            .flat_map(|device| device.rights.values())
            .filter_map(Standing::cutoff)
            .flat_map(Cutoff::ends)
            .map(|(log, head)| (log, &head.chain));
        let verdicts = self.verdicts.iter().flat_map(|(log, verdicts)| {
            let chains = verdicts.iter().map(Verdict::chain);
            chains.map(move |chain| (log, chain))
        });
        ends.chain(verdicts)
    }

    /// All spaces but the commons.
    #[must_use]
    pub fn spaces(&self) -> &BTreeMap<LaneId, Space> {
        &self.spaces
    }

    /// All invitations, by the statement that gave them. Each stands for itself, so that nobody can
    /// hide an invitation by giving another one for the same ticket.
    #[must_use]
    pub fn invites(&self) -> &BTreeMap<StatementId, Invite> {
        &self.invites
    }

    /// The invitations for one ticket: one, unless somebody copied its key into another.
    pub fn invites_of(&self, ticket: InviteId) -> impl Iterator<Item = &Invite> {
        self.invites
            .values()
            .filter(move |invite| invite.id == ticket)
    }

    /// All epochs, by the space that they read.
    #[must_use]
    pub fn epochs(&self) -> &BTreeMap<(LaneId, EpochId), EpochInfo> {
        &self.epochs
    }

    /// The revocations that took something away.
    #[must_use]
    pub fn revocations(&self) -> &BTreeSet<StatementId> {
        &self.revocations
    }

    /// Whether the founding statement is there.
    #[must_use]
    pub fn is_founded(&self) -> bool {
        self.title.is_some()
    }

    /// The member whose device this is, or was: what somebody did stays theirs.
    #[must_use]
    pub fn member_id(&self, device: &DeviceId) -> Option<MemberId> {
        self.any_device(device).map(|device| device.member)
    }

    /// The highest role that a device's member has in a scope.
    #[must_use]
    pub fn role_in(&self, device: &DeviceId, scope: &Scope) -> Option<Role> {
        self.devices.get(device)?.role_in(scope, Standing::holds)
    }

    /// The highest role that a device's member has in a space; in the commons, anywhere.
    #[must_use]
    pub fn role_in_space(&self, device: &DeviceId, space: &LaneId) -> Option<Role> {
        self.role_by(self.devices.get(device)?, space, Standing::holds)
    }

    /// The highest role in a space that counts for an entry of a log: rights that hold, those that
    /// ended at or after it, and those for which somebody has released it.
    ///
    /// `ends_at` says where the batch with a chain hash ends, if it is on the branch that counts.
    #[must_use]
    pub fn role_of_entry(
        &self,
        log: &LogId,
        seq: Seq,
        ends_at: impl Fn(&ChainHash) -> Option<Seq>,
    ) -> Option<Role> {
        let verdict = self.verdict_on(log, seq, &ends_at);
        let released = verdict.filter(|verdict| !verdict.is_final);
        self.role_counted(log, seq, released.map(|verdict| verdict.rank), ends_at)
    }

    /// The same for an entry that somebody of a rank has released, or nobody.
    fn role_counted(
        &self,
        log: &LogId,
        seq: Seq,
        released_by: Option<Role>,
        ends_at: impl Fn(&ChainHash) -> Option<Seq>,
    ) -> Option<Role> {
        if !self.has_lane(&log.lane) {
            return None;
        }
        self.role_by(self.any_device(&log.device)?, &log.lane, |standing| {
            let Some(cutoff) = standing.cutoff() else {
                return true;
            };
            let end = cutoff.end_of(log).and_then(|head| ends_at(&head.chain));
            end.is_some_and(|end| seq <= end) || released_by >= Some(cutoff.rank())
        })
    }

    /// What was decided about a held entry: by the highest rank, among equals that it stays out.
    #[must_use]
    pub fn verdict_on(
        &self,
        log: &LogId,
        seq: Seq,
        ends_at: impl Fn(&ChainHash) -> Option<Seq>,
    ) -> Option<&Verdict> {
        let verdicts = self.verdicts.get(log)?.iter();
        verdicts
            .filter(|verdict| verdict.is_about(seq, &ends_at))
            .max()
    }

    /// The highest rank that took rights away by which entries of a log counted.
    #[must_use]
    pub fn rank_of_cut(&self, log: &LogId) -> Option<Role> {
        let rights = self.standing_of(log).rights.into_values();
        rights
            .filter_map(|standing| standing.cutoff().map(Cutoff::rank))
            .max()
    }

    /// By what the entries of a log count: two rosters in which it is the same judge them the same.
    #[must_use]
    pub fn standing_of(&self, log: &LogId) -> LogStanding<'_> {
        let device = self.any_device(&log.device);
        LogStanding::new(&self.community, log, device, self.verdicts.get(log))
    }

    fn role_by(
        &self,
        device: &Device,
        space: &LaneId,
        passes: impl Fn(&Standing) -> bool,
    ) -> Option<Role> {
        if *space != commons(&self.community) {
            return device.role_in(&Scope::Space(*space), passes);
        }
        let rights = device.rights.iter();
        rights
            .filter(|(_, standing)| passes(standing))
            .map(|((_, role), _)| *role)
            .max()
    }

    /// Whether a device may read a space. The roster and the commons are for all members.
    #[must_use]
    pub fn may_read(&self, device: &DeviceId, lane: &LaneId) -> bool {
        if *lane == roster_lane(&self.community) {
            return self.devices.contains_key(device);
        }
        self.role_in_space(device, lane).is_some()
    }

    /// Whether a device may write records into a space.
    #[must_use]
    pub fn may_write(&self, device: &DeviceId, space: &LaneId) -> bool {
        self.role_in_space(device, space)
            .is_some_and(|role| role >= Role::Volunteer)
    }

    /// The lanes that a device may have: roster, commons, and the spaces it reads. A former one may
    /// have the roster, in which it finds proof of what became of it, and nothing that needs a key.
    #[must_use]
    pub fn lanes_of(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        if !self.devices.contains_key(device) {
            let roster = roster_lane(&self.community);
            return self.knows(device).then_some(roster).into_iter().collect();
        }
        self.all_lanes()
            .into_iter()
            .filter(|lane| self.may_read(device, lane))
            .collect()
    }

    /// Whether there is such a lane: a space is there if the word of whoever made it counts.
    #[must_use]
    pub fn has_lane(&self, lane: &LaneId) -> bool {
        self.spaces.contains_key(lane)
            || *lane == commons(&self.community)
            || *lane == roster_lane(&self.community)
    }

    /// Every lane: roster, commons and all spaces.
    #[must_use]
    pub fn all_lanes(&self) -> BTreeSet<LaneId> {
        [roster_lane(&self.community), commons(&self.community)]
            .into_iter()
            .chain(self.spaces.keys().copied())
            .collect()
    }

    /// Whether the statement may be said by this device now: for clear errors before anything is written.
    #[must_use]
    pub fn may_act(&self, device: &DeviceId, scope: &Scope, on: Role) -> bool {
        self.role_in(device, scope)
            .is_some_and(|role| role > on && role >= Role::Lead)
    }

    /// Joins that a device should confirm: accepted ones in its scope, of lower rank.
    #[must_use]
    pub fn to_confirm(&self, device: &DeviceId) -> BTreeSet<StatementId> {
        self.invites
            .values()
            .filter(|invite| self.may_act(device, &invite.scope, invite.role))
            .flat_map(|invite| invite.joins.iter())
            .filter(|(_, join)| join.is_accepted && !join.is_confirmed)
            .map(|(id, _)| *id)
            .collect()
    }
}

#[cfg(test)]
mod tests;
