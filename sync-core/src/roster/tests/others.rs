//! What went wrong in other systems, and does not here. docs/threat-model.md says whose case each is.

use super::*;
use crate::roster::commons;
use crate::roster::statement::{Grant, Revoke, SealedKey, Target};

const ALL: Scope = Scope::Community;

impl World {
    fn grant_role(&mut self, by: &DeviceKeys, to: &DeviceKeys, role: Role, scope: Scope) -> Target {
        let grant = Grant {
            member: member_of(&self.community, &to.device()),
            scope,
            role,
            nonce: vec![u8::try_from(self.said.len()).unwrap()].into(),
            at: None,
        };
        Target::Grant(self.say(by, Statement::Grant(grant)))
    }

    /// Removes a member where their logs end now.
    fn remove(&mut self, by: &DeviceKeys, member: &DeviceKeys) {
        let target = Target::Member(member_of(&self.community, &member.device()));
        self.take_away(by, target, member);
    }

    fn take_away(&mut self, by: &DeviceKeys, target: Target, of: &DeviceKeys) {
        let cuts = self.cuts_of(&of.device(), 0).into_iter().collect();
        let nonce = vec![u8::try_from(self.said.len()).unwrap()].into();
        let revoke = Revoke {
            target,
            cuts,
            nonce,
        };
        self.say(by, Statement::Revoke(revoke));
    }

    fn belongs(&self, keys: &DeviceKeys) -> bool {
        self.roster().devices().contains_key(&keys.device())
    }
}

#[test]
fn cycle_of_removals_through_a_newcomer_removes_no_equal() {
    let mut world = World::new(1);
    let [a, b, c] = [(); 3].map(|()| world.member(Role::Coordinator, ALL));
    let ticket = world.invite(&c, Role::Lead, ALL, 1);
    let (d, join) = world.join(&ticket);
    world.confirm(&c, join);
    for (by, whom) in [(&a, &b), (&b, &c), (&d, &a)] {
        world.remove(by, whom);
    }
    for keys in [&a, &b, &c, &d] {
        assert!(world.belongs(keys));
    }
}

#[test]
fn any_number_of_newcomers_removes_nobody_above_them_and_no_equal() {
    let mut world = World::new(2);
    let owner = world.owner.clone();
    let [lead, other] = [(); 2].map(|()| world.member(Role::Lead, ALL));
    let ticket = world.invite(&lead, Role::Volunteer, ALL, 20);
    let crowd: Vec<DeviceKeys> = (0..20).map(|_| world.join(&ticket).0).collect();
    for by in &crowd {
        for whom in [&other, &owner, &crowd[0]] {
            world.remove(by, whom);
        }
    }
    assert!(world.belongs(&other) && world.belongs(&owner) && world.belongs(&crowd[0]));
}

#[test]
fn friends_grant_does_not_bring_a_removed_member_back() {
    let mut world = World::new(3);
    let owner = world.owner.clone();
    let friend = world.member(Role::Lead, ALL);
    let removed = world.member(Role::Volunteer, ALL);
    // Said before the friend hears of the removal, and again after it.
    world.grant_role(&friend, &removed, Role::Observer, ALL);
    world.remove(&owner, &removed);
    for role in [Role::Volunteer, Role::Observer] {
        world.grant_role(&friend, &removed, role, ALL);
    }
    assert!(!world.belongs(&removed));
    let late = world.device();
    world.add_device(&removed, &late, &late);
    assert!(!world.belongs(&late));
}

#[test]
fn key_handed_to_the_newcomer_of_a_removed_lead_is_used_no_more() {
    let mut world = World::new(4);
    let owner = world.owner.clone();
    let bear = world.member(Role::Lead, ALL);
    let honest = world.member(Role::Volunteer, ALL);
    world.remove(&owner, &bear);
    let ticket = world.invite(&bear, Role::Volunteer, ALL, 1);
    let (owl, _) = world.join(&ticket);
    // Nobody has told this volunteer yet: by their roster the newcomer belongs.
    let commons = commons(&world.community);
    let to = [&owner, &honest, &owl].map(|keys| (to_device(keys), vec![1; 80]));
    let leaked = world.epoch(&honest, commons, &to);
    let [good, ..] = &to;
    let kept = world.epoch(&owner, commons, std::slice::from_ref(good));
    let roster = world.roster();
    assert!(!roster.knows(&owl.device()));
    assert_eq!(roster.usable_epochs(&commons), [kept.id()]);
    assert!(roster.epochs().contains_key(&(commons, leaked.id())));
    let newcomers = [to_device(&owl), to_ticket(&ticket), to_device(&bear)];
    let readers = roster.readers(&commons);
    assert!(readers.iter().all(|(it, _)| !newcomers.contains(it)));
}

#[test]
fn key_in_an_invitation_that_is_taken_back_is_used_no_more() {
    let mut world = World::new(5);
    let owner = world.owner.clone();
    let space = world.space(&owner, 1);
    let ticket = world.invite(&owner, Role::Volunteer, Scope::Space(space), 3);
    let to = [&owner].map(|keys| (to_device(keys), vec![1; 80]));
    let to = [to.as_slice(), &[(to_ticket(&ticket), vec![2; 80])]].concat();
    let shared = world.epoch(&owner, space, &to);
    assert_eq!(world.roster().usable_epochs(&space), [shared.id()]);
    world.take_away(&owner, Target::Invite(ticket.invite()), &ticket);
    assert!(world.roster().usable_epochs(&space).is_empty());
    // Inviting with the same ticket once more does not make it good again for what it opened.
    let again = invite_to(&ticket, Role::Observer, Scope::Space(space), 1);
    world.say(&owner, Statement::Invite(again));
    assert!(world.roster().usable_epochs(&space).is_empty());
}

/// An invitation of the owner that carries this key itself, as a phone writes it.
fn carrying(world: &mut World, key: &EpochKey, space: LaneId, uses: u16) -> DeviceKeys {
    let ticket = world.device();
    let mut invite = invite_to(&ticket, Role::Volunteer, Scope::Space(space), uses);
    invite.keys.push(SealedKey {
        space,
        epoch: key.id(),
        sealed: vec![2; 80].into(),
    });
    let owner = world.owner.clone();
    world.say(&owner, Statement::Invite(invite));
    ticket
}

#[test]
fn key_that_an_invitation_carries_is_used_no_more_once_it_is_taken_back() {
    let mut world = World::new(11);
    let owner = world.owner.clone();
    let space = world.space(&owner, 1);
    let to = [(to_device(&owner), vec![1; 80])];
    let key = world.epoch(&owner, space, &to);
    let ticket = carrying(&mut world, &key, space, 3);
    assert_eq!(world.roster().usable_epochs(&space), [key.id()]);
    world.take_away(&owner, Target::Invite(ticket.invite()), &ticket);
    assert!(world.roster().usable_epochs(&space).is_empty());
}

#[test]
fn key_that_a_removed_member_came_with_is_used_no_more() {
    for by_role in [false, true] {
        let mut world = World::new(12);
        let owner = world.owner.clone();
        let space = world.space(&owner, 1);
        let to = [(to_device(&owner), vec![1; 80])];
        let key = world.epoch(&owner, space, &to);
        let ticket = carrying(&mut world, &key, space, 3);
        let (stays, join) = world.join(&ticket);
        world.confirm(&owner, join);
        let (goes, join) = world.join(&ticket);
        assert_eq!(world.roster().usable_epochs(&space), [key.id()]);
        let invite = (to_ticket(&ticket), ticket.sealing_key());
        assert!(world.roster().readers(&space).contains(&invite));
        // Nothing was ever sealed to the device itself: the ticket has told it all.
        if by_role {
            world.take_away(&owner, Target::Grant(join), &goes);
        } else {
            world.remove(&owner, &goes);
        }
        let roster = world.roster();
        assert!(roster.may_read(&stays.device(), &space));
        assert!(!roster.may_read(&goes.device(), &space));
        assert!(roster.usable_epochs(&space).is_empty());
        // What is made now is not sealed to the ticket again, and is used.
        assert!(!roster.readers(&space).contains(&invite));
        let both = [&owner, &stays].map(|keys| (to_device(keys), vec![1; 80]));
        let next = world.epoch(&owner, space, &both);
        assert_eq!(world.roster().usable_epochs(&space), [next.id()]);
    }
}

#[test]
fn key_of_a_reader_whose_role_is_taken_away_is_used_no_more() {
    let mut world = World::new(6);
    let owner = world.owner.clone();
    let [a, b] = [1, 2].map(|name| world.space(&owner, name));
    let member = world.member(Role::Volunteer, Scope::Space(a));
    let grant = world.grant_role(&owner, &member, Role::Lead, Scope::Space(b));
    let to = [&owner, &member].map(|keys| (to_device(keys), vec![1; 80]));
    let [of_a, of_b] = [a, b].map(|space| world.epoch(&owner, space, &to));
    world.take_away(&owner, grant, &member);
    let roster = world.roster();
    let device = member.device();
    assert!(roster.may_read(&device, &a) && !roster.may_read(&device, &b));
    assert_eq!(roster.usable_epochs(&a), [of_a.id()]);
    assert!(roster.usable_epochs(&b).is_empty(), "{:?}", of_b.id());
}

#[test]
fn roster_goes_on_after_nearly_everybody_was_removed_at_once() {
    let mut world = World::new(7);
    let owner = world.owner.clone();
    let coordinators = [(); 2].map(|()| world.member(Role::Coordinator, ALL));
    let lead = world.member(Role::Lead, ALL);
    let (holder, _) = world.join(&sheet());
    // Each of these was allowed when it was said, by what its author had heard.
    world.remove(&coordinators[0], &lead);
    for coordinator in &coordinators {
        world.remove(&owner, coordinator);
    }
    world.remove(&holder, &owner);
    let everybody = coordinators.iter().chain([&owner, &lead]);
    assert!(everybody.clone().all(|keys| !world.belongs(keys)));
    assert_eq!(world.roster().devices().len(), 1);
    let ticket = world.invite(&holder, Role::Owner, ALL, 1);
    let (next, join) = world.join(&ticket);
    world.confirm(&holder, join);
    assert_eq!(world.role(&next, ALL), Some(Role::Owner));
    let coordinator = world.invite(&next, Role::Coordinator, ALL, 1);
    let (newcomer, _) = world.join(&coordinator);
    assert_eq!(world.role(&newcomer, ALL), Some(Role::Coordinator));
}

#[test]
fn nobody_below_the_sheet_removes_an_owner() {
    let mut world = World::new(8);
    let owner = world.owner.clone();
    let coordinator = world.member(Role::Coordinator, ALL);
    let second = world.device();
    world.add_device(&owner, &second, &second);
    for by in [&owner, &coordinator, &second] {
        world.remove(by, &owner);
    }
    let device = Target::Device(owner.device());
    for by in [&coordinator, &second] {
        world.take_away(by, device.clone(), &owner);
    }
    assert_eq!(world.role(&owner, ALL), Some(Role::Owner));
}

#[test]
fn proofs_of_another_community_prove_nothing_here() {
    let (mut here, mut there) = (World::new(9), World::new(10));
    assert_ne!(here.community, there.community);
    // One ticket's key, given in both, and one person who joined in one of them.
    let ticket = there.device();
    for world in [&mut here, &mut there] {
        let owner = world.owner.clone();
        let invite = invite_to(&ticket, Role::Volunteer, ALL, 1);
        world.say(&owner, Statement::Invite(invite));
    }
    let (joiner, _) = there.join(&ticket);
    let join = Statement::Join(there.join_of(&joiner, &ticket));
    let (kind, bytes) = join.encode();
    assert!(read_raw(&there, &joiner, kind, &bytes).is_some());
    assert_eq!(read_raw(&here, &joiner, kind, &bytes), None);
    // A device that agreed to be somebody's there is nobody's here.
    let lead = here.member(Role::Lead, ALL);
    let phone = here.device();
    let member = here.roster().member_id(&lead.device()).unwrap();
    let sealing = phone.sealing_key();
    let proof = AddDevice::proof_bytes(&there.community, &member, &phone.device(), &sealing);
    let proof = phone.sign(&proof).unwrap().as_bytes().to_vec();
    let add = AddDevice {
        device: phone.device(),
        sealing,
        proof: proof.into(),
        label: Vec::new().into(),
    };
    here.say(&lead, Statement::AddDevice(add));
    assert!(!here.belongs(&phone));
}
