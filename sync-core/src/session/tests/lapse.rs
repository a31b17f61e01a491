//! Relays that have less than they had acknowledged.

use std::sync::Arc;

use super::*;

fn lacking(side: &Side) -> Vec<LaneId> {
    let lanes = side.events.iter().filter_map(|event| match event {
        Event::Lacking(lane) => Some(*lane),
        Event::Acked(_)
        | Event::AskedErased(_)
        | Event::Blob(_)
        | Event::CaughtUp
        | Event::Compared
        | Event::Cursors(_)
        | Event::Ended
        | Event::HasErased(_)
        | Event::Ingest { .. }
        | Event::OwnLogAhead(_)
        | Event::AskedReceipts(_)
        | Event::Placed(_)
        | Event::Receipts(_)
        | Event::Refused { .. }
        | Event::Totals(_) => None,
    });
    lanes.collect()
}

/// The relay has acknowledged everything.
fn note_acknowledged(phone: &mut Side, relay: &Side) {
    let last = phone.carrier.last_arrival().unwrap();
    for lane in phone.carrier.lanes.clone() {
        let mark = (relay.carrier.store_id(), lane);
        phone.carrier.acknowledged.insert(mark, last);
    }
}

/// A phone, a relay that has acknowledged what it and another have written, and a copy of the relay from
/// before that.
fn met(own: &[&str], others: &[&str]) -> (Side, Side, MemoryCarrier, ChaCha8Rng) {
    let (mut phone, mut relay, mut rng) = pair(PeerKind::Relay);
    phone.write(SPACE, "begin", &mut rng);
    let mut third = Side::new(PeerKind::Member, 3);
    sync(&mut phone, &mut relay, &mut rng);
    sync(&mut third, &mut relay, &mut rng);
    let copy = relay.carrier.clone();
    for text in own {
        phone.write(SPACE, text, &mut rng);
    }
    for text in others {
        third.write(SPACE, text, &mut rng);
    }
    sync(&mut third, &mut relay, &mut rng);
    sync(&mut phone, &mut relay, &mut rng);
    note_acknowledged(&mut phone, &relay);
    (phone, relay, copy, rng)
}

/// The same, and the relay goes on from its copy.
fn set_back(own: &[&str], others: &[&str]) -> (Side, Side, ChaCha8Rng) {
    let (phone, mut relay, copy, rng) = met(own, others);
    relay.carrier = copy;
    (phone, relay, rng)
}

#[test]
fn relay_whose_lane_ends_before_our_cursor_was_set_back_and_is_filled_again() {
    let (mut phone, mut relay, mut rng) = set_back(&[], &["one", "two"]);
    sync(&mut phone, &mut relay, &mut rng);
    assert_eq!(lacking(&phone), [SPACE]);
    assert_eq!(relay.contents(), phone.contents());
    assert!(phone.session.as_ref().unwrap().are_positions_sound());
    sync(&mut phone, &mut relay, &mut rng);
    assert_eq!(lacking(&phone), []);
}

#[test]
fn relay_that_lacks_entries_of_ours_that_it_had_acknowledged_was_set_back() {
    let (mut phone, mut relay, mut rng) = set_back(&["mine"], &[]);
    sync(&mut phone, &mut relay, &mut rng);
    assert_eq!(lacking(&phone), [SPACE]);
    assert_eq!(relay.contents(), phone.contents());
}

#[test]
fn relay_that_was_set_back_and_went_on_is_noticed_by_what_it_wants() {
    let (mut phone, mut relay, mut rng) = set_back(&[], &["one", "two"]);
    // Others have filled the positions anew; only a comparison log by log shows it.
    let mut fourth = Side::new(PeerKind::Member, 4);
    for text in ["a", "b", "c"] {
        fourth.write(SPACE, text, &mut rng);
    }
    sync(&mut fourth, &mut relay, &mut rng);
    sync(&mut phone, &mut relay, &mut rng);
    assert_eq!(lacking(&phone), [SPACE]);
    assert!(!phone.session.as_ref().unwrap().are_positions_sound());
    assert_eq!(relay.contents(), phone.contents());
}

#[test]
fn what_others_filled_in_before_our_cursor_comes_although_there_is_always_more() {
    let (mut phone, mut relay, mut rng) = set_back(&[], &["one", "two"]);
    // What the relay had acknowledged of the third is there again, behind what the fourth has written.
    let mut fourth = Side::new(PeerKind::Member, 4);
    fourth.write(SPACE, "a", &mut rng);
    sync(&mut fourth, &mut relay, &mut rng);
    let mut fifth = Side::new(PeerKind::Member, 5);
    for text in ["b", "c"] {
        fifth.write(SPACE, text, &mut rng);
        sync(&mut fifth, &mut relay, &mut rng);
    }
    phone.write(SPACE, "mine", &mut rng);
    sync(&mut phone, &mut relay, &mut rng);
    assert_eq!(relay.contents(), phone.contents());
}

#[test]
fn lane_that_is_all_there_is_not_compared_a_second_time() {
    let (mut phone, mut relay, mut rng) = pair(PeerKind::Relay);
    let mut third = Side::new(PeerKind::Member, 3);
    sync(&mut phone, &mut relay, &mut rng);
    third.write(SPACE, "one", &mut rng);
    sync(&mut third, &mut relay, &mut rng);
    sync(&mut phone, &mut relay, &mut rng);
    third.write(SPACE, "two", &mut rng);
    sync(&mut third, &mut relay, &mut rng);
    phone.write(SPACE, "mine", &mut rng);
    sync(&mut phone, &mut relay, &mut rng);
    assert_eq!(phone.compared_again, 0);
    assert_eq!(relay.contents(), phone.contents());
}

#[test]
fn lane_that_the_relay_no_longer_knows_was_lost_if_it_knows_the_same_roster() {
    let (mut phone, mut relay, mut rng) = set_back(&[], &["one"]);
    relay.carrier = MemoryCarrier::new(COMMUNITY, relay.carrier.store_id(), []);
    phone.write(roster(), "news", &mut rng);
    let device = phone.keys.device();
    relay
        .carrier
        .peers
        .insert(device, BTreeSet::from([roster()]));
    connect(&mut phone, &mut relay, &mut rng);
    flow(&mut phone, &mut relay, u64::MAX);
    // Its roster is another one: it may not have heard of the space yet.
    assert_eq!(lacking(&phone), []);
    relay
        .carrier
        .peers
        .insert(device, BTreeSet::from([roster()]));
    connect(&mut phone, &mut relay, &mut rng);
    flow(&mut phone, &mut relay, u64::MAX);
    assert_eq!(lacking(&phone), [SPACE]);
}

#[test]
fn log_that_is_shorter_on_the_branch_that_won_is_no_loss() {
    let (phone, mut relay, copy, mut rng) = met(&["one", "two", "three"], &[]);
    // The same device wrote on from a copy of its store, and that branch wins.
    let ours = phone.carrier.missing(&phone.log(SPACE), Seq(2), 1).unwrap();
    let ours = phone.carrier.batch(ours[0].arrival).unwrap().unwrap();
    let winner = (0..64).find_map(|_| {
        let mut twin = Side::new(PeerKind::Member, 1);
        twin.carrier = copy.clone();
        twin.write(SPACE, "other", &mut rng);
        let batch = Arc::clone(&twin.carrier.rows().last().unwrap().batch);
        (batch.head().chain < ours.batch.head().chain).then_some(batch)
    });
    let mut writer = BatchWriter::default();
    writer.push(&winner.unwrap(), true);
    let received = BatchReader::default().read(writer.take()).unwrap();
    for received in received {
        assert!(matches!(relay.carrier.take(received), Taken::Stored(_)));
    }
    let mut reader = Side::new(PeerKind::Member, 6);
    reader.carrier = phone.carrier;
    sync(&mut reader, &mut relay, &mut rng);
    assert_eq!(lacking(&reader), []);
    sync(&mut reader, &mut relay, &mut rng);
    assert_eq!(lacking(&reader), []);
    assert_eq!(reader.contents(), relay.contents());
}
