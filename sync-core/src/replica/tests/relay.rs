//! What is noted of a relay's store, and what a phone takes from whoever sends it.

use std::collections::BTreeSet;

use super::*;
use crate::id::{Arrival, StoreId};
use crate::roster::roster_lane;
use crate::session::Taken;
use crate::session::carrier::Carrier as _;
use crate::wire::Refusal;
use crate::wire::batches::{BatchReader, BatchWriter};

const RELAY: StoreId = StoreId::new([7; 16]);
const OTHER: StoreId = StoreId::new([8; 16]);

/// A founder's replica and its two lanes, all of which both relays have.
fn noted() -> (Phone, BTreeSet<LaneId>) {
    let (mut founder, _, space) = village();
    visit(&mut founder, space);
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    founder.replica.seal_pending(moment).unwrap();
    let lanes = BTreeSet::from([roster_lane(&founder.replica.community()), space]);
    let last = founder.replica.last_arrival().unwrap();
    for store in [RELAY, OTHER] {
        let cursors: Vec<(LaneId, u64)> = lanes.iter().map(|lane| (*lane, 5)).collect();
        founder.replica.note_cursors(&store, &cursors).unwrap();
        founder.replica.note_uploaded(&store, last, &lanes).unwrap();
    }
    (founder, lanes)
}

#[test]
fn relay_that_lost_something_is_forgotten_in_one_step_and_others_are_not() {
    let (mut founder, lanes) = noted();
    let replica = &mut founder.replica;
    let last = replica.last_arrival().unwrap();
    assert!(replica.unshared(&RELAY).unwrap().is_empty());
    let writes = replica.write_count();
    replica.forget_relay(&RELAY).unwrap();
    assert_eq!(replica.write_count(), writes + 1);
    for lane in &lanes {
        assert_eq!(replica.cursor(&RELAY, lane).unwrap(), 0);
        assert_eq!(replica.acknowledged(&RELAY, lane).unwrap(), Arrival(0));
        assert_eq!(replica.cursor(&OTHER, lane).unwrap(), 5);
        assert_eq!(replica.acknowledged(&OTHER, lane).unwrap(), last);
    }
    assert!(!replica.unshared(&RELAY).unwrap().is_empty());
    assert!(replica.unshared(&OTHER).unwrap().is_empty());
}

#[test]
fn nothing_is_known_of_a_lane_that_was_not_exchanged_since() {
    let (mut founder, lanes) = noted();
    let roster = roster_lane(&founder.replica.community());
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    founder.replica.add_space("Shajiao", moment).unwrap();
    founder.replica.seal_pending(moment).unwrap();
    let last = founder.replica.last_arrival().unwrap();
    let only = BTreeSet::from([roster]);
    let replica = &mut founder.replica;
    replica.note_uploaded(&RELAY, last, &only).unwrap();
    for lane in lanes.difference(&only) {
        assert_eq!(replica.cursor(&RELAY, lane).unwrap(), 0);
        assert_eq!(replica.acknowledged(&RELAY, lane).unwrap(), Arrival(0));
    }
    assert_eq!(replica.acknowledged(&RELAY, &roster).unwrap(), last);
}

#[test]
fn batch_of_a_lane_that_is_not_ours_is_not_taken() {
    let (mut founder, mut volunteer, _) = village();
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let other = founder.replica.add_space("Shajiao", moment).unwrap();
    visit(&mut founder, other);
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    founder.replica.seal_pending(moment).unwrap();
    let all = founder.replica.since(Arrival(0), usize::MAX).unwrap();
    let mut writer = BatchWriter::default();
    let foreign = all.iter().filter(|it| it.batch.log().lane == other);
    foreign.for_each(|carried| writer.push(&carried.batch, true));
    let received = BatchReader::default().read(writer.take()).unwrap();
    assert!(!received.is_empty());
    let before = volunteer.replica.last_arrival().unwrap();
    let (now, mut rng) = volunteer.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let done = volunteer
        .replica
        .ingest(received, &[], &Source::default(), moment);
    let is_refused = |taken: &Taken| *taken == Taken::Refused(Refusal::NotAllowed);
    assert!(done.unwrap().taken.iter().all(is_refused));
    assert_eq!(volunteer.replica.last_arrival().unwrap(), before);
}
