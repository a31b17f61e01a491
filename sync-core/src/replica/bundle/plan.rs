//! What an export will be: which batches, in how many files, for whom.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::bundle::{BUNDLE_PARTS_MAX, Heads, Word, WriteBundleError};
use crate::id::{BundleId, DeviceId, EpochId, LaneId, LogId};
use crate::keys::SealingKey;
use crate::replica::bundle::blobs::{BundleBlobs, Planned};
use crate::replica::bundle::known::Had;
use crate::replica::bundle::room::Room;
use crate::replica::bundle::walk::{At, Walker, Way};
use crate::replica::{BundleError, BundlePart, Known, Moment, Replica};
use crate::session::carrier::{Carried, Carrier};
use crate::wire::Totals;
use crate::wire::batches::TABLE_MAX;

/// How many batches are gone through at once when an export is planned.
const PLAN_STEP_BATCHES: usize = 256;
/// The same of the chunks of blobs, which are not looked at.
const PLAN_STEP_CHUNKS: usize = 4_096;

/// What is to be exported.
#[derive(Debug, Clone, Default)]
pub struct BundleAsk {
    /// Only for these devices: what they may have, sealed to them (and to this device). Empty: all that
    /// this device has, for all who belong and whoever holds an open invitation.
    pub readers: BTreeSet<DeviceId>,
    /// What all of these have is left out. Empty: nothing is.
    pub known: Vec<Known>,
    /// Most bytes of one file.
    pub bytes_max: Option<u64>,
    /// Which blobs go along, of those that are here.
    pub blobs: BundleBlobs,
}

/// What an export will be.
#[derive(Debug)]
pub struct BundlePlan {
    pub(super) set: BundleId,
    pub(super) word: Word,
    pub(super) readers: Vec<SealingKey>,
    pub(super) is_partial: bool,
    pub(super) way: Way,
    pub(super) blobs: Vec<Planned>,
    pub(super) files: Vec<File>,
}

/// One file.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    pub(super) from: At,
    pub(super) totals: Totals,
}

impl File {
    fn at(from: At) -> Self {
        Self {
            from,
            totals: Totals::default(),
        }
    }
}

impl BundlePlan {
    /// How many files it will be.
    #[must_use]
    pub fn parts(&self) -> u64 {
        self.files.len() as u64
    }

    /// How many blobs go along.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.blobs.len() as u64
    }

    /// How many chunks of blobs go along.
    #[must_use]
    pub fn blob_chunks(&self) -> u64 {
        self.blobs.iter().map(|blob| u64::from(blob.chunks())).sum()
    }

    /// What all of them hold together.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let totals = self.files.iter().map(|file| file.totals);
        totals.fold(Totals::default(), |sum, one| Totals {
            batches: sum.batches + one.batches,
            entries: sum.entries + one.entries,
            bytes: sum.bytes + one.bytes,
        })
    }
}

impl Replica {
    /// Seals what is pending and plans an export. It says nothing to anybody, and neither does writing
    /// it: what is in the files has been sent to nobody yet.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn plan_bundle(
        &mut self,
        ask: &BundleAsk,
        moment: &mut Moment<'_>,
    ) -> Result<BundlePlan, BundleError> {
        let mut planner = self.begin_plan(ask, moment)?;
        while planner.step(self)? {}
        planner.finish(self)
    }

    /// The same, for who has to be free for other things in between.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn begin_plan(
        &mut self,
        ask: &BundleAsk,
        moment: &mut Moment<'_>,
    ) -> Result<BundlePlanner, BundleError> {
        let readers = self.readers_of(ask)?;
        self.seal_pending(moment)?;
        let lanes = self.lanes_for_all(&ask.readers);
        // Heads first: what comes in between is in the way and not in the word.
        let heads = self.heads_of(&lanes)?;
        let had = ask.known.iter().map(|known| Had::of(known, &*self.store));
        let had: Vec<Had> = had.collect::<Result<_, _>>()?;
        let is_partial = !had.is_empty();
        let blobs = self.planned_blobs(ask.blobs, &lanes, &had)?;
        let way = Way::through(self, &lanes, had)?;
        let mind = &self.mind;
        let word = Word::sign(&*mind.signer, &mind.community, moment.now, heads);
        let word = word.map_err(WriteBundleError::from)?;
        let mut set = [0; BundleId::LEN];
        moment.rng.fill_bytes(&mut set);
        let plan = BundlePlan {
            set: BundleId::new(set),
            word,
            readers,
            is_partial,
            way,
            blobs,
            files: Vec::new(),
        };
        BundlePlanner::begin(plan, ask.bytes_max)
    }

    /// Begins one file of an export; parts count from 1. None if there is no such part.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn begin_part(
        &self,
        plan: &Arc<BundlePlan>,
        part: u64,
        moment: &mut Moment<'_>,
    ) -> Result<Option<BundlePart>, BundleError> {
        BundlePart::begin(&self.mind.community, plan, part, moment)
    }

    fn readers_of(&self, ask: &BundleAsk) -> Result<Vec<SealingKey>, BundleError> {
        let mind = &self.mind;
        if mind.roster.devices().is_empty() {
            return Err(BundleError::NobodyYet);
        }
        let mut readers = BTreeSet::from([mind.signer.sealing_key()]);
        for device in &ask.readers {
            let known = mind.roster.devices().get(device);
            readers.insert(known.ok_or(BundleError::NotADevice(*device))?.sealing);
        }
        if ask.readers.is_empty() {
            let all = mind.roster.readers(&mind.commons).into_iter();
            readers.extend(all.map(|(_, sealing)| sealing));
        }
        Ok(readers.into_iter().collect())
    }

    /// What this device has and at least one of the others may have, as in a session with each of them.
    fn lanes_for_all(&self, devices: &BTreeSet<DeviceId>) -> BTreeSet<LaneId> {
        let ours = self.own_lanes();
        if devices.is_empty() {
            return ours;
        }
        let theirs = devices.iter().flat_map(|device| self.lanes_for(device));
        theirs.filter(|lane| ours.contains(lane)).collect()
    }

    fn heads_of(&self, lanes: &BTreeSet<LaneId>) -> Result<Heads, BundleError> {
        let mut heads = Heads::new();
        for lane in lanes {
            let logs = self.store.heads(lane)?;
            if !logs.is_empty() {
                heads.push((*lane, logs));
            }
        }
        Ok(heads)
    }
}

/// Looks where each file begins, so that none is larger than it may be or names more logs than a reader
/// takes.
#[derive(Debug)]
pub struct BundlePlanner {
    plan: BundlePlan,
    bytes_max: u64,
    left: Room,
    /// Logs and epochs that the file in the making names.
    rows: HashSet<(LogId, EpochId)>,
    walker: Walker,
    /// The blob and the chunk that come next, once all batches have been gone through.
    blob: (usize, u32),
    /// The blob whose list the file in the making has.
    listed: Option<usize>,
}

impl BundlePlanner {
    fn begin(mut plan: BundlePlan, bytes_max: Option<u64>) -> Result<Self, BundleError> {
        let bytes_max = bytes_max.unwrap_or(u64::MAX);
        plan.files.push(File::at(At::Roster(0)));
        Ok(Self {
            left: room(&plan, bytes_max, true)?,
            plan,
            bytes_max,
            rows: HashSet::new(),
            walker: Walker::from(At::Roster(0)),
            blob: (0, 0),
            listed: None,
        })
    }

    /// Goes on through some of the batches; says whether there are more.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn step(&mut self, replica: &Replica) -> Result<bool, BundleError> {
        for _ in 0..PLAN_STEP_BATCHES {
            match self.walker.step(&self.plan.way, replica)? {
                Some((at, carried)) => self.put(at, &carried)?,
                None => return self.step_blobs(),
            }
        }
        Ok(true)
    }

    fn step_blobs(&mut self) -> Result<bool, BundleError> {
        for _ in 0..PLAN_STEP_CHUNKS {
            let (number, index) = self.blob;
            let Some(blob) = self.plan.blobs.get(number).copied() else {
                return Ok(false);
            };
            if self.listed != Some(number) && !self.left.take_blob(blob.list_bytes()) {
                self.begin_file(At::Blobs(number, index))?;
                self.left.take_blob(blob.list_bytes());
            }
            if !self.left.take_blob(blob.chunk_bytes(index)) {
                self.begin_file(At::Blobs(number, index))?;
                // It fits: a file has room for the largest batch at least.
                self.left.take_blob(blob.list_bytes());
                self.left.take_blob(blob.chunk_bytes(index));
            }
            self.listed = Some(number);
            self.blob = if index + 1 < blob.chunks() {
                (number, index + 1)
            } else {
                (number + 1, 0)
            };
        }
        Ok(true)
    }

    fn begin_file(&mut self, at: At) -> Result<(), BundleError> {
        self.left = room(&self.plan, self.bytes_max, false)?;
        self.rows.clear();
        self.plan.files.push(File::at(at));
        Ok(())
    }

    fn put(&mut self, at: At, carried: &Carried) -> Result<(), BundleError> {
        let place = carried.batch.place();
        let row = (place.log, place.epoch);
        let is_new = !self.rows.contains(&row);
        let len = carried.batch.tail().len();
        let is_full = is_new && self.rows.len() == TABLE_MAX;
        if is_full || !self.left.take(len, is_new) {
            self.begin_file(at)?;
            // It fits: a file has room for the largest batch at least.
            self.left.take(len, true);
        }
        self.rows.insert(row);
        if let Some(file) = self.plan.files.last_mut() {
            file.totals.batches += 1;
            file.totals.entries += carried.batch.count() as u64;
            file.totals.bytes += len as u64;
        }
        Ok(())
    }

    /// The plan, once all batches have been gone through.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn finish(mut self, replica: &Replica) -> Result<BundlePlan, BundleError> {
        while self.step(replica)? {}
        if self.plan.parts() > BUNDLE_PARTS_MAX {
            return Err(WriteBundleError::TooManyParts.into());
        }
        Ok(self.plan)
    }
}

/// What a file has left for batches; the first one has the word too.
fn room(plan: &BundlePlan, bytes_max: u64, is_first: bool) -> Result<Room, WriteBundleError> {
    let said: &[_] = if is_first { &plan.word.heads } else { &[] };
    let heads = said.iter().map(|(_, logs)| logs.len()).sum();
    let room = Room::of(bytes_max, plan.readers.len(), said.len(), heads);
    room.ok_or(WriteBundleError::TooSmall)
}
