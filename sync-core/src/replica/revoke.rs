//! Rights taken away: each log of who loses them ends where it has come to here.

use crate::id::{DeviceId, InviteId, LogId, MemberId};
use crate::replica::found::random;
use crate::replica::ingest::Ingested;
use crate::replica::mind::Mind;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::roster::follow::change::Change;
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{Cut, Revoke, Statement, StatementId, Target};
use crate::store::StoreTx;

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Everything that a member may do, as far as this device's rank and scope reach.
    Member(MemberId),
    /// The same on one device.
    Device(DeviceId),
    /// One role of a member, whoever gave it.
    Role(MemberId, Scope, Role),
    /// An invitation: nobody joins with it any more, who has joined stays.
    Invite(InviteId),
}

impl Replica {
    /// Whether this device belonged here and was removed.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.mind.is_removed()
    }

    /// The device whose id begins so (at least four letters of it), one that belongs or belonged.
    ///
    /// # Errors
    /// [`ReplicaError::UnknownDevice`], also if several fit.
    pub fn find_device(&self, typed: &str) -> Result<DeviceId, ReplicaError> {
        let roster = &self.mind.roster;
        let devices = roster.devices().keys().chain(roster.former().keys());
        let begins = |id: &&DeviceId| typed.len() >= 4 && id.to_string().starts_with(typed);
        match devices.filter(begins).collect::<Vec<_>>().as_slice() {
            [only] => Ok(**only),
            _ => Err(ReplicaError::UnknownDevice(typed.to_owned())),
        }
    }

    /// Takes rights away, from the next entry of each log on that has not come here yet.
    ///
    /// What was written until then stays; what comes later is held on every device. Reading keys are
    /// made anew at once, so that who was removed cannot read what is written from now on.
    ///
    /// # Errors
    /// [`ReplicaError::NotAllowed`] or [`ReplicaError::OwnerStays`] if this device's rank there does not
    /// suffice, [`ReplicaError::NothingToRevoke`] if there is nothing to take away; the store's.
    pub fn revoke(
        &mut self,
        removal: &Removal,
        moment: &mut Moment<'_>,
    ) -> Result<Ingested, ReplicaError> {
        self.act(|tx, mind| {
            mind.require_member()?;
            // What is not sealed yet would end before its first entry if it is our own.
            mind.seal_pending(tx, moment)?;
            let mut change = Change::default();
            for target in mind.targets(removal) {
                let cuts = mind.cuts(tx, &target)?;
                let nonce = random::<16>(moment).to_vec().into();
                let revoke = Revoke {
                    target,
                    cuts,
                    nonce,
                };
                change.then(mind.say(tx, &Statement::Revoke(revoke))?);
            }
            if !change.has_narrowed(&mind.roster) {
                return Err(mind.why_not(removal));
            }
            let done = mind.follow_roster(tx, &change)?;
            mind.keep_house(tx, moment)?;
            Ok(done)
        })
    }
}

impl Mind {
    /// Why a removal took nothing away: whoever has the right is not below us.
    fn why_not(&self, removal: &Removal) -> ReplicaError {
        let highest = match removal {
            Removal::Member(member) => self.highest_role(member),
            Removal::Device(device) => {
                let member = self
                    .roster
                    .devices()
                    .get(device)
                    .map(|device| device.member);
                member.and_then(|member| self.highest_role(&member))
            }
            Removal::Role(member, scope, role) => {
                let member = self.roster.members().get(member);
                let has = member.is_some_and(|member| member.roles.contains(&(*scope, *role)));
                has.then_some(*role)
            }
            Removal::Invite(invite) => {
                let mut invites = self.roster.invites_of(*invite);
                let open = invites.find(|invite| !invite.is_revoked);
                open.map(|invite| invite.role)
            }
        };
        match highest {
            None => ReplicaError::NothingToRevoke,
            Some(Role::Owner) => ReplicaError::OwnerStays,
            Some(role) => ReplicaError::NotAllowed {
                least: role.above().max(Role::Lead),
            },
        }
    }

    fn highest_role(&self, member: &MemberId) -> Option<Role> {
        let member = self.roster.members().get(member)?;
        member.roles.iter().map(|(_, role)| *role).max()
    }

    /// The targets of a removal: a role may have been given more than once.
    fn targets(&self, removal: &Removal) -> Vec<Target> {
        match removal {
            Removal::Member(member) => vec![Target::Member(*member)],
            Removal::Device(device) => vec![Target::Device(*device)],
            Removal::Invite(invite) => vec![Target::Invite(*invite)],
            Removal::Role(member, scope, role) => {
                let granted = self.book.statements().filter_map(|said| {
                    let Statement::Grant(grant) = &said.statement else {
                        return None;
                    };
                    let key = (grant.member, grant.scope, grant.role);
                    (key == (*member, *scope, *role)).then_some(said.id)
                });
                let granted: Vec<StatementId> = granted.collect();
                let joined = self.joins_of(member, scope, *role);
                granted
                    .into_iter()
                    .chain(joined)
                    .map(Target::Grant)
                    .collect()
            }
        }
    }

    /// The joins by which a member took a role up.
    fn joins_of<'a>(
        &'a self,
        member: &'a MemberId,
        scope: &'a Scope,
        role: Role,
    ) -> impl Iterator<Item = StatementId> + 'a {
        let invites = self.roster.invites().values();
        invites
            .filter(move |invite| invite.scope == *scope && invite.role == role)
            .flat_map(|invite| &invite.joins)
            .filter(|(_, join)| self.roster.member_id(&join.device) == Some(*member))
            .map(|(id, _)| *id)
    }

    /// The logs that a target is about, as far as they have come here.
    fn cuts(&self, tx: &dyn StoreTx, target: &Target) -> Result<Vec<Cut>, ReplicaError> {
        let given_to = match target {
            Target::Grant(source) => self.given_to(source),
            Target::Member(_) | Target::Device(_) | Target::Invite(_) => None,
        };
        let is_meant = |log: &LogId| match target {
            Target::Member(member) => self.roster.member_id(&log.device) == Some(*member),
            Target::Device(device) => log.device == *device,
            Target::Grant(_) => {
                given_to.is_some() && self.roster.member_id(&log.device) == given_to
            }
            Target::Invite(invite) => {
                let joins = self.roster.invites_of(*invite).flat_map(|it| &it.joins);
                let mut joined = joins.filter(|(_, join)| join.is_accepted);
                let is_roster = log.lane == self.roster_lane;
                is_roster && joined.any(|(_, join)| join.device == log.device)
            }
        };
        let mut cuts = Vec::new();
        for log in tx.logs()?.into_iter().filter(is_meant) {
            cuts.push(Cut::at(&log, &tx.head(&log)?));
        }
        Ok(cuts)
    }

    /// The member to whom a grant or join gave a role.
    pub(super) fn given_to(&self, source: &StatementId) -> Option<MemberId> {
        let said = self.book.statements().find(|said| said.id == *source)?;
        if let Statement::Grant(grant) = &said.statement {
            return Some(grant.member);
        }
        self.roster.member_id(&said.author)
    }
}
