//! The evaluation: from a set of statements to a roster, stratum by stratum.

mod holding;
pub(super) mod proof;

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{CommunityId, DeviceId, InviteId, MemberId};
use crate::keys::SealingKey;
use crate::roster::book::Book;
use crate::roster::cutoff::{Cutoff, Standing};
use crate::roster::evaluate::holding::Holding;
use crate::roster::evaluate::proof::Proofs;
use crate::roster::follow::part::Part;
use crate::roster::role::{Role, Scope};
use crate::roster::settings::Setting;
use crate::roster::statement::{
    Epoch, Erase, Erased, Found, Join, Profile, Release, Revoke, Statement, StatementId, Target,
};
use crate::roster::subject::Subject;
use crate::roster::verdict::Verdict;
use crate::roster::{
    Invite, JoinState, Member, Roster, Said, Space, commons, member_of, roster_lane,
};

impl Roster {
    /// Evaluates a set of statements. Order, grouping and repetition do not matter.
    #[must_use]
    pub fn evaluate(community: &CommunityId, book: &Book) -> Self {
        Self::evaluate_counting(community, book).0
    }

    /// The same, with the statements that had an effect: for whoever wants to know what counts.
    #[must_use]
    pub fn evaluate_counting(
        community: &CommunityId,
        book: &Book,
    ) -> (Self, BTreeSet<StatementId>) {
        let mut evaluation = Evaluation::new(community, book, None);
        book.statements().for_each(|said| evaluation.sort(said));
        evaluation.hear_all();
        evaluation.finish();
        (evaluation.roster, evaluation.counted)
    }

    /// What a part of the book comes to, if all outside it is as in this roster.
    pub(super) fn evaluate_part(&self, book: &Book, part: &Part, said: &[&Said]) -> Self {
        let mut evaluation = Evaluation::new(&self.community, book, Some(part));
        for said in said {
            evaluation.sort(said);
            evaluation.take_as_known(self, said.author);
        }
        evaluation.hear_all();
        let devices = &mut evaluation.roster.devices;
        devices.retain(|id, _| part.has(Subject::Device(*id)));
        evaluation.finish();
        evaluation.roster
    }
}

struct Evaluation<'a> {
    roster: Roster,
    proofs: Proofs<'a>,
    /// What is settled, if not everything.
    part: Option<&'a Part>,
    /// What acts by its author's rank or membership, by author, so that a stratum is heard in one pass.
    by_author: BTreeMap<DeviceId, Vec<&'a Said>>,
    joins: BTreeMap<InviteId, Vec<(&'a Said, &'a Join)>>,
    /// The first device of each member that a founding or a join could make.
    roots: BTreeMap<MemberId, (DeviceId, SealingKey)>,
    /// Grants by ranks above, for the stratum of their role.
    grants: BTreeMap<Role, BTreeSet<(MemberId, Scope, StatementId)>>,
    confirms: BTreeMap<StatementId, Vec<&'a Said>>,
    revoked_members: BTreeMap<MemberId, Vec<Revocation<'a>>>,
    revoked_devices: BTreeMap<DeviceId, Vec<Revocation<'a>>>,
    revoked_sources: BTreeMap<StatementId, Vec<Revocation<'a>>>,
    revoked_invites: BTreeMap<InviteId, Vec<Revocation<'a>>>,
    /// Rights of the stratum at hand: where they come from, and whether somebody vouches for them.
    rights: BTreeMap<(MemberId, Scope), (Standing, bool)>,
    /// Members whom nobody has confirmed yet.
    provisional: BTreeMap<MemberId, bool>,
    epochs: Vec<(&'a Said, &'a Epoch)>,
    profiles: Vec<(&'a Said, &'a Profile)>,
    receipts: Vec<(&'a Said, &'a Erased)>,
    founding: Option<(&'a Said, &'a Found)>,
    /// Statements that had an effect.
    counted: BTreeSet<StatementId>,
}

/// A revocation that counts, and whose it is.
#[derive(Clone, Copy)]
struct Revocation<'a> {
    id: StatementId,
    member: MemberId,
    rank: Role,
    scope: Scope,
    revoke: &'a Revoke,
}

impl Revocation<'_> {
    /// It takes away what is below its author's rank, in its author's scope.
    fn reaches(&self, scope: &Scope, role: Role) -> bool {
        role < self.rank && self.scope.covers(scope)
    }
}

impl<'a> Evaluation<'a> {
    fn new(community: &CommunityId, book: &'a Book, part: Option<&'a Part>) -> Self {
        Self {
            roster: Roster::empty(*community),
            proofs: Proofs::new(book),
            part,
            by_author: BTreeMap::new(),
            joins: BTreeMap::new(),
            roots: BTreeMap::new(),
            grants: BTreeMap::new(),
            confirms: BTreeMap::new(),
            revoked_members: BTreeMap::new(),
            revoked_devices: BTreeMap::new(),
            revoked_sources: BTreeMap::new(),
            revoked_invites: BTreeMap::new(),
            rights: BTreeMap::new(),
            provisional: BTreeMap::new(),
            epochs: Vec::new(),
            profiles: Vec::new(),
            receipts: Vec::new(),
            founding: None,
            counted: BTreeSet::new(),
        }
    }

    /// Whether a device's rights are settled here; else they are what they were.
    fn settles(&self, device: &DeviceId) -> bool {
        let device = Subject::Device(*device);
        self.part.is_none_or(|part| part.has(device))
    }

    /// An author who is not settled here speaks by the rights that they have.
    fn take_as_known(&mut self, known: &Roster, author: DeviceId) {
        if self.settles(&author) || self.roster.devices.contains_key(&author) {
            return;
        }
        if let Some(device) = known.any_device(&author) {
            let rights = device.rights.values();
            rights.for_each(|standing| self.proofs.prepare(standing));
            self.roster.devices.insert(author, device.clone());
        }
    }

    /// From the highest rank to the lowest, each settled by those above it.
    fn hear_all(&mut self) {
        self.lay_out_sheet();
        for rank in Role::DESCENDING {
            if rank == Role::Owner {
                self.found();
            }
            self.admit_joins(rank);
            self.apply_grants(rank);
            self.settle_rights(rank);
            self.hear(rank);
        }
        self.collect_epochs();
    }

    /// What follows from the rights on the devices.
    fn finish(&mut self) {
        self.list_members();
        self.name_members();
        self.part_former();
        self.take_receipts();
    }

    fn sort(&mut self, said: &'a Said) {
        match &said.statement {
            Statement::Found(found) => {
                self.founding = self.founding.or(Some((said, found)));
                self.know_root(said, found.sealing);
            }
            Statement::Join(join) => {
                let of_invite = self.joins.entry(join.invite).or_default();
                of_invite.push((said, join));
                self.know_root(said, join.sealing);
            }
            Statement::Confirm(confirm) => {
                self.confirms.entry(confirm.join).or_default().push(said);
            }
            Statement::Epoch(epoch) => self.epochs.push((said, epoch)),
            Statement::Profile(profile) => self.profiles.push((said, profile)),
            Statement::Erased(erased) => self.receipts.push((said, erased)),
            Statement::AddDevice(_)
            | Statement::Discard(_)
            | Statement::Erase(_)
            | Statement::Grant(_)
            | Statement::Invite(_)
            | Statement::Release(_)
            | Statement::Revoke(_)
            | Statement::Settings(_)
            | Statement::Space(_) => {
                self.by_author.entry(said.author).or_default().push(said);
            }
        }
    }

    fn know_root(&mut self, said: &Said, sealing: SealingKey) {
        if let Some(member) = said.root_of {
            self.roots.entry(member).or_insert((said.author, sealing));
        }
    }

    fn said_by(&self, device: &DeviceId) -> &[&'a Said] {
        self.by_author.get(device).map_or(&[], Vec::as_slice)
    }

    /// Whether a statement counts by a right of its author that fits.
    fn is_heard(&self, said: &Said, fits: impl Fn(&Scope, Role) -> bool) -> bool {
        let device = self.roster.devices.get(&said.author);
        device.is_some_and(|device| {
            let mut rights = device.rights.iter();
            rights.any(|((scope, role), standing)| {
                fits(scope, *role) && self.proofs.counts(said, standing)
            })
        })
    }

    /// The recovery sheet is an invitation that lies in a drawer, for as many as ever need it.
    fn lay_out_sheet(&mut self) {
        let Some((said, found)) = self.founding else {
            return;
        };
        let Some(sealing) = found.recovery_sealing else {
            return;
        };
        let sheet = Invite {
            id: InviteId::new(*found.recovery.as_bytes()),
            sealing,
            scope: Scope::Community,
            role: Role::Recovered,
            uses: u16::MAX,
            keys: Vec::new(),
            joins: BTreeMap::new(),
            is_revoked: false,
        };
        self.roster.invites.insert(said.id, sheet);
    }

    /// The founding statement makes its author the owner. There is one: the community's id is its hash.
    fn found(&mut self) {
        let Some((said, found)) = self.founding else {
            return;
        };
        self.roster.title = Some((said.author, found.title.to_vec()));
        self.counted.insert(said.id);
        if self.settles(&said.author) {
            let owner = member_of(&self.roster.community, &said.author);
            let right = (Standing::HOLDS, true);
            self.rights.insert((owner, Scope::Community), right);
        }
    }

    /// A right has one more source; it holds as long as one of them does.
    fn give(&mut self, member: MemberId, scope: Scope, source: Standing, is_vouched: bool) {
        match self.rights.entry((member, scope)) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert((source, is_vouched));
            }
            std::collections::btree_map::Entry::Occupied(mut right) => {
                let (standing, was_vouched) = right.get_mut();
                standing.or(source);
                *was_vouched |= is_vouched;
            }
        }
    }

    /// Joins with invites to this role: every invite to it was given by a higher rank, so all are known.
    fn admit_joins(&mut self, role: Role) {
        let mut invites = std::mem::take(&mut self.roster.invites);
        for invite in invites.values_mut().filter(|invite| invite.role == role) {
            let ended = self.ended_invite(invite);
            invite.is_revoked = !ended.holds();
            for (statement, state) in self.judge_joins(invite, &ended) {
                if state.is_accepted {
                    self.counted.insert(statement);
                    // A device that belongs to a member already takes the role up for that member.
                    let known = self.roster.devices.get(&state.device);
                    let member = known.map_or_else(
                        || member_of(&self.roster.community, &state.device),
                        |device| device.member,
                    );
                    let source = self.source(&statement, &invite.scope, role);
                    if self.settles(&state.device) {
                        self.give(member, invite.scope, source, state.is_confirmed);
                    }
                }
                invite.joins.insert(statement, state);
            }
        }
        self.roster.invites = invites;
    }

    /// What has become of an invitation; joins that its cut-off names stay.
    fn ended_invite(&mut self, invite: &Invite) -> Standing {
        let mut ended = Standing::HOLDS;
        let revocations = self.revoked_invites.get(&invite.id);
        for revocation in revocations.into_iter().flatten() {
            if revocation.reaches(&invite.scope, invite.role) {
                self.roster.revocations.insert(revocation.id);
                ended.end(Cutoff::of_all(revocation.revoke, revocation.rank));
            }
        }
        self.proofs.prepare(&ended);
        ended
    }

    /// What has become of the join or grant that gave a right.
    fn source(&mut self, statement: &StatementId, scope: &Scope, role: Role) -> Standing {
        let mut source = Standing::HOLDS;
        let revocations = self.revoked_sources.get(statement);
        for revocation in revocations.into_iter().flatten() {
            if revocation.reaches(scope, role) {
                self.roster.revocations.insert(revocation.id);
                source.end(Cutoff::of_all(revocation.revoke, revocation.rank));
            }
        }
        source
    }

    /// Roles that higher ranks gave by name. A member who is granted a role belongs by that word alone,
    /// whoever invited them: a join shows that they once held a ticket of this community.
    fn apply_grants(&mut self, role: Role) {
        for (member, scope, grant) in self.grants.remove(&role).unwrap_or_default() {
            let Some((first, _)) = self.roots.get(&member) else {
                continue;
            };
            // A device that is somebody's already stays theirs.
            let owner = self.roster.devices.get(first).map(|device| device.member);
            if owner.is_none_or(|owner| owner == member) {
                let source = self.source(&grant, &scope, role);
                self.counted.insert(grant);
                self.give(member, scope, source, true);
            }
        }
    }

    /// A confirmed join counts; others count too, unless more devices have joined than the invite has
    /// uses. Once the invitation is revoked, those that its cut-off does not name do not.
    fn judge_joins(&mut self, invite: &Invite, ended: &Standing) -> Vec<(StatementId, JoinState)> {
        let joins = self.joins.get(&invite.id).into_iter().flatten();
        let standing: Vec<&Said> = joins
            .map(|(said, _)| *said)
            .filter(|said| self.proofs.counts(said, ended))
            .collect();
        let devices: BTreeSet<DeviceId> = standing.iter().map(|said| said.author).collect();
        let is_enough = devices.len() <= usize::from(invite.uses);
        let judge = |said: &&Said| {
            // Above those who took the community up again nobody is left to vouch for them.
            let is_by_sheet = invite.role == Role::Recovered;
            let is_confirmed = is_by_sheet || self.is_confirmed(&said.id, invite);
            let state = JoinState {
                device: said.author,
                is_confirmed,
                is_accepted: is_confirmed || is_enough,
            };
            (said.id, state)
        };
        standing.iter().map(judge).collect()
    }

    fn is_confirmed(&mut self, join: &StatementId, invite: &Invite) -> bool {
        let confirms = self.confirms.get(join).into_iter().flatten();
        let heard: Vec<StatementId> = confirms
            .filter(|said| {
                self.is_heard(said, |scope, role| {
                    role.may_give(scope, invite.role, &invite.scope)
                })
            })
            .map(|said| said.id)
            .collect();
        self.counted.extend(&heard);
        !heard.is_empty()
    }

    /// Every right to this role, on every device of its member. Who took it away is known: only higher
    /// ranks and the member's own devices can.
    fn settle_rights(&mut self, role: Role) {
        for ((member, scope), (source, is_vouched)) in std::mem::take(&mut self.rights) {
            let provisional = self.provisional.entry(member).or_insert(true);
            *provisional &= !is_vouched;
            self.settle(&Holding {
                member,
                scope,
                role,
                source,
            });
        }
    }

    /// What members say with the authority of this rank; it acts on lower ranks only.
    fn hear(&mut self, rank: Role) {
        let mut heard: Vec<(MemberId, Scope, &'a Said)> = Vec::new();
        for (id, device) in &self.roster.devices {
            let rights = device.rights.iter().filter(|((_, role), _)| *role == rank);
            for ((scope, _), standing) in rights {
                let said = self.said_by(id).iter();
                let counts = said.filter(|said| self.proofs.counts(said, standing));
                heard.extend(counts.map(|said| (device.member, *scope, *said)));
            }
        }
        for (member, scope, said) in heard {
            self.hear_one(member, rank, &scope, said);
        }
    }

    fn hear_one(&mut self, member: MemberId, rank: Role, scope: &Scope, said: &'a Said) {
        match &said.statement {
            Statement::Space(space) => {
                if rank >= Role::Coordinator && *scope == Scope::Community {
                    let title = (said.author, space.title.to_vec());
                    self.roster.spaces.insert(said.space, Space { title });
                    self.counted.insert(said.id);
                }
            }
            Statement::Invite(invite) => {
                if rank.may_give(scope, invite.role, &invite.scope) {
                    self.counted.insert(said.id);
                    let invites = &mut self.roster.invites;
                    let given = || Invite::given(invite);
                    invites.entry(said.id).or_insert_with(given);
                }
            }
            Statement::Grant(grant) => {
                if rank.may_give(scope, grant.role, &grant.scope) {
                    let of_role = self.grants.entry(grant.role).or_default();
                    of_role.insert((grant.member, grant.scope, said.id));
                }
            }
            Statement::Revoke(revoke) => {
                if rank >= Role::Lead {
                    self.hear_revoke(Revocation {
                        id: said.id,
                        member,
                        rank,
                        scope: *scope,
                        revoke,
                    });
                }
            }
            Statement::Release(release) => self.hear_verdicts(said, release, rank, scope),
            Statement::Discard(discard) => self.hear_verdicts(said, discard, rank, scope),
            Statement::Erase(erase) => self.hear_erase(said, erase, rank, scope),
            Statement::Settings(settings) => {
                if rank >= Role::Coordinator && *scope == Scope::Community {
                    self.counted.insert(said.id);
                    let settled = Setting::said(said.author, settings);
                    self.roster.settings.insert(said.id, settled);
                }
            }
            // Heard in passes of their own.
            Statement::AddDevice(_)
            | Statement::Confirm(_)
            | Statement::Epoch(_)
            | Statement::Erased(_)
            | Statement::Found(_)
            | Statement::Join(_)
            | Statement::Profile(_) => {}
        }
    }

    fn hear_verdicts(&mut self, said: &Said, decision: &Release, rank: Role, scope: &Scope) {
        if rank < Role::Lead {
            return;
        }
        let is_final = matches!(said.statement, Statement::Discard(_));
        for stretch in &decision.entries {
            if let Some((log, verdict)) = Verdict::new(stretch, rank, scope, is_final) {
                self.roster.verdicts.entry(log).or_default().insert(verdict);
                self.counted.insert(said.id);
            }
        }
    }

    fn hear_erase(&mut self, said: &Said, erase: &Erase, rank: Role, scope: &Scope) {
        let lane = roster_lane(&self.roster.community);
        if rank >= Role::Coordinator
            && (self.roster.erasures).add(said.id, said.author, erase, scope, &lane)
        {
            self.counted.insert(said.id);
        }
    }

    fn hear_revoke(&mut self, revocation: Revocation<'a>) {
        let of_target = match &revocation.revoke.target {
            Target::Member(member) => self.revoked_members.entry(*member).or_default(),
            Target::Device(device) => self.revoked_devices.entry(*device).or_default(),
            Target::Grant(source) => self.revoked_sources.entry(*source).or_default(),
            Target::Invite(invite) => self.revoked_invites.entry(*invite).or_default(),
        };
        of_target.push(revocation);
    }

    /// Members from their devices; who has no device left that belongs is a former member.
    fn list_members(&mut self) {
        for (id, device) in &self.roster.devices {
            let member = self.roster.members.entry(device.member);
            let provisional = &self.provisional;
            let member = member.or_insert_with(|| Member {
                name: None,
                roles: BTreeSet::new(),
                devices: BTreeSet::new(),
                removed_devices: BTreeSet::new(),
                is_provisional: provisional.get(&device.member) == Some(&true),
            });
            let held = device.held();
            if held.clone().next().is_some() {
                member.devices.insert(*id);
            } else {
                member.removed_devices.insert(*id);
            }
            member.roles.extend(held);
        }
    }

    /// Devices on which no right holds any more belong to the past.
    fn part_former(&mut self) {
        let devices = std::mem::take(&mut self.roster.devices);
        (self.roster.devices, self.roster.former) = devices
            .into_iter()
            .partition(|(_, device)| device.held().next().is_some());
    }

    /// What devices say that they have erased, those too that were removed: it is about themselves.
    fn take_receipts(&mut self) {
        for (said, erased) in std::mem::take(&mut self.receipts) {
            if self.roster.knows(&said.author) {
                self.roster.put_receipt(said.author, erased.statement);
                self.counted.insert(said.id);
            }
        }
    }

    /// A member's latest profile, said from any of their devices.
    fn name_members(&mut self) {
        let mut profiles = std::mem::take(&mut self.profiles);
        profiles.sort_by_key(|(said, profile)| (profile.version, said.id));
        for (said, profile) in profiles {
            if !self.is_heard(said, |_, _| true) {
                continue;
            }
            self.counted.insert(said.id);
            let member = self.roster.member_id(&said.author);
            if let Some(member) = member.and_then(|id| self.roster.members.get_mut(&id)) {
                member.name = Some((said.author, profile.name.to_vec()));
            }
        }
    }

    /// Epochs by members who may write in the space; sealed copies of several statements add up.
    fn collect_epochs(&mut self) {
        for (said, epoch) in std::mem::take(&mut self.epochs) {
            let commons = commons(&self.roster.community);
            if !self.is_heard(said, |scope, role| {
                epoch.may_come_from(scope, role, &commons)
            }) {
                continue;
            }
            self.counted.insert(said.id);
            self.roster.put_epoch(epoch);
        }
        self.roster.seal_to_invites(|_, _| true);
    }
}
