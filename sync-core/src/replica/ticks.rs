//! Who has what of mine: the ticks of records, and how far everybody has been heard from.
//!
//! All of it follows from three things: at which position of a relay's store each batch lies, up to
//! which position each device says that it has read there, and which lanes it may have. Nothing of it
//! decides anything; it is for people.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{Arrival, DeviceId, Head, LaneId, LogId, MemberId, Millis, RecordId, Seq, StoreId};
use crate::receipt::LanesMark;
use crate::record::{Payload, change_time};
use crate::replica::mind::Mind;
use crate::replica::{Replica, ReplicaError};
use crate::roster::role::{Role, Scope};
use crate::store::{EntryRef, KeptReceipt, PendingRow};
use crate::wire::Digest;

/// So many times of batches are remembered, in about a megabyte.
const TIMES_MAX: usize = 8_192;

/// How far a record's newest version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum TickLevel {
    /// It is durable on this device.
    #[default]
    Saved,
    /// A relay has it.
    Relay,
    /// A device of another member has it.
    Colleague,
    /// A device of another member has it who is owner or coordinator of the community.
    Coordinator,
}

impl TickLevel {
    /// Its name for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Relay => "relay",
            Self::Colleague => "colleague",
            Self::Coordinator => "coordinator",
        }
    }
}

/// The ticks of one record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticks {
    /// How far the newest version has come; [`TickLevel::Saved`] while an edit of it is not sealed yet.
    pub level: TickLevel,
    /// Whether a relay has all that is sealed of it.
    pub on_relay: bool,
    /// Other members with a device that has all that is sealed of it, without those below.
    pub colleagues: Vec<MemberId>,
    /// Those of them that are owners or coordinators of the community.
    pub coordinators: Vec<MemberId>,
    /// Edits of this device that are not sealed yet.
    pub pending: u64,
}

/// How up to date one member is with what I have written, as far as their devices have said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberFreshness {
    /// Who.
    pub member: MemberId,
    /// Their name.
    pub name: String,
    /// Whether that is myself; then the rest is about this device.
    pub is_self: bool,
    /// How many devices they have.
    pub devices: usize,
    /// The newest word of theirs that has come, a receipt or a change, by their clock.
    pub heard_at: Option<Millis>,
    /// Whether they may read a space in which I have written. If not, the rest says nothing.
    pub may_read: bool,
    /// Whether they have all of my changes that they may read.
    pub has_all_of_mine: bool,
    /// Records with a change of mine that none of their devices has.
    pub lacks: u64,
    /// When I made the last change that they have, by my clock.
    pub upto: Option<Millis>,
}

/// What a number on this device is the state of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// Digest of all heads: equal on devices that have the same.
    pub digest: Digest,
    /// Members, this one too.
    pub members: usize,
    /// Those of them that have been heard from since the time in question, this one too.
    pub heard: usize,
    /// The others: who may have written what is not here. Who was not heard of longest comes first.
    pub missing: Vec<Missing>,
}

/// A member who has not been heard from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Who.
    pub member: MemberId,
    /// Their name.
    pub name: String,
    /// When they were heard from last, by their clock; none if never.
    pub heard_at: Option<Millis>,
}

/// How far one device has read one relay's store.
#[derive(Debug)]
struct Reach {
    store: StoreId,
    position: u64,
    lanes: BTreeSet<LaneId>,
}

/// What one device of another member has.
#[derive(Debug)]
struct Reader {
    member: MemberId,
    reaches: Vec<Reach>,
}

impl Reader {
    /// Whether it has what lies in a lane at one of these positions.
    fn has(&self, lane: &LaneId, positions: &[(StoreId, u64)]) -> bool {
        self.reaches.iter().any(|reach| {
            let mut positions = positions.iter();
            reach.lanes.contains(lane)
                && positions.any(|(store, at)| *store == reach.store && *at <= reach.position)
        })
    }
}

/// A log of mine with what is known of each of its batches, in order.
#[derive(Debug)]
struct OwnLog {
    log: LogId,
    batches: Vec<(Seq, Vec<(StoreId, u64)>)>,
}

impl Replica {
    /// The ticks of one record.
    ///
    /// # Errors
    /// The store's.
    pub fn ticks(&self, record: RecordId) -> Result<Ticks, ReplicaError> {
        let ticks = self.ticks_of(&[record])?.pop();
        Ok(ticks.unwrap_or_default())
    }

    /// The ticks of some records, in their order; a record that is not here has none.
    ///
    /// # Errors
    /// The store's.
    pub fn ticks_of(&self, records: &[RecordId]) -> Result<Vec<Ticks>, ReplicaError> {
        let readers = self.readers()?;
        let stores = self.stores_known()?;
        let mut pending: BTreeMap<RecordId, u64> = BTreeMap::new();
        for row in self.store.pending()? {
            if let Some(record) = row.record {
                *pending.entry(record).or_default() += 1;
            }
        }
        let ticks = records.iter().map(|record| {
            let pending = pending.get(record).copied().unwrap_or_default();
            self.ticks_among(record, pending, &readers, &stores)
        });
        ticks.collect()
    }

    fn ticks_among(
        &self,
        record: &RecordId,
        pending: u64,
        readers: &[Reader],
        stores: &[StoreId],
    ) -> Result<Ticks, ReplicaError> {
        let mut newest = Vec::new();
        for (log, seq) in self.newest_entries(record)? {
            let first = self.store.missing(&log, seq, 1)?;
            let arrival = first.first().map(|batch| batch.arrival);
            let positions = match arrival {
                Some(arrival) => self.positions_of(arrival, stores)?,
                None => Vec::new(),
            };
            newest.push((log.lane, positions));
        }
        let mut ticks = Ticks {
            pending,
            ..Ticks::default()
        };
        if newest.is_empty() {
            return Ok(ticks);
        }
        ticks.on_relay = newest.iter().all(|(_, positions)| !positions.is_empty());
        let have = readers.iter().filter(|reader| {
            let mut newest = newest.iter();
            newest.all(|(lane, positions)| reader.has(lane, positions))
        });
        let members: BTreeSet<MemberId> = have.map(|reader| reader.member).collect();
        (ticks.coordinators, ticks.colleagues) = members
            .into_iter()
            .partition(|member| self.mind.is_coordinator(member));
        ticks.level = match (&ticks, pending) {
            (_, 1..) => TickLevel::Saved,
            (ticks, 0) if !ticks.coordinators.is_empty() => TickLevel::Coordinator,
            (ticks, 0) if !ticks.colleagues.is_empty() => TickLevel::Colleague,
            (ticks, 0) if ticks.on_relay => TickLevel::Relay,
            (_, 0) => TickLevel::Saved,
        };
        Ok(ticks)
    }

    /// The newest sealed entry of each log that a record was made of: who has it has those before it.
    ///
    /// # Errors
    /// The store's.
    pub fn newest_entries(&self, record: &RecordId) -> Result<BTreeMap<LogId, Seq>, ReplicaError> {
        let Some(doc) = self.store.doc(record)? else {
            return Ok(BTreeMap::new());
        };
        let mut entries = self.mind.logs.unpack(&doc.refs)?;
        for tail in self.store.tails(record)? {
            entries.extend(self.mind.logs.unpack(&tail.refs)?);
        }
        let mut heads: BTreeMap<LogId, Seq> = BTreeMap::new();
        let mut newest: BTreeMap<LogId, Seq> = BTreeMap::new();
        for EntryRef { log, seq } in entries {
            let head = match heads.get(&log) {
                Some(head) => *head,
                None => {
                    let head = self.store.head(&log)?.seq;
                    heads.insert(log, head);
                    head
                }
            };
            // Beyond it lies what is not sealed yet.
            if seq <= head {
                let known = newest.entry(log).or_insert(seq);
                *known = seq.max(*known);
            }
        }
        Ok(newest)
    }

    pub(super) fn positions_of(
        &self,
        arrival: Arrival,
        stores: &[StoreId],
    ) -> Result<Vec<(StoreId, u64)>, ReplicaError> {
        let mut found = Vec::new();
        for store in stores {
            let position = self.store.position(store, arrival)?;
            found.extend(position.map(|position| (*store, position)));
        }
        Ok(found)
    }

    /// The devices of other members, with what their receipts say.
    fn readers(&self) -> Result<Vec<Reader>, ReplicaError> {
        let roster = &self.mind.roster;
        let us = roster.member_id(&self.mind.us);
        let mut readers: BTreeMap<DeviceId, Reader> = BTreeMap::new();
        for kept in self.store.receipts()? {
            let device = *kept.receipt.device();
            let Some(row) = roster.devices().get(&device) else {
                continue;
            };
            if Some(row.member) == us {
                continue;
            }
            let reader = readers.entry(device).or_insert_with(|| Reader {
                member: row.member,
                reaches: Vec::new(),
            });
            reader.reaches.push(self.mind.reach_of(&kept));
        }
        Ok(readers.into_values().collect())
    }

    /// How far everybody has been heard from and what of mine they have, in the order of their ids.
    ///
    /// # Errors
    /// The store's.
    pub fn freshness(&self) -> Result<Vec<MemberFreshness>, ReplicaError> {
        let readers = self.readers()?;
        let heard = self.heard()?;
        let own = self.own_logs()?;
        let us = self.mind.roster.member_id(&self.mind.us);
        let members = self.mind.roster.members().iter();
        let members: Vec<_> = members.filter(|(_, member)| !member.is_former()).collect();
        let covered: Vec<Vec<Option<usize>>> = members
            .iter()
            .map(|(id, _)| {
                own.iter()
                    .map(|own| covered_by(id, own, &readers))
                    .collect()
            })
            .collect();
        let least: Vec<Option<usize>> = (0..own.len())
            .map(|index| {
                let of_log = covered.iter().zip(&members);
                let others = of_log.filter(|(_, (id, _))| Some(**id) != us);
                let of_log = others.map(|(covered, _)| covered.get(index).copied().flatten());
                of_log.min().flatten()
            })
            .collect();
        let changes = self.changes_beyond(&own, &least)?;
        let pending = self.store.pending()?;
        let lanes: BTreeSet<LaneId> = own
            .iter()
            .map(|own| own.log.lane)
            .chain(pending.iter().map(|row| row.lane))
            .collect();
        let mut all = Vec::with_capacity(members.len());
        for ((id, member), covered) in members.into_iter().zip(&covered) {
            let is_self = Some(*id) == us;
            let readable: BTreeSet<LaneId> = lanes
                .iter()
                .copied()
                .filter(|lane| self.mind.may_member_read(&member.devices, lane))
                .collect();
            let may = |lane: &LaneId| readable.contains(lane);
            let lacking = if is_self {
                BTreeSet::new()
            } else {
                lacking(&own, covered, &changes, &pending, may)
            };
            let may_read = !readable.is_empty();
            all.push(MemberFreshness {
                member: *id,
                name: self.member_name(id),
                is_self,
                devices: member.devices.len(),
                heard_at: heard.get(id).copied(),
                may_read,
                has_all_of_mine: lacking.is_empty() && (may_read || is_self),
                lacks: lacking.len() as u64,
                upto: self.last_had(&own, covered, is_self)?,
            });
        }
        Ok(all)
    }

    /// The records that [`MemberFreshness::lacks`] counts, in the order of their ids: those with a change
    /// of mine that a member may read and that none of their devices has. None of myself, and none of
    /// somebody who does not belong.
    ///
    /// # Errors
    /// The store's.
    pub fn lacked_by(&self, id: &MemberId) -> Result<Vec<RecordId>, ReplicaError> {
        let roster = &self.mind.roster;
        let member = roster.members().get(id).filter(|it| !it.is_former());
        let Some(member) = member.filter(|_| roster.member_id(&self.mind.us) != Some(*id)) else {
            return Ok(Vec::new());
        };
        let (own, readers) = (self.own_logs()?, self.readers()?);
        let covered: Vec<Option<usize>> = own
            .iter()
            .map(|own| covered_by(id, own, &readers))
            .collect();
        let changes = self.changes_beyond(&own, &covered)?;
        let may = |lane: &LaneId| self.mind.may_member_read(&member.devices, lane);
        let lacking = lacking(&own, &covered, &changes, &self.store.pending()?, may);
        Ok(lacking.into_iter().collect())
    }

    /// What numbers on this device are the state of; who was not heard from since then may have
    /// written what is not in them.
    ///
    /// # Errors
    /// The store's.
    pub fn as_of(&self, since: Millis) -> Result<AsOf, ReplicaError> {
        let heard = self.heard()?;
        let us = self.mind.roster.member_id(&self.mind.us);
        let members = self.mind.roster.members().iter();
        let members: Vec<MemberId> = members
            .filter(|(_, member)| !member.is_former())
            .map(|(id, _)| *id)
            .collect();
        let late = members
            .iter()
            .filter(|id| Some(**id) != us && heard.get(id).is_none_or(|heard| *heard < since));
        let mut missing: Vec<Missing> = late
            .map(|id| Missing {
                member: *id,
                name: self.member_name(id),
                heard_at: heard.get(id).copied(),
            })
            .collect();
        missing.sort_by_key(|missing| (missing.heard_at, missing.member));
        Ok(AsOf {
            digest: self.heads_digest()?,
            heard: members.len().saturating_sub(missing.len()),
            members: members.len(),
            missing,
        })
    }

    /// The newest word of each member: a receipt, or the last change of one of their logs.
    fn heard(&self) -> Result<BTreeMap<MemberId, Millis>, ReplicaError> {
        let roster = &self.mind.roster;
        let mut heard: BTreeMap<MemberId, Millis> = BTreeMap::new();
        let mut hear = |device: &DeviceId, at: Millis| {
            if let Some(member) = roster.member_id(device) {
                let known = heard.entry(member).or_insert(at);
                *known = at.max(*known);
            }
        };
        for kept in self.store.receipts()? {
            hear(kept.receipt.device(), kept.receipt.reading().at);
        }
        let logs = self.store.logs()?;
        let lanes: BTreeSet<LaneId> = logs.iter().map(|log| log.lane).collect();
        for lane in lanes.iter().filter(|lane| **lane != self.mind.roster_lane) {
            for (log, Head { seq, .. }) in self.store.heads(lane)? {
                if seq > Seq(0)
                    && let Some(at) = self.time_of(&EntryRef { log, seq })?
                {
                    hear(&log.device, at);
                }
            }
        }
        Ok(heard)
    }

    /// When the last change of the batch was made that has this entry, by its author's clock.
    fn time_of(&self, entry: &EntryRef) -> Result<Option<Millis>, ReplicaError> {
        // What a batch says never changes. One that cannot be opened may be, when its key has come.
        if let Some(known) = self.times.borrow().get(entry) {
            return Ok(Some(*known));
        }
        let time = self.read_time_of(entry)?;
        if let Some(time) = time {
            let mut times = self.times.borrow_mut();
            if times.len() >= TIMES_MAX {
                times.clear();
            }
            times.insert(*entry, time);
        }
        Ok(time)
    }

    fn read_time_of(&self, entry: &EntryRef) -> Result<Option<Millis>, ReplicaError> {
        let Some(batch) = self.store.batch_with(entry)? else {
            return Ok(None);
        };
        let opened = self.mind.open_batch(&batch).into_iter();
        let times = opened.filter_map(|(_, opened)| change_time(&opened.ok()?.payload.chunk));
        Ok(times.max())
    }

    /// The logs of spaces that this member's devices wrote, with where their batches lie.
    fn own_logs(&self) -> Result<Vec<OwnLog>, ReplicaError> {
        let roster = &self.mind.roster;
        let us = roster.member_id(&self.mind.us);
        let stores = self.stores_known()?;
        let mut own = Vec::new();
        for log in self.store.logs()? {
            let is_ours =
                log.device == self.mind.us || (us.is_some() && roster.member_id(&log.device) == us);
            if !is_ours || log.lane == self.mind.roster_lane {
                continue;
            }
            let mut batches = Vec::new();
            for batch in self.store.missing(&log, Seq::FIRST, usize::MAX)? {
                let positions = self.positions_of(batch.arrival, &stores)?;
                batches.push((batch.last_seq, positions));
            }
            if !batches.is_empty() {
                own.push(OwnLog { log, batches });
            }
        }
        Ok(own)
    }

    /// The records that I changed in the batches which somebody lacks.
    fn changes_beyond(
        &self,
        own: &[OwnLog],
        least: &[Option<usize>],
    ) -> Result<Vec<OwnChange>, ReplicaError> {
        let mut changes = Vec::new();
        for (index, (own, least)) in own.iter().zip(least).enumerate() {
            let first = least.map_or(0, |least| least + 1);
            for (number, (last, _)) in own.batches.iter().enumerate().skip(first) {
                let entry = EntryRef {
                    log: own.log,
                    seq: *last,
                };
                let Some(batch) = self.store.batch_with(&entry)? else {
                    continue;
                };
                let records: BTreeSet<RecordId> = self
                    .payloads(&batch)
                    .into_iter()
                    .map(|(record, _): (RecordId, Payload)| record)
                    .collect();
                changes.extend(records.into_iter().map(|record| OwnChange {
                    log: index,
                    batch: number,
                    record,
                }));
            }
        }
        Ok(changes)
    }

    /// When I made the last change that somebody has.
    fn last_had(
        &self,
        own: &[OwnLog],
        covered: &[Option<usize>],
        is_self: bool,
    ) -> Result<Option<Millis>, ReplicaError> {
        let mut last = None;
        for (own, covered) in own.iter().zip(covered) {
            let had = if is_self {
                own.batches.last()
            } else {
                covered.and_then(|index| own.batches.get(index))
            };
            if let Some((seq, _)) = had {
                let entry = EntryRef {
                    log: own.log,
                    seq: *seq,
                };
                last = last.max(self.time_of(&entry)?);
            }
        }
        Ok(last)
    }
}

/// A record that I changed in one of my batches.
#[derive(Debug)]
struct OwnChange {
    /// Which of my logs.
    log: usize,
    /// Which of its batches.
    batch: usize,
    record: RecordId,
}

/// The last batch of a log of mine that some device of a member has; it has those before it too.
fn covered_by(member: &MemberId, own: &OwnLog, readers: &[Reader]) -> Option<usize> {
    let devices: Vec<&Reader> = readers
        .iter()
        .filter(|reader| reader.member == *member)
        .collect();
    own.batches.iter().rposition(|(_, positions)| {
        let mut devices = devices.iter();
        devices.any(|reader| reader.has(&own.log.lane, positions))
    })
}

/// The records with changes of mine beyond what somebody has, in lanes that they may read.
fn lacking(
    own: &[OwnLog],
    covered: &[Option<usize>],
    changes: &[OwnChange],
    pending: &[PendingRow],
    may: impl Fn(&LaneId) -> bool,
) -> BTreeSet<RecordId> {
    let beyond = changes.iter().filter(|change| {
        let has = covered.get(change.log).copied().flatten();
        has.is_none_or(|has| change.batch > has)
            && own.get(change.log).is_some_and(|own| may(&own.log.lane))
    });
    let unsealed = pending.iter().filter(|row| may(&row.lane));
    let beyond = beyond.map(|change| change.record);
    beyond
        .chain(unsealed.filter_map(|row| row.record))
        .collect()
}

impl Mind {
    /// What a receipt says of lanes that its device may have.
    fn reach_of(&self, kept: &KeptReceipt) -> Reach {
        let reading = kept.receipt.reading();
        let may = self.roster.lanes_of(kept.receipt.device());
        let lanes = if LanesMark::of(&may) == reading.lanes {
            may
        } else {
            // What it was about when it came, as far as its device may still have it.
            let known: BTreeSet<LaneId> = kept.lanes.iter().copied().collect();
            &known & &may
        };
        Reach {
            store: reading.store,
            position: reading.position,
            lanes,
        }
    }

    /// Whether a member is owner or coordinator of the community.
    fn is_coordinator(&self, member: &MemberId) -> bool {
        let member = self.roster.members().get(member);
        member.is_some_and(|member| {
            let mut roles = member.roles.iter();
            roles.any(|(scope, role)| *scope == Scope::Community && *role >= Role::Coordinator)
        })
    }

    fn may_member_read(&self, devices: &BTreeSet<DeviceId>, lane: &LaneId) -> bool {
        devices
            .iter()
            .any(|device| self.roster.may_read(device, lane))
    }
}
