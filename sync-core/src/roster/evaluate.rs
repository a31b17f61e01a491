//! The evaluation: from a set of statements to a roster, stratum by stratum.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{CommunityId, DeviceId, InviteId, MemberId};
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{
    AddDevice, Epoch, Found, Join, Profile, Recipient, Statement, StatementId,
};
use crate::roster::{Device, EpochInfo, Invite, JoinState, Member, Roster, Said, Space, member_of};

impl Roster {
    /// Evaluates a set of statements. Order, grouping and repetition do not matter.
    #[must_use]
    pub fn evaluate<'a>(
        community: &CommunityId,
        statements: impl IntoIterator<Item = &'a Said>,
    ) -> Self {
        let set: BTreeMap<StatementId, &Said> =
            statements.into_iter().map(|said| (said.id, said)).collect();
        let mut evaluation = Evaluation::new(community, &set);
        evaluation.found();
        for rank in Role::DESCENDING {
            evaluation.admit_joins(rank);
            evaluation.apply_grants(rank);
            evaluation.add_devices();
            evaluation.hear(rank);
        }
        evaluation.name_members();
        evaluation.collect_epochs();
        evaluation.roster
    }
}

struct Evaluation<'a> {
    roster: Roster,
    /// Everything but epochs, by author, so that a stratum is heard in one pass.
    by_author: BTreeMap<DeviceId, Vec<&'a Said>>,
    joins: BTreeMap<InviteId, Vec<(&'a Said, &'a Join)>>,
    /// Joins by the member that each would make of its device.
    joins_of: BTreeMap<MemberId, Vec<(DeviceId, &'a Join)>>,
    /// Grants by ranks above, for the stratum of their role.
    grants: BTreeMap<Role, BTreeSet<(MemberId, Scope)>>,
    confirms: BTreeMap<StatementId, Vec<DeviceId>>,
    epochs: Vec<(&'a Said, &'a Epoch)>,
    profiles: Vec<(&'a Said, &'a Profile)>,
    founding: Option<(&'a Said, &'a Found)>,
}

impl<'a> Evaluation<'a> {
    fn new(community: &CommunityId, set: &BTreeMap<StatementId, &'a Said>) -> Self {
        let mut this = Self {
            roster: Roster {
                community: *community,
                title: None,
                members: BTreeMap::new(),
                devices: BTreeMap::new(),
                spaces: BTreeMap::new(),
                invites: BTreeMap::new(),
                epochs: BTreeMap::new(),
            },
            by_author: BTreeMap::new(),
            joins: BTreeMap::new(),
            joins_of: BTreeMap::new(),
            grants: BTreeMap::new(),
            confirms: BTreeMap::new(),
            epochs: Vec::new(),
            profiles: Vec::new(),
            founding: None,
        };
        for said in set.values() {
            match &said.statement {
                Statement::Found(found) => this.founding = this.founding.or(Some((said, found))),
                Statement::Join(join) => {
                    let member = member_of(community, &said.author);
                    let of_member = this.joins_of.entry(member).or_default();
                    of_member.push((said.author, join));
                    this.joins
                        .entry(join.invite)
                        .or_default()
                        .push((said, join));
                }
                Statement::Confirm(confirm) => {
                    this.confirms
                        .entry(confirm.join)
                        .or_default()
                        .push(said.author);
                }
                Statement::Epoch(epoch) => this.epochs.push((said, epoch)),
                Statement::Profile(profile) => this.profiles.push((said, profile)),
                Statement::AddDevice(_)
                | Statement::Discard(_)
                | Statement::Erase(_)
                | Statement::Erased(_)
                | Statement::Grant(_)
                | Statement::Invite(_)
                | Statement::Release(_)
                | Statement::Revoke(_)
                | Statement::Settings(_)
                | Statement::Space(_) => {
                    this.by_author.entry(said.author).or_default().push(said);
                }
            }
        }
        this
    }

    /// The founding statement makes its author the owner. There is one: the community's id is its hash.
    fn found(&mut self) {
        let Some((said, found)) = self.founding else {
            return;
        };
        self.roster.title = Some((said.author, found.title.to_vec()));
        let device = Device {
            member: member_of(&self.roster.community, &said.author),
            sealing: found.sealing,
        };
        self.give(said.author, device, Scope::Community, Role::Owner, false);
    }

    fn give(
        &mut self,
        id: DeviceId,
        device: Device,
        scope: Scope,
        role: Role,
        is_provisional: bool,
    ) {
        let member = self
            .roster
            .members
            .entry(device.member)
            .or_insert_with(|| Member {
                name: None,
                roles: BTreeSet::new(),
                devices: BTreeSet::new(),
                is_provisional,
            });
        member.roles.insert((scope, role));
        member.devices.insert(id);
        member.is_provisional &= is_provisional;
        self.roster.devices.entry(id).or_insert(device);
    }

    /// Joins with invites to this role: every invite to it was given by a higher rank, so all are known.
    fn admit_joins(&mut self, role: Role) {
        let mut invites = std::mem::take(&mut self.roster.invites);
        for invite in invites.values_mut().filter(|invite| invite.role == role) {
            for (statement, join, state) in self.judge_joins(invite) {
                if state.is_accepted {
                    self.admit(join, &state, invite.scope, role);
                }
                invite.joins.insert(statement, state);
            }
        }
        self.roster.invites = invites;
    }

    /// A device that belongs to a member already takes the role up for that member.
    fn admit(&mut self, join: &Join, state: &JoinState, scope: Scope, role: Role) {
        let known = self.roster.member_id(&state.device);
        let member = known.unwrap_or_else(|| member_of(&self.roster.community, &state.device));
        let device = Device {
            member,
            sealing: join.sealing,
        };
        self.give(state.device, device, scope, role, !state.is_confirmed);
    }

    /// Roles that higher ranks gave by name. A member who is granted a role belongs by that word alone,
    /// whoever invited them: a join shows that they once held a ticket of this community.
    fn apply_grants(&mut self, role: Role) {
        for (member, scope) in self.grants.remove(&role).unwrap_or_default() {
            if let Some(known) = self.roster.members.get_mut(&member) {
                known.roles.insert((scope, role));
                known.is_provisional = false;
                continue;
            }
            let joined = self.joins_of.get(&member).and_then(|joins| joins.first());
            // A device that is somebody's already stays theirs.
            if let Some((id, join)) = joined.copied()
                && !self.roster.devices.contains_key(&id)
            {
                let device = Device {
                    member,
                    sealing: join.sealing,
                };
                self.give(id, device, scope, role, false);
            }
        }
    }

    /// A confirmed join counts; others count too, unless more devices have joined than the invite has uses.
    fn judge_joins(&self, invite: &Invite) -> Vec<(StatementId, &'a Join, JoinState)> {
        let mut joins: Vec<_> = self
            .joins
            .get(&invite.id)
            .into_iter()
            .flatten()
            .map(|(said, join)| {
                let is_confirmed = self.is_confirmed(&said.id, invite);
                let state = JoinState {
                    device: said.author,
                    is_confirmed,
                    is_accepted: is_confirmed,
                };
                (said.id, *join, state)
            })
            .collect();
        let devices: BTreeSet<DeviceId> = joins.iter().map(|(_, _, state)| state.device).collect();
        if devices.len() <= usize::from(invite.uses) {
            joins
                .iter_mut()
                .for_each(|(_, _, state)| state.is_accepted = true);
        }
        joins
    }

    fn is_confirmed(&self, join: &StatementId, invite: &Invite) -> bool {
        self.confirms
            .get(join)
            .into_iter()
            .flatten()
            .any(|by| self.roster.may_act(by, &invite.scope, invite.role))
    }

    /// A member's devices add further ones, those add others: until nothing is added.
    fn add_devices(&mut self) {
        let mut queue: Vec<DeviceId> = self.roster.devices.keys().copied().collect();
        while let Some(author) = queue.pop() {
            let Some(member) = self.roster.member_id(&author) else {
                continue;
            };
            let added: Vec<&AddDevice> = self
                .by_author
                .get(&author)
                .into_iter()
                .flatten()
                .filter_map(|said| {
                    let Statement::AddDevice(add) = &said.statement else {
                        return None;
                    };
                    Some(add)
                })
                .collect();
            for add in added {
                if self.roster.devices.contains_key(&add.device)
                    || !add.is_proved(&self.roster.community, &member)
                {
                    continue;
                }
                self.roster.devices.insert(
                    add.device,
                    Device {
                        member,
                        sealing: add.sealing,
                    },
                );
                if let Some(member) = self.roster.members.get_mut(&member) {
                    member.devices.insert(add.device);
                }
                queue.push(add.device);
            }
        }
    }

    /// What members say with the authority of this rank; it acts on lower ranks only.
    fn hear(&mut self, rank: Role) {
        let speakers: Vec<(MemberId, Scope)> = self
            .roster
            .members
            .iter()
            .flat_map(|(id, member)| {
                member
                    .roles
                    .iter()
                    .map(|(scope, role)| (*id, *scope, *role))
            })
            .filter(|(_, _, role)| *role == rank)
            .map(|(id, scope, _)| (id, scope))
            .collect();
        for (member, scope) in speakers {
            let devices = self
                .roster
                .members
                .get(&member)
                .map(|member| member.devices.clone());
            for device in devices.into_iter().flatten() {
                let said = self.by_author.get(&device).cloned().unwrap_or_default();
                said.into_iter()
                    .for_each(|said| self.hear_one(said, rank, &scope));
            }
        }
    }

    fn hear_one(&mut self, said: &Said, rank: Role, scope: &Scope) {
        match &said.statement {
            Statement::Space(space) => {
                if rank >= Role::Coordinator && *scope == Scope::Community {
                    let title = (said.author, space.title.to_vec());
                    self.roster.spaces.insert(said.space, Space { title });
                }
            }
            Statement::Invite(invite) => {
                if rank >= Role::Lead && invite.role < rank && scope.covers(&invite.scope) {
                    self.roster
                        .invites
                        .entry(said.id)
                        .or_insert_with(|| Invite {
                            id: invite.invite,
                            sealing: invite.sealing,
                            scope: invite.scope,
                            role: invite.role,
                            uses: invite.uses,
                            keys: invite.keys.clone(),
                            joins: BTreeMap::new(),
                        });
                }
            }
            Statement::Grant(grant) => {
                if rank >= Role::Lead && grant.role < rank && scope.covers(&grant.scope) {
                    let of_role = self.grants.entry(grant.role).or_default();
                    of_role.insert((grant.member, grant.scope));
                }
            }
            // Their bytes are defined so that they join later without a change of format.
            Statement::Discard(_)
            | Statement::Erase(_)
            | Statement::Erased(_)
            | Statement::Release(_)
            | Statement::Revoke(_)
            | Statement::Settings(_) => {}
            // Heard in passes of their own.
            Statement::AddDevice(_)
            | Statement::Confirm(_)
            | Statement::Epoch(_)
            | Statement::Found(_)
            | Statement::Join(_)
            | Statement::Profile(_) => {}
        }
    }

    /// A member's latest profile, said from any of their devices.
    fn name_members(&mut self) {
        let mut profiles = std::mem::take(&mut self.profiles);
        profiles.sort_by_key(|(said, profile)| (profile.version, said.id));
        for (said, profile) in profiles {
            let member = self.roster.member_id(&said.author);
            if let Some(member) = member.and_then(|id| self.roster.members.get_mut(&id)) {
                member.name = Some((said.author, profile.name.to_vec()));
            }
        }
    }

    /// Epochs by members who may write in the space; sealed copies of several statements add up.
    fn collect_epochs(&mut self) {
        for (said, epoch) in std::mem::take(&mut self.epochs) {
            if !self.roster.may_write(&said.author, &epoch.space) {
                continue;
            }
            let key = (epoch.space, epoch.epoch);
            let info = self.roster.epochs.entry(key).or_insert_with(|| EpochInfo {
                sealed: BTreeMap::new(),
                older: BTreeMap::new(),
            });
            for key in &epoch.keys {
                info.sealed
                    .entry(key.recipient.clone())
                    .or_default()
                    .insert(key.sealed.to_vec());
            }
            for older in &epoch.older {
                info.older
                    .entry(older.epoch)
                    .or_default()
                    .insert(older.wrapped.to_vec());
            }
        }
        self.add_invited_recipients();
    }

    /// What an invite carries is sealed to it as much as what an epoch statement seals to it. Keys of
    /// spaces that it does not open are no word of its author's to say.
    fn add_invited_recipients(&mut self) {
        let Roster {
            community,
            invites,
            epochs,
            ..
        } = &mut self.roster;
        for invite in invites.values() {
            for key in invite
                .keys
                .iter()
                .filter(|key| invite.opens(community, &key.space))
            {
                if let Some(epoch) = epochs.get_mut(&(key.space, key.epoch)) {
                    let copies = epoch
                        .sealed
                        .entry(Recipient::Invite(invite.id))
                        .or_default();
                    copies.insert(key.sealed.to_vec());
                }
            }
        }
    }
}
