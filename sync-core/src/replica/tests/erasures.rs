//! Erasing a record: it goes everywhere, does not come back, and everybody says so.

use super::revocations::{member_of, three};
use super::*;
use crate::entry::Body;
use crate::id::Arrival;
use crate::replica::{ErasureView, HeldOf, Hold, Removal};

impl Phone {
    fn erase(&mut self, record: RecordId) -> Result<(), ReplicaError> {
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        self.replica.erase(&[record], moment).map(|_| ())
    }

    fn erasure(&self) -> ErasureView {
        let mut all = self.replica.erasures().unwrap();
        assert_eq!(all.len(), 1);
        all.pop().unwrap()
    }

    /// How many entries of spaces have contents, and how many have lost them.
    fn contents(&self) -> (usize, usize) {
        let roster = crate::roster::roster_lane(&self.replica.community());
        let store = self.replica.store();
        let all = store.since(Arrival(0), usize::MAX).unwrap();
        let spaces = all.iter().filter(|it| it.batch.log().lane != roster);
        let bodies = spaces.flat_map(|it| it.batch.entries().map(|entry| entry.body));
        let (kept, gone): (Vec<_>, Vec<_>) =
            bodies.partition(|body| matches!(body, Body::Present(_)));
        (kept.len(), gone.len())
    }
}

/// A founder, two volunteers, and two visits that all have.
fn settled() -> (Phone, Phone, Phone, LaneId, [RecordId; 2]) {
    let (mut founder, mut volunteer, mut other, space) = three();
    let gone = visit(&mut volunteer, space);
    volunteer.edit(gone, "household", "9号门");
    let kept = visit(&mut other, space);
    meet(&mut volunteer, &mut founder);
    meet(&mut other, &mut founder);
    meet(&mut volunteer, &mut founder);
    (founder, volunteer, other, space, [gone, kept])
}

#[test]
fn erased_record_leaves_every_phone_that_hears_of_it_and_each_confirms() {
    let (mut founder, mut volunteer, mut other, _, [gone, kept]) = settled();
    founder.erase(gone).unwrap();
    assert_eq!(founder.erasure().outstanding.len(), 2);
    meet(&mut founder, &mut volunteer);
    // The other one hears of it from a volunteer.
    meet(&mut volunteer, &mut other);
    meet(&mut other, &mut founder);
    for phone in [&founder, &volunteer, &other] {
        assert!(phone.replica.show(gone).is_err());
        assert!(phone.replica.show(kept).is_ok());
        assert_eq!(phone.contents(), (1, 2));
        assert!(phone.replica.held().unwrap().is_empty());
        phone.replica.audit(&mut |_, _| {}).unwrap();
    }
    let erasure = founder.erasure();
    assert_eq!((erasure.record, erasure.entries), (gone, 2));
    assert_eq!(erasure.confirmed.len(), 3);
    assert!(erasure.outstanding.is_empty());
}

#[test]
fn newcomer_gets_the_log_without_what_was_erased_and_goes_on_with_it() {
    let (mut founder, _, _, space, [gone, kept]) = settled();
    founder.erase(gone).unwrap();
    let scope = Scope::Space(space);
    let late = join_by_hand(&mut founder, scope, Role::Volunteer, 9, "周老师");
    assert!(late.replica.show(gone).is_err());
    assert!(late.replica.show(kept).is_ok());
    assert_eq!(late.contents(), (1, 2));
    late.replica.audit(&mut |_, _| {}).unwrap();
}

#[test]
fn edit_of_an_erased_record_counts_no_more_and_is_erased_in_its_turn() {
    let (mut founder, mut volunteer, mut other, _, [gone, _]) = settled();
    founder.erase(gone).unwrap();
    meet(&mut founder, &mut other);
    // Offline, the author has not heard of it.
    volunteer.edit(gone, "household", "10号门");
    meet(&mut volunteer, &mut other);
    // Volunteers may not erase: what came late is held until somebody names it.
    for phone in [&volunteer, &other] {
        assert!(phone.replica.show(gone).is_err());
        assert_eq!(phone.holds(), [Hold::Erased]);
    }
    meet(&mut founder, &mut other);
    meet(&mut founder, &mut volunteer);
    for phone in [&founder, &volunteer, &other] {
        assert!(phone.replica.show(gone).is_err());
        assert_eq!(phone.contents(), (1, 3));
        assert!(phone.replica.held().unwrap().is_empty());
    }
}

#[test]
fn below_coordinator_nobody_erases() {
    let (founder, mut volunteer, _, _, [gone, kept]) = settled();
    let least = Role::Coordinator;
    assert_eq!(
        volunteer.erase(gone),
        Err(ReplicaError::NotAllowed { least })
    );
    assert!(volunteer.replica.show(gone).is_ok());
    drop(founder);
    assert!(volunteer.replica.show(kept).is_ok());
}

#[test]
fn erasure_by_a_volunteer_changes_nothing_anywhere() {
    let (mut founder, mut volunteer, mut other, _, [gone, _]) = settled();
    let said = volunteer.replica.act(|tx, mind| {
        let statements = mind.erasures_of(tx, &gone)?;
        mind.say_all(tx, &statements)
    });
    said.unwrap();
    meet(&mut volunteer, &mut founder);
    meet(&mut founder, &mut other);
    for phone in [&founder, &volunteer, &other] {
        assert!(phone.replica.show(gone).is_ok());
        assert_eq!(phone.contents(), (3, 0));
        assert!(phone.replica.erasures().unwrap().is_empty());
    }
}

#[test]
fn contents_that_nobody_has_erased_are_not_given_up_to_whoever_leaves_them_out() {
    let (founder, mut volunteer, mut other, space, _) = settled();
    let late = visit(&mut volunteer, space);
    volunteer
        .with_moment(|replica, moment| replica.seal_pending(moment))
        .unwrap();
    // A store that has lost contents, or takes them away, hands the batch on without.
    let store = volunteer.replica.store();
    let last = store.last_arrival().unwrap();
    let carried = store.batch(last).unwrap().unwrap();
    let stripped = carried.batch.without(|_| true).unwrap();
    let whole = backup(&volunteer.replica);
    volunteer
        .replica
        .act(|tx, _| Ok(tx.reduce(last, &stripped)?))
        .unwrap();
    let (_, peer, _) = meet(&mut volunteer, &mut other);
    assert!(other.replica.show(late).is_err());
    assert_eq!(peer.report().tally.received, 0);
    assert_eq!(other.contents(), (3, 0));
    // From somebody who has it, it comes.
    let signer = Arc::clone(&volunteer.replica.mind.signer);
    volunteer.replica = Replica::open(whole, signer).unwrap();
    meet(&mut volunteer, &mut other);
    assert!(other.replica.show(late).is_ok());
    drop(founder);
}

#[test]
fn yesterdays_backup_erases_what_it_has_as_soon_as_it_meets_anyone() {
    let (mut founder, mut volunteer, mut other, _, [gone, _]) = settled();
    meet(&mut other, &mut founder);
    let yesterday = backup(&other.replica);
    founder.erase(gone).unwrap();
    meet(&mut founder, &mut volunteer);
    let signer = Arc::clone(&other.replica.mind.signer);
    other.replica = Replica::open(yesterday, signer).unwrap();
    assert!(other.replica.show(gone).is_ok());
    let _reborn = try_meet(&mut other, &mut volunteer);
    meet(&mut other, &mut volunteer);
    assert!(other.replica.show(gone).is_err());
    assert_eq!(other.contents(), (1, 2));
}

#[test]
fn removed_devices_that_had_the_record_are_named_until_they_say_that_all_is_gone() {
    let (mut founder, mut volunteer, mut other, _, [gone, _]) = settled();
    founder
        .revoke(Removal::Member(member_of(&volunteer)))
        .unwrap();
    founder.erase(gone).unwrap();
    meet(&mut founder, &mut other);
    meet(&mut other, &mut founder);
    let device = volunteer.replica.device();
    assert!(founder.erasure().outstanding.contains(&device));
    let _leaves = try_meet(&mut volunteer, &mut founder);
    for _ in 0..3 {
        let now = Millis(volunteer.now);
        let rng = &mut volunteer.rng;
        volunteer.replica.leave(&mut Moment { now, rng }).unwrap();
        let _leaves = try_meet(&mut volunteer, &mut founder);
    }
    assert!(!founder.erasure().outstanding.contains(&device));
}

#[test]
fn kill_between_erasing_and_confirming_is_made_up_for_at_the_next_start() {
    let (mut founder, _, _, _, [gone, _]) = settled();
    // As erase does, up to its commit.
    founder
        .with_moment(|replica, moment| {
            replica.act(|tx, mind| {
                mind.seal_pending(tx, moment)?;
                let statements = mind.erasures_of(tx, &gone)?;
                let change = mind.say_all(tx, &statements)?;
                mind.follow_roster(tx, &change)
            })
        })
        .unwrap();
    assert!(founder.erasure().confirmed.is_empty());
    let signer = Arc::clone(&founder.replica.mind.signer);
    let store = backup(&founder.replica);
    founder.replica = Replica::open(store, signer).unwrap();
    assert!(founder.replica.finish_erasing().unwrap());
    let device = founder.replica.device();
    assert!(founder.erasure().confirmed.contains(&device));
    assert!(!founder.replica.finish_erasing().unwrap());
}

#[test]
fn held_change_of_somebody_who_was_cut_off_is_erased_too() {
    let (mut founder, mut volunteer, mut other, _, [gone, _]) = settled();
    founder
        .revoke(Removal::Member(member_of(&volunteer)))
        .unwrap();
    volunteer.edit(gone, "household", "stolen");
    meet(&mut volunteer, &mut other);
    meet(&mut other, &mut founder);
    assert_eq!(founder.holds(), [Hold::CutOff]);
    founder.erase(gone).unwrap();
    meet(&mut founder, &mut other);
    for phone in [&founder, &other] {
        assert_eq!(phone.contents(), (1, 3));
        assert_eq!(phone.holds(), []);
    }
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let released = founder.replica.release(&HeldOf::All, moment);
    assert_eq!(released, Err(ReplicaError::NothingHeld));
}
