//! The roster's acts: who said what about who belongs, from which device, and whether it counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::entry::{Body, EntryKind};
use crate::id::{DeviceId, MemberId, Seq};
use crate::replica::mind::each_in_lane;
use crate::replica::{Replica, ReplicaError};
use crate::roster::role::{Role, Scope};
use crate::roster::statement::{Statement, StatementId, Stretch, Target};
use crate::roster::{Invite, JoinState, Roster, Said, space_of};

/// Joins by their statement, each with the invitation that it takes up.
type Joins<'a> = BTreeMap<StatementId, (&'a Invite, JoinState)>;

/// One statement in the roster, in the order in which it came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who said it.
    pub by: String,
    /// From which device, whose signature it carries.
    pub device: DeviceId,
    /// Its place in that device's log.
    pub seq: Seq,
    /// The word for what is said, as in docs/protocol.md §5.
    pub kind: &'static str,
    /// What it is about.
    pub about: About,
    /// Whether it has an effect: its author's rank suffices.
    pub counts: bool,
    /// Not sealed yet: nobody else has it.
    pub is_pending: bool,
}

/// What an act is about; what it does not say is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct About {
    /// A member, a community or a space, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// The space that it holds in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// What was taken away: `member`, `device`, `grant` or `invite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<&'static str>,
    /// How many people an invitation is for, or how many keys were handed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl Replica {
    /// Every statement of the roster that this version can read, those without effect too.
    ///
    /// # Errors
    /// The store's.
    pub fn acts(&self) -> Result<Vec<Act>, ReplicaError> {
        let lane = self.mind.roster_lane;
        let joins = self.joins();
        let (_, counted) = Roster::evaluate_counting(&self.mind.community, &self.mind.book);
        let known = (&joins, &counted);
        let mut acts = Vec::new();
        each_in_lane(&*self.store, &lane, |batch| {
            let device = batch.log().device;
            acts.extend(batch.entries().filter_map(|entry| match entry.body {
                Body::Present(bytes) => self.act_of(known, device, (entry.seq, entry.kind, bytes)),
                Body::Erased { .. } => None,
            }));
        })?;
        for row in self.store.pending()? {
            if row.lane == lane {
                let said = (row.seq, row.kind, row.bytes.as_slice());
                let act = self.act_of(known, self.mind.us, said);
                acts.extend(act.map(|act| Act {
                    is_pending: true,
                    ..act
                }));
            }
        }
        Ok(acts)
    }

    /// The joins of all invitations, by their statement.
    fn joins(&self) -> Joins<'_> {
        let invites = self.mind.roster.invites().values();
        invites
            .flat_map(|invite| {
                let states = invite.joins.iter();
                states.map(move |(join, state)| (*join, (invite, *state)))
            })
            .collect()
    }

    fn act_of(
        &self,
        (joins, counted): (&Joins<'_>, &BTreeSet<StatementId>),
        device: DeviceId,
        (seq, kind, bytes): (Seq, EntryKind, &[u8]),
    ) -> Option<Act> {
        let roster = &self.mind.roster;
        let said = Said::read(&self.mind.community, device, kind, bytes)?;
        Some(Act {
            by: self.name_of(&device),
            device,
            seq,
            kind: kind.word()?,
            about: self.about(joins, &said, bytes),
            counts: counted.contains(&said.id) || roster.revocations().contains(&said.id),
            is_pending: false,
        })
    }

    fn about(&self, joins: &Joins<'_>, said: &Said, bytes: &[u8]) -> About {
        let mind = &self.mind;
        let text = |sealed: &[u8]| mind.open_text(&(said.author, sealed.to_vec()));
        let named = |name: Option<String>| About {
            name,
            ..About::default()
        };
        match &said.statement {
            Statement::Found(found) => named(text(&found.title)),
            Statement::Space(space) => {
                let id = space_of(&mind.community, &said.author, bytes);
                named(text(&space.title).or_else(|| Some(id.short())))
            }
            Statement::Invite(invite) => About {
                count: Some(u64::from(invite.uses)),
                ..self.right(None, invite.role, &invite.scope)
            },
            Statement::Join(join) => {
                let invite = mind.roster.invites_of(join.invite).next();
                invite.map_or_else(About::default, |invite| {
                    self.right(None, invite.role, &invite.scope)
                })
            }
            Statement::Confirm(confirm) => {
                let joined = joins.get(&confirm.join);
                named(joined.map(|(_, state)| self.name_of(&state.device)))
            }
            Statement::Grant(grant) => self.right(Some(&grant.member), grant.role, &grant.scope),
            Statement::AddDevice(add) => named(Some(add.device.short())),
            Statement::Profile(profile) => named(text(&profile.name)),
            Statement::Epoch(epoch) => About {
                space: Some(self.space_name(&epoch.space)),
                count: Some(epoch.keys.len() as u64),
                ..About::default()
            },
            Statement::Discard(said) | Statement::Release(said) => About {
                count: Some(said.entries.iter().map(Stretch::len).sum()),
                ..About::default()
            },
            Statement::Erase(_) | Statement::Erased(_) | Statement::Settings(_) => About::default(),
            Statement::Revoke(revoke) => self.about_removal(&revoke.target),
        }
    }

    fn about_removal(&self, target: &Target) -> About {
        let member = |member: &MemberId| Some(self.member_name(member));
        let (word, name) = match target {
            Target::Member(id) => ("member", member(id)),
            Target::Device(device) => ("device", Some(device.short())),
            Target::Grant(source) => {
                let to = self.mind.given_to(source);
                ("grant", to.and_then(|id| member(&id)))
            }
            Target::Invite(_) => ("invite", None),
        };
        About {
            name,
            target: Some(word),
            ..About::default()
        }
    }

    fn right(&self, member: Option<&MemberId>, role: Role, scope: &Scope) -> About {
        About {
            name: member.map(|member| self.member_name(member)),
            role: Some(role.name()),
            space: match scope {
                Scope::Community => None,
                Scope::Space(space) => Some(self.space_name(space)),
            },
            target: None,
            count: None,
        }
    }
}
