//! Receipts: taken from whoever signed them, kept with the group, and told to the others now and then.

use std::collections::BTreeSet;

use sync_core::id::{CommunityId, Millis};
use sync_core::receipt::RECEIPT_PAUSE_MILLIS;
use sync_core::wire::Refusal;
use sync_core::wire::receipts::{RECEIPTS_MAX, ReceiptRow, Receipts};

use super::{ConnId, Failed, Group, Relay};
use crate::ledger::Reason;
use crate::limits::RECEIPT_LOOK_MILLIS;
use crate::log::BatchLog;

impl<L: BatchLog> Relay<L> {
    /// Takes a device's own receipt.
    pub(super) fn take_receipts(
        &mut self,
        conn: ConnId,
        id: &CommunityId,
        receipts: &Receipts,
        group: &mut Group,
    ) {
        let refused = match receipts.rows.as_slice() {
            [] => Ok(()),
            [row] => self.take_receipt(conn, id, (receipts, row), group),
            // A device has read for itself alone.
            [_, _, ..] => Err(Refusal::TooLarge),
        };
        let Err(refusal) = refused else { return };
        self.count_refused(Reason::Refused(refusal), 1);
        if let Some(session) = self.conns.get_mut(&conn).and_then(super::Conn::session_mut) {
            session.refuse(refusal, None);
            group.stirred.insert(conn);
        }
    }

    fn take_receipt(
        &mut self,
        conn: ConnId,
        id: &CommunityId,
        (receipts, row): (&Receipts, &ReceiptRow),
        group: &mut Group,
    ) -> Result<(), Refusal> {
        let (Some(state), Some(carrying)) = (self.conns.get(&conn), self.communities.get(id))
        else {
            return Ok(());
        };
        let signed = row.receipt(receipts.store);
        let community = &carrying.community;
        let Some(receipt) = community.judge_receipt(signed, &state.device, &self.log)? else {
            return Ok(());
        };
        group.receipted.insert(*id);
        group.heard.insert(conn);
        let kept = self.open_group(group).and_then(|()| {
            let carrying = self.communities.get_mut(id);
            carrying.map_or(Ok(()), |carrying| {
                carrying.community.keep_receipt(receipt, &mut self.log)
            })
        });
        if let Err(error) = kept {
            // Told with the others once the group has been rolled back.
            let community = group.is_open.then_some(*id);
            group.failure.get_or_insert(Failed { error, community });
        }
        Ok(())
    }

    /// Answers a member that asks for the receipts after a number.
    pub(super) fn answer_receipts(&mut self, conn: ConnId, after: u64, group: &mut Group) {
        if self.tell_receipts(conn, Some(after)) {
            group.stirred.insert(conn);
        }
    }

    /// Those who listen hear of what this group has kept.
    pub(super) fn note_receipts(&mut self, group: &Group) {
        for id in &group.receipted {
            if let Some(carrying) = self.communities.get(id) {
                self.untold.extend(carrying.conns.iter().copied());
            }
        }
    }

    /// Tells those who have not been told of receipts for a while.
    pub(super) fn push_receipts(&mut self, now: Millis, group: &mut Group) {
        let passed = |since: Millis| now.0.saturating_sub(since.0);
        let is_over =
            |since, pause: u64| u64::try_from(passed(since)).is_ok_and(|passed| passed >= pause);
        if self.untold.is_empty() || !is_over(self.receipts_looked_at, RECEIPT_LOOK_MILLIS) {
            return;
        }
        self.receipts_looked_at = now;
        let mut later = BTreeSet::new();
        for conn in std::mem::take(&mut self.untold) {
            let live = self.conns.get(&conn).and_then(|state| state.live.as_ref());
            let Some(live) = live.filter(|live| live.session.knows_receipts()) else {
                continue;
            };
            // Whoever does not read is not told more and more.
            let is_due = live
                .receipts_at
                .is_none_or(|at| is_over(at, RECEIPT_PAUSE_MILLIS));
            if !is_due || live.session.queued() > 0 {
                later.insert(conn);
                continue;
            }
            if self.tell_receipts(conn, None) {
                group.stirred.insert(conn);
                if let Some(state) = self.conns.get_mut(&conn)
                    && let Some(live) = &mut state.live
                {
                    live.receipts_at = Some(now);
                }
                // There may be more than one frame holds.
                later.insert(conn);
            }
        }
        self.untold = later;
    }

    /// Tells a member of receipts after a number, or of those that it has not been told of; says whether
    /// there was anything to say. An answer is always given.
    fn tell_receipts(&mut self, conn: ConnId, asked: Option<u64>) -> bool {
        let Some(state) = self.conns.get_mut(&conn) else {
            return false;
        };
        let Some(live) = state.live.as_mut().filter(|live| !live.is_seeding) else {
            return false;
        };
        let Some(carrying) = self.communities.get(&live.community) else {
            return false;
        };
        let community = &carrying.community;
        // A former member hears what became of it, and nothing of the others.
        let belongs = community.roster().devices().contains_key(&state.device);
        let after = asked.unwrap_or(live.receipts_told);
        let limit = if belongs { RECEIPTS_MAX } else { 0 };
        let (found, upto) = community.receipts_after(after, &state.device, limit);
        if asked.is_none() && found.is_empty() {
            live.receipts_told = live.receipts_told.max(upto);
            return false;
        }
        let rows = found.into_iter().map(ReceiptRow::from).collect();
        live.receipts_told = live.receipts_told.max(upto);
        live.session.tell_receipts(Receipts {
            store: self.log.store_id(),
            after,
            upto,
            rows,
        });
        true
    }
}
