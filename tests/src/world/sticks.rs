//! Bundles on sticks: written by one phone, carried about, taken in by others, late, in pieces or damaged.

use std::sync::Arc;

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use sync_core::bundle::BadBundle;
use sync_core::id::DeviceId;
use sync_core::replica::{
    Brought, BundleAsk, BundleBlobs, BundleError, Known, Moment, Replica, ReplicaError,
};

use super::net::ConnId;
use super::{Broken, Outcome, World, broken};

/// Exports that lie about; then the oldest goes.
const STICKS_MAX: usize = 6;
/// Bytes of a file, where exports are in several: hardly more than the largest batch.
const SMALL_BYTES: u64 = 280_000;
/// Texts that together are more than one small file.
const LONG_TEXTS: usize = 16;
const LONG_LETTERS: usize = 9_000;

/// One export.
#[derive(Debug, Clone)]
pub(super) struct Stick {
    files: Vec<Vec<u8>>,
    writer: usize,
    number: u64,
    /// Devices that it was sealed to by name, or that belonged when it was written.
    readers: Vec<DeviceId>,
}

/// What happens to a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    Lost,
    CutShort,
    Damaged,
}

fn export(
    replica: &mut Replica,
    ask: &BundleAsk,
    moment: &mut Moment<'_>,
) -> Result<Vec<Vec<u8>>, BundleError> {
    let plan = Arc::new(replica.plan_bundle(ask, moment)?);
    let mut files = Vec::new();
    for number in 1..=plan.parts() {
        let mut file = Vec::new();
        if let Some(mut part) = replica.begin_part(&plan, number, moment)? {
            while let Some(bytes) = part.next_bytes(replica)? {
                file.extend(bytes);
            }
        }
        files.push(file);
    }
    Ok(files)
}

fn import(
    replica: &mut Replica,
    file: &[u8],
    at_once: usize,
    moment: &mut Moment<'_>,
) -> Result<Result<Brought, BadBundle>, ReplicaError> {
    let mut import = match replica.import_bundle(file) {
        Ok(import) => import,
        Err(bad) => return Ok(Err(bad)),
    };
    import.take_at_once(at_once);
    while import.step(replica, moment)? {}
    import.finish(replica, moment).map(Ok)
}

impl World {
    /// A phone writes what it has: for all or for one, everything or what somebody is not known to have.
    pub(super) fn write_stick(&mut self) -> Outcome {
        let phones = self.phones_on();
        let Some(index) = self.pick(&phones) else {
            return Ok(());
        };
        let other = self.rng.random_range(0..self.phones.len());
        let device = self.phone(other).device();
        let (is_for_one, is_since) = (self.rng.random_ratio(1, 4), self.rng.random_ratio(1, 3));
        let known = self.replica(index)?.known_of(&device);
        let known: Vec<Known> = known.into_iter().filter(|it| !it.is_empty()).collect();
        let ask = BundleAsk {
            readers: is_for_one.then_some(device).into_iter().collect(),
            known: if is_since { known } else { Vec::new() },
            bytes_max: self.rng.random_ratio(1, 2).then_some(SMALL_BYTES),
            blobs: BundleBlobs::None,
        };
        let now = self.now;
        let phone = self.phone(index);
        let written = phone.with(now, |replica, moment| export(replica, &ask, moment));
        let has_faults = phone.has_faults;
        self.after(index)?;
        let files = match written {
            None => return Ok(()),
            Some(Err(BundleError::NobodyYet | BundleError::NotADevice(_))) => return Ok(()),
            // What was pending may have been sealed all the same.
            Some(Err(BundleError::Replica(ReplicaError::Store(_)))) if has_faults => {
                return self.pump(index);
            }
            Some(Err(error)) => return broken!("phone {index} could not export: {error}"),
            Some(Ok(files)) => files,
        };
        let roster = self.replica_or_off(index).map(Replica::roster);
        let all = roster.map(|roster| roster.devices().keys().copied().collect());
        let readers = if is_for_one {
            vec![device]
        } else {
            all.unwrap_or_default()
        };
        let number = self.summary.sticks;
        self.summary.sticks += 1;
        self.tell(format!(
            "  phone {index} writes stick {number}, {} files{}{}",
            files.len(),
            if is_for_one {
                format!(" for phone {other}")
            } else {
                String::new()
            },
            if ask.known.is_empty() {
                ""
            } else {
                ", without what that one has"
            },
        ));
        self.sticks.push(Stick {
            files,
            writer: index,
            number,
            readers,
        });
        let surplus = self.sticks.len().saturating_sub(STICKS_MAX);
        self.sticks.drain(..surplus);
        self.pump(index)
    }

    /// A phone takes in what is left of a stick, in any order.
    pub(super) fn read_stick(&mut self) -> Outcome {
        let phones = self.phones_on();
        let Some(index) = self.pick(&phones) else {
            return Ok(());
        };
        let Some(stick) = self.sticks.choose(&mut self.rng).cloned() else {
            return Ok(());
        };
        self.tell(format!("  phone {index} reads stick {}", stick.number));
        let mut order: Vec<usize> = (0..stick.files.len()).collect();
        if self.rng.random_ratio(1, 3) {
            order.shuffle(&mut self.rng);
        }
        for part in order {
            let Some(file) = stick.files.get(part) else {
                continue;
            };
            let fate = self.fate_of_file();
            if fate != Fate::Lost {
                let file = self.carried(file, fate);
                self.read_file(index, &stick, &file, fate)?;
            }
            if !self.phone(index).is_on() {
                return Ok(());
            }
        }
        self.spread_news(index, ConnId(0))?;
        self.pump(index)
    }

    fn fate_of_file(&mut self) -> Fate {
        match self.rng.random_range(0..10) {
            0 => Fate::Lost,
            1 => Fate::CutShort,
            2 => Fate::Damaged,
            _ => Fate::Whole,
        }
    }

    fn carried(&mut self, file: &[u8], fate: Fate) -> Vec<u8> {
        let mut file = file.to_vec();
        let at = self.rng.random_range(0..file.len().max(1));
        match fate {
            Fate::CutShort => file.truncate(at),
            Fate::Damaged => {
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= 1 << self.rng.random_range(0..8);
                }
            }
            Fate::Whole | Fate::Lost => {}
        }
        file
    }

    fn read_file(&mut self, index: usize, stick: &Stick, file: &[u8], fate: Fate) -> Outcome {
        let at_once = if self.rng.random_ratio(1, 2) {
            1
        } else {
            usize::MAX
        };
        let now = self.now;
        let phone = self.phone(index);
        let device = phone.device();
        let was_removed = phone.replica().is_some_and(Replica::is_removed);
        let read = phone.with(now, |replica, moment| {
            import(replica, file, at_once, moment)
        });
        let has_faults = phone.has_faults;
        self.after(index)?;
        let read = match read {
            None => return Ok(()),
            Some(Err(ReplicaError::Store(_))) if has_faults => return Ok(()),
            Some(Err(error)) => return broken!("phone {index} could not import: {error}"),
            Some(Ok(read)) => read,
        };
        match read {
            Ok(brought) => self.judge_brought(index, stick, &brought, fate),
            Err(BadBundle::NotForUs)
                if fate != Fate::Whole || was_removed || !stick.readers.contains(&device) =>
            {
                Ok(())
            }
            Err(_) if fate != Fate::Whole => Ok(()),
            Err(bad) => broken!("phone {index} cannot open stick {}: {bad}", stick.number),
        }
    }

    fn judge_brought(
        &mut self,
        index: usize,
        stick: &Stick,
        brought: &Brought,
        fate: Fate,
    ) -> Outcome {
        self.tell(format!(
            "    {} new, {} known, {} waiting, {} for others{}",
            brought.tally.received,
            brought.known,
            brought.waiting,
            brought.for_others,
            brought
                .broken
                .map_or_else(String::new, |bad| format!("; {bad}"))
        ));
        self.summary.carried += brought.tally.received;
        let number = stick.number;
        if fate == Fate::Whole && brought.broken.is_some() {
            return broken!(
                "stick {number} is whole, and phone {index} says {:?}",
                brought.broken
            );
        }
        // A key of another reader may be damaged; then nothing of ours is.
        if fate == Fate::CutShort && brought.broken.is_none() {
            return broken!("stick {number} was cut short, and phone {index} did not notice");
        }
        let is_honest = !self.is_villain(stick.writer) && self.is_plain();
        if is_honest && !brought.rejected.is_empty() {
            return Err(Broken(format!(
                "phone {index} took {:?} of stick {number} for forged",
                brought.rejected
            )));
        }
        Ok(())
    }

    /// Somebody writes more than one file of an export takes.
    pub(super) fn write_long(&mut self) -> Outcome {
        if !self.has_long_texts || self.is_long_written {
            return Ok(());
        }
        let members = self.members_on();
        let Some(by) = self.pick(&members) else {
            return Ok(());
        };
        self.is_long_written = true;
        for _ in 0..LONG_TEXTS {
            let letters = (0..LONG_LETTERS).map(|_| self.rng.random_range(0x4e00..0x9000_u32));
            let text: String = letters.filter_map(char::from_u32).collect();
            self.create_by(by, &text)?;
            if !self.phone(by).is_on() {
                return Ok(());
            }
        }
        self.pump(by)
    }
}
