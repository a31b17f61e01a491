//! Rights: roles given to members by name, and what this device's member may do by theirs.

use crate::id::{DeviceId, LaneId, MemberId};
use crate::replica::found::random;
use crate::replica::{Moment, Replica, ReplicaError};
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{Grant, Statement};
use crate::store::ViewRow;

impl Replica {
    /// The member of this name, or whose id begins so (at least four letters of it).
    ///
    /// # Errors
    /// [`ReplicaError::UnknownMember`], or [`ReplicaError::AmbiguousMember`] if several fit.
    pub fn find_member(&self, typed: &str) -> Result<MemberId, ReplicaError> {
        let members = self.mind.roster.members();
        let named: Vec<MemberId> = members
            .iter()
            .filter(|(_, member)| {
                let name = member.name.as_ref();
                name.and_then(|name| self.mind.open_text(name)).as_deref() == Some(typed)
            })
            .map(|(id, _)| *id)
            .collect();
        let begins = |id: &&MemberId| typed.len() >= 4 && id.to_string().starts_with(typed);
        let found = if named.is_empty() {
            members.keys().filter(begins).copied().collect()
        } else {
            named
        };
        match found.as_slice() {
            [] => Err(ReplicaError::UnknownMember(typed.to_owned())),
            [only] => Ok(*only),
            _ => Err(ReplicaError::AmbiguousMember(typed.to_owned())),
        }
    }

    /// The role by which this device's member may begin a record, whatever is in it.
    ///
    /// # Errors
    /// As [`Replica::create`], where that does not depend on the fields.
    pub fn role_to_create(&self, kind: &str, space: LaneId) -> Result<Role, ReplicaError> {
        self.mind.role_to_create(kind, space)
    }

    /// The role by which this device's member may edit a record, whatever of it.
    ///
    /// # Errors
    /// As [`Replica::edit`], where that does not depend on the fields.
    pub fn role_to_edit(&self, row: &ViewRow) -> Result<Role, ReplicaError> {
        self.role_to_edit_as(&row.kind, &row.space, &row.created_by)
    }

    /// The same of a record of which only this is known.
    ///
    /// # Errors
    /// The same.
    pub fn role_to_edit_as(
        &self,
        kind: &str,
        space: &LaneId,
        created_by: &DeviceId,
    ) -> Result<Role, ReplicaError> {
        let kind = self.mind.kind(kind)?;
        self.mind.role_to_edit(&kind, space, created_by)
    }

    /// Whether a device is this member's.
    #[must_use]
    pub fn is_ours(&self, device: &DeviceId) -> bool {
        self.mind.is_our_device(device)
    }

    /// Gives a member a role, in one space or the whole community; says whether they lacked it.
    ///
    /// Roles add up: who is given a higher one keeps the lower. Reading keys of spaces that the role
    /// opens are handed on with it.
    ///
    /// # Errors
    /// [`ReplicaError::NotAllowed`] unless this device's rank there is above the role; the store's.
    pub fn grant(
        &mut self,
        member: MemberId,
        scope: Scope,
        role: Role,
        moment: &mut Moment<'_>,
    ) -> Result<bool, ReplicaError> {
        self.act(|tx, mind| {
            mind.require_above(role, &scope)?;
            let known = mind.roster.members().get(&member);
            let known = known.ok_or_else(|| ReplicaError::UnknownMember(member.to_string()))?;
            if known.roles.contains(&(scope, role)) {
                return Ok(false);
            }
            let nonce = random::<16>(moment).to_vec().into();
            mind.say(
                tx,
                &Statement::Grant(Grant {
                    member,
                    scope,
                    role,
                    nonce,
                    at: Some(moment.now.0),
                }),
            )?;
            mind.keep_house(tx, moment)?;
            Ok(true)
        })
    }
}
