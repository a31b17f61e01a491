//! What statements are about: where to look again when one comes, or counts no more.

use crate::id::{DeviceId, EpochId, InviteId, LaneId, LogId, MemberId};
use crate::roster::Said;
use crate::roster::statement::{Release, Revoke, Statement, StatementId, Target};

/// Something that is settled by what is said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// What a member may do.
    Member(MemberId),
    /// Whose a device is, and what it says of itself.
    Device(DeviceId),
    /// An invitation and who took it up.
    Ticket(InviteId),
    /// A statement that stands for itself: a grant, a join, a space.
    Statement(StatementId),
    /// A reading key.
    Epoch(LaneId, EpochId),
    /// The verdicts on a log.
    Log(LogId),
    /// What was erased.
    Erasures,
}

impl Said {
    /// Everything that the statement is about.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        let by = Subject::Device(self.author);
        let itself = Subject::Statement(self.id);
        // A founding or a join makes its author somebody.
        let root = self.root_of.map(Subject::Member);
        match &self.statement {
            Statement::AddDevice(add) => vec![by, Subject::Device(add.device)],
            Statement::Confirm(confirm) => vec![Subject::Statement(confirm.join)],
            Statement::Discard(decision) | Statement::Release(decision) => logs_of(decision),
            Statement::Epoch(epoch) => vec![Subject::Epoch(epoch.space, epoch.epoch)],
            Statement::Erase(_) => vec![Subject::Erasures],
            Statement::Erased(_) | Statement::Profile(_) => vec![by],
            Statement::Found(found) => {
                let sheet = InviteId::new(*found.recovery.as_bytes());
                root.into_iter()
                    .chain([by, Subject::Ticket(sheet)])
                    .collect()
            }
            Statement::Grant(grant) => vec![itself, Subject::Member(grant.member)],
            Statement::Invite(invite) => vec![Subject::Ticket(invite.invite)],
            Statement::Join(join) => {
                let ticket = Subject::Ticket(join.invite);
                root.into_iter().chain([by, itself, ticket]).collect()
            }
            Statement::Revoke(revoke) => vec![target_of(revoke)],
            Statement::Settings(_) | Statement::Space(_) => vec![itself],
        }
    }
}

fn logs_of(decision: &Release) -> Vec<Subject> {
    let stretches = decision.entries.iter();
    stretches
        .map(|stretch| Subject::Log(stretch.log()))
        .collect()
}

fn target_of(revoke: &Revoke) -> Subject {
    match revoke.target {
        Target::Member(member) => Subject::Member(member),
        Target::Device(device) => Subject::Device(device),
        Target::Grant(source) => Subject::Statement(source),
        Target::Invite(ticket) => Subject::Ticket(ticket),
    }
}
