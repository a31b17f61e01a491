//! What is kept of the last sessions.

use std::collections::BTreeMap;

use super::*;
use crate::id::{DeviceId, MemberId};
use crate::peer::Report;
use crate::wire::Refusal;

const RELAY: DeviceId = DeviceId::new([7; 32]);
const OTHER: DeviceId = DeviceId::new([8; 32]);

fn report(received: u64) -> Report {
    let tally = Tally {
        received,
        merged: received,
        by_kind: BTreeMap::from([("visit".to_owned(), received)]),
        by_member: BTreeMap::from([(MemberId::new([3; 16]), received)]),
        ..Tally::default()
    };
    Report {
        received,
        tally,
        ..Report::default()
    }
}

fn meeting(with: DeviceId, began: i64, received: u64) -> Meeting {
    let (began, now) = (Millis(began), Millis(began + 5));
    Meeting::of(&report(received), with, began, now, true)
}

fn received(phone: &Phone) -> Vec<u64> {
    let all = phone.replica.meetings().unwrap();
    all.iter().map(|meeting| meeting.received).collect()
}

#[test]
fn session_that_goes_on_is_kept_once_and_the_newest_come_first() {
    let mut phone = Phone::found(1);
    assert!(phone.replica.meetings().unwrap().is_empty());
    for (with, began, count) in [(RELAY, 10, 1), (OTHER, 10, 2), (RELAY, 10, 3)] {
        phone
            .replica
            .note_meeting(meeting(with, began, count))
            .unwrap();
    }
    assert_eq!(received(&phone), [3, 2]);
    let newest = phone.replica.meetings().unwrap().remove(0);
    assert_eq!((newest.began(), newest.ended()), (Millis(10), Millis(15)));
    assert_eq!(newest, meeting(RELAY, 10, 3));
}

#[test]
fn meetings_in_which_nothing_was_new_are_one_line_and_old_ones_are_forgotten() {
    let mut phone = Phone::found(1);
    for began in 0..4 {
        phone
            .replica
            .note_meeting(meeting(RELAY, began, 0))
            .unwrap();
    }
    let kept = phone.replica.meetings().unwrap();
    assert_eq!(kept, [meeting(RELAY, 3, 0)]);
    for began in 10_i64..40 {
        let count = began.unsigned_abs();
        phone
            .replica
            .note_meeting(meeting(RELAY, began, count))
            .unwrap();
    }
    let kept = received(&phone);
    assert_eq!((kept.len(), kept[0]), (MEETINGS_MAX, 39));
}

#[test]
fn what_the_other_side_refused_is_trouble_and_comes_back() {
    let mut phone = Phone::found(1);
    let mut refused = report(0);
    refused.refusals.insert(Refusal::OverQuota, 4);
    let told = Meeting::of(&refused, RELAY, Millis(1), Millis(2), true);
    assert!(!told.is_quiet() && meeting(RELAY, 1, 0).is_quiet());
    phone.replica.note_meeting(told).unwrap();
    let kept = phone.replica.meetings().unwrap().remove(0);
    assert_eq!(
        kept.refused().collect::<Vec<_>>(),
        [(Refusal::OverQuota, 4)]
    );
}

#[test]
fn what_is_kept_survives_the_process_and_changes_no_entry() {
    let mut phone = Phone::found(1);
    let before = phone.replica.heads_digest().unwrap();
    phone.replica.note_meeting(meeting(RELAY, 1, 2)).unwrap();
    assert_eq!(phone.replica.heads_digest().unwrap(), before);
    let copy = backup(&phone.replica);
    let keys = Arc::new(DeviceKeys::generate(&mut ChaCha8Rng::seed_from_u64(1)));
    let again = Replica::open(copy, keys).unwrap();
    assert_eq!(again.meetings().unwrap(), [meeting(RELAY, 1, 2)]);
}
