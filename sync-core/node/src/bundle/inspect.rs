//! What a file is, without taking anything in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sync_core::blob::BlobId;
use sync_core::bundle::{BadBundle, BundleReader, Item, Manifest, read_community};
use sync_core::id::{CommunityId, LaneId};
use sync_core::replica::Replica;
use sync_core::roster::roster_lane;

use super::{BundleFileError, BundleProgress, Input, open};

/// What is in a file that opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// What it says to be.
    pub manifest: Manifest,
    /// Entries by lane.
    pub lanes: BTreeMap<LaneId, u64>,
    /// Photos, recordings and papers, small pictures counted by themselves.
    pub blobs: BTreeSet<BlobId>,
    /// Where it breaks off, if it does.
    pub broken: Option<BadBundle>,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// The file.
    pub path: PathBuf,
    /// Whose it is: all that it tells to everybody.
    pub community: CommunityId,
    /// Its size.
    pub bytes: u64,
    /// What is in it; none if it is of another community, or sealed to others.
    pub inside: Option<Inside>,
}

/// Entries of one space in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfSpace {
    /// The space, by name.
    pub name: String,
    /// How many entries.
    pub entries: u64,
    /// Whether this device may have them.
    pub is_ours: bool,
}

impl Inspected {
    /// How many entries are in it, as far as it can be read.
    #[must_use]
    pub fn entries(&self) -> u64 {
        let inside = self.inside.as_ref();
        inside.map_or(0, |inside| inside.lanes.values().sum())
    }

    /// Its entries by space; those about who belongs are in none.
    #[must_use]
    pub fn spaces(&self, replica: &Replica) -> Vec<OfSpace> {
        let roster = roster_lane(&replica.community());
        let ours = replica.roster().lanes_of(&replica.device());
        let lanes = self.inside.iter().flat_map(|inside| &inside.lanes);
        lanes
            .filter(|(lane, _)| **lane != roster)
            .map(|(lane, entries)| OfSpace {
                name: replica.space_name(lane),
                entries: *entries,
                is_ours: ours.contains(lane),
            })
            .collect()
    }

    /// Why it could not be read to its end, if so.
    #[must_use]
    pub fn broken(&self) -> Option<BundleFileError> {
        let error = self.inside.as_ref()?.broken?;
        Some(BundleFileError::broken(&self.path, error))
    }
}

/// A look into a file, on its way.
#[derive(Debug)]
pub struct Inspection {
    reader: Option<BundleReader<Input>>,
    found: Inspected,
    entries: u64,
}

impl Inspection {
    /// Opens the file, with the keys of the replica if it is of its community.
    ///
    /// # Errors
    /// [`BundleFileError`].
    pub fn begin(replica: Option<&Replica>, path: &Path) -> Result<Self, BundleFileError> {
        let bad = |error: BadBundle| BundleFileError::bad(path, error);
        let (file, bytes) = open(path)?;
        let community = read_community(file).map_err(bad)?;
        let replica = replica.filter(|replica| replica.community() == community);
        let reader = match replica {
            Some(replica) => match replica.read_bundle(open(path)?.0) {
                Ok(reader) => Some(reader),
                Err(BadBundle::NotForUs) => None,
                Err(error) => return Err(bad(error)),
            },
            None => None,
        };
        let inside = reader.as_ref().map(|reader| Inside {
            manifest: reader.manifest().clone(),
            lanes: BTreeMap::new(),
            blobs: BTreeSet::new(),
            broken: None,
        });
        Ok(Self {
            reader,
            found: Inspected {
                path: path.to_owned(),
                community,
                bytes,
                inside,
            },
            entries: 0,
        })
    }

    /// Reads on; says whether there is more. It needs the replica no more.
    pub fn step(&mut self) -> bool {
        let (Some(reader), Some(inside)) = (&mut self.reader, &mut self.found.inside) else {
            return false;
        };
        match reader.next_item() {
            Ok(Some(Item::Batches(batches))) => {
                for one in batches {
                    let count = one.batch.count() as u64;
                    self.entries += count;
                    *inside.lanes.entry(one.batch.place().log.lane).or_default() += count;
                }
                true
            }
            Ok(Some(Item::BlobList(name, _))) => {
                inside.blobs.insert(name.id);
                true
            }
            Ok(Some(Item::Word(_) | Item::BlobChunk { .. })) => true,
            Ok(None) => false,
            Err(error) => {
                inside.broken = Some(error);
                false
            }
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> BundleProgress {
        BundleProgress {
            entries: self.entries,
            done: self.reader.as_ref().map_or(0, BundleReader::bytes_read),
            all: self.found.bytes,
        }
    }

    /// What it found.
    #[must_use]
    pub fn finish(self) -> Inspected {
        self.found
    }
}
