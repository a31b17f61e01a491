//! One community in memory: who belongs, where its logs stand, and its newest batches.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use sync_core::entry::VerifiedBatch;
use sync_core::entry::branches::{Node, settle};
use sync_core::entry::place::{Link, LogView};
use sync_core::id::{
    Arrival, ChainHash, CommunityId, DeviceId, Head, Incarnation, InviteId, LaneId, LogId, Seq,
    StoreId,
};
use sync_core::roster::book::Book;
use sync_core::roster::erasure::Erasures;
use sync_core::roster::follow::News;
use sync_core::roster::statement::{Statement, StatementId};
use sync_core::roster::{Roster, Said, commons, roster_lane};
use sync_core::session::carrier::{BatchRef, Carried, Carrier, Lost, lane_digest};
use sync_core::store::StoreError;
use sync_core::wire::{Digest, Refusal, Totals};

use crate::limits::{
    COMMUNITY_BYTES, JOINS_SPARE, LOG_BYTES, LOGS_PER_DEVICE_MAX, Limits, ROSTER_FACTOR,
    STATEMENTS_PER_FRAME,
};
use crate::log::{Appended, BatchLog, CommunityState, LogState, Spot};

/// Bytes of the roster that are read at once.
const ROSTER_STEP_BYTES: usize = 1024 * 1024;

/// One community in memory.
#[derive(Debug)]
pub struct Community {
    id: CommunityId,
    roster_lane: LaneId,
    commons: LaneId,
    tip: Arrival,
    lanes: BTreeMap<LaneId, Arrival>,
    logs: BTreeMap<LogId, LogState>,
    bytes: u64,
    roster_bytes: u64,
    device_bytes: BTreeMap<DeviceId, u64>,
    digests: RefCell<BTreeMap<LaneId, Digest>>,
    /// Batches of losing branches, by lane.
    lost: BTreeMap<LaneId, Vec<Lost>>,
    book: Book,
    roster: Roster,
    /// What came that the roster does not know.
    news: News,
    /// Statements left (their branch lost), so that they must be read again.
    are_statements_stale: bool,
    /// Statements came or left since the sessions were told.
    has_news: bool,
    /// What evaluating has cost so far, in frames.
    effort: u64,
    /// A fork came, or the roster changed, since branches were settled.
    are_branches_stale: bool,
    /// What has been erased in the log.
    erased: Erasures,
    recent: VecDeque<Carried>,
    recent_bytes: usize,
}

impl Community {
    /// Reads a community from the log; one that is not there is empty.
    ///
    /// # Errors
    /// The log's.
    pub fn load(id: CommunityId, log: &dyn BatchLog) -> Result<Self, StoreError> {
        let state = log.community(&id)?.unwrap_or_default();
        let bytes = state.bytes();
        let CommunityState { tip, lanes, logs } = state;
        let mut device_bytes: BTreeMap<DeviceId, u64> = BTreeMap::new();
        let roster_lane = roster_lane(&id);
        let mut roster_bytes = 0;
        for (id, log) in &logs {
            *device_bytes.entry(id.device).or_default() += log.bytes;
            if id.lane == roster_lane {
                roster_bytes += log.bytes;
            }
        }
        let mut community = Self {
            id,
            roster_lane,
            commons: commons(&id),
            tip,
            lanes,
            logs,
            bytes,
            roster_bytes,
            device_bytes,
            digests: RefCell::default(),
            lost: BTreeMap::new(),
            book: Book::default(),
            roster: Roster::empty(id),
            news: News::default(),
            are_statements_stale: true,
            has_news: false,
            effort: 0,
            are_branches_stale: true,
            erased: Erasures::default(),
            recent: VecDeque::new(),
            recent_bytes: 0,
        };
        community.read_lost(log)?;
        community.refresh(log)?;
        Ok(community)
    }

    /// Who belongs, as of the last evaluation.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What evaluating has cost so far, in frames: whoever makes it necessary pays for it.
    #[must_use]
    pub fn effort(&self) -> u64 {
        self.effort
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let roster = usize::try_from(self.roster_bytes).unwrap_or(usize::MAX);
        COMMUNITY_BYTES
            .saturating_add(self.logs.len().saturating_mul(LOG_BYTES))
            .saturating_add(roster.saturating_mul(ROSTER_FACTOR))
            .saturating_add(self.recent_bytes)
    }

    /// Lets go of the newest batches, which are in the log too.
    pub fn forget_recent(&mut self) {
        self.recent = VecDeque::new();
        self.recent_bytes = 0;
    }

    /// Whether it has no batch at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tip == Arrival(0)
    }

    /// Evaluates the roster if something came that it does not know.
    fn refresh(&mut self, log: &dyn BatchLog) -> Result<(), StoreError> {
        if self.are_statements_stale {
            self.read_statements(log)?;
            self.roster = Roster::evaluate(&self.id, &self.book);
            self.news = News::default();
            return Ok(());
        }
        let news = std::mem::take(&mut self.news);
        if news.is_empty() {
            return Ok(());
        }
        self.effort += 1;
        let change = self.roster.follow(&self.book, &news);
        self.are_branches_stale |= change.is_of_rights();
        self.effort += (change.effort / STATEMENTS_PER_FRAME) as u64;
        Ok(())
    }

    /// Evaluates the roster at the end of a group; says whether anything came that sessions must
    /// follow.
    ///
    /// # Errors
    /// The log's.
    pub fn follow(&mut self, log: &dyn BatchLog) -> Result<bool, StoreError> {
        self.refresh(log)?;
        Ok(std::mem::take(&mut self.has_news))
    }

    /// A batch without what was erased of it. One whose contents are missing is taken only if somebody's
    /// word explains that.
    ///
    /// # Errors
    /// The log's.
    pub fn without_erased(
        &mut self,
        batch: VerifiedBatch,
        log: &dyn BatchLog,
    ) -> Result<Result<VerifiedBatch, Refusal>, StoreError> {
        if batch.erased().next().is_some() {
            if batch.log().lane == self.roster_lane {
                return Ok(Err(Refusal::BadFrame));
            }
            if !self.book.explains(&self.roster, &batch) {
                self.refresh(log)?;
            }
            if !self.book.explains(&self.roster, &batch) {
                return Ok(Err(Refusal::NotAllowed));
            }
        }
        let reduced = self.roster.erasures().reduce(&batch);
        Ok(Ok(reduced.unwrap_or(batch)))
    }

    /// Whether the log is not yet as the roster says: other branches may count, contents may have to go.
    #[must_use]
    pub fn owes_the_roster(&self) -> bool {
        let is_forked = self.lost.keys().any(|lane| *lane != self.roster_lane);
        (self.are_branches_stale && is_forked) || self.roster.erasures() != &self.erased
    }

    /// Lets the branches count that cut-offs name, within a transaction.
    ///
    /// # Errors
    /// The log's.
    pub fn settle_branches(&mut self, log: &mut dyn BatchLog) -> Result<(), StoreError> {
        self.are_branches_stale = false;
        let lost = self.lost.values().flatten();
        let of_spaces = lost.filter(|lost| lost.log.lane != self.roster_lane);
        let forked: BTreeSet<LogId> = of_spaces.map(|lost| lost.log).collect();
        let mut has_settled = false;
        for id in forked {
            let nodes = self.nodes_of(&id, log)?;
            let named = self.roster.ends_of(&id).map(|head| head.chain).collect();
            let Some(settlement) = settle(&nodes, &named) else {
                continue;
            };
            let head = log.settle(&self.id, &id, &settlement)?;
            if let Some(state) = self.logs.get_mut(&id) {
                state.head = head;
            }
            self.digests.get_mut().remove(&id.lane);
            has_settled = true;
        }
        if has_settled {
            self.read_lost(log)?;
            // Batches in memory say of themselves which branch they are on.
            self.recent.clear();
            self.recent_bytes = 0;
        }
        Ok(())
    }

    /// All batches of a log from its first fork on.
    fn nodes_of(&self, id: &LogId, log: &dyn BatchLog) -> Result<Vec<Node>, StoreError> {
        let mut batches = Vec::new();
        let lost = self.lost.get(&id.lane).into_iter().flatten();
        for lost in lost.filter(|lost| lost.log == *id) {
            batches.extend(log.batch(&self.id, lost.batch.arrival)?);
        }
        let firsts = batches.iter().map(|it| it.batch.place().first_seq);
        let first = firsts.min().unwrap_or(Seq::FIRST);
        for batch in log.missing(&self.id, id, first, usize::MAX)? {
            batches.extend(log.batch(&self.id, batch.arrival)?);
        }
        let nodes = batches.iter();
        Ok(nodes
            .map(|it| Node::of(it.arrival, &it.batch, it.is_branch))
            .collect())
    }

    /// Whether anything was ever erased here.
    #[must_use]
    pub fn has_erased(&self) -> bool {
        !self.erased.said().is_empty()
    }

    /// Of these erasures, those that the log has carried out.
    #[must_use]
    pub fn carried_out(&self, asked: &BTreeSet<StatementId>) -> Vec<StatementId> {
        let said = self.erased.said().keys();
        said.filter(|id| asked.contains(id)).copied().collect()
    }

    /// Drops what was erased from the log, within a transaction; says whether there was anything. After a
    /// restart all of it is looked at again.
    ///
    /// # Errors
    /// The log's.
    pub fn carry_out_erasures(&mut self, log: &mut dyn BatchLog) -> Result<bool, StoreError> {
        let mut has_erased = false;
        let erasures = self.roster.erasures().clone();
        for (id, chain) in erasures.batches_beyond(&self.erased) {
            let Some(carried) = log.carrying(&self.id, id, chain)? else {
                continue;
            };
            let Some(reduced) = erasures.reduce(&carried.batch) else {
                continue;
            };
            log.reduce(&self.id, carried.arrival, &reduced)?;
            has_erased = true;
            let freed = carried
                .batch
                .tail()
                .len()
                .saturating_sub(reduced.tail().len()) as u64;
            self.bytes = self.bytes.saturating_sub(freed);
            if let Some(bytes) = self.device_bytes.get_mut(&id.device) {
                *bytes = bytes.saturating_sub(freed);
            }
            if let Some(state) = self.logs.get_mut(id) {
                state.bytes = state.bytes.saturating_sub(freed);
            }
            // The newest batches in memory still have what was erased.
            self.recent.clear();
            self.recent_bytes = 0;
        }
        self.erased = erasures;
        Ok(has_erased)
    }

    fn read_lost(&mut self, log: &dyn BatchLog) -> Result<(), StoreError> {
        self.lost.clear();
        for lost in log.lost(&self.id)? {
            self.lost.entry(lost.log.lane).or_default().push(lost);
        }
        Ok(())
    }

    fn read_statements(&mut self, log: &dyn BatchLog) -> Result<(), StoreError> {
        self.book = Book::default();
        let mut after = Arrival(0);
        loop {
            let lane = Some(&self.roster_lane);
            let rows = log.read(&self.id, lane, after, self.tip, ROSTER_STEP_BYTES)?;
            let Some(last) = rows.last() else { break };
            after = last.arrival;
            // Statements are a set: a forked log's branches both count.
            for row in &rows {
                self.book.add_batch(&self.id, &row.batch);
            }
        }
        self.are_statements_stale = false;
        Ok(())
    }

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

    /// Takes note of a batch that the log has taken.
    pub fn appended(
        &mut self,
        batch: Arc<VerifiedBatch>,
        spot: Spot,
        arrival: Arrival,
        limits: &Limits,
    ) {
        let id = *batch.log();
        let bytes = batch.tail().len() as u64;
        self.tip = arrival;
        self.lanes.insert(id.lane, arrival);
        self.bytes += bytes;
        *self.device_bytes.entry(id.device).or_default() += bytes;
        let state = self.logs.entry(id).or_insert(LogState {
            head: Head::EMPTY,
            bytes: 0,
        });
        state.bytes += bytes;
        self.are_branches_stale |= spot != Spot::Next;
        if spot == Spot::Branch {
            let lost = Lost::of(arrival, &batch);
            self.lost.entry(id.lane).or_default().push(lost);
        } else {
            state.head = batch.head();
        }
        self.digests.get_mut().remove(&id.lane);
        if id.lane == self.roster_lane {
            self.roster_bytes += bytes;
            // Statements are a set: a forked log's branches both count.
            self.news.add_batch(&self.id, &batch);
            self.has_news = true;
            self.book.add_batch(&self.id, &batch);
        }
        if spot == Spot::Winner {
            // Batches that have lost are marked as such in the log, not here.
            self.forget_recent();
        }
        self.remember(
            Carried {
                arrival,
                batch,
                is_branch: spot == Spot::Branch,
            },
            limits,
        );
    }

    fn remember(&mut self, carried: Carried, limits: &Limits) {
        self.recent_bytes += carried.batch.tail().len();
        self.recent.push_back(carried);
        while self.recent_bytes > limits.recent_bytes_max {
            let Some(oldest) = self.recent.pop_front() else {
                break;
            };
            self.recent_bytes = self.recent_bytes.saturating_sub(oldest.batch.tail().len());
        }
    }

    /// The newest batches after a position, if all of them are in memory.
    fn recent_since(&self, after: Arrival, bytes_max: usize) -> Option<Vec<Carried>> {
        let first = self.recent.front()?.arrival;
        if first.0 > after.0 + 1 {
            return None;
        }
        let skip = usize::try_from(after.0 + 1 - first.0).ok()?;
        let mut bytes = 0;
        let fresh = self.recent.iter().skip(skip).take_while(|row| {
            let fits = bytes == 0 || bytes < bytes_max;
            bytes += row.batch.tail().len();
            fits
        });
        Some(fresh.cloned().collect())
    }
}

/// Appends a batch and takes note of it.
///
/// # Errors
/// The log's.
pub fn append(
    community: &mut Community,
    log: &mut dyn BatchLog,
    batch: VerifiedBatch,
    spot: Spot,
    limits: &Limits,
) -> Result<Appended, StoreError> {
    let appended = log.append(&community.id, &batch, spot)?;
    if let Appended::Stored(arrival) = appended {
        community.appended(Arc::new(batch), spot, arrival, limits);
        if spot == Spot::Winner {
            // What has lost to it is marked in the log, not here.
            community.read_lost(log)?;
        }
    }
    Ok(appended)
}

/// One log as the placing of a batch sees it.
#[derive(Debug)]
pub struct Placing<'a, L: ?Sized> {
    /// The community.
    pub community: &'a Community,
    /// Where its batches are.
    pub log: &'a L,
    /// Which log.
    pub id: LogId,
}

impl<L: BatchLog + ?Sized> LogView for Placing<'_, L> {
    type Error = StoreError;

    fn head(&self) -> Result<Head, StoreError> {
        Ok(self
            .community
            .logs
            .get(&self.id)
            .map_or(Head::EMPTY, |state| state.head))
    }

    fn at(&self, seq: Seq) -> Result<Option<Link>, StoreError> {
        self.log.at(&self.community.id, &self.id, seq)
    }

    fn ending_with(&self, chain: &ChainHash) -> Result<Option<Seq>, StoreError> {
        let found = self.log.with_chain(&self.community.id, &self.id, chain)?;
        Ok(found
            .filter(|(_, is_branch)| !is_branch)
            .map(|(seq, _)| seq))
    }

    fn has_branch(&self, chain: &ChainHash) -> Result<bool, StoreError> {
        let found = self.log.with_chain(&self.community.id, &self.id, chain)?;
        Ok(found.is_some_and(|(_, is_branch)| is_branch))
    }
}

/// A community as its sessions see it.
#[derive(Debug)]
pub struct View<'a, L: ?Sized> {
    /// The community.
    pub community: &'a Community,
    /// Where its batches are.
    pub log: &'a L,
}

impl<L: BatchLog + ?Sized> Carrier for View<'_, L> {
    fn community(&self) -> CommunityId {
        self.community.id
    }

    fn store_id(&self) -> StoreId {
        self.log.store_id()
    }

    fn lanes_for(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        let roster = &self.community.roster;
        if roster.knows(device) {
            return roster.lanes_of(device);
        }
        if roster.is_founded() {
            return BTreeSet::new();
        }
        // Nobody is known here yet: whoever was let in brings the roster.
        BTreeSet::from([self.community.roster_lane])
    }

    fn uploads_of(&self, device: &DeviceId) -> BTreeSet<LaneId> {
        self.community.roster.uploads_of(device)
    }

    fn own_lanes(&self) -> BTreeSet<LaneId> {
        self.community.roster.all_lanes()
    }

    fn digest(&self, lane: &LaneId) -> Result<Digest, StoreError> {
        if let Some(digest) = self.community.digests.borrow().get(lane) {
            return Ok(*digest);
        }
        let digest = lane_digest(&self.heads(lane)?, &self.lost(lane)?);
        self.community.digests.borrow_mut().insert(*lane, digest);
        Ok(digest)
    }

    fn heads(&self, lane: &LaneId) -> Result<Vec<(LogId, Head)>, StoreError> {
        let first = LogId {
            lane: *lane,
            device: DeviceId::ZERO,
            incarnation: Incarnation::ZERO,
        };
        let logs = self
            .community
            .logs
            .range(first..)
            .take_while(|(id, _)| id.lane == *lane);
        let heads = logs.map(|(id, state)| (*id, state.head));
        Ok(heads.filter(|(_, head)| head.seq > Seq(0)).collect())
    }

    fn head(&self, log: &LogId) -> Result<Head, StoreError> {
        Ok(self
            .community
            .logs
            .get(log)
            .map_or(Head::EMPTY, |state| state.head))
    }

    fn tip(&self, lane: &LaneId) -> Result<Arrival, StoreError> {
        Ok(self.community.lanes.get(lane).copied().unwrap_or_default())
    }

    fn last_arrival(&self) -> Result<Arrival, StoreError> {
        Ok(self.community.tip)
    }

    fn cursor(&self, _store: &StoreId, _lane: &LaneId) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn unshared(&self, _store: &StoreId) -> Result<BTreeSet<LogId>, StoreError> {
        Ok(BTreeSet::new())
    }

    fn missing(&self, log: &LogId, from: Seq, limit: usize) -> Result<Vec<BatchRef>, StoreError> {
        self.log.missing(&self.community.id, log, from, limit)
    }

    fn lost(&self, lane: &LaneId) -> Result<Vec<Lost>, StoreError> {
        Ok(self.community.lost.get(lane).cloned().unwrap_or_default())
    }

    fn batch(&self, arrival: Arrival) -> Result<Option<Carried>, StoreError> {
        self.log.batch(&self.community.id, arrival)
    }

    fn stretch(
        &self,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        self.log
            .read(&self.community.id, Some(lane), after, upto, bytes_max)
    }

    fn since(&self, after: Arrival, bytes_max: usize) -> Result<Vec<Carried>, StoreError> {
        if let Some(recent) = self.community.recent_since(after, bytes_max) {
            return Ok(recent);
        }
        self.log.read(
            &self.community.id,
            None,
            after,
            self.community.tip,
            bytes_max,
        )
    }

    fn totals(&self, lane: &LaneId, after: Arrival, upto: Arrival) -> Result<Totals, StoreError> {
        self.log.totals(&self.community.id, lane, after, upto)
    }
}
