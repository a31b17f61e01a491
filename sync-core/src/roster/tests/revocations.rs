//! Who may take what away, and what stays of those who were removed.

use super::*;
use crate::roster::statement::{Grant, Profile, Revoke, Target};

impl World {
    /// Cuts a target off where the logs of these devices end now.
    fn revoke(&mut self, by: &DeviceKeys, target: Target, logs: &[&DeviceKeys]) -> StatementId {
        let cuts = logs
            .iter()
            .filter_map(|keys| self.cuts_of(&keys.device(), 0));
        let cuts = cuts.collect();
        self.revoke_at(by, target, cuts)
    }

    fn revoke_at(&mut self, by: &DeviceKeys, target: Target, cuts: Vec<Cut>) -> StatementId {
        let nonce = vec![u8::try_from(self.said.len()).unwrap()].into();
        let revoke = Revoke {
            target,
            cuts,
            nonce,
        };
        self.say(by, Statement::Revoke(revoke))
    }

    fn member_target(&self, keys: &DeviceKeys) -> Target {
        Target::Member(member_of(&self.community, &keys.device()))
    }

    fn is_in(&self, keys: &DeviceKeys) -> bool {
        self.roster().devices().contains_key(&keys.device())
    }

    fn grant_of(&mut self, by: &DeviceKeys, to: &DeviceKeys, role: Role, nonce: u8) -> StatementId {
        let grant = Grant {
            member: member_of(&self.community, &to.device()),
            scope: Scope::Community,
            role,
            nonce: vec![nonce].into(),
            at: None,
        };
        self.say(by, Statement::Grant(grant))
    }
}

const ALL: Scope = Scope::Community;

#[test]
fn removed_lead_says_nothing_any_more_and_what_they_said_before_stays() {
    let mut world = World::new(1);
    let owner = world.owner.clone();
    let lead = world.member(Role::Lead, ALL);
    let before = world.invite(&lead, Role::Volunteer, ALL, 1);
    let (friend, _) = world.join(&before);
    let target = world.member_target(&lead);
    world.revoke(&owner, target, &[&lead]);
    let after = world.invite(&lead, Role::Volunteer, ALL, 1);
    let (stranger, _) = world.join(&after);
    assert!(!world.is_in(&lead));
    assert!(world.is_in(&friend));
    assert!(!world.is_in(&stranger));
    let roster = world.roster();
    let member = roster.member_id(&lead.device()).unwrap();
    assert!(roster.members()[&member].is_former());
    assert!(
        roster
            .lanes_of(&lead.device())
            .iter()
            .all(|lane| *lane == roster_lane(&world.community))
    );
}

#[test]
fn equals_and_lower_ranks_remove_nobody() {
    let mut world = World::new(2);
    let owner = world.owner.clone();
    let coordinators = [(); 2].map(|()| world.member(Role::Coordinator, ALL));
    let lead = world.member(Role::Lead, ALL);
    let volunteer = world.member(Role::Volunteer, ALL);
    let [first, second] = &coordinators;
    for (by, target) in [
        (first, second),
        (second, first),
        (&lead, first),
        (first, &owner),
        (&volunteer, &volunteer),
        (&volunteer, &lead),
    ] {
        let target = world.member_target(target);
        world.revoke(by, target, &[]);
    }
    for keys in coordinators.iter().chain([&owner, &lead, &volunteer]) {
        assert!(world.is_in(keys));
    }
}

#[test]
fn lead_of_one_village_takes_away_what_holds_there_alone() {
    let mut world = World::new(3);
    let owner = world.owner.clone();
    let [a, b] = [1, 2].map(|name| Scope::Space(world.space(&owner, name)));
    let lead = world.member(Role::Lead, a);
    let volunteer = world.member(Role::Volunteer, a);
    let in_both = world.member(Role::Volunteer, a);
    let member = member_of(&world.community, &in_both.device());
    let nonce = vec![1].into();
    let grant = Grant {
        member,
        scope: b,
        role: Role::Volunteer,
        nonce,
        at: None,
    };
    world.say(&owner, Statement::Grant(grant));
    let everywhere = world.member(Role::Volunteer, ALL);
    for keys in [&volunteer, &in_both, &everywhere] {
        let target = world.member_target(keys);
        world.revoke(&lead, target, &[keys]);
    }
    assert!(!world.is_in(&volunteer));
    assert_eq!(world.role(&in_both, a), None);
    assert_eq!(world.role(&in_both, b), Some(Role::Volunteer));
    assert_eq!(world.role(&everywhere, a), Some(Role::Volunteer));
}

#[test]
fn removal_by_a_removed_lead_counts_only_if_it_was_said_before() {
    let mut world = World::new(4);
    let owner = world.owner.clone();
    let lead = world.member(Role::Lead, ALL);
    let [early, late] = [(); 2].map(|()| world.member(Role::Volunteer, ALL));
    let target = world.member_target(&early);
    world.revoke(&lead, target, &[&early]);
    let target = world.member_target(&lead);
    world.revoke(&owner, target, &[&lead]);
    let target = world.member_target(&late);
    world.revoke(&lead, target, &[&late]);
    assert!(!world.is_in(&early));
    assert!(world.is_in(&late));
}

#[test]
fn concurrent_removals_of_each_others_people_both_count() {
    let mut world = World::new(5);
    let [first, second] = [(); 2].map(|()| world.member(Role::Coordinator, ALL));
    let of_first = world.invite(&first, Role::Lead, ALL, 1);
    let of_second = world.invite(&second, Role::Lead, ALL, 1);
    let (one, _) = world.join(&of_first);
    let (two, _) = world.join(&of_second);
    let target = world.member_target(&two);
    world.revoke(&first, target, &[&two]);
    let target = world.member_target(&one);
    world.revoke(&second, target, &[&one]);
    assert!(world.is_in(&first) && world.is_in(&second));
    assert!(!world.is_in(&one) && !world.is_in(&two));
}

#[test]
fn highest_rank_decides_where_a_log_ends_and_among_equals_the_furthest() {
    let mut world = World::new(6);
    let owner = world.owner.clone();
    let [one, other] = [(); 2].map(|()| world.member(Role::Coordinator, ALL));
    let thief = world.member(Role::Lead, ALL);
    let tickets: Vec<DeviceKeys> = (0..3)
        .map(|_| world.invite(&thief, Role::Volunteer, ALL, 1))
        .collect();
    let joined: Vec<DeviceKeys> = tickets.iter().map(|ticket| world.join(ticket).0).collect();
    let count = |world: &World| joined.iter().filter(|keys| world.is_in(keys)).count();
    // The thief's log: a join, then three invitations.
    let cut = |world: &World, back| world.cuts_of(&thief.device(), back).into_iter().collect();
    let target = world.member_target(&thief);
    let cuts = cut(&world, 2);
    world.revoke_at(&one, target.clone(), cuts);
    assert_eq!(count(&world), 1);
    let cuts = cut(&world, 1);
    world.revoke_at(&other, target.clone(), cuts);
    assert_eq!(count(&world), 2);
    let cuts = cut(&world, 3);
    world.revoke_at(&owner, target.clone(), cuts);
    assert_eq!(count(&world), 0);
    let cuts = cut(&world, 0);
    world.revoke_at(&other, target, cuts);
    assert_eq!(count(&world), 0);
}

#[test]
fn back_dated_statement_on_another_branch_is_not_before_the_cut() {
    let mut world = World::new(7);
    let owner = world.owner.clone();
    let thief = world.member(Role::Lead, ALL);
    world.invite(&thief, Role::Volunteer, ALL, 1);
    let target = world.member_target(&thief);
    world.revoke(&owner, target, &[&thief]);
    // Whoever holds the stolen key writes beside the last batch, at a position before the cut.
    let last = world.heads[&thief.device()];
    let fork = Head {
        seq: Seq(last.seq.0 - 1),
        chain: ChainHash::new([9; 32]),
    };
    world.heads.insert(thief.device(), fork);
    let forged = world.invite(&thief, Role::Volunteer, ALL, 1);
    let (stranger, _) = world.join(&forged);
    assert!(!world.is_in(&stranger));
}

#[test]
fn earlier_device_removes_a_later_one_and_never_the_other_way() {
    let mut world = World::new(8);
    let first = world.member(Role::Lead, ALL);
    let [second, third] = [(); 2].map(|()| world.device());
    world.add_device(&first, &second, &second);
    world.add_device(&second, &third, &third);
    for (by, target) in [(&second, &first), (&third, &second), (&third, &first)] {
        world.revoke(by, Target::Device(target.device()), &[target]);
    }
    assert!(
        [&first, &second, &third]
            .into_iter()
            .all(|keys| world.is_in(keys))
    );
    world.revoke(&first, Target::Device(second.device()), &[&second]);
    assert!(world.is_in(&first) && !world.is_in(&second));
    // It was added before the cut.
    assert!(world.is_in(&third));
    let fourth = world.device();
    let member = world.member_target(&first);
    assert_eq!(
        member,
        Target::Member(world.roster().member_id(&second.device()).unwrap())
    );
    world.add_device(&second, &fourth, &fourth);
    assert!(!world.is_in(&fourth));
    world.revoke(&third, Target::Device(third.device()), &[&third]);
    assert!(!world.is_in(&third));
}

#[test]
fn member_who_was_removed_brings_no_device_in() {
    let mut world = World::new(9);
    let owner = world.owner.clone();
    let lead = world.member(Role::Lead, ALL);
    let target = world.member_target(&lead);
    world.revoke(&owner, target, &[&lead]);
    let phone = world.device();
    world.add_device(&lead, &phone, &phone);
    assert!(!world.is_in(&phone));
}

#[test]
fn lead_is_made_a_volunteer_again_and_promoted_again() {
    let mut world = World::new(10);
    let owner = world.owner.clone();
    let member = world.member(Role::Volunteer, ALL);
    let grant = world.grant_of(&owner, &member, Role::Lead, 1);
    let ticket = world.invite(&member, Role::Volunteer, ALL, 1);
    let (friend, _) = world.join(&ticket);
    world.revoke(&owner, Target::Grant(grant), &[&member]);
    assert_eq!(world.role(&member, ALL), Some(Role::Volunteer));
    assert!(world.is_in(&friend));
    let late = world.invite(&member, Role::Observer, ALL, 1);
    assert!(world.roster().invites_of(late.invite()).next().is_none());
    world.grant_of(&owner, &member, Role::Lead, 2);
    assert_eq!(world.role(&member, ALL), Some(Role::Lead));
}

#[test]
fn revoked_invitation_lets_nobody_in_but_those_it_names() {
    let mut world = World::new(11);
    let owner = world.owner.clone();
    let ticket = world.invite(&owner, Role::Volunteer, ALL, 3);
    let (in_time, _) = world.join(&ticket);
    let (unnamed, _) = world.join(&ticket);
    world.revoke(&owner, Target::Invite(ticket.invite()), &[&in_time]);
    let (late, _) = world.join(&ticket);
    assert!(world.is_in(&in_time));
    assert!(!world.is_in(&unnamed) && !world.is_in(&late));
    let commons = crate::roster::commons(&world.community);
    let readers = world.roster().readers(&commons);
    let invite = Recipient::Invite(ticket.invite());
    assert!(readers.iter().all(|(recipient, _)| *recipient != invite));
}

#[test]
fn epoch_of_a_removed_reader_is_used_no_more_and_stays_known() {
    let mut world = World::new(12);
    let owner = world.owner.clone();
    let volunteer = world.member(Role::Volunteer, ALL);
    let space = world.space(&owner, 1);
    let to = [(Recipient::Device(owner.device()), vec![1])];
    let of_volunteer = world.epoch(&volunteer, space, &to);
    let both = [
        (Recipient::Device(owner.device()), vec![1]),
        (Recipient::Device(volunteer.device()), vec![2]),
    ];
    let shared = world.epoch(&owner, space, &both);
    let target = world.member_target(&volunteer);
    world.revoke(&owner, target, &[&volunteer]);
    let late = world.epoch(&volunteer, space, &to);
    let roster = world.roster();
    let knows = |key: &EpochKey| roster.epochs().contains_key(&(space, key.id()));
    assert!(knows(&of_volunteer) && knows(&shared) && !knows(&late));
    let usable = roster.usable_epochs(&space);
    assert!(usable.contains(&of_volunteer.id()) && !usable.contains(&shared.id()));
}

#[test]
fn name_of_a_removed_member_stays_as_it_was() {
    let mut world = World::new(13);
    let owner = world.owner.clone();
    let volunteer = world.member(Role::Volunteer, ALL);
    let name = |text: u8, version| {
        Statement::Profile(Profile {
            name: vec![text].into(),
            version,
        })
    };
    let before = world.say(&volunteer, name(1, 0));
    let target = world.member_target(&volunteer);
    world.revoke(&owner, target, &[&volunteer]);
    let after = world.say(&volunteer, name(2, 1));
    let (_, counted) = Roster::evaluate_counting(&world.community, &world.book());
    assert!(counted.contains(&before) && !counted.contains(&after));
    let roster = world.roster();
    let member = roster.member_id(&volunteer.device()).unwrap();
    assert_eq!(
        roster.members()[&member].name,
        Some((volunteer.device(), vec![1]))
    );
}

#[test]
fn device_that_was_cut_off_does_not_move_its_end_by_removing_itself() {
    let mut world = World::new(14);
    let first = world.member(Role::Lead, ALL);
    let second = world.device();
    world.add_device(&first, &second, &second);
    world.invite(&second, Role::Volunteer, ALL, 1);
    world.revoke(&first, Target::Device(second.device()), &[&second]);
    let late = world.invite(&second, Role::Volunteer, ALL, 1);
    world.revoke(&second, Target::Device(second.device()), &[&second]);
    let (stranger, _) = world.join(&late);
    assert!(!world.is_in(&stranger));
}
