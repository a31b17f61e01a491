//! What the roster says about the log: which branches count, whose receipts, and which contents go. Those leave the log,
//! then its file, then the relay says so.
//!
//! It is done after the group in which the word came has committed, in a transaction of its own. A
//! kill in between is made up for when the community is read again: what is still there is found by the
//! roster, and the file of a log that is opened is scrubbed before anything is said of it.

use std::collections::BTreeSet;

use sync_core::id::{CommunityId, Millis};
use sync_core::roster::statement::StatementId;
use sync_core::store::StoreError;
use sync_core::wire::erased::HasErased;

use super::{ConnId, Group, Relay};
use crate::community::Community;
use crate::limits::SCRUB_PAUSE_MILLIS;
use crate::log::BatchLog;

impl<L: BatchLog> Relay<L> {
    /// Settles branches and drops what was erased in the communities that this group is about.
    pub(super) fn obey_rosters(&mut self, group: &Group) {
        let touched = group.touched.iter();
        let greeted = group.stirred.iter().filter_map(|conn| {
            let state = self.conns.get(conn)?;
            state.community()
        });
        let ids: BTreeSet<CommunityId> = touched.copied().chain(greeted).collect();
        for id in ids {
            let carrying = self.communities.get(&id);
            if !carrying.is_some_and(|carrying| carrying.community.owes_the_roster()) {
                continue;
            }
            if let Err(error) = self.obey_roster(&id) {
                self.log.rollback();
                tracing::error!(%error, community = id.short(), "its roster is not obeyed yet");
            }
        }
    }

    fn obey_roster(&mut self, id: &CommunityId) -> Result<(), StoreError> {
        let Some(carrying) = self.communities.get_mut(id) else {
            return Ok(());
        };
        self.log.begin()?;
        let community = &mut carrying.community;
        let done = community
            .settle_branches(&mut self.log)
            .and_then(|()| community.drop_receipts(&mut self.log))
            .and_then(|()| community.carry_out_erasures(&mut self.log))
            .and_then(|has_erased| self.log.commit().map(|()| has_erased));
        match done {
            Ok(has_erased) => {
                self.is_scrub_due |= has_erased;
                Ok(())
            }
            Err(error) => {
                // What is in memory may be ahead of the log.
                self.log.rollback();
                carrying.community = Community::load(*id, &self.log)?;
                Err(error)
            }
        }
    }

    /// Takes what was erased out of the log's file, at most so often: it takes as long as the file is large.
    pub(super) fn scrub(&mut self, now: Millis) {
        let Millis(last) = self.scrubbed_at;
        let mut communities = self.communities.values();
        let is_asked = communities.any(|it| it.community.has_erased());
        if !self.is_scrub_due || !is_asked || now.0 < last.saturating_add(SCRUB_PAUSE_MILLIS) {
            return;
        }
        self.scrubbed_at = now;
        match self.log.scrub() {
            Ok(()) => self.is_scrub_due = false,
            Err(error) => tracing::warn!(%error, "the file of the log is not scrubbed yet"),
        }
    }

    /// Says which of these erasures have left the log and its file.
    pub(super) fn answer_erased(
        &mut self,
        conn: ConnId,
        id: &CommunityId,
        asked: &[StatementId],
        group: &mut Group,
    ) {
        let Some(carrying) = self.communities.get(id) else {
            return;
        };
        let asked: BTreeSet<StatementId> = asked.iter().copied().collect();
        let statements = if self.is_scrub_due {
            Vec::new()
        } else {
            carrying.community.carried_out(&asked)
        };
        let store = self.log.store_id();
        let word = match HasErased::sign(&*self.signer, id, store, statements) {
            Ok(word) => word,
            Err(error) => {
                tracing::error!(%error, "the relay's key does not sign");
                return;
            }
        };
        if let Some(session) = self.conns.get_mut(&conn).and_then(super::Conn::session_mut) {
            session.tell_erased(word);
            group.stirred.insert(conn);
        }
    }
}
