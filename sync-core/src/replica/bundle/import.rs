//! Taking in a bundle: the same way in as from a relay, in groups.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read;

use minicbor::{Decode, Encode};

use crate::blob::BlobId;
use crate::bundle::{BadBundle, BundleReader, Item, Manifest, Word};
use crate::id::{BundleId, LaneId};
use crate::keys::Signer as _;
use crate::replica::bundle::blobs::BlobIn;
use crate::replica::found::put_cbor;
use crate::replica::mind::{meta, read_cbor};
use crate::replica::{ChunkIn, Moment, Replica, ReplicaError, Source, Tally};
use crate::session::Taken;
use crate::session::carrier::Carrier;
use crate::wire::Refusal;
use crate::wire::batches::Received;

/// How many bytes of batches become durable together.
const GROUP_BYTES: usize = 1 << 20;
/// Of so many exports it is remembered which of their files have come.
const SETS_MAX: usize = 64;

/// What a bundle brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// What the file said to be.
    pub manifest: Manifest,
    /// What merging did.
    pub tally: Tally,
    /// Entries that were here already.
    pub known: u64,
    /// Entries that build on something which has not come yet. They stay in the file and are taken when
    /// it is imported again after what they build on.
    pub waiting: u64,
    /// Entries of spaces that this device may not have. They stay in the file for others.
    pub for_others: u64,
    /// How many batches were not sound and not taken, by reason.
    pub rejected: BTreeMap<Refusal, u64>,
    /// Why the file could not be read to its end; what came before is here.
    pub broken: Option<BadBundle>,
    /// Files of the same export that have not come whole yet, by number.
    pub missing: Vec<u64>,
    /// It is known now what the sender has.
    pub is_word_kept: bool,
    /// Photos, recordings and papers that are here as a whole now.
    pub blobs: u64,
    /// Those of which an earlier part has not come.
    pub blobs_waiting: u64,
}

impl Brought {
    /// Whether an earlier file of the same export has not come.
    #[must_use]
    pub fn lacks_earlier(&self) -> bool {
        self.missing.iter().any(|part| *part < self.manifest.part)
    }
}

/// A bundle on its way in.
#[derive(Debug)]
pub struct BundleImport<R> {
    reader: BundleReader<R>,
    /// Read, and not durable yet.
    next: VecDeque<Received>,
    /// The same of blobs.
    blobs: Vec<BlobIn>,
    blob_bytes: usize,
    blobs_waiting: BTreeSet<BlobId>,
    entries_max: usize,
    word: Option<Word>,
    roster_lane: LaneId,
    is_at_end: bool,
    entries: u64,
    /// Entries of lanes that are not this device's, as far as is known.
    elsewhere: u64,
    brought: Brought,
}

/// Which files of an export have come.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Set {
    #[n(0)]
    set: BundleId,
    #[n(1)]
    come: BTreeSet<u64>,
}

impl Replica {
    /// Opens a bundle to look into it. It changes nothing.
    ///
    /// # Errors
    /// [`BadBundle`].
    pub fn read_bundle<R: Read>(&self, input: R) -> Result<BundleReader<R>, BadBundle> {
        let mind = &self.mind;
        let invite = mind.invite_keys();
        BundleReader::open(input, &mind.community, |info, sealed| {
            let own = mind.signer.open(info, sealed).ok();
            let invite = invite.as_ref();
            own.or_else(|| invite.and_then(|(_, keys)| keys.open(info, sealed).ok()))
        })
    }

    /// Opens a bundle to take in what it has. Nothing has changed yet.
    ///
    /// # Errors
    /// [`BadBundle`].
    pub fn import_bundle<R: Read>(&self, input: R) -> Result<BundleImport<R>, BadBundle> {
        let reader = self.read_bundle(input)?;
        let brought = Brought {
            manifest: reader.manifest().clone(),
            tally: Tally::default(),
            known: 0,
            waiting: 0,
            for_others: 0,
            rejected: BTreeMap::new(),
            broken: None,
            missing: Vec::new(),
            is_word_kept: false,
            blobs: 0,
            blobs_waiting: 0,
        };
        Ok(BundleImport {
            reader,
            next: VecDeque::new(),
            blobs: Vec::new(),
            blob_bytes: 0,
            blobs_waiting: BTreeSet::new(),
            entries_max: usize::MAX,
            word: None,
            roster_lane: self.mind.roster_lane,
            is_at_end: false,
            entries: 0,
            elsewhere: 0,
            brought,
        })
    }

    /// Notes that a file has come whole; says which of its export have not.
    fn note_part(&mut self, manifest: &Manifest, is_whole: bool) -> Result<Vec<u64>, ReplicaError> {
        let mut sets: Vec<Set> = read_cbor(&*self.store, meta::BUNDLES)?.unwrap_or_default();
        let known = sets.iter().position(|set| set.set == manifest.set);
        let mut set = known.map_or_else(
            || Set {
                set: manifest.set,
                come: BTreeSet::new(),
            },
            |index| sets.remove(index),
        );
        let is_news = is_whole && manifest.parts > 1 && set.come.insert(manifest.part);
        let missing = (1..=manifest.parts).filter(|part| !set.come.contains(part));
        let missing = missing.filter(|part| manifest.parts > 1 || *part != manifest.part);
        let missing = missing.collect();
        if is_news {
            sets.push(set);
            let surplus = sets.len().saturating_sub(SETS_MAX);
            sets.drain(..surplus);
            self.act(|tx, _| put_cbor(tx, meta::BUNDLES, &sets))?;
        }
        Ok(missing)
    }
}

impl<R: Read> BundleImport<R> {
    /// What the file says to be.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.reader.manifest()
    }

    /// How many entries have been gone through.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// How many bytes of the file have been read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.reader.bytes_read()
    }

    /// Says how many entries may become durable together from here on, so that a step takes as long as its
    /// caller has time. A batch is never divided; a megabyte is the most in any case.
    pub fn take_at_once(&mut self, entries_max: usize) {
        self.entries_max = entries_max;
    }

    /// Takes in some more; what it took is durable when it returns. Says whether there is more.
    ///
    /// # Errors
    /// The replica's alone: then what came before is durable, and the import can be begun again. Where the
    /// file breaks off, there is no more.
    pub fn step(
        &mut self,
        replica: &mut Replica,
        moment: &mut Moment<'_>,
    ) -> Result<bool, ReplicaError> {
        let group = self.next_group();
        self.take_in(group, replica, moment)?;
        self.take_blobs(replica, moment)?;
        Ok(!self.is_at_end || !self.next.is_empty())
    }

    /// Takes in what was read of blobs, after the batches that stand before it.
    fn take_blobs(
        &mut self,
        replica: &mut Replica,
        moment: &Moment<'_>,
    ) -> Result<(), ReplicaError> {
        self.blob_bytes = 0;
        let taken = replica.take_blob_parts(std::mem::take(&mut self.blobs), moment.now)?;
        self.brought.blobs += taken.whole;
        self.blobs_waiting.extend(taken.waiting);
        Ok(())
    }

    /// What becomes durable together. Which lanes are ours may change with the roster, so that what comes
    /// after it in the file is another input.
    fn next_group(&mut self) -> Vec<Received> {
        let roster_lane = self.roster_lane;
        let is_roster = |it: &Received| it.batch.place().log.lane == roster_lane;
        let mut group: Vec<Received> = Vec::new();
        let (mut bytes, mut entries) = (0, 0_usize);
        while bytes < GROUP_BYTES {
            if self.next.is_empty() && !self.is_at_end {
                // Records before their photos.
                let is_enough = !self.blobs.is_empty() && !group.is_empty();
                if is_enough || self.blob_bytes >= GROUP_BYTES {
                    break;
                }
                self.read();
                continue;
            }
            let goes_on = |one: &mut Received| {
                let last = group.last();
                let fits = entries.saturating_add(one.batch.count()) <= self.entries_max;
                last.is_none_or(|last| fits && is_roster(last) == is_roster(one))
            };
            let Some(one) = self.next.pop_front_if(goes_on) else {
                break;
            };
            bytes += one.batch.tail_len();
            entries += one.batch.count();
            group.push(one);
        }
        group
    }

    fn read(&mut self) {
        match self.reader.next_item() {
            Ok(Some(Item::Batches(batches))) => self.next = batches.into(),
            Ok(Some(Item::Word(word))) => self.word = Some(word),
            Ok(Some(Item::BlobList(_, list))) => {
                self.blob_bytes += list.to_bytes().len();
                self.blobs.push(BlobIn::List(list));
            }
            Ok(Some(Item::BlobChunk { name, index, bytes })) => {
                self.blob_bytes += bytes.len();
                let id = name.id;
                self.blobs.push(BlobIn::Chunk(ChunkIn { id, index, bytes }));
            }
            Ok(None) => self.is_at_end = true,
            Err(error) => {
                self.is_at_end = true;
                self.brought.broken = Some(error);
            }
        }
    }

    fn take_in(
        &mut self,
        group: Vec<Received>,
        replica: &mut Replica,
        moment: &mut Moment<'_>,
    ) -> Result<(), ReplicaError> {
        if group.is_empty() {
            return Ok(());
        }
        let lanes = replica.own_lanes();
        let counts: Vec<(bool, u64)> = group
            .iter()
            .map(|one| {
                let is_ours = lanes.contains(&one.batch.place().log.lane);
                (is_ours, one.batch.count() as u64)
            })
            .collect();
        let done = replica.ingest(group, &[], &Source::default(), moment)?;
        self.brought.tally.add(&done.tally);
        for (taken, (is_ours, entries)) in done.taken.iter().zip(counts) {
            self.entries += entries;
            self.note(taken, is_ours, entries);
        }
        if done.is_roster_changed {
            replica.seal_pending(moment)?;
        }
        Ok(())
    }

    fn note(&mut self, taken: &Taken, is_ours: bool, entries: u64) {
        match taken {
            Taken::Stored(_) => {}
            Taken::Known => self.brought.known += entries,
            Taken::Refused(Refusal::Gap) => self.brought.waiting += entries,
            Taken::Refused(Refusal::NotAllowed) if !is_ours => self.elsewhere += entries,
            Taken::NeedsBranch(_) => {
                *self.brought.rejected.entry(Refusal::Gap).or_default() += 1;
            }
            Taken::Refused(refusal) => {
                *self.brought.rejected.entry(*refusal).or_default() += 1;
            }
        }
    }

    /// Ends the import: keeps what the sender says to have, and tells what it brought.
    ///
    /// # Errors
    /// The replica's.
    pub fn finish(
        mut self,
        replica: &mut Replica,
        moment: &mut Moment<'_>,
    ) -> Result<Brought, ReplicaError> {
        while self.step(replica, moment)? {}
        if let Some(word) = self.word.take() {
            self.brought.is_word_kept = replica.keep_word(&word)?;
        }
        if replica.settle_orphans(moment)? {
            replica.seal_pending(moment)?;
        }
        replica.put_sheet_away()?;
        let mut brought = self.brought;
        let manifest = brought.manifest.clone();
        brought.missing = replica.note_part(&manifest, false)?;
        if brought.lacks_earlier() {
            // The space may be this device's by what an earlier file says.
            brought.waiting += self.elsewhere;
            let not_explained = brought.rejected.remove(&Refusal::NotAllowed);
            brought.waiting += not_explained.unwrap_or_default();
        } else {
            brought.for_others = self.elsewhere;
        }
        for id in &self.blobs_waiting {
            let row = replica.store.blob(id)?;
            brought.blobs_waiting += u64::from(row.is_some_and(|row| !row.is_whole()));
        }
        let has_all = brought.waiting == 0 && brought.blobs_waiting == 0;
        let is_whole = brought.broken.is_none() && has_all;
        brought.missing = replica.note_part(&manifest, is_whole)?;
        Ok(brought)
    }
}
