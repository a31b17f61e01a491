//! A member whose program keeps to no rule: it signs what it may not say, and writes what nobody may write.
//!
//! It does so in logs of its own, under one incarnation, and its phone carries them to others like any
//! batch. Honest phones keep such entries, and nothing of them may count.

use std::collections::BTreeSet;

use rand::{Rng, RngExt};
use sync_core::entry::EntryKind;
use sync_core::entry::place::Link;
use sync_core::entry::seal::{PlainEntry, seal_batch};
use sync_core::epoch::EpochKey;
use sync_core::id::{Arrival, DeviceId, EpochId, Head, Incarnation, InviteId, LaneId, LogId, Seq};
use sync_core::keys::Secret;
use sync_core::record::{Payload, Target as RecordTarget, compress, hostile};
use sync_core::replica::{ReplicaError, Source};
use sync_core::roster::book::Book;
use sync_core::roster::role::{Role, Scope};
use sync_core::roster::statement::{
    Confirm, Epoch, Grant, Join, KeyFor, Recipient, Release, Revoke, Space, Statement, StatementId,
    Stretch, Target,
};
use sync_core::roster::{Roster, member_of, roster_lane};
use sync_core::session::carrier::Carrier as _;
use sync_core::store::EntryRef;
use sync_core::wire::batches::{BatchReader, BatchWriter};

use super::net::ConnId;
use super::{Broken, Outcome, World, broken};

/// Who it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Villain {
    pub(super) phone: usize,
    pub(super) device: DeviceId,
    /// Under which it writes what it may not.
    pub(super) incarnation: Incarnation,
}

impl Villain {
    fn wrote(&self, log: &LogId) -> bool {
        (log.device, log.incarnation) == (self.device, self.incarnation)
    }
}

impl World {
    /// Whether a phone keeps to no rule.
    pub(super) fn is_villain(&self, index: usize) -> bool {
        self.villain.is_some_and(|villain| villain.phone == index)
    }

    /// The villain does something; the first time somebody becomes one.
    pub(super) fn villain_acts(&mut self) -> Outcome {
        if !self.has_villain {
            return Ok(());
        }
        let Some(villain) = self.villain.or_else(|| self.tempt_somebody()) else {
            return Ok(());
        };
        self.villain = Some(villain);
        let index = villain.phone;
        let phone = self.phone(index);
        let is_busy = phone.has_faults || phone.is_doubtful;
        let is_here = phone.replica().is_some_and(|it| !it.is_removed());
        if is_busy || !is_here {
            return Ok(());
        }
        if self.rng.random_ratio(1, 2) {
            self.say_what_it_may_not(villain)
        } else {
            self.write_what_it_may_not(villain)
        }
    }

    fn tempt_somebody(&mut self) -> Option<Villain> {
        let members = self.members_on();
        let is_fit = |index: &usize| {
            let phone = self.phones.get(*index);
            phone.is_some_and(|it| !it.is_steward && !it.is_doubtful && !it.is_cut_off)
        };
        let fit: Vec<usize> = members.into_iter().filter(is_fit).collect();
        let phone = self.pick(&fit)?;
        self.tell(format!("  phone {phone} becomes a villain"));
        Some(Villain {
            phone,
            device: self.phone(phone).device(),
            incarnation: Incarnation::new(self.rng.random()),
        })
    }

    fn say_what_it_may_not(&mut self, villain: Villain) -> Outcome {
        let statement = self.forbidden_statement(villain)?;
        self.tell(format!("  the villain says {statement:?}"));
        let (kind, mut bytes) = statement.encode();
        if self.rng.random_ratio(1, 8) {
            bytes.push(0);
        }
        let lane = roster_lane(&self.replica(villain.phone)?.community());
        self.inject(villain, lane, None, PlainEntry { kind, bytes })
    }

    /// Something for which it has no rank, or no proof.
    fn forbidden_statement(&mut self, villain: Villain) -> Outcome<Statement> {
        let other = self.rng.random_range(0..self.phones.len());
        let founder = self.phone(0).device();
        // Only of a higher rank: others it may have a right to.
        let other = self.phone(other);
        let other = if other.is_steward {
            other.device()
        } else {
            founder
        };
        let spaces = self.spaces.clone();
        let space = self.pick(&spaces).unwrap_or(LaneId::ZERO);
        let roster = self.replica(villain.phone)?.roster();
        let community = self.replica(villain.phone)?.community();
        let myself = roster.member_id(&villain.device);
        let myself = myself.unwrap_or_else(|| member_of(&community, &villain.device));
        let superior = roster.member_id(&founder);
        let superior = superior.unwrap_or_else(|| member_of(&community, &founder));
        let invites: Vec<_> = roster.invites().values().map(|it| it.id).collect();
        let logs = self.replica(villain.phone)?.store().logs();
        let logs = logs.map_err(|error| Broken(error.to_string()))?;
        let log = self.pick(&logs);
        Ok(match self.rng.random_range(0..8) {
            0 => Statement::Grant(Grant {
                member: myself,
                scope: Scope::Community,
                role: self
                    .pick(&[Role::Owner, Role::Coordinator])
                    .unwrap_or(Role::Owner),
                nonce: self.twelve_bytes().into(),
                at: None,
            }),
            1 => Statement::Revoke(Revoke {
                target: Target::Member(superior),
                cuts: Vec::new(),
                nonce: self.twelve_bytes().into(),
            }),
            2 => Statement::Revoke(Revoke {
                target: Target::Device(other),
                cuts: Vec::new(),
                nonce: self.twelve_bytes().into(),
            }),
            3 => Statement::Join(Join {
                invite: self
                    .pick(&invites)
                    .unwrap_or_else(|| InviteId::new(*founder.as_bytes())),
                sealing: sync_core::keys::Signer::sealing_key(&*self.phone(villain.phone).keys),
                proof: vec![7; 64].into(),
            }),
            4 => Statement::Space(Space {
                nonce: self.twelve_bytes().into(),
                title: self.twelve_bytes().into(),
            }),
            5 => Statement::Confirm(Confirm {
                join: StatementId::derive(
                    &community,
                    &villain.device,
                    EntryKind::JOIN,
                    &self.twelve_bytes(),
                ),
            }),
            6 => Statement::Release(Release {
                entries: log.into_iter().map(|log| stretch_of(&log)).collect(),
            }),
            _ => self.useless_epoch(space),
        })
    }

    fn useless_epoch(&mut self, space: LaneId) -> Statement {
        Statement::Epoch(Epoch {
            space,
            epoch: EpochId::new(self.rng.random()),
            keys: vec![KeyFor {
                recipient: Recipient::Device(DeviceId::new(self.rng.random())),
                sealed: self.twelve_bytes().into(),
            }],
            older: Vec::new(),
        })
    }

    fn twelve_bytes(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 12];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// A change that is altered, somebody else's, or no change at all.
    fn write_what_it_may_not(&mut self, villain: Villain) -> Outcome {
        let replica = self.replica(villain.phone)?;
        let roster = replica.roster();
        let roster_lane = roster_lane(&replica.community());
        let failed = |error: sync_core::store::StoreError| Broken(error.to_string());
        let all = replica.since(Arrival(0), usize::MAX).map_err(failed)?;
        let keys = replica
            .store()
            .meta("keyring")
            .map_err(failed)?
            .unwrap_or_default();
        let keys = keys.as_chunks::<32>().0.iter();
        let keys: Vec<EpochKey> = keys
            .map(|key| EpochKey::from_secret(Secret::new(*key)))
            .collect();
        let batches: Vec<_> = all
            .iter()
            .filter(|it| it.batch.log().lane != roster_lane && !villain.wrote(it.batch.log()))
            .collect();
        let mut payloads = Vec::new();
        for carried in batches {
            let lane = carried.batch.log().lane;
            let of_space = |key: &&EpochKey| roster.epochs().contains_key(&(lane, key.id()));
            let Some(key) = keys.iter().find(of_space) else {
                continue;
            };
            let opened = replica.payloads(&carried.batch).into_iter();
            payloads.extend(opened.map(|(_, payload)| (lane, key.clone(), payload)));
        }
        let indexes: Vec<usize> = (0..payloads.len()).collect();
        let Some(chosen) = self.pick(&indexes) else {
            return Ok(());
        };
        let (lane, key, payload) = payloads.swap_remove(chosen);
        let payload = self.twisted(villain, payload);
        self.tell(format!("  the villain writes into {}", lane.short()));
        let entry = PlainEntry {
            kind: EntryKind::CHANGE,
            bytes: compress(&payload.encode()),
        };
        self.inject(villain, lane, Some(key), entry)
    }

    fn twisted(&mut self, villain: Villain, payload: Payload) -> Payload {
        let log = LogId {
            lane: LaneId::ZERO,
            device: villain.device,
            incarnation: villain.incarnation,
        };
        let actor = log.actor();
        let record = payload
            .target
            .record_id(&villain.device, &villain.incarnation);
        let chunk = match self.rng.random_range(0..5) {
            // Somebody else's change, as its own.
            0 => payload.chunk.clone(),
            1 => hostile::alter(&payload.chunk, |change| {
                change.actor_id = actor.as_bytes().as_slice().into();
                change.seq = 7;
            }),
            2 => hostile::alter(&payload.chunk, |change| {
                change.actor_id = actor.as_bytes().as_slice().into();
                change.seq = 1;
                change.extra_bytes = vec![1, 3, 7, 7, 7];
            }),
            3 => hostile::retype(&payload.chunk, 2),
            _ => {
                let mut noise = vec![0; self.rng.random_range(1..300)];
                self.rng.fill_bytes(&mut noise);
                noise
            }
        };
        let target = match payload.target {
            RecordTarget::Edit(record) => RecordTarget::Edit(record),
            RecordTarget::Begin { .. } | RecordTarget::BeginKeyed { .. } => {
                RecordTarget::Edit(record)
            }
        };
        Payload { target, chunk }
    }

    /// Signs an entry and puts it into the villain's own store, as if it had come from somewhere; now
    /// and then at a place where it has written already.
    fn inject(
        &mut self,
        villain: Villain,
        lane: LaneId,
        key: Option<EpochKey>,
        entry: PlainEntry,
    ) -> Outcome {
        let log = LogId {
            lane,
            device: villain.device,
            incarnation: villain.incarnation,
        };
        let replica = self.replica(villain.phone)?;
        let community = replica.community();
        let head = replica
            .head(&log)
            .map_err(|error| Broken(error.to_string()))?;
        let after = if key.is_none() && self.rng.random_ratio(1, 5) {
            Head::EMPTY
        } else {
            head
        };
        let now = self.now;
        let phone = self.phone(villain.phone);
        let keys = std::sync::Arc::clone(&phone.keys);
        let entries = [entry];
        let sealed = seal_batch(
            &*keys,
            &community,
            log,
            &after,
            key.as_ref(),
            &entries,
            &mut phone.rng,
        );
        let batch = sealed.map_err(|error| Broken(error.to_string()))?;
        let mut writer = BatchWriter::default();
        writer.push(&batch, true);
        let received = BatchReader::default().read(writer.take());
        let received = received.map_err(|error| Broken(error.to_string()))?;
        let taken = phone.with(now, |replica, moment| {
            replica.ingest(received, &[], &Source::default(), moment)
        });
        let has_faults = phone.has_faults;
        self.summary.villainies += 1;
        self.after(villain.phone)?;
        match taken {
            Some(Err(ReplicaError::Store(_))) if has_faults => {}
            Some(Err(error)) => return broken!("the villain's own phone fails: {error}"),
            Some(Ok(_)) | None => {}
        }
        self.spread_news(villain.phone, ConnId(0))?;
        self.pump(villain.phone)
    }

    /// Nothing that the villain said or wrote counts anywhere.
    pub(super) fn check_villain(&self) -> Outcome {
        let Some(villain) = self.villain else {
            return Ok(());
        };
        for index in self.phones_in() {
            self.check_nothing_merged(index, &villain)?;
        }
        let replica = self.replica(self.reference())?;
        let community = replica.community();
        let (mut all, mut honest) = (Book::default(), Book::default());
        let failed = |error: sync_core::store::StoreError| Broken(error.to_string());
        let lane = roster_lane(&community);
        let said = replica.stretch(&lane, Arrival(0), Arrival(u64::MAX), usize::MAX);
        for carried in said.map_err(failed)? {
            all.add_batch(&community, &carried.batch);
            // A reader may make an epoch that nobody can use; then others make another one.
            let is_epoch = carried
                .batch
                .entries()
                .all(|it| it.kind == EntryKind::EPOCH);
            if is_epoch || !villain.wrote(carried.batch.log()) {
                honest.add_batch(&community, &carried.batch);
            } else {
                // Its place in the log proves where the others are.
                honest.link(&Link::of(&carried.batch));
            }
        }
        if Roster::evaluate(&community, &all) != Roster::evaluate(&community, &honest) {
            return broken!("something counts that the villain said and may not say");
        }
        Ok(())
    }

    fn check_nothing_merged(&self, index: usize, villain: &Villain) -> Outcome {
        let replica = self.replica(index)?;
        let failed = |error: sync_core::store::StoreError| Broken(error.to_string());
        let held = replica.store().held().map_err(failed)?;
        let held: BTreeSet<EntryRef> = held.into_iter().map(|row| row.entry).collect();
        let roster_lane = roster_lane(&replica.community());
        let is_wrong = |log: &LogId| log.lane != roster_lane && villain.wrote(log);
        for log in replica.store().logs().map_err(failed)? {
            let head = replica.head(&log).map_err(failed)?;
            let mut seqs = (1..=head.seq.0).filter(|_| is_wrong(&log)).map(Seq);
            if let Some(seq) = seqs.find(|seq| !held.contains(&EntryRef { log, seq: *seq })) {
                return broken!("phone {index} has merged entry {} of the villain", seq.0);
            }
        }
        Ok(())
    }
}

fn stretch_of(log: &LogId) -> Stretch {
    Stretch {
        lane: log.lane,
        device: log.device,
        incarnation: log.incarnation,
        first: 1,
        last: 100,
        chain: None,
    }
}
