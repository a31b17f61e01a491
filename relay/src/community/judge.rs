//! Who belongs, and which batches are taken from whom.

use std::collections::BTreeSet;

use sync_core::entry::VerifiedBatch;
use sync_core::id::{DeviceId, Incarnation, InviteId, LaneId, LogId, Seq};
use sync_core::roster::Said;
use sync_core::roster::statement::Statement;
use sync_core::store::StoreError;
use sync_core::wire::Refusal;

use super::Community;
use crate::limits::{JOINS_SPARE, LOGS_PER_DEVICE_MAX, Limits};
use crate::log::BatchLog;

impl Community {
    /// Whether a device belongs, now that its join has been heard: a proved join is worth a look,
    /// however many came before it in the group.
    ///
    /// # Errors
    /// The log's.
    pub fn names_joiner(
        &mut self,
        device: &DeviceId,
        log: &dyn BatchLog,
    ) -> Result<bool, StoreError> {
        self.refresh(log)?;
        Ok(self.roster.knows(device))
    }

    /// Whether a device belongs; looks again if something came since.
    ///
    /// # Errors
    /// The log's.
    pub fn names(&mut self, device: &DeviceId, log: &dyn BatchLog) -> Result<bool, StoreError> {
        if !self.roster.knows(device) {
            self.refresh(log)?;
        }
        Ok(self.roster.knows(device))
    }

    /// Why a batch may not be stored, as far as it can be told before its signature is checked.
    ///
    /// A device that the roster does not name may still begin a log in the roster lane:
    /// [`Community::may_begin`] judges that once the batch is verified. What somebody wrote who was let in
    /// without effect, or may only read, is taken from a member who brings it (`by`): they took it in good
    /// faith, others may have built on it, and all hold it alike.
    ///
    /// # Errors
    /// The log's.
    pub fn judge(
        &mut self,
        id: &LogId,
        by: &DeviceId,
        bytes: u64,
        limits: &Limits,
        log: &dyn BatchLog,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let of_device = self
            .device_bytes
            .get(&id.device)
            .copied()
            .unwrap_or_default();
        if self.bytes.saturating_add(bytes) > limits.community_bytes_max
            || of_device.saturating_add(bytes) > limits.device_bytes_max
        {
            return Ok(Err(Refusal::OverQuota));
        }
        if !self.logs.contains_key(id) && self.logs_of(id) >= LOGS_PER_DEVICE_MAX {
            return Ok(Err(Refusal::OverQuota));
        }
        if id.lane == self.roster_lane {
            let may_begin = !self.logs.contains_key(id);
            // Not asked of those who begin: a founder brings hundreds of them, one after the other.
            return Ok(
                if may_begin || self.names(&id.device, log)? || self.is_vouched(id, by) {
                    Ok(())
                } else {
                    Err(Refusal::NotAMember)
                },
            );
        }
        if self.may_write(id) {
            return Ok(Ok(()));
        }
        self.refresh(log)?;
        if self.may_write(id) || (self.is_lane(&id.lane) && self.is_vouched(id, by)) {
            return Ok(Ok(()));
        }
        let is_named = self.roster.knows(&id.device);
        Ok(Err(if is_named {
            Refusal::NotAllowed
        } else {
            Refusal::NotAMember
        }))
    }

    /// How many logs the device has in the lane.
    fn logs_of(&self, id: &LogId) -> usize {
        let first = LogId {
            incarnation: Incarnation::ZERO,
            ..*id
        };
        let of_device = self.logs.range(first..);
        of_device
            .take_while(|(log, _)| (log.lane, log.device) == (id.lane, id.device))
            .count()
    }

    fn is_lane(&self, lane: &LaneId) -> bool {
        *lane == self.commons || self.roster.spaces().contains_key(lane)
    }

    fn may_write(&self, id: &LogId) -> bool {
        self.is_lane(&id.lane) && self.roster.may_have_written(&id.device, &id.lane)
    }

    /// Whether a member brings what another device wrote that was let in once, by whomever.
    #[must_use]
    pub fn is_vouched(&self, id: &LogId, by: &DeviceId) -> bool {
        let is_others = *by != id.device && self.roster.devices().contains_key(by);
        is_others && self.book.has_heard_of(&id.device)
    }

    /// Whether a verified batch of a device that the roster does not name may begin its log: it
    /// founds this community, or it takes up an invitation that somebody gave, and not many more did.
    /// Who brings a whole roster (`is_seeding`) may bring the taking up before the giving.
    #[must_use]
    pub fn may_begin(&self, batch: &VerifiedBatch, is_seeding: bool) -> bool {
        if batch.place().first_seq != Seq::FIRST {
            return false;
        }
        Said::in_batch(&self.id, batch).next().is_some_and(|said| {
            if let Statement::Join(join) = &said.statement {
                return is_seeding || self.may_be_taken_up(&join.invite);
            }
            matches!(said.statement, Statement::Found(_))
        })
    }

    /// Whether somebody gave this invitation, and not many more have taken it up than it is for.
    fn may_be_taken_up(&self, ticket: &InviteId) -> bool {
        let uses = usize::from(self.uses_of(ticket));
        uses > 0 && self.joins_of(ticket) < uses + JOINS_SPARE
    }

    /// How many devices have taken up an invitation, whether or not that counts.
    fn joins_of(&self, ticket: &InviteId) -> usize {
        let joins = self.book.statements().filter(
            |said| matches!(&said.statement, Statement::Join(join) if join.invite == *ticket),
        );
        joins.count()
    }

    /// How many people an invitation is for, by any statement that gives it; 0 if none does.
    fn uses_of(&self, ticket: &InviteId) -> u16 {
        self.book
            .statements()
            .filter_map(|said| match &said.statement {
                Statement::Invite(invite) => (invite.invite == *ticket).then_some(invite.uses),
                // The recovery sheet is for as many as ever need it.
                Statement::Found(found) => {
                    (found.recovery.as_bytes() == ticket.as_bytes()).then_some(u16::MAX)
                }
                Statement::AddDevice(_)
                | Statement::Confirm(_)
                | Statement::Discard(_)
                | Statement::Epoch(_)
                | Statement::Erase(_)
                | Statement::Erased(_)
                | Statement::Grant(_)
                | Statement::Join(_)
                | Statement::Profile(_)
                | Statement::Release(_)
                | Statement::Revoke(_)
                | Statement::Settings(_)
                | Statement::Space(_) => None,
            })
            .max()
            .unwrap_or_default()
    }

    /// Whether a device that is no member may join with this verified batch: it must be one entry,
    /// a proved join by an invitation that the roster knows and that is not used up.
    ///
    /// # Errors
    /// What the joiner is told.
    pub fn may_join(&self, batch: &VerifiedBatch) -> Result<(), Refusal> {
        let device = batch.log().device;
        let mut said = Said::in_batch(&self.id, batch);
        let (Some(first), 1) = (said.next(), batch.count()) else {
            return Err(Refusal::BadFrame);
        };
        let Statement::Join(join) = first.statement else {
            return Err(Refusal::BadFrame);
        };
        let uses: usize = self
            .roster
            .invites_of(join.invite)
            .filter(|invite| !invite.is_revoked)
            .map(|invite| usize::from(invite.uses))
            .sum();
        if uses == 0 {
            return Err(Refusal::InviteUnknown);
        }
        let others: BTreeSet<DeviceId> = self
            .book
            .statements()
            .filter(|said| {
                matches!(&said.statement, Statement::Join(other) if other.invite == join.invite)
            })
            .map(|said| said.author)
            .filter(|other| *other != device)
            .collect();
        if others.len() < uses {
            Ok(())
        } else {
            Err(Refusal::InviteUsed)
        }
    }
}
