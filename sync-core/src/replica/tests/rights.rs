//! Roles that are given, and what comes with them.

use super::*;
use crate::id::MemberId;

fn member_of(phone: &Phone) -> MemberId {
    let device = phone.replica.device();
    phone.replica.roster().member_id(&device).unwrap()
}

impl Phone {
    fn grant(&mut self, to: MemberId, role: Role, scope: Scope) -> Result<bool, ReplicaError> {
        let (now, mut rng) = self.moment_parts();
        let moment = &mut Moment { now, rng: &mut rng };
        self.replica.grant(to, scope, role, moment)
    }
}

#[test]
fn member_who_is_given_a_role_in_another_village_reads_what_is_there() {
    let (mut founder, mut volunteer, _) = village();
    let (now, mut rng) = founder.moment_parts();
    let moment = &mut Moment { now, rng: &mut rng };
    let other = founder.replica.add_space("仙湖村", moment).unwrap();
    let record = visit(&mut founder, other);
    meet(&mut volunteer, &mut founder);
    assert!(volunteer.replica.show(record).is_err());
    let scope = Scope::Space(other);
    assert_eq!(
        founder.grant(member_of(&volunteer), Role::Volunteer, scope),
        Ok(true)
    );
    assert_eq!(
        founder.grant(member_of(&volunteer), Role::Volunteer, scope),
        Ok(false)
    );
    meet(&mut volunteer, &mut founder);
    meet(&mut volunteer, &mut founder);
    assert!(volunteer.replica.show(record).is_ok());
    volunteer.edit(record, "household", "B");
    meet(&mut volunteer, &mut founder);
    assert_eq!(founder.replica.show(record).unwrap().title, "B");
}

#[test]
fn grant_beyond_ones_rank_is_refused_and_writes_nothing() {
    let (founder, mut volunteer, space) = village();
    let before = volunteer.replica.pending_count();
    let everybody = [member_of(&founder), member_of(&volunteer)];
    for to in everybody {
        for scope in [Scope::Community, Scope::Space(space)] {
            let refused = volunteer.grant(to, Role::Observer, scope);
            assert!(matches!(refused, Err(ReplicaError::NotAllowed { .. })));
        }
    }
    assert_eq!(volunteer.replica.pending_count(), before);
}

#[test]
fn members_are_found_by_name_or_by_the_beginning_of_their_id() {
    let (founder, volunteer, _) = village();
    let id = member_of(&volunteer);
    let name = "Li Fang";
    assert_eq!(founder.replica.find_member(name), Ok(member_of(&founder)));
    let text = id.to_string();
    let short: String = text.chars().take(8).collect();
    assert_eq!(founder.replica.find_member(&short), Ok(id));
    for nobody in ["", "ab", "Zhang San"] {
        let found = founder.replica.find_member(nobody);
        assert_eq!(
            found,
            Err(ReplicaError::UnknownMember(nobody.to_owned())),
            "{nobody}"
        );
    }
}

#[test]
fn who_may_begin_and_edit_is_told_as_it_is_done() {
    let (mut founder, mut volunteer, space) = village();
    let record = visit(&mut founder, space);
    let scope = Scope::Community;
    let mut observer = join_by_hand(&mut founder, scope, Role::Observer, 4, "黄敏");
    for phone in [&mut volunteer, &mut observer] {
        meet(phone, &mut founder);
    }
    for (phone, may_edit) in [(founder, true), (volunteer, true), (observer, false)].iter_mut() {
        let row = phone.replica.store().row(&record).unwrap().unwrap();
        let told = phone.replica.role_to_edit(&row);
        let edits = [FieldEdit::set("household", Value::Text("5号门".to_owned()))];
        let edited = phone.with_moment(|replica, moment| replica.edit(record, &edits, moment));
        assert_eq!(told.is_ok(), *may_edit);
        assert_eq!(told.err(), edited.err());
        for kind in ["visit", "commendation", "nothing"] {
            let told = phone.replica.role_to_create(kind, space);
            let begun =
                phone.with_moment(|replica, moment| replica.create(kind, space, &[], moment));
            let refused = |error: &ReplicaError| {
                matches!(
                    error,
                    ReplicaError::NotAllowed { .. } | ReplicaError::UnknownKind { .. }
                )
            };
            assert_eq!(told.err(), begun.err().filter(refused), "{kind}");
        }
    }
}
