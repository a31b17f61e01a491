//! Keys that somebody made after the point at which they were cut off.

use super::revocations::{member_of, three};
use super::*;
use crate::replica::Removal;

/// A lead who is cut off without knowing it removes somebody, so that there is a new key, and another
/// volunteer writes under that key before they hear of the cut.
fn under_a_key_that_does_not_count() -> (Phone, Phone, LaneId, RecordId) {
    let (mut founder, mut thief, mut other, space) = three();
    let mut lead = join_by_hand(&mut founder, Scope::Space(space), Role::Lead, 4, "何姐");
    meet(&mut lead, &mut founder);
    meet(&mut other, &mut founder);
    let before = usable(&founder, space);
    founder.revoke(Removal::Member(member_of(&lead))).unwrap();
    lead.revoke(Removal::Member(member_of(&thief))).unwrap();
    meet(&mut thief, &mut founder);
    meet(&mut lead, &mut other);
    let record = visit(&mut other, space);
    other
        .with_moment(|replica, moment| replica.seal_pending(moment))
        .unwrap();
    assert_ne!(usable(&other, space), before);
    (founder, other, space, record)
}

fn usable(phone: &Phone, space: LaneId) -> Vec<crate::id::EpochId> {
    phone.replica.roster().usable_epochs(&space)
}

#[test]
fn what_was_written_under_the_key_of_a_lead_who_was_cut_off_is_read_by_those_who_got_it() {
    let (mut founder, mut other, _, record) = under_a_key_that_does_not_count();
    meet(&mut founder, &mut other);
    assert!(founder.replica.show(record).is_ok());
    assert_eq!(founder.replica.store().waited_for().unwrap(), []);
}

#[test]
fn newcomers_read_it_too_and_nobody_seals_with_that_key_again() {
    let (mut founder, mut other, space, record) = under_a_key_that_does_not_count();
    meet(&mut founder, &mut other);
    let mut late = join_by_hand(
        &mut founder,
        Scope::Space(space),
        Role::Volunteer,
        9,
        "新人",
    );
    meet(&mut late, &mut founder);
    meet(&mut other, &mut founder);
    assert!(late.replica.show(record).is_ok());
    for phone in [&founder, &other, &late] {
        let usable = usable(phone, space);
        let counted = phone.replica.roster().epochs();
        assert!(!usable.is_empty());
        assert!(usable.iter().all(|id| counted.contains_key(&(space, *id))));
    }
}
