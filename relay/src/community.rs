//! One community in memory: who belongs, where its logs stand, and its newest batches.

mod blobs;
mod judge;
mod obey;
mod receipts;
mod view;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use sync_core::entry::VerifiedBatch;
use sync_core::id::{Arrival, CommunityId, DeviceId, Head, LaneId, LogId};
use sync_core::roster::book::Book;
use sync_core::roster::erasure::Erasures;
use sync_core::roster::follow::News;
use sync_core::roster::{Roster, commons, roster_lane};
use sync_core::session::carrier::{Carried, Lost};
use sync_core::store::StoreError;
use sync_core::wire::{Digest, Refusal};

use crate::limits::{
    COMMUNITY_BYTES, LOG_BYTES, Limits, RECEIPT_BYTES, ROSTER_FACTOR, STATEMENTS_PER_FRAME,
};
use crate::log::{Appended, BatchLog, CommunityState, LogState, Spot};
use receipts::Receipts;

pub use view::{Placing, View};

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
    /// Bytes of blobs, by the device that brought them.
    blob_bytes: BTreeMap<DeviceId, u64>,
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
    receipts: Receipts,
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
            blob_bytes: log.blob_bytes(&id)?,
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
            receipts: Receipts::load(&id, log)?,
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
            .saturating_add(self.receipts.len().saturating_mul(RECEIPT_BYTES))
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
        self.receipts.doubt(change.is_of_rights());
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
