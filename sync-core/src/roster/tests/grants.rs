//! Who may give whom which role.

use super::*;
use crate::roster::statement::Grant;

impl World {
    fn grant(&mut self, by: &DeviceKeys, to: &DeviceKeys, role: Role, scope: Scope) {
        let member = member_of(&self.community, &to.device());
        let nonce = vec![0; 16].into();
        let grant = Grant {
            member,
            scope,
            role,
            nonce,
            at: None,
        };
        self.say(by, Statement::Grant(grant));
    }
}

#[test]
fn coordinator_makes_a_volunteer_a_lead_who_then_invites() {
    let mut world = World::new(1);
    let owner = world.owner.clone();
    let a = Scope::Space(world.space(&owner, 1));
    let coordinator = world.member(Role::Coordinator, Scope::Community);
    let volunteer = world.member(Role::Volunteer, a);
    world.grant(&coordinator, &volunteer, Role::Lead, a);
    assert_eq!(world.role(&volunteer, a), Some(Role::Lead));
    assert_eq!(world.role(&volunteer, Scope::Community), None);
    let ticket = world.invite(&volunteer, Role::Volunteer, a, 1);
    let (newcomer, _) = world.join(&ticket);
    assert_eq!(world.role(&newcomer, a), Some(Role::Volunteer));
}

#[test]
fn nobody_grants_their_own_rank_or_one_above() {
    for (author, role, expected) in [
        (Role::Owner, Role::Coordinator, true),
        (Role::Owner, Role::Owner, false),
        (Role::Coordinator, Role::Lead, true),
        (Role::Coordinator, Role::Coordinator, false),
        (Role::Lead, Role::Lead, false),
        (Role::Lead, Role::Volunteer, true),
        (Role::Volunteer, Role::Observer, false),
        (Role::Observer, Role::Observer, false),
    ] {
        let mut world = World::new(2);
        let giver = if author == Role::Owner {
            world.owner.clone()
        } else {
            world.member(author, Scope::Community)
        };
        let owner = world.owner.clone();
        let elsewhere = Scope::Space(world.space(&owner, 1));
        let member = world.member(Role::Observer, elsewhere);
        world.grant(&giver, &member, role, Scope::Community);
        let given = world.role(&member, Scope::Community);
        assert_eq!(given, expected.then_some(role), "{author} grants {role}");
    }
}

#[test]
fn nobody_grants_themselves_more() {
    let mut world = World::new(3);
    let owner = world.owner.clone();
    let a = Scope::Space(world.space(&owner, 1));
    let lead = world.member(Role::Lead, a);
    world.grant(&lead, &lead, Role::Coordinator, Scope::Community);
    world.grant(&lead, &lead, Role::Volunteer, Scope::Community);
    assert_eq!(world.role(&lead, Scope::Community), None);
    assert_eq!(world.role(&lead, a), Some(Role::Lead));
}

#[test]
fn lead_of_one_village_grants_nothing_in_another() {
    let mut world = World::new(4);
    let owner = world.owner.clone();
    let a = Scope::Space(world.space(&owner, 1));
    let b = Scope::Space(world.space(&owner, 2));
    let lead = world.member(Role::Lead, a);
    let observer = world.member(Role::Observer, a);
    world.grant(&lead, &observer, Role::Volunteer, b);
    world.grant(&lead, &observer, Role::Volunteer, Scope::Community);
    assert_eq!(world.role(&observer, b), None);
    world.grant(&lead, &observer, Role::Volunteer, a);
    assert_eq!(world.role(&observer, a), Some(Role::Volunteer));
}

#[test]
fn grant_to_somebody_who_never_held_a_ticket_gives_nothing() {
    let mut world = World::new(5);
    let owner = world.owner.clone();
    let stranger = world.device();
    world.grant(&owner, &stranger, Role::Lead, Scope::Community);
    assert_eq!(world.role(&stranger, Scope::Community), None);
}

#[test]
fn granted_member_belongs_even_while_too_many_have_joined_with_the_ticket() {
    let mut world = World::new(6);
    let owner = world.owner.clone();
    let ticket = world.invite(&owner, Role::Volunteer, Scope::Community, 1);
    let (first, _) = world.join(&ticket);
    let (second, _) = world.join(&ticket);
    assert_eq!(world.role(&first, Scope::Community), None);
    world.grant(&owner, &first, Role::Observer, Scope::Community);
    assert_eq!(world.role(&first, Scope::Community), Some(Role::Observer));
    assert_eq!(world.role(&second, Scope::Community), None);
    let roster = world.roster();
    let member = roster.member_id(&first.device()).unwrap();
    assert!(!roster.members()[&member].is_provisional);
}

#[test]
fn grant_does_not_take_a_device_from_its_owner() {
    let mut world = World::new(7);
    let owner = world.owner.clone();
    let lead = world.member(Role::Lead, Scope::Community);
    let phone = world.device();
    world.add_device(&lead, &phone, &phone);
    let ticket = world.invite(&owner, Role::Observer, Scope::Community, 1);
    let join = world.join_of(&phone, &ticket);
    world.say(&phone, Statement::Join(join));
    world.grant(&owner, &phone, Role::Observer, Scope::Community);
    let roster = world.roster();
    let member = roster.member_id(&lead.device()).unwrap();
    assert_eq!(roster.member_id(&phone.device()), Some(member));
    for (id, member) in roster.members() {
        for device in &member.devices {
            assert_eq!(roster.member_id(device), Some(*id));
        }
    }
}
