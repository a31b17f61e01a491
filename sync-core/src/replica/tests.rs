use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::*;
use crate::id::{LaneId, RecordId};
use crate::keys::DeviceKeys;
use crate::peer::{Peer, PeerError};
use crate::roster::role::Scope;
use crate::roster::ticket::Ticket;
use crate::schema::{FieldEdit, Value};
use crate::store::{MemoryStore, RowFilter};
use crate::wire::{Frame, PeerKind, frame_len};

/// A copy of the store's files.
fn backup(replica: &Replica) -> Box<dyn Store> {
    let any: &dyn std::any::Any = replica.store();
    Box::new(any.downcast_ref::<MemoryStore>().unwrap().clone())
}

mod accounts;
mod audit;
mod blobs;
mod branches;
mod bundles;
mod carried;
mod devices;
mod erasures;
mod meetings;
mod nowhere;
mod origins;
mod others;
mod previews;
mod privacy;
mod recovery;
mod relay;
mod renew;
mod revocations;
mod rights;
mod room;
mod schemas;
mod sealing;
mod service;
mod settle;
mod states;
mod strays;
mod ticks;
mod together;
mod twins;
mod undo;
mod waits;

struct Phone {
    replica: Replica,
    rng: ChaCha8Rng,
    now: i64,
}

impl Phone {
    fn found(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let keys = Arc::new(DeviceKeys::generate(&mut rng));
        let mut moment = Moment {
            now: Millis(1),
            rng: &mut rng,
        };
        let store = Box::new(MemoryStore::new());
        let founding = Replica::found(store, keys, "Danzao", "Li Fang", &[], &mut moment).unwrap();
        Self {
            replica: founding.replica,
            rng,
            now: 1_700_000_000_000,
        }
    }

    fn join(seed: u64, ticket: &Ticket, name: &str) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let keys = Arc::new(DeviceKeys::generate(&mut rng));
        let mut moment = Moment {
            now: Millis(1),
            rng: &mut rng,
        };
        let store = Box::new(MemoryStore::new());
        let replica = Replica::join(store, keys, ticket, name, &mut moment).unwrap();
        Self {
            replica,
            rng,
            now: 1_700_000_000_000,
        }
    }

    fn put(&mut self, kind: &str, space: LaneId, fields: &[(&str, &str)]) -> RecordId {
        let kind_def = self.replica.schema().kind(kind).unwrap();
        let edits: Vec<FieldEdit> = fields
            .iter()
            .map(|(f, v)| kind_def.parse_edit(f, v).unwrap())
            .collect();
        let Self { replica, rng, now } = self;
        *now += 1000;
        replica
            .create(
                kind,
                space,
                &edits,
                &mut Moment {
                    now: Millis(*now),
                    rng,
                },
            )
            .unwrap()
    }

    fn edit(&mut self, record: RecordId, field: &str, value: &str) {
        let edits = [FieldEdit::set(field, Value::Text(value.to_owned()))];
        let Self { replica, rng, now } = self;
        *now += 1000;
        replica
            .edit(
                record,
                &edits,
                &mut Moment {
                    now: Millis(*now),
                    rng,
                },
            )
            .unwrap();
    }

    fn titles(&self) -> Vec<String> {
        self.replica
            .list(&RowFilter::default())
            .unwrap()
            .into_iter()
            .map(|row| row.title)
            .collect()
    }
}

/// Carries frames both ways until neither side has more to say; returns the bytes carried.
fn meet(a: &mut Phone, b: &mut Phone) -> (Peer, Peer, usize) {
    try_meet(a, b).unwrap()
}

/// Meets, unless the one who dials finds that it must take a new name.
fn try_meet(a: &mut Phone, b: &mut Phone) -> Result<(Peer, Peer, usize), PeerError> {
    let (da, db) = (a.replica.device(), b.replica.device());
    let mut pa = Peer::dial(&a.replica, db, PeerKind::Member, &mut a.rng).unwrap();
    let mut bytes = 0;
    let first = pa.poll_transmit(&a.replica).unwrap().unwrap();
    bytes += first.encode().len();
    let Frame::Hello(hello) = first else {
        panic!("the first frame is a hello")
    };
    let now = Millis(b.now);
    let mut pb = Peer::accept(
        &mut b.replica,
        da,
        hello,
        &mut Moment {
            now,
            rng: &mut b.rng,
        },
    )
    .unwrap();
    loop {
        let from_a = drain(&mut pa, &a.replica, &mut bytes);
        let from_b = drain(&mut pb, &b.replica, &mut bytes);
        if from_a.is_empty() && from_b.is_empty() {
            return Ok((pa, pb, bytes));
        }
        let now = Millis(b.now);
        pb.receive(
            &mut b.replica,
            from_a,
            &mut Moment {
                now,
                rng: &mut b.rng,
            },
        )
        .unwrap();
        let now = Millis(a.now);
        pa.receive(
            &mut a.replica,
            from_b,
            &mut Moment {
                now,
                rng: &mut a.rng,
            },
        )?;
    }
}

fn drain(peer: &mut Peer, replica: &Replica, bytes: &mut usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(frame) = peer.poll_transmit(replica).unwrap() {
        let encoded = frame.encode();
        let (len, prefix) = frame_len(&encoded).unwrap().unwrap();
        assert_eq!(len + prefix, encoded.len());
        *bytes += encoded.len();
        frames.push(Frame::decode(encoded.get(prefix..).unwrap()).unwrap());
    }
    frames
}

/// A founder, a village, and a volunteer who has been let in by the founder's device.
fn village() -> (Phone, Phone, LaneId) {
    let mut founder = Phone::found(1);
    let space = {
        let Phone { replica, rng, now } = &mut founder;
        replica
            .add_space(
                "良登村",
                &mut Moment {
                    now: Millis(*now),
                    rng,
                },
            )
            .unwrap()
    };
    let volunteer = join_by_hand(
        &mut founder,
        Scope::Space(space),
        Role::Volunteer,
        2,
        "陈小明",
    );
    (founder, volunteer, space)
}

impl Phone {
    fn with_moment<T>(&mut self, act: impl FnOnce(&mut Replica, &mut Moment<'_>) -> T) -> T {
        let now = Millis(self.now);
        let rng = &mut self.rng;
        act(&mut self.replica, &mut Moment { now, rng })
    }

    fn moment_parts(&mut self) -> (Millis, ChaCha8Rng) {
        (Millis(self.now), ChaCha8Rng::from_rng(&mut self.rng))
    }
}

/// What the comments of these tests say.
const WORDS: Words<'static> = &|told| format!("{}: {}", told.field, told.by.join(", "));

const VISIT: &[(&str, &str)] = &[
    ("household", "3号门 王奶奶"),
    ("date", "2026-03-04"),
    ("findings", "血压偏高，屋顶漏水。"),
    ("mood", "calm"),
];

fn visit(phone: &mut Phone, space: LaneId) -> RecordId {
    let kind = phone.replica.schema().kind("visit").unwrap().clone();
    let fields: Vec<(&str, &str)> = VISIT
        .iter()
        .filter(|(name, value)| kind.parse_edit(name, value).is_ok())
        .copied()
        .collect();
    let mut fields = fields;
    for field in kind.fields().iter().filter(|field| field.required()) {
        if !fields.iter().any(|(name, _)| *name == field.name()) {
            let guess = ["2026-01-02", "1", "yes", "draft"]
                .into_iter()
                .chain(["health", "elderly", "care"])
                .find(|text| kind.parse_edit(field.name(), text).is_ok())
                .unwrap();
            fields.push((field.name(), guess));
        }
    }
    phone.put("visit", space, &fields)
}

#[test]
fn member_of_one_space_is_told_the_role_that_it_takes() {
    let (_, mut helper, space) = village();
    let (now, mut rng) = helper.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let replica = &mut helper.replica;
    let refused = |least| ReplicaError::NotAllowed { least };
    let spaces = replica.add_space("Shajiao", moment).unwrap_err();
    assert_eq!(spaces, refused(Role::Coordinator));
    let everywhere = replica.invite(Scope::Community, Role::Volunteer, 1, moment);
    assert_eq!(everywhere.unwrap_err(), refused(Role::Lead));
    let above = replica.invite(Scope::Space(space), Role::Lead, 1, moment);
    assert_eq!(above.unwrap_err(), refused(Role::Coordinator));
    let equal = replica.invite(Scope::Space(space), Role::Volunteer, 1, moment);
    assert_eq!(equal.unwrap_err(), refused(Role::Lead));
}

#[test]
fn what_one_writes_the_other_reads() {
    let (mut founder, mut volunteer, space) = village();
    assert_eq!(volunteer.replica.title().as_deref(), Some("Danzao"));
    assert_eq!(volunteer.replica.space_name(&space), "良登村");
    let record = visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    assert_eq!(founder.titles(), volunteer.titles());
    let seen = founder.replica.show(record).unwrap();
    assert_eq!(seen.created_by, "陈小明");
    assert_eq!(
        founder.replica.heads_digest(),
        volunteer.replica.heads_digest()
    );
}

#[test]
fn replicas_in_sync_know_it_in_one_round_trip_and_under_a_kilobyte() {
    let (mut founder, mut volunteer, space) = village();
    for _ in 0..50 {
        visit(&mut volunteer, space);
    }
    meet(&mut volunteer, &mut founder);
    let (pa, _, bytes) = meet(&mut volunteer, &mut founder);
    assert_eq!(pa.report().round_trips, 1);
    assert!(bytes <= 1024, "{bytes}");
    assert!(pa.is_done(&volunteer.replica));
}

#[test]
fn concurrent_values_are_both_kept_and_shown() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    volunteer.edit(record, "household", "3号门 王奶奶家");
    founder.edit(record, "household", "三号门 王阿婆");
    let (pa, _, _) = meet(&mut volunteer, &mut founder);
    assert_eq!(pa.report().tally.conflicts, 1);
    let (a, b) = (
        founder.replica.show(record).unwrap(),
        volunteer.replica.show(record).unwrap(),
    );
    assert_eq!(a, b);
    let field = a
        .fields
        .iter()
        .find(|field| field.name == "household")
        .unwrap();
    assert_eq!(field.conflicts.len(), 1);
    volunteer.edit(record, "household", "3号门 王奶奶");
    meet(&mut volunteer, &mut founder);
    let row = founder
        .replica
        .list(&RowFilter::default())
        .unwrap()
        .remove(0);
    assert_eq!(row.conflicts, 0);
}

#[test]
fn restored_backup_goes_on_as_a_new_incarnation_and_loses_nothing() {
    let (mut founder, mut volunteer, space) = village();
    let old = visit(&mut volunteer, space);
    meet(&mut volunteer, &mut founder);
    let copy = backup(&volunteer.replica);
    let since = visit(&mut volunteer, space);
    volunteer.edit(old, "household", "4号门");
    meet(&mut volunteer, &mut founder);
    // Yesterday's copy, with work of its own.
    let signer = Arc::clone(&volunteer.replica.mind.signer);
    let mut restored = Phone {
        replica: Replica::open(copy, signer).unwrap(),
        rng: ChaCha8Rng::seed_from_u64(9),
        now: 1,
    };
    let before = restored.replica.incarnation();
    let fresh = visit(&mut restored, space);
    restored.edit(fresh, "household", "9号门");
    restored.edit(old, "mood", "worried");
    let outcome = try_meet(&mut restored, &mut founder);
    assert!(matches!(outcome, Err(PeerError::Reborn)));
    assert_ne!(restored.replica.incarnation(), before);
    meet(&mut restored, &mut founder);
    assert_eq!(
        restored.replica.heads_digest(),
        founder.replica.heads_digest()
    );
    assert_eq!(restored.titles(), founder.titles());
    assert!(
        founder.titles().contains(&"9号门".to_owned()),
        "{:?}",
        founder.titles()
    );
    assert!(founder.replica.show(since).is_ok());
    assert_eq!(founder.replica.held().unwrap(), []);
}

#[test]
fn forked_log_ends_alike_everywhere() {
    for first in [false, true] {
        let (mut founder, mut volunteer, space) = village();
        let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 3, "何姐");
        meet(&mut volunteer, &mut founder);
        let mut copy = Phone {
            replica: Replica::open(
                backup(&volunteer.replica),
                Arc::clone(&volunteer.replica.mind.signer),
            )
            .unwrap(),
            rng: ChaCha8Rng::seed_from_u64(99),
            now: 5,
        };
        // The two copies write at one position, and different people hear of it.
        visit(&mut volunteer, space);
        visit(&mut volunteer, space);
        visit(&mut copy, space);
        if first {
            meet(&mut volunteer, &mut founder);
            meet(&mut copy, &mut lead);
        } else {
            meet(&mut copy, &mut founder);
            meet(&mut volunteer, &mut lead);
        }
        assert_ne!(founder.titles().len(), lead.titles().len());
        meet(&mut lead, &mut founder);
        meet(&mut founder, &mut lead);
        assert_eq!(lead.replica.heads_digest(), founder.replica.heads_digest());
        assert_eq!(
            lead.replica.list(&RowFilter::default()),
            founder.replica.list(&RowFilter::default())
        );
        assert!(!lead.titles().is_empty());
        let held = |phone: &Phone| phone.replica.held().unwrap().len();
        assert!(
            held(&lead) + held(&founder) > 0,
            "the losing branch is kept as proof"
        );
        // The copy whose branch lost hears of it and goes on.
        for phone in [&mut volunteer, &mut copy] {
            while try_meet(phone, &mut founder).is_err() {}
            let after = visit(phone, space);
            meet(phone, &mut founder);
            assert!(founder.replica.show(after).is_ok());
        }
    }
}

fn join_by_hand(by: &mut Phone, scope: Scope, role: Role, seed: u64, name: &str) -> Phone {
    let (now, mut rng) = by.moment_parts();
    let ticket = by
        .replica
        .invite(scope, role, 1, &mut Moment { now, rng: &mut rng })
        .unwrap();
    let mut phone = Phone::join(seed, &ticket, name);
    let join = phone.replica.join_to_present().unwrap();
    let batch = crate::wire::batches::decode_join(&by.replica.community(), &join).unwrap();
    let received = crate::wire::batches::Received {
        batch,
        prev: None,
        position: None,
    };
    let moment = &mut Moment { now, rng: &mut rng };
    by.replica
        .ingest(vec![received], &[], &Source::default(), moment)
        .unwrap();
    meet(&mut phone, by);
    phone
}

#[test]
fn rebuilding_everything_changes_nothing() {
    let (mut founder, mut volunteer, space) = village();
    for _ in 0..5 {
        let record = visit(&mut volunteer, space);
        meet(&mut volunteer, &mut founder);
        founder.edit(record, "household", "A");
        volunteer.edit(record, "household", "B");
    }
    meet(&mut volunteer, &mut founder);
    let before = founder.replica.list(&RowFilter::default()).unwrap();
    founder.replica.rebuild_all().unwrap();
    assert_eq!(founder.replica.list(&RowFilter::default()).unwrap(), before);
}
