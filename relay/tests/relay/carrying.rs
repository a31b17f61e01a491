//! What is stored, told and passed on.

mod blobs;

use std::collections::BTreeSet;

use relay::limits::{Limits, OUTBOX_FRAMES_MAX};
use relay::log::memory::MemoryLog;
use relay::log::{Appended, BatchLog, CommunityState, KeptReceipts, Numbered, Spot};
use relay::relay::{Admission, Effect, Ending, Input};
use sync_core::entry::VerifiedBatch;
use sync_core::entry::branches::Settlement;
use sync_core::entry::place::Link;
use sync_core::id::{
    Arrival, ChainHash, CommunityId, DeviceId, Head, LaneId, LogId, Millis, Seq, StoreId,
};
use sync_core::roster::role::{Role, Scope};
use sync_core::session::carrier::{BatchRef, Carried, Lost};
use sync_core::store::StoreError;
use sync_core::wire::{Frame, Refusal, Totals};

use crate::village::{Village, village};

#[test]
fn live_edit_reaches_those_who_may_have_the_lane_and_nobody_else() {
    let mut village = village(Limits::default());
    let space = village.space(0);
    let inside = village.member(Role::Volunteer, Scope::Space(space));
    let everywhere = village.member(Role::Lead, Scope::Community);
    village.phones[everywhere].carrier.lanes.insert(space);
    village.disconnect(everywhere);
    village.connect(everywhere, None);
    let other = village.stranger();
    village.settle();
    let before: Vec<u64> = village.phones.iter().map(|phone| phone.received).collect();
    village.write(inside, space, "a visit");
    village.settle();
    let gained: Vec<u64> = village
        .phones
        .iter()
        .zip(before)
        .map(|(phone, before)| phone.received - before)
        .collect();
    assert_eq!(gained[0], 1);
    assert_eq!(gained[everywhere], 1);
    assert_eq!(gained[inside], 0, "nobody gets their own words back");
    assert_eq!(gained[other], 0);
}

#[test]
fn member_of_one_village_gets_nothing_of_another() {
    let mut village = village(Limits::default());
    let space = village.space(0);
    let inside = village.member(Role::Volunteer, Scope::Space(space));
    let commons_only = village.member(Role::Volunteer, Scope::Space(village.commons()));
    village.phones[commons_only].carrier.lanes.insert(space);
    village.settle();
    village.write(inside, space, "a secret");
    village.settle();
    let lanes: BTreeSet<LaneId> = village.phones[commons_only]
        .carrier
        .rows()
        .iter()
        .map(|row| row.batch.log().lane)
        .collect();
    assert!(!lanes.contains(&space));
}

#[test]
fn observer_may_not_write_records_and_is_told_by_name() {
    let mut village = village(Limits::default());
    let phone = village.member(Role::Observer, Scope::Community);
    let commons = village.commons();
    village.write(phone, commons, "I may not");
    village.settle();
    assert_eq!(
        village.phones[phone].refused,
        [(Refusal::NotAllowed, Some(1))]
    );
    assert_eq!(village.phones[phone].ending, None);
    assert!(
        village.phones[0]
            .carrier
            .rows()
            .iter()
            .all(|row| row.batch.log().lane != commons)
    );
}

#[test]
fn any_member_carries_sealed_batches_of_another_device() {
    let mut village = village(Limits::default());
    let (a, b) = (
        village.member(Role::Volunteer, Scope::Community),
        village.member(Role::Volunteer, Scope::Community),
    );
    village.disconnect(a);
    village.disconnect(b);
    let commons = village.commons();
    village.write(a, commons, "by hand");
    // Phone to phone: b takes the batch and brings it to the relay.
    let row = village.phones[a].carrier.rows().last().unwrap().clone();
    let place = *row.batch.place();
    let batch = sync_core::entry::SignedBatch::parse(place, row.batch.tail().to_vec()).unwrap();
    let received = sync_core::wire::batches::Received {
        batch,
        prev: None,
        position: None,
    };
    village.phones[b].carrier.take(received);
    village.phones[b].carrier.unshared.insert(place.log);
    village.connect(b, None);
    village.settle();
    assert_eq!(village.phones[b].refused, []);
    village.assert_carried(&[0, b]);
}

#[test]
fn batches_of_a_device_that_nobody_invited_are_refused_whoever_carries_them() {
    let mut village = village(Limits::default());
    let member = village.member(Role::Volunteer, Scope::Community);
    village.disconnect(member);
    let stranger = village.stranger();
    let commons = village.commons();
    village.write(stranger, commons, "smuggled");
    let row = village.phones[stranger].carrier.rows()[0].clone();
    let place = *row.batch.place();
    let batch = sync_core::entry::SignedBatch::parse(place, row.batch.tail().to_vec()).unwrap();
    village.phones[member]
        .carrier
        .take(sync_core::wire::batches::Received {
            batch,
            prev: None,
            position: None,
        });
    village.phones[member].carrier.unshared.insert(place.log);
    village.connect(member, None);
    village.settle();
    assert_eq!(
        village.phones[member].refused,
        [(Refusal::NotAMember, Some(1))]
    );
}

#[test]
fn quota_is_refused_by_name_and_the_session_goes_on() {
    let limits = Limits {
        device_bytes_max: 2000,
        ..Limits::default()
    };
    let mut village = village(limits);
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    village.write(phone, commons, &"x".repeat(3000));
    village.settle();
    assert_eq!(
        village.phones[phone].refused,
        [(Refusal::OverQuota, Some(1))]
    );
    village.write(0, commons, "the others may");
    village.settle();
    assert_eq!(village.phones[phone].ending, None);
    assert_eq!(
        village.phones[phone]
            .carrier
            .rows()
            .last()
            .unwrap()
            .batch
            .log()
            .device,
        village.phones[0].device()
    );
}

#[test]
fn frame_of_an_unknown_type_is_refused_and_the_session_goes_on() {
    let mut village = village(Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let conn = village.phones[phone].conn.unwrap();
    village.handle(vec![Input::Unknown { conn, kind: 40 }]);
    village.settle();
    assert_eq!(
        village.phones[phone].refused,
        [(Refusal::UnknownFrame, None)]
    );
    let commons = village.commons();
    village.write(phone, commons, "still here");
    village.settle();
    village.assert_carried(&[0, phone]);
}

#[test]
fn slow_reader_is_left_alone_and_then_dropped() {
    let limits = Limits {
        stalled_seconds_max: 5,
        ..Limits::default()
    };
    let mut village = village(limits);
    let slow = village.member(Role::Volunteer, Scope::Community);
    village.phones[slow].is_stuck = true;
    let commons = village.commons();
    let conn = village.phones[slow].conn.unwrap();
    let mut sent = 0;
    for n in 0..20 {
        village.write(0, commons, &format!("{n}"));
        for _ in 0..6 {
            let inputs = village.gather();
            let effects = village.handle(inputs);
            let to_slow =
                |effect: &&Effect| matches!(effect, Effect::Send { conn: to, .. } if *to == conn);
            sent += effects.iter().filter(to_slow).count();
        }
    }
    assert_eq!(sent, OUTBOX_FRAMES_MAX);
    village.now = Millis(village.now.0 + 5_000);
    village.handle(Vec::new());
    assert_eq!(village.phones[slow].ending, None);
    village.now = Millis(village.now.0 + 1_000);
    village.handle(Vec::new());
    assert_eq!(village.phones[slow].ending, Some(Ending::TooSlow));
    assert_eq!(village.relay.outbox_bytes(), 0);
    village.phones[slow].is_stuck = false;
    village.connect(slow, None);
    village.settle();
    village.assert_carried(&[0, slow]);
}

#[test]
fn connection_that_says_nothing_is_dropped() {
    let mut village = village(Limits::default());
    village.connect(0, None);
    village.now = Millis(village.now.0 + 9_000);
    village.handle(Vec::new());
    assert_eq!(village.relay.connections(), 1);
    village.now = Millis(village.now.0 + 2_000);
    village.handle(Vec::new());
    assert_eq!(village.phones[0].ending, Some(Ending::TooSlow));
    assert_eq!(village.relay.connections(), 0);
}

#[test]
fn fast_sender_is_read_at_its_rate() {
    let limits = Limits {
        frames_per_second: 10,
        frames_burst: 5,
        ..Limits::default()
    };
    let mut village = village(limits);
    village.connect(0, None);
    let commons = village.commons();
    for n in 0..50 {
        village.write(0, commons, &format!("{n}"));
        village.settle();
    }
    let stored = village.relay.counters().frames_received;
    assert!(stored < 10, "{stored}");
    for _ in 0..100 {
        village.now = Millis(village.now.0 + 100);
        village.handle(Vec::new());
        village.settle();
    }
    assert_eq!(village.phones[0].ending, None);
    let log = village.phones[0].log(commons);
    let state = village
        .relay
        .log()
        .community(&village.community)
        .unwrap()
        .unwrap();
    assert_eq!(state.logs[&log].head.seq, Seq(50));
}

#[test]
fn sender_that_ignores_the_rate_is_refused_as_busy() {
    let mut village = village(Limits::default());
    let conn = village.connect(0, None);
    let frame = |_| Input::Unknown { conn, kind: 40 };
    village.settle();
    village.handle((0..50).map(frame).collect());
    assert_eq!(
        village.phones[0].ending,
        Some(Ending::Refused(Refusal::Busy))
    );
}

#[test]
fn goodbye_is_said_to_everybody() {
    let mut village = village(Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let conns = [
        village.phones[0].conn.unwrap(),
        village.phones[phone].conn.unwrap(),
    ];
    let effects = village.relay.shut_down();
    for conn in conns {
        let mine: Vec<_> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send { conn: to, frame } if *to == conn => Some(frame.clone()),
                Effect::Send { .. } | Effect::Read { .. } | Effect::Close { .. } => None,
            })
            .collect();
        assert!(matches!(mine.as_slice(), [Frame::Bye(_)]), "{mine:?}");
        assert!(effects.contains(&Effect::Close {
            conn,
            ending: Ending::ShuttingDown
        }));
    }
}

/// A log whose commits fail while it is told so.
struct Failing {
    log: MemoryLog,
    failure: Option<StoreError>,
    fails_on_append: bool,
    fails_to_load: bool,
}

impl Failing {
    fn new() -> Self {
        Self {
            log: MemoryLog::new(StoreId::new([7; 16])),
            failure: None,
            fails_on_append: false,
            fails_to_load: false,
        }
    }
}

impl BatchLog for Failing {
    fn store_id(&self) -> StoreId {
        self.log.store_id()
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.log.begin()
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        match &self.failure {
            Some(error) => {
                self.log.rollback();
                Err(error.clone())
            }
            None => self.log.commit(),
        }
    }

    fn rollback(&mut self) {
        self.log.rollback();
    }

    fn append(
        &mut self,
        community: &CommunityId,
        batch: &VerifiedBatch,
        spot: Spot,
    ) -> Result<Appended, StoreError> {
        match &self.failure {
            Some(error) if self.fails_on_append => Err(error.clone()),
            Some(_) | None => self.log.append(community, batch, spot),
        }
    }

    fn settle(
        &mut self,
        community: &CommunityId,
        log: &LogId,
        settlement: &Settlement,
    ) -> Result<Head, StoreError> {
        self.log.settle(community, log, settlement)
    }

    fn reduce(
        &mut self,
        community: &CommunityId,
        arrival: Arrival,
        batch: &VerifiedBatch,
    ) -> Result<(), StoreError> {
        self.log.reduce(community, arrival, batch)
    }

    fn put_receipt(
        &mut self,
        community: &CommunityId,
        numbered: &Numbered,
    ) -> Result<(), StoreError> {
        self.log.put_receipt(community, numbered)
    }

    fn remove_receipt(
        &mut self,
        community: &CommunityId,
        device: &DeviceId,
    ) -> Result<(), StoreError> {
        self.log.remove_receipt(community, device)
    }

    fn receipts(&self, community: &CommunityId) -> Result<KeptReceipts, StoreError> {
        self.log.receipts(community)
    }

    fn scrub(&mut self) -> Result<(), StoreError> {
        self.log.scrub()
    }

    fn communities(&self) -> Result<u64, StoreError> {
        self.log.communities()
    }

    fn names(&self) -> Result<Vec<CommunityId>, StoreError> {
        self.log.names()
    }

    fn founded_by(&self, device: &DeviceId) -> Result<u64, StoreError> {
        self.log.founded_by(device)
    }

    fn community(&self, community: &CommunityId) -> Result<Option<CommunityState>, StoreError> {
        match &self.failure {
            Some(error) if self.fails_to_load => Err(error.clone()),
            Some(_) | None => self.log.community(community),
        }
    }

    fn at(
        &self,
        community: &CommunityId,
        log: &LogId,
        seq: Seq,
    ) -> Result<Option<Link>, StoreError> {
        self.log.at(community, log, seq)
    }

    fn with_chain(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<(Seq, bool)>, StoreError> {
        self.log.with_chain(community, log, chain)
    }

    fn missing(
        &self,
        community: &CommunityId,
        log: &LogId,
        from: Seq,
        limit: usize,
    ) -> Result<Vec<BatchRef>, StoreError> {
        self.log.missing(community, log, from, limit)
    }

    fn carrying(
        &self,
        community: &CommunityId,
        log: &LogId,
        chain: &ChainHash,
    ) -> Result<Option<Carried>, StoreError> {
        self.log.carrying(community, log, chain)
    }

    fn lost(&self, community: &CommunityId) -> Result<Vec<Lost>, StoreError> {
        self.log.lost(community)
    }

    fn batch(
        &self,
        community: &CommunityId,
        arrival: Arrival,
    ) -> Result<Option<Carried>, StoreError> {
        self.log.batch(community, arrival)
    }

    fn read(
        &self,
        community: &CommunityId,
        lane: Option<&LaneId>,
        after: Arrival,
        upto: Arrival,
        bytes_max: usize,
    ) -> Result<Vec<Carried>, StoreError> {
        self.log.read(community, lane, after, upto, bytes_max)
    }

    fn totals(
        &self,
        community: &CommunityId,
        lane: &LaneId,
        after: Arrival,
        upto: Arrival,
    ) -> Result<Totals, StoreError> {
        self.log.totals(community, lane, after, upto)
    }
}

#[test]
fn nothing_is_acked_or_passed_on_before_it_is_durable() {
    for (failure, refusal) in [
        (StoreError::Full, Refusal::StoreFull),
        (StoreError::Io("disk".into()), Refusal::Internal),
        (StoreError::Busy, Refusal::Busy),
    ] {
        for fails_on_append in [true, false] {
            let log = Failing {
                fails_on_append,
                ..Failing::new()
            };
            let mut village = Village::new(log, Admission::Open, Limits::default());
            let writer = village.member(Role::Volunteer, Scope::Community);
            let reader = village.member(Role::Volunteer, Scope::Community);
            village.settle();
            let (acked, received) = (
                village.phones[writer].acked,
                village.phones[reader].received,
            );
            village.relay.log_mut().failure = Some(failure.clone());
            let commons = village.commons();
            village.write(writer, commons, "not durable");
            village.settle();
            assert_eq!(
                village.phones[writer].ending,
                Some(Ending::Refused(refusal))
            );
            assert_eq!(village.phones[writer].acked, acked);
            assert_eq!(village.phones[reader].received, received);
            assert_eq!(
                village.phones[reader].ending, None,
                "who stored nothing stays"
            );
            village.relay.log_mut().failure = None;
            village.connect(writer, None);
            village.settle();
            assert_eq!(village.phones[reader].received, received + 1);
            village.assert_carried(&[0, writer, reader]);
        }
    }
}

#[test]
fn community_that_cannot_be_read_again_leaves_memory() {
    let log = Failing {
        fails_to_load: true,
        ..Failing::new()
    };
    let mut village = Village::new(log, Admission::Open, Limits::default());
    let writer = village.member(Role::Volunteer, Scope::Community);
    let reader = village.member(Role::Volunteer, Scope::Community);
    village.settle();
    village.relay.log_mut().failure = Some(StoreError::Io("disk".into()));
    let commons = village.commons();
    village.write(writer, commons, "not durable");
    village.settle();
    let refused = Some(Ending::Refused(Refusal::Internal));
    assert_eq!(village.phones[writer].ending, refused);
    assert_eq!(village.phones[reader].ending, refused);
    assert_eq!(village.relay.communities_in_memory(), 0);
    village.relay.log_mut().failure = None;
    let before = village.phones[reader].received;
    for phone in [0, writer, reader] {
        village.connect(phone, None);
    }
    village.settle();
    assert_eq!(village.phones[reader].received, before + 1);
    village.assert_carried(&[0, writer, reader]);
}

#[test]
fn damaged_community_fails_one_group_and_is_refused_from_then_on() {
    let log = Failing {
        fails_on_append: true,
        ..Failing::new()
    };
    let mut village = Village::new(log, Admission::Open, Limits::default());
    let writer = village.member(Role::Volunteer, Scope::Community);
    village.settle();
    let (what, place) = ("a batch", "somewhere".to_owned());
    village.relay.log_mut().failure = Some(StoreError::Corrupt { what, place });
    let commons = village.commons();
    village.write(writer, commons, "into the damage");
    village.settle();
    assert_eq!(village.relay.communities_damaged(), 1);
    assert_eq!(village.relay.communities_in_memory(), 0);
    let failed = village.relay.counters().commits_failed;
    village.connect(writer, None);
    village.settle();
    assert_eq!(
        village.phones[writer].ending,
        Some(Ending::Refused(Refusal::Internal))
    );
    assert_eq!(village.relay.counters().commits_failed, failed);
}

#[test]
fn everything_of_one_call_is_one_commit() {
    let mut village = village(Limits::default());
    let phones: Vec<usize> = (0..5)
        .map(|_| village.member(Role::Volunteer, Scope::Community))
        .collect();
    village.settle();
    let commons = village.commons();
    let before = village.relay.counters().commits;
    for phone in &phones {
        village.write(*phone, commons, "together");
    }
    village.settle();
    assert_eq!(village.relay.counters().commits, before + 1);
    village.assert_carried(&phones);
}

#[test]
fn community_that_nobody_is_connected_to_leaves_memory_and_comes_back() {
    let mut village = village(Limits {
        communities_idle_max: 0,
        ..Limits::default()
    });
    let phone = village.member(Role::Volunteer, Scope::Community);
    village.disconnect(0);
    village.disconnect(phone);
    assert_eq!(village.relay.communities_in_memory(), 0);
    village.connect(phone, None);
    village.settle();
    assert_eq!(village.phones[phone].ending, None);
    assert_eq!(village.relay.communities_in_memory(), 1);
}

#[test]
fn forked_log_ends_alike_at_the_relay_and_on_phones() {
    let mut village = village(Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    village.write(phone, commons, "shared");
    village.settle();
    village.disconnect(phone);
    // A copy of the phone writes at the same position; both copies reach the relay by other phones.
    let original = village.phones[phone].carrier.clone();
    let mut branches = Vec::new();
    for text in ["left", "right"] {
        village.phones[phone].carrier = original.clone();
        village.write(phone, commons, text);
        let row = village.phones[phone].carrier.rows().last().unwrap().clone();
        branches.push(row);
    }
    for row in &branches {
        let place = *row.batch.place();
        let batch = sync_core::entry::SignedBatch::parse(place, row.batch.tail().to_vec()).unwrap();
        let carrier = village.member(Role::Volunteer, Scope::Community);
        village.disconnect(carrier);
        let received = sync_core::wire::batches::Received {
            batch,
            prev: Some(*row.batch.prev()),
            position: None,
        };
        village.phones[carrier].carrier.take(received);
        village.phones[carrier].carrier.unshared.insert(place.log);
        // A check of one byte may miss a fork; the next session has another.
        for _ in 0..3 {
            village.connect(carrier, None);
            village.settle();
            village.disconnect(carrier);
        }
    }
    let smaller = branches
        .iter()
        .map(|row| row.batch.head().chain)
        .min()
        .unwrap();
    let state = village
        .relay
        .log()
        .community(&village.community)
        .unwrap()
        .unwrap();
    assert_eq!(state.logs[branches[0].batch.log()].head.chain, smaller);
    let heads = village.phones[0]
        .carrier
        .rows()
        .iter()
        .filter(|row| !row.is_branch);
    assert!(
        heads
            .into_iter()
            .any(|row| row.batch.head().chain == smaller)
    );
    let losers: Vec<_> = village.phones[0]
        .carrier
        .rows()
        .iter()
        .filter(|row| row.is_branch)
        .collect();
    assert_eq!(losers.len(), 1);
}
