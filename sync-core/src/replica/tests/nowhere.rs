//! Spaces that are none: made by somebody who had been cut off before.

use super::devices::new_device;
use super::revocations::member_of;
use super::*;
use crate::replica::{Hold, Removal};
use crate::session::carrier::Carrier as _;

/// The owner, their tablet, and a coordinator who does not know yet that the owner has cut them off; a
/// volunteer wrote in the space that the coordinator has made since.
struct Scene {
    owner: Phone,
    tablet: Phone,
    coordinator: Phone,
    volunteer: Phone,
    space: LaneId,
    record: RecordId,
}

fn scene() -> Scene {
    let mut owner = Phone::found(1);
    let (mut tablet, answer) = new_device(&owner, 30);
    owner.add_device(&answer).unwrap();
    meet(&mut tablet, &mut owner);
    let all = Scope::Community;
    let mut coordinator = join_by_hand(&mut owner, all, Role::Coordinator, 2, "何伟");
    let mut volunteer = join_by_hand(&mut owner, all, Role::Volunteer, 3, "李阿姨");
    for phone in [&mut tablet, &mut coordinator, &mut volunteer] {
        meet(phone, &mut owner);
    }
    owner
        .revoke(Removal::Member(member_of(&coordinator)))
        .unwrap();
    let space = coordinator
        .with_moment(|it, moment| it.add_space("沙滘村", moment))
        .unwrap();
    meet(&mut coordinator, &mut volunteer);
    let record = visit(&mut volunteer, space);
    volunteer
        .with_moment(|it, moment| it.seal_pending(moment))
        .unwrap();
    Scene {
        owner,
        tablet,
        coordinator,
        volunteer,
        space,
        record,
    }
}

fn has_batches(phone: &Phone, space: LaneId) -> bool {
    !phone.replica.store().heads(&space).unwrap().is_empty()
}

#[test]
fn what_was_written_in_a_space_that_is_none_is_kept_held_and_offered_to_nobody() {
    let mut it = scene();
    assert_eq!(it.volunteer.titles(), [VISIT[0].1]);
    meet(&mut it.volunteer, &mut it.owner);
    meet(&mut it.volunteer, &mut it.owner);
    assert!(it.volunteer.titles().is_empty());
    assert_eq!(it.volunteer.holds(), [Hold::NoSpace]);
    assert!(has_batches(&it.volunteer, it.space) && !has_batches(&it.owner, it.space));
    let device = it.owner.replica.device();
    assert!(!it.volunteer.replica.own_lanes().contains(&it.space));
    assert!(!it.volunteer.replica.lanes_for(&device).contains(&it.space));
    assert_eq!(
        it.owner.replica.heads_digest(),
        it.volunteer.replica.heads_digest()
    );
    it.volunteer.replica.rebuild_all().unwrap();
    assert_eq!(it.volunteer.holds(), [Hold::NoSpace]);
}

#[test]
fn space_whose_maker_was_cut_off_further_on_is_one_again_with_all_that_is_in_it() {
    let mut it = scene();
    // The owner's tablet has heard of the space when it cuts the coordinator off: of the two cuts the furthest
    // counts.
    meet(&mut it.coordinator, &mut it.tablet);
    let removal = Removal::Member(member_of(&it.coordinator));
    it.tablet.revoke(removal).unwrap();
    meet(&mut it.volunteer, &mut it.owner);
    assert!(it.volunteer.titles().is_empty());
    meet(&mut it.tablet, &mut it.volunteer);
    assert_eq!(it.volunteer.titles(), [VISIT[0].1]);
    assert!(it.volunteer.holds().is_empty());
    for _ in 0..2 {
        meet(&mut it.volunteer, &mut it.owner);
        meet(&mut it.tablet, &mut it.owner);
    }
    for phone in [&it.owner, &it.tablet] {
        assert!(phone.replica.show(it.record).is_ok());
    }
}
