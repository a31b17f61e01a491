//! Station work as sealed batches: what a relay holds after three years, in causal order.
//!
//! Every volunteer has a replica of their own in memory and writes without a network; then all of a
//! village meet, and the next round begins. An edit by somebody else than the last editor waits for
//! the next round, unless the generator wants the two to be made at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use station::{Act, Scale, Station, What};
use sync_core::entry::VerifiedBatch;
use sync_core::id::{Arrival, LaneId, Millis, RecordId};
use sync_core::keys::DeviceKeys;
use sync_core::replica::{Moment, Replica, Source};
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::ticket::Ticket;
use sync_core::schema::FieldEdit;
use sync_core::session::carrier::Carrier;
use sync_core::store::MemoryStore;
use sync_core::wire::batches::{Received, decode_join};

/// One person's phone in memory.
pub(crate) struct Phone {
    pub(crate) replica: Replica,
    pub(crate) keys: Arc<DeviceKeys>,
    rng: ChaCha8Rng,
    /// Arrivals up to here have gone to the others.
    shared: Arrival,
}

/// A community whose members have all written and met.
pub(crate) struct Dataset {
    pub(crate) founder: Phone,
    pub(crate) founder_keys: Arc<DeviceKeys>,
    pub(crate) volunteers: Vec<Phone>,
    pub(crate) station: Station,
    /// Everything, in the order in which it reached the founder.
    pub(crate) batches: Vec<Arc<VerifiedBatch>>,
}

impl Phone {
    fn new(replica: Replica, keys: Arc<DeviceKeys>, seed: u64) -> Self {
        Self {
            replica,
            keys,
            rng: ChaCha8Rng::seed_from_u64(seed),
            shared: Arrival::default(),
        }
    }

    pub(crate) fn with<T>(
        &mut self,
        at: i64,
        act: impl FnOnce(&mut Replica, &mut Moment<'_>) -> T,
    ) -> T {
        let Self { replica, rng, .. } = self;
        act(
            replica,
            &mut Moment {
                now: Millis(at),
                rng,
            },
        )
    }

    fn take_fresh(&mut self) -> Result<Vec<Arc<VerifiedBatch>>> {
        self.with(1, |replica, moment| replica.seal_pending(moment))?;
        let mut fresh = Vec::new();
        loop {
            let next = self.replica.since(self.shared, 1 << 20)?;
            let Some(last) = next.last() else {
                return Ok(fresh);
            };
            self.shared = last.arrival;
            fresh.extend(next.into_iter().map(|carried| carried.batch));
        }
    }

    pub(crate) fn ingest(&mut self, batches: &[Arc<VerifiedBatch>]) -> Result<()> {
        let received = batches
            .iter()
            .map(|batch| received(batch))
            .collect::<Result<_>>()?;
        self.with(1, |replica, moment| {
            replica.ingest(received, &[], &Source::default(), moment)
        })?;
        Ok(())
    }
}

/// A batch as it comes off the wire.
pub(crate) fn received(batch: &VerifiedBatch) -> Result<Received> {
    let batch = sync_core::entry::SignedBatch::parse(*batch.place(), batch.tail().to_vec())?;
    Ok(Received {
        batch,
        prev: None,
        position: None,
    })
}

/// Writes a station's years of work.
pub(crate) fn build(seed: u64, scale: &Scale) -> Result<Dataset> {
    let station = station::generate(seed, scale);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let founder_keys = Arc::new(DeviceKeys::generate(&mut rng));
    let store = Box::new(MemoryStore::new());
    let moment = &mut Moment {
        now: Millis(1),
        rng: &mut rng,
    };
    let founding = Replica::found(store, founder_keys.clone(), "丹灶", "王芳", &[], moment)?;
    let mut founder = Phone::new(founding.replica, founder_keys.clone(), seed ^ 1);
    let spaces = station
        .villages
        .iter()
        .map(|village| {
            founder.with(2, |replica, moment| {
                replica.add_space(&village.name_zh, moment)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut volunteers = invite_all(&mut founder, &station, &spaces)?;
    // The founder's device confirms them; then everybody has the whole roster.
    let roster = founder.take_fresh()?;
    let lane = roster_lane(&founder);
    let roster: Vec<_> = roster
        .into_iter()
        .filter(|batch| batch.log().lane == lane)
        .collect();
    for phone in &mut volunteers {
        phone.ingest(&roster)?;
        phone.take_fresh()?;
    }
    let mut records = BTreeMap::new();
    for round in rounds(&station.acts) {
        for act in round {
            write(&mut volunteers, &station, &spaces, act, &mut records)?;
        }
        meet(&mut founder, &mut volunteers, &station)?;
    }
    let batches = all_batches(&founder)?;
    Ok(Dataset {
        founder,
        founder_keys,
        volunteers,
        station,
        batches,
    })
}

fn roster_lane(phone: &Phone) -> LaneId {
    sync_core::roster::roster_lane(&phone.replica.community())
}

fn invite_all(founder: &mut Phone, station: &Station, spaces: &[LaneId]) -> Result<Vec<Phone>> {
    let mut phones = Vec::new();
    let mut joins = Vec::new();
    for (index, person) in station.volunteers.iter().enumerate() {
        let space = *spaces
            .get(person.village)
            .context("every person has a village")?;
        // The first of each village leads it.
        let is_first = index == 0
            || station
                .volunteers
                .get(index - 1)
                .is_some_and(|before| before.village != person.village);
        let role = if is_first {
            Role::Lead
        } else {
            Role::Volunteer
        };
        let ticket: Ticket = founder.with(3, |replica, moment| {
            replica.invite(Scope::Space(space), role, 1, moment)
        })?;
        let seed = 1000 + index as u64;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let keys = Arc::new(DeviceKeys::generate(&mut rng));
        let moment = &mut Moment {
            now: Millis(4),
            rng: &mut rng,
        };
        let store = Box::new(MemoryStore::new());
        let replica = Replica::join(store, keys.clone(), &ticket, &person.name_zh, moment)?;
        let join = replica
            .join_to_present()
            .context("a joiner has a join to present")?;
        let batch = decode_join(&replica.community(), &join)?;
        joins.push(Received {
            batch,
            prev: None,
            position: None,
        });
        phones.push(Phone::new(replica, keys, seed));
    }
    founder.with(5, |replica, moment| {
        replica.ingest(joins, &[], &Source::default(), moment)
    })?;
    Ok(phones)
}

/// Splits acts so that within a round nobody needs what another wrote in it; the two edits of a pair
/// that was made apart fall into one round, after what both of them had seen.
fn rounds(acts: &[Act]) -> Vec<Vec<&Act>> {
    let is_paired = first_of_pairs(acts);
    let mut rounds: Vec<Vec<&Act>> = Vec::new();
    let mut last: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (act, is_paired) in acts.iter().zip(is_paired) {
        let round = match last.get(&act.record) {
            None => 0,
            Some((round, _)) if act.concurrent => *round,
            Some((round, by)) if *by == act.by && !is_paired => *round,
            Some((round, _)) => round + 1,
        };
        last.insert(act.record, (round, act.by));
        if rounds.len() <= round {
            rounds.resize_with(round + 1, Vec::new);
        }
        if let Some(acts) = rounds.get_mut(round) {
            acts.push(act);
        }
    }
    rounds
}

/// Which acts are followed, in their record, by one that was made without having seen them.
fn first_of_pairs(acts: &[Act]) -> Vec<bool> {
    let mut next_is_apart: BTreeMap<usize, bool> = BTreeMap::new();
    let mut paired: Vec<bool> = acts
        .iter()
        .rev()
        .map(|act| {
            next_is_apart
                .insert(act.record, act.concurrent)
                .unwrap_or(false)
        })
        .collect();
    paired.reverse();
    paired
}

fn write(
    volunteers: &mut [Phone],
    station: &Station,
    spaces: &[LaneId],
    act: &Act,
    records: &mut BTreeMap<usize, (RecordId, &'static str)>,
) -> Result<()> {
    let phone = volunteers
        .get_mut(act.by)
        .context("every act has a volunteer")?;
    let schema = phone.replica.schema();
    match &act.what {
        What::Create { kind, fields } => {
            let village = station.volunteers.get(act.by).context("a person")?.village;
            let space = *spaces.get(village).context("every person has a village")?;
            let edits = parse(schema.kind(kind).context("a station kind")?, fields)?;
            let record = phone.with(act.at, |replica, moment| {
                replica.create(kind, space, &edits, moment)
            })?;
            records.insert(act.record, (record, kind));
        }
        What::Edit { fields } => {
            let (record, kind) = *records.get(&act.record).context("created before")?;
            let edits = parse(schema.kind(kind).context("a station kind")?, fields)?;
            phone.with(act.at, |replica, moment| {
                replica.edit(record, &edits, moment)
            })?;
        }
    }
    Ok(())
}

fn parse(kind: &sync_core::schema::Kind, fields: &[(String, String)]) -> Result<Vec<FieldEdit>> {
    Ok(fields
        .iter()
        .map(|(name, text)| kind.parse_edit(name, text))
        .collect::<Result<_, _>>()?)
}

/// Each village's phones exchange everything; the founder gets all of it.
fn meet(founder: &mut Phone, volunteers: &mut [Phone], station: &Station) -> Result<()> {
    let mut by_village: BTreeMap<usize, Vec<Arc<VerifiedBatch>>> = BTreeMap::new();
    let people = station.volunteers.iter();
    for (phone, person) in volunteers.iter_mut().zip(people) {
        by_village
            .entry(person.village)
            .or_default()
            .extend(phone.take_fresh()?);
    }
    for batches in by_village.values() {
        founder.ingest(batches)?;
    }
    for (phone, person) in volunteers.iter_mut().zip(&station.volunteers) {
        if let Some(batches) = by_village.get(&person.village) {
            phone.ingest(batches)?;
        }
        phone.take_fresh()?;
    }
    founder.take_fresh()?;
    Ok(())
}

fn all_batches(founder: &Phone) -> Result<Vec<Arc<VerifiedBatch>>> {
    let mut all = Vec::new();
    let mut after = Arrival::default();
    loop {
        let next = founder.replica.since(after, 4 << 20)?;
        let Some(last) = next.last() else {
            return Ok(all);
        };
        after = last.arrival;
        all.extend(next.into_iter().map(|carried| carried.batch));
    }
}
