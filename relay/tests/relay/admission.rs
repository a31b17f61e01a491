//! Who is let in: founders, members, joiners; nobody else.

use std::collections::BTreeSet;

use relay::limits::Limits;
use relay::log::BatchLog as _;
use relay::log::memory::MemoryLog;
use relay::relay::{Admission, Ending, Input};
use sync_core::id::StoreId;
use sync_core::keys::DeviceKeys;
use sync_core::roster::role::{Role, Scope};
use sync_core::wire::batches::{BatchReader, BatchWriter};
use sync_core::wire::{Bye, Frame, Refusal};

use crate::village::{Village, village};

fn refused(refusal: Refusal) -> Option<Ending> {
    Some(Ending::Refused(refusal))
}

#[test]
fn founder_brings_the_community_to_an_open_relay_in_one_session() {
    let mut village = village(Limits::default());
    let space = village.space(0);
    village.write(0, space, "a visit");
    let commons = village.commons();
    village.write(0, commons, "a notice");
    village.connect(0, None);
    village.settle();
    assert_eq!(village.phones[0].refused, []);
    let state = village
        .relay
        .log()
        .community(&village.community)
        .unwrap()
        .unwrap();
    assert_eq!(state.logs.len(), 3);
    assert_eq!(state.tip.0, 4);
    assert!(village.phones[0].session.as_ref().unwrap().is_caught_up());
}

#[test]
fn relay_with_a_list_refuses_a_community_that_is_not_on_it() {
    let log = || MemoryLog::new(StoreId::new([1; 16]));
    let mut closed = Village::new(log(), Admission::Listed(BTreeSet::new()), Limits::default());
    closed.connect(0, None);
    closed.settle();
    assert_eq!(closed.phones[0].ending, refused(Refusal::CommunityUnknown));
    assert_eq!(
        closed.phones[0].refused,
        [(Refusal::CommunityUnknown, None)]
    );
    let listed = Admission::Listed(BTreeSet::from([closed.community]));
    let mut open = Village::new(log(), listed, Limits::default());
    open.connect(0, None);
    open.settle();
    assert_eq!(open.relay.log().communities(), Ok(1));
}

#[test]
fn joiner_with_a_ticket_is_let_in_and_gets_everything_at_once() {
    let mut village = village(Limits::default());
    let commons = village.commons();
    village.write(0, commons, "a notice");
    let phone = village.member(Role::Volunteer, Scope::Community);
    village.assert_carried(&[0, phone]);
    village.write(phone, commons, "thanks");
    village.settle();
    village.assert_carried(&[0, phone]);
    assert_eq!(village.phones[phone].refused, []);
}

#[test]
fn member_who_came_before_the_roster_did_is_asked_to_come_again() {
    let mut village = village(Limits::default());
    let ticket = village.invite(0, Role::Volunteer, Scope::Community, 1);
    let early = village.stranger();
    village.join(early, &ticket);
    village.phones[early].is_stuck = true;
    village.connect(early, None);
    village.settle();
    village.connect(0, None);
    village.settle();
    // Only now it asks, and is told that its lanes are unknown: the founder has not heard of it.
    village.phones[early].is_stuck = false;
    village.settle();
    assert_eq!(village.phones[early].ending, None);
    let mut writer = BatchWriter::default();
    let joining = village.phones[early].carrier.rows().last().unwrap();
    writer.push(&joining.batch, true);
    for received in BatchReader::default().read(writer.take()).unwrap() {
        village.phones[0].carrier.take(received);
    }
    village.settle();
    assert_eq!(village.phones[early].ending, refused(Refusal::Busy));
    village.connect(early, None);
    village.settle();
    assert_eq!(village.phones[early].ending, None);
    village.assert_carried(&[0, early]);
}

#[test]
fn what_members_took_in_good_faith_is_carried_though_its_author_never_came_to_belong() {
    let mut village = village(Limits::default());
    let commons = village.commons();
    let helper = village.member(Role::Volunteer, Scope::Community);
    // A volunteer has nobody to let in: the roster will not name who comes with this.
    let ticket = village.invite(helper, Role::Volunteer, Scope::Community, 1);
    let guest = village.stranger();
    village.join(guest, &ticket);
    village.write(guest, commons, "a notice");
    let mut writer = BatchWriter::default();
    for row in village.phones[guest].carrier.rows() {
        writer.push(&row.batch, true);
    }
    for received in BatchReader::default().read(writer.take()).unwrap() {
        village.phones[helper].carrier.take(received);
    }
    village.settle();
    assert_eq!(village.phones[helper].refused, []);
    village.assert_carried(&[0, helper]);
    // Its author is no member all the same.
    village.connect(guest, None);
    village.settle();
    assert_eq!(village.phones[guest].ending, refused(Refusal::NotAMember));
}

#[test]
fn stranger_without_a_ticket_is_no_member() {
    let mut village = village(Limits::default());
    village.connect(0, None);
    village.settle();
    let phone = village.stranger();
    village.connect(phone, None);
    village.settle();
    assert_eq!(village.phones[phone].ending, refused(Refusal::NotAMember));
    assert_eq!(village.phones[phone].received, 0);
}

#[test]
fn invitation_that_the_relay_does_not_know_is_said_so() {
    let mut village = village(Limits::default());
    let phone = village.stranger();
    let unknown = DeviceKeys::generate(&mut village.rng);
    let join = village.join(phone, &unknown);
    village.connect(phone, Some(join.clone()));
    village.settle();
    assert_eq!(
        village.phones[phone].ending,
        refused(Refusal::InviteUnknown)
    );
    village.connect(0, None);
    village.settle();
    village.connect(phone, Some(join));
    village.settle();
    assert_eq!(
        village.phones[phone].ending,
        refused(Refusal::InviteUnknown)
    );
}

#[test]
fn second_joiner_with_a_ticket_for_one_is_refused_and_the_first_stays() {
    let mut village = village(Limits::default());
    let ticket = village.invite(0, Role::Volunteer, Scope::Community, 1);
    village.connect(0, None);
    village.settle();
    let (first, second) = (village.stranger(), village.stranger());
    for phone in [first, second] {
        let join = village.join(phone, &ticket);
        village.connect(phone, Some(join));
        village.settle();
    }
    assert_eq!(village.phones[second].ending, refused(Refusal::InviteUsed));
    assert_eq!(village.phones[first].ending, None);
    village.disconnect(first);
    village.connect(first, None);
    village.settle();
    assert_eq!(village.phones[first].ending, None);
}

#[test]
fn join_by_another_device_than_the_connected_one_is_refused() {
    let mut village = village(Limits::default());
    let ticket = village.invite(0, Role::Volunteer, Scope::Community, 1);
    village.connect(0, None);
    village.settle();
    let (honest, thief) = (village.stranger(), village.stranger());
    let join = village.join(honest, &ticket);
    village.connect(thief, Some(join.clone()));
    village.settle();
    assert_eq!(village.phones[thief].ending, refused(Refusal::NotAMember));
    for at in 40..join.len() {
        let mut changed = join.clone();
        changed[at] ^= 1;
        village.connect(honest, Some(changed));
        village.settle();
        assert!(
            matches!(village.phones[honest].ending, Some(Ending::Refused(_))),
            "byte {at}: {:?}",
            village.phones[honest].ending
        );
    }
    village.connect(honest, Some(join));
    village.settle();
    assert_eq!(village.phones[honest].ending, None);
}

#[test]
fn first_frame_must_be_a_hello() {
    let mut village = village(Limits::default());
    let conn = village.connect(0, None);
    village.handle(vec![Input::Frame {
        conn,
        frame: Frame::Bye(Bye {}),
    }]);
    assert_eq!(village.phones[0].ending, refused(Refusal::BadFrame));
    let conn = village.connect(0, None);
    village.handle(vec![Input::Unknown { conn, kind: 40 }]);
    assert_eq!(village.phones[0].ending, refused(Refusal::BadFrame));
}

#[test]
fn one_device_founds_so_many_communities_and_no_more() {
    let limits = Limits {
        communities_per_device_max: 0,
        ..Limits::default()
    };
    let mut village = village(limits);
    village.connect(0, None);
    village.settle();
    assert_eq!(village.phones[0].ending, refused(Refusal::OverQuota));
}

#[test]
fn connection_over_the_cap_is_refused_as_busy() {
    let limits = Limits {
        connections_per_device_max: 1,
        ..Limits::default()
    };
    let mut village = village(limits);
    village.connect(0, None);
    village.settle();
    village.connect(0, None);
    assert_eq!(village.phones[0].ending, refused(Refusal::Busy));
    assert_eq!(village.relay.connections(), 1);
}

#[test]
fn batch_in_clear_in_a_space_is_refused_because_no_phone_takes_it() {
    let mut village = village(Limits::default());
    let commons = village.commons();
    village.phones[0].carrier.key = None;
    village.connect(0, None);
    village.settle();
    village.write(0, commons, "in clear");
    village.settle();
    let refused = village.phones[0].refused.iter().map(|(why, _)| *why);
    assert_eq!(refused.collect::<Vec<_>>(), [Refusal::BadFrame]);
}

#[test]
fn relay_that_has_lost_everything_is_filled_again_by_any_member() {
    let mut village = village(Limits::default());
    let commons = village.commons();
    village.write(0, commons, "a notice");
    let phone = village.member(Role::Volunteer, Scope::Community);
    village.write(phone, commons, "thanks");
    village.settle();
    let whole = village.phones[phone].carrier.rows().len();
    village.disconnect(0);
    village.disconnect(phone);
    let empty = MemoryLog::new(StoreId::new([8; 16]));
    let mut again = Village::new(empty, Admission::Open, Limits::default());
    again.phones = village.phones;
    let all = again.phones[phone]
        .carrier
        .rows()
        .iter()
        .map(|row| *row.batch.log());
    again.phones[phone].carrier.unshared = all.collect();
    again.connect(phone, None);
    again.settle();
    assert_eq!(again.phones[phone].refused, []);
    let state = again
        .relay
        .log()
        .community(&again.community)
        .unwrap()
        .unwrap();
    assert_eq!(state.tip.0, whole as u64);
}
