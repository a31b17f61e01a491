//! What becomes of records when somebody is cut off.

use super::*;
use crate::id::MemberId;
use crate::replica::{HeldOf, Hold, Removal};
use crate::wire::Refusal;

pub(super) fn member_of(phone: &Phone) -> MemberId {
    let device = phone.replica.device();
    phone.replica.roster().member_id(&device).unwrap()
}

impl Phone {
    pub(super) fn revoke(&mut self, removal: Removal) -> Result<Tally, ReplicaError> {
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        let done = self.replica.revoke(&removal, moment)?;
        Ok(done.tally)
    }

    fn household(&self, record: RecordId) -> Option<String> {
        let view = self.replica.show(record).ok()?;
        Some(view.title)
    }

    pub(super) fn holds(&self) -> Vec<Hold> {
        let held = self.replica.held().unwrap();
        held.iter()
            .map(|(_, row)| Hold::from_code(row.reason).unwrap())
            .collect()
    }
}

/// The founder, a volunteer's phone that will be lost, and another volunteer.
pub(super) fn three() -> (Phone, Phone, Phone, LaneId) {
    let (mut founder, mut thief, space) = village();
    let mut other = join_by_hand(
        &mut founder,
        Scope::Space(space),
        Role::Volunteer,
        3,
        "李阿姨",
    );
    meet(&mut founder, &mut other);
    meet(&mut founder, &mut thief);
    (founder, thief, other, space)
}

#[test]
fn what_came_before_the_cut_stays_with_its_author_and_what_comes_later_is_held() {
    let (mut founder, mut thief, mut other, space) = three();
    let early = visit(&mut thief, space);
    meet(&mut thief, &mut founder);
    meet(&mut other, &mut founder);
    founder
        .revoke(Removal::Device(thief.replica.device()))
        .unwrap();
    let late = visit(&mut thief, space);
    thief.edit(early, "household", "stolen");
    // The other volunteer has not heard of it yet.
    meet(&mut thief, &mut other);
    meet(&mut other, &mut founder);
    for phone in [&founder, &other] {
        let view = phone.replica.show(early).unwrap();
        assert_eq!(view.title, VISIT[0].1);
        assert_eq!(view.created_by, "陈小明");
        assert!(phone.replica.show(late).is_err());
        assert_eq!(phone.holds(), [Hold::CutOff, Hold::CutOff]);
    }
}

#[test]
fn cut_that_comes_after_what_it_cuts_unmerges_it_everywhere() {
    let (mut founder, mut thief, mut other, space) = three();
    let early = visit(&mut thief, space);
    meet(&mut thief, &mut founder);
    // The other volunteer meets the phone before the word of its loss comes.
    thief.edit(early, "household", "stolen");
    let late = visit(&mut thief, space);
    meet(&mut thief, &mut other);
    assert_eq!(other.household(early).as_deref(), Some("stolen"));
    founder.revoke(Removal::Member(member_of(&thief))).unwrap();
    meet(&mut founder, &mut other);
    for phone in [&founder, &other] {
        assert_eq!(phone.household(early).as_deref(), Some(VISIT[0].1));
        assert_eq!(phone.household(late), None);
        assert_eq!(phone.holds(), [Hold::CutOff, Hold::CutOff]);
    }
    let before = other.replica.list(&RowFilter::default()).unwrap();
    other.replica.rebuild_all().unwrap();
    assert_eq!(other.replica.list(&RowFilter::default()).unwrap(), before);
}

#[test]
fn what_honest_people_built_on_a_held_change_stays_and_is_marked() {
    let (mut founder, mut thief, mut other, space) = three();
    let late = visit(&mut thief, space);
    meet(&mut thief, &mut other);
    other.edit(late, "household", "4号门");
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    founder
        .replica
        .revoke(&Removal::Member(member_of(&thief)), moment)
        .unwrap();
    meet(&mut founder, &mut other);
    for phone in [&founder, &other] {
        assert_eq!(phone.household(late).as_deref(), Some("4号门"));
        assert_eq!(phone.holds(), [Hold::BuiltOn]);
    }
}

#[test]
fn log_that_comes_after_the_word_of_its_end_counts_as_far_as_that() {
    let (mut founder, mut thief, mut other, space) = three();
    let records: Vec<RecordId> = (0..4).map(|_| visit(&mut thief, space)).collect();
    meet(&mut thief, &mut founder);
    founder.revoke(Removal::Member(member_of(&thief))).unwrap();
    // All of the log comes at once with the roster, then by itself.
    meet(&mut founder, &mut other);
    assert!(
        records
            .iter()
            .all(|record| other.household(*record).is_some())
    );
    assert_eq!(other.holds(), []);
    let mut late = join_by_hand(
        &mut other_lead(&mut founder, space),
        Scope::Space(space),
        Role::Volunteer,
        9,
        "新人",
    );
    meet(&mut founder, &mut late);
    assert!(
        records
            .iter()
            .all(|record| late.household(*record).is_some())
    );
}

fn other_lead(founder: &mut Phone, space: LaneId) -> Phone {
    join_by_hand(founder, Scope::Space(space), Role::Lead, 8, "组长")
}

#[test]
fn removed_device_is_told_so_and_reads_nothing_new() {
    let (mut founder, mut thief, _, space) = three();
    let old = visit(&mut thief, space);
    meet(&mut thief, &mut founder);
    founder
        .revoke(Removal::Device(thief.replica.device()))
        .unwrap();
    let new = visit(&mut founder, space);
    meet(&mut thief, &mut founder);
    assert!(thief.replica.show(new).is_err());
    assert!(thief.replica.status().unwrap().is_removed);
    let kind = thief.replica.schema().kind("visit").unwrap();
    let edits = [kind.parse_edit("household", "x").unwrap()];
    let (now, mut rng) = thief.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let refused = thief.replica.create("visit", space, &edits, moment);
    assert_eq!(refused, Err(ReplicaError::Removed));
    let refused = thief.replica.edit(old, &edits, moment);
    assert_eq!(refused.unwrap_err(), ReplicaError::Removed);
}

#[test]
fn removal_beyond_ones_rank_is_refused_and_writes_nothing() {
    let (mut founder, mut volunteer, other, _) = three();
    let before = volunteer.replica.pending_count();
    for target in [&founder, &other] {
        let refused = volunteer.revoke(Removal::Member(member_of(target)));
        assert!(matches!(
            refused,
            Err(ReplicaError::NotAllowed { .. } | ReplicaError::OwnerStays)
        ));
    }
    assert_eq!(volunteer.replica.pending_count(), before);
    let member = member_of(&other);
    assert!(founder.revoke(Removal::Member(member)).is_ok());
    let again = founder.revoke(Removal::Member(member));
    assert_eq!(again, Err(ReplicaError::NothingToRevoke));
}

#[test]
fn role_is_taken_away_and_the_rest_stays() {
    let (mut founder, mut lead, _, space) = three();
    let member = member_of(&lead);
    let scope = Scope::Space(space);
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    founder
        .replica
        .grant(member, scope, Role::Lead, moment)
        .unwrap();
    meet(&mut founder, &mut lead);
    founder
        .revoke(Removal::Role(member, scope, Role::Lead))
        .unwrap();
    meet(&mut founder, &mut lead);
    let roles = &lead.replica.roster().members()[&member].roles;
    assert_eq!(
        roles.iter().collect::<Vec<_>>(),
        [&(scope, Role::Volunteer)]
    );
    let record = visit(&mut lead, space);
    meet(&mut founder, &mut lead);
    assert!(founder.household(record).is_some());
}

#[test]
fn invitation_that_is_taken_back_lets_nobody_in() {
    let (mut founder, _, _, space) = three();
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let scope = Scope::Space(space);
    let ticket = founder
        .replica
        .invite(scope, Role::Volunteer, 1, moment)
        .unwrap();
    founder.revoke(Removal::Invite(ticket.invite())).unwrap();
    let stranger = Phone::join(20, &ticket, "陌生人");
    let join = stranger.replica.join_to_present().unwrap();
    let device = stranger.replica.device();
    let heard = founder.replica.hear_join(&device, &join, moment).unwrap();
    assert_eq!(heard, Err(Refusal::InviteUnknown));
    let roster = founder.replica.roster();
    assert!(!roster.knows(&stranger.replica.device()));
}

/// A record that the founder holds because its author had been cut off, and that author's phone.
fn with_held() -> (Phone, Phone, Phone, RecordId, LaneId) {
    let (mut founder, mut thief, mut other, space) = three();
    founder.revoke(Removal::Member(member_of(&thief))).unwrap();
    let late = visit(&mut thief, space);
    meet(&mut thief, &mut other);
    meet(&mut other, &mut founder);
    assert_eq!(founder.holds(), [Hold::CutOff]);
    (founder, thief, other, late, space)
}

impl Phone {
    pub(super) fn decide(&mut self, which: HeldOf, is_final: bool) -> Result<(), ReplicaError> {
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        if is_final {
            self.replica.discard(&which, moment)?;
        } else {
            self.replica.release(&which, moment)?;
        }
        Ok(())
    }
}

#[test]
fn held_entry_counts_everywhere_once_it_is_released() {
    let (mut founder, _, mut other, late, space) = with_held();
    founder.decide(HeldOf::Record(late), false).unwrap();
    assert_eq!(founder.household(late).as_deref(), Some(VISIT[0].1));
    meet(&mut other, &mut founder);
    assert_eq!(other.household(late).as_deref(), Some(VISIT[0].1));
    assert_eq!(other.holds(), []);
    let mut friend = join_by_hand(
        &mut founder,
        Scope::Space(space),
        Role::Volunteer,
        12,
        "何妹",
    );
    meet(&mut friend, &mut founder);
    assert!(friend.household(late).is_some());
    assert_eq!(
        founder.decide(HeldOf::All, false),
        Err(ReplicaError::NothingHeld)
    );
}

#[test]
fn discarded_entry_stays_out_and_a_volunteer_decides_nothing() {
    let (mut founder, _, mut other, late, _) = with_held();
    let refused = other.decide(HeldOf::All, false);
    assert_eq!(
        refused,
        Err(ReplicaError::NotAllowed { least: Role::Owner })
    );
    founder.decide(HeldOf::All, true).unwrap();
    meet(&mut other, &mut founder);
    for phone in [&founder, &other] {
        assert_eq!(phone.holds(), [Hold::Discarded]);
        assert_eq!(phone.household(late), None);
    }
    // At the same rank, what was left out stays out.
    assert!(matches!(
        founder.decide(HeldOf::All, false),
        Err(ReplicaError::NotAllowed { .. })
    ));
    assert_eq!(
        founder.decide(HeldOf::All, true),
        Err(ReplicaError::NothingHeld)
    );
}
