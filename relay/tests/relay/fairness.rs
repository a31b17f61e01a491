//! What one member can make the relay do to the others.

use relay::limits::{JOINS_SPARE, LOGS_PER_DEVICE_MAX, Limits};
use sync_core::id::Incarnation;
use sync_core::roster::role::{Role, Scope};
use sync_core::wire::Refusal;
use sync_core::wire::batches::{Received, decode_join};

use crate::village::village;

fn incarnation(number: usize) -> Incarnation {
    Incarnation::new(u64::try_from(number).unwrap().to_be_bytes())
}

#[test]
fn device_begins_so_many_logs_in_a_lane_and_no_more() {
    let mut village = village(Limits::default());
    let phone = village.member(Role::Volunteer, Scope::Community);
    let commons = village.commons();
    village.settle();
    village.disconnect(phone);
    let mut logs = Vec::new();
    for number in 1..=LOGS_PER_DEVICE_MAX + 1 {
        village.phones[phone].incarnation = incarnation(number);
        village.write(phone, commons, "again from nothing");
        logs.push(village.phones[phone].log(commons));
    }
    village.phones[phone].carrier.unshared.extend(logs);
    village.connect(phone, None);
    village.settle();
    let refused: Vec<Refusal> = village.phones[phone]
        .refused
        .iter()
        .map(|(refusal, _)| *refusal)
        .collect();
    assert_eq!(refused, [Refusal::OverQuota]);
    assert_eq!(village.phones[phone].ending, None);
}

#[test]
fn far_more_joins_than_an_invitation_is_for_are_refused() {
    let mut village = village(Limits::default());
    let carrier = village.member(Role::Volunteer, Scope::Community);
    let ticket = village.invite(0, Role::Volunteer, Scope::Community, 1);
    village.settle();
    let community = village.community;
    // A member who holds the ticket makes up people, and carries their joins.
    for _ in 0..JOINS_SPARE + 5 {
        let stranger = village.stranger();
        let join = village.join(stranger, &ticket);
        let batch = decode_join(&community, &join).unwrap();
        let log = batch.place().log;
        let prev = Some(sync_core::id::ChainHash::ZERO);
        village.phones[carrier].carrier.take(Received {
            batch,
            prev,
            position: None,
        });
        village.phones[carrier].carrier.unshared.insert(log);
    }
    village.settle();
    let refused: Vec<Refusal> = village.phones[carrier]
        .refused
        .iter()
        .map(|(refusal, _)| *refusal)
        .collect();
    assert_eq!(refused, [Refusal::NotAMember; 4]);
}

#[test]
fn phones_that_do_not_read_keep_nobody_from_their_answers() {
    let limits = Limits {
        outbox_bytes_max: 1,
        ..Limits::default()
    };
    let mut village = village(limits);
    let slow = village.member(Role::Volunteer, Scope::Community);
    let writer = village.member(Role::Volunteer, Scope::Community);
    village.settle();
    village.phones[slow].is_stuck = true;
    let commons = village.commons();
    village.write(0, commons, "this one waits in an outbox");
    village.settle();
    assert!(village.relay.outbox_bytes() > 1, "the outboxes are full");
    let before = village.phones[writer].acked;
    village.write(writer, commons, "and this one is acknowledged");
    village.settle();
    assert_eq!(village.phones[writer].acked, before + 1);
}

#[test]
fn phones_that_wait_for_room_are_served_in_turn() {
    let limits = Limits {
        outbox_bytes_max: 1,
        ..Limits::default()
    };
    let mut village = village(limits);
    let phones: Vec<usize> = (0..4)
        .map(|_| village.member(Role::Volunteer, Scope::Community))
        .collect();
    village.settle();
    let commons = village.commons();
    for number in 0..3 {
        village.write(0, commons, &format!("{number}"));
    }
    village.settle();
    assert_eq!(village.relay.outbox_bytes(), 0);
    let all: Vec<usize> = phones.into_iter().chain([0]).collect();
    village.assert_carried(&all);
}
