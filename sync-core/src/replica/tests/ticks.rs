//! Ticks and freshness, from positions and receipts that are made by hand.

use std::collections::BTreeSet;

use super::*;
use crate::id::{Arrival, MemberId, StoreId};
use crate::receipt::{LanesMark, Reading, VerifiedReceipt};
use crate::session::carrier::Carrier as _;
use crate::wire::receipts::{ReceiptRow, Receipts};

const RELAY: StoreId = StoreId::new([7; 16]);
const OTHER: StoreId = StoreId::new([8; 16]);

/// A founder, who is the coordinator of all, and two volunteers of one village.
struct Station {
    founder: Phone,
    chen: Phone,
    wang: Phone,
    space: LaneId,
}

impl Station {
    /// A visit of the volunteer that is ready to be sent.
    fn sealed_visit(&mut self) -> RecordId {
        let record = visit(&mut self.chen, self.space);
        self.chen
            .with_moment(|replica, moment| replica.seal_pending(moment))
            .unwrap();
        record
    }
}

fn station() -> Station {
    let (mut founder, mut chen, space) = village();
    let scope = Scope::Space(space);
    let mut wang = join_by_hand(&mut founder, scope, Role::Volunteer, 3, "王姐");
    meet(&mut chen, &mut founder);
    meet(&mut wang, &mut founder);
    Station {
        founder,
        chen,
        wang,
        space,
    }
}

impl Phone {
    fn member(&self) -> MemberId {
        let roster = self.replica.roster();
        roster.member_id(&self.replica.device()).unwrap()
    }

    /// Seals what is pending and has a relay take it at the position of each batch here.
    fn upload(&mut self, store: StoreId) -> u64 {
        self.with_moment(|replica, moment| replica.seal_pending(moment))
            .unwrap();
        let last = self.replica.last_arrival().unwrap();
        let placed: Vec<_> = (1..=last.0).map(|at| (Arrival(at), at)).collect();
        self.replica.note_placed(&store, &placed).unwrap();
        last.0
    }

    /// What this phone says that it has read.
    fn says(&self, store: StoreId, position: u64) -> Receipts {
        self.says_of(store, position, &self.replica.own_lanes())
    }

    fn says_of(&self, store: StoreId, position: u64, lanes: &BTreeSet<LaneId>) -> Receipts {
        let reading = Reading {
            store,
            position,
            at: Millis(self.now),
            lanes: LanesMark::of(lanes),
        };
        let mind = &self.replica.mind;
        let receipt = VerifiedReceipt::sign(&*mind.signer, &mind.community, reading).unwrap();
        Receipts {
            store,
            after: 0,
            upto: 0,
            rows: vec![ReceiptRow::from(&receipt)],
        }
    }

    fn hears(&mut self, receipts: &Receipts) -> bool {
        self.replica.take_receipts(receipts).unwrap()
    }

    fn level(&self, record: RecordId) -> TickLevel {
        self.replica.ticks(record).unwrap().level
    }

    fn lacked_by(&self, other: &Self) -> Vec<RecordId> {
        self.replica.lacked_by(&other.member()).unwrap()
    }

    fn freshness_of(&self, other: &Self) -> MemberFreshness {
        let all = self.replica.freshness().unwrap();
        let of = all.into_iter().find(|it| it.member == other.member());
        of.unwrap()
    }
}

#[test]
fn record_goes_from_here_to_the_relay_to_a_colleague_to_the_coordinator() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    let ticks = at.chen.replica.ticks(record).unwrap();
    assert_eq!(
        ticks,
        Ticks {
            pending: 1,
            ..Ticks::default()
        }
    );
    let position = at.chen.upload(RELAY);
    let ticks = at.chen.replica.ticks(record).unwrap();
    assert_eq!((ticks.level, ticks.on_relay), (TickLevel::Relay, true));
    assert!(at.chen.hears(&at.wang.says(RELAY, position)));
    let ticks = at.chen.replica.ticks(record).unwrap();
    assert_eq!(ticks.level, TickLevel::Colleague);
    assert_eq!(ticks.colleagues, [at.wang.member()]);
    assert!(at.chen.hears(&at.founder.says(RELAY, position)));
    let ticks = at.chen.replica.ticks(record).unwrap();
    assert_eq!(ticks.level, TickLevel::Coordinator);
    assert_eq!(ticks.coordinators, [at.founder.member()]);
    assert_eq!(ticks.colleagues, [at.wang.member()]);
}

#[test]
fn unsent_edit_is_saved_here_alone_whoever_has_the_rest() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    let position = at.chen.upload(RELAY);
    at.chen.hears(&at.wang.says(RELAY, position));
    at.chen.edit(record, "household", "5号门");
    let ticks = at.chen.replica.ticks(record).unwrap();
    assert_eq!((ticks.level, ticks.pending), (TickLevel::Saved, 1));
    assert_eq!(ticks.colleagues, [at.wang.member()]);
    at.chen.upload(RELAY);
    let ticks = at.chen.replica.ticks(record).unwrap();
    assert_eq!((ticks.level, ticks.pending), (TickLevel::Relay, 0));
    assert!(ticks.colleagues.is_empty(), "the edit is not with them yet");
}

#[test]
fn receipt_counts_up_to_its_position_for_its_store_alone() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    let position = at.chen.upload(RELAY);
    at.chen.hears(&at.wang.says(RELAY, position - 1));
    at.chen.hears(&at.wang.says(OTHER, position + 100));
    assert_eq!(at.chen.level(record), TickLevel::Relay);
    at.chen.hears(&at.wang.says(RELAY, position));
    assert_eq!(at.chen.level(record), TickLevel::Colleague);
}

#[test]
fn older_receipt_never_replaces_a_newer_one() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    let position = at.chen.upload(RELAY);
    assert!(at.chen.hears(&at.wang.says(RELAY, position)));
    at.wang.now += 1_000_000_000;
    assert!(!at.chen.hears(&at.wang.says(RELAY, position - 1)));
    assert_eq!(at.chen.level(record), TickLevel::Colleague);
}

#[test]
fn best_of_several_relays_counts() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    let position = at.chen.upload(RELAY);
    at.chen.upload(OTHER);
    at.chen.hears(&at.wang.says(RELAY, position - 1));
    assert_eq!(at.chen.level(record), TickLevel::Relay);
    at.chen.hears(&at.wang.says(OTHER, position));
    assert_eq!(at.chen.level(record), TickLevel::Colleague);
}

#[test]
fn who_was_let_into_the_space_since_has_not_read_it() {
    let mut at = station();
    let other = at
        .founder
        .with_moment(|replica, moment| replica.add_space("Shajiao", moment))
        .unwrap();
    let record = visit(&mut at.founder, other);
    let position = at.founder.upload(RELAY);
    let without = at.wang.says(RELAY, position);
    at.founder.hears(&without);
    let wang = at.wang.member();
    at.founder
        .with_moment(|replica, moment| {
            replica.grant(wang, Scope::Space(other), Role::Volunteer, moment)
        })
        .unwrap();
    assert_eq!(at.founder.level(record), TickLevel::Relay);
    assert!(!at.founder.freshness_of(&at.wang).has_all_of_mine);
    meet(&mut at.wang, &mut at.founder);
    assert!(at.wang.replica.own_lanes().contains(&other));
    let with = at.wang.says(RELAY, position + 1);
    at.founder.hears(&with);
    assert_eq!(at.founder.level(record), TickLevel::Colleague);
}

#[test]
fn receipt_for_lanes_that_nobody_knows_counts_for_none() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    let position = at.chen.upload(RELAY);
    let lanes = BTreeSet::from([LaneId::new([9; 16])]);
    assert!(at.chen.hears(&at.wang.says_of(RELAY, position, &lanes)));
    assert_eq!(at.chen.level(record), TickLevel::Relay);
    assert_eq!(
        at.chen.freshness_of(&at.wang).heard_at,
        Some(Millis(at.wang.now)),
        "they have been heard all the same"
    );
}

#[test]
fn receipts_that_nobody_signed_or_of_strangers_are_passed_over() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    let position = at.chen.upload(RELAY);
    let mut forged = at.wang.says(RELAY, position - 1);
    forged.rows[0].position = position;
    assert!(!at.chen.hears(&forged));
    let stranger = Phone::found(77);
    let foreign = stranger.says(RELAY, position);
    assert!(!at.chen.hears(&foreign));
    let own = at.chen.says(RELAY, position);
    assert!(!at.chen.hears(&own), "one's own is signed here");
    assert_eq!(at.chen.level(record), TickLevel::Relay);
}

#[test]
fn relay_that_lost_something_gives_no_ticks_until_it_has_everything_again() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    let position = at.chen.upload(RELAY);
    at.chen.hears(&at.wang.says(RELAY, position));
    at.chen.replica.forget_relay(&RELAY).unwrap();
    assert_eq!(
        at.chen.replica.ticks(record).unwrap(),
        Ticks::default(),
        "its positions are used again"
    );
    at.chen.upload(RELAY);
    assert_eq!(at.chen.level(record), TickLevel::Relay);
}

#[test]
fn removed_devices_do_not_count() {
    let mut at = station();
    let record = visit(&mut at.founder, at.space);
    let position = at.founder.upload(RELAY);
    at.founder.hears(&at.wang.says(RELAY, position));
    assert_eq!(at.founder.level(record), TickLevel::Colleague);
    let device = at.wang.replica.device();
    at.founder
        .with_moment(|replica, moment| replica.revoke(&Removal::Device(device), moment))
        .unwrap();
    assert_eq!(at.founder.level(record), TickLevel::Relay);
    let again = at.wang.says(RELAY, position + 1);
    assert!(!at.founder.hears(&again), "nor is anything taken of it");
}

#[test]
fn record_of_another_carries_the_ticks_of_all_its_changes() {
    let mut at = station();
    let record = visit(&mut at.chen, at.space);
    meet(&mut at.chen, &mut at.founder);
    at.founder.edit(record, "household", "7号门");
    let position = at.founder.upload(RELAY);
    at.founder.hears(&at.wang.says(RELAY, position - 1));
    assert_eq!(at.founder.level(record), TickLevel::Relay);
    at.founder.hears(&at.wang.says(RELAY, position));
    assert_eq!(at.founder.level(record), TickLevel::Colleague);
}

#[test]
fn list_has_the_ticks_of_each_row_in_its_order() {
    let mut at = station();
    let first = visit(&mut at.chen, at.space);
    let position = at.chen.upload(RELAY);
    at.chen.hears(&at.wang.says(RELAY, position));
    let second = visit(&mut at.chen, at.space);
    let unknown = RecordId::new([1; 16]);
    let ticks = at.chen.replica.ticks_of(&[second, unknown, first]).unwrap();
    let levels: Vec<TickLevel> = ticks.iter().map(|ticks| ticks.level).collect();
    let saved = TickLevel::Saved;
    assert_eq!(levels, [saved, saved, TickLevel::Colleague]);
    assert_eq!(ticks[1], Ticks::default());
}

#[test]
fn freshness_counts_what_each_person_lacks_and_up_to_when_they_have_it() {
    let mut at = station();
    let first = visit(&mut at.chen, at.space);
    let written = at.chen.now;
    let position = at.chen.upload(RELAY);
    at.chen.hears(&at.wang.says(RELAY, position));
    at.chen.now += 60_000;
    at.chen.edit(first, "household", "9号门");
    let second = visit(&mut at.chen, at.space);
    at.chen.upload(RELAY);
    let third = visit(&mut at.chen, at.space);
    let wang = at.chen.freshness_of(&at.wang);
    assert_eq!((wang.lacks, wang.has_all_of_mine), (3, false));
    let mut edited = vec![first, second, third];
    edited.sort();
    assert_eq!(at.chen.lacked_by(&at.wang), edited);
    assert_eq!(wang.upto, Some(Millis(written)));
    assert_eq!(wang.heard_at, Some(Millis(at.wang.now)));
    let founder = at.chen.freshness_of(&at.founder);
    assert_eq!((founder.lacks, founder.upto), (3, None));
    let own = at.chen.freshness_of(&at.chen);
    assert!(own.is_self && own.has_all_of_mine && own.lacks == 0);
    assert_eq!(at.chen.lacked_by(&at.chen), []);
    let position = at.chen.upload(RELAY);
    at.chen.hears(&at.wang.says(RELAY, position));
    let wang = at.chen.freshness_of(&at.wang);
    assert_eq!((wang.lacks, wang.has_all_of_mine), (0, true));
    assert_eq!(at.chen.lacked_by(&at.wang), []);
    assert_eq!(wang.upto, Some(Millis(at.chen.now)));
}

#[test]
fn who_may_not_read_a_space_lacks_nothing_of_it() {
    let mut at = station();
    let other = at
        .founder
        .with_moment(|replica, moment| replica.add_space("Shajiao", moment))
        .unwrap();
    visit(&mut at.founder, other);
    at.founder.upload(RELAY);
    let wang = at.founder.freshness_of(&at.wang);
    assert_eq!((wang.may_read, wang.lacks), (false, 0));
    assert!(!wang.has_all_of_mine);
    assert_eq!(at.founder.lacked_by(&at.wang), []);
    let visit = visit(&mut at.founder, at.space);
    let wang = at.founder.freshness_of(&at.wang);
    assert_eq!((wang.may_read, wang.lacks), (true, 1));
    assert_eq!(at.founder.lacked_by(&at.wang), [visit]);
}

#[test]
fn whoever_writes_is_heard_from_without_a_receipt() {
    let mut at = station();
    assert_eq!(at.founder.freshness_of(&at.wang).heard_at, None);
    visit(&mut at.wang, at.space);
    meet(&mut at.wang, &mut at.founder);
    let heard = at.founder.freshness_of(&at.wang).heard_at;
    assert_eq!(heard, Some(Millis(at.wang.now)));
    let as_of = at.founder.replica.as_of(Millis(at.wang.now)).unwrap();
    assert_eq!((as_of.members, as_of.heard), (3, 2));
    let missing: Vec<_> = as_of.missing.iter().map(|it| it.member).collect();
    assert_eq!(missing, [at.chen.member()]);
    assert_eq!(as_of.digest, at.founder.replica.heads_digest().unwrap());
    let as_of = at.founder.replica.as_of(Millis(at.wang.now + 1)).unwrap();
    assert_eq!(as_of.missing.len(), 2);
    assert_eq!(as_of.missing[1].heard_at, Some(Millis(at.wang.now)));
}

fn read(phone: &mut Phone, position: u64) -> Option<Receipts> {
    let lanes = phone.replica.own_lanes();
    let placing = Placing {
        store: &RELAY,
        lanes: &lanes,
        upto: phone.replica.last_arrival().unwrap(),
        position,
        but: &BTreeSet::new(),
        told: 40,
    };
    phone
        .with_moment(|replica, moment| replica.note_read(&placing, true, moment))
        .unwrap()
}

#[test]
fn device_signs_when_it_has_read_further_or_half_a_day_has_passed() {
    let mut at = station();
    let receipt = read(&mut at.chen, 40).unwrap();
    assert!(at.founder.hears(&receipt));
    assert_eq!(read(&mut at.chen, 40), None);
    assert_eq!(read(&mut at.chen, 39), None);
    let own = at.chen.replica.own_readings().unwrap();
    assert_eq!(own.get(&RELAY), Some(&40), "it is durable");
    assert!(read(&mut at.chen, 41).is_some());
    let again = read(&mut at.chen, 41).unwrap();
    assert_eq!(again.rows[0].position, 41, "the relay has only heard of 40");
    at.chen.now += 43_200_000;
    let renewed = read(&mut at.chen, 41).unwrap();
    assert_eq!(renewed.rows[0].at, at.chen.now);
}

#[test]
fn nothing_is_signed_while_a_lane_is_unknown_to_the_relay() {
    let mut at = station();
    let mut lanes = at.chen.replica.own_lanes();
    lanes.remove(&at.space);
    let placing = Placing {
        store: &RELAY,
        lanes: &lanes,
        upto: at.chen.replica.last_arrival().unwrap(),
        position: 40,
        but: &BTreeSet::new(),
        told: 40,
    };
    let signed = at
        .chen
        .with_moment(|replica, moment| replica.note_read(&placing, true, moment));
    assert_eq!(signed.unwrap(), None);
}

#[test]
fn batches_of_which_nothing_better_is_known_lie_not_beyond_what_was_read() {
    let mut at = station();
    let record = at.sealed_visit();
    assert_eq!(at.chen.level(record), TickLevel::Saved);
    read(&mut at.chen, 40);
    assert_eq!(at.chen.level(record), TickLevel::Relay);
    at.chen.hears(&at.wang.says(RELAY, 39));
    assert_eq!(at.chen.level(record), TickLevel::Relay);
    at.chen.hears(&at.wang.says(RELAY, 40));
    assert_eq!(at.chen.level(record), TickLevel::Colleague);
}

/// A session ends in which the relay had these already, and said so without their places.
fn reads_but(phone: &mut Phone, lanes: &BTreeSet<LaneId>, but: &BTreeSet<Arrival>) {
    let placing = Placing {
        store: &RELAY,
        lanes,
        upto: phone.replica.last_arrival().unwrap(),
        position: 40,
        but,
        told: 40,
    };
    phone
        .with_moment(|replica, moment| replica.note_read(&placing, true, moment))
        .unwrap();
}

#[test]
fn batch_that_a_relay_had_already_is_placed_by_the_next_session() {
    let mut at = station();
    let record = at.sealed_visit();
    let lanes = at.chen.replica.own_lanes();
    let but = BTreeSet::from([at.chen.replica.last_arrival().unwrap()]);
    reads_but(&mut at.chen, &lanes, &but);
    assert_eq!(at.chen.level(record), TickLevel::Saved);
    reads_but(&mut at.chen, &lanes, &BTreeSet::new());
    assert_eq!(at.chen.level(record), TickLevel::Relay);
}

#[test]
fn batch_of_a_lane_that_is_new_to_a_relay_is_placed_by_the_next_session() {
    let mut at = station();
    let record = at.sealed_visit();
    let lanes = at.chen.replica.own_lanes();
    let but = BTreeSet::from([at.chen.replica.last_arrival().unwrap()]);
    let mut fewer = lanes.clone();
    fewer.remove(&at.space);
    reads_but(&mut at.chen, &fewer, &BTreeSet::new());
    reads_but(&mut at.chen, &lanes, &but);
    assert_eq!(at.chen.level(record), TickLevel::Saved);
    reads_but(&mut at.chen, &lanes, &BTreeSet::new());
    assert_eq!(at.chen.level(record), TickLevel::Relay);
}

#[test]
fn clock_that_is_years_ahead_does_not_make_a_receipt_newer() {
    let mut at = station();
    at.wang.now += 300_000_000_000;
    assert!(at.chen.hears(&at.wang.says(RELAY, 5)));
    at.wang.now -= 300_000_000_000;
    assert!(!at.chen.hears(&at.wang.says(RELAY, 5)));
    assert!(
        at.chen.hears(&at.wang.says(RELAY, 6)),
        "it has read further"
    );
}

#[test]
fn numbers_of_receipts_go_on_only_without_a_gap() {
    let mut at = station();
    let with = |receipts: Receipts, after, upto| Receipts {
        after,
        upto,
        ..receipts
    };
    at.chen.hears(&with(at.wang.says(RELAY, 5), 0, 4));
    assert_eq!(at.chen.replica.receipts_read(&RELAY).unwrap(), 4);
    at.chen.hears(&with(at.wang.says(RELAY, 6), 6, 9));
    assert_eq!(at.chen.replica.receipts_read(&RELAY).unwrap(), 4);
    at.chen.hears(&with(at.founder.says(RELAY, 6), 3, 9));
    assert_eq!(at.chen.replica.receipts_read(&RELAY).unwrap(), 9);
    assert_eq!(at.chen.replica.receipts_read(&OTHER).unwrap(), 0);
}

#[test]
fn sealed_entries_are_unsent_until_a_relay_has_them() {
    let mut station = station();
    let unsent = |phone: &Phone| phone.replica.unsent_count().unwrap();
    station.chen.upload(RELAY);
    assert_eq!(unsent(&station.chen), 0);
    station.sealed_visit();
    station.sealed_visit();
    assert_eq!(station.chen.replica.pending_count().unwrap(), 0);
    assert_eq!(unsent(&station.chen), 2, "sealed, and nowhere else");
    let pending = visit(&mut station.chen, station.space);
    assert_eq!(unsent(&station.chen), 3);
    assert_eq!(
        station.chen.replica.ticks(pending).unwrap().level,
        TickLevel::Saved
    );
    station.chen.upload(OTHER);
    assert_eq!(unsent(&station.chen), 0, "one relay is enough");
}

#[test]
fn sealed_entries_do_not_count_as_unsent_where_no_relay_was_met() {
    let mut station = station();
    station.sealed_visit();
    assert_eq!(station.chen.replica.unsent_count().unwrap(), 0);
    visit(&mut station.chen, station.space);
    assert_eq!(station.chen.replica.unsent_count().unwrap(), 1);
}
